"""The statistical appendix as a page: complete, in both languages, and grey where groups may not be compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.report import plain
from app.desk.research_sections import Words, sections
from app.words import speak
from surveys.authoring import load
from tests.analysis.test_research import campaign, research


@pytest.fixture(scope="module")
def found() -> Any:
    return research(campaign(300), floor=10)


def words(format: Any = "two_column") -> Words:
    return Words(load("pfs_customer").variant(format), lambda trait, value=None: value or trait)


@pytest.mark.parametrize("tongue", ["en", "zh-CN"])
def test_every_family_has_its_section_with_a_finding(found: Any, tongue: str) -> None:
    speak(tongue)
    shown = {one.id: one for one in sections(found, words())}
    assert {"reliability", "structure", "trait-language", "trait-tier", "branches", "drivers", "outcomes", "course",
            "precision", "quality", "missing"} <= set(shown)  # fmt: skip
    assert all(one.title and one.tables for one in shown.values())
    lines = [
        len(row.values) == len(table.columns) - 1
        for one in shown.values()
        for table in one.tables
        for row in table.rows
    ]
    assert all(lines) and len(lines) > 100


def test_the_chinese_page_speaks_chinese(found: Any) -> None:
    speak("zh-CN")
    said = [one.title + one.sentence for one in sections(found, words()) if one.sentence]
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in text) for text in said)


def test_groups_that_do_not_mean_the_same_are_grey(found: Any) -> None:
    speak("en")
    test = replace(found.invariance["language"], consequence="not_comparable")
    shown = {one.id: one for one in sections(replace(found, invariance=found.invariance | {"language": test}), words())}
    assert shown["trait-language"].grey and "must not be compared" in shown["trait-language"].sentence
    assert not shown["trait-via"].grey


@pytest.mark.parametrize("format", ["two_column", "three_column", "perception_only"])
@pytest.mark.parametrize("n", [0, 1, 9, 31])
def test_few_answers_give_a_page_all_the_same(format: Any, n: int) -> None:
    speak("en")
    shown = sections(research(campaign(n, format), floor=10), words(format))
    assert {"reliability", "structure", "missing"} <= {one.id for one in shown}


def test_the_page_and_its_data_open_in_the_demonstration(tmp_path: Path) -> None:
    from fastapi.testclient import TestClient

    from app.demo import build_demo
    from app.main import create_app
    from app.settings import Settings
    from surveys.store.database import open_database
    from surveys.store.migrate import upgrade

    settings = Settings(database_url=f"sqlite:///{tmp_path / 'demo.sqlite3'}", demo=True)
    engine = open_database(settings.database_url)
    upgrade(engine)
    build_demo(engine, settings, 120)
    with TestClient(create_app(settings, engine), base_url="http://127.0.0.1", client=("127.0.0.1", 5000)) as client:
        page = client.get("/surveys/demo/report/appendix")
        assert page.status_code == 200 and "Statistical appendix" in page.text and "Simulated data" in page.text
        data = client.get("/surveys/demo/report/appendix.json").json()
        assert data["research"]["n"] == 120 and data["simulated"] is True
        assert client.get("/surveys/demo/report/appendix?tier=nothing").status_code == 200
        assert client.get("/surveys/none/report/appendix").status_code == 404
        assert "/surveys/demo/report/appendix" in client.get("/surveys/demo/report").text
    engine.dispose()


def test_the_page_says_what_the_data_say(found: Any) -> None:
    speak("en")
    told = plain(found)["consistency"]["columns"]["perception"]["total"]["alpha"]["value"]
    row = next(one for one in sections(found, words())[0].tables[0].rows)
    assert row.values[0] == f"{told:.2f}" and np.isfinite(told)
