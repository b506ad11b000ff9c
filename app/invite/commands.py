"""The commands that send invitations and read what came back; what they need is imported when they run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from app.settings import Settings
    from surveys.tables import Survey

Command = Callable[[argparse.Namespace], int | None]


def add_inviting(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], of_database: Callable[[Command], Command]
) -> None:
    """Add the commands to the command line's parser."""
    invite = commands.add_parser("contacts", help="put a list of contacts (CSV, XLSX) on a survey's list")
    invite.add_argument("slug")
    invite.add_argument("file", help="columns address, unit, language, segment")
    invite.add_argument("--check", action="store_true", help="only say what is wrong with it and what it would bring")
    invite.set_defaults(run=of_database(_contacts))
    send = commands.add_parser("send", help="send a survey's invitations by mail, and what waits from before")
    send.add_argument("slug")
    send.add_argument("--reminder", action="store_true", help="remind those who have not answered instead")
    send.add_argument("--segment", default="", metavar="CODE", help="queue only contacts with this segment code")
    send.add_argument("--limit", type=int, metavar="N", help="send at most so many mails now; the rest waits")
    send.set_defaults(run=of_database(_send))
    bounces = commands.add_parser("bounces", help="mark contacts whose mail came back (an mbox file or one message)")
    bounces.add_argument("file", help="- is standard input")
    bounces.set_defaults(run=of_database(_bounces))


def _survey(slug: str) -> tuple[Settings, Engine, Survey]:
    from app.cli import Refusal, _database
    from surveys.store import publish
    from surveys.store.database import reading

    settings, engine = _database()
    with reading(engine) as session:
        survey = publish.find(session, slug)
    if survey is None:
        raise Refusal(f"slug: there is no survey {slug!r}")
    return settings, engine, survey


def _read(name: str, largest: int) -> bytes:
    """A file's bytes, or those of standard input; no more than one beyond what is allowed."""
    from app.cli import Refusal

    try:
        if name == "-":
            return sys.stdin.buffer.read(largest + 1)
        with Path(name).open("rb") as file:
            return file.read(largest + 1)
    except OSError as error:
        raise Refusal(f"{name}: the file cannot be read ({error.strerror}); allowed is a readable file") from error


def _contacts(given: argparse.Namespace) -> int:
    from surveys.exchange.contacts import LARGEST_FILE, read_contacts
    from surveys.store import contacts, publish

    _, engine, survey = _survey(given.slug)
    languages = publish.questionnaire_of(survey).languages
    entries, problems = read_contacts(given.file, _read(given.file, LARGEST_FILE), languages)
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print("nothing was taken over", file=sys.stderr)
        return 2
    survey_id = survey.id or 0
    with engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
        found = contacts.compare(connection, survey_id, entries)
        if not given.check:
            contacts.add(connection, survey_id, entries)
    print(
        f"{len(entries)} contacts: {found.new} new, {found.known} known from other surveys, {found.listed} on this "
        f"list already, {found.silent} not to be written to{'; nothing was taken over' if given.check else ''}."
    )
    return 0


def _send(given: argparse.Namespace) -> int:
    from app.cli import Refusal
    from app.invite import sending

    if given.limit is not None and given.limit < 1:
        raise Refusal(f"--limit: the value is {given.limit}; allowed is a whole number from 1")
    settings, engine, survey = _survey(given.slug)
    try:
        queued = sending.queue(engine, settings, survey, reminder=given.reminder, segment=given.segment)
        outcome = sending.send_waiting(engine, settings, survey, limit=given.limit)
    except sending.Unsendable as error:
        raise Refusal(f"send: {error}") from error
    print(
        f"{queued.mails} queued, {queued.resting} left in peace for now; {outcome.sent} sent, {outcome.failed} not "
        f"accepted, {outcome.later} put off, {outcome.unsure} cut off on the way."
    )
    if outcome.trouble:
        raise Refusal(f"send: {sending.REFUSALS[outcome.trouble]} {outcome.detail}".strip())
    return 0


def _bounces(given: argparse.Namespace) -> int:
    from app.cli import Refusal, _database
    from app.invite.bounces import LARGEST, read_bounces
    from surveys.store import contacts

    data = _read(given.file, LARGEST)
    if len(data) > LARGEST:
        raise Refusal(f"{given.file}: over {LARGEST:,} bytes; allowed is an mbox file of no more")
    found = read_bounces(data)
    _, engine = _database()
    with engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
        marked = contacts.bounce(connection, [bounce.address for bounce in found if bounce.hard])
    passing = sum(not bounce.hard for bounce in found)
    print(f"{marked} contacts are written to no more; {passing} addresses may work again.")
    return 0
