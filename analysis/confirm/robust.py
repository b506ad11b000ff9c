"""What holds when ratings are not normal: sandwich standard errors and the scaled chi-square (MLR).

Both need fourth moments, so a pass over the rows: `fourth_moments` makes it once, and every model fitted to the
same rows uses the result.  Where answers are missing `twostage` gives what stands in their place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.confirm.estimate import Estimate, entry_gradient, entry_information, observed_information
from analysis.confirm.model import Entries, Name, Slopes, slopes
from analysis.mergeable import Floats

CHUNK = 8192  # rows whose products are in memory at once


@dataclass(frozen=True, eq=False)
class FourthMoments:
    """Covariance (divisor n) of the centred items and of their products, item by item in the order of `lower`.

    Attributes
    ----------
    n : rows it was computed from
    gamma : (p + p(p+1)/2,) * 2 float
        Also the covariance of root-n times the means and covariances, so where answers are missing that of moments by
        EM takes its place (see `twostage`).
    from_sample : whether these rows are a random sample of all rows
    two_stage : whether answers are missing
    """

    n: int
    gamma: Floats
    from_sample: bool
    two_stage: bool = False


def lower(p: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the distinct entries of a (p, p) symmetric matrix, diagonal included."""
    rows, columns = np.tril_indices(p)
    return rows.astype(np.int64), columns.astype(np.int64)


def fourth_moments(rows: NDArray[Any], rng: np.random.Generator, most: int = 50_000) -> FourthMoments:
    """Fourth moments of (n, p) scores without missing values, over a random sample when there are more than `most`."""
    n, p = rows.shape
    from_sample = n > most
    if from_sample:
        rows, n = rows[np.sort(rng.choice(n, most, replace=False))], most
    left, right = lower(p)
    mean = rows.mean(axis=0, dtype=np.float64)
    total, cross = np.zeros(p + left.size), np.zeros((p + left.size,) * 2)
    for begin in range(0, n, CHUNK):
        away = rows[begin : begin + CHUNK] - mean
        both = np.hstack([away, away[:, left] * away[:, right]])
        total += both.sum(axis=0)
        cross += both.T @ both
    average = total / n
    return FourthMoments(n, cross / n - np.outer(average, average), from_sample)


def _weights(step: Slopes, inverse: Floats, away: Floats) -> Floats:
    """(e, p + p(p+1)/2) weights of the centred items and their products in each row's derivative by each entry."""
    rows, columns = lower(inverse.shape[0])
    a, b = step.a @ inverse, step.b @ inverse
    twice = np.where(rows == columns, 0.5, 1.0)
    on_products = step.c[:, None] * twice * (a[:, rows] * b[:, columns] + b[:, rows] * a[:, columns])
    on_items = step.c[:, None] * (a * (b @ away)[:, None] + b * (a @ away)[:, None]) + step.mean @ inverse
    return np.hstack([on_items, on_products])


def first_order(found: Estimate, fourth: Sequence[FourthMoments]) -> Floats:
    """(q, q) mean product of the rows' derivatives of the log-likelihood, at the implied moments."""
    q = found.model.n_parameters
    total = np.zeros(q * q)
    for at, step, sample, moments in zip(found.implied, found.slopes, found.samples, fourth, strict=True):
        inverse = np.linalg.inv(at.covariance)
        away = sample.mean - at.mean if found.model.with_means else np.zeros(at.mean.size)
        weights = _weights(step, inverse, away)
        mean = entry_gradient(found.model, sample, at, step)
        products = weights @ moments.gamma @ weights.T + np.outer(mean, mean)
        places = (step.parameters[:, None] * q + step.parameters).ravel()
        total += sample.n / found.n * np.bincount(places, products.ravel(), q * q)
    return total.reshape(q, q)


def sandwich(found: Estimate, fourth: Sequence[FourthMoments]) -> Floats:
    """(q, q) covariance of the estimates without supposing normal ratings.

    References
    ----------
    Yuan, K.-H. and Bentler, P. M. (2000). Three likelihood-based methods for mean and covariance structure analysis
    with nonnormal missing data. Sociological Methodology 30, 165-200.
    """
    bread = np.linalg.inv(observed_information(found))
    return np.asarray(bread @ first_order(found, fourth) @ bread / found.n, np.float64)


def scaling_factor(found: Estimate, fourth: Sequence[FourthMoments]) -> float | None:
    """What the chi-square must be divided by (Yuan and Bentler, in Mplus' form); None when df is 0 or it fails.

    The trace for the saturated model minus the trace for this one, by the degrees of freedom (Asparouhov and Muthen
    2005, Multivariate statistical modeling with survey data, eq. 9-11).
    """
    df = found.model.df
    if df <= 0:
        return None
    saturated = 0.0
    for sample, moments in zip(found.samples, fourth, strict=True):
        p = sample.mean.size
        rows, columns = lower(p)
        unit = np.eye(p)
        all_entries = Slopes(
            unit[rows], unit[columns], np.where(rows == columns, 0.5, 1.0), np.zeros((rows.size, p)), rows
        )
        weight = entry_information(
            np.asarray(np.linalg.inv(sample.covariance)), all_entries, all_entries, with_means=False
        )
        saturated += float((weight * moments.gamma[p:, p:]).sum())
        if found.model.with_means:  # p, unless answers are missing
            saturated += float((np.linalg.inv(sample.covariance) * moments.gamma[:p, :p]).sum())
    bread = np.linalg.inv(observed_information(found))
    factor = (saturated - float((first_order(found, fourth) * bread).sum())) / df
    return factor if factor > 0 else None


def score_weights(
    found: Estimate, released: Sequence[tuple[int, dict[Name, Entries]]]
) -> tuple[Floats, Floats, list[Floats]]:
    """How the moments of each group move the scores of absent entries once the free parameters have followed.

    Parameters
    ----------
    found : Estimate
    released : pairs of a group's number and the entries that the model lacks in it

    Returns
    -------
    score : (e,) derivatives of half the discrepancy
    own : (e,) information of one respondent about each, less what it shares with the free parameters
    weights : for each group (e, p + p(p+1)/2)
    """
    extra = [(g, slopes(found.model.groups[g], found.implied[g], entries)) for g, entries in released]
    size = sum(one.c.size for _, one in extra)
    score, own, shared = np.zeros(size), np.zeros(size), np.zeros((size, found.model.n_parameters))
    weights = [np.zeros((size, _moments(sample.mean.size))) for sample in found.samples]
    begin = 0
    for g, step in extra:
        at, sample, share = found.implied[g], found.samples[g], found.samples[g].n / found.n
        inverse, part = np.linalg.inv(at.covariance), slice(begin, begin + step.c.size)
        free, with_means = found.slopes[g], found.model.with_means
        score[part] = share * entry_gradient(found.model, sample, at, step)
        own[part] = share * _own_information(inverse, step, with_means)
        np.add.at(shared[part].T, free.parameters, share * entry_information(inverse, free, step, with_means))
        weights[g][part] += share * _weights(step, inverse, _away(found, g))
        begin = part.stop
    follow = shared @ np.linalg.inv(found.information)
    for g, (at, free, sample) in enumerate(zip(found.implied, found.slopes, found.samples, strict=True)):
        moved = np.zeros((found.model.n_parameters, weights[g].shape[1]))
        np.add.at(moved, free.parameters, _weights(free, np.linalg.inv(at.covariance), _away(found, g)))
        weights[g] -= sample.n / found.n * follow @ moved
    return score, own - (follow * shared).sum(axis=1), weights


def robust_score_test(
    found: Estimate, released: Sequence[tuple[int, dict[Name, Entries]]], fourth: Sequence[FourthMoments]
) -> float | None:
    """Joint score test of absent entries that does not suppose normal, complete ratings; None when not identified.

    References
    ----------
    Boos, D. D. (1992). On generalized score tests. American Statistician 46, 327-333.
    """
    score, _, weights = score_weights(found, released)
    total = np.zeros((score.size, score.size))
    for weight, sample, moments in zip(weights, found.samples, fourth, strict=True):
        total += found.n / sample.n * weight @ moments.gamma @ weight.T
    sizes = np.sqrt(np.maximum(np.diag(total), 1e-300))
    if float(np.diag(total).min()) <= 0 or float(np.linalg.eigvalsh(total / np.outer(sizes, sizes))[0]) < 1e-8:
        return None
    return found.n * float(score @ np.linalg.solve(total, score))


def robust_modifications(found: Estimate, entries: dict[Name, Entries], fourth: FourthMoments) -> tuple[Floats, Floats]:
    """The same test of each absent entry of a model of one group by itself, and its expected change; NaN as needed."""
    score, rest, (weights,) = score_weights(found, [(0, entries)])
    variance = ((weights @ fourth.gamma) * weights).sum(axis=1)
    own = _own_information(
        np.asarray(np.linalg.inv(found.implied[0].covariance)),
        slopes(found.model.groups[0], found.implied[0], entries),
        found.model.with_means,
    )
    known = (rest > 6e-6 * np.maximum(own, 1e-12)) & (variance > 0)
    index = found.n * score**2 / np.where(known, variance, 1.0)
    change = -score / np.where(known, rest, 1.0)
    return np.where(known, index, np.nan), np.where(known, change, np.nan)


def _moments(p: int) -> int:
    """Means and distinct covariances of p items."""
    return p + p * (p + 1) // 2


def _away(found: Estimate, group: int) -> Floats:
    """Observed minus implied means of a group; 0 where means are not modelled."""
    mean = found.implied[group].mean
    return np.asarray(found.samples[group].mean - mean if found.model.with_means else np.zeros(mean.size), np.float64)


def _own_information(inverse: Floats, step: Slopes, with_means: bool) -> Floats:
    """Expected information about each entry."""
    return np.asarray(np.diag(entry_information(inverse, step, step, with_means)), np.float64)
