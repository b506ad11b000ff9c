"""Invitations from the list to the mail and from the mail to the answer, by a real mail server, on both databases."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.invite.bounces import Bounce, read_bounces
from app.invite.sending import Outcome, Unsendable, queue, send_waiting
from app.main import create_app
from app.respond import published
from app.settings import MailServer, Settings
from surveys.store import collect, contacts, lifecycle, publish
from surveys.store.contacts import Entry
from surveys.store.database import writing
from surveys.tables import Survey
from tests.app.conftest import CUSTOMER, SETTINGS
from tests.app.post import Box, link_in, mail_server, text_of
from tests.app.test_respond import answers_for, count
from tests.app.test_whole_form import KEY, deliver, filled

ADDRESSES = [f"c{number}@bank.example" for number in range(12)]


@pytest.fixture
def box() -> Iterator[tuple[Box, MailServer]]:
    with mail_server() as running:
        yield running


@pytest.fixture
def mailing(box: tuple[Box, MailServer]) -> Settings:
    return replace(SETTINGS, mail=box[1], key=b"k" * 32)


def invite(engine: Engine, settings: Settings, survey: Survey, language: str = "en") -> Outcome:
    entries = [Entry(address, "South Station", language, "") for address in ADDRESSES]
    with engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
        contacts.add(connection, survey.id or 0, entries)
    queue(engine, settings, survey, reminder=False)
    return send_waiting(engine, settings, survey)


@pytest.fixture
def link(engine: Engine, mailing: Settings, shop: Survey, box: tuple[Box, MailServer]) -> str:
    assert invite(engine, mailing, shop).sent == 12
    return link_in(box[0].mail_to(ADDRESSES[0]))


# ---- The mail


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_mail_in_each_language_has_link_and_one_click_opt_out(
    engine: Engine, mailing: Settings, shop: Survey, box: tuple[Box, MailServer], language: str
) -> None:
    invite(engine, mailing, shop, language)
    mail, (to, raw) = box[0].mails()[0], box[0].raw[0]
    assert (mail["to"], mail["from"]) == (to, "Harbour Bank <survey@harbour.example>")
    assert mail["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    stop = re.search(rb"\r\nList-Unsubscribe: <http://testserver(/i/stop/[\w-]{22})>\r\n", raw)  # whole, not encoded
    assert stop
    assert re.fullmatch(r"/i/[\w-]{22}", link_in(mail))
    assert link_in(mail) in text_of(mail, "html") and stop[1].decode() in text_of(mail)
    assert mail["content-language"] == language
    assert max(map(len, raw.split(b"\r\n"))) < 998
    assert raw.isascii()


def test_nothing_in_a_name_can_add_a_header(engine: Engine, mailing: Settings, box: tuple[Box, MailServer]) -> None:
    with writing(engine) as session:
        survey = publish.publish(
            session,
            CUSTOMER,
            slug="evil",
            bank='Bank\r\nBcc: all@world.example\r\n\r\n<b>"x"</b>\u202e',
            wave="1",
            opens_on=date(2026, 1, 1),
            closes_on=None,
            today=date(2026, 1, 1),
        )
    invite(engine, mailing, survey)
    mail = box[0].mails()[0]
    assert mail["bcc"] is None
    assert mail["subject"].startswith("Bank Bcc: all@world.example")
    assert "<b>" not in text_of(mail, "html")
    assert {to for to, _ in box[0].raw} == set(ADDRESSES)


def test_refused_addresses_are_told_and_bad_ones_not_written_to_again(
    engine: Engine, mailing: Settings, shop: Survey, box: tuple[Box, MailServer]
) -> None:
    box[0].refuse = {
        ADDRESSES[1]: "550 5.1.1 no such user",
        ADDRESSES[2]: "554 5.7.1 not from you",
        ADDRESSES[3]: "451 4.3.0 later",
    }
    first = invite(engine, mailing, shop)
    assert (first.sent, first.failed, first.later, first.trouble) == (9, 2, 1, "")
    with engine.connect() as connection:
        assert contacts.failures(connection, shop.id or 0) == [
            (ADDRESSES[1], "failed", "550 5.1.1 no such user"),
            (ADDRESSES[2], "failed", "554 5.7.1 not from you"),
        ]
        assert contacts.counts(connection, shop.id or 0).bounced == 1
    box[0].refuse = {}
    queue(engine, mailing, shop, reminder=False)
    send_waiting(engine, mailing, shop)
    assert sorted(to for to, _ in box[0].raw) == sorted(set(ADDRESSES) - {ADDRESSES[1]})


def test_server_that_refuses_everything_stops_the_run_and_nothing_is_lost(
    engine: Engine, mailing: Settings, shop: Survey, box: tuple[Box, MailServer]
) -> None:
    box[0].after_data = "421 too busy"
    ADDITIONAL = [Entry(f"more{number}@bank.example", "", "en", "") for number in range(30)]
    with engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
        contacts.add(connection, shop.id or 0, ADDITIONAL)
    outcome = invite(engine, mailing, shop)
    assert (outcome.sent, outcome.later, outcome.trouble) == (0, 20, "refused")
    box[0].after_data = "250 taken"
    assert send_waiting(engine, mailing, shop, limit=40).sent == 40
    assert send_waiting(engine, mailing, shop).sent == 2
    assert len({to for to, _ in box[0].raw}) == len(box[0].raw) == 42


def test_dead_server_keeps_the_queue(engine: Engine, mailing: Settings, shop: Survey) -> None:
    assert mailing.mail is not None
    dead = replace(mailing, mail=replace(mailing.mail, port=1))
    assert invite(engine, dead, shop).trouble == "unreachable"
    assert send_waiting(engine, mailing, shop).sent == 12


def test_two_senders_at_once_write_to_everybody_once(
    engine: Engine, mailing: Settings, shop: Survey, box: tuple[Box, MailServer]
) -> None:
    stop = threading.Event()
    stop.set()
    assert send_waiting(engine, mailing, shop, stop=stop).sent == 0
    invite(engine, replace(mailing, mail=replace(box[1], port=1)), shop)  # queued, not sent
    with ThreadPoolExecutor(4) as pool:
        sent = sum(one.sent for one in pool.map(lambda _: send_waiting(engine, mailing, shop), range(4)))
    assert sent == len(box[0].raw) == len({to for to, _ in box[0].raw}) == 12


@pytest.mark.parametrize(
    ("change", "code"), [({"mail": None}, "no_server"), ({"key": b""}, "key"), ({}, "simulated"), ({}, "not_open")]
)
def test_what_cannot_be_sent_is_refused_in_a_sentence(
    sqlite: Engine, mailing: Settings, survey: Survey, change: dict[str, object], code: str
) -> None:
    survey.simulated, survey.phase = code == "simulated", "closed" if code == "not_open" else "open"
    with pytest.raises(Unsendable) as refused:
        send_waiting(sqlite, replace(mailing, **change), survey)
    assert refused.value.code == code


# ---- The link


def test_opening_a_link_spends_nothing_and_is_counted_without_saying_whose(
    browser: TestClient, engine: Engine, link: str
) -> None:
    for _ in range(3):
        page = browser.get(link)
        assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
        assert f'action="{link}/start"' in page.text
        assert browser.get(f"{link}/form").status_code == 200
    assert link.removeprefix("/i/") not in browser.get(f"{link}/form").text
    assert (count(engine, "waiting"), count(engine, "spent")) == (0, 0)
    browser.app.state.desk.writer.do(lambda connection: None)  # type: ignore[attr-defined]  # those before it are done
    with engine.connect() as connection:
        assert contacts.counts(connection, 1).opened == 3
        assert connection.execute(text("SELECT count(*) FROM one_time_link WHERE spent")).scalar() == 0


def test_answer_spends_the_link_once_and_a_second_press_gives_the_same_receipt(
    browser: TestClient, engine: Engine, shop: Survey, link: str
) -> None:
    first = deliver(browser, filled(shop), path=f"{link}/form")
    assert first.json() == {"receipt": collect.receipt_code(KEY)}
    assert deliver(browser, filled(shop), path=f"{link}/form").json() == first.json()
    changed = deliver(browser, filled(shop, enc_tan_1_E="1"), path=f"{link}/form")
    assert (changed.status_code, changed.json()) == (409, first.json())
    other = deliver(browser, filled(shop), "o" * 32, path=f"{link}/form")
    assert (other.status_code, list(other.json())) == (410, ["message"])
    with engine.connect() as connection:
        stored = connection.execute(text("SELECT unit, channel, language FROM waiting")).all()
    assert [tuple(row) for row in stored] == [("South Station", "invitation", "en")]
    for path in (link, f"{link}/form"):
        page = browser.get(path)
        assert page.status_code == 410
        assert "already been used" in page.text and 'name="code"' in page.text
        assert 'data-whole="gone"' not in page.text  # answers on the device stay there
    assert browser.get("/s/harbour/thanks").status_code == 200


@pytest.mark.parametrize("path", ["/i/" + "A" * 22, "/i/short", "/i/%00", "/i/", "/i", "/i/a/b/c", "/i/" + "%ff" * 9])
@pytest.mark.parametrize(("language", "words"), [("en", "leads nowhere"), ("zh-CN", 'lang="zh-CN"')])
def test_wrong_link_gets_a_page_in_the_reader_s_language(
    browser: TestClient, engine: Engine, link: str, path: str, language: str, words: str
) -> None:
    page = browser.get(path, headers={"accept-language": language})
    assert page.status_code == 404
    assert words in page.text
    assert deliver(browser, {}, path=f"{path}/form").status_code in (404, 405)
    assert browser.post(f"{path}/start", data={}).status_code in (404, 405)
    assert (count(engine, "waiting"), count(engine, "draft")) == (0, 0)


def test_link_speaks_the_language_of_its_contact_until_another_is_chosen(
    browser: TestClient, engine: Engine, mailing: Settings, shop: Survey, box: tuple[Box, MailServer]
) -> None:
    invite(engine, mailing, shop, "zh-CN")
    link = link_in(box[0].mails()[0])
    assert 'lang="zh-CN"' in browser.get(link, headers={"accept-language": "en"}).text
    browser.follow_redirects = True
    assert '<html lang="en"' in browser.post(f"{link}/start", data={"go": "en"}).text
    assert '<html lang="en"' in browser.get(f"{link}/form").text  # by the cookie of this link
    deliver(browser, filled(shop), path=f"{link}/form?lang=zh-CN")
    browser.cookies.clear()
    assert 'lang="zh-CN"' in browser.get(link).text and browser.get(link).status_code == 410
    with engine.connect() as connection:
        assert connection.execute(text("SELECT language FROM waiting")).scalar() == "zh-CN"


def test_closed_survey_takes_nothing_by_a_link_but_repeats_a_receipt(
    browser: TestClient, engine: Engine, shop: Survey, link: str, box: tuple[Box, MailServer]
) -> None:
    first = deliver(browser, filled(shop), path=f"{link}/form")
    other = link_in(box[0].mail_to(ADDRESSES[1]))
    with writing(engine) as session:
        lifecycle.move(session, shop, "closed", date(2026, 3, 1))
    published._kept.clear()
    assert browser.get(other).status_code == 410
    assert browser.post(f"{other}/start", data={}).status_code == 410
    assert deliver(browser, filled(shop), "o" * 32, path=f"{other}/form").status_code == 410
    assert deliver(browser, filled(shop), path=f"{link}/form").json() == first.json()
    assert count(engine, "waiting") == 1


def answer_without_script(browser: TestClient, shop: Survey, link: str) -> str:
    """Page by page; returns where it ended."""
    browser.follow_redirects = True
    page = browser.post(f"{link}/start", data={})
    while at := re.fullmatch(r"/s/harbour/(\d+)", page.url.path):
        page = browser.post(page.url.path, data=answers_for(shop, int(at[1])))
        if page.status_code == 410:
            return "410"
    return page.url.path


def test_link_works_without_script_too(browser: TestClient, engine: Engine, shop: Survey, link: str) -> None:
    assert answer_without_script(browser, shop, link) == "/s/harbour/thanks"
    with engine.connect() as connection:
        assert [tuple(row) for row in connection.execute(text("SELECT unit, channel FROM waiting"))] == [
            ("South Station", "invitation")
        ]
    assert browser.get(link).status_code == 410


def test_draft_does_not_know_its_link_and_survives_that_it_was_used(
    browser: TestClient, engine: Engine, shop: Survey, link: str
) -> None:
    browser.follow_redirects = True
    browser.post(f"{link}/start", data={})
    browser.post("/s/harbour/1", data=answers_for(shop, 1))
    with engine.connect() as connection:
        (draft,) = connection.execute(text("SELECT * FROM draft")).mappings().all()
    assert (draft["unit"], draft["channel"]) == ("", "")
    assert browser.post(f"{link}/start", data={}).url.path == "/s/harbour/2"  # it goes on where it was
    deliver(browser, filled(shop), path=f"{link}/form")  # meanwhile, on another device
    browser.cookies.delete("fg-harbour")  # as that one's answer had given this browser its key
    assert browser.get(link).status_code == 410


def test_spent_link_without_script_keeps_the_draft(
    browser: TestClient, engine: Engine, shop: Survey, link: str
) -> None:
    browser.follow_redirects = True
    browser.post(f"{link}/start", data={})
    with engine.begin() as connection:
        connection.execute(text("UPDATE one_time_link SET spent = true"))
    page = browser.get("/s/harbour/1")
    while at := re.fullmatch(r"/s/harbour/(\d+)", page.url.path):
        page = browser.post(page.url.path, data=answers_for(shop, int(at[1])))
        if page.status_code == 410:
            break
    assert "already been used" in page.text
    assert (count(engine, "draft"), count(engine, "waiting"), count(engine, "spent")) == (1, 0, 0)
    assert browser.get("/s/harbour/1").text.count(" checked") == len(answers_for(shop, 1))


@pytest.mark.parametrize("forged", ["A" * 22, "no token", "\u00fc"])
def test_forged_cookie_of_a_link_stores_nothing(
    browser: TestClient, engine: Engine, shop: Survey, link: str, forged: str
) -> None:
    browser.follow_redirects = True
    browser.post(f"{link}/start", data={})
    browser.cookies.delete("fgi-harbour")
    page = browser.get("/s/harbour/1")
    while at := re.fullmatch(r"/s/harbour/(\d+)", page.url.path):
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items()) + f"; fgi-harbour={forged}"
        given = {"cookie": cookie.encode()}
        page = browser.post(page.url.path, data=answers_for(shop, int(at[1])), headers=given)
        if page.status_code == 410:
            break
    assert page.status_code == 410
    assert count(engine, "waiting") == 0


def test_many_windows_at_once_with_one_link_store_one_answer(
    browser: TestClient, engine: Engine, shop: Survey, link: str
) -> None:
    keys = [letter * 32 for letter in "abcdefghijklmnop"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda key: deliver(browser, filled(shop), key, path=f"{link}/form"), keys))
    assert sorted(one.status_code for one in answers) == [200] + [410] * 15
    assert (count(engine, "waiting"), count(engine, "spent")) == (1, 1)


# ---- Opting out, and mail that comes back


def test_opting_out_is_asked_on_a_page_and_done_by_its_button_or_the_mail_program(
    browser: TestClient, engine: Engine, mailing: Settings, shop: Survey, box: tuple[Box, MailServer]
) -> None:
    invite(engine, mailing, shop)
    stops = [mail["list-unsubscribe"].strip("<>").removeprefix("http://testserver") for mail in box[0].mails()]
    page = browser.get(stops[0])
    assert page.status_code == 200 and f'action="{stops[0]}"' in page.text
    with engine.connect() as connection:
        assert contacts.counts(connection, shop.id or 0).opted_out == 0
    program = {"List-Unsubscribe": "One-Click"}
    assert browser.post(stops[0]).status_code == 200
    assert browser.post(stops[1], data=program, headers={"origin": "https://mail.example"}).status_code == 200
    assert browser.post("/i/stop/" + "A" * 22).status_code == 404
    assert browser.get("/i/stop/%00").status_code == 404
    with engine.connect() as connection:
        assert contacts.counts(connection, shop.id or 0).opted_out == 2
    assert browser.get(link_in(box[0].mails()[0])).status_code == 200  # the link itself still works


REPORT = """From: MAILER-DAEMON@mx.example
To: survey@harbour.example
Subject: Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Sorry.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {address}
Action: {action}
Status: {status}

--b--
"""


def report(address: str, action: str = "failed", status: str = "5.1.1") -> str:
    return REPORT.format(address=address, action=action, status=status)


def test_reports_of_a_mailbox_tell_hard_bounces_from_passing_ones() -> None:
    many = "".join(
        f"From MAILER-DAEMON Mon Nov 23 10:00:00 2026\n{one}\n"
        for one in (
            report("A@bank.example"),
            report("b@bank.example", "delayed", "4.4.1"),
            report("c@bank.example", status="5.2.2"),
            report("nobody"),
            "Subject: an ordinary mail\n\nHello\n",
        )
    )
    assert read_bounces(many.encode()) == [
        Bounce("A@bank.example", "5.1.1", True),
        Bounce("b@bank.example", "4.4.1", False),
        Bounce("c@bank.example", "5.2.2", False),
    ]
    assert read_bounces(report("d@bank.example").replace("\n", "\r\n").encode()) == [
        Bounce("d@bank.example", "5.1.1", True)
    ]


@pytest.mark.parametrize("data", [b"", b"\xff\x00", b"From ", b"From x\n\n", b"Content-Type: multipart/report\n\n--"])
def test_what_is_no_report_tells_nothing(data: bytes) -> None:
    assert read_bounces(data) == []


def test_hard_bounce_stops_reminders(
    engine: Engine, mailing: Settings, shop: Survey, monkeypatch: pytest.MonkeyPatch
) -> None:
    invite(engine, mailing, shop)
    with engine.begin() as connection:
        assert contacts.bounce(connection, [ADDRESSES[0].upper(), "stranger@bank.example"]) == 1
    later = mailing.today() + timedelta(days=3)
    monkeypatch.setattr(Settings, "today", lambda self: later)
    assert queue(engine, mailing, shop, reminder=True).mails == 11
    assert send_waiting(engine, mailing, shop).sent == 11


def test_reminder_repeats_the_same_link(
    engine: Engine, mailing: Settings, shop: Survey, box: tuple[Box, MailServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    invite(engine, mailing, shop)
    links = {link_in(mail) for mail in box[0].mails()}
    with TestClient(create_app(mailing, engine)) as browser:
        for number, link in enumerate(sorted(links)[:5]):
            deliver(browser, filled(shop), str(number) * 32, path=f"{link}/form")
    box[0].raw.clear()
    later = mailing.today() + timedelta(days=3)
    monkeypatch.setattr(Settings, "today", lambda self: later)
    queue(engine, mailing, shop, reminder=True)
    assert send_waiting(engine, mailing, shop).sent == 7
    assert {link_in(mail) for mail in box[0].mails()} == set(sorted(links)[5:])
    assert all("still missing" in mail["subject"] for mail in box[0].mails())
