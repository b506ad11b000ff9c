"""`fivegaps analyse` with an earlier wave, with people who answered twice, and with what stands beside the answers."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from analysis.research import research_schema
from app.cli import main
from surveys.authoring import load
from surveys.coding import codebook
from surveys.exchange.downloads import as_csv
from surveys.simulate import Plan, simulate
from surveys.store.read import Released

BRANCHES = tuple(f"B{number}" for number in range(8))
BEFORE = Plan(gaps={"encounter.reliability": -1.3, "tracking.empathy": -1.3}, units=dict.fromkeys(BRANCHES, 0.0))
AFTER = replace(BEFORE, gaps={"encounter.reliability": 0.1, "tracking.empathy": -1.3})


def saved(path: Path, plan: Plan, n: int, seed: int) -> Path:
    questionnaire = load("pfs_customer")
    questionnaire = questionnaire.variant(None, tuple(q.id for q in questionnaire.questions()))
    drawn = simulate(questionnaire, n, plan, np.random.default_rng(seed))
    day = np.full(n, date(2026, 9, 7), object)
    released = Released(drawn.closed, drawn.unit, drawn.channel, drawn.language, day, np.ones(n, np.int32))
    path.write_bytes(as_csv(codebook(questionnaire), released))
    return path


def extended(path: Path, extra: dict[str, list[str]]) -> Path:
    """The file with further columns."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    for name, values in extra.items():
        for row, value in zip(rows, [name, *values], strict=True):
            row.append(value)
    other = path.with_name(f"more-{path.name}")
    with other.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return other


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("waves")
    return saved(folder / "before.csv", BEFORE, 360, 1), saved(folder / "after.csv", AFTER, 360, 2)


def told(capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    code = main(["analyse", "--questionnaire", "pfs_customer", *more])
    out = capsys.readouterr()
    assert code == 0, out.err
    found: dict[str, Any] = json.loads(out.out)
    return found


def refused(capsys: pytest.CaptureFixture[str], *more: str) -> str:
    code = main(["analyse", "--questionnaire", "pfs_customer", *more])
    err = capsys.readouterr().err
    assert code == 2 and "Traceback" not in err
    return err


def test_a_mended_defect_is_closed_and_another_is_not(capsys: Any, two: tuple[Path, Path]) -> None:
    before, after = two
    found = told(capsys, str(after), "--before", str(before))
    jsonschema.Draft202012Validator(research_schema()).validate(found)
    waves = found["research"]["waves"]
    assert (waves["n_before"], waves["n_after"], waves["treated"]) == (360, 360, [])
    verdicts = {cell: one["proof"]["outcome"] for cell, one in waves["cells"].items()}
    assert verdicts["encounter.reliability"] == "closed"
    assert verdicts["tracking.empathy"] in ("not_demonstrated", "worse")
    assert waves["cells"]["encounter.reliability"]["comparison"] == "shrunken"


def test_branches_with_the_action_are_compared_with_the_others(capsys: Any, two: tuple[Path, Path]) -> None:
    before, after = two
    treated = [word for name in BRANCHES[:4] for word in ("--treated", name)]
    waves = told(capsys, str(after), "--before", str(before), *treated)["research"]["waves"]
    one = waves["cells"]["encounter.reliability"]
    assert one["comparison"] == "difference_in_differences" == one["proof"]["guard"]
    # Every branch improved alike, so the branches with the action did no better than the others.
    assert one["proof"]["outcome"] == "not_demonstrated"


def test_a_treated_branch_must_be_in_the_file(capsys: Any, two: tuple[Path, Path]) -> None:
    before, after = two
    said = refused(capsys, str(after), "--before", str(before), "--treated", "Moon")
    assert "--treated: the value is 'Moon'; allowed is a branch of the file (B0, B1" in said
    assert "--before" in refused(capsys, str(after), "--treated", "B0")


def test_people_who_answered_twice_are_matched_by_their_column(capsys: Any, two: tuple[Path, Path]) -> None:
    before, _after = two
    names = [f"p{number}" for number in range(360)]
    first = extended(before, {"who": names})
    second = extended(before, {"who": [*names[:300], *["p300"] * 60]})  # the last is told twice, so he is nobody's
    found = told(capsys, str(first), "--again", str(second), "--person", "who")["research"]["repeated"]
    assert found["n"] == 300
    assert found["gap"]["overall"]["agreement"]["value"] == pytest.approx(1.0)
    assert "--person" in refused(capsys, str(first), "--again", str(second), "--ignore", "who")


def test_branch_language_and_day_are_taken_from_named_columns(capsys: Any, two: tuple[Path, Path]) -> None:
    before, _after = two
    days = [(date(2026, 9, 7) + timedelta(days=number % 20)).isoformat() for number in range(360)]
    path = extended(before, {"when": days, "shop": ["north", "south", "west"] * 120})
    found = told(capsys, str(path), "--day", "when", "--branch", "shop")["research"]
    assert set(found["branches"]["overall"]["branches"]) == {"north", "south", "west"}
    assert len(found["trend"]["periods"]) > 1 and "language" in found["groups"]
    assert "--day: the file has no column 'day'" in refused(capsys, str(path), "--day", "day", "--ignore", "*")
    said = refused(capsys, str(path), "--day", "shop", "--ignore", "when")
    assert "row 2, column shop: the value is 'north'; allowed is a day as 2026-03-31" in said


def test_the_appendix_is_written_as_one_file_in_either_language(tmp_path: Path, two: tuple[Path, Path]) -> None:
    before, after = two
    out = tmp_path / "appendix.html"
    arguments = ["analyse", str(after), "--questionnaire", "pfs_customer", "--before", str(before)]
    assert main([*arguments, "--appendix", str(out), "--lang", "zh-CN"]) == 0
    page = out.read_text(encoding="utf-8")
    assert 'lang="zh-CN"' in page and 'id="waves"' in page
    assert "http://" not in page.replace("http://www.w3.org", "") and "<link" not in page


def test_drawn_branches_are_refused_where_none_are_known(capsys: Any, two: tuple[Path, Path]) -> None:
    before, _after = two
    alone = extended(before, {"shop": ["north"] * 360})
    said = refused(capsys, str(alone), "--branch", "shop", "--sampled-branches")
    assert said.startswith("--sampled-branches: the status cannot allow for branches")
    drawn = told(capsys, str(before), "--sampled-branches", "--no-appendix")
    assert all(one["status"] == one["by_branch"]["status"] for one in drawn["defects"])
