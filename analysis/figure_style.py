"""How charts look: names and words in the reader's language, colour tokens and steps, text fitting, bare layouts.

Colours are names of the style sheet's custom properties (``var(--short)``); the page's script looks them up, so one
figure serves the light and the dark page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from analysis.defects import Status
from analysis.gaps import GapTests
from analysis.report import Report
from analysis.results import Statistic

Figure = dict[str, Any]
Width = Literal["wide", "medium", "narrow"]

TRACES = ("bar", "heatmap", "scatter", "scatterpolar")
"""Trace types used here, and so the ones the vendored Plotly bundle must hold."""

WORDS = (
    "agree",
    "all",
    "all_items",
    "differences",
    "dimension",
    "disagree",
    "expected",
    "few",
    "gap",
    "got",
    "interval",
    "mean",
    "minimum",
    "n",
    "score",
    "stage",
    "wording",
)
"""Words the charts print beside names; `Labels.words` must hold each."""

MARKS: dict[Status, str] = {
    "confirmed": "●",
    "probable": "◐",
    "inconclusive": "?",
    "no_defect_shown": "○",
    "suppressed": "▨",
    "tolerated_shortfall": "△",
    "ranked_by_perception": "·",
}
GAP_TOKENS = ("g-crit", "g-major", "g-minor", "g-none", "g-plus1", "g-plus2", "g-plus3")
GREY_TOKENS = ("a3", "a2", "a1", "a0")
ON_TOKENS = {
    "g-crit": "on-crit",
    "g-major": "on-major",
    "g-minor": "on-minor",
    "g-none": "on-none",
    "g-plus1": "on-plus1",
    "g-plus2": "on-plus2",
    "g-plus3": "on-plus3",
    "a3": "on-a3",
}
CLEAR = "rgba(0,0,0,0)"


@dataclass(frozen=True)
class Labels:
    """Names and words in the reader's language.

    `hover` is keyed by cell or item id, `weights` by stage or dimension id; both may be empty.
    """

    items: Mapping[str, str]
    cells: Mapping[str, str]
    dimensions: Mapping[str, str]
    stages: Mapping[str, str]
    words: Mapping[str, str]
    weights: Mapping[str, str] = field(default_factory=dict)
    hover: Mapping[str, str] = field(default_factory=dict)


def token(name: str) -> str:
    """A custom property of the style sheet as a colour."""
    return f"var(--{name})"


def plain(text: str) -> str:
    """`text` with Plotly's own mark-up disarmed."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def signed(value: float) -> str:
    """A gap to two decimals, always signed, with a true minus."""
    text = f"{value:+.2f}"
    return ("0.00" if float(text) == 0 else text).replace("-", "−")


def breadth(text: str) -> float:
    """About how many pixels `text` takes at 13 px."""
    return sum(13.0 if ord(letter) >= 0x2E80 else 6.3 for letter in text)


def wrapped(text: str, pixels: float) -> list[str]:
    """`text` broken into lines about `pixels` wide at 13 px; Chinese may break after any character."""
    lines, room = [""], pixels
    for piece in re.findall(r"[⺀-鿿＀-￯][，。、；：？！”）》]*|[^\s⺀-鿿＀-￯-]+-?\s*|-+\s*|\s+", text):
        size = breadth(piece.rstrip())
        if size > room and lines[-1].strip():
            lines[-1] = lines[-1].rstrip()
            lines.append("")
            room = pixels
        lines[-1] += piece
        room -= size + 3.5 * (len(piece) - len(piece.rstrip()))
    return [line.strip() for line in lines]


def balanced(text: str, pixels: float) -> list[str]:
    """`text` in as many lines as `wrapped` needs, of about equal length: for headings."""
    lines = wrapped(text, pixels)
    while len(lines) > 1 and len(narrower := wrapped(text, pixels - 4)) == len(lines) and pixels > 12:
        lines, pixels = narrower, pixels - 4
    return lines


def clipped(lines: list[str], most: int) -> list[str]:
    """At most so many lines, the last one marked when there were more."""
    return lines if len(lines) <= most else [*lines[: most - 1], lines[most - 1] + "…"]


def shown(report: Report, tests: GapTests) -> Statistic:
    """The number a chart is about: the gap, in three columns perception minus minimum, else the perception mean."""
    if report.meta.format == "perception_only":
        return tests.perception
    return tests.adequacy if tests.adequacy is not None else tests.gap


def limits(report: Report) -> tuple[float, ...]:
    """Where one colour step ends and the next begins, ascending: the severity bands on this scale."""
    t, points = report.thresholds, report.meta.points
    if report.meta.format == "perception_only":
        return tuple(1 + (points - 1) * share for share in (0.25, 0.5, 0.75))
    low = (
        (t.zone_critical7, t.zone_major7, 0.0)
        if report.meta.format == "three_column"
        else (t.critical7, t.major7, t.minor7)
    )
    return tuple(t.scaled(at, points) for at in (*low, -t.minor7, -t.major7, -t.critical7))


def shade(report: Report, value: float) -> str:
    """Token of the colour step that `value` lies in; a limit belongs to the outer side, not to 'none'."""
    steps = limits(report)
    if report.meta.format == "perception_only":
        return GREY_TOKENS[sum(value > at for at in steps)]
    below = sum(value > at if at < 0 else value >= at for at in steps)
    return GAP_TOKENS[below]


def colorscale(report: Report, low: float, high: float) -> list[list[Any]]:
    """A stepped colour scale: each limit stands twice, a hair off, so that equality falls to the named side."""
    tokens = GREY_TOKENS if report.meta.format == "perception_only" else GAP_TOKENS
    scale: list[list[Any]] = [[0, token(tokens[0])]]
    for place, at in enumerate(limits(report)):
        hair = 1e-9 if at < 0 or report.meta.format == "perception_only" else -1e-9
        stop = (at + hair - low) / (high - low)
        scale += [[stop, token(tokens[place])], [stop, token(tokens[place + 1])]]
    return [*scale, [1, token(tokens[-1])]]


def bare_layout(height: float, left: float, right: float, top: float, bottom: float, **rest: Any) -> dict[str, Any]:
    return {
        "height": round(height),
        "margin": {"l": left, "r": right, "t": top, "b": bottom, "pad": 0},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "font": {"size": 13, "color": token("ink")},
        "showlegend": False,
        "dragmode": False,
        "hovermode": "closest",
        "annotations": [],
        "shapes": [],
        "hoverlabel": {
            "bgcolor": token("bg"),
            "bordercolor": token("mark"),
            "font": {"color": token("ink"), "size": 13},
        },
    } | rest


def axis(**rest: Any) -> dict[str, Any]:
    return {"showgrid": False, "zeroline": False, "showticklabels": False, "fixedrange": True, "ticks": ""} | rest


def note(text: str, x: float, y: float, **rest: Any) -> dict[str, Any]:
    """An annotation without an arrow."""
    colour, size = rest.pop("color", "ink"), rest.pop("size", 13)
    return {
        "text": text,
        "x": x,
        "y": y,
        "showarrow": False,
        "font": {"color": token(colour), "size": size},
        "borderpad": 0,
    } | rest


def line(x0: float, x1: float, y0: float, y1: float, color: str = "rule", **rest: Any) -> dict[str, Any]:
    """A line drawn under the marks."""
    width, dash = rest.pop("width", 1), rest.pop("dash", "solid")
    return {
        "type": "line",
        "x0": x0,
        "x1": x1,
        "y0": y0,
        "y1": y1,
        "layer": "below",
        "line": {"color": token(color), "width": width, "dash": dash},
    } | rest


def bold(text: str) -> str:
    return f"<b>{text}</b>"


def printed(report: Report, value: float) -> str:
    """A chart's number as it is printed: a signed gap, or a mean."""
    return f"{value:.2f}" if report.meta.format == "perception_only" else signed(value)
