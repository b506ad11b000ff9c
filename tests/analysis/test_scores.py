"""Scores of respondents, against the worked examples."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analysis.matrix import Layout, ScoreMatrix
from analysis.report import build_report
from analysis.scores import scores
from analysis.tally import summarise
from surveys.codes import NOT_APPLICABLE, NOT_ASKED


def coded(rows: list[list[int | None]], empty: int) -> Any:
    return np.array([[empty if one is None else one for one in row] for row in rows], np.uint8)


@pytest.fixture
def two_dimensions(reference: Any) -> tuple[ScoreMatrix, dict[str, Any]]:
    inputs, expected = reference.example("W01")
    layout = Layout(
        tuple(inputs["items"]), 7, ("REL", "EMP"), ("encounter", "transfer", "tracking"),
        tuple(("REL", "EMP").index(inputs["dimension"][item]) for item in inputs["items"]),
        tuple(("encounter", "transfer", "tracking").index(inputs["stage"][item]) for item in inputs["items"]),
        "expectation",
    )  # fmt: skip
    weights = np.array([[one["REL"], one["EMP"]] for one in inputs["weights"]], np.int16)
    perception = coded(inputs["perception"], NOT_APPLICABLE)
    return ScoreMatrix(layout, perception, coded(inputs["expectation"], 0), weights=weights), expected


@pytest.mark.reference
def test_respondent_scores_match_the_worked_example(two_dimensions: tuple[ScoreMatrix, dict[str, Any]]) -> None:
    matrix, expected = two_dimensions
    found = scores(matrix, screen=False)
    for i, person in enumerate(expected["respondents"]):
        for level in ("dimension", "stage"):
            for name, value in person[level].items():
                assert getattr(found, f"{level}s")[name][i] == pytest.approx(none_as_nan(value), nan_ok=True)
        for name in ("unweighted", "weighted"):
            assert getattr(found, name)[i] == pytest.approx(none_as_nan(person[name]), nan_ok=True)
        assert (found.weight_total[i], found.weight_rescaled[i]) == (person["weights_sum"], person["weights_rescaled"])
        assert found.servperf[i] == pytest.approx(none_as_nan(expected["servperf_respondent"][i]), nan_ok=True)


def none_as_nan(value: float | None) -> float:
    return float("nan") if value is None else value


@pytest.mark.reference
def test_report_means_match_the_worked_example(two_dimensions: tuple[ScoreMatrix, dict[str, Any]]) -> None:
    matrix, expected = two_dimensions
    gaps = build_report(summarise(matrix, screen=False), format="two_column", floor=None).gaps
    assert [one.gap.value for one in gaps.items.values()] == pytest.approx(expected["item_gap"])
    assert [one.gap.n for one in gaps.items.values()] == expected["item_n"]
    for level, name in (("dimensions", "dimension_mean_of_respondents"), ("stages", "stage_mean_of_respondents")):
        assert {k: v.gap.value for k, v in getattr(gaps, level).items()} == pytest.approx(expected[name])
    pooled = {name: one.pooled.value for name, one in gaps.dimensions.items()}
    assert pooled == pytest.approx(expected["dimension_pooled_items"])
    assert gaps.overall.gap.value == pytest.approx(expected["overall_unweighted"])
    assert gaps.overall_weighted.value == pytest.approx(expected["overall_weighted"], rel=1e-11)
    assert gaps.overall_items.perception.value == pytest.approx(expected["servperf_overall"])
    assert gaps.overall.gap.n == gaps.overall_weighted.n == expected["n_scored"]


def zone(reference: Any, repeat: int = 1) -> tuple[ScoreMatrix, dict[str, Any]]:
    inputs, expected = reference.example("W02")
    layout = Layout(("Q",), 9, ("all",), (), (0,), (), "desired", True)
    columns = [coded([[one] for one in inputs[name]] * repeat, 0) for name in ("perceived", "desired", "minimum")]
    return ScoreMatrix(layout, columns[0], columns[1], columns[2]), expected


@pytest.mark.reference
def test_zone_of_tolerance_matches_the_worked_example(reference: Any) -> None:
    matrix, expected = zone(reference)
    item = build_report(summarise(matrix, screen=False), format="three_column", floor=None).gaps.items["Q"]
    assert item.adequacy is not None and item.minimum is not None
    assert (item.gap.n, item.adequacy.n) == (expected["n"], expected["n"])
    assert item.gap.value == pytest.approx(expected["mean_mss"])
    assert item.adequacy.value == pytest.approx(expected["mean_msa"])
    assert item.adequacy.value - item.gap.value == pytest.approx(expected["zone_width"])
    tally = summarise(matrix, screen=False)
    differences = tally.item_differences("adequacy", 0)
    assert differences.sd() == pytest.approx(expected["sd_msa"])
    assert tally.item_differences("gap", 0).sd() == pytest.approx(expected["sd_mss"])
    assert differences.count(differences.values < 0) / differences.n == expected["share_below"]


@pytest.mark.reference
def test_inconsistent_zone_leaves_the_gaps_and_stays_in_exposure(reference: Any) -> None:
    matrix, expected = zone(reference)
    tally = summarise(matrix)
    assert tally.inconsistent == expected["n_inconsistent"]
    assert tally.item_differences("gap", 0).n == expected["n"] - 1
    assert tally.shortfall[0, 0] == matrix.n


def test_half_rule_counts_the_items_asked() -> None:
    layout = Layout(("a", "b", "c", "d"), 7, ("one",), (), (0, 0, 0, 0), (), "expectation")
    expectation = np.full((2, 4), 6, np.uint8)
    perception = np.array([[4, 0, NOT_ASKED, NOT_ASKED], [4, 0, 0, 0]], np.uint8)
    expectation[0, 2:] = NOT_ASKED
    found = scores(ScoreMatrix(layout, perception, expectation), screen=False)
    assert found.dimensions["one"] == pytest.approx([-2, np.nan], nan_ok=True)


def test_not_applicable_never_counts_as_blank() -> None:
    layout = Layout(tuple("abcde"), 7, ("one",), (), (0,) * 5, (), "expectation")
    expectation = np.full((3, 5), 6, np.uint8)
    perception = np.full((3, 5), 5, np.uint8)
    perception[0, :2], perception[1, :2], perception[2, :3] = NOT_APPLICABLE, 0, 0
    matrix = ScoreMatrix(layout, perception, expectation)
    assert scores(matrix).in_composites.tolist() == [True, True, False]  # 2 of 10 is not more than 20 %
    assert summarise(matrix).n_composites == 2
    assert summarise(matrix).item_differences("gap", 3).n == 3


def test_weights_of_zero_leave_only_the_weighted_score(customers: Any) -> None:
    matrix = customers(50, missing=0)
    tally = summarise(replace(matrix, weights=np.full((50, 5), -1, np.int16)))
    assert (tally.weights_unusable, tally.weighted["gap"].n, tally.overall_scores("gap").n) == (50, 0, 50)
