"""Coded answers from a table collected elsewhere: which column is which field, and what each value means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveys.codes import BLANK, DO_NOT_KNOW, NOT_APPLICABLE, NOT_ASKED
from surveys.coding import Codebook, Field, Refused, codebook
from surveys.exchange.tables import Column, FileError, Table
from surveys.flags import COLUMN, NAMES
from surveys.questionnaire import SUFFIX, Questionnaire

MOST_TOLD = 20
OWN_COLUMNS = (  # those of the product's own downloads
    *("submission", "unit", "via", "language", "month", "release", "item_order"),
    *(COLUMN + name for name in NAMES.values()),
)


@dataclass(frozen=True)
class BadCell:
    """One cell that cannot be used."""

    row: int
    column: str
    value: str
    allowed: str

    def __str__(self) -> str:
        return f"row {self.row}, column {self.column}: the value is {self.value!r}; allowed is {self.allowed}"


class BadRows(FileError):
    """Rows with cells that cannot be used."""

    def __init__(self, cells: list[BadCell], rows: list[int], n: int):
        self.cells, self.rows = cells, rows
        told = [str(cell) for cell in cells[:MOST_TOLD]]
        if len(cells) > MOST_TOLD:
            told.append(f"… and {len(cells) - MOST_TOLD} more cells")
        super().__init__(
            f"{len(rows)} of {n} rows cannot be used (rows {_listed(rows)}); correct them, or leave them out with "
            "--skip-bad-rows:\n" + "\n".join(told)
        )


@dataclass(frozen=True)
class Rules:
    """How the file marks what is missing and which columns are of no concern; adds to the questionnaire's own."""

    missing: tuple[str, ...] = ()
    not_applicable: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    skip_bad_rows: bool = False


@dataclass(frozen=True)
class FileAnswers:
    """Coded answers of a file, and the rows that were left out."""

    closed: NDArray[np.uint8]
    skipped: list[int] = field(default_factory=list)


def _listed(rows: Sequence[int]) -> str:
    shown = ", ".join(map(str, rows[:MOST_TOLD]))
    return shown + (", …" if len(rows) > MOST_TOLD else "")


def read_answers(questionnaire: Questionnaire, table: Table, rules: Rules | None = None) -> FileAnswers:
    """Code the answers of a table by the questionnaire's fields.

    Parameters
    ----------
    questionnaire : Questionnaire
        Its `data` section may map columns and declare missing codes.
    table : Table
        The opened file.
    rules : Rules, optional
        What the command line adds.

    Returns
    -------
    FileAnswers
        (n, fields) bytes.  A column of a question that the file does not have is "not asked"; so is an item of the
        short form, where its column ``<item>__asked`` is 0 or, without that column, where nothing of it is answered.

    Raises
    ------
    FileError
        Unknown or lacking columns.
    BadRows
        Cells that are no allowed value, unless bad rows are to be skipped.
    """
    rules = rules or Rules()
    book = codebook(questionnaire)
    source = _columns(questionnaire, book, table, rules)
    missing = frozenset(questionnaire.data.missing + rules.missing)
    absent = frozenset(questionnaire.data.not_applicable + rules.not_applicable)
    # Field after field lies together in memory, since the table gives columns.
    closed = np.full((len(book), table.n), NOT_ASKED, dtype=np.uint8).T
    bad: list[BadCell] = []
    bad_rows = np.zeros(table.n, dtype=bool)
    for place, entry in enumerate(book.fields):
        name = source.get(entry.name)
        if name is not None:
            coded, faults = _code(entry, table.columns[name], table.empty[name], missing, absent)
            closed[:, place] = _with_flags(entry, coded, table)
            for value, rows in faults:
                bad_rows[rows] = True
                allowed = entry.allowed + ", or an empty cell"
                bad += [BadCell(int(row) + table.first_row, name, value, allowed) for row in rows[: MOST_TOLD + 1]]
    _leave_out(questionnaire, book, table, closed)
    if bad_rows.any():
        numbers = [int(row) + table.first_row for row in np.flatnonzero(bad_rows)]
        if not rules.skip_bad_rows:
            raise BadRows(sorted(bad, key=lambda cell: (cell.row, cell.column)), numbers, table.n)
        return FileAnswers(np.ascontiguousarray(closed[~bad_rows].T).T, numbers)
    return FileAnswers(closed)


def tells_asked(questionnaire: Questionnaire, table: Table) -> bool:
    """Whether a file says of items who was asked them: the product's own download of a short form."""
    return any(f"{item.id}__asked" in table.columns for item in questionnaire.items)


def _leave_out(questionnaire: Questionnaire, book: Codebook, table: Table, closed: NDArray[np.uint8]) -> None:
    """Blanks of items that were not asked."""
    for item in questionnaire.items:
        places = [place for place, entry in enumerate(book.fields) if entry.item == item.id and entry.column]
        name = f"{item.id}__asked"
        if name not in table.columns and not book.fields[places[0]].drawn:
            continue
        blank = (closed[:, places] == BLANK).all(axis=1)
        if name in table.columns:
            said = [_written(value) in ("0", "false") for value in table.columns[name]]
            blank &= np.array(said, dtype=bool) & ~table.empty[name]
        closed[np.ix_(np.flatnonzero(blank), np.array(places))] = NOT_ASKED


def _with_flags(entry: Field, coded: NDArray[np.uint8], table: Table) -> NDArray[np.uint8]:
    """Blanks that a flag column of the product's own downloads explains."""
    for flag, byte in (("na", NOT_APPLICABLE), ("dk", DO_NOT_KNOW)):
        name = f"{entry.name}__{flag}"
        blank = np.flatnonzero(coded == BLANK)
        if len(blank) and name in table.columns:
            flags = table.columns[name][blank]
            if flags.dtype.kind in "biuf":
                said = flags == 1
            else:
                said = np.array([_written(value) in ("1", "true") for value in flags], dtype=bool)
            coded[blank[said]] = byte
    return coded


def _columns(questionnaire: Questionnaire, book: Codebook, table: Table, rules: Rules) -> dict[str, str]:
    """Field name -> column name, after the map of the questionnaire and the naming rule."""
    source = {entry.name: entry.name for entry in book.fields if entry.name in table.columns}
    for name, column in _mapped(questionnaire, book):
        if column not in table.columns:
            raise FileError(f"columns: {name} is mapped to {column!r}; the file has no such column")
        source[name] = column
    lacking = [entry.name for entry in book.fields if entry.column is not None and entry.name not in source]
    if lacking:
        raise FileError(
            f"the file lacks {len(lacking)} columns: {', '.join(lacking[:8])}{', …' if len(lacking) > 8 else ''}; "
            f"each item needs {' and '.join('<item>_' + SUFFIX[column] for column in questionnaire.columns)}, "
            "or a columns: map in the questionnaire"
        )
    flags = {f"{entry.name}__{flag}" for entry in book.fields for flag in ("na", "dk")}
    flags |= {f"{item.id}__asked" for item in questionnaire.items}
    used = set(source.values()) | set(book.texts) | set(OWN_COLUMNS) | flags
    ignored = questionnaire.data.ignore + rules.ignore
    unknown = [
        name
        for name in table.columns
        if name not in used and not any(fnmatchcase(name, pattern) for pattern in ignored)
    ]
    if unknown:
        raise FileError(
            f"unknown columns: {', '.join(unknown[:8])}{', …' if len(unknown) > 8 else ''}; allowed are the "
            "questionnaire's fields; name others under data: ignore: or with --ignore"
        )
    return source


def _mapped(questionnaire: Questionnaire, book: Codebook) -> Iterator[tuple[str, str]]:
    for key, target in questionnaire.data.columns.items():
        if isinstance(target, str):
            pairs = {key: target}
        elif any(item.id == key for item in questionnaire.items):
            letters = {str(column): letter for column, letter in SUFFIX.items()}
            pairs = {f"{key}_{letters.get(column, column)}": name for column, name in target.items()}
        else:
            pairs = {f"{key}__{code}": name for code, name in target.items()}
        for name, column in pairs.items():
            if name not in book.place:
                raise FileError(
                    f"columns: {name!r} is no field of the questionnaire; allowed are its items and questions"
                )
            yield name, column


def _code(
    entry: Field, column: Column, empty: NDArray[np.bool_], missing: frozenset[str], absent: frozenset[str]
) -> tuple[NDArray[np.uint8], list[tuple[str, NDArray[np.intp]]]]:
    """Bytes of one column, and the values that are not allowed with their rows."""
    quick = _code_integers(entry, column, empty) if column.dtype.kind in "iu" and not missing | absent else None
    if quick is not None:
        return quick, []
    values: Sequence[Any] | Column
    if column.dtype == object:
        values, inverse = _distinct(column, empty)
    else:
        values, inverse = np.unique(np.where(empty, 0, column) if empty.any() else column, return_inverse=True)
    coded = np.zeros(len(values), dtype=np.uint8)
    wrong: list[int] = []
    for place, value in enumerate(values):
        try:
            coded[place] = _byte(entry, _written(value), missing, absent)
        except Refused:
            wrong.append(place)
    answers = coded[inverse]
    answers[empty] = BLANK
    faults = []
    for place in wrong:
        rows = np.flatnonzero((inverse == place) & ~empty)
        if len(rows):
            faults.append((_written(values[place])[:60], rows))
    return answers, faults


def _distinct(column: Column, empty: NDArray[np.bool_]) -> tuple[list[str], NDArray[np.intp]]:
    """The different texts of a column of objects, and which of them stands in each row."""
    if set(map(type, column)) <= {str, type(None)}:
        cells = column  # nearly always; other things are written first, since 1, 1.0 and True are equal
    else:
        cells = np.array(["" if gone else str(cell) for cell, gone in zip(column, empty, strict=True)], dtype=object)
    first: dict[str, int] = {}
    found = np.fromiter(map(first.setdefault, cells, count()), np.intp, len(cells))
    place = np.zeros(len(cells), np.intp)
    place[list(first.values())] = np.arange(len(first))
    return [str(cell).strip() for cell in first], place[found]


def _code_integers(entry: Field, column: Column, empty: NDArray[np.bool_]) -> NDArray[np.uint8] | None:
    """The quick way for whole columns of allowed whole numbers; None when there is anything else."""
    if entry.kind == "choice" or not len(column):
        return None
    inside = column if not empty.any() else np.where(empty, entry.low, column)
    if inside.min() < entry.low or inside.max() > entry.high:
        return None
    coded = inside.astype(np.uint8) - np.uint8(entry.low) + np.uint8(1)
    coded[empty] = BLANK
    return coded


def _written(value: object) -> str:
    """A value as one would write it: whole numbers without a decimal point."""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating) and np.isfinite(value) and value == int(value):
        return str(int(value))
    text = str(value).strip()
    whole, dot, rest = text.partition(".")
    return whole if dot and whole.isdigit() and rest and not rest.strip("0") else text


def _byte(entry: Field, text: str, missing: frozenset[str], absent: frozenset[str]) -> int:
    if text in missing:
        return BLANK
    if text in absent:
        return NOT_APPLICABLE if entry.kind == "rating" else BLANK
    byte = entry.read(text)
    return NOT_APPLICABLE if byte == DO_NOT_KNOW and entry.na is None else byte
