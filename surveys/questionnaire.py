"""What is asked: a questionnaire, validated and frozen.

A questionnaire is written as YAML (the bank lies in `questionnaires/`) and read by `load`, which
returns a `Questionnaire` or raises `QuestionnaireError` with one message per mistake.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from surveys.piping import plain
from surveys.tongues import nearest

Text = dict[str, str]
"""Wording per language: ``{"en": "Reliability", "zh-CN": "可靠性"}``."""

Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+\-]{0,39}$")]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$")]
Format = Literal["two_column", "three_column", "perception_only"]
Column = Literal["minimum", "desired", "expectation", "perception", "importance"]

COLUMNS: dict[Format, tuple[Column, ...]] = {
    "two_column": ("expectation", "perception"),
    "three_column": ("minimum", "desired", "perception"),
    "perception_only": ("perception",),
}
SUFFIX: dict[Column, str] = {
    "expectation": "E",
    "perception": "P",
    "minimum": "M",
    "desired": "D",
    "importance": "I",
}

RESERVED = frozenset(
    {
        "submission",
        "unit",
        "via",
        "month",
        "period",
        "language",
        "release",  # columns of the downloads, filters
        "lang",
        "open",
        "go",
        "seen",
        "csrf",
        "code",
        "confirm",
        "draft",
        "name",
        "next",  # fields of the pages
    }
)
"""Names that a question or item cannot have, since the product uses them beside it."""

MAX_OPTIONS = 200
"""An option is stored as one byte, and the codes above 250 are taken (`surveys.coding`)."""


class Part(BaseModel):
    """Base of every part: frozen, and strict about keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Choice(Part):
    """A special answer beside the scale: not applicable, cannot judge."""

    code: Code
    label: Text


class Scale(Part):
    """A rating scale from `min` to `max` in whole points, with words at some of them."""

    id: Identifier = "scale"
    type: Literal["likert", "nps"] = "likert"
    min: int = Field(ge=0, le=1)
    max: int = Field(ge=2, le=11)
    anchors: dict[int, Text] = {}
    na: Choice | None = None
    dk: Choice | None = None

    @property
    def points(self) -> int:
        """Number of points."""
        return self.max - self.min + 1


class Stage(Part):
    """One stage of the service: encounter, transfer (delivery), tracking (follow-up)."""

    id: Identifier
    order: int = 0
    name: Text
    short: Text = {}
    plain: Text = {}
    definition: Text = {}
    fpsb_steps: tuple[int, ...] = ()
    cfp_board_steps: tuple[int, ...] = ()


class Dimension(Part):
    """One dimension of service quality, such as reliability."""

    id: Identifier
    name: Text
    description: Text = {}


class Item(Part):
    """One statement, asked as expectation and as perception (or as a neutral `stem` in three columns)."""

    id: Identifier
    order: int = 0
    stage: Identifier | None = None
    dimension: Identifier
    fpsb_step: int | None = None
    cfp_board_step: int | None = None
    touchpoint: Text = {}
    core: bool = False
    allow_na: bool = True
    reversed: bool = False
    stem: Text = {}
    expectation: Text = {}
    perception: Text = {}

    def wording(self, column: Column) -> Text:
        """The statement for `column` as it is spoken of in general; the stem where it has no wording of its own."""
        return plain(self.asked(column))

    def asked(self, column: Column) -> Text:
        """The statement for `column` as it is written, with the places where names go (`surveys.piping`)."""
        if column == "expectation":
            return self.expectation or self.stem
        if column == "perception":
            return self.perception or self.stem
        return self.stem or self.perception


class Option(Part):
    """One option of a choice, or one feature that points are shared out to."""

    code: Code
    label: Text
    help: Text = {}
    exclusive: bool = False


class Question(Part):
    """A question that is not an item: a choice, points to share out, a rating, or free text."""

    id: Identifier
    type: Literal["single", "multiple", "constant_sum", "scale", "text"]
    prompt: Text
    short: Text = {}
    options: tuple[Option, ...] = ()
    scale: Scale | None = None
    total: int = 100
    step: int = Field(default=1, ge=1)
    over: Literal["dimensions", "stages"] | None = None
    max_chars: int = Field(default=2000, ge=1, le=10000)
    show_if: str | None = None
    optional: bool = False
    reversed: bool = False
    higher_is_better: bool = True
    item: Identifier | None = None
    stage: Identifier | None = None
    dimension: Identifier | None = None
    gap: int | None = None
    correct: int | None = None  # the instructed answer of an attention check

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.type in ("single", "multiple", "constant_sum"):
            if not 2 <= len(self.options) <= MAX_OPTIONS:
                raise ValueError(f"question {self.id} has {len(self.options)} options; allowed are 2 to {MAX_OPTIONS}")
            codes = [option.code for option in self.options]
            if len(set(codes)) < len(codes):
                raise ValueError(f"question {self.id} has two options with one code; each code must be unique")
        if self.type == "scale" and self.scale is None:
            raise ValueError(f"question {self.id} is of type scale and names no scale")
        if self.type == "constant_sum" and not 1 <= self.total <= 100:
            raise ValueError(f"question {self.id} shares out {self.total} points; allowed are 1 to 100")
        return self

    @property
    def condition(self) -> tuple[str, bool, str] | None:
        """`show_if` as (question id, wanted equal?, option code)."""
        if self.show_if is None:
            return None
        equal = "==" in self.show_if
        left, _, right = self.show_if.partition("==" if equal else "!=")
        return left.strip(), equal, right.strip().strip("'\"")

    @field_validator("show_if")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        if value is not None and value.count("==") + value.count("!=") != 1:
            raise ValueError(f"show_if is {value!r}; allowed is \"question == 'code'\" or \"question != 'code'\"")
        return value


Role = Literal[
    "importance",
    "outcomes",
    "complaint",
    "features",
    "comments",
    "quality",
    "segments",
    "belief",
    "grid",
    "antecedents",
    "exposure",
]


NOT_REACHED = "no"
"""The option of a question of exposure that says that the stage was not reached."""
WITH, WITHOUT = "_with", "_without"
"""Endings of the ids of the two questions about a feature (Kano): how it would be with it, and without it."""


class Block(Part):
    """Questions that stand together on the form, under one frame."""

    id: Identifier
    role: Role
    name: Text = {}
    frame: Text = {}
    questions: tuple[Question, ...]


class ItemImportance(Part):
    """A rating of importance for each item (instead of, or beside, points over dimensions)."""

    scale: Identifier
    prompt: Text = {}


class DataRules(Part):
    """How a file of answers collected elsewhere names its columns and marks what is missing."""

    columns: dict[str, dict[str, str] | str] = {}
    missing: tuple[str, ...] = ()
    not_applicable: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


class Questionnaire(Part):
    """A whole questionnaire.  Publishing stores a copy of it; nothing changes it afterwards."""

    schema_: str = Field(default="fivegaps.instrument/1", alias="schema")
    id: Identifier
    version: str = "1.0.0"
    license: str = ""
    audience: Literal["customer", "staff", "manager"] = "customer"
    status: str = ""
    provenance: str = ""
    languages: tuple[str, ...] = Field(min_length=1)
    title: Text
    intro: Text = {}
    minutes: int | None = Field(default=None, ge=1, le=240)
    min_group: int = Field(default=10, ge=5, le=1000)
    format: Format = "two_column"
    drawn: int | None = Field(default=None, ge=1, le=20)  # the short form: items of a stage asked beside the core
    screening: tuple[str, ...] = ()  # facts about the person that are asked first, since quotas hang on them
    shuffled: bool = False  # items in random order within their stage, drawn for each visit
    stages: tuple[Stage, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    scales: tuple[Scale, ...] = ()
    item_scale: dict[Format, Identifier] = {}
    column_labels: dict[Column, Text] = {}
    column_intro: dict[Column, Text] = {}
    items: tuple[Item, ...] = ()
    item_importance: ItemImportance | None = None
    blocks: tuple[Block, ...] = ()
    data: DataRules = DataRules()

    def scale(self, identifier: str) -> Scale:
        """The scale of that id."""
        return next(scale for scale in self.scales if scale.id == identifier)

    @property
    def rating_scale(self) -> Scale:
        """The scale on which the items are rated in the questionnaire's format."""
        return self.scale(self.item_scale[self.format])

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns asked for each item, in the order they are stored."""
        extra: tuple[Column, ...] = ("importance",) if self.item_importance else ()
        return (COLUMNS[self.format] if self.items else ()) + extra

    def stage(self, identifier: str) -> Stage:
        """The stage of that id."""
        return next(stage for stage in self.stages if stage.id == identifier)

    def dimension(self, identifier: str) -> Dimension:
        """The dimension of that id."""
        return next(dimension for dimension in self.dimensions if dimension.id == identifier)

    def item(self, identifier: str) -> Item:
        """The item of that id."""
        return next(item for item in self.items if item.id == identifier)

    def questions(self, *roles: Role) -> Iterator[Question]:
        """All questions beside the items, in order; with `roles`, those of such blocks only."""
        for block in self.blocks:
            if not roles or block.role in roles:
                yield from block.questions

    def exposure(self, stage: str) -> Question | None:
        """The question whether a stage was reached, or None: who answers "no" is not asked what was perceived there."""
        return next((question for question in self.questions("exposure") if question.stage == stage), None)

    def question(self, identifier: str) -> Question | None:
        """The question of that id, or None."""
        return next((question for question in self.questions() if question.id == identifier), None)

    @property
    def screenable(self) -> tuple[str, ...]:
        """Facts about the person that can be asked first: those with one answer that hang on no other."""
        return tuple(q.id for q in self.questions("segments") if q.type == "single" and q.show_if is None)

    def variant(
        self,
        format: Format | None = None,
        include: tuple[str, ...] = (),
        drawn: int | None = None,
        shuffled: bool = False,
        screening: tuple[str, ...] = (),
    ) -> Questionnaire:
        """The questionnaire as it is published: one format, and of the optional questions those in `include`.

        With `drawn` it is the short form (`surveys.lots`); with `shuffled` each customer meets the items of a stage in
        an order of their own; the questions in `screening` are asked first.
        """
        blocks = []
        for block in self.blocks:
            kept = tuple(q for q in block.questions if not q.optional or q.id in include or block.id in include)
            if kept:
                blocks.append(block.model_copy(update={"questions": kept}))
        changed = {
            "format": format or self.format,
            "blocks": tuple(blocks),
            "drawn": drawn or self.drawn,
            "shuffled": shuffled or self.shuffled,
            "screening": screening or self.screening,
        }
        return self.model_copy(update=changed)

    def dump(self) -> dict[str, Any]:
        """As plain data, for the survey's frozen copy."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def say(text: Text, language: str) -> str:
    """`text` in `language`, else in the nearest language of the same tongue, else in the first it has."""
    return text[language] if language in text else text.get(said_in(text, language), "")


def said_in(text: Text, language: str) -> str:
    """The language in which `say` gives the text."""
    return language if language in text else nearest(language, tuple(text)) or next(iter(text), "")
