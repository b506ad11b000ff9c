"""`fivegaps validate`: the statistics tried on data whose truth is known."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import TextIO

import numpy as np

from analysis.coded import score_matrix
from analysis.matrix import ScoreMatrix
from analysis.validation.check import Check, Material
from analysis.validation.run import FAMILIES, failed, run_family
from surveys.authoring import load
from surveys.coding import Codebook, codebook
from surveys.exchange.tables import FileError
from surveys.questionnaire import Questionnaire
from surveys.simulate import Plan, simulate

QUESTIONNAIRE = "pfs_customer"
SHORT_FORM = {"encounter": 2, "transfer": 2, "tracking": 2}
PLANTED = {"tracking.responsiveness": -1.4, "tracking.empathy": -1.3, "transfer.assurance": -1.5}
ANSWERS = 400


@cache
def _asked() -> tuple[Questionnaire, Codebook]:
    """The questionnaire that campaigns are simulated with."""
    questionnaire = load(QUESTIONNAIRE).variant("two_column", ())
    return questionnaire, codebook(questionnaire)


def _simulated(n: int, plan: Plan, rng: np.random.Generator) -> ScoreMatrix:
    questionnaire, book = _asked()
    return score_matrix(questionnaire, book, simulate(questionnaire, n, plan, rng).closed)


def _whole(n: int, rng: np.random.Generator) -> ScoreMatrix:
    """Complete answers with gaps from nought to -1.4, core items among the better ones."""
    items = _asked()[0].items
    gaps = {item.id: -0.2 if item.core else -1.4 * place / len(items) for place, item in enumerate(items)}
    return _simulated(n, Plan(gaps=gaps, expectation=5.8), rng)


def _planted(rng: np.random.Generator) -> tuple[ScoreMatrix, frozenset[str]]:
    """A campaign with three planted defects, branches, and the usual holes."""
    plan = Plan(gaps=PLANTED, otherwise=-0.3, units={"North": 0.1, "East": 0.0, "South": -0.1, "West": 0.0},
                no_experience={"tracking": 0.2}, blank=0.01)  # fmt: skip
    return _simulated(ANSWERS, plan, rng), frozenset(PLANTED)


def material() -> Material:
    """What the checks need of questionnaires and campaigns."""
    items = _asked()[0].items
    return Material(_whole, tuple(j for j, item in enumerate(items) if item.core), SHORT_FORM, _planted)


def validate(given: argparse.Namespace) -> int:
    """Run the checks, print them, write what is asked for; 1 when a promise is not kept."""
    names = tuple(FAMILIES) if given.only is None else (given.only,)
    out = sys.stderr if "-" in (given.json, given.markdown) else sys.stdout
    _tell(out, f"seed {given.seed}, {given.runs} runs")
    begun = time.monotonic()
    every: list[Check] = []
    for checks in _run(names, given.runs, given.seed, given.jobs):
        every += checks
        for one in checks:
            _tell(out, line(one))
    wrong = failed(every)
    _tell(out, f"{len(every)} checks in {time.monotonic() - begun:.0f} s, {len(wrong)} failed")
    for name in wrong:
        _tell(sys.stderr, f"failed: {name}")
    if given.json:
        numbers = {"seed": given.seed, "runs": given.runs, "checks": [asdict(one) for one in every]}
        _save(given.json, json.dumps(numbers, indent=1, allow_nan=False))
    if given.markdown:
        _save(given.markdown, page(every, given.seed, given.runs))
    return 1 if wrong else 0


def _tell(out: TextIO, text: str) -> None:
    out.write(text + "\n")
    out.flush()


def _run(names: Sequence[str], runs: int, seed: int, jobs: int) -> Iterator[tuple[Check, ...]]:
    """The families in their order, side by side where there is more than one processor."""
    one = partial(_family, runs=runs, seed=seed)
    if jobs == 1 or len(names) == 1:
        yield from map(one, names)
        return
    # One thread of linear algebra for each process: they would only wait for one another.
    before = os.environ.get("OPENBLAS_NUM_THREADS")
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    try:
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            yield from pool.map(one, names)
    finally:
        if before is None:
            del os.environ["OPENBLAS_NUM_THREADS"]
        else:
            os.environ["OPENBLAS_NUM_THREADS"] = before


def _family(name: str, runs: int, seed: int) -> tuple[Check, ...]:
    return run_family(name, material(), runs, seed)


def bound(one: Check) -> str:
    """What is promised, in words."""
    if one.bound_low is None and one.bound_high is None:
        return "reported"
    if one.bound_low is None:
        return f"at most {one.bound_high:g}"
    return f"at least {one.bound_low:g}" if one.bound_high is None else f"{one.bound_low:g} to {one.bound_high:g}"


def verdict(one: Check) -> str:
    """Whether it holds, in a word."""
    if one.bound_low is None and one.bound_high is None:
        return "–"
    return "holds" if one.holds else "FAILS"


def line(one: Check) -> str:
    """A check as one line of the terminal."""
    return (
        f"{verdict(one):5} {one.name:34} {one.measured:8.4f}  {bound(one):16} "
        f"error {one.simulation_error:.4f}, {one.runs} runs"
    )


HEAD = """# Validation

This page is written by `fivegaps validate --markdown docs/validation.md`. Data are simulated whose truth is known,
the functions of the product itself are applied to them, and what they promise is held against a bound.

**How to read it.** An interval at 95 % should hold the truth in 95 of 100 surveys; a test at 5 % should cry wolf in 5
of 100; of the cells called confirmed, at most 5 of 100 may be none. *Measured* is what came out of so many *runs*
(simulated surveys), *error* the standard error of that number by chance of the simulation. A bound counts as broken
when the measured value lies beyond it by more than three such errors. 0 runs means computed exactly, over all
possible answers. Numbers without a bound are reported so that one knows them.

**What it says.** {summary}

Where plain practice goes wrong, the table shows by how much: the status of a defect that holds for the branches that
took part, read as one for branches in general (*defects.branches*, *plain*: a fifth to half of the surveys confirm
some cell falsely; *allowing*: the status by branches, which `analyse --sampled-branches` puts in front), the plain
interval of answers that come from twelve branches, the plain interval looked at after every answer, the plain
chi-square of a factor model with missing answers (*errors.factors.missing.plain*, which decides nothing), the plain
change of the cell that looked worst, a comparison of the branches that looked worst with the others
(*chosen_branches*: a difference in differences guards only when the branches with the action are not picked by the
same baseline), and a stage's gap by respondents in the short form (*by_respondent*: core items weigh more in it, so
the report gives means of item gaps there).

Known limits, which no bound hides: 95 % intervals of shrunken branch means carry Morris's term for the uncertainty of
the variance between branches, and still hold in some 91 of 100 cases where twelve branches differ little
(*shrunken_full.few*, whose bound begins lower for that; without the term it would be 85); a quiet control chart of 20
periods gives some signal in one of nine cases, three rules being read at twenty points, so its bound is 15 of 100;
groups that understand the items alike are called
comparable in nine of ten cases with 300 in each, but in fewer with 150 (*invariance.n150*, no bound: the limits are
those of the literature, and err towards not comparing); a true factor model with a fifth of the answers not
applicable is rejected a little more often than in 5 of 100 cases at 300 answers, so its bound is 10 of 100; the
bootstrap interval of about 30 skewed gaps and the three intervals of alpha on skewed ordinal items may hold a little
less than they say, so their bounds begin lower; Hodges-Lehmann limits of whole-number gaps and the bounded confidence
sequence are wider than they need be. The power of the rule depends on the spread of gaps, which was set to 1.3 points
because the power is then the one found when the rule was set up; it guards against change and confirms nothing by
itself.

Seed {seed}, {runs} runs asked for; slow statistics take a fixed share of them. `fivegaps validate --seed {seed}
--runs {runs}` repeats it.

Families, for `--only`: {families}.

| check | what | measured | bound | runs | error | verdict |
|---|---|---:|---|---:|---:|---|
"""


def page(checks: Sequence[Check], seed: int, runs: int) -> str:
    """The document."""
    wrong = failed(checks)
    bounded = sum(one.bound_low is not None or one.bound_high is not None for one in checks)
    summary = (
        f"All {bounded} bounds hold."
        if not wrong
        else f"{len(wrong)} of {bounded} bounds do not hold: {', '.join(wrong)}."
    )
    rows = [
        f"| {one.name} | {one.what} | {one.measured:.4f} | {bound(one)} | {one.runs} | {one.simulation_error:.4f} "
        f"| {verdict(one)} |"
        for one in checks
    ]
    return HEAD.format(summary=summary, seed=seed, runs=runs, families=", ".join(FAMILIES)) + "\n".join(rows) + "\n"


def _save(out: str, text: str) -> None:
    if out == "-":
        _tell(sys.stdout, text)
        return
    try:
        Path(out).write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    except OSError as error:
        raise FileError(f"{out}: cannot be written ({error.strerror}); choose a place where you may write") from error
