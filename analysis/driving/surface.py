"""Polynomial regression on perception and expectation: is their difference a fair summary?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.frequencies import t_quantile, t_tail
from analysis.results import Reason, Statistic, held, undefined
from analysis.robust import LinearFit, hc3, least_squares
from analysis.thresholds import DEFAULT, Thresholds

Floats = NDArray[np.float64]

Summary = Literal["adequate", "not_adequate", "not_identified"]
"""Whether the difference score says what perception and expectation say together."""

AXIS = "first principal axis, bootstrap"

TERMS = ("constant", "perception", "expectation", "perception_squared", "product", "expectation_squared")


@dataclass(frozen=True)
class ResponseSurface:
    """``y = b0 + b1 P + b2 E + b3 P^2 + b4 PE + b5 E^2``, P and E from the middle of the scale."""

    coefficients: dict[str, Statistic]
    a1: Statistic  # slope along P = E
    a2: Statistic  # curvature along P = E
    a3: Statistic  # slope along P = -E
    a4: Statistic  # curvature along P = -E
    r2: Statistic
    r2_difference: Statistic  # of the difference score alone
    f: Statistic  # of the four constraints that make it a difference score
    p: Statistic
    stationary: tuple[float, float] | None  # P, E where the surface is level, if anybody rates like that
    stationary_reason: Reason | None  # why there is no such point: "off_scale" where the surface is level elsewhere
    axis_slope: Statistic  # of the first principal axis, E on P, if that crosses the rated range
    below: Statistic  # share with perception clearly below expectation
    above: Statistic
    summary: Summary


def polynomial(p: Floats, e: Floats) -> Floats:
    """(n, 6) columns 1, P, E, P^2, PE, E^2."""
    return np.column_stack([np.ones(p.size), p, e, p * p, p * e, e * e])


def response_surface(
    perception: Floats,
    expectation: Floats,
    outcome: Floats,
    midpoint: float,
    rng: np.random.Generator,
    thresholds: Thresholds = DEFAULT,
    robust: bool = True,
) -> ResponseSurface:
    """Fit the surface with its tests.

    Parameters
    ----------
    perception, expectation, outcome : (n,) float
        Scores in scale points; rows with NaN are left out.
    midpoint : float
        Middle of the scale, where P and E are centred: not their means, so that P = E keeps its meaning.
    rng : Generator
        For the bootstrap interval of the principal axis.
    robust : bool
        HC3 (the default) or classical standard errors.

    Returns
    -------
    ResponseSurface
        Undefined with fewer than 8 complete rows ("no_complete_cases"), without variance of the outcome, or where the
        six columns repeat one another ("singular").  `summary` is "not_identified" too where fewer than
        `discrepant_share` differ in either direction by `discrepant_sd` standard deviations.  The stationary point and
        the principal axis are undefined ("off_scale") where they lie outside the rated range, the square from the
        lowest to the highest score given in either column: a curve drawn through ratings says nothing beyond them.

    References
    ----------
    Edwards, J. R. and Parry, M. E. (1993). On the use of polynomial regression equations as an alternative to
    difference scores. Acad. Management J. 36, 1577-1613.  Shanock, L. R. et al. (2010). J. Bus. Psychol. 25, 543-554.
    """
    whole = ~(np.isnan(perception) | np.isnan(expectation) | np.isnan(outcome))
    p, e, y = perception[whole] - midpoint, expectation[whole] - midpoint, outcome[whole]
    n = int(y.size)
    shares = discrepant(p, e, thresholds)
    x = polynomial(p, e)
    why: Reason = "no_complete_cases"
    fit = None
    if n >= 8:
        why = "no_variance" if float(np.ptp(y)) <= 1e-12 else "singular"
        fit = None if why == "no_variance" else (hc3 if robust else least_squares)(x, y)
    if fit is None:
        return _nothing(why, n, shares)
    level = thresholds.level
    difference = least_squares(np.column_stack([np.ones(n), p - e]), y)
    f, chance = constraint_test(x, y, fit, robust)
    plenty = all(one.value is not None and one.value >= thresholds.discrepant_share for one in shares)
    verdict: Summary = "adequate" if chance >= 1 - level else "not_adequate"
    b, ends = fit.beta, (float(min(p.min(), e.min())), float(max(p.max(), e.max())))
    level_at = stationary_point(b)
    rated = level_at is not None and all(ends[0] <= one <= ends[1] for one in level_at)
    slope = principal_slope(b)
    crosses = slope is None or (level_at is not None and axis_crosses(level_at, slope, ends))

    def line(weights: tuple[float, ...], method: str) -> Statistic:
        return _combination(fit, np.array(weights, np.float64), n, method, level)

    return ResponseSurface(
        {term: line(tuple(float(k == j) for k in range(6)), term) for j, term in enumerate(TERMS)},
        line((0, 1, 1, 0, 0, 0), "slope along P = E"),
        line((0, 0, 0, 1, 1, 1), "curvature along P = E"),
        line((0, 1, -1, 0, 0, 0), "slope along P = -E"),
        line((0, 0, 0, 1, -1, 1), "curvature along P = -E"),
        _share(fit, n),
        _share(difference, n),
        Statistic(f, n=n, method=f"F(4, {n - 6}) of the constraints"),
        Statistic(chance, n=n, method="F test of the constraints"),
        level_at if rated else None,
        None if rated else "off_scale",
        _axis(x, y, b, rng, thresholds) if crosses else undefined("off_scale", n, AXIS, level),
        *shares,
        verdict if plenty else "not_identified",
    )  # fmt: skip


def _share(fit: LinearFit | None, n: int) -> Statistic:
    """R squared of a fit."""
    if fit is None or fit.r2 is None:
        return undefined("singular" if fit is None else "no_variance", n, "R squared")
    return Statistic(fit.r2, n=n, method="R squared")


def _nothing(why: Reason, n: int, shares: tuple[Statistic, Statistic]) -> ResponseSurface:
    """A surface that cannot be fitted."""
    none = undefined(why, n)
    return ResponseSurface({}, *(none,) * 8, None, why, none, *shares, "not_identified")


def discrepant(p: Floats, e: Floats, thresholds: Thresholds = DEFAULT) -> tuple[Statistic, Statistic]:
    """Shares whose perception lies below, and above, their expectation by half of the pooled SD.

    The difference itself counts: were each column standardised by itself (Shanock and others 2010), as many would seem
    to lie above as below even where nobody's perception exceeds the expectation.
    """
    n, method = int(p.size), "share, difference over the pooled SD"
    spread = math.sqrt((float(p.var(ddof=1)) + float(e.var(ddof=1))) / 2) if n > 1 else 0.0
    if n < 2 or spread <= 1e-12:
        none = undefined("no_variance" if n else "no_complete_cases", n, method)
        return none, none
    apart = (p - e) / spread
    return (
        Statistic(float((apart < -thresholds.discrepant_sd).mean()), n=n, method=method),
        Statistic(float((apart > thresholds.discrepant_sd).mean()), n=n, method=method),
    )


def _combination(fit: LinearFit, weights: Floats, n: int, method: str, level: float) -> Statistic:
    """A linear combination of coefficients with its t interval."""
    value = float(weights @ fit.beta)
    reach = t_quantile(float(fit.df[0]), (1 + level) / 2) * math.sqrt(
        max(float(weights @ fit.covariance @ weights), 0.0)
    )
    return Statistic(value, value - reach, value + reach, level, n, method)


def combination_p(fit: LinearFit, weights: Floats) -> float:
    """Two-sided p that a linear combination of coefficients is nought."""
    t = float(weights @ fit.beta) / math.sqrt(float(weights @ fit.covariance @ weights))
    return 2 * t_tail(float(fit.df[0]), -abs(t))


CONSTRAINTS = np.array([[0.0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1]])
"""b1 = -b2 and b3 = b4 = b5 = 0."""


def constraint_test(x: Floats, y: Floats, fit: LinearFit, robust: bool) -> tuple[float, float]:
    """F and p of the four constraints, by the fit's own covariance (classical: the usual F of two sums of squares)."""
    off = CONSTRAINTS @ fit.beta
    f = float(off @ np.linalg.solve(CONSTRAINTS @ fit.covariance @ CONSTRAINTS.T, off)) / 4
    return f, float(special.fdtrc(4, x.shape[0] - 6, max(f, 0.0)))


def stationary_point(b: Floats) -> tuple[float, float] | None:
    """P and E where the surface is level; None where it has no curvature to speak of."""
    bend = 4 * b[3] * b[5] - b[4] ** 2
    if abs(float(bend)) < 1e-12:
        return None
    return float((b[2] * b[4] - 2 * b[1] * b[5]) / bend), float((b[1] * b[4] - 2 * b[2] * b[3]) / bend)


def principal_slope(b: Floats) -> float | None:
    """Slope of the first principal axis ``(b5 - b3 + sqrt((b3 - b5)^2 + b4^2))/b4``; None when b4 is 0."""
    if abs(float(b[4])) < 1e-12:
        return None
    return float((b[5] - b[3] + math.sqrt(float((b[3] - b[5]) ** 2 + b[4] ** 2))) / b[4])


def axis_crosses(through: tuple[float, float], slope: float, ends: tuple[float, float]) -> bool:
    """Whether the line through a point (P, E) with a slope of E on P meets the square from `ends` to `ends`."""
    at = sorted(through[1] + slope * (one - through[0]) for one in ends)
    return at[0] <= ends[1] and at[1] >= ends[0]


def _axis(x: Floats, y: Floats, b: Floats, rng: np.random.Generator, thresholds: Thresholds) -> Statistic:
    """Slope of the first principal axis with its bootstrap interval."""
    n, method = x.shape[0], AXIS
    slope = principal_slope(b)
    if slope is None:
        return undefined("no_variance", n, method, thresholds.level)
    rows = min(n, 2000)  # larger samples are represented by as many rows; the interval is then too wide, not too narrow
    pick = rng.choice(n, rows, replace=False) if rows < n else np.arange(n)
    chosen, answers = x[pick], y[pick]
    drawn = []
    for _ in range(min(thresholds.driver_draws, 300)):
        weight = rng.multinomial(rows, np.full(rows, 1 / rows)).astype(np.float64)
        cross = (chosen * weight[:, None]).T @ chosen
        if float(np.linalg.eigvalsh(cross)[0]) > 1e-9 * rows:
            found = principal_slope(np.linalg.solve(cross, chosen.T @ (weight * answers)))
            drawn += [found] if found is not None else []
    if len(drawn) < 100:
        return Statistic(slope, None, None, thresholds.level, n, method, (), "singular")
    # Resampled as an angle: slopes run through infinity where the axis stands upright.
    angle = math.atan(slope)
    turned = (np.arctan(np.array(drawn)) - angle + math.pi / 2) % math.pi - math.pi / 2
    low, high = angle + np.quantile(turned, [(1 - thresholds.level) / 2, (1 + thresholds.level) / 2])
    if low <= -math.pi / 2 or high >= math.pi / 2:
        return Statistic(slope, None, None, thresholds.level, n, method, (), "not_identified")
    return held(slope, math.tan(low), math.tan(high), thresholds.level, n, method)
