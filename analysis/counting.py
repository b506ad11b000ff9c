"""How often each answer, each pair of answers and each sum of answers occurs in a chunk of rows.

Counting is one addition in memory for each number, where sums are a fraction of that: so several items are counted in
one pass, as digits of one number, and a table that follows from another one is not counted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.matrix import ScoreMatrix
from analysis.mergeable import Counts
from analysis.rows import Rows, refuse_codes
from surveys.codes import DO_NOT_KNOW, NOT_APPLICABLE, NOT_ASKED

TABLE = 2**14
"""Counters that stay in the fast part of a processor's memory."""


def count(codes: NDArray[Any], width: int) -> Counts:
    """How often each code below `width` occurs."""
    return np.bincount(codes, minlength=width).astype(np.int64, copy=False)


def tables(codes: NDArray[Any], width: int) -> Counts:
    """(k, width): how often each code below `width` occurs in each row of (k, n) codes."""
    k, n = codes.shape
    digits = 1
    while digits < k and width ** (digits + 1) <= min(TABLE, n):
        digits += 1
    found = np.empty((k, width), np.int64)
    for start in range(0, k, digits):
        part = codes[start : start + digits]
        joint = part[0]
        for code in part[1:]:
            joint = joint.astype(np.uint16, copy=False) * np.uint16(width) + code
        margins(count(joint, width ** len(part)), found[start : start + len(part)])
    return found


def margins(table: Counts, found: Counts) -> None:
    """Put the counts of each digit of a flat table into `found` (digits, width); halves first, which is quickest."""
    digits, width = found.shape
    if digits == 1:
        found[0] = table
        return
    half = digits // 2
    square = table.reshape(width**half, -1)
    margins(square.sum(axis=1), found[:half])
    margins(square.sum(axis=0), found[half:])


def answer_counts(rows: Rows) -> dict[str, Counts]:
    """Column -> (items, m + 4): blank, points 1..m, not applicable, do not know, not asked."""
    m = rows.plan.layout.points
    found: dict[str, Counts] = {}
    # Shifted by three, the special codes come round to 0, 1 and 2, and blanks and points follow.
    special = [code + 3 - 256 for code in (NOT_APPLICABLE, DO_NOT_KNOW, NOT_ASKED)]
    places = [*range(3, m + 4), *special]
    for name, column in rows.columns.items():
        code = column + np.uint8(3)
        if int(code.max(initial=0)) > m + 3:
            refuse_codes(rows, name, int(np.flatnonzero(code.max(axis=1) > m + 3)[0]))
        found[name] = tables(code, m + 4)[:, places]
    return found


def pair_counts(rows: Rows) -> dict[str, Counts]:
    """Contrast -> (items, m, m): compared column by perception, complete pairs only."""
    m = rows.plan.layout.points
    found: dict[str, Counts] = {}
    kind = np.uint8 if (m + 1) * (m + 1) <= 2**8 else np.uint16
    for name, column in rows.contrasts.items():
        # Where the pair is not complete both are 0.
        code = rows.paired[column] * kind(m + 1) + rows.paired["perception"]
        counted = tables(code, (m + 1) * (m + 1)).reshape(-1, m + 1, m + 1)
        found[name] = np.ascontiguousarray(counted[:, 1:, 1:])
    return found


def problem_counts(matrix: ScoreMatrix) -> Counts | None:
    """(stages, 2): customers whose most serious problem lay in the stage, and those of them who kept silent."""
    if matrix.problem_stage is None or matrix.problem_silent is None or not matrix.layout.stages:
        return None
    stages = len(matrix.layout.stages)
    inside = matrix.problem_stage >= 0
    having, silent = (
        count(matrix.problem_stage[chosen], stages) for chosen in (inside, inside & matrix.problem_silent)
    )
    return np.stack([having, silent], axis=1)
