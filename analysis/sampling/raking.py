"""Raking: weights that bring the answers to the known shares of tier, age and branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.thresholds import DEFAULT, Thresholds

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Raked:
    """Weights with how well they fit.

    Attributes
    ----------
    weights : (n,) float
        Mean 1 over the respondents with a known category in every margin; 0 for the others.
    rounds : int
    error : float
        Largest relative error of a margin.
    converged : bool
    trimmed : int
        Weights cut at the limit.
    design_effect : float
        Kish's ``n sum w^2/(sum w)^2``, at least 1.
    flags : tuple of str
        ``empty_category:…`` (a margin asks for people of whom nobody answered), ``trimmed``.
    """

    weights: Floats
    rounds: int
    error: float
    converged: bool
    trimmed: int
    design_effect: float
    flags: tuple[str, ...]


def kish(weights: Floats) -> float:
    """Kish's design effect of weights, ``n sum w^2/(sum w)^2`` over those above 0; 1 when none are."""
    used = weights[weights > 0]
    return float(used.size * (used**2).sum() / used.sum() ** 2) if used.size else 1.0


def rake(
    codes: Sequence[NDArray[np.integer]],
    targets: Sequence[Mapping[int, float]],
    thresholds: Thresholds = DEFAULT,
    trim: bool = True,
) -> Raked:
    """Iterative proportional fitting of weights to margins.

    Parameters
    ----------
    codes : sequence of (n,) int
        Category of each respondent in each margin; -1 is unknown.
    targets : sequence of category -> share
        Known shares of each margin; they are brought to a sum of 1 over the categories somebody answered in.
    thresholds : Thresholds
        `rake_error`, `rake_rounds`, `rake_trim`.
    trim : bool
        Whether weights above `rake_trim` times their median are cut and the rest raked again.

    Returns
    -------
    Raked

    Raises
    ------
    ValueError
        When a share is negative, or a margin's shares are all 0.

    References
    ----------
    Deming, W. E. and Stephan, F. F. (1940). Ann. Math. Stat. 11, 427-444.  Kish, L. (1992). J. Off. Stat. 8, 183-200.
    """
    n = codes[0].size if codes else 0
    known = np.logical_and.reduce([part >= 0 for part in codes]) if codes else np.ones(n, np.bool_)
    margins, flags = _margins(codes, targets, known)
    known &= np.logical_and.reduce([np.isin(part, places) for part, (places, _) in zip(codes, margins, strict=True)])
    weights = known.astype(np.float64)
    if not known.any():
        return Raked(weights, 0, 0.0, False, 0, 1.0, (*flags, "nobody"))
    limit, trimmed, rounds = np.inf, 0, 0
    for _ in range(20 if trim else 1):
        weights, rounds, error = _fit(codes, margins, known, np.minimum(weights, limit), thresholds)
        limit = thresholds.rake_trim * float(np.median(weights[known])) if trim else np.inf
        over = int((weights > limit * (1 + 1e-9)).sum())
        if not over:
            break
        trimmed = over
    if trim and trimmed:
        weights = np.minimum(weights, limit)
        weights *= known.sum() / weights.sum()
        error = _error(codes, margins, weights)
        flags = (*flags, "trimmed")
    return Raked(weights, rounds, error, error <= thresholds.rake_error, trimmed, kish(weights), flags)


def _margins(
    codes: Sequence[NDArray[np.integer]], targets: Sequence[Mapping[int, float]], known: NDArray[np.bool_]
) -> tuple[list[tuple[NDArray[np.int64], Floats]], tuple[str, ...]]:
    """Categories with answers and their shares, summing to 1; and what is missing."""
    found, flags = [], []
    for number, (part, target) in enumerate(zip(codes, targets, strict=True)):
        if any(share < 0 for share in target.values()) or not sum(target.values()) > 0:
            raise ValueError(f"margin {number + 1}: shares must not be negative, and one must be above 0")
        answered = set(np.unique(part[known]).tolist())
        flags += [
            f"empty_category:{number}:{code}" for code, share in target.items() if share > 0 and code not in answered
        ]
        places = np.array([code for code, share in target.items() if share > 0 and code in answered], np.int64)
        shares = np.array([target[int(code)] for code in places], np.float64)
        found.append((places, shares / shares.sum() if shares.size else shares))
    return found, tuple(flags)


def _fit(
    codes: Sequence[NDArray[np.integer]],
    margins: list[tuple[NDArray[np.int64], Floats]],
    known: NDArray[np.bool_],
    weights: Floats,
    thresholds: Thresholds,
) -> tuple[Floats, int, float]:
    """Fit each margin in turn until all hold."""
    total = float(known.sum())
    weights = weights * total / weights.sum()
    error = _error(codes, margins, weights)
    rounds = 0
    while error > thresholds.rake_error and rounds < thresholds.rake_rounds:
        for part, (places, shares) in zip(codes, margins, strict=True):
            for code, share in zip(places, shares, strict=True):
                chosen = known & (part == code)
                now = float(weights[chosen].sum())
                if now > 0:
                    weights[chosen] *= share * total / now
        error = _error(codes, margins, weights)
        rounds += 1
    return weights, rounds, error


def _error(
    codes: Sequence[NDArray[np.integer]], margins: list[tuple[NDArray[np.int64], Floats]], weights: Floats
) -> float:
    """Largest relative error of a margin."""
    total = float(weights.sum())
    worst = 0.0
    for part, (places, shares) in zip(codes, margins, strict=True):
        for code, share in zip(places, shares, strict=True):
            worst = max(worst, abs(float(weights[part == code].sum()) / total - share) / share)
    return worst
