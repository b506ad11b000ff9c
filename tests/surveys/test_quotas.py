"""Quotas: exact however many answers arrive at a time, on both databases, and never a reason to lose an answer."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select
from sqlmodel import col

from surveys.authoring import load
from surveys.coding import codebook
from surveys.flags import OVER
from surveys.form import pages
from surveys.simulate import simulate_arrivals
from surveys.store import collect, publish, quotas, receipts, releases
from surveys.store.collect import Arrival, receipt_code
from surveys.store.database import Writer, writing
from surveys.store.quotas import Wrong
from surveys.tables import Survey, Waiting

TODAY = date(2026, 11, 2)
BASE = load("pfs_customer")
FIRST = BASE.variant().screenable[0]
QUESTIONNAIRE = BASE.variant(screening=(FIRST,))
BOOK = codebook(QUESTIONNAIRE)
OPTIONS = [option.code for option in QUESTIONNAIRE.question(FIRST).options]


@pytest.fixture
def survey(engine: Engine) -> Survey:
    with writing(engine) as session:
        return publish.publish(
            session, QUESTIONNAIRE, slug="s", bank="B", wave="1", opens_on=TODAY, closes_on=None, today=TODAY
        )


def coming(n: int, unit: str = "North", channel: str = "counter", option: int = 0) -> list[Arrival]:
    """Answers of people of one group."""
    found = []
    for one in simulate_arrivals(QUESTIONNAIRE, n, day=TODAY):
        closed = bytearray(one.closed)
        closed[BOOK.place[FIRST]] = option + 1
        found.append(replace(one, closed=bytes(closed), unit=unit, channel=channel))
    return found


def limit(connection: Connection, survey: Survey, most: int, **what: str) -> None:
    quotas.add(connection, survey.id or 0, QUESTIONNAIRE, BOOK, what | {"most": str(most)}, TODAY)


def over(connection: Connection) -> list[bool]:
    return [bool(flags & OVER) for flags in connection.execute(select(col(Waiting.flags))).scalars()]


def state(engine: Engine, survey: Survey) -> list[tuple[int, int]]:
    with engine.connect() as connection:
        return [(one.taken, one.turned) for one in quotas.all_of(connection, survey.id or 0)]


def test_answers_beyond_the_quota_are_kept_and_flagged(engine: Engine, survey: Survey) -> None:
    with engine.begin() as connection:
        limit(connection, survey, 3, unit="North")
        collect.ingest(connection, survey.id or 0, BOOK, coming(5))
        collect.ingest(connection, survey.id or 0, BOOK, coming(2, unit="South"))
        assert Counter(over(connection)) == {False: 5, True: 2}
        (found,) = quotas.all_of(connection, survey.id or 0)
    assert (found.taken, found.turned, found.filled_on) == (3, 2, TODAY)


def test_never_more_unflagged_than_allowed_however_many_arrive_at_once(engine: Engine, survey: Survey) -> None:
    with engine.begin() as connection:
        limit(connection, survey, 7, unit="North")
        limit(connection, survey, 4, question=FIRST, option=OPTIONS[0])
    writers = [Writer(engine) for _ in range(4)]  # as many processes
    gate = threading.Barrier(4)

    def send(writer: Writer, option: int) -> None:
        arrivals = coming(8, option=option)
        gate.wait()
        for one in arrivals:
            writer.do(lambda connection, one=one: collect.ingest(connection, survey.id or 0, BOOK, [one]), timeout=120)

    threads = [threading.Thread(target=send, args=(writer, at % 2)) for at, writer in enumerate(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for writer in writers:
        writer.stop()
    with engine.connect() as connection:
        rows = connection.execute(select(col(Waiting.closed), col(Waiting.flags))).all()
    unflagged = [closed for closed, flags in rows if not flags & OVER]
    first = sum(closed[BOOK.place[FIRST]] == 1 for closed in unflagged)
    assert len(rows) == 32 and len(unflagged) == 7 and first <= 4
    (north, group) = state(engine, survey)
    assert north[0] == 7 and group[0] == first


def test_answer_that_one_quota_refuses_takes_no_place_in_another(engine: Engine, survey: Survey) -> None:
    with engine.begin() as connection:
        limit(connection, survey, 10, unit="North")
        limit(connection, survey, 1, question=FIRST, option=OPTIONS[1])
        collect.ingest(connection, survey.id or 0, BOOK, coming(3, option=1))
    assert state(engine, survey) == [(1, 0), (1, 2)]


def test_quota_of_branch_and_group_counts_only_both_together(engine: Engine, survey: Survey) -> None:
    with engine.begin() as connection:
        limit(connection, survey, 1, unit="North", question=FIRST, option=OPTIONS[0])
        for unit, option in (("North", 1), ("South", 0), ("North", 0), ("North", 0)):
            collect.ingest(connection, survey.id or 0, BOOK, coming(1, unit=unit, option=option))
        assert Counter(over(connection)) == {False: 3, True: 1}


def test_same_answers_sent_twice_take_one_place(engine: Engine, survey: Survey) -> None:
    with engine.begin() as connection:
        limit(connection, survey, 5, unit="North")
        one = coming(1)
        collect.ingest(connection, survey.id or 0, BOOK, one)
        collect.ingest(connection, survey.id or 0, BOOK, one)
    assert state(engine, survey) == [(1, 0)]


def test_quota_added_later_starts_with_what_is_there(engine: Engine, survey: Survey) -> None:
    mine = coming(6, option=1)
    with engine.begin() as connection:
        collect.ingest(connection, survey.id or 0, BOOK, mine)
        releases.release(connection, survey.id or 0, TODAY)
        # Corrected answers lie in the inbox beside the released ones, and count once.
        again = replace(mine[0], key=collect.new_key())
        receipts.correct(connection, survey.id or 0, BOOK, again, receipt_code(mine[0].key))
        collect.ingest(connection, survey.id or 0, BOOK, coming(2, option=0))
        limit(connection, survey, 7, question=FIRST, option=OPTIONS[1])
        limit(connection, survey, 8, channel="counter")
        found = quotas.all_of(connection, survey.id or 0)
    assert [(one.taken, one.filled_on) for one in found] == [(6, None), (8, TODAY)]


def test_withdrawing_and_correcting_change_no_quota(engine: Engine, survey: Survey) -> None:
    one = coming(1)
    with engine.begin() as connection:
        limit(connection, survey, 1, question=FIRST, option=OPTIONS[0])
        collect.ingest(connection, survey.id or 0, BOOK, one)
        moved = replace(coming(1, option=1)[0], key=collect.new_key())
        receipts.correct(connection, survey.id or 0, BOOK, moved, receipt_code(one[0].key))
        assert state_of(connection, survey) == [(1, 0)]
        receipts.withdraw(connection, receipt_code(one[0].key))
        assert state_of(connection, survey) == [(1, 0)]


def state_of(connection: Connection, survey: Survey) -> list[tuple[int, int]]:
    return [(one.taken, one.turned) for one in quotas.all_of(connection, survey.id or 0)]


def test_quota_can_be_widened_and_deleted(engine: Engine, survey: Survey) -> None:
    with engine.begin() as connection:
        limit(connection, survey, 1, unit="North")
        collect.ingest(connection, survey.id or 0, BOOK, coming(1))
        (one,) = quotas.all_of(connection, survey.id or 0)
        assert one.full and one.filled_on == TODAY
        assert quotas.change(connection, survey.id or 0, one.id, QUESTIONNAIRE, "2", TODAY)
        (one,) = quotas.all_of(connection, survey.id or 0)
        assert not one.full and one.filled_on is None
        assert not quotas.delete(connection, 99, one.id)
        assert quotas.delete(connection, survey.id or 0, one.id)
        assert quotas.all_of(connection, survey.id or 0) == ()


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"most": "5"}, "a quota needs a branch, a way in or an option"),
        ({"unit": "N", "most": "0"}, "the number of answers is '0'; allowed is a whole number from 1 to 1,000,000"),
        ({"unit": "N", "most": "１２"}, "the number of answers is '１２'"),
        ({"unit": "N" * 81, "most": "5"}, "the value has 81 characters; allowed are up to 80"),
        ({"question": "nothing", "option": "x", "most": "5"}, f"'nothing' is not asked first; allowed are {FIRST}"),
        ({"question": FIRST, "option": "x", "most": "5"}, "'x' is no option; allowed are "),
        ({"unit": "North", "most": "5"}, "there is a quota of the same answers already"),
    ],
)
def test_bad_quota_is_told_and_not_stored(engine: Engine, survey: Survey, wish: dict[str, Any], said: str) -> None:
    with engine.begin() as connection:
        limit(connection, survey, 1, unit="North")
        with pytest.raises(Wrong) as told:
            quotas.add(connection, survey.id or 0, QUESTIONNAIRE, BOOK, wish, TODAY)
        assert said in str(told.value)
        assert len(quotas.all_of(connection, survey.id or 0)) == 1


def test_question_that_has_a_quota_is_asked_first_and_only_once() -> None:
    found = pages(QUESTIONNAIRE)
    names = [card.name for page in found for card in page.cards]
    assert found[0].title == "screening" and [card.name for card in found[0].cards] == [FIRST]
    assert sorted(names) == sorted(card.name for page in pages(BASE.variant()) for card in page.cards)
