"""Defects with branches as clusters: whether they would be defects in branches in general."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from analysis.defects import ByBranch, CellSummary, Defect, Verdict
from analysis.designed import ClusterError, cluster_error
from analysis.disclosure import complementary
from analysis.frequencies import t_quantile
from analysis.mergeable import Counts
from analysis.results import Statistic, undefined
from analysis.tally import Tally
from analysis.thresholds import Thresholds


@dataclass(frozen=True)
class Clustering:
    """How far answers of one branch go together."""

    errors: Mapping[str, ClusterError]  # by cell
    sampled: bool = False  # whether branches were drawn, so that the status must allow for it


def clustering_of(tally: Tally, sampled: bool = False, floor: int | None = None) -> Clustering | None:
    """How far answers of one branch go together in each cell.

    Parameters
    ----------
    tally : Tally
        Of a matrix that knows the branches; answers whose branch is not known count as one more.
    sampled : bool
        Whether branches were drawn from more: then the status allows for it.  Where all branches of the bank take
        part, answers are those of their customers, and the status beside tells of branches in general.
    floor : int, optional
        Branches with fewer answers to a cell, and as many more as these need not to follow by subtraction, count as
        one: from errors and degrees of freedom the size of a single small branch can be worked out.

    Returns
    -------
    Clustering or None
        None where branches are not known, one branch alone answered, or not everybody was asked every item.
    """
    if len(tally.by_branch) < 2 or int(tally.answers["perception"][:, -1].sum()):
        return None
    table, unit = np.stack(list(tally.by_branch.values())), tally.plan.cell_unit
    found = {}
    for at, cell in enumerate(tally.layout.cells):
        n, sums, squares = (int(one) for one in table[:, at].sum(axis=0))
        variance = (n * squares - sums * sums) / (n * (n - 1)) / unit**2 if n > 1 else 0.0
        own = _together(table[:, at, :2], floor)
        error = cluster_error(own[:, 0].astype(np.float64), own[:, 1] / unit, variance)
        if error is not None:
            found[cell] = error
    return Clustering(found, sampled)


def _together(cell: Counts, floor: int | None) -> Counts:
    """(branches, 2) answers and sums with those that may not be shown as one line."""
    if floor is None:
        return cell
    hidden = complementary({str(at): int(n) for at, n in enumerate(cell[:, 0]) if n}, floor)
    apart = np.array([str(at) not in hidden for at in range(len(cell))])
    return np.vstack([cell[apart], cell[~apart].sum(axis=0, keepdims=True)])


def clustered_cells(summaries: list[CellSummary], clustering: Clustering | None) -> list[CellSummary]:
    """The cells with branches as clusters; none where fewer than two branches have answers to each."""
    if clustering is None or not all(one.id in clustering.errors for one in summaries if one.n > 1):
        return []
    found = {name: (one.se, one.df) for name, one in clustering.errors.items()}
    return [replace(one, se=found[one.id][0], df=found[one.id][1]) if one.n > 1 else one for one in summaries]


def allowing_for(defect: Defect, verdict: Verdict, clustering: Clustering, thresholds: Thresholds) -> Defect:
    """The defect with what it would be in branches in general; in front where the branches were drawn."""
    error, gap = clustering.errors.get(defect.cell), defect.gap
    if error is None or gap.value is None or verdict.status == "suppressed":
        return defect
    flags = ("few_clusters",) if error.branches < thresholds.cluster_floor else ()
    reach = t_quantile(error.df, (1 + thresholds.level) / 2) * error.se
    method = "mean difference, branches as clusters (CR2)"
    told = Statistic(gap.value, gap.value - reach, gap.value + reach, thresholds.level, gap.n, method, flags)

    def number(value: float | None, name: str) -> Statistic:
        return undefined("not_tested", gap.n, name) if value is None else Statistic(value, n=gap.n, method=name)

    family = "one-sided t, branches as clusters, Benjamini-Hochberg"
    found = ByBranch(
        error.branches,
        verdict.status,
        told,
        number(verdict.q_minimum_effect, family),
        number(verdict.q_nil, family),
        number(verdict.lower90, f"lower limit of the {100 * thresholds.noninferiority_level:g} % interval"),
        Statistic(error.design_effect, n=gap.n, method="design effect of the clusters"),
    )
    return replace(defect, by_branch=found, gap=told if clustering.sampled else gap)
