"""Group by stage in a mixed model, and early against late respondents, against lme4, lmerTest and base R."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.compare.interaction import Interaction, interaction
from analysis.frequencies import t_quantile
from analysis.sampling.nonresponse import early_late
from analysis.study import Score, Scored, Study
from analysis.thresholds import DEFAULT
from tests.agreement import agree
from tests.analysis.soundness import numbers, sound

HERE = Path(__file__).parents[1] / "references"
R: dict[str, Any] = json.loads((HERE / "interaction_expected.json").read_text())
with (HERE / "interaction.csv").open(newline="") as file:
    ROWS = list(csv.DictReader(file))
STAGES, TIERS = ("encounter", "transfer", "tracking"), ("mass", "affluent", "private")
Y = np.array([[float(row[stage]) if row[stage] else np.nan for stage in STAGES] for row in ROWS])
TIER = np.array([TIERS.index(row["tier"]) for row in ROWS])
DAY = np.array([int(row["day"]) for row in ROWS], np.int32)
WHOLE = ~np.isnan(Y).any(axis=1)
BANK, COMPLETE = "simulated bank, n 240, some stages missing", "simulated bank, n 168, all stages"
LMER, NAIVE = "lmerTest 3.1-3", "naive second program"


@pytest.mark.parametrize(("key", "rows"), [("all", slice(None)), ("complete", WHOLE)])
def test_the_mixed_model_matches_lmertest(key: str, rows: Any) -> None:
    found, wanted = interaction(Y[rows], TIER[rows], TIERS, STAGES), R[key]
    data = {"all": BANK, "complete": COMPLETE}[key]
    # lme4 stops its search at about seven digits, and lmerTest's degrees of freedom come from differences.
    agree("group x stage, F with Satterthwaite's df", data, [wanted["f"], wanted["df1"], wanted["df2"]],
          [found.f.value, found.df1, found.df2], by=LMER, rel=1e-7)  # fmt: skip
    agree("group x stage, p", data, wanted["p"], found.p.value, by=LMER, rel=1e-6)
    names = dict(zip(wanted["names"], wanted["cells"], strict=True))
    cells = [[names[f"tier{tier}:stage{stage}"][k] for k in (0, 3, 4)] for stage in STAGES for tier in TIERS]
    means = [found.means[stage][tier] for stage in STAGES for tier in TIERS]
    agree("stage means of groups, mixed model", data, cells, [[m.value, m.low, m.high] for m in means], by=LMER,
          rel=1e-6)  # fmt: skip
    pairs = [[e.difference.value, e.difference.low, e.difference.high] for e in found.effects]
    agree("groups at each stage, mixed model", data, np.array(wanted["pairs"])[:, :3], pairs, by=LMER, rel=1e-6)
    agree("groups at each stage, Holm", data, wanted["holm"], [e.p.value for e in found.effects], by=LMER, rel=1e-5)
    share = wanted["tau2"] / (wanted["tau2"] + wanted["sigma2"])
    agree("share of variance between respondents", data, share, found.icc.value, by="lme4 1.1-31", rel=1e-6)


def test_with_every_stage_it_is_the_repeated_measures_analysis() -> None:
    found, wanted = interaction(Y[WHOLE], TIER[WHOLE], TIERS, STAGES), R["rm"]
    agree("group x stage, repeated measures", COMPLETE, wanted, [found.f.value, found.df1, found.df2, found.p.value],
          by="R 4.2.2, aov", rel=1e-7)  # fmt: skip
    y, tier = Y[WHOLE], TIER[WHOLE]
    cell = np.array([y[tier == k].mean(axis=0) for k in range(3)])
    person = y.mean(axis=1, keepdims=True)
    left = y - person - cell[tier] + cell[tier].mean(axis=1, keepdims=True)
    df = 2 * (len(y) - 3)
    n = np.bincount(tier).astype(float)
    mean = (n[:, None] * cell).sum(axis=0) / n.sum()
    own = cell - cell.mean(axis=1, keepdims=True) - (mean - mean.mean())
    naive = (n[:, None] * own**2).sum() / 4 / ((left**2).sum() / df)
    agree("group x stage, repeated measures", f"{COMPLETE}, by hand", naive, found.f.value, by=NAIVE, rel=1e-8)


def test_johansens_test_matches_r_and_is_welchs_for_two_stages() -> None:
    found = interaction(Y, TIER, TIERS, STAGES)
    agree("group x stage, Johansen", COMPLETE, [R["johansen"][0], R["johansen"][3]],
          [found.f_robust.value, found.p_robust.value], by="R 4.2.2")  # fmt: skip
    two = interaction(Y[WHOLE][:, [0, 2]], TIER[WHOLE], TIERS, ("encounter", "tracking"))
    agree("group x stage, Johansen, two stages", COMPLETE, [R["two"][0], R["two"][3]],
          [two.f_robust.value, two.p_robust.value], by="R 4.2.2, oneway.test")  # fmt: skip


def test_a_shift_of_everybody_and_the_order_of_respondents_change_nothing() -> None:
    order = np.random.default_rng(3).permutation(len(Y))
    found, moved = (interaction(y, TIER[order], TIERS, STAGES) for y in (Y[order], Y[order] + 1000.0))
    first = interaction(Y, TIER, TIERS, STAGES)
    for other in (found, moved):
        assert other.f.value == pytest.approx(first.f.value, rel=1e-6)
        assert other.df2 == pytest.approx(first.df2, rel=1e-5)


def test_it_cries_wolf_no_more_often_than_it_says() -> None:
    random, hits = np.random.default_rng(7), []
    for _run in range(400):
        y = random.normal(size=(60, 1)) + random.normal(size=(60, 3)) + [0.0, -0.5, -1.0]
        y[random.random(60) < 0.3, 2] = np.nan
        found = interaction(y, np.arange(60) % 3, TIERS, STAGES)
        hits.append((found.p.value < 0.05, found.p_robust.value < 0.05))
    assert (np.abs(np.mean(hits, axis=0) - 0.05) < 0.035).all()


def test_thin_data_give_the_reason() -> None:
    def why(y: Any, codes: Any, stages: Any = STAGES) -> str | None:
        found = interaction(np.asarray(y, float).reshape(-1, len(stages)), np.asarray(codes, int), TIERS, stages)
        assert [one for one in numbers(found) if not sound(one)] == []
        return found.p.reason

    assert why([], []) == "one_group" == why(Y, np.zeros(len(Y), int)) == why(Y, np.full(len(Y), -1))
    assert why(Y[:, :1], TIER, ("encounter",)) == "not_asked"
    assert interaction(np.zeros((9, 0)), TIER[:9], TIERS, ()).p.reason == "not_asked"
    apart = np.where(np.eye(3)[np.arange(60) % 3] > 0, np.arange(60.0)[:, None], np.nan)
    assert why(apart, np.arange(60) // 3 % 3) == "no_complete_cases"
    assert why(np.ones((12, 3)), np.arange(12) % 3) == "no_variance" == why(np.ones((6, 3)), np.arange(6) % 3)
    left = interaction(Y, np.where(np.arange(len(Y)) == 0, 2, TIER % 2), TIERS, STAGES, fewest=10)
    assert left.left_out == ("private",) and left.df1 == 2


def test_respondents_alike_leave_no_variance_between_them() -> None:
    random = np.random.default_rng(2)
    y = random.normal(size=(80, 3))
    y -= y.mean(axis=1, keepdims=True)
    found = interaction(y, np.arange(80) % 2, TIERS, STAGES)
    assert found.icc.value == 0 and found.df2 == pytest.approx(240 - 6)


def test_fifty_thousand_respondents_have_the_test_of_few() -> None:
    random = np.random.default_rng(1)
    y = random.normal(size=(50_000, 3)) + random.normal(size=(50_000, 1))
    y[random.random(y.shape) < 0.1] = np.nan
    found = interaction(y, random.integers(0, 6, 50_000), tuple("abcdef"), STAGES)
    assert found.df1 == 10 and found.icc.value == pytest.approx(0.5, abs=0.02) and 0 <= found.p.value <= 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.sampled_from([np.nan, -6.0, -1.0, 0.0, 1 / 3, 6.0])] * 3, st.integers(-1, 2)),
                max_size=30))  # fmt: skip
def test_any_scores_give_a_sound_result(rows: list[tuple[float, float, float, int]]) -> None:
    y = np.array([row[:3] for row in rows]).reshape(-1, 3)
    with np.errstate(all="raise", under="ignore"):
        found: Interaction = interaction(y, np.array([row[3] for row in rows], int), TIERS, STAGES)
    assert [one for one in numbers(found) if not sound(one)] == []


def study(y: Any = Y, days: Any = DAY) -> tuple[Study, Scored]:
    """Stage gaps in quarters of a point, with the mean of the stages as overall score."""
    whole = ~np.isnan(y)
    missing = np.iinfo(np.int32).min
    stages = {f"stage:{name}": Score(np.where(whole[:, a], np.nan_to_num(y[:, a]) * 4, missing).astype(np.int32), 4)
              for a, name in enumerate(STAGES)}  # fmt: skip
    total = np.where(whole.all(axis=1), np.nan_to_num(y).sum(axis=1) * 4, missing).astype(np.int32)

    class Rows:
        n = len(y)

    return Study(Rows(), days=days), Scored({"overall": Score(total, 12), **stages}, {}, {})


def test_early_and_late_respondents_match_r() -> None:
    found = early_late(*study(), replace(DEFAULT, confirm_floor=20))
    assert (found.days, found.third) == (29, 9)
    for name, key in (("encounter", "stage:encounter"), ("transfer", "stage:transfer"), ("overall", "overall")):
        one = found.scores[key]
        ours = [one.early.value, one.late.value, one.difference.value, one.difference.low, one.difference.high]
        agree("early and late respondents", f"simulated bank, n 240, {name}", R["early_late"][name],
              [*ours, one.p.value], by="R 4.2.2, t.test")  # fmt: skip


def test_early_and_late_respondents_match_a_count_by_hand() -> None:
    one = early_late(*study(), replace(DEFAULT, confirm_floor=20)).scores["stage:transfer"]
    parts = [y[~np.isnan(y)] for y in (Y[DAY < 9, 1], Y[DAY > 19, 1])]
    means, v = [part.mean() for part in parts], [part.var(ddof=1) / part.size for part in parts]
    df = sum(v) ** 2 / sum(a**2 / (part.size - 1) for a, part in zip(v, parts, strict=True))
    t = (one.difference.high - one.difference.low) / 2 / t_quantile(df, 0.975)
    agree("early and late respondents, difference and SE", "simulated bank, n 240, transfer",
          [means[1] - means[0], math.sqrt(sum(v))], [one.difference.value, t], by=NAIVE)  # fmt: skip
    assert (one.early.n, one.late.n) == (parts[0].size, parts[1].size)


def reason(days: Any, floor: int = 1, **changed: Any) -> str | None:
    found = early_late(*study(days=days), replace(DEFAULT, **changed), floor)
    assert [one for one in numbers(found) if not sound(one)] == []
    return found.scores["overall"].difference.reason


def test_without_days_or_with_too_few_answers_nothing_is_compared() -> None:
    spread = np.arange(240, dtype=np.int32)
    assert reason(None) == "no_days" and reason(spread // 120) == "few_periods"
    assert reason(spread) is None and reason(spread, confirm_floor=100) == "too_early"
    middle = np.where(np.isin(spread, [100, 101, 102]), 5, np.where(spread < 120, 0, 11)).astype(np.int32)
    assert reason(middle, 10) == "too_few" and reason(middle) is None
    nobody = early_late(*study(Y[:0], DAY[:0]))
    assert nobody.scores["overall"].p.reason == "no_respondents"
