"""The life of a survey in words: its state, the line of phases, and what each step does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from sqlmodel import Session

from app.desk.short_form import planned_of
from app.words import N_, _, count
from surveys.store import lifecycle, publish
from surveys.store.publish import MOST_PLANNED, Complaint
from surveys.tables import Survey

STATES = {
    "draft": N_("draft"),
    "pilot": N_("pilot"),
    "not_yet": N_("opens later"),
    "open": N_("open"),
    "paused": N_("paused"),
    "closed": N_("closed"),
    "archived": N_("archived"),
}
NOW = {
    "draft": N_("Customers see that the survey is not open yet. People of the desk can walk through it as a preview."),
    "pilot": N_("The form is open at its address and links. Its answers are kept apart and never enter this report."),
    "not_yet": N_("The form opens by itself on its first day."),
    "open": N_("Customers can answer, and their answers enter the report."),
    "paused": N_("Customers see that the survey is paused. What they have begun is kept."),
    "closed": N_("No more answers are taken. Receipts still open answers, to see or withdraw them."),
    "archived": N_("Nothing changes any more, and the survey stands apart in the list. Report and downloads remain."),
}


@dataclass(frozen=True)
class Step:
    """A button of the panel: where it leads, its word, what it does, what is to be confirmed first ("": nothing)."""

    phase: str
    label: str
    does: str
    confirm: str = ""


STEPS = {
    ("draft", "pilot"): Step(
        "pilot",
        N_("Begin a pilot"),
        N_("Opens the form at its real address, marked as a trial run; its answers are kept apart."),
    ),
    ("draft", "open"): Step(
        "open",
        N_("Open the survey"),
        N_("From its first day on customers can answer, and their answers count."),
        N_("The survey cannot become a draft again."),
    ),
    ("pilot", "draft"): Step(
        "draft",
        N_("End the pilot"),
        N_("Closes the form again. The answers of the pilot stay where they are."),
    ),
    ("pilot", "open"): Step(
        "open",
        N_("End the pilot and open the survey"),
        N_("From its first day on customers can answer, and their answers count; those of the pilot never do."),
        N_("The survey cannot become a draft or a pilot again."),
    ),
    ("open", "paused"): Step(
        "paused",
        N_("Pause"),
        N_("Customers are asked to come back later; what they have begun is kept."),
    ),
    ("open", "closed"): Step(
        "closed",
        N_("Close the survey"),
        N_(
            "No more answers are taken. Up to four last answers stay out of the report: alone they could be told apart."
        ),
        N_("It can be opened again within seven days, but not later."),
    ),
    ("paused", "open"): Step("open", N_("Go on"), N_("Customers can answer again, from where they were.")),
    ("closed", "open"): Step(
        "open",
        N_("Open again"),
        N_("For a slip, or another week. Possible for seven days: later its figures count as final."),
    ),
    ("closed", "archived"): Step(
        "archived",
        N_("Archive"),
        N_("Puts the survey apart in the list, to be read only. It can be taken out again."),
    ),
    ("archived", "closed"): Step(
        "closed", N_("Take out of the archive"), N_("Puts it back among the finished surveys.")
    ),
}
STEPS["paused", "closed"] = STEPS["open", "closed"]


@dataclass(frozen=True)
class Panel:
    """What the page of a survey shows of its life: `line` pairs each phase with its name, `at` is the present one."""

    state: str
    words: str
    now: str
    line: tuple[tuple[str, str], ...]
    at: str
    steps: tuple[Step, ...]
    ended: date | None
    pilot: Survey | None
    pilot_released: int
    changeable: bool


def state_words(state: str) -> str:
    """A state in the reader's language."""
    return _(STATES[state])


def phase_name(phase: str) -> str:
    """A phase as it stands on the line."""
    words = state_words(phase)
    return words[:1].upper() + words[1:]


def panel_of(session: Session, survey: Survey, today: date) -> Panel:
    """The panel of a survey today."""
    state, phase = publish.state(survey, today), lifecycle.phase_of(survey, today)
    kept = lifecycle.pilot(session, survey)
    steps = (STEPS[phase, to] for to in lifecycle.allowed(survey, today))
    shown = [name for name in lifecycle.PHASES if name in (*_usual(survey, kept), phase)]
    return Panel(
        state,
        state_words(state),
        _(NOW[state]),
        tuple((name, phase_name(name)) for name in shown),
        phase,
        tuple(Step(one.phase, _(one.label), _(one.does), _(one.confirm)) for one in steps),
        lifecycle.ended(survey, today),
        kept,
        publish.counts(session, kept)[0] if kept else 0,
        state != "archived",
    )


def _usual(survey: Survey, kept: Survey | None) -> tuple[str, ...]:
    """The phases that each survey passes; a pilot stands there while there can be one, or when there was one."""
    before = ("draft", "pilot") if survey.phase in ("draft", "pilot") or kept else ("draft",)
    return (*before, "open", "closed", "archived")


def confirmation(before: str, phase: str) -> str:
    """What has to be confirmed before this step; "" when nothing has."""
    step = STEPS.get((before, phase))
    return step.confirm if step else ""


def refusal(complaint: Complaint) -> str:
    """A complaint about the life of a survey in the reader's language; "" when it is about something else."""
    values = {"value": complaint.value, "allowed": complaint.allowed}
    if complaint.code == "move":
        allowed = [phase_name(name) for name in complaint.allowed.split(", ") if name in STATES]
        values = {"value": _(STATES[complaint.value]), "allowed": " · ".join(allowed) or "–"}
    sentences = {
        "move": N_("The survey is in the state “%(value)s”; what may follow is: %(allowed)s."),
        "reopen": N_(
            "The survey ended on %(value)s and could be opened again until %(allowed)s; ask anew as a next wave."
        ),
        "past": N_("The last day %(value)s is over; allowed is %(allowed)s or later, or none."),
        "planned": N_(
            "The number of answers is “%(value)s”; allowed is a whole number from 1 to %(allowed)s, or none."
        ),
        "named": N_("This series has a wave “%(value)s”; choose a name that none of its waves has."),
    }
    return _(sentences[complaint.code]) % values if complaint.code in sentences else ""


def aimed_at(text: str, messages: dict[str, str]) -> int:
    """The number of answers planned, as a form sends it: 0 for none; what is no such number is told in `messages`."""
    number = planned_of(text) if text else 0
    if number is None:
        messages["planned"] = refusal(Complaint("planned", "planned", text[:40], count(MOST_PLANNED)))
    return number or 0


def begun_as(text: str, messages: dict[str, str]) -> Literal["draft", "open"]:
    """Whether a new survey begins as a draft or open; anything else is told in `messages`."""
    if text not in ("draft", "open"):
        told = _("The beginning is “%(value)s”; allowed are draft and open.")
        messages["begin"] = told % {"value": text[:40]}
    return "open" if text == "open" else "draft"
