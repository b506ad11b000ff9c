"""Scores of each respondent, for files of answers: what the tally counts, one row a respondent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.matrix import Bytes, ScoreMatrix, blank, not_applicable, rated
from analysis.mergeable import Floats
from analysis.thresholds import DEFAULT, Thresholds
from surveys.codes import NOT_ASKED

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Scores:
    """Scores of n respondents; every array is (n,), NaN where a respondent has no score.

    Attributes
    ----------
    cells, dimensions, stages : id -> mean gap over the items (half rule)
    all_items : mean gap over all items (half rule)
    unweighted : mean of the dimension means, all required
    weighted : the same, weighted by the respondent's points; a dimension of 0 points may be missing
    servperf : mean perception over all items (half rule on perception)
    weight_total : points shared out (0 when none were)
    weight_rescaled : whether the points miss 100 by more than `weight_tolerance`
    in_composites : whether the respondent passes the screens
    """

    cells: dict[str, Floats]
    dimensions: dict[str, Floats]
    stages: dict[str, Floats]
    all_items: Floats
    unweighted: Floats
    weighted: Floats
    servperf: Floats
    weight_total: NDArray[np.int64]
    weight_rescaled: Mask
    in_composites: Mask


def scores(matrix: ScoreMatrix, thresholds: Thresholds = DEFAULT, screen: bool = True, contrast: str = "gap") -> Scores:
    """Score every respondent.

    Parameters
    ----------
    matrix : ScoreMatrix
    thresholds : Thresholds
    screen : bool
        Whether the screens of `analysis.tally.summarise` apply.
    contrast : "gap" or "adequacy"
        Perception minus expectation (or desired level), or minus the minimum.

    Returns
    -------
    Scores
        Without a column to compare with, all gaps are NaN.
    """
    layout, n = matrix.layout, matrix.n
    columns = [part for part in (matrix.perception, matrix.reference, matrix.minimum) if part is not None]
    dropped, kept = _screens(matrix, columns, thresholds) if screen else (np.zeros(n, np.bool_), np.ones(n, np.bool_))
    perception = np.where(rated(matrix.perception), matrix.perception, np.nan)
    other = matrix.minimum if contrast == "adequacy" else matrix.reference
    gap = np.full(perception.shape, np.nan)
    asked = np.logical_and.reduce([part != NOT_ASKED for part in columns])
    if other is not None:
        complete = np.logical_and.reduce([rated(part) for part in columns]) & ~dropped[:, None]
        gap[complete] = matrix.perception[complete].astype(np.float64) - other[complete]

    def half_rule(values: Floats, shown: Mask, items: tuple[int, ...]) -> Floats:
        part = values[:, list(items)]
        answered, wanted = (~np.isnan(part)).sum(axis=1), shown[:, list(items)].sum(axis=1)
        enough = kept & (answered > 0) & (answered >= np.ceil(wanted / 2))
        return np.where(enough, np.nansum(part, axis=1) / np.maximum(answered, 1), np.nan)

    every = tuple(range(len(layout.items)))
    dimensions = {name: half_rule(gap, asked, items) for name, items in layout.dimension_items.items() if items}
    weighted, total = _weighted(matrix, dimensions)
    return Scores(
        {name: half_rule(gap, asked, items) for name, items in layout.cell_items.items()},
        dimensions,
        {name: half_rule(gap, asked, items) for name, items in layout.stage_items.items() if items},
        half_rule(gap, asked, every),
        sum(dimensions.values(), np.zeros(n)) / max(1, len(dimensions)),
        weighted,
        half_rule(perception, matrix.perception != NOT_ASKED, every),
        total,
        (total > 0) & (np.abs(total - 100) > thresholds.weight_tolerance),
        kept,
    )


def _weighted(matrix: ScoreMatrix, dimensions: dict[str, Floats]) -> tuple[Floats, NDArray[np.int64]]:
    """Mean of the dimension scores by each respondent's points, and the points shared out."""
    if matrix.weights is None:
        return np.full(matrix.n, np.nan), np.zeros(matrix.n, np.int64)
    given = np.maximum(matrix.weights.astype(np.int64), 0)
    points = {name: given[:, matrix.layout.dimensions.index(name)] for name in dimensions}
    total = sum(points.values(), np.zeros(matrix.n, np.int64))
    share = {name: part / np.maximum(total, 1) for name, part in points.items()}
    parts = [np.where(points[name] > 0, share[name] * found, 0.0) for name, found in dimensions.items()]
    return np.where(total > 0, np.sum(parts, axis=0), np.nan), total


def _screens(matrix: ScoreMatrix, columns: list[Bytes], thresholds: Thresholds) -> tuple[Mask, Mask]:
    """Respondents left out of the gaps (three columns), and respondents kept in the composites."""
    shown = sum(((part != NOT_ASKED).sum(axis=1) for part in columns), np.zeros(matrix.n, np.int64))
    empty = sum((blank(part).sum(axis=1) for part in columns), np.zeros(matrix.n, np.int64))
    dropped = np.zeros(matrix.n, np.bool_)
    if matrix.minimum is not None and matrix.reference is not None:
        asked = (matrix.perception != NOT_ASKED).sum(axis=1)
        above = rated(matrix.minimum) & rated(matrix.reference) & (matrix.minimum > matrix.reference)
        away = not_applicable(matrix.perception).sum(axis=1)
        often = above.sum(axis=1) + 1e-9 >= thresholds.inconsistent_share * asked
        dropped = (asked > 0) & (often | (away + 1e-9 >= thresholds.not_applicable_share * asked))
    return dropped, ~dropped & (empty <= thresholds.blank_share * shown + 1e-9)
