"""The command line: every refusal is one plain sentence and exit code 2.

What server and database need is imported by the commands that use them, so that `analyse` begins at once.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Callable, Sequence
from datetime import date
from functools import wraps
from typing import TYPE_CHECKING

from app import version
from app.invite.commands import add_inviting
from app.settings import Settings, SettingsError, from_environment
from app.surveying import add_surveying, move
from app.translating import add_translating
from app.words import LANGUAGES
from surveys.authoring import bank, load
from surveys.checking import QuestionnaireError
from surveys.exchange.tables import FileError
from surveys.lots import DRAWN
from surveys.questionnaire import COLUMNS, Questionnaire, say

if TYPE_CHECKING:
    from sqlalchemy import Engine

REFUSED = 2
BESIDE = {
    "branch": "column with the branch (unit in the product's own downloads)",
    "way_in": "column with the channel by which somebody came (via)",
    "language": "column with the language of the answers (language)",
    "day": "column with the day of the answers, as 2026-03-31: for the course of the wave",
    "person": "column that names the respondent, for --again; it is read for nothing else",
}
Command = Callable[[argparse.Namespace], int | None]


class Refusal(ValueError):
    """Something asked on the command line that cannot be done."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; returns the exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    for value in vars(given).values():
        if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
            print(f"{value.encode('utf-8', 'replace').decode()!r}: not UTF-8 text; allowed is UTF-8", file=sys.stderr)
            return REFUSED
    run: Command = given.run
    try:
        return run(given) or 0
    except (QuestionnaireError, FileError, SettingsError, Refusal) as error:
        print(error, file=sys.stderr)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    return REFUSED


def _of_database(run: Command) -> Command:
    """A command that uses the database: what the database refuses becomes a refusal of the command."""

    @wraps(run)
    def asked(given: argparse.Namespace) -> int | None:
        from sqlalchemy.exc import SQLAlchemyError

        from surveys.store.database import NotDurable
        from surveys.store.publish import Unpublishable

        try:
            return run(given)
        except SQLAlchemyError as error:
            raise Refusal(f"database: {str(error).splitlines()[0]}") from error
        except (Unpublishable, NotDurable) as error:
            raise Refusal(str(error)) from error

    return asked


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fivegaps", description="Service-quality surveys and gap analysis.")
    parser.add_argument("--version", action="version", version=f"fivegaps {version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _serving(commands)
    _questionnaires(commands)
    _people(commands)
    _publishing(commands)
    add_inviting(commands, _of_database)
    _analysing(commands)
    _validating(commands)
    return parser


def _serving(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    demo = commands.add_parser("demo", help="serve a simulated campaign on this computer (the default of ./run)")
    serve = commands.add_parser("serve", help="serve the database of FIVEGAPS_DATABASE_URL")
    for parser, run in ((demo, _demo), (serve, _serve)):
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (default 8000)")
        parser.set_defaults(run=_of_database(run))
    serve.add_argument("--workers", type=int, default=1, help="processes that serve (default 1)")
    demo.add_argument("--fresh", action="store_true", help="throw the demonstration's database away first")
    migrate = commands.add_parser("migrate", help="bring the database to the newest tables")
    migrate.set_defaults(run=_of_database(lambda given: _database()[1].dispose()))


def _questionnaires(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("questionnaire", help="check, list, show or translate questionnaires")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    check = actions.add_parser("check", help="say all that is wrong with a questionnaire file")
    check.add_argument("file")
    check.set_defaults(run=_check)
    show = actions.add_parser("show", help="print what a questionnaire asks")
    show.add_argument("questionnaire", help="a file, or the id of a built-in one")
    show.add_argument("--lang", default="en", help="a language of the questionnaire (default en)")
    show.set_defaults(run=_show)
    actions.add_parser("list", help="list the built-in questionnaires").set_defaults(run=_list)
    add_translating(actions)


def _people(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("user", help="add people who may sign in, list them, set a password")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add", help="add a person; asks for the password")
    add.add_argument("name")
    add.add_argument("--role", default="administrator", help="one of administrator, officer, researcher")
    password = actions.add_parser("password", help="set a person's password; ends all their sessions")
    password.add_argument("name")
    for entry, run in ((add, _user_add), (password, _user_password)):
        entry.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
        entry.set_defaults(run=_of_database(run))
    actions.add_parser("list", help="list the people").set_defaults(run=_of_database(_user_list))


def _publishing(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("publish", help="publish a questionnaire as a survey")
    parser.add_argument("questionnaire", help="a file, or the id of a built-in one")
    parser.add_argument("--slug", required=True, help="address of the survey: /s/SLUG")
    parser.add_argument("--wave", required=True, help="name of this round, as in 2026-2")
    parser.add_argument("--bank", default="", help="name at the head of the form (default: the title)")
    parser.add_argument("--opens", default="", help="first day, as in 2026-11-30 (default: today)")
    parser.add_argument("--closes", default="", help="last day (default: until closed)")
    parser.add_argument("--format", choices=list(COLUMNS), help="format of the items")
    parser.add_argument("--include", default="", help="optional questions to ask, as in stage_importance,self_report")
    parser.add_argument(
        "--short-form",
        action="store_true",
        help="ask each customer the core items and two others of each stage, by lot",
    )
    parser.add_argument("--invited-only", action="store_true", help="only personal links can be answered")
    parser.add_argument("--shuffle", action="store_true", help="items in random order within each stage")
    parser.add_argument("--planned", type=int, metavar="N", help="answers aimed at (default: none; it limits nothing)")
    parser.add_argument("--draft", action="store_true", help="keep it as a draft; 'survey move SLUG open' opens it")
    parser.add_argument("--unit", action="append", default=[], help="make a short link for this branch (repeatable)")
    parser.set_defaults(run=_of_database(_publish))
    close = commands.add_parser("close", help="close a survey, as 'survey move SLUG closed'")
    close.add_argument("slug")
    close.set_defaults(run=_of_database(move), phase="closed")
    add_surveying(commands, _of_database)


def _analysing(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("analyse", help="the defect report from a file of answers")
    parser.add_argument("data", nargs="?", help="CSV, TSV, XLSX, .sav, .dta or Parquet")
    parser.add_argument("--questionnaire", help="a questionnaire file, or the id of a built-in one")
    parser.add_argument("--html", metavar="OUT", help="write the report as one HTML file")
    parser.add_argument("--json", metavar="OUT", help="write the numbers as JSON; - is standard output (the default)")
    parser.add_argument("--lang", choices=list(LANGUAGES), default="en", help="language of the HTML")
    parser.add_argument("--format", choices=list(COLUMNS), help="format of the items, when not the questionnaire's")
    parser.add_argument(
        "--short-form", action="store_true", help="items of which nothing is answered were not asked, but for the core"
    )
    parser.add_argument("--missing", action="append", default=[], metavar="CODE", help="code of a missing answer")
    parser.add_argument(
        "--not-applicable", action="append", default=[], metavar="CODE", help="code of “not applicable”"
    )
    parser.add_argument("--ignore", action="append", default=[], metavar="COLUMN", help="leave this column aside (* ?)")
    parser.add_argument("--skip-bad-rows", action="store_true", help="leave rows with unusable cells out, and say so")
    parser.add_argument(
        "--staff", metavar="DATA", help="answers of staff (pfs_staff): with them the appendix finds causes"
    )
    parser.add_argument("--managers", metavar="DATA", help="answers of managers (pfs_manager)")
    parser.add_argument("--before", metavar="DATA", help="answers of an earlier wave: what changed since")
    parser.add_argument(
        "--treated",
        action="append",
        default=[],
        metavar="BRANCH",
        help="a branch that has acted since the earlier wave",
    )
    parser.add_argument(
        "--again", metavar="DATA", help="second answers of the same people, matched by --person: how far they agree"
    )
    for name, told in BESIDE.items():
        parser.add_argument(f"--{name.replace('_', '-')}", metavar="COLUMN", help=told)
    parser.add_argument(
        "--sampled-branches",
        action="store_true",
        help="the branches were drawn from more: the status of a defect must allow for it",
    )
    parser.add_argument("--appendix", metavar="OUT", help="write the statistical appendix as one HTML file")
    parser.add_argument("--no-appendix", action="store_true", help="leave the statistical appendix out of the JSON")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of the output")
    parser.set_defaults(run=_analyse)


def _validating(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("validate", help="try the statistics on data whose truth is known")
    parser.add_argument("--runs", type=int, default=4000, help="simulated surveys for a quick statistic (default 4000)")
    parser.add_argument("--only", metavar="NAME", help="one family of checks, as in defects")
    parser.add_argument("--seed", type=int, default=20261123, help="seed of the random numbers (default 20261123)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one a processor)")
    parser.add_argument("--json", metavar="OUT", help="write the checks as JSON; - is standard output")
    parser.add_argument("--markdown", metavar="OUT", help="write them as a document; - is standard output")
    parser.set_defaults(run=_validate)


def _database() -> tuple[Settings, Engine]:
    from surveys.store.database import open_database
    from surveys.store.migrate import upgrade

    settings = from_environment()
    engine = open_database(settings.database_url)
    upgrade(engine)
    return settings, engine


def _demo(given: argparse.Namespace) -> int:
    from app.serving import serve_demo

    return serve_demo(given.host, given.port, fresh=given.fresh)


def _serve(given: argparse.Namespace) -> int:
    from app.serving import serve

    return serve(given.host, given.port, given.workers)


def _check(given: argparse.Namespace) -> int:
    questionnaire = load(given.file)
    print(f"{given.file}: good ({_counted(questionnaire)})")
    return 0


def _counted(questionnaire: Questionnaire) -> str:
    others = sum(len(block.questions) for block in questionnaire.blocks)
    return (
        f"{questionnaire.id} {questionnaire.version}: {len(questionnaire.items)} items, {others} other questions, "
        f"{len(questionnaire.stages)} stages, {len(questionnaire.dimensions)} dimensions, "
        f"languages {', '.join(questionnaire.languages)}"
    )


def _list(given: argparse.Namespace) -> int:
    for name in bank():
        questionnaire = load(name)
        print(f"{name:14} {questionnaire.audience:9} {say(questionnaire.title, 'en')} ({_counted(questionnaire)})")
    return 0


def _show(given: argparse.Namespace) -> int:
    questionnaire, tongue = load(given.questionnaire), given.lang
    print(f"{say(questionnaire.title, tongue)}\n{_counted(questionnaire)}\nformat {questionnaire.format}")
    for item in questionnaire.items:
        print(f"\n{item.id}  [{item.stage or '-'} · {item.dimension}]{' reversed' if item.reversed else ''}")
        for column in COLUMNS[questionnaire.format]:
            print(f"  {column:11} {say(item.wording(column), tongue)}")
    for block in questionnaire.blocks:
        print(f"\n{block.id} ({block.role})  {say(block.frame, tongue) if block.frame else ''}".rstrip())
        for question in block.questions:
            optional = ", optional" if question.optional else ""
            shown = f", shown if {question.show_if}" if question.show_if else ""
            print(f"  {question.id} ({question.type}{optional}{shown})  {say(question.prompt, tongue)}")
            for option in question.options:
                print(f"      {option.code}: {say(option.label, tongue)}")
    return 0


def _new_password(given: argparse.Namespace) -> str:
    from app.access import check_password, hash_password

    if given.password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    else:
        try:
            password = getpass.getpass("Password (12 characters or more): ")
            again = getpass.getpass("Again: ")
        except EOFError as error:
            raise Refusal("password: nothing was typed; type it, or send it in with --password-stdin") from error
        if password != again:
            raise Refusal("password: the two entries differ; type the same password twice")
    try:
        check_password(password, given.name)
    except ValueError as error:
        raise Refusal(str(error)) from error
    return hash_password(password)


def _user_add(given: argparse.Namespace) -> int:
    from surveys.store import people
    from surveys.store.database import reading, writing

    settings, engine = _database()
    with reading(engine) as session:
        if people.find(session, given.name):
            raise Refusal(f"name: {given.name!r} is taken; allowed is a name that nobody has yet")
    if given.role not in people.ROLES:
        raise Refusal(f"--role: the value is {given.role!r}; allowed are {', '.join(people.ROLES)}")
    hashed = _new_password(given)
    try:
        with writing(engine) as session:
            people.add(session, given.name, hashed, given.role, settings.today())
    except ValueError as error:
        raise Refusal(str(error)) from error
    print(f"{given.name} may sign in as {given.role}.")
    return 0


def _user_password(given: argparse.Namespace) -> int:
    from surveys.store import people
    from surveys.store.database import reading, writing

    _, engine = _database()
    with reading(engine) as session:
        person = people.find(session, given.name)
    if person is None:
        raise Refusal(f"name: there is nobody called {given.name!r}; 'fivegaps user list' shows who there is")
    hashed = _new_password(given)
    with writing(engine) as session:
        people.change_password(session, session.merge(person), hashed)
    print(f"The password of {given.name} is changed; all sessions have ended.")
    return 0


def _user_list(given: argparse.Namespace) -> int:
    from surveys.store import people
    from surveys.store.database import reading

    _, engine = _database()
    with reading(engine) as session:
        for person in people.everybody(session):
            print(
                f"{person.name:30} {person.role:15} since {person.created_on}{' disabled' if person.disabled else ''}"
            )
    return 0


def _day(text: str, name: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Refusal(f"--{name}: the value is {text!r}; allowed is a date as in 2026-11-30") from error


def _publish(given: argparse.Namespace) -> int:
    from app.desk.short_form import PLANNED
    from surveys.store import publish
    from surveys.store.database import writing

    include = tuple(filter(None, given.include.split(",")))
    whole = load(given.questionnaire)
    known = {question.id for question in whole.questions()} | {block.id for block in whole.blocks}
    unknown = [name for name in include if name not in known]
    if unknown:
        optional = sorted(question.id for question in whole.questions() if question.optional)
        raise Refusal(f"--include: {unknown[0]!r} is no question; allowed are {', '.join(optional) or 'none'}")
    if given.format and given.format not in whole.item_scale:
        allowed = ", ".join(whole.item_scale) or "none, since this questionnaire has no items"
        raise Refusal(f"--format: the value is {given.format!r}; allowed are {allowed}")
    questionnaire = whole.variant(given.format, include, DRAWN if given.short_form else None, given.shuffle)
    preview = _preview(questionnaire, PLANNED if given.planned is None else given.planned)
    opens, closes = _day(given.opens, "opens"), _day(given.closes, "closes")
    settings, engine = _database()
    with writing(engine) as session:
        survey = publish.publish(
            session,
            questionnaire,
            slug=given.slug,
            bank=given.bank or say(questionnaire.title, "en"),
            wave=given.wave,
            opens_on=opens or settings.today(),
            closes_on=closes,
            today=settings.today(),
            phase="draft" if given.draft else "open",
            planned=given.planned or 0,
            invited_only=given.invited_only,
        )
        links = [publish.add_link(session, survey, unit, "") for unit in given.unit]
    later = f" (opens on {survey.opens_on})" if survey.opens_on > settings.today() else ""
    later = f" (a draft; open it with: fivegaps survey move {survey.slug} open)" if given.draft else later
    print(f"{survey.slug} is published: {settings.public_url}/s/{survey.slug}{later}")
    for link in links:
        print(f"{link.unit}: {settings.public_url}/s/{survey.slug}/{link.code}")
    for line in preview:
        print(line)
    return 0


def _preview(questionnaire: Questionnaire, planned: int) -> list[str]:
    """What the short form gives, when it was chosen."""
    from app.desk.report_words import stage_names
    from app.desk.short_form import planned_of, preview_of, preview_rows
    from app.words import speak
    from surveys.store.publish import MOST_PLANNED

    speak("en")  # the command line is English, whatever was spoken before in this process
    if planned_of(str(planned)) is None:
        raise Refusal(f"--planned: the value is {planned}; allowed is a whole number from 1 to {MOST_PLANNED}")
    found = preview_of(questionnaire, planned) if questionnaire.drawn else None
    if found is None:
        return []
    rows = preview_rows(found, stage_names(questionnaire))
    return [f"The short form, with {planned} answers:", *(f"  {name}: {told}" for name, [told] in rows)]


def _analyse(given: argparse.Namespace) -> int:
    from app.analyse import analyse, print_schema

    if given.schema:
        print_schema()
        return 0
    if not given.data or not given.questionnaire:
        raise Refusal("analyse: a data file and --questionnaire are needed: analyse answers.csv --questionnaire ID")
    return analyse(given)


def _validate(given: argparse.Namespace) -> int:
    from analysis.validation.run import FAMILIES
    from app.validation import validate

    for name, value, least in (("runs", given.runs, 2), ("seed", given.seed, 0), ("jobs", given.jobs, 1)):
        if value < least:
            raise Refusal(f"--{name}: the value is {value}; allowed is a whole number from {least}")
    if given.only is not None and given.only not in FAMILIES:
        raise Refusal(f"--only: the value is {given.only!r}; allowed are {', '.join(FAMILIES)}")
    return validate(given)
