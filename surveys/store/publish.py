"""Surveys and their links: publishing freezes a questionnaire; what becomes of it then is in `lifecycle`."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, Protocol

from sqlalchemy import Connection, func, update
from sqlmodel import Session, col, select

from surveys.authoring import ready_to_publish
from surveys.lots import lots
from surveys.questionnaire import Questionnaire
from surveys.tables import ENDED, Link, Release, Submission, Survey, Waiting

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?")
MOST_PLANNED = 10_000_000
CODE_LETTERS = "abcdefghjkmnpqrstuvwxyz"  # no i, l, o; no digits, so that a code is never a page number


@dataclass(frozen=True)
class Complaint:
    """One thing that is wrong with what was filled in: the field, a code, the value, and what is allowed."""

    field: str
    code: Literal[
        "slug",
        "taken",
        "wave",
        "bank",
        "closes",
        "wording",
        "core",
        "link",
        "planned",
        "move",
        "reopen",
        "past",
        "named",
        "device",
        "unit",
        "pin",
        "told",
    ]
    value: str = ""
    allowed: str = ""

    def __str__(self) -> str:
        sentences = {
            "slug": "the value is {value!r}; allowed are 1 to 60 small letters, digits and hyphens, beginning and "
            "ending with a letter or digit, and not 'new'",
            "taken": "{value!r} is taken; choose one that no survey has",
            "wave": "the value has {value} characters; allowed are 1 to 40, as in 2026-2",
            "bank": "the name has {value} characters; allowed are 1 to 120",
            "closes": "{value} is before the opening day {allowed}; allowed is that day or later",
            "wording": "{value}",
            "core": "the short form needs stages, items with core: true, and more others than are drawn of a stage; "
            "{value} has no such items",
            "link": "branch or way in is empty or too long; allowed are 1 to 80 characters for the branch, 40 for the "
            "way in",
            "device": "the name has {value} characters; allowed are 1 to 80",
            "unit": "the branch has {value} characters; allowed are up to 80",
            "told": "the text has {value} characters; allowed are 1 to {allowed}",
            "pin": "the value is {value!r}; allowed are 4 to 8 digits",
            "named": "this series has a wave {value!r}; choose a name that none of its waves has",
            "planned": "the value is {value}; allowed is a whole number from 0 (nothing planned) to {allowed}",
            "move": "the survey is {value}; allowed from there: {allowed}",
            "reopen": "the survey ended on {value}; it could be opened again until {allowed}",
            "past": "the last day {value} is over; allowed is {allowed} or later, or none",
        }
        return f"{self.field}: " + sentences[self.code].format(value=self.value, allowed=self.allowed)


class Unpublishable(ValueError):
    """A survey or link that cannot be made, with all that is wrong with it."""

    def __init__(self, complaints: list[Complaint]):
        self.complaints = complaints
        super().__init__("\n".join(map(str, complaints)))


def definition_hash(definition: dict[str, Any]) -> str:
    """Fingerprint of a frozen questionnaire."""
    return hashlib.sha256(json.dumps(definition, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def publish(
    session: Session,
    questionnaire: Questionnaire,
    *,
    slug: str,
    bank: str,
    wave: str,
    opens_on: date,
    closes_on: date | None,
    today: date,
    series: str = "",
    simulated: bool = False,
    phase: Literal["draft", "open"] = "open",
    planned: int = 0,
    invited_only: bool = False,
) -> Survey:
    """Publish a questionnaire: its copy is frozen in the survey and never changes.

    As a draft it can be looked at and tried out before it is opened (`surveys.store.lifecycle`).  `planned` is the
    number of answers aimed at; 0 says that none is.

    Raises
    ------
    Unpublishable
        With a sentence for each thing that is wrong.
    """
    wrong: list[Complaint] = []
    if not SLUG.fullmatch(slug) or slug == "new":
        wrong.append(Complaint("slug", "slug", slug[:60]))
    elif find(session, slug):
        wrong.append(Complaint("slug", "taken", slug))
    if not 1 <= len(wave) <= 40:
        wrong.append(Complaint("wave", "wave", str(len(wave))))
    if not 1 <= len(bank) <= 120:
        wrong.append(Complaint("bank", "bank", str(len(bank))))
    if closes_on and closes_on < opens_on:
        wrong.append(Complaint("closes", "closes", str(closes_on), str(opens_on)))
    if not 0 <= planned <= MOST_PLANNED:
        wrong.append(Complaint("planned", "planned", str(planned), f"{MOST_PLANNED:,}"))
    missing = ready_to_publish(questionnaire)
    if missing:
        wrong.append(Complaint("questionnaire", "wording", "; ".join(missing)))
    if questionnaire.drawn is not None and not lots(questionnaire):
        wrong.append(Complaint("short_form", "core", questionnaire.id))
    if wrong:
        raise Unpublishable(wrong)
    definition = questionnaire.dump()
    survey = Survey(
        slug=slug,
        bank=bank,
        series=series or questionnaire.id,
        wave=wave,
        audience=questionnaire.audience,
        definition=definition,
        definition_hash=definition_hash(definition),
        opens_on=opens_on,
        closes_on=closes_on,
        published_on=today,
        simulated=simulated,
        phase=phase,
        planned=planned,
        invited_only=invited_only,
    )
    session.add(survey)
    session.flush()
    return survey


def find(session: Session, slug: str) -> Survey | None:
    """The survey at a slug."""
    return session.exec(select(Survey).where(Survey.slug == slug)).first()


def all_surveys(session: Session) -> list[Survey]:
    """All surveys, the newest first."""
    return list(session.exec(select(Survey).order_by(col(Survey.id).desc())))


def questionnaire_of(survey: Survey) -> Questionnaire:
    """The frozen questionnaire of a survey."""
    return Questionnaire.model_validate(survey.definition)


class Dated(Protocol):
    """What decides about a survey's state."""

    @property
    def phase(self) -> str:
        """The phase it was put into; `surveys.store.lifecycle` knows them."""

    @property
    def opens_on(self) -> date:
        """Its first day."""

    @property
    def closes_on(self) -> date | None:
        """Its last day."""

    @property
    def ended_on(self) -> date | None:
        """The day on which it was closed by hand."""


def invite_only(session: Session, survey: Survey, only: bool) -> None:
    """Whether the survey is answered by personal links alone, or by its public address and short links too."""
    session.connection().execute(update(Survey).where(col(Survey.id) == survey.id).values(invited_only=only))


def state(survey: Dated, today: date) -> str:
    """`draft`, `pilot`, `not_yet`, `open`, `paused`, `closed` or `archived`: the phase, as far as the days let it.

    Days say nothing before a survey is opened: a pilot takes place before the first day.
    """
    if survey.phase in ("draft", "pilot", *ENDED):
        return survey.phase
    if survey.closes_on is not None and today > survey.closes_on:
        return "closed"
    return "not_yet" if survey.phase == "open" and today < survey.opens_on else survey.phase


def add_link(session: Session, survey: Survey, unit: str, channel: str) -> Link:
    """The short link of a unit and channel, made when there is none yet."""
    unit, channel = unit.strip(), channel.strip()
    if len(unit) > 80 or len(channel) > 40 or not unit + channel:
        raise Unpublishable([Complaint("unit", "link", unit[:80])])
    found = session.exec(
        select(Link).where(Link.survey_id == survey.id, Link.unit == unit, Link.channel == channel)
    ).first()
    if found:
        return found
    code = "".join(secrets.choice(CODE_LETTERS) for _ in range(7))
    link = Link(code=code, survey_id=survey.id or 0, unit=unit, channel=channel)
    session.add(link)
    session.flush()
    return link


def links(session: Session, survey: Survey) -> list[Link]:
    """The links of a survey by unit and channel."""
    return list(session.exec(select(Link).where(Link.survey_id == survey.id).order_by(Link.unit, Link.channel)))


def find_link(session: Session, survey_id: int | None, code: str) -> Link | None:
    """The link of that code, if it belongs to the survey."""
    return session.exec(select(Link).where(Link.code == code, Link.survey_id == survey_id)).first()


def code_of(connection: Connection, survey_id: int, unit: str, channel: str) -> str:
    """The code of the link of a unit and channel; "" when there is none."""
    query = select(col(Link.code)).where(Link.survey_id == survey_id, Link.unit == unit, Link.channel == channel)
    return str(connection.execute(query).scalar() or "")


def counts(session: Session, survey: Survey) -> tuple[int, int]:
    """Submissions released, and whether at least a batch waits is never told: only (released, releases)."""
    released = session.exec(select(func.count()).select_from(Submission).where(Submission.survey_id == survey.id)).one()
    return released, survey.releases


def waiting(session: Session, survey: Survey) -> int:
    """Answers in the inbox, for tests and for the command line."""
    return session.exec(select(func.count()).select_from(Waiting).where(Waiting.survey_id == survey.id)).one()


def last_release(session: Session, survey: Survey) -> Release | None:
    """The newest release."""
    return session.exec(
        select(Release).where(Release.survey_id == survey.id).order_by(col(Release.number).desc())
    ).first()
