"""Data and reference numbers for the statistics."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.matrix import Layout, ScoreMatrix
from analysis.tally import Tally, summarise
from surveys.codes import BLANK, NOT_APPLICABLE


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "reference: needs the folder of reference numbers (FIVEGAPS_REFERENCE)")


@dataclass(frozen=True)
class Reference:
    """The folder of reference numbers: worked examples, results of R, and the kiosk survey."""

    folder: Path

    def example(self, number: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Inputs and expected values of a worked example."""
        examples = json.loads((self.folder / "worked_examples.json").read_text())["examples"]
        found = next(one for one in examples if one["id"].startswith(number))
        return found["inputs"], found["expected"]

    @cached_property
    def r(self) -> dict[str, Any]:
        """What R gave (psych, stats)."""
        found: dict[str, Any] = json.loads((self.folder / "reference_r.json").read_text())
        return found

    @cached_property
    def kiosk(self) -> ScoreMatrix:
        """The kiosk survey, complete rows only: 24 items in 8 dimensions, importance rated, no stages."""
        with (self.folder / "kiosk" / "kiosk_wide.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))

        def column(letter: str) -> NDArray[np.uint8]:
            return np.array([[int(row[f"{letter}{j:02d}"] or 0) for j in range(1, 25)] for row in rows], np.uint8)

        names = ("USE", "FUN", "CTL", "ECO", "PER", "CON", "SEC", "TAN")
        places = tuple(j // 3 for j in range(24))
        layout = Layout(tuple(f"Q{j:02d}" for j in range(1, 25)), 7, names, (), places, (), "expectation")
        matrix = ScoreMatrix(layout, column("P"), column("E"), importance=column("I"))
        complete = np.all((matrix.perception > 0) & (column("E") > 0), axis=1)
        return matrix.rows(np.flatnonzero(complete))

    @cached_property
    def kiosk_tally(self) -> Tally:
        return summarise(self.kiosk)


@pytest.fixture(scope="session")
def reference(reference: Path) -> Reference:
    return Reference(reference)


Customers = Callable[..., ScoreMatrix]

CELLS = (2, 1, 1, 1, 2, 1, 2, 2, 2, 1, 1, 2, 1, 1, 2)
"""Items of the 15 stage x dimension cells of a bank's questionnaire, by stage, then dimension."""


def bank_layout(points: int, reference: str | None, has_minimum: bool = False) -> Layout:
    places = [cell for cell, size in enumerate(CELLS) for _ in range(size)]
    return Layout(
        tuple(f"Q{j + 1:02d}" for j in range(len(places))),
        points,
        ("tan", "rel", "res", "ass", "emp"),
        ("enc", "trf", "trk"),
        tuple(cell % 5 for cell in places),
        tuple(cell // 5 for cell in places),
        reference,
        has_minimum,
    )


@pytest.fixture(scope="session")
def customers() -> Customers:
    """A maker of simulated customers: `customers(200, seed=1, format="three_column", missing=0.1)`."""

    def make(n: int, seed: int = 1, format: str = "two_column", missing: float = 0.1) -> ScoreMatrix:
        rng = np.random.default_rng(seed)
        three, points = format == "three_column", 9 if format == "three_column" else 7
        reference = {"two_column": "expectation", "three_column": "desired"}.get(format)
        layout = bank_layout(points, reference, three)
        k, mood = len(layout.items), rng.normal(0, 0.8, (n, 1))

        def column(mean: float, pull: float, may_skip: float) -> NDArray[np.uint8]:
            drawn = np.clip(np.rint(mean + pull * mood + rng.normal(0, 1, (n, k))), 1, points).astype(np.uint8)
            chance = rng.random((n, k))
            drawn[chance < may_skip] = NOT_APPLICABLE
            drawn[(chance >= may_skip) & (chance < 1.5 * may_skip)] = BLANK
            return drawn

        given = rng.multinomial(100, [0.2] * 5, size=n).astype(np.int16)
        given[rng.random(n) < 0.1] = -1
        given[rng.random(n) < 0.1] //= 2
        return ScoreMatrix(
            layout,
            column(0.7 * points, 1, missing),
            column(0.85 * points, 0.3, missing / 4) if reference else None,
            column(0.65 * points, 0.3, missing / 4) if three else None,
            weights=given,
            stage_weights=rng.multinomial(100, [0.5, 0.3, 0.2], size=n).astype(np.int16),
            outcome=np.clip(np.rint(4.5 + mood[:, 0] + rng.normal(0, 0.7, n)), 1, 7).astype(np.uint8),
            problem_stage=rng.integers(-1, 3, n).astype(np.int16),
            problem_silent=rng.random(n) < 0.6,
        )

    return make
