"""The migrations bring exactly the tables of the models, on both databases."""

from sqlalchemy import Engine, inspect, text
from sqlmodel import SQLModel

from surveys.store.migrate import check, upgrade


def test_models_and_migrations_agree(engine: Engine) -> None:
    check(engine)  # raises when a model has something that no migration brings
    assert set(SQLModel.metadata.tables) <= set(inspect(engine).get_table_names())


def test_upgrading_twice_changes_nothing(engine: Engine) -> None:
    before = sorted(inspect(engine).get_table_names())
    upgrade(engine)
    assert sorted(inspect(engine).get_table_names()) == before
    check(engine)


def test_sqlite_keeps_what_it_acknowledges(sqlite: Engine) -> None:
    with sqlite.connect() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2  # FULL
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1


def test_tables_of_answers_keep_no_row_number(sqlite: Engine) -> None:
    with sqlite.connect() as connection:
        rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'")).all()
    made: dict[str, str] = {name: sql for name, sql in rows}
    for table in ("draft", "spent", "waiting", "submission", "comment"):
        assert "WITHOUT ROWID" in made[table]
