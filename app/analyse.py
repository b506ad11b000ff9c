"""The same report from a file of answers collected elsewhere."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from analysis.causes import Insiders
from analysis.coded import layout_of, study_of
from analysis.matrix import Layout
from analysis.report import Report, build_report, report_json
from analysis.study import Study
from analysis.tally import Tally, summarise
from analysis.thresholds import DEFAULT
from app import version
from surveys.authoring import load
from surveys.coding import codebook
from surveys.exchange.answers import Rules, read_answers
from surveys.exchange.tables import FileError, open_table
from surveys.questionnaire import Questionnaire, say


def print_schema() -> None:
    """Print the JSON Schema of the output."""
    from analysis.research import research_schema

    json.dump(research_schema(), sys.stdout, indent=2)
    print()


def analyse(given: argparse.Namespace) -> int:
    """Read the file, sum it up, write JSON and HTML."""
    questionnaire = load(given.questionnaire)
    if not questionnaire.items:
        raise FileError(f"{questionnaire.id}: the questionnaire has no items; a gap report needs some")
    if given.format and given.format not in questionnaire.item_scale:
        raise FileError(f"--format: the value is {given.format!r}; allowed are {', '.join(questionnaire.item_scale)}")
    questionnaire = questionnaire.variant(given.format, tuple(q.id for q in questionnaire.questions()))
    table = open_table(Path(given.data))
    answers = read_answers(
        questionnaire,
        table,
        Rules(tuple(given.missing), tuple(given.not_applicable), tuple(given.ignore), given.skip_bad_rows),
    )
    if answers.skipped:
        listed = ", ".join(map(str, answers.skipped[:20])) + (", …" if len(answers.skipped) > 20 else "")
        print(
            f"{len(answers.skipped)} of {table.n} rows left out because of unusable cells (rows {listed}).",
            file=sys.stderr,
        )
    study = study_of(questionnaire, codebook(questionnaire), answers.closed)
    tally = summarise(study.matrix)
    report = build_report(tally, DEFAULT, format=questionnaire.format, floor=None)
    about = {
        "data_file": Path(given.data).name,
        "data_hash": table.sha256,
        "questionnaire": questionnaire.id,
        "questionnaire_version": questionnaire.version,
        "code_version": version(),
        "rows": table.n,
        "rows_skipped": answers.skipped,
    }
    _write(given, questionnaire, report, _numbers(given, study, tally, report, about), about)
    return 0


def _numbers(
    given: argparse.Namespace, study: Study, tally: Tally, report: Report, about: dict[str, Any]
) -> dict[str, Any] | None:
    """What the JSON holds; None when none is wanted."""
    if not given.json and given.html:
        return None
    if given.no_appendix:
        return report_json(report, about)
    # What the appendix needs is loaded only with it: the report's own numbers should come quickly.
    from analysis.research import Inside, build_research, research_json

    staff, managers = (_insiders(given, who, study.matrix.layout) for who in ("staff", "managers"))
    inside = Inside(staff, managers) if staff or managers else None
    return research_json(report, build_research(study, tally, DEFAULT, floor=None, insiders=inside), about)


def _insiders(given: argparse.Namespace, who: str, layout: Layout) -> Insiders | None:
    """What a file of staff or manager answers holds; None when there is none."""
    from analysis.coded import insiders_of

    path = getattr(given, who)
    if path is None:
        return None
    questionnaire = load({"staff": "pfs_staff", "managers": "pfs_manager"}[who])
    questionnaire = questionnaire.variant(None, tuple(q.id for q in questionnaire.questions()))
    rules = Rules(tuple(given.missing), tuple(given.not_applicable), tuple(given.ignore), given.skip_bad_rows)
    answers = read_answers(questionnaire, open_table(Path(path)), rules)
    return insiders_of(questionnaire, codebook(questionnaire), answers.closed, layout)


def _write(
    given: argparse.Namespace,
    questionnaire: Questionnaire,
    report: Report,
    numbers: dict[str, Any] | None,
    about: dict[str, Any],
) -> None:
    if numbers is not None:
        text = json.dumps(numbers, ensure_ascii=False, allow_nan=False, indent=1)
        if given.json in (None, "-"):
            print(text)
        else:
            _save(Path(given.json), text + "\n")
    if given.html:
        _save(Path(given.html), _html(given.lang, questionnaire, report, about))


def _html(language: str, questionnaire: Questionnaire, report: Report, about: dict[str, Any]) -> str:
    # The page's parts are loaded only when a page is wanted: the numbers alone should come quickly.
    from app.assets import static_url
    from app.desk.report import recommended
    from app.desk.report_context import ReportPage
    from app.desk.report_page import render_report
    from app.words import speak

    speak(language)
    return render_report(
        ReportPage(
            questionnaire=questionnaire,
            report=report,
            layout=layout_of(questionnaire),
            title=say(questionnaire.title, language),
            wave=str(about["data_file"]),
            simulated=False,
            n_released=report.meta.n,
            fingerprint=str(about["data_hash"])[:12],
            code_version=version(),
            self_url="",
            static_url=static_url,
            self_contained=True,
            from_file=True,
            recommendations=recommended(questionnaire),
        )
    )


def _save(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FileError(f"{path}: cannot be written ({error.strerror}); choose a place where you may write") from error
    print(f"{path} written.", file=sys.stderr)
