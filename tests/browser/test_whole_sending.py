"""The answers of the one document on their way: sent once, whatever the network does, and then gone from the device."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route, expect
from sqlalchemy import text

from tests.browser.conftest import Server
from tests.browser.test_accessibility import violations
from tests.browser.test_journey import answer_page, errors_of, go_on
from tests.browser.test_whole_form import DESK, SMALL, begin, kept

pytestmark = pytest.mark.browser
Visit = Callable[..., BrowserContext]
SEND = "**/form?lang=*"
NOTICE = ".bar .error"


def stored(server: Server) -> int:
    """Deliveries that were ever taken in."""
    with server.engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM spent")).scalar_one())


def go_to_the_end(page: Page) -> None:
    """Answer page after page up to the last, which is not sent yet."""
    for _ in range(12):
        answer_page(page)
        if page.locator(".bar .go").inner_text() in ("Send my answers", "提交答案"):
            return
        before = page.url
        go_on(page)
        page.wait_for_url(lambda url, before=before: url != before)


def without_queue(context: BrowserContext) -> BrowserContext:
    """As on an address without https: there is no queue (test_offline.py); the page itself waits and tries again."""
    context.add_init_script("Object.defineProperty(window, 'indexedDB', { value: undefined })")
    return context


def receipt(page: Page) -> str:
    page.wait_for_url("**/s/demo/thanks")
    return page.locator("#code").inner_text()


@pytest.mark.parametrize("size", [SMALL, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize(("locale", "language"), [("en-US", "en"), ("zh-CN", "zh-CN")])
def test_whole_cycle_is_three_requests(
    visit: Visit, server: Server, size: dict[str, object], locale: str, language: str
) -> None:
    page = visit(**size, locale=locale).new_page()
    errors, before, asked = errors_of(page), stored(server), list[Request]()
    page.on("request", lambda one: asked.append(one))
    begin(page)
    go_to_the_end(page)
    go_on(page)
    code = receipt(page)
    made = [(one.method, urlsplit(one.url)) for one in asked if "/static/" not in one.url]
    # The same three, with the same fields, are what `benchmarks/customer_cycle.py` asks.
    assert [(method, url.path) for method, url in made] == [
        ("GET", "/s/demo"),
        ("GET", "/s/demo/form"),
        ("POST", "/s/demo/form"),
    ]
    assert [url.query for _, url in made] == ["", "", f"lang={language}"]  # no answer is ever in an address
    body = parse_qs(asked[-1].post_data or "")
    assert sum(name.endswith(("_E", "_P")) for name in body) == 44
    assert re.fullmatch(r"[\w-]{32}", asked[-1].headers["idempotency-key"])
    assert re.fullmatch(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){3}", code)
    assert stored(server) == before + 1
    assert page.locator("html").get_attribute("lang") == language
    assert errors == []


def test_finished_form_leaves_nothing_behind(visit: Visit) -> None:
    page = visit(**SMALL, locale="en-US").new_page()
    begin(page)
    go_to_the_end(page)
    page.locator("#comment_praise").fill("Only for the bank")
    go_on(page)
    code = receipt(page)
    assert kept(page) == {}
    assert "Only for the bank" not in page.content()
    page.reload()
    assert receipt(page) == code  # as long as the cookie lasts
    page.go_back()
    page.wait_for_load_state()
    assert page.locator("input:checked").count() == 0
    page.goto("/s/demo/form")
    page.wait_for_url("**/form#1")
    assert page.locator("input:checked").count() == 0


def test_back_after_the_end_shows_no_answers(visit: Visit) -> None:
    page = visit(**DESK, locale="en-US").new_page()
    begin(page)
    go_to_the_end(page)
    go_on(page)
    receipt(page)
    page.evaluate("history.back()")
    page.wait_for_url("**/s/demo")
    expect(page.locator(".bar .go")).to_have_text("Start")


def test_delivery_waits_for_the_network_and_goes_by_itself(visit: Visit, server: Server) -> None:
    context = without_queue(visit(**SMALL, locale="en-US"))
    page, before = context.new_page(), stored(server)
    begin(page)
    context.set_offline(True)  # from here on no page needs the network
    go_to_the_end(page)
    go_on(page)
    expect(page.locator(NOTICE)).to_have_text("Not sent yet; your answers are kept on this device. Please try again.")
    expect(page.locator(".bar .go")).to_have_text("Try again")
    assert violations(page) == []
    assert stored(server) == before
    context.set_offline(False)
    receipt(page)
    assert stored(server) == before + 1


def test_lost_acknowledgement_gives_the_same_receipt(visit: Visit, server: Server) -> None:
    page, before = without_queue(visit(**SMALL, locale="en-US")).new_page(), stored(server)
    begin(page)
    go_to_the_end(page)
    told: list[str] = []

    def lose(route: Route) -> None:
        told.append(json.loads(route.fetch().body())["receipt"])
        route.abort()

    page.route(SEND, lose, times=1)
    go_on(page)
    expect(page.locator(NOTICE)).to_contain_text("Not sent yet")
    page.reload()  # a crash in between changes nothing
    page.wait_for_url("**/form#10")
    go_on(page)
    assert [receipt(page)] == told
    assert stored(server) == before + 1


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (503, "could not store anything just now"),
        (507, "could not store anything just now"),
        (502, "could not store anything just now"),
        (413, "too long"),
        (410, "has closed"),
        (403, "refused"),
        (200, "Not sent yet"),  # a network's own sign-in page
    ],
)
def test_refusal_is_said_and_the_answers_are_kept(visit: Visit, server: Server, status: int, words: str) -> None:
    page, before = visit(**SMALL, locale="en-US").new_page(), stored(server)
    begin(page)
    go_to_the_end(page)
    page.route(SEND, lambda route: route.fulfill(status=status, body="<h1>no</h1>", content_type="text/html"), times=1)
    go_on(page)
    expect(page.locator(NOTICE)).to_contain_text(words)
    assert len(kept(page)) == 1
    go_on(page)
    receipt(page)
    assert stored(server) == before + 1


def test_second_press_is_harmless(visit: Visit, server: Server) -> None:
    page, sent = visit(**SMALL, locale="en-US").new_page(), list[Request]()
    before = stored(server)
    page.on("request", lambda one: sent.append(one) if one.method == "POST" else None)
    begin(page)
    go_to_the_end(page)
    page.locator(".bar .go").dblclick()
    receipt(page)
    assert (len(sent), stored(server)) == (1, before + 1)


def test_faults_from_the_server_stand_at_their_cards(visit: Visit, server: Server) -> None:
    page, before = visit(**SMALL, locale="zh-CN").new_page(), stored(server)
    begin(page)
    page.evaluate("document.querySelector('[name=enc_rel_1_E]').value = '8'")  # what the browser thinks right
    go_to_the_end(page)
    page.evaluate("document.querySelector('[name=enc_rel_1_E]').click()")
    go_on(page)
    page.wait_for_url("**/form#1")
    expect(page.locator(".alert")).to_be_focused()
    expect(page.locator(".card.bad")).to_have_count(1)
    expect(page.locator("#enc_rel_1_E-error")).to_contain_text("“8”")
    assert page.locator("input:checked:visible").count() == 7
    assert stored(server) == before
    page.locator(".card.bad .scale label").nth(4).click()
    expect(page.locator(".card.bad")).to_have_count(0)
    for _ in range(8):
        go_on(page)
    go_on(page)
    receipt(page)
    assert stored(server) == before + 1


def test_what_was_sent_in_one_window_is_gone_in_the_other(visit: Visit, server: Server) -> None:
    context, before = visit(**DESK, locale="en-US"), stored(server)
    first, second = context.new_page(), context.new_page()
    begin(first)
    second.goto("/s/demo/form")
    first.bring_to_front()
    answer_page(first)
    expect(second.locator("input:checked")).to_have_count(7)
    go_to_the_end(first)
    go_on(first)
    receipt(first)
    second.wait_for_url("**/s/demo")
    assert kept(second) == {}
    assert stored(server) == before + 1
