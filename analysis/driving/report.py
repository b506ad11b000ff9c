"""What drives the outcomes, as one result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.driving.contrast import PenaltyReward, penalty_reward
from analysis.driving.ipa import Driver as DriverKind
from analysis.driving.ipa import Ipa, Variant, importance_performance, stated_against_derived
from analysis.driving.shares import DriverSet, driver_set
from analysis.driving.surface import ResponseSurface, response_surface
from analysis.frequencies import mean_statistic
from analysis.importance import importance
from analysis.matrix import Bytes, ScoreMatrix, rated
from analysis.ordered import brant, ordered_logit
from analysis.results import Reason, Statistic, undefined
from analysis.study import Score, Scored, Study
from analysis.tally import Tally
from analysis.thresholds import DEFAULT, Thresholds

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class OrderedDrivers:
    """Ordered logit of an outcome on the dimensions."""

    outcome: str
    odds: dict[str, Statistic]  # odds ratio of a higher answer for one point more
    mcfadden: Statistic
    p_proportional: Statistic  # Brant's test that every step has the same odds ratios


@dataclass(frozen=True)
class Driving:
    """Drivers, the shape of their effect, and the importance charts."""

    sets: tuple[DriverSet, ...]
    ordered: OrderedDrivers | None
    contrast: dict[str, PenaltyReward]
    surface: ResponseSurface | None
    ipa: tuple[Ipa, ...]  # dimensions
    stated_derived: dict[str, DriverKind]


def driving(
    part: Study, own: Scored, tally: Tally, rng: np.random.Generator, thresholds: Thresholds = DEFAULT
) -> Driving:
    """Everything about drivers that the answers allow.

    Parameters
    ----------
    part : Study
        Rows; with very many respondents a random part of them.
    own : Scored
        Their scores.
    tally : Tally
        Of all respondents, for means and stated importance.

    Returns
    -------
    Driving
        Satisfaction (or else the first outcome) on dimension perceptions; overall quality, dimension gaps and stage
        perceptions beside it; cells only with `driver_cells_n` respondents and little inflation of variances.
    """
    outcome = "satisfaction" if "satisfaction" in part.outcomes else next(iter(part.outcomes), None)
    ipa = _charts(tally, own, thresholds)
    if outcome is None:
        return Driving((), None, {}, None, *ipa)
    y = part.outcome(outcome)
    sets = [driver_set(outcome, "dimensions_perception", *_predictors(own.perception, "dimension"), y, rng, thresholds)]
    if "overall_quality" in part.outcomes and outcome != "overall_quality":
        other = part.outcome("overall_quality")
        names, x = _predictors(own.perception, "dimension")
        sets.append(driver_set("overall_quality", "dimensions_perception", names, x, other, rng, thresholds))
    if own.gap:
        sets.append(driver_set(outcome, "dimensions_gap", *_predictors(own.gap, "dimension"), y, rng, thresholds))
    if part.matrix.layout.stages:
        sets.append(driver_set(outcome, "stages_perception", *_predictors(own.perception, "stage"), y, rng, thresholds))
        sets += _cells(outcome, own, y, rng, thresholds)
    names, x = _predictors(own.perception, "dimension")
    whole = ~(np.isnan(x).any(axis=1) | np.isnan(y))
    return Driving(
        tuple(sets),
        _ordered(outcome, names, x[whole], y[whole], thresholds),
        _contrast(part, own, names, x, y, thresholds),
        _surface(part, own, y, rng, thresholds),
        *ipa,
    )


def _predictors(scores: Mapping[str, Score], level: str) -> tuple[tuple[str, ...], Floats]:
    """Ids and (n, p) scores of one level."""
    found = {name.partition(":")[2]: one.values() for name, one in scores.items() if name.startswith(f"{level}:")}
    return tuple(found), np.column_stack(list(found.values()))


def _cells(outcome: str, own: Scored, y: Floats, rng: np.random.Generator, thresholds: Thresholds) -> list[DriverSet]:
    """The cells, where there are enough respondents to tell them apart."""
    names, x = _predictors(own.perception, "cell")
    if int((~(np.isnan(x).any(axis=1) | np.isnan(y))).sum()) < thresholds.driver_cells_n:
        return []
    found = driver_set(outcome, "cells_perception", names, x, y, rng, thresholds)
    inflated = any((one.vif.value or 0.0) >= thresholds.driver_vif for one in found.drivers.values())
    return [] if inflated or found.r2.value is None else [found]


def _ordered(outcome: str, names: tuple[str, ...], x: Floats, y: Floats, thresholds: Thresholds) -> OrderedDrivers:
    """The ordered logit and Brant's test."""
    n, method = int(y.size), "ordered logit"
    rare = thresholds.rare_step
    fit = ordered_logit(x, y.astype(np.int64), rare) if n else None
    if fit is None:
        constant = n > 0 and bool((y == y[0]).all())
        why: Reason = "no_variance" if constant else "no_complete_cases" if n < x.shape[1] + 3 else "not_converged"
        none = undefined(why, n, method)
        return OrderedDrivers(outcome, dict.fromkeys(names, none), none, none)
    reach = 1.959963984540054 if thresholds.level == 0.95 else _normal(thresholds.level)
    odds = {}
    for name, beta, se in zip(names, fit.beta.tolist(), fit.se.tolist(), strict=True):
        low, value, high = (float(np.exp(np.clip(beta + step * se, -50, 50))) for step in (-reach, 0.0, reach))
        odds[name] = Statistic(value, low, high, thresholds.level, n, "odds ratio, ordered logit")
    test = brant(x, y.astype(np.int64), rare)
    p = (
        undefined("not_converged", n, "Brant")
        if test is None
        else Statistic(test.p, n=n, method=f"Brant, df {test.df}")
    )
    return OrderedDrivers(outcome, odds, Statistic(fit.mcfadden, n=n, method="McFadden's R squared"), p)


def _normal(level: float) -> float:
    """Two-sided normal quantile."""
    from scipy import special

    return float(special.ndtri((1 + level) / 2))


def _contrast(
    part: Study, own: Scored, names: tuple[str, ...], x: Floats, y: Floats, thresholds: Thresholds
) -> dict[str, PenaltyReward]:
    """Low is below, high above what customers hold against it: in three columns their own zone, else fixed ratings."""
    if part.matrix.minimum is not None and own.gap:
        low, high, known = _beside_zone(part.matrix, part.matrix.minimum, own, names)
    else:
        points = part.matrix.layout.points
        low = x <= thresholds.scaled(thresholds.contrast_low7 - 1, points) + 1
        high, known = x >= thresholds.scaled(thresholds.contrast_high7 - 1, points) + 1, ~np.isnan(x)
    whole = known.all(axis=1) & ~np.isnan(y)
    return penalty_reward(
        {name: low[whole, j] for j, name in enumerate(names)},
        {name: high[whole, j] for j, name in enumerate(names)},
        y[whole],
        thresholds,
    )


def _beside_zone(
    matrix: ScoreMatrix, minimum: Bytes, own: Scored, names: tuple[str, ...]
) -> tuple[Flags, Flags, Flags]:
    """(n, p) perception below the minimum, above the desired level, and where both are known, over complete triples.

    Who rates below a minimum that is above the desired level is neither: such a zone has no outside.
    """
    complete = rated(matrix.perception) & rated(minimum)
    complete = complete if matrix.reference is None else complete & rated(matrix.reference)
    away = np.where(complete, matrix.perception.astype(np.int64) - minimum, 0)
    below = np.column_stack([away[:, list(matrix.layout.dimension_items[name])].sum(axis=1) < 0 for name in names])
    gaps = np.column_stack([own.gap[f"dimension:{name}"].values() for name in names])
    known = ~np.isnan(gaps)
    above = np.where(known, gaps, 0.0) > 0
    return below & ~above, above & ~below, known


def _surface(
    part: Study, own: Scored, y: Floats, rng: np.random.Generator, thresholds: Thresholds
) -> ResponseSurface | None:
    """The surface of the overall scores; None without expectation."""
    if not own.expectation:
        return None
    middle = (part.matrix.layout.points + 1) / 2
    perception, expectation = own.perception["overall"].values(), own.expectation["overall"].values()
    return response_surface(perception, expectation, y, middle, rng, thresholds)


def _charts(tally: Tally, own: Scored, thresholds: Thresholds) -> tuple[tuple[Ipa, ...], dict[str, DriverKind]]:
    """The four importance-performance charts of the dimensions, and stated beside derived importance."""
    found = importance(tally, None, thresholds)
    layout, points = tally.layout, tally.layout.points

    def levels(scores: Mapping[str, Score]) -> dict[str, Statistic]:
        return {
            name.partition(":")[2]: mean_statistic(one.frequencies(), thresholds.level, method="mean")
            for name, one in scores.items()
            if name.startswith("dimension:")
        }

    derived: dict[str, float | None] = dict.fromkeys(layout.dimensions)
    if found.derived is not None:
        shares = dict.fromkeys(layout.dimensions, 0.0)
        for cell, share in found.derived.items():
            shares[layout.place(cell)[1]] += share
        derived = {name: 100 * share for name, share in shares.items()}
    stated = {name: one.value for name, one in found.dimension_weights.items()}
    weights = found.dimension_weights
    if all(value is None for value in stated.values()):
        weights = {
            name: undefined("no_importance") if value is None else Statistic(value, n=tally.n, method="derived share")
            for name, value in derived.items()
        }
    charts: list[Ipa] = []
    performance = levels(own.perception)
    variants: tuple[Variant, ...] = ("data_centred", "scale_centred", "diagonal")
    charts += [importance_performance(performance, weights, variant, points) for variant in variants]
    if own.gap:
        charts.append(importance_performance(levels(own.gap), weights, "gap", points, thresholds.delta(points)))
    return tuple(charts), stated_against_derived(stated, derived)
