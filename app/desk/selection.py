"""What a report is about: all released answers of a survey, or a part chosen by filters that cannot single people out.

Disclosure rules: a part is shown from the survey's floor upwards; among the options of one filter enough are hidden
that none of the hidden ones follows by subtraction; and a part is not shown when taking it from the whole it was cut
from would leave a small group.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from analysis.coded import score_matrix
from analysis.disclosure import complementary, may_show
from analysis.matrix import ScoreMatrix
from app.words import _, worded
from surveys.coding import Codebook, codebook
from surveys.questionnaire import Questionnaire
from surveys.store import read
from surveys.tables import Survey

MOST_FILTERS = {"customer": 2}  # staff and managers: one, since few people share two traits


@dataclass(frozen=True)
class Trait:
    """Something answers can be filtered by: a code a row, and the values the codes stand for (-1: none)."""

    id: str
    values: tuple[str, ...]
    codes: NDArray[np.int16]


@dataclass(frozen=True)
class Holdings:
    """The released answers of a survey at one revision, ready to be filtered and summed up."""

    questionnaire: Questionnaire
    book: Codebook
    released: read.Released
    matrix: ScoreMatrix
    traits: tuple[Trait, ...]


@dataclass(frozen=True)
class Choice:
    """One option of a filter in the present view."""

    value: str
    n: int
    chosen: bool
    shown: bool


@dataclass(frozen=True)
class Selection:
    """The rows in view and the state of every filter; `refused` when the chosen part is too small to show."""

    rows: NDArray[np.bool_]
    chosen: dict[str, str]
    choices: dict[str, tuple[Choice, ...]]
    refused: bool

    @property
    def n(self) -> int:
        """Answers in view."""
        return int(self.rows.sum())


def hold(engine: Engine, survey: Survey, questionnaire: Questionnaire) -> Holdings:
    """Read the released answers of a survey."""
    book = codebook(questionnaire)
    with engine.connect() as connection:
        released = read.released(connection, survey.id or 0, book)
    matrix = score_matrix(questionnaire, book, released.closed)
    return Holdings(questionnaire, book, released, matrix, tuple(_traits(questionnaire, book, released)))


def _traits(questionnaire: Questionnaire, book: Codebook, released: read.Released) -> list[Trait]:
    months = np.array([read.period_of(day) for day in released.day], dtype=object)
    found = [_by_value("unit", released.unit), _by_value("via", released.channel), _by_value("period", months)]
    for question in questionnaire.questions("segments"):
        if question.type == "single":
            column = released.closed[:, book.place[question.id]].astype(np.int16) - 1
            values = tuple(option.code for option in question.options)
            found.append(Trait(question.id, values, np.where(column < len(values), column, -1).astype(np.int16)))
    return [trait for trait in found if len(set(trait.codes.tolist()) - {-1}) > 1]


def _by_value(name: str, column: NDArray[np.object_]) -> Trait:
    values, codes = np.unique(column.astype(str), return_inverse=True) if len(column) else (np.array([]), np.array([]))
    named = tuple(str(value) for value in values)
    shifted = codes.astype(np.int16)
    if named and named[0] == "":  # no unit in the link is no unit of its own
        named, shifted = named[1:], (shifted - 1).astype(np.int16)
    return Trait(name, named, shifted)


def select(holdings: Holdings, wished: Mapping[str, str]) -> Selection:
    """Filter the answers by what the address asks for; unknown filters and values are left out of account."""
    traits = {trait.id: trait for trait in holdings.traits}
    most = MOST_FILTERS.get(holdings.questionnaire.audience, 1)
    known = {name: value for name, value in wished.items() if name in traits and value in traits[name].values}
    chosen = dict(list(known.items())[:most])
    floor = holdings.questionnaire.min_group
    n = holdings.released.n
    masks = {name: traits[name].codes == traits[name].values.index(value) for name, value in chosen.items()}
    rows = _all_of(masks, n)
    choices, refused = {}, len(known) > most
    for name, trait in traits.items():
        others = _all_of({other: mask for other, mask in masks.items() if other != name}, n)
        choices[name] = _choices(trait, others, chosen.get(name), floor)
        if name in chosen:
            shown = next(choice.shown for choice in choices[name] if choice.chosen)
            refused |= not shown or not may_show(int(rows.sum()), int(others.sum()), floor)
    return Selection(rows, chosen, choices, refused or (bool(chosen) and int(rows.sum()) < floor))


def _all_of(masks: Mapping[str, NDArray[np.bool_]], n: int) -> NDArray[np.bool_]:
    rows = np.ones(n, dtype=bool)
    for mask in masks.values():
        rows &= mask
    return rows


def _choices(trait: Trait, context: NDArray[np.bool_], chosen: str | None, floor: int) -> tuple[Choice, ...]:
    counted = np.bincount(trait.codes[context] + 1, minlength=len(trait.values) + 1)
    counts = {value: int(number) for value, number in zip(trait.values, counted[1:], strict=True)}
    # Those without a value are a part of the whole too: they may not follow by subtraction either.
    parts = {value: number for value, number in counts.items() if number} | (
        {"": int(counted[0])} if counted[0] else {}
    )
    hidden = complementary(parts, floor)
    return tuple(
        Choice(
            value,
            number if value not in hidden and number >= floor else 0,
            value == chosen,
            number >= floor and value not in hidden,
        )
        for value, number in counts.items()
    )


def label(holdings: Holdings, trait: str, value: str | None = None) -> str:
    """The name of a filter, or of one of its options, in the reader's language."""
    names = {"unit": _("Branch"), "via": _("Way in"), "period": _("Month")}
    question = holdings.questionnaire.question(trait)
    if value is None:
        return names.get(trait) or (worded(question.short or question.prompt) if question else trait)
    if question is not None and trait not in names:
        return next(worded(option.label) for option in question.options if option.code == value)
    return value
