"""Which numbers may be shown: none about few people, and none that lets another be computed."""

from __future__ import annotations

from collections.abc import Mapping

from analysis.matrix import Layout


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
    """Cells of the stage x dimension map to hide: the rule of `complementary` in every row and column.

    A cell hidden for its row counts as hidden in its column, and the other way round, until nothing changes.  A cell
    without answers counts as one with few: to say that nobody answered would tell something about each customer.
    """
    hidden = frozenset(cell for cell, n in n_by_cell.items() if n < floor)
    lines = _lines(layout)
    while True:
        found = hidden
        for line in lines:
            found |= _completed({cell: n_by_cell[cell] for cell in line}, found, floor)
        if found == hidden:
            return hidden
        hidden = found


def hidden_items(layout: Layout, n_by_item: Mapping[str, int], cells: frozenset[str], floor: int) -> frozenset[str]:
    """Items to hide: all of a hidden cell, and within each other cell those of `complementary`."""
    hidden: set[str] = set()
    for cell, places in layout.cell_items.items():
        names = [layout.items[j] for j in places]
        counts = {name: n_by_item[name] for name in names}
        hidden |= set(names) if cell in cells else complementary(counts, floor)
    return frozenset(hidden)


def hidden_totals(layout: Layout, n_by_total: Mapping[str, int], cells: frozenset[str], floor: int) -> frozenset[str]:
    """Dimensions (or stages) to hide among all of them, of which the overall figure is the total.

    Hidden are those below the floor, those that consist of one hidden cell and so equal it, and then as many more as
    keep a single hidden one from being had by subtraction.
    """
    made_of: dict[str, list[str]] = {name: [] for name in n_by_total}
    for cell in layout.cells:
        for name in layout.place(cell):
            if name in made_of:
                made_of[name].append(cell)
    hidden = frozenset(
        name for name, n in n_by_total.items() if n < floor or (len(made_of[name]) == 1 and made_of[name][0] in cells)
    )
    return hidden | _completed(n_by_total, hidden, floor)


def may_show(n_view: int, n_parent: int, floor: int) -> bool:
    """Whether a filtered view may be shown beside the view it is part of.

    It must hold enough people, and so must those whom the filter leaves out: otherwise the two views, subtracted, tell
    about those few.
    """
    rest = n_parent - n_view
    return n_view >= floor and (rest == 0 or rest >= floor)


def _lines(layout: Layout) -> list[tuple[str, ...]]:
    """Cells of each row and column of the map; without stages the cells are the parts of one whole."""
    if not layout.stages:
        return [layout.cells]
    places = {cell: layout.place(cell) for cell in layout.cells}
    rows = [tuple(cell for cell in layout.cells if places[cell][0] == stage) for stage in layout.stages]
    columns = [tuple(cell for cell in layout.cells if places[cell][1] == name) for name in layout.dimensions]
    return [line for line in (*rows, *columns) if line]


def _completed(counts: Mapping[str, int], hidden: frozenset[str], floor: int) -> frozenset[str]:
    """More cells of one line to hide, given those that are hidden already."""
    inside = [cell for cell in counts if cell in hidden]
    rest = sorted((cell for cell in counts if cell not in hidden), key=lambda cell: (counts[cell], cell))
    added: list[str] = []
    while inside and rest and (len(inside) + len(added) == 1 or sum(counts[c] for c in (*inside, *added)) < floor):
        added.append(rest.pop(0))
    return frozenset(added)
