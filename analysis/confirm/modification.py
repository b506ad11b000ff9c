"""What a factor model leaves out: modification indices (score tests of absent parameters)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from analysis.confirm.estimate import Estimate, entry_gradient, entry_information
from analysis.confirm.model import Entries, FactorModel, Ints, Name, Slopes, slopes
from analysis.mergeable import Floats
from analysis.results import Statistic

Kind = Literal["loading", "error_covariance"]


@dataclass(frozen=True)
class Modification:
    """One absent parameter: an item's loading on another factor, or a covariance of the errors of two items.

    Attributes
    ----------
    kind : "loading" or "error_covariance"
    item, other : the item, and the factor or second item
    index : about the fall of chi-square if it were freed (chi-square with 1 degree of freedom if it is truly absent)
    p : its p value
    change : expected value of the freed parameter, fully standardised: a loading or a correlation of errors
    """

    kind: Kind
    item: str
    other: str
    index: Statistic
    p: Statistic
    change: Statistic


def absent_entries(model: FactorModel, group: int = 0) -> dict[Name, Entries]:
    """Loadings and error covariances that a group of the model fixes at 0; loadings on first-order factors only."""
    free = model.groups[group].free
    first_order = (free["loadings"] >= 0).any(axis=0)
    rows, columns = np.nonzero((free["loadings"] < 0) & first_order)
    left, right = np.nonzero(np.tril(free["errors"] < 0, -1))
    numbers = np.arange(rows.size + left.size)
    return {
        "loadings": Entries(rows, columns, numbers[: rows.size]),
        "errors": Entries(left, right, numbers[rows.size :]),
    }


def score_tests(score: Floats, own: Floats, with_free: Floats, covariance: Floats, n: int) -> tuple[Floats, Floats]:
    """Modification index and expected change of each of e absent parameters, one at a time.

    Parameters
    ----------
    score : (e,) derivatives of half the discrepancy
    own : (e,) information of one respondent about each
    with_free : (e, q) information shared with the free parameters
    covariance : (q, q) inverse information of the free parameters for one respondent
    n : respondents

    Returns
    -------
    index, change : (e,)
        NaN where the parameter is not identified beside the free ones.

    References
    ----------
    Sorbom, D. (1989). Model modification. Psychometrika 54, 371-384.
    """
    rest = own - np.einsum("eq,qr,er->e", with_free, covariance, with_free, optimize=True)
    known = rest > 6e-6 * np.maximum(own, 1e-12)  # else it is a mixture of free parameters
    safe = np.where(known, rest, 1.0)
    index, change = n * score**2 / safe, -score / safe
    return np.where(known, index, np.nan), np.where(known, change, np.nan)


def modification_indices(found: Estimate) -> tuple[dict[Name, Entries], Floats, Floats]:
    """Absent loadings and error covariances of a model of one group, their modification indices and changes.

    Parameters
    ----------
    found : Estimate
        Of one group, "proper".

    Returns
    -------
    entries by matrix, index, change : the arrays in the order of the entries' numbers, unstandardised

    Raises
    ------
    ValueError
        When the model has several groups.
    """
    if len(found.samples) != 1:
        raise ValueError("modification indices are for models of one group; see score_test for several")
    entries = absent_entries(found.model)
    extra = slopes(found.model.groups[0], found.implied[0], entries)
    score, own, shared = _against(found, 0, extra)
    index, change = score_tests(score, np.diag(own), shared, found.covariance * found.n, found.n)
    return entries, index, change


def score_test(found: Estimate, released: Sequence[tuple[int, dict[Name, Entries]]]) -> float | None:
    """Joint modification index of entries that are released in several groups; None when they are not identified.

    Parameters
    ----------
    found : Estimate
    released : pairs of a group's number and the entries to be freed in it

    Returns
    -------
    float or None
        About the fall of chi-square, with as many degrees of freedom as there are entries.
    """
    parts = [
        _against(found, group, slopes(found.model.groups[group], found.implied[group], entries))
        for group, entries in released
    ]
    score = np.concatenate([part[0] for part in parts])
    shared = np.vstack([part[2] for part in parts])
    own = np.zeros((score.size, score.size))
    begin = 0
    for _, block, _ in parts:  # entries of different groups share no information
        own[begin : begin + len(block), begin : begin + len(block)] = block
        begin += len(block)
    rest = own - shared @ np.linalg.inv(found.information) @ shared.T
    sizes = np.sqrt(np.maximum(np.diag(rest), 1e-300))
    if float(np.diag(rest).min()) <= 0 or float(np.linalg.eigvalsh(rest / np.outer(sizes, sizes))[0]) < 1e-8:
        return None
    return found.n * float(score @ np.linalg.solve(rest, score))


def _against(found: Estimate, group: int, extra: Slopes) -> tuple[Floats, Floats, Floats]:
    """Gradient of extra entries of one group, their information, and what they share with the free parameters."""
    at, sample = found.implied[group], found.samples[group]
    share = sample.n / found.n
    inverse = np.linalg.inv(at.covariance)
    free, with_means = found.slopes[group], found.model.with_means
    shared = np.zeros((found.model.n_parameters, extra.c.size))
    np.add.at(shared, free.parameters, share * entry_information(inverse, free, extra, with_means))
    score = np.asarray(share * entry_gradient(found.model, sample, at, extra), np.float64)
    return score, share * entry_information(inverse, extra, extra, with_means), shared.T


def listed(
    model: FactorModel,
    entries: dict[Name, Entries],
    index: Floats,
    standardised: Floats,
    n: int,
    most: int,
    method: str,
) -> tuple[Modification, ...]:
    """The largest modification indices, ties in the order of the items."""
    kinds: list[tuple[Kind, str, str]] = [
        *_named("loading", entries["loadings"].rows, entries["loadings"].columns, model.items, model.factors),
        *_named("error_covariance", entries["errors"].rows, entries["errors"].columns, model.items, model.items),
    ]
    order = np.argsort(-np.nan_to_num(index, nan=-1.0), kind="stable")
    found = []
    for at in order[:most]:
        if np.isnan(index[at]) or np.isnan(standardised[at]):
            continue
        kind, item, other = kinds[at]
        values = float(index[at]), float(special.gammaincc(0.5, index[at] / 2)), float(standardised[at])
        index_of, p, change = (Statistic(value, n=n, method=method) for value in values)
        found.append(Modification(kind, item, other, index_of, p, change))
    return tuple(found)


def _named(
    kind: Kind, rows: Ints, columns: Ints, items: tuple[str, ...], others: tuple[str, ...]
) -> list[tuple[Kind, str, str]]:
    """Kind and names of entries."""
    return [(kind, items[i], others[k]) for i, k in zip(rows.tolist(), columns.tolist(), strict=True)]


def standardised_changes(found: Estimate, entries: dict[Name, Entries], change: Floats) -> Floats:
    """Expected changes on the standardised scale: loadings, and correlations of errors (lavaan's sepc.all)."""
    at = found.implied[0]
    sds, factors = np.sqrt(np.diag(at.covariance)), np.sqrt(np.diag(at.factor_covariance))
    errors = np.sqrt(np.diag(at.matrices["errors"]))
    loading, error = entries["loadings"], entries["errors"]
    by = np.concatenate([sds[loading.rows] / factors[loading.columns], errors[error.rows] * errors[error.columns]])
    return np.asarray(change / by, np.float64)


def top_modifications(found: Estimate, most: int) -> tuple[Modification, ...]:
    """The `most` largest modification indices of a proper estimate of one group, with standardised changes."""
    entries, index, change = modification_indices(found)
    changes = standardised_changes(found, entries, change)
    return listed(found.model, entries, index, changes, found.n, most, "score test, expected information")
