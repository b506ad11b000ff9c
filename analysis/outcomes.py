"""The scores beside the outcome questions: which version goes best with them, indices, and the anchor of delta."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.anchor import Anchor, anchor
from analysis.comments import Comments, comments
from analysis.explore.nomological import Nomological, nomological
from analysis.indices import Indices, indices
from analysis.study import Score, Scored, Study
from analysis.thresholds import Thresholds

Floats = NDArray[np.float64]


def nomological_of(part: Study, own: Scored, thresholds: Thresholds) -> Nomological | None:
    """The versions of the score against the outcomes; None where none was asked."""
    if not part.outcomes:
        return None
    versions = {"perception": own.perception["overall"].values()}
    if own.gap:
        versions["gap"] = own.gap["overall"].values()
        if part.matrix.weights is not None:
            versions |= _weighted(part, own)
    return nomological(versions, {name: part.outcome(name) for name in part.outcomes}, thresholds.level)


def _weighted(part: Study, own: Scored) -> dict[str, Floats]:
    """Gap and perception weighted by each respondent's points."""
    weights = part.matrix.weights
    assert weights is not None
    layout = part.matrix.layout
    names = [name for name, items in layout.dimension_items.items() if items]
    points = np.maximum(weights[:, [layout.dimensions.index(name) for name in names]], 0).astype(np.float64)
    total = points.sum(axis=1)
    found = {}
    for label, scores in (("gap_weighted", own.gap), ("perception_weighted", own.perception)):
        values = np.column_stack([scores[f"dimension:{name}"].values() for name in names])
        usable = (total > 0) & ~(np.isnan(values) & (points > 0)).any(axis=1)
        summed = (np.where(np.isnan(values), 0.0, values) * points).sum(axis=1)
        found[label] = np.where(usable, summed / np.maximum(total, 1), np.nan)
    return found


def indices_of(study: Study, thresholds: Thresholds) -> Indices:
    """NPS, CSAT, CES of the outcomes that were asked."""

    def counted(name: str) -> Any:
        if name not in study.outcomes:
            return None
        stored = study.outcomes[name]
        given = stored[(stored > 0) & (stored < 251)].astype(np.int32)
        return Score(given + study.outcome_low[name] - 1, 1).frequencies()

    points = study.outcome_points.get("satisfaction", 7)
    return indices(counted("recommend"), counted("satisfaction"), counted("effort"), points, thresholds.level)


def anchor_of(study: Study, scores: Scored, thresholds: Thresholds, floor: int) -> Anchor | None:
    """How far the overall gap moves with overall satisfaction, beside delta; None where either was not asked.

    See `analysis.anchor.anchor`.
    """
    if not scores.gap or "satisfaction" not in study.outcomes:
        return None
    stored = study.outcomes["satisfaction"]
    points = study.matrix.layout.points
    return anchor(scores.gap["overall"].values(), np.where(stored < 251, stored, 0), points, thresholds, floor)


def comments_of(study: Study, thresholds: Thresholds, floor: int) -> Comments | None:
    """The first set of comments beside the second; None where none were asked."""
    if not study.texts:
        return None
    first, *others = study.texts.values()
    return comments(first, others[0] if others else (), thresholds, floor)
