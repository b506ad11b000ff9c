"""What is a defect, how sure that is, and what to mend first.

`judge` holds the rule and takes numbers; `analysis.priority` fills it from a tally.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from scipy import special

from analysis.adjust import benjamini_hochberg
from analysis.frequencies import t_quantile, t_tail
from analysis.gaps import minimum_effect
from analysis.importance import Importance
from analysis.results import Statistic
from analysis.thresholds import DEFAULT, Thresholds

__all__ = ["CellSummary", "Defect", "Importance", "Severity", "Status", "Verdict", "judge", "judge_items", "order_of"]

Status = Literal[
    "confirmed",
    "probable",
    "inconclusive",
    "tolerated_shortfall",
    "no_defect_shown",
    "ranked_by_perception",
    "suppressed",
]
"""In the order of the list."""

Severity = Literal["critical", "major", "minor", "none"]

ORDER: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True)
class ByBranch:
    """A cell judged with branches as clusters: whether it would be a defect in branches in general."""

    branches: int
    status: Status
    gap: Statistic
    q_minimum_effect: Statistic
    q_nil: Statistic
    lower90: Statistic
    design_effect: Statistic


@dataclass(frozen=True)
class Defect:
    """One cell judged: where, how bad, how many, how much it matters, how sure."""

    cell: str
    stage: str | None
    dimension: str
    items: tuple[str, ...]
    status: Status
    severity: Severity
    gap: Statistic  # two columns: P - E; three columns: P - minimum
    p_minimum_effect: Statistic
    q_minimum_effect: Statistic
    p_nil: Statistic
    q_nil: Statistic
    lower90: Statistic  # lower limit of the interval at `noninferiority_level`
    n_needed: Statistic  # respondents in all for the planned power, when inconclusive
    exposure: Statistic  # share of customers who met this touchpoint
    occurrence: Statistic  # of those, share who got less than expected
    severity_if_short: Statistic  # points lost by those
    expected_loss: Statistic  # points lost per customer
    importance: Statistic  # I_c, sums to 1
    priority: Statistic  # low = the one-sided 90 % bound by which the list is sorted
    rank: Statistic  # place in the list by priority; low and high from the draws
    p_top3: Statistic
    if_halved: Statistic  # change of satisfaction that goes with half the gap
    defects_per_million: Statistic
    silent_share: Statistic  # of those with a problem in the stage, share who did not tell the bank
    sensitivity: dict[str, Status]  # status at delta 0.25, 0.5, 0.75, 1.0 (keys "0.25", ...)
    item_status: dict[str, Status]  # items of confirmed cells
    by_branch: ByBranch | None = None  # where branches are known


@dataclass(frozen=True)
class CellSummary:
    """What the rule needs to know of one cell (or item).

    Attributes
    ----------
    n, gap, sd : respondents with a score, their mean gap and its SD (three columns: perception minus minimum)
    mean_u, sd_u, n_u : shortfall per respondent who met the touchpoint; n_u is n when not given
    exposure : share of customers who met the touchpoint
    impact : importance of the cell, summing to 1 over all
    share_below_minimum : three columns: share of respondents with perception below their minimum
    desired_gap, desired_sd : three columns: perception minus desired level, over the same n
    se, df : standard error of the gap and its degrees of freedom, where not those of independent respondents
    """

    id: str
    n: int
    gap: float = 0.0
    sd: float = 0.0
    mean_u: float | None = None
    sd_u: float | None = None
    n_u: int | None = None
    exposure: float | None = None
    impact: float | None = None
    share_below_minimum: float | None = None
    desired_gap: float | None = None
    desired_sd: float | None = None
    se: float | None = None
    df: float | None = None

    def test(self, delta: float) -> tuple[float | None, float]:
        """t and lower-tail p of a gap no worse than -delta."""
        if self.se is None or self.df is None:
            return minimum_effect(self.gap, self.sd, self.n, delta)
        t = (self.gap + delta) / self.se
        return t, t_tail(self.df, t)


@dataclass(frozen=True)
class Verdict:
    """The rule's answer for one cell; numbers are None where the cell is suppressed or lacks what they need."""

    status: Status
    severity: Severity = "none"
    t: float | None = None
    p_minimum_effect: float | None = None
    q_minimum_effect: float | None = None
    p_nil: float | None = None
    q_nil: float | None = None
    lower90: float | None = None
    n_needed: int | None = None
    expected_loss: float | None = None
    priority: float | None = None
    priority_bound: float | None = None


def judge(
    cells: Sequence[CellSummary],
    points: int,
    thresholds: Thresholds = DEFAULT,
    three_column: bool = False,
    hidden: frozenset[str] = frozenset(),
) -> dict[str, Verdict]:
    """Judge all cells of one page together.

    Parameters
    ----------
    cells : sequence of CellSummary
    points : int
        Scale points m; delta, the bands and the priority scale with m - 1.
    three_column : bool
        Judge perception minus minimum with delta 0: the minimum already is the customer's own tolerance.
    hidden : set of ids
        Cells that are not displayed for privacy; they are suppressed, as all below the display floor.

    Returns
    -------
    dict
        Cell id -> Verdict.  Suppressed: fewer than `display_floor`.  Confirmed: q of the minimum-effect test at most
        `q`, and at least `confirm_floor` respondents.  Probable: q of the nil test at most `q`, and the gap at or
        below -delta.  No defect shown: the lower limit at `noninferiority_level` above -delta, each cell for itself,
        not adjusted for their number.  Inconclusive otherwise.  In three columns
        a cell at or above its minimum that falls short of the desired level by more than delta is a tolerated
        shortfall.

    Notes
    -----
    q values are Benjamini-Hochberg over the cells that are tested.
    """
    tested = [cell for cell in cells if cell.n >= max(1, thresholds.display_floor) and cell.id not in hidden]
    delta = 0.0 if three_column else thresholds.delta(points)
    effect = [cell.test(delta) for cell in tested]
    nil = [cell.test(0.0)[1] for cell in tested]
    q_effect = benjamini_hochberg([p for _, p in effect])
    q_nil = benjamini_hochberg(nil)
    tolerated = _tolerated(tested, points, thresholds) if three_column else frozenset()
    found = {cell.id: Verdict("suppressed") for cell in cells}
    for cell, (t, p), p_nil, qe, qn in zip(tested, effect, nil, q_effect, q_nil, strict=True):
        lower = _lower_limit(cell, thresholds.noninferiority_level)
        status = _status(cell, delta, qe, qn, lower, thresholds)
        if cell.id in tolerated and status in ("inconclusive", "no_defect_shown"):
            status = "tolerated_shortfall"
        shown = severity(cell, points, thresholds, three_column) if status in ("confirmed", "probable") else "none"
        needed = answers_needed(cell, delta, thresholds, len(tested)) if status == "inconclusive" else None
        verdict = Verdict(status, shown, t, p, qe, p_nil, qn, lower, needed)
        found[cell.id] = _with_priority(verdict, cell, points, thresholds)
    return found


def judge_items(
    items: Sequence[CellSummary],
    points: int,
    confirmed: int,
    tested: int,
    thresholds: Thresholds = DEFAULT,
    three_column: bool = False,
    hidden: frozenset[str] = frozenset(),
) -> dict[str, Status]:
    """Status of the items inside one confirmed cell of several items.

    The same rule with Benjamini-Hochberg within the cell, at q times the share of tested cells that were confirmed:
    this controls the mean false discovery rate over the cells that were selected.

    References
    ----------
    Benjamini, Y. and Bogomolov, M. (2014). Selective inference on multiple families of hypotheses. JRSS B 76, 297-318.
    """
    within = replace(thresholds, q=thresholds.q * confirmed / tested)
    return {name: one.status for name, one in judge(items, points, within, three_column, hidden).items()}


def order_of(verdicts: Mapping[str, Verdict]) -> list[str]:
    """Ids in the order of the list: by status, then by the bound of the priority, then by id; suppressed ones last."""

    def place(name: str) -> tuple[int, float, str]:
        return ORDER.index(verdicts[name].status), -(verdicts[name].priority_bound or 0.0), name

    return sorted(verdicts, key=place)


def _lower_limit(cell: CellSummary, level: float) -> float:
    """Lower limit of the two-sided t interval; the gap itself when nothing varies."""
    if cell.se is not None and cell.df is not None:
        return cell.gap - t_quantile(cell.df, (1 + level) / 2) * cell.se
    if cell.n < 2 or cell.sd <= 0:
        return cell.gap
    return cell.gap - t_quantile(cell.n - 1, (1 + level) / 2) * cell.sd / math.sqrt(cell.n)


def _status(
    cell: CellSummary, delta: float, q_effect: float | None, q_nil: float | None, lower: float, thresholds: Thresholds
) -> Status:
    """The rule, in its order."""
    if q_effect is not None and q_effect <= thresholds.q and cell.n >= thresholds.confirm_floor:
        return "confirmed"
    if q_nil is not None and q_nil <= thresholds.q and cell.gap <= -delta:
        return "probable"
    return "no_defect_shown" if lower > -delta else "inconclusive"


def _tolerated(cells: Sequence[CellSummary], points: int, thresholds: Thresholds) -> frozenset[str]:
    """Three columns: cells at or above their minimum that fall short of the desired level by more than delta."""
    known = [cell for cell in cells if cell.desired_gap is not None and cell.desired_sd is not None]
    delta = thresholds.delta(points)
    p = [minimum_effect(cell.desired_gap or 0.0, cell.desired_sd or 0.0, cell.n, delta)[1] for cell in known]
    q = benjamini_hochberg(p)
    return frozenset(
        cell.id for cell, one in zip(known, q, strict=True) if cell.gap >= 0 and one is not None and one <= thresholds.q
    )


def severity(cell: CellSummary, points: int, thresholds: Thresholds, three_column: bool) -> Severity:
    """Band of the estimated gap; in three columns of perception minus minimum, where tolerance is already taken off."""
    if three_column:
        critical = thresholds.scaled(thresholds.zone_critical7, points)
        major = thresholds.scaled(thresholds.zone_major7, points)
        often = cell.share_below_minimum is not None and cell.share_below_minimum >= thresholds.zone_critical_share
        if cell.gap <= critical or often:
            return "critical"
        return "major" if cell.gap <= major else "minor" if cell.gap < 0 else "none"
    bands: tuple[tuple[Severity, float], ...] = (
        ("critical", thresholds.critical7), ("major", thresholds.major7), ("minor", thresholds.minor7),
    )  # fmt: skip
    return next((name for name, on_seven in bands if cell.gap <= thresholds.scaled(on_seven, points)), "none")


def answers_needed(cell: CellSummary, delta: float, thresholds: Thresholds, tested: int = 1) -> int | None:
    """Respondents in all at which the status is told with the planned power, if the gap is what it looks like.

    Below the limit: that of the minimum-effect test at ``q / tested``, which is enough for the adjustment over as many
    cells.  Above it: that of the lower limit that shows no defect, which is not adjusted.  Never below
    `confirm_floor`, nor fewer than one more than now.  None when the estimate is nearer to -delta than `plan_distance`
    (in points of the scale), or nothing varies.
    """
    away = cell.gap + delta
    if abs(away) < thresholds.plan_distance or cell.sd <= 0:
        return None
    alpha = thresholds.q / tested if away < 0 else (1 - thresholds.noninferiority_level) / 2
    return max(cell.n + 1, thresholds.confirm_floor, sample_size(abs(away) / cell.sd, alpha, thresholds.power))


def sample_size(effect: float, alpha: float, power: float) -> int:
    """Least n at which the one-sided t test at `alpha` of a mean `effect` standard deviations away has the power."""
    normal = (float(special.ndtri(1 - alpha) + special.ndtri(power)) / effect) ** 2
    n = max(2, math.ceil(normal))  # t needs a few more, so the search goes up
    while special.nctdtr(n - 1, effect * math.sqrt(n), t_quantile(n - 1, 1 - alpha)) > 1 - power:
        n += 1
    return n


def _with_priority(verdict: Verdict, cell: CellSummary, points: int, thresholds: Thresholds) -> Verdict:
    """Expected loss per customer, and the priority with its one-sided lower bound."""
    if cell.mean_u is None or cell.exposure is None:
        return verdict
    loss = cell.exposure * cell.mean_u
    if cell.impact is None:
        return replace(verdict, expected_loss=loss)
    n = cell.n if cell.n_u is None else cell.n_u
    se = 0.0 if cell.sd_u is None or n < 2 else cell.sd_u / math.sqrt(n)
    low = max(0.0, cell.mean_u - float(special.ndtri(thresholds.priority_level)) * se)
    unit = 100 * cell.impact / (points - 1)
    return replace(verdict, expected_loss=loss, priority=unit * loss, priority_bound=unit * cell.exposure * low)
