"""What the report says of its statistics: no more than they hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from analysis.defects import Defect
from analysis.gaps import Equivalence, GapTests
from analysis.results import Statistic, undefined
from app.desk import report_notes as notes
from app.desk import report_sentences as sentences
from app.desk.report_panel import panel
from app.desk.report_tables import alpha_table, equivalence_text, levels_table
from app.desk.report_words import Names
from app.words import decimal, speak
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


def equivalent(format: Format = "two_column", shown: bool = True) -> Names:
    """The planted report with a test of equivalence of known result in every cell and dimension."""
    found = page(format)

    def proved(parts: dict[str, GapTests]) -> dict[str, GapTests]:
        flags = ("equivalent",) if shown else ()
        p, difference = Statistic(0.002 if shown else 0.4, flags=flags), Statistic(-0.1, -0.2, 0.05, 0.9, 200)
        return {name: replace(one, equivalence=Equivalence(0.5, difference, p)) for name, one in parts.items()}

    gaps = replace(
        found.report.gaps, cells=proved(found.report.gaps.cells), dimensions=proved(found.report.gaps.dimensions)
    )
    return names(replace(found, report=replace(found.report, gaps=gaps)))


@pytest.mark.parametrize(("format", "what"), [("two_column", "expectation"), ("three_column", "what is desired")])
def test_levels_tell_the_interval_of_the_effect_and_whether_they_are_as_good_as_expected(
    format: Format, what: str
) -> None:
    found = equivalent(format)
    table = levels_table(found, found.report.gaps.dimensions, found.dimensions, "Dimension")
    limit = decimal(found.report.thresholds.delta(found.report.meta.points))
    at = table.columns.index(f"Within ±{limit} of {what}") - 1
    assert {row.values[at] for row in table.rows} == {"yes,\xa0p\xa0.002"}
    effect = table.columns.index("interval of g_av") - 1
    assert all("\xa0to\xa0" in row.values[effect] for row in table.rows)
    assert equivalence_text(Equivalence(0.5, undefined("no_variance"), Statistic(0.4))) == "not shown, p .400"
    assert equivalence_text(Equivalence(0.5, undefined("no_variance"), undefined("no_variance"))) == (
        "all values are equal"
    )


@pytest.mark.parametrize(
    ("format", "what"), [("two_column", "As good as expected"), ("three_column", "As good as desired")]
)
def test_the_opened_cell_says_that_it_is_as_good_as_expected_only_where_that_is_shown(
    format: Format, what: str
) -> None:
    claim = f"{what}: the mean gap is shown to lie within ±0.50 points (90 % interval −0.20 to +0.05)."
    for shown in (True, False):
        found = equivalent(format, shown)
        fine = replace(found.report.defects[0], status="no_defect_shown")
        assert (claim in secondary(found, fine)) is shown
        assert "As good as" not in secondary(found, replace(fine, status="probable"))


def secondary(found: Names, defect: Defect) -> str:
    return " ".join(panel(found, defect, [], None).more).replace("\xa0", " ")


def test_a_hidden_cell_is_not_said_to_be_as_good_as_expected() -> None:
    found = equivalent()
    fine = replace(found.report.defects[0], status="no_defect_shown")
    hidden = replace(found, report=replace(found.report, hidden=frozenset({fine.cell})))
    assert "As good as" in secondary(found, fine) and "As good as" not in secondary(hidden, fine)
