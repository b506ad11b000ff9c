"""The anchor check of delta, against R, and what it does with thin data."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from analysis.anchor import Anchor, anchor
from analysis.report import plain
from analysis.schema import schema_of
from analysis.thresholds import DEFAULT
from tests.agreement import agree
from tests.analysis.soundness import numbers, sound

FOLDER = Path(__file__).parents[1] / "references"
R: dict[str, Any] = json.loads((FOLDER / "anchor_expected.json").read_text())
WHERE = "simulated answers, n 392"


def data() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    with (FOLDER / "anchor.csv").open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    gaps = np.array([math.nan if row[0] == "NA" else float(row[0]) for row in rows])
    return gaps, np.array([int(row[1]) for row in rows])


def triple(one: Any) -> list[float]:
    return [one.value, one.low, one.high]


def test_the_steps_and_their_intervals_are_r_s() -> None:
    found = anchor(*data(), 7)
    assert (found.n, found.delta, found.reason) == (R["n"], 0.5, None)
    assert [(one.lower, one.upper) for one in found.steps] == [(2, 3), (3, 4), (4, 5), (5, 6), (6, 7)]
    ours = [one.value for one in found.means.values()]
    agree("mean gap by satisfaction", WHERE, list(R["means"].values()), ours, by="R 4.2.2")
    steps = [triple(one.difference) for one in found.steps]
    agree("gap a step of satisfaction, Welch", WHERE, R["steps"], steps, by="R 4.2.2")


def test_the_pooled_step_is_the_slope_through_the_means() -> None:
    gaps, satisfaction = data()
    agree("gap a step, pooled", WHERE, R["pooled"], triple(anchor(gaps, satisfaction, 7).pooled), by="metafor 3.8-1")
    without = anchor(gaps, np.where(satisfaction == 4, 0, satisfaction), 7, replace(DEFAULT, anchor_n=200))
    assert [(one.lower, one.upper) for one in without.steps] == [(2, 3), (5, 6), (6, 7)]
    by = "metafor 3.8-1"
    agree("gap a step, pooled, one category away", WHERE, R["broken"], triple(without.pooled), by=by)


def test_the_pooled_step_is_that_of_a_naive_minimum() -> None:
    gaps, satisfaction = data()
    means, variances = [], []
    for one in range(2, 8):
        part = [g for g, s in zip(gaps.tolist(), satisfaction.tolist(), strict=True) if s == one and g == g]
        mean = math.fsum(part) / len(part)
        means.append(mean)
        variances.append(math.fsum((g - mean) ** 2 for g in part) / (len(part) - 1) / len(part))
    differences = np.diff(means)
    # Every weighting that sums to one; the best has the least variance.
    spread = np.zeros((5, 5))
    for i in range(5):
        spread[i, i] = variances[i] + variances[i + 1]
        if i:
            spread[i, i - 1] = spread[i - 1, i] = -variances[i]
    best = np.linalg.solve(
        np.block([[2 * spread, np.ones((5, 1))], [np.ones((1, 5)), np.zeros((1, 1))]]), [0.0] * 5 + [1]
    )
    w = best[:5]
    reach = 1.959963984540054 * math.sqrt(w @ spread @ w)
    want = [w @ differences, w @ differences - reach, w @ differences + reach]
    agree("gap a step, pooled", WHERE, want, triple(anchor(gaps, satisfaction, 7).pooled), by="naive second program")


def test_too_few_answers_and_too_few_categories_say_so() -> None:
    gaps, satisfaction = data()
    few = anchor(gaps[:250], satisfaction[:250], 7)
    assert (few.pooled.reason, few.reason, few.means, few.steps) == ("too_early", "too_early", {}, ())
    assert anchor(gaps * math.nan, satisfaction, 7).reason == "no_outcome"
    assert anchor(gaps, satisfaction * 0, 7).reason == "no_outcome"
    assert anchor(gaps, np.full(420, 5), 7).reason == "one_group"
    apart = anchor(np.resize(gaps[:50], 400), np.resize([2, 5], 400), 7)
    assert apart.reason == "one_group" and set(apart.means) == {"2", "5"}


def test_small_categories_are_hidden_and_not_to_be_had_by_subtraction() -> None:
    gaps, satisfaction = np.random.default_rng(1).normal(size=400), np.resize([4, 5, 6, 7], 400)
    satisfaction[:4] = 3
    found = anchor(gaps, satisfaction, 7)
    assert len(found.means) == 3 and "3" not in found.means
    assert anchor(*data(), 7, floor=50).means.keys() == {"4", "5", "6"}


def test_equal_gaps_leave_the_pooled_step_undefined() -> None:
    gaps, satisfaction = np.random.default_rng(1).normal(size=400), np.resize([4, 5, 6], 400)
    gaps[satisfaction == 5] = -1.0
    found = anchor(gaps, satisfaction, 5)
    assert found.pooled.reason == found.steps[0].difference.reason == "no_variance" and found.delta == DEFAULT.delta(5)
    with pytest.raises(ValueError, match="each respondent needs"):
        anchor(gaps[:5], satisfaction, 7)


def test_the_result_becomes_json_with_a_schema() -> None:
    assert set(json.loads(json.dumps(plain(anchor(*data(), 7))))) == set(schema_of(Anchor)[0])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 500), st.integers(1, 7), st.integers(1, 5))
def test_any_answers_give_sound_numbers_and_order_does_not_matter(seed: int, n: int, top: int, spread: int) -> None:
    rng = np.random.default_rng(seed)
    gaps = rng.integers(-spread, spread, n) / 2
    gaps[rng.random(n) < 0.1] = np.nan
    satisfaction = rng.integers(0, top + 1, n)
    with np.errstate(all="raise", under="ignore"):
        found = anchor(gaps, satisfaction, 7)
        order = rng.permutation(n)
        assert anchor(gaps[order], satisfaction[order], 7) == found
    assert all(sound(one) for one in numbers(found))
