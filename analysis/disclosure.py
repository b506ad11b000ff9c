"""Which numbers may be shown: none about few people, and none that lets another be computed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from analysis.matrix import Layout

Lines = Sequence[Collection[str]]
"""Sets of cells whose totals are known."""


def complementary(counts: Mapping[str, int], floor: int) -> frozenset[str]:
    """Parts of one known total to hide, so that no hidden part can be had by subtraction.

    All parts below the floor are hidden.  When only one would be hidden, or the hidden parts together stand for fewer
    people than the floor, the next smallest is hidden too (ties by id), until neither holds or nothing is left.

    Parameters
    ----------
    counts : part -> number of people
    floor : int
        Fewest people a shown number may be about.
    """
    order = sorted(counts, key=lambda part: (counts[part], part))
    small = sum(counts[part] < floor for part in order)
    if small == 0:
        return frozenset()
    while small < len(order) and (small == 1 or sum(counts[part] for part in order[:small]) < floor):
        small += 1
    return frozenset(order[:small])


def hidden_cells(layout: Layout, n_by_cell: Mapping[str, int], floor: int) -> frozenset[str]:
    """Cells of the stage x dimension map to hide, so that none follows from the totals.

    First the rule of `complementary` in every row, in every column and in the map: a cell hidden for its row counts as
    hidden in its column, and the other way round, until nothing changes.  Where a hidden cell still follows from all
    totals together (the only link between two groups of hidden cells), the smallest cell beside it that ends this is
    hidden too.  Cells that follow whatever is hidden beside them are left to `hidden_totals`.

    A cell without answers counts as one with few: to say that nobody answered would tell something about each customer.
    """
    hidden = _completed_lines(layout, n_by_cell, frozenset(cell for cell, n in n_by_cell.items() if n < floor), floor)
    while (more := _one_more(layout, n_by_cell, hidden, floor)) is not None:
        hidden = _completed_lines(layout, n_by_cell, hidden | {more}, floor)
    return hidden


def _completed_lines(
    layout: Layout, n_by_cell: Mapping[str, int], hidden: frozenset[str], floor: int
) -> frozenset[str]:
    """The rule of `complementary` in every row, in every column and in the map, until nothing changes."""
    rows, columns = _directions(layout)
    while True:
        found = hidden
        for line in (*rows.values(), *columns.values(), layout.cells):
            found |= _completed({cell: n_by_cell[cell] for cell in line}, found, floor)
        if found == hidden:
            return hidden
        hidden = found


def _one_more(layout: Layout, n_by_cell: Mapping[str, int], hidden: frozenset[str], floor: int) -> str | None:
    """The next cell to hide because a hidden one beside it follows from the totals; None when there is no such cell."""
    lines = [line for direction in _directions(layout) for line in direction.values()]

    def follows(cell: str, given: frozenset[str]) -> bool:
        totals = [layout.cells, *(line for direction in _directions(layout) for line in _told(direction, given))]
        return bool(_following(totals, given, [{cell}]))

    for cell in sorted(cell for cell in hidden if follows(cell, hidden)):
        beside = sorted({other for line in lines if cell in line for other in line} - hidden)
        freeing = [
            other for other in beside if not follows(cell, _completed_lines(layout, n_by_cell, hidden | {other}, floor))
        ]
        if beside:
            return min(freeing or beside, key=lambda other: (n_by_cell[other], other))
    return None


def hidden_items(layout: Layout, n_by_item: Mapping[str, int], cells: frozenset[str], floor: int) -> frozenset[str]:
    """Items to hide: all of a hidden cell, and within each other cell those of `complementary`."""
    hidden: set[str] = set()
    for cell, places in layout.cell_items.items():
        names = [layout.items[j] for j in places]
        counts = {name: n_by_item[name] for name in names}
        hidden |= set(names) if cell in cells else complementary(counts, floor)
    return frozenset(hidden)


def hidden_totals(
    layout: Layout,
    n_by_total: Mapping[str, int],
    cells: frozenset[str],
    floor: int,
    across: frozenset[str] | None = None,
) -> frozenset[str]:
    """Dimensions (or stages) to hide among all of them, of which the overall figure is the total.

    Hidden are those below the floor, those that consist of one hidden cell and so equal it, and then as many more of
    those that hold a hidden cell as keep hidden cells and totals below the floor from following from what is shown.
    One whose cells are all shown is not hidden for another's sake, as it can be had from them.

    Parameters
    ----------
    cells : set of ids
        Hidden cells.
    across : set of ids, or None
        The hidden ones of the other direction; None while they are still to be found.
    """
    rows, columns = _directions(layout)
    own, other = (columns, rows) if columns.keys() & n_by_total.keys() else (rows, columns)
    shown = _told(other, cells) if across is None else [line for name, line in other.items() if name not in across]
    small = frozenset(name for name, n in n_by_total.items() if n < floor)
    hidden = small | {name for name in n_by_total if len(own[name]) == 1 and own[name][0] in cells}
    partly = {name: n for name, n in n_by_total.items() if name in hidden or not cells.isdisjoint(own[name])}
    hidden |= _completed(partly, hidden, floor)
    secret = [*({cell} for cell in cells), *(cells.intersection(own[name]) for name in small)]
    for name in sorted(partly.keys() - hidden, key=lambda name: (partly[name], name)):
        told = [line for total, line in own.items() if total not in hidden]
        if not _following([layout.cells, *shown, *told], cells, secret):
            break
        hidden |= {name}
    return hidden


def may_show(n_view: int, n_parent: int, floor: int) -> bool:
    """Whether a filtered view may be shown beside the view it is part of.

    It must hold enough people, and so must those whom the filter leaves out: otherwise the two views, subtracted, tell
    about those few.
    """
    rest = n_parent - n_view
    return n_view >= floor and (rest == 0 or rest >= floor)


def _directions(layout: Layout) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Cells of each stage, and of each dimension; without stages the cells are the parts of one whole."""
    rows: dict[str, list[str]] = {}
    columns: dict[str, list[str]] = {}
    for cell in layout.cells if layout.stages else ():
        stage, dimension = layout.place(cell)
        rows.setdefault(stage or "", []).append(cell)
        columns.setdefault(dimension, []).append(cell)
    return rows, columns


def _told(direction: Mapping[str, list[str]], hidden: frozenset[str]) -> list[list[str]]:
    """Lines of one direction whose totals are taken for shown while it is open which of them are.

    A line of one hidden cell has its total hidden, and `hidden_totals` will hide as many others as that needs.
    """
    alone = any(len(line) == 1 and line[0] in hidden for line in direction.values())
    return [] if alone else list(direction.values())


def _following(totals: Lines, hidden: frozenset[str], sums: Iterable[Collection[str]]) -> list[Collection[str]]:
    """Those sums of hidden cells that follow from the totals: they lie in the row space of the totals' equations."""
    unknown = sorted(hidden)
    if not unknown:
        return []
    equations = np.array([[float(cell in line) for cell in unknown] for line in totals])
    projection = np.linalg.pinv(equations) @ equations
    wanted = [(one, np.array([float(cell in one) for cell in unknown])) for one in sums]
    return [one for one, vector in wanted if vector.any() and np.allclose(projection @ vector, vector, atol=1e-9)]


def _completed(counts: Mapping[str, int], hidden: frozenset[str], floor: int) -> frozenset[str]:
    """More cells of one line to hide, given those that are hidden already."""
    inside = [cell for cell in counts if cell in hidden]
    rest = sorted((cell for cell in counts if cell not in hidden), key=lambda cell: (counts[cell], cell))
    added: list[str] = []
    while inside and rest and (len(inside) + len(added) == 1 or sum(counts[c] for c in (*inside, *added)) < floor):
        added.append(rest.pop(0))
    return frozenset(added)
