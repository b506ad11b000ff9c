"""The short form from publishing to the report: everybody is asked a part, and what was not asked is told as such."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, text

from app.cli import main
from app.main import create_app
from surveys.authoring import load
from surveys.codes import BLANK, NOT_ASKED
from surveys.coding import codebook
from surveys.form import pages
from surveys.lots import DRAWN, left_out, lots
from surveys.store import collect, people, publish
from surveys.store.database import writing
from surveys.tables import Survey
from tests.app.conftest import HASHED, SETTINGS, fill, sign_in, token

SHORT = load("pfs_customer").variant(include=("stage_importance",), drawn=DRAWN)
BOOK = codebook(SHORT)
LOTS = lots(SHORT)
PAGES = pages(SHORT)
KEY = "k" * 32
OUT = left_out(LOTS, KEY)
RATINGS = {field.name: "5" for field in BOOK.fields if field.column}


@pytest.fixture
def brief(engine: Engine) -> Survey:
    """The customer questionnaire in the short form, open, on both databases in turn."""
    return put_up(engine)


def put_up(engine: Engine, slug: str = "brief") -> Survey:
    with writing(engine) as session:
        return publish.publish(
            session,
            SHORT,
            slug=slug,
            bank="Harbour Bank",
            wave="2026-2",
            opens_on=date(2026, 1, 1),
            closes_on=None,
            today=date(2026, 1, 1),
        )


@pytest.fixture
def visitor(engine: Engine, brief: Survey) -> Iterator[TestClient]:
    """A stranger's browser."""
    with TestClient(create_app(SETTINGS, engine)) as made:
        yield made


def deliver(client: TestClient, body: dict[str, str], key: str = KEY) -> Response:
    return client.post("/s/brief/form", data=body, headers={"idempotency-key": key})


def stored(engine: Engine) -> list[bytes]:
    with engine.connect() as connection:
        return [bytes(row[0]) for row in connection.execute(text("SELECT closed FROM waiting"))]


def expected(out: frozenset[str], rating: int = 5) -> list[int]:
    return [NOT_ASKED if field.item in out else rating for field in BOOK.fields if field.column]


def asked_on(page: str) -> set[str]:
    """The items whose cards a page shows."""
    return {name[:-2] for name in re.findall(r'<input type="radio" name="(\w+_[EP])"', page)}


def begin(client: TestClient) -> tuple[str, frozenset[str]]:
    """Open a draft without script; its key, and what it is not asked."""
    client.follow_redirects = True
    client.post("/s/brief/start", data={})
    key = client.cookies["fg-brief"]
    return key, left_out(LOTS, key)


def test_ratings_of_items_that_were_not_asked_are_not_taken(visitor: TestClient, engine: Engine) -> None:
    assert deliver(visitor, RATINGS).status_code == 200
    assert list(stored(engine)[0][: len(RATINGS)]) == expected(OUT)


def test_wrong_rating_of_an_item_that_was_not_asked_stops_nobody(visitor: TestClient, engine: Engine) -> None:
    core = next(item.id for item in SHORT.items if item.core)
    assert deliver(visitor, RATINGS | {f"{core}_E": "99"}).status_code == 422
    assert deliver(visitor, RATINGS | {f"{min(OUT)}_E": "99"}).status_code == 200
    assert len(stored(engine)) == 1


def test_blank_and_not_asked_are_two_things(visitor: TestClient, engine: Engine) -> None:
    deliver(visitor, {})
    assert list(stored(engine)[0][: len(RATINGS)]) == expected(OUT, BLANK)


def test_key_that_the_lots_follow_from_is_not_stored(visitor: TestClient, engine: Engine, brief: Survey) -> None:
    deliver(visitor, RATINGS)
    with engine.connect() as connection:
        held = str([connection.execute(text(f"SELECT * FROM {name}")).all() for name in ("spent", "waiting")])
    assert KEY not in held


def test_page_by_page_asks_and_stores_what_one_document_would(visitor: TestClient, engine: Engine) -> None:
    key, out = begin(visitor)
    for number, page in enumerate(PAGES[:6], 1):
        shown = asked_on(visitor.get(f"/s/brief/{number}").text)
        assert shown == {card.item.id for card in page.cards if card.item} - out
        answer = visitor.post(f"/s/brief/{number}", data=RATINGS)  # those of the others as well
        assert answer.url.path == f"/s/brief/{number + 1}"
    for number in (7, 8, 10):
        visitor.post(f"/s/brief/{number}", data={"seen": str(number)})
    assert list(stored(engine)[0][: len(RATINGS)]) == expected(out)
    assert deliver(visitor, RATINGS, key).json() == {"receipt": collect.receipt_code(key)}
    assert len(stored(engine)) == 1  # byte for byte the same answers, or the second would not be the first again


def test_same_items_after_going_back_reloading_and_in_the_other_language(visitor: TestClient) -> None:
    begin(visitor)
    first = asked_on(visitor.get("/s/brief/1").text)
    visitor.post("/s/brief/1", data=RATINGS)
    back = visitor.post("/s/brief/2", data={"go": "back"})
    chinese = visitor.post("/s/brief/1", data={"go": "zh-CN"})
    assert '<html lang="zh-CN"' in chinese.text
    assert asked_on(back.text) == asked_on(chinese.text) == asked_on(visitor.get("/s/brief/1").text) == first
    elsewhere = TestClient(visitor.app, cookies={"fg-brief": visitor.cookies["fg-brief"]}, base_url=visitor.base_url)
    elsewhere.app = visitor.app
    assert asked_on(elsewhere.get("/s/brief/1").text) == first


def test_only_items_that_are_asked_are_pointed_at(visitor: TestClient) -> None:
    _, out = begin(visitor)
    page = visitor.post("/s/brief/1", data={})
    named = set(re.findall(r'id="(\w+)_E-error"', page.text))
    assert page.status_code == 422
    assert named == {card.item.id for card in PAGES[0].cards if card.item} - out
    assert "4 questions still need an answer" in page.text


def test_another_visit_is_asked_others(visitor: TestClient) -> None:
    seen = set()
    for _ in range(12):
        visitor.cookies.clear()
        begin(visitor)
        seen.add(frozenset(asked_on(visitor.get("/s/brief/1").text)))
    assert len(seen) > 2


def test_welcome_says_how_many_of_how_many_and_how_long(visitor: TestClient) -> None:
    page = visitor.get("/s/brief").text
    assert "11 of 22 statements, drawn by lot" in page
    minutes = int(re.search(r"About (\d+) minutes", page)[1])
    assert minutes < SHORT.minutes


def test_document_is_the_same_for_everybody_and_knows_the_lots(visitor: TestClient, engine: Engine) -> None:
    first, second = (visitor.get("/s/brief/form", headers={"cookie": f"x={n}"}).text for n in range(2))
    assert first == second
    rules = json.loads(first.split('id="rules">')[1].split("</script>")[0])
    assert rules["lots"] == [[list(lot.items), lot.drawn] for lot in LOTS]
    drawn = {card["item"] for page in rules["pages"] for card in page["cards"] if "item" in card}
    assert drawn == {item for lot in LOTS for item in lot.items}
    with writing(engine) as session:
        whole = load("pfs_customer").variant()
        days = {"opens_on": date(2026, 1, 1), "closes_on": None, "today": date(2026, 1, 1)}
        publish.publish(session, whole, slug="whole", bank="Harbour Bank", wave="1", **days)
    assert '"lots"' not in visitor.get("/s/whole/form").text
    assert '"item"' not in visitor.get("/s/whole/form").text


def test_receipt_shows_what_was_asked(visitor: TestClient) -> None:
    code = deliver(visitor, RATINGS).json()["receipt"]
    page = visitor.post("/s/brief/receipt", data={"code": code}).text
    for item in SHORT.items:
        assert (item.perception["en"].replace("'", "&#39;") in page) is (item.id not in OUT)


# ---- publishing


@pytest.fixture
def officer(database: Engine) -> Iterator[TestClient]:
    """A browser signed in to publish."""
    with writing(database) as session:
        people.add(session, "Lin", HASHED, "officer", date(2026, 1, 1))
    with TestClient(create_app(SETTINGS, database), follow_redirects=True) as made:
        yield sign_in(made, "Lin")


def wish(officer: TestClient, **changes: str) -> Response:
    csrf = token(officer.get("/surveys/new").text)
    good = {"questionnaire": "pfs_customer", "slug": "spring", "bank": "Spring Bank", "wave": "1", "csrf": csrf}
    return officer.post("/surveys/new", data=good | changes)


def test_short_form_is_published_in_the_browser(officer: TestClient, database: Engine) -> None:
    assert wish(officer, short_form="yes").url.path == "/surveys/spring"
    assert "11 of 22 statements" in officer.get("/s/spring").text
    assert wish(officer, slug="summer").url.path == "/surveys/summer"
    assert "22 statements, asked twice" in officer.get("/s/summer").text


def test_questionnaire_without_core_items_has_no_short_form(officer: TestClient) -> None:
    answer = wish(officer, questionnaire="pfs_staff", short_form="yes")
    assert answer.status_code == 422
    assert "There is no short form of “pfs_staff”: it needs stages, items that are marked as core" in answer.text
    assert "no items marked as core, so there is no short form of it" in answer.text


def test_preview_says_what_it_costs_and_publishes_nothing(officer: TestClient, database: Engine) -> None:
    answer = wish(officer, short_form="yes", planned="2000", go="preview")
    page = re.sub(r"<[^>]+>|\s+", " ", answer.text)
    assert answer.status_code == 200
    for said in (
        "11 / 22",
        "with 2,000 answers",
        r"Answers to a core item +2000",
        r"First contact +800",
        r"Advice +667",
    ):
        assert re.search(said, page), said
    assert re.search(r"Interval wider by the factor: First contact +1\.58", page)
    assert re.search(r"Chance that every pair of items has enough answers +9\d", page)
    assert 'name="short_form" value="yes" checked' in answer.text
    assert 'value="Spring Bank"' in answer.text
    assert officer.get("/surveys/spring").status_code == 404


@pytest.mark.parametrize("planned", ["0", "-1", "many", "1e3", "9" * 30])
def test_preview_of_no_number_is_refused_in_a_sentence(officer: TestClient, planned: str) -> None:
    answer = wish(officer, planned=planned, go="preview")
    assert answer.status_code == 422
    assert "allowed is a whole number from 1 to 10,000,000" in answer.text


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    said = capsys.readouterr()
    return code, said.out, said.err


def test_short_form_is_published_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FIVEGAPS_DATABASE_URL", f"sqlite:///{tmp_path / 'x.sqlite3'}")
    short = ("publish", "pfs_customer", "--wave", "1", "--short-form", "--planned")
    code, out, _ = run(capsys, *short, "600", "--slug", "x")
    assert code == 0
    assert "The short form, with 600 answers:\n  Items asked of each customer: 11 / 22" in out
    code, _, err = run(capsys, "publish", "pfs_staff", "--slug", "y", "--wave", "1", "--short-form")
    assert (code, err.count("\n")) == (2, 1)
    assert "short_form: the short form needs stages, items with core: true" in err
    code, _, err = run(capsys, *short, "0", "--slug", "z")
    assert (code, "--planned: the value is 0" in err) == (2, True)


# ---- what comes out


@pytest.fixture
def answered(officer: TestClient, database: Engine) -> Survey:
    """Three hundred simulated answers, released."""
    survey = put_up(database)
    fill(database, survey, 300)
    return survey


def told(officer: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = officer.get("/surveys/brief/report.json").json()
    return found


def test_report_of_three_hundred_short_forms_finds_what_was_planted(officer: TestClient, answered: Survey) -> None:
    found = {one["cell"]: one for one in told(officer)["defects"]}
    confirmed = {cell for cell, one in found.items() if one["status"] == "confirmed"}
    # Planted below the limit by far, and above zero (`surveys.simulate.DEMO`).
    assert {"tracking.responsiveness", "tracking.reliability", "tracking.empathy"} <= confirmed
    assert not {"encounter.assurance", "transfer.reliability", "encounter.tangibles"} & confirmed
    assert "short_form" in found["tracking.reliability"]["gap"]["flags"]


def test_report_and_appendix_say_that_the_short_form_was_used(officer: TestClient, answered: Survey) -> None:
    page = officer.get("/surveys/brief/report").text
    assert "Short form: each customer was asked 11 of 22 items." in page
    assert "are means of item gaps" in page
    assert "Short form: each customer was asked the core items" in officer.get("/surveys/brief/report/appendix").text


def test_whole_form_says_nothing_of_it(client: TestClient, survey: Survey, database: Engine) -> None:
    fill(database, survey, 60)
    sign_in(client, "Lin")
    for page in ("report", "report/appendix", "codebook.html"):
        assert "Short form:" not in client.get(f"/surveys/harbour/{page}").text
    assert "__asked" not in client.get("/surveys/harbour/data.csv").text


def test_downloads_and_codebook_tell_what_was_not_asked(officer: TestClient, answered: Survey) -> None:
    rows = list(csv.DictReader(io.StringIO(officer.get("/surveys/brief/data.csv").text)))
    head = list(rows[0])
    for row in rows[:20]:
        out = {name.removesuffix("__asked") for name in head if name.endswith("__asked") and row[name] == "0"}
        assert len(out) == 11
        assert all(row[f"{item}_{column}"] == "" for item in out for column in "EP")
    book = officer.get("/surveys/brief/codebook.json").json()
    assert [column["name"] for column in book["columns"]] == head
    assert "not asked where __asked is 0" in book["missing"][""]["en"]
    assert book["short_form"] == [{"items": list(lot.items), "drawn": lot.drawn} for lot in LOTS]
    assert "ends in __asked is 0" in officer.get("/surveys/brief/codebook.html").text


def test_downloaded_file_gives_the_same_report(
    officer: TestClient, answered: Survey, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, page = tmp_path / "answers.csv", tmp_path / "report.html"
    path.write_bytes(officer.get("/surveys/brief/data.csv").content)
    options = ("--questionnaire", "pfs_customer", "--no-appendix", "--json", "-", "--html", str(page))
    code, out, err = run(capsys, "analyse", str(path), *options)
    assert code == 0, err
    mine, theirs = json.loads(out), told(officer)
    assert mine["gaps"]["stages"]["tracking"]["flags"] == ["short_form"]
    for level in ("items", "cells", "dimensions", "stages"):
        values = [{name: one["value"] for name, one in side["gaps"][level].items()} for side in (mine, theirs)]
        assert values[0] == pytest.approx(values[1])
    assert mine["meta"]["missing"] == theirs["meta"]["missing"]
    assert "Short form: each customer was asked 11 of 22 items." in page.read_text(encoding="utf-8")


def test_company_for_a_visitor_of_a_simulated_short_form_is_asked_by_lot(database: Engine) -> None:
    from surveys.simulate import simulate_arrivals

    survey = put_up(database)
    coming = simulate_arrivals(SHORT, 5, date(2026, 2, 1))
    with database.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
        collect.ingest(connection, survey.id or 0, BOOK, coming)
    assert all(closed.count(NOT_ASKED) == 22 for closed in stored(database))
