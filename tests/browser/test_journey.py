"""What people see and do, in a real browser: publish, answer on a phone, see the release arrive, download, withdraw."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
Visit = Callable[..., BrowserContext]


def errors_of(page: Page) -> list[str]:
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def cards(page: Page) -> list[Locator]:
    """The cards of the page that is shown; with script the others are there too, unseen."""
    return page.locator("fieldset.card:visible").all()


def answer_page(page: Page, choice: int = 5) -> None:
    """Choose on every card, as a thumb would."""
    for card in cards(page):
        if card.locator(".scale").count():
            for scale in card.locator(".scale").all():
                scale.locator("label").nth(choice - 1).click()
        elif card.locator("input[inputmode=numeric]").count():
            fields = card.locator("input[inputmode=numeric]").all()
            for place, field in enumerate(fields):
                field.fill("100" if place == 0 else "0")
        elif card.locator("input[type=radio]").count():
            card.locator("label.choice").first.click()


def go_on(page: Page) -> None:
    page.locator("footer button.go, .bar button.go").last.click()


def fill_in(page: Page, start: str = "/s/demo") -> str:
    """From the welcome page to the receipt code."""
    page.goto(start)
    go_on(page)
    for _ in range(12):
        if page.url.endswith("/thanks"):
            break
        answer_page(page)
        before = page.url
        go_on(page)
        page.wait_for_url(lambda url, before=before: url != before)
    code = page.locator("#code").inner_text()
    assert re.fullmatch(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){3}", code)
    return code


@pytest.mark.parametrize(("locale", "language"), [("en-US", "en"), ("zh-CN", "zh-CN")])
@pytest.mark.parametrize("script", [True, False])
def test_form_is_filled_in_on_a_phone(visit: Visit, locale: str, language: str, script: bool) -> None:
    page = visit(**PHONE, locale=locale, java_script_enabled=script).new_page()
    fill_in(page)
    assert page.locator("html").get_attribute("lang") == language


@pytest.mark.parametrize("script", [True, False])
def test_no_page_of_the_form_scrolls_sideways(visit: Visit, script: bool) -> None:
    page = visit(viewport={"width": 320, "height": 640}, locale="zh-CN", java_script_enabled=script).new_page()
    errors = errors_of(page)
    page.goto("/s/demo")
    go_on(page)
    for _ in range(12):
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, page.url
        if page.url.endswith("/thanks"):
            break
        answer_page(page)
        before = page.url
        go_on(page)
        page.wait_for_url(lambda url, before=before: url != before)
    assert page.url.endswith("/thanks")
    assert errors == []


def test_forgotten_question_is_pointed_at_and_the_rest_kept(visit: Visit) -> None:
    page = visit(**PHONE, locale="en-US", java_script_enabled=False).new_page()
    page.goto("/s/demo")
    go_on(page)
    answer_page(page)
    page.reload()
    for card in page.locator("fieldset.card").all()[1:]:
        card.locator(".scale label").nth(2).click()
    go_on(page)
    expect(page.locator(".alert")).to_contain_text("1 question")
    assert page.locator(".card.bad").count() == 1
    assert page.locator("input:checked").count() == 6
    go_on(page)
    page.wait_for_url("**/s/demo/2")


def test_mended_question_is_no_longer_pointed_at(visit: Visit) -> None:
    page = visit(**PHONE, locale="en-US").new_page()
    page.goto("/s/demo")
    go_on(page)
    for card in cards(page)[1:]:
        card.locator(".scale label").nth(2).click()
    go_on(page)
    expect(page.locator(".card.bad")).to_have_count(1)
    page.locator(".card.bad .scale label").nth(4).click()
    expect(page.locator(".card.bad")).to_have_count(0)
    expect(page.locator(".alert")).to_be_hidden()


def test_wrong_points_are_no_longer_pointed_at_once_they_add_up(visit: Visit) -> None:
    page = visit(**PHONE, locale="en-US").new_page()
    page.goto("/s/demo")
    go_on(page)
    for _ in range(6):
        answer_page(page)
        before = page.url
        go_on(page)
        page.wait_for_url(lambda url, before=before: url != before)
    answer_page(page)
    first = cards(page)[0]
    first.locator("input[inputmode=numeric]").first.fill("90")
    go_on(page)
    expect(page.locator(".card.bad")).to_have_count(1)
    first.locator("input[inputmode=numeric]").first.fill("100")
    expect(page.locator(".card.bad")).to_have_count(0)


def test_language_switch_in_mid_form_keeps_place_and_answers(visit: Visit) -> None:
    page = visit(**PHONE, locale="en-US", java_script_enabled=False).new_page()
    page.goto("/s/demo")
    go_on(page)
    answer_page(page, 6)
    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    assert page.url.endswith("/s/demo/1")
    assert page.locator("input:checked").count() == 7


def test_back_button_and_reload_lose_nothing(visit: Visit) -> None:
    page = visit(**PHONE, locale="en-US", java_script_enabled=False).new_page()
    page.goto("/s/demo")
    go_on(page)
    answer_page(page, 4)
    go_on(page)
    page.wait_for_url("**/s/demo/2")
    page.go_back()
    page.reload()
    assert page.url.endswith("/s/demo/1")
    assert page.locator("input:checked").count() == 7


def test_keyboard_alone_is_enough(visit: Visit) -> None:
    page = visit(locale="en-US").new_page()
    page.goto("/s/demo")
    page.keyboard.press("Tab")
    page.locator("footer button.go").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/s/demo/form#1")
    page.locator(".scale input").first.focus()
    for _ in range(7):
        page.keyboard.press("Space")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Tab")
    assert page.locator("fieldset.card:has(input:checked)").count() == 7


def test_digits_choose_on_the_scale_that_has_the_focus(visit: Visit) -> None:
    page = visit(locale="en-US").new_page()
    page.goto("/s/demo")
    go_on(page)
    page.wait_for_url("**/form#1")
    first = page.locator(".card:visible .scale").first
    first.locator("input").first.focus()
    page.keyboard.press("6")
    assert first.locator("input:checked").input_value() == "6"
    page.keyboard.press("9")  # no such point
    assert first.locator("input:checked").input_value() == "6"
    page.keyboard.press("Tab")  # one stop a scale
    page.keyboard.press("3")
    assert page.locator(".card:visible .scale").nth(1).locator("input:checked").input_value() == "3"
    page.reload()
    expect(page.locator("input:checked")).to_have_count(2)


def test_release_arrives_in_the_report_and_can_be_withdrawn(visit: Visit) -> None:
    officer = visit(locale="en-US").new_page()
    officer.goto("/surveys/demo/report")
    before = officer.locator(".meta").inner_text()
    customer = visit(**PHONE, locale="zh-CN").new_page()
    code = fill_in(customer)
    officer.goto("/surveys/demo")
    officer.get_by_role("button", name="simulated customers answer").click()
    officer.wait_for_timeout(3500)
    officer.goto("/surveys/demo/report")
    after = officer.locator(".meta").inner_text()
    assert before != after
    count = [int(re.search(r"(\d+) of", text.replace(",", "")).group(1)) for text in (before, after)]
    assert count[1] >= count[0] + 6
    other = visit(**PHONE, locale="zh-CN").new_page()
    other.goto("/s/demo/receipt")
    other.locator("input[name=code]").fill(code.lower())
    go_on(other) if other.locator(".bar button.go").count() else other.locator("button.go").click()
    expect(other.locator("body")).to_contain_text("5")
    other.locator("input[name=confirm]").check()
    other.locator("form:has(input[name=confirm]) button").last.click()
    other.goto("/s/demo/receipt")
    other.locator("input[name=code]").fill(code)
    other.locator("button.go").click()
    expect(other.locator(".error, .alert").first).to_be_visible()


def test_publishing_in_the_browser_opens_a_form(visit: Visit) -> None:
    page = visit(locale="en-US").new_page()
    page.goto("/surveys/new")
    page.get_by_label("Name of the bank").fill("Lakeside Bank")
    page.get_by_role("textbox", name="Address").fill("Lakeside!")
    page.get_by_role("button", name="Publish").click()
    expect(page.locator(".wrong").nth(1)).to_contain_text("small letters, digits and hyphens")
    assert page.get_by_label("Name of the bank").input_value() == "Lakeside Bank"
    page.get_by_role("textbox", name="Address").fill(f"lakeside-{abs(hash(page)) % 10**9}")
    page.get_by_role("button", name="Publish").click()
    page.get_by_role("link", name="http://").first.click()
    expect(page.locator("header")).to_contain_text("Lakeside Bank")


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_report_draws_its_charts_without_error(visit: Visit, width: int, locale: str) -> None:
    page = visit(viewport={"width": width, "height": 900}, locale=locale).new_page()
    errors = errors_of(page)
    page.goto("/surveys/demo/report")
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    page.wait_for_timeout(800)
    assert page.locator(".js-plotly-plot").count() >= 4
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert errors == []


def test_click_on_a_cell_opens_its_defect(visit: Visit) -> None:
    page = visit(viewport={"width": 1440, "height": 900}, locale="en-US").new_page()
    page.goto("/surveys/demo/report?open=tracking.responsiveness")
    assert "Follow-up · Responsiveness" in page.locator(".open-d").inner_text()
    page.locator(".list .where a").nth(2).click()
    page.wait_for_url("**open=**")
    assert page.locator(".open-d").is_visible()


def test_report_can_be_read_without_script(visit: Visit) -> None:
    page = visit(java_script_enabled=False, locale="en-US").new_page()
    page.goto("/surveys/demo/report")
    assert page.locator(".list tbody tr").count() > 10
    page.locator("select[name=unit]").select_option("Riverside")
    page.locator(".filters button").first.click()
    assert "unit=Riverside" in page.url


def test_offline_report_opens_from_a_file(visit: Visit, tmp_path: Path) -> None:
    page = visit(viewport={"width": 1440, "height": 900}, accept_downloads=True).new_page()
    page.goto("/surveys/demo/report")
    with page.expect_download() as caught:
        page.get_by_role("link", name="This report as one file").first.click()
    path = tmp_path / "report.html"
    caught.value.save_as(path)
    errors = errors_of(page)
    page.goto(path.as_uri())
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    assert errors == []


def test_every_download_arrives(visit: Visit) -> None:
    page = visit(accept_downloads=True, locale="en-US").new_page()
    page.goto("/surveys/demo")
    for name in ("Answers, CSV", "Answers, CSV for Excel", "Answers, Parquet"):
        with page.expect_download() as caught:
            page.get_by_role("link", name=name, exact=True).click()
        assert caught.value.suggested_filename.startswith("simulated-demo-release-")
        assert Path(caught.value.path()).stat().st_size > 10_000
