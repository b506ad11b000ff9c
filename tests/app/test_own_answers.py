"""Answers that were sent can be changed until the survey closes: one submission stays one, under the same code."""

from __future__ import annotations

import json
import re

from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.main import release_due
from surveys.codes import NOT_ASKED
from surveys.coding import codebook
from surveys.store import lifecycle, publish, receipts
from surveys.store.database import writing
from surveys.tables import Survey
from tests.app.conftest import CUSTOMER, SETTINGS, fill
from tests.app.test_respond import count
from tests.app.test_whole_form import KEY, deliver, filled

BOOK = codebook(CUSTOMER)
CHANGE = "/s/harbour/receipt/change"


def sent(browser: TestClient, survey: Survey, **more: object) -> str:
    return str(deliver(browser, filled(survey, **more)).json()["receipt"])


def kept(engine: Engine, code: str) -> receipts.Kept:
    with engine.connect() as connection:
        found = receipts.open_receipt(connection, code)
    assert found
    return found


def visit_of(page: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(re.search(r'id="visit">(.*?)</script>', page)[1])
    return found


def test_form_opens_with_what_was_sent(browser: TestClient, shop: Survey, engine: Engine) -> None:
    code = sent(browser, shop, comment_praise="Kind <staff>", enc_tan_1_P="na")
    visit = visit_of(browser.post(CHANGE, data={"code": code}).text)
    assert visit["corrects"] == code
    assert visit["key"] != KEY
    assert visit["values"]["comment_praise"] == ["Kind <staff>"]
    assert visit["values"]["enc_tan_1_P"] == ["na"]
    again = deliver(browser, visit["values"], str(visit["key"]), receipt=code)
    assert again.json() == {"receipt": code}
    assert count(engine, "waiting") == 1


def test_waiting_answers_are_changed_where_they_are(browser: TestClient, shop: Survey, engine: Engine) -> None:
    code = sent(browser, shop, enc_rel_1_P="5", comment_praise="First")
    answer = deliver(browser, filled(shop, enc_rel_1_P="2"), "n" * 32, receipt=code)
    assert (answer.status_code, answer.json()["receipt"]) == (200, code)
    now = kept(engine, code)
    assert now.answers.closed[BOOK.place["enc_rel_1_P"]] == 2
    assert now.answers.comments == {}
    assert (count(engine, "waiting"), count(engine, "submission")) == (1, 0)
    assert code in browser.get("/s/harbour/thanks").text


def test_released_answers_are_replaced_with_the_next_batch_and_their_comments_too(
    browser: TestClient, shop: Survey, engine: Engine
) -> None:
    code = sent(browser, shop, enc_rel_1_P="5", comment_praise="First")
    fill(engine, shop, 30)
    assert (count(engine, "waiting"), count(engine, "submission")) == (0, 31)
    before = count(engine, "comment")
    deliver(browser, filled(shop, enc_rel_1_P="2", comment_improve="Second"), "n" * 32, receipt=code)
    assert kept(engine, code).answers.closed[BOOK.place["enc_rel_1_P"]] == 2
    with engine.connect() as connection:  # the report still has the first ones
        held = connection.execute(text("SELECT closed FROM submission")).scalars().all()
    assert len(held) == 31
    fill(engine, shop, 10, seed=2)
    assert (count(engine, "waiting"), count(engine, "submission")) == (0, 41)
    now = kept(engine, code)
    assert now.answers.closed[BOOK.place["enc_rel_1_P"]] == 2
    assert now.answers.comments == {"comment_improve": "Second"}
    with engine.connect() as connection:
        texts = connection.execute(text("SELECT text FROM comment")).scalars().all()
    assert "First" not in texts
    assert "Second" in texts
    assert before > 0


def test_same_change_sent_twice_counts_once_and_another_under_its_key_not_at_all(
    browser: TestClient, shop: Survey, engine: Engine
) -> None:
    code = sent(browser, shop)
    for _ in range(2):
        assert deliver(browser, filled(shop, enc_rel_1_P="2"), "n" * 32, receipt=code).status_code == 200
    assert deliver(browser, filled(shop, enc_rel_1_P="3"), "n" * 32, receipt=code).status_code == 409
    assert kept(engine, code).answers.closed[BOOK.place["enc_rel_1_P"]] == 2
    assert count(engine, "waiting") == 1


def test_withdrawn_answers_cannot_be_changed_and_nothing_is_stored(
    browser: TestClient, shop: Survey, engine: Engine
) -> None:
    code = sent(browser, shop)
    browser.post("/s/harbour/receipt/withdraw", data={"code": code, "confirm": "yes"})
    answer = deliver(browser, filled(shop), "n" * 32, receipt=code)
    assert answer.status_code == 410
    assert "withdrawn" in answer.json()["message"]
    assert browser.post(CHANGE, data={"code": code}).status_code == 404
    assert (count(engine, "waiting"), count(engine, "spent")) == (0, 1)


def test_withdrawing_takes_back_both_the_released_and_the_changed(
    browser: TestClient, shop: Survey, engine: Engine
) -> None:
    code = sent(browser, shop)
    fill(engine, shop, 30)
    deliver(browser, filled(shop, enc_rel_1_P="2"), "n" * 32, receipt=code)
    browser.post("/s/harbour/receipt/withdraw", data={"code": code, "confirm": "yes"})
    assert count(engine, "waiting") == 0
    fill(engine, shop, 10, seed=2)
    assert count(engine, "submission") == 40


def test_closed_survey_offers_no_change(browser: TestClient, shop: Survey, engine: Engine) -> None:
    code = sent(browser, shop)
    with writing(engine) as session:
        lifecycle.move(session, shop, "closed", SETTINGS.today())
    from app.respond import published

    published._kept.clear()
    page = browser.post("/s/harbour/receipt", data={"code": code}).text
    assert "takes no changes any more" in page
    assert browser.post(CHANGE, data={"code": code}).status_code == 410
    release_due(engine, SETTINGS)


def test_change_page_by_page_takes_the_place_of_what_was_sent(
    browser: TestClient, shop: Survey, engine: Engine
) -> None:
    code = sent(browser, shop, enc_rel_1_P="5", comment_praise="First")
    browser.cookies.clear()
    browser.follow_redirects = True
    page = browser.post(CHANGE, data={"code": code, "go": "pages"})
    assert page.url.path == "/s/harbour/1"
    assert page.text.count(" checked") >= 7
    for number in (1, 2, 3, 4, 5, 6, 7, 8, 10):
        from tests.app.test_respond import answers_for

        page = browser.post(f"/s/harbour/{number}", data=answers_for(shop, number, "3"))
    assert page.url.path == "/s/harbour/thanks"
    assert code in page.text
    assert kept(engine, code).answers.closed[BOOK.place["enc_rel_1_P"]] == 3
    assert (count(engine, "waiting"), count(engine, "draft")) == (1, 0)


def test_short_form_is_changed_on_the_items_it_was_asked(browser: TestClient, engine: Engine) -> None:
    from datetime import date

    with writing(engine) as session:
        short = publish.publish(
            session, CUSTOMER.variant(drawn=2), slug="short", bank="Bank", wave="1", opens_on=date(2026, 1, 1),
            closes_on=None, today=date(2026, 1, 1),
        )  # fmt: skip
    everything = {f.name: "4" for f in BOOK.fields if f.kind == "rating"}
    code = deliver(browser, everything, "a" * 32, "/s/short/form").json()["receipt"]
    first = kept(engine, code).answers.closed
    visit = visit_of(browser.post("/s/short/receipt/change", data={"code": code}).text)
    assert len(visit["out"]) == 22 - 11
    deliver(browser, everything, str(visit["key"]), "/s/short/form", receipt=code)
    second = kept(engine, code).answers.closed
    assert [byte == NOT_ASKED for byte in first] == [byte == NOT_ASKED for byte in second]
    assert short.slug == "short"
