"""Without a network, and on a shared tablet: what was given is delivered once, and nothing is there for the next."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import text

from surveys.store import devices, publish
from surveys.store.database import reading, writing
from tests.browser.conftest import Server
from tests.browser.test_accessibility import violations
from tests.browser.test_journey import answer_page, errors_of, go_on
from tests.browser.test_whole_form import DESK, SMALL, begin, kept
from tests.browser.test_whole_sending import go_to_the_end, receipt, stored

pytestmark = pytest.mark.browser
Visit = Callable[..., BrowserContext]
TABLET = {"viewport": {"width": 820, "height": 1180}, "has_touch": True}
PIN = "246810"


def wait_for(page: Page, met: Callable[[], bool]) -> None:
    for _ in range(150):
        if met():
            return
        page.wait_for_timeout(200)
    raise AssertionError("it did not come to pass within half a minute")


def worker_ready(page: Page) -> None:
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")


def waiting_on(page: Page) -> int:
    return int(page.evaluate("queue.all().then((all) => all.length)"))


@pytest.mark.parametrize(("locale", "words"), [("en-US", "waiting on this device"), ("zh-CN", "等待网络")])
def test_offline_in_the_middle_and_delivered_later_once(visit: Visit, server: Server, locale: str, words: str) -> None:
    context, before = visit(**SMALL, locale=locale), stored(server)
    page = context.new_page()
    page.goto("/s/demo")
    worker_ready(page)
    begin(page)
    answer_page(page)
    context.set_offline(True)
    page.reload()  # the worker has the form
    page.wait_for_url("**/form#1")
    assert page.locator("input:checked").count() == 7
    go_to_the_end(page)
    go_on(page)
    code = receipt(page)
    expect(page.locator("[data-unsent]")).to_be_visible()
    expect(page.locator("[data-waiting]")).to_contain_text(words)
    assert violations(page) == []
    assert kept(page) == {}
    assert (stored(server), waiting_on(page)) == (before, 1)
    page.goto("/s/demo")  # still without a network, and somebody else may begin
    expect(page.locator("[data-waiting]")).to_contain_text(words)
    begin(page)
    assert page.locator("input:checked").count() == 0
    context.set_offline(False)
    wait_for(page, lambda: waiting_on(page) == 0)
    assert stored(server) == before + 1
    page.goto("/s/demo/receipt")
    page.locator("#code").fill(code)
    page.locator("form .go").click()
    expect(page.locator(".told dd").first).to_be_visible()


def test_what_waits_can_be_read_by_nobody_on_the_device(visit: Visit) -> None:
    context = visit(**SMALL, locale="en-US")
    page = context.new_page()
    page.goto("/s/demo")
    worker_ready(page)
    begin(page)
    context.set_offline(True)
    go_to_the_end(page)
    page.locator("#comment_praise").fill("nobody may read this")
    go_on(page)
    receipt(page)
    held = page.evaluate(
        """queue.all().then((all) => JSON.stringify(all.map((one) =>
           [one.survey, one.day, new TextDecoder("latin1").decode(one.sealed)])))"""
    )
    assert "nobody may read this" not in held
    assert "enc_rel_1" not in held


def test_lost_acknowledgement_of_a_late_delivery_stores_nothing_twice(visit: Visit, server: Server) -> None:
    context, before = visit(**SMALL, locale="en-US"), stored(server)
    page = context.new_page()
    page.goto("/s/demo")
    worker_ready(page)
    begin(page)
    context.set_offline(True)
    go_to_the_end(page)
    go_on(page)
    receipt(page)
    lost: list[int] = []

    def lose(route: object) -> None:
        lost.append(route.fetch().status)  # type: ignore[attr-defined]
        route.abort()  # type: ignore[attr-defined]

    context.route("**/sealed", lose, times=1)
    context.set_offline(False)
    page.evaluate("offline.deliver()")
    wait_for(page, lambda: bool(lost))
    page.evaluate("offline.deliver()")
    wait_for(page, lambda: waiting_on(page) == 0)
    assert lost == [200]
    assert stored(server) == before + 1


def kiosk(server: Server, name: str = "Lobby tablet") -> str:
    with reading(server.engine) as session:
        survey = publish.find(session, "demo")
    assert survey
    with writing(server.engine) as session:
        _device, token = devices.add(session, survey.id or 0, name, "South Station", PIN, survey.opens_on)
    return token


def begin_kiosk(page: Page, language: str = "en") -> None:
    page.locator(f"[data-start={language}]").click()
    page.wait_for_url("**/kiosk#1")
    expect(page.locator("#attract")).not_to_be_visible()


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_tablet_serves_one_customer_after_the_other(visit: Visit, server: Server, language: str) -> None:
    token, before = kiosk(server), stored(server)
    page = visit(**TABLET, locale="en-US").new_page()
    errors = errors_of(page)
    page.goto(f"/s/demo/kiosk#{token}")
    expect(page.locator("#attract")).to_be_visible()
    assert token not in page.url
    assert violations(page) == []
    for number in (1, 2):
        begin_kiosk(page, language)
        assert page.locator("html").get_attribute("lang") == language
        assert page.locator("input:checked").count() == 0
        go_to_the_end(page)
        go_on(page)
        expect(page.locator("#code")).to_be_visible()
        assert violations(page) == []
        assert page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('fg:')).length") == 0
        assert page.context.cookies() == [] or all(not c["name"].startswith("fg-") for c in page.context.cookies())
        page.locator("[data-finish]").click()
        expect(page.locator("#attract")).to_be_visible()
        assert stored(server) == before + number
    with server.engine.connect() as connection:
        query = (
            "SELECT unit, channel FROM waiting UNION ALL SELECT unit, channel FROM submission WHERE channel = 'kiosk'"
        )
        assert ("South Station", "kiosk") in connection.execute(text(query)).all()
    assert errors == []


def test_tablet_wipes_itself_when_nobody_is_there(visit: Visit, server: Server) -> None:
    page = visit(**TABLET, locale="en-US").new_page()
    page.clock.install()
    page.goto(f"/s/demo/kiosk#{kiosk(server)}")
    begin_kiosk(page)
    answer_page(page)
    page.clock.fast_forward(61_000)
    expect(page.locator("#idle")).to_be_visible()
    assert violations(page) == []
    covered = page.evaluate("document.elementFromPoint(400, 1000).closest('dialog')?.id")
    assert covered == "idle"  # the answers below it cannot be seen
    page.get_by_role("button", name="Go on answering").click()
    assert page.locator("input:checked").count() == 7
    page.clock.fast_forward(61_000)
    expect(page.locator("#idle")).to_be_visible()
    page.clock.fast_forward(21_000)
    expect(page.locator("#attract")).to_be_visible()
    begin_kiosk(page)
    assert page.locator("input:checked").count() == 0


def test_receipt_on_the_tablet_goes_away_by_itself(visit: Visit, server: Server) -> None:
    page = visit(**TABLET, locale="en-US").new_page()
    page.clock.install()
    page.goto(f"/s/demo/kiosk#{kiosk(server)}")
    begin_kiosk(page)
    go_to_the_end(page)
    go_on(page)
    expect(page.locator("#code")).to_be_visible()
    page.clock.fast_forward(31_000)
    expect(page.locator("#attract")).to_be_visible()


def test_staff_leave_with_their_number_and_nobody_else(visit: Visit, server: Server) -> None:
    page = visit(**TABLET, locale="en-US").new_page()
    page.goto(f"/s/demo/kiosk#{kiosk(server)}")
    wait_for(page, lambda: "pin" in page.evaluate("localStorage.getItem('fgk:demo')"))
    page.locator("[data-staff]").click()
    page.locator("#pin").fill("0000")
    page.get_by_role("button", name="Unlock").click()
    expect(page.get_by_text("This is not the number of this device.")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")  # no way out
    expect(page.locator("#staff")).to_be_visible()
    page.locator("#pin").fill(PIN)
    page.get_by_role("button", name="Unlock").click()
    expect(page.locator("#panel [data-name]")).to_have_text("Lobby tablet")
    page.locator("[data-leave]").click()
    page.reload()
    expect(page.locator("#panel")).to_be_visible()
    page.locator("[data-resume]").click()
    expect(page.locator("#attract")).to_be_visible()
    for _ in range(5):
        if not page.locator("#staff").is_visible():
            page.locator("[data-staff]").click()
        page.locator("#pin").fill("1111")
        page.get_by_role("button", name="Unlock").click()
        expect(page.locator("#pin")).to_have_value("")
    page.locator("#pin").fill(PIN)
    page.get_by_role("button", name="Unlock").click()
    expect(page.get_by_text("Too many tries.")).to_be_visible()


def test_tablet_without_a_network_queues_and_the_officer_sees_it(visit: Visit, server: Server) -> None:
    context, before = visit(**TABLET, locale="en-US"), stored(server)
    page = context.new_page()
    page.goto(f"/s/demo/kiosk#{kiosk(server, 'Offline tablet')}")
    worker_ready(page)
    page.reload()
    expect(page.locator("#attract")).to_be_visible()
    wait_for(page, lambda: bool(page.evaluate("caches.match('/s/demo/kiosk?lang=en').then(Boolean)")))
    context.set_offline(True)
    for number in (1, 2):
        begin_kiosk(page)
        go_to_the_end(page)
        go_on(page)
        expect(page.locator("[data-unsent]")).to_be_visible()
        page.locator("[data-finish]").click()
        expect(page.locator("#attract")).to_be_visible()
        assert waiting_on(page) == number
    assert stored(server) == before
    context.set_offline(False)
    wait_for(page, lambda: waiting_on(page) == 0)
    assert stored(server) == before + 2
    desk = visit(**DESK, locale="en-US").new_page()
    desk.goto("/surveys/demo/devices")
    expect(desk.get_by_role("row", name="Offline tablet")).to_contain_text("just now")
    assert violations(desk) == []


def test_tablet_that_was_retired_says_so_and_sends_nothing(visit: Visit, server: Server) -> None:
    token = kiosk(server, "Old tablet")
    page = visit(**TABLET, locale="en-US").new_page()
    page.goto(f"/s/demo/kiosk#{token}")
    expect(page.locator("#attract")).to_be_visible()
    with writing(server.engine) as session:
        survey = publish.find(session, "demo")
        assert survey
        old = next(one for one in devices.all_of(session, survey.id or 0) if one.name == "Old tablet")
        devices.retire(session, survey.id or 0, old.id or 0)
    page.reload()
    expect(page.locator("#unknown")).to_be_visible()
