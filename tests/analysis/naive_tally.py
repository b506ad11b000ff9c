"""The tally once more, respondent by respondent in plain Python: slow, and simple enough to be its definition."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from analysis.item_moments import scales
from analysis.matrix import ScoreMatrix
from analysis.mergeable import FIXED, FixedSums, Histogram, Moments, PairMoments
from analysis.plan import Plan
from analysis.tally import Tally
from analysis.thresholds import DEFAULT
from surveys.codes import BLANK, DO_NOT_KNOW, NOT_APPLICABLE, NOT_ASKED

Row = dict[str, list[int]]


def is_rated(code: int) -> bool:
    return code not in (BLANK, NOT_ASKED, DO_NOT_KNOW, NOT_APPLICABLE)


def screened(row: Row, asked: list[str], screen: bool) -> tuple[bool, bool, bool]:
    """Whether one is inconsistent, dropped, kept."""
    inconsistent = dropped = False
    if screen and "minimum" in row:
        shown = sum(code != NOT_ASKED for code in row["perception"])
        above = sum(
            is_rated(low) and is_rated(high) and low > high
            for low, high in zip(row["minimum"], row["reference"], strict=True)
        )
        away = sum(code in (NOT_APPLICABLE, DO_NOT_KNOW) for code in row["perception"])
        inconsistent = shown > 0 and above + 1e-9 >= DEFAULT.inconsistent_share * shown
        dropped = inconsistent or (shown > 0 and away + 1e-9 >= DEFAULT.not_applicable_share * shown)
    codes = [code for name in asked for code in row[name]]
    shown = sum(code != NOT_ASKED for code in codes)
    blank = screen and codes.count(BLANK) > DEFAULT.blank_share * shown + 1e-9
    return inconsistent, dropped, not dropped and not blank


def mean(ratings: list[int], unit: int) -> int:
    """A mean as a multiple of 1/unit, rounded where it is none."""
    exact = sum(ratings) * unit
    return exact // len(ratings) if exact % len(ratings) == 0 else round(sum(ratings) / len(ratings) * unit)


def histogram(values: list[int]) -> Histogram:
    counted = sorted(Counter(values).items())
    return Histogram(np.array([v for v, _ in counted], np.int64), np.array([n for _, n in counted], np.int64))


def fixed(rows: list[list[float]], columns: int) -> FixedSums:
    return FixedSums(
        len(rows),
        tuple(sum(round(row[at] * FIXED) for row in rows) for at in range(columns)),
        tuple(sum(round(row[at] * row[at] * FIXED) for row in rows) for at in range(columns)),
    )


def moments(rows: list[list[int]], columns: int) -> Moments:
    table = np.array(rows, np.int64).reshape(len(rows), columns)
    return Moments(len(rows), table.sum(axis=0), table.T @ table)


def pair_moments(rows: list[list[int | None]], columns: int) -> PairMoments:
    n, sums, cross = (np.zeros((columns, columns), np.int64) for _ in range(3))
    for row in rows:
        for i, a in enumerate(row):
            for j, b in enumerate(row):
                if a is not None and b is not None:
                    n[i, j] += 1
                    sums[i, j] += a
                    cross[i, j] += a * b
    return PairMoments(n, sums, cross)


class Respondent:
    """One row: ratings as numbers, None where there is none."""

    def __init__(self, plan: Plan, row: Row, asked: list[str], screen: bool) -> None:
        self.plan, self.row, self.asked = plan, row, asked
        self.inconsistent, self.dropped, self.kept = screened(row, asked, screen)
        self.values: dict[str, list[int | None]] = {
            name: [code if is_rated(code) else None for code in codes] for name, codes in row.items()
        }
        self.pair = [
            not self.dropped and all(self.values[name][j] is not None for name in asked)
            for j in range(len(plan.layout.items))
        ]
        self.shown = {name: [code != NOT_ASKED for code in codes] for name, codes in row.items()}
        both = [all(self.shown[name][j] for name in asked) for j in range(len(self.pair))]
        for contrast, column in contrasts(asked).items():
            self.values[contrast] = [
                row["perception"][j] - row[column][j] if pair else None for j, pair in enumerate(self.pair)
            ]
            self.shown[contrast] = both
        if "reference" in asked:
            for column in ("reference", "perception"):
                name = f"gap.{column}"
                self.values[name] = [row[column][j] if pair else None for j, pair in enumerate(self.pair)]
                self.shown[name] = both

    def ratings(self, name: str, items: Any) -> list[int]:
        return [one for j in items if (one := self.values[name][j]) is not None]

    def scored(self, name: str, items: Any) -> bool:
        found = len(self.ratings(name, items))
        return self.kept and found > 0 and 2 * found >= sum(self.shown[name][j] for j in items)

    def dimension_means(self, name: str, unit: int) -> list[int | None]:
        parts = [part.items for part in self.plan.composites if part.level == "dimension"]
        return [mean(self.ratings(name, items), unit) if self.scored(name, items) else None for items in parts]


def contrasts(asked: list[str]) -> dict[str, str]:
    if "minimum" in asked:
        return {"gap": "reference", "adequacy": "minimum"}
    return {"gap": "reference"} if "reference" in asked else {}


def respondents(matrix: ScoreMatrix, screen: bool) -> list[Respondent]:
    columns = {name: getattr(matrix, name) for name in ("perception", "reference", "minimum", "importance")}
    given = {name: column for name, column in columns.items() if column is not None}
    asked = [name for name in given if name != "importance"]
    plan = Plan(matrix.layout)
    return [
        Respondent(plan, {name: column[i].tolist() for name, column in given.items()}, asked, screen)
        for i in range(matrix.n)
    ]


def naive_tally(matrix: ScoreMatrix, screen: bool = True) -> Tally:
    """What `summarise` must give."""
    plan, people = Plan(matrix.layout), respondents(matrix, screen)
    k, m = len(plan.layout.items), plan.layout.points
    asked = people[0].asked
    against = contrasts(asked)
    names = [*people[0].row, *against, *(("gap.reference", "gap.perception") if against else ())]
    overall = [name for name in names if name != "importance"]
    kinds = [("expectation", "reference")] * ("reference" in asked) + [("perception", "perception")]
    kinds += [("gap", "gap")] * bool(against)
    unit = plan.dimension_unit
    shares, stage_shares, scores = weights(matrix, people, against)
    return Tally(
        layout=plan.layout,
        n=matrix.n,
        n_composites=sum(one.kept for one in people),
        inconsistent=sum(one.inconsistent for one in people),
        dropped=sum(one.dropped for one in people),
        weights_rescaled=0 if shares is None else sum(t > 0 and abs(t - 100) > 0.5 for t in totals(matrix, plan)),
        weights_unusable=0 if shares is None else sum(t == 0 for t in totals(matrix, plan)),
        answers={name: answers(people, name, k, m) for name in people[0].row},
        pairs={name: pairs(people, column, k, m) for name, column in against.items()},
        composites={name: composite_table(plan, people, name, name in against) for name in names},
        overall={
            name: histogram([sum(found) for one in people if None not in (found := one.dimension_means(name, unit))])
            for name in overall
        },
        pairwise={name: pair_moments([one.values[of] for one in people], k) for name, of in kinds},
        listwise={
            name: {
                scale: moments(
                    [whole for one in people if len(whole := one.ratings(of, items)) == len(items)], len(items)
                )
                for scale, items in scales(plan).items()
            }
            for name, of in kinds
        },
        **of_cells(matrix, plan, people, against),
        weighted=scores,
        weights=shares,
        stage_weights=stage_shares,
        outcome=outcome(matrix, plan, people),
        rated_importance={
            name: moments(importance(plan, people, name), 2 * len(plan.dimensions))
            for name in ("perception", *against)
            if matrix.importance is not None
        },
        problems=problems(matrix),
    )


def answers(people: list[Respondent], name: str, k: int, m: int) -> Any:
    order = [*range(m + 1), NOT_APPLICABLE, DO_NOT_KNOW, NOT_ASKED]
    return np.array([[sum(one.row[name][j] == code for one in people) for code in order] for j in range(k)])


def pairs(people: list[Respondent], column: str, k: int, m: int) -> Any:
    found = np.zeros((k, m, m), np.int64)
    for one in people:
        for j in range(k):
            if one.pair[j]:
                found[j, one.row[column][j] - 1, one.row["perception"][j] - 1] += 1
    return found


def composite_table(plan: Plan, people: list[Respondent], name: str, signed: bool) -> Any:
    offsets, widths, lowest = plan.offsets(signed), plan.widths(signed), plan.lowest(signed)
    found = np.zeros(offsets[-1], np.int64)
    for row, part in enumerate(plan.composites):
        for one in people:
            ratings = one.ratings(name, part.items)
            if one.scored(name, part.items):
                found[offsets[row] + len(ratings) * widths[row] + sum(ratings) - lowest[row]] += 1
    return found


def of_cells(matrix: ScoreMatrix, plan: Plan, people: list[Respondent], against: dict[str, str]) -> dict[str, Any]:
    """Shortfall, loss, defective pairs, and the scores by branch."""
    cells = [part.items for part in plan.composites if part.level == "cell"]
    short, defective = (np.zeros((len(cells), 6), np.int64) for _ in range(2))
    judged = "adequacy" if "adequacy" in against else "gap"
    limit = 1 if judged == "adequacy" else DEFAULT.scaled(DEFAULT.shortfall_points, plan.layout.points)
    loss: list[list[int | None]] = [[] for _ in people]
    branches: dict[str, Any] = {}
    for i, one in enumerate(people):
        branch = -1 if matrix.branch is None else int(matrix.branch[i])
        of_branch = branches.setdefault(matrix.branches[branch] if branch >= 0 else "", np.zeros((len(cells), 3), int))
        for row, items in enumerate(cells):
            met = bool(one.ratings("perception", items))
            away = not met and any(one.row["perception"][j] in (NOT_APPLICABLE, DO_NOT_KNOW) for j in items)
            short[row, :2] += met, away
            if not against:
                continue
            found = one.ratings(judged, items)
            bad = sum(-d >= limit - 1e-9 for d in found)
            defective[row] += bool(found), len(found), bad, len(found) ** 2, bad**2, len(found) * bad
            u = mean([max(-d, 0) for d in found], plan.cell_unit) if found and one.kept else None
            if u is not None:
                short[row, 2:] += 1, u > 0, u, u * u
            loss[i].append(0 if u is None and away and one.kept else u)
            if one.scored(judged, items):
                score = mean(found, plan.cell_unit)
                of_branch[row] += 1, score, score * score
    known = branches if matrix.branch is not None and against else {}
    return {
        "shortfall": short,
        "defective": defective,
        "loss": pair_moments(loss, len(cells)) if against else None,
        "by_branch": known,
    }


def given_points(matrix: ScoreMatrix, plan: Plan) -> list[list[int]]:
    assert matrix.weights is not None
    chosen = [plan.layout.dimensions.index(name) for name in plan.dimensions]
    found: list[list[int]] = np.maximum(matrix.weights[:, chosen], 0).tolist()
    return found


def totals(matrix: ScoreMatrix, plan: Plan) -> list[int]:
    return [sum(points) for points in given_points(matrix, plan)]


def shares(rows: list[list[int]], columns: int) -> FixedSums:
    return fixed([[100 * one / sum(row) for one in row] for row in rows if sum(row)], columns)


def weights(matrix: ScoreMatrix, people: list[Respondent], against: dict[str, str]) -> tuple[Any, Any, Any]:
    plan, unit = people[0].plan, people[0].plan.dimension_unit
    stages = None
    if matrix.stage_weights is not None:
        stages = shares(np.maximum(matrix.stage_weights, 0).tolist(), matrix.stage_weights.shape[1])
    if matrix.weights is None:
        return None, stages, {}
    rows, scores = given_points(matrix, plan), {}
    for name in ("perception", *against):
        values = []
        for one, points in zip(people, rows, strict=True):
            found = one.dimension_means(name, unit)
            if sum(points) and all(a is not None or w == 0 for a, w in zip(found, points, strict=True)):
                units = sum(w * a for a, w in zip(found, points, strict=True) if a is not None)
                values.append([units / (sum(points) * unit)])
        scores[name] = fixed(values, 1)
    return shares(rows, len(plan.dimensions)), stages, scores


def outcome(matrix: ScoreMatrix, plan: Plan, people: list[Respondent]) -> Moments | None:
    if matrix.outcome is None:
        return None
    rows = []
    for one, rating in zip(people, matrix.outcome.tolist(), strict=True):
        found = one.dimension_means("perception", plan.moment_unit)
        if None not in found and is_rated(rating):
            rows.append([*found, rating])
    return moments(rows, len(plan.dimensions) + 1)


def importance(plan: Plan, people: list[Respondent], name: str) -> list[list[int]]:
    both = (
        [*one.dimension_means(name, plan.moment_unit), *one.dimension_means("importance", plan.moment_unit)]
        for one in people
    )
    return [found for found in both if None not in found]


def problems(matrix: ScoreMatrix) -> Any:
    if matrix.problem_stage is None or matrix.problem_silent is None or not matrix.layout.stages:
        return None
    at, silent = matrix.problem_stage, matrix.problem_silent
    return np.array([[(at == s).sum(), ((at == s) & silent).sum()] for s in range(len(matrix.layout.stages))])
