"""Sheets for translators: one row a text, as an Excel file; and what came back, put into the questionnaire.

Each row carries a fingerprint of the text that it was written for, so that a text which changed meanwhile is found.
A text that stands in several places alike, such as the words of a scale, has one row.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from surveys.exchange.tables import FileError
from surveys.piping import PLACE
from surveys.questionnaire import Questionnaire, Text
from surveys.texts import filled_in, texts
from surveys.tongues import tidy_tag

LARGEST_FILE = 1_000_000
LARGEST_UNPACKED = 10_000_000
MOST_ROWS = 10_000
LIMITS = {"anchors": 80, "short": 60, "name": 160, "touchpoint": 160, "label": 200, "title": 200}
LIMIT = 1000
Status = Literal["missing", "changed", "done"]


@dataclass(frozen=True)
class Line:
    """One row of a sheet: a text to be translated, and what is there already."""

    place: str
    text: Text
    source: str
    words: str
    status: Status
    also: int  # places beside `place` where the very same text stands

    @property
    def limit(self) -> int:
        """How many characters fit."""
        return max(LIMITS.get(_kind(self.place), LIMIT), *(2 * len(words) for words in self.text.values()))

    @property
    def holes(self) -> tuple[str, ...]:
        """Placeholders that the translation needs too."""
        return holes(self.source)

    @property
    def fingerprint(self) -> str:
        """Of the text in the source language."""
        return fingerprint(self.source)


@dataclass(frozen=True)
class Returned:
    """One row as it came back, with its number in the file."""

    row: int
    place: str
    words: str
    fingerprint: str
    formula: bool = False


@dataclass(frozen=True)
class Sheet:
    """A sheet that was read: for which questionnaire, from which language into which, and its rows."""

    questionnaire: str
    version: str
    origin: str
    source: str
    language: str
    rows: tuple[Returned, ...]


@dataclass(frozen=True)
class Problem:
    """What is wrong with one cell of a sheet."""

    row: int
    code: Literal["place", "twice", "formula", "letter", "long", "holes"]
    value: str = ""
    allowed: str = ""

    def __str__(self) -> str:
        sentences = {
            "place": "{value!r} is no place of the questionnaire; allowed is the column as it was written",
            "twice": "{value!r} stands in row {allowed} already, with other words; allowed is each place once",
            "formula": "{value!r} is a formula; allowed is text",
            "letter": "the character {value} stands there; allowed is printable text",
            "long": "the text has {value} characters; allowed are {allowed}",
            "holes": "the placeholders are {value}; allowed are those of the source: {allowed}",
        }
        return f"row {self.row}: " + sentences[self.code].format(value=self.value, allowed=self.allowed)


class SheetError(FileError):
    """A file that cannot be used as a sheet of translations; `code` says why."""

    def __init__(self, code: Literal["unreadable", "other", "size", "rows", "source", "another"], value: str = ""):
        self.code, self.value = code, value
        sentences = {
            "unreadable": "it is no readable Excel workbook; allowed is the .xlsx that the sheet was sent out as",
            "other": f"it is no sheet of translations, or its sheet {value!r} was taken out; allowed is one that "
            "“questionnaire sheet” has written",
            "size": f"it has {value} bytes; allowed are {LARGEST_FILE:,}",
            "rows": f"it has over {MOST_ROWS:,} rows; allowed are no more",
            "another": f"it was written for the questionnaire {value!r}; allowed is one for this questionnaire",
            "source": f"the texts are written in {value!r}; allowed is another language to translate into",
        }
        super().__init__(f"file: {sentences[code]}")


@dataclass(frozen=True)
class Translation:
    """A questionnaire with the words of a sheet in it.

    Attributes
    ----------
    questionnaire
        With the language; None when a cell is bad or a text is missing, since each wording is needed.
    problems
        What is wrong with cells.
    missing, changed
        Places without words, and places whose source has changed since the sheet was written.
    """

    questionnaire: Questionnaire | None
    problems: tuple[Problem, ...] = ()
    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    language: str = ""
    count: int = field(default=0)


def holes(text: str) -> tuple[str, ...]:
    """The names that are put into a text (`surveys.piping`); what is said without them may be translated."""
    return tuple(sorted(f"{{{found[1]}}}" for found in PLACE.finditer(text)))


def fingerprint(text: str) -> str:
    """Tells a text from what it was before."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _kind(place: str) -> str:
    steps = place.split("/")
    return "anchors" if len(steps) > 1 and steps[-2] == "anchors" else steps[-1]


def _groups(questionnaire: Questionnaire) -> dict[str, tuple[Text, list[str]]]:
    """The first place of each text -> the text and all places where it stands alike."""
    first: dict[tuple[str, tuple[tuple[str, str], ...]], str] = {}
    found: dict[str, tuple[Text, list[str]]] = {}
    for place, text in texts(questionnaire).items():
        leader = first.setdefault((_kind(place), tuple(sorted(text.items()))), place)
        found.setdefault(leader, (text, []))[1].append(place)
    return found


def lines(questionnaire: Questionnaire, language: str, earlier: Sheet | None = None) -> list[Line]:
    """The rows of a sheet.

    Parameters
    ----------
    questionnaire
        What is to be translated, from its first language.
    language
        Into which language; one that the questionnaire has already is shown as it is.
    earlier
        A sheet that came back, whose words are taken over; where the source has changed since, the row says so.

    Raises
    ------
    SheetError
        When the language is the one that the texts are written in.
    """
    language, source = tidy_tag(language), questionnaire.languages[0]
    if language == source:
        raise SheetError("source", source)
    before = {row.place: row for row in earlier.rows} if earlier and earlier.language == language else {}
    return [
        _line(place, text, source, language, len(places) - 1, before.get(place))
        for place, (text, places) in _groups(questionnaire).items()
    ]


def _line(place: str, text: Text, source: str, language: str, also: int, before: Returned | None) -> Line:
    written, words = text.get(source, ""), text.get(language, "")
    status: Status = "done" if words else "missing"
    if before and before.words and not before.formula:
        words, status = before.words, "done" if before.fingerprint == fingerprint(written) else "changed"
    return Line(place, text, written, words, status, also)


def translate(questionnaire: Questionnaire, sheet: Sheet) -> Translation:
    """Put the words of a sheet into a questionnaire.

    Parameters
    ----------
    questionnaire
        The questionnaire for which the sheet was written, perhaps changed since.
    sheet
        What came back; see `surveys.exchange.sheet_files`.

    Returns
    -------
    Translation
        With the questionnaire when it is whole; else with all that is wrong or missing.

    Raises
    ------
    SheetError
        When the sheet is for another questionnaire, or for the language that the texts are written in.
    """
    if sheet.questionnaire != questionnaire.id:
        raise SheetError("another", sheet.questionnaire)
    if sheet.language == questionnaire.languages[0]:
        raise SheetError("source", sheet.language)
    groups, there = _groups(questionnaire), texts(questionnaire)
    problems: list[Problem] = []
    given: dict[str, Returned] = {}
    for row in sheet.rows:
        problems += _wrong(row, there, given, questionnaire.languages[0])
        if row.place in there and row.words:
            given.setdefault(row.place, row)
    source = questionnaire.languages[0]
    words, missing, changed = dict[str, str](), list[str](), list[str]()
    for leader, (text, places) in groups.items():
        found = next((given[place] for place in places if place in given), None)
        if found is None and not text.get(sheet.language):
            missing.append(leader)
        elif found is not None:
            words |= dict.fromkeys(places, found.words)
            if found.fingerprint != fingerprint(text.get(source, "")):
                changed.append(leader)
    whole = not problems and not missing
    made = filled_in(questionnaire, sheet.language, words) if whole else None
    return Translation(made, tuple(problems), tuple(missing), tuple(changed), sheet.language, len(groups))


def _wrong(row: Returned, there: Mapping[str, Text], given: Mapping[str, Returned], source: str) -> Iterator[Problem]:
    if row.place not in there:
        yield Problem(row.row, "place", row.place[:120])
        return
    if row.formula:
        yield Problem(row.row, "formula", row.words[:60])
        return
    if not row.words:
        return
    before = given.get(row.place)
    if before and before.words != row.words:
        yield Problem(row.row, "twice", row.place, str(before.row))
    if hidden := next((c for c in row.words if unicodedata.category(c) in ("Cc", "Cs") and c != "\n"), ""):
        yield Problem(row.row, "letter", f"U+{ord(hidden):04X}")
    text = there[row.place]
    line = Line(row.place, text, text.get(source, ""), row.words, "done", 0)
    if len(row.words) > line.limit:
        yield Problem(row.row, "long", f"{len(row.words):,}", f"{line.limit:,}")
    if holes(row.words) != line.holes:
        yield Problem(row.row, "holes", _listed(holes(row.words)), _listed(line.holes))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
