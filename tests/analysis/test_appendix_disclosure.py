"""The appendix lets no small group be had by subtraction within one view."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from analysis.by_branch import clustering_of
from analysis.comments import comments
from analysis.report import build_report
from analysis.research import Research
from analysis.screening import Checks
from analysis.study import Grouping, Study, scored
from analysis.tally import summarise
from analysis.thresholds import DEFAULT
from analysis.trend.report import trend
from surveys.codes import NOT_APPLICABLE
from tests.analysis.test_research import campaign, research

FLOOR = 10


def grouped(study: Study, sizes: dict[str, int]) -> Grouping:
    codes = np.repeat(np.arange(len(sizes)), list(sizes.values())).astype(np.int32)
    assert len(codes) == study.n
    return Grouping(tuple(sizes), codes)


def blanked(study: Study, rows: np.ndarray) -> Study:
    """These respondents met nothing, so that they have no score."""
    perception = study.matrix.perception.copy()
    perception[rows] = NOT_APPLICABLE
    return replace(study, matrix=replace(study.matrix, perception=perception))


def with_few_scores() -> tuple[Study, Research]:
    """Of a group of 14 only six have the overall score."""
    study = blanked(campaign(120), np.arange(100, 108))
    own = grouped(study, {"a": 50, "b": 50, "c": 14, "d": 6})
    study = replace(study, traits={"via": own}, unit=own, days=None)
    return study, research(study, FLOOR)


def test_a_group_with_few_scores_takes_another_with_it() -> None:
    study, found = with_few_scores()
    shown = found.groups["via"]["overall"]
    known = scored(study.matrix).main["overall"].known
    sizes = dict(
        zip(study.unit.values, (int((known & (study.unit.codes == at)).sum()) for at in range(4)), strict=True)
    )
    hidden = [sizes[name] for name in sizes if name not in shown.groups]
    assert 0 < sizes["c"] < FLOOR and sum(hidden) >= FLOOR and len(hidden) >= 2
    assert set(found.branches["overall"].branches) <= set(shown.groups)
    assert {name for pair in shown.pairs for name in (pair.first, pair.second)} <= set(shown.groups)


def test_two_people_left_out_by_the_quality_rule_are_not_told_by_the_difference() -> None:
    study = campaign(120)
    failed = np.zeros(120, np.bool_)
    failed[:2] = True
    study = replace(study, checks=Checks(self_report_failed=failed))
    for one in research(study, FLOOR).with_and_without.values():
        assert one.all.value is not None and one.without.reason == "too_few"
    many = np.zeros(120, np.bool_)
    many[:40] = True
    found = research(replace(study, checks=Checks(self_report_failed=many)), FLOOR).with_and_without["overall"]
    assert found.without.value is not None


def test_hidden_branches_count_as_one_cluster() -> None:
    study = campaign(120)
    own = grouped(study, {"a": 40, "b": 40, "c": 23, "d": 11, "e": 6})
    tally = summarise(replace(study.matrix, branch=own.codes, branches=own.values))
    assert {one.branches for one in clustering_of(tally).errors.values()} == {5}
    assert max(one.branches for one in clustering_of(tally, floor=FLOOR).errors.values()) == 4


def test_what_a_filter_leaves_is_not_told_by_subtraction() -> None:
    study = campaign(120)
    matrix = study.matrix
    item = matrix.layout.items.index("trk_res_1")
    perception = matrix.perception.copy()
    perception[6:40, item] = NOT_APPLICABLE  # six of the forty whom the filter leaves out have met this touchpoint
    matrix = replace(matrix, perception=perception)
    whole, part = summarise(matrix), summarise(matrix.rows(slice(40, 120)))
    alone = build_report(part, format="two_column", floor=FLOOR)
    beside = build_report(part, format="two_column", floor=FLOOR, whole=whole)
    assert "trk_res_1" not in alone.hidden and {"trk_res_1", "tracking.responsiveness"} <= beside.hidden


def test_weeks_end_with_the_month_and_hide_a_group_of_it() -> None:
    study = campaign(200)
    rng = np.random.default_rng(1)
    first = date(2026, 9, 21).toordinal()
    days = first + rng.integers(0, 20, 200).astype(np.int32)
    days[(days >= first + 8) & (days < first + 10)] = first + 12  # the week cut by the month has few in September
    days[:4] = first + 8
    scores = scored(study.matrix)
    known = scores.main["overall"].known
    found = trend(replace(study, days=days), scores, DEFAULT, FLOOR)
    turn = date(2026, 10, 1).toordinal()
    assert found.periods and all((one.first_day < turn) is (one.last_day < turn) for one in found.periods)
    for month in (days < turn, days >= turn):
        told = sum(one.mean.n for one in found.periods if bool((days[month] == one.first_day).any()))
        rest = int((known & month).sum()) - told
        assert rest == 0 or rest >= FLOOR


@pytest.mark.parametrize("few", [4])
def test_one_hidden_topic_does_not_follow_from_the_others(few: int) -> None:
    texts = ["the fee was high"] * 20 + ["rude staff"] * 20 + ["slow reply"] * 20 + ["queue at the counter"] * few
    found = comments(texts, (), DEFAULT, FLOOR)
    hidden = [one for one in found.dimensions.values() if one.share.reason == "too_few"]
    shown = [one for one in found.dimensions.values() if one.share.reason != "too_few"]
    assert len(hidden) != 1 or all(one.p_above.value is None for one in shown)


def test_the_plan_for_a_hidden_score_is_withheld() -> None:
    study = campaign(60)
    matrix = study.matrix
    perception = matrix.perception.copy()
    items = matrix.layout.dimension_items["tangibles"]
    perception[7:, list(items)] = NOT_APPLICABLE
    found = research(replace(study, matrix=replace(matrix, perception=perception)), FLOOR).sampling.scores
    one = found["dimension:tangibles"]
    assert one.sd.value is None and one.for_delta is None and one.for_change_panel is None
