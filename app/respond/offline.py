"""The form without a network: its service worker, and the door for what waited on a device.

A device seals what it cannot deliver to this server's key.  What comes in is opened, read like any other delivery, and
stored under the key that was drawn when the form was begun, so that however often a device tries, it counts once.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.assets import static_text, static_url
from app.requests import Desk, DeskDep, form_fields, look, posted_body
from app.respond.delivery import KEY, UNLINKED, Sent, page_number, refused, take, untaken
from app.respond.published import Published
from app.respond.shell import one_line
from app.respond.signs import proved
from app.respond.visit import Here, SurveyDep, link_of
from app.words import N_, _, speak, worded
from surveys.flags import LATE, UNPROVED
from surveys.sealing import Unsealable, unseal_from
from surveys.store import devices
from surveys.store.fieldwork import device_way
from surveys.store.invitations import find
from surveys.store.lifecycle import ended
from surveys.tables import Device, Link

router = APIRouter(include_in_schema=False)
GRACE = timedelta(days=7)
"""So long after a survey's end are answers taken that a device was given before it."""
KIOSK = "kiosk"


class Headers(BaseModel):
    """What the script says of a delivery beside the answers."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    key: str = Field(alias="idempotency-key", pattern=f"^{KEY.pattern}$")
    told: str = Field(default="", max_length=10)
    proof: str = Field(default="", max_length=20)
    seconds: str = Field(default="", max_length=10)
    parked: str = Field(default="", max_length=3)
    receipt: str = Field(default="", max_length=40)
    mark: str = Field(default="", alias="survey-mark", max_length=20)


class Sealed(BaseModel):
    """What a device sealed: the answers as a form posts them, where they were begun, and when they were given."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(pattern=r"^/(s|i)/[A-Za-z0-9_/-]{1,100}$")
    lang: str = Field(max_length=12)
    body: str = Field(max_length=256 * 1024)
    headers: Headers
    day: date
    device: str = Field(default="", max_length=64)


@router.get("/s/{slug}/worker.js")
async def worker(survey: SurveyDep) -> Response:
    """The service worker; it may look after the survey's own address as well, which lies above its folder."""
    headers = {"cache-control": "no-cache", "service-worker-allowed": f"/s/{survey.slug}"}
    # By the address under which the pages fetch it too, so that it travels once.
    text = static_text("worker.js").replace("/static/queue.js", static_url("queue.js"))
    return Response(text, 200, headers, "text/javascript; charset=utf-8")


@router.get("/s/{slug}/form.webmanifest")
async def manifest(survey: SurveyDep) -> Response:
    """What a browser needs to install the form on a device."""
    name = one_line(f"{survey.bank}: {worded(survey.questionnaire.title)}")
    told = {
        "name": name,
        "short_name": survey.bank[:30],
        "start_url": f"/s/{survey.slug}",
        "scope": f"/s/{survey.slug}",
        "display": "standalone",
        "background_color": "#f4f6f5",
        "theme_color": "#0b5f57",
        "icons": [{"src": static_url("icon.svg"), "sizes": "any", "type": "image/svg+xml"}],
    }
    return Response(
        json.dumps(told, ensure_ascii=False), 200, {"cache-control": "no-cache"}, "application/manifest+json"
    )


@router.post("/s/{slug}/sealed", dependencies=[Here])
async def sealed(request: Request, desk: DeskDep, survey: SurveyDep) -> Response:
    """Answers that waited on a device; acknowledged with their receipt when they are on disk here."""
    body = await posted_body(request, "application/octet-stream")
    try:
        found = Sealed.model_validate_json(unseal_from(desk.device_key, body))
        values = form_fields(found.body)
    except (Unsealable, ValidationError, ValueError) as error:
        raise HTTPException(400, N_("These answers were not sealed for this server, or were changed since.")) from error
    if found.lang in survey.questionnaire.languages:
        speak(found.lang)
    late = _late(desk, survey, found)
    if isinstance(late, Response):
        return late
    flags = late | (0 if proved(found.headers.key, found.headers.proof) else UNPROVED)
    sent = Sent(
        found.headers.key,
        values,
        corrects=found.headers.receipt,
        parked=bool(found.headers.parked),
        flags=flags,
        day=min(found.day, desk.settings.today()),
        told=page_number(found.headers.told),
        seconds=found.headers.seconds,
    )
    return await _take_by_its_way(desk, survey, found, sent)


def _late(desk: Desk, survey: Published, found: Sealed) -> int | Response:
    """Whether the survey takes the answers: 0, the flag of late ones, or why not now or not any more."""
    today = desk.settings.today()
    if survey.state(today) == "closed":
        last = ended(survey, today)
        if last is not None and found.day <= last and today <= last + GRACE:
            return LATE
        return refused(_("Not taken: the survey has closed."), 410)
    if survey.state(today) in ("draft", "not_yet"):
        return refused(_("The survey takes no answers just now; they stay on this device."), 503)
    return untaken(desk, survey, found.headers.mark) or 0


async def _take_by_its_way(desk: Desk, survey: Published, found: Sealed, sent: Sent) -> Response:
    """Store the answers with the branch and way in of the link, personal link or kiosk they were begun by."""
    kind, _slash, rest = found.path.removeprefix("/").partition("/")
    if found.device:
        device = await device_of(desk, survey, found.device)
        if device is None:
            return refused(_("Not taken: this device is not known any more."), 404)
        link = Link(code="", survey_id=survey.id, unit=device.unit, channel=KIOSK)
        return await take(desk, survey, link, replace(sent, way=device_way(device.id or 0)))
    if kind == "i":
        opening = await look(desk, lambda connection: find(connection, rest))
        if opening is None or opening.survey_id != survey.id:
            return refused(_("Not sent: this link leads nowhere. Your answers are still on this device."), 404)
        link = Link(code="", survey_id=survey.id, unit=opening.unit, channel=opening.channel)
        return await take(desk, survey, link, replace(sent, once=opening.link_hash))
    slug, _slash, code = rest.partition("/")
    if slug != survey.slug:
        return refused(_("Not sent: this link leads nowhere. Your answers are still on this device."), 404)
    return await take(desk, survey, await link_of(desk, survey, code) if code else UNLINKED, sent)


async def device_of(desk: Desk, survey: Published, token: str) -> Device | None:
    """The kiosk of that token, unless it was retired."""
    return await look(desk, partial(devices.find, survey_id=survey.id, token=token))
