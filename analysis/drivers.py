"""What satisfaction goes with: least squares, and R squared shared out among the dimensions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analysis.frequencies import t_quantile
from analysis.mergeable import Floats
from analysis.results import Reason
from analysis.tally import Tally
from analysis.thresholds import DEFAULT, Thresholds


@dataclass(frozen=True)
class Regression:
    """Least squares of an outcome on p predictors, from their covariance matrix.

    Attributes
    ----------
    n, r2 : rows, and the share of the outcome's variance in 0..1
    beta, se : (p,) coefficients and their classical standard errors
    shares : (p,) parts of R squared, which they sum to
    method : "LMG" or "relative weights"
    """

    n: int
    r2: float
    beta: Floats
    se: Floats
    shares: Floats
    method: str

    def reach(self, level: float) -> Floats:
        """Half widths of the t intervals of the coefficients."""
        return t_quantile(self.n - self.beta.size - 1, (1 + level) / 2) * self.se


def regression(covariance: Floats, n: int, most_lmg: int = DEFAULT.lmg_predictors) -> Regression | Reason:
    """Regress the last variable of a covariance matrix (divisor n - 1) on the others.

    Parameters
    ----------
    covariance : (p + 1, p + 1) float
    n : int
        Rows behind it.
    most_lmg : int
        Most predictors for which R squared is shared out exactly over all subsets (LMG); relative weights above.

    Returns
    -------
    Regression, or why there is none
        "no_complete_cases" (n < p + 2), "no_variance" (of a variable), "singular" (predictors repeat one another:
        smallest eigenvalue of their correlations below 1e-8).

    Notes
    -----
    The standard errors are the classical ones: they suppose equal error variance and are read as association only.
    """
    p = covariance.shape[0] - 1
    if n < p + 2:
        return "no_complete_cases"
    sds = np.sqrt(np.maximum(np.diag(covariance), 0))
    if float(sds.min()) <= 1e-12:
        return "no_variance"
    correlation = covariance / np.outer(sds, sds)
    if float(np.linalg.eigvalsh(correlation[:p, :p])[0]) < 1e-8:
        return "singular"
    inverse = np.linalg.inv(correlation[:p, :p])
    standardised = inverse @ correlation[:p, p]
    r2 = min(1.0, float(correlation[:p, p] @ standardised))
    error = (1 - r2) * sds[p] ** 2 * (n - 1) / (n - p - 1)
    se = np.sqrt(error * np.diag(inverse) / (n - 1)) / sds[:p]
    exact = p <= most_lmg
    shares = lmg(correlation) if exact else relative_weights(correlation)
    return Regression(n, r2, standardised * sds[p] / sds[:p], se, shares, "LMG" if exact else "relative weights")


def lmg(correlation: Floats) -> Floats:
    """R squared shared out by the mean gain of each predictor over all orders of entry (Shapley value).

    Parameters
    ----------
    correlation : (p + 1, p + 1) float
        Of p predictors, which must not be singular, and last the outcome.

    Returns
    -------
    (p,) float
        At least 0; the sum is R squared.

    References
    ----------
    Lindeman, R. H., Merenda, P. F. and Gold, R. Z. (1980). Introduction to Bivariate and Multivariate Analysis.
    Groemping, U. (2006). Relative importance for linear regression in R. J. Statistical Software 17(1).
    """
    p = correlation.shape[0] - 1
    r2 = np.zeros(2**p)
    for subset in range(1, 2**p):
        chosen = [j for j in range(p) if subset >> j & 1]
        target = correlation[chosen, p]
        r2[subset] = target @ np.linalg.solve(correlation[np.ix_(chosen, chosen)], target)
    shares = np.zeros(p)
    for subset in range(2**p):
        size = subset.bit_count()
        weight = math.factorial(size) * math.factorial(p - size - 1) / math.factorial(p) if size < p else 0.0
        for j in range(p):
            if not subset >> j & 1:
                shares[j] += weight * (r2[subset | 1 << j] - r2[subset])
    return np.maximum(shares, 0.0)


def relative_weights(correlation: Floats) -> Floats:
    """R squared shared out by Johnson's relative weights: through the nearest orthogonal variables.

    References
    ----------
    Johnson, J. W. (2000). A heuristic method for estimating the relative weight of predictor variables.
    Multivariate Behavioral Research 35, 1-19.
    """
    p = correlation.shape[0] - 1
    eigenvalues, vectors = np.linalg.eigh(correlation[:p, :p])
    loading = vectors @ np.diag(np.sqrt(np.maximum(eigenvalues, 0))) @ vectors.T
    orthogonal = np.linalg.solve(loading, correlation[:p, p])
    return np.asarray((loading**2) @ orthogonal**2, np.float64)


def satisfaction(tally: Tally, thresholds: Thresholds = DEFAULT) -> Regression | Reason:
    """Overall satisfaction on the dimensions' perception means, complete cases."""
    if tally.outcome is None:
        return "no_outcome"
    covariance = tally.outcome.covariance()
    covariance[:-1] /= tally.plan.moment_unit
    covariance[:, :-1] /= tally.plan.moment_unit
    return regression(covariance, tally.outcome.n, thresholds.lmg_predictors)
