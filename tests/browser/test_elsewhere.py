"""Two devices, one person: begun here, finished there; and answers that are changed after they were sent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import text

from surveys.authoring import load
from surveys.order import rank, seed_of
from surveys.store import publish
from surveys.store.database import writing
from tests.browser.conftest import Server
from tests.browser.test_accessibility import violations
from tests.browser.test_journey import answer_page, errors_of, fill_in, go_on
from tests.browser.test_whole_form import DESK, SMALL, begin, kept
from tests.browser.test_whole_sending import go_to_the_end, receipt, stored

pytestmark = pytest.mark.browser
Visit = Callable[..., BrowserContext]
CODE = re.compile(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){3}")


def park(page: Page) -> str:
    page.locator("[data-later]").click()
    expect(page.locator("#parked #code")).to_have_text(CODE)
    return page.locator("#parked #code").inner_text()


@pytest.mark.parametrize(("locale", "first", "second"), [("zh-CN", SMALL, DESK), ("en-US", DESK, SMALL)])
def test_begun_on_one_device_and_finished_on_another(
    visit: Visit, server: Server, locale: str, first: dict[str, object], second: dict[str, object]
) -> None:
    here, there, before = (
        visit(**first, locale=locale).new_page(),
        visit(**second, locale=locale).new_page(),
        stored(server),
    )
    errors = errors_of(here) + errors_of(there)
    begin(here)
    answer_page(here, 6)
    go_on(here)
    answer_page(here, 2)
    code = park(here)
    assert violations(here) == []
    there.goto(f"/s/demo/resume#{code}")
    expect(there.locator("#code")).to_have_value(code)
    assert "#" not in there.url
    assert violations(there) == []
    there.locator(".go").click()
    assert violations(there) == []
    there.locator(".go").click()
    there.wait_for_url("**/form#2")
    expect(there.locator("input:checked")).to_have_count(15)
    go_to_the_end(there)
    go_on(there)
    sent = receipt(there)
    assert (stored(server), kept(there)) == (before + 1, {})
    # The first device does not know yet; what it sends is answered with the receipt of what came first.
    here.locator("#parked form button").click()
    here.locator(".scale:visible label").first.click()
    go_on(here)
    go_to_the_end(here)
    go_on(here)
    assert receipt(here) == sent
    expect(here.locator("[data-earlier]")).to_be_visible()
    assert stored(server) == before + 1
    assert errors == []


def test_next_person_is_warned_before_answers_give_way(visit: Visit) -> None:
    here, there = visit(**SMALL, locale="en-US").new_page(), visit(**SMALL, locale="en-US").new_page()
    begin(here)
    answer_page(here, 6)
    code = park(here)
    begin(there)
    there.locator(".scale label").first.click()
    there.goto(f"/s/demo/resume#{code}")
    there.locator(".go").click()
    expect(there.locator("[data-others]")).to_be_visible()
    there.locator(".go").click()
    expect(there.locator("input:checked")).to_have_count(7)


def test_without_script_the_code_works_as_well(visit: Visit, server: Server) -> None:
    before = stored(server)
    page = visit(**SMALL, locale="zh-CN", java_script_enabled=False).new_page()
    page.goto("/s/demo")
    go_on(page)
    answer_page(page)
    page.get_by_role("button", name="换一台设备继续").click()
    code = page.locator("#code").inner_text()
    other = visit(**SMALL, locale="zh-CN", java_script_enabled=False).new_page()
    other.goto("/s/demo/resume")
    other.locator("#code").fill(code)
    go_on_to = other.locator(".go")
    go_on_to.click()
    other.locator(".go").click()
    other.wait_for_url("**/s/demo/1")
    assert other.locator("input:checked").count() == 7
    assert stored(server) == before


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_answers_are_changed_under_the_same_code(visit: Visit, server: Server, script: bool) -> None:
    page = visit(**SMALL, locale="en-US", java_script_enabled=script).new_page()
    code = fill_in(page)
    page.get_by_role("button", name="See, change or withdraw my answers").click()
    page.get_by_role("button", name="Change my answers").click()
    page.locator(".go").click()
    page.wait_for_url("**/form#1" if script else "**/s/demo/1")
    assert page.locator("input:checked:visible").count() == 7
    page.locator(".scale:visible label").nth(0).click()
    for _ in range(11):
        if page.url.endswith("/thanks"):
            break
        before = page.url
        go_on(page)
        page.wait_for_url(lambda url, before=before: url != before)
    assert page.locator("#code").inner_text() == code
    page.get_by_role("button", name="See, change or withdraw my answers").click()
    expect(page.locator(".told dd").first).to_contain_text("1 of 7")


def unproved(server: Server) -> int:
    with server.engine.connect() as connection:
        query = "SELECT flags FROM waiting UNION ALL SELECT flags FROM submission"
        return sum(flags & 2 > 0 for flags in connection.execute(text(query)).scalars())


def test_work_is_done_quietly_and_pages_passed_are_told(visit: Visit, server: Server) -> None:
    page, before = visit(**SMALL, locale="en-US").new_page(), unproved(server)
    begin(page)
    for _ in range(150):
        if "proof" in json.loads(next(iter(kept(page).values()))):
            break
        page.wait_for_timeout(200)
    go_to_the_end(page)
    go_on(page)
    receipt(page)
    assert unproved(server) == before  # the script's sum is the server's


def test_items_stand_in_the_order_of_the_visit(visit: Visit, server: Server) -> None:
    asked = load("pfs_customer").variant().model_copy(update={"shuffled": True})
    with writing(server.engine) as session:
        publish.publish(
            session, asked, slug="mixed", bank="Bank", wave="1", opens_on=date(2026, 1, 1), closes_on=None,
            today=date(2026, 1, 1),
        )  # fmt: skip
    orders = set()
    for script in (True, True, False):
        page = visit(**DESK, locale="en-US", java_script_enabled=script).new_page()
        page.goto("/s/mixed")
        go_on(page)
        page.wait_for_url("**/form#1" if script else "**/s/mixed/1")
        shown = page.locator(".scale:visible input[id]").evaluate_all("them => them.map(one => one.name)")
        if script:
            key = page.evaluate("JSON.parse(Object.values(localStorage)[0]).key")
        else:
            key = next(c["value"] for c in page.context.cookies() if c["name"] == "fg-mixed")
        assert shown == sorted(shown, key=lambda name, key=key: rank(name.removesuffix("_E"), seed_of(key)))
        orders.add(tuple(shown))
    assert len(orders) > 1
