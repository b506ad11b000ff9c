"""The desk's page of the words of a survey's mails: the officer's own in each language, with what they look like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from app.access import PublisherDep, Visitor, check_csrf, same_origin
from app.desk.frame import frame
from app.desk.pages import SurveyDep
from app.invite.letters import standard_texts, words_of
from app.invite.mail import plain, plain_text
from app.invite.sending import campaign_of
from app.languages import own_names
from app.requests import Desk, DeskDep, LanguageDep, Posted, PostedDep
from app.words import N_, _, language, render, speak
from surveys.store import mails, publish
from surveys.store.database import writing
from surveys.store.mails import MOST, NAMES, Complaint, MailTexts
from surveys.tables import Survey

router = APIRouter(include_in_schema=False)
Here = Depends(same_origin)
SAMPLE = "Kq3-sample-link-0Zx7Yw"
LABELS = {
    "subject": N_("Subject of the invitation"),
    "body": N_("Text of the invitation"),
    "reminder_subject": N_("Subject of the reminder"),
    "reminder_body": N_("Text of the reminder"),
}
SENTENCES = {
    "empty": N_("%(field)s: it is empty; allowed is a text, or the standard text."),
    "long": N_("%(field)s: it has %(value)s characters; allowed are %(allowed)s."),
    "line": N_("%(field)s: it has more than one line; allowed is one."),
    "letter": N_("%(field)s: the character %(value)s stands there; allowed is printable text."),
    "hole": N_("%(field)s: %(value)s stands there; allowed are %(allowed)s."),
    "link": N_("%(field)s: {link} is missing, so nobody could answer; allowed is a text with {link} in it."),
}
MEANING = {
    "{bank}": N_("the name of the bank"),
    "{title}": N_("the title of the questionnaire"),
    "{minutes}": N_("how many minutes it takes"),
    "{closes}": N_("the last day of the survey"),
    "{link}": N_("the personal link; on a line by itself between empty lines it becomes a button"),
    "{stop}": N_("the address to opt out; it stands at the end of each mail anyway"),
}


@dataclass(frozen=True)
class Sample:
    """What a mail looks like: its subject and its plain text."""

    heading: str
    subject: str
    text: str


def _page(
    request: Request,
    desk: Desk,
    visitor: Visitor,
    survey: Survey,
    tongue: str,
    texts: MailTexts | None,
    *,
    wrong: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    offered = publish.questionnaire_of(survey).languages
    standard = _standard(desk, survey, tongue)
    shown = texts or standard
    samples = [] if wrong else _samples(desk, survey, tongue, texts)
    return HTMLResponse(
        render(
            "invite/texts.html",
            frame=frame(request, desk, visitor),
            survey=survey,
            tongue=tongue,
            tongues=own_names(offered),
            own=set(survey.mails),
            texts={name: getattr(shown, name) for name in NAMES},
            labels={name: _(label) for name, label in LABELS.items()},
            meaning={hole: _(words) for hole, words in MEANING.items()},
            most=MOST,
            wrong=wrong or {},
            samples=samples,
            saved="saved" in request.query_params,
        ),
        status,
    )


def _standard(desk: Desk, survey: Survey, tongue: str) -> MailTexts:
    """The product's words in that language, while the page itself is in another."""
    page = language()
    speak(tongue)
    found = standard_texts(campaign_of(survey, desk.settings))
    speak(page)
    return found


def _samples(desk: Desk, survey: Survey, tongue: str, texts: MailTexts | None) -> list[Sample]:
    campaign, page = campaign_of(survey, desk.settings), language()
    link, stop = (f"{desk.settings.public_url}/i/{path}" for path in (SAMPLE, f"stop/{SAMPLE}"))
    found = []
    for reminder, heading in ((False, _("Invitation")), (True, _("Reminder"))):
        speak(tongue)
        words = words_of(campaign, texts, reminder=reminder, link=link, stop=f"{stop}?lang={tongue}")
        found.append(Sample(heading, plain(words.subject), plain_text(words, f"{stop}?lang={tongue}")))
        speak(page)
    return found


def tongue_of(survey: SurveyDep, tongue: str = "") -> str:
    """The language whose words are edited; the survey's first, when none is named."""
    offered = publish.questionnaire_of(survey).languages
    if tongue and tongue not in offered:
        raise HTTPException(404)
    return tongue or offered[0]


TongueDep = Annotated[str, Depends(tongue_of)]


@router.get("/surveys/{slug}/invitations/texts")
def texts_page(
    request: Request, desk: DeskDep, spoken: LanguageDep, visitor: PublisherDep, survey: SurveyDep, tongue: TongueDep
) -> Response:
    """The words of the mails in one language, and what a mail with them looks like."""
    return _page(request, desk, visitor, survey, tongue, mails.own_texts(survey, tongue))


@router.post("/surveys/{slug}/invitations/texts", dependencies=[Here])
def save_texts(
    request: Request,
    desk: DeskDep,
    spoken: LanguageDep,
    visitor: PublisherDep,
    survey: SurveyDep,
    tongue: TongueDep,
    posted: PostedDep,
) -> Response:
    """Keep the words, show what they would look like, or go back to the standard text."""
    check_csrf(visitor, posted.get("csrf"))
    go = posted.get("go")
    texts = None if go == "standard" else _typed(posted)
    if texts is not None:
        wrong = {one.field: _worded(one) for one in reversed(mails.complaints(texts))}
        if wrong or go == "preview":
            status = 422 if wrong else 200
            return _page(request, desk, visitor, survey, tongue, texts, wrong=wrong, status=status)
        if texts == _standard(desk, survey, tongue):
            texts = None  # nothing of it is the officer's own
    with writing(desk.engine) as session:
        mails.set_texts(session, survey, tongue, texts)
    return RedirectResponse(f"/surveys/{survey.slug}/invitations/texts?tongue={tongue}&saved=1", 303)


def _typed(posted: Posted) -> MailTexts:
    return MailTexts(**{name: "\n".join(posted.get(name).splitlines()).strip() for name in NAMES})


def _worded(complaint: Complaint) -> str:
    about = {"field": _(LABELS[complaint.field]), "value": complaint.value, "allowed": complaint.allowed}
    return _(SENTENCES[complaint.code]) % about
