"""One-time links and the queue of mails, on SQLite and on PostgreSQL: once is once, and nothing says whose."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import OperationalError

from surveys.authoring import load
from surveys.coding import Codebook
from surveys.store import collect, contacts, invitations, publish, releases
from surveys.store.collect import Arrival
from surveys.store.contacts import Entry
from surveys.store.database import Writer, writing
from surveys.store.invitations import Letter, OtherKey, Queued, Spent, link_hash, take_in
from surveys.tables import Survey

TODAY = date(2026, 11, 23)
KEY = b"k" * 32
LINKS, TRIES = (1000, 10) if os.environ.get("FIVEGAPS_LONG") else (100, 10)
Result = TypeVar("Result")


def published(engine: Engine, slug: str) -> Survey:
    with writing(engine) as session:
        return publish.publish(
            session,
            load("pfs_customer").variant(),
            slug=slug,
            bank="Harbour Bank",
            wave="2026-2",
            opens_on=TODAY,
            closes_on=None,
            today=TODAY,
        )


@pytest.fixture
def survey(engine: Engine) -> Survey:
    return published(engine, "harbour")


@pytest.fixture
def book(survey: Survey) -> Codebook:
    return collect.codebook_of(survey)


def write(engine: Engine, job: Callable[[Connection], Result]) -> Result:
    with engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
        return job(connection)


def people(n: int, unit: str = "South", start: int = 0) -> list[Entry]:
    return [Entry(f"c{number}@bank.example", unit, "en", "") for number in range(start, start + n)]


def invite(
    engine: Engine, survey: Survey, entries: list[Entry], *, day: date = TODAY, quiet: int = 30, floor: int = 10
) -> Queued:
    write(engine, lambda connection: contacts.add(connection, survey.id or 0, entries))
    return write(
        engine,
        lambda connection: invitations.queue_invitations(
            connection, survey.id or 0, KEY, today=day, quiet=quiet, floor=floor
        ),
    )


def remind(engine: Engine, survey: Survey, day: date, key: bytes = KEY) -> Queued:
    return write(engine, lambda connection: invitations.queue_reminders(connection, survey.id or 0, key, today=day))


def send_all(engine: Engine, survey: Survey, day: date = TODAY, quiet: int = 30) -> list[Letter]:
    """Claim and confirm all that waits, as the sender does."""
    letters: list[Letter] = []

    def claim(connection: Connection) -> Letter | None:
        return invitations.claim(connection, survey.id or 0, KEY, today=day, quiet=quiet)

    while letter := write(engine, claim):
        write(engine, lambda connection, one=letter: invitations.sent(connection, one))
        letters.append(letter)
    return letters


def tokens(engine: Engine, survey: Survey) -> list[str]:
    with engine.connect() as connection:
        stops = connection.execute(text("SELECT stop FROM contact ORDER BY id")).scalars().all()
    return [invitations.token_for(KEY, survey.id or 0, stop) for stop in stops]


def arrival(book: Codebook, key: str = "", level: int = 5) -> Arrival:
    closed = bytes([level] * 44 + [0] * (len(book) - 44))
    return Arrival(key or collect.new_key(), closed, {}, "en", TODAY, "South", "invitation")


def answer(engine: Engine, survey: Survey, book: Codebook, token: str, key: str = "", level: int = 5) -> list[str]:
    one = arrival(book, key, level)
    return write(engine, lambda connection: take_in(connection, survey.id or 0, book, one, link_hash(token)))


def rows(engine: Engine, table: str) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(f"SELECT * FROM {table}")).mappings()]


def racing(engine: Engine, survey: Survey, n: int) -> list[str]:
    invite(engine, survey, people(n))
    links = tokens(engine, survey)
    assert len(links) == n
    tries = links * TRIES
    secrets.SystemRandom().shuffle(tries)
    return tries


def test_race_for_one_time_links_stores_exactly_one_each(engine: Engine, survey: Survey, book: Codebook) -> None:
    tries = racing(engine, survey, LINKS)

    def attempt(token: str) -> bool:
        try:
            return bool(answer(engine, survey, book, token))
        except Spent:
            return False

    with ThreadPoolExecutor(16) as pool:
        won = sum(pool.map(attempt, tries))
    assert (won, len(rows(engine, "waiting")), len(rows(engine, "spent"))) == (LINKS, LINKS, LINKS)
    assert all(row["spent"] for row in rows(engine, "one_time_link"))


def test_the_same_race_sees_a_link_that_is_looked_at_before_it_is_spent(
    engine: Engine, survey: Survey, book: Codebook
) -> None:
    tries = sorted(racing(engine, survey, 50))

    def attempt(token: str) -> bool:
        with engine.connect() as connection:
            opening = invitations.find(connection, token)
        if opening is None or opening.spent:
            return False
        write(engine, lambda connection: collect.ingest(connection, survey.id or 0, book, [arrival(book)]))
        spend = text("UPDATE one_time_link SET spent = true WHERE link_hash = :link")
        write(engine, lambda connection: connection.execute(spend, {"link": opening.link_hash}))
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(attempt, tries)) > 50


def test_race_through_writers_of_several_processes_is_as_exact(engine: Engine, survey: Survey, book: Codebook) -> None:
    """Each writer commits many at once; those that meet another's in the opposite order are told to try again."""
    tries = racing(engine, survey, 50)
    writers, deadlocks = [Writer(engine) for _ in range(3)], list[str]()

    def attempt(place: int) -> str:
        one, link = arrival(book), link_hash(tries[place])
        for _ in range(20):
            future = writers[place % 3].submit(lambda connection: take_in(connection, survey.id or 0, book, one, link))
            try:
                return future.result(60)[0]
            except Spent:
                return ""
            except OperationalError as error:
                deadlocks.append(str(error))
        raise AssertionError("never stored, never refused")

    with ThreadPoolExecutor(24) as pool:
        codes = list(pool.map(attempt, range(len(tries))))
    for writer in writers:
        writer.stop()
    assert sum(map(bool, codes)) == len(rows(engine, "waiting")) == 50
    assert all("deadlock" in told for told in deadlocks)


def test_same_answers_race_for_their_own_link_and_all_get_the_receipt(
    engine: Engine, survey: Survey, book: Codebook
) -> None:
    invite(engine, survey, people(10))
    token = tokens(engine, survey)[0]
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: answer(engine, survey, book, token, "own-key")[0], range(40)))
    assert set(codes) == {collect.receipt_code("own-key")}
    assert len(rows(engine, "waiting")) == 1


def test_lost_acknowledgement_is_repeated_on_a_spent_link(engine: Engine, survey: Survey, book: Codebook) -> None:
    invite(engine, survey, people(10))
    token = tokens(engine, survey)[0]
    first = answer(engine, survey, book, token, "own-key")
    assert answer(engine, survey, book, token, "own-key") == first
    with pytest.raises(collect.Conflict):
        answer(engine, survey, book, token, "own-key", level=3)
    with pytest.raises(Spent):
        answer(engine, survey, book, token, "other-key")
    assert (len(rows(engine, "waiting")), len(rows(engine, "spent"))) == (1, 1)


def test_link_of_another_survey_or_of_nobody_stores_nothing(engine: Engine, survey: Survey, book: Codebook) -> None:
    other = published(engine, "spring")
    invite(engine, survey, people(10))
    for token in (tokens(engine, survey)[0], "A" * 22):
        with pytest.raises(Spent):
            answer(engine, other, book, token)
    assert (rows(engine, "waiting"), rows(engine, "spent")) == ([], [])
    assert not any(row["spent"] for row in rows(engine, "one_time_link"))


def test_answers_that_do_not_fit_leave_the_link_unspent(engine: Engine, survey: Survey, book: Codebook) -> None:
    invite(engine, survey, people(10))
    bad = Arrival("key", b"\xff", {}, "en", TODAY)
    with pytest.raises(ValueError, match="fields"):
        write(
            engine,
            lambda connection: take_in(connection, survey.id or 0, book, bad, link_hash(tokens(engine, survey)[0])),
        )
    assert not any(row["spent"] for row in rows(engine, "one_time_link"))


# ---- What can be told from the tables


def test_answering_changes_nothing_but_the_link_s_own_row(engine: Engine, survey: Survey, book: Codebook) -> None:
    invite(engine, survey, people(20))
    send_all(engine, survey)
    tables = ("contact", "invited", "mail", "contact_list", "opened", "survey")
    before = [rows(engine, table) for table in tables]
    links = {row["link_hash"]: row for row in rows(engine, "one_time_link")}
    token = tokens(engine, survey)[3]
    answer(engine, survey, book, token)
    assert [rows(engine, table) for table in tables] == before
    changed = [row for row in rows(engine, "one_time_link") if row != links[row["link_hash"]]]
    assert changed == [links[link_hash(token)] | {"spent": True}]


def test_no_table_leads_from_a_contact_to_a_link_or_an_answer(engine: Engine, survey: Survey, book: Codebook) -> None:
    invite(engine, survey, people(20))
    send_all(engine, survey)
    for token in tokens(engine, survey)[:7]:
        answer(engine, survey, book, token)
    write(engine, lambda connection: releases.release(connection, survey.id or 0, TODAY))
    look = inspect(engine)
    leading = {
        table: {key["referred_table"] for key in look.get_foreign_keys(table)} for table in look.get_table_names()
    }
    for table in ("one_time_link", "spent", "waiting", "submission", "comment", "draft", "opened"):
        assert leading[table] == {"survey"}
    every = {table: str(rows(engine, table)) for table in look.get_table_names()}
    for row in rows(engine, "one_time_link"):
        assert [table for table, held in every.items() if row["link_hash"] in held] == ["one_time_link"]
    for row in rows(engine, "contact"):
        assert [table for table, held in every.items() if row["stop"] in held] == ["contact"]
    assert not any(token in held for token in tokens(engine, survey) for held in every.values())
    kinds = {str(column["type"]) for table in ("one_time_link", "opened") for column in look.get_columns(table)}
    assert not any("DATE" in kind or "TIME" in kind for kind in kinds)  # not even a day


def test_order_and_transactions_of_postgresql_match_no_link_to_an_answer(
    engine: Engine, survey: Survey, book: Codebook
) -> None:
    invite(engine, survey, people(40))
    send_all(engine, survey)
    if engine.dialect.name == "sqlite":  # there, a table without row numbers has no order but that of its hashes
        stored = [row["link_hash"] for row in rows(engine, "one_time_link")]
        assert stored == sorted(stored)
        return
    with engine.connect() as connection:
        made = connection.execute(text("SELECT count(DISTINCT xmin::text) FROM one_time_link")).scalar()
    assert made == 1  # no transaction is one contact's
    for token in tokens(engine, survey)[:30]:
        answer(engine, survey, book, token)
    write(engine, lambda connection: releases.release(connection, survey.id or 0, TODAY))
    join = "SELECT count(*) FROM {} a JOIN submission b ON a.xmin::text = b.xmin::text"
    with engine.connect() as connection:
        for table in ("one_time_link", "contact", "invited", "mail", "spent"):
            assert connection.execute(text(join.format(table))).scalar() == 0


def test_few_customers_of_a_branch_are_not_named_by_it(engine: Engine, survey: Survey) -> None:
    entries = people(30, "South") + people(12, "North", 30) + people(3, "Tiny", 42)
    invite(engine, survey, entries)
    carried = [(row["unit"], row["channel"]) for row in rows(engine, "one_time_link")]
    # Three without a branch would be told as those of Tiny; so those of the next branch go with them.
    assert sorted(set(carried)) == [("", "invitation"), ("South", "invitation")]
    assert carried.count(("", "invitation")) == 15


def test_a_few_contacts_carry_nothing_at_all(engine: Engine, survey: Survey) -> None:
    invite(engine, survey, people(3))
    assert {(row["unit"], row["channel"]) for row in rows(engine, "one_time_link")} == {("", "")}


# ---- The queue


def test_everybody_is_written_to_once_whoever_sends(engine: Engine, survey: Survey) -> None:
    invite(engine, survey, people(60))
    with ThreadPoolExecutor(6) as pool:
        letters = [one for some in pool.map(lambda _: send_all(engine, survey), range(6)) for one in some]
    assert len(letters) == len({one.contact_id for one in letters}) == 60
    assert {row["state"] for row in rows(engine, "mail")} == {"sent"}


def test_mail_cut_off_by_a_crash_is_never_sent_again_that_round(engine: Engine, survey: Survey) -> None:
    invite(engine, survey, people(12))
    cut = write(engine, lambda connection: invitations.claim(connection, survey.id or 0, KEY, today=TODAY, quiet=30))
    assert cut is not None  # and nothing is heard of it
    assert cut.contact_id not in {letter.contact_id for letter in send_all(engine, survey)}
    assert invite(engine, survey, []).mails == 0
    assert remind(engine, survey, TODAY + timedelta(days=3)).mails == 12  # a new round reaches it again
    failed = write(engine, lambda connection: contacts.failures(connection, survey.id or 0))
    assert failed == [(cut.address, "sending", "")]


def test_reminders_go_only_to_those_who_have_not_answered(engine: Engine, survey: Survey, book: Codebook) -> None:
    invite(engine, survey, people(12))
    first = send_all(engine, survey)
    later = TODAY + timedelta(days=3)
    for letter in first[:2]:
        answer(engine, survey, book, letter.token)
    write(engine, lambda connection: contacts.opt_out(connection, first[2].stop))
    write(engine, lambda connection: contacts.bounce(connection, [first[3].address.upper()]))
    assert remind(engine, survey, TODAY + timedelta(days=2)) == Queued(0, 8)
    assert remind(engine, survey, later) == Queued(8, 0)
    answer(engine, survey, book, first[4].token)  # after the queue was made
    write(engine, lambda connection: contacts.opt_out(connection, first[5].stop))
    second = send_all(engine, survey, later)
    assert {letter.address for letter in second} == {letter.address for letter in first[6:]}
    assert {letter.round for letter in second} == {1}
    assert {letter.token for letter in second} == {letter.token for letter in first[6:]}  # the same link as before


def test_nobody_is_reminded_more_than_three_times(engine: Engine, survey: Survey) -> None:
    invite(engine, survey, people(10))
    send_all(engine, survey)
    days = [TODAY + timedelta(days=3 * number) for number in range(1, 6)]
    assert [(remind(engine, survey, day).mails, len(send_all(engine, survey, day))) for day in days] == [
        (10, 10),
        (10, 10),
        (10, 10),
        (0, 0),
        (0, 0),
    ]


def test_contact_rests_between_surveys(engine: Engine, survey: Survey) -> None:
    other = published(engine, "spring")
    invite(engine, survey, people(10))
    invite(engine, other, people(10))  # queued for both, before either was sent
    assert len(send_all(engine, survey)) == 10
    assert send_all(engine, other) == []
    assert invite(engine, other, people(2, start=10), day=TODAY + timedelta(days=29)) == Queued(2, 10)
    assert invite(engine, other, [], day=TODAY + timedelta(days=30)) == Queued(10, 0)
    assert len(send_all(engine, other, TODAY + timedelta(days=30))) == 12


def test_another_key_is_noticed_and_a_queue_called_off_begins_anew(engine: Engine, survey: Survey) -> None:
    assert invite(engine, survey, people(10)) == Queued(10, 0)
    assert write(engine, lambda connection: invitations.call_off(connection, survey.id or 0)) == 10
    assert invite(engine, survey, []) == Queued(10, 0)
    send_all(engine, survey)
    with pytest.raises(OtherKey):
        remind(engine, survey, TODAY + timedelta(days=3), b"x" * 32)


def test_refused_mail_is_tried_again_and_does_not_count_as_mail(engine: Engine, survey: Survey) -> None:
    invite(engine, survey, people(10))
    letter = write(engine, lambda connection: invitations.claim(connection, survey.id or 0, KEY, today=TODAY, quiet=30))
    assert letter is not None
    write(engine, lambda connection: invitations.not_sent(connection, letter, "failed", "554 no"))
    assert [row["mailed_on"] for row in rows(engine, "contact") if row["address"] == letter.address] == [None]
    send_all(engine, survey)
    assert invite(engine, survey, []) == Queued(1, 0)
    assert [one.address for one in send_all(engine, survey)] == [letter.address]


def test_counts_tell_how_far_it_is(engine: Engine, survey: Survey, book: Codebook) -> None:
    invite(engine, survey, people(12))
    letters = send_all(engine, survey)
    for letter in letters[:6]:
        write(engine, lambda connection: invitations.count_opening(connection, survey.id or 0))
        answer(engine, survey, book, letter.token)
    write(engine, lambda connection: contacts.opt_out(connection, letters[7].stop))
    before = write(engine, lambda connection: contacts.counts(connection, survey.id or 0))
    assert (before.contacts, before.invited, before.opened, before.opted_out) == (12, 12, 6, 1)
    assert before.answered == 0  # no count moves by one person
    write(engine, lambda connection: releases.release(connection, survey.id or 0, TODAY))
    assert write(engine, lambda connection: contacts.counts(connection, survey.id or 0)).answered == 6


def test_list_is_added_once_and_compared_with_what_is_stored(engine: Engine, survey: Survey) -> None:
    other = published(engine, "spring")
    invite(engine, other, people(3))
    invite(engine, survey, people(4, start=2))
    stops = [row["stop"] for row in rows(engine, "contact") if row["address"] == "c5@bank.example"]
    assert write(engine, lambda connection: contacts.opt_out(connection, stops[0]))
    coming = [Entry("C0@bank.example", "", "en", ""), *people(7, start=1)]
    found = write(engine, lambda connection: contacts.compare(connection, survey.id or 0, coming))
    assert (found.new, found.known, found.listed, found.silent) == (2, 2, 3, 1)
    assert write(engine, lambda connection: contacts.add(connection, survey.id or 0, coming)) == 4
    assert write(engine, lambda connection: contacts.add(connection, survey.id or 0, coming)) == 0


def test_list_waits_a_day_to_be_taken_over(engine: Engine, survey: Survey) -> None:
    entries = people(2)
    digest = write(engine, lambda connection: contacts.stage(connection, survey.id or 0, entries, TODAY))
    for day, found in ((1, (digest, entries)), (2, None)):
        then = TODAY + timedelta(days=day)
        assert write(engine, lambda connection, when=then: contacts.staged(connection, survey.id or 0, when)) == found
