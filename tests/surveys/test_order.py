"""The random order of items: even, the same wherever it is worked out, and never across pages."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from surveys.authoring import load
from surveys.form import arranged, pages
from surveys.order import SEEDS, rank, ranks, seed_of

QUESTIONNAIRE = load("pfs_customer").variant().model_copy(update={"shuffled": True})
PAGES = pages(QUESTIONNAIRE)


@given(st.text(alphabet="abcXYZ019_-", min_size=32, max_size=32))
def test_seed_is_of_sixteen_bits_and_not_zero(key: str) -> None:
    assert 1 <= seed_of(key) <= SEEDS


@given(st.lists(st.integers(1, SEEDS), min_size=1, max_size=20))
def test_many_visits_are_ranked_as_one_by_one(seeds: list[int]) -> None:
    items = [item.id for item in QUESTIONNAIRE.items]
    one_by_one = [[rank(item, seed) for item in items] for seed in seeds]
    assert np.array_equal(ranks(items, np.array(seeds)), np.array(one_by_one, np.uint32))


def test_page_keeps_its_cards_and_both_columns_have_one_order() -> None:
    expectation, perception = PAGES[0], PAGES[3]
    first, second = (arranged(page, 4711) for page in (expectation, perception))
    assert Counter(card.name for card in first.cards) == Counter(card.name for card in expectation.cards)
    assert [card.item.id for card in first.cards if card.item] == [card.item.id for card in second.cards if card.item]
    assert arranged(expectation, 0) is expectation
    assert arranged(PAGES[-1], 4711) is PAGES[-1]  # questions about the person stay in their order


def test_each_item_stands_first_equally_often() -> None:
    page = PAGES[0]
    first = Counter(arranged(page, seed).cards[0].name for seed in range(1, 7001))
    expected = 7000 / len(page.cards)
    assert len(first) == len(page.cards)
    # A chi-square of six degrees of freedom stays below 22.5 in 999 of 1,000 fair draws.
    assert sum((n - expected) ** 2 / expected for n in first.values()) < 22.5
