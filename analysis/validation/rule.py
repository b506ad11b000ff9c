"""The rule of what is a defect: false discoveries, power, and whole campaigns with planted defects."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from analysis.defects import CellSummary, judge
from analysis.importance import importance
from analysis.priority import find_defects
from analysis.tally import summarise
from analysis.validation.check import Check, Floats, Material, average, part, rate

SIZES = (30, 60, 120, 300)
CELLS = 15
CORRELATION = 0.3
SPREAD = 1.3
"""SD of a gap before it is rounded to whole points: chosen so that the power is the one found when the rule was set up,
whose SD is not known.  The false discovery rate does not depend on it."""


def gap_table(truth: Floats, n: int, runs: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """(runs, cells) means and SDs of whole-number gaps of n respondents.

    A normal that is rounded keeps its mean as long as its SD is large beside the step (here to 1e-8).
    """
    means, sds = np.empty((runs, truth.size)), np.empty((runs, truth.size))
    step = max(1, 2_000_000 // (n * truth.size))
    for start in range(0, runs, step):
        some = min(step, runs - start)
        person = math.sqrt(CORRELATION) * rng.standard_normal((some, n, 1))
        own = math.sqrt(1 - CORRELATION) * rng.standard_normal((some, n, truth.size))
        gaps = np.rint(truth + SPREAD * (person + own))
        means[start : start + some], sds[start : start + some] = gaps.mean(axis=1), gaps.std(axis=1, ddof=1)
    return means, sds


def confirmed(means: Floats, sds: Floats, n: int) -> NDArray[np.bool_]:
    """(runs, cells) which cells the rule confirms."""
    found: NDArray[np.bool_] = np.zeros(means.shape, np.bool_)
    for run, (row, spread) in enumerate(zip(means.tolist(), sds.tolist(), strict=True)):
        cells = [CellSummary(str(j), n, gap, sd) for j, (gap, sd) in enumerate(zip(row, spread, strict=True))]
        verdicts = judge(cells, 7)
        found[run] = [verdicts[cell.id].status == "confirmed" for cell in cells]
    return found


def false_discoveries(rng: np.random.Generator, runs: int, _: Material) -> tuple[Check, ...]:
    """False discovery rate and power of the rule at four sizes of survey."""
    planted = np.array([-1.0] * 5 + [-0.5] * 10)
    mean_power = {30: (0.28, 0.38), 60: (0.68, 0.78), 120: (0.95, 1.0), 300: (0.99, 1.0)}
    found: list[Check] = []
    for n in SIZES:
        worst = confirmed(*gap_table(np.full(CELLS, -0.5), n, runs, rng), n)
        found.append(
            rate(f"defects.fdr.all_at_limit.n{n}", f"False discovery rate of “confirmed”, all 15 cells exactly at the "
                 f"smallest gap that matters, n = {n}", worst.max(axis=1), None, 0.05)
        )  # fmt: skip
        mixed = confirmed(*gap_table(planted, n, part(runs, 0.5), rng), n)
        share = mixed[:, 5:].sum(axis=1) / np.maximum(mixed.sum(axis=1), 1)
        found.append(
            average(f"defects.fdr.five_true.n{n}", f"The same, 5 cells at -1.0 and 10 at -0.5, n = {n}",
                    share, None, 0.05)
        )  # fmt: skip
        found.append(
            average(f"defects.power.five_true.n{n}", f"Share of the 5 cells at -1.0 that are confirmed, n = {n}",
                    mixed[:, :5].mean(axis=1), *mean_power[n])
        )  # fmt: skip
        small = confirmed(*gap_table(np.array([-1.0] * 5 + [-0.2] * 10), n, part(runs, 0.5), rng), n)
        share = small[:, 5:].sum(axis=1) / np.maximum(small.sum(axis=1), 1)
        found.append(
            average(f"defects.fdr.small_gaps.n{n}", f"The same, 5 cells at -1.0 and 10 at -0.2, n = {n}",
                    share, None, 0.001)
        )  # fmt: skip
    return tuple(found)


def campaigns(rng: np.random.Generator, runs: int, material: Material) -> tuple[Check, ...]:
    """Simulated campaigns from the first answer to the list of defects."""
    missed, false = [], []
    for _ in range(part(runs, 0.02)):
        matrix, planted = material.planted(rng)
        tally = summarise(matrix)
        listed = find_defects(tally, importance(tally, "no_outcome"), "no_outcome", rng)
        sure = {one.cell for one in listed if one.status == "confirmed"}
        missed.append(len(planted - sure) / len(planted))
        false.append(bool(sure - planted))
    return (
        average("campaign.found", "Whole campaigns of 400 answers: share of the planted defects (-1.3 and worse) that "
                "are confirmed", 1 - np.array(missed), 0.95, None),
        rate("campaign.false", "The same: share of campaigns that confirm a cell where none was planted (-0.3 and "
             "better)", false, None, 0.05),
    )  # fmt: skip
