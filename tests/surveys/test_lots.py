"""The short form: core items for all, the others by lot, each about as often; and nothing of it in the whole form."""

from __future__ import annotations

import secrets
from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chisquare

from analysis import coded
from surveys.authoring import bank, load, loads
from surveys.checking import QuestionnaireError
from surveys.codes import BLANK, NOT_APPLICABLE, NOT_ASKED
from surveys.coding import Answers, codebook
from surveys.exchange.answers import read_answers
from surveys.exchange.downloads import as_csv, as_parquet
from surveys.exchange.tables import open_table
from surveys.form import pages, read_page, visible
from surveys.lots import DRAWN, Lot, asked, design, left_out, lots, number
from surveys.questionnaire import Questionnaire
from surveys.simulate import DEMO, simulate
from surveys.store.read import Released

WHOLE = load("pfs_customer").variant()
SHORT = load("pfs_customer").variant(drawn=DRAWN)
LOTS = lots(SHORT)
BOOK = codebook(SHORT)
ITEMS = {item.id for item in SHORT.items}
CORE = {item.id for item in SHORT.items if item.core}
KEYS = [secrets.token_urlsafe(24) for _ in range(6000)]


def test_core_items_are_asked_of_everybody_and_two_others_of_each_stage() -> None:
    for key in KEYS[:500]:
        drawn = ITEMS - left_out(LOTS, key)
        assert drawn >= CORE
        assert Counter(SHORT.item(name).stage for name in drawn - CORE) == {stage.id: 2 for stage in SHORT.stages}
        assert len(drawn) == asked(SHORT) == 11


def test_each_item_and_each_pair_of_a_stage_is_drawn_about_equally_often() -> None:
    drawn = [ITEMS - left_out(LOTS, key) for key in KEYS]
    for lot in LOTS:
        pairs = Counter(pair for one in drawn for pair in combinations([i for i in lot.items if i in one], 2))
        assert len(pairs) == len(lot.items) * (len(lot.items) - 1) / 2
        assert chisquare(list(pairs.values())).pvalue > 1e-6
        assert chisquare([sum(item in one for one in drawn) for item in lot.items]).pvalue > 1e-6


def test_stages_are_drawn_from_independently() -> None:
    first, second = (lot.items for lot in LOTS[:2])
    drawn = [ITEMS - left_out(LOTS, key) for key in KEYS]
    joint = np.array([[sum(a in one and b in one for one in drawn) for b in second] for a in first])
    # In 6,000 visits 800 are expected for each; five standard deviations of a binomial are 131.
    assert np.abs(joint / len(KEYS) - 2 / 5 * 2 / 6).max() < 131 / 6000


def test_keys_that_differ_in_one_letter_draw_independently() -> None:
    keys = [f"{'k' * 28}{at:04d}" for at in range(4000)]
    counts = Counter(item for key in keys for item in left_out(LOTS, key))
    for lot in LOTS:
        assert chisquare([counts[item] for item in lot.items]).pvalue > 1e-6


def test_lots_of_a_key_stay_for_good() -> None:
    # Visits under way, and the script, rest on these numbers.
    assert [number(text) for text in ("", "a", "kkkkenc_tan_1")] == [0xAB3E7C0B, 0x1A80B1B3, 0xF68C66E1]
    drawn = {"enc_rel_1", "enc_tan_1", "trf_ass_2", "trf_rel_2", "trk_emp_2", "trk_res_1"}
    assert ITEMS - CORE - left_out(LOTS, "k" * 32) == drawn
    assert left_out((Lot(("a", "b", "c"), 3),), "key") == frozenset()


def test_the_whole_form_knows_nothing_of_it() -> None:
    assert lots(WHOLE) == ()
    assert "drawn" not in WHOLE.dump()
    assert Questionnaire.model_validate(SHORT.dump()) == SHORT
    assert [field.name for field in codebook(WHOLE).fields] == [field.name for field in BOOK.fields]
    assert not any(field.drawn for field in codebook(WHOLE).fields)
    assert Answers.begun(codebook(WHOLE), {"enc_tan_1"}) == Answers.blank(codebook(WHOLE))


def test_the_analysis_plans_with_the_design_that_is_asked() -> None:
    assert DRAWN == 2
    nobody = np.zeros((0, len(BOOK)), np.uint8)
    assert coded.study_of(SHORT, BOOK, nobody).lite == design(SHORT)


@pytest.mark.parametrize("name", [name for name in bank() if name != "pfs_customer"])
def test_without_core_items_there_is_no_short_form(name: str) -> None:
    assert design(load(name)) == {}


@pytest.mark.parametrize("changed", [{"core": True}, {"core": False}, {"stage": None}])
def test_with_nothing_to_draw_or_keep_there_is_no_short_form(changed: dict[str, object]) -> None:
    items = tuple(item.model_copy(update=changed) for item in SHORT.items)
    update = {"items": items} | ({"stages": ()} if "stage" in changed else {})
    assert design(SHORT.model_copy(update=update)) == {}


def test_questionnaire_file_may_ask_for_it_and_is_told_what_it_needs() -> None:
    text = (Path("surveys/questionnaires/pfs_customer.yaml")).read_text(encoding="utf-8")
    assert lots(loads(f"{text}\ndrawn: 2\n")) == LOTS
    with pytest.raises(QuestionnaireError, match="drawn: a short form needs stages, items with core: true"):
        loads(text.replace("core: true", "core: false") + "\ndrawn: 2\n")


def test_cards_that_are_not_asked_are_not_met_and_their_ratings_not_read() -> None:
    out = left_out(LOTS, KEYS[0])
    answers = Answers.begun(BOOK, out)
    everything = {field.name: ["5"] for field in BOOK.fields if field.column}
    for page in (page for page in pages(SHORT) if page.title == "items"):
        met = {card.item.id for card in visible(page, BOOK, answers)}
        assert met == {card.item.id for card in page.cards} - out
        assert 3 <= len(met) <= 4
        answers, faults, _ = read_page(page, BOOK, answers, everything)
        assert faults == []
    for field, byte in zip(BOOK.fields, answers.closed, strict=True):
        if field.column:
            assert byte == (NOT_ASKED if field.item in out else 5)


@pytest.mark.parametrize("form", ["two_column", "three_column", "perception_only"])
def test_every_column_of_an_item_is_left_out_in_any_format(form: str) -> None:
    questionnaire = load("pfs_customer").variant(form, drawn=2)
    book = codebook(questionnaire)
    answers = Answers.begun(book, left_out(lots(questionnaire), KEYS[0]))
    assert answers.closed.count(NOT_ASKED) == 11 * len(questionnaire.columns)


def test_a_stage_of_the_short_form_is_one_page() -> None:
    many = tuple(
        item.model_copy(update={"id": f"{item.id}_{copy}", "core": item.core and not copy})
        for copy in range(3)
        for item in SHORT.items
    )
    questionnaire = SHORT.model_copy(update={"items": many})
    book, out = codebook(questionnaire), left_out(lots(questionnaire), KEYS[0])
    found = [page for page in pages(questionnaire) if page.title == "items"]
    assert len(found) == 6
    assert {len(visible(page, book, Answers.begun(book, out))) for page in found} == {3, 4}


def test_simulated_customers_are_asked_by_lot_too() -> None:
    closed = simulate(SHORT, 3000, DEMO, np.random.default_rng(4)).closed
    again = simulate(SHORT, 3000, DEMO, np.random.default_rng(4)).closed
    assert np.array_equal(closed, again)
    gone = {item: closed[:, BOOK.place[f"{item}_P"]] == NOT_ASKED for item in ITEMS}
    assert all(not gone[item].any() for item in CORE)
    assert {int(n) for n in sum(column.astype(int) for column in gone.values())} == {11}
    for lot in LOTS:
        assert chisquare([int((~gone[item]).sum()) for item in lot.items]).pvalue > 1e-6
        for item in lot.items:
            assert np.array_equal(gone[item], closed[:, BOOK.place[f"{item}_E"]] == NOT_ASKED)


def released(closed: np.ndarray) -> Released:
    n = len(closed)
    none, day = np.full(n, "", object), np.full(n, DEMO.first_day, object)
    return Released(closed, none, none, np.full(n, "en", object), day, np.ones(n, np.int32))


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("questionnaire", [SHORT, WHOLE], ids=["short", "whole"])
def test_downloads_tell_blanks_from_what_was_not_asked(
    tmp_path: Path, ending: str, questionnaire: Questionnaire
) -> None:
    closed = simulate(SHORT, 200, DEMO, np.random.default_rng(4)).closed
    closed[0, [BOOK.place[f"{item}_{column}"] for item in ITEMS for column in "EP"]] = BLANK
    path = tmp_path / f"answers.{ending}"
    data = as_csv(BOOK, released(closed)) if ending == "csv" else as_parquet(BOOK, released(closed), {})
    path.write_bytes(data)
    table = open_table(path)
    assert np.array_equal(read_answers(questionnaire, table).closed, closed)
    assert sum(name.endswith("__asked") for name in table.columns) == len(ITEMS - CORE)


def test_file_without_those_columns_is_read_by_its_blanks(tmp_path: Path) -> None:
    closed = simulate(SHORT, 50, DEMO, np.random.default_rng(4)).closed
    path = tmp_path / "answers.csv"
    path.write_bytes(as_csv(codebook(WHOLE), released(closed)))
    found = read_answers(SHORT, open_table(path)).closed
    assert (found == NOT_ASKED).sum() == (closed == NOT_ASKED).sum() + both_blank(closed)
    assert np.array_equal(found == NOT_APPLICABLE, closed == NOT_APPLICABLE)
    assert not (read_answers(WHOLE, open_table(path)).closed == NOT_ASKED).any()


def both_blank(closed: np.ndarray) -> int:
    """Ratings of drawn items that were asked and left blank in both columns: nothing tells them apart there."""
    pairs = [(closed[:, BOOK.place[f"{i}_E"]], closed[:, BOOK.place[f"{i}_P"]]) for i in ITEMS - CORE]
    return 2 * sum(int(((e == BLANK) & (p == BLANK)).sum()) for e, p in pairs)
