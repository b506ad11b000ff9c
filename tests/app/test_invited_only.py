"""By invitation only: personal links lead in, nothing else does, and nothing that was typed is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.main import create_app
from app.respond import published
from app.settings import Settings
from surveys.coding import Answers
from surveys.store import collect, invitations, publish
from surveys.store.database import writing
from surveys.tables import Survey
from tests.app.conftest import SETTINGS, sign_in, token
from tests.app.post import link_in, mail_server
from tests.app.test_invite import ADDRESSES, invite
from tests.app.test_respond import answers_for, count, go_through, start
from tests.app.test_whole_form import KEY, deliver, filled


@pytest.fixture(autouse=True)
def afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "FRESH_SECONDS", 0.0)


def only(engine: Engine, survey: Survey, on: bool = True) -> None:
    with writing(engine) as session:
        publish.invite_only(session, survey, on)


def test_public_address_and_short_links_say_so_in_the_surveys_language(
    browser: TestClient, shop: Survey, engine: Engine
) -> None:
    with writing(engine) as session:
        code = publish.add_link(session, shop, "South", "counter").code
    only(engine, shop)
    for path in ("/s/harbour", f"/s/harbour/{code}", "/s/harbour/form", f"/s/harbour/{code}/form", "/s/harbour/1"):
        answer = browser.get(path)
        assert answer.status_code == 403 and "This survey is by invitation only" in answer.text
    assert browser.post("/s/harbour/start").status_code == 403
    assert "本次调查仅限受邀者参加" in browser.get("/s/harbour?lang=zh-CN").text


def test_delivery_without_a_personal_link_is_refused_and_stays_on_the_device(
    browser: TestClient, shop: Survey, engine: Engine
) -> None:
    only(engine, shop)
    answer = deliver(browser, filled(shop))
    assert answer.status_code == 403
    assert answer.json()["message"].endswith("Your answers are still on this device.")
    assert count(engine, "waiting") == 0


def test_what_came_in_before_the_switch_is_acknowledged_again(
    browser: TestClient, shop: Survey, engine: Engine
) -> None:
    first = deliver(browser, filled(shop)).json()
    only(engine, shop)
    assert deliver(browser, filled(shop)).json() == first
    assert count(engine, "waiting") == 1


def test_way_without_script_ends_with_the_page_and_keeps_the_draft(client: TestClient, survey: Survey) -> None:
    start(client)
    only(client.app.state.desk.engine, survey)  # type: ignore[attr-defined]
    last = go_through(client, survey)
    assert last.status_code == 403 and "by invitation only" in last.text
    assert count(client.app.state.desk.engine, "draft") == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("script", [True, False])
def test_personal_link_leads_in(engine: Engine, shop: Survey, script: bool) -> None:
    only(engine, shop)
    with mail_server() as (box, server):
        mailing: Settings = replace(SETTINGS, mail=server, key=b"k" * 32)
        invite(engine, mailing, shop)
        link = link_in(box.mail_to(ADDRESSES[0]))
    with TestClient(create_app(mailing, engine), follow_redirects=True) as customer:
        assert customer.get(link).status_code == 200
        if script:
            assert customer.get(f"{link}/form").status_code == 200
            assert deliver(customer, filled(shop), path=f"{link}/form").status_code == 200
        else:
            customer.post(f"{link}/start")
            assert go_through(customer, shop).status_code == 200
    assert count(engine, "waiting") == 1


def test_rule_stands_where_answers_are_taken_in(engine: Engine, shop: Survey) -> None:
    only(engine, shop)
    book = collect.codebook_of(shop)
    arrival = collect.Arrival(KEY, bytes(Answers.blank(book).closed), {}, "en", SETTINGS.today(), "", "kiosk")
    with pytest.raises(invitations.NotInvited), engine.begin() as connection:
        invitations.take_in(connection, shop.id or 0, book, arrival, "")
    with pytest.raises(invitations.Spent), engine.begin() as connection:
        invitations.take_in(connection, shop.id or 0, book, arrival, invitations.link_hash("x" * 22))


def test_cookie_that_is_no_link_brings_nothing_in(client: TestClient, survey: Survey, database: Engine) -> None:
    only(database, survey)
    client.cookies.set("fgi-harbour", "x" * 22, path="/s/harbour")
    go_through(client, survey, last=9)
    assert client.post("/s/harbour/10", data=answers_for(survey, 10)).status_code == 410
    assert count(database, "waiting") == 0


def test_officer_turns_it_on_and_off(lin: TestClient, survey: Survey, database: Engine) -> None:
    page = lin.get("/surveys/harbour").text
    page = lin.post("/surveys/harbour/invitations/only", data={"csrf": token(page), "only": "yes"}).text
    assert "answers are taken by personal links alone" in page
    assert lin.get("/s/harbour").status_code == 403
    lin.post("/surveys/harbour/invitations/only", data={"csrf": token(page), "only": "no"})
    assert lin.get("/s/harbour").status_code == 200


def test_researcher_may_not(client: TestClient, survey: Survey) -> None:
    page = sign_in(client, "Rui").get("/surveys/harbour").text
    assert "By invitation only" not in page
    assert client.post("/surveys/harbour/invitations/only", data={"only": "yes"}).status_code == 404


def test_survey_can_be_published_so(lin: TestClient) -> None:
    page = lin.get("/surveys/new").text
    wish = {
        "questionnaire": "pfs_customer",
        "slug": "closed-circle",
        "bank": "B",
        "wave": "1",
        "invited_only": "yes",
        "begin": "open",
    }
    assert lin.post("/surveys/new", data={"csrf": token(page)} | wish).status_code == 200
    assert lin.get("/s/closed-circle").status_code == 403
