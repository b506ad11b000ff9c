"""Planning, raking, the short form, missing answers and response quality, beside R and the worked examples."""

from __future__ import annotations

import csv
import itertools
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.matrix import Layout, ScoreMatrix
from analysis.missing import Patterns, blank_by_group, em, little, log_likelihood, missingness
from analysis.sampling.planning import (
    change_n,
    cluster_effect,
    half_width_at,
    inflated,
    margin_n,
    mean_n,
    minimum_effect_n,
    one_sided_power,
    paired_n,
    paired_power,
    power_curve,
    smallest,
)
from analysis.sampling.raking import kish, rake
from analysis.sampling.shortform import StageDesign, every_pair_chance, pair_kinds, preview
from analysis.screening import Checks, even_odd, longstring, mahalanobis, quality, screen, within_person_sd
from tests.agreement import agree
from tests.analysis.soundness import numbers, sound

HERE = Path(__file__).parents[1] / "references"
R: dict[str, Any] = json.loads((HERE / "sampling_expected.json").read_text())
with (HERE / "sampling.csv").open(newline="") as file:
    DATA = np.array([[float(value) if value else math.nan for value in row.values()] for row in csv.DictReader(file)])
TIER, AGE, Y = DATA[:, 0].astype(int), DATA[:, 1].astype(int), DATA[:, 2:]
BANK, NAIVE = "150 simulated customers", "naive second program"


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.mark.reference
def test_planning_matches_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W16")
    by = "worked example W16"
    agree("sample size for a share", "W16", [expected["n0"], expected["n_fpc"]],
          [margin_n(inputs["margin"]), margin_n(inputs["margin"], inputs["population"])], by=by)  # fmt: skip
    n = paired_n(inputs["dz"], inputs["power"])
    assert n == expected["n_paired"]
    agree("power of the paired t test", "W16", [expected["power_at_n"], expected["power_at_n_minus_1"]],
          [paired_power(inputs["dz"], n), paired_power(inputs["dz"], n - 1)], by=by)  # fmt: skip
    agree("design effect of clusters, planned", "W16", expected["deff_cluster"],
          cluster_effect(inputs["cluster"]["m"], inputs["cluster"]["icc"]), by=by)  # fmt: skip


def test_power_matches_r() -> None:
    wanted = R["power"]
    agree("power of the paired t test", "d_z .4, n 60", wanted["at60"], paired_power(0.4, 60), by="R 4.2.2", rel=1e-7)
    # R gives fractions of a respondent; ours is the next whole one.
    assert paired_n(0.3, 0.9) == math.ceil(wanted["paired"])
    assert change_n(0.3, 1.3) == math.ceil(wanted["fresh"])
    assert minimum_effect_n(-1.0, 0.5, 1.3) == math.ceil(wanted["minimum"])
    agree("sample sizes: paired, fresh, minimum effect", "power .9, .8, .8",
          [math.ceil(wanted[key]) for key in ("paired", "fresh", "minimum")],
          [paired_n(0.3, 0.9), change_n(0.3, 1.3), minimum_effect_n(-1.0, 0.5, 1.3)], by="R 4.2.2")  # fmt: skip


def test_planned_numbers_are_those_of_the_method_notes() -> None:
    ours = [minimum_effect_n(gap, 0.5, 1.3, alpha=alpha) for gap in (-1.0, -0.8, -1.2) for alpha in (0.05, 0.05 / 15)]
    agree("minimum-effect sample sizes", "sd 1.3", [44, 90, 118, 241, 23, 48], ours, by="method notes")
    changes = [
        change_n(0.3, 1.3),
        change_n(0.3, 1.3, correlation=0.5),
        change_n(0.5, 1.3),
        change_n(0.5, 1.3, correlation=0.5),
    ]
    agree("sample sizes for a change", "sd 1.3", [233, 118, 85, 44], changes, by="method notes")


def test_planned_power_is_what_simulation_gives() -> None:
    drawn = np.random.default_rng(4).normal(-1.0, 1.3, (20_000, 44))
    t = (drawn.mean(axis=1) + 0.5) / (drawn.std(axis=1, ddof=1) / math.sqrt(44))
    from analysis.frequencies import t_quantile

    # The standard error of a share of .8 in 20,000 runs is .003.
    agree("power of the minimum-effect test", "n 44", float((t < t_quantile(43, 0.05)).mean()),
          one_sided_power(0.5, 1.3, 44), by="simulation", abs=0.012)  # fmt: skip


def test_means_need_fewer_answers_than_the_population_has() -> None:
    agree("sample size for a mean", "sd 1.3, +-.2", (1.959963984540054 * 1.3 / 0.2) ** 2, mean_n(0.2, 1.3), by=NAIVE)
    assert mean_n(0.001, 1.3, population=500) <= 500 and margin_n(0.05, 300) < 300
    agree("half width of a mean", "n 100 of 400", 1.9842169515086827 * 1.3 / 10 * math.sqrt(300 / 399),
          half_width_at(100, 1.3, 400), by=NAIVE)  # fmt: skip
    assert half_width_at(100, 1.3, 100) == 0


def test_invitations_allow_for_silence_and_lack_of_exposure() -> None:
    assert inflated(100, 1.5, 0.2, 0.5) == 1500 and inflated(100) == 100
    with pytest.raises(ValueError, match="response rate"):
        inflated(100, response_rate=0)
    with pytest.raises(ValueError, match="no number of answers"):
        minimum_effect_n(-0.4, 0.5, 1.3)
    with pytest.raises(ValueError, match="would be needed"):
        smallest(lambda n: 0.1, 0.8, 1000)
    assert power_curve(lambda n: n / 100, (10, 200)) == ((10, 0.1), (200, 1.0))


@pytest.mark.reference
def test_raking_matches_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W16")
    seed = np.array(inputs["rake"]["seed"], int)
    row, column = (np.repeat(part.ravel(), seed.ravel()) for part in np.indices(seed.shape))
    targets = [dict(enumerate(inputs["rake"][key])) for key in ("rows", "cols")]
    found = rake([row, column], targets, trim=False)
    raked = [[float(found.weights[(row == i) & (column == j)].sum()) for j in (0, 1)] for i in (0, 1)]
    agree("raked cells", "W16", expected["raked"], raked, by="worked example W16")
    agree("Kish design effect", "W16", expected["deff_kish"], found.design_effect, by="worked example W16")
    means = np.array(inputs["rake"]["cell_mean"])[row, column]
    agree("raked mean", "W16", expected["weighted_mean"], float(found.weights @ means / found.weights.sum()),
          by="worked example W16")  # fmt: skip


def test_raking_matches_survey() -> None:
    found = rake([TIER, AGE], [{0: 0.4, 1: 0.35, 2: 0.25}, {0: 0.55, 1: 0.45}], trim=False)
    agree("raked weights", BANK, R["raked"], found.weights, by="survey 4.1-1", rel=1e-8)
    agree(
        "Kish design effect",
        BANK,
        150 * np.square(R["raked"]).sum() / np.sum(R["raked"]) ** 2,
        found.design_effect,
        by=NAIVE,
    )
    assert found.converged and found.error <= 1e-10


def test_large_weights_are_cut_and_said() -> None:
    code = np.repeat([0, 1], [390, 10])
    found = rake([code], [{0: 0.5, 1: 0.5}])
    assert found.trimmed == 10 and "trimmed" in found.flags and not found.converged
    assert found.weights.max() <= 5 * np.median(found.weights) * 1.6


def test_categories_without_answers_and_unknown_people_are_told() -> None:
    found = rake([np.array([0, 0, 1, -1])], [{0: 0.5, 1: 0.3, 2: 0.2}])
    assert found.flags == ("empty_category:0:2",) and found.weights[3] == 0 and found.weights.sum() == pytest.approx(3)
    assert "nobody" in rake([np.array([-1, -1])], [{0: 1.0}]).flags and kish(np.zeros(3)) == 1
    with pytest.raises(ValueError, match="must not be negative"):
        rake([np.zeros(3, int)], [{0: -1.0}])


BANK_FORM = {"encounter": StageDesign(2, 5, 2), "transfer": StageDesign(2, 6, 2), "tracking": StageDesign(1, 6, 2)}


def test_the_short_form_gives_the_chances_of_the_method_notes() -> None:
    kinds = pair_kinds(BANK_FORM)
    agree("short form, chances of pairs", "5 core + 6 random of 22", [0.4, 0.1, 1 / 15, 2 / 15, 1 / 9],
          [kinds[kind][0] for kind in ("core.encounter", "encounter.encounter", "transfer.transfer",
           "encounter.transfer", "transfer.tracking")], by="method notes")  # fmt: skip
    found = preview(2000, BANK_FORM)
    assert (found.items_asked, found.items) == (11, 22) and sum(pairs for _, pairs in kinds.values()) == 22 * 21 // 2
    assert found.every_pair == pytest.approx(0.98, abs=0.015) and found.n_for_pairs == pytest.approx(2000, abs=60)
    agree("short form, wider intervals", "encounter, transfer", [1 / math.sqrt(0.4), math.sqrt(3)],
          [found.wider["encounter"], found.wider["transfer"]], by=NAIVE)  # fmt: skip


def test_the_chance_that_every_pair_is_asked_often_is_what_simulation_gives() -> None:
    random, n = np.random.default_rng(5), 1850
    reached = 0
    for _ in range(120):
        asked = np.ones((n, 22), bool)
        at = 0
        for one in BANK_FORM.values():
            order = random.random((n, one.random)).argsort(axis=1).argsort(axis=1)
            asked[:, at + one.core : at + one.core + one.random] = order < one.drawn
            at += one.core + one.random
        reached += (asked.T.astype(float) @ asked).min() >= 100
    ours = every_pair_chance(n, pair_kinds(BANK_FORM), 100)
    # 120 runs have a standard error of .045 and pairs are a little dependent; the preview errs downwards.
    agree("short form, every pair often enough", "n 1850", reached / 120, ours, by="simulation", abs=0.15)
    assert every_pair_chance(50, pair_kinds(BANK_FORM), 100) == 0


def test_a_form_that_never_pairs_two_items_has_no_number_for_them() -> None:
    assert preview(500, {"only": StageDesign(1, 4, 1)}).n_for_pairs == 0


@pytest.mark.reference
def test_em_and_little_match_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W18")
    values = np.array(inputs["Y"], float)
    found, test, by = em(values), little(values), "worked example W18"
    assert found is not None and test is not None and found.converged
    agree("EM mean", "W18", expected["em_mean"], found.mean, by=by, rel=1e-6)
    agree("EM covariance", "W18", expected["em_cov_ml"], found.covariance, by=by, rel=1e-6)
    agree("EM log likelihood", "W18", expected["loglik"], found.log_likelihood, by=by, rel=1e-6)
    agree(
        "Little's test",
        "W18",
        [expected["little_d2_ml_cov"], expected["p_ml_cov"]],
        [test.chi2, test.p],
        by=by,
        rel=1e-6,
    )
    assert (test.df, test.patterns) == (expected["df"], expected["patterns"])


def test_em_and_little_match_lavaan() -> None:
    found, test = em(Y), little(Y)
    assert found is not None and test is not None
    agree("EM mean", BANK, R["em"]["mean"], found.mean, by="lavaan 0.6-14", rel=1e-7)
    agree("EM covariance", BANK, R["em"]["cov"], found.covariance, by="lavaan 0.6-14", rel=1e-6)
    agree("EM log likelihood", BANK, R["em"]["loglik"], found.log_likelihood, by="lavaan 0.6-14", rel=1e-9)
    agree("Little's test", BANK, R["little"][0], test.chi2, by="R, by patterns", rel=1e-6)
    assert test.df == R["little"][1]


def test_em_is_the_top_of_the_likelihood() -> None:
    found = em(Y)
    patterns = Patterns.of(Y)
    top = log_likelihood(patterns, found.mean, found.covariance)
    assert top == pytest.approx(found.log_likelihood, rel=1e-12)
    for seed in range(12):
        random = np.random.default_rng(seed)
        bent = found.covariance * (1 + 0.02 * np.outer(*[random.choice([-1, 1], 5)] * 2))
        assert log_likelihood(patterns, found.mean + random.normal(0, 0.02, 5), bent) < top


def test_without_missing_values_em_gives_the_plain_moments() -> None:
    full = np.array(R["full"], float)
    found = em(full)
    agree("EM covariance", f"{BANK}, complete", np.cov(full, rowvar=False, ddof=0), found.covariance, by=NAIVE)
    assert little(full) is None


@pytest.mark.parametrize(
    "values",
    [np.zeros((0, 2)), np.ones((1, 2)), np.full((5, 2), np.nan), np.ones((9, 2)),
     np.column_stack([np.arange(9.0), np.arange(9.0)]), np.column_stack([np.arange(4.0), np.full(4, np.nan)])],
)  # fmt: skip
def test_em_without_its_needs_gives_nothing(values: Any) -> None:
    assert em(values) is None and little(values) is None


def test_blanks_by_group_match_a_logistic_regression() -> None:
    blank = np.isnan(Y).any(axis=1)
    agree("blanks by group, likelihood ratio", BANK, R["blank_p"], blank_by_group(blank, TIER).value, by="R 4.2.2")
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    x = np.column_stack([np.ones(150), TIER == 1, TIER == 2]).astype(float)
    ratio = (
        GLM(blank.astype(float), x[:, :1], family=Binomial()).fit().deviance
        - GLM(blank.astype(float), x, family=Binomial()).fit().deviance
    )
    agree("blanks by group, likelihood ratio", f"{BANK}, again", math.exp(-ratio / 2),
          blank_by_group(blank, TIER).value, by="statsmodels 0.15")  # fmt: skip
    assert blank_by_group(blank, np.zeros(150, int)).reason == "one_group"
    assert blank_by_group(np.zeros(150, bool), TIER).reason == "no_variance"


def test_missingness_leaves_not_applicable_out_of_littles_test() -> None:
    blank, away = np.isnan(Y), np.zeros(Y.shape, bool)
    away[:60, 4] = True
    found = missingness(blank & ~away, away, np.where(away, np.nan, Y), tuple("abcde"), {"tier": TIER}, rng())
    assert found.little.n == 90 and found.p_little.value is not None and found.by_trait["tier"].value is not None
    none = missingness(
        away & False, away, np.where(away, np.nan, np.array(R["full"], float)), tuple("abcde"), {}, rng()
    )
    assert none.little.reason == "nothing_missing" and none.complete.value == 1


@pytest.mark.reference
def test_quality_indices_match_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W17")
    rows = np.array(inputs["rows"], float)
    by = "worked example W17"
    agree("longstring", "W17", expected["longstring"], longstring(rows), by=by)
    agree("within-person SD", "W17", expected["irv"], within_person_sd(rows), by=by)
    points = np.array(inputs["mahalanobis"], float)
    distance, tail = mahalanobis(points, points.mean(axis=0), np.cov(points, rowvar=False))
    agree("Mahalanobis distance", "W17", [*expected["mahalanobis_d2"], *expected["p_chi2"]], [*distance, *tail], by=by)
    assert distance.sum() == pytest.approx(expected["sum_d2"])
    halves = np.array(inputs["even_odd_halves"], float)
    agree(
        "even-odd consistency",
        "W17",
        expected["even_odd_spearman_brown"],
        even_odd((halves[None, :, 0], halves[None, :, 1]))[0],
        by=by,
    )


def test_items_that_were_not_asked_do_not_break_a_run() -> None:
    rows = np.array([[3, 9, 3, 3, 9, 3], [3, 0, 3, 3, 9, 3], [9, 9, 9, 9, 9, 9], [9, 2, 9, 3, 2, 9]], float)
    asked, answered = rows != 9, (rows != 9) & (rows != 0)
    naive = [max((len(list(run)) for value, run in itertools.groupby(row[row != 9]) if value), default=0) for row in
             rows]  # fmt: skip
    found = longstring(np.where(answered, rows, np.nan), asked)
    agree("longstring, short form", "4 rows", naive, found, by="naive second program")
    assert found.tolist() == [4, 3, 0, 1] and longstring(np.where(answered, rows, np.nan)).tolist() == [2, 2, 0, 1]


def test_little_says_why_there_is_no_test() -> None:
    def why(values: Any, away: Any = None) -> str | None:
        blank = np.isnan(values)
        other = np.zeros(blank.shape, bool) if away is None else away
        return missingness(blank & ~other, other, values, tuple("abc"), {}, rng()).little.reason

    some = np.random.default_rng(3).integers(1, 8, (60, 3)).astype(float)
    holes = np.where(np.eye(60)[:, :3] > 0, np.nan, some)
    assert why(some) == "nothing_missing" and why(holes[:20]) == "too_early" and why(holes) is None
    assert why(holes, np.isnan(holes) | True) == "no_complete_cases" and why(holes[:0]) == "no_respondents"
    assert why(np.where(np.isnan(holes), np.nan, 4.0)) == "no_variance"


def test_quality_indices_match_r() -> None:
    full = np.array(R["full"], float)
    agree("longstring", BANK, R["longstring"], longstring(Y), by="R, rle")
    agree(
        "within-person SD",
        BANK,
        [np.nan if one is None else one for one in R["irv"]],
        within_person_sd(Y),
        by="R 4.2.2",
    )
    distance, _ = mahalanobis(full, full.mean(axis=0), np.cov(full, rowvar=False))
    agree("Mahalanobis distance", BANK, R["mahalanobis"], distance, by="R 4.2.2")
    mean, covariance = np.nanmean(Y, axis=0), np.cov(full, rowvar=False)
    naive = [
        (row[here] - mean[here]) @ np.linalg.inv(covariance[np.ix_(here, here)]) @ (row[here] - mean[here])
        for row, here in zip(Y, ~np.isnan(Y), strict=True)
    ]
    agree("Mahalanobis distance", f"{BANK}, missing values", naive, mahalanobis(Y, mean, covariance)[0], by=NAIVE)


def test_even_odd_is_the_corrected_correlation_of_each_row() -> None:
    a, b = np.random.default_rng(6).normal(size=(2, 30, 5))
    r = [np.corrcoef(x, y)[0, 1] for x, y in zip(a, b, strict=True)]
    agree(
        "even-odd consistency",
        "30 simulated rows",
        [max(-1, 2 * one / (1 + one)) for one in r],
        even_odd((a, b)),
        by=NAIVE,
    )


def bank(perception: Any, expectation: Any) -> ScoreMatrix:
    layout = Layout(
        tuple(f"q{j}" for j in range(12)),
        7,
        ("a", "b", "c"),
        ("s", "t"),
        (0, 1, 2) * 4,
        (0,) * 6 + (1,) * 6,
        "expectation",
    )
    return ScoreMatrix(layout, np.asarray(perception, np.uint8), np.asarray(expectation, np.uint8))


def people(n: int = 300) -> ScoreMatrix:
    random = np.random.default_rng(7)
    mood = random.normal(0, 0.8, (n, 1))
    dims = random.normal(0, 0.9, (n, 3))[:, [0, 1, 2] * 4]
    p = np.clip(np.rint(4.6 + mood + dims + random.normal(0, 0.8, (n, 12))), 1, 7)
    e = np.clip(np.rint(5.9 + random.normal(0, 0.8, (n, 12))), 1, 7)
    return bank(p, e)


def test_careless_people_are_found_and_honest_ones_mostly_left_alone() -> None:
    matrix = people()
    p, e = matrix.perception.copy(), matrix.reference.copy()
    p[:10], e[:10] = 4, 4  # the same answer to everything
    p[10:30] = np.random.default_rng(8).choice([1, 7], (20, 12))
    found = screen(replace(matrix, perception=p, reference=e), Checks(attention_failed=np.arange(300) < 30))
    assert found.excluded[:10].all() and found.excluded[10:30].mean() > 0.3 and found.excluded[30:].mean() < 0.01
    assert found.flags["uniform"][:10].all() and found.flags["straight_gap"][:10].all()


def test_flags_of_one_family_do_not_add_up_and_honest_ceilings_are_no_evidence() -> None:
    matrix = people()
    p = matrix.perception.copy()
    p[0] = 5
    found = screen(replace(matrix, perception=p, reference=np.full_like(p, 7)))
    assert found.flags["longstring"][0] and found.flags["irv"][0] and found.families[0] == 1 and not found.excluded[0]
    assert found.flags["uniform"].sum() == 1


def test_a_persons_own_word_or_a_duplicate_excludes_at_once() -> None:
    alone = np.arange(300) == 5
    matrix = people()
    assert (
        screen(matrix, Checks(self_report_failed=alone)).excluded[5]
        and screen(matrix, Checks(duplicate=alone)).excluded[5]
    )
    told = quality(screen(matrix, Checks(self_report_failed=alone)), Checks(self_report_failed=alone))
    assert told.flagged["self_report"].value == 1 / 300 and told.missing_checks == ("attention", "speed", "duplicate")


def test_hasty_people_are_flagged_by_pace_and_by_the_median() -> None:
    seconds = np.full(300, 200.0)
    seconds[:3] = (10, 50, np.nan)
    found = screen(people(), Checks(seconds=seconds))
    assert found.flags["speed"][:3].tolist() == [True, True, False] and found.flags["speed"].sum() == 2


VALUES = st.lists(st.lists(st.sampled_from([0, 1, 2, 4, 7, 253, 254, 255]), min_size=12, max_size=12), max_size=14)


@settings(max_examples=40, deadline=None)
@given(VALUES)
def test_any_answers_can_be_screened_and_described(rows: list[list[int]]) -> None:
    p = np.array(rows, np.uint8).reshape(-1, 12)
    matrix = bank(p, p[:, ::-1])
    values = np.where((p > 0) & (p < 8), p, np.nan).astype(float)
    with np.errstate(all="raise", under="ignore"):
        told = quality(screen(matrix))
        gone = missingness(p == 0, p == 255, values, matrix.layout.items, {"t": np.arange(len(p)) % 2}, rng())
        found = em(values[:, :4])
    assert [one for one in numbers((told, gone)) if not sound(one)] == []
    assert found is None or np.linalg.eigvalsh(found.covariance)[0] > 0


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-1, 2), min_size=1, max_size=40), st.lists(st.floats(0.01, 1), min_size=3, max_size=3))
def test_any_margin_is_met_or_said_not_to_be(codes: list[int], shares: list[float]) -> None:
    with np.errstate(all="raise", under="ignore"):
        found = rake([np.array(codes)], [dict(enumerate(shares))])
    assert np.isfinite(found.weights).all() and (found.weights >= 0).all() and found.design_effect >= 1 - 1e-12
    assert found.converged or found.flags
