"""Modification indices, and convergent and discriminant validity."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from analysis.confirm.convergence import (
    average_variance_extracted,
    composite_reliability,
    convergence,
    correlation_of,
    correlations_of_factors,
    discriminance,
    htmt,
    htmt2,
    htmt2_matrix,
    htmt_intervals,
    htmt_matrix,
)
from analysis.confirm.derived import standardised_loadings
from analysis.confirm.estimate import maximum_likelihood, sample_of
from analysis.confirm.model import Builder, correlated_factors
from analysis.confirm.modification import modification_indices, top_modifications
from analysis.results import Statistic
from analysis.thresholds import DEFAULT
from tests.agreement import agree
from tests.analysis.confirming import (
    BANK,
    BANK_ITEMS,
    LAVAAN,
    SCHOOL,
    SCHOOL_ITEMS,
    correlations,
    expected,
    fitted,
    from_lavaan,
    kiosk_scores,
    scores,
)


@pytest.mark.parametrize("name", ["school", "bank"])
def test_modification_indices_match_lavaan(name: str) -> None:
    want, values = expected()[name]["modindices"], scores(name, None if name == "school" else 1)
    model = correlated_factors(*((SCHOOL_ITEMS, SCHOOL) if name == "school" else (BANK_ITEMS, BANK)))
    found = top_modifications(fitted(model, sample_of(values)), 999)
    by_pair = {frozenset((one.item, one.other)): one for one in found}
    ours = [by_pair[frozenset(pair)] for pair in zip(want["lhs"], want["rhs"], strict=True)]
    # The score is 0 at the minimum in the free directions only as far as lavaan's optimiser went (1e-5).
    for ours_name, theirs in (("index", "mi"), ("change", "sepc")):
        numbers = [getattr(one, ours_name).value for one in ours]
        agree(f"CFA: modification {ours_name}", name, want[theirs], numbers, by=LAVAAN, rel=1e-3, abs=1e-4)
    assert [one.index.value for one in found] == sorted((one.index.value for one in found), reverse=True)


def test_a_modification_index_foretells_the_fall_of_chi_square() -> None:
    sample = sample_of(scores("school"))
    plain = fitted(correlated_factors(SCHOOL_ITEMS, SCHOOL), sample)
    best = top_modifications(plain, 1)[0]
    assert (best.kind, best.item, best.other) == ("loading", "x9", "visual")
    build = Builder(SCHOOL_ITEMS, tuple(SCHOOL))
    for k, places in enumerate(SCHOOL.values()):
        for i in places:
            build.let("loadings", i, k)
        for other in range(k):
            build.let("factors", k, other)
    build.let("loadings", 8, 0)
    build.let_errors()
    freed = fitted(build.built(), sample)
    fall = plain.chi2 - freed.chi2
    loading = standardised_loadings(freed.model.groups[0], freed.parameters)[8, 0]
    # A score test looks at the slope and curvature where the parameter is 0 only.
    agree("CFA: modification index", "Holzinger-Swineford, x9", fall, best.index.value, by="refitted model", rel=0.15)
    agree("CFA: expected change", "Holzinger-Swineford, x9", loading, best.change.value, by="refitted model", rel=0.35)


def test_modification_indices_want_one_group() -> None:
    from analysis.confirm.invariance import group_model

    two = group_model(SCHOOL_ITEMS, SCHOOL, 2, "configural")
    found = fitted(two, *(sample_of(scores("school", g)) for g in (0, 1)))
    with pytest.raises(ValueError, match="one group"):
        modification_indices(found)


@pytest.mark.reference
def test_convergence_and_htmt_match_the_worked_example(reference: Any) -> None:
    inputs, want = reference.example("W10")
    loadings = [np.array(one) for one in inputs["loadings"]]
    agree("composite reliability", "W10", want["cr"], [composite_reliability(one) for one in loadings], by="W10")
    agree(
        "average variance extracted",
        "W10",
        want["ave"],
        [average_variance_extracted(one) for one in loadings],
        by="W10",
    )
    correlation, (one, other) = np.array(inputs["R"]), inputs["factors"]
    agree("htmt", "W10", want["htmt"], htmt(correlation, one, other), by="W10")
    agree("htmt2", "W10", want["htmt2"], htmt2(correlation, one, other), by="W10")
    phi = {("a", "b"): Statistic(inputs["phi"])}
    ave = dict(zip("ab", (Statistic(value) for value in want["ave"]), strict=True))
    items = {"a": one, "b": other}
    found = discriminance(correlation, items, phi, ave, None, 200, np.random.default_rng(1))["a.b"]
    assert found.fornell_larcker is want["fornell_larcker"]["passes"] and found.verdict == "distinct"


@pytest.mark.reference
@pytest.mark.parametrize("column", ["expectation", "perception"])
def test_kiosk_convergence_and_htmt_match_r(reference: Any, column: str) -> None:
    want, data = reference.r["kiosk"][column]["cfa_correlated"], f"kiosk, {column}"
    values = kiosk_scores(reference, column)
    model = from_lavaan(want["model"], [f"Q{j:02d}" for j in range(1, 25)])
    found = fitted(model, sample_of(values))
    items = [np.flatnonzero(model.groups[0].free["loadings"][:, k] >= 0) for k in range(8)]
    part = model.groups[0]
    pairs = convergence(lambda at: standardised_loadings(part, at), found.parameters, found.covariance, items, 207)
    # Loadings of lavaan agree to about 1e-5.
    cr, ave = [one[0].value for one in pairs], [one[1].value for one in pairs]
    agree("composite reliability", data, list(want["CR_std"].values()), cr, by="lavaan, semTools", abs=1e-4)
    agree("average variance extracted", data, list(want["AVE_std"].values()), ave, by="lavaan, semTools", abs=1e-4)
    assert all(one.low < one.value < one.high for pair in pairs for one in pair)
    correlation = correlation_of(np.cov(values, rowvar=False))
    both = [(i, j) for i in range(8) for j in range(8) if i != j]
    for name, function in (("htmt_arithmetic", htmt), ("htmt2_geometric", htmt2)):
        ours = [function(correlation, items[i].tolist(), items[j].tolist()) for i, j in both]
        theirs = [want[name]["values"][i][j] for i, j in both]
        # semTools takes absolute correlations; ours is undefined for HTMT2 where one is negative.
        kept = [at for at, one in enumerate(ours) if isinstance(one, float) and _positive(correlation, items, both[at])]
        assert len(kept) >= 20
        agree(name, data, [theirs[at] for at in kept], [ours[at] for at in kept], by="semTools 0.5-6", rel=1e-8)


def _positive(correlation: Any, items: Any, pair: tuple[int, int]) -> bool:
    return all(float(correlation[np.ix_(items[a], items[b])].min()) > 0 for a in pair for b in pair)


@pytest.mark.reference
def test_published_correlations_give_semtools_htmt(reference: Any) -> None:
    names, correlation = correlations(reference)
    want = reference.r["bb1992"]["cfa_FCO_vignette"]
    model = from_lavaan(want["model"], names)
    places = [names.index(one) for one in model.items]
    correlation = correlation[np.ix_(places, places)]
    members = (model.groups[0].free["loadings"] >= 0).astype(float)
    agree(
        "htmt",
        "bb1992",
        want["htmt_arithmetic"]["values"],
        _with_ones(htmt_matrix(correlation, members)),
        by="semTools 0.5-6",
    )


def _with_ones(found: Any) -> Any:
    np.fill_diagonal(found, 1.0)
    return found


def test_simulated_bank_htmt_matches_semtools() -> None:
    correlation = correlation_of(np.cov(scores("bank", 1), rowvar=False))
    for name, function in (("htmt", htmt), ("htmt2", htmt2)):
        theirs = expected()[name]
        for i, j in combinations(range(5), 2):
            ours = function(correlation, list(BANK.values())[i], list(BANK.values())[j])
            agree(f"{name}, pair {i} {j}", "simulated bank", theirs[j][i], ours, by="semTools 0.5-6", rel=1e-9)


def test_cr_and_ave_have_their_delta_method_interval_from_a_simulation() -> None:
    model, values = correlated_factors(BANK_ITEMS, BANK), scores("bank", 1)
    found, part = fitted(model, sample_of(values)), model.groups[0]
    items = [np.array(one) for one in BANK.values()]

    def measure(parameters: Any, covariance: Any) -> Any:
        at = convergence(lambda q: standardised_loadings(part, q), parameters, covariance, items, 350)
        return np.array([[cr.value, ave.value] for cr, ave in at])

    rng = np.random.default_rng(4)
    drawn = np.array(
        [measure(rng.multivariate_normal(found.parameters, found.covariance), found.covariance) for _ in range(300)]
    )
    at = convergence(lambda q: standardised_loadings(part, q), found.parameters, found.covariance, items, 350)
    ours = np.array([[(one.high - one.low) / 2 / 1.959964 for one in pair] for pair in at])
    # 300 draws know a standard deviation to about 4 %.
    agree("standard error of CR and AVE", "simulated bank", drawn.std(axis=0), ours, by="parametric bootstrap", rel=0.2)


def test_factor_correlations_name_their_pairs() -> None:
    found = fitted(correlated_factors(SCHOOL_ITEMS, SCHOOL), sample_of(scores("school")))
    pairs = correlations_of_factors(found.model.groups[0], found.parameters, found.covariance, 301)
    assert list(pairs) == [(1, 0), (2, 0), (2, 1)]
    assert all(one.low < one.value < one.high for one in pairs.values())


def test_htmt_of_all_pairs_is_that_of_each() -> None:
    correlation = correlation_of(np.cov(scores("bank", 1), rowvar=False))
    members = np.array([[float(j in at) for at in BANK.values()] for j in range(22)])
    every = htmt_matrix(correlation, members)
    sets = list(BANK.values())
    want = [htmt(correlation, sets[i], sets[j]) for i, j in combinations(range(5), 2)]
    ours = [every[i, j] for i, j in combinations(range(5), 2)]
    agree("htmt", "simulated bank, all pairs at once", want, ours, by="naive second program")
    geometric = htmt2_matrix(correlation, members)
    want = [htmt2(correlation, sets[i], sets[j]) for i, j in combinations(range(5), 2)]
    ours = [geometric[i, j] for i, j in combinations(range(5), 2)]
    agree("htmt2", "simulated bank, all pairs at once", want, ours, by="naive second program")


def test_htmt_intervals_are_those_of_resampled_rows_and_repeat_with_the_seed() -> None:
    values, sets = scores("bank", 1), list(BANK.values())
    members = np.array([[float(j in at) for at in sets] for j in range(22)])
    found = [htmt_intervals(values, members, np.random.default_rng(9)) for _ in range(2)]
    for name in ("HTMT", "HTMT2"):
        assert np.array_equal(found[0][0][name][0], found[1][0][name][0], equal_nan=True)
    assert not found[0][1]
    rng = np.random.default_rng(10)
    drawn = [correlation_of(np.cov(values[rng.integers(0, 350, 350)], rowvar=False)) for _ in range(1000)]
    whole = correlation_of(np.cov(values, rowvar=False))
    for name, function in (("HTMT", htmt), ("HTMT2", htmt2)):
        resampled = [function(one, sets[1], sets[2]) for one in drawn]
        centre = function(whole, sets[1], sets[2])
        assert isinstance(centre, float)
        want = np.quantile([one for one in resampled if isinstance(one, float)], [0.025, 0.975]) - centre
        ours = [limit[1, 2] for limit in found[0][0][name]]
        # Two sets of 1000 draws know such a quantile to about 5 % of the distance.
        agree(f"{name} interval", "simulated bank, second pair", want, ours, by="naive second program", rel=0.15)


def test_htmt_intervals_of_many_rows_are_as_narrow_as_the_rows_allow() -> None:
    values = np.tile(scores("bank", 1), (8, 1))
    members = np.array([[float(j in at) for at in BANK.values()] for j in range(22)])
    whole = htmt_intervals(values, members, np.random.default_rng(1), replace(DEFAULT, htmt_draws=400))
    part = htmt_intervals(values, members, np.random.default_rng(1), replace(DEFAULT, htmt_draws=400, htmt_rows=700))
    assert part[1] and not whole[1]
    wide = [(one[0]["HTMT"][1] - one[0]["HTMT"][0])[0, 1] for one in (whole, part)]
    assert wide[1] == pytest.approx(wide[0], rel=0.25)


def test_htmt_without_positive_correlations_is_undefined() -> None:
    correlation = np.array([[1, 0.5, 0.2, 0.1], [0.5, 1, 0.0, 0.3], [0.2, 0.0, 1, -0.4], [0.1, 0.3, -0.4, 1]])
    with np.errstate(all="raise", under="ignore"):
        assert htmt(correlation, [0, 1], [2, 3]) == "not_positive"
        assert htmt2(correlation, [0, 1], [2, 3]) == "not_positive"
        assert htmt(correlation, [0], [2, 3]) == htmt2(correlation, [0], [2, 3]) == "one_item"
        for matrix in (htmt_matrix, htmt2_matrix):
            assert np.isnan(matrix(correlation, np.repeat(np.eye(2), 2, axis=0))[0, 1])
        zero = np.where(correlation == -0.4, 0.4, correlation)
        assert isinstance(htmt(zero, [0, 1], [2, 3]), float) and htmt2(zero, [0, 1], [2, 3]) == "not_positive"


def test_alike_dimensions_are_not_distinct() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(300, 1)) + 0.5 * rng.normal(size=(300, 6))
    items = {"a": [0, 1, 2], "b": [3, 4, 5]}
    correlation = correlation_of(np.cov(values, rowvar=False))
    found = discriminance(correlation, items, {}, {}, values, 300, np.random.default_rng(1))["a.b"]
    assert found.verdict == "not_distinct" and found.correlation.reason == "improper_solution"
    assert found.fornell_larcker is None and found.htmt.low <= found.htmt.value <= found.htmt.high
    assert maximum_likelihood(correlated_factors(tuple("abcdef"), items), [sample_of(values)])
