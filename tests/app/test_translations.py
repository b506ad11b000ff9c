"""A questionnaire in one more language: from the desk's sheet to a published survey, and by commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.cli import main
from app.desk.carried import pack, unpack
from surveys.authoring import load, loads
from surveys.exchange.sheets import lines
from surveys.store import publish
from surveys.store.database import reading
from surveys.tables import Survey
from tests.app.conftest import CUSTOMER, sign_in, token
from tests.surveys.test_sheets import filled, mark

CUSTOMER_FILE = load("pfs_customer")
SHEET = "/translations/sheet.xlsx"


def bring(client: TestClient, data: bytes) -> tuple[int, str]:
    page = client.get("/translations").text
    answer = client.post("/translations", data={"csrf": token(page)}, files={"file": ("back.xlsx", data)})
    return answer.status_code, answer.text


def carried(page: str) -> str:
    found = re.search(r'name="carried" value="([^"]+)"', page)
    assert found
    return found[1]


def test_from_the_sheet_to_a_survey_in_three_languages(lin: TestClient, survey: Survey, database: Engine) -> None:
    sheet = lin.get(f"{SHEET}?origin=pfs_customer&to=zh_tw")
    assert sheet.headers["content-disposition"] == 'attachment; filename="pfs_customer-zh-TW.xlsx"'
    status, page = bring(lin, filled(sheet.content, mark))
    assert status == 200 and f"All {len(lines(CUSTOMER_FILE, 'de'))} texts are there." in page
    form = lin.post("/surveys/new", data={"csrf": token(page), "carried": carried(page), "go": "carry"}).text
    assert 'value="carried" checked' in form
    wish = {
        "questionnaire": "carried",
        "slug": "three",
        "bank": "B",
        "wave": "1",
        "begin": "open",
        "carried": carried(form),
    }
    shown = lin.post("/surveys/new", data={"csrf": token(form)} | wish | {"slug": "_"})
    assert shown.status_code == 422 and carried(shown.text) == wish["carried"]  # not lost by another mistake
    assert lin.post("/surveys/new", data={"csrf": token(form)} | wish).status_code == 200
    with reading(database) as session:
        made = publish.find(session, "three")
    assert made is not None and made.definition["languages"] == ["en", "zh-CN", "zh-TW"]
    assert "臺" in lin.get("/s/three?lang=zh-TW").text


def test_file_holds_what_would_be_published(lin: TestClient, survey: Survey) -> None:
    sheet = lin.get(f"{SHEET}?origin=survey:harbour&to=de").content
    _, page = bring(lin, filled(sheet, mark))
    answer = lin.post("/translations/questionnaire.yaml", data={"csrf": token(page), "carried": carried(page)})
    made = loads(answer.text)
    assert made == unpack(carried(page)) and made.languages == ("en", "zh-CN", "de")
    assert made.model_copy(update={"languages": CUSTOMER.languages}).items[0].id == CUSTOMER.items[0].id


def test_what_is_missing_or_bad_is_told_by_row_and_place(lin: TestClient, survey: Survey) -> None:
    sheet = lin.get(f"{SHEET}?origin=pfs_customer&to=de").content
    status, page = bring(lin, filled(sheet, lambda place, text: "=1" if place == "intro" else ""))
    assert status == 422
    assert "Row 3: “=1” is a formula; allowed is text." in page
    assert "There is no translation of “title”." in page
    assert f"And {len(lines(CUSTOMER_FILE, 'de')) - 20} more." in page
    status, page = bring(lin, b"no sheet")
    assert status == 422 and "The file is no readable Excel workbook" in page


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ("origin=pfs_customer&to=en", 422, "The texts are written in “en”; allowed is another language"),
        ("origin=pfs_customer&to=klingon", 422, "The language is “klingon”; allowed are tags"),
        ("origin=pfs_customer&to=qq", 422, "The language is “qq”; allowed are tags"),
        ("origin=survey:none&to=de", 404, ""),
        ("origin=../../etc&to=de", 404, ""),
    ],
)
def test_sheet_that_cannot_be_made_is_refused(
    lin: TestClient, survey: Survey, query: str, status: int, sentence: str
) -> None:
    answer = lin.get(f"{SHEET}?{query}")
    assert answer.status_code == status and sentence in answer.text


@pytest.mark.parametrize("text", ["", "x", "eA==", pack(CUSTOMER)[:-8]])
def test_broken_field_is_refused_and_not_published(lin: TestClient, survey: Survey, text: str) -> None:
    page = lin.get("/translations").text
    sent = {"csrf": token(page), "carried": text}
    assert lin.post("/translations/questionnaire.yaml", data=sent).status_code == 400
    wish = {"questionnaire": "carried", "slug": "x", "bank": "B", "wave": "1"}
    assert lin.post("/surveys/new", data=sent | wish).status_code == 422


def test_only_who_publishes_translates(client: TestClient, survey: Survey) -> None:
    assert sign_in(client, "Rui").get("/translations").status_code == 404
    assert client.get(f"{SHEET}?origin=pfs_customer&to=de").status_code == 404


def test_commands_do_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet, back, out = (str(tmp_path / name) for name in ("sheet.xlsx", "back.xlsx", "new.yaml"))
    assert main(["questionnaire", "sheet", "pfs_staff", "--to", "zh-TW", "-o", sheet]) == 0
    assert "texts for zh-TW" in capsys.readouterr().out
    assert main(["questionnaire", "translate", "pfs_staff", sheet, "-o", out]) == 2
    assert "nothing was written" in capsys.readouterr().err and not Path(out).exists()
    Path(back).write_bytes(filled(Path(sheet).read_bytes(), mark))
    assert main(["questionnaire", "translate", "pfs_staff", back, "-o", out]) == 0
    assert load(Path(out)).languages == ("en", "zh-CN", "zh-TW")
    assert main(["questionnaire", "sheet", out, "--to", "de", "--earlier", back, "-o", sheet]) == 0
    assert main(["questionnaire", "sheet", "pfs_staff", "--to", "x", "-o", sheet]) == 2
    assert "--to: 'x' is no language tag" in capsys.readouterr().err
    assert main(["questionnaire", "translate", "pfs_staff", str(tmp_path / "none"), "-o", out]) == 2
    assert "the file cannot be read" in capsys.readouterr().err
