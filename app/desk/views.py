"""Which parts of the answers may be looked at.

For a floor of at least ten people:

* a part is shown from the floor upwards;
* what is left when a part is taken from the whole, or from a part that contains it, is nobody or at least the floor;
* of two filters together all four parts (both, one, the other, neither) are nobody or at least the floor;
* a filtered view takes new answers in only when it has grown by the floor, so that two looks at it differ by a group.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from analysis.disclosure import may_show

Part = tuple[str, str]
"""One option of one filter: (trait, value)."""
Rows = NDArray[np.bool_]
Places = NDArray[np.int32]


@dataclass(frozen=True)
class Trait:
    """Something answers can be filtered by: a code a row, and the values the codes stand for (-1: none)."""

    id: str
    values: tuple[str, ...]
    codes: NDArray[np.int16]


class Views:
    """Which parts of the answers may be looked at, and their rows.

    Rows are kept in the order in which they were released, so that a part up to a release is the head of a list.
    """

    def __init__(self, traits: tuple[Trait, ...], release: NDArray[np.int32], floor: int):
        self.traits, self.floor = traits, floor
        self._n = len(release)
        self._order = np.argsort(release, kind="stable").astype(np.int32)
        self._entered = release[self._order]
        self._by_id = {trait.id: trait for trait in traits}
        self._split: dict[tuple[Part | None, str], list[Places]] = {}
        self._until: dict[tuple[Part, ...], int] = {}
        self._nested = nested_parts(traits, floor)

    def rows(self, parts: list[Part]) -> Rows:
        """The rows shown for a choice of parts: all together, up to the release at which it last grew enough."""
        if not parts:
            return np.ones(self._n, dtype=bool)
        rows = np.zeros(self._n, dtype=bool)
        rows[self._order[self._places(parts)[: self.number(parts)]]] = True
        return rows

    def number(self, parts: list[Part]) -> int:
        """How many rows are shown for a choice of parts."""
        return self._up_to(self._places(parts), self._last(parts)) if parts else self._n

    def sizes(self, trait: str, others: list[Part]) -> list[int]:
        """Rows without a value of the trait, then those of each value, within what is shown of at most one part."""
        until = self._last(others)
        return [self._up_to(places, until) for places in self._parts_of(trait, others[0] if others else None)]

    def allowed(self, parts: list[Part]) -> bool:
        """Whether a choice of one or two parts may be shown."""
        if any(part in self._nested for part in parts):
            return False
        n, shown = self._n, self.number(parts)
        if len(parts) == 1:
            return self._group(shown, least=True) and may_show(shown, n, self.floor)
        one, other, both = (len(self._places(chosen)) for chosen in (parts[:1], parts[1:], parts))
        fourfold = (both, one - both, other - both, n - one - other + both)
        return self._group(shown, least=True) and all(map(self._group, fourfold))

    def _group(self, number: int, least: bool = False) -> bool:
        return number >= self.floor or (number == 0 and not least)

    def _parts_of(self, trait: str, within: Part | None) -> list[Places]:
        """Places of the rows without a value of the trait, then of each value, among all rows or those of a part."""
        if (within, trait) not in self._split:
            own = self._by_id[trait]
            inside = None if within is None else self._places([within])
            codes = own.codes[self._order if inside is None else self._order[inside]]
            order = np.argsort(codes, kind="stable")
            ends = np.searchsorted(codes[order], np.arange(-1, len(own.values)), side="right")
            places = np.split(order.astype(np.int32), ends[:-1])
            self._split[within, trait] = places if inside is None else [inside[one] for one in places]
        return self._split[within, trait]

    def _places(self, parts: list[Part]) -> Places:
        """Places, in the order of release, of the rows that one or two parts have in common, new ones included."""
        (trait, value), *first = reversed(parts)
        return self._parts_of(trait, first[0] if first else None)[self._by_id[trait].values.index(value) + 1]

    def _up_to(self, places: Places, until: int) -> int:
        return int(np.searchsorted(self._entered[places], until, side="right"))

    def _last(self, parts: list[Part]) -> int:
        """The release up to which a choice of parts is shown."""
        if not parts:
            return int(self._entered[-1]) if self._n else 0
        # A pair of filters may not be ahead of either of them, or their difference would be the newcomers.
        together = [parts, *([part] for part in parts)] if len(parts) > 1 else [parts]
        return min(self._settled(chosen) for chosen in together)

    def _settled(self, parts: list[Part]) -> int:
        """The last release at which parts had grown by the floor since they were renewed; 0 when they never had."""
        key = tuple(parts)
        if key not in self._until:
            releases, counts = np.unique(self._entered[self._places(parts)], return_counts=True)
            grown = np.cumsum(counts)
            following = np.searchsorted(grown, grown + self.floor).tolist()
            at = int(np.searchsorted(grown, self.floor))
            until = -1
            while at < len(grown):
                until, at = at, following[at]
            self._until[key] = int(releases[until]) if until >= 0 else 0
        return self._until[key]


def nested_parts(traits: tuple[Trait, ...], floor: int) -> frozenset[Part]:
    """Parts of one filter that would give a small group away beside a part of another filter.

    One contains the other and leaves a small rest, or the two share nobody and leave a small rest of the whole: then
    the rest follows by subtraction, and the smaller of the two is not shown.
    """
    hidden: set[Part] = set()
    for first, second in combinations(traits, 2):
        width = len(second.values) + 1
        table = np.bincount((first.codes + 1) * width + second.codes + 1, minlength=(len(first.values) + 1) * width)
        table = table.reshape(-1, width)
        rows, columns, n = table.sum(axis=1), table.sum(axis=0), int(table.sum())
        for a, b in product(range(1, len(rows)), range(1, len(columns))):
            both = int(table[a, b])
            alone = (int(rows[a]) - both, int(columns[b]) - both)
            rest = max(alone) if min(alone) == 0 else (n - sum(alone) if both == 0 else 0)
            if 0 < rest < floor and min(rows[a], columns[b]) >= floor:
                smaller = (
                    (first.id, first.values[a - 1]) if rows[a] <= columns[b] else (second.id, second.values[b - 1])
                )
                hidden.add(smaller)
    return frozenset(hidden)
