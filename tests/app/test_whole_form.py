"""The form in one document: what it says of itself, and one delivery that stores everything once."""

from __future__ import annotations

from datetime import date
from urllib.parse import parse_qsl, urlencode

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from app.requests import form_fields
from surveys.coding import codebook
from surveys.store import collect, lifecycle, publish, receipts
from surveys.store.database import writing
from surveys.tables import Survey
from tests.app.conftest import CUSTOMER
from tests.app.test_respond import answers_for, count, go_through

KEY = "k" * 32
FORM = "/s/harbour/form"


def filled(survey: Survey, **more: object) -> dict[str, object]:
    """A whole form without a problem to tell of."""
    found: dict[str, object] = {}
    for number in (1, 2, 3, 4, 5, 6, 7, 8, 10):
        found |= answers_for(survey, number)
    return found | more


def deliver(client: TestClient, body: dict[str, object], key: str = KEY, path: str = FORM, **headers: str) -> Response:
    return client.post(path, data=body, headers={"idempotency-key": key} | headers)


def test_one_delivery_stores_everything_and_answers_with_the_receipt(
    browser: TestClient, shop: Survey, engine: Engine
) -> None:
    answer = deliver(browser, filled(shop, comment_praise="很好"))
    assert answer.json() == {"receipt": collect.receipt_code(KEY)}
    assert answer.headers["cache-control"] == "no-store"
    assert (count(engine, "waiting"), count(engine, "draft")) == (1, 0)
    shown = browser.post("/s/harbour/receipt", data={"code": answer.json()["receipt"]}).text
    assert "很好" in shown
    assert answer.json()["receipt"] in browser.get("/s/harbour/thanks").text


def test_lost_acknowledgement_stores_nothing_twice(browser: TestClient, shop: Survey, engine: Engine) -> None:
    first, second = (deliver(browser, filled(shop)) for _ in range(2))
    assert first.json() == second.json()
    assert (second.status_code, count(engine, "waiting")) == (200, 1)


def test_what_was_changed_after_a_delivery_does_not_count_and_is_told(
    browser: TestClient, shop: Survey, engine: Engine
) -> None:
    first = deliver(browser, filled(shop))
    changed = deliver(browser, filled(shop, enc_tan_1_E="1"))
    assert (changed.status_code, changed.json()) == (409, first.json())
    assert count(engine, "waiting") == 1


def test_same_answers_are_stored_the_same_both_ways(browser: TestClient, shop: Survey, engine: Engine) -> None:
    deliver(browser, filled(shop, comment_praise="Kind."))
    browser.cookies.clear()
    browser.follow_redirects = True
    go_through(browser, shop, comment_praise="Kind.")
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT closed, language, day, unit, channel FROM waiting")).all()
    assert len(rows) == 2
    assert {(bytes(row[0]), *row[1:]) for row in rows} == {(bytes(rows[0][0]), *rows[0][1:])}


def test_blanks_and_does_not_apply_stay_different(browser: TestClient, shop: Survey, engine: Engine) -> None:
    answer = deliver(browser, {"enc_tan_1_P": "na"})
    assert answer.status_code == 200
    with engine.connect() as connection:
        kept = receipts.open_receipt(connection, answer.json()["receipt"])
    book = codebook(CUSTOMER)
    assert kept
    assert kept.answers.closed[book.place["enc_tan_1_P"]] == 255
    assert kept.answers.closed[book.place["enc_tan_2_P"]] == 0


def test_branch_and_channel_of_the_link_travel_with_the_delivery(
    browser: TestClient, shop: Survey, engine: Engine
) -> None:
    with writing(engine) as session:
        code = publish.add_link(session, shop, "South Station", "counter").code
    assert browser.get(f"/s/harbour/{code}/form").status_code == 200
    assert deliver(browser, filled(shop), path=f"/s/harbour/{code}/form").status_code == 200
    assert deliver(browser, filled(shop), "m" * 32, "/s/harbour/zzzzzzz/form").status_code == 404
    with engine.connect() as connection:
        assert connection.execute(text("SELECT unit, channel FROM waiting")).one() == ("South Station", "counter")


def test_answer_to_a_question_that_was_not_asked_is_not_kept(browser: TestClient, shop: Survey, engine: Engine) -> None:
    answer = deliver(browser, filled(shop, complaint_stage="enc"))  # and no problem was told of
    with engine.connect() as connection:
        kept = receipts.open_receipt(connection, answer.json()["receipt"])
    assert kept
    assert kept.answers.closed[codebook(CUSTOMER).place["complaint_stage"]] == 0


@pytest.mark.parametrize(("language", "words_"), [("en", "Please give out 10 more."), ("zh-CN", "10")])
def test_faults_come_back_with_page_card_and_words(
    browser: TestClient, shop: Survey, engine: Engine, language: str, words_: str
) -> None:
    body = filled(shop, enc_rel_1_E="8", importance__reliability="30", product=["funds", "none"])
    answer = deliver(browser, body, path=f"{FORM}?lang={language}")
    assert answer.status_code == 422
    faults = answer.json()["faults"]
    assert [(one["page"], one["card"]) for one in faults] == [
        (1, "enc_rel_1_E"),
        (7, "importance"),
        (10, "product"),
    ]
    assert faults[0]["first"] == "enc_rel_1_E-1"
    assert words_ in faults[1]["words"]
    assert count(engine, "waiting") == 0


def test_delivery_may_be_mended_and_sent_under_the_same_key(browser: TestClient, shop: Survey, engine: Engine) -> None:
    assert deliver(browser, filled(shop, enc_rel_1_E="8")).status_code == 422
    assert deliver(browser, filled(shop)).status_code == 200
    assert count(engine, "waiting") == 1


@pytest.mark.parametrize(
    "key", ["", "short", "k" * 31, "k" * 65, "k" * 31 + "é".encode().decode("latin-1"), "k k" * 12]
)
def test_delivery_without_a_proper_key_is_refused(browser: TestClient, shop: Survey, engine: Engine, key: str) -> None:
    answer = browser.post(FORM, data=filled(shop), headers={b"idempotency-key": key.encode("latin-1")})
    assert answer.status_code == 400
    assert count(engine, "waiting") == 0


def test_delivery_from_another_site_is_refused(browser: TestClient, shop: Survey, engine: Engine) -> None:
    for headers in (
        {"origin": "http://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ):
        assert deliver(browser, filled(shop), **headers).status_code == 403
    assert count(engine, "waiting") == 0


def test_delivery_that_is_too_large_is_refused(browser: TestClient, shop: Survey) -> None:
    assert deliver(browser, filled(shop, comment_praise="a" * 300_000)).status_code == 413


def test_closed_survey_takes_nothing_but_repeats_a_receipt(browser: TestClient, shop: Survey, engine: Engine) -> None:
    first = deliver(browser, filled(shop))
    with writing(engine) as session:
        lifecycle.move(session, shop, "closed", date(2026, 3, 1))
    from app.respond import published

    published._kept.clear()
    assert deliver(browser, filled(shop), "m" * 32).status_code == 410
    assert deliver(browser, filled(shop)).json() == first.json()
    page = browser.get(FORM)
    assert page.status_code == 410
    assert 'data-whole="gone" data-survey="harbour"' in page.text  # the script deletes what the device kept
    assert count(engine, "waiting") == 1


def test_full_disk_is_said_and_nothing_is_thanked(
    browser: TestClient, shop: Survey, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> list[str]:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    monkeypatch.setattr(collect, "ingest", full)
    assert deliver(browser, filled(shop)).status_code == 507
    monkeypatch.undo()
    assert deliver(browser, filled(shop)).status_code == 200
    assert count(engine, "waiting") == 1


def test_key_of_a_delivery_is_stored_nowhere(browser: TestClient, shop: Survey, engine: Engine) -> None:
    receipt = deliver(browser, filled(shop)).json()["receipt"]
    with engine.connect() as connection:
        held = str([connection.execute(text(f"SELECT * FROM {name}")).all() for name in ("spent", "waiting")])
    assert KEY not in held
    assert receipt not in held


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=20)), max_size=20))
def test_bodies_are_read_as_the_standard_library_reads_them(pairs: list[tuple[str, str]]) -> None:
    body = urlencode([(name.replace("\ud800", ""), value) for name, value in pairs], errors="ignore")
    expected: dict[str, list[str]] = {}
    for name, value in parse_qsl(body, keep_blank_values=True):
        expected.setdefault(name, []).append(value)
    assert form_fields(body) == expected


@pytest.mark.parametrize("body", ["", "&&", "a", "=", "a=b=c", "a=1&a=2", "a+b=c%20d", "%=1", "a=%2", "seen=1;go=back"])
def test_odd_bodies_are_read_as_the_standard_library_reads_them(body: str) -> None:
    expected: dict[str, list[str]] = {}
    for name, value in parse_qsl(body, keep_blank_values=True):
        expected.setdefault(name, []).append(value)
    assert form_fields(body) == expected
