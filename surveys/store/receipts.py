"""What a receipt code opens: to see the answers, to correct them until the survey closes, to take them back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, update
from sqlmodel import col

from surveys.coding import Answers, Codebook
from surveys.store.collect import Arrival, check, comment_key, fingerprint, spend_one, spending, tidy_code
from surveys.tables import Comment, Draft, Parked, Submission, Waiting

WAITING: Table = Waiting.__table__  # type: ignore[attr-defined]
SUBMISSION: Table = Submission.__table__  # type: ignore[attr-defined]
_CARRIED = ("receipt_hash", "survey_id", "unit", "channel", "day", "order", "flags")


class Unknown(LookupError):
    """The receipt code opens nothing of this survey, or its answers were withdrawn."""


@dataclass(frozen=True)
class Kept:
    """What a receipt code opens."""

    survey_id: int
    answers: Answers
    language: str
    day: date
    waiting: bool  # still in the inbox
    withdrawn: bool  # taken back; gone from the report with the next release
    order: int = 0  # the seed by which the items were ordered
    unit: str = ""


def open_receipt(connection: Connection, code: str) -> Kept | None:
    """The submission that belongs to a receipt code, or None."""
    key = fingerprint("receipt", tidy_code(code))
    for table in (WAITING, SUBMISSION):
        row = connection.execute(select(table).where(table.c.receipt_hash == key)).mappings().first()
        if row is None:
            continue
        if table is WAITING:
            comments = {question: text for question, (_, text) in row["comments"].items() if text}
        else:
            comments = _own_comments(connection, row["survey_id"], code)
        return Kept(
            row["survey_id"],
            Answers(bytearray(row["closed"]), comments),
            row["language"],
            row["day"],
            table is WAITING,
            bool(row.get("withdrawn", False)),
            row["order"],
            row["unit"],
        )
    return None


def _own_comments(connection: Connection, survey_id: int, code: str) -> dict[str, str]:
    questions = (
        connection.execute(select(col(Comment.question)).where(col(Comment.survey_id) == survey_id).distinct())
        .scalars()
        .all()
    )
    keys = {comment_key(code, question): question for question in questions}
    rows = connection.execute(select(col(Comment.key_hash), col(Comment.text)).where(col(Comment.key_hash).in_(keys)))
    return {keys[key]: text for key, text in rows}


def withdraw(connection: Connection, code: str) -> bool:
    """Take back the answers of a receipt code; False when the code opens nothing.

    Answers that wait are deleted at once.  Released ones are marked, and deleted with the
    next release: a report that moved by one person at once would tell which answers they were.  Comments go at once.
    """
    key = fingerprint("receipt", tidy_code(code))
    # Answers that were corrected wait beside those that the report still has.
    waited = connection.execute(delete(Waiting).where(col(Waiting.receipt_hash) == key)).rowcount > 0
    row = connection.execute(
        select(col(Submission.survey_id)).where(col(Submission.receipt_hash) == key, ~col(Submission.withdrawn))
    ).first()
    if row is None:
        return waited
    questions = (
        connection.execute(select(col(Comment.question)).where(col(Comment.survey_id) == row[0]).distinct())
        .scalars()
        .all()
    )
    connection.execute(
        delete(Comment).where(col(Comment.key_hash).in_([comment_key(code, question) for question in questions]))
    )
    connection.execute(update(Submission).where(col(Submission.receipt_hash) == key).values(withdrawn=True))
    return True


def correct(connection: Connection, survey_id: int, book: Codebook, arrival: Arrival, code: str) -> None:
    """Put other answers in the place of those a receipt code opens; the code stays the same.

    Answers that wait are changed where they are.  Released ones stay in the report until the next release brings the
    new ones in company: a report that moved by one person at once would tell what was changed.

    Parameters
    ----------
    connection
        An open transaction; the caller acknowledges after its commit.
    survey_id, book
        The survey and its frozen fields.
    arrival
        The new answers under a key of their own, so that a second try changes nothing.  Branch, way in, day, order of
        the items and flags stay those of the first time.
    code
        The receipt code.

    Raises
    ------
    Unknown
        The code opens nothing of this survey.
    Conflict
        The key has brought other answers before.
    ValueError
        Bytes do not fit the survey's fields.
    """
    check(book, arrival)
    key = fingerprint("receipt", tidy_code(code))
    if not spend_one(connection, spending(survey_id, arrival)):
        return
    # A text that was taken out stays as an empty one, so that the next release knows which comment has to go.
    texts = {name: [comment_key(code, name), arrival.comments.get(name, "")] for name in book.texts}
    new: dict[str, Any] = {"closed": arrival.closed, "language": arrival.language, "comments": texts}
    mine = (WAITING.c.receipt_hash == key) & (WAITING.c.survey_id == survey_id)
    if not connection.execute(update(WAITING).where(mine).values(**new)).rowcount:
        released = select(*(SUBMISSION.c[name] for name in _CARRIED)).where(
            SUBMISSION.c.receipt_hash == key, SUBMISSION.c.survey_id == survey_id, ~SUBMISSION.c.withdrawn
        )
        row = connection.execute(released).mappings().first()
        if row is None:
            raise Unknown("the receipt code opens nothing of this survey")
        connection.execute(insert(WAITING), [dict(row) | new])
    draft = fingerprint("draft", arrival.key)
    connection.execute(delete(Draft).where(col(Draft.token_hash) == draft))
    connection.execute(delete(Parked).where(col(Parked.draft_hash) == draft))
