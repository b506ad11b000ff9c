"""How much each cell matters: stated by points shared out, derived from satisfaction, and both blended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from analysis.drivers import Regression, satisfaction
from analysis.frequencies import t_interval
from analysis.levels import rated_weights
from analysis.matrix import Layout
from analysis.mergeable import FixedSums
from analysis.results import Reason, Statistic, undefined
from analysis.tally import Tally
from analysis.thresholds import DEFAULT, Thresholds


@dataclass(frozen=True)
class Importance:
    """Where the importance of the cells comes from."""

    stated: dict[str, float] | None
    derived: dict[str, float] | None
    blended: dict[str, float]
    note: str  # "stated_and_derived", "stated_only", "derived_only", "equal"
    r2: Statistic
    dimension_weights: dict[str, Statistic]  # mean points of 100
    stage_weights: dict[str, Statistic]


def importance(
    tally: Tally, found: Regression | Reason | None = None, thresholds: Thresholds = DEFAULT, fewest: int = 1
) -> Importance:
    """Importance of every cell, summing to 1.

    Parameters
    ----------
    tally : Tally
    found : Regression or Reason
        Satisfaction on the dimensions (`drivers.satisfaction`); computed when not given.
    thresholds : Thresholds
        `stated_share`; `derived_n` and `derived_r2`, below which the derived part is dropped.

    fewest : int
        Respondents below which weights are as if they had not been asked, so that a page which must not show them
        does not show what follows from them.

    Returns
    -------
    Importance
        Stated: mean points of the dimension (or its mean rated importance) times the stage's mean points, or times
        the cell's share of the dimension's items when no stage points were asked.  Derived: the dimension's share of
        R squared, spread in the same way.  With neither, all cells count the same.
    """
    found = satisfaction(tally, thresholds) if found is None else found
    layout = tally.layout
    dimensions = _dimension_weights(tally, thresholds.level)
    stages = _stage_weights(tally, thresholds.level)
    by_stage = {name: one.value for name, one in stages.items() if one.value is not None and one.n >= fewest}
    by_dimension = {name: one.value for name, one in dimensions.items() if one.value is not None and one.n >= fewest}
    stated = spread(layout, by_dimension, by_stage) if by_dimension else None
    derived = None
    if isinstance(found, Regression) and found.n >= thresholds.derived_n and found.r2 >= thresholds.derived_r2:
        derived = spread(layout, dict(zip(tally.plan.dimensions, found.shares.tolist(), strict=True)), by_stage)
    return Importance(
        stated, derived, *_blended(layout, stated, derived, thresholds.stated_share),
        _r2(found, tally), dimensions, stages,
    )  # fmt: skip


def spread(layout: Layout, dimensions: Mapping[str, float], stages: Mapping[str, float]) -> dict[str, float] | None:
    """Weights of dimensions carried to their cells, times stage weights or item shares; None when all are 0."""
    cells = {}
    for cell, items in layout.cell_items.items():
        stage, dimension = layout.place(cell)
        share = len(items) / len(layout.dimension_items[dimension])
        cells[cell] = dimensions.get(dimension, 0.0) * (stages.get(stage, 0.0) if stages and stage else share)
    total = sum(cells.values())
    return {cell: weight / total for cell, weight in cells.items()} if total > 0 else None


def _blended(
    layout: Layout, stated: dict[str, float] | None, derived: dict[str, float] | None, share: float
) -> tuple[dict[str, float], str]:
    """The importance used, and the note that says what it is."""
    if stated is not None and derived is not None:
        return {cell: share * stated[cell] + (1 - share) * derived[cell] for cell in stated}, "stated_and_derived"
    if stated is not None or derived is not None:
        return dict(stated or derived or {}), "stated_only" if stated is not None else "derived_only"
    return {cell: 1 / len(layout.cells) for cell in layout.cells}, "equal"


def _dimension_weights(tally: Tally, level: float) -> dict[str, Statistic]:
    """Mean points of 100 of each dimension that has items, or its mean rated importance brought to 100."""
    names = tally.plan.dimensions
    if tally.weights is not None:
        return _mean_points(tally.weights, names, tally.n, level)
    rated = rated_weights(tally)
    if rated is not None:
        n = min(tally.composite("importance", part).n for part in tally.plan.composites if part.level == "dimension")
        shares = (100 * rated / rated.sum()).tolist()
        return {
            name: Statistic(share, n=n, method="mean rated importance, brought to 100")
            for name, share in zip(names, shares, strict=True)
        }
    return {name: undefined("no_importance", 0, "mean points", level) for name in names}


def _stage_weights(tally: Tally, level: float) -> dict[str, Statistic]:
    """Mean points of 100 of each stage."""
    if tally.stage_weights is None:
        return {name: undefined("not_asked", 0, "mean points", level) for name in tally.layout.stages}
    return _mean_points(tally.stage_weights, tally.layout.stages, tally.n, level)


def _mean_points(sums: FixedSums, names: tuple[str, ...], asked: int, level: float) -> dict[str, Statistic]:
    """Mean points with their t intervals."""
    found = {}
    for column, name in enumerate(names):
        if sums.n == 0:
            why: Reason = "no_complete_cases" if asked else "no_respondents"
            found[name] = undefined(why, 0, "mean points", level)
        elif sums.n == 1:
            found[name] = Statistic(sums.mean(column), None, None, level, 1, "mean points", (), "one_respondent")
        else:
            found[name] = t_interval(sums.mean(column), sums.variance(column), sums.n, level, "mean points")
    return found


def _r2(found: Regression | Reason, tally: Tally) -> Statistic:
    """R squared of satisfaction on the dimensions."""
    if isinstance(found, Regression):
        return Statistic(found.r2, n=found.n, method=f"R squared, shared out by {found.method}")
    n = 0 if tally.outcome is None else tally.outcome.n
    return undefined("no_respondents" if tally.n == 0 and found != "no_outcome" else found, n, "R squared")
