"""What stands beside the answers in a file: branch, way in, language, day, comments, who answered, how they came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from surveys.coding import Codebook
from surveys.exchange.tables import FileError, Table
from surveys.flags import COLUMN, NAMES
from surveys.order import SEEDS

Texts = NDArray[np.object_]

USUAL = {"branch": "unit", "way_in": "via", "language": "language"}
"""Columns of the product's own downloads, taken without being named."""


@dataclass(frozen=True)
class Beside:
    """(n,) texts, "" where nothing is known; None for what the file does not hold."""

    branch: Texts | None = None
    way_in: Texts | None = None
    language: Texts | None = None
    person: Texts | None = None
    days: NDArray[np.int32] | None = None
    comments: tuple[tuple[str, tuple[str, ...]], ...] = ()
    flags: dict[str, NDArray[np.bool_]] = field(default_factory=dict)  # of `surveys.flags.NAMES`, those the file has
    order: NDArray[np.int32] | None = None  # seeds of the items' order (`surveys.order`)


def read_beside(book: Codebook, table: Table, columns: Mapping[str, str | None], skipped: list[int]) -> Beside:
    """Read what stands beside the answers.

    Parameters
    ----------
    book : Codebook
        Its free texts are the comments.
    table : Table
    columns : "branch", "way_in", "language", "person" or "day" -> column
        Those that were named; others are taken where a download of the product has them.
    skipped : list of int
        Numbers of the rows that were left out of the answers.

    Returns
    -------
    Beside

    Raises
    ------
    FileError
        A named column that the file does not have, a day that is no date, or a flag or seed that is none.
    """
    kept = np.ones(table.n, np.bool_)
    kept[np.array(skipped, np.int64) - table.first_row] = False
    for name, column in columns.items():
        if column is not None and column not in table.columns:
            listed = ", ".join(list(table.columns)[:8])
            raise FileError(f"--{name.replace('_', '-')}: the file has no column {column!r}; it has {listed}, …")

    def texts(name: str) -> Texts | None:
        column = columns.get(name) or USUAL.get(name)
        return _texts(table, column)[kept] if column is not None and column in table.columns else None

    found = {name: texts(name) for name in ("branch", "way_in", "language", "person")}
    day = columns.get("day")
    days = None if day is None else _days(table, day)[kept]
    comments = tuple(
        (name, tuple(text for text in _texts(table, name)[kept] if text))
        for name in book.texts
        if name in table.columns
    )
    flags = {
        name: _whole(table, COLUMN + name, 1)[kept] == 1 for name in NAMES.values() if COLUMN + name in table.columns
    }
    order = _whole(table, "item_order", SEEDS)[kept] if "item_order" in table.columns else None
    return Beside(**found, days=days, comments=comments, flags=flags, order=order)


def _texts(table: Table, name: str) -> Texts:
    """A column as texts without white space around them; whole numbers without a decimal point."""
    found = np.full(table.n, "", object)
    for row in np.flatnonzero(~table.empty[name]):
        value = table.columns[name][row]
        number = isinstance(value, float | np.floating) and float(value).is_integer()
        found[row] = str(int(value)) if number else str(value).strip()
    return found


def _whole(table: Table, name: str, most: int) -> NDArray[np.int32]:
    """Whole numbers of a column of the product's own downloads; 0 where it is empty."""
    found = np.zeros(table.n, np.int32)
    for row, text in enumerate(_texts(table, name)):
        if text and not (text.isascii() and text.isdigit() and int(text) <= most):
            raise FileError(
                f"row {row + table.first_row}, column {name}: the value is {text[:40]!r}; allowed is a whole number "
                f"from 0 to {most}"
            )
        found[row] = int(text or 0)
    return found


def _days(table: Table, name: str) -> NDArray[np.int32]:
    """Days as numbers in order."""
    found = np.zeros(table.n, np.int32)
    values = table.columns[name]
    for row in range(table.n):
        value = values[row]
        if isinstance(value, datetime | date):
            found[row] = value.toordinal()
            continue
        try:
            text = str(value.astype("datetime64[D]")) if isinstance(value, np.datetime64) else str(value).strip()
            found[row] = date.fromisoformat(text[:10]).toordinal()
        except ValueError:
            raise FileError(
                f"row {row + table.first_row}, column {name}: the value is {str(value)!r}; allowed is a day "
                "as 2026-03-31"
            ) from None
    return found


def pairs_of(first: Texts, second: Texts) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of the same person in both files; who stands twice in one file belongs to nobody for certain.

    Returns
    -------
    (m,), (m,)
        Places in the first and in the second file.
    """

    def once(texts: Texts) -> dict[str, int]:
        seen: dict[str, int] = {}
        twice = set()
        for row, text in enumerate(texts.tolist()):
            if text in seen:
                twice.add(text)
            seen[text] = row
        return {text: row for text, row in seen.items() if text and text not in twice}

    left, right = once(first), once(second)
    both = [name for name in left if name in right]
    return np.array([left[name] for name in both], np.intp), np.array([right[name] for name in both], np.intp)
