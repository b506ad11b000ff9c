"""What the benchmarks share: a child process with what it used, and a table on standard output."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUT = Path(__file__).parent / "out"
# As after an ordinary installation: modules are compiled once and kept, whatever the caller's shell says.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
    "PYTHONPYCACHEPREFIX": str(OUT / "compiled")
}


@dataclass(frozen=True)
class Used:
    """What one process took, from its start to its end."""

    wall: float  # seconds
    cpu: float  # seconds of all its threads
    peak: float  # MB resident

    def told(self) -> tuple[str, str, str]:
        """As cells of a table."""
        return f"{self.wall:.2f} s", f"{self.cpu:.2f} s", f"{self.peak:.0f} MB"


def run(*command: str) -> Used:
    """Run a fresh process of this Python to its end.

    The caller should itself be small: a child's peak is never less than that of the process it was forked from.
    """
    begun = time.perf_counter()
    child = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command[:3])} ended with {child.returncode}")
    return Used(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def show(*rows: Sequence[object]) -> None:
    """Print rows as columns of even width; the first row is the head."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[place]) for row in texts) for place in range(len(texts[0]))]
    for number, row in enumerate(texts):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print("  ".join(cells), flush=True)
        if number == 0:
            print("  ".join("-" * width for width in widths), flush=True)
