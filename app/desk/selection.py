"""What a report is about: all released answers of a survey, or a part chosen by filters that single nobody out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from sqlalchemy import Engine

from analysis.coded import score_matrix
from analysis.disclosure import complementary
from analysis.matrix import ScoreMatrix
from analysis.thresholds import DEFAULT
from app.desk.views import Part, Rows, Trait, Views
from app.languages import own_name
from app.words import _, worded
from surveys.coding import Codebook, codebook
from surveys.questionnaire import Questionnaire
from surveys.store import read
from surveys.tables import Survey

MOST_FILTERS = {"customer": 2}  # staff and managers: one, since few people share two traits


@dataclass(frozen=True)
class Holdings:
    """The released answers of a survey at one revision, ready to be filtered and summed up."""

    questionnaire: Questionnaire
    book: Codebook
    released: read.Released
    matrix: ScoreMatrix | None  # None when the questionnaire has no items
    views: Views

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all released answers."""
        return hashlib.sha256(self.released.closed.tobytes()).hexdigest()


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

    rows: Rows
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
    matrix = score_matrix(questionnaire, book, released.closed) if questionnaire.items else None
    floor = max(questionnaire.min_group, DEFAULT.display_floor)
    views = Views(tuple(_traits(questionnaire, book, released)), released.release, floor)
    unit = next((trait for trait in views.traits if trait.id == "unit"), None)
    if matrix is not None and unit is not None:
        matrix = replace(matrix, branch=unit.codes, branches=unit.values)
    return Holdings(questionnaire, book, released, matrix, views)


def _traits(questionnaire: Questionnaire, book: Codebook, released: read.Released) -> list[Trait]:
    found = [
        _by_value("unit", released.unit.tolist(), str),
        _by_value("via", released.channel.tolist(), str),
        _by_value("language", released.language.tolist(), str),
        _by_value("period", released.day.tolist(), read.period_of),
    ]
    for question in questionnaire.questions("segments"):
        if question.type == "single":
            column = released.closed[:, book.place[question.id]].astype(np.int16) - 1
            values = tuple(option.code for option in question.options)
            found.append(Trait(question.id, values, np.where(column < len(values), column, -1).astype(np.int16)))
    return [trait for trait in found if np.unique(trait.codes[trait.codes >= 0]).size > 1]


def _by_value(name: str, column: list[Any], words: Callable[[Any], str]) -> Trait:
    found = {value: words(value) for value in set(column)}  # few values stand in many rows
    named = tuple(sorted({word for word in found.values() if word}))  # no unit in the link is no unit of its own
    places = {value: named.index(word) if word else -1 for value, word in found.items()}
    return Trait(name, named, np.fromiter(map(places.__getitem__, column), np.int16, len(column)))


def select(holdings: Holdings, wished: Mapping[str, str]) -> Selection:
    """Filter the answers by what the address asks for; unknown filters and values are left out of account."""
    views = holdings.views
    traits = {trait.id: trait for trait in views.traits}
    most = MOST_FILTERS.get(holdings.questionnaire.audience, 1)
    known = {name: value for name, value in wished.items() if name in traits and value in traits[name].values}
    chosen = dict(list(known.items())[:most])
    choices, refused = {}, len(known) > most
    for name, trait in traits.items():
        others = [other for other in chosen.items() if other[0] != name]
        if len(others) < most:
            choices[name] = tuple(_choices(views, trait, chosen.get(name), others))
        if name in chosen:
            refused |= not any(choice.chosen and choice.shown for choice in choices[name])
    return Selection(views.rows(list(chosen.items())), chosen, choices, refused)


def _choices(views: Views, trait: Trait, chosen: str | None, others: list[Part]) -> Iterator[Choice]:
    counted = views.sizes(trait.id, others)
    parts = {value: number for value, number in zip(("", *trait.values), counted, strict=True) if number}
    # Those without a value are a part of the whole too: they may not follow by subtraction either.
    hidden = complementary(parts, views.floor)
    for value in trait.values:
        part = (trait.id, value)
        shown = value in parts and value not in hidden and views.allowed([*others, part])
        yield Choice(value, views.number([*others, part]) if shown else 0, value == chosen, shown)


def label(holdings: Holdings, trait: str, value: str | None = None) -> str:
    """The name of a filter, or of one of its options, in the reader's language."""
    names = {"unit": _("Branch"), "via": _("Way in"), "language": _("Language"), "period": _("Month")}
    question = holdings.questionnaire.question(trait)
    if value is None:
        return names.get(trait) or (worded(question.short or question.prompt) if question else trait)
    if question is not None and trait not in names:
        return next(worded(option.label) for option in question.options if option.code == value)
    return own_name(value, holdings.questionnaire.languages) if trait == "language" else value
