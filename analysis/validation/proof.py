"""The proof of fix: an action without any effect, on what was chosen because it looked worst."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.compare.branches import pool, shrink
from analysis.defects import CellSummary, Status, judge
from analysis.trend.change import Cell, Change, Guard, branch_did, fresh_change, guarded_change, held_out, judge_change
from analysis.validation.check import Check, Floats, Material, of, part, rate
from analysis.validation.rule import CELLS, CORRELATION, SPREAD

N = 60
BRANCHES, EACH = 12, 15


@dataclass(frozen=True)
class _Verdicts:
    """Of one run: whether each way of proof says "improved", and whether it says "closed"."""

    improved: list[bool]
    closed: list[bool]


def answers(n: int, rng: np.random.Generator) -> Floats:
    """(n, cells) whole-number gaps, all cells truly at -0.5."""
    person, own = rng.standard_normal((n, 1)), rng.standard_normal((n, CELLS))
    found: Floats = np.rint(-0.5 + SPREAD * (np.sqrt(CORRELATION) * person + np.sqrt(1 - CORRELATION) * own))
    return found


def cell(values: Floats) -> Cell:
    """A wave of one cell."""
    return Cell.of(of(values))


def status_of(wave: Floats, chosen: int) -> Status:
    """What the rule says of a cell in a wave."""
    cells = [CellSummary(str(j), len(wave), float(x.mean()), float(x.std(ddof=1))) for j, x in enumerate(wave.T)]
    return judge(cells, 7)[str(chosen)].status


def told(change: Change, guard: Guard, wave: Floats, chosen: int, found: _Verdicts) -> None:
    """Add one verdict."""
    outcome = judge_change(change, guard, len(wave), status_of(wave, chosen)).outcome
    found.improved.append(outcome in ("improving", "closed"))
    found.closed.append(outcome == "closed")


def regression_to_the_mean(rng: np.random.Generator, runs: int, _: Material) -> tuple[Check, ...]:
    """The worst-looking of fifteen equal cells, an action without effect, a second wave."""
    naive, guarded, half = (_Verdicts([], []) for _i in range(3))
    for _run in range(part(runs, 0.5)):
        before, after = answers(N, rng), answers(N, rng)
        means, variances = before.mean(axis=0), before.var(axis=0, ddof=1) / N
        worst = int(means.argmin())
        # What a verdict would be without a guard: `judge_change` refuses it, so it is given a false one here.
        told(fresh_change(cell(before[:, worst]), cell(after[:, worst])), "held_out", after, worst, naive)
        pooled = pool(means, variances)
        eb = shrink(means, variances, pooled.tau2, pooled.mean, pooled.se)
        change = guarded_change(float(eb.means[worst]), float(eb.se_full[worst]), cell(after[:, worst]))
        told(change, "shrunken", after, worst, guarded)
        chosen_on = held_out(N, rng)
        worst = int(before[chosen_on].mean(axis=0).argmin())
        change = fresh_change(cell(before[~chosen_on, worst]), cell(after[:, worst]))
        told(change, "held_out", after, worst, half)
    text = "Action without effect on the worst-looking of 15 equal cells, n = 60 a wave: share of verdicts"
    return (
        rate("proof.naive", f"{text} “improving” or “closed” from the plain change, which the product "
             "refuses", naive.improved, 0.12, None),
        rate("proof.naive.closed", f"{text} “closed” from the plain change", naive.closed),
        rate("proof.shrunken", f"{text} “improving” or “closed” from the shrunken baseline", guarded.improved, None,
             0.10),
        rate("proof.held_out", f"{text} “improving” or “closed” from the half that was held out", half.improved, None,
             0.10),
    )  # fmt: skip


def with_branches(rng: np.random.Generator, runs: int, _: Material) -> tuple[Check, ...]:
    """Difference in differences: the worst-looking cell in half of the branches; and the worst-looking branches."""
    fair, chosen = _Verdicts([], []), _Verdicts([], [])
    home = np.repeat(np.arange(BRANCHES), EACH)
    for _run in range(part(runs, 0.15)):
        level = 0.2 * rng.standard_normal((BRANCHES, CELLS))[home]
        before, after = (answers(BRANCHES * EACH, rng) + level for _wave in range(2))
        worst = int(before.mean(axis=0).argmin())
        at_random = frozenset(map(str, rng.permutation(BRANCHES)[: BRANCHES // 2]))
        told(_change(before, after, worst, home, at_random, rng), "difference_in_differences", after, worst, fair)
        by_branch = np.bincount(home, weights=before[:, worst])
        lowest = frozenset(map(str, np.argsort(by_branch)[: BRANCHES // 2]))
        told(_change(before, after, worst, home, lowest, rng), "difference_in_differences", after, worst, chosen)
    text = "Action without effect on the worst-looking cell"
    return (
        rate("proof.did", f"{text}, in 6 of 12 branches whatever their own figures: share of verdicts “improving” or "
             "“closed” from the difference in differences", fair.improved, None, 0.10),
        rate("proof.did.chosen_branches", f"{text}, in the 6 branches where it looked worst: the comparison with the "
             "others is then no guard, which is why it must be settled without the baseline's figures",
             chosen.improved, 0.12, None),
    )  # fmt: skip


def _change(
    before: Floats, after: Floats, at: int, home: NDArray[np.intp], treated: frozenset[str], rng: np.random.Generator
) -> Change:
    """Difference in differences of one cell."""
    scores = {str(g): (of(before[home == g, at]), of(after[home == g, at])) for g in range(BRANCHES)}
    return branch_did(scores, treated, rng)
