"""Measurement invariance and differential item functioning, against lavaan and MASS."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from statsmodels.miscmodels.ordinal_model import OrderedModel

from analysis.confirm.dif import dif, screening
from analysis.confirm.estimate import Estimate, maximum_likelihood, sample_of
from analysis.confirm.groups import invariance_of
from analysis.confirm.invariance import InvarianceResult, compared, group_model, invariance
from analysis.confirm.model import Entries
from analysis.confirm.modification import score_test
from analysis.confirm.robust import fourth_moments, sandwich
from analysis.ordered import ordered_logit
from analysis.thresholds import DEFAULT
from tests.agreement import agree
from tests.analysis.confirming import BANK, BANK_ITEMS, LAVAAN, SCHOOL, SCHOOL_ITEMS, expected, scores, table
from tests.analysis.conftest import bank_layout

SETS = {"school": (SCHOOL_ITEMS, SCHOOL, (0, 1)), "bank": (BANK_ITEMS, BANK, (1, 2))}
PARTIAL = {"school": [2, 6], "bank": [2, 8, 15]}
MASS = "MASS 7.3-58.2"
# As in test_confirm_estimate: lavaan's optimiser, and the root finder of its RMSEA limits.
NAMES = {
    "chi2": ("chisq", 1e-7),
    "cfi": ("cfi", 1e-7),
    "tli": ("tli", 1e-7),
    "rmsea": ("rmsea", 1e-6),
    "p_close": ("rmsea.pvalue", 1e-6),
    "srmr": ("srmr", 1e-4),
    "bic": ("bic", 1e-9),
    "chi2_scaled": ("chisq.scaled", 1e-5),
    "scaling_factor": ("chisq.scaling.factor", 1e-5),
    "cfi_robust": ("cfi.robust", 1e-5),
    "tli_robust": ("tli.robust", 1e-5),
    "rmsea_robust": ("rmsea.robust", 1e-5),
}


def run(name: str, **changes: Any) -> InvarianceResult:
    items, by, groups = SETS[name]
    rows = {str(g): scores(name, g) for g in groups}
    fourth = {g: fourth_moments(one, np.random.default_rng(1)) for g, one in rows.items()}
    thresholds = replace(DEFAULT, **{"invariance_n": 140, **changes})
    return invariance({g: sample_of(one) for g, one in rows.items()}, items, by, fourth, thresholds)


@pytest.mark.parametrize("name", ["school", "bank"])
def test_every_step_matches_lavaan(name: str) -> None:
    # Limits so wide that every step is taken, then so narrow that intercepts are freed.
    steps = {
        one.step: one for one in run(name, invariance_cfi=-1.0, invariance_rmsea=1.0, invariance_srmr_scalar=1.0).steps
    }
    assert list(steps) == ["configural", "metric", "scalar", "strict"]
    for step, found in steps.items():
        want, data = expected()[f"{name}_invariance"][step], f"{name}, {step}"
        assert (found.fit.df, found.fit.parameters) == (want["df"], want["npar"])
        for ours, (theirs, rel) in NAMES.items():
            value = getattr(found.fit, ours).value
            agree(f"invariance: {ours}", data, want[theirs], value, by=LAVAAN, rel=rel, abs=1e-7)
        limits = [want["rmsea.ci.lower"], want["rmsea.ci.upper"]]
        agree(
            "invariance: rmsea interval", data, limits, [found.fit.rmsea.low, found.fit.rmsea.high], by=LAVAAN, abs=2e-5
        )
        if step != "configural":
            test, ours_test = want["lrt"], [found.chi2_change.value, found.df_change, found.p_change.value]
            theirs_test = [test["chisq"], test["df"], test["p"]]
            agree("invariance: scaled chi-square difference", data, theirs_test, ours_test, by=LAVAAN, rel=1e-3)


@pytest.mark.parametrize("name", ["school", "bank"])
def test_a_partly_invariant_model_matches_lavaan_and_so_do_its_factor_means(name: str) -> None:
    items, by, groups = SETS[name]
    rows = [scores(name, g) for g in groups]
    model = group_model(items, by, 2, "partial_scalar", PARTIAL[name])
    found = maximum_likelihood(model, [sample_of(one) for one in rows])
    assert isinstance(found, Estimate) and found.status == "proper"
    want = expected()[f"{name}_invariance"]
    agree(
        "invariance: chi2", f"{name}, partial scalar", want["partial_scalar"]["chisq"], found.chi2, by=LAVAAN, rel=1e-6
    )
    means, at = want["means"], model.groups[1].free["means"][:, 0]
    order = [list(by).index(one) for one in means["factor"]]
    errors = np.sqrt(np.diag(sandwich(found, [fourth_moments(one, np.random.default_rng(1)) for one in rows])))
    agree("invariance: factor mean", name, means["est"], found.parameters[at][order], by=LAVAAN, abs=1e-4)
    agree("invariance: its robust standard error", name, means["se"], errors[at][order], by=LAVAAN, abs=1e-4)


@pytest.mark.parametrize("name", ["school", "bank"])
def test_modification_indices_of_intercepts_match_lavaan(name: str) -> None:
    items, by, groups = SETS[name]
    found = maximum_likelihood(group_model(items, by, 2, "scalar"), [sample_of(scores(name, g)) for g in groups])
    assert isinstance(found, Estimate)

    def index(item: int, group: int) -> float | None:
        return score_test(found, [(group, {"intercepts": Entries(np.array([item]), np.array([0]), np.array([0]))})])

    want = [expected()[f"{name}_invariance"]["scores"][one] for one in items]
    ours = [index(i, 1) for i in range(len(items))]
    # Small scores at lavaan's optimum are known to about 1e-4 only.
    agree("invariance: score test of an intercept", name, want, ours, by=LAVAAN, rel=1e-3, abs=1e-4)
    assert ours == pytest.approx([index(i, 0) for i in range(len(items))], rel=1e-6)


def test_planted_intercepts_are_found_and_leave_means_partially_comparable() -> None:
    found = run("bank")
    assert [one.step for one in found.steps] == ["configural", "metric", "scalar", "partial_scalar"]
    assert (set(found.freed), found.consequence) == ({"Q03", "Q09", "Q16"}, "partially_comparable")
    assert [one.holds for one in found.steps] == [None, True, False, True] and found.reason is None


def test_the_classic_schools_are_not_comparable_with_one_freed_intercept_of_nine() -> None:
    found = run("school")  # 20 % of nine items is one; the literature frees x3 and x7
    assert (found.freed, found.consequence) == (("x3",), "not_comparable") and "configural_poor" in found.flags
    two = run("school", invariance_freed=2 / 9)
    assert (set(two.freed), two.consequence) == ({"x3", "x7"}, "partially_comparable")


def test_groups_that_answer_alike_are_comparable() -> None:
    rows = scores("bank", 1)
    found = invariance({"a": sample_of(rows[::2]), "b": sample_of(rows[1::2])}, BANK_ITEMS, BANK)
    assert (found.consequence, found.freed, len(found.steps)) == ("comparable", (), 4)
    assert found.steps[1].chi2_change.method == "chi-square difference"


def test_unequal_loadings_make_groups_not_comparable() -> None:
    rows = scores("bank", 1)
    other = rows[1::2].copy()
    other[:, [2, 8]] = np.random.default_rng(1).integers(1, 8, (other.shape[0], 2))
    found = invariance({"a": sample_of(rows[::2]), "b": sample_of(other)}, BANK_ITEMS, BANK)
    assert found.consequence == "not_comparable" and [one.step for one in found.steps] == ["configural", "metric"]


def test_few_respondents_are_not_tested_and_are_named() -> None:
    found = invariance_of(
        *answers(), bank_layout(7, None), np.random.default_rng(1), replace(DEFAULT, invariance_n=320)
    )
    assert (found.consequence, found.reason, found.left_out) == ("not_testable", "too_few", {"zh": 300})
    one = invariance({}, BANK_ITEMS, BANK)
    assert (one.consequence, one.reason, one.steps) == ("not_testable", "too_few", ())
    assert invariance({}, (), {}).reason == "one_item"


def answers() -> tuple[Any, Any, tuple[str, ...]]:
    numbers = table("bank")[1]
    return numbers[:, 1:].astype(np.uint8), numbers[:, 0].astype(np.int64) - 1, ("en", "zh")


def test_the_ratings_of_two_languages_go_the_whole_way() -> None:
    ratings, groups, names = answers()
    found = invariance_of(ratings, groups, names, bank_layout(7, None), np.random.default_rng(1))
    assert (found.groups, found.consequence) == ({"en": 350, "zh": 300}, "partially_comparable")
    assert {name for name, one in found.items_dif.items() if one.flagged} == {"Q03", "Q09", "Q16"}
    order = np.random.default_rng(2).permutation(groups.size)
    again = invariance_of(ratings[order], groups[order], names, bank_layout(7, None), np.random.default_rng(1))
    assert again.steps[2].fit.chi2.value == pytest.approx(found.steps[2].fit.chi2.value, rel=1e-9)


def test_small_samples_have_their_own_limits() -> None:
    want = expected()["school_invariance"]
    fit = {one.step: one for one in run("school").steps}
    changes = want["metric"]["cfi"] - want["configural"]["cfi"]
    agree(
        "invariance: change of the cfi", "school, metric", changes, fit["metric"].cfi_change.value, by=LAVAAN, abs=1e-7
    )
    # The same step holds or not by the sample's size, when the limit of small samples is set beside the change.
    tight = replace(DEFAULT, invariance_cfi_small=changes + 1e-4)
    before, step = fit["configural"], fit["metric"]
    assert compared("metric", "proper", step.fit, before, tight, small=False).holds is True
    assert compared("metric", "proper", step.fit, before, tight, small=True).holds is False
    assert "small_sample_limits" in run("school", invariance_small=301).flags


def test_wrong_groups_are_refused_in_words() -> None:
    ratings, groups, names = answers()
    with pytest.raises(ValueError, match="number of a named group"):
        invariance_of(ratings, groups + 1, names, bank_layout(7, None), np.random.default_rng(1))


def test_dif_matches_polr() -> None:
    rows, groups = scores("bank").astype(np.int64), table("bank")[1][:, 0].astype(np.int64) - 1
    found = screening(rows, groups, BANK_ITEMS)
    for name in ("r2_uniform", "r2_total"):
        want = [expected()["dif"][one][name] for one in BANK_ITEMS]
        ours = [getattr(found[one], name).value for one in BANK_ITEMS]
        # polr's optimiser stops at 1e-8 of the log-likelihood, about 1000, and the gain is a difference of two.
        agree(f"DIF: {name}", "simulated bank", want, ours, by=MASS, abs=1e-6)
    lr = [2 * (one["interaction"] - one["score"]) for one in expected()["dif"].values()]
    from scipy import stats

    p = [found[one].p.value for one in BANK_ITEMS]
    agree("DIF: p", "simulated bank", stats.chi2.sf(lr, 2), p, by=MASS, rel=1e-2, abs=1e-6)


def test_the_ordered_logit_matches_polr_and_a_naive_likelihood() -> None:
    rows, groups = scores("bank").astype(np.int64), table("bank")[1][:, 0].astype(np.int64) - 1
    rest = rows.sum(axis=1) - rows[:, 2]
    design = np.column_stack([(rest - rest.mean()) / rest.std(ddof=1), groups])
    _, codes = np.unique(rows[:, 2], return_inverse=True)
    found = ordered_logit(design, codes)
    value, want = found.log_likelihood, expected()["dif"]["Q03"]
    # polr stops a little below the maximum.
    agree("ordered logit: log-likelihood", "simulated bank, Q03", want["group"], value, by=MASS, rel=1e-7)
    agree("ordered logit: shift of a group", "simulated bank, Q03", want["shift"], found.beta[1], by=MASS, abs=5e-4)
    # Twice the same row counted once with weight 2.
    double = ordered_logit(design, codes, counts=np.full(codes.size, 2.0))
    agree(
        "ordered logit: weights",
        "simulated bank, Q03",
        2 * found.log_likelihood,
        double.log_likelihood,
        by="each row twice",
        rel=1e-10,
    )
    other = OrderedModel(codes, design, distr="logit").fit(method="bfgs", disp=False, gtol=1e-8, maxiter=500)
    agree(
        "ordered logit: log-likelihood",
        "simulated bank, Q03",
        other.llf,
        found.log_likelihood,
        by="statsmodels",
        rel=1e-8,
    )


@pytest.mark.parametrize(
    ("item", "rest", "group", "reason"),
    [
        ([], [], [], "no_complete_cases"),
        ([1, 2, 3], [4, 5, 6], [0, 0, 0], "one_group"),
        ([2, 2, 2], [4, 5, 6], [0, 1, 0], "no_variance"),
        ([1, 2, 3], [5, 5, 5], [0, 1, 0], "no_variance"),
        ([1, 1, 2, 2], [1, 2, 8, 9], [0, 1, 0, 1], "not_converged"),  # the rest score separates the answers
    ],
)
def test_dif_without_its_needs_gives_the_reason(item: Any, rest: Any, group: Any, reason: str) -> None:
    with np.errstate(all="raise", under="ignore"):
        found = dif(*(np.array(one, np.int64) for one in (item, rest, group)))
    assert (found.r2_total.reason, found.p.value, found.flagged) == (reason, None, None)
