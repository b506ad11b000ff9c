"""What follows from a layout alone: its composites, and where each lies in a tally's flat tables."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analysis.matrix import Layout
from analysis.mergeable import Counts

FINE = 2**40
COARSE = 2**15
"""Largest common denominators of composite means: in histograms, and where their products are summed."""


@dataclass(frozen=True)
class Composite:
    """A mean over items: of a cell, a dimension, a stage, or of all."""

    level: str
    id: str
    items: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """What follows from the layout alone: the composites, and where each lies in the flat tables."""

    layout: Layout

    @cached_property
    def composites(self) -> tuple[Composite, ...]:
        """Cells, dimensions and stages that have items, then all items."""
        layout = self.layout
        named = {"cell": layout.cell_items, "dimension": layout.dimension_items, "stage": layout.stage_items}
        found = [Composite(level, name, items) for level, of in named.items() for name, items in of.items() if items]
        return (*found, Composite("all", "all", tuple(range(len(layout.items)))))

    @cached_property
    def dimensions(self) -> tuple[str, ...]:
        """Dimensions that have items."""
        return tuple(part.id for part in self.composites if part.level == "dimension")

    @cached_property
    def membership(self) -> NDArray[np.float32]:
        """(composites, items): 1 where the item belongs."""
        found = np.zeros((len(self.composites), len(self.layout.items)), np.float32)
        for row, composite in enumerate(self.composites):
            found[row, list(composite.items)] = 1
        return found

    @cached_property
    def sizes(self) -> Counts:
        """Items of each composite."""
        return np.array([len(composite.items) for composite in self.composites], np.int64)

    def rows(self, level: str) -> slice:
        """Where the composites of a level stand."""
        found = [row for row, composite in enumerate(self.composites) if composite.level == level]
        return slice(found[0], found[-1] + 1) if found else slice(0, 0)

    def lowest(self, signed: bool) -> Counts:
        """Smallest sum of each composite: of differences (`signed`) or of scale points."""
        return -self.sizes * (self.layout.points - 1) if signed else np.zeros_like(self.sizes)

    def widths(self, signed: bool) -> Counts:
        """Number of different sums of each composite."""
        return self.sizes * (2 * (self.layout.points - 1) if signed else self.layout.points) + 1

    def offsets(self, signed: bool) -> Counts:
        """Where the (answered, sum) table of each composite starts; last the size of all together."""
        found: Counts = np.concatenate([[0], np.cumsum((self.sizes + 1) * self.widths(signed))]).astype(np.int64)
        return found

    @cached_property
    def dimension_unit(self) -> int:
        """Common denominator of dimension means."""
        return common_denominator(self.sizes[self.rows("dimension")], FINE)

    @cached_property
    def moment_unit(self) -> int:
        """Common denominator of dimension means whose products are summed."""
        return common_denominator(self.sizes[self.rows("dimension")], COARSE)

    @cached_property
    def cell_unit(self) -> int:
        """Common denominator of cell means whose products are summed."""
        return common_denominator(self.sizes[self.rows("cell")], COARSE)


def common_denominator(sizes: Counts, cap: int) -> int:
    """Least common multiple of 1..max(sizes), by which every mean is a whole number; `cap` when that is larger.

    At the cap a mean is rounded to the nearest multiple of 1/cap (scales of more than 12 items for products, of
    more than 28 for histograms).
    """
    found = math.lcm(*range(1, int(sizes.max(initial=1)) + 1))
    return min(found, cap)
