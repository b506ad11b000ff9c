"""Guttman's lambdas and split halves, from a covariance or correlation matrix."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.explore.matrices import correlation, squared_multiple

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Splits:
    """Flanagan-Rulon reliabilities of splits into k // 2 items and the rest.

    Attributes
    ----------
    best, mean, least : float
        Over the splits; `best` is lambda-4.
    count : int
        Splits looked at.
    exact : bool
        Whether these are all splits, or random ones.
    """

    best: float
    mean: float
    least: float
    count: int
    exact: bool


def lambda2(covariance: Floats) -> float:
    """Guttman's lambda-2, ``(off + sqrt(k/(k-1) sum off^2)) / total`` (k at least 2, total above 0).

    References
    ----------
    Guttman, L. (1945). A basis for analyzing test-retest reliability. Psychometrika 10, 255-282.
    """
    k = covariance.shape[0]
    total, own = float(covariance.sum()), np.diag(covariance)
    squares = float((covariance**2).sum() - (own**2).sum())
    return (total - float(own.sum()) + math.sqrt(max(squares, 0.0) * k / (k - 1))) / total


def lambda6(covariance: Floats) -> tuple[float, bool]:
    """Guttman's lambda-6, ``1 - sum(1 - smc) / sum R``, and whether R was singular (pseudo-inverse used).

    On correlations, as R's psych does.  NaN when the correlations sum to 0 or less.
    """
    matrix = correlation(covariance)
    multiple, pseudo = squared_multiple(matrix)
    total = float(matrix.sum())
    return (1 - float((1 - multiple).sum()) / total if total > 1e-12 else math.nan), pseudo


def flanagan_rulon(covariance: Floats, first: NDArray[np.bool_]) -> float:
    """Reliability of a sum by one split, ``2 (1 - (v1 + v2)/vt)``; `first` marks the items of one half.

    References
    ----------
    Rulon, P. J. (1939). A simplified procedure for determining the reliability of a test by split-halves. Harvard
    Educational Review 9, 99-103.
    """
    signs = np.where(first, 1.0, -1.0)
    # v1 + v2 is half the variance of the sum plus half that of the difference of the halves.
    return 1 - float(signs @ covariance @ signs) / float(covariance.sum())


def odd_even(covariance: Floats) -> tuple[float, float, float]:
    """Correlation of the odd with the even items, stepped up by Spearman-Brown, and Flanagan-Rulon of the same split.

    NaN for the first two when a half has no variance; the second is NaN for a correlation of -1.
    """
    odd = np.arange(covariance.shape[0]) % 2 == 0
    v1, v2 = float(covariance[np.ix_(odd, odd)].sum()), float(covariance[np.ix_(~odd, ~odd)].sum())
    both = float(covariance[np.ix_(odd, ~odd)].sum())
    r = both / math.sqrt(v1 * v2) if v1 > 1e-12 and v2 > 1e-12 else math.nan
    stepped = 2 * r / (1 + r) if not math.isnan(r) and 1 + r > 1e-12 else math.nan
    return r, stepped, flanagan_rulon(covariance, odd)


def splits(covariance: Floats, rng: np.random.Generator, exact_up_to: int = 22, draws: int = 10_000) -> Splits:
    """Reliabilities of the splits into halves: the best is lambda-4.

    Parameters
    ----------
    covariance : (k, k) float64
        k at least 2, sum above 0.
    rng : numpy.random.Generator
        Draws the splits of longer scales.
    exact_up_to : int
        All splits up to this many items; beyond, `draws` random ones.

    Returns
    -------
    Splits
        lambda-4 of a long scale is a lower bound of the best over all splits.

    References
    ----------
    Guttman, L. (1945). Psychometrika 10, 255-282; Benton, T. (2015). An empirical assessment of Guttman's lambda 4
    reliability coefficient. In Quantitative Psychology Research, 301-310.
    """
    k = covariance.shape[0]
    exact = k <= exact_up_to
    forms = _all_splits(covariance) if exact else _random_splits(covariance, rng, draws)
    found = 1 - forms / float(covariance.sum())
    return Splits(float(found.max()), float(found.mean()), float(found.min()), int(found.size), exact)


def _all_splits(covariance: Floats) -> Floats:
    """``s'C s`` of all splits s of +-1 with k // 2 items at +1.

    The items are cut into two parts.  A split is a pattern of signs of each part, and the form is that of the one
    part, of the other, and the product of both patterns with the covariances between: one product of matrices for
    all pairs of patterns with the right number of items.
    """
    k = covariance.shape[0]
    half, left = k // 2, k // 2
    patterns_a, forms_a = _patterns(covariance[:left, :left])
    patterns_b, forms_b = _patterns(covariance[left:, left:])
    if 2 * half == k:  # each split of equal halves would come twice: the first item is held
        held = patterns_a[:, 0] > 0
        patterns_a, forms_a = patterns_a[held], forms_a[held]
    sizes_a, sizes_b = (patterns_a > 0).sum(axis=1), (patterns_b > 0).sum(axis=1)
    found = []
    for size in range(left + 1):
        a, b = sizes_a == size, sizes_b == half - size
        if bool(a.any()) and bool(b.any()):
            cross = (patterns_a[a] @ covariance[:left, left:]) @ patterns_b[b].T
            found.append((forms_a[a][:, None] + forms_b[b][None, :] + 2 * cross).ravel())
    return np.concatenate(found)


def _patterns(covariance: Floats) -> tuple[Floats, Floats]:
    """All patterns of signs of a few items, and ``s'C s`` of each."""
    k = covariance.shape[0]
    bits = (np.arange(2**k)[:, None] >> np.arange(k)) & 1
    patterns: Floats = (2 * bits - 1).astype(np.float64)
    forms: Floats = ((patterns @ covariance) * patterns).sum(axis=1)
    return patterns, forms


def _random_splits(covariance: Floats, rng: np.random.Generator, draws: int) -> Floats:
    """``s'C s`` of random splits."""
    k = covariance.shape[0]
    places = np.argsort(rng.random((draws, k)), axis=1)
    signs = np.where(places < k // 2, 1.0, -1.0)
    forms: Floats = ((signs @ covariance) * signs).sum(axis=1)
    return forms
