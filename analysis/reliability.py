"""Internal consistency: Cronbach's alpha with its interval, item-rest correlations."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.frequencies import Frequencies, mean_statistic, wilson
from analysis.mergeable import Floats, Moments
from analysis.results import Reason, Statistic, undefined
from analysis.tally import Tally
from analysis.thresholds import DEFAULT, Thresholds


@dataclass(frozen=True)
class ItemReliability:
    """One item within a scale."""

    item_rest: Statistic
    alpha_if_dropped: Statistic
    mean: Statistic
    sd: Statistic
    ceiling: Statistic  # share who chose the top point (gap: who lose nothing)


@dataclass(frozen=True)
class ScaleReliability:
    """Reliability of one scale: a dimension, a stage, or all items."""

    alpha: Statistic  # raw, with Feldt's interval; pairwise moments when answers are missing
    alpha_standardised: Statistic
    alpha_listwise: Statistic  # complete cases only: the sensitivity beside it
    mean_r: Statistic
    items: dict[str, ItemReliability]
    alpha_without_constant: Statistic | None = None  # raw alpha of the other items, when an item is constant


@dataclass(frozen=True)
class ReliabilitySet:
    """Reliability of the answers of one column: total, dimensions, stages."""

    total: ScaleReliability
    dimensions: dict[str, ScaleReliability]
    stages: dict[str, ScaleReliability]


@dataclass(frozen=True)
class Alpha:
    """What a covariance matrix says about one scale; NaN stands for undefined inside the arrays."""

    alpha: float | None
    standardised: float | None  # items without variance left out
    mean_r: float | None  # likewise
    without_constant: float | None  # raw alpha of the items with variance
    item_rest: Floats  # (k,)
    if_dropped: Floats  # (k,)
    constant: NDArray[np.bool_]  # (k,)


def alpha_from_moments(covariance: Floats) -> Alpha:
    """Cronbach's alpha and its companions from a (k, k) covariance matrix.

    Returns
    -------
    Alpha
        ``alpha = k/(k-1) (1 - tr C / sum C)``, unbounded below; at most 1 unless C has a negative eigenvalue, as
        pairwise covariances may.  None for k < 2 or a total variance of 0.  ``standardised = k r / (1 + (k-1) r)``
        with the mean correlation r of the items that vary.

    References
    ----------
    Cronbach, L. J. (1951). Coefficient alpha and the internal structure of tests. Psychometrika 16, 297-334.
    """
    variances = np.diag(covariance)
    constant = variances <= 0
    k = variances.size
    item_rest, if_dropped = np.full(k, np.nan), np.full(k, np.nan)
    for j in range(k):
        others = np.arange(k) != j
        rest = float(covariance[np.ix_(others, others)].sum())
        if rest > 0 and not constant[j]:
            item_rest[j] = covariance[j, others].sum() / math.sqrt(variances[j] * rest)
        dropped = _raw(covariance[np.ix_(others, others)])
        if_dropped[j] = np.nan if dropped is None else dropped
    varying: Floats = covariance[np.ix_(~constant, ~constant)]
    mean_r = _mean_correlation(varying)
    m = varying.shape[0]
    ready = mean_r is not None and 1 + (m - 1) * mean_r > 1e-12
    standardised = m * mean_r / (1 + (m - 1) * mean_r) if ready and mean_r is not None else None
    without = _raw(varying) if bool(constant.any()) else None
    return Alpha(_raw(covariance), standardised, mean_r, without, item_rest, if_dropped, constant)


def _raw(covariance: Floats) -> float | None:
    """Raw alpha; None for fewer than two items or no total variance."""
    k: int = covariance.shape[0]
    own, total = float(np.trace(covariance)), float(covariance.sum())
    # Pairwise covariances need not fit together: a total at or below 0 is no variance of any sum.
    if k < 2 or not total > 1e-12 * max(1.0, own):
        return None
    return k / (k - 1) * (1 - own / total)


def _mean_correlation(covariance: Floats) -> float | None:
    """Mean of the correlations off the diagonal; None for fewer than two items."""
    k = covariance.shape[0]
    if k < 2:
        return None
    sds = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(sds, sds)
    return float((correlation.sum() - np.trace(correlation)) / (k * (k - 1)))


def feldt_interval(alpha: float, n: int, k: int, level: float = 0.95) -> tuple[float, float]:
    """Feldt's interval: ``1 - (1 - alpha) F(p; n-1, (n-1)(k-1))`` at p = (1 -+ level)/2 (n and k at least 2).

    References
    ----------
    Feldt, L. S., Woodruff, D. J. and Salih, F. A. (1987). Statistical inference for coefficient alpha. Applied
    Psychological Measurement 11, 93-103.
    """
    tail = (1 - level) / 2
    high, low = (float(special.fdtri(n - 1, (n - 1) * (k - 1), p)) for p in (tail, 1 - tail))
    return 1 - (1 - alpha) * low, 1 - (1 - alpha) * high


def cronbach_alpha(scores: Floats, level: float = 0.95) -> Statistic:
    """Raw alpha of (n, k) scores over complete rows (NaN is missing), with Feldt's interval.

    Undefined for k < 2 ("one_item"), no complete row ("no_complete_cases"), one ("one_respondent"), or no variance of
    the sum ("no_variance").  A negative value is reported as it is, with the flag ``negative_alpha``.
    """
    complete = scores[~np.isnan(scores).any(axis=1)]
    n, k = complete.shape
    covariance = np.atleast_2d(np.cov(complete, rowvar=False)) if n > 1 else np.full((k, k), np.nan)
    return alpha_statistic(covariance, n, "alpha, complete cases", level)


def alpha_statistic(covariance: Floats, n: int, method: str, level: float = 0.95) -> Statistic:
    """Raw alpha of a covariance matrix over n rows as a statistic.

    A matrix with a negative eigenvalue (pairwise covariances that no set of answers has) gives alpha without an
    interval, flagged ``not_positive_definite``: alpha may exceed 1 and Feldt's theory does not hold.
    """
    k = covariance.shape[0]
    why: Reason | None = None
    if k < 2:
        why = "one_item"
    elif n < 2:
        why = "no_complete_cases" if n == 0 else "one_respondent"
    value = None if why else _raw(covariance)
    if value is None:
        return undefined(why or "no_variance", n, method, level)
    flags = ("negative_alpha",) if value < 0 else ()
    values = np.linalg.eigvalsh(covariance)
    if values[0] < -1e-9 * values[-1]:
        return Statistic(value, None, None, level, n, method, (*flags, "not_positive_definite"))
    low, high = feldt_interval(value, n, k, level)
    return Statistic(value, low, high, level, n, f"{method}, Feldt interval", flags)


def reliability(tally: Tally, thresholds: Thresholds = DEFAULT) -> dict[str, ReliabilitySet]:
    """Reliability of expectation, perception and gap: of all items, of each dimension and of each stage.

    From pairwise moments (each covariance over the respondents who answered both items), with the smallest pairwise n
    for the interval; complete cases stand beside.  Pairwise covariances that do not fit together leave alpha without
    an interval (`alpha_statistic`); read the complete cases then.
    """
    found = {}
    for column in tally.pairwise:
        by_scale = {name: _scale(tally, column, name, items, thresholds) for name, items in tally.scales.items()}
        found[column] = ReliabilitySet(
            by_scale["total"],
            {name.partition(":")[2]: one for name, one in by_scale.items() if name.startswith("dimension:")},
            {name.partition(":")[2]: one for name, one in by_scale.items() if name.startswith("stage:")},
        )
    return found


def _scale(tally: Tally, column: str, name: str, items: tuple[int, ...], thresholds: Thresholds) -> ScaleReliability:
    """Reliability of one scale in one column."""
    moments, level = tally.pairwise[column], thresholds.level
    answered = [j for j in items if moments.n[j, j] > 0]
    n_pairs = moments.n[np.ix_(answered, answered)]
    n, most = (int(n_pairs.min()), int(n_pairs.max())) if answered else (0, 0)
    covariance = moments.covariance()[np.ix_(answered, answered)] if n > 1 else np.zeros((len(answered),) * 2)
    whole = alpha_from_moments(covariance)
    names = [tally.layout.items[j] for j in answered]
    flags = [f"unanswered_item:{tally.layout.items[j]}" for j in items if j not in answered]
    flags += [f"constant_item:{one}" for one, flat in zip(names, whole.constant, strict=True) if flat and n > 1]
    flags += ["pairwise"] if n < most else []
    alpha = _defined(alpha_statistic(covariance, n, "alpha", level), tally, len(items))
    if alpha.value is not None and alpha.value > thresholds.alpha_redundant:
        flags.append("redundant")
    why: Reason = alpha.reason or "no_variance"
    without = None
    if n > 1 and bool(whole.constant.any()):
        kept = covariance[np.ix_(~whole.constant, ~whole.constant)]
        without = alpha_statistic(kept, n, "alpha without constant items", level)
    return ScaleReliability(
        alpha.flagged(*flags),
        _number(whole.standardised if n > 1 else None, n, "standardised alpha", why),
        _listwise(tally.listwise[column][name], level, tally, len(items)),
        _number(whole.mean_r if n > 1 else None, n, "mean inter-item correlation", why),
        _items(tally, column, items, answered, whole, n, alpha, thresholds),
        without,
    )


def _listwise(moments: Moments, level: float, tally: Tally, k: int) -> Statistic:
    """Alpha over complete cases."""
    return _defined(alpha_statistic(moments.covariance(), moments.n, "alpha, complete cases", level), tally, k)


def _defined(alpha: Statistic, tally: Tally, k: int) -> Statistic:
    """The reason set right: a questionnaire of one item, or nobody at all."""
    if alpha.value is not None or k < 2:
        return alpha
    return replace(alpha, reason="no_respondents") if tally.n == 0 else alpha


def _number(value: float | None, n: int, method: str, reason: Reason) -> Statistic:
    """A value without an interval, or the reason why there is none."""
    if value is None or math.isnan(value):
        return undefined(reason, n, method)
    return Statistic(value, n=n, method=method)


def _items(
    tally: Tally,
    column: str,
    items: tuple[int, ...],
    answered: list[int],
    whole: Alpha,
    n: int,
    alpha: Statistic,
    thresholds: Thresholds,
) -> dict[str, ItemReliability]:
    """The items of one scale, with their flags."""
    found = {}
    few: Reason = "one_item" if len(items) < 2 else alpha.reason or "no_variance"
    for j in items:
        at = answered.index(j) if j in answered and n > 1 else None
        rest = None if at is None else float(whole.item_rest[at])
        dropped = None if at is None else float(whole.if_dropped[at])
        item_rest = _number(rest, n, "item-rest correlation", few)
        if_dropped = _number(dropped, n, "alpha if dropped", "one_item" if len(answered) == 2 else few)
        if item_rest.value is not None and item_rest.value < thresholds.item_rest:
            item_rest = item_rest.flagged("low_item_rest")
        both = if_dropped.value is not None and alpha.value is not None
        if both and (if_dropped.value or 0) - (alpha.value or 0) > thresholds.alpha_rise:
            if_dropped = if_dropped.flagged("rises_if_dropped")
        values = _answers(tally, column, j)
        one_answer: Reason = "one_respondent" if values.n else "no_respondents"
        top = values.values >= (0 if column == "gap" else tally.layout.points)
        found[tally.layout.items[j]] = ItemReliability(
            item_rest,
            if_dropped,
            mean_statistic(values, thresholds.level, method="item mean"),
            _number(values.sd() if values.n > 1 else None, values.n, "SD", one_answer),
            wilson(values.count(top), values.n, thresholds.level),
        )
    return found


def _answers(tally: Tally, column: str, item: int) -> Frequencies:
    """Answers to one item in the column whose reliability is asked for."""
    if column == "gap":
        return tally.item_differences("gap", item)
    return tally.item_answers("reference" if column == "expectation" else column, item)
