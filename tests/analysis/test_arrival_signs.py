"""How answers came, and the order in which their items stood, among the signs of careless answering."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from analysis.coded import Context, flags_apart, study_of
from analysis.research import build_research
from analysis.screening import CAME, Checks, as_shown, quality, screen
from analysis.study import Study
from analysis.tally import summarise
from surveys.authoring import load
from surveys.coding import codebook
from surveys.flags import AGAIN, BURST, HASTY, LATE, NAMES, OVER, UNPROVED
from surveys.form import arranged, pages
from surveys.simulate import DEMO, simulate

QUESTIONNAIRE = load("pfs_customer").variant().model_copy(update={"shuffled": True})
BOOK = codebook(QUESTIONNAIRE)
N = 120
RNG = np.random.default_rng(5)
FLAGS = RNG.integers(0, 64, N).astype(np.int32)
SEEDS = RNG.integers(0, 65_536, N).astype(np.int32)
SEEDS[:10] = 0


@pytest.fixture(scope="module")
def study() -> Study:
    drawn = simulate(QUESTIONNAIRE, N, DEMO, np.random.default_rng(3))
    closed = drawn.closed.copy()
    closed[:, : BOOK.place["satisfaction"]] = RNG.choice([4, 4, 4, 5, 254], (N, BOOK.place["satisfaction"]))
    return study_of(QUESTIONNAIRE, BOOK, closed, Context(flags=flags_apart(FLAGS), order=SEEDS))


def met(seed: int) -> list[str]:
    """The items as one visit met them, taken from the pages of the form."""
    asked = [page for page in pages(QUESTIONNAIRE) if page.column == "perception"]
    return [card.item.id for page in asked for card in arranged(page, seed).cards if card.item]


def test_items_stand_in_the_order_that_the_form_showed(study: Study) -> None:
    items = study.matrix.layout.items
    found = as_shown(items, study.checks.pages, SEEDS)
    assert [[items[place] for place in row] for row in found] == [met(int(seed)) for seed in SEEDS]


def test_runs_are_counted_as_the_items_were_met(study: Study) -> None:
    items, ratings = study.matrix.layout.items, study.matrix.perception
    naive = []
    for row, seed in zip(ratings, SEEDS, strict=True):
        values = [int(row[items.index(name)]) for name in met(int(seed))]
        naive.append(max((len(list(run)) for value, run in itertools.groupby(values) if 0 < value < 251), default=0))
    found = screen(study.matrix, study.checks).longstring
    assert found.tolist() == naive
    assert found.tolist() != screen(study.matrix).longstring.tolist()


def test_signs_count_by_family_and_none_alone_leaves_anybody_out(study: Study) -> None:
    found, before = screen(study.matrix, study.checks), screen(study.matrix, replace(study.checks, came=None))
    for row, flags in enumerate(FLAGS.tolist()):
        families = {"origin" if bit != HASTY else "speed" for bit in (AGAIN, UNPROVED, BURST, HASTY) if flags & bit}
        assert found.families[row] == before.families[row] + len(families)
        assert found.excluded[row] == (before.excluded[row] or found.families[row] >= 2)
    only = Checks(came={"same_browser": np.ones(N, bool), "no_proof": np.ones(N, bool)})
    assert screen(study.matrix, only).families.max() == screen(study.matrix).families.max() + 1


def test_late_and_surplus_answers_are_no_careless_ones() -> None:
    assert {NAMES[LATE], NAMES[OVER]}.isdisjoint(CAME)


def test_what_is_known_of_the_way_is_not_told_as_missing(study: Study) -> None:
    told = quality(screen(study.matrix, study.checks), study.checks)
    assert told.flagged["hasty"].value == pytest.approx(np.mean(FLAGS & HASTY > 0))
    assert not {"speed", "duplicate"} & set(told.missing_checks)


def test_part_of_a_study_keeps_its_own_signs(study: Study) -> None:
    rows = np.array([7, 50, 99])
    part = study.part(rows)
    assert part.checks.came is not None and part.checks.seeds is not None
    assert part.checks.came["burst"].tolist() == [bool(flags & BURST) for flags in FLAGS[rows]]
    assert part.checks.seeds.tolist() == SEEDS[rows].tolist() and part.checks.pages == study.checks.pages


def test_key_results_are_told_without_those_who_came_oddly(study: Study) -> None:
    found = build_research(study, summarise(study.matrix), floor=None)
    excluded = screen(study.matrix, study.checks).excluded
    score = found.with_and_without["overall"]
    assert 0 < excluded.sum() < N and score.without.n < score.all.n
    assert found.quality.excluded.value == pytest.approx(excluded.mean())
