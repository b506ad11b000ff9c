"""What a sheet for translators says, and what is wrong with one that came back, in the reader's language."""

from __future__ import annotations

from app.languages import own_name
from app.words import N_, _, count
from surveys.exchange.contacts import HIGHEST_RATIO, ListError
from surveys.exchange.sheets import LARGEST_FILE, LARGEST_UNPACKED, MOST_ROWS, Problem, SheetError
from surveys.exchange.tables import FileError

NAMES = {
    "howto": N_("How to"),
    "place": N_("Place"),
    "where": N_("Where it stands"),
    "source": N_("Text"),
    "translation": N_("Translation"),
    "status": N_("Status"),
    "limit": N_("Characters at most"),
    "keep": N_("Keep these"),
    "also": N_("Also in so many places"),
    "fingerprint": N_("Fingerprint"),
    "missing": N_("missing"),
    "changed": N_("changed since translated"),
    "done": N_("done"),
    "title": N_("title"),
    "intro": N_("introduction"),
    "stages": N_("stage"),
    "dimensions": N_("dimension"),
    "scales": N_("scale"),
    "scale": N_("scale"),
    "anchors": N_("word at the point"),
    "na": N_("does not apply"),
    "dk": N_("do not know"),
    "items": N_("statement"),
    "blocks": N_("questions"),
    "questions": N_("question"),
    "options": N_("choice"),
    "name": N_("name"),
    "short": N_("short name"),
    "plain": N_("in plain words"),
    "definition": N_("definition"),
    "description": N_("description"),
    "label": N_("wording"),
    "help": N_("explanation"),
    "prompt": N_("wording"),
    "frame": N_("introduction"),
    "touchpoint": N_("in a few words"),
    "stem": N_("wording"),
    "expectation": N_("expectation"),
    "perception": N_("perception"),
    "minimum": N_("minimum"),
    "desired": N_("desired"),
    "column_labels": N_("name of a column"),
    "column_intro": N_("sentence before a column"),
    "item_importance": N_("importance"),
}
HOWTO = (
    N_("Please translate “%(title)s” into %(language)s"),
    N_("On the next page each row is a text. Write its translation into the white cell; all others are locked."),
    N_("Say it the way people say it. What matters is that somebody answers as they would in the other language."),
    N_("Cells that are still empty are coloured. A row that says “changed since translated” needs another look."),
    N_(
        "Keep what stands in the column “Keep these”, such as {bank}: a name is put there. Words behind a bar, as in "
        "{branch|your branch}, are translated."
    ),
    N_("A text that stands in several places has one row. How many characters fit is said in each row."),
    N_("Save the file as an Excel file (.xlsx) and send it back. Do not take sheets or columns out of it."),
)
CELLS = {
    "place": N_("“%(value)s” is no place of the questionnaire; allowed is the column as it was written"),
    "twice": N_(
        "“%(value)s” stands in row %(allowed)s already, with other words; allowed is each place with one translation"
    ),
    "formula": N_("“%(value)s” is a formula; allowed is text"),
    "letter": N_("the character %(value)s stands there; allowed is printable text"),
    "long": N_("the text has %(value)s characters; allowed are %(allowed)s"),
    "holes": N_("the placeholders are %(value)s; allowed are those of the text: %(allowed)s"),
}
FILES = {
    "unreadable": N_("The file is no readable Excel workbook; allowed is the .xlsx that the sheet was sent out as."),
    "other": N_(
        "The file is no sheet of translations, or its sheet “%(value)s” was taken out; allowed is one that was "
        "downloaded here."
    ),
    "size": N_("The file has %(value)s bytes; allowed are %(allowed)s."),
    "rows": N_("The file has over %(allowed)s rows; allowed are no more."),
    "source": N_("The texts are written in “%(value)s”; allowed is another language to translate into."),
    "another": N_("The sheet was written for the questionnaire “%(value)s”; allowed is one for this questionnaire."),
    "packed": N_(
        "The file unpacks to %(value)s bytes; allowed are %(allowed)s, and no more than %(ratio)s times its size."
    ),
}


def names() -> dict[str, str]:
    """Names of columns, statuses and parts, in the language being spoken."""
    return {key: _(words) for key, words in NAMES.items()}


def howto(title: str, language: str) -> list[str]:
    """The first page of a sheet."""
    own = own_name(language)
    about = {"title": title, "language": own if own == language else f"{own} ({language})"}
    return [_(HOWTO[0]) % about, *map(_, HOWTO[1:])]


def of_cell(problem: Problem) -> str:
    """One sentence that names row, value and what is allowed."""
    words = _(CELLS[problem.code]) % {"value": problem.value, "allowed": problem.allowed}
    return _("Row %(row)s: %(words)s.") % {"row": problem.row, "words": words}


def of_file(error: FileError) -> str:
    """Why a file as a whole cannot be used."""
    code = error.code if isinstance(error, SheetError | ListError) else ""
    allowed = {"size": LARGEST_FILE, "rows": MOST_ROWS, "packed": LARGEST_UNPACKED}.get(code, 0)
    about = {"value": getattr(error, "value", ""), "allowed": count(allowed), "ratio": HIGHEST_RATIO}
    return _(FILES.get(code, FILES["unreadable"])) % about


def place_in_words(place: str) -> str:
    """A place of a questionnaire as somebody would say it."""
    known = names()
    return " · ".join(known.get(step, step) for step in place.split("/"))
