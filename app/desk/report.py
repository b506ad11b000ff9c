"""The defect report of a survey: what is chosen, what is summed up, what is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from analysis.by_branch import clustering_of
from analysis.coded import layout_of
from analysis.report import Report, build_report, report_json
from analysis.thresholds import DEFAULT
from app import version
from app.access import Visitor, VisitorDep
from app.assets import static_url
from app.desk.holdings import holdings_of
from app.desk.pages import AnswersDep
from app.desk.report_context import (
    Download,
    Filter,
    FilterOption,
    Language,
    NavItem,
    Recommendation,
    ReportPage,
)
from app.desk.report_page import render_report
from app.desk.selection import Holdings, Selection, label, select
from app.desk.sums import Sums, sums_of
from app.requests import Desk, DeskDep, LanguageDep
from app.words import LANGUAGES, N_, _, worded
from surveys.authoring import recommendations
from surveys.questionnaire import Questionnaire
from surveys.store import publish
from surveys.store.database import reading
from surveys.tables import Survey

router = APIRouter(include_in_schema=False)


def report_of(sums: Sums, selection: Selection) -> Report:
    """The report on the chosen answers, with the survey's disclosure floor."""
    tally, holdings = sums.of(selection.chosen), sums.holdings
    return build_report(
        tally,
        DEFAULT,
        format=holdings.questionnaire.format,
        floor=holdings.views.floor,
        clustering=clustering_of(tally, floor=holdings.views.floor),
        whole=sums.of({}) if selection.chosen else None,
    )


def recommended(questionnaire: Questionnaire) -> dict[str, Recommendation]:
    """The recommended action of each cell that the bank's library knows, in the reader's language."""
    known = {f"{item.stage}.{item.dimension}" for item in questionnaire.items}
    return {
        cell: Recommendation(
            worded(entry["action"]),
            worded(entry["owner"]),
            worded(entry["process_indicator"]),
            entry.get("lead_days"),
        )
        for cell, entry in recommendations().items()
        if cell in known
    }


@router.get("/surveys/{slug}/report")
def show_report(
    request: Request, desk: DeskDep, spoken: LanguageDep, visitor: VisitorDep, survey: AnswersDep
) -> Response:
    """The report page; what is derived from released answers is kept until the next release."""
    if not publish.questionnaire_of(survey).items:
        return without_items(request)
    wished = {key: value for key, value in request.query_params.items() if key not in ("lang", "open")}
    selection = chosen_part(desk, survey, wished)
    wish = request.query_params.get("open")
    opened = wish if wish in layout_of(publish.questionnaire_of(survey)).cells else None
    key = (
        "page",
        survey.id,
        survey.revision,
        survey.closed,
        spoken,
        tuple(sorted(selection.chosen.items())),
        selection.refused,
        opened,
        visitor.id,
        visitor.csrf,
    )
    text = desk.cache.get(key, lambda: render_report(_page(desk, visitor, survey, selection, opened)))
    return HTMLResponse(text)


@router.get("/surveys/{slug}/report.html")
def report_file(
    request: Request, desk: DeskDep, spoken: LanguageDep, visitor: VisitorDep, survey: AnswersDep
) -> Response:
    """The report as one file that opens offline."""
    if not publish.questionnaire_of(survey).items:
        return without_items(request)
    selection = chosen_part(desk, survey, dict(request.query_params))
    if selection.refused:
        raise HTTPException(404, N_("Fewer people answered in this choice than may be shown; choose a wider filter."))
    text = render_report(replace(_page(desk, visitor, survey, selection, None), self_contained=True))
    name = f"{'simulated-' if survey.simulated else ''}{survey.slug}-release-{survey.releases}-{spoken}.html"
    return HTMLResponse(text, headers={"content-disposition": f'attachment; filename="{name}"'})


@router.get("/surveys/{slug}/report.json")
def report_data(request: Request, desk: DeskDep, visitor: VisitorDep, survey: AnswersDep) -> Response:
    """The numbers of the report, as `fivegaps analyse --json` writes them."""
    if not publish.questionnaire_of(survey).items:
        return JSONResponse({"error": {"status": 404, "message": "this survey has no items, so there is no gap"}}, 404)
    holdings, selection = holdings_of(desk, survey), chosen_part(desk, survey, dict(request.query_params))
    if selection.refused:
        return JSONResponse({"error": {"status": 404, "message": "fewer answers than may be shown"}}, 404)
    told = report_json(
        _report(desk, survey, selection),
        meta_of(survey, holdings),
    )
    return JSONResponse(told)


def meta_of(survey: Survey, holdings: Holdings) -> dict[str, object]:
    """Where numbers come from."""
    return {
        "survey": survey.slug,
        "wave": survey.wave,
        "release": survey.releases,
        "simulated": survey.simulated,
        "pilot": survey.pilot_of is not None,
        "data_hash": holdings.fingerprint,
        "questionnaire": holdings.questionnaire.id,
        "questionnaire_version": holdings.questionnaire.version,
        "code_version": version(),
    }


def chosen_part(desk: Desk, survey: Survey, wished: Mapping[str, str]) -> Selection:
    """The rows that the address asks for, as far as they may be shown."""
    holdings = holdings_of(desk, survey)
    known = {trait.id for trait in holdings.views.traits}
    asked = {name: value for name, value in wished.items() if name in known and value}
    key = ("selection", survey.id, survey.revision, tuple(sorted(asked.items())))
    return desk.cache.get(key, lambda: select(holdings, asked))


def _report(desk: Desk, survey: Survey, selection: Selection) -> Report:
    key = ("report", survey.id, survey.revision, tuple(sorted(selection.chosen.items())))
    return desk.cache.get(key, lambda: report_of(sums_of(desk, survey), selection))


def _page(desk: Desk, visitor: Visitor, survey: Survey, selection: Selection, opened: str | None) -> ReportPage:
    holdings = holdings_of(desk, survey)
    address = f"/surveys/{survey.slug}"
    with reading(desk.engine) as session:
        last = publish.last_release(session, survey)
    chosen = urlencode(selection.chosen)
    return ReportPage(
        questionnaire=holdings.questionnaire,
        report=_report(desk, survey, selection),
        layout=layout_of(holdings.questionnaire),
        title=survey.bank,
        wave=survey.wave,
        simulated=survey.simulated,
        pilot=survey.pilot_of is not None,
        opens=survey.opens_on,
        closes=survey.closes_on,
        n_released=holdings.released.n,
        release=survey.releases or None,
        release_day=last.released_on if last else None,
        fingerprint=holdings.fingerprint[:12],
        code_version=version(),
        filters=tuple(filters_of(holdings, selection)),
        hidden_view=selection.refused,
        self_url=f"{address}/report",
        open_cell=opened,
        downloads=_downloads(address, chosen),
        languages=tuple(
            Language(code, name, f"{address}/report?lang={code}" + (f"&{chosen}" if chosen else ""))
            for code, name in LANGUAGES.items()
        ),
        nav=(
            NavItem(_("Surveys"), "/"),
            NavItem(f"{survey.bank} · {survey.wave}", address),
            NavItem(_("Defect report"), f"{address}/report", True),
        ),
        person=_("Demonstration: signed in by itself on this computer") if visitor.demo else visitor.name,
        sign_out=None if visitor.demo else "/sign-out",
        csrf=visitor.csrf,
        recommendations=recommended(holdings.questionnaire),
        simulated_note=simulated_note(survey),
        static_url=static_url,
        appendix=f"{address}/report/appendix" + (f"?{chosen}" if chosen else ""),
    )


def simulated_note(survey: Survey) -> str:
    """How simulated answers were made; empty for real ones."""
    if not survey.simulated:
        return ""
    return _("These answers were drawn by a program; no bank and no customer stands behind them.")


def filters_of(holdings: Holdings, selection: Selection) -> list[Filter]:
    """The filter bar."""
    found = []
    for name, choices in selection.choices.items():
        options = [FilterOption("", _("all"), None, name not in selection.chosen, True)]
        options += [
            FilterOption(
                choice.value,
                label(holdings, name, choice.value),
                choice.n if choice.shown else None,
                choice.chosen,
                choice.shown,
            )
            for choice in choices
        ]
        found.append(Filter(name, label(holdings, name), tuple(options)))
    return found


def _downloads(address: str, chosen: str) -> tuple[Download, ...]:
    kept = f"?{chosen}" if chosen else ""
    return (
        Download(_("This report as one file"), f"{address}/report.html"),
        Download(_("Answers, CSV"), f"{address}/data.csv"),
        Download(_("Answers, CSV for Excel"), f"{address}/data.csv?bom=1"),
        Download(_("Answers, Parquet"), f"{address}/data.parquet"),
        Download(_("Codebook"), f"{address}/codebook.html"),
        Download(_("Codebook, JSON"), f"{address}/codebook.json"),
        Download(_("Numbers of this report, JSON"), f"{address}/report.json"),
        Download(_("Statistical appendix"), f"{address}/report/appendix{kept}"),
    )


def without_items(request: Request) -> Response:
    """What is said of a survey that has no gaps."""
    from app.errors import problem

    return problem(
        request,
        404,
        _(
            "This questionnaire asks no items as expectation and perception, so it has no gap "
            "report of its own. Its answers can be downloaded."
        ),
    )
