"""The page on which the fieldwork is watched: true sentences, small numbers withheld, shares checked, live numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.desk import fieldwork as watching
from app.desk.progress import Counted, first_sentence, live, stops_of
from app.words import speak
from surveys.simulate import simulate_arrivals
from surveys.store import collect, fieldwork, publish
from surveys.store.database import reading, writing
from surveys.tables import Survey
from tests.app.conftest import fill, sign_in, token

PAGE = "/surveys/harbour/fieldwork"


def margins_of(database: Engine) -> dict[str, dict[str, float]]:
    with reading(database) as session:
        survey = publish.find(session, "harbour")
        assert survey is not None
        return survey.margins


def test_empty_page_says_what_will_be_here(lin: TestClient) -> None:
    page = lin.get(PAGE).text
    assert "No answers have been released yet." in page and "Nobody has opened the form yet." in page


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_page_stands_in_both_languages(lin: TestClient, database: Engine, survey: Survey, language: str) -> None:
    fill(database, survey, 120)
    page = lin.get(f"{PAGE}?lang={language}")
    assert page.status_code == 200 and "±" in page.text


def test_page_needs_signing_in(client: TestClient) -> None:
    assert "/sign-in" in str(client.get(PAGE).url)
    assert client.get(f"{PAGE}/live", follow_redirects=False).status_code in (303, 401)


@pytest.mark.parametrize(
    ("planned", "released", "day", "said"),
    [
        (0, 40, 20, "40 answers so far; no number was planned."),
        (400, 212, 10, "212 of 400 planned answers; at this pace the plan is reached on 2026-01-19."),
        (400, 29, 10, "29 of 400 planned answers."),
        (400, 212, 2, "212 of 400 planned answers."),
        (400, 400, 10, "The plan is reached: 400 of 400 answers."),
    ],
)
def test_first_sentence_says_only_what_is_true(
    survey: Survey, planned: int, released: int, day: int, said: str
) -> None:
    speak("en")
    survey.planned = planned
    assert first_sentence(survey, released, date(2026, 1, day)) == said


def test_first_sentence_foresees_a_miss(survey: Survey) -> None:
    speak("en")
    survey.planned, survey.closes_on = 1000, date(2026, 1, 20)
    assert first_sentence(survey, 100, date(2026, 1, 10)).endswith(
        "about 200 arrive by 2026-01-20, fewer than planned."
    )


def test_those_who_wait_are_few_or_a_number() -> None:
    speak("en")
    counted = Counted(0, 0, 0, 0, {}, 4, 0)
    assert live(counted)["waiting"] == "fewer than five"
    assert live(replace(counted, waiting=5))["waiting"] == "5"


def test_who_left_adds_up_to_who_opened(survey: Survey) -> None:
    steps = {fieldwork.OPENED: 100, fieldwork.STARTED: 70} | {page: 70 - 3 * page for page in range(1, 20)}
    stops = stops_of(survey, Counted(0, 0, 0, 0, steps, 0, 0))
    assert stops[0].left == 30
    assert sum(stop.left for stop in stops) + stops[-1].reached - stops[-1].left == 100
    assert all(stop.left >= 0 for stop in stops)


def test_known_shares_are_kept_and_compared(lin: TestClient, database: Engine, survey: Survey) -> None:
    fill(database, survey, 200)
    question = next(q for q in publish.questionnaire_of(survey).questions("segments") if q.type == "single")
    codes = [option.code for option in question.options]
    shares = dict.fromkeys(codes, "0") | {codes[0]: "90", codes[1]: "10"}
    posted = {f"{question.id}:{code}": share for code, share in shares.items()}
    page = lin.post(f"{PAGE}/margins", data={"csrf": token(lin.get(PAGE).text)} | posted)
    assert page.status_code == 200 and "Interval (95 in 100)" in page.text
    assert margins_of(database)[question.id][codes[0]] == 0.9


@pytest.mark.parametrize(("first", "said"), [("60", "the shares add to 60; they must add to 100"), ("much", "“much”")])
def test_bad_shares_are_told_and_kept_in_the_form(
    lin: TestClient, database: Engine, survey: Survey, first: str, said: str
) -> None:
    question = next(q for q in publish.questionnaire_of(survey).questions("segments") if q.type == "single")
    posted = {f"{question.id}:{question.options[0].code}": first, "csrf": token(lin.get(PAGE).text)}
    page = lin.post(f"{PAGE}/margins", data=posted)
    assert page.status_code == 422 and said in page.text and f'value="{first}"' in page.text
    assert margins_of(database) == {}


def test_researchers_look_and_change_nothing(client: TestClient) -> None:
    rui = sign_in(client, "Rui")
    assert rui.get(PAGE).status_code == 200
    assert rui.post(f"{PAGE}/margins", data={}).status_code == 404


def test_stream_tells_what_arrives(
    lin: TestClient, database: Engine, survey: Survey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "STREAM_SECONDS", 0.0)
    arrivals = simulate_arrivals(publish.questionnaire_of(survey), 3, day=date(2026, 1, 1))
    with writing(database) as session:
        collect.ingest(session.connection(), survey.id or 0, collect.codebook_of(survey), arrivals)
        fieldwork.add_steps(session.connection(), {(survey.id or 0, "", fieldwork.SENT): 3})
    text = lin.get(f"{PAGE}/live").text
    (line,) = [line for line in text.splitlines() if line.startswith("data:")]
    assert json.loads(line.removeprefix("data:"))["sent"] == "3" and watching._streams == set()


def test_full_process_takes_no_more_readers(lin: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST_STREAMS", 0)
    assert "event: full" in lin.get(f"{PAGE}/live").text


def test_precision_is_that_of_the_released_gaps(lin: TestClient, database: Engine, survey: Survey) -> None:
    fill(database, survey, 120)
    found = watching.settled_of(lin.app.state.desk, survey)  # type: ignore[attr-defined]
    assert found.reached is not None and np.isfinite(found.reached) and 0 < found.reached < 1
