"""Posted fields become answers; nothing valid is lost, nothing invalid gets in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.authoring import bank, load
from surveys.codes import BLANK, NOT_APPLICABLE
from surveys.coding import Answers, Codebook, Refused, clean_text, codebook
from surveys.form import Page, next_page, pages, previous_page, read_page, visible, whole_faults

QUESTIONNAIRE = load("pfs_customer").variant(include=("stage_importance",))
BOOK = codebook(QUESTIONNAIRE)
PAGES = pages(QUESTIONNAIRE)


def page(title: str) -> Page:
    return next(page for page in PAGES if page.title == title)


def blank() -> Answers:
    return Answers.blank(BOOK)


def value(answers: Answers, name: str, book: Codebook = BOOK) -> str:
    place = book.place[name]
    return book.fields[place].show(answers.closed[place])


@pytest.mark.parametrize("name", bank())
def test_every_field_stands_on_exactly_one_page(name: str) -> None:
    questionnaire = load(name).variant()
    placed = [field for page in pages(questionnaire) for card in page.cards for field in card.fields]
    assert sorted(placed) == list(range(len(codebook(questionnaire))))


def test_expectations_come_before_perceptions_stage_by_stage() -> None:
    order = [(page.column, page.stage.id) for page in PAGES if page.title == "items" and page.stage]
    stages = ["encounter", "transfer", "tracking"]
    assert order == [("expectation", s) for s in stages] + [("perception", s) for s in stages]


def test_three_columns_stand_together_on_one_card() -> None:
    three = pages(load("pfs_customer").variant("three_column"))
    assert [row.column for row in three[0].cards[0].rows] == ["minimum", "desired", "perception"]


def test_blank_and_not_applicable_are_two_things() -> None:
    perception = next(p for p in PAGES if p.column == "perception")
    first, second = perception.cards[0].name, perception.cards[1].name
    answers, faults, _ = read_page(perception, BOOK, blank(), {first: ["na"]})
    assert answers.closed[BOOK.place[first]] == NOT_APPLICABLE
    assert answers.closed[BOOK.place[second]] == BLANK
    assert {fault.field for fault in faults} == {card.name for card in perception.cards[1:]}


def test_expectation_offers_no_does_not_apply() -> None:
    first = PAGES[0].cards[0].name
    _, faults, _ = read_page(PAGES[0], BOOK, blank(), {first: ["na"]})
    assert (faults[0].code, faults[0].value) == ("not_allowed", "na")


@pytest.mark.parametrize("wrong", ["0", "8", "-1", "1.5", "1e3", "inf", "NaN", "٣", "５", "abc", "7" * 400, "true"])
def test_value_outside_the_scale_is_refused_and_the_rest_kept(wrong: str) -> None:
    first, second = PAGES[0].cards[0].name, PAGES[0].cards[1].name
    answers, faults, _ = read_page(PAGES[0], BOOK, blank(), {first: [wrong], second: ["6"]})
    assert (faults[0].code, faults[0].field) == ("not_allowed", first)
    assert (value(answers, first), value(answers, second)) == ("", "6")


def test_points_must_add_up_and_stay_when_they_do_not() -> None:
    weights = {f"importance__{d.id}": ["20"] for d in QUESTIONNAIRE.dimensions} | {"importance__empathy": ["10"]}
    answers, faults, _ = read_page(page("importance"), BOOK, blank(), weights)
    assert [(f.code, f.value, f.number) for f in faults if f.card == "importance"] == [("sum", "90", 100)]
    assert value(answers, "importance__tangibles") == "20"
    assert whole_faults(PAGES, BOOK, answers) == page("importance")


def test_feature_left_empty_in_a_full_sum_got_no_points() -> None:
    answers, faults, _ = read_page(page("importance"), BOOK, blank(), {"importance__reliability": ["100"]})
    assert not [f for f in faults if f.card == "importance"]
    assert value(answers, "importance__empathy") == "0"


def test_none_of_these_stands_alone() -> None:
    about = page("about")
    _, faults, _ = read_page(about, BOOK, blank(), {"product": ["fund", "none"]})
    assert [fault.code for fault in faults] == ["exclusive"]
    answers, faults, _ = read_page(about, BOOK, blank(), {"product": ["none"]})
    assert not faults
    assert (value(answers, "product__none"), value(answers, "product__fund")) == ("1", "0")


def test_unknown_option_is_refused_by_name() -> None:
    _, faults, _ = read_page(page("about"), BOOK, blank(), {"tier": ["platinum"], "product": ["yacht"]})
    assert [(f.field, f.value) for f in faults] == [("tier", "platinum"), ("product", "yacht")]


def test_too_long_a_comment_comes_back_whole() -> None:
    text = "x" * 2001
    answers, faults, refused = read_page(page("about"), BOOK, blank(), {"comment_improve": [text]})
    assert (faults[0].code, faults[0].number, refused["comment_improve"]) == ("too_long", 2001, text)
    assert answers.comments == {}


def test_facts_about_the_person_may_stay_empty() -> None:
    assert read_page(page("about"), BOOK, blank(), {})[1] == []


def test_follow_up_questions_appear_only_when_they_are_met() -> None:
    problem, overall = page("problem"), page("overall")
    assert next_page(PAGES, BOOK, blank(), overall.number) == page("about")
    told, _, _ = read_page(overall, BOOK, blank(), {"complaint_any": ["told"]})
    assert len(visible(problem, BOOK, told)) == 2
    silent, _, _ = read_page(overall, BOOK, told, {"complaint_any": ["silent"]})
    assert [card.name for card in visible(problem, BOOK, silent)] == ["complaint_stage"]
    assert previous_page(PAGES, BOOK, blank(), page("about").number) == overall


@given(st.text())
def test_stored_text_never_holds_control_characters(text: str) -> None:
    cleaned = clean_text(text)
    assert clean_text(cleaned) == cleaned
    assert all(letter in "\n\t" or letter.isprintable() or letter.isspace() or ord(letter) > 0x7F for letter in cleaned)
    cleaned.encode("utf-8")


@given(st.text(max_size=12))
def test_what_a_field_reads_it_shows_again(text: str) -> None:
    for field in BOOK.fields[:1] + BOOK.fields[-8:]:
        try:
            byte = field.read(text)
        except Refused:
            continue
        assert field.holds(byte)
        assert field.read(field.show(byte)) == byte


def test_every_byte_a_field_holds_reads_back() -> None:
    for field in BOOK.fields:
        for byte in range(1, 256):
            if field.holds(byte) and field.show(byte):
                assert field.read(field.show(byte)) == byte
