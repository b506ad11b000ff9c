"""Everything beyond the defect report, from one call: `build_research`, the statistical appendix."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from analysis.anchor import Anchor
from analysis.by_branch import Clustering
from analysis.causes import Causes, Insiders, causes
from analysis.comments import Comments
from analysis.compare.branches import case_mix
from analysis.compare.groups import GroupComparison, compare_groups
from analysis.compare.interaction import Interaction, interaction
from analysis.compare.report import Branches, compare_branches
from analysis.confirm.evidence import evidence_by_column
from analysis.confirm.groups import invariance_of
from analysis.confirm.invariance import InvarianceResult
from analysis.confirm.report import Confirmatory, confirmatory
from analysis.consistency.report import Consistency, consistency
from analysis.designed import DesignedMean, clustered_mean
from analysis.driving.kano import Kano, kano, kano_counts
from analysis.driving.report import Driving, driving
from analysis.explore.columns import ColumnData, columns
from analysis.explore.nomological import Nomological
from analysis.explore.report import Exploratory, exploratory
from analysis.frequencies import mean_statistic
from analysis.indices import Indices
from analysis.matrix import ScoreMatrix, rated
from analysis.missing import Missingness, missingness
from analysis.outcomes import anchor_of, comments_of, indices_of, nomological_of
from analysis.repeated import Repeated
from analysis.report import Report, Veil, build_report, hidden_parts, plain, report_json, report_schema
from analysis.resample import bca_mean
from analysis.results import Statistic, undefined
from analysis.sampling.nonresponse import EarlyLate, early_late
from analysis.sampling.report import Sampling, sampling
from analysis.schema import schema_of
from analysis.screening import Checks, Quality, quality, screen
from analysis.study import Grouping, Score, Scored, Study, scored, within
from analysis.tally import Tally, summarise
from analysis.thresholds import DEFAULT, Thresholds
from analysis.trend.report import Trend, trend
from analysis.waves import Earlier, Waves
from analysis.zone import Zone, zone_of_tolerance

Floats = NDArray[np.float64]

SEED = 20240101

INVARIANCE_TRAITS = ("language", "via", "tier")
"""Groups whose means are compared in public, so that they must mean the same by their answers."""


@dataclass(frozen=True)
class WithAndWithout:
    """A key result with all respondents, and without those that the quality rule points at."""

    all: Statistic
    without: Statistic


@dataclass(frozen=True)
class Research:
    """The statistical appendix.  None, or an empty dict, stands for what the questionnaire does not hold."""

    n: int
    sampled: int | None  # respondents behind the methods that need every row, when that is a random part
    consistency: Consistency
    exploratory: dict[str, Exploratory]  # "expectation", "perception"
    confirmatory: Confirmatory
    invariance: dict[str, InvarianceResult]  # by trait, of perception
    bootstrap: dict[str, Statistic]  # mean gap with BCa limits, by score
    designed: dict[str, DesignedMean]  # branches as clusters, by score
    zone: dict[str, Zone]  # three columns: by item
    groups: dict[str, dict[str, GroupComparison]]  # trait -> score -> comparison
    interactions: dict[str, Interaction]  # trait -> whether its groups differ otherwise from stage to stage
    branches: dict[str, Branches]  # by score
    driving: Driving
    kano: dict[str, Kano]  # by feature, where features were asked for with and without them
    nomological: Nomological | None
    indices: Indices
    anchor: Anchor | None  # None without a gap or without overall satisfaction
    trend: Trend
    sampling: Sampling
    early_late: EarlyLate
    quality: Quality
    with_and_without: dict[str, WithAndWithout]
    missingness: Missingness
    comments: Comments | None  # of the first question that asks for them, beside the second
    waves: Waves | None  # None without an earlier wave
    repeated: Repeated | None  # None unless the same people were asked twice
    causes: Causes | None  # None without staff or managers
    seed: int


@dataclass(frozen=True, eq=False)
class Inside:
    """What staff and managers answered about the same service."""

    staff: Insiders | None
    managers: Insiders | None

    def chain(self, matrix: ScoreMatrix, scores: Scored, report: Report, thresholds: Thresholds) -> Causes:
        """Gaps 1 to 4, 6 and 7 against the customers' expectation; nothing of customers in cells that are hidden."""
        confirmed, hidden = frozenset(one.cell for one in report.defects if one.status == "confirmed"), report.hidden
        given = matrix.perception * np.uint8(0) if matrix.reference is None else matrix.reference
        expectation = np.where(rated(given), given, np.nan)
        for cell, items in matrix.layout.cell_items.items():
            if cell in hidden:
                expectation[:, list(items)] = np.nan
        felt = {
            name.partition(":")[2]: mean_statistic(one.frequencies(), thresholds.level, method="mean gap, t interval")
            for name, one in within(scores.judged, ("cell",)).items()
            if name.partition(":")[2] not in hidden
        }
        return causes(matrix.layout, expectation, self.staff, self.managers, thresholds, None, felt, confirmed)


def build_research(
    study: Study,
    tally: Tally,
    thresholds: Thresholds = DEFAULT,
    *,
    floor: int | None,
    insiders: Inside | None = None,
    earlier: Earlier | None = None,
    again: Repeated | None = None,
    whole: Tally | None = None,
    clustering: Clustering | None = None,
) -> Research:
    """Run every analysis that the answers allow.

    Parameters
    ----------
    study : Study
        Answers with branch, groups, outcomes and days.
    tally : Tally
        Of the same answers.
    floor : int or None
        As for `analysis.report.build_report`; groups and branches that it hides take no part.
    insiders : Inside, optional
        Staff and managers of the same wave; their own floors hold.
    earlier : Earlier, optional
        An earlier wave to compare with.
    again : Repeated, optional
        Scores of people who answered twice.
    whole, clustering : optional
        As for `analysis.report.build_report`.

    Returns
    -------
    Research
        Complete for any data; what is not defined says why.  With more than `sampled_rows` respondents the methods that
        need every row take a random part of so many.
    """
    rng = np.random.default_rng(SEED)
    least, n = floor or 1, study.n
    few = floor is not None and 0 < n < floor
    if few:  # nothing of so few people may show, not even a count of theirs
        study = study.part(np.zeros(0, np.intp))
        tally = summarise(study.matrix, thresholds)
    with np.errstate(all="raise", under="ignore"):
        part, sampled = _sampled(study, rng, thresholds)
        scores = scored(study.matrix, thresholds, main_only=part is not study)
        own = scores if part is study else scored(part.matrix, thresholds)
        data = columns(tally, study.matrix, thresholds)
        found = Research(
            study.n,
            sampled,
            consistency(tally, data, rng, thresholds),
            _exploratory(tally, data, rng, thresholds),
            confirmatory(evidence_by_column(part.matrix, rng, thresholds), study.matrix.layout, rng, thresholds),
            _invariance(part, rng, thresholds, least),
            {name: bca_mean(one.frequencies(), rng, thresholds.bca_draws, thresholds.level)
             for name, one in within(scores.judged, ("overall", "stage")).items()},
            _designed(study, scores, thresholds, least),
            _zone(part, thresholds),
            _groups(study, scores, rng, thresholds, least),
            _interactions(study, scores, thresholds, least),
            _branches(study, scores, rng, thresholds, least),
            driving(part, own, tally, rng, thresholds),
            {name: kano(kano_counts(*both), thresholds, least) for name, both in study.features.items()},
            nomological_of(part, own, thresholds),
            indices_of(study, thresholds),
            anchor_of(study, scores, thresholds, least),
            trend(study, scores, thresholds, least),
            sampling(study, scores, thresholds),
            early_late(study, scores, thresholds, least),
            *_quality(part, own, thresholds, least),
            _missingness(part, rng, thresholds, least),
            comments_of(study, thresholds, least),
            None if earlier is None or few
            else earlier.beside(study, tally, rng, thresholds, floor, _drawn(clustering)),
            None if few else again,
            None,
            SEED,
        )  # fmt: skip
        hidden = frozenset() if floor is None else hidden_parts(tally, floor, whole)
        chain = None
        if insiders is not None:
            report = build_report(tally, thresholds, format="", floor=floor, whole=whole, clustering=clustering)
            chain = insiders.chain(study.matrix, scores, report, thresholds)
    hidden |= {f"{level}:{name}" for name in hidden for level in ("stage", "dimension", "cell")}
    veiled = cast(Research, Veil(floor, hidden, n, thresholds.display_floor).over(replace(found, n=n), few))
    planned = {
        name: one if one.sd.value is not None else one.withheld() for name, one in veiled.sampling.scores.items()
    }
    veiled = replace(veiled, sampling=replace(veiled.sampling, scores=planned))
    return replace(veiled, causes=chain)  # managers are shown from five on, as their questionnaire promises


def _drawn(clustering: Clustering | None) -> bool:
    """Whether branches were drawn from more."""
    return clustering is not None and clustering.sampled


def _sampled(study: Study, rng: np.random.Generator, thresholds: Thresholds) -> tuple[Study, int | None]:
    """The study itself, or a random part of it when it is very large."""
    if study.n <= thresholds.sampled_rows:
        return study, None
    chosen = np.sort(rng.choice(study.n, thresholds.sampled_rows, replace=False))
    return study.part(chosen), thresholds.sampled_rows


def _exploratory(
    tally: Tally, data: dict[str, ColumnData], rng: np.random.Generator, thresholds: Thresholds
) -> dict[str, Exploratory]:
    """Exploratory structure of expectation and perception."""
    layout = tally.layout
    theory = sum(1 for items in layout.dimension_items.values() if items)
    return {
        name: exploratory(one, layout.items, layout.points, theory, rng, thresholds)
        for name, one in data.items()
        if name != "gap"
    }


def _comparable(study: Study, floor: int) -> dict[str, Grouping]:
    """Traits with at least two groups that may be shown, the others' codes unknown."""
    found = {}
    for name, one in study.traits.items():
        shown = one.shown(floor)
        if len(shown) >= 2:
            found[name] = one.only(shown)
    return found


def _invariance(
    part: Study, rng: np.random.Generator, thresholds: Thresholds, floor: int
) -> dict[str, InvarianceResult]:
    """Measurement invariance of perception over every trait."""
    layout, ratings = part.matrix.layout, part.matrix.perception
    found = {}
    for name, one in _comparable(part, floor).items():
        if name in INVARIANCE_TRAITS:
            told = invariance_of(ratings, one.codes.astype(np.int64), one.values, layout, rng, thresholds)
            # Complete answers may be fewer than the group's: a count below the floor is not told.
            out = {group: n if n >= floor else 0 for group, n in told.left_out.items()}
            found[name] = replace(told, left_out=out)
    return found


def _groups(
    study: Study, scores: Scored, rng: np.random.Generator, thresholds: Thresholds, floor: int
) -> dict[str, dict[str, GroupComparison]]:
    """Every trait on the overall score, the stages and the dimensions."""
    chosen = within(scores.main, ("overall", "stage", "dimension"))
    return {
        trait: {name: compare_groups(one.by_group(grouping, floor), rng, thresholds) for name, one in chosen.items()}
        for trait, grouping in _comparable(study, floor).items()
    }


def _interactions(study: Study, scores: Scored, thresholds: Thresholds, floor: int) -> dict[str, Interaction]:
    """Group x stage of every trait; of groups that may be shown at every stage."""
    stages = {name.partition(":")[2]: one for name, one in within(scores.main, ("stage",)).items()}
    if len(stages) < 2:
        return {}
    values = np.column_stack([one.values() for one in stages.values()])
    found = {}
    for trait, grouping in _comparable(study, floor).items():
        shown = [set(grouping.shown(floor, one.known)) for one in stages.values()]
        own = grouping.only(tuple(name for name in grouping.values if all(name in one for one in shown)))
        found[trait] = interaction(values, own.codes, own.values, tuple(stages), thresholds, fewest=floor)
    return found


def _shown_units(study: Study, floor: int) -> Grouping | None:
    """Branches that may be shown."""
    if study.unit is None:
        return None
    return _comparable(replace(study, traits={"unit": study.unit}), floor).get("unit")


def _branches(
    study: Study, scores: Scored, rng: np.random.Generator, thresholds: Thresholds, floor: int
) -> dict[str, Branches]:
    """Branches on the overall score and the stages, for the same mix of customers where that is known."""
    units = _shown_units(study, floor)
    if units is None:
        return {}
    segments = [one.codes for name, one in study.traits.items() if name not in ("language",)]
    found = {}
    for name, one in within(scores.main, ("overall", "stage")).items():
        by_unit = {unit: part for unit, part in one.by_group(units, floor).items() if part.n}
        if len(by_unit) < 2:
            continue
        mixed = None
        if segments and study.n <= thresholds.sampled_rows and len(by_unit) == len(units.values):
            mixed = case_mix(one.values(), segments, units.codes, len(units.values))
        found[name] = compare_branches(by_unit, rng, thresholds, mixed)
    return found


def _designed(study: Study, scores: Scored, thresholds: Thresholds, floor: int) -> dict[str, DesignedMean]:
    """Mean gaps with branches as clusters."""
    units = _shown_units(study, floor)
    if units is None or not scores.judged:
        return {}
    delta = 0.0 if scores.adequacy else thresholds.delta(study.matrix.layout.points)
    found = {}
    for name, one in scores.judged.items():
        parts = [part for part in one.by_group(units, floor).values() if part.n]
        n = np.array([float(part.n) for part in parts])
        means = np.array([part.mean() for part in parts])
        variances = np.array([part.variance() if part.n > 1 else 0.0 for part in parts])
        found[name] = clustered_mean(n, means, variances, delta, thresholds)
    return found


def _zone(part: Study, thresholds: Thresholds) -> dict[str, Zone]:
    """The zone of tolerance of each item, in three columns."""
    matrix = part.matrix
    if matrix.minimum is None or matrix.reference is None:
        return {}
    a, d, p = (np.where(rated(one), one, np.nan) for one in (matrix.minimum, matrix.reference, matrix.perception))
    return {
        name: zone_of_tolerance(a[:, j], d[:, j], p[:, j], thresholds.level)
        for j, name in enumerate(matrix.layout.items)
    }


def _quality(part: Study, own: Scored, thresholds: Thresholds, floor: int) -> tuple[Quality, dict[str, WithAndWithout]]:
    """Signs of careless answering, and the key results with and without."""
    found = screen(part.matrix, part.checks, thresholds)
    kept = ~found.excluded

    def few(one: Score) -> bool:
        """Whether those left out are so few that the difference of the two means would tell about them."""
        return 0 < int((one.known & ~kept).sum()) < floor

    both = {
        name: WithAndWithout(
            mean_statistic(one.frequencies(), thresholds.level, method="mean"),
            undefined("too_few")
            if few(one)
            else mean_statistic(one.frequencies(kept), thresholds.level, method="mean, without flagged"),
        )
        for name, one in within(own.main, ("overall", "stage", "dimension")).items()
    }
    return quality(found, part.checks, thresholds), both


def _missingness(part: Study, rng: np.random.Generator, thresholds: Thresholds, floor: int) -> Missingness:
    """Blanks of perception and expectation together."""
    matrix = part.matrix
    blocks = [matrix.perception] if matrix.reference is None else [matrix.reference, matrix.perception]
    suffixes = ("P",) if matrix.reference is None else ("D" if matrix.minimum is not None else "E", "P")
    names = tuple(f"{item}_{suffix}" for suffix in suffixes for item in matrix.layout.items)
    stored = np.hstack(blocks)
    values = np.where(rated(stored), stored, np.nan)
    traits = {name: one.codes for name, one in _comparable(part, floor).items()}
    found = missingness(stored == 0, (stored == 254) | (stored == 255), values, names, traits, rng, thresholds)
    return replace(found, commonest=tuple(one for one in found.commonest if one[1] >= floor))


def research_json(report: Report, research: Research, meta: dict[str, Any]) -> dict[str, Any]:
    """The report as `analysis.report.report_json` gives it, with the appendix under "research"."""
    return {**report_json(report, meta), "research": plain(research)}


def research_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of what `research_json` gives; the appendix may be left out."""
    schema = report_schema()
    parts, definitions = schema_of(Research)
    schema["properties"]["research"] = {"$ref": "#/$defs/Research"}
    schema["$defs"] |= definitions
    schema["$defs"]["Research"] = {
        "type": "object", "properties": parts, "required": list(parts), "additionalProperties": False,
    }  # fmt: skip
    return schema


__all__ = ["Checks", "Earlier", "Inside", "Research", "Study", "build_research", "research_json", "research_schema"]
