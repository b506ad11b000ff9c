"""Do groups understand items of few points alike?  Thresholds first, then loadings, then intercepts.

configural: the same items on the same factors; thresholds: the same places where one category passes into the next;
metric: equal loadings too; scalar: equal intercepts too, without which means must not be compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.confirm.fit import FitTable, acceptable
from analysis.confirm.invariance import (
    Consequence,
    InvarianceResult,
    InvarianceStep,
    Step,
    compared,
    free_one_by_one,
    most_freed,
    worst_of,
)
from analysis.confirm.model import ItemsOf
from analysis.confirm.ordinal import Ordinal, ordinal_moments
from analysis.confirm.ordinal_group_fit import grouped_fit, intercept_scores, scaled_difference
from analysis.confirm.ordinal_groups import GroupedEstimate, fit_groups, grouped_model
from analysis.results import Reason, Statistic, undefined
from analysis.thresholds import DEFAULT, Thresholds

EQUAL: dict[Step, frozenset[str]] = {
    "configural": frozenset(),
    "thresholds": frozenset({"thresholds"}),
    "metric": frozenset({"thresholds", "loadings"}),
    "scalar": frozenset({"thresholds", "loadings", "intercepts"}),
    "partial_scalar": frozenset({"thresholds", "loadings", "intercepts"}),
}
LADDER: tuple[Step, ...] = ("configural", "thresholds", "metric", "scalar")


def common_categories(rows: Sequence[NDArray[Any]]) -> tuple[list[NDArray[np.int64]], list[int]]:
    """Answers of several groups in categories that every group uses, and how many of them each item has.

    A category that some group never uses is joined to the next one up, at the top to the one below.

    Parameters
    ----------
    rows : (n, p) ratings of each group

    Returns
    -------
    tuple of list of (n, p) int64 from 0, and list of int
    """
    recoded = [np.zeros(one.shape, np.int64) for one in rows]
    sizes = []
    for j in range(rows[0].shape[1]):
        values = np.unique(np.concatenate([one[:, j] for one in rows]))
        counts = np.array([[int((one[:, j] == value).sum()) for value in values] for one in rows])
        target, size, held = np.zeros(values.size, np.int64), 0, np.zeros(len(rows), np.int64)
        for at in range(values.size):
            target[at] = size
            held += counts[:, at]
            if bool((held > 0).all()):
                size, held = size + 1, np.zeros_like(held)
        target = np.minimum(target, max(size - 1, 0))
        for one, into in zip(rows, recoded, strict=True):
            into[:, j] = target[np.searchsorted(values, one[:, j])]
        sizes.append(size)
    return recoded, sizes


def ordinal_invariance(
    rows: Mapping[str, NDArray[Any]],
    items: Sequence[str],
    by_factor: ItemsOf,
    rng: np.random.Generator,
    thresholds: Thresholds = DEFAULT,
) -> InvarianceResult:
    """Configural, threshold, metric and scalar invariance by WLSMV; partial scalar where scalar does not hold.

    The scaled fit indices decide, by the limits that `invariance` has; thresholds have the SRMR limit of intercepts,
    though the SRMR sees residuals of the correlations only, as lavaan's does.

    Parameters
    ----------
    rows : group -> (n, p) ratings without missing values
    items, by_factor : the model, with places in the order of the ratings
    rng : numpy.random.Generator
        For the random sample of a group of more than `Thresholds.factor_rows`.

    Returns
    -------
    InvarianceResult
        "not_testable" with fewer than two groups of `Thresholds.invariance_n`, when no two items of a dimension have
        three categories in use, or when a model has no proper estimate.  Flags beside those of `invariance`:
        ``collapsed_categories:ITEM`` (a group never uses one, so it was joined to its neighbour in all groups),
        ``dichotomous_item:ITEM`` (fewer than three left: thresholds of the item tell nothing, so it is left out),
        ``single_item:DIMENSION`` (left out for it).  `freed` holds the items whose intercepts may differ.

    References
    ----------
    Wu, H. and Estabrook, R. (2016). Identification of confirmatory factor analysis models of different levels of
    invariance for ordered categorical outcomes. Psychometrika 81, 1014-1045.
    Svetina, D., Rutkowski, L. and Rutkowski, D. (2020). Multiple-group invariance with categorical outcomes using
    updated guidelines. SEM 27, 111-130.
    """
    kept = {name: one for name, one in rows.items() if one.shape[0] >= thresholds.invariance_n}
    out = {name: int(one.shape[0]) for name, one in rows.items() if name not in kept}
    sizes = {name: int(one.shape[0]) for name, one in kept.items()}
    if len(kept) < 2 or not by_factor:
        why: Reason = "too_few" if by_factor else "one_item"
        return InvarianceResult(sizes, out, tuple(items), tuple(by_factor), (), (), "not_testable", why, ())
    codes, categories = common_categories(list(kept.values()))
    places, inner, flags = _usable(list(kept.values()), categories, items, by_factor)
    names = tuple(items[i] for i in places)
    result = InvarianceResult(sizes, out, names, tuple(inner), (), (), "not_testable", "no_variance", flags)
    if not inner:
        return result
    moments = [ordinal_moments(one[:, places], rng, thresholds.factor_rows, joint=True) for one in codes]
    found = [one for one in moments if isinstance(one, Ordinal)]
    if len(found) < len(moments):
        return replace(result, reason=next(one for one in moments if not isinstance(one, Ordinal)))
    ladder = _OrdinalLadder(names, inner, found, thresholds)
    consequence, reason = ladder.climb()
    return replace(
        result,
        steps=tuple(ladder.steps),
        freed=tuple(ladder.freed),
        consequence=consequence,
        reason=reason,
        flags=(*ladder.flags(), *flags),
    )


def _usable(
    rows: Sequence[NDArray[Any]], categories: Sequence[int], items: Sequence[str], by_factor: ItemsOf
) -> tuple[list[int], dict[str, list[int]], tuple[str, ...]]:
    """Places of the items with three categories in use, the dimensions that keep two of them, and the flags."""
    used = [np.unique(np.concatenate([one[:, j] for one in rows])).size for j in range(len(items))]
    enough = [size > 2 for size in categories]
    flags = [f"dichotomous_item:{name}" for name, fine in zip(items, enough, strict=True) if not fine]
    flags += [f"collapsed_categories:{items[j]}" for j in range(len(items)) if enough[j] and categories[j] < used[j]]
    left = {name: [i for i in at if enough[i]] for name, at in by_factor.items()}
    flags += [f"single_item:{name}" for name, at in left.items() if len(at) == 1]
    left = {name: at for name, at in left.items() if len(at) > 1}
    places = sorted({i for at in left.values() for i in at})
    return places, {name: [places.index(i) for i in at] for name, at in left.items()}, tuple(flags)


class _OrdinalLadder:
    """The steps of one analysis, as far as they have been taken."""

    def __init__(
        self, items: tuple[str, ...], by_factor: ItemsOf, samples: list[Ordinal], thresholds: Thresholds
    ) -> None:
        self.items, self.by_factor, self.samples, self.thresholds = items, by_factor, samples, thresholds
        self.small = sum(one.n for one in samples) <= thresholds.invariance_small
        self.steps: list[InvarianceStep] = []
        self.freed: list[str] = []

    def climb(self) -> tuple[Consequence, Reason | None]:
        """Take the steps; what they allow."""
        before: tuple[GroupedEstimate, InvarianceStep] | None = None
        for step in LADDER:
            found, taken = self._take(step, before)
            self.steps.append(taken)
            if taken.fit is None or not isinstance(found, GroupedEstimate):
                return "not_testable", _why(taken.status)
            if taken.holds is False:
                partial = step == "scalar" and before is not None
                return (self._partial(found, before) if partial and before else "not_comparable"), None
            before = found, taken
        return "comparable", None

    def _take(
        self, step: Step, before: tuple[GroupedEstimate, InvarianceStep] | None, freed: Sequence[int] = ()
    ) -> tuple[GroupedEstimate | Reason, InvarianceStep]:
        """Fit one step and compare it with the one before."""
        groups = len(self.samples)
        model = grouped_model(self.items, self.by_factor, self.samples[0].categories, groups, EQUAL[step], freed)
        found = fit_groups(model, self.samples)
        proper = isinstance(found, GroupedEstimate) and found.status == "proper"
        fit = grouped_fit(found, self.thresholds) if proper and isinstance(found, GroupedEstimate) else None
        status = found.status if isinstance(found, GroupedEstimate) else found
        freer = None if before is None else replace(before[1], fit=_by_scaled(before[1].fit))
        taken = replace(compared(step, status, _by_scaled(fit), freer, self.thresholds, self.small), fit=fit)
        if fit is None or before is None or not isinstance(found, GroupedEstimate):
            return found, taken
        chi2 = scaled_difference(found, before[0])
        p = undefined("just_identified", found.n, chi2.method)
        if chi2.value is not None:
            chance = float(special.gammaincc((found.df - before[0].df) / 2, chi2.value / 2))
            p = Statistic(chance, n=found.n, method=chi2.method)
        return found, replace(taken, chi2_change=chi2, p_change=p)

    def _partial(self, scalar: GroupedEstimate, metric: tuple[GroupedEstimate, InvarianceStep]) -> Consequence:
        """Free intercepts where equal ones do not hold."""

        def take(freed: Sequence[int]) -> tuple[GroupedEstimate | None, InvarianceStep]:
            found, taken = self._take("partial_scalar", metric, freed)
            return (found if isinstance(found, GroupedEstimate) else None), taken

        most = most_freed(len(self.items), self.thresholds)
        taken, freed = free_one_by_one(scalar, self._worst_intercept, take, most)
        if taken is not None:
            self.steps.append(taken)
            self.freed = [self.items[i] for i in freed]
        return "partially_comparable" if taken is not None and taken.holds is True else "not_comparable"

    def _worst_intercept(self, found: GroupedEstimate, freed: Sequence[int]) -> int | None:
        """The item whose intercepts differ most between groups."""
        scores = intercept_scores(found)
        still_equal = {i: scores[i] for i in range(len(self.items)) if i not in freed}
        return worst_of(still_equal, len(self.samples) - 1, self.thresholds)

    def flags(self) -> tuple[str, ...]:
        """Cautions about the whole analysis."""
        found = ["small_sample_limits"] if self.small else []
        if any(one.from_sample for one in self.samples):
            found.append("from_sample")
        fit = self.steps[0].fit if self.steps else None
        if fit is not None and fit.df > 0 and not acceptable(fit, self.thresholds):
            found.append("configural_poor")
        return tuple(found)


def _by_scaled(fit: FitTable | None) -> FitTable | None:
    """The fit with the scaled indices in the place of the plain ones; a model without degrees of freedom fits."""
    if fit is None:
        return None
    if fit.df == 0:
        method = "no degrees of freedom"
        one, nought = Statistic(1.0, n=fit.n, method=method), Statistic(0.0, n=fit.n, method=method)
        return replace(fit, cfi=one, rmsea=nought)
    return replace(fit, cfi=fit.cfi_scaled, rmsea=fit.rmsea_scaled)


def _why(status: str) -> Reason:
    """Why nothing can be said, from the status of the first estimate that failed."""
    reasons: dict[str, Reason] = {"not_identified": "not_identified", "not_converged": "not_converged"}
    return reasons.get(status, "improper_solution")
