"""The words of a mail: the product's own, or the officer's, with what the placeholders stand for put in.

Both go the same way, so that the plain text, the HTML and the preview cannot say different things.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from app.respond.shell import day_in_words
from app.words import _, ngettext, worded
from surveys.questionnaire import Text
from surveys.store.mails import HOLE, MailTexts


@dataclass(frozen=True)
class Campaign:
    """What the mails of a survey say of it; `mails` are the officer's own words, by language."""

    bank: str
    title: Text
    minutes: int | None
    closes_on: date | None
    public_url: str
    mails: dict[str, dict[str, str]]


@dataclass(frozen=True)
class Piece:
    """A piece of a paragraph: words, or the address of a link."""

    words: str
    link: bool = False


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of a mail; `button` when the personal link stands in it alone."""

    pieces: tuple[Piece, ...]
    button: bool = False

    @property
    def plain(self) -> str:
        """As plain text."""
        return "".join(piece.words for piece in self.pieces)


@dataclass(frozen=True)
class Words:
    """The words of one mail; the sentence before the opt-out link is always the product's."""

    subject: str
    paragraphs: tuple[Paragraph, ...]
    button: str
    stop: str
    own: bool  # the officer's


def standard_texts(campaign: Campaign) -> MailTexts:
    """The product's words in the language being spoken."""
    about = {"bank": "{bank}", "title": "{title}"}
    ask = _("%(bank)s would like to hear what you think: %(title)s.") % about
    again = _("We wrote to you lately, and no answers have come by your link so far.")
    takes = ngettext("It takes about %(n)s minute.", "It takes about %(n)s minutes.", campaign.minutes or 0)
    rest = (
        takes % {"n": "{minutes}"},
        _("The survey is open until %(day)s.") % {"day": "{closes}"},
        "{link}",
        _("The link is meant for you alone and can be used once; opening it does not use it up."),
        _("Your answers are stored without your name and address, and without a note of whose link they came by."),
    )
    return MailTexts(
        _("%(bank)s: how good is our service? Please tell us") % about,
        "\n\n".join((_("Good day,"), ask, *rest)),
        _("%(bank)s: your answers are still missing") % about,
        "\n\n".join((_("Good day,"), again, ask, *rest)),
    )


def words_of(campaign: Campaign, texts: MailTexts | None, *, reminder: bool, link: str, stop: str) -> Words:
    """The words of one mail in the language being spoken.

    A line with a placeholder that has nothing to say, such as the last day of a survey that has none, is left out.
    """
    used = texts or standard_texts(campaign)
    values = {
        "bank": campaign.bank,
        "title": worded(campaign.title),
        "minutes": str(campaign.minutes) if campaign.minutes else "",
        "closes": day_in_words(campaign.closes_on) if campaign.closes_on else "",
        "link": link,
        "stop": stop,
    }
    subject, body = (used.reminder_subject, used.reminder_body) if reminder else (used.subject, used.body)
    return Words(
        "".join(piece.words for piece in _pieces(subject, values)),
        tuple(_paragraphs(body, values)),
        _("Answer the questions"),
        _("If you do not want such mail any more, open this address:"),
        texts is not None,
    )


def _paragraphs(body: str, values: dict[str, str]) -> Iterator[Paragraph]:
    for block in re.split(r"\n{2,}", body):
        lines = [line for line in block.split("\n") if all(values.get(hole, "-") for hole in HOLE.findall(line))]
        if any(line.strip() for line in lines):
            text = "\n".join(lines)
            yield Paragraph(tuple(_pieces(text, values)), button=text.strip() == "{link}")


def _pieces(text: str, values: dict[str, str]) -> Iterator[Piece]:
    """The text with its placeholders filled in once, so that nothing in a value is taken for another."""
    for number, part in enumerate(HOLE.split(text)):
        if part and number % 2 == 0:
            yield Piece(part)
        elif number % 2:
            yield Piece(values.get(part, f"{{{part}}}"), link=part in ("link", "stop"))
