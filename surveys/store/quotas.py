"""Quotas: at most so many answers of a branch, a way in, an option of a question, or of several of these together.

`taken` rises in the transaction that brings the answers, by an update that does nothing once the quota is full; so
there are never more answers without the flag `OVER` than the quota allows, however many arrive at a time.  Answers that
come although a quota is full are stored with the flag: they were given in good faith, and whoever analyses may decide.

A withdrawal gives no place back, and a correction moves none: a form that opened again would tell whoever watches it
that somebody had just withdrawn, or was of another group after all.  A quota that is added later starts with the
answers that are there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, Select, Table, case, func, insert, select, union, update
from sqlalchemy import text as statement

from surveys.codes import BLANK
from surveys.coding import Codebook
from surveys.flags import OVER
from surveys.questionnaire import Questionnaire
from surveys.tables import Quota, Submission, Waiting

if TYPE_CHECKING:
    from surveys.store.collect import Arrival

MOST_ANSWERS = 1_000_000
MOST_QUOTAS = 200
QUOTA: Table = Quota.__table__  # type: ignore[attr-defined]
_WHAT = ("unit", "channel", "question", "option")
_OF_SURVEY = select(*(QUOTA.c[name] for name in ("id", *_WHAT, "most", "taken", "turned", "filled_on")))
_FULL = QUOTA.c.taken >= QUOTA.c.most
_GUARD = 7_501  # names the lock by which PostgreSQL keeps arrivals and new quotas apart; SQLite has one writer anyway


@dataclass(frozen=True)
class Limit:
    """A quota as it stands: "" means any."""

    id: int
    unit: str
    channel: str
    question: str
    option: str
    most: int
    taken: int = 0
    turned: int = 0
    filled_on: date | None = None

    @property
    def full(self) -> bool:
        """Whether there are enough answers."""
        return self.taken >= self.most

    def of_way(self, unit: str, channel: str) -> bool:
        """Whether answers that carry this branch and way in can belong to it."""
        return self.unit in ("", unit) and self.channel in ("", channel)


@dataclass(eq=False)
class Wrong(ValueError):
    """What is wrong with a quota that was filled in: the field, a code, the value, and what is allowed."""

    field: str
    code: Literal["most", "nothing", "long", "question", "option", "same", "many"]
    value: str = ""
    allowed: str = ""

    def __str__(self) -> str:
        sentences = {
            "most": "the number of answers is {value!r}; allowed is a whole number from 1 to {allowed}",
            "nothing": "a quota needs a branch, a way in or an option",
            "long": "the value has {value} characters; allowed are up to {allowed}",
            "question": "{value!r} is not asked first; allowed are {allowed}",
            "option": "{value!r} is no option; allowed are {allowed}",
            "same": "there is a quota of the same answers already",
            "many": "there are {allowed} quotas already, the most that are allowed",
        }
        return f"{self.field}: " + sentences[self.code].format(value=self.value, allowed=self.allowed)


def all_of(connection: Connection, survey_id: int) -> tuple[Limit, ...]:
    """The quotas of a survey, in the order in which they were made.

    Parameters
    ----------
    connection, survey_id
    """
    rows = connection.execute(_OF_SURVEY.where(QUOTA.c.survey_id == survey_id).order_by(QUOTA.c.id))
    return tuple(Limit(*row) for row in rows)


def take_places(
    connection: Connection, survey_id: int, book: Codebook, arrivals: Sequence[Arrival]
) -> list[Literal[0, 32]]:
    """Take a place for each of these answers in every quota that they belong to.

    Parameters
    ----------
    connection
        The open transaction that stores the answers.
    survey_id, book
        The survey and its frozen fields.
    arrivals
        Answers that are new.

    Returns
    -------
    list of int
        For each the flag `surveys.flags.OVER` where a quota was full, else 0.  Flagged answers take no place.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(statement("SELECT pg_advisory_xact_lock_shared(:g, :s)"), {"g": _GUARD, "s": survey_id})
    # In one order, and before any is changed, so that two transactions never wait for each other.
    query = _OF_SURVEY.where(QUOTA.c.survey_id == survey_id).order_by(QUOTA.c.id).with_for_update()
    limits = [Limit(*row) for row in connection.execute(query)]
    if not limits:
        return [0] * len(arrivals)
    return [_take(connection, book, limits, arrival) for arrival in arrivals]


def _take(connection: Connection, book: Codebook, limits: Sequence[Limit], arrival: Arrival) -> Literal[0, 32]:
    mine = [limit for limit in limits if limit.of_way(arrival.unit, arrival.channel) and _chosen(limit, book, arrival)]
    taken: list[int] = []
    for limit in mine:
        filled = case((QUOTA.c.taken + 1 >= QUOTA.c.most, arrival.day), else_=QUOTA.c.filled_on)
        one_more = update(QUOTA).where(QUOTA.c.id == limit.id, ~_FULL)
        if connection.execute(one_more.values(taken=QUOTA.c.taken + 1, filled_on=filled)).rowcount:
            taken.append(limit.id)
    if len(taken) == len(mine):
        return 0
    if taken:  # what does not count in one counts in none
        back = update(QUOTA).where(QUOTA.c.id.in_(taken))
        connection.execute(back.values(taken=QUOTA.c.taken - 1, filled_on=None))
    for limit in mine:
        if limit.id not in taken:
            count_turned(connection, survey_id=None, quota_id=limit.id)
    return OVER  # type: ignore[return-value]


def _chosen(limit: Limit, book: Codebook, arrival: Arrival) -> bool:
    if not limit.question:
        return True
    place = book.place.get(limit.question)
    if place is None or arrival.closed[place] == BLANK:
        return False
    return book.fields[place].show(arrival.closed[place]) == limit.option


def count_turned(connection: Connection, *, survey_id: int | None, quota_id: int) -> None:
    """One more was told that there are enough answers, or answered all the same; only of a quota that is full.

    Parameters
    ----------
    connection
        An open transaction.
    survey_id
        Whose quota it has to be; None where that is known.
    quota_id
    """
    mine = (QUOTA.c.id == quota_id) & _FULL
    if survey_id is not None:
        mine &= QUOTA.c.survey_id == survey_id
    connection.execute(update(QUOTA).where(mine).values(turned=QUOTA.c.turned + 1))


def check(questionnaire: Questionnaire, wish: dict[str, str], others: Sequence[Limit]) -> tuple[dict[str, str], int]:
    """A quota as it was filled in, checked.

    Parameters
    ----------
    questionnaire : Questionnaire
        Its `screening` questions alone can have quotas.
    wish : dict
        "unit", "channel", "question", "option" and "most", as text.
    others : sequence of Limit
        The survey's other quotas.

    Returns
    -------
    what : dict
        "unit", "channel", "question" and "option".
    most : int

    Raises
    ------
    Wrong
        With the field at fault.
    """
    what = {name: wish.get(name, "").strip() for name in _WHAT}
    for name, longest in (("unit", 80), ("channel", 40)):
        if len(what[name]) > longest:
            raise Wrong(name, "long", str(len(what[name])), str(longest))
    most = wish.get("most", "").strip()
    if not (most.isascii() and most.isdigit() and len(most) < 9 and 1 <= int(most) <= MOST_ANSWERS):
        raise Wrong("most", "most", most[:40], f"{MOST_ANSWERS:,}")
    if what["question"] or what["option"]:
        if what["question"] not in questionnaire.screening:
            raise Wrong("option", "question", what["question"][:40], ", ".join(questionnaire.screening) or "–")
        question = questionnaire.question(what["question"])
        codes = [option.code for option in question.options] if question else []
        if what["option"] not in codes:
            raise Wrong("option", "option", what["option"][:40], ", ".join(codes))
    if not any(what.values()):
        raise Wrong("unit", "nothing")
    if any(what == {name: getattr(other, name) for name in _WHAT} for other in others):
        raise Wrong("unit", "same")
    if len(others) >= MOST_QUOTAS:
        raise Wrong("most", "many", allowed=str(MOST_QUOTAS))
    return what, int(most)


def add(
    connection: Connection,
    survey_id: int,
    questionnaire: Questionnaire,
    book: Codebook,
    wish: dict[str, str],
    today: date,
) -> None:
    """Add a quota; it starts with the answers that are there, released or not.

    Parameters
    ----------
    connection
        An open transaction.
    survey_id, questionnaire, book
        The survey with its frozen questionnaire and fields.
    wish : dict
        As for `check`.
    today : date
        Noted where the quota is full at once.

    Raises
    ------
    Wrong
        With the field at fault; nothing is stored then.
    """
    _keep_apart(connection, survey_id)
    what, most = check(questionnaire, wish, all_of(connection, survey_id))
    taken = _there(connection, survey_id, book, what)
    filled = today if taken >= most else None
    row: dict[str, Any] = what | {
        "survey_id": survey_id,
        "most": most,
        "taken": taken,
        "turned": 0,
        "filled_on": filled,
    }
    connection.execute(insert(QUOTA), [row])


def change(
    connection: Connection, survey_id: int, quota_id: int, questionnaire: Questionnaire, most: str, today: date
) -> bool:
    """Let a quota allow more or fewer answers; those that came before keep their flags.

    Parameters
    ----------
    connection
        An open transaction.
    survey_id, quota_id, questionnaire
    most : str
        As it was filled in.
    today : date

    Returns
    -------
    bool
        False where the survey has no such quota.

    Raises
    ------
    Wrong
        The number is none.
    """
    _keep_apart(connection, survey_id)
    mine = next((limit for limit in all_of(connection, survey_id) if limit.id == quota_id), None)
    if mine is None:
        return False
    _what, number = check(questionnaire, {name: getattr(mine, name) for name in _WHAT} | {"most": most}, [])
    filled = None if mine.taken < number else mine.filled_on or today
    connection.execute(update(QUOTA).where(QUOTA.c.id == quota_id).values(most=number, filled_on=filled))
    return True


def delete(connection: Connection, survey_id: int, quota_id: int) -> bool:
    """Delete a quota; answers that it flagged keep their flag.

    Parameters
    ----------
    connection
        An open transaction.
    survey_id, quota_id

    Returns
    -------
    bool
        False where the survey has no such quota.
    """
    mine = (QUOTA.c.id == quota_id) & (QUOTA.c.survey_id == survey_id)
    return connection.execute(QUOTA.delete().where(mine)).rowcount > 0


def _keep_apart(connection: Connection, survey_id: int) -> None:
    """Let no answers come in between the count of those that are there and the quota's own row."""
    if connection.dialect.name == "postgresql":
        connection.execute(statement("SELECT pg_advisory_xact_lock(:g, :s)"), {"g": _GUARD, "s": survey_id})


def _there(connection: Connection, survey_id: int, book: Codebook, what: dict[str, str]) -> int:
    """Answers in the inbox or released that belong to a quota; those corrected lie in both and count once."""

    def mine(table: Table) -> Select[Any]:
        query = select(table.c.receipt_hash).where(table.c.survey_id == survey_id, table.c.flags.bitwise_and(OVER) == 0)
        for name in ("unit", "channel"):
            query = query.where(table.c[name] == what[name]) if what[name] else query
        if what["question"]:
            place = book.place[what["question"]]
            byte = bytes([book.fields[place].read(what["option"])])
            query = query.where(func.substr(table.c.closed, place + 1, 1) == byte)
        return query

    waiting, released = Waiting.__table__, Submission.__table__  # type: ignore[attr-defined]
    both = union(mine(waiting), mine(released).where(~released.c.withdrawn)).subquery()
    return int(connection.execute(select(func.count()).select_from(both)).scalar_one())
