"""Released answers as arrays: a million submissions are a view over bytes, not a parse."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select
from sqlmodel import col

from surveys.coding import Codebook
from surveys.tables import Comment, Submission


@dataclass(frozen=True)
class Released:
    """The released submissions of a survey, in no order that tells anything (by the hash of their receipts).

    Attributes
    ----------
    closed : (n, fields) uint8
        One byte an answer, in the order of the survey's codebook.
    unit, channel, language, day : (n,) object arrays
    release : (n,) int32
        Number of the release in which each entered the report.
    flags, order : (n,) int32 or None
        How each came (`surveys.flags`), and the seed of its items' order (`surveys.order`); None is not known.
    """

    closed: NDArray[np.uint8]
    unit: NDArray[np.object_]
    channel: NDArray[np.object_]
    language: NDArray[np.object_]
    day: NDArray[np.object_]
    release: NDArray[np.int32]
    flags: NDArray[np.int32] | None = None
    order: NDArray[np.int32] | None = None

    @property
    def n(self) -> int:
        """Number of submissions."""
        return int(self.closed.shape[0])


def released(connection: Connection, survey_id: int, book: Codebook) -> Released:
    """All released submissions of a survey.  Those withdrawn stay until the next release takes them out."""
    result = connection.execute(
        select(
            col(Submission.closed),
            col(Submission.unit),
            col(Submission.channel),
            col(Submission.language),
            col(Submission.day),
            col(Submission.release),
            col(Submission.flags),
            col(Submission.order),
        )
        .where(col(Submission.survey_id) == survey_id)
        .order_by(col(Submission.receipt_hash))
    )
    # The driver's own rows: dressing a hundred thousand of them up takes longer than reading them.
    rows = result.cursor.fetchall()
    result.close()
    closed, unit, channel, language, day, release, flags, order = zip(*rows, strict=True) if rows else [()] * 8
    dates = {value: date.fromisoformat(value) if isinstance(value, str) else value for value in set(day)}

    def column(values: Iterable[object]) -> NDArray[np.object_]:
        return np.fromiter(values, object, len(rows))

    return Released(
        np.frombuffer(b"".join(closed), np.uint8).reshape(len(rows), len(book)),
        column(unit),
        column(channel),
        column(language),
        column(map(dates.get, day)),
        np.array(release, np.int32),
        np.array(flags, np.int32),
        np.array(order, np.int32),
    )


def comments(connection: Connection, survey_id: int) -> list[tuple[str, str, str]]:
    """Released comments as (question, language, text), in the order of their keys, which is none."""
    return [
        (question, language, text)
        for question, language, text in connection.execute(
            select(col(Comment.question), col(Comment.language), col(Comment.text))
            .where(col(Comment.survey_id) == survey_id)
            .order_by(col(Comment.key_hash))
        )
    ]


def period_of(day: date) -> str:
    """The calendar month of a day, the period that reports are filtered by."""
    return f"{day.year:04d}-{day.month:02d}"
