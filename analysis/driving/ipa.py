"""Importance-performance analysis: one chart, four ways to draw its lines."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from analysis.results import Statistic

Variant = Literal["data_centred", "scale_centred", "gap", "diagonal"]
Quadrant = Literal["concentrate", "keep_up", "low_priority", "possible_overkill", "borderline", "undefined"]
"""Important and poor; important and good; unimportant and poor; unimportant and good; too near a line to say."""


@dataclass(frozen=True)
class IpaPoint:
    """One item, dimension or cell on the chart."""

    performance: Statistic
    importance: Statistic
    quadrant: Quadrant
    priority: float | None  # diagonal: distance above the line where both are equal; negative below


@dataclass(frozen=True)
class Ipa:
    """The chart in one variant."""

    variant: Variant
    cross: tuple[float, float] | None  # performance, importance; None for the diagonal
    points: dict[str, IpaPoint]


def importance_performance(
    performance: Mapping[str, Statistic],
    importance: Mapping[str, Statistic],
    variant: Variant,
    points: int,
    delta: float = 0.0,
) -> Ipa:
    """Classify every point in one variant.

    Parameters
    ----------
    performance : id -> Statistic
        Mean perception; for "gap" the mean gap.
    importance : id -> Statistic
        On any scale that is the same for all.
    variant : str
        "data_centred": lines at the grand means; "scale_centred": performance at the scale's middle, importance at its
        mean; "gap": performance is the gap, its line at -delta; "diagonal": both brought to 0..1 over the points, the
        line where they are equal.
    points : int
        Scale points m.
    delta : float

    Returns
    -------
    Ipa
        A point whose interval straddles a line is "borderline"; one without a number is "undefined".  In the diagonal
        the quadrant tells above ("concentrate") from below ("keep_up").

    References
    ----------
    Martilla, J. A. and James, J. C. (1977). Importance-performance analysis. J. Marketing 41(1), 77-79.  Abalo, J.,
    Varela, J. and Manzano, V. (2007). Importance values for importance-performance analysis. J. Bus. Res. 60, 115-121.
    """
    pairs = {name: (one, importance[name]) for name, one in performance.items() if name in importance}
    known = {name: pair for name, pair in pairs.items() if pair[0].value is not None and pair[1].value is not None}
    if variant == "diagonal":
        return Ipa(variant, None, {name: _diagonal(name, pair, known) for name, pair in pairs.items()})
    if not known:
        return Ipa(variant, None, {name: IpaPoint(*pair, "undefined", None) for name, pair in pairs.items()})
    middle = sum(float(one.value or 0) for _, one in known.values()) / len(known)
    across = sum(float(one.value or 0) for one, _ in known.values()) / len(known)
    cross = {"data_centred": across, "scale_centred": (points + 1) / 2, "gap": -delta}[variant], middle
    return Ipa(variant, cross, {
        name: IpaPoint(*pair, _quadrant(*pair, *cross) if name in known else "undefined", None)
        for name, pair in pairs.items()
    })  # fmt: skip


def _side(one: Statistic, line: float) -> int:
    """1 above the line, -1 below, 0 where the interval holds the line."""
    if one.low is not None and one.high is not None and one.low <= line <= one.high:
        return 0
    return 1 if (one.value or 0.0) >= line else -1


def _quadrant(performance: Statistic, importance: Statistic, x: float, y: float) -> Quadrant:
    """Where a point lies, if its intervals do not straddle a line."""
    good, matters = _side(performance, x), _side(importance, y)
    if 0 in (good, matters):
        return "borderline"
    if matters > 0:
        return "keep_up" if good > 0 else "concentrate"
    return "possible_overkill" if good > 0 else "low_priority"


def _diagonal(
    name: str, pair: tuple[Statistic, Statistic], known: Mapping[str, tuple[Statistic, Statistic]]
) -> IpaPoint:
    """Distance from the line of equal importance and performance, both between 0 and 1 over the points."""
    if name not in known:
        return IpaPoint(*pair, "undefined", None)
    placed = []
    for axis in (0, 1):
        values = [float(one[axis].value or 0) for one in known.values()]
        low, high = min(values), max(values)
        if not high - low > 1e-12:
            return IpaPoint(*pair, "undefined", None)
        placed.append((float(pair[axis].value or 0) - low) / (high - low))
    distance = (placed[1] - placed[0]) / math.sqrt(2)
    return IpaPoint(*pair, "concentrate" if distance > 0 else "keep_up", distance)


Driver = Literal["hidden", "lip_service", "both", "neither", "undefined"]


def stated_against_derived(
    stated: Mapping[str, float | None], derived: Mapping[str, float | None]
) -> dict[str, Driver]:
    """What people say matters beside what goes with satisfaction, each against its mean.

    "hidden": derived above, stated below its mean; "lip_service" (or a basic factor): the other way round.
    """
    known = [name for name in stated if stated[name] is not None and derived.get(name) is not None]
    if len(known) < 2:
        return dict.fromkeys(stated, "undefined")
    middle = [sum(float(part[name] or 0) for name in known) / len(known) for part in (stated, derived)]
    found: dict[str, Driver] = {}
    for name in stated:
        said, does = stated[name], derived.get(name)
        if said is None or does is None:
            found[name] = "undefined"
        elif said >= middle[0]:
            found[name] = "both" if does >= middle[1] else "lip_service"
        else:
            found[name] = "hidden" if does >= middle[1] else "neither"
    return found
