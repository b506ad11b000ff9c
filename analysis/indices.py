"""The one-number indices that banks compare themselves by: NPS, CSAT, CES; and the index from 0 to 100."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

from analysis.frequencies import Frequencies, mean_statistic, wilson
from analysis.results import Statistic, undefined


@dataclass(frozen=True)
class Indices:
    """Outcomes of the whole service."""

    nps: Statistic | None  # of -100 to 100; None where it was not asked
    promoters: Statistic | None
    detractors: Statistic | None
    csat: Statistic | None  # share in the top two boxes
    ces: Statistic | None  # mean ease
    ces_easy: Statistic | None  # share of 5 and above
    index: Statistic | None  # mean satisfaction from 0 to 100


def net_promoter(answers: Frequencies, level: float = 0.95) -> Statistic:
    """Share of 9 and 10 minus share of 0 to 6, times 100, with a normal interval cut at -100 and 100.

    ``se = 100 sqrt((p + d - (p - d)^2)/n)``.  Undefined without answers; without an interval for one answer or when all
    are of one kind.

    References
    ----------
    Reichheld, F. (2003). The one number you need to grow. Harvard Business Review 81(12), 46-54.
    """
    n, method = answers.n, "net promoter score"
    if n == 0:
        return undefined("no_respondents", 0, method, level)
    promoters, detractors = (answers.count(chosen) / n for chosen in (answers.values >= 9, answers.values <= 6))
    value = 100 * (promoters - detractors)
    spread = promoters + detractors - (promoters - detractors) ** 2
    if n < 2 or spread <= 1e-15:
        return Statistic(value, None, None, level, n, method, (), "one_respondent" if n < 2 else "no_variance")
    reach = float(special.ndtri((1 + level) / 2)) * 100 * math.sqrt(spread / n)
    return Statistic(value, max(-100.0, value - reach), min(100.0, value + reach), level, n, method)


def top_boxes(answers: Frequencies, points: int, boxes: int = 2, level: float = 0.95) -> Statistic:
    """Share who chose one of the top boxes of a scale of `points`, Wilson interval."""
    return wilson(answers.count(answers.values > points - boxes), answers.n, level)


def index_100(answers: Frequencies, points: int, level: float = 0.95) -> Statistic:
    """Mean brought to 0..100: ``100 (mean - 1)/(m - 1)``."""
    if answers.n == 0:
        return undefined("no_respondents", 0, "index 0-100", level)
    scaled = Frequencies(100 * (answers.values - 1) / (points - 1), answers.counts)
    return mean_statistic(scaled, level, method="index 0-100")


def indices(
    recommend: Frequencies | None,
    satisfaction: Frequencies | None,
    effort: Frequencies | None,
    points: int = 7,
    level: float = 0.95,
) -> Indices:
    """All indices whose question was asked (`recommend` on 0..10, the others on 1..points)."""
    return Indices(
        None if recommend is None else net_promoter(recommend, level),
        None if recommend is None else wilson(recommend.count(recommend.values >= 9), recommend.n, level),
        None if recommend is None else wilson(recommend.count(recommend.values <= 6), recommend.n, level),
        None if satisfaction is None else top_boxes(satisfaction, points, 2, level),
        None if effort is None else mean_statistic(effort, level, method="mean ease"),
        None if effort is None else wilson(effort.count(effort.values >= 5), effort.n, level),
        None if satisfaction is None else index_100(satisfaction, points, level),
    )
