"""Agreement with other programs: `agree` checks a number and notes it, and the notes make `docs/agreement.md`.

python -m tests.agreement            run the tests and write the table anew
python -m tests.agreement FOLDER     check the table against the notes of a run that was given this folder
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "docs" / "agreement.md"
FOLDER = "FIVEGAPS_AGREEMENT"

HEAD = """# Agreement with other programs

Written by `python -m tests.agreement` from a run of the tests; every line was checked in that run. Where a line stands
for many numbers, the pair that differs most is printed and the number of pairs given. A difference is within its
tolerance when it is at most `absolute + relative x expected size`. The scripts of the other programs, with what they
gave and their versions, are in `tests/references/`.

| Statistic | Data | Other program | Pairs | Expected | Ours | Difference | Relative | Absolute |
|---|---|---|--:|--:|--:|--:|--:|--:|
"""
LEAD = len(HEAD.splitlines())


def agree(statistic: str, data: str, expected: Any, ours: Any, *, by: str, rel: float = 1e-9, abs: float = 0.0) -> None:
    """Claim that our number, or array of numbers, equals another program's, and note it for the table.

    None and NaN on the expected side must be met by None or NaN; an array must have the expected shape.
    """
    want, got = (np.array(one, dtype=np.float64) for one in (expected, ours))
    where = f"{statistic} on {data} by {by}"
    assert want.shape == got.shape, f"{where}: shape {got.shape}, expected {want.shape}"
    assert want.size, f"{where}: nothing to compare"
    absent = np.isnan(want)
    assert bool((absent == np.isnan(got)).all()), f"{where}: ours {ours}, expected {expected}"
    infinite = np.isinf(want)
    assert bool((want[infinite] == got[infinite]).all()), f"{where}: ours {ours}, expected {expected}"
    compared = ~absent & ~infinite
    assert bool(compared.any()), f"{where}: no number to compare; use a plain assert for what is undefined"
    want, got = want[compared], got[compared]
    gap, allowed = np.abs(got - want), abs + rel * np.abs(want)
    worst = int(np.argmax(gap - allowed)) if bool((gap > allowed).any()) else int(np.argmax(gap))
    assert bool((gap <= allowed).all()), (
        f"{where}: ours {got[worst]!r}, expected {want[worst]!r}, "
        f"difference {gap[worst]:.3g}, allowed {allowed[worst]:.3g}"
    )
    folder = os.environ.get(FOLDER)
    if folder:
        note = [statistic, data, by, int(want.size), float(want[worst]), float(got[worst]), float(gap[worst]), rel, abs]
        with (Path(folder) / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(note, ensure_ascii=False) + "\n")


def notes(folder: Path) -> list[list[Any]]:
    """The notes of a run, without repetitions, in the table's order."""
    lines = [line for path in folder.glob("*.jsonl") for line in path.read_text(encoding="utf-8").splitlines()]
    by_key = {tuple(note[:3]): note for note in sorted(json.loads(line) for line in lines)}
    return [by_key[key] for key in sorted(by_key, key=lambda key: tuple(part.casefold() for part in key))]


def table(found: list[list[Any]]) -> str:
    """The document."""

    def number(value: float) -> str:
        return f"{value:.9g}" if math.isfinite(value) else str(value)

    found = [[part.replace("|", "/") if isinstance(part, str) else part for part in note] for note in found]
    rows = [
        f"| {statistic} | {data} | {by} | {pairs} | {number(want)} | {number(got)} | {gap:.0e} | {rel:g} | {least:g} |"
        for statistic, data, by, pairs, want, got, gap, rel, least in found
    ]
    return HEAD + "\n".join(rows) + "\n"


def stale(text: str, found: list[list[Any]]) -> list[str]:
    """What a run compared that the document lacks, or the other way round (by statistic, data and program)."""

    def keys(lines: list[str]) -> set[str]:
        return {" | ".join(line.strip("| ").split(" | ")[:3]) for line in lines if line.startswith("| ")}

    document, run = keys(text.splitlines()[LEAD:]), keys(table(found).splitlines()[LEAD:])
    return [f"missing in the table: {key}" for key in sorted(run - document)] + [
        f"no longer compared: {key}" for key in sorted(document - run)
    ]


def main(given: list[str]) -> int:
    """Write the table, or check it."""
    if given:
        from tests.conftest import REFERENCE

        if not (REFERENCE / "reference_r.json").exists():
            print("docs/agreement.md is not checked: the reference data are not here.")
            return 0
        wrong = stale(TABLE.read_text(encoding="utf-8"), notes(Path(given[0])))
        print("\n".join(wrong) or "docs/agreement.md lists what this run compared.")
        return int(bool(wrong))
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", "2", "tests/analysis"],
            cwd=ROOT,
            env=os.environ | {FOLDER: folder},
        )
        if run.returncode == 0:
            TABLE.write_text(table(notes(Path(folder))), encoding="utf-8")
    return run.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
