"""What is derived from released answers: keyed by survey and revision, safe to drop at any time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar

Value = TypeVar("Value")


Key = tuple[str, int | None, int, *tuple[Hashable, ...]]
"""What it is, the survey, its revision, and what else tells results apart."""


class Cache:
    """The most recently used results, at most `size` of them; each is computed by one thread at a time."""

    def __init__(self, size: int = 64):
        self._size = size
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, object] = OrderedDict()
        self._making: dict[Key, threading.Lock] = {}

    def renew(self, survey: int | None, revision: int) -> None:
        """Drop what was derived from a survey's earlier releases: nobody asks for it again, and it may be large."""
        with self._lock:
            for key in [key for key in self._kept if key[1] == survey and key[2] < revision]:
                del self._kept[key]

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """The result of that key, made when it is not there."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]  # type: ignore[return-value]
            turn = self._making.setdefault(key, threading.Lock())
        with turn:
            with self._lock:
                if key in self._kept:
                    return self._kept[key]  # type: ignore[return-value]
            value = make()
            with self._lock:
                self._kept[key] = value
                self._making.pop(key, None)
                while len(self._kept) > self._size:
                    self._kept.popitem(last=False)
            return value
