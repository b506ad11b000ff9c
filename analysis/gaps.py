"""Gaps of one item, cell, dimension, stage or the whole, with their tests."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.optimize import brentq

from analysis.adjust import benjamini_hochberg, holm
from analysis.frequencies import Frequencies, mean_statistic, t_quantile, t_tail, wilson
from analysis.ranks import SignedRank, hodges_lehmann, rank_biserial, sign_test, signed_rank
from analysis.results import Reason, Statistic, undefined


@dataclass(frozen=True)
class GapTests:
    """Everything said about one gap.  In JSON the fields of `gap` stand at the top, the others beside them."""

    gap: Statistic  # mean of P - E with its t interval
    expectation: Statistic  # mean of all who rated it (in three columns: the desired level)
    perception: Statistic  # SERVPERF: mean of all who rated it
    minimum: Statistic | None  # three columns only
    adequacy: Statistic | None  # MSA, P - minimum: three columns only
    pooled: Statistic  # mean over pairs, not respondents: secondary, composites only (items: the same)
    t: Statistic
    p_t: Statistic
    p_holm: Statistic  # p_t adjusted within its family (items, cells, dimensions, stages)
    p_bh: Statistic
    wilcoxon: Statistic  # W+, zeros kept (Pratt)
    p_wilcoxon: Statistic
    wilcoxon_nonzero: Statistic  # W+, zeros dropped (Wilcoxon), as R's wilcox.test
    p_wilcoxon_nonzero: Statistic
    p_sign: Statistic
    rank_biserial: Statistic
    hodges_lehmann: Statistic
    d_z: Statistic
    g_z: Statistic
    d_av: Statistic
    g_av: Statistic
    equivalence: Equivalence
    share_below: Statistic  # share of pairs with P < E, Wilson interval
    share_equal: Statistic
    share_above: Statistic
    differences: tuple[tuple[float, int], ...]  # histogram of P - E: (difference, count), ascending


@dataclass(frozen=True)
class Equivalence:
    """Whether the mean gap is shown to be within the smallest gap that matters, on either side."""

    delta: float  # the bounds are -delta and delta, in scale points
    difference: Statistic  # the mean with its interval at 1 - 2 alpha, which lies inside the bounds when it is shown
    p: Statistic  # of two one-sided tests, the larger; flagged "equivalent" when it is at most alpha

    @property
    def shown(self) -> bool | None:
        """Whether equivalence is shown; None where it cannot be tested."""
        return None if self.p.value is None else "equivalent" in self.p.flags


@dataclass(frozen=True)
class Levels:
    """What stands beside a gap: the levels of its columns."""

    expectation: Statistic
    perception: Statistic
    minimum: Statistic | None = None
    adequacy: Statistic | None = None
    pooled: Statistic | None = None  # None: the same as the gap


@dataclass(frozen=True)
class EquivalenceTest:
    """Two one-sided tests of a mean difference inside (-delta, delta)."""

    t_lower: float
    p_lower: float  # of the null hypothesis: mean at most -delta
    t_upper: float
    p_upper: float  # of the null hypothesis: mean at least delta
    p: float  # the larger of the two
    low: float  # interval at 1 - 2 alpha
    high: float


def gap_tests(
    differences: Frequencies,
    levels: Levels,
    paired_sds: tuple[float, float] | None = None,
    level: float = 0.95,
    reason: Reason = "no_complete_pairs",
    delta: float = 0.5,
) -> GapTests:
    """All tests and effect sizes of one gap.

    Parameters
    ----------
    differences : Frequencies
        Perception minus expectation of n complete pairs (or of n composite scores), in scale points.
    levels : Levels
        Means of the columns, by all who rated them.
    paired_sds : (float, float) or None
        Standard deviations of both columns over the same n, for `d_av`; None when n < 2.
    level : float
        Confidence level.
    reason : str
        Why there is nothing, when n = 0.
    delta : float
        Smallest gap that matters, in points of the scale: the bounds of the equivalence test.

    Returns
    -------
    GapTests
        Unadjusted: `p_holm` and `p_bh` are set by `adjusted`, which knows the family.  n = 0: all undefined with
        `reason`.  n = 1: no t, no rank test.  All differences zero: t and W undefined, their p is 1.  All differences
        equal but not zero: t, its p and the standardised effects undefined ("no_variance"); ranks and signs still
        speak.

    References
    ----------
    Student (1908), Biometrika 6, 1-25; Wilcoxon (1945), Biometrics 1, 80-83; Cumming, G. (2012), Understanding the
    New Statistics, chapter 11 (d_av); Hedges, L. V. (1981), J. Educ. Statist. 6, 107-128 (exact correction J).
    """
    gap = mean_statistic(differences, level, reason, "mean difference")
    n = differences.n
    t, p_t, d_z, g_z = _t_family(differences, level, reason)
    d_av, g_av = _average_effects(differences, paired_sds, d_z, level, reason)
    w, p_w = _rank_statistics(differences, signed_rank(differences), "zeros kept (Pratt)", reason)
    w_nonzero, p_w_nonzero = _rank_statistics(differences, signed_rank(differences, "wilcox"), "zeros dropped", reason)

    def share(chosen: NDArray[np.bool_]) -> Statistic:
        return wilson(differences.count(chosen), n, level, reason=reason)

    pooled = replace(gap, low=None, high=None, level=None, method="mean over pairs") if gap.value is not None else gap
    return GapTests(
        gap=gap,
        expectation=levels.expectation,
        perception=levels.perception,
        minimum=levels.minimum,
        adequacy=levels.adequacy,
        pooled=levels.pooled or pooled,
        t=t,
        p_t=p_t,
        p_holm=p_t,
        p_bh=p_t,
        wilcoxon=w,
        p_wilcoxon=p_w,
        wilcoxon_nonzero=w_nonzero,
        p_wilcoxon_nonzero=p_w_nonzero,
        p_sign=sign_test(differences) if n else undefined(reason, 0, "sign test, exact"),
        rank_biserial=_rank_biserial(differences, level, reason),
        hodges_lehmann=hodges_lehmann(differences, level) if n else undefined(reason, 0, "Hodges-Lehmann", level),
        d_z=d_z,
        g_z=g_z,
        d_av=d_av,
        g_av=g_av,
        equivalence=_equivalence(differences, delta, 1 - level, reason),
        share_below=share(differences.values < 0),
        share_equal=share(differences.values == 0),
        share_above=share(differences.values > 0),
        differences=tuple(zip(differences.values.tolist(), differences.counts.tolist(), strict=True)),
    )


def _t_family(
    differences: Frequencies, level: float, reason: Reason
) -> tuple[Statistic, Statistic, Statistic, Statistic]:
    """t, its two-sided p, d_z and g_z."""
    names = ("paired t", "paired t, two-sided", "mean / SD of differences, noncentral t interval", "d_z x exact J")
    n = differences.n
    why: Reason | None = reason if n == 0 else "one_respondent" if n == 1 else None
    if why is None and differences.values.size == 1:
        why = "all_differences_zero" if differences.values[0] == 0 else "no_variance"
    if why is not None:
        t, p, d, g = (undefined(why, n, name) for name in names)
        # Nothing speaks against a mean of zero when every difference is zero.
        return t, replace(p, value=1.0) if why == "all_differences_zero" else p, d, g
    d_z = differences.mean() / differences.sd()
    t_value = d_z * math.sqrt(n)
    p_value = 2 * t_tail(n - 1, -abs(t_value))
    low, high = noncentral_interval(t_value, n, level)
    j = hedges_correction(n - 1)
    g_z = undefined("too_early", n, names[3], level)  # J does not exist for two pairs
    if j > 0:
        ends = (None if low is None else j * low, None if high is None else j * high)
        g_z = Statistic(j * d_z, *ends, level, n, names[3])
    return (
        Statistic(t_value, n=n, method=names[0]),
        Statistic(p_value, n=n, method=names[1]),
        Statistic(d_z, low, high, level, n, names[2]),
        g_z,
    )


def _average_effects(
    differences: Frequencies, sds: tuple[float, float] | None, d_z: Statistic, level: float, reason: Reason
) -> tuple[Statistic, Statistic]:
    """d_av by the root mean square of both standard deviations, and g_av.

    Their intervals are those of d_z by the noncentral t, times the SD of the differences over that root mean square:
    an approximation that takes the ratio of the spreads as known.
    """
    n, names = differences.n, ("mean / RMS of both SDs, noncentral t interval of d_z rescaled", "d_av x exact J")
    why: Reason | None = reason if n == 0 else "one_respondent" if n == 1 else None
    spread = math.hypot(*sds) / math.sqrt(2) if sds is not None else 0.0
    if why is None and spread == 0:
        why = "no_variance"
    if why is not None:
        return undefined(why, n, names[0]), undefined(why, n, names[1])
    d_av, j, sd = differences.mean() / spread, hedges_correction(n - 1), differences.sd()
    low, high = (None if one is None else one * sd / spread for one in (d_z.low, d_z.high))
    effect = Statistic(d_av, low, high, level, n, names[0], (), None if sd > 0 else "no_variance")
    if j == 0:
        return effect, undefined("too_early", n, names[1], level)
    ends = (None if low is None else j * low, None if high is None else j * high)
    return effect, Statistic(j * d_av, *ends, level, n, names[1], (), effect.reason)


def _rank_biserial(differences: Frequencies, level: float, reason: Reason) -> Statistic:
    """The matched rank-biserial correlation with a normal interval of its Fisher transform.

    ``tanh(atanh(r) -+ z se)``, ``se = sqrt((2 n^3 + 3 n^2 + n)/6)/((n^2 + n)/2)`` for n nonzero differences; without
    one at r = -1 and 1 ("at_end").

    References
    ----------
    Ben-Shachar, M. S., Luedecke, D. and Makowski, D. (2020). effectsize. JOSS 5, 2815.
    """
    if not differences.n:
        return undefined(reason, 0, "matched rank-biserial, zeros dropped", level)
    found = rank_biserial(differences)
    if found.value is None:
        return found
    method = f"{found.method}, normal interval"
    if abs(found.value) >= 1:
        return replace(found, level=level, method=method, reason="at_end")
    n = float(differences.count(differences.values != 0))
    se = math.sqrt((2 * n**3 + 3 * n**2 + n) / 6) / ((n**2 + n) / 2)
    middle, reach = math.atanh(found.value), float(special.ndtri((1 + level) / 2)) * se
    return replace(found, low=math.tanh(middle - reach), high=math.tanh(middle + reach), level=level, method=method)


def _equivalence(differences: Frequencies, delta: float, alpha: float, reason: Reason) -> Equivalence:
    """Two one-sided tests against the bounds."""
    n, method, level = differences.n, f"two one-sided t tests, alpha {alpha:g}", 1 - 2 * alpha
    difference = mean_statistic(differences, level, reason, "mean difference")
    found = tost(differences, delta, alpha)
    if found is None:
        why: Reason = reason if n == 0 else "one_respondent" if n == 1 else "no_variance"
        return Equivalence(delta, difference, undefined(why, n, method))
    p = Statistic(found.p, n=n, method=method)
    return Equivalence(delta, difference, p.flagged("equivalent") if found.p <= alpha else p)


def _rank_statistics(
    differences: Frequencies, ranks: SignedRank, zeros: str, reason: Reason
) -> tuple[Statistic, Statistic]:
    """W+ and its p, with the cases in which they say nothing."""
    n = differences.n
    name = f"Wilcoxon signed rank, {zeros}"
    if n < 2:
        why: Reason = reason if n == 0 else "one_respondent"
        return undefined(why, n, name), undefined(why, n, name)
    if ranks.z is None:
        nothing = undefined("all_differences_zero", n, name)
        return nothing, replace(nothing, value=1.0)
    how = "normal" if ranks.p_exact is None else "exact"
    return Statistic(ranks.w_plus, n=n, method=name), Statistic(ranks.p, n=n, method=f"{name}, {how}")


def adjusted(family: dict[str, GapTests]) -> dict[str, GapTests]:
    """The same gaps with `p_holm` and `p_bh` adjusted for all of them; a missing p does not count."""
    p = [one.p_t.value for one in family.values()]
    found = {}
    for (name, one), by_holm, by_bh in zip(family.items(), holm(p), benjamini_hochberg(p), strict=True):
        found[name] = replace(
            one,
            p_holm=replace(one.p_t, value=by_holm, method="paired t, Holm"),
            p_bh=replace(one.p_t, value=by_bh, method="paired t, Benjamini-Hochberg"),
        )
    return found


def hedges_correction(df: int) -> float:
    """Exact small-sample factor J: ``Gamma(df/2) / (sqrt(df/2) Gamma((df - 1)/2))``; 0 for df = 1.

    It is not the approximation ``1 - 3/(4 df - 1)``: .913875 against .914286 at df = 9.
    """
    if df < 2:
        return 0.0  # Gamma(0) is infinite: two pairs say nothing about an effect in units of their SD
    if df > 10_000:
        # The difference of two large lgamma loses digits; the series in 1/df does not (error below df**-4).
        return 1 - 3 / (4 * df) - 7 / (32 * df * df) + 9 / (128 * df**3)
    return math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)


def noncentral_interval(t: float, n: int, level: float = 0.95) -> tuple[float | None, float | None]:
    """Limits of d_z: the noncentralities for which t is just not extreme, over sqrt(n) (n at least 2).

    A limit is None where the noncentral distribution cannot be computed: at abs(t) of 100 and more with few degrees
    of freedom.

    References
    ----------
    Steiger, J. H. and Fouladi, R. T. (1997). Noncentrality interval estimation. In: What if there were no
    significance tests?
    """
    low, high = noncentrality_limits(t, n - 1, level)
    return None if low is None else low / math.sqrt(n), None if high is None else high / math.sqrt(n)


def noncentrality_limits(t: float, df: int, level: float = 0.95) -> tuple[float | None, float | None]:
    """The noncentralities for which t of `df` degrees of freedom is just not extreme; see `noncentral_interval`."""
    tail = (1 - level) / 2
    return _noncentral_limit(t, df, 1 - tail, -1.0), _noncentral_limit(t, df, tail, 1.0)


def _noncentral_limit(t: float, df: int, p: float, step: float) -> float | None:
    """The noncentrality at which t has the lower tail p.

    The tail falls as the noncentrality grows.  The search goes out from t, where the tail is near one half, in
    growing steps until p is passed, and in smaller ones where a step leaves the region that can be computed.
    """

    def beyond(noncentrality: float) -> float:
        return float(special.nctdtr(df, noncentrality, t)) - p

    inner, side = t, math.copysign(1.0, step)
    for _ in range(200):
        found = beyond(inner + step)
        if math.isnan(found):
            step /= 2
        elif found * side > 0:
            inner, step = inner + step, 2 * step
        else:
            break
    try:
        return float(brentq(beyond, inner, inner + step, xtol=1e-13, rtol=1e-14))
    except ValueError:  # brentq met a point, or an end, without a value
        return None


def tost(differences: Frequencies, delta: float, alpha: float = 0.05) -> EquivalenceTest | None:
    """Two one-sided t tests of -delta < mean < delta; None for n < 2 or when all differences are equal.

    References
    ----------
    Schuirmann, D. J. (1987). J. Pharmacokin. Biopharm. 15, 657-680.
    """
    n = differences.n
    if n < 2 or differences.values.size == 1:
        return None
    mean, se = differences.mean(), differences.sd() / math.sqrt(n)
    t_lower, t_upper = (mean + delta) / se, (mean - delta) / se
    p_lower, p_upper = t_tail(n - 1, -t_lower), t_tail(n - 1, t_upper)
    reach = t_quantile(n - 1, 1 - alpha) * se
    return EquivalenceTest(t_lower, p_lower, t_upper, p_upper, max(p_lower, p_upper), mean - reach, mean + reach)


def minimum_effect(mean: float, sd: float, n: int, delta: float) -> tuple[float | None, float]:
    """t and lower-tail p of the null hypothesis that the mean difference is at least -delta (n at least 1).

    With no spread t is None, and p is that of the sign test: ``0.5**n`` when all differences lie below -delta, else 1.
    """
    if n < 2 or sd <= 0:
        return None, 0.5**n if mean < -delta else 1.0
    t = (mean + delta) / (sd / math.sqrt(n))
    return t, t_tail(n - 1, t)
