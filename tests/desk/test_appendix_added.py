"""What stands beside the old numbers of the appendix: robust indices, intervals, stages by group, late respondents."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import analysis
from analysis.compare.interaction import Interaction
from analysis.confirm.fit import FitTable
from analysis.driving.kano import kano
from analysis.research import Research
from analysis.results import REASONS, Statistic, undefined
from analysis.study import Grouping, Study
from app.desk.appendix_fit import indices_of
from app.desk.appendix_parts import Section, Table, build, ranged
from app.desk.appendix_sections import sections
from app.desk.appendix_words import flag_words, reason_words
from app.words import LANGUAGES, speak
from tests.analysis.test_research import campaign, research
from tests.desk.test_appendix_page import page, terms, words


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    speak("en")
    yield
    speak("en")


def planted() -> Study:
    """Customers of one tenure miss two points more in follow-up alone; late ones a point in everything."""
    study = campaign(600)
    perception = study.matrix.perception.astype(np.int64)
    rated = (perception >= 1) & (perception <= 7)
    layout, chosen = study.matrix.layout, study.traits["tenure"].codes == 1
    follow_up = np.array([layout.stages[at] == "tracking" for at in layout.stage_of])
    assert study.days is not None
    late = study.days >= study.days.max() - 8
    less = 2 * (chosen[:, None] & follow_up[None, :]) + late[:, None].astype(np.int64)
    moved = np.where(rated, np.clip(perception - less, 1, 7), perception).astype(np.uint8)
    return replace(study, matrix=replace(study.matrix, perception=moved))


@pytest.fixture(scope="module")
def found() -> Research:
    return research(planted(), floor=10)


def section(found: Research, name: str) -> Section:
    return next(one for one in sections(terms(found)) if one.id == name)


def table(found: Research, name: str, caption: str) -> Table:
    return next(one for one in section(found, name).tables if one.caption == caption)


def with_fits(found: Research, models: dict[str, dict[str, Any]]) -> Research:
    """The results with other fit tables of perception."""
    column = found.confirmatory.columns["perception"]
    changed = dict(column.models)
    for name, parts in models.items():
        fit = changed[name].fit
        assert fit is not None
        changed[name] = replace(changed[name], fit=replace(fit, **parts))
    columns = found.confirmatory.columns | {"perception": replace(column, models=changed)}
    return replace(found, confirmatory=replace(found.confirmatory, columns=columns))


NOT_ROBUST = {name: undefined("not_converged") for name in ("cfi_robust", "tli_robust", "rmsea_robust")}
NOT_SCALED = {
    name: undefined("not_asked") for name in ("cfi_scaled", "tli_scaled", "rmsea_scaled", "chi2_scaled", "p_scaled")
}
CFA = "Confirmatory factor analysis: Perception"


def test_fit_is_told_by_robust_indices_and_says_so(found: Research) -> None:
    one = table(found, "structure", CFA)
    assert one.columns[2] == "χ² (scaled)" and {"CFI (robust)", "TLI (robust)", "RMSEA (robust)"} <= set(one.columns)
    assert "Robust indices" in one.note
    fit = found.confirmatory.columns["perception"].models["dimensions"].fit
    assert fit is not None and fit.cfi_robust.value is not None
    assert f"CFI {fit.cfi_robust.value:.3f}" in section(found, "structure").sentence
    assert one.rows[0].values[one.columns.index("CFI (robust)") - 1] == f"{fit.cfi_robust.value:.3f}"
    steps = table(found, "comparability", "Steps of measurement invariance: Language")
    assert "CFI (robust)" in steps.columns and "changes of the robust indices" in steps.note


def test_without_robust_indices_the_scaled_then_the_plain_ones_stand(found: Research) -> None:
    models = list(found.confirmatory.columns["perception"].models)
    one_row = table(with_fits(found, {"one_factor": NOT_ROBUST}), "structure", CFA)
    rows = {row.head: row.values for row in one_row.rows}
    assert "indices of this row: scaled" in rows["One factor"][-1] and "scaled" not in rows["Bifactor model"][-1]
    scaled = table(with_fits(found, dict.fromkeys(models, NOT_ROBUST)), "structure", CFA)
    assert {"χ² (scaled)", "CFI (scaled)"} <= set(scaled.columns) and "Scaled indices" in scaled.note
    plain = table(with_fits(found, dict.fromkeys(models, NOT_ROBUST | NOT_SCALED)), "structure", CFA)
    assert {"χ²", "CFI", "RMSEA"} <= set(plain.columns) and "indices" not in plain.note


def test_each_kind_of_index_is_taken_whole(found: Research) -> None:
    fit = found.confirmatory.columns["perception"].models["dimensions"].fit
    assert isinstance(fit, FitTable)
    for changes, kind, end in (({}, "robust", "_robust"), (NOT_ROBUST, "scaled", "_scaled")):
        one, own = replace(fit, **changes), indices_of(replace(fit, **changes))
        assert own.kind == kind
        assert (own.cfi, own.tli, own.rmsea) == tuple(getattr(one, f"{name}{end}") for name in ("cfi", "tli", "rmsea"))
        assert (own.chi2, own.p) == (fit.chi2_scaled, fit.p_scaled)


def test_htmt2_stands_with_its_interval(found: Research) -> None:
    one = table(found, "structure", "Discriminant validity: Perception")
    at = one.columns.index("HTMT2")
    assert one.columns[at + 1 : at + 3] == ("95\xa0% low", "95\xa0% high")
    assert all(low <= value <= high for value, low, high in (row.values[at - 1 : at + 2] for row in one.rows))


def test_differences_that_change_from_stage_to_stage_are_told_with_their_table(found: Research) -> None:
    one = section(found, "groups")
    assert "How much they differ changes from stage to stage by: Years with the bank." in one.sentence
    tests = table(found, "groups", "Does the difference between groups change from stage to stage?")
    assert tests.folded and tests.columns[1:] == ("F", "df", "p", "p (robust)", "n", "With every stage")
    assert {row.head: row.values[2] for row in tests.rows}["Years with the bank"] == "< .001"
    effects = table(found, "groups", "Differences at each stage by Years with the bank")
    assert effects.folded and len(effects.rows) == 3 * 6 and _by_stage(one) == [effects]


def _by_stage(one: Section) -> list[Table]:
    return [table for table in one.tables if table.caption.startswith("Differences at each stage")]


def test_no_change_from_stage_to_stage_is_told_where_none_is_shown(found: Research) -> None:
    calm = {name: replace(one, p=Statistic(0.02), p_robust=Statistic(0.03)) for name, one in found.interactions.items()}
    one = section(replace(found, interactions=calm), "groups")  # seven tests of .03 are none after Holm
    assert "from stage to stage" not in one.sentence and not _by_stage(one)


def test_both_tests_must_speak_for_a_change_from_stage_to_stage(found: Research) -> None:
    tenure: Interaction = found.interactions["tenure"]
    doubtful = replace(tenure, p_robust=Statistic(0.4, n=tenure.complete))
    changed = replace(found, interactions=found.interactions | {"tenure": doubtful})
    assert "from stage to stage" not in section(changed, "groups").sentence


def test_groups_that_may_not_be_compared_are_barred_from_stages_too(found: Research) -> None:
    test = replace(found.invariance["language"], consequence="not_comparable")
    one = section(replace(found, invariance={"tenure": test}), "groups")
    assert "from stage to stage by" not in one.sentence and not _by_stage(one)
    barred = next(table for table in one.tables if table.caption.startswith("Differences from stage to stage"))
    assert (
        barred.grey
        and [row.head for row in barred.rows] == ["Years with the bank"]
        and "must not be compared" in barred.note
    )


def test_late_respondents_who_are_worse_off_are_a_caution(found: Research) -> None:
    one = section(found, "sample")
    assert "they differ from early ones by −" in one.sentence
    late = [point for point in one.points if "The later the answers, the worse" in point.text]
    assert [point.mark for point in late] == ["caution"]
    tests = next(table for table in one.tables if table.caption.startswith("Early against late"))
    assert tests.rows[0].head == "All (mean of the dimensions)" and tests.rows[0].values[3] == "< .001"
    assert "Of 28 days, the first and the last 9." in tests.note


def test_without_days_nothing_is_said_of_late_respondents_but_why() -> None:
    study = replace(campaign(200), days=None)
    one = section(research(study, floor=10), "sample")
    assert "Whether those who never answered differ cannot be told: the days of the answers are not known." in (
        one.sentence
    )
    assert len(one.points) == 1 and not any("Early against late" in table.caption for table in one.tables)


def test_branches_have_intervals_and_no_column_of_missing_ranks(found: Research) -> None:
    between = table(found, "branches", "Variance between branches")
    for head in ("SD between branches", "ICC(1)", "ICC(2)", "I²"):
        at = between.columns.index(head)
        assert between.columns[at + 1 : at + 3] == ("95\xa0% low", "95\xa0% high")
    more = next(table for table in section(found, "branches").tables if table.caption.startswith("Branches together"))
    assert more.folded and "SD, DerSimonian-Laird" in more.columns
    own = {
        name: replace(one, rank=undefined("unreliable_ranking", one.raw.n))
        for name, one in found.branches["overall"].branches.items()
    }
    changed = replace(found, branches=found.branches | {"overall": replace(found.branches["overall"], branches=own)})
    first = section(changed, "branches").tables[0]
    assert "Rank" not in first.columns and first.note.startswith("No ranks: the branches differ too little")


def test_few_branches_carry_their_caution() -> None:
    study = campaign(200)
    unit = Grouping(("North", "South", "West"), np.arange(200, dtype=np.int32) % 3)
    first = section(research(replace(study, unit=unit), floor=10), "branches").tables[0]
    assert "few branches: read with care" in first.note


def test_shares_of_variance_and_asymmetry_have_intervals(found: Research) -> None:
    one = next(table for table in section(found, "drivers").tables if table.note.startswith("R²"))
    assert re.match(r"R² 0\.\d{3} \(95\s% interval 0\.\d{3} to 0\.\d{3}\), adjusted 0\.\d{3} \(95", one.note)
    contrast = {
        name: replace(part, asymmetry=Statistic(-0.3, -0.8, 0.2, 0.95, 600))
        for name, part in found.driving.contrast.items()
    }
    changed = replace(found, driving=replace(found.driving, contrast=contrast))
    own = table(changed, "drivers", "Penalty-reward contrast")
    at = own.columns.index("Asymmetry")
    assert [row.values[at - 1 : at + 2] for row in own.rows] == [("−0.30", "−0.80", "+0.20")] * len(own.rows)


def test_an_item_that_works_differently_is_flagged_by_size_and_adjusted_p(found: Research) -> None:
    study = campaign(700)
    perception = study.matrix.perception.copy()
    second = study.traits["language"].codes == 1
    shifted = np.maximum(perception[second, :6].astype(np.int64) - 3, 1).astype(np.uint8)
    perception[second, :6] = np.where(perception[second, :6] <= 7, shifted, 0)
    other = research(replace(study, matrix=replace(study.matrix, perception=perception)), floor=10)
    one = table(other, "comparability", "Differential item functioning (DIF): Language")
    assert one.columns[-3:] == ("p", "p (BH)", "Works differently")
    assert "yes" in [row.values[-1] for row in one.rows] and "Benjamini-Hochberg" in one.note
    assert "Respondents" in table(other, "comparability", "What may be compared").columns


def test_a_value_without_the_interval_of_its_column_says_why(found: Research) -> None:
    rows = [
        ("a", (Statistic(1.0, None, None, 0.95, 9, "", (), "at_end"),)),
        ("b", (Statistic(0.5, 0.2, 0.8, 0.95, 9),)),
    ]
    one = build(terms(found), "Caption", "Row", (ranged("r"),), rows)
    assert [row.values[-1] for row in one.rows] == ["at the end of its scale: no interval", "–"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_tables_of_one_kind_stand_behind_one_click(found: Research, language: str) -> None:
    speak(language)
    groups = section(found, "groups")
    behind = [(heading, tables) for heading, tables in groups.folds if heading]
    assert len(behind) == len(found.groups) and all(len(tables) == 3 for _heading, tables in behind)
    assert sum(len(tables) for _heading, tables in groups.folds) == len(groups.tables)
    text = page(found)
    assert all(f"<summary>{heading}</summary>" in text for heading, _tables in behind)
    assert all(table.folded for one in sections(terms(found)) for table in one.tables if table.group)


def test_the_chinese_of_it_holds_no_english_sentence(found: Research) -> None:
    speak("zh-CN")
    text = re.sub(r"pfs_customer\S*|[a-z]{3}_[a-z]{3}_\d(_[A-Z])?", "", words(page(found)))
    assert not re.search(r"(?:[a-z]{3,} ){3}", text)
    assert "组间差异是否随阶段而变？" in text and "以晚答者代表未作答者" in text and "CFI（稳健）" in text


ELSEWHERE = {
    "expectations_at_ceiling",  # of the report as a whole: a note there
    "rankings_differ",
    "no_staff",  # the section on causes tells how many answered
    "no_managers",
    "guide",  # the guides of reliability have their own words
    "nobody",  # of weights; no table shows them
    "attention", "even_odd", "irv", "longstring", "mahalanobis", "speed", "straight", "straight_gap", "uniformity",
}  # fmt: skip
"""Names that are told in other words than those of a flag."""


def flags() -> set[str]:
    """Every flag that `analysis` writes down, by the literals that are handed on as flags."""
    found: set[str] = set()
    for path in Path(str(analysis.__file__)).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for part in _handed_on(node):
                texts = (one.value for one in ast.walk(part) if isinstance(one, ast.Constant))
                found |= {text.partition(":")[0] for text in texts if isinstance(text, str)}
    return found - {""}


def _handed_on(node: ast.AST) -> list[ast.expr]:
    """What is given as flags at a place in the source."""
    if isinstance(node, ast.Call):
        parts = [one.value for one in node.keywords if one.arg == "flags"]
        if isinstance(node.func, ast.Attribute) and node.func.attr == "flagged":
            parts += node.args
        elif isinstance(node.func, ast.Attribute) and node.func.attr in ("append", "extend"):
            parts += node.args if "flags" in ast.unparse(node.func.value) else []
        elif isinstance(node.func, ast.Name) and node.func.id == "Statistic":
            parts += node.args[6:7]
        return parts
    if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) and node.value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [node.value] if any(ast.unparse(one).endswith("flags") for one in targets) else []
    return []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_flag_and_every_reason_that_can_occur_has_its_words(language: str) -> None:
    speak(language)
    assert flags() > {"interval_widened", "from_sample", "equivalent", "few_clusters", "two_stage"}
    assert flags() - ELSEWHERE <= set(flag_words()) | set(reason_words())
    assert set(reason_words()) == set(REASONS) and all(flag_words().values()) and all(reason_words().values())


def test_features_are_told_by_kanos_categories(found: Research) -> None:
    told = replace(found, kano={"alerts": kano({"M": 40, "O": 20, "A": 10, "I": 20, "R": 0, "Q": 0})})
    one = section(told, "features")
    assert one.sentence == "alerts: must be."
    assert one.tables[0].rows[0].values[0] == "must be"
