"""The short form: core items for everybody and, of the other items of each stage, as many as are drawn by lot.

The lots follow from the secret of a visit, the sender's key, so a page that is shown again, in another language, on
another device or without script, asks the same.  The script draws them as well (`static/whole.js`), since its document
is the same for everybody; what counts is drawn here, when the answers come.  Neither key nor seed is stored with
them: what was not asked is (`surveys.codes.NOT_ASKED`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from surveys.questionnaire import Item, Questionnaire

DRAWN = 2
"""Items drawn of each stage."""


@dataclass(frozen=True)
class Lot:
    """Items of a stage from which so many are drawn for each respondent."""

    items: tuple[str, ...]
    drawn: int


def design(questionnaire: Questionnaire, drawn: int = DRAWN) -> dict[str, tuple[int, int, int]]:
    """What a short form would ask.

    Parameters
    ----------
    questionnaire : Questionnaire
    drawn : int
        Items drawn of each stage.

    Returns
    -------
    dict
        Stage -> core items, others, how many of these are drawn.  Empty where a short form is not possible: without
        stages, without core items, or with nothing to leave out.
    """
    found = {}
    for stage in questionnaire.stages:
        core, others = _parted(questionnaire, stage.id)
        if core or others:
            found[stage.id] = (len(core), len(others), min(drawn, len(others)))
    possible = any(core for core, _, _ in found.values()) and any(most > few for _, most, few in found.values())
    return found if possible else {}


def lots(questionnaire: Questionnaire) -> tuple[Lot, ...]:
    """The items that are drawn from, stage by stage; none in the whole form."""
    if questionnaire.drawn is None:
        return ()
    found = []
    for stage, (_, others, drawn) in design(questionnaire, questionnaire.drawn).items():
        if drawn < others:
            found.append(Lot(tuple(item.id for item in _parted(questionnaire, stage)[1]), drawn))
    return tuple(found)


def left_out(of: Sequence[Lot], key: str) -> frozenset[str]:
    """The items that are not asked in the visit of this key.

    Each item draws a number from the key and its own id; of each stage the lowest are asked.
    """
    return frozenset(item for lot in of for item in sorted(lot.items, key=lambda one: number(key + one))[lot.drawn :])


def asked(questionnaire: Questionnaire) -> int:
    """How many items each respondent is asked."""
    return len(questionnaire.items) - sum(len(lot.items) - lot.drawn for lot in lots(questionnaire))


def number(text: str) -> int:
    """A number of 32 bits from a text, as simple as a script can work it out: FNV-1a, mixed as in MurmurHash3.

    It need not be secret: of the key's 192 bits the items asked give away about eleven.
    """
    found = 0x811C9DC5
    for byte in text.encode():
        found = (found ^ byte) * 0x01000193 & 0xFFFFFFFF
    return mixed(found)


def mixed(found: int) -> int:
    """32 bits of which each hangs on all that came in: the last steps of MurmurHash3."""
    found = (found ^ found >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    found = (found ^ found >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return found ^ found >> 16


def _parted(questionnaire: Questionnaire, stage: str) -> tuple[list[Item], list[Item]]:
    own = [item for item in questionnaire.items if item.stage == stage]
    return [item for item in own if item.core], [item for item in own if not item.core]
