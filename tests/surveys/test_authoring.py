"""A questionnaire file is read whole, or every mistake in it is named."""

from pathlib import Path

import pytest

from surveys.authoring import BANK, bank, load, loads, ready_to_publish, recommendations
from surveys.checking import QuestionnaireError
from surveys.questionnaire import Questionnaire

CUSTOMER = (BANK / "pfs_customer.yaml").read_text(encoding="utf-8")
SMALL = """
id: small
languages: [en]
title: {en: Small}
dimensions: [{id: rel, name: {en: Reliability}}]
scales: [{id: five, min: 1, max: 5}]
formats: {default: two_column, two_column: {scale: five}}
items:
- {id: a, dimension: rel, expectation: {en: Should}, perception: {en: Does}}
"""


def mistakes(text: str) -> list[str]:
    with pytest.raises(QuestionnaireError) as caught:
        loads(text)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("name", bank())
def test_every_built_in_questionnaire_loads_and_can_be_published(name: str) -> None:
    assert ready_to_publish(load(name).variant()) == []


@pytest.mark.parametrize("format_", ["two_column", "three_column", "perception_only"])
def test_customer_questionnaire_can_be_published_in_each_format(format_: str) -> None:
    questionnaire = load("pfs_customer").variant(format_)
    assert ready_to_publish(questionnaire) == []


def test_customer_bank_fills_all_fifteen_cells() -> None:
    cells = {(item.stage, item.dimension) for item in load("pfs_customer").items}
    assert len(load("pfs_customer").items) == 22
    assert len(cells) == 15


def test_staff_questionnaire_borrows_the_customers_items() -> None:
    borrowed = [q for q in load("pfs_staff").questions("belief") if q.item == "enc_tan_1"]
    assert borrowed[0].prompt == load("pfs_customer").item("enc_tan_1").expectation


def test_every_cell_has_a_recommended_action() -> None:
    cells = {f"{item.stage}.{item.dimension}" for item in load("pfs_customer").items}
    assert cells == set(recommendations())


def test_frozen_copy_reads_back_equal() -> None:
    for name in bank():
        questionnaire = load(name).variant()
        assert Questionnaire.model_validate(questionnaire.dump()) == questionnaire


def test_questionnaire_without_stages_is_legal() -> None:
    assert loads(SMALL).stages == ()


def test_all_mistakes_are_told_at_once_with_line_value_and_allowed() -> None:
    broken = CUSTOMER.replace(
        "  stage: encounter\n  dimension: tangibles", "  stage: encountr\n  dimension: tangible", 1
    )
    broken = broken.replace("  max: 9", "  max: 90", 1).replace("version: 1.0.0", "version: 1.0.0\ncolour: red")
    told = mistakes(broken)
    assert len(told) == 4
    assert any("line 4, colour: unknown key" in line for line in told)
    assert any("the value is 90; allowed is 11 or less" in line for line in told)
    assert any("the stage is 'encountr'; allowed are encounter, transfer, tracking" in line for line in told)
    assert any("the dimension is 'tangible'; allowed are tangibles, reliability" in line for line in told)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("id: a,", "id: 1,"), "items[1].id: the value is 1; text is needed"),
        (("{en: Does}", "{zh-CN: 是}"), "the wording in en is missing"),
        (
            ("{id: five, min: 1, max: 5}", "{id: five, min: 1, max: 5, anchors: {6: {en: x}}}"),
            "6 lies outside the scale",
        ),
        (("{scale: five}", "{scale: six}"), "the scale is 'six'; allowed are five"),
        (("{default: two_column,", "{default: two_colum,"), "the value is 'two_colum'; allowed is"),
        (("dimension: rel,", "dimension: rel, stage: x,"), "the questionnaire defines no stages"),
        (("id: small", "id: small\nid: other"), "'id' is given twice"),
        (("title: {en: Small}", "title: Small"), "wording is needed in each language"),
        (("items:", "items: []\nx:"), "unknown key"),
    ],
)
def test_mistake_is_named_in_a_sentence(change: tuple[str, str], told: str) -> None:
    assert any(told in line for line in mistakes(SMALL.replace(*change)))


@pytest.mark.parametrize(
    "text", ["", "- 1", "a: [", "a: &x [*x]", "!!python/object/apply:os.system [x]", "1: 2: 3", "\x00"]
)
def test_what_is_no_questionnaire_is_refused(text: str) -> None:
    assert mistakes(text)


def test_codes_yes_and_no_stay_text() -> None:
    question = load("pfs_customer").question("adviser")
    assert question is not None
    assert [option.code for option in question.options] == ["yes", "no", "unknown"]


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(QuestionnaireError, match="nowhere.yaml: the file cannot be read"):
        load(tmp_path / "nowhere.yaml")


def test_conditions_must_point_back_to_an_option() -> None:
    told = mistakes(CUSTOMER.replace("complaint_any == 'told'", "complaint_any == 'tolt'"))
    assert any("'tolt' is no option of complaint_any; allowed are none, silent, told" in line for line in told)


@pytest.mark.parametrize("name", ["unit", "go", "seen", "csrf", "language", "waiting__na"])
def test_names_the_product_uses_itself_are_refused(name: str) -> None:
    told = mistakes(SMALL.replace("id: a,", f"id: {name},"))
    assert any("is taken by the product" in line for line in told)


@pytest.mark.parametrize("text", ["Sma\x07ll", '"Sma\\ud800ll"', '"Sma\\0ll"'])
def test_unprintable_wording_is_refused(text: str) -> None:
    told = mistakes(SMALL.replace("Small", text))
    assert any("printable" in line for line in told)


@pytest.mark.parametrize("change", ["min_group: 10000000000000000000000", "minutes: -1", "a: !!bool abc"])
def test_absurd_settings_are_refused(change: str) -> None:
    assert mistakes(f"{change}\n{SMALL}")
