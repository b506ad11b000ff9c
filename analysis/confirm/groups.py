"""Measurement invariance of one column over the groups of one variable, from the ratings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from analysis.confirm.dif import screening
from analysis.confirm.estimate import Sample
from analysis.confirm.evidence import chosen_items, evidence_of, part_of
from analysis.confirm.invariance import InvarianceResult, invariance
from analysis.confirm.robust import fourth_moments
from analysis.matrix import Bytes, Layout, rated
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
    ratings : (n, k) uint8 of one column; complete rows are used
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
    given = rated(ratings)
    answered = given[groups >= 0].any(axis=0)
    complete = given[:, answered].all(axis=1) & (groups >= 0) & bool(answered.any())
    sizes = np.bincount(groups[complete], minlength=len(names))
    parts = {name: evidence_of(ratings[complete & (groups == g)]) for g, name in enumerate(names)}
    tested = [name for g, name in enumerate(names) if sizes[g] >= thresholds.invariance_n]
    wide = [g for g in range(len(names)) if sizes[g] >= thresholds.confirm_floor]
    basis = [parts[name].covariance for name in tested] or [evidence_of(ratings[complete]).covariance]
    chosen = chosen_items(layout, basis)
    samples: dict[str, Sample] = {name: part_of(one, chosen.places) for name, one in parts.items()}
    fourth = {
        name: fourth_moments(one.rows[:, chosen.places], rng, thresholds.factor_rows)
        for name, one in parts.items()
        if name in tested and one.rows is not None
    }
    found = invariance(samples, chosen.items, chosen.dimensions, fourth, thresholds)
    few = ("treated_as_continuous",) if layout.points <= thresholds.ordinal_points else ()
    kept = complete & np.isin(groups, wide)
    items = {}
    if chosen.places.size and len(wide) > 1 and found.consequence != "comparable":
        items = screening(ratings[kept][:, chosen.places], groups[kept], chosen.items, thresholds)
    return replace(found, flags=(*found.flags, *few, *chosen.flags), items_dif=items)
