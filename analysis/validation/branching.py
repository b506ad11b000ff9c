"""Groups and branches: intervals when answers come in branches, estimates drawn to the mean, ranks."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from analysis.compare.branches import pool, rank_intervals, shrink
from analysis.compare.funnel import branch_funnel
from analysis.compare.welch import games_howell
from analysis.designed import clustered_mean
from analysis.frequencies import Frequencies, mean_statistic
from analysis.trend.change import branch_did
from analysis.validation.check import Check, Floats, Material, average, covers, of, part, rate, settled
from analysis.validation.coverage import HIGH, LOW, SKEWED, drawn

BRANCHES = 12


def moments(rows: list[Floats]) -> tuple[Floats, Floats, Floats]:
    """n, means and variances of branches."""
    return (
        np.array([float(row.size) for row in rows]),
        np.array([row.mean() for row in rows]),
        np.array([row.var(ddof=1) for row in rows]),
    )


def simultaneous(rng: np.random.Generator, runs: int, _: Material) -> tuple[Check, ...]:
    """Games-Howell: all pairs of four unequal groups together."""
    sizes, sds = (20, 30, 40, 60), (2.0, 1.5, 1.2, 0.8)
    hits = []
    for _run in range(part(runs, 0.4)):
        groups = [of(sd * rng.standard_normal(n)) for n, sd in zip(sizes, sds, strict=True)]
        hits.append(all(covers(games_howell(a, b, 4)[0], 0.0) for a, b in combinations(groups, 2)))
    return (
        rate("coverage.games_howell", "95 % Games-Howell intervals of all six pairs of four groups (n 20 to 60, the "
             "smallest with the widest spread): share of runs in which all hold", hits, LOW, HIGH),
    )  # fmt: skip


def clusters(rng: np.random.Generator, runs: int, _: Material) -> tuple[Check, ...]:
    """A mean of answers that come from twelve branches, ICC .05."""
    sizes = rng.integers(15, 60, BRANCHES)
    robust, naive = [], []
    for _run in range(runs):
        rows = [np.sqrt(0.05) * rng.standard_normal() + np.sqrt(0.95) * rng.standard_normal(n) for n in sizes]
        robust.append(covers(clustered_mean(*moments(rows), 0.5).clustered, 0.0))
        naive.append(covers(mean_statistic(of(np.concatenate(rows)), 0.95), 0.0))
    return (
        rate("coverage.clusters.cr2", "95 % interval of a mean by branches (CR2), 12 branches of 15 to 60, ICC .05",
             robust, LOW, HIGH),
        rate("coverage.clusters.naive", "The plain t interval of the same, which takes answers as independent: why "
             "branches are allowed for", naive, None, 0.88),
    )  # fmt: skip


def few_branches(rng: np.random.Generator, runs: int, b: int, tau: float) -> tuple[list[float], list[float]]:
    """Average coverage of both intervals of b branches that differ by an SD of tau."""
    plain, full = [], []
    for _run in range(runs):
        truth = -0.5 + tau * rng.standard_normal(b)
        n = rng.integers(15, 81, b)
        means, variances = moments([one + 1.2 * rng.standard_normal(k) for one, k in zip(truth, n, strict=True)])[1:]
        found = pool(means, variances / n)
        eb = shrink(means, variances / n, found.tau2, found.mean, found.se)
        plain.append(float((np.abs(eb.means - truth) <= 1.959964 * eb.se).mean()))
        full.append(float((np.abs(eb.means - truth) <= 1.959964 * eb.se_full).mean()))
    return plain, full


def shrunken(rng: np.random.Generator, runs: int, _: Material) -> tuple[Check, ...]:
    """Branch means drawn to the overall mean: coverage, error, ranks; 20 branches, SD between them .25."""
    b, tau = 20, 0.25
    plain, full, raw_error, drawn_error, raw_r, drawn_r, ranks = [], [], [], [], [], [], []
    for _run in range(part(runs, 0.5)):
        truth = -0.5 + tau * rng.standard_normal(b)
        n = rng.integers(15, 81, b)
        means, variances = moments([one + 1.2 * rng.standard_normal(k) for one, k in zip(truth, n, strict=True)])[1:]
        v = variances / n
        found = pool(means, v)
        eb = shrink(means, v, found.tau2, found.mean, found.se)
        plain.append(float((np.abs(eb.means - truth) <= 1.959964 * eb.se).mean()))
        full.append(float((np.abs(eb.means - truth) <= 1.959964 * eb.se_full).mean()))
        raw_error.append(float(((means - truth) ** 2).mean()))
        drawn_error.append(float(((eb.means - truth) ** 2).mean()))
        if float(np.ptp(eb.means)) > 1e-9:
            raw_r.append(float(np.corrcoef(means, truth)[0, 1]))
            drawn_r.append(float(np.corrcoef(eb.means, truth)[0, 1]))
        low, high = rank_intervals(eb.means, eb.se_full, rng, draws=500)[1:]
        place = np.argsort(np.argsort(truth)) + 1
        ranks.append(float(((low <= place) & (place <= high)).mean()))
    raw, drawn = np.array(raw_error), np.array(drawn_error)
    ratio = float(drawn.mean() / raw.mean())
    few, few_full = few_branches(rng, part(runs, 0.5), BRANCHES, 0.15)
    three, three_full = few_branches(rng, part(runs, 0.5), 3, 0.25)
    error = float((drawn - ratio * raw).std(ddof=1) / raw.mean() / np.sqrt(raw.size))
    return (
        average("coverage.branches.shrunken_full", "95 % empirical Bayes intervals of 20 branches, averaged over them, "
                "with Morris's term: those of the appendix and of a baseline", full, LOW, 0.98),
        average("coverage.branches.shrunken_full.few", "The same where 12 branches differ little (SD .15): less than "
                "95 %, since the variance between them is hardly known", few_full, 0.90, 0.98),
        average("coverage.branches.shrunken_full.three", "The same of three branches, where Morris's factor is held at "
                "that of four", three_full, LOW, 0.98),
        average("coverage.branches.shrunken", "20 branches without that term, as if the variance between them were "
                "known, which nothing publishes", plain, 0.90, HIGH),
        average("coverage.branches.shrunken.few", "12 branches that differ little, without that term", few),
        average("coverage.branches.shrunken.three", "Three branches without that term", three),
        average("coverage.branches.ranks", "95 % intervals of the ranks of 20 branches, average over the branches",
                ranks, LOW, 1.0),
        settled("recovery.branches.error", "Mean squared error of the shrunken branch means over that of the raw ones",
                ratio, error, raw.size, None, 0.9),
        average("recovery.branches.correlation_raw", "Correlation of the raw branch means with the planted effects",
                raw_r),
        average("recovery.branches.correlation_gain", "By how much the shrunken means correlate better",
                np.array(drawn_r) - np.array(raw_r), 0.0, None),
    )  # fmt: skip


def beyond_limits(rows: list[Floats]) -> tuple[float, bool]:
    """Share of branches beyond the inner limits of their funnel, and whether any is beyond the outer ones."""
    n, means, variances = moments(rows)
    drawn = branch_funnel(n, means, variances)
    if drawn is None:
        return 0.0, False
    return float((np.abs(drawn.z) > 1.959964).mean()), bool((np.abs(drawn.z) > 3.090232).any())


def funnels(rng: np.random.Generator, runs: int, _: Material) -> tuple[Check, ...]:
    """Funnel plot of 20 branches that differ by chance only."""
    even = [beyond_limits([1.2 * rng.standard_normal(k) for k in rng.integers(15, 81, 20)])
            for _run in range(part(runs, 0.5))]  # fmt: skip
    skewed = [beyond_limits([drawn(SKEWED, (k,), rng) for k in rng.integers(15, 81, 20).tolist()])
              for _run in range(part(runs, 0.5))]  # fmt: skip
    return (
        average("errors.funnel.inner", "Funnel of 20 branches that differ by chance only: share of branches beyond the "
                "95 % limits", [one for one, _ in even], None, 0.05),
        rate("errors.funnel.outer", "The same: share of funnels with any branch beyond the 99.8 % limits",
             [hit for _, hit in even], None, 0.05),
        average("errors.funnel.skewed.inner", "The same of skewed gaps: share of branches beyond the 95 % limits",
                [one for one, _ in skewed], None, 0.06),
        rate("errors.funnel.skewed.outer", "The same of skewed gaps: share of funnels with any branch beyond the "
             "99.8 % limits", [hit for _, hit in skewed], None, 0.06),
    )  # fmt: skip


def difference_in_differences(rng: np.random.Generator, runs: int, _: Material) -> tuple[Check, ...]:
    """Six branches with an action and six without, two waves; branches differ, and change by themselves."""
    treated = frozenset(str(g) for g in range(6))
    cr2, wild = [], []
    for _run in range(part(runs, 0.3)):
        scores: dict[str, tuple[Frequencies, Frequencies]] = {}
        for g in range(BRANCHES):
            level, drift = 0.25 * rng.standard_normal(), 0.15 * rng.standard_normal(2)
            rows = [level + one + 1.2 * rng.standard_normal(int(rng.integers(20, 50))) for one in drift]
            rows[1] = rows[1] + 0.3 * (g < 6)
            scores[str(g)] = (of(rows[0]), of(rows[1]))
        change = branch_did(scores, treated, rng)
        cr2.append(covers(change.estimate, 0.3))
        wild.append(covers(change.at_verdict, 0.3))
    return (
        rate("coverage.did.cr2", "95 % interval of a difference in differences, 6 branches against 6 (CR2)", cr2, LOW,
             HIGH),
        rate("coverage.did.wild", "90 % interval behind the verdict on the same (wild cluster bootstrap)", wild, 0.87,
             0.93),
    )  # fmt: skip
