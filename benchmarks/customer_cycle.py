"""Customers answering the whole form at once, against a form echo that stores nothing, in the same run.

A cycle is the welcome page, the start, every page of questions fetched and sent, and the page with the receipt.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from measuring import ENVIRONMENT, ROOT, show

sys.path.insert(0, str(ROOT))

from surveys.authoring import load
from surveys.coding import Answers, codebook
from surveys.form import Card, next_page, pages, read_page, visible

SLUG = "cycle"
START = f"/s/{SLUG}"
CLIENTS = 16


def form_of(card: Card, fields: list) -> list[tuple[str, str]]:
    """Valid values for one card."""
    question = card.question
    if card.kind == "text":
        return [(card.name, "")]
    if card.kind == "multiple":
        return [(card.name, next(option.code for option in question.options if not option.exclusive))]
    if card.kind == "points":
        return [(field.name, str(question.total if number == 0 else 0)) for number, field in enumerate(fields)]
    return [(field.name, field.show((field.high - field.low) // 2 + 1 if field.high else 1)) for field in fields]


def way() -> tuple[dict[str, str], str]:
    """Path -> posted form of every page that these answers meet, and all ratings as one form."""
    questionnaire = load("pfs_customer").variant()
    book, all_pages = codebook(questionnaire), pages(questionnaire)
    answers, found, number = Answers.blank(book), {}, 0
    while page := next_page(all_pages, book, answers, number):
        number = page.number
        posted: dict[str, list[str]] = {}
        for card in visible(page, book, answers):
            for name, value in form_of(card, [book.fields[place] for place in card.fields]):
                posted.setdefault(name, []).append(value)
        answers, faults, _ = read_page(page, book, answers, posted)
        assert all(fault.code == "missing" for fault in faults), faults
        found[f"{START}/{number}"] = urlencode(posted | {"go": "", "seen": str(number)}, doseq=True)
    ratings = {field.name: "4" for field in book.fields if field.column is not None}
    assert len(ratings) == 44
    return found, urlencode(ratings)


@contextmanager
def serving(path: str, port: int, environment: dict[str, str], *command: str) -> Iterator[None]:
    """A server in its own process group, ready when `path` answers, and stopped at the end."""
    server = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        for _ in range(600):
            try:
                urlopen(f"http://127.0.0.1:{port}{path}", timeout=5).read()
                break
            except OSError as error:
                if getattr(error, "code", 0):  # it answered, if with a refusal
                    break
                time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait(30)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def drive(**given: object) -> dict:
    """Let the clients work in their own process."""
    client = [sys.executable, str(Path(__file__).with_name("client.py"))]
    asked = json.dumps({"clients": CLIENTS, "most": 1_000_000} | given)
    return json.loads(subprocess.run(client, input=asked, capture_output=True, text=True, check=True).stdout)


def stored(database: Path) -> int:
    """Answers that are in the database, waiting or released."""
    with sqlite3.connect(database) as connection:
        rows = [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("waiting", "submission")
        ]
        spent = connection.execute("SELECT count(*) FROM spent").fetchone()[0]
    assert spent == sum(rows), (spent, rows)
    return sum(rows)


def first_visit(port: int) -> list[tuple[str, int, int, str]]:
    """What the first page costs: (what, bytes sent, bytes unpacked, encoding)."""

    def fetch(path: str) -> tuple[bytes, bytes, str]:
        with urlopen(Request(f"http://127.0.0.1:{port}{path}", headers={"accept-encoding": "gzip"})) as answer:
            sent, encoding = answer.read(), answer.headers.get("content-encoding", "none")
        return sent, gzip.decompress(sent) if encoding == "gzip" else sent, encoding

    sent, page, encoding = fetch(START)
    found = [(START, len(sent), len(page), encoding)]
    for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page.decode()):
        sent, whole, encoding = fetch(path)
        found.append((path.split("?")[0], len(sent), len(whole), encoding))
    return found


def measure(workers: int, seconds: float, rounds: int) -> tuple[tuple[object, ...], list[tuple[str, int, int, str]]]:
    """Echo and cycles in turn against servers that both stay up; one line of the table."""
    forms, ratings = way()
    port, echo_port = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "cycle.sqlite3"
        environment = ENVIRONMENT | {
            "FIVEGAPS_DATABASE_URL": f"sqlite:///{database}",
            "FIVEGAPS_PUBLIC_URL": f"http://127.0.0.1:{port}",
        }
        publish = [sys.executable, "-m", "app", "publish", "pfs_customer", "--slug", SLUG, "--wave", "1"]
        subprocess.run(publish, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
        ours = ("-m", "app", "serve", "--port", str(port), "--workers", str(workers))
        echo = (
            "-m",
            "uvicorn",
            "--app-dir",
            "benchmarks",
            "--port",
            str(echo_port),
            "--log-level",
            "warning",
            "--no-access-log",
            "echo:app",
        )
        cycle = {"what": "cycle", "port": port, "start": START, "pages": forms}
        post = {"what": "echo", "port": echo_port, "body": ratings}
        with serving(START, port, environment, *ours), serving("/echo", echo_port, os.environ | ENVIRONMENT, *echo):
            visit = first_visit(port)
            done = len(drive(**cycle, seconds=1.5)["took"])
            drive(**post, seconds=0.5)
            cycles, posts = [], []
            for _ in range(rounds):
                posts.append(drive(**post, seconds=seconds))
                cycles.append(drive(**cycle, seconds=seconds))
            done += sum(len(one["took"]) for one in cycles)
            kept = stored(database)
    assert kept == done, f"{done} receipts were shown, {kept} answers are stored"
    by_second = [[len(one["took"]) / one["seconds"] for one in found] for found in (cycles, posts)]
    rate, echoed = map(statistics.median, by_second)
    took = sorted(seconds for one in cycles for seconds in one["took"])
    return (
        workers,
        f"{rate:.1f}",
        f"{rate * (2 * len(forms) + 3):.0f}",
        f"{echoed:.0f}",
        f"{echoed / rate:.1f}",
        f"{echoed / rate / (2 * len(forms) + 3):.1f}",
        f"{took[len(took) // 2] * 1000:.0f} ms",
        f"{took[int(len(took) * 0.95)] * 1000:.0f} ms",
        f"{kept} = {done}",
    ), visit


def main() -> None:
    """One table for the throughput, one for the first visit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    given = parser.parse_args()
    found = [measure(workers, given.seconds, given.rounds) for workers in given.workers]
    print(f"{CLIENTS} clients in one further process, median of {given.rounds} rounds of {given.seconds:.0f} s")
    head = (
        "workers",
        "cycles/s",
        "requests/s",
        "echo/s",
        "echo per cycle",
        "per request",
        "p50",
        "p95",
        "stored = receipts",
    )
    show(head, *(line for line, _ in found))
    requests = 2 * len(way()[0]) + 3
    print(f"goal: echo per cycle at most 5; a cycle is {requests} requests, {requests // 2} of them stored\n")
    visit = found[-1][1]
    show(("first visit", "sent", "unpacked", "encoding"), *visit)
    print(f"together {sum(line[1] for line in visit) / 1000:.1f} kB (goal: at most 40)")


if __name__ == "__main__":
    main()
