"""Consistency of every scale in every column, as one result."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from analysis.consistency.bootstrap import alpha_intervals
from analysis.consistency.difference import DifferenceScore, difference_score
from analysis.consistency.intervals import bonett_interval, duhachek_interval
from analysis.consistency.lambdas import lambda2, lambda6, odd_even, splits
from analysis.consistency.omega import omega_limits, omega_ml, spearman_brown
from analysis.consistency.ordinal import OrdinalConsistency, ordinal_consistency
from analysis.explore.columns import ColumnData
from analysis.explore.matrices import is_singular
from analysis.plan import Composite
from analysis.reliability import alpha_statistic
from analysis.results import Reason, Statistic, undefined
from analysis.tally import Tally
from analysis.thresholds import DEFAULT, Thresholds

Floats = NDArray[np.float64]
Part = TypeVar("Part")


@dataclass(frozen=True)
class SplitHalf:
    """Reliabilities of a sum from its halves."""

    odd_even: Statistic  # correlation of the halves
    spearman_brown: Statistic  # stepped up to the whole
    guttman: Statistic  # Flanagan-Rulon of the same halves
    mean: Statistic  # over the splits of lambda-4
    least: Statistic


@dataclass(frozen=True)
class ScaleConsistency:
    """One scale in one column."""

    alpha: Statistic  # raw, Feldt's interval; flagged "guide:WORD" with the word of `guide_word`
    alpha_bonett: Statistic
    alpha_duhachek: Statistic
    alpha_bootstrap: Statistic | None  # complete cases; None unless an item is skewed and the rows are at hand
    lambda2: Statistic
    lambda4: Statistic
    lambda6: Statistic
    omega: Statistic  # total, one factor by maximum likelihood on covariances
    omega_observed: Statistic  # the same over the observed variance
    ordinal: OrdinalConsistency | None  # None for gaps: a difference is no rating with thresholds
    split_half: SplitHalf


@dataclass(frozen=True)
class ConsistencySet:
    """The scales of one column."""

    total: ScaleConsistency
    dimensions: dict[str, ScaleConsistency]
    stages: dict[str, ScaleConsistency]


@dataclass(frozen=True)
class DifferenceSet:
    """The gap as a difference score, of each scale."""

    total: DifferenceScore
    dimensions: dict[str, DifferenceScore]
    stages: dict[str, DifferenceScore]


@dataclass(frozen=True)
class Consistency:
    """Consistency of all scales."""

    columns: dict[str, ConsistencySet]  # "expectation", "perception", "gap", as far as asked
    difference: DifferenceSet | None  # None without expectation


def guide_word(alpha: Statistic, thresholds: Thresholds = DEFAULT) -> str | None:
    """What a reliability is good for: "low", "research", "dimension", "individual" or "redundant".

    Above .95 the items repeat one another ("redundant"); from .90 on individuals may be judged by it, from .80 on a
    dimension reported, from .70 on groups compared in research.

    References
    ----------
    Nunnally, J. C. and Bernstein, I. H. (1994). Psychometric Theory, 3rd edition, chapter 7.
    """
    if alpha.value is None:
        return None
    if alpha.value > thresholds.alpha_redundant:
        return "redundant"
    bars = ((thresholds.alpha_individual, "individual"), (thresholds.alpha_dimension, "dimension"))
    for bar, word in (*bars, (thresholds.alpha_group, "research")):
        if alpha.value >= bar:
            return word
    return "low"


def consistency(
    tally: Tally,
    columns: Mapping[str, ColumnData],
    rng: np.random.Generator,
    thresholds: Thresholds = DEFAULT,
) -> Consistency:
    """Consistency of expectation, perception and gap: of all items, of each dimension and of each stage.

    Parameters
    ----------
    tally : Tally
        Names the scales; gives the composite scores behind the difference scores.
    columns : name -> ColumnData
        As `analysis.explore.columns.columns` makes them, or with covariances from the EM algorithm in their place.
    rng : numpy.random.Generator
        For the splits of long scales and the bootstrap.

    Returns
    -------
    Consistency
        From covariances by pairs, with the smallest number of respondents behind a pair; what needs complete rows
        (the bootstrap) says so in its method.
    """
    found, sets = {}, {}
    for name, data in columns.items():
        intervals = _bootstrap(tally, data, rng, thresholds)
        ordinal = name != "gap"
        found[name] = {
            scale: _scale(tally, data, items, intervals.get(scale), ordinal, rng, thresholds)
            for scale, items in tally.scales.items()
        }
        sets[name] = ConsistencySet(*_grouped(found[name]))
    difference = None
    if "gap" in found and "gap.perception" in tally.composites:
        scores = {
            scale: _difference(tally, scale, items, {name: part[scale] for name, part in found.items()}, thresholds)
            for scale, items in tally.scales.items()
        }
        difference = DifferenceSet(*_grouped(scores))
    return Consistency(sets, difference)


def _grouped(by_scale: dict[str, Part]) -> tuple[Part, dict[str, Part], dict[str, Part]]:
    """Total, dimensions and stages."""
    parts = [
        {name.partition(":")[2]: one for name, one in by_scale.items() if name.startswith(f"{level}:")}
        for level in ("dimension", "stage")
    ]
    return by_scale["total"], parts[0], parts[1]


def _bootstrap(
    tally: Tally, data: ColumnData, rng: np.random.Generator, thresholds: Thresholds
) -> dict[str, Statistic]:
    """Bootstrap intervals of the scales that have a skewed item, where the rows are at hand."""
    skewed = {
        name: tuple(items)
        for name, items in tally.scales.items()
        if len(items) > 1 and bool((np.abs(data.skew[list(items)]) > thresholds.skew).any())
    }
    if data.values is None or data.present is None or not skewed:
        return {}
    t = thresholds
    return alpha_intervals(data.values, data.present, skewed, rng, t.alpha_draws, t.alpha_rows, t.level)


def _scale(
    tally: Tally,
    data: ColumnData,
    items: tuple[int, ...],
    bootstrap: Statistic | None,
    ordinal: bool,
    rng: np.random.Generator,
    thresholds: Thresholds,
) -> ScaleConsistency:
    """One scale in one column."""
    kept, level = data.answered(items), thresholds.level
    n = data.smallest_n(kept)
    covariance = data.covariance[np.ix_(kept, kept)] if n > 1 else np.zeros((len(kept), len(kept)))
    alpha = alpha_statistic(covariance, n, "alpha", level)
    if alpha.value is None:
        alpha = undefined(_why(tally, data, items, alpha.reason or "no_variance"), n, "alpha", level)
    polychoric = data.polychoric if ordinal else None
    names = {j: tally.layout.items[j] for j in items}
    flags = [f"unanswered_item:{names[j]}" for j in items if j not in kept and data.n[j, j] == 0]
    flags += [f"constant_item:{names[j]}" for j in kept if n > 1 and data.covariance[j, j] <= 0]
    word = guide_word(alpha, thresholds)
    alpha = alpha.flagged(*flags, *([f"guide:{word}"] if word else []))
    omega, observed = _omega(data, kept, n, alpha, level)
    lambda4, halves = _halves(covariance, n, alpha, rng, thresholds)
    return ScaleConsistency(
        alpha,
        *_intervals(alpha, covariance, n, level),
        bootstrap,
        _number(None if alpha.value is None else lambda2(covariance), n, "lambda-2", alpha.reason),
        lambda4,
        _lambda6(data, kept, n, alpha),
        omega,
        observed,
        None if polychoric is None else ordinal_consistency(polychoric, items),
        halves,
    )


def _why(tally: Tally, data: ColumnData, items: tuple[int, ...], reason: Reason) -> Reason:
    """The reason set right: nobody at all, or items of which too few were answered."""
    if len(items) < 2:
        return "one_item"
    if tally.n == 0:
        return "no_respondents"
    answered = int(np.diag(data.n)[list(items)].max())
    return ("one_respondent" if answered == 1 else "no_complete_cases") if reason == "one_item" else reason


def _number(value: float | None, n: int, method: str, reason: Reason | None, flags: tuple[str, ...] = ()) -> Statistic:
    """A value without an interval, or the reason why there is none."""
    if value is None or math.isnan(value):
        return undefined(reason or "no_variance", n, method)
    return Statistic(value, n=n, method=method, flags=flags)


def _intervals(alpha: Statistic, covariance: Floats, n: int, level: float) -> tuple[Statistic, Statistic]:
    """Bonett's and Duhachek's intervals; none where alpha has no interval, or is 1."""
    names = ("alpha, Bonett interval", "alpha, Duhachek interval")
    if alpha.value is None:
        why = alpha.reason or "no_variance"
        return undefined(why, n, names[0], level), undefined(why, n, names[1], level)
    bonett: tuple[float | None, float | None] = (None, None)
    duhachek = bonett
    if alpha.low is not None:
        if n > 2 and alpha.value < 1 - 1e-12:
            bonett = bonett_interval(alpha.value, n, covariance.shape[0], level)
        duhachek = duhachek_interval(alpha.value, covariance, n, level)
    own = tuple(flag for flag in alpha.flags if not flag.startswith("guide:"))
    return (
        Statistic(alpha.value, *bonett, level, n, names[0], own),
        Statistic(alpha.value, *duhachek, level, n, names[1], own),
    )


def _lambda6(data: ColumnData, kept: list[int], n: int, alpha: Statistic) -> Statistic:
    """lambda-6 of the items that vary."""
    varying = [j for j in kept if n > 1 and data.covariance[j, j] > 0]
    if alpha.value is None or len(varying) < 2:
        return undefined(alpha.reason or "no_variance", n, "lambda-6")
    value, pseudo = lambda6(data.covariance[np.ix_(varying, varying)])
    return _number(value, n, "lambda-6", "no_variance", ("pseudo_inverse",) * pseudo)


def _omega(data: ColumnData, kept: list[int], n: int, alpha: Statistic, level: float) -> tuple[Statistic, Statistic]:
    """Omega total of the items that vary, over the model's and over the observed variance."""
    names = ("omega total, one factor ML", "omega total, one factor ML, over observed variance")
    varying = [j for j in kept if n > 1 and data.covariance[j, j] > 0]
    k = len(varying)
    matrix = data.covariance[np.ix_(varying, varying)]
    why: Reason | None = None
    if alpha.value is None or k < 2:
        why = alpha.reason or "no_variance"
    elif k > 2 and is_singular(matrix / np.sqrt(np.outer(np.diag(matrix), np.diag(matrix)))):
        why = "singular"
    if why is not None:
        return undefined(why, n, names[0]), undefined(why, n, names[1])
    if k == 2:
        value, method = spearman_brown(matrix), "omega total, two items, Spearman-Brown"
        both = _number(value, n, method, "no_variance", ("not_identified",))
        return both, both
    found = omega_ml(matrix)
    flags = ("heywood",) * found.heywood + ("not_converged",) * (not found.converged) + ("just_identified",) * (k == 3)
    limits = omega_limits(found, n, level)
    low, high = limits if limits is not None else (None, None)
    return (
        Statistic(found.value, low, high, None if low is None else level, n, names[0], flags),
        Statistic(found.over_observed, n=n, method=names[1], flags=flags),
    )


def _halves(
    covariance: Floats, n: int, alpha: Statistic, rng: np.random.Generator, thresholds: Thresholds
) -> tuple[Statistic, SplitHalf]:
    """lambda-4 and the split halves."""
    names = (
        "odd-even correlation", "split half, Spearman-Brown", "split half, Flanagan-Rulon", "mean split half",
        "least split half",
    )  # fmt: skip
    if alpha.value is None:
        why = alpha.reason or "no_variance"
        return undefined(why, n, "lambda-4"), SplitHalf(*(undefined(why, n, name) for name in names))
    found = splits(covariance, rng, thresholds.split_items, thresholds.split_draws)
    values = (*odd_even(covariance), found.mean, found.least)
    flags = () if found.exact else ("random_splits",)
    each = [
        _number(value, n, name, "no_variance", flags if place > 2 else ())
        for place, (value, name) in enumerate(zip(values, names, strict=True))
    ]
    return Statistic(found.best, n=n, method="lambda-4", flags=flags), SplitHalf(*each)


def _difference(
    tally: Tally, scale: str, items: tuple[int, ...], by_column: dict[str, ScaleConsistency], thresholds: Thresholds
) -> DifferenceScore:
    """The difference score of one scale, over those who have a gap."""
    level, _, name = scale.partition(":")
    composite = Composite("all", "all", items) if level == "total" else Composite(level, name, items)
    scores = [tally.composite(column, composite) for column in ("gap.perception", "gap.reference", "gap")]
    n = scores[2].n
    alphas = (by_column["perception"].alpha, by_column["expectation"].alpha, by_column["gap"].alpha)
    if n < 2:
        return _no_difference("no_complete_pairs" if n == 0 else "one_respondent", n, alphas[2])
    variances = (scores[0].variance(), scores[1].variance(), scores[2].variance())
    return difference_score(variances, n, alphas, thresholds.difference_reliability)


def _no_difference(why: Reason, n: int, gaps: Statistic) -> DifferenceScore:
    """Nothing to say about the difference."""

    def none(method: str) -> Statistic:
        return undefined(why, n, method)

    return DifferenceScore(
        none("reliability of the difference"), gaps, none("correlation of perception and expectation"),
        none("variance ratio, expectation by perception"), none("correlation of gap and expectation"),
        none("correlation of gap and perception"),
    )  # fmt: skip
