"""The short form in a real browser: the items of the visit's lots and no others, whatever is pressed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import text

from surveys.authoring import load
from surveys.codes import NOT_ASKED
from surveys.coding import codebook
from surveys.lots import DRAWN, left_out, lots
from surveys.store import publish
from surveys.store.database import reading, writing
from tests.browser.conftest import Server
from tests.browser.test_accessibility import violations
from tests.browser.test_journey import answer_page, errors_of, go_on
from tests.browser.test_whole_form import SMALL

pytestmark = pytest.mark.browser
Visit = Callable[..., BrowserContext]
SHORT = load("pfs_customer").variant(include=("stage_importance",), drawn=DRAWN)
ITEMS = {item.id for item in SHORT.items}
BOOK = codebook(SHORT)


@pytest.fixture
def brief(server: Server) -> str:
    """The short form on the demonstration's server."""
    with reading(server.engine) as session:
        if publish.find(session, "brief"):
            return "/s/brief"
    with writing(server.engine) as session:
        days = {"opens_on": date(2020, 1, 1), "closes_on": None, "today": date(2020, 1, 1)}
        publish.publish(session, SHORT, slug="brief", bank="海港银行", wave="1", **days)
    return "/s/brief"


def shown(page: Page) -> set[str]:
    """The items whose cards can be seen."""
    names = page.locator("fieldset.card:visible input[type=radio]").evaluate_all("all => all.map((one) => one.name)")
    return {name[:-2] for name in names}


def key_of(page: Page) -> str:
    """The visit's key: on the device with script, else in the cookie."""
    kept = page.evaluate("localStorage['fg:brief']") if page.url.count("/form") else None
    if kept:
        return str(json.loads(kept)["key"])
    return next(str(cookie["value"]) for cookie in page.context.cookies() if cookie["name"] == "fg-brief")


@pytest.mark.parametrize("script", [True, False])
def test_short_form_is_walked_to_the_receipt_in_chinese(visit: Visit, server: Server, brief: str, script: bool) -> None:
    page = visit(**SMALL, locale="zh-CN", java_script_enabled=script).new_page()
    errors = errors_of(page)
    page.goto(brief)
    expect(page.locator(".facts")).to_contain_text("11")
    expect(page.locator(".facts")).to_contain_text("22")
    go_on(page)
    page.wait_for_url("**/form#1" if script else "**/s/brief/1")
    wanted = ITEMS - left_out(lots(SHORT), key_of(page))
    seen: list[set[str]] = []
    for number in range(12):
        if page.url.endswith("/thanks"):
            break
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        if number < 6:
            seen.append(shown(page))
            assert len(seen[-1]) in (3, 4)
        answer_page(page)
        before = page.url
        go_on(page)
        page.wait_for_url(lambda url, before=before: url != before)
    assert page.url.endswith("/thanks")
    assert set().union(*seen[:3]) == set().union(*seen[3:]) == wanted
    assert errors == []
    with server.engine.connect() as connection:
        rows = [bytes(row[0]) for row in connection.execute(text("SELECT closed FROM waiting"))]
    patterns = [{f.item for f, byte in zip(BOOK.fields, row, strict=True) if byte == NOT_ASKED} for row in rows]
    assert ITEMS - wanted in patterns


def test_same_items_after_reload_back_and_in_the_other_language(visit: Visit, brief: str) -> None:
    page = visit(**SMALL, locale="zh-CN").new_page()
    page.goto(brief)
    go_on(page)
    page.wait_for_url("**/form#1")
    first = shown(page)
    assert violations(page) == []
    page.reload()
    page.wait_for_url("**/form#1")
    assert shown(page) == first
    answer_page(page)
    go_on(page)
    page.wait_for_url("**/form#2")
    page.go_back()
    page.wait_for_url("**/form#1")
    assert shown(page) == first
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert shown(page) == first
    assert page.locator("input:checked:visible").count() == len(first)


def test_only_what_is_asked_is_pointed_at(visit: Visit, brief: str) -> None:
    page = visit(**SMALL, locale="en-US").new_page()
    page.goto(brief)
    go_on(page)
    page.wait_for_url("**/form#1")
    go_on(page)
    expect(page.locator(".alert")).to_contain_text("4 questions still need an answer")
    assert page.locator(".card.bad:visible").count() == page.locator(".card.bad").count() == 4
    go_on(page)
    page.wait_for_url("**/form#2")


def test_starting_over_draws_anew(visit: Visit, brief: str) -> None:
    page = visit(**SMALL, locale="en-US").new_page()
    drawn = set()
    for _ in range(5):
        page.goto(brief)
        page.evaluate("localStorage.clear()")
        go_on(page)
        page.wait_for_url("**/form#1")
        assert shown(page) <= ITEMS - left_out(lots(SHORT), key_of(page))
        drawn.add(frozenset(shown(page)))
    assert len(drawn) > 1
