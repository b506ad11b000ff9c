"""The defect report as a page, or as one file that opens offline."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, urlencode

from markupsafe import Markup

from analysis.figures import Width, dumbbell, limits, radar
from analysis.figures import defect_map as draw_map
from app.desk import report_notes as notes
from app.desk import report_sentences as sentences
from app.desk import report_tables as tables
from app.desk.report_context import (
    Download,
    Filter,
    FilterOption,
    Language,
    NavItem,
    Recommendation,
    ReportPage,
)
from app.desk.report_list import Line, line, ranked
from app.desk.report_panel import WIDTHS, Panel, panel
from app.desk.report_tables import Chart, Fact
from app.desk.report_words import Names, column_limits, joined
from app.words import _, render

__all__ = [
    "BUNDLE",
    "Download",
    "Filter",
    "FilterOption",
    "Language",
    "NavItem",
    "Recommendation",
    "ReportPage",
    "render_report",
]

STATIC = Path(__file__).parents[2] / "static"
BUNDLE = "vendor/plotly-fivegaps-4.1.1.min.js"


@dataclass(frozen=True)
class Group:
    """The rows of one status under their heading."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Results:
    """What is said and drawn when there is something to show."""

    map: Chart
    map_title: str
    map_note: str
    legend: tuple[tuple[str, str], ...]
    radar: Chart | None
    radar_title: str
    radar_note: str
    groups: tuple[Group, ...]
    list_note: str
    without_defect: str
    suppressed: str
    panels: tuple[Panel, ...]
    items: Chart
    items_title: str
    items_note: str
    dimensions: tables.Table
    stages: tables.Table | None
    overall: tuple[str, ...]
    importance: tables.Table
    importance_note: str
    alphas: tables.Table
    item_alphas: tuple[tables.Table, ...]
    quality: tuple[Fact, ...]
    caveats: tuple[str, ...]
    methods: tuple[str, ...]
    sensitivity: tables.Table
    thresholds: tables.Table


@dataclass(frozen=True)
class View:
    """The page in words; `results` is None when nothing may be shown."""

    title: str
    lead: tuple[str, ...]
    results: Results | None
    empty: bool
    chosen_filters: str = ""
    waiting: tuple[tuple[str, str], ...] = field(default_factory=tuple)


def render_report(page: ReportPage) -> str:
    """The whole page as HTML."""
    names = Names(page.questionnaire, page.report, page.layout)
    whole = inlined() if page.self_contained else None
    return render(
        "report/report.html",
        page=page,
        view=_view(page, names),
        names=names,
        bundle=BUNDLE,
        inlined=whole,
        frozen=notes.frozen(page),
        href=lambda cell: _href(page, cell),
    )


def _view(page: ReportPage, names: Names) -> View:
    if page.hidden_view:
        hidden = _("This choice cannot be shown: it would tell about fewer than %(floor)s people")
        title = hidden % {"floor": names.floor}
        return View(
            title,
            (
                _(
                    "Choose a wider filter, and at most two at once. Answers are shown only in groups, so that "
                    "nobody can be recognised."
                ),
            ),
            None,
            False,
            _chosen(page),
        )
    empty = page.report.meta.n == 0 or sentences.nothing_to_show(names)
    return View(
        sentences.title(names),
        tuple(sentences.lead(names)),
        None if empty else _results(page, names),
        empty,
        _chosen(page),
        _waiting(names) if empty else (),
    )


def _chosen(page: ReportPage) -> str:
    """The chosen filters in a line."""
    chosen = [option.label for found in page.filters for option in found.options if option.chosen and option.value]
    return joined(chosen) if chosen else _("all answers")


def _waiting(names: Names) -> tuple[tuple[str, str], ...]:
    """What becomes visible at how many answers."""
    t = names.report.thresholds
    steps = [(str(names.floor), _("gaps with intervals, status at most probable"))]
    if names.format == "perception_only":
        return ((str(names.floor), _("means with intervals")),)
    return (
        *steps,
        (str(t.confirm_floor), _("defects can be confirmed")),
        (str(t.derived_n), _("the tie to satisfaction enters the importance")),
    )


def _href(page: ReportPage, cell: str) -> str:
    """Where a defect is opened: a part of the file, or the page with it opened and the filters kept."""
    if page.self_contained:
        return f"#d-{cell}"
    kept = [
        (found.id, option.value) for found in page.filters for option in found.options if option.chosen and option.value
    ]
    return f"{page.self_url}?{urlencode([*kept, ('open', cell)])}#d-{quote(cell)}"


def _results(page: ReportPage, names: Names) -> Results:
    report, layout = page.report, page.layout
    listed = ranked(names)
    opened = _opened(page, names, [defect.cell for defect in listed])
    round_shape = _radar(names)
    return Results(
        map=_map(names, None if page.self_contained else (opened[0] if opened else None)),
        map_title=sentences.map_title(names),
        map_note=sentences.map_note(names),
        legend=column_limits(names, limits(report)),
        radar=round_shape,
        radar_title=sentences.radar_title(names),
        radar_note=sentences.radar_note(names),
        groups=_groups(page, names),
        list_note=sentences.list_note(names),
        without_defect=sentences.without_defect(names),
        suppressed=sentences.suppressed(names),
        panels=tuple(
            panel(names, defect, listed, page.recommendations.get(defect.cell))
            for cell in opened
            for defect in report.defects
            if defect.cell == cell
        ),
        items=_items(names),
        items_title=sentences.items_title(names),
        items_note=sentences.items_note(names),
        dimensions=tables.levels_table(names, report.gaps.dimensions, names.dimensions, _("Dimension")),
        stages=tables.levels_table(names, report.gaps.stages, names.stages, _("Stage")) if layout.stages else None,
        overall=notes.overall(names),
        importance=tables.importance_table(names),
        importance_note=notes.importance_note(names),
        alphas=tables.alpha_table(names),
        item_alphas=tuple(tables.item_reliability_table(names, column) for column in tables.column_words(names)),
        quality=notes.quality(names),
        caveats=notes.caveats(names),
        methods=notes.methods(names),
        sensitivity=tables.sensitivity_table(names),
        thresholds=tables.thresholds_table(report.thresholds),
    )


def _opened(page: ReportPage, names: Names, listed: list[str]) -> list[str]:
    """The cells whose panels stand on the page: all in one file, else the asked one or the first of the list."""
    seen = [
        *listed,
        *(
            defect.cell
            for defect in page.report.defects
            if defect.status == "no_defect_shown" and not names.is_hidden(defect.cell)
        ),
    ]
    if page.self_contained:
        return seen
    return [page.open_cell] if page.open_cell in seen else seen[:1]


def _groups(page: ReportPage, names: Names) -> tuple[Group, ...]:
    place, groups = 0, []
    for status in sentences.LISTED:
        rows = []
        for defect in sentences.of_status(names, status):
            if names.is_hidden(defect.cell):
                continue
            place += 1
            rows.append(
                line(names, defect, place, lambda cell: _href(page, cell), page.recommendations.get(defect.cell))
            )
        if rows:
            groups.append(Group(sentences.group_heading(names, status, len(rows)), tuple(rows)))
    return tuple(groups)


def _map(names: Names, chosen: str | None) -> Chart:
    figures = {width: draw_map(names.report, names.layout, names.labels, width, chosen) for width in WIDTHS}
    return Chart("map", figures, sentences.map_title(names), tables.map_table(names))


def _items(names: Names) -> Chart:
    widths: tuple[Width, ...] = ("wide", "medium", "narrow")
    figures = {width: dumbbell(names.report, names.layout, names.labels, width) for width in widths}
    return Chart("items", figures, sentences.items_title(names), tables.items_table(names))


def _radar(names: Names) -> Chart | None:
    figures = {width: radar(names.report, names.layout, names.labels, width) for width in WIDTHS}
    drawn = {width: figure for width, figure in figures.items() if figure is not None}
    return Chart("radar", drawn, sentences.radar_title(names)) if drawn else None


@dataclass(frozen=True)
class Inlined:
    """Style and scripts of the one-file report, and the policy that lets them and nothing else run."""

    style: Markup
    scripts: tuple[Markup, ...]
    policy: str


@lru_cache(maxsize=1)
def inlined() -> Inlined:
    """What a page needs to open by itself."""
    style = re.sub(r"(?i)</(?=style)", r"<\\/", (STATIC / "report.css").read_text(encoding="utf-8"))
    scripts = [_script_text((STATIC / name).read_text(encoding="utf-8")) for name in (BUNDLE, "report.js")]
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in scripts
    )
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {hashes}; "
        "base-uri 'none'; form-action 'none'"
    )
    # Our own files, no stored text.
    return Inlined(Markup(style), tuple(Markup(text) for text in scripts), policy)  # noqa: S704


def _script_text(text: str) -> str:
    """Script source that no HTML parser can mistake for its end; in strings both escapes mean the same."""
    return re.sub(r"(?i)</(?=script)", r"<\\/", text).replace("<!--", "<\\!--")
