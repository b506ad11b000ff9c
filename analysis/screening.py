"""Response quality: signs of careless answering, counted and shown, never silently deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.frequencies import wilson
from analysis.matrix import ScoreMatrix, rated
from analysis.results import Statistic
from analysis.thresholds import DEFAULT, Thresholds
from surveys.codes import NOT_ASKED
from surveys.order import ranks

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FAMILIES: dict[str, str] = {
    "longstring": "uniformity",
    "uniform": "uniformity",
    "irv": "uniformity",
    "straight_gap": "uniformity",
    "mahalanobis": "inconsistency",
    "even_odd": "inconsistency",
    "speed": "speed",
    "attention": "attention",
    "same_browser": "origin",
    "no_proof": "origin",
    "burst": "origin",
    "hasty": "speed",
}
"""Flag -> family; flags of one family tell the same thing, so only flags of different families add up."""

CAME = ("same_browser", "no_proof", "burst", "hasty")
"""Flags of the way answers came (`surveys.flags`) that speak of care; a late or surplus answer is as good as others."""


@dataclass(frozen=True)
class Checks:
    """What a survey knows beside the ratings; None where it was not asked or is not kept.

    Attributes
    ----------
    attention_failed : (n,) bool or None
    self_report_failed : (n,) bool or None
    seconds : (n,) float or None
        Time spent on the ratings.
    duplicate : (n,) bool or None
        Answers known to be a second time of the same person's.
    came : flag -> (n,) bool, or None
        Signs of the way they came, of `CAME`.
    seeds : (n,) int or None
        Seeds of the items' order (`surveys.order`), where it was drawn by lot; 0 is the questionnaire's own.
    pages : tuple of tuple of int
        With seeds, the places of the items of each page, in the questionnaire's order.
    """

    attention_failed: Flags | None = None
    self_report_failed: Flags | None = None
    seconds: Floats | None = None
    duplicate: Flags | None = None
    came: dict[str, Flags] | None = None
    seeds: NDArray[np.int32] | None = None
    pages: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Screen:
    """Indices and flags of n respondents; NaN where an index cannot be computed."""

    longstring: NDArray[np.int64]
    irv: Floats
    mahalanobis_p: Floats
    even_odd: Floats
    flags: dict[str, Flags]
    families: NDArray[np.int64]  # (n,) number of families that point at the respondent
    excluded: Flags


@dataclass(frozen=True)
class Quality:
    """How many respondents each sign points at."""

    n: int
    flagged: dict[str, Statistic]  # share of respondents by flag
    excluded: Statistic  # share by the rule
    computed: dict[str, int]  # respondents for whom the index could be computed
    missing_checks: tuple[str, ...] = field(default=())  # what was not asked or is not kept


def longstring(ratings: Floats, asked: Flags | None = None) -> NDArray[np.int64]:
    """Longest run of equal answers in each row of ratings.

    Parameters
    ----------
    ratings : (n, k) float
        In the order shown; NaN breaks a run.
    asked : (n, k) bool, optional
        Items that were not asked (short form) neither break a run nor count; all were asked when not given.

    Returns
    -------
    (n,) int
        From 0, where nothing was answered, to k.

    References
    ----------
    Johnson, J. A. (2005). J. Res. Pers. 39, 103-129.
    """
    n, k = ratings.shape
    best, run, before = np.zeros(n, np.int64), np.zeros(n, np.int64), np.full(n, np.nan)
    for j in range(k):
        here, shown = ~np.isnan(ratings[:, j]), np.ones(n, np.bool_) if asked is None else asked[:, j]
        longer = np.where(here & (ratings[:, j] == before), run + 1, here.astype(np.int64))
        run, before = np.where(shown, longer, run), np.where(shown, ratings[:, j], before)
        best = np.maximum(best, run)
    return best


def as_shown(items: Sequence[str], pages: Sequence[Sequence[int]], seeds: NDArray[np.integer]) -> NDArray[np.int16]:
    """The order in which items stood before each respondent.

    Parameters
    ----------
    items : (k,) ids
    pages : places of the items of each page, in the questionnaire's order
    seeds : (n,) int
        Of each visit (`surveys.order`); 0 leaves a page as it is.

    Returns
    -------
    (n, k) int
        Places of the items, the first shown first.
    """
    ordered = np.empty((len(seeds), sum(map(len, pages))), np.int16)
    drawn = np.asarray(seeds) != 0
    at = 0
    for page in pages:
        places = np.array(page, np.int16)
        by_rank = np.argsort(ranks([items[place] for place in page], seeds), axis=1, kind="stable")
        ordered[:, at : at + len(page)] = np.where(drawn[:, None], places[by_rank], places)
        at += len(page)
    return ordered


def within_person_sd(ratings: Floats) -> Floats:
    """Standard deviation (divisor n - 1) of each row's answers; NaN with fewer than two (intra-individual variability).

    References
    ----------
    Dunn, A. M., Heggestad, E. D., Shanock, L. R. and Theilgard, N. (2018). J. Bus. Psychol. 33, 105-121.
    """
    here = ~np.isnan(ratings)
    count = here.sum(axis=1)
    mean = np.where(here, ratings, 0.0).sum(axis=1) / np.maximum(count, 1)
    square = (np.where(here, ratings - mean[:, None], 0.0) ** 2).sum(axis=1)
    return np.where(count > 1, np.sqrt(square / np.maximum(count - 1, 1)), np.nan)


def mahalanobis(ratings: Floats, mean: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """Squared distance of each row of (n, k) ratings over its own answers, and its upper chi-square tail.

    Rows without an answer give NaN, as do all rows where the covariance is singular.

    References
    ----------
    Mahalanobis, P. C. (1936). Meade, A. W. and Craig, S. B. (2012). Psychological Methods 17, 437-455.
    """
    n, k = ratings.shape
    nothing = np.full(n, np.nan)
    if not bool(np.isfinite(covariance).all()) or float(np.linalg.eigvalsh(covariance)[0]) <= 1e-9 * float(
        np.trace(covariance)
    ):
        return nothing, nothing
    here = ~np.isnan(ratings)
    kinds, place = np.unique(np.packbits(here, axis=1), axis=0, return_inverse=True)
    place = place.ravel()
    first = np.zeros(kinds.shape[0], np.intp)
    first[place[::-1]] = np.arange(n)[::-1]
    distance = np.full(n, np.nan)
    away = np.where(here, ratings - mean, 0.0)
    for start in range(0, kinds.shape[0], 2048):  # in parts, so that many patterns do not fill the memory
        chosen = here[first[start : start + 2048]]
        both = chosen[:, :, None] & chosen[:, None, :]
        whole = np.where(both, covariance, 0.0)
        whole[:, np.arange(k), np.arange(k)] += ~chosen
        inverse = np.linalg.inv(whole)
        rows = np.flatnonzero((place >= start) & (place < start + 2048))
        for part in np.array_split(rows, max(1, rows.size // 20_000)):
            distance[part] = np.einsum("ni,nij,nj->n", away[part], inverse[place[part] - start], away[part])
    count = here.sum(axis=1)
    distance = np.where(count > 0, distance, np.nan)
    tail = np.full(n, np.nan)
    some = count > 0
    tail[some] = special.chdtrc(count[some], np.maximum(distance[some], 0.0))
    return distance, tail


def even_odd(halves: tuple[Floats, Floats]) -> Floats:
    """Spearman-Brown corrected correlation of each row's scores on even and on odd items over the dimensions.

    Parameters
    ----------
    halves : ((n, d), (n, d)) float
        Mean of the even, and of the odd, items of each dimension; NaN where there is none.

    Returns
    -------
    (n,) float
        High for consistent answers (some programs turn the sign); NaN with fewer than three dimensions or where the
        scores do not vary; cut at -1.

    References
    ----------
    Jackson, D. N. (1976).  Huang, J. L. et al. (2012). J. Bus. Psychol. 27, 99-114.
    """
    a, b = halves
    here = ~(np.isnan(a) | np.isnan(b))
    count = here.sum(axis=1)
    size = np.maximum(count, 1)
    x, y = np.where(here, a, 0.0), np.where(here, b, 0.0)
    x = np.where(here, x - (x.sum(axis=1) / size)[:, None], 0.0)
    y = np.where(here, y - (y.sum(axis=1) / size)[:, None], 0.0)
    spread = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    usable = (count >= 3) & (spread > 1e-12)
    r = np.divide((x * y).sum(axis=1), spread, out=np.full(spread.shape, np.nan), where=usable)
    lifted = np.divide(2 * r, 1 + r, out=np.full(r.shape, -1.0), where=(r > -1 + 1e-12) & usable)
    return np.where(usable, np.maximum(lifted, -1.0), np.nan)


def screen(matrix: ScoreMatrix, checks: Checks | None = None, thresholds: Thresholds = DEFAULT) -> Screen:
    """Compute every index and apply the rule.

    Parameters
    ----------
    matrix : ScoreMatrix
        Items in the order shown.
    checks : Checks, optional

    Returns
    -------
    Screen
        Excluded: flags of at least `quality_flags` families, or an own statement not to use the answers, or a
        duplicate.
        A small within-person SD counts only beside another flag.
    """
    checks = checks or Checks()
    perception = np.where(rated(matrix.perception), matrix.perception, np.nan)
    answered = (~np.isnan(perception)).sum(axis=1)
    shown = matrix.perception != NOT_ASKED
    runs, spread = _runs(matrix, checks, perception, shown), within_person_sd(perception)
    complete = ~np.isnan(perception).any(axis=1)
    base = perception[complete] if int(complete.sum()) > 3 * perception.shape[1] else perception[answered > 0]
    mean, covariance = _moments(base)
    tail = mahalanobis(perception, mean, covariance)[1]
    consistency = even_odd(_halves(matrix, perception))
    asked = shown.sum(axis=1)
    flags: dict[str, Flags] = {
        "longstring": runs > thresholds.longstring_share * np.maximum(asked, 1),
        "mahalanobis": np.nan_to_num(tail, nan=1.0) < thresholds.mahalanobis_p,
        "even_odd": np.nan_to_num(consistency, nan=1.0) < thresholds.even_odd_floor,
    }
    if matrix.reference is not None:
        expectation = np.where(rated(matrix.reference), matrix.reference, np.nan)
        pairs = ~(np.isnan(perception) | np.isnan(expectation))
        flags["straight_gap"] = (pairs.sum(axis=1) >= 2) & ((perception == expectation) | ~pairs).all(axis=1)
        flags["uniform"] = _uniform(matrix, perception) & _uniform(matrix, expectation)
    if checks.attention_failed is not None:
        flags["attention"] = checks.attention_failed
    if checks.seconds is not None:
        pace = checks.seconds / np.maximum(answered, 1)
        middle = float(np.nanmedian(checks.seconds)) if bool((~np.isnan(checks.seconds)).any()) else 0.0
        flags["speed"] = (pace < thresholds.seconds_per_item) | (checks.seconds < thresholds.speed_share * middle)
    other = np.logical_or.reduce(list(flags.values()))
    flags["irv"] = (np.nan_to_num(spread, nan=9.0) < thresholds.irv_floor) & other
    flags |= checks.came or {}  # after: how answers came makes an even mind no more suspect
    families = sum(
        (np.logical_or.reduce([flags[name] for name in flags if FAMILIES[name] == family]).astype(np.int64)
         for family in sorted({FAMILIES[name] for name in flags})),
        np.zeros(matrix.n, np.int64),
    )  # fmt: skip
    excluded = families >= thresholds.quality_flags
    for alone in (checks.self_report_failed, checks.duplicate):
        excluded = excluded | alone if alone is not None else excluded
    return Screen(runs, spread, tail, consistency, flags, families, excluded)


def _runs(matrix: ScoreMatrix, checks: Checks, ratings: Floats, shown: Flags) -> NDArray[np.int64]:
    """Longest runs in the order in which each respondent met the items."""
    if checks.seeds is None:
        return longstring(ratings, shown)
    order = as_shown(matrix.layout.items, checks.pages, checks.seeds)
    return longstring(np.take_along_axis(ratings, order, axis=1), np.take_along_axis(shown, order, axis=1))


def _moments(rows: Floats) -> tuple[Floats, Floats]:
    """Mean and covariance for the distances: of complete rows, or pairwise where they are too few."""
    k = rows.shape[1]
    if rows.shape[0] < 2:
        return np.zeros(k), np.full((k, k), np.nan)
    here = ~np.isnan(rows)
    count = here.sum(axis=0)
    if not count.size or int(count.min()) < 2:
        return np.zeros(k), np.full((k, k), np.nan)
    mean = np.where(here, rows, 0.0).sum(axis=0) / count
    away = np.where(here, rows - mean, 0.0)
    both = here.T.astype(np.float64) @ here
    if float(both.min()) < 2:
        return mean, np.full((k, k), np.nan)
    return mean, (away.T @ away) / (both - 1)


def _halves(matrix: ScoreMatrix, ratings: Floats) -> tuple[Floats, Floats]:
    """Means of every second item of each dimension, and of the others."""
    parts: tuple[list[Floats], list[Floats]] = ([], [])
    for items in matrix.layout.dimension_items.values():
        for side in (0, 1):
            chosen = ratings[:, list(items[side::2])]
            count = (~np.isnan(chosen)).sum(axis=1)
            total = np.where(np.isnan(chosen), 0.0, chosen).sum(axis=1)
            parts[side].append(np.where(count > 0, total / np.maximum(count, 1), np.nan))
    return np.column_stack(parts[0]), np.column_stack(parts[1])


def _uniform(matrix: ScoreMatrix, ratings: Floats) -> Flags:
    """Whether all answers of each stage are equal, in every stage answered twice or more (without stages: of all)."""
    layout = matrix.layout
    blocks = [items for items in layout.stage_items.values() if items] or [tuple(range(len(layout.items)))]
    same, seen = np.ones(matrix.n, np.bool_), np.zeros(matrix.n, np.int64)
    for items in blocks:
        part = ratings[:, list(items)]
        here = ~np.isnan(part)
        enough = here.sum(axis=1) >= 2
        high = np.where(here, part, -np.inf).max(axis=1)
        low = np.where(here, part, np.inf).min(axis=1)
        same &= ~enough | (high == low)
        seen += enough
    return same & (seen > 0)


def quality(found: Screen, checks: Checks | None = None, thresholds: Thresholds = DEFAULT) -> Quality:
    """Shares of respondents by flag, and by the rule, with Wilson's interval."""

    n, checks = int(found.excluded.size), checks or Checks()
    came = checks.came or {}
    absent = [name for name, part in (
        ("attention", checks.attention_failed), ("self_report", checks.self_report_failed),
        ("speed", came.get("hasty", checks.seconds)), ("duplicate", came.get("same_browser", checks.duplicate)),
    ) if part is None]  # fmt: skip
    shares = {name: wilson(int(part.sum()), n, thresholds.level) for name, part in found.flags.items()}
    for name, alone in (("self_report", checks.self_report_failed), ("duplicate", checks.duplicate)):
        if alone is not None:
            shares[name] = wilson(int(alone.sum()), n, thresholds.level)
    return Quality(
        n,
        shares,
        wilson(int(found.excluded.sum()), n, thresholds.level),
        {
            "longstring": n,
            "irv": int((~np.isnan(found.irv)).sum()),
            "mahalanobis": int((~np.isnan(found.mahalanobis_p)).sum()),
            "even_odd": int((~np.isnan(found.even_odd)).sum()),
        },
        tuple(absent),
    )
