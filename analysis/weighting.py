"""Points that respondents shared out over dimensions and stages, and the scores weighted by them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from analysis.counting import tables
from analysis.mergeable import FixedSums
from analysis.rows import Rows
from analysis.scoring import DimensionMeans


@dataclass(frozen=True)
class Shared:
    """Points shared out over dimensions and stages, and the scores weighted by them."""

    rescaled: int = 0
    unusable: int = 0
    dimensions: FixedSums | None = None
    stages: FixedSums | None = None
    scores: dict[str, FixedSums] = field(default_factory=dict)


def shares_of_100(points: NDArray[np.int16]) -> tuple[NDArray[np.int16], NDArray[np.int32], FixedSums]:
    """(features, n) points with blanks as 0, their totals, and the sums of 100 x points / total.

    A respondent who filled some features and left others blank gave those 0; one who gave nothing has no weights.
    """
    given = np.maximum(points, 0)
    total = given.sum(axis=0, dtype=np.int32)
    exact = total == 100
    rest = np.flatnonzero(~exact & (total > 0))
    # Points of those who shared out 100 are whole numbers up to 100, which need only be counted.
    counts = tables(given if bool(exact.all()) else given[:, exact], 101)
    sums = FixedSums.of_counts(np.arange(101, dtype=np.float64), counts)
    if rest.size:
        sums = sums + FixedSums.of((100 * given[:, rest].astype(np.int64) / total[rest]).T)
    return given, total, sums


def shared_weights(rows: Rows, dimensions: DimensionMeans) -> Shared:
    """What the points shared out give: mean weights, and weighted scores of gap and perception."""
    given = rows.matrix.stage_weights
    stages = None if given is None else shares_of_100(given.T)[2]
    if rows.weights is None:
        return Shared(stages=stages)
    chosen = [rows.plan.layout.dimensions.index(name) for name in rows.plan.dimensions]
    weight, total, sums = shares_of_100(rows.weights[chosen])
    rescaled = (total > 0) & (np.abs(total - 100) > rows.thresholds.weight_tolerance)
    scores = weighted_scores(rows, dimensions, weight, total)
    return Shared(int(rescaled.sum()), int((total == 0).sum()), sums, stages, scores)


def weighted_scores(
    rows: Rows, dimensions: DimensionMeans, weight: NDArray[np.int16], total: NDArray[np.int32]
) -> dict[str, FixedSums]:
    """Sum over dimensions of (points / total) x mean; a dimension of weight 0 may be missing.

    Each score is one division of whole numbers, so it does not depend on the chunk it stands in.
    """
    found: dict[str, FixedSums] = {}
    largest = dimensions.unit * rows.plan.layout.points * int(total.max(initial=0))
    points = weight.astype(np.float32 if largest < 2**24 else np.float64)
    whole = np.maximum(total, 1) * float(dimensions.unit)
    for name in ("perception", *rows.contrasts):
        scored = dimensions.scored(name)
        usable = total > 0
        units = np.zeros(rows.n, points.dtype)
        for row, given, mean in zip(scored, points, dimensions.of(name), strict=True):
            usable &= row | (given == 0)
            units += mean.astype(points.dtype, copy=False) * given * row
        # Who has no weighted score counts as 0, which takes less time than picking the others out.
        sums = FixedSums.of((units * usable / whole)[:, None])
        found[name] = FixedSums(int(np.count_nonzero(usable)), sums.sums, sums.squares)
    return found
