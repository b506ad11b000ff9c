"""Missing answers: means and covariances by EM, Little's test, and who leaves answers blank."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.frequencies import wilson
from analysis.results import Statistic, undefined
from analysis.thresholds import DEFAULT, Thresholds

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Patterns:
    """Rows by which of their values are present: all that EM needs of them.

    Attributes
    ----------
    present : (g, k) bool
    n : (g,) float
    sums : (g, k) float
        0 where absent.
    cross : (g, k, k) float
        Sums of products over the rows of the pattern, 0 where absent.
    """

    present: NDArray[np.bool_]
    n: Floats
    sums: Floats
    cross: Floats

    @classmethod
    def of(cls, values: Floats) -> Patterns:
        """From (n, k) values, NaN where missing; rows without any value are left out."""
        here = ~np.isnan(values)
        some = here.any(axis=1)
        values, here = np.where(here, values, 0.0)[some], here[some]
        k = values.shape[1]
        present, place = patterns(here)
        g = present.shape[0]
        n = np.bincount(place, minlength=g).astype(np.float64)
        sums = np.zeros((g, k))
        np.add.at(sums, place, values)
        cross = np.zeros((g, k, k))
        order = np.argsort(place, kind="stable")
        edges = np.concatenate([[0], np.cumsum(n).astype(np.intp)])
        for pattern in range(g):
            rows = values[order[edges[pattern] : edges[pattern + 1]]]
            cross[pattern] = rows.T @ rows
        return cls(present, n, sums, cross)


def patterns(here: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """(g, k) different rows of an (n, k) mask, and the number of each row's among them."""
    _, first, place = np.unique(np.packbits(here, axis=1), axis=0, return_index=True, return_inverse=True)
    return here[first], place.ravel()


@dataclass(frozen=True)
class EmMoments:
    """Maximum-likelihood mean and covariance (divisor n) of a normal with missing values.

    `converged` is False when the steps ran out; `n` counts rows with any value.
    """

    n: int
    mean: Floats
    covariance: Floats
    log_likelihood: float
    steps: int
    converged: bool


def em(values: Floats, thresholds: Thresholds = DEFAULT) -> EmMoments | None:
    """Mean and covariance of (n, k) values by EM, NaN being missing.

    Parameters
    ----------
    values : (n, k) float

    Returns
    -------
    EmMoments or None
        None with fewer than two rows, a column that nobody answered or that does not vary, or when the covariance
        collapses (too many values missing together).

    Notes
    -----
    Steps are accelerated by SQUAREM; the stop is at `em_tolerance` on means *and* covariances, since the means alone
    can stand still at the first step.

    References
    ----------
    Dempster, A. P., Laird, N. M. and Rubin, D. B. (1977). JRSS B 39, 1-38.  Varadhan, R. and Roland, C. (2008). Scand.
    J. Statist. 35, 335-353 (SQUAREM).
    """
    some = ~np.isnan(values).all(axis=1)
    values = values[some]
    counts = (~np.isnan(values)).sum(axis=0)
    if values.shape[0] < 2 or not counts.size or int(counts.min()) < 2:
        return None
    centre = np.nanmean(values, axis=0)
    scale = np.nanstd(values, axis=0)
    if not bool((scale > 1e-12).all()):
        return None
    found = Patterns.of((values - centre) / scale)
    fitted = _accelerated(found, thresholds)
    if fitted is None:
        return None
    mean, covariance, steps, converged = fitted
    likelihood = log_likelihood(found, mean, covariance)
    likelihood -= float((counts * np.log(scale)).sum())
    return EmMoments(
        values.shape[0], centre + scale * mean, covariance * np.outer(scale, scale), likelihood, steps, converged
    )


def _whole(present: NDArray[np.bool_], covariance: Floats) -> Floats:
    """(g, k, k) covariances with unit rows where a value is absent, so that all patterns are inverted at once."""
    whole = np.where(present[:, :, None] & present[:, None, :], covariance, 0.0)
    k = covariance.shape[0]
    whole[:, np.arange(k), np.arange(k)] += ~present
    return whole


def inverses(present: NDArray[np.bool_], covariance: Floats) -> Floats:
    """(g, k, k) inverse covariance of what each of the (g, k) patterns holds, 0 elsewhere."""
    both = present[:, :, None] & present[:, None, :]
    return np.asarray(np.linalg.inv(_whole(present, covariance)) * both, np.float64)


def _step(found: Patterns, mean: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """One step of EM."""
    here = found.present
    inverse = inverses(here, covariance)
    # Regression of every value on those present: rows of present ones are the identity.
    slope = covariance @ inverse
    residual = covariance - slope @ covariance
    away = found.sums - found.n[:, None] * np.where(here, mean, 0.0)  # sum of the centred values present
    filled = np.einsum("gij,gj->gi", slope, away)
    shift = filled.sum(axis=0) / found.n.sum()
    centred = found.cross - found.sums[:, :, None] * mean - mean[:, None] * found.sums[:, None, :]
    centred += found.n[:, None, None] * np.outer(mean, mean)
    centred *= here[:, :, None] & here[:, None, :]
    second = np.einsum("gij,gjk,glk->il", slope, centred, slope, optimize=True)
    second += np.einsum("g,gij->ij", found.n, residual)
    new = second / found.n.sum() - np.outer(shift, shift)
    return mean + shift, (new + new.T) / 2


def _accelerated(found: Patterns, thresholds: Thresholds) -> tuple[Floats, Floats, int, bool] | None:
    """EM with SQUAREM extrapolation, taken back where it leaves the possible covariances."""
    k = found.sums.shape[1]
    mean, covariance = np.zeros(k), np.eye(k)
    steps = 0
    while steps < thresholds.em_steps:
        first = _step(found, mean, covariance)
        if not _possible(first[1]):
            return None
        second = _step(found, *first)
        steps += 2
        if not _possible(second[1]):
            return None
        moved = max(float(np.abs(second[0] - first[0]).max()), float(np.abs(second[1] - first[1]).max()))
        if moved < thresholds.em_tolerance:
            return *second, steps, True
        start = np.concatenate([mean, covariance.ravel()])
        one, two = (np.concatenate([part[0], part[1].ravel()]) for part in (first, second))
        r, v = one - start, two - 2 * one + start
        size = float(np.linalg.norm(v))
        alpha = -float(np.linalg.norm(r)) / size if size > 1e-300 else -1.0
        if alpha < -1:
            leap = start - 2 * alpha * r + alpha**2 * v
            trial = leap[:k], leap[k:].reshape(k, k)
            if _possible(trial[1]):
                steadied = _step(found, *trial)
                steps += 1
                if _possible(steadied[1]):
                    mean, covariance = steadied
                    continue
        mean, covariance = second
    return mean, covariance, steps, False


def _possible(covariance: Floats) -> bool:
    """Whether a covariance (of standardised values) is safely positive definite."""
    return bool(np.isfinite(covariance).all()) and float(np.linalg.eigvalsh(covariance)[0]) > 1e-8


def log_likelihood(found: Patterns, mean: Floats, covariance: Floats) -> float:
    """Log likelihood of the values present, for a normal."""
    whole = _whole(found.present, covariance)
    inverse = np.linalg.inv(whole) * (found.present[:, :, None] & found.present[:, None, :])
    _, log_det = np.linalg.slogdet(whole)
    centred = found.cross - found.sums[:, :, None] * mean - mean[:, None] * found.sums[:, None, :]
    centred = centred + found.n[:, None, None] * np.outer(mean, mean)
    square = float(np.einsum("gij,gij->", inverse, centred))
    values = float((found.n * found.present.sum(axis=1)).sum())
    return -0.5 * (values * math.log(2 * math.pi) + float(found.n @ log_det) + square)


@dataclass(frozen=True)
class Little:
    """Little's test that values are missing completely at random."""

    chi2: float
    df: int
    p: float
    patterns: int


def little(values: Floats, thresholds: Thresholds = DEFAULT) -> Little | None:
    """Little's MCAR test of (n, k) values, NaN being missing.

    ``d^2 = sum n_j (ybar_j - mu_j)' S_j^-1 (ybar_j - mu_j)``, df = sum of present columns - k; mu and S by EM, S with
    divisor n as the usual programs take it.  None where EM gives nothing, or with a single pattern.

    References
    ----------
    Little, R. J. A. (1988). A test of missing completely at random for multivariate data with missing values. JASA 83,
    1198-1202.
    """
    moments = em(values, thresholds)
    if moments is None or not moments.converged:
        return None
    found = Patterns.of(values)
    df = int(found.present.sum()) - values.shape[1]
    if df <= 0:
        return None
    inverse = inverses(found.present, moments.covariance)
    away = np.where(found.present, found.sums / found.n[:, None] - moments.mean, 0.0)
    chi2 = float((found.n * np.einsum("gi,gij,gj->g", away, inverse, away)).sum())
    return Little(chi2, df, float(special.chdtrc(df, chi2)), int(found.n.size))


@dataclass(frozen=True)
class Missingness:
    """Who leaves answers open, and whether that looks like chance."""

    blank: Statistic  # share of ratings asked that were left blank
    not_applicable: Statistic
    complete: Statistic  # share of respondents without any blank
    patterns: int
    commonest: tuple[tuple[str, int], ...]  # up to five patterns: blank items joined by a space, respondents
    little: Statistic  # chi-square, among respondents without "not applicable"
    p_little: Statistic
    by_trait: dict[
        str, Statistic
    ]  # p that respondents with a blank are as frequent in every group (logistic regression)


def missingness(
    blank: NDArray[np.bool_],
    away: NDArray[np.bool_],
    values: Floats,
    names: tuple[str, ...],
    traits: Mapping[str, NDArray[np.integer]],
    rng: np.random.Generator,
    thresholds: Thresholds = DEFAULT,
) -> Missingness:
    """Describe the blanks.

    Parameters
    ----------
    blank, away : (n, k) bool
        Left blank; not applicable.  Answers that were not asked are neither.
    values : (n, k) float
        Ratings; NaN where blank or not applicable.
    names : tuple of str
        Ids of the k columns.
    traits : trait -> (n,) int
        Groups of respondents; -1 is unknown and left out.

    Returns
    -------
    Missingness
        "Not applicable" is no accident, so Little's test takes respondents without it; undefined there when fewer than
        `little_rows` remain ("too_early"), nobody left a blank ("nothing_missing"), a column does not vary
        ("no_variance"), or EM does not settle ("not_converged").
    """
    n = blank.shape[0]
    level = thresholds.level
    asked = blank | away | ~np.isnan(values)
    any_blank = np.asarray(blank.any(axis=1), np.bool_)
    kinds, counts = (
        np.unique(blank[any_blank], axis=0, return_counts=True) if any_blank.any() else (blank[:0], np.zeros(0, int))
    )
    order = np.argsort(-counts, kind="stable")[:5]
    common = tuple((" ".join(np.array(names)[kinds[one]]), int(counts[one])) for one in order)
    chi2, p = _little(values, blank, away, rng, thresholds)

    def share(chosen: NDArray[np.bool_]) -> Statistic:
        # The ratings of one respondent go together, so the interval rests on respondents, and so does n.
        found = wilson(int(chosen.sum()), int(asked.sum()), level, effective=float(max(n, 1)))
        return replace(found, n=n, method="share of the ratings asked, Wilson interval by respondents")

    return Missingness(
        share(blank),
        share(away),
        wilson(int((~any_blank).sum()), n, level),
        int(kinds.shape[0]),
        common,
        chi2,
        p,
        {name: blank_by_group(any_blank, codes) for name, codes in traits.items()},
    )


def _little(
    values: Floats, blank: NDArray[np.bool_], away: NDArray[np.bool_], rng: np.random.Generator, thresholds: Thresholds
) -> tuple[Statistic, Statistic]:
    """Little's test among respondents to whom everything applied and who were asked everything."""
    method = "Little's MCAR test"
    whole = ~away.any(axis=1) & (blank | ~np.isnan(values)).all(axis=1)
    rows = np.flatnonzero(whole)
    n, flags = int(rows.size), ()
    if n < thresholds.little_rows:
        # Nobody at all was asked everything (short form, or something never applied); or only a few were.
        none = undefined("too_early" if n else "no_complete_cases" if len(values) else "no_respondents", n, method)
        return none, none
    if not bool(blank[rows].any()):
        none = undefined("nothing_missing", n, method)
        return none, none
    part = values[rows]
    if not bool((np.nanmax(part, axis=0, initial=-np.inf) > np.nanmin(part, axis=0, initial=np.inf)).all()):
        none = undefined("no_variance", n, method)
        return none, none
    if n > thresholds.em_rows:
        rows = np.sort(rng.choice(rows, thresholds.em_rows, replace=False))
        flags = ("from_sample",)  # type: ignore[assignment]
    found = little(values[rows], thresholds)
    if found is None:
        none = undefined("not_converged", n, method)
        return none, none
    told = f"{method}, {found.patterns} patterns, df {found.df}"
    return Statistic(found.chi2, n=int(rows.size), method=told, flags=flags), Statistic(
        found.p, n=int(rows.size), method=told, flags=flags
    )


def blank_by_group(any_blank: NDArray[np.bool_], codes: NDArray[np.integer]) -> Statistic:
    """p of the likelihood ratio between a logistic regression of "left a blank" on the groups and one without them.

    Undefined with one group ("one_group") or when all or none left a blank ("no_variance").
    """
    known = codes >= 0
    y, group = any_blank[known], codes[known]
    n, method = int(y.size), "logistic regression on the groups, likelihood ratio"
    sizes = np.bincount(group) if n else np.zeros(0, np.int64)
    if int((sizes > 0).sum()) < 2:
        return undefined("one_group" if n else "no_respondents", n, method)
    hits = np.bincount(group[y], minlength=sizes.size)
    if int(y.sum()) in (0, n):
        return undefined("no_variance", n, method)

    def deviance(k: NDArray[np.int64], m: NDArray[np.int64]) -> float:
        return -2 * float(
            (special.xlogy(k, k / np.maximum(m, 1)) + special.xlogy(m - k, (m - k) / np.maximum(m, 1))).sum()
        )

    ratio = deviance(np.array([y.sum()]), np.array([n])) - deviance(hits, sizes)
    return Statistic(float(special.chdtrc(int((sizes > 0).sum()) - 1, max(ratio, 0.0))), n=n, method=method)
