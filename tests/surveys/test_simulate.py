"""A simulated campaign holds what was planted in it."""

import numpy as np
import pytest

from surveys.authoring import bank, load
from surveys.coding import codebook
from surveys.simulate import DEMO, Plan, location, planned_gap, simulate

QUESTIONNAIRE = load("pfs_customer").variant(include=("stage_importance",))
BOOK = codebook(QUESTIONNAIRE)


def test_same_seed_gives_the_same_campaign() -> None:
    first, second = (simulate(QUESTIONNAIRE, 50, DEMO, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(first.closed, second.closed)


def test_planted_gaps_are_the_expected_gaps() -> None:
    plan = Plan(gaps=DEMO.gaps)
    closed = simulate(QUESTIONNAIRE, 40_000, plan, np.random.default_rng(5)).closed.astype(int)
    for item in QUESTIONNAIRE.items:
        differences = closed[:, BOOK.place[f"{item.id}_P"]] - closed[:, BOOK.place[f"{item.id}_E"]]
        # Five standard errors of a mean of 40,000 differences.
        assert differences.mean() == pytest.approx(planned_gap(plan, item), abs=5 * differences.std() / 200)


@pytest.mark.parametrize("name", bank())
@pytest.mark.parametrize("n", [0, 1, 7])
def test_every_simulated_byte_is_one_the_field_holds(name: str, n: int) -> None:
    questionnaire = load(name).variant()
    book = codebook(questionnaire)
    closed = simulate(questionnaire, n, DEMO, np.random.default_rng(1)).closed
    assert all(field.holds(int(byte)) for field, column in zip(book.fields, closed.T, strict=True) for byte in column)


def test_points_add_up_to_a_hundred() -> None:
    closed = simulate(QUESTIONNAIRE, 500, DEMO, np.random.default_rng(1)).closed.astype(int)
    places = [BOOK.place[f"importance__{d.id}"] for d in QUESTIONNAIRE.dimensions]
    assert set((closed[:, places] - 1).sum(axis=1)) == {100}


def test_location_gives_the_asked_expected_answer() -> None:
    rng = np.random.default_rng(2)
    for target in (1.5, 4.0, 6.1, 6.8):
        drawn = np.clip(np.rint(location(target, 1.1, 7) + 1.1 * rng.standard_normal(400_000)), 1, 7)
        assert drawn.mean() == pytest.approx(target, abs=0.01)
