"""Factor models of ordered categories: diagonally weighted least squares with robust errors (WLSMV).

The model is of the normal variables behind the categories, with variance 1 (delta parameterisation).  Thresholds are
free, so the correlations alone decide: the model is fitted to the polychoric ones, each weighted by how well it is
known.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analysis.confirm.estimate import Status, positive_definite
from analysis.confirm.fit import FitTable, Test, fit_table
from analysis.confirm.model import FactorModel, Implied, Name, Part, implied, slopes
from analysis.confirm.modification import Modification, absent_entries, listed, score_tests
from analysis.confirm.ordinal import Ordinal, pairs
from analysis.mergeable import Floats
from analysis.results import Reason
from analysis.thresholds import DEFAULT, Thresholds

ITERATIONS = 500
SINGULAR = 1e-9
METHOD = "DWLS on polychoric correlations"


@dataclass(frozen=True, eq=False)
class OrdinalEstimate:
    """A factor model fitted to polychoric correlations.

    Attributes
    ----------
    model : with the unique variances fixed: they are what is missing to variance 1
    parameters : (q,); discrepancy : half the weighted sum of squared residuals
    jacobian : (pairs, q) derivatives of the implied correlations
    """

    model: FactorModel
    moments: Ordinal
    parameters: Floats
    discrepancy: float
    slope: float
    jacobian: Floats
    status: Status

    @cached_property
    def implied(self) -> Implied:
        """Implied matrices; the diagonal of the covariance is the variance explained."""
        return implied(self.model.groups[0], self.parameters)

    @cached_property
    def weights(self) -> Floats:
        """(pairs,) weights of the correlations."""
        return np.asarray(1 / np.diag(self.moments.gamma), np.float64)

    @cached_property
    def bread(self) -> Floats:
        """(q, q) inverse of J' W J."""
        return np.asarray(np.linalg.inv((self.jacobian * self.weights[:, None]).T @ self.jacobian), np.float64)

    @cached_property
    def covariance(self) -> Floats:
        """(q, q) robust covariance of the estimates."""
        pull = self.bread @ (self.jacobian * self.weights[:, None]).T
        return np.asarray(pull @ self.moments.gamma @ pull.T / (self.moments.n - 1), np.float64)

    @property
    def parameters_with_thresholds(self) -> int:
        """Free parameters, thresholds included."""
        return self.model.n_parameters + sum(size - 1 for size in self.moments.categories)


def without_errors(model: FactorModel) -> FactorModel:
    """The model of correlations: unique variances are no parameters."""
    part = model.groups[0]
    errors = part.entries["errors"].parameters
    if int(errors.min(initial=model.n_parameters)) < model.n_parameters - errors.size:
        raise ValueError("the unique variances must be the last parameters")
    free: dict[Name, NDArray[np.int64]] = {**part.free, "errors": np.full_like(part.free["errors"], -1)}
    return replace(model, groups=(Part(part.fixed, free),), n_parameters=model.n_parameters - errors.size)


def least_squares(model: FactorModel, moments: Ordinal) -> OrdinalEstimate | Reason:
    """Fit a factor model of one group to polychoric correlations by diagonally weighted least squares.

    Gauss-Newton with damping.  Communalities above 1 are allowed and called "heywood".

    Parameters
    ----------
    model : as for `maximum_likelihood`, one group
    moments : Ordinal

    Returns
    -------
    OrdinalEstimate, or "not_identified" when there are more parameters than correlations

    Raises
    ------
    ValueError
        When the number of items differs.

    References
    ----------
    Muthen, B., du Toit, S. H. C. and Spisic, D. (1997). Robust inference using weighted least squares and quadratic
    estimating equations in latent variable modeling with categorical and continuous outcomes.
    """
    if len(model.items) != moments.correlation.shape[0] or len(model.groups) != 1:
        raise ValueError("the correlations must be of the model's items, in one group")
    slim = without_errors(model)
    rows, columns = pairs(len(model.items))
    if slim.n_parameters > rows.size:
        return "not_identified"
    target, weights = moments.correlation[rows, columns], 1 / np.diag(moments.gamma)
    part = slim.groups[0]

    def residual(at: Floats) -> Floats:
        return np.asarray(implied(part, at).covariance[rows, columns] - target, np.float64)

    def normal(at: Floats, away: Floats) -> tuple[Floats, Floats]:
        jacobian = _jacobian(part, at, slim.n_parameters)
        weighted = jacobian * weights[:, None]
        return weighted.T @ away, weighted.T @ jacobian

    start = np.zeros(slim.n_parameters)
    start_part(part, moments.correlation, start)
    parameters, converged = minimise(residual, normal, weights, start)
    away, jacobian = residual(parameters), _jacobian(part, parameters, slim.n_parameters)
    slope = float(np.abs(jacobian.T @ (weights * away)).max())
    found = OrdinalEstimate(
        slim,
        moments,
        parameters,
        float(weights @ away**2) / 2,
        slope,
        jacobian,
        "proper" if converged else "not_converged",
    )
    return replace(found, status=_status(found)) if converged else found


def _jacobian(part: Part, parameters: Floats, q: int) -> Floats:
    """(pairs, q) derivatives of the implied correlations."""
    step = slopes(part, implied(part, parameters))
    rows, columns = pairs(part.fixed["loadings"].shape[0])
    found = np.zeros((q, rows.size))
    np.add.at(found, step.parameters, step.covariances(rows, columns))
    return found.T


def minimise(
    residual: Callable[[Floats], Floats],
    normal: Callable[[Floats, Floats], tuple[Floats, Floats]],
    weights: Floats,
    start: Floats,
) -> tuple[Floats, bool]:
    """Parameters with the least weighted sum of squared residuals, and whether they were reached (Levenberg).

    `normal` gives J' W r and J' W J at parameters with residuals r.
    """
    parameters, damping = start, 1e-3
    away = residual(parameters)
    value = float(weights @ away**2)
    for _ in range(ITERATIONS):
        gradient, curvature = normal(parameters, away)
        sizes = np.maximum(np.diag(curvature), 1e-12)
        if float((gradient**2 / sizes).max()) < 1e-22:
            return parameters, True
        while damping < 1e12:
            try:
                moved = parameters - np.linalg.solve(curvature + damping * np.diag(sizes), gradient)
            except np.linalg.LinAlgError:  # singular to the last digit
                damping *= 4
                continue
            after = residual(moved)
            lower = float(weights @ after**2)
            if lower <= value:
                break
            damping *= 4
        else:
            return parameters, float((gradient**2 / sizes).max()) < 1e-14
        flat = value - lower <= 1e-16 * value and float((gradient**2 / sizes).max()) < 1e-16
        parameters, away, value, damping = moved, after, lower, max(damping / 10, 1e-15)
        if flat:
            return parameters, True
    return parameters, False


def start_part(part: Part, correlation: Floats, start: Floats) -> None:
    """Start values of one group's free entries: loadings of .7 in all, correlations of .5 between factors."""
    loads = part.free["loadings"] >= 0
    below = (part.free["paths"] >= 0).any(axis=1)
    size = 0.7 / np.sqrt(np.maximum(loads.sum(axis=1), 1))
    signs = np.ones(loads.shape)
    for k in range(loads.shape[1]):
        items = np.flatnonzero(loads[:, k])
        if items.size:
            first = np.linalg.eigh(correlation[np.ix_(items, items)])[1][:, -1]
            signs[items, k] = np.where(first * (1 if first.sum() >= 0 else -1) < 0, -1.0, 1.0)
    between = np.full(part.fixed["factors"].shape, 0.5)
    np.fill_diagonal(between, 1.0)
    values = {
        "loadings": signs * size[:, None] / np.where(below, 1.28, 1.0),
        "paths": np.full(part.fixed["paths"].shape, 0.8),
        "factors": between,
    }
    for name, entries in part.entries.items():
        if name in values:
            start[entries.parameters] = values[name][entries.rows, entries.columns]


def _status(found: OrdinalEstimate) -> Status:
    """What may be wrong with a converged estimate."""
    curvature = (found.jacobian * found.weights[:, None]).T @ found.jacobian
    sizes = np.sqrt(np.diag(curvature))
    if float(sizes.min()) <= 0 or float(np.linalg.eigvalsh(curvature / np.outer(sizes, sizes))[0]) < SINGULAR:
        return "not_identified"
    if bool((np.diag(found.implied.covariance) >= 1 - 1e-8).any()):
        return "heywood"
    return "proper" if positive_definite(found.implied.factor_covariance) else "factors_not_positive_definite"


def adjusted(value: float, df: int, trace: float, trace_of_square: float) -> float:
    """Chi-square scaled and shifted to the mean and variance of a chi-square with `df` degrees of freedom.

    References
    ----------
    Asparouhov, T. and Muthen, B. (2010). Simple second order chi-square correction. Mplus technical appendix.
    """
    scale = math.sqrt(df / trace_of_square)
    return value * scale + df - scale * trace


def tests_of(found: OrdinalEstimate) -> tuple[tuple[Test, Test], tuple[Test, Test]]:
    """Plain, and mean- and variance-adjusted chi-squares of the model and of its baseline (df above 0)."""
    gamma, weights = found.moments.gamma, found.weights
    rows, columns = pairs(len(found.model.items))
    target, n = found.moments.correlation[rows, columns], found.moments.n
    # lavaan multiplies by n - 1 for least squares.
    chi2, baseline = 2 * (n - 1) * found.discrepancy, (n - 1) * float(weights @ target**2)
    df, all_pairs = rows.size - found.model.n_parameters, rows.size
    weighted = found.jacobian * weights[:, None]
    left = np.diag(weights) - weighted @ found.bread @ weighted.T
    product, alone = left @ gamma, weights[:, None] * gamma
    plain = Test(chi2, df, chi2), Test(baseline, all_pairs, baseline)
    if df == 0:
        return plain, plain
    scaled = adjusted(chi2, df, float(np.trace(product)), float((product * product.T).sum()))
    none = adjusted(baseline, all_pairs, float(np.trace(alone)), float((alone * alone.T).sum()))
    return plain, (Test(scaled, df, scaled), Test(none, all_pairs, none))


def ordinal_srmr(found: OrdinalEstimate) -> float:
    """Standardised root mean square residual of the correlations; the diagonal counts, as in lavaan."""
    rows, columns = pairs(len(found.model.items))
    away = found.implied.covariance[rows, columns] - found.moments.correlation[rows, columns]
    return math.sqrt(float((away**2).sum()) / (rows.size + len(found.model.items)))


def ordinal_fit(found: OrdinalEstimate, thresholds: Thresholds = DEFAULT) -> FitTable:
    """Fit of a model of ordered categories; `scaled` columns are lavaan's WLSMV (scaled and shifted).

    Flags: ``indicative``, ``from_sample``, ``sparse_categories`` (some pair of categories never occurs together).
    """
    plain, scaled = tests_of(found)
    moments = found.moments
    table = fit_table(
        plain,
        scaled,
        "just_identified",
        moments.n,
        found.parameters_with_thresholds,
        1,
        ordinal_srmr(found),
        METHOD,
        thresholds,
        moments.from_sample,
        moments.n - 1,
    )
    extra = ("sparse_categories",) if moments.sparse else ()
    return replace(
        table,
        scaling_factor=replace(table.scaling_factor, value=None, reason="not_asked"),
        srmr=table.srmr.flagged(*extra),
    )


def ordinal_modifications(found: OrdinalEstimate, most: int) -> tuple[Modification, ...]:
    """The `most` largest modification indices of a proper estimate, with standardised changes."""
    part = found.model.groups[0]
    entries = absent_entries(found.model)
    rows, columns = pairs(len(found.model.items))
    extra = slopes(part, found.implied, entries).covariances(rows, columns)
    away = found.implied.covariance[rows, columns] - found.moments.correlation[rows, columns]
    weighted = extra * found.weights
    index, change = score_tests(
        weighted @ away, (weighted * extra).sum(axis=1), weighted @ found.jacobian, found.bread, found.moments.n - 1
    )
    factors = np.sqrt(np.diag(found.implied.factor_covariance))
    errors = np.sqrt(np.maximum(1 - np.diag(found.implied.covariance), 1e-12))
    loading, error = entries["loadings"], entries["errors"]
    by = np.concatenate([1 / factors[loading.columns], errors[error.rows] * errors[error.columns]])
    return listed(found.model, entries, index, change / by, found.moments.n, most, "score test, DWLS")
