"""Answers on their way to another device: sealed under a resume code that only their sender has.

What is parked is everything a visit knows, the sender's key among it, so that on whichever device it is finished, it
is one submission.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, delete, insert, select
from sqlmodel import col

from surveys.sealing import Unsealable, seal, unseal
from surveys.store.collect import ALPHABET, draft_expiry, fingerprint, tidy_code
from surveys.tables import Parked

LETTERS = 16
MOST_BYTES = 256 * 1024


@dataclass(frozen=True)
class Visit:
    """What a visit knows.

    `values` are the answers as a form posts them; `path` is where it began, a short or personal link among it; of a
    correction, `corrects` is the receipt code, and `order` and `out` (items not asked) are those of the first time.
    """

    key: str
    path: str
    language: str
    values: dict[str, list[str]] = field(default_factory=dict)
    furthest: int = 0
    corrects: str = ""
    order: int | None = None
    out: list[str] | None = None


def new_code() -> str:
    """A fresh resume code: 80 random bits, written as four groups of four."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(LETTERS))
    return "-".join(letters[at : at + 4] for at in range(0, LETTERS, 4))


def park(connection: Connection, survey_id: int, visit: Visit, today: date, code: str = "") -> str:
    """Keep a visit for another device; what was parked of it before is replaced.

    Parameters
    ----------
    connection
        An open transaction.
    survey_id, visit
        The survey, and what to keep.
    today
        The first of the days it is kept.
    code
        The code that was given before, to stay the same.

    Returns
    -------
    str
        The resume code.

    Raises
    ------
    ValueError
        When there is more to keep than a form may hold.
    """
    data = json.dumps(asdict(visit), ensure_ascii=False).encode()
    if len(data) > MOST_BYTES:
        raise ValueError(f"{len(data)} bytes are to be kept; allowed are {MOST_BYTES}")
    draft = fingerprint("draft", visit.key)
    connection.execute(delete(Parked).where(col(Parked.draft_hash) == draft))
    tidy = tidy_code(code)
    if len(tidy) != LETTERS or connection.execute(select(Parked).where(col(Parked.code_hash) == _hash(tidy))).first():
        code = new_code()
        tidy = tidy_code(code)
    row = {
        "code_hash": _hash(tidy),
        "draft_hash": draft,
        "survey_id": survey_id,
        "sealed": seal(tidy, data),
        "expires_on": draft_expiry(today),
    }
    connection.execute(insert(Parked), [row])
    return code


def fetch(connection: Connection, survey_id: int, code: str, today: date) -> Visit | None:
    """The visit that a resume code opens, or None; it stays parked until it is sent or its time is over.

    Parameters
    ----------
    connection, survey_id, code
    today
        A visit whose time was over before is gone.
    """
    tidy = tidy_code(code)
    sealed = connection.execute(
        select(col(Parked.sealed)).where(
            col(Parked.code_hash) == _hash(tidy), col(Parked.survey_id) == survey_id, col(Parked.expires_on) >= today
        )
    ).scalar()
    if sealed is None:
        return None
    try:
        found: dict[str, Any] = json.loads(unseal(tidy, bytes(sealed)))
    except Unsealable:
        return None
    return Visit(**found)


def _hash(tidy: str) -> str:
    return fingerprint("resume", tidy)


def delete_expired(connection: Connection, today: date) -> int:
    """Delete what was parked and not fetched in time."""
    return connection.execute(delete(Parked).where(col(Parked.expires_on) < today)).rowcount
