"""Trends before an action, against clubSandwich; and the target of an action on other scales than seven points."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.frequencies import Frequencies
from analysis.report import plain
from analysis.results import Statistic
from analysis.schema import schema_of
from analysis.thresholds import DEFAULT
from analysis.trend.change import Change, judge_change
from analysis.trend.pretrend import PreTrend, pre_trend
from tests.agreement import agree
from tests.analysis.soundness import numbers, sound

FOLDER = Path(__file__).parents[1] / "references"
R: dict[str, Any] = json.loads((FOLDER / "pretrend_expected.json").read_text())
WHERE = "simulated branches before an action, 12 branches, 4 periods"
Scores = dict[str, dict[int, Frequencies]]
TREATED = frozenset("12345")


def rows() -> list[tuple[str, int, float]]:
    with (FOLDER / "pretrend.csv").open(newline="") as file:
        return [(row["branch"], int(row["period"]), float(row["gap"])) for row in csv.DictReader(file)]


def gathered(given_rows: list[tuple[str, int, float]]) -> Scores:
    lists: dict[str, dict[int, list[float]]] = {}
    for branch, period, gap in given_rows:
        lists.setdefault(branch, {}).setdefault(period, []).append(gap)
    return {name: {at: Frequencies.of(np.array(one)) for at, one in by.items()} for name, by in lists.items()}


def test_slopes_and_their_difference_are_clubsandwichs() -> None:
    found = pre_trend(gathered(rows()), TREATED)
    for name in ("treated", "compared", "difference"):
        one = getattr(found, name)
        by = "clubSandwich 0.5.8"
        agree(f"slope before the action, {name}", WHERE, R[name][:3], [one.value, one.low, one.high], by=by)
    agree("p of parallel slopes", WHERE, R["difference"][3], found.p.value, by="clubSandwich 0.5.8")
    assert found.periods == 4 and found.difference.flags == ("few_clusters",) and found.difference.n == len(rows())


def test_the_difference_of_slopes_is_that_of_two_naive_lines() -> None:
    def slope(part: list[tuple[str, int, float]]) -> float:
        t = [row[1] for row in part]
        y = [row[2] for row in part]
        a, b = sum(t) / len(t), sum(y) / len(y)
        return sum((i - a) * (j - b) for i, j in zip(t, y, strict=True)) / sum((i - a) ** 2 for i in t)

    want = [slope([row for row in rows() if (row[0] in TREATED) is side]) for side in (True, False)]
    found = pre_trend(gathered(rows()), TREATED)
    ours = [found.treated.value, found.compared.value, found.difference.value]
    by = "naive second program"
    agree("slopes before the action and their difference", WHERE, [*want, want[0] - want[1]], ours, by=by)


def test_later_numbers_of_the_periods_change_nothing() -> None:
    found = pre_trend(gathered(rows()), TREATED)
    later = pre_trend(gathered([(one, 2000 + at, gap) for one, at, gap in rows()]), TREATED)
    assert later.difference.low == pytest.approx(found.difference.low, abs=1e-9)
    assert later.treated.high == pytest.approx(found.treated.high, abs=1e-9)


def test_too_few_periods_or_branches_say_so() -> None:
    assert pre_trend(gathered([row for row in rows() if row[1] < 3]), TREATED).difference.reason == "few_periods"
    assert pre_trend({}, TREATED).p.reason == "few_periods"
    lonely = [row for row in rows() if row[0] not in "2345"]
    assert pre_trend(gathered(lonely), TREATED).difference.reason == "few_branches"
    one_side = [row for row in rows() if row[0] not in TREATED or row[1] < 3]
    assert pre_trend(gathered(one_side), TREATED).periods == 2
    assert pre_trend(gathered(rows()), frozenset()).difference.reason == "few_periods"


def test_a_threshold_sets_the_fewest_periods() -> None:
    two = gathered([row for row in rows() if row[1] < 3])
    assert pre_trend(two, TREATED, replace(DEFAULT, pre_periods=2)).difference.value is not None


def test_equal_scores_have_no_error() -> None:
    with np.errstate(all="raise", under="ignore"):
        flat = pre_trend(gathered([(one, at, -1.0) for one, at, _ in rows()]), TREATED)
        alike = pre_trend(gathered([(one, at, -1.0 + 0.1 * at) for one, at, _ in rows()]), TREATED)
    assert flat.difference.reason == alike.difference.reason == "no_variance"


def test_the_result_becomes_json_with_a_schema() -> None:
    found = plain(pre_trend(gathered(rows()), TREATED))
    assert set(json.loads(json.dumps(found))) == set(schema_of(PreTrend)[0])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 40), st.integers(1, 6), st.integers(1, 5))
def test_any_answers_give_sound_numbers_and_the_order_of_branches_does_not_matter(
    seed: int, n: int, branches: int, spread: int
) -> None:
    rng = np.random.default_rng(seed)
    given_rows = [(str(rng.integers(branches)), int(rng.integers(5)), float(rng.integers(spread))) for _ in range(n)]
    with np.errstate(all="raise", under="ignore"):
        found = pre_trend(gathered(given_rows), frozenset("012"))
    assert all(sound(one) for one in numbers(found))
    turned = pre_trend(gathered(given_rows[::-1]), frozenset("012"))
    assert turned.difference.value == pytest.approx(found.difference.value, abs=1e-7)


@pytest.mark.parametrize(("points", "target"), [(7, 0.3), (5, 0.2), (9, 0.4)])
def test_the_target_of_an_action_follows_the_scale(points: int, target: float) -> None:
    one = Statistic(0.25, 0.1, 0.4, 0.9, 60)
    change = Change(one, one, one, one, one, 50.0)
    found = judge_change(change, "shrunken", 60, "inconclusive", points=points)
    assert found.target == pytest.approx(target) and found.reached_target is (target < 0.25)
    assert judge_change(change, "shrunken", 60, "inconclusive", target=0.3, points=points).target == 0.3
