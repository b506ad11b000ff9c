"""The short form at publishing: how few items it asks, and what that costs in precision."""

from __future__ import annotations

from analysis.sampling.shortform import Preview, StageDesign, preview
from app.desk.report_words import share
from app.words import _, count, decimal
from surveys.lots import DRAWN, design
from surveys.questionnaire import Questionnaire
from surveys.store.publish import MOST_PLANNED

PLANNED = 1000


def planned_of(text: str) -> int | None:
    """The number of answers that are planned; None when it is no such number."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 8 else 0
    return number if 1 <= number <= MOST_PLANNED else None


def preview_of(questionnaire: Questionnaire, planned: int) -> Preview | None:
    """What the short form gives with so many answers; None where there can be none."""
    stages = design(questionnaire, questionnaire.drawn or DRAWN)
    return preview(planned, {name: StageDesign(*one) for name, one in stages.items()}) if stages else None


def preview_rows(one: Preview, stages: dict[str, str]) -> list[tuple[str, list[str]]]:
    """The preview as rows of a table."""
    return [
        (_("Items asked of each customer"), [f"{count(one.items_asked)} / {count(one.items)}"]),
        (_("Answers to a core item"), [decimal(one.n_core, 0)]),
        *(
            (_("Answers to another item: %(stage)s") % {"stage": stages.get(name, name)}, [decimal(n, 0)])
            for name, n in one.n_random.items()
        ),
        *(
            (_("Interval wider by the factor: %(stage)s") % {"stage": stages.get(name, name)}, [decimal(n)])
            for name, n in one.wider.items()
        ),
        (_("Chance that every pair of items has enough answers"), [share(one.every_pair)]),
        (_("Answers needed for that (98 %)"), [count(one.n_for_pairs) if one.n_for_pairs else "–"]),
    ]
