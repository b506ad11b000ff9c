"""Four languages on a small telephone, and a survey by invitation only, as people see them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from surveys.store import publish
from surveys.store.database import writing
from tests.app.conftest import CUSTOMER
from tests.app.tongues import offering, translated
from tests.browser.conftest import Server
from tests.browser.test_accessibility import violations

pytestmark = pytest.mark.browser
Visit = Callable[..., BrowserContext]
TONGUES = ("English", "简体中文", "Deutsch", "繁體中文")


@pytest.fixture(scope="module")
def many(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A survey in four languages, two of them by files only."""
    day = date(2026, 1, 1)
    folder: Path = tmp_path_factory.mktemp("locale")
    with writing(server.engine) as session:
        for slug, only in (("many", False), ("circle", True)):
            publish.publish(
                session,
                translated(CUSTOMER, "de", "zh-TW"),
                slug=slug,
                bank="Harbour Bank of the Northern Provinces",
                wave="1",
                opens_on=day,
                closes_on=None,
                today=day,
                invited_only=only,
            )
    with offering(folder, "de", "zh-TW"):
        yield "/s/many"


@pytest.mark.parametrize("tag", ["en", "zh-TW"])
def test_each_language_is_one_press_away_at_360_pixels(visit: Visit, many: str, tag: str) -> None:
    page = visit(locale=tag, viewport={"width": 360, "height": 740}).new_page()
    page.goto(many)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.locator("html").get_attribute("lang") == tag
    for name in set(TONGUES) - {"English" if tag == "en" else "繁體中文"}:
        assert page.get_by_role("button", name=name).bounding_box()["height"] >= 44
    assert page.locator(".bank").bounding_box()["height"] < 60
    page.get_by_role("button", name="Deutsch").click()
    page.wait_for_function("document.documentElement.lang === 'de'")
    assert page.get_by_role("button", name="English").is_visible()
    assert violations(page) == []


@pytest.mark.parametrize("tag", ["en", "zh-CN"])
def test_survey_by_invitation_only_says_so(visit: Visit, many: str, tag: str) -> None:
    page = visit(locale=tag, viewport={"width": 390, "height": 800}).new_page()
    page.goto("/s/circle")
    assert page.get_by_role("heading").inner_text() in (
        "This survey is by invitation only",
        "本次调查仅限受邀者参加",
    )
    assert violations(page) == []
