"""How many answers the wave has, what they resolve, and what the next one needs."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.results import Statistic, undefined
from analysis.sampling.planning import change_n, half_width_at, margin_n, mean_n, minimum_effect_n
from analysis.sampling.shortform import Preview, StageDesign, preview
from analysis.study import Scored, Study, within
from analysis.thresholds import DEFAULT, Thresholds


@dataclass(frozen=True)
class Planned:
    """One score."""

    sd: Statistic
    reached: Statistic  # half width of the interval with the answers there are
    for_quarter: int | None  # answers for +-0.25 points of seven
    for_delta: int | None  # to show a gap half a point beyond the smallest that matters, 80 %
    for_change_fresh: int | None  # in each wave, for the target change
    for_change_panel: int | None  # the same people, r = .5

    def withheld(self) -> Planned:
        """Without the numbers that follow from a spread that may not be shown."""
        return Planned(self.sd, self.reached, None, None, None, None)


@dataclass(frozen=True)
class Sampling:
    """Precision reached, and numbers for the next wave."""

    scores: dict[str, Planned]
    share_five: int  # answers for a share within five points of a hundred
    short_form: Preview | None


def sampling(study: Study, scores: Scored, thresholds: Thresholds = DEFAULT) -> Sampling:
    """Sample sizes from the spread that was found.

    Parameters
    ----------
    study : Study
    scores : Scored

    Returns
    -------
    Sampling
        A score without spread has no numbers.
    """
    points = study.matrix.layout.points
    found = {}
    for name, one in within(scores.main, ("overall", "stage", "dimension")).items():
        part = one.frequencies()
        sd = part.sd() if part.n > 1 else 0.0
        if sd <= 1e-9:
            none = undefined("no_variance" if part.n > 1 else "one_respondent" if part.n else "no_respondents", part.n)
            found[name] = Planned(none, none, None, None, None, None)
            continue
        delta = thresholds.delta(points)
        quarter = thresholds.scaled(0.25, points)
        change = thresholds.scaled(thresholds.target_change, points)
        found[name] = Planned(
            Statistic(sd, n=part.n, method="SD"),
            Statistic(half_width_at(part.n, sd, None, thresholds.level), n=part.n, method="half width"),
            _up(mean_n(quarter, sd, None, thresholds.level)),
            minimum_effect_n(-2 * delta, delta, sd, thresholds.power),
            change_n(change, sd, thresholds.power),
            change_n(change, sd, thresholds.power, correlation=0.5),
        )
    short = None
    if study.lite:
        short = preview(
            study.planned or study.n, {name: StageDesign(*one) for name, one in study.lite.items()}, thresholds
        )
    return Sampling(found, _up(margin_n(0.05, None, 0.5, thresholds.level)), short)


def _up(n: float) -> int:
    """The next whole number."""
    return int(-(-n // 1))
