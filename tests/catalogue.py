"""The translations are whole: every text of the interface has its words in each catalogue, and none is left over.

`python -m tests.catalogue` checks each catalogue in `app/locale`; with `--update` it first brings them up to date with
the source, leaving new texts empty for the translator, and `--add zh_TW` begins a new one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from app.languages import PO

ROOT = Path(__file__).resolve().parents[1]
LOCALE = ROOT / "app" / "locale"
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
    texts = extract_from_dir(str(ROOT / "app"), METHODS, OPTIONS, KEYWORDS)
    for filename, line, message, comments, context in texts:
        catalogue.add(message, None, [(filename, line)], auto_comments=comments, context=context)
    return catalogue


def kept(path: Path) -> Catalog:
    """One catalogue."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parents[1].name)


def found(locale: Path = LOCALE) -> dict[str, Path]:
    """Language -> its catalogue."""
    return {path.parents[1].name: path for path in sorted(locale.glob(f"*/{PO}"))}


def _holes(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)[sd]|%%", text))


def _fault(entry: Message, language: str) -> str | None:
    sources = [entry.id] if isinstance(entry.id, str) else list(entry.id)
    written = [entry.string or ""] if isinstance(entry.string, str) else list(entry.string or ("",))
    if not all(written) or entry.fuzzy:
        return f"{language}: no words for {sources[0]!r}"
    if wrong := [words for words in written if _holes(words) not in [_holes(source) for source in sources]]:
        return f"{language}: other placeholders in the words for {sources[0]!r}: {wrong[0]!r}"
    return None


def faults(locale: Path = LOCALE) -> list[str]:
    """What is wrong with the catalogues of a folder, a sentence each."""
    source, told = wanted(), []
    for language, path in found(locale).items():
        there = kept(path)
        told += [f"{language}: not there: {entry.id!r}" for entry in source if entry.id and there.get(entry.id) is None]
        told += [f"{language}: left over: {entry.id!r}" for entry in there if entry.id and source.get(entry.id) is None]
        told += [fault for entry in there if entry.id and (fault := _fault(entry, language))]
    return told


def update(path: Path) -> None:
    """Bring a catalogue up to date with the source, or begin it."""
    there = kept(path) if path.exists() else Catalog(locale=path.parents[1].name, project="fivegaps")
    there.update(wanted(), no_fuzzy_matching=True)
    there.obsolete.clear()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, there, width=120, sort_output=True, omit_header=False, no_location=True)


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    if "--add" in arguments:
        update(LOCALE / arguments[arguments.index("--add") + 1] / PO)
    if "--update" in arguments:
        for path in found().values():
            update(path)
    problems = faults()
    whole = [f"the catalogue {language} is whole: {len(kept(path))} texts" for language, path in found().items()]
    print("\n".join(problems or whole))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
