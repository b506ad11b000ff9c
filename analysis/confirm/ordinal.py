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
from analysis.polychoric import INFINITE, NOTHING, cell_chances, maximum_correlations
from analysis.results import Reason

LIMIT = 0.999  # correlations are kept inside, as lavaan does
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
    joint : the same of the thresholds, item by item, and then the correlations; None unless it was asked for
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
    joint: Floats | None = None


def pairs(p: int) -> tuple[Ints, Ints]:
    """The later and the earlier item of every pair, column by column as in lavaan."""
    earlier, later = np.triu_indices(p, 1)
    return later.astype(np.int64), earlier.astype(np.int64)


def recoded(rows: NDArray[Any]) -> tuple[NDArray[np.int64], tuple[int, ...]]:
    """Categories in use numbered from 0, item by item, and their number."""
    codes = np.empty(rows.shape, np.int64)
    sizes = []
    for j in range(rows.shape[1]):
        used, codes[:, j] = np.unique(rows[:, j], return_inverse=True)
        sizes.append(int(used.size))
    return codes, tuple(sizes)


def ordinal_moments(
    rows: NDArray[Any],
    rng: np.random.Generator,
    most: int = 50_000,
    floor: float = NOTHING,
    joint: bool = False,
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
    joint : bool
        Whether `Ordinal.joint` is wanted, for models that bind the thresholds too.

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
    rho = maximum_correlations(counts, cuts[later, 1:-1], cuts[earlier, 1:-1], LIMIT, floor)
    if float(np.abs(rho).max(initial=0.0)) > 0.99:
        return "singular"
    correlation = np.eye(p)
    correlation[later, earlier] = correlation[earlier, later] = rho
    gamma = _gamma(codes, sizes, cuts, later, earlier, rho, floor, joint)
    if gamma is None:
        return "singular"
    thresholds = tuple(cuts[j, 1 : sizes[j]].copy() for j in range(p))
    alone = gamma[-rho.size :, -rho.size :] if rho.size else gamma[:0, :0]
    return Ordinal(n, sizes, thresholds, correlation, alone, sparse, from_sample, gamma if joint else None)


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


def _gamma(
    codes: NDArray[np.int64],
    sizes: tuple[int, ...],
    cuts: Floats,
    later: Ints,
    earlier: Ints,
    rho: Floats,
    floor: float,
    joint: bool,
) -> Floats | None:
    """Covariance of root-n times the correlations (before them the thresholds, if `joint`).

    Every row's influence on a correlation is its own score less what its influence on the thresholds passes on
    (Muthen 1984, eq. 24-25: B^-1 (sum of score products) B'^-1).
    """
    n, m = codes.shape[0], max(sizes)
    influence = _threshold_influence(codes, sizes, cuts)
    tables, information = np.zeros((later.size, m, m)), np.zeros(later.size)
    counts = _tables(codes, sizes, later, earlier)
    chances, slopes = cell_chances(cuts[later, 1:-1], cuts[earlier, 1:-1], rho)
    used = (counts > 0) & (chances > floor)
    chances = np.where(used, chances, 1.0)
    for at, (i, j) in enumerate(zip(later.tolist(), earlier.tolist(), strict=True)):
        score = np.where(used[at], slopes[at] / chances[at], 0.0)
        by_i, by_j = (np.where(used[at], one / chances[at], 0.0) for one in _by_thresholds(cuts[i], cuts[j], rho[at]))
        weighted = counts[at] * score
        information[at] = float((weighted * score).sum())
        # What each threshold does to the sum of the scores, carried over to the categories of the two items.
        on_later = influence[i] @ np.einsum("ab,tab->t", weighted, by_i)
        on_earlier = influence[j] @ np.einsum("ab,tab->t", weighted, by_j)
        tables[at] = score - on_later[:, None] - on_earlier
    if float(information.min(initial=1.0)) <= 0:
        return None
    flat = (tables / information[:, None, None]).reshape(later.size, m * m)
    own = [(j, influence[j][:, t]) for j in range(len(sizes)) for t in range(sizes[j] - 1)] if joint else []
    found = np.zeros((len(own) + later.size,) * 2)
    for begin in range(0, n, CHUNK // 8):
        part = codes[begin : begin + CHUNK // 8]
        places = part[:, later] * m + part[:, earlier]
        scores = np.take_along_axis(flat, places.T, axis=1)
        if own:
            scores = np.vstack([[by_category[part[:, j]] for j, by_category in own], scores])
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


def _by_thresholds(rows: Floats, columns: Floats, rho: float) -> tuple[Floats, Floats]:
    """(m - 1, m, m) derivatives of each cell's chance by the thresholds of the item in rows, and of that in columns."""
    by_rows, by_columns = (_by_threshold(one, other, rho) for one, other in ((rows, columns), (columns, rows)))
    m = rows.size - 1
    first, second = np.zeros((m - 1, m, m)), np.zeros((m - 1, m, m))
    for t in range(m - 1):
        first[t, t], first[t, t + 1] = by_rows[t], -by_rows[t]
        second[t, :, t], second[t, :, t + 1] = by_columns[t], -by_columns[t]
    return first, second


def _by_threshold(own: Floats, other: Floats, rho: float) -> Floats:
    """(m - 1, m) derivative of the chance of being below an own threshold and in a category of the other item."""
    inner = own[1:-1, None]
    density = np.exp(-np.minimum(inner**2 / 2, 700.0)) / math.sqrt(2 * math.pi)
    below = special.ndtr((other[None, :] - rho * inner) / math.sqrt(1 - rho * rho))
    return np.asarray(density * np.diff(below, axis=1), np.float64)
