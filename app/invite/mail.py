"""A letter as a mail: plain text and HTML, in the contact's language."""

from __future__ import annotations

from datetime import UTC, datetime
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime, make_msgid

from app.invite.letters import Campaign, Words, words_of
from app.settings import MailServer
from app.words import language, negotiate, page_language, render, speak
from surveys.store.invitations import Letter
from surveys.store.mails import MailTexts


class _Whole(UnstructuredHeader):
    """A header with an address of the web in it, which must stay in one piece: folded, it would be encoded."""

    def fold(self, *, policy: Policy) -> str:
        """The header as one line; whatever could end it was refused when it was set."""
        return f"{self.name}: {self}{policy.linesep}"  # type: ignore[attr-defined]


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _Whole)  # type: ignore[arg-type]
POLICY = SMTP.clone(header_factory=_HEADERS)


def compose(letter: Letter, campaign: Campaign, server: MailServer) -> EmailMessage:
    """The mail.  Setting a header refuses line ends, so nothing in a name or title can add another."""
    speak(letter.language or negotiate(None))
    texts = MailTexts(**found) if (found := campaign.mails.get(language())) else None
    link, stop = f"{campaign.public_url}/i/{letter.token}", f"{campaign.public_url}/i/stop/{letter.stop}"
    page = f"{stop}?lang={language()}"
    words = words_of(campaign, texts, reminder=letter.round > 0, link=link, stop=page)
    message = EmailMessage(policy=POLICY)
    message["From"] = Address(display_name=plain(server.sender_name or campaign.bank), addr_spec=server.sender)
    message["To"] = Address(addr_spec=letter.address)
    message["Subject"] = plain(words.subject)
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = make_msgid(domain=server.sender.rpartition("@")[2])
    message["List-Unsubscribe"] = f"<{stop}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["Auto-Submitted"] = "auto-generated"
    text = plain_text(words, page)
    # Lines of any length and letters of any script pass every server in these encodings.
    encoding = "base64" if sum(not letter.isascii() for letter in text) > len(text) / 4 else "quoted-printable"
    message.set_content(text, cte=encoding)
    html = render("invite/mail.html", words=words, link=link, stop=page, bank=campaign.bank, tongue=_tongue(words))
    message.add_alternative(html, subtype="html", cte=encoding)
    message["Content-Language"] = _tongue(words)
    return message


def plain_text(words: Words, stop: str) -> str:
    """The mail as plain text, which ends with the way to opt out."""
    return "\n\n".join((*(paragraph.plain for paragraph in words.paragraphs), f"{words.stop}\n{stop}")) + "\n"


def _tongue(words: Words) -> str:
    """The language of the mail: the contact's, or where the words are ours the nearest that we speak."""
    return language() if words.own else page_language()


def plain(text: str) -> str:
    """Text in one line without signs that are not to be seen."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
