"""The application, wired on one page."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import assets, errors
from app.cache import Cache
from app.desk import (
    appendix,
    channels,
    data,
    devices,
    improvements,
    lifecycle,
    pages,
    quotas,
    report,
    signing,
    translations,
)
from app.desk import fieldwork as watching
from app.invite import desk as invite_desk
from app.invite import routes as invite
from app.invite import texts as invite_texts
from app.invite.sending import Postman
from app.posters import routes as posters
from app.requests import LARGEST_BODY, Desk
from app.respond import delivery, elsewhere, enough, kiosk, offline, own_answers
from app.respond import routes as respond
from app.settings import Settings
from app.steps import Steps
from surveys.store import collect, fieldwork, parking, releases
from surveys.store.database import Writer, check_durable, open_database, truncate_log
from surveys.store.migrate import upgrade

RELEASE_SECONDS = 2.0
log = logging.getLogger("fivegaps")

HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
POLICY = (
    "default-src 'none'; {style}; img-src 'self' data:; script-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


class SecurityHeaders:
    """Adds the headers every answer carries; report pages alone may set inline styles, which the charts need."""

    def __init__(self, app: ASGIApp, secure: bool):
        self.app = app
        headers = HEADERS | ({"strict-transport-security": "max-age=31536000; includeSubDomains"} if secure else {})
        plain, report = (
            headers | {"content-security-policy": POLICY.format(style=style)}
            for style in (f"style-src 'self' '{assets.first_style_hash()}'", "style-src 'self' 'unsafe-inline'")
        )
        self.added = [[(name.encode(), value.encode()) for name, value in each.items()] for each in (plain, report)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add the headers to its answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        added = self.added[scope["path"].endswith(("/report", "/report/appendix"))]

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"] = [*message["headers"], *added]
                if not any(name == b"cache-control" for name, _ in headers):
                    headers.append((b"cache-control", b"no-store"))
            await send(message)

        await self.app(scope, receive, with_headers)


class BodyLimit:
    """The outer wall: no body is larger than a form may be, but that of a list of contacts."""

    def __init__(self, app: ASGIApp):
        self._forms = RequestBodyLimitMiddleware(app, max_body_size=LARGEST_BODY)
        self._lists = RequestBodyLimitMiddleware(app, max_body_size=invite_desk.LARGEST_UPLOAD)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on through the wall that is meant for it."""
        large = scope["type"] == "http" and scope["path"].endswith(invite_desk.UPLOAD)
        await (self._lists if large else self._forms)(scope, receive, send)


class Releaser:
    """Looks every few seconds whether enough answers wait, and releases them.

    It also writes down how far people got, and clears expired drafts.
    """

    def __init__(self, engine: Engine, settings: Settings, steps: Steps, seconds: float = RELEASE_SECONDS):
        self._engine, self._settings, self._steps, self._seconds = engine, settings, steps, seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fivegaps-releaser", daemon=True)

    def start(self) -> None:
        """Begin looking."""
        self._thread.start()

    def stop(self) -> None:
        """End after the present look."""
        self._stop.set()
        self._thread.join(timeout=30)
        with suppress(SQLAlchemyError):  # counts only; the server is on its way out
            write_steps(self._engine, self._steps)

    def _run(self) -> None:
        cleared = None
        while not self._stop.wait(self._seconds):
            today = self._settings.today()
            try:
                write_steps(self._engine, self._steps)
                release_due(self._engine, self._settings)
                if cleared != today:
                    with self._engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
                        collect.delete_expired_drafts(connection, today)
                        parking.delete_expired(connection, today)
                    cleared = today
            except SQLAlchemyError:
                # The answers stay in the inbox, on disk; the next look tries again.
                log.exception("a release could not be made; it is tried again")


def write_steps(engine: Engine, steps: Steps) -> None:
    """Write down the steps that were reached since the last time."""
    counted = steps.take()
    if not counted:
        return
    try:
        with engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
            fieldwork.add_steps(connection, counted)
    except SQLAlchemyError:
        steps.put_back(counted)
        raise


def release_due(engine: Engine, settings: Settings) -> int:
    """Release every survey that is due; returns how many were."""
    today = settings.today()
    with engine.connect() as connection:
        waiting = releases.due(connection, today)
    for survey_id, least in waiting:
        with engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
            releases.release(connection, survey_id, today, least=least)
    if waiting:
        truncate_log(engine)
    return len(waiting)


def create_app(settings: Settings, engine: Engine | None = None) -> FastAPI:
    """The application for these settings; `engine` lets tests hand in their own database."""
    database = engine or open_database(settings.database_url)
    check_durable(database)
    upgrade(database)

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        app.state.desk = Desk(settings, database, Writer(database), Cache())
        app.state.postman = Postman(database, settings)
        releaser = Releaser(database, settings, app.state.desk.steps)
        releaser.start()
        yield
        app.state.postman.stop()
        releaser.stop()
        app.state.desk.close()
        if engine is None:
            database.dispose()

    app = FastAPI(title="Fivegaps", docs_url=None, redoc_url=None, openapi_url=None, lifespan=running)
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders, secure=settings.secure)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[settings.host, "127.0.0.1", "localhost", "[::1]"])
    errors.install(app)
    # Routes are tried in this order; most requests are a customer's pages.
    app.add_route("/s/{slug}", respond.welcome, ["GET"])
    for path in delivery.WHOLE:
        app.add_route(path, delivery.whole_form, ["GET", "POST"])
    for path in delivery.PASSED:
        app.add_route(path, delivery.passed, ["POST"])
    app.add_route(respond.ONE_PAGE, respond.one_page, ["GET", "POST"])
    for part in (respond.router, enough.router, own_answers.router, elsewhere.router, offline.router, kiosk.router):
        app.include_router(part)
    app.add_route("/s/{slug}/{code}", respond.welcome, ["GET"])
    for part in (
        invite.router,
        invite_desk.router,
        invite_texts.router,
        posters.router,
        assets.router,
        signing.router,
        pages.router,
        translations.router,
        devices.router,
        improvements.router,
        quotas.router,
        channels.router,
        watching.router,
        lifecycle.router,
        report.router,
        appendix.router,
        data.router,
    ):
        app.include_router(part)
    return app
