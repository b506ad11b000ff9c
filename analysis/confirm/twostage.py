"""Means and covariances where answers are missing, and how well each of them is known (two-stage maximum likelihood).

Factor models are fitted to the moments by EM as if nobody had left anything out; what is missing enters by the
covariance of these moments, which takes the place of the fourth moments of complete rows in standard errors, scaled
chi-squares and robust indices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.confirm.robust import FourthMoments, lower
from analysis.mergeable import Floats
from analysis.missing import em, inverses, patterns
from analysis.thresholds import DEFAULT, Thresholds

SINGULAR = 1e-10  # smallest eigenvalue of the information, its diagonal scaled to 1


@dataclass(frozen=True, eq=False)
class TwoStage:
    """Moments of n rows with missing values.

    Attributes
    ----------
    n : rows with any value
    mean, covariance : (p,), (p, p) of a normal, by maximum likelihood (divisor n)
    influence : (n, p + p(p+1)/2) what each row adds to root-n times the moments, means first, then `lower`; sums to 0
    together : (p, p) rows with values of both items
    """

    n: int
    mean: Floats
    covariance: Floats
    influence: Floats
    together: Floats

    def part(self, places: NDArray[np.int64]) -> TwoStage:
        """The moments of some of the items."""
        kept = np.concatenate([places, self.mean.size + packed(self.mean.size)[_pairs_of(places)]])
        at = np.ix_(places, places)
        return TwoStage(self.n, self.mean[places], self.covariance[at], self.influence[:, kept], self.together[at])

    def fourth(self, from_sample: bool = False) -> FourthMoments:
        """Covariance of root-n times the moments, in the shape of fourth moments: without missing values it is these.

        References
        ----------
        Yuan, K.-H. and Bentler, P. M. (2000). Three likelihood-based methods for mean and covariance structure
        analysis with nonnormal missing data. Sociological Methodology 30, 165-200.
        Savalei, V. and Bentler, P. M. (2009). A two-stage approach to missing data: theory and application to
        auxiliary variables. SEM 16, 477-497.
        """
        return FourthMoments(self.n, self.influence.T @ self.influence / self.n, from_sample, two_stage=True)


def packed(p: int) -> NDArray[np.int64]:
    """(p, p) place of each entry of a symmetric matrix in the order of `lower`."""
    rows, columns = lower(p)
    found = np.zeros((p, p), np.int64)
    found[rows, columns] = found[columns, rows] = np.arange(rows.size)
    return found


def _pairs_of(places: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the distinct entries among some items."""
    rows, columns = lower(places.size)
    return places[rows], places[columns]


def two_stage(values: Floats, thresholds: Thresholds = DEFAULT) -> TwoStage | None:
    """Moments of (n, p) values by EM, NaN being missing, with each row's influence on them.

    The covariance of the moments is the casewise sandwich H^-1 J H^-1 of the saturated normal model: H the observed
    information, J the mean product of the rows' scores.  It holds when values are missing at random and not normal.

    Returns
    -------
    TwoStage or None
        None when EM gives nothing or does not settle, or when the rows do not tell every moment (two items that
        nobody rated both).

    References
    ----------
    As for `TwoStage.fourth`.
    """
    values = values[~np.isnan(values).all(axis=1)]
    given = (~np.isnan(values)).astype(np.float64)
    together = given.T @ given
    if not together.size or float(together.min()) < 2:  # EM would wander for ever
        return None
    found = em(values, thresholds)
    if found is None or not found.converged:
        return None
    # On the scale of correlations, so that the information is well conditioned.
    scale = np.sqrt(np.diag(found.covariance))
    away = (values - found.mean) / scale
    correlation = found.covariance / np.outer(scale, scale)
    present, groups = patterns(~np.isnan(away))
    inverse = inverses(present, correlation)
    scores = _scores(away, groups, inverse)
    information = _information(away, groups, inverse)
    sizes = np.sqrt(np.maximum(np.diag(information), 1e-300))
    relative = information / np.outer(sizes, sizes)
    if float(np.linalg.eigvalsh(relative)[0]) < SINGULAR:
        return None
    rows, columns = lower(scale.size)
    units = np.concatenate([scale, scale[rows] * scale[columns]])
    influence = np.linalg.solve(relative, (scores / sizes).T).T / sizes * units
    return TwoStage(values.shape[0], found.mean, found.covariance, np.asarray(influence, np.float64), together)


def _standardised(away: Floats, groups: NDArray[np.intp], inverse: Floats) -> Floats:
    """(n, p) rows times the inverse covariance of their pattern."""
    filled = np.where(np.isnan(away), 0.0, away)
    found = np.empty_like(filled)
    order = np.argsort(groups, kind="stable")
    edges = np.searchsorted(groups[order], np.arange(inverse.shape[0] + 1))
    for g in range(inverse.shape[0]):
        rows = order[edges[g] : edges[g + 1]]
        found[rows] = filled[rows] @ inverse[g]
    return found


def _scores(away: Floats, groups: NDArray[np.intp], inverse: Floats) -> Floats:
    """(n, p + p(p+1)/2) derivatives of each row's log-likelihood by the means and the entries of the covariance."""
    rows, columns = lower(away.shape[1])
    twice = np.where(rows == columns, 0.5, 1.0)
    along = _standardised(away, groups, inverse)
    by_covariance = along[:, rows] * along[:, columns]
    by_covariance -= inverse[:, rows, columns][groups]
    by_covariance *= twice
    return np.hstack([along, by_covariance])


def _information(away: Floats, groups: NDArray[np.intp], inverse: Floats) -> Floats:
    """Observed information of one row about the means and the entries of the covariance.

    With O the inverse covariance of a pattern and P the mean of O x x' O over its rows, the entry for d Sigma = E and F
    is tr(E O F (2P - O))/2 (Savalei 2010, Psychological Methods 15, 352-367, without the expectation), so one product
    over all patterns gives the whole matrix.
    """
    n, p = away.shape
    g, share = inverse.shape[0], np.bincount(groups, minlength=inverse.shape[0]) / n
    along = _standardised(away, groups, inverse)
    pulls = np.zeros((g, p))
    np.add.at(pulls, groups, along / n)
    rows, columns = lower(p)
    at, half = packed(p), np.where(rows == columns, 0.5, 1.0)
    m = rows.size
    products = np.zeros((g, m))
    np.add.at(products, groups, along[:, rows] * along[:, columns] / n)
    flat = inverse[:, rows, columns]
    cross = flat.T @ (2 * products - share[:, None] * flat)  # (m, m) sums of O_ab Q_cd
    found = np.zeros((p + m, p + m))
    found[:p, :p] = (share @ flat)[at]
    by_pull = flat.T @ pulls  # (m, p) sums of O_ab z_c
    i = np.arange(p)[:, None]
    found[:p, p:] = half * (by_pull[at[i, rows], columns] + by_pull[at[i, columns], rows])
    found[p:, :p] = found[:p, p:].T
    a, b, c, d = rows[:, None], columns[:, None], rows, columns
    total = cross[at[b, c], at[d, a]] + cross[at[b, d], at[c, a]] + cross[at[a, c], at[d, b]]
    total += cross[at[a, d], at[c, b]]
    found[p:, p:] = (total + total.T) / 4 * np.outer(half, half)
    return found
