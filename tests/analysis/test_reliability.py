"""Reliability, against a worked example and R's psych."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analysis.matrix import Layout, ScoreMatrix
from analysis.reliability import alpha_from_moments, cronbach_alpha, feldt_interval, reliability
from analysis.tally import summarise


@pytest.mark.reference
def test_alpha_and_its_parts_match_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W03")
    scores = np.array(inputs["X"], float)
    alpha, parts = cronbach_alpha(scores), alpha_from_moments(np.cov(scores, rowvar=False))
    assert alpha.value == parts.alpha == pytest.approx(expected["alpha"], rel=1e-9)
    assert (alpha.low, alpha.high) == pytest.approx(tuple(expected["ci_feldt"]), rel=1e-9)
    assert (parts.standardised, parts.mean_r) == pytest.approx((expected["alpha_std"], expected["average_r"]), rel=1e-9)
    assert parts.item_rest == pytest.approx(expected["item_rest_r"], rel=1e-9)
    assert parts.if_dropped == pytest.approx(expected["alpha_if_dropped"], rel=1e-9)


@pytest.mark.reference
def test_a_negative_alpha_is_shown_and_flagged(reference: Any) -> None:
    edge = reference.example("W03")[1]["edge"]
    found = cronbach_alpha(np.array(edge["negative_alpha_input"], float))
    assert (found.value, found.flags) == (pytest.approx(edge["negative_alpha"], rel=1e-9), ("negative_alpha",))


@pytest.mark.reference
def test_a_constant_item_is_named_and_alpha_given_both_ways(reference: Any) -> None:
    inputs, expected = reference.example("W03")
    ratings = np.column_stack([inputs["X"], np.full(8, 4)]).astype(np.uint8)
    layout = Layout(("a", "b", "c", "d", "same"), 7, ("D",), (), (0,) * 5, (), None)
    scale = reliability(summarise(ScoreMatrix(layout, ratings)))["perception"].dimensions["D"]
    assert scale.alpha.value == pytest.approx(expected["edge"]["alpha_with_constant_item"], rel=1e-9)
    assert scale.alpha_without_constant is not None
    assert scale.alpha_without_constant.value == pytest.approx(expected["alpha"], rel=1e-9)
    assert "constant_item:same" in scale.alpha.flags
    assert scale.alpha_standardised.value == pytest.approx(expected["alpha_std"], rel=1e-9)
    assert scale.items["same"].item_rest.reason == "no_variance"
    assert "rises_if_dropped" in scale.items["same"].alpha_if_dropped.flags


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        (np.zeros((0, 3)), "no_complete_cases"),
        (np.ones((1, 3)), "one_respondent"),
        (np.ones((5, 3)), "no_variance"),
        (np.ones((5, 1)), "one_item"),
        (np.full((5, 3), np.nan), "no_complete_cases"),
    ],
)
def test_alpha_without_its_needs_gives_the_reason(scores: Any, reason: str) -> None:
    found = cronbach_alpha(scores)
    assert (found.value, found.low, found.reason) == (None, None, reason)


@pytest.mark.reference
@pytest.mark.parametrize("column", ["expectation", "perception", "gap"])
def test_kiosk_reliability_matches_psych(reference: Any, column: str) -> None:
    kiosk = reference.r["kiosk"]
    wanted = kiosk["gap_reliability"] if column == "gap" else kiosk[column]["reliability"]
    found = reliability(reference.kiosk_tally)[column]
    for name, one in {"total": found.total, **found.dimensions}.items():
        row = wanted[name]
        assert one.alpha.value == one.alpha_listwise.value == pytest.approx(row["raw_alpha"], rel=1e-9)
        assert (one.alpha.low, one.alpha.high) == pytest.approx(tuple(row["ci_feldt"]), rel=1e-9)
        assert one.alpha_standardised.value == pytest.approx(row["std_alpha"], rel=1e-9)
        assert one.mean_r.value == pytest.approx(row["average_r"], rel=1e-9)
        items = list(one.items.values())
        assert [item.item_rest.value for item in items] == pytest.approx(row["item_stats"]["r_drop"], rel=1e-9)
        assert [item.mean.value for item in items] == pytest.approx(row["item_stats"]["mean"], rel=1e-9)
        assert [item.sd.value for item in items] == pytest.approx(row["item_stats"]["sd"], rel=1e-9)
        dropped = [item.alpha_if_dropped.value for item in items]
        assert dropped == pytest.approx(row["alpha_drop"]["raw_alpha"], rel=1e-9)


@pytest.mark.reference
def test_kiosk_covariances_match_r(reference: Any) -> None:
    for column in ("expectation", "perception"):
        wanted = np.array(reference.r["kiosk"][column]["cov"]["values"])
        assert reference.kiosk_tally.pairwise[column].covariance() == pytest.approx(wanted, rel=1e-9, abs=1e-12)


def test_missing_answers_use_pairwise_covariances(customers: Any) -> None:
    matrix = customers(80, missing=0.2)
    found = reliability(summarise(matrix))["perception"]
    ratings = np.where((matrix.perception >= 1) & (matrix.perception <= 7), matrix.perception, np.nan)[:, :4]
    pairs = np.full((4, 4), np.nan)
    for i in range(4):
        for j in range(4):
            both = ~np.isnan(ratings[:, [i, j]]).any(axis=1)
            pairs[i, j] = np.cov(ratings[both, i], ratings[both, j])[0, 1]
    tally = summarise(matrix)
    assert tally.pairwise["perception"].covariance()[:4, :4] == pytest.approx(pairs, rel=1e-12)
    assert "pairwise" in found.total.alpha.flags
    assert found.total.alpha_listwise.n < found.total.alpha.n < 80


def test_an_item_nobody_answered_is_named_and_left_out(customers: Any) -> None:
    matrix = customers(60, missing=0)
    perception = matrix.perception.copy()
    perception[:, 0] = 0
    scale = reliability(summarise(replace(matrix, perception=perception)))["perception"].total
    assert "unanswered_item:Q01" in scale.alpha.flags
    assert scale.alpha.value is not None and scale.items["Q01"].mean.reason == "no_respondents"


def test_redundant_and_weak_items_are_flagged() -> None:
    rng = np.random.default_rng(1)
    same = rng.integers(1, 8, 200)
    layout = Layout(("a", "b", "c"), 7, ("D",), (), (0, 0, 0), (), None)

    def flags(third: Any) -> Any:
        ratings = np.column_stack([same, same, third]).astype(np.uint8)
        return reliability(summarise(ScoreMatrix(layout, ratings)))["perception"].dimensions["D"]

    assert "redundant" in flags(same).alpha.flags
    assert "low_item_rest" in flags(rng.integers(1, 8, 200)).items["c"].item_rest.flags
    assert "negative_alpha" not in flags(same).alpha.flags


def test_feldt_interval_holds_alpha_and_narrows_with_n() -> None:
    few, many = feldt_interval(0.8, 30, 5), feldt_interval(0.8, 3000, 5)
    assert few[0] < many[0] < 0.8 < many[1] < few[1]


def test_pairwise_moments_that_do_not_fit_together_have_no_interval() -> None:
    # Those who rated both rated at the ends, those who rated one in the middle: the covariance exceeds the variances.
    both, first, second = np.tile([[1, 1], [7, 7]], (10, 1)), np.tile([[4, 255]], (40, 1)), np.tile([[255, 4]], (40, 1))
    layout = Layout(("a", "b"), 7, ("D",), (), (0, 0), (), None)
    matrix = ScoreMatrix(layout, np.vstack([both, first, second]).astype(np.uint8))
    scale = reliability(summarise(matrix))["perception"].total
    assert scale.alpha.value > 1 and (scale.alpha.low, scale.alpha.high) == (None, None)
    assert "not_positive_definite" in scale.alpha.flags
    assert scale.alpha_listwise.value == pytest.approx(1) and "not_positive_definite" not in scale.alpha_listwise.flags
