"""One chunk of rows as the counting wants it: items in rows, respondents in columns, sums over composites.

Numbers are as small as they can be, mostly bytes, of which a machine adds dozens at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.matrix import Bytes, ScoreMatrix, not_applicable, rated
from analysis.packed import all_rated, count_in_rows, in_order, packed
from analysis.plan import Plan
from analysis.thresholds import Thresholds
from surveys.codes import BLANK, DO_NOT_KNOW, NOT_APPLICABLE, NOT_ASKED

CHUNK = 2**15
"""Rows at a time: the arrays of a chunk stay near the processor."""

MANY = 2**11
"""From so many rows on it pays to take the complete ones apart."""

Flags = NDArray[np.bool_]
Small = NDArray[np.integer[Any]]
"""Sums over the items of one respondent, in the smallest whole numbers that hold them."""


@dataclass(frozen=True, eq=False)
class Answered:
    """Composite sums of one column or contrast: (composites, n) arrays."""

    counts: Small
    sums: Small
    scored: Flags  # passes the half rule and the screen


class Rows:
    """One chunk of rows, turned: items in rows, respondents in columns.

    With `sort`, rows that are complete in every column come first, then those complete in the compared column; nothing
    that is counted depends on the order, and what is complete needs no look at what is missing.

    Attributes
    ----------
    whole : int
        So many rows at the beginning are complete in every column and kept.
    leading : column -> int
        So many at the beginning are complete in the column.
    inconsistent, dropped, kept : (n,) bool
        By the screens.
    columns : column -> (items, n) uint8
    weights : (dimensions, n) int16 or None
    outcome, branch : (n,) or None
        In the order of the rows here.
    matrix : ScoreMatrix
        The chunk as it was given, in its own order.
    """

    def __init__(
        self, plan: Plan, matrix: ScoreMatrix, thresholds: Thresholds, screen: bool, sort: bool = False
    ) -> None:
        self.plan, self.thresholds, self.n = plan, thresholds, matrix.n
        given = {"perception": matrix.perception, "reference": matrix.reference, "minimum": matrix.minimum}
        bytes_ = {name: packed(column) for name, column in given.items() if column is not None}
        self.asked_columns = list(bytes_)
        complete = {name: all_rated(column) for name, column in bytes_.items()}
        self.inconsistent, self.dropped = self._zone_screen(bytes_, screen)
        whole: Flags = np.logical_and.reduce([~self.dropped, *complete.values()])
        order = self._sort(whole, complete.get("reference", whole)) if sort else None
        self.whole = int(np.count_nonzero(whole)) if sort or bool(whole.all()) else 0
        self.leading = {name: self._leading(name, one, sort) for name, one in complete.items()}
        bytes_ = {name: in_order(column, order) for name, column in bytes_.items()}
        self.inconsistent, self.dropped = in_order(self.inconsistent, order), in_order(self.dropped, order)
        self.kept: Flags = ~self.dropped
        self.kept[self.whole :] &= ~self._blank_screen(bytes_, screen)
        items = len(plan.layout.items)
        self.columns: dict[str, Bytes] = {
            name: np.ascontiguousarray(column[:, :items].T) for name, column in bytes_.items()
        }
        if matrix.importance is not None:
            self.columns["importance"] = np.ascontiguousarray(in_order(matrix.importance, order).T)
        self.matrix = matrix
        self.weights = None if matrix.weights is None else in_order(np.ascontiguousarray(matrix.weights.T), order, 1)
        self.outcome, self.branch = in_order(matrix.outcome, order), in_order(matrix.branch, order)

    def _sort(self, whole: Flags, second: Flags) -> NDArray[np.intp] | None:
        """Whole rows, then those complete in the compared column, then the others; None where nothing changes."""
        if bool(whole.all()):
            return None
        return np.concatenate([np.flatnonzero(part) for part in (whole, second & ~whole, ~(whole | second))])

    def _leading(self, name: str, complete: Flags, sort: bool) -> int:
        """Rows at the beginning that are complete in a column."""
        if bool(complete.all()):
            return self.n
        return int(np.count_nonzero(complete)) if sort and name == "reference" else self.whole

    def _blank_screen(self, bytes_: dict[str, Bytes], screen: bool) -> Flags:
        """Rows after the whole ones with too many blanks among what they were asked; "not applicable" is an answer."""
        rest = {name: column[self.whole :] for name, column in bytes_.items()}
        blank = np.zeros(self.n - self.whole, np.int64)
        if not screen:
            return blank > 0
        asked = np.full(blank.shape, len(rest) * len(self.plan.layout.items), np.int64)
        for column in rest.values():
            blank += count_in_rows(column == BLANK)
            asked -= count_in_rows(column == NOT_ASKED)
        return blank > self.thresholds.blank_share * asked + 1e-9

    def _zone_screen(self, bytes_: dict[str, Bytes], screen: bool) -> tuple[Flags, Flags]:
        """Three columns: respondents whose minimum is too often above the desired level; all those to leave out."""
        none = np.zeros(self.n, np.bool_)
        if not screen or "minimum" not in bytes_:
            return none, none
        perception, minimum, desired = (bytes_[name] for name in ("perception", "minimum", "reference"))
        asked = len(self.plan.layout.items) - count_in_rows(perception == NOT_ASKED)
        above = count_in_rows(rated(minimum) & rated(desired) & (minimum > desired))
        away = count_in_rows(not_applicable(perception))
        some = asked > 0
        inconsistent = some & (above + 1e-9 >= self.thresholds.inconsistent_share * asked)
        return inconsistent, inconsistent | (some & (away + 1e-9 >= self.thresholds.not_applicable_share * asked))

    @cached_property
    def contrasts(self) -> dict[str, str]:
        """Contrast -> the column that perception is compared with."""
        if "minimum" in self.columns:
            return {"gap": "reference", "adequacy": "minimum"}
        return {"gap": "reference"} if "reference" in self.columns else {}

    @cached_property
    def judged(self) -> str:
        """The contrast that defects are judged by."""
        return "adequacy" if "adequacy" in self.contrasts else "gap"

    @cached_property
    def rated(self) -> dict[str, Flags]:
        """Column -> (items, n): where a scale point was chosen."""
        return {name: rated(column) for name, column in self.columns.items()}

    @cached_property
    def complete(self) -> Flags:
        """(items, n): pairs, or triples, all of which are rated, of records that are not left out."""
        found: Flags = np.logical_and.reduce([self.rated[name] for name in self.asked_columns])
        return found & ~self.dropped if bool(self.dropped.any()) else found

    @cached_property
    def away(self) -> Flags:
        """(items, n): no experience, or none that could be judged."""
        return not_applicable(self.columns["perception"])

    def over(self, values: NDArray[Any]) -> Small:
        """Sums over the items of each composite: (composites, n) of (items, n)."""
        found = np.empty((len(self.plan.composites), values.shape[1]), self.plan.sums_type)
        values = values.view(np.uint8) if values.dtype == np.bool_ else values
        for row, (among, places) in zip(found, self.plan.parts, strict=True):
            source = found if among else values
            row[...] = source[places[0]] if places else 0
            for place in places[1:]:
                row += source[place]
        return found

    @cached_property
    def pairs(self) -> Small:
        """(composites, n): complete pairs of each composite."""
        return self.over(self.complete)

    @cached_property
    def paired(self) -> dict[str, Bytes]:
        """Column -> (items, n): its ratings, 0 where the pair or triple is not complete."""
        return {name: self.columns[name] * self.complete for name in self.asked_columns}

    @cached_property
    def paired_sums(self) -> dict[str, Small]:
        """Column -> (composites, n): its sums over complete pairs."""
        return {name: self.over(column) for name, column in self.paired.items()}

    def answered(self, sums: Small, counts: Small, asked: Flags) -> Answered:
        """Composite sums by the half rule on the items asked."""
        if bool(asked.all()):
            scored = counts >= np.maximum((self.plan.sizes + 1) // 2, 1).astype(counts.dtype)[:, None]
        else:
            scored = (counts >= self.over(asked) - counts) & (counts > 0)
        return Answered(counts, sums, scored if bool(self.kept.all()) else scored & self.kept)

    @cached_property
    def of_column(self) -> dict[str, Answered]:
        """Composites of each column, by its own half rule."""
        found = {}
        for name, column in self.columns.items():
            present = self.rated[name]
            found[name] = self.answered(self.over(column * present), self.over(present), column != NOT_ASKED)
        return found

    def difference(self, contrast: str) -> NDArray[np.signedinteger[Any]]:
        """(items, n): perception minus the compared column, 0 where the pair is not complete."""
        perception, column = self.paired["perception"], self.paired[self.contrasts[contrast]]
        if self.plan.layout.points <= 127:
            return perception.view(np.int8) - column.view(np.int8)
        return perception.astype(np.int16) - column.astype(np.int16)

    @cached_property
    def of_contrast(self) -> dict[str, Answered]:
        """Composites of each contrast, by the half rule on complete pairs."""
        found: dict[str, Answered] = {}
        if not self.contrasts:
            return found
        asked: Flags = np.logical_and.reduce([self.columns[name] != NOT_ASKED for name in self.asked_columns])
        kind = self.plan.differences_type
        perception = self.paired_sums["perception"].astype(kind)
        for name, column in self.contrasts.items():
            sums = perception - self.paired_sums[column].astype(kind)
            scored = found["gap"].scored if found else None  # one half rule for both contrasts
            found[name] = (
                self.answered(sums, self.pairs, asked) if scored is None else Answered(self.pairs, sums, scored)
            )
        return found


def refuse_codes(rows: Rows, column: str, item: int) -> None:
    """Say which code of an item is none."""
    m = rows.plan.layout.points
    given = rows.columns[column][item]
    code = int(given[(given > m) & (given < NOT_ASKED)][0])
    raise ValueError(
        f"{column} of item {rows.plan.layout.items[item]} holds the code {code}; "
        f"allowed are 0 to {m}, {NOT_ASKED}, {DO_NOT_KNOW} and {NOT_APPLICABLE}"
    )
