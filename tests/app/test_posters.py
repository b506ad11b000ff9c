"""Posters: what is printed is what was published, the code leads where it should, and no name is read as markup."""

from __future__ import annotations

from datetime import date

import pypdfium2
import pytest
import zxingcpp
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from typst import Fonts

from app.posters import drawing
from app.posters.drawing import Block, NoFont, Poster, as_pdf
from surveys.store import publish
from surveys.store.database import writing
from surveys.tables import Survey
from tests.app.conftest import CUSTOMER, sign_in

HOST = "http://testserver"
ODD = '#panic("x") $a$ \\ "q" *b* _c_ <d> @e [f] `g` = / 中文 ' + "x" * 26
BLOCK = Block("en", "Over", "Title", "Why.", "About 8 minutes", "Scan:")


def pages(data: bytes) -> list[str]:
    """The text of each page, its spaces made alike."""
    with pypdfium2.PdfDocument(data) as document:
        return [" ".join(page.get_textpage().get_text_bounded().split()) for page in document]


def codes(data: bytes) -> list[list[str]]:
    """What the codes of each page say, read from the page as it is printed."""
    with pypdfium2.PdfDocument(data) as document:
        drawn = [page.render(scale=2).to_numpy() for page in document]
    return [sorted(found.text for found in zxingcpp.read_barcodes(image)) for image in drawn]


def branches(engine: Engine, survey: Survey, *units: str) -> list[str]:
    with writing(engine) as session:
        return [publish.add_link(session, survey, unit, "").code for unit in units]


def test_poster_says_who_asks_why_how_long_and_where_in_both_languages(lin: TestClient, survey: Survey) -> None:
    answer = lin.get("/surveys/harbour/posters.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    (text,) = pages(answer.content)
    for words in ("Harbour Bank", "What you expect and what you get", "About 8 minutes", "testserver/s/harbour"):
        assert words in text
    assert "您的期望与您的体验" in text and "so that it can mend what matters most first" in text
    assert codes(answer.content) == [[f"{HOST}/s/harbour"]]


def test_each_branch_has_its_page_and_its_code(lin: TestClient, survey: Survey, database: Engine) -> None:
    north, south = branches(database, survey, "North", "South")
    made = lin.get("/surveys/harbour/posters.pdf?link=all&tongues=en").content
    assert ["North" in text for text in pages(made)] == [True, False]
    assert codes(made) == [[f"{HOST}/s/harbour/{code}"] for code in (north, south)]
    assert "您的" not in "".join(pages(made))
    one = lin.get(f"/surveys/harbour/posters.pdf?link={south}").content
    assert codes(one) == [[f"{HOST}/s/harbour/{south}"]]


def test_cards_are_four_to_a_page(lin: TestClient, survey: Survey, database: Engine) -> None:
    all_five = branches(database, survey, *"ABCDE")
    made = lin.get("/surveys/harbour/posters.pdf?link=all&cards=1").content
    addresses = sorted(f"{HOST}/s/harbour/{code}" for code in all_five)
    assert sorted(code for page in codes(made) for code in page) == addresses and [
        len(found) for found in codes(made)
    ] == [4, 1]
    same = lin.get(f"/surveys/harbour/posters.pdf?link={all_five[0]}&cards=1").content
    assert codes(same) == [[f"{HOST}/s/harbour/{all_five[0]}"] * 4]


def test_names_are_printed_as_they_are(lin: TestClient, survey: Survey, database: Engine) -> None:
    (code,) = branches(database, survey, ODD)
    (text,) = pages(lin.get(f"/surveys/harbour/posters.pdf?link={code}").content)
    assert " ".join(ODD.split()) in text


def test_longest_names_and_address_stay_on_one_page() -> None:
    url = "https://a-very-long-host-name.of-some-bank.example.com/surveys/s/" + "slug-" * 12 + "/abcdefg"
    block = Block("zh-CN", "个人理财服务" * 3, "您的期望与您的体验" * 5, "为什么" * 30, "约8分钟" * 6, "请扫描" * 4)
    long = Poster("银行 Bank " * 15, "网点 Branch " * 8, url, (BLOCK, block, block), "Simulated survey")
    for cards in (False, True):
        made = as_pdf([long], cards=cards)
        assert len(pages(made)) == 1 and codes(made) == [[url]]


def test_simulated_survey_is_called_so(lin: TestClient, database: Engine) -> None:
    day = date(2026, 1, 1)
    with writing(database) as session:
        publish.publish(
            session, CUSTOMER, slug="sim", bank="B", wave="1", opens_on=day, closes_on=None, today=day, simulated=True
        )
    assert "Simulated survey" in pages(lin.get("/surveys/sim/posters.pdf").content)[0]


def test_picture_without_a_font_is_left_out_and_letters_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = pages(as_pdf([Poster("Bank \U0001faa9 of joy", "", HOST, (BLOCK,))]))
    assert "Bank of joy" in text or "\U0001faa9" in text
    with pytest.raises(NoFont, match="no font on this server has \U00010d00"):
        as_pdf([Poster("Bank \U00010d00", "", HOST, (BLOCK,))])  # Hanifi Rohingya


def test_server_without_a_chinese_font_says_so(
    lin: TestClient, survey: Survey, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = Fonts(include_system_fonts=False)
    monkeypatch.setattr(drawing, "_fonts", lambda: bare)
    answer = lin.get("/surveys/harbour/posters.pdf")
    assert answer.status_code == 422 and "No font on this server has the letters" in answer.text
    assert lin.get("/surveys/harbour/posters.pdf?tongues=en").status_code == 200


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ("link=nothere", 404, "There is nothing here"),
        ("tongues=fr", 422, "The languages are “fr”; allowed are up to 3 of en, zh-CN."),
        ("tongues=en,xx", 422, "allowed are up to 3 of en, zh-CN."),
        ("link=all", 422, "There is no link of a branch yet"),
        ("cards=maybe", 422, "cards: the value is"),
    ],
)
def test_what_cannot_be_drawn_is_said(lin: TestClient, survey: Survey, query: str, status: int, sentence: str) -> None:
    answer = lin.get(f"/surveys/harbour/posters.pdf?{query}")
    assert answer.status_code == status and sentence in answer.text


def test_survey_by_invitation_only_has_no_poster(lin: TestClient, survey: Survey, database: Engine) -> None:
    with writing(database) as session:
        publish.invite_only(session, survey, True)
    assert lin.get("/surveys/harbour/posters.pdf").status_code == 409
    assert "posters.pdf" not in lin.get("/surveys/harbour").text


def test_posters_are_for_who_is_signed_in_and_linked_on_the_page(
    client: TestClient, survey: Survey, database: Engine
) -> None:
    assert "/sign-in" in str(client.get("/surveys/harbour/posters.pdf").url)
    (code,) = branches(database, survey, "North")
    page = sign_in(client, "Rui").get("/surveys/harbour").text
    assert f"posters.pdf?link={code}" in page and '<option value="en,zh-CN">English + 中文</option>' in page
