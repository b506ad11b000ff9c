"""`fivegaps analyse` with the statistical appendix, and with staff and managers beside the customers."""

from __future__ import annotations

import json
from datetime import date
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
from surveys.simulate import DEMO, simulate
from surveys.store.read import Released


def saved(folder: Path, name: str, n: int, seed: int) -> Path:
    questionnaire = load(name)
    questionnaire = questionnaire.variant(None, tuple(q.id for q in questionnaire.questions()))
    drawn = simulate(questionnaire, n, DEMO, np.random.default_rng(seed))
    words = np.full(n, "", object)
    day = np.full(n, date(2026, 9, 7), object)
    released = Released(drawn.closed, words, words, words, day, np.ones(n, np.int32))
    path = folder / f"{name}.csv"
    path.write_bytes(as_csv(codebook(questionnaire), released))
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("answers")
    sizes = {"pfs_customer": 120, "pfs_staff": 30, "pfs_manager": 8}
    return {name: saved(folder, name, n, seed) for seed, (name, n) in enumerate(sizes.items())}


def told(capsys: pytest.CaptureFixture[str], files: dict[str, Path], *more: str) -> dict[str, Any]:
    code = main(["analyse", str(files["pfs_customer"]), "--questionnaire", "pfs_customer", *more])
    out = capsys.readouterr()
    assert code == 0, out.err
    found: dict[str, Any] = json.loads(out.out)
    return found


def test_the_appendix_is_part_of_the_json_and_can_be_left_out(capsys: Any, files: dict[str, Path]) -> None:
    assert "research" not in told(capsys, files, "--no-appendix")
    found = told(capsys, files)
    jsonschema.Draft202012Validator(research_schema()).validate(found)
    assert found["research"]["n"] == 120 and found["research"]["causes"] is None
    assert found["research"]["consistency"]["columns"]["perception"]["total"]["omega"]["value"] > 0.5


def test_staff_and_managers_bring_the_chain_of_gaps(capsys: Any, files: dict[str, Path]) -> None:
    found = told(capsys, files, "--staff", str(files["pfs_staff"]), "--managers", str(files["pfs_manager"]))
    causes = found["research"]["causes"]
    assert (causes["staff"], causes["managers"], len(causes["cells"])) == (30, 8, 15)
    for cell in causes["cells"].values():
        three = [cell[f"gap_{number}"]["value"] for number in (6, 7, 1)]
        assert three[0] - three[1] == pytest.approx(three[2], abs=1e-9)
        assert cell["primary"] in {"gap_1", "gap_2", "gap_3", "gap_4", "none", "no_defect"}
    assert causes["antecedents"]["staff.teamwork"]["n"] > 0


def test_a_staff_file_that_is_none_is_refused_in_one_sentence(capsys: Any, files: dict[str, Path]) -> None:
    customers = str(files["pfs_customer"])
    code = main(["analyse", customers, "--questionnaire", "pfs_customer", "--staff", customers])
    out = capsys.readouterr()
    assert code == 2 and "column" in out.err and "Traceback" not in out.err
