"""The officer's own words for mails: kept by language, shown before they are sent, and never without the links."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.invite.sending import queue, send_waiting
from app.settings import MailServer, Settings
from surveys.store import mails, publish
from surveys.store.database import reading, writing
from surveys.store.mails import MailTexts
from surveys.tables import Survey
from tests.app.conftest import CUSTOMER, SETTINGS, sign_in, token
from tests.app.post import Box, link_in, mail_server, text_of
from tests.app.test_invite import ADDRESSES, invite

OWN = MailTexts(
    "Tea & <b>a question</b> from {bank}",
    "Dear customer,\n\nuntil {closes}\ntake {minutes} minutes.\n\n{link}\n\nYours\n{bank}",
    "Still time, says {bank}",
    "Again: {link} or {stop}",
)
PAGE = "/surveys/harbour/invitations/texts"


@pytest.fixture
def box() -> Iterator[tuple[Box, MailServer]]:
    with mail_server() as running:
        yield running


@pytest.fixture
def mailing(box: tuple[Box, MailServer]) -> Settings:
    return replace(SETTINGS, mail=box[1], key=b"k" * 32)


def with_words(engine: Engine, survey: Survey, language: str = "en", texts: MailTexts | None = OWN) -> Survey:
    with writing(engine) as session:
        mails.set_texts(session, survey, language, texts)
    with reading(engine) as session:
        found = publish.find(session, survey.slug)
        assert found is not None
        return found


def asked(texts: MailTexts = OWN) -> dict[str, str]:
    return {name: getattr(texts, name) for name in mails.NAMES}


def test_own_words_are_sent_in_their_language_only(
    engine: Engine, mailing: Settings, shop: Survey, box: tuple[Box, MailServer]
) -> None:
    survey = with_words(engine, shop)
    invite(engine, mailing, survey)
    mail = box[0].mail_to(ADDRESSES[0])
    assert mail["subject"] == "Tea & <b>a question</b> from Harbour Bank"
    text = text_of(mail).replace("\r\n", "\n")
    assert text.startswith("Dear customer,\n\ntake 8 minutes.\n\nhttp://testserver/i/")  # no last day, so no such line
    assert "Yours\nHarbour Bank\n\nIf you do not want such mail any more" in text
    assert "/i/stop/" in text
    html = text_of(mail, "html")
    assert link_in(mail) in html and "Answer the questions" in html and "<b>a question" not in html
    assert mail["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"


def test_other_languages_keep_the_standard_text(
    engine: Engine, mailing: Settings, shop: Survey, box: tuple[Box, MailServer]
) -> None:
    invite(engine, mailing, with_words(engine, shop), "zh-CN")
    assert "Dear customer" not in text_of(box[0].mails()[0])


def test_reminder_has_its_own_words_with_links_in_the_line(
    engine: Engine, mailing: Settings, shop: Survey, box: tuple[Box, MailServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    survey = with_words(engine, shop)
    invite(engine, mailing, survey)
    box[0].raw.clear()
    monkeypatch.setattr(Settings, "today", lambda self: date(2099, 1, 1))
    queue(engine, mailing, survey, reminder=True)
    send_waiting(engine, mailing, survey)
    mail = box[0].mail_to(ADDRESSES[0])
    assert mail["subject"] == "Still time, says Harbour Bank"
    assert text_of(mail).startswith("Again: http://testserver/i/")
    assert text_of(mail, "html").count('<a href="http://testserver/i/') == 3  # the link, {stop}, and the last line


def test_what_a_placeholder_brings_is_not_read_again(
    engine: Engine, mailing: Settings, box: tuple[Box, MailServer]
) -> None:
    day = date(2026, 1, 1)
    with writing(engine) as session:
        survey = publish.publish(
            session, CUSTOMER, slug="odd", bank="{link}<i>{stop}", wave="1", opens_on=day, closes_on=None, today=day
        )
    invite(engine, mailing, with_words(engine, survey))
    mail = box[0].mails()[0]
    assert mail["subject"].endswith("from {link}<i>{stop}") and "Yours\n{link}<i>{stop}" in text_of(mail).replace(
        "\r\n", "\n"
    )
    assert "<i>" not in text_of(mail, "html")


def test_officer_sees_it_keeps_it_and_goes_back(lin: TestClient, survey: Survey, database: Engine) -> None:
    page = lin.get(PAGE).text
    assert "Good day," in page and "Back to the standard text" not in page
    shown = lin.post(PAGE, data={"csrf": token(page), "go": "preview"} | asked())
    assert "take 8 minutes." in shown.text and "/i/stop/" in shown.text
    assert with_words_of(database) == {}  # nothing was kept yet
    kept = lin.post(PAGE, data={"csrf": token(page), "go": "save"} | asked())
    assert "Mails that are sent from now on say this" in kept.text and "Tea &amp; &lt;b&gt;" in kept.text
    assert with_words_of(database) == {"en": asked()}
    assert "Good day," not in kept.text
    back = lin.post(PAGE, data={"csrf": token(page), "go": "standard"})
    assert "Good day," in back.text
    assert with_words_of(database) == {}


def with_words_of(engine: Engine) -> dict[str, dict[str, str]]:
    with reading(engine) as session:
        found = publish.find(session, "harbour")
        assert found is not None
        return dict(found.mails)


def test_standard_text_saved_as_it_is_stays_the_standard(lin: TestClient, survey: Survey, database: Engine) -> None:
    page = lin.get(f"{PAGE}?tongue=zh-CN").text
    from app.invite.letters import standard_texts
    from app.invite.sending import campaign_of
    from app.words import speak

    speak("zh-CN")
    standard = standard_texts(campaign_of(survey, SETTINGS))
    speak("en")
    assert lin.post(f"{PAGE}?tongue=zh-CN", data={"csrf": token(page), "go": "save"} | asked(standard)).is_success
    assert with_words_of(database) == {}


@pytest.mark.parametrize(
    ("field", "text", "sentence"),
    [
        ("body", "no way to answer", "Text of the invitation: {link} is missing"),
        ("reminder_body", "{stop} only", "Text of the reminder: {link} is missing"),
        ("subject", "", "Subject of the invitation: it is empty"),
        ("subject", "a\nBcc: all@world.example", "it has more than one line; allowed is one."),
        ("subject", "x" * 151, "it has 151 characters; allowed are 150."),
        ("subject", "{link}", "{link} stands there; allowed are {bank}, {title}, {minutes}, {closes}."),
        ("body", "{link} {password}", "{password} stands there; allowed are {bank}"),
        ("body", "{link}" + "x" * 4000, "it has 4,006 characters; allowed are 4,000."),
        ("body", "{link} \x07", "the character U+0007 stands there"),
    ],
)
def test_what_cannot_be_sent_is_refused_in_a_sentence_and_kept_on_the_page(
    lin: TestClient, survey: Survey, database: Engine, field: str, text: str, sentence: str
) -> None:
    page = lin.get(PAGE).text
    answer = lin.post(PAGE, data={"csrf": token(page), "go": "save"} | asked() | {field: text})
    assert answer.status_code == 422
    assert sentence in answer.text.replace("&#39;", "'")
    assert "Yours" in answer.text or field == "body"
    assert with_words_of(database) == {}


def test_only_who_publishes_sees_it_and_only_for_languages_there_are(client: TestClient, survey: Survey) -> None:
    assert sign_in(client, "Rui").get(PAGE).status_code == 404
    assert sign_in(client, "Lin").get(f"{PAGE}?tongue=fr").status_code == 404
    assert client.post(PAGE, data=asked()).status_code == 403  # without the page's token


def test_two_languages_keep_their_words_side_by_side(engine: Engine, shop: Survey) -> None:
    with_words(engine, shop)
    assert set(with_words(engine, shop, "zh-CN").mails) == {"en", "zh-CN"}
    assert set(with_words(engine, shop, "en", None).mails) == {"zh-CN"}
