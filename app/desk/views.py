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


@dataclass(frozen=True)
class Trait:
    """Something answers can be filtered by: a code a row, and the values the codes stand for (-1: none)."""

    id: str
    values: tuple[str, ...]
    codes: NDArray[np.int16]


class Views:
    """Which parts of the answers may be looked at, and their rows."""

    def __init__(self, traits: tuple[Trait, ...], release: NDArray[np.int32], floor: int):
        self.traits, self.floor = traits, floor
        self._release, self._n = release, len(release)
        self._by_id = {trait.id: trait for trait in traits}
        self._nested = nested_parts(traits, floor)

    def mask(self, part: Part) -> Rows:
        """All rows of one part, new ones included."""
        trait = self._by_id[part[0]]
        mask: Rows = trait.codes == trait.values.index(part[1])
        return mask

    def rows(self, parts: list[Part]) -> Rows:
        """The rows shown for a choice of parts: all together, up to the release at which it last grew enough."""
        rows = np.ones(self._n, dtype=bool)
        masks = [self.mask(part) for part in parts]
        for mask in masks:
            rows &= mask
        if not parts:
            return rows
        # A pair of filters may not be ahead of either of them, or their difference would be the newcomers.
        together = [rows, *masks] if len(masks) > 1 else [rows]
        until = min(self._settled(mask) for mask in together)
        return rows & (self._release <= until)

    def _settled(self, mask: Rows) -> int:
        """The last release at which a part had grown by the floor since it was last renewed; 0 when it never had."""
        release = self._release
        counts = np.cumsum(np.bincount(release[mask], minlength=1)) if mask.any() else np.zeros(1, dtype=np.int64)
        shown, until = 0, 0
        while (at := int(np.searchsorted(counts, shown + self.floor))) < len(counts):
            shown, until = int(counts[at]), at
        return until

    def allowed(self, parts: list[Part]) -> bool:
        """Whether a choice of one or two parts may be shown."""
        if any(part in self._nested for part in parts):
            return False
        rows, n = self.rows(parts), self._n
        if len(parts) == 1:
            return self._group(int(rows.sum()), least=True) and may_show(int(rows.sum()), n, self.floor)
        one, other = (self.mask(part) for part in parts)
        fourfold = [(one & other).sum(), (one & ~other).sum(), (other & ~one).sum(), (~one & ~other).sum()]
        return self._group(int(rows.sum()), least=True) and all(self._group(int(number)) for number in fourfold)

    def _group(self, number: int, least: bool = False) -> bool:
        return number >= self.floor or (number == 0 and not least)


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
