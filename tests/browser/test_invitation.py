"""From the mail to the receipt, in a real browser on a small phone and in Chinese; and the officer's page."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import text

from app.access import hash_password
from app.main import create_app
from app.settings import Settings
from surveys.authoring import load
from surveys.store import people, publish
from surveys.store.database import open_database, writing
from surveys.store.migrate import upgrade
from tests.app.post import Box, link_in, mail_server
from tests.browser.conftest import Server
from tests.browser.test_accessibility import violations
from tests.browser.test_journey import answer_page, errors_of, go_on
from tests.browser.test_whole_form import DESK, SMALL

pytestmark = pytest.mark.browser
Visit = Callable[..., BrowserContext]
PASSWORD = "correct horse battery staple"
SCREENS = os.environ.get("FIVEGAPS_SCREENS", "")  # a folder for pictures to look at


@pytest.fixture(scope="module")
def box() -> Iterator[tuple[Box, object]]:
    with mail_server() as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, box: tuple[Box, object]) -> Iterator[Server]:
    """A server with an open survey and a mail server; its address is known before it starts, as mails carry it."""
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('invite') / 'invite.sqlite3'}")
    upgrade(engine)
    today = date(2026, 1, 1)
    with writing(engine) as session:
        people.add(session, "Lin", hash_password(PASSWORD), "officer", today)
        publish.publish(
            session,
            load("pfs_customer").variant(),
            slug="harbour",
            bank="海港银行",
            wave="2026-2",
            opens_on=today,
            closes_on=None,
            today=today,
        )
    door = socket.socket()
    door.bind(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{door.getsockname()[1]}"
    settings = Settings("sqlite://", public_url=address, mail=box[1], key=b"k" * 32)
    running = uvicorn.Server(uvicorn.Config(create_app(settings, engine), log_level="warning", ws="none"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [door]}, daemon=True)
    thread.start()
    while not running.started:
        assert thread.is_alive(), "the server did not start"
        thread.join(0.05)
    yield Server(address, engine)
    running.should_exit = True
    thread.join(timeout=10)
    door.close()
    engine.dispose()


def picture(page: Page, name: str) -> None:
    if SCREENS:
        page.screenshot(path=str(Path(SCREENS) / f"{name}.png"), full_page=True)


@pytest.fixture(scope="module")
def links(server: Server, box: tuple[Box, object], browser: object) -> list[str]:
    """Twelve customers have been invited on the desk's page; the paths of their links."""
    context = browser.new_context(base_url=server.address, locale="en-US", **DESK)  # type: ignore[attr-defined]
    page = context.new_page()
    page.goto("/surveys/harbour/invitations")
    page.get_by_label("Name").fill("Lin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Invitations")).to_be_visible()
    picture(page, "1-empty")
    assert violations(page) == []
    bad = "address,unit,language\nnobody,South,zh\nc@bank.example,South,fr\n"
    send_list(page, bad)
    expect(page.get_by_text("Row 2, column address")).to_be_visible()
    picture(page, "2-bad")
    assert violations(page) == []
    good = "address,unit,language,segment\n" + "".join(f"c{n}@bank.example,South,zh,vip\n" for n in range(12))
    send_list(page, good)
    picture(page, "3-preview")
    assert violations(page) == []
    page.get_by_role("button", name="Take the list over").click()
    page.get_by_role("button", name="Send invitations").click()
    while sent(server) < 12:
        page.wait_for_timeout(50)
    page.goto("/surveys/harbour/invitations")
    expect(page.locator("dl.meta div", has_text="Invitations sent")).to_contain_text("12")
    picture(page, "4-sent")
    assert violations(page) == []
    page.set_viewport_size({"width": 390, "height": 800})
    picture(page, "5-narrow")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()
    return [link_in(mail) for mail in box[0].mails()]


def sent(server: Server) -> int:
    with server.engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM mail WHERE state = 'sent'")).scalar_one())


def send_list(page: Page, content: str) -> None:
    page.get_by_label("List of contacts").set_input_files(
        {"name": "list.csv", "mimeType": "text/csv", "buffer": content.encode()}
    )
    page.get_by_role("button", name="Read the list").click()


def answered(page: Page) -> None:
    for _ in range(12):
        answer_page(page)
        before = page.url
        go_on(page)
        page.wait_for_url(lambda url, before=before: url != before)
        if page.url.endswith("/thanks"):
            return


@pytest.mark.parametrize("script", [True, False])
def test_customer_answers_by_the_link_in_the_mail_once(
    visit: Visit, server: Server, links: list[str], script: bool
) -> None:
    link = links[0 if script else 1]
    page = visit(**SMALL, locale="en-US", java_script_enabled=script).new_page()
    errors = errors_of(page)
    page.goto(link)
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")  # the contact's, not the browser's
    go_on(page)
    if script:
        page.wait_for_url("**/form#1")
    answered(page)
    code = page.locator("#code").inner_text()
    assert len(code) == 19
    assert errors == []
    page.goto(link)
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    picture(page, f"6-used-{script}")
    page.get_by_role("textbox").fill(code)
    page.get_by_role("textbox").press("Enter")
    page.wait_for_url("**/receipt**")
    expect(page.get_by_role("button", name="撤回")).to_be_visible()  # the answers, and the way to withdraw them


def test_answers_typed_for_a_link_used_meanwhile_stay_in_the_page(
    visit: Visit, server: Server, links: list[str]
) -> None:
    page = visit(**SMALL, locale="en-US").new_page()
    page.goto(links[2])
    go_on(page)
    page.wait_for_url("**/form#1")
    with server.engine.begin() as connection:
        connection.execute(text("UPDATE one_time_link SET spent = true"))
        before = connection.execute(text("SELECT count(*) FROM spent")).scalar()
    for _ in range(12):
        answer_page(page)
        shown = page.url
        go_on(page)
        page.wait_for_timeout(100)
        if page.url == shown:
            break
    notice = page.locator(".bar .error")
    expect(notice).to_be_visible()
    picture(page, "7-spent-meanwhile")
    assert page.locator("input:checked").count() >= 44
    assert "fg:harbour" in page.evaluate("Object.keys(localStorage)")
    with server.engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM spent")).scalar() == before
        connection.execute(text("UPDATE one_time_link SET spent = false"))


def test_personal_link_stands_for_itself_on_a_device_with_begun_answers(visit: Visit, links: list[str]) -> None:
    page = visit(**SMALL, locale="zh-CN").new_page()
    page.goto("/s/harbour")
    go_on(page)
    page.wait_for_url("**/form#1")
    answer_page(page)
    page.goto(links[3])
    go_on(page)
    page.wait_for_url("**/form#*")
    assert page.evaluate('JSON.parse(localStorage["fg:harbour"]).path') == links[3]


def test_opting_out_takes_one_press(visit: Visit, server: Server, links: list[str], box: tuple[Box, object]) -> None:
    page = visit(**SMALL, locale="zh-CN").new_page()
    page.goto(box[0].mails()[4]["list-unsubscribe"].strip("<>"))
    picture(page, "8-stop")
    assert violations(page) == []
    with server.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM contact WHERE opted_out")).scalar() == 0
    page.locator("main button").click()
    expect(page.locator("main button")).to_have_count(0)
    with server.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM contact WHERE opted_out")).scalar() == 1


def test_mail_itself_looks_calm(visit: Visit, links: list[str], box: tuple[Box, object], tmp_path: Path) -> None:
    part = box[0].mails()[0].get_body(("html",))
    assert part is not None
    file = tmp_path / "mail.html"
    file.write_text(str(part.get_content()), "utf-8")
    page = visit(**SMALL).new_page()
    page.goto(file.as_uri())
    picture(page, "9-mail")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator("a").first.get_attribute("href", timeout=1000).endswith(links[0])
