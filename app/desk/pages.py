"""The desk's plain pages: the list of surveys, publishing, one survey with its links and QR codes."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import segno
from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from analysis.thresholds import DEFAULT
from app.access import MaybeVisitorDep, PublisherDep, SignInNeeded, VisitorDep, check_csrf, same_origin
from app.desk.carried import unpack
from app.desk.frame import frame
from app.desk.home import groups
from app.desk.phases import aimed_at, begun_as, panel_of, refusal
from app.desk.report_words import stage_names
from app.desk.series import waves_of
from app.desk.short_form import PLANNED, preview_of, preview_rows
from app.desk.ways import ways_of
from app.languages import own_names
from app.requests import Desk, DeskDep, LanguageDep, Posted, PostedDep
from app.words import N_, _, render
from surveys.authoring import bank, load
from surveys.checking import QuestionnaireError
from surveys.lots import DRAWN
from surveys.questionnaire import COLUMNS, Format, Questionnaire
from surveys.simulate import simulate_arrivals
from surveys.store import collect, lifecycle, people, publish, releases
from surveys.store.database import reading, writing
from surveys.tables import Survey

CARRIED = "carried"
router = APIRouter(include_in_schema=False)
Here = Depends(same_origin)


def answers_at(desk: DeskDep, visitor: VisitorDep, slug: str) -> Survey:
    """The survey at a slug, or what keeps the answers of its pilot; 404 when there is none."""
    with reading(desk.engine) as session:
        survey = publish.find(session, slug)
    if survey is None:
        raise HTTPException(404)
    return survey


AnswersDep = Annotated[Survey, Depends(answers_at)]
"""What has a report and downloads."""


def own_at(survey: AnswersDep) -> Survey:
    """A survey of its own, with a form, links and contacts: not the keeper of a pilot's answers."""
    if survey.pilot_of is not None:
        raise HTTPException(404)
    return survey


OwnDep = Annotated[Survey, Depends(own_at)]


def survey_at(request: Request, survey: OwnDep) -> Survey:
    """A survey whose page may do something: nothing of an archived one is changed."""
    if survey.phase == "archived" and request.method != "GET":
        raise HTTPException(409, N_("This survey is archived; take it out of the archive to change something."))
    return survey


SurveyDep = Annotated[Survey, Depends(survey_at)]


@router.get("/")
def home(request: Request, desk: DeskDep, language: LanguageDep, visitor: MaybeVisitorDep) -> Response:
    """The list of surveys, or the way to sign in."""
    if visitor is None:
        raise SignInNeeded
    return HTMLResponse(render("desk/home.html", frame=frame(request, desk, visitor), groups=groups(desk)))


@dataclass
class Wish:
    """The publishing form as it was filled in."""

    questionnaire: str = "pfs_customer"
    format: str = ""
    slug: str = ""
    bank: str = ""
    wave: str = ""
    opens: str = ""
    closes: str = ""
    stage_importance: bool = False
    short_form: bool = False
    shuffled: bool = False
    exposure: bool = False
    stage_comments: bool = False
    invited_only: bool = False
    screening: tuple[str, ...] = ()
    planned: str = ""
    begin: str = "draft"
    carried: str = ""  # a translated questionnaire, as the page of translations packs it


def _publish_page(
    request: Request, desk: Desk, visitor: Any, wish: Wish, messages: dict[str, str], status: int = 200
) -> Response:
    choices = [(name, load(name)) for name in bank()]
    if (own := carried(wish)) is not None:
        choices.insert(0, (CARRIED, own))
    chosen = dict(choices).get(wish.questionnaire)
    planned = aimed_at(wish.planned, {}) or PLANNED
    preview = preview_of(chosen, planned) if chosen else None
    return HTMLResponse(
        render(
            "desk/publish.html",
            frame=frame(request, desk, visitor),
            wish=wish,
            messages=messages,
            choices=choices,
            formats=COLUMNS,
            chosen=chosen,
            planned=planned,
            preview=preview_rows(preview, stage_names(chosen)) if chosen and preview else [],
            enough=DEFAULT.planned_pairs,
            public_url=desk.settings.public_url,
        ),
        status,
    )


@router.get("/surveys/new")
def publish_form(request: Request, desk: DeskDep, language: LanguageDep, visitor: PublisherDep) -> Response:
    """The form to publish a questionnaire."""
    today = desk.settings.today()
    return _publish_page(request, desk, visitor, Wish(opens=today.isoformat(), wave=f"{today.year}-1"), {})


@router.post("/surveys/new", dependencies=[Here])
def publish_survey(
    request: Request, desk: DeskDep, language: LanguageDep, visitor: PublisherDep, posted: PostedDep
) -> Response:
    """Publish, or show what is wrong with all that was filled in."""
    check_csrf(visitor, posted.get("csrf"))
    wish = _wish(posted)
    messages: dict[str, str] = {}
    if posted.get("go") == "carry":
        today = desk.settings.today()
        wish = Wish(CARRIED, opens=today.isoformat(), wave=f"{today.year}-1", carried=wish.carried)
        return _publish_page(request, desk, visitor, wish, messages)
    planned = aimed_at(wish.planned, messages)
    if posted.get("go") == "preview":
        return _publish_page(request, desk, visitor, wish, messages, 422 if messages else 200)
    opens, closes = day_of(wish.opens, "opens", messages), day_of(wish.closes, "closes", messages)
    if opens is None and "opens" not in messages:
        opens = desk.settings.today()
    begin = begun_as(wish.begin, messages)
    questionnaire = _chosen(wish, messages)
    if questionnaire is not None and opens is not None and not messages:
        try:
            with writing(desk.engine) as session:
                survey = publish.publish(
                    session,
                    questionnaire,
                    slug=wish.slug,
                    bank=wish.bank,
                    wave=wish.wave,
                    opens_on=opens,
                    closes_on=closes,
                    today=desk.settings.today(),
                    phase=begin,
                    planned=planned,
                    invited_only=wish.invited_only,
                )
            return RedirectResponse(f"/surveys/{survey.slug}", 303)
        except publish.Unpublishable as error:
            messages |= {complaint.field: worded(complaint) for complaint in error.complaints}
    return _publish_page(request, desk, visitor, wish, messages, 422)


def worded(complaint: publish.Complaint) -> str:
    """A complaint in the reader's language."""
    if told := refusal(complaint):
        return told
    sentences = {
        "slug": N_(
            "The address is “%(value)s”; allowed are 1 to 60 small letters, digits and hyphens, beginning and "
            "ending with a letter or digit."
        ),
        "taken": N_("The address “%(value)s” is taken; choose one that no survey has."),
        "wave": N_("The wave has %(value)s characters; allowed are 1 to 40, as in 2026-2."),
        "bank": N_("The name of the bank has %(value)s characters; allowed are 1 to 120."),
        "closes": N_("The last day %(value)s is before the first day %(allowed)s; allowed is that day or later."),
        "wording": N_("The questionnaire is not complete: %(value)s."),
        "core": N_(
            "There is no short form of “%(value)s”: it needs stages, items that are marked as core, and more others "
            "than are drawn of a stage."
        ),
        "device": N_("The name has %(value)s characters; allowed are 1 to 80."),
        "unit": N_("The branch has %(value)s characters; allowed are up to 80."),
        "told": N_("The text has %(value)s characters; allowed are 1 to %(allowed)s, in each language."),
        "pin": N_("The staff number is “%(value)s”; allowed are 4 to 8 digits."),
        "link": N_("A link needs a branch (1 to 80 characters) or a way in (1 to 40 characters)."),
    }
    return _(sentences[complaint.code]) % {"value": complaint.value, "allowed": complaint.allowed}


def _wish(posted: Posted) -> Wish:
    names = ("questionnaire", "format", "slug", "bank", "wave", "opens", "closes", "planned", "begin")
    values: dict[str, Any] = {name: posted.get(name).strip()[:200] for name in names}
    values["begin"] = values["begin"] or Wish.begin
    ticked = ("stage_importance", "short_form", "shuffled", "exposure", "stage_comments", "invited_only")
    ticks: dict[str, Any] = {name: posted.get(name) == "yes" for name in ticked}
    screening = tuple(name[:40] for name in posted.values.get("screening", ()))
    return Wish(**values, **ticks, screening=screening, carried=posted.get("carried"))


def carried(wish: Wish) -> Questionnaire | None:
    """The translated questionnaire that came along, if it is one."""
    try:
        return unpack(wish.carried) if wish.carried else None
    except (QuestionnaireError, ValueError):
        return None


def day_of(text: str, name: str, messages: dict[str, str]) -> date | None:
    """A day as a form sends it; what is none is told in `messages`."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        messages[name] = _("The day is “%(value)s”; allowed is a date as in 2026-11-30.") % {"value": text[:40]}
        return None


def _chosen(wish: Wish, messages: dict[str, str]) -> Questionnaire | None:
    own = carried(wish) if wish.questionnaire == CARRIED else None
    if own is None and wish.questionnaire not in bank():
        messages["questionnaire"] = _("The questionnaire is “%(value)s”; allowed are %(allowed)s.") % {
            "value": wish.questionnaire,
            "allowed": ", ".join(bank()),
        }
        return None
    questionnaire = own or load(wish.questionnaire)
    format_: Format | None = None
    if wish.format and questionnaire.items:
        allowed = list(questionnaire.item_scale)
        if wish.format not in allowed:
            messages["format"] = _("The format is “%(value)s”; allowed are %(allowed)s.") % {
                "value": wish.format,
                "allowed": ", ".join(allowed),
            }
            return None
        format_ = next(name for name in COLUMNS if name == wish.format)
    include: tuple[str, ...] = ("stage_importance",) if wish.stage_importance else ()
    if wish.exposure:
        include += tuple(question.id for question in questionnaire.questions("exposure"))
    if wish.stage_comments:
        include += tuple(question.id for question in questionnaire.questions("comments") if question.stage)
    shuffled = wish.shuffled and bool(questionnaire.items)
    if unknown := [name for name in wish.screening if name not in questionnaire.screenable]:
        told = _("The question “%(value)s” cannot be asked first; allowed are %(allowed)s.")
        messages["screening"] = told % {"value": unknown[0], "allowed": ", ".join(questionnaire.screenable) or "–"}
        return None
    return questionnaire.variant(format_, include, DRAWN if wish.short_form else None, shuffled, wish.screening)


@router.get("/surveys/{slug}")
def survey_page(
    request: Request, desk: DeskDep, language: LanguageDep, visitor: VisitorDep, survey: AnswersDep
) -> Response:
    """One survey: its state, its links and codes, its downloads; a pilot stands on the page of its survey."""
    if survey.pilot_of is not None:
        with reading(desk.engine) as session:
            return RedirectResponse(f"/surveys/{lifecycle.real(session, survey).slug}#pilot", 303)
    return show_survey(request, desk, visitor, survey, {})


def show_survey(
    request: Request, desk: Desk, visitor: Any, survey: Survey, messages: dict[str, str], status: int = 200
) -> Response:
    """The page of a survey, with what was wrong in what was sent from it."""
    with reading(desk.engine) as session:
        address = f"{desk.settings.public_url}/s/{survey.slug}"
        ways = ways_of(session, survey, address)
        released, number = publish.counts(session, survey)
        panel = panel_of(session, survey, desk.settings.today())
        waves = waves_of(session, survey, desk.settings.today())
    return HTMLResponse(
        render(
            "desk/survey.html",
            frame=frame(request, desk, visitor),
            survey=survey,
            ways=ways,
            released=released,
            releases=number,
            state=panel.state,
            panel=panel,
            waves=waves,
            messages=messages,
            batch=releases.BATCH,
            tongues=_tongues(publish.questionnaire_of(survey).languages),
        ),
        status,
    )


def _tongues(languages: tuple[str, ...]) -> list[tuple[str, str]]:
    """The languages that a poster can have: two together, or each by itself."""
    names = own_names(languages)
    both = [(",".join(languages[:2]), " + ".join(list(names.values())[:2]))] if len(languages) > 1 else []
    return both + list(names.items())


@router.post("/surveys/{slug}/links", dependencies=[Here])
def make_link(
    request: Request, desk: DeskDep, language: LanguageDep, visitor: PublisherDep, survey: SurveyDep, posted: PostedDep
) -> Response:
    """Make a short link for a unit and a channel."""
    check_csrf(visitor, posted.get("csrf"))
    try:
        with writing(desk.engine) as session:
            publish.add_link(session, survey, posted.get("unit"), posted.get("channel"))
    except publish.Unpublishable as error:
        told = {complaint.field: worded(complaint) for complaint in error.complaints}
        return show_survey(request, desk, visitor, survey, told, 422)
    return RedirectResponse(f"/surveys/{survey.slug}#links", 303)


@router.post("/surveys/{slug}/simulate", dependencies=[Here])
def simulate_some(desk: DeskDep, visitor: PublisherDep, survey: SurveyDep, posted: PostedDep) -> Response:
    """Let a few invented customers answer a simulated survey, so that a visitor's own answers get company."""
    check_csrf(visitor, posted.get("csrf"))
    if not survey.simulated or publish.state(survey, desk.settings.today()) not in ("open", "pilot"):
        raise HTTPException(404)
    with reading(desk.engine) as session:
        kept = lifecycle.pilot(session, survey) if survey.phase == "pilot" else survey
    arrivals = simulate_arrivals(publish.questionnaire_of(survey), releases.BATCH, day=desk.settings.today())
    book = collect.codebook_of(survey)
    desk.writer.do(lambda connection: collect.ingest(connection, (kept or survey).id or 0, book, arrivals))
    return RedirectResponse(f"/surveys/{survey.slug}", 303)


@router.get("/surveys/{slug}/qr.{kind}")
def qr_code(desk: DeskDep, survey: SurveyDep, kind: str, link: str = "") -> Response:
    """The QR code of a survey's address or of one of its links, as SVG or PNG."""
    if kind not in ("svg", "png"):
        raise HTTPException(404)
    address = f"{desk.settings.public_url}/s/{survey.slug}"
    if link:
        with reading(desk.engine) as session:
            if publish.find_link(session, survey.id, link) is None:
                raise HTTPException(404)
        address += f"/{link}"
    out = io.BytesIO()
    segno.make(address, error="m", micro=False).save(out, kind=kind, scale=8, border=4)
    name = f"qr-{survey.slug}{'-' + link if link else ''}.{kind}"
    media = "image/svg+xml" if kind == "svg" else "image/png"
    return Response(out.getvalue(), media_type=media, headers={"content-disposition": f'inline; filename="{name}"'})


@router.get("/health")
def health(desk: DeskDep) -> Response:
    """For supervisors: the database answers."""
    with reading(desk.engine) as session:
        people.everybody(session)
    return Response("ok\n", media_type="text/plain")
