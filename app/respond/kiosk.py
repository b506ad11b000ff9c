"""The form on a shared tablet, and what the tablet tells the server: that it is alive, and how far people got."""

from __future__ import annotations

import json
from functools import partial

from fastapi import APIRouter, Request, Response

from app.requests import DeskDep, PostedDep, keep
from app.respond.delivery import Sent, document, key_of, page_number, refused, take, untaken
from app.respond.offline import KIOSK, device_of
from app.respond.signs import proved
from app.respond.visit import Here, SurveyDep, count_steps, not_open, remember_language
from app.words import _
from surveys.flags import UNPROVED
from surveys.store import devices
from surveys.store.fieldwork import STARTED, device_way
from surveys.tables import Link

router = APIRouter(include_in_schema=False)


@router.get("/s/{slug}/kiosk")
async def kiosk(request: Request, desk: DeskDep, survey: SurveyDep) -> Response:
    """The form as a shared tablet shows it; which tablet it is, the page itself does not know."""
    page = not_open(desk, survey) or document(request, desk, survey, kiosk=True)
    return remember_language(request, desk, survey, page)


@router.post("/s/{slug}/kiosk/beat", dependencies=[Here])
async def beat(desk: DeskDep, survey: SurveyDep, posted: PostedDep) -> Response:
    """The tablet is alive; answered with what it shows to staff."""
    device = await device_of(desk, survey, posted.get("device"))
    if device is None:
        return refused(_("This device is not known any more."), 404)
    waiting = posted.get("waiting")
    number = int(waiting) if waiting.isascii() and waiting.isdigit() and len(waiting) < 7 else 0
    await keep(desk, partial(devices.beat, device_id=device.id or 0, waiting=number))
    told = {"name": device.name, "unit": device.unit, "pin": device.pin}
    return Response(json.dumps(told, ensure_ascii=False), 200, {"cache-control": "no-store"}, "application/json")


@router.post("/s/{slug}/kiosk/send", dependencies=[Here])
async def send(request: Request, desk: DeskDep, survey: SurveyDep, posted: PostedDep) -> Response:
    """The answers of one person; the branch is the device's."""
    device = await device_of(desk, survey, request.headers.get("device", ""))
    if device is None:
        return refused(_("Not taken: this device is not known any more."), 404)
    if closed := untaken(desk, survey, request.headers.get("survey-mark", "")):
        return closed
    key, headers = key_of(request), request.headers
    way = device_way(device.id or 0)
    sent = Sent(
        key,
        posted.values,
        flags=0 if proved(key, headers.get("proof", "")) else UNPROVED,
        seconds=headers.get("seconds", ""),
        way=way,
    )
    count_steps(desk, survey, way, (STARTED,))
    link = Link(code="", survey_id=survey.id, unit=device.unit, channel=KIOSK)
    answer = await take(desk, survey, link, sent)
    # The tablet is everybody's: it must not get the cookies by which a browser knows its owner's answers.
    return Response(answer.body, answer.status_code, {"cache-control": "no-store"}, "application/json")


@router.post("/s/{slug}/kiosk/left", dependencies=[Here])
async def left(desk: DeskDep, survey: SurveyDep, posted: PostedDep) -> Response:
    """Somebody went away before the end: so many pages were passed."""
    device = await device_of(desk, survey, posted.get("device"))
    if device is not None:
        last = page_number(posted.get("to"))
        passed = [page.number for page in survey.pages if page.number <= last]
        count_steps(desk, survey, device_way(device.id or 0), [STARTED, *passed])
    return Response(status_code=204)
