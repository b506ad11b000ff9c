"""Kano's categories from a questionnaire that asks for features with and without them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.coded import study_of
from surveys.authoring import load
from surveys.checking import QuestionnaireError
from surveys.coding import codebook
from surveys.simulate import DEMO, simulate
from tests.agreement import agree
from tests.analysis.test_research import research

FEATURES = """
features:
- id: alerts_with
  prompt: {en: 'The bank warns you of a risk: how would that be?', zh-CN: '风险变化时银行会提醒您：您觉得如何？'}
  type: single
  options: &five
  - {code: like, label: {en: I like it, zh-CN: 喜欢}}
  - {code: must, label: {en: It must be so, zh-CN: 理应如此}}
  - {code: neutral, label: {en: I do not mind, zh-CN: 无所谓}}
  - {code: bear, label: {en: I can live with it, zh-CN: 可以接受}}
  - {code: dislike, label: {en: I dislike it, zh-CN: 不喜欢}}
- id: alerts_without
  prompt: {en: 'The bank does not warn you: how would that be?', zh-CN: '银行不提醒您：您觉得如何？'}
  type: single
  options: *five
"""


def written(folder: Path, features: str = FEATURES) -> Path:
    from surveys.authoring import BANK

    path = folder / "with_features.yaml"
    text = (BANK / "pfs_customer.yaml").read_text(encoding="utf-8").replace("id: pfs_customer", "id: with_features", 1)
    path.write_text(text + features, encoding="utf-8")
    return path


def test_features_are_counted_by_kanos_table(tmp_path: Path) -> None:
    questionnaire = load(str(written(tmp_path))).variant()
    book = codebook(questionnaire)
    closed = simulate(questionnaire, 90, DEMO, np.random.default_rng(3)).closed
    closed[:, book.place["alerts_with"]] = np.repeat([2, 1, 3], 30)
    closed[:, book.place["alerts_without"]] = np.repeat([5, 5, 3], 30)  # must-be, one-dimensional, indifferent
    study = study_of(questionnaire, book, closed)
    found = research(replace(study, traits={}), 10).kano["alerts"]
    assert found.counts == {"M": 30, "O": 30, "A": 0, "I": 30, "R": 0, "Q": 0} and found.label == "mixed"
    agree("Kano, better", "30 must-be, 30 one-dimensional, 30 indifferent", 1 / 3, found.better.value, by="by hand")
    agree("Kano, worse", "30 must-be, 30 one-dimensional, 30 indifferent", -2 / 3, found.worse.value, by="by hand")
    assert found.worse.low < -2 / 3 < found.worse.high < 0
    few = research(study_of(questionnaire, book, closed[:9]), 10).kano
    assert few == {} or few["alerts"].better.value is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("alerts_without", "alerts_gone"), "its id must end in _with or _without"),
        (
            ("  - {code: neutral, label: {en: I do not mind, zh-CN: 无所谓}}\n", ""),
            "five options, from liking to disliking",
        ),
    ],
)
def test_a_feature_that_cannot_be_judged_is_told_in_a_sentence(
    tmp_path: Path, change: tuple[str, str], told: str
) -> None:
    with pytest.raises(QuestionnaireError, match=told):
        load(str(written(tmp_path, FEATURES.replace(*change))))
