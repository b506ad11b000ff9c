"""The door for what waited on a device: opened with this server's key alone, counted once, late only within reason."""

from __future__ import annotations

import base64
import json
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, text

from app.respond import published
from surveys.flags import LATE, UNPROVED
from surveys.sealing import private_key, public_point, seal_for
from surveys.store import collect, devices, lifecycle, publish
from surveys.store.database import writing
from surveys.tables import Survey
from tests.app.conftest import SETTINGS
from tests.app.test_own_answers import kept
from tests.app.test_respond import count
from tests.app.test_whole_form import KEY, filled

TODAY = SETTINGS.today()
SEALED = "/s/harbour/sealed"


def public_key(browser: TestClient) -> bytes:
    page = browser.get("/s/harbour/form").text
    return base64.b64decode(page.split('data-seal="')[1].split('"')[0].replace("&#43;", "+"))


def content(survey: Survey, **more: Any) -> dict[str, Any]:
    return {
        "path": "/s/harbour",
        "lang": "en",
        "body": urlencode(filled(survey), doseq=True),
        "headers": {"idempotency-key": KEY, "told": "0", "seconds": "300"},
        "day": TODAY.isoformat(),
        "device": "",
    } | more


def send(browser: TestClient, what: dict[str, Any] | bytes, key: bytes = b"") -> Response:
    data = what if isinstance(what, bytes) else json.dumps(what).encode()
    body = seal_for(key or public_key(browser), data)
    return browser.post(SEALED, content=body, headers={"content-type": "application/octet-stream"})


def row(engine: Engine) -> Any:
    with engine.connect() as connection:
        return connection.execute(text("SELECT * FROM waiting")).mappings().one()


def test_what_waited_is_stored_once_with_its_day_and_language(
    browser: TestClient, shop: Survey, engine: Engine
) -> None:
    given = TODAY - timedelta(days=2)
    key = public_key(browser)
    answers = [send(browser, content(shop, day=given.isoformat(), lang="zh-CN"), key) for _ in range(3)]
    assert [answer.json() for answer in answers] == [{"receipt": collect.receipt_code(KEY)}] * 3
    stored = row(engine)
    assert str(stored["day"]) == given.isoformat()
    assert (stored["language"], stored["flags"]) == ("zh-CN", UNPROVED)
    assert kept(engine, collect.receipt_code(KEY))


def test_day_that_has_not_come_counts_as_today(browser: TestClient, shop: Survey, engine: Engine) -> None:
    send(browser, content(shop, day="2999-01-01"))
    assert str(row(engine)["day"]) == TODAY.isoformat()


@pytest.mark.parametrize(
    "what",
    [
        b"",
        b"{}",
        b"\xff\xfe",
        b'{"path": "/etc/passwd"}',
        json.dumps({"path": "/s/harbour", "lang": "en", "body": "", "headers": {}, "day": "2026-01-01"}).encode(),
    ],
)
def test_what_is_no_delivery_is_refused_in_words(
    browser: TestClient, shop: Survey, engine: Engine, what: bytes
) -> None:
    answer = send(browser, what)
    assert answer.status_code == 400
    assert "not sealed for this server" in answer.text
    assert count(engine, "waiting") == 0


def test_what_was_sealed_for_another_server_is_refused(browser: TestClient, shop: Survey, engine: Engine) -> None:
    assert send(browser, content(shop), public_point(private_key(b"x" * 32))).status_code == 400
    assert (
        browser.post(SEALED, content=b"short", headers={"content-type": "application/octet-stream"}).status_code == 400
    )
    assert browser.post(SEALED, data={"a": "b"}).status_code == 415
    assert count(engine, "waiting") == 0


def test_other_surveys_path_and_unknown_links_are_refused(browser: TestClient, shop: Survey, engine: Engine) -> None:
    key = public_key(browser)
    for path in ("/s/other", "/s/harbour/zzzzzzz", "/i/" + "x" * 22):
        assert send(browser, content(shop, path=path), key).status_code == 404
    assert count(engine, "waiting") == 0


def end(engine: Engine, survey: Survey, on: date) -> None:
    with writing(engine) as session:
        found = publish.find(session, survey.slug)
        assert found
        lifecycle.move(session, found, "closed", on)
    published._kept.clear()


def test_given_in_time_and_delivered_after_the_end_is_taken_and_flagged(
    browser: TestClient, shop: Survey, engine: Engine
) -> None:
    key = public_key(browser)
    end(engine, shop, TODAY - timedelta(days=3))
    late = content(shop, day=(TODAY - timedelta(days=3)).isoformat())
    assert send(browser, late, key).status_code == 200
    assert row(engine)["flags"] & LATE


@pytest.mark.parametrize(("ended", "given"), [(3, 2), (8, 9)])
def test_given_after_the_end_or_delivered_too_late_is_refused(
    browser: TestClient, shop: Survey, engine: Engine, ended: int, given: int
) -> None:
    key = public_key(browser)
    end(engine, shop, TODAY - timedelta(days=ended))
    answer = send(browser, content(shop, day=(TODAY - timedelta(days=given)).isoformat()), key)
    assert answer.status_code == 410
    assert "has closed" in answer.json()["message"]
    assert count(engine, "waiting") == 0


def test_paused_survey_leaves_it_on_the_device(browser: TestClient, shop: Survey, engine: Engine) -> None:
    key = public_key(browser)
    with writing(engine) as session:
        found = publish.find(session, "harbour")
        assert found
        lifecycle.move(session, found, "paused", TODAY)
    published._kept.clear()
    assert send(browser, content(shop), key).status_code == 503
    assert count(engine, "waiting") == 0


def test_branch_is_the_devices_and_a_retired_device_sends_nothing(
    browser: TestClient, shop: Survey, engine: Engine
) -> None:
    with writing(engine) as session:
        device, token = devices.add(session, shop.id or 0, "Lobby", "South Station", "2468", TODAY)
    key = public_key(browser)
    assert send(browser, content(shop, path="/s/harbour/kiosk", device=token), key).status_code == 200
    assert (row(engine)["unit"], row(engine)["channel"]) == ("South Station", "kiosk")
    with writing(engine) as session:
        devices.retire(session, shop.id or 0, device.id or 0)
    other = content(shop, path="/s/harbour/kiosk", device=token, headers={"idempotency-key": "o" * 32})
    assert send(browser, other, key).status_code == 404
    assert count(engine, "waiting") == 1


def test_device_tells_that_it_is_alive_to_the_minute(browser: TestClient, shop: Survey, engine: Engine) -> None:
    with writing(engine) as session:
        _device, token = devices.add(session, shop.id or 0, "Lobby", "South Station", "2468", TODAY)
    told = browser.post("/s/harbour/kiosk/beat", data={"device": token, "waiting": "3"}).json()
    assert (told["name"], told["unit"]) == ("Lobby", "South Station")
    assert "2468" not in told["pin"]
    with engine.connect() as connection:
        seen, waiting = connection.execute(text("SELECT seen_at, waiting FROM device")).one()
    assert waiting == 3
    assert ":00" in str(seen)
    for nonsense in ("-1", "x", "9" * 30, ""):
        assert browser.post("/s/harbour/kiosk/beat", data={"device": token, "waiting": nonsense}).status_code == 200
    assert browser.post("/s/harbour/kiosk/beat", data={"device": "x" * 32}).status_code == 404


def test_kiosk_gives_no_cookie_by_which_the_next_could_open_the_answers(
    browser: TestClient, shop: Survey, engine: Engine
) -> None:
    with writing(engine) as session:
        _device, token = devices.add(session, shop.id or 0, "Lobby", "South Station", "2468", TODAY)
    browser.cookies.clear()
    answer = browser.post("/s/harbour/kiosk/send", data=filled(shop), headers={"idempotency-key": KEY, "device": token})
    assert answer.json()["receipt"]
    assert "set-cookie" not in answer.headers


def test_installable_form_says_where_it_begins(browser: TestClient, shop: Survey) -> None:
    told = browser.get("/s/harbour/form.webmanifest").json()
    assert (told["start_url"], told["scope"]) == ("/s/harbour", "/s/harbour")
    worker = browser.get("/s/harbour/worker.js")
    assert worker.headers["service-worker-allowed"] == "/s/harbour"
