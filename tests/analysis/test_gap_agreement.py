"""Gaps beside R: tests and effect sizes, the zone of tolerance, BCa intervals, weights and clusters."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.adjust import benjamini_hochberg, benjamini_yekutieli, holm
from analysis.designed import clustered_mean, weighted_mean
from analysis.frequencies import Frequencies, t_quantile, wilson
from analysis.gaps import GapTests, Levels, gap_tests, minimum_effect, tost
from analysis.levels import composite_gaps, item_gaps
from analysis.ranks import hodges_lehmann, signed_rank
from analysis.resample import bca_limits, bca_mean, exhaustive_means, jackknife_acceleration, mean_acceleration
from analysis.results import undefined
from analysis.zone import position_in_zone, zone_of_tolerance
from tests.agreement import agree

HERE = Path(__file__).parents[1] / "references"
R: dict[str, Any] = json.loads((HERE / "gaps_expected.json").read_text())
with (HERE / "gaps.csv").open(newline="") as file:
    BRANCH, WEIGHT, E, P = np.array([[float(value) for value in row.values()] for row in csv.DictReader(file)]).T
NAIVE = "naive second program"


def gap_of(p: Any, e: Any) -> GapTests:
    none = undefined("no_respondents")
    p, e = np.asarray(p, float), np.asarray(e, float)
    return gap_tests(Frequencies.of(np.round(p - e, 9)), Levels(none, none), (e.std(ddof=1), p.std(ddof=1)))


@pytest.mark.parametrize("data", ["bank", "sleep"])
def test_one_gap_matches_r(data: str) -> None:
    wanted, name = R[data], {"bank": "60 simulated pairs", "sleep": "sleep"}[data]
    one = gap_of(wanted["P"], wanted["E"])
    d = Frequencies.of(np.round(np.subtract(wanted["P"], wanted["E"]), 9))
    agree("mean gap, t, p, interval", name, wanted["t"],
          [one.gap.value, one.t.value, one.p_t.value, one.gap.low, one.gap.high], by="R 4.2.2")  # fmt: skip
    agree("Wilcoxon, zeros dropped", name, wanted["wilcox"],
          [one.wilcoxon_nonzero.value, signed_rank(d, "wilcox", exact=False).p], by="R 4.2.2")  # fmt: skip
    pratt = signed_rank(d)
    agree("Wilcoxon, Pratt", name, wanted["pratt"][:2], [pratt.z, pratt.p_normal], by="coin 1.4-2")
    if pratt.p_exact is not None:
        agree("Wilcoxon, Pratt, exact p", name, wanted["pratt"][2], pratt.p_exact, by="coin 1.4-2")
        agree("Wilcoxon, exact p", name, wanted["wilcoxon_exact"], one.p_wilcoxon_nonzero.value, by="coin 1.4-2")
    agree("d_z", name, wanted["d_z"][0], one.d_z.value, by="effectsize 0.8.3")
    # effectsize stops its search for the noncentrality at about four digits.
    agree(
        "d_z, noncentral t interval",
        name,
        wanted["d_z"][1:],
        [one.d_z.low, one.d_z.high],
        by="effectsize 0.8.3",
        rel=2e-3,
    )
    agree("rank-biserial correlation", name, wanted["rank_biserial"], one.rank_biserial.value, by="effectsize 0.8.3")
    agree("sign test", name, wanted["sign"], one.p_sign.value, by="R 4.2.2")
    agree("Hodges-Lehmann", name, wanted["walsh"], hodges_lehmann(d).value, by="R 4.2.2")
    both = tost(d, 0.5)
    assert both is not None
    agree("TOST", name, wanted["tost"], [both.p_lower, both.p_upper, both.low, both.high], by="R 4.2.2")
    agree(
        "minimum-effect test",
        name,
        wanted["minimum_effect"],
        minimum_effect(d.mean(), d.sd(), d.n, 0.5)[1],
        by="R 4.2.2",
    )


@pytest.mark.reference
def test_one_gap_matches_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W05")
    one = gap_of(inputs["perception"], inputs["expectation"])
    by = "worked example W05"
    agree("mean gap, t, p, interval", "W05",
          [expected["gap"], expected["t"], expected["p_two_sided"], *expected["ci95"]],
          [one.gap.value, one.t.value, one.p_t.value, one.gap.low, one.gap.high], by=by)  # fmt: skip
    agree("d_z, noncentral t interval", "W05", expected["d_z_ci95_nct"], [one.d_z.low, one.d_z.high], by=by)
    agree("d_z, g_z, d_av, g_av", "W05", [expected[key] for key in ("d_z", "g_z_exact", "d_av_rms", "g_av")],
          [one.d_z.value, one.g_z.value, one.d_av.value, one.g_av.value], by=by)  # fmt: skip
    both = tost(Frequencies.of(np.subtract(inputs["perception"], inputs["expectation"]).astype(float)), 0.5)
    wanted = expected["tost"]
    assert both is not None
    agree("TOST", "W05", [wanted["t_lower"], wanted["t_upper"], wanted["p"], *wanted["ci90"]],
          [both.t_lower, both.t_upper, both.p, both.low, both.high], by=by)  # fmt: skip
    p = minimum_effect(one.gap.value, expected["sd_gap"], 10, 0.5)[1]
    agree("minimum-effect test", "W05", expected["minimum_effect"]["p"], p, by=by)


@pytest.mark.reference
def test_signed_ranks_match_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W06")
    d, by = Frequencies.of(np.array(inputs["difference"], float)), "worked example W06"
    dropped, kept, pratt = signed_rank(d, "wilcox"), signed_rank(d), expected["pratt"]
    keys = ("W_plus", "W_minus", "mean", "var_tie_corrected", "z", "p_normal", "p_exact_conditional")
    agree("Wilcoxon, zeros dropped", "W06", [expected[key] for key in keys],
          [dropped.w_plus, dropped.w_minus, dropped.mean, dropped.variance, dropped.z, dropped.p_normal,
           dropped.p_exact], by=by)  # fmt: skip
    agree("Wilcoxon, Pratt", "W06", [pratt[key] for key in ("W_plus", "W_minus", "var", "z")],
          [kept.w_plus, kept.w_minus, kept.variance, kept.z], by=by)  # fmt: skip
    agree("Hodges-Lehmann", "W06", expected["hodges_lehmann"], hodges_lehmann(d).value, by=by)


@pytest.mark.reference
def test_adjusted_p_match_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W07")
    for name, adjust in (("holm", holm), ("bh", benjamini_hochberg), ("by", benjamini_yekutieli)):
        agree(f"adjusted p, {name}", "W07", expected[name], adjust(inputs["p"]), by="worked example W07")
        agree(f"adjusted p, {name}", "seven p values", R["adjusted"][name], adjust(R["adjusted"]["p"]), by="R 4.2.2")


@pytest.mark.reference
@pytest.mark.parametrize("key", ["paired_items", "paired_dimensions"])
def test_kiosk_gaps_match_r(reference: Any, key: str) -> None:
    tally, wanted = reference.kiosk_tally, reference.r["kiosk"][key]
    items = key == "paired_items"
    found = item_gaps(tally, 0.95) if items else composite_gaps(tally, "dimension", 0.95)
    ours, rows = list(found.values()), [wanted["items"][name] for name in found]
    data, by = f"kiosk, {'items' if items else 'dimensions'}", "R 4.2.2"
    columns = {"t": "t", "p_t": "p_t", "d_z": "d_z", "d_pooled": "d_av"}
    if items:
        columns |= {
            "W_plus": "wilcoxon_nonzero",
            "p_wilcox_uncorrected": "p_wilcoxon_nonzero",
            "pratt_W_plus": "wilcoxon",
        }
    for theirs, name in columns.items():
        agree(
            f"gaps: {name}",
            data,
            [row[theirs] for row in rows],
            [getattr(one, name).value for one in ours],
            by=by,
            abs=1e-12,
        )
    agree(
        "gaps: interval",
        data,
        [row["ci"] for row in rows],
        [(one.gap.low, one.gap.high) for one in ours],
        by=by,
        abs=1e-12,
    )
    agree("gaps: p by Holm", data, wanted["p_adj"]["t_holm"], [one.p_holm.value for one in ours], by=by)
    agree("gaps: p by Benjamini-Hochberg", data, wanted["p_adj"]["t_BH"], [one.p_bh.value for one in ours], by=by)


def test_bca_of_the_worked_example_by_all_resamples() -> None:
    x = np.array([-4.0, -1.0, 0.0, 0.0, -1.0])
    d = Frequencies.of(x)
    low, high, plain = bca_limits(d.mean(), exhaustive_means(x), mean_acceleration(d))
    agree("BCa interval of a mean", "W08, all 3125 resamples", [-3.2, -0.4], [low, high], by="worked example W08")
    agree("BCa acceleration", "W08", -0.08677908832900774, mean_acceleration(d), by="worked example W08")
    left_out = np.array([np.delete(x, j).mean() for j in range(5)])
    agree(
        "BCa acceleration, jackknife",
        "W08",
        -0.08677908832900774,
        jackknife_acceleration(left_out),
        by="worked example W08",
    )
    assert not plain


def test_bca_of_a_mean_agrees_with_boot_and_scipy() -> None:
    from scipy.stats import bootstrap

    d = Frequencies.of(P - E)
    found = bca_mean(d, np.random.default_rng(1), draws=200_000)
    # Both are random: with 200,000 resamples a limit moves by a step of the lattice, 1/60.
    agree(
        "BCa interval of a mean", "60 simulated pairs", R["bca"], [found.low, found.high], by="boot 1.3-28.1", abs=0.02
    )
    theirs = bootstrap(
        (P - E,), np.mean, n_resamples=50_000, method="BCa", rng=np.random.default_rng(2)
    ).confidence_interval
    agree(
        "BCa interval of a mean",
        "60 simulated pairs, seed 2",
        list(theirs),
        [found.low, found.high],
        by="scipy 1.17",
        abs=0.02,
    )


def test_a_resampled_mean_without_spread_says_so() -> None:
    rng = np.random.default_rng(1)
    reasons = [bca_mean(Frequencies.from_dict(one), rng).reason for one in ({}, {1.0: 1}, {1.0: 9})]
    assert reasons == ["no_complete_pairs", "one_respondent", "no_variance"]
    assert bca_limits(9.0, np.array([1.0, 2.0, 3.0]), 0.0)[2] is True
    with pytest.raises(ValueError, match="at most 7"):
        exhaustive_means(np.zeros(8))


def test_weighted_mean_matches_survey() -> None:
    found = weighted_mean(P - E, WEIGHT)
    se = (found.high - found.low) / 2 / t_quantile(59, 0.975)
    agree("weighted mean, linearised", "60 simulated pairs", R["weighted"], [found.value, se], by="survey 4.1-1")
    x, w, n = P - E, WEIGHT, 60
    mean = sum(a * b for a, b in zip(w, x, strict=True)) / sum(w)
    naive = math.sqrt(n / (n - 1) * sum((a * (b - mean)) ** 2 for a, b in zip(w, x, strict=True))) / sum(w)
    agree("weighted mean, linearised", "60 simulated pairs, formula", [mean, naive], [found.value, se], by=NAIVE)
    assert weighted_mean(P - E, np.ones(60)).low == pytest.approx(gap_of(P, E).gap.low)


def test_weights_of_nought_leave_nobody() -> None:
    reasons = [weighted_mean(np.array(x), np.array(w)).reason for x, w in (
        ([], []), ([1.0, 2.0], [0.0, 0.0]), ([1.0, np.nan], [1.0, 1.0]), ([1.0, 1.0], [1.0, 2.0]))]  # fmt: skip
    assert reasons == ["no_respondents", "no_respondents", "one_respondent", "no_variance"]


def moments() -> tuple[Any, Any, Any]:
    groups = [(P - E)[b == BRANCH] for b in range(1, 9)]
    return tuple(np.array([part(one) for one in groups], float) for part in (len, np.mean, lambda x: np.var(x, ddof=1)))  # type: ignore[return-value]


def test_clustered_mean_matches_clubsandwich() -> None:
    found = clustered_mean(*moments(), 0.5)
    mean, se, df = R["clustered"]
    reach = t_quantile(df, 0.975) * se
    agree("mean gap, branches as clusters", "60 simulated pairs", [mean, mean - reach, mean + reach],
          [found.clustered.value, found.clustered.low, found.clustered.high],
          by="clubSandwich 0.5.8", rel=1e-8)  # fmt: skip
    assert found.clustered.flags == ("few_clusters",) and found.p_minimum_effect.value > found.p_nil.value


def test_design_effect_is_the_ratio_of_variances() -> None:
    found, x = clustered_mean(*moments(), 0.5), P - E
    se = (found.clustered.high - found.clustered.low) / 2 / t_quantile(R["clustered"][2], 0.975)
    agree("design effect of clusters", "60 simulated pairs", se**2 / (x.var(ddof=1) / 60), found.design_effect.value,
          by=NAIVE, rel=1e-8)  # fmt: skip


def test_one_branch_or_no_spread_has_no_clustered_error() -> None:
    one = clustered_mean(np.array([9.0]), np.array([-1.0]), np.array([1.0]), 0.5)
    same = clustered_mean(np.array([9.0, 8.0]), np.array([-1.0, -1.0]), np.zeros(2), 0.5)
    assert (one.clustered.reason, same.clustered.reason) == ("one_group", "no_variance")


@pytest.mark.reference
def test_zone_of_tolerance_matches_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W02")
    columns = (np.array(inputs[name], float) for name in ("minimum", "desired", "perceived"))
    zone = zone_of_tolerance(*columns)
    wanted = [expected[key] for key in ("mean_msa", "mean_mss", "zone_width", "position_of_means", "share_below")]
    ours = [part.value for part in (zone.adequacy, zone.superiority, zone.width, zone.position, zone.below)]
    agree("zone of tolerance", "W02", [*wanted, expected["n_inconsistent"] / 5], [*ours, zone.inconsistent.value],
          by="worked example W02")  # fmt: skip
    assert zone.below.value + zone.within.value + zone.above.value == pytest.approx(1)


def test_position_in_the_zone_has_the_interval_of_a_ratio() -> None:
    rng = np.random.default_rng(3)
    adequacy, width = rng.normal(0.5, 1, 400), rng.normal(2, 0.7, 400)
    found = position_in_zone(adequacy, width)
    drawn = [adequacy[i].mean() / width[i].mean() for i in rng.integers(0, 400, (4000, 400))]
    # The bootstrap's standard error has itself an error of about one per cent.
    agree("position in the zone, standard error", "400 simulated", np.std(drawn),
          (found.high - found.low) / 2 / t_quantile(399, 0.975), by="naive bootstrap", rel=0.05)  # fmt: skip
    assert position_in_zone(adequacy, np.zeros(400)).reason == "no_variance"
    assert position_in_zone(np.zeros(0), np.zeros(0)).reason == "no_complete_pairs"


def test_wilson_agrees_with_statsmodels() -> None:
    from statsmodels.stats.proportion import proportion_confint

    for k, n in ((0, 20), (3, 20), (20, 20), (400, 1000)):
        found = wilson(k, n)
        agree("Wilson interval", f"{k} of {n}", proportion_confint(k, n, method="wilson"), [found.low, found.high],
              by="statsmodels 0.15", abs=1e-15)  # fmt: skip


LEVELS = st.lists(st.tuples(*[st.sampled_from([math.nan, *map(float, range(1, 10))])] * 3), max_size=25)


@settings(max_examples=50, deadline=None)
@given(LEVELS)
def test_any_levels_give_a_zone_or_a_reason(rows: list[tuple[float, float, float]]) -> None:
    minimum, desired, perceived = (np.array([row[j] for row in rows]) for j in range(3))
    with np.errstate(all="raise", under="ignore"):
        zone = zone_of_tolerance(minimum, desired, perceived)
        bca = bca_mean(
            Frequencies.of((perceived - desired)[~np.isnan(perceived - desired)]), np.random.default_rng(1), 200
        )
    for one in (zone.adequacy, zone.superiority, zone.width, zone.position, zone.below, zone.within, zone.above, bca):
        assert (one.value is None) <= (one.reason is not None)
        assert one.low is None or (math.isfinite(one.low) and one.low <= one.high)
    assert zone.below.value is None or zone.below.value + zone.within.value + zone.above.value == pytest.approx(1)
