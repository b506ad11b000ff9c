"""What makes a questionnaire file wrong: the rules that need the whole of it, and the shape of a complaint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from surveys.lots import lots
from surveys.piping import BANK, BRANCH, names_in
from surveys.questionnaire import MAX_OPTIONS, NOT_REACHED, RESERVED, WITH, WITHOUT, Questionnaire

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One mistake in a questionnaire file."""

    line: int | None
    place: str
    message: str

    def __str__(self) -> str:
        where = f"line {self.line}, " if self.line else ""
        return f"{where}{self.place or 'file'}: {self.message}"


class QuestionnaireError(ValueError):
    """A questionnaire file that cannot be used, with all its mistakes."""

    def __init__(self, problems: list[Problem]):
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))


def cross_checks(questionnaire: Questionnaire) -> Iterator[tuple[Place, str]]:
    """Rules that need the whole questionnaire."""
    yield from _ids_once(questionnaire)
    yield from _items_fit(questionnaire)
    yield from _questions_fit(questionnaire)
    yield from _features_fit(questionnaire)
    yield from _exposure_fits(questionnaire)
    yield from _places_fit(questionnaire)
    yield from _wordings(questionnaire)
    if not questionnaire.items and not questionnaire.blocks:
        yield ("items",), "there is nothing to ask; at least one item or one question is needed"
    for scale_name, at in ((name, ("item_scale", fmt)) for fmt, name in questionnaire.item_scale.items()):
        known = [scale.id for scale in questionnaire.scales]
        if scale_name not in known:
            yield at, f"the scale is {scale_name!r}; allowed are {', '.join(known) or 'none: define one under scales'}"
    for place, scale in enumerate(questionnaire.scales):
        if scale.max - scale.min < 1 or scale.points > MAX_OPTIONS:
            yield ("scales", place), f"the scale runs from {scale.min} to {scale.max}; the top must be above the bottom"
        for anchor in scale.anchors:
            if not scale.min <= anchor <= scale.max:
                yield ("scales", place, "anchors"), f"{anchor} lies outside the scale of {scale.min} to {scale.max}"


def _ids_once(questionnaire: Questionnaire) -> Iterator[tuple[Place, str]]:
    ids = {
        "stages": [stage.id for stage in questionnaire.stages],
        "dimensions": [dimension.id for dimension in questionnaire.dimensions],
        "scales": [scale.id for scale in questionnaire.scales],
        "items": [item.id for item in questionnaire.items],
    }
    for key, names in ids.items():
        for place, name in enumerate(names):
            if name in names[:place]:
                yield (key, place, "id"), f"{name!r} is used twice; ids must be unique"
    for place, item in enumerate(questionnaire.items):
        if item.id in RESERVED or "__" in item.id:
            yield ("items", place, "id"), f"{item.id!r} is taken by the product; choose another id, without a double _"
    taken = {item.id for item in questionnaire.items}
    for b, block in enumerate(questionnaire.blocks):
        for q, question in enumerate(block.questions):
            if question.id in RESERVED or ("__" in question.id and block.role not in ("belief", "grid")):
                message = f"{question.id!r} is taken by the product; choose another id, without a double _"
                yield ("blocks", b, "questions", q, "id"), message
            if question.id in taken:
                yield ("blocks", b, "questions", q, "id"), f"{question.id!r} is used twice; ids must be unique"
            taken.add(question.id)


def _items_fit(questionnaire: Questionnaire) -> Iterator[tuple[Place, str]]:
    if questionnaire.items and questionnaire.format not in questionnaire.item_scale:
        yield (
            ("formats",),
            f"the format {questionnaire.format} names no scale; add formats.{questionnaire.format}.scale",
        )
    if questionnaire.drawn is not None and not lots(questionnaire):
        yield ("drawn",), "a short form needs stages, items with core: true, and more others than are drawn of a stage"
    for place, name in enumerate(questionnaire.screening):
        if name not in questionnaire.screenable:
            allowed = ", ".join(questionnaire.screenable) or "none"
            message = f"{name!r} cannot be asked first; allowed are choices of one answer among the segments: {allowed}"
            yield ("screening", place), message
    importance = questionnaire.item_importance
    if importance and importance.scale not in [scale.id for scale in questionnaire.scales]:
        yield ("item_importance", "scale"), f"the scale is {importance.scale!r}; it is not defined under scales"


def _features_fit(questionnaire: Questionnaire) -> Iterator[tuple[Place, str]]:
    """Each feature is asked twice, with five answers from liking to disliking (Kano)."""
    for b, block in enumerate(questionnaire.blocks):
        ids = [question.id for question in block.questions]
        for q, question in enumerate(block.questions if block.role == "features" else ()):
            at: Place = ("blocks", b, "questions", q)
            end = next((one for one in (WITHOUT, WITH) if question.id.endswith(one)), None)
            if end is None:
                yield (
                    (*at, "id"),
                    f"{question.id!r} is no question about a feature; its id must end in {WITH} or {WITHOUT}",
                )
                continue
            partner = question.id.removesuffix(end) + (WITH if end == WITHOUT else WITHOUT)
            if partner not in ids:
                yield (*at, "id"), f"{question.id!r} stands alone; the feature is asked as {partner!r} too"
            if question.type != "single" or len(question.options) != 5:
                yield (*at, "options"), f"{question.id} needs type: single and five options, from liking to disliking"


def _exposure_fits(questionnaire: Questionnaire) -> Iterator[tuple[Place, str]]:
    """Whether a stage was reached is a single choice about a stage that has items; "no" passes over them."""
    stages = {item.stage for item in questionnaire.items if item.stage}
    for b, block in enumerate(questionnaire.blocks):
        for q, question in enumerate(block.questions if block.role == "exposure" else ()):
            at: Place = ("blocks", b, "questions", q)
            if question.stage not in stages:
                yield (*at, "stage"), f"the stage is {question.stage!r}; allowed are stages that have items"
            if question.type != "single" or NOT_REACHED not in [option.code for option in question.options]:
                yield (*at, "options"), f"{question.id} needs type: single and an option with the code {NOT_REACHED!r}"


def _places_fit(questionnaire: Questionnaire) -> Iterator[tuple[Place, str]]:
    """Names in the wording of items are the bank's, the branch's, or that of a single choice."""
    known = {BANK, BRANCH} | {question.id for question in questionnaire.questions() if question.type == "single"}
    for place, item in enumerate(questionnaire.items):
        for part in ("stem", "expectation", "perception"):
            for name in sorted(names_in(getattr(item, part)) - known):
                message = f"{{{name}}} is no name that can stand here; allowed are {', '.join(sorted(known))}"
                yield ("items", place, part), message


def _questions_fit(questionnaire: Questionnaire) -> Iterator[tuple[Place, str]]:
    known = {
        "dimensions": [dimension.id for dimension in questionnaire.dimensions],
        "stages": [stage.id for stage in questionnaire.stages],
    }
    before: dict[str, list[str]] = {}
    for b, block in enumerate(questionnaire.blocks):
        for q, question in enumerate(block.questions):
            at: Place = ("blocks", b, "questions", q)
            codes = [option.code for option in question.options]
            if question.over and block.role == "importance":
                wanted = known[question.over]
                if codes != wanted:
                    yield (
                        (*at, "options"),
                        (
                            f"the options are {', '.join(codes)}; "
                            f"allowed are the {question.over} in order: {', '.join(wanted)}"
                        ),
                    )
            if block.role == "importance" and question.type == "constant_sum" and question.total != 100:
                yield (*at, "total"), f"the value is {question.total}; importance is shared out as 100 points"
            if question.condition:
                other, _, code = question.condition
                if other not in before:
                    yield (*at, "show_if"), f"{other!r} is not a choice asked before {question.id}"
                elif code not in before[other]:
                    yield (*at, "show_if"), f"{code!r} is no option of {other}; allowed are {', '.join(before[other])}"
            if question.type == "single":
                before[question.id] = codes


def _wordings(questionnaire: Questionnaire) -> Iterator[tuple[Place, str]]:
    """Each wording that is there must be there in every language of the questionnaire."""

    def walk(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
        if isinstance(value, dict) and value and all(isinstance(words, str) for words in value.values()):
            if not place or place[-1] in ("columns", "item_scale") or "data" in place:
                return
            for language in questionnaire.languages:
                if not str(value.get(language, "")).strip():
                    yield place, f"the wording in {language} is missing; each wording is needed in all languages"
            for language in value:
                if language not in questionnaire.languages:
                    yield (
                        place,
                        (
                            f"wording in {language!r}, which is not among the languages "
                            f"{', '.join(questionnaire.languages)}"
                        ),
                    )
        elif isinstance(value, dict):
            for key, part in value.items():
                yield from walk(part, (*place, key))
        elif isinstance(value, list | tuple):
            for number, part in enumerate(value):
                yield from walk(part, (*place, number))

    yield from walk(questionnaire.model_dump(by_alias=True), ())
