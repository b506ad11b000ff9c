"""Thresholds and polychoric correlations of ordered categories, with their joint covariance.

Two steps, as in lavaan and Mplus: thresholds from each item's margin, then each correlation by maximum likelihood at
those thresholds.  The covariance takes both steps into account (Muthen 1984).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.confirm.model import Ints
from analysis.mergeable import Floats
from analysis.results import Reason

NOTHING = 1e-14  # a probability that differences of distribution functions cannot tell from 0
LIMIT = 0.999  # correlations are kept inside, as lavaan does
INFINITE = 40.0  # a threshold beyond which the normal density is 0 in floating point
CHUNK = 16384


@dataclass(frozen=True, eq=False)
class Ordinal:
    """Thresholds and polychoric correlations.

    Attributes
    ----------
    n : rows
    categories : (p,) categories in use of each item
    thresholds : p arrays of normal quantiles of the cumulative shares
    correlation : (p, p)
    gamma : (p(p-1)/2,) * 2 covariance of root-n times the correlations, pairs in the order of `pairs`
    sparse : whether some pair of categories never occurs together
    from_sample : whether the rows are a random sample of all rows
    """

    n: int
    categories: tuple[int, ...]
    thresholds: tuple[Floats, ...]
    correlation: Floats
    gamma: Floats
    sparse: bool
    from_sample: bool


def pairs(p: int) -> tuple[Ints, Ints]:
    """The later and the earlier item of every pair, column by column as in lavaan."""
    earlier, later = np.triu_indices(p, 1)
    return later.astype(np.int64), earlier.astype(np.int64)


def bivariate_normal(h: Floats, k: Floats, rho: Floats) -> Floats:
    """Distribution function of two standard normal variables with correlation rho, by Owen's T function.

    References
    ----------
    Owen, D. B. (1956). Tables for computing bivariate normal probabilities. Ann. Math. Statist. 27, 1075-1090, eq. 2.1.
    """
    h = np.where(np.abs(h) < 1e-12, 1e-12, h)
    k = np.where(np.abs(k) < 1e-12, 1e-12, k)
    root = np.sqrt(1 - rho * rho)
    found = (special.ndtr(h) + special.ndtr(k)) / 2
    found = found - special.owens_t(h, (k / h - rho) / root) - special.owens_t(k, (h / k - rho) / root)
    return np.asarray(np.where((h < 0) != (k < 0), found - 0.5, found), np.float64)


def _density(h: Floats, k: Floats, rho: Floats) -> Floats:
    """Density of the same: the derivative of the distribution function by rho."""
    rest = 1 - rho * rho
    exponent = np.maximum(-(h * h - 2 * rho * h * k + k * k) / (2 * rest), -700.0)
    return np.asarray(np.exp(exponent) / (2 * math.pi * np.sqrt(rest)), np.float64)


def _cells(corner: Floats) -> Floats:
    """Probabilities of rectangles from the values at their corners."""
    found: Floats = corner[..., 1:, 1:] - corner[..., :-1, 1:] - corner[..., 1:, :-1] + corner[..., :-1, :-1]
    return found


def recoded(rows: NDArray[Any]) -> tuple[NDArray[np.int64], tuple[int, ...]]:
    """Categories in use numbered from 0, item by item, and their number."""
    codes = np.empty(rows.shape, np.int64)
    sizes = []
    for j in range(rows.shape[1]):
        used, codes[:, j] = np.unique(rows[:, j], return_inverse=True)
        sizes.append(int(used.size))
    return codes, tuple(sizes)


def ordinal_moments(
    rows: NDArray[Any], rng: np.random.Generator, most: int = 50_000, floor: float = NOTHING
) -> Ordinal | Reason:
    """Thresholds, polychoric correlations and the covariance of the correlations.

    Parameters
    ----------
    rows : (n, p) categories without missing values; of more than `most` rows a random sample is used
    rng : numpy.random.Generator
    most : int
    floor : float
        Cells with a smaller probability are left out.  lavaan's floor is 1.5e-8, which lets it pass over respondents
        whose pair of answers is next to impossible; the default leaves out what floating point cannot tell from 0.

    Returns
    -------
    Ordinal, or why there is none
        "no_complete_cases", "one_respondent", "no_variance" (an item in one category), "singular" (correlations at the
        limit, or fewer rows than thresholds and correlations of any two items).

    References
    ----------
    Olsson, U. (1979). Maximum likelihood estimation of the polychoric correlation coefficient.
    Psychometrika 44, 443-460.
    Muthen, B. (1984). A general structural equation model with dichotomous, ordered categorical, and continuous latent
    variable indicators. Psychometrika 49, 115-132.
    """
    n, p = rows.shape
    if n < 2:
        return "no_complete_cases" if n == 0 else "one_respondent"
    from_sample = n > most
    if from_sample:
        rows, n = rows[np.sort(rng.choice(n, most, replace=False))], most
    codes, sizes = recoded(rows)
    if min(sizes) < 2:
        return "no_variance"
    if n <= p:
        return "singular"
    later, earlier = pairs(p)
    counts = _tables(codes, sizes, later, earlier)
    cuts = _cuts(codes, sizes)
    sparse = _sparse(counts, sizes, later, earlier)
    for at, (i, j) in enumerate(zip(later.tolist(), earlier.tolist(), strict=True)):
        if (sizes[i], sizes[j]) == (2, 2):
            _fill(counts[at])
    rho = _polychoric(counts, cuts[later], cuts[earlier], floor)
    if float(np.abs(rho).max(initial=0.0)) > 0.99:
        return "singular"
    correlation = np.eye(p)
    correlation[later, earlier] = correlation[earlier, later] = rho
    gamma = _gamma(codes, sizes, cuts, later, earlier, rho, floor)
    if gamma is None:
        return "singular"
    thresholds = tuple(cuts[j, 1 : sizes[j]].copy() for j in range(p))
    return Ordinal(n, sizes, thresholds, correlation, gamma, sparse, from_sample)


def _tables(codes: NDArray[np.int64], sizes: tuple[int, ...], later: Ints, earlier: Ints) -> Floats:
    """(pairs, m, m) cross tables, m the largest number of categories."""
    m, p = max(sizes), codes.shape[1]
    dummies = np.zeros((p * m, p * m))
    for begin in range(0, codes.shape[0], CHUNK):
        part = codes[begin : begin + CHUNK]
        on = np.zeros((part.shape[0], p * m))
        np.put_along_axis(on, part + m * np.arange(p), 1.0, axis=1)
        dummies += on.T @ on
    found: Floats = dummies.reshape(p, m, p, m)[later, :, earlier, :]
    return found


def _cuts(codes: NDArray[np.int64], sizes: tuple[int, ...]) -> Floats:
    """(p, m + 1) thresholds between minus and plus infinity; unused ones are infinite."""
    n, m = codes.shape[0], max(sizes)
    cuts = np.full((codes.shape[1], m + 1), INFINITE)
    cuts[:, 0] = -INFINITE
    for j, size in enumerate(sizes):
        below = np.cumsum(np.bincount(codes[:, j], minlength=size))[:-1]
        cuts[j, 1:size] = special.ndtri(below / n)
    return cuts


def _sparse(counts: Floats, sizes: tuple[int, ...], later: Ints, earlier: Ints) -> bool:
    """Whether a pair of categories that are in use never occurs together."""
    cells = np.array(sizes)[later] * np.array(sizes)[earlier]
    return bool(((counts > 0).sum(axis=(1, 2)) < cells).any())


def _fill(table: Floats) -> None:
    """Add one half to the empty cell of a 2 x 2 table, keeping the margins (lavaan's zero.add)."""
    four = table[:2, :2]
    if int((four == 0).sum()) == 1:
        half = 0.5 if four[0, 0] == 0 or four[1, 1] == 0 else -0.5
        four += half * np.array([[1.0, -1.0], [-1.0, 1.0]])


def _polychoric(counts: Floats, rows: Floats, columns: Floats, floor: float) -> Floats:
    """Maximum likelihood correlation of each table at fixed thresholds: Fisher scoring, all pairs at once."""
    h, k = rows[:, :, None], columns[:, None, :]
    n = counts.sum(axis=(1, 2))
    rho, fisher = np.zeros(n.size), np.ones(n.size)
    low, high = np.full(n.size, -LIMIT), np.full(n.size, LIMIT)
    for _ in range(100):
        at = rho[:, None, None]
        chance = np.maximum(_cells(bivariate_normal(h, k, at)), 1e-300)
        slope = _cells(_density(h, k, at))
        known = chance > floor
        safe = np.where(known, chance, 1.0)
        score = np.where(known, counts * slope / safe, 0.0).sum(axis=(1, 2))
        fisher = n * np.where(known, slope * slope / safe, 0.0).sum(axis=(1, 2))
        # The likelihood has one maximum: the sign of its derivative brackets it.
        low, high = np.where(score > 0, rho, low), np.where(score > 0, high, rho)
        moved = rho + score / np.maximum(fisher, 1e-12)
        moved = np.where((moved <= low) | (moved >= high), (low + high) / 2, moved)
        step = np.abs(moved - rho)
        rho = moved
        if float(step.max(initial=0.0)) < 1e-12:
            break
    return rho


def _gamma(
    codes: NDArray[np.int64],
    sizes: tuple[int, ...],
    cuts: Floats,
    later: Ints,
    earlier: Ints,
    rho: Floats,
    floor: float,
) -> Floats | None:
    """Covariance of root-n times the correlations: B^-1 (sum of score products) B'^-1 (Muthen 1984, eq. 24-25).

    Every row's influence on a correlation is its own score less what its influence on the thresholds passes on.
    """
    n, m = codes.shape[0], max(sizes)
    influence = _threshold_influence(codes, sizes, cuts)
    tables, information = np.zeros((later.size, m, m)), np.zeros(later.size)
    counts = _tables(codes, sizes, later, earlier)
    for at, (i, j) in enumerate(zip(later.tolist(), earlier.tolist(), strict=True)):
        score, by_i, by_j = _cell_scores(cuts[i], cuts[j], float(rho[at]), counts[at], floor)
        weighted = counts[at] * score
        information[at] = float((weighted * score).sum())
        # What each threshold does to the sum of the scores, carried over to the categories of the two items.
        on_later = influence[i] @ np.einsum("ab,tab->t", weighted, by_i)
        on_earlier = influence[j] @ np.einsum("ab,tab->t", weighted, by_j)
        tables[at] = score - on_later[:, None] - on_earlier
    if float(information.min(initial=1.0)) <= 0:
        return None
    flat = (tables / information[:, None, None]).reshape(later.size, m * m)
    found = np.zeros((later.size, later.size))
    for begin in range(0, n, CHUNK // 8):
        part = codes[begin : begin + CHUNK // 8]
        places = part[:, later] * m + part[:, earlier]
        scores = np.take_along_axis(flat, places.T, axis=1)
        found += scores @ scores.T
    total: Floats = n * found
    return total


def _threshold_influence(codes: NDArray[np.int64], sizes: tuple[int, ...], cuts: Floats) -> list[Floats]:
    """(m, m - 1) influence of one answer in each category on each threshold of its item (times 1/n)."""
    m, found = max(sizes), []
    for j, size in enumerate(sizes):
        shares = np.bincount(codes[:, j], minlength=size) / codes.shape[0]
        density = np.exp(-(cuts[j, 1:size] ** 2) / 2) / math.sqrt(2 * math.pi)
        # d log p(category) / d threshold: + density / p below the threshold, - density / p above it.
        score = np.zeros((size, size - 1))
        for t in range(size - 1):
            score[t, t], score[t + 1, t] = density[t] / shares[t], -density[t] / shares[t + 1]
        information = codes.shape[0] * (score * shares[:, None]).T @ score
        padded = np.zeros((m, m - 1))
        padded[:size, : size - 1] = score @ np.linalg.inv(information)
        found.append(padded)
    return found


def _cell_scores(
    rows: Floats, columns: Floats, rho: float, counts: Floats, floor: float
) -> tuple[Floats, Floats, Floats]:
    """Derivatives of each cell's log-probability: by rho (m, m), and by each item's thresholds (m - 1, m, m)."""
    at = np.array(rho)
    h, k = rows[:, None], columns[None, :]
    chance = _cells(bivariate_normal(h, k, at))
    used = (counts > 0) & (chance > floor)
    safe = np.where(used, chance, 1.0)
    score = np.where(used, _cells(_density(h, k, at)) / safe, 0.0)
    by_rows, by_columns = (_by_threshold(one, other, rho) for one, other in ((rows, columns), (columns, rows)))
    m = rows.size - 1
    first, second = np.zeros((m - 1, m, m)), np.zeros((m - 1, m, m))
    for t in range(m - 1):
        first[t, t], first[t, t + 1] = by_rows[t], -by_rows[t]
        second[t, :, t], second[t, :, t + 1] = by_columns[t], -by_columns[t]
    return score, np.where(used, first / safe, 0.0), np.where(used, second / safe, 0.0)


def _by_threshold(own: Floats, other: Floats, rho: float) -> Floats:
    """(m - 1, m) derivative of the chance of being below an own threshold and in a category of the other item."""
    inner = own[1:-1, None]
    density = np.exp(-np.minimum(inner**2 / 2, 700.0)) / math.sqrt(2 * math.pi)
    below = special.ndtr((other[None, :] - rho * inner) / math.sqrt(1 - rho * rho))
    return np.asarray(density * np.diff(below, axis=1), np.float64)
