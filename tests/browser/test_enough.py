"""A full quota as customers see it in the one document: thanked at once, without the network."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import count

import pytest
from playwright.sync_api import BrowserContext, expect

from app.respond import published
from surveys.authoring import load
from surveys.coding import codebook
from surveys.simulate import simulate_arrivals
from surveys.store import collect, publish, quotas
from surveys.store.database import reading, writing
from tests.browser.conftest import Server
from tests.browser.test_accessibility import LOOKS, violations

pytestmark = pytest.mark.browser
Visit = Callable[..., BrowserContext]
FIRST = load("pfs_customer").screenable[0]
QUESTIONNAIRE = load("pfs_customer").variant(screening=(FIRST,))
BOOK = codebook(QUESTIONNAIRE)
ENOUGH = {"en-US": "Enough answers have come in", "zh-CN": "答卷数量已足够"}
number = count(1)


def full(server: Server, **what: str) -> tuple[str, str]:
    """A survey with a quota that is full; its slug and the code of its only link."""
    slug, today = f"enough{next(number)}", date.today()
    with writing(server.engine) as session:
        survey = publish.publish(
            session, QUESTIONNAIRE, slug=slug, bank="B", wave="1", opens_on=today, closes_on=None, today=today
        )
        code = publish.add_link(session, survey, "North", "counter").code
        (one,) = simulate_arrivals(QUESTIONNAIRE, 1, day=today)
        closed = bytearray(one.closed)
        closed[BOOK.place[FIRST]] = 1
        fields = vars(one) | {"closed": bytes(closed), "unit": "North", "channel": "counter"}
        collect.ingest(session.connection(), survey.id or 0, BOOK, [collect.Arrival(**fields)])
        quotas.add(session.connection(), survey.id or 0, QUESTIONNAIRE, BOOK, what | {"most": "1"}, today)
    published._kept.clear()
    return slug, code


@pytest.mark.parametrize(("locale", "scheme", "width"), LOOKS)
def test_full_group_is_thanked_without_the_network(
    visit: Visit, server: Server, locale: str, scheme: str, width: int
) -> None:
    question = QUESTIONNAIRE.question(FIRST)
    assert question is not None
    slug, _code = full(server, question=FIRST, option=question.options[0].code)
    context = visit(locale=locale, color_scheme=scheme, viewport={"width": width, "height": 900})
    page = context.new_page()
    page.goto(f"/s/{slug}/form")
    page.locator(f"[name={FIRST}][value={question.options[0].code}]").check(force=True)
    context.set_offline(True)
    page.locator(".bar .go").click()
    expect(page.locator("main h1")).to_have_text(ENOUGH[locale])
    assert page.evaluate("localStorage.length") == 0
    context.set_offline(False)
    assert violations(page) == []


def test_group_with_room_goes_on(visit: Visit, server: Server) -> None:
    question = QUESTIONNAIRE.question(FIRST)
    assert question is not None
    slug, _code = full(server, question=FIRST, option=question.options[0].code)
    page = visit().new_page()
    page.goto(f"/s/{slug}/form")
    page.locator(f"[name={FIRST}][value={question.options[1].code}]").check(force=True)
    page.locator(".bar .go").click()
    page.wait_for_url("**/form#2")


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_full_branch_is_thanked_at_once_and_counted(visit: Visit, server: Server, locale: str) -> None:
    slug, code = full(server, unit="North")
    page = visit(locale=locale).new_page()
    for path in (f"/s/{slug}/{code}", f"/s/{slug}/{code}/form"):
        page.goto(path)
        expect(page.locator("main h1")).to_have_text(ENOUGH[locale])
    page.goto(f"/s/{slug}/form")  # the public address has room
    expect(page.locator(".bar .go")).to_be_visible()
    with reading(server.engine) as session:
        survey = publish.find(session, slug)
        assert survey is not None
        assert [one.turned for one in quotas.all_of(session.connection(), survey.id or 0)] == [2]


def test_who_has_begun_goes_on_although_the_branch_is_full(visit: Visit, server: Server) -> None:
    slug, code = full(server, unit="South")
    page = visit().new_page()
    page.goto(f"/s/{slug}/{code}/form")
    page.locator(f"[name={FIRST}]").first.check(force=True)
    with writing(server.engine) as session:
        survey = publish.find(session, slug)
        assert survey is not None
        wish = {"unit": "North", "most": "1"}
        quotas.add(session.connection(), survey.id or 0, QUESTIONNAIRE, BOOK, wish, date.today())
    published._kept.clear()
    page.goto(f"/s/{slug}/{code}")
    page.wait_for_url(f"**/s/{slug}/{code}/form#1")
    expect(page.locator(f"[name={FIRST}]").first).to_be_checked()
