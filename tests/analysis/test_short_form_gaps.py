"""Gaps of a short form: means of item gaps, so that core items weigh no more than the others."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.levels import items_mean
from analysis.matrix import ScoreMatrix
from analysis.report import build_report
from analysis.tally import summarise
from surveys.codes import NOT_ASKED
from tests.agreement import agree
from tests.analysis.test_research import campaign

CORE = (2, 9, 16)


def short(matrix: ScoreMatrix, seed: int = 1) -> ScoreMatrix:
    """Core items for all, and half of the others by lot."""
    from dataclasses import replace

    asked = np.random.default_rng(seed).random(matrix.perception.shape) < 0.5
    asked[:, list(CORE)] = True
    return replace(
        matrix,
        perception=np.where(asked, matrix.perception, np.uint8(NOT_ASKED)),
        reference=np.where(asked, matrix.reference, np.uint8(NOT_ASKED)),
    )


def pairs(matrix: ScoreMatrix) -> np.ndarray:
    both = (matrix.perception >= 1) & (matrix.perception <= 7) & (matrix.reference >= 1) & (matrix.reference <= 7)
    return np.where(both, matrix.perception.astype(float) - matrix.reference, np.nan)


def naive(gaps: np.ndarray) -> tuple[float, float]:
    """Mean of the items' means, and its standard error from each respondent's influence on it."""
    n = (~np.isnan(gaps)).sum(axis=0)
    means = np.nanmean(gaps, axis=0)
    influence = np.nansum((gaps - means) / n, axis=1) / gaps.shape[1]
    return float(means.mean()), float(np.sqrt((influence**2).sum()))


def test_a_stage_is_the_mean_of_its_items() -> None:
    matrix = short(campaign(500).matrix)
    places = matrix.layout.stage_items["tracking"]
    found = items_mean(summarise(matrix), places)
    value, se = naive(pairs(matrix)[:, list(places)])
    agree("stage gap of a short form", "simulated short form", value, found.value, by="naive second program")
    # The covariances have divisor n_jk - 1, the influences n_j.
    agree("its standard error", "simulated short form", se, found.se, by="naive second program", rel=5e-3)


def test_the_standard_error_is_that_of_repeated_surveys() -> None:
    gaps = [items_mean(summarise(short(campaign(150, seed=seed).matrix, seed)), tuple(range(22))) for seed in range(80)]
    spread = np.std([one.value for one in gaps], ddof=1)
    assert np.mean([one.se for one in gaps]) == pytest.approx(spread, rel=0.25)


def test_the_report_has_the_same_stages_whether_all_was_asked_or_half() -> None:
    matrix = campaign(4000).matrix
    whole, half = (build_report(summarise(one), format="two_column", floor=10) for one in (matrix, short(matrix)))
    for stage, one in half.gaps.stages.items():
        assert "short_form" in one.gap.flags
        assert one.gap.value == pytest.approx(
            np.mean([whole.gaps.items[name].gap.value for name in _items(matrix, stage)]), abs=0.06
        )
    by_cell = {one.cell: one for one in half.defects}
    for cell, tests in half.gaps.cells.items():
        assert by_cell[cell].gap == tests.gap and by_cell[cell].by_branch is None


def _items(matrix: ScoreMatrix, stage: str) -> list[str]:
    return [matrix.layout.items[j] for j in matrix.layout.stage_items[stage]]


def test_the_whole_form_is_left_as_it_is() -> None:
    tally = summarise(campaign(60).matrix)
    assert items_mean(tally, (0, 1)) is None
    report = build_report(tally, format="two_column", floor=10)
    assert all("short_form" not in one.gap.flags for one in report.gaps.cells.values())
