"""Static files: their address with a fingerprint, and their bytes compressed once."""

from __future__ import annotations

import base64
import gzip
import hashlib
import mimetypes
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response
from rcssmin import cssmin
from rjsmin import jsmin

STATIC = Path(__file__).resolve().parents[1] / "static"
router = APIRouter()


@lru_cache
def _read(name: str, changed: int) -> tuple[bytes, bytes, str, str]:
    data = _smaller(name, (STATIC / name).read_bytes())
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if kind.startswith("text/") or kind == "application/javascript":
        kind += "; charset=utf-8"
    return data, gzip.compress(data, 9, mtime=0), hashlib.sha256(data).hexdigest()[:12], kind


def _smaller(name: str, data: bytes) -> bytes:
    """Our own scripts and styles without comments and indentation; a customer's telephone pays for every letter."""
    if name.startswith("vendor/"):
        return data
    if name.endswith(".js"):
        return str(jsmin(data.decode())).encode()
    return str(cssmin(data.decode())).encode() if name.endswith(".css") else data


@lru_cache
def first_style() -> str:
    """The part of the form's style that the first page needs, to stand in the page itself."""
    whole = (STATIC / "form.css").read_text("utf-8")
    return str(cssmin(whole.partition("/* card:")[0]))


def first_style_hash() -> str:
    """By which the policy of the pages knows this style and no other."""
    return "sha256-" + base64.b64encode(hashlib.sha256(first_style().encode()).digest()).decode()


@lru_cache
def _names() -> frozenset[str]:
    return frozenset(str(path.relative_to(STATIC).as_posix()) for path in STATIC.rglob("*") if path.is_file())


def _load(name: str) -> tuple[bytes, bytes, str, str]:
    return _read(name, (STATIC / name).stat().st_mtime_ns)


def static_url(name: str) -> str:
    """The address of a static file; it changes with the file, so browsers may keep it for a year."""
    return f"/static/{name}?v={_load(name)[2]}"


def static_text(name: str) -> str:
    """A static file as text, for pages that must stand alone."""
    return _load(name)[0].decode()


@router.get("/favicon.ico", include_in_schema=False)
def no_favicon() -> Response:
    """Browsers ask for it unasked; the customer's pages do without."""
    return Response(status_code=204, headers={"cache-control": "public, max-age=31536000"})


@router.get("/static/{name:path}", include_in_schema=False)
def static_file(name: str, request: Request) -> Response:
    """Serve a file of the static folder; names that are not in it do not exist."""
    if name not in _names():
        raise HTTPException(404)
    data, packed, mark, kind = _load(name)
    headers = {
        "etag": f'"{mark}"',
        "vary": "accept-encoding",
        "cache-control": "public, max-age=31536000, immutable" if request.query_params.get("v") == mark else "no-cache",
    }
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(packed, media_type=kind, headers=headers | {"content-encoding": "gzip"})
    return Response(data, media_type=kind, headers=headers)
