"""Measurement invariance of items of few points, against lavaan and semTools, and what it does with thin data."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import optimize, special

from analysis.confirm.invariance import InvarianceResult
from analysis.confirm.ordinal import Ordinal, ordinal_moments
from analysis.confirm.ordinal_group_fit import grouped_fit, intercept_scores
from analysis.confirm.ordinal_groups import GroupedEstimate, fit_groups, grouped_model, observed
from analysis.confirm.ordinal_invariance import EQUAL, common_categories, ordinal_invariance
from analysis.report import plain
from analysis.thresholds import DEFAULT
from tests.agreement import agree
from tests.analysis.confirming import FOLDER, LAVAAN
from tests.analysis.soundness import numbers, sound

SETS: dict[str, tuple[slice, dict[str, list[int]]]] = {
    "four": (slice(1, 7), {"a": [0, 1, 2], "b": [3, 4, 5]}),
    "five": (slice(7, 16), {"a": [0, 1, 2], "b": [3, 4, 5], "c": [6, 7, 8]}),
}
FLOOR = 2.0**-26  # below this probability lavaan passes over a cell
# lavaan's optimiser stops at a relative change of 1e-10 of the fit function: 1e-5 of a parameter and of its statistics.
NAMES = {
    "chi2": ("chisq", 1e-6),
    "baseline_chi2": ("baseline.chisq", 1e-6),
    "cfi": ("cfi", 1e-6),
    "tli": ("tli", 1e-6),
    "rmsea": ("rmsea", 1e-5),
    "srmr": ("srmr", 2e-5),
    "chi2_scaled": ("chisq.scaled", 1e-5),
    "p_scaled": ("pvalue.scaled", 1e-5),
    "cfi_scaled": ("cfi.scaled", 1e-6),
    "tli_scaled": ("tli.scaled", 1e-6),
    "rmsea_scaled": ("rmsea.scaled", 1e-4),
}


@cache
def expected() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "ordinal_invariance_expected.json").read_text())
    return found


@cache
def data(name: str) -> tuple[tuple[str, ...], dict[str, NDArray[np.int64]]]:
    """Names of the items, and the ratings of both groups."""
    with (FOLDER / "ordinal_invariance.csv").open(newline="") as file:
        header, *rows = list(csv.reader(file))
    every, at = np.array(rows, np.int64), SETS[name][0]
    return tuple(header[at]), {str(g): every[every[:, 0] == g][:, at] for g in (1, 2)}


def analysed(rows: dict[str, NDArray[Any]], name: str = "five", **changes: Any) -> InvarianceResult:
    thresholds = replace(DEFAULT, **changes)
    return ordinal_invariance(rows, data(name)[0], SETS[name][1], np.random.default_rng(1), thresholds)


@cache
def result(name: str) -> InvarianceResult:
    return analysed(data(name)[1], name)


def fitted(name: str, step: Any, freed: tuple[int, ...] = ()) -> GroupedEstimate:
    items, rows = data(name)
    moments = [ordinal_moments(one, np.random.default_rng(1), floor=FLOOR, joint=True) for one in rows.values()]
    samples = [one for one in moments if isinstance(one, Ordinal)]
    model = grouped_model(items, SETS[name][1], samples[0].categories, 2, EQUAL[step], freed)
    found = fit_groups(model, samples)
    assert isinstance(found, GroupedEstimate), found
    return found


@pytest.mark.parametrize(
    ("name", "case", "step", "freed"),
    [(name, name, step, ()) for name in ("four", "five") for step in ("configural", "thresholds", "metric", "scalar")]
    + [("four", "four", "partial_scalar", (1,)), ("five", "five", "partial_scalar", (4,))]
    + [("five", "five_theta", step, ()) for step in ("configural", "thresholds", "metric", "scalar")],
)
def test_every_step_fits_as_in_lavaan(name: str, case: str, step: Any, freed: tuple[int, ...]) -> None:
    want, fit = expected()[case][step], grouped_fit(fitted(name, step, freed))
    kind = ", theta parameterisation" if case.endswith("theta") else ""
    where = f"simulated {name} points, two groups, {step}{kind}"
    assert (fit.df, fit.parameters, fit.baseline_df) == (want["df"], want["npar"], want["baseline.df"])
    for ours, (theirs, rel) in NAMES.items():
        agree(
            f"ordinal invariance: {ours}", where, want[theirs], getattr(fit, ours).value, by=LAVAAN, rel=rel, abs=1e-6
        )
    limits = [want["rmsea.ci.lower.scaled"], want["rmsea.ci.upper.scaled"]]
    # lavaan's root finder stops at 1e-4 of the noncentrality.
    ours_limits = [fit.rmsea_scaled.low, fit.rmsea_scaled.high]
    agree("ordinal invariance: rmsea interval", where, limits, ours_limits, by=LAVAAN, abs=5e-5)


@pytest.mark.parametrize("name", ["four", "five"])
def test_the_cost_of_each_step_is_lavaans(name: str) -> None:
    for step in result(name).steps[1:]:
        want, where = expected()[name][step.step]["lrt"], f"simulated {name} points, two groups, {step.step}"
        assert step.df_change == want["df"]
        found = step.chi2_change.value
        agree("ordinal invariance: scaled difference", where, want["chisq"], found, by="lavaan 0.6-14", rel=1e-5)
        agree("ordinal invariance: its p", where, want["p"], step.p_change.value, by="lavaan 0.6-14", rel=2e-4)


@pytest.mark.parametrize("name", ["four", "five"])
def test_factor_means_and_their_errors_are_lavaans(name: str) -> None:
    found, want = fitted(name, "scalar"), expected()[name]["means"]
    at = found.model.groups[1].part.entries["means"].parameters
    where, se = f"simulated {name} points, scalar model", np.sqrt(np.diag(found.covariance))[at]
    agree("ordinal invariance: factor mean", where, want["est"], found.parameters[at], by=LAVAAN, abs=5e-5)
    agree("ordinal invariance: its robust standard error", where, want["se"], se, by=LAVAAN, abs=5e-5)


def test_the_joint_covariance_of_thresholds_and_correlations_is_lavaans() -> None:
    want, ours = expected()["four"], ordinal_moments(data("four")[1]["1"], np.random.default_rng(1), joint=True)
    assert isinstance(ours, Ordinal) and ours.joint is not None
    where = "simulated four points, first group"
    agree("variance of thresholds and correlations", where, want["gamma"], np.diag(ours.joint), by=LAVAAN, rel=1e-6)
    row = want["gamma_row"]
    agree("covariances of the first threshold", where, row, ours.joint[0], by=LAVAAN, rel=1e-5, abs=1e-6)


def test_a_naive_fit_with_free_unique_variances_reaches_the_same_chi_square() -> None:
    found, p, cuts = fitted("four", "thresholds"), 6, 18
    target = [observed(one) for one in found.samples]
    loads = np.zeros((p, 2), np.bool_)
    loads[:3, 0] = loads[3:, 1] = True
    pairs = [(i, j) for j in range(p) for i in range(j + 1, p)]

    def moments(tau: Any, loading: Any, r: float, unique: Any, nu: Any) -> Any:
        full = np.zeros((p, 2))
        full[loads] = loading
        sigma = full @ np.array([[1, r], [r, 1]]) @ full.T + np.diag(unique)
        sd = np.sqrt(np.diag(sigma))
        ends = [(tau[t] - nu[t // 3]) / sd[t // 3] for t in range(cuts)]
        return np.array(ends + [sigma[i, j] / sd[i] / sd[j] for i, j in pairs])

    def away(at: Any) -> Any:
        first = moments(at[:18], at[18:24], np.tanh(at[24]), np.ones(p), np.zeros(p))
        second = moments(at[:18], at[25:31], np.tanh(at[31]), np.exp(at[32:38]), at[38:44])
        parts = [
            np.sqrt(one.n / np.diag(one.joint)) * (ours - seen)
            for one, ours, seen in zip(found.samples, (first, second), target, strict=True)
        ]
        return np.concatenate(parts)

    start = np.concatenate([target[0][:18], np.ones(6), [0.5], np.ones(6), [0.5], np.zeros(12)])
    best = optimize.least_squares(away, start, xtol=1e-15, ftol=1e-15, gtol=1e-12).fun
    n, size = [one.n for one in found.samples], cuts + len(pairs)
    chi2 = sum((n[g] - 1) / n[g] * float((best[g * size : (g + 1) * size] ** 2).sum()) for g in (0, 1))
    where = "simulated four points, two groups, thresholds"
    agree("ordinal invariance: chi2", where, chi2, found.chi2, by="naive second program", rel=1e-7)


def test_the_score_of_an_intercept_is_near_the_squared_estimate_over_its_variance() -> None:
    items = [i for i in range(9) if i != 4]
    scores, wald = intercept_scores(fitted("five", "partial_scalar", (4,))), []
    for i in items:
        freer = fitted("five", "partial_scalar", (4, i))
        entries = freer.model.groups[1].part.entries["intercepts"]
        at = int(entries.parameters[entries.rows == i][0])
        wald.append(float(freer.parameters[at] ** 2 / freer.covariance[at, at]))
    ours = np.sqrt([scores[i] for i in items])
    # Both are the same statistic in large samples; at n 580 they differ by some hundredths.
    where = "simulated five points, two groups"
    agree(
        "robust score of an intercept, root", where, np.sqrt(wald), ours, by="Wald test of the freed", rel=0.05, abs=0.1
    )


def test_alike_groups_are_comparable_and_a_shifted_item_is_found() -> None:
    assert (result("four").consequence, result("four").freed) == ("comparable", ())
    assert (result("five").consequence, result("five").freed) == ("partially_comparable", ("V05",))
    steps = ["configural", "thresholds", "metric", "scalar", "partial_scalar"]
    assert [one.step for one in result("five").steps] == steps
    assert [one.holds for one in result("five").steps] == [None, True, True, False, True]


def test_shifted_thresholds_make_groups_incomparable() -> None:
    rows = dict(data("five")[1])
    other = rows["2"].copy()
    # Half of the middle answers go to the ends of the scale, in six of nine items.
    push = np.random.default_rng(3).random(other.shape) < 0.5
    push[:, [0, 3, 6]] = False
    other[push & (other == 2)] = 1
    other[push & (other == 4)] = 5
    found = analysed({**rows, "2": other})
    assert found.consequence == "not_comparable" and [one.step for one in found.steps] == ["configural", "thresholds"]


def test_the_order_of_groups_and_respondents_does_not_matter() -> None:
    rows, rng = data("five")[1], np.random.default_rng(2)
    turned = analysed({name: rng.permutation(one) for name, one in reversed(rows.items())})
    for one, other in zip(result("five").steps, turned.steps, strict=True):
        assert one.fit.chi2_scaled.value == pytest.approx(other.fit.chi2_scaled.value, rel=1e-6)
        assert one.holds == other.holds


def test_a_category_that_one_group_never_uses_is_joined_to_its_neighbour() -> None:
    rows = {name: one.copy() for name, one in data("five")[1].items()}
    rows["2"][rows["2"][:, 0] == 5, 0] = 4
    rows["2"][rows["2"][:, 3] == 2, 3] = 3
    joined = {name: one.copy() for name, one in rows.items()}
    joined["1"][joined["1"][:, 0] == 5, 0] = 4
    joined["1"][joined["1"][:, 3] == 2, 3] = 3
    found, want = analysed(rows), analysed(joined)
    assert {"collapsed_categories:V01", "collapsed_categories:V04"} <= set(found.flags)
    assert want.flags == () and [one.fit for one in found.steps] == [one.fit for one in want.steps]


def test_categories_in_common_are_those_all_groups_use() -> None:
    one, other = np.array([[1], [2], [3], [5]]), np.array([[2], [3], [4]])
    codes, sizes = common_categories([one, other])
    assert sizes == [3] and codes[0][:, 0].tolist() == [0, 0, 1, 2] and codes[1][:, 0].tolist() == [0, 1, 2]
    assert common_categories([np.array([[1]]), np.array([[2]])])[1] == [1]


def test_items_of_two_categories_are_left_out_and_named() -> None:
    rows = {name: one.copy() for name, one in data("five")[1].items()}
    for one in rows.values():
        one[:, 0] = np.where(one[:, 0] > 3, 5, 1)
        one[:, [3, 4]] = 3
    found = analysed(rows)
    assert found.dimensions == ("a", "c") and found.items == ("V02", "V03", "V07", "V08", "V09")
    flags = {"dichotomous_item:V01", "dichotomous_item:V04", "single_item:b"}
    assert flags <= set(found.flags) and found.steps[-1].fit is not None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda v: v[:100], "too_few"),
        (lambda v: v[:0], "too_few"),
        (lambda v: v[:1], "too_few"),
        (lambda v: v * 0, "no_variance"),
        (lambda v: np.where(v > 3, 1, 0), "no_variance"),
        (lambda v: v[:, [0, 0, 2, 3, 4, 5, 6, 7, 8]], "singular"),
        (lambda v: v[:, [0, 3, 6, 1, 4, 7, 2, 5, 8]], "improper_solution"),
    ],
)
def test_what_cannot_be_tested_says_why(change: Any, reason: str) -> None:
    with np.errstate(all="raise", under="ignore"):
        found = analysed({name: change(one) for name, one in data("five")[1].items()})
    assert (found.consequence, found.reason) == ("not_testable", reason)


def test_one_group_and_no_dimension_cannot_be_tested() -> None:
    rows = data("five")[1]
    assert analysed({"1": rows["1"]}).reason == "too_few"
    assert analysed({"1": rows["1"], "2": rows["2"][:140]}).left_out == {"2": 140}
    assert ordinal_invariance(rows, data("five")[0], {}, np.random.default_rng(1)).reason == "one_item"


def test_many_rows_are_sampled_and_a_factor_of_three_items_starts_without_degrees_of_freedom() -> None:
    items, rows = data("five")
    some = ordinal_invariance(
        {name: one[:, :3] for name, one in rows.items()},
        items[:3],
        {"a": [0, 1, 2]},
        np.random.default_rng(1),
        replace(DEFAULT, factor_rows=200),
    )
    assert "from_sample" in some.flags and some.groups == {"1": 320, "2": 260}
    assert some.steps[0].fit.df == 0 and some.steps[1].holds is not None


def test_equal_thresholds_of_three_categories_cost_nothing() -> None:
    three = {name: np.clip(one, 2, 4) for name, one in data("five")[1].items()}
    step = analysed(three).steps[1]
    assert (step.df_change, step.chi2_change.reason, step.p_change.reason) == (0, *("just_identified",) * 2)
    assert step.holds and step.cfi_change.value == pytest.approx(0, abs=1e-9)


def test_moments_must_be_of_the_model() -> None:
    found = fitted("four", "configural")
    with pytest.raises(ValueError, match="of the model's groups"):
        fit_groups(found.model, found.samples[:1])


def test_the_result_becomes_json() -> None:
    assert json.loads(json.dumps(plain(result("five"))))["consequence"] == "partially_comparable"


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 5), st.floats(0, 0.95), st.integers(0, 120))
def test_any_ratings_give_sound_numbers(seed: int, points: int, pull: float, fewer: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = {"x": 120, "y": 120 - fewer, "z": 60}
    share = rng.dirichlet(np.full(points, 0.7), 6)
    cuts = special.ndtri(np.clip(np.cumsum(share, axis=1)[:, :-1], 1e-9, 1 - 1e-9))
    rows = {}
    for name, n in sizes.items():
        latent = pull * rng.normal(size=(n, 1)) + np.sqrt(1 - pull**2) * rng.normal(size=(n, 6))
        rows[name] = (latent[:, :, None] > cuts).sum(axis=2) + 1
    thresholds = replace(DEFAULT, invariance_n=30)
    with np.errstate(all="raise", under="ignore"):
        found = ordinal_invariance(
            rows, [f"i{j}" for j in range(6)], {"a": [0, 1, 2], "b": [3, 4, 5]}, np.random.default_rng(1), thresholds
        )
    assert all(sound(one) for one in numbers(found))
