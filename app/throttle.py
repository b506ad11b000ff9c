"""Tries to sign in: counted before they are checked, and a pause after too many."""

from __future__ import annotations

import hashlib
import threading
import time

TRIES = 5
WAIT_SECONDS = 60.0
MOST_KEYS = 10_000


class Throttle:
    """Tries by name and by address, in memory only.

    A try is counted when it begins, so that many at once cannot all slip through before the first has failed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tries: dict[str, tuple[int, float]] = {}

    def begin(self, *keys: str) -> bool:
        """Count a try for all keys; False when one of them has to wait (then nothing is counted)."""
        now = time.monotonic()
        hashed = [self._hash(key) for key in keys]
        with self._lock:
            if len(self._tries) > MOST_KEYS:
                self._tries = {k: v for k, v in self._tries.items() if now - v[1] < WAIT_SECONDS}
            counts = [self._count(key, now) for key in hashed]
            if any(count >= TRIES for count in counts):
                return False
            for key, count in zip(hashed, counts, strict=True):
                self._tries[key] = (count + 1, now)
            return True

    def succeeded(self, *keys: str) -> None:
        """Forget the tries of these keys."""
        with self._lock:
            for key in keys:
                self._tries.pop(self._hash(key), None)

    def _count(self, key: str, now: float) -> int:
        number, last = self._tries.get(key, (0, now))
        return number if now - last < WAIT_SECONDS else 0

    @staticmethod
    def _hash(key: str) -> str:
        return hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=16).hexdigest()
