"""How many factors: parallel analysis (components and factors) and Velicer's minimum average partial."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.explore.extraction import FLOOR, extract
from analysis.explore.matrices import squared_multiple

Floats = NDArray[np.float64]

POOL = 50
"""Permutations of each column that the draws choose from."""


@dataclass(frozen=True, eq=False)
class ParallelAnalysis:
    """Observed eigenvalues beside those of data without any correlation.

    Attributes
    ----------
    components, factors : (k,) float64, descending
        Eigenvalues of the correlations, and of the correlations with the communalities of one minres factor in the
        diagonal (squared multiple correlations where that factor is a Heywood case).
    component_limits, factor_limits : (k,) float64
        The quantile asked for of the same over the draws.
    draws : int
    permuted : bool
        Whether the draws permute the answers within columns, or are random normal data of the same size.
    """

    components: Floats
    factors: Floats
    component_limits: Floats
    factor_limits: Floats
    draws: int
    permuted: bool

    @property
    def component_count(self) -> int:
        """Components above their limit, up to the first that is not (Horn)."""
        return _leading(self.components, self.component_limits)

    @property
    def factor_count(self) -> int:
        """Factors above their limit, up to the first that is not."""
        return _leading(self.factors, self.factor_limits)


def _leading(values: Floats, limits: Floats) -> int:
    """How many values from the first on are above their limits."""
    below = np.flatnonzero(~(values > limits))
    return int(below[0]) if below.size else int(values.size)


def parallel_analysis(
    matrix: Floats,
    n: int,
    rng: np.random.Generator,
    rows: Floats | None = None,
    draws: int = 500,
    quantile: float = 0.95,
) -> ParallelAnalysis:
    """Parallel analysis of a (k, k) correlation matrix.

    Parameters
    ----------
    matrix : (k, k) float64
        Correlations of k at least 2 items.
    n : int
        Respondents (the smallest number behind a pair), at least 2.
    rng : numpy.random.Generator
    rows : (n, k) float64 or None
        The answers, NaN where missing; the draws permute them within each column, among those who answered it, so
        that the margins and the pattern of missing answers stay.  None: random normal data of n rows, drawn as a
        Wishart matrix, the cost of which does not grow with n.
    draws : int
        At least 1.
    quantile : float
        Of the eigenvalues over the draws.

    Returns
    -------
    ParallelAnalysis

    Notes
    -----
    Each draw takes for every column one of `POOL` permutations, so all correlations come from one product of
    matrices.  A draw is an independent permutation of every column; two draws depend on one another only through the
    pairs of columns for which both took the same two permutations, of which there is one pair in 2500.

    References
    ----------
    Horn, J. L. (1965). A rationale and test for the number of factors in factor analysis. Psychometrika 30, 179-185;
    Buja, A. and Eyuboglu, N. (1992). Remarks on parallel analysis. Multivariate Behavioral Research 27, 509-540
    (permutation); `fa.parallel` of R's psych (factors).
    """
    k = matrix.shape[0]
    drawn = _wishart(k, n, draws, rng) if rows is None else _permuted(rows, draws, rng)
    one = extract(matrix, 1)
    # As for the draws: an item alone is no common factor.
    factors = squared_multiple(matrix)[0] if bool(one.heywood.any()) else one.communality
    return ParallelAnalysis(
        _eigenvalues(matrix[None])[0],
        _eigenvalues(_with_diagonal(matrix[None], factors[None]))[0],
        np.quantile(_eigenvalues(drawn), quantile, axis=0),
        np.quantile(_eigenvalues(_with_diagonal(drawn, _one_factor(drawn))), quantile, axis=0),
        draws,
        rows is not None,
    )


def _eigenvalues(matrices: Floats) -> Floats:
    """(s, k) eigenvalues of (s, k, k) symmetric matrices, largest first."""
    found: Floats = np.linalg.eigvalsh(matrices)[:, ::-1].astype(np.float64)
    return found


def _with_diagonal(matrices: Floats, diagonal: Floats) -> Floats:
    """(s, k, k) matrices with another diagonal (s, k)."""
    found = matrices.copy()
    place = np.arange(matrices.shape[1])
    found[:, place, place] = diagonal
    return found


def _permuted(rows: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """(draws, k, k) correlations of columns permuted each by itself."""
    n, k = rows.shape
    present = ~np.isnan(rows)
    pool, whole = np.zeros((k, POOL, n), np.float32), bool(present.all())
    for j in range(k):
        here = present[:, j]
        values = rows[here, j] - rows[here, j].mean()
        spread = float(np.sqrt((values**2).sum() / max(values.size - 1, 1)))
        values = (values / spread if spread > 0 else values).astype(np.float32)
        pool[j][:, here] = rng.permuted(np.broadcast_to(values, (POOL, values.size)), axis=1)
    flat = pool.reshape(k * POOL, n)
    products = (flat @ flat.T).astype(np.float64)
    if whole:
        products /= n - 1
    else:
        # The covariance of a pair is about the means of those who answered both.
        marks = present.astype(np.float32)
        both = np.repeat(np.repeat(marks.T @ marks, POOL, axis=0), POOL, axis=1).astype(np.float64)
        sums = np.repeat((flat @ marks).astype(np.float64), POOL, axis=1)
        products = (products - sums * sums.T / np.maximum(both, 1)) / np.maximum(both - 1, 1)
    chosen = rng.integers(0, POOL, (draws, k)) + POOL * np.arange(k)
    found: Floats = products[chosen[:, :, None], chosen[:, None, :]]
    return _with_diagonal(found, np.ones((draws, k)))


def _wishart(k: int, n: int, draws: int, rng: np.random.Generator) -> Floats:
    """(draws, k, k) correlations of n rows of independent normal columns, by Bartlett's decomposition."""
    df = max(n - 1, k)
    lower = np.tril(rng.normal(size=(draws, k, k)), -1)
    place = np.arange(k)
    lower[:, place, place] = np.sqrt(rng.chisquare(df - place, size=(draws, k)))
    lower /= np.sqrt((lower**2).sum(axis=2, keepdims=True))
    return lower @ lower.transpose(0, 2, 1)


def _one_factor(matrices: Floats, sweeps: int = 200) -> Floats:
    """(s, k) communalities of one minres factor of (s, k, k) matrices, by the equations of its loadings in turn.

    Of data without correlation, one factor is often one item alone (a Heywood case), more often the more rows there
    are; an eigenvalue of 1 from it would hide weak factors.  Such a draw takes squared multiple correlations instead.
    """
    size, k = matrices.shape[:2]
    multiple = _multiple(matrices)
    loadings = np.ascontiguousarray(_first_factor(matrices, multiple).T)
    off = np.ascontiguousarray(_with_diagonal(matrices, np.zeros((size, k))).transpose(1, 2, 0))
    found, open_, largest = np.empty((size, k)), np.arange(size), np.sqrt(1 - FLOOR)
    for _ in range(sweeps):
        before = loadings.copy()
        total = (loadings**2).sum(axis=0)
        for i in range(k):
            own = loadings[i] ** 2
            loadings[i] = (off[i] * loadings).sum(axis=0) / np.maximum(total - own, 1e-12)
            np.minimum(np.maximum(loadings[i], -largest), largest, out=loadings[i])
            total += loadings[i] ** 2 - own
        done = np.abs(loadings - before).max(axis=0) < 1e-3
        found[open_] = loadings.T**2
        if 4 * np.count_nonzero(done) >= done.size:
            open_, loadings, off = open_[~done], loadings[:, ~done].copy(), off[:, :, ~done].copy()
        if not open_.size:
            break
    alone = found.max(axis=1) >= 1 - 2 * FLOOR
    return np.where(alone[:, None], multiple, found)


def _multiple(matrices: Floats) -> Floats:
    """(s, k) squared multiple correlations."""
    own = np.diagonal(np.linalg.pinv(matrices, rcond=1e-8, hermitian=True), axis1=1, axis2=2)
    found: Floats = 1 - 1 / np.maximum(own, 1.0)
    return found


def _first_factor(matrices: Floats, communality: Floats) -> Floats:
    """(s, k) loadings on the first principal factor, nearly: a few power iterations from the largest column."""
    reduced = _with_diagonal(matrices, np.maximum(communality, 0.05))
    first = np.argmax((reduced**2).sum(axis=2), axis=1)
    vector = reduced[np.arange(len(matrices)), first]
    for _ in range(20):  # the shift keeps the eigenvalues below 0 from taking the lead
        vector = np.einsum("sij,sj->si", reduced, vector) + 0.5 * vector
        vector /= np.sqrt(np.maximum((vector**2).sum(axis=1, keepdims=True), 1e-300))
    value = np.einsum("si,sij,sj->s", vector, reduced, vector)
    found: Floats = vector * np.sqrt(np.maximum(value, 0.01))[:, None]
    return found


def minimum_average_partial(matrix: Floats) -> Floats:
    """Velicer's average squared partial correlations after 0, 1, ... components, of a (k, k) correlation matrix.

    Returns
    -------
    (at most k,) float64
        Entry m is the mean over pairs of the squared partial correlations with m components taken out; it ends at
        k - 1 components, or before the first that leaves an item without variance.  Its lowest entry is the number of
        factors.

    References
    ----------
    Velicer, W. F. (1976). Determining the number of components from the matrix of partial correlations. Psychometrika
    41, 321-327.
    """
    k = matrix.shape[0]
    values, vectors = np.linalg.eigh(matrix)
    left, found = matrix.copy(), []
    for m in range(k):
        if m:
            left = left - values[-m] * np.outer(vectors[:, -m], vectors[:, -m])
        own = np.diag(left)
        if own.min() < 1e-9:
            break
        squares = left**2 / np.outer(own, own)
        found.append((float(squares.sum()) - k) / (k * (k - 1)))
    return np.array(found)
