"""Intervals that hold however often one looks: for waves that are still open."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from analysis.frequencies import Frequencies
from analysis.results import Statistic, undefined
from analysis.thresholds import DEFAULT, Thresholds

Floats = NDArray[np.float64]


def tuned(planned: int, level: float = 0.95) -> float:
    """The rho that makes the sequence narrowest near `planned` answers (at least 1).

    ``sqrt((-2 ln a + ln(-2 ln a + 1))/n)``, a = 1 - level.
    """
    spent = -2 * math.log(1 - level)
    return math.sqrt((spent + math.log(spent + 1)) / planned)


def sequence_half_width(sd: float, n: int, rho: float, level: float = 0.95) -> float:
    """``sd sqrt(2 (n rho^2 + 1)/(n^2 rho^2) ln(sqrt(n rho^2 + 1)/a))`` for n at least 1."""
    grown = n * rho * rho + 1
    return sd * math.sqrt(2 * grown / (n * n * rho * rho) * math.log(math.sqrt(grown) / (1 - level)))


def confidence_sequence(
    scores: Frequencies, planned: int, level: float = 0.95, thresholds: Thresholds = DEFAULT
) -> Statistic:
    """Mean with the asymptotic confidence sequence: at `level`, no look at any number of answers misses the mean.

    Parameters
    ----------
    scores : Frequencies
        All scores so far.
    planned : int
        Answers the wave is planned for; the sequence is narrowest there.

    Returns
    -------
    Statistic
        Undefined without answers; the mean alone below `sequence_start` answers ("too_early") or without variance.

    References
    ----------
    Waudby-Smith, I., Arbour, D., Sinha, R., Kennedy, E. H. and Ramdas, A. (2021). Time-uniform central limit theory
    and asymptotic confidence sequences. arXiv 2103.06476.
    """
    n, method = scores.n, "mean, confidence sequence"
    if n == 0:
        return undefined("no_respondents", 0, method, level)
    if n < thresholds.sequence_start:
        return Statistic(scores.mean(), None, None, level, n, method, (), "too_early")
    sd = scores.sd()
    if sd <= 0:
        return Statistic(scores.mean(), None, None, level, n, method, (), "no_variance")
    reach = sequence_half_width(sd, n, tuned(max(planned, 1), level), level)
    return Statistic(scores.mean(), scores.mean() - reach, scores.mean() + reach, level, n, method)


SINGLES = 16_384
"""Answers that the bounded sequence takes one by one; those after them go in by means of `BLOCK`."""

BLOCK = 8


def bounded_limits(x: Floats, level: float = 0.95, singles: int = SINGLES, block: int = BLOCK) -> tuple[Floats, Floats]:
    """Limits of the mean of values in 0..1 after every look, by the predictable plug-in empirical Bernstein bound.

    Parameters
    ----------
    x : (n,) float in 0..1, in the order of the answers
    singles, block : int
        After `singles` values the mean of every `block` of them counts as one, with a bet `block` times as large: the
        same guarantee, less work.  A last block that is not full waits.

    Returns
    -------
    low, high : (looks,) float
        Each look's own limits, not yet intersected; every look's interval holds the mean, all at once, at `level`.

    References
    ----------
    Waudby-Smith, I. and Ramdas, A. (2024). Estimating means of bounded random variables by betting. JRSS B 86, 1-27,
    theorem 2 and equation 15.
    """
    whole = x[singles : singles + (max(x.size - singles, 0) // block) * block].reshape(-1, block)
    value = np.concatenate([x[:singles], whole.mean(axis=1)])
    size = np.concatenate([np.ones(min(x.size, singles)), np.full(whole.shape[0], float(block))])
    seen = np.cumsum(size)
    middle = (0.5 + np.cumsum(size * value)) / (seen + 1)
    # A block's squared distance, times its size, estimates the variance of one answer.
    spread = (0.25 + np.cumsum(size * (value - middle) ** 2)) / (np.arange(1, value.size + 1) + 1)
    middle_before, spread_before = np.append(0.5, middle[:-1]), np.append(0.25, spread[:-1])
    spent = math.log(2 / (1 - level))
    bet = np.minimum(size * np.sqrt(2 * spent / (np.maximum(spread_before, 1e-12) * seen * np.log1p(seen))), 0.5)
    price = 4 * (value - middle_before) ** 2 * (-np.log1p(-bet) - bet) / 4
    total = np.cumsum(bet)
    centre, reach = np.cumsum(bet * value) / total, (spent + np.cumsum(price)) / total
    return np.maximum(centre - reach, 0.0), np.minimum(centre + reach, 1.0)


def bounded_sequence(values: Floats, lowest: float, highest: float, level: float = 0.95) -> Statistic:
    """Mean with a confidence sequence that leans on nothing but the ends of the scale: no large numbers, no normality.

    Wider than `confidence_sequence`, but it holds from the first answer on.

    Parameters
    ----------
    values : (n,) float within lowest..highest
        In an order that does not depend on the values and does not change when answers are added.  The order within
        a release is random: then each answer is, given those before it, a fresh draw, whichever way they were
        shuffled, so the guarantee holds at every row and thus at every release.
    lowest, highest : float
        Ends of the scale of the scores: of gaps -(m - 1) and m - 1.

    Returns
    -------
    Statistic
        The plain mean, and the intersection of the intervals at all looks so far.  Undefined without answers.  Flags:
        ``mean_outside`` (the interval had to be stretched to hold the plain mean), ``moving_mean`` (the intervals
        exclude one another, which one and the same mean lets happen once in 20 waves at most; the last look's interval
        alone is given).

    Raises
    ------
    ValueError
        When a value lies off the scale.

    References
    ----------
    Waudby-Smith, I. and Ramdas, A. (2024). Estimating means of bounded random variables by betting. JRSS B 86, 1-27.
    """
    n, method, width = int(values.size), "mean, bounded confidence sequence", highest - lowest
    if n == 0:
        return undefined("no_respondents", 0, method, level)
    if float(values.min()) < lowest - 1e-9 or float(values.max()) > highest + 1e-9:
        raise ValueError(f"scores must lie within {lowest} and {highest}")
    below, above = bounded_limits(np.clip((values - lowest) / width, 0.0, 1.0), level)
    mean, low, high = float(values.mean()), float(below.max()), float(above.min())
    flags: tuple[str, ...] = ()
    if low > high:
        low, high, flags = float(below[-1]), float(above[-1]), ("moving_mean",)
    low, high = lowest + width * low, lowest + width * high
    if not low - 1e-9 * width <= mean <= high + 1e-9 * width:
        flags = (*flags, "mean_outside")
    return Statistic(mean, min(low, mean), max(high, mean), level, n, method, flags)
