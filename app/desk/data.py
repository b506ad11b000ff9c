"""Downloads: released submissions as CSV and Parquet, the codebook as page and JSON, the report's numbers as JSON."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from analysis.thresholds import DEFAULT
from app import version
from app.access import VisitorDep
from app.desk.frame import frame
from app.desk.holdings import holdings_of
from app.desk.pages import AnswersDep
from app.requests import Desk, DeskDep, LanguageDep
from app.words import render
from surveys.exchange import codebooks, downloads
from surveys.store import publish, read
from surveys.tables import Survey

router = APIRouter(include_in_schema=False)


def _about(desk: Desk, survey: Survey) -> dict[str, Any]:
    holdings = holdings_of(desk, survey)
    return {
        "survey": survey.slug,
        "bank": survey.bank,
        "wave": survey.wave,
        "releases": survey.releases,
        "submissions": holdings.released.n,
        "simulated": survey.simulated,
        "sha256": holdings.fingerprint,
        "code_version": version(),
    }


def _file(data: bytes, kind: str, name: str) -> Response:
    return Response(data, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'})


def _name(survey: Survey, ending: str) -> str:
    simulated = "simulated-" if survey.simulated else ""
    return f"{simulated}{survey.slug}-release-{survey.releases}.{ending}"


@router.get("/surveys/{slug}/data.csv")
def data_csv(desk: DeskDep, visitor: VisitorDep, survey: AnswersDep, bom: bool = False) -> Response:
    """All released submissions as CSV; `?bom=1` for Excel."""
    holdings = holdings_of(desk, survey)
    shuffled = holdings.questionnaire.shuffled
    data = downloads.as_csv(holdings.book, holdings.released, bom=bom, shuffled=shuffled)
    return _file(data, "text/csv; charset=utf-8", _name(survey, "csv"))


@router.get("/surveys/{slug}/data.parquet")
def data_parquet(desk: DeskDep, visitor: VisitorDep, survey: AnswersDep) -> Response:
    """All released submissions as Parquet."""
    holdings = holdings_of(desk, survey)
    about = {key: str(value) for key, value in _about(desk, survey).items()}
    return _file(
        downloads.as_parquet(holdings.book, holdings.released, about, shuffled=holdings.questionnaire.shuffled),
        "application/vnd.apache.parquet",
        _name(survey, "parquet"),
    )


@router.get("/surveys/{slug}/comments.csv")
def comments_csv(desk: DeskDep, visitor: VisitorDep, survey: AnswersDep) -> Response:
    """Released free texts, apart from all other answers."""
    with desk.engine.connect() as connection:
        texts = read.comments(connection, survey.id or 0)
    floor = max(publish.questionnaire_of(survey).min_group, DEFAULT.display_floor)
    return _file(downloads.comments_csv(texts, floor), "text/csv; charset=utf-8", _name(survey, "comments.csv"))


@router.get("/surveys/{slug}/codebook.json")
def codebook_json(desk: DeskDep, visitor: VisitorDep, survey: AnswersDep) -> Response:
    """The codebook as data."""
    told = codebooks.describe(publish.questionnaire_of(survey), _about(desk, survey))
    return JSONResponse(
        told, headers={"content-disposition": f'attachment; filename="{_name(survey, "codebook.json")}"'}
    )


@router.get("/surveys/{slug}/codebook.html")
def codebook_html(
    request: Request, desk: DeskDep, language: LanguageDep, visitor: VisitorDep, survey: AnswersDep
) -> Response:
    """The codebook to read."""
    told = codebooks.describe(publish.questionnaire_of(survey), _about(desk, survey))
    return HTMLResponse(render("desk/codebook.html", frame=frame(request, desk, visitor), survey=survey, book=told))
