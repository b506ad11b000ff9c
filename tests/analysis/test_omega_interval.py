"""The interval of omega total: lavaan's defined parameters, coverage by simulation, and where there is none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from analysis.consistency.omega import omega_limits, omega_ml
from tests.agreement import agree

HERE = Path(__file__).parents[1] / "references"
EXPECTED = json.loads((HERE / "omega_expected.json").read_text())


def bank() -> np.ndarray:
    rows = [line.split(",") for line in (HERE / "structure.csv").read_text().splitlines()[1:]]
    whole = np.array([[float(one) for one in row[:5]] for row in rows if all(one not in ("", "NA") for one in row)])
    return whole


@pytest.mark.parametrize("name", ["attitude", "bank"])
def test_omega_has_lavaans_interval(name: str) -> None:
    told = EXPECTED[name]
    values = np.array(told["data"], float) if name == "attitude" else bank()
    assert len(values) == told["n"]
    found = omega_ml(np.cov(values.T))
    low, high = omega_limits(found, len(values))
    by, data = "lavaan 0.6-14", {"attitude": "R's attitude", "bank": "simulated ratings, five items"}[name]
    agree("omega total, one factor", data, told["omega"], found.value, by=by, rel=1e-6)
    # The optimiser of lavaan stops where the gradient is small, not nought.
    agree("omega total, lower limit (logit, delta)", data, told["low"], low, by=by, rel=1e-5)
    agree("omega total, upper limit (logit, delta)", data, told["high"], high, by=by, rel=1e-5)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(4)
    load = np.array([0.8, 0.7, 0.6, 0.7, 0.5])
    unique = 1 - load**2
    truth = load.sum() ** 2 / (load.sum() ** 2 + unique.sum())
    held = 0
    for _ in range(400):
        values = rng.standard_normal((150, 1)) * load + rng.standard_normal((150, 5)) * np.sqrt(unique)
        limits = omega_limits(omega_ml(np.cov(values.T)), 150)
        held += limits is not None and limits[0] <= truth <= limits[1]
    assert 0.92 <= held / 400 <= 0.98


def test_an_improper_solution_has_no_interval() -> None:
    covariance = np.array([[1.0, 0.7, 0.7], [0.7, 1.0, 0.4], [0.7, 0.4, 1.0]])
    found = omega_ml(covariance)
    assert found.heywood and omega_limits(found, 100) is None
