"""Charts of two waves, and of the chain of gaps from staff and managers to customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analysis.causes import Causes
from analysis.figure_style import Figure, Width, axis, bare_layout, bold, breadth, clipped, note, plain, token, wrapped
from analysis.results import Statistic
from analysis.waves import CellProof

Words = Mapping[str, str]

ROW = 38
COLOURS = {"closed": "more", "improving": "more", "worse": "short"}
"""Colours of verdicts; the others are grey."""


def _lane(names: list[str], width: Width) -> tuple[list[str], float]:
    """Labels of rows broken into lines, and the room they take on the left."""
    room = 104.0 if width == "narrow" else 230.0
    parts = [clipped(wrapped(name, room), 2) for name in names]
    return ["<br>".join(plain(line) for line in lines) for lines in parts], 12 + max(
        breadth(line) for lines in parts for line in lines
    )


def _interval(one: Statistic, place: float, colour: str) -> list[dict[str, Any]]:
    """A line from limit to limit with a dot at the estimate."""
    common = {"type": "scatter", "hoverinfo": "skip", "cliponaxis": False}
    found: list[dict[str, Any]] = []
    if one.low is not None and one.high is not None:
        ends = {"x": [one.low, one.high], "y": [place, place], "mode": "lines"}
        found.append(common | ends | {"line": {"color": token(colour), "width": 3}})
    dot = {"x": [one.value], "y": [place], "mode": "markers", "marker": {"color": token(colour), "size": 10}}
    return [*found, common | dot]


def _value_axis(title: str, low: float, high: float) -> dict[str, Any]:
    room = (high - low or 1.0) * 0.06
    return axis(
        showticklabels=True,
        showline=True,
        linecolor=token("mark"),
        zeroline=True,
        zerolinecolor=token("ink3"),
        zerolinewidth=1,
        tickfont={"color": token("ink2"), "size": 12},
        title={"text": plain(title), "font": {"size": 13, "color": token("ink3")}, "standoff": 8},
        range=[low - room, high + room],
    )


def mended(
    cells: Mapping[str, CellProof], names: Mapping[str, str], words: Words, width: Width = "wide"
) -> Figure | None:
    """Change of each defect with the interval its verdict goes by, the largest improvement on top.

    `words`: "x_axis" and one for each outcome.  None where no change is known.
    """
    known = [(cell, one) for cell, one in cells.items() if one.proof.change.at_verdict.value is not None]
    if not known:
        return None
    known.sort(key=lambda pair: pair[1].proof.change.at_verdict.value or 0.0)
    labels, left = _lane([names[cell] for cell, _one in known], width)
    stats = [one.proof.change.at_verdict for _cell, one in known]
    ends = [value for one in stats for value in (one.low, one.value, one.high) if value is not None]
    verdicts = [words[one.proof.outcome] for _cell, one in known]
    right = 24 + 1.15 * max(breadth(verdict) for verdict in verdicts) if width != "narrow" else 12
    layout = bare_layout(
        64 + ROW * len(known),
        left,
        right,
        4,
        48,
        xaxis=_value_axis(words["x_axis"], min(0.0, *ends), max(0.0, *ends)),
        yaxis=_rows(labels),
    )
    if width != "narrow":
        layout["annotations"] += [
            note(bold(verdict), 1, place, xref="paper", xanchor="left", xshift=8)
            for place, verdict in enumerate(verdicts)
        ]
    traces = [
        trace
        for place, ((_cell, one), stat) in enumerate(zip(known, stats, strict=True))
        for trace in _interval(stat, place, COLOURS.get(one.proof.outcome, "mark"))
    ]
    return {"data": traces, "layout": layout}


def _rows(labels: list[str]) -> dict[str, Any]:
    return axis(
        range=[-0.7, len(labels) - 0.3],
        showticklabels=True,
        tickvals=list(range(len(labels))),
        ticktext=labels,
        tickfont={"size": 13, "color": token("ink")},
    )


LINKS = ("gap_1", "gap_2", "gap_3", "gap_4")


def chain(
    found: Causes, cell: str, customers: Statistic, names: Mapping[str, str], words: Words, width: Width = "wide"
) -> Figure | None:
    """The chain of one cell: gaps 1 to 4 inside the bank, and what the customers feel (gap 5) below them.

    Broken links are drawn in the colour of a shortfall.  None where no gap is known.
    """
    of = found.cells[cell]
    rows = [(link, getattr(of, link)) for link in LINKS] + [("gap_5", customers)]
    known = [(link, one) for link, one in rows if one.value is not None]
    if not known:
        return None
    labels, left = _lane([names[link] for link, _one in reversed(known)], width)
    ends = [value for _link, one in known for value in (one.low, one.value, one.high) if value is not None]
    layout = bare_layout(
        64 + ROW * len(known),
        left,
        24,
        4,
        48,
        xaxis=_value_axis(words["x_axis"], min(0.0, *ends), max(0.0, *ends)),
        yaxis=_rows(labels),
    )
    traces = [
        trace
        for place, (link, one) in enumerate(reversed(known))
        for trace in _interval(one, place, "short" if link in of.broken or link == "gap_5" else "mark")
    ]
    return {"data": traces, "layout": layout}
