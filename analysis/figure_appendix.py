"""Charts of the statistical appendix: results -> Plotly figures, in the manner of `analysis.figures`.

Nothing is estimated here.  Words arrive in the reader's language; colours are names of custom properties.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.compare.report import Branch, Branches
from analysis.driving.ipa import Ipa
from analysis.driving.shares import DriverSet
from analysis.explore.report import FactorCount
from analysis.figure_style import (
    Figure,
    Width,
    axis,
    bare_layout,
    bold,
    breadth,
    clipped,
    line,
    note,
    plain,
    token,
    wrapped,
)
from analysis.results import Statistic
from analysis.trend.report import Trend

Words = Mapping[str, str]
HEIGHT: dict[Width, int] = {"wide": 380, "medium": 380, "narrow": 320}
SHOWN_FACTORS = 10
LEAST_EIGENVALUE = 0.02
"""Eigenvalues drawn in the scree plot: those behind and below these are noise."""


def _number(value: float, signed: bool = True) -> str:
    text = f"{value:+.2f}" if signed else f"{value:.2f}"
    return text.replace("-", "−")


def _titled(text: str, **rest: Any) -> dict[str, Any]:
    """An axis with ticks, a line and a title."""
    return axis(
        showticklabels=True,
        showline=True,
        linecolor=token("mark"),
        tickfont={"color": token("ink2"), "size": 12},
        title={"text": plain(text), "font": {"size": 13, "color": token("ink3")}, "standoff": 8},
        **rest,
    )


def _span(values: Sequence[float], share: float = 0.08) -> list[float]:
    """Limits of an axis with some room."""
    low, high = min(values), max(values)
    room = (high - low or 1.0) * share
    return [low - room, high + room]


def _trace(x: Sequence[Any], y: Sequence[Any], mode: str, colour: str, **rest: Any) -> dict[str, Any]:
    """Lines or marks without a hover box of their own, unless one is asked for."""
    line_, marker = rest.pop("line", {}), rest.pop("marker", {})
    return {
        "type": "scatter",
        "x": list(x),
        "y": list(y),
        "mode": mode,
        "line": {"color": token(colour), "width": 1.5} | line_,
        "marker": {"color": token(colour), "size": 8} | marker,
        "hoverinfo": "skip",
        "cliponaxis": False,
    } | rest


# -- branches --------------------------------------------------------------------------------------------------------


def funnel(found: Branches, words: Words, signed: bool, width: Width = "wide") -> Figure | None:
    """Branches by their number of answers, with the funnel's limits; the line leads to the shrunken mean.

    None where there is no funnel.
    """
    known = {name: one for name, one in found.branches.items() if one.inner and one.raw.value is not None}
    if not known or found.target.value is None:
        return None
    order = sorted(known.values(), key=lambda one: one.raw.n)
    data = [
        _trace(
            [one.raw.n for one in order],
            [limits[side] for one in order if (limits := getattr(one, name)) is not None],
            "lines",
            "mark",
            line={"width": 1, "dash": dash},
        )
        for name, dash in (("inner", "dash"), ("outer", "dot"))
        for side in (0, 1)
    ]
    for one in known.values():
        if one.shrunken.value is not None:
            data.append(_trace([one.raw.n] * 2, [_own(one), one.shrunken.value], "lines", "a1", line={"width": 3}))
    hover = [
        f"{plain(name)}<br>{_number(_own(one), signed)}, {plain(words['n'])} {one.raw.n}" for name, one in known.items()
    ]
    odd = [one.place != "inside" for one in known.values()]
    data.append(
        _trace(
            [one.raw.n for one in known.values()],
            [_own(one) for one in known.values()],
            "markers",
            "ink",
            marker={"symbol": ["diamond" if it else "circle" for it in odd], "size": [11 if it else 8 for it in odd]},
            hoverinfo="text",
            hovertext=hover,
        )
    )
    sizes = [float(one.raw.n) for one in known.values()]
    heights = [value for one in order for value in (*(one.outer or ()), _own(one))]
    layout = bare_layout(
        HEIGHT[width],
        56,
        12,
        16,
        52,
        xaxis=_titled(words["n_axis"], range=_span(sizes)),
        yaxis=_titled(words["y_axis"], range=_span(heights), tickformat="+.1f" if signed else ".1f"),
    )
    layout["shapes"].append(_across(found.target.value))
    layout["annotations"] += _named(known, width)
    return {"data": data, "layout": layout}


def _own(one: Branch) -> float:
    """The mean that the funnel judges: adjusted where it is known."""
    value = one.raw.value if one.adjusted.value is None else one.adjusted.value
    return float(value or 0.0)


def _across(at: float, dash: str = "solid") -> dict[str, Any]:
    return line(0, 1, at, at, "ink3", xref="paper", dash=dash)


def _named(known: Mapping[str, Branch], width: Width) -> list[dict[str, Any]]:
    """Names beside the branches outside the limits."""
    most = 90 if width == "narrow" else 200
    sizes = [one.raw.n for one in known.values()]
    middle = (min(sizes) + max(sizes)) / 2
    return [
        note(
            bold(plain(clipped(wrapped(name, most), 1)[0])),
            one.raw.n,
            _own(one),
            yshift=14 if _own(one) > 0 else -14,
            xanchor="right" if one.raw.n > middle else "left",  # inwards, or the edge would cut the name
        )
        for name, one in known.items()
        if one.place != "inside"
    ]


# -- the course of the wave ------------------------------------------------------------------------------------------


def control(found: Trend, names: Sequence[str], words: Words, signed: bool, width: Width = "wide") -> Figure | None:
    """Means of the periods within their limits, the smoothed course beside; `names` are those of the drawn periods."""
    chart = found.chart
    values = [one.mean.value for one in found.periods if one.mean.value is not None]
    if chart is None or len(values) < 2:
        return None
    at = list(range(len(values)))
    data = [
        _trace(at, limits, "lines", "mark", line={"width": 1, "dash": "dash", "shape": "hvh"})
        for limits in (chart.low, chart.high)
    ]
    if found.smooth is not None:
        data.append(_trace(at, found.smooth.values, "lines", "a2", line={"width": 3}))
    signals = {one.at for one in chart.signals}
    data.append(
        _trace(
            at,
            values,
            "lines+markers",
            "ink",
            line={"width": 1},
            marker={
                "symbol": ["diamond" if place in signals else "circle" for place in at],
                "size": [12 if place in signals else 6 for place in at],
            },
            hoverinfo="text",
            hovertext=[f"{plain(name)}<br>{_number(value, signed)}" for name, value in zip(names, values, strict=True)],
        )
    )
    most = 3 if width == "narrow" else 7
    step = max(1, -(-len(at) // most))
    ticks = at[::step]
    layout = bare_layout(
        HEIGHT[width],
        56,
        16,
        16,
        52,
        xaxis=_titled(
            words["x_axis"], range=[-0.6, len(at) - 0.4], tickvals=ticks, ticktext=[plain(names[i]) for i in ticks]
        ),
        yaxis=_titled(
            words["y_axis"],
            range=_span([*values, *chart.low, *chart.high]),
            tickformat="+.1f" if signed else ".1f",
        ),
    )
    layout["shapes"].append(_across(chart.centre))
    return {"data": data, "layout": layout}


# -- importance and performance --------------------------------------------------------------------------------------


def importance_performance(found: Ipa, names: Mapping[str, str], words: Words, width: Width = "wide") -> Figure | None:
    """Crosses of the intervals; borderline points are grey.  None where a point of the cross-hairs is missing."""
    known = {
        name: one
        for name, one in found.points.items()
        if one.performance.value is not None and one.importance.value is not None
    }
    if not known or found.cross is None:
        return None
    data = []
    for name, one in known.items():
        colour = "a2" if one.quadrant in ("borderline", "undefined") else "ink"
        data.append(
            _trace(
                [one.performance.value],
                [one.importance.value],
                "markers",
                colour,
                error_x=_bars(one.performance, colour),
                error_y=_bars(one.importance, colour),
                hoverinfo="text",
                hovertext=[plain(names[name])],
            )
        )
    xs = [limit for one in known.values() for limit in _limits(one.performance)]
    ys = [limit for one in known.values() for limit in _limits(one.importance)]
    layout = bare_layout(
        HEIGHT[width] + 40,
        62,
        12,
        20,
        52,
        xaxis=_titled(words["x_axis"], range=_span([*xs, found.cross[0]], 0.14)),
        yaxis=_titled(words["y_axis"], range=_span([*ys, found.cross[1]], 0.14)),
    )
    x, y = found.cross
    layout["shapes"] += [line(x, x, 0, 1, "ink3", yref="paper", dash="dash"), _across(y, "dash")]
    layout["annotations"] += _quadrants(words) if width != "narrow" else []
    for name, one in known.items():
        text = clipped(wrapped(names[name], 110 if width == "narrow" else 180), 1)[0]
        layout["annotations"].append(
            note(
                plain(text), one.performance.value or 0, one.importance.value or 0, xanchor="left", xshift=7, yshift=11
            )
        )
    return {"data": data, "layout": layout}


def _limits(one: Statistic) -> list[float]:
    return [value for value in (one.low, one.value, one.high) if value is not None]


def _bars(one: Statistic, colour: str) -> dict[str, Any]:
    """Error bars of an interval; none where there is none."""
    if one.value is None or one.low is None or one.high is None:
        return {"visible": False}
    return {
        "type": "data",
        "symmetric": False,
        "array": [one.high - one.value],
        "arrayminus": [one.value - one.low],
        "color": token(colour),
        "thickness": 1,
        "width": 0,
    }


def _quadrants(words: Words) -> list[dict[str, Any]]:
    """Names of the four corners."""
    corners = {
        "concentrate": (0.0, 1.0, "left", "top"),
        "keep_up": (1.0, 1.0, "right", "top"),
        "low_priority": (0.0, 0.0, "left", "bottom"),
        "possible_overkill": (1.0, 0.0, "right", "bottom"),
    }
    return [
        note(plain(words[name]), x, y, xref="paper", yref="paper", xanchor=side, yanchor=end, color="ink3", size=12)
        for name, (x, y, side, end) in corners.items()
    ]


# -- drivers ---------------------------------------------------------------------------------------------------------


def drivers(found: DriverSet, names: Mapping[str, str], words: Words, width: Width = "wide") -> Figure | None:
    """Shares of R squared with their intervals, the largest on top; None where there are none."""
    known = [(name, one.share) for name, one in found.drivers.items() if one.share.value is not None]
    if not known:
        return None
    known.sort(key=lambda pair: pair[1].value or 0)
    places = list(range(len(known)))
    values = [one.value or 0.0 for _name, one in known]
    highs = [max(_limits(one)) for _name, one in known]
    room = 96.0 if width == "narrow" else 210.0
    left = 10 + max(breadth(part) for name, _one in known for part in clipped(wrapped(names[name], room), 2))
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": values,
        "y": places,
        "marker": {"color": token("a1")},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [high - value for high, value in zip(highs, values, strict=True)],
            "arrayminus": [value - min(_limits(one)) for value, (_name, one) in zip(values, known, strict=True)],
            "color": token("ink"),
            "thickness": 1.5,
            "width": 0,
        },
        "hoverinfo": "skip",
    }
    layout = bare_layout(
        60 + 38 * len(known),
        left,
        48,
        4,
        48,
        bargap=0.35,
        xaxis=_titled(words["x_axis"], range=[0, max(highs) * 1.02 or 1.0]),
        yaxis=axis(
            range=[-0.6, len(known) - 0.4],
            showticklabels=True,
            tickvals=places,
            ticktext=[
                "<br>".join(plain(part) for part in clipped(wrapped(names[name], room), 2)) for name, _o in known
            ],
            tickfont={"size": 13, "color": token("ink")},
        ),
    )
    layout["annotations"] += [
        note(bold(f"{value:.3f}"), 1, place, xref="paper", xanchor="left", xshift=8)
        for place, value in zip(places, values, strict=True)
    ]
    return {"data": [trace], "layout": layout}


# -- how many factors ------------------------------------------------------------------------------------------------


def scree(found: FactorCount, words: Words, width: Width = "wide") -> Figure | None:
    """Eigenvalues of the factors with the limits of the parallel analysis, on a logarithmic axis."""
    first = [value for value in found.factor_values[:SHOWN_FACTORS] if value > LEAST_EIGENVALUE]
    limits = [value for value in found.factor_limits[: len(first)] if value > 0]
    if not first or not limits:
        return None
    at = list(range(1, len(first) + 1))
    data = [
        _trace(at[: len(limits)], limits, "lines", "mark", line={"dash": "dash"}),
        _trace(
            at,
            first,
            "lines+markers",
            "ink",
            hoverinfo="text",
            hovertext=[f"{place}: {value:.2f}" for place, value in zip(at, first, strict=True)],
        ),
    ]
    layout = bare_layout(
        HEIGHT[width] - 60,
        56,
        12,
        16,
        52,
        xaxis=_titled(words["x_axis"], range=[0.6, len(at) + 0.4], tickvals=at),
        yaxis=_titled(words["y_axis"], type="log", tickvals=[0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20], tickformat="~g"),
    )
    layout["annotations"] += [
        note(plain(words["limit"]), 0.98, 0.86, xref="paper", yref="paper", xanchor="right", color="ink3"),
        note(plain(words["observed"]), 0.98, 0.96, xref="paper", yref="paper", xanchor="right"),
    ]
    return {"data": data, "layout": layout}
