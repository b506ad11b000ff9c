"""From a questionnaire and coded answers to `Layout` and `ScoreMatrix`: the door from surveys into analysis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.matrix import Bytes, Layout, ScoreMatrix, rated
from surveys.codes import BLANK, HIGHEST_ANSWER
from surveys.coding import Codebook
from surveys.questionnaire import Question, Questionnaire


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
