"""One promise measured: `Check`, and how a simulation is turned into one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.frequencies import Frequencies
from analysis.matrix import ScoreMatrix
from analysis.results import Statistic

Floats = NDArray[np.float64]

ALLOWED = 3.0
"""Simulation errors by which a measured value may lie beyond its bound: chance alone exceeds it once in 700 times."""


@dataclass(frozen=True)
class Check:
    """A promise, what came out, and whether it holds.

    Attributes
    ----------
    name : str
        Family and case, such as ``"coverage.t.n30"``.
    what : str
        One plain sentence.
    measured : float
    bound_low, bound_high : float or None
        What is promised; both None for a number that is reported only.
    simulation_error : float
        Standard error of `measured` over the runs; 0 when it was computed without simulation.
    runs : int
    holds : bool
        Whether `measured` is within the bounds, `ALLOWED` simulation errors being granted.
    """

    name: str
    what: str
    measured: float
    bound_low: float | None
    bound_high: float | None
    simulation_error: float
    runs: int
    holds: bool


@dataclass(frozen=True)
class Material:
    """What the checks cannot make by themselves, since questionnaires and simulated campaigns are not of `analysis`.

    Attributes
    ----------
    whole : (n, rng) -> ScoreMatrix
        Answers to the whole two-column questionnaire, with gaps that differ between items.
    core : tuple of int
        Places of the items that the short form always asks.
    drawn : stage -> int
        How many of the other items of a stage it asks.
    planted : (rng) -> (ScoreMatrix, set of cells)
        A simulated campaign, and the cells whose planted gap is a defect.
    """

    whole: Callable[[int, np.random.Generator], ScoreMatrix]
    core: tuple[int, ...]
    drawn: dict[str, int]
    planted: Callable[[np.random.Generator], tuple[ScoreMatrix, frozenset[str]]]


def settled(
    name: str, what: str, measured: float, error: float, runs: int, low: float | None = None, high: float | None = None
) -> Check:
    """A check from what was measured."""
    slack = ALLOWED * error + 1e-12
    holds = (low is None or measured + slack >= low) and (high is None or measured - slack <= high)
    return Check(name, what, measured, low, high, error, runs, holds)


def rate(
    name: str, what: str, hits: Sequence[bool] | NDArray[np.bool_], low: float | None = None, high: float | None = None
) -> Check:
    """A share of runs; its error is taken from a share drawn a little towards one half, so that it is never nought."""
    found = np.asarray(hits, np.bool_)
    n = int(found.size)
    near = (float(found.sum()) + 1) / (n + 2)
    return settled(name, what, float(found.mean()), math.sqrt(near * (1 - near) / n), n, low, high)


def average(
    name: str, what: str, values: Sequence[float] | Floats, low: float | None = None, high: float | None = None
) -> Check:
    """A mean over runs (at least two)."""
    found = np.asarray(values, np.float64)
    error = float(found.std(ddof=1)) / math.sqrt(found.size)
    return settled(name, what, float(found.mean()), error, int(found.size), low, high)


def part(runs: int, share: float, least: int = 8) -> int:
    """So many of the runs: slow statistics are tried less often."""
    return max(least, round(runs * share))


def covers(found: Statistic, truth: float) -> bool:
    """Whether an interval holds the truth; one that is missing does not."""
    return found.low is not None and found.high is not None and found.low <= truth <= found.high


def within(limits: tuple[float | None, float | None] | None, truth: float) -> bool:
    """The same for a pair of limits."""
    return limits is not None and limits[0] is not None and limits[1] is not None and limits[0] <= truth <= limits[1]


def of(values: Floats) -> Frequencies:
    """Values as the statistics take them."""
    return Frequencies.of(np.asarray(values, np.float64))
