"""Tests and estimates that use signs and ranks of differences: Wilcoxon, sign test, Hodges-Lehmann.

All take `Frequencies`, so a million differences on a scale of seven points cost thirteen numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.frequencies import Frequencies
from analysis.results import Statistic, undefined

Zeros = Literal["pratt", "wilcox"]

EXACT_UP_TO = 50
"""Nonzero differences up to which the signed-rank distribution is enumerated."""

GRID = 4096
MOST_DISTINCT = 20_000
"""Above so many distinct differences the Walsh averages are taken from values rounded to 1/`GRID`."""


@dataclass(frozen=True)
class SignedRank:
    """Wilcoxon's signed-rank sums of one set of differences, with their distribution when signs are random."""

    n: int  # differences
    n_zero: int
    w_plus: float
    w_minus: float
    mean: float
    variance: float  # corrected for ties
    z: float | None  # no continuity correction; None when all differences are zero
    p_normal: float  # two-sided
    p_exact: float | None  # two-sided, given the ranks; None above `EXACT_UP_TO` nonzero differences

    @property
    def p(self) -> float:
        """The exact p where it is enumerated, else the normal one."""
        return self.p_normal if self.p_exact is None else self.p_exact


@dataclass(frozen=True)
class _Ranked:
    """Nonzero differences by size: doubled average ranks (zeros dropped), group sizes, and how many are positive."""

    doubled: list[int]
    sizes: list[int]
    positive: list[int]
    zeros: int


def _ranked(differences: Frequencies) -> _Ranked:
    """Rank the sizes of the nonzero differences; ranks of ties are averages, doubled to stay whole."""
    sizes, back = np.unique(np.abs(differences.values), return_inverse=True)
    counts = np.zeros(sizes.size, np.int64)
    positive = np.zeros(sizes.size, np.int64)
    for place, value, count in zip(back, differences.values, differences.counts, strict=True):
        counts[place] += count
        positive[place] += count if value > 0 else 0
    zeros = int(counts[0]) if sizes.size and sizes[0] == 0 else 0
    start = 1 if zeros else 0
    group = counts[start:].tolist()
    before = np.concatenate([[0], np.cumsum(counts[start:])[:-1]]).astype(np.int64).tolist() if group else []
    return _Ranked([2 * b + c + 1 for b, c in zip(before, group, strict=True)], group, positive[start:].tolist(), zeros)


def signed_rank(differences: Frequencies, zeros: Zeros = "pratt", exact: bool = True) -> SignedRank:
    """Wilcoxon's signed-rank test of differences that scatter symmetrically round 0.

    Parameters
    ----------
    differences : Frequencies
    zeros : "pratt" or "wilcox"
        Rank the zeros and then leave them out of the sums (Pratt, the default: rating scales give many zeros), or
        drop them before ranking.
    exact : bool
        Whether to enumerate p for up to `EXACT_UP_TO` nonzero differences.

    Returns
    -------
    SignedRank
        With no nonzero difference the sums are 0, z is None and p is 1.

    Notes
    -----
    ``mean = (n(n+1) - z(z+1))/4`` and ``variance = (n(n+1)(2n+1) - z(z+1)(2z+1))/24 - sum(t^3 - t)/48`` with z zeros
    and t ties of nonzero differences (Wilcoxon: n without the zeros, z = 0).  No continuity correction.

    References
    ----------
    Pratt, J. W. (1959). Remarks on zeros and ties in the Wilcoxon signed rank procedures. JASA 54, 655-667.
    """
    found = _ranked(differences)
    nonzero, lift = sum(found.sizes), found.zeros if zeros == "pratt" else 0
    n = nonzero + lift
    # Pratt's ranks are the ranks without zeros, each lifted by the number of zeros (doubled here).
    plus = sum(count * (rank + 2 * lift) for count, rank in zip(found.positive, found.doubled, strict=True))
    both = n * (n + 1) - lift * (lift + 1)  # doubled sum of all ranks of nonzero differences
    ties = sum(t**3 - t for t in found.sizes)
    variance = (n * (n + 1) * (2 * n + 1) - lift * (lift + 1) * (2 * lift + 1)) / 24 - ties / 48
    sums = (plus / 2, (both - plus) / 2)
    if nonzero == 0:
        return SignedRank(differences.n, found.zeros, 0.0, 0.0, 0.0, 0.0, None, 1.0, 1.0)
    z = (plus / 2 - both / 4) / math.sqrt(variance)
    p_exact = _exact_p(found, lift, plus) if exact and nonzero <= EXACT_UP_TO else None
    p = 2 * float(special.ndtr(-abs(z)))
    return SignedRank(differences.n, found.zeros, *sums, both / 4, variance, z, p, p_exact)


def _exact_p(found: _Ranked, lift: int, plus: int) -> float:
    """Two-sided p over all 2^m sign patterns of the m nonzero ranks.

    Counted by number and doubled rank sum of the positive differences, so that Pratt's lift, which may be millions,
    needs no larger table.
    """
    ranks = [rank for rank, size in zip(found.doubled, found.sizes, strict=True) for _ in range(size)]
    m, whole = len(ranks), sum(ranks)
    ways = np.zeros((m + 1, whole + 1), np.float64)  # below 2**50, so exact
    ways[0, 0] = 1
    reached = 0
    for done, rank in enumerate(ranks):
        ways[1 : done + 2, rank : reached + rank + 1] += ways[: done + 1, : reached + 1].copy()
        reached += rank
    sums = 2 * lift * np.arange(m + 1)[:, None] + np.arange(whole + 1)[None, :]
    low, high = float(ways[sums <= plus].sum()), float(ways[sums >= plus].sum())
    return min(1.0, 2 * min(low, high) / 2.0**m)


def rank_biserial(differences: Frequencies) -> Statistic:
    """Matched rank-biserial correlation ``(W+ - W-)/(W+ + W-)``, zeros dropped before ranking; from -1 to 1.

    References
    ----------
    Kerby, D. S. (2014). The simple difference formula. Comprehensive Psychology 3, 1.
    """
    method, ranks = "matched rank-biserial, zeros dropped", signed_rank(differences, "wilcox", exact=False)
    total = ranks.w_plus + ranks.w_minus
    if total == 0:
        return undefined("all_differences_zero", differences.n, method)
    return Statistic((ranks.w_plus - ranks.w_minus) / total, n=differences.n, method=method)


def sign_test(differences: Frequencies) -> Statistic:
    """Two-sided exact sign test of as many positive as negative differences; p = 1 when all are zero."""
    above = differences.count(differences.values > 0)
    below = differences.count(differences.values < 0)
    method = "sign test, exact"
    if above + below == 0:
        return Statistic(1.0, n=differences.n, method=method, reason="all_differences_zero")
    p = 2 * float(special.bdtr(min(above, below), above + below, 0.5))
    return Statistic(min(1.0, p), n=differences.n, method=method)


def hodges_lehmann(differences: Frequencies, level: float = 0.95) -> Statistic:
    """Median of the Walsh averages ``(d_i + d_j)/2``, i <= j, zeros included, with its signed-rank interval.

    The limits are the Walsh averages at the places ``M/2 -+ z sqrt(n(n+1)(2n+1)/24)`` of all M = n(n+1)/2; there are
    none while these places lie outside (n below 6 at 95 %).

    References
    ----------
    Hollander, M., Wolfe, D. A. and Chicken, E. (2014). Nonparametric Statistical Methods, 3rd ed., sections 3.2, 3.3.
    """
    n, method = differences.n, "Hodges-Lehmann"
    if n == 0:
        return undefined("no_complete_pairs", 0, method, level)
    flags: tuple[str, ...] = ()
    if differences.values.size > MOST_DISTINCT:
        differences = Frequencies.of(np.rint(differences.values * GRID) / GRID, differences.counts)
        flags = ("coarsened",)
    pairs = n * (n + 1) // 2
    middle = (_walsh(differences, (pairs + 1) // 2) + _walsh(differences, pairs // 2 + 1)) / 2
    reach = float(special.ndtri((1 + level) / 2)) * math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
    place = math.floor(pairs / 2 - reach)
    if place < 1:
        return Statistic(middle, None, None, level, n, method, flags, "one_respondent" if n == 1 else None)
    low, high = _walsh(differences, place), _walsh(differences, pairs + 1 - place)
    return Statistic(middle, low, high, level, n, f"{method}, signed-rank interval", flags)


def _walsh(differences: Frequencies, place: int) -> float:
    """The Walsh average at a place (from 1) of their order: bisection on the sum, counting pairs by search."""
    values, counts = differences.values, differences.counts
    upto = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    def pairs_below(total: float) -> int:
        """Pairs i <= j whose sum is at most `total`: half the ordered pairs, those of one value with itself aside."""
        ordered = int((counts * upto[np.searchsorted(values, total - values, side="right")]).sum())
        own = int(counts[2 * values <= total].sum())
        return (ordered + own) // 2

    low, high = 2 * float(values[0]) - 1.0, 2 * float(values[-1])
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (low, middle) if pairs_below(middle + 1e-10) >= place else (middle, high)
    return _nearest_sum(values, (low + high) / 2) / 2


def _nearest_sum(values: NDArray[np.float64], total: float) -> float:
    """The sum of two of the values that lies nearest to `total`."""
    at = np.clip(np.searchsorted(values, total - values), 1, max(values.size - 1, 1))
    sums = np.concatenate([values + values[np.minimum(at, values.size - 1)], values + values[at - 1]])
    return float(sums[np.argmin(np.abs(sums - total))])
