"""Would those who did not answer have answered differently?  Late respondents stand for them: early against late."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.compare.welch import games_howell
from analysis.disclosure import complementary
from analysis.frequencies import Frequencies, mean_statistic
from analysis.results import Reason, Statistic, undefined
from analysis.study import Score, Scored, Study, within
from analysis.thresholds import DEFAULT, Thresholds


@dataclass(frozen=True)
class EarlyLateScore:
    """One score of those who answered early and of those who answered late."""

    early: Statistic  # mean of the first third of the days
    late: Statistic  # of the last third
    difference: Statistic  # late minus early, Welch's t interval
    p: Statistic


@dataclass(frozen=True)
class EarlyLate:
    """The overall score and the stages, early against late."""

    days: int  # from the first answer to the last; 0 when days are not known
    third: int  # whole days in the first third, as in the last
    scores: dict[str, EarlyLateScore]


def early_late(study: Study, scores: Scored, thresholds: Thresholds = DEFAULT, floor: int = 1) -> EarlyLate:
    """Compare the respondents of the first third of the days with those of the last third.

    Parameters
    ----------
    study : Study
    scores : Scored
    floor : int
        Fewest respondents of a third that may be shown.

    Returns
    -------
    EarlyLate
        In points of the scale; a negative difference: the later, the worse, and those who never answered perhaps worse
        still.  Undefined without days ("no_days"), with fewer than three of them ("few_periods"), and with fewer than
        `confirm_floor` respondents in either third ("too_early").  Where the third between them could be had by
        subtraction though it may not be shown, all is hidden ("too_few").

    References
    ----------
    Armstrong, J. S. and Overton, T. S. (1977). Estimating nonresponse bias in mail surveys. J. Marketing Research 14,
    396-402.
    """
    chosen = within(scores.main, ("overall", "stage"))
    if study.days is None or not study.n:
        why: Reason = "no_respondents" if study.days is not None else "no_days"
        return EarlyLate(0, 0, {name: _nothing(why, 0, 0, thresholds) for name in chosen})
    since = study.days.astype(np.int64) - int(study.days.min())
    days = int(since.max()) + 1
    third = days // 3
    parts = {"early": since < third, "late": since >= days - third}
    parts["middle"] = ~(parts["early"] | parts["late"])
    return EarlyLate(days, third, {name: _compared(one, parts, third, thresholds, floor) for name, one in
                                   chosen.items()})  # fmt: skip


def _compared(
    score: Score, parts: dict[str, NDArray[np.bool_]], third: int, thresholds: Thresholds, floor: int
) -> EarlyLateScore:
    """One score."""
    found = {name: score.frequencies(part) for name, part in parts.items()}
    early, late = found["early"], found["late"]
    counts = {name: one.n for name, one in found.items() if one.n}
    why: Reason | None = None
    if third == 0:
        why = "few_periods"
    elif set(counts) & complementary(counts, floor):
        why = "too_few"
    elif min(early.n, late.n) < thresholds.confirm_floor:
        why = "too_early"
    if why is not None:
        shown = (0, 0) if why == "too_few" else (early.n, late.n)
        return _nothing(why, *shown, thresholds)
    difference, p = games_howell(late, early, 2, thresholds.level)
    return EarlyLateScore(_mean(early, thresholds), _mean(late, thresholds), difference, p)


def _mean(found: Frequencies, thresholds: Thresholds) -> Statistic:
    """Mean of one third."""
    return mean_statistic(found, thresholds.level, method="mean")


def _nothing(why: Reason, early: int, late: int, thresholds: Thresholds) -> EarlyLateScore:
    """No comparison, and why."""
    level = thresholds.level
    return EarlyLateScore(
        undefined(why, early, "mean", level), undefined(why, late, "mean", level),
        undefined(why, early + late, "mean difference, Welch t", level), undefined(why, early + late, "Welch t"),
    )  # fmt: skip
