"""Control charts of a series of gaps: has the process changed, or is it only noise?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.thresholds import DEFAULT, Thresholds

Floats = NDArray[np.float64]

Rule = Literal["beyond", "one_side", "near_limit"]
"""A point beyond a limit; eight in a row on one side; three of four nearer to a limit than to the centre."""


@dataclass(frozen=True)
class Signal:
    """A point (from 0) that a rule points at, and the side."""

    at: int
    rule: Rule
    above: bool


@dataclass(frozen=True)
class ControlChart:
    """Limits of a chart of single values with the signals they give."""

    centre: float
    moving_range: float  # mean moving range of the baseline
    low: tuple[float, ...]
    high: tuple[float, ...]
    range_limit: float | None  # of the moving range; XmR only
    signals: tuple[Signal, ...]
    baseline: int  # points behind the limits
    flags: tuple[str, ...]


def xmr(series: Sequence[float], baseline: int | None = None, thresholds: Thresholds = DEFAULT) -> ControlChart | None:
    """Chart of single values with natural process limits.

    Parameters
    ----------
    series : sequence of float
        Values of periods in order, from periods with about the same number of answers.
    baseline : int, optional
        Number of first points that set the limits, frozen at a corrective action; all when not given.

    Returns
    -------
    ControlChart or None
        ``centre -+ 2.66 MRbar``; limit of the moving range 3.267 MRbar.  None with fewer than `xmr_least` points in the
        baseline; flagged ``short_baseline`` below `xmr_baseline`.

    References
    ----------
    Wheeler, D. J. (2000). Understanding Variation, 2nd ed. Shewhart, W. A. (1931).
    """
    values = np.asarray(series, np.float64)
    base = values if baseline is None else values[:baseline]
    if base.size < thresholds.xmr_least:
        return None
    centre, moving = float(base.mean()), float(np.abs(np.diff(base)).mean())
    reach = np.full(values.size, thresholds.xmr_limit * moving)
    return _chart(values, centre, moving, reach, thresholds.xmr_range * moving, base.size, thresholds)


def laney(
    means: Sequence[float],
    variances: Sequence[float],
    sizes: Sequence[int],
    baseline: int | None = None,
    thresholds: Thresholds = DEFAULT,
) -> ControlChart | None:
    """Chart of period means whose periods hold different numbers of answers.

    Parameters
    ----------
    means, variances : sequences of float
        Mean of each period, and the variance of its answers (divisor n - 1).
    sizes : sequence of int
        Answers of each period, at least 2.
    baseline : int, optional
        As for `xmr`.

    Returns
    -------
    ControlChart or None
        ``centre -+ 3 s/sqrt(n_t) sigma_z``: centre the mean of all answers of the baseline, s their pooled SD within
        periods, sigma_z the mean moving range of z over 1.128: sampling error, widened by what periods differ beyond
        it.  None with fewer than `xmr_least` periods in the baseline, or without any spread within them.

    Notes
    -----
    Each period's own variance is no good for its weight or its limits: skewed answers make a low mean and a large
    variance go together, so that the centre is drawn to the good side and quiet periods give signals.

    References
    ----------
    Laney, D. B. (2002). Improved control charts for attributes. Quality Engineering 14, 531-537.
    """
    values, n = np.asarray(means, np.float64), np.asarray(sizes, np.float64)
    size = values.size if baseline is None else min(baseline, values.size)
    if size < thresholds.xmr_least:
        return None
    degrees = n[:size] - 1
    pooled = float((degrees * np.asarray(variances, np.float64)[:size]).sum() / degrees.sum())
    if not pooled > 0:
        return None
    centre = float((n[:size] * values[:size]).sum() / n[:size].sum())
    spread = np.sqrt(pooled / n)
    moving = float(np.abs(np.diff(((values - centre) / spread)[:size])).mean())
    return _chart(values, centre, moving, 3 * moving / 1.128 * spread, None, size, thresholds)


def _chart(
    values: Floats, centre: float, moving: float, reach: Floats, limit: float | None, size: int, thresholds: Thresholds
) -> ControlChart:
    """The chart with its signals."""
    low, high = centre - reach, centre + reach
    flags: tuple[str, ...] = ("short_baseline",) if size < thresholds.xmr_baseline else ()
    flags += ("no_variation",) if not moving > 0 else ()
    found = signals(values, centre, low, high)
    return ControlChart(centre, moving, tuple(low.tolist()), tuple(high.tolist()), limit, found, size, flags)


def signals(values: Floats, centre: float, low: Floats, high: Floats) -> tuple[Signal, ...]:
    """Points that a rule points at; of several rules the first in their order."""
    found: dict[int, Signal] = {}
    side = np.sign(values - centre)
    near = np.where(side > 0, values - centre > (high - centre) / 2, centre - values > (centre - low) / 2)
    for t in range(values.size):
        above = bool(side[t] > 0)
        if values[t] < low[t] or values[t] > high[t]:
            found[t] = Signal(t, "beyond", above)
        elif t >= 7 and side[t] != 0 and bool((side[t - 7 : t + 1] == side[t]).all()):
            found[t] = Signal(t, "one_side", above)
        elif side[t] != 0 and near[t] and t >= 2:
            window = slice(max(0, t - 3), t + 1)
            if int((near[window] & (side[window] == side[t])).sum()) >= 3:
                found[t] = Signal(t, "near_limit", above)
    return tuple(found.values())


@dataclass(frozen=True)
class Ewma:
    """Exponentially weighted means with the half widths of their limits round `start`."""

    start: float
    sigma: float
    values: tuple[float, ...]
    half_width: tuple[float, ...]
    signals: tuple[int, ...]


def ewma(
    series: Sequence[float], start: float | None = None, sigma: float | None = None, thresholds: Thresholds = DEFAULT
) -> Ewma | None:
    """Exponentially weighted moving average with limits that widen to their final distance.

    Parameters
    ----------
    series : sequence of float
    start : float, optional
        Target that the average starts from; the mean of the series when not given.
    sigma : float, optional
        SD of one point; mean moving range over 1.128 when not given.

    Returns
    -------
    Ewma or None
        ``z_t = w x_t + (1 - w) z_(t-1)``, limits ``L sigma sqrt(w/(2 - w) (1 - (1 - w)^(2t)))``.  None with fewer than
        two points.

    References
    ----------
    Roberts, S. W. (1959). Technometrics 1, 239-250.  Lucas, J. M. and Saccucci, M. S. (1990). Technometrics 32, 1-12.
    """
    values = np.asarray(series, np.float64)
    if values.size < 2:
        return None
    centre = float(values.mean()) if start is None else start
    spread = float(np.abs(np.diff(values)).mean()) / 1.128 if sigma is None else sigma
    w, z, smooth = thresholds.ewma_weight, centre, []
    for x in values.tolist():
        z = w * x + (1 - w) * z
        smooth.append(z)
    widths = [
        thresholds.ewma_width * spread * math.sqrt(w / (2 - w) * (1 - (1 - w) ** (2 * t)))
        for t in range(1, values.size + 1)
    ]
    beyond = tuple(t for t, (z, width) in enumerate(zip(smooth, widths, strict=True)) if abs(z - centre) > width)
    return Ewma(centre, spread, tuple(smooth), tuple(widths), beyond)
