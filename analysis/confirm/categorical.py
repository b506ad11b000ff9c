"""Robust fit indices of models of ordered categories, which mean what those of continuous ratings mean.

Indices from the least-squares chi-square depend on its weights and come out too good.  These take the discrepancy of
maximum likelihood between the polychoric correlations and those implied at the least-squares estimates.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analysis.confirm.dwls import OrdinalEstimate
from analysis.confirm.fit import FitTable, Test, fit_indices
from analysis.confirm.ordinal import pairs
from analysis.mergeable import Floats
from analysis.thresholds import DEFAULT, Thresholds


def likelihood_tests(found: OrdinalEstimate) -> tuple[Test, Test] | None:
    """Maximum likelihood discrepancies of the model and of the one without factors, with their scaling factors.

    None where the correlations, observed or implied, are no correlations that data can have, or without degrees of
    freedom.

    References
    ----------
    Savalei, V. (2021). Improving fit indices in structural equation modeling with categorical data. Multivariate
    Behavioral Research 56, 390-407.
    """
    observed, n = found.moments.correlation, found.moments.n
    implied = found.implied.covariance.copy()
    np.fill_diagonal(implied, 1.0)
    rows, _ = pairs(observed.shape[0])
    df = rows.size - found.model.n_parameters
    least = min(float(np.linalg.eigvalsh(one)[0]) for one in (observed, implied))
    if df <= 0 or least < 1.5e-8:  # lavaan's limit too
        return None
    inverse = np.linalg.inv(implied)
    log_det = float(np.linalg.slogdet(observed)[1])
    misfit = float(np.linalg.slogdet(implied)[1]) - log_det + float((observed * inverse).sum()) - observed.shape[0]
    gamma = found.moments.gamma
    weighted = found.jacobian * found.weights[:, None]
    residual = np.eye(rows.size) - found.jacobian @ found.bread @ weighted.T
    weight = _information(inverse)
    factor = float(np.trace(residual.T @ weight @ residual @ gamma)) / df
    # Without factors the implied correlations are 0, and their information is 1.
    alone = float(np.trace(gamma)) / rows.size
    if factor <= 0 or alone <= 0:
        return None
    chi2, none = n * max(misfit, 0.0), -n * log_det
    return Test(chi2, df, chi2 / factor, factor), Test(none, rows.size, none / alone, alone)


def _information(inverse: Floats) -> Floats:
    """(pairs, pairs) expected information of one respondent about the correlations."""
    a, b = pairs(inverse.shape[0])
    found: Floats = inverse[np.ix_(a, a)] * inverse[np.ix_(b, b)] + inverse[np.ix_(a, b)] * inverse[np.ix_(b, a)]
    return found


def with_robust(table: FitTable, found: OrdinalEstimate, thresholds: Thresholds = DEFAULT) -> FitTable:
    """The fit of a model of ordered categories with its robust indices, undefined ("singular") where there are none."""
    if table.df == 0:
        return table
    flags = table.cfi_scaled.flags
    tests = likelihood_tests(found)
    # The RMSEA by n - 1, as lavaan's of ordered categories.
    by = fit_indices(tests, "singular", table.n, table.n - 1, 1, f"{table.cfi.method}, robust", flags, thresholds)
    return replace(
        table,
        cfi_robust=by["cfi"],
        tli_robust=by["tli"],
        rmsea_robust=by["rmsea"],
        p_close_robust=by["p_close"],
    )
