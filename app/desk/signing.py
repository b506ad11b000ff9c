"""Signing in and out."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from app.access import (
    MaybeVisitorDep,
    check_csrf,
    cookie_name,
    password_fits,
    safe_next,
    same_origin,
)
from app.desk.frame import frame
from app.requests import Desk, DeskDep, LanguageDep, PostedDep
from app.words import LANGUAGES, _, render
from surveys.store import people
from surveys.store.database import reading, writing

router = APIRouter(include_in_schema=False)


def _page(request: Request, desk: Desk, status: int = 200, **context: Any) -> Response:
    given: dict[str, Any] = {"name": "", "message": "", "next": "/"} | context
    return HTMLResponse(render("desk/sign_in.html", frame=frame(request, desk, None), **given), status)


@router.get("/sign-in")
def ask(request: Request, desk: DeskDep, language: LanguageDep, visitor: MaybeVisitorDep, next: str = "/") -> Response:
    """The sign-in page."""
    if visitor is not None:
        return RedirectResponse(safe_next(next), 303)
    with reading(desk.engine) as session:
        nobody = not people.everybody(session)
    return _page(request, desk, next=safe_next(next), nobody=nobody)


@router.post("/sign-in", dependencies=[Depends(same_origin)])
def sign_in(request: Request, desk: DeskDep, language: LanguageDep, posted: PostedDep) -> Response:
    """Check name and password and open a session with a new token."""
    name, onwards = posted.get("name").strip(), safe_next(posted.get("next", "/"))
    address = request.client.host if request.client else ""
    keys = (f"name {name.lower()}", f"address {address}")
    if not desk.throttle.begin(*keys):
        message = _("Too many tries. Please wait a minute and try again.")
        return _page(request, desk, 429, name=name[:80], message=message, next=onwards, nobody=False)
    with reading(desk.engine) as session:
        person = people.find(session, name)
    able = person if person is not None and not person.disabled else None
    if not password_fits(able, posted.get("password")) or able is None:
        message = _("Name or password is not right. Please try again.")
        return _page(request, desk, 422, name=name[:80], message=message, next=onwards, nobody=False)
    desk.throttle.succeeded(*keys)
    with writing(desk.engine) as session:
        token = people.sign_in(session, able)
    answer = RedirectResponse(onwards, 303)
    answer.set_cookie(cookie_name(desk), token, path="/", httponly=True, samesite="lax", secure=desk.settings.secure)
    return answer


@router.post("/sign-out", dependencies=[Depends(same_origin)])
def sign_out(request: Request, desk: DeskDep, visitor: MaybeVisitorDep, posted: PostedDep) -> Response:
    """End the session."""
    token = request.cookies.get(cookie_name(desk), "")
    if visitor is not None and token:
        check_csrf(visitor, posted.get("csrf"))
        with writing(desk.engine) as session:
            people.sign_out(session, token)
    answer = RedirectResponse("/", 303)
    answer.delete_cookie(cookie_name(desk), path="/")
    return answer


@router.post("/language", dependencies=[Depends(same_origin)])
def change_language(request: Request, posted: PostedDep) -> Response:
    """Keep the chosen language in a cookie and go back to the page."""
    answer = RedirectResponse(safe_next(posted.get("next", "/")), 303)
    if posted.get("lang") in LANGUAGES:
        answer.set_cookie("lang", posted.get("lang"), path="/", samesite="lax", httponly=True, max_age=31536000)
    return answer
