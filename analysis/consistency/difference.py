"""Reliability of the difference of two scores, and whether one of them hardly varies."""

from __future__ import annotations

import math
from dataclasses import dataclass

from analysis.results import Statistic, undefined


@dataclass(frozen=True)
class DifferenceScore:
    """Perception minus expectation of one scale as a measure of individuals."""

    reliability: Statistic  # r_D, flagged "groups_only" below the threshold; group means may be reported anyway
    alpha_of_gaps: Statistic  # alpha of the item gaps, which needs no errors that do not correlate
    correlation: Statistic  # of the perception and the expectation scores, r_PE
    variance_ratio: Statistic  # variance of the expectation by that of the perception scores
    gap_with_expectation: Statistic  # correlation of P - E with E
    gap_with_perception: Statistic  # correlation of P - E with P


def difference_reliability(sd_p: float, sd_e: float, rel_p: float, rel_e: float, r: float) -> float:
    """Reliability of P - E; NaN when the difference has no variance.

    Parameters
    ----------
    sd_p, sd_e : float
        Standard deviations of both scores, at least 0.
    rel_p, rel_e : float
        Their reliabilities.
    r : float
        Their correlation.

    Returns
    -------
    float
        ``(s_P^2 r_PP + s_E^2 r_EE - 2 r s_P s_E) / (s_P^2 + s_E^2 - 2 r s_P s_E)``; below 0 when the scores correlate
        more than their reliabilities allow.

    References
    ----------
    Johns, G. (1981). Difference score measures of organizational behavior variables. Organ. Behav. Hum. Perf. 27,
    443-463; Peter, J. P., Churchill, G. A. and Brown, T. J. (1993). J. Consumer Res. 19, 655-662.
    """
    shared = 2 * r * sd_p * sd_e
    below = sd_p**2 + sd_e**2 - shared
    if below <= 1e-12 * max(sd_p**2 + sd_e**2, 1e-300):
        return math.nan
    return (sd_p**2 * rel_p + sd_e**2 * rel_e - shared) / below


def difference_score(
    variances: tuple[float, float, float],
    n: int,
    alphas: tuple[Statistic, Statistic, Statistic],
    least: float = 0.70,
) -> DifferenceScore:
    """Everything about the difference of one scale.

    Parameters
    ----------
    variances : (perception, expectation, difference)
        Over the same n respondents.
    n : int
    alphas : (perception, expectation, gap)
        Cronbach's alpha of the items of both columns, and of the item gaps.
    least : float
        The reliability from which on individuals may be compared.

    Returns
    -------
    DifferenceScore
        Undefined with the reason of the alpha that is missing, "no_variance" without variance of the difference.  A
        reliability outside [0, 1] is shown with the flag ``inadmissible``.
    """
    p, e, d = variances
    rel_p, rel_e, gaps = alphas
    covariance = (p + e - d) / 2
    r = _ratio(covariance, math.sqrt(max(p * e, 0.0)))
    method = "reliability of the difference"
    # A column without variance has no alpha and adds nothing to the formula.
    known_p, known_e = (0.0 if v <= 0 else rel.value for v, rel in ((p, rel_p), (e, rel_e)))
    if known_p is None or known_e is None:
        missing = rel_p if known_p is None else rel_e
        found = undefined(missing.reason or "no_variance", n, method)
    else:
        value = difference_reliability(math.sqrt(p), math.sqrt(e), known_p, known_e, 0.0 if math.isnan(r) else r)
        found = _number(value, n, method)
    if found.value is not None and not 0 <= found.value <= 1:
        found = found.flagged("inadmissible")
    if found.value is not None and found.value < least:
        found = found.flagged("groups_only")
    return DifferenceScore(
        found,
        gaps,
        _number(r, n, "correlation of perception and expectation"),
        _number(_ratio(e, p), n, "variance ratio, expectation by perception"),
        _number(_ratio(covariance - e, math.sqrt(max(d * e, 0.0))), n, "correlation of gap and expectation"),
        _number(_ratio(p - covariance, math.sqrt(max(d * p, 0.0))), n, "correlation of gap and perception"),
    )


def _ratio(above: float, below: float) -> float:
    """A quotient, NaN when there is nothing below the line."""
    return above / below if below > 1e-12 else math.nan


def _number(value: float, n: int, method: str) -> Statistic:
    """A value, or that there was no variance."""
    return undefined("no_variance", n, method) if math.isnan(value) else Statistic(value, n=n, method=method)
