"""Two ordered items as cut normal variables: bivariate normal probabilities, and the correlation behind a table."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

NOTHING = 1e-14
"""A probability that differences of distribution functions cannot tell from 0."""

INFINITE = 40.0
"""A threshold beyond which the normal density is 0 in floating point."""


def bivariate_normal(h: Floats, k: Floats, rho: Floats) -> Floats:
    """``P(X <= h, Y <= k)`` of standard normal X, Y with correlation rho (-1 < rho < 1), by Owen's T.

    Parameters
    ----------
    h, k, rho : float arrays that broadcast

    Returns
    -------
    array of float, 0..1

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
    found: Floats = 0.5 * (special.ndtr(h) + special.ndtr(k)) - both - 0.5 * ((h < 0) != (k < 0))
    return found


def bivariate_density(h: Floats, k: Floats, rho: Floats) -> Floats:
    """Density of the same, which is also the derivative of its distribution function by rho (Plackett's identity)."""
    left = (1 - rho) * (1 + rho)
    exponent = np.maximum(-(h * h - 2 * rho * h * k + k * k) / (2 * left), -700.0)
    return np.asarray(np.exp(exponent) / (2 * math.pi * np.sqrt(left)), np.float64)


def cell_chances(rows: Floats, columns: Floats, rho: Floats) -> tuple[Floats, Floats]:
    """Chance of each cell of q tables, and its derivative by rho.

    Parameters
    ----------
    rows, columns : (q, m - 1) ascending thresholds; unused ones at +-`INFINITE`
    rho : (q,)

    Returns
    -------
    tuple of (q, m, m)
        Chances may be negative by rounding, at most some 1e-15.
    """
    q, m = rows.shape[0], rows.shape[1] + 1
    h, k, r = rows[:, :, None], columns[:, None, :], rho[:, None, None]
    below, density = np.zeros((q, m + 1, m + 1)), np.zeros((q, m + 1, m + 1))
    below[:, 1:m, 1:m], density[:, 1:m, 1:m] = bivariate_normal(h, k, r), bivariate_density(h, k, r)
    below[:, 1:m, m], below[:, m, 1:m], below[:, m, m] = special.ndtr(rows), special.ndtr(columns), 1.0
    return np.diff(np.diff(below, axis=1), axis=2), np.diff(np.diff(density, axis=1), axis=2)


def maximum_correlations(counts: Floats, rows: Floats, columns: Floats, limit: float, floor: float = NOTHING) -> Floats:
    """Maximum likelihood correlation behind each of q tables, at given thresholds.

    Fisher scoring for all tables at once, kept inside a bracket by the sign of the score: the likelihood has one
    maximum (Olsson 1979).

    Parameters
    ----------
    counts : (q, m, m) tables, each with observations
    rows, columns : (q, m - 1) thresholds, as `cell_chances` takes them
    limit : float
        Estimates stay within -limit..limit.
    floor : float
        Cells with a smaller chance are left out.

    Returns
    -------
    (q,) float
    """
    q, n = len(counts), counts.sum(axis=(1, 2))
    low, high = np.full(q, -limit), np.full(q, limit)
    rho = np.zeros(q)
    open_ = np.arange(q)
    for _ in range(100):
        here = rho[open_]
        chance, slope = cell_chances(rows[open_], columns[open_], here)
        known = chance > floor
        relative = np.where(known, slope / np.where(known, chance, 1.0), 0.0)
        score = (counts[open_] * relative).sum(axis=(1, 2)) / n[open_]
        information = (slope * relative).sum(axis=(1, 2))
        low[open_], high[open_] = np.where(score > 0, here, low[open_]), np.where(score > 0, high[open_], here)
        step = here + score / np.maximum(information, 1e-12)
        outside = (step <= low[open_]) | (step >= high[open_])
        rho[open_] = np.where(outside, (low[open_] + high[open_]) / 2, step)
        open_ = open_[np.abs(rho[open_] - here) > 1e-12]
        if not open_.size:
            break
    return rho
