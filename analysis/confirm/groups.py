"""Measurement invariance of one column over the groups of one variable, from the ratings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from analysis.confirm.dif import screening
from analysis.confirm.estimate import Sample
from analysis.confirm.evidence import Chosen, Evidence, chosen_items, evidence_of_all, part_of
from analysis.confirm.invariance import InvarianceResult, invariance
from analysis.confirm.ordinal_invariance import ordinal_invariance
from analysis.confirm.robust import FourthMoments, fourth_moments
from analysis.matrix import Bytes, Layout, rated
from analysis.mergeable import Floats
from analysis.thresholds import DEFAULT, Thresholds


def invariance_of(
    ratings: Bytes,
    groups: NDArray[np.int64],
    names: tuple[str, ...],
    layout: Layout,
    rng: np.random.Generator,
    thresholds: Thresholds = DEFAULT,
) -> InvarianceResult:
    """Do the groups of one variable understand one column alike?

    Parameters
    ----------
    ratings : (n, k) uint8 of one column; everybody who rated any item takes part
    groups : (n,) number of each respondent's group, -1 for none
    names : names of the groups

    Returns
    -------
    InvarianceResult
        With the screening for differential item functioning over the groups of at least `Thresholds.confirm_floor`,
        unless the groups are comparable as they are.

    Raises
    ------
    ValueError
        When groups and ratings differ in length or a group has no name.
    """
    if groups.shape != ratings.shape[:1] or (groups.size and int(groups.max()) >= len(names)):
        raise ValueError("each respondent needs the number of a named group, or -1")
    some = rated(ratings).any(axis=1) & (groups >= 0)
    sizes = np.bincount(groups[some], minlength=len(names))
    parts = {
        name: evidence_of_all(ratings[groups == g], rng, thresholds)
        for g, name in enumerate(names)
        if sizes[g] >= thresholds.invariance_n
    }
    tested = {name: one for name, one in parts.items() if one.n >= thresholds.invariance_n}
    basis = [one.covariance for one in tested.values()] or [_spreads(ratings[some])]
    chosen = chosen_items(layout, basis)
    samples = {
        name: part_of(tested[name], chosen.places) if name in tested else _untested(parts.get(name), int(size))
        for name, size in zip(names, sizes, strict=True)
    }
    flags = []
    if layout.points <= thresholds.ordinal_points:  # few points: thresholds of answers, not the answers themselves
        rows = {name: _complete(ratings[groups == g], chosen) for g, name in enumerate(names)}
        found = ordinal_invariance(rows, chosen.items, chosen.dimensions, rng, thresholds)
        flags += ["complete_rows_only"] if sum(map(len, rows.values())) < int(sizes.sum()) else []
    else:
        fourth = {name: _fourth(one, chosen, rng, thresholds) for name, one in tested.items()}
        found = invariance(samples, chosen.items, chosen.dimensions, fourth, thresholds)
        flags += ["complete_rows_only"] if any(one.incomplete for one in parts.values() if one.stage is None) else []
    items = {}
    wide = np.flatnonzero(sizes >= thresholds.confirm_floor)
    if chosen.places.size and wide.size > 1 and found.consequence != "comparable":
        kept = some & np.isin(groups, wide)
        items = screening(ratings[kept][:, chosen.places], groups[kept], chosen.items, thresholds)
    return replace(found, flags=(*found.flags, *flags, *chosen.flags), items_dif=items)


def _complete(ratings: Bytes, chosen: Chosen) -> Bytes:
    """The rows in which every item of the model is rated."""
    part = ratings[:, chosen.places]
    return part[rated(part).all(axis=1)]


def _untested(evidence: Evidence | None, size: int) -> Sample:
    """A group of which no more than its size is told: the complete rows, if its moments needed these."""
    nothing = np.full(0, np.nan)
    return Sample(size if evidence is None else evidence.n, nothing, nothing.reshape(0, 0))


def _fourth(evidence: Evidence, chosen: Chosen, rng: np.random.Generator, thresholds: Thresholds) -> FourthMoments:
    """How well the moments of a group are known."""
    stage = evidence.stage_of(chosen.places)
    if stage is not None:
        return stage.fourth(evidence.from_sample)
    assert evidence.rows is not None  # it is made of rows
    return fourth_moments(evidence.rows[:, chosen.places], rng, thresholds.factor_rows)


def _spreads(ratings: Bytes) -> Floats:
    """Variances of the answers given, on a diagonal; NaN for items that nobody rated."""
    found = np.full(ratings.shape[1], np.nan)
    for j, here in enumerate(rated(ratings).T):
        if here.any():
            found[j] = ratings[here, j].astype(np.float64).var()
    return np.asarray(np.diag(found), np.float64)
