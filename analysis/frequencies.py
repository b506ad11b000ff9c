"""How often each value occurs, and the mean of it with its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.results import Reason, Statistic, undefined


@dataclass(frozen=True, eq=False)
class Frequencies:
    """Distinct values with the number of times each occurs.

    All order statistics and rank tests need no more, and cost no more for a million respondents than for a
    thousand.  A value that is a fraction comes from one division of whole numbers, so equal fractions are equal
    floats and ties are exact.

    Attributes
    ----------
    values : (d,) float64, ascending, all different
    counts : (d,) int64, above 0
    """

    values: NDArray[np.float64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, values: NDArray[np.float64], counts: NDArray[np.int64] | None = None) -> Frequencies:
        """Collect values, each occurring once or `counts` times."""
        if counts is None:
            counts = np.ones(values.shape, np.int64)
        kept = counts > 0
        distinct, back = np.unique(values[kept], return_inverse=True)
        total = np.bincount(back, weights=counts[kept], minlength=distinct.size)
        return cls(distinct.astype(np.float64), np.rint(total).astype(np.int64))

    @classmethod
    def from_dict(cls, counted: Mapping[float, int]) -> Frequencies:
        """From value -> count."""
        return cls.of(np.array(list(counted), np.float64), np.array(list(counted.values()), np.int64))

    @property
    def n(self) -> int:
        """Number of observations."""
        return int(self.counts.sum())

    def mean(self) -> float:
        """Mean (n at least 1)."""
        return math.fsum((self.values * self.counts).tolist()) / self.n

    def variance(self) -> float:
        """Variance with divisor n - 1 (n at least 2), by two passes; exactly 0 when all values are equal."""
        if self.values.size == 1:
            return 0.0
        away = self.values - self.mean()
        return math.fsum((self.counts * away * away).tolist()) / (self.n - 1)

    def sd(self) -> float:
        """Standard deviation (n at least 2)."""
        return math.sqrt(self.variance())

    def count(self, chosen: NDArray[np.bool_]) -> int:
        """Number of observations whose value is chosen."""
        return int(self.counts[chosen].sum())


def t_quantile(df: float, p: float) -> float:
    """Quantile of Student's t."""
    return float(special.stdtrit(df, p))


def t_tail(df: float, t: float) -> float:
    """Lower tail of Student's t."""
    return float(special.stdtr(df, t))


def mean_statistic(
    found: Frequencies, level: float, reason: Reason = "no_respondents", method: str = "mean"
) -> Statistic:
    """Mean with its t interval, xbar -+ t s / sqrt(n).

    Undefined for n = 0 (`reason`); without an interval for n = 1 ("one_respondent") and when all values are equal
    ("no_variance"): an interval of no width would claim a certainty that few equal answers do not give.
    """
    n = found.n
    if n == 0:
        return undefined(reason, 0, method, level)
    if n == 1:
        return Statistic(found.mean(), None, None, level, n, method, (), "one_respondent")
    return t_interval(found.mean(), found.variance(), n, level, method)


def t_interval(mean: float, variance: float, n: int, level: float, method: str) -> Statistic:
    """A mean (n at least 2) with the t interval that belongs to its variance."""
    if variance <= 0:
        return Statistic(mean, None, None, level, n, method, (), "no_variance")
    reach = t_quantile(n - 1, (1 + level) / 2) * math.sqrt(variance / n)
    return Statistic(mean, mean - reach, mean + reach, level, n, f"{method}, t interval")


def wilson(
    successes: int,
    n: int,
    level: float = 0.95,
    scale: float = 1.0,
    reason: Reason = "no_respondents",
    effective: float | None = None,
) -> Statistic:
    """Share with Wilson's score interval, times `scale`.

    ``(p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)``; within [0, scale].  Undefined for n = 0.  Where the n
    observations come in clusters, `effective` is the number of independent ones they are worth, for the interval.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. JASA 22, 209-212.
    """
    method = "share, Wilson interval" if scale == 1.0 else "rate, Wilson interval"
    if n == 0:
        return undefined(reason, 0, method, level)
    z = float(special.ndtri((1 + level) / 2))
    share = successes / n
    worth = float(n)
    if effective is not None:
        worth, method = effective, f"{method} at n / deff"
    middle = (share + z * z / (2 * worth)) / (1 + z * z / worth)
    reach = z * math.sqrt(share * (1 - share) / worth + z * z / (4 * worth * worth)) / (1 + z * z / worth)
    # At 0 and 1 the limit is exactly 0 or 1; the formula misses it by a rounding error.
    low = 0.0 if successes == 0 else max(0.0, middle - reach)
    high = 1.0 if successes == n else min(1.0, middle + reach)
    return Statistic(share * scale, low * scale, high * scale, level, n, method)
