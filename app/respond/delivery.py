"""The whole form in one document: fetched once, and its answers delivered once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from fastapi import HTTPException, Request, Response

from app.access import same_origin
from app.requests import Desk, Posted, get_desk, keep, look, posted_form
from app.respond.enough import full_of, rows
from app.respond.faults import first_field, place_of, sentence
from app.respond.names import fill
from app.respond.published import Published
from app.respond.signs import hasty, mark_sent, signs_of
from app.respond.visit import (
    RECEIPT_SECONDS,
    count_steps,
    invited,
    link_of,
    not_open,
    ready_page,
    receipt_path,
    remember_language,
    set_correcting,
    set_key,
    survey_of,
)
from app.respond.whole import whole_page
from app.words import N_, _, language
from surveys.codes import NOT_ASKED
from surveys.coding import Answers, Codebook
from surveys.form import Card, Fault, Page, read_page, visible
from surveys.piping import BANK, BRANCH
from surveys.store import collect, receipts
from surveys.store.fieldwork import MAIL, SENT, STARTED
from surveys.store.invitations import NotInvited, Spent, take_in
from surveys.store.quotas import Limit
from surveys.tables import Link

WHOLE = ("/s/{slug}/form", "/s/{slug}/{code}/form")
PASSED = ("/s/{slug}/passed", "/s/{slug}/{code}/passed")
KEY = re.compile(r"[A-Za-z0-9_-]{32,64}")
"""The sender's key: of 192 bits, so that nobody meets another's by chance."""
UNLINKED = Link(code="", survey_id=0)


@dataclass(frozen=True)
class Sent:
    """What a device sends: the answers as a form posts them, and what they stand for.

    `once` is the hash of the one-time link that they spend, `corrects` the receipt code of the answers they replace,
    `parked` says that they were kept for another device, and `day` is given by a device that delivers later.
    """

    key: str
    values: Mapping[str, Sequence[str]]
    once: str = ""
    corrects: str = ""
    parked: bool = False
    flags: int = 0
    day: date | None = None
    told: int = 0  # the last page of which it was told that it was passed
    seconds: str = ""  # how long it took, as the device says
    way: str | None = None  # the way in, where it is neither the link's nor a personal one


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
    if closed := not_open(desk, survey, survey.view(link.code).path, invited=invited(request, survey)):
        return remember_language(request, desk, survey, closed)
    if "for-later" not in request.headers:  # a page that a browser only keeps, for when there is no network
        count_steps(desk, survey, link.code, (STARTED,))
    full = full_of(survey, link.unit, link.channel)
    return remember_language(request, desk, survey, document(request, desk, survey, link.unit, full))


async def passed(request: Request) -> Response:
    """Which pages were passed by somebody who has turned to something else; nobody waits for the answer."""
    desk, path = await get_desk(request), request.path_params
    await same_origin(request)
    posted = await posted_form(request)
    survey = await survey_of(request, desk, path["slug"])
    link = await link_of(desk, survey, path["code"]) if "code" in path else UNLINKED
    count_passed(desk, survey, link.code, posted)
    return Response(status_code=204)


def count_passed(desk: Desk, survey: Published, way: str, posted: Posted) -> None:
    """Count the pages that a browser says were passed."""
    first, last = (page_number(posted.get(name)) for name in ("from", "to"))
    if first and not_open(desk, survey, invited=True) is None:
        count_steps(desk, survey, way, [page.number for page in survey.pages if first <= page.number <= last])


def page_number(text: str) -> int:
    """A page's number as a browser tells it; 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else 0


def document(
    request: Request,
    desk: Desk,
    survey: Published,
    unit: str = "",
    full: tuple[Limit, ...] = (),
    *,
    kiosk: bool = False,
) -> Response:
    """The form, the same for everybody who speaks the language; with `kiosk` as a shared tablet shows it.

    Only where the wording of an item names the branch (`unit`), or quotas are `full`, is there more than one.
    """

    def draw() -> str:
        path = receipt_path(survey)
        address = f"{desk.settings.public_url}{path}"
        view, seal = survey.view(), desk.seal
        text = whole_page(
            view,
            survey.pages,
            survey.book,
            receipt_path=path,
            address=address,
            seal=seal,
            kiosk=kiosk,
            full=rows(full),
        )
        return fill(text, {BANK: survey.bank, BRANCH: unit})

    unit = unit if survey.names_branch else ""
    kind = "kiosk" if kiosk else "whole"
    filled = tuple(one.id for one in full)
    return ready_page(request, survey, draw, kind, desk.settings.public_url, desk.seal, unit, filled)


async def deliver(
    request: Request, desk: Desk, survey: Published, link: Link, posted: Mapping[str, Sequence[str]], once: str = ""
) -> Response:
    """Read all pages and take the answers in; acknowledged, with the receipt, when they are on disk.

    The same key with the same answers is acknowledged again, also after the survey has closed: the first
    acknowledgement may have been lost on its way.  `once` is the hash of the one-time link that this spends.
    """
    headers, key = request.headers, key_of(request)
    if closed := untaken(desk, survey, headers.get("survey-mark", "")):
        sent = await look(desk, lambda connection: collect.sent_before(connection, key))
        return _receipt(desk, survey, Sent(key, posted, corrects=headers.get("receipt", ""))) if sent else closed
    flags = signs_of(request, desk, survey, key, invited=bool(once))
    told = page_number(headers.get("told", ""))
    receipt, seconds = headers.get("receipt", ""), headers.get("seconds", "")
    sent_now = Sent(key, posted, once, receipt, "parked" in headers, flags, told=told, seconds=seconds)
    return await take(desk, survey, link, sent_now)


def key_of(request: Request) -> str:
    """The sender's key."""
    key = request.headers.get("idempotency-key", "")
    if not KEY.fullmatch(key):
        raise HTTPException(400, N_("The answers came without the key of their page; open the page again."))
    return key


async def take(desk: Desk, survey: Published, link: Link, sent: Sent) -> Response:
    """Read what a device sends and store it, or say what is wrong with it."""
    begun = await _begun(desk, survey, sent)
    if begun is None:
        return refused(_("Not sent: these answers were withdrawn, so they cannot be changed."), 410)
    answers, faults = read_whole(survey.pages, survey.book, sent.values, begun)
    if faults:
        return _json({"faults": [_told(page, fault) for page, fault in faults]}, 422)
    if survey.preview:
        return _json({"end": f"/s/{survey.slug}/thanks"})
    arrival = collect.Arrival(
        sent.key,
        bytes(answers.closed),
        answers.comments,
        language(),
        sent.day or desk.settings.today(),
        link.unit,
        link.channel,
        drafted=sent.parked,
        order=survey.order(sent.key),
        flags=sent.flags | hasty(sent.seconds, survey, answers),
    )
    try:
        if sent.corrects:
            await keep(desk, lambda c: receipts.correct(c, survey.answers_id, survey.book, arrival, sent.corrects))
        else:
            await keep(desk, lambda connection: take_in(connection, survey.answers_id, survey.book, arrival, sent.once))
    except collect.Conflict:
        # The first delivery had arrived although its sender could not know; what was changed since does not count.
        return _receipt(desk, survey, sent, 409)
    except NotInvited:
        sentence = _("Not sent: this survey is by invitation only. Your answers are still on this device.")
        return refused(sentence, 403)
    except Spent:
        return refused(_("Not sent: this link has been used before. Your answers are still on this device."), 410)
    except receipts.Unknown:
        return refused(_("Not sent: these answers were withdrawn, so they cannot be changed."), 410)
    met = [page.number for page in survey.pages if page.number > sent.told and visible(page, survey.book, answers)]
    way = sent.way if sent.way is not None else MAIL if sent.once else link.code
    count_steps(desk, survey, way, [*met, SENT])
    return _receipt(desk, survey, sent)


async def _begun(desk: Desk, survey: Published, sent: Sent) -> Answers | None:
    """What is not to be asked: drawn from the key, or as it was in the answers that are corrected."""
    if not sent.corrects:
        return survey.begun(sent.key)
    kept = await look(desk, lambda connection: receipts.open_receipt(connection, sent.corrects))
    if kept is None or kept.survey_id != survey.answers_id or kept.withdrawn:
        return None
    return Answers(bytearray(NOT_ASKED if byte == NOT_ASKED else 0 for byte in kept.answers.closed))


def untaken(desk: Desk, survey: Published, mark: str) -> Response | None:
    """Why the answers of a page with this mark are not taken in now, or None."""
    if mark and mark != survey.view().mark:
        # A page of the trial run, or of the preview, that was left open: its answers must not count as real ones.
        return refused(
            _("Not sent: this page belonged to a trial run, which is over. Please open the survey again."), 410
        )
    if survey.state(desk.settings.today()) == "paused":
        message = _(
            "Not sent yet: this survey is paused. Your answers are kept on this device; please try again later."
        )
        return refused(message, 503)
    return not_open(desk, survey, invited=True)  # whether it is by invitation is asked where it is stored


def refused(message: str, status: int) -> Response:
    """Why the answers were not taken, for the script to say beside its button."""
    return _json({"message": message}, status)


def _receipt(desk: Desk, survey: Published, sent: Sent, status: int = 200) -> Response:
    code = sent.corrects or collect.receipt_code(sent.key)
    answer = _json({"receipt": code}, status)
    set_key(answer, desk, survey, sent.key, RECEIPT_SECONDS)
    if sent.corrects:
        set_correcting(answer, desk, survey, sent.corrects, 0, RECEIPT_SECONDS)
    mark_sent(answer, desk, survey)
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
