"""The life of a survey: draft, pilot, open, paused, closed, archived; and what each step does.

Days decide within a phase (`publish.state`): an open survey is not yet there before its first day, and over after its
last one.  A pilot collects into a survey of its own, so that no report of the real one can hold its answers.
"""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import delete
from sqlmodel import Session, col, select

from surveys.store import publish
from surveys.store.publish import Complaint, Dated, Unpublishable
from surveys.tables import Draft, Parked, Survey

PHASES = ("draft", "pilot", "open", "paused", "closed", "archived")
MOVES: dict[str, tuple[str, ...]] = {
    "draft": ("pilot", "open"),
    "pilot": ("draft", "open"),
    "open": ("paused", "closed"),
    "paused": ("open", "closed"),
    "closed": ("open", "archived"),
    "archived": ("closed",),
}
"""From a phase to those that may follow.  What was opened is never a draft again: it has answers that count."""

REOPEN_DAYS = 7
"""So long may a survey that has ended be opened again.

A slip is mended, and a week can be added.  Later its figures have been read as final, and going on collecting after a
look at them would let one choose the day on which they please: that is a new wave.
"""


def phase_of(survey: Dated, today: date) -> str:
    """The phase from which a survey moves on: one whose last day is over is closed, though nobody closed it."""
    state = publish.state(survey, today)
    return "open" if state == "not_yet" else state


def ended(survey: Dated, today: date) -> date | None:
    """The day on which the collection ended; None while it goes on, or when nobody noted the day."""
    if publish.state(survey, today) not in ("closed", "archived"):
        return None
    if survey.ended_on is not None:
        return survey.ended_on
    return survey.closes_on if survey.closes_on is not None and survey.closes_on < today else None


def may_reopen(survey: Dated, today: date) -> bool:
    """Whether a survey that has ended may be opened again today."""
    last = ended(survey, today)
    return last is not None and today <= last + timedelta(days=REOPEN_DAYS)


def allowed(survey: Survey, today: date) -> tuple[str, ...]:
    """The phases into which a survey may move today; none for the keeper of a pilot's answers."""
    if survey.pilot_of is not None:
        return ()
    phase = phase_of(survey, today)
    return tuple(to for to in MOVES[phase] if (phase, to) != ("closed", "open") or may_reopen(survey, today))


def move(session: Session, survey: Survey, phase: str, today: date) -> Survey:
    """Bring a survey into another phase; nothing but its phase and days is touched, as a release may count it up.

    Opening a draft or ending a pilot after the first day begins the survey today.  Opening again what has ended
    takes back a last day that is over.

    Returns
    -------
    Survey
        As it is afterwards.

    Raises
    ------
    Unpublishable
        With the sentence that says what is allowed instead; nothing is changed then.
    """
    found = session.get(Survey, survey.id, with_for_update=True, populate_existing=True)
    assert found is not None
    before = phase_of(found, today)
    if phase not in allowed(found, today):
        raise Unpublishable([_refusal(found, phase, today)])
    if phase == "open":
        _open(found, before, today)
    if before == "draft":
        # What was walked through as a preview must never become an answer.
        for table in (Draft, Parked):
            session.connection().execute(delete(table).where(col(table.survey_id) == found.id))
    if before == "pilot":
        _end_pilot(session, found, today)
    if phase == "pilot":
        _begin_pilot(session, found, today)
    if phase == "closed" and before != "archived":
        found.ended_on = today
    found.phase = phase
    session.add(found)
    session.flush()
    return found


def _refusal(survey: Survey, phase: str, today: date) -> Complaint:
    last = ended(survey, today)
    if phase == "open" and last is not None and phase_of(survey, today) == "closed":
        return Complaint("phase", "reopen", str(last), str(last + timedelta(days=REOPEN_DAYS)))
    return Complaint("phase", "move", phase_of(survey, today), ", ".join(allowed(survey, today)) or "nothing")


def _open(survey: Survey, before: str, today: date) -> None:
    over = survey.closes_on is not None and survey.closes_on < today
    if before == "closed":
        survey.ended_on = None
        if over:
            survey.closes_on = None
    elif over:
        raise Unpublishable([Complaint("closes", "past", str(survey.closes_on), str(today))])
    elif before in ("draft", "pilot"):
        survey.opens_on = max(survey.opens_on, today)


def pilot(session: Session, survey: Survey) -> Survey | None:
    """The survey that keeps the answers of another's pilots."""
    return session.exec(select(Survey).where(Survey.pilot_of == survey.id)).first()


def real(session: Session, survey: Survey) -> Survey:
    """The survey whose pilot this one keeps; a survey of its own is itself."""
    return session.exec(select(Survey).where(Survey.id == survey.pilot_of)).first() or survey


def _begin_pilot(session: Session, survey: Survey, today: date) -> None:
    kept = pilot(session, survey)
    if kept is None:
        kept = Survey(
            slug=_pilot_slug(session, survey.slug),
            bank=survey.bank,
            series=survey.series,
            wave=survey.wave,
            audience=survey.audience,
            definition=survey.definition,
            definition_hash=survey.definition_hash,
            opens_on=today,
            pilot_of=survey.id,
            simulated=survey.simulated,
            published_on=today,
        )
    kept.phase, kept.ended_on = "open", None
    session.add(kept)


def _end_pilot(session: Session, survey: Survey, today: date) -> None:
    kept = pilot(session, survey)
    if kept is not None:
        kept.phase, kept.ended_on = "closed", today
        session.add(kept)


def _pilot_slug(session: Session, slug: str) -> str:
    number = 1
    while True:
        ending = "-pilot" if number == 1 else f"-pilot-{number}"
        wish = slug[: 60 - len(ending)].rstrip("-") + ending
        if publish.find(session, wish) is None:
            return wish
        number += 1


def plan(session: Session, survey: Survey, *, planned: int, closes_on: date | None, today: date) -> None:
    """Change what may be changed of a survey's plan: the number of answers aimed at, and its last day.

    The last day of a survey that has ended stays: opening it again is a step of its own (`move`).

    Raises
    ------
    Unpublishable
        With a sentence for each thing that is wrong.
    """
    found = session.get(Survey, survey.id, with_for_update=True, populate_existing=True)
    assert found is not None
    wrong = []
    if not 0 <= planned <= publish.MOST_PLANNED:
        wrong.append(Complaint("planned", "planned", str(planned), f"{publish.MOST_PLANNED:,}"))
    if closes_on != found.closes_on:
        if publish.state(found, today) in ("closed", "archived"):
            wrong.append(Complaint("closes", "move", publish.state(found, today), ", ".join(allowed(found, today))))
        elif closes_on is not None and closes_on < found.opens_on:
            wrong.append(Complaint("closes", "closes", str(closes_on), str(found.opens_on)))
        elif closes_on is not None and closes_on < today:
            wrong.append(Complaint("closes", "past", str(closes_on), str(today)))
    if wrong:
        raise Unpublishable(wrong)
    found.planned, found.closes_on = planned, closes_on
    session.add(found)
    session.flush()
