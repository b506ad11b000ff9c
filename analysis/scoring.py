"""Means of composites as whole multiples of a common unit, and what is summed up of the dimension means."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.matrix import rated
from analysis.mergeable import Counts, Histogram, Moments
from analysis.plan import COARSE, FINE, Plan
from analysis.rows import Answered, Flags, Rows, Small

Numerators = NDArray[np.floating[Any]]
"""Whole numbers in floating point."""


def numerators(sums: Small, counts: Small, unit: int) -> Counts:
    """The means sums/counts as multiples of 1/unit (0 where nothing is counted)."""
    some = np.maximum(counts, 1)
    if unit in (FINE, COARSE):
        return np.rint(sums.astype(np.float64) / some * unit).astype(np.int64)
    # Exact: the quotients are whole numbers, and what is divided is below 2**53.
    return (sums.astype(np.float64) * unit / some).astype(np.int64)


def means(sums: Small, counts: Small, unit: int, plan: Plan) -> Numerators:
    """The same in the smallest floating-point numbers that hold them."""
    if unit in (FINE, COARSE):
        return numerators(sums, counts, unit).astype(np.float64)
    kind = plan.exact(unit)
    found = sums.astype(kind)
    found *= unit
    found /= np.maximum(counts, 1)
    return found


class DimensionMeans:
    """Dimension means of one chunk, by name ("gap.perception" as in the composites), made when they are asked for."""

    def __init__(self, rows: Rows, unit: int) -> None:
        self.rows, self.unit, self.chosen = rows, unit, rows.plan.rows("dimension")
        self._found: dict[str, Numerators] = {}

    def source(self, name: str) -> tuple[Answered, Small]:
        """Whose scores they are, and the sums of all composites."""
        contrast, _, column = name.partition(".")
        part = self.rows.of_contrast[contrast] if contrast in self.rows.contrasts else self.rows.of_column[contrast]
        return part, self.rows.paired_sums[column] if column else part.sums

    def scored(self, name: str) -> Flags:
        """(dimensions, n): who has a score."""
        return self.source(name)[0].scored[self.chosen]

    def of(self, name: str) -> Numerators:
        """(dimensions, n): means as multiples of 1/unit; meaningless where there is no score."""
        if name not in self._found:
            part, sums = self.source(name)
            self._found[name] = means(sums[self.chosen], part.counts[self.chosen], self.unit, self.rows.plan)
        return self._found[name]


def overall_histograms(rows: Rows, dimensions: DimensionMeans) -> dict[str, Histogram]:
    """Mean of the dimension means of respondents who have them all, in units of 1/(unit x dimensions)."""
    names = [*rows.asked_columns, *rows.contrasts]
    if "gap" in rows.contrasts:
        names += ["gap.reference", "gap.perception"]
    found: dict[str, Histogram] = {}
    for name in names:
        parts = dimensions.of(name)
        exact = rows.plan.exact(dimensions.unit * len(parts))
        total = parts.sum(axis=0, dtype=exact).astype(np.int64)
        whole = dimensions.scored(name).all(axis=0)
        found[name] = Histogram.of(total if bool(whole.all()) else total[whole])
    return found


def outcome_moments(rows: Rows, dimensions: DimensionMeans) -> Moments | None:
    """Moments of dimension perception means and satisfaction, complete cases."""
    if rows.outcome is None:
        return None
    whole = dimensions.scored("perception").all(axis=0) & rated(rows.outcome)
    return _moments([dimensions.of("perception"), rows.outcome[None, :]], whole)


def importance_moments(rows: Rows, dimensions: DimensionMeans) -> dict[str, Moments]:
    """Moments of dimension scores ("gap", "perception") with rated importance.

    Over respondents who have all of both.
    """
    if "importance" not in rows.columns:
        return {}
    found = {}
    for name in ("perception", *rows.contrasts):
        whole = dimensions.scored(name).all(axis=0) & dimensions.scored("importance").all(axis=0)
        found[name] = _moments([dimensions.of(name), dimensions.of("importance")], whole)
    return found


def _moments(parts: list[NDArray[Any]], whole: Any) -> Moments:
    """Moments over the chosen rows: the others count as zeros, which takes less time than picking them out."""
    found = Moments.of(*(part * whole for part in parts))
    return Moments(int(np.count_nonzero(whole)), found.sums, found.cross)
