"""Do groups differ more at one stage than at another?  Group by stage, in a mixed model of all stage scores."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.optimize import minimize_scalar

from analysis.adjust import holm
from analysis.frequencies import t_quantile, t_tail
from analysis.results import Reason, Statistic, undefined
from analysis.thresholds import DEFAULT, Thresholds

Floats = NDArray[np.float64]
Integers = NDArray[np.integer]


@dataclass(frozen=True)
class StageEffect:
    """Two groups at one stage: the first minus the second."""

    stage: str
    first: str
    second: str
    difference: Statistic  # Satterthwaite t interval, of this one comparison
    p: Statistic  # Holm over all stages and pairs


@dataclass(frozen=True)
class Interaction:
    """Whether the differences of groups change from stage to stage."""

    n: int  # respondents with a group and a stage score
    complete: int  # of them, those with all stages
    f: Statistic  # of group x stage
    df1: int
    df2: float | None
    p: Statistic
    f_robust: Statistic  # Johansen's test of complete respondents: groups may have any covariances
    p_robust: Statistic
    icc: Statistic  # share of the variance that lies between respondents
    means: dict[str, dict[str, Statistic]]  # stage -> group -> mean of the model
    effects: tuple[StageEffect, ...]  # every stage and pair of groups
    left_out: tuple[str, ...]  # groups with too few scores at a stage


@dataclass(frozen=True)
class _Moments:
    """Respondents by group and by which stages they have: (g, patterns), sums and products of their scores."""

    present: NDArray[np.bool_]  # (patterns, s)
    n: Floats  # (g, patterns)
    sums: Floats  # (g, patterns, s), 0 where absent
    cross: Floats  # (g, patterns, s, s)


@dataclass(frozen=True)
class _Mixed:
    """A fitted model: means (g, s), their covariance by group (g, s, s), its slopes, and the variances' covariance."""

    means: Floats
    covariance: Floats
    slopes: tuple[Floats, ...]  # of the covariance by each variance that was estimated
    precision: Floats  # covariance of the estimated variances
    tau2: float
    sigma2: float


def interaction(
    scores: Floats,
    codes: Integers,
    groups: tuple[str, ...],
    stages: tuple[str, ...],
    thresholds: Thresholds = DEFAULT,
    fewest: int = 2,
) -> Interaction:
    """Test group x stage of respondents' stage scores, with a random intercept for each respondent.

    Parameters
    ----------
    scores : (n, s) float
        Gap (or perception) of each stage, in points; NaN where there is none.
    codes : (n,) int
        Group of each respondent; -1 for none.
    groups, stages : tuples of str
        Their ids, in order.
    fewest : int
        Groups with fewer scores at any stage are left out.

    Returns
    -------
    Interaction
        ``y_is = mu_(g, s) + u_i + e_is`` by REML, from the moments of each group by pattern of stages present, so that
        a respondent without a stage still counts for the others.  F with Satterthwaite's degrees of freedom (Fai and
        Cornelius for several); with every stage of every respondent it is the F of the repeated-measures analysis.
        Undefined with fewer than two groups ("one_group") or stages ("not_asked"), when nobody has two stages
        ("no_complete_cases"), or without spread ("no_variance").

    References
    ----------
    Fai, A. H.-T. and Cornelius, P. L. (1996). J. Stat. Comput. Simul. 54, 363-378.  Kuznetsova, A., Brockhoff, P. B.
    and Christensen, R. H. B. (2017). lmerTest. J. Stat. Softw. 82(13).  Johansen, S. (1980). The Welch-James
    approximation to the distribution of the residual sum of squares in a weighted linear regression. Biometrika 67,
    85-92.
    """
    here = ~np.isnan(scores)
    counts = np.array([here[codes == g].sum(axis=0) for g in range(len(groups))]).reshape(len(groups), len(stages))
    kept = [g for g in range(len(groups)) if len(stages) and int(counts[g].min()) >= max(fewest, 2)]
    names = tuple(groups[g] for g in kept)
    left_out = tuple(name for name, some in zip(groups, counts.sum(axis=1), strict=True) if some and name not in names)
    place = np.full(len(groups) + 1, -1)
    place[kept] = np.arange(len(kept))
    home = place[codes]
    used = (home >= 0) & here.any(axis=1)
    y, home, here = scores[used], home[used], here[used]
    n, complete = int(used.sum()), int(here.all(axis=1).sum())
    why: Reason | None = "not_asked" if len(stages) < 2 else "one_group" if len(kept) < 2 else None
    if why is None and not bool((here.sum(axis=1) > 1).any()):
        why = "no_complete_cases"
    fitted = None if why is not None else _fitted(_collected(y, here, home, len(kept)))
    if fitted is None:
        return _nothing(why or "no_variance", n, complete, left_out)
    f, df1, df2 = _joint(fitted)
    robust = _johansen(y[here.all(axis=1)], home[here.all(axis=1)], len(kept))
    tests = _tests((f, df1, df2), robust, n, complete)
    icc = Statistic(fitted.tau2 / (fitted.tau2 + fitted.sigma2), n=n, method="share between respondents, REML")
    return Interaction(n, complete, tests[0], df1, df2, *tests[1:], icc, _means(fitted, names, stages, counts[kept],
                       thresholds), _effects(fitted, names, stages, counts[kept], thresholds), left_out)  # fmt: skip


def _nothing(why: Reason, n: int, complete: int, left_out: tuple[str, ...]) -> Interaction:
    """No test, and why."""
    none = undefined(why, n, "group x stage")
    return Interaction(n, complete, none, 0, None, none, none, none, none, {}, (), left_out)


def _tests(
    joint: tuple[float, int, float], robust: tuple[float, int, float] | None, n: int, complete: int
) -> tuple[Statistic, Statistic, Statistic, Statistic]:
    """F and p of the mixed model and of Johansen's test."""
    found = []
    for test, many, method in ((joint, n, "mixed model, Satterthwaite"), (robust, complete, "Johansen")):
        if test is None:
            found += [undefined("no_complete_cases", many, name) for name in (f"F, {method}", method)]
            continue
        f, df1, df2 = test
        found.append(Statistic(f, n=many, method=f"F({df1}, {df2:.1f}), {method}"))
        found.append(Statistic(float(special.fdtrc(df1, df2, f)), n=many, method=method))
    return found[0], found[1], found[2], found[3]


def _collected(y: Floats, here: NDArray[np.bool_], home: Integers, g: int) -> _Moments:
    """Counts, sums and products by group and pattern: all that the model needs, however many respondents."""
    s = y.shape[1]
    kinds, pattern = np.unique(here @ (1 << np.arange(s)), return_inverse=True)
    place, size = home * kinds.size + pattern.ravel(), g * kinds.size
    filled = np.where(here, y, 0.0)
    sums = np.zeros((size, s))
    cross = np.zeros((size, s, s))
    for a in range(s):
        sums[:, a] = np.bincount(place, filled[:, a], size)
        for b in range(a, s):
            cross[:, a, b] = cross[:, b, a] = np.bincount(place, filled[:, a] * filled[:, b], size)
    present = (kinds[:, None] >> np.arange(s) & 1).astype(np.bool_)
    shape = (g, kinds.size)
    n = np.bincount(place, minlength=size).astype(np.float64)
    return _Moments(present, n.reshape(shape), sums.reshape(*shape, s), cross.reshape(*shape, s, s))


def _inverse(found: _Moments, sigma2: float, tau2: float) -> Floats:
    """(patterns, s, s) inverse of ``sigma^2 I + tau^2 J`` of the stages present, 0 where absent."""
    both = found.present[:, :, None] & found.present[:, None, :]
    share = tau2 / (sigma2 + found.present.sum(axis=1) * tau2)
    inverse: Floats = both * (np.eye(found.present.shape[1]) - share[:, None, None]) / sigma2
    return inverse


def _deviance(found: _Moments, sigma2: float, tau2: float) -> tuple[float, Floats, Floats]:
    """-2 log restricted likelihood but for a constant, with the means (g, s) and their covariance (g, s, s)."""
    inverse = _inverse(found, sigma2, tau2)
    weight = np.einsum("gp,pab->gab", found.n, inverse)
    aim = np.einsum("pab,gpb->ga", inverse, found.sums)
    covariance = np.linalg.inv(weight)
    means = np.einsum("gab,gb->ga", covariance, aim)
    size = found.present.sum(axis=1)
    log_det = (size - 1) * math.log(sigma2) + np.log(sigma2 + size * tau2)
    square = float(np.einsum("pab,gpab->", inverse, found.cross) - (aim * means).sum())
    value = float(found.n.sum(axis=0) @ log_det) + float(np.linalg.slogdet(weight)[1].sum()) + square
    return value, means, covariance


def _profiled(found: _Moments, theta: float) -> tuple[float, float]:
    """Deviance at tau^2/sigma^2 = theta with the best sigma^2, and that sigma^2."""
    inverse = _inverse(found, 1.0, theta)
    weight = np.einsum("gp,pab->gab", found.n, inverse)
    aim = np.einsum("pab,gpb->ga", inverse, found.sums)
    rss = float(np.einsum("pab,gpab->", inverse, found.cross))
    rss -= float((aim * np.linalg.solve(weight, aim[:, :, None])[:, :, 0]).sum())
    size = found.present.sum(axis=1)
    df = float(found.n.sum(axis=0) @ size) - weight.shape[0] * weight.shape[1]
    log_det = float(found.n.sum(axis=0) @ np.log1p(size * theta)) + float(np.linalg.slogdet(weight)[1].sum())
    return df * math.log(max(rss, 1e-300)) + log_det, rss / df


def _fitted(found: _Moments) -> _Mixed | None:
    """The model by REML; None without spread within groups and stages."""
    # Scores about the grand mean: sums of squares keep their digits, and contrasts do not move.
    middle = float(found.sums.sum() / (found.n.sum(axis=0) @ found.present.sum(axis=1)))
    found = _moved(found, middle)
    scale = float(np.einsum("gpaa->", found.cross))
    if float(found.n.sum(axis=0) @ found.present.sum(axis=1)) <= found.n.shape[0] * found.present.shape[1]:
        return None
    if not _profiled(found, 0.0)[1] > 1e-12 * scale:
        return None

    def at(x: float) -> float:
        return _profiled(found, math.exp(x))[0]

    best = float(minimize_scalar(at, bounds=(-16.0, 16.0), method="bounded", options={"xatol": 1e-10}).x)
    if not -15.5 < best < 15.5 or at(best) > _profiled(found, 0.0)[0] - 1e-12:
        theta, free = (math.exp(best), 1) if best >= 15.5 else (0.0, 1)
    else:
        best, free = _polished(at, best), 2
        theta = math.exp(best)
    sigma2 = _profiled(found, theta)[1]
    if not sigma2 > 1e-10 * scale / float(found.n.sum()):
        return None
    _, means, covariance = _deviance(found, sigma2, theta * sigma2)
    slopes = _slopes(found, covariance, sigma2, theta * sigma2)
    if free == 1:  # no variance between respondents (or nothing else): one number scales the whole covariance
        df = float(found.n.sum(axis=0) @ found.present.sum(axis=1)) - means.size
        own, precision = (covariance / sigma2,), np.array([[2 * sigma2**2 / df]])
        return _Mixed(means + middle, covariance, own, precision, theta * sigma2, sigma2)
    precision = 2 * np.asarray(np.linalg.inv(_curvature(found, sigma2, theta * sigma2)), np.float64)
    return _Mixed(means + middle, covariance, slopes, precision, theta * sigma2, sigma2)


def _moved(found: _Moments, middle: float) -> _Moments:
    """The moments of the scores minus a number."""
    here = found.present[None] * found.n[:, :, None]
    both = (found.present[:, :, None] & found.present[:, None, :])[None]
    sums = found.sums - middle * here
    cross = found.cross - middle * (found.sums[:, :, :, None] + found.sums[:, :, None, :]) * both
    return _Moments(found.present, found.n, sums, cross + middle**2 * found.n[:, :, None, None] * both)


STEP = 1e-3
"""Of differences with errors of the fourth order, in logarithms: as near as rounding allows."""


def _polished(at: object, x: float) -> float:
    """One Newton step from differences: a search that only compares values stops at half the digits."""
    value = [at(x + k * STEP) for k in (-2, -1, 0, 1, 2)]  # type: ignore[operator]
    slope = (value[0] - 8 * value[1] + 8 * value[3] - value[4]) / (12 * STEP)
    bend = (-value[0] + 16 * value[1] - 30 * value[2] + 16 * value[3] - value[4]) / (12 * STEP**2)
    return x - slope / bend if bend > 0 and abs(slope) < 0.1 * bend else x


def _curvature(found: _Moments, sigma2: float, tau2: float) -> Floats:
    """Second derivatives of the deviance by (sigma^2, tau^2), where its first are nought."""

    def at(a: float, b: float) -> float:
        return _deviance(found, sigma2 * math.exp(a * STEP), tau2 * math.exp(b * STEP))[0]

    def bend(a: float, b: float) -> float:
        value = [at(k * a, k * b) for k in (-2, -1, 0, 1, 2)]
        return (-value[0] + 16 * value[1] - 30 * value[2] + 16 * value[3] - value[4]) / (12 * STEP**2)

    own = bend(1, 0), bend(0, 1)
    mixed = (bend(1, 1) - own[0] - own[1]) / 2
    scale = np.array([sigma2, tau2])
    return np.array([[own[0], mixed], [mixed, own[1]]]) / np.outer(scale, scale)


def _slopes(found: _Moments, covariance: Floats, sigma2: float, tau2: float) -> tuple[Floats, Floats]:
    """Derivatives of the covariance of the means by sigma^2 and tau^2: ``C (sum n V^-1 dV V^-1) C``."""
    inverse = _inverse(found, sigma2, tau2)
    total = inverse.sum(axis=2)
    squares = (inverse @ inverse, total[:, :, None] * total[:, None, :])
    first, second = (covariance @ np.einsum("gp,pab->gab", found.n, one) @ covariance for one in squares)
    return first, second


def _df(fitted: _Mixed, contrast: Floats) -> tuple[float, float]:
    """Variance of a contrast (g, s) of the means, and Satterthwaite's degrees of freedom."""

    def spread(covariance: Floats) -> float:
        return float(np.einsum("ga,gab,gb->", contrast, covariance, contrast))

    variance, slope = spread(fitted.covariance), np.array([spread(one) for one in fitted.slopes])
    return variance, 2 * variance**2 / float(slope @ fitted.precision @ slope)


def _joint(fitted: _Mixed) -> tuple[float, int, float]:
    """F of all group x stage contrasts with its degrees of freedom, by the principal axes of their covariance."""
    g, s = fitted.means.shape
    by_group = np.column_stack([-np.ones(g - 1), np.eye(g - 1)])
    by_stage = np.column_stack([-np.ones(s - 1), np.eye(s - 1)])
    contrasts = np.einsum("ig,js->ijgs", by_group, by_stage).reshape(-1, g, s)
    between = np.einsum("iga,gab,jgb->ij", contrasts, fitted.covariance, contrasts)
    _, axes = np.linalg.eigh(between)
    squares, dfs = [], []
    for axis in axes.T:
        one = np.tensordot(axis, contrasts, axes=1)
        variance, df = _df(fitted, one)
        squares.append(float((one * fitted.means).sum()) ** 2 / variance)
        dfs.append(df)
    rank = len(squares)
    if max(dfs) - min(dfs) < 1e-6 * max(dfs):
        return sum(squares) / rank, rank, dfs[0]
    if min(dfs) <= 2:
        return sum(squares) / rank, rank, 2.0
    tail = sum(df / (df - 2) for df in dfs)
    return sum(squares) / rank, rank, 2 * tail / (tail - rank)


def _johansen(y: Floats, home: Integers, g: int) -> tuple[float, int, float] | None:
    """F of Johansen's test that all groups have the same differences between stages; each its own covariance.

    ``T = sum (d - dbar)' W_g (d - dbar)``, ``W_g = n S_g^-1``, against ``c F(q, q (q + 2)/(3 A))``, ``A = sum
    (tr (I - W^-1 W_g)^2 + tr^2 (I - W^-1 W_g))/(2 (n - 1))``, ``c = q + 2 A - 6 A/(q + 2)``.
    """
    s = y.shape[1] - 1
    away = y[:, 1:] - y[:, :1]
    means, weights, sizes = [], [], []
    for k in range(g):
        own = away[home == k]
        if len(own) < s + 2:
            return None
        spread = np.atleast_2d(np.cov(own, rowvar=False)) / len(own)
        if float(np.linalg.eigvalsh(spread)[0]) <= 1e-10 * max(float(np.trace(spread)), 1e-10):
            return None
        means.append(own.mean(axis=0))
        weights.append(np.linalg.inv(spread))
        sizes.append(len(own))
    total = np.sum(weights, axis=0)
    middle = np.linalg.solve(total, sum(w @ m for w, m in zip(weights, means, strict=True)))
    t = sum(float((m - middle) @ w @ (m - middle)) for w, m in zip(weights, means, strict=True))
    q, a = s * (g - 1), 0.0
    for w, n in zip(weights, sizes, strict=True):
        left = np.eye(s) - np.linalg.solve(total, w)
        a += (float(np.trace(left @ left)) + float(np.trace(left)) ** 2) / (2 * (n - 1))
    return t / (q + 2 * a - 6 * a / (q + 2)), q, q * (q + 2) / (3 * a)


def _means(
    fitted: _Mixed, groups: tuple[str, ...], stages: tuple[str, ...], counts: Integers, thresholds: Thresholds
) -> dict[str, dict[str, Statistic]]:
    """Means of the model with Satterthwaite t intervals."""
    found: dict[str, dict[str, Statistic]] = {}
    for a, stage in enumerate(stages):
        found[stage] = {}
        for k, group in enumerate(groups):
            one = np.zeros(fitted.means.shape)
            one[k, a] = 1.0
            variance, df = _df(fitted, one)
            reach = t_quantile(df, (1 + thresholds.level) / 2) * math.sqrt(variance)
            value = float(fitted.means[k, a])
            found[stage][group] = Statistic(
                value, value - reach, value + reach, thresholds.level, int(counts[k, a]), "mean, mixed model"
            )
    return found


def _effects(
    fitted: _Mixed, groups: tuple[str, ...], stages: tuple[str, ...], counts: Integers, thresholds: Thresholds
) -> tuple[StageEffect, ...]:
    """Differences of the groups at each stage."""
    made: list[tuple[str, str, str, Statistic]] = []
    p: list[float | None] = []
    for a, stage in enumerate(stages):
        for k, other in combinations(range(len(groups)), 2):
            one = np.zeros(fitted.means.shape)
            one[k, a], one[other, a] = 1.0, -1.0
            variance, df = _df(fitted, one)
            value, se = float((one * fitted.means).sum()), math.sqrt(variance)
            reach = t_quantile(df, (1 + thresholds.level) / 2) * se
            n = int(counts[k, a] + counts[other, a])
            found = Statistic(value, value - reach, value + reach, thresholds.level, n, "difference, mixed model")
            made.append((stage, groups[k], groups[other], found))
            p.append(2 * t_tail(df, -abs(value) / se))
    return tuple(
        StageEffect(*one, Statistic(adjusted, n=one[3].n, method="mixed model, Holm"))
        for one, adjusted in zip(made, holm(p), strict=True)
    )
