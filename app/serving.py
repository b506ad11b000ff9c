"""Serving: the address is checked, the database prepared, and uvicorn's processes load `app`."""

from __future__ import annotations

import gc
import os
import socket
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from app.demo import build_demo
from app.main import create_app
from app.settings import SettingsError, from_environment
from surveys.store.database import open_database
from surveys.store.migrate import upgrade

BOUND_HERE = ("127.0.0.1", "localhost", "::1")
MOST_WORKERS = 64
COLLECT_AFTER = 20_000  # new objects between two looks for garbage


def app() -> FastAPI:
    """The application of this process."""
    made = create_app(from_environment(demo=os.environ.get("FIVEGAPS_DEMO") == "1"))
    # What was built now stays until the end: looking it through for garbage again and again costs a tenth of the time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 100)
    return made


def serve(host: str, port: int, workers: int) -> int:
    """Serve the database of the settings."""
    os.environ.pop("FIVEGAPS_DEMO", None)
    if not 1 <= workers <= MOST_WORKERS:
        raise SettingsError(f"--workers: the value is {workers}; allowed are 1 to {MOST_WORKERS}")
    _check_address(host, port)
    settings = from_environment()
    engine = open_database(settings.database_url)
    upgrade(engine)
    engine.dispose()
    print(f"Fivegaps at {settings.public_url}, listening on {host}:{port}", flush=True)
    return _listen(host, port, workers)


def serve_demo(host: str, port: int, *, fresh: bool) -> int:
    """Serve the demonstration; `fresh` throws its database away first."""
    if host not in BOUND_HERE:
        raise SettingsError(
            f"--host: the value is {host!r}; the demonstration signs its visitors in, so allowed are "
            f"only {', '.join(BOUND_HERE)}"
        )
    _check_address(host, port)
    settings = from_environment(demo=True)
    path = Path(settings.database_url.removeprefix("sqlite:///"))
    if fresh:
        for ending in ("", "-wal", "-shm"):
            path.with_name(path.name + ending).unlink(missing_ok=True)
    engine = open_database(settings.database_url)
    upgrade(engine)
    build_demo(engine, settings)
    engine.dispose()
    os.environ["FIVEGAPS_DEMO"] = "1"
    print(f"Fivegaps demonstration, simulated data: http://127.0.0.1:{port}  (stop with Ctrl+C)", flush=True)
    return _listen(host, port, 1)


def _check_address(host: str, port: int) -> None:
    """Refuse an address that cannot be listened on, before anything is prepared."""
    if not 1 <= port <= 65535:
        raise SettingsError(f"--port: the value is {port}; allowed are 1 to 65535")
    # Links that are printed carry the port, unless the operator has said under which address people come.
    os.environ.setdefault("FIVEGAPS_PUBLIC_URL", f"http://127.0.0.1:{port}")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or error
            other = port % 60000 + 1
            raise SettingsError(
                f"--port: {host}:{port} cannot be used ({why}); choose another, as in --port {other}"
            ) from error


def _listen(host: str, port: int, workers: int) -> int:
    # No access log: it would note when which survey was answered from which address.
    uvicorn.run(
        "app.serving:app",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=30,
    )
    return 0
