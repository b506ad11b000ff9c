"""The life of a survey as people see it: preview, pilot, a pause in the middle, opening, the next wave."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import count

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import text

from app.respond import published
from surveys.authoring import load
from surveys.store import lifecycle, publish
from surveys.store.database import reading, writing
from surveys.tables import Survey
from tests.browser.conftest import Server
from tests.browser.test_accessibility import LOOKS, violations
from tests.browser.test_journey import PHONE, answer_page, fill_in, go_on
from tests.browser.test_whole_form import begin, kept
from tests.browser.test_whole_sending import NOTICE, go_to_the_end

pytestmark = pytest.mark.browser
Visit = Callable[..., BrowserContext]
CUSTOMER = load("pfs_customer").variant()
number = count(1)


def made(server: Server, *steps: str) -> Survey:
    """A draft that has taken these steps."""
    slug, today = f"lakeside{next(number)}", date.today()
    with writing(server.engine) as session:
        survey = publish.publish(
            session, CUSTOMER, slug=slug, bank="Lakeside Bank", wave="2026-2", opens_on=today, closes_on=None,
            today=today, phase="draft",
        )  # fmt: skip
        for step in steps:
            survey = lifecycle.move(session, survey, step, today)
    published._kept.clear()
    return survey


def move(server: Server, survey: Survey, phase: str) -> None:
    with writing(server.engine) as session:
        lifecycle.move(session, survey, phase, date.today())
    published._kept.clear()


def stored(server: Server, survey: Survey) -> int:
    """Everything that is kept of answers to a survey."""
    query = " UNION ALL ".join(f"SELECT survey_id FROM {name}" for name in ("waiting", "submission", "draft", "spent"))
    with server.engine.connect() as connection:
        counted = text(f"SELECT count(*) FROM ({query}) AS kept WHERE survey_id = :id")
        return int(connection.execute(counted, {"id": survey.id}).scalar_one())


def walk(page: Page, until: str) -> None:
    """Answer page after page until the address ends so."""
    for _ in range(14):
        if page.url.endswith(until):
            return
        answer_page(page)
        before = page.url
        go_on(page)
        page.wait_for_url(lambda url, before=before: url != before)


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize(
    ("locale", "banner", "end"),
    [
        ("en-US", "Preview: nothing is stored", "This is the end of the preview"),
        ("zh-CN", "预览：不保存任何内容", "预览到此结束"),
    ],
)
def test_preview_goes_the_whole_way_and_stores_nothing(
    visit: Visit, server: Server, script: bool, locale: str, banner: str, end: str
) -> None:
    survey = made(server)
    page = visit(**PHONE, locale=locale, java_script_enabled=script).new_page()
    page.goto(f"/s/{survey.slug}")
    expect(page.locator(".simulated")).to_have_text(banner)
    go_on(page)
    walk(page, "/thanks")
    expect(page.locator("h1")).to_have_text(end)
    expect(page.locator(".simulated")).to_have_text(banner)
    assert page.locator("#code").count() == 0
    assert stored(server, survey) == 0
    if script:
        assert kept(page) == {}


@pytest.mark.parametrize("script", [True, False])
def test_answers_of_a_pilot_stay_apart(visit: Visit, server: Server, script: bool) -> None:
    survey = made(server, "pilot")
    page = visit(**PHONE, locale="en-US", java_script_enabled=script).new_page()
    code = fill_in(page, f"/s/{survey.slug}")
    expect(page.locator(".simulated")).to_contain_text("Trial run")
    with reading(server.engine) as session:
        pilot = lifecycle.pilot(session, survey)
    assert pilot is not None
    assert (stored(server, survey), stored(server, pilot)) == (0, 2)  # the answers and their spent key
    move(server, survey, "open")
    page.goto(f"/s/{survey.slug}/receipt")
    page.locator("input[name=code]").fill(code)
    page.locator("button.go").click()
    expect(page.locator("input[name=confirm]")).to_be_visible()


def test_form_of_a_pilot_that_was_left_open_is_not_taken(visit: Visit, server: Server) -> None:
    survey = made(server, "pilot")
    page = visit(**PHONE, locale="en-US").new_page()
    begin(page, f"/s/{survey.slug}")
    go_to_the_end(page)
    move(server, survey, "open")
    go_on(page)
    expect(page.locator(NOTICE)).to_contain_text("this page belonged to a trial run, which is over")
    assert stored(server, survey) == 0


def test_pause_in_the_middle_keeps_the_answers_and_takes_them_later(visit: Visit, server: Server) -> None:
    survey = made(server, "open")
    page = visit(**PHONE, locale="en-US").new_page()
    begin(page, f"/s/{survey.slug}")
    go_to_the_end(page)
    move(server, survey, "paused")
    go_on(page)
    expect(page.locator(NOTICE)).to_contain_text("this survey is paused. Your answers are kept on this device")
    page.reload()
    expect(page.locator("h1")).to_have_text("This survey is paused")
    assert f"fg:{survey.slug}" in kept(page)
    move(server, survey, "open")
    page.get_by_role("link", name="Try again").click()
    expect(page.locator(".bar .go")).to_have_text("Continue")
    go_on(page)
    page.wait_for_url("**/form#*")
    go_on(page)
    page.wait_for_url("**/thanks")
    assert stored(server, survey) == 2


def test_officer_leads_a_survey_from_draft_to_archive_and_on(visit: Visit, server: Server) -> None:
    survey = made(server)
    page = visit(locale="en-US").new_page()
    page.goto(f"/surveys/{survey.slug}")
    at = page.locator(".phases [aria-current=step]")
    expect(at).to_have_text("Draft")
    page.get_by_role("button", name="Begin a pilot").click()
    expect(at).to_have_text("Pilot")
    page.get_by_label("The survey cannot become a draft or a pilot again.").check()
    page.get_by_role("button", name="End the pilot and open the survey").click()
    expect(at).to_have_text("Open")
    page.get_by_label("Answers planned").fill("250")
    page.get_by_role("button", name="Change the plan").click()
    expect(page.locator(".meta").first).to_contain_text("0 of 250 planned")
    for button, phase in (("Pause", "Paused"), ("Go on", "Open")):
        page.get_by_role("button", name=button, exact=True).click()
        expect(at).to_have_text(phase)
    page.get_by_label("It can be opened again within seven days").check()
    page.get_by_role("button", name="Close the survey").click()
    expect(at).to_have_text("Closed")
    page.get_by_role("button", name="Archive", exact=True).click()
    expect(at).to_have_text("Archived")
    page.get_by_role("link", name="Next wave").click()
    slug = page.get_by_role("textbox", name="Address").input_value()
    page.get_by_role("button", name="Publish the next wave").click()
    page.wait_for_url(f"**/surveys/{slug}")
    expect(at).to_have_text("Draft")
    expect(page.locator("#waves")).to_contain_text("this survey")
    with reading(server.engine) as session:
        following = publish.find(session, slug)
    assert following is not None
    assert following.definition_hash == survey.definition_hash


@pytest.mark.parametrize(("locale", "scheme", "width"), LOOKS)
def test_pages_of_each_phase_have_no_barrier(
    visit: Visit, server: Server, locale: str, scheme: str, width: int
) -> None:
    page = visit(locale=locale, color_scheme=scheme, viewport={"width": width, "height": 2000}).new_page()
    found: list[str] = []
    for steps in ((), ("pilot",), ("open", "paused"), ("pilot", "open", "closed")):
        survey = made(server, *steps)
        for path in (f"/s/{survey.slug}", f"/s/{survey.slug}/thanks", f"/surveys/{survey.slug}"):
            page.goto(path)
            found += violations(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.goto(f"/surveys/{survey.slug}/next")
    found += violations(page)
    page.goto("/")
    found += violations(page)
    assert found == []
