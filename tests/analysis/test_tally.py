"""The tally: exact, additive, and equal to a plain computation from respondents' scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.frequencies import Frequencies
from analysis.matrix import Layout, ScoreMatrix, rated
from analysis.rows import CHUNK
from analysis.scores import scores
from analysis.tally import Tally, summarise
from surveys.codes import NOT_ASKED


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), parts=st.integers(2, 5), kind=st.sampled_from(["two_column", "three_column"]))
def test_shuffled_parts_add_up_to_the_whole(customers: Any, seed: int, parts: int, kind: str) -> None:
    matrix = customers(60, seed, kind, 0.3)
    rng = np.random.default_rng(seed)
    part = rng.integers(0, parts, matrix.n)
    tallies = [summarise(matrix.rows(np.flatnonzero(part == one))) for one in rng.permutation(parts)]
    total = tallies[0]
    for one in tallies[1:]:
        total = one + total
    assert total == summarise(matrix)


def test_tally_of_nobody_changes_nothing(customers: Any) -> None:
    matrix = customers(40)
    whole, nobody = summarise(matrix), summarise(matrix.rows(slice(0, 0)))
    assert whole + nobody == whole == nobody + whole
    assert nobody != whole


def test_chunks_do_not_change_the_tally(customers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = customers(300, missing=0.2)
    whole = summarise(matrix)
    monkeypatch.setattr("analysis.tally.CHUNK", 7)
    assert summarise(matrix) == whole
    assert CHUNK * 144 < 2**24  # products of item answers stay exact in 32-bit floats


def test_tallies_of_two_questionnaires_do_not_add(customers: Any) -> None:
    with pytest.raises(ValueError, match="same questionnaire"):
        summarise(customers(5)) + summarise(customers(5, format="three_column"))


def test_a_code_off_the_scale_is_refused(customers: Any) -> None:
    matrix = customers(5)
    matrix.perception[3, 2] = 8
    with pytest.raises(ValueError, match="perception of item Q03 holds the code 8; allowed are 0 to 7"):
        summarise(matrix)


def agree(found: Frequencies, plain: Any) -> None:
    kept = plain[~np.isnan(plain)]
    assert found.n == kept.size
    if kept.size > 1:
        assert found.mean() == pytest.approx(kept.mean(), rel=1e-12, abs=1e-12)
        assert found.sd() == pytest.approx(kept.std(ddof=1), rel=1e-10, abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), missing=st.floats(0, 0.5), kind=st.sampled_from(["two_column", "three_column"]))
def test_composites_equal_the_scores_of_respondents(customers: Any, seed: int, missing: float, kind: str) -> None:
    matrix = customers(80, seed, kind, missing)
    matrix.perception[:20, 3:9] = NOT_ASKED
    tally = summarise(matrix)
    for contrast in tally.pairs:
        plain = scores(matrix, contrast=contrast)
        by_level = {"cell": plain.cells, "dimension": plain.dimensions, "stage": plain.stages}
        for part in tally.plan.composites[:-1]:
            agree(tally.composite(contrast, part), by_level[part.level][part.id])
        agree(tally.composite(contrast, tally.plan.composites[-1]), plain.all_items)
        agree(tally.overall_scores(contrast), plain.unweighted)
        weighted = plain.weighted[~np.isnan(plain.weighted)]
        assert tally.weighted[contrast].n == weighted.size
        if weighted.size > 1:
            assert tally.weighted[contrast].mean() == pytest.approx(weighted.mean(), abs=1e-10)
            assert tally.weighted[contrast].variance() == pytest.approx(weighted.var(ddof=1), rel=1e-8)
    agree(tally.composite("perception", tally.plan.composites[-1]), scores(matrix).servperf)


def test_shortfall_counts_equal_a_loop_over_customers(customers: Any) -> None:
    matrix = customers(60, missing=0.3)
    tally, kept = summarise(matrix), scores(matrix).in_composites
    for row, items in enumerate(matrix.layout.cell_items.values()):
        u, v, met = [], [], 0
        for i in range(matrix.n):
            p, e = matrix.perception[i, list(items)], matrix.reference[i, list(items)]
            met += bool(rated(p).any())
            pairs = [max(0, int(b) - int(a)) for a, b in zip(p, e, strict=True) if 1 <= a <= 7 and 1 <= b <= 7]
            if pairs and kept[i]:
                u.append(sum(pairs) / len(pairs))
                v.append(u[-1])
            elif not rated(p).any() and (p == 255).any() and kept[i]:
                v.append(0.0)
        unit = tally.plan.cell_unit
        rated_count, _, n, short, total, squares = tally.shortfall[row].tolist()
        assert (rated_count, n, short) == (met, len(u), sum(one > 0 for one in u))
        assert (total / unit, squares / unit**2) == pytest.approx((sum(u), sum(one * one for one in u)))
        assert tally.loss is not None and tally.loss.n[row, row] == len(v)
        assert tally.loss.covariance()[row, row] / unit**2 == pytest.approx(np.var(v, ddof=1))


@pytest.mark.reference
def test_batches_of_the_worked_example_merge_to_its_table(reference: Any) -> None:
    inputs, expected = reference.example("W19")
    whole, first, second = (table_tally(inputs[name]) for name in ("table_rows_are_E", "batch1", "batch2"))
    assert first + second == whole == second + first
    differences = whole.item_differences("gap", 0)
    assert (differences.n, float(differences.values @ differences.counts)) == (expected["n"], expected["sum_d"])
    assert differences.values**2 @ differences.counts == expected["sum_d2"]
    assert differences.variance() == pytest.approx(expected["var_gap"], rel=1e-12)
    histogram = zip(differences.values, differences.counts, strict=True)
    assert {f"{value:.0f}": int(count) for value, count in histogram} == expected["difference_histogram"]
    assert differences.count(differences.values <= -2) == expected["n_defective_2pt"]


def table_tally(table: list[list[int]]) -> Tally:
    pairs = [(e + 1, p + 1) for e, row in enumerate(table) for p, count in enumerate(row) for _ in range(count)]
    both = np.array(pairs, np.uint8)
    layout = Layout(("Q",), 7, ("D",), (), (0,), (), "expectation")
    return summarise(ScoreMatrix(layout, both[:, 1:], both[:, :1]))


def test_long_scales_are_counted_in_fixed_units() -> None:
    layout = Layout(tuple(f"Q{j}" for j in range(40)), 7, ("D",), (), (0,) * 40, (), "expectation")
    rng = np.random.default_rng(3)
    ratings = rng.integers(1, 8, (2, 50, 40)).astype(np.uint8)
    ratings[0, :, :7][rng.random((50, 7)) < 0.5] = 255
    matrix = ScoreMatrix(layout, ratings[0], ratings[1])
    tally, plain = summarise(matrix), scores(matrix)
    assert tally.plan.dimension_unit == 2**40
    assert tally.overall_scores("gap").mean() == pytest.approx(plain.unweighted.mean(), abs=1e-11)
