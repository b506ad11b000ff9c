"""The life of a survey: which steps are allowed, what they set, and that a pilot's answers stay apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func
from sqlmodel import Session, col, select

from surveys.authoring import load
from surveys.store import collect, lifecycle, publish, releases
from surveys.store.database import reading, writing
from surveys.tables import Draft, Submission, Survey, Waiting

QUESTIONNAIRE = load("pfs_customer").variant()
TODAY = date(2026, 5, 4)
STATES = {"draft", "pilot", "not_yet", "open", "paused", "closed", "archived"}
number = count(1)


def made(
    engine: Engine, phase: str = "draft", opens_on: date = date(2026, 5, 1), closes_on: date | None = None
) -> Survey:
    """A survey in a phase, as it stands in the database."""
    with writing(engine) as session:
        survey = publish.publish(
            session,
            QUESTIONNAIRE,
            slug=f"harbour-{next(number)}",
            bank="Harbour Bank",
            wave="2026-2",
            opens_on=opens_on,
            closes_on=closes_on,
            today=date(2026, 4, 1),
        )
        survey.phase = phase
        if phase in ("closed", "archived"):
            survey.ended_on = TODAY
        session.add(survey)
    return survey


def move(engine: Engine, survey: Survey, phase: str, today: date = TODAY) -> Survey:
    with writing(engine) as session:
        return lifecycle.move(session, survey, phase, today)


def pilot(engine: Engine, survey: Survey) -> Survey:
    with reading(engine) as session:
        found = lifecycle.pilot(session, survey)
    assert found is not None
    return found


@pytest.mark.parametrize("before", lifecycle.PHASES)
def test_just_the_allowed_steps_can_be_taken(engine: Engine, before: str) -> None:
    for after in lifecycle.PHASES:
        survey = made(engine, before)
        if after in lifecycle.MOVES[before]:
            assert move(engine, survey, after).phase == after
            continue
        with pytest.raises(publish.Unpublishable, match=f"phase: the survey is {before}; allowed from there: "):
            move(engine, survey, after)
        with reading(engine) as session:
            assert session.get(Survey, survey.id).phase == before


def test_unknown_phase_is_refused_with_what_is_allowed(engine: Engine) -> None:
    with pytest.raises(publish.Unpublishable, match="phase: the survey is open; allowed from there: paused, closed"):
        move(engine, made(engine, "open"), "gone")


@dataclass(frozen=True)
class Days:
    """What decides about a state."""

    phase: str
    opens_on: date
    closes_on: date | None
    ended_on: date | None = None


@pytest.mark.parametrize(
    ("phase", "opens", "closes", "state"),
    [
        ("draft", -3, None, "draft"),
        ("draft", -3, -1, "draft"),
        ("pilot", 3, None, "pilot"),
        ("open", 1, None, "not_yet"),
        ("open", 0, 0, "open"),
        ("open", -9, -1, "closed"),
        ("paused", 1, None, "paused"),
        ("paused", -9, -1, "closed"),
        ("closed", 1, 9, "closed"),
        ("archived", -9, 9, "archived"),
    ],
)
def test_state_follows_from_phase_and_days(phase: str, opens: int, closes: int | None, state: str) -> None:
    last = None if closes is None else TODAY + timedelta(closes)
    assert publish.state(Days(phase, TODAY + timedelta(opens), last), TODAY) == state


def test_draft_that_is_opened_late_begins_today(engine: Engine) -> None:
    assert move(engine, made(engine), "open").opens_on == TODAY
    later = made(engine, opens_on=TODAY + timedelta(9))
    assert move(engine, later, "open").opens_on == TODAY + timedelta(9)


def test_draft_whose_last_day_is_over_is_not_opened(engine: Engine) -> None:
    with pytest.raises(publish.Unpublishable, match="closes: the last day 2026-05-03 is over; allowed is 2026-05-04"):
        move(engine, made(engine, closes_on=TODAY - timedelta(1)), "open")


def test_day_of_closing_is_kept_until_it_is_opened_again(engine: Engine) -> None:
    survey = move(engine, made(engine, "open"), "closed")
    assert survey.ended_on == TODAY
    assert move(engine, survey, "archived", TODAY + timedelta(1)).ended_on == TODAY
    assert move(engine, survey, "closed", TODAY + timedelta(2)).ended_on == TODAY
    assert move(engine, survey, "open", TODAY + timedelta(3)).ended_on is None


def test_what_has_ended_is_opened_again_for_a_week_only(engine: Engine) -> None:
    survey = move(engine, made(engine, "open"), "closed")
    with pytest.raises(publish.Unpublishable, match="ended on 2026-05-04; it could be opened again until 2026-05-11"):
        move(engine, survey, "open", TODAY + timedelta(8))
    assert move(engine, survey, "open", TODAY + timedelta(7)).phase == "open"


def test_last_day_that_is_over_ends_a_survey_and_is_taken_back_when_it_opens_again(engine: Engine) -> None:
    survey = made(engine, "open", closes_on=TODAY - timedelta(2))
    with reading(engine):
        assert lifecycle.allowed(survey, TODAY) == ("open", "archived")
    again = move(engine, survey, "open")
    assert (again.closes_on, publish.state(again, TODAY)) == (None, "open")


def test_plan_of_a_survey_that_runs_can_be_changed(engine: Engine) -> None:
    survey = made(engine, "open")
    with writing(engine) as session:
        lifecycle.plan(session, survey, planned=400, closes_on=TODAY, today=TODAY)
    with reading(engine) as session:
        found = publish.find(session, survey.slug)
        assert found is not None
        assert (found.planned, found.closes_on) == (400, TODAY)


@pytest.mark.parametrize(
    ("phase", "planned", "closes", "told"),
    [
        ("open", -1, None, "planned: the value is -1; allowed is a whole number from 0"),
        ("open", 1, TODAY - timedelta(1), "closes: the last day 2026-05-03 is over"),
        ("open", 1, date(2026, 4, 1), "closes: 2026-04-01 is before the opening day 2026-05-01"),
        ("closed", 1, TODAY, "closes: the survey is closed"),
    ],
)
def test_bad_plan_is_refused_and_nothing_of_it_kept(
    engine: Engine, phase: str, planned: int, closes: date | None, told: str
) -> None:
    survey = made(engine, phase)
    with pytest.raises(publish.Unpublishable, match=re.escape(told)), writing(engine) as session:
        lifecycle.plan(session, survey, planned=planned, closes_on=closes, today=TODAY)
    with reading(engine) as session:
        assert session.get(Survey, survey.id).planned == 0


def test_pilot_has_a_survey_of_its_own_with_the_same_questions(engine: Engine) -> None:
    survey = move(engine, made(engine), "pilot")
    kept = pilot(engine, survey)
    assert (kept.slug, kept.definition_hash, kept.phase) == (f"{survey.slug}-pilot", survey.definition_hash, "open")
    move(engine, survey, "draft")
    assert (pilot(engine, survey).phase, pilot(engine, survey).ended_on) == ("closed", TODAY)
    move(engine, survey, "pilot")
    assert (pilot(engine, survey).id, pilot(engine, survey).phase) == (kept.id, "open")


def test_pilot_itself_is_never_moved(engine: Engine) -> None:
    survey = move(engine, made(engine), "pilot")
    with pytest.raises(publish.Unpublishable):
        move(engine, pilot(engine, survey), "closed")


def test_name_of_a_pilot_fits_and_is_free(engine: Engine) -> None:
    with writing(engine) as session:
        for slug in ("x" * 60, "x" * 54 + "-pilot"):
            publish.publish(
                session, QUESTIONNAIRE, slug=slug, bank="B", wave="1", opens_on=TODAY, closes_on=None, today=TODAY,
                phase="draft",
            )  # fmt: skip
    with reading(engine) as session:
        survey = publish.find(session, "x" * 60)
    assert survey is not None
    move(engine, survey, "pilot")
    assert pilot(engine, survey).slug == "x" * 52 + "-pilot-2"


def test_answers_of_a_pilot_are_released_into_its_own_report(engine: Engine) -> None:
    survey = move(engine, made(engine), "pilot")
    kept = pilot(engine, survey)
    for n in range(releases.BATCH):
        answer(engine, kept, f"{survey.slug}-{n}")
    with engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
        assert releases.due(connection, TODAY) == [(kept.id, releases.BATCH)]
        releases.release(connection, kept.id or 0, TODAY)
    with reading(engine) as session:
        assert publish.counts(session, pilot(engine, survey)) == (releases.BATCH, 1)
        assert publish.counts(session, survey) == (0, 0)


def test_what_was_walked_through_as_a_preview_is_gone_when_it_opens(engine: Engine) -> None:
    survey, book = made(engine), collect.codebook_of(made(engine))
    draft = collect.Begun("t" * 64, survey.id or 0, "en", bytes(len(book)), {}, TODAY)
    with engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
        collect.begin_draft(connection, draft)
    move(engine, survey, "open")
    with reading(engine) as session:
        assert session.exec(select(func.count()).select_from(Draft)).one() == 0


def answer(engine: Engine, survey: Survey, key: str) -> None:
    book = collect.codebook_of(survey)
    arrival = collect.Arrival(key, bytes(len(book)), {}, "en", TODAY)
    with engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
        collect.ingest(connection, survey.id or 0, book, [arrival])


@dataclass
class Life:
    """What a sequence of steps should have brought."""

    today: date = TODAY
    real: int = 0
    tried: int = 0


STEP = st.sampled_from([*lifecycle.PHASES, "answer", "answer", "release", "day", "week"])


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=14), closes=st.none() | st.integers(0, 12))
def test_no_way_through_life_mixes_pilot_and_survey(engine: Engine, steps: list[str], closes: int | None) -> None:
    survey = made(engine, closes_on=None if closes is None else TODAY + timedelta(closes))
    life = Life()
    for place, step in enumerate(steps):
        take(engine, survey, life, step, place)
        with reading(engine) as session:
            now = session.get(Survey, survey.id)
            assert now is not None
            assert publish.state(now, life.today) in STATES
            kept = lifecycle.pilot(session, survey)
            assert held(session, survey) == life.real
            assert (held(session, kept) if kept else 0) == life.tried
            assert (kept is not None and kept.phase == "open") == (now.phase == "pilot")


def take(engine: Engine, survey: Survey, life: Life, step: str, place: int) -> None:
    """One step of a life: a move if it is allowed, an answer if one can be given, or time that goes by."""
    with reading(engine) as session:
        now = session.get(Survey, survey.id)
        assert now is not None
        kept, state = lifecycle.pilot(session, now), publish.state(now, life.today)
    if step in ("day", "week"):
        life.today += timedelta(1 if step == "day" else 7)
    elif step == "answer" and state in ("open", "pilot"):
        answer(engine, kept if state == "pilot" and kept else now, f"{survey.slug}-{place}")
        life.tried, life.real = life.tried + (state == "pilot"), life.real + (state == "open")
    elif step == "release":
        with engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
            for survey_id, least in releases.due(connection, life.today):
                releases.release(connection, survey_id, life.today, least=least)
    elif step in lifecycle.allowed(now, life.today):
        try:
            move(engine, now, step, life.today)
        except publish.Unpublishable as error:
            assert step == "open" and "is over" in str(error)  # noqa: PT017


def held(session: Session, survey: Survey) -> int:
    """All answers under a survey's number, released or not."""
    counts = (
        session.exec(select(func.count()).select_from(table).where(col(table.survey_id) == survey.id)).one()
        for table in (Waiting, Submission)
    )
    return sum(counts)
