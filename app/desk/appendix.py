"""The statistical appendix of a survey, of the same choice of answers as its report."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from analysis.coded import Context, flags_apart, layout_of, study_of
from analysis.report import plain
from analysis.research import Research, build_research
from analysis.study import Grouping, Study
from analysis.thresholds import DEFAULT
from app.access import Visitor, VisitorDep
from app.assets import static_url
from app.desk.appendix_page import AppendixPage, render_appendix
from app.desk.holdings import holdings_of
from app.desk.pages import AnswersDep
from app.desk.report import chosen_part, filters_of, meta_of, simulated_note, without_items
from app.desk.report_context import Download, Language, NavItem
from app.desk.selection import Holdings, Selection
from app.desk.sums import sums_of
from app.desk.views import Views
from app.requests import Desk, DeskDep, LanguageDep
from app.words import LANGUAGES, _
from surveys.store import publish, read
from surveys.store.database import reading
from surveys.tables import Survey

router = APIRouter(include_in_schema=False)


def research_of(desk: Desk, survey: Survey, holdings: Holdings, selection: Selection) -> Research:
    """The appendix of the chosen answers, kept until the next release."""
    key = ("research", survey.id, survey.revision, survey.closed, tuple(sorted(selection.chosen.items())))
    found: Research = desk.cache.get(key, lambda: _researched(desk, survey, holdings, selection))
    return found


def _researched(desk: Desk, survey: Survey, holdings: Holdings, selection: Selection) -> Research:
    rows = np.flatnonzero(selection.rows)
    released = holdings.released
    days = np.array([released.day[at].toordinal() for at in rows], np.int32)
    context = Context(
        released.unit[rows],
        released.channel[rows],
        released.language[rows],
        days,
        survey.closed,
        flags=None if released.flags is None else flags_apart(released.flags[rows]),
        order=None if released.order is None else released.order[rows],
    )
    study = study_of(holdings.questionnaire, holdings.book, released.closed[rows], context)
    if not selection.chosen:  # comments lie apart from the answers, so no filter reaches them
        with reading(desk.engine) as session:
            told = read.comments(session.connection(), survey.id or 0)
        texts = {asked: tuple(text for name, _language, text in told if name == asked) for asked in holdings.book.texts}
        study.texts.update({asked: found for asked, found in texts.items() if found})
    sums = sums_of(desk, survey)
    return build_research(
        _grouped(study, holdings.views, selection.chosen),
        sums.of(selection.chosen),
        DEFAULT,
        floor=holdings.views.floor,
        whole=sums.of({}) if selection.chosen else None,
    )


def _grouped(study: Study, views: Views, chosen: dict[str, str]) -> Study:
    """The study with those groups alone that a filter could show as well, and days unless a month is chosen.

    A group within a chosen part is what both filters together choose; of three filters nothing is shown.
    """
    parts = list(chosen.items())

    def seen(name: str, one: Grouping) -> Grouping:
        shown = (value for value in one.values if len(parts) < 2 and views.allowed([*parts, (name, value)]))
        return one.only(tuple(shown))

    known = {trait.id for trait in views.traits} - set(chosen)
    return replace(
        study,
        traits={name: seen(name, one) for name, one in study.traits.items() if name in known},
        unit=None if study.unit is None or "unit" not in known else seen("unit", study.unit),
        days=None if "period" in chosen else study.days,
    )


@router.get("/surveys/{slug}/report/appendix")
def show_appendix(
    request: Request, desk: DeskDep, spoken: LanguageDep, visitor: VisitorDep, survey: AnswersDep
) -> Response:
    """The appendix as a page; what is derived from released answers is kept until the next release."""
    if not publish.questionnaire_of(survey).items:
        return without_items(request)
    selection = chosen_part(desk, survey, request.query_params)
    key = (
        "appendix",
        survey.id,
        survey.revision,
        survey.closed,
        spoken,
        tuple(sorted(selection.chosen.items())),
        selection.refused,
        visitor.id,
        visitor.csrf,
    )
    return HTMLResponse(desk.cache.get(key, lambda: render_appendix(_page(desk, visitor, survey, selection))))


@router.get("/surveys/{slug}/report/appendix.json")
def appendix_data(request: Request, desk: DeskDep, visitor: VisitorDep, survey: AnswersDep) -> Response:
    """The numbers of the appendix."""
    if not publish.questionnaire_of(survey).items:
        return JSONResponse({"error": {"status": 404, "message": "this survey has no items, so there is no gap"}}, 404)
    selection = chosen_part(desk, survey, request.query_params)
    if selection.refused:
        return JSONResponse({"error": {"status": 404, "message": "fewer answers than may be shown"}}, 404)
    holdings = holdings_of(desk, survey)
    research = plain(research_of(desk, survey, holdings, selection))
    return JSONResponse({**meta_of(survey, holdings), "research": research})


def _page(desk: Desk, visitor: Visitor, survey: Survey, selection: Selection) -> AppendixPage:
    holdings = holdings_of(desk, survey)
    address = f"/surveys/{survey.slug}"
    own, chosen = f"{address}/report/appendix", urlencode(selection.chosen)
    kept = f"?{chosen}" if chosen else ""
    page = AppendixPage(
        questionnaire=holdings.questionnaire,
        research=None if selection.refused else research_of(desk, survey, holdings, selection),
        layout=layout_of(holdings.questionnaire),
        title=survey.bank,
        wave=survey.wave,
        simulated=survey.simulated,
        pilot=survey.pilot_of is not None,
        floor=holdings.views.floor,
    )
    return replace(
        page,
        simulated_note=simulated_note(survey),
        fingerprint=holdings.fingerprint[:12],
        code_version=str(meta_of(survey, holdings)["code_version"]),
        report_url=f"{address}/report{kept}",
        self_url=own,
        static_url=static_url,
        filters=tuple(filters_of(holdings, selection)),
        downloads=(Download(_("Numbers of this appendix, JSON"), f"{own}.json{kept}"),),
        languages=tuple(
            Language(code, name, f"{own}?{urlencode([('lang', code), *selection.chosen.items()])}")
            for code, name in LANGUAGES.items()
        ),
        nav=(
            NavItem(_("Surveys"), "/"),
            NavItem(f"{survey.bank} · {survey.wave}", address),
            NavItem(_("Defect report"), f"{address}/report{kept}"),
            NavItem(_("Statistical appendix"), own, True),
        ),
        person=_("Demonstration: signed in by itself on this computer") if visitor.demo else visitor.name,
        sign_out=None if visitor.demo else "/sign-out",
        csrf=visitor.csrf,
    )
