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
        pairwise[name], listwise[name] = scale_moments(values[:, complete.n :], present[:, complete.n :], rows.plan)
        pairwise[name] += PairMoments.complete(complete)
        for scale, items in scales(rows.plan).items():
            listwise[name][scale] += complete.part(items)
    return pairwise, listwise


def _complete_rows(rows: Rows) -> dict[str, Moments]:
    """Moments over the rows at the beginning in which all items are there: the gap's follow from its columns'."""
    k, whole = len(rows.plan.layout.items), rows.whole
    columns = [name for name in ("reference", "perception") if name in rows.columns]
    joint = Moments.of(np.concatenate([rows.columns[name][:, :whole] for name in columns]).astype(np.float32))
    found = {"perception": joint.part(range(joint.sums.size - k, joint.sums.size))}
    if rows.contrasts:
        mixed = joint.cross[:k, k:]
        found = {"expectation": joint.part(range(k)), **found}
        first, second = found["expectation"], found["perception"]
        found["gap"] = Moments(whole, second.sums - first.sums, first.cross + second.cross - mixed - mixed.T)
        for name, column in (("expectation", "reference"), ("perception", "perception")):
            # Of a column alone more rows may be complete.
            found[name] += Moments.of(rows.columns[column][:, whole : rows.leading[column]].astype(np.float32))
    return found


def scale_moments(values: NDArray[Any], present: Flags, plan: Plan) -> tuple[PairMoments, Listwise]:
    """Pairwise moments of all items, and the moments of each scale over its complete rows."""
    found: Listwise = {}
    total, *parts = scales(plan).items()
    for level in ([total], [one for one in parts if one[0][0] == "d"], [one for one in parts if one[0][0] == "s"]):
        # The scales of a level share no item, so that one product serves them all.
        complete = {name: np.logical_and.reduce(present[list(items)]) for name, items in level}
        masked = np.zeros_like(values)
        for name, items in level:
            for item in items:
                np.multiply(values[item], complete[name], out=masked[item])
        numbers = masked.astype(np.float32)
        everywhere = Moments.of(numbers)
        for name, items in level:
            part = everywhere.part(items)
            found[name] = Moments(int(np.count_nonzero(complete[name])), part.sums, part.cross)
    return PairMoments.of(values.astype(np.float32), present.astype(np.float32)), found
