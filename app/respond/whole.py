"""The whole questionnaire as one document, for browsers with script: page turns there need no network.

Which cards a person meets, what is said of a blank and where a page stands on the way is worked out from the same
objects as the pages that are sent one by one, and goes along as data (`rules`).  The script evaluates it and knows
no questionnaire; what it lets through is read again when it is delivered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from app.assets import static_url
from app.languages import own_names
from app.respond.cards import LISTED, next_words, on_every_page, on_page
from app.respond.faults import first_field, heading_words, leave_words, length_words, place_of, sentence, sum_words
from app.respond.headings import page_of, place
from app.respond.shell import SurveyView, draw
from app.words import _, worded
from surveys.coding import Codebook
from surveys.form import Card, Fault, Page, reminders
from surveys.lots import Lot
from surveys.store.collect import DRAFT_DAYS


def whole_page(
    survey: SurveyView,
    pages: Sequence[Page],
    book: Codebook,
    *,
    receipt_path: str,
    address: str,
    seal: str = "",
    kiosk: bool = False,
    full: Sequence[tuple[str, str, int, str]] = (),
) -> str:
    """All pages of questions, all of them hidden at first, with their rules and the page of thanks."""
    leaves = [on_page(page, pages, page.cards, *_nth(page, pages)[0]) for page in pages]
    text = draw(
        "whole",
        survey,
        **on_every_page(book),
        switch="inside",
        whole="form",
        title=leaves[0]["title"],
        leaves=leaves,
        next=next_words(False),
        days=DRAFT_DAYS,
        receipt_path=receipt_path,
        address=address,
        seal=seal,
        kiosk=kiosk,
        first=survey.languages[0],
        languages=list(own_names(survey.languages).items()),
        whole_title=worded(survey.title),
        kiosk_script=static_url("kiosk.js") if kiosk else "",
        full=full,
        rules=data(
            ({"full": full} if full else {})
            | rules(pages, book, survey.lots, survey.shuffled)
            | {"words": _words(survey, pages)}
        ),
        slot=lambda name: "",
        mark=lambda field, byte: "",
    )
    return re.sub(r"\n\s+", "\n", text)


def data(found: object) -> Markup:
    """Plain data as it may stand in a script element."""
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    # Inside a script element nothing but "<" could end or open anything.
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704


def rules(pages: Sequence[Page], book: Codebook, lots: Sequence[Lot] = (), shuffled: bool = False) -> dict[str, Any]:
    """What the script has to know of each page and card; in the short form, also from which items it draws how many."""
    drawn: dict[str, Any] = {"lots": [[lot.items, lot.drawn] for lot in lots]} if lots else {}
    return (
        drawn
        | ({"shuffled": True} if shuffled else {})
        | {
            "pages": [
                {
                    "number": page.number,
                    "reminds": page.reminds,
                    **({"screens": True} if page.title == "screening" else {}),
                    "at": _at(page, pages),
                    "cards": [_card(card, book, shuffled) for card in page.cards],
                }
                for page in pages
            ],
        }
    )


def _certain(page: Page) -> bool:
    return any(
        card.unless is None and (card.question is None or card.question.condition is None) for card in page.cards
    )


def _nth(page: Page, pages: Sequence[Page]) -> list[tuple[int, int]]:
    """Which of how many pages this one can be, as conditional pages before and after it are met or not."""
    before = [_certain(other) for other in pages if other.number < page.number]
    after = [_certain(other) for other in pages if other.number > page.number]
    return [
        (shown, shown + following)
        for shown in range(before.count(True) + 1, len(before) + 2)
        for following in range(after.count(True), len(after) + 1)
    ]


def _at(page: Page, pages: Sequence[Page]) -> dict[str, list[str]]:
    """ "shown/of" -> the line above the title and the page's number, in words."""
    return {f"{shown}/{of}": [place(page, pages, shown, of), page_of(shown, of)] for shown, of in _nth(page, pages)}


def _card(card: Card, book: Codebook, shuffled: bool = False) -> dict[str, Any]:
    """One card: its fields, the answer it hangs on, and what is to be said of it.

    `fields` are the names under which it is posted.  `asks` lists its parts that want an answer: a field, where the
    reminder stands, where its link leads, its words.  A plain rating has its own name as its only field, and says in
    `ask` what it wants: there are many, and the script can work out the rest.
    """
    missing = reminders(card, book)
    found: dict[str, Any] = {
        "name": card.name,
        "kind": card.kind,
        "fields": [card.name] if card.kind in ("multiple", "text") else [book.fields[n].name for n in card.fields],
        "asks": [[one.field, place_of(one, card), first_field(one, card), sentence(one, card)] for one in missing],
    }
    if card.kind == "rating" and len(missing) == 1:
        del found["kind"], found["fields"], found["asks"]
        found["ask"] = sentence(missing[0], card)
    if card.item is not None and (shuffled or book.fields[card.fields[0]].drawn):
        found["item"] = card.item.id
    if card.unless:
        found["unless"] = card.unless
    if card.question and card.question.condition:
        found["if"] = card.question.condition
    if card.kind == "points" and card.question:
        total = card.question.total
        found |= {
            "total": total,
            "uncounted": sentence(Fault("not_allowed", card.name, "", "{value}"), card),
            "more": sum_words("{given}", total, "{left}", over=False),
            "less": sum_words("{given}", total, "{left}", over=True),
        }
    elif card.kind == "multiple" and card.question:
        alone = [option.code for option in card.question.options if option.exclusive]
        found["alone"] = {code: sentence(Fault("exclusive", card.name, card.name, code), card) for code in alone}
    elif card.kind == "text":
        limit = book.limits[card.name]
        found |= {"limit": limit, "long": length_words("{length}", limit)}
    return found


def _words(survey: SurveyView, pages: Sequence[Page]) -> dict[str, object]:
    """What the script says that belongs to no card; where a number is in a sentence, one for each number."""
    numbers = range(1, max(len(page.cards) for page in pages) + 1)
    return {
        "days": DRAFT_DAYS,
        "titled": f"{{title}} · {survey.bank}" if survey.bank else "{title}",
        "next": next_words(False),
        "send": next_words(True),
        "sending": _("Sending …"),
        "again": _("Try again"),
        "blank": [heading_words(number, blank=True) for number in numbers],
        "wrong": [heading_words(number, blank=False) for number in numbers],
        "leave": [[leave_words(number, next_words(last)) for number in numbers] for last in (False, True)],
        "listed": LISTED,
        "more": _("and %(n)s more, marked below") % {"n": "{n}"},
        "lost": _("Not sent yet; your answers are kept on this device. Please try again."),
        "later": _(
            "Not sent yet: the server could not store anything just now. Your answers are kept on this device. "
            "Please try again in a moment."
        ),
        "closed": _("Not sent: this survey has closed. Your answers are still on this device, and nowhere else."),
        "large": _("Not sent: your texts are too long together. Please shorten them and try again."),
        "held": _("Thank you. Your answers are kept on this device."),
        "unparked": _("Could not be kept for another device just now. Your answers are still on this one."),
        "refused": _("Not sent: the server refused it. Your answers are kept on this device; please try again."),
    }
