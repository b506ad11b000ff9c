"""Tallies kept for the officer: the same as summed up anew, and summed up ahead where there are very many answers."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from analysis.tally import summarise
from app.desk import sums as module
from app.desk.selection import Holdings
from app.desk.sums import Sums
from app.desk.views import Trait, Views
from surveys.authoring import load
from surveys.coding import codebook
from tests.analysis.test_research import campaign

QUESTIONNAIRE = load("pfs_customer")


@pytest.fixture
def held() -> Holdings:
    study = campaign(300)
    traits = tuple(Trait(name, one.values, one.codes.astype(np.int16)) for name, one in study.traits.items())
    views = Views(traits, np.repeat(np.arange(1, 11, dtype=np.int32), 30), 10)
    return Holdings(QUESTIONNAIRE, codebook(QUESTIONNAIRE), None, study.matrix, views)


def test_a_kept_tally_is_that_of_the_rows_shown(held: Holdings) -> None:
    sums = Sums(held)
    language = held.views.traits[0]
    chosen = {language.id: language.values[0]}
    rows = held.views.rows(list(chosen.items()))
    assert held.matrix is not None
    assert sums.of(chosen) == summarise(held.matrix.rows(rows)) and sums.of({}) == summarise(held.matrix)
    assert sums.of(chosen) is sums.of(chosen)


def test_all_single_options_are_summed_up_ahead(held: Holdings) -> None:
    sums = Sums(held)
    waiting = sums.ahead()
    assert len(waiting) > 10 and all(len(one) == 1 for one in waiting)
    module._look_ahead(weakref.ref(sums))
    assert sums.ahead() == []


def test_looking_ahead_ends_when_nobody_needs_it(held: Holdings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "summarise", lambda _matrix: pytest.fail("summed up for nobody"))
    sums = Sums(held)
    held_by = weakref.ref(sums)
    del sums
    gc.collect()
    module._look_ahead(held_by)
    assert held_by() is None
