"""Settings, from the environment (`FIVEGAPS_…`), checked at start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class SettingsError(ValueError):
    """A setting that cannot be used; the message names it, its value and what is allowed."""


@dataclass(frozen=True)
class Settings:
    """What an operator may set.

    Attributes
    ----------
    database_url
        ``FIVEGAPS_DATABASE_URL``: SQLite or PostgreSQL.
    public_url
        ``FIVEGAPS_PUBLIC_URL``: the address under which people reach the server; links and QR codes carry it.
    zone
        ``FIVEGAPS_TIMEZONE``: the zone in which a survey's first and last day begin and end.
    demo
        Sign visitors on this computer in by themselves; never set for a server that others reach.
    """

    database_url: str
    public_url: str = "http://127.0.0.1:8000"
    zone: str = "UTC"
    demo: bool = False

    @property
    def secure(self) -> bool:
        """Whether cookies may travel by https only."""
        return self.public_url.startswith("https://")

    @property
    def host(self) -> str:
        """Host name of the public address."""
        return urlsplit(self.public_url).hostname or ""

    def today(self) -> date:
        """The calendar day in the operator's zone."""
        return datetime.now(ZoneInfo(self.zone)).date()


def from_environment(environment: Mapping[str, str] = os.environ, *, demo: bool = False) -> Settings:
    """Read and check the settings."""
    folder = Path(environment.get("FIVEGAPS_DATA") or Path(__file__).resolve().parents[1] / "var").absolute()
    name = "demo" if demo else "fivegaps"
    url = environment.get("FIVEGAPS_DATABASE_URL") or f"sqlite:///{folder / name}.sqlite3"
    if demo:
        url = f"sqlite:///{folder / name}.sqlite3"
    if url.split(":", 1)[0].split("+")[0] not in ("sqlite", "postgresql"):
        raise SettingsError(
            f"FIVEGAPS_DATABASE_URL: the value begins with {url.split(':', 1)[0]!r}; allowed are sqlite and postgresql"
        )
    public = environment.get("FIVEGAPS_PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
    if not _is_address(public):
        raise SettingsError(f"FIVEGAPS_PUBLIC_URL: the value is {public!r}; allowed is an address as in https://a.bank")
    zone = environment.get("FIVEGAPS_TIMEZONE", "UTC")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise SettingsError(
            f"FIVEGAPS_TIMEZONE: the value is {zone!r}; allowed is a zone name as in Asia/Shanghai"
        ) from error
    if url.startswith("sqlite:"):
        _prepare_folder(url)
    return Settings(url, public, zone, demo)


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _prepare_folder(url: str) -> None:
    """Make the folder of a SQLite file, readable for its owner only."""
    path = Path(url.removeprefix("sqlite:///"))
    if not url.startswith("sqlite:///") or not path.name:
        raise SettingsError(
            f"FIVEGAPS_DATABASE_URL: the value is {url!r}; allowed is a file as in sqlite:///folder/file"
        )
    os.umask(0o077)
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"FIVEGAPS_DATABASE_URL: the folder {path.parent} cannot be made ({error.strerror}); make it first"
        ) from error
