"""Sheets for translators as Excel files: written, and read back.

Whatever begins like a formula is stored as text.  Only the cells for the translation can be changed; Excel's
protection has no password, as it guards against slips and not against anybody.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import ParseError

from openpyxl import Workbook, load_workbook
from openpyxl.cell import Cell
from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from surveys.exchange.contacts import check_packed
from surveys.exchange.sheets import LARGEST_FILE, LARGEST_UNPACKED, MOST_ROWS, Line, Returned, Sheet, SheetError
from surveys.exchange.tables import FileError
from surveys.questionnaire import Questionnaire
from surveys.tongues import tidy_tag

TEXTS, ABOUT = "Texts", "About"
KIND = "fivegaps.translations/1"
COLUMNS = ("place", "where", "source", "translation", "status", "limit", "keep", "also", "fingerprint")
"""The columns in their order; the other languages stand after them."""
PLACE, TRANSLATION, FINGERPRINT = (COLUMNS.index(name) for name in ("place", "translation", "fingerprint"))
WIDTHS = (30, 34, 48, 48, 14, 10, 16, 10, 4)
LINE = Side(style="thin", color="D9DEDC")
OPEN, SHUT = PatternFill("solid", fgColor="FFF6DF"), PatternFill("solid", fgColor="F2F5F4")
Words = Mapping[str, str]


def as_sheet(
    questionnaire: Questionnaire,
    language: str,
    rows: Sequence[Line],
    *,
    words: Words,
    howto: Sequence[str],
    origin: str = "",
) -> bytes:
    """An Excel file for a translator.

    Parameters
    ----------
    questionnaire, language, rows
        What is translated, into what, and the rows (`surveys.exchange.sheets.lines`).
    words
        Names of columns, of what a status is called, and of the parts of a place, in the reader's language.
    howto
        The first page, its title first.
    origin
        Where the questionnaire was taken from; it comes back with the sheet.
    """
    language = tidy_tag(language)
    book = Workbook()
    _howto(book.active, howto, words.get("howto", "How to"))
    sheet = book.create_sheet(TEXTS)
    source = questionnaire.languages[0]
    others = [tag for tag in questionnaire.languages[1:] if tag != language]
    heads = [words.get(name, name) for name in COLUMNS]
    heads[2], heads[TRANSLATION] = f"{heads[2]} ({source})", f"{heads[TRANSLATION]} ({language})"
    for number, head in enumerate([*heads, *others], 1):
        cell = _put(sheet, 1, number, head)
        cell.font, cell.fill = Font(bold=True), SHUT
    for number, line in enumerate(rows, 2):
        _row(sheet, number, line, others, words)
    _finish(sheet, len(rows) + 1, len(others), rows)
    about = book.create_sheet(ABOUT)
    about.sheet_state = "hidden"
    known = (KIND, questionnaire.id, questionnaire.version, origin, source, language)
    for number, value in enumerate(known, 1):
        _put(about, number, 1, value)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _put(sheet: Worksheet, row: int, column: int, value: object) -> Cell:
    """A cell that holds text, whatever it begins with."""
    cell: Cell = sheet.cell(row, column)
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"
        cell.number_format = "@"
        cell.quotePrefix = value.startswith(("=", "+", "-", "@"))
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    cell.border = Border(bottom=LINE)
    return cell


def _row(sheet: Worksheet, number: int, line: Line, others: Sequence[str], words: Words) -> None:
    where = " · ".join(words.get(step, step) for step in line.place.split("/"))
    cells: tuple[object, ...] = (
        line.place,
        where,
        line.source,
        line.words,
        words.get(line.status, line.status),
        line.limit,
        ", ".join(line.holes),
        line.also,
        line.fingerprint,
        *(line.text.get(tag, "") for tag in others),
    )
    for column, value in enumerate(cells, 1):
        _put(sheet, number, column, value)
    open_cell = sheet.cell(number, TRANSLATION + 1)
    open_cell.protection, open_cell.fill = Protection(locked=False), PatternFill()


def _finish(sheet: Worksheet, last: int, others: int, rows: Sequence[Line]) -> None:
    for number, width in enumerate((*WIDTHS, *[40] * others)):
        sheet.column_dimensions[_letter(number)].width = width
    sheet.column_dimensions[_letter(FINGERPRINT)].hidden = True
    sheet.freeze_panes = f"{_letter(TRANSLATION)}2"
    sheet.auto_filter.ref = f"A1:{_letter(len(WIDTHS) + others - 1)}{last}"
    sheet.protection.sheet = True
    for allowed in ("formatColumns", "formatRows", "autoFilter", "sort"):
        setattr(sheet.protection, allowed, False)  # False: not forbidden
    letter = _letter(TRANSLATION)
    empty = FormulaRule(formula=[f"LEN(TRIM({letter}2))=0"], fill=OPEN)
    sheet.conditional_formatting.add(f"{letter}2:{letter}{last}", empty)
    for limit in sorted({line.limit for line in rows}):
        rule = DataValidation("textLength", operator="lessThanOrEqual", formula1=str(limit), allow_blank=True)
        for number, line in enumerate(rows, 2):
            if line.limit == limit:
                rule.add(f"{letter}{number}")
        sheet.add_data_validation(rule)
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True


def _letter(number: int) -> str:
    return chr(ord("A") + number) if number < 26 else f"A{chr(ord('A') + number - 26)}"


def _howto(sheet: Worksheet, howto: Sequence[str], name: str) -> None:
    sheet.title = name[:31]
    sheet.column_dimensions["A"].width = 100
    sheet.sheet_view.showGridLines = False
    for number, sentence in enumerate(howto, 1):
        cell = _put(sheet, number, 1, sentence)
        cell.border = Border()
        cell.font = Font(bold=number == 1, size=16 if number == 1 else 11)


def read_sheet(data: bytes) -> Sheet:
    """Read a sheet that came back.

    Raises
    ------
    FileError
        When the file as a whole cannot be used; `SheetError` says why by its code.
    """
    if len(data) > LARGEST_FILE:
        raise SheetError("size", f"{len(data):,}")
    check_packed(data, LARGEST_UNPACKED)
    try:
        # Not by "read only", which trusts the file to say how large it is.
        book = load_workbook(io.BytesIO(data), keep_links=False)
        return _sheet(book)
    except FileError:
        raise
    except (
        zipfile.BadZipFile,
        InvalidFileException,
        ParseError,
        KeyError,
        ValueError,
        OSError,
        IndexError,
        TypeError,
        AttributeError,
        EOFError,
    ) as error:
        raise SheetError("unreadable") from error


def _sheet(book: Workbook) -> Sheet:
    for name in (TEXTS, ABOUT):
        if name not in book.sheetnames:
            raise SheetError("other", name)
    about = [_text(book[ABOUT].cell(number, 1).value) for number in range(1, 7)]
    if about[0] != KIND:
        raise SheetError("other", ABOUT)
    sheet = book[TEXTS]
    if sheet.max_row > MOST_ROWS:
        raise SheetError("rows")
    rows = [
        Returned(
            number,
            _text(cells[PLACE].value),
            _text(cells[TRANSLATION].value),
            _text(cells[FINGERPRINT].value),
            formula=cells[TRANSLATION].data_type == "f",
        )
        for number, cells in enumerate(sheet.iter_rows(min_row=2, max_col=len(COLUMNS)), 2)
        if any(cell.value is not None for cell in cells)
    ]
    _, questionnaire, version, origin, source, language = about
    return Sheet(questionnaire, version, origin, source, tidy_tag(language), rows=tuple(rows))


def _text(value: Any) -> str:
    """A cell as text in one line; Excel keeps a number that was typed as a number."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).replace("_x000D_", "").strip()
