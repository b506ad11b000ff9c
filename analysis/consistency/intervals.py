"""Intervals of Cronbach's alpha beside Feldt's (`analysis.reliability.feldt_interval`)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]


def bonett_interval(alpha: float, n: int, k: int, level: float = 0.95) -> tuple[float, float]:
    """Bonett's interval, ``1 - exp(ln(1 - alpha) +- z sqrt(2k / ((k - 1)(n - 2))))``.

    Parameters
    ----------
    alpha : float
        Below 1.
    n, k : int
        Respondents (at least 3) and items (at least 2).

    References
    ----------
    Bonett, D. G. (2002). Sample size requirements for testing and estimating coefficient alpha. J. Educ. Behav.
    Statist. 27, 335-340.
    """
    reach = float(special.ndtri((1 + level) / 2)) * math.sqrt(2 * k / ((k - 1) * (n - 2)))
    middle = math.log(1 - alpha)
    return 1 - math.exp(middle + reach), 1 - math.exp(middle - reach)


def duhachek_error(covariance: Floats, n: int) -> float:
    """Asymptotic standard error of alpha for normal data, with divisor n as in R's psych.

    Parameters
    ----------
    covariance : (k, k) float64
        k at least 2, sum above 0.
    n : int
        At least 1.

    Returns
    -------
    float
        ``sqrt(Q/n)``; the interval ``alpha +- z sqrt(Q/n)`` may exceed 1.

    References
    ----------
    Duhachek, A. and Iacobucci, D. (2004). Alpha's standard error (ASE): an accurate and precise confidence interval
    estimate. J. Appl. Psychol. 89, 792-808; van Zyl, J. M., Neudecker, H. and Nel, D. G. (2000). Psychometrika 65,
    271-280.
    """
    k = covariance.shape[0]
    total, own = float(covariance.sum()), float(np.trace(covariance))
    squared = covariance @ covariance
    inner = total * (float(np.trace(squared)) + own**2) - 2 * own * float(squared.sum())
    q = 2 * k**2 / ((k - 1) ** 2 * total**3) * inner
    return math.sqrt(max(q, 0.0) / n)


def duhachek_interval(alpha: float, covariance: Floats, n: int, level: float = 0.95) -> tuple[float, float]:
    """``alpha +- z`` standard errors of `duhachek_error`, not cut at 1."""
    reach = float(special.ndtri((1 + level) / 2)) * duhachek_error(covariance, n)
    return alpha - reach, alpha + reach
