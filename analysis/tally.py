"""Everything a report needs, as counts and sums that add up: `summarise` a matrix, or add two tallies.

A tally is small whatever the number of respondents, exact, and its addition is associative and commutative, so
answers can be tallied in batches and in any order.  The tally of no rows is the neutral element.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property

import numpy as np

from analysis import cell_counts, composites, counting, item_moments, scoring, weighting
from analysis.frequencies import Frequencies
from analysis.matrix import Layout, ScoreMatrix
from analysis.mergeable import Counts, FixedSums, Floats, Histogram, Moments, PairMoments, merged, same
from analysis.plan import Composite, Plan
from analysis.rows import CHUNK, MANY, Rows
from analysis.thresholds import DEFAULT, Thresholds


@dataclass(frozen=True, eq=False)
class Tally:
    """Counts and sums of a set of respondents.

    Contrasts are ``"gap"`` (perception minus expectation, or minus the desired level) and, in three columns,
    ``"adequacy"`` (perception minus minimum); columns are ``"perception"``, ``"reference"``, ``"minimum"`` and
    ``"importance"``.

    Attributes
    ----------
    n, n_composites, inconsistent, dropped : int
        Respondents; those in the composites; three columns: those with the minimum above the desired level too
        often, and all who are left out of the gaps.
    answers : column -> (items, m + 4) int64
        Blank, points 1..m, not applicable, do not know, not asked.
    pairs : contrast -> (items, m, m) int64
        Compared column by perception, over complete pairs (triples in three columns).
    composites : name -> flat int64
        Tables (answered, sum) of each cell, dimension, stage and of all items, by column and contrast;
        ``"gap.reference"`` and ``"gap.perception"`` hold both columns over the pairs behind the gap.
    overall : name -> Histogram
        Mean of the dimension means of respondents who have them all.
    weighted : name -> FixedSums
        Scores weighted by each respondent's points.
    weights, stage_weights : FixedSums or None
        Points of 100 for each dimension that has items, and for each stage.
    pairwise, listwise : moments of the items for the reliability, by "expectation", "perception" and "gap".
    shortfall : (cells, 6) int64
        See `analysis.cell_counts.shortfall_counts`.
    defective : (cells, 6) int64
        See `analysis.cell_counts.defective_counts`.
    loss : PairMoments or None
        Of the loss per customer in each cell.
    outcome : Moments or None
        Of dimension perception means with satisfaction.
    rated_importance : contrast or column -> Moments
        Of dimension scores with rated importance.
    problems : (stages, 2) int64 or None
        Customers with a problem in the stage, and those of them who kept silent.
    by_branch : branch -> (cells, 3) int64
        See `analysis.cell_counts.branch_counts`.
    """

    layout: Layout
    n: int
    n_composites: int
    inconsistent: int
    dropped: int
    weights_rescaled: int
    weights_unusable: int
    answers: dict[str, Counts]
    pairs: dict[str, Counts]
    composites: dict[str, Counts]
    overall: dict[str, Histogram]
    pairwise: dict[str, PairMoments]
    listwise: dict[str, dict[str, Moments]]
    shortfall: Counts
    defective: Counts
    loss: PairMoments | None = None
    weighted: dict[str, FixedSums] = field(default_factory=dict)
    weights: FixedSums | None = None
    stage_weights: FixedSums | None = None
    outcome: Moments | None = None
    rated_importance: dict[str, Moments] = field(default_factory=dict)
    problems: Counts | None = None
    by_branch: dict[str, Counts] = field(default_factory=dict)

    def __add__(self, other: Tally) -> Tally:
        """The tally of both sets of respondents together.

        Raises
        ------
        ValueError
            When the layouts differ.
        """
        if self.layout != other.layout:
            raise ValueError("tallies of two layouts cannot be added; both must come from the same questionnaire")
        names = [part.name for part in fields(self) if part.name != "layout"]
        return Tally(self.layout, **{name: merged(getattr(self, name), getattr(other, name)) for name in names})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tally) and all(
            same(getattr(self, part.name), getattr(other, part.name)) for part in fields(self)
        )

    __hash__ = None  # type: ignore[assignment]  # it holds arrays

    @cached_property
    def plan(self) -> Plan:
        """Where the composites lie in the flat tables."""
        return Plan(self.layout)

    @cached_property
    def scales(self) -> dict[str, tuple[int, ...]]:
        """Scales of the reliability with their items: "total", "dimension:ID", "stage:ID"."""
        return item_moments.scales(self.plan)

    @property
    def scale(self) -> Floats:
        """The scale points 1..m."""
        return np.arange(1, self.layout.points + 1, dtype=np.float64)

    def item_answers(self, column: str, item: int) -> Frequencies:
        """Ratings of one item in one column, by all who rated it."""
        return Frequencies.of(self.scale, self.answers[column][item, 1 : self.layout.points + 1])

    def item_differences(self, contrast: str, item: int) -> Frequencies:
        """Differences of one item over complete pairs."""
        points = self.scale
        return Frequencies.of((points[None, :] - points[:, None]).ravel(), self.pairs[contrast][item].ravel())

    def item_paired(self, contrast: str, item: int) -> tuple[Frequencies, Frequencies]:
        """The compared column and perception of one item, over complete pairs."""
        table = self.pairs[contrast][item]
        return Frequencies.of(self.scale, table.sum(axis=1)), Frequencies.of(self.scale, table.sum(axis=0))

    def composite(self, name: str, composite: Composite) -> Frequencies:
        """Scores on a composite, of a column or contrast."""
        plan, signed = self.plan, name in self.pairs
        row = plan.composites.index(composite)
        offsets, widths = plan.offsets(signed), plan.widths(signed)
        table = self.composites[name][offsets[row] : offsets[row + 1]].reshape(-1, int(widths[row]))
        answered, place = np.nonzero(table)
        sums = place + int(plan.lowest(signed)[row])
        return Frequencies.of(sums / np.maximum(answered, 1), table[answered, place])

    def overall_scores(self, name: str) -> Frequencies:
        """Mean of the dimension means, of a column or contrast."""
        found = self.overall[name]
        parts = self.plan.dimension_unit * len(self.plan.dimensions)
        return Frequencies.of(found.numerators / parts, found.counts)


def summarise(matrix: ScoreMatrix, thresholds: Thresholds = DEFAULT, screen: bool = True) -> Tally:
    """Count and sum everything a report needs.

    Parameters
    ----------
    matrix : ScoreMatrix
        Answers of n respondents to k items.
    thresholds : Thresholds
        For the screens: `blank_share`, `inconsistent_share`, `not_applicable_share`, `weight_tolerance`.
    screen : bool
        Whether respondents with too many blanks leave the composites, and in three columns respondents with too
        many inconsistent or not applicable items leave the gaps.

    Returns
    -------
    Tally
        Exact; one pass over the rows in chunks.

    Raises
    ------
    ValueError
        When a rating holds a code that is neither a scale point nor one of the special codes.
    """
    plan = Plan(matrix.layout)
    with np.errstate(all="raise", under="ignore"):
        total = _tally(plan, matrix.rows(slice(0, CHUNK)), thresholds, screen)
        for start in range(CHUNK, matrix.n, CHUNK):
            total = total + _tally(plan, matrix.rows(slice(start, start + CHUNK)), thresholds, screen)
    return total


def _tally(plan: Plan, matrix: ScoreMatrix, thresholds: Thresholds, screen: bool) -> Tally:
    """The tally of one chunk."""
    rows = Rows(plan, matrix, thresholds, screen, sort=matrix.n >= MANY)
    answers = counting.answer_counts(rows)  # first: it refuses codes that the rest would miscount
    pairwise, listwise = item_moments.item_moments(rows)
    shortfall, loss = cell_counts.shortfall_counts(rows)
    dimensions = scoring.DimensionMeans(rows, plan.dimension_unit)
    coarse = dimensions if plan.moment_unit == plan.dimension_unit else scoring.DimensionMeans(rows, plan.moment_unit)
    shared = weighting.shared_weights(rows, dimensions)
    return Tally(
        layout=plan.layout,
        n=matrix.n,
        n_composites=int(rows.kept.sum()),
        inconsistent=int(rows.inconsistent.sum()),
        dropped=int(rows.dropped.sum()),
        weights_rescaled=shared.rescaled,
        weights_unusable=shared.unusable,
        answers=answers,
        pairs=counting.pair_counts(rows),
        composites=composites.composite_counts(rows),
        overall=scoring.overall_histograms(rows, dimensions),
        pairwise=pairwise,
        listwise=listwise,
        shortfall=shortfall,
        defective=cell_counts.defective_counts(rows),
        loss=loss,
        weighted=shared.scores,
        weights=shared.dimensions,
        stage_weights=shared.stages,
        outcome=scoring.outcome_moments(rows, coarse),
        rated_importance=scoring.importance_moments(rows, coarse),
        problems=counting.problem_counts(matrix),
        by_branch=cell_counts.branch_counts(rows),
    )
