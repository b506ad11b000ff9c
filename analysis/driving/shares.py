"""How sure the shares of importance are: bootstrap intervals, and whether a predictor beats mere noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.drivers import Regression, regression, relative_weights
from analysis.frequencies import t_quantile
from analysis.results import Reason, Statistic, held, undefined
from analysis.robust import LinearFit, hc3
from analysis.thresholds import DEFAULT, Thresholds

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Driver:
    """One predictor of an outcome."""

    beta: Statistic  # points of the outcome for one point, others equal; HC3 interval
    correlation: Statistic
    share: Statistic  # part of R squared by LMG (relative weights above ten predictors), bootstrap interval
    share_percent: Statistic  # the same of 100; no interval, since rescaled weights carry none
    relative_weight: Statistic  # Johnson's, beside
    beats_noise: bool | None  # relative weight above that of a random predictor; None without a bootstrap
    vif: Statistic  # variance inflation
    suppressed: bool  # beta and correlation differ in sign


@dataclass(frozen=True)
class DriverSet:
    """Predictors of one outcome together."""

    outcome: str
    predictors: str  # "dimensions_perception", "dimensions_gap", "stages_perception", "cells_perception"
    n: int
    r2: Statistic
    adjusted_r2: Statistic
    drivers: dict[str, Driver]
    agree: bool | None  # LMG and relative weights within two points of 100 of one another
    flags: tuple[str, ...]


def variance_inflation(correlation: Floats) -> Floats:
    """(p,) variance inflation factors of predictors from their (p, p) correlations; must not be singular."""
    found: Floats = np.diag(np.linalg.inv(correlation))
    return found


def driver_set(
    outcome: str,
    predictors: str,
    names: tuple[str, ...],
    x: Floats,
    y: Floats,
    rng: np.random.Generator,
    thresholds: Thresholds = DEFAULT,
) -> DriverSet:
    """Regress an outcome on predictors, with everything said about each.

    Parameters
    ----------
    outcome, predictors : str
        Their ids, for the record.
    names : tuple of str
        Ids of the p predictors.
    x : (n, p) float, y : (n,) float
        Rows with NaN are left out.
    rng : Generator
        For the bootstrap (`driver_draws` resamples) and the random predictor.

    Returns
    -------
    DriverSet
        Undefined as `analysis.drivers.regression` says.

    References
    ----------
    Tonidandel, S., LeBreton, J. M. and Johnson, J. W. (2009). Determining the statistical significance of relative
    weights. Psychological Methods 14, 387-399.
    """
    whole = ~(np.isnan(x).any(axis=1) | np.isnan(y))
    x, y = x[whole], y[whole]
    n = int(y.size)
    both = np.column_stack([x, y])
    covariance = np.atleast_2d(np.cov(both, rowvar=False)) if n > 1 else np.zeros((x.shape[1] + 1,) * 2)
    found = regression(covariance, n, thresholds.lmg_predictors)
    if not isinstance(found, Regression):
        return _nothing(outcome, predictors, names, n, found)
    robust = hc3(np.column_stack([np.ones(n), x]), y)
    p, sds = x.shape[1], np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(sds, sds)
    johnson = relative_weights(correlation)
    spread = _bootstrap(both, rng, thresholds)
    limits = None if spread is None else np.quantile(spread.shares, _tails(thresholds), axis=0)
    beats = None if spread is None else np.quantile(spread.ahead, _tails(thresholds)[0], axis=0) > 0
    inflation = variance_inflation(correlation[:p, :p])
    drivers = {}
    for j, name in enumerate(names):
        share = Statistic(float(found.shares[j]), n=n, method=f"{found.method}, part of R squared")
        if limits is not None:
            low, high = (float(limit) for limit in limits[:, j])
            own = float(found.shares[j])
            share = held(own, low, high, thresholds.level, n, f"{share.method}, bootstrap interval")
        beta = float(found.beta[j])
        drivers[name] = Driver(
            _beta(found, robust, j, n, thresholds.level),
            Statistic(float(correlation[j, p]), n=n, method="correlation"),
            share,
            Statistic(100 * float(found.shares[j]) / found.r2, n=n, method=f"{found.method}, per cent")
            if found.r2 > 1e-12
            else undefined("no_variance", n, f"{found.method}, per cent"),
            Statistic(float(johnson[j]), n=n, method="Johnson's relative weight"),
            None if beats is None else bool(beats[j]),
            Statistic(float(inflation[j]), n=n, method="variance inflation"),
            beta * float(correlation[j, p]) < 0 and abs(beta) > 1e-9,
        )
    close = (
        bool(np.all(np.abs(found.shares - johnson) <= 0.02 * max(found.r2, 1e-12)))
        if p <= thresholds.lmg_predictors
        else None
    )
    flags = ("sampled_bootstrap",) if n > BOOTSTRAP_ROWS else ()
    return DriverSet(
        outcome,
        predictors,
        n,
        *_explained(found.r2, spread, n, p, thresholds),
        drivers,
        close,
        flags,
    )


def _explained(
    r2: float, spread: _Spread | None, n: int, p: int, thresholds: Thresholds
) -> tuple[Statistic, Statistic]:
    """R squared and adjusted R squared with percentile intervals from the resamples.

    R squared of a resample is above that of the sample by about as much as the sample's is above that of all
    customers.  So its limits are adjusted once for the plain one, and once more for the adjusted one.
    """

    def adjusted(value: float) -> float:
        return 1 - (1 - value) * (n - 1) / (n - p - 1)

    plain, own = "R squared", "adjusted R squared"
    if spread is None:
        return Statistic(r2, n=n, method=plain), Statistic(adjusted(r2), n=n, method=own)
    low, high = (adjusted(float(one)) for one in np.quantile(spread.r2, _tails(thresholds)))
    level, how = thresholds.level, "bootstrap interval"
    return (
        held(r2, max(low, 0.0), high, level, n, f"{plain}, {how}"),
        held(adjusted(r2), adjusted(low), adjusted(high), level, n, f"{own}, {how}"),
    )


def _tails(thresholds: Thresholds) -> list[float]:
    """Lower and upper tail of the intervals."""
    return [(1 - thresholds.level) / 2, (1 + thresholds.level) / 2]


def _nothing(outcome: str, predictors: str, names: tuple[str, ...], n: int, why: Reason) -> DriverSet:
    """No regression can be made."""
    none = undefined(why, n)
    lone = Driver(none, none, none, none, none, None, none, False)
    return DriverSet(outcome, predictors, n, none, none, dict.fromkeys(names, lone), None, ())


def _beta(found: Regression, robust: LinearFit | None, j: int, n: int, level: float) -> Statistic:
    """A coefficient with its HC3 interval; the classical one where HC3 is not defined."""
    beta = float(found.beta[j])
    if robust is not None:
        reach, method = (
            t_quantile(float(robust.df[j + 1]), (1 + level) / 2) * float(robust.se[j + 1]),
            "OLS, HC3 interval",
        )
    else:
        reach, method = float(found.reach(level)[j]), "OLS, classical interval"
    return Statistic(beta, beta - reach, beta + reach, level, n, method)


BOOTSTRAP_ROWS = 5000
"""More respondents are represented by so many, and the spread of the resamples is brought to the full number."""


@dataclass(frozen=True)
class _Spread:
    """Resamples: (b, p) shares, (b, p) relative weights minus that of a random predictor, (b,) R squared."""

    shares: Floats
    ahead: Floats
    r2: Floats


def _bootstrap(both: Floats, rng: np.random.Generator, thresholds: Thresholds) -> _Spread | None:
    """What the resamples give; None when they fail."""
    n, columns = both.shape
    p = columns - 1
    if n < 3 * columns:
        return None
    rows = min(n, BOOTSTRAP_ROWS)
    chosen = both[rng.choice(n, rows, replace=False)] if rows < n else both
    noise = rng.permutation(chosen[:, 0])  # a predictor of the same kind that cannot matter
    wide = np.column_stack([chosen[:, :p], noise, chosen[:, p]])
    sds = wide.std(axis=0)
    if float(sds.min()) < 1e-9:
        return None
    wide = (wide - wide.mean(axis=0)) / sds
    drawn = np.stack([_resampled(wide, rng) for _ in range(thresholds.driver_draws)])
    spread = np.sqrt(np.maximum(np.diagonal(drawn, axis1=1, axis2=2), 0))
    usable = spread.min(axis=1) > 1e-6
    spread = np.where(spread > 1e-6, spread, 1.0)
    correlation = drawn / (spread[:, :, None] * spread[:, None, :])
    usable &= np.linalg.eigvalsh(correlation[:, : p + 1, : p + 1])[:, 0] > 1e-8
    if int(usable.sum()) < thresholds.driver_draws // 2:
        return None
    correlation = correlation[usable]
    own = np.delete(np.delete(correlation, p, axis=1), p, axis=2)
    shares = lmg_many(own) if p <= thresholds.lmg_predictors else relative_weights_many(own)
    weights = relative_weights_many(correlation)
    ahead = weights[:, :p] - weights[:, p : p + 1]
    pull = math.sqrt(rows / n)
    slopes = np.linalg.solve(own[:, :p, :p], own[:, :p, p:])[:, :, 0]
    r2 = (slopes * own[:, :p, p]).sum(axis=1)
    return _Spread(_pulled(shares, pull), _pulled(ahead, pull), _pulled(r2, pull))


def _pulled(drawn: Floats, pull: float) -> Floats:
    """Resamples drawn towards their mean, for as many respondents as there really are."""
    middle = drawn.mean(axis=0)
    found: Floats = middle + pull * (drawn - middle)
    return found


def _resampled(wide: Floats, rng: np.random.Generator) -> Floats:
    """Covariance of one resample of the rows."""
    n = wide.shape[0]
    weight = rng.multinomial(n, np.full(n, 1 / n)).astype(np.float64)
    mean = weight @ wide / n
    found: Floats = (wide * weight[:, None]).T @ wide / n - np.outer(mean, mean)
    return found


def lmg_many(correlation: Floats) -> Floats:
    """`analysis.drivers.lmg` of a stack (b, p + 1, p + 1), by subset over the whole stack: (b, p)."""
    p = correlation.shape[1] - 1
    r2 = np.zeros((correlation.shape[0], 2**p))
    for subset in range(1, 2**p):
        chosen = [j for j in range(p) if subset >> j & 1]
        target = correlation[:, chosen, p]
        solved = np.linalg.solve(correlation[:, chosen][:, :, chosen], target[:, :, None])[:, :, 0]
        r2[:, subset] = (target * solved).sum(axis=1)
    shares = np.zeros((correlation.shape[0], p))
    for subset in range(2**p):
        size = subset.bit_count()
        weight = math.factorial(size) * math.factorial(p - size - 1) / math.factorial(p) if size < p else 0.0
        for j in range(p):
            if not subset >> j & 1:
                shares[:, j] += weight * (r2[:, subset | 1 << j] - r2[:, subset])
    found: Floats = np.maximum(shares, 0.0)
    return found


def relative_weights_many(correlation: Floats) -> Floats:
    """`analysis.drivers.relative_weights` of a stack (b, p + 1, p + 1): (b, p)."""
    p = correlation.shape[1] - 1
    values, vectors = np.linalg.eigh(correlation[:, :p, :p])
    root = np.sqrt(np.maximum(values, 0))
    loading = (vectors * root[:, None, :]) @ np.swapaxes(vectors, 1, 2)
    orthogonal = np.linalg.solve(loading, correlation[:, :p, p:])[:, :, 0]
    found: Floats = np.einsum("bij,bj->bi", loading**2, orthogonal**2)
    return found
