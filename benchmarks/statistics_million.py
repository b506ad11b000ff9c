"""Statistics at a million answers to 22 item pairs, one thread, each beside a yardstick of the same run."""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measuring import OUT, ROOT, show

sys.path.insert(0, str(ROOT))

PSYCH = """
suppressMessages(library(psych))
n <- %(n)d; k <- 22
x <- as.data.frame(matrix(as.integer(readBin("%(path)s", "integer", n * k, size = 1, signed = FALSE)), n, k))
x[x == 0] <- NA
t <- system.time(a <- psych::alpha(x, warnings = FALSE))
cat(t[["elapsed"]], a$total$raw_alpha)
"""


def best(work: Callable[[], object], times: int = 3) -> float:
    """Seconds of the quickest of some runs."""
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return min(found)


def study(n: int):
    """Simulated answers, kept on disk."""
    from analysis.coded import Context, study_of
    from surveys.authoring import load
    from surveys.coding import codebook
    from surveys.simulate import DEMO, simulate

    questionnaire = load("pfs_customer").variant("two_column", ("stage_importance", "attention_1", "self_report"))
    path = OUT / f"simulated-{n}.npz"
    if not path.exists():
        OUT.mkdir(exist_ok=True)
        drawn = simulate(questionnaire, n, DEMO, np.random.default_rng(5))
        days = np.array([day.toordinal() for day in drawn.day], np.int32)
        texts = {name: getattr(drawn, name).astype(str) for name in ("unit", "channel", "language")}
        np.savez(path, closed=drawn.closed, days=days, **texts)
    kept = np.load(path)
    beside = [kept[name].astype(object) for name in ("unit", "channel", "language")]
    return study_of(questionnaire, codebook(questionnaire), kept["closed"], Context(*beside, kept["days"]))


def alpha_in_r(ratings: np.ndarray) -> tuple[float, float] | None:
    """Seconds of psych::alpha, and its alpha; None without R."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ratings.bin"
        np.where(ratings > 7, 0, ratings).T.astype(np.uint8).tofile(path)
        script = PSYCH % {"n": len(ratings), "path": path}
        told = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True, check=False)
    return tuple(map(float, told.stdout.split())) if told.returncode == 0 else None  # type: ignore[return-value]


def alpha_alone(ratings: np.ndarray) -> object:
    """Alpha with all item statistics of one column, from the ratings."""
    from analysis.mergeable import PairMoments
    from analysis.reliability import alpha_from_moments
    from analysis.rows import CHUNK

    total: PairMoments | None = None
    for start in range(0, len(ratings), CHUNK):
        part = np.ascontiguousarray(ratings[start : start + CHUNK].T)
        present = (part > 0) & (part < 8)
        moments = PairMoments.of(part * present, present, 7)
        total = moments if total is None else total + moments
    assert total is not None
    return alpha_from_moments(total.covariance())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=1_000_000)
    given = parser.parse_args()
    from analysis.by_branch import clustering_of
    from analysis.confirm.estimate import maximum_likelihood
    from analysis.confirm.evidence import evidence_of, part_of
    from analysis.confirm.model import correlated_factors
    from analysis.confirm.twostage import two_stage
    from analysis.explore.polychoric import pair_tables, polychoric_matrix
    from analysis.report import build_report
    from analysis.research import build_research
    from analysis.tally import summarise

    answers = study(given.n)
    matrix = answers.matrix
    both = np.hstack([matrix.reference, matrix.perception])
    rows: list[tuple[str, str, str, str]] = []

    def bare() -> object:
        whole = both.astype(np.float64)
        return whole.T @ whole

    yardstick = best(bare)
    rows.append(("cross-product of 44 columns, float64", f"{yardstick:.2f} s", "1", ""))
    seconds = best(lambda: summarise(matrix))
    rows.append(("tally: everything the report needs", f"{seconds:.2f} s", f"{seconds / yardstick:.1f}", "<= 3"))
    tally = summarise(matrix)
    seconds = best(lambda: build_report(tally, format="two_column", floor=10, clustering=clustering_of(tally)))
    rows.append(("report from the tally", f"{seconds:.2f} s", f"{seconds / yardstick:.1f}", ""))
    alone = best(lambda: alpha_alone(matrix.perception))
    told = alpha_in_r(matrix.perception)
    ratio = "" if told is None else f"psych {told[0]:.1f} s: {told[0] / alone:.0f} x faster"
    rows.append(("alpha of 22 items with item statistics", f"{alone:.2f} s", ratio, ">= 20 x"))
    for n in (1_000, given.n):
        evidence = evidence_of(matrix.perception[:n])
        layout = matrix.layout
        model = correlated_factors(layout.items, {name: items for name, items in layout.dimension_items.items()})
        sample = part_of(evidence, np.arange(len(layout.items)))
        seconds = best(lambda model=model, sample=sample: maximum_likelihood(model, [sample]))
        rows.append((f"five factors from the moments of {n:,}", f"{seconds:.3f} s", "", "< 0.2 s"))
    gaps = matrix.perception[:1_000].astype(np.float64)
    gaps[(gaps == 0) | (gaps > 7)] = np.nan
    seconds = best(lambda: two_stage(gaps))
    rows.append(("moments of 1,000 with missing answers, two stages", f"{seconds:.3f} s", "", "< 0.3 s"))
    tables = pair_tables(matrix.perception, 7)
    seconds = best(lambda: polychoric_matrix(tables))
    rows.append(("polychoric correlations of 231 pairs, from tables", f"{seconds:.2f} s", "", "< 1 s"))
    for part, n in ((answers.part(np.arange(1_000)), 1_000), (answers, given.n)):
        begun = time.perf_counter()
        sums = summarise(part.matrix)
        build_report(sums, format="two_column", floor=10, clustering=clustering_of(sums))
        half = time.perf_counter() - begun
        build_research(part, sums, floor=10)
        whole = time.perf_counter() - begun
        rows.append((f"report of {n:,}, rows to result", f"{half:.2f} s", "", "< 2 s" if n == 1000 else "< 10 s"))
        rows.append((f"the same with the appendix, {n:,}", f"{whole:.2f} s", "", ""))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    rows.append(("peak memory of this process", f"{peak:.2f} GB", "", "< 1.5 GB"))
    show(("", "time", "ratio", "goal"), *rows)


if __name__ == "__main__":
    main()
