"""Everything a respondent sees, as functions from data to a page of HTML.

Welcome, questions, thanks and receipt, and what is said when a survey is closed, not yet open, or not there.
"""

from __future__ import annotations

from datetime import date

from markupsafe import Markup

from app.assets import first_style
from app.respond.cards import form_page
from app.respond.receipts import changes, receipt_ask, receipt_show, withdrawn
from app.respond.shell import SurveyView, day_in_words, draw, joined
from app.words import _, alike, ngettext, worded

__all__ = [
    "SurveyView",
    "by_invitation",
    "changes",
    "closed",
    "enough",
    "form_page",
    "lost",
    "not_yet",
    "paused",
    "preview_over",
    "problem",
    "receipt_ask",
    "receipt_show",
    "split_title",
    "thanks",
    "welcome",
    "why",
    "withdrawn",
]


def welcome(survey: SurveyView, *, receipt_path: str, whole: bool = False) -> str:
    """The first page: who asks, why, how long it takes, what happens with the answers.

    With `whole`, a browser with script goes on to the form in one document.
    """
    over, title = split_title(survey)
    return draw(
        "welcome",
        survey,
        switch="inside",
        over=over,
        title=title,
        why=why(survey),
        intro=worded(survey.intro),
        facts=_facts(survey),
        keeper=survey.keeper or survey.bank,
        receipt_path=receipt_path,
        whole="welcome" if whole else "",
        inlined=Markup(first_style()),  # noqa: S704  (our own file)
    )


def split_title(survey: SurveyView) -> tuple[str, str]:
    """A title such as "Subject: what is asked", as the line above the title and the title."""
    words = worded(survey.title)
    for colon in (": ", "："):
        over, found, title = words.partition(colon)
        if found and title:
            return alike(words, over), alike(words, title[0].upper() + title[1:])
    return "", words


def why(survey: SurveyView) -> str:
    """Why the bank asks, in one sentence."""
    reasons = {
        "staff": _(
            "%(bank)s asks the people who serve its customers what stands in the way of good service, "
            "so that it can mend what matters most first."
        ),
        "manager": _("%(bank)s asks its managers how its service is led, so that it can mend what matters most first."),
    }
    otherwise = _(
        "%(bank)s asks its customers where its service falls short, so that it can mend what matters most first."
    )
    return reasons.get(survey.audience, otherwise) % {"bank": survey.bank}


def _facts(survey: SurveyView) -> list[tuple[str, str]]:
    facts = []
    if survey.minutes:
        words = ngettext("About %(n)s minute", "About %(n)s minutes", survey.minutes)
        facts.append((_("Time"), words % {"n": survey.minutes}))
    if survey.questions:
        facts.append((_("Questions"), _amount(survey)))
    words = _(
        "Reported only in groups of at least %(n)s people; authorised researchers work with single answers that carry "
        "no name, time or address"
    )
    facts.append((_("Your answers"), words % {"n": survey.floor}))
    facts.append((_("Your choice"), _("Voluntary. You can stop at any time; nothing counts until you send")))
    if survey.closes:
        facts.append((_("Open until"), day_in_words(survey.closes)))
    return facts


def _amount(survey: SurveyView) -> str:
    number = survey.questions
    if survey.drawn_from:
        return _drawn_amount(survey)
    if survey.audience != "customer":
        words = ngettext("%(n)s question", "%(n)s questions", number)
    elif survey.format == "three_column":
        words = ngettext(
            "%(n)s feature: the level you would accept, the level you wish for and the level you get",
            "%(n)s features, each with the level you would accept, the level you wish for and the level you get",
            number,
        )
    elif survey.format == "two_column":
        words = ngettext(
            "%(n)s statement, asked twice: first about an excellent bank, then about this one",
            "%(n)s statements, asked twice: first about an excellent bank, then about this one",
            number,
        )
    else:
        words = ngettext("%(n)s statement about this bank", "%(n)s statements about this bank", number)
    return words % {"n": number}


def _drawn_amount(survey: SurveyView) -> str:
    """The short form, which says that others get others: people compare."""
    words = {
        "two_column": _(
            "%(n)s of %(all)s statements, drawn by lot and asked twice: first about an excellent bank, then about "
            "this one"
        ),
        "three_column": _(
            "%(n)s of %(all)s features, drawn by lot, each with the level you would accept, the level you wish for and "
            "the level you get"
        ),
    }.get(survey.format, _("%(n)s of %(all)s statements about this bank, drawn by lot"))
    return words % {"n": survey.questions, "all": survey.drawn_from}


def thanks(survey: SurveyView, code: str, *, receipt_path: str, address: str = "") -> str:
    """The last page, with the receipt code and the address where it can be entered later."""
    return draw("thanks", survey, switch="link", code=code, receipt_path=receipt_path, address=address or receipt_path)


def closed(survey: SurveyView, closed_on: date | None, receipt_path: str) -> str:
    """The survey is over; a receipt still opens its answers."""
    words = _("Thank you to everyone who took part.")
    if closed_on:
        words = joined(_("It closed on %(day)s.") % {"day": day_in_words(closed_on)}, words)
    rest = _("If you took part, your receipt code still opens your answers, to see or withdraw them.")
    return _message(survey, _("This survey has closed"), words, rest, receipt_path=receipt_path, gone=True)


def enough(survey: SurveyView, why: str) -> str:
    """There are enough answers; `why` says of whom."""
    words = _("Thank you for your readiness to help. Nothing was stored.")
    told = {"title": _("Enough answers have come in"), "sentences": [joined(why, words)]}
    # With script, somebody whose answers wait on this device goes on with them.
    return draw("message", survey, switch="link", wrong=False, whole="enough", receipt_path="", again="", **told)


def not_yet(survey: SurveyView, opens_on: date | None) -> str:
    """The survey has not begun."""
    words = _("Please come back later.")
    if opens_on:
        words = _("It opens on %(day)s. Please come back then.") % {"day": day_in_words(opens_on)}
    return _message(survey, _("This survey is not open yet"), words)


def paused(survey: SurveyView, again: str) -> str:
    """The collection rests; `again` is the way by which the person came."""
    words = _("We are sorry: no answers are taken just now. Please come back later.")
    rest = _("What you have answered so far is kept, and you can go on from there.")
    return _message(survey, _("This survey is paused"), words, rest, again=again, again_words=_("Try again"))


def preview_over(survey: SurveyView) -> str:
    """The end of a preview, where customers get their receipt code."""
    words = _("All answers were checked, and none was stored. Customers see their receipt code on this page.")
    title = _("This is the end of the preview")
    return _message(survey, title, words, again=survey.path, again_words=_("Back to the beginning"), gone=True)


def by_invitation(survey: SurveyView) -> str:
    """Only personal links lead into the survey."""
    words = _("Its questions are open to people whom %(bank)s has written to.") % {"bank": survey.bank}
    rest = _("If you are one of them, please open the link in your mail; this address leads no further.")
    return _message(survey, _("This survey is by invitation only"), words, rest)


def lost(survey: SurveyView) -> str:
    """The answers given so far are no longer kept, so the person has to begin again."""
    words = _("It was open for too long, and the answers given so far were not sent. Please start again; we are sorry.")
    return _message(survey, _("This page has expired"), words, again=survey.path)


def _message(
    survey: SurveyView,
    title: str,
    *sentences: str,
    receipt_path: str = "",
    again: str = "",
    gone: bool = False,
    **more: str,
) -> str:
    """With `gone`, answers that were kept on the device for this survey are of no more use, and are deleted there."""
    told = {"title": title, "sentences": sentences, "receipt_path": receipt_path, "again": again} | more
    return draw("message", survey, switch="link", wrong=False, whole="gone" if gone else "", **told)


def problem(title: str, sentence: str, bank: str = "") -> str:
    """Something went wrong; both texts are given in the language being spoken."""
    return draw("message", None, bank=bank, title=title, sentences=[sentence], receipt_path="", wrong=False, again="")
