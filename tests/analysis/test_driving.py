"""Drivers of satisfaction, against the worked examples, base R, MASS, sandwich and statsmodels."""

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

from analysis.drivers import lmg, relative_weights
from analysis.driving.contrast import penalty_reward
from analysis.driving.ipa import importance_performance, stated_against_derived
from analysis.driving.kano import kano, kano_counts
from analysis.driving.report import driving
from analysis.driving.shares import driver_set, lmg_many, relative_weights_many, variance_inflation
from analysis.driving.surface import (
    combination_p,
    constraint_test,
    polynomial,
    principal_slope,
    response_surface,
    stationary_point,
)
from analysis.frequencies import Frequencies, t_quantile
from analysis.indices import indices, net_promoter, top_boxes
from analysis.ordered import brant, collapsed, ordered_logit
from analysis.results import Statistic
from analysis.robust import hc3, least_squares
from analysis.study import Study, scored
from analysis.tally import summarise
from tests.agreement import agree
from tests.analysis.soundness import numbers, sound

HERE = Path(__file__).parents[1] / "references"
R: dict[str, Any] = json.loads((HERE / "drivers_expected.json").read_text())
with (HERE / "drivers.csv").open(newline="") as file:
    DATA = np.array([[float(value) for value in row.values()] for row in csv.DictReader(file)])
X, E, Y = DATA[:, :5], DATA[:, 5], DATA[:, 6]
NAMES = ("tan", "rel", "res", "ass", "emp")
BANK = "simulated bank, n 300"
NAIVE = "naive second program"


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def half_width(one: Statistic, df: float) -> float:
    return (one.high - one.low) / 2 / t_quantile(df, 0.975)


def test_drivers_match_r() -> None:
    found, wanted = driver_set("satisfaction", "dimensions_perception", NAMES, X, Y, rng()), R["ols"]
    parts = list(found.drivers.values())
    agree("drivers, coefficients", BANK, wanted["beta"][1:], [one.beta.value for one in parts], by="R 4.2.2")
    agree("drivers, HC3 SE", BANK, wanted["hc3"][1:], [half_width(one.beta, 294) for one in parts], by="sandwich 3.0-2")
    agree("drivers, R squared and adjusted", BANK, [wanted["r2"], wanted["adj"]],
          [found.r2.value, found.adjusted_r2.value], by="R 4.2.2")  # fmt: skip
    agree("variance inflation", BANK, wanted["vif"], [one.vif.value for one in parts], by="R 4.2.2")
    agree("LMG shares", BANK, R["lmg"], [one.share.value for one in parts], by="R, over all orders of entry")
    agree("relative weights", BANK, R["rw"], [one.relative_weight.value for one in parts], by="R, eigenvectors")
    assert sum(one.share.value for one in parts) == pytest.approx(found.r2.value)
    assert [one.beats_noise for one in parts] == [False, True, True, True, True]


@pytest.mark.reference
def test_drivers_match_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W11")
    x, y = np.array(inputs["X"], float), np.array(inputs["y"], float)
    found, by = driver_set("y", "three", ("a", "b", "c"), x, y, rng()), "worked example W11"
    parts = list(found.drivers.values())
    agree("drivers, coefficients", "W11", expected["beta"][1:], [one.beta.value for one in parts], by=by)
    agree("drivers, HC3 SE", "W11", expected["se_hc3"][1:], [half_width(one.beta, 8) for one in parts], by=by)
    agree("drivers, R squared and adjusted", "W11", [expected["r2"], expected["adj_r2"]],
          [found.r2.value, found.adjusted_r2.value], by=by)  # fmt: skip
    agree("variance inflation", "W11", expected["vif"], [one.vif.value for one in parts], by=by)
    agree(
        "relative weights", "W11", expected["relative_weight_raw"], [one.relative_weight.value for one in parts], by=by
    )
    agree("LMG shares", "W11", [*expected["lmg"], *expected["lmg_pct"]],
          [one.share.value for one in parts] + [one.share_percent.value for one in parts], by=by)  # fmt: skip


def test_stacked_shares_equal_the_single_ones() -> None:
    stack = np.stack([np.corrcoef(np.random.default_rng(s).normal(size=(40, 5)), rowvar=False) for s in range(6)])
    agree("LMG shares, stacked", "6 simulated matrices", [lmg(one) for one in stack], lmg_many(stack), by=NAIVE)
    agree("relative weights, stacked", "6 simulated matrices", [relative_weights(one) for one in stack],
          relative_weights_many(stack), by=NAIVE)  # fmt: skip


def test_noise_does_not_beat_noise_and_much_data_narrow_the_intervals() -> None:
    random = np.random.default_rng(6)
    x = random.normal(size=(12_000, 3))
    y = x[:, 0] + random.normal(size=12_000)
    few = driver_set("y", "x", ("a", "b", "c"), x[:400], y[:400], rng())
    many = driver_set("y", "x", ("a", "b", "c"), x, y, rng())
    assert few.drivers["a"].beats_noise is True and many.drivers["b"].beats_noise is False
    width = [one.drivers["a"].share.high - one.drivers["a"].share.low for one in (few, many)]
    assert width[0] / width[1] == pytest.approx(math.sqrt(12_000 / 400), rel=0.35)
    assert many.flags == ("sampled_bootstrap",)


def test_variance_inflation_is_one_over_one_minus_r_squared() -> None:
    fits = [least_squares(np.column_stack([np.ones(300), np.delete(X, j, 1)]), X[:, j]) for j in range(5)]
    agree("variance inflation", f"{BANK}, regressions", [1 / (1 - fit.r2) for fit in fits],
          variance_inflation(np.corrcoef(X, rowvar=False)), by=NAIVE)  # fmt: skip


def test_ordered_logit_matches_polr_and_statsmodels() -> None:
    found, wanted = ordered_logit(X, Y.astype(np.int64)), R["polr"]
    assert found is not None
    # polr stops its quasi-Newton search at about six digits.
    agree("ordered logit, coefficients and cuts", BANK, [*wanted["beta"], *wanted["cuts"]], [*found.beta, *found.cuts],
          by="MASS 7.3-58.2", rel=1e-4, abs=1e-4)  # fmt: skip
    agree("ordered logit, SE", BANK, wanted["se"], found.se, by="MASS 7.3-58.2", rel=1e-4)
    agree("ordered logit, log likelihood", BANK, wanted["ll"], found.log_likelihood, by="MASS 7.3-58.2", rel=1e-8)
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    theirs = OrderedModel(Y.astype(int), X, distr="logit").fit(method="bfgs", disp=0, gtol=1e-8, maxiter=500)
    agree("ordered logit, coefficients", BANK, theirs.params[:5], found.beta, by="statsmodels 0.15", rel=1e-4, abs=1e-5)


def test_ordered_logit_with_counts_matches_polr_on_housing() -> None:
    h = {name: np.array(values) for name, values in R["housing"].items()}
    dummies = [h["infl"] == 2, h["infl"] == 3, *[h["type"] == k for k in (2, 3, 4)], h["cont"] == 2]
    x = np.column_stack(dummies).astype(float)
    found = ordered_logit(x, h["sat"], counts=h["freq"].astype(float))
    assert found is not None
    agree("ordered logit, coefficients and cuts", "housing", [*h["beta"], *h["cuts"]], [*found.beta, *found.cuts],
          by="MASS 7.3-58.2", rel=1e-4)  # fmt: skip
    agree("ordered logit, SE", "housing", h["se"], found.se, by="MASS 7.3-58.2", rel=1e-4)
    rows = np.repeat(np.arange(x.shape[0]), h["freq"])
    single = ordered_logit(x[rows], h["sat"][rows])
    assert single is not None
    agree("ordered logit, SE", "housing, row by row", single.se, found.se, by=NAIVE, rel=1e-8)


def test_brant_matches_the_test_written_out() -> None:
    found = brant(X, Y.astype(np.int64))
    assert found is not None and found.df == R["brant"]["df"]
    agree("Brant test of proportional odds", BANK, R["brant"]["chi2"], found.chi2, by="R, glm", rel=1e-7)
    assert 0 <= found.p <= 1 and found.by_predictor.shape == (5,)


def test_brant_keeps_its_level_and_sees_what_is_there() -> None:
    random = np.random.default_rng(9)
    held = seen = 0
    for _ in range(60):
        x = random.normal(size=(400, 1))
        latent = 0.8 * x[:, 0] + random.logistic(size=400)
        y = np.digitize(latent, [-1.0, 0.5]).astype(np.int64)
        odd = (random.logistic(size=400) + 0.2 * x[:, 0] > 0).astype(np.int64) * (
            1 + (random.logistic(size=400) + 1.5 * x[:, 0] > 0)
        )
        one, other = brant(x, y), brant(x, odd)
        held += one is not None and one.p < 0.05
        seen += other is not None and other.p < 0.05
    assert held <= 8 and seen >= 50


def test_rare_steps_at_the_ends_are_joined_inwards() -> None:
    y = np.repeat([1, 2, 3, 6, 7], [2, 2, 9, 9, 1])
    assert np.unique(collapsed(y), return_counts=True)[1].tolist() == [13, 10]
    assert collapsed(np.array([1, 2])).tolist() == [1, 2]


@pytest.mark.parametrize("y", [np.ones(30, int), np.repeat([1, 2], 15)])
def test_an_ordered_logit_that_does_not_exist_is_none(y: Any) -> None:
    assert ordered_logit(np.repeat([[0.0], [1.0]], 15, axis=0), y) is None
    assert ordered_logit(np.zeros((30, 1)), np.arange(30) % 3) is None
    assert brant(np.zeros((30, 1)), np.arange(30) % 3) is None


@pytest.mark.reference
def test_penalty_reward_matches_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W11")
    x, y, wanted = np.array(inputs["X"], float)[:, 0], np.array(inputs["y"], float), expected["penalty_reward"]
    found = penalty_reward({"a": x <= 3}, {"a": x >= 6}, y)["a"]
    agree("penalty-reward contrast", "W11", [wanted[key] for key in ("penalty", "reward", "iac", "impact_range")],
          [found.penalty.value, found.reward.value, found.asymmetry.value, found.range.value],
          by="worked example W11")  # fmt: skip
    assert found.label == "too_few"


def test_penalty_reward_matches_sandwich() -> None:
    low, high = ({name: mask[:, j] for j, name in enumerate(NAMES)} for mask in (X <= 3, X >= 6))
    found, wanted = list(penalty_reward(low, high, Y).values()), R["prc"]
    beta, se = np.array(wanted["beta"][1:]), np.array(wanted["hc3"][1:])
    df = 300 - 11
    agree("penalty-reward contrast", BANK, beta, [o.penalty.value for o in found] + [o.reward.value for o in found],
          by="R 4.2.2")  # fmt: skip
    ours = [half_width(one.penalty, df) for one in found] + [half_width(one.reward, df) for one in found]
    agree("penalty-reward contrast, HC3 SE", BANK, se, ours, by="sandwich 3.0-2")


@pytest.mark.parametrize(
    ("down", "up", "label"),
    [(-2.0, 0.3, "basic"), (-0.3, 2.0, "excitement"), (-1.0, 1.0, "performance"), (1.0, 1.0, "wrong_sign")],
)
def test_planted_kinds_of_factors_are_named(down: float, up: float, label: str) -> None:
    random = np.random.default_rng(2)
    rating = random.integers(1, 8, 600)
    low, high = rating <= 3, rating >= 6
    y = 4 + down * low + up * high + random.normal(0, 0.5, 600)
    assert penalty_reward({"a": low}, {"a": high}, y)["a"].label == label


def test_a_driver_that_is_never_low_has_no_penalty() -> None:
    high = np.arange(40) < 20
    found = penalty_reward({"a": np.zeros(40, bool)}, {"a": high}, np.arange(40.0))["a"]
    assert (found.penalty.reason, found.label) == ("no_variance", "too_few") and found.reward.value is not None


@pytest.mark.reference
def test_the_response_surface_matches_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W12")
    p, e, y = (np.array(inputs[key]) for key in ("P", "E", "y"))
    found, wanted = response_surface(p, e, y, 0.0, rng(), robust=False), expected["surface"]
    by = "worked example W12"
    agree(
        "response surface, coefficients",
        "W12",
        expected["beta"],
        [one.value for one in found.coefficients.values()],
        by=by,
    )
    for name in ("a1", "a2", "a3", "a4"):
        one = getattr(found, name)
        agree(f"response surface, {name} with classical SE", "W12", [wanted[name]["est"], wanted[name]["se"]],
              [one.value, half_width(one, 6)], by=by, rel=1e-8)  # fmt: skip
    f = expected["constraint_F"]
    ours = [found.f.value, found.p.value]
    agree("response surface, constraints F and p", "W12", [f["F"], f["p"]], ours, by=by, rel=1e-8)
    agree("response surface, R squared", "W12", [expected["r2"], expected["difference_model"]["r2"]],
          [found.r2.value, found.r2_difference.value], by=by)  # fmt: skip
    fit = least_squares(polynomial(p, e), y)
    agree(
        "response surface, p of a1",
        "W12",
        wanted["a1"]["p"],
        combination_p(fit, np.array([0, 1.0, 1, 0, 0, 0])),
        by=by,
        rel=1e-8,
    )


def test_the_response_surface_matches_r() -> None:
    found, wanted = response_surface(X[:, 1], E, Y, 4.0, rng()), np.array(R["surface"])
    agree("response surface, coefficients", BANK, R["surface_beta"], [o.value for o in found.coefficients.values()],
          by="R 4.2.2", rel=1e-8)  # fmt: skip
    ours = [getattr(found, name) for name in ("a1", "a2", "a3", "a4")]
    agree("response surface, a1 to a4", BANK, wanted[0], [one.value for one in ours], by="R 4.2.2", rel=1e-8)
    agree(
        "response surface, HC3 SE",
        BANK,
        wanted[1],
        [half_width(one, 294) for one in ours],
        by="sandwich 3.0-2",
        rel=1e-8,
    )
    x = polynomial(X[:, 1] - 4, E - 4)
    plain = least_squares(x, Y)
    agree(
        "response surface, constraints F and p",
        BANK,
        R["constraint"],
        constraint_test(x, Y, plain, False),
        by="R 4.2.2",
        rel=1e-7,
    )
    agree(
        "response surface, R squared", BANK, R["surface_r2"], [found.r2.value, found.r2_difference.value], by="R 4.2.2"
    )


def test_the_surface_is_level_at_its_stationary_point() -> None:
    found = response_surface(X[:, 1], E, Y, 4.0, rng())
    b = [one.value for one in found.coefficients.values()]
    p, e = stationary_point(np.array(b))
    slopes = [b[1] + 2 * b[3] * p + b[4] * e, b[2] + b[4] * p + 2 * b[5] * e]
    assert slopes == pytest.approx([0, 0], abs=1e-9)
    _, vectors = np.linalg.eigh([[b[3], b[4] / 2], [b[4] / 2, b[5]]])
    agree(
        "response surface, principal axis", BANK, vectors[1, 1] / vectors[0, 1], principal_slope(np.array(b)), by=NAIVE
    )
    assert found.stationary is None and found.stationary_reason == found.axis_slope.reason == "off_scale"


def test_expectation_at_the_ceiling_leaves_the_surface_unidentified() -> None:
    flat = response_surface(X[:, 1], np.full(300, 7.0), Y, 4.0, rng())
    assert (flat.summary, flat.f.reason) == ("not_identified", "singular")
    assert response_surface(X[:5, 1], E[:5], Y[:5], 4.0, rng()).f.reason == "no_complete_cases"
    assert response_surface(X[:, 1], E, np.full(300, 4.0), 4.0, rng()).f.reason == "no_variance"


def test_a_true_difference_score_is_called_adequate() -> None:
    random = np.random.default_rng(5)
    p, e = random.integers(1, 8, (2, 800)).astype(float)
    fair = response_surface(p, e, p - e + random.normal(0, 1, 800), 4.0, rng())
    bent = response_surface(p, e, p - e - 0.4 * (p - 4) ** 2 + random.normal(0, 1, 800), 4.0, rng())
    assert (fair.summary, bent.summary) == ("adequate", "not_adequate")


def chart(*pairs: tuple[float, float]) -> tuple[dict[str, Statistic], dict[str, Statistic]]:
    return tuple({f"i{j}": Statistic(pair[axis]) for j, pair in enumerate(pairs)} for axis in (0, 1))  # type: ignore[return-value]


def test_the_four_quadrants_lie_where_they_should() -> None:
    performance, importance = chart((2, 9), (6, 9), (2, 1), (6, 1))
    for variant in ("data_centred", "scale_centred"):
        found = importance_performance(performance, importance, variant, 7)
        assert [p.quadrant for p in found.points.values()] == [
            "concentrate",
            "keep_up",
            "low_priority",
            "possible_overkill",
        ]
        assert found.cross == (4, 5)


def test_the_gap_variant_crosses_at_minus_delta_and_the_diagonal_measures_distance() -> None:
    gaps, importance = chart((-1.2, 9), (-0.2, 9), (-1.0, 1))
    assert [p.quadrant for p in importance_performance(gaps, importance, "gap", 7, 0.5).points.values()] == [
        "concentrate", "keep_up", "low_priority"]  # fmt: skip
    found = importance_performance(gaps, importance, "diagonal", 7)
    agree("iso-priority distance", "three points", [1 / math.sqrt(2), 0, -0.2 / math.sqrt(2)],
          [p.priority for p in found.points.values()], by=NAIVE)  # fmt: skip


def test_a_point_whose_interval_straddles_a_line_is_borderline() -> None:
    performance, importance = chart((2, 9), (6, 1))
    performance["i0"] = Statistic(2, 1, 5)
    found = importance_performance(performance, importance, "data_centred", 7)
    assert [p.quadrant for p in found.points.values()] == ["borderline", "possible_overkill"]


def test_points_without_numbers_stay_undefined() -> None:
    none = {"i": Statistic(None, reason="too_few")}
    for variant in ("data_centred", "diagonal", "gap"):
        assert importance_performance(none, none, variant, 7).points["i"].quadrant == "undefined"
    same = importance_performance(*chart((3, 1), (3, 2)), "diagonal", 7)
    assert {p.quadrant for p in same.points.values()} == {"undefined"}


def test_hidden_drivers_and_lip_service_are_told_apart() -> None:
    stated, derived = {"a": 10, "b": 40, "c": None}, {"a": 0.3, "b": 0.1, "c": 0.2}
    assert stated_against_derived(stated, derived) == {"a": "hidden", "b": "lip_service", "c": "undefined"}


@pytest.mark.reference
def test_indices_match_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W13")
    by = "worked example W13"
    nps = net_promoter(Frequencies.of(np.array(inputs["nps"], float)))
    se = (nps.high - nps.low) / 2 / 1.959963984540054
    agree("net promoter score and SE", "W13", [expected["nps"], expected["nps_se"]], [nps.value, se], by=by)
    csat = top_boxes(Frequencies.from_dict({7.0: inputs["csat_top2"][0], 3.0: 5}), 7)
    agree(
        "top two boxes", "W13", [expected["csat"], *expected["csat_wilson"]], [csat.value, csat.low, csat.high], by=by
    )
    found = kano(inputs["kano"])
    agree("Kano, better, worse, strength", "W13",
          [expected["kano_better"], expected["kano_worse"], expected["kano_strength"]],
          [found.better.value, found.worse.value, found.strength.value], by=by)  # fmt: skip
    assert (found.category, found.label) == (expected["kano_category"], expected["kano_label"])


def test_the_net_promoter_score_is_a_mean_of_minus_100_0_and_100() -> None:
    answers = np.random.default_rng(3).integers(0, 11, 250)
    score = np.where(answers >= 9, 100, np.where(answers <= 6, -100, 0))
    found = net_promoter(Frequencies.of(answers.astype(float)))
    agree("net promoter score and SE", "250 simulated", [score.mean(), score.std() / math.sqrt(250)],
          [found.value, (found.high - found.low) / 2 / 1.959963984540054], by=NAIVE)  # fmt: skip


def test_indices_that_were_not_asked_are_absent() -> None:
    found = indices(None, Frequencies.from_dict({7.0: 3, 1.0: 1}), None)
    assert found.nps is found.ces is None and found.index.value == 75
    empty = indices(Frequencies.from_dict({}), None, Frequencies.from_dict({}))
    assert empty.nps.reason == empty.ces.reason == "no_respondents"


def test_the_kano_table_is_the_published_one() -> None:
    pairs = list(itertools.product(range(1, 6), repeat=2))
    counts = kano_counts(*(np.array(side) for side in zip(*pairs, strict=True)))
    assert counts == {"M": 3, "O": 1, "A": 3, "I": 9, "R": 7, "Q": 2}
    assert kano_counts(np.array([0, 6]), np.array([1, 1])) == dict.fromkeys("MOAIRQ", 0)


def test_kano_ties_go_to_must_be_and_nobody_to_nothing() -> None:
    assert kano({"A": 5, "M": 5}).category == "M" and kano({"A": 5, "M": 5}).label == "mixed"
    assert kano({}).category is None and kano({"Q": 4}).better.reason == "no_complete_cases"
    strong = kano({"A": 80, "I": 20})
    assert strong.label == "A" and strong.p_fong.value < 0.001


ANSWERS = st.lists(st.tuples(*[st.sampled_from([math.nan, 1.0, 2.0, 4.0, 7.0])] * 4), max_size=40)


@settings(max_examples=40, deadline=None)
@given(ANSWERS)
def test_any_answers_give_sound_drivers(rows: list[tuple[float, ...]]) -> None:
    data = np.array(rows, float).reshape(-1, 4)
    whole = data[~np.isnan(data).any(axis=1)]
    with np.errstate(all="raise", under="ignore"):
        found = driver_set("y", "x", ("a", "b"), data[:, :2], data[:, 3], rng())
        surface = response_surface(data[:, 0], data[:, 1], data[:, 3], 4.0, rng())
        prc = penalty_reward({"a": whole[:, 0] <= 3}, {"a": whole[:, 0] >= 6}, whole[:, 3]) if len(whole) else {}
        ordered_logit(whole[:, :2], whole[:, 3].astype(np.int64))
        brant(whole[:, :2], whole[:, 3].astype(np.int64))
    assert [one for one in numbers((found, surface, prc)) if not sound(one)] == []


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from("MOAIRQ"), st.integers(0, 40)))
def test_any_counts_give_a_sound_kano(counts: dict[str, int]) -> None:
    found = kano(counts)
    assert [one for one in numbers(found) if not sound(one)] == []


def test_robust_and_classical_fits_share_their_coefficients() -> None:
    x = np.column_stack([np.ones(300), X])
    assert hc3(x, Y).beta == pytest.approx(least_squares(x, Y).beta)


def test_in_three_columns_low_is_below_the_minimum_and_high_above_the_desired_level(customers: Any) -> None:
    matrix = replace(customers(400, format="three_column"))
    part = Study(matrix, outcomes={"satisfaction": matrix.outcome}, outcome_low={"satisfaction": 1})
    own, y = scored(matrix), part.outcome("satisfaction")
    found = driving(part, own, summarise(matrix), rng()).contrast
    names, low, high, kept = tuple(found), [], [], []
    for i in range(matrix.n):
        sides, known = [], not math.isnan(y[i])
        for name in names:
            triples = [
                (int(matrix.perception[i, j]), int(matrix.minimum[i, j]), int(matrix.reference[i, j]))
                for j in matrix.layout.dimension_items[name]
                if all(0 < column[i, j] < 250 for column in (matrix.perception, matrix.minimum, matrix.reference))
            ]
            known &= not math.isnan(own.gap[f"dimension:{name}"].values()[i])
            below, above = sum(p - a for p, a, _ in triples) < 0, sum(p - d for p, _, d in triples) > 0
            sides.append((below and not above, above and not below))
        kept.append(known)
        low.append([one[0] for one in sides])
        high.append([one[1] for one in sides])
    chosen = np.array(kept)
    columns = np.column_stack([np.ones(chosen.sum()), np.array(low)[chosen], np.array(high)[chosen]])
    columns = columns[:, np.ptp(columns, axis=0) + (np.arange(columns.shape[1]) == 0) > 0]
    beta = np.linalg.lstsq(columns, y[chosen], rcond=None)[0][1:]
    ours = [one.penalty.value for one in found.values()] + [one.reward.value for one in found.values()]
    agree("penalty-reward contrast, three columns", "400 simulated customers", beta,
          [one for one in ours if one is not None], by=NAIVE, rel=1e-8)  # fmt: skip
    assert any(one.penalty.value is not None and one.penalty.value < 0 for one in found.values())


def test_a_constant_outcome_has_no_variance_to_explain(customers: Any) -> None:
    matrix = customers(200)
    same = np.full(200, 5, np.uint8)
    part = Study(matrix, outcomes={"satisfaction": same}, outcome_low={"satisfaction": 1})
    found = driving(part, scored(matrix), summarise(matrix), rng()).ordered
    assert found is not None and found.mcfadden.reason == found.p_proportional.reason == "no_variance"
