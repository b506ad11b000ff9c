"""Steps of the form as they are reached: counted in memory, written together every few moments.

A customer waits for no counter.  What a crash takes away are the counts of its last two seconds, never an answer.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable

from surveys.store.fieldwork import Step


class Steps:
    """Counts since they were last taken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[Step] = Counter()

    def count(self, survey_id: int, way: str, steps: Iterable[int]) -> None:
        """Each of these steps was reached once more."""
        with self._lock:
            for step in steps:
                self._counts[survey_id, way, step] += 1

    def take(self) -> dict[Step, int]:
        """What was counted, to be written now."""
        with self._lock:
            found, self._counts = dict(self._counts), Counter()
        return found

    def put_back(self, counted: dict[Step, int]) -> None:
        """What could not be written is kept for the next time."""
        with self._lock:
            self._counts.update(counted)
