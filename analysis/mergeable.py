"""Sums that add up: the parts a `Tally` is made of, and how two of them become one.

Whatever is added here is a whole number, so a sum over parts equals the sum over the whole, bit for bit and in
any order.  Values that are no whole numbers are counted in units small enough not to matter (`FIXED`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

FIXED = 2**40
"""Units per point of a value that has no common denominator: its rounding error is below 1e-12."""

BLOCK = 2**12
"""Columns of a product at a time."""


@dataclass(frozen=True, eq=False)
class Histogram:
    """How often each value occurs, the values being whole multiples of 1/`denominator`.

    Attributes
    ----------
    numerators : (d,) int64, ascending, all different
    counts : (d,) int64, above 0
    """

    numerators: Counts
    counts: Counts

    @classmethod
    def of(cls, numerators: Counts) -> Histogram:
        """Count the values of an array."""
        if numerators.size == 0:
            return cls(np.zeros(0, np.int64), np.zeros(0, np.int64))
        low = int(numerators.min())
        span = int(numerators.max()) - low + 1
        if span <= 2**21:  # counting is ten times faster than sorting, while the counters fit the cache
            counted = np.bincount(numerators - low)
            found = np.flatnonzero(counted)
            return cls(found.astype(np.int64) + low, counted[found].astype(np.int64))
        values, counts = np.unique(numerators, return_counts=True)
        return cls(values, counts.astype(np.int64))

    def __add__(self, other: Histogram) -> Histogram:
        if not other.numerators.size:
            return self
        values, back = np.unique(np.concatenate([self.numerators, other.numerators]), return_inverse=True)
        counts = np.zeros(values.size, np.int64)
        counts[back[: self.numerators.size]] += self.counts
        counts[back[self.numerators.size :]] += other.counts
        return Histogram(values, counts)


@dataclass(frozen=True)
class FixedSums:
    """Number, sums and sums of squares of several columns, in units of 1/`FIXED`, as Python's unbounded integers."""

    n: int
    sums: tuple[int, ...]
    squares: tuple[int, ...]

    @classmethod
    def of(cls, values: Floats) -> FixedSums:
        """Sum an (n, columns) array of values below 2**10."""
        units = [_units(column) for column in values.T]
        sums = tuple(tuple(_whole_sum(power) for power in column) for column in units)
        return cls(int(values.shape[0]), tuple(one for one, _ in sums), tuple(two for _, two in sums))

    @classmethod
    def of_counts(cls, values: Floats, counts: Counts) -> FixedSums:
        """Sum (columns, d) counts of d different values below 2**10; each column counts the same number of rows."""
        first, second = (power.astype(object) for power in _units(values))
        table = counts.astype(object)
        return cls(int(counts[0].sum()), tuple(table @ first), tuple(table @ second))

    def __add__(self, other: FixedSums) -> FixedSums:
        return FixedSums(
            self.n + other.n,
            tuple(a + b for a, b in zip(self.sums, other.sums, strict=True)),
            tuple(a + b for a, b in zip(self.squares, other.squares, strict=True)),
        )

    def mean(self, column: int = 0) -> float:
        """Mean of a column (n at least 1)."""
        return self.sums[column] / (self.n * FIXED)

    def variance(self, column: int = 0) -> float:
        """Variance of a column with divisor n - 1 (n at least 2); 0 below the resolution of the units."""
        total, squares = self.sums[column], self.squares[column]
        found = (self.n * squares * FIXED - total * total) / (self.n * (self.n - 1) * FIXED * FIXED)
        # Equal values leave a remainder of rounding that grows with their size; it is no variance.
        return found if found > 2.0**-36 * (1 + abs(self.mean(column))) else 0.0


def _units(values: Floats) -> tuple[Counts, Counts]:
    """Values and their squares in units of 1/`FIXED`."""
    return np.rint(values * FIXED).astype(np.int64), np.rint(values * values * FIXED).astype(np.int64)


def _whole_sum(values: Counts) -> int:
    """Sum of 64-bit integers that may not fit 64 bits."""
    if not values.size:
        return 0
    if max(int(values.max()), -int(values.min())) < 2**63 // values.size:
        return int(values.sum())
    return (int(np.sum(values >> 20)) << 20) + int(np.sum(values & (2**20 - 1)))


@dataclass(frozen=True, eq=False)
class PairMoments:
    """Numbers, sums and products over the rows in which both of two columns are present.

    Attributes
    ----------
    n, cross : (k, k) int64
        Rows with both, and the sum of the products over them.
    sums : (k, k) int64
        ``sums[i, j]`` is the sum of column i over the rows in which i and j are present.
    """

    n: Counts
    sums: Counts
    cross: Counts

    @classmethod
    def of(cls, values: NDArray[Any], present: NDArray[Any], largest: float | None = None) -> PairMoments:
        """From (k, n) arrays: whole numbers, 0 where absent, and 1 where present; see `products`."""
        k = values.shape[0]
        # One product of both with themselves takes less time than the three that are asked for.
        found = products([values, present], largest)[1]
        return cls(found[k:, k:], found[:k, k:], found[:k, :k])

    @classmethod
    def complete(cls, moments: Moments) -> PairMoments:
        """Of rows in which every column is present."""
        shape = moments.cross.shape
        n = np.full(shape, moments.n, np.int64)
        return cls(n, np.repeat(moments.sums[:, None], shape[1], axis=1), moments.cross)

    def __add__(self, other: PairMoments) -> PairMoments:
        return PairMoments(self.n + other.n, self.sums + other.sums, self.cross + other.cross)

    def covariance(self) -> Floats:
        """Covariance of every pair over its own rows, variances over all rows of a column; NaN below two rows."""
        n = self.n.astype(np.float64)
        # The products of whole numbers are formed as Python integers: they outgrow 64 bits at large n.
        numerator = self.n.astype(object) * self.cross.astype(object) - (
            self.sums.astype(object) * self.sums.T.astype(object)
        )
        found = np.full(n.shape, np.nan)
        enough = self.n >= 2
        found[enough] = numerator[enough].astype(np.float64) / (n[enough] * (n[enough] - 1))
        return found


@dataclass(frozen=True, eq=False)
class Moments:
    """Number, sums and products over complete rows: n, (k,) and (k, k) int64."""

    n: int
    sums: Counts
    cross: Counts

    @classmethod
    def of(cls, *parts: NDArray[Any], largest: float | None = None) -> Moments:
        """From (k, n) arrays of whole numbers, one below the other; see `products`."""
        return cls(int(parts[0].shape[1]), *products(parts, largest))

    def part(self, columns: Sequence[int]) -> Moments:
        """Of some of the columns."""
        chosen = list(columns)
        return Moments(self.n, self.sums[chosen], self.cross[chosen][:, chosen])

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.n + other.n, self.sums + other.sums, self.cross + other.cross)

    def covariance(self) -> Floats:
        """(k, k) covariance with divisor n - 1; NaN below two rows."""
        if self.n < 2:
            return np.full(self.cross.shape, np.nan)
        sums = self.sums.astype(object)
        numerator = self.n * self.cross.astype(object) - np.multiply.outer(sums, sums)
        found: Floats = numerator.astype(np.float64) / (float(self.n) * (self.n - 1))
        return found


def products(parts: Sequence[NDArray[Any]], largest: float | None = None) -> tuple[Counts, Counts]:
    """Sums of the rows of (k, n) arrays of whole numbers laid on top of one another, and of their products, exactly.

    `largest` is a bound of their size; without it they are looked through.  In blocks: their sums are held exactly by
    floats, of 32 bits too where the numbers are small, and fit the fast part of a processor's memory.
    """
    k, n = sum(part.shape[0] for part in parts), parts[0].shape[1]
    sums, cross = np.zeros(k, np.int64), np.zeros((k, k), np.int64)
    if not n:
        return sums, cross
    if largest is None:
        largest = max(max(float(part.max()), -float(part.min())) for part in parts)
    small = largest * largest * BLOCK <= 2**24
    size = BLOCK if small else int(min(BLOCK, max(2**53 // (largest * largest), 1)))
    whole = np.empty((k, min(size, n)), np.float32 if small else np.float64)
    ones = np.ones(whole.shape[1], whole.dtype)
    for start in range(0, n, size):
        block = whole[:, : min(size, n - start)]
        row = 0
        for part in parts:
            block[row : row + part.shape[0]] = part[:, start : start + size]
            row += part.shape[0]
        sums += whole_numbers(block @ ones[: block.shape[1]])
        cross += whole_numbers(block @ block.T)
    return sums, cross


def whole_numbers(sums: NDArray[Any]) -> Counts:
    """Sums of whole numbers that came out of floating point."""
    found: Counts = np.rint(sums).astype(np.int64)
    return found


def merged(a: Any, b: Any) -> Any:
    """`a` and `b` added part by part; a part that one of them lacks is taken from the other."""
    if a is None or b is None:
        return b if a is None else a
    if isinstance(a, dict):
        return {key: merged(a.get(key), b.get(key)) for key in {**a, **b}}
    return a + b


def same(a: Any, b: Any) -> bool:
    """Whether two parts hold the same numbers."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(value, b[key]) for key, value in a.items())
    if is_dataclass(a) and not isinstance(a, type):
        return all(same(getattr(a, field.name), getattr(b, field.name)) for field in fields(a))
    return bool(a == b)
