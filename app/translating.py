"""The commands for translators: a sheet out, and the questionnaire with its translation back in."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from surveys.authoring import load
from surveys.questionnaire import say

if TYPE_CHECKING:
    from surveys.exchange.sheets import Sheet

MOST_TOLD = 20


def add_translating(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to those about questionnaires."""
    sheet = actions.add_parser("sheet", help="write a sheet (XLSX) for translators")
    sheet.add_argument("questionnaire", help="a file, or the id of a built-in one")
    sheet.add_argument("--to", required=True, metavar="LANGUAGE", help="a language tag, as in de or zh-TW")
    sheet.add_argument("--earlier", metavar="SHEET", help="take over the words of a sheet that came back")
    sheet.add_argument("-o", "--output", required=True, metavar="OUT")
    sheet.set_defaults(run=_sheet)
    back = actions.add_parser("translate", help="put a translated sheet into a questionnaire")
    back.add_argument("questionnaire", help="the file or id that the sheet was written for")
    back.add_argument("sheet", help="the sheet as it came back")
    back.add_argument("-o", "--output", required=True, metavar="OUT", help="the questionnaire file to write")
    back.set_defaults(run=_translate)


def _read(name: str) -> Sheet:
    from app.cli import Refusal
    from surveys.exchange.sheet_files import read_sheet
    from surveys.exchange.sheets import LARGEST_FILE

    try:
        with Path(name).open("rb") as file:
            return read_sheet(file.read(LARGEST_FILE + 1))
    except OSError as error:
        raise Refusal(f"{name}: the file cannot be read ({error.strerror}); allowed is a readable file") from error


def _write(name: str, data: bytes) -> None:
    from app.cli import Refusal

    try:
        Path(name).write_bytes(data)
    except OSError as error:
        raise Refusal(f"--output: {name} cannot be written ({error.strerror}); allowed is a writable path") from error


def _sheet(given: argparse.Namespace) -> int:
    from app.cli import Refusal
    from app.desk.translation_words import howto, names
    from app.words import speak
    from surveys.exchange.sheet_files import as_sheet
    from surveys.exchange.sheets import lines
    from surveys.tongues import tidy_tag

    speak("en")
    questionnaire = load(given.questionnaire)
    try:
        language = tidy_tag(given.to)
    except ValueError as error:
        raise Refusal(f"--to: {error}") from error
    rows = lines(questionnaire, language, _read(given.earlier) if given.earlier else None)
    told = howto(say(questionnaire.title, "en"), language)
    _write(given.output, as_sheet(questionnaire, language, rows, words=names(), howto=told, origin=given.questionnaire))
    left = {status: sum(row.status == status for row in rows) for status in ("missing", "changed", "done")}
    print(
        f"{given.output}: {len(rows)} texts for {language}; {left['missing']} missing, {left['changed']} changed since "
        f"translated, {left['done']} done"
    )
    return 0


def _translate(given: argparse.Namespace) -> int:
    from surveys.exchange.sheets import translate
    from surveys.exchange.written import as_yaml

    questionnaire, sheet = load(given.questionnaire), _read(given.sheet)
    found = translate(questionnaire, sheet)
    for problem in found.problems:
        print(problem, file=sys.stderr)
    _told("without a translation", found.missing)
    _told("changed since the sheet was written; look at the translation again", found.changed)
    if found.questionnaire is None:
        print("nothing was written", file=sys.stderr)
        return 2
    _write(given.output, as_yaml(found.questionnaire).encode())
    print(f"{given.output}: {found.questionnaire.id} in {', '.join(found.questionnaire.languages)}")
    return 0


def _told(what: str, places: tuple[str, ...]) -> None:
    if places:
        more = f" and {len(places) - MOST_TOLD} more" if len(places) > MOST_TOLD else ""
        print(f"{len(places)} texts {what}: {', '.join(places[:MOST_TOLD])}{more}", file=sys.stderr)
