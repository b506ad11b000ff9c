"""Released answers and what was summed up from them, kept per survey and revision."""

from __future__ import annotations

from app.desk.selection import Holdings, hold
from app.requests import Desk
from surveys.store import publish
from surveys.tables import Survey


def holdings_of(desk: Desk, survey: Survey) -> Holdings:
    """The released answers of a survey at its present revision."""
    desk.cache.renew(survey.id, survey.revision)
    return desk.cache.get(
        ("holdings", survey.id, survey.revision),
        lambda: hold(desk.engine, survey, publish.questionnaire_of(survey)),
    )
