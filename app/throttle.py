"""What is counted in memory only: tries to sign in, and answers by the network they come from."""

from __future__ import annotations

import hashlib
import ipaddress
import threading
import time
from collections import deque

TRIES = 5
WAIT_SECONDS = 60.0
MOST_KEYS = 10_000
WINDOW = 60.0
MOST_NETWORKS = 50_000
MOST_COUNTED = 1000


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


class Arrivals:
    """When answers came from which network in the last minute."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: dict[str, deque[float]] = {}

    def count(self, address: str) -> int:
        """One more from the network of this address; how many came within the last minute, this one included."""
        network = network_of(address)
        if not network:
            return 0
        now = time.monotonic()
        with self._lock:
            if len(self._times) > MOST_NETWORKS:
                self._times = {name: times for name, times in self._times.items() if now - times[-1] < WINDOW}
            times = self._times.setdefault(network, deque(maxlen=MOST_COUNTED))
            while times and now - times[0] > WINDOW:
                times.popleft()
            times.append(now)
            return len(times)


def network_of(address: str) -> str:
    """The network that an address belongs to: all of a household or a branch; "" for this computer itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if found.is_loopback:
        return ""
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 48), strict=False))
