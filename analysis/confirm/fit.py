"""How well a factor model fits: chi-square and its relatives, plain and robust, with lavaan's formulas."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import optimize, special

from analysis.confirm.estimate import Estimate, maximum_likelihood
from analysis.confirm.model import independence
from analysis.confirm.robust import FourthMoments, scaling_factor
from analysis.results import Reason, Statistic, held, undefined
from analysis.thresholds import DEFAULT, Thresholds


@dataclass(frozen=True)
class Test:
    """A chi-square statistic: value, degrees of freedom, and the factor by which it was made larger than it should be.

    `scaled` is the statistic compared with the chi-square distribution; `scale` is 1 and `scaled` the value itself
    where ratings are taken as normal.
    """

    value: float
    df: int
    scaled: float
    scale: float = 1.0


@dataclass(frozen=True)
class FitTable:
    """Fit of one model.

    `scaled` statistics are for ratings that are not normal or not complete: with maximum likelihood the Yuan-Bentler
    chi-square in Mplus' form, with DWLS the mean- and variance-adjusted one, and the indices by the formulas of normal
    ratings from these.  `robust` indices estimate what the indices of normal, complete ratings would be in the
    population, whatever the estimator, so guides and limits are for them: with maximum likelihood from the scaling
    factors, with DWLS from the maximum likelihood discrepancy of the correlations (see `categorical`).
    All are undefined with reason "not_asked" when no rows were given.
    """

    n: int
    parameters: int
    df: int
    chi2: Statistic
    p: Statistic
    chi2_scaled: Statistic
    p_scaled: Statistic
    scaling_factor: Statistic
    baseline_chi2: Statistic
    baseline_df: int
    cfi: Statistic
    tli: Statistic
    rmsea: Statistic
    p_close: Statistic
    cfi_scaled: Statistic
    tli_scaled: Statistic
    rmsea_scaled: Statistic
    p_close_scaled: Statistic
    cfi_robust: Statistic
    tli_robust: Statistic
    rmsea_robust: Statistic
    p_close_robust: Statistic
    srmr: Statistic
    log_likelihood: Statistic
    aic: Statistic
    bic: Statistic


def cfi(model: Test, baseline: Test) -> float:
    """Comparative fit index, robust when the tests carry scaling factors; 0..1, 1 when neither model misfits.

    References
    ----------
    Bentler, P. M. (1990). Comparative fit indexes in structural models. Psychological Bulletin 107, 238-246.
    Brosseau-Liard, P. E. and Savalei, V. (2014). Adjusting incremental fit indices for nonnormality. MBR 49, 460-470.
    """
    misfit = max(model.value - model.scale * model.df, 0.0)
    most = max(misfit, baseline.value - baseline.scale * baseline.df, 0.0)
    return 1.0 if most <= 0 else 1 - misfit / most


def tli(model: Test, baseline: Test) -> float:
    """Tucker-Lewis index, robust when the tests carry scaling factors; may leave 0..1.

    References
    ----------
    Tucker, L. R. and Lewis, C. (1973). A reliability coefficient for maximum likelihood factor analysis.
    Psychometrika 38, 1-10.
    """
    misfit = (model.value - model.scale * model.df) * baseline.df
    most = (baseline.value - baseline.scale * baseline.df) * model.df
    return 1.0 if most == 0 else 1 - misfit / most


def rmsea(model: Test, n: int, groups: int = 1) -> float:
    """Root mean square error of approximation for df of at least 1; times the root of the number of groups.

    References
    ----------
    Steiger, J. H. (1998). A note on multiple sample extensions of the RMSEA fit index. SEM 5, 411-419.
    Brosseau-Liard, P. E., Savalei, V. and Li, L. (2012). An investigation of the sample performance of two nonnormality
    corrections for RMSEA. MBR 47, 904-930.
    """
    return math.sqrt(max(model.value / model.df - model.scale, 0.0) / n * groups)


def rmsea_interval(model: Test, n: int, groups: int = 1, level: float = 0.90) -> tuple[float, float]:
    """Limits of the RMSEA from the noncentral chi-square distribution.

    References
    ----------
    Browne, M. W. and Cudeck, R. (1993). Alternative ways of assessing model fit. In Testing Structural Equation Models.
    """
    limits = [noncentrality(model.scaled, model.df, p) for p in ((1 + level) / 2, (1 - level) / 2)]
    low, high = (math.sqrt(model.scale * one * groups / (n * model.df)) for one in limits)
    return low, high


def close_fit(model: Test, n: int, groups: int = 1, at: float = 0.05) -> float:
    """p value of the hypothesis that the RMSEA is at most `at`."""
    return 1 - _noncentral(model.scaled, model.df, n * model.df * at**2 / model.scale / groups)


def noncentrality(value: float, df: int, p: float) -> float:
    """Noncentrality at which the chi-square distribution function is `p` at `value`; 0 when there is none."""
    if _noncentral(value, df, 0.0) <= p:
        return 0.0
    high = value + 10 * math.sqrt(2 * df + 4 * value) + 100
    return float(optimize.brentq(lambda at: _noncentral(value, df, at) - p, 0.0, high, xtol=1e-10, rtol=1e-14))


def _noncentral(value: float, df: int, noncentrality: float) -> float:
    """Distribution function of noncentral chi-square (central at 0)."""
    if noncentrality <= 0:
        return float(special.gammainc(df / 2, value / 2))
    return float(special.chndtr(value, df, noncentrality))


def srmr(found: Estimate) -> float:
    """Standardised root mean square residual (Bentler's, lavaan's default), means included when they are modelled."""
    total = 0.0
    for at, sample in zip(found.implied, found.samples, strict=True):
        sds = np.sqrt(np.diag(sample.covariance))
        rows, columns = np.tril_indices(sds.size)
        residuals = ((sample.covariance - at.covariance) / np.outer(sds, sds))[rows, columns]
        if found.model.with_means:
            residuals = np.concatenate([residuals, (sample.mean - at.mean) / sds])
        total += sample.n / found.n * math.sqrt(float(np.mean(residuals**2)))
    return total


def log_likelihood(found: Estimate) -> float:
    """Log-likelihood of normal data at the estimates."""
    total = 0.0
    for sample in found.samples:
        p = sample.mean.size
        total -= sample.n / 2 * (p * math.log(2 * math.pi) + float(np.linalg.slogdet(sample.covariance)[1]) + p)
    return total - found.chi2 / 2


@dataclass(frozen=True, eq=False)
class Baseline:
    """The model without factors, and its scaling factor when fourth moments were given."""

    estimate: Estimate
    factor: float | None


def baseline_of(found: Estimate, fourth: Sequence[FourthMoments] | None = None) -> Baseline:
    """The model without factors, fitted to the same moments; the same for all models of these moments."""
    model = independence(found.model.items, len(found.samples), found.model.with_means)
    start = np.zeros(model.n_parameters)
    for part, sample in zip(model.groups, found.samples, strict=True):
        start[part.entries["errors"].parameters] = np.diag(sample.covariance)
        start[part.entries["intercepts"].parameters] = sample.mean[part.entries["intercepts"].rows]
    fitted = maximum_likelihood(model, found.samples, start)
    assert isinstance(fitted, Estimate)  # the same moments were fitted before
    return Baseline(fitted, None if fourth is None else scaling_factor(fitted, fourth))


def fit_of(
    found: Estimate,
    fourth: Sequence[FourthMoments] | None = None,
    thresholds: Thresholds = DEFAULT,
    baseline: Baseline | None = None,
) -> FitTable:
    """Fit of an estimated model, with the robust statistics when fourth moments are given.

    Parameters
    ----------
    found : Estimate
    fourth : fourth moments of each group, optional
    baseline : `baseline_of` the same moments, when it is known already

    Returns
    -------
    FitTable
        With the flags ``indicative`` (n below 200 or below 5 for each parameter) and ``from_sample`` (fourth moments
        of a random sample of the rows).  With df = 0 what needs df is undefined ("just_identified").
    """
    none = baseline_of(found, fourth) if baseline is None else baseline
    plain = tuple(Test(one.chi2, one.model.df, one.chi2) for one in (found, none.estimate))
    scaled = robust = None
    factor = None if fourth is None else scaling_factor(found, fourth)
    if factor is not None and none.factor is not None:
        robust = _with_factor(plain[0], factor), _with_factor(plain[1], none.factor)
        scaled = _scaled(robust[0]), _scaled(robust[1])
    why: Reason = "not_asked" if fourth is None else "singular"
    sampled = fourth is not None and any(one.from_sample for one in fourth)
    free, groups, method = found.model.n_parameters, len(found.samples), "maximum likelihood"
    tests = plain[0], plain[1]
    table = fit_table(
        tests, scaled, why, found.n, free, groups, srmr(found), method, thresholds, sampled, robust=robust
    )
    if fourth is not None and any(one.two_stage for one in fourth):
        return table  # the moments have no likelihood of their own
    ll = log_likelihood(found)

    def measure(value: float) -> Statistic:
        return Statistic(value, n=found.n, method=method, flags=table.srmr.flags)

    aic, bic = 2 * free - 2 * ll, free * math.log(found.n) - 2 * ll
    return replace(table, log_likelihood=measure(ll), aic=measure(aic), bic=measure(bic))


def _with_factor(test: Test, factor: float) -> Test:
    """A test with its scaling factor."""
    return Test(test.value, test.df, test.value / factor, factor)


def _scaled(test: Test) -> Test:
    """The scaled statistic in the place of the plain one."""
    return Test(test.scaled, test.df, test.scaled)


def indicative(n: int, parameters: int, thresholds: Thresholds = DEFAULT) -> bool:
    """Whether there are too few respondents to take the fit as more than an indication."""
    return n < thresholds.factor_n or n < thresholds.factor_n_per_parameter * parameters


def fit_table(
    plain: tuple[Test, Test],
    scaled: tuple[Test, Test] | None,
    why: Reason,
    n: int,
    parameters: int,
    groups: int,
    residual: float,
    method: str,
    thresholds: Thresholds,
    sampled: bool = False,
    multiplier: int | None = None,
    robust: tuple[Test, Test] | None = None,
) -> FitTable:
    """The table from the tests of a model and of its baseline; `why` there are no scaled ones.

    `multiplier` is what the discrepancy was multiplied by to give chi-square: n unless it is told.  `robust` tests are
    the ones with scaling factors; without them robust indices are left to the caller.
    """
    flags = ("indicative",) if indicative(n, parameters, thresholds) else ()
    if plain[0].df == 0:
        scaled, robust, why = None, None, "just_identified"
    by = n if multiplier is None else multiplier
    by_plain = fit_indices(plain, "just_identified", n, by, groups, method, flags, thresholds)
    more = (*flags, "from_sample") if sampled else flags
    by_scaled = fit_indices(scaled, why, n, by, groups, f"{method}, scaled", more, thresholds)
    by_robust = fit_indices(robust, why, n, n, groups, f"{method}, robust", more, thresholds)
    without = undefined("not_asked", n, method)
    return FitTable(
        n=n,
        parameters=parameters,
        df=plain[0].df,
        chi2=by_plain["chi2"],
        p=by_plain["p"],
        chi2_scaled=by_scaled["chi2"],
        p_scaled=by_scaled["p"],
        scaling_factor=by_scaled["scale"] if robust is None else by_robust["scale"],
        baseline_chi2=Statistic(plain[1].value, n=n, method=method, flags=flags),
        baseline_df=plain[1].df,
        cfi=by_plain["cfi"],
        tli=by_plain["tli"],
        rmsea=by_plain["rmsea"],
        p_close=by_plain["p_close"],
        cfi_scaled=by_scaled["cfi"],
        tli_scaled=by_scaled["tli"],
        rmsea_scaled=by_scaled["rmsea"],
        p_close_scaled=by_scaled["p_close"],
        cfi_robust=by_robust["cfi"],
        tli_robust=by_robust["tli"],
        rmsea_robust=by_robust["rmsea"],
        p_close_robust=by_robust["p_close"],
        srmr=Statistic(residual, n=n, method="SRMR, Bentler", flags=flags),
        log_likelihood=without,
        aic=without,
        bic=without,
    )


def fit_indices(
    tests: tuple[Test, Test] | None,
    why: Reason,
    n: int,
    multiplier: int,
    groups: int,
    method: str,
    flags: tuple[str, ...],
    thresholds: Thresholds,
) -> dict[str, Statistic]:
    """Chi-square, its p, CFI, TLI and RMSEA as statistics, or the reason why there are none."""
    names = ("chi2", "p", "scale", "cfi", "tli", "rmsea", "p_close")
    if tests is None or tests[0].df == 0:
        return {name: undefined(why, n, method) for name in names}
    model, baseline = tests
    level = thresholds.rmsea_level
    low, high = rmsea_interval(model, multiplier, groups, level)
    size = rmsea(model, multiplier, groups)
    values = {
        "chi2": model.scaled,
        "p": float(special.gammaincc(model.df / 2, model.scaled / 2)),
        "scale": model.scale,
        "cfi": cfi(model, baseline),
        "tli": tli(model, baseline),
        "p_close": close_fit(model, multiplier, groups),
    }
    found = {name: Statistic(value, n=n, method=method, flags=flags) for name, value in values.items()}
    return found | {"rmsea": held(size, low, high, level, n, method, flags)}


def acceptable(fit: FitTable, thresholds: Thresholds = DEFAULT) -> bool:
    """Whether CFI, RMSEA and SRMR are within the lenient guides, by the robust indices (see `preferred`)."""
    cfi, rmsea = (
        preferred(fit.cfi_robust, fit.cfi_scaled, fit.cfi),
        preferred(fit.rmsea_robust, fit.rmsea_scaled, fit.rmsea),
    )
    if cfi is None or rmsea is None or fit.srmr.value is None:
        return False
    return cfi >= thresholds.cfi_fair and rmsea <= thresholds.rmsea_fair and fit.srmr.value <= thresholds.srmr_good


def preferred(*given: Statistic) -> float | None:
    """The first of the robust, scaled and plain values of an index that is defined."""
    return next((one.value for one in given if one.value is not None), None)
