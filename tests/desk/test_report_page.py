"""The defect report as a reader meets it: sentences, hidden numbers, hostile wording, the one-file form."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from analysis.coded import layout_of
from analysis.figures import shown
from analysis.matrix import ScoreMatrix
from analysis.report import Report, build_report
from analysis.results import REASONS, undefined
from analysis.tally import summarise
from analysis.thresholds import Thresholds
from app.desk import report_sentences as sentences
from app.desk.appendix_thresholds import appendix_threshold_words
from app.desk.report_list import ranked
from app.desk.report_page import Filter, FilterOption, Recommendation, ReportPage, render_report
from app.desk.report_tables import cell_text, items_table, map_table, threshold_words
from app.desk.report_words import Names, reasons, share
from app.words import count, decimal, signed, speak
from surveys.questionnaire import Format, Questionnaire
from tests.analysis.test_figures import FORMATS, planted

HOSTILE = "</script><script>alert(1)</script>"


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    speak("en")
    yield
    speak("en")


def page(format: Format = "two_column", rare: bool = False, **changes: Any) -> ReportPage:
    """The page of the planted report."""
    questionnaire, layout, report = planted(format, rare=rare)
    made: dict[str, Any] = {
        "questionnaire": questionnaire,
        "report": report,
        "layout": layout,
        "title": "Harbour Bank",
        "wave": "2026-2",
        "simulated": False,
        "n_released": report.meta.n,
        "fingerprint": "7c1e90b4",
        "code_version": "1.0",
        "self_url": "/surveys/harbour/report",
        "static_url": lambda name: f"/static/{name}?v=1",
    }
    return ReportPage(**(made | changes))


def names(page: ReportPage) -> Names:
    return Names(page.questionnaire, page.report, page.layout)


def empty_report(questionnaire: Questionnaire) -> Report:
    layout = layout_of(questionnaire)
    none = np.zeros((0, len(layout.items)), np.uint8)
    return build_report(summarise(ScoreMatrix(layout, none, none)), format="two_column", floor=10)


def figures(text: str) -> dict[str, Any]:
    """The figures of a page by the id of their place."""
    found = re.findall(r'class="figure" data-for="([^"]+)">(.*?)</script>', text, re.S)
    return {name: json.loads(data) for name, data in found}


def words(text: str) -> str:
    """The page without its tags."""
    return html.unescape(re.sub(r"<[^>]+>", " ", text)).replace("\xa0", " ")


# -- sentences -------------------------------------------------------------------------------------------------------


def test_title_names_the_planted_cell() -> None:
    assert sentences.title(names(page())) == "Follow-up falls short most; mend first there: Responsiveness"


def test_stage_is_called_worst_only_when_clear_of_the_others() -> None:
    found = names(page())
    stages = dict(found.report.gaps.stages)
    worst, apart = sentences.lowest(found, stages) or ("", False)
    blurred = replace(stages[worst], gap=replace(stages[worst].gap, high=0.5))
    assert apart
    assert sentences.lowest(found, stages | {worst: blurred}) == (worst, False)


def test_title_claims_nothing_without_confirmed_defects() -> None:
    report = planted()[2]
    doubtful = tuple(replace(defect, status="inconclusive") for defect in report.defects)
    title = sentences.title(names(page(report=replace(report, defects=doubtful))))
    assert title == "No defect is confirmed; 15 of 15 cells cannot be told yet"


def test_amount_is_stated_with_interval_and_n() -> None:
    found = names(page())
    worst, _ = sentences.lowest(found, found.report.gaps.stages) or ("", False)
    gap = found.report.gaps.stages[worst].gap
    sentence = sentences.lead(found)[0].replace("\xa0", " ")
    assert f"customers get {decimal(-(gap.value or 0))} points less than they expect" in sentence
    assert f"95 % CI {decimal(-(gap.high or 0))} to {decimal(-(gap.low or 0))}, {count(gap.n)} answers" in sentence


def test_surplus_is_never_called_a_shortfall() -> None:
    found = names(page("three_column"))
    assert all((tests.adequacy.value or 0) > 0 for tests in found.report.gaps.stages.values() if tests.adequacy)
    assert "less than" not in sentences.lead(found)[0]
    assert "falls short" not in sentences.radar_title(found)


def test_cells_are_counted_once() -> None:
    found = names(page(rare=True))
    numbers = re.findall(r"\d+", sentences.tally(found))
    assert int(numbers[1]) == len(found.report.defects) == int(numbers[0]) + sum(map(int, numbers[2:]))


def test_undecided_cell_says_what_would_tell() -> None:
    defect = planted()[2].defects[0]
    needs = replace(defect, n_needed=replace(defect.gap, value=defect.gap.n + 1043.0))
    if_so = "more answers would tell, if the gap is what it looks like"
    assert sentences.what_would_tell(needs) == f"About 1,050 {if_so}"
    near = replace(defect, n_needed=replace(defect.gap, value=defect.gap.n + 18.0))
    assert sentences.what_would_tell(near) == f"About 20 {if_so}"
    close = replace(defect, n_needed=undefined("at_limit"))
    assert sentences.what_would_tell(close) == "Too close to the limit to plan for: watch the next wave"


def test_missing_decimals_are_not_minus_zero() -> None:
    assert signed(-0.001) == "0.00"
    assert share(0.125).replace("\xa0", " ") in ("12 %", "13 %")


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_reason_has_its_sentence(language: str) -> None:
    english_words = reasons()
    speak(language)
    assert set(reasons()) == set(REASONS)
    assert all(reasons().values())
    assert len(set(reasons().values())) == len(REASONS)
    if language != "en":
        assert all(text != english_words[name] for name, text in reasons().items())


def test_undefined_statistic_prints_its_reason() -> None:
    assert cell_text(undefined("no_variance")) == "all values are equal"


def test_every_threshold_is_worded_once() -> None:
    report, appendix = threshold_words(), appendix_threshold_words()
    assert set(report) | set(appendix) == {field.name for field in fields(Thresholds)}
    assert not set(report) & set(appendix)
    assert len({*report.values(), *appendix.values()}) == len(report) + len(appendix)


def test_thresholds_of_the_report_are_printed() -> None:
    text = words(render_report(page()))
    assert all(word in text for word in threshold_words().values())
    assert not any(word in text for word in appendix_threshold_words().values())


# -- the page --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("self_contained", [False, True])
def test_every_format_makes_a_page(format: Format, self_contained: bool) -> None:
    text = render_report(page(format, self_contained=self_contained))
    assert "</html>" in text
    assert len(re.findall(r'\bid="([^"]+)"', text)) == len(set(re.findall(r'\bid="([^"]+)"', text)))


def test_empty_report_says_what_will_be_here() -> None:
    questionnaire = planted()[0]
    text = words(render_report(page(report=empty_report(questionnaire))))
    assert "No released answers yet: the defect map will stand here" in text
    assert "What to do now" in text


def test_list_rows_carry_the_six_fields() -> None:
    found = page(recommendations={"tracking.responsiveness": Recommendation("Send alerts", "risk", "median time", 45)})
    defect = next(defect for defect in found.report.defects if defect.cell == "tracking.responsiveness")
    text = render_report(found)
    row = next(
        part
        for part in re.findall(r"<tr.*?</tr>", text, re.S)
        if 'data-cell="tracking.responsiveness"' in part and 'class="where"' in part
    )
    said = words(row)
    for piece in (
        "Follow-up · Responsiveness",
        signed(defect.gap.value),
        "got less",
        "priority",
        "● confirmed",
        "Send alerts",
    ):
        assert piece in said


def test_asked_defect_is_opened() -> None:
    text = render_report(page(open_cell="transfer.empathy"))
    assert re.findall(r'class="open-d" id="([^"]+)"', text) == ["d-transfer.empathy"]


def test_first_defect_is_opened_by_default() -> None:
    found = page()
    text = render_report(found)
    assert re.findall(r'class="open-d" id="([^"]+)"', text) == [f"d-{ranked(names(found))[0].cell}"]


def test_links_keep_the_chosen_filter() -> None:
    chosen = Filter(
        "branch", "Branch", (FilterOption("", "all", 90, False, True), FilterOption("a&b", "A", 40, True, True))
    )
    text = render_report(page(filters=(chosen,)))
    assert 'href="/surveys/harbour/report?branch=a%26b&amp;open=transfer.empathy#d-transfer.empathy"' in text


def test_small_filter_option_cannot_be_chosen() -> None:
    options = (FilterOption("", "all", 90, True, True), FilterOption("x", "Harbour Front", 7, False, False))
    text = render_report(page(filters=(Filter("branch", "Branch", options),)))
    option = re.findall(r"<option value=\"x\".*?</option>", text)[0]
    assert "disabled" in option
    assert "fewer than 10 answers" in option
    assert "7" not in words(option)


def test_simulated_data_are_called_so_everywhere() -> None:
    text = render_report(page(simulated=True))
    assert "Simulated data" in re.findall(r"<title>(.*?)</title>", text)[0]
    assert 'class="flag"' in text
    assert "Simulated data" in text[text.index("<footer") :]
    assert "Simulated data" not in render_report(page())


def test_page_runs_no_script_of_its_own() -> None:
    text = render_report(page())
    assert not re.findall(r"\son\w+=", text)
    assert not re.findall(r"\sstyle=", re.sub(r"<script.*?</script>", "", text, flags=re.S))
    for attributes in re.findall(r"<script([^>]*)>", text):
        assert "src=" in attributes or 'type="application/json"' in attributes


# -- figures and their twins -----------------------------------------------------------------------------------------


def test_map_twin_equals_the_figure() -> None:
    found = page()
    (trace,) = figures(render_report(found))["plot-map"]["medium"]["data"]
    drawn = {
        cell: value
        for cells, values in zip(trace["customdata"], trace["z"], strict=True)
        for cell, value in zip(cells, values, strict=True)
    }
    told = {row.cell: row.values for row in map_table(names(found)).rows if row.cell}
    assert told.keys() == drawn.keys()
    for cell, values in told.items():
        assert signed(drawn[cell]) in values


def test_items_twin_equals_the_figure() -> None:
    found = page()
    traces = figures(render_report(found))["plot-items"]["wide"]["data"]
    by_name = {trace.get("name"): trace["x"] for trace in traces}
    rows = items_table(names(found)).rows
    for place, row in enumerate(rows):
        assert decimal(by_name["expectation"][place]) == row.values[1]
        assert decimal(by_name["perception"][place]) == row.values[2]
        assert signed(by_name["gap"][place]) == row.values[3]


def test_answers_twin_equals_the_figure() -> None:
    found = page(open_cell="tracking.responsiveness")
    defect = next(defect for defect in found.report.defects if defect.cell == found.open_cell)
    item = defect.items[0]
    figure = figures(render_report(found))[f"plot-answers-{item}"]["medium"]
    counts = found.report.distributions[item].perception
    for point, trace in enumerate(figure["data"]):
        assert trace["x"][1] == pytest.approx(100 * counts[point] / sum(counts))


# -- what may not be seen --------------------------------------------------------------------------------------------


def test_hidden_cells_leak_nothing() -> None:
    found = page(rare=True, open_cell="tracking.responsiveness")
    hidden_items = {item for item in found.layout.items if item in found.report.hidden}
    hidden_cells = found.report.hidden & set(found.layout.cells)
    assert "tracking.responsiveness" in hidden_cells
    assert "encounter.empathy" in hidden_cells
    for self_contained in (False, True):
        text = render_report(replace(found, self_contained=self_contained))
        for cell in hidden_cells:
            assert f'id="d-{cell}"' not in text
            assert f'data-cell="{cell}"' not in text
        for item in hidden_items:
            assert f"plot-answers-{item}" not in text
            assert f"plot-differences-{item}" not in text


def test_hidden_numbers_are_not_read_even_if_left_in_the_report() -> None:
    """A second lock: the page asks `hidden` itself and does not rely on the numbers having been taken out."""
    _, layout, report = planted()
    cell = "transfer.empathy"
    items = {layout.items[j] for j in layout.cell_items[cell]}
    defects = tuple(
        replace(defect, status="suppressed") if defect.cell == cell else defect for defect in report.defects
    )
    veiled = replace(report, hidden=frozenset({cell, *items}), defects=defects)
    text = render_report(page(report=veiled, self_contained=True))
    seen = text[: text.index("<script>")] + text[text.rindex("</script>") :]
    for tests in (report.gaps.cells[cell], *(report.gaps.items[item] for item in items)):
        assert str(shown(report, tests).value) not in seen
        assert f"{signed(tests.gap.low)} to {signed(tests.gap.high)}" not in seen


def test_hidden_view_shows_only_the_sentence() -> None:
    text = render_report(page(hidden_view=True))
    assert "it would tell about fewer than 10 people" in text
    assert "application/json" not in text
    assert "<table" not in text
    assert str(planted()[2].meta.n) not in words(text)


def test_hostile_wording_stays_text() -> None:
    questionnaire, _, _ = planted()
    items = tuple(
        item.model_copy(update={"perception": {"en": HOSTILE}, "touchpoint": {"en": HOSTILE}})
        for item in questionnaire.items
    )
    hostile = questionnaire.model_copy(update={"items": items})
    for self_contained in (False, True):
        text = render_report(page(questionnaire=hostile, title=HOSTILE, wave=HOSTILE, self_contained=self_contained))
        assert "<script>alert" not in text
        assert HOSTILE in words(text).replace(" ", "") or "alert(1)" in words(text)
        assert figures(text)["plot-items"]["wide"]["data"]


# -- the one-file report ---------------------------------------------------------------------------------------------


def test_one_file_needs_no_request() -> None:
    text = render_report(page(self_contained=True))
    outside = re.findall(r'\b(?:src|href|action)="(?!#)([^"]*)"', re.sub(r"<script>.*?</script>", "", text, flags=re.S))
    assert outside == []
    assert "@import" not in text[: text.index("</style>")]
    assert "url(" not in text[: text.index("</style>")]


def test_one_file_scripts_are_the_only_ones_allowed() -> None:
    text = render_report(page(self_contained=True))
    policy = html.unescape(re.findall(r'Content-Security-Policy" content="([^"]+)"', text)[0])
    scripts = re.findall(r"<script>(.*?)</script>", text, re.S)
    assert len(scripts) == 2
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "script-src 'unsafe" not in policy
    assert "default-src 'none'" in policy


def test_one_file_holds_every_shown_cell() -> None:
    found = page(self_contained=True)
    panels = re.findall(r'class="open-d" id="d-([^"]+)"', render_report(found))
    assert set(panels) == set(found.layout.cells)
    assert "<form" not in render_report(found)
