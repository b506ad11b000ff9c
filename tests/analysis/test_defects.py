"""The defect rule and the list of defects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from analysis.defects import CellSummary, answers_needed, judge, judge_items, order_of, sample_size
from analysis.importance import importance, spread
from analysis.priority import effective_pairs
from analysis.report import build_report
from analysis.tally import summarise
from analysis.thresholds import DEFAULT


@pytest.mark.reference
def test_two_column_rule_matches_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W20")
    found = judge([CellSummary(**cell) for cell in inputs["cells"]], 7)
    for name, wanted in expected["cells"].items():
        one, bound = found[name], wanted.pop("priority_lcb90", None)
        assert one.priority_bound == (bound and pytest.approx(bound, rel=1e-9))
        for part, value in wanted.items():
            assert getattr(one, part) == (value if isinstance(value, str) else pytest.approx(value, rel=1e-9)), part
    listed = [name for name in order_of(found) if found[name].status != "suppressed"]
    assert listed == expected["ranking"]


@pytest.mark.reference
def test_three_column_rule_matches_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W20")
    cells = [CellSummary(gap=cell.pop("msa"), **cell) for cell in inputs["three_column"]["cells"]]
    found = judge(cells, 9, three_column=True)
    for name, wanted in expected["three_column"]["cells"].items():
        for part, value in wanted.items():
            assert getattr(found[name], part) == (value if isinstance(value, str) else pytest.approx(value, rel=1e-9))


def test_delta_is_scaled_and_zero_for_the_minimum() -> None:
    assert (DEFAULT.delta(7), DEFAULT.delta(9), DEFAULT.delta(5)) == pytest.approx((0.5, 2 / 3, 1 / 3))
    cell = CellSummary("c", 200, gap=-0.2, sd=1.0, desired_gap=-2.0, desired_sd=1.0)
    assert judge([cell], 9)["c"].status == "no_defect_shown"
    assert judge([cell], 9, three_column=True)["c"].status == "confirmed"


def test_above_the_minimum_and_far_below_the_desired_is_tolerated() -> None:
    cell = CellSummary("c", 100, gap=0.4, sd=1.0, desired_gap=-1.5, desired_sd=1.0)
    assert judge([cell], 9, three_column=True)["c"].status == "tolerated_shortfall"
    near = replace(cell, desired_gap=-0.5)
    assert judge([near], 9, three_column=True)["c"].status == "no_defect_shown"


def test_without_spread_the_sign_test_decides() -> None:
    found = judge([CellSummary("low", 30, gap=-2.0), CellSummary("level", 30, gap=0.0)], 7)
    assert (found["low"].t, found["low"].p_minimum_effect) == (None, 0.5**30)
    assert (found["low"].status, found["level"].status) == ("confirmed", "no_defect_shown")


def test_few_respondents_are_never_confirmed_nor_shown() -> None:
    cells = [CellSummary("few", 9, -3.0, 0.5), CellSummary("some", 29, -3.0, 0.5), CellSummary("many", 30, -3.0, 0.5)]
    found = judge(cells, 7)
    assert [found[name].status for name in ("few", "some", "many")] == ["suppressed", "probable", "confirmed"]


def test_inconclusive_says_how_many_answers_would_tell() -> None:
    found = judge([CellSummary("c", 20, gap=-0.7, sd=1.5), CellSummary("edge", 20, gap=-0.51, sd=1.5)], 7)
    assert found["c"].status == "inconclusive"
    needed = found["c"].n_needed
    power = [stats.nct.cdf(stats.t.ppf(0.025, n - 1), n - 1, -0.2 / 1.5 * n**0.5) for n in (needed - 1, needed)]
    assert power[0] < 0.8 <= power[1]  # two cells tested, so at .05/2
    assert found["edge"].n_needed is None


@pytest.mark.parametrize(("gap", "one", "fifteen"), [(-1.0, 44, 90), (-0.8, 118, 241), (-1.2, 23, 48)])
def test_planned_sample_has_the_power_of_the_t_test(gap: float, one: int, fifteen: int) -> None:
    cell, unfloored = CellSummary("c", 5, gap=gap, sd=1.3), replace(DEFAULT, confirm_floor=1)
    assert answers_needed(cell, 0.5, unfloored) == one
    assert answers_needed(cell, 0.5, unfloored, tested=15) == fifteen


def test_no_plan_ends_below_the_floor_of_confirmation() -> None:
    large = CellSummary("large", 12, gap=-2.2, sd=2.4)
    assert [answers_needed(large, 0.5, DEFAULT, tested) for tested in (1, 15)] == [DEFAULT.confirm_floor] * 2
    wider = replace(large, sd=3.0)
    assert answers_needed(wider, 0.5, DEFAULT, tested=15) == sample_size(1.7 / 3.0, 0.05 / 15, 0.8) > 30


def test_above_the_limit_the_plan_is_that_of_no_defect() -> None:
    above = CellSummary("above", 20, gap=-0.2, sd=1.3)
    wanted = sample_size(0.3 / 1.3, 0.05, 0.8)
    assert answers_needed(above, 0.5, DEFAULT, tested=15) == answers_needed(above, 0.5, DEFAULT) == wanted


def test_no_defect_is_shown_at_the_level_of_its_threshold() -> None:
    cell = CellSummary("c", 40, gap=-0.2, sd=1.0)
    assert judge([cell], 7)["c"].status == "no_defect_shown"
    strict = judge([cell], 7, replace(DEFAULT, noninferiority_level=0.99))["c"]
    assert strict.status == "inconclusive" and strict.lower90 < judge([cell], 7)["c"].lower90


def test_items_are_judged_at_the_share_of_confirmed_cells() -> None:
    item = CellSummary("i", 100, gap=-0.75, sd=1.0)  # p of the minimum effect about .007
    assert judge_items([item], 7, confirmed=10, tested=10) == {"i": "confirmed"}
    assert judge_items([item], 7, confirmed=1, tested=15)["i"] != "confirmed"


def test_a_planted_defect_leads_the_list(customers: Any) -> None:
    matrix = customers(300, missing=0.05)
    perception = matrix.perception.copy()
    places = list(matrix.layout.cell_items["enc.emp"])
    lower = np.maximum(perception[:, places], 3) - 2
    perception[:, places] = np.where(perception[:, places] <= 7, lower, perception[:, places])
    report = build_report(summarise(replace(matrix, perception=perception)), format="two_column", floor=10)
    first = report.defects[0]
    assert (first.cell, first.stage, first.dimension, first.status) == ("enc.emp", "enc", "emp", "confirmed")
    assert first.severity in ("major", "critical")
    assert set(first.item_status.values()) == {"confirmed"}
    assert (first.rank.value, first.rank.low) == (1, 1)
    assert set(first.sensitivity) == {"0.25", "0.5", "0.75", "1.0"}
    assert first.sensitivity["0.5"] == first.status
    assert first.silent_share.n > 0 and first.if_halved.value is not None


def test_the_list_is_the_same_each_time(customers: Any) -> None:
    tally = summarise(customers(120))
    first, second = (build_report(tally, format="two_column", floor=None).defects for _ in range(2))
    assert first == second


def all_alike(customers: Any, drop: Any) -> Any:
    """The defects of customers who answer every item as they answer the others, short by `drop` in each."""
    matrix = replace(customers(60, missing=0), weights=None, stage_weights=None, outcome=None)
    matrix.reference[:] = 6
    matrix.perception[:] = (6 - drop)[:, None]
    return build_report(summarise(matrix), format="two_column", floor=10).defects


def test_ties_are_ranked_in_the_draws_as_in_the_list(customers: Any) -> None:
    found = sorted(all_alike(customers, np.arange(60) % 4), key=lambda one: one.cell)
    assert [one.rank.value for one in found] == list(range(1, 16))
    assert all(one.rank.low == one.rank.value == one.rank.high for one in found)
    assert [one.p_top3.value for one in found] == [1] * 3 + [0] * 12


def test_nothing_is_ranked_where_nobody_falls_short(customers: Any) -> None:
    for one in all_alike(customers, np.zeros(60, int)):
        assert (one.rank.value, one.rank.reason) == (one.p_top3.value, one.p_top3.reason) == (None, "no_variance")


def test_ranks_and_shares_make_sense(customers: Any) -> None:
    defects = build_report(summarise(customers(200)), format="two_column", floor=None).defects
    assert sorted(one.rank.value for one in defects) == list(range(1, 16))
    assert all(one.rank.low <= one.rank.value <= one.rank.high for one in defects)
    assert sum(one.p_top3.value for one in defects) == pytest.approx(3)
    for one in defects:
        assert one.expected_loss.value == pytest.approx(
            one.exposure.value * one.occurrence.value * one.severity_if_short.value, rel=1e-9
        )
        assert one.priority.low <= one.priority.value
        assert one.priority.value == pytest.approx(100 * one.importance.value * one.expected_loss.value / 6)
    assert sum(one.importance.value for one in defects) == pytest.approx(1)


@pytest.mark.reference
def test_defective_pairs_are_two_points_below(reference: Any) -> None:
    tally = reference.kiosk_tally
    report = build_report(tally, format="two_column", floor=None)
    short = (reference.kiosk.reference.astype(int) - reference.kiosk.perception >= 2)[:, :3].sum()
    one = next(one for one in report.defects if one.cell == "USE")
    assert one.defects_per_million.value == pytest.approx(1e6 * short / (3 * 207))
    assert one.stage is None and one.silent_share.reason == "not_asked"


def test_pairs_that_always_agree_count_as_one_customer() -> None:
    assert effective_pairs(10, 10, 4, 10, 4, 4) == pytest.approx(10)  # one pair each
    assert effective_pairs(10, 20, 8, 40, 16, 16) == pytest.approx(20 * 9 / 19)  # both alike: nearly one each
    assert effective_pairs(10, 20, 0, 40, 0, 0) == 10  # nothing tells how far they agree


def test_rate_of_defective_pairs_allows_for_clusters(customers: Any) -> None:
    matrix = customers(200, missing=0.1)
    items = list(matrix.layout.cell_items["enc.tan"])
    p, e = matrix.perception[:, items].astype(int), matrix.reference[:, items].astype(int)
    pair = (p > 0) & (p < 8) & (e > 0) & (e < 8)
    a, b = pair.sum(axis=1), (pair & (e - p >= 2)).sum(axis=1)
    kept, rate = a > 0, b.sum() / a.sum()
    variance = kept.sum() / (kept.sum() - 1) * ((b - rate * a) ** 2).sum() / a.sum() ** 2
    worth = min(a.sum(), rate * (1 - rate) * a.sum() / (a.sum() - 1) / variance)
    report = build_report(summarise(matrix), format="two_column", floor=None)
    found = next(one for one in report.defects if one.cell == "enc.tan").defects_per_million
    assert (found.value, found.n) == (pytest.approx(1e6 * rate), a.sum())
    assert kept.sum() < worth < a.sum()
    low, high = proportion_confint(rate * worth, worth, method="wilson")
    assert (found.low, found.high) == pytest.approx((1e6 * low, 1e6 * high))


def test_perception_alone_ranks_the_lowest_first(customers: Any) -> None:
    report = build_report(summarise(customers(60, format="perception_only")), format="perception_only", floor=10)
    means = [report.gaps.cells[one.cell].perception.value for one in report.defects]
    assert means == sorted(means)
    assert {one.status for one in report.defects} == {"ranked_by_perception"}
    assert {one.gap.reason for one in report.defects} == {"no_expectation"}
    assert [one.rank.value for one in report.defects] == list(range(1, 16))


def test_importance_is_points_of_dimension_times_points_of_stage(customers: Any) -> None:
    tally = summarise(customers(100))
    found = importance(tally)
    assert found.note == "stated_only" and found.derived is None  # fewer than 150 with satisfaction
    weights = {name: one.value for name, one in found.dimension_weights.items()}
    stages = {name: one.value for name, one in found.stage_weights.items()}
    assert sum(weights.values()) == pytest.approx(100) == sum(stages.values())
    assert found.blended["enc.tan"] == pytest.approx(weights["tan"] * stages["enc"] / 1e4)
    assert importance(summarise(customers(600))).note == "stated_and_derived"


def test_without_stage_points_a_dimension_is_spread_by_its_items(customers: Any) -> None:
    layout = customers(5).layout
    found = spread(layout, dict.fromkeys(layout.dimensions, 20.0), {})
    assert found is not None and found["enc.tan"] == pytest.approx(0.2 * 2 / 4)
    assert importance(summarise(customers(20).rows(slice(0, 0)))).note == "equal"


@pytest.mark.reference
def test_rated_importance_serves_as_stated(reference: Any) -> None:
    found = importance(reference.kiosk_tally)
    wanted = reference.r["kiosk"]["servqual_weighted"]["weights"]
    assert found.note == "stated_only"
    assert found.stated == pytest.approx(wanted, rel=1e-9)
