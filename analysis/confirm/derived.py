"""Numbers that follow from the parameters of a factor model, with standard errors by the delta method."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.confirm.estimate import STEP
from analysis.confirm.model import Part, implied
from analysis.mergeable import Floats


def delta_method(
    function: Callable[[NDArray[Any]], NDArray[Any]], parameters: Floats, covariance: Floats
) -> tuple[Floats, Floats]:
    """Values of an analytic function of the parameters, with their standard errors by the delta method.

    Parameters
    ----------
    function : (q,) real or complex -> (r,)
    parameters : (q,); covariance : (q, q) of the estimates

    Returns
    -------
    values, standard errors : (r,)
    """
    values = function(parameters)
    jacobian = np.empty((values.size, parameters.size))
    for j in range(parameters.size):
        moved = parameters.astype(np.complex128)
        moved[j] += STEP * 1j
        jacobian[:, j] = function(moved).imag / STEP
    variance = np.einsum("rj,jk,rk->r", jacobian, covariance, jacobian, optimize=True)
    return values, np.sqrt(np.maximum(variance, 0.0))


def standardised_loadings(part: Part, parameters: NDArray[Any]) -> NDArray[Any]:
    """(p, m) loadings of standardised items on standardised factors (lavaan's std.all)."""
    at = implied(part, parameters)
    by = np.sqrt(np.diag(at.covariance))[:, None]
    found: NDArray[Any] = at.matrices["loadings"] * np.sqrt(np.diag(at.factor_covariance)) / by
    return found


def correlation_loadings(part: Part, parameters: NDArray[Any]) -> NDArray[Any]:
    """The same for a model of correlations, where items have variance 1 whatever the parameters."""
    at = implied(part, parameters)
    found: NDArray[Any] = at.matrices["loadings"] * np.sqrt(np.diag(at.factor_covariance))
    return found


def factor_correlations(part: Part, parameters: NDArray[Any]) -> NDArray[Any]:
    """(m, m) correlations of the factors."""
    found = implied(part, parameters).factor_covariance
    sds = np.sqrt(np.diag(found))
    return np.asarray(found / np.outer(sds, sds))


def quantile(level: float) -> float:
    """Normal quantile of a two-sided interval."""
    return math.sqrt(2) * float(special.erfinv(level))
