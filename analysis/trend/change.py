"""Did the action work?  Change of a gap between two waves, and the verdict on it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.defects import Status
from analysis.frequencies import Frequencies, t_quantile, t_tail
from analysis.results import Reason, Statistic, undefined
from analysis.robust import Clusters, clustered, wild_bootstrap
from analysis.thresholds import DEFAULT, Thresholds

Guard = Literal["shrunken", "held_out", "difference_in_differences"]
"""What keeps regression to the mean out of the change: without one of them there is no verdict.

Difference in differences is such a guard only when the branches with the action were not chosen for their bad figures.
"""

Outcome = Literal["closed", "improving", "not_demonstrated", "worse", "not_judged"]

VERDICT_LEVEL = 0.90
"""Both one-sided 95 % limits: the interval a verdict is printed with."""


@dataclass(frozen=True)
class Cell:
    """One wave of one group of branches."""

    n: int
    mean: float
    sd: float

    @classmethod
    def of(cls, scores: Frequencies) -> Cell:
        """From scores (at least two)."""
        return cls(scores.n, scores.mean(), scores.sd())


@dataclass(frozen=True)
class Change:
    """An estimated change with both intervals and its test."""

    estimate: Statistic  # with the interval at `level`
    at_verdict: Statistic  # the same with the 90 % interval behind the verdict
    t: Statistic
    p: Statistic  # two-sided
    p_improved: Statistic  # one-sided, of no improvement
    df: float | None


@dataclass(frozen=True)
class Proof:
    """The verdict on an action."""

    outcome: Outcome
    sustained: bool | None  # None while nothing can be said
    change: Change
    guard: Guard | None
    reached_target: bool | None
    target: float
    why: str  # "", "no_guard", "few_answers", "no_change", "not_comparable"


def _change(
    value: float, se: float, df: float, n: int, method: str, level: float, flags: tuple[str, ...] = ()
) -> Change:
    """A change from its estimate, standard error and degrees of freedom."""

    def interval(width: float) -> Statistic:
        reach = t_quantile(df, (1 + width) / 2) * se
        return Statistic(value, value - reach, value + reach, width, n, method, flags)

    if not se > 1e-12 * (1 + abs(value)):
        none: Reason = "no_variance"
        bare = Statistic(value, None, None, level, n, method, flags, none)
        return Change(bare, bare, undefined(none, n), undefined(none, n), undefined(none, n), None)
    t = value / se
    return Change(
        interval(level),
        interval(VERDICT_LEVEL),
        Statistic(t, n=n, method=method),
        Statistic(2 * t_tail(df, -abs(t)), n=n, method=f"{method}, two-sided"),
        Statistic(t_tail(df, -t), n=n, method=f"{method}, one-sided"),
        df,
    )


def _nothing(reason: Reason, n: int, method: str, level: float) -> Change:
    """No change can be computed."""
    none = undefined(reason, n, method, level)
    return Change(none, none, none, none, none, None)


def panel_change(changes: Frequencies, level: float = 0.95) -> Change:
    """Mean change of the same people: paired t.  Undefined below two people or when all changes are equal."""
    method = "paired t of the change"
    if changes.n < 2:
        return _nothing("no_complete_pairs" if changes.n == 0 else "one_respondent", changes.n, method, level)
    return _change(changes.mean(), changes.sd() / math.sqrt(changes.n), changes.n - 1, changes.n, method, level)


def fresh_change(before: Cell, after: Cell, level: float = 0.95) -> Change:
    """Mean of a new sample minus that of an old one: Welch t."""
    method = "difference of two waves, Welch t"
    return _combined(((after, 1.0), (before, -1.0)), method, level)


def guarded_change(before: float, before_se: float, after: Cell, level: float = 0.95) -> Change:
    """Mean of a new sample minus a baseline drawn towards the mean of all cells or branches (`shrink`).

    The baseline's error is taken as normal.
    """
    method = "difference from a shrunken baseline"
    n = after.n
    if n < 2:
        return _nothing("one_respondent" if n else "no_respondents", n, method, level)
    part = after.sd**2 / n
    whole = part + before_se**2
    df = (n - 1) / (part / whole) ** 2 if part > 0 and part / whole > 1e-8 else math.inf
    return _change(after.mean - before, math.sqrt(whole), min(df, 1e9), n, method, level)


def difference_in_differences(treated: tuple[Cell, Cell], compared: tuple[Cell, Cell], level: float = 0.95) -> Change:
    """``(T1 - T0) - (C1 - C0)`` of four independent samples, each given as (before, after): Welch-Satterthwaite."""
    method = "difference in differences, independent answers"
    parts = ((treated[1], 1.0), (treated[0], -1.0), (compared[1], -1.0), (compared[0], 1.0))
    return _combined(parts, method, level)


def _combined(parts: tuple[tuple[Cell, float], ...], method: str, level: float) -> Change:
    """A signed sum of independent means."""
    n = sum(cell.n for cell, _ in parts)
    if min(cell.n for cell, _ in parts) < 2:
        return _nothing("one_respondent", n, method, level)
    value = sum(sign * cell.mean for cell, sign in parts)
    pieces = [cell.sd**2 / cell.n for cell, _ in parts]
    whole = sum(pieces)
    if not whole > 0:
        return _change(value, 0.0, math.inf, n, method, level)
    spare = sum((piece / whole) ** 2 / (cell.n - 1) for piece, (cell, _) in zip(pieces, parts, strict=True))
    return _change(value, math.sqrt(whole), 1 / spare, n, method, level)


def branch_did(
    scores: dict[str, tuple[Frequencies, Frequencies]],
    treated: frozenset[str],
    rng: np.random.Generator,
    thresholds: Thresholds = DEFAULT,
) -> Change:
    """Difference in differences with branches as clusters.

    Parameters
    ----------
    scores : branch -> (before, after)
        Scores of each branch; branches without answers in one of the waves count where they have some.
    treated : set of branches
        Those with the action; the others are compared with.
    rng : Generator
        For the wild cluster bootstrap that gives the 90 % interval below `wild_clusters` branches.

    Returns
    -------
    Change
        Coefficient of "treated after" in a regression on treated, after and both; CR2 standard error with
        Satterthwaite degrees of freedom.  Undefined ("few_branches") with fewer than two branches on either side.

    References
    ----------
    Bertrand, M., Duflo, E. and Mullainathan, S. (2004). How much should we trust differences-in-differences estimates?
    Quarterly Journal of Economics 119, 249-275.
    """
    level, method = thresholds.level, "difference in differences, branches as clusters (CR2)"
    used = {name: pair for name, pair in scores.items() if pair[0].n + pair[1].n}
    n = sum(one.n for pair in used.values() for one in pair)
    sides = [sum(name in treated for name in used), sum(name not in treated for name in used)]
    if min(sides) < 2 or any(
        sum(pair[after].n for name, pair in used.items() if (name in treated) is side) == 0
        for after in (0, 1)
        for side in (True, False)
    ):
        return _nothing("few_branches", n, method, level)
    xx, xy = np.zeros((len(used), 4, 4)), np.zeros((len(used), 4))
    for g, (name, pair) in enumerate(used.items()):
        for after, one in enumerate(pair):
            if one.n:
                x = np.array([1.0, name in treated, after, (name in treated) * after])
                xx[g] += one.n * np.outer(x, x)
                xy[g] += one.n * one.mean() * x
    data = Clusters(xx, xy)
    fit = clustered(data)
    if fit is None:
        return _nothing("singular", n, method, level)
    few = ("few_clusters",) if len(used) < thresholds.wild_clusters else ()
    found = _change(float(fit.beta[3]), float(fit.se[3]), float(fit.df[3]), n, method, level, few)
    wild = wild_bootstrap(data, 3, rng, thresholds.wild_draws, VERDICT_LEVEL) if few else None
    if wild is None or found.df is None:
        return found
    verdict = Statistic(
        found.estimate.value,
        wild[0],
        wild[1],
        VERDICT_LEVEL,
        n,
        "difference in differences, wild cluster bootstrap",
        few,
    )
    return Change(found.estimate, verdict, found.t, found.p, found.p_improved, found.df)


def judge_change(
    change: Change,
    guard: Guard | None,
    n_after: int,
    status_after: Status,
    thresholds: Thresholds = DEFAULT,
    target: float | None = None,
    points: int = 7,
) -> Proof:
    """The verdict on an action after its follow-up wave.

    Parameters
    ----------
    change : Change
        The comparison that was settled when the action began; improvement is positive.
    guard : str or None
        What keeps regression to the mean out; without it nothing is judged.
    n_after : int
        Answers in the follow-up wave; below `confirm_floor` nothing is judged.
    status_after : str
        The cell's status in the follow-up wave.
    target : float, optional
        Settled target change in points of the scale; `target_change`, carried over to the scale's points, when not
        given.  It does not alter the verdict.
    points : int
        Points of the scale.

    Returns
    -------
    Proof
        *closed*: lower limit above 0 and "no defect shown"; *improving*: lower limit above 0 only; *worse*: upper limit
        below 0; *not demonstrated* otherwise.  Limits are those of the 90 % interval, each one-sided 95 %.
    """
    aim = thresholds.scaled(thresholds.target_change, points) if target is None else target
    found = change.at_verdict
    why = "no_guard" if guard is None else "few_answers" if n_after < thresholds.confirm_floor else ""
    if not why and (found.low is None or found.high is None):
        why = "no_change"
    reached = None if found.value is None else found.value >= aim
    if why or found.low is None or found.high is None:
        return Proof("not_judged", None, change, guard, reached, aim, why)
    outcome: Outcome = "not_demonstrated"
    if found.low > 0:
        outcome = "closed" if status_after == "no_defect_shown" else "improving"
    elif found.high < 0:
        outcome = "worse"
    return Proof(outcome, None, change, guard, reached, aim, "")


def sustained(first: Outcome, next_wave: Outcome | None, quiet_periods: int | None,
              thresholds: Thresholds = DEFAULT) -> bool | None:  # fmt: skip
    """Whether a closed defect stayed closed: in the next wave too, or `sustained_periods` without a downward signal.

    None while neither has been seen; False when the next wave says otherwise.
    """
    if first != "closed":
        return None
    if quiet_periods is not None and quiet_periods >= thresholds.sustained_periods:
        return True
    return None if next_wave is None or next_wave == "not_judged" else next_wave == "closed"


def held_out(n: int, rng: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """A random half of n respondents: choose the worst cells on these, measure the baseline on the others."""
    mask = np.zeros(n, np.bool_)
    mask[rng.permutation(n)[: n // 2]] = True
    return mask
