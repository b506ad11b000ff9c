"""Thresholds, polychoric correlations and factor models of ordered categories, against lavaan's WLSMV."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from analysis.confirm.derived import correlation_loadings, delta_method, factor_correlations
from analysis.confirm.dwls import OrdinalEstimate, adjusted, least_squares, ordinal_fit, ordinal_modifications
from analysis.confirm.model import bifactor, correlated_factors, one_factor
from analysis.confirm.ordinal import Ordinal, ordinal_moments, pairs
from analysis.polychoric import bivariate_normal
from tests.agreement import agree
from tests.analysis.confirming import LAVAAN, expected, from_lavaan, kiosk_scores, scores, table

BY = {"a": [0, 1, 2], "b": [3, 4, 5], "c": [6, 7, 8, 9]}
FLOOR = math.sqrt(np.finfo(float).eps)  # below this probability lavaan passes over a cell
# lavaan's polychoric optimiser stops at about 1e-8 of a correlation; weights and chi-square inherit it.
NAMES = {
    "chi2": ("chisq", 1e-6),
    "baseline_chi2": ("baseline.chisq", 1e-6),
    "cfi": ("cfi", 1e-6),
    "tli": ("tli", 1e-6),
    "rmsea": ("rmsea", 1e-6),
    "srmr": ("srmr", 1e-5),
    "chi2_scaled": ("chisq.scaled", 1e-6),
    "cfi_scaled": ("cfi.scaled", 1e-6),
    "tli_scaled": ("tli.scaled", 1e-6),
    "rmsea_scaled": ("rmsea.scaled", 1e-3),
}


def moments(values: Any, floor: float = FLOOR) -> Ordinal:
    found = ordinal_moments(values, np.random.default_rng(1), floor=floor)
    assert isinstance(found, Ordinal), found
    return found


def fitted(model: Any, values: Any, floor: float = FLOOR) -> OrdinalEstimate:
    found = least_squares(model, moments(values, floor))
    assert isinstance(found, OrdinalEstimate), found
    return found


def test_thresholds_correlations_and_their_variances_match_lavaan() -> None:
    want, found = expected()["ordinal"], moments(scores("ordinal"))
    data, thresholds = "simulated 5 points, n 400", np.concatenate(found.thresholds)
    agree("thresholds", data, want["thresholds"], thresholds, by=LAVAAN, abs=1e-9)
    agree("polychoric correlation", data, want["polychoric"], found.correlation, by=LAVAAN, abs=1e-6)
    variances = want["gamma"][thresholds.size :]
    agree("variance of a polychoric correlation", data, variances, np.diag(found.gamma), by=LAVAAN, rel=1e-6)


@pytest.mark.parametrize(("name", "model"), [("ordinal", correlated_factors), ("ordinal_one", None)])
def test_simulated_ordinal_models_match_lavaan(name: str, model: Any) -> None:
    want, items = expected()[name], table("ordinal")[0]
    found = fitted(model(items, BY) if model else one_factor(items), scores("ordinal"))
    fit, data = ordinal_fit(found), f"simulated 5 points, {name}"
    assert found.status == "proper" and (fit.df, fit.parameters) == (want["fit"]["df"], want["fit"]["npar"])
    for ours, (theirs, rel) in NAMES.items():
        agree(f"CFA, WLSMV: {ours}", data, want["fit"][theirs], getattr(fit, ours).value, by=LAVAAN, rel=rel, abs=1e-6)
    limits = [want["fit"][f"rmsea.ci.{end}.scaled"] for end in ("lower", "upper")]
    ours_limits = [fit.rmsea_scaled.low, fit.rmsea_scaled.high]
    # lavaan's root finder stops at 1e-4 of the noncentrality.
    agree("CFA, WLSMV: rmsea interval", data, limits, ours_limits, by=LAVAAN, abs=5e-5)
    part, factors = found.model.groups[0], list(found.model.factors)
    value, se = delta_method(lambda at: correlation_loadings(part, at).ravel(), found.parameters, found.covariance)
    loads = {"ordinal": want["loadings"]}.get(name, want["loadings"])
    names = loads["factor"] if model else ["general"] * 10
    at = [items.index(i) * len(factors) + factors.index(f) for i, f in zip(loads["item"], names, strict=True)]
    agree("CFA, WLSMV: standardised loading", data, loads["est"], value[at], by=LAVAAN, abs=1e-5)
    agree("CFA, WLSMV: its robust standard error", data, loads["se"], se[at], by=LAVAAN, abs=1e-5)
    if model:
        one = want["correlations"]
        at = [factors.index(b) * 3 + factors.index(a) for a, b in zip(one["one"], one["other"], strict=True)]
        phi, error = delta_method(lambda q: factor_correlations(part, q).ravel(), found.parameters, found.covariance)
        agree("CFA, WLSMV: factor correlation", data, one["est"], phi[at], by=LAVAAN, abs=1e-5)
        agree("CFA, WLSMV: its robust standard error", data, one["se"], error[at], by=LAVAAN, abs=1e-5)


def test_ordinal_modification_indices_are_lavaans_but_for_its_factor() -> None:
    want, items = expected()["ordinal"]["modindices"], table("ordinal")[0]
    found = ordinal_modifications(fitted(correlated_factors(items, BY), scores("ordinal")), 200)
    by_pair = {frozenset((one.item, one.other)): one for one in found}
    ours = [by_pair[frozenset(pair)] for pair in zip(want["lhs"], want["rhs"], strict=True)]
    # lavaan multiplies the score by (n - 1)/n although the chi-square has n - 1: its index is short by (n - 1)/n, and
    # its change by the same.
    index = [one.index.value * 399 / 400 for one in ours]
    change = [one.change.value * 399 / 400 for one in ours]
    agree("CFA, WLSMV: modification index", "simulated 5 points", want["mi"], index, by=LAVAAN, rel=1e-4, abs=1e-4)
    agree("CFA, WLSMV: expected change", "simulated 5 points", want["sepc"], change, by=LAVAAN, rel=1e-3, abs=1e-4)


@pytest.mark.reference
def test_kiosk_perception_matches_lavaans_wlsmv(reference: Any) -> None:
    want, values = reference.r["kiosk"]["perception"]["cfa_wlsmv"], kiosk_scores(reference, "perception")
    model = from_lavaan(
        reference.r["kiosk"]["perception"]["cfa_correlated"]["model"], [f"Q{j:02d}" for j in range(1, 25)]
    )
    found = fitted(model, values)
    fit = ordinal_fit(found)
    for ours, (theirs, rel) in NAMES.items():
        if theirs in want["fit"]:
            agree(
                f"CFA, WLSMV: {ours}",
                "kiosk, perception",
                want["fit"][theirs],
                getattr(fit, ours).value,
                by=LAVAAN,
                rel=10 * rel,
            )
    loadings = correlation_loadings(found.model.groups[0], found.parameters)
    at = zip(want["std_loadings"]["item"], want["std_loadings"]["factor"], strict=True)
    ours_loadings = [loadings[model.items.index(i), model.factors.index(f)] for i, f in at]
    agree(
        "CFA, WLSMV: standardised loading",
        "kiosk, perception",
        want["std_loadings"]["est"],
        ours_loadings,
        by=LAVAAN,
        abs=1e-4,
    )
    assert "indicative" in fit.cfi.flags and "sparse_categories" in fit.srmr.flags


def test_a_polychoric_correlation_maximises_the_likelihood() -> None:
    values = scores("ordinal")[:, :2]
    rho, cuts = moments(values).correlation[0, 1], [np.r_[-9, one, 9] for one in moments(values).thresholds]
    counts = np.array([[np.sum((values[:, 0] == a) & (values[:, 1] == b)) for b in range(1, 6)] for a in range(1, 6)])

    def naive(at: float) -> float:
        normal = stats.multivariate_normal([0, 0], [[1, at], [at, 1]])
        below = np.array([[float(normal.cdf([h, k])) for k in cuts[1]] for h in cuts[0]])
        cells = np.diff(np.diff(below, axis=0), axis=1)
        return float((counts[counts > 0] * np.log(cells[counts > 0])).sum())

    grid = rho + np.array([-0.002, -0.001, 0, 0.001, 0.002])
    curve = np.polyfit(grid - rho, [naive(at) for at in grid], 2)
    best = rho - curve[1] / (2 * curve[0])
    agree("polychoric correlation", "simulated 5 points, first pair", best, rho, by="naive second program", abs=1e-4)


def test_a_respondent_next_to_impossible_counts_unless_a_floor_is_set() -> None:
    rng = np.random.default_rng(5)
    f = rng.normal(size=300)
    values = np.column_stack([np.digitize(f + 0.3 * rng.normal(size=300), [-1.5, -0.5, 0.5, 1.5]) for _ in range(2)])
    values = np.vstack([values, [0, 4]])
    assert moments(values, 0.0).correlation[0, 1] < moments(values).correlation[0, 1]


def test_the_bivariate_normal_distribution_matches_scipy() -> None:
    points = [(h, k, r) for h in (-1.3, 0.0, 0.4) for k in (-0.7, 0.0, 2.0) for r in (-0.9, 0.0, 0.35, 0.95)]
    want = [float(stats.multivariate_normal([0, 0], [[1, r], [r, 1]]).cdf([h, k])) for h, k, r in points]
    h, k, r = np.array(points).T
    # scipy integrates to about 1e-8.
    agree("bivariate normal distribution", "36 points", want, bivariate_normal(h, k, r), by="scipy", abs=1e-6)


def test_the_covariance_of_correlations_is_that_of_the_bootstrap() -> None:
    values, rng = scores("ordinal")[:, [0, 1, 3]], np.random.default_rng(2)
    rows, columns = pairs(3)
    drawn = np.array([moments(values[rng.integers(0, 400, 400)]).correlation[rows, columns] for _ in range(600)])
    ours = moments(values).gamma / 400
    # 600 draws know a standard deviation to about 3 %.
    agree(
        "standard error of a polychoric correlation",
        "simulated 5 points, three items",
        drawn.std(axis=0),
        np.sqrt(np.diag(ours)),
        by="bootstrap, 600 draws",
        rel=0.12,
    )


def test_the_adjusted_chi_square_has_the_mean_and_variance_of_its_reference() -> None:
    # A quadratic form with eigenvalues e has mean sum e and variance 2 sum e^2; scaled and shifted: df and 2 df.
    e = np.array([0.5, 1.0, 2.0, 3.5])
    scale = math.sqrt(4 / float((e**2).sum()))
    shifted = adjusted(float(e.sum()), 4, float(e.sum()), float((e**2).sum()))
    agree("scaled and shifted chi-square: mean", "four eigenvalues", 4.0, shifted, by="closed form")
    agree(
        "scaled and shifted chi-square: variance",
        "four eigenvalues",
        8.0,
        2 * scale**2 * (e**2).sum(),
        by="closed form",
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda v: v[:0], "no_complete_cases"),
        (lambda v: v[:1], "one_respondent"),
        (lambda v: v * 0, "no_variance"),
        (lambda v: v * (np.arange(10) != 3), "no_variance"),
        (lambda v: v[:, [0, 0, 2, 3]], "singular"),
        (lambda v: v[::40], "singular"),
    ],
)
def test_ratings_without_what_it_takes_give_the_reason(change: Any, reason: str) -> None:
    with np.errstate(all="raise", under="ignore"):
        assert ordinal_moments(change(scores("ordinal")), np.random.default_rng(1)) == reason


def test_two_categories_and_empty_cells_are_borne() -> None:
    values = (scores("ordinal") > 3).astype(float)
    with np.errstate(all="raise", under="ignore"):
        found = fitted(correlated_factors(table("ordinal")[0], BY), values)
        assert found.status == "proper" and ordinal_fit(found).chi2_scaled.value > 0
        rare = values[:60].copy()
        rare[:, 0] = (np.arange(60) < 4).astype(float)
        rare[:4, 1] = 1.0  # nobody with the one and without the other
        some = ordinal_moments(rare, np.random.default_rng(1))
        assert isinstance(some, Ordinal) and some.sparse and abs(some.correlation[0, 1]) < 0.999


def test_improper_and_unidentified_models_are_called_so() -> None:
    items = table("ordinal")[0]
    assert least_squares(bifactor(items[:3], {"x": [0, 1, 2]}), moments(scores("ordinal")[:, :3])) == "not_identified"
    mixed = {"x": [0, 3, 6, 9], "y": [1, 4, 7], "z": [2, 5, 8]}  # items of all dimensions on each factor
    assert fitted(correlated_factors(items, mixed), scores("ordinal")).status == "factors_not_positive_definite"
    with pytest.raises(ValueError, match="of the model's items"):
        least_squares(one_factor(items[:4]), moments(scores("ordinal")))
    just = ordinal_fit(fitted(one_factor(items[:3]), scores("ordinal")[:, :3]))
    assert just.cfi.reason == just.chi2_scaled.reason == "just_identified"


def test_many_rows_are_sampled_by_seed() -> None:
    some = [ordinal_moments(scores("ordinal"), np.random.default_rng(3), most=200) for _ in range(2)]
    assert isinstance(some[0], Ordinal) and isinstance(some[1], Ordinal)
    assert some[0].from_sample and some[0].n == 200 and np.array_equal(some[0].gamma, some[1].gamma)
