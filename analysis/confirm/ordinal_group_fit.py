"""How well a model of ordered categories in several groups fits, and what its constraints cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analysis.confirm.dwls import METHOD, adjusted
from analysis.confirm.fit import FitTable, Test, fit_table
from analysis.confirm.ordinal import pairs
from analysis.confirm.ordinal_groups import GroupedEstimate, observed, weighted_sum
from analysis.mergeable import Floats
from analysis.results import Statistic, undefined
from analysis.thresholds import DEFAULT, Thresholds


def grouped_fit(found: GroupedEstimate, thresholds: Thresholds = DEFAULT) -> FitTable:
    """Fit of a model of several groups; `scaled` columns are lavaan's WLSMV (scaled and shifted).

    Flags: ``indicative``, ``from_sample``, ``sparse_categories`` (some pair of categories never occurs together).
    """
    samples = found.samples
    free = np.concatenate([np.arange(group.items.size + pairs(group.scales.size)[0].size) >= group.items.size
                           for group in found.model.groups])  # fmt: skip
    target = np.concatenate([observed(one) for one in samples])
    # Without factors thresholds are as observed, and all correlations 0.
    none = Test(weighted_sum(samples, target * free), int(free.sum()), 0.0)
    baseline = replace(none, scaled=none.value)
    plain = Test(found.chi2, found.df, found.chi2)
    scaled = None
    if found.df:
        traces = _traces(found), _traces_without_factors(found, free)
        values = [adjusted(one.value, one.df, *by) for one, by in zip((plain, baseline), traces, strict=True)]
        scaled = Test(values[0], plain.df, values[0]), Test(values[1], baseline.df, values[1])
    sampled, groups = any(one.from_sample for one in samples), len(samples)
    table = fit_table(
        (plain, baseline),
        scaled,
        "just_identified",
        found.n,
        found.parameters.size,
        groups,
        _srmr(found, free),
        METHOD,
        thresholds,
        sampled,
        found.n - groups,
    )
    extra = ("sparse_categories",) if any(one.sparse for one in samples) else ()
    factor = replace(table.scaling_factor, value=None, reason="not_asked")
    return replace(table, scaling_factor=factor, srmr=table.srmr.flagged(*extra))


def _traces(found: GroupedEstimate) -> tuple[float, float]:
    """Traces of U Gamma and of its square, U = W - W J (J' W J)^-1 J' W."""
    weights, weighted = found.weights, found.jacobian * found.weights[:, None]
    first, second = _traces_without_factors(found, np.ones(weights.size))
    gamma = found.times_gamma(weighted.T)
    inside = found.bread @ (gamma @ weighted)
    first -= float(np.trace(inside))
    second += float((inside * inside.T).sum()) - 2 * float((found.bread * ((gamma * weights) @ gamma.T)).sum())
    return first, second


def _traces_without_factors(found: GroupedEstimate, free: Floats) -> tuple[float, float]:
    """Traces of W Gamma and of its square, of the moments that are `free` (1, not 0) to differ from nothing."""
    first, second, at = 0.0, 0.0, 0
    for one in found.samples:
        assert one.joint is not None
        end = at + one.joint.shape[0]
        gamma, own = one.joint * (found.n / one.n), (found.weights * free)[at:end]
        first += float(own @ np.diag(gamma))
        second += float(own @ gamma**2 @ own)
        at = end
    return first, second


def _srmr(found: GroupedEstimate, free: Floats) -> float:
    """Standardised root mean square residual of the correlations, groups weighted by n; the diagonal counts."""
    total, at = 0.0, 0
    for one in found.samples:
        p = one.correlation.shape[0]
        size = p * (p - 1) // 2 + sum(one.categories) - p
        away = (found.away * free)[at : at + size]
        total += one.n / found.n * float(np.sqrt((away**2).sum() / (p * (p + 1) / 2)))
        at += size
    return total


def scaled_difference(found: GroupedEstimate, freer: GroupedEstimate) -> Statistic:
    """Chi-square of the constraints that `found` has and `freer` has not, mean- and variance-adjusted.

    Returns
    -------
    Statistic
        At least 0; undefined ("just_identified") without such constraints.

    References
    ----------
    Satorra, A. (2000). Scaled and adjusted restricted tests in multi-sample analysis of moment structures. In
    Innovations in Multivariate Statistical Analysis, 233-247.
    """
    df, method = found.df - freer.df, "scaled and shifted chi-square difference"
    if df <= 0:
        return undefined("just_identified", found.n, method)
    # The constraints, as directions in the freer model's parameters along which the other model cannot move.
    within = np.linalg.solve(freer.jacobian.T @ freer.jacobian, freer.jacobian.T @ found.jacobian)
    constraints = np.linalg.svd(within)[0][:, -df:].T
    spread = constraints @ freer.bread @ constraints.T
    pull = np.linalg.solve(spread, constraints @ freer.bread @ (freer.jacobian * freer.weights[:, None]).T)
    small = freer.times_gamma(pull) @ (freer.jacobian * freer.weights[:, None]) @ freer.bread @ constraints.T
    value = adjusted(found.chi2 - freer.chi2, df, float(np.trace(small)), float((small * small.T).sum()))
    return Statistic(max(value, 0.0), n=found.n, method=method)


def intercept_scores(found: GroupedEstimate) -> list[float]:
    """Robust score statistic of each item's intercepts: how much it would help to let them differ between groups.

    Chi-square with (groups - 1) degrees of freedom where they do not differ (Satorra 1989, generalised score test).
    """
    first = found.model.groups[0]
    ends = np.cumsum([group.items.size + pairs(group.scales.size)[0].size for group in found.model.groups])
    result = []
    weighted = found.jacobian * found.weights[:, None]
    for i in range(first.scales.size):
        extra = np.zeros((found.away.size, len(found.samples) - 1))
        for g, group in enumerate(found.model.groups[1:]):
            own = np.flatnonzero(group.items == i)
            extra[ends[g] + own, g] = -group.deltas(found.parameters)[i]
        left = (extra - found.jacobian @ (found.bread @ (weighted.T @ extra))) * found.weights[:, None]
        score, spread = left.T @ found.away, found.times_gamma(left.T) @ left
        result.append(found.n * float(score @ np.linalg.lstsq(spread, score, rcond=None)[0]))
    return result
