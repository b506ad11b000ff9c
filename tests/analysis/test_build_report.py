"""The whole report: complete for any data, finite, valid by its schema, and veiled where few answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.matrix import ScoreMatrix
from analysis.report import build_report, report_json, report_schema
from analysis.results import REASONS, Statistic
from analysis.tally import summarise
from analysis.thresholds import DEFAULT

FORMATS = ("two_column", "three_column", "perception_only")
SCHEMA = jsonschema.Draft202012Validator(report_schema())


def statistics(part: Any) -> Iterator[Statistic]:
    if isinstance(part, Statistic):
        yield part
    elif is_dataclass(part):
        for field in fields(part):
            yield from statistics(getattr(part, field.name))
    elif isinstance(part, dict | tuple):
        for one in part.values() if isinstance(part, dict) else part:
            yield from statistics(one)


def check(matrix: ScoreMatrix, format: str, floor: int | None, validate: bool = False) -> Any:
    report = build_report(summarise(matrix), format=format, floor=floor)
    for one in statistics(report):
        assert one.reason is None or one.reason in REASONS
        assert one.value is not None or one.reason is not None, one
    text = json.dumps(report_json(report, {"data": "0" * 64}), allow_nan=False)
    if validate:  # takes longer than the report
        SCHEMA.validate(json.loads(text))
    return report


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("n", [0, 1, 2, 10, 40])
@pytest.mark.parametrize("floor", [None, 10])
def test_any_number_of_customers_gives_a_full_report(customers: Any, format: str, n: int, floor: int | None) -> None:
    report = check(customers(n, format=format), format, floor, validate=n in (0, 10))
    assert report.meta.n == n and len(report.defects) == 15


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("value", [1, 7, 0, 255, 253])
def test_answers_all_alike_give_a_full_report(customers: Any, format: str, value: int) -> None:
    matrix = customers(25, format=format)
    given = {"perception": matrix.perception, "reference": matrix.reference, "minimum": matrix.minimum}
    alike = {name: None if column is None else np.full_like(column, value) for name, column in given.items()}
    report = check(replace(matrix, **alike, outcome=np.full(25, 5, np.uint8)), format, None)
    assert report.meta.n == 25 and len(report.defects) == 15


@settings(max_examples=15, deadline=None)
@given(data=st.data(), n=st.integers(0, 14), format=st.sampled_from(FORMATS), floor=st.sampled_from([None, 5]))
def test_no_answers_raise_or_give_nan(customers: Any, data: Any, n: int, format: str, floor: int | None) -> None:
    matrix = customers(n, format=format)
    codes = np.array([0, 1, 2, matrix.layout.points, 253, 254, 255], np.uint8)
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    some = codes[sorted(data.draw(st.sets(st.integers(0, 6), min_size=1)))]

    def drawn(column: Any) -> Any:
        return None if column is None else rng.choice(some, column.shape)

    answers = replace(
        matrix,
        perception=drawn(matrix.perception),
        reference=drawn(matrix.reference),
        minimum=drawn(matrix.minimum),
        importance=drawn(matrix.perception) if rng.random() < 0.5 else None,
        weights=matrix.weights if rng.random() < 0.5 else None,
    )
    assert check(answers, format, floor).meta.n == n


@pytest.mark.parametrize("n", [11, 14, 30])
def test_no_shown_number_is_about_fewer_than_the_floor(customers: Any, n: int) -> None:
    report = check(customers(n, missing=0.4), "two_column", 10)
    assert report.hidden
    few = [one for one in statistics(report) if one.value is not None and one.n < 10]
    assert {one.method.partition(",")[0] for one in few} <= {"mean shortfall of those below"}
    assert all("below_display_floor" in one.flags for one in few)
    for name in report.hidden & set(report.gaps.items):
        assert report.gaps.items[name].gap.reason == "too_few"
        assert report.gaps.items[name].differences == () and name not in report.distributions
    for one in report.defects:
        assert (one.status == "suppressed") == (one.cell in report.hidden)


RARE = 2  # the one item of the cell enc.rel


def with_rare_cell(customers: Any, format: str, perception: Any, reference: Any) -> Any:
    """A report in which only four customers met one cell, and what they answered there."""
    matrix = customers(60, format=format, missing=0)
    for column, answers in ((matrix.perception, perception), (matrix.reference, reference)):
        if column is not None:
            column[:4, RARE], column[4:, RARE] = answers, 255
    return report_json(build_report(summarise(matrix), format=format, floor=10), {})


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("answers", [([7, 7, 6, 7], [1, 1, 1, 2]), ([4, 4, 4, 4], [4, 4, 4, 4])])
def test_a_hidden_cell_reads_the_same_whatever_its_answers(customers: Any, format: str, answers: Any) -> None:
    told = [with_rare_cell(customers, format, *given) for given in (([1, 2, 1, 1], [7, 7, 6, 7]), answers)]
    assert "enc.rel" in told[0]["meta"]["hidden"] == told[1]["meta"]["hidden"]
    last = [[one["cell"] for one in report["defects"] if one["status"] == "suppressed"] for report in told]
    assert last[0] == last[1]
    for cell in told[0]["meta"]["hidden"]:
        entries = [
            [[one for one in report["defects"] if one["cell"] == cell], report["gaps"]["cells"].get(cell),
             report["gaps"]["items"].get(cell)] for report in told
        ]  # fmt: skip
        assert json.dumps(entries[0]) == json.dumps(entries[1])


def test_a_hidden_cell_has_neither_numbers_nor_n(customers: Any) -> None:
    told = with_rare_cell(customers, "two_column", [1, 2, 1, 1], [7, 7, 6, 7])
    (defect,) = (one for one in told["defects"] if one["cell"] == "enc.rel")
    numbers = [
        one for one in [told["gaps"]["cells"]["enc.rel"], *defect.values()] if isinstance(one, dict) and "n" in one
    ]
    assert len(numbers) > 15
    assert {(one["value"], one["low"], one["high"], one["n"], one["reason"]) for one in numbers} == {
        (None, None, None, 0, "too_few")
    }


def test_hidden_p_values_do_not_touch_the_shown_ones(customers: Any) -> None:
    one, other = (
        with_rare_cell(customers, "two_column", *given)
        for given in (([1, 2, 1, 1], [7, 7, 6, 7]), ([4, 5, 4, 4], [4, 4, 4, 5]))
    )
    for level in ("items", "cells"):
        for adjust in ("p_holm", "p_bh"):
            found = [{name: gap[adjust] for name, gap in told["gaps"][level].items()} for told in (one, other)]
            assert found[0] == found[1]
        shown = [gap for gap in one["gaps"][level].values() if gap["p_holm"]["value"] is not None]
        least = min(shown, key=lambda gap: gap["p_t"]["value"])
        assert least["p_holm"]["value"] == pytest.approx(min(1, len(shown) * least["p_t"]["value"]))


def test_thresholds_state_the_floor_that_was_applied(customers: Any) -> None:
    tally = summarise(customers(60))
    told = [report_json(build_report(tally, format="two_column", floor=floor), {}) for floor in (20, None)]
    assert [one["thresholds"]["display_floor"] for one in told] == [20, DEFAULT.display_floor]


def test_severity_is_shown_where_it_follows_from_what_is_shown(customers: Any) -> None:
    matrix = customers(60, missing=0)
    matrix.reference[:], matrix.perception[:] = 5, 5
    matrix.perception[:3] = [[3], [4], [1]]
    for one in build_report(summarise(matrix), format="two_column", floor=10).defects:
        severity = one.severity_if_short
        assert severity.value == pytest.approx(one.expected_loss.value / one.exposure.value / one.occurrence.value)
        assert (severity.n, severity.flags) == (3, ("below_display_floor",))


def test_many_pairs_of_few_people_are_hidden_with_them(customers: Any) -> None:
    gaps = build_report(summarise(customers(6, missing=0)), format="two_column", floor=10).gaps
    assert gaps.overall.pooled.value is None and gaps.overall.pooled.n == 0
    alone = build_report(summarise(customers(6, missing=0)), format="two_column", floor=10).importance
    assert alone.stated is None and alone.note == "equal"


def test_the_researchers_own_file_shows_and_flags_small_numbers(customers: Any) -> None:
    report = check(customers(8, missing=0), "two_column", None)
    assert "below_display_floor" in report.gaps.overall.gap.flags
    assert report.gaps.overall.gap.value is not None
    assert {one.status for one in report.defects} == {"suppressed"}


def test_a_gap_entry_holds_its_mean_at_the_top(customers: Any) -> None:
    report = build_report(summarise(customers(60)), format="two_column", floor=None)
    item = report_json(report, {})["gaps"]["items"]["Q01"]
    one = report.gaps.items["Q01"]
    assert (item["value"], item["p_t"]["value"], item["n"]) == (one.gap.value, one.p_t.value, one.gap.n)
    assert set(item["p_t"]) == {"value", "low", "high", "level", "n", "method", "flags", "reason"}
    assert item["differences"] == [list(pair) for pair in one.differences]


def test_meta_of_the_caller_stands_beside_the_reports_own(customers: Any) -> None:
    found = report_json(build_report(summarise(customers(30)), format="two_column", floor=None), {"code": "0.1.0"})
    assert list(found) == ["meta", "gaps", "reliability", "importance", "distributions", "defects", "thresholds"]
    assert (found["meta"]["code"], found["meta"]["n"], found["meta"]["format"]) == ("0.1.0", 30, "two_column")
    assert found["thresholds"]["delta7"] == DEFAULT.delta7


def test_a_number_that_is_not_finite_never_leaves(customers: Any) -> None:
    report = build_report(summarise(customers(30)), format="two_column", floor=None)
    broken = replace(report, gaps=replace(report.gaps, overall_weighted=Statistic(float("nan"))))
    with pytest.raises(ValueError, match="must be null with a reason"):
        report_json(broken, {})


def test_expectations_at_the_top_are_flagged(customers: Any) -> None:
    matrix = customers(60, missing=0)
    high = replace(matrix, reference=np.where(matrix.reference > 5, 7, 6).astype(np.uint8))
    report = build_report(summarise(high), format="two_column", floor=None)
    assert "expectations_at_ceiling" in report.meta.flags
    assert "expectation_at_ceiling" in report.gaps.cells["enc.tan"].gap.flags
    assert report.meta.ceiling_spearman.value is not None


def test_distributions_count_every_answer(customers: Any) -> None:
    matrix = customers(50)
    one = build_report(summarise(matrix), format="two_column", floor=None).distributions["Q04"]
    assert one.perception == tuple(int((matrix.perception[:, 3] == point).sum()) for point in range(1, 8))
    assert sum(one.perception) + one.blank + one.not_applicable == 50
    assert one.minimum is None and one.reference is not None
