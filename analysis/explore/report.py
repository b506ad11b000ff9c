"""Exploratory structure of one column, as one result."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.explore.adequacy import Adequacy, adequacy
from analysis.explore.columns import ColumnData
from analysis.explore.extraction import Extraction, FactorFit, Method, degrees_of_freedom, extract_lowest, factor_fit
from analysis.explore.hierarchy import Omegas, omegas, schmid_leiman
from analysis.explore.matrices import correlation, is_singular, smoothed
from analysis.explore.parallel import minimum_average_partial, parallel_analysis
from analysis.explore.rotation import Rotation, oblimin
from analysis.results import Reason, Statistic, undefined
from analysis.thresholds import DEFAULT, Thresholds

Floats = NDArray[np.float64]
Sentence = Literal["as_theory", "fewer", "more", "not_factorable", "undefined"]
Input = Literal["pearson", "polychoric"]
InputReason = Literal["few_points", "skewed", "many_points", "no_tables"]


@dataclass(frozen=True)
class FactorCount:
    """How many factors, by three methods, on Pearson correlations."""

    components: Statistic  # parallel analysis of components (Horn)
    factors: Statistic  # parallel analysis of factors
    map: Statistic  # Velicer's minimum average partial
    component_values: tuple[float, ...]  # observed eigenvalues, largest first
    component_limits: tuple[float, ...]  # quantile over the draws
    factor_values: tuple[float, ...]
    factor_limits: tuple[float, ...]
    average_partials: tuple[float, ...]  # after 0, 1, ... components
    draws: int


@dataclass(frozen=True)
class GeneralFactor:
    """A general factor behind the factors (Schmid-Leiman)."""

    omega_hierarchical: Statistic  # flagged "dominates" when the total score is what matters
    omega_total: Statistic
    ecv: Statistic  # explained common variance, flagged likewise
    loadings: dict[str, float]  # item -> general loading
    subscales: dict[str, Statistic]  # factor -> omega hierarchical of its items, without the general factor


@dataclass(frozen=True)
class FactorSolution:
    """Factors of the theory's number, extracted by minres and rotated by oblimin."""

    status: Statistic  # the number of factors; its flags and reason say what was wrong
    names: tuple[str, ...]  # "F1", "F2", ... by the variance they account for
    pattern: dict[str, dict[str, float]]  # item -> factor -> regression weight
    structure: dict[str, dict[str, float]]  # item -> factor -> correlation
    phi: dict[str, dict[str, float]]  # factor -> factor -> correlation
    communality: dict[str, float]
    chi2: Statistic
    p: Statistic
    df: int
    tli: Statistic
    rmsea: Statistic  # 90 % interval
    bic: Statistic
    rmsr: Statistic
    general: GeneralFactor | None  # None for one factor


@dataclass(frozen=True)
class Exploratory:
    """Exploratory structure of the items of one column."""

    n: int  # smallest number of respondents behind a pair of items
    left_out: tuple[str, ...]  # items without variance, or that too few answered
    adequacy: Adequacy
    count: FactorCount
    suggested: Statistic  # number of factors by the parallel analysis of factors, flagged when the methods disagree
    theory: int  # number of dimensions
    sentence: Sentence  # what to say of the suggestion beside the theory
    input: Input  # correlations behind the factor solution
    input_reason: InputReason
    solution: FactorSolution


def exploratory(
    data: ColumnData,
    names: tuple[str, ...],
    points: int,
    theory: int,
    rng: np.random.Generator,
    thresholds: Thresholds = DEFAULT,
    method: Method = "minres",
) -> Exploratory:
    """Exploratory structure of one column.

    Parameters
    ----------
    data : ColumnData
        Of k items.
    names : k item ids
    points : int
        Points of the scale.
    theory : int
        Number of factors that theory expects: dimensions that have items.
    rng : numpy.random.Generator
        For the draws of the parallel analysis and the starts of the rotation.
    method : {"minres", "ml"}
        Of extraction.

    Returns
    -------
    Exploratory
        Adequacy and number of factors are about Pearson correlations; the solution about polychoric ones when the
        scale is short or an item skewed.  Below the display floor everything is "too_few".
    """
    every = tuple(range(len(names)))
    kept, answered = data.varying(every), data.answered(every)
    # Without any item that varies, n tells how many did answer.
    n = data.smallest_n(kept or answered) if answered else int(np.diagonal(data.n).max(initial=0))
    items = tuple(names[j] for j in kept)
    why = _without(len(kept), n, thresholds)
    left_out = tuple(name for name in names if name not in items)
    chosen, reason = _input(data, kept, points, thresholds)
    if why is not None:
        shown = left_out if n >= thresholds.display_floor else ()
        return _nothing(why, n, shown, items, theory, chosen, reason)
    no_flags: tuple[str, ...] = ()
    pearson = correlation(data.covariance[np.ix_(kept, kept)])
    sound = adequacy(pearson, n, items)
    count = _count(pearson, data, kept, n, rng, thresholds)
    values = (count.components.value, count.factors.value, count.map.value)
    # The items are to be explained by factors that may correlate, of which a count of components finds too few.
    suggested = Statistic(count.factors.value, n=n, method="number of factors")
    if len({one for one in values if one is not None}) > 1:
        suggested = suggested.flagged("methods_disagree")
    matrix, flags = pearson, no_flags
    if chosen == "polychoric" and data.polychoric is not None:
        matrix, flags = data.polychoric.correlation[np.ix_(kept, kept)], data.polychoric.flags()
    solution = _solution(matrix, n, items, theory, flags, rng, thresholds, method)
    sentence = _sentence(sound, suggested, theory, thresholds)
    return Exploratory(n, left_out, sound, count, suggested, theory, sentence, chosen, reason, solution)


def _without(k: int, n: int, thresholds: Thresholds) -> Reason | None:
    """Why there is nothing to explore."""
    if n == 0:
        return "no_respondents"
    if n < max(thresholds.display_floor, 4):
        return "too_few"
    return "no_variance" if k == 0 else "one_item" if k == 1 else None


def _input(data: ColumnData, kept: list[int], points: int, thresholds: Thresholds) -> tuple[Input, InputReason]:
    """Which correlations the factors come from, and why."""
    short = points <= thresholds.ordinal_points
    skewed = bool(kept) and bool((np.abs(data.skew[kept]) > thresholds.skew).any())
    if not short and not skewed:
        return "pearson", "many_points"
    if data.polychoric is None or bool(data.polychoric.constant[kept].any()):
        return "pearson", "no_tables"
    return "polychoric", "few_points" if short else "skewed"


def _count(
    matrix: Floats, data: ColumnData, kept: list[int], n: int, rng: np.random.Generator, thresholds: Thresholds
) -> FactorCount:
    """The number of factors by three methods."""
    few_rows = data.values is not None and len(data.values) <= thresholds.parallel_rows
    rows = data.floats(kept) if few_rows else None
    solid = smoothed(matrix)[0]
    draws = thresholds.parallel_draws
    found = parallel_analysis(solid, n, rng, rows, draws, thresholds.parallel_quantile)
    partials = minimum_average_partial(solid)
    how = "permutations" if found.permuted else "random data"
    flags = ("smoothed",) if solid is not matrix else ()
    map_count = Statistic(float(np.argmin(partials)), n=n, method="minimum average partial", flags=flags)
    return FactorCount(
        Statistic(float(found.component_count), n=n, method=f"parallel analysis of components, {how}", flags=flags),
        Statistic(float(found.factor_count), n=n, method=f"parallel analysis of factors, {how}", flags=flags),
        map_count,
        tuple(found.components.tolist()), tuple(found.component_limits.tolist()), tuple(found.factors.tolist()),
        tuple(found.factor_limits.tolist()), tuple(partials.tolist()), draws,
    )  # fmt: skip


def _sentence(sound: Adequacy, suggested: Statistic, theory: int, thresholds: Thresholds) -> Sentence:
    """What to say of the number of factors beside the theory."""
    if sound.kmo.value is None or suggested.value is None:
        return "undefined"
    p = sound.bartlett_p.value
    if sound.kmo.value < thresholds.kmo_least or (p is not None and p > 1 - thresholds.level) or suggested.value < 1:
        return "not_factorable"
    if suggested.value == theory:
        return "as_theory"
    return "fewer" if suggested.value < theory else "more"


def _solution(
    matrix: Floats,
    n: int,
    items: tuple[str, ...],
    factors: int,
    flags: tuple[str, ...],
    rng: np.random.Generator,
    thresholds: Thresholds,
    method: Method,
) -> FactorSolution:
    """Factors of the theory's number."""
    k = len(items)
    if not 1 <= factors < k or degrees_of_freedom(k, factors) < 0:
        return _no_solution("not_identified", n, factors, k)
    singular = is_singular(matrix)
    if singular and method == "ml":
        return _no_solution("singular", n, factors, k)
    solid, changed = smoothed(matrix)
    found = extract_lowest(solid, factors, rng, method, thresholds.extraction_starts)
    rotated = oblimin(found.loadings, rng, thresholds.rotation_starts)
    flags = (
        *flags,
        *(f"heywood:{name}" for name, at in zip(items, found.heywood, strict=True) if at),
        *(("smoothed",) if changed else ()),
        *(("singular",) if singular else ()),
        *(() if found.converged else ("not_converged",)),
        *(("several_minima",) if found.minima > 1 else ()),
        *(("several_rotations",) if rotated.minima > 1 else ()),
    )
    status = Statistic(float(factors), n=n, method=f"{method}, oblimin").flagged(*flags)
    fit = factor_fit(solid, found.loadings, n)
    general = _general(solid, n, items, rotated, thresholds) if factors > 1 else None
    return _laid_out(status, items, found, rotated, fit, general, "singular" if singular else "just_identified", n)


def _laid_out(
    status: Statistic,
    items: tuple[str, ...],
    found: Extraction,
    rotated: Rotation,
    fit: FactorFit,
    general: GeneralFactor | None,
    why: Reason,
    n: int,
) -> FactorSolution:
    """The solution with names in place of positions."""
    names = tuple(f"F{place + 1}" for place in range(rotated.pattern.shape[1]))
    # The fit of a matrix on the edge of singularity says nothing: its determinant is an accident.
    whole = why != "singular"

    def number(value: float, method: str, low: float | None = None, high: float | None = None) -> Statistic:
        if math.isnan(value) or not whole:
            return undefined(why, n, method)
        return Statistic(value, low, high, None if low is None else 0.90, n, method)

    return FactorSolution(
        status,
        names,
        _named(rotated.pattern, items, names),
        _named(rotated.structure, items, names),
        _named(rotated.phi, names, names),
        dict(zip(items, found.communality.tolist(), strict=True)),
        number(fit.chi2, "chi squared, Bartlett"),
        number(fit.p, "chi squared p"),
        fit.df,
        number(fit.tli, "TLI"),
        number(fit.rmsea, "RMSEA, 90 % interval", min(fit.rmsea_low, fit.rmsea), max(fit.rmsea_high, fit.rmsea)),
        number(fit.bic, "BIC"),
        Statistic(fit.rmsr, n=n, method="root mean square residual correlation"),
        general,
    )


def _named(values: Floats, rows: tuple[str, ...], columns: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """A matrix as row -> column -> number."""
    return {row: dict(zip(columns, line, strict=True)) for row, line in zip(rows, values.tolist(), strict=True)}


def _general(
    matrix: Floats, n: int, items: tuple[str, ...], rotated: Rotation, thresholds: Thresholds
) -> GeneralFactor:
    """The general factor behind the rotated ones."""
    solution = schmid_leiman(rotated)
    names = ("omega hierarchical", "omega total, all factors", "explained common variance")
    loadings = dict(zip(items, solution.general.tolist(), strict=True))
    if float(matrix.sum()) <= 1e-9:
        none = [undefined("no_variance", n, name) for name in names]
        return GeneralFactor(none[0], none[1], none[2], loadings, {})
    found: Omegas = omegas(matrix, solution)
    flags = ("two_factors",) if solution.equal else ()
    strong = found.hierarchical >= thresholds.omega_h or found.ecv >= thresholds.ecv
    both = (*flags, *(("dominates",) if strong else ()))
    own = {
        f"F{place + 1}": undefined("not_identified", n, "omega hierarchical of a subscale")
        if math.isnan(value)
        else Statistic(value, n=n, method="omega hierarchical of a subscale", flags=flags)
        for place, value in enumerate(found.group_own.tolist())
    }
    return GeneralFactor(
        Statistic(found.hierarchical, n=n, method=names[0], flags=both),
        Statistic(found.total, n=n, method=names[1], flags=flags),
        Statistic(found.ecv, n=n, method=names[2], flags=both),
        loadings,
        own,
    )


def _no_solution(why: Reason, n: int, factors: int, k: int) -> FactorSolution:
    """No factors, and why."""

    def none(method: str) -> Statistic:
        return undefined(why, n, method)

    return FactorSolution(
        none("factors"), (), {}, {}, {}, {}, none("chi squared, Bartlett"), none("chi squared p"),
        degrees_of_freedom(k, factors), none("TLI"), none("RMSEA, 90 % interval"), none("BIC"),
        none("root mean square residual correlation"), None,
    )  # fmt: skip


def _nothing(
    why: Reason,
    n: int,
    left_out: tuple[str, ...],
    items: tuple[str, ...],
    theory: int,
    chosen: Input,
    reason: InputReason,
) -> Exploratory:
    """Nothing to explore, and why."""

    def none(method: str) -> Statistic:
        return undefined(why, n, method)

    sound = Adequacy(
        none("KMO"), {name: none("MSA") for name in items}, none("Bartlett chi squared"),
        len(items) * (len(items) - 1) // 2, none("Bartlett p"), none("Bartlett log10 p"),
    )  # fmt: skip
    count = FactorCount(
        none("parallel analysis of components"), none("parallel analysis of factors"), none("minimum average partial"),
        (), (), (), (), (), 0,
    )  # fmt: skip
    solution = _no_solution(why, n, theory, len(items))
    return Exploratory(
        n, left_out, sound, count, none("number of factors"), theory, "undefined", chosen, reason, solution
    )
