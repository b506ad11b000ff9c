"""The form in one document, in a real browser: its pages need no network, and what is given is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from surveys.authoring import load
from surveys.store import lifecycle, publish
from surveys.store.database import writing
from tests.browser.conftest import Server
from tests.browser.test_accessibility import violations
from tests.browser.test_journey import PHONE, answer_page, cards, go_on

pytestmark = pytest.mark.browser
Visit = Callable[..., BrowserContext]
SMALL = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True}
DESK = {"viewport": {"width": 1280, "height": 800}}


def begin(page: Page, start: str = "/s/demo") -> None:
    page.goto(start)
    go_on(page)
    page.wait_for_url("**/form#1")


def kept(page: Page) -> dict[str, str]:
    found: dict[str, str] = page.evaluate("({ ...localStorage })")
    return found


def test_reload_keeps_place_and_answers(visit: Visit) -> None:
    page = visit(**SMALL, locale="en-US").new_page()
    begin(page)
    answer_page(page, 4)
    go_on(page)
    page.locator(".scale:visible label").nth(2).click()
    page.reload()
    page.wait_for_url("**/form#2")
    assert page.locator("input:checked:visible").count() == 1
    assert page.locator("input:checked").count() == 8
    again = page.context.new_page()  # as after a crash: nothing but the address
    begin_again(again)
    again.wait_for_url("**/form#2")
    assert again.locator("input:checked").count() == 8


def begin_again(page: Page) -> None:
    page.goto("/s/demo")
    expect(page.locator("[data-kept]")).to_be_visible()
    expect(page.locator(".bar .go")).to_have_text("Continue")
    go_on(page)


def test_language_switch_keeps_place_and_answers(visit: Visit) -> None:
    page = visit(**SMALL, locale="en-US").new_page()
    begin(page)
    answer_page(page, 6)
    go_on(page)
    answer_page(page, 2)
    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("input:checked:visible")).to_have_count(8)
    assert page.url.endswith("/s/demo/form#2")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("input:checked")).to_have_count(15)


def test_back_goes_one_page_back_and_its_title_is_heard(visit: Visit) -> None:
    page = visit(**DESK, locale="en-US").new_page()
    begin(page)
    titles = [page.title()]
    for _ in range(2):
        answer_page(page)
        go_on(page)
        expect(page.locator("h1:visible")).to_be_focused()
        assert page.evaluate("scrollY") == 0
        titles.append(page.title())
    assert len(set(titles)) == 3
    for number, back in ((2, page.go_back), (1, page.get_by_role("button", name="Back").click)):
        back()
        page.wait_for_url(f"**/form#{number}")
        expect(page.locator("h1:visible")).to_be_focused()
        assert page.title() == titles[number - 1]
        assert page.locator("input:checked:visible").count() in (7, 8)
    assert page.get_by_role("button", name="Back").count() == 0
    page.go_forward()
    page.wait_for_url("**/form#2")
    page.go_back()
    page.go_back()
    page.wait_for_url("**/s/demo")


def test_pages_cannot_be_jumped_over(visit: Visit) -> None:
    page = visit(**DESK, locale="en-US").new_page()
    page.goto("/s/demo/form#9")
    page.wait_for_url("**/form#1")
    page.evaluate("location.hash = '#7'")
    page.wait_for_url("**/form#1")


def test_forgotten_question_is_pointed_at_once_then_let_through(visit: Visit) -> None:
    page = visit(**SMALL, locale="en-US").new_page()
    begin(page)
    for card in cards(page)[1:]:
        card.locator(".scale label").nth(2).click()
    go_on(page)
    expect(page.locator(".alert")).to_be_focused()
    expect(page.locator(".alert")).to_contain_text("1 question still needs an answer")
    expect(page.locator(".card.bad")).to_contain_text("Please choose a number from 1 to 7.")
    assert page.title().startswith("1 question still needs an answer: ")
    assert page.locator("fieldset.bad").get_attribute("aria-describedby") == "enc_tan_1_E-error"
    page.locator(".alert a").click()
    expect(page.locator("#enc_tan_1_E-1")).to_be_focused()
    go_on(page)
    page.wait_for_url("**/form#2")
    page.go_back()
    expect(page.locator(".alert")).to_have_count(0)
    go_on(page)
    expect(page.locator(".alert")).to_be_visible()  # a page that was left is looked at anew


def test_points_and_lone_choices_are_checked_without_the_network(visit: Visit) -> None:
    page = visit(**SMALL, locale="en-US").new_page()
    begin(page)
    for _ in range(6):
        answer_page(page)
        go_on(page)
    answer_page(page)
    fields, error = page.locator("input[inputmode=numeric]:visible"), page.locator("#importance-error")
    uncounted = "cannot be counted. Please give a whole number from 0 to 100."
    for wrong, words in (("90", "Please give out 10 more."), ("１０９", uncounted), ("half", uncounted)):
        fields.nth(0).fill(wrong)
        go_on(page)
        expect(error).to_contain_text(words)
    fields.nth(0).fill("100")
    page.locator(".step button:visible").nth(3).click()
    go_on(page)
    expect(error).to_contain_text("Please take 5 away.")
    fields.nth(0).fill("９５")  # as Chinese keyboards may write it
    go_on(page)
    page.wait_for_url("**/form#8")


@pytest.mark.parametrize(
    ("choice", "number", "shown"),
    [("No problem", 10, 8), ("Yes, but I did not tell the bank", 9, 1), ("Yes, and I told the bank", 9, 2)],
)
def test_follow_ups_are_met_as_page_by_page(visit: Visit, choice: str, number: int, shown: int) -> None:
    for script, address in ((True, f"**/form#{number}"), (False, f"**/s/demo/{number}")):
        page = visit(**DESK, locale="en-US", java_script_enabled=script).new_page()
        page.goto("/s/demo")
        go_on(page)
        page.wait_for_url(lambda url: not url.endswith("/s/demo"))
        for _ in range(8):
            answer_page(page)
            if page.get_by_text("No problem").count() and page.get_by_text("No problem").is_visible():
                page.get_by_text(choice, exact=True).click()
            before = page.url
            go_on(page)
            page.wait_for_url(lambda url, before=before: url != before)
        page.wait_for_url(address)
        assert page.locator(".card:visible").count() == shown
        words = page.locator(".part:visible").inner_text()
        assert words == ("Last steps: 3 of 3" if number == 10 else "Last steps: 3 of 4")


def test_start_over_deletes_what_was_kept(visit: Visit) -> None:
    page = visit(**PHONE, locale="en-US").new_page()
    begin(page)
    answer_page(page)
    page.get_by_role("button", name="Start over").click()
    assert violations(page) == []
    page.get_by_role("button", name="Keep them").click()
    assert page.locator("input:checked").count() == 7
    page.get_by_role("button", name="Start over").click()
    page.get_by_role("button", name="Delete and start over").click()
    page.wait_for_url("**/s/demo")
    assert kept(page) == {}
    go_on(page)
    page.wait_for_url("**/form#1")
    assert page.locator("input:checked").count() == 0


def test_next_person_is_told_of_answers_on_the_device(visit: Visit) -> None:
    page = visit(**SMALL, locale="zh-CN").new_page()
    begin(page)
    answer_page(page)
    page.goto("/s/demo")
    expect(page.locator("[data-kept]")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="重新开始").first.click()
    page.get_by_role("button", name="删除并重新开始").click()
    expect(page.locator("[data-kept]")).to_be_hidden()
    go_on(page)
    page.wait_for_url("**/form#1")
    assert page.locator("input:checked").count() == 0


def test_answers_are_not_kept_beyond_their_time(visit: Visit) -> None:
    page = visit(**SMALL, locale="en-US").new_page()
    begin(page)
    answer_page(page)
    state = json.loads(kept(page)["fg:demo"])
    assert 6.9 < (state["until"] - page.evaluate("Date.now()")) / 86_400_000 <= 7
    old = json.dumps(state | {"until": 1})
    page.evaluate("text => { localStorage['fg:demo'] = text; localStorage['fg:other'] = text; }", old)
    page.reload()
    assert page.locator("input:checked").count() == 0
    assert list(kept(page)) == ["fg:demo"]


def test_closed_survey_deletes_what_was_kept(visit: Visit, server: Server) -> None:
    with writing(server.engine) as session:
        survey = publish.publish(
            session,
            load("pfs_customer").variant(),
            slug="short",
            bank="Short Bank",
            wave="1",
            opens_on=date(2020, 1, 1),
            closes_on=None,
            today=date(2020, 1, 1),
        )
    page = visit(**SMALL, locale="en-US").new_page()
    begin(page, f"/s/{survey.slug}")
    answer_page(page)
    assert f"fg:{survey.slug}" in kept(page)
    with writing(server.engine) as session:
        lifecycle.move(session, survey, "closed", date.today())
    page.wait_for_timeout(1200)
    page.goto(f"/s/{survey.slug}")
    expect(page.locator("h1")).to_have_text("This survey has closed")
    assert kept(page) == {}


def test_browser_that_keeps_nothing_goes_page_by_page(visit: Visit) -> None:
    context = visit(**SMALL, locale="en-US")
    context.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('off'); } })")
    page = context.new_page()
    page.goto("/s/demo")
    go_on(page)
    page.wait_for_url("**/s/demo/1")
    page.goto("/s/demo/form")
    page.wait_for_url("**/s/demo")


def test_document_without_script_leads_to_the_pages(visit: Visit) -> None:
    page = visit(**SMALL, locale="en-US", java_script_enabled=False).new_page()
    page.goto("/s/demo/form")
    assert "one page after the other" in page.locator("noscript").inner_html()
    expect(page.get_by_role("button", name="Back")).to_be_hidden()
    go_on(page)
    page.wait_for_url("**/s/demo/1")
