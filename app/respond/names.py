"""Names put into the wording of items on a page: the bank's, the branch's, and what was chosen before."""

from __future__ import annotations

import re
from collections.abc import Mapping

from markupsafe import escape

from app.words import worded
from surveys.coding import Answers, Codebook
from surveys.piping import BANK, BRANCH
from surveys.questionnaire import Questionnaire

MARKED = re.compile(r'<span data-pipe="([A-Za-z0-9_]+)">([^<]*)</span>')


def fill(page: str, names: Mapping[str, str]) -> str:
    """A page with the names that are known in their places; the others keep what is said without them."""
    if "data-pipe" not in page:
        return page

    def put(found: re.Match[str]) -> str:
        known = names.get(found[1])
        return f'<span data-pipe="{found[1]}">{escape(known)}</span>' if known else found[0]

    return MARKED.sub(put, page)


def names_of(questionnaire: Questionnaire, book: Codebook, answers: Answers, bank: str, branch: str) -> dict[str, str]:
    """Every name that a person's page can know."""
    found = {BANK: bank, BRANCH: branch}
    for question in questionnaire.questions():
        if question.type == "single":
            number = book.place[question.id]
            code = book.fields[number].show(answers.closed[number])
            label = next((option.label for option in question.options if option.code == code), None)
            if label:
                found[question.id] = worded(label)
    return found
