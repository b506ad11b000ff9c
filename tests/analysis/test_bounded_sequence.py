"""The bounded confidence sequence: against its formulas taken one answer at a time, and against chance."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from analysis.study import Study, scored
from analysis.trend.report import trend
from analysis.trend.sequences import bounded_limits, bounded_sequence
from tests.agreement import agree
from tests.analysis.soundness import sound

Floats = NDArray[np.float64]


def gaps(n: int, seed: int) -> Floats:
    """Whole-number gaps of a bank with high expectations, mean -1.01."""
    values, chances = np.arange(-5.0, 2.0), [0.02, 0.03, 0.07, 0.12, 0.24, 0.44, 0.08]
    return np.random.default_rng(seed).choice(values, n, p=chances)


def naive(x: Any, alpha: float, singles: int, block: int) -> tuple[list[float], list[float]]:
    """Theorem 2 of Waudby-Smith and Ramdas (2024), one observation after the other."""
    parts = [([float(one)], 1) for one in x[:singles]]
    rest = list(x[singles:])
    while len(rest) >= block:
        parts.append(([float(one) for one in rest[:block]], block))
        rest = rest[block:]
    low, high = [], []
    mean_hat, var_hat = 0.5, 0.25
    total = squares = bets = centre = price = 0.0
    seen = 0
    for at, (members, k) in enumerate(parts, start=1):
        value = sum(members) / k
        seen += k
        bet = min(k * math.sqrt(2 * math.log(2 / alpha) / (var_hat * seen * math.log(1 + seen))), 0.5)
        psi = (-math.log(1 - bet) - bet) / 4
        price += 4 * (value - mean_hat) ** 2 * psi
        bets += bet
        centre += bet * value
        reach = (math.log(2 / alpha) + price) / bets
        low.append(max(centre / bets - reach, 0.0))
        high.append(min(centre / bets + reach, 1.0))
        total += k * value
        mean_hat = (0.5 + total) / (seen + 1)
        squares += k * (value - mean_hat) ** 2
        var_hat = (0.25 + squares) / (at + 1)
    return low, high


@pytest.mark.parametrize(("singles", "block"), [(10_000, 8), (100, 4), (0, 5)])
def test_every_look_is_that_of_the_formulas_taken_one_by_one(singles: int, block: int) -> None:
    x = (gaps(503, 1) + 6) / 12
    low, high = bounded_limits(x, 0.95, singles, block)
    want = naive(x, 0.05, singles, block)
    where = f"simulated gaps, n 503, one by one up to {singles}, then by {block}"
    agree("bounded confidence sequence, lower limits", where, want[0], low, by="naive second program")
    agree("bounded confidence sequence, upper limits", where, want[1], high, by="naive second program")


@pytest.mark.parametrize(("singles", "block"), [(10_000, 8), (60, 8)])
def test_no_look_misses_the_mean_more_often_than_promised(singles: int, block: int) -> None:
    truth, missed = (float(np.dot(np.arange(-5, 2), [0.02, 0.03, 0.07, 0.12, 0.24, 0.44, 0.08])) + 6) / 12, 0
    for seed in range(600):
        low, high = bounded_limits((gaps(500, seed) + 6) / 12, 0.95, singles, block)
        missed += bool(low.max() > truth or high.min() < truth)
    # At most 5 in 100, and three simulation errors of 600 waves.
    assert missed / 600 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 600)


def test_the_interval_is_the_intersection_of_all_looks() -> None:
    values = gaps(400, 3)
    low, high = naive((values + 6) / 12, 0.05, 10_000, 8)
    found = bounded_sequence(values, -6, 6)
    want = [-6 + 12 * max(low), -6 + 12 * min(high)]
    where = "simulated gaps, n 400"
    agree("bounded confidence sequence, intersected", where, want, [found.low, found.high], by="naive second program")
    agree("mean of a bounded sequence", where, sum(values) / 400, found.value, by="naive second program")


def test_further_answers_never_widen_it() -> None:
    values = gaps(20_000, 4)
    found = [bounded_sequence(values[:n], -6, 6) for n in (1, 2, 30, 500, 16_384, 16_391, 20_000)]
    assert all(one.low <= other.low and other.high <= one.high for one, other in itertools.pairwise(found))


def test_nobody_one_and_equal_answers_are_borne() -> None:
    with np.errstate(all="raise", under="ignore"):
        assert bounded_sequence(np.zeros(0), -6, 6).reason == "no_respondents"
        one = bounded_sequence(np.array([-6.0]), -6, 6)
        assert (one.value, one.low) == (-6, -6) and one.high > 0
        same = bounded_sequence(np.full(30_000, -6.0), -6, 6)
        assert same.low == -6 and same.high < -5.99 and same.reason is None
        middle = bounded_sequence(np.zeros(300), -6, 6)
        assert middle.low < 0 < middle.high < 1


def test_a_mean_that_moves_is_flagged_and_scores_off_the_scale_are_refused() -> None:
    moved = bounded_sequence(np.concatenate([np.full(400, -4.0), np.full(4000, 4.0)]), -6, 6)
    assert "moving_mean" in moved.flags and sound(moved)
    with pytest.raises(ValueError, match="within -6 and 6"):
        bounded_sequence(np.array([7.0]), -6, 6)


def test_the_trend_has_it_beside_the_asymptotic_one(customers: Any) -> None:
    for format in ("two_column", "three_column", "perception_only"):
        matrix = customers(200, format=format)
        found = trend(Study(matrix), scored(matrix))
        assert found.bounded.keys() == found.sequences.keys() and "overall" in found.bounded
        for name, one in found.bounded.items():
            other = found.sequences[name]
            assert one.value == pytest.approx(other.value, abs=1e-9) and one.n == other.n
            assert one.low < other.low and other.high < one.high


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-6, 6), max_size=120))
def test_any_gaps_give_a_sound_interval(given_gaps: list[int]) -> None:
    with np.errstate(all="raise", under="ignore"):
        found = bounded_sequence(np.array(given_gaps, np.float64), -6, 6)
    assert sound(found) and (not given_gaps or -6 <= found.low <= found.high <= 6)


def test_a_mean_beside_the_interval_is_told() -> None:
    # Later bets are smaller, so a mean that drifts away leaves the intersection before the intervals part.
    found = bounded_sequence(np.concatenate([np.full(160, 0.0), np.full(20, 6.0)]), -6, 6)
    assert found.flags == ("mean_outside",) and found.high == found.value and sound(found)
