"""Intervals of effect sizes, of branches' variance, of impact asymmetry and R squared; equivalence of gaps."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.compare.branches import case_mix, icc_limits, one_way, pool, q_profile, shrink
from analysis.compare.groups import compare_groups
from analysis.compare.report import compare_branches
from analysis.driving.contrast import penalty_reward
from analysis.driving.shares import driver_set
from analysis.frequencies import Frequencies
from analysis.gaps import GapTests, Levels, gap_tests, tost
from analysis.results import Statistic, held, undefined
from analysis.thresholds import DEFAULT
from tests.agreement import agree
from tests.analysis.soundness import numbers, sound

HERE = Path(__file__).parents[1] / "references"
R: dict[str, Any] = json.loads((HERE / "intervals_expected.json").read_text())
NAIVE = "naive second program"


def table(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(newline="") as file:
        return list(csv.DictReader(file))


PAIRS = np.array([[float(row["P"]), float(row["E"])] for row in table("gaps.csv")])
ROWS = table("groups.csv")
DRIVERS = np.array([[float(value) for value in row.values()] for row in table("drivers.csv")])
NAMES = ("tan", "rel", "res", "ass", "emp")


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def by(trait: str) -> dict[str, Frequencies]:
    found: dict[str, list[float]] = {}
    for row in sorted(ROWS, key=lambda row: row[trait]):
        found.setdefault(row[trait], []).append(float(row["gap"]))
    return {name: Frequencies.of(np.array(values)) for name, values in found.items()}


def gap_of(p: Any, e: Any, delta: float = 0.5) -> GapTests:
    p, e = np.asarray(p, float), np.asarray(e, float)
    sds = (e.std(ddof=1), p.std(ddof=1)) if p.size > 1 else None
    none = undefined("no_respondents")
    return gap_tests(Frequencies.of(np.round(p - e, 9)), Levels(none, none), sds, delta=delta)


def three(one: Statistic) -> list[float | None]:
    return [one.value, one.low, one.high]


@pytest.mark.parametrize("data", ["bank", "sleep"])
def test_intervals_of_paired_effects_match_r(data: str) -> None:
    wanted, name = R[data], {"bank": "60 simulated pairs", "sleep": "sleep"}[data]
    one = gap_of(wanted["P"], wanted["E"]) if data == "sleep" else gap_of(*PAIRS.T)
    agree("d_av with its interval", name, wanted["d_av"], three(one.d_av), by="R 4.2.2, pt and uniroot", rel=1e-8)
    agree("g_av with its interval", name, wanted["g_av"], three(one.g_av), by="R 4.2.2, pt and uniroot", rel=1e-8)
    if abs(wanted["rank_biserial"][0]) < 1:
        agree("matched rank-biserial with its interval", name, wanted["rank_biserial"], three(one.rank_biserial),
              by="effectsize 0.8.3")  # fmt: skip
    tested = one.equivalence
    agree("equivalence, p and 90 % interval", name, wanted["tost"],
          [tested.p.value, tested.difference.low, tested.difference.high], by="R 4.2.2, t.test")  # fmt: skip


def test_intervals_of_paired_effects_are_those_of_d_z_rescaled() -> None:
    one, (p, e) = gap_of(*PAIRS.T), PAIRS.T
    scale = (p - e).std(ddof=1) / math.sqrt((p.var(ddof=1) + e.var(ddof=1)) / 2)
    agree("d_av interval", "60 simulated pairs", [scale * one.d_z.low, scale * one.d_z.high],
          [one.d_av.low, one.d_av.high], by=NAIVE)  # fmt: skip
    d = (p - e)[p != e]
    order = np.array([np.mean(np.flatnonzero(np.sort(np.abs(d)) == abs(x)) + 1) for x in d])
    r, n = (order[d > 0].sum() - order[d < 0].sum()) / order.sum(), d.size
    spread = math.sqrt(sum(rank**2 for rank in range(1, n + 1))) / (n * (n + 1) / 2)
    ends = [math.tanh(math.atanh(r) + z * spread) for z in (-1.959963984540054, 1.959963984540054)]
    agree("matched rank-biserial with its interval", "60 simulated pairs, by hand", [r, *ends],
          three(one.rank_biserial), by=NAIVE)  # fmt: skip


def test_two_pairs_have_no_corrected_effect_and_one_sided_pairs_no_interval_of_ranks() -> None:
    two = gap_of([4, 3], [5, 6])
    assert (two.g_z.value, two.g_z.reason) == (None, "too_early") and two.d_z.value is not None
    assert (two.g_av.value, two.g_av.reason) == (None, "too_early") and two.d_av.value is not None
    assert two.rank_biserial.value == -1 and two.rank_biserial.low is None and two.rank_biserial.reason == "at_end"


def test_equivalence_is_shown_only_within_the_bounds() -> None:
    near = gap_of([5, 4, 5, 6] * 40, [5, 5, 5, 5] * 40).equivalence
    assert near.shown and near.p.value < 0.05 and -near.delta < near.difference.low
    assert near.difference.high < near.delta and near.difference.level == pytest.approx(0.90)
    assert gap_of(*PAIRS.T).equivalence.shown is False
    assert gap_of([5, 4, 5, 6] * 40, [5, 5, 5, 5] * 40, delta=0.05).equivalence.shown is False
    reasons = [gap_of(p, e).equivalence.p.reason for p, e in (([], []), ([3], [4]), ([3, 3], [4, 4]))]
    assert reasons == ["no_complete_pairs", "one_respondent", "no_variance"]


def test_the_interval_of_hedges_g_matches_effectsize() -> None:
    tiers, name = by("tier"), "simulated bank, two tiers"
    (pair,) = compare_groups({key: tiers[key] for key in ("mass", "young")}, rng()).pairs
    # effectsize stops its search for the noncentrality at about four digits.
    agree("Hedges g with its interval", name, R["hedges"], three(pair.g), by="effectsize 0.8.3", rel=1e-3)
    agree("Hedges g, noncentral t interval", name, R["hedges_exact"], [pair.g.low, pair.g.high],
          by="R 4.2.2, pt and uniroot", rel=1e-8)  # fmt: skip


def moments(groups: dict[str, Frequencies]) -> tuple[Any, Any, Any]:
    found = [(float(one.n), one.mean(), one.variance()) for one in groups.values()]
    n, means, variances = (np.array(part) for part in zip(*found, strict=True))
    return n, means, variances


def test_intervals_of_intraclass_correlations_match_psych() -> None:
    wanted = R["icc_balanced"]
    rows = np.array(wanted["rows"], float)
    n, means, variances = moments({str(j): Frequencies.of(row) for j, row in enumerate(rows)})
    spread = one_way(n, means, variances)
    assert spread is not None
    first, second = icc_limits(n, spread) or ((0, 0), (0, 0))
    ours = [[spread.icc1, *first], [spread.icc2, *second]]
    agree("ICC(1) and ICC(2) with F intervals", "12 branches of equal size", [wanted["icc1"], wanted["icc2"]], ours,
          by="psych 2.2.9")  # fmt: skip
    found = compare_branches(by("branch"), rng())
    for name, one in (("icc1", found.icc1), ("icc2", found.icc2)):
        agree(f"{name.upper()}, F interval by n0", "simulated bank, 12 branches", R["icc"][name], [one.low, one.high],
              by="R 4.2.2, qf")  # fmt: skip


def test_q_profile_limits_match_metafor() -> None:
    found, wanted = compare_branches(by("branch"), rng()), R["branches"]
    name = "simulated bank, 12 branches"
    agree("SD between branches, Q-profile", name, wanted["tau"], [found.between_sd.low, found.between_sd.high],
          by="metafor 3.8-1", rel=1e-7)  # fmt: skip
    agree("I squared, Q-profile", name, wanted["i2"], [found.i2.low, found.i2.high], by="metafor 3.8-1", rel=1e-7)
    agree("SD between branches, DerSimonian-Laird", name, wanted["dl"], found.between_sd_dl.value, by="metafor 3.8-1")
    yi, vi = np.array(R["bcg"]["yi"]), np.array(R["bcg"]["vi"])
    limits = q_profile(yi, vi)
    assert limits is not None
    agree("SD between branches, Q-profile", "dat.bcg", R["bcg"]["tau"], np.sqrt(limits.tau2), by="metafor 3.8-1",
          rel=1e-7)  # fmt: skip
    agree("I squared, Q-profile", "dat.bcg", R["bcg"]["i2"], limits.i2, by="metafor 3.8-1", rel=1e-7)
    for tau2, p in zip(limits.tau2, (0.975, 0.025), strict=True):
        w = 1 / (vi + tau2)
        q = float((w * yi**2).sum() - (w * yi).sum() ** 2 / w.sum())
        agree("generalised Q at the Q-profile's limits", f"dat.bcg, {p}", stats.chi2.ppf(p, yi.size - 1), q,
              by="scipy 1.17", rel=1e-8)  # fmt: skip


def test_branches_more_alike_than_chance_have_no_interval_of_their_spread() -> None:
    assert q_profile(np.zeros(8), np.full(8, 0.1)) is None
    found = compare_branches({name: Frequencies.from_dict({-1.0: 20, 0.0: 20}) for name in "abcdef"}, rng())
    assert found.between_sd.value == 0 and found.between_sd.reason == found.i2.reason == "at_end"


def test_two_or_three_branches_hold_morriss_factor_at_that_of_four() -> None:
    random = np.random.default_rng(1)
    for b in (2, 3, 4):
        held_true, bare = [], []
        for _run in range(600):
            truth, n = -0.5 + 0.15 * random.standard_normal(b), random.integers(15, 81, b)
            v = 1.44 / n * random.chisquare(n - 1) / (n - 1)
            means = truth + random.normal(0, np.sqrt(1.44 / n))
            pooled = pool(means, v)
            found = shrink(means, v, pooled.tau2, pooled.mean, pooled.se)
            naive = found.se**2 + 2 * (1 - found.reliability) ** 2 * (means - pooled.mean) ** 2
            held_true.append((np.abs(found.means - truth) <= 1.96 * found.se_full).mean())
            bare.append((np.abs(found.means - truth) <= 1.96 * found.se).mean())
        agree("shrunken means, Morris's term held", f"{b} branches", np.sqrt(naive), found.se_full, by=NAIVE)
        assert np.mean(held_true) > 0.93 > np.mean(bare)
        branches = compare_branches({str(j): Frequencies.from_dict({j - 1.0: 9, j * 1.0: 9}) for j in range(b)}, rng())
        assert all(("few_clusters" in one.shrunken.flags) == (b <= 3) for one in branches.branches.values())


def test_the_funnels_target_is_not_drawn_to_branches_that_seem_sure() -> None:
    found, groups = compare_branches(by("branch"), rng()), by("branch")
    everyone = np.concatenate([np.repeat(one.values, one.counts) for one in groups.values()])
    agree("funnel, target", "simulated bank, 12 branches", everyone.mean(), found.target.value, by=NAIVE)
    targets = []
    for seed in range(200):
        random = np.random.default_rng(seed)
        rows = {str(j): -np.rint(random.exponential(1.3, n)) for j, n in enumerate(random.integers(10, 31, 20))}
        targets.append(compare_branches({k: Frequencies.of(v) for k, v in rows.items()}, random).target.value)
    assert abs(np.mean(targets) + 1.266) < 0.02


def test_case_mix_spends_degrees_of_freedom_on_the_traits() -> None:
    random = np.random.default_rng(4)
    branch, trait = np.repeat([0, 1, 2], 40), random.integers(0, 5, 120)
    y = random.normal(size=120) + 0.5 * trait
    found = case_mix(y, [trait], branch, 3)
    design = np.column_stack([*(branch == b for b in range(3)), *(trait == t for t in range(1, 5))]).astype(float)
    hat = design @ np.linalg.inv(design.T @ design) @ design.T
    residual = y - hat @ y
    naive = [(residual[branch == b] ** 2).sum() / (40 - np.diag(hat)[branch == b].sum()) for b in range(3)]
    agree("case-mix adjusted variances", "three branches, five tiers", naive, found.variances, by=NAIVE)
    alone = case_mix(np.arange(4.0), [np.arange(4)], np.array([0, 0, 1, 1]), 2)
    assert alone.variances.tolist() == [0, 0]  # as many effects as respondents: nothing is left


def test_the_interval_of_impact_asymmetry_matches_the_delta_method_of_r() -> None:
    x, y, wanted = DRIVERS[:, :5], DRIVERS[:, 6], np.array(R["iac"])
    low, high = ({name: side[:, j] for j, name in enumerate(NAMES)} for side in (x <= 3, x >= 6))
    found = penalty_reward(low, high, y)
    right = [j for j in range(5) if wanted[j, 0] < 0 < wanted[j, 1]]
    ours = np.array([three(found[NAMES[j]].asymmetry) for j in right], float)
    cut = np.clip(wanted[right, 2:], -1, 1)
    # R's slopes are differences of 1e-5.
    agree("impact asymmetry with its interval", "simulated bank, n 300", cut, ours, by="sandwich 3.0-2", rel=1e-7)


def test_the_interval_of_impact_asymmetry_matches_one_with_slopes_by_hand() -> None:
    random = np.random.default_rng(6)
    rating = random.integers(1, 8, 900)
    low, high = rating <= 3, rating >= 6
    y = -0.8 * low + 0.4 * high + random.normal(size=900)
    found = penalty_reward({"a": low}, {"a": high}, y)["a"]
    parts = [y[low], y[high], y[~low & ~high]]
    # Means of groups: HC3 variance of a mean is s^2/(n - 1), with the middle shared by both.
    v = [part.var(ddof=0) * part.size / (part.size - 1) ** 2 for part in parts]
    down, up = parts[0].mean() - parts[2].mean(), parts[1].mean() - parts[2].mean()
    slopes = np.array([2 * up, -2 * down]) / (up - down) ** 2
    se = math.sqrt(slopes @ np.array([[v[0] + v[2], v[2]], [v[2], v[1] + v[2]]]) @ slopes)
    agree("impact asymmetry, standard error", "900 ratings of one driver", se,
          (found.asymmetry.high - found.asymmetry.low) / 2 / 1.962597, by=NAIVE, rel=1e-5)  # fmt: skip


def test_a_wrong_sign_is_called_so_however_few_the_ratings() -> None:
    random = np.random.default_rng(2)
    rating = random.integers(1, 8, 24)
    low, high = rating <= 3, rating >= 6
    found = penalty_reward({"a": low}, {"a": high}, 4 + 2.0 * low + high + random.normal(0, 0.1, 24))["a"]
    assert (found.asymmetry.reason, found.label) == ("wrong_sign", "wrong_sign")


def test_drivers_that_repeat_one_another_are_unclear_not_few() -> None:
    rating = np.random.default_rng(2).integers(1, 8, 600)
    low, high = ({name: rating <= 3 for name in "ab"}, {name: rating >= 6 for name in "ab"})
    found = penalty_reward(low, high, rating + 0.0)["a"]
    assert (found.asymmetry.reason, found.label) == ("singular", "unclear")


def test_the_interval_of_r_squared_agrees_with_the_bootstrap_of_r() -> None:
    found = driver_set("y", "x", NAMES, DRIVERS[:, :5], DRIVERS[:, 6], rng())
    # Other draws, 300 against 4000: the limits vary by about a hundredth.
    agree("R squared with its bootstrap interval", "simulated bank, n 300", R["r2"], three(found.r2), by="R 4.2.2, lm",
          rel=0, abs=0.03)  # fmt: skip
    assert found.adjusted_r2.low < found.r2.low < found.adjusted_r2.value < found.r2.value < found.r2.high
    few = driver_set("y", "x", NAMES, DRIVERS[:12, :5], DRIVERS[:12, 6], rng())
    assert few.r2.low is None


def test_an_interval_that_misses_its_estimate_is_widened_and_says_so() -> None:
    moved = held(0.1, 0.2, 0.4, 0.95, 50, "share")
    assert (moved.low, moved.flags) == (0.1, ("interval_widened",)) and held(0.3, 0.2, 0.4, 0.95, 50, "s").flags == ()
    alike = {name: Frequencies.from_dict({-1.0: 6, 0.0: 6, 1.0: 6}) for name in "abcdef"}
    assert "interval_widened" in compare_groups(alike, rng()).omega2.flags


VALUES = st.lists(st.tuples(st.integers(1, 7), st.integers(1, 7)), min_size=0, max_size=25)


@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_any_pairs_give_sound_effects(pairs: list[tuple[int, int]]) -> None:
    p, e = (np.array([one[side] for one in pairs], float) for side in (0, 1))
    with np.errstate(all="raise", under="ignore"):
        one = gap_of(p, e)
        turned = gap_of(e, p)
    assert [part for part in numbers(one) if not sound(part)] == []
    if one.d_av.value is not None and one.d_av.low is not None and turned.d_av.high is not None:
        assert one.d_av.low == pytest.approx(-turned.d_av.high, abs=1e-8)
    assert one.equivalence.p.value == pytest.approx(turned.equivalence.p.value, abs=1e-12)
    found = tost(Frequencies.of(p - e), 0.5)
    assert (found is None) == (one.equivalence.p.value is None)


def test_wider_levels_give_wider_intervals() -> None:
    none = undefined("no_respondents")
    p, e = PAIRS.T
    d, sds = Frequencies.of(p - e), (float(e.std(ddof=1)), float(p.std(ddof=1)))
    found = [gap_tests(d, Levels(none, none), sds, level) for level in (0.8, 0.9, 0.99)]
    for name in ("d_av", "g_av", "rank_biserial"):
        widths = [getattr(one, name).high - getattr(one, name).low for one in found]
        assert all(a < b for a, b in pairwise(widths))
    assert "equivalence" in {field.name for field in fields(GapTests)} and DEFAULT.delta(7) == 0.5
