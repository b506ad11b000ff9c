"""Reasons say what happened: not asked, nobody concerned, nothing that varies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from analysis.coded import score_matrix
from analysis.compare.groups import compare_groups
from analysis.frequencies import Frequencies
from analysis.importance import importance
from analysis.levels import item_gaps, overall_gap
from analysis.priority import silent_share
from analysis.report import build_report
from analysis.tally import summarise
from analysis.thresholds import DEFAULT
from surveys.authoring import load
from surveys.codes import BLANK, NOT_ASKED
from surveys.coding import codebook
from surveys.simulate import DEMO, simulate


def stage_reasons(byte: int) -> set[str | None]:
    """Reasons of the stage weights when that byte stands for every point shared out over the stages."""
    questionnaire = load("pfs_customer").variant("two_column", ("stage_importance",))
    closed, book = simulate(questionnaire, 40, DEMO, np.random.default_rng(1)).closed.copy(), codebook(questionnaire)
    question = next(q for q in questionnaire.questions("importance") if q.over == "stages")
    closed[:, [book.place[f"{question.id}__{option.code}"] for option in question.options]] = byte
    found = importance(summarise(score_matrix(questionnaire, book, closed)))
    return {one.reason for one in found.stage_weights.values()}


def test_a_file_without_the_question_was_not_asked_it_and_blanks_were() -> None:
    assert stage_reasons(NOT_ASKED) == {"not_asked"} and stage_reasons(BLANK) == {"no_complete_cases"}


def test_touchpoints_that_all_left_blank_say_so(customers: Any) -> None:
    matrix = customers(100)
    empty = replace(matrix, perception=np.zeros_like(matrix.perception))
    assert {one.exposure.reason for one in build_report(summarise(empty), format="two_column", floor=None).defects} == {
        "no_complete_cases"
    }
    nobody = build_report(summarise(matrix.rows(slice(0, 0))), format="two_column", floor=None).defects
    assert {one.exposure.reason for one in nobody} == {"no_respondents"}


def test_a_stage_without_complaints_concerned_nobody(customers: Any) -> None:
    matrix = replace(customers(60), problem_stage=np.full(60, -1, np.int16), problem_silent=np.zeros(60, bool))
    stage = matrix.layout.stages[0]
    assert silent_share(summarise(matrix), stage, 0.95).reason == "nobody_concerned"
    assert silent_share(summarise(matrix.rows(slice(0, 0))), stage, 0.95).reason == "no_respondents"


def test_the_stand_in_of_a_test_that_can_be_made_is_not_needed() -> None:
    groups = {name: Frequencies.from_dict({-1.0: 5, 0.0: 4, 1.0: 3}) for name in "ab"}
    assert compare_groups(groups, np.random.default_rng(1), draws=20).p_permutation.reason == "not_needed"


def test_every_gap_is_tested_against_the_smallest_that_matters(customers: Any) -> None:
    for format, points in (("two_column", 7), ("three_column", 9)):
        tally = summarise(customers(80, format=format))
        assert {one.equivalence.delta for one in item_gaps(tally, 0.95).values()} == {DEFAULT.delta(points)}
        assert overall_gap(tally, 0.95, 5.9).equivalence.shown and not overall_gap(tally, 0.95, 0.01).equivalence.shown
    alone = summarise(customers(80, format="perception_only"))
    assert overall_gap(alone, 0.95).equivalence.p.reason == "no_expectation"
