"""The form is light: what a first visit fetches, and what stands between a customer and the first words."""

from __future__ import annotations

import gzip
import urllib.request
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext

from tests.browser.conftest import Server
from tests.browser.test_offline import worker_ready
from tests.browser.test_whole_form import SMALL, begin

pytestmark = pytest.mark.browser
Visit = Callable[..., BrowserContext]
MOST_BYTES = 30_000


def packed(url: str, language: str) -> int:
    """Bytes of a resource on its way to a browser that takes gzip."""
    asked = urllib.request.Request(url, headers={"accept-encoding": "gzip", "accept-language": language})
    with urllib.request.urlopen(asked) as answer:
        data = answer.read()
        return len(data) if answer.headers.get("content-encoding") == "gzip" else len(gzip.compress(data))


@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
def test_first_visit_weighs_at_most_thirty_kilobytes(visit: Visit, server: Server, language: str) -> None:
    context = visit(**SMALL, locale=language)
    page = context.new_page()
    asked: set[str] = set()
    context.on("request", lambda request: asked.add(request.url))
    page.goto("/s/demo")
    worker_ready(page)
    begin(page)
    page.wait_for_load_state("networkidle")
    asked |= {f"{server.address}/s/demo/{name}" for name in ("worker.js", "form.webmanifest")}
    sizes = {url: packed(url, language) for url in asked}
    assert len(sizes) >= 9
    assert sum(sizes.values()) <= MOST_BYTES, sizes


def test_nothing_stands_before_the_first_words(visit: Visit) -> None:
    page = visit(**SMALL, locale="zh-CN").new_page()
    page.goto("/s/demo")
    blocking = page.evaluate(
        "performance.getEntriesByType('resource').filter((one) => one.renderBlockingStatus === 'blocking')"
        ".map((one) => one.name)"
    )
    assert blocking == []
    assert page.locator("h1").evaluate("(title) => getComputedStyle(title).fontSize") == "26px"
