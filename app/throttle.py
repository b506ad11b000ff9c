"""Failed tries, and the pause that follows some of them."""

from __future__ import annotations

import threading
import time

TRIES = 5
WAIT_SECONDS = 60.0


class Throttle:
    """Failed tries by name and address, in memory only: after some, a pause."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: dict[str, tuple[int, float]] = {}

    def paused(self, key: str) -> bool:
        """Whether this key must wait."""
        with self._lock:
            number, last = self._failures.get(key, (0, 0.0))
            return number >= TRIES and time.monotonic() - last < WAIT_SECONDS

    def failed(self, key: str) -> None:
        """Note a failed try."""
        with self._lock:
            now = time.monotonic()
            if len(self._failures) > 10_000:
                self._failures = {k: v for k, v in self._failures.items() if now - v[1] < WAIT_SECONDS}
            number, last = self._failures.get(key, (0, now))
            self._failures[key] = (number + 1 if now - last < WAIT_SECONDS else 1, now)

    def succeeded(self, key: str) -> None:
        """Forget the failures of a key."""
        with self._lock:
            self._failures.pop(key, None)
