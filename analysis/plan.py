"""What follows from a layout alone: its composites, and where each lies in a tally's flat tables."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

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
    def parts(self) -> tuple[tuple[bool, tuple[int, ...]], ...]:
        """What each composite is the sum of: earlier composites (True), or items (False), by place.

        The fewest that do: all items are the sum of three stages rather than of twenty-two items.
        """
        levels: dict[str, list[tuple[int, frozenset[int]]]] = {}
        found: list[tuple[bool, tuple[int, ...]]] = []
        for row, composite in enumerate(self.composites):
            items, best = frozenset(composite.items), (False, composite.items)
            for earlier in levels.values():
                inside = [(at, part) for at, part in earlier if part <= items]
                if len(inside) < len(best[1]) and sum(len(part) for _, part in inside) == len(items):
                    best = (True, tuple(at for at, _ in inside))
            found.append(best)
            levels.setdefault(composite.level, []).append((row, items))
        return tuple(found)

    @cached_property
    def twins(self) -> tuple[int, ...]:
        """The first composite with the same items, for each: without stages a cell is a dimension."""
        first: dict[tuple[int, ...], int] = {}
        return tuple(first.setdefault(composite.items, row) for row, composite in enumerate(self.composites))

    @cached_property
    def sums_type(self) -> type[np.unsignedinteger[Any]]:
        """The smallest whole numbers that hold the sum of all items' ratings."""
        largest = len(self.layout.items) * self.layout.points
        return np.uint8 if largest < 2**8 else np.uint16 if largest < 2**16 else np.uint32

    @cached_property
    def differences_type(self) -> type[np.signedinteger[Any]]:
        """The smallest whole numbers that hold the sum of all items' differences, and those of `sums_type`."""
        return np.int16 if len(self.layout.items) * self.layout.points < 2**15 else np.int32

    def exact(self, unit: int) -> type[np.floating[Any]]:
        """The smallest floating-point numbers that hold every composite mean's numerator over `unit` on the way."""
        largest = unit * int(self.sizes.max()) * self.layout.points
        return np.float32 if largest < 2**24 else np.float64

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

    def offsets(self, signed: bool) -> tuple[int, ...]:
        """Where the (answered, sum) table of each composite starts; last the size of all together."""
        return self._offsets[signed]

    @cached_property
    def _offsets(self) -> tuple[tuple[int, ...], ...]:
        """Of sums of scale points, and of differences."""
        sizes = ((self.sizes + 1) * self.widths(signed) for signed in (False, True))
        return tuple((0, *np.cumsum(one).tolist()) for one in sizes)

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
