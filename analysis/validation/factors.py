"""Factor models where answers are missing: a true model must not be rejected, and intervals must hold the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analysis.confirm.evidence import evidence_of_all
from analysis.confirm.report import ConfirmatoryColumn, confirmatory
from analysis.matrix import Bytes, Layout
from analysis.thresholds import DEFAULT
from analysis.validation.check import Check, Material, average, covers, part, rate
from surveys.codes import BLANK, NOT_APPLICABLE

ITEMS, DIMENSIONS = 10, ("one", "other")
LAYOUT = Layout(tuple(f"i{j}" for j in range(ITEMS)), 7, DIMENSIONS, (), (0,) * 5 + (1,) * 5, (), None)
LATE = [3, 4, 8, 9]
"""Items of a stage that a fifth of the customers have not come to, less content ones more often."""


def ratings(n: int, rng: np.random.Generator, missing: bool = True) -> Bytes:
    """Two dimensions that correlate .6, ten items on seven points, skewed as ratings are."""
    factors = rng.multivariate_normal([0.0, 0.0], [[1.0, 0.6], [0.6, 1.0]], n)
    load = np.tile([0.8, 0.7, 0.6, 0.75, 0.65], 2)
    values = factors[:, [0] * 5 + [1] * 5] * load + np.sqrt(1 - load**2) * rng.standard_normal((n, ITEMS))
    found: Bytes = np.clip(np.rint(5.2 + 1.2 * values), 1, 7).astype(np.uint8)
    if missing:
        away = rng.random(n) < 0.4 / (1 + np.exp(found[:, [0, 5]].mean(axis=1) - 5.2))
        found[np.ix_(away, LATE)] = NOT_APPLICABLE
        found[rng.random(found.shape) < 0.03] = BLANK
    return found


def estimated(answers: Bytes, rng: np.random.Generator) -> ConfirmatoryColumn:
    """The column's factor models, without resamples that are not looked at."""
    thresholds = replace(DEFAULT, htmt_draws=2)
    return confirmatory({"p": evidence_of_all(answers, rng, thresholds)}, LAYOUT, rng, thresholds).columns["p"]


def incomplete(rng: np.random.Generator, runs: int, _: Material) -> tuple[Check, ...]:
    """A fifth not applicable, three in a hundred blank, 300 answers."""
    whole = estimated(ratings(200_000, rng, missing=False), rng)
    truth = {name: one.loading.value or 0.0 for name, one in whole.loadings.items()}
    plain, scaled, held, alike = [], [], [], []
    for _run in range(part(runs, 0.25)):
        found = estimated(ratings(300, rng), rng)
        fit = found.models["dimensions"].fit
        if fit is None:
            continue
        plain.append((fit.p.value or 0.0) <= 0.05)
        scaled.append((fit.p_scaled.value or 0.0) <= 0.05)
        held.append(float(np.mean([covers(found.loadings[name].loading, one) for name, one in truth.items()])))
        alike.append(bool(found.models["dimensions"].acceptable))
    return (
        rate("errors.factors.missing", "A factor model that is true, rejected at 5 % by the scaled chi-square: 20 % "
             "not applicable, 3 % blank, n = 300", scaled, None, 0.10),
        rate("errors.factors.missing.plain", "The same by the plain chi-square of the EM moments, which decides "
             "nothing", plain),
        average("coverage.loadings.missing", "95 % intervals of the standardised loadings there", held, 0.92, 0.97),
        rate("factors.missing.acceptable", "The same model called acceptable by its robust indices", alike, 0.95, None),
    )  # fmt: skip
