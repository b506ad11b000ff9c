"""The gaps of a tally at every level: items, cells, dimensions, stages, and the whole."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from analysis.frequencies import Frequencies, mean_statistic, t_interval, t_quantile, t_tail
from analysis.gaps import GapTests, Levels, adjusted, gap_tests
from analysis.mergeable import Floats
from analysis.plan import Composite
from analysis.results import Reason, Statistic, undefined
from analysis.tally import Tally
from analysis.thresholds import DEFAULT

NOBODY = Frequencies(np.zeros(0), np.zeros(0, np.int64))
NO_IMPORTANCE = "weighted by importance"


def no_gap(tally: Tally) -> Reason:
    """Why a gap without any pair has none."""
    if "gap" not in tally.pairs:
        return "no_expectation"
    return "no_complete_pairs" if tally.n else "no_respondents"


def item_gaps(tally: Tally, level: float, delta: float | None = None) -> dict[str, GapTests]:
    """Gap of every item over its complete pairs, adjusted over all items."""
    found = {}
    for j, name in enumerate(tally.layout.items):
        columns = {column: tally.item_answers(column, j) for column in tally.answers}
        contrasts = {contrast: tally.item_differences(contrast, j) for contrast in tally.pairs}
        paired = tally.item_paired("gap", j) if contrasts else None
        found[name] = _tests(tally, columns, contrasts, paired, (), level, delta)
    return adjusted(found)


def composite_gaps(tally: Tally, composite_level: str, level: float, delta: float | None = None) -> dict[str, GapTests]:
    """Gaps of the cells, dimensions or stages: means over respondents with a score, adjusted over all of them."""
    chosen = [part for part in tally.plan.composites if part.level == composite_level]
    return adjusted({part.id: composite_gap(tally, part, level, delta) for part in chosen})


def composite_gap(tally: Tally, composite: Composite, level: float, delta: float | None = None) -> GapTests:
    """Gap of one composite."""
    columns = {column: tally.composite(column, composite) for column in tally.answers}
    contrasts = {contrast: tally.composite(contrast, composite) for contrast in tally.pairs}
    paired = None
    if contrasts:
        paired = (tally.composite("gap.reference", composite), tally.composite("gap.perception", composite))
    found = _tests(tally, columns, contrasts, paired, composite.items, level, delta)
    return _of_items(found, items_mean(tally, composite.items), level)


def overall_gap(tally: Tally, level: float, delta: float | None = None) -> GapTests:
    """Mean of the dimension means, of respondents who have them all."""
    columns = {column: tally.overall_scores(column) for column in tally.answers if column in tally.overall}
    contrasts = {contrast: tally.overall_scores(contrast) for contrast in tally.pairs}
    paired = None
    if contrasts:
        paired = (tally.overall_scores("gap.reference"), tally.overall_scores("gap.perception"))
    items = tuple(range(len(tally.layout.items)))
    found = _tests(tally, columns, contrasts, paired, items, level, delta)
    return adjusted({"overall": _of_items(found, items_mean(tally, items, by_dimension=True), level)})["overall"]


@dataclass(frozen=True)
class ItemsMean:
    """Mean of the gaps of several items, each by all who rated it."""

    value: float
    se: float
    df: float


def items_mean(tally: Tally, items: tuple[int, ...], by_dimension: bool = False) -> ItemsMean | None:
    """Mean of item gaps in a short form, where not everybody was asked every item.

    What each respondent was asked is weighted by lot there: core items would weigh more than the others.

    Parameters
    ----------
    items : places of the items
    by_dimension : bool
        Whether the means of the dimensions are averaged, rather than the items.

    Returns
    -------
    ItemsMean or None
        ``sum_j w_j G_j`` with variance ``sum_jk w_j w_k c_jk n_jk/(n_j n_k)``, c_jk and n_jk over those who rated both;
        df is that of the item with the fewest pairs.  None where everybody was asked everything, in three columns, or
        with fewer than two pairs of an item.

    References
    ----------
    Graham, J. W., Taylor, B. J., Olchowski, A. E. and Cumsille, P. E. (2006). Planned missing data designs in
    psychological research. Psychological Methods 11, 323-343.
    """
    places = list(items)
    if "gap" not in tally.pairs or "adequacy" in tally.pairs or not int(tally.answers["perception"][places, -1].sum()):
        return None
    moments, layout = tally.pairwise["gap"], tally.layout
    own = np.diag(moments.n)[places].astype(np.float64)
    if not own.size or float(own.min()) < 2:
        return None
    weights = np.full(len(places), 1 / len(places))
    if by_dimension:
        of = [layout.dimension_of[j] for j in places]
        weights = np.array([1 / of.count(one) for one in of]) / len(set(of))
    covariance = np.nan_to_num(moments.covariance()[np.ix_(places, places)])
    both = moments.n[np.ix_(places, places)]
    means = np.diag(moments.sums)[places] / own
    variance = float(weights @ (covariance * both / np.outer(own, own)) @ weights)
    return ItemsMean(float(weights @ means), math.sqrt(max(variance, 0.0)), float(own.min()) - 1)


def short_form_gap(mean: ItemsMean, n: int, level: float) -> Statistic:
    """The mean of item gaps with its interval; n respondents have a score."""
    method, flags = "mean of item gaps, short form", ("short_form",)
    if mean.se <= 0:
        return Statistic(mean.value, None, None, level, n, method, flags, "no_variance")
    reach = t_quantile(mean.df, (1 + level) / 2) * mean.se
    return Statistic(mean.value, mean.value - reach, mean.value + reach, level, n, method, flags)


def _of_items(found: GapTests, mean: ItemsMean | None, level: float) -> GapTests:
    """The same tests with the mean of the items' gaps in front, in a short form."""
    if mean is None or found.gap.value is None:
        return found
    n, method = found.gap.n, "t of the mean of item gaps"
    found = replace(found, gap=short_form_gap(mean, n, level))
    if mean.se <= 0:
        return found
    t = mean.value / mean.se
    p = Statistic(2 * t_tail(mean.df, -abs(t)), n=n, method=f"{method}, two-sided")
    return replace(found, t=Statistic(t, n=n, method=method), p_t=p)


def overall_items_gap(tally: Tally, level: float, delta: float | None = None) -> GapTests:
    """Mean over all items, by the half rule on all items."""
    return adjusted({"all": composite_gap(tally, tally.plan.composites[-1], level, delta)})["all"]


def _tests(
    tally: Tally,
    columns: dict[str, Frequencies],
    contrasts: dict[str, Frequencies],
    paired: tuple[Frequencies, Frequencies] | None,
    items: tuple[int, ...],
    level: float,
    delta: float | None,
) -> GapTests:
    """The tests of one gap, with the levels beside it; `delta` is the default for the scale when not given."""
    reason, three = no_gap(tally), "minimum" in columns
    levels = Levels(
        mean_statistic(columns["reference"], level) if "reference" in columns else undefined("no_expectation"),
        mean_statistic(columns["perception"], level),
        mean_statistic(columns["minimum"], level) if three else None,
        mean_statistic(contrasts["adequacy"], level, reason, "mean difference") if three else None,
        _pooled(tally, items, reason) if items else None,
    )
    differences = contrasts.get("gap", NOBODY)
    sds = (paired[0].sd(), paired[1].sd()) if paired is not None and differences.n > 1 else None
    delta = DEFAULT.delta(tally.layout.points) if delta is None else delta
    return gap_tests(differences, levels, sds, level, reason, delta)


def _pooled(tally: Tally, items: tuple[int, ...], reason: Reason) -> Statistic:
    """Mean over all pairs of the items.  Without an interval: pairs of one respondent are not independent."""
    method = "mean over pairs"
    if "gap" not in tally.pairs:
        return undefined(reason, 0, method)
    points = tally.scale
    table = tally.pairs["gap"][list(items)].sum(axis=0)
    pairs = int(table.sum())
    if pairs == 0:
        return undefined(reason, 0, method)
    return Statistic(int((table * (points[None, :] - points[:, None])).sum()) / pairs, n=pairs, method=method)


def weighted_score(tally: Tally, name: str, level: float) -> Statistic:
    """Overall gap or perception weighted by importance: by each respondent's own points, else by mean ratings.

    Parameters
    ----------
    name : "gap" or "perception"
    """
    if name == "gap" and "gap" not in tally.pairs:
        return undefined("no_expectation", 0, NO_IMPORTANCE, level)
    if name in tally.weighted:
        found, method = tally.weighted[name], "mean of scores weighted by own points"
        if found.n == 0:
            reason: Reason = "no_complete_cases" if tally.n else "no_respondents"
            return undefined(reason, 0, method, level)
        if found.n == 1:
            return Statistic(found.mean(), None, None, level, 1, method, (), "one_respondent")
        return t_interval(found.mean(), found.variance(), found.n, level, method)
    if name in tally.rated_importance:
        return _rated_score(tally, name, level)
    return undefined("no_importance", 0, NO_IMPORTANCE, level)


def rated_weights(tally: Tally) -> Floats | None:
    """Mean rated importance of each dimension (mean over respondents of their means); None when one has no rating."""
    if "importance" not in tally.answers:
        return None
    found = [tally.composite("importance", part) for part in tally.plan.composites if part.level == "dimension"]
    return np.array([one.mean() for one in found]) if all(one.n for one in found) else None


def _rated_score(tally: Tally, name: str, level: float) -> Statistic:
    """Dimension means weighted by mean rated importance, with a linearised interval from complete respondents.

    With weights ``w_d = I_d / sum I`` and score ``T = sum w_d G_d``, a respondent counts
    ``sum w_d g_d + sum (G_d - T)/sum I x i_d``; its variance over n gives the standard error.
    """
    method = "dimension means weighted by mean rated importance"
    scores = [tally.composite(name, part) for part in tally.plan.composites if part.level == "dimension"]
    importance = rated_weights(tally)
    if importance is None or not all(one.n for one in scores):
        return undefined("no_complete_cases" if tally.n else "no_respondents", 0, method, level)
    means = np.array([one.mean() for one in scores])
    weights = importance / importance.sum()
    value = math.fsum((weights * means).tolist())
    moments = tally.rated_importance[name]
    if moments.n < 2:
        return Statistic(value, None, None, level, moments.n, method, (), "no_complete_cases")
    gradient = np.concatenate([weights, (means - value) / importance.sum()])
    variance = float(gradient @ moments.covariance() @ gradient) / tally.plan.moment_unit**2
    return t_interval(value, max(variance, 0.0), moments.n, level, f"{method}, linearised")
