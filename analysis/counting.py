"""One pass over the rows of a matrix: every count and sum that a `Tally` holds.

Rows come in chunks (`CHUNK`), each turned so that an item is a contiguous row of bytes.  Sums over the items of a
composite are products with a 0/1 matrix in floating point, exact because all numbers are whole and small.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.matrix import Bytes, ScoreMatrix, not_applicable, rated
from analysis.mergeable import Counts, FixedSums, Histogram, Moments, PairMoments
from analysis.plan import COARSE, FINE, Plan
from analysis.thresholds import Thresholds
from surveys.codes import BLANK, DO_NOT_KNOW, NOT_APPLICABLE, NOT_ASKED

CHUNK = 2**15
"""Rows at a time: the sums of a chunk stay below 2**24 (items) and 2**53 (composites), which floats hold exactly."""

Numbers = NDArray[np.float32]
Flags = NDArray[np.bool_]
Small = NDArray[np.int32]
"""Sums over the items of one respondent."""


def numerators(sums: Small, counts: Small, unit: int) -> Counts:
    """The means sums/counts as multiples of 1/unit (0 where nothing is counted)."""
    some = np.maximum(counts, 1)
    if unit in (FINE, COARSE):
        return np.rint(sums / some * unit).astype(np.int64)
    # A small table of divisions: dividing whole numbers is the slowest of all arithmetic.
    share = unit // np.maximum(np.arange(int(some.max(initial=1)) + 1), 1)
    found: Counts = sums * share[some]
    return found


@dataclass(frozen=True, eq=False)
class Answered:
    """Composite sums of one column or contrast: (composites, n) arrays."""

    counts: Small
    sums: Small
    scored: Flags  # passes the half rule and the screen


class Rows:
    """One chunk of rows, turned: items in rows, respondents in columns."""

    def __init__(self, plan: Plan, matrix: ScoreMatrix, thresholds: Thresholds, screen: bool) -> None:
        self.plan, self.matrix, self.thresholds = plan, matrix, thresholds
        given = {"perception": matrix.perception, "reference": matrix.reference, "minimum": matrix.minimum}
        self.asked_columns = [name for name, column in given.items() if column is not None]
        given["importance"] = matrix.importance
        self.columns: dict[str, Bytes] = {
            name: np.ascontiguousarray(column.T) for name, column in given.items() if column is not None
        }
        self.rated: dict[str, Flags] = {name: rated(column) for name, column in self.columns.items()}
        self.inconsistent, self.dropped = self._zone_screen(screen)
        self.kept: Flags = ~self.dropped & ~self._blank_screen(screen)

    def _blank_screen(self, screen: bool) -> Flags:
        """Respondents with too many blanks among the ratings they were asked; "not applicable" is an answer."""
        n = self.matrix.n
        blank, asked = np.zeros(n, np.int64), np.zeros(n, np.int64)
        if not screen:
            return blank > 0
        for name in self.asked_columns:
            blank += np.count_nonzero(self.columns[name] == BLANK, axis=0)
            asked += np.count_nonzero(self.columns[name] != NOT_ASKED, axis=0)
        return blank > self.thresholds.blank_share * asked + 1e-9

    def _zone_screen(self, screen: bool) -> tuple[Flags, Flags]:
        """Three columns: respondents whose minimum is too often above the desired level; all those to leave out."""
        none = np.zeros(self.matrix.n, np.bool_)
        if not screen or "minimum" not in self.columns:
            return none, none
        perception, minimum, desired = (self.columns[name] for name in ("perception", "minimum", "reference"))
        asked = np.count_nonzero(perception != NOT_ASKED, axis=0)
        above = np.count_nonzero(self.rated["minimum"] & self.rated["reference"] & (minimum > desired), axis=0)
        away = np.count_nonzero(not_applicable(perception), axis=0)
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
    def complete(self) -> Flags:
        """(items, n): pairs, or triples, all of which are rated, of records that are not left out."""
        found: Flags = np.logical_and.reduce([self.rated[name] for name in self.asked_columns]) & ~self.dropped
        return found

    @cached_property
    def asked(self) -> Flags:
        """(items, n): items asked in every column."""
        found: Flags = np.logical_and.reduce([self.columns[name] != NOT_ASKED for name in self.asked_columns])
        return found

    def over(self, values: NDArray[Any]) -> Small:
        """Sums over the items of each composite: (composites, n) of (items, n)."""
        return (self.plan.membership @ values.astype(np.float32)).astype(np.int32)

    @cached_property
    def pairs(self) -> Small:
        """(composites, n): complete pairs of each composite."""
        return self.over(self.complete)

    @cached_property
    def wanted(self) -> Small:
        """(composites, n) or (composites, 1): items of each composite that were asked in every column."""
        return self.over(self.asked) if not bool(self.asked.all()) else self.plan.sizes[:, None].astype(np.int32)

    @cached_property
    def references(self) -> Small:
        """(composites, n): sums of the compared column over complete pairs."""
        return self.over(self.columns["reference"] * self.complete)

    def answered(self, sums: Small, counts: Small, wanted: Small) -> Answered:
        """Composite sums by the half rule on the items asked."""
        return Answered(counts, sums, (2 * counts >= wanted) & (counts > 0) & self.kept)

    @cached_property
    def of_column(self) -> dict[str, Answered]:
        """Composites of each column, by its own half rule."""
        found = {}
        for name, column in self.columns.items():
            present, asked = self.rated[name], column != NOT_ASKED
            wanted = self.plan.sizes[:, None].astype(np.int32) if bool(asked.all()) else self.over(asked)
            found[name] = self.answered(self.over(column * present), self.over(present), wanted)
        return found

    def difference(self, contrast: str) -> NDArray[np.int16]:
        """(items, n): perception minus the compared column, 0 where the pair is not complete."""
        column = self.columns[self.contrasts[contrast]].astype(np.int16)
        return (self.columns["perception"].astype(np.int16) - column) * self.complete

    @cached_property
    def of_contrast(self) -> dict[str, Answered]:
        """Composites of each contrast, by the half rule on complete pairs."""
        return {
            name: self.answered(self.over(self.difference(name)), self.pairs, self.wanted) for name in self.contrasts
        }


def answer_counts(rows: Rows) -> dict[str, Counts]:
    """Column -> (items, m + 4): blank, points 1..m, not applicable, do not know, not asked."""
    m = rows.plan.layout.points
    place = np.full(256, m + 4, np.uint8)
    place[: m + 1] = np.arange(m + 1)
    place[[NOT_APPLICABLE, DO_NOT_KNOW, NOT_ASKED]] = (m + 1, m + 2, m + 3)
    found: dict[str, Counts] = {}
    for name, column in rows.columns.items():
        counted = np.stack([np.bincount(place[item], minlength=m + 5) for item in column]).astype(np.int64)
        if counted[:, -1].any():
            j = int(np.flatnonzero(counted[:, -1])[0])
            code = int(column[j][place[column[j]] == m + 4][0])
            raise ValueError(
                f"{name} of item {rows.plan.layout.items[j]} holds the code {code}; "
                f"allowed are 0 to {m}, {NOT_ASKED}, {DO_NOT_KNOW} and {NOT_APPLICABLE}"
            )
        found[name] = counted[:, :-1]
    return found


def pair_counts(rows: Rows) -> dict[str, Counts]:
    """Contrast -> (items, m, m): compared column by perception, complete pairs only."""
    m = rows.plan.layout.points
    found: dict[str, Counts] = {}
    for name, column in rows.contrasts.items():
        # Codes of what is not rated give nonsense here, and are put into the last bin before counting.
        code = (rows.columns[column].astype(np.int32) - 1) * m + rows.columns["perception"] - 1
        code[~rows.complete] = m * m
        counted = np.stack([np.bincount(item, minlength=m * m + 1) for item in code])
        found[name] = counted[:, :-1].reshape(-1, m, m).astype(np.int64)
    return found


def composite_table(plan: Plan, found: Answered, signed: bool, sums: Small | None = None) -> Counts:
    """Flat tables (answered, sum) of every composite, of respondents with a score."""
    offsets, widths = plan.offsets(signed), plan.widths(signed)
    total = found.sums if sums is None else sums
    size = int(offsets[-1])
    first = (offsets[:-1] - plan.lowest(signed)).astype(np.int32)[:, None]
    code = np.where(found.scored, found.counts * widths.astype(np.int32)[:, None] + total + first, np.int32(size))
    return np.bincount(code.ravel(), minlength=size + 1)[:-1].astype(np.int64)


def composite_counts(rows: Rows) -> dict[str, Counts]:
    """Flat composite tables by column, by contrast, and of both columns over complete pairs ("gap.perception")."""
    plan = rows.plan
    found = {name: composite_table(plan, part, False) for name, part in rows.of_column.items()}
    for name, part in rows.of_contrast.items():
        found[name] = composite_table(plan, part, True)
    if "gap" in rows.of_contrast:
        part = rows.of_contrast["gap"]
        reference = rows.references
        found["gap.reference"] = composite_table(plan, part, False, reference)
        found["gap.perception"] = composite_table(plan, part, False, reference + part.sums)
    return found


def dimension_numerators(rows: Rows, part: Answered, unit: int, sums: Small | None = None) -> Counts:
    """(dimensions, n): dimension means as multiples of 1/unit; meaningless where there is no score."""
    chosen = rows.plan.rows("dimension")
    total = part.sums if sums is None else sums
    return numerators(total[chosen], part.counts[chosen], unit)


def overall_histograms(rows: Rows) -> dict[str, Histogram]:
    """Mean of the dimension means of respondents who have them all, in units of 1/(unit x dimensions)."""
    chosen, unit = rows.plan.rows("dimension"), rows.plan.dimension_unit
    found: dict[str, Histogram] = {}

    def keep(name: str, part: Answered, sums: Small | None = None) -> None:
        whole = part.scored[chosen].all(axis=0)
        found[name] = Histogram.of(dimension_numerators(rows, part, unit, sums).sum(axis=0)[whole])

    for name in rows.asked_columns:
        keep(name, rows.of_column[name])
    for name, part in rows.of_contrast.items():
        keep(name, part)
    if "gap" in rows.of_contrast:
        reference = rows.references
        keep("gap.reference", rows.of_contrast["gap"], reference)
        keep("gap.perception", rows.of_contrast["gap"], reference + rows.of_contrast["gap"].sums)
    return found


@dataclass(frozen=True)
class Shared:
    """Points shared out over dimensions and stages, and the scores weighted by them."""

    rescaled: int = 0
    unusable: int = 0
    dimensions: FixedSums | None = None
    stages: FixedSums | None = None
    scores: dict[str, FixedSums] = field(default_factory=dict)


def shares_of_100(points: NDArray[np.int16]) -> tuple[Counts, Counts, FixedSums]:
    """Points per feature with blanks as 0, their totals, and the sums of 100 x points / total.

    A respondent who filled some features and left others blank gave those 0; one who gave nothing has no weights.
    """
    given = np.maximum(points.astype(np.int64), 0)
    total = given.sum(axis=1)
    some = total > 0
    return given, total, FixedSums.of(100 * given[some] / total[some, None])


def shared_weights(rows: Rows) -> Shared:
    """What the points shared out give: mean weights, and weighted scores of gap and perception."""
    stages = None if rows.matrix.stage_weights is None else shares_of_100(rows.matrix.stage_weights)[2]
    if rows.matrix.weights is None:
        return Shared(stages=stages)
    chosen = [rows.plan.layout.dimensions.index(name) for name in rows.plan.dimensions]
    given, total, dimensions = shares_of_100(rows.matrix.weights[:, chosen])
    rescaled = (total > 0) & (np.abs(total - 100) > rows.thresholds.weight_tolerance)
    scores = weighted_scores(rows, given.T, total)
    return Shared(int(rescaled.sum()), int((total == 0).sum()), dimensions, stages, scores)


def weighted_scores(rows: Rows, weight: Counts, total: Counts) -> dict[str, FixedSums]:
    """Sum over dimensions of (points / total) x mean; a dimension of weight 0 may be missing.

    Each score is one division of whole numbers, so it does not depend on the chunk it stands in.
    """
    chosen, unit = rows.plan.rows("dimension"), rows.plan.dimension_unit
    found: dict[str, FixedSums] = {}
    for name, part in {"perception": rows.of_column["perception"], **rows.of_contrast}.items():
        scored = part.scored[chosen]
        usable = (total > 0) & (scored | (weight == 0)).all(axis=0)
        units = (weight * dimension_numerators(rows, part, unit) * scored).sum(axis=0)[usable]
        found[name] = FixedSums.of((units / (total[usable] * unit))[:, None])
    return found


def scales(plan: Plan) -> dict[str, tuple[int, ...]]:
    """Scales of the reliability: "total", "dimension:ID", "stage:ID"."""
    named = {f"{part.level}:{part.id}": part.items for part in plan.composites if part.level in ("dimension", "stage")}
    return {"total": plan.composites[-1].items, **named}


def whole_numbers(sums: NDArray[Any]) -> Counts:
    """Sums of whole numbers that came out of floating point."""
    found: Counts = np.rint(sums).astype(np.int64)
    return found


def scale_moments(values: Numbers, present: Flags, plan: Plan) -> tuple[PairMoments, dict[str, Moments]]:
    """Pairwise moments of all items, and the moments of each scale over its complete rows."""
    whole: dict[str, Moments] = {}
    for name, items in scales(plan).items():
        chosen = list(items)
        complete = present[chosen].all(axis=0).astype(np.float32)
        # Rows that are not complete count as zeros: that takes less time than picking the others out.
        part = values[chosen] * complete
        whole[name] = Moments(int(complete.sum()), whole_numbers(part @ complete), whole_numbers(part @ part.T))
    return PairMoments.of(values, present.astype(np.float32)), whole


def item_moments(rows: Rows) -> tuple[dict[str, PairMoments], dict[str, dict[str, Moments]]]:
    """Moments for the reliability of expectation, perception and gap."""
    pairwise: dict[str, PairMoments] = {}
    listwise: dict[str, dict[str, Moments]] = {}
    for name, column in (("expectation", "reference"), ("perception", "perception")):
        if column in rows.columns:
            present = rows.rated[column]
            values = (rows.columns[column] * present).astype(np.float32)
            pairwise[name], listwise[name] = scale_moments(values, present, rows.plan)
    if rows.contrasts:
        values = rows.difference("gap").astype(np.float32)
        pairwise["gap"], listwise["gap"] = scale_moments(values, rows.complete, rows.plan)
    return pairwise, listwise


def shortfall_counts(rows: Rows) -> tuple[Counts, PairMoments | None]:
    """Per cell the exposure and shortfall counts, and the pairwise moments of the loss v.

    Returns
    -------
    counts : (cells, 6) int64
        Rated; not applicable; with a pair; short; sum and sum of squares of u in units of 1/cell_unit.
    moments : PairMoments or None
        Of v, which is u with a pair, 0 without experience, and missing otherwise.
    """
    chosen = rows.plan.rows("cell")
    met = rows.over(rows.rated["perception"])[chosen] > 0
    away = ~met & (rows.over(not_applicable(rows.columns["perception"]))[chosen] > 0)
    found = np.zeros((met.shape[0], 6), np.int64)
    found[:, 0], found[:, 1] = met.sum(axis=1), away.sum(axis=1)
    if not rows.contrasts:
        return found, None
    short = np.maximum(-rows.difference("adequacy" if "adequacy" in rows.contrasts else "gap"), 0)
    counts, sums = rows.pairs[chosen], rows.over(short)[chosen]
    paired = (counts > 0) & rows.kept
    loss = numerators(sums, counts, rows.plan.cell_unit) * paired
    found[:, 2], found[:, 3] = paired.sum(axis=1), (loss > 0).sum(axis=1)
    found[:, 4], found[:, 5] = loss.sum(axis=1), (loss * loss).sum(axis=1)
    present = paired | (away & rows.kept)
    return found, PairMoments.of(loss.astype(np.float64), present.astype(np.float64))


def branch_counts(rows: Rows) -> dict[str, Counts]:
    """Branch ("" where not known) -> (cells, 3): scores that a cell is judged by, their sum and sum of squares.

    In units of 1/cell_unit, and of its square.
    """
    matrix, chosen = rows.matrix, rows.plan.rows("cell")
    if matrix.branch is None or not rows.contrasts:
        return {}
    part = rows.of_contrast["adequacy" if "adequacy" in rows.contrasts else "gap"]
    scored = part.scored[chosen]
    values = (numerators(part.sums[chosen], part.counts[chosen], rows.plan.cell_unit) * scored).astype(np.float64)
    cells, width = scored.shape[0], len(matrix.branches) + 1
    place = np.arange(cells)[:, None] * width + (matrix.branch + 1)

    def summed(weights: NDArray[Any]) -> Counts:
        return whole_numbers(np.bincount(place.ravel(), weights.ravel(), cells * width).reshape(cells, width))

    found = np.stack([summed(scored.astype(np.float64)), summed(values), summed(values * values)], axis=2)
    answered = np.flatnonzero(np.bincount(matrix.branch + 1, minlength=width))
    return {("", *matrix.branches)[at]: found[:, at] for at in answered}


def defective_counts(rows: Rows) -> Counts:
    """Per cell the defective pairs, with what tells how far pairs of one customer go together.

    Defective is a pair with perception below the minimum (three columns), or below expectation by `shortfall_points`
    scaled.

    Returns
    -------
    (cells, 6) int64
        Customers with a pair; pairs a; defective pairs b; over customers the sums of a^2, of b^2 and of ab.
    """
    chosen, m = rows.plan.rows("cell"), rows.plan.layout.points
    if not rows.contrasts:
        return np.zeros((chosen.stop - chosen.start, 6), np.int64)
    three = "adequacy" in rows.contrasts
    limit = 1.0 if three else rows.thresholds.scaled(rows.thresholds.shortfall_points, m)
    defective = (-rows.difference("adequacy" if three else "gap") >= limit - 1e-9) & rows.complete
    a, b = (
        (rows.plan.membership[chosen] @ part.astype(np.float32)).astype(np.int64) for part in (rows.complete, defective)
    )
    return np.stack([one.sum(axis=1) for one in (a > 0, a, b, a * a, b * b, a * b)], axis=1).astype(np.int64)


def outcome_moments(rows: Rows) -> Moments | None:
    """Moments of dimension perception means (units of 1/moment_unit) and satisfaction, complete cases."""
    if rows.matrix.outcome is None:
        return None
    part, chosen = rows.of_column["perception"], rows.plan.rows("dimension")
    whole = part.scored[chosen].all(axis=0) & rated(rows.matrix.outcome)
    values = dimension_numerators(rows, part, rows.plan.moment_unit)[:, whole]
    return Moments.of(np.vstack([values, rows.matrix.outcome[whole][None, :]]).astype(np.float64))


def importance_moments(rows: Rows) -> dict[str, Moments]:
    """Moments of dimension scores ("gap", "perception") with rated importance, in units of 1/moment_unit.

    Over respondents who have all of both.
    """
    if "importance" not in rows.columns:
        return {}
    chosen, unit = rows.plan.rows("dimension"), rows.plan.moment_unit
    importance, found = rows.of_column["importance"], {}
    for name, part in {"perception": rows.of_column["perception"], **rows.of_contrast}.items():
        whole = part.scored[chosen].all(axis=0) & importance.scored[chosen].all(axis=0)
        both = [dimension_numerators(rows, one, unit)[:, whole] for one in (part, importance)]
        found[name] = Moments.of(np.vstack(both).astype(np.float64))
    return found


def problem_counts(matrix: ScoreMatrix) -> Counts | None:
    """(stages, 2): customers whose most serious problem lay in the stage, and those of them who kept silent."""
    if matrix.problem_stage is None or matrix.problem_silent is None or not matrix.layout.stages:
        return None
    stages = len(matrix.layout.stages)
    inside = matrix.problem_stage >= 0
    having, silent = (
        np.bincount(matrix.problem_stage[chosen], minlength=stages)
        for chosen in (inside, inside & matrix.problem_silent)
    )
    return np.stack([having, silent], axis=1).astype(np.int64)
