"""Whether correlations are fit for factors: Kaiser-Meyer-Olkin and Bartlett's test of sphericity."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.explore.matrices import is_singular
from analysis.results import Reason, Statistic, undefined

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Adequacy:
    """Fitness of the correlations of one column for factors."""

    kmo: Statistic  # 0..1
    msa: dict[str, Statistic]  # measure of sampling adequacy of each item, 0..1
    bartlett: Statistic  # chi squared
    bartlett_df: int
    bartlett_p: Statistic
    bartlett_log10_p: Statistic  # where p itself is too small for a number


def kmo(matrix: Floats) -> tuple[float, Floats]:
    """Kaiser-Meyer-Olkin measure of a (k, k) correlation matrix that is not singular.

    Returns
    -------
    value : float
        ``sum r^2 / (sum r^2 + sum q^2)`` over the pairs of items, q being the anti-image (partial) correlations;
        0..1, NaN when all correlations are 0.
    items : (k,) float64
        The same for the pairs of each item.

    References
    ----------
    Kaiser, H. F. and Rice, J. (1974). Little Jiffy, Mark IV. Educ. Psychol. Meas. 34, 111-117.
    """
    inverse = np.linalg.inv(matrix)
    scale = np.sqrt(np.diag(inverse))
    partial = (inverse / np.outer(scale, scale)) ** 2
    squares = matrix**2
    np.fill_diagonal(partial, 0.0)
    np.fill_diagonal(squares, 0.0)
    r, q = squares.sum(axis=0), partial.sum(axis=0)
    whole = float(r.sum() + q.sum())
    items = np.where(r + q > 1e-300, r / np.maximum(r + q, 1e-300), np.nan)
    return float(r.sum()) / whole if whole > 1e-300 else math.nan, items


def bartlett(matrix: Floats, n: int) -> tuple[float, int, float]:
    """Bartlett's test that all correlations are 0, of a (k, k) matrix that is positive definite.

    Returns
    -------
    chi2 : float
        ``-(n - 1 - (2k + 5)/6) ln det R``; the multiplier is at least 0.
    df : int
        ``k(k - 1)/2``.
    log10_p : float
        Base-10 logarithm of the upper tail, which may lie far below the smallest number.

    References
    ----------
    Bartlett, M. S. (1951). The effect of standardization on a chi-square approximation in factor analysis. Biometrika
    38, 337-344.
    """
    k = matrix.shape[0]
    logdet = float(np.linalg.slogdet(matrix)[1])
    chi2 = max(-(max(n - 1 - (2 * k + 5) / 6, 0.0)) * logdet, 0.0)
    df = k * (k - 1) // 2
    return chi2, df, log10_tail(chi2, df)


def log10_tail(chi2: float, df: int) -> float:
    """Base-10 logarithm of the upper tail of chi squared (df at least 1)."""
    tail = float(special.chdtrc(df, chi2))
    if tail > 1e-290:
        return math.log10(tail)
    # Legendre's continued fraction of the incomplete gamma function, by Lentz; it is quick this far out.
    a, x = df / 2, chi2 / 2
    b = x + 1 - a
    c, d = 1e300, 1 / b
    product = d
    for i in range(1, 1000):
        step = -i * (i - a)
        b += 2
        d = 1 / (step * d + b)
        c = b + step / c
        product *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return (a * math.log(x) - x - float(special.gammaln(a)) + math.log(product)) / math.log(10)


def adequacy(matrix: Floats, n: int, names: tuple[str, ...]) -> Adequacy:
    """KMO and Bartlett's test as statistics.

    Parameters
    ----------
    matrix : (k, k) float64
        Correlations of items that vary.
    n : int
        Respondents (the smallest number behind a pair).
    names : k item ids

    Returns
    -------
    Adequacy
        Undefined with "one_item" for k < 2, "singular" when items repeat one another (or pairwise correlations do not
        fit together), and "one_respondent" or "no_respondents" for n < 2.
    """
    k = len(names)
    why: Reason | None = None
    if n < 2 or k < 2:
        why = "no_respondents" if n == 0 else "one_respondent" if n == 1 else "one_item"
    elif is_singular(matrix):
        why = "singular"
    df = k * (k - 1) // 2
    if why is not None:
        return Adequacy(
            undefined(why, n, "KMO"),
            {name: undefined(why, n, "MSA") for name in names},
            undefined(why, n, "Bartlett chi squared"),
            df,
            undefined(why, n, "Bartlett p"),
            undefined(why, n, "Bartlett log10 p"),
        )
    whole, items = kmo(matrix)
    chi2, df, log_p = bartlett(matrix, n)

    def number(value: float, method: str) -> Statistic:
        return undefined("no_variance", n, method) if math.isnan(value) else Statistic(value, n=n, method=method)

    p = Statistic(10**log_p if log_p > -300 else 0.0, n=n, method="Bartlett p")
    return Adequacy(
        number(whole, "KMO"),
        {name: number(float(value), "MSA") for name, value in zip(names, items, strict=True)},
        number(chi2, "Bartlett chi squared"),
        df,
        p if log_p > -300 else p.flagged("below_smallest_number"),
        number(log_p, "Bartlett log10 p"),
    )
