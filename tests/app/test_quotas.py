"""Quotas as customers and officers meet them: a clear page at the door, and sentences for bad values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.main import create_app
from app.respond import published
from surveys.authoring import load
from surveys.coding import codebook
from surveys.simulate import simulate_arrivals
from surveys.store import collect, fieldwork, people, publish, quotas
from surveys.store.database import writing
from surveys.store.quotas import Limit
from surveys.tables import Survey
from tests.app.conftest import HASHED, SETTINGS, sign_in, token
from tests.app.test_respond import answers_for

TODAY = date(2026, 1, 1)
FIRST = load("pfs_customer").screenable[0]
QUESTIONNAIRE = load("pfs_customer").variant(screening=(FIRST,))
BOOK = codebook(QUESTIONNAIRE)
OPTIONS = [option.code for option in QUESTIONNAIRE.question(FIRST).options]
ENOUGH = {"en": "Enough answers have come in", "zh-CN": "答卷数量已足够"}


@pytest.fixture
def survey(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Survey:
    monkeypatch.setattr(published, "FRESH_SECONDS", 0.0)
    with writing(engine) as session:
        people.add(session, "Lin", HASHED, "officer", TODAY)
        people.add(session, "Rui", HASHED, "researcher", TODAY)
        return publish.publish(
            session, QUESTIONNAIRE, slug="harbour", bank="B", wave="1", opens_on=TODAY, closes_on=None, today=TODAY
        )


@pytest.fixture
def client(engine: Engine, survey: Survey) -> Iterator[TestClient]:
    with TestClient(create_app(SETTINGS, engine)) as made:
        yield made


def full(engine: Engine, survey: Survey, **what: str) -> str:
    """A quota of one answer that has come; returns the code of the branch's link."""
    with writing(engine) as session:
        code = publish.add_link(session, survey, "North", "counter").code
        quotas.add(session.connection(), survey.id or 0, QUESTIONNAIRE, BOOK, what | {"most": "1"}, TODAY)
        (one,) = simulate_arrivals(QUESTIONNAIRE, 1, day=TODAY)
        closed = bytearray(one.closed)
        closed[BOOK.place[FIRST]] = 1
        fields = vars(one) | {"closed": bytes(closed), "unit": "North", "channel": "counter"}
        collect.ingest(session.connection(), survey.id or 0, BOOK, [collect.Arrival(**fields)])
    return code


def limits(client: TestClient, engine: Engine, survey: Survey) -> tuple[Limit, ...]:
    """The quotas after all that is queued was written."""
    client.app.state.desk.writer.do(lambda connection: None)  # type: ignore[attr-defined]
    with engine.connect() as connection:
        return quotas.all_of(connection, survey.id or 0)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_full_branch_is_thanked_at_the_door(client: TestClient, engine: Engine, survey: Survey, language: str) -> None:
    code = full(engine, survey, unit="North")
    welcome = client.get(f"/s/harbour/{code}?lang={language}")
    started = client.post(f"/s/harbour/{code}/start", data={})
    for answer in (welcome, started):
        assert answer.status_code == 403 and ENOUGH[language] in answer.text
    assert client.get("/s/harbour").status_code == 200
    assert [one.turned for one in limits(client, engine, survey)] == [2]
    assert client.app.state.desk.steps.take()[survey.id, code, fieldwork.TURNED] == 2  # type: ignore[attr-defined]


def test_document_knows_which_quotas_are_full(client: TestClient, engine: Engine, survey: Survey) -> None:
    before = client.get("/s/harbour/form").text
    code = full(engine, survey, question=FIRST, option=OPTIONS[0])
    rules = [
        json.loads(re.search(r'id="rules">(.*?)</script>', text, re.S)[1])
        for text in (before, client.get("/s/harbour/form").text, client.get(f"/s/harbour/{code}/form").text)
    ]
    assert "full" not in rules[0] and rules[0]["pages"][0]["screens"] is True
    assert [row[:2] for row in rules[1]["full"]] == [row[:2] for row in rules[2]["full"]] == [[FIRST, OPTIONS[0]]]
    (number,) = [row[2] for row in rules[1]["full"]]
    sent = client.post("/s/harbour/turned", data={"quota": str(number), "way": code})
    assert sent.status_code == 204 and [one.turned for one in limits(client, engine, survey)] == [1]
    client.post("/s/harbour/turned", data={"quota": "9999", "way": ""})
    assert client.post("/s/harbour/turned", data={"quota": str(number), "way": "nowhere"}).status_code == 404
    assert [one.turned for one in limits(client, engine, survey)] == [1]


def test_full_group_is_thanked_after_the_first_page(client: TestClient, engine: Engine, survey: Survey) -> None:
    full(engine, survey, question=FIRST, option=OPTIONS[0])
    client.post("/s/harbour/start", data={})
    answer = client.post("/s/harbour/1", data={FIRST: OPTIONS[0]})
    assert answer.status_code == 403 and ENOUGH["en"] in answer.text and "from your group" in answer.text
    client.post("/s/harbour/start", data={})
    assert client.post("/s/harbour/1", data={FIRST: OPTIONS[1]}).url.path == "/s/harbour/2"
    assert [one.turned for one in limits(client, engine, survey)] == [1]


def test_who_had_begun_is_heard_and_flagged(client: TestClient, engine: Engine, survey: Survey) -> None:
    client.post("/s/harbour/start", data={})
    answer = client.post("/s/harbour/1", data={FIRST: OPTIONS[0]})
    full(engine, survey, question=FIRST, option=OPTIONS[0])
    while found := re.fullmatch(r"/s/harbour/(\d+)", answer.url.path):
        answer = client.post(answer.url.path, data=answers_for(survey, int(found[1])))
    assert answer.url.path == "/s/harbour/thanks"
    with engine.connect() as connection:
        flags = connection.exec_driver_sql("SELECT flags FROM waiting").scalars().all()
    assert sorted(flag & 32 for flag in flags) == [0, 32]
    assert [(one.taken, one.turned) for one in limits(client, engine, survey)] == [(1, 1)]


def test_officer_adds_changes_and_deletes(client: TestClient, engine: Engine, survey: Survey) -> None:
    sign_in(client, "Lin")
    csrf = token(client.get("/surveys/harbour/quotas").text)
    page = client.post("/surveys/harbour/quotas", data={"csrf": csrf, "group": f"{FIRST}={OPTIONS[1]}", "most": "40"})
    (one,) = limits(client, engine, survey)
    assert page.status_code == 200 and (one.question, one.option, one.most) == (FIRST, OPTIONS[1], 40)
    client.post(f"/surveys/harbour/quotas/{one.id}", data={"csrf": csrf, "most": "50"})
    assert [one.most for one in limits(client, engine, survey)] == [50]
    client.post(f"/surveys/harbour/quotas/{one.id}", data={"csrf": csrf, "go": "delete"})
    assert limits(client, engine, survey) == ()


@pytest.mark.parametrize(
    ("posted", "said"),
    [
        ({"most": "5"}, "A quota needs a branch, a way in or a group of customers."),
        ({"unit": "N", "most": "many"}, "The number of answers is “many”; allowed is a whole number from 1"),
        ({"group": "tier=x", "most": "5"}, "allowed are"),
    ],
)
def test_bad_quota_is_told_and_nothing_of_it_lost(
    client: TestClient, engine: Engine, survey: Survey, posted: dict[str, str], said: str
) -> None:
    sign_in(client, "Lin")
    csrf = token(client.get("/surveys/harbour/quotas").text)
    page = client.post("/surveys/harbour/quotas", data={"csrf": csrf} | posted)
    assert page.status_code == 422 and said in page.text
    assert all(f'value="{value}"' in page.text for name, value in posted.items() if name == "unit")
    assert limits(client, engine, survey) == ()


def test_only_who_publishes_may_set_quotas(client: TestClient) -> None:
    assert sign_in(client, "Rui").get("/surveys/harbour/quotas").status_code == 404


def test_few_answers_are_told_of_no_quota(client: TestClient, engine: Engine, survey: Survey) -> None:
    with writing(engine) as session:
        wish = {"unit": "North", "most": "50"}
        quotas.add(session.connection(), survey.id or 0, QUESTIONNAIRE, BOOK, wish, TODAY)
    page = sign_in(client, "Lin").get("/surveys/harbour/quotas").text
    assert "fewer than can be shown" in page


def test_group_questions_can_be_asked_first(client: TestClient) -> None:
    sign_in(client, "Lin")
    page = client.get("/surveys/new").text
    assert f'name="screening" value="{FIRST}"' in page
    posted = {"csrf": token(page), "questionnaire": "pfs_customer", "slug": "two", "bank": "B", "wave": "1"}
    wrong = client.post("/surveys/new", data=posted | {"screening": "nothing", "slug": "three"})
    assert wrong.status_code == 422 and "“nothing” cannot be asked first" in wrong.text
