"""Do groups differ?  Welch's test with Games-Howell pairs, Kruskal-Wallis with Dunn's pairs, Brunner-Munzel."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.adjust import holm
from analysis.compare.rank_tests import RankSums, brunner_munzel, dunn_z, epsilon_squared, rank_sums
from analysis.compare.welch import games_howell, hedges_g, omega_squared, welch_test
from analysis.frequencies import Frequencies, mean_statistic
from analysis.gaps import hedges_correction, noncentrality_limits
from analysis.results import Reason, Statistic, held, undefined
from analysis.thresholds import DEFAULT, Thresholds

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PairOfGroups:
    """Two groups: the first minus the second."""

    first: str
    second: str
    difference: Statistic  # Games-Howell interval, simultaneous over all pairs
    p: Statistic  # Games-Howell (two groups: Welch's t)
    g: Statistic  # difference over the pooled SD, with the exact small-sample factor
    dunn: Statistic  # z of the mean ranks
    p_dunn: Statistic  # Holm over the pairs
    superiority: Statistic  # P(a value of the first is the larger), ties half: Brunner-Munzel


@dataclass(frozen=True)
class GroupComparison:
    """Groups on one score."""

    groups: dict[str, Statistic]  # mean with its t interval
    f: Statistic  # Welch
    p: Statistic
    omega2: Statistic  # share of variance, bootstrap interval
    h: Statistic  # Kruskal-Wallis, corrected for ties
    p_h: Statistic
    epsilon2: Statistic  # rank share of variance, bootstrap interval
    p_permutation: Statistic  # only where Welch's test is not defined
    pairs: tuple[PairOfGroups, ...]


def compare_groups(
    groups: Mapping[str, Frequencies],
    rng: np.random.Generator,
    thresholds: Thresholds = DEFAULT,
    draws: int | None = None,
) -> GroupComparison:
    """Everything said about the differences of groups on one score.

    Parameters
    ----------
    groups : id -> Frequencies
        Scores of each group, in the order of display.  Groups of one respondent stay in the rank tests only.
    rng : Generator
        For the bootstrap intervals of the shares of variance, and for the permutation test that stands in where
        Welch's test is undefined.
    draws : int, optional
        Resamples; `group_draws` of the thresholds by default.

    Returns
    -------
    GroupComparison
        Undefined with fewer than two groups of two ("one_group"), or without spread ("no_variance").
    """
    level, count = thresholds.level, thresholds.group_draws if draws is None else draws
    usable = {name: one for name, one in groups.items() if one.n >= 2}
    n = sum(one.n for one in usable.values())
    means, variances, sizes = _moments(list(usable.values()))
    welch = welch_test(means, variances, sizes)
    why: Reason = "one_group" if len(usable) < 2 else "no_variance"
    ranks = rank_sums(groups)
    n_ranks, h = int(ranks.total), ranks.h if len(ranks.names) > 1 else None
    why_h: Reason = "one_group" if len(ranks.names) < 2 else "no_variance"
    left_out = tuple(f"one_respondent:{name}" for name, one in groups.items() if one.n == 1)
    omega, epsilon = _share_intervals(usable, groups, rng, level, count)
    return GroupComparison(
        {name: mean_statistic(one, level, method="mean") for name, one in groups.items()},
        _or(
            welch.f, why, n, f"Welch F({welch.df1:.0f}, {welch.df2:.1f})" if welch.f is not None else "Welch F"
        ).flagged(*left_out),
        _or(welch.p, why, n, "Welch test of equal means"),
        omega if omega is not None else undefined(why, n, "omega squared"),
        _or(h, why_h, n_ranks, f"Kruskal-Wallis H({len(ranks.names) - 1})"),
        _or(None if h is None else float(special.chdtrc(len(ranks.names) - 1, h)), why_h, n_ranks, "Kruskal-Wallis"),
        epsilon if epsilon is not None else undefined(why_h, n_ranks, "epsilon squared"),
        _permutation(usable, rng, count) if welch.p is None and len(usable) > 1 else undefined("not_needed"),
        _pairs(groups, ranks, thresholds),
    )


def _or(value: float | None, why: Reason, n: int, method: str) -> Statistic:
    """A value without an interval, or the reason why there is none."""
    return undefined(why, n, method) if value is None else Statistic(value, n=n, method=method)


def _moments(groups: list[Frequencies]) -> tuple[Floats, Floats, Floats]:
    """Means, variances and sizes of groups of two and more."""
    return (
        np.array([one.mean() for one in groups]),
        np.array([one.variance() for one in groups]),
        np.array([float(one.n) for one in groups]),
    )


def _pairs(groups: Mapping[str, Frequencies], ranks: RankSums, thresholds: Thresholds) -> tuple[PairOfGroups, ...]:
    """Every pair of groups that have respondents."""
    z = dunn_z(ranks)
    p = [None if one is None else 2 * float(special.ndtr(-abs(one))) for one in z.values()]
    k = sum(one.n >= 2 for one in groups.values())
    found = []
    for ((first, second), score), by_holm in zip(z.items(), holm(p), strict=True):
        a, b = groups[first], groups[second]
        difference, p_pair = games_howell(a, b, max(k, 2), thresholds.level)
        n = a.n + b.n
        found.append(
            PairOfGroups(
                first,
                second,
                difference,
                p_pair,
                _with_interval(hedges_g(a, b), a, b, thresholds.level),
                _or(score, "no_variance", n, "Dunn z"),
                _or(by_holm, "no_variance", n, "Dunn, Holm"),
                brunner_munzel(a, b, thresholds.level),
            )
        )
    return tuple(found)


def _with_interval(g: Statistic, a: Frequencies, b: Frequencies, level: float) -> Statistic:
    """Hedges' g with limits by the noncentral t: those of ``t = d/sqrt(1/n_a + 1/n_b)``, df n - 2, times J."""
    if g.value is None:
        return g
    df, j = a.n + b.n - 2, hedges_correction(a.n + b.n - 2)
    scale = j * math.sqrt(1 / a.n + 1 / b.n)
    low, high = noncentrality_limits(g.value / scale, df, level)
    ends = (None if low is None else scale * low, None if high is None else scale * high)
    return Statistic(g.value, *ends, level, g.n, "Hedges g, pooled SD, noncentral t interval")


MOST_VALUES, GRID = 400, 16
"""More different scores are rounded to 1/16 of a point for the resampling; estimates never are."""


@dataclass(frozen=True)
class _Table:
    """Groups by values: counts, and for draws the probabilities within each group."""

    values: Floats
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, groups: Mapping[str, Frequencies]) -> _Table:
        values = np.unique(np.concatenate([one.values for one in groups.values()]))
        fine = values.size <= MOST_VALUES
        if not fine:  # the spread of a share does not hang on the last digits of the scores
            values = np.unique(np.rint(values * GRID) / GRID)
        counts = np.zeros((len(groups), values.size), np.int64)
        for row, one in enumerate(groups.values()):
            own = one.values if fine else np.rint(one.values * GRID) / GRID
            np.add.at(counts[row], np.searchsorted(values, own), one.counts)
        return cls(values, counts)

    def shares(self, counts: Floats) -> tuple[Floats, Floats]:
        """omega squared and epsilon squared of (draws, groups, values) counts."""
        n = counts.sum(axis=2)
        total, k = n.sum(axis=1), n.shape[1]
        means = counts @ self.values / n
        squares = counts @ self.values**2
        within = (squares - n * means**2).sum(axis=1)
        grand = (n * means).sum(axis=1) / total
        between = (n * (means - grand[:, None]) ** 2).sum(axis=1)
        error = within / np.maximum(total - k, 1)
        whole = between + within + error
        omega = np.divide(between - (k - 1) * error, whole, out=np.full(whole.shape, np.nan), where=whole > 1e-12)
        column = counts.sum(axis=1)
        rank = np.cumsum(column, axis=1) - (column - 1) / 2
        mean_rank = (counts * rank[:, None, :]).sum(axis=2) / n
        spread = 1 - (column**3 - column).sum(axis=1) / (total**3 - total)
        h = 12 / (total * (total + 1)) * (n * (mean_rank - (total[:, None] + 1) / 2) ** 2).sum(axis=1)
        h = np.divide(h, spread, out=np.full(h.shape, np.nan), where=spread > 1e-12)
        return omega, h * (total + 1) / (total**2 - 1)


def _share_intervals(
    usable: Mapping[str, Frequencies],
    groups: Mapping[str, Frequencies],
    rng: np.random.Generator,
    level: float,
    draws: int,
) -> tuple[Statistic | None, Statistic | None]:
    """omega squared and epsilon squared with percentile intervals: respondents drawn anew within each group."""
    if len(usable) < 2:
        return None, None
    table = _Table.of(usable)
    means, variances, sizes = _moments(list(usable.values()))
    ranks = rank_sums(groups)
    values = omega_squared(means, variances, sizes), epsilon_squared(ranks.h, ranks.total)
    drawn = np.stack(
        [rng.multinomial(int(row.sum()), row / row.sum(), size=draws) for row in table.counts], axis=1
    ).astype(np.float64)
    found: list[Statistic | None] = []
    names = ("omega squared, bootstrap interval", "epsilon squared, bootstrap interval")
    for value, resampled, method, n in zip(
        values, table.shares(drawn), names, (int(sizes.sum()), int(ranks.total)), strict=True
    ):
        kept = resampled[~np.isnan(resampled)]
        if value is None:
            found.append(None)
        elif kept.size < draws / 2:
            found.append(Statistic(value, None, None, level, n, method, (), "no_variance"))
        else:
            low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2])
            # Resampled shares are biased upwards, so the interval may lie wholly above a share near nought.
            found.append(held(value, float(low), float(high), level, n, method))
    return found[0], found[1]


def _permutation(usable: Mapping[str, Frequencies], rng: np.random.Generator, draws: int) -> Statistic:
    """p of the between-group sum of squares when respondents are dealt out to the groups at random."""
    table = _Table.of(usable)
    column, sizes = table.counts.sum(axis=0), table.counts.sum(axis=1)
    n, method = int(sizes.sum()), "permutation test of equal means"
    if table.values.size < 2:
        return undefined("no_variance", n, method)
    observed = float(((table.counts @ table.values) ** 2 / sizes).sum())
    reached = 0
    for _ in range(draws):
        left, total = column.copy(), 0.0
        for size in sizes:
            dealt = rng.multivariate_hypergeometric(left, int(size), method="marginals")
            left = left - dealt
            total += float(dealt @ table.values) ** 2 / int(size)
        reached += total >= observed - 1e-9
    return Statistic((reached + 1) / (draws + 1), n=n, method=method)
