"""Shared tablets that show a survey as a kiosk: made by an officer, known by a token that only the device has."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import UTC, date, datetime

from sqlalchemy import Connection, select, update
from sqlmodel import Session, col

from surveys.store.collect import fingerprint
from surveys.store.publish import Complaint, Unpublishable
from surveys.tables import Device

PIN = re.compile(r"\d{4,8}")
ROUNDS = 200_000
"""Of PBKDF2: the device checks the number itself, as it has to work without a network."""
TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")


def hashed_pin(pin: str) -> str:
    """Salt, rounds and hash of the number by which staff leave the kiosk."""
    salt = secrets.token_bytes(16)
    digest = hashlib.pbkdf2_hmac("sha256", pin.encode(), salt, ROUNDS)
    return f"{salt.hex()}.{ROUNDS}.{digest.hex()}"


def add(session: Session, survey_id: int, name: str, unit: str, pin: str, today: date) -> tuple[Device, str]:
    """Register a device.

    Parameters
    ----------
    session, survey_id
    name : str
        By which the officer knows it: 1 to 80 characters.
    unit : str
        The branch whose answers it takes, up to 80 characters; "" for none.
    pin : str
        4 to 8 digits, by which staff leave the kiosk.
    today

    Returns
    -------
    Device, str
        The device, and its token, which is stored nowhere and shown once.

    Raises
    ------
    Unpublishable
        With a sentence for each thing that is wrong.
    """
    name, unit, pin = name.strip(), unit.strip(), pin.strip()
    wrong = []
    if not 1 <= len(name) <= 80:
        wrong.append(Complaint("name", "device", str(len(name))))
    if len(unit) > 80:
        wrong.append(Complaint("unit", "unit", str(len(unit))))
    if not (pin.isascii() and PIN.fullmatch(pin)):
        wrong.append(Complaint("pin", "pin", pin[:20]))
    if wrong:
        raise Unpublishable(wrong)
    token = secrets.token_urlsafe(24)
    device = Device(
        survey_id=survey_id,
        name=name,
        unit=unit,
        token_hash=fingerprint("device", token),
        pin=hashed_pin(pin),
        added_on=today,
    )
    session.add(device)
    session.flush()
    return device, token


def all_of(session: Session, survey_id: int) -> list[Device]:
    """The devices of a survey, retired ones last."""
    query = select(Device).where(col(Device.survey_id) == survey_id)
    return list(session.scalars(query.order_by(col(Device.retired), col(Device.name), col(Device.id))))


def find(connection: Connection, survey_id: int, token: str) -> Device | None:
    """The device of that token, unless it was retired."""
    if not TOKEN.fullmatch(token):
        return None
    query = select(Device.__table__).where(  # type: ignore[attr-defined]
        col(Device.token_hash) == fingerprint("device", token),
        col(Device.survey_id) == survey_id,
        ~col(Device.retired),
    )
    row = connection.execute(query).mappings().first()
    return Device(**row) if row else None


def beat(connection: Connection, device_id: int, waiting: int) -> None:
    """The device is alive, and so many answers wait on it.

    The moment is kept to the minute: it tells of the device, and must not tell when somebody answered.
    """
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    change = update(Device).where(col(Device.id) == device_id)
    connection.execute(change.values(seen_at=now, waiting=max(0, min(waiting, 100_000))))


def retire(session: Session, survey_id: int, device_id: int) -> bool:
    """Take a device out of use; False when there is none.  What waits on it is not taken any more."""
    found = session.get(Device, device_id)
    if found is None or found.survey_id != survey_id:
        return False
    found.retired = True
    session.add(found)
    return True
