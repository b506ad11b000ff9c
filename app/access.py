"""Who may do what: passwords, the signed-in person of a request, and protection against forged requests."""

from __future__ import annotations

import ipaddress
import secrets
import threading
import time
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from fastapi import Depends, HTTPException, Request

from app.requests import Desk, get_desk
from app.words import N_
from surveys.store import people
from surveys.store.database import reading, writing
from surveys.tables import Person

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 128
PROXIED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
FOREIGN = N_("This form was sent from another site's page; open the page here and send it again.")
TOO_OLD = N_("The page was too old to be sent; open it again and repeat the step.")
_hasher = PasswordHasher()
_two_at_a_time = threading.Semaphore(2)
_stranger = _hasher.hash(secrets.token_urlsafe(16))


class SignInNeeded(Exception):
    """The page needs a signed-in person; the handler leads to the sign-in page."""


def check_password(password: str, name: str = "") -> None:
    """Refuse a password that is too short, too long or the person's own name."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ValueError(
            f"password: it has {len(password)} characters; allowed are {SHORTEST_PASSWORD} to {LONGEST_PASSWORD}"
        )
    if len(set(password)) < 5 or (name and name.lower() in password.lower()):
        raise ValueError("password: it is too easy to guess; use several words that are not your name")


def hash_password(password: str) -> str:
    """argon2id, at the library's current cost."""
    return _hasher.hash(password)


def password_fits(person: Person | None, password: str) -> bool:
    """Whether the password is the person's; takes as long when there is no such person."""
    try:
        # Each check takes 64 MB on purpose; two at a time are enough for people and too few for an attack on memory.
        with _two_at_a_time:
            return _hasher.verify(person.password_hash if person else _stranger, password) and person is not None
    except (VerificationError, InvalidHashError):
        return False


@dataclass(frozen=True)
class Visitor:
    """The signed-in person of a request."""

    id: int
    name: str
    role: str
    csrf: str
    demo: bool = False


def cookie_name(desk: Desk) -> str:
    """Name of the session cookie; `__Host-` where the address is https."""
    return "__Host-fivegaps" if desk.settings.secure else "fivegaps"


def _is_loopback(host: str | None) -> bool:
    if host in ("localhost", "testclient"):
        return host == "localhost"
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def on_this_computer(request: Request) -> bool:
    """Whether the visitor sits at the server: by the connection and by the name that was asked for.

    The name is checked as well because a foreign page can point its own name at 127.0.0.1.
    """
    client = request.client.host if request.client else None
    forwarded = any(header in request.headers for header in PROXIED)
    return _is_loopback(client) and _is_loopback(request.url.hostname) and not forwarded


def visitor_or_none(request: Request, desk: Annotated[Desk, Depends(get_desk)]) -> Visitor | None:
    """The signed-in person, if there is one."""
    token = request.cookies.get(cookie_name(desk))
    if token:
        with reading(desk.engine) as session:
            found = people.who(session, token)
        if found:
            person, entry = found
            if (time.time() - entry.seen_at.timestamp()) > 300:
                with writing(desk.engine) as session:
                    people.seen(session, session.merge(entry))
            return Visitor(person.id or 0, person.name, person.role, entry.csrf)
    if desk.settings.demo and on_this_computer(request):
        return Visitor(0, "demo", "administrator", desk.demo_csrf, demo=True)
    return None


def signed_in(request: Request, visitor: Annotated[Visitor | None, Depends(visitor_or_none)]) -> Visitor:
    """The signed-in person, or the way to the sign-in page."""
    if visitor is None:
        raise SignInNeeded
    return visitor


def may_publish(visitor: Annotated[Visitor, Depends(signed_in)]) -> Visitor:
    """Someone who may publish, close and make links; to others the page does not exist."""
    if visitor.role not in ("administrator", "officer"):
        raise HTTPException(404)
    return visitor


def sign_in_address(request: Request) -> str:
    """The sign-in page, leading back to the page that was asked for."""
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"/sign-in?next={quote(path)}" if request.method == "GET" else "/sign-in"


def safe_next(path: str) -> str:
    """A path of this server to go on to; anything else becomes the front page."""
    plain = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if plain else "/"


async def same_origin(request: Request) -> None:
    """Refuse a form sent from another site's page; async, so that no thread is woken for it."""
    if request.headers.get("sec-fetch-site") not in (None, "same-origin", "none"):
        raise HTTPException(403, FOREIGN)
    origin = request.headers.get("origin")
    # Our pages send no referrer, so browsers write "null" here; today's say in Sec-Fetch-Site whose form it was.
    if origin and origin != "null" and origin.partition("://")[2] != request.url.netloc:
        raise HTTPException(403, FOREIGN)


def check_csrf(visitor: Visitor, token: str) -> None:
    """Refuse a form of the desk that does not carry the session's own token."""
    if not secrets.compare_digest(token.encode(), visitor.csrf.encode()):
        raise HTTPException(403, TOO_OLD)


VisitorDep = Annotated[Visitor, Depends(signed_in)]
PublisherDep = Annotated[Visitor, Depends(may_publish)]
MaybeVisitorDep = Annotated[Visitor | None, Depends(visitor_or_none)]
