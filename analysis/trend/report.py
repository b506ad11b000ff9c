"""The course of a wave: control chart over its periods, and intervals that allow for looking often."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from analysis.disclosure import complementary
from analysis.frequencies import Frequencies, mean_statistic
from analysis.results import Statistic
from analysis.study import Score, Scored, Study, within
from analysis.thresholds import DEFAULT, Thresholds
from analysis.trend.control import ControlChart, Ewma, ewma, laney
from analysis.trend.sequences import bounded_sequence, confidence_sequence


@dataclass(frozen=True)
class Period:
    """One period of the wave."""

    first_day: int
    last_day: int
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
    bounded: dict[str, Statistic]  # the same without large-sample theory: wider, and valid from the first answer on


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
    main = within(scores.main, ("overall", "stage", "dimension"))
    sequences = {
        name: confidence_sequence(one.frequencies(), planned, thresholds.level, thresholds)
        for name, one in main.items()
    }
    m = study.matrix.layout.points
    ends = (1.0 - m, m - 1.0) if scores.gap else (1.0, float(m))
    bounded = {name: bounded_sequence(one.values()[one.known], *ends, thresholds.level) for name, one in main.items()}
    found, length = _periods(study, overall, max(floor, 2))
    means = [part.mean() for part in found.values()]
    chart = laney(means, [part.variance() for part in found.values()], [part.n for part in found.values()], None,
                  thresholds)  # fmt: skip
    smooth = ewma(means, None, None, thresholds) if len(means) >= thresholds.xmr_least else None
    periods = tuple(
        Period(*span, mean_statistic(part, thresholds.level, method="mean of the period"))
        for span, part in found.items()
    )
    return Trend(length, periods, chart, smooth, study.closed, sequences, bounded)


def _periods(study: Study, overall: Score, floor: int) -> tuple[dict[tuple[int, int], Frequencies], int]:
    """Scores of the periods that may be shown, by their first and last day.

    Weeks end with the month, and what is hidden of a month is nothing or a group: one may look at a month by itself.
    """
    if study.days is None or not study.n:
        return {}, 0
    start = int(study.days.min())
    sizes = np.bincount(study.days - start)
    length = 7 if float(np.median(sizes[sizes > 0])) < 2 * floor else 1
    found: dict[tuple[int, int], Frequencies] = {}
    for month in _months(start, int(study.days.max())):
        spans = {}
        for first in range(month[0] - (month[0] - start) % length, month[1] + 1, length):
            span = max(first, month[0]), min(first + length - 1, month[1])
            spans[span] = overall.frequencies((study.days >= span[0]) & (study.days <= span[1]))
        places = {str(at): span for at, span in enumerate(spans) if spans[span].n}
        hidden = complementary({at: spans[span].n for at, span in places.items()}, floor)
        found |= {span: spans[span] for at, span in places.items() if at not in hidden}
    return found, length


def _months(first: int, last: int) -> list[tuple[int, int]]:
    """First and last day of the parts of these days that lie in one month."""
    found = []
    while first <= last:
        day = date.fromordinal(first)
        following = date(day.year + day.month // 12, day.month % 12 + 1, 1).toordinal()
        found.append((first, min(last, following - 1)))
        first = following
    return found
