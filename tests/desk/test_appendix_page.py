"""The whole page of the statistical appendix: sentences, reasons, the floor, barred comparisons, both languages."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from analysis.coded import layout_of
from analysis.figure_style import TRACES
from analysis.matrix import ScoreMatrix
from analysis.report import plain
from analysis.research import Research, build_research
from analysis.results import REASONS, Statistic
from analysis.study import Grouping, Study
from analysis.tally import summarise
from app.demo import build_demo
from app.desk.appendix import research_of
from app.desk.appendix_page import AppendixPage, render_appendix
from app.desk.appendix_sections import SECTIONS, sections
from app.desk.appendix_words import Terms, flag_words
from app.desk.holdings import holdings_of
from app.desk.report import chosen_part
from app.main import create_app
from app.settings import Settings
from app.words import LANGUAGES, speak
from surveys.authoring import load
from surveys.questionnaire import Format, Questionnaire
from surveys.store import publish
from surveys.store.database import open_database, reading
from surveys.store.migrate import upgrade
from tests.analysis.test_research import QUICK, campaign, research

IDS = (
    "reliability",
    "structure",
    "comparability",
    "gaps",
    "groups",
    "branches",
    "drivers",
    "performance",
    "outcomes",
    "course",
    "sample",
    "quality",
    "missing",
    "methods",
)
SOMETIMES = ("waves", "causes", "repeated", "features", "comments")
"""Sections that stand on the page only where the answers hold what they need."""


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    speak("en")
    yield
    speak("en")


@pytest.fixture(scope="module")
def found() -> Research:
    return research(campaign(640), floor=10)


def asked(format: Format = "two_column") -> Questionnaire:
    include = () if format == "perception_only" else ("stage_importance", "attention_1", "self_report")
    return load("pfs_customer").variant(format, include)


def page(found: Research | None, questionnaire: Questionnaire | None = None, **changes: Any) -> str:
    questionnaire = questionnaire or asked()
    given: dict[str, Any] = {
        "questionnaire": questionnaire,
        "research": found,
        "layout": layout_of(questionnaire),
        "title": "Harbour Bank",
        "wave": "2026-2",
        "simulated": False,
        "thresholds": QUICK,
        "report_url": "/surveys/harbour/report",
        "self_url": "/here",
    }
    return render_appendix(AppendixPage(**(given | changes)))


def terms(found: Research, questionnaire: Questionnaire | None = None) -> Terms:
    questionnaire = questionnaire or asked()
    return Terms(questionnaire, layout_of(questionnaire), found, QUICK, 10)


def words(text: str) -> str:
    """The page without scripts, styles and tags."""
    kept = re.sub(r"(?s)<(script|style).*?</\1>", " ", text)
    return html.unescape(re.sub(r"<[^>]+>", " ", kept)).replace("\xa0", " ")


def statistics(part: Any) -> Iterator[Statistic]:
    if isinstance(part, Statistic):
        yield part
    elif is_dataclass(part) and not isinstance(part, type):
        for field in fields(part):
            yield from statistics(getattr(part, field.name))
    elif isinstance(part, dict | tuple):
        for one in part.values() if isinstance(part, dict) else part:
            yield from statistics(one)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_family_opens_with_a_sentence_and_every_table_is_whole(found: Research, language: str) -> None:
    speak(language)
    shown = sections(terms(found))
    assert tuple(one.id for one in shown) == IDS and len(SECTIONS) == len(IDS) + len(SOMETIMES)
    assert all(one.sentence and one.tables for one in shown)
    for table in (table for one in shown for table in one.tables):
        width = len(table.columns) - 1
        assert table.caption and len(table.wordy) == width and all(len(row.values) == width for row in table.rows)
    text = page(found)
    assert all(f'id="{name}"' in text and f'href="#{name}"' in text for name in IDS)


def test_the_officer_gets_few_sentences_with_their_marks(found: Research) -> None:
    points = [(one.id, point) for one in sections(terms(found)) for point in one.points]
    assert 6 <= len(points) <= 9
    assert {name for name, _point in points} >= {"reliability", "structure", "comparability", "branches", "quality"}
    assert {point.mark for _name, point in points} <= {"good", "caution", "open"}


def test_the_chinese_page_holds_no_english_sentence(found: Research) -> None:
    speak("zh-CN")
    for one in sections(terms(found)):
        told = [one.title, one.sentence, *one.notes, *(point.text for point in one.points)]
        told += [table.caption for table in one.tables] + [table.note for table in one.tables if table.note]
        for text in told:
            assert re.search("[\u4e00-\u9fff]", text), text
    text = re.sub(r"pfs_customer\S*|[a-z]{3}_[a-z]{3}_\d(_[A-Z])?", "", words(page(found)))
    assert not re.search(r"(?:[a-z]{3,} ){3}", text)
    assert "克龙巴赫α系数" in text and "测量等值性" in text and "漏斗图" in text


@pytest.mark.parametrize("format", ["two_column", "three_column", "perception_only"])
@pytest.mark.parametrize("n", [0, 1, 9, 30])
def test_few_answers_give_a_page_with_reasons(format: Format, n: int) -> None:
    questionnaire = asked(format)
    text = words(page(research(campaign(n, format), floor=10), questionnaire))
    assert "None" not in text and "nan" not in text.split()
    if n < 30:
        assert "cannot be told" in text
    if 0 < n < 10:
        assert "too few answers: hidden for privacy" in text


def test_without_stages_or_anything_else_the_page_opens() -> None:
    bare = asked()
    layout, rng = replace(layout_of(bare), stages=(), stage_of=()), np.random.default_rng(1)
    perception = rng.integers(1, 8, (60, len(layout.items)), np.uint8)
    matrix = ScoreMatrix(layout, perception, rng.integers(3, 8, perception.shape, np.uint8))
    text = words(page(build_research(Study(matrix), summarise(matrix), QUICK, floor=10), bare, layout=layout))
    assert "There are no two groups that may be shown." in text
    assert "There are no two branches that may be shown." in text
    assert "the questionnaire does not ask for it" in text


def test_every_caution_has_its_words(found: Research) -> None:
    few = [research(campaign(n), floor=None) for n in (12, 60)]
    seen = {flag.partition(":")[0] for one in (found, *few) for stat in statistics(one) for flag in stat.flags}
    assert seen - {"guide"} <= set(flag_words()) | set(REASONS)


@pytest.mark.parametrize("consequence", ["not_comparable", "not_testable"])
def test_groups_that_may_not_mean_the_same_are_grey(found: Research, consequence: Any) -> None:
    test = replace(found.invariance["language"], consequence=consequence)
    changed = replace(found, invariance={"language": test})
    groups = next(one for one in sections(terms(changed)) if one.id == "groups")
    own = [table for table in groups.tables if table.caption.endswith("Language")]
    said = {"not_comparable": "must not be compared", "not_testable": "cannot be checked with so few answers"}
    assert len(own) == 3 and all(table.grey and said[consequence] in table.note for table in own)
    assert not any(table.grey for table in groups.tables if table.caption.endswith("Age"))
    assert 'class="barred"' in page(changed)
    card = words(page(changed)).partition("Contents")[0]
    assert "Language" in card


def test_a_language_that_hears_other_questions_is_barred() -> None:
    """Five of 22 items, one or two of each dimension, mean something else in the second language."""
    study = campaign(900)
    perception = study.matrix.perception.copy()
    second = study.traits["language"].codes == 1
    for j in (0, 2, 3, 4, 5, 8, 10, 12):
        perception[second, j] = np.where(perception[second, j] <= 7, np.maximum(perception[second, j], 3) - 2, 0)
    changed = replace(study, matrix=replace(study.matrix, perception=perception))
    result = research(changed, floor=10)
    assert result.invariance["language"].consequence == "not_comparable"
    text = words(page(result))
    assert "Do not compare groups by: Language" in text and "must not be compared" in text


def test_groups_below_the_floor_are_hidden() -> None:
    study = campaign(200)
    codes = np.repeat(np.arange(4, dtype=np.int32), (100, 60, 36, 4))
    traits = {"tier": Grouping(("mass", "affluent", "private", "unknown"), codes)}
    few = Grouping(("North", "South", "Lakeside", "Hillside"), codes)  # Lakeside would give Hillside away
    text = page(research(replace(study, traits=traits, unit=few), floor=10))
    assert "North" in text and "South" in text and "Lakeside" not in text and "Hillside" not in text


def test_a_refused_choice_shows_nothing(found: Research) -> None:
    text = words(page(None))
    assert "This choice cannot be shown: it would tell about fewer than 10 people" in text
    assert "In plain words" not in text and "Cronbach" not in text


def test_charts_use_what_the_bundle_draws_and_name_their_finding(found: Research) -> None:
    text = page(found)
    drawn = {
        name: json.loads(data)
        for name, data in re.findall(r'class="figure" data-for="plot-([^"]+)">(.*?)</script>', text, re.S)
    }
    assert set(drawn) == {"scree", "funnel", "drivers", "ipa", "control"}
    traces = [trace for one in drawn.values() for figure in one.values() for trace in figure["data"]]
    assert {trace["type"] for trace in traces} <= set(TRACES)
    assert all(len(trace["x"]) == len(trace["y"]) for trace in traces)


def test_branches_stand_by_name_and_never_rank_without_interval(found: Research) -> None:
    branches = next(one for one in sections(terms(found)) if one.id == "branches")
    rows = branches.tables[0].rows
    assert [row.head for row in rows] == sorted(row.head for row in rows)
    heads = branches.tables[0].columns
    ranks = [row.values[heads.index("Rank") - 1] for row in rows] if "Rank" in heads else []
    assert ranks or "No ranks" in branches.tables[0].note
    assert all(re.fullmatch(r"\d+ \(\d+ to \d+\)", rank) or "order" in rank for rank in ranks)


def test_the_file_by_itself_asks_for_nothing(found: Research) -> None:
    text = page(found, self_contained=True)
    marked_up = re.sub(r"(?s)<script.*?</script>", "", text)
    assert not re.search(r'(?:src|href)="(?!#)', marked_up) and "Content-Security-Policy" in text
    assert "Back to the defect report" not in text


def test_hostile_words_stay_words(found: Research) -> None:
    hostile = "</script><script>alert(1)</script>"
    assert hostile not in page(found, title=hostile)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder: Path = tmp_path_factory.mktemp("appendix")
    settings = Settings(database_url=f"sqlite:///{folder / 'demo.sqlite3'}", demo=True)
    engine = open_database(settings.database_url)
    upgrade(engine)
    build_demo(engine, settings, 120)
    with TestClient(create_app(settings, engine), base_url="http://127.0.0.1", client=("127.0.0.1", 5000)) as client:
        yield client
    engine.dispose()


def test_the_page_is_linked_both_ways_and_keeps_the_filters(desk: TestClient) -> None:
    report = desk.get("/surveys/demo/report?tier=mass").text
    assert report.count("/surveys/demo/report/appendix?tier=mass") == 2
    whole = desk.get("/surveys/demo/report/appendix?tier=mass").text
    assert 'href="/surveys/demo/report?tier=mass"' in whole and "/surveys/demo/report/appendix.json?tier=mass" in whole
    assert '<option value="mass" selected' in whole


def test_a_choice_of_few_people_is_refused_on_page_and_in_data(desk: TestClient) -> None:
    narrow = "?tier=private&unit=Lakeside&via=app"
    text = desk.get(f"/surveys/demo/report/appendix{narrow}")
    assert text.status_code == 200 and "cannot be shown" in text.text and "Cronbach" not in text.text
    assert desk.get(f"/surveys/demo/report/appendix.json{narrow}").status_code == 404
    assert desk.get("/surveys/none/report/appendix").status_code == 404


def test_the_data_are_those_of_build_research(desk: TestClient) -> None:
    app_desk = desk.app.state.desk  # type: ignore[attr-defined]
    with reading(app_desk.engine) as session:
        survey = publish.find(session, "demo")
    assert survey is not None
    made = research_of(app_desk, survey, holdings_of(app_desk, survey), chosen_part(app_desk, survey, {}))
    told = desk.get("/surveys/demo/report/appendix.json").json()
    assert told["research"] == json.loads(json.dumps(plain(made)))
    meta = desk.get("/surveys/demo/report.json").json()["meta"]
    assert {name: told[name] for name in ("survey", "wave", "data_hash", "code_version")} == {
        name: meta[name] for name in ("survey", "wave", "data_hash", "code_version")
    }
