"""The list of defects of a tally: every cell judged, with what it costs, how much it matters, and its rank."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from analysis.by_branch import Clustering, allowing_for, clustered_cells
from analysis.defects import CellSummary, Defect, Importance, Status, Verdict, judge, judge_items, order_of
from analysis.drivers import Regression
from analysis.frequencies import Frequencies, mean_statistic, wilson
from analysis.levels import items_mean, no_gap, short_form_gap
from analysis.plan import Composite
from analysis.results import Reason, Statistic, undefined
from analysis.tally import Tally
from analysis.thresholds import DEFAULT, Thresholds


@dataclass(frozen=True)
class _Page:
    """What all cells of one page share."""

    tally: Tally
    thresholds: Thresholds
    importance: Importance
    drivers: Regression | Reason
    verdicts: Mapping[str, Verdict]
    ranks: Mapping[str, tuple[Statistic, Statistic]]
    hidden: frozenset[str]
    three: bool

    @property
    def contrast(self) -> str:
        """The contrast that is judged."""
        return "adequacy" if self.three else "gap"


def find_defects(
    tally: Tally,
    importance: Importance,
    drivers: Regression | Reason,
    rng: np.random.Generator,
    thresholds: Thresholds = DEFAULT,
    hidden: frozenset[str] = frozenset(),
    clustering: Clustering | None = None,
) -> tuple[Defect, ...]:
    """All cells, judged and sorted; suppressed ones last.

    Parameters
    ----------
    rng : Generator
        For the draws behind rank intervals.
    hidden : set of ids
        Cells and items that are not displayed.
    clustering : Clustering, optional
        Errors with branches as clusters.
    """
    three = "adequacy" in tally.pairs
    cells = [part for part in tally.plan.composites if part.level == "cell"]
    if "gap" not in tally.pairs:
        return _by_perception(tally, cells, importance, thresholds, hidden)
    summaries = [_summary(tally, part, row, importance, three) for row, part in enumerate(cells)]
    points = tally.layout.points
    clustered = clustered_cells(summaries, clustering)
    by_branch = judge(clustered, points, thresholds, three, hidden) if clustered else {}
    if clustered and clustering is not None and clustering.sampled:
        summaries = clustered
    verdicts = judge(summaries, points, thresholds, three, hidden)
    strip = {
        str(delta): judge(summaries, points, replace(thresholds, delta7=delta), three, hidden)
        for delta in thresholds.sensitivity7
    }
    ranks = _ranks(tally, {one.id: one for one in summaries}, verdicts, rng, thresholds)
    page = _Page(tally, thresholds, importance, drivers, verdicts, ranks, hidden, three)
    rows = {part.id: (row, part) for row, part in enumerate(cells)}
    made = (
        _defect(page, rows[name][1], rows[name][0], {delta: found[name].status for delta, found in strip.items()})
        for name in order_of(verdicts)
    )
    if not clustered or clustering is None:
        return tuple(made)
    return tuple(allowing_for(one, by_branch[one.cell], clustering, thresholds) for one in made)


def _summary(tally: Tally, part: Composite, row: int, importance: Importance, three: bool) -> CellSummary:
    """The numbers of one cell that the rule needs."""
    found = _spread(part.id, tally.composite("adequacy" if three else "gap", part))
    if three and found.n:
        desired = tally.composite("gap", part)
        found = replace(found, desired_gap=desired.mean(), desired_sd=desired.sd() if desired.n > 1 else 0.0)
    of_items = None if three else items_mean(tally, part.items)
    if of_items is not None and of_items.se > 0:
        found = replace(found, gap=of_items.value, se=of_items.se, df=of_items.df)
    u = _shortfall(tally, row)
    return replace(found, mean_u=u.mean, sd_u=u.sd, n_u=u.n, exposure=u.exposure, impact=importance.blended[part.id])


def _spread(name: str, found: Frequencies) -> CellSummary:
    """n, mean, SD and share below zero of one set of differences."""
    if not found.n:
        return CellSummary(name, 0)
    below = found.count(found.values < 0) / found.n
    return CellSummary(name, found.n, found.mean(), found.sd() if found.n > 1 else 0.0, share_below_minimum=below)


@dataclass(frozen=True)
class _Shortfall:
    """Shortfall u of one cell: over respondents with a pair, and over those of them who fell short."""

    rated: int
    away: int
    n: int
    short: int
    total: float
    squares: float

    @property
    def exposure(self) -> float | None:
        met = self.rated + self.away
        return self.rated / met if met else None

    @property
    def mean(self) -> float | None:
        return self.total / self.n if self.n else None

    @property
    def sd(self) -> float | None:
        return self._sd(self.n)

    @property
    def sd_if_short(self) -> float | None:
        return self._sd(self.short)

    def _sd(self, n: int) -> float | None:
        if n < 2:
            return None
        variance = (self.squares - self.total * self.total / n) / (n - 1)
        return math.sqrt(variance) if variance > 1e-12 else 0.0  # below is rounding


def _shortfall(tally: Tally, row: int) -> _Shortfall:
    """Shortfall of one cell from the tally's whole numbers."""
    unit = tally.plan.cell_unit
    rated, away, n, short, total, squares = (int(one) for one in tally.shortfall[row])
    return _Shortfall(rated, away, n, short, total / unit, squares / unit**2)


def _defect(page: _Page, part: Composite, row: int, strip: dict[str, Status]) -> Defect:
    """One line of the list."""
    tally, thresholds, verdict = page.tally, page.thresholds, page.verdicts[part.id]
    stage, dimension = tally.layout.place(part.id)
    gap = mean_statistic(tally.composite(page.contrast, part), thresholds.level, no_gap(tally), "mean difference")
    of_items = None if page.three else items_mean(tally, part.items)
    gap = gap if of_items is None else short_form_gap(of_items, gap.n, thresholds.level)
    n, u = gap.n, _shortfall(tally, row)
    suppressed: Reason = "no_complete_pairs" if n == 0 else "too_few"

    def number(value: float | None, method: str, reason: Reason = "not_tested") -> Statistic:
        if value is None:
            return undefined(suppressed if verdict.status == "suppressed" else reason, n, method)
        return Statistic(value, n=n, method=method)

    test, family = "one-sided t", "one-sided t, Benjamini-Hochberg"
    at_limit: Reason = "at_limit" if verdict.status == "inconclusive" else "not_tested"
    unranked: Reason = suppressed if verdict.status == "suppressed" else "no_variance"
    rank, top = page.ranks.get(part.id, (undefined(unranked, n, "rank"), undefined(unranked, n, "share of draws")))
    return Defect(
        cell=part.id,
        stage=stage,
        dimension=dimension,
        items=tuple(tally.layout.items[j] for j in part.items),
        status=verdict.status,
        severity=verdict.severity,
        gap=gap,
        p_minimum_effect=number(verdict.p_minimum_effect, test),
        q_minimum_effect=number(verdict.q_minimum_effect, family),
        p_nil=number(verdict.p_nil, test),
        q_nil=number(verdict.q_nil, family),
        lower90=number(verdict.lower90, f"lower limit of the {100 * thresholds.noninferiority_level:g} % interval"),
        n_needed=number(verdict.n_needed, "respondents for the planned power", at_limit),
        **_losses(page, part, u, verdict),
        rank=rank,
        p_top3=top,
        if_halved=_if_halved(page, dimension, len(part.items), gap),
        defects_per_million=_per_million(page, row),
        silent_share=silent_share(tally, stage, thresholds.level),
        sensitivity=strip,
        item_status=_item_status(page, part),
        by_branch=None,
    )


def _losses(page: _Page, part: Composite, u: _Shortfall, verdict: Verdict) -> dict[str, Statistic]:
    """Exposure, occurrence, severity, expected loss, importance and priority of one cell."""
    level, impact = page.thresholds.level, page.importance.blended[part.id]
    loss_method, priority_method = "exposure x mean shortfall", "100 x importance x expected loss / (m - 1)"
    loss = undefined("no_complete_pairs", u.n, loss_method, level)
    priority = undefined("no_complete_pairs", u.n, priority_method, page.thresholds.priority_level)
    if u.exposure is not None and u.mean is not None:
        # Exposure and mean shortfall are taken as independent: the variance of their product by the delta method.
        met = u.rated + u.away
        variance = u.mean**2 * u.exposure * (1 - u.exposure) / met + (u.exposure * (u.sd or 0.0)) ** 2 / u.n
        reach = float(special.ndtri((1 + level) / 2)) * math.sqrt(variance)
        value = u.exposure * u.mean
        loss = Statistic(value, max(0.0, value - reach), value + reach, level, u.n, loss_method)
    if verdict.priority is not None:
        bound = verdict.priority_bound
        priority = Statistic(verdict.priority, bound, None, page.thresholds.priority_level, u.n, priority_method)
    elif verdict.status == "suppressed" and u.n:
        priority = undefined("too_few", u.n, priority_method, page.thresholds.priority_level)
    return {
        "exposure": _exposure(page.tally, u, level),
        "occurrence": wilson(u.short, u.n, level, reason="no_complete_pairs"),
        "severity_if_short": _mean_short(u, level),
        "expected_loss": loss,
        "importance": Statistic(impact, n=page.tally.n, method=page.importance.note),
        "priority": priority,
    }


def _mean_short(u: _Shortfall, level: float) -> Statistic:
    """Mean shortfall of those who fell short, with a normal interval."""
    method = "mean shortfall of those below"
    if not u.short:
        return undefined("no_complete_pairs" if not u.n else "all_differences_zero", u.short, method, level)
    value, sd = u.total / u.short, u.sd_if_short
    if not sd:
        why: Reason = "one_respondent" if u.short == 1 else "no_variance"
        return Statistic(value, None, None, level, u.short, method, (), why)
    reach = float(special.ndtri((1 + level) / 2)) * sd / math.sqrt(u.short)
    return Statistic(value, value - reach, value + reach, level, u.short, f"{method}, normal interval")


def _if_halved(page: _Page, dimension: str, k: int, gap: Statistic) -> Statistic:
    """Change of satisfaction that goes with half the gap, expectations unchanged: beta x share of items x |G|/2.

    An association between customers, no promise.  Not stated where there is no shortfall.
    """
    method, level = "association: regression on dimension perception", page.thresholds.level
    found = page.drivers
    if not isinstance(found, Regression):
        return undefined(found, 0, method, level)
    if gap.value is None or gap.value >= 0:
        return undefined("not_tested" if gap.value is not None else "no_complete_pairs", found.n, method, level)
    at = page.tally.plan.dimensions.index(dimension)
    step = k / len(page.tally.layout.dimension_items[dimension]) * -gap.value / 2
    beta, reach = float(found.beta[at]) * step, float(found.reach(level)[at]) * step
    return Statistic(beta, beta - reach, beta + reach, level, found.n, method)


def _per_million(page: _Page, row: int) -> Statistic:
    """Defective pairs per million rated pairs, with Wilson's interval at n / deff."""
    people, pairs, defective, *products = (int(one) for one in page.tally.defective[row])
    worth = effective_pairs(people, pairs, defective, *products)
    return wilson(defective, pairs, page.thresholds.level, 1e6, "no_complete_pairs", worth)


def effective_pairs(
    people: int, pairs: int, defective: int, pairs_squared: int, defective_squared: int, product: int
) -> float:
    """Independent pairs that pairs clustered in customers are worth: pairs / deff.

    deff is the linearised variance of the ratio of sums over customers to the variance of as many independent pairs,
    and at least 1; it is 1 where everyone has one pair.  Where none or all are defective nothing tells how far the
    pairs of one customer go together, and customers are counted.
    """
    if people < 2 or defective in (0, pairs):
        return float(people)
    rate = defective / pairs
    spread = defective_squared - 2 * rate * product + rate * rate * pairs_squared
    clustered = people / (people - 1) * spread / pairs**2
    return pairs / max(1.0, clustered / (rate * (1 - rate) / (pairs - 1)))


def _exposure(tally: Tally, u: _Shortfall, level: float) -> Statistic:
    """Share of customers who met the touchpoint; not defined when all who answered left it blank."""
    return wilson(u.rated, u.rated + u.away, level, reason="no_complete_cases" if tally.n else "no_respondents")


def silent_share(tally: Tally, stage: str | None, level: float) -> Statistic:
    """Of customers whose most serious problem lay in the stage, the share who did not tell the bank."""
    if tally.problems is None or stage is None:
        return undefined("not_asked", 0, "share, Wilson interval", level)
    having, silent = (int(one) for one in tally.problems[tally.layout.stages.index(stage)])
    return wilson(silent, having, level, reason="nobody_concerned" if tally.n else "no_respondents")


def _item_status(page: _Page, part: Composite) -> dict[str, Status]:
    """Status of the items of a confirmed cell; the item of a cell of one takes the cell's."""
    if page.verdicts[part.id].status != "confirmed":
        return {}
    names = [page.tally.layout.items[j] for j in part.items]
    if len(names) == 1:
        return {names[0]: "confirmed"}
    tested = [one for one in page.verdicts.values() if one.status != "suppressed"]
    confirmed = sum(one.status == "confirmed" for one in tested)
    items = []
    for name, j in zip(names, part.items, strict=True):
        one = _spread(name, page.tally.item_differences(page.contrast, j))
        if page.three and one.n:
            desired = page.tally.item_differences("gap", j)
            one = replace(one, desired_gap=desired.mean(), desired_sd=desired.sd() if desired.n > 1 else 0.0)
        items.append(one)
    points = page.tally.layout.points
    return judge_items(items, points, confirmed, len(tested), page.thresholds, page.three, page.hidden)


def _ranks(
    tally: Tally,
    cells: Mapping[str, CellSummary],
    verdicts: Mapping[str, Verdict],
    rng: np.random.Generator,
    thresholds: Thresholds,
) -> dict[str, tuple[Statistic, Statistic]]:
    """Place of each listed cell by the bound of its priority, with an interval, and how often it is among three first.

    The cells' mean losses are drawn from the normal distribution with their covariance (pairwise, as customers who do
    not meet a touchpoint lose nothing there); each draw is turned into bounds and ranked like the list itself, ties by
    id.  None has a place when no bound is above 0.
    """
    listed = sorted(name for name, one in verdicts.items() if one.priority_bound is not None)
    if tally.loss is None or not any(verdicts[name].priority_bound for name in listed):
        return {}
    order = [part.id for part in tally.plan.composites if part.level == "cell"]
    at = [order.index(name) for name in listed]
    n, unit = tally.loss.n[np.ix_(at, at)].astype(np.float64), float(tally.plan.cell_unit)
    rows = np.diag(n)
    covariance = np.nan_to_num(tally.loss.covariance()[np.ix_(at, at)]) * n / np.outer(rows, rows) / unit**2
    means = np.diag(tally.loss.sums)[at] / rows / unit
    values, vectors = np.linalg.eigh(covariance)
    normal = rng.standard_normal((thresholds.rank_draws, len(at)))
    # Pairwise covariances can have a small negative eigenvalue; it is no variance.
    drawn = means + (normal * np.sqrt(np.maximum(values, 0))) @ vectors.T
    z = float(special.ndtri(thresholds.priority_level))
    impact = np.array([cells[name].impact or 0.0 for name in listed])
    margin = np.array([(cells[name].exposure or 0.0) * z * _se(cells[name]) for name in listed])
    # Rounded, as cells with the same answers differ by the rounding of the eigenvectors.
    bounds = np.round(impact * np.maximum(drawn - margin, 0), 7)
    places = 1 + np.argsort(np.argsort(-bounds, axis=1, kind="stable"), axis=1, kind="stable")
    first = sorted(listed, key=lambda name: (-(verdicts[name].priority_bound or 0.0), name))
    tail = (1 - thresholds.level) / 2
    found = {}
    for column, name in enumerate(listed):
        place = first.index(name) + 1
        low, high = np.quantile(places[:, column], [tail, 1 - tail], method="inverted_cdf")
        share = float((places[:, column] <= 3).mean())
        count, method = cells[name].n, f"{thresholds.rank_draws} normal draws, seed {thresholds.rank_seed}"
        rank = Statistic(float(place), min(float(low), place), max(float(high), place), thresholds.level, count, method)
        found[name] = (rank, Statistic(share, n=count, method=method))
    return found


def _se(cell: CellSummary) -> float:
    """Standard error of the mean shortfall."""
    return (cell.sd_u or 0.0) / math.sqrt(cell.n_u) if cell.n_u else 0.0


_NEED_A_GAP = (
    "gap", "p_minimum_effect", "q_minimum_effect", "p_nil", "q_nil", "lower90", "n_needed", "occurrence",
    "severity_if_short", "expected_loss", "priority", "rank", "p_top3", "if_halved", "defects_per_million",
)  # fmt: skip


def _by_perception(
    tally: Tally, cells: list[Composite], importance: Importance, thresholds: Thresholds, hidden: frozenset[str]
) -> tuple[Defect, ...]:
    """Perception alone: no gap and no defect; cells in the order of their mean perception, lowest first."""
    ranked: list[tuple[int, float, str, int, Defect]] = []
    for row, part in enumerate(cells):
        stage, dimension = tally.layout.place(part.id)
        perception = mean_statistic(tally.composite("perception", part), thresholds.level)
        shown = perception.n >= max(1, thresholds.display_floor) and part.id not in hidden
        u = _shortfall(tally, row)
        defect = Defect(
            cell=part.id,
            stage=stage,
            dimension=dimension,
            items=tuple(tally.layout.items[j] for j in part.items),
            status="ranked_by_perception" if shown else "suppressed",
            severity="none",
            exposure=_exposure(tally, u, thresholds.level),
            importance=Statistic(importance.blended[part.id], n=tally.n, method=importance.note),
            silent_share=silent_share(tally, stage, thresholds.level),
            sensitivity={},
            item_status={},
            by_branch=None,
            **dict.fromkeys(_NEED_A_GAP, undefined("no_expectation")),
        )
        place = perception.value or 0.0 if shown else 0.0  # the order of hidden cells would tell as well
        ranked.append((0 if shown else 1, place, part.id, perception.n, defect))
    ranked.sort(key=lambda one: one[:3])
    places = {one[2]: place for place, one in enumerate(ranked, 1) if one[0] == 0}
    return tuple(
        replace(one, rank=Statistic(float(places[name]), n=n, method="by mean perception")) if name in places else one
        for *_, name, n, one in ranked
    )
