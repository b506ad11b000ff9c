"""From the inbox into the report: shuffled batches, and what was withdrawn taken out."""

from __future__ import annotations

import secrets
from datetime import date
from typing import Any

from sqlalchemy import Connection, Select, Table, delete, func, insert, select, update
from sqlmodel import col

from surveys.store.collect import batches
from surveys.tables import ENDED, Comment, Release, Submission, Survey, Waiting

BATCH = 5  # answers enter the report at least so many at a time
MOVED = ("receipt_hash", "survey_id", "unit", "channel", "language", "day", "order", "flags", "closed")
WAITING: Table = Waiting.__table__  # type: ignore[attr-defined]
SUBMISSION: Table = Submission.__table__  # type: ignore[attr-defined]


def due(connection: Connection, today: date) -> list[tuple[int, int]]:
    """Surveys that need a release: (id, least number of changes).

    A closed survey's last few answers stay in the inbox: released alone they could be told apart.  A withdrawal must
    take effect all the same; after closing, those of a day are applied together on the next.
    """
    waiting = _by_survey(connection, select(WAITING.c.survey_id, func.count()).group_by(WAITING.c.survey_id))
    leaving = _by_survey(
        connection,
        select(SUBMISSION.c.survey_id, func.count()).where(SUBMISSION.c.withdrawn).group_by(SUBMISSION.c.survey_id),
    )
    if not waiting and not leaving:
        return []
    ended = select(col(Survey.id)).where(
        col(Survey.id).in_({*waiting, *leaving}), col(Survey.phase).in_(ENDED) | (col(Survey.closes_on) < today)
    )
    closed = set(connection.execute(ended).scalars())
    found = []
    for survey_id in sorted({*waiting, *leaving}):
        new, gone = waiting.get(survey_id, 0), leaving.get(survey_id, 0)
        if (new if survey_id in closed else new + gone) >= BATCH:
            found.append((survey_id, BATCH))
        elif survey_id in closed and gone and _last_day(connection, survey_id) < today:
            found.append((survey_id, 1))
    return found


def _by_survey(connection: Connection, query: Select[int, int]) -> dict[int, int]:
    return {int(row[0]): int(row[1]) for row in connection.execute(query)}


def _last_day(connection: Connection, survey_id: int) -> date:
    last = connection.execute(select(func.max(Release.released_on)).where(col(Release.survey_id) == survey_id)).scalar()
    return last or date.min


def release(connection: Connection, survey_id: int, today: date, *, least: int = BATCH) -> int | None:
    """Move what waits into the report as one shuffled batch, and take out what was withdrawn.

    Returns the release's number, or None when fewer than `least` changes wait.  With a smaller `least`, fewer new
    answers than a batch stay where they are: only what was withdrawn goes.
    """
    # The update comes first: it locks the survey's row, so two releases of one survey queue behind each other.
    connection.execute(
        update(Survey)
        .where(col(Survey.id) == survey_id)
        .values(releases=col(Survey.releases) + 1, revision=col(Survey.revision) + 1)
    )
    number = int(connection.execute(select(col(Survey.releases)).where(col(Survey.id) == survey_id)).scalar_one())
    rows = connection.execute(select(WAITING).where(col(Waiting.survey_id) == survey_id)).mappings().all()
    leaving = connection.execute(
        select(func.count()).where(col(Submission.survey_id) == survey_id, col(Submission.withdrawn))
    ).scalar_one()
    if least < BATCH and len(rows) < BATCH:
        rows = []
    if len(rows) + leaving < max(least, 1):
        connection.execute(
            update(Survey)
            .where(col(Survey.id) == survey_id)
            .values(releases=col(Survey.releases) - 1, revision=col(Survey.revision) - 1)
        )
        return None
    shuffled = [dict(row) for row in rows]
    secrets.SystemRandom().shuffle(shuffled)
    comments = _comments(shuffled, survey_id)
    connection.execute(delete(Submission).where(col(Submission.survey_id) == survey_id, col(Submission.withdrawn)))
    _forget_corrected(connection, shuffled)
    if shuffled:
        connection.execute(
            insert(Submission),
            [{key: row[key] for key in MOVED} | {"release": number, "withdrawn": False} for row in shuffled],
        )
        # Exactly the rows that were moved: more may have arrived since they were read.
        for batch in batches([row["receipt_hash"] for row in shuffled]):
            connection.execute(delete(Waiting).where(col(Waiting.receipt_hash).in_(batch)))
    if comments:
        connection.execute(insert(Comment), comments)
    connection.execute(
        insert(Release).values(
            survey_id=survey_id, number=number, submissions=len(shuffled), withdrawn=leaving, released_on=today
        )
    )
    return number


def _forget_corrected(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Take out what the new rows stand in for: answers that were corrected, and their comments."""
    for batch in batches([row["receipt_hash"] for row in rows]):
        connection.execute(delete(Submission).where(col(Submission.receipt_hash).in_(batch)))
    for batch in batches([key for row in rows for key, _ in row["comments"].values()]):
        connection.execute(delete(Comment).where(col(Comment.key_hash).in_(batch)))


def _comments(rows: list[dict[str, Any]], survey_id: int) -> list[dict[str, Any]]:
    found = [
        {
            "key_hash": key,
            "survey_id": survey_id,
            "question": question,
            "language": row["language"],
            "text": text,
        }
        for row in rows
        for question, (key, text) in row["comments"].items()
        if text
    ]
    secrets.SystemRandom().shuffle(found)
    return found
