"""Branches: how much they really differ, each one's estimate drawn towards the mean, and ranks with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.optimize import brentq, minimize_scalar

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OneWay:
    """Analysis of variance of branches by the method of moments; None where there is no spread at all."""

    between: float  # mean square between branches
    within: float
    n0: float  # the size that unequal branches are worth
    icc1: float | None  # share of the variance that lies between branches; may be negative
    icc2: float | None  # reliability of branch means; may be negative
    tau2: float  # variance between branches, cut at 0


def one_way(n: Floats, means: Floats, variances: Floats) -> OneWay | None:
    """One-way random effects by the method of moments.

    Parameters
    ----------
    n, means, variances : (b,) float
        Respondents of each branch (at least 1), their mean, and their variance with divisor n - 1 (0 for n = 1).

    Returns
    -------
    OneWay or None
        ``ICC(1) = (MSB - MSW)/(MSB + (n0 - 1) MSW)``, ``n0 = (N - sum n^2/N)/(b - 1)``, ``ICC(2) = (MSB - MSW)/MSB``.
        None with fewer than two branches, or without a second respondent anywhere.

    References
    ----------
    Shrout, P. E. and Fleiss, J. L. (1979). Intraclass correlations. Psychological Bulletin 86, 420-428.
    """
    b, total = n.size, float(n.sum())
    if b < 2 or total <= b:
        return None
    grand = float((n * means).sum()) / total
    between = float((n * (means - grand) ** 2).sum()) / (b - 1)
    within = float(((n - 1) * variances).sum()) / (total - b)
    n0 = (total - float((n**2).sum()) / total) / (b - 1)
    whole = between + (n0 - 1) * within
    return OneWay(
        between,
        within,
        n0,
        (between - within) / whole if whole > 0 else None,
        (between - within) / between if between > 0 else None,
        max(0.0, (between - within) / n0),
    )


def icc_limits(
    n: Floats, spread: OneWay, level: float = 0.95
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Limits of ICC(1) and of ICC(2) by F; exact for branches of equal size, with n0 in its place an approximation.

    ``F_L = F / F(1 - a/2; b - 1, N - b)``, ``F_U = F F(1 - a/2; N - b, b - 1)``; ICC(1) from ``(F_L - 1)/(F_L + n0 -
    1)`` to the same of F_U, ICC(2) from ``1 - 1/F_L`` to ``1 - 1/F_U``.  None where either mean square is 0.

    References
    ----------
    Shrout, P. E. and Fleiss, J. L. (1979). Intraclass correlations. Psychological Bulletin 86, 420-428.  McGraw, K. O.
    and Wong, S. P. (1996). Psychological Methods 1, 30-46.
    """
    if not (spread.between > 0 and spread.within > 0):
        return None
    b, total = n.size, float(n.sum())
    ratio, tail = spread.between / spread.within, (1 + level) / 2
    low = ratio / float(special.fdtri(b - 1, total - b, tail))
    high = ratio * float(special.fdtri(total - b, b - 1, tail))
    first = ((low - 1) / (low + spread.n0 - 1), (high - 1) / (high + spread.n0 - 1))
    return first, (1 - 1 / low, 1 - 1 / high)


@dataclass(frozen=True)
class RandomIntercept:
    """A random intercept for each branch, by restricted maximum likelihood."""

    mean: float
    se: float
    tau2: float
    sigma2: float

    @property
    def icc(self) -> float:
        """Share of the variance that lies between branches, from 0 to 1."""
        whole = self.tau2 + self.sigma2
        return self.tau2 / whole if whole > 0 else 0.0


def random_intercept(n: Floats, means: Floats, variances: Floats) -> RandomIntercept | None:
    """REML of ``y = mu + u_b + e`` from the moments of each branch.

    Parameters
    ----------
    n, means, variances : (b,) float
        As for `one_way`.

    Returns
    -------
    RandomIntercept or None
        None with fewer than two branches, without a second respondent, or without spread within branches.

    Notes
    -----
    With theta = tau^2/sigma^2 and w = n/(1 + theta n): ``-2 log L = (N - 1) log RSS + sum log(1 + theta n) +
    log(sum w)``, ``RSS = SSW + sum w (ybar - mu)^2``; one number to search for, whatever the number of respondents.

    References
    ----------
    Patterson, H. D. and Thompson, R. (1971). Recovery of inter-block information. Biometrika 58, 545-554.
    """
    total, within = float(n.sum()), float(((n - 1) * variances).sum())
    if n.size < 2 or total <= n.size or within <= 0:
        return None

    def parts(theta: float) -> tuple[float, float, float]:
        w = n / (1 + theta * n)
        mu = float((w * means).sum() / w.sum())
        return mu, float(w.sum()), within + float((w * (means - mu) ** 2).sum())

    def deviance(theta: float) -> float:
        _, weight, rss = parts(theta)
        return (total - 1) * math.log(rss) + float(np.log1p(theta * n).sum()) + math.log(weight)

    theta = 0.0
    found = minimize_scalar(lambda x: deviance(math.exp(x)), bounds=(-25.0, 15.0), method="bounded",
                            options={"xatol": 1e-12})  # fmt: skip
    if deviance(math.exp(found.x)) < deviance(0.0) - 1e-12:
        theta = math.exp(found.x)
    mu, weight, rss = parts(theta)
    sigma2 = rss / (total - 1)
    return RandomIntercept(mu, math.sqrt(sigma2 / weight), theta * sigma2, sigma2)


@dataclass(frozen=True)
class Pooled:
    """Branch means pooled with their own variances."""

    fixed_mean: float  # by inverse variances
    q: float  # Cochran's Q
    p_q: float
    i2: float  # share of Q that is more than chance, from 0 to 1
    tau2_dl: float  # variance between branches, DerSimonian-Laird
    tau2: float  # Paule-Mandel
    mean: float  # with the Paule-Mandel variance
    se: float


def pool(means: Floats, variances: Floats) -> Pooled:
    """Random-effects mean of branch means whose variances are known.

    Parameters
    ----------
    means, variances : (b,) float
        Branch means, and the variances s^2/n of these means, above 0; b at least 2.

    Returns
    -------
    Pooled
        Paule-Mandel's tau^2 is where ``sum (y - mu)^2/(v + tau^2) = b - 1``, 0 when Q is smaller than that.

    Raises
    ------
    ValueError
        With fewer than two branches or a variance that is not above 0.

    References
    ----------
    DerSimonian, R. and Laird, N. (1986). Controlled Clinical Trials 7, 177-188.  Paule, R. C. and Mandel, J. (1982).
    J. Res. Natl. Bur. Stand. 87, 377-385.
    """
    if means.size < 2 or not bool((variances > 0).all()):
        raise ValueError("pooling needs two branch means with variances above 0")
    df, weight = means.size - 1, 1 / variances
    fixed = float((weight * means).sum() / weight.sum())
    q = float((weight * (means - fixed) ** 2).sum())
    spare = float(weight.sum() - (weight**2).sum() / weight.sum())
    tau2_dl = max(0.0, (q - df) / spare)

    tau2 = _where_q_is(float(df), means, variances)
    w = 1 / (variances + tau2)
    return Pooled(
        fixed,
        q,
        float(special.chdtrc(df, q)),
        max(0.0, (q - df) / q) if q > 0 else 0.0,
        tau2_dl,
        tau2,
        float((w * means).sum() / w.sum()),
        1 / math.sqrt(float(w.sum())),
    )


def _where_q_is(wanted: float, means: Floats, variances: Floats) -> float:
    """The tau^2 at which the generalised Q, ``sum (y - mu)^2/(v + tau^2)``, has a value; 0 when it starts below it."""

    def surplus(tau2: float) -> float:
        w = 1 / (variances + tau2)
        mu = (w * means).sum() / w.sum()
        return float((w * (means - mu) ** 2).sum()) - wanted

    if surplus(0.0) <= 0:
        return 0.0
    high = 1.0
    while surplus(high) > 0:
        high *= 2
    return float(brentq(surplus, 0.0, high, xtol=1e-15, rtol=1e-14))


@dataclass(frozen=True)
class Heterogeneity:
    """Limits of the variance between branches and of I^2, by the Q-profile."""

    tau2: tuple[float, float]
    i2: tuple[float, float]


def q_profile(means: Floats, variances: Floats, level: float = 0.95) -> Heterogeneity | None:
    """Q-profile limits of tau^2: where the generalised Q is a quantile of chi-square with b - 1 degrees of freedom.

    Parameters
    ----------
    means, variances : (b,) float
        As for `pool`.

    Returns
    -------
    Heterogeneity or None
        I^2 has the limits ``tau^2/(tau^2 + s^2)``, ``s^2 = (b - 1)/(sum w - sum w^2/sum w)``, w = 1/v.  None where
        branches differ by so much less than chance that no tau^2 is within the limits.

    References
    ----------
    Viechtbauer, W. (2007). Confidence intervals for the amount of heterogeneity in meta-analysis. Statistics in
    Medicine 26, 37-52.
    """
    df, weight = means.size - 1, 1 / variances
    upper, lower = (float(special.chdtri(df, tail)) for tail in ((1 - level) / 2, (1 + level) / 2))
    fixed = float((weight * means).sum() / weight.sum())
    if float((weight * (means - fixed) ** 2).sum()) < lower:
        return None
    low, high = _where_q_is(upper, means, variances), _where_q_is(lower, means, variances)
    typical = df / float(weight.sum() - (weight**2).sum() / weight.sum())
    return Heterogeneity((low, high), (low / (low + typical), high / (high + typical)))


@dataclass(frozen=True)
class Shrunken:
    """Branch means drawn towards the overall mean, the more the less they are known."""

    reliability: Floats  # (b,) lambda, from 0 to 1
    means: Floats  # (b,)
    se: Floats  # (b,) with the uncertainty of the overall mean
    se_full: Floats  # (b,) with that of the variance between branches too: for a baseline that an action is judged by


def shrink(means: Floats, variances: Floats, tau2: float, mean: float, se: float) -> Shrunken:
    """Empirical Bayes estimates ``mu + lambda (y - mu)``, ``lambda = tau2/(tau2 + v)``.

    Parameters
    ----------
    means, variances : (b,) float
    tau2, mean, se : float
        Variance between branches, overall mean and its standard error.

    Returns
    -------
    Shrunken
        ``se^2 = lambda v + (1 - lambda)^2 se_mu^2``; `se_full` adds Morris's ``2/(b - 3) (1 - lambda)^2 (y - mu)^2``.
        His factor exists from four branches on; with two or three it is held at the 2 of four: without the term 95 %
        intervals cover 87 to 93 % there, with it 94 to 98 %.  With tau2 = 0 all are the overall mean.

    References
    ----------
    Morris, C. N. (1983). Parametric empirical Bayes inference. JASA 78, 47-55.
    """
    whole = tau2 + variances
    part = np.divide(tau2, whole, out=np.zeros_like(variances), where=whole > 0)
    spread = part * variances + (1 - part) ** 2 * se**2
    unsure = 2 / max(means.size - 3, 1) * (1 - part) ** 2 * (means - mean) ** 2
    return Shrunken(part, mean + part * (means - mean), np.sqrt(spread), np.sqrt(spread + unsure))


def rank_intervals(
    means: Floats, se: Floats, rng: np.random.Generator, level: float = 0.95, draws: int = 2000
) -> tuple[Floats, Floats, Floats]:
    """Ranks (1 is the lowest mean) with intervals, by draws from the branches' distributions.

    Returns
    -------
    median, low, high : (b,) float
        Of the rank over the draws.

    References
    ----------
    Goldstein, H. and Spiegelhalter, D. J. (1996). League tables and their limitations. JRSS A 159, 385-443.
    """
    drawn = means + se * rng.standard_normal((draws, means.size))
    ranks = np.argsort(np.argsort(drawn, axis=1), axis=1) + 1.0
    low, middle, high = np.quantile(ranks, [(1 - level) / 2, 0.5, (1 + level) / 2], axis=0)
    return middle, np.floor(low), np.ceil(high)


@dataclass(frozen=True)
class Adjusted:
    """Branch moments after case-mix adjustment: (b,) respondents, means, and variances of the residuals.

    The variance of a branch has as divisor n - 1 less what the traits were fitted with by it (0 when nothing is left).
    """

    n: Floats
    means: Floats
    variances: Floats


def case_mix(scores: Floats, traits: Sequence[NDArray[np.integer]], branch: NDArray[np.integer], b: int) -> Adjusted:
    """Branch means as if every branch had the same mix of customers.

    Parameters
    ----------
    scores : (n,) float
        NaN where there is no score.
    traits : sequence of (n,) int
        Codes of tier, tenure, age, channel ...; -1 (unknown) is a group of its own.
    branch : (n,) int
        0..b-1, or -1 for none.
    b : int

    Returns
    -------
    Adjusted
        Of respondents with a score and a branch.  The effects of the traits are those within branches, so that a
        branch is not corrected for what it does well.
    """
    known = ~np.isnan(scores) & (branch >= 0)
    y, home = scores[known], branch[known]
    n = np.bincount(home, minlength=b).astype(np.float64)
    columns = [
        (codes[known] == value).astype(np.float64)
        for codes in traits
        for value in np.unique(codes[known])[1:]  # the first group of each trait is the one compared with
    ]
    x = np.column_stack(columns) if columns else np.zeros((y.size, 0))

    def by_branch(values: Floats) -> Floats:
        found: Floats = np.bincount(home, weights=values, minlength=b) / np.maximum(n, 1)
        return found

    centred = x - np.column_stack([by_branch(column)[home] for column in x.T]) if x.shape[1] else x
    effect = np.linalg.lstsq(centred, y - by_branch(y)[home], rcond=1e-10)[0] if x.shape[1] else np.zeros(0)
    left = y - (x - x.mean(axis=0)) @ effect if y.size else y
    means = by_branch(left)
    squares = np.bincount(home, weights=(left - means[home]) ** 2, minlength=b)
    # Leverages within branches add up to the number of effects fitted; each branch pays for its own respondents.
    basis, sizes, _ = np.linalg.svd(centred, full_matrices=False) if centred.size else (centred, np.zeros(0), None)
    basis = basis[:, sizes > 1e-10 * sizes.max(initial=0.0)]
    fitted = np.bincount(home, weights=(basis**2).sum(axis=1), minlength=b)
    df = np.maximum(n - 1, 0) - fitted
    return Adjusted(n, means, np.divide(squares, df, out=np.zeros(b), where=df > 1e-9))
