"""The zone of tolerance: where perception lies between the lowest acceptable and the desired level."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.frequencies import Frequencies, mean_statistic, t_quantile, wilson
from analysis.results import Reason, Statistic, undefined

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Zone:
    """One item, cell or dimension in three columns, over complete triples."""

    adequacy: Statistic  # MSA: perception minus minimum
    superiority: Statistic  # MSS: perception minus desired level
    width: Statistic  # desired level minus minimum
    position: Statistic  # of perception in the zone: 0 at the minimum, 1 at the desired level; a ratio of means
    below: Statistic  # share of ratings below the minimum
    within: Statistic
    above: Statistic
    inconsistent: Statistic  # share with the minimum above the desired level


def zone_of_tolerance(minimum: Floats, desired: Floats, perceived: Floats, level: float = 0.95) -> Zone:
    """The zone of one item (or of composite scores).

    Parameters
    ----------
    minimum, desired, perceived : (n,) float
        Levels in scale points; NaN is missing, and a respondent counts with all three.
    level : float

    Returns
    -------
    Zone
        Means with t intervals, shares with Wilson's.  `position` has the linearised interval of a ratio and is
        undefined ("no_variance") where the mean zone has no width.

    References
    ----------
    Zeithaml, V. A., Berry, L. L. and Parasuraman, A. (1993). The nature and determinants of customer expectations of
    service. J. Acad. Marketing Sci. 21(1), 1-12.
    """
    whole = ~(np.isnan(minimum) | np.isnan(desired) | np.isnan(perceived))
    a, d, p = minimum[whole], desired[whole], perceived[whole]
    n = int(a.size)
    none: Reason = "no_complete_pairs"

    def mean(values: Floats, method: str) -> Statistic:
        return mean_statistic(Frequencies.of(values), level, none, method)

    def share(chosen: NDArray[np.bool_]) -> Statistic:
        return wilson(int(chosen.sum()), n, level, reason=none)

    return Zone(
        mean(p - a, "perception minus minimum"),
        mean(p - d, "perception minus desired"),
        mean(d - a, "desired minus minimum"),
        position_in_zone(p - a, d - a, level),
        share(p < a),
        share((p >= a) & (p <= d)),
        # Where the minimum lies above the desired level a rating may be both; it is counted as below.
        share((p > d) & (p >= a)),
        share(a > d),
    )


def position_in_zone(adequacy: Floats, width: Floats, level: float = 0.95) -> Statistic:
    """Mean adequacy over mean width of the zone, (n,) each, with the linearised t interval of a ratio."""
    n, method = int(adequacy.size), "position in the zone, ratio of means"
    if n == 0:
        return undefined("no_complete_pairs", 0, method, level)
    middle = float(width.mean())
    if not middle > 1e-12:
        return undefined("no_variance", n, method, level)
    ratio = float(adequacy.mean()) / middle
    if n == 1:
        return Statistic(ratio, None, None, level, n, method, (), "one_respondent")
    left = (adequacy - ratio * width) / middle
    se = math.sqrt(float((left**2).sum()) / (n - 1) / n)
    if not se > 1e-12:
        return Statistic(ratio, None, None, level, n, method, (), "no_variance")
    reach = t_quantile(n - 1, (1 + level) / 2) * se
    return Statistic(ratio, ratio - reach, ratio + reach, level, n, method)
