"""The short form: what is gained and lost when each customer gets a core and a random part of the items."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from scipy import special

from analysis.thresholds import DEFAULT, Thresholds


@dataclass(frozen=True)
class StageDesign:
    """Items of a stage: always asked, in the random part, and how many of those each customer gets."""

    core: int
    random: int
    drawn: int

    @property
    def chance(self) -> float:
        """Chance that a random item is asked."""
        return self.drawn / self.random if self.random else 0.0

    @property
    def pair_chance(self) -> float:
        """Chance that two random items of the stage are asked together."""
        if self.random < 2:
            return 0.0
        return self.drawn * (self.drawn - 1) / (self.random * (self.random - 1))


@dataclass(frozen=True)
class Preview:
    """What a short form of n respondents gives."""

    items_asked: int
    items: int
    n_core: float  # expected answers to a core item
    n_random: dict[str, float]  # to a random item, by stage
    n_pair: dict[
        str, float
    ]  # expected answers to a pair, by kind ("core", "core.encounter", "encounter.encounter", ...)
    wider: dict[str, float]  # interval of an item gap: times as wide as with the full form, by stage
    every_pair: float  # chance that every pair of items reaches `planned_pairs`
    n_for_pairs: int  # respondents for which that chance is 98 %


def preview(n: int, stages: Mapping[str, StageDesign], thresholds: Thresholds = DEFAULT) -> Preview:
    """Expected numbers behind items and pairs of items, before anybody says "not applicable".

    Parameters
    ----------
    n : int
        Respondents planned.
    stages : stage -> StageDesign
        Draws are independent between stages.

    Returns
    -------
    Preview
        `every_pair` takes the counts of the pairs as independent binomials, which errs on the careful side.

    References
    ----------
    Graham, J. W., Taylor, B. J., Olchowski, A. E. and Cumsille, P. E. (2006). Planned missing data designs in
    psychological research. Psychological Methods 11, 323-343.
    """
    kinds = pair_kinds(stages)
    return Preview(
        sum(one.core + one.drawn for one in stages.values()),
        sum(one.core + one.random for one in stages.values()),
        float(n),
        {name: n * one.chance for name, one in stages.items() if one.random},
        {kind: n * chance for kind, (chance, _) in kinds.items()},
        {name: 1 / math.sqrt(one.chance) for name, one in stages.items() if one.chance > 0},
        every_pair_chance(n, kinds, thresholds.planned_pairs),
        _needed(kinds, thresholds.planned_pairs),
    )


def pair_kinds(stages: Mapping[str, StageDesign]) -> dict[str, tuple[float, int]]:
    """Kind of pair -> (chance that a respondent gets both, number of such pairs)."""
    core = sum(one.core for one in stages.values())
    kinds = {"core": (1.0, core * (core - 1) // 2)}
    names = [name for name, one in stages.items() if one.random]
    for place, name in enumerate(names):
        one = stages[name]
        kinds[f"core.{name}"] = (one.chance, core * one.random)
        kinds[f"{name}.{name}"] = (one.pair_chance, one.random * (one.random - 1) // 2)
        for other in names[place + 1 :]:
            kinds[f"{name}.{other}"] = (one.chance * stages[other].chance, one.random * stages[other].random)
    return {kind: found for kind, found in kinds.items() if found[1]}


def every_pair_chance(n: int, kinds: Mapping[str, tuple[float, int]], fewest: int) -> float:
    """Chance that every pair is answered by at least `fewest` of n respondents."""
    log_chance = 0.0
    for chance, pairs in kinds.values():
        reached = float(special.bdtrc(fewest - 1, n, chance)) if n >= fewest else 0.0
        if reached <= 0:
            return 0.0
        log_chance += pairs * math.log(min(reached, 1.0))
    return math.exp(log_chance)


def _needed(kinds: Mapping[str, tuple[float, int]], fewest: int) -> int:
    """Respondents for which every pair is answered often enough with 98 %; 0 when no number would do."""
    if min(chance for chance, _ in kinds.values()) <= 0:
        return 0
    low, high = fewest - 1, fewest
    while every_pair_chance(high, kinds, fewest) < 0.98:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if every_pair_chance(middle, kinds, fewest) >= 0.98 else (middle, high)
    return high
