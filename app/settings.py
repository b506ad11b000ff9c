"""Settings, from the environment (`FIVEGAPS_…`), checked at start."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.messages.pofile import PoFileError, read_po

from app.languages import PO, known
from surveys.addresses import tidy

KEY_BYTES = 32


class SettingsError(ValueError):
    """A setting that cannot be used; the message names it, its value and what is allowed."""


@dataclass(frozen=True)
class MailServer:
    """By which server mail is sent, and in whose name: ``FIVEGAPS_SMTP_HOST``, ``…_PORT``, and so on.

    Attributes
    ----------
    sender
        ``FIVEGAPS_MAIL_SENDER``: the address at the head of a mail, its domain in ASCII.
    sender_name
        The name before that address, as in ``Harbour Bank <survey@harbour.example>``; without one, the bank's.
    """

    host: str
    sender: str
    port: int = 587
    starttls: bool = True
    user: str = ""
    password: str = field(default="", repr=False)
    sender_name: str = ""


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
    mail
        The mail server, or None: then no invitations can be sent.
    quiet_days
        ``FIVEGAPS_QUIET_DAYS``: so many days a contact is left in peace after a mail, before another survey writes.
    key_file, key
        Where the key of one-time links lies, or the key itself (``FIVEGAPS_INVITATION_KEY``).
    """

    database_url: str
    public_url: str = "http://127.0.0.1:8000"
    zone: str = "UTC"
    demo: bool = False
    mail: MailServer | None = None
    quiet_days: int = 30
    key_file: Path | None = None
    key: bytes = field(default=b"", repr=False)

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

    def invitation_key(self) -> bytes:
        """The key from which the tokens of one-time links follow; made and kept beside the data at its first use."""
        if self.key:
            return self.key
        if self.key_file is None:
            raise SettingsError("FIVEGAPS_INVITATION_KEY: it is not set; allowed are 32 random bytes in base64")
        try:
            # Written whole under another name first: two processes that both find none must end up with one key.
            if not self.key_file.exists():
                fresh = self.key_file.with_name(f"{self.key_file.name}.{secrets.token_hex(8)}")
                with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
                    file.flush()
                    os.fsync(file.fileno())
                try:
                    os.link(fresh, self.key_file)
                except FileExistsError:
                    pass  # another process was first
                finally:
                    fresh.unlink()
            return _key(self.key_file.read_text("ascii"), str(self.key_file))
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{self.key_file}: the key cannot be read; allowed is 32 bytes in base64") from error


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
    _check_catalogues(environment.get("FIVEGAPS_LOCALE", ""))
    key = environment.get("FIVEGAPS_INVITATION_KEY", "")
    return Settings(
        url,
        public,
        zone,
        demo,
        None if demo else _mail_server(environment),
        _number(environment, "FIVEGAPS_QUIET_DAYS", 30, 0, 3650),
        folder / f"{name}.key",
        _key(key, "FIVEGAPS_INVITATION_KEY") if key else b"",
    )


def _check_catalogues(folder: str) -> None:
    """The operator's own catalogues, which `app.words` has looked for in the folder, can be used."""
    if not folder:
        return
    found = sorted(Path(folder).glob(f"*/{PO}"))
    if not found:
        raise SettingsError(
            f"FIVEGAPS_LOCALE: the value is {folder[:200]!r}; allowed is a folder with catalogues, as in de/{PO}"
        )
    for path in found:
        name = path.parents[1].name
        if not known(name):
            raise SettingsError(f"FIVEGAPS_LOCALE: {name!r} is no locale; allowed are folders as in de or zh_TW")
        try:
            with path.open("rb") as file:
                read_po(file, locale=name, abort_invalid=True)
        except (PoFileError, UnicodeDecodeError, OSError, ValueError) as error:
            raise SettingsError(f"FIVEGAPS_LOCALE: {path} cannot be read ({error}); allowed is a catalogue") from error


def _key(text: str, name: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SettingsError(f"{name}: it is not base64; allowed are {KEY_BYTES} random bytes in base64") from error
    if len(key) < KEY_BYTES:
        raise SettingsError(f"{name}: it has {len(key)} bytes; allowed are {KEY_BYTES} random bytes in base64")
    return key


def _number(environment: Mapping[str, str], name: str, otherwise: int, low: int, high: int) -> int:
    text = environment.get(name) or str(otherwise)
    if not (text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high):
        raise SettingsError(f"{name}: the value is {text[:40]!r}; allowed is a whole number from {low} to {high}")
    return int(text)


def _mail_server(environment: Mapping[str, str]) -> MailServer | None:
    """The mail server of the environment, or None when no host is named."""
    host = environment.get("FIVEGAPS_SMTP_HOST", "").strip()
    if not host:
        return None
    starttls = environment.get("FIVEGAPS_SMTP_STARTTLS", "yes")
    if starttls not in ("yes", "no"):
        raise SettingsError(f"FIVEGAPS_SMTP_STARTTLS: the value is {starttls[:40]!r}; allowed are yes and no")
    user, password = environment.get("FIVEGAPS_SMTP_USER", ""), environment.get("FIVEGAPS_SMTP_PASSWORD", "")
    if password and starttls == "no" and host not in ("localhost", "127.0.0.1", "::1"):
        raise SettingsError(
            "FIVEGAPS_SMTP_STARTTLS: the value is 'no' and there is a password, which would travel in the clear; "
            "allowed is yes"
        )
    port = _number(environment, "FIVEGAPS_SMTP_PORT", 587, 1, 65535)
    name, sender = _sender(environment.get("FIVEGAPS_MAIL_SENDER", ""))
    return MailServer(host, sender, port, starttls == "yes", user, password, name)


def _sender(text: str) -> tuple[str, str]:
    """Name and address of the sender."""
    name, address = parseaddr(text)
    try:
        if not text.isprintable():
            raise ValueError
        return name, tidy(address)
    except ValueError as error:
        raise SettingsError(
            f"FIVEGAPS_MAIL_SENDER: the value is {text[:80]!r}; allowed is an address, with or without a name, as in "
            "Harbour Bank <survey@harbour.example>"
        ) from error


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
