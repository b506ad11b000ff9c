"""The database: opening it, reading from it, and one writer that commits many answers at once."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

Result = TypeVar("Result")
BUSY_MS = 30_000
MOST_AT_ONCE = 200  # jobs in one commit


class NotDurable(RuntimeError):
    """The database would acknowledge answers that a power cut could take away."""


def open_database(url: str) -> Engine:
    """An engine for SQLite or PostgreSQL, set so that an acknowledged answer is on disk.

    Raises
    ------
    NotDurable
        When PostgreSQL runs with fsync or synchronous_commit off.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql" and parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite", pool_size=20, max_overflow=20)
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    return engine


def check_durable(engine: Engine) -> None:
    """Refuse a PostgreSQL that does not keep what it acknowledges."""
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                if connection.exec_driver_sql(f"SHOW {setting}").scalar() == "off":
                    raise NotDurable(f"PostgreSQL runs with {setting}=off; set {setting}=on, or answers can be lost")


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _connected(connection: Any, record: Any) -> None:
        # The driver must not begin or end transactions by itself: savepoints and BEGIN IMMEDIATE need our hand.
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout={BUSY_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",
            "cache_size=-65536",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if begin := connection.get_execution_options().get("begin", "BEGIN"):
            connection.exec_driver_sql(begin)


def truncate_log(engine: Engine) -> None:
    """Empty SQLite's write-ahead log, which keeps the inbox's rows in the order in which they came.

    `secure_delete` scrubs the file of the database, not the log.  With PostgreSQL the log is the operator's matter.
    """
    if engine.dialect.name == "sqlite":
        with engine.execution_options(begin="").connect() as connection:
            # A reader in the middle of something puts it off until the next release; nobody waits for it.
            connection.exec_driver_sql("PRAGMA busy_timeout=200")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_MS}")


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that reads one consistent state."""
    with Session(engine, expire_on_commit=False) as session:
        yield session


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A session that commits at the end; on SQLite it takes the write lock at once and so never has to upgrade."""
    # BEGIN IMMEDIATE: a transaction that reads and then writes would fail at once, not wait, if another wrote between.
    with Session(engine.execution_options(begin="BEGIN IMMEDIATE"), expire_on_commit=False) as session:
        yield session
        session.commit()


class Writer:
    """One thread that gathers what arrives while it commits, and commits that together.

    `do` returns when the job's changes are on disk.  A job that fails is rolled back alone; those beside it may be
    run a second time for it, so a job has no other effects than its changes.
    """

    def __init__(self, engine: Engine):
        self._engine = engine.execution_options(begin="BEGIN IMMEDIATE")
        self._jobs: queue.SimpleQueue[tuple[Callable[[Connection], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="fivegaps-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[Connection], Result]) -> Future[Result]:
        """Queue `job`; the future is done when its changes are on disk."""
        future: Future[Result] = Future()
        self._jobs.put((job, future))
        return future

    def do(self, job: Callable[[Connection], Result], timeout: float = 30) -> Result:
        """Run `job` in the next commit and wait for it."""
        return self.submit(job).result(timeout)

    def stop(self) -> None:
        """Finish what is queued and end the thread."""
        self._jobs.put(None)
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while (first := self._jobs.get()) is not None:
            batch, ended = [first], False
            while len(batch) < MOST_AT_ONCE:
                try:
                    following = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    ended = True
                    break
                batch.append(following)
            self._commit(batch)
            if ended:
                return

    def _commit(self, batch: list[tuple[Callable[[Connection], Any], Future[Any]]]) -> None:
        results: list[tuple[Future[Any], Any, BaseException | None]] = []
        # A job whose sender went away before its turn is dropped; from here on none can be called off.
        batch = [(job, future) for job, future in batch if future.set_running_or_notify_cancel()]
        try:
            try:
                with self._engine.begin() as connection:
                    results = [(future, job(connection), None) for job, future in batch]
            except (SQLAlchemyError, ValueError, LookupError):
                # Failures are rare, so each job gets a savepoint of its own only when one of the batch has failed.
                results = self._commit_one_by_one(batch)
        except SQLAlchemyError as error:
            # The commit itself failed (disk full, server gone): nothing of the batch was kept, and each is told so.
            results = [(future, None, error) for _, future in batch]
        for future, result, fault in results:
            if fault is None:
                future.set_result(result)
            else:
                future.set_exception(fault)

    def _commit_one_by_one(
        self, batch: list[tuple[Callable[[Connection], Any], Future[Any]]]
    ) -> list[tuple[Future[Any], Any, BaseException | None]]:
        results: list[tuple[Future[Any], Any, BaseException | None]] = []
        with self._engine.begin() as connection:
            for job, future in batch:
                try:
                    with connection.begin_nested():
                        results.append((future, job(connection), None))
                except (SQLAlchemyError, ValueError, LookupError) as error:
                    results.append((future, None, error))
        return results
