"""The sections on an earlier wave, on people asked twice and on causes: their words, tables and charts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from analysis.causes import Insiders
from analysis.coded import Context, insiders_of, layout_of, study_of
from analysis.repeated import repeated
from analysis.research import Inside, Research, build_research
from analysis.study import Study
from analysis.tally import summarise
from analysis.waves import Earlier
from app.desk.appendix_parts import Section
from app.desk.appendix_sections import sections
from app.desk.appendix_waves import verdict_word, why_words
from app.words import LANGUAGES, speak
from surveys.authoring import load
from surveys.coding import codebook
from surveys.simulate import DEMO, simulate
from tests.analysis.test_research import QUICK
from tests.desk.test_appendix_page import asked, page, terms, words

MENDED, LEFT = "encounter.reliability", "tracking.empathy"
BEFORE = replace(
    DEMO,
    gaps={MENDED: -1.4, LEFT: -1.4},
    units={f"B{number}": 0.0 for number in range(6)},
    no_experience={},
    careless=0.0,
)
AFTER = replace(BEFORE, gaps={MENDED: 0.2, LEFT: -1.4})
LATER = ("waves", "causes", "repeated")


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    speak("en")
    yield
    speak("en")


def wave(gaps: dict[str, float], n: int, seed: int) -> Study:
    questionnaire = asked()
    drawn = simulate(questionnaire, n, replace(BEFORE, gaps=gaps), np.random.default_rng(seed))
    days = np.array([day.toordinal() for day in drawn.day], np.int32)
    context = Context(drawn.unit, drawn.channel, drawn.language, days, closed=True, planned=n)
    return study_of(questionnaire, codebook(questionnaire), drawn.closed, context)


def insiders(name: str, n: int, seed: int) -> Insiders:
    questionnaire = load(name)
    drawn = simulate(questionnaire, n, DEMO, np.random.default_rng(seed))
    return insiders_of(questionnaire, codebook(questionnaire), drawn.closed, layout_of(asked()))


def whole(
    treated: frozenset[str] = frozenset(), staff: int = 40, managers: int = 9, floor: int | None = 10
) -> Research:
    """Two waves with one defect mended and one left, the people of the first asked again, staff and managers."""
    before, after = wave({MENDED: -1.4, LEFT: -1.4}, 420, 1), wave({MENDED: 0.2, LEFT: -1.4}, 440, 2)
    rows = np.arange(120)
    return build_research(
        after,
        summarise(after.matrix, QUICK),
        QUICK,
        floor=floor,
        insiders=Inside(insiders("pfs_staff", staff, 3), insiders("pfs_manager", managers, 4)),
        earlier=Earlier(before, treated),
        again=repeated(before, before.part(rows), (rows, rows), QUICK, floor),
    )


@pytest.fixture(scope="module")
def found() -> Research:
    return whole()


def section(found: Research, name: str) -> Section:
    return next(one for one in sections(terms(found)) if one.id == name)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sections_stand_whole_in_both_languages(found: Research, language: str) -> None:
    speak(language)
    shown = {one.id: one for one in sections(terms(found))}
    text = page(found)
    for name in LATER:
        one = shown[name]
        assert one.sentence and one.points and one.tables and f'href="#{name}"' in text
        for table in one.tables:
            width = len(table.columns) - 1
            assert table.rows and all(len(row.values) == width == len(table.wordy) for row in table.rows)
    assert 'data-for="plot-waves"' in text and 'data-for="plot-chain"' in text


def test_the_chinese_sections_hold_no_english_sentence(found: Research) -> None:
    speak("zh-CN")
    for name in LATER:
        one = section(found, name)
        told = [one.title, one.sentence, *one.notes, *(point.text for point in one.points)]
        told += [one.figure.title, one.figure.note] if one.figure else []
        told += [text for table in one.tables for text in (table.caption, table.note, *table.columns) if text]
        told += [text for table in one.tables for row in table.rows for text in (row.head, *row.values)]
        assert not any(re.search(r"(?:[A-Za-z]{3,} ){2}", text) for text in told)
        assert all(re.search("[\u4e00-\u9fff]", text) for text in told[:2])


def test_a_mended_defect_is_told_as_closed_and_the_other_is_not(found: Research) -> None:
    one = section(found, "waves")
    cells = terms(found)
    rows = {row.head: row.values[0] for row in one.tables[0].rows}
    assert rows[cells.cell(MENDED)] == "closed" and rows[cells.cell(LEFT)] in ("not demonstrated", "worse")
    assert one.points[0].mark == "caution" and "1 closed" in one.points[0].text
    assert re.match(r"All together moved by [+−]\d\.\d\d points \(95\s% interval", one.sentence)
    assert "Same mix" in " ".join(one.notes)


def test_branches_with_the_action_are_named_with_what_makes_the_comparison_fair() -> None:
    one = section(whole(frozenset(("B0", "B1", "B2"))), "waves")
    assert any("Branches with the action: B0, B1, B2" in note for note in one.notes)
    judged = one.tables[0].columns.index("Judged by") - 1
    assert {row.values[judged] for row in one.tables[0].rows} == {"against the other branches"}


def test_waves_without_a_defect_or_answers_say_so() -> None:
    after = wave({}, 200, 5)
    tally = summarise(after.matrix, QUICK)
    fine = build_research(after, tally, QUICK, floor=10, earlier=Earlier(wave({}, 200, 6)))
    assert "no defect to mend" in section(fine, "waves").points[0].text
    few = build_research(after, tally, QUICK, floor=10, earlier=Earlier(wave({MENDED: -1.4}, 4, 6)))
    assert section(few, "waves").sentence == "The waves cannot be compared: too few answers in one of them."


def test_every_verdict_and_every_reason_has_its_words(found: Research) -> None:
    assert found.waves is not None
    for outcome in ("closed", "improving", "not_demonstrated", "worse", "not_judged"):
        assert verdict_word(outcome)
    assert set(why_words()) == {"no_guard", "few_answers", "no_change", "not_comparable"}


def test_people_asked_twice_agree_with_themselves(found: Research) -> None:
    one = section(found, "repeated")
    assert one.sentence == "120 people answered twice; agreement of all together: ICC 1.000."
    assert one.points[0].mark == "good"
    assert [table.caption for table in one.tables] == [
        "Test-retest reliability: Gap",
        "Test-retest reliability: Perception",
    ]


def test_the_cause_of_the_worst_defect_is_named_with_its_remedy(found: Research) -> None:
    one = section(found, "causes")
    assert found.causes is not None
    assert one.sentence.startswith(f"Where customers miss most ({terms(found).cell(LEFT)}, −")
    captions = [table.caption for table in one.tables]
    assert captions[0] == "First broken link of the confirmed defects" and "The chain of gaps" in captions
    assert all(table.folded for table in one.tables if table.caption in captions[2:])
    assert one.figure is not None and one.figure.title.startswith(terms(found).cell(LEFT))


def test_too_few_staff_and_managers_cause_nothing_to_be_named() -> None:
    text = words(page(whole(staff=3, managers=2)))
    assert "Too few staff and managers have answered for causes to be looked for." in text
    assert "Causes cannot be told: too few staff and managers have answered." in text


def test_without_any_of_it_the_sections_are_left_out() -> None:
    after = wave({}, 60, 5)
    plain = build_research(after, summarise(after.matrix, QUICK), QUICK, floor=10)
    assert not {one.id for one in sections(terms(plain))} & set(LATER)
