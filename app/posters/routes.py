"""Posters and table cards of a survey, to be printed: for the public address, one link, or all branches."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Response
from starlette.exceptions import HTTPException as Refusal

from app.desk.pages import SurveyDep
from app.posters.drawing import Block, NoFont, Poster, as_pdf
from app.requests import Desk, DeskDep, LanguageDep
from app.respond.published import Published, published
from app.respond.shell import SurveyView, day_in_words
from app.respond.view import split_title, why
from app.words import _, language, ngettext, speak
from surveys.store import publish
from surveys.store.database import reading
from surveys.tables import Link, Survey

router = APIRouter(include_in_schema=False)
MOST_POSTERS = 300
MOST_LANGUAGES = 3
ALL = "all"


@router.get("/surveys/{slug}/posters.pdf")
def posters(
    desk: DeskDep,
    spoken: LanguageDep,
    survey: SurveyDep,
    link: str = "",
    tongues: str = "",
    cards: bool = False,
) -> Response:
    """Posters (A4) or table cards (A6): `link` is a link's code, "all" or nothing; `tongues` as in "en,zh-CN"."""
    shown = published(desk, survey.slug)
    if shown is None:
        raise HTTPException(404)
    if survey.invited_only:
        raise Refusal(409, _("This survey is by invitation only: no poster could lead into it."))
    chosen = _tongues(shown, tongues)
    blocks = tuple(_block(shown.view(), tongue) for tongue in chosen)
    simulated = _("Simulated survey") if survey.simulated else ""
    drawn = [
        Poster(survey.bank, unit, address, blocks, simulated) for unit, address in _ways(desk, survey, link, cards)
    ]
    try:
        made = as_pdf(drawn, cards=cards)
    except NoFont as error:
        raise Refusal(422, no_font(error)) from error
    name = "-".join(filter(None, ("cards" if cards else "poster", survey.slug, link, *chosen)))
    headers = {"content-disposition": f'inline; filename="{name}.pdf"'}
    return Response(made, media_type="application/pdf", headers=headers)


def no_font(error: NoFont) -> str:
    """What is missing on the server."""
    words = _("No font on this server has the letters “%(letters)s”; the operator installs one, such as Noto Sans CJK.")
    return words % {"letters": error.letters[:20]}


def _tongues(survey: Published, wish: str) -> list[str]:
    """The languages of a poster: those asked for, or the survey's first two."""
    offered = survey.questionnaire.languages
    if not wish:
        return list(offered[:2])
    asked = list(dict.fromkeys(wish.split(",")))
    if len(asked) > MOST_LANGUAGES or not set(asked) <= set(offered):
        told = _("The languages are “%(value)s”; allowed are up to %(most)s of %(allowed)s.")
        raise Refusal(422, told % {"value": wish[:60], "most": MOST_LANGUAGES, "allowed": ", ".join(offered)})
    return asked


def _ways(desk: Desk, survey: Survey, code: str, cards: bool) -> list[tuple[str, str]]:
    """Branch and address of each poster; of one table card a sheet full."""
    address = f"{desk.settings.public_url}/s/{survey.slug}"
    if not code:
        return [("", address)] * (4 if cards else 1)
    with reading(desk.engine) as session:
        links = publish.links(session, survey)
    if code != ALL:
        found = [link for link in links if link.code == code]
        if not found:
            raise HTTPException(404)
        return [_way(address, found[0])] * (4 if cards else 1)
    if not links:
        raise Refusal(422, _("There is no link of a branch yet; make one first."))
    if len(links) > MOST_POSTERS:
        told = _("There are %(value)s links; allowed are %(most)s in one file. Take them one by one.")
        raise Refusal(422, told % {"value": len(links), "most": MOST_POSTERS})
    return [_way(address, link) for link in links]


def _way(address: str, link: Link) -> tuple[str, str]:
    return " · ".join(filter(None, (link.unit, link.channel))), f"{address}/{link.code}"


def _block(survey: SurveyView, tongue: str) -> Block:
    """What a poster says in one language, while the desk is in another."""
    page = language()
    speak(tongue)
    over, title = split_title(survey)
    facts = [_("voluntary, without your name")]
    if survey.closes:
        facts.insert(0, _("open until %(day)s") % {"day": day_in_words(survey.closes)})
    if survey.minutes:
        takes = ngettext("About %(n)s minute", "About %(n)s minutes", survey.minutes)
        facts.insert(0, takes % {"n": survey.minutes})
    scan = _("Scan the code with your phone, or type this address:")
    made = Block(tongue, str(over), str(title), why(survey), " · ".join(facts), scan)
    speak(page)
    return made
