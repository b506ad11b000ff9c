"""Groups by ranks: Kruskal-Wallis, Dunn's pairs, Brunner-Munzel."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from analysis.frequencies import Frequencies, t_quantile
from analysis.results import Statistic, undefined

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RankSums:
    """Groups by ranks over all of them together."""

    names: tuple[str, ...]
    n: Floats  # (k,)
    mean_rank: Floats  # (k,)
    ties: float  # sum of t^3 - t over the tied values

    @property
    def total(self) -> float:
        """Respondents in all groups."""
        return float(self.n.sum())

    @property
    def h(self) -> float | None:
        """Kruskal-Wallis H corrected for ties; None when all values are equal."""
        n = self.total
        spread = 1 - self.ties / (n**3 - n) if n > 1 else 0.0
        if not spread > 0:
            return None
        return float(12 / (n * (n + 1)) * (self.n * (self.mean_rank - (n + 1) / 2) ** 2).sum() / spread)


def rank_sums(groups: Mapping[str, Frequencies]) -> RankSums:
    """Average ranks of the groups (those with respondents) in all values together."""
    some = {name: one for name, one in groups.items() if one.n}
    values = np.unique(np.concatenate([one.values for one in some.values()])) if some else np.zeros(0)
    table = np.zeros((len(some), values.size))
    for row, one in enumerate(some.values()):
        table[row, np.searchsorted(values, one.values)] = one.counts
    counts = table.sum(axis=0)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    n = table.sum(axis=1)
    return RankSums(tuple(some), n, table @ ranks / np.maximum(n, 1), float((counts**3 - counts).sum()))


def dunn_z(ranks: RankSums) -> dict[tuple[str, str], float | None]:
    """z of each pair's mean ranks, first minus second, with the variance corrected for ties.

    ``sd^2 = (N(N+1)/12 - sum(t^3 - t)/(12 (N - 1))) (1/n_a + 1/n_b)``; None when all values are equal.

    References
    ----------
    Dunn, O. J. (1964). Multiple comparisons using rank sums. Technometrics 6, 241-252.
    """
    n = ranks.total
    spread = n * (n + 1) / 12 - ranks.ties / (12 * (n - 1)) if n > 1 else 0.0
    found: dict[tuple[str, str], float | None] = {}
    for i, j in combinations(range(len(ranks.names)), 2):
        sd = math.sqrt(max(spread, 0.0) * (1 / ranks.n[i] + 1 / ranks.n[j]))
        gap = float(ranks.mean_rank[i] - ranks.mean_rank[j])
        found[ranks.names[i], ranks.names[j]] = gap / sd if sd > 0 else None
    return found


def brunner_munzel(a: Frequencies, b: Frequencies, level: float = 0.95) -> Statistic:
    """P(value of a > value of b) + P(equal)/2, with the Brunner-Munzel t interval cut at 0 and 1.

    .5 when neither tends to be the larger.  Without an interval when a group has one respondent or ranks do not vary.

    References
    ----------
    Brunner, E. and Munzel, U. (2000). The nonparametric Behrens-Fisher problem. Biometrical Journal 42, 17-25.
    """
    n, method = a.n + b.n, "probability of superiority, Brunner-Munzel"
    if not a.n or not b.n:
        return undefined("no_respondents", n, method, level)
    share_a, share_b = _placement(a, b), _placement(b, a)  # of each value, the share of the other group below it
    value = float((a.counts * share_a).sum() / a.n)
    if a.n < 2 or b.n < 2:
        return Statistic(value, None, None, level, n, method, (), "one_respondent")
    parts = []
    for own, share in ((a, share_a), (b, share_b)):
        middle = float((own.counts * share).sum() / own.n)
        parts.append(float((own.counts * (share - middle) ** 2).sum()) / (own.n - 1) / own.n)
    if not sum(parts) > 1e-15:
        return Statistic(value, None, None, level, n, method, (), "no_variance")
    df = sum(parts) ** 2 / (parts[0] ** 2 / (a.n - 1) + parts[1] ** 2 / (b.n - 1))
    reach = t_quantile(df, (1 + level) / 2) * math.sqrt(sum(parts))
    return Statistic(value, max(0.0, value - reach), min(1.0, value + reach), level, n, method)


def _placement(own: Frequencies, other: Frequencies) -> Floats:
    """For each value of `own`: share of the other group that lies below it, equals counted half."""
    upto = np.concatenate([[0], np.cumsum(other.counts)])
    below = upto[np.searchsorted(other.values, own.values, side="left")]
    until = upto[np.searchsorted(other.values, own.values, side="right")]
    found: Floats = (below + until) / (2 * other.n)
    return found


def epsilon_squared(h: float | None, n: float) -> float | None:
    """Kruskal-Wallis ``H (n + 1)/(n^2 - 1)``, from 0 to 1."""
    return None if h is None or n < 2 else h * (n + 1) / (n * n - 1)
