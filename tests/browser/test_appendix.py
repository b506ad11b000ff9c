"""The statistical appendix in a real browser: no barrier, no sideways scrolling, charts drawn, tables within reach."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.test_accessibility import LOOKS, violations

pytestmark = pytest.mark.browser
Visit = Callable[..., BrowserContext]
PATIENCE = 180_000  # the first visitor waits for the factor models, in milliseconds


def opened(visit: Visit, **options: object) -> Page:
    page = visit(**options).new_page()
    page.goto("/surveys/demo/report/appendix", timeout=PATIENCE)
    page.wait_for_selector(".plot .main-svg")
    return page


@pytest.mark.parametrize(("locale", "scheme", "width"), [*LOOKS, ("zh-CN", "light", 1440), ("en-US", "dark", 360)])
def test_appendix_has_no_barrier(visit: Visit, locale: str, scheme: str, width: int) -> None:
    page = opened(visit, locale=locale, color_scheme=scheme, viewport={"width": width, "height": 2000})
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".plot:not(:has(.main-svg))").count() == 0


def test_headings_stand_in_order(visit: Visit) -> None:
    page = opened(visit, viewport={"width": 1440, "height": 1000})
    levels = page.evaluate("Array.from(document.querySelectorAll('h1,h2,h3,h4'), (one) => +one.tagName[1])")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_each_line_in_plain_words_leads_to_its_section(visit: Visit) -> None:
    page = opened(visit, viewport={"width": 1440, "height": 1000})
    link = page.locator(".verdicts a").first
    link.click()
    section = page.locator(f"section{link.get_attribute('href')}")
    assert section.evaluate("(one) => Math.abs(one.getBoundingClientRect().top) < innerHeight / 2")
