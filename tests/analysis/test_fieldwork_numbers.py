"""Response rate and likeness to known shares, against worked examples and a naive second program."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analysis.sampling.representative import likeness, weighting_effect
from analysis.sampling.response import rr1

VALUES = ("young", "middle", "old")
KNOWN = {"young": 0.3, "middle": 0.5, "old": 0.2}


def codes(*counts: int) -> np.ndarray:
    return np.repeat(np.arange(len(counts)), counts)


def test_rr1_counts_everybody_who_may_be_eligible() -> None:
    # Worked by hand: I 300, P 50, R 200, NC 350, O 20, unknown 80, so 300 of 1000.
    found = rr1(300, 50, 200, 350, 20, 80)
    low, high = stats.binomtest(300, 1000).proportion_ci(0.95, "wilson")
    assert (found.value, found.n) == (0.3, 1000)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_rr1_of_nobody_is_undefined_and_of_less_is_refused() -> None:
    assert rr1(0).value is None
    with pytest.raises(ValueError, match="none may be negative"):
        rr1(1, refusal=-1)


def test_chi_square_agrees_with_scipy() -> None:
    found = likeness(codes(50, 40, 30), VALUES, KNOWN, 10)
    expected = stats.chisquare([50, 40, 30], [36, 60, 24])
    assert (found.chi2, found.p) == (pytest.approx(expected.statistic), pytest.approx(expected.pvalue))
    assert [one.differs for one in found.categories] == [True, True, False]


def test_few_people_are_not_shown_nor_had_by_subtraction() -> None:
    found = likeness(codes(60, 40, 3), VALUES, KNOWN, 10)
    assert [one.found is None for one in found.categories] == [False, True, True]


def test_test_is_left_out_where_too_few_are_expected() -> None:
    assert likeness(codes(10, 5, 2), VALUES, {"young": 0.7, "middle": 0.25, "old": 0.05}, 10).p is None
    assert likeness(codes(), VALUES, KNOWN, 10).n == 0


def test_design_effect_of_one_margin_is_kishs_by_hand() -> None:
    counts = np.array([50, 40, 30])
    weights = np.array([0.3, 0.5, 0.2]) * 120 / counts
    naive = 120 * (counts * weights**2).sum() / (counts * weights).sum() ** 2
    assert weighting_effect([codes(*counts)], [VALUES], [KNOWN], 10) == pytest.approx(naive)


def test_no_weights_where_nobody_of_a_group_answered() -> None:
    assert weighting_effect([codes(50, 40)], [VALUES], [KNOWN], 10) is None
