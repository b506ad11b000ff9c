"""Maximum likelihood for factor models, from the moments alone: the cost does not depend on how many answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from analysis.confirm.model import SYMMETRIC, FactorModel, Implied, Name, Part, Slopes, implied, slopes
from analysis.mergeable import Floats
from analysis.results import Reason

Status = Literal["proper", "heywood", "factors_not_positive_definite", "not_identified", "not_converged"]
"""Whether an estimate may be read; a fit table is given for "proper" ones only.

heywood: a unique variance is zero or negative.  factors_not_positive_definite: no set of factors has these
correlations.  not_identified: other parameters fit as well.
"""

ITERATIONS = 150
DECREMENT = 1e-17  # squared length of the last step, in standard errors of one respondent: far below rounding of output
SINGULAR = 1e-9  # smallest eigenvalue of the information on the scale of correlations
STEP = 1e-30  # imaginary step: its square vanishes, so derivatives are exact to rounding


@dataclass(frozen=True, eq=False)
class Sample:
    """Moments of one group: n respondents, (p,) means, (p, p) covariance with divisor n (lavaan's default)."""

    n: int
    mean: Floats
    covariance: Floats


@dataclass(frozen=True, eq=False)
class Estimate:
    """A fitted model.

    Attributes
    ----------
    parameters : (q,) estimates
    discrepancy : log|Sigma| + tr(S Sigma^-1) - log|S| - p (plus the means' part), groups weighted by n; at least 0
    slope : largest absolute derivative of half the discrepancy
    information : (q, q) expected information of one respondent
    """

    model: FactorModel
    samples: tuple[Sample, ...]
    parameters: Floats
    discrepancy: float
    slope: float
    information: Floats
    status: Status

    @property
    def n(self) -> int:
        """Respondents in all groups."""
        return sum(sample.n for sample in self.samples)

    @property
    def chi2(self) -> float:
        """Likelihood ratio statistic against the saturated model."""
        return self.n * self.discrepancy

    @cached_property
    def implied(self) -> tuple[Implied, ...]:
        """Implied moments of each group."""
        return tuple(implied(part, self.parameters) for part in self.model.groups)

    @cached_property
    def slopes(self) -> tuple[Slopes, ...]:
        """Derivatives of the implied moments of each group by the parameters."""
        return tuple(slopes(part, at) for part, at in zip(self.model.groups, self.implied, strict=True))

    @cached_property
    def covariance(self) -> Floats:
        """(q, q) covariance of the estimates by the expected information (not for "not_identified")."""
        return np.asarray(np.linalg.inv(self.information) / self.n, np.float64)


def unfit(samples: Sequence[Sample]) -> Reason | None:
    """Why moments cannot be analysed: too few rows, an item without variance, or items that repeat one another."""
    for sample in samples:
        variances = np.diag(sample.covariance)
        if sample.n < 2:
            return "no_complete_cases" if sample.n == 0 else "one_respondent"
        if not np.all(np.isfinite(sample.covariance)) or float(variances.min(initial=1.0)) <= 1e-12:
            return "no_variance"
        sds = np.sqrt(variances)
        values = np.linalg.eigvalsh(sample.covariance / np.outer(sds, sds))
        if sample.n <= variances.size or float(values[0]) < 1e-8:
            return "singular"
    return None


def maximum_likelihood(model: FactorModel, samples: Sequence[Sample], start: Floats | None = None) -> Estimate | Reason:
    """Fit a factor model to the moments of its groups by maximum likelihood.

    Fisher scoring with step halving; from near the optimum by Newton's method with the exact second derivatives.
    Unique variances may become negative, as in lavaan: a Heywood case is a finding, not something to hide.

    Parameters
    ----------
    model : FactorModel
    samples : one `Sample` a group, items in the model's order
    start : (q,) float, optional
        Start values.

    Returns
    -------
    Estimate, or why there is none
        "no_complete_cases", "one_respondent", "no_variance", "singular" (see `unfit`), or "not_identified" when the
        model has more parameters than there are moments.

    Raises
    ------
    ValueError
        When the number of groups or items differs from the model's.

    References
    ----------
    Joreskog, K. G. (1969). A general approach to confirmatory maximum likelihood factor analysis. Psychometrika 34.
    Bollen, K. A. (1989). Structural Equations with Latent Variables, ch. 4, 7 and 8.
    """
    p = len(model.items)
    if len(samples) != len(model.groups) or any(sample.covariance.shape != (p, p) for sample in samples):
        raise ValueError("the moments must be of the model's groups and items")
    why = unfit(samples)
    if why is None and model.df < 0:
        why = "not_identified"
    if why is not None:
        return why
    problem = _Problem(model, tuple(samples))
    parameters, converged = _minimise(problem, problem.start() if start is None else start)
    parameters = _reflected(model, parameters)
    value, gradient, information = problem.at(parameters)
    if value is None:
        return "singular"
    found = Estimate(
        model,
        tuple(samples),
        parameters,
        max(0.0, 2 * value),
        float(np.abs(gradient).max()),
        information,
        "proper" if converged else "not_converged",
    )
    return replace(found, status=_status(found)) if converged else found


class _Problem:
    """Half the discrepancy, its gradient and its information as functions of the parameters."""

    def __init__(self, model: FactorModel, samples: tuple[Sample, ...]) -> None:
        self.model, self.samples = model, samples
        self.q, self.n = model.n_parameters, sum(sample.n for sample in samples)
        self.floor = [float(np.linalg.slogdet(sample.covariance)[1]) + len(model.items) for sample in samples]

    def value(self, parameters: Floats) -> float | None:
        """Half the discrepancy; None where Sigma is not positive definite."""
        total = 0.0
        for part, sample, floor in zip(self.model.groups, self.samples, self.floor, strict=True):
            at = implied(part, parameters)
            if not np.all(np.abs(at.covariance) < 1e12):
                return None
            try:
                root = np.linalg.cholesky(at.covariance)
            except np.linalg.LinAlgError:
                return None
            if float(np.diag(root).min()) < 1e-10:
                return None
            half = np.linalg.solve(root, _second_moment(self.model, sample, at))
            fit = float(np.trace(np.linalg.solve(root, half.T)))
            total += sample.n / self.n * (2 * float(np.log(np.diag(root)).sum()) + fit - floor) / 2
        return total

    def at(self, parameters: Floats) -> tuple[float | None, Floats, Floats]:
        """Value, gradient and expected information."""
        information, gradient = np.zeros((self.q, self.q)), np.zeros(self.q)
        value = self.value(parameters)
        if value is None:
            return None, gradient, information
        for part, sample in zip(self.model.groups, self.samples, strict=True):
            at = implied(part, parameters)
            step = slopes(part, at)
            share = sample.n / self.n
            np.add.at(gradient, step.parameters, share * entry_gradient(self.model, sample, at, step))
            places = (step.parameters[:, None] * self.q + step.parameters).ravel()
            found = entry_information(np.linalg.inv(at.covariance), step, step, self.model.with_means)
            information += share * np.bincount(places, found.ravel(), self.q**2).reshape(self.q, self.q)
        return value, gradient, information

    def hessian(self, parameters: Floats) -> Floats:
        """Exact second derivatives of half the discrepancy: the observed information of one respondent."""
        found = np.zeros((self.q, self.q))
        for part, sample in zip(self.model.groups, self.samples, strict=True):
            share = sample.n / self.n
            own = np.unique(np.concatenate([entries.parameters for entries in part.entries.values()]))
            moved = np.tile(parameters.astype(np.complex128), (own.size, 1))
            moved[np.arange(own.size), own] += STEP * 1j
            found[own] += share / STEP * _gradients(self.model, part, sample, implied(part, moved)).imag
        return (found + found.T) / 2

    def runs_away(self, parameters: Floats) -> bool:
        """Whether a loading explains nine times its item's variance: it grows for ever where items are unrelated."""
        for part, sample in zip(self.model.groups, self.samples, strict=True):
            at = implied(part, parameters)
            explained = at.matrices["loadings"] ** 2 * np.diag(at.factor_covariance)
            if bool((explained > 9 * np.diag(sample.covariance)[:, None]).any()):
                return True
        return False

    def start(self) -> Floats:
        """Start values: loadings of .7, error variances of one half, correlations of sum scores."""
        start = np.zeros(self.q)
        for part, sample in zip(reversed(self.model.groups), reversed(self.samples), strict=True):
            _start_part(part, sample, start)
        return start


def _second_moment(model: FactorModel, sample: Sample, at: Implied) -> NDArray[Any]:
    """Second moments of the sample about the implied means: S, plus the misfit of the means when they are modelled."""
    if not model.with_means:
        return sample.covariance
    away = sample.mean - at.mean
    found: NDArray[Any] = sample.covariance + away[..., :, None] * away[..., None, :]
    return found


def _gradients(model: FactorModel, part: Part, sample: Sample, at: Implied) -> NDArray[Any]:
    """(..., q) derivatives of half a group's discrepancy by the parameters, at many sets of them (Bollen 1989, 4B)."""
    inverse = np.linalg.inv(at.covariance)
    residual = inverse - inverse @ _second_moment(model, sample, at) @ inverse
    on_items, across = at.matrices["loadings"] @ at.factor_covariance, at.total.swapaxes(-1, -2)
    by: dict[Name, NDArray[Any]] = {
        "loadings": residual @ on_items,
        "paths": across @ residual @ on_items,
        "factors": across @ residual @ at.total,
        "errors": residual,
    }
    if model.with_means:
        pull = -(inverse @ (sample.mean - at.mean)[..., None])
        factor_means = (at.inverse_paths @ at.matrices["means"]).swapaxes(-1, -2)
        by["loadings"] = by["loadings"] + pull * factor_means
        by["paths"] = by["paths"] + (across @ pull) * factor_means
        by |= {"intercepts": pull, "means": across @ pull}
    found = np.zeros((*at.mean.shape[:-1], model.n_parameters), residual.dtype)
    for name, entries in part.entries.items():
        if name in by:
            half = np.where((name in SYMMETRIC) & (entries.rows == entries.columns), 0.5, 1.0)
            by_entry = half * by[name][..., entries.rows, entries.columns]
            np.add.at(found.T, entries.parameters, by_entry.T)
    return found


def entry_gradient(model: FactorModel, sample: Sample, at: Implied, step: Slopes) -> NDArray[Any]:
    """Derivatives of half a group's discrepancy by entries (Bollen 1989, appendix 4B)."""
    inverse = np.linalg.inv(at.covariance)
    residual = inverse - inverse @ _second_moment(model, sample, at) @ inverse
    found: NDArray[Any] = step.c * (step.a @ residual * step.b).sum(axis=1)
    if model.with_means:
        found = found - step.mean @ inverse @ (sample.mean - at.mean)
    return found


def entry_information(inverse: Floats, one: Slopes, other: Slopes, with_means: bool) -> Floats:
    """(e, f) expected information between two lists of entries: tr(W dSigma W dSigma')/2 + dmu' W dmu'."""
    aa, bb = one.a @ inverse @ other.a.T, one.b @ inverse @ other.b.T
    ab, ba = one.a @ inverse @ other.b.T, one.b @ inverse @ other.a.T
    found: Floats = np.outer(one.c, other.c) * (aa * bb + ab * ba)
    return found + one.mean @ inverse @ other.mean.T if with_means else found


def observed_information(found: Estimate) -> Floats:
    """Observed information of one respondent at an estimate."""
    return _Problem(found.model, found.samples).hessian(found.parameters)


def _minimise(problem: _Problem, start: Floats) -> tuple[Floats, bool]:
    """Parameters at the minimum, and whether it was reached."""
    parameters, step = start, 1.0
    value, gradient, information = problem.at(parameters)
    for turn in range(ITERATIONS):
        if value is None:
            return parameters, False
        direction, decrement = _direction(information, gradient)
        if decrement < DECREMENT:
            return parameters, True
        if turn >= 20 and problem.runs_away(parameters):
            return parameters, False
        if turn >= 15 or step < 0.25:  # the expected curvature is a poor guide here
            direction = _curved(problem.hessian(parameters), gradient)
        step, moved = 1.0, problem.value(parameters + direction)
        while (moved is None or moved > value + 1e-14 * (1 + value)) and step > 1e-9:
            step /= 2
            moved = problem.value(parameters + step * direction)
        if step <= 1e-9:
            return parameters, decrement < 1e-12
        parameters = parameters + step * direction
        value, gradient, information = problem.at(parameters)
    return parameters, False


def _direction(information: Floats, gradient: Floats) -> tuple[Floats, float]:
    """Step of Fisher scoring and its squared length; damped where the information is singular."""
    sizes = np.sqrt(np.maximum(np.diag(information), 1e-12))
    try:
        root = np.linalg.cholesky(information / np.outer(sizes, sizes))
        if float(np.diag(root).min()) > 1e-3:
            half = np.linalg.solve(root, gradient / sizes)
            return -np.linalg.solve(root.T, half) / sizes, float(half @ half)
    except np.linalg.LinAlgError:
        pass
    values, vectors = np.linalg.eigh(information / np.outer(sizes, sizes))
    along = vectors.T @ (gradient / sizes)
    steps = -along / np.maximum(values, 1e-6)
    return (vectors @ steps) / sizes, float(-steps @ along)


def _curved(hessian: Floats, gradient: Floats) -> Floats:
    """Newton's step; along directions of negative curvature downhill by as much as it would go uphill."""
    sizes = np.sqrt(np.maximum(np.abs(np.diag(hessian)), 1e-12))
    values, vectors = np.linalg.eigh(hessian / np.outer(sizes, sizes))
    along = vectors.T @ (gradient / sizes)
    found: Floats = vectors @ (-along / np.maximum(np.abs(values), 1e-6)) / sizes
    return found


def _start_part(part: Part, sample: Sample, start: Floats) -> None:
    """Start values of one group's free entries."""
    sds = np.sqrt(np.diag(sample.covariance))
    correlation = sample.covariance / np.outer(sds, sds)
    loads = part.free["loadings"] >= 0
    weights = np.zeros(loads.shape)
    for k in range(loads.shape[1]):
        items = np.flatnonzero(loads[:, k])
        if items.size:
            first = np.linalg.eigh(correlation[np.ix_(items, items)])[1][:, -1]
            weights[items, k] = np.where(first * (1 if first.sum() >= 0 else -1) < 0, -1.0, 1.0)
    below = (part.free["paths"] >= 0).any(axis=1)
    size = 0.7 / np.sqrt(np.maximum(loads.sum(axis=1), 1))
    loading = weights * (size * sds)[:, None] / np.where(below, 1.28, 1.0)
    sums = weights.T @ correlation @ weights
    spread = np.sqrt(np.maximum(np.diag(sums), 1e-12))
    between = np.clip(sums / np.outer(spread, spread), -0.8, 0.8)
    np.fill_diagonal(between, 1.0)
    values = {
        "loadings": loading,
        "paths": np.full(between.shape, 0.8),
        "factors": between,
        "errors": 0.5 * sample.covariance * np.eye(sds.size),
        "intercepts": sample.mean[:, None],
        "means": np.zeros((between.shape[0], 1)),
    }
    for name, entries in part.entries.items():
        start[entries.parameters] = values[name][entries.rows, entries.columns]


def _reflected(model: FactorModel, parameters: Floats) -> Floats:
    """The same solution with each factor turned so that its loadings sum to a positive number."""
    at = model.groups[0].filled(parameters)
    sums = at["loadings"].sum(axis=0)
    signs = np.where(sums < 0, -1.0, 1.0)
    above = (at["paths"] * signs[:, None]).sum(axis=0)
    signs = np.where((sums == 0) & (above < 0), -1.0, signs)
    turned = parameters.copy()
    for part in model.groups:
        for name, entries in part.entries.items():
            if name == "loadings":
                turned[entries.parameters] = parameters[entries.parameters] * signs[entries.columns]
            elif name in ("paths", "factors"):
                sign = signs[entries.rows] * signs[entries.columns]
                turned[entries.parameters] = parameters[entries.parameters] * sign
            elif name == "means":
                turned[entries.parameters] = parameters[entries.parameters] * signs[entries.rows]
    return turned


def _status(found: Estimate) -> Status:
    """What may be wrong with a converged estimate."""
    sizes = np.sqrt(np.diag(found.information))
    if float(sizes.min()) <= 0:
        return "not_identified"
    if float(np.linalg.eigvalsh(found.information / np.outer(sizes, sizes))[0]) < SINGULAR:
        return "not_identified"
    for at, sample in zip(found.implied, found.samples, strict=True):
        if bool((np.diag(at.matrices["errors"]) <= 1e-8 * np.diag(sample.covariance)).any()):
            return "heywood"
    for at in found.implied:
        if not positive_definite(at.factor_covariance):
            return "factors_not_positive_definite"
    return "proper"


def positive_definite(covariance: Floats) -> bool:
    """Whether factors can have this covariance (no eigenvalue below 0 beyond rounding, as lavaan checks)."""
    return bool(np.diag(covariance).min() > 0) and float(np.linalg.eigvalsh(covariance)[0]) > -1.8e-12


def sample_of(values: Floats) -> Sample:
    """Moments of (n, p) scores without missing values; of no rows, NaN."""
    n, p = values.shape
    if n == 0:
        return Sample(0, np.full(p, np.nan), np.full((p, p), np.nan))
    mean = values.mean(axis=0)
    away = values - mean
    return Sample(n, mean, away.T @ away / n)
