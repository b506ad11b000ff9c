"""What is said of one-time links that lead no further, in the looks of the form."""

from __future__ import annotations

from app.respond.shell import SurveyView, draw
from app.words import _


def used(survey: SurveyView, receipt_path: str) -> str:
    """The link is spent; it is not said when or by whom."""
    sentences = [
        _("Each invitation can be answered once, and answers have been sent with this one."),
        _("If they are yours, your receipt code opens them, to see or withdraw them."),
    ]
    told = {"title": _("This link has already been used"), "sentences": sentences, "receipt_path": receipt_path}
    return draw("message", survey, switch="link", wrong=False, again="", **told)


def unknown() -> str:
    """There is no such link."""
    sentence = _("The address may be mistyped or cut off. Please open the link in your mail again, or copy all of it.")
    return _plain(_("This link leads nowhere"), sentence)


def stopped() -> str:
    """Opting out is done."""
    return _plain(_("You will get no more of this mail"), _("Your address is not written to again, for any survey."))


def _plain(title: str, *sentences: str) -> str:
    return draw("message", None, title=title, sentences=sentences, receipt_path="", wrong=False, again="")


def ask_to_stop(path: str) -> str:
    """Whether somebody wants no more mail: a page changes nothing before its button is pressed."""
    return draw("opt_out", None, title=_("No more mail of this kind?"), path=path)
