"""The whole form as a document: the pages word for word, and their rules as data, the same as Python's."""

from __future__ import annotations

import gzip
import json
import re
from datetime import date
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import words
from app.respond import whole
from app.respond.delivery import read_whole
from app.respond.published import Published
from surveys.authoring import load
from surveys.coding import Answers, codebook
from surveys.form import next_page, pages, read_page, visible
from surveys.questionnaire import Option, Question, Questionnaire
from surveys.tables import Survey
from tests.app.conftest import CUSTOMER
from tests.app.test_respond import answers_for

FORM = "/s/harbour/form"


def rules_of(page: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.split('id="rules">')[1].split("</script>")[0])
    return found


def test_document_is_the_same_for_everybody_and_kept_by_no_cache(browser: TestClient) -> None:
    first, second = (browser.get(FORM, headers={"cookie": f"x={n}"}) for n in range(2))
    assert first.text == second.text
    assert first.headers["cache-control"] == "no-store"
    assert "set-cookie" not in first.headers
    assert not re.search(r'(?:src|href)="(?:https?:)?//', first.text)
    assert not re.search(r"\son\w+=|\sstyle=", first.text)
    assert re.findall(r"<script(?![^>]*src=)[^>]*>", first.text) == ['<script type="application/json" id="rules">']
    assert "script-src 'self'" in first.headers["content-security-policy"]


def test_document_speaks_the_language_that_was_chosen(browser: TestClient) -> None:
    assert '<html lang="zh-CN"' in browser.get(f"{FORM}?lang=zh-CN").text
    assert '<html lang="zh-CN"' in browser.get(FORM).text  # and remembers it
    assert "在一家优秀的银行" in browser.get(FORM).text


def test_document_has_the_cards_of_the_pages_word_for_word(browser: TestClient, shop: Survey) -> None:
    def lines(path: str) -> str:
        return re.sub(r"\n+", "\n", browser.get(path).text)  # a page's empty slots leave empty lines

    whole_form = lines(FORM)
    browser.follow_redirects = True
    browser.post("/s/harbour/start", data={})
    for number in range(1, 9):
        page = lines(f"/s/harbour/{number}")
        for card in re.findall(r'<fieldset class="card.*?</fieldset>', page, re.DOTALL):
            assert card in whole_form
        assert re.search(r"<h1>.*?</h1>", page)[0] in whole_form
        browser.post(f"/s/harbour/{number}", data=answers_for(shop, number))


def test_first_visit_to_the_whole_form_is_light(browser: TestClient) -> None:
    names = ("form.css", "form.js", "whole.js")
    sizes = {name: len(gzip.compress(browser.get(f"/static/{name}").content, 9)) for name in names}
    for language in ("en", "zh-CN"):
        for path in ("/s/harbour", FORM):
            sizes[path + language] = len(gzip.compress(browser.get(f"{path}?lang={language}").content))
    assert sum(sizes.values()) < 40_000  # both languages
    assert sum(size for name, size in sizes.items() if not name.endswith("en")) < 30_000


def test_hostile_wording_cannot_end_the_rules() -> None:
    evil = "</script><script>alert(1)</script><!--"
    items = tuple(item.model_copy(update={"expectation": {"en": evil}}) for item in CUSTOMER.items)
    base = CUSTOMER.model_copy(update={"items": items, "blocks": (evil_block(evil),)})
    drawn = draw(base, bank=evil)
    assert drawn.count("<script") == drawn.count("</script>") == 5  # the four files, and the rules
    assert evil in rules_of(drawn)["words"]["titled"]
    assert any(evil in str(card) for page in rules_of(drawn)["pages"] for card in page["cards"])


def evil_block(evil: str) -> Any:
    block = next(block for block in CUSTOMER.blocks if block.role == "segments")
    options = (
        Option(code="a", label={"en": evil}, exclusive=True),
        Option(code="b", label={"en": evil}),
    )
    question = Question(id="evil", type="multiple", prompt={"en": evil}, options=options)
    return block.model_copy(update={"questions": (question,)})


def draw(questionnaire: Questionnaire, bank: str = "Bank") -> str:
    words.speak("en")
    book, all_pages = codebook(questionnaire), pages(questionnaire)
    made = Published(
        1,
        "x",
        questionnaire,
        book,
        all_pages,
        bank,
        date(2026, 1, 1),
        None,
        ended_on=None,
        phase="open",
        simulated=False,
        key="k",
    )
    return whole.whole_page(made.view(), all_pages, book, receipt_path="/r", address="/r")


def test_welcome_leads_to_the_document_unless_a_draft_lies_here(browser: TestClient, shop: Survey) -> None:
    assert 'data-whole="welcome"' in browser.get("/s/harbour").text
    browser.post("/s/harbour/start", data={})
    assert "data-whole" not in browser.get("/s/harbour").text  # begun page by page, it goes on page by page


def way_by_rules(rules: dict[str, Any], values: dict[str, list[str]]) -> list[tuple[int, list[str]]]:
    """The pages and cards that a person meets, worked out from the document's data alone, as the script does it."""

    def meets(card: dict[str, Any]) -> bool:
        if "unless" in card and values.get(card["unless"][0]) == [card["unless"][1]]:
            return False
        if "if" not in card:
            return True
        name, equal, code = card["if"]
        given = [value for value in values.get(name, []) if value.strip()]
        return bool(given) and (given[0] == code) is equal

    way = [(page["number"], [card["name"] for card in page["cards"] if meets(card)]) for page in rules["pages"]]
    return [(number, names) for number, names in way if names]


def chained() -> Questionnaire:
    """Follow-ups that hang on follow-ups, on one page and over several."""
    options = tuple(Option(code=code, label={"en": code, "zh-CN": code}) for code in ("a", "b", "c"))
    text_ = {"en": "Why?", "zh-CN": "为什么？"}
    conditions = {"q1": None, "q2": "q1 == 'a'", "q3": "q2 != 'b'", "q4": None, "q5": "q3 == 'c'", "q6": "q4 == 'a'"}
    asked = tuple(
        Question(id=name, type="single", prompt=text_, options=options, show_if=condition)
        for name, condition in conditions.items()
    )
    block = next(block for block in CUSTOMER.blocks if block.role == "outcomes")
    return CUSTOMER.model_copy(update={"items": (), "blocks": (block.model_copy(update={"questions": asked}),)})


REACHED = load("pfs_customer").variant(include=("reached_transfer", "reached_tracking", "comment_tracking"))


@pytest.mark.parametrize("questionnaire", [CUSTOMER, chained(), REACHED], ids=["customer", "chained", "reached"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_way_by_the_rules_is_the_way_of_the_pages(questionnaire: Questionnaire, data: st.DataObject) -> None:
    book, all_pages = codebook(questionnaire), pages(questionnaire)
    rules = whole.rules(all_pages, book)
    values: dict[str, list[str]] = {}
    for field in book.fields:
        codes = list(field.options) if field.kind == "choice" else ["1", "2"] if field.kind == "rating" else []
        chosen = data.draw(st.sampled_from(["", *codes])) if codes else ""
        if chosen:
            values[field.name] = [chosen]
    answers, faults = read_whole(all_pages, book, values)
    # What lies under cards that are not met is not sent by the script, and not read here.
    sent = {
        name: values[name]
        for page in rules["pages"]
        for card in page["cards"]
        for name in card.get("fields", [card["name"]])
        if name in values and any(card["name"] in names for _, names in way_by_rules(rules, values))
    }
    assert read_whole(all_pages, book, sent)[0] == answers == settled(all_pages, book, sent)
    met = [(page.number, [card.name for card in visible(page, book, answers)]) for page in all_pages]
    assert way_by_rules(rules, shown(book, answers)) == [(number, names) for number, names in met if names]
    walked, number = [], 0
    while page := next_page(all_pages, book, answers, number):
        walked.append(page.number)
        number = page.number
    assert walked == [number for number, _ in way_by_rules(rules, shown(book, answers))]
    assert faults == []


def shown(book: Any, answers: Answers) -> dict[str, list[str]]:
    """Answers as the browser has them."""
    return {
        field.name: [field.show(byte)]
        for field, byte in zip(book.fields, answers.closed, strict=True)
        if field.show(byte)
    }


def settled(all_pages: Any, book: Any, values: dict[str, list[str]]) -> Answers:
    """Each page sent again and again until nothing changes: the paged way, to its end."""
    answers = Answers.blank(book)
    for page in all_pages:
        for _ in page.cards:
            answers = read_page(page, book, answers, values)[0]
    return answers


def test_rules_say_of_blanks_what_the_pages_say(browser: TestClient, shop: Survey) -> None:
    rules = rules_of(browser.get(FORM).text)
    browser.follow_redirects = True
    browser.post("/s/harbour/start", data={})
    for number in (1, 4, 7):
        page = browser.post(f"/s/harbour/{number}", data={}).text
        cards = rules["pages"][number - 1]["cards"]
        for card in cards:
            name = card["name"]
            for _, place, first, words_ in card.get("asks") or [[name, name, f"{name}-1", card["ask"]]]:
                assert f'<p class="error" id="{place}-error">{words_}</p>' in page
                assert f'id="{first}"' in page
        for heading in (rules["words"]["blank"][len(cards) - 1], rules["words"]["leave"][0][len(cards) - 1]):
            assert heading in page
        for before in range(number, {1: 4, 4: 7, 7: 7}[number]):
            browser.post(f"/s/harbour/{before}", data=answers_for(shop, before))


def test_places_on_the_way_are_those_of_the_pages(browser: TestClient) -> None:
    rules = rules_of(browser.get(FORM).text)
    at = {page["number"]: page["at"] for page in rules["pages"]}
    assert at[8]["8/9"][0] == "Last steps: 2 of 3"
    assert at[8]["8/10"][0] == "Last steps: 2 of 4"
    assert set(at[10]) == {"9/9", "10/10"}
    assert [page["reminds"] for page in rules["pages"]] == [True] * 9 + [False]
