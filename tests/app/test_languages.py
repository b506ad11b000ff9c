"""A further language needs files only: a catalogue, and a questionnaire that has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.languages import HERE, PO, own_names
from app.settings import SettingsError, from_environment
from app.words import LANGUAGES, negotiate, offer
from surveys.questionnaire import say
from surveys.store import publish
from surveys.store.database import writing
from surveys.tables import Survey
from tests import catalogue
from tests.app.conftest import CUSTOMER, SETTINGS, fill, sign_in
from tests.app.post import mail_server, text_of
from tests.app.test_invite import invite
from tests.app.test_respond import start
from tests.app.test_whole_form import deliver, filled
from tests.app.tongues import MARKS, marked_wrong, offering, parts_of, translated

BOTH = ("zh-CN", "zh-TW")


@pytest.fixture(scope="session")
def locale(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with catalogues, as an operator may have one."""
    return tmp_path_factory.mktemp("locale")


@pytest.fixture(autouse=True)
def four(locale: Path) -> Iterator[None]:
    with offering(locale, "de", "zh-TW"):
        yield


@pytest.fixture
def many(database: Engine, survey: Survey) -> Survey:
    """A survey in four languages."""
    return made(database, "many", "de", "zh-TW")


def made(database: Engine, slug: str, *languages: str, bank: str = "Harbour Bank") -> Survey:
    day = date(2026, 1, 1)
    with writing(database) as session:
        return publish.publish(
            session,
            translated(CUSTOMER, *languages),
            slug=slug,
            bank=bank,
            wave="1",
            opens_on=day,
            closes_on=date(2099, 11, 30),
            today=day,
        )


# ---- Which languages there are, and what they are called


def test_each_catalogue_adds_a_language_by_its_own_name() -> None:
    assert LANGUAGES == {"en": "English", "de": "Deutsch", "zh-CN": "简体中文", "zh-TW": "繁體中文"}


@pytest.mark.parametrize(
    ("tags", "names"),
    [
        (("en", "zh-CN"), ["English", "中文"]),
        (BOTH, ["简体中文", "繁體中文"]),
        (("fr", "de"), ["Français", "Deutsch"]),
        (("pt-BR", "pt-PT"), ["Português (Brasil)", "Português (Portugal)"]),
        (("sr-Latn", "ar", "qq"), ["Srpski", "العربية", "qq"]),
    ],
)
def test_languages_are_told_apart_where_they_must_be(tags: tuple[str, ...], names: list[str]) -> None:
    assert list(own_names(tags).values()) == names


@pytest.mark.parametrize(
    ("header", "offered", "spoken"),
    [
        ("zh-TW,en;q=0.9", BOTH, "zh-TW"),
        ("zh-HK", BOTH, "zh-TW"),
        ("zh-Hant", BOTH, "zh-TW"),
        ("zh-Hant-HK, en", BOTH, "zh-TW"),
        ("zh", BOTH, "zh-CN"),
        ("zh-SG", BOTH, "zh-CN"),
        ("ZH-tw", BOTH, "zh-TW"),
        ("zh-TW,en;q=0.9", ("en", "zh-CN"), "zh-CN"),
        ("zh-Hant", ("en", "zh-CN"), "zh-CN"),
        ("de-AT;q=0.5, zh-CN;q=0.9", ("en", "de", *BOTH), "zh-CN"),
        ("fr, de;q=0", ("en", "de"), "en"),
        ("de;q=nan, de;q=x, *", ("en", "de"), "en"),
        ("", ("de", "en"), "de"),
    ],
)
def test_browser_gets_the_nearest_language(header: str, offered: tuple[str, ...], spoken: str) -> None:
    assert negotiate(None, header, offered) == spoken


def test_text_falls_back_to_the_same_script_before_the_same_tongue() -> None:
    text = {"en": "e", "zh-CN": "s", "zh-TW": "t"}
    assert [say(text, tag) for tag in ("zh-HK", "zh-SG", "zh", "de", "en-GB")] == ["t", "s", "s", "e", "e"]
    assert say({}, "en") == ""


def test_catalogue_of_the_operator_is_checked_at_the_start(tmp_path: Path, locale: Path) -> None:
    def of(folder: Path) -> None:
        from_environment({"FIVEGAPS_LOCALE": str(folder), "FIVEGAPS_DATA": str(tmp_path / "data")})

    of(locale)
    with pytest.raises(SettingsError, match="FIVEGAPS_LOCALE: the value is .* allowed is a folder with catalogues"):
        of(tmp_path / "nothing")
    path = tmp_path / "odd" / "qq_QQ" / PO
    path.parent.mkdir(parents=True)
    path.write_text('msgid ""\nmsgstr ""\n')
    with pytest.raises(SettingsError, match="'qq_QQ' is no locale"):
        of(tmp_path / "odd")
    path.parents[1].rename(tmp_path / "odd" / "fr")
    (tmp_path / "odd" / "fr" / PO).write_bytes(b'msgid "\xff"\n')
    with pytest.raises(SettingsError, match="cannot be read"):
        of(tmp_path / "odd")


def test_each_catalogue_found_is_checked(tmp_path: Path, locale: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = catalogue.wanted()
    monkeypatch.setattr(catalogue, "wanted", lambda: source)
    assert catalogue.faults(locale) == []
    copied = tmp_path / "fr" / PO
    copied.parent.mkdir(parents=True)
    copied.write_text((locale / "de" / PO).read_text().replace('msgstr "ẞPublish"', 'msgstr ""'))
    assert catalogue.faults(tmp_path) == ["fr: no words for 'Publish'"]
    copied.unlink()
    catalogue.update(copied)  # begun
    assert len(catalogue.faults(tmp_path)) == len([entry for entry in source if entry.id])


# ---- The form, the receipt, the mail, the errors, the desk


@pytest.mark.parametrize("language", MARKS)
def test_each_page_of_the_form_speaks_it(client: TestClient, many: Survey, language: str) -> None:
    client.get(f"/s/many?lang={language}")
    start(client, "/s/many")
    for path in (f"/s/many?lang={language}", "/s/many/1", "/s/many/form", "/s/many/receipt"):
        page = client.get(path).text
        assert f'<html lang="{language}">' in page
        plain = {text for _, text in parts_of(page) if text[0].isalpha() and text[0] not in (MARKS[language], "h")}
        other = {"Harbour Bank", "What you expect and what you get"}  # the part of a title behind its colon
        assert plain <= other | set(own_names(many.definition["languages"]).values())


@pytest.mark.parametrize("language", MARKS)
def test_whole_way_in_it_notes_the_language(client: TestClient, many: Survey, database: Engine, language: str) -> None:
    answer = deliver(client, filled(many), path=f"/s/many/form?lang={language}")
    shown = client.post(f"/s/many/receipt?lang={language}", data={"code": answer.json()["receipt"]}).text
    assert f'<html lang="{language}">' in shown
    assert MARKS[language] in shown
    with database.connect() as connection:
        kept = connection.exec_driver_sql("SELECT language FROM waiting").scalars().all()
    assert kept == [language]


@pytest.mark.parametrize("language", MARKS)
def test_error_page_speaks_it(client: TestClient, many: Survey, language: str) -> None:
    for path in ("/s/nowhere", "/i/nowhere", "/nowhere"):
        page = client.get(path, headers={"accept-language": language}).text
        assert f'<html lang="{language}">' in page
        assert {text[0] for _, text in parts_of(page) if text not in ("Fivegaps", "404")} == {MARKS[language]}


@pytest.mark.parametrize("language", MARKS)
def test_mail_speaks_it(many: Survey, database: Engine, language: str) -> None:
    with mail_server() as (box, server):
        invite(database, replace(SETTINGS, mail=server, key=b"k" * 32), many, language)
        mail = box.mails()[0]
    assert mail["content-language"] == language
    assert f'<html lang="{language}">' in text_of(mail, "html")
    assert mail["subject"].startswith(MARKS[language]) and MARKS[language] in text_of(mail)


@pytest.mark.parametrize("language", MARKS)
def test_desk_speaks_it_and_marks_what_is_in_another_language(
    client: TestClient, survey: Survey, database: Engine, language: str
) -> None:
    fill(database, survey, 40)  # its questionnaire has English and Chinese only
    sign_in(client, "Lin")
    for path in ("", "/report", "/codebook.html", "/invitations"):
        page = client.get(f"/surveys/harbour{path}?lang={language}").text
        assert f'<html lang="{language}">' in page
        assert MARKS[language] in page
    codebook = parts_of(client.get(f"/surveys/harbour/codebook.html?lang={language}").text)
    words = CUSTOMER.items[0].expectation
    other = "zh-CN" if language == "zh-TW" else "en"
    assert (other, words[other]) in codebook


def test_switch_offers_all_languages_by_name(client: TestClient, many: Survey) -> None:
    page = client.get("/s/many?lang=de").text
    for tag, name in (("en", "English"), ("zh-CN", "简体中文"), ("zh-TW", "繁體中文")):
        assert f'value="{tag}" lang="{tag}">{name}</button>' in page
    assert "Deutsch</button>" not in page


def test_date_is_written_as_the_language_does(client: TestClient, many: Survey) -> None:
    assert "30. November 2099" in client.get("/s/many?lang=de").text
    assert "2099年11月30日" in client.get("/s/many?lang=zh-TW").text


# ---- A questionnaire in a language for which there is no catalogue


def test_questionnaire_without_a_catalogue_is_marked_word_by_word(client: TestClient, database: Engine) -> None:
    offer([HERE])  # English and Chinese only
    survey = made(database, "many", "de", "zh-TW", bank="Inland Bank")
    client.get("/s/many?lang=de")
    start(client, "/s/many")
    pages = [client.get(path).text for path in ("/s/many?lang=de", "/s/many/1", "/s/many/form")]
    pages.append(client.post("/s/many/1", data={}).text)
    answer = deliver(client, filled(survey), path="/s/many/form?lang=de")
    pages.append(client.post("/s/many/receipt?lang=de", data={"code": answer.json()["receipt"]}).text)
    for page in pages:
        assert '<html lang="en">' in page
        assert MARKS["de"] in page and marked_wrong(page, "de") == []
    assert 'data-language="de"' in client.get("/s/many/form").text
    near = client.get("/s/many?lang=zh-TW").text  # Chinese is nearer than English
    assert '<html lang="zh-CN">' in near and marked_wrong(near, "zh-TW") == []
