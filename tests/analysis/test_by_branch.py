"""Defects with branches as clusters: the errors come from the tally alone, and the status allows for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.by_branch import clustering_of
from analysis.designed import cluster_error, clustered_mean
from analysis.report import build_report
from analysis.study import Grouping, Study, scored
from analysis.tally import summarise
from tests.agreement import agree
from tests.analysis.soundness import numbers, sound
from tests.analysis.test_research import campaign


def by_groups(study: Study, cell: str) -> list[np.ndarray]:
    """Scores of the cell, branch by branch."""
    score = scored(study.matrix).judged[f"cell:{cell}"]
    assert study.unit is not None
    return [score.values()[score.known & (study.unit.codes == at)] for at in range(len(study.unit.values))]


@pytest.mark.parametrize("format", ["two_column", "three_column"])
def test_the_error_of_a_cell_is_that_of_its_scores_by_branch(format: str) -> None:
    study = campaign(300, format)
    found = clustering_of(summarise(study.matrix))
    assert found is not None
    for cell in ("tracking.reliability", "encounter.empathy"):
        groups = by_groups(study, cell)
        n, means = np.array([len(one) for one in groups], float), np.array([one.mean() for one in groups])
        other = clustered_mean(n, means, np.array([one.var(ddof=1) for one in groups]), 0.5)
        error = found.errors[cell]
        data, by = f"simulated bank, {format}", "clustered_mean, from the rows"
        agree("error by branches, p of no gap", data, other.p_nil.value,
              _p(n, means, error.se, error.df), by=by, rel=1e-9)  # fmt: skip
        agree("error by branches, design effect", data, other.design_effect.value, error.design_effect, by=by, rel=1e-9)


def _p(n: np.ndarray, means: np.ndarray, se: float, df: float) -> float:
    return float(stats.t.cdf((n * means).sum() / n.sum() / se, df))


def test_each_cell_is_told_with_and_without() -> None:
    tally = summarise(campaign(400).matrix)
    plain, both = (build_report(tally, format="two_column", floor=10, clustering=one)
                   for one in (None, clustering_of(tally)))  # fmt: skip
    drawn = build_report(tally, format="two_column", floor=10, clustering=clustering_of(tally, sampled=True))
    assert all(one.by_branch is None for one in plain.defects)
    by_cell = {one.cell: one for one in drawn.defects}
    for one in both.defects:
        assert one.by_branch is not None and one.by_branch.branches == 10
        assert one.by_branch.gap.high - one.by_branch.gap.low != one.gap.high - one.gap.low
        other = by_cell[one.cell]
        assert (other.status, other.gap) == (one.by_branch.status, one.by_branch.gap)
    assert [replace(one, by_branch=None) for one in both.defects] == list(plain.defects)


def test_tallies_of_parts_add_up_to_the_whole() -> None:
    matrix = campaign(200).matrix
    parts = summarise(matrix.rows(slice(0, 90))) + summarise(matrix.rows(slice(90, 200)))
    assert parts == summarise(matrix)


def test_one_branch_alone_says_nothing_of_branches() -> None:
    study = campaign(60)
    assert study.unit is not None
    alone = replace(study.matrix, branch=np.zeros(60, np.int32), branches=("B1",))
    assert clustering_of(summarise(alone)) is None
    assert clustering_of(summarise(replace(study.matrix, branch=None, branches=()))) is None


def test_answers_without_a_branch_count_as_one_more() -> None:
    study = campaign(200)
    assert study.unit is not None
    codes = study.unit.codes.copy()
    codes[:30] = -1
    tally = summarise(replace(study.matrix, branch=codes))
    assert set(tally.by_branch) == {"", *study.unit.values}
    assert clustering_of(tally).errors["tracking.reliability"].branches == 11


@settings(max_examples=25)
@given(st.integers(0, 40), st.integers(1, 5), st.integers(0, 1000))
def test_any_branches_give_sound_numbers(n: int, branches: int, seed: int) -> None:
    study = campaign(n, seed=seed)
    codes = np.random.default_rng(seed).integers(-1, branches, n).astype(np.int32)
    names = tuple(map(str, range(branches)))
    tally = summarise(replace(study.matrix, branch=codes, branches=names))
    for sampled in (False, True):
        report = build_report(tally, format="two_column", floor=None, clustering=clustering_of(tally, sampled))
        told = tuple((one.by_branch, one.gap, one.q_nil, one.q_minimum_effect) for one in report.defects)
        assert [one for one in numbers(told) if not sound(one)] == []
    assert Grouping(names, codes).sizes().sum() == (codes >= 0).sum()


def test_without_spread_between_branches_there_is_no_error() -> None:
    assert cluster_error(np.array([5.0, 5.0]), np.array([-5.0, -5.0]), 0.0) is None
    assert cluster_error(np.array([5.0, 0.0]), np.array([-5.0, 0.0]), 1.0) is None
