"""The same people asked twice: how far their scores are repeatable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.consistency.retest import Retest, retest
from analysis.study import Study, scored, within
from analysis.thresholds import DEFAULT, Thresholds


@dataclass(frozen=True)
class Repeated:
    """Test-retest reliability by score ("overall", "stage:ID", "dimension:ID")."""

    n: int  # people who answered both times
    gap: dict[str, Retest]
    perception: dict[str, Retest]


def repeated(
    first: Study,
    second: Study,
    same: tuple[NDArray[np.intp], NDArray[np.intp]],
    thresholds: Thresholds = DEFAULT,
    floor: int | None = None,
) -> Repeated | None:
    """Scores of the same people on two occasions.

    Parameters
    ----------
    first, second : Study
        Of the same questionnaire.
    same : ((m,), (m,)) places
        Rows of the same people in both.
    floor : int, optional
        With fewer people nothing is told.

    Returns
    -------
    Repeated or None
        Each score over those who have it both times; fewer than `retest_n` are flagged "few_pairs".
    """
    if floor is not None and same[0].size < floor:
        return None
    parts = [scored(one.matrix.rows(rows), thresholds) for one, rows in zip((first, second), same, strict=True)]
    levels = ("overall", "stage", "dimension")

    def each(name: str) -> dict[str, Retest]:
        old, new = (within(getattr(part, name), levels) for part in parts)
        return {
            key: retest(one.values(), new[key].values(), thresholds.level, thresholds.retest_n)
            for key, one in old.items()
        }

    return Repeated(int(same[0].size), each("gap"), each("perception"))
