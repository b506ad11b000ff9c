"""Two waves: naive second computations of the changes, the baselines and the weights; privacy; degenerate waves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from analysis.repeated import repeated
from analysis.study import Grouping, Study, scored
from analysis.thresholds import DEFAULT
from analysis.waves import Wave, Waves, compare_waves
from tests.agreement import agree
from tests.analysis.soundness import numbers, sound
from tests.analysis.test_research import campaign

NAIVE = "naive second program"


def compared(before: Study, after: Study, floor: int | None = None, treated: frozenset[str] = frozenset()) -> Waves:
    both = (Wave.of(one, DEFAULT, floor) for one in (before, after))
    return compare_waves(*both, np.random.default_rng(1), floor=floor, treated=treated)


@pytest.fixture(scope="module")
def two() -> tuple[Study, Study]:
    return campaign(260, seed=3), campaign(240, seed=4)


def cell_gaps(study: Study, cell: str) -> np.ndarray:
    """Every respondent's gap in a cell, by the half rule, with the screen for blanks, from the raw bytes."""
    matrix = study.matrix
    assert matrix.reference is not None
    asked = np.hstack([matrix.reference, matrix.perception])
    kept = (asked == 0).sum(axis=1) <= DEFAULT.blank_share * ((asked != 254) & (asked != 255) & (asked != 253)).sum(
        axis=1
    )
    items = matrix.layout.cell_items[cell]
    found = []
    for row in np.flatnonzero(kept):
        gaps = [
            float(matrix.perception[row, j]) - float(matrix.reference[row, j])
            for j in items
            if 1 <= matrix.perception[row, j] <= 7 and 1 <= matrix.reference[row, j] <= 7
        ]
        if 2 * len(gaps) >= len(items):
            found.append(float(np.mean(gaps)))
    return np.array(found)


def test_changes_are_welch_tests(two: tuple[Study, Study]) -> None:
    before, after = two
    found = compared(before, after).scores["cell:tracking.reliability"].change
    old, new = (cell_gaps(one, "tracking.reliability") for one in two)
    plain = stats.ttest_ind(new, old, equal_var=False)
    low, high = plain.confidence_interval(0.95)
    agree("change of a cell between waves", "simulated waves", new.mean() - old.mean(), found.estimate.value, by=NAIVE)
    agree("change of a cell, t", "simulated waves", plain.statistic, found.t.value, by="scipy 1.16")
    agree("change of a cell, lower limit", "simulated waves", low, found.estimate.low, by="scipy 1.16")
    agree("change of a cell, upper limit", "simulated waves", high, found.estimate.high, by="scipy 1.16")


def shrunken(means: np.ndarray, variances: np.ndarray, chosen: int) -> tuple[float, float]:
    """Paule-Mandel by bracketing and Morris's error, written out once more."""

    def surplus(tau2: float) -> float:
        w = 1 / (variances + tau2)
        return float((w * (means - (w * means).sum() / w.sum()) ** 2).sum() - (len(means) - 1))

    tau2 = optimize.brentq(surplus, 0, 100) if surplus(0) > 0 else 0.0
    w = 1 / (variances + tau2)
    mu, se2 = (w * means).sum() / w.sum(), 1 / w.sum()
    pull = tau2 / (tau2 + variances[chosen])
    away = (1 - pull) ** 2
    error = pull * variances[chosen] + away * se2 + 2 / (len(means) - 3) * away * (means[chosen] - mu) ** 2
    return mu + pull * (means[chosen] - mu), float(np.sqrt(error))


def test_a_defect_is_judged_from_a_baseline_drawn_to_the_mean_of_the_cells(two: tuple[Study, Study]) -> None:
    before, after = two
    found = compared(before, after)
    cell = "tracking.responsiveness"
    gaps = {name: cell_gaps(before, name) for name in before.matrix.layout.cells}
    means = np.array([one.mean() for one in gaps.values()])
    variances = np.array([one.var(ddof=1) / len(one) for one in gaps.values()])
    baseline, _error = shrunken(means, variances, list(gaps).index(cell))
    one = found.cells[cell]
    assert one.comparison == "shrunken" == one.proof.guard
    expected = cell_gaps(after, cell).mean() - baseline
    agree("change from the shrunken baseline", "simulated waves", expected, one.proof.change.estimate.value, by=NAIVE,
          rel=1e-7)  # fmt: skip
    assert set(found.cells) == {
        defect.cell
        for defect in Wave.of(before, DEFAULT, None).report.defects
        if defect.status in ("confirmed", "probable")
    }


def test_the_mix_is_brought_to_the_earlier_wave(two: tuple[Study, Study]) -> None:
    before, after = two
    tier = before.traits["tier"]
    only = [replace(one, traits={"tier": one.traits["tier"]}) for one in two]
    found = compared(*only).scores["overall"].same_mix
    shares = tier.sizes() / tier.sizes().sum()
    values, codes = scored(after.matrix).gap["overall"].values(), after.traits["tier"].codes
    weights = np.array([shares[code] / np.mean(codes == code) if code >= 0 else 0.0 for code in codes])
    here = ~np.isnan(values) & (weights > 0)
    expected = (weights[here] * values[here]).sum() / weights[here].sum()
    told = scored(before.matrix).gap["overall"].values()[tier.codes >= 0]
    agree("change at the same mix, one margin", "simulated waves", expected - np.nanmean(told), found.value, by=NAIVE,
          rel=1e-7)  # fmt: skip


def test_branches_with_the_action_are_clusters(two: tuple[Study, Study]) -> None:
    before, after = two
    assert before.unit is not None
    names = before.unit.values
    found = compared(before, after, treated=frozenset(names[:3]))
    one = found.cells["tracking.responsiveness"]
    assert one.comparison == "difference_in_differences" and found.treated == tuple(sorted(names[:3]))
    sums = {}
    for wave, study in enumerate((before, after)):
        rows = [study.matrix.rows(study.unit.codes == study.unit.values.index(name)) for name in names]
        for name, part in zip(names, rows, strict=True):
            sums[name, wave] = cell_gaps(replace(study, matrix=part), "tracking.responsiveness")
    means = {
        (side, wave): np.concatenate([sums[name, wave] for name in names if (name in names[:3]) is side]).mean()
        for side in (True, False)
        for wave in (0, 1)
    }
    expected = (means[True, 1] - means[True, 0]) - (means[False, 1] - means[False, 0])
    agree("difference in differences of a cell", "simulated waves", expected, one.proof.change.estimate.value, by=NAIVE)


def test_one_branch_on_a_side_is_no_comparison(two: tuple[Study, Study]) -> None:
    before, after = two
    found = compared(before, after, treated=frozenset(before.unit.values[:1]))
    assert {one.comparison for one in found.cells.values()} == {"shrunken"}


def test_waves_that_mean_different_things_are_not_judged() -> None:
    before, after = campaign(460, seed=5), campaign(460, seed=6)
    matrix = after.matrix
    moved = matrix.perception.copy()  # every second item of the later wave was asked more kindly
    moved[:, ::2] = np.where((moved[:, ::2] >= 1) & (moved[:, ::2] <= 5), moved[:, ::2] + 2, moved[:, ::2])
    found = compared(before, replace(after, matrix=replace(matrix, perception=moved)))
    assert found.invariance is not None and found.invariance.consequence == "not_comparable"
    assert {(one.proof.outcome, one.proof.why) for one in found.cells.values()} == {("not_judged", "not_comparable")}


def test_nothing_of_few_people_shows(two: tuple[Study, Study]) -> None:
    before, after = two
    few = after.part(np.arange(6))
    found = compared(before, few, floor=10)
    assert found.scores == {} and found.cells == {}


def test_other_items_cannot_be_compared(two: tuple[Study, Study]) -> None:
    before, _after = two
    other = campaign(40, "perception_only")
    with pytest.raises(ValueError, match="the same items on the same scale"):
        compared(before, other)


@pytest.mark.parametrize("format", ["two_column", "three_column", "perception_only"])
@pytest.mark.parametrize("n", [(0, 0), (0, 40), (1, 1), (2, 40), (40, 2)])
def test_tiny_waves_give_reasons(format: str, n: tuple[int, int]) -> None:
    before, after = (campaign(size, format, seed) for seed, size in enumerate(n))
    found = compared(before, after)
    assert [one for one in numbers(found) if not sound(one)] == []


@settings(max_examples=8)
@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 1000))
def test_any_two_waves_compare_without_an_exception(first: int, second: int, seed: int) -> None:
    before, after = campaign(first, seed=seed), campaign(second, seed=seed + 1)
    found = compared(before, after, floor=10, treated=frozenset({"B01", "B02"}))
    assert [one for one in numbers(found) if not sound(one)] == []


def test_the_same_people_agree_wholly_with_themselves(two: tuple[Study, Study]) -> None:
    before, _after = two
    rows = np.arange(50)
    found = repeated(before, before, (rows, rows))
    assert found is not None and found.n == 50
    assert found.perception["overall"].agreement.value == pytest.approx(1.0)
    assert repeated(before, before, (rows[:5], rows[:5]), floor=10) is None


def test_a_grouping_without_the_trait_in_both_waves_is_left_out(two: tuple[Study, Study]) -> None:
    before, after = two
    unknown = Grouping(before.traits["tier"].values, np.full(after.n, -1, np.int32))
    found = compared(replace(before, traits={"tier": before.traits["tier"]}), replace(after, traits={"tier": unknown}))
    assert found.mix == () and found.scores["overall"].same_mix.value is None
