"""The next wave asks the same, word for word; and where two waves do not, it is found."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine

from surveys.authoring import load
from surveys.questionnaire import Questionnaire
from surveys.rewording import changes, same_scale
from surveys.store import mails, publish, waves
from surveys.store.database import reading, writing
from surveys.store.mails import MailTexts
from surveys.tables import Survey

WHOLE = load("pfs_customer").variant()
TODAY = date(2026, 11, 2)


def made(engine: Engine, slug: str = "spring-2026-2", wave: str = "2026-2", **more: Any) -> Survey:
    given: dict[str, Any] = {"opens_on": date(2026, 1, 1), "closes_on": None, "bank": "Spring Bank"}
    with writing(engine) as session:
        return publish.publish(session, WHOLE, slug=slug, wave=wave, today=TODAY, **(given | more))


def follow(engine: Engine, survey: Survey, slug: str = "spring-2027-1", wave: str = "2027-1", **more: Any) -> Survey:
    with writing(engine) as session:
        return waves.next_wave(
            session, survey, slug=slug, wave=wave, opens_on=TODAY, closes_on=None, today=TODAY, **more
        )


def test_next_wave_asks_the_same_to_the_letter(engine: Engine) -> None:
    survey = made(engine)
    after = follow(engine, survey)
    assert (after.definition, after.definition_hash) == (survey.definition, survey.definition_hash)
    assert publish.definition_hash(after.definition) == after.definition_hash
    assert (after.series, after.bank, after.phase, after.pilot_of) == (survey.series, survey.bank, "draft", None)


def test_words_of_mails_and_invitation_only_come_along(engine: Engine) -> None:
    survey = made(engine, invited_only=True)
    with writing(engine) as session:
        mails.set_texts(session, survey, "en", MailTexts("s", "{link}", "r", "{link}"))
    with reading(engine) as session:
        before = publish.find(session, survey.slug)
    assert before is not None
    after = follow(engine, before)
    assert after.invited_only and after.mails == before.mails != {}


def test_links_are_made_anew_and_only_when_they_are_wanted(engine: Engine) -> None:
    survey = made(engine)
    with writing(engine) as session:
        old = [publish.add_link(session, survey, unit, "counter") for unit in ("North", "South")]
    with_links, without = follow(engine, survey, links=True), follow(engine, survey, "other", "2027-2")
    with reading(engine) as session:
        new = publish.links(session, with_links)
        assert publish.links(session, without) == []
    assert [(one.unit, one.channel) for one in new] == [(one.unit, one.channel) for one in old]
    assert not {one.code for one in new} & {one.code for one in old}


def test_wave_of_a_name_that_the_series_has_is_refused(engine: Engine) -> None:
    survey = made(engine)
    with pytest.raises(publish.Unpublishable, match="this series has a wave '2026-2'"):
        follow(engine, survey, wave="2026-2")
    with reading(engine) as session:
        assert [one.slug for one in waves.waves(session, survey)] == [survey.slug]


def test_waves_are_those_of_the_bank_in_the_order_in_which_they_began(engine: Engine) -> None:
    survey = made(engine)
    made(engine, "elsewhere", bank="Other Bank")
    after = follow(engine, survey)
    with reading(engine) as session:
        assert [one.id for one in waves.waves(session, after)] == [survey.id, after.id]


@pytest.mark.parametrize(
    ("wave", "taken", "today", "following"),
    [
        ("2026-2", set(), date(2026, 11, 2), "2026-3"),
        ("2026-2", {"2026-3"}, date(2026, 11, 2), "2026-4"),
        ("2026-2", set(), date(2027, 1, 5), "2027-1"),
        ("2026-2", {"2027-1"}, date(2027, 1, 5), "2027-2"),
        ("Wave 9", set(), TODAY, "Wave 10"),
        ("spring", set(), TODAY, "spring 2"),
        ("y" * 40, set(), TODAY, "y" * 36 + " 2"),
    ],
)
def test_name_of_the_next_wave_is_suggested(wave: str, taken: set[str], today: date, following: str) -> None:
    assert waves.next_name(wave, taken, today) == following


@pytest.mark.parametrize(
    ("slug", "wave", "following"),
    [
        ("spring-2026-2", "2026-2", "spring-2026-3"),
        ("spring-1", "2026-2", "spring-2"),
        ("spring", "2026-2", "spring-2"),
        ("z" * 60, "2026-2", "z" * 58 + "-2"),
    ],
)
def test_address_of_the_next_wave_is_suggested_and_free(sqlite: Engine, slug: str, wave: str, following: str) -> None:
    survey = made(sqlite, slug, wave)
    with reading(sqlite) as session:
        assert waves.next_slug(session, survey, "2026-3") == following
    made(sqlite, following)
    with reading(sqlite) as session:
        again = waves.next_slug(session, survey, "2026-3")
    assert again != following
    assert publish.SLUG.fullmatch(again)


def reworded(**changed: dict[str, str]) -> Questionnaire:
    items = list(WHOLE.items)
    items[1] = items[1].model_copy(update=changed)
    return WHOLE.model_copy(update={"items": tuple(items)})


def test_same_questionnaire_has_no_changes() -> None:
    assert changes(WHOLE, WHOLE) == []
    assert same_scale(WHOLE, WHOLE)


def test_changed_wording_is_found_with_both_wordings() -> None:
    after = reworded(perception={"en": "New words", "zh-CN": WHOLE.items[1].perception["zh-CN"]})
    (change,) = changes(WHOLE, after)
    assert (change.item, change.kind) == (WHOLE.items[1].id, "reworded")
    assert (change.before["en"], change.after["en"]) == (WHOLE.items[1].perception["en"], "New words")


def test_further_language_is_no_change_of_wording() -> None:
    after = reworded(perception=WHOLE.items[1].perception | {"de": "Neue Worte"})
    assert changes(WHOLE, after) == []
    assert changes(WHOLE, after.model_copy(update={"languages": (*WHOLE.languages, "de")})) == []


def test_items_that_came_and_went_are_named() -> None:
    shorter = WHOLE.model_copy(update={"items": WHOLE.items[1:]})
    assert [(one.item, one.kind) for one in changes(WHOLE, shorter)] == [(WHOLE.items[0].id, "dropped")]
    assert [(one.item, one.kind) for one in changes(shorter, WHOLE)] == [(WHOLE.items[0].id, "added")]


def test_other_columns_are_another_scale() -> None:
    assert not same_scale(WHOLE, load("pfs_customer").variant("three_column"))


def test_random_order_is_part_of_the_frozen_copy_only_when_chosen() -> None:
    assert "shuffled" not in WHOLE.dump()
    chosen = load("pfs_customer").variant(shuffled=True)
    assert chosen.dump()["shuffled"] is True
    assert Questionnaire.model_validate(chosen.dump()).shuffled
    assert {**chosen.dump(), "shuffled": None} == {**WHOLE.dump(), "shuffled": None}
