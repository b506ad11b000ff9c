"""What one column of ratings offers a factor model: moments, complete rows, and the items that can be analysed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.confirm.estimate import Sample
from analysis.confirm.twostage import TwoStage, two_stage
from analysis.matrix import Bytes, Layout, ScoreMatrix, rated
from analysis.mergeable import Floats
from analysis.thresholds import DEFAULT, Thresholds

CHUNK = 65536


@dataclass(frozen=True, eq=False)
class Evidence:
    """Moments of the k items of a layout, and the rows behind them as far as they are complete.

    Attributes
    ----------
    n : respondents behind the moments
    mean, covariance : (k,), (k, k) with divisor n; NaN for items that nobody rated
    rows : (m, k) uint8, respondents who rated every item that anybody rated; None when they are not at hand
    stage : moments of the items that vary, where answers are missing: they are those above
    stage_places : (p,) places of these items in the layout
    from_sample : whether the moments are of a random part of the respondents, n of them
    incomplete : respondents who left an answer out and are not behind the moments
    """

    n: int
    mean: Floats
    covariance: Floats
    rows: Bytes | None
    stage: TwoStage | None = None
    stage_places: NDArray[np.int64] | None = None
    from_sample: bool = False
    incomplete: int = 0

    def stage_of(self, places: NDArray[np.int64]) -> TwoStage | None:
        """The first stage of some of the items; None where no answer is missing."""
        if self.stage is None or self.stage_places is None:
            return None
        return self.stage.part(np.searchsorted(self.stage_places, places).astype(np.int64))


def evidence_of(ratings: Bytes) -> Evidence:
    """Moments of the complete rows of (n, k) ratings, whatever the other rows hold.

    With ratings missing, `evidence_of_all` is better.

    Raises
    ------
    ValueError
        When the ratings are no (n, k) array of codes.
    """
    if ratings.ndim != 2 or ratings.dtype != np.uint8:
        raise ValueError("ratings must be an (n, k) array of uint8 codes")
    given = rated(ratings)
    answered = given.any(axis=0) if ratings.shape[0] else np.zeros(ratings.shape[1], np.bool_)
    complete = given[:, answered].all(axis=1) & bool(answered.any())
    rows = ratings if bool(complete.all()) and complete.size else ratings[complete]
    mean, covariance = _moments(rows)
    mean[~answered], covariance[~answered], covariance[:, ~answered] = np.nan, np.nan, np.nan
    lost = int(given.any(axis=1).sum()) - int(rows.shape[0])
    return Evidence(int(rows.shape[0]), mean, covariance, rows, incomplete=lost)


def evidence_of_all(ratings: Bytes, rng: np.random.Generator, thresholds: Thresholds = DEFAULT) -> Evidence:
    """Moments of all (n, k) ratings: in two stages where some are missing.

    Parameters
    ----------
    ratings : (n, k) uint8
    rng : Generator
        Draws the rows of which EM takes no more than `em_rows`; the others are left out, and n says so.

    Returns
    -------
    Evidence
        Of the complete rows, with `incomplete` ones beside, when EM does not settle or the rows do not tell every
        moment (see `two_stage`).

    Raises
    ------
    ValueError
        When the ratings are no (n, k) array of codes.
    """
    complete = evidence_of(ratings)
    if not complete.incomplete:
        return complete
    here = rated(ratings)
    some = np.flatnonzero(here.any(axis=1))
    from_sample = some.size > thresholds.em_rows
    if from_sample:
        some = np.sort(rng.choice(some, thresholds.em_rows, replace=False))
    values = np.where(here[some], ratings[some], np.nan)
    k = ratings.shape[1]
    mean, covariance = np.full(k, np.nan), np.full((k, k), np.nan)
    places = np.array([j for j in range(k) if _varies(values[:, j], mean, covariance, j)], np.int64)
    found = two_stage(values[:, places], thresholds) if places.size else None
    if found is None:
        return complete
    mean[places], covariance[np.ix_(places, places)] = found.mean, found.covariance
    return Evidence(found.n, mean, covariance, complete.rows, found, places, from_sample)


def _varies(column: Floats, mean: Floats, covariance: Floats, j: int) -> bool:
    """Whether an item has two values; the variance of one that has a single value is 0."""
    known = column[~np.isnan(column)]
    if known.size and bool((known == known[0]).all()):
        mean[j], covariance[j, j] = known[0], 0.0
    return bool(known.size) and not bool((known == known[0]).all())


def _moments(rows: Bytes) -> tuple[Floats, Floats]:
    """Mean and covariance (divisor n) by sums of whole numbers, which floats hold exactly; NaN without rows."""
    n, k = rows.shape
    if n == 0:
        return np.full(k, np.nan), np.full((k, k), np.nan)
    total, cross = np.zeros(k), np.zeros((k, k))
    for begin in range(0, n, CHUNK):
        part = rows[begin : begin + CHUNK].astype(np.float64)
        total += part.sum(axis=0)
        cross += part.T @ part
    return total / n, (n * cross - np.outer(total, total)) / (float(n) * n)


@dataclass(frozen=True, eq=False)
class Chosen:
    """The items that a factor model can hold.

    Attributes
    ----------
    places : (p,) places of the items in the layout
    items : their names
    dimensions : dimension -> numbers of its items among the p, at least two each
    stages : the same for stages, of any size
    flags : ``unanswered_item:ID``, ``constant_item:ID``, ``single_item:DIMENSION`` (a dimension left out)
    """

    places: NDArray[np.int64]
    items: tuple[str, ...]
    dimensions: dict[str, list[int]]
    stages: dict[str, list[int]]
    flags: tuple[str, ...]


def chosen_items(layout: Layout, covariances: Sequence[Floats]) -> Chosen:
    """Items with variance in every group, in dimensions that keep at least two of them."""
    diagonal = np.array([np.diag(one) for one in covariances]).reshape(len(covariances), -1)
    missing = np.isnan(diagonal).any(axis=0)
    flat = ~missing & (np.nan_to_num(diagonal).min(axis=0) <= 1e-12)
    usable = ~missing & ~flat
    flags = [f"unanswered_item:{layout.items[j]}" for j in np.flatnonzero(missing)]
    flags += [f"constant_item:{layout.items[j]}" for j in np.flatnonzero(flat)]
    by_dimension = {name: [j for j in at if usable[j]] for name, at in layout.dimension_items.items()}
    flags += [f"single_item:{name}" for name, at in by_dimension.items() if len(at) == 1]
    kept = sorted(j for at in by_dimension.values() if len(at) > 1 for j in at)
    number = {j: i for i, j in enumerate(kept)}
    stages = {} if not layout.stages else layout.stage_items
    by_stage = {name: [number[j] for j in at if j in number] for name, at in stages.items()}
    return Chosen(
        np.array(kept, np.int64),
        tuple(layout.items[j] for j in kept),
        {name: [number[j] for j in at] for name, at in by_dimension.items() if len(at) > 1},
        {name: at for name, at in by_stage.items() if at},
        tuple(flags),
    )


def part_of(evidence: Evidence, places: NDArray[np.int64]) -> Sample:
    """Moments of some of the items."""
    return Sample(evidence.n, evidence.mean[places], evidence.covariance[np.ix_(places, places)])


def evidence_by_column(
    matrix: ScoreMatrix, rng: np.random.Generator, thresholds: Thresholds = DEFAULT
) -> dict[str, Evidence]:
    """Moments of expectation and perception for the factor models.

    Parameters
    ----------
    matrix : ScoreMatrix
    rng : Generator
        Draws the rows of which EM takes no more than `em_rows`.

    Returns
    -------
    "expectation", "perception" -> Evidence
        By EM where answers are missing (see `evidence_of_all`), else of the rows themselves.
    """
    given = {"expectation": matrix.reference, "perception": matrix.perception}
    return {name: evidence_of_all(ratings, rng, thresholds) for name, ratings in given.items() if ratings is not None}
