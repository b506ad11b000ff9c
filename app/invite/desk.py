"""The desk's page of a survey's invitations: the list of contacts, what was sent, and what did not arrive."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from app.access import PublisherDep, Visitor, check_csrf, same_origin
from app.desk.frame import frame
from app.desk.pages import SurveyDep
from app.invite import sending, wording
from app.invite.sending import Postman
from app.requests import Desk, DeskDep, LanguageDep, PostedDep
from app.words import _, ngettext, render
from surveys.exchange.contacts import LARGEST_FILE, MOST_ROWS, ListError, read_contacts
from surveys.exchange.downloads import BOM, harmless
from surveys.exchange.tables import FileError
from surveys.store import contacts, invitations, publish
from surveys.store.database import writing
from surveys.tables import Survey

UPLOAD = "/invitations/contacts"
LARGEST_UPLOAD = 32 * 1024 * 1024  # more than a list may have, so that a larger one is refused in words
UPLOAD_SECONDS = 120
MOST_TOLD = 20  # problems of a list that are spelled out
SAMPLE = 5
router = APIRouter(include_in_schema=False)
Here = Depends(same_origin)


async def the_postman(request: Request) -> Postman:
    """Who sends in the background."""
    postman: Postman = request.app.state.postman
    return postman


PostmanDep = Annotated[Postman, Depends(the_postman)]


def _page(
    request: Request,
    desk: Desk,
    visitor: Visitor,
    survey: Survey,
    postman: Postman,
    *,
    wrong: list[str] | None = None,
    notes: list[str] | None = None,
    status: int = 200,
) -> Response:
    survey_id, today = survey.id or 0, desk.settings.today()
    with desk.engine.connect() as connection:
        counts = contacts.counts(connection, survey_id)
        waiting = contacts.staged(connection, survey_id, today)
        compared = contacts.compare(connection, survey_id, waiting[1]) if waiting else None
    return HTMLResponse(
        render(
            "invite/invitations.html",
            frame=frame(request, desk, visitor),
            survey=survey,
            counts=counts,
            staged=waiting,
            compared=compared,
            sample=waiting[1][:SAMPLE] if waiting else [],
            wrong=wrong or [],
            notes=notes or [],
            refusal=_refusal(desk, survey),
            busy=postman.busy(survey_id),
            trouble=_trouble(postman, survey_id),
            quiet=desk.settings.quiet_days,
            rest=invitations.REMIND_AFTER,
            floor=publish.questionnaire_of(survey).min_group,
            most_rows=MOST_ROWS,
            largest=LARGEST_FILE // 1_000_000,
        ),
        status,
    )


def _refusal(desk: Desk, survey: Survey) -> str:
    try:
        sending.check(desk.settings, survey)
    except sending.Unsendable as error:
        return _(sending.REFUSALS[error.code])
    return ""


def _trouble(postman: Postman, survey_id: int) -> tuple[str, str]:
    """What stopped the last run, and the mail server's own words."""
    last = postman.last(survey_id)
    return (_(sending.REFUSALS[last.trouble]), last.detail) if last and last.trouble else ("", "")


@router.get("/surveys/{slug}/invitations")
def invitations_page(
    request: Request,
    desk: DeskDep,
    language: LanguageDep,
    visitor: PublisherDep,
    survey: SurveyDep,
    postman: PostmanDep,
) -> Response:
    """How far the invitations have come, and what can be done next."""
    return _page(request, desk, visitor, survey, postman, notes=_done(request))


def _done(request: Request) -> list[str]:
    """What the last press of a button brought, as the address says."""

    def number(name: str) -> int:
        text = request.query_params.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0

    notes = []
    if "queued" in request.query_params:
        words = ngettext("%(n)s mail is queued.", "%(n)s mails are queued.", number("queued"))
        notes.append(words % {"n": f"{number('queued'):,}"})
    if resting := number("resting"):
        words = ngettext(
            "%(n)s contact had mail lately and is left in peace for now.",
            "%(n)s contacts had mail lately and are left in peace for now.",
            resting,
        )
        notes.append(words % {"n": f"{resting:,}"})
    if "added" in request.query_params:
        words = ngettext("%(n)s contact was added.", "%(n)s contacts were added.", number("added"))
        notes.append(words % {"n": f"{number('added'):,}"})
    return notes


@router.post("/surveys/{slug}/invitations/contacts", dependencies=[Here])
async def upload(
    request: Request,
    desk: DeskDep,
    language: LanguageDep,
    visitor: PublisherDep,
    survey: SurveyDep,
    postman: PostmanDep,
) -> Response:
    """Read a list and show what it would bring; nothing of it is taken over yet."""
    csrf, name, data = await uploaded(request)
    check_csrf(visitor, csrf)

    def read() -> Response:
        try:
            if len(data) > LARGEST_FILE:
                raise ListError("size", f"{len(data):,}")
            entries, problems = read_contacts(name, data, publish.questionnaire_of(survey).languages)
        except FileError as error:
            wrong = [wording.of_file(error)]
        else:
            wrong = [wording.of_cell(problem) for problem in problems[:MOST_TOLD]]
            if len(problems) > MOST_TOLD:
                wrong.append(_("And %(n)s more.") % {"n": f"{len(problems) - MOST_TOLD:,}"})
        if wrong:
            return _page(request, desk, visitor, survey, postman, wrong=wrong, status=422)
        desk.writer.do(lambda connection: contacts.stage(connection, survey.id or 0, entries, desk.settings.today()))
        return _back(survey, "", "#contacts")

    return await run_in_threadpool(read)


async def uploaded(request: Request) -> tuple[str, str, bytes]:
    """The page's token, the file's name and the file."""
    if request.headers.get("content-type", "").split(";")[0].strip() != "multipart/form-data":
        raise HTTPException(415)
    try:
        async with asyncio.timeout(UPLOAD_SECONDS), request.form(max_files=1, max_fields=5) as posted:
            file, csrf = posted.get("file"), posted.get("csrf")
            if not isinstance(file, UploadFile) or not isinstance(csrf, str):
                raise HTTPException(400)
            return csrf, file.filename or "", await file.read()
    except TimeoutError as error:
        raise HTTPException(408) from error


def _back(survey: Survey, query: str = "", at: str = "") -> Response:
    return RedirectResponse(f"/surveys/{survey.slug}/invitations{query}{at}", 303)


@router.post("/surveys/{slug}/invitations/take-over", dependencies=[Here])
def take_over(desk: DeskDep, visitor: PublisherDep, survey: SurveyDep, posted: PostedDep) -> Response:
    """Take the list over that was shown, if it is still the same."""
    check_csrf(visitor, posted.get("csrf"))
    survey_id, today = survey.id or 0, desk.settings.today()

    def take(connection: Connection) -> int:
        waiting = contacts.staged(connection, survey_id, today)
        if waiting is None or waiting[0] != posted.get("digest"):
            return -1
        contacts.discard(connection, survey_id)
        return contacts.add(connection, survey_id, waiting[1])

    added = desk.writer.do(take)
    return _back(survey, "" if added < 0 else f"?added={added}", "#contacts" if added < 0 else "")


@router.post("/surveys/{slug}/invitations/discard", dependencies=[Here])
def discard(desk: DeskDep, visitor: PublisherDep, survey: SurveyDep, posted: PostedDep) -> Response:
    """Throw the list away that was shown."""
    check_csrf(visitor, posted.get("csrf"))
    desk.writer.do(lambda connection: contacts.discard(connection, survey.id or 0))
    return _back(survey)


@router.post("/surveys/{slug}/invitations/send", dependencies=[Here])
def send(
    request: Request,
    desk: DeskDep,
    language: LanguageDep,
    visitor: PublisherDep,
    survey: SurveyDep,
    posted: PostedDep,
    postman: PostmanDep,
) -> Response:
    """Queue invitations or reminders and begin to send, along with what waits from before."""
    check_csrf(visitor, posted.get("csrf"))
    what = posted.get("what")
    try:
        queued = (
            sending.queue(desk.engine, desk.settings, survey, reminder=what == "reminders")
            if what in ("invitations", "reminders")
            else None
        )
        sending.check(desk.settings, survey)
    except sending.Unsendable as error:
        notes = [_(sending.REFUSALS[error.code])]
        return _page(request, desk, visitor, survey, postman, notes=notes, status=422)
    postman.start(survey)
    return _back(survey, f"?queued={queued.mails}&resting={queued.resting}" if queued else "")


@router.post("/surveys/{slug}/invitations/call-off", dependencies=[Here])
def call_off(desk: DeskDep, visitor: PublisherDep, survey: SurveyDep, posted: PostedDep) -> Response:
    """Take what waits out of the queue again."""
    check_csrf(visitor, posted.get("csrf"))
    desk.writer.do(lambda connection: invitations.call_off(connection, survey.id or 0))
    return _back(survey)


@router.post("/surveys/{slug}/invitations/only", dependencies=[Here])
def only_invited(desk: DeskDep, visitor: PublisherDep, survey: SurveyDep, posted: PostedDep) -> Response:
    """Let the survey be answered by personal links alone, or by its public address too."""
    check_csrf(visitor, posted.get("csrf"))
    with writing(desk.engine) as session:
        publish.invite_only(session, survey, posted.get("only") == "yes")
    return RedirectResponse(f"/surveys/{survey.slug}#invitations", 303)


@router.get("/surveys/{slug}/invitations/failures.csv")
def failures(desk: DeskDep, language: LanguageDep, visitor: PublisherDep, survey: SurveyDep) -> Response:
    """Contacts whom no mail reached, and why."""
    with desk.engine.connect() as connection:
        rows = contacts.failures(connection, survey.id or 0)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(("address", "state", "reason"))
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    name = f"invitations-{survey.slug}-failures.csv"
    return Response(
        BOM + out.getvalue().encode(),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )
