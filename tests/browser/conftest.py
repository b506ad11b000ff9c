"""A real server on 127.0.0.1 and a real browser."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from sqlalchemy import Engine

from app.demo import build_demo
from app.main import create_app
from app.settings import Settings
from surveys.store.database import open_database
from surveys.store.migrate import upgrade

ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Server:
    """A running demonstration."""

    address: str
    engine: Engine


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; its absence is an error, not a skip."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    assert path, "the browser tests need Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demonstration, with 658 simulated customers."""
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('demo') / 'demo.sqlite3'}")
    upgrade(engine)
    settings = Settings("sqlite://", demo=True)
    build_demo(engine, settings)
    running = uvicorn.Server(uvicorn.Config(create_app(settings, engine), port=0, log_level="warning", ws="none"))
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        assert thread.is_alive(), "the server did not start"
        thread.join(0.05)
    port = running.servers[0].sockets[0].getsockname()[1]
    yield Server(f"http://127.0.0.1:{port}", engine)
    running.should_exit = True
    thread.join(timeout=10)
    engine.dispose()


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Callable[..., BrowserContext]]:
    """Opens a browser window with its own cookies; whatever it asks of another host fails the test."""
    opened: list[BrowserContext] = []
    foreign: list[str] = []

    def make(**options: Any) -> BrowserContext:
        context = browser.new_context(base_url=server.address, **options)
        context.set_default_timeout(15_000)
        context.on(
            "request",
            lambda request: (
                foreign.append(request.url)
                if not request.url.startswith((server.address, "data:", "blob:", "file:"))
                else None
            ),
        )
        opened.append(context)
        return context

    yield make
    for context in opened:
        context.close()
    assert foreign == []
