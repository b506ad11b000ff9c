"""Two waves of one survey: what changed, and whether a defect of the earlier wave is mended."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.adjust import benjamini_hochberg
from analysis.by_branch import clustering_of
from analysis.compare.branches import pool, shrink
from analysis.confirm.groups import invariance_of
from analysis.confirm.invariance import InvarianceResult
from analysis.defects import Status
from analysis.designed import weighted_mean
from analysis.frequencies import Frequencies, mean_statistic, t_quantile
from analysis.plan import Composite
from analysis.report import Report, build_report
from analysis.results import Statistic, undefined
from analysis.sampling.raking import Raked, rake
from analysis.study import Grouping, Score, Study, scored, within
from analysis.tally import Tally, summarise
from analysis.thresholds import DEFAULT, Thresholds
from analysis.trend.change import (
    Cell,
    Change,
    Guard,
    Proof,
    branch_did,
    fresh_change,
    guarded_change,
    judge_change,
)
from analysis.trend.pretrend import PreTrend, pre_trend

Floats = NDArray[np.float64]
Comparison = Literal["shrunken", "difference_in_differences", "plain"]


@dataclass(frozen=True)
class WaveChange:
    """A score in both waves."""

    before: Statistic
    after: Statistic
    change: Change  # of fresh samples
    q: Statistic  # Benjamini-Hochberg over the scores of the same level
    same_mix: Statistic  # change with the later wave weighted to the earlier one's mix of customers


@dataclass(frozen=True)
class CellProof:
    """A defect of the earlier wave, judged by the later one."""

    before: Status
    after: Status
    comparison: Comparison
    proof: Proof


@dataclass(frozen=True)
class Waves:
    """An earlier wave beside the one that the report is about."""

    n_before: int
    n_after: int
    treated: tuple[str, ...]  # branches with the action
    before_action: PreTrend | None  # of these and the others within the earlier wave; None without both, or days
    invariance: InvarianceResult | None  # of perception between the waves
    mix: tuple[str, ...]  # traits that the adjustment for the mix uses
    mix_effect: Statistic  # design effect of its weights
    scores: dict[str, WaveChange]  # "overall", "stage:ID", "dimension:ID", "cell:ID"
    cells: dict[str, CellProof]  # confirmed and probable defects of the earlier wave


@dataclass(frozen=True, eq=False)
class Wave:
    """Answers of a wave with what was made of them."""

    study: Study
    tally: Tally
    report: Report

    @classmethod
    def of(
        cls,
        study: Study,
        thresholds: Thresholds,
        floor: int | None,
        sampled: bool = False,
        tally: Tally | None = None,
    ) -> Wave:
        """Sum the answers up, unless their tally is given; `sampled` as in `clustering_of`."""
        tally = summarise(study.matrix, thresholds) if tally is None else tally
        clustering = clustering_of(tally, sampled, floor) if sampled else None
        return cls(study, tally, build_report(tally, thresholds, format="", floor=floor, clustering=clustering))

    @property
    def contrast(self) -> str:
        """What a defect is judged by: P - minimum, P - expectation, or perception where there is nothing beside."""
        return "adequacy" if "adequacy" in self.tally.pairs else "gap" if "gap" in self.tally.pairs else "perception"

    def scores(self) -> dict[str, Frequencies]:
        """Scores by level and id, without what is hidden."""
        parts = {f"{part.level}:{part.id}": part for part in self.tally.plan.composites if part.level != "all"}
        hidden = self.report.hidden
        found = {name: self.tally.composite(self.contrast, one) for name, one in parts.items() if one.id not in hidden}
        return {"overall": self.tally.overall_scores(self.contrast)} | found


@dataclass(frozen=True, eq=False)
class Earlier:
    """An earlier wave of the same survey, and the branches that have acted since."""

    study: Study
    treated: frozenset[str] = frozenset()

    def beside(
        self,
        now: Study,
        tally: Tally,
        rng: np.random.Generator,
        thresholds: Thresholds,
        floor: int | None,
        sampled: bool = False,
    ) -> Waves:
        """Both waves compared."""
        before = Wave.of(self.study, thresholds, floor, sampled)
        after = Wave.of(now, thresholds, floor, sampled, tally)
        return compare_waves(before, after, rng, thresholds, floor=floor, treated=self.treated)


def compare_waves(
    before: Wave,
    after: Wave,
    rng: np.random.Generator,
    thresholds: Thresholds = DEFAULT,
    *,
    floor: int | None,
    treated: frozenset[str] = frozenset(),
) -> Waves:
    """Compare two waves of fresh samples.

    Parameters
    ----------
    before, after : Wave
        Of the same questionnaire; items with other wordings in the two waves must not be compared.
    rng : Generator
        For the wild cluster bootstrap of few branches.
    floor : int or None
        As for `analysis.report.build_report`; branches that it hides take no part.
    treated : set of branches
        Those with the action.  With at least two branches on both sides defects are judged by the difference in
        differences, which guards against regression to the mean where the branches were not chosen for bad figures.

    Returns
    -------
    Waves
        Otherwise a defect is judged by its change from a baseline drawn towards the mean of all cells (empirical
        Bayes); with fewer than `baseline_cells` cells there is no such baseline and nothing is judged ("no_guard").
        Nor is it where invariance between the waves fails ("not_comparable").

    Raises
    ------
    ValueError
        When the layouts differ.
    """
    if before.tally.layout != after.tally.layout:
        raise ValueError("two waves can be compared only when they asked the same items on the same scale")
    found = _invariance(before.study, after.study, rng, thresholds)
    old, new = before.scores(), after.scores()
    mix, raked = _mix(before.study, after.study, thresholds)
    adjusted = _same_mix(before.study, after.study, mix, raked, thresholds)
    scores = {
        name: WaveChange(
            mean_statistic(old[name], thresholds.level, method="mean, earlier wave"),
            mean_statistic(new[name], thresholds.level, method="mean, later wave"),
            _plain(old[name], new[name], thresholds.level),
            undefined("not_tested"),
            adjusted.get(name, undefined("not_tested")),
        )
        for name in old
        if name in new and min(old[name].n, new[name].n) >= (floor or 0)  # else one would follow from the other
    }
    effect = undefined("not_asked") if raked is None else Statistic(raked.design_effect, n=after.study.n, method="Kish")
    proofs = {} if after.contrast == "perception" else _proofs(before, after, treated, floor, rng, thresholds)
    if found is not None and found.consequence == "not_comparable":
        proofs = {cell: replace(one, proof=_refused(one.proof)) for cell, one in proofs.items()}
    return Waves(
        before.study.n, after.study.n, tuple(sorted(treated)), _before_action(before.study, treated, floor, thresholds),
        found, mix, effect, _with_q(scores), proofs
    )  # fmt: skip


def _invariance(
    before: Study, after: Study, rng: np.random.Generator, thresholds: Thresholds
) -> InvarianceResult | None:
    """Whether perception was understood alike in both waves; of very many answers a random part is taken."""
    parts = []
    for study in (before, after):
        rows = np.arange(study.n)
        if study.n > thresholds.sampled_rows:
            rows = np.sort(rng.choice(study.n, thresholds.sampled_rows, replace=False))
        parts.append(study.matrix.perception[rows])
    if not all(len(part) for part in parts):
        return None
    codes = np.repeat(np.arange(2, dtype=np.int64), [len(part) for part in parts])
    return invariance_of(np.vstack(parts), codes, ("before", "after"), before.matrix.layout, rng, thresholds)


def _plain(old: Frequencies, new: Frequencies, level: float) -> Change:
    """The change of two fresh samples; undefined where one of them is too small."""
    return fresh_change(_cell(old), _cell(new), level)


def _cell(scores: Frequencies) -> Cell:
    return Cell.of(scores) if scores.n > 1 else Cell(scores.n, 0.0, 0.0)


def _with_q(scores: dict[str, WaveChange]) -> dict[str, WaveChange]:
    """Adjusted p values, each level a family of its own."""
    found = {}
    for level in dict.fromkeys(name.partition(":")[0] for name in scores):
        family = {name: one for name, one in scores.items() if name.partition(":")[0] == level}
        for (name, one), q in zip(
            family.items(), benjamini_hochberg([one.change.p.value for one in family.values()]), strict=True
        ):
            n, method = one.change.p.n, "Benjamini-Hochberg"
            told = undefined(one.change.p.reason or "not_tested", n, method) if q is None else None
            found[name] = replace(one, q=told or Statistic(q, n=n, method=method))
    return found


def _mix(before: Study, after: Study, thresholds: Thresholds) -> tuple[tuple[str, ...], Raked | None]:
    """Weights that give the later wave the earlier one's mix of customers, and the traits they go by."""
    usable = []
    for name, one in before.traits.items():
        other = after.traits.get(name)
        if other is None or other.values != one.values or not min(before.n, after.n):
            continue
        if min(float((part.codes >= 0).mean()) for part in (one, other)) >= thresholds.mix_share:
            usable.append(name)
    if not usable:
        return (), None
    targets = []
    for name in usable:
        sizes = before.traits[name].sizes()
        targets.append({code: float(size / sizes.sum()) for code, size in enumerate(sizes) if size})
    return tuple(usable), rake([after.traits[name].codes for name in usable], targets, thresholds)


def _same_mix(
    before: Study, after: Study, mix: tuple[str, ...], raked: Raked | None, thresholds: Thresholds
) -> dict[str, Statistic]:
    """Change of the overall score and the stages as if the mix of customers had stayed."""
    if raked is None or not bool((raked.weights > 0).any()):
        return {}
    told = np.logical_and.reduce([before.traits[name].codes >= 0 for name in mix])
    old, new = scored(before.matrix, thresholds).main, scored(after.matrix, thresholds).main
    chosen = within(old, ("overall", "stage", "dimension"))
    return {name: _weighted_change(one, new[name], told, raked, thresholds.level) for name, one in chosen.items()}


def _weighted_change(old: Score, new: Score, told: NDArray[np.bool_], raked: Raked, level: float) -> Statistic:
    """Weighted mean of the later wave minus the mean of the earlier one, both standard errors together."""
    method = "change at the earlier wave's mix, raked"
    first = mean_statistic(old.frequencies(told), level)
    second = weighted_mean(new.values(), raked.weights, level)
    n = first.n + second.n
    if first.value is None or second.value is None:
        return undefined("no_respondents", n, method, level)
    flags = () if raked.converged else ("not_converged",)
    value = second.value - first.value
    if first.low is None or second.low is None:
        return Statistic(value, None, None, level, n, method, flags, "no_variance")
    parts = [
        ((one.value or 0.0) - (one.low or 0.0)) / t_quantile(one.n - 1, (1 + level) / 2) for one in (first, second)
    ]
    whole = parts[0] ** 2 + parts[1] ** 2
    df = whole**2 / (parts[0] ** 4 / (first.n - 1) + parts[1] ** 4 / (second.n - 1))
    reach = t_quantile(df, (1 + level) / 2) * math.sqrt(whole)
    return Statistic(value, value - reach, value + reach, level, n, method, flags)


def _proofs(
    before: Wave,
    after: Wave,
    treated: frozenset[str],
    floor: int | None,
    rng: np.random.Generator,
    thresholds: Thresholds,
) -> dict[str, CellProof]:
    """Every defect of the earlier wave that both waves may show."""
    now = {one.cell: one for one in after.report.defects}
    chosen = [
        one
        for one in before.report.defects
        if one.status in ("confirmed", "probable") and now[one.cell].status != "suppressed"
    ]
    branches = _by_branch(before, after, treated, floor, thresholds) if chosen else None
    baselines = _baselines(before, thresholds) if chosen else {}
    parts = {part.id: part for part in before.tally.plan.composites if part.level == "cell"}
    found = {}
    for one in chosen:
        new = after.tally.composite(after.contrast, parts[one.cell])
        comparison, guard, change = _judged_by(
            before, parts[one.cell], new, branches, baselines, treated, rng, thresholds
        )
        status = now[one.cell].status
        proof = judge_change(change, guard, new.n, status, thresholds, points=before.tally.layout.points)
        found[one.cell] = CellProof(one.status, status, comparison, proof)
    return found


def _judged_by(
    before: Wave,
    part: Composite,
    new: Frequencies,
    branches: Mapping[str, tuple[Tally, Tally]] | None,
    baselines: Mapping[str, tuple[float, float]],
    treated: frozenset[str],
    rng: np.random.Generator,
    thresholds: Thresholds,
) -> tuple[Comparison, Guard | None, Change]:
    """The best comparison that the answers allow, with what guards it."""
    if branches is not None:
        scores = {
            name: (old.composite(before.contrast, part), late.composite(before.contrast, part))
            for name, (old, late) in branches.items()
        }
        change = branch_did(scores, treated, rng, thresholds)
        return "difference_in_differences", "difference_in_differences", change
    if part.id in baselines:
        mean, se = baselines[part.id]
        return "shrunken", "shrunken", guarded_change(mean, se, _cell(new), thresholds.level)
    old = before.tally.composite(before.contrast, part)
    return "plain", None, _plain(old, new, thresholds.level)


def _baselines(before: Wave, thresholds: Thresholds) -> dict[str, tuple[float, float]]:
    """Mean and standard error of each cell, drawn towards the mean of all: what looks worst is partly chance."""
    scores = {
        name.partition(":")[2]: one for name, one in before.scores().items() if name.startswith("cell:") and one.n > 1
    }
    scores = {name: one for name, one in scores.items() if one.sd() > 0}
    if len(scores) < thresholds.baseline_cells:
        return {}
    means = np.array([one.mean() for one in scores.values()])
    variances = np.array([one.variance() / one.n for one in scores.values()])
    pooled = pool(means, variances)
    drawn = shrink(means, variances, pooled.tau2, pooled.mean, pooled.se)
    return {name: (float(drawn.means[at]), float(drawn.se_full[at])) for at, name in enumerate(scores)}


def _by_branch(
    before: Wave, after: Wave, treated: frozenset[str], floor: int | None, thresholds: Thresholds
) -> dict[str, tuple[Tally, Tally]] | None:
    """Tallies of each branch that both waves may show, if there are two with the action and two without."""
    old, new = before.study.unit, after.study.unit
    if old is None or new is None or not treated:
        return None
    shown = [name for name in old.shown(floor or 1) if name in new.shown(floor or 1)]
    if min(sum(name in treated for name in shown), sum(name not in treated for name in shown)) < 2:
        return None

    def tally(wave: Wave, grouping: Grouping, name: str) -> Tally:
        chosen = np.flatnonzero(grouping.codes == grouping.values.index(name))
        return summarise(wave.study.matrix.rows(chosen), thresholds)

    return {name: (tally(before, old, name), tally(after, new, name)) for name in shown}


WEEK = 7
"""Days of a period in which branches' courses are compared."""


def _before_action(
    before: Study, treated: frozenset[str], floor: int | None, thresholds: Thresholds
) -> PreTrend | None:
    """Whether the branches with the action already moved apart from the others, week by week of the earlier wave."""
    if before.unit is None or before.days is None or not treated or not before.n:
        return None
    shown = before.unit.shown(floor or 1)
    overall, week = scored(before.matrix, thresholds).main["overall"], (before.days - before.days.min()) // WEEK
    found: dict[str, dict[int, Frequencies]] = {}
    for name in shown:
        own = before.unit.codes == before.unit.values.index(name)
        found[name] = {int(at): overall.frequencies(own & (week == at)) for at in np.unique(week[own])}
    return pre_trend(found, treated, thresholds)


def _refused(proof: Proof) -> Proof:
    """The same without a verdict: the waves' answers do not mean the same."""
    return replace(proof, outcome="not_judged", why="not_comparable")


__all__ = ["CellProof", "Earlier", "Wave", "WaveChange", "Waves", "compare_waves"]
