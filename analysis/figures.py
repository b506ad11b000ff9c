"""Results -> Plotly figures: the dimensions, and what lies behind one item; the map and the items chart join them here.

Each function takes results and names that are already in the reader's language and returns ``{"data", "layout"}``,
ready for JSON.  Nothing is estimated here: a figure shows what its table twin says.  Expectation is always hollow,
perception filled, the minimum a tick.  Charts are built in this file, `figure_map` and
`figure_items`, nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from analysis.figure_items import dumbbell, sorted_items
from analysis.figure_map import defect_map
from analysis.figure_style import (
    CLEAR,
    GREY_TOKENS,
    MARKS,
    TRACES,
    WORDS,
    Figure,
    Labels,
    Width,
    axis,
    bare_layout,
    bold,
    breadth,
    clipped,
    limits,
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
from analysis.report import Distribution, Report
from analysis.results import Statistic

__all__ = [
    "GREY_TOKENS",
    "MARKS",
    "TRACES",
    "WORDS",
    "Figure",
    "Labels",
    "Width",
    "answers",
    "defect_map",
    "differences",
    "dumbbell",
    "limits",
    "plain",
    "radar",
    "shade",
    "shown",
    "sorted_items",
    "token",
]


# -- dimensions ------------------------------------------------------------------------------------------------------


def radar(report: Report, layout: Layout, labels: Labels, width: Width = "wide") -> Figure | None:
    """Expectation and perception on one axis a dimension, from the scale's minimum, with the zone of tolerance.

    None with fewer than three dimensions: no shape to see.
    """
    dimensions = [name for name in layout.dimensions if name in report.gaps.dimensions]
    if len(dimensions) < 3:
        return None
    tests = [report.gaps.dimensions[name] for name in dimensions]
    angles = [str(place) for place in range(len(dimensions))]  # categories: only these give straight grid lines
    perception = _ring(
        angles,
        [test.perception.value for test in tests],
        "perception",
        {"symbol": "circle", "size": 9, "color": token("ink")},
        token("ink"),
    )
    data = [*_zone(report, tests, angles), *_expected(report, tests, angles), perception]
    points = report.meta.points
    names = [_axis_name(report, labels, name, test, width) for name, test in zip(dimensions, tests, strict=True)]
    broadest = max(breadth(part) for name in dimensions for part in wrapped(labels.dimensions[name], 70))
    side = max(64.0, min(1.15 * broadest + 8, 104)) if width == "narrow" else 100
    ticks = list(range(1, points + 1, 2))
    low_ticks = [str(tick) if 2 * tick <= points + 1 else "" for tick in ticks]  # higher ones would lie under the marks
    polar = {
        "bgcolor": CLEAR,
        "gridshape": "linear",
        "radialaxis": {
            "range": [1, points],
            "tickvals": ticks,
            "ticktext": low_ticks,
            "angle": 90,
            "tickangle": 90,
            "gridcolor": token("rule"),
            "linecolor": token("rule"),
            "tickfont": {"color": token("ink3"), "size": 12},
            "ticks": "",
        },
        "angularaxis": {
            "type": "category",
            "rotation": 90,
            "direction": "clockwise",
            "tickvals": angles,
            "ticktext": names,
            "ticks": "",
            "gridcolor": token("rule"),
            "linecolor": token("rule"),
        },
    }
    return {"data": data, "layout": bare_layout(330 if width == "narrow" else 370, side, side, 56, 56, polar=polar)}


def _ring(
    angles: list[str], values: list[float | None], name: str, marker: dict[str, Any] | None, line: str, **rest: Any
) -> dict[str, Any]:
    """A closed polygon."""
    return (
        {
            "type": "scatterpolar",
            "name": name,
            "theta": [*angles, angles[0]],
            "r": [*values, values[0]],
            "mode": "lines+markers" if marker else "lines",
            "line": {"color": line, "width": 2 if marker else 0},
            "hovertemplate": "%{r:.2f}<extra></extra>",
            "cliponaxis": False,
        }
        | ({"marker": marker} if marker else {"hoverinfo": "skip"})
        | rest
    )


def _expected(report: Report, tests: list[GapTests], angles: list[str]) -> list[dict[str, Any]]:
    if report.meta.format == "perception_only":
        return []
    return [
        _ring(
            angles,
            [test.expectation.value for test in tests],
            "expectation",
            {"symbol": "circle", "size": 9, "color": token("bg"), "line": {"color": token("ink"), "width": 1.75}},
            token("mark"),
        )
    ]


def _zone(report: Report, tests: list[GapTests], angles: list[str]) -> list[dict[str, Any]]:
    """Minimum to desired; without a minimum from delta below the expectation up to it."""
    upper = [test.expectation.value for test in tests]
    delta = report.thresholds.delta(report.meta.points)
    lower = [
        test.minimum.value
        if test.minimum
        else None
        if test.expectation.value is None
        else test.expectation.value - delta
        for test in tests
    ]
    if report.meta.format == "perception_only" or None in lower or None in upper:
        return []
    return [
        _ring(angles, lower, "zone", None, CLEAR),
        _ring(angles, upper, "zone", None, CLEAR, fill="tonext", fillcolor=token("zone")),
    ]


def _axis_name(report: Report, labels: Labels, name: str, tests: GapTests, width: Width) -> str:
    stat = shown(report, tests)
    value = MARKS["suppressed"] if stat.value is None else printed(report, stat.value)
    return "<br>".join(
        [
            *(
                bold(plain(part))
                for part in clipped(wrapped(labels.dimensions[name], 70 if width == "narrow" else 92), 2)
            ),
            value,
        ]
    )


# -- one item --------------------------------------------------------------------------------------------------------


_Answered = tuple[str, tuple[int, ...], Statistic | None]


def answers(distribution: Distribution, tests: GapTests, labels: Labels, width: Width = "wide") -> Figure:
    """Shares of the answers, expectation over perception, the middle of the scale centred; grey, darker = farther."""
    words = labels.words
    columns = (
        (words["expected"], distribution.reference, tests.expectation),
        (words["minimum"], distribution.minimum, tests.minimum),
        (words["got"], distribution.perception, tests.perception),
    )
    rows = [(name, counts, stat) for name, counts, stat in columns if counts is not None and any(counts)]
    points = len(distribution.perception)
    shares = [[100 * count / sum(counts) for count in counts] for _, counts, _ in rows]
    starts = [_starts(share) for share in shares]
    first = min((start[0] for start in starts), default=-50)
    last = max((start[-1] + share[-1] for start, share in zip(starts, shares, strict=True)), default=50)
    left, right = (84, 64) if width == "narrow" else (96, 92)
    figure_layout = bare_layout(42 + 34 * len(rows), left, right, 24, 8, barmode="overlay", bargap=0.26)
    figure_layout |= {
        "xaxis": axis(range=[first - 1, last + 1]),
        "yaxis": axis(range=[len(rows) - 0.38, -0.62]),
        "annotations": _answer_notes(rows, labels, left, right, width),
        "shapes": [line(0, 0, edge - 0.12, edge + 0.12, "ink", width=1.5) for edge in (-0.5, len(rows) - 0.5)],
    }
    data = [
        _segment(k, points, [start[k] for start in starts], [share[k] for share in shares], width)
        for k in range(points)
    ]
    return {"data": data, "layout": figure_layout}


def _answer_notes(
    rows: Sequence[_Answered], labels: Labels, left: float, right: float, width: Width
) -> list[dict[str, Any]]:
    """Which column at the left, its mean at the right, the scale's end words above."""
    words = labels.words
    marks = {words["expected"]: "○", words["got"]: "●", words["minimum"]: "|"}
    notes = []
    for y, (name, _, stat) in enumerate(rows):
        mean = "–" if stat is None or stat.value is None else f"{stat.value:.2f}"
        notes.append(note(f"{marks[name]} {bold(plain(name))}", 0, y, xref="paper", xanchor="left", xshift=-left))
        label = mean if width == "narrow" else f"{plain(words['mean'])} {mean}"
        notes.append(note(bold(label), 1, y, xref="paper", xanchor="right", xshift=right - 2))
    # On a phone the two end words would run into each other.
    longest = 10 if width == "narrow" else 40
    low, high = (plain(words[end]) for end in ("disagree", "agree"))
    low, high = (end if len(end) <= longest else "" for end in (low, high))
    ends = ((f"◂ {low}".rstrip(), 0, "left"), (f"{high} ▸".lstrip(), 1, "right"))
    above = {"xref": "paper", "yref": "paper", "yanchor": "bottom", "color": "ink3"}
    return notes + [note(text, x, 1, xanchor=side, **above) for text, x, side in ends]


def _starts(shares: Sequence[float]) -> list[float]:
    """Where each segment begins when the middle of the scale lies at zero."""
    half = len(shares) // 2
    middle = sum(shares[:half]) + (shares[half] / 2 if len(shares) % 2 else 0)
    return [start - middle for start in accumulate(shares[:-1], initial=0.0)]


def _segment(k: int, points: int, base: list[float], share: list[float], width: Width) -> dict[str, Any]:
    distance = abs(2 * k - (points - 1)) / (points - 1)
    step = round(3 * distance)
    return {
        "type": "bar",
        "orientation": "h",
        "name": str(k + 1),
        "base": base,
        "x": share,
        "y": list(range(len(share))),
        "marker": {"color": token(f"a{step}"), "line": {"color": token("bg"), "width": 1}},
        "text": [f"{value:.0f}" if value >= (9 if width == "narrow" else 6) else "" for value in share],
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textangle": 0,
        "constraintext": "none",
        "textfont": {"color": token("on-a3" if step == 3 else "on-a"), "size": 13},
        "cliponaxis": False,
        "hovertemplate": f"{k + 1}: %{{x:.0f}} %<extra></extra>",
    }


def differences(tests: GapTests, labels: Labels, points: int, width: Width = "wide") -> Figure:
    """Histogram of perception minus expectation, one bar a point, coloured by its sign."""
    counts = {round(value): count for value, count in tests.differences}
    values = list(range(1 - points, points))
    heights = [counts.get(value, 0) for value in values]
    tokens = ["g-crit" if value < 0 else "a2" if value == 0 else "g-plus3" for value in values]
    trace = {
        "type": "bar",
        "x": values,
        "y": heights,
        "marker": {"color": [token(name) for name in tokens]},
        "text": [str(height) if height else "" for height in heights],
        "textposition": "outside",
        "textangle": 0,
        "constraintext": "none",
        "cliponaxis": False,
        "textfont": {"color": token("ink3"), "size": 13},
        "hovertemplate": "%{x:+d}: %{y}<extra></extra>",
    }
    step = 2 if width == "narrow" and points > 5 else 1
    ticks = [value for value in values if value % step == 0]
    figure_layout = bare_layout(
        154,
        2,
        2,
        16,
        42,
        bargap=0.03,
        xaxis=axis(
            range=[values[0] - 0.6, values[-1] + 0.6],
            showticklabels=True,
            tickvals=ticks,
            ticktext=[bold("0") if value == 0 else f"{value:+d}".replace("-", "−") for value in ticks],
            tickfont={"color": token("ink2")},
            showline=True,
            linecolor=token("mark"),
            title={
                "text": plain(labels.words["differences"]),
                "font": {"size": 13, "color": token("ink3")},
                "standoff": 6,
            },
        ),
        yaxis=axis(range=[0, max(1.0, max(heights, default=0) * 1.18)]),
    )
    return {"data": [trace], "layout": figure_layout}
