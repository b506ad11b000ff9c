"""Factor extraction by minimum residuals and by maximum likelihood, and how well the factors fit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.optimize import brentq

from analysis.explore.matrices import is_singular, smoothed, squared_multiple

Floats = NDArray[np.float64]
Method = Literal["minres", "ml"]

FLOOR = 0.005
"""Smallest uniqueness, as in R's factanal and psych: an item at it is a Heywood case."""


@dataclass(frozen=True, eq=False)
class Extraction:
    """Unrotated factors of a correlation matrix.

    Attributes
    ----------
    loadings : (k, f) float64
        Orthogonal factors, largest first, each with a sum of loadings of at least 0.
    uniqueness : (k,) float64
        Those of the search, at least its floor.
    heywood : (k,) bool
        Items whose uniqueness is at the floor.
    converged : bool
    minima : int
        Different minima that the starts led to; the lowest is given.
    """

    loadings: Floats
    uniqueness: Floats
    heywood: NDArray[np.bool_]
    converged: bool
    minima: int = 1

    @property
    def communality(self) -> Floats:
        """(k,) sums of squared loadings; by minres these may exceed ``1 - uniqueness`` in a Heywood case."""
        found: Floats = (self.loadings**2).sum(axis=1)
        return found


@dataclass(frozen=True)
class FactorFit:
    """How well f factors reproduce a correlation matrix; NaN where not defined (no degrees of freedom)."""

    objective: float  # likelihood discrepancy
    chi2: float
    df: int
    p: float
    tli: float
    rmsea: float
    rmsea_low: float  # 90 % interval
    rmsea_high: float
    bic: float
    rmsr: float  # root mean square of the residual correlations


def degrees_of_freedom(k: int, factors: int) -> int:
    """Correlations minus free parameters, ``k(k-1)/2 - k f + f(f-1)/2``; below 0 the factors are not identified."""
    return k * (k - 1) // 2 - k * factors + factors * (factors - 1) // 2


def extract(
    matrix: Floats, factors: int, method: Method = "minres", floor: float = FLOOR, others: Floats | None = None
) -> Extraction:
    """f orthogonal factors of a (k, k) correlation matrix.

    Parameters
    ----------
    matrix : (k, k) float64
        Correlations; positive definite for "ml".
    factors : int
        f, 1..k - 1.
    method : {"minres", "ml"}
        "minres" minimises the squared residual correlations (with the bound on the uniquenesses, the unweighted least
        squares of the whole matrix), "ml" the likelihood discrepancy.
    floor : float
        Lower bound of the uniquenesses.
    others : (s, k) float64 or None
        Further uniquenesses to start from.  The usual start is that of R's factanal and psych, one less the squared
        multiple correlations; near a Heywood case the criterion has several minima, and that start may miss the
        lowest (`extract_lowest`).

    Returns
    -------
    Extraction

    Raises
    ------
    ValueError
        When f is not in 1..k - 1, or "ml" is asked of a singular matrix.

    References
    ----------
    Joreskog, K. G. (1977). Factor analysis by least-squares and maximum-likelihood methods. In Statistical Methods
    for Digital Computers 3, 125-153; Harman, H. H. and Jones, W. H. (1966). Factor analysis by minimizing residuals
    (minres). Psychometrika 31, 351-368.
    """
    k = matrix.shape[0]
    if not 1 <= factors < k:
        raise ValueError(f"{factors} factors of {k} items; there must be at least 1 and fewer than items")
    if method == "ml" and is_singular(matrix):
        raise ValueError("maximum likelihood needs a positive definite matrix; this one is singular")
    usual = np.clip(1 - squared_multiple(matrix)[0], floor, 1.0)
    starts = usual[None] if others is None else np.vstack([usual, np.clip(others, floor, 1.0)])
    if method == "ml":
        at, converged, minima = _lowest(lambda x: _likelihood(matrix, factors, x), np.log(starts), math.log(floor), 0.0)
        uniqueness = np.exp(at)
        root = np.sqrt(uniqueness)
        values, vectors = np.linalg.eigh(matrix / np.outer(root, root))
        loadings = root[:, None] * vectors[:, ::-1][:, :factors] * np.sqrt(np.maximum(_top(values, factors) - 1, 0))
    else:
        uniqueness, converged, minima = _lowest(lambda x: _least_squares(matrix, factors, x), starts, floor, 1.0)
        values, vectors = np.linalg.eigh(matrix - np.diag(uniqueness))
        loadings = vectors[:, ::-1][:, :factors] * np.sqrt(np.maximum(_top(values, factors), 0))
    loadings = loadings * np.where(loadings.sum(axis=0) < 0, -1.0, 1.0)
    return Extraction(loadings, uniqueness, uniqueness <= floor * (1 + 1e-9), converged, minima)


def extract_lowest(
    matrix: Floats, factors: int, rng: np.random.Generator, method: Method = "minres", starts: int = 20
) -> Extraction:
    """As `extract`, and where that ends in a Heywood case or does not converge, the lowest of random starts as well.

    Parameters
    ----------
    rng : numpy.random.Generator
    starts : int
        Random starts beside the usual one.

    Returns
    -------
    Extraction
        With the number of different minima found.  Without a Heywood case the usual start is kept: it leads to the
        lowest minimum but for rare, weak factors.
    """
    found = extract(matrix, factors, method)
    if found.converged and not bool(found.heywood.any()):
        return found
    return extract(matrix, factors, method, FLOOR, rng.uniform(0.05, 0.95, (starts, matrix.shape[0])))


def _top(values: Floats, factors: int) -> Floats:
    """The largest eigenvalues, largest first, of ascending ones."""
    return values[::-1][:factors]


Derivatives = tuple[float, Floats, Floats, Floats]
"""Value, gradient, second derivatives, and an approximation to them that is never negative definite."""


def _likelihood(matrix: Floats, factors: int, log_uniqueness: Floats) -> Derivatives:
    """Likelihood discrepancy at the best loadings for given log uniquenesses, with its derivatives by them.

    With the eigenvalues of ``U^-1/2 R U^-1/2`` that are left over, the discrepancy is ``sum(v - log v - 1)``.
    """
    root = np.exp(-log_uniqueness / 2)
    values, vectors = np.linalg.eigh(matrix * np.outer(root, root))
    rest, top = np.maximum(values[:-factors], 1e-300), values[-factors:]
    gradient = (vectors[:, :-factors] ** 2) @ (1 - rest)
    weights = (rest[:, None] - 1) * (rest[:, None] + top) / _apart(rest, top)
    second, approximate = _second(vectors, factors, rest, weights)
    return float((rest - np.log(rest) - 1).sum()), gradient, second, approximate


def _least_squares(matrix: Floats, factors: int, uniqueness: Floats) -> Derivatives:
    """Half the sum of squared residuals at the best loadings for given uniquenesses, with its derivatives."""
    values, vectors = np.linalg.eigh(matrix - np.diag(uniqueness))
    rest, top = values[:-factors], values[-factors:]
    gradient = -(vectors[:, :-factors] ** 2) @ rest
    second, approximate = _second(vectors, factors, np.ones_like(rest), 2 * rest[:, None] / _apart(rest, top))
    return float((rest**2).sum() / 2), gradient, second, approximate


def _apart(rest: Floats, top: Floats) -> Floats:
    """Differences of the eigenvalues left over and those kept, all below 0."""
    return np.minimum(rest[:, None] - top, -1e-8)


def _second(vectors: Floats, factors: int, scale: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Second derivatives of a function of the eigenvalues left over, from perturbation theory; and their main part.

    The second order of an eigenvalue has a term for every other eigenvalue.  Those of two eigenvalues that are both
    left over join to ``(V diag(scale) V') o (V V')``; those with an eigenvalue that is kept have `weights`.
    """
    rest, top = vectors[:, :-factors], vectors[:, -factors:]
    outer = rest @ rest.T
    second = ((rest * scale) @ rest.T) * outer
    for column in range(factors):
        second += ((rest * weights[:, column]) @ rest.T) * np.outer(top[:, column], top[:, column])
    return second, outer * outer


def _lowest(at: Callable[[Floats], Derivatives], starts: Floats, low: float, high: float) -> tuple[Floats, bool, int]:
    """The lowest minimum from several starts, whether the search converged there, and how many minima there are.

    A start that did not converge counts only when none did.
    """
    ends = [_minimum(at, start, low, high) for start in starts]
    converged = any(end[1] for end in ends)
    values = [(at(x)[0], x) for x, done in ends if done or not converged]
    value, x = min(values, key=lambda one: one[0])
    return x, converged, len({round(one - value, 5) for one, _ in values})


def _minimum(at: Callable[[Floats], Derivatives], start: Floats, low: float, high: float) -> tuple[Floats, bool]:
    """Newton's method within bounds: where it stops, and whether the gradient vanished there."""
    x = start
    value, gradient, second, approximate = at(x)
    for _ in range(200):
        free = ~((x <= low) & (gradient > 0)) & ~((x >= high) & (gradient < 0))
        if not bool(free.any()) or float(np.abs(gradient[free]).max()) < 1e-10:
            return x, True
        step = np.zeros_like(x)
        step[free] = _step(gradient[free], second[np.ix_(free, free)], approximate[np.ix_(free, free)])
        length, moved = 1.0, x
        while length > 1e-10:
            moved = np.clip(x + length * step, low, high)
            found = at(moved)
            if found[0] <= value + 1e-4 * float(gradient @ (moved - x)) + 1e-15:
                break
            length /= 2
        else:
            break
        stuck = bool(np.abs(moved - x).max() < 1e-13)
        x, (value, gradient, second, approximate) = moved, found
        if stuck:
            break
    free = ~((x <= low) & (gradient > 0)) & ~((x >= high) & (gradient < 0))
    return x, not bool(free.any()) or float(np.abs(gradient[free]).max()) < 1e-6


def _step(gradient: Floats, second: Floats, approximate: Floats) -> Floats:
    """Newton's step, or with the approximate second derivatives where the exact ones are not positive definite."""
    values, vectors = np.linalg.eigh(second)
    if values[0] <= 1e-9 * max(values[-1], 1e-12):
        values, vectors = np.linalg.eigh(approximate)
        values = np.maximum(values, 1e-3 * max(float(values[-1]), 1e-12))
    found: Floats = -(vectors @ ((vectors.T @ gradient) / values))
    largest = float(np.abs(found).max())
    return found * min(1.0, 3.0 / largest) if largest > 0 else found


def factor_fit(matrix: Floats, loadings: Floats, n: int, phi: Floats | None = None) -> FactorFit:
    """How well factors reproduce a correlation matrix, as R's psych reports it.

    Parameters
    ----------
    matrix : (k, k) float64
        Correlations.
    loadings : (k, f) float64
        Pattern; with `phi` (f, f) the correlations of the factors.
    n : int
        Respondents, at least 3.  With a singular matrix (or model) all but the RMSR may be NaN.

    Returns
    -------
    FactorFit
        ``chi2 = F (n - 1 - (2k+5)/6 - 2f/3)`` (Bartlett), at least 0; ``TLI`` may exceed 1;
        ``RMSEA = sqrt(max(chi2/(df n) - 1/(n-1), 0))`` with its 90 % interval by the noncentral chi squared;
        ``BIC = chi2 - df log n``; RMSR over the correlations off the diagonal.  With df at most 0 all but the
        objective, chi2 and RMSR are NaN.
    """
    k, f = loadings.shape
    model = loadings @ (np.eye(f) if phi is None else phi) @ loadings.T
    residual = matrix - model
    np.fill_diagonal(residual, 0.0)
    rmsr = math.sqrt(float((residual**2).sum()) / (k * (k - 1)))
    np.fill_diagonal(model, 1.0)
    solid = smoothed(matrix)[0]
    ratio = np.linalg.solve(smoothed(model)[0], solid)
    objective = max(float(np.trace(ratio) - np.linalg.slogdet(ratio)[1]) - k, 0.0)
    multiplier = n - 1 - (2 * k + 5) / 6 - 2 * f / 3
    df = degrees_of_freedom(k, f)
    chi2 = max(objective * multiplier, 0.0) if math.isfinite(objective) else math.nan
    nan = math.nan
    if not math.isfinite(objective):  # a determinant that rounding made 0
        return FactorFit(nan, nan, df, nan, nan, nan, nan, nan, nan, rmsr)
    if df <= 0 or multiplier <= 0:
        return FactorFit(objective, chi2 if multiplier > 0 else nan, df, nan, nan, nan, nan, nan, nan, rmsr)
    null = (k - float(np.linalg.slogdet(solid)[1]) - k) * 2 / (k * (k - 1))
    apart = null - 1 / multiplier
    tli = (null - objective / df) / apart if abs(apart) > 1e-12 else math.nan
    rmsea = math.sqrt(max(chi2 / (df * n) - 1 / (n - 1), 0.0))
    low, high = (math.sqrt(noncentrality(chi2, df, p) / (n - 1) / df) for p in (0.95, 0.05))
    p = float(special.chdtrc(df, chi2))
    return FactorFit(objective, chi2, df, p, tli, rmsea, low, high, chi2 - df * math.log(n), rmsr)


def _noncentral(chi2: float, df: int, lam: float) -> float:
    """Distribution function of the noncentral chi squared.

    Beyond a million, where the series may fail, by Sankaran's approximation, which is then right to ten digits
    (Sankaran, M. (1963). Approximations to the non-central chi-square distribution. Biometrika 50, 199-204).
    """
    if chi2 <= 1e6:
        return float(special.chndtr(chi2, df, lam))
    mean, spread = df + lam, df + 2 * lam
    h = 1 - 2 * mean * (df + 3 * lam) / (3 * spread**2)
    p = spread / mean**2
    m = (h - 1) * (1 - 3 * h)
    away = (chi2 / mean) ** h - (1 + h * p * (h - 1 - 0.5 * (2 - h) * m * p))
    return float(special.ndtr(away / (h * math.sqrt(2 * p) * (1 + 0.5 * m * p))))


def noncentrality(chi2: float, df: int, p: float) -> float:
    """The noncentrality at which the noncentral chi squared distribution has probability p below `chi2`; at least 0."""

    def away(lam: float) -> float:
        return _noncentral(chi2, df, lam) - p

    if away(0.0) <= 0:
        return 0.0
    high = max(chi2, 1.0)
    while away(high) > 0:
        high *= 2
    return float(brentq(away, 0.0, high, xtol=1e-10, rtol=1e-12))
