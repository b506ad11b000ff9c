"""What two waves ask differently: a changed wording breaks the line from one wave to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from surveys.questionnaire import COLUMNS, Column, Item, Questionnaire, Text


@dataclass(frozen=True)
class Change:
    """One item that is not asked as it was; `before` and `after` are the wordings, empty where it was not asked."""

    item: str
    kind: Literal["reworded", "added", "dropped"]
    before: Text
    after: Text


def changes(before: Questionnaire, after: Questionnaire) -> list[Change]:
    """Items whose wording differs, in the order of the later questionnaire, then those that are asked no more.

    Only the columns that both ask and the languages that both speak are compared: a further language changes nothing
    for those who answered in the others.
    """
    known = {item.id: item for item in before.items}
    found = []
    for item in after.items:
        if item.id not in known:
            found.append(Change(item.id, "added", {}, _first(after, item)))
        elif reworded := _reworded(before, after, known[item.id], item):
            found.append(Change(item.id, "reworded", *reworded))
    kept = {item.id for item in after.items}
    return found + [
        Change(item.id, "dropped", _first(before, item), {}) for item in before.items if item.id not in kept
    ]


def same_scale(before: Questionnaire, after: Questionnaire) -> bool:
    """Whether the items are rated in the same columns and on the same points with the same words."""
    if before.format != after.format:
        return False
    if not before.items or not after.items:
        return True
    one, other = before.rating_scale, after.rating_scale
    shared = set(before.languages) & set(after.languages)
    anchors = ({point: _spoken(words, shared) for point, words in scale.anchors.items()} for scale in (one, other))
    return (one.min, one.max) == (other.min, other.max) and next(anchors) == next(anchors)


def _columns(questionnaire: Questionnaire) -> tuple[Column, ...]:
    return COLUMNS[questionnaire.format]


def _first(questionnaire: Questionnaire, item: Item) -> Text:
    return item.wording(_columns(questionnaire)[-1])


def _reworded(before: Questionnaire, after: Questionnaire, one: Item, other: Item) -> tuple[Text, Text] | None:
    shared = set(before.languages) & set(after.languages)
    for column in _columns(after):
        if column in _columns(before):
            pair = _spoken(one.wording(column), shared), _spoken(other.wording(column), shared)
            if pair[0] != pair[1]:
                return pair
    return None


def _spoken(text: Text, languages: set[str]) -> Text:
    return {language: words for language, words in text.items() if language in languages}
