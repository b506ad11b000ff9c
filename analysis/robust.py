"""Least squares whose standard errors trust neither equal variance (HC3) nor independence within branches (CR2)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ABSORBED = 1e-8
"""A leverage this near to 1 leaves no residual to learn from."""


@dataclass(frozen=True)
class LinearFit:
    """Least squares of y on p columns: coefficients, their covariance, and residual degrees of freedom."""

    beta: Floats  # (p,)
    covariance: Floats  # (p, p)
    df: Floats  # (p,) of the t distribution of each coefficient
    r2: float | None  # about the mean; None when y does not vary

    @property
    def se(self) -> Floats:
        """(p,) standard errors."""
        found: Floats = np.sqrt(np.maximum(np.diag(self.covariance), 0))
        return found


def least_squares(x: Floats, y: Floats) -> LinearFit | None:
    """Ordinary least squares with the classical covariance.

    Parameters
    ----------
    x : (n, p) float
        With a column of ones where an intercept is wanted.
    y : (n,) float

    Returns
    -------
    LinearFit or None
        None when n <= p or columns repeat one another.
    """
    solved = _solved(x, y)
    if solved is None:
        return None
    inverse, beta, residual = solved
    df = x.shape[0] - x.shape[1]
    return LinearFit(beta, inverse * float(residual @ residual) / df, np.full(beta.size, float(df)), _r2(y, residual))


def hc3(x: Floats, y: Floats) -> LinearFit | None:
    """Ordinary least squares with MacKinnon and White's HC3 covariance.

    ``(X'X)^-1 X' diag(e^2/(1 - h)^2) X (X'X)^-1``.  Parameters as `least_squares`; None also when a row alone decides a
    coefficient (leverage 1), where HC3 is not defined.

    References
    ----------
    MacKinnon, J. G. and White, H. (1985). Some heteroskedasticity-consistent covariance matrix estimators with improved
    finite sample properties. Journal of Econometrics 29, 305-325.
    """
    solved = _solved(x, y)
    if solved is None:
        return None
    inverse, beta, residual = solved
    leverage = np.einsum("ij,jk,ik->i", x, inverse, x)
    if float(leverage.max()) > 1 - _ABSORBED:
        return None
    scores = x * (residual / (1 - leverage))[:, None]
    covariance = inverse @ (scores.T @ scores) @ inverse
    return LinearFit(beta, covariance, np.full(beta.size, float(x.shape[0] - x.shape[1])), _r2(y, residual))


def _solved(x: Floats, y: Floats) -> tuple[Floats, Floats, Floats] | None:
    """(X'X)^-1, coefficients and residuals."""
    n, p = x.shape
    if n <= p:
        return None
    inverse = _inverse(x.T @ x)
    if inverse is None:
        return None
    beta = inverse @ (x.T @ y)
    return inverse, beta, y - x @ beta


def _inverse(cross: Floats) -> Floats | None:
    """Inverse of a cross-product matrix, scaled first; None when it is singular."""
    size = np.sqrt(np.maximum(np.diag(cross), 0))
    if not bool((size > 0).all()):
        return None
    scaled = cross / np.outer(size, size)
    if float(np.linalg.eigvalsh(scaled)[0]) < 1e-11:
        return None
    found: Floats = np.linalg.inv(scaled) / np.outer(size, size)
    return found


def _r2(y: Floats, residual: Floats) -> float | None:
    """Share of the variance of y about its mean."""
    away = y - y.mean()
    total = float(away @ away)
    return 1 - float(residual @ residual) / total if total > 1e-12 else None


@dataclass(frozen=True)
class Clusters:
    """Sums of each of g clusters: all that least squares with clustered errors needs, whatever the number of rows.

    Attributes
    ----------
    xx : (g, p, p) float
        Cross-products of the predictors.
    xy : (g, p) float
    """

    xx: Floats
    xy: Floats

    @classmethod
    def of(cls, x: Floats, y: Floats, cluster: NDArray[np.integer]) -> Clusters:
        """From (n, p) predictors, (n,) outcomes and (n,) cluster codes 0..g-1."""
        g = int(cluster.max(initial=-1)) + 1
        order = np.argsort(cluster, kind="stable")
        edges = np.searchsorted(cluster[order], np.arange(g + 1))
        parts = [(x[order[a:b]], y[order[a:b]]) for a, b in pairwise(edges)]
        return cls(np.array([one.T @ one for one, _ in parts]), np.array([one.T @ other for one, other in parts]))


@dataclass(frozen=True)
class _Bread:
    """What the cluster sandwich is made of."""

    inverse: Floats  # (p, p)
    beta: Floats
    scores: Floats  # (g, p) X_g' e_g
    adjusted: Floats  # (g, p, p) K with X_g' A_g v = K X_g' v
    crossed: Floats  # (g, p, p) X_g' A_g X_g
    squared: Floats  # (g, p, p) X_g' A_g A_g X_g


def clustered(data: Clusters) -> LinearFit | None:
    """Least squares with the CR2 cluster sandwich and Satterthwaite degrees of freedom.

    Parameters
    ----------
    data : Clusters

    Returns
    -------
    LinearFit or None
        None with fewer than two clusters or columns that repeat one another.  `r2` is not known from the sums.

    Notes
    -----
    ``V = M (sum X_g' A_g e_g e_g' A_g X_g) M`` with ``A_g = (I - H_gg)^(-1/2)``, M = (X'X)^-1; A_g enters by the
    eigenvectors of ``M^(1/2) X_g'X_g M^(1/2)`` only.  Degrees of freedom of each coefficient: ``(sum g_i'g_i)^2 /
    sum (g_i'g_j)^2``, the working model being independence.

    References
    ----------
    Bell, R. M. and McCaffrey, D. F. (2002). Bias reduction in standard errors for linear regression with multi-stage
    samples. Survey Methodology 28, 169-181.  Pustejovsky, J. E. and Tipton, E. (2018). Small-sample methods for
    cluster-robust variance estimation. J. Bus. Econ. Stat. 36, 672-683.
    """
    bread = _bread(data)
    if bread is None:
        return None
    sandwiched = np.einsum("gij,gj->gi", bread.adjusted, bread.scores)
    covariance = bread.inverse @ (sandwiched.T @ sandwiched) @ bread.inverse
    return LinearFit(bread.beta, covariance, _satterthwaite(bread), None)


def _bread(data: Clusters) -> _Bread | None:
    """Coefficients, scores and the adjustment of each cluster."""
    inverse = _inverse(data.xx.sum(axis=0)) if data.xx.shape[0] >= 2 else None
    if inverse is None:
        return None
    beta = inverse @ data.xy.sum(axis=0)
    values, vectors = np.linalg.eigh(inverse)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    back = (vectors / np.sqrt(values)) @ vectors.T
    # B = X_g M^(1/2) has B B' = H_gg; (I - B B')^(-1/2) adds U ((1 - s)^(-1/2) - 1) U' to the identity.
    s, v = np.linalg.eigh(root @ data.xx @ root)
    lifted = np.zeros_like(s)
    room = s < 1 - _ABSORBED  # a cluster that alone decides a direction leaves no residual there
    lifted[room] = 1 / np.sqrt(1 - s[room])
    lifted[~room] = 0.0
    turned = back @ v
    adjusted = turned * lifted[:, None, :] @ np.swapaxes(v, 1, 2) @ root
    crossed = adjusted @ data.xx
    return _Bread(inverse, beta, data.xy - data.xx @ beta, adjusted, crossed, adjusted @ crossed)


def _satterthwaite(bread: _Bread) -> Floats:
    """Degrees of freedom of each coefficient."""
    m, found = bread.inverse, np.zeros(bread.beta.size)
    for j in range(bread.beta.size):
        c = m[:, j]
        t = bread.crossed @ c  # (g, p) X_g' p_g
        gram = -t @ m @ t.T
        gram[np.diag_indices_from(gram)] += np.einsum("i,gij,j->g", c, bread.squared, c)
        trace, square = float(np.trace(gram)), float((gram**2).sum())
        found[j] = trace * trace / square if square > 0 else 0.0
    return found


def wild_bootstrap(
    data: Clusters, coefficient: int, rng: np.random.Generator, draws: int = 1999, level: float = 0.95
) -> tuple[float, float] | None:
    """Limits of one coefficient by the wild cluster bootstrap of its t, for few clusters.

    Residuals of whole clusters keep or change their sign (Rademacher) and t is studentised by the plain cluster
    sandwich in every draw.  None when the coefficient has no standard error.

    References
    ----------
    Cameron, A. C., Gelbach, J. B. and Miller, D. L. (2008). Bootstrap-based improvements for inference with clustered
    errors. Review of Economics and Statistics 90, 414-427.
    """
    bread = _bread(data)
    if bread is None:
        return None
    row, g = bread.inverse[coefficient], bread.scores.shape[0]
    se = float(np.sqrt(((bread.scores @ row) ** 2).sum()))
    if not se > 1e-12:
        return None
    signs = rng.choice((-1.0, 1.0), (draws, g))
    moved = signs[:, :, None] * bread.scores[None, :, :]  # X_g' of the drawn residuals
    shift = moved.sum(axis=1) @ bread.inverse  # beta* - beta
    left = moved - np.einsum("gij,dj->dgi", data.xx, shift)
    spread = np.sqrt(((left @ row) ** 2).sum(axis=1))
    t = np.divide(shift[:, coefficient], spread, out=np.zeros(draws), where=spread > 1e-12)
    low, high = np.quantile(t, [(1 - level) / 2, (1 + level) / 2])
    beta = float(bread.beta[coefficient])
    return beta - float(high) * se, beta - float(low) * se
