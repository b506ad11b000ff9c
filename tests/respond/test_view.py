"""What a respondent sees: every page in every language, with answers, with faults, and with hostile text."""

from __future__ import annotations

import dataclasses
import gzip
import re
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from app import words
from app.assets import STATIC, first_style
from app.respond import cards, view
from surveys import authoring, form
from surveys.codes import NOT_APPLICABLE
from surveys.coding import Answers, Codebook, codebook
from surveys.form import Fault
from surveys.questionnaire import Questionnaire

CUSTOMER = authoring.load("pfs_customer")
QUESTIONNAIRES: dict[str, Questionnaire] = {
    "two": CUSTOMER.variant(include=("stage_importance",)),
    "three": CUSTOMER.variant(format="three_column"),
    "perception": CUSTOMER.variant(format="perception_only"),
    "staff": authoring.load("pfs_staff").variant(),
    "manager": authoring.load("pfs_manager").variant(),
}
EVIL = "</textarea><script>alert('1')</script>\"&"
CODE = "7K4M-Q2XR-9DHT-W6PN"
APP = Path(words.__file__).parent


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    words.speak("en")
    yield
    words.speak("en")


@dataclasses.dataclass
class Setting:
    """A questionnaire with all that showing it needs."""

    questionnaire: Questionnaire
    key: str

    def __post_init__(self) -> None:
        self.book: Codebook = codebook(self.questionnaire)
        self.pages = form.pages(self.questionnaire)
        self.survey = survey(self.questionnaire, self.key)

    def show(self, number: int, answers: Answers | None = None, **more: Any) -> str:
        given = answers or Answers.blank(self.book)
        return view.form_page(self.survey, self.pages[number - 1], self.pages, self.book, given, **more)

    def post(self, number: int, posted: dict[str, list[str]]) -> tuple[str, list[Fault]]:
        given = Answers.blank(self.book)
        taken, faults, refused = form.read_page(self.pages[number - 1], self.book, given, posted)
        return self.show(number, taken, faults=faults, refused=refused), faults


def survey(questionnaire: Questionnaire, key: str, **changes: Any) -> view.SurveyView:
    seen = view.SurveyView(
        key=key,
        slug="autumn",
        bank="Songlan Bank",
        title=questionnaire.title,
        intro=questionnaire.intro,
        languages=questionnaire.languages,
        simulated=False,
        minutes=questionnaire.minutes,
        closes=date(2026, 12, 18),
        keeper="",
        floor=10,
        questions=22,
        format=questionnaire.format,
        audience=questionnaire.audience,
        path="/s/autumn",
    )
    return dataclasses.replace(seen, **changes)


def setting(name: str) -> Setting:
    return Setting(QUESTIONNAIRES[name], name)


def answered(seen: Setting) -> Answers:
    """Every question answered, the follow-ups to a complaint included."""
    answers = Answers.blank(seen.book)
    for page in seen.pages:
        for card in page.cards:
            for place, number in enumerate(card.fields):
                field = seen.book.fields[number]
                if field.kind == "points":
                    answers.closed[number] = (100, 0, 0, 0, 0)[place] + 1
                elif field.kind == "chosen":
                    answers.closed[number] = 2 if place in (0, 2) else 1
                else:
                    answers.closed[number] = NOT_APPLICABLE if field.na and place % 2 else 2
            if card.kind == "text":
                answers.comments[card.name] = "The review was late.\nTwice."
    if "complaint_any" in seen.book.place:
        answers.closed[seen.book.place["complaint_any"]] = 3
    return answers


class Browser(HTMLParser):
    """Reads a page and knows what sending it would post, which ids it has, and what it would run."""

    def __init__(self, html: str):
        super().__init__()
        self.posted: dict[str, list[str]] = {}
        self.ids: list[str] = []
        self.targets: set[str] = set()
        self.inline: list[str] = []
        self.open = self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        given = dict(pairs)
        self.ids += [str(given["id"])] if "id" in given else []
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        self.inline += [tag] if tag == "style" or (tag == "script" and "src" not in given) else []
        for name in ("for", "aria-describedby", "aria-labelledby"):
            self.targets |= set((given.get(name) or "").split())
        if tag == "a" and str(given.get("href")).startswith("#"):
            self.targets.add(str(given["href"])[1:])
        kind = given.get("type")
        if tag == "input" and given.get("name") and (kind in ("hidden", "text") or "checked" in given):
            self.posted.setdefault(str(given["name"]), []).append(given.get("value") or "")
        elif tag == "textarea":
            self.open, self.text = str(given["name"]), ""

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.posted[self.open] = [self.text]


def every_page(language: str) -> Iterator[str]:
    """Each page of the form, in each state, for all built-in questionnaires."""
    words.speak(language)
    for name in QUESTIONNAIRES:
        seen = setting(name)
        answers = answered(seen)
        yield view.welcome(seen.survey, receipt_path="/receipt")
        for page in seen.pages:
            taken, faults, refused = form.read_page(page, seen.book, answers, {})
            yield seen.show(page.number, answers, shown=page.number, of=len(seen.pages))
            yield seen.show(page.number, taken, faults=faults, refused=refused)
        yield from other_pages(seen, answers)


def other_pages(seen: Setting, answers: Answers) -> Iterator[str]:
    told, path = seen.survey, "/receipt"
    yield view.thanks(told, CODE, receipt_path=path)
    yield view.receipt_ask(told, receipt_path=path)
    yield view.receipt_ask(told, wrong=True, receipt_path=path)
    for shown, waiting, unsure in ((answers, False, True), (answers, True, False), (None, True, False)):
        book, asked = seen.book, seen.questionnaire
        yield view.receipt_show(told, book, asked, shown, answers.comments, waiting, path, CODE, unsure)
    yield view.withdrawn(told)
    yield view.closed(told, date(2026, 12, 18), path)
    yield view.not_yet(told, date(2026, 11, 2))
    yield view.lost(told)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_page_is_whole_and_runs_nothing_of_its_own(language: str) -> None:
    for html in every_page(language):
        # The style of the first page is our own file, which the policy knows by its hash.
        page = Browser(html.replace(f"<style>{first_style()}</style>", ""))
        assert f'<html lang="{language}">' in html
        assert "<h1>" in html
        assert html.rstrip().endswith("</html>")
        assert page.inline == []
        assert len(page.ids) == len(set(page.ids))
        assert page.targets <= set(page.ids)
        assert cards._SEAM not in html


@pytest.mark.parametrize("name", QUESTIONNAIRES)
def test_an_answered_page_sends_the_same_answers_again(name: str) -> None:
    seen = setting(name)
    answers = answered(seen)
    for page in seen.pages:
        posted = Browser(seen.show(page.number, answers)).posted
        taken, faults, _ = form.read_page(page, seen.book, answers, posted)
        assert faults == []
        assert taken == answers


def test_a_chosen_answer_is_checked_and_no_other() -> None:
    seen = setting("two")
    answers = Answers.blank(seen.book)
    answers.closed[seen.book.place["trf_rel_1_P"]] = 6
    assert Browser(seen.show(5, answers)).posted == {"trf_rel_1_P": ["6"]}


def test_not_applicable_differs_from_blank() -> None:
    seen = setting("two")
    answers = Answers.blank(seen.book)
    answers.closed[seen.book.place["trf_rel_1_P"]] = NOT_APPLICABLE
    assert Browser(seen.show(5, answers)).posted == {"trf_rel_1_P": ["na"]}
    assert Browser(seen.show(5)).posted == {}


def test_does_not_apply_is_offered_for_experience_only() -> None:
    assert 'value="na"' in setting("two").show(5)
    assert 'value="na"' not in setting("two").show(2)


def test_a_grid_offers_both_answers_beside_the_scale() -> None:
    shown = setting("staff").show(5)
    assert shown.count("There is no standard") == shown.count("I cannot judge") == 5


def test_hostile_text_stays_text() -> None:
    base = QUESTIONNAIRES["two"]
    items = tuple(item.model_copy(update={"expectation": {"en": EVIL}}) for item in base.items)
    seen = Setting(base.model_copy(update={"items": items, "title": {"en": EVIL}, "intro": {"en": EVIL}}), "hostile")
    seen.survey = dataclasses.replace(seen.survey, bank=EVIL, path=f"/s/autumn/{EVIL}", keeper=EVIL)
    answers = answered(seen)
    answers.comments["comment_improve"] = EVIL
    shown = [seen.show(1, answers), seen.show(10, answers), seen.post(1, {"enc_tan_1_E": [EVIL]})[0]]
    shown += [view.welcome(seen.survey, receipt_path=EVIL), *other_pages(seen, answers), view.problem(EVIL, EVIL, EVIL)]
    for html in shown:
        assert "alert(" in html
        assert "<script>" not in html
        assert "</textarea><" not in html
    assert Browser(shown[1]).posted["comment_improve"] == [EVIL]


def test_wording_cannot_open_a_slot() -> None:
    base = QUESTIONNAIRES["two"]
    items = tuple(item.model_copy(update={"expectation": {"en": "{ path } %(path)s {0}"}}) for item in base.items)
    assert "{ path } %(path)s {0}" in Setting(base.model_copy(update={"items": items}), "braces").show(1)


def test_a_reminder_counts_the_blanks_and_lets_them_pass() -> None:
    html, faults = setting("two").post(5, {"trf_rel_1_P": ["6"], "trf_tan_1_P": ["na"]})
    assert {fault.code for fault in faults} == {"missing"}
    assert "6 questions still need an answer" in html
    assert "press “Next” again" in html
    assert Browser(html).posted["seen"] == ["5"]


def test_an_error_page_keeps_the_other_answers() -> None:
    html, _ = setting("two").post(5, {"trf_rel_1_P": ["9"], "trf_tan_1_P": ["na"], "trf_res_1_P": ["2"]})
    assert Browser(html).posted == {"trf_tan_1_P": ["na"], "trf_res_1_P": ["2"]}
    assert "“9” is not on this scale. Please choose a number from 1 to 7, or “Not applicable / no experience”." in html


@pytest.mark.parametrize(
    ("number", "posted", "sentence"),
    [
        (2, {"trf_rel_1_E": ["x"]}, "“x” is not on this scale. Please choose a number from 1 to 7."),
        (2, {}, "Please choose a number from 1 to 7."),
        (7, {}, "Please share out the 100 points."),
        (7, {"importance__empathy": ["half"]}, "“half” cannot be counted. Please give a whole number from 0 to 100."),
        (7, {"importance__empathy": ["90"]}, "Your points add up to 90; they must add up to 100."),
        (7, {"importance__empathy": ["90"]}, "Please give out 10 more."),
        (7, {"importance__empathy": ["99"], "importance__tangibles": ["2"]}, "Please take 1 away."),
        (8, {"complaint_any": ["never"]}, "“never” is not one of the choices. Please choose from those listed."),
        (8, {}, "Please choose one."),
        (10, {"product": ["gold", "none"]}, "Please keep either “None of these” or the others."),
        (10, {"product": ["cows"]}, "“cows” is not one of the choices."),
        (10, {"comment_improve": ["y" * 2001]}, "Your text has 2,001 characters; up to 2,000 are allowed."),
    ],
)
def test_each_fault_names_value_and_allowed(number: int, posted: dict[str, list[str]], sentence: str) -> None:
    html, faults = setting("two").post(number, posted)
    assert sentence in html
    assert ("seen" in Browser(html).posted) is all(fault.code == "missing" for fault in faults)


def test_a_refused_text_is_shown_again() -> None:
    html, _ = setting("two").post(7, {"importance__empathy": ["half"], "importance__tangibles": ["30"]})
    posted = Browser(html).posted
    assert posted["importance__empathy"] == ["half"]
    assert posted["importance__tangibles"] == ["30"]
    html, _ = setting("two").post(10, {"comment_improve": ["y" * 2001]})
    assert Browser(html).posted["comment_improve"] == ["y" * 2001]


def test_a_fault_in_three_columns_stands_at_its_scale() -> None:
    seen = setting("three")
    posted = {row.name: ["5"] for card in seen.pages[0].cards for row in card.rows}
    html, _ = seen.post(1, posted | {"enc_tan_1_D": [""]})
    assert '<a href="#enc_tan_1_D-1">' in html
    assert "1 question still needs an answer" in html
    assert html.count('class="error" id="enc_tan_1_D-error"') == 1
    assert html.count(" bad") == 1


def test_a_long_summary_names_the_first_and_counts_the_rest() -> None:
    html, _ = setting("two").post(5, {})
    assert html.count("<li><a") == cards.LISTED
    assert "and 4 more, marked below" in html


def test_the_way_through_the_form() -> None:
    seen = setting("two")
    assert 'value="back"' not in seen.show(1)
    assert 'value="back"' in seen.show(2)
    assert "Send my answers" in seen.show(10, last=True)
    assert "Send my answers" not in seen.show(10)
    assert 'action="/s/autumn/5"' in seen.show(5)
    assert 'name="go" value="zh-CN" lang="zh-CN"' in seen.show(5)


def test_the_line_above_the_title_says_where_one_is() -> None:
    full, hollow = ('<span class="mark full" aria-hidden="true">', '<span class="mark" aria-hidden="true">')
    assert f"{full}</span>\nPart 2 of 2: this bank · Stage 2 of 3" in setting("two").show(5)
    assert f"{hollow}</span>\nPart 1 of 2: an excellent bank · Stage 1 of 3" in setting("two").show(1)
    assert ">Stage 3 of 3<" in setting("three").show(3)
    assert "Last steps: 2 of 3" in setting("two").show(8, shown=8, of=9)
    assert "Page 3 of 11" in setting("staff").show(3, shown=3, of=11)
    assert 'class="now" aria-current="step">Advice<' in setting("two").show(5)


def test_a_question_that_hangs_on_another_waits_for_it() -> None:
    seen = setting("two")
    answers = answered(seen)
    assert "complaint_solved" in seen.show(9, answers)
    answers.closed[seen.book.place["complaint_any"]] = 2
    assert "complaint_solved" not in seen.show(9, answers)
    assert "complaint_stage" in seen.show(9, answers)


def test_a_long_list_unfolds() -> None:
    base = QUESTIONNAIRES["two"]
    question = base.question("tier")
    assert question
    option = question.options[0]
    branches = tuple(option.model_copy(update={"code": f"b{n}", "label": {"en": f"Branch {n}"}}) for n in range(40))
    long = question.model_copy(update={"options": branches})
    blocks = [
        block.model_copy(update={"questions": tuple(long if q.id == "tier" else q for q in block.questions)})
        for block in base.blocks
    ]
    seen = Setting(base.model_copy(update={"blocks": tuple(blocks)}), "branches")
    answers = Answers.blank(seen.book)
    answers.closed[seen.book.place["tier"]] = 8
    assert '<option value="b7" selected>Branch 7' in seen.show(10, answers)


def test_a_page_is_drawn_once_and_then_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = setting("two")
    seen.show(5)
    monkeypatch.setattr(cards, "draw", lambda *_, **__: pytest.fail("drawn again"))
    seen.survey = dataclasses.replace(seen.survey, path="/s/autumn/K7Q2")
    assert 'action="/s/autumn/K7Q2/5"' in seen.show(5, answered(seen))


def test_skeletons_are_kept_in_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "KEPT", 3)
    cards._kept.clear()
    for number in range(1, 8):
        setting("two").show(number)
    assert len(cards._kept) == 3


def test_simulated_is_said_on_every_page() -> None:
    seen = setting("two")
    assert "Simulated survey" not in seen.show(1)
    seen.survey = dataclasses.replace(seen.survey, simulated=True)
    shown = [view.welcome(seen.survey, receipt_path="/receipt"), seen.show(1), *other_pages(seen, answered(seen))]
    assert all("Simulated survey" in html for html in shown)


def test_the_welcome_says_who_asks_and_how_answers_are_kept() -> None:
    told = survey(QUESTIONNAIRES["two"], "two", keeper="the quality office", path="/s/autumn/K7Q2")
    html = view.welcome(told, receipt_path="/receipt")
    assert 'action="/s/autumn/K7Q2/start"' in html
    assert '<a href="/receipt">' in html
    for fact in ("About 8 minutes", "22 statements, asked twice", "at least 10 people", "18 December 2026"):
        assert fact in html
    assert "kept by the quality office." in html


def test_a_receipt_tells_all_answers_in_words() -> None:
    seen = setting("two")
    answers = answered(seen)
    answers.closed[seen.book.place["trf_rel_1_P"]] = NOT_APPLICABLE
    answers.closed[seen.book.place["trf_rel_1_E"]] = 0
    comments = {"comment_improve": "Ring back."}
    html = view.receipt_show(seen.survey, seen.book, seen.questionnaire, answers, comments, False, "/receipt", CODE)
    told = re.sub(r"\s+", " ", html)
    assert "exactly as I gave them.</dt> <dd>Not applicable / no experience</dd>" in told
    assert "exactly as the customer gave them.</dt> <dd>Left blank</dd>" in told
    assert "<dd>What I can see: 100</dd>" in told
    assert "<dd>Ring back.</dd>" in told
    assert "<dd>Deposits</dd> <dd>Funds</dd> </div>" in told


def test_withdrawing_needs_a_tick_and_no_script() -> None:
    seen = setting("two")
    html = view.receipt_show(seen.survey, seen.book, seen.questionnaire, answered(seen), {}, False, "/receipt", CODE)
    assert 'action="/receipt/withdraw?lang=en"' in html
    assert 'type="checkbox" name="confirm" value="yes" required' in html
    assert Browser(html).posted["code"][-1] == CODE


def test_answers_that_cannot_be_read_yet_are_not_offered_for_withdrawal() -> None:
    seen = setting("two")
    waiting = view.receipt_show(seen.survey, seen.book, seen.questionnaire, None, {}, True, "/receipt", CODE)
    assert "are being stored" in waiting
    assert "/withdraw" not in waiting


def test_the_first_visit_is_small() -> None:
    seen = setting("three")
    files = [(STATIC / name).read_bytes() for name in ("form.css", "form.js")]
    files += [view.welcome(seen.survey, receipt_path="/receipt").encode(), seen.show(1).encode()]
    assert sum(len(gzip.compress(data)) for data in files) < 12_000


def test_statements_without_stages_are_counted_in_pages() -> None:
    base = QUESTIONNAIRES["two"]
    items = tuple(item.model_copy(update={"stage": None}) for item in base.items)
    seen = Setting(base.model_copy(update={"items": items, "stages": (), "blocks": ()}), "stageless")
    html = seen.show(2, shown=2, of=6)
    assert "Page 2 of 6" in html
    assert 'class="stages"' not in html
