"""Why a gap is there: the chain of gaps 1 to 4 from staff and manager surveys, and the first link that is broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.adjust import holm
from analysis.compare.welch import games_howell
from analysis.frequencies import Frequencies, mean_statistic, wilson
from analysis.matrix import Bytes, Layout, rated
from analysis.results import Statistic, undefined
from analysis.thresholds import DEFAULT, Thresholds
from surveys.codes import DO_NOT_KNOW, NOT_APPLICABLE

Floats = NDArray[np.float64]

Link = Literal["gap_1", "gap_2", "gap_3", "gap_4", "none", "no_data", "no_defect"]
Remedy = Literal["upward_communication", "research", ""]
"""Gap 1: staff know what managers do not; or nobody knows."""


@dataclass(frozen=True)
class Insiders:
    """What staff or managers answered.

    Attributes
    ----------
    belief : (n, k) float
        Believed customer expectation of each item; NaN where blank.
    grids : name -> (n, cells) uint8
        Ratings of the cells in the layout's order (`surveys.codes`): "standards" and "promise" of managers, "delivery"
        of staff.  "Not applicable" stands for no standard, or no promise.
    antecedents : scale -> (n, items) float
        Already turned so that low is bad; NaN where blank.
    gap_of : scale -> int
        The gap that the scale bears on.
    """

    belief: Floats
    grids: dict[str, Bytes] = field(default_factory=dict)
    antecedents: dict[str, Floats] = field(default_factory=dict)
    gap_of: dict[str, int] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """People."""
        return int(self.belief.shape[0])


@dataclass(frozen=True)
class CellCauses:
    """One cell."""

    gap_5: Statistic  # what customers feel: perception minus expectation, in three columns minus the minimum
    gap_1: Statistic  # managers' belief minus customers' expectation
    gap_6: Statistic  # staff's belief minus customers' expectation
    gap_7: Statistic  # staff's belief minus managers' belief: gap 6 - gap 1
    p_gap_1: Statistic
    gap_2: Statistic  # minus the deficit of standards: mean rating minus m, no standard counting 1
    gap_3: Statistic  # minus the deficit of delivery
    gap_4: Statistic  # minus the deficit of promises kept
    no_standard_managers: Statistic
    no_standard_staff: Statistic
    no_promise: Statistic
    cannot_judge: dict[str, Statistic]  # by grid
    primary: Link  # the first broken link
    broken: tuple[Link, ...]  # all of them, in the order of the chain
    remedy: Remedy
    misallocated: bool  # managers overrate what customers expect
    weak_antecedents: tuple[str, ...]  # of the primary link, the weakest first


@dataclass(frozen=True)
class Causes:
    """The chain of every cell, and the antecedents."""

    staff: int
    managers: int
    cells: dict[str, CellCauses]
    antecedents: dict[str, Statistic]  # mean of the scale, low is bad; "staff." or "manager." before the id
    flags: tuple[str, ...]


def cell_scores(layout: Layout, values: Floats) -> dict[str, Floats]:
    """Mean of each respondent over the items of each cell (half rule), NaN where too few are answered: cell -> (n,)."""
    found = {}
    for cell, items in layout.cell_items.items():
        part = values[:, list(items)]
        answered = (~np.isnan(part)).sum(axis=1)
        total = np.where(np.isnan(part), 0.0, part).sum(axis=1)
        found[cell] = np.where(2 * answered >= len(items), total / np.maximum(answered, 1), np.nan)
    return found


def causes(
    layout: Layout,
    expectation: Floats,
    staff: Insiders | None,
    managers: Insiders | None,
    thresholds: Thresholds = DEFAULT,
    census: int | None = None,
    felt: Mapping[str, Statistic] | None = None,
    confirmed: frozenset[str] | None = None,
) -> Causes:
    """Compare what customers expect with what the bank believes, prescribes, delivers and promises.

    Parameters
    ----------
    layout : Layout
        Of the customer questionnaire.
    expectation : (n, k) float
        Customers' expectation of each item by all who rated it; NaN where missing.
    staff, managers : Insiders or None
        Fewer than `staff_floor` or `manager_floor` people are as good as none, for their privacy.
    thresholds : Thresholds
    census : int, optional
        Managers in all; the intervals of their means get the finite population correction.
    felt : cell -> Statistic, optional
        Customers' mean gap of each cell, to stand beside the chain.
    confirmed : set of cells, optional
        Confirmed defects: only these have a cause, the others a profile ("no_defect").  None: all cells.

    Returns
    -------
    Causes
        Negative is a shortfall in every gap.  A link is broken when: gap 1, upper limit below 0, value at most -delta;
        gap 2, upper limit of the mean rating below `broken_rating7`, or no standard for `no_standard_share` of managers
        or of staff; gaps 3 and 4, upper limit below `broken_rating7`.  Limits are those of two-sided intervals.

    References
    ----------
    Zeithaml, V. A., Berry, L. L. and Parasuraman, A. (1988). Communication and control processes in the delivery of
    service quality. J. Marketing 52(2), 35-48.  Luk, S. T. K. and Layton, R. (2002). Perception gaps in customer
    expectations. Service Industries Journal 22(2), 109-128.
    """
    staff = staff if staff is not None and staff.n >= thresholds.staff_floor else None
    managers = managers if managers is not None and managers.n >= thresholds.manager_floor else None
    customers = cell_scores(layout, expectation)
    floors = {"staff": thresholds.staff_floor, "managers": thresholds.manager_floor}
    believed = {
        name: {cell: _enough(scores, floors[name]) for cell, scores in cell_scores(layout, one.belief).items()}
        for name, one in (("staff", staff), ("managers", managers))
        if one
    }
    antecedents = _antecedents(staff, "staff", thresholds) | _antecedents(managers, "manager", thresholds)
    gap_of = {f"staff.{name}": gap for name, gap in (staff.gap_of if staff else {}).items()}
    gap_of |= {f"manager.{name}": gap for name, gap in (managers.gap_of if managers else {}).items()}
    fpc = 1.0 if census is None or managers is None else max(0.0, 1 - managers.n / census) ** 0.5
    cells = {}
    for place, cell in enumerate(layout.cells):
        three = (customers[cell], believed.get("staff", {}).get(cell), believed.get("managers", {}).get(cell))
        gap_5 = (felt or {}).get(cell, undefined("not_asked"))
        found = _cell(place, three, staff, managers, layout, antecedents, gap_of, fpc, thresholds)
        if confirmed is not None and cell not in confirmed and found.primary != "no_data":
            found = replace(found, primary="no_defect", remedy="", weak_antecedents=())
        cells[cell] = replace(found, gap_5=gap_5)
    flags = tuple(name for name, one in (("no_staff", staff), ("no_managers", managers)) if one is None)
    return Causes(staff.n if staff else 0, managers.n if managers else 0, cells, antecedents, flags)


def _enough(scores: Floats, floor: int) -> Floats:
    """Scores of one cell, or none at all where fewer people than the floor have one."""
    return scores if int((~np.isnan(scores)).sum()) >= floor else np.full_like(scores, np.nan)


def _known(values: Floats | None) -> Frequencies:
    """Scores that are there."""
    return Frequencies.of(values[~np.isnan(values)]) if values is not None else Frequencies.from_dict({})


def _difference(a: Floats | None, b: Floats | None, level: float, method: str) -> tuple[Statistic, Statistic]:
    """Mean of one group minus that of another, Welch's interval and p."""
    found, p = games_howell(_known(a), _known(b), 2, level)
    named = Statistic(found.value, found.low, found.high, found.level, found.n, f"{method}, Welch t", (), found.reason)
    return named, p


def _grid(
    people: Insiders | None, name: str, place: int, counts_as_1: bool, m: int, fpc: float, thresholds: Thresholds
) -> tuple[Statistic, Statistic, Statistic]:
    """Mean rating of one cell of a grid minus m; share without standard or promise; share who cannot judge.

    Hidden where fewer people than their floor gave the rating, or the answers behind a share.
    """
    least = thresholds.staff_floor if name == "delivery" else thresholds.manager_floor
    mean, without, unsure = _grid_of(people, name, place, counts_as_1, m, fpc, thresholds)
    return tuple(one.hidden() if one.value is not None and one.n < least else one for one in (mean, without, unsure))  # type: ignore[return-value]


def _grid_of(
    people: Insiders | None, name: str, place: int, counts_as_1: bool, m: int, fpc: float, thresholds: Thresholds
) -> tuple[Statistic, Statistic, Statistic]:
    """The three numbers, however few people are behind them."""
    if people is None or name not in people.grids:
        none = undefined("not_asked" if people is not None else "no_respondents")
        return none, none, none
    column, level = people.grids[name][:, place], thresholds.level
    none_there = column == NOT_APPLICABLE
    ratings = column[rated(column) & (column <= m)].astype(np.float64)
    if counts_as_1:
        ratings = np.concatenate([ratings, np.ones(int(none_there.sum()))])
    found = mean_statistic(Frequencies.of(ratings - m), level, method="mean rating minus the top")
    if found.low is not None and found.high is not None and found.value is not None:
        reach = fpc * (found.high - found.value)
        found = Statistic(found.value, found.value - reach, found.value + reach, level, found.n, found.method)
    # "Cannot judge" is neither no standard nor a blank: it leaves the base of the share.
    base = int(none_there.sum()) + int((rated(column) & (column <= m)).sum())
    unsure = int((column == DO_NOT_KNOW).sum())
    return found, wilson(int(none_there.sum()), base, level), wilson(unsure, base + unsure, level)


def _cell(
    place: int,
    scores: tuple[Floats, Floats | None, Floats | None],
    staff: Insiders | None,
    managers: Insiders | None,
    layout: Layout,
    antecedents: Mapping[str, Statistic],
    gap_of: Mapping[str, int],
    fpc: float,
    thresholds: Thresholds,
) -> CellCauses:
    """The chain of one cell."""
    customers, by_staff, by_managers = scores
    level, m = thresholds.level, layout.points
    gap_1, p_1 = _difference(by_managers, customers, level, "managers minus customers")
    gap_6, _ = _difference(by_staff, customers, level, "staff minus customers")
    gap_7, _ = _difference(by_staff, by_managers, level, "staff minus managers")
    gap_2, no_managers, unsure_2 = _grid(managers, "standards", place, True, m, fpc, thresholds)
    gap_3, no_staff, unsure_3 = _grid(staff, "delivery", place, False, m, 1.0, thresholds)
    gap_4, no_promise, unsure_4 = _grid(managers, "promise", place, False, m, fpc, thresholds)
    broken = _broken(gap_1, gap_2, gap_3, gap_4, (no_managers, no_staff), m, thresholds)
    delta = thresholds.delta(m)
    remedy: Remedy = ""
    if "gap_1" in broken and gap_6.value is not None:
        remedy = "upward_communication" if abs(gap_6.value) < delta else "research"
    primary: Link = broken[0] if broken else "no_data" if staff is None and managers is None else "none"
    low = thresholds.scaled(thresholds.antecedent_low7 - 1, m) + 1
    weak = sorted(
        (one.value, name)
        for name, one in antecedents.items()
        if one.value is not None and one.value < low and f"gap_{gap_of[name]}" == primary
    )
    return CellCauses(
        undefined("not_asked"), gap_1, gap_6, gap_7, p_1, gap_2, gap_3, gap_4, no_managers, no_staff, no_promise,
        {"standards": unsure_2, "delivery": unsure_3, "promise": unsure_4}, primary, broken, remedy,
        gap_1.value is not None and gap_1.value >= delta, tuple(name for _, name in weak),
    )  # fmt: skip


def _broken(
    gap_1: Statistic,
    gap_2: Statistic,
    gap_3: Statistic,
    gap_4: Statistic,
    shares: tuple[Statistic, Statistic],
    m: int,
    thresholds: Thresholds,
) -> tuple[Link, ...]:
    """Links that are broken, in the order of the chain: a later one makes no sense before an earlier is mended."""
    found: list[Link] = []
    if gap_1.value is not None and gap_1.high is not None and gap_1.high < 0 and gap_1.value <= -thresholds.delta(m):
        found.append("gap_1")
    limit = thresholds.scaled(thresholds.broken_rating7 - 1, m) + 1 - m

    def low(one: Statistic) -> bool:
        # Equal ratings have no interval; from as many people as the floor asks for they still speak.
        edge = one.high if one.high is not None else one.value if one.reason == "no_variance" else None
        return edge is not None and edge < limit

    without = any(one.value is not None and one.value >= thresholds.no_standard_share for one in shares)
    if low(gap_2) or without:
        found.append("gap_2")
    found += [name for name, one in (("gap_3", gap_3), ("gap_4", gap_4)) if low(one)]  # type: ignore[misc]
    return tuple(found)


def _antecedents(people: Insiders | None, who: str, thresholds: Thresholds) -> dict[str, Statistic]:
    """Mean of each scale over the people who answered half of it."""
    found = {}
    least = thresholds.staff_floor if who == "staff" else thresholds.manager_floor
    for name, values in (people.antecedents if people else {}).items():
        answered = (~np.isnan(values)).sum(axis=1)
        total = np.where(np.isnan(values), 0.0, values).sum(axis=1)
        scores = (total / np.maximum(answered, 1))[2 * answered >= values.shape[1]]
        mean = mean_statistic(Frequencies.of(scores), thresholds.level, method="mean of the scale")
        found[f"{who}.{name}"] = mean.hidden() if 0 < mean.n < least else mean
    return found


def adjusted_gap_1(found: Causes) -> dict[str, float | None]:
    """p of gap 1 adjusted by Holm over the cells."""
    return dict(zip(found.cells, holm([one.p_gap_1.value for one in found.cells.values()]), strict=True))
