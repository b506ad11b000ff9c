"""Factor models of ordered categories in several groups: thresholds and correlations together, by WLSMV.

Behind every category of item i in group g lies a normal variable with mean nu + L kappa and standard deviation
1/delta_i (delta parameterisation).  What the data tell of it (Muthen 1984) are

    thresholds      delta_i (tau_it - mu_i),      mu = nu + L kappa
    correlations    delta_i delta_j (L Phi L')_ij

so unique variances, 1/delta_i^2 - (L Phi L')_ii, are no parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from analysis.confirm.dwls import SINGULAR, minimise, start_part
from analysis.confirm.estimate import Status, positive_definite
from analysis.confirm.model import Builder, FactorModel, Implied, Ints, ItemsOf, Part, implied, slopes
from analysis.confirm.ordinal import Ordinal, pairs
from analysis.mergeable import Floats
from analysis.results import Reason


@dataclass(frozen=True, eq=False)
class Group:
    """One group of a model of ordered categories.

    Attributes
    ----------
    part : loadings, factor covariances, intercepts and factor means
    items, cuts : (t,) the item of each threshold, and the number of its parameter
    scales : (p,) number of the parameter of each delta; -1 where it is 1
    """

    part: Part
    items: Ints
    cuts: Ints
    scales: Ints

    @cached_property
    def used(self) -> Ints:
        """Numbers of the parameters that this group's moments depend on."""
        entries = [one.parameters for one in self.part.entries.values()]
        return np.unique(np.concatenate([*entries, self.cuts, self.scales[self.scales >= 0]]))

    def deltas(self, parameters: Floats) -> Floats:
        """(p,) inverse standard deviations of the normal variables."""
        return np.where(self.scales >= 0, parameters[self.scales], 1.0)

    def moments(self, parameters: Floats) -> Floats:
        """(t + pairs,) implied thresholds and correlations."""
        at, delta = implied(self.part, parameters), self.deltas(parameters)
        rows, columns = pairs(delta.size)
        cuts = delta[self.items] * (parameters[self.cuts] - at.mean[self.items])
        return np.concatenate([cuts, delta[rows] * delta[columns] * at.covariance[rows, columns]])

    def jacobian(self, parameters: Floats) -> Floats:
        """(t + pairs, q) derivatives of the same."""
        at, delta, t = implied(self.part, parameters), self.deltas(parameters), self.items.size
        rows, columns = pairs(delta.size)
        step = slopes(self.part, at)
        found = np.zeros((parameters.size, t + rows.size))
        by_entry = np.hstack(
            [
                -delta[self.items] * step.mean[:, self.items],
                delta[rows] * delta[columns] * step.covariances(rows, columns),
            ]
        )
        np.add.at(found, step.parameters, by_entry)
        found[self.cuts, np.arange(t)] += delta[self.items]
        of = np.zeros((delta.size, t + rows.size))
        of[self.items, np.arange(t)] = parameters[self.cuts] - at.mean[self.items]
        place = t + np.arange(rows.size)
        of[rows, place], of[columns, place] = (delta[one] * at.covariance[rows, columns] for one in (columns, rows))
        free = self.scales >= 0
        found[self.scales[free]] += of[free]
        return found.T


@dataclass(frozen=True, eq=False)
class GroupedModel:
    """A model of ordered categories in several groups."""

    model: FactorModel
    groups: tuple[Group, ...]
    n_parameters: int


def grouped_model(
    items: Sequence[str],
    by_factor: ItemsOf,
    categories: Sequence[int],
    groups: int,
    equal: frozenset[str],
    freed: Sequence[int] = (),
) -> GroupedModel:
    """Correlated factors in several groups, identified as Wu and Estabrook (2016) do.

    Factor variances are 1, factor means and intercepts 0 and deltas 1 in the first group.  In the others deltas and
    intercepts are free once thresholds are equal, factor variances once loadings are, and factor means, instead of the
    intercepts, once intercepts are.

    Parameters
    ----------
    items, by_factor : as in `correlated_factors`
    categories : (p,) number of categories of each item, at least 3
    groups : number of groups
    equal : of "thresholds", "loadings", "intercepts"; each takes those before it
    freed : places of items whose intercepts may differ all the same

    References
    ----------
    Wu, H. and Estabrook, R. (2016). Identification of confirmatory factor analysis models of different levels of
    invariance for ordered categorical outcomes. Psychometrika 81, 1014-1045.
    """
    build = Builder(items, tuple(by_factor), groups)
    loadings: dict[tuple[int, int], int] = {}
    for g in range(groups):
        for k, places in enumerate(by_factor.values()):
            for i in places:
                like = loadings.get((i, k)) if "loadings" in equal else None
                loadings.setdefault((i, k), build.let("loadings", i, k, g, like))
            for other in range(k):
                build.let("factors", k, other, g)
            if g and "loadings" in equal:
                build.let("factors", k, k, g)
            if g and "intercepts" in equal:
                build.let("means", k, 0, g)
        for i in range(len(items)):
            if g and "thresholds" in equal and ("intercepts" not in equal or i in freed):
                build.let("intercepts", i, 0, g)
    model = build.built(with_means=True)
    of = np.repeat(np.arange(len(items)), np.array(categories) - 1)
    count, found = model.n_parameters, []
    cuts = count + np.arange(of.size)
    for g, part in enumerate(model.groups):
        if g == 0 or "thresholds" not in equal:
            cuts = count + np.arange(of.size)
            count += of.size
        scales = np.full(len(items), -1, np.int64)
        if g and "thresholds" in equal:
            scales = count + np.arange(len(items))
            count += len(items)
        found.append(Group(part, of, cuts, scales))
    return GroupedModel(model, tuple(found), count)


@dataclass(frozen=True, eq=False)
class GroupedEstimate:
    """A model of several groups fitted to their thresholds and polychoric correlations.

    Attributes
    ----------
    samples : moments of each group, with `Ordinal.joint`
    parameters : (q,)
    away : implied minus observed, group after group; jacobian : its derivatives
    """

    model: GroupedModel
    samples: tuple[Ordinal, ...]
    parameters: Floats
    away: Floats
    jacobian: Floats
    status: Status

    @property
    def n(self) -> int:
        """Respondents in all groups."""
        return sum(one.n for one in self.samples)

    @property
    def df(self) -> int:
        """Degrees of freedom: thresholds and correlations less parameters."""
        return self.away.size - self.parameters.size

    @cached_property
    def implied(self) -> tuple[Implied, ...]:
        """Implied moments of the normal variables of each group, unique variances left out."""
        return tuple(implied(group.part, self.parameters) for group in self.model.groups)

    @cached_property
    def weights(self) -> Floats:
        """Weights of the moments: how well each is known, times the group's share of the respondents."""
        return _weights(self.samples)

    @cached_property
    def bread(self) -> Floats:
        """(q, q) inverse of J' W J."""
        return np.asarray(np.linalg.inv((self.jacobian * self.weights[:, None]).T @ self.jacobian), np.float64)

    def times_gamma(self, left: Floats) -> Floats:
        """`left` times the covariance of root-n times all moments, block by block."""
        found, at = np.empty_like(left), 0
        for one in self.samples:
            assert one.joint is not None  # `fit_groups` asks for it
            end = at + one.joint.shape[0]
            found[:, at:end] = left[:, at:end] @ one.joint * (self.n / one.n)
            at = end
        return found

    @cached_property
    def covariance(self) -> Floats:
        """(q, q) robust covariance of the estimates, by n less the number of groups as in lavaan."""
        pull = self.bread @ (self.jacobian * self.weights[:, None]).T
        return np.asarray(self.times_gamma(pull) @ pull.T / (self.n - len(self.samples)), np.float64)

    @property
    def chi2(self) -> float:
        """Weighted sum of squared residuals; each group times its n - 1, as lavaan does."""
        return weighted_sum(self.samples, self.away)


def _weights(samples: Sequence[Ordinal]) -> Floats:
    """Inverse variances of root-n times the moments, times the groups' shares."""
    n = sum(one.n for one in samples)
    return np.concatenate([one.n / n / np.diag(one.joint) for one in samples if one.joint is not None])


def weighted_sum(samples: Sequence[Ordinal], away: Floats) -> float:
    """Sum over groups of (n - 1) times the weighted squares."""
    found, at = 0.0, 0
    for one in samples:
        assert one.joint is not None
        size = one.joint.shape[0]
        found += (one.n - 1) * float((away[at : at + size] ** 2 / np.diag(one.joint)).sum())
        at += size
    return found


def observed(one: Ordinal) -> Floats:
    """Thresholds, item by item, and correlations, pair by pair."""
    rows, columns = pairs(one.correlation.shape[0])
    return np.concatenate([*one.thresholds, one.correlation[rows, columns]])


def fit_groups(model: GroupedModel, samples: Sequence[Ordinal]) -> GroupedEstimate | Reason:
    """Fit a model of several groups by diagonally weighted least squares.

    Parameters
    ----------
    model : GroupedModel
    samples : `ordinal_moments` of each group with ``joint=True``, the same categories in all

    Returns
    -------
    GroupedEstimate, or "not_identified" when there are more parameters than moments

    Raises
    ------
    ValueError
        When the groups or categories are not those of the model.
    """
    sizes = [group.items.size + pairs(group.scales.size)[0].size for group in model.groups]
    if [0 if one.joint is None else one.joint.shape[0] for one in samples] != sizes:
        raise ValueError("the moments must be of the model's groups and categories")
    q = model.n_parameters
    if q > sum(sizes):
        return "not_identified"
    target = np.concatenate([observed(one) for one in samples])

    def residual(at: Floats) -> Floats:
        return np.asarray(np.concatenate([group.moments(at) for group in model.groups]) - target, np.float64)

    weights, ends = _weights(samples), np.cumsum(sizes)[:-1]

    def normal(at: Floats, away: Floats) -> tuple[Floats, Floats]:
        gradient, curvature = np.zeros(q), np.zeros((q, q))
        parts = zip(model.groups, np.split(away, ends), np.split(weights, ends), strict=True)
        for group, own, weight in parts:  # most parameters are of one group only
            jacobian = group.jacobian(at)[:, group.used]
            weighted = jacobian * weight[:, None]
            gradient[group.used] += weighted.T @ own
            curvature[np.ix_(group.used, group.used)] += weighted.T @ jacobian
        return gradient, curvature

    parameters, converged = minimise(residual, normal, weights, _start(model, samples))
    jacobian = np.vstack([group.jacobian(parameters) for group in model.groups])
    status: Status = "proper" if converged else "not_converged"
    found = GroupedEstimate(model, tuple(samples), parameters, residual(parameters), jacobian, status)
    return replace(found, status=_status(found)) if converged else found


def _start(model: GroupedModel, samples: Sequence[Ordinal]) -> Floats:
    """Start values; those of the first group where groups share a parameter."""
    start = np.zeros(model.n_parameters)
    for group, one in zip(reversed(model.groups), reversed(samples), strict=True):
        start_part(group.part, one.correlation, start)
        start[group.cuts] = np.concatenate(one.thresholds)
        start[group.scales[group.scales >= 0]] = 1.0
    return start


def _status(found: GroupedEstimate) -> Status:
    """What may be wrong with a converged estimate."""
    curvature = (found.jacobian * found.weights[:, None]).T @ found.jacobian
    sizes = np.sqrt(np.diag(curvature))
    if float(sizes.min()) <= 0 or float(np.linalg.eigvalsh(curvature / np.outer(sizes, sizes))[0]) < SINGULAR:
        return "not_identified"
    for group, at in zip(found.model.groups, found.implied, strict=True):
        if bool((np.diag(at.covariance) * group.deltas(found.parameters) ** 2 >= 1 - 1e-8).any()):
            return "heywood"
    alright = all(positive_definite(at.factor_covariance) for at in found.implied)
    return "proper" if alright else "factors_not_positive_definite"
