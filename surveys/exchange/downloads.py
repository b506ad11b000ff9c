"""Released submissions as CSV and Parquet, with columns that depend on the questionnaire alone.

Ratings are numbers; an empty cell is a rating that was not given.  Where "not applicable" could be chosen, a column
``<field>__na`` tells it from a blank (1: not applicable), so that a mean over a rating column is right without care.
In the short form a column ``<item>__asked`` tells blanks from items that were not asked (0: not asked).
Columns ``flag_<name>`` (0 or 1) tell how the answers came, and ``item_order`` the seed of the items' order,
where it was drawn by lot.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from surveys import flags
from surveys.codes import DO_NOT_KNOW, HIGHEST_ANSWER, NOT_APPLICABLE, NOT_ASKED
from surveys.coding import Codebook, Field
from surveys.store.read import Released, period_of

# A run of eight digits or more, spaced or not: an account, card, telephone or identity number.
NUMBER = re.compile(r"\d(?:[ -]?\d){7,}[Xx]?")
BOM = b"\xef\xbb\xbf"
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return "'" + text if text.startswith(FORMULA) else text


def as_table(book: Codebook, released: Released, *, shuffled: bool = False) -> pa.Table:
    """All released submissions as one Arrow table.

    Rows are numbered in the order of their receipts' hashes, which tells nothing; the day is given as its month.
    With `shuffled`, the items stood in an order drawn by lot, and its seed is told.
    """
    n = released.n
    months = {day: period_of(day) for day in set(released.day.tolist())}
    columns: dict[str, pa.Array] = {
        "submission": pa.array(np.arange(1, n + 1, dtype=np.int32)),
        "unit": _texts(released.unit),
        "via": _texts(released.channel),
        "language": _texts(released.language),
        "month": pa.array([months[day] for day in released.day], pa.string()),
    }
    given = np.zeros(n, np.int32) if released.flags is None else released.flags
    columns |= {flags.COLUMN + name: pa.array((given & bit > 0).astype(np.int8)) for bit, name in flags.NAMES.items()}
    if shuffled:
        columns["item_order"] = pa.array(np.zeros(n, np.int32) if released.order is None else released.order)
    for place, entry in enumerate(book.fields):
        column = np.ascontiguousarray(released.closed[:, place])
        if entry.drawn:  # the same in each of the item's columns
            columns.setdefault(f"{entry.item}__asked", pa.array((column != NOT_ASKED).astype(np.int8)))
        columns[entry.name] = _values(entry, column)
        if entry.na:
            columns[f"{entry.name}__na"] = pa.array(np.equal(column, NOT_APPLICABLE).astype(np.int8))
        if entry.dk:
            columns[f"{entry.name}__dk"] = pa.array(np.equal(column, DO_NOT_KNOW).astype(np.int8))
    return pa.table(columns)


def _texts(column: NDArray[np.object_]) -> pa.Array:
    return pa.array([harmless(str(text)) for text in column], pa.string())


def _values(entry: Field, column: NDArray[np.uint8]) -> pa.Array:
    answered = (column > 0) & (column <= HIGHEST_ANSWER)
    if entry.kind == "choice":
        names = pa.array([harmless(option) for option in entry.options], pa.string())
        places = pa.array(np.where(answered, column, 1).astype(np.int32) - 1, mask=~answered)
        return pa.DictionaryArray.from_arrays(places, names).cast(pa.string())
    numbers = np.where(answered, column.astype(np.int16) - 1 + entry.low, 0)
    return pa.array(numbers.astype(np.int16), mask=~answered)


def as_csv(book: Codebook, released: Released, *, bom: bool = False, shuffled: bool = False) -> bytes:
    """CSV in UTF-8; `bom` adds the mark by which Excel knows it."""
    out = io.BytesIO()
    if bom:
        out.write(BOM)
    options = pyarrow.csv.WriteOptions(include_header=True, quoting_style="needed")
    pyarrow.csv.write_csv(as_table(book, released, shuffled=shuffled), out, options)
    return out.getvalue()


def as_parquet(book: Codebook, released: Released, about: dict[str, str], *, shuffled: bool = False) -> bytes:
    """Parquet (zstd); `about` goes into the file's metadata."""
    table = as_table(book, released, shuffled=shuffled)
    table = table.replace_schema_metadata({f"fivegaps.{key}": value for key, value in about.items()})
    out = io.BytesIO()
    pyarrow.parquet.write_table(table, out, compression="zstd")
    return out.getvalue()


def comments_csv(comments: Sequence[tuple[str, str, str]], floor: int) -> bytes:
    """Free texts as CSV for Excel and others: question, language, text.

    They stand in the order of their keys, which is none, and without anything of the other answers.  A question with
    fewer than `floor` texts is left out; long numbers are masked, since they may name an account or a person.
    """
    counts = Counter(question for question, _, _ in comments)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["question", "language", "text"])
    for question, language, text in comments:
        if counts[question] >= floor:
            writer.writerow([question, language, harmless(NUMBER.sub("[…]", text))])
    return BOM + out.getvalue().encode("utf-8")
