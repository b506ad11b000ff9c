"""What a request carries: the desk (database, settings), the language, and the posted form."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, HTTPException, Request
from sqlalchemy import Engine

from app.settings import Settings
from app.throttle import Throttle
from app.words import LANGUAGES, N_, negotiate, speak
from surveys.store.database import Writer

if TYPE_CHECKING:
    from app.cache import Cache

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
    demo_csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))


def get_desk(request: Request) -> Desk:
    """The desk of the running application."""
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


class Posted:
    """A posted form: field -> values, in the order they came."""

    def __init__(self, values: Mapping[str, Sequence[str]]):
        self.values = values

    def get(self, name: str, otherwise: str = "") -> str:
        """The first value of a field."""
        found = self.values.get(name)
        return found[0] if found else otherwise


async def posted_form(request: Request) -> Posted:
    """Read a urlencoded form.  Files are never posted in this version, so other kinds of body are refused."""
    kind = request.headers.get("content-type", "").split(";")[0].strip()
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_FORM:
            raise HTTPException(413)
    if body and kind != "application/x-www-form-urlencoded":
        raise HTTPException(415)
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, encoding="utf-8", errors="strict"
        )
    except (UnicodeDecodeError, ValueError) as error:
        raise HTTPException(
            400, N_("The form is not text in UTF-8, or has over 1,000 fields; send it from the page.")
        ) from error
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        if "\x00" in value:
            raise HTTPException(400, N_("The form holds a null character; allowed is plain text."))
        values.setdefault(name, []).append(value)
    return Posted(values)


DeskDep = Annotated[Desk, Depends(get_desk)]
LanguageDep = Annotated[str, Depends(choose_language)]
PostedDep = Annotated[Posted, Depends(posted_form)]
