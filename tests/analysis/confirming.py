"""What the tests of the factor models share: models out of lavaan's words, and the reference file with its data."""

from __future__ import annotations

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.confirm.estimate import Estimate, Sample, maximum_likelihood, sample_of
from analysis.confirm.model import FactorModel, correlated_factors

FOLDER = Path(__file__).parents[1] / "references"
LAVAAN = "lavaan 0.6-14"
SIZES = (2, 1, 1, 1, 2, 1, 2, 2, 2, 1, 1, 2, 1, 1, 2)
DIMENSIONS = ("tan", "rel", "res", "ass", "emp")
CELL = [cell for cell, size in enumerate(SIZES) for _ in range(size)]
BANK_ITEMS = tuple(f"Q{j + 1:02d}" for j in range(22))
BANK = {name: [j for j in range(22) if CELL[j] % 5 == d] for d, name in enumerate(DIMENSIONS)}
STAGES = {name: [j for j in range(22) if CELL[j] // 5 == s] for s, name in enumerate(("enc", "trf", "trk"))}
SCHOOL_ITEMS = tuple(f"x{j}" for j in range(1, 10))
SCHOOL = {"visual": [0, 1, 2], "textual": [3, 4, 5], "speed": [6, 7, 8]}


@cache
def expected() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "confirm_expected.json").read_text())
    return found


@cache
def table(name: str) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Header and numbers of a CSV beside the references (school names become 0 and 1 by first occurrence)."""
    with (FOLDER / f"confirm_{name}.csv").open(newline="") as file:
        header, *rows = list(csv.reader(file))
    if name == "school":
        seen = list(dict.fromkeys(row[0] for row in rows))
        rows = [[str(seen.index(row[0])), *row[1:]] for row in rows]
    return tuple(header), np.array(rows, np.float64)


def scores(name: str, group: int | None = None) -> NDArray[np.float64]:
    """Items of a data set, of all rows or of one group (the first column)."""
    numbers = table(name)[1]
    if name == "ordinal":
        return numbers
    return numbers[:, 1:] if group is None else numbers[numbers[:, 0] == group, 1:]


def from_lavaan(text: str, items: list[str]) -> FactorModel:
    """The model of lavaan's syntax, as far as the references use it."""
    factors: dict[str, list[int]] = {}
    uncorrelated = []
    for line in text.splitlines():
        if "=~" in line:
            name, rest = line.split("=~")
            factors[name.strip()] = [items.index(one.strip()) for one in rest.split("+")]
        elif "~~ 0*" in line:
            one, other = line.split("~~ 0*")
            uncorrelated.append((one.strip(), other.strip()))
    used = sorted({i for places in factors.values() for i in places})
    places = {name: [used.index(i) for i in at] for name, at in factors.items()}
    return correlated_factors([items[i] for i in used], places, uncorrelated)


def fitted(model: FactorModel, *samples: Sample) -> Estimate:
    found = maximum_likelihood(model, samples)
    assert isinstance(found, Estimate), found
    return found


def kiosk_scores(reference: Any, column: str) -> NDArray[np.float64]:
    kiosk = reference.kiosk
    found: NDArray[np.float64] = (kiosk.perception if column == "perception" else kiosk.reference).astype(np.float64)
    return found


def kiosk_table(reference: Any) -> dict[str, NDArray[np.float64]]:
    """Columns of the kiosk file; an empty cell is NaN."""
    with (reference.folder / "kiosk" / "kiosk_wide.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name[0] in "EPISY" or name == "id"]
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in names if name}


def correlations(reference: Any) -> tuple[list[str], NDArray[np.float64]]:
    """The published matrix of Babakus and Boller."""
    with (reference.folder / "babakus_boller_1992" / "cor22.csv").open(newline="") as file:
        header, *rows = list(csv.reader(file))
    return header[1:], np.array([[float(one) for one in row[1:]] for row in rows])


def moments(values: NDArray[np.float64]) -> Sample:
    return sample_of(values)
