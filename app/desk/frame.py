"""What surrounds every page of the desk: who is signed in, where one can go, the other language."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from app.access import Visitor
from app.requests import Desk
from app.words import LANGUAGES, language, page_language


@dataclass(frozen=True)
class Frame:
    """The frame of a page."""

    path: str
    person: str | None
    demo: bool
    csrf: str
    may_publish: bool
    language: str
    others: tuple[tuple[str, str], ...]  # (code, name) of the other languages


def frame(request: Request, desk: Desk, visitor: Visitor | None) -> Frame:
    """The frame for this request."""
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return Frame(
        path if request.method == "GET" else request.url.path,
        visitor.name if visitor else None,
        bool(visitor and visitor.demo),
        visitor.csrf if visitor else "",
        bool(visitor and visitor.role in ("administrator", "officer")),
        page_language(),
        tuple((code, name) for code, name in LANGUAGES.items() if code != language()),
    )
