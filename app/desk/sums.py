"""Tallies of what the officer looks at, kept while a survey stands at one revision.

A filter on very many answers would have to sum half of them up anew.  Every single option of a filter is therefore
summed up ahead, in the background, as soon as somebody looks at such a survey.
"""

from __future__ import annotations

import threading
import time
import weakref

from analysis.tally import Tally, summarise
from app.desk.holdings import holdings_of
from app.desk.selection import Holdings
from app.requests import Desk
from surveys.tables import Survey

AHEAD_FROM = 100_000
"""Answers from which filters are summed up ahead: fewer are summed up while the officer blinks."""

Key = tuple[tuple[str, str], ...]


class Sums:
    """The tally of each choice of filters."""

    def __init__(self, holdings: Holdings):
        self.holdings = holdings
        self._kept: dict[Key, Tally] = {}

    def of(self, chosen: dict[str, str]) -> Tally:
        """The tally of the answers shown for a choice of filters."""
        key = tuple(sorted(chosen.items()))
        if key not in self._kept:
            matrix = self.holdings.matrix
            assert matrix is not None, "a report needs items"
            rows = self.holdings.views.rows(list(chosen.items()))
            self._kept[key] = summarise(matrix if rows.all() else matrix.rows(rows))
        return self._kept[key]

    def ahead(self) -> list[dict[str, str]]:
        """Single options that may be shown and are not summed up yet."""
        views = self.holdings.views
        parts = [(trait.id, value) for trait in views.traits for value in trait.values]
        return [dict([part]) for part in parts if (part,) not in self._kept and views.allowed([part])]


def sums_of(desk: Desk, survey: Survey) -> Sums:
    """The tallies of a survey at its present revision."""

    def begin() -> Sums:
        sums = Sums(holdings_of(desk, survey))
        if sums.holdings.released.n >= AHEAD_FROM and sums.holdings.matrix is not None:
            threading.Thread(target=_look_ahead, args=(weakref.ref(sums),), name="sums", daemon=True).start()
        return sums

    return desk.cache.get(("sums", survey.id, survey.revision), begin)


def _look_ahead(held: weakref.ref[Sums]) -> None:
    """Sum up one option after the other at half speed, until all are there or nobody needs them any more."""
    while (sums := held()) is not None and (left := sums.ahead()):
        begun = time.monotonic()
        sums.of({}) if () not in sums._kept else sums.of(left[0])
        del sums  # or the tallies of an earlier revision would be kept for this thread alone
        time.sleep(time.monotonic() - begun)
