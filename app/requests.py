"""What a request carries: the desk (database, settings), the language, and the posted form."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, TypeVar
from urllib.parse import unquote_plus

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from fastapi import Depends, HTTPException, Request
from sqlalchemy import Connection, Engine
from starlette.concurrency import run_in_threadpool

from app.settings import Settings, SettingsError
from app.steps import Steps
from app.throttle import Arrivals, Throttle
from app.words import LANGUAGES, N_, negotiate, speak
from surveys.sealing import private_key, public_point
from surveys.store.database import Writer

if TYPE_CHECKING:
    from app.cache import Cache

Result = TypeVar("Result")
WRITE_SECONDS = 30
FORM_SECONDS = 10
MOST_FIELDS = 1000
LARGEST_FORM = 256 * 1024
LARGEST_BODY = 4 * LARGEST_FORM  # the outer wall, for bodies that no form reads


@dataclass
class Desk:
    """What all routes share: built once by `create_app`."""

    settings: Settings
    engine: Engine
    writer: Writer
    cache: Cache
    throttle: Throttle = field(default_factory=Throttle)
    arrivals: Arrivals = field(default_factory=Arrivals)
    parkings: Arrivals = field(default_factory=Arrivals)
    steps: Steps = field(default_factory=Steps)
    demo_csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @cached_property
    def secret(self) -> bytes:
        """The key by which this server knows its own marks again; without a lasting one, that of this process."""
        try:
            return self.settings.invitation_key()
        except SettingsError:
            return secrets.token_bytes(32)

    @cached_property
    def device_key(self) -> EllipticCurvePrivateKey:
        """The key to which devices seal what they cannot deliver yet."""
        return private_key(self.secret)

    @cached_property
    def seal(self) -> str:
        """Its public half, as pages carry it."""
        return base64.b64encode(public_point(self.device_key)).decode()

    @cached_property
    def at_hand(self) -> Connection:
        """The event loop's own connection to SQLite, for single queries: each is of one state without a transaction."""
        return self.engine.execution_options(begin="").connect()

    def close(self) -> None:
        """Finish what is to be written, and let go of the database."""
        self.writer.stop()
        if "at_hand" in self.__dict__:
            self.at_hand.close()


async def get_desk(request: Request) -> Desk:
    """The desk of the running application; async, so that no thread is woken for it."""
    desk: Desk = request.app.state.desk
    return desk


async def choose_language(request: Request) -> str:
    """The language of the page: `?lang=`, else the cookie, else the browser's.

    It is async because a context variable set in a worker thread would be lost before the route runs.
    """
    wish = request.query_params.get("lang") or request.cookies.get("lang")
    chosen = negotiate(wish if wish in LANGUAGES else None, request.headers.get("accept-language"))
    speak(chosen)
    return chosen


async def look(desk: Desk, read: Callable[[Connection], Result]) -> Result:
    """What one query finds.

    SQLite is a file at hand whose readers wait for nobody: looking there takes less time than waking a thread.
    PostgreSQL may keep one waiting, and is asked from a thread.
    """
    if desk.engine.dialect.name == "sqlite":
        return read(desk.at_hand)

    def ask() -> Result:
        with desk.engine.connect() as connection:
            return read(connection)

    return await run_in_threadpool(ask)


async def keep(desk: Desk, write: Callable[[Connection], Result]) -> Result:
    """Run `write` in the next commit; what it changed is on disk when this returns."""
    async with asyncio.timeout(WRITE_SECONDS):
        return await asyncio.wrap_future(desk.writer.submit(write))


class Posted:
    """A posted form: field -> values, in the order they came."""

    def __init__(self, values: Mapping[str, Sequence[str]]):
        self.values = values

    def get(self, name: str, otherwise: str = "") -> str:
        """The first value of a field."""
        found = self.values.get(name)
        return found[0] if found else otherwise


async def posted_body(request: Request, wanted: str) -> bytes:
    """The body of a request, of the kind that is wanted, of at most the size of a form."""
    kind = request.headers.get("content-type", "").split(";")[0].strip()
    body = b""
    try:
        # Nobody may hold a place by sending a form letter by letter.
        async with asyncio.timeout(FORM_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > LARGEST_FORM:
                    raise HTTPException(413)
    except TimeoutError as error:
        raise HTTPException(408) from error
    if body and kind != wanted:
        raise HTTPException(415)
    return body


async def posted_form(request: Request) -> Posted:
    """Read a urlencoded form.  Files are never posted in this version, so other kinds of body are refused."""
    body = await posted_body(request, "application/x-www-form-urlencoded")
    if b"%00" in body or b"\x00" in body:
        raise HTTPException(400, N_("The form holds a null character; allowed is plain text."))
    try:
        return Posted(form_fields(body.decode("ascii")))
    except ValueError as error:
        raise HTTPException(
            400, N_("The form is not text in UTF-8, or has over 1,000 fields; send it from the page.")
        ) from error


def form_fields(body: str) -> dict[str, list[str]]:
    """Field -> values; as `urllib.parse.parse_qsl` reads them, in less than half its time for what is plain."""
    values: dict[str, list[str]] = {}
    if body.count("&") >= MOST_FIELDS:
        raise ValueError("too many fields")
    for pair in body.split("&"):
        name, _, value = pair.partition("=")
        if "%" in pair or "+" in pair:
            name, value = (unquote_plus(part, errors="strict") for part in (name, value))
        if pair:
            values.setdefault(name, []).append(value)
    return values


DeskDep = Annotated[Desk, Depends(get_desk)]
LanguageDep = Annotated[str, Depends(choose_language)]
PostedDep = Annotated[Posted, Depends(posted_form)]
