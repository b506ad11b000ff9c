"""Filters never single anybody out."""

from datetime import date
from itertools import product

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from analysis.coded import score_matrix
from app.desk.selection import Holdings, select
from app.desk.views import Trait, Views
from surveys.authoring import load
from surveys.coding import codebook
from surveys.simulate import DEMO, simulate
from surveys.store.read import Released
from surveys.tables import Survey
from tests.app.conftest import fill

QUESTIONNAIRE = load("pfs_customer").variant()
BOOK = codebook(QUESTIONNAIRE)
FLOOR = QUESTIONNAIRE.min_group


def holdings(*columns: list[int], release: list[int] | None = None) -> Holdings:
    """Answers with made-up traits: one list of codes a trait."""
    n = len(columns[0])
    closed = simulate(QUESTIONNAIRE, n, DEMO, np.random.default_rng(1)).closed
    blank = np.full(n, "", dtype=object)
    entered = np.array(release or [1] * n, dtype=np.int32)
    released = Released(closed, blank, blank, blank, np.full(n, date(2026, 9, 1), dtype=object), entered)
    traits = tuple(
        Trait(f"t{place}", tuple(f"v{value}" for value in range(max(codes) + 1)), np.array(codes, dtype=np.int16))
        for place, codes in enumerate(columns)
    )
    matrix = score_matrix(QUESTIONNAIRE, BOOK, closed)
    return Holdings(QUESTIONNAIRE, BOOK, released, matrix, Views(traits, entered, FLOOR))


def shown(held: Holdings, trait: str, wished: dict[str, str] | None = None) -> dict[str, int]:
    return {c.value: c.n for c in select(held, wished or {}).choices[trait] if c.shown}


def test_part_below_the_floor_is_not_offered() -> None:
    assert shown(holdings([0] * 40 + [1] * 30 + [2] * 9), "t0") == {"v0": 40}


def test_small_part_cannot_be_asked_for_by_address() -> None:
    selection = select(holdings([0] * 40 + [1] * 30 + [2] * 9), {"t0": "v2"})
    assert selection.refused


def test_rest_of_a_shown_part_is_never_small() -> None:
    # 52 of 60: the other 8 would follow by subtraction.
    assert select(holdings([0] * 52 + [-1] * 8), {"t0": "v0"}).refused


def test_unknown_filters_and_values_change_nothing() -> None:
    held = holdings([0] * 40 + [1] * 40)
    selection = select(held, {"t0": "v9", "colour": "red", "__class__": "x"})
    assert (selection.n, selection.refused, selection.chosen) == (80, False, {})


def test_third_filter_at_once_is_refused() -> None:
    rng = np.random.default_rng(1)
    held = holdings(*(rng.integers(0, 2, 800).tolist() for _ in range(3)))
    assert not select(held, {"t0": "v0", "t1": "v0"}).refused
    assert select(held, {"t0": "v0", "t1": "v0", "t2": "v0"}).refused


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-1, 4), min_size=1, max_size=120), st.integers(0, 2**32 - 1))
def test_no_small_group_follows_from_shown_counts(codes: list[int], seed: int) -> None:
    second = np.random.default_rng(seed).integers(-1, 3, len(codes)).tolist()
    if max(codes) < 0 or max(second) < 0:
        return
    held = holdings(codes, second)
    for wished in ({}, *({"t1": f"v{value}"} for value in range(max(second) + 1))):
        selection = select(held, wished)
        if selection.refused:
            continue
        counts = shown(held, "t0", wished)
        rest = selection.n - sum(counts.values())
        assert all(number >= FLOOR for number in counts.values())
        assert rest == 0 or rest >= FLOOR or not counts


def test_shown_views_differ_from_their_parents_by_no_small_group() -> None:
    rng = np.random.default_rng(4)
    held = holdings(rng.choice(5, 400, p=[0.5, 0.3, 0.15, 0.03, 0.02]).tolist(), rng.integers(0, 6, 400).tolist())
    for first, second in product(range(5), range(6)):
        view = select(held, {"t0": f"v{first}", "t1": f"v{second}"})
        if not view.refused:
            for parent in ({"t0": f"v{first}"}, {"t1": f"v{second}"}):
                left = select(held, parent).n - view.n
                assert left == 0 or left >= FLOOR


def test_view_takes_new_answers_in_only_by_the_floor() -> None:
    # Thirty of v0, then batches of five that bring one of v0 each: the view stands still until ten have come.
    codes, release = [0] * 30 + [1] * 30, [1] * 60
    for number in range(2, 14):
        codes, release = [*codes, 0, 1, 1, 1, 1], [*release, *[number] * 5]
        n = select(holdings(codes, release=release), {"t0": "v0"}).n
        assert n == (30 if number < 11 else 40)


def test_four_parts_of_two_filters_are_groups() -> None:
    # 20, 20, 20 and 3: all - A - x + (A and x) would be the three.
    first, second = [0] * 40 + [1] * 23, [0] * 20 + [1] * 20 + [0] * 20 + [1] * 3
    assert select(holdings(first, second), {"t0": "v0", "t1": "v0"}).refused


def test_rest_of_a_containing_part_is_a_group() -> None:
    # v0 of the second trait holds the 30 of v0 of the first and three more.
    held = holdings([0] * 30 + [1] * 33, [0] * 33 + [1] * 30)
    assert "v0" not in shown(held, "t0")
    assert "v0" in shown(held, "t1")


def test_two_parts_without_common_people_leave_a_group() -> None:
    held = holdings([0] * 30 + [1] * 33, [1] * 33 + [0] * 30)
    assert "v0" not in shown(held, "t0") or "v0" not in shown(held, "t1")


@pytest.fixture
def filled(lin: TestClient, survey: Survey, database: Engine) -> TestClient:
    fill(database, survey, 300)
    return lin


def test_report_can_be_filtered_by_unit_and_segment(filled: TestClient) -> None:
    whole = filled.get("/surveys/harbour/report.json").json()["meta"]["n"]
    part = filled.get("/surveys/harbour/report.json?unit=Riverside").json()["meta"]["n"]
    assert FLOOR <= part < whole


def test_view_that_is_too_small_shows_nothing(filled: TestClient) -> None:
    address = "unit=Riverside&age=ge60"
    page = filled.get(f"/surveys/harbour/report?{address}")
    assert page.status_code == 200
    assert 'class="figure"' not in page.text
    assert filled.get(f"/surveys/harbour/report.json?{address}").status_code == 404


def test_report_moves_with_the_release_not_with_the_answer(
    filled: TestClient, survey: Survey, database: Engine
) -> None:
    before = filled.get("/surveys/harbour/report").text
    filled.post("/s/harbour/start", data={})
    assert filled.get("/surveys/harbour/report").text == before
    fill(database, survey, 5, seed=9)
    assert filled.get("/surveys/harbour/report").text != before


def test_report_speaks_both_languages(filled: TestClient) -> None:
    english, chinese = (filled.get(f"/surveys/harbour/report?lang={code}").text for code in ("en", "zh-CN"))
    assert '<html lang="en"' in english
    assert '<html lang="zh-CN"' in chinese
    assert "First contact" in english or "Service encounter" in english
    assert "服务接触" in chinese or "初次接触" in chinese


def test_report_without_answers_opens(lin: TestClient) -> None:
    page = lin.get("/surveys/harbour/report")
    assert page.status_code == 200


def test_json_of_the_report_follows_the_schema(filled: TestClient) -> None:
    import jsonschema

    from analysis.report import report_schema

    told = filled.get("/surveys/harbour/report.json").json()
    jsonschema.Draft202012Validator(report_schema()).validate(told)
    assert told["meta"]["questionnaire"] == "pfs_customer"
