"""The same report from a file of answers collected elsewhere."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from analysis.by_branch import Clustering, clustering_of
from analysis.causes import Insiders
from analysis.coded import Context, layout_of, study_of
from analysis.matrix import Layout
from analysis.report import Report, build_report, report_json
from analysis.study import Study
from analysis.tally import Tally, summarise
from analysis.thresholds import DEFAULT
from app import version
from surveys.authoring import load
from surveys.coding import codebook
from surveys.exchange.answers import Rules, read_answers, tells_asked
from surveys.exchange.beside import pairs_of, read_beside
from surveys.exchange.tables import FileError, Table, open_table
from surveys.lots import DRAWN, lots
from surveys.questionnaire import Questionnaire, say

if TYPE_CHECKING:
    from analysis.repeated import Repeated
    from analysis.research import Research


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
    every = tuple(q.id for q in questionnaire.questions())
    questionnaire = questionnaire.variant(given.format, every, DRAWN if given.short_form else None)
    if given.short_form and not lots(questionnaire):
        raise FileError(f"--short-form: {questionnaire.id} has no core items, or nothing beside them, to draw from")
    answers = read_file(given, questionnaire, given.data)
    if tells_asked(questionnaire, answers.table):
        questionnaire = questionnaire.variant(None, every, questionnaire.drawn or DRAWN)
    study, table = answers.study, answers.table
    tally = summarise(study.matrix)
    clustering = clustering_of(tally, given.sampled_branches)
    if given.sampled_branches and clustering is None:
        why = "the file names no two branches (--branch COLUMN), or not everybody was asked every item"
        raise FileError(f"--sampled-branches: the status cannot allow for branches: {why}")
    report = build_report(tally, DEFAULT, format=questionnaire.format, floor=None, clustering=clustering)
    about = {
        "data_file": Path(given.data).name,
        "data_hash": table.sha256,
        "questionnaire": questionnaire.id,
        "questionnaire_version": questionnaire.version,
        "code_version": version(),
        "rows": table.n,
        "rows_skipped": answers.skipped,
    }
    research = None
    if given.appendix or (not given.no_appendix and (given.json or not given.html)):
        research = _researched(given, questionnaire, answers, tally, clustering)
    _write(given, questionnaire, report, research, about)
    return 0


@dataclass(frozen=True, eq=False)
class File:
    """Answers of one file."""

    table: Table
    study: Study
    skipped: list[int]
    person: NDArray[np.object_] | None


def _named(given: argparse.Namespace) -> dict[str, str | None]:
    """Columns that stand beside the answers, as far as they were named."""
    return {name: getattr(given, name) for name in ("branch", "way_in", "language", "day", "person")}


def _rules(given: argparse.Namespace) -> Rules:
    """How the files mark what is missing, and which columns are no answers."""
    aside = (*given.ignore, *(column for column in _named(given).values() if column))
    return Rules(tuple(given.missing), tuple(given.not_applicable), aside, given.skip_bad_rows)


def read_file(given: argparse.Namespace, questionnaire: Questionnaire, path: str) -> File:
    """The answers of a file with what stands beside them."""
    table = open_table(Path(path))
    answers = read_answers(questionnaire, table, _rules(given))
    if answers.skipped:
        listed = ", ".join(map(str, answers.skipped[:20])) + (", …" if len(answers.skipped) > 20 else "")
        print(
            f"{len(answers.skipped)} of {table.n} rows left out because of unusable cells (rows {listed}).",
            file=sys.stderr,
        )
    book = codebook(questionnaire)
    beside = read_beside(book, table, _named(given), answers.skipped)
    context = Context(
        beside.branch, beside.way_in, beside.language, beside.days, flags=beside.flags or None, order=beside.order
    )
    study = study_of(questionnaire, book, answers.closed, context)
    study.texts.update({name: told for name, told in beside.comments if told})
    return File(table, study, answers.skipped, beside.person)


def _researched(
    given: argparse.Namespace,
    questionnaire: Questionnaire,
    answers: File,
    tally: Tally,
    clustering: Clustering | None,
) -> Research:
    """The appendix."""
    # What it needs is loaded only with it: the report's own numbers should come quickly.
    from analysis.research import Inside, build_research
    from analysis.waves import Earlier

    study = answers.study
    staff, managers = (_insiders(given, who, study.matrix.layout) for who in ("staff", "managers"))
    earlier = None
    if given.before:
        earlier = Earlier(read_file(given, questionnaire, given.before).study, _treated(given, study))
    elif given.treated:
        raise FileError("--treated: names branches that have acted since an earlier wave; give that with --before")
    return build_research(
        study,
        tally,
        DEFAULT,
        floor=None,
        insiders=Inside(staff, managers) if staff or managers else None,
        earlier=earlier,
        again=_again(given, questionnaire, answers),
        clustering=clustering,
    )


def _treated(given: argparse.Namespace, study: Study) -> frozenset[str]:
    """The branches that have acted, all of which must be in the file."""
    known = study.unit.values if study.unit is not None else ()
    for name in given.treated:
        if name not in known:
            allowed = f"a branch of the file ({', '.join(known[:8])}{', …' if len(known) > 8 else ''})"
            raise FileError(
                f"--treated: the value is {name!r}; allowed is "
                f"{allowed if known else 'a branch, when --branch names the column that holds it'}"
            )
    return frozenset(given.treated)


def _again(given: argparse.Namespace, questionnaire: Questionnaire, answers: File) -> Repeated | None:
    """How far the same people agree with themselves; None unless they were asked twice."""
    if not given.again:
        return None
    if not given.person:
        raise FileError("--again: needs --person, the column that names the respondents in both files")
    from analysis.repeated import repeated

    second = read_file(given, questionnaire, given.again)
    assert answers.person is not None
    assert second.person is not None
    return repeated(answers.study, second.study, pairs_of(answers.person, second.person), DEFAULT)


def _insiders(given: argparse.Namespace, who: str, layout: Layout) -> Insiders | None:
    """What a file of staff or manager answers holds; None when there is none."""
    from analysis.coded import insiders_of

    path = getattr(given, who)
    if path is None:
        return None
    questionnaire = load({"staff": "pfs_staff", "managers": "pfs_manager"}[who])
    questionnaire = questionnaire.variant(None, tuple(q.id for q in questionnaire.questions()))
    answers = read_answers(questionnaire, open_table(Path(path)), _rules(given))
    return insiders_of(questionnaire, codebook(questionnaire), answers.closed, layout)


def _write(
    given: argparse.Namespace,
    questionnaire: Questionnaire,
    report: Report,
    research: Research | None,
    about: dict[str, Any],
) -> None:
    if given.json or not (given.html or given.appendix):
        from analysis.research import research_json

        numbers = report_json(report, about) if research is None else research_json(report, research, about)
        text = json.dumps(numbers, ensure_ascii=False, allow_nan=False, indent=1)
        if given.json in (None, "-"):
            print(text)
        else:
            _save(Path(given.json), text + "\n")
    if given.html:
        _save(Path(given.html), _html(given.lang, questionnaire, report, about))
    if given.appendix and research is not None:
        _save(Path(given.appendix), _appendix(given.lang, questionnaire, research, about))


def _shared(language: str, questionnaire: Questionnaire, about: dict[str, Any]) -> dict[str, Any]:
    """What both pages say of where they come from; each is one file by itself."""
    from app.assets import static_url
    from app.words import speak

    speak(language)
    return {
        "questionnaire": questionnaire,
        "layout": layout_of(questionnaire),
        "title": say(questionnaire.title, language),
        "wave": str(about["data_file"]),
        "simulated": False,
        "fingerprint": str(about["data_hash"])[:12],
        "code_version": version(),
        "static_url": static_url,
        "self_contained": True,
    }


def _appendix(language: str, questionnaire: Questionnaire, research: Research, about: dict[str, Any]) -> str:
    from app.desk.appendix_page import AppendixPage, render_appendix

    return render_appendix(AppendixPage(research=research, **_shared(language, questionnaire, about)))


def _html(language: str, questionnaire: Questionnaire, report: Report, about: dict[str, Any]) -> str:
    # The page's parts are loaded only when a page is wanted: the numbers alone should come quickly.
    from app.desk.report import recommended
    from app.desk.report_context import ReportPage
    from app.desk.report_page import render_report

    shared = _shared(language, questionnaire, about)
    return render_report(
        ReportPage(
            report=report,
            n_released=report.meta.n,
            self_url="",
            from_file=True,
            recommendations=recommended(questionnaire),
            **shared,
        )
    )


def _save(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FileError(f"{path}: cannot be written ({error.strerror}); choose a place where you may write") from error
    print(f"{path} written.", file=sys.stderr)
