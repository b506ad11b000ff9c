"""A real mail server in this process, on 127.0.0.1, that keeps what it is given and refuses what it is told to."""

from __future__ import annotations

import email
import email.policy
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from app.settings import MailServer


class Box:
    """What arrived, and how the server answers."""

    def __init__(self) -> None:
        self.raw: list[tuple[str, bytes]] = []
        self.refuse: dict[str, str] = {}  # recipient -> answer
        self.after_data = "250 taken"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        if self.after_data.startswith("250"):
            self.raw += [(recipient, envelope.content) for recipient in envelope.rcpt_tos]
        return self.after_data

    def mails(self) -> list[EmailMessage]:
        found = [email.message_from_bytes(raw, policy=email.policy.default) for _, raw in self.raw]
        return [one for one in found if isinstance(one, EmailMessage)]

    def mail_to(self, address: str) -> EmailMessage:
        (found,) = [mail for mail, (to, _) in zip(self.mails(), self.raw, strict=True) if to == address]
        return found


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    """The text of one form of the mail."""
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def link_in(mail: EmailMessage) -> str:
    """The path of the personal link."""
    (line,) = [line for line in text_of(mail).splitlines() if "/i/" in line and "/i/stop/" not in line]
    return "/i/" + line.partition("/i/")[2]


@contextmanager
def mail_server() -> Iterator[tuple[Box, MailServer]]:
    """The server while it runs, and the settings by which it is reached."""
    box = Box()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box, MailServer("127.0.0.1", "survey@harbour.example", port, starttls=False)
    finally:
        controller.stop()
