"""The short form: what is estimated from the items asked against the answers of the same people to all items."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from analysis.levels import composite_gap
from analysis.matrix import ScoreMatrix
from analysis.missing import em
from analysis.results import Statistic
from analysis.tally import summarise
from analysis.validation.check import Check, Floats, Material, average, covers, part, settled
from surveys.codes import NOT_ASKED

N = 1500
TRUE_OF = 200_000
"""Customers whose answers stand for the truth."""


def short_form(matrix: ScoreMatrix, material: Material, rng: np.random.Generator) -> ScoreMatrix:
    """The same answers as far as the short form would have asked for them."""
    asked: NDArray[np.bool_] = np.zeros(matrix.perception.shape, np.bool_)
    asked[:, list(material.core)] = True
    for stage, places in matrix.layout.stage_items.items():
        others = np.array([j for j in places if j not in material.core])
        order = rng.random((matrix.n, others.size)).argsort(axis=1)[:, : material.drawn[stage]]
        asked[np.arange(matrix.n)[:, None], others[order]] = True
    hidden = np.uint8(NOT_ASKED)
    return replace(
        matrix,
        perception=np.where(asked, matrix.perception, hidden),
        reference=None if matrix.reference is None else np.where(asked, matrix.reference, hidden),
    )


def _figures(matrix: ScoreMatrix) -> tuple[Floats, Floats, list[Statistic]]:
    """Gaps of the items, of the stages by respondents, and of the stages as the report gives them."""
    tally = summarise(matrix)
    items = np.array([tally.item_differences("gap", j).mean() for j in range(len(matrix.layout.items))])
    stages = [one for one in tally.plan.composites if one.level == "stage"]
    respondents = np.array([tally.composite("gap", one).mean() for one in stages])
    return items, respondents, [composite_gap(tally, one, 0.95).gap for one in stages]


def _largest(name: str, what: str, off: Floats, bound: float | None) -> Check:
    """The largest mean difference of several figures over the (runs, figures), with its own simulation error."""
    mean, error = off.mean(axis=0), off.std(axis=0, ddof=1) / np.sqrt(len(off))
    at = int(np.abs(mean).argmax())
    return settled(name, what, float(np.abs(mean[at])), float(error[at]), len(off), None, bound)


def short_forms(rng: np.random.Generator, runs: int, material: Material) -> tuple[Check, ...]:
    """Items and stages from the short form."""
    everybody = material.whole(TRUE_OF, rng)
    gaps, places = _figures(everybody)[0], everybody.layout.stage_items.values()
    truth = [float(gaps[list(items)].mean()) for items in places]
    off: list[tuple[Floats, ...]] = []
    held: list[float] = []
    for _run in range(part(runs, 0.2)):
        matrix = material.whole(N, rng)
        full, short = _figures(matrix), _figures(short_form(matrix, material, rng))
        told = np.array([one.value for one in short[2]], np.float64)
        whole = np.array([full[0][list(items)].mean() for items in places])
        off.append((short[0] - full[0], short[1] - full[1], told - whole))
        held.append(float(np.mean([covers(one, true) for one, true in zip(short[2], truth, strict=True)])))
    items, respondents, stages = (np.array(part_) for part_ in zip(*off, strict=True))
    text = "Short form of 5 core items and 2 of each stage by lot, 1,500 customers: largest bias of"
    return (
        _largest("planned.items", f"{text} an item's gap, in points", items, 0.01),
        _largest("planned.stages", f"{text} a stage's gap, the mean of its items' gaps", stages, 0.01),
        average("planned.stages.coverage", "95 % interval of a stage's gap from the same short form, average over the "
                "stages", held, 0.93, 0.97),
        _largest("planned.stages.by_respondent", f"{text} a stage's gap taken as the mean of what each customer was "
                 "asked: core items weigh more there, so it is another figure than the whole form's",
                 respondents, None),
    )  # fmt: skip


def covariances(rng: np.random.Generator, runs: int, material: Material) -> tuple[Check, ...]:
    """EM's covariances from the short form beside those of the complete answers."""
    spread, together = [], []
    for _run in range(part(runs, 0.015)):
        matrix = material.whole(N, rng)
        stages = list(matrix.layout.stage_items.values())[:2]  # the third would only add time
        some = sorted({*material.core, *(j for places in stages for j in places)})
        values = short_form(matrix, material, rng).perception[:, some].astype(np.float64)
        values[values == NOT_ASKED] = np.nan
        found = em(values)
        if found is None:
            return (settled("planned.em", "EM found no covariance from the short form", 0.0, 0.0, 1, 1.0, None),)
        truth = np.cov(matrix.perception[:, some], rowvar=False, bias=True)
        off = ~np.eye(len(truth), dtype=bool)
        spread.append(float(np.trace(found.covariance) / np.trace(truth)))
        together.append(float(found.covariance[off].sum() / truth[off].sum()))
    text = "EM from the short form, 1,500 customers, against the complete answers:"
    return (
        average("planned.em.variances", f"{text} sum of the variances", spread, 0.98, 1.02),
        average("planned.em.covariances", f"{text} sum of the covariances", together, 0.97, 1.03),
    )
