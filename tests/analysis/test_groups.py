"""Groups and branches, against the worked examples, base R, lme4 and metafor."""

from __future__ import annotations

import csv
import json
import math
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.compare.branches import case_mix, one_way, pool, random_intercept, rank_intervals, shrink
from analysis.compare.funnel import funnel
from analysis.compare.groups import GroupComparison, compare_groups
from analysis.compare.rank_tests import brunner_munzel
from analysis.compare.report import Branches, compare_branches
from analysis.compare.studentized import range_quantile, range_tail
from analysis.frequencies import Frequencies
from analysis.thresholds import DEFAULT
from tests.agreement import agree
from tests.analysis.soundness import numbers, sound

HERE = Path(__file__).parents[1] / "references"
R: dict[str, Any] = json.loads((HERE / "groups_expected.json").read_text())
with (HERE / "groups.csv").open(newline="") as file:
    ROWS = list(csv.DictReader(file))
GAPS = np.array([float(row["gap"]) for row in ROWS])
BASE = "R 4.2.2"
W09 = "worked example W09"


def by(trait: str) -> dict[str, Frequencies]:
    names = sorted({row[trait] for row in ROWS})
    return {name: Frequencies.of(GAPS[[row[trait] == name for row in ROWS]]) for name in names}


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.mark.parametrize("k", [2, 3, 5, 10])
def test_the_studentized_range_agrees_with_scipy(k: int) -> None:
    for df in (2.0, 5.4, 31.0, 400.0, 1e6):
        wanted = stats.studentized_range.sf([0.5, 2.0, 3.7, 6.0], k, df)
        found = [range_tail(q, k, df) for q in (0.5, 2.0, 3.7, 6.0)]
        agree(f"studentized range, {k} means", f"q .5 to 6, df {df:g}", wanted, found, by="scipy 1.17", rel=0, abs=2e-9)
    for df in (2.5, 4.0, 7.3, 60.0, 2000.0, 24_000.0):
        q = range_quantile(0.95, k, df)
        agree("studentized range, tail of the quantile", f"{k} means, df {df:g}", 0.05, range_tail(q, k, df),
              by="our own tail", rel=1e-7)  # fmt: skip
    agree("studentized range, quantile", f"{k} means, df 12", stats.studentized_range.ppf(0.95, k, 12),
          range_quantile(0.95, k, 12), by="scipy 1.17", rel=1e-8)  # fmt: skip


def test_a_range_of_one_mean_is_refused() -> None:
    with pytest.raises(ValueError, match="k >= 2"):
        range_tail(1.0, 1, 3.0)


@pytest.fixture(scope="module")
def w09(reference: Any) -> tuple[GroupComparison, dict[str, Any], dict[str, Frequencies]]:
    inputs, expected = reference.example("W09")
    groups = {name: Frequencies.of(np.array(values)) for name, values in inputs["groups"].items()}
    return compare_groups(groups, rng()), expected, groups


@pytest.mark.reference
def test_groups_match_the_worked_example(w09: Any) -> None:
    found, expected, _ = w09
    agree("Welch F", "W09", expected["welch"]["F"], found.f.value, by=W09)
    agree("Welch p", "W09", expected["welch"]["p"], found.p.value, by=W09)
    agree("omega squared", "W09", expected["anova"]["omega2"], found.omega2.value, by=W09)
    agree("Kruskal-Wallis H", "W09", expected["kruskal"]["H"], found.h.value, by=W09)
    agree("Kruskal-Wallis p", "W09", expected["kruskal"]["p"], found.p_h.value, by=W09)
    agree("epsilon squared", "W09", expected["kruskal"]["epsilon2"], found.epsilon2.value, by=W09)


@pytest.mark.reference
def test_pairs_match_the_worked_example(w09: Any) -> None:
    found, expected, _ = w09
    for pair in found.pairs:
        howell = expected["games_howell"][f"{pair.first}-{pair.second}"]
        dunn = expected["dunn"][f"{pair.first}-{pair.second}"]
        data = f"W09, {pair.first}-{pair.second}"
        agree("Games-Howell difference", data, [howell["diff"], *howell["ci95"]],
              [pair.difference.value, pair.difference.low, pair.difference.high], by=W09, rel=1e-7)  # fmt: skip
        agree("Games-Howell p", data, howell["p"], pair.p.value, by=W09, rel=1e-7)
        agree("Dunn z", data, dunn["z"], pair.dunn.value, by=W09)
        agree("Dunn p, Holm", data, dunn["p_holm"], pair.p_dunn.value, by=W09)


@pytest.mark.reference
def test_branch_moments_match_the_worked_example(w09: Any) -> None:
    _, expected, groups = w09
    n, means, variances = (np.array([float(x) for x in one]) for one in zip(
        *[(g.n, g.mean(), g.variance()) for g in groups.values()], strict=True))  # fmt: skip
    found = one_way(n, means, variances)
    assert found is not None
    agree("ICC(1), ICC(2), n0, tau2 by moments", "W09",
          [expected[key] for key in ("icc1", "icc2", "n0", "tau2_anova")],
          [found.icc1, found.icc2, found.n0, found.tau2], by=W09)  # fmt: skip
    v = found.within / n
    weight = 1 / (found.tau2 + v)
    grand = float((weight * means).sum() / weight.sum())
    eb = shrink(means, v, found.tau2, grand, 0.0)
    wanted = expected["shrinkage"]
    agree("shrunken means, pooled variance", "W09", [wanted["grand_mean_gls"], *wanted["lambda_"].values(),
          *wanted["blup"].values()], [grand, *eb.reliability, *eb.means], by=W09)  # fmt: skip


@pytest.mark.parametrize("data", ["tiers", "chickwts"])
def test_groups_match_r(data: str) -> None:
    wanted = R[data]
    if data == "tiers":
        groups = by("tier")
    else:
        weight, feed = np.array(wanted["weight"], float), np.array(wanted["feed"])
        groups = {name: Frequencies.of(weight[feed == name]) for name in wanted["levels"]}
    found = compare_groups(groups, rng())
    name = {"tiers": "simulated bank, 4 tiers", "chickwts": "chickwts"}[data]
    agree("Welch F and p", name, [wanted["welch"][0], wanted["welch"][3]], [found.f.value, found.p.value], by=BASE)
    agree("Kruskal-Wallis H and p", name, wanted["kruskal"], [found.h.value, found.p_h.value], by=BASE)
    agree("omega and epsilon squared", name, [wanted["omega2"], wanted["epsilon2"]],
          [found.omega2.value, found.epsilon2.value], by=BASE)  # fmt: skip
    ours = [[p.difference.value, p.p.value, p.difference.low, p.difference.high] for p in found.pairs]
    agree("Games-Howell", name, wanted["gh"], ours, by=f"{BASE}, ptukey", rel=1e-6, abs=1e-7)
    agree("Dunn z", name, wanted["dunn"]["z"], [p.dunn.value for p in found.pairs], by=f"{BASE}, rank")
    agree("Dunn p, Holm", name, wanted["dunn"]["p_holm"], [p.p_dunn.value for p in found.pairs], by=f"{BASE}, p.adjust")


def test_two_groups_are_compared_by_welchs_t_and_ranks() -> None:
    tiers = by("tier")
    (pair,) = compare_groups({name: tiers[name] for name in ("mass", "young")}, rng()).pairs
    agree("Welch t p and interval", "simulated bank, two tiers", R["two"],
          [pair.p.value, pair.difference.low, pair.difference.high], by=BASE)  # fmt: skip
    agree("probability of superiority", "simulated bank, two tiers", R["brunner"],
          [pair.superiority.value, pair.superiority.low, pair.superiority.high], by=f"{BASE}, rank")  # fmt: skip
    a, b = (np.repeat(one.values, one.counts) for one in (tiers["mass"], tiers["young"]))
    pooled = math.sqrt(((a.size - 1) * a.var(ddof=1) + (b.size - 1) * b.var(ddof=1)) / (a.size + b.size - 2))
    df = a.size + b.size - 2
    j = math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)
    agree("Hedges g", "simulated bank, two tiers", j * (a.mean() - b.mean()) / pooled, pair.g.value,
          by="naive second program")  # fmt: skip
    agree("probability of superiority", "simulated bank, mass before young",
          np.mean([[(x > y) + (x == y) / 2 for y in b] for x in a]), pair.superiority.value,
          by="naive second program")  # fmt: skip


def test_branches_match_metafor_and_lme4() -> None:
    wanted, groups = R["branches"], by("branch")
    found = compare_branches(groups, rng())
    names = wanted["names"]
    bank = "simulated bank, 12 branches"
    n, means, variances = (np.array(wanted[key], float) for key in ("n", "mean", "var"))
    pooled = pool(means, variances / n)
    agree("random-effects mean, Q, tau2", bank,
          [wanted[key] for key in ("fixed", "q", "p_q", "tau2_dl", "mean_pm", "se_pm")],
          [pooled.fixed_mean, pooled.q, pooled.p_q, pooled.tau2_dl, pooled.mean, pooled.se], by="metafor 3.8-1",
          rel=1e-8)  # fmt: skip
    agree("tau2, Paule-Mandel", bank, wanted["tau2_pm"], pooled.tau2, by="metafor 3.8-1", rel=1e-8)
    agree("shrunken means, empirical Bayes", bank, wanted["blup"],
          [found.branches[name].shrunken.value for name in names], by="metafor 3.8-1", rel=1e-8)  # fmt: skip
    reml = random_intercept(n, means, variances)
    assert reml is not None
    # lme4 stops its search at about six digits.
    agree("random intercept, REML", bank, [wanted[f"reml_{key}"] for key in ("mean", "se", "tau2", "sigma2")],
          [reml.mean, reml.se, reml.tau2, reml.sigma2], by="lme4 1.1-31", rel=1e-5)  # fmt: skip


def test_the_standard_error_of_a_shrunken_mean_matches_metafor() -> None:
    wanted, groups = R["branches"], by("branch")
    n, means, variances = (np.array(wanted[key], float) for key in ("n", "mean", "var"))
    pooled = pool(means, variances / n)
    eb = shrink(means, variances / n, pooled.tau2, pooled.mean, pooled.se)
    agree("shrunken means, standard error", "simulated bank, 12 branches", wanted["blup_se"], eb.se, by="metafor 3.8-1",
          rel=1e-7)  # fmt: skip
    shown = compare_branches(groups, rng()).branches
    ours = [(shown[name].shrunken.high - shown[name].shrunken.low) / 2 / 1.959963984540054 for name in wanted["names"]]
    b, part = len(n), pooled.tau2 / (pooled.tau2 + variances / n)
    morris = np.sqrt(eb.se**2 + 2 / (b - 3) * (1 - part) ** 2 * (means - pooled.mean) ** 2)
    agree(
        "shrunken means, interval shown (Morris)",
        "simulated bank, 12 branches",
        morris,
        ours,
        by="naive second program",
    )


def test_case_mix_adjustment_matches_a_regression_with_branch_effects() -> None:
    wanted = R["branches"]
    branch = np.array([wanted["names"].index(row["branch"]) for row in ROWS])
    tiers = sorted({row["tier"] for row in ROWS})
    tier = np.array([tiers.index(row["tier"]) for row in ROWS])
    found = case_mix(GAPS, [tier], branch, 12)
    agree("case-mix adjusted branch means", "simulated bank, 12 branches", wanted["adjusted"], found.means, by=BASE)
    agree(
        "case-mix adjusted variances", "simulated bank, 12 branches", wanted["adjusted_var"], found.variances, by=BASE
    )
    assert compare_branches(by("branch"), rng(), adjusted=found).branches["b01"].adjusted.value == found.means[0]


@pytest.mark.reference
def test_pooling_and_funnel_match_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W14")
    means, v = np.array(inputs["mean"]), np.array(inputs["sd"]) ** 2 / np.array(inputs["n"])
    pooled, drawn = pool(means, v), funnel(means, v)
    eb = shrink(means, v, pooled.tau2, pooled.mean, pooled.se)
    assert drawn is not None
    by14 = "worked example W14"
    keys = ("fixed_mean", "Q", "Q_p", "I2", "tau2_dl", "tau2_pm", "mean_pm", "se_mean_pm")
    ours = [pooled.fixed_mean, pooled.q, pooled.p_q, pooled.i2, pooled.tau2_dl, pooled.tau2, pooled.mean, pooled.se]
    agree("random-effects pooling", "W14", [expected[key] for key in keys], ours, by=by14)
    agree("shrunken means", "W14", [*expected["lambda_"], *expected["eb"]], [*eb.reliability, *eb.means], by=by14)
    agree("funnel z", "W14", [expected["phi"], *expected["z_unadjusted"], *expected["z_additive"]],
          [drawn.phi, *drawn.z_plain, *drawn.z], by=by14)  # fmt: skip
    plain = funnel(means, v, additive=False)
    assert plain is not None
    wanted = [*expected["limits_95"], *expected["limits_998"]]
    agree("funnel limits, chance alone", "W14", wanted, [*plain.inner, *plain.outer], by=by14)
    wide = np.sqrt(v + pooled.tau2_dl) * 1.959963984540054
    naive = np.column_stack([pooled.fixed_mean - wide, pooled.fixed_mean + wide])
    agree("funnel limits, over-dispersion added", "W14", naive, drawn.inner, by="naive second program")


def test_many_branches_are_winsorised_before_over_dispersion_is_measured() -> None:
    means = np.concatenate([np.zeros(19), [9.0]]) + np.linspace(-0.1, 0.1, 20)
    drawn = funnel(means, np.full(20, 0.04), target=0.0)
    z = np.clip(means / 0.2, *np.quantile(means / 0.2, [0.1, 0.9]))
    assert drawn is not None
    agree(
        "over-dispersion, winsorised", "20 branches, one far off", (z**2).mean(), drawn.phi, by="naive second program"
    )
    assert drawn.z[-1] > 5


def test_equal_branches_all_shrink_to_the_mean() -> None:
    found = compare_branches({name: Frequencies.from_dict({-1.0: 20, 0.0: 20}) for name in "abcdef"}, rng())
    assert found.between_sd.value == 0 and found.icc1.value < 0
    assert {branch.shrunken.value for branch in found.branches.values()} == {-0.5}
    assert {branch.rank.reason for branch in found.branches.values()} == {"unreliable_ranking"}


def test_branches_that_do_differ_are_ranked_with_intervals() -> None:
    groups = {f"b{j}": Frequencies.from_dict({j - 6.0: 30, j - 5.0: 30, j - 4.0: 30}) for j in range(6)}
    found = compare_branches(groups, rng())
    assert [branch.rank.value for branch in found.branches.values()] == [1, 2, 3, 4, 5, 6]
    assert found.icc2.value > DEFAULT.rank_reliability
    assert all(branch.rank.low <= branch.rank.value <= branch.rank.high for branch in found.branches.values())


def test_rank_intervals_cover_what_a_plain_count_of_draws_gives() -> None:
    means, se = np.array([-1.0, -0.8, 0.0]), np.array([0.2, 0.2, 0.2])
    middle, low, high = rank_intervals(means, se, np.random.default_rng(3), draws=500)
    drawn = means + se * np.random.default_rng(3).standard_normal((500, 3))
    ranks = np.array([[sum(other <= one for other in row) for one in row] for row in drawn])
    agree("rank intervals from draws", "three branches", np.median(ranks, axis=0), middle, by="naive second program")
    assert low.tolist() == np.floor(np.quantile(ranks, 0.025, axis=0)).tolist() and (high >= middle).all()


def test_fewer_than_five_branches_give_no_funnel() -> None:
    found = compare_branches({name: Frequencies.from_dict({-1.0: 20, 0.0: 20}) for name in "abcd"}, rng())
    assert found.overdispersion.reason == "few_branches"
    assert {branch.place for branch in found.branches.values()} == {"no_funnel"}


def test_a_group_of_one_stays_in_the_rank_tests_only() -> None:
    found = compare_groups(
        {"a": Frequencies.from_dict({-1.0: 5, 0.0: 5}), "b": Frequencies.from_dict({-2.0: 4, 1.0: 6}),
         "c": Frequencies.from_dict({1.0: 1})}, rng())  # fmt: skip
    assert found.f.n == 20 and found.h.n == 21 and found.f.flags == ("one_respondent:c",)


def test_a_group_without_spread_falls_back_to_ranks_and_permutation() -> None:
    found = compare_groups({"a": Frequencies.from_dict({-1.0: 8}), "b": Frequencies.from_dict({0.0: 4, 1.0: 5})}, rng())
    assert found.p.reason == "no_variance" and found.p_h.value < 0.01 and found.p_permutation.value < 0.02


@pytest.mark.parametrize(
    ("groups", "reason"),
    [({}, "one_group"), ({"a": {}}, "one_group"), ({"a": {1.0: 5}}, "one_group"),
     ({"a": {1.0: 5}, "b": {}}, "one_group"), ({"a": {1.0: 5}, "b": {1.0: 4}}, "no_variance")],
)  # fmt: skip
def test_groups_without_their_needs_give_the_reason(groups: Any, reason: str) -> None:
    found = compare_groups({name: Frequencies.from_dict(one) for name, one in groups.items()}, rng())
    assert {found.f.reason, found.h.reason, found.omega2.reason} == {reason}


VALUES = st.dictionaries(st.sampled_from([-6.0, -2.5, -1.0, 0.0, 1 / 3, 6.0]), st.integers(1, 30), max_size=5)


@settings(max_examples=40, deadline=None)
@given(st.lists(VALUES, min_size=0, max_size=7))
def test_any_groups_give_sound_numbers(lists: list[dict[float, int]]) -> None:
    groups = {f"g{j}": Frequencies.from_dict(one) for j, one in enumerate(lists)}
    with np.errstate(all="raise", under="ignore"):
        found = compare_groups(groups, rng(), draws=50)
        some = {name: one for name, one in groups.items() if one.n}
        branches: Branches | None = compare_branches(some, rng()) if some else None
    assert [one for one in numbers((found, branches)) if not sound(one)] == []


@settings(max_examples=30, deadline=None)
@given(VALUES.filter(bool), VALUES.filter(bool))
def test_superiority_is_complementary_and_blind_to_monotone_changes(a: Any, b: Any) -> None:
    one, other = Frequencies.from_dict(a), Frequencies.from_dict(b)
    there, back = brunner_munzel(one, other), brunner_munzel(other, one)
    assert there.value == pytest.approx(1 - back.value, abs=1e-12)
    cubed = [Frequencies.of(x.values**3, x.counts) for x in (one, other)]
    assert brunner_munzel(*cubed).value == pytest.approx(there.value, abs=1e-12)


def test_every_pair_is_there_once() -> None:
    found = compare_groups(by("tier"), rng())
    assert [(p.first, p.second) for p in found.pairs] == list(combinations(found.groups, 2))
