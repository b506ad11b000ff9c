"""The pages of questions.

Thousands of people are shown the same page, so each page is rendered once per survey and language as a `Skeleton`:
its text cut at the slots where answers, messages and the person's own path go.  Showing it is filling the slots.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from app.respond.faults import first_field, heading, leave_words, only_blank, place_of, sentence
from app.respond.headings import instruction, page_of, page_title, place, stages_done
from app.respond.shell import SurveyView, draw
from app.words import _, language, render, worded
from surveys.codes import BLANK, DO_NOT_KNOW, NOT_APPLICABLE
from surveys.coding import Answers, Codebook
from surveys.form import Card, Fault, Page, visible
from surveys.store.collect import DRAFT_DAYS

LONG_LIST = 20
"""Options from which on a single choice is a list to unfold."""
LISTED = 4
"""Faults named in the summary; the rest are counted."""
KEPT = 512
"""Skeletons kept in memory, of about 20 kB each."""

# No wording can contain it, so no wording can open a slot.
_SEAM = secrets.token_hex(12)


def slot(name: str) -> Markup:
    """A place in a template that is filled for each person."""
    return Markup(f"{{{_SEAM}:{name}}}")  # noqa: S704 - names of fields only, which are plain identifiers


@dataclass(frozen=True)
class Skeleton:
    """A page's text with its slots cut out: `pieces` alternate text and (empty) slots, `places` says which is which."""

    pieces: tuple[str, ...]
    places: dict[str, tuple[int, ...]]

    @classmethod
    def of(cls, text: str) -> Skeleton:
        """Cut a rendered template at its slots."""
        cut = re.split(rf"\{{{_SEAM}:([^}}]*)\}}", re.sub(r"\n\s+", "\n", text))
        places: dict[str, tuple[int, ...]] = {}
        for number in range(1, len(cut), 2):
            places[cut[number]] = (*places.get(cut[number], ()), number)
        return cls(tuple("" if number % 2 else piece for number, piece in enumerate(cut)), places)

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with `values` in its slots (already escaped); slots without a value stay empty."""
        pieces = list(self.pieces)
        for name, value in values.items():
            for number in self.places.get(name, ()):
                pieces[number] = value
        return "".join(pieces)


_kept: dict[tuple[object, ...], Skeleton] = {}


def form_page(
    survey: SurveyView,
    page: Page,
    pages: Sequence[Page],
    book: Codebook,
    answers: Answers,
    faults: Sequence[Fault] = (),
    refused: Mapping[str, str] | None = None,
    last: bool = False,
    shown: int = 1,
    of: int = 1,
) -> str:
    """One page of questions.

    Parameters
    ----------
    survey, page, pages, book
        The survey, the page to show, all pages of the form, and the survey's fields.
    answers
        What has been answered so far; it also decides which conditional questions are shown.
    faults, refused
        What `surveys.form.read_page` found wrong, and the texts it refused.
    last
        Whether sending this page sends the answers.
    shown, of
        Which of the person's pages this is, and how many there are.
    """
    cards = visible(page, book, answers)
    names = tuple(card.name for card in cards)
    key = (survey.key, survey.bank, survey.simulated, page.number, language(), names, last, shown, of)
    skeleton = _kept.get(key)
    if skeleton is None:
        skeleton = _build(survey, page, pages, book, cards, last, shown, of)
        while len(_kept) >= KEPT:
            _kept.pop(next(iter(_kept)), None)
        _kept[key] = skeleton
    values = {"path": str(escape(survey.path))}
    _put_answers(values, cards, book, answers, refused or {})
    if faults:
        _put_faults(values, page, cards, faults, next_words(last))
    return skeleton.fill(values)


def next_words(last: bool) -> str:
    """What stands on the button that goes on."""
    return _("Send my answers") if last else _("Next")


def on_page(page: Page, pages: Sequence[Page], cards: tuple[Card, ...], shown: int, of: int) -> dict[str, Any]:
    """What the templates show of one page: its words, its place on the way, its cards."""
    kinds = {card.kind for card in cards}
    return {
        "width": "wide" if "levels" in kinds else "" if "rating" in kinds else "narrow",
        "title": page_title(page),
        "place": place(page, pages, shown, of),
        "instruction": instruction(page),
        "stages": stages_done(page, pages),
        "page_of": page_of(shown, of),
        "shown": shown,
        "of": of,
        "page": page,
        "cards": cards,
        "split": "rating" in kinds,
    }


def on_every_page(book: Codebook) -> dict[str, Any]:
    """What the templates of the cards need besides."""
    return {"book": book, "not_applicable": NOT_APPLICABLE, "do_not_know": DO_NOT_KNOW, "long_list": LONG_LIST}


def _build(
    survey: SurveyView,
    page: Page,
    pages: Sequence[Page],
    book: Codebook,
    cards: tuple[Card, ...],
    last: bool,
    shown: int,
    of: int,
) -> Skeleton:
    text = draw(
        "form",
        survey,
        **on_page(page, pages, cards, shown, of),
        **on_every_page(book),
        switch="inside",
        first=page.number == pages[0].number,
        next=next_words(last),
        days=DRAFT_DAYS,
        slot=slot,
        mark=lambda field, byte: slot(f"{field}={byte}"),
    )
    return Skeleton.of(text)


def _put_answers(
    values: dict[str, str], cards: Sequence[Card], book: Codebook, answers: Answers, refused: Mapping[str, str]
) -> None:
    for card in cards:
        if card.kind == "text":
            written = refused.get(card.name) or answers.comments.get(card.name, "")
            if written:
                values[f"text {card.name}"] = str(escape(written))
        elif card.kind == "points":
            for number in card.fields:
                field = book.fields[number]
                written = refused.get(field.name) or field.show(answers.closed[number])
                if written:
                    values[f"points {field.name}"] = str(escape(written))
        else:
            chosen = " selected" if card.kind == "single" and card.question and unfolds(card) else " checked"
            for number in card.fields:
                byte = answers.closed[number]
                if byte != BLANK:
                    values[f"{number}={byte}"] = chosen


def unfolds(card: Card) -> bool:
    """Whether a single choice has so many options that it is a list to unfold."""
    return card.question is not None and len(card.question.options) > LONG_LIST


def _put_faults(values: dict[str, str], page: Page, cards: Sequence[Card], faults: Sequence[Fault], next: str) -> None:
    by_name = {card.name: card for card in cards}
    links: dict[str, tuple[str, str]] = {}
    for fault in faults:
        card = by_name.get(fault.card)
        if card is None:  # the question hangs on another that was just answered differently
            continue
        name = place_of(fault, card)
        values[f"bad {card.name}"] = " bad"
        values[f"described {name}"] = Markup(' aria-describedby="{}-error"').format(name)
        values[f"also {name}"] = Markup(" {}-error").format(name)
        message = Markup('<p class="error" id="{}-error">{}</p>').format(name, sentence(fault, card))
        values.setdefault(f"error {name}", message)
        links.setdefault(card.name, (first_field(fault, card), worded(card.legend)))
    words = heading(faults)
    blank = only_blank(faults)
    values["summary"] = render(
        "respond/summary.html",
        heading=words,
        links=list(links.values()),
        listed=LISTED if len(links) > LISTED + 1 else LISTED + 1,
        leave=leave_words(len(links), next) if blank else "",
    )
    values["title"] = Markup("{}: ").format(words)
    if blank:
        values["seen"] = f'<input type="hidden" name="seen" value="{page.number}">'
