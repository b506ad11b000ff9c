"""Translations: a sheet for the translator out, and what comes back in, to be published or kept as a file."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from app.access import PublisherDep, Visitor, check_csrf, same_origin
from app.desk import translation_words as words
from app.desk.carried import pack, unpack
from app.desk.frame import frame
from app.invite.desk import uploaded
from app.languages import own_name
from app.requests import Desk, DeskDep, LanguageDep, PostedDep
from app.words import N_, _, render
from surveys.authoring import bank, load
from surveys.checking import QuestionnaireError
from surveys.exchange.sheet_files import as_sheet, read_sheet
from surveys.exchange.sheets import LARGEST_FILE, SheetError, Translation, lines, translate
from surveys.exchange.tables import FileError
from surveys.exchange.written import as_yaml
from surveys.questionnaire import Questionnaire, Text, say
from surveys.store import publish
from surveys.store.database import reading
from surveys.tongues import tidy_tag

router = APIRouter(include_in_schema=False)
Here = Depends(same_origin)
MOST_TOLD = 20
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SURVEY = "survey:"  # before a slug: the questionnaire of a survey
SUGGESTED = (
    "zh-TW",
    "zh-HK",
    "de",
    "fr",
    "es",
    "pt-BR",
    "it",
    "nl",
    "pl",
    "tr",
    "ru",
    "ar",
    "hi",
    "id",
    "vi",
    "th",
    "ja",
    "ko",
)


@dataclass(frozen=True)
class Brought:
    """What a sheet that came back has brought."""

    title: Text
    language: str
    count: int
    changed: tuple[str, ...]
    packed: str


def _page(
    request: Request,
    desk: Desk,
    visitor: Visitor,
    *,
    origin: str = "pfs_customer",
    to: str = "",
    wrong: dict[str, str] | None = None,
    faults: list[str] | None = None,
    brought: Brought | None = None,
    status: int = 200,
) -> Response:
    return HTMLResponse(
        render(
            "desk/translations.html",
            frame=frame(request, desk, visitor),
            choices=_choices(desk),
            origin=origin,
            to=to,
            wrong=wrong or {},
            faults=faults or [],
            brought=brought,
            suggested=[(tag, own_name(tag, SUGGESTED)) for tag in SUGGESTED],
            most_told=MOST_TOLD,
        ),
        status,
    )


def _choices(desk: Desk) -> list[tuple[str, Text, str]]:
    """Where a questionnaire can be taken from: the bank, and what was published."""
    with reading(desk.engine) as session:
        surveys = publish.all_surveys(session)
    built_in = [(name, load(name).title, name) for name in bank()]
    return built_in + [
        (f"{SURVEY}{survey.slug}", survey.definition["title"], f"{survey.bank} · {survey.wave}") for survey in surveys
    ]


def _questionnaire(desk: Desk, origin: str) -> Questionnaire | None:
    if origin in bank():
        return load(origin)
    if not origin.startswith(SURVEY):
        return None
    with reading(desk.engine) as session:
        survey = publish.find(session, origin.removeprefix(SURVEY))
    return publish.questionnaire_of(survey) if survey else None


@router.get("/translations")
def translations(request: Request, desk: DeskDep, language: LanguageDep, visitor: PublisherDep) -> Response:
    """Where a sheet is taken from and brought back to."""
    return _page(request, desk, visitor)


@router.get("/translations/sheet.xlsx")
def sheet(
    request: Request, desk: DeskDep, language: LanguageDep, visitor: PublisherDep, origin: str = "", to: str = ""
) -> Response:
    """The sheet of a questionnaire for one language."""
    questionnaire = _questionnaire(desk, origin)
    if questionnaire is None:
        raise HTTPException(404)
    try:
        tag = tidy_tag(to)
        if own_name(tag) == tag:
            raise ValueError(f"{tag} is no language that is known")
        rows = lines(questionnaire, tag)
    except SheetError as error:
        return _page(request, desk, visitor, origin=origin, to=to[:40], wrong={"to": words.of_file(error)}, status=422)
    except ValueError:
        told = _("The language is “%(value)s”; allowed are tags of languages, as in de, zh-TW or pt-BR.")
        wrong = {"to": told % {"value": to[:40]}}
        return _page(request, desk, visitor, origin=origin, to=to[:40], wrong=wrong, status=422)
    howto = words.howto(say(questionnaire.title, language), tag)
    made = as_sheet(questionnaire, tag, rows, words=words.names(), howto=howto, origin=origin)
    name = f"{questionnaire.id}-{tag}.xlsx"
    return Response(made, media_type=SHEET, headers={"content-disposition": f'attachment; filename="{name}"'})


@router.post("/translations", dependencies=[Here])
async def bring_back(request: Request, desk: DeskDep, language: LanguageDep, visitor: PublisherDep) -> Response:
    """Read a sheet that came back, and say what it has brought or what is wrong with it."""
    csrf, _name, data = await uploaded(request)
    check_csrf(visitor, csrf)

    def read() -> Response:
        try:
            if len(data) > LARGEST_FILE:
                raise SheetError("size", f"{len(data):,}")
            came = read_sheet(data)
            questionnaire = _questionnaire(desk, came.origin) or _questionnaire(desk, came.questionnaire)
            if questionnaire is None:
                raise SheetError("another", came.questionnaire[:60])
            found = translate(questionnaire, came)
        except FileError as error:
            return _page(request, desk, visitor, faults=[words.of_file(error)], status=422)
        if found.questionnaire is None:
            return _page(request, desk, visitor, faults=_faults(found), status=422)
        changed = tuple(words.place_in_words(place) for place in found.changed)
        brought = Brought(found.questionnaire.title, found.language, found.count, changed, pack(found.questionnaire))
        return _page(request, desk, visitor, brought=brought)

    return await run_in_threadpool(read)


def _faults(found: Translation) -> list[str]:
    told = [words.of_cell(problem) for problem in found.problems]
    told += [
        _("There is no translation of “%(place)s”.") % {"place": words.place_in_words(place)} for place in found.missing
    ]
    more = _("And %(n)s more.") % {"n": f"{len(told) - MOST_TOLD:,}"}
    return [*told[:MOST_TOLD], more] if len(told) > MOST_TOLD else told


@router.post("/translations/questionnaire.yaml", dependencies=[Here])
def as_file(desk: DeskDep, language: LanguageDep, visitor: PublisherDep, posted: PostedDep) -> Response:
    """The translated questionnaire as a file."""
    check_csrf(visitor, posted.get("csrf"))
    try:
        questionnaire = unpack(posted.get("carried"))
    except (QuestionnaireError, ValueError) as error:
        raise HTTPException(
            400, N_("The questionnaire did not come as its page sends it; bring the sheet again.")
        ) from error
    name = f"{questionnaire.id}.yaml"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(as_yaml(questionnaire), media_type="application/yaml; charset=utf-8", headers=headers)
