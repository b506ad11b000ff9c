"""The figures: valid for Plotly, within the vendored bundle, saying what the results say and nothing hidden."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import plotly.graph_objects as go
import pytest

from analysis.coded import layout_of
from analysis.figures import (
    MARKS,
    TRACES,
    WORDS,
    Figure,
    Labels,
    answers,
    defect_map,
    differences,
    dumbbell,
    limits,
    radar,
    shade,
    sorted_items,
)
from analysis.matrix import Layout, ScoreMatrix
from analysis.report import Report, build_report
from analysis.tally import summarise
from surveys.authoring import load
from surveys.codes import NOT_APPLICABLE
from surveys.questionnaire import Format, Questionnaire

VENDOR = Path(__file__).parents[2] / "static" / "vendor"
PLANTED = {("tracking", "responsiveness"): -1.9, ("transfer", "empathy"): -1.1, ("encounter", "assurance"): 0.6}
FORMATS: tuple[Format, ...] = ("two_column", "three_column", "perception_only")


@lru_cache
def planted(
    format: Format = "two_column", n: int = 200, rare: bool = False, stages: bool = True
) -> tuple[Questionnaire, Layout, Report]:
    """A questionnaire and the report of n simulated answers: two large gaps, one surplus, the rest near -0.2.

    `rare`: two cells that only four customers met.
    """
    questionnaire = load("pfs_customer").variant(format)
    layout = layout_of(questionnaire)
    if not stages:
        layout = replace(layout, stages=(), stage_of=())
    rng = np.random.default_rng(3)
    m, k = layout.points, len(layout.items)
    scale = (m - 1) / 6
    places = [(item.stage, item.dimension) for item in questionnaire.items]
    gaps = np.array([PLANTED.get((stage or "", dimension), -0.2) for stage, dimension in places]) * scale
    expected = m - 1.5 * scale + rng.normal(0, 0.7, (n, k))
    got = expected + gaps + rng.normal(0, 0.9, (n, k))
    reference, perception = (np.clip(np.rint(part), 1, m).astype(np.uint8) for part in (expected, got))
    if rare:
        few = [
            j for j, place in enumerate(places) if place in (("tracking", "responsiveness"), ("encounter", "empathy"))
        ]
        perception[4:, few] = NOT_APPLICABLE
    matrix = ScoreMatrix(
        layout,
        perception,
        None if format == "perception_only" else reference,
        np.clip(reference.astype(int) - 2, 1, m).astype(np.uint8) if format == "three_column" else None,
        weights=rng.multinomial(100, [0.2] * 5, n).astype(np.int16),
        outcome=np.clip(np.rint(got.mean(axis=1)), 1, 7).astype(np.uint8),
    )
    return questionnaire, layout, build_report(summarise(matrix), format=format, floor=10)


def labels(layout: Layout) -> Labels:
    """Ids for names, so that a test reads the ids back."""

    def same(names: tuple[str, ...]) -> dict[str, str]:
        return {name: name for name in names}

    return Labels(
        same(layout.items), same(layout.cells), same(layout.dimensions), same(layout.stages), same(WORDS), {}, {}
    )


def every_figure(report: Report, layout: Layout) -> list[Figure]:
    names = labels(layout)
    figures = [
        draw(report, layout, names, width)
        for draw in (defect_map, dumbbell, radar)
        for width in ("wide", "medium", "narrow")
    ]
    for item in report.distributions:
        tests = report.gaps.items[item]
        figures.append(answers(report.distributions[item], tests, names))
        figures.append(differences(tests, names, report.meta.points))
    return [figure for figure in figures if figure is not None]


def in_colour(value: Any) -> Any:
    """The figure with its tokens looked up, as the script does; Plotly for Python knows no custom properties."""
    if isinstance(value, str):
        return "#123456" if value.startswith("var(--") else value
    if isinstance(value, list):
        return [in_colour(part) for part in value]
    return {key: in_colour(part) for key, part in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize("format", FORMATS)
def test_plotly_accepts_every_figure(format: Format) -> None:
    _, layout, report = planted(format)
    for figure in every_figure(report, layout):
        assert go.Figure(in_colour(figure)).data
        assert json.loads(json.dumps(figure, allow_nan=False)) == figure


@pytest.mark.parametrize("format", FORMATS)
def test_empty_report_draws_without_numbers(format: Format) -> None:
    questionnaire = load("pfs_customer").variant(format)
    layout = layout_of(questionnaire)
    none = np.zeros((0, len(layout.items)), np.uint8)
    reference = None if format == "perception_only" else none
    matrix = ScoreMatrix(layout, none, reference, none if format == "three_column" else None)
    report = build_report(summarise(matrix), format=format, floor=10)
    drawn = [go.Figure(in_colour(figure)) for figure in every_figure(report, layout)]
    assert drawn


def test_figures_use_only_bundled_traces() -> None:
    drawn = {
        trace["type"]
        for format in FORMATS
        for figure in every_figure(*planted(format)[:0:-1])
        for trace in figure["data"]
    }
    bundled = set(re.findall(r"\w+", vendored("trace types")))
    assert drawn == set(TRACES)
    assert drawn <= bundled


def test_bundle_matches_its_record() -> None:
    (bundle,) = VENDOR.glob("*.js")
    assert f"## {bundle.name}" in (VENDOR / "VENDORED.md").read_text()
    assert hashlib.sha256(bundle.read_bytes()).hexdigest() == vendored("sha256")


def vendored(field: str) -> str:
    """A field of the table in VENDORED.md."""
    found: list[str] = re.findall(rf"^\| {field} \| (.*) \|$", (VENDOR / "VENDORED.md").read_text(), re.M)
    return found[0].strip()


def test_map_shows_the_cell_gaps() -> None:
    _, layout, report = planted()
    (trace,) = defect_map(report, layout, labels(layout))["data"]
    for r, stage in enumerate(layout.stages):
        for c, dimension in enumerate(layout.dimensions):
            cell = f"{stage}.{dimension}"
            assert trace["customdata"][r][c] == cell
            assert trace["z"][r][c] == report.gaps.cells[cell].gap.value


def test_narrow_map_is_turned() -> None:
    _, layout, report = planted()
    (trace,) = defect_map(report, layout, labels(layout), "narrow")["data"]
    assert np.shape(trace["z"]) == (5, 3)
    assert trace["customdata"][2][0] == "encounter.responsiveness"


def test_map_without_stages_is_one_row() -> None:
    _, layout, report = planted(stages=False)
    (trace,) = defect_map(report, layout, labels(layout))["data"]
    assert trace["customdata"] == [list(layout.dimensions)]


def test_three_column_map_shows_adequacy() -> None:
    _, layout, report = planted("three_column")
    (trace,) = defect_map(report, layout, labels(layout))["data"]
    adequacy = report.gaps.cells["tracking.responsiveness"].adequacy
    assert adequacy is not None
    assert trace["z"][2][2] == adequacy.value


def test_hidden_cells_carry_only_their_mark() -> None:
    _, layout, report = planted(rare=True)
    assert "tracking.responsiveness" in report.hidden
    figure = defect_map(report, layout, labels(layout))
    assert figure["data"][0]["z"][2][2] is None
    assert [note["text"] for note in figure["layout"]["annotations"] if (note["x"], note["y"]) == (2, 2)] == [
        MARKS["suppressed"]
    ]


def test_hidden_items_have_no_marks() -> None:
    _, layout, report = planted(rare=True)
    hidden = report.hidden & set(layout.items)
    assert hidden
    assert set(sorted_items(report, layout)[-len(hidden) :]) == hidden
    drawn = [
        len(trace["y"]) for trace in dumbbell(report, layout, labels(layout))["data"] if trace["mode"] == "markers"
    ]
    assert set(drawn) == {len(layout.items) - len(hidden)}


@pytest.mark.parametrize(
    ("value", "step"),
    [
        (-1.5, "g-crit"),
        (-1.499, "g-major"),
        (-1.0, "g-major"),
        (-0.5, "g-minor"),
        (-0.499, "g-none"),
        (0.0, "g-none"),
        (0.499, "g-none"),
        (0.5, "g-plus1"),
        (1.0, "g-plus2"),
        (1.5, "g-plus3"),
    ],
)
def test_colour_steps_are_the_severity_bands(value: float, step: str) -> None:
    assert shade(planted()[2], value) == step


def test_colour_scale_agrees_with_the_steps() -> None:
    report = planted()[2]
    (trace,) = defect_map(report, planted()[1], labels(planted()[1]))["data"]
    low, high, scale = trace["zmin"], trace["zmax"], trace["colorscale"]
    for value in (-2.0, *limits(report), 0.2, 2.4):
        at = (value - low) / (high - low)
        below = max((stop for stop in scale if stop[0] <= at), key=lambda stop: (stop[0], scale.index(stop)))
        assert below[1] == f"var(--{shade(report, value)})"


def test_bands_scale_with_the_points() -> None:
    assert limits(planted("three_column")[2]) == pytest.approx((-4 / 3, -2 / 3, 0, 2 / 3, 4 / 3, 2))


def test_answers_are_centred_on_the_middle() -> None:
    _, layout, report = planted()
    item = layout.items[0]
    figure = answers(report.distributions[item], report.gaps.items[item], labels(layout))
    middle = figure["data"][3]
    for base, share in zip(middle["base"], middle["x"], strict=True):
        assert base == pytest.approx(-share / 2)
    assert sum(trace["x"][1] for trace in figure["data"]) == pytest.approx(100)


def test_histogram_counts_every_pair() -> None:
    _, layout, report = planted()
    tests = report.gaps.items[layout.items[0]]
    (trace,) = differences(tests, labels(layout), 7)["data"]
    assert sum(trace["y"]) == tests.gap.n
    assert trace["x"] == list(range(-6, 7))


def test_radar_needs_three_dimensions() -> None:
    _, layout, report = planted()
    few = replace(report, gaps=replace(report.gaps, dimensions=dict(list(report.gaps.dimensions.items())[:2])))
    assert radar(few, layout, labels(layout)) is None


def test_wording_cannot_write_markup() -> None:
    _, layout, report = planted()
    names = replace(labels(layout), items=dict.fromkeys(layout.items, '<a href="javascript:alert(1)">x</a>'))
    notes = dumbbell(report, layout, names)["layout"]["annotations"]
    assert not any("<a" in cast(str, note["text"]) for note in notes)
