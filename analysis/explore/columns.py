"""What the answers of one column offer to reliability and factors: moments, tables, and the rows themselves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analysis.explore.polychoric import PolychoricMatrix, pair_tables, polychoric_matrix
from analysis.frequencies import Frequencies
from analysis.matrix import ScoreMatrix
from analysis.plan import Plan
from analysis.rows import Rows
from analysis.tally import Tally
from analysis.thresholds import DEFAULT, Thresholds

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ColumnData:
    """One column (expectation, perception or gap) of k items.

    Attributes
    ----------
    covariance : (k, k) float64
        By pairs, or from the EM algorithm; NaN where fewer than two respondents answered both items.
    n : (k, k) int64
        Respondents behind each pair.
    skew : (k,) float64
        Moment skewness of each item; 0 without variance.
    tables : (k, k, m, m) int64 or None
        As `analysis.explore.polychoric.pair_tables` makes them; None for differences.
    values, present : (n, k) int8 and bool, or None
        The rows, where they are at hand.
    """

    covariance: Floats
    n: Counts
    skew: Floats
    tables: Counts | None = None
    values: NDArray[np.int8] | None = None
    present: NDArray[np.bool_] | None = None
    thin_cell: int = 5

    @cached_property
    def polychoric(self) -> PolychoricMatrix | None:
        """Polychoric correlations, where there are tables."""
        return None if self.tables is None else polychoric_matrix(self.tables, self.thin_cell)

    def answered(self, items: tuple[int, ...]) -> list[int]:
        """The items that somebody answered, and every pair of which two respondents did.

        Items go one by one, the one with the most pairs missing first.
        """
        kept = [j for j in items if self.n[j, j] > 0]
        while kept:
            missing = (self.n[np.ix_(kept, kept)] < 2).sum(axis=1)
            if not bool(missing.any()):
                break
            kept.pop(int(np.argmax(missing)))
        return kept

    def varying(self, items: tuple[int, ...]) -> list[int]:
        """The answered items that have variance."""
        return [j for j in self.answered(items) if self.covariance[j, j] > 0]

    def smallest_n(self, items: list[int]) -> int:
        """The smallest number of respondents behind a pair of these items; 0 for none."""
        return int(self.n[np.ix_(items, items)].min()) if items else 0

    def floats(self, items: list[int]) -> Floats | None:
        """(n, items) rows with NaN where there is no answer."""
        if self.values is None or self.present is None:
            return None
        return np.where(self.present[:, items], self.values[:, items].astype(np.float64), np.nan)


def skewness(found: Frequencies) -> float:
    """Moment skewness ``m3 / m2^1.5``; 0 for fewer than two different values."""
    if found.values.size < 2:
        return 0.0
    away = found.values - found.mean()
    second, third = (math.fsum((found.counts * away**power).tolist()) / found.n for power in (2, 3))
    return third / (second * math.sqrt(second))


def columns(
    tally: Tally,
    matrix: ScoreMatrix | None = None,
    thresholds: Thresholds = DEFAULT,
    screen: bool = True,
) -> dict[str, ColumnData]:
    """The columns of a tally by name, with tables and rows when the matrix it was made from is given.

    Parameters
    ----------
    tally : Tally
    matrix : ScoreMatrix or None
        The same respondents.  Without it there are no polychoric correlations, no permutations and no bootstrap.
    thresholds, screen
        As they were given to `analysis.tally.summarise`.

    Returns
    -------
    name -> ColumnData
        "expectation" (the desired level in three columns), "perception" and "gap", as far as they were asked.
    """
    rows = None if matrix is None else Rows(Plan(matrix.layout), matrix, thresholds, screen)
    points, found = tally.layout.points, {}
    for name, moments in tally.pairwise.items():
        answers = [_answers(tally, name, j) for j in range(len(tally.layout.items))]
        tables = values = present = None
        if rows is not None and name == "gap":
            values, present = rows.difference("gap").T.astype(np.int8), rows.complete.T
        elif rows is not None:
            column = "reference" if name == "expectation" else name
            present = rows.rated[column].T
            given = rows.columns[column].T
            tables = pair_tables(given, points)
            values = np.where(present, given, 0).astype(np.int8)
        skew = np.array([skewness(one) for one in answers])
        found[name] = ColumnData(moments.covariance(), moments.n, skew, tables, values, present, thresholds.thin_cell)
    return found


def _answers(tally: Tally, column: str, item: int) -> Frequencies:
    """Answers to one item in a column."""
    if column == "gap":
        return tally.item_differences("gap", item)
    return tally.item_answers("reference" if column == "expectation" else column, item)
