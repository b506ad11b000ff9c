"""Who may sign in: people and their sessions.  Passwords arrive here already hashed, tokens are stored as hashes."""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import delete
from sqlmodel import Session, col, select

from surveys.store.collect import fingerprint
from surveys.tables import Person, SignIn

IDLE = timedelta(hours=2)
LONGEST = timedelta(hours=12)
ROLES = ("administrator", "officer", "researcher")


def add(session: Session, name: str, password_hash: str, role: str, today: date) -> Person:
    """Add a person.

    Raises
    ------
    ValueError
        When the name is taken, or name or role are not allowed.
    """
    name = name.strip()
    if not 2 <= len(name) <= 80:
        raise ValueError(f"name: the value has {len(name)} characters; allowed are 2 to 80")
    if role not in ROLES:
        raise ValueError(f"role: the value is {role!r}; allowed are {', '.join(ROLES)}")
    if find(session, name):
        raise ValueError(f"name: {name!r} is taken; allowed is a name that nobody has yet")
    person = Person(name=name, password_hash=password_hash, role=role, created_on=today)
    session.add(person)
    session.flush()
    return person


def find(session: Session, name: str) -> Person | None:
    """The person of that name."""
    return session.exec(select(Person).where(Person.name == name.strip())).first()


def everybody(session: Session) -> list[Person]:
    """All people by name."""
    return list(session.exec(select(Person).order_by(Person.name)))


def change_password(session: Session, person: Person, password_hash: str) -> None:
    """Set a new password; every session of the person ends."""
    person.password_hash = password_hash
    session.add(person)
    session.connection().execute(delete(SignIn).where(col(SignIn.person_id) == person.id))


def sign_in(session: Session, person: Person, now: datetime | None = None) -> str:
    """Open a session and return its token, which only the browser will know."""
    moment = now or datetime.now(UTC)
    session.connection().execute(delete(SignIn).where(col(SignIn.created_at) < moment - LONGEST))
    token = secrets.token_urlsafe(32)
    session.add(
        SignIn(
            token_hash=fingerprint("session", token),
            person_id=person.id or 0,
            csrf=secrets.token_urlsafe(24),
            created_at=moment,
            seen_at=moment,
        )
    )
    session.flush()
    return token


def who(session: Session, token: str, now: datetime | None = None) -> tuple[Person, SignIn] | None:
    """The person of a session token, if the session lives and the person is not disabled."""
    moment = now or datetime.now(UTC)
    found = session.exec(
        select(SignIn, Person)
        .join(Person, col(Person.id) == SignIn.person_id)
        .where(SignIn.token_hash == fingerprint("session", token), ~col(Person.disabled))
    ).first()
    if found is None:
        return None
    entry, person = found
    if moment - entry.created_at > LONGEST or moment - entry.seen_at > IDLE:
        return None
    return person, entry


def seen(session: Session, entry: SignIn, now: datetime | None = None) -> None:
    """Note that a session is in use."""
    entry.seen_at = now or datetime.now(UTC)
    session.add(entry)


def sign_out(session: Session, token: str) -> None:
    """End a session."""
    session.connection().execute(delete(SignIn).where(col(SignIn.token_hash) == fingerprint("session", token)))
