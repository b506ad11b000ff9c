"""Penalty-reward contrast: does a low rating cost more than a high one earns?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.frequencies import t_quantile
from analysis.results import Reason, Statistic, undefined
from analysis.robust import LinearFit, hc3
from analysis.thresholds import DEFAULT, Thresholds

Floats = NDArray[np.float64]

Factor = Literal["basic", "performance", "excitement", "wrong_sign", "unclear", "too_few"]
"""Basic: low ratings cost, high ones earn little.  Excitement: the other way round."""


@dataclass(frozen=True)
class PenaltyReward:
    """One driver."""

    penalty: Statistic  # change of the outcome for a low rating, beside a middle one
    reward: Statistic  # for a high rating
    asymmetry: Statistic  # (reward - |penalty|)/(reward + |penalty|), from -1 to 1
    range: Statistic  # reward + |penalty|
    label: Factor


def penalty_reward(
    low: Mapping[str, NDArray[np.bool_]],
    high: Mapping[str, NDArray[np.bool_]],
    outcome: Floats,
    thresholds: Thresholds = DEFAULT,
) -> dict[str, PenaltyReward]:
    """Regress an outcome on "low" and "high" of all drivers together, with HC3 errors.

    Parameters
    ----------
    low, high : driver -> (n,) bool
        Ratings counted as low and as high; neither is the middle that both are compared with.
    outcome : (n,) float
        No NaN.

    Returns
    -------
    dict
        A driver whose low or high ratings are fewer than `contrast_n` keeps its numbers and gets the label "too_few";
        drivers without any low (or high) rating lack that part ("no_variance").  A penalty above 0 or a reward below
        0 leaves no asymmetry ("wrong_sign").

    References
    ----------
    Brandt, R. D. (1987). A procedure for identifying value-enhancing service components using customer satisfaction
    survey data.  Mikulic, J. and Prebezac, D. (2008). Managing Service Quality 18, 559-576.
    """
    columns: list[Floats] = [np.ones(outcome.size)]
    at: dict[tuple[str, str], int] = {}
    for name in low:
        for side, chosen in (("low", low[name]), ("high", high[name])):
            if 0 < int(chosen.sum()) < outcome.size:
                at[name, side] = len(columns)
                columns.append(chosen.astype(np.float64))
    fit = hc3(np.column_stack(columns), outcome) if len(columns) > 1 else None
    few: Reason = "no_complete_cases" if outcome.size <= len(columns) else "singular"
    return {
        name: _driver(
            fit, at.get((name, "low")), at.get((name, "high")), (int(low[name].sum()), int(high[name].sum())),
            outcome.size, few, thresholds,
        )
        for name in low
    }  # fmt: skip


def _driver(
    fit: LinearFit | None,
    low: int | None,
    high: int | None,
    counts: tuple[int, int],
    n: int,
    few: Reason,
    thresholds: Thresholds,
) -> PenaltyReward:
    """One driver from the joint fit."""

    def effect(place: int | None, name: str) -> Statistic:
        method = f"{name}, HC3"
        if fit is None or place is None:
            return undefined(few if fit is None and place is not None else "no_variance", n, method, thresholds.level)
        return _interval(
            float(fit.beta[place]), float(fit.se[place]), float(fit.df[place]), n, method, thresholds.level
        )

    penalty, reward = effect(low, "penalty"), effect(high, "reward")
    if fit is None or low is None or high is None:
        none: Reason = few if fit is None else "no_variance"
        label: Factor = "unclear" if none == "singular" and min(counts) >= thresholds.contrast_n else "too_few"
        return PenaltyReward(penalty, reward, undefined(none, n), undefined(none, n), label)
    down, up = float(fit.beta[low]), float(fit.beta[high])
    sign = -1.0 if down < 0 else 1.0
    spread = fit.covariance[low, low] + fit.covariance[high, high] + 2 * sign * fit.covariance[low, high]
    total = _interval(
        up + abs(down), math.sqrt(max(float(spread), 0.0)), float(fit.df[low]), n, "range", thresholds.level
    )
    whole = up + abs(down)
    if abs(whole) > 1e-12 and down <= 0 <= up:
        # Delta method for (u + l)/(u - l): its slopes are -2 l/(u - l)^2 by u and 2 u/(u - l)^2 by l.
        slope = np.array([2 * up, -2 * down]) / whole**2
        error = math.sqrt(max(float(slope @ fit.covariance[np.ix_([low, high], [low, high])] @ slope), 0.0))
        asymmetry = _interval(
            (up + down) / whole, error, float(fit.df[low]), n, "impact asymmetry, delta method", thresholds.level, 1.0
        )
    else:
        asymmetry = undefined("wrong_sign" if down > 0 or up < 0 else "no_variance", n, "impact asymmetry")
    return PenaltyReward(
        penalty, reward, asymmetry, total, _label(penalty, reward, asymmetry, total, counts, thresholds)
    )


def _interval(
    value: float, se: float, df: float, n: int, method: str, level: float, end: float = math.inf
) -> Statistic:
    """A coefficient with its t interval, cut at the ends of its scale."""
    reach = t_quantile(df, (1 + level) / 2) * se
    return Statistic(value, max(value - reach, -end), min(value + reach, end), level, n, method)


def _label(
    penalty: Statistic,
    reward: Statistic,
    asymmetry: Statistic,
    total: Statistic,
    counts: tuple[int, int],
    thresholds: Thresholds,
) -> Factor:
    """The kind of factor, where the numbers carry one."""
    if penalty.value is None or reward.value is None:
        return "too_few"
    if penalty.value > 0 or reward.value < 0:
        return "wrong_sign"
    if min(counts) < thresholds.contrast_n:
        return "too_few"
    if asymmetry.value is None or total.low is None or total.high is None or total.low <= 0 <= total.high:
        return "unclear"
    if asymmetry.value < thresholds.basic_iac:
        return "basic"
    return "excitement" if asymmetry.value > thresholds.excitement_iac else "performance"
