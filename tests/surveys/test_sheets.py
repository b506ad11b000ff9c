"""Sheets for translators: every text goes out and comes back where it stood, and what is wrong is said by row."""

from __future__ import annotations

import io
from collections.abc import Callable

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from surveys.authoring import bank, load, loads
from surveys.exchange.sheet_files import as_sheet, read_sheet
from surveys.exchange.sheets import SheetError, Translation, lines, translate
from surveys.exchange.tables import FileError
from surveys.exchange.written import as_yaml
from surveys.questionnaire import Questionnaire
from surveys.texts import filled_in, texts
from surveys.tongues import tidy_tag

PLACE, SOURCE, WORDS, STATUS, LIMIT = 1, 3, 4, 5, 6
Fill = Callable[[str, str], str]
CUSTOMER = load("pfs_customer")
SMALL = loads(
    """
id: small
languages: [en]
title: {en: Tea}
minutes: 3
comments:
- {id: why, type: text, prompt: {en: "Why {bank}?"}}
- {id: how, type: text, prompt: {en: "=How"}}
"""
)


def sheet_of(questionnaire: Questionnaire, language: str = "zh-TW") -> bytes:
    return as_sheet(questionnaire, language, lines(questionnaire, language), words={}, howto=["How to"])


def filled(data: bytes, fill: Fill) -> bytes:
    """The sheet as a translator sends it back; `fill` gives the words for a place and its text."""
    book = load_workbook(io.BytesIO(data))
    for row in book["Texts"].iter_rows(min_row=2):
        row[WORDS - 1].value = fill(str(row[PLACE - 1].value), str(row[SOURCE - 1].value))
    return saved(book)


def saved(book: Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def told(fill: Fill, questionnaire: Questionnaire = SMALL) -> Translation:
    return translate(questionnaire, read_sheet(filled(sheet_of(questionnaire), fill)))


def mark(place: str, text: str) -> str:
    return f"臺{text}"


# ---- There and back


@pytest.mark.parametrize("name", bank())
def test_each_questionnaire_goes_out_and_comes_back_whole(name: str) -> None:
    before = load(name)
    found = told(mark, before)
    assert (found.problems, found.missing, found.changed) == ((), (), ())
    expected = filled_in(before, "zh-TW", {place: f"臺{text['en']}" for place, text in texts(before).items()})
    assert found.questionnaire == expected
    assert loads(as_yaml(expected)) == expected


@pytest.mark.parametrize("name", bank())
def test_written_questionnaire_is_read_as_the_same(name: str) -> None:
    whole = load(name)
    assert loads(as_yaml(whole)) == whole
    for format_ in whole.item_scale:
        variant = whole.variant(format_)
        assert loads(as_yaml(variant)) == variant


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1).filter(str.strip))
def test_any_wording_survives_the_file(words: str) -> None:
    made = filled_in(SMALL, "de", dict.fromkeys(texts(SMALL), words))
    assert loads(as_yaml(made)) == made


def test_sheet_can_be_read_by_other_programs() -> None:
    table = pd.read_excel(io.BytesIO(sheet_of(CUSTOMER)), sheet_name="Texts")
    assert list(table.columns[:4]) == ["place", "where", "source (en)", "translation (zh-TW)"]
    assert len(table) == len(lines(CUSTOMER, "zh-TW")) and table["zh-CN"].notna().all()
    assert table["place"].is_unique and set(table["status"]) == {"missing"}


def test_text_that_stands_in_several_places_has_one_row() -> None:
    staff = load("pfs_staff")
    rows = lines(staff, "de")
    assert len(rows) + sum(row.also for row in rows) == len(texts(staff))
    assert len(rows) < len(texts(staff)) / 2


def test_head_is_frozen_and_only_the_translation_can_be_changed() -> None:
    book = load_workbook(io.BytesIO(sheet_of(SMALL)))
    sheet = book["Texts"]
    assert book.sheetnames[0] == "How to" and book["About"].sheet_state == "hidden"
    assert sheet.freeze_panes == "D2" and sheet.protection.sheet
    open_cells = {cell.column for row in sheet.iter_rows() for cell in row if not cell.protection.locked}
    assert open_cells == {WORDS}


def test_text_that_looks_like_a_formula_stays_text() -> None:
    sheet = load_workbook(io.BytesIO(sheet_of(SMALL)))["Texts"]
    cell = next(row[SOURCE - 1] for row in sheet.iter_rows(min_row=2) if row[SOURCE - 1].value == "=How")
    assert cell.data_type == "s" and cell.quotePrefix


# ---- What has changed


def test_what_is_there_already_is_shown_and_may_be_revised() -> None:
    rows = lines(CUSTOMER, "zh-CN")
    assert {row.status for row in rows} == {"done"} and rows[0].words == CUSTOMER.title["zh-CN"]
    kept = translate(CUSTOMER, read_sheet(sheet_of(CUSTOMER, "zh-CN")))
    assert kept.questionnaire == CUSTOMER


def changed(title: str) -> Questionnaire:
    return SMALL.model_copy(update={"title": {"en": title}})


def test_source_that_changed_since_is_named() -> None:
    came = read_sheet(filled(sheet_of(SMALL), lambda place, text: text.replace("=", "")))
    found = translate(changed("Coffee"), came)
    assert found.changed == ("title",) and found.questionnaire is not None
    again = {row.place: row for row in lines(changed("Coffee"), "zh-TW", came)}
    assert (again["title"].status, again["title"].words) == ("changed", "Tea")
    assert again["blocks/comments/questions/why/prompt"].status == "done"


def test_nothing_is_made_while_a_text_is_missing() -> None:
    found = told(lambda place, text: "" if place == "title" else text.replace("=", ""))
    assert found.missing == ("title",) and found.questionnaire is None


# ---- What is wrong


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("Warum?", "row 3: the placeholders are none; allowed are those of the source: {bank}"),
        ("Warum {bank} {x}?", "row 3: the placeholders are {bank}, {x}; allowed are"),
        ("=1+1", "row 3: '=1+1' is a formula; allowed is text"),
        ("{bank}" + "x" * 1000, "row 3: the text has 1,006 characters; allowed are 1,000"),
    ],
)
def test_bad_cell_is_refused_in_a_sentence(words: str, sentence: str) -> None:
    found = told(lambda place, text: words if "why" in place else "x")
    assert [str(problem)[: len(sentence)] for problem in found.problems] == [sentence]
    assert found.questionnaire is None


def test_place_that_is_not_there_and_one_that_stands_twice_are_refused() -> None:
    book = load_workbook(io.BytesIO(filled(sheet_of(SMALL), lambda place, text: text.replace("=", ""))))
    book["Texts"].append(["title", "", "", "Coffee"])
    book["Texts"].append(["items/none", "", "", "x"])
    found = translate(SMALL, read_sheet(saved(book)))
    assert [str(problem) for problem in found.problems] == [
        "row 5: 'title' stands in row 2 already, with other words; allowed is each place once",
        "row 6: 'items/none' is no place of the questionnaire; allowed is the column as it was written",
    ]


def test_numbers_and_spaces_around_words_do_no_harm() -> None:
    book = load_workbook(io.BytesIO(filled(sheet_of(SMALL), lambda place, text: f"  {text}\n".replace("=", ""))))
    book["Texts"].cell(2, WORDS).value = 7
    found = translate(SMALL, read_sheet(saved(book)))
    assert found.questionnaire is not None and found.questionnaire.title["zh-TW"] == "7"


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no workbook", b"place,words\n", sheet_of(SMALL)[:900]])
def test_file_that_is_no_workbook_is_refused(data: bytes) -> None:
    with pytest.raises(FileError, match=r"allowed is"):
        read_sheet(data)


def test_other_workbooks_and_other_questionnaires_are_refused() -> None:
    with pytest.raises(SheetError, match="it is no sheet of translations"):
        read_sheet(saved(Workbook()))
    with pytest.raises(SheetError, match="written for the questionnaire 'small'"):
        translate(CUSTOMER, read_sheet(sheet_of(SMALL)))
    with pytest.raises(SheetError, match="the texts are written in 'en'"):
        lines(SMALL, "en")
    with pytest.raises(SheetError, match="1,000,001 bytes"):
        read_sheet(b"x" * 1_000_001)


@pytest.mark.parametrize(
    ("text", "tag"), [("zh_tw", "zh-TW"), ("ZH-hant-hk", "zh-Hant-HK"), ("de", "de"), ("es-419", "es-419")]
)
def test_tags_are_tidied(text: str, tag: str) -> None:
    assert tidy_tag(text) == tag


@pytest.mark.parametrize("text", ["", "x", "german", "zh-Hant-TW-x", "../de", "de de"])
def test_what_is_no_tag_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no language tag"):
        tidy_tag(text)
