"""From a questionnaire and coded answers to `Layout` and `ScoreMatrix`: the door from surveys into analysis."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.causes import Insiders
from analysis.matrix import Bytes, Layout, ScoreMatrix, rated
from analysis.screening import CAME, Checks
from analysis.study import Grouping, Study
from surveys.codes import BLANK, HIGHEST_ANSWER, NOT_ASKED
from surveys.coding import Codebook
from surveys.flags import NAMES
from surveys.form import pages
from surveys.lots import DRAWN, design
from surveys.questionnaire import WITH, WITHOUT, Question, Questionnaire


def layout_of(questionnaire: Questionnaire) -> Layout:
    """What the columns of the questionnaire's items mean.

    Parameters
    ----------
    questionnaire : Questionnaire
        With at least one item.

    Returns
    -------
    Layout
        Items in the questionnaire's order; `reference` is None in the perception-only format.
    """
    dimensions = [dimension.id for dimension in questionnaire.dimensions]
    stages = [stage.id for stage in questionnaire.stages]
    reference = {"two_column": "expectation", "three_column": "desired", "perception_only": None}
    return Layout(
        items=tuple(item.id for item in questionnaire.items),
        points=questionnaire.rating_scale.points,
        dimensions=tuple(dimensions),
        stages=tuple(stages),
        dimension_of=tuple(dimensions.index(item.dimension) for item in questionnaire.items),
        stage_of=tuple(stages.index(item.stage or "") for item in questionnaire.items) if stages else (),
        reference=reference[questionnaire.format],
        has_minimum=questionnaire.format == "three_column",
    )


def score_matrix(questionnaire: Questionnaire, book: Codebook, closed: Bytes) -> ScoreMatrix:
    """The score matrix of coded answers.

    Parameters
    ----------
    questionnaire, book
        The frozen questionnaire and its fields.
    closed : (n, fields) uint8
        One byte an answer (`surveys.codes`).

    Returns
    -------
    ScoreMatrix
        Reversed items are turned, so that more is better everywhere.
    """
    layout = layout_of(questionnaire)
    column = _Columns(questionnaire, book, closed)
    return ScoreMatrix(
        layout,
        perception=column.of("P"),
        reference={"expectation": lambda: column.of("E"), "desired": lambda: column.of("D")}.get(
            layout.reference or "", lambda: None
        )(),
        minimum=column.of("M") if layout.has_minimum else None,
        importance=column.of("I", turn=False) if questionnaire.item_importance else None,
        weights=column.points("dimensions"),
        stage_weights=column.points("stages"),
        outcome=column.outcome(),
        problem_stage=column.problem()[0],
        problem_silent=column.problem()[1],
    )


@dataclass(frozen=True)
class Context:
    """What came with the answers beside the answers: (n,) arrays, and the state of the wave.

    Attributes
    ----------
    unit, via, language : (n,) of str or None
        "" is not known.
    days : (n,) int or None
    closed : bool
    planned : int or None
    flags : name -> (n,) bool, or None
        How the answers came, by the names of `surveys.flags`.
    order : (n,) int or None
        Seeds of the items' order (`surveys.order`).
    """

    unit: NDArray[np.object_] | None = None
    via: NDArray[np.object_] | None = None
    language: NDArray[np.object_] | None = None
    days: NDArray[np.int32] | None = None
    closed: bool = True
    planned: int | None = None
    flags: dict[str, NDArray[np.bool_]] | None = None
    order: NDArray[np.int32] | None = None


def flags_apart(flags: NDArray[np.integer]) -> dict[str, NDArray[np.bool_]]:
    """Sums of flags as one column a flag.

    Parameters
    ----------
    flags : (n,) int
        As they are stored (`surveys.flags`).

    Returns
    -------
    name -> (n,) bool
    """
    return {name: flags & bit > 0 for bit, name in NAMES.items()}


def study_of(questionnaire: Questionnaire, book: Codebook, closed: Bytes, context: Context | None = None) -> Study:
    """Coded answers as the full analysis takes them.

    Parameters
    ----------
    questionnaire, book
        The frozen questionnaire and its fields.
    closed : (n, fields) uint8
    context : Context, optional

    Returns
    -------
    Study
        Traits are language, way in, and every segment question with one answer.
    """
    context = context or Context()
    given = {"language": context.language, "via": context.via}
    traits = {name: _grouping(values) for name, values in given.items() if values is not None}
    for question in questionnaire.questions("segments"):
        if question.type == "single":
            column = closed[:, book.place[question.id]].astype(np.int32) - 1
            codes = tuple(option.code for option in question.options)
            traits[question.id] = Grouping(codes, np.where(column < len(codes), column, -1).astype(np.int32))
    ratings = {q.id: q for q in questionnaire.questions("outcomes") if q.scale is not None}
    unit = None if context.unit is None else _grouping(context.unit)
    matrix = score_matrix(questionnaire, book, closed)
    if unit is not None:
        matrix = replace(matrix, branch=unit.codes, branches=unit.values)
    low = {name: q.scale.min for name, q in ratings.items() if q.scale is not None}
    return Study(
        matrix,
        {name: one for name, one in traits.items() if np.unique(one.codes[one.codes >= 0]).size > 1},
        unit,
        {name: closed[:, book.place[name]] for name in ratings},
        low,
        {name: q.scale.points for name, q in ratings.items() if q.scale is not None},
        _checks(questionnaire, book, closed, context),
        context.days,
        context.closed,
        context.planned,
        design(questionnaire, questionnaire.drawn or DRAWN) or None,
        _features(questionnaire, book, closed),
    )


GRIDS = {"standards": "standards", "promise_kept": "promise", "delivery_to_standard": "delivery"}
"""Block of a staff or manager questionnaire -> the grid that `analysis.causes` knows it by."""


def insiders_of(questionnaire: Questionnaire, book: Codebook, closed: Bytes, layout: Layout) -> Insiders:
    """Answers of staff or managers as the chain of causes takes them.

    Parameters
    ----------
    questionnaire, book
        The staff or manager questionnaire and its fields.
    closed : (n, fields) uint8
    layout : Layout
        Of the customer questionnaire, whose items and cells the answers are about.

    Returns
    -------
    Insiders
        Items and cells that were not asked are missing throughout.
    """

    def column(question: Question) -> Bytes:
        return closed[:, book.place[question.id]]

    belief = np.full((len(closed), len(layout.items)), np.nan)
    grids: dict[str, Bytes] = {}
    scales: dict[str, NDArray[np.float64]] = {}
    gap_of: dict[str, int] = {}
    for block in questionnaire.blocks:
        if block.id == "believed_expectation":
            for question in block.questions:
                if question.item in layout.items:
                    belief[:, layout.items.index(question.item)] = _points(column(question))
        elif block.id in GRIDS:
            grid = np.zeros((len(closed), len(layout.cells)), np.uint8)
            for question in block.questions:
                cell = f"{question.stage}.{question.dimension}"
                if cell in layout.cells:
                    grid[:, layout.cells.index(cell)] = column(question)
            grids[GRIDS[block.id]] = grid
        elif block.role == "antecedents":
            parts = [_points(column(q)) if not q.reversed else _turned(q, column(q)) for q in block.questions]
            scales[block.id] = np.column_stack(parts)
            gap_of[block.id] = next((q.gap for q in block.questions if q.gap is not None), 0)
    return Insiders(belief, grids, scales, gap_of)


def _points(column: Bytes) -> NDArray[np.float64]:
    """Scale points; NaN for everything else."""
    return np.where(rated(column), column, np.nan)


def _turned(question: Question, column: Bytes) -> NDArray[np.float64]:
    """A reversed rating turned, so that more is better."""
    points = question.scale.points if question.scale is not None else 7
    return points + 1 - _points(column)


def _grouping(values: NDArray[np.object_]) -> Grouping:
    """Codes of words; the empty word is not known."""
    names = tuple(sorted({str(value) for value in set(values.tolist()) if value}))
    places = {name: at for at, name in enumerate(names)}
    return Grouping(names, np.array([places.get(str(value), -1) for value in values.tolist()], np.int32))


def _features(questionnaire: Questionnaire, book: Codebook, closed: Bytes) -> dict[str, tuple[Bytes, Bytes]]:
    """Features that were asked for with and without them (Kano)."""
    asked = [question.id for question in questionnaire.questions("features")]
    names = [name.removesuffix(WITH) for name in asked if name.endswith(WITH) and not name.endswith(WITHOUT)]
    return {
        name: (closed[:, book.place[name + WITH]], closed[:, book.place[name + WITHOUT]])
        for name in names
        if name + WITHOUT in asked
    }


def _checks(questionnaire: Questionnaire, book: Codebook, closed: Bytes, context: Context) -> Checks:
    """The attention check and the respondent's own word, where they were asked; a blank is no failure.

    Beside them, how the answers came and in which order the items stood.
    """
    attention = own_word = None
    for question in questionnaire.questions("quality"):
        column = closed[:, book.place[question.id]]
        if question.correct is not None and question.scale is not None:
            wanted = question.correct - question.scale.min + 1
            attention = (column != BLANK) & (column != wanted) & (column <= HIGHEST_ANSWER)
        elif question.type == "single" and "no" in (codes := [option.code for option in question.options]):
            own_word = column == codes.index("no") + 1
    came = None if context.flags is None else {name: context.flags[name] for name in CAME if name in context.flags}
    seeds = context.order if questionnaire.shuffled or (context.order is not None and context.order.any()) else None
    return Checks(attention, own_word, came=came, seeds=seeds, pages=_pages(questionnaire) if seeds is not None else ())


def _pages(questionnaire: Questionnaire) -> tuple[tuple[int, ...], ...]:
    """The places of the items that are rated together on a page of perceptions, page by page."""
    place = {item.id: at for at, item in enumerate(questionnaire.items)}
    column = "perception" if questionnaire.format != "three_column" else questionnaire.columns[0]
    return tuple(
        tuple(place[card.item.id] for card in page.cards if card.item is not None)
        for page in pages(questionnaire)
        if page.title == "items" and page.column == column
    )


class _Columns:
    """Picks columns of the coded answers by what they mean."""

    def __init__(self, questionnaire: Questionnaire, book: Codebook, closed: Bytes):
        self.questionnaire, self.book, self.closed = questionnaire, book, closed

    def of(self, suffix: str, turn: bool = True) -> Bytes:
        """The (n, k) block of one column of the items."""
        places = [self.book.place[f"{item.id}_{suffix}"] for item in self.questionnaire.items]
        # The fields of a column lie side by side in frozen order, so this is a view, not a copy of a million rows.
        block = self.closed[:, places[0] : places[-1] + 1]
        turned = [number for number, item in enumerate(self.questionnaire.items) if item.reversed]
        if turn and turned:
            block = block.copy()
            points = self.questionnaire.rating_scale.points
            part = block[:, turned]
            block[:, turned] = np.where(rated(part), points + 1 - part, part)
        return block

    def points(self, over: str) -> NDArray[np.int16] | None:
        """Points shared out over the dimensions or the stages; -1 where blank."""
        question = next(
            (q for q in self.questionnaire.questions("importance") if q.type == "constant_sum" and q.over == over), None
        )
        if question is None:
            return None
        places = [self.book.place[f"{question.id}__{option.code}"] for option in question.options]
        block = self.closed[:, places].astype(np.int16)
        if block.size and bool((block == NOT_ASKED).all()):  # a file without the question
            return None
        return np.where((block == BLANK) | (block > HIGHEST_ANSWER), 0, block) - np.int16(1)

    def outcome(self) -> Bytes | None:
        """Overall satisfaction, or else the first rating among the outcomes."""
        ratings = [q for q in self.questionnaire.questions("outcomes") if q.scale and q.scale.type == "likert"]
        if not ratings:
            return None
        chosen = next((q for q in ratings if q.id == "satisfaction"), ratings[0])
        column = self.closed[:, self.book.place[chosen.id]]
        return np.where(rated(column), column, np.uint8(BLANK))

    def problem(self) -> tuple[NDArray[np.int16] | None, NDArray[np.bool_] | None]:
        """Stage of the most serious problem, and whether the bank was not told."""
        stages = [stage.id for stage in self.questionnaire.stages]
        told = self._choice({"silent", "told"})
        where = self._choice(set(stages)) if stages else None
        if told is None or where is None:
            return None, None
        answered = self.closed[:, self.book.place[where.id]]
        stage = np.full(len(answered), -1, dtype=np.int16)
        for number, option in enumerate(where.options, 1):
            if option.code in stages:
                stage[answered == number] = stages.index(option.code)
        silent = [option.code for option in told.options].index("silent") + 1
        return stage, np.equal(self.closed[:, self.book.place[told.id]], silent)

    def _choice(self, codes: set[str]) -> Question | None:
        return next(
            (
                q
                for q in self.questionnaire.questions("complaint")
                if q.type == "single" and codes <= {option.code for option in q.options}
            ),
            None,
        )
