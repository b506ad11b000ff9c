"""The page on which the fieldwork is watched, its live numbers, and the known shares of the population."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy import update
from sqlmodel import col
from starlette.concurrency import run_in_threadpool

from app.access import PublisherDep, VisitorDep, check_csrf
from app.desk.appendix_answers import sign_words
from app.desk.devices import seen
from app.desk.frame import frame
from app.desk.pages import Here, SurveyDep
from app.desk.progress import first_sentence, live, look, percent, points, settled_of, stops_of
from app.desk.quotas import rows_of
from app.requests import Desk, DeskDep, LanguageDep, Posted, PostedDep
from app.words import N_, _, render, speak
from app.words import language as spoken
from app.words import worded as say
from surveys.store import devices, publish
from surveys.store.database import reading, writing
from surveys.tables import Survey

router = APIRouter(include_in_schema=False)
EVERY_SECONDS = 2.0
STREAM_SECONDS = 15.0
"""A stream ends after this and the browser comes again by itself: whoever was signed out stays out, and a server that
stops waits for nobody longer."""
MOST_STREAMS = 50
_streams: set[object] = set()


def _flag_words() -> dict[str, str]:
    """Flags in words."""
    more = {"late": _("Delivered after the end"), "over_quota": _("Beyond a quota")}
    return sign_words() | more


def traits_of(desk: Desk, survey: Survey) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """What shares of the population can be known of: (id, name, values with their names)."""
    with reading(desk.engine) as session:
        units = sorted({link.unit for link in publish.links(session, survey) if link.unit})
    found = [("unit", _("Branch"), [(unit, unit) for unit in units])] if len(units) > 1 else []
    for question in publish.questionnaire_of(survey).questions("segments"):
        if question.type == "single":
            options = [(option.code, say(option.label)) for option in question.options]
            found.append((question.id, say(question.short or question.prompt), options))
    return found


def _page(
    request: Request,
    desk: Desk,
    visitor: Any,
    survey: Survey,
    wish: dict[str, str] | None = None,
    message: tuple[str, str] = ("", ""),
) -> Response:
    counted = look(desk, survey)
    key = ("fieldwork", survey.id, survey.revision, survey.planned, repr(survey.margins), spoken())
    settled = desk.cache.get(key, lambda: settled_of(desk, survey))
    with reading(desk.engine) as session:
        tablets = [one for one in devices.all_of(session, survey.id or 0) if not one.retired]
    now = datetime.now(UTC)
    page = render(
        "desk/fieldwork.html",
        frame=frame(request, desk, visitor),
        survey=survey,
        title=first_sentence(survey, counted.released, desk.settings.today()),
        live=live(counted),
        counted=counted,
        stops=stops_of(survey, counted),
        settled=settled,
        flag_words=_flag_words(),
        traits=traits_of(desk, survey),
        wish=wish or {},
        wrong=message,
        quotas=rows_of(desk, survey),
        tablets=[(device, *seen(device, now)) for device in tablets],
        state=publish.state(survey, desk.settings.today()),
        percent=percent,
        points=points,
    )
    return HTMLResponse(page, 422 if message[1] else 200, {"cache-control": "no-store"})


@router.get("/surveys/{slug}/fieldwork")
def show(request: Request, desk: DeskDep, language: LanguageDep, visitor: VisitorDep, survey: SurveyDep) -> Response:
    """How the fieldwork stands."""
    return _page(request, desk, visitor, survey)


@router.get("/surveys/{slug}/fieldwork/live", response_class=EventSourceResponse)
async def stream(
    desk: DeskDep, language: LanguageDep, visitor: VisitorDep, survey: SurveyDep
) -> AsyncIterator[ServerSentEvent]:
    """The numbers of the page as they change; of as many readers as a process can bear."""
    me = object()
    if len(_streams) >= MOST_STREAMS:
        yield ServerSentEvent(event="full", data="", retry=60_000)
        return
    _streams.add(me)
    try:
        speak(language)
        told, until = None, time.monotonic() + STREAM_SECONDS
        while True:
            numbers = live(await run_in_threadpool(look, desk, survey))
            if numbers != told:
                told = numbers
                yield ServerSentEvent(event="numbers", data=numbers, retry=1000)
            if time.monotonic() >= until:
                return
            await asyncio.sleep(EVERY_SECONDS)
    finally:
        _streams.discard(me)


def shares_in(
    posted: Posted, traits: list[tuple[str, str, list[tuple[str, str]]]]
) -> tuple[dict[str, dict[str, float]], tuple[str, str]]:
    """Known shares as they were filled in, and the trait at fault with a sentence."""
    found: dict[str, dict[str, float]] = {}
    for trait, name, values in traits:
        given = {value: posted.get(f"{trait}:{value}").strip().replace(",", ".") for value, _label in values}
        if not any(given.values()):
            continue
        shares: dict[str, float] = {}
        for value, label in values:
            text = given[value] or "0"
            number = float(text) if text.replace(".", "", 1).isascii() and text.replace(".", "", 1).isdigit() else -1.0
            if not 0 <= number <= 100:
                told = _("%(name)s, %(label)s: the share is “%(value)s”; allowed is a number from 0 to 100.")
                return {}, (trait, told % {"name": name, "label": label, "value": text[:40]})
            shares[value] = number
        total = sum(shares.values())
        if abs(total - 100) > 0.1:
            told = _("%(name)s: the shares add to %(total)s; they must add to 100.")
            return {}, (trait, told % {"name": name, "total": f"{total:.6g}"})
        found[trait] = {value: number / total for value, number in shares.items()}
    return found, ("", "")


@router.post("/surveys/{slug}/fieldwork/margins", dependencies=[Here])
def set_margins(
    request: Request, desk: DeskDep, language: LanguageDep, visitor: PublisherDep, survey: SurveyDep, posted: PostedDep
) -> Response:
    """Set the known shares of the population."""
    check_csrf(visitor, posted.get("csrf"))
    traits = traits_of(desk, survey)
    margins, wrong = shares_in(posted, traits)
    if wrong[1]:
        wish = {name: values[0][:40] for name, values in posted.values.items() if ":" in name}
        return _page(request, desk, visitor, survey, wish, wrong)
    with writing(desk.engine) as session:
        change = update(Survey).where(col(Survey.id) == survey.id).values(margins=margins)
        if not session.connection().execute(change).rowcount:
            raise HTTPException(404, N_("This survey is not there any more."))
    return RedirectResponse(f"/surveys/{survey.slug}/fieldwork#margins", 303)
