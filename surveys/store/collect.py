"""Answers in: drafts, the one ingest function, shuffled releases, receipts and withdrawal."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection, Table, bindparam, delete, insert, select, update
from sqlalchemy import text as statement
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from surveys.coding import Codebook, codebook
from surveys.questionnaire import Questionnaire
from surveys.store import quotas
from surveys.tables import Draft, Parked, Spent, Survey, Waiting

DRAFT_DAYS = 7
DRAFT: Table = Draft.__table__  # type: ignore[attr-defined]
WAITING: Table = Waiting.__table__  # type: ignore[attr-defined]
SPENT: Table = Spent.__table__  # type: ignore[attr-defined]
# The statements of a customer's way are made once: making one takes longer than the database needs to run it.
_BEGUN = ("token_hash", "survey_id", "language", "closed", "comments", "expires_on", "unit", "channel", "furthest")
_FIND_DRAFT = select(*(DRAFT.c[name] for name in _BEGUN)).where(
    DRAFT.c.token_hash == bindparam("key"), DRAFT.c.survey_id == bindparam("survey")
)
_CHANGE_DRAFT = (
    update(DRAFT)
    .where(DRAFT.c.token_hash == bindparam("key"))
    .values({name: bindparam(name) for name in ("closed", "comments", "language", "furthest", "expires_on")})
)
_ADD_DRAFT, _ADD_SPENT, _ADD_WAITING = insert(DRAFT), insert(SPENT), insert(WAITING)
_ADD_UNSPENT = statement(  # the same words for both databases
    "INSERT INTO spent (key_hash, survey_id, body_hash) VALUES (:key_hash, :survey_id, :body_hash) "
    "ON CONFLICT DO NOTHING"
)
_DELETE_PARKED = delete(Parked).where(col(Parked.draft_hash) == bindparam("key"))
_DELETE_DRAFT = delete(DRAFT).where(DRAFT.c.token_hash == bindparam("key"))
_WHO_SPENT = select(SPENT.c.survey_id).where(SPENT.c.key_hash == bindparam("key"))
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U


class Conflict(ValueError):
    """The same key came with other answers."""


@dataclass(frozen=True)
class Arrival:
    """One set of answers at the door, whichever door: web, file, program."""

    key: str  # idempotency key: a secret of the sender, never stored itself
    closed: bytes
    comments: dict[str, str]
    language: str
    day: date
    unit: str = ""
    channel: str = ""
    drafted: bool = True  # whether a draft may lie under the key, which has to go
    order: int = 0  # the seed of the items' order, 0 for the questionnaire's own
    flags: int = 0  # surveys.flags

    @property
    def body_hash(self) -> str:
        """Tells two bodies apart without keeping either."""
        text = json.dumps([self.closed.hex(), self.comments, self.unit, self.channel], sort_keys=True)
        # Keyed with the sender's secret: a plain hash of so few possible answers could be guessed from the table.
        return hmac.new(self.key.encode(), text.encode(), "sha256").hexdigest()


def fingerprint(purpose: str, secret: str) -> str:
    """What is stored instead of a secret: its hash, different for each purpose."""
    return hashlib.sha256(f"fivegaps:{purpose}:{secret}".encode()).hexdigest()


def new_key() -> str:
    """A fresh idempotency key; it also opens the draft."""
    return secrets.token_urlsafe(24)


def receipt_code(key: str) -> str:
    """The receipt code that belongs to a key: 80 bits, written as four groups of four.

    It is derived, so that the same key sent twice gives the same receipt without the code being stored.
    """
    number = int.from_bytes(hmac.new(key.encode(), b"fivegaps:receipt", "sha256").digest()[:10], "big")
    letters = "".join(ALPHABET[(number >> (5 * place)) & 31] for place in range(16))
    return "-".join(letters[at : at + 4] for at in range(0, 16, 4))


def tidy_code(code: str) -> str:
    """A receipt code as it is hashed: upper case, the look-alikes resolved, spaces and hyphens gone."""
    letters = code.upper().translate(str.maketrans("ILO", "110"))
    return "".join(letter for letter in letters if letter in ALPHABET)


def comment_key(code: str, question: str) -> str:
    """The key of a comment, which only the holder of the receipt code can work out."""
    return fingerprint(f"comment:{question}", tidy_code(code))


@dataclass
class Begun:
    """A draft as it is worked on: the row of `Draft` without the machinery of a table's class."""

    token_hash: str
    survey_id: int
    language: str
    closed: bytes
    comments: dict[str, str]
    expires_on: date
    unit: str = ""
    channel: str = ""
    furthest: int = 0


def begin_draft(connection: Connection, draft: Begun | Draft) -> None:
    """Write a new draft."""
    connection.execute(_ADD_DRAFT, {name: getattr(draft, name) for name in _BEGUN})


def lay_down(connection: Connection, draft: Begun) -> None:
    """Write a draft in the place of one that may lie under the same key."""
    connection.execute(_DELETE_DRAFT, {"key": draft.token_hash})
    begin_draft(connection, draft)


def save_draft(connection: Connection, draft: Begun | Draft) -> None:
    """Write a draft's changes.

    A draft that is gone stays gone: it was sent a moment ago from another window, and its answers must not lie about.
    """
    changed = {name: getattr(draft, name) for name in ("closed", "comments", "language", "furthest", "expires_on")}
    connection.execute(_CHANGE_DRAFT, changed | {"key": draft.token_hash})


def draft_expiry(today: date) -> date:
    """The day after which an untouched draft is deleted."""
    return today + timedelta(days=DRAFT_DAYS)


def find_draft(connection: Connection, survey_id: int, key: str) -> Begun | None:
    """The draft that a key opens."""
    row = connection.execute(_FIND_DRAFT, {"key": fingerprint("draft", key), "survey": survey_id}).first()
    return Begun(*row) if row else None


def forget_draft(connection: Connection, key: str) -> None:
    """Delete the draft that a key opens."""
    connection.execute(_DELETE_DRAFT, {"key": fingerprint("draft", key)})


def delete_expired_drafts(connection: Connection, today: date) -> int:
    """Delete drafts whose time is over."""
    return connection.execute(delete(Draft).where(col(Draft.expires_on) < today)).rowcount


def ingest(connection: Connection, survey_id: int, book: Codebook, arrivals: Sequence[Arrival]) -> list[str]:
    """Take answers into the inbox: the only way in, for one from the web as for a file of many.

    Parameters
    ----------
    connection
        An open transaction; the caller acknowledges after its commit.
    survey_id, book
        The survey and its frozen fields.
    arrivals
        The answers.  The same key with the same answers is accepted again and changes nothing.

    Returns
    -------
    list of str
        The receipt codes, in the order of `arrivals`.

    Raises
    ------
    Conflict
        A key has already brought other answers.
    ValueError
        Bytes do not fit the survey's fields.  Nothing of `arrivals` is kept then.
    """
    for arrival in arrivals:
        check(book, arrival)
    codes = [receipt_code(arrival.key) for arrival in arrivals]
    fresh = _spend(connection, [spending(survey_id, arrival) for arrival in arrivals])
    new = [arrival for arrival, is_new in zip(arrivals, fresh, strict=True) if is_new]
    over = iter(quotas.take_places(connection, survey_id, book, new) if new else ())
    waiting = [
        {
            "receipt_hash": fingerprint("receipt", tidy_code(code)),
            "survey_id": survey_id,
            "unit": arrival.unit,
            "channel": arrival.channel,
            "language": arrival.language,
            "day": arrival.day,
            "order": arrival.order,
            "flags": arrival.flags | next(over),
            "closed": arrival.closed,
            "comments": {question: [comment_key(code, question), text] for question, text in arrival.comments.items()},
        }
        for arrival, code, is_new in zip(arrivals, codes, fresh, strict=True)
        if is_new
    ]
    if waiting:
        connection.execute(_ADD_WAITING, waiting)
    if drafts := [{"key": fingerprint("draft", arrival.key)} for arrival in arrivals if arrival.drafted and waiting]:
        connection.execute(_DELETE_DRAFT, drafts)
        connection.execute(_DELETE_PARKED, drafts)
    return codes


def spending(survey_id: int, arrival: Arrival) -> dict[str, object]:
    """The row that marks a key as used."""
    return {"key_hash": fingerprint("key", arrival.key), "survey_id": survey_id, "body_hash": arrival.body_hash}


def _spend(connection: Connection, spent: list[dict[str, object]]) -> list[bool]:
    """Mark keys as used; False where the same answers had come with the key before.

    The unique key of the table decides, not a look beforehand: two senders of one key cannot both win.
    """
    if len(spent) > 1:
        with suppress(IntegrityError), connection.begin_nested():
            connection.execute(_ADD_SPENT, spent)
            return [True] * len(spent)
    return [spend_one(connection, one) for one in spent]


def spend_one(connection: Connection, spent: dict[str, object]) -> bool:
    """Mark a key as used; False where the same answers had come with it before."""
    if connection.execute(_ADD_UNSPENT, spent).rowcount:
        return True
    before = connection.execute(select(col(Spent.body_hash)).where(col(Spent.key_hash) == spent["key_hash"])).scalar()
    if before != spent["body_hash"]:
        raise Conflict("these answers were sent before with other values; the first ones count")
    return False


def batches(keys: list[str], size: int = 500) -> Iterator[list[str]]:
    """Keys in portions that fit one statement."""
    for at in range(0, len(keys), size):
        yield keys[at : at + size]


def check(book: Codebook, arrival: Arrival) -> None:
    """Refuse what does not fit the survey's fields (ValueError)."""
    if len(arrival.closed) != len(book):
        raise ValueError(f"{len(arrival.closed)} answers came; this survey has {len(book)} fields")
    for field, byte in zip(book.fields, arrival.closed, strict=True):
        if not field.holds(byte):
            raise ValueError(f"{field.name}: the code is {byte}; allowed is {field.allowed}")
    for question, text in arrival.comments.items():
        if question not in book.limits:
            raise ValueError(f"{question}: not a text question of this survey")
        if len(text) > book.limits[question]:
            raise ValueError(f"{question}: {len(text)} characters; allowed are {book.limits[question]}")


def sent_before(connection: Connection, key: str) -> bool:
    """Whether a key has already brought an answer."""
    return connection.execute(_WHO_SPENT, {"key": fingerprint("key", key)}).first() is not None


def codebook_of(survey: Survey) -> Codebook:
    """The frozen fields of a survey."""
    return codebook(Questionnaire.model_validate(survey.definition))
