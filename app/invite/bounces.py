"""Delivery status notifications (RFC 3464): which addresses no mail reaches."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.policy import compat32

from surveys.addresses import tidy

LARGEST = 50_000_000
STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
# Permanent by their number, but of the mailbox's contents, the way, or what was thought of the mail: not the address.
PASSING = {("2", "2"), ("4", "7")}
_BETWEEN = re.compile(rb"^From [^\r\n]*\r?\n", re.MULTILINE)


@dataclass(frozen=True)
class Bounce:
    """One address that a notification speaks of; a `hard` one is not to be written to again."""

    address: str
    status: str
    hard: bool


def read_bounces(data: bytes) -> list[Bounce]:
    """The addresses of all notifications in an mbox file or in one message; other mail is passed over."""
    messages = _BETWEEN.split(data)[1:] if data.startswith(b"From ") else [data]
    return [bounce for one in messages for bounce in _of_message(message_from_bytes(one, policy=compat32))]


def _of_message(message: Message) -> Iterator[Bounce]:
    for part in message.walk():
        blocks = part.get_payload()
        if part.get_content_type() != "message/delivery-status" or not isinstance(blocks, list):
            continue
        for block in blocks:
            found = _of_recipient(block) if isinstance(block, Message) else None
            if found:
                yield found


def _of_recipient(block: Message) -> Bounce | None:
    """What one block of fields says; None for the first, which is about the message as a whole."""
    text = str(block.get("Final-Recipient") or block.get("Original-Recipient") or "")
    kind, _, written = text.partition(";")
    try:
        address = tidy((written if written else kind).strip().strip("<>"))
    except ValueError:
        return None
    known = STATUS.search(str(block.get("Status", ""))) or STATUS.search(str(block.get("Diagnostic-Code", "")))
    failed = str(block.get("Action", "")).strip().lower() == "failed"
    return Bounce(address, known[0] if known else "", failed and known is not None and is_hard(known[0]))


def is_hard(status: str) -> bool:
    """Whether an enhanced status code (RFC 3463) says that the address itself will never do."""
    kind, subject, detail = status.split(".")
    return kind == "5" and subject not in ("3", "7") and (subject, detail) not in PASSING
