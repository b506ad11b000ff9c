"""Convergent and discriminant validity: composite reliability, variance extracted, Fornell-Larcker and HTMT."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from analysis.confirm.derived import delta_method, factor_correlations, quantile
from analysis.confirm.model import Part
from analysis.confirm.robust import lower
from analysis.confirm.twostage import TwoStage
from analysis.mergeable import Floats
from analysis.results import Reason, Statistic, held, undefined
from analysis.thresholds import DEFAULT, Thresholds

Verdict = Literal["distinct", "distinct_leniently", "not_distinct", "not_defined"]


def composite_reliability(loadings: NDArray[Any]) -> Any:
    """CR of one factor from its standardised loadings: (sum l)^2 / ((sum l)^2 + sum(1 - l^2)); 0..1.

    References
    ----------
    Fornell, C. and Larcker, D. F. (1981). Evaluating structural equation models with unobservable variables and
    measurement error. Journal of Marketing Research 18, 39-50.
    """
    square = loadings.sum() ** 2
    return square / (square + (1 - loadings**2).sum())


def average_variance_extracted(loadings: NDArray[Any]) -> Any:
    """AVE of one factor: the mean of its squared standardised loadings; 0..1 (Fornell and Larcker 1981)."""
    return (loadings**2).mean()


@dataclass(frozen=True)
class Convergence:
    """How well the items of one dimension hang together in the factor model.

    Flags: ``low_cr`` (below .70), ``low_ave`` (below .50).
    """

    cr: Statistic
    ave: Statistic


@dataclass(frozen=True)
class Discriminance:
    """Whether two dimensions are two.

    Attributes
    ----------
    correlation : of the factors
    fornell_larcker : whether the squared correlation is below both AVE; None when it cannot be told
    htmt, htmt2 : heterotrait-monotrait ratio of correlations, with arithmetic and with geometric means
    verdict : by the HTMT: "distinct" (below .85), "distinct_leniently" (below .90), "not_distinct", "not_defined"
    """

    correlation: Statistic
    fornell_larcker: bool | None
    htmt: Statistic
    htmt2: Statistic
    verdict: Verdict


def convergence(
    standardise: Callable[[NDArray[Any]], NDArray[Any]],
    parameters: Floats,
    covariance: Floats,
    items: Sequence[NDArray[np.intp]],
    n: int,
    level: float = 0.95,
) -> list[tuple[Statistic, Statistic]]:
    """CR and AVE of each factor with intervals by the delta method on the logit scale.

    Parameters
    ----------
    standardise : parameters -> (p, m) standardised loadings; the first factors are the dimensions
    parameters, covariance : (q,) estimates and their (q, q) covariance
    items : places of the items of each dimension
    """

    def measures(at: NDArray[Any]) -> NDArray[Any]:
        loadings = standardise(at)
        own = [loadings[places, k] for k, places in enumerate(items)]
        return np.array([f(one) for one in own for f in (composite_reliability, average_variance_extracted)])

    values, errors = delta_method(measures, parameters, covariance)
    names = "composite reliability", "average variance extracted"
    found = [
        _share(value, se, n, names[i % 2], level)
        for i, (value, se) in enumerate(zip(values.tolist(), errors.tolist(), strict=True))
    ]
    return list(zip(found[::2], found[1::2], strict=True))


def _share(value: float, se: float, n: int, method: str, level: float) -> Statistic:
    """A share with an interval that stays inside 0..1."""
    if not 1e-12 < value < 1 - 1e-12:
        return Statistic(value, n=n, method=method)
    reach = min(quantile(level) * se / (value * (1 - value)), 700.0)
    odds = math.log(value / (1 - value))
    low, high = (1 / (1 + math.exp(-max(min(one, 700.0), -700.0))) for one in (odds - reach, odds + reach))
    return held(value, low, high, level, n, f"{method}, delta method")


def correlations_of_factors(
    part: Part, parameters: Floats, covariance: Floats, n: int, level: float = 0.95
) -> dict[tuple[int, int], Statistic]:
    """Correlation of each pair of factors (second number below the first) with its interval by the delta method."""
    rows, columns = np.tril_indices(part.fixed["factors"].shape[0], -1)
    if not rows.size:
        return {}
    values, errors = delta_method(lambda at: factor_correlations(part, at)[rows, columns], parameters, covariance)
    z = quantile(level)
    return {
        (i, j): Statistic(value, value - z * se, value + z * se, level, n, "factor correlation")
        for i, j, value, se in zip(rows.tolist(), columns.tolist(), values.tolist(), errors.tolist(), strict=True)
    }


def htmt(correlation: Floats, first: Sequence[int], second: Sequence[int]) -> float | Reason:
    """Heterotrait-monotrait ratio of two sets of items, from arithmetic means of the correlations.

    Undefined for a set of one item ("one_item") and when a set's mean correlation is not above 0 ("not_positive").

    References
    ----------
    Henseler, J., Ringle, C. M. and Sarstedt, M. (2015). A new criterion for assessing discriminant validity in
    variance-based structural equation modeling. J. Acad. Marketing Sci. 43, 115-135.
    """
    if min(len(first), len(second)) < 2:
        return "one_item"
    within = _within(correlation, first).mean(), _within(correlation, second).mean()
    if min(within) <= 0:
        return "not_positive"
    return float(correlation[np.ix_(first, second)].mean()) / math.sqrt(float(within[0] * within[1]))


def htmt2(correlation: Floats, first: Sequence[int], second: Sequence[int]) -> float | Reason:
    """As `htmt`, from geometric means, for items that are not equally good; all correlations must be above 0.

    References
    ----------
    Roemer, E., Schuberth, F. and Henseler, J. (2021). HTMT2: an improved criterion for assessing discriminant validity
    in structural equation modeling. Industrial Management & Data Systems 121, 2637-2650.
    """
    if min(len(first), len(second)) < 2:
        return "one_item"
    parts = [correlation[np.ix_(first, second)].ravel(), _within(correlation, first), _within(correlation, second)]
    if any(float(part.min()) <= 0 for part in parts):
        return "not_positive"
    between, one, other = (float(np.log(part).mean()) for part in parts)
    return math.exp(between - (one + other) / 2)


def htmt_matrix(correlation: Floats, members: Floats) -> Floats:
    """HTMT of all pairs of sets at once, NaN where it is undefined.

    Parameters
    ----------
    correlation : (p, p)
    members : (p, m) 1 where an item belongs to a set of at least two, else 0
    """
    sums, sizes = members.T @ correlation @ members, members.sum(axis=0)
    within = (np.diag(sums) - sizes) / (sizes * (sizes - 1))
    root = np.sqrt(np.where(within > 0, within, 1.0))
    ratio = sums / np.outer(sizes, sizes) / np.outer(root, root)
    return np.where(np.outer(within > 0, within > 0), ratio, np.nan)


def htmt2_matrix(correlation: Floats, members: Floats) -> Floats:
    """HTMT2 of all pairs of sets at once, NaN where it is undefined; as `htmt_matrix`."""
    bad = (correlation <= 0).astype(np.float64)
    sizes, failed = members.sum(axis=0), members.T @ bad @ members > 0
    logs = members.T @ np.log(np.where(bad > 0, 1.0, correlation)) @ members
    within = np.diag(logs) / (sizes * (sizes - 1))  # the logarithms of the diagonal are 0
    found = np.exp(logs / np.outer(sizes, sizes) - (within[:, None] + within) / 2)
    defined = ~np.diag(failed)
    return np.where(failed | ~np.outer(defined, defined), np.nan, found)


def _within(correlation: Floats, items: Sequence[int]) -> Floats:
    """Correlations between the items of one set."""
    places = np.asarray(items, np.int64)
    rows, columns = np.tril_indices(places.size, -1)
    return np.asarray(correlation[places[rows], places[columns]], np.float64)


def correlation_of(covariance: Floats) -> Floats:
    """Correlations of a covariance matrix without zero variances."""
    sds = np.sqrt(np.diag(covariance))
    return np.asarray(covariance / np.outer(sds, sds), np.float64)


Limits = dict[str, tuple[Floats, Floats]]
MATRICES = {"HTMT": htmt_matrix, "HTMT2": htmt2_matrix}


def htmt_intervals(
    rows: NDArray[Any] | TwoStage,
    members: Floats,
    rng: np.random.Generator,
    thresholds: Thresholds = DEFAULT,
) -> tuple[Limits, bool]:
    """Percentile bootstrap limits of the HTMT and HTMT2 of all pairs of sets of items.

    Respondents are resampled as multinomial counts.  Of more than `Thresholds.htmt_rows` rows a random sample is
    resampled, and the distances of the draws from its own value are shrunk by the root of its share of the rows.
    Where answers are missing, the moments follow a resample by the influence of its rows.

    Parameters
    ----------
    rows : (n, p) without missing values, or the moments of rows with missing values
    members : (p, m) 1 where an item belongs to a set of at least two, else 0

    Returns
    -------
    "HTMT", "HTMT2" -> low, high : (m, m) distances of the limits from the value
        NaN where draws were undefined too often.
    from_sample : bool
    """
    n, share = (rows.n if isinstance(rows, TwoStage) else rows.shape[0]), 1.0
    if not isinstance(rows, TwoStage) and n > thresholds.htmt_rows:
        share = math.sqrt(thresholds.htmt_rows / n)
        rows = rows[np.sort(rng.choice(n, thresholds.htmt_rows, replace=False))]
    centred = rows if isinstance(rows, TwoStage) else rows - rows.mean(axis=0, dtype=np.float64)
    drawn = _drawn_htmt(centred, members, rng, thresholds.htmt_draws)
    return {name: _limits(one, share, thresholds) for name, one in drawn.items()}, share < 1


def _limits(drawn: Floats, share: float, thresholds: Thresholds) -> tuple[Floats, Floats]:
    """Distances of the limits from the first of the draws, which is the value of the rows themselves."""
    sets = drawn.shape[1]
    tail = (1 - thresholds.level) / 2
    away = np.sort((drawn[1:] - drawn[0]) * share, axis=0)  # undefined draws come last
    known = (~np.isnan(away)).sum(axis=0)
    low, high = np.full((sets, sets), np.nan), np.full((sets, sets), np.nan)
    for one, other in np.argwhere(known >= 0.95 * (drawn.shape[0] - 1)):
        limits = np.quantile(away[: known[one, other], one, other], [tail, 1 - tail])
        low[one, other], high[one, other] = limits
    return low, high


def _drawn_htmt(values: Floats | TwoStage, members: Floats, rng: np.random.Generator, draws: int) -> dict[str, Floats]:
    """(1 + draws, m, m) of the rows themselves and of resamples; NaN where an item has no variance left."""
    n, p = (values.n, values.mean.size) if isinstance(values, TwoStage) else values.shape
    first, second = lower(p)
    if isinstance(values, TwoStage):
        moments, base = values.influence[:, p:], values.covariance[first, second]
    else:
        moments, base = np.hstack([values, values[:, first] * values[:, second]]), np.zeros(first.size)
    found = {name: np.full((draws + 1, members.shape[1], members.shape[1]), np.nan) for name in MATRICES}
    for begin in range(0, draws + 1, CHUNK):
        size = min(CHUNK, draws + 1 - begin)
        counts = rng.multinomial(n, np.full(n, 1 / n), size=size - (begin == 0)).astype(np.float64)
        counts = counts if begin else np.vstack([np.ones((1, n)), counts])
        sums = counts @ moments / n
        drawn = base + sums if isinstance(values, TwoStage) else sums[:, p:] - sums[:, first] * sums[:, second]
        covariance = np.zeros((size, p, p))
        covariance[:, first, second] = covariance[:, second, first] = drawn
        for at in np.flatnonzero(np.einsum("dii->di", covariance).min(axis=1) > 1e-12):
            correlation = correlation_of(covariance[at])
            for name, matrix in MATRICES.items():
                found[name][begin + at] = matrix(correlation, members)
    return found


CHUNK = 128
"""Resamples at a time."""


def discriminance(
    correlation: Floats,
    items: Mapping[str, Sequence[int]],
    between: Mapping[tuple[str, str], Statistic],
    ave: Mapping[str, Statistic],
    rows: NDArray[Any] | TwoStage | None,
    n: int,
    rng: np.random.Generator,
    thresholds: Thresholds = DEFAULT,
) -> dict[str, Discriminance]:
    """Every pair of dimensions ("one.other"): correlation of the factors, Fornell-Larcker, HTMT and HTMT2.

    Parameters
    ----------
    correlation : (p, p) of the items
    items : dimension -> places of its items
    between : pair of dimensions -> correlation of the factors (empty when the factor model gave none)
    ave : dimension -> average variance extracted
    rows : (n, p) complete rows, or moments of incomplete ones, for the intervals of the HTMT; None for no intervals
    """
    names = list(items)
    limits, sampled = _spread(rows, items, correlation.shape[0], rng, thresholds)
    found = {}
    for i, j in combinations(range(len(names)), 2):
        one, other = names[i], names[j]
        ratio, second = (
            _ratio(function(correlation, items[one], items[other]), n, name, limits[name], (i, j), sampled, thresholds)
            for name, function in (("HTMT", htmt), ("HTMT2", htmt2))
        )
        phi = between.get((one, other), undefined("improper_solution", n, "factor correlation"))
        passes = _fornell_larcker(phi, ave.get(one), ave.get(other))
        found[f"{one}.{other}"] = Discriminance(phi, passes, ratio, second, _verdict(ratio, thresholds))
    return found


def _spread(
    rows: NDArray[Any] | TwoStage | None,
    items: Mapping[str, Sequence[int]],
    p: int,
    rng: np.random.Generator,
    thresholds: Thresholds,
) -> tuple[Limits, bool]:
    """`htmt_intervals` of all dimensions; NaN for those of one item, or without rows."""
    size = len(items)
    limits: Limits = {name: (np.full((size, size), np.nan), np.full((size, size), np.nan)) for name in MATRICES}
    scales = [at for at, places in enumerate(items.values()) if len(places) > 1]
    n = 0 if rows is None else rows.n if isinstance(rows, TwoStage) else rows.shape[0]
    if rows is None or n < 3 or len(scales) < 2:
        return limits, False
    members = np.zeros((p, len(scales)))
    for column, at in enumerate(scales):
        members[list(list(items.values())[at]), column] = 1.0
    found, sampled = htmt_intervals(rows, members, rng, thresholds)
    where = np.ix_(scales, scales)
    for name, reach in found.items():
        for whole, part in zip(limits[name], reach, strict=True):
            whole[where] = part
    return limits, sampled


def _ratio(
    value: float | Reason,
    n: int,
    method: str,
    limits: tuple[Floats, Floats],
    pair: tuple[int, int],
    sampled: bool,
    thresholds: Thresholds,
) -> Statistic:
    """An HTMT with its interval and flags."""
    if not isinstance(value, float):
        return undefined(value, n, method)
    low, high = (value + float(reach[pair]) for reach in limits)
    if math.isnan(low):
        return Statistic(value, n=n, method=method)
    told = held(value, low, high, thresholds.level, n, f"{method}, percentile bootstrap")
    reaches = value < thresholds.htmt_lenient <= max(high, value)
    return told.flagged(
        *(["from_sample"] if sampled else []),
        *(["interval_reaches_limit"] if reaches else []),
    )


def _fornell_larcker(phi: Statistic, one: Statistic | None, other: Statistic | None) -> bool | None:
    """Whether two dimensions share less variance with each other than with their own items."""
    if phi.value is None or one is None or other is None or one.value is None or other.value is None:
        return None
    return phi.value**2 < min(one.value, other.value)


def _verdict(ratio: Statistic, thresholds: Thresholds) -> Verdict:
    """What an HTMT says."""
    if ratio.value is None:
        return "not_defined"
    if ratio.value < thresholds.htmt_strict:
        return "distinct"
    return "distinct_leniently" if ratio.value < thresholds.htmt_lenient else "not_distinct"
