"""Means of groups whose spreads may differ: Welch's test, Games-Howell pairs, effect sizes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.compare.studentized import range_quantile, range_tail
from analysis.frequencies import Frequencies, t_quantile, t_tail
from analysis.gaps import hedges_correction
from analysis.results import Reason, Statistic, undefined

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class WelchTest:
    """Welch's test that k means are equal; None in `f` and `p` when a group has no spread."""

    f: float | None
    df1: float
    df2: float
    p: float | None


def welch_test(means: Floats, variances: Floats, n: Floats) -> WelchTest:
    """Welch's heteroscedastic one-way test.

    Parameters
    ----------
    means, variances, n : (k,) float
        Of groups with at least two respondents each; variances with divisor n - 1.

    Returns
    -------
    WelchTest
        With w = n/s^2 and W their sum, ``F = [sum w (m - m_w)^2 / (k - 1)] / [1 + 2 (k - 2)/(k^2 - 1) L]``,
        ``L = sum (1 - w/W)^2/(n - 1)``, df2 = (k^2 - 1)/(3 L).  Undefined when a variance is 0.

    References
    ----------
    Welch, B. L. (1951). On the comparison of several mean values. Biometrika 38, 330-336.
    """
    k = means.size
    if k < 2 or bool((variances <= 0).any()):
        return WelchTest(None, float(k - 1), math.nan, None)
    w = n / variances
    middle = float((w * means).sum() / w.sum())
    spare = float(((1 - w / w.sum()) ** 2 / (n - 1)).sum())
    f = float((w * (means - middle) ** 2).sum()) / (k - 1) / (1 + 2 * (k - 2) / (k * k - 1) * spare)
    df2 = (k * k - 1) / (3 * spare)
    return WelchTest(f, float(k - 1), df2, float(special.fdtrc(k - 1, df2, f)))


def games_howell(a: Frequencies, b: Frequencies, k: int, level: float = 0.95) -> tuple[Statistic, Statistic]:
    """Difference of two of k means with the Games-Howell interval, and its p.

    Both groups need two respondents and at least one of them a spread; otherwise "one_respondent" or "no_variance".
    ``se^2 = s_a^2/n_a + s_b^2/n_b``, Welch-Satterthwaite df, p from the studentized range at ``sqrt(2) abs(t)``.

    References
    ----------
    Games, P. A. and Howell, J. F. (1976). Pairwise multiple comparison procedures with unequal n's and/or variances.
    J. Educ. Stat. 1, 113-125.
    """
    n, method = a.n + b.n, "Games-Howell" if k > 2 else "Welch t"
    if a.n == 0 or b.n == 0:
        return undefined("no_respondents", n, method, level), undefined("no_respondents", n, method)
    difference = a.mean() - b.mean()
    if a.n < 2 or b.n < 2:
        return _bare(difference, n, level, method, "one_respondent"), undefined("one_respondent", n, method)
    parts = (a.variance() / a.n, b.variance() / b.n)
    se = math.sqrt(sum(parts))
    # A group without any spread would be certain of its mean from a handful of equal answers.
    if min(parts) <= 0:
        return _bare(difference, n, level, method, "no_variance"), undefined("no_variance", n, method)
    df = sum(parts) ** 2 / (parts[0] ** 2 / (a.n - 1) + parts[1] ** 2 / (b.n - 1))
    t = difference / se
    if k == 2:
        p, reach = 2 * t_tail(df, -abs(t)), t_quantile(df, (1 + level) / 2) * se
    else:
        p = range_tail(math.sqrt(2) * abs(t), k, df)
        reach = range_quantile(level, k, df) / math.sqrt(2) * se
    found = Statistic(difference, difference - reach, difference + reach, level, n, f"mean difference, {method}")
    return found, Statistic(p, n=n, method=method)


def _bare(value: float, n: int, level: float, method: str, why: Reason) -> Statistic:
    """A difference that has no interval."""
    return Statistic(value, None, None, level, n, f"mean difference, {method}", (), why)


def hedges_g(a: Frequencies, b: Frequencies) -> Statistic:
    """Difference of two means over their pooled SD, times the exact factor J; undefined without spread."""
    n, method = a.n + b.n, "Hedges g, pooled SD"
    if a.n < 2 or b.n < 2:
        return undefined("one_respondent" if a.n and b.n else "no_respondents", n, method)
    pooled = ((a.n - 1) * a.variance() + (b.n - 1) * b.variance()) / (n - 2)
    if pooled <= 0:
        return undefined("no_variance", n, method)
    return Statistic(hedges_correction(n - 2) * (a.mean() - b.mean()) / math.sqrt(pooled), n=n, method=method)


def omega_squared(means: Floats, variances: Floats, n: Floats) -> float | None:
    """``(SSB - (k - 1) MSW) / (SST + MSW)``; may be negative; None without any spread."""
    k, total = means.size, float(n.sum())
    if k < 2 or total <= k:
        return None
    between = float((n * (means - (n * means).sum() / total) ** 2).sum())
    within = float(((n - 1) * variances).sum())
    error = within / (total - k)
    whole = between + within + error
    return (between - (k - 1) * error) / whole if whole > 0 else None
