"""How the fieldwork of a survey stands: what is counted as it happens, and what is told from released answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from sqlalchemy import func, select
from sqlmodel import Session, col

from analysis.results import Statistic
from analysis.sampling.planning import half_width_at
from analysis.sampling.representative import Likeness, likeness, weighting_effect
from analysis.sampling.response import rr1
from analysis.study import scored
from app.desk.holdings import holdings_of
from app.desk.selection import Holdings
from app.requests import Desk
from app.respond.headings import page_title, part_name
from app.words import _, count, decimal
from surveys.flags import NAMES
from surveys.form import Page, pages
from surveys.store import publish
from surveys.store.database import reading
from surveys.store.fieldwork import OPENED, SENT, STARTED, TURNED, steps_of
from surveys.store.releases import BATCH
from surveys.tables import Invited, Mail, OneTimeLink, Survey

LEAST_DAYS, LEAST_ANSWERS = 3, 30
"""Sooner, or with fewer answers, nothing is said of the day on which the plan is reached."""


@dataclass(frozen=True)
class Counted:
    """What is counted as it happens; none of it knows a person."""

    invited: int
    written: int  # contacts to whom mail went, or bounced
    mails: int
    answered: int  # personal links that are spent
    steps: Mapping[int, int]
    waiting: int
    released: int

    @property
    def rate(self) -> Statistic:
        """The response rate of those who were written to."""
        return rr1(self.answered, noncontact=max(self.written - self.answered, 0))


def counted_of(session: Session, survey: Survey) -> Counted:
    """Count."""
    connection, number = session.connection(), survey.id or 0

    def one(query: object) -> int:
        return int(connection.execute(query).scalar_one())  # type: ignore[call-overload]

    steps: dict[int, int] = {}
    for by_step in steps_of(connection, number).values():
        for step, times in by_step.items():
            steps[step] = steps.get(step, 0) + times
    mine, done = col(Mail.survey_id) == number, col(Mail.state).in_(("sent", "failed"))
    return Counted(
        one(select(func.count()).select_from(Invited).where(col(Invited.survey_id) == number)),
        one(select(func.count(func.distinct(col(Mail.contact_id)))).where(mine, done)),
        one(select(func.count()).select_from(Mail).where(mine, col(Mail.state) == "sent")),
        one(select(func.count()).select_from(OneTimeLink).where(
            col(OneTimeLink.survey_id) == number, col(OneTimeLink.spent))),
        steps,
        publish.waiting(session, survey),
        publish.counts(session, survey)[0],
    )  # fmt: skip


def few(number: int) -> str:
    """A number that may be about few people who wait: told from a batch upwards."""
    return count(number) if number >= BATCH else _("fewer than five")


def percent(value: float | None) -> str:
    """A share in per cent."""
    return "–" if value is None else _("%(n)s %%") % {"n": round(value * 100)}


def live(counted: Counted) -> dict[str, str]:
    """What the page's script puts into its places, as text."""
    steps, rate = counted.steps, counted.rate
    told = _("%(rate)s (95 %% interval %(low)s to %(high)s)")
    return {
        "invited": count(counted.invited),
        "mails": count(counted.mails),
        "opened": count(steps.get(OPENED, 0)),
        "started": count(steps.get(STARTED, 0)),
        "sent": count(steps.get(SENT, 0)),
        "waiting": few(counted.waiting),
        "released": count(counted.released),
        "turned": count(steps.get(TURNED, 0)),
        "rate": told % {"rate": percent(rate.value), "low": percent(rate.low), "high": percent(rate.high)}
        if rate.value is not None
        else "–",
    }


@dataclass(frozen=True)
class Stop:
    """A page of the form: how many came as far as that, and how many of them left there."""

    name: str
    reached: int
    left: int

    @property
    def share(self) -> float:
        """Of those who reached it, who left."""
        return self.left / self.reached if self.reached else 0.0


def _certain(page: Page) -> bool:
    """Whether everybody meets the page, so that who did not pass it has left."""
    return any(card.unless is None and (not card.question or card.question.show_if is None) for card in page.cards)


def _name(page: Page) -> str:
    return f"{page_title(page)} ({part_name(page)})" if page.title == "items" and page.name else page_title(page)


def stops_of(survey: Survey, counted: Counted) -> list[Stop]:
    """Where people left; pages that only some meet are passed over."""
    steps = counted.steps
    reached = steps.get(STARTED, 0)
    opened = max(steps.get(OPENED, 0), reached)
    found = [Stop(_("Welcome"), opened, opened - reached)]
    for page in pages(publish.questionnaire_of(survey)):
        if _certain(page):
            passed = min(steps.get(page.number, 0), reached)
            found.append(Stop(_name(page), reached, reached - passed))
            reached = passed
    return found


def first_sentence(survey: Survey, released: int, today: date) -> str:
    """How the fieldwork stands, in plain words."""
    if not released:
        return _("No answers have been released yet.")
    if not survey.planned:
        return _("%(n)s answers so far; no number was planned.") % {"n": count(released)}
    part = {"n": count(released), "planned": count(survey.planned)}
    if released >= survey.planned:
        return _("The plan is reached: %(n)s of %(planned)s answers.") % part
    words = _("%(n)s of %(planned)s planned answers") % part
    days = (today - survey.opens_on).days + 1
    if publish.state(survey, today) != "open" or days < LEAST_DAYS or released < LEAST_ANSWERS:
        return f"{words}."
    when = today + timedelta(days=math.ceil((survey.planned - released) / (released / days)))
    if survey.closes_on is not None and when > survey.closes_on:
        total = round(released / days * ((survey.closes_on - survey.opens_on).days + 1))
        told = _("%(words)s; at this pace about %(total)s arrive by %(day)s, fewer than planned.")
        return told % {"words": words, "total": count(total), "day": survey.closes_on.isoformat()}
    told = _("%(words)s; at this pace the plan is reached on %(day)s.")
    return told % {"words": words, "day": when.isoformat()}


@dataclass(frozen=True)
class Settled:
    """What is told from released answers; it changes with a release and never by one person."""

    floor: int
    ways: list[tuple[str, str]]  # way in, share
    flags: list[tuple[str, str]]  # name, number in words
    likeness: dict[str, Likeness]
    weighting: float | None
    reached: float | None  # half width of the 95 % interval of the mean gap
    planned: float | None  # what it will be with the planned number of answers


def settled_of(desk: Desk, survey: Survey) -> Settled:
    """From the released answers, kept until the next release."""
    holdings = holdings_of(desk, survey)
    floor = holdings.views.floor
    traits = {trait.id: trait for trait in holdings.views.traits}
    known = {name: shares for name, shares in survey.margins.items() if name in traits}
    likes = {name: likeness(traits[name].codes, traits[name].values, shares, floor) for name, shares in known.items()}
    weighting = weighting_effect(
        [traits[name].codes for name in known], [traits[name].values for name in known], list(known.values()), floor
    )
    reached, planned = _precision(holdings, survey.planned)
    return Settled(floor, _ways(holdings), _flags(holdings), likes, weighting, reached, planned)


def _ways(holdings: Holdings) -> list[tuple[str, str]]:
    trait = next((trait for trait in holdings.views.traits if trait.id == "via"), None)
    if trait is None:
        return []
    n = holdings.released.n
    found = []
    for value in trait.values:
        shown = holdings.views.allowed([("via", value)])
        found.append((value, percent(holdings.views.number([("via", value)]) / n) if shown else _("too few to show")))
    return found


def _flags(holdings: Holdings) -> list[tuple[str, str]]:
    given, floor = holdings.released.flags, holdings.views.floor
    if given is None or not holdings.released.n:
        return []
    counts = [(name, int((given & bit > 0).sum())) for bit, name in NAMES.items()]
    return [(name, count(n) if n >= floor else _("fewer than %(n)s") % {"n": floor}) for name, n in counts]


def _precision(holdings: Holdings, planned: int) -> tuple[float | None, float | None]:
    if holdings.matrix is None or holdings.released.n < holdings.views.floor:
        return None, None
    part = scored(holdings.matrix, main_only=True).main["overall"].frequencies()
    if part.n < holdings.views.floor or not np.isfinite(sd := part.sd()) or sd <= 0:
        return None, None
    return half_width_at(part.n, sd), half_width_at(planned, sd) if planned > 1 else None


def points(value: float | None) -> str:
    """A half width in points."""
    return "–" if value is None else f"±{decimal(value)}"


def look(desk: Desk, survey: Survey) -> Counted:
    """Count in a transaction of its own."""
    with reading(desk.engine) as session:
        return counted_of(session, survey)
