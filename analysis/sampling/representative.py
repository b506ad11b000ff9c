"""Whether those who answered are like the known population, one trait at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.disclosure import complementary
from analysis.frequencies import wilson
from analysis.results import Statistic
from analysis.sampling.raking import rake
from analysis.thresholds import DEFAULT, Thresholds

LEAST_EXPECTED = 5.0
"""Cochran's rule: with fewer expected in a category the chi-square test is not to be trusted."""


@dataclass(frozen=True)
class Compared:
    """One category: its share among those who answered, None where too few did, and in the population."""

    value: str
    found: Statistic | None
    known: float

    @property
    def differs(self) -> bool:
        """Whether the interval misses the known share."""
        found = self.found
        if found is None or found.low is None or found.high is None:
            return False
        return not found.low <= self.known <= found.high


@dataclass(frozen=True)
class Likeness:
    """A trait: its categories, and Pearson's test that the answers were drawn with the known shares.

    `chi2` and `p` are None where fewer than `LEAST_EXPECTED` are expected in a category, or fewer answered than may be
    shown.
    """

    n: int
    categories: tuple[Compared, ...]
    chi2: float | None
    df: int
    p: float | None


def likeness(
    codes: NDArray[np.integer],
    values: Sequence[str],
    known: Mapping[str, float],
    floor: int,
    thresholds: Thresholds = DEFAULT,
) -> Likeness:
    """Compare answers with known shares.

    Parameters
    ----------
    codes : (n,) int
        Places in `values`; -1 is not known, and left out.
    values : sequence of str
    known : value -> share
        Summing to 1; answers of other values are left out.
    floor : int
        Fewest people a shown number may be about.

    Returns
    -------
    Likeness

    References
    ----------
    Pearson, K. (1900). Philosophical Magazine 50, 157-175.  Cochran, W. G. (1954). Biometrics 10, 417-451.
    """
    counts = {value: int((codes == values.index(value)).sum()) if value in values else 0 for value in known}
    n = sum(counts.values())
    hidden = complementary(counts, floor)
    shown = tuple(
        Compared(value, None if value in hidden else wilson(counts[value], n, thresholds.level), share)
        for value, share in known.items()
    )
    asked = [value for value, share in known.items() if share > 0]
    expected = np.array([known[value] * n for value in asked])
    df = len(asked) - 1
    if n < floor or df < 1 or expected.min() < LEAST_EXPECTED:
        return Likeness(n, shown, None, max(df, 0), None)
    chi2 = float(((np.array([counts[value] for value in asked]) - expected) ** 2 / expected).sum())
    return Likeness(n, shown, chi2, df, float(special.chdtrc(df, chi2)))


def weighting_effect(
    codes: Sequence[NDArray[np.integer]],
    values: Sequence[Sequence[str]],
    known: Sequence[Mapping[str, float]],
    floor: int,
    thresholds: Thresholds = DEFAULT,
) -> float | None:
    """Kish's design effect of weights that would bring the answers to all known shares; None where they cannot.

    Parameters
    ----------
    codes : sequence of (n,) int
        One a trait, as for `likeness`.
    values, known
        One a trait.
    floor : int
        Fewest people a shown number may be about.
    """
    targets = [
        {names.index(value): share for value, share in shares.items() if value in names}
        for names, shares in zip(values, known, strict=True)
    ]
    if not codes or any(not sum(target.values()) > 0 for target in targets):
        return None
    raked = rake(list(codes), targets, thresholds)
    whole = raked.converged and not any(flag.startswith("empty_category") for flag in raked.flags)
    return raked.design_effect if whole and int((raked.weights > 0).sum()) >= floor else None
