"""Opening a data file: CSV, TSV, Excel, SPSS, Stata or Parquet, as named columns of plain values."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import numpy as np
from numpy.typing import NDArray

Column = NDArray[Any]
MOST_COLUMNS = 5_000
LARGEST_UNPACKED = 500_000_000  # an Excel file is a zip; this much text inside is refused before it is opened
HIGHEST_RATIO = 200


class FileError(ValueError):
    """A data file that cannot be used; the message says what was found and what is allowed."""


@dataclass(frozen=True)
class Table:
    """Columns of a data file.

    Attributes
    ----------
    columns
        Name -> values.  Text files give strings ("" is empty); Parquet, SPSS and Stata give numbers, with None
        or NaN where `empty` tells that nothing was written.
    first_row
        Number of the first data row as the file's own program counts it: 2 under a header line, else 1.
    """

    columns: Mapping[str, Column]
    empty: Mapping[str, NDArray[np.bool_]]
    n: int
    first_row: int
    sha256: str


def open_table(path: Path) -> Table:
    """Read a data file by its ending.

    Raises
    ------
    FileError
        When the file is missing, empty, of another kind, damaged, or names a column twice.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise FileError(f"{path.name}: the ending is {path.suffix or 'missing'!r}; allowed are {', '.join(_READERS)}")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileError(
            f"{path}: the file cannot be read ({error.strerror}); allowed is a readable data file"
        ) from error
    if not data.strip():
        raise FileError(f"{path.name}: the file is empty; at least a header row with column names is needed")
    table = reader(path, data)
    if len(table.columns) > MOST_COLUMNS:
        raise FileError(f"{path.name}: {len(table.columns)} columns; allowed are at most {MOST_COLUMNS}")
    return table


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _once(names: list[str], path: Path) -> None:
    seen: set[str] = set()
    for place, name in enumerate(names, 1):
        if name == "":
            raise FileError(f"{path.name}: column {place} has no name; each column needs one in the first row")
        if name in seen:
            raise FileError(f"{path.name}: the column {name!r} stands twice; each name may stand once")
        seen.add(name)


def _text(path: Path, data: bytes, delimiter: str) -> Table:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise FileError(
            f"{path.name}: line {line} is not UTF-8 text; allowed is UTF-8 (in Excel: save as “CSV UTF-8”)"
        ) from error
    if "\x00" in text:
        raise FileError(f"{path.name}: the file holds null characters; allowed is plain UTF-8 text (not UTF-16)")
    csv.field_size_limit(10_000_000)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise FileError(f"{path.name}: not readable as a table ({error}); allowed are quoted or plain cells") from error
    if not rows:
        raise FileError(f"{path.name}: the file is empty; at least a header row with column names is needed")
    names = [name.strip() for name in rows[0]]
    _once(names, path)
    while len(rows) > 1 and not rows[-1]:
        rows.pop()  # empty lines at the end are no respondents
    body = rows[1:]
    for number, row in enumerate(body, 2):
        if len(row) != len(names):
            raise FileError(
                f"{path.name}: row {number} has {len(row)} cells; "
                f"allowed are {len(names)}, one a column (row 1 is the header)"
            )
    columns = {
        name: np.array(column, dtype=object)
        for name, column in zip(names, zip(*body, strict=True) if body else [() for _ in names], strict=True)
    }
    empty = {name: np.array([cell.strip() == "" for cell in column], dtype=bool) for name, column in columns.items()}
    return Table(columns, empty, len(body), 2, _hash(data))


def _csv(path: Path, data: bytes) -> Table:
    header = data.split(b"\n", 1)[0]
    delimiter = ";" if header.count(b";") > header.count(b",") else ","
    return _text(path, data, delimiter)


def _tsv(path: Path, data: bytes) -> Table:
    return _text(path, data, "\t")


def _xlsx(path: Path, data: bytes) -> Table:
    import openpyxl

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > LARGEST_UNPACKED or unpacked > HIGHEST_RATIO * len(data) + 1_000_000:
            raise FileError(f"{path.name}: the file unpacks to {unpacked:,} bytes; that is too much to be opened")
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        rows = [list(row) for row in sheet.iter_rows(values_only=True)]
        book.close()
    except FileError:
        raise
    except (
        zipfile.BadZipFile,
        ParseError,
        KeyError,
        ValueError,
        OSError,
        IndexError,
        AttributeError,
        TypeError,
    ) as error:
        raise FileError(
            f"{path.name}: not a readable Excel workbook; allowed is .xlsx with the data on its first sheet"
        ) from error
    while rows and all(cell is None for cell in rows[-1]):
        rows.pop()
    if not rows:
        raise FileError(f"{path.name}: the first sheet is empty; a header row with column names is needed")
    while rows[0] and rows[0][-1] is None:
        rows[0].pop()
    names = ["" if cell is None else str(cell).strip() for cell in rows[0]]
    _once(names, path)
    width = len(names)
    for number, row in enumerate(rows[1:], 2):
        if any(cell is not None for cell in row[width:]):
            raise FileError(
                f"{path.name}: row {number} has cells beyond the {width} named columns; name or remove them"
            )
    columns = {
        name: np.array([row[at] if at < len(row) else None for row in rows[1:]], dtype=object)
        for at, name in enumerate(names)
    }
    empty = {
        name: np.array([cell is None or str(cell).strip() == "" for cell in column], dtype=bool)
        for name, column in columns.items()
    }
    return Table(columns, empty, len(rows) - 1, 2, _hash(data))


def _statistical(read: str) -> Callable[[Path, bytes], Table]:
    def open_it(path: Path, data: bytes) -> Table:
        import pyreadstat

        try:
            frame, meta = getattr(pyreadstat, read)(
                str(path), apply_value_formats=False, user_missing=True, **({"disable_datetime_conversion": True})
            )
        except (pyreadstat.ReadstatError, ValueError, UnicodeDecodeError, TypeError) as error:
            raise FileError(
                f"{path.name}: not readable ({error}); allowed is an undamaged {path.suffix} file"
            ) from error
        names = [str(name) for name in meta.column_names]
        _once(names, path)
        columns: dict[str, Column] = {}
        empty: dict[str, NDArray[np.bool_]] = {}
        declared = getattr(meta, "missing_ranges", {}) or {}
        for name in names:
            values = frame[name].to_numpy()
            gone = np.array([value is None or value == "" or value != value for value in values], dtype=bool)
            # Values that the file itself declares as missing (SPSS) count as empty.
            for reach in declared.get(name, []):
                if values.dtype.kind in "iuf":
                    gone |= (values >= reach["lo"]) & (values <= reach["hi"])
                else:
                    gone |= np.array([value == reach["lo"] for value in values], dtype=bool)
            columns[name], empty[name] = values, gone
        return Table(columns, empty, len(frame), 1, _hash(data))

    return open_it


class _Stored:
    """A Parquet file whose columns are read when they are asked for: most are not, and all would fill the memory."""

    def __init__(self, path: Path):
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._path = path
        self._damage: tuple[type[Exception], ...] = (pa.ArrowException, OSError, ValueError)
        self._last: tuple[str, Column, NDArray[np.bool_]] | None = None
        try:
            self._file = pq.ParquetFile(path, memory_map=True)
        except self._damage as error:
            raise self._fault() from error
        self.names = [str(name) for name in self._file.schema_arrow.names]
        self.n = int(self._file.metadata.num_rows)

    def _fault(self) -> FileError:
        return FileError(f"{self._path.name}: not a readable Parquet file; allowed is an undamaged .parquet file")

    def read(self, name: str) -> tuple[Column, NDArray[np.bool_]]:
        """Values of a column, and where it is empty; the last column is kept, since both are asked for in turn."""
        if self._last is None or self._last[0] != name:
            try:
                self._last = (name, *_plain(self._file.read(columns=[name]).column(name)))
            except self._damage as error:
                raise self._fault() from error
        return self._last[1], self._last[2]


class _Columns(Mapping[str, Column]):
    """One of the two things that are known of each column of a stored file: its values, or where it is empty."""

    def __init__(self, stored: _Stored, part: int):
        self._stored, self._part = stored, part
        self._names = dict.fromkeys(stored.names)

    def __getitem__(self, name: str) -> Column:
        if name not in self._names:
            raise KeyError(name)
        return self._stored.read(name)[self._part]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _plain(column: Any) -> tuple[Column, NDArray[np.bool_]]:
    """An Arrow column as an array, and where it is empty."""
    import pyarrow as pa

    gone = np.zeros(len(column), dtype=bool)
    if column.null_count:
        gone = _numbers(column.is_null().cast(pa.uint8())).view(np.bool_)
    if pa.types.is_integer(column.type):
        return _numbers(column) if not column.null_count else _spread(_numbers(column.drop_null()), gone, 0), gone
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = column.dictionary_encode()
    if pa.types.is_dictionary(column.type):
        # Few texts stand in many rows; each is made once, and the rows share it.
        column = column.unify_dictionaries().combine_chunks()
        texts = np.array([*column.dictionary.to_pylist(), None], dtype=object)
        return texts[_spread(_numbers(column.indices.drop_null()).astype(np.intp), gone, len(texts) - 1)], gone
    return column.to_numpy(), gone


def _numbers(column: Any) -> Column:
    """Whole numbers without nulls; `to_numpy` would load pandas, which takes longer than reading a small file."""
    return np.from_dlpack(column.combine_chunks() if hasattr(column, "combine_chunks") else column)


def _spread(found: Column, gone: NDArray[np.bool_], otherwise: int) -> Column:
    spread = np.full(len(gone), otherwise, dtype=found.dtype)
    spread[~gone] = found
    return spread


def _parquet(path: Path, data: bytes) -> Table:
    stored = _Stored(path)
    _once(stored.names, path)
    return Table(_Columns(stored, 0), _Columns(stored, 1), stored.n, 1, _hash(data))


_READERS: dict[str, Callable[[Path, bytes], Table]] = {
    ".csv": _csv,
    ".tsv": _tsv,
    ".tab": _tsv,
    ".xlsx": _xlsx,
    ".sav": _statistical("read_sav"),
    ".dta": _statistical("read_dta"),
    ".parquet": _parquet,
}
