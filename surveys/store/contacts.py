"""Who may be written to: lists shown before they are taken over, contacts, and those who wish or need no more mail."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import date, timedelta

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy import text as statement
from sqlmodel import col

from surveys.addresses import same
from surveys.store.collect import batches
from surveys.store.invitations import CHANNEL, TOKEN
from surveys.tables import Contact, ContactList, Invited, Mail, Opened, Submission

KEPT_DAYS = 1  # so long a list waits to be taken over
_ADD_CONTACT = statement(
    "INSERT INTO contact (address, same, stop, opted_out, bounced) VALUES (:address, :same, :stop, false, false) "
    "ON CONFLICT DO NOTHING"
)
_ADD_INVITED = statement(
    "INSERT INTO invited (survey_id, contact_id, unit, language, segment) "
    "VALUES (:survey_id, :contact_id, :unit, :language, :segment) ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True)
class Entry:
    """One row of a list of contacts."""

    address: str
    unit: str
    language: str
    segment: str


@dataclass(frozen=True)
class Compared:
    """A list beside what is stored: how many are new, known from elsewhere, listed already, not to be written to."""

    new: int
    known: int
    listed: int
    silent: int


def compare(connection: Connection, survey_id: int, entries: Sequence[Entry]) -> Compared:
    """What taking a list over would bring; each entry is counted once, in the last group that it belongs to."""
    listed = set(
        connection.execute(select(col(Invited.contact_id)).where(col(Invited.survey_id) == survey_id)).scalars()
    )
    counted = [0, 0, 0]
    wanted = [same(entry.address) for entry in entries]
    for batch in batches(wanted):
        query = select(col(Contact.id), col(Contact.opted_out), col(Contact.bounced)).where(
            col(Contact.same).in_(batch)
        )
        for contact_id, opted_out, bounced in connection.execute(query):
            counted[2 if opted_out or bounced else 1 if contact_id in listed else 0] += 1
    return Compared(len(wanted) - sum(counted), *counted)


def stage(connection: Connection, survey_id: int, entries: Sequence[Entry], today: date) -> str:
    """Lay a list aside until somebody has seen what it would bring; returns its fingerprint."""
    connection.execute(
        delete(ContactList).where((col(ContactList.survey_id) == survey_id) | (col(ContactList.expires_on) < today))
    )
    rows = [list(astuple(entry)) for entry in entries]
    digest = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    expires = today + timedelta(days=KEPT_DAYS)
    connection.execute(insert(ContactList).values(survey_id=survey_id, digest=digest, rows=rows, expires_on=expires))
    return digest


def staged(connection: Connection, survey_id: int, today: date) -> tuple[str, list[Entry]] | None:
    """The list that waits to be taken over, and its fingerprint."""
    row = connection.execute(
        select(col(ContactList.digest), col(ContactList.rows)).where(
            col(ContactList.survey_id) == survey_id, col(ContactList.expires_on) >= today
        )
    ).first()
    return (row[0], [Entry(*fields) for fields in row[1]]) if row else None


def discard(connection: Connection, survey_id: int) -> None:
    """Throw the list away that waits."""
    connection.execute(delete(ContactList).where(col(ContactList.survey_id) == survey_id))


def add(connection: Connection, survey_id: int, entries: Sequence[Entry]) -> int:
    """Put contacts on a survey's list; returns how many were not on it before."""
    if not entries:
        return 0
    before = _listed(connection, survey_id)
    connection.execute(
        _ADD_CONTACT,
        [
            {"address": entry.address, "same": same(entry.address), "stop": secrets.token_urlsafe(16)}
            for entry in entries
        ],
    )
    ids: dict[str, int] = {}
    for batch in batches([same(entry.address) for entry in entries]):
        found = connection.execute(select(col(Contact.same), col(Contact.id)).where(col(Contact.same).in_(batch)))
        ids.update((row[0], row[1] or 0) for row in found)
    connection.execute(
        _ADD_INVITED,
        [
            {
                "survey_id": survey_id,
                "contact_id": ids[same(entry.address)],
                "unit": entry.unit,
                "language": entry.language,
                "segment": entry.segment,
            }
            for entry in entries
        ],
    )
    return _listed(connection, survey_id) - before


def _listed(connection: Connection, survey_id: int) -> int:
    listed = select(col(Invited.contact_id)).where(col(Invited.survey_id) == survey_id)
    return len(connection.execute(listed).all())


def may_stop(connection: Connection, stop: str) -> bool:
    """Whether an opt-out link leads anywhere."""
    return (
        bool(TOKEN.fullmatch(stop))
        and connection.execute(select(col(Contact.id)).where(col(Contact.stop) == stop)).first() is not None
    )


def opt_out(connection: Connection, stop: str) -> bool:
    """Note that the contact wants no more mail, of whichever survey; False when the link leads nowhere."""
    if not TOKEN.fullmatch(stop):
        return False
    return bool(connection.execute(update(Contact).where(col(Contact.stop) == stop).values(opted_out=True)).rowcount)


def bounce(connection: Connection, addresses: Iterable[str]) -> int:
    """Note addresses at which no mail can be delivered; returns how many of them are contacts."""
    marked = 0
    for batch in batches(sorted({same(address) for address in addresses})):
        marked += connection.execute(update(Contact).where(col(Contact.same).in_(batch)).values(bounced=True)).rowcount
    return marked


def failures(connection: Connection, survey_id: int) -> list[tuple[str, str, str]]:
    """Contacts of a survey that mail did not reach: (address, `failed` or `sending` or `bounced`, reason).

    `sending` is a mail that was cut off on its way; nobody knows whether it arrived, so it is not sent again.
    """
    mails = connection.execute(
        select(col(Contact.address), col(Mail.state), col(Mail.reason))
        .join(Mail, col(Mail.contact_id) == col(Contact.id))
        .where(col(Mail.survey_id) == survey_id, col(Mail.state).in_(("failed", "sending")))
        .order_by(col(Contact.same), col(Mail.round))
    )
    bounced = connection.execute(
        select(col(Contact.address))
        .join(Invited, col(Invited.contact_id) == col(Contact.id))
        .where(col(Invited.survey_id) == survey_id, col(Contact.bounced))
        .order_by(col(Contact.same))
    )
    found = [(row[0], row[1], row[2]) for row in mails]
    told = {row[0] for row in found}
    return found + [(address, "bounced", "") for address in bounced.scalars() if address not in told]


@dataclass(frozen=True)
class Counts:
    """A survey's invitations in numbers.  Answers are counted when they are released, as everywhere."""

    contacts: int
    unwritten: int
    waiting: int
    invited: int
    reminders: int
    sending: int
    failed: int
    opened: int
    answered: int
    bounced: int
    opted_out: int


def counts(connection: Connection, survey_id: int) -> Counts:
    """How far the invitations of a survey have come."""
    mails = Counter[tuple[bool, str]]()
    for number, state, count in connection.execute(
        select(col(Mail.round), col(Mail.state), func.count())
        .where(col(Mail.survey_id) == survey_id)
        .group_by(col(Mail.round), col(Mail.state))
    ):
        mails[number > 0, state] += int(count)
    contacts, opted_out, bounced = _contacts(connection, survey_id)
    times = connection.execute(select(col(Opened.times)).where(col(Opened.survey_id) == survey_id)).scalar()
    answered = connection.execute(
        select(func.count()).where(col(Submission.survey_id) == survey_id, col(Submission.channel) == CHANNEL)
    ).scalar_one()
    first = sum(count for (reminder, _), count in mails.items() if not reminder)
    every = {state: mails[False, state] + mails[True, state] for state in ("waiting", "sending", "failed")}
    return Counts(
        contacts=contacts,
        unwritten=contacts - first,
        waiting=every["waiting"],
        invited=mails[False, "sent"],
        reminders=mails[True, "sent"],
        sending=every["sending"],
        failed=every["failed"],
        opened=times or 0,
        answered=int(answered),
        bounced=bounced,
        opted_out=opted_out,
    )


def _contacts(connection: Connection, survey_id: int) -> tuple[int, int, int]:
    whole = select(func.count()).select_from(Invited).where(col(Invited.survey_id) == survey_id)
    joined = whole.join(Contact, col(Contact.id) == col(Invited.contact_id))
    queries = (whole, joined.where(col(Contact.opted_out)), joined.where(col(Contact.bounced)))
    listed, opted_out, bounced = (int(connection.execute(query).scalar_one()) for query in queries)
    return listed, opted_out, bounced
