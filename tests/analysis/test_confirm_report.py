"""The factor models of a whole questionnaire: which are fitted, what is said of them, and what thin data give."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.confirm.evidence import Evidence, evidence_of, evidence_of_all
from analysis.confirm.groups import invariance_of
from analysis.confirm.invariance import InvarianceResult
from analysis.confirm.report import Confirmatory, ConfirmatoryColumn, confirmatory, verdict_of
from analysis.matrix import Layout
from analysis.report import plain
from analysis.results import Statistic
from analysis.schema import schema_of
from analysis.thresholds import DEFAULT
from tests.agreement import agree
from tests.analysis.confirming import LAVAAN, expected, scores
from tests.analysis.conftest import Customers, bank_layout

FAST = replace(DEFAULT, htmt_draws=100)


def column(ratings: Any, layout: Layout, thresholds: Any = FAST) -> ConfirmatoryColumn:
    evidence = evidence_of(np.asarray(ratings, np.uint8))
    with np.errstate(all="raise", under="ignore"):
        return confirmatory({"perception": evidence}, layout, np.random.default_rng(1), thresholds).columns[
            "perception"
        ]


def statistics(part: Any) -> list[Statistic]:
    """All statistics in a result."""
    if isinstance(part, Statistic):
        return [part]
    if is_dataclass(part):
        return [one for field in fields(part) for one in statistics(getattr(part, field.name))]
    parts = part.values() if isinstance(part, dict) else part if isinstance(part, tuple) else ()
    return [one for inner in parts for one in statistics(inner)]


def sound(part: Any) -> None:
    """No number without value or reason, no infinity, every interval around its value."""
    for one in statistics(part):
        assert (one.value is None) == (one.reason is not None), one
        assert one.value is None or np.isfinite(one.value)
        assert one.low is None or one.low - 1e-9 <= one.value <= one.high + 1e-9, one
    json.dumps(plain(part), allow_nan=False)


def test_a_questionnaire_with_dimensions_and_stages_has_five_rival_models() -> None:
    found = column(scores("bank", 1), bank_layout(7, None))
    assert list(found.models) == ["dimensions", "stages", "one_factor", "second_order", "bifactor"]
    assert found.models["stages"].status == "factors_not_positive_definite" and found.models["stages"].fit is None
    assert found.models["one_factor"].acceptable is False
    assert found.estimator == "MLR" and found.verdict in ("second_order_fits", "dimensions_fit")
    want = expected()["bank"]
    agree(
        "report: chi2",
        "simulated bank",
        want["fit"]["chisq"],
        found.models["dimensions"].fit.chi2.value,
        by=LAVAAN,
        rel=1e-7,
    )
    ours = [found.loadings[item].loading.value for item in want["loadings"]["item"]]
    agree("report: loading", "simulated bank", want["loadings"]["est"], ours, by=LAVAAN, abs=1e-4)
    reach = [
        (one.loading.high - one.loading.low) / 2 / 1.959964
        for one in (found.loadings[i] for i in want["loadings"]["item"])
    ]
    agree("report: robust error of a loading", "simulated bank", want["mlr_loadings"]["se"], reach, by=LAVAAN, abs=1e-4)
    assert list(found.models["dimensions"].modifications) and set(found.convergence) == set(found.dimensions)
    assert len(found.discriminance) == 10
    sound(found)


def test_the_result_has_a_schema() -> None:
    for kind in (Confirmatory, InvarianceResult):
        properties, definitions = schema_of(kind)
        assert properties and "FitTable" in definitions


def test_scales_of_few_points_take_the_ordinal_estimator_whatever_values_are_in_use() -> None:
    ratings = (scores("bank", 1) + 1) // 2 + 1
    found = column(ratings, bank_layout(5, None))
    assert found.estimator == "WLSMV" and found.models["dimensions"].status == "proper"
    assert found.models["dimensions"].acceptable is True
    assert found.models["dimensions"].fit.chi2_scaled.value is not None
    sound(found)
    few = column(ratings, bank_layout(7, None))  # seven points of which five are used
    assert few.estimator == "MLR" and few.flags == ()


def test_moments_alone_give_no_robust_statistics_but_all_others() -> None:
    evidence = evidence_of(scores("bank", 1).astype(np.uint8))
    alone = Evidence(evidence.n, evidence.mean, evidence.covariance, None)
    found = confirmatory({"perception": alone}, bank_layout(7, None), np.random.default_rng(1)).columns["perception"]
    fit = found.models["dimensions"].fit
    assert (found.estimator, found.n_complete, fit.chi2_scaled.reason) == ("ML", 0, "not_asked")
    assert fit.chi2.value == pytest.approx(expected()["bank"]["fit"]["chisq"], rel=1e-7)
    assert found.discriminance["tan.rel"].htmt.low is None
    fewer = Evidence(evidence.n, evidence.mean, evidence.covariance, evidence.rows[:100])
    part = confirmatory({"perception": fewer}, bank_layout(7, None), np.random.default_rng(1), FAST).columns[
        "perception"
    ]
    # Moments of more respondents than the rows: these say nothing about how well the moments are known.
    assert (part.estimator, part.n, part.n_complete) == ("ML", 350, 100)
    assert part.discriminance["tan.rel"].htmt.low is None
    ordinal = confirmatory({"perception": alone}, bank_layout(5, None), np.random.default_rng(1)).columns["perception"]
    assert "treated_as_continuous" in ordinal.flags


def test_lonely_constant_and_unanswered_items_are_left_out_by_name() -> None:
    ratings = scores("bank", 1).astype(np.uint8)
    layout = bank_layout(7, None)
    ratings[:, layout.dimension_items["tan"][0]] = 4
    ratings[:, layout.dimension_items["rel"][1]] = 0
    for place in layout.dimension_items["res"][1:]:
        ratings[:, place] = 7
    found = column(ratings, layout)
    names = layout.items
    assert f"constant_item:{names[layout.dimension_items['tan'][0]]}" in found.flags
    assert f"unanswered_item:{names[layout.dimension_items['rel'][1]]}" in found.flags
    assert "single_item:res" in found.flags and "res" not in found.dimensions
    assert found.models["dimensions"].status == "proper"
    sound(found)


def test_one_dimension_has_one_model() -> None:
    layout = Layout(tuple("abcdef"), 7, ("D",), (), (0,) * 6, (), None)
    rng = np.random.default_rng(1)
    ratings = np.clip(np.rint(4 + rng.normal(size=(300, 1)) + rng.normal(size=(300, 6))), 1, 7)
    found = column(ratings, layout)
    assert list(found.models) == ["one_factor"] and found.verdict == "one_factor_suffices"
    assert found.discriminance == {} and found.convergence["D"].cr.value > 0.7
    sound(found)
    three = column(ratings[:, :3], replace(layout, items=tuple("abc"), dimension_of=(0, 0, 0)))
    assert three.models["one_factor"].fit.cfi.reason == "just_identified" and three.verdict == "none_fits"


def test_two_dimensions_of_two_items_can_be_tested() -> None:
    layout = Layout(tuple("abcd"), 7, ("D", "E"), (), (0, 0, 1, 1), (), None)
    rng = np.random.default_rng(2)
    f = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 400)
    ratings = np.clip(np.rint(4 + f[:, [0, 0, 1, 1]] + 0.7 * rng.normal(size=(400, 4))), 1, 7)
    found = column(ratings, layout)
    assert list(found.models) == ["dimensions", "one_factor"] and found.verdict == "dimensions_fit"


@pytest.mark.parametrize("points", [5, 7])
def test_unrelated_items_are_called_so_though_a_single_factor_fits_them(points: int) -> None:
    ratings = np.random.default_rng(3).integers(1, points + 1, (300, 10))
    layout = Layout(tuple("abcdefghij"), points, ("D", "E"), (), (0,) * 5 + (1,) * 5, (), None)
    found = column(ratings, layout)
    assert found.verdict in ("unrelated_items", "not_estimable")
    assert found.verdict == "unrelated_items" or all(one.fit is None for one in found.models.values())
    sound(found)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda v: v[:0], "no_respondents"),
        (lambda v: v[:1], "too_few"),
        (lambda v: v[:2], "too_few"),
        (lambda v: v[:9], "too_few"),
        (lambda v: v[:20], "singular"),
        (lambda v: v * 0, "no_respondents"),
        (lambda v: v * 0 + 4, "no_variance"),
        (lambda v: v[:, [0, 0, 0, *range(3, 22)]], "singular"),
    ],
)
def test_thin_data_are_not_estimable_for_a_reason(change: Any, reason: str) -> None:
    found = column(change(scores("bank", 1)), bank_layout(7, None))
    assert (found.verdict, found.reason, found.models) == ("not_estimable", reason, {})
    assert found.n == 0 if reason == "too_few" else True
    sound(found)


def test_a_dimension_of_one_item_is_no_factor() -> None:
    layout = Layout(("a", "b"), 7, ("D", "E"), (), (0, 1), (), None)
    found = column(scores("bank", 1)[:, :2], layout)
    assert (found.verdict, found.reason) == ("not_estimable", "one_item")


def test_the_simplest_acceptable_model_wins_unless_a_richer_one_gains_enough() -> None:
    models = column(scores("bank", 1), bank_layout(7, None)).models
    gain = models["dimensions"].fit.cfi_robust.value - models["second_order"].fit.cfi_robust.value
    assert verdict_of(models, replace(DEFAULT, factor_gain=gain + 1e-6)) == "second_order_fits"
    assert verdict_of(models, replace(DEFAULT, factor_gain=gain - 1e-6)) == "dimensions_fit"
    poor = {name: replace(one, acceptable=False) for name, one in models.items()}
    assert verdict_of(poor) == "none_fits"
    assert verdict_of({"stages": models["stages"]}) == "not_estimable"


def test_wrong_moments_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="of the layout's items"):
        confirmatory(
            {"perception": evidence_of(np.ones((3, 2), np.uint8))}, bank_layout(7, None), np.random.default_rng(1)
        )
    with pytest.raises(ValueError, match="uint8"):
        evidence_of(np.ones((3, 2)))


def test_moments_of_ratings_are_exact() -> None:
    ratings = scores("bank").astype(np.uint8)
    found = evidence_of(ratings)
    want = np.cov(ratings.astype(float), rowvar=False, ddof=0)
    agree("covariance with divisor n", "simulated bank", want, found.covariance, by="numpy", rel=1e-12, abs=1e-12)
    holes = ratings.copy()
    holes[0, 0], holes[1, 5] = 0, 255
    assert evidence_of(holes).n == ratings.shape[0] - 2


def test_permuting_respondents_or_adding_a_constant_changes_nothing(customers: Customers) -> None:
    ratings = np.minimum(scores("bank", 1), 6).astype(np.uint8)
    plainly = column(ratings, bank_layout(9, None))
    for other in (ratings[::-1], ratings + 2):
        again = column(other, bank_layout(9, None))
        for name, model in plainly.models.items():
            assert again.models[name].status == model.status
            if model.fit is not None:
                assert again.models[name].fit.chi2.value == pytest.approx(model.fit.chi2.value, rel=1e-7)
                assert again.models[name].fit.chi2_scaled.value == pytest.approx(model.fit.chi2_scaled.value, rel=1e-6)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.sampled_from([0, 1, 2, 9, 12, 25, 60, 200]),
    points=st.sampled_from([2, 5, 7, 9]),
    missing=st.sampled_from([0.0, 0.02, 0.3, 1.0]),
    mood=st.sampled_from([0.0, 1.0, 20.0]),
)
def test_whatever_is_rated_there_is_a_sound_answer(seed: int, n: int, points: int, missing: float, mood: float) -> None:
    rng = np.random.default_rng(seed)
    layout = Layout(tuple("abcdefgh"), points, ("D", "E", "F"), ("s", "t"), (0, 0, 0, 1, 1, 1, 2, 2), (0, 1) * 4, None)
    drawn = points / 2 + mood * rng.normal(size=(n, 1)) + rng.normal(size=(n, 8))
    ratings = np.clip(np.rint(drawn), 1, points).astype(np.uint8)
    ratings[rng.random((n, 8)) < missing] = rng.choice([0, 253, 254, 255])
    draws = replace(DEFAULT, htmt_draws=20, invariance_n=25)
    with np.errstate(all="raise", under="ignore"):
        found = confirmatory({"perception": evidence_of_all(ratings, rng, draws)}, layout, rng, draws)
        groups = rng.integers(-1, 2, n)
        between = invariance_of(ratings, groups, ("a", "b"), layout, rng, draws)
    sound(found)
    sound(between)
