"""Which version of the score goes best with what it should go with: outcomes such as satisfaction."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.frequencies import t_tail
from analysis.results import Reason, Statistic, undefined

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DependentCorrelations:
    """Two correlations with the same outcome, compared over the same respondents."""

    difference: Statistic  # first minus second, with Zou's interval
    t: Statistic  # Williams, n - 3 degrees of freedom
    p: Statistic  # two-sided


@dataclass(frozen=True)
class Outcome:
    """The versions of the score against one outcome."""

    correlations: dict[str, Statistic]  # version -> correlation, interval by Fisher's z; over all who have both
    comparisons: dict[str, DependentCorrelations]  # "first-second" -> comparison, over all who have all three


@dataclass(frozen=True)
class Nomological:
    """Correlations of the versions of the score with every outcome."""

    outcomes: dict[str, Outcome]
    strongest: dict[str, str | None]  # outcome -> version with the largest correlation; None when none is defined


def fisher_interval(r: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Interval of a correlation (-1 < r < 1, n at least 4) by ``tanh(artanh r -+ z / sqrt(n - 3))``."""
    reach = float(special.ndtri((1 + level) / 2)) / math.sqrt(n - 3)
    return math.tanh(math.atanh(r) - reach), math.tanh(math.atanh(r) + reach)


def williams_t(first: float, second: float, between: float, n: int) -> tuple[float, int]:
    """Williams' t of two correlations that share a variable, and its degrees of freedom n - 3.

    Parameters
    ----------
    first, second : float
        Correlations of the outcome with two scores.
    between : float
        Correlation of the two scores.
    n : int
        Respondents with all three, at least 4.

    Returns
    -------
    (float, int)
        ``t = (r1 - r2) sqrt((n-1)(1 + r12) / (2 (n-1)/(n-3) |R| + m^2 (1 - r12)^3))`` with the mean m of r1 and r2; NaN
        when the two scores are the same up to scale.

    References
    ----------
    Williams, E. J. (1959). The comparison of regression variables. J. R. Statist. Soc. B 21, 396-399; Steiger, J. H.
    (1980). Tests for comparing elements of a correlation matrix. Psychol. Bull. 87, 245-251, equation 7.
    """
    determinant = max(1 - first**2 - second**2 - between**2 + 2 * first * second * between, 0.0)
    mean = (first + second) / 2
    below = 2 * (n - 1) / (n - 3) * determinant + mean**2 * (1 - between) ** 3
    if below <= 1e-14:
        return math.nan, n - 3
    return (first - second) * math.sqrt((n - 1) * (1 + between) / below), n - 3


def zou_interval(first: float, second: float, between: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Interval of the difference of two correlations that share a variable.

    References
    ----------
    Zou, G. Y. (2007). Toward using confidence intervals to compare correlations. Psychological Methods 12, 399-413.
    """
    (low1, high1), (low2, high2) = fisher_interval(first, n, level), fisher_interval(second, n, level)
    # The correlation of the two correlations (Zou's equation 13).
    bracket = (between - first * second / 2) * (1 - first**2 - second**2 - between**2) + between**3
    c = bracket / ((1 - first**2) * (1 - second**2))

    def reach(a: float, b: float) -> float:
        return math.sqrt(max(a * a + b * b - 2 * c * a * b, 0.0))

    difference = first - second
    return difference - reach(first - low1, high2 - second), difference + reach(high1 - first, second - low2)


def compare(first: Floats, second: Floats, outcome: Floats, level: float = 0.95) -> DependentCorrelations:
    """Two scores' correlations with an outcome, over the rows that have all three (NaN is missing).

    Undefined with "no_complete_cases" for fewer than 4 such rows, "no_variance" when one of the three is constant,
    "singular" when the two scores are the same up to scale; t alone when they leave no variance of the outcome.
    """
    table = np.column_stack([first, second, outcome])
    table = table[~np.isnan(table).any(axis=1)]
    n = len(table)
    why: Reason | None = "no_complete_cases" if n < 4 else None
    if why is None and bool((table == table[0]).all(axis=0).any()):
        why = "no_variance"
    r = np.zeros((3, 3)) if why else _correlation(table)
    one, two, between = float(r[0, 2]), float(r[1, 2]), float(r[0, 1])
    if why is None and abs(between) > 1 - 1e-12:
        why = "singular"
    if why is not None:
        return DependentCorrelations(
            undefined(why, n, "difference of correlations", level), undefined(why, n, "Williams t"),
            undefined(why, n, "Williams t, two-sided"),
        )  # fmt: skip
    exact = max(abs(one), abs(two)) > 1 - 1e-12
    low, high = (None, None) if exact else zou_interval(one, two, between, n, level)
    t, df = williams_t(one, two, between, n)
    difference = Statistic(one - two, low, high, level, n, "difference of correlations, Zou interval")
    if math.isnan(t):
        return DependentCorrelations(
            difference, undefined("singular", n, "Williams t"), undefined("singular", n, "Williams t, two-sided")
        )
    return DependentCorrelations(
        difference,
        Statistic(t, n=n, method=f"Williams t, df {df}"),
        Statistic(2 * t_tail(df, -abs(t)), n=n, method="Williams t, two-sided"),
    )


def _correlation(table: Floats) -> Floats:
    """(v, v) correlations of (n, v) complete columns that vary."""
    away = table - table.mean(axis=0)
    away /= np.sqrt((away**2).sum(axis=0))
    found: Floats = np.clip(away.T @ away, -1.0, 1.0)
    return found


def correlate(score: Floats, outcome: Floats, level: float = 0.95) -> Statistic:
    """Pearson correlation over the rows that have both (NaN is missing), with Fisher's interval from 4 rows on."""
    method = "Pearson correlation"
    both = ~np.isnan(score) & ~np.isnan(outcome)
    x, y = score[both], outcome[both]
    n = int(both.sum())
    if n < 2:
        return undefined("no_complete_pairs" if n == 0 else "one_respondent", n, method, level)
    if bool((x == x[0]).all()) or bool((y == y[0]).all()):
        return undefined("no_variance", n, method, level)
    r = float(_correlation(np.column_stack([x, y]))[0, 1])
    if n < 4 or abs(r) > 1 - 1e-12:
        return Statistic(r, None, None, level, n, method)
    return Statistic(r, *fisher_interval(r, n, level), level, n, f"{method}, Fisher interval")


def nomological(scores: dict[str, Floats], outcomes: dict[str, Floats], level: float = 0.95) -> Nomological:
    """Correlations of the versions of the score with outcomes, and all comparisons between versions.

    Parameters
    ----------
    scores : version -> (n,) float64
        Such as "gap", "perception" (SERVPERF) and their weighted versions, one value a respondent; NaN is missing.
    outcomes : name -> (n,) float64
        Such as overall quality, satisfaction, recommendation, staying; NaN is missing.

    Returns
    -------
    Nomological
        Comparisons in the order of `scores`, "first-second".

    References
    ----------
    Cronin, J. J. and Taylor, S. A. (1992). Measuring service quality. Journal of Marketing 56(3), 55-68.
    """
    found: dict[str, Outcome] = {}
    strongest: dict[str, str | None] = {}
    for name, outcome in outcomes.items():
        single = {version: correlate(score, outcome, level) for version, score in scores.items()}
        pairs = {
            f"{one}-{two}": compare(scores[one], scores[two], outcome, level) for one, two in combinations(scores, 2)
        }
        found[name] = Outcome(single, pairs)
        defined = {version: one.value for version, one in single.items() if one.value is not None}
        strongest[name] = max(defined, key=lambda version: defined[version]) if defined else None
    return Nomological(found, strongest)
