"""Every number of the tally against the plain computation, respondent by respondent, over layouts of all kinds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.matrix import Layout, ScoreMatrix
from analysis.tally import summarise
from surveys.codes import BLANK, DO_NOT_KNOW, NOT_APPLICABLE, NOT_ASKED
from tests.analysis.naive_tally import naive_tally


@st.composite
def matrices(draw: st.DrawFn) -> ScoreMatrix:
    """Answers to a questionnaire of any form, with as much missing as there may be, rows mostly complete or hardly."""
    points, columns = draw(st.sampled_from([2, 5, 7, 9, 11])), draw(st.integers(1, 3))
    dimensions, stages = draw(st.integers(1, 4)), draw(st.integers(0, 3))
    k, n = draw(st.integers(1, 14)), draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    layout = Layout(
        tuple(f"Q{j}" for j in range(k)),
        points,
        tuple(f"d{d}" for d in range(dimensions)),
        tuple(f"s{s}" for s in range(stages)),
        tuple(rng.integers(0, dimensions, k).tolist()),
        tuple(rng.integers(0, stages, k).tolist()) if stages else (),
        {1: None, 2: "expectation", 3: "desired"}[columns],
        columns == 3,
    )
    missing = [draw(st.sampled_from([0.0, 0.03, 0.3])) for _ in range(4)]
    careful = rng.random((n, 1)) < draw(st.sampled_from([0.0, 0.5, 1.0]))  # who leaves nothing out

    def column() -> Any:
        found = rng.integers(1, points + 1, (n, k)).astype(np.uint8)
        for code, share in zip((BLANK, NOT_APPLICABLE, DO_NOT_KNOW, NOT_ASKED), missing, strict=True):
            found[(rng.random((n, k)) < share / 2) & ~careful] = code
        return found

    def shared(features: int) -> Any:
        found = rng.multinomial(100, [1 / features] * features, size=n).astype(np.int16)
        found[rng.random(n) < 0.2] //= 3
        found[rng.random((n, features)) < 0.1] = -1
        return found

    beside = draw(st.booleans())
    return ScoreMatrix(
        layout,
        column(),
        column() if columns > 1 else None,
        column() if columns > 2 else None,
        column() if draw(st.booleans()) else None,
        shared(dimensions) if beside else None,
        shared(stages) if beside and stages else None,
        rng.integers(0, points + 1, n).astype(np.uint8) if beside else None,
        rng.integers(-1, stages, n).astype(np.int16) if beside and stages else None,
        rng.random(n) < 0.5 if beside and stages else None,
        rng.integers(-1, 3, n) if draw(st.booleans()) else None,
        ("a", "b", "c"),
    )


@settings(max_examples=150, deadline=None)
@given(matrix=matrices(), screen=st.booleans(), chunk=st.sampled_from([5, 2**15]), many=st.sampled_from([0, 2**11]))
def test_the_tally_is_what_a_loop_over_respondents_counts(
    matrix: ScoreMatrix, screen: bool, chunk: int, many: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("analysis.tally.CHUNK", chunk)
        patch.setattr("analysis.tally.MANY", many)
        assert summarise(matrix, screen=screen) == naive_tally(matrix, screen)


@pytest.mark.parametrize("items", [13, 40, 70])
def test_long_scales_too(items: int) -> None:
    rng = np.random.default_rng(items)
    layout = Layout(tuple(f"Q{j}" for j in range(items)), 7, ("D",), (), (0,) * items, (), "expectation")
    ratings = rng.integers(1, 8, (3, 60, items)).astype(np.uint8)
    ratings[:2, ::2, :6][rng.random((2, 30, 6)) < 0.5] = NOT_APPLICABLE
    outcome = rng.integers(0, 8, 60).astype(np.uint8)
    matrix = ScoreMatrix(layout, ratings[0], ratings[1], importance=ratings[2], outcome=outcome)
    assert summarise(matrix) == naive_tally(matrix)


@pytest.mark.parametrize("form", ["perception", "two_column", "three_column"])
def test_many_customers_of_a_bank(customers: Any, form: str) -> None:
    # So many that several items are counted in one pass.
    matrix = customers(2**11, format=form, missing=0.05)
    assert summarise(matrix) == naive_tally(matrix)
