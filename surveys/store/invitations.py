"""One-time links and the queue of mails.

A link's token is derived from the operator's key, which is not in the database: the application can tell for whom it
is about to write a reminder whether the link is spent, but nobody can tell from the tables whose a link is.  Nothing
notes when a link was spent or by which answers.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, update
from sqlalchemy import text as statement
from sqlmodel import col

from surveys.coding import Codebook
from surveys.store import collect
from surveys.store.collect import Arrival, fingerprint, sent_before
from surveys.tables import Contact, Invited, Mail, OneTimeLink, Survey

CHANNEL = "invitation"
TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
REMIND_AFTER = 3  # days between two mails of one survey
MOST_REMINDERS = 3
_ADD_LINK = statement(
    "INSERT INTO one_time_link (link_hash, survey_id, unit, channel, language, spent) "
    "VALUES (:link_hash, :survey_id, :unit, :channel, :language, false) ON CONFLICT DO NOTHING"
)
_ADD_MAIL = statement(
    "INSERT INTO mail (survey_id, contact_id, round, state, reason) "
    "VALUES (:survey_id, :contact_id, :round, 'waiting', '') "
    "ON CONFLICT (survey_id, contact_id, round) DO UPDATE SET state = 'waiting', reason = '' "
    "WHERE mail.state = 'failed'"
)
_SPEND = (
    update(OneTimeLink)
    .where(
        col(OneTimeLink.link_hash) == bindparam("link"),
        col(OneTimeLink.survey_id) == bindparam("survey"),
        ~col(OneTimeLink.spent),
    )
    .values(spent=True)
)
_OPEN = statement(
    "INSERT INTO opened (survey_id, times) VALUES (:survey, 1) "
    "ON CONFLICT (survey_id) DO UPDATE SET times = opened.times + 1"
)


class Spent(LookupError):
    """The link has brought other answers, or there is none of that name; nothing was stored."""


class OtherKey(ValueError):
    """The links of a survey were made with another key, so nobody can be reminded of them."""


class NotInvited(ValueError):
    """A survey that can be answered by personal links alone got answers without one."""


@dataclass(frozen=True)
class Opening:
    """What a one-time link opens."""

    link_hash: str
    survey_id: int
    slug: str
    unit: str
    channel: str
    language: str
    spent: bool


def token_for(key: bytes, survey_id: int, stop: str) -> str:
    """The token of a contact's link: 128 bits that nobody without the key can compute or guess."""
    digest = hmac.new(key, f"fivegaps:invitation:{survey_id}:{stop}".encode(), "sha256").digest()
    return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")


def link_hash(token: str) -> str:
    """What is stored of a link."""
    return fingerprint("invitation", token)


def find(connection: Connection, token: str) -> Opening | None:
    """What the link of that token opens; looking at it changes nothing."""
    if not TOKEN.fullmatch(token):
        return None
    row = connection.execute(
        select(
            col(OneTimeLink.link_hash),
            col(OneTimeLink.survey_id),
            col(Survey.slug),
            col(OneTimeLink.unit),
            col(OneTimeLink.channel),
            col(OneTimeLink.language),
            col(OneTimeLink.spent),
        )
        .join(Survey, col(Survey.id) == col(OneTimeLink.survey_id))
        .where(col(OneTimeLink.link_hash) == link_hash(token))
    ).first()
    return Opening(*row) if row else None


def take_in(connection: Connection, survey_id: int, book: Codebook, arrival: Arrival, link: str) -> list[str]:
    """Take answers in and spend the link they came by, in one transaction; `link` is its hash, "" for none.

    Raises
    ------
    Spent
        The link had brought answers under another key, or is none of this survey.
    NotInvited
        Without a link, when the survey takes none but those; here, so that no way in can forget it.
    Conflict
        As `collect.ingest`.
    """
    if not link and _invited_only(connection, survey_id) and not sent_before(connection, arrival.key):
        raise NotInvited("the survey is answered by invitation only")
    if link and not sent_before(connection, arrival.key):
        won = connection.execute(_SPEND, {"link": link, "survey": survey_id}).rowcount
        # While we waited for the link's row, the very same answers may have come in by another way.
        if not won and not sent_before(connection, arrival.key):
            raise Spent("the link has been used")
    return collect.ingest(connection, survey_id, book, [arrival])


def _invited_only(connection: Connection, survey_id: int) -> bool:
    return bool(connection.execute(select(col(Survey.invited_only)).where(col(Survey.id) == survey_id)).scalar())


def count_opening(connection: Connection, survey_id: int) -> None:
    """One more opening of some link."""
    connection.execute(_OPEN, {"survey": survey_id})


@dataclass(frozen=True)
class Queued:
    """What queueing a round brought: how many mails, and how many contacts rest because they had mail lately."""

    mails: int
    resting: int


@dataclass(frozen=True)
class Addressee:
    """A contact for whom a mail may be queued."""

    contact_id: int
    unit: str
    language: str
    stop: str
    mailed_on: date | None
    round: int


def queue_invitations(
    connection: Connection, survey_id: int, key: bytes, *, today: date, quiet: int, floor: int, segment: str = ""
) -> Queued:
    """Queue the invitation of everybody on the list who has none yet, and make their links.

    All links of a round are made together and sorted by their hashes, so that neither order nor transaction tells
    whose they are.  Mails that were refused before are tried again.
    """
    first = [one for one in _able(connection, survey_id, segment) if one.round < 0]
    ready = [one for one in first if rested(one.mailed_on, today, quiet)]
    carried = _carried(connection, survey_id, [one.unit for one in ready], floor)
    links = [
        {"link_hash": link_hash(token_for(key, survey_id, one.stop)), "survey_id": survey_id, "language": one.language}
        | dict(zip(("unit", "channel"), carried[one.unit], strict=True))
        for one in ready
    ]
    if links:
        connection.execute(_ADD_LINK, sorted(links, key=lambda link: str(link["link_hash"])))
    _queue(connection, survey_id, ready, 0)
    return Queued(len(ready), len(first) - len(ready))


def queue_reminders(connection: Connection, survey_id: int, key: bytes, *, today: date, segment: str = "") -> Queued:
    """Queue a reminder to everybody who was written to and whose link is not spent.

    Raises
    ------
    OtherKey
        When none of the survey's links was made with this key.
    """
    written = [one for one in _able(connection, survey_id, segment) if one.round >= 0]
    spent = {
        row[0]: row[1]
        for row in connection.execute(
            select(col(OneTimeLink.link_hash), col(OneTimeLink.spent)).where(col(OneTimeLink.survey_id) == survey_id)
        )
    }
    state = {one: spent.get(link_hash(token_for(key, survey_id, one.stop))) for one in written}
    if written and all(known is None for known in state.values()):
        raise OtherKey("the links of this survey were made with another key")
    open_links = [one for one in written if state[one] is False and one.round < MOST_REMINDERS]
    ready = [one for one in open_links if rested(one.mailed_on, today, REMIND_AFTER)]
    for number in sorted({one.round for one in ready}):
        _queue(connection, survey_id, [one for one in ready if one.round == number], number + 1)
    return Queued(len(ready), len(open_links) - len(ready))


def rested(mailed_on: date | None, today: date, days: int) -> bool:
    """Whether the last mail is so many days ago."""
    return mailed_on is None or mailed_on <= today - timedelta(days=days)


def _able(connection: Connection, survey_id: int, segment: str) -> list[Addressee]:
    """Contacts of the list who may be written to and for whom nothing waits; `round` is their last, or -1."""
    last: dict[int | None, tuple[int, str]] = {}
    for written, number, state in connection.execute(
        select(col(Mail.contact_id), col(Mail.round), col(Mail.state))
        .where(col(Mail.survey_id) == survey_id)
        .order_by(col(Mail.round))
    ):
        last[written] = (number, state)
    query = (
        select(col(Contact.id), col(Invited.unit), col(Invited.language), col(Contact.stop), col(Contact.mailed_on))
        .join(Invited, col(Invited.contact_id) == col(Contact.id))
        .where(col(Invited.survey_id) == survey_id, ~col(Contact.opted_out), ~col(Contact.bounced))
        .order_by(col(Contact.id))
    )
    if segment:
        query = query.where(col(Invited.segment) == segment)
    found = []
    for contact_id, unit, language, stop, mailed_on in connection.execute(query):
        number, state = last.get(contact_id, (-1, ""))
        if state != "waiting":
            reached = number - 1 if state == "failed" else number  # a refused mail is as good as none
            found.append(Addressee(contact_id or 0, unit, language, stop, mailed_on, reached))
    return found


def _queue(connection: Connection, survey_id: int, addressees: Sequence[Addressee], number: int) -> None:
    rows = [{"survey_id": survey_id, "contact_id": one.contact_id, "round": number} for one in addressees]
    if rows:
        connection.execute(_ADD_MAIL, rows)


def _carried(connection: Connection, survey_id: int, units: Sequence[str], floor: int) -> dict[str, tuple[str, str]]:
    """Branch -> what the answers may carry: the branch and how they came.

    A branch with fewer links than the smallest group that may be shown would point at its few customers; so would
    being one of the few without a branch.  Where that cannot be helped, not even the way in is carried.
    """
    have = Counter[str]()
    for unit, count in connection.execute(
        select(col(OneTimeLink.unit), func.count())
        .where(col(OneTimeLink.survey_id) == survey_id, col(OneTimeLink.channel) == CHANNEL)
        .group_by(col(OneTimeLink.unit))
    ):
        have[unit] = int(count)
    new = Counter(units)
    named = sorted((unit for unit in new if unit and have[unit] + new[unit] >= floor), key=lambda unit: -new[unit])
    nameless = have[""] + sum(count for unit, count in new.items() if unit not in named)
    while 0 < nameless < floor and named:
        nameless += new[named.pop()]
    beside = ("", CHANNEL if nameless >= floor else "")
    return {unit: (unit, CHANNEL) if unit in named else beside for unit in new}


@dataclass(frozen=True)
class Letter:
    """A mail that is about to be sent."""

    survey_id: int
    contact_id: int
    round: int
    address: str
    language: str
    token: str
    stop: str
    mailed_before: date | None


def claim(
    connection: Connection, survey_id: int, key: bytes, *, today: date, quiet: int, but: Collection[int] = ()
) -> Letter | None:
    """Take one mail out of the queue: whoever commits this may send it, once.

    Who has answered, opted out or had other mail since it was queued leaves the queue; the contacts in `but` stay.
    """
    waiting = select(col(Mail.contact_id), col(Mail.round)).where(
        col(Mail.survey_id) == survey_id, col(Mail.state) == "waiting", col(Mail.contact_id).not_in(but)
    )
    while (row := connection.execute(waiting.limit(1)).first()) is not None:
        contact_id, number = row
        if not _move(connection, survey_id, contact_id, number, "waiting", "sending"):
            continue
        letter = _letter(connection, survey_id, contact_id, number, key)
        if _may_be_written(connection, letter, today, REMIND_AFTER if number else quiet):
            return letter
        connection.execute(delete(Mail).where(*_row(survey_id, contact_id, number)))
    return None


def _row(survey_id: int, contact_id: int, number: int) -> tuple[Any, ...]:
    return (
        col(Mail.survey_id) == survey_id,
        col(Mail.contact_id) == contact_id,
        col(Mail.round) == number,
    )


def _move(
    connection: Connection, survey_id: int, contact_id: int, number: int, before: str, after: str, reason: str = ""
) -> bool:
    changed = connection.execute(
        update(Mail)
        .where(*_row(survey_id, contact_id, number), col(Mail.state) == before)
        .values(state=after, reason=reason[:200])
    )
    return bool(changed.rowcount)


def _letter(connection: Connection, survey_id: int, contact_id: int, number: int, key: bytes) -> Letter:
    address, stop, mailed_on, language = connection.execute(
        select(col(Contact.address), col(Contact.stop), col(Contact.mailed_on), col(Invited.language))
        .join(Invited, col(Invited.contact_id) == col(Contact.id))
        .where(col(Contact.id) == contact_id, col(Invited.survey_id) == survey_id)
    ).one()
    token = token_for(key, survey_id, stop)
    return Letter(survey_id, contact_id, number, address, language, token, stop, mailed_on)


def _may_be_written(connection: Connection, letter: Letter, today: date, rest: int) -> bool:
    opening = find(connection, letter.token)
    if opening is None or opening.spent or opening.survey_id != letter.survey_id:
        return False
    noted = connection.execute(
        update(Contact)
        .where(
            col(Contact.id) == letter.contact_id,
            ~col(Contact.opted_out),
            ~col(Contact.bounced),
            col(Contact.mailed_on).is_(None) | (col(Contact.mailed_on) <= today - timedelta(days=rest)),
        )
        .values(mailed_on=today)
    )
    return bool(noted.rowcount)


def sent(connection: Connection, letter: Letter) -> None:
    """The mail server has taken the mail."""
    _move(connection, letter.survey_id, letter.contact_id, letter.round, "sending", "sent")


def not_sent(connection: Connection, letter: Letter, state: str, reason: str, *, bounced: bool = False) -> None:
    """The mail server has refused the mail for certain: it `failed`, or is `waiting` for another try."""
    _move(connection, letter.survey_id, letter.contact_id, letter.round, "sending", state, reason)
    changes: dict[str, Any] = {"mailed_on": letter.mailed_before}
    if bounced:
        changes["bounced"] = True
    connection.execute(update(Contact).where(col(Contact.id) == letter.contact_id).values(**changes))


def call_off(connection: Connection, survey_id: int) -> int:
    """Take what waits out of the queue; returns how many mails."""
    return connection.execute(
        delete(Mail).where(col(Mail.survey_id) == survey_id, col(Mail.state) == "waiting")
    ).rowcount
