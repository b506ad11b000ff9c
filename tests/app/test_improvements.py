"""What was changed is told to those who answered: by branch, in their language, and taken back when asked."""

from __future__ import annotations

from datetime import date

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from surveys.store import improvements, publish
from surveys.store.database import writing
from surveys.tables import Survey
from tests.app.conftest import token
from tests.app.test_respond import count
from tests.app.test_whole_form import deliver, filled

WORDS = {"en": "Two more counters at noon <b>", "zh-CN": "中午增开两个柜台"}


def tell(engine: Engine, survey: Survey, unit: str, words: dict[str, str] = WORDS) -> None:
    with writing(engine) as session:
        improvements.add(session, survey, unit, date(2026, 11, 2), words)


def test_receipt_tells_of_ones_own_branch_and_of_the_bank(browser: TestClient, shop: Survey, engine: Engine) -> None:
    with writing(engine) as session:
        code = publish.add_link(session, shop, "South", "counter").code
    receipt = deliver(browser, filled(shop), path=f"/s/harbour/{code}/form").json()["receipt"]
    tell(engine, shop, "South")
    tell(engine, shop, "North", {"en": "Something else", "zh-CN": "别的"})
    tell(engine, shop, "", {"en": "Fees are told at once", "zh-CN": "费用当场告知"})
    page = browser.post("/s/harbour/receipt", data={"code": receipt}).text
    assert "Two more counters at noon &lt;b&gt;" in page
    assert "Fees are told at once" in page
    assert "Something else" not in page
    assert "中午增开两个柜台" in browser.post("/s/harbour/receipt?lang=zh-CN", data={"code": receipt}).text
    everybody = browser.get("/s/harbour/changes?lang=en").text
    assert "Something else" in everybody


def test_officer_tells_and_takes_back(lin: TestClient, survey: Survey, database: Engine) -> None:
    page = lin.get("/surveys/harbour/improvements").text
    body = {"csrf": token(page), "unit": "South", "done_on": "2026-11-02", "words-en": "New", "words-zh-CN": "新"}
    assert "South" in lin.post("/surveys/harbour/improvements", data=body).text
    assert count(database, "improvement") == 1
    lin.post("/surveys/harbour/improvements/1/delete", data={"csrf": token(page)})
    assert count(database, "improvement") == 0
    assert lin.post("/surveys/harbour/improvements/1/delete", data={"csrf": token(page)}).status_code == 404


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"words-zh-CN": ""}, "The text has 0 characters"),
        ({"words-en": "x" * 1001}, "The text has 1001 characters; allowed are 1 to 1000"),
        ({"unit": "x" * 81}, "The branch has 81 characters"),
        ({"done_on": "soon"}, "The day is “soon”"),
    ],
)
def test_what_cannot_be_told_is_said_and_kept_on_the_page(
    lin: TestClient, survey: Survey, database: Engine, changed: dict[str, str], words: str
) -> None:
    page = lin.get("/surveys/harbour/improvements").text
    body = {"csrf": token(page), "unit": "S", "done_on": "2026-11-02", "words-en": "Kept", "words-zh-CN": "新"}
    answer = lin.post("/surveys/harbour/improvements", data=body | changed)
    assert answer.status_code == 422
    assert words in answer.text
    assert changed.get("words-en", "Kept")[:20] in answer.text
    assert count(database, "improvement") == 0


def test_stranger_finds_no_such_page_at_the_desk(client: TestClient, survey: Survey) -> None:
    assert "Sign in" in client.get("/surveys/harbour/improvements").text
