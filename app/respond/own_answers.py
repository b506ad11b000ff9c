"""What the holder of a receipt code can do: see the answers, change them until the survey closes, take them back."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.requests import Desk, DeskDep, PostedDep, keep, look
from app.respond import elsewhere, view
from app.respond.published import Published
from app.respond.visit import Here, SurveyDep, html, let_in, not_open, receipt_path
from app.words import language
from surveys.codes import NOT_ASKED
from surveys.form import written
from surveys.store import collect, improvements, receipts
from surveys.store.parking import Visit

router = APIRouter(include_in_schema=False)


@router.get("/s/{slug}/receipt")
async def ask(survey: SurveyDep) -> Response:
    """Where a receipt code can be entered."""
    return html(view.receipt_ask(survey.view(), receipt_path=receipt_path(survey)))


@router.post("/s/{slug}/receipt", dependencies=[Here])
async def show(desk: DeskDep, survey: SurveyDep, posted: PostedDep) -> Response:
    """The answers that belong to a receipt code, in words."""
    code = posted.get("code")
    kept = await _kept(desk, survey, code)
    return _wrong(survey, code) if kept is None else await _shown(desk, survey, kept, code)


async def _kept(desk: Desk, survey: Published, code: str) -> receipts.Kept | None:
    kept = await look(desk, lambda connection: receipts.open_receipt(connection, code))
    return kept if kept is not None and survey.keeps(kept.survey_id) and not kept.withdrawn else None


def _wrong(survey: Published, code: str) -> Response:
    return html(view.receipt_ask(survey.view(), wrong=True, receipt_path=receipt_path(survey), code=code), 404)


@router.get("/s/{slug}/changes")
async def changes(desk: DeskDep, survey: SurveyDep) -> Response:
    """What was changed because of the survey, for everybody."""
    told = await look(desk, lambda connection: improvements.told_to(connection, survey.id))
    return html(view.changes(survey.view(), told))


async def _shown(desk: Desk, survey: Published, kept: receipts.Kept, code: str, *, unsure: bool = False) -> Response:
    told = await look(desk, lambda connection: improvements.told_to(connection, survey.id, kept.unit))
    return html(
        view.receipt_show(
            survey.view(),
            survey.book,
            survey.questionnaire,
            kept.answers,
            kept.answers.comments,
            kept.waiting,
            receipt_path(survey),
            code,
            unsure=unsure,
            changeable=_changeable(desk, survey, kept),
            told=told,
        )
    )


def _changeable(desk: Desk, survey: Published, kept: receipts.Kept) -> bool:
    """Whether answers can be changed; those of a pilot cannot when it is over."""
    return not_open(desk, survey, invited=True) is None and kept.survey_id == survey.answers_id


@router.post("/s/{slug}/receipt/change", dependencies=[Here])
async def change(request: Request, desk: DeskDep, survey: SurveyDep, posted: PostedDep) -> Response:
    """Open the form with the answers in it; what is sent then takes their place under the same code."""
    code = posted.get("code")
    kept = await _kept(desk, survey, code)
    if kept is None:
        return _wrong(survey, code)
    if closed := not_open(desk, survey, invited=True):
        return closed
    if not _changeable(desk, survey, kept):
        return await _shown(desk, survey, kept, code)
    byte_of = kept.answers.closed
    visit = Visit(
        key=collect.new_key(),
        path=f"/s/{survey.slug}",
        language=language(),
        values=written(survey.pages, survey.book, kept.answers),
        furthest=len(survey.pages),
        corrects=code,
        order=kept.order,
        out=sorted({f.item for f in survey.book.fields if f.item and byte_of[survey.book.place[f.name]] == NOT_ASKED}),
    )
    if posted.get("go") == "pages":
        return await elsewhere.go_by_pages(request, desk, survey, visit)
    answer = elsewhere.carry(survey, visit, f"{receipt_path(survey)}/change", code)
    if survey.invited_only:
        let_in(answer, desk, survey)
    return answer


@router.post("/s/{slug}/receipt/withdraw", dependencies=[Here])
async def withdraw(desk: DeskDep, survey: SurveyDep, posted: PostedDep) -> Response:
    """Take the answers of a receipt code back."""
    code = posted.get("code")
    kept = await look(desk, lambda connection: receipts.open_receipt(connection, code))
    if kept is None or not survey.keeps(kept.survey_id):
        return _wrong(survey, code)
    if posted.get("confirm") != "yes":
        return await _shown(desk, survey, kept, code, unsure=True)
    await keep(desk, lambda connection: receipts.withdraw(connection, code))
    return html(view.withdrawn(survey.view()))
