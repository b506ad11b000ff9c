"""Internal consistency, against worked examples, psych, lavaan, boot and naive second programs."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from analysis.consistency.bootstrap import alpha_intervals, resampling_weights
from analysis.consistency.difference import difference_reliability
from analysis.consistency.intervals import bonett_interval, duhachek_error, duhachek_interval
from analysis.consistency.lambdas import lambda2, lambda6, odd_even, splits
from analysis.consistency.omega import omega_minres, omega_ml, spearman_brown
from analysis.consistency.ordinal import ordinal_alpha, ordinal_consistency
from analysis.consistency.report import Consistency, consistency, guide_word
from analysis.consistency.retest import Retest, retest
from analysis.explore.columns import columns, skewness
from analysis.explore.extraction import extract
from analysis.explore.matrices import correlation
from analysis.explore.polychoric import pair_tables, polychoric_matrix
from analysis.frequencies import Frequencies
from analysis.matrix import Layout, ScoreMatrix
from analysis.reliability import reliability
from analysis.report import plain
from analysis.results import Statistic
from analysis.schema import schema_of
from analysis.tally import summarise
from analysis.thresholds import Thresholds
from tests.agreement import agree

REFERENCES = Path(__file__).resolve().parents[1] / "references"
PSYCH, LAVAAN, EXAMPLE = "psych 2.2.9", "lavaan 0.6-14", "worked example W03"
SIMULATED = "simulated structure, n 240"


@pytest.fixture(autouse=True)
def _errors_raise() -> Iterator[None]:
    with np.errstate(all="raise", under="ignore"):
        yield


@pytest.fixture(scope="module")
def r() -> Any:
    return json.loads((REFERENCES / "structure_expected.json").read_text())


@pytest.fixture(scope="module")
def ratings() -> Any:
    with (REFERENCES / "structure.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    return np.array(rows[1:], np.uint8)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def spread(scores: Any) -> Any:
    return np.cov(np.asarray(scores, float), rowvar=False)


def raw_alpha(scores: Any) -> float:
    c = spread(scores)
    k = len(c)
    return float(k / (k - 1) * (1 - np.trace(c) / c.sum()))


def naive_splits(c: Any) -> list[float]:
    k, total, found = len(c), c.sum(), []
    for chosen in combinations(range(k), k // 2):
        rest = [j for j in range(k) if j not in chosen]
        if 2 * len(chosen) == k and 0 in rest:
            continue
        found.append(2 * (1 - (c[np.ix_(chosen, chosen)].sum() + c[np.ix_(rest, rest)].sum()) / total))
    return found


# The worked example


@pytest.mark.reference
def test_intervals_match_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W03")
    c, a = spread(inputs["X"]), expected["alpha"]
    agree("alpha, Bonett interval", "W03", expected["ci_bonett"], bonett_interval(a, 8, 4), by=EXAMPLE)
    agree("alpha, Duhachek error", "W03", expected["ase_duhachek"], duhachek_error(c, 8), by=EXAMPLE)
    agree("alpha, Duhachek interval", "W03", expected["ci_duhachek"], duhachek_interval(a, c, 8), by=EXAMPLE)


@pytest.mark.reference
def test_lambdas_and_halves_match_the_worked_example(reference: Any, rng: Any) -> None:
    inputs, expected = reference.example("W03")
    c = spread(inputs["X"])
    halves = [expected[name] for name in ("odd_even_r", "spearman_brown", "guttman_l4_odd_even")]
    agree("lambda-2", "W03", expected["lambda2"], lambda2(c), by=EXAMPLE)
    agree("lambda-4", "W03", expected["lambda4"], splits(c, rng).best, by=EXAMPLE)
    agree("lambda-6", "W03", expected["lambda6"], lambda6(c)[0], by=EXAMPLE)
    agree("odd-even halves", "W03", halves, odd_even(c), by=EXAMPLE)


@pytest.mark.reference
def test_omega_matches_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W03")
    found = omega_ml(spread(inputs["X"]))
    # The example's own tolerance for iterative estimates.
    agree("omega total, one factor ML", "W03", expected["omega_total_ml_1f"], found.value, by=EXAMPLE, rel=1e-6)
    agree("loadings, one factor ML", "W03", expected["ml_loadings"], found.loadings, by=EXAMPLE, rel=1e-6)
    agree("uniqueness, one factor ML", "W03", expected["ml_uniqueness"], found.uniqueness, by=EXAMPLE, rel=1e-6)
    edge = expected["edge"]["heywood"]
    heywood = omega_ml(spread(edge["X"]))
    agree("omega total, Heywood case", "W03", edge["omega_total_ml_1f"], heywood.value, by=EXAMPLE, rel=1e-6)
    assert heywood.heywood and not found.heywood


@pytest.mark.reference
def test_reliability_of_a_difference_matches_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W04")
    found = [
        difference_reliability(*(one[name] for name in ("sd_p", "sd_e", "rel_p", "rel_e", "r")))
        for one in inputs["cases"]
    ]
    wanted = [math.nan if one is None else one for one in expected["rel"]]
    agree("reliability of the difference", "W04", wanted, found, by="worked example W04")


# psych, lavaan


@pytest.mark.parametrize("scale", ["total", "first", "four", "five", "pair"])
def test_simulated_scales_match_psych_and_lavaan(ratings: Any, r: Any, rng: Any, scale: str) -> None:
    wanted, name = r["scales"][scale], f"{SIMULATED}, {scale}"
    c = spread(ratings[:, wanted["items"]])
    agree("alpha, Duhachek error", name, wanted["ase"], duhachek_error(c, 240), by=PSYCH)
    agree("lambda-6", name, wanted["lambda6"], lambda6(c)[0], by=PSYCH)
    agree("lambda-2", name, wanted["lambda2"], lambda2(c), by=PSYCH)
    halves = [wanted[one] for one in ("odd_even", "stepped", "rulon")]
    agree("odd-even halves", name, halves, odd_even(c), by="R 4.2.2")
    found = splits(c, rng)
    assert found.exact
    naive = naive_splits(c)
    ours = (found.best, found.mean, found.least, found.count)
    agree("splits", name, [max(naive), np.mean(naive), min(naive), len(naive)], ours, by="naive second program")
    if len(c) % 2 == 0:  # psych looks at half of the splits of an odd number of items
        agree("splits", name, [wanted["lambda4"], wanted["mean"], wanted["least"]], ours[:3], by=PSYCH)
    if len(c) > 2:
        omega = omega_ml(c)
        # R to the last digit: factanal, and for three items the closed form.  lavaan stops at a gradient of about
        # 1e-6, at a worse likelihood than factanal and ours, which leaves it 3e-6 away; psych leaves its optimiser at
        # R's default tolerance.
        both = (omega.value, omega.over_observed)
        agree("omega total, one factor ML", name, wanted["tight"], both, by="R 4.2.2", rel=1e-7)
        agree("omega total, one factor ML", name, [wanted["omega"], wanted["observed"]], both, by=LAVAAN, rel=5e-6)
        agree("omega total, one factor minres", name, wanted["omega_minres"], omega_minres(correlation(c)).value, by=PSYCH, rel=1e-4)  # fmt: skip  # noqa: E501


@pytest.mark.reference
@pytest.mark.parametrize("column", ["expectation", "perception", "gap"])
def test_kiosk_scales_match_psych(reference: Any, column: str) -> None:
    kiosk = reference.r["kiosk"]
    wanted = kiosk["gap_reliability"] if column == "gap" else kiosk[column]["reliability"]
    data = columns(reference.kiosk_tally, reference.kiosk)
    found = consistency(reference.kiosk_tally, data, np.random.default_rng(1)).columns[column]
    scales = {"total": reference.kiosk_tally.scales["total"]}
    scales |= {name: reference.kiosk_tally.scales[f"dimension:{name}"] for name in found.dimensions}
    for name, one in {"total": found.total, **found.dimensions}.items():
        row, where = wanted[name], f"kiosk, {column}, {name}"
        agree("alpha, Feldt interval", where, [row["raw_alpha"], *row["ci_feldt"]], [one.alpha.value, one.alpha.low, one.alpha.high], by=PSYCH)  # fmt: skip  # noqa: E501
        agree("alpha, Duhachek interval", where, row["ci_duhachek_qnorm"], [one.alpha_duhachek.low, one.alpha_duhachek.high], by=PSYCH)  # fmt: skip  # noqa: E501
        agree("lambda-2", where, row["lambda2"], one.lambda2.value, by="R 4.2.2")
        agree("lambda-6", where, row["lambda6_smc"], one.lambda6.value, by=PSYCH)
        c = correlation(data[column].covariance[np.ix_(scales[name], scales[name])])
        minres = omega_minres(c)
        # psych leaves its optimiser at R's default tolerance.
        agree("omega total, one factor minres", where, [row["omega_total_1f_minres_std"], row["omega_1f_over_observed"]], [minres.value, minres.over_observed], by=PSYCH, rel=0, abs=1e-4)  # fmt: skip  # noqa: E501


@pytest.mark.reference
def test_kiosk_ordinal_alpha_and_omega_match(reference: Any) -> None:
    data = columns(reference.kiosk_tally, reference.kiosk)
    for column in ("expectation", "perception"):
        wanted = reference.r["kiosk"][column]["polychoric"]
        found = ordinal_consistency(data[column].polychoric, (0, 1, 2))
        where = f"kiosk, {column}, USE"
        # The tolerance of the reference notes is 1e-3; both programs' optimisers stop at about 1e-5.
        agree("ordinal alpha", where, wanted["ordinal_alpha"]["lavaan"], found.alpha.value, by=LAVAAN, rel=0, abs=1e-4)
        agree(
            "ordinal alpha",
            where,
            wanted["ordinal_alpha"]["psych_correct0_local"],
            found.alpha.value,
            by=PSYCH,
            rel=0,
            abs=1e-4,
        )
        agree("ordinal omega", where, wanted["ordinal_omega_1f_minres"], found.omega.value, by=PSYCH, rel=0, abs=1e-4)
        assert "latent_responses" in found.alpha.flags


def test_ordinal_alpha_of_simulated_answers_matches_lavaan(ratings: Any, r: Any) -> None:
    matrix = polychoric_matrix(pair_tables(ratings, 5)).correlation
    agree("ordinal alpha", SIMULATED, r["ordinal_alpha"], ordinal_alpha(matrix), by=LAVAAN, rel=0, abs=5e-5)


@pytest.mark.reference
def test_kiosk_differences_match_r(reference: Any) -> None:
    wanted = reference.r["kiosk"]["difference_score_reliability"]
    data = columns(reference.kiosk_tally)
    found = consistency(reference.kiosk_tally, data, np.random.default_rng(1)).difference
    e = reference.kiosk.reference.astype(float)
    p = reference.kiosk.perception.astype(float)
    for name, one in {"total": found.total, **found.dimensions}.items():
        row = wanted[name]
        ours = [one.reliability.value, one.correlation.value, one.alpha_of_gaps.value]
        theirs = [row["reliability_diff"], row["r_EP"], row["alpha_of_gap_items"]]
        agree("reliability of the difference, r, alpha of gaps", f"kiosk, {name}", theirs, ours, by="R 4.2.2")
        items = list(reference.kiosk_tally.scales["total" if name == "total" else f"dimension:{name}"])
        x, y = p[:, items].mean(axis=1), e[:, items].mean(axis=1)
        naive = [y.var() / x.var(), np.corrcoef(x - y, y)[0, 1], np.corrcoef(x - y, x)[0, 1]]
        ours = [one.variance_ratio.value, one.gap_with_expectation.value, one.gap_with_perception.value]
        agree("variance restriction", f"kiosk, {name}", naive, ours, by="naive second program")
    assert "groups_only" in found.dimensions["FUN"].reliability.flags
    assert "groups_only" not in found.total.reliability.flags


def test_reliability_of_a_difference_is_that_of_simulated_true_scores() -> None:
    # True scores with variances 1 and 1 that correlate .4; errors of variance .25 and .6.
    rng = np.random.default_rng(8)
    true = rng.multivariate_normal([0, 0], [[1, 0.4], [0.4, 1]], size=400_000)
    seen = true + rng.normal(size=true.shape) * np.sqrt([0.25, 0.6])
    naive = np.var(true[:, 0] - true[:, 1]) / np.var(seen[:, 0] - seen[:, 1])
    sd = np.sqrt([1.25, 1.6])
    ours = difference_reliability(sd[0], sd[1], 1 / 1.25, 1 / 1.6, 0.4 / (sd[0] * sd[1]))
    # A simulated share of variance, with a standard error of about 0.002.
    agree("reliability of the difference", "simulated true scores", naive, ours, by="naive simulation", rel=0, abs=0.01)


# Naive second programs


def test_intervals_match_naive_programs(ratings: Any) -> None:
    x = ratings[:, :4].astype(float)
    c, a = spread(x), raw_alpha(x)
    z = stats.norm.ppf(0.975)
    half = z * np.sqrt(2 * 4 / (3 * 238))
    naive = [1 - np.exp(np.log(1 - a) + half), 1 - np.exp(np.log(1 - a) - half)]
    agree("alpha, Bonett interval", SIMULATED, naive, bonett_interval(a, 240, 4), by="naive second program")

    def of(c: Any) -> float:
        return float(4 / 3 * (1 - np.trace(c) / c.sum()))

    # The delta method with numerical derivatives by the covariances of normal data.
    slope = np.zeros((4, 4))
    for i, j in product(range(4), repeat=2):
        step = np.zeros((4, 4))
        step[i, j] = 1e-5
        slope[i, j] = (of(c + step) - of(c - step)) / 2e-5
    error = math.sqrt(2 * np.trace(slope @ c @ slope.T @ c) / 240)
    symmetric = (slope + slope.T) / 2
    assert error == pytest.approx(math.sqrt(2 * np.trace(symmetric @ c @ symmetric @ c) / 240), rel=1e-6)
    agree("alpha, Duhachek error", SIMULATED, error, duhachek_error(c, 240), by="numerical delta method", rel=1e-6)


def test_omega_matches_a_naive_search(ratings: Any) -> None:
    c = spread(ratings[:, 3:8])

    def discrepancy(x: Any) -> float:
        model = np.outer(x[:5], x[:5]) + np.diag(np.exp(x[5:]))
        return float(np.linalg.slogdet(model)[1] + np.trace(np.linalg.solve(model, c)))

    with np.errstate(all="ignore"):
        best = optimize.minimize(
            discrepancy, [*np.sqrt(np.diag(c)) * 0.7, *np.log(np.diag(c) / 2)], options={"gtol": 1e-7}
        ).x
    naive = best[:5].sum() ** 2 / (best[:5].sum() ** 2 + np.exp(best[5:]).sum())
    agree(
        "omega total, one factor ML",
        f"{SIMULATED}, items 4 to 8",
        naive,
        omega_ml(c).value,
        by="naive search",
        rel=1e-5,
    )


def test_omega_of_weak_factors_is_at_the_lowest_minimum() -> None:
    for seed in (8, 30, 71, 112, 201):
        rng = np.random.default_rng(seed)
        c = correlation(spread(0.4 * rng.normal(size=(30, 1)) + rng.normal(size=(30, 6))))
        naive = extract(c, 1, "ml", 1e-7, rng.uniform(0.05, 0.95, (30, 6)))
        loadings, uniqueness = naive.loadings[:, 0], naive.uniqueness
        value = loadings.sum() ** 2 / (loadings.sum() ** 2 + uniqueness.sum())
        agree(
            "omega total, weak factor",
            f"normal, seed {seed}",
            value,
            omega_ml(c).value,
            by="30 random starts",
            rel=1e-5,
        )


def test_omega_by_ml_does_not_depend_on_units(ratings: Any) -> None:
    c = spread(ratings[:, :5])
    scale = np.diag([1, 10, 0.1, 3, 5])
    one, other = omega_ml(c), omega_ml(scale @ c @ scale)
    assert other.loadings == pytest.approx(np.diag(scale) * one.loadings, rel=1e-6)


def test_all_splits_of_22_items_are_quick_and_long_scales_are_sampled() -> None:
    rng = np.random.default_rng(2)
    c = spread(rng.normal(size=(300, 24)) + rng.normal(size=(300, 1)))
    whole = splits(c[:22, :22], rng)
    assert (whole.count, whole.exact) == (352_716, True)
    c10, c11 = c[:10, :10], c[:11, :11]
    for part in (c10, c11):
        naive, found = naive_splits(part), splits(part, rng)
        agree(
            "splits",
            f"normal, {len(part)} items",
            [max(naive), min(naive)],
            [found.best, found.least],
            by="naive second program",
        )
    sampled = splits(c, np.random.default_rng(1), draws=500)
    assert (sampled.count, sampled.exact) == (500, False)
    assert sampled.best == splits(c, np.random.default_rng(1), draws=500).best <= splits(c, rng, 24).best + 1e-12


def test_lambdas_bound_one_another(ratings: Any, rng: Any) -> None:
    c = spread(ratings)
    assert raw_alpha(ratings) <= lambda2(c) <= 1 and raw_alpha(ratings) <= splits(c, rng).best
    # The mean over equal halves is alpha (Cronbach 1951).
    even = spread(ratings[:, :8])
    agree("mean split half", f"{SIMULATED}, 8 items", raw_alpha(ratings[:, :8]), splits(even, rng).mean, by="alpha")


def test_singular_correlations_use_the_pseudo_inverse(ratings: Any) -> None:
    c = spread(np.column_stack([ratings[:, :3], ratings[:, 0]]))
    value, pseudo = lambda6(c)
    assert pseudo and 0 <= value <= 1 and not lambda6(c[:3, :3])[1]


# Bootstrap


def test_bca_of_alpha_matches_a_naive_program_on_the_same_resamples(ratings: Any) -> None:
    x = ratings[:60, :4].astype(float)
    ours = alpha_intervals(
        ratings[:60, :4], np.ones((60, 4), bool), {"s": (0, 1, 2, 3)}, np.random.default_rng(7), 400
    )["s"]
    weights = resampling_weights(60, 400, np.random.default_rng(7)).astype(int)
    draws = np.array([raw_alpha(np.repeat(x, row, axis=0)) for row in weights])
    value = raw_alpha(x)
    jack = np.array([raw_alpha(np.delete(x, j, axis=0)) for j in range(60)])
    z0 = stats.norm.ppf(((draws < value).sum() + (draws == value).sum() / 2) / 400)
    a = stats.skew(jack.mean() - jack) / (6 * math.sqrt(60))
    levels = [stats.norm.cdf(z0 + (z0 + z) / (1 - a * (z0 + z))) for z in stats.norm.ppf([0.025, 0.975])]
    naive = [value, *np.quantile(draws, levels)]
    agree(
        "alpha, BCa interval",
        f"{SIMULATED}, 60 rows",
        naive,
        [ours.value, ours.low, ours.high],
        by="naive second program",
    )


def test_bca_of_alpha_is_near_that_of_boot(ratings: Any, r: Any) -> None:
    wanted = r["bootstrap"]
    scales = {"s": tuple(range(9))}
    found = alpha_intervals(ratings, np.ones(ratings.shape, bool), scales, np.random.default_rng(1), 5000)["s"]
    agree("alpha", SIMULATED, wanted["value"], found.value, by="boot 1.3-28.1")
    # Other random numbers, and boot's own interpolation: 5000 draws leave about 0.002.
    agree(
        "alpha, BCa interval", SIMULATED, wanted["bca"], [found.low, found.high], by="boot 1.3-28.1", rel=0, abs=0.006
    )


def test_resampling_groups_of_rows_gives_the_interval_of_rows() -> None:
    rng = np.random.default_rng(3)
    x = np.clip(np.rint(6 + rng.normal(size=(6000, 1)) + rng.normal(size=(6000, 4))), 1, 7).astype(np.uint8)
    here, scales = np.ones(x.shape, bool), {"s": (0, 1, 2, 3)}
    rows = alpha_intervals(x, here, scales, np.random.default_rng(1), 2000, groups=6000)["s"]
    groups = alpha_intervals(x, here, scales, np.random.default_rng(1), 2000, groups=600)["s"]
    assert groups.value == pytest.approx(rows.value, rel=1e-12)
    # Both are random: an interval of width 0.02 from 2000 draws varies by about 0.0005.
    agree("alpha, BCa interval by groups", "simulated, n 6000", [rows.low, rows.high], [groups.low, groups.high], by="rows one by one", rel=0, abs=0.002)  # fmt: skip  # noqa: E501


def test_bootstrap_of_thin_data_gives_the_reason() -> None:
    scales = {"s": (0, 1), "one": (0,)}

    def reasons(x: Any) -> list[Any]:
        x = np.array(x, np.uint8).reshape(-1, 2)
        found = alpha_intervals(x, x > 0, scales, np.random.default_rng(1), 50)
        return [one.reason for one in found.values()]

    assert reasons([]) == ["no_complete_cases", "one_item"]
    assert reasons([[1, 2]]) == ["one_respondent", "one_item"]
    assert reasons([[3, 3]] * 5) == ["no_variance", "one_item"]
    assert reasons([[3, 0], [0, 2]]) == ["no_complete_cases", "one_item"]
    two = alpha_intervals(
        np.array([[1, 2], [5, 4]]), np.ones((2, 2), bool), {"s": (0, 1)}, np.random.default_rng(1), 50
    )["s"]
    assert two.value is not None and two.low is None and "no_bootstrap" in two.flags


# Retest


def test_retest_matches_psych_and_a_naive_program(r: Any) -> None:
    scores = np.array(r["retest"]["scores"])
    found = retest(scores[:, 0], scores[:, 1])
    for name, one in (("agreement", found.agreement), ("consistency", found.consistency)):
        agree(f"ICC, {name}", "sleep", r["retest"][name], [one.value, one.low, one.high], by=PSYCH)
    v, covariance = scores.var(axis=0, ddof=1), np.cov(scores.T)[0, 1]
    apart = (scores[:, 0] - scores[:, 1]).mean() ** 2
    residual = (v.sum() / 2 - covariance) / 10  # what the difference of the means owes to chance, both halves of it
    naive = [covariance / (v.mean() + apart / 2 - residual), covariance / v.mean()]
    agree("ICC, agreement and consistency", "sleep", naive, [found.agreement.value, found.consistency.value], by="naive second program")  # fmt: skip  # noqa: E501
    error = math.sqrt(v.mean() * (1 - found.agreement.value))
    ours = [found.error.value, found.smallest_change.value]
    agree(
        "SEM and smallest change",
        "sleep",
        [error, stats.norm.ppf(0.975) * math.sqrt(2) * error],
        ours,
        by="naive second program",
    )
    assert "few_pairs" in found.agreement.flags


def test_a_shift_lowers_agreement_but_not_consistency() -> None:
    x = np.arange(40.0)
    found = retest(x, x + 10)
    assert found.consistency.value == 1 and found.agreement.value < 1 and "no_residual" in found.agreement.flags
    assert retest(x, x).agreement.value == 1 and retest(x, x).error.value == 0


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ([], [], "no_complete_pairs"),
        ([1.0], [2.0], "one_respondent"),
        ([1.0, math.nan], [math.nan, 2.0], "no_complete_pairs"),
        ([3.0, 3.0, 3.0], [3.0, 3.0, 3.0], "no_variance"),
        ([3.0, 3.0, 3.0], [5.0, 5.0, 5.0], "no_variance"),
    ],
)
def test_retest_without_its_needs_gives_the_reason(first: Any, second: Any, reason: str) -> None:
    found = retest(np.array(first), np.array(second))
    assert {one.reason for one in (found.agreement, found.consistency, found.error, found.smallest_change)} == {reason}


def test_pairs_that_only_change_places_have_no_agreement() -> None:
    found = retest(np.array([1.0, 2.0]), np.array([2.0, 1.0]))
    assert found.agreement.reason == found.error.reason == "no_variance" and found.consistency.value < 0
    few = retest(np.array([3.0, 2.0, 3.0]), np.array([2.0, 3.0, 2.0])).agreement
    assert few.value is not None and (few.low, few.high) == (None, None)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(*[st.sampled_from([1.0, 2.0, 3.0, math.nan])] * 2), max_size=12))
def test_any_two_occasions_give_numbers_or_reasons(pairs: Any) -> None:
    first, second = np.array(pairs, float).reshape(-1, 2).T
    for one in statistics(retest(first, second)):
        assert one.value is not None or one.reason is not None
        assert all(math.isfinite(x) for x in (one.value, one.low, one.high) if x is not None)
        assert one.low is None or one.low - 1e-9 <= one.value <= one.high + 1e-9


# The whole


def reported(perception: Any, expectation: Any = None, dimensions: int = 2, thresholds: Any = None) -> Consistency:
    k = perception.shape[1]
    names = tuple(f"D{d}" for d in range(dimensions))
    asked = None if expectation is None else "expectation"
    layout = Layout(tuple(f"Q{j}" for j in range(k)), 7, names, (), tuple(j % dimensions for j in range(k)), (), asked)
    matrix = ScoreMatrix(layout, perception, expectation)
    tally = summarise(matrix, screen=False)
    return consistency(
        tally, columns(tally, matrix, screen=False), np.random.default_rng(1), thresholds or Thresholds()
    )


def statistics(part: Any) -> Iterator[Statistic]:
    if isinstance(part, Statistic):
        yield part
    elif isinstance(part, dict):
        for one in part.values():
            yield from statistics(one)
    elif is_dataclass(part):
        for field in fields(part):
            yield from statistics(getattr(part, field.name))


def test_the_report_has_the_scales_of_the_reliability(customers: Any) -> None:
    matrix = customers(150)
    tally = summarise(matrix)
    found = consistency(tally, columns(tally, matrix), np.random.default_rng(1))
    beside = reliability(tally)
    assert found.columns.keys() == beside.keys() == {"expectation", "perception", "gap"}
    for name, one in found.columns.items():
        assert one.dimensions.keys() == beside[name].dimensions.keys() == found.difference.dimensions.keys()
        assert one.stages.keys() == beside[name].stages.keys() == found.difference.stages.keys()
        assert one.total.alpha.value == beside[name].total.alpha.value
        assert (one.total.ordinal is None) == (name == "gap")
    json.dumps(plain(found), allow_nan=False)
    assert schema_of(Consistency) and schema_of(Retest)


def test_the_same_seed_gives_the_same_report(customers: Any) -> None:
    matrix = customers(80)
    tally = summarise(matrix)
    one, other = (consistency(tally, columns(tally, matrix), np.random.default_rng(5)) for _ in range(2))
    assert one == other


def test_skewed_items_bring_the_bootstrap_and_even_ones_do_not() -> None:
    rng = np.random.default_rng(6)
    even = np.clip(np.rint(4 + rng.normal(size=(120, 1)) + rng.normal(size=(120, 6))), 1, 7).astype(np.uint8)
    skewed = even.copy()
    skewed[:, 0] = np.where(rng.random(120) < 0.05, 1, 7)
    assert reported(even).columns["perception"].total.alpha_bootstrap is None
    found = reported(skewed).columns["perception"]
    assert found.total.alpha_bootstrap.low < found.total.alpha_bootstrap.value < found.total.alpha_bootstrap.high
    assert found.dimensions["D0"].alpha_bootstrap is not None and found.dimensions["D1"].alpha_bootstrap is None
    x = skewed[:, 0].astype(float)
    ours = skewness(Frequencies.of(x))
    agree("skewness", "simulated, n 120", stats.skew(x), ours, by="scipy 1.17")


def test_short_scales_say_what_they_are() -> None:
    rng = np.random.default_rng(9)
    rows = np.clip(np.rint(4 + rng.normal(size=(90, 1)) + rng.normal(size=(90, 5))), 1, 7).astype(np.uint8)
    three = reported(rows[:, :3], dimensions=1).columns["perception"].total
    assert "just_identified" in three.omega.flags
    two = reported(rows[:, :2], dimensions=1).columns["perception"].total
    assert two.omega.value == pytest.approx(spearman_brown(spread(rows[:, :2]))) and "not_identified" in two.omega.flags
    one = reported(rows[:, :1], dimensions=1).columns["perception"].total
    assert {part.reason for part in statistics(one)} == {"one_item"}


def test_guide_words_follow_the_thresholds() -> None:
    words = [guide_word(Statistic(value)) for value in (0.5, 0.70, 0.85, 0.93, 0.96)]
    assert words == ["low", "research", "dimension", "individual", "redundant"]
    assert guide_word(Statistic(None, reason="one_item")) is None


def test_a_constant_item_is_left_out_of_what_needs_correlations() -> None:
    rng = np.random.default_rng(4)
    rows = np.clip(np.rint(4 + rng.normal(size=(50, 1)) + rng.normal(size=(50, 4))), 1, 7).astype(np.uint8)
    with_constant = np.column_stack([rows, np.full(50, 4)]).astype(np.uint8)
    one = reported(rows, dimensions=1).columns["perception"].total
    other = reported(with_constant, dimensions=1).columns["perception"].total
    assert other.omega.value == pytest.approx(one.omega.value) and other.lambda6.value == pytest.approx(
        one.lambda6.value
    )
    assert other.ordinal.alpha.value == pytest.approx(one.ordinal.alpha.value)
    assert other.alpha.value != pytest.approx(one.alpha.value) and "constant_item:Q4" in other.alpha.flags


def test_a_constant_expectation_leaves_the_reliability_of_perception() -> None:
    rng = np.random.default_rng(4)
    p = np.clip(np.rint(4 + rng.normal(size=(50, 1)) + rng.normal(size=(50, 4))), 1, 7).astype(np.uint8)
    found = reported(p, np.full(p.shape, 7, np.uint8), dimensions=1)
    assert found.difference.total.reliability.value == pytest.approx(found.columns["perception"].total.alpha.value)
    assert found.difference.total.gap_with_expectation.reason == "no_variance"
    same = reported(p, p, dimensions=1).difference.total
    assert same.reliability.reason == "no_variance" and same.correlation.value == pytest.approx(1)
    assert reported(p).difference is None


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (np.zeros((0, 4)), "no_respondents"),
        (np.full((1, 4), 3), "one_respondent"),
        (np.full((9, 4), 3), "no_variance"),
        (np.zeros((9, 4)), "no_complete_cases"),
    ],
)
def test_thin_data_give_the_reason(rows: Any, reason: str) -> None:
    total = reported(rows.astype(np.uint8), dimensions=1).columns["perception"].total
    assert {total.alpha.reason, total.lambda4.reason, total.omega.reason, total.lambda2.reason} == {reason}


def test_repeated_items_and_fewer_rows_than_items_have_no_omega() -> None:
    rng = np.random.default_rng(2)
    rows = rng.integers(1, 8, (40, 4)).astype(np.uint8)
    rows[:, 3] = rows[:, 0]
    found = reported(rows, dimensions=1).columns["perception"].total
    assert found.omega.reason == "singular" and "pseudo_inverse" in found.lambda6.flags
    assert reported(rows[:, [0, 0, 0]], dimensions=1).columns["perception"].total.alpha.value == pytest.approx(1)
    few = rng.integers(1, 8, (5, 8)).astype(np.uint8)
    assert reported(few, dimensions=1).columns["perception"].total.omega.reason == "singular"


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_answers_give_numbers_or_reasons(data: Any) -> None:
    n, k = data.draw(st.integers(0, 25)), data.draw(st.integers(1, 6))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    values = np.array([0, 255, *range(1, 8)], np.uint8)
    weights = rng.dirichlet(np.full(values.size, data.draw(st.sampled_from([0.1, 1.0, 10.0]))))
    p, e = (rng.choice(values, size=(n, k), p=weights) for _ in range(2))
    few = Thresholds(alpha_draws=60)
    found = reported(p, e, min(2, k), few)
    for one in statistics(found):
        assert one.value is not None or one.reason is not None
        assert all(math.isfinite(x) for x in (one.value, one.low, one.high) if x is not None)
        if one.low is not None and "BCa" not in one.method:
            assert one.low <= one.value + 1e-12 and one.value <= one.high + 1e-12
    json.dumps(plain(found), allow_nan=False)
    turn = rng.permutation(n)
    again = reported(p[turn], e[turn], min(2, k), few)
    for name, column in found.columns.items():
        mine, other = column.total, again.columns[name].total
        assert (mine.alpha, mine.lambda4, mine.omega) == (other.alpha, other.lambda4, other.omega)
    # A point more everywhere changes no covariance.
    if n and bool(((p < 7) & (p > 0)).all()):
        up = reported((p + 1).astype(np.uint8), None, min(2, k), few).columns["perception"].total
        if found.columns["perception"].total.lambda2.value is not None:
            assert up.lambda2.value == pytest.approx(found.columns["perception"].total.lambda2.value)
