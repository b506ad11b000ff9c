"""Comments: the word list, key terms, and agreement of coders."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.comments import (
    cohen_kappa,
    comments,
    found_words,
    keyness,
    krippendorff_alpha,
    log_odds_z,
    precision,
    terms,
)
from analysis.lexicon import DIMENSIONS
from surveys.authoring import load
from tests.agreement import agree

COMPLAINTS = [
    "The queue was long and I kept waiting",
    "排队太久，等了一个小时",
    "Slow answers",
    "Fees were wrong",
    "等得太久",
] * 4
PRAISE = ["Friendly staff who listen", "工作人员很有耐心，态度好", "Professional advice", "They explain the risk"] * 4


def test_both_languages_are_filed_by_their_words() -> None:
    assert found_words("I kept WAITING in a queue", DIMENSIONS) == {"responsiveness": ("wait", "queue")}
    assert found_words("收费不清楚，态度冷漠", DIMENSIONS) == {"reliability": ("收费",), "empathy": ("态度", "冷漠")}
    assert found_words("a great coffee", DIMENSIONS) == {}  # "fee" begins no word here


def test_the_lexicon_covers_the_dimensions_of_the_built_in_questionnaire() -> None:
    assert set(DIMENSIONS) == {dimension.id for dimension in load("pfs_customer").dimensions}


def test_terms_are_words_and_pairs_of_characters() -> None:
    assert terms("The staff explained 风险说明 well") == ["staff", "explained", "well", "风险", "险说", "说明"]


def test_complaints_point_at_waiting() -> None:
    found = comments(COMPLAINTS, PRAISE)
    assert found.n == 20 and found.dimensions["responsiveness"].share.value == 0.8
    assert found.dimensions["responsiveness"].p_above.value < 0.001 < found.dimensions["empathy"].p_above.value
    assert found.unfiled.value == 0
    k, base = 16, (16 + 4) / 100
    agree("topic above the base rate, exact binomial", "20 comments", stats.binomtest(k, 20, base, "greater").pvalue,
          found.dimensions["responsiveness"].p_above.value, by="scipy 1.17")  # fmt: skip


def test_key_terms_tell_complaints_from_praise() -> None:
    found = {one.term: one for one in keyness(COMPLAINTS * 5, PRAISE * 5)}
    assert found["太久"].z > 1.96 and found["listen"].z < -1.96
    first, second = (Counter(t for text in texts * 5 for t in terms(text)) for texts in (COMPLAINTS, PRAISE))
    both = first + second
    y1, y2, a = first["太久"], second["太久"], both["太久"]
    n1, n2, a0 = sum(first.values()), sum(second.values()), sum(both.values())
    odds = [(y + a) / (n + a0 - y - a) for y, n in ((y1, n1), (y2, n2))]
    naive = (math.log(odds[0]) - math.log(odds[1])) / math.sqrt(1 / (y1 + a) + 1 / (y2 + a))
    agree("keyness z", "comments about waiting", naive, found["太久"].z, by="naive second program")
    # The published example of the method: equal use gives nought, whatever the prior.
    assert log_odds_z(5, 5, 10, 100, 100, 200) == 0


def test_the_same_texts_have_no_key_terms() -> None:
    assert keyness(COMPLAINTS, COMPLAINTS) == () and keyness([], []) == () and keyness(["word"], ["word"]) == ()


def test_few_comments_and_rare_words_are_not_shown() -> None:
    assert comments([], []).unfiled.reason == "no_respondents"
    assert comments(COMPLAINTS[:5], floor=10).unfiled.reason == "too_few"
    found = comments(COMPLAINTS, PRAISE, floor=10)
    assert found.dimensions["reliability"].share.reason == "too_few" and found.dimensions["reliability"].examples == ()
    assert all(one.count + one.other >= 10 for one in found.key_terms)


def test_kappa_matches_statsmodels() -> None:
    from statsmodels.stats.inter_rater import cohens_kappa

    random = np.random.default_rng(3)
    first = random.choice(list("abc"), 120)
    second = np.where(random.random(120) < 0.7, first, random.choice(list("abc"), 120))
    table = np.array([[((first == a) & (second == b)).sum() for b in "abc"] for a in "abc"])
    theirs, ours = cohens_kappa(table), cohen_kappa(first.tolist(), second.tolist())
    agree("Cohen's kappa", "120 units, 3 codes", [theirs.kappa, theirs.kappa_low, theirs.kappa_upp],
          [ours.value, ours.low, ours.high], by="statsmodels 0.15")  # fmt: skip
    share, chance = np.trace(table) / 120, (table.sum(0) @ table.sum(1)) / 120**2
    agree("Cohen's kappa", "120 units, again", (share - chance) / (1 - chance), ours.value, by="naive second program")


def test_krippendorffs_alpha_is_that_of_the_textbook() -> None:
    # Krippendorff (2004), section 11.3: four observers, twelve units, with missing codes; nominal alpha .743.
    rows = ["1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3", ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 ."]
    table = [[None if code == "." else code for code in row.split()] for row in rows]
    units = list(zip(*table, strict=True))
    found = krippendorff_alpha(units)
    agree("Krippendorff's alpha", "textbook, 4 observers", 0.743, found.value, by="Krippendorff (2004)", abs=5e-4)
    paired = [[code for code in unit if code] for unit in units if sum(code is not None for code in unit) > 1]
    values = [code for unit in paired for code in unit]
    observed = sum(
        sum(a != b for i, a in enumerate(u) for j, b in enumerate(u) if i != j) / (len(u) - 1) for u in paired
    )
    expected = sum(a != b for i, a in enumerate(values) for j, b in enumerate(values) if i != j) / (len(values) - 1)
    agree(
        "Krippendorff's alpha", "textbook, all pairs", 1 - observed / expected, found.value, by="naive second program"
    )


@pytest.mark.parametrize(
    ("ratings", "reason"),
    [([], "no_complete_pairs"), ([["a", None]], "no_complete_pairs"), ([["a", "a"]], "no_variance")],
)
def test_agreement_without_its_needs_gives_the_reason(ratings: Any, reason: str) -> None:
    assert krippendorff_alpha(ratings).reason == reason
    assert cohen_kappa([], []).reason == "no_respondents" and cohen_kappa(["a"], ["a"]).reason == "no_variance"
    assert precision(np.zeros(3, bool), np.ones(3, bool)).reason == "no_respondents"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=40), max_size=15), st.lists(st.text(max_size=40), max_size=15))
def test_any_text_can_be_described(texts: list[str], others: list[str]) -> None:
    found = comments(texts, others)
    assert found.n == len(texts)
    assert all(math.isfinite(one.z) and 0 <= one.q <= 1 for one in found.key_terms)
