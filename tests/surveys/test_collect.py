"""Answers come in once, leave in shuffled batches, and can be taken back; on SQLite and on PostgreSQL."""

import threading
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from surveys.authoring import load
from surveys.coding import Codebook
from surveys.store import collect, lifecycle, publish, receipts, releases
from surveys.store.collect import Arrival, Conflict
from surveys.store.database import Writer, truncate_log, writing
from surveys.store.read import comments, released
from surveys.tables import Draft, Survey

TODAY = date(2026, 11, 23)
Result = TypeVar("Result")


@pytest.fixture
def survey(engine: Engine) -> Survey:
    with writing(engine) as session:
        return publish.publish(
            session,
            load("pfs_customer").variant(),
            slug="harbour",
            bank="Harbour Bank",
            wave="2026-2",
            opens_on=TODAY,
            closes_on=None,
            today=TODAY,
        )


@pytest.fixture
def book(survey: Survey) -> Codebook:
    return collect.codebook_of(survey)


def write(engine: Engine, job: Callable[[Connection], Result]) -> Result:
    with engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
        return job(connection)


def arrival(book: Codebook, key: str, level: int = 5, **more: object) -> Arrival:
    return Arrival(key, bytes([level] * 44 + [0] * (len(book) - 44)), {}, "en", TODAY, **more)


def sent(engine: Engine, survey: Survey, book: Codebook, *arrivals: Arrival) -> list[str]:
    return write(engine, lambda connection: collect.ingest(connection, survey.id or 0, book, arrivals))


def waiting(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM waiting")).scalar_one())


def test_same_answers_twice_are_one_and_give_one_receipt(engine: Engine, survey: Survey, book: Codebook) -> None:
    first = sent(engine, survey, book, arrival(book, "key-1"))
    assert sent(engine, survey, book, arrival(book, "key-1")) == first
    assert waiting(engine) == 1


def test_same_key_with_other_answers_is_a_conflict(engine: Engine, survey: Survey, book: Codebook) -> None:
    sent(engine, survey, book, arrival(book, "key-1"))
    with pytest.raises(Conflict):
        sent(engine, survey, book, arrival(book, "key-1", level=3))
    assert waiting(engine) == 1


def test_key_is_spent_after_the_release_too(engine: Engine, survey: Survey, book: Codebook) -> None:
    keys = [f"key-{n}" for n in range(5)]
    sent(engine, survey, book, *(arrival(book, key) for key in keys))
    write(engine, lambda connection: releases.release(connection, survey.id or 0, TODAY))
    sent(engine, survey, book, arrival(book, "key-3"))
    assert waiting(engine) == 0


@pytest.mark.parametrize("bad", [bytes(3), b"\x08" + bytes(200)])
def test_bytes_that_do_not_fit_are_refused_and_nothing_is_kept(
    engine: Engine, survey: Survey, book: Codebook, bad: bytes
) -> None:
    wrong = Arrival("key-2", bad[: len(book)].ljust(3, b"\0"), {}, "en", TODAY)
    with pytest.raises(ValueError, match="fields|allowed"):
        sent(engine, survey, book, arrival(book, "key-1"), wrong)
    assert waiting(engine) == 0


def test_fewer_than_a_batch_is_not_released(engine: Engine, survey: Survey, book: Codebook) -> None:
    sent(engine, survey, book, *(arrival(book, f"key-{n}") for n in range(4)))
    assert write(engine, lambda connection: releases.due(connection, TODAY)) == []
    assert write(engine, lambda connection: releases.release(connection, survey.id or 0, TODAY)) is None
    assert waiting(engine) == 4


def test_release_moves_everything_and_changes_nothing(engine: Engine, survey: Survey, book: Codebook) -> None:
    rng = np.random.default_rng(1)
    bodies = [bytes(rng.integers(1, 8, 44).astype(np.uint8)) + bytes(len(book) - 44) for _ in range(40)]
    sent(engine, survey, book, *(Arrival(f"k{n}", body, {}, "en", TODAY, "South") for n, body in enumerate(bodies)))
    assert write(engine, lambda connection: releases.due(connection, TODAY)) == [(survey.id, releases.BATCH)]
    assert write(engine, lambda connection: releases.release(connection, survey.id or 0, TODAY)) == 1
    with engine.connect() as connection:
        got = released(connection, survey.id or 0, book)
    assert sorted(row.tobytes() for row in got.closed) == sorted(bodies)
    assert set(got.unit) == {"South"}
    assert waiting(engine) == 0


def test_order_of_arrival_cannot_be_read_from_the_rows(engine: Engine, survey: Survey, book: Codebook) -> None:
    # 200 answers numbered by their first bytes; in whatever order the table gives them, correlation is chance.
    def numbered(n: int) -> bytes:
        return bytes([1 + n // 36 % 6, 1 + n // 6 % 6, 1 + n % 6] + [4] * 41) + bytes(len(book) - 44)

    for n in range(200):
        sent(engine, survey, book, Arrival(f"k{n}", numbered(n), {}, "en", TODAY))
    write(engine, lambda connection: releases.release(connection, survey.id or 0, TODAY))
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT closed FROM submission")).scalars().all()
    order = [(row[0] - 1) * 36 + (row[1] - 1) * 6 + row[2] - 1 for row in map(bytes, rows)]
    assert abs(np.corrcoef(order, range(200))[0, 1]) < 0.35


def test_no_row_holds_key_code_or_clock_time(engine: Engine, survey: Survey, book: Codebook) -> None:
    [code] = sent(engine, survey, book, arrival(book, "the-secret-key"))
    with engine.connect() as connection:
        held = str([connection.execute(text(f"SELECT * FROM {table}")).all() for table in ("waiting", "spent")])
    assert code not in held
    assert "the-secret-key" not in held
    assert "datetime.datetime" not in held


def test_receipt_opens_the_answers_before_and_after_the_release(engine: Engine, survey: Survey, book: Codebook) -> None:
    spoken = Arrival("mine", bytes([6] * 44) + bytes(len(book) - 44), {"comment_praise": "Kind staff"}, "en", TODAY)
    [code] = sent(engine, survey, book, spoken)
    before = write(engine, lambda connection: receipts.open_receipt(connection, code.lower().replace("-", " ")))
    sent(engine, survey, book, *(arrival(book, f"k{n}") for n in range(4)))
    write(engine, lambda connection: releases.release(connection, survey.id or 0, TODAY))
    after = write(engine, lambda connection: receipts.open_receipt(connection, code))
    assert before is not None
    assert after is not None
    assert (before.waiting, after.waiting) == (True, False)
    assert before.answers == after.answers
    assert after.answers.comments == {"comment_praise": "Kind staff"}


def test_comment_cannot_be_joined_to_its_submission(engine: Engine, survey: Survey, book: Codebook) -> None:
    bodies = [Arrival(f"k{n}", bytes(len(book)), {"comment_praise": f"text {n}"}, "en", TODAY) for n in range(6)]
    sent(engine, survey, book, *bodies)
    write(engine, lambda connection: releases.release(connection, survey.id or 0, TODAY))
    with engine.connect() as connection:
        receipts = set(connection.execute(text("SELECT receipt_hash FROM submission")).scalars())
        keys = set(connection.execute(text("SELECT key_hash FROM comment")).scalars())
        assert len(comments(connection, survey.id or 0)) == 6
    assert not receipts & keys


def test_withdrawn_answers_waiting_are_gone_at_once(engine: Engine, survey: Survey, book: Codebook) -> None:
    [code] = sent(engine, survey, book, arrival(book, "k"))
    assert write(engine, lambda connection: receipts.withdraw(connection, code))
    assert waiting(engine) == 0
    assert not write(engine, lambda connection: receipts.withdraw(connection, code))


def test_withdrawn_answers_leave_the_report_with_the_next_release(
    engine: Engine, survey: Survey, book: Codebook
) -> None:
    codes = sent(engine, survey, book, *(arrival(book, f"a{n}") for n in range(5)))
    write(engine, lambda connection: releases.release(connection, survey.id or 0, TODAY))
    assert write(engine, lambda connection: receipts.withdraw(connection, codes[2]))
    assert write(engine, lambda connection: releases.release(connection, survey.id or 0, TODAY)) is None
    sent(engine, survey, book, *(arrival(book, f"b{n}") for n in range(4)))
    assert write(engine, lambda connection: releases.release(connection, survey.id or 0, TODAY)) == 2
    with engine.connect() as connection:
        assert released(connection, survey.id or 0, book).n == 8


def test_last_few_of_a_closed_survey_stay_in_the_inbox(engine: Engine, survey: Survey, book: Codebook) -> None:
    sent(engine, survey, book, *(arrival(book, f"k{n}") for n in range(4)))
    close(engine, survey)
    assert write(engine, lambda connection: releases.due(connection, TODAY)) == []
    assert waiting(engine) == 4


def test_withdrawal_after_closing_takes_effect_the_next_day_and_alone(
    engine: Engine, survey: Survey, book: Codebook
) -> None:
    codes = sent(engine, survey, book, *(arrival(book, f"a{n}") for n in range(6)))
    write(engine, lambda connection: releases.release(connection, survey.id or 0, TODAY))
    sent(engine, survey, book, arrival(book, "late"))
    close(engine, survey)
    assert write(engine, lambda connection: receipts.withdraw(connection, codes[0]))
    assert write(engine, lambda connection: releases.due(connection, TODAY)) == []
    tomorrow = TODAY + timedelta(days=1)
    assert write(engine, lambda connection: releases.due(connection, tomorrow)) == [(survey.id, 1)]
    write(engine, lambda connection: releases.release(connection, survey.id or 0, tomorrow, least=1))
    with engine.connect() as connection:
        assert released(connection, survey.id or 0, book).n == 5
    assert waiting(engine) == 1
    assert write(engine, lambda connection: releases.due(connection, tomorrow)) == []


def close(engine: Engine, survey: Survey) -> None:
    with writing(engine) as session:
        lifecycle.move(session, survey, "closed", date(2026, 3, 1))


def test_one_key_from_many_senders_at_once_is_stored_once(engine: Engine, survey: Survey, book: Codebook) -> None:
    start = threading.Barrier(8)
    codes: list[str] = []

    def send() -> None:
        start.wait()
        codes.extend(sent(engine, survey, book, arrival(book, "the-one")))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(codes) == 8
    assert len(set(codes)) == 1
    assert waiting(engine) == 1


def test_writer_keeps_good_jobs_when_one_fails(engine: Engine, survey: Survey, book: Codebook) -> None:
    writer = Writer(engine)

    def job(key: str, level: int = 5) -> Callable[[Connection], list[str]]:
        return lambda connection: collect.ingest(connection, survey.id or 0, book, [arrival(book, key, level)])

    futures = [writer.submit(job(key)) for key in ("a", "b")]
    bad = writer.submit(job("a", 2))
    assert all(future.result(10) for future in futures)
    with pytest.raises(Conflict):
        bad.result(10)
    writer.stop()
    assert waiting(engine) == 2


def begun(engine: Engine, survey: Survey, book: Codebook) -> Draft:
    """A draft in the database that the key "t" opens."""
    draft = Draft(
        token_hash=collect.fingerprint("draft", "t"),
        survey_id=survey.id or 0,
        language="en",
        closed=bytes(len(book)),
        comments={},
        expires_on=collect.draft_expiry(TODAY),
    )
    write(engine, lambda connection: collect.begin_draft(connection, draft))
    return draft


def test_expired_drafts_are_deleted(engine: Engine, survey: Survey, book: Codebook) -> None:
    begun(engine, survey, book)
    with engine.connect() as connection:
        assert collect.find_draft(connection, survey.id or 0, "t") is not None
    assert write(engine, lambda connection: collect.delete_expired_drafts(connection, TODAY)) == 0
    assert write(engine, lambda connection: collect.delete_expired_drafts(connection, date(2027, 1, 1))) == 1


def test_log_of_sqlite_forgets_the_order_of_arrival(sqlite: Engine, tmp_path: Path) -> None:
    with writing(sqlite) as session:
        survey = publish.publish(
            session,
            load("pfs_customer").variant(),
            slug="s",
            bank="B",
            wave="1",
            opens_on=TODAY,
            closes_on=None,
            today=TODAY,
        )
    book = collect.codebook_of(survey)
    codes = [code for n in range(6) for code in sent(sqlite, survey, book, arrival(book, f"k{n}"))]
    write(sqlite, lambda connection: releases.release(connection, survey.id or 0, TODAY))
    truncate_log(sqlite)
    log = (tmp_path / "test.sqlite3-wal").read_bytes()
    assert not any(collect.fingerprint("receipt", collect.tidy_code(code)).encode() in log for code in codes)


def test_draft_that_was_sent_is_not_brought_back(engine: Engine, survey: Survey, book: Codebook) -> None:
    draft = begun(engine, survey, book)
    sent(engine, survey, book, arrival(book, "t"))
    write(engine, lambda connection: collect.save_draft(connection, draft))
    with engine.connect() as connection:
        assert collect.find_draft(connection, survey.id or 0, "t") is None


def test_sending_deletes_the_draft(engine: Engine, survey: Survey, book: Codebook) -> None:
    begun(engine, survey, book)
    sent(engine, survey, book, arrival(book, "t"))
    with engine.connect() as connection:
        assert collect.find_draft(connection, survey.id or 0, "t") is None


def test_receipt_codes_are_readable_and_differ() -> None:
    codes = {collect.receipt_code(collect.new_key()) for _ in range(200)}
    assert len(codes) == 200
    assert all(len(code) == 19 and code.count("-") == 3 and not set("ILOU") & set(code) for code in codes)


def test_code_typed_with_look_alikes_still_opens() -> None:
    assert collect.tidy_code(" 7k4m-q2xr-9dht-w6po ") == collect.tidy_code("7K4M Q2XR 9DHT W6P0")


def test_writer_goes_on_when_a_sender_goes_away_and_when_a_job_fails(engine: Engine, survey: Survey) -> None:
    writer = Writer(engine)
    held, go_on = threading.Event(), threading.Event()

    def hold(connection: Connection) -> None:
        held.set()
        go_on.wait(10)

    first = writer.submit(hold)
    held.wait(10)
    gone = writer.submit(lambda connection: 1)
    assert gone.cancel()
    wrong = writer.submit(lambda connection: connection.exec_driver_sql("SELECT nothing FROM nowhere"))
    right = writer.submit(lambda connection: 3)
    go_on.set()
    assert first.result(10) is None
    assert right.result(10) == 3
    with pytest.raises(SQLAlchemyError):
        wrong.result(10)
    assert writer.do(lambda connection: 4) == 4
    writer.stop()
