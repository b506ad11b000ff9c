"""The defect map: stages by dimensions, each cell with its gap, its mark and n."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analysis.defects import Status
from analysis.figure_style import (
    MARKS,
    ON_TOKENS,
    Figure,
    Labels,
    Width,
    axis,
    balanced,
    bare_layout,
    bold,
    clipped,
    colorscale,
    line,
    note,
    plain,
    printed,
    shade,
    shown,
    token,
    wrapped,
)
from analysis.gaps import GapTests
from analysis.matrix import Layout
from analysis.report import Report
from analysis.results import Statistic

SIDES = (150, 106)
"""Pixels for the names at the left of the map: usual, narrow."""


def defect_map(
    report: Report, layout: Layout, labels: Labels, width: Width = "wide", chosen: str | None = None
) -> Figure:
    """Stages by dimensions: the gap, its mark and n in each cell, coloured in the severity bands, with totals.

    On a narrow page the shorter side runs across.  Without stages the map is one row of dimensions.
    """
    rows: Sequence[str] = layout.stages or ("",)
    columns: Sequence[str] = layout.dimensions
    turned = width == "narrow" and len(columns) > len(rows)
    if turned:
        rows, columns = columns, rows
    grid = [[_cell_id(column, row) if turned else _cell_id(row, column) for column in columns] for row in rows]
    side, row_height = SIDES[width == "narrow"], 62 if width == "narrow" else 76
    heads = [clipped(balanced(_name(labels, column), 62 if width == "narrow" else 104), 4) for column in columns]
    weighted = any(column in labels.weights for column in columns) and width != "narrow"
    deepest = max(max((len(head) for head in heads), default=1) + weighted, 2)
    totals_below = bool(layout.stages) or turned
    totals_right = bool(layout.stages) or not turned
    figure_layout = bare_layout(
        14 + deepest * 18 + row_height * (len(rows) + totals_below * 1.15),
        side,
        0,
        14 + deepest * 18,
        0,
        xaxis=axis(range=[-0.5, len(columns) - 0.5 + totals_right * 1.15]),
        yaxis=axis(range=[len(rows) - 0.5 + totals_below * 1.15, -0.5]),
    )
    notes, shapes = figure_layout["annotations"], figure_layout["shapes"]
    for r, cells in enumerate(grid):
        notes += _row_head(labels, rows[r], r, side, numbered=not turned and len(layout.stages) > 1)
        for c, cell in enumerate(cells):
            notes += _cell_notes(report, cell, c, r, width)
            shapes += _frames(report, cell, c, r, chosen)
    for c, head in enumerate(heads):
        notes += _column_head(labels, columns[c], head, c, weighted)
    notes += _totals(report, labels, rows, columns, width, totals_below, totals_right)
    if totals_below:
        shapes.append(line(-0.5, len(columns) - 0.5 + totals_right * 1.15, len(rows) - 0.45, len(rows) - 0.45, "mark"))
    return {"data": [_squares(report, labels, grid)], "layout": figure_layout}


def _squares(report: Report, labels: Labels, grid: list[list[str]]) -> dict[str, Any]:
    """The coloured cells; what stands in them are annotations, which can be bold and of two sizes."""
    stats = [[_cell(report, cell) for cell in line] for line in grid]
    low, high = _span(report)
    return {
        "type": "heatmap",
        "x": list(range(len(grid[0]))),
        "y": list(range(len(grid))),
        "z": [[stat.value if stat else None for stat in line] for line in stats],
        "customdata": grid,
        "hovertext": [[labels.hover.get(cell, "") for cell in line] for line in grid],
        "hoverinfo": "text",
        "hoverongaps": False,
        "zmin": low,
        "zmax": high,
        "showscale": False,
        "colorscale": colorscale(report, low, high),
        "xgap": 3,
        "ygap": 3,
        "zsmooth": False,
    }


def _cell_id(stage: str, dimension: str) -> str:
    return f"{stage}.{dimension}" if stage else dimension


def _name(labels: Labels, part: str) -> str:
    return labels.stages.get(part) or labels.dimensions.get(part) or labels.words["gap"]


def _cell(report: Report, cell: str) -> Statistic | None:
    """The number of a cell; None when it does not exist or may not be shown."""
    tests = report.gaps.cells.get(cell)
    return None if tests is None or cell in report.hidden else shown(report, tests)


def _span(report: Report) -> tuple[float, float]:
    points = report.meta.points
    return (1.0, float(points)) if report.meta.format == "perception_only" else ((1 - points) / 2, (points - 1) / 2)


def _status(report: Report, cell: str) -> Status | None:
    return next((defect.status for defect in report.defects if defect.cell == cell), None)


def _cell_notes(report: Report, cell: str, c: int, r: int, width: Width) -> list[dict[str, Any]]:
    """Gap above, mark and n below; a hidden cell holds its mark alone."""
    stat, status = _cell(report, cell), _status(report, cell)
    if cell not in report.gaps.cells and status is None:
        return []
    if stat is None or stat.value is None:
        return [note(MARKS["suppressed"], c, r, color="ink3", size=16)]
    colour = ON_TOKENS.get(shade(report, stat.value), "on-a")
    value, mark = printed(report, stat.value), MARKS[status] if status else ""
    big, small, up, down = (16, 12, 9, -10) if width == "narrow" else (20, 13, 10, -14)
    return [
        note(bold(value) if status == "confirmed" else value, c, r, color=colour, size=big, yshift=up),
        note(
            f"{mark} n {stat.n}" if width != "narrow" else f"{mark} {stat.n}",
            c,
            r,
            color=colour,
            size=small,
            yshift=down,
        ),
    ]


def _frames(report: Report, cell: str, c: int, r: int, chosen: str | None) -> list[dict[str, Any]]:
    """A dashed frame round a hidden cell, a full one round the opened cell."""
    stat = _cell(report, cell)
    hidden = (cell in report.gaps.cells or cell in report.hidden) and (stat is None or stat.value is None)
    if not hidden and cell != chosen:
        return []
    stroke = {"color": token("mark"), "width": 1, "dash": "dot"} if hidden else {"color": token("ink"), "width": 2}
    return [{"type": "rect", "x0": c - 0.47, "x1": c + 0.47, "y0": r - 0.46, "y1": r + 0.46, "line": stroke}]


def _row_head(labels: Labels, row: str, r: int, side: float, numbered: bool) -> list[dict[str, Any]]:
    name = (f"{r + 1} " if numbered else "") + _name(labels, row)
    text = "<br>".join(
        bold(plain(part)) for part in clipped(wrapped(name, side - 10), 2 if row in labels.weights else 3)
    )
    if row in labels.weights:
        text += f"<br><span style='font-weight:400'>{plain(labels.weights[row])}</span>"
    return [note(text, 0, r, xref="paper", xanchor="left", xshift=-side, align="left")]


def _column_head(labels: Labels, column: str, head: list[str], c: int, weighted: bool) -> list[dict[str, Any]]:
    notes = [
        note("<br>".join(bold(plain(part)) for part in head), c, -0.5, yanchor="bottom", yshift=24 if weighted else 6)
    ]
    if weighted:
        notes.append(note(plain(labels.weights.get(column, "")), c, -0.5, yanchor="bottom", yshift=5, color="ink3"))
    return notes


def _totals(
    report: Report, labels: Labels, rows: Sequence[str], columns: Sequence[str], width: Width, below: bool, beside: bool
) -> list[dict[str, Any]]:
    """Row totals at the right, column totals below, the overall in the corner."""
    gaps, words = report.gaps, labels.words
    parts = gaps.stages | gaps.dimensions | {"": gaps.overall}
    right, bottom = len(columns) + 0.12, len(rows) + 0.12
    rows_are_stages = rows[0] in gaps.stages
    notes = []
    if beside:
        head = bold(plain(words["all"]))
        if width != "narrow" and gaps.stages:
            head = f"{bold(plain(words['stage' if rows_are_stages else 'dimension']))}<br>{plain(words['all_items'])}"
        notes.append(note(head, right, -0.5, yanchor="bottom", yshift=5))
        for r, row in enumerate(rows):
            notes += _total(report, parts.get(row), right, r, width)
    if not below:
        return notes
    side = SIDES[width == "narrow"]
    below_head = words["all" if width == "narrow" else "dimension" if rows_are_stages else "stage"]
    notes.append(note(bold(plain(below_head)), 0, bottom, xref="paper", xanchor="left", xshift=-side, align="left"))
    for c, column in enumerate(columns):
        notes += _total(report, parts.get(column), c, bottom, width)
    return [*notes, *_total(report, gaps.overall, right, bottom, width, strong=True)] if beside else notes


def _total(
    report: Report, tests: GapTests | None, x: float, y: float, width: Width, strong: bool = False
) -> list[dict[str, Any]]:
    if tests is None:
        return []
    stat = shown(report, tests)
    if stat.value is None:
        return [note(MARKS["suppressed"] if stat.reason == "too_few" else "–", x, y, color="ink3")]
    value = printed(report, stat.value)
    big, small, up, down = (16, 12, 9, -10) if width == "narrow" else (20, 13, 10, -14)
    return [
        note(bold(value) if strong else value, x, y, size=big, yshift=up),
        note(f"n {stat.n}" if width != "narrow" else str(stat.n), x, y, size=small, yshift=down, color="ink3"),
    ]
