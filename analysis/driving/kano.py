"""Kano's categories, where a feature was asked both as present and as absent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.frequencies import wilson
from analysis.results import Statistic, undefined
from analysis.thresholds import DEFAULT, Thresholds

Category = Literal["M", "O", "A", "I", "R", "Q"]
"""Must-be, one-dimensional, attractive, indifferent, reverse, questionable."""

ORDER: tuple[Category, ...] = ("M", "O", "A", "I", "R", "Q")
"""Ties go to the first."""

TABLE: tuple[tuple[Category, ...], ...] = (
    ("Q", "A", "A", "A", "O"),
    ("R", "I", "I", "I", "M"),
    ("R", "I", "I", "I", "M"),
    ("R", "I", "I", "I", "M"),
    ("R", "R", "R", "R", "Q"),
)
"""Row: answer if the feature is there (1 like, 2 must be, 3 neutral, 4 live with, 5 dislike); column: if it is not."""


@dataclass(frozen=True)
class Kano:
    """One feature."""

    counts: dict[str, int]
    better: Statistic  # (A + O)/(A + O + M + I)
    worse: Statistic  # -(O + M)/(A + O + M + I)
    category: Category | None  # the most frequent
    strength: Statistic  # percentage points to the second
    label: str  # the category, or "mixed"
    p_fong: Statistic  # that the two most frequent are equally frequent


def kano_counts(present: NDArray[np.integer], absent: NDArray[np.integer]) -> dict[str, int]:
    """Categories of n respondents from their (n,) answers 1..5; others are left out."""
    found: dict[str, int] = dict.fromkeys(ORDER, 0)
    for a, b in zip(present.tolist(), absent.tolist(), strict=True):
        if 1 <= a <= 5 and 1 <= b <= 5:
            found[TABLE[a - 1][b - 1]] += 1
    return found


def kano(counts: Mapping[str, int], thresholds: Thresholds = DEFAULT, floor: int = 1) -> Kano:
    """Judge a feature by its counts.

    Parameters
    ----------
    counts : category -> respondents
    floor : int
        Fewer respondents are not told of.

    Returns
    -------
    Kano
        Undefined without respondents.  "mixed" when the first two differ by less than `kano_strength` points
        of a hundred.

    References
    ----------
    Kano, N. et al. (1984). Attractive quality and must-be quality.  Berger, C. et al. (1993). Center for Quality of
    Management Journal 2(4).  Fong, D. (1996). Ibid. 5(1) (the test).
    """
    given: dict[str, int] = {name: int(counts.get(name, 0)) for name in ORDER}
    n = sum(given.values())
    rated = given["A"] + given["O"] + given["M"] + given["I"]
    if n < max(floor, 1):
        none = undefined("too_few" if n else "no_respondents")
        return Kano(dict.fromkeys(ORDER, 0), none, none, None, none, "mixed", none)
    ranked = sorted(ORDER, key=lambda name: (-given[name], ORDER.index(name)))
    first, second = given[ranked[0]], given[ranked[1]]
    strength = 100 * (first - second) / n
    better = wilson(given["A"] + given["O"], rated, thresholds.level, reason="no_complete_cases")
    worse = wilson(given["O"] + given["M"], rated, thresholds.level, reason="no_complete_cases")
    return Kano(
        given,
        replace(better, method="better, Wilson interval"),
        _negative(worse),
        ranked[0],
        Statistic(strength, n=n, method="share of the first minus share of the second"),
        ranked[0] if strength >= thresholds.kano_strength else "mixed",
        _fong(first, second, n),
    )


def _negative(share: Statistic) -> Statistic:
    """The share with a minus sign: what is lost without the feature."""
    if share.value is None or share.low is None or share.high is None:
        return share
    return replace(
        share, value=-share.value + 0.0, low=-share.high + 0.0, high=-share.low + 0.0, method="worse, Wilson interval"
    )


def _fong(first: int, second: int, n: int) -> Statistic:
    """Two-sided p of equal shares: ``abs(a - b)/sqrt((a + b)(2n - a - b)/(2n))`` as a normal score."""
    both = first + second
    spread = both * (2 * n - both) / (2 * n)
    if not spread > 0:
        return undefined("no_variance", n, "Fong's test")
    z = (first - second) / spread**0.5
    return Statistic(2 * float(special.ndtr(-abs(z))), n=n, method="Fong's test")
