"""The pages on methods name only what exists."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

from analysis.anchor import Anchor
from analysis.defects import ByBranch, Defect, Status
from analysis.gaps import Equivalence, GapTests
from analysis.reliability import ItemReliability, ScaleReliability
from analysis.report import Gaps, Meta
from analysis.results import Reason
from analysis.thresholds import Thresholds

ROOT = Path(__file__).parents[2]
PAGE, APPENDIX = (ROOT / "docs" / name for name in ("methods.md", "methods-appendix.md"))
FLAGS = {
    "expectation_at_ceiling", "rankings_differ", "pairwise", "negative_alpha", "redundant", "low_item_rest",
    "rises_if_dropped", "not_positive_definite", "below_display_floor", "equivalent", "few_clusters",
    "short_form",
}  # fmt: skip


def test_every_name_on_the_page_exists() -> None:
    kinds = (Thresholds, GapTests, Equivalence, Gaps, Meta, Defect, ByBranch, Anchor, ScaleReliability, ItemReliability)
    known = {field.name for kind in kinds for field in fields(kind)}
    named = set(re.findall(r"`([a-z][a-z0-9_]*)`", PAGE.read_text()))
    assert named - known - FLAGS - {*get_args(Status), *get_args(Reason)} == set()


def test_every_name_on_the_page_of_the_appendix_exists() -> None:
    """A field or an argument of `analysis`, or one of its flags and words."""
    source = "\n".join(path.read_text() for path in (ROOT / "analysis").rglob("*.py"))
    known = set(re.findall(r"""^    ([a-z]\w*): |["':]([a-z]\w*)["':]""", source, re.MULTILINE))
    named = set(re.findall(r"`([a-z][a-z0-9_]*)`", APPENDIX.read_text()))
    assert named - {one for pair in known for one in pair} - {"semTools"} == set()


def test_every_threshold_of_the_rules_is_on_a_page() -> None:
    text = PAGE.read_text() + APPENDIX.read_text()
    assert [field.name for field in fields(Thresholds) if f"`{field.name}`" not in text] == []
