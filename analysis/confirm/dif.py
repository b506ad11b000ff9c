"""Does an item work differently in one group?  A screening by ordinal logistic regression on the rest score.

Three models of an item's rating, each a proportional-odds logit: on the rest score; with the group as well (uniform:
the item is easier to agree with in one group at the same level); and with group times rest score (not uniform).
The ratings are collapsed to distinct combinations, so the cost hardly grows with the number of respondents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.adjust import benjamini_hochberg
from analysis.matrix import rated
from analysis.ordered import ordered_logit
from analysis.results import Reason, Statistic, undefined
from analysis.thresholds import DEFAULT, Thresholds

ITERATIONS = 200
METHOD = "ordinal logistic regression"


@dataclass(frozen=True)
class ItemDif:
    """Differential functioning of one item.

    Attributes
    ----------
    r2_uniform : McFadden's R squared gained by the group beside the rest score
    r2_total : gained by the group and its product with the rest score
    p : of the likelihood ratio test of both
    p_adjusted : the same by Benjamini and Hochberg over the items screened together
    flagged : whether r2_total reaches `Thresholds.dif_r2` and p_adjusted is at most `Thresholds.q`; None when undefined
    """

    r2_uniform: Statistic
    r2_total: Statistic
    p: Statistic
    p_adjusted: Statistic
    flagged: bool | None


def dif(item: NDArray[Any], rest: NDArray[Any], group: NDArray[np.int64], thresholds: Thresholds = DEFAULT) -> ItemDif:
    """Screen one item for differential functioning.

    Parameters
    ----------
    item : (n,) whole ratings; rest : (n,) sum of the other items; group : (n,) numbers from 0
        None missing.

    Returns
    -------
    ItemDif
        `p_adjusted` is p, of this item alone.  Undefined for no rows ("no_complete_cases"), one group ("one_group"), a
        constant item or rest score ("no_variance"), or when a model has no maximum ("not_converged").

    References
    ----------
    Crane, P. K., Gibbons, L. E., Jolley, L. and van Belle, G. (2006). Differential item functioning analysis with
    ordinal logistic regression techniques. Medical Care 44, S115-S123.
    """
    n = int(item.size)
    why: Reason | None = None
    if n == 0:
        why = "no_complete_cases"
    elif np.unique(group).size < 2:
        why = "one_group"
    elif np.unique(item).size < 2 or np.unique(rest).size < 2:
        why = "no_variance"
    if why is None:
        found = _compared(item, rest, group)
        if found is not None:
            uniform, total, ratio, df = found
            p = float(special.gammaincc(df / 2, max(ratio, 0.0) / 2))
            gained, both, chance = (Statistic(value, n=n, method=METHOD) for value in (uniform, total, p))
            return ItemDif(gained, both, chance, chance, bool(total >= thresholds.dif_r2 and p <= thresholds.q))
        why = "not_converged"
    none = undefined(why, n, METHOD)
    return ItemDif(none, none, none, none, None)


def _compared(
    item: NDArray[Any], rest: NDArray[Any], group: NDArray[np.int64]
) -> tuple[float, float, float, int] | None:
    """Gains of R squared by the group, and by group and product; likelihood ratio and its degrees of freedom."""
    _, categories = np.unique(item, return_inverse=True)
    _, groups = np.unique(group, return_inverse=True)
    low = int(rest.min())
    spread, points = int(rest.max()) - low + 1, int(categories.max()) + 1
    key = (groups * spread + (rest.astype(np.int64) - low)) * points + categories
    counted = np.bincount(key)  # few combinations however many rows
    places = np.flatnonzero(counted)
    counts, categories, score = counted[places], places % points, places // points % spread
    groups = places // points // spread
    weight = counts.astype(np.float64)
    away = score - float(weight @ score) / weight.sum()
    scaled = away / np.sqrt(float(weight @ away**2) / weight.sum())
    dummies = (groups[:, None] == np.arange(1, int(groups.max()) + 1)).astype(np.float64)
    designs = (
        scaled[:, None],
        np.column_stack([scaled, dummies]),
        np.column_stack([scaled, dummies, dummies * scaled[:, None]]),
    )
    shares = np.bincount(categories, weight)
    null = float(shares @ np.log(shares / shares.sum()))
    fits = [ordered_logit(design, categories, counts=weight) for design in designs]
    if any(fit is None for fit in fits):
        return None
    base, uniform, total = (fit.log_likelihood for fit in fits if fit is not None)
    return (uniform - base) / -null, (total - base) / -null, 2 * (total - base), 2 * dummies.shape[1]


def screening(
    rows: NDArray[Any], group: NDArray[np.int64], items: Sequence[str], thresholds: Thresholds = DEFAULT
) -> dict[str, ItemDif]:
    """Screen every item of (n, p) ratings against the sum of the others.

    Who left some of the others out takes part with the mean of those rated times their number, rounded, as long as
    `Thresholds.dif_answered` of them are rated; who left out the item itself does not.
    """
    given = rated(rows)
    ratings, total = np.where(given, rows, 0).astype(np.int64), given.sum(axis=1)
    summed, others = ratings.sum(axis=1), max(rows.shape[1] - 1, 1)
    found = {}
    for j, name in enumerate(items):
        answered = total - given[:, j]
        kept = given[:, j] & (answered >= np.maximum(thresholds.dif_answered * others, 1))
        rest = np.rint((summed - ratings[:, j])[kept] * others / answered[kept]).astype(np.int64)
        found[name] = dif(ratings[kept, j], rest, group[kept], thresholds)
    return _adjusted(found, thresholds)


def _adjusted(found: dict[str, ItemDif], thresholds: Thresholds) -> dict[str, ItemDif]:
    """The screening with p values for so many items."""
    q = benjamini_hochberg([one.p.value for one in found.values()])
    told = {}
    for (name, one), at in zip(found.items(), q, strict=True):
        if at is None or one.r2_total.value is None:
            told[name] = one
            continue
        flagged = one.r2_total.value >= thresholds.dif_r2 and at <= thresholds.q
        method = f"{METHOD}, Benjamini-Hochberg"
        told[name] = replace(one, p_adjusted=Statistic(at, n=one.p.n, method=method), flagged=flagged)
    return told
