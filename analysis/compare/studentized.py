"""The studentized range: of k normal means, the largest minus the smallest, over their standard error."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.optimize import brentq

Floats = NDArray[np.float64]

_Z, _Z_WEIGHT = np.polynomial.legendre.leggauss(96)
_S, _S_WEIGHT = np.polynomial.legendre.leggauss(56)
_FAR = 8.5  # beyond so many standard deviations the normal density adds less than 1e-16


def range_tail(q: float, k: int, df: float) -> float:
    """Upper tail of the studentized range of k means with df degrees of freedom, within 1e-9.

    Parameters
    ----------
    q : float
        At least 0.
    k : int
        Number of means, at least 2.
    df : float
        Degrees of freedom of the standard error, above 0; may be infinite.

    Returns
    -------
    float
        Between 0 and 1.

    Notes
    -----
    ``P(Q <= q) = E[W(q S)]`` with S^2 distributed as chi-square over df, and for known standard deviation
    ``W(w) = k * integral of phi(z) (Phi(z) - Phi(z - w))^(k - 1) dz``; both integrals by Gauss-Legendre.

    References
    ----------
    Tukey, J. W. (1953). The problem of multiple comparisons. Copenhaver, M. D. and Holland, B. (1988). Computation of
    the distribution of the maximum studentized range statistic. J. Stat. Comput. Simul. 30, 1-15.
    """
    if k < 2 or not df > 0 or not q >= 0:
        raise ValueError(f"a studentized range needs k >= 2, df > 0 and q >= 0, not k = {k}, df = {df}, q = {q}")
    if df > 25_000:  # the spread of the standard error no longer shows in the ninth place
        return float(_outside(np.array([q]), k)[0])
    low, high = (math.sqrt(special.chdtri(df, p) / df) for p in (1 - 1e-13, 1e-15))
    s = low + (high - low) * (_S + 1) / 2
    log_density = math.log(2) + df / 2 * math.log(df / 2) - math.lgamma(df / 2) + (df - 1) * np.log(s) - df * s * s / 2
    weight = _S_WEIGHT * np.exp(log_density) * (high - low) / 2
    return float(min(1.0, (weight * _outside(q * s, k)).sum() / weight.sum()))


def _outside(w: Floats, k: int) -> Floats:
    """1 - W(w) for known standard deviation, by the largest of the k means."""
    z = _FAR * _Z[:, None]
    inside = special.ndtr(z) - special.ndtr(z - w[None, :])
    # 1 = k * integral of phi Phi^(k-1), so the tail is an integral of its own and keeps its digits when it is small.
    missed = special.ndtr(z) ** (k - 1) - inside ** (k - 1)
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    found: Floats = np.clip(_FAR * k * (_Z_WEIGHT[:, None] * density * missed).sum(axis=0), 0.0, 1.0)
    return found


_LEAST_DF, _NODES = 4.0, 32
"""From so many degrees of freedom on the quantile is a smooth curve in 1/df, read off so many of its points."""


def range_quantile(p: float, k: int, df: float) -> float:
    """The q whose lower tail is p (0 < p < 1), within 1e-8; see `range_tail`."""
    if df < _LEAST_DF:
        return _search(p, k, df)
    return float(np.polynomial.chebyshev.chebval(2 * _LEAST_DF / df - 1, _curve(p, k)))


@lru_cache(maxsize=64)
def _curve(p: float, k: int) -> Floats:
    """Chebyshev coefficients of the quantile in 1/df: a report asks for hundreds of them."""
    x = np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)
    values: list[float] = []
    for one in x:  # from few degrees of freedom to infinitely many: each quantile is a little below the one before
        values.append(_search(p, k, 2 * _LEAST_DF / (one + 1), values[-1] if values else None))
    return np.asarray(np.polynomial.chebyshev.chebfit(x, values, _NODES - 1), np.float64)


def _search(p: float, k: int, df: float, near: float | None = None) -> float:
    """The quantile by Brent's search of the tail, in a narrow bracket when one a little above it is known."""

    def surplus(q: float) -> float:
        return range_tail(q, k, df) - (1 - p)

    low, high = 0.0, 8.0 if near is None else near
    if near is not None and surplus(near * 0.98) > 0:
        low = near * 0.98
    while surplus(high) > 0:
        high *= 2
    return float(brentq(surplus, low, high, xtol=1e-11))
