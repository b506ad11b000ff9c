"""Does an item work differently in one group?  A screening by ordinal logistic regression on the rest score.

Three models of an item's rating, each a proportional-odds logit: on the rest score; with the group as well (uniform:
the item is easier to agree with in one group at the same level); and with group times rest score (not uniform).
The ratings are collapsed to distinct combinations, so the cost hardly grows with the number of respondents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.mergeable import Floats
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
    flagged : whether r2_total reaches `Thresholds.dif_r2`; None when undefined
    """

    r2_uniform: Statistic
    r2_total: Statistic
    p: Statistic
    flagged: bool | None


def ordered_logit(categories: NDArray[np.int64], predictors: Floats, counts: Floats) -> tuple[float, Floats] | None:
    """Log-likelihood and slopes of a proportional-odds model, P(y <= c) = logistic(t_c - x b).

    Parameters
    ----------
    categories : (n,) 0..m-1, each in use
    predictors : (n, q)
    counts : (n,) how often each row occurs

    Returns
    -------
    log-likelihood, (q,) slopes; None when there is no maximum (a predictor separates the categories) or predictors
    repeat one another

    References
    ----------
    McCullagh, P. (1980). Regression models for ordinal data. JRSS B 42, 109-142.
    """
    m, q = int(categories.max()) + 1, predictors.shape[1]
    below = np.cumsum(np.bincount(categories, counts, m))[:-1] / counts.sum()
    at = np.concatenate([np.log(below / (1 - below)), np.zeros(q)])
    value, gradient, information = _likelihood(at, categories, predictors, counts)
    for _ in range(ITERATIONS):
        sizes = np.sqrt(np.maximum(np.diag(information), 1e-12))
        values, vectors = np.linalg.eigh(information / np.outer(sizes, sizes))
        if float(values[0]) < 1e-10:
            return None
        step = vectors @ ((vectors.T @ (gradient / sizes)) / values) / sizes
        if float(gradient @ step) < 1e-16 * (1 + abs(value)):
            return value, at[m - 1 :]
        length = 1.0
        while length > 1e-8:
            moved = at + length * step
            if m < 3 or float(np.diff(moved[: m - 1]).min()) > 0:
                found = _likelihood(moved, categories, predictors, counts)
                if found[0] >= value - 1e-12 * abs(value):
                    break
            length /= 2
        else:
            return (value, at[m - 1 :]) if float(gradient @ step) < 1e-8 else None
        if float(np.abs(moved).max()) > 200:
            return None
        at, (value, gradient, information) = moved, found
    return None


def _likelihood(
    at: Floats, categories: NDArray[np.int64], predictors: Floats, counts: Floats
) -> tuple[float, Floats, Floats]:
    """Log-likelihood, its gradient and expected information."""
    m = int(categories.max()) + 1
    cuts, slopes = at[: m - 1], at[m - 1 :]
    linear = predictors @ slopes
    ends = np.clip(cuts[None, :] - linear[:, None], -300, 300)
    cumulative = np.hstack([np.zeros((linear.size, 1)), special.expit(ends), np.ones((linear.size, 1))])
    density = np.hstack(
        [np.zeros((linear.size, 1)), special.expit(ends) * special.expit(-ends), np.zeros((linear.size, 1))]
    )
    chance = np.maximum(np.diff(cumulative, axis=1), 1e-300)
    value = float(counts @ np.log(chance[np.arange(linear.size), categories]))
    # Derivatives of the chance of each category by each cut and by the linear predictor.
    by_cut = np.zeros((linear.size, m, m - 1))
    places = np.arange(m - 1)
    by_cut[:, places, places] = density[:, 1:-1]
    by_cut[:, places + 1, places] = -density[:, 1:-1]
    by_linear = density[:, :-1] - density[:, 1:]
    slope = np.concatenate([by_cut, by_linear[:, :, None] * predictors[:, None, :]], axis=2)
    rows = np.arange(linear.size)
    gradient = (counts / chance[rows, categories]) @ slope[rows, categories]
    weight = np.where(chance > 1e-200, counts[:, None] / np.maximum(chance, 1e-200), 0.0)
    flat = slope.reshape(-1, at.size)
    information = (flat * weight.reshape(-1, 1)).T @ flat
    return value, gradient, information


def dif(item: NDArray[Any], rest: NDArray[Any], group: NDArray[np.int64], thresholds: Thresholds = DEFAULT) -> ItemDif:
    """Screen one item for differential functioning.

    Parameters
    ----------
    item : (n,) whole ratings; rest : (n,) sum of the other items; group : (n,) numbers from 0
        Complete rows only.

    Returns
    -------
    ItemDif
        Undefined for no rows ("no_complete_cases"), one group ("one_group"), a constant item or rest score
        ("no_variance"), or when a model has no maximum ("not_converged").

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
            return ItemDif(gained, both, chance, bool(total >= thresholds.dif_r2))
        why = "not_converged"
    none = undefined(why, n, METHOD)
    return ItemDif(none, none, none, None)


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
    fits = [ordered_logit(categories, design, weight) for design in designs]
    if any(fit is None for fit in fits):
        return None
    base, uniform, total = (fit[0] for fit in fits if fit is not None)
    return (uniform - base) / -null, (total - base) / -null, 2 * (total - base), 2 * dummies.shape[1]


def screening(
    rows: NDArray[Any], group: NDArray[np.int64], items: Sequence[str], thresholds: Thresholds = DEFAULT
) -> dict[str, ItemDif]:
    """Screen every item of (n, p) complete ratings against the sum of the others."""
    total = rows.sum(axis=1, dtype=np.int64)
    return {
        name: dif(rows[:, j], total - rows[:, j].astype(np.int64), group, thresholds) for j, name in enumerate(items)
    }
