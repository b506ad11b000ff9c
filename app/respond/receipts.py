"""What a receipt code opens: one's own answers in words, and the way to withdraw them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from app.respond.headings import page_title, part_name
from app.respond.shell import SurveyView, day_in_words, draw
from app.words import _, mixed, worded
from surveys.codes import BLANK, DO_NOT_KNOW, NOT_APPLICABLE, NOT_ASKED
from surveys.coding import Answers, Codebook
from surveys.form import Card, Page, Row, pages, visible
from surveys.questionnaire import Questionnaire, Text

Told = tuple[str, date, Text]
"""Branch, day, and what was changed there."""


@dataclass(frozen=True)
class Section:
    """The answers of one page of the form: `answers` pairs each question with its lines."""

    title: str
    answers: tuple[tuple[str, tuple[str, ...]], ...]


def receipt_ask(survey: SurveyView, *, wrong: bool = False, receipt_path: str, code: str = "") -> str:
    """Ask for the receipt code; `wrong` says that the code just given opened nothing."""
    return draw("receipt_ask", survey, switch="link", receipt_path=receipt_path, wrong=wrong, code=code[:40])


def receipt_show(
    survey: SurveyView,
    book: Codebook,
    questionnaire: Questionnaire,
    answers: Answers | None,
    comments: Mapping[str, str],
    waiting: bool,
    receipt_path: str,
    code: str,
    unsure: bool = False,
    changeable: bool = False,
    told: Sequence[Told] = (),
) -> str:
    """All answers of one person in words, with the ways to change and to withdraw them.

    `answers` is None when they cannot be read just now.  `waiting` says that they are in no report yet, `unsure` that
    withdrawing was asked for without the tick that confirms it, `changeable` that the survey still takes answers;
    `told` is what the branch and the bank have changed since.
    """
    sections = list(_sections(pages(questionnaire), book, answers, comments)) if answers else []
    return draw(
        "receipt",
        survey,
        switch="code",
        code=code,
        receipt_path=receipt_path,
        sections=sections,
        waiting=waiting,
        unsure=unsure,
        changeable=changeable,
        told=_in_words(told),
    )


def changes(survey: SurveyView, told: Sequence[Told]) -> str:
    """What was changed because of the survey."""
    return draw("changes", survey, switch="link", told=_in_words(told))


def _in_words(told: Sequence[Told]) -> list[tuple[str, str, str]]:
    return [(unit, day_in_words(day), worded(words)) for unit, day, words in told]


def withdrawn(survey: SurveyView) -> str:
    """The answers are gone."""
    words = _("Later reports are made without them. Reports already published keep their figures.")
    return draw(
        "message",
        survey,
        title=_("Your answers are withdrawn"),
        sentences=[words],
        receipt_path="",
        wrong=False,
        again="",
    )


def _sections(
    all_pages: Sequence[Page], book: Codebook, answers: Answers, comments: Mapping[str, str]
) -> Iterator[Section]:
    for page in all_pages:
        told = []
        for card in visible(page, book, answers):
            if any(answers.closed[number] != NOT_ASKED for number in card.fields) or card.kind == "text":
                told.append((worded(card.legend), tuple(_lines(card, book, answers, comments))))
        if told:
            title = page_title(page)
            if page.parts > 1 and page.name:
                title = mixed("%(page)s · %(part)s", {"page": title, "part": part_name(page)})
            yield Section(title, tuple(told))


def _lines(card: Card, book: Codebook, answers: Answers, comments: Mapping[str, str]) -> Iterator[str]:
    if card.kind == "text":
        yield comments.get(card.name) or _("Left blank")
    elif card.rows:
        for row in card.rows:
            words = _rated(row, answers.closed[row.field])
            told = {"name": worded(row.label), "answer": words}
            yield mixed(_("%(name)s: %(answer)s"), told) if row.label else words
    elif card.question and all(answers.closed[number] == BLANK for number in card.fields):
        yield _("Left blank")
    elif card.question:
        yield from _chosen(card, book, answers)


def _chosen(card: Card, book: Codebook, answers: Answers) -> Iterator[str]:
    options = card.question.options if card.question else ()
    if card.kind == "single":
        code = book.fields[card.fields[0]].show(answers.closed[card.fields[0]])
        yield next((worded(option.label) for option in options if option.code == code), code)
        return
    for number, option in zip(card.fields, options, strict=True):
        value = book.fields[number].show(answers.closed[number])
        if card.kind == "points":
            yield mixed(_("%(name)s: %(answer)s"), {"name": worded(option.label), "answer": value})
        elif value == "1":
            yield worded(option.label)


def _rated(row: Row, byte: int) -> str:
    scale = row.scale
    if byte in (BLANK, NOT_ASKED):
        return _("Left blank")
    beside = scale.na if byte == NOT_APPLICABLE else scale.dk if byte == DO_NOT_KNOW else None
    if beside:
        return worded(beside.label)
    value = byte - 1 + scale.min
    words = _("%(value)s of %(high)s") % {"value": value, "high": scale.max}
    anchor = worded(scale.anchors.get(value, {}))
    return mixed(_("%(answer)s: %(word)s"), {"answer": words, "word": anchor}) if anchor else words
