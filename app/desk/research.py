"""The statistical appendix of a survey: the numbers a researcher wants, each section led by a plain sentence."""

from __future__ import annotations

import numpy as np
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from analysis.coded import Context, study_of
from analysis.report import plain
from analysis.research import Research, build_research
from analysis.tally import summarise
from analysis.thresholds import DEFAULT
from app.access import VisitorDep
from app.desk.frame import frame
from app.desk.holdings import holdings_of
from app.desk.pages import SurveyDep
from app.desk.report import chosen_part
from app.desk.research_sections import Words, sections
from app.desk.selection import Holdings, Selection, label
from app.requests import Desk, DeskDep, LanguageDep
from app.words import N_, render
from surveys.store import publish, read
from surveys.store.database import reading
from surveys.tables import Survey

router = APIRouter(include_in_schema=False)


def research_of(desk: Desk, survey: Survey, holdings: Holdings, selection: Selection) -> Research:
    """The appendix of the chosen answers, kept until the next release."""
    key = ("research", survey.id, survey.revision, survey.closed, tuple(sorted(selection.chosen.items())))

    def build() -> Research:
        rows = np.flatnonzero(selection.rows)
        released = holdings.released
        days = np.array([released.day[at].toordinal() for at in rows], np.int32)
        context = Context(released.unit[rows], released.channel[rows], released.language[rows], days, survey.closed)
        study = study_of(holdings.questionnaire, holdings.book, released.closed[rows], context)
        if not selection.chosen:  # comments lie apart from the answers, so no filter reaches them
            with reading(desk.engine) as session:
                told = read.comments(session.connection(), survey.id or 0)
            texts = {
                question: tuple(text for name, _, text in told if name == question) for question in holdings.book.texts
            }
            study.texts.update({question: found for question, found in texts.items() if found})
        return build_research(study, summarise(study.matrix), DEFAULT, floor=holdings.views.floor)

    found: Research = desk.cache.get(key, build)
    return found


def _holdings(desk: Desk, survey: Survey) -> Holdings:
    if not publish.questionnaire_of(survey).items:
        raise HTTPException(404)
    return holdings_of(desk, survey)


@router.get("/surveys/{slug}/report/appendix")
def show_appendix(
    request: Request, desk: DeskDep, spoken: LanguageDep, visitor: VisitorDep, survey: SurveyDep
) -> Response:
    """The appendix as a page."""
    holdings = _holdings(desk, survey)
    selection = chosen_part(desk, survey, dict(request.query_params))
    shown = (
        ()
        if selection.refused
        else sections(
            research_of(desk, survey, holdings, selection),
            Words(holdings.questionnaire, lambda *part: label(holdings, *part)),
        )
    )
    return HTMLResponse(
        render(
            "desk/appendix.html",
            frame=frame(request, desk, visitor),
            survey=survey,
            sections=shown,
            refused=selection.refused,
            n=selection.n,
            query=request.url.query,
        )
    )


@router.get("/surveys/{slug}/report/appendix.json")
def appendix_data(request: Request, desk: DeskDep, visitor: VisitorDep, survey: SurveyDep) -> Response:
    """The appendix as data."""
    holdings = _holdings(desk, survey)
    selection = chosen_part(desk, survey, dict(request.query_params))
    if selection.refused:
        raise HTTPException(404, N_("Fewer people answered in this choice than may be shown; choose a wider filter."))
    return JSONResponse({"survey": survey.slug, "wave": survey.wave, "simulated": survey.simulated,
                         "research": plain(research_of(desk, survey, holdings, selection))})  # fmt: skip
