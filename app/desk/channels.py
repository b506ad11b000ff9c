"""Many links at once: one for each branch of a list."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.access import PublisherDep, check_csrf
from app.desk.pages import Here, SurveyDep, show_survey
from app.requests import DeskDep, LanguageDep, PostedDep
from app.words import _, count
from surveys.store import publish
from surveys.store.database import writing

router = APIRouter(include_in_schema=False)
MOST_LINES = 500
LONGEST_UNIT = 80


def units_in(text: str) -> tuple[list[str], str]:
    """Branches, one a line, and what is wrong with them, if anything is."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    seen: dict[str, int] = {}
    for number, unit in lines:
        if len(unit) > LONGEST_UNIT:
            told = _("Line %(line)s has %(n)s characters; allowed are 1 to %(most)s. No link was made.")
            return [], told % {"line": number, "n": len(unit), "most": LONGEST_UNIT}
        if unit in seen:
            told = _("Line %(line)s, “%(unit)s”, stands in line %(first)s already. No link was made.")
            return [], told % {"line": number, "unit": unit, "first": seen[unit]}
        seen[unit] = number
    if not lines or len(lines) > MOST_LINES:
        told = _("The list has %(n)s branches; allowed are 1 to %(most)s. No link was made.")
        return [], told % {"n": count(len(lines)), "most": MOST_LINES}
    return [unit for _number, unit in lines], ""


@router.post("/surveys/{slug}/links/many", dependencies=[Here])
def make_many(
    request: Request, desk: DeskDep, language: LanguageDep, visitor: PublisherDep, survey: SurveyDep, posted: PostedDep
) -> Response:
    """Make a link for each branch of a list: all of them, or none."""
    check_csrf(visitor, posted.get("csrf"))
    text, channel = posted.get("units"), posted.get("many-channel").strip()
    units, wrong = units_in(text)
    if not wrong and len(channel) > 40:
        told = _("The way in has %(n)s characters; allowed are up to 40. No link was made.")
        wrong = told % {"n": len(channel)}
    if wrong:
        messages = {"units": wrong, "units-given": text[:50_000], "many-channel-given": channel[:80]}
        return show_survey(request, desk, visitor, survey, messages, 422)
    with writing(desk.engine) as session:
        for unit in units:
            publish.add_link(session, survey, unit, channel)
    return RedirectResponse(f"/surveys/{survey.slug}#links", 303)
