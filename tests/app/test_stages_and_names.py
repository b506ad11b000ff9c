"""Stages that were not reached, a comment to each stage, and names in the wording of items."""

from __future__ import annotations

from datetime import date

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from surveys.authoring import load
from surveys.codes import NOT_APPLICABLE
from surveys.coding import Answers, codebook
from surveys.form import next_page, pages, read_page, visible
from surveys.piping import names_in, plain
from surveys.questionnaire import Questionnaire
from surveys.store import publish
from surveys.store.database import writing
from surveys.tables import Survey
from tests.app.test_own_answers import kept
from tests.app.test_respond import start
from tests.app.test_whole_form import deliver

INCLUDED = ("reached_transfer", "reached_tracking", "comment_encounter", "comment_transfer", "comment_tracking")
ASKED = load("pfs_customer").variant(include=INCLUDED)
BOOK, PAGES = codebook(ASKED), pages(ASKED)
TRACKING = [item.id for item in ASKED.items if item.stage == "tracking"]


def page_of(stage: str, column: str) -> int:
    return next(p.number for p in PAGES if p.stage and p.stage.id == stage and p.column == column)


def ratings(number: int, value: str = "5") -> dict[str, str]:
    return {row.name: value for card in PAGES[number - 1].cards for row in card.rows}


def publish_it(engine: Engine, questionnaire: Questionnaire, slug: str = "harbour") -> Survey:
    with writing(engine) as session:
        return publish.publish(
            session, questionnaire, slug=slug, bank="Harbour <Bank>", wave="1", opens_on=date(2026, 1, 1),
            closes_on=None, today=date(2026, 1, 1),
        )  # fmt: skip


def test_question_and_comment_stand_with_their_stage() -> None:
    cards = PAGES[page_of("tracking", "perception") - 1].cards
    assert (cards[0].name, cards[-1].name) == ("reached_tracking", "comment_tracking")
    assert [card.item.id for card in cards if card.item] == TRACKING
    assert all(card.kind == "rating" for card in PAGES[page_of("tracking", "expectation") - 1].cards)


def test_stage_that_was_not_reached_is_not_applicable_and_points_at_nothing() -> None:
    page = PAGES[page_of("tracking", "perception") - 1]
    taken, faults, _ = read_page(page, BOOK, Answers.blank(BOOK), {"reached_tracking": ["no"]})
    assert faults == []
    assert {taken.closed[BOOK.place[f"{item}_P"]] for item in TRACKING} == {NOT_APPLICABLE}
    assert [card.name for card in visible(page, BOOK, taken)] == ["reached_tracking", "comment_tracking"]
    assert next_page(PAGES, BOOK, taken, page.number) is not None


def test_change_of_mind_brings_the_items_back_blank_and_points_at_them() -> None:
    page = PAGES[page_of("tracking", "perception") - 1]
    taken, _, _ = read_page(page, BOOK, Answers.blank(BOOK), {"reached_tracking": ["no"]})
    again, faults, _ = read_page(page, BOOK, taken, {"reached_tracking": ["yes"]})
    assert [fault.code for fault in faults] == ["missing"] * len(TRACKING)
    assert {again.closed[BOOK.place[f"{item}_P"]] for item in TRACKING} == {0}


def test_ratings_given_before_it_was_said_are_not_kept() -> None:
    page = PAGES[page_of("tracking", "perception") - 1]
    posted = {name: [value] for name, value in ratings(page.number).items()} | {"reached_tracking": ["no"]}
    taken, _, _ = read_page(page, BOOK, Answers.blank(BOOK), posted)
    assert {taken.closed[BOOK.place[f"{item}_P"]] for item in TRACKING} == {NOT_APPLICABLE}


def test_both_ways_of_the_form_record_the_same(engine: Engine) -> None:
    from app.main import create_app
    from tests.app.conftest import SETTINGS

    publish_it(engine, ASKED)
    posted: dict[str, object] = {}
    for page in PAGES[:6]:
        posted |= ratings(page.number)
    posted |= {"reached_transfer": "yes", "reached_tracking": "no", "comment_tracking": "Too early"}
    posted = {name: value for name, value in posted.items() if not (name[:-2] in TRACKING and name.endswith("_P"))}
    with TestClient(create_app(SETTINGS, engine)) as browser:
        whole = kept(engine, deliver(browser, posted).json()["receipt"])
        browser.cookies.clear()
        browser.follow_redirects = True
        answer = start(browser)
        for _ in range(30):
            if not answer.url.path.removeprefix("/s/harbour/").isdigit():
                break
            number = int(answer.url.path.rpartition("/")[2])
            answer = browser.post(answer.url.path, data=posted | {"seen": str(number)})
        code = answer.text.split('id="code">')[1][:19]
        paged = kept(engine, code)
    assert bytes(whole.answers.closed) == bytes(paged.answers.closed)
    assert whole.answers.comments == paged.answers.comments == {"comment_tracking": "Too early"}
    assert whole.answers.closed[BOOK.place[f"{TRACKING[0]}_P"]] == NOT_APPLICABLE
    assert whole.answers.closed[BOOK.place[f"{TRACKING[0]}_E"]] == 5


def named(wording: str) -> Questionnaire:
    items = [
        item.model_copy(update={"perception": {"en": wording, "zh-CN": wording}}) if place == 0 else item
        for place, item in enumerate(ASKED.items)
    ]
    return ASKED.model_copy(update={"items": tuple(items)})


def test_names_stand_in_the_wording_and_not_in_the_report(engine: Engine) -> None:
    from app.main import create_app
    from tests.app.conftest import SETTINGS

    piped = named("At {branch|your branch} of {bank} the {tier|usual} service is kind")
    survey = publish_it(engine, piped)
    with writing(engine) as session:
        code = publish.add_link(session, survey, "Süd & <Station>", "counter").code
    with TestClient(create_app(SETTINGS, engine)) as browser:
        by_link = browser.get(f"/s/harbour/{code}/form").text
        public = browser.get("/s/harbour/form").text
    assert '<span data-pipe="branch">Süd &amp; &lt;Station&gt;</span>' in by_link
    assert '<span data-pipe="branch">your branch</span>' in public
    assert '<span data-pipe="bank">Harbour &lt;Bank&gt;</span>' in public
    assert '<span data-pipe="tier">usual</span>' in public
    assert piped.items[0].wording("perception")["en"] == "At your branch of this bank the usual service is kind"


def test_page_by_page_the_chosen_option_is_named(engine: Engine) -> None:
    from app.respond.names import fill, names_of

    piped = named("The {tier|usual} service")
    answers = Answers.blank(codebook(piped))
    answers.closed[codebook(piped).place["tier"]] = 2
    names = names_of(piped, codebook(piped), answers, "Bank", "")
    assert fill('<span data-pipe="tier">usual</span>', names) == '<span data-pipe="tier">Preferred / VIP</span>'
    assert fill('<span data-pipe="branch">here</span>', names) == '<span data-pipe="branch">here</span>'


@pytest.mark.parametrize(
    ("wording", "meant"),
    [
        ("{bank} is good", "this bank is good"),
        ("{branch}", "…"),
        ("{branch|}", ""),
        ("a { b } {", "a { b } {"),
        ("{x|y|z}", "{x|y|z}"),
        ("no names", "no names"),
    ],
)
def test_wording_without_its_names(wording: str, meant: str) -> None:
    assert plain({"en": wording}) == {"en": meant}


def test_unknown_name_is_refused_with_what_is_allowed() -> None:
    from surveys.checking import cross_checks

    found = [message for _, message in cross_checks(named("At {brnch|x}"))]
    assert len(found) == 1
    assert "{brnch} is no name" in found[0]
    assert "branch" in found[0]
    assert names_in({"en": "{a} {b|c}", "zh-CN": "{d}"}) == {"a", "b", "d"}
