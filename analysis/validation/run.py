"""All families of checks, each with a random stream of its own."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

import numpy as np

from analysis.validation import branching, clusters, coverage, errors, factors, planned, proof, rule
from analysis.validation.check import Check, Material

Family = Callable[[np.random.Generator, int, Material], tuple[Check, ...]]

FAMILIES: dict[str, Family] = {
    "defects": rule.false_discoveries,
    "campaign": rule.campaigns,
    "by_branch": clusters.by_branch,
    "mean_gaps": coverage.mean_gaps,
    "medians": coverage.medians,
    "shares": coverage.shares,
    "alphas": coverage.alphas,
    "effects": coverage.effects,
    "sequence": coverage.always,
    "games_howell": branching.simultaneous,
    "clusters": branching.clusters,
    "branches": branching.shrunken,
    "funnel": branching.funnels,
    "did": branching.difference_in_differences,
    "groups": errors.groups,
    "models": errors.models,
    "charts": errors.charts,
    "factors": factors.incomplete,
    "invariance": errors.invariant_groups,
    "drivers": errors.drivers,
    "proof": proof.regression_to_the_mean,
    "proof_branches": proof.with_branches,
    "planned": planned.short_forms,
    "planned_em": planned.covariances,
}
"""Family -> what measures it, in the order of the table."""


def run_family(name: str, material: Material, runs: int, seed: int) -> tuple[Check, ...]:
    """The checks of one family; its random numbers depend on the seed and its name only.

    Parameters
    ----------
    name : str
        Of `FAMILIES`.
    material : Material
    runs : int
        Simulated surveys for a quick statistic; slow ones take a fixed share of it.
    seed : int

    Returns
    -------
    tuple of Check
    """
    return FAMILIES[name](np.random.default_rng([seed, zlib.crc32(name.encode())]), runs, material)


def failed(checks: Sequence[Check]) -> tuple[str, ...]:
    """Names of the checks that do not hold."""
    return tuple(one.name for one in checks if not one.holds)
