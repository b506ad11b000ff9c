"""From answers to arrays: `Layout` says what the columns mean, `ScoreMatrix` holds them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveys.codes import BLANK, DO_NOT_KNOW, NOT_APPLICABLE, NOT_ASKED

Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Layout:
    """Which item belongs to which dimension and stage, and on what scale.

    A *cell* is a stage x dimension pair that holds at least one item, in stage order, then dimension order;
    its id is ``stage.dimension``.  Without stages there is one cell a dimension, with the dimension's id.
    """

    items: tuple[str, ...]
    points: int
    dimensions: tuple[str, ...]
    stages: tuple[str, ...]
    dimension_of: tuple[int, ...]
    stage_of: tuple[int, ...]  # empty when the questionnaire has no stages
    reference: str | None  # "expectation", "desired", or None when perception alone is asked
    has_minimum: bool = False

    @cached_property
    def cells(self) -> tuple[str, ...]:
        """Ids of the cells."""
        return tuple(self.cell_items)

    @cached_property
    def cell_items(self) -> dict[str, tuple[int, ...]]:
        """Cell id -> places of its items."""
        if not self.stages:
            return {name: self.dimension_items[name] for name in self.dimensions if self.dimension_items[name]}
        cells: dict[str, tuple[int, ...]] = {}
        for s, stage in enumerate(self.stages):
            for d, dimension in enumerate(self.dimensions):
                found = tuple(j for j in range(len(self.items)) if (self.stage_of[j], self.dimension_of[j]) == (s, d))
                if found:
                    cells[f"{stage}.{dimension}"] = found
        return cells

    @cached_property
    def dimension_items(self) -> dict[str, tuple[int, ...]]:
        """Dimension id -> places of its items."""
        return {
            name: tuple(j for j, at in enumerate(self.dimension_of) if at == d)
            for d, name in enumerate(self.dimensions)
        }

    @cached_property
    def stage_items(self) -> dict[str, tuple[int, ...]]:
        """Stage id -> places of its items."""
        return {name: tuple(j for j, at in enumerate(self.stage_of) if at == s) for s, name in enumerate(self.stages)}

    def place(self, cell: str) -> tuple[str | None, str]:
        """Stage (None without stages) and dimension of a cell."""
        stage, dot, dimension = cell.partition(".")
        return (stage, dimension) if dot else (None, stage)


@dataclass(frozen=True)
class ScoreMatrix:
    """Answers of n respondents to k items, as bytes (`surveys.codes`), reversed items already turned.

    Attributes
    ----------
    layout : Layout
    perception : (n, k) uint8
        0 blank, 1..m scale points, and the codes for not applicable, do not know and not asked.
    reference : (n, k) uint8 or None
        Expectation (two columns) or desired level (three columns).
    minimum : (n, k) uint8 or None
        Lowest acceptable level (three columns).
    importance : (n, k) uint8 or None
        Rated importance of each item.
    weights : (n, number of dimensions) int16 or None
        Points shared out over the dimensions; -1 is blank.
    stage_weights : (n, number of stages) int16 or None
    outcome : (n,) uint8 or None
        Overall satisfaction, 1..m; 0 is blank.
    problem_stage, problem_silent : (n,) int16 / bool or None
        Stage of the most serious problem (-1: no problem or elsewhere), and whether the bank was not told.
    branch : (n,) int or None
        Place of each respondent's branch in `branches`; -1 is not known.
    """

    layout: Layout
    perception: Bytes
    reference: Bytes | None = None
    minimum: Bytes | None = None
    importance: Bytes | None = None
    weights: NDArray[np.int16] | None = None
    stage_weights: NDArray[np.int16] | None = None
    outcome: Bytes | None = None
    problem_stage: NDArray[np.int16] | None = None
    problem_silent: NDArray[np.bool_] | None = None
    branch: NDArray[np.integer] | None = None
    branches: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Number of respondents."""
        return int(self.perception.shape[0])

    def rows(self, chosen: NDArray[np.bool_] | NDArray[np.intp] | slice) -> ScoreMatrix:
        """The matrix of some respondents."""

        def take(part: NDArray[Any] | None) -> Any:
            return None if part is None else part[chosen]

        return ScoreMatrix(
            self.layout,
            self.perception[chosen],
            take(self.reference),
            take(self.minimum),
            take(self.importance),
            take(self.weights),
            take(self.stage_weights),
            take(self.outcome),
            take(self.problem_stage),
            take(self.problem_silent),
            take(self.branch),
            self.branches,
        )


def rated(column: Bytes) -> NDArray[np.bool_]:
    """Where a scale point was chosen: not blank and none of the special codes."""
    found: Flags = (column != BLANK) & (column < NOT_ASKED)
    return found


def blank(column: Bytes) -> NDArray[np.bool_]:
    """Where the question was shown and left empty."""
    found: Flags = column == BLANK
    return found


def not_applicable(column: Bytes) -> NDArray[np.bool_]:
    """Where the respondent said that there was no experience (or could not judge)."""
    found: Flags = (column == NOT_APPLICABLE) | (column == DO_NOT_KNOW)
    return found
