"""The course of a wave: control chart over its periods, and intervals that allow for looking often."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.disclosure import complementary
from analysis.frequencies import mean_statistic
from analysis.results import Statistic
from analysis.study import Score, Scored, Study, within
from analysis.thresholds import DEFAULT, Thresholds
from analysis.trend.control import ControlChart, Ewma, ewma, laney
from analysis.trend.sequences import confidence_sequence


@dataclass(frozen=True)
class Period:
    """One period of the wave."""

    first_day: int
    mean: Statistic


@dataclass(frozen=True)
class Trend:
    """How the overall score went, and what may be said while the wave is open."""

    length: int  # days in a period; 0 when days are not known
    periods: tuple[Period, ...]  # only those that may be shown
    chart: ControlChart | None
    smooth: Ewma | None
    closed: bool
    sequences: dict[str, Statistic]  # by score: valid however often one looks; the intervals to read before closing


def trend(study: Study, scores: Scored, thresholds: Thresholds = DEFAULT, floor: int = 1) -> Trend:
    """The course of the overall score.

    Parameters
    ----------
    study : Study
    scores : Scored
    floor : int
        Fewest respondents of a period that is shown.

    Returns
    -------
    Trend
        Periods of a day, or of a week where the days hold too few; without days, none.
    """
    overall = scores.main["overall"]
    planned = study.planned or max(study.n, thresholds.sequence_start)
    sequences = {
        name: confidence_sequence(one.frequencies(), planned, thresholds.level, thresholds)
        for name, one in within(scores.main, ("overall", "stage", "dimension")).items()
    }
    periods, length = _periods(study, overall, thresholds, max(floor, 2))
    means = [one.mean.value for one in periods if one.mean.value is not None]
    errors = [_error(one.mean) for one in periods if one.mean.value is not None]
    chart = laney(means, [e or 0.0 for e in errors], None, thresholds) if len(means) > 1 else None
    smooth = ewma(means, None, None, thresholds) if len(means) >= thresholds.xmr_least else None
    return Trend(length, periods, chart, smooth, study.closed, sequences)


def _error(one: Statistic) -> float | None:
    """Standard error behind a t interval, near enough for limits of three of them."""
    from analysis.frequencies import t_quantile

    if one.low is None or one.high is None or one.level is None:
        return None
    return (one.high - one.low) / 2 / t_quantile(one.n - 1, (1 + one.level) / 2)


def _periods(study: Study, overall: Score, thresholds: Thresholds, floor: int) -> tuple[tuple[Period, ...], int]:
    """Means of the periods that may be shown."""
    if study.days is None or not study.n:
        return (), 0
    start = int(study.days.min())
    length = 1
    sizes = np.bincount(study.days - start)
    if float(np.median(sizes[sizes > 0])) < 2 * floor:
        length = 7
    period = (study.days - start) // length
    counts = {str(at): int(n) for at, n in enumerate(np.bincount(period)) if n}
    hidden = complementary(counts, floor)
    found = []
    for name in counts:
        if name not in hidden:
            part = overall.frequencies(period == int(name))
            if part.n >= floor:
                mean = mean_statistic(part, thresholds.level, method="mean of the period")
                found.append(Period(start + int(name) * length, mean))
    return tuple(found), length
