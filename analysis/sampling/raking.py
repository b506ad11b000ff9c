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
    if not known.any():
        return Raked(known.astype(np.float64), 0, 0.0, False, 0, 1.0, (*flags, "nobody"))
    # People alike in every margin have one weight, so the work is on kinds of people, however many answered.
    kinds, kind_of, counts = np.unique(
        np.stack([part[known] for part in codes], axis=1), axis=0, return_inverse=True, return_counts=True
    )
    table = _Table(
        [np.searchsorted(places, column) for column, (places, _) in zip(kinds.T, _in_order(margins), strict=True)],
        [shares for _, shares in _in_order(margins)],
        counts.astype(np.float64),
    )
    own, limit, trimmed, rounds = np.ones(len(kinds)), np.inf, 0, 0
    for _ in range(20 if trim else 1):
        own, rounds, error = _fit(table, np.minimum(own, limit), thresholds)
        limit = thresholds.rake_trim * float(np.median(own[kind_of.ravel()])) if trim else np.inf
        over = int(counts[own > limit * (1 + 1e-9)].sum())
        if not over:
            break
        trimmed = over
    if trim and trimmed:
        own = np.minimum(own, limit)
        own *= counts.sum() / (own * counts).sum()
        error = table.error(own)
        flags = (*flags, "trimmed")
    weights = np.zeros(n)
    weights[known] = own[kind_of.ravel()]
    return Raked(weights, rounds, error, error <= thresholds.rake_error, trimmed, kish(weights), flags)


@dataclass(frozen=True, eq=False)
class _Table:
    """Kinds of people: the category of each in every margin, the shares of these, and how many people there are."""

    places: list[NDArray[np.intp]]
    shares: list[Floats]
    counts: Floats

    def error(self, weights: Floats) -> float:
        """Largest relative error of a margin."""
        mass = weights * self.counts
        found = [
            np.abs(np.bincount(at, mass, shares.size) / mass.sum() - shares) / shares
            for at, shares in zip(self.places, self.shares, strict=True)
        ]
        return float(max(one.max(initial=0.0) for one in found))


def _in_order(margins: list[tuple[NDArray[np.int64], Floats]]) -> list[tuple[NDArray[np.int64], Floats]]:
    """Each margin's categories in the order of their codes."""
    return [(places[order], shares[order]) for places, shares in margins for order in (np.argsort(places),)]


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


def _fit(table: _Table, weights: Floats, thresholds: Thresholds) -> tuple[Floats, int, float]:
    """Fit each margin in turn until all hold: weights of the kinds, rounds, and the error left."""
    total = float(table.counts.sum())
    weights = weights * total / (weights * table.counts).sum()
    error, rounds = table.error(weights), 0
    while error > thresholds.rake_error and rounds < thresholds.rake_rounds:
        for at, shares in zip(table.places, table.shares, strict=True):
            now = np.bincount(at, weights * table.counts, shares.size)
            weights = weights * np.divide(shares * total, now, out=np.ones_like(now), where=now > 0)[at]
        error = table.error(weights)
        rounds += 1
    return weights, rounds, error
