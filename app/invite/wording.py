"""What is wrong with a list of contacts, in the reader's language."""

from __future__ import annotations

from app.words import N_, _
from surveys.exchange.contacts import (
    ENDINGS,
    HIGHEST_RATIO,
    LARGEST_FILE,
    LARGEST_UNPACKED,
    MOST_PARTS,
    MOST_ROWS,
    ListError,
    Problem,
)
from surveys.exchange.tables import FileError

CELLS = {
    "address": N_(
        "the address is “%(value)s”; allowed is one as in name@bank.example, with plain letters, digits and signs "
        "before the @"
    ),
    "double": N_("“%(value)s” stands in row %(allowed)s already; allowed is each address once"),
    "unit": N_("the branch is “%(value)s”; allowed are up to 80 characters in one line"),
    "language": N_("the language is “%(value)s”; allowed are %(allowed)s, or nothing"),
    "segment": N_("the segment is “%(value)s”; allowed are up to 40 letters, digits, points, hyphens and underscores"),
    "unknown": N_("there is no such column; allowed are %(allowed)s"),
    "twice": N_("the column stands twice under two names; allowed is each column once"),
    "missing": N_("the column is missing; allowed is a first row that names it"),
}
FILES = {
    "ending": N_("The name of the file ends in “%(value)s”; allowed are %(allowed)s."),
    "size": N_("The file has %(value)s bytes; allowed are %(allowed)s."),
    "packed": N_(
        "The file unpacks to %(value)s bytes; allowed are %(allowed)s, in no more than %(parts)s parts and no more "
        "than %(ratio)s times its size."
    ),
    "rows": N_("The file has %(value)s rows; allowed are %(allowed)s."),
    "nobody": N_("The file has no row below the header; allowed is one row a contact."),
}
ALLOWED = {
    "ending": ", ".join(ENDINGS),
    "size": f"{LARGEST_FILE:,}",
    "packed": f"{LARGEST_UNPACKED:,}",
    "rows": f"{MOST_ROWS:,}",
}


def of_cell(problem: Problem) -> str:
    """One sentence that names row, column, value and what is allowed."""
    words = _(CELLS[problem.code]) % {"value": problem.value[:80], "allowed": problem.allowed}
    return _("Row %(row)s, column %(column)s: %(words)s.") % {
        "row": problem.row,
        "column": problem.column,
        "words": words,
    }


def of_file(error: FileError) -> str:
    """Why a file as a whole cannot be used; what the readers of tables say themselves is English."""
    if not isinstance(error, ListError):
        return _("The file cannot be used: %(why)s") % {"why": str(error)}
    return _(FILES[error.code]) % {
        "value": error.value,
        "allowed": ALLOWED.get(error.code, ""),
        "parts": MOST_PARTS,
        "ratio": HIGHEST_RATIO,
    }
