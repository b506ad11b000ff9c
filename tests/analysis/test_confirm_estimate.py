"""Factor models by maximum likelihood: estimates, fit and robust statistics, against lavaan."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analysis.confirm.derived import delta_method, factor_correlations, standardised_loadings
from analysis.confirm.estimate import (
    Estimate,
    Sample,
    maximum_likelihood,
    observed_information,
    sample_of,
)
from analysis.confirm.fit import FitTable, cfi, close_fit, fit_of, noncentrality, rmsea, rmsea_interval, srmr, tli
from analysis.confirm.fit import Test as ChiSquare
from analysis.confirm.model import bifactor, correlated_factors, implied, one_factor, second_order
from analysis.confirm.robust import fourth_moments, sandwich
from tests.agreement import agree
from tests.analysis.confirming import (
    BANK,
    BANK_ITEMS,
    LAVAAN,
    SCHOOL,
    SCHOOL_ITEMS,
    STAGES,
    correlations,
    expected,
    fitted,
    from_lavaan,
    kiosk_scores,
    kiosk_table,
    scores,
)

# lavaan's optimiser stops at relative changes of 1e-10 of the objective: chi-square agrees to about 1e-7, loadings
# to about 1e-5, and so do the indices made of them (README of the reference data, section 4).
PLAIN = {
    "chi2": ("chisq", 1e-7),
    "p": ("pvalue", 1e-6),
    "baseline_chi2": ("baseline.chisq", 1e-9),
    "cfi": ("cfi", 1e-7),
    "tli": ("tli", 1e-7),
    "rmsea": ("rmsea", 1e-6),
    "p_close": ("rmsea.pvalue", 1e-6),
    "srmr": ("srmr", 1e-4),
    "log_likelihood": ("logl", 1e-9),
    "aic": ("aic", 1e-9),
    "bic": ("bic", 1e-9),
}
SCALED = {
    "chi2_scaled": ("chisq.scaled", 1e-4),
    "scaling_factor": ("chisq.scaling.factor", 1e-4),
    "cfi_robust": ("cfi.robust", 1e-5),
    "tli_robust": ("tli.robust", 1e-5),
    "rmsea_robust": ("rmsea.robust", 1e-4),
}


def agree_fit(data: str, want: dict[str, Any], found: FitTable, names: dict[str, tuple[str, float]], kind: str) -> None:
    for ours, (theirs, rel) in names.items():
        agree(f"{kind}: {ours}", data, want[theirs], getattr(found, ours).value, by=LAVAAN, rel=rel, abs=1e-12)
    if "rmsea.ci.lower" in want:  # lavaan's root finder stops at 1e-4 of the noncentrality
        limits = [want["rmsea.ci.lower"], want["rmsea.ci.upper"]]
        agree(f"{kind}: rmsea interval", data, limits, [found.rmsea.low, found.rmsea.high], by=LAVAAN, abs=2e-5)


def loadings(found: Estimate, want: dict[str, Any], errors: Any = None) -> tuple[list[float], list[float]]:
    """Our standardised loadings, and their standard errors, in lavaan's order."""
    covariance = found.covariance if errors is None else errors
    part, names = found.model.groups[0], list(found.model.factors)
    value, se = delta_method(lambda at: standardised_loadings(part, at).ravel(), found.parameters, covariance)
    pairs = [(i, f) for i, f in zip(want["item"], want["factor"], strict=True) if i in found.model.items]
    at = [found.model.items.index(item) * len(names) + names.index(factor) for item, factor in pairs]
    return value[at].tolist(), se[at].tolist()


@pytest.mark.reference
@pytest.mark.parametrize("column", ["expectation", "perception"])
@pytest.mark.parametrize("key", ["cfa_correlated", "cfa_one_general"])
def test_kiosk_models_match_lavaan(reference: Any, column: str, key: str) -> None:
    want, data = reference.r["kiosk"][column][key], f"kiosk, {column}, {key}"
    values = kiosk_scores(reference, column)
    found = fitted(from_lavaan(want["model"], [f"Q{j:02d}" for j in range(1, 25)]), sample_of(values))
    fit = fit_of(found, [fourth_moments(values, np.random.default_rng(1))])
    assert found.status == "proper" and found.slope < 1e-8
    assert (fit.df, fit.parameters, fit.baseline_df) == tuple(want["fit"][k] for k in ("df", "npar", "baseline.df"))
    agree_fit(data, want["fit"], fit, PLAIN, "CFA, ML")
    agree_fit(data, want["mlr"], fit, SCALED, "CFA, MLR")
    value, se = loadings(found, want["std_loadings"])
    agree("CFA, ML: standardised loading", data, want["std_loadings"]["est"], value, by=LAVAAN, abs=1e-4)
    agree("CFA, ML: its standard error", data, want["std_loadings"]["se"], se, by=LAVAAN, abs=1e-4)
    unique = np.diag(found.implied[0].matrices["errors"]) / np.diag(found.implied[0].covariance)
    agree("CFA, ML: unique variance", data, want["theta_std"]["est"], unique, by=LAVAAN, abs=1e-4)
    if key == "cfa_correlated":
        phi = factor_correlations(found.model.groups[0], found.parameters)
        agree("CFA, ML: factor correlation", data, want["factor_cor"]["values"], phi, by=LAVAAN, abs=1e-4)


@pytest.mark.reference
def test_six_published_models_come_out_as_printed_and_as_in_lavaan(reference: Any) -> None:
    kiosk, wanted = kiosk_table(reference), reference.r["kiosk194"]
    kept = np.isin(kiosk["id"], wanted["ids"])
    letters = {"P": "P", "S": "S"}
    for name, published in wanted["published"].items():
        items = [one for one in kiosk if one[0] in (letters[name[0]], "Y") and (one[0] != "Y" or "_Y" in name)]
        model = from_lavaan(wanted[name]["model"], items)
        values = np.column_stack([kiosk[one][kept] for one in model.items])
        fit = fit_of(fitted(model, sample_of(values)), [fourth_moments(values, np.random.default_rng(1))])
        agree_fit(f"kiosk194, {name}", wanted[name]["fit"], fit, PLAIN, "CFA, ML")
        if "mlr" in wanted[name]:
            agree_fit(f"kiosk194, {name}", wanted[name]["mlr"], fit, SCALED, "CFA, MLR")
        got = [fit.chi2.value, fit.df, fit.cfi.value, fit.rmsea.value]
        agree("CFA, ML: chi2, df, cfi, rmsea", f"kiosk194, {name}", published, got, by="published", abs=6e-3, rel=1e-5)


@pytest.mark.reference
@pytest.mark.parametrize("key", ["cfa_servqual5", "cfa_one_factor", "cfa_FCO_vignette", "cfa_FCO_vignette_F1F2orth"])
def test_published_correlations_match_lavaan_and_an_improper_model_is_called_so(reference: Any, key: str) -> None:
    want, (items, correlation) = reference.r["bb1992"][key], correlations(reference)
    model = from_lavaan(want["model"], items)
    places = [items.index(one) for one in model.items]
    # lavaan takes a given matrix as one with divisor n - 1.
    sample = Sample(502, np.zeros(len(places)), correlation[np.ix_(places, places)] * 501 / 502)
    found = fitted(model, sample)
    assert found.status == ("proper" if want["post_check"] else "factors_not_positive_definite")
    agree_fit(f"bb1992, {key}", want["fit"], fit_of(found), PLAIN, "CFA, ML")
    value, se = loadings(found, want["std_loadings"])
    agree("CFA, ML: standardised loading", f"bb1992, {key}", want["std_loadings"]["est"], value, by=LAVAAN, abs=1e-4)
    agree("CFA, ML: its standard error", f"bb1992, {key}", want["std_loadings"]["se"], se, by=LAVAAN, abs=1e-4)


@pytest.mark.parametrize("name", ["school", "bank"])
def test_simulated_and_textbook_data_match_lavaan_with_robust_errors(name: str) -> None:
    want, values = expected()[name], scores(name, None if name == "school" else 1)
    data = "Holzinger-Swineford" if name == "school" else "simulated bank, language 1"
    model = correlated_factors(*((SCHOOL_ITEMS, SCHOOL) if name == "school" else (BANK_ITEMS, BANK)))
    found, fourth = fitted(model, sample_of(values)), [fourth_moments(values, np.random.default_rng(1))]
    fit = fit_of(found, fourth)
    agree_fit(data, want["fit"], fit, PLAIN, "CFA, ML")
    agree_fit(data, want["mlr"], fit, SCALED, "CFA, MLR")
    robust = [want["mlr"][f"rmsea.ci.{end}.robust"] for end in ("lower", "upper")]
    ours = [fit.rmsea_robust.low, fit.rmsea_robust.high]
    agree("CFA, MLR: rmsea interval", data, robust, ours, by=LAVAAN, abs=2e-5)
    value, se = loadings(found, want["loadings"])
    agree("CFA, ML: standardised loading", data, want["loadings"]["est"], value, by=LAVAAN, abs=1e-4)
    agree("CFA, ML: its standard error", data, want["loadings"]["se"], se, by=LAVAAN, abs=1e-4)
    value, se = loadings(found, want["mlr_loadings"], sandwich(found, fourth))
    agree(
        "CFA, MLR: standard error of a standardised loading", data, want["mlr_loadings"]["se"], se, by=LAVAAN, abs=1e-4
    )

    def correlations_of(at: Any) -> Any:
        return factor_correlations(model.groups[0], at).ravel()

    for kind, errors in (("correlations", found.covariance), ("mlr_correlations", sandwich(found, fourth))):
        names, one = list(found.model.factors), want[kind]
        at = [names.index(b) * len(names) + names.index(a) for a, b in zip(one["one"], one["other"], strict=True)]
        phi, error = delta_method(correlations_of, found.parameters, errors)
        agree(f"CFA, {kind}: estimate", data, one["est"], phi[at], by=LAVAAN, abs=1e-4)
        agree(f"CFA, {kind}: standard error", data, one["se"], error[at], by=LAVAAN, abs=1e-4)


def test_rival_models_match_lavaan() -> None:
    values = scores("bank", 1)
    sample, fourth = sample_of(values), [fourth_moments(values, np.random.default_rng(1))]
    rivals = {
        "one_factor": one_factor(BANK_ITEMS),
        "stages": correlated_factors(BANK_ITEMS, STAGES),
        "second_order": second_order(BANK_ITEMS, BANK),
        "bifactor": bifactor(BANK_ITEMS, BANK),
    }
    for name, model in rivals.items():
        want, found = expected()["rivals"][name], fitted(model, sample)
        fit = fit_of(found, fourth)
        agree_fit(f"simulated bank, {name}", want["fit"], fit, PLAIN, "CFA, ML")
        value, _ = loadings(found, want["loadings"])
        theirs = [
            one
            for one, item in zip(want["loadings"]["est"], want["loadings"]["item"], strict=True)
            if item in BANK_ITEMS
        ]
        agree(
            "CFA, ML: standardised loading",
            f"simulated bank, {name}",
            theirs,
            value,
            by=LAVAAN,
            abs=2e-4,
        )
        if "mlr" in want:
            agree_fit(f"simulated bank, {name}", want["mlr"], fit, SCALED, "CFA, MLR")


def test_a_textbook_one_factor_model_of_three_items_is_solved_by_hand() -> None:
    # Three items: the loadings are l1 = sqrt(s12 s13 / s23) and so on; the fit is perfect and cannot be tested.
    covariance = np.array([[2.0, 0.8, 0.6], [0.8, 1.5, 0.5], [0.6, 0.5, 1.2]])
    found = fitted(one_factor(("a", "b", "c")), Sample(500, np.zeros(3), covariance))
    by_hand = np.sqrt([0.8 * 0.6 / 0.5, 0.8 * 0.5 / 0.6, 0.6 * 0.5 / 0.8])
    ours = found.implied[0].matrices["loadings"][:, 0]
    agree("CFA, ML: loadings of three items", "three items", by_hand, ours, by="closed form", rel=1e-9)
    fit = fit_of(found)
    assert (fit.df, fit.cfi.reason, fit.rmsea.reason, fit.p.reason) == (0, *["just_identified"] * 3)
    assert found.chi2 == pytest.approx(0, abs=1e-9) and fit.srmr.value == pytest.approx(0, abs=1e-9)


def naive_discrepancy(found: Estimate, parameters: Any) -> float:
    """Half the discrepancy, straight from its formula."""
    at, sample = implied(found.model.groups[0], parameters), found.samples[0]
    gap = np.linalg.slogdet(at.covariance)[1] - np.linalg.slogdet(sample.covariance)[1]
    trace = np.trace(sample.covariance @ np.linalg.inv(at.covariance))
    return float(gap + trace - len(found.model.items)) / 2


@pytest.mark.parametrize("kind", [correlated_factors, second_order, bifactor])
def test_derivatives_are_those_of_the_formula(kind: Any) -> None:
    found = fitted(kind(SCHOOL_ITEMS, SCHOOL), sample_of(scores("school")))
    at, h = found.parameters, 1e-4
    unit = np.eye(at.size) * h
    slope = [(naive_discrepancy(found, at + e) - naive_discrepancy(found, at - e)) / (2 * h) for e in unit]
    agree(
        "CFA, ML: gradient",
        f"Holzinger-Swineford, {kind.__name__}",
        np.zeros(at.size),
        slope,
        by="differences",
        abs=1e-6,
    )
    curvature = [
        (naive_discrepancy(found, at + e) - 2 * naive_discrepancy(found, at) + naive_discrepancy(found, at - e)) / h**2
        for e in unit
    ]
    ours = np.diag(observed_information(found))
    agree(
        "CFA, ML: observed information",
        f"Holzinger-Swineford, {kind.__name__}",
        curvature,
        ours,
        by="differences",
        rel=1e-3,
        abs=1e-5,
    )


def test_fit_indices_of_a_naive_second_program() -> None:
    model, baseline = ChiSquare(85.306, 24, 85.306), ChiSquare(918.852, 36, 918.852)
    agree("cfi", "85.3 (24) against 918.9 (36)", 1 - 61.306 / 882.852, cfi(model, baseline), by="naive second program")
    t = (918.852 / 36 - 85.306 / 24) / (918.852 / 36 - 1)
    agree("tli", "85.3 (24) against 918.9 (36)", t, tli(model, baseline), by="naive second program")
    agree("rmsea", "85.3 (24), n 301", np.sqrt(61.306 / 24 / 301), rmsea(model, 301), by="naive second program")
    from scipy import stats

    low, high = rmsea_interval(model, 301)
    for end, p in ((low, 0.95), (high, 0.05)):
        back = float(stats.ncx2.cdf(85.306, 24, end**2 * 301 * 24))
        agree("rmsea limit", f"85.3 (24), n 301, {p}", p, back, by="scipy ncx2", rel=1e-8)
    want = float(stats.ncx2.sf(85.306, 24, 301 * 24 * 0.05**2))
    agree("p of close fit", "85.3 (24), n 301", want, close_fit(model, 301), by="scipy ncx2", rel=1e-6)
    # A perfect fit, and one of a million rows.
    assert cfi(ChiSquare(3, 5, 3), ChiSquare(4, 6, 4)) == 1 and noncentrality(3, 5, 0.95) == 0
    assert np.isfinite(rmsea_interval(ChiSquare(2e6, 199, 2e6), 1_000_000)).all()


def test_srmr_is_the_root_of_the_mean_squared_residual() -> None:
    found = fitted(one_factor(SCHOOL_ITEMS), sample_of(scores("school")))
    observed, model = found.samples[0].covariance, found.implied[0].covariance
    total = 0.0
    for i in range(9):
        for j in range(i + 1):
            total += ((observed[i, j] - model[i, j]) / np.sqrt(observed[i, i] * observed[j, j])) ** 2
    agree(
        "srmr",
        "Holzinger-Swineford, one factor",
        np.sqrt(total / 45),
        srmr(found),
        by="naive second program",
        rel=1e-12,
    )


def test_robust_parts_are_those_of_the_rows() -> None:
    values = scores("school")
    found = fitted(correlated_factors(SCHOOL_ITEMS, SCHOOL), sample_of(values))
    fourth = [fourth_moments(values, np.random.default_rng(1))]
    # Row by row: derivatives of the normal density by numerical differences.
    part, h = found.model.groups[0], 1e-5

    def density(parameters: Any) -> Any:
        at = implied(part, parameters)
        away = values - found.samples[0].mean
        quadratic = np.einsum("ni,ij,nj->n", away, np.linalg.inv(at.covariance), away)
        return -(np.linalg.slogdet(at.covariance)[1] + quadratic) / 2

    unit = np.eye(found.parameters.size) * h
    rows = np.array([(density(found.parameters + e) - density(found.parameters - e)) / (2 * h) for e in unit])
    meat, bread = rows @ rows.T / len(values), np.linalg.inv(observed_information(found))
    want = bread @ meat @ bread / len(values)
    agree(
        "CFA: sandwich covariance",
        "Holzinger-Swineford",
        want,
        sandwich(found, fourth),
        by="naive second program",
        rel=1e-5,
        abs=1e-9,
    )


def test_fourth_moments_of_many_rows_come_from_a_seeded_sample() -> None:
    values = scores("bank")
    some = [fourth_moments(values, np.random.default_rng(7), most=300) for _ in range(2)]
    assert some[0].from_sample and some[0].n == 300 and np.array_equal(some[0].gamma, some[1].gamma)
    found = fitted(correlated_factors(BANK_ITEMS, BANK), sample_of(values))
    assert "from_sample" in fit_of(found, some[:1]).chi2_scaled.flags
    assert "from_sample" not in fit_of(found, some[:1]).chi2.flags


def test_a_negative_unique_variance_is_a_heywood_case_as_in_the_worked_example() -> None:
    covariance = np.array([[1.0, 0.9, 0.8], [0.9, 1.0, 0.6], [0.8, 0.6, 1.0]])  # l1 squared = .9 .8 / .6 > 1
    assert fitted(one_factor(("a", "b", "c")), Sample(200, np.zeros(3), covariance)).status == "heywood"


def test_signs_follow_the_items() -> None:
    values = scores("school") * np.array([1, -1, 1, -1, -1, -1, 1, 1, 1])
    found = fitted(correlated_factors(SCHOOL_ITEMS, SCHOOL), sample_of(values))
    plain = fitted(correlated_factors(SCHOOL_ITEMS, SCHOOL), sample_of(scores("school")))
    assert (found.implied[0].matrices["loadings"].sum(axis=0) > 0).all()
    assert found.chi2 == pytest.approx(plain.chi2, rel=1e-8)


@pytest.mark.parametrize(
    ("n", "change", "reason"),
    [
        (0, lambda s: s, "no_complete_cases"),
        (1, lambda s: s, "one_respondent"),
        (9, lambda s: s, "singular"),
        (300, lambda s: s * 0, "no_variance"),
        (300, lambda s: s * np.array([0, 1, 1, 1, 1, 1, 1, 1, 1]), "no_variance"),
        (300, lambda s: s[:, [0, 0, 2, 3, 4, 5, 6, 7, 8]], "singular"),
    ],
)
def test_moments_that_cannot_be_analysed_give_the_reason(n: int, change: Any, reason: str) -> None:
    values = change(scores("school"))[:n]
    with np.errstate(all="raise", under="ignore"):
        assert maximum_likelihood(correlated_factors(SCHOOL_ITEMS, SCHOOL), [sample_of(values)]) == reason


def test_models_that_the_data_cannot_tell_apart_are_called_so() -> None:
    sample = sample_of(scores("school"))
    two = Sample(sample.n, sample.mean[:2], sample.covariance[:2, :2])
    assert maximum_likelihood(one_factor(("a", "b")), [two]) == "not_identified"
    # Two items on a factor that correlates with nothing: only the product of the loadings is known.
    four = Sample(sample.n, sample.mean[:4], sample.covariance[:4, :4])
    model = correlated_factors(("a", "b", "c", "d"), {"one": [0, 1], "other": [2, 3]}, [("one", "other")])
    found = maximum_likelihood(model, [four])
    assert isinstance(found, str) or found.status in ("not_identified", "not_converged")


def test_wrong_shapes_are_refused_in_words() -> None:
    sample = sample_of(scores("school"))
    with pytest.raises(ValueError, match="the model's groups and items"):
        maximum_likelihood(one_factor(("a", "b", "c")), [sample])
    with pytest.raises(ValueError, match="has no item"):
        correlated_factors(("a",), {"one": []})
    with pytest.raises(ValueError, match="that is not there"):
        correlated_factors(("a",), {"one": [1]})
    with pytest.raises(ValueError, match="at least three factors"):
        second_order(("a", "b"), {"one": [0], "other": [1]})


def test_two_items_of_a_group_factor_share_one_loading() -> None:
    model = bifactor(tuple("abcdefg"), {"pair": [0, 1], "more": [2, 3, 4, 5, 6]})
    free = model.groups[0].free["loadings"]
    assert free[0, 0] == free[1, 0] and len(set(free[2:, 1])) == 5
