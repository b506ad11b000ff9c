"""Customers answering the whole form at once, against a form echo that stores nothing, in the same run.

A cycle goes from the welcome page to the receipt, in one of two ways: "one document" is what a browser with script
asks for (the welcome page, the whole form, one delivery), "paged" what it asks for without (the start, every page of
questions fetched and sent, the page with the receipt).
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
from contextlib import contextmanager, suppress
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


def way() -> tuple[dict[str, str], str, str]:
    """Path -> posted form of every page that these answers meet, all of that as one form, and the ratings alone."""
    questionnaire = load("pfs_customer").variant()
    book, all_pages = codebook(questionnaire), pages(questionnaire)
    answers, found, number = Answers.blank(book), {}, 0
    whole: list[tuple[str, str]] = []
    while page := next_page(all_pages, book, answers, number):
        number = page.number
        posted: dict[str, list[str]] = {}
        for card in visible(page, book, answers):
            for name, value in form_of(card, [book.fields[place] for place in card.fields]):
                whole += [(name, value)] if value else []  # the script leaves blanks out
                posted.setdefault(name, []).append(value)
        answers, faults, _ = read_page(page, book, answers, posted)
        assert all(fault.code == "missing" for fault in faults), faults
        found[f"{START}/{number}"] = urlencode(posted | {"go": "", "seen": str(number)}, doseq=True)
    ratings = {field.name: "4" for field in book.fields if field.column is not None}
    assert len(ratings) == 44
    return found, urlencode(whole), urlencode(ratings)


@contextmanager
def serving(path: str, port: int, environment: dict[str, str], *command: str) -> Iterator[int]:
    """A server that is ready when `path` answers, by its process number, and stopped at the end."""
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
        yield server.pid
    finally:
        server.terminate()
        server.wait(30)


def used_by(server: int) -> float:
    """Processor seconds of a server and its workers so far, as Linux counts them."""
    parents: dict[int, tuple[int, int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            words = stat.read_text().rpartition(")")[2].split()
            parents[int(stat.parent.name)] = int(words[1]), int(words[11]) + int(words[12])
    ticks = sum(used for process, (parent, used) in parents.items() if server in (process, parent))
    return ticks / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def drive(server: int, **given: object) -> dict:
    """Let the clients work in their own process; `used` is what the server needed for it."""
    before = used_by(server)
    client = [sys.executable, str(Path(__file__).with_name("client.py"))]
    asked = json.dumps({"clients": CLIENTS, "most": 1_000_000} | given)
    told = json.loads(subprocess.run(client, input=asked, capture_output=True, text=True, check=True).stdout)
    return told | {"used": used_by(server) - before}


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
    """What the first page and the whole form cost: (what, bytes sent, bytes unpacked, encoding)."""

    def fetch(path: str) -> tuple[bytes, bytes, str]:
        with urlopen(Request(f"http://127.0.0.1:{port}{path}", headers={"accept-encoding": "gzip"})) as answer:
            sent, encoding = answer.read(), answer.headers.get("content-encoding", "none")
        return sent, gzip.decompress(sent) if encoding == "gzip" else sent, encoding

    paths, found = [START, f"{START}/form"], []
    for path in paths:
        sent, page, encoding = fetch(path)
        found.append((path.split("?")[0], len(sent), len(page), encoding))
        if path in (START, f"{START}/form"):
            linked = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.decode())
            paths += [other for other in linked if other not in paths]
    return found


Row = tuple[object, ...]


def measure(workers: int, seconds: float, rounds: int) -> tuple[list[Row], list[tuple[str, int, int, str]]]:
    """Echo and both ways in turn against servers that both stay up; two lines of the table."""
    forms, body, ratings = way()
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
        echo = ["-m", "uvicorn", "--app-dir", "benchmarks", "--port", str(echo_port)]
        echo += ["--log-level", "warning", "--no-access-log", "echo:app"]
        work = {
            "echo": {"what": "echo", "port": echo_port, "body": ratings},
            "whole": {"what": "whole", "port": port, "start": START, "body": body},
            "paged": {"what": "paged", "port": port, "start": START, "pages": forms},
        }
        found: dict[str, list[dict]] = {name: [] for name in work}
        with (
            serving(START, port, environment, *ours) as our_server,
            serving("/echo", echo_port, os.environ | ENVIRONMENT, *echo) as echo_server,
        ):
            servers = {"echo": echo_server, "whole": our_server, "paged": our_server}
            visit = first_visit(port)
            done = sum(len(drive(our_server, **work[name], seconds=1.5)["took"]) for name in ("whole", "paged"))
            drive(echo_server, **work["echo"], seconds=0.5)
            for _ in range(rounds):
                for name, one in work.items():
                    found[name].append(drive(servers[name], **one, seconds=seconds))
            done += sum(len(one["took"]) for name in ("whole", "paged") for one in found[name])
            kept = stored(database)
    assert kept == done, f"{done} receipts were shown, {kept} answers are stored"
    lines = [
        line(f"{workers}, one document", 3, found["whole"], found["echo"]),
        line(f"{workers}, paged", 2 * len(forms) + 3, found["paged"], found["echo"]),
    ]
    return [(*one, f"{kept} = {done}") for one in lines], visit


def line(name: str, requests: int, cycles: list[dict], echoes: list[dict]) -> Row:
    """One way's figures: the median of the rounds, each compared with the echo measured beside it."""
    rates, echoed = ([len(one["took"]) / one["seconds"] for one in found] for found in (cycles, echoes))
    rate, ratio = statistics.median(rates), statistics.median(e / r for e, r in zip(echoed, rates, strict=True))
    took = sorted(seconds for one in cycles for seconds in one["took"])
    cost, echo_cost = (
        sum(one["used"] for one in each) / sum(len(one["took"]) for one in each) for each in (cycles, echoes)
    )
    return (
        name,
        requests,
        f"{rate:.1f}",
        f"{rate * requests:.0f}",
        f"{statistics.median(echoed):.0f}",
        f"{ratio:.1f}",
        f"{ratio / requests:.1f}",
        f"{cost / echo_cost:.1f}",
        f"{took[len(took) // 2] * 1000:.0f} ms",
        f"{took[int(len(took) * 0.95)] * 1000:.0f} ms",
    )


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
        "workers, way",
        "requests",
        "cycles/s",
        "requests/s",
        "echo/s",
        "echo per cycle",
        "per request",
        "in CPU time",
        "p50",
        "p95",
        "stored = receipts",
    )
    show(head, *(line for lines, _ in found for line in lines))
    print("goal, one document: echo per cycle at most 5\n")
    visit = found[-1][1]
    show(("first visit", "sent", "unpacked", "encoding"), *visit)
    print(f"together {sum(line[1] for line in visit) / 1000:.1f} kB (goal: at most 30)")


if __name__ == "__main__":
    main()
