"""WCAG 2.2 AA, as far as a program can see it (axe-core), in both languages, light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page

from tests.browser.test_journey import answer_page, go_on

pytestmark = pytest.mark.browser
Visit = Callable[..., BrowserContext]
LOOKS = [("en-US", "light", 1440), ("zh-CN", "dark", 390)]
OPTIONS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


def violations(page: Page) -> list[str]:
    # At the end of a page its bar lies over nothing; further up it covers now this, now that, and one scrolls on.
    page.wait_for_load_state()  # a page that is still coming has no body to scroll
    page.evaluate("scrollTo({ top: document.body.scrollHeight, behavior: 'instant' })")
    found = Axe().run(page, options=OPTIONS).response["violations"]
    return [f"{page.url} {rule['id']}: {node['target']}" for rule in found for node in rule["nodes"]]


@pytest.mark.parametrize(("locale", "scheme", "width"), LOOKS)
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/translations",
        "/surveys/demo/invitations/texts",
        "/surveys/new",
        "/surveys/demo",
        "/surveys/demo/report",
        "/surveys/demo/codebook.html",
        "/surveys/demo/improvements",
        "/surveys/demo/quotas",
        "/s/demo",
        "/s/demo/changes",
        "/s/demo/resume",
        "/x",
    ],
)
def test_page_has_no_barrier(visit: Visit, path: str, locale: str, scheme: str, width: int) -> None:
    page = visit(locale=locale, color_scheme=scheme, viewport={"width": width, "height": 2000}).new_page()
    page.goto(path)
    page.wait_for_timeout(600 if path.endswith("report") else 0)
    assert violations(page) == []


@pytest.mark.parametrize(("locale", "scheme", "width"), LOOKS)
def test_form_has_no_barrier_on_any_page(visit: Visit, locale: str, scheme: str, width: int) -> None:
    page = visit(locale=locale, color_scheme=scheme, viewport={"width": width, "height": 3000}).new_page()
    page.goto("/s/demo")
    go_on(page)
    found: list[str] = []
    for _ in range(12):
        found += violations(page)
        if page.url.endswith("/thanks"):
            break
        if page.locator(".scale:visible").count():
            go_on(page)  # the page comes back with its reminders
            page.wait_for_selector(".alert")
            found += violations(page)
        answer_page(page)
        before = page.url
        go_on(page)
        page.wait_for_url(lambda url, before=before: url != before)
    assert found == []
