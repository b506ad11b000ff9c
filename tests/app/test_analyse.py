"""`fivegaps analyse`: the same report from a file, in agreement with R; and plain sentences for what cannot be read."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pyreadstat
import pytest

from app.cli import main

HERE = Path(__file__).resolve().parent
KIOSK = HERE.parent / "references" / "kiosk.yaml"
QUESTIONNAIRE = """
id: small
languages: [en, zh-CN]
title: {en: Small, zh-CN: 小}
stages: [{id: before, name: {en: Before, zh-CN: 之前}}, {id: after, name: {en: After, zh-CN: 之后}}]
dimensions: [{id: rel, name: {en: Reliability, zh-CN: 可靠性}}, {id: emp, name: {en: Empathy, zh-CN: 移情性}}]
scales:
- {id: seven, min: 1, max: 7, na: {code: na, label: {en: Not applicable, zh-CN: 不适用}}}
formats: {default: two_column, two_column: {scale: seven}, perception_only: {scale: seven}}
items:
- {id: a, stage: before, dimension: rel, stem: {en: A, zh-CN: 甲}}
- {id: b, stage: before, dimension: emp, stem: {en: B, zh-CN: 乙}}
- {id: c, stage: after, dimension: rel, stem: {en: C, zh-CN: 丙}}
- {id: d, stage: after, dimension: emp, stem: {en: D, zh-CN: 丁}, reversed: true}
importance:
  id: importance
  type: constant_sum
  over: dimensions
  prompt: {en: Share out, zh-CN: 分配}
  options: [{code: rel, label: {en: Rel, zh-CN: 可靠}}, {code: emp, label: {en: Emp, zh-CN: 移情}}]
segments:
- id: tier
  type: single
  prompt: {en: Tier, zh-CN: 等级}
  options: [{code: mass, label: {en: Mass, zh-CN: 普通}}, {code: vip, label: {en: VIP, zh-CN: 贵宾}}]
"""
FIELDS = [f"{item}_{column}" for column in "EP" for item in "abcd"]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(QUESTIONNAIRE, encoding="utf-8")
    return path


def rows(n: int, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.integers(1, 8, (n, 8)), columns=FIELDS)
    return frame.assign(importance__rel=60, importance__emp=40, tier=rng.choice(["mass", "vip"], n))


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["analyse", *map(str, arguments)])
    out = capsys.readouterr()
    return code, out.out, out.err


def report(capsys: pytest.CaptureFixture[str], data: Path, questionnaire: Path, *more: str) -> dict[str, Any]:
    code, out, err = run(capsys, data, "--questionnaire", questionnaire, *more)
    assert code == 0, err
    told: dict[str, Any] = json.loads(out)
    return told


def numbers(value: object) -> Iterator[float]:
    if isinstance(value, dict):
        for part in value.values():
            yield from numbers(part)
    elif isinstance(value, list):
        for part in value:
            yield from numbers(part)
    elif isinstance(value, float):
        yield value


@pytest.fixture(scope="module")
def kiosk(reference: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("kiosk") / "kiosk.json"
    data = reference / "kiosk" / "kiosk_wide.csv"
    assert main(["analyse", str(data), "--questionnaire", str(KIOSK), "--json", str(out)]) == 0
    told: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return told


@pytest.fixture(scope="module")
def r(reference: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((reference / "reference_r.json").read_text(encoding="utf-8"))["kiosk"]
    return told


@pytest.mark.reference
def test_kiosk_gaps_and_tests_agree_with_r(kiosk: dict[str, Any], r: dict[str, Any]) -> None:
    for level, expected in (("items", r["paired_items"]), ("dimensions", r["paired_dimensions"])):
        for name, theirs in expected["items"].items():
            ours = kiosk["gaps"][level][name]
            for mine, their in (("t", "t"), ("p_t", "p_t"), ("d_z", "d_z"), ("d_av", "d_pooled")):
                assert ours[mine]["value"] == pytest.approx(theirs[their], rel=1e-9), (name, mine)
            assert ours["value"] == pytest.approx(theirs["gap"], abs=1e-12)
            assert [ours["low"], ours["high"]] == pytest.approx(theirs["ci"], rel=1e-9)
            assert ours["n"] == 207


@pytest.mark.reference
def test_kiosk_adjusted_p_values_agree_with_r(kiosk: dict[str, Any], r: dict[str, Any]) -> None:
    for level, expected in (("items", r["paired_items"]["p_adj"]), ("dimensions", r["paired_dimensions"]["p_adj"])):
        for place, name in enumerate(expected["order"]):
            ours = kiosk["gaps"][level][name]
            assert ours["p_holm"]["value"] == pytest.approx(expected["t_holm"][place], rel=1e-9)
            assert ours["p_bh"]["value"] == pytest.approx(expected["t_BH"][place], rel=1e-9)


@pytest.mark.reference
def test_kiosk_overall_gaps_agree_with_r(kiosk: dict[str, Any], r: dict[str, Any]) -> None:
    gaps = kiosk["gaps"]
    assert gaps["overall"]["value"] == pytest.approx(r["servqual_unweighted"]["overall_mean_of_dimensions"], abs=1e-12)
    assert gaps["overall_items"]["value"] == pytest.approx(r["servqual_unweighted"]["overall_mean_of_items"], abs=1e-12)
    assert gaps["overall_weighted"]["value"] == pytest.approx(r["servqual_weighted"]["weighted_gap"], abs=1e-9)


@pytest.mark.reference
@pytest.mark.parametrize(("column", "key"), [("expectation", None), ("perception", None), ("gap", "gap_reliability")])
def test_kiosk_reliability_agrees_with_psych(
    kiosk: dict[str, Any], r: dict[str, Any], column: str, key: str | None
) -> None:
    expected = r[key] if key else r[column]["reliability"]
    ours = kiosk["reliability"][column]
    for name, theirs in expected.items():
        scale = ours["total"] if name == "total" else ours["dimensions"][name]
        assert scale["alpha"]["value"] == pytest.approx(theirs["raw_alpha"], rel=1e-9)
        assert scale["alpha_standardised"]["value"] == pytest.approx(theirs["std_alpha"], rel=1e-9)
        assert [scale["alpha"]["low"], scale["alpha"]["high"]] == pytest.approx(theirs["ci_feldt"], rel=1e-9)


@pytest.mark.reference
def test_kiosk_json_follows_its_schema(kiosk: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "--schema")
    jsonschema.Draft202012Validator(json.loads(out)).validate(kiosk)
    assert all(math.isfinite(number) for number in numbers(kiosk))


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".xlsx", ".sav", ".dta", ".parquet"])
def test_every_kind_of_file_gives_the_same_numbers(
    ending: str, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = rows(60)
    plain, path = tmp_path / "plain.csv", tmp_path / f"data{ending}"
    frame.to_csv(plain, index=False)
    {
        ".csv": lambda: frame.to_csv(path, index=False, sep=";"),
        ".tsv": lambda: frame.to_csv(path, index=False, sep="\t", encoding="utf-8-sig"),
        ".xlsx": lambda: frame.to_excel(path, index=False),
        ".sav": lambda: pyreadstat.write_sav(frame, str(path)),
        ".dta": lambda: pyreadstat.write_dta(frame, str(path)),
        ".parquet": lambda: frame.to_parquet(path),
    }[ending]()
    first, second = report(capsys, plain, small), report(capsys, path, small)
    assert first["gaps"] == second["gaps"]
    assert first["reliability"] == second["reliability"]


def test_gap_is_perception_minus_expectation_and_reversed_items_are_turned(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "d.csv"
    path.write_text(",".join(FIELDS) + "\n" + "7,7,7,1,4,5,6,3\n" * 12, encoding="utf-8")
    gaps = report(capsys, path, small)["gaps"]
    assert [gaps["items"][name]["value"] for name in "abcd"] == [-3, -2, -1, -2]
    assert gaps["cells"]["before.rel"]["value"] == -3


def test_missing_and_not_applicable_codes_can_be_declared(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "d.csv"
    path.write_text(",".join(FIELDS) + "\n" + "7,7,7,1,4,99,na,-8\n" * 12, encoding="utf-8")
    told = report(capsys, path, small, "--missing", "99", "--not-applicable=-8")
    assert (told["meta"]["missing"]["blank"], told["meta"]["missing"]["not_applicable"]) == (12, 24)
    assert told["gaps"]["items"]["b"]["reason"] == "no_complete_pairs"


@pytest.mark.parametrize("n", [0, 1, 2])
def test_thin_data_are_not_refused_and_say_why(
    n: int, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "d.csv"
    rows(n).to_csv(path, index=False)
    told = report(capsys, path, small)
    assert told["meta"]["n"] == n
    if n == 0:
        assert told["gaps"]["overall"]["value"] is None
        assert told["gaps"]["overall"]["reason"]
    assert all(defect["status"] == "suppressed" for defect in told["defects"])


def test_constant_answers_are_not_refused(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "d.csv"
    path.write_text(",".join(FIELDS) + "\n" + "7,7,7,7,5,5,5,5\n" * 40, encoding="utf-8")
    told = report(capsys, path, small)
    assert told["gaps"]["items"]["a"]["value"] == -2
    assert told["gaps"]["items"]["a"]["t"]["reason"] == "no_variance"
    assert told["reliability"]["perception"]["total"]["alpha"]["reason"] == "no_variance"


def test_perception_only_has_no_gap_and_says_so(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "d.csv"
    rows(40)[[name for name in FIELDS if name.endswith("P")]].to_csv(path, index=False)
    told = report(capsys, path, small, "--format", "perception_only")
    assert told["gaps"]["items"]["a"]["reason"] == "no_expectation"
    assert told["gaps"]["items"]["a"]["perception"]["n"] == 40


def broken(change: str) -> bytes:
    text = rows(30).to_csv(index=False)
    header, body = text.split("\n", 1)
    if change == "unknown column":
        return (header + ",colour\n" + body.replace("\n", ",red\n")).encode()
    if change == "column lacking":
        return text.replace("a_E", "x_E").encode()
    if change == "column twice":
        return text.replace("b_E", "a_E").encode()
    if change == "ragged row":
        return (text + "1,2,3\n").encode()
    if change == "wrong encoding":
        return (header + "\n" + body).encode() + "网点".encode("gb18030")
    if change == "utf-16":
        return text.encode("utf-16")
    return b"" if change == "empty" else b"\n\n \n"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("unknown column", "unknown columns: colour"),
        ("column lacking", "the file lacks 1 columns: a_E"),
        ("column twice", "the column 'a_E' stands twice"),
        ("ragged row", "row 32 has 3 cells; allowed are 11"),
        ("wrong encoding", "is not UTF-8 text"),
        ("utf-16", "UTF-8"),
        ("empty", "the file is empty"),
        ("blank", "the file is empty"),
    ],
)
def test_file_that_cannot_be_used_gets_one_sentence(
    change: str, told: str, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "d.csv"
    path.write_bytes(broken(change))
    code, out, err = run(capsys, path, "--questionnaire", small)
    assert (code, out) == (2, "")
    assert told in err
    assert "Traceback" not in err


@pytest.mark.parametrize("value", ["8", "0", "-1", "3.5", "Infinity", "NaN", "1e999", "good", "=1+1", "１", "5\x00"])
def test_value_that_is_not_allowed_is_named_with_row_and_column(
    value: str, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = rows(30).astype(object)
    frame.loc[6, "b_P"] = value
    path = tmp_path / "d.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([list(frame.columns), *frame.to_numpy().tolist()])
    code, _, err = run(capsys, path, "--questionnaire", small)
    assert code == 2
    if "\x00" not in value:
        assert f"row 8, column b_P: the value is {value!r}; allowed is a whole number from 1 to 7" in err


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 9.0, 2.5])
def test_bad_numbers_in_parquet_are_refused(
    value: float, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(rows(30), preserve_index=False)
    column = pa.array([value] + [4.0] * 29, from_pandas=False)
    pq.write_table(table.set_column(0, "a_E", column), tmp_path / "d.parquet")
    code, _, err = run(capsys, tmp_path / "d.parquet", "--questionnaire", small)
    assert code == 2
    assert "row 1, column a_E" in err


def test_three_bad_rows_of_ten_thousand_are_listed_or_skipped(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = rows(10_000).astype(object)
    for at in (4, 777, 9_999):
        frame.loc[at, "c_E"] = "99"
    path = tmp_path / "d.csv"
    frame.to_csv(path, index=False)
    code, _, err = run(capsys, path, "--questionnaire", small)
    assert code == 2
    assert "3 of 10000 rows cannot be used (rows 6, 779, 10001)" in err
    code, out, err = run(capsys, path, "--questionnaire", small, "--skip-bad-rows")
    assert (code, json.loads(out)["meta"]["n"]) == (0, 9_997)
    assert "3 of 10000 rows left out" in err


@pytest.mark.parametrize(
    ("name", "content"),
    [("d.xlsx", b"no zip"), ("d.sav", b"no spss"), ("d.dta", b"no stata"), ("d.parquet", b"PAR1no"), ("d.pdf", b"x")],
)
def test_damaged_or_unknown_file_is_refused(
    name: str, content: bytes, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(content)
    code, _, err = run(capsys, tmp_path / name, "--questionnaire", small)
    assert (code, len(err.strip().splitlines())) == (2, 1)
    assert name in err


def test_zip_bomb_is_not_opened(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "d.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 300_000_000)
    code, _, err = run(capsys, tmp_path / "d.xlsx", "--questionnaire", small)
    assert code == 2
    assert "too much to be opened" in err


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_html_is_one_file_that_asks_nobody(
    language: str, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import re

    rows(200).to_csv(tmp_path / "d.csv", index=False)
    out = tmp_path / "report.html"
    code, _, _ = run(capsys, tmp_path / "d.csv", "--questionnaire", small, "--html", out, "--lang", language)
    page = out.read_text(encoding="utf-8")
    assert code == 0
    assert f'<html lang="{language}"' in page
    assert not re.search(r'<(?:script|link|img)[^>]+(?:src|href)="(?!data:)', page)


def test_own_download_can_be_analysed_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from surveys.authoring import load
    from surveys.coding import codebook
    from surveys.exchange.downloads import as_csv
    from surveys.simulate import DEMO, simulate
    from surveys.store.read import Released

    questionnaire = load("pfs_customer").variant(include=("stage_importance",))
    book = codebook(questionnaire)
    campaign = simulate(questionnaire, 120, DEMO, np.random.default_rng(1))
    rows_ = Released(
        campaign.closed,
        campaign.unit,
        campaign.channel,
        campaign.language,
        campaign.day,
        np.ones(len(campaign.day), np.int32),
    )
    (tmp_path / "own.csv").write_bytes(as_csv(book, rows_, bom=True))
    code, out, err = run(capsys, tmp_path / "own.csv", "--questionnaire", "pfs_customer")
    assert code == 0, err
    told = json.loads(out)
    nas = int((campaign.closed[:, :44] == 255).sum())
    assert told["meta"]["missing"]["not_applicable"] == nas


def test_only_the_planted_defects_are_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from surveys.authoring import load
    from surveys.coding import codebook
    from surveys.exchange.downloads import as_parquet
    from surveys.simulate import Plan, simulate
    from surveys.store.read import Released

    questionnaire = load("pfs_customer").variant()
    planted = {"tracking.responsiveness": -1.6, "transfer.assurance": -1.1, "encounter.empathy": -0.9}
    plan = Plan(gaps=planted, otherwise=-0.15, blank=0.02, no_experience={"tracking": 0.2})
    campaign = simulate(questionnaire, 600, plan, np.random.default_rng(11))
    rows_ = Released(
        campaign.closed,
        campaign.unit,
        campaign.channel,
        campaign.language,
        campaign.day,
        np.ones(len(campaign.day), np.int32),
    )
    (tmp_path / "d.parquet").write_bytes(as_parquet(codebook(questionnaire), rows_, {}))
    code, out, _ = run(capsys, tmp_path / "d.parquet", "--questionnaire", "pfs_customer")
    assert code == 0
    found = {defect["cell"] for defect in json.loads(out)["defects"] if defect["status"] in ("confirmed", "probable")}
    assert found == set(planted)
