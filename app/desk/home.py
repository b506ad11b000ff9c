"""The list of surveys: drafts, those that run, those that are over, and the archive; pilots under their survey."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from app.desk.phases import state_words
from app.requests import Desk
from app.words import _
from surveys.store import publish
from surveys.store.database import reading
from surveys.tables import Survey

IN_GROUP = {
    "draft": "drafts",
    "pilot": "drafts",
    "not_yet": "running",
    "open": "running",
    "paused": "running",
    "closed": "finished",
    "archived": "archived",
}


@dataclass(frozen=True)
class Listed:
    """One line of the list; `pilot` is the line of its pilot."""

    survey: Survey
    title: dict[str, str]
    state: str
    words: str
    released: int
    pilot: Listed | None = None


@dataclass(frozen=True)
class Group:
    """Surveys in the same part of their life."""

    id: str
    name: str
    surveys: tuple[Listed, ...]


def groups(desk: Desk) -> list[Group]:
    """All surveys, in the groups that are not empty."""
    today = desk.settings.today()

    def listed(session: Session, survey: Survey, pilot: Listed | None = None) -> Listed:
        state, released = publish.state(survey, today), publish.counts(session, survey)[0]
        return Listed(survey, survey.definition["title"], state, state_words(state), released, pilot)

    with reading(desk.engine) as session:
        known = publish.all_surveys(session)
        pilots = {one.pilot_of: listed(session, one) for one in known if one.pilot_of is not None}
        lines = [listed(session, one, pilots.get(one.id or 0)) for one in known if one.pilot_of is None]
    names = {
        "drafts": _("Drafts and pilots"),
        "running": _("Running"),
        "finished": _("Finished"),
        "archived": _("Archive"),
    }
    found = [Group(id, name, tuple(x for x in lines if IN_GROUP[x.state] == id)) for id, name in names.items()]
    return [group for group in found if group.surveys]
