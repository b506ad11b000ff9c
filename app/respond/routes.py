"""The respondent's way page by page: welcome, pages, thanks."""

from __future__ import annotations

from contextlib import suppress

from fastapi import APIRouter, Request, Response
from starlette.convertors import Convertor, register_url_convertor

from app.access import same_origin
from app.invite.notices import used
from app.requests import Desk, DeskDep, Posted, PostedDep, get_desk, keep, look, posted_form
from app.respond import elsewhere, view
from app.respond.delivery import UNLINKED
from app.respond.enough import after_screening, at_the_door
from app.respond.names import fill, names_of
from app.respond.published import Published
from app.respond.signs import begun_cookie, mark_begun, mark_sent, signs_of_pages
from app.respond.visit import (
    RECEIPT_SECONDS,
    Here,
    SurveyDep,
    code_of,
    cookie_of,
    correcting,
    correcting_cookie,
    count_steps,
    html,
    invited,
    language_of,
    link_of,
    not_open,
    once_cookie,
    page_html,
    ready_page,
    receipt_path,
    remember_language,
    see_other,
    set_correcting,
    set_key,
    set_language,
    survey_of,
)
from app.words import negotiate, speak
from surveys.coding import Answers
from surveys.form import (
    Fault,
    Page,
    arranged,
    forget_unmet,
    next_page,
    previous_page,
    read_page,
    visible,
    whole_faults,
)
from surveys.store import collect, receipts
from surveys.store.collect import Begun
from surveys.store.fieldwork import MAIL, OPENED, SENT, STARTED
from surveys.store.invitations import NotInvited, Spent, find, link_hash, take_in

router = APIRouter(include_in_schema=False)


class PageNumber(Convertor[int]):
    """A page number in an address; longer runs of digits are no page."""

    regex = "[1-9][0-9]{0,2}"

    def convert(self, value: str) -> int:
        """The number."""
        return int(value)

    def to_string(self, value: int) -> str:
        """The number as text."""
        return str(value)


register_url_convertor("page", PageNumber())
ONE_PAGE = "/s/{slug}/{number:page}"


async def one_page(request: Request) -> Response:
    """A page of the form, shown or sent.

    Nine of ten requests come here, so the route is a plain one (added by `create_app`), and the desk, the survey and
    the form are fetched by hand: the framework's machinery for dependencies would take as long as all the rest.
    """
    desk, number = await get_desk(request), request.path_params["number"]
    if request.method != "POST":
        return await show_page(request, desk, await survey_of(request, desk, request.path_params["slug"]), number)
    await same_origin(request)
    posted = await posted_form(request)
    return await send_page(request, desk, await survey_of(request, desk, request.path_params["slug"]), number, posted)


async def welcome(request: Request) -> Response:
    """Who asks, why, how long, what happens with the answers; under a short code it carries unit and channel.

    Each customer comes here, so it is a plain route for the same reason as `one_page`.
    """
    desk, code = await get_desk(request), request.path_params.get("code", "")
    survey = await survey_of(request, desk, request.path_params["slug"])
    link = await link_of(desk, survey, code) if code else UNLINKED
    # Answers begun page by page lie here and not in the browser: they go on as they were begun.
    begun = (await _draft(request, desk, survey))[1] is not None

    def draw() -> str:
        return view.welcome(survey.view(code), receipt_path=receipt_path(survey), whole=not begun)

    if closed := not_open(desk, survey, survey.view(code).path, invited=invited(request, survey)):
        return remember_language(request, desk, survey, closed)
    for_now = "for-later" not in request.headers
    if not begun and (enough := at_the_door(desk, survey, link.unit, link.channel, code, counted=for_now)):
        return remember_language(request, desk, survey, enough)
    if for_now:
        count_steps(desk, survey, code, (OPENED,))
    return remember_language(request, desk, survey, ready_page(request, survey, draw, "welcome", code, begun))


@router.post("/s/{slug}/start", dependencies=[Here])
async def start(request: Request, desk: DeskDep, survey: SurveyDep, posted: PostedDep) -> Response:
    """Open a draft and lead to the first page; a draft that is open goes on where it was."""
    return await _start(request, desk, survey, posted, "")


@router.get("/s/{slug}/thanks")
async def thanks(request: Request, desk: DeskDep, survey: SurveyDep) -> Response:
    """The receipt code, in the browser that sent the answers and for a few minutes only."""
    if survey.preview:
        return html(view.preview_over(survey.view()))
    key = request.cookies.get(cookie_of(survey), "")
    if not key or not await look(desk, lambda connection: collect.sent_before(connection, key)):
        return see_other(f"/s/{survey.slug}")
    path, address = receipt_path(survey), f"{desk.settings.public_url}{receipt_path(survey)}"
    code = correcting(request, survey)[0] or collect.receipt_code(key)
    return html(view.thanks(survey.view(), code, receipt_path=path, address=address))


async def show_page(request: Request, desk: Desk, survey: Published, number: int) -> Response:
    """One page of the form with what was answered so far."""
    key, draft = await _draft(request, desk, survey)
    if draft is None:
        return await _without_draft(desk, survey, key)
    speak(negotiate(draft.language, None, survey.questionnaire.languages))
    page = _page(survey, draft, number)
    if page is None or page.number != number:
        return see_other(f"/s/{survey.slug}/{page.number if page else 1}")
    if closed := not_open(desk, survey, invited=invited(request, survey)):
        return closed
    answers = _answers(draft)
    # A page on which nothing is answered yet names nobody; which items were drawn is alike for many.
    met = visible(page, survey.book, answers)
    blank = not draft.comments and not any(draft.closed[number] for card in met for number in card.fields)
    return page_html(request, _drawn(survey, draft, page, answers, _order(request, survey, key)), of_everybody=blank)


async def send_page(request: Request, desk: Desk, survey: Published, number: int, posted: Posted) -> Response:
    """Take one page: keep what is valid, say what is not, go where the pressed button leads."""
    key, draft = await _draft(request, desk, survey)
    if draft is None:
        return await _without_draft(desk, survey, key)
    speak(negotiate(draft.language, None, survey.questionnaire.languages))
    closed = not_open(desk, survey, invited=invited(request, survey))
    if closed and survey.phase != "paused":
        return closed
    page = _page(survey, draft, number)
    if page is None or page.number != number:
        return see_other(f"/s/{survey.slug}/{page.number if page else 1}")
    taken, faults, refused = read_page(page, survey.book, _answers(draft), posted.values)
    go, order = posted.get("go"), _order(request, survey, key)
    draft.closed, draft.comments = bytes(taken.closed), taken.comments
    if closed:  # paused: this page is kept as well, and the way goes on from it
        await keep(desk, lambda connection: collect.save_draft(connection, draft))
        return closed
    if go in survey.questionnaire.languages:
        draft.language = go
        speak(go)
    hard = [fault for fault in faults if fault.code != "missing"]
    onwards = go == "" and not hard and (not faults or posted.get("seen") == str(number))
    if onwards:
        if number > draft.furthest:
            count_steps(desk, survey, await _way(request, desk, survey, draft), (number,))
        draft.furthest = max(draft.furthest, number)
        if page.title == "screening" and not correcting(request, survey)[0]:
            way, carried = await _way(request, desk, survey, draft), await _carried(request, desk, survey, draft)
            if enough := after_screening(desk, survey, taken, *carried, way):
                await keep(desk, lambda connection: collect.forget_draft(connection, key))
                return enough
        following = next_page(survey.pages, survey.book, taken, number)
        if following is None:
            return await _send(request, desk, survey, key, draft, taken)
    await keep(desk, lambda connection: collect.save_draft(connection, draft))
    if go == "later":
        return await elsewhere.park_pages(request, desk, survey, key, draft)
    if go == "back":
        before = previous_page(survey.pages, survey.book, taken, number)
        return see_other(f"/s/{survey.slug}/{before.number}" if before else f"/s/{survey.slug}")
    if onwards and following is not None:
        return see_other(f"/s/{survey.slug}/{following.number}")
    if go in survey.questionnaire.languages:
        answer: Response = see_other(f"/s/{survey.slug}/{number}")
        if refused:
            answer = html(_drawn(survey, draft, page, taken, order, hard, refused), 422)
        set_language(answer, desk, survey, go)
        return answer
    return html(_drawn(survey, draft, page, taken, order, faults, refused), 422)


@router.post("/s/{slug}/{code}/start", dependencies=[Here])
async def start_by_link(request: Request, desk: DeskDep, survey: SurveyDep, code: str, posted: PostedDep) -> Response:
    """Open a draft that knows its unit and channel."""
    return await _start(request, desk, survey, posted, code)


async def _start(request: Request, desk: Desk, survey: Published, posted: Posted, code: str) -> Response:
    if closed := not_open(desk, survey, survey.view(code).path, invited=invited(request, survey)):
        return closed
    unit = channel = ""
    if code:
        link = await link_of(desk, survey, code)
        unit, channel = link.unit, link.channel
    go = posted.get("go")
    if go in survey.questionnaire.languages:
        answer = see_other(survey.view(code).path)
        set_language(answer, desk, survey, go)
        return answer
    key, draft = await _draft(request, desk, survey)
    if draft is not None:
        resumed = _page(survey, draft, draft.furthest + 1)
        return see_other(f"/s/{survey.slug}/{resumed.number if resumed else 1}")
    if enough := at_the_door(desk, survey, unit, channel, code):
        return enough
    key = collect.new_key()
    begun = survey.begun(key)
    draft = Begun(
        token_hash=collect.fingerprint("draft", key),
        survey_id=survey.answers_id,
        unit=unit,
        channel=channel,
        language=language_of(request, survey),
        closed=bytes(begun.closed),
        comments={},
        expires_on=collect.draft_expiry(desk.settings.today()),
    )
    await keep(desk, lambda connection: collect.begin_draft(connection, draft))
    count_steps(desk, survey, await _way(request, desk, survey, draft), (STARTED,))
    first = next_page(survey.pages, survey.book, begun, 0)
    answer = see_other(f"/s/{survey.slug}/{first.number if first else 1}")
    set_key(answer, desk, survey, key, collect.DRAFT_DAYS * 86400)
    mark_begun(answer, desk, survey, key, collect.DRAFT_DAYS * 86400)
    if correcting(request, survey)[0]:  # a correction that was left alone: these are answers of their own
        answer.delete_cookie(correcting_cookie(survey), path=f"/s/{survey.slug}")
    return answer


async def _way(request: Request, desk: Desk, survey: Published, draft: Begun) -> str:
    """By which way somebody came who answers page by page: the draft itself knows only branch and channel."""
    if request.cookies.get(once_cookie(survey)):
        return MAIL
    return await code_of(desk, survey, draft.unit, draft.channel)


async def _carried(request: Request, desk: Desk, survey: Published, draft: Begun) -> tuple[str, str]:
    """Branch and way in: a draft does not know of a personal link, as its answers lie beside it; the browser does."""
    token = request.cookies.get(once_cookie(survey), "")
    opening = await look(desk, lambda connection: find(connection, token)) if token else None
    return (opening.unit, opening.channel) if opening else (draft.unit, draft.channel)


def _order(request: Request, survey: Published, key: str) -> int:
    """The seed of the items' order in this visit; a correction keeps that of the first time."""
    code, order = correcting(request, survey)
    return order if code else survey.order(key)


async def _draft(request: Request, desk: Desk, survey: Published) -> tuple[str, Begun | None]:
    key: str = request.cookies.get(cookie_of(survey), "")
    if not key:
        return "", None
    return key, await look(desk, lambda connection: collect.find_draft(connection, survey.answers_id, key))


def _answers(draft: Begun) -> Answers:
    return Answers(bytearray(draft.closed), dict(draft.comments))


async def _without_draft(desk: Desk, survey: Published, key: str) -> Response:
    """No draft: the answers were sent (a second press, or the back button), or the page has expired."""
    sent = bool(key) and await look(desk, lambda connection: collect.sent_before(connection, key))
    if sent:
        return see_other(f"/s/{survey.slug}/thanks")
    return not_open(desk, survey) or html(view.lost(survey.view()), 410)


def _page(survey: Published, draft: Begun, number: int) -> Page | None:
    """The page of that number, or the one to show instead: not beyond the next unanswered page."""
    answers = _answers(draft)
    page = next_page(survey.pages, survey.book, answers, number - 1)
    limit = next_page(survey.pages, survey.book, answers, draft.furthest)
    if page is None:
        return limit or previous_page(survey.pages, survey.book, answers, len(survey.pages) + 1)
    return page if limit is None or page.number <= limit.number else limit


def _drawn(
    survey: Published,
    draft: Begun,
    page: Page,
    answers: Answers,
    order: int,
    faults: list[Fault] | None = None,
    refused: dict[str, str] | None = None,
) -> str:
    met = [candidate.number for candidate in survey.pages if visible(candidate, survey.book, answers)]
    text = view.form_page(
        survey.view(),
        arranged(page, order),
        survey.pages,
        survey.book,
        answers,
        faults or [],
        refused or {},
        last=page.number == met[-1],
        shown=met.index(page.number) + 1,
        of=len(met),
    )
    if "data-pipe" in text:
        text = fill(text, names_of(survey.questionnaire, survey.book, answers, survey.bank, draft.unit))
    return text


async def _send(request: Request, desk: Desk, survey: Published, key: str, draft: Begun, answers: Answers) -> Response:
    """The last page: the whole is checked once more, taken into the inbox, and acknowledged when it is on disk."""
    forget_unmet(survey.pages, survey.book, answers)
    wrong = whole_faults(survey.pages, survey.book, answers)
    if wrong is not None:
        await keep(desk, lambda connection: collect.save_draft(connection, draft))
        return see_other(f"/s/{survey.slug}/{wrong.number}")
    if survey.preview:
        await keep(desk, lambda connection: collect.forget_draft(connection, key))
        return see_other(f"/s/{survey.slug}/thanks")
    token = request.cookies.get(once_cookie(survey), "")
    unit, channel = await _carried(request, desk, survey, draft)
    flags = signs_of_pages(request, desk, survey, key, answers, invited=bool(token))
    given, today, order = bytes(answers.closed), desk.settings.today(), survey.order(key)
    arrival = collect.Arrival(
        key, given, answers.comments, draft.language, today, unit, channel, order=order, flags=flags
    )
    once, corrected = link_hash(token) if token else "", correcting(request, survey)[0]
    try:
        # On a conflict a second window sent other answers first; those count, and their receipt is shown.
        with suppress(collect.Conflict):
            if corrected:
                await keep(desk, lambda c: receipts.correct(c, survey.answers_id, survey.book, arrival, corrected))
            else:
                await keep(desk, lambda connection: take_in(connection, survey.answers_id, survey.book, arrival, once))
    except Spent:
        await keep(desk, lambda connection: collect.save_draft(connection, draft))
        return html(used(survey.view(), receipt_path(survey)), 410)
    except NotInvited:
        await keep(desk, lambda connection: collect.save_draft(connection, draft))
        return html(view.by_invitation(survey.view()), 403)
    except receipts.Unknown:
        return html(view.receipt_ask(survey.view(), wrong=True, receipt_path=receipt_path(survey)), 404)
    count_steps(desk, survey, await _way(request, desk, survey, draft), (SENT,))
    answer = see_other(f"/s/{survey.slug}/thanks")
    set_key(answer, desk, survey, key, RECEIPT_SECONDS)
    mark_sent(answer, desk, survey)
    answer.delete_cookie(begun_cookie(survey), path=f"/s/{survey.slug}")
    if corrected:
        set_correcting(answer, desk, survey, corrected, 0, RECEIPT_SECONDS)
    if token:
        answer.delete_cookie(once_cookie(survey), path=f"/s/{survey.slug}")
    return answer
