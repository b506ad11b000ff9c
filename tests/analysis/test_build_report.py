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
    check(replace(matrix, **alike, outcome=np.full(25, 5, np.uint8)), format, None)


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
    check(answers, format, floor)


@pytest.mark.parametrize("n", [11, 14, 30])
def test_no_shown_number_is_about_fewer_than_the_floor(customers: Any, n: int) -> None:
    report = check(customers(n, missing=0.4), "two_column", 10)
    assert report.hidden
    assert all(one.n >= 10 for one in statistics(report) if one.value is not None)
    for name in report.hidden & set(report.gaps.items):
        assert report.gaps.items[name].gap.reason == "too_few"
        assert report.gaps.items[name].differences == () and name not in report.distributions
    for one in report.defects:
        assert (one.status == "suppressed") == (one.cell in report.hidden)


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
