"""The commands about the life of a survey; what they need is imported when they run."""

from __future__ import annotations

import argparse
from collections.abc import Callable

Command = Callable[[argparse.Namespace], int | None]
TOLD = {
    "draft": "is a draft; its address says that it is not open yet",
    "pilot": "is in its pilot; its answers are kept apart",
    "not_yet": "opens on its first day, {opens}",
    "open": "is open; its answers count",
    "paused": "is paused; customers are asked to come back",
    "closed": "is closed; no more answers are taken",
    "archived": "is archived",
}


def add_surveying(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], of_database: Callable[[Command], Command]
) -> None:
    """Add the commands to the command line's parser."""
    parser = commands.add_parser("survey", help="list the surveys, bring one into another phase")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    actions.add_parser("list", help="list the surveys and their states").set_defaults(run=of_database(_list))
    step = actions.add_parser("move", help="bring a survey into another phase")
    step.add_argument("slug")
    step.add_argument("phase", help="one of draft, pilot, open, paused, closed, archived; not each follows on each")
    step.set_defaults(run=of_database(move))


def move(given: argparse.Namespace) -> int:
    """Bring a survey into another phase."""
    from app.cli import Refusal, _database
    from surveys.store import lifecycle, publish
    from surveys.store.database import writing

    if given.phase not in lifecycle.PHASES:
        raise Refusal(f"phase: the value is {given.phase!r}; allowed are {', '.join(lifecycle.PHASES)}")
    settings, engine = _database()
    with writing(engine) as session:
        survey = publish.find(session, given.slug)
        if survey is None:
            raise Refusal(f"slug: there is no survey {given.slug!r}")
        moved = lifecycle.move(session, survey, given.phase, settings.today())
        told = TOLD[publish.state(moved, settings.today())].format(opens=moved.opens_on)
    print(f"{given.slug} {told}.")
    return 0


def _list(given: argparse.Namespace) -> int:
    from app.cli import _database
    from surveys.store import publish
    from surveys.store.database import reading

    settings, engine = _database()
    with reading(engine) as session:
        for survey in publish.all_surveys(session):
            beside = " (pilot)" if survey.pilot_of is not None else ""
            released, _ = publish.counts(session, survey)
            state = publish.state(survey, settings.today())
            print(f"{survey.slug:30} {state:9} {released:>8,} released  {survey.bank} {survey.wave}{beside}")
    return 0
