"""Polychoric correlations from contingency tables, all pairs of items at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.explore.matrices import smoothed
from analysis.polychoric import INFINITE, maximum_correlations

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]

CHUNK = 2**14
"""Rows at a time of the one-hot product: its counts stay far below 2**24, which 32-bit floats hold exactly."""

EDGE = 1 - 1e-6
"""The estimate stays within -EDGE..EDGE; at the edge every answer to one item tells the other."""


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
    """(q, m - 1) normal quantiles of the cumulative shares of (q, m) counts; +-`INFINITE` beyond all answers."""
    cumulative = np.cumsum(margin, axis=1)
    share = cumulative[:, :-1] / cumulative[:, -1:]
    inside = (share > 0) & (cumulative[:, :-1] < cumulative[:, -1:])
    return np.where(inside, special.ndtri(np.where(inside, share, 0.5)), np.where(share > 0, INFINITE, -INFINITE))


def _maximum(counts: Floats) -> Floats:
    """The correlation of each table, exactly at +-`EDGE` where the likelihood rises up to there."""
    a, b = _thresholds(counts.sum(axis=2)), _thresholds(counts.sum(axis=1))
    rho = maximum_correlations(counts, a, b, EDGE)
    return np.where(np.abs(rho) > EDGE - 1e-9, np.copysign(EDGE, rho), rho)


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
