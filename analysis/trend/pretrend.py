"""Did the branches with an action already move apart from the others before it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.frequencies import Frequencies, t_quantile, t_tail
from analysis.results import Reason, Statistic, undefined
from analysis.robust import Clusters, LinearFit, clustered
from analysis.thresholds import DEFAULT, Thresholds

METHOD = "slope before the action, branches as clusters (CR2)"


@dataclass(frozen=True)
class PreTrend:
    """Slopes over the periods before an action, in scale points a period.

    Attributes
    ----------
    periods : periods in which both kinds of branches answered
    treated, compared : slope of the branches with the action, and of the others
    difference : the former less the latter; difference in differences takes it to be nought
    p : two-sided, of no difference
    """

    periods: int
    treated: Statistic
    compared: Statistic
    difference: Statistic
    p: Statistic


def pre_trend(
    scores: Mapping[str, Mapping[int, Frequencies]], treated: frozenset[str], thresholds: Thresholds = DEFAULT
) -> PreTrend:
    """Difference of the slopes of treated and compared branches over the periods before the action.

    That it is not shown to differ from nought does not show that trends are parallel: read the interval.

    Parameters
    ----------
    scores : branch -> period -> scores
        Periods before the action only, numbered evenly in time.  Periods in which one kind of branches has no answer
        are left out.
    treated : set of branches
        Those that later had the action.

    Returns
    -------
    PreTrend
        Coefficients of a regression on treated, period and both; CR2 standard errors with Satterthwaite degrees of
        freedom.  Undefined with fewer than `Thresholds.pre_periods` such periods ("few_periods"), fewer than two
        branches of either kind ("few_branches"), or where branches do not differ in their course ("no_variance").  Flag
        ``few_clusters`` below `Thresholds.wild_clusters` branches.

    References
    ----------
    Angrist, J. D. and Pischke, J.-S. (2009). Mostly Harmless Econometrics, section 5.2.
    Roth, J. (2022). Pretest with caution: event-study estimates after testing for parallel trends. American Economic
    Review: Insights 4, 305-322.
    """
    level = thresholds.level
    seen = [
        {at for name, one in scores.items() if (name in treated) is side for at in one if one[at].n}
        for side in (True, False)
    ]
    periods = sorted(seen[0] & seen[1])
    used = {name: {at: one[at] for at in periods if at in one and one[at].n} for name, one in scores.items()}
    used = {name: one for name, one in used.items() if one}
    n = sum(part.n for one in used.values() for part in one.values())
    if len(periods) < thresholds.pre_periods:
        return _nothing("few_periods", len(periods), n, level)
    sides = sum(name in treated for name in used)
    if min(sides, len(used) - sides) < 2:
        return _nothing("few_branches", len(periods), n, level)
    flags = ("few_clusters",) if len(used) < thresholds.wild_clusters else ()
    # Whichever kind is coded 0, coefficient 2 is its slope; coefficient 3 is the difference of the slopes.
    by_treated = _fitted(used, {name: float(name in treated) for name in used})
    by_compared = _fitted(used, {name: float(name not in treated) for name in used})
    if by_treated is None or by_compared is None:
        return _nothing("no_variance", len(periods), n, level)
    apart = _slope(by_treated, 3, n, level, flags)
    chance = 2 * t_tail(float(by_treated.df[3]), -abs(float(by_treated.beta[3] / by_treated.se[3])))
    return PreTrend(
        len(periods),
        _slope(by_compared, 2, n, level, flags),
        _slope(by_treated, 2, n, level, flags),
        apart,
        Statistic(chance, n=n, method=f"{METHOD}, two-sided", flags=flags),
    )


def _fitted(scores: Mapping[str, Mapping[int, Frequencies]], indicator: Mapping[str, float]) -> LinearFit | None:
    """Regression on 1, an indicator of branches, the period and their product; None where a slope has no error."""
    middle = float(np.mean(list({at for one in scores.values() for at in one})))
    xx, xy = np.zeros((len(scores), 4, 4)), np.zeros((len(scores), 4))
    for g, (name, one) in enumerate(scores.items()):
        for at, part in one.items():
            x = np.array([1.0, indicator[name], at - middle, indicator[name] * (at - middle)])
            xx[g] += part.n * np.outer(x, x)
            xy[g] += part.n * part.mean() * x
    fit = clustered(Clusters(xx, xy))
    if fit is None or float(fit.df[2:].min()) <= 0:
        return None
    # Rounding leaves a slope through equal scores an error of some 1e-16.
    return fit if bool((fit.se[2:] > 1e-12 * (1 + np.abs(fit.beta).max())).all()) else None


def _nothing(why: Reason, periods: int, n: int, level: float) -> PreTrend:
    """No slopes can be computed."""
    none = undefined(why, n, METHOD, level)
    return PreTrend(periods, none, none, none, none)


def _slope(fit: LinearFit, at: int, n: int, level: float, flags: tuple[str, ...]) -> Statistic:
    """A coefficient with its t interval."""
    value = float(fit.beta[at])
    reach = t_quantile(float(fit.df[at]), (1 + level) / 2) * float(fit.se[at])
    return Statistic(value, value - reach, value + reach, level, n, METHOD, flags)
