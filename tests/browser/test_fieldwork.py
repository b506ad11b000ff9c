"""The fieldwork page in a browser: its numbers change by themselves, and it has no barrier."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from playwright.sync_api import BrowserContext, expect

from surveys.simulate import simulate_arrivals
from surveys.store import collect, fieldwork, publish
from surveys.store.database import reading, writing
from surveys.tables import Survey
from tests.browser.conftest import Server
from tests.browser.test_accessibility import LOOKS, violations

pytestmark = pytest.mark.browser
Visit = Callable[..., BrowserContext]
PAGE = "/surveys/demo/fieldwork"


def demo(server: Server) -> Survey:
    with reading(server.engine) as session:
        survey = publish.find(session, "demo")
        assert survey is not None
        return survey


def arrive(server: Server, n: int) -> None:
    """Answers come in, and are counted."""
    survey = demo(server)
    arrivals = simulate_arrivals(publish.questionnaire_of(survey), n, day=date.today())
    with writing(server.engine) as session:
        collect.ingest(session.connection(), survey.id or 0, collect.codebook_of(survey), arrivals)
        step = (survey.id or 0, "", fieldwork.SENT)
        fieldwork.add_steps(session.connection(), {step: n})


def test_numbers_change_by_themselves(visit: Visit, server: Server) -> None:
    page = visit(locale="en-US").new_page()
    page.goto(PAGE)
    expect(page.locator("[data-fresh]")).to_be_visible()
    sent = page.locator("[data-live=sent]")
    before = int(sent.inner_text().replace(",", ""))
    arrive(server, 2)
    expect(sent).to_have_text(f"{before + 2:,}")
    expect(page.locator("[data-bar=sent]")).to_have_attribute("value", str(before + 2))


def test_without_script_a_link_loads_the_page_again(visit: Visit, server: Server) -> None:
    page = visit(locale="en-US", java_script_enabled=False).new_page()
    page.goto(PAGE)
    before = int(page.locator("[data-live=sent]").inner_text().replace(",", ""))
    arrive(server, 1)
    page.locator("[data-reload]").click()
    expect(page.locator("[data-live=sent]")).to_have_text(f"{before + 1:,}")


@pytest.mark.parametrize(("locale", "scheme", "width"), LOOKS)
@pytest.mark.parametrize("path", [PAGE, "/surveys/demo/quotas", "/surveys/demo"])
def test_page_has_no_barrier_and_fits(
    visit: Visit, server: Server, path: str, locale: str, scheme: str, width: int
) -> None:
    page = visit(locale=locale, color_scheme=scheme, viewport={"width": width, "height": 2000}).new_page()
    page.goto(path)
    for summary in page.locator("details.twin > summary").all():
        summary.click()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
