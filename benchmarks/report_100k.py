"""The report page and the downloads of a survey with 100,000 (or `--n`) released submissions, from a real server."""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

from customer_cycle import free_port, serving
from measuring import ENVIRONMENT, OUT, ROOT, run, show

sys.path.insert(0, str(ROOT))

SLUG = "large"
PORTION = 5_000
CHOICES = ("tier=mass", "adviser=yes", "age=30_39")


def fill(path: Path, n: int) -> None:
    """A database with one survey and `n` released submissions, through the one way in."""
    import numpy as np

    from surveys.authoring import load
    from surveys.coding import codebook
    from surveys.simulate import DEMO, arrivals, simulate
    from surveys.store import collect, publish, releases
    from surveys.store.database import open_database, writing
    from surveys.store.migrate import upgrade

    path.parent.mkdir(exist_ok=True)
    draft = path.with_suffix(".part")
    draft.unlink(missing_ok=True)
    engine, today = open_database(f"sqlite:///{draft}"), datetime.now(UTC).date()
    upgrade(engine)
    questionnaire = load("pfs_customer").variant()
    with writing(engine) as session:
        survey = publish.publish(
            session, questionnaire, slug=SLUG, bank="Bank", wave="1", opens_on=today, closes_on=None, today=today
        )
    book, rng = codebook(questionnaire), np.random.default_rng(2)
    for start in range(0, n, PORTION):
        some = arrivals(simulate(questionnaire, min(PORTION, n - start), DEMO, rng))
        with writing(engine) as session:
            collect.ingest(session.connection(), survey.id or 0, book, some)
            releases.release(session.connection(), survey.id or 0, today)
    engine.dispose()
    draft.rename(path)


def release_more(path: Path) -> None:
    """Five answers more, released: what the server has summed up is out of date."""
    from surveys.simulate import simulate_arrivals
    from surveys.store import collect, publish, releases
    from surveys.store.database import open_database, writing

    engine, today = open_database(f"sqlite:///{path}"), datetime.now(UTC).date()
    with writing(engine) as session:
        survey = publish.find(session, SLUG)
        assert survey is not None
        some = simulate_arrivals(publish.questionnaire_of(survey), releases.BATCH, today)
        collect.ingest(session.connection(), survey.id or 0, collect.codebook_of(survey), some)
        releases.release(session.connection(), survey.id or 0, today)
    engine.dispose()


def timed(address: str) -> tuple[float, int]:
    """Seconds and bytes of one download."""
    begun = time.perf_counter()
    with urlopen(address) as answer:
        size = len(answer.read())
    return time.perf_counter() - begun, size


def measure(path: Path, ahead: float) -> list[tuple[str, float, int, str]]:
    """What a fresh server takes: (what, seconds, bytes, goal)."""
    port = free_port()
    environment = os.environ | ENVIRONMENT | {"FIVEGAPS_DEMO": "1", "FIVEGAPS_DATA": str(path.parent)}
    command = ("-m", "uvicorn", "--factory", "app.serving:app", "--port", str(port), "--log-level", "warning")
    survey = f"http://127.0.0.1:{port}/surveys/{SLUG}"
    with serving("/health", port, environment, *command):
        first = timed(f"{survey}/report")
        warm = sorted(timed(f"{survey}/report") for _ in range(21))[10]
        part = timed(f"{survey}/report?unit=South+Station")
        time.sleep(ahead)
        others = [timed(f"{survey}/report?{choice}") for choice in CHOICES]
        downloads = [timed(f"{survey}/data.{ending}") for ending in ("csv", "parquet")]
        release_more(path)
        again = timed(f"{survey}/report")
    return [
        ("report, first request of a fresh process", *first, "< 2 s"),
        ("report, first request after a release", *again, "< 2 s"),
        ("report, warm", *warm, "< 0.2 s"),
        ("report of one branch, first request", *part, ""),
        ("report of a filter not looked at before, summed up ahead", *sorted(others)[1], "< 0.5 s"),
        ("answers as CSV", *downloads[0], "< 3 s"),
        ("answers as Parquet", *downloads[1], ""),
    ]


def main() -> None:
    """Make the database unless it is there, measure on a copy, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--ahead", type=float, default=0.0, help="seconds the server is left to sum up filters ahead")
    parser.add_argument("--make", action="store_true", help="only make the database")
    given = parser.parse_args()
    source = OUT / f"simulated-{given.n}.sqlite3"
    if given.make:
        return fill(source, given.n)
    if not source.exists():
        used = run(__file__, "--make", "--n", str(given.n))
        print(f"simulated, ingested and released {given.n:,} in {used.wall:.0f} s, peak {used.peak:.0f} MB")
    found = []
    for _ in range(given.repeat):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(shutil.copy(source, Path(folder) / "demo.sqlite3"))
            found.append(measure(path, given.ahead))
    print(f"{given.n:,} released submissions, median of {given.repeat} servers")
    lines = []
    for same in zip(*found, strict=True):
        seconds = statistics.median(one[1] for one in same)
        lines.append((same[0][0], f"{seconds:.3f} s", f"{same[0][2] / 1e6:.2f} MB", same[0][3]))
    show(("", "time", "size", "goal"), *lines)


if __name__ == "__main__":
    main()
