"""Factor models where answers are missing: two-stage maximum likelihood against lavaan, and in simulations."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.confirm.categorical import likelihood_tests, with_robust
from analysis.confirm.convergence import correlation_of, htmt, htmt2, htmt_intervals
from analysis.confirm.derived import delta_method, standardised_loadings
from analysis.confirm.dif import screening
from analysis.confirm.dwls import OrdinalEstimate, least_squares, ordinal_fit
from analysis.confirm.estimate import Estimate, Sample, entry_information, maximum_likelihood, sample_of
from analysis.confirm.evidence import Evidence, evidence_of, evidence_of_all
from analysis.confirm.fit import acceptable, fit_of
from analysis.confirm.groups import invariance_of
from analysis.confirm.invariance import group_model, invariance
from analysis.confirm.model import Entries, FactorModel, Slopes, correlated_factors, implied, one_factor, slopes
from analysis.confirm.modification import absent_entries, modification_indices, score_test
from analysis.confirm.ordinal import Ordinal, ordinal_moments
from analysis.confirm.report import ConfirmatoryColumn, confirmatory
from analysis.confirm.robust import fourth_moments, lower, robust_modifications, robust_score_test, sandwich
from analysis.confirm.twostage import TwoStage, two_stage
from analysis.matrix import Layout
from analysis.missing import em
from analysis.results import held
from analysis.thresholds import DEFAULT
from analysis.validation import factors
from tests.agreement import agree
from tests.analysis.confirming import BANK, BANK_ITEMS, FOLDER, LAVAAN, SCHOOL, SCHOOL_ITEMS, fitted, scores
from tests.analysis.conftest import bank_layout
from tests.analysis.test_confirm_report import sound

Floats = NDArray[np.float64]
ITEMS = tuple(f"Q{j:02d}" for j in range(1, 13))
BY = {"tan": [0, 1, 2, 3], "rel": [4, 5, 6, 7], "emp": [8, 9, 10, 11]}
MODELS = {"dimensions": correlated_factors(ITEMS, BY), "one_factor": one_factor(ITEMS)}
LAYOUT = Layout(ITEMS, 7, tuple(BY), (), (0,) * 4 + (1,) * 4 + (2,) * 4, (), None)
DATA = "simulated, 21 % missing"
FAST = replace(DEFAULT, htmt_draws=40)


@cache
def wanted() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "confirm_missing_expected.json").read_text())
    return found


@cache
def answers() -> tuple[Floats, NDArray[np.int64]]:
    """Ratings with NaN where missing, and the language of each respondent."""
    with (FOLDER / "confirm_missing.csv").open(newline="") as file:
        numbers = np.array([[float(one or "nan") for one in row] for row in list(csv.reader(file))[1:]])
    return numbers[:, 1:], numbers[:, 0].astype(np.int64) - 1


def first() -> Floats:
    values, group = answers()
    found: Floats = values[group == 0]
    return found


def codes(values: Floats) -> NDArray[np.uint8]:
    """As ratings are stored; what is missing is "not applicable"."""
    return np.where(np.isnan(values), 255, values).astype(np.uint8)


def stage(values: Floats) -> TwoStage:
    found = two_stage(values)
    assert found is not None
    return found


def moments(one: TwoStage) -> Sample:
    return Sample(one.n, one.mean, one.covariance)


def column(values: Floats, layout: Layout = LAYOUT, thresholds: Any = FAST) -> ConfirmatoryColumn:
    rng = np.random.default_rng(1)
    with np.errstate(all="raise", under="ignore"):
        evidence = evidence_of_all(codes(values), rng, thresholds)
        return confirmatory({"p": evidence}, layout, rng, thresholds).columns["p"]


def test_moments_and_how_well_they_are_known_match_lavaan() -> None:
    found, want = stage(first()), wanted()["moments"]
    # lavaan's EM stops at 1e-5 of the log-likelihood.
    agree("two-stage: mean", DATA, want["mean"], found.mean, by=LAVAAN, abs=2e-5)
    agree("two-stage: covariance", DATA, want["cov"], found.covariance, by=LAVAAN, abs=2e-5)
    rows, columns = lower(12)
    order = np.concatenate([np.arange(12), 12 + np.lexsort((rows, columns))])  # lavaan goes down the columns
    gamma = found.fourth().gamma[np.ix_(order, order)]
    agree("two-stage: variance of a moment", DATA, want["gamma"], np.diag(gamma), by=LAVAAN, rel=2e-4)
    for name, at in (("first", 0), ("mid", 49)):
        agree("two-stage: covariance of moments", f"{DATA}, {name}", want[name], gamma[:, at], by=LAVAAN, abs=1e-4)


def test_without_missing_answers_they_are_the_fourth_moments() -> None:
    values = scores("bank", 1)
    plain, found = fourth_moments(values, np.random.default_rng(1)), stage(values)
    agree(
        "two-stage: covariance of moments", "simulated bank, complete", plain.gamma, found.fourth().gamma,
        by="fourth moments of the rows", rel=1e-9, abs=1e-10,
    )  # fmt: skip
    sample = sample_of(values)
    model = correlated_factors(BANK_ITEMS, BANK)
    one, other = fitted(model, sample), fitted(model, moments(found))
    fits = fit_of(one, [plain]), fit_of(other, [replace(found.fourth(), two_stage=False)])
    for name in ("chi2", "chi2_scaled", "cfi_robust", "rmsea_robust", "srmr", "bic"):
        want, ours = (getattr(fit, name).value for fit in fits)
        agree(f"two-stage: {name}", "simulated bank, complete", want, ours, by="MLR of the rows", rel=1e-7, abs=1e-9)


def test_a_part_of_the_items_is_known_as_in_the_whole() -> None:
    found, places = stage(first()), np.array([1, 2, 5, 10])
    part = found.part(places)
    rows, columns = lower(12)
    kept = [j for j in range(78) if rows[j] in places and columns[j] in places]
    every = np.concatenate([places, 12 + np.array(kept)])
    assert np.allclose(part.fourth().gamma, found.fourth().gamma[np.ix_(every, every)], rtol=1e-12)
    assert np.array_equal(part.covariance, found.covariance[np.ix_(places, places)])
    assert np.abs(found.influence.mean(axis=0)).max() < 1e-6


@pytest.mark.parametrize("name", list(MODELS))
def test_models_of_incomplete_answers_match_lavaan(name: str) -> None:
    found, want, fiml = stage(first()), wanted()["two_stage"][name], wanted()["fiml"][name]
    fourth = [found.fourth()]
    estimate = fitted(MODELS[name], moments(found))
    fit, data = fit_of(estimate, fourth), f"{DATA}, {name}"
    assert (fit.df, fit.n, fit.log_likelihood.reason) == (want["fit"]["df"], 300, "not_asked")
    for ours, theirs in (("chi2", "chisq"), ("baseline_chi2", "baseline.chisq")):
        agree(f"two-stage: {ours}", data, want["fit"][theirs], getattr(fit, ours).value, by=LAVAAN, rel=2e-5)

    # lavaan counts the residuals of the twelve means, which are 0.
    residual = np.sqrt(78 / 90) * (fit.srmr.value or 0.0)
    agree("two-stage: srmr", data, want["fit"]["srmr"], residual, by=LAVAAN, rel=1e-4)

    def loadings(at: Any) -> Any:
        return standardised_loadings(estimate.model.groups[0], at).sum(axis=1)

    value, se = delta_method(loadings, estimate.parameters, sandwich(estimate, fourth))
    agree("two-stage: standardised loading", data, want["loadings"]["est"], value, by=LAVAAN, abs=1e-4)
    bread, meat, scale = _as_lavaan(estimate, found)
    _, expected_se = delta_method(loadings, estimate.parameters, bread @ meat @ bread / found.n)
    agree(
        "two-stage: its error by expected information", data, want["loadings"]["se"], expected_se, by=LAVAAN, rel=1e-3
    )
    agree("two-stage: Satorra-Bentler scaling", data, want["fit"]["chisq.scaling.factor"], scale, by=LAVAAN, rel=2e-3)
    # Ours takes observed information, as MLR of complete rows does; so does lavaan's FIML, another estimator of the
    # same, which leaves a difference of about a tenth of an error.
    agree("two-stage: error of a loading beside FIML", data, fiml["loadings"]["se"], se, by=f"{LAVAAN}, FIML", rel=0.07)
    for ours, theirs_name in (("cfi_robust", "cfi.robust"), ("rmsea_robust", "rmsea.robust")):
        given = getattr(fit, ours).value
        agree(f"two-stage: {ours} beside FIML", data, fiml["fit"][theirs_name], given, by=f"{LAVAAN}, FIML", abs=2e-3)
    shown = fit.chi2_scaled.value
    agree(
        "two-stage: scaled chi2 beside FIML", data, fiml["fit"]["chisq.scaled"], shown, by=f"{LAVAAN}, FIML", rel=0.04
    )


def _as_lavaan(found: Estimate, moments_of: TwoStage) -> tuple[Floats, Floats, float]:
    """Naive two-stage inference with normal weights at the saturated moments: bread, meat, scaling factor."""
    rows, columns = lower(found.samples[0].mean.size)
    unit, p = np.eye(found.samples[0].mean.size), found.samples[0].mean.size
    step = Slopes(unit[rows], unit[columns], np.where(rows == columns, 0.5, 1.0), np.zeros((rows.size, p)), rows)
    weight = entry_information(np.linalg.inv(moments_of.covariance), step, step, False)
    jacobian = np.zeros((found.model.n_parameters, rows.size))
    by_entry = slopes(found.model.groups[0], found.implied[0])
    np.add.at(jacobian, by_entry.parameters, by_entry.covariances(rows, columns))
    gamma = moments_of.fourth().gamma[p:, p:]
    bread = np.asarray(np.linalg.inv(jacobian @ weight @ jacobian.T), np.float64)
    meat = jacobian @ weight @ gamma @ weight @ jacobian.T
    residual = weight - weight @ jacobian.T @ bread @ jacobian @ weight
    return bread, meat, float(np.trace(residual @ gamma)) / found.model.df


def test_steps_of_invariance_match_lavaan_where_answers_are_missing() -> None:
    values, group = answers()
    stages = {name: stage(values[group == g]) for g, name in enumerate(("en", "zh"))}
    wide = replace(DEFAULT, invariance_cfi=-1.0, invariance_rmsea=1.0, invariance_srmr_scalar=1.0)
    samples, fourth = ({k: of(v) for k, v in stages.items()} for of in (moments, TwoStage.fourth))
    found = invariance(samples, ITEMS, BY, fourth, wide)
    assert [one.step for one in found.steps] == ["configural", "metric", "scalar", "strict"]
    assert found.flags == ("two_stage",)
    for one in found.steps:
        want, data = wanted()["invariance"][one.step], f"{DATA}, {one.step}"
        assert one.fit is not None and one.fit.df == want["two_stage"]["df"]
        chi2 = one.fit.chi2.value
        agree("two-stage, groups: chi2", data, want["two_stage"]["chisq"], chi2, by=LAVAAN, rel=5e-5)
        # FIML is another estimator; its robust indices aim at the same.  Near 0 the RMSEA is a root of next to nothing.
        for ours, theirs, near in (("cfi_robust", "cfi.robust", 4e-3), ("rmsea_robust", "rmsea.robust", 9e-3)):
            given = getattr(one.fit, ours).value
            want_of, by = want["fiml"][theirs], f"{LAVAAN}, FIML"
            agree(f"two-stage, groups: {ours} beside FIML", data, want_of, given, by=by, abs=near)
        if one.step != "configural":
            change = one.rmsea_change.value
            before = found.steps[[step.step for step in found.steps].index(one.step) - 1].fit
            assert before is not None and change == one.fit.rmsea_robust.value - before.rmsea_robust.value


def test_groups_with_missing_answers_stay_testable_and_the_planted_item_is_found() -> None:
    values, group = answers()
    rng = np.random.default_rng(1)
    found = invariance_of(codes(values), group, ("en", "zh"), LAYOUT, rng, replace(DEFAULT, invariance_n=200))
    assert found.groups == {"en": 300, "zh": 260} and "two_stage" in found.flags
    complete = ~np.isnan(values).any(axis=1)
    assert np.bincount(group[complete]).max() < 200  # complete rows alone could not be tested
    assert (found.consequence, found.freed) == ("partially_comparable", ("Q06",))
    assert [name for name, one in found.items_dif.items() if one.flagged] == ["Q06"]
    few = invariance_of(codes(values[:320]), group[:320], ("en", "zh"), LAYOUT, rng)
    assert (few.consequence, few.reason, few.left_out) == ("not_testable", "too_few", {"zh": 20})
    sound(found)


def test_a_group_whose_moments_cannot_be_told_counts_its_complete_rows() -> None:
    values, group = answers()
    apart = values.copy()
    rows = np.flatnonzero(group == 1)
    apart[rows[::2], 0], apart[rows[1::2], 1] = np.nan, np.nan  # nobody rates both
    found = invariance_of(codes(apart), group, ("en", "zh"), LAYOUT, np.random.default_rng(1))
    assert (found.consequence, found.left_out) == ("not_testable", {"zh": 0}) and "complete_rows_only" in found.flags


@pytest.mark.parametrize("complete", [True, False])
def test_robust_modification_indices_are_those_of_a_naive_score_test(complete: bool) -> None:
    values = first()
    values = values[~np.isnan(values).any(axis=1)] if complete else values
    found = stage(values)
    estimate = fitted(MODELS["one_factor"], moments(found))
    entries = absent_entries(estimate.model)
    index, change = robust_modifications(estimate, entries, found.fourth())
    assert np.allclose(change, modification_indices(estimate)[2], rtol=1e-9)
    at = [int(one) for one in np.argsort(-np.nan_to_num(index))[:3]]
    want = [_naive_score_test(estimate, found, entries["errors"], one) for one in at]
    data = DATA + (", complete rows" if complete else "")
    agree("generalised score test of an error covariance", data, want, index[at], by="naive second program", rel=1e-4)
    one: Any = {"errors": Entries(entries["errors"].rows[at[:1]], entries["errors"].columns[at[:1]], np.array([0]))}
    assert robust_score_test(estimate, [(0, one)], [found.fourth()]) == pytest.approx(index[at[0]], rel=1e-9)


def _naive_score_test(estimate: Estimate, found: TwoStage, entries: Entries, at: int) -> float:
    """Each row's influence on the score, by differences of the gradient, less what the free parameters take."""
    i, j = int(entries.rows[at]), int(entries.columns[at])
    p = found.mean.size
    rows, columns = lower(p)

    def gradient(covariance: Floats) -> Floats:
        inverse = np.linalg.inv(estimate.implied[0].covariance)
        residual = inverse - inverse @ covariance @ inverse
        free = slopes(estimate.model.groups[0], estimate.implied[0])
        own = np.zeros(estimate.model.n_parameters + 1)
        np.add.at(own, free.parameters, free.c * (free.a @ residual * free.b).sum(axis=1))
        own[-1] = residual[i, j]
        return own

    def moved(row: Floats) -> Floats:
        away = np.zeros((p, p))
        away[rows, columns] = away[columns, rows] = row
        return gradient(found.covariance + away) - gradient(found.covariance)

    each = np.array([moved(row) for row in found.influence[:, p:]])
    free = slopes(estimate.model.groups[0], estimate.implied[0])
    inverse = np.linalg.inv(estimate.implied[0].covariance)
    jacobian = np.zeros((estimate.model.n_parameters, rows.size))
    np.add.at(jacobian, free.parameters, free.covariances(rows, columns))
    matrices = []
    for vector in jacobian:
        change = np.zeros((p, p))
        change[rows, columns] = change[columns, rows] = vector
        matrices.append(inverse @ change)
    extra = np.zeros((p, p))
    extra[i, j] = extra[j, i] = 1.0
    shared = np.array([np.trace(inverse @ extra @ one) / 2 for one in matrices])
    within = np.array([[np.trace(one @ other) / 2 for other in matrices] for one in matrices])
    projected = each[:, -1] - each[:, :-1] @ np.linalg.solve(within, shared)
    return float(found.n * gradient(found.covariance)[-1] ** 2 / (projected**2).mean())


def test_the_robust_test_of_an_intercept_is_the_normal_one_for_normal_ratings() -> None:
    rng = np.random.default_rng(4)
    model = group_model(tuple("abcdef"), {"x": [0, 1, 2], "y": [3, 4, 5]}, 2, "scalar")
    rows = [rng.normal(size=(4000, 2)) @ np.kron(np.eye(2), np.ones((1, 3))) + rng.normal(size=(4000, 6)) for _ in "ab"]
    rows[1][:, 2] += 0.2
    found = maximum_likelihood(model, [sample_of(one) for one in rows])
    assert isinstance(found, Estimate)
    freed: Any = [(1, {"intercepts": Entries(np.array([2]), np.array([0]), np.array([0]))})]
    plain, robust = score_test(found, freed), robust_score_test(found, freed, [stage(one).fourth() for one in rows])
    assert plain is not None and robust is not None
    agree("generalised score test of an intercept", "normal, n 8000", plain, robust, by="normal score test", rel=0.06)


def test_limits_of_the_htmt_are_those_of_resampled_rows_put_through_em() -> None:
    values, rng = first(), np.random.default_rng(8)
    found, members = stage(values), np.kron(np.eye(3), np.ones((4, 1)))
    limits, sampled = htmt_intervals(found, members, np.random.default_rng(3))
    assert not sampled
    drawn: dict[str, list[float]] = {"HTMT": [], "HTMT2": []}
    quick = replace(DEFAULT, em_tolerance=1e-6)
    for _ in range(300):
        again = em(values[rng.integers(0, 300, 300)], quick)
        assert again is not None
        for name, function in (("HTMT", htmt), ("HTMT2", htmt2)):
            value = function(correlation_of(again.covariance), BY["tan"], BY["rel"])
            drawn[name] += [value] if isinstance(value, float) else []
    for name, (low, high) in limits.items():
        # 300 draws know their spread to 4 %, limits to 5 %; what is not linear in the rows adds a few percent.
        want = 2 * 1.959964 * float(np.std(drawn[name]))
        agree(f"{name} interval, width", DATA, want, high[0, 1] - low[0, 1], by="EM of resampled rows", rel=0.15)


def test_the_column_says_what_its_numbers_rest_on() -> None:
    found = column(first())
    assert (found.estimator, found.n, found.flags) == ("MLR", 300, ("two_stage",))
    assert found.n_complete == int((~np.isnan(first()).any(axis=1)).sum())
    pair = found.discriminance["tan.rel"]
    assert pair.htmt.n == pair.htmt2.n == 300 and pair.htmt.low is not None and pair.htmt2.low is not None
    assert found.models["dimensions"].acceptable is True and found.verdict == "second_order_fits"
    sound(found)


def test_of_very_many_rows_n_is_the_part_that_is_used() -> None:
    values = np.tile(first(), (4, 1))
    found = column(values, thresholds=replace(FAST, em_rows=700))
    fit = found.models["dimensions"].fit
    assert found.n == 700 and "from_sample" in found.flags and fit is not None
    assert fit.n == 700 and "from_sample" in fit.chi2_scaled.flags
    evidence = evidence_of_all(codes(values), np.random.default_rng(2), replace(FAST, em_rows=700))
    assert evidence.n == 700 and evidence.from_sample


def test_few_answers_to_a_pair_of_items_are_indicative_only() -> None:
    values, rng = scores("bank", 1)[:, :12], np.random.default_rng(2)
    for row in values:
        row[rng.permutation(12)[5:]] = np.nan  # a pair is rated by 53 of 350
    layout = replace(LAYOUT, dimension_of=(0,) * 6 + (1,) * 6, dimensions=("D", "E"))
    found = column(values, layout)
    assert found.n == 350 and {"two_stage", "indicative"} <= set(found.flags)
    alone = values.copy()
    alone[:175, 0], alone[175:, 1] = np.nan, np.nan
    nobody = column(alone, layout)
    assert (nobody.reason, nobody.n, nobody.models) == ("no_complete_cases", 0, {})


def test_few_points_use_complete_rows_and_say_so() -> None:
    values = np.ceil(first() / 7 * 5)
    complete = int((~np.isnan(values).any(axis=1)).sum())
    found = column(values, replace(LAYOUT, points=5))
    assert (found.estimator, found.n, found.n_complete) == ("WLSMV", complete, complete)
    assert "complete_rows_only" in found.flags and found.discriminance["tan.rel"].htmt.n == 300
    sparse = values.copy()
    sparse[np.arange(300), np.arange(300) % 12] = np.nan
    other = column(sparse, replace(LAYOUT, points=5))
    assert (other.estimator, other.n) == ("MLR", 300) and "treated_as_continuous" in other.flags
    sound(found)
    sound(other)


def test_items_that_nobody_rated_together_leave_the_complete_rows() -> None:
    values = first().copy()
    values[:150, 0], values[150:, 1] = np.nan, np.nan
    evidence = evidence_of_all(codes(values), np.random.default_rng(1))
    assert (evidence.n, evidence.stage, evidence.incomplete) == (0, None, 300)
    one = first().copy()
    one[:, 3], one[~np.isnan(one[:, 7]), 7] = np.nan, 4.0
    found = column(one)
    assert {"unanswered_item:Q04", "constant_item:Q08", "two_stage"} <= set(found.flags) and found.n == 300


@pytest.mark.parametrize(
    ("values", "n"),
    [
        (np.full((5, 3), np.nan), 0),
        (np.zeros((0, 3)), 0),
        (np.array([[1.0, np.nan, 2.0]]), 1),
        (np.array([[1.0, 2.0, 3.0], [2.0, np.nan, 1.0]]), 1),
        (np.array([[1.0, np.nan], [2.0, 2.0], [3.0, 3.0], [4.0, 4.0], [np.nan, 3.0]]), 3),  # one repeats the other
    ],
)
def test_thin_answers_have_no_first_stage(values: Floats, n: int) -> None:
    with np.errstate(all="raise", under="ignore"):
        assert two_stage(values) is None
        evidence = evidence_of_all(codes(values), np.random.default_rng(1))
    assert evidence.stage is None and evidence.n == n


def test_moments_do_not_depend_on_the_order_of_respondents_or_on_the_units() -> None:
    values = first()
    found, again = stage(values), stage(values[::-1] * 2 + 1)
    assert np.allclose(again.covariance, 4 * found.covariance, rtol=1e-6)
    k = np.array([2.0] * 12 + [4.0] * 78)
    assert np.allclose(again.fourth().gamma, found.fourth().gamma * np.outer(k, k), rtol=1e-5, atol=1e-6)


def _ordinal(model: FactorModel) -> OrdinalEstimate:
    moments_of = ordinal_moments(scores("ordinal"), np.random.default_rng(1))
    assert isinstance(moments_of, Ordinal)
    found = least_squares(model, moments_of)
    assert isinstance(found, OrdinalEstimate)
    return found


def test_scaled_and_robust_indices_are_two_things_as_in_lavaan() -> None:
    values = scores("school")
    estimate = fitted(correlated_factors(SCHOOL_ITEMS, SCHOOL), sample_of(values))
    fit = fit_of(estimate, [fourth_moments(values, np.random.default_rng(1))])
    for name in ("cfi", "tli", "rmsea"):
        for kind in ("scaled", "robust"):
            given = getattr(fit, f"{name}_{kind}").value
            agree(f"CFA, MLR: {name}_{kind}", "Holzinger-Swineford, both", wanted()["scaled"][f"{name}.{kind}"], given,
                  by=LAVAAN, rel=1e-4)  # fmt: skip


@pytest.mark.parametrize("name", ["dimensions", "one_factor"])
def test_robust_indices_of_ordered_categories_match_lavaan(name: str) -> None:
    items = tuple(f"O{j:02d}" for j in range(1, 11))
    three = correlated_factors(items, {"a": [0, 1, 2], "b": [3, 4, 5], "c": [6, 7, 8, 9]})
    found = _ordinal(three if name == "dimensions" else one_factor(items))
    fit, want, data = with_robust(ordinal_fit(found), found), wanted()["ordinal"][name], f"simulated ordinal, {name}"
    assert acceptable(fit) is (name == "dimensions")
    for ours, theirs in (("cfi", "cfi"), ("tli", "tli"), ("rmsea", "rmsea"), ("p_close", "rmsea.pvalue")):
        given = getattr(fit, f"{ours}_robust").value
        agree(f"WLSMV: {ours}_robust", data, want[f"{theirs}.robust"], given, by=LAVAAN, rel=1e-4, abs=1e-6)
    limits = [want["rmsea.ci.lower.robust"], want["rmsea.ci.upper.robust"]]
    ours_limits = [fit.rmsea_robust.low, fit.rmsea_robust.high]
    agree("WLSMV: limits of rmsea_robust", data, limits, ours_limits, by=LAVAAN, abs=2e-5)


def test_indices_of_ordered_categories_are_undefined_where_no_data_can_have_the_correlations() -> None:
    found = _ordinal(one_factor(tuple(f"O{j:02d}" for j in range(1, 11))))
    broken = replace(found, moments=replace(found.moments, correlation=np.full((10, 10), -0.5) + 1.5 * np.eye(10)))
    assert likelihood_tests(broken) is None
    fit = with_robust(ordinal_fit(found), broken)
    assert fit.cfi_robust.reason == "singular" and isinstance(acceptable(fit), bool)


def test_an_interval_that_must_be_moved_says_so() -> None:
    moved, kept = held(0.5, 0.6, 0.8, 0.95, 100, "m"), held(0.5, 0.4, 0.8, 0.95, 100, "m")
    assert (moved.low, moved.flags, kept.low, kept.flags) == (0.5, ("interval_widened",), 0.4, ())


def test_an_item_is_flagged_only_when_its_gain_is_more_than_chance() -> None:
    rng = np.random.default_rng(3)
    # Gains of .02 come by chance in a few answers.
    flagged, large = [], []
    for _ in range(40):
        rows = np.clip(np.rint(4 + rng.normal(size=(60, 1)) + rng.normal(size=(60, 6))), 1, 7).astype(np.int64)
        found = screening(rows, rng.integers(0, 2, 60), tuple("abcdef")).values()
        flagged += [bool(one.flagged) for one in found]
        large += [one.r2_total.value is not None and one.r2_total.value >= DEFAULT.dif_r2 for one in found]
        assert all((one.p_adjusted.value or 1) >= (one.p.value or 0) - 1e-12 for one in found)
    assert np.mean(flagged) < 0.04 < np.mean(large)


def test_who_left_other_items_out_is_screened_by_the_mean_of_the_rest() -> None:
    values, group = answers()
    found = screening(codes(values), group, ITEMS)
    given = ~np.isnan(values)
    for j, name in enumerate(ITEMS):
        enough = given[:, j] & (np.delete(given, j, axis=1).sum(axis=1) >= 5.5)
        assert found[name].p.n == int(enough.sum())
    complete = given.all(axis=1)
    alone = screening(codes(values)[complete], group[complete], ITEMS)
    assert alone["Q06"].r2_total.value == pytest.approx(found["Q06"].r2_total.value, abs=0.02)


def test_a_true_model_is_not_rejected_and_intervals_hold_the_truth_where_a_fifth_is_missing() -> None:
    checks = {one.name: one for one in factors.incomplete(np.random.default_rng(5), 300, None)}
    assert all(one.holds for one in checks.values()), checks
    # The plain chi-square of the moments by EM has no scaling of its own: nothing may be read off it.
    assert checks["errors.factors.missing.plain"].measured > 0.25


def test_hundreds_of_patterns_of_missing_answers_have_their_moments() -> None:
    rng = np.random.default_rng(1)
    values = np.tile(scores("bank"), (2, 1))[:1000]
    values[np.ix_(rng.random(1000) < 0.2, range(14, 22))] = np.nan
    values[rng.random(values.shape) < 0.05] = np.nan
    assert np.unique(np.isnan(values), axis=0).shape[0] > 200
    gamma = stage(values).fourth().gamma
    assert np.isfinite(gamma).all() and float(np.linalg.eigvalsh(gamma)[0]) > -1e-9 * float(np.abs(gamma).max())


def test_evidence_of_complete_rows_is_that_of_the_rows() -> None:
    ratings = scores("bank").astype(np.uint8)
    one, other = evidence_of(ratings), evidence_of_all(ratings, np.random.default_rng(1))
    assert isinstance(other, Evidence) and other.stage is None and not other.incomplete
    assert np.array_equal(one.covariance, other.covariance)
    assert column(scores("bank"), bank_layout(7, None)).flags == ()
    assert implied(MODELS["one_factor"].groups[0], np.ones(24)).covariance.shape == (12, 12)
