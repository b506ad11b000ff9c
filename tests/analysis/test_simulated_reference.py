"""Cells, stages, half rule, blank screen, weights and alpha with missing answers agree with R on simulated answers.

The answers, the R script, its output and its session lie in `tests/references/simulated*`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analysis.coded import score_matrix
from analysis.report import build_report, report_json
from analysis.tally import summarise
from surveys.authoring import load
from surveys.coding import codebook
from surveys.exchange.answers import read_answers
from surveys.exchange.tables import open_table

HERE = Path(__file__).resolve().parents[1] / "references"
FIELD = {
    "gap": ("value",),
    "low": ("low",),
    "high": ("high",),
    "n": ("n",),
    "t": ("t", "value"),
    "p_t": ("p_t", "value"),
    "d_z": ("d_z", "value"),
    "servperf": ("perception", "value"),
    "n_servperf": ("perception", "n"),
    "expectation": ("expectation", "value"),
    "p_holm": ("p_holm", "value"),
    "p_bh": ("p_bh", "value"),
    "raw": ("alpha", "value"),
    "std": ("alpha_standardised", "value"),
}


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    questionnaire = load("pfs_customer").variant()
    closed = read_answers(questionnaire, open_table(HERE / "simulated.csv")).closed
    tally = summarise(score_matrix(questionnaire, codebook(questionnaire), closed))
    told: dict[str, Any] = json.loads(json.dumps(report_json(build_report(tally, format="two_column", floor=None), {})))
    return told


def expected() -> Iterator[tuple[str, str, str, float]]:
    with (HERE / "simulated_expected.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield row["level"], row["id"], row["stat"], float(row["value"])


def ours(report: dict[str, Any], level: str, name: str, stat: str) -> float:
    if level == "meta":
        return float(report["meta"][stat])
    if level.startswith("alpha_"):
        column = report["reliability"][level.removeprefix("alpha_")]
        part = column["total"] if name == "total" else column["dimensions"][name]
    elif level == "overall":
        part = report["gaps"][name]
    else:
        part = report["gaps"][level][name]
    for key in FIELD[stat]:
        part = part[key]
    return float(part)


@pytest.mark.parametrize(
    "level",
    ["meta", "items", "cells", "dimensions", "stages", "overall", "alpha_expectation", "alpha_perception", "alpha_gap"],
)
def test_agrees_with_r(report: dict[str, Any], level: str) -> None:
    rows = [row for row in expected() if row[0] == level]
    assert rows
    for _, name, stat, value in rows:
        assert ours(report, level, name, stat) == pytest.approx(value, rel=1e-9, abs=1e-12), (name, stat)
