"""Intervals that hold however often one looks: for waves that are still open."""

from __future__ import annotations

import math

from analysis.frequencies import Frequencies
from analysis.results import Statistic, undefined
from analysis.thresholds import DEFAULT, Thresholds


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
