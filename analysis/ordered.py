"""Ordered logit: an outcome in ordered steps on several predictors, and the check of its one assumption."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_STEPS = 100


@dataclass(frozen=True)
class OrderedLogit:
    """A proportional-odds model.

    Attributes
    ----------
    beta, se : (p,) log odds ratios of a higher outcome for one unit more, and their standard errors
    cuts : (c - 1,) ascending
    log_likelihood, null_log_likelihood : float
    codes : (c,) the outcome's values, the rare ones at the ends collapsed
    covariance : (p + c - 1, p + c - 1) of beta and cuts
    """

    beta: Floats
    se: Floats
    cuts: Floats
    log_likelihood: float
    null_log_likelihood: float
    codes: Integers
    covariance: Floats

    @property
    def mcfadden(self) -> float:
        """McFadden's R squared, from 0 to 1."""
        return 1 - self.log_likelihood / self.null_log_likelihood


def collapsed(y: Integers, fewest: int = 5) -> Integers:
    """Outcome steps with those of fewer than `fewest` answers joined to their inner neighbour, from the ends."""
    found = y.copy()
    for inward in (1, -1):
        values, counts = np.unique(found, return_counts=True)
        values, counts = values[::inward], counts[::inward]
        while values.size > 2 and counts[0] < fewest:
            found[found == values[0]] = values[1]
            counts = np.concatenate([[counts[0] + counts[1]], counts[2:]])
            values = values[1:]
    return found


def ordered_logit(x: Floats, y: Integers, fewest: int = 1, counts: Floats | None = None) -> OrderedLogit | None:
    """Fit ``logit P(Y <= c) = cut_c - x beta`` by maximum likelihood.

    Parameters
    ----------
    x : (n, p) float
        Without a column of ones.
    y : (n,) int
        Ordered outcome.
    fewest : int
        Steps at the ends with fewer answers are collapsed first.
    counts : (n,) float, optional
        How many respondents each row stands for.

    Returns
    -------
    OrderedLogit or None
        None with fewer than two outcome steps, repeated predictors, too few rows, or when the likelihood has no
        maximum because a predictor separates the steps.

    References
    ----------
    McCullagh, P. (1980). Regression models for ordinal data. JRSS B 42, 109-142.
    """
    y = collapsed(y, fewest)
    codes, place = np.unique(y, return_inverse=True)
    c, p = codes.size, x.shape[1]
    weight = np.ones(y.size) if counts is None else counts
    if c < 2 or y.size <= p + c - 1:
        return None
    scale = x.std(axis=0)
    if p and not bool((scale > 1e-12).all()):
        return None
    middle = x.mean(axis=0)
    z = (x - middle) / scale
    shares = np.bincount(place, weights=weight)
    start = special.logit(np.cumsum(shares)[:-1] / shares.sum())
    null = float((shares * np.log(shares / shares.sum())).sum())
    fitted = _newton(z, place, weight, np.concatenate([np.zeros(p), start]), p)
    if fitted is None:
        return None
    theta, information, likelihood = fitted
    back = np.eye(theta.size)
    back[:p, :p] = np.diag(1 / scale)
    back[p:, :p] = middle / scale  # the cuts move back with the predictors' means
    covariance = back @ np.linalg.inv(information) @ back.T
    theta = back @ theta
    se = np.sqrt(np.diag(covariance)[:p])
    return OrderedLogit(theta[:p], se, theta[p:], likelihood, null, codes.astype(np.int64), covariance)


def _newton(
    z: Floats, place: NDArray[np.intp], weight: Floats, theta: Floats, p: int
) -> tuple[Floats, Floats, float] | None:
    """Newton's method with halved steps; None when it does not settle."""
    likelihood, gradient, information = _derivatives(z, place, weight, theta, p)
    for _ in range(_STEPS):
        if float(np.linalg.eigvalsh(information)[0]) < 1e-9 * weight.sum():
            return None
        step = np.linalg.solve(information, gradient)
        size = 1.0
        while size > 1e-6:
            trial = theta + size * step
            if bool((np.diff(trial[p:]) > 1e-9).all()):
                new = _derivatives(z, place, weight, trial, p)
                if new[0] >= likelihood - 1e-12 * abs(likelihood):
                    break
            size /= 2
        else:
            return None
        theta, (likelihood, gradient, information) = trial, new
        if float(np.abs(theta).max()) > 50:  # log odds without end: the steps are separated
            return None
        if float(np.abs(step).max()) < 1e-10:
            return theta, information, likelihood
    return None


def _derivatives(
    z: Floats, place: NDArray[np.intp], weight: Floats, theta: Floats, p: int
) -> tuple[float, Floats, Floats]:
    """Log likelihood, its gradient and the observed information."""
    c = theta.size - p + 1
    edges = np.concatenate([[-np.inf], theta[p:], [np.inf]])
    score = z @ theta[:p]
    high, low = special.expit(edges[place + 1] - score), special.expit(edges[place] - score)
    chance = np.maximum(high - low, 1e-300)
    f_high, f_low = high * (1 - high), low * (1 - low)
    g_high, g_low = f_high * (1 - 2 * high), f_low * (1 - 2 * low)
    # Each row touches two cuts at most, so derivatives are laid out by (upper cut, lower cut, predictors).
    upper, lower = np.zeros((z.shape[0], c + 1)), np.zeros((z.shape[0], c + 1))
    rows = np.arange(z.shape[0])
    upper[rows, place + 1] = 1
    lower[rows, place] = 1
    to_high = np.column_stack([-z, upper[:, 1:c]])
    to_low = np.column_stack([-z, lower[:, 1:c]])
    slope = f_high[:, None] * to_high - f_low[:, None] * to_low
    gradient = ((weight / chance)[:, None] * slope).sum(axis=0)
    outer = (slope * (weight / chance**2)[:, None]).T @ slope
    bend = (to_high * (weight * g_high / chance)[:, None]).T @ to_high
    bend -= (to_low * (weight * g_low / chance)[:, None]).T @ to_low
    return float((weight * np.log(chance)).sum()), gradient, outer - bend


@dataclass(frozen=True)
class ProportionalOdds:
    """Brant's test that every step of the outcome has the same coefficients."""

    chi2: float
    df: int
    p: float
    by_predictor: Floats  # (p,) p values of each predictor alone


def brant(x: Floats, y: Integers, fewest: int = 5) -> ProportionalOdds | None:
    """Brant's Wald test of proportional odds.

    Parameters
    ----------
    x, y : as `ordered_logit`
    fewest : int
        Steps at the ends with fewer answers are collapsed first.

    Returns
    -------
    ProportionalOdds or None
        None with fewer than three outcome steps, or when one of the binary fits does not exist.

    References
    ----------
    Brant, R. (1990). Assessing proportionality in the proportional odds model for ordinal logistic regression.
    Biometrics 46, 1171-1178.
    """
    y = collapsed(y, fewest)
    codes = np.unique(y)
    if codes.size < 3:
        return None
    n, p, cuts = x.shape[0], x.shape[1], codes.size - 1
    design = np.column_stack([np.ones(n), x])
    fits = [_logit(design, y > code) for code in codes[:-1]]
    known = [fit for fit in fits if fit is not None]
    if len(known) < cuts:
        return None
    chances = [special.expit(design @ beta) for beta, _ in known]
    stacked = np.concatenate([beta[1:] for beta, _ in known])
    covariance = np.zeros((p * cuts, p * cuts))
    for a in range(cuts):
        for b in range(a, cuts):
            between = design.T @ (design * (chances[b] - chances[a] * chances[b])[:, None])
            block = (known[a][1] @ between @ known[b][1])[1:, 1:]
            covariance[a * p : (a + 1) * p, b * p : (b + 1) * p] = block
            covariance[b * p : (b + 1) * p, a * p : (a + 1) * p] = block.T
    contrast = np.kron(np.column_stack([-np.ones(cuts - 1), np.eye(cuts - 1)]), np.eye(p))
    chi2 = _wald(contrast, stacked, covariance)
    if chi2 is None:
        return None
    alone = [_wald(contrast[j::p], stacked, covariance) for j in range(p)]
    each = np.array([float(special.chdtrc(cuts - 1, one)) if one is not None else np.nan for one in alone])
    df = p * (cuts - 1)
    return ProportionalOdds(chi2, df, float(special.chdtrc(df, chi2)), each)


def _wald(contrast: NDArray[Any], theta: Floats, covariance: Floats) -> float | None:
    """Wald statistic that a contrast is nought."""
    off, spread = contrast @ theta, contrast @ covariance @ contrast.T
    if float(np.linalg.eigvalsh(spread)[0]) < 1e-12 * float(np.trace(spread)):
        return None
    return float(off @ np.linalg.solve(spread, off))


def _logit(design: Floats, above: NDArray[np.bool_]) -> tuple[Floats, Floats] | None:
    """Binary logit: coefficients and their covariance."""
    beta = np.zeros(design.shape[1])
    share = float(above.mean())
    if not 0 < share < 1:
        return None
    beta[0] = special.logit(share)
    for _ in range(_STEPS):
        chance = special.expit(design @ beta)
        information = design.T @ (design * (chance * (1 - chance))[:, None])
        if float(np.linalg.eigvalsh(information)[0]) < 1e-10 * design.shape[0] or float(np.abs(beta).max()) > 100:
            return None
        step = np.linalg.solve(information, design.T @ (above - chance))
        beta = beta + step
        if float(np.abs(step).max()) < 1e-11:
            return beta, np.asarray(np.linalg.inv(information), np.float64)
    return None
