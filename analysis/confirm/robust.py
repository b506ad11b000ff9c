"""What holds when ratings are not normal: sandwich standard errors and the scaled chi-square (MLR).

Both need fourth moments, so a pass over the rows: `fourth_moments` makes it once, and every model fitted to the
same rows uses the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.confirm.estimate import Estimate, entry_gradient, entry_information, observed_information
from analysis.confirm.model import Slopes
from analysis.mergeable import Floats

CHUNK = 8192  # rows whose products are in memory at once


@dataclass(frozen=True, eq=False)
class FourthMoments:
    """Covariance (divisor n) of the centred items and of their products, item by item in the order of `lower`.

    Attributes
    ----------
    n : rows it was computed from
    gamma : (p + p(p+1)/2,) * 2 float
    from_sample : whether these rows are a random sample of all rows
    """

    n: int
    gamma: Floats
    from_sample: bool


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
        saturated += float((weight * moments.gamma[p:, p:]).sum()) + p * found.model.with_means
    bread = np.linalg.inv(observed_information(found))
    factor = (saturated - float((first_order(found, fourth) * bread).sum())) / df
    return factor if factor > 0 else None
