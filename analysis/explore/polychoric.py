"""Polychoric correlations from contingency tables, all pairs of items at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.explore.matrices import smoothed

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]

CHUNK = 2**14
"""Rows at a time of the one-hot product: its counts stay far below 2**24, which 32-bit floats hold exactly."""

EDGE = 1 - 1e-6
"""The estimate stays within -EDGE..EDGE; at the edge every answer to one item tells the other."""

FAR = 9.0
"""Stands for an infinite threshold: the normal tail beyond it is below 1e-18."""


@dataclass(frozen=True, eq=False)
class Polychorics:
    """Polychoric correlations of several tables.

    Attributes
    ----------
    rho : (q,) float64
        NaN where one of the items of the table has fewer than two values in use.
    n : (q,) float64
        Observations in each table.
    thin : (q,) bool
        Some cell, of the rows and columns in use, holds fewer observations than the caller's limit.
    corrected : (q,) bool
        A 2 x 2 table with an empty cell, to which 0.5 was added.
    edge : (q,) bool
        The likelihood rises up to a perfect correlation.
    """

    rho: Floats
    n: Floats
    thin: Flags
    corrected: Flags
    edge: Flags


@dataclass(frozen=True, eq=False)
class PolychoricMatrix:
    """Polychoric correlations of all pairs of k items.

    Attributes
    ----------
    correlation : (k, k) float64
        Positive definite after smoothing; NaN in the rows and columns of `constant` items, and nowhere else.
    n : (k, k) int64
        Observations behind each pair.
    constant : (k,) bool
        Items without two values in use in every pair.
    smoothed : bool
        The matrix of the pairs was not positive definite, and eigenvalues were raised.
    thin, edge : int
        Pairs with a thin cell, and pairs at a perfect correlation.
    """

    correlation: Floats
    n: Counts
    constant: Flags
    smoothed: bool
    thin: int
    edge: int

    def flags(self) -> tuple[str, ...]:
        """The cautions by name."""
        named = {"smoothed": self.smoothed, "thin_cells": self.thin > 0, "perfect_correlation": self.edge > 0}
        return tuple(name for name, holds in named.items() if holds)


def pair_tables(ratings: NDArray[np.uint8], points: int) -> Counts:
    """Contingency tables of all pairs of items.

    Parameters
    ----------
    ratings : (n, k) uint8
        1..points; every other byte is missing.
    points : int
        m, number of scale points.

    Returns
    -------
    (k, k, m, m) int64
        ``[i, j, a, b]`` is how many rated item i with a + 1 and item j with b + 1.  ``[i, i]`` is diagonal.

    Notes
    -----
    Tables of parts of the rows add up to the table of all.  Time grows with n, by one matrix product of 0/1 columns.
    """
    n, k = ratings.shape
    total = np.zeros((k * points, k * points), np.int64)
    values = np.arange(1, points + 1, dtype=np.uint8)
    for start in range(0, n, CHUNK):
        block = np.ascontiguousarray(ratings[start : start + CHUNK].T)
        hot = (block[:, None, :] == values[None, :, None]).reshape(k * points, -1).astype(np.float32)
        total += (hot @ hot.T).astype(np.int64)
    return np.ascontiguousarray(total.reshape(k, points, k, points).transpose(0, 2, 1, 3))


def bivariate_normal(h: Floats, k: Floats, rho: Floats) -> Floats:
    """``P(X <= h, Y <= k)`` of standard normal X, Y with correlation rho (-1 < rho < 1), by Owen's T.

    References
    ----------
    Owen, D. B. (1956). Tables for computing bivariate normal probabilities. Ann. Math. Statist. 27, 1075-1090,
    equation 2.1.
    """
    # The formula divides by h and k; both probabilities and T are smooth there, so a step of 1e-13 does no harm.
    h = np.where(np.abs(h) < 1e-13, 1e-13, h)
    k = np.where(np.abs(k) < 1e-13, 1e-13, k)
    root = np.sqrt((1 - rho) * (1 + rho))
    both = special.owens_t(h, (k / h - rho) / root) + special.owens_t(k, (h / k - rho) / root)
    found: Floats = 0.5 * (special.ndtr(h) + special.ndtr(k)) - both - 0.5 * (h * k < 0)
    return found


def polychoric(tables: NDArray[Any], thin_below: int = 5) -> Polychorics:
    """Polychoric correlation of each of q tables, by two-step maximum likelihood.

    Parameters
    ----------
    tables : (q, m, m) integers
        Rows: values of the first item; columns: of the second.  Empty rows and columns change nothing.
    thin_below : int
        Cells with fewer observations make a pair "thin".

    Returns
    -------
    Polychorics
        Thresholds are normal quantiles of the table's own margins (first step); rho maximises the likelihood given
        them (second step).  0.5 is added to the empty cells of tables with two rows and two columns in use, and to
        no others.

    References
    ----------
    Olsson, U. (1979). Maximum likelihood estimation of the polychoric correlation coefficient. Psychometrika 44,
    443-460.
    """
    counts = np.asarray(tables, dtype=np.float64)
    rows, columns = counts.sum(axis=2) > 0, counts.sum(axis=1) > 0
    used = rows[:, :, None] & columns[:, None, :]
    two = (rows.sum(axis=1) == 2) & (columns.sum(axis=1) == 2)
    gaps = two[:, None, None] & used & (counts == 0)
    corrected = counts + 0.5 * gaps
    defined = (rows.sum(axis=1) >= 2) & (columns.sum(axis=1) >= 2)
    rho, edge = np.full(len(counts), np.nan), np.zeros(len(counts), np.bool_)
    if bool(defined.any()):
        rho[defined] = _maximum(corrected[defined])
        edge[defined] = np.abs(rho[defined]) >= EDGE
    thin = (used & (counts < thin_below)).any(axis=(1, 2)) & defined
    return Polychorics(rho, counts.sum(axis=(1, 2)), thin, gaps.any(axis=(1, 2)), edge)


def _thresholds(margin: Floats) -> Floats:
    """(q, m - 1) normal quantiles of the cumulative shares of (q, m) counts; +-`FAR` for those beyond all answers."""
    cumulative = np.cumsum(margin, axis=1)
    share = cumulative[:, :-1] / cumulative[:, -1:]
    inside = (share > 0) & (cumulative[:, :-1] < cumulative[:, -1:])
    return np.where(inside, special.ndtri(np.where(inside, share, 0.5)), np.where(share > 0, FAR, -FAR))


def _maximum(counts: Floats) -> Floats:
    """The rho of each table where the score is 0: Fisher scoring, kept inside a bracket by the score's sign."""
    a, b = _thresholds(counts.sum(axis=2)), _thresholds(counts.sum(axis=1))
    q = len(counts)
    low, high = np.full(q, -EDGE), np.full(q, EDGE)
    rho = np.clip(_pearson(counts), -0.95, 0.95)
    open_ = np.arange(q)
    for _ in range(100):
        score, information = _score(counts[open_], a[open_], b[open_], rho[open_])
        here = rho[open_]
        low[open_], high[open_] = np.where(score > 0, here, low[open_]), np.where(score > 0, high[open_], here)
        step = here + score / np.maximum(information, 1e-12)
        outside = (step <= low[open_]) | (step >= high[open_])
        middle = (low[open_] + high[open_]) / 2
        rho[open_] = np.where(outside, middle, step)
        open_ = open_[np.abs(rho[open_] - here) > 1e-11]
        if not open_.size:
            break
    return np.where(np.abs(rho) > EDGE - 1e-9, np.copysign(EDGE, rho), rho)


def _score(counts: Floats, a: Floats, b: Floats, rho: Floats) -> tuple[Floats, Floats]:
    """Score and expected information of rho, divided by n."""
    q, m = a.shape[0], a.shape[1] + 1
    h, k, r = a[:, :, None], b[:, None, :], rho[:, None, None]
    below = np.zeros((q, m + 1, m + 1))
    below[:, 1:m, 1:m] = bivariate_normal(h, k, r)
    below[:, 1:m, m], below[:, m, 1:m], below[:, m, m] = special.ndtr(a), special.ndtr(b), 1.0
    # The derivative of the bivariate distribution by rho is its density (Plackett's identity).
    left = (1 - r) * (1 + r)
    density = np.zeros_like(below)
    density[:, 1:m, 1:m] = np.exp(-(h * h - 2 * r * h * k + k * k) / (2 * left)) / (2 * np.pi * np.sqrt(left))
    cell = np.maximum(np.diff(np.diff(below, axis=1), axis=2), 1e-15)
    slope = np.diff(np.diff(density, axis=1), axis=2)
    relative = slope / cell
    n = counts.sum(axis=(1, 2))
    return (counts * relative).sum(axis=(1, 2)) / n, (slope * relative).sum(axis=(1, 2))


def _pearson(counts: Floats) -> Floats:
    """Pearson correlation of the places of rows and columns: where the search starts."""
    n, m = counts.sum(axis=(1, 2)), counts.shape[1]
    place = np.arange(m, dtype=np.float64)
    rows, columns = counts.sum(axis=2) / n[:, None], counts.sum(axis=1) / n[:, None]
    x, y = rows @ place, columns @ place
    spread = (rows @ place**2 - x * x) * (columns @ place**2 - y * y)
    both = np.einsum("qab,a,b->q", counts, place, place) / n - x * y
    found: Floats = both / np.sqrt(np.maximum(spread, 1e-12))
    return found


def polychoric_matrix(tables: Counts, thin_below: int = 5) -> PolychoricMatrix:
    """Polychoric correlations of k items from the (k, k, m, m) tables of `pair_tables`.

    Returns
    -------
    PolychoricMatrix
        An item that is constant in some pair (its own answers, or those of the people who also answered the other) is
        `constant`, and left out; what remains is smoothed when it is not positive definite.
    """
    k = tables.shape[0]
    upper = np.triu_indices(k, 1)
    found = polychoric(tables[upper], thin_below)
    matrix = np.eye(k)
    matrix[upper] = found.rho
    matrix.T[upper] = found.rho
    constant = (np.einsum("iiaa->ia", tables) > 0).sum(axis=1) < 2
    matrix[constant], matrix[:, constant] = np.nan, np.nan
    while bool(np.isnan(matrix[np.ix_(~constant, ~constant)]).any()):  # a pair that nobody, or one value, answered
        missing = np.isnan(matrix).sum(axis=1) * ~constant
        constant[int(np.argmax(missing))] = True
        matrix[constant], matrix[:, constant] = np.nan, np.nan
    kept = np.flatnonzero(~constant)
    changed = False
    if kept.size:
        matrix[np.ix_(kept, kept)], changed = smoothed(matrix[np.ix_(kept, kept)])
    inside = ~constant[upper[0]] & ~constant[upper[1]]
    n = tables.sum(axis=(2, 3))
    return PolychoricMatrix(
        matrix, n, constant, changed, int((found.thin & inside).sum()), int((found.edge & inside).sum())
    )
