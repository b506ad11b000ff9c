"""The ways into a survey, with what came by each."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import escape
from sqlmodel import Session

from app.words import _
from surveys.store import publish
from surveys.store.fieldwork import MAIL, OPENED, SENT, STARTED, steps_of
from surveys.tables import Survey

WEBSITE = "website"


@dataclass(frozen=True)
class Way:
    """A way into the survey, with how far people got who came by it."""

    unit: str
    channel: str
    code: str
    address: str
    opened: int
    started: int
    sent: int
    snippet: str = ""


def ways_of(session: Session, survey: Survey, address: str) -> list[Way]:
    """The public address, the short links, and personal links where there are any."""
    steps = steps_of(session.connection(), survey.id or 0)

    def way(unit: str, channel: str, code: str, where: str, snippet: str = "") -> Way:
        found = steps.get(code, {})
        opened, started, sent = (found.get(step, 0) for step in (OPENED, STARTED, SENT))
        return Way(unit, channel, code, where, opened, started, sent, snippet)

    found = [way("", "", "", address)]
    for link in publish.links(session, survey):
        where = f"{address}/{link.code}"
        found.append(way(link.unit, link.channel, link.code, where, snippet(where) if link.channel == WEBSITE else ""))
    if MAIL in steps:
        found.append(way("", _("personal links by mail"), MAIL, ""))
    return found


def snippet(address: str) -> str:
    """What a bank puts into its own page: a plain link, which sends nothing anywhere before it is pressed."""
    return f'<a href="{escape(address)}" rel="noopener">{escape(_("Tell us how our service was"))}</a>'
