"""Regression from moments and the sharing out of R squared."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest

from analysis.drivers import Regression, lmg, regression, relative_weights, satisfaction
from analysis.tally import summarise


@pytest.mark.reference
def test_drivers_match_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W11")
    data = np.column_stack([inputs["X"], inputs["y"]]).astype(float)
    found = regression(np.cov(data, rowvar=False), len(data))
    assert isinstance(found, Regression) and found.method == "LMG"
    assert found.beta == pytest.approx(expected["beta"][1:], rel=1e-9)
    assert found.se == pytest.approx(expected["se_ols"][1:], rel=1e-9)
    assert found.r2 == pytest.approx(expected["r2"], rel=1e-9)
    assert found.shares == pytest.approx(expected["lmg"], rel=1e-9)
    assert 100 * found.shares / found.r2 == pytest.approx(expected["lmg_pct"], rel=1e-9)
    weights = relative_weights(np.corrcoef(data, rowvar=False))
    assert weights == pytest.approx(expected["relative_weight_raw"], rel=1e-9)


def test_shares_sum_to_r_squared_and_agree_within_two_points(customers: Any) -> None:
    found = satisfaction(summarise(customers(400)))
    assert isinstance(found, Regression)
    assert found.shares.sum() == pytest.approx(found.r2, rel=1e-10)
    moments = summarise(customers(400)).outcome
    assert moments is not None
    sds = np.sqrt(np.diag(moments.covariance()))
    weights = relative_weights(moments.covariance() / np.outer(sds, sds))
    assert weights.sum() == pytest.approx(found.r2, rel=1e-10)
    assert np.abs(weights - found.shares).max() / found.r2 < 0.02


def test_lmg_equals_the_mean_over_all_orders_of_entry() -> None:
    rng = np.random.default_rng(4)
    data = rng.normal(size=(50, 4)) @ rng.normal(size=(4, 4))
    r = np.corrcoef(data, rowvar=False)

    def r2(chosen: tuple[int, ...]) -> float:
        part = list(chosen)
        return float(r[3, part] @ np.linalg.solve(r[np.ix_(part, part)], r[part, 3])) if part else 0.0

    def gain(order: tuple[int, ...], j: int) -> float:
        return r2(order[: order.index(j) + 1]) - r2(order[: order.index(j)])

    gains = [[gain(order, j) for j in range(3)] for order in permutations(range(3))]
    assert lmg(r) == pytest.approx(np.mean(gains, axis=0), abs=1e-12)


def test_repeated_or_constant_predictors_and_few_rows_give_the_reason() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(30, 2)), rng.normal(size=30)
    assert regression(np.cov(np.column_stack([x, x[:, 0], y]), rowvar=False), 30) == "singular"
    assert regression(np.cov(np.column_stack([x, np.ones(30), y]), rowvar=False), 30) == "no_variance"
    assert regression(np.cov(np.column_stack([x, y]), rowvar=False), 3) == "no_complete_cases"


def test_more_than_ten_predictors_take_relative_weights() -> None:
    data = np.random.default_rng(6).normal(size=(100, 12))
    found = regression(np.cov(data, rowvar=False), 100)
    assert isinstance(found, Regression) and found.method == "relative weights"
    assert found.shares.sum() == pytest.approx(found.r2)
