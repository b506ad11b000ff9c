"""McDonald's omega total of one factor."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.explore.extraction import Extraction, extract
from analysis.explore.matrices import correlation

Floats = NDArray[np.float64]

NEAR_ZERO = 1e-7
"""Smallest uniqueness as a share of the item's variance: nothing that shows in omega."""

WEAK = 0.65
"""Below this omega the search starts from every item as well."""


@dataclass(frozen=True, eq=False)
class Omega:
    """Omega of one factor.

    Attributes
    ----------
    value : float
        ``(sum l)^2 / ((sum l)^2 + sum u)``.
    over_observed : float
        ``(sum l)^2 / 1'C1``: the variance observed below the line.
    loadings, uniqueness : (k,) float64
        In the units of the matrix; empty for two items.
    heywood : bool
        The uniqueness of an item went to its lower limit.
    converged : bool
    """

    value: float
    over_observed: float
    loadings: Floats
    uniqueness: Floats
    heywood: bool
    converged: bool


def omega_ml(covariance: Floats) -> Omega:
    """Omega total by maximum likelihood on a covariance matrix: the published value.

    Parameters
    ----------
    covariance : (k, k) float64
        k at least 3, positive definite.

    Returns
    -------
    Omega
        Does not depend on the divisor of the covariances.  Three items are just identified.

    References
    ----------
    McDonald, R. P. (1999). Test Theory: A Unified Treatment, equation 6.20.
    """
    sds = np.sqrt(np.diag(covariance))
    # Maximum likelihood does not depend on the units: the factor of the correlations, put back into those of C.
    matrix = correlation(covariance)
    found = _scaled(covariance, sds, extract(matrix, 1, "ml", NEAR_ZERO))
    if found.converged and not found.heywood and found.value >= WEAK:
        return found
    # A weak factor, or one that is an item, has several minima, which differ by the item that leads.
    leading = np.full((matrix.shape[0], matrix.shape[0]), 0.8)
    np.fill_diagonal(leading, 0.05)
    return _scaled(covariance, sds, extract(matrix, 1, "ml", NEAR_ZERO, leading))


def omega_limits(found: Omega, n: int, level: float = 0.95) -> tuple[float, float] | None:
    """Interval of omega total by the delta method on the logit scale, from the expected information of normal answers.

    Parameters
    ----------
    found : Omega
        Of at least three items.
    n : int
        Respondents.

    Returns
    -------
    (float, float) or None
        None for a Heywood case, no convergence, a singular information, or omega at 0 or 1.

    References
    ----------
    Raykov, T. (2002). Analytic estimation of standard error and confidence interval for scale reliability.
    Multivariate Behavioral Research 37, 89-103.
    """
    load, unique = found.loadings, found.uniqueness
    if found.heywood or not found.converged or not 1e-9 < found.value < 1 - 1e-9:
        return None
    inverse = np.linalg.inv(np.outer(load, load) + np.diag(unique))
    across = inverse @ load
    # tr(W dS W dS')/2 with dS/dl_j = e_j l' + l e_j' and dS/du_j = e_j e_j'.
    loadings = inverse * float(load @ across) + np.outer(across, across)
    mixed = inverse * across[None, :]
    information = n * np.block([[loadings, mixed], [mixed.T, inverse**2 / 2]])
    total, own = float(load.sum()), float(unique.sum())
    whole = total**2 + own
    slope = np.concatenate([np.full(load.size, 2 * total * own), np.full(load.size, -(total**2))]) / whole**2
    try:
        variance = float(slope @ np.linalg.solve(information, slope))
    except np.linalg.LinAlgError:
        return None
    if not variance > 0:
        return None
    odds, share = math.log(found.value / (1 - found.value)), found.value * (1 - found.value)
    reach = min(float(special.ndtri((1 + level) / 2)) * math.sqrt(variance) / share, 500.0)
    low, high = (1 / (1 + math.exp(-max(min(odds + side * reach, 700.0), -700.0))) for side in (-1, 1))
    return low, high


def _scaled(covariance: Floats, sds: Floats, found: Extraction) -> Omega:
    """The factor of the correlations in the units of the covariances."""
    loadings, uniqueness = sds * found.loadings[:, 0], sds**2 * found.uniqueness
    return _omega(covariance, loadings, uniqueness, bool((found.uniqueness < 1e-5).any()), found.converged)


def omega_minres(matrix: Floats) -> Omega:
    """Omega total by minres on a correlation matrix: the check against R's psych, and for polychoric correlations.

    Parameters
    ----------
    matrix : (k, k) float64
        k at least 3.  Minres depends on the units, so it is done on correlations only.
    """
    found = extract(matrix, 1, "minres")
    loadings = found.loadings[:, 0]
    return _omega(matrix, loadings, 1 - loadings**2, bool(found.heywood.any()), found.converged)


def _omega(matrix: Floats, loadings: Floats, uniqueness: Floats, heywood: bool, converged: bool) -> Omega:
    """Both versions from loadings and uniquenesses."""
    common = float(loadings.sum()) ** 2
    below = max(common + float(uniqueness.sum()), 1e-300)
    return Omega(common / below, common / float(matrix.sum()), loadings, uniqueness, heywood, converged)


def spearman_brown(matrix: Floats) -> float:
    """Two items: ``2 r / (1 + r)``; NaN for r = -1.

    References
    ----------
    Eisinga, R., te Grotenhuis, M. and Pelzer, B. (2013). The reliability of a two-item scale: Pearson, Cronbach or
    Spearman-Brown? Int. J. Public Health 58, 637-642.
    """
    r = float(correlation(matrix)[0, 1])
    return 2 * r / (1 + r) if 1 + r > 1e-12 else float("nan")
