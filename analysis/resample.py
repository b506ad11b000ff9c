"""BCa bootstrap of a mean, drawn from how often each value occurs: a million answers cost no more than a few."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.frequencies import Frequencies
from analysis.results import Statistic, undefined

Floats = NDArray[np.float64]

MOST_VALUES, FEW_DRAWS = 400, 2000
"""So many different values come with so many respondents that the mean is all but normal: fewer resamples do."""


def mean_acceleration(scores: Frequencies) -> float:
    """The BCa acceleration of a mean: a sixth of the skewness of the jackknife values, over sqrt(n); 0 without spread.

    ``a = sum u^3/(6 (sum u^2)^1.5)`` with u = theta_(.) - theta_(i) = (x_i - mean)/(n - 1).
    """
    away = scores.values - scores.mean()
    square = float((scores.counts * away**2).sum())
    return float((scores.counts * away**3).sum()) / (6 * square**1.5) if square > 1e-200 else 0.0


def jackknife_acceleration(jackknife: Floats) -> float:
    """``sum u^3/(6 (sum u^2)^1.5)`` of the estimates without each observation (or group), u from their mean.

    0 where they do not differ.
    """
    away = jackknife.mean() - jackknife
    square = float((away**2).sum())
    return float((away**3).sum()) / (6 * square**1.5) if square > 1e-200 else 0.0


def bca_limits(theta: float, drawn: Floats, acceleration: float, level: float = 0.95) -> tuple[float, float, bool]:
    """Bias-corrected and accelerated limits of an estimate from its resampled values.

    Parameters
    ----------
    theta : float
        The estimate.
    drawn : (B,) float
        The estimate of each resample.
    acceleration : float
        `mean_acceleration`, or `jackknife_acceleration` of any estimate.
    level : float

    Returns
    -------
    low, high : float
        Quantiles of `drawn` (linear interpolation).
    plain : bool
        Whether the percentile limits had to stand in, since every resample lies on one side of the estimate.

    Notes
    -----
    ``z0 = Phi^-1((#{< theta} + 0.5 #{= theta})/B)``: equal values count half, as rating scales make many of them.

    References
    ----------
    Efron, B. (1987). Better bootstrap confidence intervals. JASA 82, 171-185.
    """
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    same = np.abs(drawn - theta) < 1e-12 * (1 + abs(theta))
    below = (
        float((drawn < theta).sum()) - float((same & (drawn < theta)).sum()) + 0.5 * float(same.sum())
    ) / drawn.size
    plain = not 0 < below < 1
    if not plain:
        z0 = float(special.ndtri(below))
        moved = z0 + special.ndtri(tails)
        tails = special.ndtr(z0 + moved / (1 - acceleration * moved))
    low, high = np.quantile(drawn, tails)
    return float(low), float(high), plain


def bca_mean(scores: Frequencies, rng: np.random.Generator, draws: int = 10_000, level: float = 0.95) -> Statistic:
    """Mean with its BCa bootstrap interval, respondents drawn with replacement.

    Parameters
    ----------
    scores : Frequencies
    rng : Generator
    draws : int
    level : float

    Returns
    -------
    Statistic
        Undefined without respondents; without an interval for one respondent or equal values.  Flag ``percentile`` when
        the correction cannot be made.
    """
    n, method = scores.n, f"mean, BCa bootstrap, {draws} resamples"
    if n == 0:
        return undefined("no_complete_pairs", 0, method, level)
    if scores.values.size == 1:
        return Statistic(scores.mean(), None, None, level, n, method, (), "one_respondent" if n == 1 else "no_variance")
    if scores.values.size > MOST_VALUES:
        draws = min(draws, FEW_DRAWS)
        method = f"mean, BCa bootstrap, {draws} resamples"
    counts = rng.multinomial(n, scores.counts / n, size=draws)
    # The differences from the mean are summed, so that resamples equal to the estimate are seen as equal.
    drawn = scores.mean() + counts @ (scores.values - scores.mean()) / n
    low, high, plain = bca_limits(scores.mean(), drawn, mean_acceleration(scores), level)
    return Statistic(scores.mean(), low, high, level, n, method, ("percentile",) if plain else ())


def exhaustive_means(values: Floats) -> Floats:
    """Means of all n^n resamples of n values, for tests and tiny samples (n at most 7)."""
    if values.size > 7:
        raise ValueError(f"{values.size} values have too many resamples to list; at most 7 are allowed")
    places = np.indices((values.size,) * values.size).reshape(values.size, -1)
    found: Floats = values[places].sum(axis=0) / values.size
    return found
