"""When there are enough answers: of a branch or a way in at the door, of a group after the page that asks for it first.

Nobody is turned away who has begun: what was answered until the quota was full is taken, and flagged (`OVER`).
"""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from app.requests import Desk, DeskDep, PostedDep
from app.respond import view
from app.respond.published import Published
from app.respond.visit import Here, SurveyDep, count_steps, html, link_of
from app.words import _
from surveys.codes import BLANK
from surveys.coding import Answers
from surveys.store import quotas
from surveys.store.fieldwork import MAIL, TURNED
from surveys.store.quotas import Limit

router = APIRouter(include_in_schema=False)


def full_of(survey: Published, unit: str, channel: str) -> tuple[Limit, ...]:
    """The full quotas that answers with this branch and way in can belong to; a preview shows the form all the same."""
    return () if survey.preview else tuple(one for one in survey.quotas if one.full and one.of_way(unit, channel))


def sentence(limit: Limit) -> str:
    """Why no more answers are needed."""
    if limit.question:
        return _("We already have enough answers from your group.")
    if limit.unit:
        return _("We already have enough answers from this branch.")
    return _("We already have enough answers by this way.")


def rows(full: tuple[Limit, ...]) -> list[tuple[str, str, int, str]]:
    """Full quotas as the script takes them: question ("" for none), option, number, words."""
    return [(limit.question, limit.option, limit.id, sentence(limit)) for limit in full]


def at_the_door(
    desk: Desk, survey: Published, unit: str, channel: str, way: str, *, counted: bool = True
) -> HTMLResponse | None:
    """The page for those who come when a branch or a way in has enough answers, or None."""
    limit = next((one for one in full_of(survey, unit, channel) if not one.question), None)
    return _turned(desk, survey, limit, way, counted) if limit else None


def after_screening(
    desk: Desk, survey: Published, answers: Answers, unit: str, channel: str, way: str
) -> HTMLResponse | None:
    """The page for those whose group has enough answers, or None."""
    for limit in full_of(survey, unit, channel):
        place = survey.book.place.get(limit.question)
        if place is None or answers.closed[place] == BLANK:
            continue
        if survey.book.fields[place].show(answers.closed[place]) == limit.option:
            return _turned(desk, survey, limit, way)
    return None


def _turned(desk: Desk, survey: Published, limit: Limit, way: str, counted: bool = True) -> HTMLResponse:
    if counted:
        _count(desk, survey, limit.id, way)
    return html(view.enough(survey.view(), sentence(limit)), 403)


def _count(desk: Desk, survey: Published, quota_id: int, way: str) -> None:
    """Count somebody who was turned away; nobody waits for it."""

    def done(future: Future[Any]) -> None:
        future.exception()  # looked at, so that it is not reported as forgotten

    count_steps(desk, survey, way, (TURNED,))
    if not survey.preview:
        job = partial(quotas.count_turned, survey_id=survey.answers_id, quota_id=quota_id)
        desk.writer.submit(job).add_done_callback(done)


@router.post("/s/{slug}/turned", dependencies=[Here])
async def turned(desk: DeskDep, survey: SurveyDep, posted: PostedDep) -> Response:
    """The script has told somebody that there are enough answers."""
    number, way = posted.get("quota"), posted.get("way")
    known = next((one for one in survey.quotas if str(one.id) == number and one.full), None)
    if known is not None:
        if way and way != MAIL:
            await link_of(desk, survey, way)  # 404 for what is no way in
        _count(desk, survey, known.id, way)
    return Response(status_code=204)
