"""Duplicates and programs are flagged, not dropped, and people are left in peace."""

from __future__ import annotations

import itertools

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.main import create_app
from app.respond.signs import FLAGGED_FROM, REFUSED_FROM, proved
from app.throttle import Arrivals, network_of
from surveys.flags import AGAIN, BURST, HASTY, UNPROVED, names_of
from surveys.store import publish
from surveys.store.database import writing
from surveys.store.fieldwork import OPENED, SENT, STARTED, steps_of
from surveys.tables import Survey
from tests.app.conftest import SETTINGS
from tests.app.test_respond import go_through
from tests.app.test_whole_form import KEY, deliver, filled


def proof_of(key: str) -> str:
    return next(str(n) for n in itertools.count() if proved(key, str(n)))


def flags(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        # Some may have entered the report meanwhile.
        query = "SELECT flags FROM waiting UNION ALL SELECT flags FROM submission ORDER BY flags"
        return [row[0] for row in connection.execute(text(query))]


def test_browser_that_did_its_work_and_took_its_time_has_no_flag(
    browser: TestClient, shop: Survey, engine: Engine
) -> None:
    deliver(browser, filled(shop), proof=proof_of(KEY), seconds="300")
    assert flags(engine) == [0]


@pytest.mark.parametrize("proof", ["", "0", "-1", "9" * 40, "x", "1.5"])
def test_work_not_done_is_flagged(browser: TestClient, shop: Survey, engine: Engine, proof: str) -> None:
    assert deliver(browser, filled(shop), proof=proof).status_code == 200
    assert flags(engine) == [UNPROVED]


def test_work_for_one_delivery_is_none_for_another() -> None:
    proof = proof_of("a" * 32)
    assert proved("a" * 32, proof)
    assert not all(proved(key * 32, proof) for key in "bcdef")


@pytest.mark.parametrize(("seconds", "flagged"), [("10", HASTY), ("87", HASTY), ("200", 0), ("-5", 0), ("soon", 0)])
def test_sooner_than_the_questions_can_be_read_is_flagged(
    browser: TestClient, shop: Survey, engine: Engine, seconds: str, flagged: int
) -> None:
    deliver(browser, filled(shop), proof=proof_of(KEY), seconds=seconds)
    assert flags(engine) == [flagged]


def test_second_submission_of_a_browser_is_kept_and_flagged(browser: TestClient, shop: Survey, engine: Engine) -> None:
    deliver(browser, filled(shop), proof=proof_of(KEY))
    deliver(browser, filled(shop), proof=proof_of(KEY))  # the same again is not a second one
    other = "o" * 32
    deliver(browser, filled(shop, enc_rel_1_P="1"), other, proof=proof_of(other))
    assert flags(engine) == [0, AGAIN]


def test_forged_mark_is_no_mark(browser: TestClient, shop: Survey, engine: Engine) -> None:
    browser.cookies.set("fgd-harbour", "0" * 32)
    deliver(browser, filled(shop), proof=proof_of(KEY))
    assert flags(engine) == [0]


def test_page_by_page_time_stands_for_work(client: TestClient, survey: Survey, database: Engine) -> None:
    go_through(client, survey)  # within a moment, as no person could
    assert flags(database) == [HASTY | UNPROVED]


def test_many_from_one_network_are_flagged_and_very_many_asked_to_wait(shop: Survey, engine: Engine) -> None:
    app = create_app(SETTINGS, engine)
    with TestClient(app, client=("203.0.113.7", 50000)) as browser:
        for number in range(FLAGGED_FROM + 1):
            browser.cookies.clear()
            key = f"{number:032d}"
            assert deliver(browser, filled(shop), key, proof=proof_of(key)).status_code == 200
        assert flags(engine) == [0] * FLAGGED_FROM + [BURST]
        arrivals = app.state.desk.arrivals
        for _ in range(REFUSED_FROM):
            arrivals.count("203.0.113.9")  # a neighbour in the same network
        answer = deliver(browser, filled(shop), "z" * 32)
        assert answer.status_code == 429
        assert len(flags(engine)) == FLAGGED_FROM + 1


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2::5", "2001:db8:1::/48"),
        ("127.0.0.1", ""),
        ("::1", ""),
        ("testclient", ""),
    ],
)
def test_network_of_an_address(address: str, network: str) -> None:
    assert network_of(address) == network


def test_addresses_are_forgotten_after_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("app.throttle.time.monotonic", lambda: now[0])
    arrivals = Arrivals()
    assert [arrivals.count("203.0.113.7") for _ in range(3)] == [1, 2, 3]
    now[0] += 61
    assert arrivals.count("203.0.113.8") == 1


def test_flags_have_names() -> None:
    assert names_of(AGAIN | HASTY | 1 << 20) == ["same_browser", "hasty"]


def test_steps_are_counted_by_the_way_in(shop: Survey, engine: Engine) -> None:
    with writing(engine) as session:
        code = publish.add_link(session, shop, "South Station", "counter").code
    with TestClient(create_app(SETTINGS, engine)) as browser:
        browser.get("/s/harbour")
        browser.get(f"/s/harbour/{code}")
        browser.get(f"/s/harbour/{code}/form")
        told = browser.post(f"/s/harbour/{code}/passed", data={"from": "1", "to": "2"})
        assert told.status_code == 204
        deliver(browser, filled(shop), path=f"/s/harbour/{code}/form", told="2")
        for nonsense in ({"from": "0", "to": "9"}, {"from": "x", "to": "1"}, {}, {"from": "5", "to": "2"}):
            browser.post("/s/harbour/passed", data=nonsense)
    with engine.connect() as connection:
        found = steps_of(connection, shop.id)
    pages = dict.fromkeys((1, 2, 3, 4, 5, 6, 7, 8, 10), 1)  # nobody met the page about problems
    assert found == {"": {OPENED: 1}, code: {OPENED: 1, STARTED: 1, SENT: 1} | pages}
