"""Sums and products of the items for the reliability, pair by pair and over the complete rows of each scale."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.mergeable import Moments, PairMoments
from analysis.plan import Plan
from analysis.rows import Flags, Rows

Numbers = NDArray[np.float32]
Listwise = dict[str, Moments]


def scales(plan: Plan) -> dict[str, tuple[int, ...]]:
    """Scales of the reliability: "total", "dimension:ID", "stage:ID"."""
    named = {f"{part.level}:{part.id}": part.items for part in plan.composites if part.level in ("dimension", "stage")}
    return {"total": plan.composites[-1].items, **named}


def item_moments(rows: Rows) -> tuple[dict[str, PairMoments], dict[str, Listwise]]:
    """Moments for the reliability of expectation, perception and gap."""
    pairwise: dict[str, PairMoments] = {}
    listwise: dict[str, Listwise] = {}
    for name, complete in _complete_rows(rows).items():
        values: NDArray[Any]
        if name == "gap":
            values, present = rows.difference("gap"), rows.complete
        else:
            column = "reference" if name == "expectation" else name
            present = rows.rated[column]
            values = rows.columns[column] * present
        values, present = values[:, complete.n :], present[:, complete.n :]
        listwise[name] = scale_moments(values, present, complete, rows.plan)
        pairwise[name] = PairMoments.complete(complete)
        if values.shape[1]:
            pairwise[name] += PairMoments.of(values, present, rows.plan.layout.points)
    return pairwise, listwise


def _complete_rows(rows: Rows) -> dict[str, Moments]:
    """Moments over the rows at the beginning in which all items are there: the gap's follow from its columns'."""
    k, whole = len(rows.plan.layout.items), rows.whole
    columns = [name for name in ("reference", "perception") if name in rows.columns]
    largest = rows.plan.layout.points
    joint = Moments.of(*(rows.columns[name][:, :whole] for name in columns), largest=largest)
    found = {"perception": joint.part(range(joint.sums.size - k, joint.sums.size))}
    if rows.contrasts:
        mixed = joint.cross[:k, k:]
        found = {"expectation": joint.part(range(k)), **found}
        first, second = found["expectation"], found["perception"]
        found["gap"] = Moments(whole, second.sums - first.sums, first.cross + second.cross - mixed - mixed.T)
        for name, column in (("expectation", "reference"), ("perception", "perception")):
            # Of a column alone more rows may be complete.
            found[name] += Moments.of(rows.columns[column][:, whole : rows.leading[column]], largest=largest)
    return found


def scale_moments(values: NDArray[Any], present: Flags, complete: Moments, plan: Plan) -> Listwise:
    """The moments of each scale over its complete rows: those of `complete`, and the rows at hand that are."""
    found: Listwise = {}
    named = scales(plan)
    for level in ("total", "dimension", "stage"):
        # The scales of a level share no item, so that one product serves them all.
        parts = {name: items for name, items in named.items() if name.partition(":")[0] == level}
        numbers: dict[str, int] = {}
        masked = np.zeros_like(values)
        for name, items in parts.items():
            whole = np.logical_and.reduce(present[list(items)])
            numbers[name] = int(np.count_nonzero(whole))
            for item in items if numbers[name] else ():
                np.multiply(values[item], whole, out=masked[item])
        sums = complete
        if any(numbers.values()):
            sums = sums + Moments.of(masked, largest=plan.layout.points)
        for name, items in parts.items():
            part = sums.part(items)
            found[name] = Moments(complete.n + numbers[name], part.sums, part.cross)
    return found
