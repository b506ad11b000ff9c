"""Tests and effect sizes of one gap, against worked examples, R and textbooks."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.adjust import benjamini_hochberg, benjamini_yekutieli, holm
from analysis.frequencies import Frequencies, wilson
from analysis.gaps import Levels, gap_tests, hedges_correction, minimum_effect, noncentral_interval, tost
from analysis.levels import composite_gaps, item_gaps, overall_gap, overall_items_gap, weighted_score
from analysis.ranks import hodges_lehmann, rank_biserial, sign_test, signed_rank
from analysis.results import undefined

NO_LEVELS = Levels(undefined("no_respondents"), undefined("no_respondents"))


def differences(values: Any) -> Frequencies:
    return Frequencies.of(np.asarray(values, np.float64))


@pytest.mark.reference
def test_paired_gap_matches_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W05")
    perception, expectation = (np.array(inputs[name], float) for name in ("perception", "expectation"))
    found = differences(perception - expectation)
    one = gap_tests(found, NO_LEVELS, (float(expectation.std(ddof=1)), float(perception.std(ddof=1))))
    names = {"gap": one.gap, "t": one.t, "p_two_sided": one.p_t, "d_z": one.d_z, "g_z_exact": one.g_z}
    names |= {"d_av_rms": one.d_av, "g_av": one.g_av, "share_negative": one.share_below, "share_zero": one.share_equal}
    assert {name: part.value for name, part in names.items()} == pytest.approx(
        {name: expected[name] for name in names}, rel=1e-9
    )
    assert (one.gap.low, one.gap.high) == pytest.approx(tuple(expected["ci95"]), rel=1e-9)
    assert (one.d_z.low, one.d_z.high) == pytest.approx(tuple(expected["d_z_ci95_nct"]), rel=1e-9)
    assert hedges_correction(9) == pytest.approx(expected["J_df"], rel=1e-12)


@pytest.mark.reference
def test_equivalence_and_minimum_effect_match_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W05")
    found = differences(np.subtract(inputs["perception"], inputs["expectation"]))
    both, wanted = tost(found, inputs["delta"]), expected["tost"]
    assert both is not None
    for name in ("t_lower", "p_lower", "t_upper", "p_upper", "p"):
        assert getattr(both, name) == pytest.approx(wanted[name], rel=1e-9)
    assert (both.low, both.high) == pytest.approx(tuple(wanted["ci90"]), rel=1e-9)
    one = expected["minimum_effect"]
    assert minimum_effect(found.mean(), found.sd(), found.n, 0.5) == pytest.approx((one["t"], one["p"]), rel=1e-9)


def test_one_pair_gives_a_mean_and_no_test() -> None:
    one = gap_tests(differences([-1]), NO_LEVELS)
    assert (one.gap.value, one.gap.low, one.gap.reason) == (-1, None, "one_respondent")
    assert {one.t.reason, one.p_t.reason, one.wilcoxon.reason, one.d_av.reason} == {"one_respondent"}


def test_all_differences_zero_leave_t_undefined_with_p_one() -> None:
    one = gap_tests(differences([0] * 8), NO_LEVELS, (0.0, 0.0))
    assert (one.gap.value, one.t.value, one.t.reason) == (0, None, "all_differences_zero")
    assert (one.p_t.value, one.p_wilcoxon.value, one.p_sign.value) == (1, 1, 1)
    assert one.wilcoxon.value is one.rank_biserial.value is one.d_z.value is None


def test_constant_shortfall_leaves_t_undefined_and_signs_speak() -> None:
    one = gap_tests(differences([-2] * 6), NO_LEVELS, (0.0, 0.0))
    assert (one.t.value, one.p_t.value, one.p_t.reason) == (None, None, "no_variance")
    assert one.p_sign.value == 0.03125
    assert one.p_wilcoxon.value == 0.03125


def test_nobody_gives_no_number_at_all() -> None:
    one = gap_tests(differences([]), NO_LEVELS)
    assert one.gap.reason == one.t.reason == one.wilcoxon.reason == one.share_below.reason == "no_complete_pairs"
    assert one.differences == ()


@pytest.mark.reference
def test_wilcoxon_matches_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W06")
    found = differences(inputs["difference"])
    dropped, kept = signed_rank(found, "wilcox"), signed_rank(found)
    for name, wanted in (
        ("w_plus", "W_plus"), ("w_minus", "W_minus"), ("mean", "mean"), ("variance", "var_tie_corrected"), ("z", "z"),
        ("p_normal", "p_normal"), ("p_exact", "p_exact_conditional"),
    ):  # fmt: skip
        assert getattr(dropped, name) == pytest.approx(expected[wanted], rel=1e-9)
    for name, value in expected["pratt"].items():
        ours = {"W_plus": "w_plus", "W_minus": "w_minus", "var": "variance"}.get(name, name)
        assert getattr(kept, ours) == pytest.approx(value, rel=1e-9)
    assert rank_biserial(found).value == pytest.approx(expected["rank_biserial"], rel=1e-12)
    assert hodges_lehmann(found).value == expected["hodges_lehmann"]


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9), st.sampled_from(["pratt", "wilcox"]))
def test_exact_p_equals_listing_all_sign_patterns(values: list[int], zeros: Any) -> None:
    found = signed_rank(differences(values), zeros)
    nonzero = np.array([one for one in values if one or zeros == "pratt"])
    ranks = np.array([(abs(nonzero) < abs(one)).sum() + ((abs(nonzero) == abs(one)).sum() + 1) / 2 for one in nonzero])
    ranks, signs = ranks[nonzero != 0], nonzero[nonzero != 0]
    sums = np.array([np.dot(one, ranks) for one in itertools.product((0, 1), repeat=ranks.size)])
    w_plus = ranks[signs > 0].sum()
    assert found.w_plus == w_plus
    assert found.p_exact == pytest.approx(min(1, 2 * min((sums <= w_plus).mean(), (sums >= w_plus).mean())))


@given(st.lists(st.integers(-12, 12), min_size=1, max_size=40))
def test_hodges_lehmann_equals_the_median_of_walsh_averages(values: list[int]) -> None:
    walsh = sorted((a + b) / 2 for i, a in enumerate(values) for b in values[i:])
    assert hodges_lehmann(differences(values)).value == np.median(walsh)


def test_depression_data_of_hollander_and_wolfe() -> None:
    # R 4.2.2: wilcox.test(x, y, paired = TRUE, alternative = "greater")  V = 40, p-value = 0.01953
    x = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    y = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    found = signed_rank(differences(np.subtract(x, y)))
    assert (found.w_plus, found.p_exact) == (40, pytest.approx(2 * 0.01953125, rel=1e-12))


def test_signed_ranks_with_a_zero_and_ties_of_marques_de_sa() -> None:
    # Marques de Sa, Applied Statistics, p. 210: T+ 12, T- 16;  R: wilcox.test(correct = FALSE)  p = 0.7252134
    mc, ma = [2, 2, 2, 2, 1, 2, 3, 2], [1, 3, 1, 1, 1, 4, 2, 4]
    found = signed_rank(differences(np.subtract(mc, ma)), "wilcox")
    assert (found.w_plus, found.w_minus) == (12, 16)
    assert found.p_normal == pytest.approx(0.725213407397273, rel=1e-9)


def test_student_sleep() -> None:
    # R 4.2.2: t.test(extra ~ group, sleep, paired = TRUE)  t = -4.0621, df = 9, p-value = 0.002833
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    one = gap_tests(differences(np.round(np.subtract(first, second), 10)), NO_LEVELS)
    assert one.t.value == pytest.approx(-4.06212768338204, rel=1e-9)
    assert one.p_t.value == pytest.approx(0.00283289019738427, rel=1e-9)
    assert one.wilcoxon_nonzero.value == 0


@pytest.mark.reference
def test_adjusted_p_match_the_worked_example_and_r(reference: Any) -> None:
    inputs, expected = reference.example("W07")
    demo = reference.r["textbook"]["p_adjust_demo"]
    adjustments = (holm, "holm", "holm"), (benjamini_hochberg, "bh", "BH"), (benjamini_yekutieli, "by", "BY")
    for adjust, ours, theirs in adjustments:
        found = adjust(inputs["p"])
        assert [one is None for one in found] == [one is None for one in expected[ours]]
        assert [one or 0 for one in found] == pytest.approx([one or 0 for one in expected[ours]], rel=1e-12)
        assert adjust(demo["p"]) == pytest.approx(demo[theirs], rel=1e-12)
    assert holm([None, None]) == [None, None]


@pytest.mark.reference
def test_wilson_matches_the_worked_example(reference: Any) -> None:
    _, expected = reference.example("W13")
    for (x, n), name in (((7, 12), "csat_wilson"), ((0, 10), "wilson_zero"), ((10, 10), "wilson_all")):
        found = wilson(x, n)
        assert (found.low, found.high) == pytest.approx(tuple(expected[name]), rel=1e-9, abs=1e-12)
    rate = wilson(9, 240, scale=1e6)
    assert (rate.value, rate.low, rate.high) == pytest.approx((expected["dpmo"], *expected["dpmo_wilson"]), rel=1e-9)


KIOSK = {
    "gap": "gap", "t": "t", "p_t": "p_t", "d_z": "d_z", "d_av": "d_pooled", "wilcoxon_nonzero": "W_plus",
    "p_wilcoxon_nonzero": "p_wilcox_uncorrected", "p_sign": "p_sign", "rank_biserial": "rank_biserial",
    "wilcoxon": "pratt_W_plus", "expectation": "mean_E", "perception": "mean_P",
}  # fmt: skip


BY_RANKS = ("W_plus", "pratt_W_plus", "p_wilcox_uncorrected", "rank_biserial")


@pytest.mark.reference
@pytest.mark.parametrize(("level", "key"), [("item", "paired_items"), ("dimension", "paired_dimensions")])
def test_kiosk_gaps_match_r(reference: Any, level: str, key: str) -> None:
    tally, wanted = reference.kiosk_tally, reference.r["kiosk"][key]
    found = item_gaps(tally, 0.95) if level == "item" else composite_gaps(tally, "dimension", 0.95)
    assert list(found) == list(wanted["items"]) == wanted["p_adj"]["order"]
    for name, one in found.items():
        row = wanted["items"][name]
        for ours, theirs in KIOSK.items():
            if level == "dimension" and theirs in BY_RANKS:
                continue  # see test_ranks_of_composites_tie_where_r_splits_them
            assert getattr(one, ours).value == pytest.approx(row[theirs], rel=1e-9, abs=1e-12), (name, ours)
        assert (one.gap.low, one.gap.high) == pytest.approx(tuple(row["ci"]), rel=1e-9, abs=1e-12)
        # R's g_z uses the approximate correction 1 - 3/(4 df - 1).
        assert one.g_z.value / hedges_correction(206) * (1 - 3 / (4 * 206 - 1)) == pytest.approx(row["g_z"], rel=1e-9)
        ranks = sum(count for value, count in one.differences if value)
        assert ranks == row["n_nonzero"] and dict(one.differences).get(0.0, 0) == row["n_zero"]
    assert [one.p_holm.value for one in found.values()] == pytest.approx(wanted["p_adj"]["t_holm"], rel=1e-9)
    assert [one.p_bh.value for one in found.values()] == pytest.approx(wanted["p_adj"]["t_BH"], rel=1e-9)


@pytest.mark.reference
def test_ranks_of_composites_tie_where_r_splits_them(reference: Any) -> None:
    # R subtracts two dimension means in floating point: 19/3 - 20/3 and 18/3 - 19/3 differ there in the last bit, so
    # wilcox.test ranks them apart.  Three times a dimension gap is a whole number, whose ties are true.
    matrix, wanted = reference.kiosk, reference.r["kiosk"]["paired_dimensions"]["items"]
    for d, (name, one) in enumerate(composite_gaps(reference.kiosk_tally, "dimension", 0.95).items()):
        part = slice(3 * d, 3 * d + 3)
        perception, expectation = (column[:, part].astype(float) for column in (matrix.perception, matrix.reference))
        split = signed_rank(differences(perception.mean(axis=1) - expectation.mean(axis=1)), "wilcox")
        true = signed_rank(differences((perception - expectation).sum(axis=1)), "wilcox")
        assert split.w_plus == wanted[name]["W_plus"]
        assert one.wilcoxon_nonzero.value == true.w_plus
        assert one.p_wilcoxon_nonzero.value == pytest.approx(true.p_normal, rel=1e-12)


@pytest.mark.reference
def test_kiosk_overall_scores_match_r(reference: Any) -> None:
    tally, kiosk = reference.kiosk_tally, reference.r["kiosk"]
    wanted = kiosk["servqual_unweighted"]
    assert overall_gap(tally, 0.95).gap.value == pytest.approx(wanted["overall_mean_of_dimensions"], rel=1e-9)
    assert overall_items_gap(tally, 0.95).gap.value == pytest.approx(wanted["overall_mean_of_items"], rel=1e-9)
    weighted = weighted_score(tally, "gap", 0.95)
    assert weighted.value == pytest.approx(kiosk["servqual_weighted"]["weighted_gap"], rel=1e-9)
    assert weighted.low is not None and weighted.high is not None and "rated importance" in weighted.method
    for column in ("expectation", "perception"):
        name = "reference" if column == "expectation" else column
        means = [tally.item_answers(name, j).mean() for j in range(24)]
        assert means == pytest.approx(list(kiosk[column]["means"].values()), rel=1e-9)


@pytest.mark.reference
def test_rated_importance_interval_equals_the_jackknife_nearly(reference: Any) -> None:
    matrix, whole = reference.kiosk, weighted_score(reference.kiosk_tally, "gap", 0.95)

    def score(keep: Any) -> float:
        gap = (matrix.perception[keep].astype(float) - matrix.reference[keep]).reshape(-1, 8, 3).mean(axis=(0, 2))
        weight = matrix.importance[keep].astype(float).reshape(-1, 8, 3).mean(axis=(0, 2))
        return float(gap @ weight / weight.sum())

    n = matrix.n
    left = np.array([score(np.arange(n) != i) for i in range(n)])
    se = np.sqrt((n - 1) / n * ((left - left.mean()) ** 2).sum())
    assert whole.value is not None and whole.low is not None
    assert (whole.value - whole.low) / 1.9715 == pytest.approx(se, rel=0.01)


@given(st.integers(2, 400), st.floats(-30, 30))
def test_noncentral_interval_holds_its_estimate(n: int, t: float) -> None:
    low, high = noncentral_interval(t, n)
    if low is not None and high is not None:
        assert low < high
        assert n < 4 or low <= t / np.sqrt(n) <= high


def test_sign_test_is_the_binomial() -> None:
    assert sign_test(differences([-1, -1, -1, 0, 2])).value == pytest.approx(2 * (1 + 4) / 16)
