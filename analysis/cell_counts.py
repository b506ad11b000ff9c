"""What a chunk of rows says of each cell: exposure, shortfall, loss, defective pairs, and scores by branch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.counting import TABLE, count, tables
from analysis.mergeable import Counts, PairMoments
from analysis.rows import Flags, Rows, Small
from analysis.scoring import means


def present_in(flags: Flags) -> Counts:
    """(k,) how many are set in each row."""
    return np.array([np.count_nonzero(row) for row in flags], np.int64)


def shortfall_counts(rows: Rows) -> tuple[Counts, PairMoments | None]:
    """Per cell the exposure and shortfall counts, and the pairwise moments of the loss v.

    Returns
    -------
    counts : (cells, 6) int64
        Rated; not applicable; with a pair; short; sum and sum of squares of u in units of 1/cell_unit.
    moments : PairMoments or None
        Of v, which is u with a pair, 0 without experience, and missing otherwise.
    """
    plan, chosen = rows.plan, rows.plan.rows("cell")
    met = rows.of_column["perception"].counts[chosen] > 0
    away = rows.over(rows.away)[chosen] > 0
    away &= ~met
    found = np.zeros((met.shape[0], 6), np.int64)
    found[:, 0], found[:, 1] = present_in(met), present_in(away)
    if not rows.contrasts:
        return found, None
    column, perception = rows.paired[rows.contrasts[rows.judged]], rows.paired["perception"]
    short = np.maximum(column, perception) - perception
    counts = rows.pairs[chosen]
    paired = (counts > 0) & rows.kept
    loss = means(rows.over(short)[chosen], counts, plan.cell_unit, plan)
    if not bool(rows.kept.all()):
        loss *= paired
        away &= rows.kept
    present = paired | away
    moments = PairMoments.of(loss, present, plan.cell_unit * plan.layout.points)
    found[:, 2], found[:, 3] = present_in(paired), present_in(loss > 0)
    # Where there is no pair the loss is 0, so the sum over the rows with a pair is that over all.
    found[:, 4], found[:, 5] = np.diagonal(moments.sums), np.diagonal(moments.cross)
    return found, moments


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
    three = rows.judged == "adequacy"
    limit = 1.0 if three else rows.thresholds.scaled(rows.thresholds.shortfall_points, m)
    defective = rows.difference(rows.judged) <= -int(np.ceil(limit - 1e-9))
    defective &= rows.complete
    width = int(rows.plan.sizes[chosen].max(initial=0)) + 1
    code: Small = rows.pairs[chosen].astype(np.uint8 if width * width <= 2**8 else np.uint16)
    code *= width
    code += rows.over(defective)[chosen].astype(code.dtype)
    table = tables(code, width * width)
    a, b = np.divmod(np.arange(width * width), width)
    return table @ np.stack([a > 0, a, b, a * a, b * b, a * b], axis=1).astype(np.int64)


def branch_counts(rows: Rows) -> dict[str, Counts]:
    """Branch ("" where not known) -> (cells, 3): scores that a cell is judged by, their sum and sum of squares.

    In units of 1/cell_unit, and of its square.
    """
    plan, chosen = rows.plan, rows.plan.rows("cell")
    if rows.branch is None or not rows.contrasts:
        return {}
    part = rows.of_contrast[rows.judged]
    branches = len(rows.matrix.branches) + 1
    largest = plan.cell_unit * (plan.layout.points - 1)
    # Numerators from 1 on, so that 0 is left for who has no score.
    code = means(part.sums[chosen], part.counts[chosen], plan.cell_unit, plan).astype(np.int32)
    code += largest + 1
    code *= part.scored[chosen]
    place = rows.branch.astype(np.int64) + 1
    table = _by_branch(code, place, branches, 2 * largest + 2)
    value = np.arange(-largest - 1, largest + 1)
    value[0] = 0
    powers = np.stack([np.arange(value.size) > 0, value, value * value], axis=1).astype(np.int64)
    found = table @ powers
    answered = np.flatnonzero(np.bincount(place, minlength=branches))
    return {("", *rows.matrix.branches)[at]: found[:, at] for at in answered}


def _by_branch(code: NDArray[np.int32], place: Counts, branches: int, width: int) -> Counts:
    """(k, branches, width): how often each code occurs in each branch, two rows at once where there is room."""
    found = np.empty((code.shape[0], branches, width), np.int64)
    together = 2 if branches * width * width <= TABLE else 1
    for start in range(0, code.shape[0], together):
        joint = place
        for row in code[start : start + together]:
            joint = joint * width
            joint += row
        rows = len(code[start : start + together])
        table = count(joint, branches * width**rows).reshape(branches, *(width,) * rows)
        for at in range(rows):
            found[start + at] = table if rows == 1 else table.sum(axis=2 - at)
    return found
