"""What every page of the form shares: the survey as its respondent sees it, and the frame around each page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any, Literal

from babel.core import UnknownLocaleError
from babel.dates import format_date

from app.assets import static_url
from app.languages import own_names
from app.words import day, language, page_language, render
from surveys.lots import Lot
from surveys.questionnaire import Text

Trial = Literal["", "preview", "pilot"]
"""Whether answers count: "" if so, else what it is that somebody sees."""


@dataclass(frozen=True, kw_only=True)
class SurveyView:
    """A survey as far as its respondent meets it.

    `questions` counts the statements (without statements: all questions); in the short form they are drawn by `lots`
    from as many as `drawn_from` says.  `floor` is the smallest group that is reported, `keeper` says who keeps the
    answers (blank: the bank), `path` is ``/s/<slug>`` or ``/s/<slug>/<link code>``, and `key` changes whenever the
    frozen survey does.
    """

    key: str
    slug: str
    bank: str
    title: Text
    intro: Text
    languages: tuple[str, ...]
    simulated: bool
    minutes: int | None
    closes: date | None
    keeper: str
    floor: int
    questions: int
    format: str
    audience: str
    path: str
    drawn_from: int = 0
    lots: tuple[Lot, ...] = ()
    shuffled: bool = False
    trial: Trial = ""

    @property
    def mark(self) -> str:
        """Tells this survey from another that had the same slug before."""
        return sha256(self.key.encode()).hexdigest()[:12]


def draw(template: str, survey: SurveyView | None, /, **context: Any) -> str:
    """A template inside the frame.

    `switch` says how the language is changed: "inside" the page's own form, by a "link" to the same address, with the
    receipt "code" sent along, or "" not at all.  `whole` brings the script of the form in one document, and tells it
    what the page is to it: the "welcome", the "form", or the end of a survey, after which its answers are "gone".
    """
    names = own_names(survey.languages) if survey else {}
    frame: dict[str, Any] = {
        "survey": survey,
        "bank": survey.bank if survey else "",
        "simulated": survey.simulated if survey else False,
        "trial": survey.trial if survey else "",
        "others": [(code, name) for code, name in names.items() if code != language()],
        "css": static_url("form.css"),
        "script": static_url("form.js"),
        "whole_script": static_url("whole.js"),
        "offline_scripts": [static_url("queue.js"), static_url("offline.js")],
        "kiosk_script": "",
        "inlined": "",
        "seal": "",
        "whole": "",
        "width": "narrow",
        "switch": "",
        "code": "",
    }
    return render(f"respond/{template}.html", **(frame | context))


def joined(*sentences: str) -> str:
    """Sentences one after the other; between Chinese or Japanese ones stands no space."""
    return ("" if page_language().split("-")[0] in ("zh", "ja") else " ").join(sentences)


def one_line(text: str) -> str:
    """Words as they may stand where only a line has room."""
    return " ".join(text.split())


def day_in_words(value: date) -> str:
    """A date as it is written in the language being spoken."""
    locale = "en_GB" if page_language() == "en" else page_language().replace("-", "_")
    try:
        return format_date(value, "long", locale=locale)
    except (UnknownLocaleError, ValueError):
        return day(value)
