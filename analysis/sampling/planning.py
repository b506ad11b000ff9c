"""How many answers are needed: for a margin of error, to see a gap, to prove a change."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import special

from analysis.frequencies import t_quantile


def margin_n(margin: float, population: int | None = None, p: float = 0.5, level: float = 0.95) -> float:
    """Answers for a share within +-margin: ``z^2 p(1-p)/e^2``, ``n/(1 + (n - 1)/N)`` of a finite population.

    Parameters
    ----------
    margin : float
        Half width as a share, above 0.
    population : int, optional
        Customers in all; the result is at most that many.

    Returns
    -------
    float
        Not rounded; take the next whole number.

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, 3rd ed., section 4.4.
    """
    return finite(normal_quantile((1 + level) / 2) ** 2 * p * (1 - p) / margin**2, population)


def mean_n(half_width: float, sd: float, population: int | None = None, level: float = 0.95) -> float:
    """Answers for a mean within +-half_width points: ``(z s/e)^2``, with the finite population as in `margin_n`."""
    return finite((normal_quantile((1 + level) / 2) * sd / half_width) ** 2, population)


def finite(n: float, population: int | None) -> float:
    """``n/(1 + (n - 1)/N)``, and never more than the population."""
    return n if population is None else min(float(population), n / (1 + (n - 1) / population))


def normal_quantile(p: float) -> float:
    """Quantile of the standard normal."""
    return float(special.ndtri(p))


def inflated(n: float, design_effect: float = 1.0, response_rate: float = 1.0, exposure: float = 1.0) -> int:
    """Customers to invite for n useful answers: times the design effect, over response rate and exposure, rounded up.

    Raises
    ------
    ValueError
        When a rate is not in (0, 1] or the design effect not above 0.
    """
    if not (0 < response_rate <= 1 and 0 < exposure <= 1 and design_effect > 0):
        raise ValueError(
            f"response rate {response_rate} and exposure {exposure} must lie between 0 and 1, "
            f"the design effect {design_effect} above 0"
        )
    return math.ceil(n * design_effect / response_rate / exposure - 1e-9)


def cluster_effect(per_branch: float, icc: float) -> float:
    """Design effect ``1 + (m - 1) ICC`` of m respondents a branch; a negative ICC counts as 0."""
    return 1 + (per_branch - 1) * max(icc, 0.0)


def paired_power(d_z: float, n: int, alpha: float = 0.05) -> float:
    """Power of the two-sided paired t test at a standardised mean difference, from the noncentral t."""
    df, away = n - 1, abs(d_z) * math.sqrt(n)
    limit = t_quantile(df, 1 - alpha / 2)
    return float(1 - special.nctdtr(df, away, limit) + special.nctdtr(df, away, -limit))


def one_sided_power(distance: float, sd: float, n: int, alpha: float = 0.05) -> float:
    """Power of a one-sided t test whose true mean lies `distance` beyond the limit."""
    return float(1 - special.nctdtr(n - 1, distance / sd * math.sqrt(n), t_quantile(n - 1, 1 - alpha)))


def paired_n(d_z: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """Smallest number of pairs for a power of the two-sided paired t test (d_z not 0)."""
    return smallest(lambda n: paired_power(d_z, n, alpha), power)


def minimum_effect_n(gap: float, delta: float, sd: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """Smallest n by which a true gap below -delta is shown to lie below -delta.

    Raises
    ------
    ValueError
        When the gap is not below -delta: no number of answers would show it.
    """
    if not gap < -delta:
        raise ValueError(f"a gap of {gap} is not below -{delta}; no number of answers would show that it is")
    return smallest(lambda n: one_sided_power(-delta - gap, sd, n, alpha), power)


def change_n(
    change: float, sd: float, power: float = 0.8, alpha: float = 0.05, correlation: float | None = None
) -> int:
    """Answers in each of two waves to show an improvement, one-sided.

    Parameters
    ----------
    change : float
        True improvement in points, above 0.
    sd : float
        Of the scores within a wave.
    correlation : float, optional
        Of the same people's scores in both waves; two fresh samples when not given.
    """
    if correlation is not None:
        return smallest(lambda n: one_sided_power(change, sd * math.sqrt(2 * (1 - correlation)), n, alpha), power)

    def fresh(n: int) -> float:
        df = 2 * n - 2
        return float(1 - special.nctdtr(df, change / (sd * math.sqrt(2 / n)), t_quantile(df, 1 - alpha)))

    return smallest(fresh, power)


def smallest(power_of: Callable[[int], float], power: float, most: int = 10_000_000) -> int:
    """The smallest n of at least 2 whose power is reached, power growing with n.

    Raises
    ------
    ValueError
        When even `most` answers do not reach it.
    """
    high = 2
    while power_of(high) < power:
        high *= 2
        if high > most:
            raise ValueError(f"more than {most} answers would be needed for a power of {power}")
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(middle) >= power else (middle, high)
    return max(high, 2) if power_of(2) < power else 2


def half_width_at(n: int, sd: float, population: int | None = None, level: float = 0.95) -> float:
    """Half width of the interval of a mean from n answers (at least 2), with the finite population correction."""
    left = 1.0 if population is None else max(0.0, (population - n) / max(population - 1, 1))
    return t_quantile(n - 1, (1 + level) / 2) * sd * math.sqrt(left / n)


def power_curve(power_of: Callable[[int], float], sizes: tuple[int, ...]) -> tuple[tuple[int, float], ...]:
    """(n, power) for a chart."""
    return tuple((n, float(np.clip(power_of(n), 0, 1))) for n in sizes)
