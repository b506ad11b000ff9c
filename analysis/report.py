"""Everything a page shows, from one call: `build_report`; and the same as JSON."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from analysis import disclosure
from analysis.by_branch import Clustering
from analysis.defects import Defect, Importance
from analysis.drivers import satisfaction
from analysis.gaps import GapTests, adjusted
from analysis.importance import importance
from analysis.levels import composite_gaps, item_gaps, no_gap, overall_gap, overall_items_gap, weighted_score
from analysis.priority import find_defects
from analysis.reliability import ReliabilitySet, reliability
from analysis.results import Statistic, undefined
from analysis.schema import schema_of
from analysis.tally import Tally
from analysis.thresholds import DEFAULT, Thresholds


@dataclass(frozen=True)
class Gaps:
    """Gaps at every level, keyed by id."""

    items: dict[str, GapTests]
    cells: dict[str, GapTests]
    dimensions: dict[str, GapTests]
    stages: dict[str, GapTests]
    overall: GapTests  # mean of the dimension means
    overall_items: GapTests  # mean of all items, named so that nobody mixes the two
    overall_weighted: Statistic  # by each respondent's 100 points (or mean rated importance)
    servperf_weighted: Statistic


@dataclass(frozen=True)
class Distribution:
    """Answers to one item: counts per scale point 1..m for each column, and what was left open."""

    reference: tuple[int, ...] | None
    minimum: tuple[int, ...] | None
    perception: tuple[int, ...]
    not_applicable: int
    blank: int


@dataclass(frozen=True)
class Meta:
    """What the report was made from."""

    n: int  # submissions
    n_composites: int  # those that pass the blank screen
    missing: dict[str, int]  # ratings: "blank", "not_applicable", "do_not_know", "not_asked"
    weights_rescaled: int
    weights_unusable: int
    inconsistent: int  # three columns: records with minimum above desired too often
    points: int
    format: str
    flags: tuple[str, ...]  # "expectations_at_ceiling", ...
    ceiling_spearman: Statistic


@dataclass(frozen=True)
class Report:
    """The whole report.  Names and wordings come from the questionnaire when it is drawn."""

    meta: Meta
    gaps: Gaps
    reliability: dict[str, ReliabilitySet]  # "expectation", "perception", "gap"
    defects: tuple[Defect, ...]  # sorted; suppressed ones last
    importance: Importance
    distributions: dict[str, Distribution]  # without the items that are hidden
    thresholds: Thresholds
    hidden: frozenset[str] = frozenset()  # ids of cells, items, dimensions and stages that are suppressed


def build_report(
    tally: Tally,
    thresholds: Thresholds = DEFAULT,
    *,
    format: str,
    floor: int | None,
    clustering: Clustering | None = None,
    whole: Tally | None = None,
) -> Report:
    """Build the report of a tally.

    Parameters
    ----------
    tally : Tally
    thresholds : Thresholds
    format : str
        "two_column", "three_column" or "perception_only".
    floor : int or None
        Fewest respondents a shown number may be about; with it, numbers about fewer are hidden, and so are those that
        would let a hidden one be computed; it takes the place of `display_floor`.  None, for the researcher's own file,
        shows all numbers and flags those below `display_floor`; such a cell is no less suppressed as a defect.
    clustering : Clustering, optional
        Errors with branches as clusters (`clustering_of`): each cell is told with and without them.
    whole : Tally, optional
        That of which this is a part chosen by a filter: what is left of it beside the part is not told by subtraction.

    Returns
    -------
    Report
        Complete for any data, none included: a statistic that is not defined says why.
    """
    thresholds = thresholds if floor is None else replace(thresholds, display_floor=floor)
    # A p value too small for a float is 0; every other irregularity is dealt with before it arises.
    with np.errstate(all="raise", under="ignore"):
        gaps = _gaps(tally, thresholds)
        hidden = hidden_parts(tally, floor, whole) if floor is not None else frozenset()
        gaps = _adjusted(gaps, hidden)
        drivers = satisfaction(tally, thresholds)
        weights = importance(tally, drivers, thresholds, floor or 1)
        rng = np.random.default_rng(thresholds.rank_seed)
        defects = find_defects(tally, weights, drivers, rng, thresholds, hidden, clustering)
        gaps, meta = _ceiling(tally, gaps, thresholds, format, hidden)
        found = reliability(tally, thresholds)
        distributions = _distributions(tally, hidden)
        report = Report(meta, gaps, found, defects, weights, distributions, thresholds, hidden)
    return cast(Report, Veil(floor, hidden, tally.n, thresholds.display_floor).over(report))


def _gaps(tally: Tally, thresholds: Thresholds) -> Gaps:
    """Gaps of a tally at every level."""
    level, delta = thresholds.level, thresholds.delta(tally.layout.points)
    return Gaps(
        item_gaps(tally, level, delta),
        composite_gaps(tally, "cell", level, delta),
        composite_gaps(tally, "dimension", level, delta),
        composite_gaps(tally, "stage", level, delta),
        overall_gap(tally, level, delta),
        overall_items_gap(tally, level, delta),
        weighted_score(tally, "gap", level),
        weighted_score(tally, "perception", level),
    )


def hidden_parts(tally: Tally, floor: int, whole: Tally | None = None) -> frozenset[str]:
    """Ids of the cells, items, dimensions and stages that a report of the tally hides."""
    counts = _answered(tally)
    if whole is not None:  # too few in the rest is as good as too few here
        for level, found in _answered(whole).items():
            few = {name for name, n in found.items() if 0 < n - counts[level][name] < floor}
            counts[level] |= dict.fromkeys(few, floor - 1)
    layout = tally.layout
    cells = disclosure.hidden_cells(layout, counts["cell"], floor)
    items = disclosure.hidden_items(layout, counts["item"], cells, floor)
    if not layout.stages:  # a cell is a dimension
        return cells | items
    dimensions = disclosure.hidden_totals(layout, counts["dimension"], cells, floor)
    stages = disclosure.hidden_totals(layout, counts["stage"], cells, floor, dimensions)
    return cells | items | dimensions | stages


def _answered(tally: Tally) -> dict[str, dict[str, int]]:
    """Respondents behind the gap, or perception alone, of everything that may be hidden: level -> id -> number."""
    gap = "gap" in tally.pairs
    found: dict[str, dict[str, int]] = {level: {} for level in ("item", "cell", "dimension", "stage")}
    for part in tally.plan.composites:
        if part.level in found:
            found[part.level][part.id] = tally.composite("gap" if gap else "perception", part).n
    for j, name in enumerate(tally.layout.items):
        answers = tally.item_differences("gap", j) if gap else tally.item_answers("perception", j)
        found["item"][name] = answers.n
    return found


def _adjusted(gaps: Gaps, hidden: frozenset[str]) -> Gaps:
    """Adjusted p over what the page shows: a hidden p neither counts nor leaves a trace in the others."""

    def family(found: dict[str, GapTests]) -> dict[str, GapTests]:
        return found | adjusted({name: one for name, one in found.items() if name not in hidden})

    return replace(
        gaps,
        items=family(gaps.items),
        cells=family(gaps.cells),
        dimensions=family(gaps.dimensions),
        stages=family(gaps.stages),
    )


def _ceiling(
    tally: Tally, gaps: Gaps, thresholds: Thresholds, format: str, hidden: frozenset[str]
) -> tuple[Gaps, Meta]:
    """Flag cells whose expectations stand at the top, where the gap is mostly perception; and the meta part."""
    top = tally.layout.points - thresholds.ceiling_distance
    cells = dict(gaps.cells)
    flags: tuple[str, ...] = ()
    for part in tally.plan.composites:
        if part.level != "cell" or part.id in hidden or "reference" not in tally.answers:
            continue
        expected = tally.composite("reference", part)
        if expected.n > 1 and (expected.mean() >= top or expected.sd() < thresholds.ceiling_sd):
            cells[part.id] = replace(cells[part.id], gap=cells[part.id].gap.flagged("expectation_at_ceiling"))
            flags = ("expectations_at_ceiling",)
    spearman = _spearman(tally, gaps, hidden)
    if flags and spearman.value is not None and spearman.value < thresholds.ceiling_spearman:
        flags += ("rankings_differ",)
    names = ("not_applicable", "do_not_know", "not_asked")
    answers = sum(tally.answers[column].sum(axis=0) for column in tally.answers if column != "importance")
    missing = {"blank": int(answers[0]), **{name: int(answers[at - 3]) for at, name in enumerate(names)}}
    meta = Meta(
        tally.n, tally.n_composites, missing, tally.weights_rescaled, tally.weights_unusable, tally.inconsistent,
        tally.layout.points, format, flags, spearman,
    )  # fmt: skip
    return replace(gaps, cells=cells), meta


def _spearman(tally: Tally, gaps: Gaps, hidden: frozenset[str]) -> Statistic:
    """Rank correlation over the cells shown of mean gap with mean perception."""
    method = "Spearman, cells by gap and by perception"
    shown = [one for name, one in gaps.cells.items() if name not in hidden]
    pairs = [(one.gap.value, one.perception.value) for one in shown]
    both = np.array([pair for pair in pairs if None not in pair], np.float64).reshape(-1, 2)
    if "gap" not in tally.pairs or not tally.n:
        return undefined(no_gap(tally), 0, method)
    if len(both) < 2 or bool((both == both[0]).all(axis=0).any()):
        return undefined("no_variance", tally.n, method)
    ranks = np.column_stack([_average_ranks(column) for column in both.T])
    ranks -= ranks.mean(axis=0)
    value = float((ranks[:, 0] * ranks[:, 1]).sum() / math.sqrt(float((ranks**2).sum(axis=0).prod())))
    return Statistic(value, n=tally.n, method=method)


def _average_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1, equal values sharing the mean of theirs; the import of `scipy.stats` takes longer than a report."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]


def _distributions(tally: Tally, hidden: frozenset[str]) -> dict[str, Distribution]:
    """Counts of the answers to each item that is shown."""
    m = tally.layout.points
    found = {}
    for j, name in enumerate(tally.layout.items):
        counts = {column: tuple(int(one) for one in table[j]) for column, table in tally.answers.items()}
        if name not in hidden:
            perception = counts["perception"]
            found[name] = Distribution(
                counts["reference"][1 : m + 1] if "reference" in counts else None,
                counts["minimum"][1 : m + 1] if "minimum" in counts else None,
                perception[1 : m + 1],
                perception[m + 1] + perception[m + 2],
                perception[0],
            )
    return found


UNASKED = {"no_expectation", "no_importance", "no_outcome", "not_asked", "no_days"}
"""Reasons that follow from the questionnaire alone: they tell nothing about people, even of what is hidden."""

STRUCTURAL = UNASKED | {"one_item", "not_tested", "not_needed", "at_limit"}
"""These and the reasons that follow from the rule, which tell nothing beyond what is shown beside them."""


@dataclass(frozen=True)
class Veil:
    """Hides, or flags, what is about fewer people than may be shown."""

    floor: int | None
    hidden: frozenset[str]
    n: int
    display_floor: int

    def over(self, part: Any, veiled: bool = False) -> Any:
        """The same structure with its statistics hidden: below the floor, or all under a hidden id (`veiled`)."""
        if isinstance(part, Statistic):
            return self._statistic(part, veiled)
        if isinstance(part, Defect) and part.status == "suppressed":
            veiled = True
        if isinstance(part, GapTests) and self.floor is not None:
            # All of it goes by its respondents: the pooled mean counts pairs, of which few people may give many.
            veiled = veiled or (part.perception if part.gap.reason == "no_expectation" else part.gap).n < self.floor
        if isinstance(part, Thresholds | Distribution):
            return part
        if isinstance(part, dict):
            return {key: self.over(value, veiled or key in self.hidden) for key, value in part.items()}
        if is_dataclass(part) and not isinstance(part, type):
            changed = {field.name: self.over(getattr(part, field.name), veiled) for field in fields(part)}
            if isinstance(part, GapTests) and changed["gap"].reason == "too_few":
                changed["differences"] = ()
            if isinstance(part, Defect) and not veiled:
                changed["severity_if_short"] = self._followed(part.severity_if_short)
            return replace(part, **changed)
        return tuple(self.over(one, veiled) for one in part) if isinstance(part, tuple) else part

    def _followed(self, one: Statistic) -> Statistic:
        """The mean shortfall of those short, however few: it is the expected loss over exposure and occurrence."""
        few = one.value is not None and one.n < self.display_floor
        return one.flagged("below_display_floor") if few else one

    def _statistic(self, one: Statistic, veiled: bool) -> Statistic:
        if self.floor is None:
            return self._followed(one)
        if one.value is None and (self.n == 0 or one.reason in (UNASKED if veiled else STRUCTURAL)):
            return one
        if veiled or one.n < self.floor:
            return one.hidden()
        return replace(one, flags=tuple(flag for flag in one.flags if flag.partition(":")[2] not in self.hidden))


def report_json(report: Report, meta: dict[str, Any]) -> dict[str, Any]:
    """The report as plain data, valid by `report_schema`.

    Parameters
    ----------
    report : Report
    meta : dict
        What the caller knows beside it: hash of the data, questionnaire and version, version of the code.

    Raises
    ------
    ValueError
        When a number is not finite, which JSON cannot hold.
    """
    return {
        "meta": {**plain(report.meta), "hidden": sorted(report.hidden), **meta},
        "gaps": plain(report.gaps),
        "reliability": plain(report.reliability),
        "importance": plain(report.importance),
        "distributions": plain(report.distributions),
        "defects": plain(report.defects),
        "thresholds": asdict(report.thresholds) | {"sensitivity7": list(report.thresholds.sensitivity7)},
    }


def report_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of what `report_json` gives."""
    parts, definitions = schema_of(Report)
    meta = definitions["Meta"]
    meta["properties"]["hidden"] = parts.pop("hidden")
    meta["required"].append("hidden")
    meta["additionalProperties"] = True  # the caller adds what it knows
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Fivegaps report",
        "type": "object",
        "properties": parts,
        "required": list(parts),
        "additionalProperties": False,
        "$defs": definitions,
    }


def plain(part: Any) -> Any:
    """Dataclasses as dicts, tuples as lists; the fields of a gap's mean stand at the gap's top."""
    if isinstance(part, float) and not math.isfinite(part):
        raise ValueError(f"{part} in a report; an undefined number must be null with a reason")
    if isinstance(part, GapTests):
        rest = {field.name: plain(getattr(part, field.name)) for field in fields(part) if field.name != "gap"}
        return {**plain(part.gap), **rest}
    if is_dataclass(part) and not isinstance(part, type):
        return {field.name: plain(getattr(part, field.name)) for field in fields(part)}
    if isinstance(part, dict):
        return {key: plain(value) for key, value in part.items()}
    return [plain(one) for one in part] if isinstance(part, tuple) else part
