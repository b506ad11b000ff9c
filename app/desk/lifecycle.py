"""What the desk does with a survey after publishing: its next phase, its plan, its next wave."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from app.access import PublisherDep, Visitor, check_csrf, same_origin
from app.desk.frame import frame
from app.desk.pages import OwnDep, SurveyDep, day_of, show_survey, worded
from app.desk.phases import aimed_at, begun_as, confirmation
from app.requests import Desk, DeskDep, LanguageDep, PostedDep
from app.words import _, render
from surveys.store import lifecycle, publish, waves
from surveys.store.database import reading, writing
from surveys.tables import Survey

router = APIRouter(include_in_schema=False)
Here = Depends(same_origin)


@router.post("/surveys/{slug}/move", dependencies=[Here])
def move_survey(
    request: Request, desk: DeskDep, language: LanguageDep, visitor: PublisherDep, survey: OwnDep, posted: PostedDep
) -> Response:
    """Bring a survey into its next phase; what cannot be undone has to be confirmed."""
    check_csrf(visitor, posted.get("csrf"))
    today, phase = desk.settings.today(), posted.get("phase")[:20]
    if confirmation(lifecycle.phase_of(survey, today), phase) and posted.get("confirm") != phase:
        told = {f"move-{phase}": _("This cannot be undone: tick the box beside the button as well.")}
        return show_survey(request, desk, visitor, survey, told, 422)
    try:
        with writing(desk.engine) as session:
            lifecycle.move(session, survey, phase, today)
    except publish.Unpublishable as error:
        told = {complaint.field: worded(complaint) for complaint in error.complaints}
        return show_survey(request, desk, visitor, survey, told, 422)
    return RedirectResponse(f"/surveys/{survey.slug}", 303)


@router.post("/surveys/{slug}/plan", dependencies=[Here])
def change_plan(
    request: Request, desk: DeskDep, language: LanguageDep, visitor: PublisherDep, survey: SurveyDep, posted: PostedDep
) -> Response:
    """Change the number of answers aimed at and the last day."""
    check_csrf(visitor, posted.get("csrf"))
    messages: dict[str, str] = {}
    planned = aimed_at(posted.get("planned").strip(), messages)
    closes = day_of(posted.get("closes").strip(), "closes", messages) if "closes" in posted.values else survey.closes_on
    if not messages:
        try:
            with writing(desk.engine) as session:
                lifecycle.plan(session, survey, planned=planned, closes_on=closes, today=desk.settings.today())
            return RedirectResponse(f"/surveys/{survey.slug}#plan", 303)
        except publish.Unpublishable as error:
            messages |= {complaint.field: worded(complaint) for complaint in error.complaints}
    return show_survey(request, desk, visitor, survey, messages, 422)


@dataclass
class NextWish:
    """The form of the next wave as it was filled in."""

    slug: str
    wave: str
    planned: str
    opens: str = ""
    closes: str = ""
    begin: str = "draft"
    links: bool = True


def _next_page(
    request: Request,
    desk: Desk,
    visitor: Visitor,
    survey: Survey,
    wish: NextWish,
    messages: dict[str, str],
    status: int = 200,
) -> Response:
    with reading(desk.engine) as session:
        links = len(publish.links(session, survey))
    return HTMLResponse(
        render(
            "desk/next_wave.html",
            frame=frame(request, desk, visitor),
            survey=survey,
            wish=wish,
            messages=messages,
            links=links,
            public_url=desk.settings.public_url,
        ),
        status,
    )


@router.get("/surveys/{slug}/next")
def next_wave_form(
    request: Request, desk: DeskDep, language: LanguageDep, visitor: PublisherDep, survey: SurveyDep
) -> Response:
    """The form of the next wave, filled in as far as it can be."""
    with reading(desk.engine) as session:
        taken = {one.wave for one in waves.waves(session, survey)}
        wave = waves.next_name(survey.wave, taken, desk.settings.today())
        slug = waves.next_slug(session, survey, wave)
    wish = NextWish(slug, wave, str(survey.planned or ""))
    return _next_page(request, desk, visitor, survey, wish, {})


@router.post("/surveys/{slug}/next", dependencies=[Here])
def publish_next_wave(
    request: Request, desk: DeskDep, language: LanguageDep, visitor: PublisherDep, survey: OwnDep, posted: PostedDep
) -> Response:
    """Publish the same frozen questionnaire as the next wave, or show what is wrong."""
    check_csrf(visitor, posted.get("csrf"))
    values = {name: posted.get(name).strip()[:200] for name in ("slug", "wave", "planned", "opens", "closes", "begin")}
    wish, messages = NextWish(**values, links=posted.get("links") == "yes"), dict[str, str]()
    planned, begin, today = (
        aimed_at(wish.planned, messages),
        begun_as(wish.begin, messages),
        desk.settings.today(),
    )
    opens, closes = day_of(wish.opens, "opens", messages) or today, day_of(wish.closes, "closes", messages)
    if not messages:
        try:
            with writing(desk.engine) as session:
                made = waves.next_wave(
                    session,
                    survey,
                    slug=wish.slug,
                    wave=wish.wave,
                    opens_on=opens,
                    closes_on=closes,
                    today=today,
                    phase=begin,
                    planned=planned,
                    links=wish.links,
                )
            return RedirectResponse(f"/surveys/{made.slug}", 303)
        except publish.Unpublishable as error:
            messages |= {complaint.field: worded(complaint) for complaint in error.complaints}
    return _next_page(request, desk, visitor, survey, wish, messages, 422)
