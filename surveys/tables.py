"""The tables.  Rows are written by `surveys.store` alone.

What a row may *not* hold is part of the design: a submission has no clock time, no address, no order of arrival and
no link to the invitation or the draft it came from; a comment has no link to its submission that anybody but the
holder of the receipt code could follow; a one-time link has no link to the contact to whom it was written.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Index, LargeBinary, MetaData, Text, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
).naming_convention

Document = JSON().with_variant(JSONB(), "postgresql")
# Without a hidden row number, a SQLite table keeps its rows by hash and so forgets the order in which they came.
UNORDERED: dict[str, Any] = {"sqlite_with_rowid": False}


ENDED = ("closed", "archived")
"""Phases of a survey that takes no more answers."""


class UTCDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite would give it back without its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """The moment with its zone."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Person(SQLModel, table=True):
    """Someone who may sign in to the desk."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True, max_length=80)
    password_hash: str
    role: str = Field(max_length=20)
    created_on: date
    disabled: bool = False


class SignIn(SQLModel, table=True):
    """A session of the desk; the token itself is only in the browser."""

    __tablename__ = "sign_in"

    token_hash: str = Field(primary_key=True, max_length=64)
    person_id: int = Field(foreign_key="person.id", ondelete="CASCADE")
    csrf: str = Field(max_length=64)
    created_at: datetime = Field(sa_type=UTCDateTime)
    seen_at: datetime = Field(sa_type=UTCDateTime)


class Survey(SQLModel, table=True):
    """A questionnaire published at a slug.  `definition` is its frozen copy.

    `margins` are known shares of the population by trait and value; `mails` the officer's own words for invitations,
    by language.  A pilot's answers belong to a survey of their own; `pilot_of` is the id of the one that is tried out.
    """

    id: int | None = Field(default=None, primary_key=True)
    slug: str = Field(unique=True, max_length=60)
    bank: str = Field(max_length=120)
    series: str = Field(max_length=60)
    wave: str = Field(max_length=40)
    audience: str = Field(max_length=20)
    definition: dict[str, Any] = Field(sa_column=Column(Document, nullable=False))
    definition_hash: str = Field(max_length=64)
    opens_on: date
    closes_on: date | None = None
    phase: str = Field(default="open", max_length=10)  # see surveys.store.lifecycle
    ended_on: date | None = None  # when it was closed by hand
    pilot_of: int | None = None
    invited_only: bool = False
    planned: int = 0  # answers aimed at; 0: none were planned
    margins: dict[str, dict[str, float]] = Field(default_factory=dict, sa_column=Column(Document, nullable=False))
    mails: dict[str, dict[str, str]] = Field(default_factory=dict, sa_column=Column(Document, nullable=False))
    simulated: bool = False
    published_on: date
    releases: int = 0
    revision: int = 0  # counts changes of the released data; caches are keyed by it

    @property
    def closed(self) -> bool:
        """Whether the collection was ended by hand."""
        return self.phase in ENDED


class Link(SQLModel, table=True):
    """A short code in a survey's address that carries unit and channel."""

    code: str = Field(primary_key=True, max_length=12)
    survey_id: int = Field(foreign_key="survey.id", ondelete="CASCADE", index=True)
    unit: str = Field(default="", max_length=80)
    channel: str = Field(default="", max_length=40)


class Draft(SQLModel, table=True):
    """Answers on their way, found by the hash of the token in the respondent's cookie; deleted at submission."""

    __table_args__ = (UNORDERED,)

    token_hash: str = Field(primary_key=True, max_length=64)
    survey_id: int = Field(foreign_key="survey.id", ondelete="CASCADE", index=True)
    unit: str = Field(default="", max_length=80)
    channel: str = Field(default="", max_length=40)
    language: str = Field(max_length=12)
    closed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    comments: dict[str, str] = Field(sa_column=Column(Document, nullable=False))
    furthest: int = 0
    expires_on: date


class Parked(SQLModel, table=True):
    """Answers on their way to another device, sealed under the resume code, which is written nowhere.

    `draft_hash` is that of the visit's key, so that they can be deleted when the answers are sent.
    """

    __table_args__ = (UNORDERED,)

    code_hash: str = Field(primary_key=True, max_length=64)
    draft_hash: str = Field(unique=True, max_length=64)
    survey_id: int = Field(foreign_key="survey.id", ondelete="CASCADE", index=True)
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    expires_on: date


class Spent(SQLModel, table=True):
    """Idempotency keys that have brought an answer: the same key never brings a second one."""

    __table_args__ = (UNORDERED,)

    key_hash: str = Field(primary_key=True, max_length=64)
    survey_id: int = Field(foreign_key="survey.id", ondelete="CASCADE", index=True)
    body_hash: str = Field(max_length=64)


class Waiting(SQLModel, table=True):
    """The inbox: answers that are on disk and wait for the next release."""

    __table_args__ = (UNORDERED,)

    receipt_hash: str = Field(primary_key=True, max_length=64)
    survey_id: int = Field(foreign_key="survey.id", ondelete="CASCADE", index=True)
    unit: str = Field(default="", max_length=80)
    channel: str = Field(default="", max_length=40)
    language: str = Field(max_length=12)
    day: date
    order: int = 0  # the seed by which items were ordered within their stage; 0: the questionnaire's own order
    flags: int = 0  # surveys.flags
    closed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    comments: dict[str, list[str]] = Field(sa_column=Column(Document, nullable=False))  # question -> [key, text]


class Release(SQLModel, table=True):
    """A shuffled batch of answers that entered the report together."""

    survey_id: int = Field(foreign_key="survey.id", ondelete="CASCADE", primary_key=True)
    number: int = Field(primary_key=True)
    submissions: int
    withdrawn: int
    released_on: date


class Submission(SQLModel, table=True):
    """One respondent's closed answers, one byte each, in the survey's frozen field order."""

    __table_args__ = (Index("ix_submission_survey", "survey_id", "release"), UNORDERED)

    receipt_hash: str = Field(primary_key=True, max_length=64)
    survey_id: int = Field(foreign_key="survey.id", ondelete="CASCADE")
    release: int
    unit: str = Field(default="", max_length=80)
    channel: str = Field(default="", max_length=40)
    language: str = Field(max_length=12)
    day: date
    order: int = 0
    flags: int = 0
    closed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    withdrawn: bool = False


class Comment(SQLModel, table=True):
    """Free text, apart: its key can be computed from the receipt code, and from nothing else that is stored."""

    __table_args__ = (UNORDERED,)

    key_hash: str = Field(primary_key=True, max_length=64)
    survey_id: int = Field(foreign_key="survey.id", ondelete="CASCADE", index=True)
    question: str = Field(max_length=40)
    language: str = Field(max_length=12)
    text: str = Field(sa_column=Column(Text, nullable=False))


class Contact(SQLModel, table=True):
    """Someone who may be written to, across all surveys.

    `same` is the address by which two entries are one.  `stop` opens the opt-out page and nothing else, so it is kept
    as it is: the link in an old mail must work for good.
    """

    id: int | None = Field(default=None, primary_key=True)
    address: str = Field(max_length=254)
    same: str = Field(max_length=254, unique=True)
    stop: str = Field(max_length=22, unique=True)
    mailed_on: date | None = None
    opted_out: bool = False
    bounced: bool = False


class ContactList(SQLModel, table=True):
    """A list that was read and shown, and waits to be taken over or thrown away: one a survey."""

    __tablename__ = "contact_list"

    survey_id: int = Field(foreign_key="survey.id", ondelete="CASCADE", primary_key=True)
    digest: str = Field(max_length=64)
    rows: list[list[str]] = Field(sa_column=Column(Document, nullable=False))  # address, unit, language, segment
    expires_on: date


class Invited(SQLModel, table=True):
    """A contact on the list of a survey.  That somebody has answered is written nowhere but in the link's own row."""

    survey_id: int = Field(foreign_key="survey.id", ondelete="CASCADE", primary_key=True)
    contact_id: int = Field(foreign_key="contact.id", ondelete="CASCADE", primary_key=True, index=True)
    unit: str = Field(default="", max_length=80)
    language: str = Field(max_length=12)
    segment: str = Field(default="", max_length=40)


class Mail(SQLModel, table=True):
    """The queue: one mail of a round (0 the invitation, then reminders) to a contact."""

    __table_args__ = (Index("ix_mail_state", "survey_id", "state"),)

    survey_id: int = Field(foreign_key="survey.id", ondelete="CASCADE", primary_key=True)
    contact_id: int = Field(foreign_key="contact.id", ondelete="CASCADE", primary_key=True, index=True)
    round: int = Field(primary_key=True)
    state: str = Field(max_length=10)  # waiting, sending, sent, failed
    reason: str = Field(default="", max_length=200)


class OneTimeLink(SQLModel, table=True):
    """A personal link: what its answers will carry, and whether it is spent.

    The token is derived from a key that is not in the database, so nothing here says to whom the link was written;
    nor does a spent link know when it was spent or by which answers.
    """

    __tablename__ = "one_time_link"
    __table_args__ = (UNORDERED,)

    link_hash: str = Field(primary_key=True, max_length=64)
    survey_id: int = Field(foreign_key="survey.id", ondelete="CASCADE", index=True)
    unit: str = Field(default="", max_length=80)
    channel: str = Field(default="", max_length=40)
    language: str = Field(max_length=12)
    spent: bool = False


class Opened(SQLModel, table=True):
    """How often links of a survey were opened, whoever's they were."""

    survey_id: int = Field(foreign_key="survey.id", ondelete="CASCADE", primary_key=True)
    times: int = 0


class Reached(SQLModel, table=True):
    """How often a step of the form was reached by a way in, whoever's visit it was.

    `way` is a short link's code, "" for the public address, "@mail" for personal links, "@device" and a device's id.
    `step` is 0 for the welcome page, then the pages' numbers; `surveys.store.fieldwork` names the others.
    """

    survey_id: int = Field(foreign_key="survey.id", ondelete="CASCADE", primary_key=True)
    way: str = Field(primary_key=True, max_length=20)
    step: int = Field(primary_key=True)
    times: int = 0


class Quota(SQLModel, table=True):
    """At most so many answers of a branch, a way in, or an option of a question; "" means any.

    `taken` counts what came in, `turned` those who were told that there are enough.
    """

    id: int | None = Field(default=None, primary_key=True)
    survey_id: int = Field(foreign_key="survey.id", ondelete="CASCADE", index=True)
    unit: str = Field(default="", max_length=80)
    channel: str = Field(default="", max_length=40)
    question: str = Field(default="", max_length=40)
    option: str = Field(default="", max_length=40)
    most: int
    taken: int = 0
    turned: int = 0
    filled_on: date | None = None


class Device(SQLModel, table=True):
    """A shared tablet that shows a survey as a kiosk; its token is only on the device."""

    id: int | None = Field(default=None, primary_key=True)
    survey_id: int = Field(foreign_key="survey.id", ondelete="CASCADE", index=True)
    name: str = Field(max_length=80)
    unit: str = Field(default="", max_length=80)
    token_hash: str = Field(unique=True, max_length=64)
    pin: str = Field(max_length=200)  # salt and hash of the number by which staff leave the kiosk
    added_on: date
    seen_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    waiting: int = 0  # answers on the device that it could not deliver yet, as it last said
    retired: bool = False


class Improvement(SQLModel, table=True):
    """What a branch, or the bank (""), has changed because of a survey, as customers read it."""

    id: int | None = Field(default=None, primary_key=True)
    survey_id: int = Field(foreign_key="survey.id", ondelete="CASCADE", index=True)
    unit: str = Field(default="", max_length=80)
    done_on: date
    words: dict[str, str] = Field(sa_column=Column(Document, nullable=False))  # by language
