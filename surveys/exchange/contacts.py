"""Lists of contacts: CSV or Excel, one row a person, read as a whole or refused with a reason for each bad row."""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from surveys.addresses import ALLOWED, same, tidy
from surveys.exchange.tables import FileError, Table, open_table
from surveys.store.contacts import Entry

LARGEST_FILE = 10_000_000
LARGEST_UNPACKED = 50_000_000
MOST_PARTS = 100  # files inside an Excel file
HIGHEST_RATIO = 100
MOST_ROWS = 100_000
ENDINGS = (".csv", ".tsv", ".xlsx")
NAMES = {
    "address": ("address", "e-mail", "email", "mail", "邮箱", "电子邮箱", "地址"),
    "unit": ("unit", "branch", "网点"),
    "language": ("language", "lang", "语言"),
    "segment": ("segment", "客群", "分组"),
}
SEGMENT = re.compile(r"[\w.-]{0,40}")


@dataclass(frozen=True)
class Problem:
    """What is wrong with one cell of a list, or with its header (row 1)."""

    row: int
    column: str
    code: Literal["address", "double", "unit", "language", "segment", "unknown", "twice", "missing"]
    value: str = ""
    allowed: str = ""

    def __str__(self) -> str:
        sentences = {
            "address": "the value is {value!r}; allowed is {allowed}",
            "double": "{value!r} stands in row {allowed} already; allowed is each address once",
            "unit": "the value is {value!r}; allowed are up to 80 characters in one line",
            "language": "the value is {value!r}; allowed are {allowed}, or nothing",
            "segment": "the value is {value!r}; allowed are up to 40 letters, digits, points, hyphens and underscores",
            "unknown": "there is no such column; allowed are {allowed}",
            "twice": "the column stands twice under two names; allowed is each column once",
            "missing": "the column is missing; allowed is a first row that names it",
        }
        words = sentences[self.code].format(value=self.value[:80], allowed=self.allowed)
        return f"row {self.row}, column {self.column}: {words}"


class ListError(FileError):
    """A file that cannot be used as a list of contacts; `code` says why, `value` what was found."""

    def __init__(self, code: Literal["ending", "size", "packed", "rows", "nobody"], value: str = ""):
        self.code, self.value = code, value
        sentences = {
            "ending": f"its name ends in {value!r}; allowed are {', '.join(ENDINGS)}",
            "size": f"it has {value} bytes; allowed are {LARGEST_FILE:,}",
            "packed": f"it unpacks to {value} bytes; allowed are {LARGEST_UNPACKED:,}, in no more than {MOST_PARTS} "
            f"parts and no more than {HIGHEST_RATIO} times its size",
            "rows": f"it has {value} rows; allowed are {MOST_ROWS:,}",
            "nobody": "it has no row below the header; allowed is one row a contact",
        }
        super().__init__(f"file: {sentences[code]}")


def read_contacts(name: str, data: bytes, languages: Sequence[str]) -> tuple[list[Entry], list[Problem]]:
    """Read a list of contacts.

    Parameters
    ----------
    name
        The file's name; its ending says of which kind it is.
    data
        The file.
    languages
        The survey's languages; an empty cell means the first.

    Returns
    -------
    entries, problems
        The good rows, and all that is wrong with the others.  A list with problems is not to be stored.

    Raises
    ------
    FileError
        When the file as a whole cannot be used.
    """
    table = _open(name, data)
    columns, problems = _columns(table)
    if problems:
        return [], problems
    entries: list[Entry] = []
    seen: dict[str, int] = {}
    cells = {field: _texts(table, column) for field, column in columns.items()}
    for place in range(table.n):
        given = {field: texts[place] for field, texts in cells.items()}
        row = table.first_row + place
        if not any(given.values()):
            continue  # an empty line is nobody
        entry, wrong = _entry(row, given, columns, languages, seen)
        problems += wrong
        if not wrong:
            entries.append(entry)
    return entries, problems


def _open(name: str, data: bytes) -> Table:
    ending = Path(name).suffix.lower()
    if ending not in ENDINGS:
        raise ListError("ending", ending[:20])
    if len(data) > LARGEST_FILE:
        raise ListError("size", f"{len(data):,}")
    if ending == ".xlsx":
        check_packed(data)
    with tempfile.TemporaryDirectory(prefix="fivegaps-") as folder:
        path = Path(folder) / f"contacts{ending}"  # never under the name that a stranger gave it
        path.write_bytes(data)
        table = open_table(path)
    if table.n > MOST_ROWS:
        raise ListError("rows", f"{table.n:,}")
    if not table.n:
        raise ListError("nobody")
    return table


def check_packed(data: bytes, most: int = LARGEST_UNPACKED) -> None:
    """Refuse an Excel file that unpacks to far more than it is, before anything unpacks it."""
    import io

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise FileError("file: not a readable Excel workbook; allowed is .xlsx") from error
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > MOST_PARTS or unpacked > min(most, HIGHEST_RATIO * len(data)):
        raise ListError("packed", f"{unpacked:,}")


def _columns(table: Table) -> tuple[dict[str, str], list[Problem]]:
    """Field -> name of its column in the file."""
    found: dict[str, str] = {}
    problems = []
    for column in table.columns:
        field = next((field for field, names in NAMES.items() if column.strip().lower() in names), "")
        if not field:
            problems.append(Problem(1, column[:40], "unknown", column, ", ".join(NAMES)))
        elif field in found:
            problems.append(Problem(1, column[:40], "twice", column))
        else:
            found[field] = column
    if "address" not in found:
        problems.append(Problem(1, "address", "missing"))
    return found, problems


def _texts(table: Table, column: str) -> list[str]:
    empty = table.empty[column]
    return ["" if gone else _text(value) for value, gone in zip(table.columns[column], empty, strict=True)]


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # Excel keeps the branch 12 as 12.0
    return str(value).strip()


def _entry(
    row: int, given: dict[str, str], columns: dict[str, str], languages: Sequence[str], seen: dict[str, int]
) -> tuple[Entry, list[Problem]]:
    wrong: list[Problem] = []
    address, language = "", _language(given.get("language", ""), languages)
    try:
        address = tidy(given["address"])
        if first := seen.get(same(address)):
            wrong.append(Problem(row, columns["address"], "double", given["address"], str(first)))
        seen.setdefault(same(address), row)
    except ValueError:
        wrong.append(Problem(row, columns["address"], "address", given["address"], ALLOWED))
    unit, segment = given.get("unit", ""), given.get("segment", "")
    if len(unit) > 80 or not unit.isprintable():
        wrong.append(Problem(row, columns["unit"], "unit", unit))
    if language is None:
        wrong.append(Problem(row, columns["language"], "language", given["language"], ", ".join(languages)))
    if not SEGMENT.fullmatch(segment):
        wrong.append(Problem(row, columns["segment"], "segment", segment))
    return Entry(address, unit, language or "", segment), wrong


def _language(text: str, languages: Sequence[str]) -> str | None:
    """The survey's language that was meant: its tag, or the part before the hyphen; None when there is none."""
    if not text:
        return languages[0]
    wanted = text.lower().replace("_", "-")
    exact = [tag for tag in languages if tag.lower() == wanted]
    return next(iter(exact or [tag for tag in languages if tag.split("-")[0].lower() == wanted.split("-")[0]]), None)
