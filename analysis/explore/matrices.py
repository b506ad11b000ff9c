"""What several methods need of a correlation matrix: making it, mending it, squared multiple correlations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SINGULAR = 1e-10
"""An eigenvalue at or below this share of the largest: the items repeat one another."""


def correlation(covariance: Floats) -> Floats:
    """Correlations of a (k, k) covariance matrix whose variances are above 0, with a diagonal of exactly 1."""
    sds = np.sqrt(np.diag(covariance))
    found: Floats = covariance / np.outer(sds, sds)
    np.fill_diagonal(found, 1.0)
    return found


def is_singular(matrix: Floats) -> bool:
    """Whether the smallest eigenvalue is at most `SINGULAR` times the largest: singular, or not positive definite."""
    values = np.linalg.eigvalsh(matrix)
    return bool(values[0] <= SINGULAR * values[-1])


def smoothed(matrix: Floats) -> tuple[Floats, bool]:
    """The nearest matrix by eigenvalues that is positive definite, and whether anything had to change.

    Eigenvalues below 1e-12 become 1e-10, all are scaled to the old sum, and the diagonal is set to 1.

    References
    ----------
    Knol, D. L. and Berger, M. P. F. (1991). Empirical comparison between factor analysis and multidimensional item
    response models. Multivariate Behavioral Research 26, 457-477; `cor.smooth` of R's psych.
    """
    values, vectors = np.linalg.eigh(matrix)
    if values[0] >= np.finfo(float).eps:
        return matrix, False
    values = np.where(values < 1e-12, 1e-10, values)
    values *= values.size / values.sum()
    return correlation((vectors * values) @ vectors.T), True


def squared_multiple(matrix: Floats) -> tuple[Floats, bool]:
    """Squared multiple correlation of each item with the others: ``1 - 1/diag(R^-1)``, held within [0, 1].

    Returns
    -------
    values : (k,) float64
    pseudo : bool
        Whether R is singular and the pseudo-inverse stands for the inverse.
    """
    pseudo = is_singular(matrix)
    inverse = np.linalg.pinv(matrix, rcond=1e-8, hermitian=True) if pseudo else np.linalg.inv(matrix)
    own = np.diag(inverse)
    found = np.where(own > 1e-12, 1 - 1 / np.where(own > 1e-12, own, 1.0), 0.0)
    return np.clip(found, 0.0, 1.0), pseudo
