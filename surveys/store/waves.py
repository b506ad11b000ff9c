"""Waves of a series: the same questionnaire asked again, word for word."""

from __future__ import annotations

import re
from datetime import date
from typing import Literal

from sqlmodel import Session, col, select

from surveys.store import publish
from surveys.tables import Survey

YEARLY = re.compile(r"(\d{4})-(\d{1,3})")
NUMBERED = re.compile(r"(.*?)(\d{1,6})")


def waves(session: Session, survey: Survey) -> list[Survey]:
    """All waves of a survey's series at its bank, itself among them, in the order in which they began.

    The bank belongs to it, since a series is named after its questionnaire unless somebody names it otherwise.
    """
    query = select(Survey).where(
        Survey.series == survey.series, Survey.bank == survey.bank, col(Survey.pilot_of).is_(None)
    )
    return list(session.exec(query.order_by(col(Survey.opens_on), col(Survey.id))))


def next_name(wave: str, taken: set[str], today: date) -> str:
    """A name for the wave after `wave`: 2026-2 becomes 2026-3, or 2027-1 when that year has come."""
    yearly, numbered = YEARLY.fullmatch(wave), NUMBERED.fullmatch(wave)
    if yearly and today.year > int(yearly[1]):
        stem, number = f"{today.year}-", 1
    elif numbered:
        stem, number = numbered[1], int(numbered[2]) + 1
    else:
        stem, number = f"{wave[:36]} ", 2
    while f"{stem}{number}" in taken:
        number += 1
    return f"{stem}{number}"


def next_slug(session: Session, survey: Survey, wave: str) -> str:
    """A free address for the next wave: with the wave's new name in it if it had the old one's, else with a number."""
    old, new = _as_slug(survey.wave), _as_slug(wave)
    if old and new and old in survey.slug:
        stem, number, wish = survey.slug.replace(old, new), 2, survey.slug.replace(old, new)
    else:
        numbered = re.fullmatch(r"(.*)-(\d{1,3})", survey.slug)
        stem, number = (numbered[1], int(numbered[2]) + 1) if numbered else (survey.slug, 2)
        wish = f"{stem}-{number}"
    while len(wish) > 60 or not publish.SLUG.fullmatch(wish) or publish.find(session, wish) is not None:
        ending = f"-{number}"
        wish, number = stem[: 60 - len(ending)].rstrip("-") + ending, number + 1
    return wish


def _as_slug(wave: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", wave.lower()).strip("-")


def next_wave(
    session: Session,
    survey: Survey,
    *,
    slug: str,
    wave: str,
    opens_on: date,
    closes_on: date | None,
    today: date,
    phase: Literal["draft", "open"] = "draft",
    planned: int = 0,
    links: bool = False,
) -> Survey:
    """Publish the same frozen questionnaire again, in the same series.

    The officer's own words for mails come along, and so does being by invitation only.  With `links`, each branch and
    way in that had a link has one here as well, with a code of its own: an old poster must not lead to the new wave.

    Raises
    ------
    Unpublishable
        As `publish.publish`; also when the series has a wave of that name.
    """
    if wave in {one.wave for one in waves(session, survey)}:
        raise publish.Unpublishable([publish.Complaint("wave", "named", wave)])
    made = publish.publish(
        session,
        publish.questionnaire_of(survey),
        slug=slug,
        bank=survey.bank,
        wave=wave,
        opens_on=opens_on,
        closes_on=closes_on,
        today=today,
        series=survey.series,
        simulated=survey.simulated,
        phase=phase,
        planned=planned,
        invited_only=survey.invited_only,
    )
    made.mails = survey.mails
    # The copy itself, not the questionnaire written out anew: the two must be the same to the letter.
    made.definition, made.definition_hash = survey.definition, survey.definition_hash
    session.add(made)
    session.flush()
    for link in publish.links(session, survey) if links else ():
        publish.add_link(session, made, link.unit, link.channel)
    return made
