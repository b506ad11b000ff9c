"""The statistical appendix as a whole: complete for any data, valid by its schema, private where it must be."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.coded import Context, study_of
from analysis.matrix import Layout, ScoreMatrix
from analysis.report import build_report, plain
from analysis.research import Research, build_research, research_json, research_schema
from analysis.scores import scores
from analysis.study import Grouping, Study, scored
from analysis.tally import summarise
from analysis.thresholds import DEFAULT, Thresholds
from surveys.authoring import load
from surveys.coding import codebook
from surveys.simulate import DEMO, simulate
from tests.agreement import agree
from tests.analysis.soundness import numbers, sound

QUICK = replace(
    DEFAULT, bca_draws=200, group_draws=40, driver_draws=40, parallel_draws=20, alpha_draws=50, rank_draws=200
)


def campaign(n: int, format: str = "two_column", seed: int = 1) -> Study:
    include = () if format == "perception_only" else ("stage_importance", "attention_1", "self_report")
    questionnaire = load("pfs_customer").variant(format, include)
    drawn = simulate(questionnaire, n, DEMO, np.random.default_rng(seed))
    days = np.array([day.toordinal() for day in drawn.day], np.int32)
    context = Context(drawn.unit, drawn.channel, drawn.language, days, closed=False, planned=n)
    return study_of(questionnaire, codebook(questionnaire), drawn.closed, context)


def research(study: Study, floor: int | None = None, thresholds: Thresholds = QUICK) -> Research:
    return build_research(study, summarise(study.matrix, thresholds), thresholds, floor=floor)


@pytest.fixture(scope="module")
def bank() -> tuple[Study, Research]:
    study = campaign(400)
    return study, research(study, floor=10)


def test_the_appendix_holds_every_family(bank: Any) -> None:
    study, found = bank
    assert set(found.exploratory) == {"expectation", "perception"} == set(found.confirmatory.columns)
    assert {"language", "tier"} <= set(found.invariance) and set(found.groups) >= {"language", "via", "tier"}
    assert found.branches["overall"].branches and found.designed["overall"].clustered.value is not None
    assert found.driving.sets[0].outcome == "satisfaction" and found.indices.nps is not None
    assert found.sampling.short_form.items_asked == 11 and found.trend.periods
    assert found.n == study.n and [one for one in numbers(found) if not sound(one)] == []


def test_the_json_is_valid_by_its_schema(bank: Any) -> None:
    study, found = bank
    report = build_report(summarise(study.matrix), format="two_column", floor=10)
    told = json.loads(json.dumps(research_json(report, found, {}), allow_nan=False))
    jsonschema.Draft202012Validator(research_schema()).validate(told)


def test_the_same_answers_give_the_same_appendix(bank: Any) -> None:
    study, found = bank
    assert plain(research(study, floor=10)) == plain(found)


@pytest.mark.parametrize("format", ["two_column", "three_column", "perception_only"])
@pytest.mark.parametrize("n", [0, 1, 2, 9, 31])
def test_few_answers_give_reasons_and_no_wrong_number(format: str, n: int) -> None:
    study = campaign(n, format)
    for floor in (None, 10):
        found = research(study, floor)
        assert [one for one in numbers(found) if not sound(one)] == []
        shown = [one.n for one in numbers(found) if one.value is not None]
        assert floor is None or n >= floor or not shown


def test_the_zone_is_there_in_three_columns_only(bank: Any) -> None:
    assert bank[1].zone == {}
    assert len(research(campaign(60, "three_column")).zone) == 22


def test_groups_and_branches_below_the_floor_take_no_part() -> None:
    study = campaign(300)
    unit = study.unit.codes.copy()
    unit[:] = unit % 3
    unit[:4] = 5
    few = replace(study, unit=Grouping(study.unit.values, unit))
    shown = research(few, floor=10).branches["overall"].branches
    assert study.unit.values[5] not in shown and len(shown) == 2  # and the next smallest, or it would follow


def test_scores_by_whole_numbers_equal_those_row_by_row() -> None:
    study = campaign(200)
    plain_scores, whole = scores(study.matrix), scored(study.matrix)
    for level in ("cells", "dimensions", "stages"):
        for name, values in getattr(plain_scores, level).items():
            agree(f"score of each respondent, {level}", f"simulated bank, {name}", values,
                  whole.gap[f"{level[:-1]}:{name}"].values(), by="naive second program", rel=1e-12)  # fmt: skip
    agree("score of each respondent, overall", "simulated bank", plain_scores.unweighted,
          whole.gap["overall"].values(), by="naive second program", rel=1e-12, abs=1e-12)  # fmt: skip


def test_mean_scores_are_those_of_the_report(bank: Any) -> None:
    study, found = bank
    report = build_report(summarise(study.matrix), format="two_column", floor=None)
    ours = found.with_and_without
    for name, one in report.gaps.dimensions.items():
        assert ours[f"dimension:{name}"].all.value == pytest.approx(one.gap.value, rel=1e-12)
    assert ours["overall"].all.value == pytest.approx(report.gaps.overall.gap.value, rel=1e-12)


def test_very_many_answers_are_sampled_where_every_row_is_needed() -> None:
    study = campaign(400)
    found = research(study, thresholds=replace(QUICK, sampled_rows=300))
    assert (found.n, found.sampled, found.driving.sets[0].n <= 300) == (400, 300, True)
    assert found.with_and_without["overall"].all.n <= 300 and found.designed["overall"].clustered.n > 300


def test_the_attention_check_and_the_own_word_are_read_from_the_answers() -> None:
    study = campaign(300)
    assert study.checks.attention_failed is not None and study.checks.self_report_failed is not None
    told = research(study).quality
    assert 0 < told.flagged["attention"].value < 0.1 and 0 < told.flagged["self_report"].value < 0.1
    assert told.excluded.value < 0.15


RATINGS = st.lists(st.lists(st.sampled_from([0, 1, 2, 4, 7, 253, 254, 255]), min_size=12, max_size=12), max_size=16)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RATINGS, st.booleans())
def test_any_answers_give_a_sound_appendix(rows: list[list[int]], stages: bool) -> None:
    block = np.array(rows, np.uint8).reshape(-1, 12)
    layout = Layout(tuple("abcdef"), 7, ("A", "B"), ("s", "t") if stages else (), (0, 0, 0, 1, 1, 1),
                    (0, 1, 0, 1, 0, 1) if stages else (), "expectation")  # fmt: skip
    outcome = block[:, 0] * (block[:, 0] < 8)
    matrix = ScoreMatrix(layout, block[:, :6], block[:, 6:], outcome=outcome)
    codes = np.arange(len(block), dtype=np.int32) % 3 - 1
    study = Study(matrix, {"tier": Grouping(("x", "y"), codes)}, Grouping(("u", "v"), codes),
                  {"satisfaction": outcome}, {"satisfaction": 1}, {"satisfaction": 7}, days=codes + 5)  # fmt: skip
    assert [one for one in numbers(research(study)) if not sound(one)] == []
