"""The waves of a survey's series, and where they do not ask the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from app.desk.phases import state_words
from surveys.rewording import Change, changes, same_scale
from surveys.store import publish, waves
from surveys.tables import Survey


@dataclass(frozen=True)
class Wave:
    """One wave beside the survey whose page is shown: what it asks otherwise."""

    survey: Survey
    words: str
    released: int
    here: bool
    changes: tuple[Change, ...]
    other_scale: bool


def waves_of(session: Session, survey: Survey, today: date) -> list[Wave]:
    """All waves of the series in the order in which they began; the survey alone is no series and gives none."""
    found = waves.waves(session, survey)
    if len(found) < 2:
        return []
    return [_beside(session, survey, one, today) for one in found]


def _beside(session: Session, survey: Survey, other: Survey, today: date) -> Wave:
    differing: tuple[Change, ...] = ()
    other_scale = False
    if other.definition_hash != survey.definition_hash:
        theirs, ours = publish.questionnaire_of(other), publish.questionnaire_of(survey)
        differing, other_scale = tuple(changes(theirs, ours)), not same_scale(theirs, ours)
    state, released = publish.state(other, today), publish.counts(session, other)[0]
    return Wave(other, state_words(state), released, other.id == survey.id, differing, other_scale)
