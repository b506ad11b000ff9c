"""A letter as a mail: plain text and HTML, in the contact's language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime, make_msgid

from app.respond.shell import day_in_words
from app.settings import MailServer
from app.words import _, language, negotiate, ngettext, render, speak
from surveys.questionnaire import Text, say
from surveys.store.invitations import Letter


class _Whole(UnstructuredHeader):
    """A header with an address of the web in it, which must stay in one piece: folded, it would be encoded."""

    def fold(self, *, policy: Policy) -> str:
        """The header as one line; whatever could end it was refused when it was set."""
        return f"{self.name}: {self}{policy.linesep}"  # type: ignore[attr-defined]


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _Whole)  # type: ignore[arg-type]
POLICY = SMTP.clone(header_factory=_HEADERS)


@dataclass(frozen=True)
class Campaign:
    """What the mails of a survey say of it."""

    bank: str
    title: Text
    minutes: int | None
    closes_on: date | None
    public_url: str


@dataclass(frozen=True)
class Words:
    """The words of one mail, its links apart."""

    subject: str
    greeting: str
    before: tuple[str, ...]
    button: str
    after: tuple[str, ...]
    stop: str


def compose(letter: Letter, campaign: Campaign, server: MailServer) -> EmailMessage:
    """The mail.  Setting a header refuses line ends, so nothing in a name or title can add another."""
    speak(negotiate(letter.language, letter.language))
    words = _words(campaign, reminder=letter.round > 0)
    link, stop = f"{campaign.public_url}/i/{letter.token}", f"{campaign.public_url}/i/stop/{letter.stop}"
    page = f"{stop}?lang={language()}"
    message = EmailMessage(policy=POLICY)
    message["From"] = Address(display_name=plain(server.sender_name or campaign.bank), addr_spec=server.sender)
    message["To"] = Address(addr_spec=letter.address)
    message["Subject"] = plain(words.subject)
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = make_msgid(domain=server.sender.rpartition("@")[2])
    message["List-Unsubscribe"] = f"<{stop}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["Auto-Submitted"] = "auto-generated"
    text = "\n\n".join((words.greeting, *words.before, link, *words.after, f"{words.stop}\n{page}")) + "\n"
    # Lines of any length and letters of any script pass every server in these encodings.
    encoding = "quoted-printable" if language() == "en" else "base64"
    message.set_content(text, cte=encoding)
    html = render("invite/mail.html", words=words, link=link, stop=page, bank=campaign.bank)
    message.add_alternative(html, subtype="html", cte=encoding)
    message["Content-Language"] = language()
    return message


def plain(text: str) -> str:
    """Text in one line without signs that are not to be seen."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())


def _words(campaign: Campaign, *, reminder: bool) -> Words:
    about = {"bank": campaign.bank, "title": say(campaign.title, language())}
    subject = _("%(bank)s: how good is our service? Please tell us")
    before = [_("%(bank)s would like to hear what you think: %(title)s.") % about]
    if reminder:
        subject = _("%(bank)s: your answers are still missing")
        before.insert(0, _("We wrote to you lately, and no answers have come by your link so far."))
    if campaign.minutes:
        takes = ngettext("It takes about %(n)s minute.", "It takes about %(n)s minutes.", campaign.minutes)
        before.append(takes % {"n": campaign.minutes})
    if campaign.closes_on:
        before.append(_("The survey is open until %(day)s.") % {"day": day_in_words(campaign.closes_on)})
    after = (
        _("The link is meant for you alone and can be used once; opening it does not use it up."),
        _("Your answers are stored without your name and address, and without a note of whose link they came by."),
    )
    stop = _("If you do not want such mail any more, open this address:")
    return Words(subject % about, _("Good day,"), tuple(before), _("Answer the questions"), after, stop)
