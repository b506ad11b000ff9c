"""The items chart: expectation to perception on the scale, and the gap with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analysis.defects import Status
from analysis.figure_style import (
    GAP_TOKENS,
    MARKS,
    Figure,
    Labels,
    Width,
    axis,
    bare_layout,
    bold,
    line,
    note,
    plain,
    printed,
    shade,
    shown,
    token,
    wrapped,
)
from analysis.matrix import Layout
from analysis.report import Report
from analysis.results import Statistic


def sorted_items(report: Report, layout: Layout) -> tuple[str, ...]:
    """Items by the number shown, worst first; those that may not be shown at the end."""

    def order(item: str) -> tuple[bool, float]:
        value = None if item in report.hidden else shown(report, report.gaps.items[item]).value
        return value is None, 0.0 if value is None else value

    return tuple(sorted((item for item in layout.items if item in report.gaps.items), key=order))


@dataclass(frozen=True)
class _Row:
    """One line of the dumbbell; `y` is the middle, in pixels from the top."""

    item: str
    cell: str
    lines: tuple[str, ...]
    top: float
    y: float
    bottom: float


_DUMBBELL: dict[Width, tuple[float, float, list[float], list[float]]] = {
    "wide": (480, 150, [0, 0.58], [0.66, 1]),
    "medium": (330, 128, [0, 0.54], [0.66, 1]),
    "narrow": (10, 74, [0, 1], []),
}


def dumbbell(report: Report, layout: Layout, labels: Labels, width: Width = "wide") -> Figure:
    """All items: hollow expectation to filled perception on the whole scale, and the gap with its interval."""
    left, right, scores, gaps = _DUMBBELL[width]
    rows = _rows(report, layout, labels, left - 24 if width != "narrow" else 330, width)
    height = rows[-1].bottom if rows else 40.0
    points = report.meta.points
    figure_layout = bare_layout(
        height + 60,
        left,
        right,
        52,
        8,
        yaxis=axis(range=[height, 0]),
        xaxis=axis(
            range=[0.75, points + 0.25],
            domain=scores,
            showgrid=True,
            gridcolor=token("rule"),
            side="top",
            showticklabels=True,
            tickvals=list(range(1, points + 1)),
            tickfont={"color": token("ink3")},
        ),
    )
    data = _dumbbell_traces(report, rows)
    visible = [row for row in rows if _item(report, row.item).value is not None]
    if gaps:
        data.append(_gap_trace(report, visible))
        figure_layout["xaxis2"] = _gap_axis(report, visible, gaps)
        figure_layout["shapes"] += _zero_lines(report, height, figure_layout["xaxis2"]["range"])
    figure_layout["annotations"] += _dumbbell_heads(labels, scores, gaps, width)
    figure_layout["annotations"] += _first_row(report, labels, visible)
    for row in rows:
        figure_layout["annotations"] += _row_notes(report, labels, row, left, width)
        # The margin is in pixels and the plot in shares of its width, so the hairline is drawn in parts.
        figure_layout["shapes"] += [
            line(0, 1, row.bottom, row.bottom, xref="paper"),
            line(-left, 0, row.bottom, row.bottom, xref="paper", xsizemode="pixel", xanchor=0),
            line(0, right, row.bottom, row.bottom, xref="paper", xsizemode="pixel", xanchor=1),
        ]
    return {"data": data, "layout": figure_layout}


def _item(report: Report, item: str) -> Statistic:
    tests = report.gaps.items[item]
    return shown(report, tests) if item not in report.hidden else shown(report, tests).hidden()


def _rows(report: Report, layout: Layout, labels: Labels, pixels: float, width: Width) -> list[_Row]:
    cell_of = {layout.items[j]: cell for cell, places in layout.cell_items.items() for j in places}
    rows: list[_Row] = []
    for item in sorted_items(report, layout):
        lines = tuple(wrapped(labels.items[item], pixels))
        top = rows[-1].bottom if rows else 0.0
        size = 17.0 * (len(lines) + 1) + 12
        y = top + size + 12 if width == "narrow" else top + size / 2
        bottom = top + size + (36 if width == "narrow" else 0)
        rows.append(_Row(item, cell_of.get(item, ""), lines, top, y, bottom))
    return rows


def _dumbbell_traces(report: Report, rows: Sequence[_Row]) -> list[dict[str, Any]]:
    """Bars in the sign's colour, then the marks: minimum, expectation, perception."""
    traces: list[dict[str, Any]] = []
    visible = [row for row in rows if row.item not in report.hidden]
    if report.meta.format != "perception_only":
        for colour, rows_of in _by_sign(report, visible).items():
            xs: list[float | None] = []
            ys: list[float | None] = []
            for row in rows_of:
                tests = report.gaps.items[row.item]
                start = tests.minimum if tests.minimum is not None else tests.expectation
                xs += [start.value, tests.perception.value, None]
                ys += [row.y, row.y, None]
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "x": xs,
                    "y": ys,
                    "hoverinfo": "skip",
                    "line": {"color": token(colour), "width": 4},
                }
            )
        if report.meta.format == "three_column":
            traces.append(
                _marks(
                    report,
                    visible,
                    "minimum",
                    {"symbol": "line-ns", "size": 13, "line": {"color": token("ink"), "width": 2}},
                )
            )
        traces.append(
            _marks(
                report,
                visible,
                "expectation",
                {"symbol": "circle", "size": 11, "color": token("bg"), "line": {"color": token("ink"), "width": 1.75}},
            )
        )
    traces.append(_marks(report, visible, "perception", {"symbol": "circle", "size": 11, "color": token("ink")}))
    return traces


def _by_sign(report: Report, rows: Sequence[_Row]) -> dict[str, list[_Row]]:
    """Rows by the colour of their bar: a named shortfall, a surplus, or grey between."""
    groups: dict[str, list[_Row]] = {"a2": [], "g-crit": [], "g-plus3": []}
    for row in rows:
        value = _item(report, row.item).value
        if value is not None:
            step = GAP_TOKENS.index(shade(report, value))
            groups["g-crit" if step < 3 else "a2" if step == 3 else "g-plus3"].append(row)
    return {colour: found for colour, found in groups.items() if found}


def _marks(report: Report, rows: Sequence[_Row], column: str, marker: dict[str, Any]) -> dict[str, Any]:
    stats = [getattr(report.gaps.items[row.item], column) for row in rows]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": column,
        "x": [stat.value if stat else None for stat in stats],
        "y": [row.y for row in rows],
        "customdata": [row.cell for row in rows],
        "marker": marker,
        "cliponaxis": False,
        "hovertemplate": "%{x:.2f}<extra></extra>",
    }


def _gap_trace(report: Report, rows: Sequence[_Row]) -> dict[str, Any]:
    stats = [_item(report, row.item) for row in rows]
    over = [(stat.high or 0) - (stat.value or 0) if stat.high is not None else 0 for stat in stats]
    under = [(stat.value or 0) - (stat.low or 0) if stat.low is not None else 0 for stat in stats]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "gap",
        "x": [stat.value for stat in stats],
        "y": [row.y for row in rows],
        "xaxis": "x2",
        "customdata": [row.cell for row in rows],
        "marker": {"symbol": "circle", "size": 8, "color": token("ink")},
        "cliponaxis": False,
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": over,
            "arrayminus": under,
            "width": 0,
            "thickness": 1.5,
            "color": token("ink"),
        },
        "hovertemplate": "%{x:.2f}<extra></extra>",
    }


def _gap_axis(report: Report, rows: Sequence[_Row], domain: list[float]) -> dict[str, Any]:
    ends = [
        value
        for row in rows
        for stat in (_item(report, row.item),)
        for value in (stat.low, stat.value, stat.high)
        if value is not None
    ]
    if report.meta.format != "perception_only":
        ends.append(0.0)
    low, high = min(ends, default=-1.0), max(ends, default=0.0)
    return axis(
        range=[low - 0.2, high + 0.2],
        domain=domain,
        side="top",
        showticklabels=True,
        dtick=1 if high - low > 1.5 else 0.5,
        tickfont={"color": token("ink3")},
        showgrid=True,
        gridcolor=token("rule"),
    )


def _zero_lines(report: Report, height: float, ends: list[float]) -> list[dict[str, Any]]:
    """Zero is a full line; the limit of what counts as a shortfall a dashed one."""
    if report.meta.format == "perception_only":
        return []
    lines = [line(0, 0, 0, height, "mark", xref="x2")]
    delta = report.thresholds.delta(report.meta.points)
    if report.meta.format == "two_column" and ends[0] < -delta:
        lines.append(line(-delta, -delta, 0, height, "mark", xref="x2", dash="dash"))
    return lines


def _dumbbell_heads(labels: Labels, scores: list[float], gaps: list[float], width: Width) -> list[dict[str, Any]]:
    def head(text: str, x: float, **rest: Any) -> dict[str, Any]:
        return note(plain(text), x, 1, xref="paper", yref="paper", yanchor="bottom", color="ink3", **rest)

    words = labels.words
    notes = [head(words["score"], sum(scores) / 2, yshift=28)]
    if width == "narrow":
        return [*notes, head(words["gap"], 1, xanchor="right", xshift=70, yshift=8)]
    left = _DUMBBELL[width][0]
    return [
        *notes,
        head(words["gap"], 1, xanchor="right", xshift=68, yshift=8),
        head(words["wording"], 0, xanchor="left", xshift=-left, yshift=28),
        head(words["interval"], sum(gaps) / 2, yshift=28),
        head(words["n"], 1, xanchor="right", xshift=112, yshift=8),
    ]


def _first_row(report: Report, labels: Labels, visible: Sequence[_Row]) -> list[dict[str, Any]]:
    """The first row says in words which mark is which, where there is room between them."""
    if not visible or report.meta.format == "perception_only":
        return []
    row, words = visible[0], labels.words
    tests = report.gaps.items[row.item]
    got, expected = tests.perception.value, tests.expectation.value
    if got is None or expected is None or expected - got < 0.5:
        return []
    return [
        note(plain(words["got"].lower()), got, row.y, xanchor="right", xshift=-10, color="ink3"),
        note(plain(words["expected"].lower()), expected, row.y, xanchor="left", xshift=10, color="ink3"),
    ]


def _row_notes(report: Report, labels: Labels, row: _Row, left: float, width: Width) -> list[dict[str, Any]]:
    """The wording with its cell, the gap, n and the mark."""
    stat = _item(report, row.item)
    text = "<br>".join(
        [
            *(plain(line) for line in row.lines),
            f"<span style='opacity:.75'>{plain(labels.cells.get(row.cell, ''))}</span>",
        ]
    )
    notes = [note(text, 0, row.top, xref="paper", xanchor="left", xshift=-left, yanchor="top", yshift=-5, align="left")]
    if stat.value is None:
        hidden = f"{MARKS['suppressed']} {labels.words['few']}" if stat.reason == "too_few" else "–"
        return [*notes, note(plain(hidden), 0, row.y, xref="paper", xanchor="left", xshift=8, color="ink3")]
    status = _item_status(report, row)
    mark, value = MARKS[status] if status else "·", printed(report, stat.value)
    value = bold(value) if status == "confirmed" else value
    if width == "narrow":
        return [
            *notes,
            note(value, 1, row.y, xref="paper", xanchor="right", xshift=72, size=16, yshift=8),
            note(f"{mark} {stat.n}", 1, row.y, xref="paper", xanchor="right", xshift=72, yshift=-11, color="ink3"),
        ]
    return [
        *notes,
        note(value, 1, row.y, xref="paper", xanchor="right", xshift=68, size=16),
        note(str(stat.n), 1, row.y, xref="paper", xanchor="right", xshift=112, color="ink3"),
        note(mark, 1, row.y, xref="paper", xanchor="center", xshift=126 if width == "wide" else 121),
    ]


def _item_status(report: Report, row: _Row) -> Status | None:
    return next((defect.item_status.get(row.item) for defect in report.defects if defect.cell == row.cell), None)
