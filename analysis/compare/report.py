"""Branches of a survey as the report shows them: never an order without its uncertainty."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.compare.branches import (
    Adjusted,
    Pooled,
    icc_limits,
    one_way,
    pool,
    q_profile,
    random_intercept,
    rank_intervals,
    shrink,
)
from analysis.compare.funnel import Funnel, branch_funnel
from analysis.frequencies import Frequencies, mean_statistic
from analysis.results import Reason, Statistic, held, undefined
from analysis.thresholds import DEFAULT, Thresholds

Floats = NDArray[np.float64]

Place = Literal["inside", "low", "far_low", "high", "far_high", "no_funnel"]
"""Where a branch stands in the funnel: beyond the inner or the outer limits, below or above."""


MORRIS_BRANCHES = 4
"""Fewer branches: Morris's term for how uncertain their variance is has no factor of its own, and is flagged."""


@dataclass(frozen=True)
class Branch:
    """One branch on one score."""

    raw: Statistic  # mean with its t interval
    adjusted: Statistic  # as if every branch had the same mix of customers
    shrunken: Statistic  # drawn towards the mean of all, from the adjusted where there is one
    reliability: Statistic  # share of the branch's own mean in the shrunken one
    rank: Statistic  # 1 is the largest shortfall; low and high from draws
    place: Place
    z: Statistic  # with the additive variance
    inner: tuple[float, float] | None
    outer: tuple[float, float] | None


@dataclass(frozen=True)
class Branches:
    """All branches on one score."""

    branches: dict[str, Branch]
    mean: Statistic  # random-effects mean of the branches
    equal_mean: Statistic  # every branch counted once
    between_sd: Statistic  # SD of the true branch means (Paule-Mandel), Q-profile interval
    between_sd_dl: Statistic  # the same by DerSimonian and Laird
    icc1: Statistic  # share of the variance between branches; REML beside it
    icc_reml: Statistic
    icc2: Statistic  # reliability of branch means
    q: Statistic
    p_q: Statistic
    i2: Statistic
    overdispersion: Statistic  # phi of the funnel
    p_overdispersion: Statistic
    target: Statistic  # centre of the funnel


def compare_branches(
    scores: Mapping[str, Frequencies],
    rng: np.random.Generator,
    thresholds: Thresholds = DEFAULT,
    adjusted: Adjusted | None = None,
) -> Branches:
    """Everything said about branches on one score.

    Parameters
    ----------
    scores : id -> Frequencies
        Scores of the branches that may be shown, at least one respondent each.
    rng : Generator
        For the rank intervals.
    adjusted : Adjusted, optional
        Moments after case-mix adjustment, in the order of `scores`; the comparison then rests on them.

    Returns
    -------
    Branches
        Branches of one respondent, or whose answers are all equal, show their mean and take no part in the pooling.
        Ranks are given only when the branch means are reliable (`rank_reliability`).
    """
    names = list(scores)
    n = np.array([float(one.n) for one in scores.values()])
    means = np.array([one.mean() for one in scores.values()])
    variances = np.array([one.variance() if one.n > 1 else 0.0 for one in scores.values()])
    if adjusted is not None:
        means, variances = adjusted.means, adjusted.variances
    used = (n > 1) & (variances > 0)
    at = {name: int(np.count_nonzero(used[:j])) for j, name in enumerate(names) if used[j]}
    v = variances[used] / n[used]
    pooled = pool(means[used], v) if used.sum() >= 2 else None
    drawn = branch_funnel(n[used], means[used], variances[used], thresholds) if pooled is not None else None
    total = int(n.sum())
    spread, reml = one_way(n, means, variances), random_intercept(n, means, variances)
    why: Reason = "one_group" if len(names) < 2 else "no_variance"
    shown = _estimates(scores, adjusted is not None, at, (means[used], v), pooled, drawn, spread, rng, thresholds)
    few: Reason = "few_branches"
    level = thresholds.level
    first, second = (icc_limits(n, spread, level) if spread is not None else None) or (None, None)
    wide = q_profile(means[used], v, level) if pooled is not None else None
    tau = None if wide is None else (math.sqrt(wide.tau2[0]), math.sqrt(wide.tau2[1]))
    return Branches(
        shown,
        _number(_part(pooled, "mean"), total, "random-effects mean, Paule-Mandel", why, level, _part(pooled, "se")),
        mean_statistic(Frequencies.of(means), level, method="mean of branch means"),
        _ranged(None if pooled is None else math.sqrt(pooled.tau2), tau, total, "SD between branches, Paule-Mandel",
                why, level),
        _number(None if pooled is None else math.sqrt(pooled.tau2_dl), total, "SD between branches, DerSimonian-Laird",
                why),
        _ranged(_part(spread, "icc1"), first, total, "ICC(1), analysis of variance", why, level),
        _number(_part(reml, "icc"), total, "ICC(1), REML", why),
        _ranged(_part(spread, "icc2"), second, total, "ICC(2), analysis of variance", why, level),
        _number(_part(pooled, "q"), total, "Cochran's Q", why),
        _number(_part(pooled, "p_q"), total, "Q, chi-square", why),
        _ranged(_part(pooled, "i2"), None if wide is None else wide.i2, total, "I squared", why, level),
        _number(_part(drawn, "phi"), total, "mean square of the funnel's z", few),
        _number(_part(drawn, "p_phi"), total, "funnel's z, chi-square", few),
        _number(_part(drawn, "target"), total, "mean of the branches by respondents", few),
    )  # fmt: skip


def _part(found: object, name: str) -> float | None:
    """A number of a result that may be missing as a whole."""
    return None if found is None else getattr(found, name)


def _ranged(
    value: float | None, ends: tuple[float, float] | None, n: int, method: str, why: Reason, level: float
) -> Statistic:
    """A value with limits by F or the Q-profile; the latter do not exist where branches differ less than by chance."""
    if value is None:
        return undefined(why, n, method, level)
    kind = "F interval" if method.startswith("ICC") else "Q-profile interval"
    if ends is None:
        return Statistic(value, None, None, level, n, f"{method}, {kind}", (), "at_end")
    return held(value, *ends, level, n, f"{method}, {kind}")


def _number(
    value: float | None, n: int, method: str, why: Reason, level: float | None = None, se: float | None = None
) -> Statistic:
    """A value, with a normal interval when its standard error is given, or the reason why there is none."""
    if value is None:
        return undefined(why, n, method)
    if se is None or level is None:
        return Statistic(value, n=n, method=method)
    reach = float(special.ndtri((1 + level) / 2)) * se
    return Statistic(value, value - reach, value + reach, level, n, method)


def _estimates(
    scores: Mapping[str, Frequencies],
    is_adjusted: bool,
    at: dict[str, int],
    moments: tuple[Floats, Floats],
    pooled: Pooled | None,
    drawn: Funnel | None,
    spread: object,
    rng: np.random.Generator,
    thresholds: Thresholds,
) -> dict[str, Branch]:
    """Each branch with its shrunken mean, rank and place in the funnel."""
    level, (means, v) = thresholds.level, moments
    icc2 = getattr(spread, "icc2", None)
    eb = shrink(means, v, pooled.tau2, pooled.mean, pooled.se) if pooled is not None else None
    ranked = eb is not None and icc2 is not None and icc2 >= thresholds.rank_reliability
    ranks = (
        rank_intervals(eb.means, eb.se_full, rng, level, thresholds.rank_draws) if eb is not None and ranked else None
    )
    found = {}
    for name, one in scores.items():
        j, n = at.get(name), one.n
        raw = mean_statistic(one, level, method="mean")
        lone: Reason = "one_respondent" if n < 2 else "no_variance"
        if j is None or eb is None:
            lone = "one_group" if j is not None else lone
            none = undefined(lone, n)
            found[name] = Branch(raw, none, none, none, none, "no_funnel", none, None, None)
            continue
        own = _number(float(means[j]), n, "mean, same mix of customers", lone, level, math.sqrt(float(v[j])))
        found[name] = Branch(
            raw,
            own if is_adjusted else undefined("not_asked", n, "mean, same mix of customers"),
            _number(float(eb.means[j]), n, "empirical Bayes", lone, level, float(eb.se_full[j])).flagged(
                *(("few_clusters",) if len(at) < MORRIS_BRANCHES else ())
            ),
            Statistic(float(eb.reliability[j]), n=n, method="share of the branch's own mean"),
            undefined("unreliable_ranking", n, "rank") if ranks is None else Statistic(
                float(ranks[0][j]), float(ranks[1][j]), float(ranks[2][j]), level, n, "rank, draws"
            ),
            _place(drawn, j, float(means[j])),
            _number(None if drawn is None else float(drawn.z[j]), n, "funnel z", "few_branches"),
            None if drawn is None else (float(drawn.inner[j, 0]), float(drawn.inner[j, 1])),
            None if drawn is None else (float(drawn.outer[j, 0]), float(drawn.outer[j, 1])),
        )  # fmt: skip
    return found


def _place(drawn: Funnel | None, j: int, mean: float) -> Place:
    """Where a branch stands in the funnel."""
    if drawn is None:
        return "no_funnel"
    for limits, low, high in ((drawn.outer, "far_low", "far_high"), (drawn.inner, "low", "high")):
        if mean < limits[j, 0]:
            return low  # type: ignore[return-value]
        if mean > limits[j, 1]:
            return high  # type: ignore[return-value]
    return "inside"
