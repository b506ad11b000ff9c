"""The rule of what is a defect when answers of one branch go together."""

from __future__ import annotations

import math

import numpy as np

from analysis.by_branch import Clustering, clustered_cells
from analysis.defects import CellSummary, judge
from analysis.designed import ClusterError, cluster_error
from analysis.validation.check import Check, Material, average, part, rate
from analysis.validation.rule import CELLS, CORRELATION, SPREAD

DESIGNS = ((12, 40, 0.05), (30, 40, 0.05), (12, 40, 0.02))
"""Branches, answers of each, intraclass correlation."""


def wave(branches: int, each: int, icc: float, rng: np.random.Generator) -> np.ndarray:
    """(n, cells) whole-number gaps, all cells truly at -0.5 over branches in general."""
    n = branches * each
    home = np.repeat(np.arange(branches), each)
    between = math.sqrt(icc) * rng.standard_normal((branches, CELLS))[home]
    person = math.sqrt(CORRELATION) * rng.standard_normal((n, 1))
    own = math.sqrt(1 - CORRELATION - icc) * rng.standard_normal((n, CELLS))
    return np.rint(-0.5 + SPREAD * (between + person + own))


def by_branch(rng: np.random.Generator, runs: int, _: Material) -> tuple[Check, ...]:
    """False confirmations with and without allowing for branches."""
    found: list[Check] = []
    for branches, each, icc in DESIGNS:
        sizes = np.full(branches, float(each))
        plain, allowed, missed = [], [], []
        for _run in range(part(runs, 0.1)):
            gaps = wave(branches, each, icc, rng)
            cells = [
                CellSummary(str(j), len(gaps), float(one.mean()), float(one.std(ddof=1)))
                for j, one in enumerate(gaps.T)
            ]
            sums = gaps.reshape(branches, each, CELLS).sum(axis=1)
            found_errors: dict[str, ClusterError] = {}
            for j, own in enumerate(sums.T):
                error = cluster_error(sizes, own, float(gaps[:, j].var(ddof=1)))
                found_errors |= {str(j): error} if error is not None else {}
            clustered = clustered_cells(cells, Clustering(found_errors))
            plain.append(any(one.status == "confirmed" for one in judge(cells, 7).values()))
            told = judge(clustered, 7).values()
            allowed.append(any(one.status == "confirmed" for one in told))
            missed.append(np.mean([one.status == "no_defect_shown" for one in told]))
        name = f"defects.branches.{branches}.icc{round(100 * icc)}"
        text = f"{branches} branches of {each}, ICC {icc}, all 15 cells at the limit in branches in general"
        found += [
            rate(f"{name}.plain", f"{text}: share of surveys in which the status for these branches, read as one for "
                 "all, confirms any cell", np.array(plain)),
            rate(f"{name}.allowing", f"{text}: the same of the status by branches", np.array(allowed), None, 0.05),
            average(f"{name}.cleared", f"{text}: share of cells that the status by branches calls “no defect shown” "
                    "(each at 5 %, which CR2 meets nearly)", np.array(missed), None, 0.06),
        ]  # fmt: skip
    return tuple(found)
