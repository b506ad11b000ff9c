"""The translations are whole: every text of the interface has its Chinese, and none is left over.

`python -m tests.catalogue` checks; with `--update` it first brings the catalogue up to date with the source,
leaving new texts empty for the translator.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
PO = ROOT / "app" / "locale" / "zh_CN" / "LC_MESSAGES" / "messages.po"
METHODS = [("templates/**.html", "jinja2"), ("**.py", "python")]
OPTIONS = {"templates/**.html": {"trimmed": "true", "encoding": "utf-8"}}
KEYWORDS: dict[str, tuple[int | tuple[int, int] | tuple[int, str], ...] | None] = {
    "_": None,
    "N_": None,
    "gettext": None,
    "ngettext": (1, 2),
}


def wanted() -> Catalog:
    """All texts in the source."""
    catalogue = Catalog(project="fivegaps")
    found = extract_from_dir(str(ROOT / "app"), METHODS, OPTIONS, KEYWORDS)
    for filename, line, message, comments, context in found:
        catalogue.add(message, None, [(filename, line)], auto_comments=comments, context=context)
    return catalogue


def kept() -> Catalog:
    """The Chinese catalogue."""
    with PO.open("rb") as file:
        return read_po(file, locale="zh_CN")


def _holes(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)[sd]|%%", text))


def _fault(entry: Message) -> str | None:
    source = entry.id if isinstance(entry.id, str) else entry.id[0]
    words = entry.string if isinstance(entry.string, str) else (entry.string or ("",))[0]
    if not words or entry.fuzzy:
        return f"no Chinese: {source!r}"
    plural = entry.id if isinstance(entry.id, str) else entry.id[1]
    if _holes(words) != _holes(plural) and _holes(words) != _holes(source):
        return f"other placeholders in the Chinese of {source!r}: {words!r}"
    return None


def faults() -> list[str]:
    """What is wrong, a sentence each."""
    source, chinese = wanted(), kept()
    told = [f"not in the catalogue: {entry.id!r}" for entry in source if entry.id and chinese.get(entry.id) is None]
    told += [f"no longer in the source: {entry.id!r}" for entry in chinese if entry.id and source.get(entry.id) is None]
    return told + [fault for entry in chinese if entry.id and (fault := _fault(entry))]


def update() -> None:
    """Bring the catalogue up to date with the source."""
    chinese = kept() if PO.exists() else Catalog(locale="zh_CN", project="fivegaps")
    chinese.update(wanted(), no_fuzzy_matching=True)
    chinese.obsolete.clear()
    PO.parent.mkdir(parents=True, exist_ok=True)
    with PO.open("wb") as file:
        write_po(file, chinese, width=120, sort_output=True, omit_header=False, no_location=True)


if __name__ == "__main__":
    if "--update" in sys.argv:
        update()
    problems = faults()
    print("\n".join(problems) or f"the Chinese catalogue is whole: {len(kept())} texts")
    sys.exit(1 if problems else 0)
