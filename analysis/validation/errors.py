"""Tests of what is true: how often they cry wolf at 5 %.  And the intervals of drivers' shares."""

from __future__ import annotations

import numpy as np
from scipy import special

from analysis.compare.rank_tests import rank_sums
from analysis.compare.welch import welch_test
from analysis.confirm.estimate import Sample
from analysis.confirm.invariance import invariance
from analysis.driving.shares import driver_set, lmg_many
from analysis.missing import little
from analysis.ordered import brant
from analysis.trend.control import laney, xmr
from analysis.validation.branching import moments
from analysis.validation.check import Check, Material, average, covers, of, part, rate
from analysis.validation.coverage import SKEWED, drawn

LOW, HIGH = 0.03, 0.07


def groups(rng: np.random.Generator, runs: int, _: Material) -> tuple[Check, ...]:
    """Welch with unequal spreads, Kruskal-Wallis with ties."""
    welch, kruskal = [], []
    for _run in range(runs):
        rows = [sd * rng.standard_normal(n) for n, sd in ((15, 2.0), (30, 1.5), (45, 1.0), (60, 0.7))]
        n, means, variances = moments(rows)
        p = welch_test(means, variances, n).p
        welch.append(p is not None and p <= 0.05)
        h = rank_sums({str(n): of(drawn(SKEWED, (n,), rng)) for n in (15, 30, 45, 60)}).h
        kruskal.append(h is not None and float(special.chdtrc(3, h)) <= 0.05)
    return (
        rate("errors.welch", "Welch's test at 5 %: four groups of equal means, n 15 to 60, the smallest with the "
             "widest spread", welch, LOW, HIGH),
        rate("errors.kruskal_wallis", "Kruskal-Wallis at 5 %: four groups of 15 to 60 alike, skewed whole-number gaps",
             kruskal, LOW, HIGH),
    )  # fmt: skip


def models(rng: np.random.Generator, runs: int, _: Material) -> tuple[Check, ...]:
    """Brant where odds are proportional; Little where answers are missing by chance."""
    odds, chance = [], []
    for _run in range(part(runs, 0.5)):
        x = rng.standard_normal((400, 3))
        y = np.digitize(0.6 * x.sum(axis=1) + rng.logistic(size=400), [-2.0, -0.7, 0.7, 2.0])
        found = brant(x, y)
        odds.append(found is not None and found.p <= 0.05)
    for _run in range(part(runs, 0.25)):
        values = rng.standard_normal((300, 5)) + rng.standard_normal((300, 1))
        values[rng.random(values.shape) < 0.08] = np.nan
        test = little(values)
        chance.append(test is not None and test.p <= 0.05)
    return (
        rate("errors.brant", "Brant's test at 5 % where odds are proportional, 5 steps, 3 predictors, n = 400", odds,
             LOW, HIGH),
        rate("errors.little", "Little's test at 5 % where answers are missing by chance (8 %), 5 items, n = 300",
             chance, LOW, HIGH),
    )  # fmt: skip


def charts(rng: np.random.Generator, runs: int, _: Material) -> tuple[Check, ...]:
    """Signals of a process that does not change."""
    counts = []
    for row in rng.standard_normal((runs, 20)):
        chart = xmr(row.tolist())
        counts.append(0.0 if chart is None else float(len(chart.signals)))
    drawn, centres = [], []
    for _run in range(part(runs, 0.5)):
        sizes = rng.integers(10, 21, 20)
        rows = [-np.rint(rng.exponential(1.3, n)) for n in sizes.tolist()]
        _n, means, variances = moments(rows)
        shown = laney(means.tolist(), variances.tolist(), sizes.tolist())
        drawn.append(shown is None or len(shown.signals) > 0)
        centres.append(0.0 if shown is None else shown.centre)
    # The mean of rounded exponential answers: chances of reaching 1/2, 3/2, ... added up.
    true = -float(np.exp(-(np.arange(60) + 0.5) / 1.3).sum())
    return (
        average("errors.xmr.signals", "XmR chart with its three rules: signals in 20 quiet periods", counts),
        rate("errors.xmr.charts", "The same: share of quiet charts with any signal (three rules over 20 points cry "
             "wolf more often than one)", np.array(counts) > 0),
        rate("errors.laney.charts", "The chart of the page, of periods with 10 to 20 skewed gaps: share of quiet "
             "charts of 20 periods with any signal", drawn, None, 0.15),
        average("errors.laney.centre", "The same: mean of the centre minus the true mean", np.array(centres) - true,
                -0.02, 0.02),
    )  # fmt: skip


def invariant_groups(rng: np.random.Generator, runs: int, _: Material) -> tuple[Check, ...]:
    """Groups that understand nine items alike, although their means and spreads differ."""
    load = np.zeros((9, 3))
    for j in range(9):
        load[j, j // 3] = 0.75
    phi = np.full((3, 3), 0.5) + 0.5 * np.eye(3)
    by_factor = {name: range(3 * k, 3 * k + 3) for k, name in enumerate(("a", "b", "c"))}
    comparable: dict[int, list[bool]] = {150: [], 300: []}
    for _run in range(part(runs, 0.04)):
        for n, called in comparable.items():
            samples = {}
            for name, mean, sd in (("one", 0.0, 1.0), ("two", -0.4, 1.2)):
                factors = mean + sd * rng.multivariate_normal(np.zeros(3), phi, n)
                rows = factors @ load.T + np.sqrt(1 - 0.75**2) * rng.standard_normal((n, 9))
                samples[name] = Sample(n, rows.mean(axis=0), np.cov(rows, rowvar=False, bias=True))
            called.append(invariance(samples, [f"i{j}" for j in range(9)], by_factor).consequence == "comparable")
    return (
        rate("errors.invariance.n300", "Two groups of 300 that understand nine items alike: share called comparable",
             comparable[300], 0.9, None),
        rate("errors.invariance.n150", "The same with the fewest that are tested, 150 each: the limit of the change of "
             "RMSEA greys out more than it must", comparable[150]),
    )  # fmt: skip


def drivers(rng: np.random.Generator, runs: int, _: Material) -> tuple[Check, ...]:
    """Bootstrap intervals of the shares of importance."""
    p, beta = 5, np.array([0.4, 0.3, 0.2, 0.1, 0.0])
    between = np.full((p, p), 0.4) + 0.6 * np.eye(p)
    explained = float(beta @ between @ beta)
    whole = np.eye(p + 1)
    whole[:p, :p] = between
    whole[:p, p] = whole[p, :p] = between @ beta / np.sqrt(explained + 1)
    truth = lmg_many(whole[None])[0]
    hits, strong = [], []
    for _run in range(part(runs, 0.06)):
        x = rng.multivariate_normal(np.zeros(p), between, 300)
        y = x @ beta + rng.standard_normal(300)
        found = driver_set("y", "x", tuple("abcde"), x, y, rng)
        held = [covers(found.drivers[name].share, float(one)) for name, one in zip("abcde", truth, strict=True)]
        hits.append(float(np.mean(held)))
        strong.append(found.drivers["a"].share.value > found.drivers["e"].share.value)  # type: ignore[operator]
    return (
        average("coverage.drivers", "95 % bootstrap intervals of the parts of R squared (LMG) of 5 predictors, n = "
                "300, average over the predictors; no theory promises 95 %", hits, 0.88, 1.0),
        rate("recovery.drivers", "The same: the strongest driver gets a larger share than one without effect", strong,
             0.95, None),
    )  # fmt: skip
