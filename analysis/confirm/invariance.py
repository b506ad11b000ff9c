"""Do groups understand the items alike?  Multi-group factor models, each step binding the groups closer together.

configural: the same items on the same factors; metric: equal loadings; scalar: equal intercepts too, without which
means must not be compared; strict: equal unique variances too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import numpy as np
from scipy import special

from analysis.adjust import benjamini_hochberg
from analysis.confirm.dif import ItemDif
from analysis.confirm.estimate import Estimate, Sample, maximum_likelihood
from analysis.confirm.fit import Baseline, FitTable, acceptable, baseline_of, fit_of
from analysis.confirm.model import Builder, Entries, FactorModel, ItemsOf, Name
from analysis.confirm.modification import score_test
from analysis.confirm.robust import FourthMoments, robust_score_test
from analysis.mergeable import Floats
from analysis.results import Reason, Statistic, undefined
from analysis.thresholds import DEFAULT, Thresholds

Step = Literal["configural", "thresholds", "metric", "scalar", "partial_scalar", "strict"]
Consequence = Literal["comparable", "partially_comparable", "not_comparable", "not_testable"]
"""What may be done with the groups' means.

comparable: scalar invariance holds.  partially_comparable: it holds after a few intercepts were freed, so factor means
may be compared, and the means of items and scores without the named items.  not_comparable: comparisons of means are
to be greyed out.  not_testable: too few respondents, or no proper estimate.
"""


@dataclass(frozen=True)
class InvarianceStep:
    """One step: its status and fit, and what it costs against the step before (which is freer).

    Attributes
    ----------
    step, status : the constraints, and "proper" or why the estimate may not be read
    fit : None unless the estimate is proper
    chi2_change, p_change : scaled chi-square difference (Satorra and Bentler 2001), on `df_change`
    cfi_change, rmsea_change, srmr_change : this step minus the one before
        Of the plain indices; of the robust ones where answers are missing, which would inflate plain chi-squares.
    holds : whether the changes stay within the limits; None when there is nothing to compare
    """

    step: Step
    status: str
    fit: FitTable | None
    df_change: int | None
    chi2_change: Statistic
    p_change: Statistic
    cfi_change: Statistic
    rmsea_change: Statistic
    srmr_change: Statistic
    holds: bool | None


@dataclass(frozen=True)
class InvarianceResult:
    """Measurement invariance of one column over the groups of one variable.

    Attributes
    ----------
    groups : name -> respondents with any answer behind the moments, of the groups tested
    left_out : the same of the groups with too few
    items, dimensions : what the model holds
    steps : those that were reached, in order
    freed : items whose intercepts differ between groups, by modification index with BH, in the order freed
    consequence : what may be done with the groups' means
    reason : why it is not testable
    flags : ``configural_poor`` (the model fits badly even without constraints: equality of it says little),
        ``small_sample_limits``, ``treated_as_continuous``, ``from_sample``, ``two_stage`` (answers are missing), and
        ``complete_rows_only`` (too many are missing in a group, which then holds those without)
    items_dif : item -> screening for differential functioning (see `dif`), where rows were given
    """

    groups: dict[str, int]
    left_out: dict[str, int]
    items: tuple[str, ...]
    dimensions: tuple[str, ...]
    steps: tuple[InvarianceStep, ...]
    freed: tuple[str, ...]
    consequence: Consequence
    reason: Reason | None
    flags: tuple[str, ...]
    items_dif: dict[str, ItemDif] = field(default_factory=dict)


def group_model(
    items: Sequence[str], by_factor: ItemsOf, groups: int, step: Step, freed: Sequence[int] = ()
) -> FactorModel:
    """Correlated factors in several groups, with the constraints of a step.

    Factor variances are 1 and factor means 0 in the first group, and in all groups as long as loadings (intercepts)
    are not equal: lavaan's ``std.lv = TRUE`` with ``group.equal``.

    Parameters
    ----------
    items, by_factor : as in `correlated_factors`
    groups : number of groups
    step : the constraints
    freed : places of items whose intercepts may differ although the step makes them equal
    """
    build = Builder(items, tuple(by_factor), groups)
    equal_loadings, equal_intercepts = step != "configural", step in ("scalar", "partial_scalar", "strict")
    first: dict[tuple[str, int, int], int] = {}

    def let(name: Literal["loadings", "errors", "intercepts"], i: int, k: int, group: int, equal: bool) -> None:
        like = first.get((name, i, k)) if equal else None
        first.setdefault((name, i, k), build.let(name, i, k, group, like))

    for group in range(groups):
        for k, places in enumerate(by_factor.values()):
            for i in places:
                let("loadings", i, k, group, equal_loadings)
            for other in range(k):
                build.let("factors", k, other, group)
            if group and equal_loadings:
                build.let("factors", k, k, group)
            if group and equal_intercepts:
                build.let("means", k, 0, group)
        for i in range(len(items)):
            let("errors", i, i, group, step == "strict")
            let("intercepts", i, 0, group, equal_intercepts and i not in freed)
    return build.built(with_means=True)


def invariance(
    samples: Mapping[str, Sample],
    items: Sequence[str],
    by_factor: ItemsOf,
    fourth: Mapping[str, FourthMoments] | None = None,
    thresholds: Thresholds = DEFAULT,
) -> InvarianceResult:
    """Configural, metric, scalar and strict invariance; partial scalar where scalar does not hold.

    Parameters
    ----------
    samples : group -> moments
    items, by_factor : the model, with places in the order of the moments
    fourth : group -> fourth moments, for the scaled chi-squares; plain ones without

    Returns
    -------
    InvarianceResult
        "not_testable" with fewer than two groups of `Thresholds.invariance_n`, or when a model has no proper estimate.

    References
    ----------
    Chen, F. F. (2007). Sensitivity of goodness of fit indexes to lack of measurement invariance. SEM 14, 464-504.
    Cheung, G. W. and Rensvold, R. B. (2002). Evaluating goodness-of-fit indexes for testing measurement invariance.
    SEM 9, 233-255.
    Byrne, B. M., Shavelson, R. J. and Muthen, B. (1989). Testing for the equivalence of factor covariance and mean
    structures: the issue of partial measurement invariance. Psychological Bulletin 105, 456-466.
    """
    kept = {name: one for name, one in samples.items() if one.n >= thresholds.invariance_n}
    out = {name: one.n for name, one in samples.items() if name not in kept}
    sizes = {name: one.n for name, one in kept.items()}
    shape = tuple(items), tuple(by_factor)
    if len(kept) < 2 or not by_factor:
        why: Reason = "too_few" if by_factor else "one_item"
        return InvarianceResult(sizes, out, *shape, (), (), "not_testable", why, ())
    used = None if fourth is None else [fourth[name] for name in kept]
    ladder = _Ladder(tuple(items), by_factor, list(kept.values()), used, thresholds)
    consequence, reason = ladder.climb()
    return InvarianceResult(
        sizes, out, *shape, tuple(ladder.steps), tuple(ladder.freed), consequence, reason, ladder.flags()
    )


def carried_over(model: FactorModel, found: Estimate) -> Floats:
    """Start values of a model from an estimate of another one of the same items: means of the entries' values."""
    sums, counts = np.zeros(model.n_parameters), np.zeros(model.n_parameters)
    for part, at in zip(model.groups, found.implied, strict=True):
        for name, entries in part.entries.items():
            np.add.at(sums, entries.parameters, at.matrices[name][entries.rows, entries.columns])
            np.add.at(counts, entries.parameters, 1.0)
    start: Floats = sums / np.maximum(counts, 1.0)
    return start


class _Ladder:
    """The steps of one analysis of invariance, as far as they have been taken."""

    def __init__(
        self,
        items: tuple[str, ...],
        by_factor: ItemsOf,
        samples: list[Sample],
        fourth: list[FourthMoments] | None,
        thresholds: Thresholds,
    ) -> None:
        self.items, self.by_factor, self.samples, self.fourth = items, by_factor, samples, fourth
        self.thresholds = thresholds
        self.two_stage = fourth is not None and any(one.two_stage for one in fourth)
        self.small = sum(one.n for one in samples) <= thresholds.invariance_small
        self.steps: list[InvarianceStep] = []
        self.freed: list[str] = []
        self.baseline: Baseline | None = None
        self.last: Estimate | None = None

    def climb(self) -> tuple[Consequence, Reason | None]:
        """Take the steps; what they allow."""
        before: InvarianceStep | None = None
        ladder: tuple[Step, ...] = ("configural", "metric", "scalar", "strict")
        for step in ladder:
            found, taken = self._take(step, before)
            self.steps.append(taken)
            if taken.fit is None:
                scalar_held = any(one.step == "scalar" and one.holds for one in self.steps)
                if scalar_held:
                    return "comparable", None
                return "not_testable", _why(taken.status)
            if taken.holds is False:
                if step == "scalar" and before is not None and isinstance(found, Estimate):
                    return self._partial(found, before)
                return ("comparable", None) if step == "strict" else ("not_comparable", None)
            before = taken
        return "comparable", None

    def _take(
        self, step: Step, before: InvarianceStep | None, freed: Sequence[int] = ()
    ) -> tuple[Estimate | Reason, InvarianceStep]:
        """Fit one step and compare it with the one before."""
        model = group_model(self.items, self.by_factor, len(self.samples), step, freed)
        found = maximum_likelihood(model, self.samples, None if self.last is None else carried_over(model, self.last))
        fit = None
        if isinstance(found, Estimate) and found.status == "proper":
            self.last = found
            self.baseline = self.baseline or baseline_of(found, self.fourth)
            fit = fit_of(found, self.fourth, self.thresholds, self.baseline)
        status = found.status if isinstance(found, Estimate) else found
        return found, compared(step, status, fit, before, self.thresholds, self.small, self.two_stage)

    def _partial(self, scalar: Estimate, metric: InvarianceStep) -> tuple[Consequence, Reason | None]:
        """Free intercepts where equal ones do not hold."""

        def take(freed: Sequence[int]) -> tuple[Estimate | None, InvarianceStep]:
            found, taken = self._take("partial_scalar", metric, freed)
            return (found if isinstance(found, Estimate) else None), taken

        most = most_freed(len(self.items), self.thresholds)
        taken, freed = free_one_by_one(scalar, self._worst_intercept, take, most)
        if taken is not None:
            self.steps.append(taken)
            self.freed = [self.items[i] for i in freed]
        held = taken is not None and taken.holds is True
        return ("partially_comparable" if held else "not_comparable"), None

    def _worst_intercept(self, found: Estimate, freed: Sequence[int]) -> int | None:
        """The item whose intercepts differ most between groups, significantly after BH over the items still equal."""
        items = [i for i in range(len(self.items)) if i not in freed]
        groups = range(1, len(self.samples))
        indices = []
        for i in items:
            entry: dict[Name, Entries] = {"intercepts": Entries(np.array([i]), np.array([0]), np.array([0]))}
            released = [(group, entry) for group in groups]
            if self.two_stage and self.fourth is not None:
                indices.append(robust_score_test(found, released, self.fourth))
            else:
                indices.append(score_test(found, released))
        return worst_of(dict(zip(items, indices, strict=True)), len(groups), self.thresholds)

    def flags(self) -> tuple[str, ...]:
        """Cautions about the whole analysis."""
        found = ["small_sample_limits"] if self.small else []
        if self.fourth is not None and any(one.from_sample for one in self.fourth):
            found.append("from_sample")
        found += ["two_stage"] if self.two_stage else []
        fit = self.steps[0].fit if self.steps else None
        if fit is not None and not acceptable(fit, self.thresholds):
            found.append("configural_poor")
        return tuple(found)


Fitted = TypeVar("Fitted")


def most_freed(items: int, thresholds: Thresholds) -> int:
    """How many intercepts may be freed before nothing is left to compare."""
    return math.floor(thresholds.invariance_freed * items + 1e-9)


def free_one_by_one(
    scalar: Fitted,
    worst: Callable[[Fitted, Sequence[int]], int | None],
    take: Callable[[Sequence[int]], tuple[Fitted | None, InvarianceStep]],
    most: int,
) -> tuple[InvarianceStep | None, list[int]]:
    """Free the intercept that misfits most, one at a time, until the limits hold or too many would be free.

    Returns
    -------
    the last step taken, None when no intercept misfits; and the items freed
    """
    freed: list[int] = []
    found: Fitted | None = scalar
    taken: InvarianceStep | None = None
    while len(freed) < most and found is not None:
        item = worst(found, freed)
        if item is None:
            break
        freed.append(item)
        found, taken = take(freed)
        if taken.fit is None or taken.holds:
            break
    return taken, freed


def worst_of(indices: Mapping[int, float | None], df: int, thresholds: Thresholds) -> int | None:
    """The item of the largest score test, if it is significant after BH over the items tested."""
    p = [None if one is None else float(special.gammaincc(df / 2, max(one, 0.0) / 2)) for one in indices.values()]
    q = benjamini_hochberg(p)
    chosen = [
        (index, item)
        for (item, index), at in zip(indices.items(), q, strict=True)
        if index is not None and at is not None and at <= thresholds.q
    ]
    return max(chosen, key=lambda pair: pair[0])[1] if chosen else None


def _why(status: str) -> Reason:
    """Why nothing can be said, from the status of the first estimate that failed."""
    reasons: dict[str, Reason] = {
        "heywood": "improper_solution",
        "factors_not_positive_definite": "improper_solution",
        "not_identified": "not_identified",
        "not_converged": "not_converged",
        "no_variance": "no_variance",
    }
    return reasons.get(status, "singular")


def compared(
    step: Step,
    status: str,
    fit: FitTable | None,
    before: InvarianceStep | None,
    thresholds: Thresholds,
    small: bool,
    robust: bool = False,
) -> InvarianceStep:
    """One step against the freer one before it, with the limits of `Thresholds`, by plain or by robust indices."""
    none = undefined("not_asked")
    freer = None if before is None else before.fit
    if fit is None or freer is None:
        return InvarianceStep(step, status, fit, None, none, none, none, none, none, None)
    df = fit.df - freer.df
    chi2, p = chi2_difference(fit, freer)
    indices = ("cfi_robust", "rmsea_robust", "srmr") if robust else ("cfi", "rmsea", "srmr")
    changes = [_difference(getattr(fit, name), getattr(freer, name)) for name in indices]
    metric = step == "metric"
    limits = (
        thresholds.invariance_cfi_small if small else thresholds.invariance_cfi,
        thresholds.invariance_rmsea_small if small else thresholds.invariance_rmsea,
        (thresholds.invariance_srmr_metric_small if metric else thresholds.invariance_srmr_scalar_small)
        if small
        else (thresholds.invariance_srmr_metric if metric else thresholds.invariance_srmr_scalar),
    )
    cfi, rmsea, srmr = (one.value for one in changes)
    holds = None
    if cfi is not None and rmsea is not None and srmr is not None:
        holds = bool(cfi >= limits[0] and rmsea <= limits[1] and srmr <= limits[2])
    return InvarianceStep(step, status, fit, df, chi2, p, changes[0], changes[1], changes[2], holds)


def _difference(one: Statistic, other: Statistic) -> Statistic:
    """Difference of two fit indices."""
    if one.value is None or other.value is None:
        return undefined(one.reason or other.reason or "just_identified", one.n)
    return Statistic(one.value - other.value, n=one.n, method="difference of fit indices")


def chi2_difference(fit: FitTable, freer: FitTable) -> tuple[Statistic, Statistic]:
    """Chi-square difference of two nested models and its p, scaled when both models' chi-squares are.

    References
    ----------
    Satorra, A. and Bentler, P. M. (2001). A scaled difference chi-square test statistic for moment structure analysis.
    Psychometrika 66, 507-514.
    """
    df = fit.df - freer.df
    if df <= 0 or fit.chi2.value is None:
        return undefined("just_identified", fit.n), undefined("just_identified", fit.n)
    plain = fit.chi2.value - (freer.chi2.value or 0.0)
    scale, method = 1.0, "chi-square difference"
    if fit.scaling_factor.value is not None and (freer.scaling_factor.value is not None or freer.df == 0):
        scale = (fit.df * fit.scaling_factor.value - freer.df * (freer.scaling_factor.value or 0.0)) / df
        method = "scaled chi-square difference"
    if scale <= 0:
        return undefined("improper_solution", fit.n, method), undefined("improper_solution", fit.n, method)
    value = max(plain / scale, 0.0)
    return (
        Statistic(value, n=fit.n, method=method),
        Statistic(float(special.gammaincc(df / 2, value / 2)), n=fit.n, method=method),
    )
