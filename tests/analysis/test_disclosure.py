"""What may be shown: no number about few people, none that follows by subtraction."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analysis.disclosure import complementary, hidden_cells, hidden_items, hidden_totals, may_show
from analysis.matrix import Layout

COUNTS = st.dictionaries(st.text("abcdefgh", min_size=1, max_size=2), st.integers(0, 60), min_size=1, max_size=12)


@given(COUNTS, st.integers(5, 30))
def test_hidden_parts_cannot_be_had_by_subtraction(counts: dict[str, int], floor: int) -> None:
    hidden = complementary(counts, floor)
    assert all(part in hidden for part, n in counts.items() if n < floor)
    if hidden and hidden != set(counts):
        assert len(hidden) >= 2
        assert sum(counts[part] for part in hidden) >= floor


@given(COUNTS, st.integers(5, 30))
def test_nothing_is_hidden_without_need(counts: dict[str, int], floor: int) -> None:
    hidden = complementary(counts, floor)
    if all(n >= floor for n in counts.values()):
        assert not hidden
    shown = [n for part, n in counts.items() if part not in hidden]
    assert not hidden or not shown or max(counts[part] for part in hidden) <= min(shown)


def test_one_small_part_takes_the_next_smallest_along() -> None:
    assert complementary({"a": 9, "b": 30, "c": 12, "d": 50}, 10) == {"a", "c"}
    assert complementary({"a": 1, "b": 2, "c": 12, "d": 50}, 10) == {"a", "b", "c"}
    assert complementary({"a": 9, "b": 9, "c": 12}, 10) == {"a", "b"}
    assert complementary({"a": 3}, 10) == {"a"}


def map_of(stages: int, dimensions: int) -> Layout:
    cells = [(s, d) for s in range(stages) for d in range(dimensions)]
    return Layout(
        tuple(f"q{j}" for j in range(len(cells))), 7, tuple(f"d{d}" for d in range(dimensions)),
        tuple(f"s{s}" for s in range(stages)), tuple(d for _, d in cells), tuple(s for s, _ in cells), "expectation",
    )  # fmt: skip


@given(st.lists(st.integers(0, 80), min_size=15, max_size=15), st.integers(5, 30))
def test_no_row_or_column_of_the_map_gives_a_hidden_cell_away(numbers: list[int], floor: int) -> None:
    layout = map_of(3, 5)
    counts = dict(zip(layout.cells, numbers, strict=True))
    hidden = hidden_cells(layout, counts, floor)
    assert {cell for cell, n in counts.items() if n < floor} <= hidden
    for name in (*layout.stages, *layout.dimensions):
        line = [cell for cell in layout.cells if name in cell.split(".")]
        inside = [cell for cell in line if cell in hidden]
        if inside and len(inside) < len(line):
            assert len(inside) >= 2 and sum(counts[cell] for cell in inside) >= floor
    assert hidden_cells(layout, counts, floor) == hidden


def sparse(cells: list[tuple[int, int]]) -> Layout:
    """A map that holds these (stage, dimension) cells, an item each."""
    stages, dimensions = (tuple(f"{letter}{j}" for j in range(5)) for letter in "sd")
    places = sorted(cells)
    return Layout(
        tuple(f"q{j}" for j in range(len(cells))), 7, dimensions, stages, tuple(d for _, d in places),
        tuple(s for s, _ in places), "expectation",
    )  # fmt: skip


def all_hidden(layout: Layout, counts: dict[str, int], floor: int, extra: int = 0) -> tuple[Any, Any]:
    """Hidden cells and totals, and the cells of each stage and dimension; totals of `extra` more than their largest."""
    lines = [{name: [cell for cell in layout.cells if name in cell.split(".")] for name in names}
             for names in (layout.dimensions, layout.stages)]  # fmt: skip
    lines = [{name: line for name, line in direction.items() if line} for direction in lines]
    n = [{name: max(counts[cell] for cell in line) + extra for name, line in part.items()} for part in lines]
    cells = hidden_cells(layout, counts, floor)
    dimensions = hidden_totals(layout, n[0], cells, floor)
    stages = hidden_totals(layout, n[1], cells, floor, dimensions)
    return (cells, dimensions | stages), (lines[0] | lines[1], n[0] | n[1])


GRID = st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2)


@given(GRID, st.lists(st.integers(0, 40), min_size=25, max_size=25), st.integers(5, 30), st.integers(0, 20))
def test_no_hidden_cell_follows_from_all_shown_totals(places: Any, numbers: Any, floor: int, extra: int) -> None:
    layout = sparse(list(places))
    counts = dict(zip(layout.cells, numbers, strict=False))
    (cells, totals), (lines, _) = all_hidden(layout, counts, floor, extra)
    assert {cell for cell, n in counts.items() if n < floor} <= cells
    shown = [layout.cells, *(line for name, line in lines.items() if name not in totals)]
    equations = np.array([[cell in line for cell in sorted(cells)] for line in shown], float)
    for one in np.eye(len(cells)):
        assert np.linalg.matrix_rank(np.vstack([equations, one])) > np.linalg.matrix_rank(equations)


@given(GRID, st.lists(st.integers(0, 40), min_size=25, max_size=25), st.integers(5, 30), st.integers(0, 20))
def test_no_total_is_hidden_whose_cells_are_all_shown(places: Any, numbers: Any, floor: int, extra: int) -> None:
    layout = sparse(list(places))
    (cells, totals), (lines, n) = all_hidden(layout, dict(zip(layout.cells, numbers, strict=False)), floor, extra)
    for name in totals:
        assert n[name] < floor or not cells.isdisjoint(lines[name])


def test_the_only_link_between_two_groups_of_hidden_cells_gets_company() -> None:
    # Rows 0 and 1 hide columns 0 and 1, rows 2 and 3 hide 2 and 3; s1.d2 links them and would follow from the totals.
    layout = map_of(4, 4)
    small = {f"s{s}.d{d}" for s, d in [(0, 0), (0, 1), (1, 0), (1, 1), (2, 2), (2, 3), (3, 2), (3, 3), (1, 2)]}
    counts = {cell: 6 if cell in small else 50 + place for place, cell in enumerate(layout.cells)}
    (cells, totals), _ = all_hidden(layout, counts, 10)
    assert cells == small | {"s0.d2"} and not totals


def test_cells_without_stages_are_parts_of_one_whole() -> None:
    layout = Layout(("a", "b", "c"), 7, ("x", "y", "z"), (), (0, 1, 2), (), "expectation")
    assert hidden_cells(layout, {"x": 3, "y": 40, "z": 50}, 10) == {"x", "y"}


def test_items_follow_their_cell_and_hide_in_pairs() -> None:
    layout = Layout(tuple("abcde"), 7, ("x", "y"), (), (0, 0, 1, 1, 1), (), "expectation")
    counts = {"a": 40, "b": 40, "c": 4, "d": 40, "e": 50}
    assert hidden_items(layout, counts, frozenset("x"), 10) == {"a", "b", "c", "d"}


def test_a_dimension_that_is_one_hidden_cell_is_hidden_too() -> None:
    layout = Layout(("a", "b", "c"), 7, ("x", "y"), ("s", "t"), (0, 1, 1), (0, 0, 1), "expectation")
    assert hidden_totals(layout, {"x": 20, "y": 30}, frozenset({"s.x", "s.y"}), 10) == {"x", "y"}
    assert hidden_totals(layout, {"x": 20, "y": 30}, frozenset(), 10) == frozenset()


def test_a_dimension_whose_cells_are_all_shown_is_not_hidden_for_another() -> None:
    layout = Layout(tuple("abcde"), 7, ("x", "y", "z"), ("s", "t"), (0, 1, 1, 2, 2), (0, 0, 1, 0, 1), "expectation")
    counts = {"x": 20, "y": 40, "z": 30}
    assert hidden_totals(layout, counts, frozenset({"s.x", "s.y", "t.y"}), 10) == {"x", "y"}


@given(st.integers(0, 100), st.integers(0, 100), st.integers(5, 30))
def test_a_view_and_its_rest_must_both_be_large_enough(view: int, rest: int, floor: int) -> None:
    assert may_show(view, view + rest, floor) == (view >= floor and (rest == 0 or rest >= floor))
