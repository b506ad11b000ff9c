"""Quotas of a survey: adding, changing and deleting them, and how far they are filled.

How many answers a quota has is told from released ones alone, in steps of the smallest group that may be shown: no
number here moves by one person.  That a quota is full may be said, since anybody at the form sees it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from app.access import PublisherDep, check_csrf
from app.desk.frame import frame
from app.desk.holdings import holdings_of
from app.desk.pages import Here, SurveyDep
from app.desk.selection import Holdings
from app.requests import Desk, DeskDep, LanguageDep, PostedDep
from app.words import N_, _, count, render
from app.words import worded as say
from surveys.coding import codebook
from surveys.questionnaire import Questionnaire
from surveys.store import publish, quotas
from surveys.store.database import reading, writing
from surveys.store.quotas import Limit, Wrong
from surveys.tables import Survey

router = APIRouter(include_in_schema=False)
SENTENCES = {
    "most": N_("The number of answers is “%(value)s”; allowed is a whole number from 1 to %(allowed)s."),
    "nothing": N_("A quota needs a branch, a way in or a group of customers."),
    "long": N_("The text has %(value)s characters; allowed are up to %(allowed)s."),
    "question": N_("The question “%(value)s” is not asked first; allowed are %(allowed)s."),
    "option": N_("The group “%(value)s” is none of the question's; allowed are %(allowed)s."),
    "same": N_("There is a quota of the same answers already; change that one."),
    "many": N_("There are %(allowed)s quotas already, the most that are allowed."),
}


@dataclass(frozen=True)
class Row:
    """A quota as the desk tells of it."""

    id: int
    what: str
    most: int
    told: str
    full: bool
    filled_on: date | None
    turned: str


def what(limit: Limit, questionnaire: Questionnaire) -> str:
    """Whose answers a quota counts, in words."""
    parts = [limit.unit and _("branch %(name)s") % {"name": limit.unit}]
    parts.append(limit.channel and _("way in %(name)s") % {"name": limit.channel})
    question = questionnaire.question(limit.question) if limit.question else None
    if question is not None:
        label = next((say(one.label) for one in question.options if one.code == limit.option), limit.option)
        parts.append(f"{say(question.short or question.prompt)}: {label}")
    return " · ".join(part for part in parts if part)


def released_of(holdings: Holdings, limit: Limit) -> int | None:
    """Released answers that a quota counts, as a filter would show them; None where it would show none."""
    views = holdings.views
    known = {trait.id: trait.values for trait in views.traits}
    wished = {"unit": limit.unit, "via": limit.channel, limit.question: limit.option}
    parts = [(name, value) for name, value in wished.items() if name and value]
    if not 1 <= len(parts) <= 2 or any(value not in known.get(name, ()) for name, value in parts):
        return None
    return views.number(parts) if views.allowed(parts) else None


def rows_of(desk: Desk, survey: Survey) -> list[Row]:
    """The quotas of a survey."""
    questionnaire = publish.questionnaire_of(survey)
    with reading(desk.engine) as session:
        limits = quotas.all_of(session.connection(), survey.id or 0)
    holdings = holdings_of(desk, survey) if limits else None
    found = []
    for limit in limits:
        n = released_of(holdings, limit) if holdings else None
        told = _("full") if limit.full else count(n) if n is not None else _("fewer than can be shown")
        turned = count(limit.turned) if limit.turned >= 5 else _("fewer than five") if limit.turned else "0"
        found.append(Row(limit.id, what(limit, questionnaire), limit.most, told, limit.full, limit.filled_on, turned))
    return found


def groups_of(questionnaire: Questionnaire) -> list[tuple[str, list[tuple[str, str]]]]:
    """Questions that are asked first, with their options as the form posts them."""
    asked = [question for name in questionnaire.screening if (question := questionnaire.question(name))]
    return [
        (say(one.short or one.prompt), [(f"{one.id}={option.code}", say(option.label)) for option in one.options])
        for one in asked
    ]


def _page(
    request: Request,
    desk: Desk,
    visitor: Any,
    survey: Survey,
    wish: dict[str, str] | None = None,
    wrong: Wrong | None = None,
    at: int = 0,
) -> Response:
    with reading(desk.engine) as session:
        links = publish.links(session, survey)
    message = _(SENTENCES[wrong.code]) % {"value": wrong.value, "allowed": wrong.allowed} if wrong else ""
    page = render(
        "desk/quotas.html",
        frame=frame(request, desk, visitor),
        survey=survey,
        rows=rows_of(desk, survey),
        groups=groups_of(publish.questionnaire_of(survey)),
        units=sorted({link.unit for link in links if link.unit}),
        channels=sorted({link.channel for link in links if link.channel}),
        wish=wish or {},
        field=wrong.field if wrong else "",
        message=message,
        at=at,
    )
    return HTMLResponse(page, 422 if wrong else 200, {"cache-control": "no-store"})


@router.get("/surveys/{slug}/quotas")
def show(request: Request, desk: DeskDep, language: LanguageDep, visitor: PublisherDep, survey: SurveyDep) -> Response:
    """The quotas of a survey."""
    return _page(request, desk, visitor, survey)


@router.post("/surveys/{slug}/quotas", dependencies=[Here])
def add(
    request: Request, desk: DeskDep, language: LanguageDep, visitor: PublisherDep, survey: SurveyDep, posted: PostedDep
) -> Response:
    """Add a quota; it starts with the answers that are there."""
    check_csrf(visitor, posted.get("csrf"))
    wish = {name: posted.get(name)[:200] for name in ("unit", "channel", "group", "most")}
    question, _equal, option = wish["group"].partition("=")
    questionnaire = publish.questionnaire_of(survey)
    try:
        with writing(desk.engine) as session:
            quotas.add(
                session.connection(),
                survey.id or 0,
                questionnaire,
                codebook(questionnaire),
                wish | {"question": question, "option": option},
                desk.settings.today(),
            )
    except Wrong as wrong:
        return _page(request, desk, visitor, survey, wish, wrong)
    return RedirectResponse(f"/surveys/{survey.slug}/quotas", 303)


@router.post("/surveys/{slug}/quotas/{number}", dependencies=[Here])
def change(
    request: Request,
    desk: DeskDep,
    language: LanguageDep,
    visitor: PublisherDep,
    survey: SurveyDep,
    number: int,
    posted: PostedDep,
) -> Response:
    """Let a quota allow more or fewer answers, or delete it."""
    check_csrf(visitor, posted.get("csrf"))
    try:
        with writing(desk.engine) as session:
            connection, survey_id = session.connection(), survey.id or 0
            if posted.get("go") == "delete":
                known = quotas.delete(connection, survey_id, number)
            else:
                questionnaire, today = publish.questionnaire_of(survey), desk.settings.today()
                known = quotas.change(connection, survey_id, number, questionnaire, posted.get("most"), today)
    except Wrong as wrong:
        return _page(request, desk, visitor, survey, {"most": posted.get("most")[:40]}, wrong, number)
    if not known:
        raise HTTPException(404)
    return RedirectResponse(f"/surveys/{survey.slug}/quotas", 303)
