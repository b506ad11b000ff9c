"""What the report says of its statistics: no more than they hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.desk import report_notes as notes
from app.desk import report_sentences as sentences
from app.desk.report_tables import alpha_table
from app.words import speak
from surveys.questionnaire import Format
from tests.analysis.test_figures import planted
from tests.desk.test_report_page import names, page


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    speak("en")
    yield
    speak("en")


@pytest.mark.parametrize(("format", "limit"), [("two_column", "limit of 0.50 points"), ("three_column", "minimum")])
def test_undecided_cells_are_said_to_be_not_clear_after_adjusting(format: Format, limit: str) -> None:
    found = names(page(format))
    said = sentences.group_heading(found, "inconclusive", 2)
    tested = sum(defect.status != "suppressed" for defect in found.report.defects)
    assert said.endswith(f"not clear of the {limit} after allowing for the number of cells tested ({tested})")


def test_no_defect_shown_is_told_with_its_level_and_without_adjustment() -> None:
    found = names(page())
    at = replace(found.report.thresholds, noninferiority_level=0.8)
    changed = names(page(report=replace(found.report, thresholds=at)))
    assert "80 % interval" in sentences.without_defect(changed).replace("\xa0", " ")
    said = " ".join(notes.methods(changed)).replace("\xa0", " ")
    assert "No defect shown: the 80 % interval stays above the limit, cell by cell, not adjusted" in said


@pytest.mark.parametrize(("language", "said"), [("en", "each cell counts the same"), ("zh-CN", "各单元同等计")])
def test_equal_importance_is_said_of_cells(language: str, said: str) -> None:
    report = planted()[2]
    speak(language)
    equal = replace(report, importance=replace(report.importance, note="equal"))
    assert said in notes.importance_note(names(page(report=equal)))


def test_alpha_of_pairs_that_do_not_fit_together_carries_a_caution() -> None:
    found = names(page())
    group = found.report.reliability["gap"]
    odd = replace(group.total.alpha, value=1.2, low=None, high=None, flags=("not_positive_definite",))
    doubtful = replace(group, total=replace(group.total, alpha=odd))
    report = replace(found.report, reliability=found.report.reliability | {"gap": doubtful})
    assert "1.20 (caution" in alpha_table(names(page(report=report))).rows[-1].values[-2]
