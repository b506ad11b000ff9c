"""Tables (answered, sum) of the composites: one by one, and for whole rows from pairs of sums."""

from __future__ import annotations

import numpy as np

from analysis.counting import count
from analysis.mergeable import Counts
from analysis.plan import Plan
from analysis.rows import Flags, Rows, Small

LARGEST = 2**17
"""Counters of a table of pairs of sums; where it takes more, the columns are counted one by one."""


def composite_counts(rows: Rows) -> dict[str, Counts]:
    """Flat composite tables by column, by contrast, and of both columns over complete pairs ("gap.perception")."""
    plan = rows.plan
    found = _rest(rows)
    if rows.whole:
        _add_whole(rows, found)
    for name, table in found.items():
        offsets = plan.offsets(name in rows.of_contrast)
        for row, twin in enumerate(plan.twins):
            if twin != row:
                table[offsets[row] : offsets[row + 1]] = table[offsets[twin] : offsets[twin + 1]]
    return found


def _sources(rows: Rows) -> dict[str, tuple[Small, Small, Flags, bool]]:
    """Name of a table -> answered, sums, scored, and whether the sums are of differences."""
    found = {name: (part.counts, part.sums, part.scored, False) for name, part in rows.of_column.items()}
    for name, part in rows.of_contrast.items():
        found[name] = (part.counts, part.sums, part.scored, True)
    if "gap" in rows.of_contrast:
        part = rows.of_contrast["gap"]
        for column in ("reference", "perception"):
            found[f"gap.{column}"] = (part.counts, rows.paired_sums[column], part.scored, False)
    return found


def _rest(rows: Rows) -> dict[str, Counts]:
    """Tables of the rows in which something is missing, of columns that whole rows say nothing of those as well."""
    plan = rows.plan
    found: dict[str, Counts] = {}
    for name, (counts, sums, scored, signed) in _sources(rows).items():
        offsets, widths, lowest = plan.offsets(signed), plan.widths(signed), plan.lowest(signed)
        table = np.zeros(int(offsets[-1]), np.int64)
        for row, twin in enumerate(plan.twins):
            start = rows.whole if name != "importance" and _jointly(plan, row) else 0
            if twin == row and start < rows.n:
                part = table[offsets[row] : offsets[row + 1]]
                one = (counts[row, start:], sums[row, start:], scored[row, start:])
                part[:] = composite_table(*one, int(widths[row]), int(lowest[row]), part.size)
        found[name] = table
    return found


def composite_table(counts: Small, sums: Small, scored: Flags, width: int, lowest: int, size: int) -> Counts:
    """Flat table (answered, sum) of one composite, of respondents with a score."""
    code: Small = counts.astype(np.uint16 if size <= 2**16 else np.int64)
    code *= width
    if lowest:
        code += (sums - sums.dtype.type(lowest)).astype(code.dtype)
    else:
        code += sums
    code *= scored
    found = count(code, size)
    found[0] = 0  # who has no score: nobody has one with nothing answered
    return found


def _add_whole(rows: Rows, found: dict[str, Counts]) -> None:
    """Add the rows in which everything is answered, by one table of the columns' sums for each composite."""
    plan, m = rows.plan, rows.plan.layout.points
    for row, twin in enumerate(plan.twins):
        size = int(plan.sizes[row])
        if twin != row or not _jointly(plan, row):
            continue
        whole = {name: rows.of_column[name].sums[row, : rows.whole] for name in rows.asked_columns}
        perception: Counts | None = None
        for contrast, column in rows.contrasts.items():
            joint = joint_table(whole[column], whole["perception"], size, m)
            perception, reference = joint.sum(axis=0), joint.sum(axis=1)
            _put(found[column], plan, row, False, reference)
            _put(found[contrast], plan, row, True, differences(joint))
            if contrast == "gap":
                _put(found["gap.reference"], plan, row, False, reference)
                _put(found["gap.perception"], plan, row, False, perception)
        if perception is None:
            perception = count(whole["perception"] - whole["perception"].dtype.type(size), size * (m - 1) + 1)
        _put(found["perception"], plan, row, False, perception)


def _jointly(plan: Plan, row: int) -> bool:
    """Whether the sums of two columns of a composite are counted as pairs: there must not be too many pairs."""
    return (int(plan.sizes[row]) * (plan.layout.points - 1) + 1) ** 2 <= LARGEST


def joint_table(first: Small, second: Small, size: int, points: int) -> Counts:
    """How often each sum of one column meets each sum of another, over rows that answered all `size` items."""
    width = size * (points - 1) + 1
    code = first.astype(np.int64)
    code -= size
    code *= width
    code += second
    code -= size
    return count(code, width * width).reshape(width, width)


def differences(joint: Counts) -> Counts:
    """How often each difference of second minus first occurs in a joint table."""
    places = np.arange(joint.shape[0])
    code = np.subtract.outer(joint.shape[0] - 1 - places, -places)
    # Counts below 2**53 are exact in floating point.
    return np.bincount(code.ravel(), joint.ravel()).astype(np.int64)


def _put(table: Counts, plan: Plan, row: int, signed: bool, counted: Counts) -> None:
    """Add counts of a composite all items of which are answered."""
    end = int(plan.offsets(signed)[row + 1])
    first = end - counted.size
    table[first:end] += counted
