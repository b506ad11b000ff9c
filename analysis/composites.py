"""Tables (answered, sum) of the composites: column by column, and of complete rows from pairs of sums."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from analysis.counting import count
from analysis.mergeable import Counts
from analysis.plan import Plan
from analysis.rows import Flags, Rows, Small

LARGEST = 2**17
"""Counters of a table of pairs of sums; where it takes more, columns are counted one by one."""


def composite_counts(rows: Rows) -> dict[str, Counts]:
    """Flat composite tables by column, by contrast, and of both columns over complete pairs ("gap.perception")."""
    plan = rows.plan
    jointly = (int(plan.sizes.max()) * (plan.layout.points - 1) + 1) ** 2 <= LARGEST
    found: dict[str, Counts] = {}
    for name, (counts, sums, scored) in _sources(rows).items():
        start = rows.whole if jointly and name != "importance" else 0
        parts = counts[:, start:], sums[:, start:], scored[:, start:]
        found[name] = composite_tables(plan, *parts, signed=name in rows.contrasts)
    if jointly and rows.whole:
        _add_whole(rows, found)
    for name, table in found.items():
        offsets = plan.offsets(name in rows.contrasts)
        for row, twin in enumerate(plan.twins):
            if twin != row:
                table[offsets[row] : offsets[row + 1]] = table[offsets[twin] : offsets[twin + 1]]
    return found


def _sources(rows: Rows) -> dict[str, tuple[Small, Small, Flags]]:
    """Name of a table -> answered, sums and scored."""
    parts = {**rows.of_column, **rows.of_contrast}
    found = {name: (part.counts, part.sums, part.scored) for name, part in parts.items()}
    if "gap" in rows.of_contrast:
        part = rows.of_contrast["gap"]
        for column in ("reference", "perception"):
            found[f"gap.{column}"] = (part.counts, rows.paired_sums[column], part.scored)
    return found


def composite_tables(plan: Plan, counts: Small, sums: Small, scored: Flags, signed: bool) -> Counts:
    """Flat tables (answered, sum) of all composites one after the other, of respondents with a score."""
    offsets = plan.offsets(signed)
    found = np.zeros(offsets[-1], np.int64)
    if not counts.shape[1]:
        return found
    largest = max(end - start for start, end in pairwise(offsets))
    kind = np.uint16 if largest <= 2**16 else np.int64
    code: Small = counts.astype(kind)
    widths: Small = plan.widths(signed)[:, None].astype(kind)
    code *= widths
    if signed:
        code += (sums - plan.lowest(signed).astype(sums.dtype)[:, None]).astype(kind)
    else:
        code += sums
    code *= scored
    for row, twin in enumerate(plan.twins):
        if twin == row:
            part = found[offsets[row] : offsets[row + 1]]
            part[:] = count(code[row], part.size)
            part[0] = 0  # who has no score: nobody has one with nothing answered
    return found


def _add_whole(rows: Rows, found: dict[str, Counts]) -> None:
    """Add the rows in which everything is answered, by one table of the columns' sums for each composite."""
    plan = rows.plan
    steps = plan.sizes * (plan.layout.points - 1) + 1
    # From 0 for the lowest sum on.
    sums = {
        name: rows.of_column[name].sums[:, : rows.whole].astype(np.int32) - plan.sizes.astype(np.int32)[:, None]
        for name in rows.asked_columns
    }
    perception = sums["perception"]
    codes = {name: sums[column] * steps.astype(np.int32)[:, None] for name, column in rows.contrasts.items()}
    for code in codes.values():
        code += perception
    for row, twin in enumerate(plan.twins):
        width = int(steps[row])
        if twin != row:
            continue
        for contrast, code in codes.items():
            joint = count(code[row], width * width).reshape(width, width)
            first, second = joint.sum(axis=1), joint.sum(axis=0)
            counted = {rows.contrasts[contrast]: first, contrast: differences(joint)}
            if contrast == "gap":
                counted |= {"gap.reference": first, "gap.perception": second, "perception": second}
            for name, one in counted.items():
                _put(found[name], plan, row, name in rows.contrasts, one)
        if not codes:
            _put(found["perception"], plan, row, False, count(perception[row], width))


def differences(joint: Counts) -> Counts:
    """How often each difference of second minus first occurs in a joint table."""
    places = np.arange(joint.shape[0])
    code = np.subtract.outer(joint.shape[0] - 1 - places, -places)
    # Counts below 2**53 are exact in floating point.
    return np.bincount(code.ravel(), joint.ravel()).astype(np.int64)


def _put(table: Counts, plan: Plan, row: int, signed: bool, counted: Counts) -> None:
    """Add counts of a composite all items of which are answered: they stand at the end of its table."""
    end = plan.offsets(signed)[row + 1]
    table[end - counted.size : end] += counted
