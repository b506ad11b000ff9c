"""The shared tablets of a survey: setting one up, seeing that it is alive, taking it out of use."""

from __future__ import annotations

import base64
import io
from datetime import UTC, datetime

import segno
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from app.access import PublisherDep, Visitor, check_csrf
from app.desk.frame import frame
from app.desk.pages import Here, SurveyDep, worded
from app.requests import Desk, DeskDep, LanguageDep, PostedDep
from app.words import _, ngettext, render
from surveys.store import devices
from surveys.store.database import reading, writing
from surveys.store.publish import Unpublishable
from surveys.tables import Device, Survey

router = APIRouter(include_in_schema=False)
SILENT_MINUTES = 15
"""A tablet tells every minute that it is alive; so long without a word, something is wrong."""


def seen(device: Device, now: datetime) -> tuple[str, bool]:
    """When a device was last heard of, in words, and whether that is too long ago."""
    if device.seen_at is None:
        return _("not yet"), False
    minutes = max(0, int((now - device.seen_at).total_seconds() // 60))
    if minutes < 2:
        return _("just now"), False
    if minutes < 120:
        return ngettext("%(n)s minute ago", "%(n)s minutes ago", minutes) % {"n": minutes}, minutes >= SILENT_MINUTES
    if minutes < 48 * 60:
        return ngettext("%(n)s hour ago", "%(n)s hours ago", minutes // 60) % {"n": minutes // 60}, True
    return ngettext("%(n)s day ago", "%(n)s days ago", minutes // 1440) % {"n": minutes // 1440}, True


def _page(
    request: Request,
    desk: Desk,
    visitor: Visitor,
    survey: Survey,
    messages: dict[str, str] | None = None,
    fresh: tuple[Device, str] | None = None,
    wish: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    with reading(desk.engine) as session:
        found = devices.all_of(session, survey.id or 0)
    now = datetime.now(UTC)
    address = f"{desk.settings.public_url}/s/{survey.slug}/kiosk#{fresh[1]}" if fresh else ""
    page = render(
        "desk/devices.html",
        frame=frame(request, desk, visitor),
        survey=survey,
        devices=[(device, *seen(device, now)) for device in found],
        messages=messages or {},
        wish=wish or {},
        fresh=fresh[0] if fresh else None,
        address=address,
        picture=_picture(address) if fresh else "",
        secure=desk.settings.secure or desk.settings.host in ("127.0.0.1", "localhost"),
    )
    return HTMLResponse(page, status, {"cache-control": "no-store"})


def _picture(address: str) -> str:
    out = io.BytesIO()
    segno.make(address, error="m", micro=False).save(out, kind="svg", scale=4, border=4)
    return "data:image/svg+xml;base64," + base64.b64encode(out.getvalue()).decode()


@router.get("/surveys/{slug}/devices")
def show(request: Request, desk: DeskDep, language: LanguageDep, visitor: PublisherDep, survey: SurveyDep) -> Response:
    """The devices of a survey."""
    return _page(request, desk, visitor, survey)


@router.post("/surveys/{slug}/devices", dependencies=[Here])
def add(
    request: Request, desk: DeskDep, language: LanguageDep, visitor: PublisherDep, survey: SurveyDep, posted: PostedDep
) -> Response:
    """Register a device; its link is shown here and never again."""
    check_csrf(visitor, posted.get("csrf"))
    wish = {name: posted.get(name)[:200] for name in ("name", "unit")}
    try:
        with writing(desk.engine) as session:
            fresh = devices.add(
                session, survey.id or 0, wish["name"], wish["unit"], posted.get("pin"), desk.settings.today()
            )
    except Unpublishable as error:
        told = {complaint.field: worded(complaint) for complaint in error.complaints}
        return _page(request, desk, visitor, survey, told, wish=wish, status=422)
    return _page(request, desk, visitor, survey, fresh=fresh)


@router.post("/surveys/{slug}/devices/{number}/retire", dependencies=[Here])
def retire(desk: DeskDep, visitor: PublisherDep, survey: SurveyDep, number: int, posted: PostedDep) -> Response:
    """Take a device out of use."""
    check_csrf(visitor, posted.get("csrf"))
    with writing(desk.engine) as session:
        if not devices.retire(session, survey.id or 0, number):
            raise HTTPException(404)
    return RedirectResponse(f"/surveys/{survey.slug}/devices", 303)
