"""What every route of the form shares: the survey asked for, its language, its cookies, and how a page is answered."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Hashable, Iterable
from functools import lru_cache
from typing import Annotated

from fastapi import Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from app.access import same_origin, visitor_or_none
from app.requests import Desk, DeskDep, look
from app.respond import view
from app.respond.published import Published, published
from app.words import language, negotiate, speak
from surveys.store import lifecycle, publish
from surveys.store.database import reading
from surveys.tables import Link

RECEIPT_SECONDS = 600
"""So long the receipt code can be seen again in the browser that sent the answers."""
MOST_READY = 256
"""Pages kept ready, the largest of about 100 kB plain and 10 kB packed."""


async def survey_of(request: Request, desk: DeskDep, slug: str) -> Published:
    """The survey at the slug, with its language spoken; 404 when there is none."""
    survey = published(desk, slug)
    if survey is None:
        raise HTTPException(404)
    if survey.phase == "draft" and await run_in_threadpool(visitor_or_none, request, desk) is not None:
        survey = survey.looked_at()
    speak(language_of(request, survey))
    return survey


SurveyDep = Annotated[Published, Depends(survey_of)]
Here = Depends(same_origin)


def language_of(request: Request, survey: Published) -> str:
    """The language to speak: asked for in the address, chosen before, or the browser's."""
    wish = request.query_params.get("lang") or request.cookies.get(f"fgl-{survey.slug}")
    return negotiate(wish, request.headers.get("accept-language"), survey.questionnaire.languages)


def set_language(answer: Response, desk: Desk, survey: Published, chosen: str) -> None:
    """Remember the language for the pages to come."""
    answer.set_cookie(
        f"fgl-{survey.slug}",
        chosen,
        path=f"/s/{survey.slug}",
        httponly=True,
        samesite="lax",
        secure=desk.settings.secure,
    )


def remember_language(request: Request, desk: Desk, survey: Published, page: Response) -> Response:
    """The page, with the language that its address asks for remembered."""
    wish = request.query_params.get("lang")
    if wish in survey.questionnaire.languages:
        page = Response(page.body, page.status_code, dict(page.headers))  # the page itself may be everybody's
        set_language(page, desk, survey, str(wish))
    return page


def cookie_of(survey: Published) -> str:
    """The name of the cookie with the sender's key."""
    return f"fg-{survey.slug}"


def set_key(answer: Response, desk: Desk, survey: Published, key: str, seconds: int) -> None:
    """Give the browser the sender's key, which opens the draft and then, for a while, the receipt."""
    answer.set_cookie(
        cookie_of(survey),
        key,
        path=f"/s/{survey.slug}",
        httponly=True,
        samesite="lax",
        secure=desk.settings.secure,
        max_age=seconds,
    )


def once_cookie(survey: Published) -> str:
    """The name of the cookie with the token of a one-time link, for the way without script."""
    return f"fgi-{survey.slug}"


def correcting_cookie(survey: Published) -> str:
    """The name of the cookie with the receipt code of answers that are being corrected page by page."""
    return f"fgr-{survey.slug}"


def set_correcting(answer: Response, desk: Desk, survey: Published, code: str, order: int, seconds: int) -> None:
    """Remember which answers are being corrected, and in which order their items stood."""
    answer.set_cookie(
        correcting_cookie(survey),
        f"{code}.{order}",
        path=f"/s/{survey.slug}",
        httponly=True,
        samesite="lax",
        secure=desk.settings.secure,
        max_age=seconds,
    )


def correcting(request: Request, survey: Published) -> tuple[str, int]:
    """The receipt code of the answers that are being corrected ("" for none), and their order."""
    code, _, order = request.cookies.get(correcting_cookie(survey), "").rpartition(".")
    return code, int(order) if order.isdigit() and len(order) < 6 else 0


def invited(request: Request, survey: Published) -> bool:
    """Whether the visit came by a personal link or a receipt, as far as its browser says.

    What it sends is looked at again where it is stored.
    """
    known = (once_cookie(survey), correcting_cookie(survey), f"fgo-{survey.slug}")
    return any(name in request.cookies for name in known)


def let_in(answer: Response, desk: Desk, survey: Published) -> None:
    """Open the form of a survey by invitation to somebody who changes answers given there."""
    path, secure = f"/s/{survey.slug}", desk.settings.secure
    answer.set_cookie(f"fgo-{survey.slug}", "1", path=path, httponly=True, samesite="lax", secure=secure)


def receipt_path(survey: Published) -> str:
    """Where a receipt code can be entered."""
    return f"/s/{survey.slug}/receipt"


def not_open(desk: Desk, survey: Published, path: str = "", *, invited: bool = False) -> HTMLResponse | None:
    """The page that says why nothing can be answered now, or None.

    `path` is the way by which the person came; `invited` says that it was a personal link, or a receipt.
    """
    state = survey.state(desk.settings.today())
    if state == "open" and survey.invited_only and not (invited or survey.preview):
        return html(view.by_invitation(survey.view()), 403)
    if survey.preview or state in ("open", "pilot"):
        return None
    if state == "paused":
        page = html(view.paused(survey.view(), path or survey.view().path), 503)
        page.headers["retry-after"] = "3600"
        page.headers["survey-state"] = state  # by which the service worker knows it from a server out of order
        return page
    if state in ("closed", "archived"):
        ended = lifecycle.ended(survey, desk.settings.today())
        return html(view.closed(survey.view(), ended, receipt_path(survey)), 410)
    return html(view.not_yet(survey.view(), survey.opens_on if state == "not_yet" else None), 403)


def count_steps(desk: Desk, survey: Published, way: str, steps: Iterable[int]) -> None:
    """Count how far people got; a preview counts nothing, and a pilot for itself."""
    if not survey.preview:
        desk.steps.count(survey.answers_id, way, steps)


def html(text: str, status: int = 200) -> HTMLResponse:
    """A page that no cache keeps."""
    return HTMLResponse(text, status, {"cache-control": "no-store"})


def see_other(path: str) -> RedirectResponse:
    """The way to another page, after something was sent."""
    return RedirectResponse(path, 303, {"cache-control": "no-store"})


@lru_cache(maxsize=256)
def _packed(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


def page_html(request: Request, text: str, *, of_everybody: bool) -> Response:
    """A page, compressed for browsers that take it so; one that is the same for everybody is compressed once.

    Pages with a receipt code are not compressed: the size of the answer could tell about the secret in it.
    """
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return html(text)
    return _gzipped(_packed(text) if of_everybody else gzip.compress(text.encode(), 1, mtime=0))


def _gzipped(packed: bytes) -> Response:
    headers = {"cache-control": "no-store", "content-encoding": "gzip", "vary": "accept-encoding"}
    return Response(packed, 200, headers, "text/html")


_ready: dict[Hashable, tuple[Response, Response]] = {}


def ready_page(request: Request, survey: Published, make: Callable[[], str], *what: Hashable) -> Response:
    """A page that is the same for everybody who asks in this language: drawn and compressed once for a survey."""
    key = (survey.key, survey.bank, survey.simulated, survey.closes_on, language(), *what)
    kept = _ready.get(key)
    if kept is None:
        text = make()
        kept = html(text), _gzipped(gzip.compress(text.encode(), mtime=0))
        while len(_ready) >= MOST_READY:
            _ready.pop(next(iter(_ready)), None)
        _ready[key] = kept
    return kept["gzip" in request.headers.get("accept-encoding", "")]


_links: dict[tuple[int, int, str], Link] = {}


async def link_of(desk: Desk, survey: Published, code: str) -> Link:
    """The short link of that code, whose unit and channel never change; 404 when the survey has none."""
    key = (id(desk), survey.id, code)
    if key not in _links:
        found = await run_in_threadpool(_find_link, desk, survey, code)
        if len(_links) > 10_000:
            _links.clear()
        _links[key] = found
    return _links[key]


def _find_link(desk: Desk, survey: Published, code: str) -> Link:
    with reading(desk.engine) as session:
        link = publish.find_link(session, survey.id, code)
    if link is None:
        raise HTTPException(404)
    return link


_codes: dict[tuple[int, int, str, str], str] = {}


async def code_of(desk: Desk, survey: Published, unit: str, channel: str) -> str:
    """The code of the short link of a branch and channel; "" where there is none."""
    key = (id(desk), survey.id, unit, channel)
    if not unit + channel:
        return ""
    if key not in _codes:
        if len(_codes) > 10_000:
            _codes.clear()
        _codes[key] = await look(desk, lambda connection: publish.code_of(connection, survey.id, unit, channel))
    return _codes[key]
