"""The whole form in one document: fetched once, and its answers delivered once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from fastapi import HTTPException, Request, Response

from app.access import same_origin
from app.requests import Desk, get_desk, keep, look, posted_form
from app.respond.faults import first_field, place_of, sentence
from app.respond.published import Published
from app.respond.visit import (
    RECEIPT_SECONDS,
    link_of,
    not_open,
    ready_page,
    receipt_path,
    remember_language,
    set_key,
    survey_of,
)
from app.respond.whole import whole_page
from app.words import N_, _, language
from surveys.coding import Answers, Codebook
from surveys.form import Card, Fault, Page, read_page, visible
from surveys.store import collect
from surveys.store.invitations import Spent, take_in
from surveys.tables import Link

WHOLE = ("/s/{slug}/form", "/s/{slug}/{code}/form")
KEY = re.compile(r"[A-Za-z0-9_-]{32,64}")
"""The sender's key: of 192 bits, so that nobody meets another's by chance."""
UNLINKED = Link(code="", survey_id=0)


async def whole_form(request: Request) -> Response:
    """The document, or the answers that were given in it; a plain route, as each customer needs both."""
    desk, path = await get_desk(request), request.path_params
    if request.method == "POST":
        await same_origin(request)
        posted = await posted_form(request)
    survey = await survey_of(request, desk, path["slug"])
    link = await link_of(desk, survey, path["code"]) if "code" in path else UNLINKED
    if request.method == "POST":
        return await deliver(request, desk, survey, link, posted.values)
    return remember_language(request, desk, survey, not_open(desk, survey) or document(request, desk, survey))


def document(request: Request, desk: Desk, survey: Published) -> Response:
    """The form, the same for everybody who speaks the language."""

    def draw() -> str:
        path = receipt_path(survey)
        address = f"{desk.settings.public_url}{path}"
        return whole_page(survey.view(), survey.pages, survey.book, receipt_path=path, address=address)

    return ready_page(request, survey, draw, "whole", desk.settings.public_url)


async def deliver(
    request: Request, desk: Desk, survey: Published, link: Link, posted: Mapping[str, Sequence[str]], once: str = ""
) -> Response:
    """Read all pages and take the answers in; acknowledged, with the receipt, when they are on disk.

    The same key with the same answers is acknowledged again, also after the survey has closed: the first
    acknowledgement may have been lost on its way.  `once` is the hash of the one-time link that this spends.
    """
    key = request.headers.get("idempotency-key", "")
    if not KEY.fullmatch(key):
        raise HTTPException(400, N_("The answers came without the key of their page; open the page again."))
    if closed := not_open(desk, survey):
        sent = await look(desk, lambda connection: collect.sent_before(connection, key))
        return _receipt(desk, survey, key) if sent else closed
    answers, faults = read_whole(survey.pages, survey.book, posted, survey.begun(key))
    if faults:
        return _json({"faults": [_told(page, fault) for page, fault in faults]}, 422)
    given, today = bytes(answers.closed), desk.settings.today()
    arrival = collect.Arrival(key, given, answers.comments, language(), today, link.unit, link.channel, drafted=False)
    try:
        await keep(desk, lambda connection: take_in(connection, survey.id, survey.book, arrival, once))
    except collect.Conflict:
        # The first delivery had arrived although its sender could not know; what was changed since does not count.
        return _receipt(desk, survey, key, 409)
    except Spent:
        return refused(_("Not sent: this link has been used before. Your answers are still on this device."), 410)
    return _receipt(desk, survey, key)


def refused(message: str, status: int) -> Response:
    """Why the answers were not taken, for the script to say beside its button."""
    return _json({"message": message}, status)


def _receipt(desk: Desk, survey: Published, key: str, status: int = 200) -> Response:
    answer = _json({"receipt": collect.receipt_code(key)}, status)
    set_key(answer, desk, survey, key, RECEIPT_SECONDS)
    return answer


def _json(found: object, status: int = 200) -> Response:
    text = json.dumps(found, ensure_ascii=False)
    return Response(text, status, {"cache-control": "no-store"}, "application/json")


def read_whole(
    pages: Sequence[Page], book: Codebook, posted: Mapping[str, Sequence[str]], begun: Answers | None = None
) -> tuple[Answers, list[tuple[Page, Fault]]]:
    """Read page after page as if they had been sent one by one.

    Blanks are no fault here: the browser has pointed at them, once, and the person has let them be.  `begun` marks what
    was not asked: nothing is read of it, whatever was posted.
    """
    answers, wrong = begun or Answers.blank(book), list[tuple[Page, Fault]]()
    for page in pages:
        met: tuple[Card, ...] = ()
        faults: list[Fault] = []
        # A question may hang on another of its own page; then the page is read again with that one known.
        while (now := visible(page, book, answers)) != met:
            met = now
            answers, faults, _refused = read_page(page, book, answers, posted)
            if len(met) == len(page.cards):
                break
        wrong += [(page, fault) for fault in faults if fault.code != "missing"]
    return answers, wrong


def _told(page: Page, fault: Fault) -> dict[str, object]:
    """A fault as the script shows it: on which page, at which card, where in it, where its link leads, its words."""
    card = next(card for card in page.cards if card.name == fault.card)
    return {
        "page": page.number,
        "card": card.name,
        "place": place_of(fault, card),
        "first": first_field(fault, card),
        "words": sentence(fault, card),
    }
