"""The chain of gaps 1 to 4, 6 and 7."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.causes import Insiders, adjusted_gap_1, causes, cell_scores
from analysis.matrix import Layout
from analysis.results import REASONS, Statistic
from surveys.codes import BLANK, DO_NOT_KNOW, NOT_APPLICABLE
from tests.agreement import agree

LAYOUT = Layout(("a1", "a2", "b1", "c1"), 7, ("A", "B"), ("s", "t"), (0, 0, 1, 0), (0, 0, 0, 1), "expectation")
NAIVE = "naive second program"


def drawn(n: int, means: Any, seed: int) -> Any:
    return np.clip(np.rint(np.random.default_rng(seed).normal(means, 0.7, (n, 4))), 1, 7)


def grid(n: int, value: int, missing: int = 0, code: int = NOT_APPLICABLE) -> Any:
    found = np.full((n, 3), value, np.uint8)
    found[::2] += 1 if value < 7 else 0
    found[:missing] = code
    return found


CUSTOMERS = drawn(200, [6.2, 6.2, 6.0, 6.1], 1)


def staff(means: Any = (6.2, 6.2, 6.0, 6.1), delivery: int = 6, n: int = 40, **more: Any) -> Insiders:
    return Insiders(drawn(n, means, 2), {"delivery": grid(n, delivery)}, **more)


def managers(
    means: Any = (6.2, 6.2, 6.0, 6.1), standards: int = 6, promise: int = 6, n: int = 12, **more: Any
) -> Insiders:
    return Insiders(drawn(n, means, 3), {"standards": grid(n, standards), "promise": grid(n, promise)}, **more)


def test_gaps_1_6_and_7_agree_with_scipy_and_obey_their_identity() -> None:
    found = causes(LAYOUT, CUSTOMERS, staff((5.0,) * 4), managers((4.6,) * 4)).cells["s.A"]
    mine = [
        cell_scores(LAYOUT, one)["s.A"] for one in (CUSTOMERS, staff((5.0,) * 4).belief, managers((4.6,) * 4).belief)
    ]
    for name, (a, b) in {"gap_1": (2, 0), "gap_6": (1, 0), "gap_7": (1, 2)}.items():
        test = stats.ttest_ind(mine[a], mine[b], equal_var=False)
        low, high = test.confidence_interval(0.95)
        one = getattr(found, name)
        agree(f"gap {name[-1]}, Welch interval", "simulated bank, s.A", [mine[a].mean() - mine[b].mean(), low, high],
              [one.value, one.low, one.high], by="scipy 1.17")  # fmt: skip
    assert found.gap_6.value - found.gap_7.value == pytest.approx(found.gap_1.value, abs=1e-12)


def test_deficits_are_means_of_the_ratings_with_no_standard_counted_once() -> None:
    people = managers()
    column = np.array([1, 2, 3, 4, 5, 6, 7, 7, NOT_APPLICABLE, NOT_APPLICABLE, DO_NOT_KNOW, BLANK], np.uint8)
    grids = {"standards": np.tile(column[:, None], (1, 3)), "promise": np.tile(column[:, None], (1, 3))}
    found = causes(LAYOUT, CUSTOMERS, None, replace(people, grids=grids)).cells["s.A"]
    rated = [1, 2, 3, 4, 5, 6, 7, 7]
    agree("gap 2 and gap 4", "twelve managers", [np.mean([*rated, 1, 1]) - 7, np.mean(rated) - 7],
          [found.gap_2.value, found.gap_4.value], by=NAIVE)  # fmt: skip
    assert (found.no_standard_managers.value, found.no_promise.value) == (0.2, 0.2)
    assert found.cannot_judge["standards"].value == 1 / 11
    reach = stats.t.ppf(0.975, 9) * np.std([*rated, 1, 1], ddof=1) / math.sqrt(10)
    agree("gap 2, interval", "twelve managers", np.mean([*rated, 1, 1]) - 7 + reach, found.gap_2.high, by="scipy 1.17")


def test_no_standard_is_no_rating_of_delivery_but_breaks_gap_2() -> None:
    people = replace(staff(), grids={"delivery": grid(40, 6, 14)})
    found = causes(LAYOUT, CUSTOMERS, people, managers()).cells["s.A"]
    assert found.no_standard_staff.value == 0.35 and found.gap_3.n == 26
    assert (found.primary, found.broken) == ("gap_2", ("gap_2",))


@pytest.mark.parametrize(
    ("insiders", "primary", "remedy"),
    [
        ((staff(), managers((5.0,) * 4)), "gap_1", "upward_communication"),
        ((staff((4.8,) * 4), managers((5.0,) * 4)), "gap_1", "research"),
        ((staff(), managers(standards=3)), "gap_2", ""),
        ((staff(delivery=3), managers()), "gap_3", ""),
        ((staff(), managers(promise=3)), "gap_4", ""),
        ((staff(), managers()), "none", ""),
        ((None, None), "no_data", ""),
    ],
)
def test_the_first_broken_link_is_the_primary_cause(insiders: Any, primary: str, remedy: str) -> None:
    found = causes(LAYOUT, CUSTOMERS, *insiders).cells["s.A"]
    assert (found.primary, found.remedy) == (primary, remedy)


def test_later_links_are_listed_after_the_first() -> None:
    found = causes(LAYOUT, CUSTOMERS, staff(delivery=2), managers((4.0,) * 4, 2, 2)).cells["t.A"]
    assert found.broken == ("gap_1", "gap_2", "gap_3", "gap_4")


def test_managers_who_expect_too_much_misallocate_and_break_nothing() -> None:
    low = drawn(200, [4.0] * 4, 4)
    found = causes(LAYOUT, low, staff((4.0,) * 4), managers((6.5,) * 4)).cells["s.A"]
    assert found.misallocated and found.primary == "none"


def test_few_people_are_as_good_as_none() -> None:
    found = causes(LAYOUT, CUSTOMERS, staff(n=9), managers(n=4))
    assert found.flags == ("no_staff", "no_managers") and found.cells["s.A"].gap_1.reason == "no_respondents"


def test_weak_antecedents_of_the_broken_link_are_listed_weakest_first() -> None:
    scales = {
        name: np.full((40, 2), value)
        for name, value in {"teamwork": 3.0, "fit": 2.0, "control": 5.0, "other": 1.0}.items()
    }
    people = staff(delivery=3, antecedents=scales, gap_of={"teamwork": 3, "fit": 3, "control": 3, "other": 4})
    found = causes(LAYOUT, CUSTOMERS, people, managers())
    assert found.cells["s.A"].weak_antecedents == ("staff.fit", "staff.teamwork")
    assert found.antecedents["staff.control"].value == 5


def test_antecedents_need_half_of_their_items() -> None:
    values = np.array([[6.0, np.nan, np.nan], [6.0, 4.0, np.nan]] * 10)
    found = causes(LAYOUT, CUSTOMERS, staff(n=20, antecedents={"x": values}, gap_of={"x": 3}), None)
    assert (found.antecedents["staff.x"].value, found.antecedents["staff.x"].n) == (5, 10)


def test_all_managers_asked_leave_no_sampling_error() -> None:
    plain, census = (causes(LAYOUT, CUSTOMERS, None, managers(), census=n).cells["s.A"].gap_2 for n in (None, 12))
    assert plain.high > census.high == census.value


def test_p_of_gap_1_is_adjusted_over_the_cells() -> None:
    found = causes(LAYOUT, CUSTOMERS, None, managers((5.0, 5.0, 6.0, 6.1)))
    adjusted = adjusted_gap_1(found)
    assert all(adjusted[cell] >= one.p_gap_1.value for cell, one in found.cells.items())


RATINGS = st.lists(st.lists(st.sampled_from([math.nan, 1.0, 4.0, 7.0]), min_size=4, max_size=4), max_size=16)
GRIDS = st.sampled_from([BLANK, 1, 4, 7, DO_NOT_KNOW, NOT_APPLICABLE])


@settings(max_examples=50, deadline=None)
@given(RATINGS, RATINGS, RATINGS, GRIDS, st.integers(0, 9))
def test_any_answers_give_a_chain_or_its_reasons(c: Any, s: Any, m: Any, code: int, split: int) -> None:
    def shaped(rows: Any) -> Any:
        return np.array(rows, float).reshape(-1, 4)

    def grids(n: int, *names: str) -> dict[str, Any]:
        column = np.full((n, 3), 5, np.uint8)
        column[:split] = code
        return dict.fromkeys(names, column)

    one, other = shaped(s), shaped(m)
    with np.errstate(all="raise", under="ignore"):
        found = causes(LAYOUT, shaped(c), Insiders(one, grids(len(one), "delivery")),
                       Insiders(other, grids(len(other), "standards", "promise")))  # fmt: skip
    for cell in found.cells.values():
        for part in fields(cell):
            value = getattr(cell, part.name)
            if isinstance(value, Statistic):
                assert value.value is None or math.isfinite(value.value)
                assert value.value is not None or value.reason in REASONS
        three = (cell.gap_1.value, cell.gap_6.value, cell.gap_7.value)
        assert None in three or three[1] - three[2] == pytest.approx(three[0], abs=1e-9)


def test_a_scale_that_few_managers_answered_is_hidden() -> None:
    values = np.full((12, 3), np.nan)
    values[:4] = 5.0
    managers = Insiders(np.full((12, len(LAYOUT.items)), 6.0), antecedents={"a": values, "b": np.full((12, 3), 4.0)},
                        gap_of={"a": 1, "b": 1})  # fmt: skip
    found = causes(LAYOUT, np.full((40, len(LAYOUT.items)), 6.0), None, managers).antecedents
    assert found["manager.a"].value is None and found["manager.b"].value == 4.0
