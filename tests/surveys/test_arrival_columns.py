"""Downloads tell how answers came and in which order items stood, and such files can be read back."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from surveys.authoring import load
from surveys.coding import codebook
from surveys.exchange.answers import read_answers
from surveys.exchange.beside import read_beside
from surveys.exchange.codebooks import describe
from surveys.exchange.downloads import as_csv, as_parquet, as_table
from surveys.exchange.tables import FileError, open_table
from surveys.flags import NAMES
from surveys.simulate import DEMO, simulate, simulate_arrivals
from surveys.store import collect, publish, read, releases

QUESTIONNAIRE = load("pfs_customer").variant().model_copy(update={"shuffled": True})
BOOK = codebook(QUESTIONNAIRE)
TODAY = date(2026, 11, 2)
N = 30
FLAGS = (np.arange(N) * 7 % 64).astype(np.int32)
ORDER = (np.arange(N) * 2000).astype(np.int32)


def given() -> read.Released:
    drawn = simulate(QUESTIONNAIRE, N, DEMO, np.random.default_rng(1))
    day, ones = np.full(N, TODAY, object), np.ones(N, np.int32)
    return read.Released(drawn.closed, drawn.unit, drawn.channel, drawn.language, day, ones, FLAGS, ORDER)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_flags_and_order_go_through_a_file_unchanged(tmp_path: Path, ending: str) -> None:
    path, answers = tmp_path / f"d.{ending}", given()
    csv, parquet = as_csv(BOOK, answers, shuffled=True), as_parquet(BOOK, answers, {}, shuffled=True)
    path.write_bytes(csv if ending == "csv" else parquet)
    table = open_table(path)
    found = read_beside(BOOK, table, {}, [])
    assert np.array_equal(read_answers(QUESTIONNAIRE, table).closed, answers.closed)
    assert {name: one.tolist() for name, one in found.flags.items()} == {
        name: [bool(flags & bit) for flags in FLAGS.tolist()] for bit, name in NAMES.items()
    }
    assert found.order is not None and found.order.tolist() == ORDER.tolist()


def test_every_column_is_in_the_codebook_and_order_only_where_it_was_drawn() -> None:
    plain = QUESTIONNAIRE.model_copy(update={"shuffled": False})
    for questionnaire in (QUESTIONNAIRE, plain):
        columns = [column["name"] for column in describe(questionnaire, {})["columns"]]
        assert columns == as_table(BOOK, given(), shuffled=questionnaire.shuffled).column_names
        assert ("item_order" in columns) is questionnaire.shuffled


@pytest.mark.parametrize(("column", "value", "allowed"), [("flag_late", "2", "1"), ("item_order", "x", "65535")])
def test_bad_flag_is_told_with_its_row(tmp_path: Path, column: str, value: str, allowed: str) -> None:
    lines = as_csv(BOOK, given(), shuffled=True).decode().split("\n")
    names, cells = lines[0].replace('"', "").split(","), lines[3].split(",")
    cells[names.index(column)] = value
    lines[3] = ",".join(cells)
    (tmp_path / "d.csv").write_text("\n".join(lines), encoding="utf-8")
    said = rf"row 4, column {column}: the value is '{value}'; allowed is a whole number from 0 to {allowed}"
    with pytest.raises(FileError, match=said):
        read_beside(BOOK, open_table(tmp_path / "d.csv"), {}, [])


def test_what_was_stored_is_what_researchers_get(engine: Engine) -> None:
    with Session(engine) as session:
        survey = publish.publish(
            session, QUESTIONNAIRE, slug="s", bank="B", wave="1", opens_on=TODAY, closes_on=None, today=TODAY
        )
        session.commit()
        number = survey.id or 0
    arrivals = simulate_arrivals(QUESTIONNAIRE, 6, day=TODAY)
    arrivals = [collect.Arrival(**{**vars(one), "flags": 3 * at, "order": 100 + at}) for at, one in enumerate(arrivals)]
    with engine.begin() as connection:
        collect.ingest(connection, number, BOOK, arrivals)
        releases.release(connection, number, TODAY)
    with engine.connect() as connection:
        found = read.released(connection, number, BOOK)
    assert found.flags is not None and found.order is not None
    assert sorted(zip(found.order.tolist(), found.flags.tolist(), strict=True)) == [
        (100 + at, 3 * at) for at in range(6)
    ]


def test_parquet_keeps_flags_small() -> None:
    assert str(as_table(BOOK, given()).schema.field("flag_burst").type) == "int8"
