"""Factor models: which item loads on which factor, the moments a model implies, and their derivatives.

In every group the items y have (Bollen 1989, eq. 7.3 and 8.12, in the "all-y" form)

    mean        mu    = nu + L M a
    covariance  Sigma = L M Psi M' L' + Theta,    M = (I - B)^-1

with loadings L, factor covariances Psi, error covariances Theta, intercepts nu, factor means a, and loadings B of
factors on factors (second order).  Every entry of a matrix is either fixed or a free parameter; entries that share
a parameter are equal.  Factor variances are fixed to 1, so every loading is free and none is a marker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from analysis.mergeable import Floats

Ints = NDArray[np.int64]
Name = Literal["loadings", "paths", "factors", "errors", "intercepts", "means"]

NAMES: tuple[Name, ...] = ("loadings", "paths", "factors", "errors", "intercepts", "means")
SYMMETRIC = ("factors", "errors")


@dataclass(frozen=True, eq=False)
class Entries:
    """Free entries of one matrix (the lower half of a symmetric one): (e,) rows, columns and parameter numbers."""

    rows: Ints
    columns: Ints
    parameters: Ints


@dataclass(frozen=True, eq=False)
class Part:
    """The matrices of one group: their fixed values, and the number of the parameter of each free entry (else -1)."""

    fixed: Mapping[Name, Floats]
    free: Mapping[Name, Ints]

    @cached_property
    def entries(self) -> dict[Name, Entries]:
        """Free entries by matrix."""
        found: dict[Name, Entries] = {}
        for name in NAMES:
            index = np.tril(self.free[name] + 1) - 1 if name in SYMMETRIC else self.free[name]
            rows, columns = np.nonzero(index >= 0)
            found[name] = Entries(rows, columns, index[rows, columns])
        return found

    def filled(self, parameters: NDArray[Any]) -> dict[Name, NDArray[Any]]:
        """The matrices at given parameters (..., q), real, or complex for derivatives."""
        return {
            name: np.where(self.free[name] >= 0, parameters[..., self.free[name]], self.fixed[name])
            if parameters.size
            else self.fixed[name]
            for name in NAMES
        }


@dataclass(frozen=True, eq=False)
class FactorModel:
    """A factor model of one or more groups.

    Attributes
    ----------
    items, factors : names of the rows and columns of the loadings
    groups : one `Part` a group
    n_parameters : free parameters, means included where they are modelled
    with_means : whether intercepts and factor means are part of the model (else the means are left free)
    """

    items: tuple[str, ...]
    factors: tuple[str, ...]
    groups: tuple[Part, ...]
    n_parameters: int
    with_means: bool = False

    @property
    def n_moments(self) -> int:
        """Variances, covariances and, when modelled, means of the items, over the groups."""
        p = len(self.items)
        return len(self.groups) * (p * (p + 1) // 2 + p * self.with_means)

    @property
    def df(self) -> int:
        """Degrees of freedom: moments less parameters."""
        return self.n_moments - self.n_parameters


class Builder:
    """Numbers the free entries of the matrices of a model, group by group."""

    def __init__(self, items: Sequence[str], factors: Sequence[str], groups: int = 1) -> None:
        self.items, self.factors, self.count = tuple(items), tuple(factors), 0
        p, m = len(self.items), len(self.factors)
        shapes: dict[Name, tuple[int, int]] = {
            "loadings": (p, m),
            "paths": (m, m),
            "factors": (m, m),
            "errors": (p, p),
            "intercepts": (p, 1),
            "means": (m, 1),
        }
        self.fixed = [{name: np.zeros(shape) for name, shape in shapes.items()} for _ in range(groups)]
        self.free = [{name: np.full(shape, -1, np.int64) for name, shape in shapes.items()} for _ in range(groups)]
        for part in self.fixed:
            np.fill_diagonal(part["factors"], 1.0)

    def let(self, name: Name, row: int, column: int, group: int = 0, like: int | None = None) -> int:
        """Free an entry, as a new parameter or equal to parameter `like`; gives the parameter's number."""
        number = self.count if like is None else like
        self.free[group][name][row, column] = number
        if name in SYMMETRIC:
            self.free[group][name][column, row] = number
        self.count += like is None
        return number

    def let_errors(self, group: int = 0) -> None:
        """Free the unique variances of all items."""
        for i in range(len(self.items)):
            self.let("errors", i, i, group)

    def built(self, with_means: bool = False) -> FactorModel:
        """The model."""
        parts = tuple(Part(fixed, free) for fixed, free in zip(self.fixed, self.free, strict=True))
        return FactorModel(self.items, self.factors, parts, self.count, with_means)


ItemsOf = Mapping[str, Sequence[int]]
"""Factor -> places of its items."""


def correlated_factors(
    items: Sequence[str], by_factor: ItemsOf, uncorrelated: Sequence[tuple[str, str]] = ()
) -> FactorModel:
    """Each item on its own factor, all factors correlated but for the pairs in `uncorrelated`.

    Parameters
    ----------
    items : names of the p items
    by_factor : factor -> places of its items in `items`

    Raises
    ------
    ValueError
        When a place is out of range or a factor has no item.
    """
    _check(items, by_factor)
    factors = tuple(by_factor)
    build = Builder(items, factors)
    for k, name in enumerate(factors):
        for i in by_factor[name]:
            build.let("loadings", i, k)
    without = {frozenset(pair) for pair in uncorrelated}
    for k in range(len(factors)):
        for other in range(k):
            if frozenset((factors[k], factors[other])) not in without:
                build.let("factors", k, other)
    build.let_errors()
    return build.built()


def one_factor(items: Sequence[str], name: str = "general") -> FactorModel:
    """All items on one factor."""
    return correlated_factors(items, {name: range(len(items))})


def second_order(items: Sequence[str], by_factor: ItemsOf, name: str = "general") -> FactorModel:
    """Each item on its own factor, and the factors on one general factor; residual variances of the factors are 1.

    The general factor is the last one.

    Raises
    ------
    ValueError
        With fewer than three factors, where the general factor is not identified.
    """
    _check(items, by_factor)
    if len(by_factor) < 3:
        raise ValueError("a second-order factor needs at least three factors below it")
    build = Builder(items, (*by_factor, name))
    for k, places in enumerate(by_factor.values()):
        for i in places:
            build.let("loadings", i, k)
        build.let("paths", k, len(by_factor))
    build.let_errors()
    return build.built()


def bifactor(items: Sequence[str], by_factor: ItemsOf, name: str = "general") -> FactorModel:
    """All items on a general factor, and each on a group factor of its own; all factors uncorrelated.

    The general factor is the last one.  The two loadings of a group factor with two items are set equal, since only
    their product is identified.
    """
    _check(items, by_factor)
    build = Builder(items, (*by_factor, name))
    for k, places in enumerate(by_factor.values()):
        first: int | None = None
        for i in places:
            number = build.let("loadings", i, k, like=first)
            first = number if len(places) == 2 else None
    for i in range(len(build.items)):
        build.let("loadings", i, len(by_factor))
    build.let_errors()
    return build.built()


def independence(items: Sequence[str], groups: int = 1, with_means: bool = False) -> FactorModel:
    """No factor at all: the baseline of the comparative indices (each group with its own variances and means)."""
    build = Builder(items, ("none",), groups)
    for group in range(groups):
        build.let_errors(group)
        if with_means:
            for i in range(len(items)):
                build.let("intercepts", i, 0, group)
    return build.built(with_means)


def _check(items: Sequence[str], by_factor: ItemsOf) -> None:
    """Raise unless every factor has items that exist."""
    for name, places in by_factor.items():
        if not len(places):
            raise ValueError(f"factor {name!r} has no item")
        if not all(0 <= i < len(items) for i in places):
            raise ValueError(f"factor {name!r} names an item that is not there")


@dataclass(frozen=True, eq=False)
class Implied:
    """What a group's matrices imply.

    Attributes
    ----------
    matrices : the matrices at the parameters
    mean : (p,); covariance : (p, p)
    factor_covariance : (m, m) covariance of the factors, M Psi M'
    total : (p, m) L M, effects of the factors' residuals on the items
    """

    matrices: dict[Name, NDArray[Any]]
    mean: NDArray[Any]
    covariance: NDArray[Any]
    factor_covariance: NDArray[Any]
    total: NDArray[Any]
    inverse_paths: NDArray[Any]


def implied(part: Part, parameters: NDArray[Any]) -> Implied:
    """Moments of one group at given parameters; many sets of them, (..., q), give as many moments."""
    at = part.filled(parameters)
    m = at["paths"].shape[-1]
    inverse = np.linalg.inv(np.eye(m) - at["paths"]) if np.any(at["paths"]) else np.eye(m)
    total = at["loadings"] @ inverse
    factor_covariance = inverse @ at["factors"] @ inverse.swapaxes(-1, -2)
    covariance = at["loadings"] @ factor_covariance @ at["loadings"].swapaxes(-1, -2) + at["errors"]
    mean = at["intercepts"][..., 0] + (total @ at["means"])[..., 0]
    return Implied(at, mean, covariance, factor_covariance, total, inverse)


@dataclass(frozen=True, eq=False)
class Slopes:
    """Derivatives of the moments by e entries: of Sigma ``c (a b' + b a')``, of mu ``mean``.

    Attributes
    ----------
    a, b, mean : (e, p)
    c : (e,)
    parameters : (e,) number of each entry's parameter
    """

    a: Floats
    b: Floats
    c: Floats
    mean: Floats
    parameters: Ints

    def covariances(self, rows: Ints, columns: Ints) -> Floats:
        """(e, places) derivatives of the entries of Sigma at these places."""
        both = self.a[:, rows] * self.b[:, columns] + self.b[:, rows] * self.a[:, columns]
        found: Floats = self.c[:, None] * both
        return found


def slopes(part: Part, at: Implied, entries: Mapping[Name, Entries] | None = None) -> Slopes:
    """Derivatives of the moments of one group by its free entries, or by any other entries of its matrices."""
    entries = part.entries if entries is None else entries
    p = at.mean.size
    unit, total, on_items = np.eye(p), at.total, at.matrices["loadings"] @ at.factor_covariance
    factor_mean = (at.inverse_paths @ at.matrices["means"])[:, 0]
    left: dict[Name, Floats] = {"loadings": unit, "paths": total.T, "factors": total.T, "errors": unit}
    right: dict[Name, Floats] = {"loadings": on_items.T, "paths": on_items.T, "factors": total.T, "errors": unit}
    by_mean: dict[Name, Callable[[Entries], Floats]] = {
        "loadings": lambda e: unit[e.rows] * factor_mean[e.columns, None],
        "paths": lambda e: total.T[e.rows] * factor_mean[e.columns, None],
        "intercepts": lambda e: unit[e.rows],
        "means": lambda e: total.T[e.rows],
    }
    a, b, c, mean = [], [], [], []
    for name, found in entries.items():
        zero = np.zeros((found.rows.size, p))
        a.append(left[name][found.rows] if name in left else zero)
        b.append(right[name][found.columns] if name in right else zero)
        halved = (name in SYMMETRIC) & (found.rows == found.columns)
        c.append(np.where(halved, 0.5, 1.0))
        mean.append(by_mean[name](found) if name in by_mean else zero)
    numbers = np.concatenate([found.parameters for found in entries.values()])
    return Slopes(np.vstack(a), np.vstack(b), np.concatenate(c), np.vstack(mean), numbers)
