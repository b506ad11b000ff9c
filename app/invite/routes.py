"""One-time links, opened by customers, and opt-out links.  Opening any of them changes nothing but a counter."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.access import same_origin
from app.invite import notices
from app.requests import Desk, DeskDep, PostedDep, get_desk, keep, look, posted_form
from app.respond import view
from app.respond.delivery import count_passed, deliver, document, refused
from app.respond.enough import at_the_door, full_of
from app.respond.published import Published, published
from app.respond.visit import Here, count_steps, html, not_open, once_cookie, receipt_path, see_other, set_language
from app.words import LANGUAGES, _, negotiate, speak
from surveys.store import contacts, invitations
from surveys.store.collect import DRAFT_DAYS
from surveys.store.fieldwork import MAIL, OPENED, STARTED
from surveys.store.invitations import Opening
from surveys.tables import Link

router = APIRouter(include_in_schema=False)


async def _opened(request: Request, desk: Desk, token: str) -> tuple[Opening, Published] | None:
    """What the link opens, with the language spoken in which it was written; None when there is no such link."""
    opening = await look(desk, lambda connection: invitations.find(connection, token))
    survey = published(desk, opening.slug) if opening else None
    if opening is None or survey is None:
        _speak_to_anybody(request)
        return None
    speak(_language(request, survey, opening))
    return opening, survey


async def _usable(request: Request, desk: Desk, token: str) -> tuple[Opening, Published] | Response:
    """What the link opens, or the page that says why nothing can be answered by it."""
    found = await _opened(request, desk, token)
    if found is None:
        return html(notices.unknown(), 404)
    opening, survey = found
    if opening.spent:
        return html(notices.used(survey.view(), receipt_path(survey)), 410)
    return not_open(desk, survey, f"/i/{token}", invited=True) or found


def _language(request: Request, survey: Published, opening: Opening) -> str:
    """The language to speak: asked for in the address, chosen before, the contact's, or the browser's."""
    offered = survey.questionnaire.languages
    wishes = (request.query_params.get("lang"), request.cookies.get(f"fgl-{survey.slug}"), opening.language)
    wish = next((one for one in wishes if one in offered), None)
    return negotiate(wish, request.headers.get("accept-language"), offered)


def _speak_to_anybody(request: Request) -> None:
    speak(negotiate(request.query_params.get("lang"), request.headers.get("accept-language")))


def _remember(answer: Response, request: Request, desk: Desk, survey: Published, token: str, chosen: object) -> None:
    """Keep a chosen language for the pages of this link; others of the survey have cookies of their own."""
    if chosen in survey.questionnaire.languages:
        answer.set_cookie(
            f"fgl-{survey.slug}",
            str(chosen),
            path=f"/i/{token}",
            httponly=True,
            samesite="lax",
            secure=desk.settings.secure,
        )


@router.get("/i/{token}")
async def welcome(request: Request, desk: DeskDep, token: str) -> Response:
    """The welcome page of a survey, by a personal link.  Scanners of mail open links too, so this spends nothing."""
    found = await _usable(request, desk, token)
    if isinstance(found, Response):
        return found
    opening, survey = found
    if enough := at_the_door(desk, survey, opening.unit, opening.channel, MAIL):
        return enough
    _count(desk, opening)
    count_steps(desk, survey, MAIL, (OPENED,))
    shown = replace(survey.view(), path=f"/i/{token}")
    page = html(view.welcome(shown, receipt_path=receipt_path(survey), whole=True))
    _remember(page, request, desk, survey, token, request.query_params.get("lang"))
    return page


def _count(desk: Desk, opening: Opening) -> None:
    """Count the opening with the next commit; nobody waits for it, and nobody minds if it is lost."""

    def done(future: Future[Any]) -> None:
        future.exception()  # looked at, so that it is not reported as forgotten

    desk.writer.submit(lambda connection: invitations.count_opening(connection, opening.survey_id)).add_done_callback(
        done
    )


@router.post("/i/{token}/start", dependencies=[Here])
async def start(request: Request, desk: DeskDep, token: str, posted: PostedDep) -> Response:
    """The way without script: the survey's own pages, whose last one finds the link in a cookie."""
    found = await _usable(request, desk, token)
    if isinstance(found, Response):
        return found
    opening, survey = found
    go = posted.get("go")
    if go in survey.questionnaire.languages:
        answer: Response = see_other(f"/i/{token}?lang={go}")
        _remember(answer, request, desk, survey, token, go)
        return answer
    if enough := at_the_door(desk, survey, opening.unit, opening.channel, MAIL):
        return enough
    # 307: the browser sends the same form there, along with the cookie of a draft that it may have.
    answer = RedirectResponse(f"/s/{survey.slug}/start", 307, {"cache-control": "no-store"})
    answer.set_cookie(
        once_cookie(survey),
        token,
        path=f"/s/{survey.slug}",
        httponly=True,
        samesite="lax",
        secure=desk.settings.secure,
        max_age=DRAFT_DAYS * 86400,
    )
    set_language(answer, desk, survey, _language(request, survey, opening))
    return answer


@router.get("/i/{token}/form")
async def form(request: Request, desk: DeskDep, token: str) -> Response:
    """The form in one document; it is the same for everybody and does not hold the token."""
    found = await _usable(request, desk, token)
    if isinstance(found, Response):
        return found
    opening, survey = found
    count_steps(desk, survey, MAIL, (STARTED,))
    page = document(request, desk, survey, opening.unit, full_of(survey, opening.unit, opening.channel))
    wish = request.query_params.get("lang")
    if wish in survey.questionnaire.languages:
        page = Response(page.body, page.status_code, dict(page.headers))
        _remember(page, request, desk, survey, token, wish)
    return page


@router.post("/i/{token}/form")
async def send(request: Request, token: str) -> Response:
    """The answers: the link is spent with them, in one transaction."""
    desk = await get_desk(request)
    await same_origin(request)
    posted = await posted_form(request)
    found = await _opened(request, desk, token)
    if found is None:
        return refused(_("Not sent: this link leads nowhere. Your answers are still on this device."), 404)
    opening, survey = found
    link = Link(code="", survey_id=survey.id, unit=opening.unit, channel=opening.channel)
    return await deliver(request, desk, survey, link, posted.values, opening.link_hash)


@router.post("/i/{token}/passed")
async def passed(request: Request, desk: DeskDep, token: str, posted: PostedDep) -> Response:
    """Which pages were passed by somebody who has turned to something else."""
    await same_origin(request)
    found = await _opened(request, desk, token)
    if found is not None:
        count_passed(desk, found[1], MAIL, posted)
    return Response(status_code=204)


@router.get("/i/stop/{stop}")
async def ask_to_stop(request: Request, desk: DeskDep, stop: str) -> Response:
    """Whether the contact wants no more mail; it is done by the button, as scanners of mail open links too."""
    _speak_to_anybody(request)
    if not await look(desk, lambda connection: contacts.may_stop(connection, stop)):
        return html(notices.unknown(), 404)
    return html(notices.ask_to_stop(f"{request.url.path}{_lang(request)}"))


def _lang(request: Request) -> str:
    wish = request.query_params.get("lang")
    return f"?lang={wish}" if wish in LANGUAGES else ""


@router.post("/i/stop/{stop}")
async def stop_mail(request: Request, desk: DeskDep, stop: str) -> Response:
    """Opt out, by the page's button or by the mail program's own (RFC 8058), which comes from anywhere."""
    _speak_to_anybody(request)
    async with asyncio.timeout(10):
        async for _piece in request.stream():
            pass  # what is sent along says nothing more
    if not await keep(desk, lambda connection: contacts.opt_out(connection, stop)):
        return html(notices.unknown(), 404)
    return html(notices.stopped())


@router.get("/i")
@router.get("/i/{rest:path}")
async def nowhere(request: Request) -> Response:
    """Addresses that no mail of ours holds, as when a part was cut off."""
    _speak_to_anybody(request)
    return html(notices.unknown(), 404)
