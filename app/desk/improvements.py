"""What was changed because of a survey: the officer writes it, those who answered read it beside their receipt."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from app.access import PublisherDep, Visitor, check_csrf
from app.desk.frame import frame
from app.desk.pages import Here, SurveyDep, day_of, worded
from app.requests import Desk, DeskDep, LanguageDep, PostedDep
from app.words import LANGUAGES, render
from surveys.store import improvements, publish
from surveys.store.database import reading, writing
from surveys.tables import Survey

router = APIRouter(include_in_schema=False)


def _page(
    request: Request,
    desk: Desk,
    visitor: Visitor,
    survey: Survey,
    messages: dict[str, str] | None = None,
    wish: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    with reading(desk.engine) as session:
        told = improvements.all_of(session, survey.id or 0)
        units = sorted({link.unit for link in publish.links(session, survey) if link.unit})
    page = render(
        "desk/improvements.html",
        frame=frame(request, desk, visitor),
        survey=survey,
        told=told,
        units=units,
        languages_=[(code, LANGUAGES.get(code, code)) for code in survey.definition["languages"]],
        messages=messages or {},
        wish=wish or {"done_on": desk.settings.today().isoformat()},
        longest=improvements.LONGEST,
    )
    return HTMLResponse(page, status)


@router.get("/surveys/{slug}/improvements")
def show(request: Request, desk: DeskDep, language: LanguageDep, visitor: PublisherDep, survey: SurveyDep) -> Response:
    """What is told, and the form to tell more."""
    return _page(request, desk, visitor, survey)


@router.post("/surveys/{slug}/improvements", dependencies=[Here])
def add(
    request: Request, desk: DeskDep, language: LanguageDep, visitor: PublisherDep, survey: SurveyDep, posted: PostedDep
) -> Response:
    """Tell of one improvement more."""
    check_csrf(visitor, posted.get("csrf"))
    words = {code: posted.get(f"words-{code}") for code in survey.definition["languages"]}
    wish = {"unit": posted.get("unit")[:200], "done_on": posted.get("done_on")[:40]}
    wish |= {f"words-{code}": text[:4000] for code, text in words.items()}
    messages: dict[str, str] = {}
    done_on = day_of(wish["done_on"], "done_on", messages) or desk.settings.today()
    if not messages:
        try:
            with writing(desk.engine) as session:
                improvements.add(session, survey, wish["unit"], done_on, words)
            return RedirectResponse(f"/surveys/{survey.slug}/improvements", 303)
        except publish.Unpublishable as error:
            messages = {complaint.field: worded(complaint) for complaint in error.complaints}
    return _page(request, desk, visitor, survey, messages, wish, 422)


@router.post("/surveys/{slug}/improvements/{number}/delete", dependencies=[Here])
def take_back(desk: DeskDep, visitor: PublisherDep, survey: SurveyDep, number: int, posted: PostedDep) -> Response:
    """No longer tell of one."""
    check_csrf(visitor, posted.get("csrf"))
    with writing(desk.engine) as session:
        if not improvements.take_back(session, survey.id or 0, number):
            raise HTTPException(404)
    return RedirectResponse(f"/surveys/{survey.slug}/improvements", 303)
