"""Keep-alive clients in one process of their own: walk through the form, or post to the echo, until the time is over.

The work comes as JSON on standard input, what was done goes as JSON to standard output.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time

import uvloop


class Wire:
    """One connection; the least of HTTP/1.1 that the two servers need."""

    def __init__(self, port: int):
        self.port, self.told = port, b""
        self.cookies: dict[str, str] = {}

    async def open(self) -> Wire:
        """Connect."""
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def ask(self, method: str, path: str, body: str = "", more: str = "") -> tuple[int, str]:
        """Send a request, read its answer; returns status and where it leads."""
        head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\naccept-encoding: gzip\r\n"
        if self.cookies:
            head += "cookie: " + "; ".join(f"{name}={value}" for name, value in self.cookies.items()) + "\r\n"
        if method == "POST":
            head += f"content-type: application/x-www-form-urlencoded\r\ncontent-length: {len(body)}\r\n"
        self.writer.write(f"{head}{more}\r\n{body}".encode())
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        length, leads = 0, ""
        for line in lines[1:]:
            name, _, value = line.partition(": ")
            if name == "content-length":
                length = int(value)
            elif name == "location":
                leads = value
            elif name == "set-cookie":
                own, _, kept = value.split(";")[0].partition("=")
                self.cookies[own] = kept
        self.told = await self.reader.readexactly(length) if length else b""
        return int(lines[0].split(" ")[1]), leads


async def cycle(wire: Wire, start: str, pages: dict[str, str]) -> None:
    """Welcome, start, every page seen and sent, thanks."""
    wire.cookies.clear()
    assert (await wire.ask("GET", start))[0] == 200
    status, path = await wire.ask("POST", f"{start}/start")
    while not path.endswith("/thanks"):
        assert (status, path in pages) == (303, True), (status, path)
        assert (await wire.ask("GET", path))[0] == 200, path
        status, path = await wire.ask("POST", path, pages[path])
    assert (await wire.ask("GET", path))[0] == 200


async def whole(wire: Wire, start: str, body: str) -> None:
    """Welcome, the form in one document, and its answers under a fresh key: what the script asks for, and no more.

    `tests/browser/test_whole_sending.py` counts the requests of a real browser.
    """
    wire.cookies.clear()
    assert (await wire.ask("GET", start))[0] == 200
    assert (await wire.ask("GET", f"{start}/form"))[0] == 200
    key = f"idempotency-key: {secrets.token_urlsafe(24)}\r\n"
    assert (await wire.ask("POST", f"{start}/form?lang=en", body, key))[0] == 200
    assert wire.told.startswith(b'{"receipt": "'), wire.told


async def work(given: dict, until: float, took: list[float]) -> None:
    """One client's share."""
    wire = await Wire(given["port"]).open()
    while time.perf_counter() < until and len(took) < given["most"]:
        begun = time.perf_counter()
        if given["what"] == "paged":
            await cycle(wire, given["start"], given["pages"])
        elif given["what"] == "whole":
            await whole(wire, given["start"], given["body"])
        else:
            assert (await wire.ask("POST", "/echo", given["body"]))[0] == 200
        took.append(time.perf_counter() - begun)
    wire.writer.close()


async def main() -> None:
    """All clients at once."""
    given = json.load(sys.stdin)
    took: list[float] = []
    begun = time.perf_counter()
    await asyncio.gather(*(work(given, begun + given["seconds"], took) for _ in range(given["clients"])))
    json.dump({"seconds": time.perf_counter() - begun, "cpu": time.process_time(), "took": took}, sys.stdout)


uvloop.run(main())
