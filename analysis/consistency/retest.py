"""Agreement of the same people's scores on two occasions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.results import Reason, Statistic, undefined

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Retest:
    """Test-retest reliability of one score."""

    agreement: Statistic  # ICC(A,1): a shift between the occasions counts as error
    consistency: Statistic  # ICC(C,1): it does not
    error: Statistic  # standard error of measurement, in points
    smallest_change: Statistic  # smallest detectable change of one person, in points


@dataclass(frozen=True)
class MeanSquares:
    """Two-way analysis of variance without replication."""

    people: float
    occasions: float
    residual: float
    n: int
    k: int


def mean_squares(scores: Floats) -> MeanSquares:
    """Mean squares of an (n, k) table without missing values, n and k at least 2."""
    n, k = scores.shape
    away = scores - scores.mean()
    rows, columns = away.mean(axis=1), away.mean(axis=0)
    residual = away - rows[:, None] - columns[None, :]
    people, occasions = k * float((rows**2).sum()), n * float((columns**2).sum())
    return MeanSquares(people / (n - 1), occasions / (k - 1), float((residual**2).sum()) / ((n - 1) * (k - 1)), n, k)


def icc_agreement(squares: MeanSquares, level: float = 0.95) -> tuple[float, float, float] | None:
    """ICC(A,1) with its F interval: ``(MSR - MSE) / (MSR + (k-1) MSE + k (MSC - MSE)/n)``.

    It may be negative.  MSE must be above 0; None when nothing is left below the line, as with two people who only
    change places.

    References
    ----------
    McGraw, K. O. and Wong, S. P. (1996). Forming inferences about some intraclass correlation coefficients. Psychol.
    Methods 1, 30-46, tables 4 and 7.
    """
    r, c, e, n, k = squares.people, squares.occasions, squares.residual, squares.n, squares.k
    below = r + (k - 1) * e + k * (c - e) / n
    if below <= 1e-12 * (r + c + e):
        return None
    value = (r - e) / below
    tail, f = (1 + level) / 2, c / e
    # Satterthwaite's degrees of freedom for the sum of both mean squares below the line.
    between = k * value * f + n * (1 + (k - 1) * value) - k * value
    within = (n - 1) * (k * value * f) ** 2 + (n * (1 + (k - 1) * value) - k * value) ** 2
    df = max((k - 1) * (n - 1) * between**2 / max(within, 1e-300), 1e-3)
    high, low = float(special.fdtri(n - 1, df, tail)), float(special.fdtri(df, n - 1, tail))
    rest = k * c + (k * n - k - n) * e
    return value, n * (r - high * e) / (high * rest + n * r), n * (low * r - e) / (rest + n * low * r)


def icc_consistency(squares: MeanSquares, level: float = 0.95) -> tuple[float, float, float]:
    """ICC(C,1) with its F interval: ``(MSR - MSE) / (MSR + (k-1) MSE)``; MSE must be above 0.

    References
    ----------
    McGraw and Wong (1996), tables 4 and 7.
    """
    r, e, n, k = squares.people, squares.residual, squares.n, squares.k
    f, tail = r / e, (1 + level) / 2
    low = f / float(special.fdtri(n - 1, (n - 1) * (k - 1), tail))
    high = f * float(special.fdtri((n - 1) * (k - 1), n - 1, tail))
    return (r - e) / (r + (k - 1) * e), (low - 1) / (low + k - 1), (high - 1) / (high + k - 1)


def retest(first: Floats, second: Floats, level: float = 0.95, floor: int = 30) -> Retest:
    """Test-retest reliability of a score.

    Parameters
    ----------
    first, second : (n,) float64
        The same people's scores on both occasions; NaN is missing, and only complete pairs count.
    level : float
    floor : int
        Fewer pairs flag the results ``few_pairs``.

    Returns
    -------
    Retest
        ``SEM = s sqrt(1 - ICC(A,1))`` with the root mean square s of both standard deviations;
        ``SDC = z sqrt(2) SEM``.  Undefined with "no_complete_pairs", "one_respondent" or "no_variance"; complete
        agreement has no interval.
    """
    scores = np.column_stack([first, second])
    scores = scores[~np.isnan(scores).any(axis=1)]
    n = len(scores)
    names = ("ICC(A,1)", "ICC(C,1)", "standard error of measurement", "smallest detectable change")
    why: Reason | None = "no_complete_pairs" if n == 0 else "one_respondent" if n == 1 else None
    squares = mean_squares(scores) if n > 1 else MeanSquares(0.0, 0.0, 0.0, n, 2)
    scale = float((scores**2).sum()) / max(n, 1)
    if why is None and squares.people + squares.residual <= 1e-14 * max(scale, 1.0):
        why = "no_variance"
    if why is not None:
        return Retest(*(undefined(why, n, name, level) for name in names))
    flags = ("few_pairs",) if n < floor else ()
    if squares.residual <= 1e-14 * max(scale, 1.0):
        below = squares.people + 2 * squares.occasions / n
        agreement = Statistic(squares.people / below, None, None, level, n, names[0], (*flags, "no_residual"))
        consistency = Statistic(1.0, None, None, level, n, names[1], (*flags, "no_residual"))
    else:
        a, c = icc_agreement(squares, level), icc_consistency(squares, level)
        agreement = undefined("no_variance", n, names[0], level)
        if a is not None:
            # With very few pairs Satterthwaite's degrees of freedom may vanish, and the interval with them.
            exists = math.isfinite(a[1]) and math.isfinite(a[2])
            low, high = (a[1], a[2]) if exists else (None, None)
            agreement = Statistic(a[0], low, high, level, n, f"{names[0]}, F interval", flags)
        consistency = Statistic(*c, level, n, f"{names[1]}, F interval", flags)
    spread = math.sqrt(float(scores.var(axis=0, ddof=1).mean()))
    if agreement.value is None:
        return Retest(agreement, consistency, *(undefined("no_variance", n, name, level) for name in names[2:]))
    error = spread * math.sqrt(max(1 - min(agreement.value, 1.0), 0.0))
    change = float(special.ndtri((1 + level) / 2)) * math.sqrt(2) * error
    return Retest(
        agreement, consistency, Statistic(error, n=n, method=names[2], flags=flags),
        Statistic(change, n=n, method=names[3], flags=flags),
    )  # fmt: skip
