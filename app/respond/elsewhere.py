"""To begin on one device and finish on another: a resume code, under which the answers are kept sealed.

The script sends what it keeps and gets the code; page by page a button does the same.  On the other device the code,
or the link that holds it, brings everything back; so does the wish to change answers that were sent.
"""

from __future__ import annotations

import base64
import io
import json
from dataclasses import asdict, replace

import segno
from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.requests import Desk, DeskDep, PostedDep, keep, look, posted_body
from app.respond.delivery import KEY, read_whole
from app.respond.published import Published
from app.respond.shell import day_in_words, draw
from app.respond.signs import check_parkings, mark_begun
from app.respond.visit import (
    Here,
    SurveyDep,
    correcting,
    html,
    link_of,
    not_open,
    once_cookie,
    see_other,
    set_correcting,
    set_key,
)
from app.respond.whole import data
from app.words import N_, language, speak
from surveys.coding import Answers
from surveys.form import next_page, written
from surveys.store import collect, parking
from surveys.store.collect import Begun
from surveys.store.parking import Visit

router = APIRouter(include_in_schema=False)
LONG_AGO = 86400


class Going(BaseModel):
    """What the script keeps of a visit, and the resume code that it was given before."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(pattern=f"^{KEY.pattern}$")
    path: str = Field(pattern=r"^/(s|i)/[A-Za-z0-9_/-]{1,100}$")
    values: dict[str, list[str]] = Field(max_length=1000)
    furthest: int = Field(default=0, ge=0, le=999)
    corrects: str = Field(default="", max_length=40)
    order: int | None = Field(default=None, ge=0, le=65535)
    out: list[str] | None = Field(default=None, max_length=500)
    code: str = Field(default="", max_length=40)


@router.post("/s/{slug}/later", dependencies=[Here])
async def later(request: Request, desk: DeskDep, survey: SurveyDep) -> Response:
    """Keep what the script sends, sealed; answered with the resume code and the ways to enter it."""
    check_parkings(request, desk)
    try:
        going = Going.model_validate_json(await posted_body(request, "application/json"))
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise HTTPException(400, N_("The answers did not come as the page sends them; open the page again.")) from (
            ValueError(where)
        )
    if closed := not_open(desk, survey, invited=True):
        return closed
    found = Visit(**going.model_dump(exclude={"code"}), language=language())
    code, expires = await _park(desk, survey, found, going.code)
    told = {"code": code, "address": _address(desk, survey), "qr": _qr(desk, survey, code), "until": expires}
    return Response(json.dumps(told, ensure_ascii=False), 200, {"cache-control": "no-store"}, "application/json")


async def _park(desk: Desk, survey: Published, visit: Visit, code: str = "") -> tuple[str, str]:
    if survey.preview:
        raise HTTPException(409, N_("This is a preview: nothing is stored, so nothing can be continued elsewhere."))
    today = desk.settings.today()
    code = await keep(desk, lambda connection: parking.park(connection, survey.answers_id, visit, today, code))
    return code, day_in_words(collect.draft_expiry(today))


def _address(desk: Desk, survey: Published) -> str:
    return f"{desk.settings.public_url}/s/{survey.slug}/resume"


def _qr(desk: Desk, survey: Published, code: str) -> str:
    """The link as a picture.  The code stands behind the number sign, so that no server or log gets to see it."""
    out = io.BytesIO()
    segno.make(f"{_address(desk, survey)}#{code}", error="m", micro=False).save(out, kind="svg", scale=4, border=4)
    return "data:image/svg+xml;base64," + base64.b64encode(out.getvalue()).decode()


async def park_pages(request: Request, desk: Desk, survey: Published, key: str, draft: Begun) -> Response:
    """The same for answers given page by page, which lie here already."""
    check_parkings(request, desk)
    answers = Answers(bytearray(draft.closed), dict(draft.comments))
    code, order = correcting(request, survey)
    token = request.cookies.get(once_cookie(survey), "")
    visit = Visit(
        key=key,
        path=f"/i/{token}" if token else f"/s/{survey.slug}",
        language=draft.language,
        values=written(survey.pages, survey.book, answers),
        furthest=draft.furthest,
        corrects=code,
        order=order if code else None,
    )
    code, expires = await _park(desk, survey, visit)
    told = {"code": code, "address": _address(desk, survey), "qr": _qr(desk, survey, code), "until": expires}
    return html(draw("later", survey.view(), switch="", on=f"/s/{survey.slug}/{draft.furthest + 1}", **told))


@router.get("/s/{slug}/resume")
async def ask(survey: SurveyDep) -> Response:
    """Where a resume code can be entered; a link brings it along for the script to fill in."""
    return html(_ask(survey))


def _ask(survey: Published, *, wrong: bool = False, code: str = "") -> str:
    return draw("resume", survey.view(), switch="link", wrong=wrong, code=code[:40], whole="resume")


@router.post("/s/{slug}/resume", dependencies=[Here])
async def resume(request: Request, desk: DeskDep, survey: SurveyDep, posted: PostedDep) -> Response:
    """What the code opens, ready to be carried on here."""
    code, today = posted.get("code"), desk.settings.today()
    if closed := not_open(desk, survey, invited=True):
        return closed
    visit = await look(desk, lambda connection: parking.fetch(connection, survey.answers_id, code, today))
    if visit is None:
        return html(_ask(survey, wrong=True, code=code), 404)
    if posted.get("go") == "pages":
        return await go_by_pages(request, desk, survey, visit)
    if visit.language in survey.questionnaire.languages and "lang" not in request.query_params:
        speak(visit.language)
    return carry(survey, visit, f"/s/{survey.slug}/resume", code, parked=True)


def carry(survey: Published, visit: Visit, path: str, code: str, *, parked: bool = False) -> Response:
    """The page that hands a visit over: to the script as data, without script by a button that goes on by pages."""
    given = asdict(visit) | ({"code": code} if parked else {})
    given = {name: value for name, value in given.items() if value not in (None, "")} | {"days": collect.DRAFT_DAYS}
    shown = replace(survey.view(), path=visit.path)
    return html(
        draw("carry", shown, switch="", whole="carry", action=path, code=code, parked=parked, visit=data(given))
    )


async def go_by_pages(request: Request, desk: Desk, survey: Published, visit: Visit) -> Response:
    """Lay the answers down as a draft of this browser, and lead to where they were left."""
    begun = survey.begun(visit.key) if visit.out is None else Answers.begun(survey.book, visit.out)
    answers, _faults = read_whole(survey.pages, survey.book, visit.values, begun)
    kind, _, rest = visit.path.removeprefix("/").partition("/")
    unit = channel = ""
    if kind == "s" and "/" in rest:
        link = await link_of(desk, survey, rest.partition("/")[2])
        unit, channel = link.unit, link.channel
    draft = Begun(
        token_hash=collect.fingerprint("draft", visit.key),
        survey_id=survey.answers_id,
        unit=unit,
        channel=channel,
        language=visit.language if visit.language in survey.questionnaire.languages else language(),
        closed=bytes(answers.closed),
        comments=answers.comments,
        expires_on=collect.draft_expiry(desk.settings.today()),
        furthest=visit.furthest,
    )
    await keep(desk, lambda connection: collect.lay_down(connection, draft))
    here = next_page(survey.pages, survey.book, answers, 0 if visit.corrects else visit.furthest)
    answer = see_other(f"/s/{survey.slug}/{here.number if here else 1}")
    seconds = collect.DRAFT_DAYS * 86400
    set_key(answer, desk, survey, visit.key, seconds)
    mark_begun(answer, desk, survey, visit.key, seconds, ago=LONG_AGO)
    if visit.corrects:
        set_correcting(answer, desk, survey, visit.corrects, visit.order or 0, seconds)
    if kind == "i":
        answer.set_cookie(
            once_cookie(survey),
            rest,
            path=f"/s/{survey.slug}",
            httponly=True,
            samesite="lax",
            secure=desk.settings.secure,
            max_age=seconds,
        )
    return answer
