"""A server killed at any moment has lost nothing that it acknowledged, and counted nothing twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from surveys.authoring import load
from surveys.store import collect, publish
from surveys.store.database import open_database, writing
from surveys.store.migrate import upgrade

ROOT = Path(__file__).resolve().parents[2]
KILLS = 200 if os.environ.get("FIVEGAPS_LONG") else 4


@pytest.fixture
def address(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'kill.sqlite3'}"
    engine = open_database(url)
    upgrade(engine)
    with writing(engine) as session:
        publish.publish(
            session,
            load("pfs_customer").variant(),
            slug="s",
            bank="B",
            wave="1",
            opens_on=date(2026, 1, 1),
            closes_on=None,
            today=date(2026, 1, 1),
        )
    engine.dispose()
    return url


def acknowledged_until_killed(address: str, seconds: float, *how: str) -> list[str]:
    sender = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.sender", address, *how], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert sender.stdout is not None
    first = sender.stdout.readline()
    time.sleep(seconds)
    sender.send_signal(signal.SIGKILL)
    rest, _ = sender.communicate(timeout=30)
    return [line for line in (first + rest).splitlines() if len(line) == 19]


def missing(address: str, codes: list[str]) -> int:
    engine = open_database(address)
    with engine.connect() as connection:
        kept = set(connection.execute(text("SELECT receipt_hash FROM waiting")).scalars())
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        assert connection.execute(text("SELECT count(*) FROM spent")).scalar() == len(kept)
    engine.dispose()
    return sum(collect.fingerprint("receipt", collect.tidy_code(code)) not in kept for code in codes)


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(address: str) -> None:
    acknowledged: list[str] = []
    chance = random.Random(1)
    for _ in range(KILLS):
        acknowledged += acknowledged_until_killed(address, chance.uniform(0.05, 0.4))
    assert len(acknowledged) > 10 * KILLS
    assert missing(address, acknowledged) == 0


def test_the_same_harness_sees_a_server_that_acknowledges_too_soon(address: str) -> None:
    assert missing(address, acknowledged_until_killed(address, 0.5, "early")) > 0
