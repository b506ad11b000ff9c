"""What the full analysis works on: answers with who, where and when, and each respondent's scores as whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from analysis.disclosure import complementary
from analysis.frequencies import Frequencies
from analysis.matrix import Bytes, ScoreMatrix
from analysis.plan import COARSE, Plan, common_denominator
from analysis.rows import CHUNK, Rows
from analysis.scoring import numerators
from analysis.screening import Checks
from analysis.thresholds import DEFAULT, Thresholds

Floats = NDArray[np.float64]
Codes = NDArray[np.int32]

MISSING = np.iinfo(np.int32).min


@dataclass(frozen=True, eq=False)
class Grouping:
    """A trait of respondents: (n,) codes into `values`, -1 where it is not known."""

    values: tuple[str, ...]
    codes: Codes

    def rows(self, chosen: NDArray[np.intp]) -> Grouping:
        """The grouping of some respondents."""
        return Grouping(self.values, self.codes[chosen])

    def sizes(self) -> NDArray[np.int64]:
        """Respondents of each value."""
        known = self.codes[self.codes >= 0]
        return np.bincount(known, minlength=len(self.values)).astype(np.int64)

    def shown(self, floor: int, among: NDArray[np.bool_] | None = None) -> tuple[str, ...]:
        """Values that may be shown, of all or of some: none can be had by subtraction from the others and the whole."""
        codes = self.codes if among is None else self.codes[among]
        sizes = np.bincount(codes + 1, minlength=len(self.values) + 1)
        counts = {name: int(n) for name, n in zip(("", *self.values), sizes, strict=True) if n}
        hidden = complementary(counts, floor)
        return tuple(name for name in self.values if name in counts and name not in hidden)

    def only(self, values: tuple[str, ...]) -> Grouping:
        """The grouping with these values alone, the others' codes unknown."""
        place = {value: at for at, value in enumerate(values)}
        new = np.array([place.get(value, -1) for value in self.values] + [-1], np.int32)
        return Grouping(values, new[self.codes])


@dataclass(frozen=True, eq=False)
class Score:
    """A score of n respondents as whole multiples of 1/unit, so that ties are true; `MISSING` where there is none."""

    numerators: Codes
    unit: int

    @property
    def known(self) -> NDArray[np.bool_]:
        """Who has the score."""
        found: NDArray[np.bool_] = self.numerators != MISSING
        return found

    def values(self) -> Floats:
        """(n,) float, NaN where there is none."""
        return np.where(self.known, self.numerators / self.unit, np.nan)

    def frequencies(self, chosen: NDArray[np.bool_] | None = None) -> Frequencies:
        """How often each value occurs, among all or some."""
        part = self.numerators if chosen is None else self.numerators[chosen]
        part = part[part != MISSING]
        if not part.size:
            return Frequencies.from_dict({})
        low = int(part.min())
        counts = np.bincount(part - low)
        places = np.flatnonzero(counts)
        return Frequencies((places + low) / self.unit, counts[places].astype(np.int64))

    def by_group(self, grouping: Grouping, floor: int = 0) -> dict[str, Frequencies]:
        """Frequencies of each value of a grouping; with a floor, of those that may be shown for this score."""
        if floor:
            grouping = grouping.only(grouping.shown(floor, self.known))
        here = self.known & (grouping.codes >= 0)
        if not bool(here.any()):
            return {name: Frequencies.from_dict({}) for name in grouping.values}
        part, codes = self.numerators[here], grouping.codes[here]
        low = int(part.min())
        width = int(part.max()) - low + 1
        table = np.bincount(codes.astype(np.int64) * width + (part - low), minlength=len(grouping.values) * width)
        found = {}
        for name, counts in zip(grouping.values, table.reshape(-1, width), strict=True):
            places = np.flatnonzero(counts)
            found[name] = Frequencies((places + low) / self.unit, counts[places].astype(np.int64))
        return found


@dataclass(frozen=True, eq=False)
class Study:
    """Answers of n respondents with what is known about each.

    Attributes
    ----------
    matrix : ScoreMatrix
    traits : id -> Grouping
        Language, way in, and the questionnaire's segments.
    unit : Grouping or None
        Branch.
    outcomes : id -> (n,) uint8
        Ratings of the whole service as they are stored (0 blank, then 1 for the lowest point).
    outcome_low : id -> int
        Lowest point of the outcome's scale.
    checks : Checks
    days : (n,) int or None
        Day of each answer as a number in order.
    closed : bool
        Whether the wave is over: intervals of a fixed number of answers hold only then.
    planned : int or None
        Answers the wave was planned for.
    lite : stage -> (core, random, drawn) or None
        The short form of the questionnaire, when it has one.
    features : feature -> ((n,), (n,)) uint8
        Answers 1..5, from liking to disliking, to how it would be with the feature, and without it; others are none.
    texts : question -> comments
        In no order: they are kept apart from the answers, so a part of the study has none.
    """

    matrix: ScoreMatrix
    traits: dict[str, Grouping] = field(default_factory=dict)
    unit: Grouping | None = None
    outcomes: dict[str, Bytes] = field(default_factory=dict)
    outcome_low: dict[str, int] = field(default_factory=dict)
    outcome_points: dict[str, int] = field(default_factory=dict)
    checks: Checks = field(default_factory=Checks)
    days: NDArray[np.int32] | None = None
    closed: bool = True
    planned: int | None = None
    lite: dict[str, tuple[int, int, int]] | None = None
    features: dict[str, tuple[Bytes, Bytes]] = field(default_factory=dict)
    texts: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """Respondents."""
        return self.matrix.n

    def outcome(self, name: str) -> Floats:
        """An outcome in the points of its scale; NaN where blank."""
        stored = self.outcomes[name]
        return np.where((stored > 0) & (stored < 251), stored + float(self.outcome_low[name]) - 1, np.nan)

    def part(self, chosen: NDArray[np.intp]) -> Study:
        """The study of some respondents."""

        def take(values: NDArray[np.bool_] | Floats | None) -> NDArray[np.bool_] | Floats | None:
            return None if values is None else values[chosen]

        own = self.checks
        single = ("attention_failed", "self_report_failed", "seconds", "duplicate")
        taken = {name: take(getattr(own, name)) for name in single}
        came = None if own.came is None else {name: one[chosen] for name, one in own.came.items()}
        seeds = None if own.seeds is None else own.seeds[chosen]
        checks = replace(own, **taken, came=came, seeds=seeds)  # type: ignore[arg-type]
        return Study(
            self.matrix.rows(chosen),
            {name: one.rows(chosen) for name, one in self.traits.items()},
            None if self.unit is None else self.unit.rows(chosen),
            {name: one[chosen] for name, one in self.outcomes.items()},
            self.outcome_low,
            self.outcome_points,
            checks,
            None if self.days is None else self.days[chosen],
            self.closed,
            self.planned,
            self.lite,
            {name: (present[chosen], absent[chosen]) for name, (present, absent) in self.features.items()},
        )


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores of every respondent: "overall", "stage:ID", "dimension:ID", "cell:ID"."""

    gap: dict[str, Score]
    perception: dict[str, Score]
    expectation: dict[str, Score]
    adequacy: dict[str, Score] = field(default_factory=dict)  # three columns: perception minus minimum

    @property
    def judged(self) -> dict[str, Score]:
        """What defects are judged by: perception minus minimum, or minus expectation; empty for perception alone."""
        return self.adequacy or self.gap

    @property
    def main(self) -> dict[str, Score]:
        """What defects are judged by, else perception."""
        return self.judged or self.perception


def scored(
    matrix: ScoreMatrix, thresholds: Thresholds = DEFAULT, screen: bool = True, main_only: bool = False
) -> Scored:
    """Score every respondent by the rules of `analysis.tally.summarise`.

    Parameters
    ----------
    matrix : ScoreMatrix
    thresholds, screen
        As for `summarise`.
    main_only : bool
        Whether to leave out what is neither a gap nor stands for one: of very many answers that takes its time.

    Returns
    -------
    Scored
        "overall" is the mean of the dimension means, all required.
    """
    plan = Plan(matrix.layout)
    levels = [row for row, part in enumerate(plan.composites) if part.level != "all"]
    names = [f"{plan.composites[row].level}:{plan.composites[row].id}" for row in levels]
    # One unit serves all: every composite mean of whole points is a multiple of it (or rounded to it at the cap).
    unit = common_denominator(plan.sizes[levels], COARSE)
    places = [at for at, row in enumerate(levels) if plan.composites[row].level == "dimension"]
    parts: dict[str, list[NDArray[np.int32]]] = {name: [] for name in ("gap", "perception", "expectation", "adequacy")}
    for start in range(0, max(matrix.n, 1), CHUNK):
        rows = Rows(plan, matrix.rows(slice(start, start + CHUNK)), thresholds, screen)
        sources = dict(rows.of_contrast)
        if not main_only or not sources:
            sources["perception"] = rows.of_column["perception"]
        if not main_only and "reference" in rows.of_column:
            sources["expectation"] = rows.of_column["reference"]
        for column, found in sources.items():
            lines = (numerators(found.sums[row], found.counts[row], unit) for row in levels)
            whole = np.stack(
                [np.where(found.scored[row], line, MISSING) for row, line in zip(levels, lines, strict=True)]
            )
            complete = (whole[places] != MISSING).all(axis=0)
            total = np.where(complete, whole[places].sum(axis=0), MISSING)
            parts[column].append(np.vstack([whole, total]).astype(np.int32))

    def joined(column: str) -> dict[str, Score]:
        if not parts[column]:
            return {}
        table = np.concatenate(parts[column], axis=1)
        found = {name: Score(table[at], unit) for at, name in enumerate(names)}
        return {"overall": Score(table[-1], unit * len(places))} | found

    return Scored(joined("gap"), joined("perception"), joined("expectation"), joined("adequacy"))


def within(scores: Mapping[str, Score], levels: tuple[str, ...]) -> dict[str, Score]:
    """The scores of some levels: "overall", "stage", "dimension", "cell"."""
    return {name: one for name, one in scores.items() if name.partition(":")[0] in levels}
