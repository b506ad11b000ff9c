"""Answers <-> bytes: one byte a closed answer, in the survey's frozen field order.

`codebook(questionnaire)` lists the fields in that order; it is a function of the frozen questionnaire alone, so a
submission can be read for as long as its survey exists.  Free text lies apart (`Answers.comments`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from surveys.codes import BLANK, DO_NOT_KNOW, HIGHEST_ANSWER, NOT_APPLICABLE, NOT_ASKED
from surveys.lots import lots
from surveys.questionnaire import SUFFIX, Column, Question, Questionnaire, Scale

Kind = Literal["rating", "choice", "chosen", "points"]


class Refused(ValueError):
    """A value that its field does not allow; `allowed` says what it does."""

    def __init__(self, name: str, value: object, allowed: str):
        self.name, self.value, self.allowed = name, value, allowed
        super().__init__(f"{name}: the value is {value!r}; allowed is {allowed}")


@dataclass(frozen=True)
class Field:
    """One closed answer: one byte.

    A `rating` is a scale point, a `choice` one option of several, `chosen` tells of one option of a multiple
    choice whether it was taken, `points` is a share of a constant sum.  `drawn` marks ratings of an item that in the
    short form is asked of some only.
    """

    name: str
    kind: Kind
    low: int = 0
    high: int = 0
    options: tuple[str, ...] = ()
    na: str | None = None
    dk: str | None = None
    item: str | None = None
    column: Column | None = None
    question: str | None = None
    drawn: bool = False

    @property
    def allowed(self) -> str:
        """What may be written in this field, in words."""
        if self.kind == "choice":
            words = "one of " + ", ".join(self.options)
        elif self.kind == "chosen":
            words = "1 (chosen) or 0 (not chosen)"
        else:
            words = f"a whole number from {self.low} to {self.high}"
        extra = [code for code in (self.na, self.dk) if code]
        return f"{words}, or {' or '.join(extra)}" if extra else words

    @cached_property
    def _bytes(self) -> dict[str, int]:
        """The usual spelling of each value -> its byte: nearly all that is read is found here."""
        codes = (BLANK, *range(1, HIGHEST_ANSWER + 1), DO_NOT_KNOW, NOT_APPLICABLE)
        return {self.show(byte): byte for byte in codes if self.holds(byte)}

    def read(self, text: str) -> int:
        """The byte of a written value; blank text is a blank answer.

        Raises
        ------
        Refused
            When the value is not one the field allows.
        """
        text = text.strip()
        byte = self._bytes.get(text)
        if byte is not None:
            return byte
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else -1
        if self.kind != "choice" and self.low <= number <= self.high:  # written otherwise, as in "05"
            return number - self.low + 1
        raise Refused(self.name, text, self.allowed)

    def show(self, byte: int) -> str:
        """The written value of a byte; "" for a blank and for a question that was not asked."""
        if byte in (BLANK, NOT_ASKED):
            return ""
        if byte == NOT_APPLICABLE:
            return self.na or ""
        if byte == DO_NOT_KNOW:
            return self.dk or ""
        return self.options[byte - 1] if self.kind == "choice" else str(byte - 1 + self.low)

    def holds(self, byte: int) -> bool:
        """Whether `byte` is a code this field can hold."""
        if byte in (BLANK, NOT_ASKED):
            return True
        if byte == NOT_APPLICABLE:
            return self.na is not None
        if byte == DO_NOT_KNOW:
            return self.dk is not None
        return byte <= (len(self.options) if self.kind == "choice" else self.high - self.low + 1)


@dataclass(frozen=True)
class Codebook:
    """The closed fields of a questionnaire in frozen order, and the names of its free texts."""

    fields: tuple[Field, ...]
    texts: tuple[str, ...]
    limits: dict[str, int]

    @cached_property
    def place(self) -> dict[str, int]:
        """Name -> place of the byte."""
        return {field.name: number for number, field in enumerate(self.fields)}

    def __len__(self) -> int:
        return len(self.fields)


@dataclass
class Answers:
    """What one person has answered so far: a byte a field, and free texts by question."""

    closed: bytearray
    comments: dict[str, str] = field(default_factory=dict)

    @classmethod
    def blank(cls, codebook: Codebook) -> Answers:
        """Nothing answered yet."""
        return cls(bytearray(len(codebook)))

    @classmethod
    def begun(cls, codebook: Codebook, left_out: Collection[str]) -> Answers:
        """Nothing answered yet, and the items `left_out` not to be asked."""
        return cls(bytearray(NOT_ASKED if f.drawn and f.item in left_out else BLANK for f in codebook.fields))


def _rating(name: str, scale: Scale, na: bool = True, **about: object) -> Field:
    return Field(
        name,
        "rating",
        scale.min,
        scale.max,
        (),
        scale.na.code if scale.na and na else None,
        scale.dk.code if scale.dk else None,
        **about,  # type: ignore[arg-type]
    )


def _question_fields(question: Question) -> list[Field]:
    if question.type == "scale" and question.scale:
        return [_rating(question.id, question.scale, question=question.id, item=question.item)]
    if question.type == "single":
        return [Field(question.id, "choice", options=tuple(o.code for o in question.options), question=question.id)]
    if question.type == "multiple":
        return [Field(f"{question.id}__{o.code}", "chosen", 0, 1, question=question.id) for o in question.options]
    if question.type == "constant_sum":
        return [
            Field(f"{question.id}__{o.code}", "points", 0, question.total, question=question.id)
            for o in question.options
        ]
    return []


def _make(questionnaire: Questionnaire) -> Codebook:
    fields: list[Field] = []
    drawn = {item for lot in lots(questionnaire) for item in lot.items}
    for column in questionnaire.columns:
        importance = questionnaire.item_importance
        scale = questionnaire.scale(importance.scale) if column == "importance" and importance else None
        for item in questionnaire.items:
            # "Does not apply" is a matter of experience, so only perception has it.
            na = column == "perception" and item.allow_na
            name = f"{item.id}_{SUFFIX[column]}"
            about = {"item": item.id, "column": column, "drawn": item.id in drawn}
            fields.append(_rating(name, scale or questionnaire.rating_scale, na, **about))
    for question in questionnaire.questions():
        fields += _question_fields(question)
    texts = {question.id: question.max_chars for question in questionnaire.questions() if question.type == "text"}
    return Codebook(tuple(fields), tuple(texts), texts)


def codebook(questionnaire: Questionnaire) -> Codebook:
    """The fields of a questionnaire in the order of their bytes.

    Expectation of all items first, then perception (in three columns: minimum, desired, perception), then rated
    importance, then the other questions in the order of the questionnaire.
    """
    return _make(questionnaire)


def clean_text(text: str) -> str:
    """Free text as it may be stored: line ends unified, no control characters, no lone surrogates, NFC."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(
        letter for letter in text if letter in "\n\t" or unicodedata.category(letter) not in ("Cc", "Cs", "Co", "Cn")
    )
    return unicodedata.normalize("NFC", kept).strip()
