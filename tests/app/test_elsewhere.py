"""Begun on one device, finished on another: nothing is lost, one person stays one, and nobody else can read it."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.main import create_app
from app.respond.signs import REFUSED_FROM
from surveys.store import collect, publish
from surveys.store.database import writing
from surveys.tables import Survey
from tests.app.conftest import SETTINGS
from tests.app.test_own_answers import visit_of
from tests.app.test_respond import answers_for, count, go_through, start
from tests.app.test_whole_form import KEY, deliver, filled

LATER, RESUME = "/s/harbour/later", "/s/harbour/resume"


def going(survey: Survey, **more: object) -> dict[str, object]:
    values = {name: [value] if isinstance(value, str) else value for name, value in filled(survey).items()}
    return {"key": KEY, "path": "/s/harbour", "values": values, "furthest": 3} | more


def park(browser: TestClient, survey: Survey, **more: object) -> str:
    answer = browser.post(LATER, json=going(survey, **more))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["code"])


def test_code_brings_everything_back_on_another_device(browser: TestClient, shop: Survey, engine: Engine) -> None:
    code = park(browser, shop, values={"enc_rel_1_E": ["6"], "comment_praise": ["好"]})
    browser.cookies.clear()
    visit = visit_of(browser.post(RESUME, data={"code": code.lower().replace("-", " ")}).text)
    assert visit["values"] == {"enc_rel_1_E": ["6"], "comment_praise": ["好"]}
    assert (visit["key"], visit["furthest"], visit["path"]) == (KEY, 3, "/s/harbour")
    assert count(engine, "waiting") == 0


def test_both_devices_together_bring_one_submission(browser: TestClient, shop: Survey, engine: Engine) -> None:
    code = park(browser, shop)
    visit = visit_of(browser.post(RESUME, data={"code": code}).text)
    first = deliver(browser, filled(shop, enc_rel_1_P="1"), str(visit["key"]), parked="yes")
    second = deliver(browser, filled(shop), parked="yes")  # the device it was begun on
    assert (first.status_code, second.status_code) == (200, 409)
    assert first.json() == second.json()
    assert count(engine, "waiting") == 1


def test_parked_answers_are_gone_when_they_are_sent(browser: TestClient, shop: Survey, engine: Engine) -> None:
    code = park(browser, shop)
    deliver(browser, filled(shop), parked="yes")
    assert count(engine, "parked") == 0
    assert browser.post(RESUME, data={"code": code}).status_code == 404


def test_parking_again_keeps_the_code_and_the_newest_answers(browser: TestClient, shop: Survey, engine: Engine) -> None:
    code = park(browser, shop, values={"enc_rel_1_E": ["6"]})
    assert park(browser, shop, values={"enc_rel_1_E": ["2"]}, code=code) == code
    assert count(engine, "parked") == 1
    assert visit_of(browser.post(RESUME, data={"code": code}).text)["values"] == {"enc_rel_1_E": ["2"]}


def test_nobody_can_take_the_code_of_another(browser: TestClient, shop: Survey, engine: Engine) -> None:
    mine = park(browser, shop, values={"enc_rel_1_E": ["6"]})
    theirs = park(browser, shop, key="x" * 32, values={"enc_rel_1_E": ["1"]}, code=mine)
    assert theirs != mine
    assert visit_of(browser.post(RESUME, data={"code": mine}).text)["values"] == {"enc_rel_1_E": ["6"]}


def test_tables_do_not_tell_what_was_parked(browser: TestClient, shop: Survey, engine: Engine) -> None:
    code = park(browser, shop, values={"comment_praise": ["a secret of mine"]})
    with engine.connect() as connection:
        (row,) = connection.execute(text("SELECT * FROM parked")).mappings().all()
    told = b" ".join(value if isinstance(value, bytes) else str(value).encode() for value in dict(row).values())
    for secret in (b"secret of mine", KEY.encode(), code.encode(), code.replace("-", "").encode()):
        assert secret not in told


@pytest.mark.parametrize("code", ["", "0000-0000-0000-0000", "x" * 5000, "\u202e1234", "'; DROP TABLE parked"])
def test_wrong_code_opens_nothing_and_says_so(browser: TestClient, code: str) -> None:
    answer = browser.post(RESUME, data={"code": code})
    assert answer.status_code == 404
    assert "Nothing is kept under this code" in answer.text


def test_code_of_one_survey_opens_nothing_of_another(browser: TestClient, shop: Survey, engine: Engine) -> None:
    from datetime import date

    from tests.app.conftest import CUSTOMER

    with writing(engine) as session:
        publish.publish(
            session, CUSTOMER, slug="other", bank="B", wave="1", opens_on=date(2026, 1, 1), closes_on=None,
            today=date(2026, 1, 1),
        )  # fmt: skip
    assert browser.post("/s/other/resume", data={"code": park(browser, shop)}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"key": 5}', b'{"key": "short", "path": "/s/x", "values": {}}', b'{"values": {"a": "b"}}'],
)
def test_broken_bodies_are_refused_in_words(browser: TestClient, shop: Survey, engine: Engine, body: bytes) -> None:
    answer = browser.post(LATER, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert "open the page again" in answer.text
    assert count(engine, "parked") == 0


def test_path_that_leads_elsewhere_is_refused(browser: TestClient, shop: Survey) -> None:
    answer = browser.post(LATER, json=going(shop, path="//evil.example/s/x"))
    assert answer.status_code == 400


def test_page_by_page_the_button_gives_a_code_that_works_everywhere(
    client: TestClient, survey: Survey, database: Engine
) -> None:
    start(client)
    client.post("/s/harbour/1", data=answers_for(survey, 1, "6"))
    page = client.post("/s/harbour/2", data={"enc_rel_1_E": "3", "go": "later"} | answers_for(survey, 2, "2"))
    code = re.search(r'id="code">([0-9A-Z-]{19})<', page.text)[1]
    client.cookies.clear()
    on = client.post(RESUME, data={"code": code, "go": "pages"})
    assert on.url.path == "/s/harbour/2"
    assert on.text.count(" checked") == 8
    values = visit_of(client.post(RESUME, data={"code": code}).text)["values"]
    assert len(values) == 15
    done = go_through(client, survey)
    assert done.url.path == "/s/harbour/thanks"
    assert (count(database, "waiting"), count(database, "draft"), count(database, "parked")) == (1, 0, 0)


def test_branch_of_the_link_travels_to_the_other_device(client: TestClient, survey: Survey, database: Engine) -> None:
    with writing(database) as session:
        code = publish.add_link(session, survey, "South Station", "counter").code
    parked = park(client, survey, path=f"/s/harbour/{code}")
    client.cookies.clear()
    client.post(RESUME, data={"code": parked, "go": "pages"})
    go_through(client, survey)
    with database.connect() as connection:
        assert connection.execute(text("SELECT unit, channel FROM waiting")).one() == ("South Station", "counter")


def test_what_nobody_fetched_is_deleted_in_time(browser: TestClient, shop: Survey, engine: Engine) -> None:
    from datetime import timedelta

    from surveys.store import parking
    from tests.app.conftest import SETTINGS

    park(browser, shop)
    today = SETTINGS.today()
    with engine.begin() as connection:
        assert parking.delete_expired(connection, today + timedelta(days=collect.DRAFT_DAYS)) == 0
        assert parking.delete_expired(connection, today + timedelta(days=collect.DRAFT_DAYS + 1)) == 1


def test_network_that_parks_very_many_is_asked_to_wait(shop: Survey, engine: Engine) -> None:
    app = create_app(SETTINGS, engine)
    with TestClient(app, client=("203.0.113.7", 50000)) as browser:
        park(browser, shop)
        for _ in range(REFUSED_FROM):
            app.state.desk.parkings.count("203.0.113.8")
        assert browser.post(LATER, json=going(shop)).status_code == 429
        assert count(engine, "parked") == 1
