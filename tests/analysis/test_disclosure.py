"""What may be shown: no number about few people, none that follows by subtraction."""

from __future__ import annotations

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


@given(st.integers(0, 100), st.integers(0, 100), st.integers(5, 30))
def test_a_view_and_its_rest_must_both_be_large_enough(view: int, rest: int, floor: int) -> None:
    assert may_show(view, view + rest, floor) == (view >= floor and (rest == 0 or rest >= floor))
