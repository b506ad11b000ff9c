"""The anchor check of delta: how far the gap moves from one step of overall satisfaction to the next."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.compare.welch import games_howell
from analysis.disclosure import complementary
from analysis.frequencies import Frequencies, mean_statistic
from analysis.results import Reason, Statistic, undefined
from analysis.thresholds import DEFAULT, Thresholds

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AnchorStep:
    """From one category of overall satisfaction to the next one up: the difference of the mean gaps, Welch interval."""

    lower: int
    upper: int
    difference: Statistic


@dataclass(frozen=True)
class Anchor:
    """What one step of overall satisfaction is worth in gap points, beside the delta in use.

    Attributes
    ----------
    n : answers with a gap and overall satisfaction
    means : category of overall satisfaction -> mean overall gap, of categories that may be shown
    steps : between categories next to each other, as far as both may be shown
    pooled : one difference for all steps, in scale points
    delta : the smallest gap that matters, as the report uses it
    reason : why there is no pooled difference
    """

    n: int
    means: dict[str, Statistic]
    steps: tuple[AnchorStep, ...]
    pooled: Statistic
    delta: float
    reason: Reason | None


def anchor(
    gaps: Floats, satisfaction: NDArray[np.integer], points: int, thresholds: Thresholds = DEFAULT, floor: int = 1
) -> Anchor:
    """Mean overall gap by overall satisfaction, and the differences between categories next to each other.

    Parameters
    ----------
    gaps : (n,) float
        Overall gap of each respondent in scale points; NaN where there is none.
    satisfaction : (n,) int
        Category of overall satisfaction, from 1; 0 or less where it was left blank.
    points : int
        Scale points of the ratings, for delta.
    floor : int
        Fewest respondents of a category that is shown; at least `Thresholds.display_floor` are asked for.

    Returns
    -------
    Anchor
        `pooled` is in gap points a step, with a normal interval.  Undefined below `Thresholds.anchor_n` answers
        ("too_early"), without two categories next to each other that may be shown ("one_group"), or where all gaps of
        such a category are equal ("no_variance").

    Raises
    ------
    ValueError
        When the arrays differ in length.

    References
    ----------
    Jaeschke, R., Singer, J. and Guyatt, G. H. (1989). Measurement of health status: ascertaining the minimal clinically
    important difference. Controlled Clinical Trials 10, 407-415.
    """
    if gaps.shape != satisfaction.shape:
        raise ValueError("each respondent needs a gap and a category, or what stands for none")
    known = ~np.isnan(gaps) & (satisfaction > 0)
    n, delta, level = int(known.sum()), thresholds.delta(points), thresholds.level
    method = "difference a step, generalised least squares"
    if n < thresholds.anchor_n:
        why: Reason = "too_early" if n else "no_outcome"
        return Anchor(n, {}, (), undefined(why, n, method, level), delta, why)
    groups = {int(one): Frequencies.of(gaps[known & (satisfaction == one)]) for one in np.unique(satisfaction[known])}
    blank = int((~np.isnan(gaps) & (satisfaction <= 0)).sum())
    counts = {str(one): part.n for one, part in groups.items()} | ({"": blank} if blank else {})
    hidden = complementary(counts, max(floor, thresholds.display_floor))
    shown = {one: part for one, part in groups.items() if str(one) not in hidden}
    means = {str(one): mean_statistic(part, level, method="mean overall gap") for one, part in shown.items()}
    beside = [(low, high) for low, high in pairwise(sorted(shown)) if high == low + 1]
    steps = tuple(AnchorStep(low, high, games_howell(shown[high], shown[low], 2, level)[0]) for low, high in beside)
    pooled = _pooled(shown, beside, level, method)
    return Anchor(n, means, steps, pooled, delta, pooled.reason)


def _pooled(groups: dict[int, Frequencies], beside: list[tuple[int, int]], level: float, method: str) -> Statistic:
    """One difference for all steps: weighted by the inverse of their covariance, since neighbours share a category."""
    used = sorted({one for pair in beside for one in pair})
    n = sum(groups[one].n for one in used)
    if not used:
        return undefined("one_group", n, method, level)
    if min(groups[one].n for one in used) < 2 or min(groups[one].variance() for one in used) <= 0:
        return undefined("no_variance", n, method, level)
    contrast = np.array([[float(one == high) - float(one == low) for one in used] for low, high in beside])
    mean = np.array([groups[one].mean() for one in used])
    variance = np.array([groups[one].variance() / groups[one].n for one in used])
    # Aitken: (1' S^-1 d)/(1' S^-1 1) with S the covariance of the differences d; its variance is 1/(1' S^-1 1).
    weight = np.linalg.solve((contrast * variance) @ contrast.T, np.ones(len(beside)))
    value = float(weight @ (contrast @ mean)) / float(weight.sum())
    reach = float(special.ndtri((1 + level) / 2)) / float(np.sqrt(weight.sum()))
    return Statistic(value, value - reach, value + reach, level, n, method)
