"""Exploratory structure, against psych, lavaan, polycor, GPArotation and naive second programs."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from analysis.explore.adequacy import adequacy, bartlett, kmo, log10_tail
from analysis.explore.columns import ColumnData, columns
from analysis.explore.extraction import degrees_of_freedom, extract, extract_lowest, factor_fit, noncentrality
from analysis.explore.hierarchy import omegas, schmid_leiman
from analysis.explore.matrices import smoothed, squared_multiple
from analysis.explore.nomological import compare, correlate, nomological, williams_t, zou_interval
from analysis.explore.parallel import minimum_average_partial, parallel_analysis
from analysis.explore.polychoric import pair_tables, polychoric, polychoric_matrix
from analysis.explore.report import Exploratory, exploratory
from analysis.explore.rotation import Rotation, oblimin, varimax
from analysis.matrix import Layout, ScoreMatrix
from analysis.polychoric import bivariate_normal
from analysis.report import plain
from analysis.results import Statistic
from analysis.schema import schema_of
from analysis.tally import summarise
from tests.agreement import agree

REFERENCES = Path(__file__).resolve().parents[1] / "references"
PSYCH, LAVAAN = "psych 2.2.9", "lavaan 0.6-14"
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


@pytest.fixture(scope="module")
def matrix(ratings: Any) -> Any:
    return np.corrcoef(ratings.astype(float), rowvar=False)


def kiosk_matrix(reference: Any, column: str) -> Any:
    return np.array(reference.r["kiosk"][column]["adequacy"]["cor"]["values"])


def bank_matrix(reference: Any) -> Any:
    with (reference.folder / "babakus_boller_1992" / "cor22.csv").open(newline="") as file:
        return np.array([[float(one) for one in row[1:]] for row in list(csv.reader(file))[1:]])


def matched(theirs: Any, ours: Any) -> tuple[Any, Any]:
    """Our columns in their order and with their signs, and the order."""
    size = np.abs(theirs.T @ ours) / np.outer(np.linalg.norm(theirs, axis=0), np.linalg.norm(ours, axis=0))
    order = optimize.linear_sum_assignment(-size)[1]
    signs = np.sign((theirs * ours[:, order]).sum(axis=0))
    return ours[:, order] * signs, (order, signs)


# Polychoric correlations


def test_the_bivariate_normal_matches_genz_and_integration(r: Any) -> None:
    one = r["bivariate"]
    h, k, rho = (np.array(one[name]) for name in "hkr")
    # mnormt's algorithm was asked for 1e-14 and gives about 1e-12 near a correlation of 1.
    agree("bivariate normal distribution", "grid of 100", one["p"], bivariate_normal(h, k, rho), by="mnormt", abs=1e-11)

    def integrated(a: float, b: float, c: float) -> float:
        def inner(x: float) -> float:
            return float(stats.norm.pdf(x) * stats.norm.cdf((b - c * x) / math.sqrt(1 - c * c)))

        return float(integrate.quad(inner, -12, a, epsabs=1e-13, limit=500)[0])

    some = [3, 12, 44, 58, 67]
    naive = [integrated(h[i], k[i], rho[i]) for i in some]
    ours = bivariate_normal(h[some], k[some], rho[some])
    agree("bivariate normal distribution", "five points", naive, ours, by="numerical integration", abs=1e-10)


def test_pair_tables_count_pairs_and_add_up(ratings: Any) -> None:
    block = ratings.copy()
    block[::7, 2] = 255
    tables = pair_tables(block, 5)
    naive = np.zeros((5, 5), int)
    for a, b in block[:, [1, 2]]:
        if b <= 5:
            naive[a - 1, b - 1] += 1
    assert (tables[1, 2] == naive).all() and (tables[2, 1] == naive.T).all()
    assert (pair_tables(block[:100], 5) + pair_tables(block[100:], 5) == tables).all()
    assert pair_tables(block[:0], 5).sum() == 0


def test_polychoric_matches_polycor_and_lavaan(ratings: Any, r: Any) -> None:
    tables = pair_tables(ratings, 5)
    found = polychoric(tables[np.triu_indices(9, 1)])
    # polychor and lavaan search with R's optimisers, whose tolerance is about 1e-4 and 1e-5 in rho.
    agree(
        "polychoric correlation", SIMULATED, r["polychoric"]["polycor"], found.rho, by="polycor 0.8-1", rel=0, abs=5e-5
    )
    whole = polychoric_matrix(tables)
    agree("polychoric correlation", SIMULATED, r["polychoric"]["lavaan"], whole.correlation, by=LAVAAN, rel=0, abs=2e-4)
    assert not whole.smoothed and "thin_cells" in whole.flags()


def test_an_empty_cell_of_two_by_two_gets_half_an_observation(r: Any) -> None:
    table = np.array(r["polychoric"]["table"])
    found = polychoric(table[None])
    agree(
        "tetrachoric, empty cell",
        "2 x 2 table",
        r["polychoric"]["tetrachoric"],
        found.rho[0],
        by=PSYCH,
        rel=0,
        abs=1e-4,
    )
    assert found.corrected[0] and found.thin[0]
    wider = np.zeros((1, 5, 5), int)
    wider[0][np.ix_([1, 4], [0, 2])] = table
    assert polychoric(wider).rho[0] == pytest.approx(found.rho[0], abs=1e-12)  # empty rows and columns change nothing


def test_polychoric_is_the_highest_likelihood_of_a_naive_search(ratings: Any) -> None:
    table = pair_tables(ratings, 5)[0, 4]
    cuts = [
        np.concatenate([[-9], stats.norm.ppf(np.cumsum(t)[:-1] / t.sum()), [9]]) for t in (table.sum(1), table.sum(0))
    ]

    def against(rho: float) -> float:
        below = stats.multivariate_normal(cov=[[1, rho], [rho, 1]], abseps=1e-10, releps=1e-10)
        grid = np.array([[below.cdf([a, b]) for b in cuts[1]] for a in cuts[0]])
        cells = np.diff(np.diff(grid, axis=0), axis=1)
        return -float((table[table > 0] * np.log(np.maximum(cells[table > 0], 1e-12))).sum())

    naive = optimize.minimize_scalar(against, bounds=(-0.99, 0.99), method="bounded", options={"xatol": 1e-7}).x
    agree(
        "polychoric correlation",
        "one pair, simulated",
        naive,
        polychoric(table[None]).rho[0],
        by="naive search",
        rel=0,
        abs=1e-5,
    )


@pytest.mark.reference
@pytest.mark.parametrize("column", ["expectation", "perception"])
def test_kiosk_polychorics_match_both_programs(reference: Any, column: str) -> None:
    wanted = reference.r["kiosk"][column]["polychoric"]
    data = columns(reference.kiosk_tally, reference.kiosk)[column]
    ours = data.polychoric.correlation[:3, :3]
    # The tolerance of the reference notes: lavaan's own optimiser stops at about 1e-5.
    agree(
        "polychoric correlation",
        f"kiosk, {column}",
        wanted["lavaan_twostep_ml"]["values"],
        ours,
        by=LAVAAN,
        rel=0,
        abs=1e-4,
    )
    agree(
        "polychoric correlation",
        f"kiosk, {column}",
        wanted["psych_correct0_local"]["values"],
        ours,
        by=PSYCH,
        rel=0,
        abs=1e-4,
    )


def test_degenerate_tables_have_a_value_or_none() -> None:
    same = np.diag([5, 9, 3])
    constant = np.array([[4, 3, 2], [0, 0, 0], [0, 0, 0]])
    independent = np.outer([2, 4, 2], [1, 2, 1])
    found = polychoric(np.array([same, constant, np.zeros((3, 3), int), independent, same[::-1]]))
    assert found.edge.tolist() == [True, False, False, False, True]
    assert found.rho[0] > 0.999 and found.rho[4] < -0.999 and abs(found.rho[3]) < 1e-9
    assert np.isnan(found.rho[1:3]).all()


def test_a_matrix_of_polychorics_leaves_constant_items_out_and_smooths() -> None:
    rng = np.random.default_rng(1)
    block = rng.integers(1, 5, (12, 6)).astype(np.uint8)
    block[:, 2] = 3
    block[:, 5] = block[:, 0]
    found = polychoric_matrix(pair_tables(block, 5))
    assert found.constant.tolist() == [False, False, True, False, False, False]
    kept = found.correlation[np.ix_(~found.constant, ~found.constant)]
    assert np.linalg.eigvalsh(kept)[0] > 0 and found.edge >= 1
    assert np.isnan(found.correlation[2]).all()


# Adequacy


@pytest.mark.reference
def test_adequacy_matches_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W10")
    value, items = kmo(np.array(inputs["R"]))
    chi2, df, log_p = bartlett(np.array(inputs["R"]), inputs["n"])
    agree("KMO", "W10", expected["kmo"], value, by="worked example W10")
    agree("MSA", "W10", expected["msa_item"], items, by="worked example W10")
    wanted = expected["bartlett"]
    agree("Bartlett chi squared", "W10", wanted["chi2"], chi2, by="worked example W10")
    agree("Bartlett log10 p", "W10", wanted["log10_p"], log_p, by="worked example W10")
    assert df == wanted["df"]


def test_adequacy_matches_psych(matrix: Any, r: Any) -> None:
    wanted = r["adequacy"]["simulated"]
    found = adequacy(matrix, 240, tuple("abcdefghi"))
    agree("KMO", SIMULATED, wanted["kmo"], found.kmo.value, by=PSYCH)
    agree("MSA", SIMULATED, wanted["msa"], [one.value for one in found.msa.values()], by=PSYCH)
    agree("Bartlett chi squared", SIMULATED, wanted["chi2"], found.bartlett.value, by=PSYCH)
    agree("Bartlett p", SIMULATED, wanted["p"], found.bartlett_p.value, by=PSYCH, rel=1e-8)


@pytest.mark.reference
def test_adequacy_of_real_surveys_matches_psych(reference: Any) -> None:
    kiosk = reference.r["kiosk"]
    cases = [
        ("kiosk, expectation", kiosk["expectation"]["adequacy"], kiosk_matrix(reference, "expectation")),
        ("kiosk, perception", kiosk["perception"]["adequacy"], kiosk_matrix(reference, "perception")),
        ("kiosk, gap", kiosk["gap_adequacy"], np.array(kiosk["gap_adequacy"]["cor"]["values"])),
        ("Babakus and Boller", reference.r["bb1992"]["adequacy"], bank_matrix(reference)),
    ]
    for name, wanted, correlations in cases:
        value, items = kmo(correlations)
        chi2, df, log_p = bartlett(correlations, wanted["n"])
        agree("KMO", name, wanted["kmo"], value, by=PSYCH)
        agree("MSA", name, list(wanted["kmo_items"].values()), items, by=PSYCH)
        agree("Bartlett chi squared", name, wanted["bartlett_chisq"], chi2, by=PSYCH)
        agree("Bartlett log10 p", name, wanted["bartlett_log10p"], log_p, by="R 4.2.2")
        assert df == wanted["bartlett_df"]


def test_the_tail_far_out_continues_the_tail_near() -> None:
    agree(
        "log10 tail of chi squared",
        "df 36",
        stats.chi2.logsf(700, 36) / math.log(10),
        log10_tail(700, 36),
        by="scipy 1.17",
    )
    # Beyond the smallest number the tail of 2 degrees of freedom is still exp(-x/2).
    agree("log10 tail of chi squared", "df 2", -2500 / math.log(10), log10_tail(5000, 2), by="closed form")


@pytest.mark.parametrize(
    ("correlations", "n", "reason"),
    [
        (np.ones((3, 3)), 50, "singular"),
        (np.eye(1), 50, "one_item"),
        (np.eye(3), 0, "no_respondents"),
        (np.eye(3), 1, "one_respondent"),
        (np.eye(2), 9, "no_variance"),
    ],
)
def test_adequacy_without_its_needs_gives_the_reason(correlations: Any, n: int, reason: str) -> None:
    assert adequacy(correlations, n, tuple("abc"[: len(correlations)])).kmo.reason == reason


# Extraction and rotation


def test_extraction_matches_tight_optimisers(matrix: Any, r: Any) -> None:
    minres, ml = extract(matrix, 3), extract(matrix, 3, "ml")
    assert minres.converged and ml.converged and not minres.heywood.any()
    # L-BFGS-B stops at a projected gradient of about 1e-7.
    agree(
        "minres uniqueness",
        SIMULATED,
        r["efa"]["uls_uniqueness"],
        minres.uniqueness,
        by="R 4.2.2 optim",
        rel=0,
        abs=1e-5,
    )
    agree(
        "ML uniqueness",
        SIMULATED,
        r["efa"]["factanal_uniqueness"],
        ml.uniqueness,
        by="R 4.2.2 factanal",
        rel=0,
        abs=1e-5,
    )
    theirs = np.array(r["efa"]["minres"]["loadings"])
    # psych's fa leaves its optimiser at R's default tolerance.
    agree("minres loadings", SIMULATED, theirs, matched(theirs, minres.loadings)[0], by=PSYCH, rel=0, abs=1e-4)


@pytest.mark.parametrize("method", ["minres", "ml"])
def test_fit_of_factors_matches_psych(matrix: Any, r: Any, method: Any) -> None:
    wanted = r["efa"][method]
    found = factor_fit(matrix, extract(matrix, 3, method).loadings, 240)
    names = ("chi2", "p", "tli", "bic", "rmsr", "objective")
    agree(f"fit of factors, {method}", SIMULATED, [wanted[name] for name in names], [getattr(found, name) for name in names], by=PSYCH, rel=1e-4)  # fmt: skip  # noqa: E501
    interval = (found.rmsea, found.rmsea_low, found.rmsea_high)
    agree(f"RMSEA of factors, {method}", SIMULATED, wanted["rmsea"], interval, by=PSYCH, rel=0, abs=1e-5)
    assert found.df == wanted["df"]


def _cases(reference: Any) -> Iterator[tuple[str, Any, Any, int]]:
    kiosk = reference.r["kiosk"]
    yield "kiosk, expectation, 8 factors", kiosk_matrix(reference, "expectation"), kiosk["expectation"]["efa"], 207
    yield "kiosk, perception, 8 factors", kiosk_matrix(reference, "perception"), kiosk["perception"]["efa"], 207
    yield "kiosk, perception, 6 factors", kiosk_matrix(reference, "perception"), kiosk["perception"]["efa6"], 207
    bank = reference.r["bb1992"]
    yield "Babakus and Boller, 5 factors", bank_matrix(reference), bank["efa5"], 502
    yield "Babakus and Boller, 2 factors", bank_matrix(reference), bank["efa2"], 502


@pytest.mark.reference
@pytest.mark.parametrize("method", ["minres", "ml"])
def test_factors_of_real_surveys_match_psych(reference: Any, method: Any) -> None:
    for name, correlations, by_method, n in _cases(reference):
        wanted = by_method[method]
        found = extract(correlations, wanted["k"], method)
        fit = factor_fit(correlations, found.loadings, n)
        if name == "kiosk, perception, 8 factors" and method == "ml":
            # psych stops at a worse one of several minima; the next test has the lowest.
            continue
        theirs = np.array(wanted["loadings_oblimin"]["values"])
        rotated = oblimin(found.loadings, np.random.default_rng(1))
        ours, (order, signs) = matched(theirs, rotated.pattern)
        phi = rotated.phi[np.ix_(order, order)] * np.outer(signs, signs)
        # The tolerances of the reference notes; Heywood cases sit at psych's bound with a looser optimiser.
        agree(
            f"communality, {method}",
            name,
            list(wanted["communality"].values()),
            found.communality,
            by=PSYCH,
            rel=0,
            abs=1e-3,
        )
        agree(f"oblimin pattern, {method}", name, theirs, ours, by=PSYCH, rel=0, abs=1e-3)
        agree(f"oblimin phi, {method}", name, wanted["phi_oblimin"], phi, by=PSYCH, rel=0, abs=1e-3)
        agree(f"chi squared of factors, {method}", name, wanted["statistic"], fit.chi2, by=PSYCH, rel=1e-4)
        agree(f"TLI of factors, {method}", name, wanted["tli"], fit.tli, by=PSYCH, rel=0, abs=1e-4)
        agree(f"BIC of factors, {method}", name, wanted["bic"], fit.bic, by=PSYCH, rel=1e-4)
        agree(f"RMSR of factors, {method}", name, wanted["rms"], fit.rmsr, by=PSYCH, rel=0, abs=1e-5)
        limits = [wanted["rmsea"][one] for one in ("RMSEA", "lower", "upper")]
        agree(
            f"RMSEA of factors, {method}",
            name,
            limits,
            (fit.rmsea, fit.rmsea_low, fit.rmsea_high),
            by=PSYCH,
            rel=0,
            abs=1e-5,
        )
        turned = np.array(wanted["loadings_varimax"]["values"])
        # R's varimax stops at a relative gain of 1e-5, far from its maximum where that is flat.
        agree(
            f"varimax, {method}",
            name,
            turned,
            matched(turned, varimax(found.loadings).pattern)[0],
            by=PSYCH,
            rel=0,
            abs=0.02,
        )


@pytest.mark.reference
def test_several_starts_find_the_lowest_minimum(reference: Any, r: Any) -> None:
    kiosk = reference.r["kiosk"]
    correlations = kiosk_matrix(reference, "perception")
    for seed in range(3):
        found = extract_lowest(correlations, 8, np.random.default_rng(seed), "ml")
        objective = factor_fit(correlations, found.loadings, 207).objective
        # factanal's optimiser stops at a relative gain of about 1e-7.
        agree("ML discrepancy, lowest of many starts", "kiosk, perception, 8 factors", r["kiosk_p8_objective"], objective, by="R 4.2.2 factanal", rel=1e-6)  # fmt: skip  # noqa: E501
        assert found.minima > 1 and objective < kiosk["perception"]["efa"]["ml"]["objective"]
    correlations = kiosk_matrix(reference, "expectation")
    lowest = extract_lowest(correlations, 8, np.random.default_rng(1))
    rmsr = factor_fit(correlations, lowest.loadings, 207).rmsr
    assert lowest.minima > 1 and rmsr < kiosk["expectation"]["efa"]["minres"]["rms"]


def test_without_a_heywood_case_the_usual_start_is_kept(matrix: Any) -> None:
    one, other = extract(matrix, 3), extract_lowest(matrix, 3, np.random.default_rng(1))
    assert (one.loadings == other.loadings).all() and other.minima == 1


def test_rotations_match_gparotation_and_r(r: Any) -> None:
    loadings = np.array(r["efa"]["minres"]["loadings"])
    rotated = oblimin(loadings, np.random.default_rng(2))
    theirs = np.array(r["efa"]["oblimin"])
    ours, (order, signs) = matched(theirs, rotated.pattern)
    agree("oblimin pattern", SIMULATED, theirs, ours, by="GPArotation 2022.10-2", rel=0, abs=1e-7)
    phi = rotated.phi[np.ix_(order, order)] * np.outer(signs, signs)
    agree("oblimin phi", SIMULATED, r["efa"]["phi"], phi, by="GPArotation 2022.10-2", rel=0, abs=1e-7)
    turned = np.array(r["efa"]["varimax"])
    agree(
        "varimax",
        SIMULATED,
        turned,
        matched(turned, varimax(loadings).pattern)[0],
        by="R 4.2.2 varimax",
        rel=0,
        abs=1e-6,
    )


def test_no_rotation_has_a_lower_criterion_than_oblimin(matrix: Any) -> None:
    loadings = extract(matrix, 2).loadings

    def criterion(angles: Any) -> float:
        turn = np.array([[np.cos(angles[0]), np.cos(angles[1])], [np.sin(angles[0]), np.sin(angles[1])]])
        if abs(np.linalg.det(turn)) < 1e-3:
            return 1e9
        squares = (loadings @ np.linalg.inv(turn).T) ** 2
        return float((squares[:, 0] * squares[:, 1]).sum())

    naive = min(optimize.minimize(criterion, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13}).fun for start in permutations([0.1, 1.2, 2.0], 2))  # fmt: skip  # noqa: E501
    found = oblimin(loadings, np.random.default_rng(1)).pattern ** 2
    agree(
        "oblimin criterion",
        f"{SIMULATED}, 2 factors",
        naive,
        (found[:, 0] * found[:, 1]).sum(),
        by="naive search",
        rel=1e-6,
    )


def test_rotated_factors_reproduce_what_the_unrotated_do(matrix: Any) -> None:
    loadings = extract(matrix, 3).loadings
    for rotated in (oblimin(loadings, np.random.default_rng(1)), varimax(loadings)):
        assert rotated.structure @ rotated.pattern.T == pytest.approx(loadings @ loadings.T, abs=1e-9)
        assert (rotated.pattern.sum(axis=0) >= 0).all() and np.diag(rotated.phi) == pytest.approx(1)
    assert oblimin(loadings[:, :1], np.random.default_rng(1)).pattern == pytest.approx(loadings[:, :1])


def test_extraction_refuses_what_it_cannot_do() -> None:
    with pytest.raises(ValueError, match="3 factors of 3 items"):
        extract(np.eye(3), 3)
    with pytest.raises(ValueError, match="positive definite"):
        extract(np.ones((4, 4)), 1, "ml")
    with pytest.raises(ValueError, match="two factors"):
        schmid_leiman(Rotation(np.ones((4, 1)), np.eye(1)))
    assert degrees_of_freedom(22, 5) == 131 and degrees_of_freedom(4, 2) < 0
    assert math.isnan(factor_fit(np.eye(3), np.full((3, 1), 0.1), 50).p)


def test_a_heywood_case_is_flagged() -> None:
    found = extract(np.array([[1, 0.9, 0.9], [0.9, 1, 0.5], [0.9, 0.5, 1]]), 1)
    assert found.heywood.tolist() == [True, False, False] and found.converged


# Number of factors


def test_observed_eigenvalues_and_counts_match_psych(ratings: Any, matrix: Any, r: Any) -> None:
    wanted = r["parallel"]
    found = parallel_analysis(matrix, 240, np.random.default_rng(1), ratings.astype(float))
    agree("eigenvalues of components", SIMULATED, wanted["pc"], found.components, by=PSYCH)
    agree("eigenvalues of factors", SIMULATED, wanted["fa"], found.factors, by=PSYCH, rel=0, abs=1e-4)
    assert (found.component_count, found.factor_count) == (wanted["ncomp"], wanted["nfact"])
    agree("minimum average partial", SIMULATED, wanted["map"][:8], minimum_average_partial(matrix)[1:9], by=PSYCH)


@pytest.mark.reference
def test_counts_of_real_surveys_match_psych(reference: Any) -> None:
    cases = [(f"kiosk, {one}", kiosk_matrix(reference, one), reference.r["kiosk"][one]["parallel"], 207) for one in ("expectation", "perception")]  # fmt: skip  # noqa: E501
    for name, correlations, wanted, n in [*cases, ("Babakus and Boller", bank_matrix(reference), reference.r["bb1992"]["parallel"], 502)]:  # fmt: skip  # noqa: E501
        found = parallel_analysis(correlations, n, np.random.default_rng(1))
        agree("eigenvalues of components", name, wanted["pc_values"], found.components, by=PSYCH)
        agree("eigenvalues of factors", name, wanted["fa_values"], found.factors, by=PSYCH, rel=0, abs=1e-4)
        agree("number of components and factors", name, [wanted["ncomp"], wanted["nfact"]], [found.component_count, found.factor_count], by=PSYCH)  # fmt: skip  # noqa: E501


def test_draws_from_pools_vary_like_naive_permutations(ratings: Any, matrix: Any) -> None:
    rng = np.random.default_rng(1)
    rows = ratings.astype(float)
    naive = [np.linalg.eigvalsh(np.corrcoef(rng.permuted(rows, axis=0), rowvar=False))[::-1] for _ in range(2000)]
    pooled = parallel_analysis(matrix, 240, rng, rows, 2000).component_limits
    random = parallel_analysis(matrix, 240, rng, None, 2000).component_limits
    wanted = np.quantile(naive, 0.95, axis=0)
    # Quantiles of 2000 draws have a standard error of about 0.004.
    agree("limits of components, permutations", SIMULATED, wanted, pooled, by="naive permutations", rel=0, abs=0.02)
    agree("limits of components, random data", SIMULATED, wanted, random, by="naive permutations", rel=0, abs=0.02)


def test_permutations_keep_the_pattern_of_missing_answers(ratings: Any, matrix: Any) -> None:
    rows = ratings.astype(float)
    rows[np.random.default_rng(2).random(rows.shape) < 0.3] = np.nan
    fewer = parallel_analysis(matrix, 240, np.random.default_rng(1), rows).component_limits[0]
    assert fewer > parallel_analysis(matrix, 240, np.random.default_rng(1), ratings.astype(float)).component_limits[0]


def test_columns_without_correlation_have_no_factors() -> None:
    rows = np.random.default_rng(5).integers(1, 6, (500, 8)).astype(float)
    found = parallel_analysis(np.corrcoef(rows, rowvar=False), 500, np.random.default_rng(1), rows)
    assert (found.component_count, found.factor_count) == (0, 0)


# A general factor


@pytest.mark.parametrize("factors", [3, 2])
def test_omega_hierarchical_matches_psych(matrix: Any, r: Any, factors: int) -> None:
    wanted = r["omega"][f"nf{factors}"]
    solution = schmid_leiman(oblimin(extract(matrix, factors).loadings, np.random.default_rng(1)))
    found = omegas(matrix, solution)
    theirs = [wanted["h"], wanted["t"], wanted["limit"], wanted["ecv"]]
    ours = [found.hierarchical, found.total, found.limit, found.ecv]
    # psych rotates from its varimax solution with GPArotation's default tolerance of 1e-5.
    agree(
        "omega hierarchical, total, limit, ECV",
        f"{SIMULATED}, {factors} factors",
        theirs,
        ours,
        by=PSYCH,
        rel=0,
        abs=1e-4,
    )
    agree(
        "general factor loadings",
        f"{SIMULATED}, {factors} factors",
        wanted["g"],
        solution.general,
        by=PSYCH,
        rel=0,
        abs=2e-4,
    )
    groups = sorted(wanted["group"]), sorted(found.group_own.tolist())
    agree("omega of group factors", f"{SIMULATED}, {factors} factors", *groups, by=PSYCH, rel=0, abs=2e-4)
    assert solution.equal == (factors == 2)


@pytest.mark.reference
def test_omega_hierarchical_of_real_surveys_matches_psych(reference: Any) -> None:
    for column in ("expectation", "perception"):
        correlations = kiosk_matrix(reference, column)
        for wanted in reference.r["kiosk"][column]["omega_total_scale"].values():
            name = f"kiosk, {column}, {wanted['nfactors']} factors"
            rotated = oblimin(extract(correlations, wanted["nfactors"]).loadings, np.random.default_rng(1))
            found = omegas(correlations, schmid_leiman(rotated))
            theirs = [wanted["omega_h"], wanted["omega_tot"], wanted["ecv"], wanted["omega_h_lim"]]
            agree("omega hierarchical, total, ECV, limit", name, theirs, [found.hierarchical, found.total, found.ecv, found.limit], by=PSYCH, rel=0, abs=1e-3)  # fmt: skip  # noqa: E501
            groups = np.array(wanted["omega_group"]["values"], float)[1:]
            have = ~np.isnan(groups).any(axis=1)
            ours = np.column_stack([found.group_total, found.group_general, found.group_own])
            ours = ours[~np.isnan(ours).any(axis=1)]
            by_total, ours = (one[np.argsort(one[:, 0])] for one in (groups[have], ours))
            agree("omega of group factors", name, by_total, ours, by=PSYCH, rel=0, abs=1e-3)
    wanted = reference.r["bb1992"]["omega"]
    correlations = bank_matrix(reference)
    found = omegas(correlations, schmid_leiman(oblimin(extract(correlations, 5).loadings, np.random.default_rng(1))))
    agree("omega hierarchical, total", "Babakus and Boller, 5 factors", [wanted["omega_h"], wanted["omega_tot"]], [found.hierarchical, found.total], by=PSYCH, rel=0, abs=1e-3)  # fmt: skip  # noqa: E501


# Outcomes


def test_williams_test_matches_psych(r: Any) -> None:
    first, second, outcome = np.array(r["williams"]["data"], float).T
    found = compare(first, second, outcome)
    agree("Williams t", "attitude", r["williams"]["t"], found.t.value, by=PSYCH)
    agree("Williams p", "attitude", r["williams"]["p"], found.p.value, by=PSYCH)


def test_dependent_correlations_match_naive_programs() -> None:
    # Zou's published example: r 0.396 and 0.179 of the same outcome, 0.088 between, n 66.
    low, high = zou_interval(0.396, 0.179, 0.088, 66)
    agree(
        "interval of dependent correlations",
        "Zou 2007, example 2",
        [-0.093, 0.517],
        [low, high],
        by="Zou 2007",
        rel=0,
        abs=1e-3,
    )
    n, one, two, between = 103, 0.4, 0.5, 0.1
    size = 1 - one**2 - two**2 - between**2 + 2 * one * two * between
    mean = (one + two) / 2
    t = (one - two) * ((n - 1) * (1 + between) / (2 * (n - 1) / (n - 3) * size + mean**2 * (1 - between) ** 3)) ** 0.5
    agree("Williams t", "r .4 .5 .1, n 103", t, williams_t(one, two, between, n)[0], by="Steiger 1980, equation 7")
    x = np.random.default_rng(1).normal(size=(40, 2))
    expected = stats.pearsonr(x[:, 0], x[:, 1])
    found = correlate(x[:, 0], x[:, 1])
    limits = expected.confidence_interval()
    agree(
        "correlation with Fisher interval",
        "normal, n 40",
        [expected.statistic, *limits],
        [found.value, found.low, found.high],
        by="scipy 1.17",
    )


def test_versions_are_compared_over_those_who_have_all_three() -> None:
    rng = np.random.default_rng(3)
    y = rng.normal(size=80)
    scores = {"gap": y + 2 * rng.normal(size=80), "perception": y + rng.normal(size=80), "same": np.ones(80)}
    scores["gap"][:10] = np.nan
    found = nomological(scores, {"overall": y, "nobody": np.full(80, np.nan)})
    assert found.strongest == {"overall": "perception", "nobody": None}
    one = found.outcomes["overall"]
    assert one.comparisons["gap-perception"].t.n == 70 and one.comparisons["gap-perception"].difference.value < 0
    assert one.correlations["same"].reason == one.comparisons["gap-same"].p.reason == "no_variance"
    assert found.outcomes["nobody"].correlations["gap"].reason == "no_complete_pairs"
    assert compare(y, 2 * y, rng.normal(size=80)).t.reason == "singular"
    assert compare(y[:3], y[:3], y[:3]).t.reason == "no_complete_cases"


def test_an_outcome_that_both_scores_explain_wholly_has_no_test() -> None:
    first = np.array([1.0, 1.0, 1.0, 3.0])
    second, outcome = np.array([2.0, 1.0, 2.0, 2.0]), np.array([2.0, 1.0, 2.0, 1.0])
    found = compare(first, second, outcome)
    assert found.t.reason == found.p.reason == "singular" and found.difference.value < 0


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(*[st.sampled_from([1.0, 2.0, 3.0, math.nan])] * 3), max_size=12))
def test_any_scores_and_outcomes_give_numbers_or_reasons(rows: Any) -> None:
    first, second, outcome = np.array(rows, float).reshape(-1, 3).T
    for one in leaves(nomological({"a": first, "b": second}, {"y": outcome})):
        if isinstance(one, Statistic):
            assert one.value is not None or one.reason is not None
            assert all(math.isfinite(x) for x in (one.value, one.low, one.high) if x is not None)
            assert one.low is None or one.low - 1e-9 <= one.value <= one.high + 1e-9


def test_noncentrality_matches_scipy_on_both_sides_of_a_million() -> None:
    for chi2 in (150.0, 9e5, 2e6):
        lam = noncentrality(chi2, 131, 0.05)
        assert lam > 0
        agree(
            "noncentral chi squared",
            f"{chi2:g} on 131 df",
            0.05,
            stats.ncx2.cdf(chi2, 131, lam),
            by="scipy 1.17",
            rel=1e-7,
        )
    assert noncentrality(50.0, 131, 0.95) == 0 and math.isfinite(noncentrality(1e14, 5, 0.05))


# Matrices


def test_smoothing_and_multiple_correlations() -> None:
    broken = np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])
    mended, changed = smoothed(broken)
    assert changed and np.linalg.eigvalsh(mended)[0] > 0 and np.diag(mended) == pytest.approx(1)
    values, pseudo = squared_multiple(np.ones((3, 3)))
    assert pseudo and ((values >= 0) & (values <= 1)).all()


# The whole


def leaves(part: Any) -> Iterator[Any]:
    """Every number and statistic of a result."""
    if isinstance(part, Statistic):
        yield part
    elif isinstance(part, dict):
        for one in part.values():
            yield from leaves(one)
    elif isinstance(part, tuple | list):
        for one in part:
            yield from leaves(one)
    elif hasattr(part, "__dataclass_fields__"):
        for name in part.__dataclass_fields__:
            yield from leaves(getattr(part, name))


def explored(perception: Any, points: int = 7, dimensions: int = 2) -> Exploratory:
    k = perception.shape[1]
    names = tuple(f"D{d}" for d in range(dimensions))
    layout = Layout(
        tuple(f"Q{j}" for j in range(k)), points, names, (), tuple(j * dimensions // k for j in range(k)), (), None
    )
    matrix = ScoreMatrix(layout, perception)
    data = columns(summarise(matrix), matrix)["perception"]
    return exploratory(data, layout.items, points, dimensions, np.random.default_rng(1))


def test_the_report_of_simulated_answers_is_whole(ratings: Any, matrix: Any, r: Any) -> None:
    found = explored(ratings, 5, 3)
    json.dumps(plain(found))
    assert schema_of(Exploratory)[1]
    assert (found.input, found.input_reason, found.sentence, found.suggested.value) == (
        "polychoric",
        "few_points",
        "as_theory",
        3,
    )
    agree("KMO", f"{SIMULATED}, whole report", r["adequacy"]["simulated"]["kmo"], found.adequacy.kmo.value, by=PSYCH)
    homes = [max(row, key=lambda name: abs(row[name])) for row in found.solution.pattern.values()]
    assert [len(set(homes[start : start + 3])) for start in (0, 3, 6)] == [1, 1, 1]
    assert 0 < found.solution.general.omega_hierarchical.value < found.solution.general.omega_total.value < 1
    assert found.solution.rmsea.low <= found.solution.rmsea.value <= found.solution.rmsea.high


def test_long_scales_without_skew_use_pearson_correlations() -> None:
    rng = np.random.default_rng(4)
    rows = np.clip(np.rint(4 + rng.normal(size=(400, 1)) + rng.normal(size=(400, 6))), 1, 7).astype(np.uint8)
    assert (explored(rows).input, explored(rows).input_reason) == ("pearson", "many_points")
    assert explored(np.where(rows < 3, 1, 7).astype(np.uint8)).input_reason == "skewed"


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (np.zeros((0, 6)), "no_respondents"),
        (np.full((1, 6), 3), "too_few"),
        (np.zeros((20, 6)), "no_respondents"),
        (np.full((20, 6), 3), "no_variance"),
        (np.random.default_rng(1).integers(1, 8, (9, 6)), "too_few"),
        (np.random.default_rng(1).integers(1, 8, (40, 1)), "one_item"),
    ],
)
def test_thin_data_give_the_reason(rows: Any, reason: str) -> None:
    found = explored(rows.astype(np.uint8), dimensions=1)
    assert found.suggested.reason == found.solution.status.reason == reason
    assert found.sentence == "undefined"


def test_repeated_items_and_too_many_factors_are_told() -> None:
    rng = np.random.default_rng(6)
    rows = rng.integers(1, 8, (60, 6)).astype(np.uint8)
    rows[:, 5] = rows[:, 0]
    found = explored(rows)
    assert found.adequacy.kmo.reason == "singular" and found.sentence == "undefined"
    assert "singular" in found.solution.status.flags and found.solution.chi2.reason == "singular"
    assert explored(rows[:, :4], dimensions=2).solution.status.reason == "not_identified"
    assert explored(rows[:12, :5], dimensions=1).solution.general is None


def test_without_rows_there_are_random_draws_and_pearson(ratings: Any) -> None:
    layout = Layout(tuple("abcdefghi"), 5, ("D",), (), (0,) * 9, (), None)
    tally = summarise(ScoreMatrix(layout, ratings))
    data = columns(tally)["perception"]
    found = exploratory(data, layout.items, 5, 3, np.random.default_rng(1))
    assert found.input_reason == "no_tables" and "random data" in found.count.components.method
    assert isinstance(data, ColumnData) and data.polychoric is None


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_answers_give_numbers_or_reasons(data: Any) -> None:
    n, k, m = data.draw(st.integers(0, 40)), data.draw(st.integers(1, 8)), data.draw(st.sampled_from([2, 5, 7]))
    seed = data.draw(st.integers(0, 10**6))
    rng = np.random.default_rng(seed)
    values = np.array([0, 255, *range(1, m + 1)], np.uint8)
    weights = rng.dirichlet(np.full(values.size, data.draw(st.sampled_from([0.1, 1.0, 10.0]))))
    rows = rng.choice(values, size=(n, k), p=weights)
    if k > 2 and data.draw(st.booleans()):
        rows[:, 1] = rows[:, 0]
    found = explored(rows, m, min(2, k))
    for one in leaves(found):
        if isinstance(one, Statistic):
            assert (one.value is None) == (one.reason is not None)
            assert all(math.isfinite(x) for x in (one.value, one.low, one.high) if x is not None)
            assert one.low is None or one.low <= one.value <= one.high
    json.dumps(plain(found), allow_nan=False)
    turned = explored(rows[rng.permutation(n)], m, min(2, k))
    assert turned.adequacy == found.adequacy and turned.left_out == found.left_out
