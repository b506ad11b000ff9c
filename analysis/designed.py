"""Means that allow for how people were chosen: whole branches at a time, or with weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.compare.branches import one_way
from analysis.frequencies import t_quantile, t_tail
from analysis.results import Statistic, undefined
from analysis.robust import Clusters, clustered
from analysis.thresholds import DEFAULT, Thresholds

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DesignedMean:
    """A mean gap with the standard error that its sampling deserves."""

    clustered: Statistic  # branches as clusters, CR2
    p_nil: Statistic  # lower tail: no gap
    p_minimum_effect: Statistic  # lower tail: the gap is no worse than -delta
    design_effect: Statistic  # of the clusters: variance over that of independent respondents
    icc: Statistic


def clustered_mean(
    n: Floats, means: Floats, variances: Floats, delta: float, thresholds: Thresholds = DEFAULT
) -> DesignedMean:
    """Mean over respondents whose branches were drawn.

    Parameters
    ----------
    n, means, variances : (b,) float
        Respondents with a score in each branch, their mean, and variance with divisor n - 1.
    delta : float
        Smallest gap that matters, in points.

    Returns
    -------
    DesignedMean
        CR2 sandwich with Satterthwaite degrees of freedom; undefined below two branches ("one_group") or without
        variance; flagged ``few_clusters`` below `cluster_floor` branches.

    References
    ----------
    As `analysis.robust.clustered`; Kish, L. (1965). Survey Sampling (design effect).
    """
    level, method = thresholds.level, "mean, branches as clusters (CR2)"
    some = n > 0
    n, means, variances = n[some], means[some], variances[some]
    total = int(n.sum())
    fit = clustered(Clusters(n[:, None, None], (n * means)[:, None])) if n.size > 1 else None
    if fit is None or not float(fit.se[0]) > 1e-12 or not float(fit.df[0]) > 0:
        none = undefined("one_group" if n.size < 2 else "no_variance", total, method, level)
        return DesignedMean(none, none, none, none, none)
    mean, se, df = float(fit.beta[0]), float(fit.se[0]), float(fit.df[0])
    flags = ("few_clusters",) if n.size < thresholds.cluster_floor else ()
    reach = t_quantile(df, (1 + level) / 2) * se
    spread = one_way(n, means, variances)
    plain = (float(((n - 1) * variances).sum()) + float((n * (means - mean) ** 2).sum())) / max(total - 1, 1) / total

    return DesignedMean(
        Statistic(mean, mean - reach, mean + reach, level, total, method, flags),
        Statistic(t_tail(df, mean / se), n=total, method=method, flags=flags),
        Statistic(t_tail(df, (mean + delta) / se), n=total, method=method, flags=flags),
        Statistic(se * se / plain, n=total, method="design effect of the clusters", flags=flags),
        Statistic(spread.icc1, n=total, method="ICC(1), analysis of variance")
        if spread is not None and spread.icc1 is not None
        else undefined("no_variance", total, "ICC(1), analysis of variance"),
    )


@dataclass(frozen=True)
class ClusterError:
    """Error of a mean whose respondents came by branches."""

    branches: int
    se: float
    df: float
    design_effect: float  # variance over that of independent respondents


def cluster_error(n: Floats, sums: Floats, variance: float) -> ClusterError | None:
    """CR2 error of a mean with branches as clusters.

    Parameters
    ----------
    n, sums : (b,) float
        Respondents of each branch, and the sum of their scores.
    variance : float
        Of all scores, divisor n - 1.

    Returns
    -------
    ClusterError or None
        None with fewer than two branches that have answers, or no variance between them.

    References
    ----------
    As `clustered_mean`.
    """
    some = n > 0
    if int(some.sum()) < 2:
        return None
    fit = clustered(Clusters(n[some][:, None, None], sums[some][:, None]))
    if fit is None or not float(fit.se[0]) > 1e-12 or not float(fit.df[0]) > 0:
        return None
    se = float(fit.se[0])
    effect = se * se * float(n.sum()) / variance if variance > 0 else 1.0
    return ClusterError(int(some.sum()), se, float(fit.df[0]), effect)


def weighted_mean(values: Floats, weights: Floats, level: float = 0.95) -> Statistic:
    """Mean of (n,) values with (n,) weights, interval by Taylor linearisation.

    NaN values and weights at or below 0 are left out.  ``se^2 = n/(n - 1) sum (w (x - mean))^2/(sum w)^2``, df n - 1.
    Undefined without respondents; without an interval for one respondent or no variance.

    References
    ----------
    Lumley, T. (2004). Analysis of complex survey samples. J. Stat. Softw. 9(8).
    """
    method = "weighted mean, linearised"
    kept = ~np.isnan(values) & (weights > 0)
    x, w = values[kept], weights[kept]
    n = int(x.size)
    if n == 0:
        return undefined("no_respondents", 0, method, level)
    share = w / w.sum()
    mean = float((share * x).sum())
    if n == 1:
        return Statistic(mean, None, None, level, n, method, (), "one_respondent")
    se = math.sqrt(n / (n - 1) * float(((share * (x - mean)) ** 2).sum()))
    if not se > 1e-12:
        return Statistic(mean, None, None, level, n, method, (), "no_variance")
    reach = t_quantile(n - 1, (1 + level) / 2) * se
    return Statistic(mean, mean - reach, mean + reach, level, n, method)
