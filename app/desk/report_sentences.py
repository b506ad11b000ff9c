"""The report's findings as plain sentences, none stronger than the test behind it."""

from __future__ import annotations

import math
from collections import Counter

from analysis.defects import Defect, Status
from analysis.figures import MARKS, shown, sorted_items
from analysis.gaps import GapTests
from app.desk.report_words import Names, joined, level, size, span, span_of_sizes, status_word
from app.words import _, count, decimal, pvalue, signed

LISTED: tuple[Status, ...] = ("confirmed", "probable", "inconclusive", "tolerated_shortfall", "ranked_by_perception")


def statuses(names: Names) -> Counter[Status]:
    """How many cells have each status."""
    return Counter(defect.status for defect in names.report.defects)


def of_status(names: Names, status: Status) -> list[Defect]:
    """The cells of one status, in the order of the report."""
    return [defect for defect in names.report.defects if defect.status == status]


def nothing_to_show(names: Names) -> bool:
    """Whether every cell is hidden."""
    return all(defect.status == "suppressed" for defect in names.report.defects)


def lowest(names: Names, parts: dict[str, GapTests]) -> tuple[str, bool] | None:
    """The part with the lowest number, and whether its whole interval lies below every other one."""
    stats = {name: shown(names.report, tests) for name, tests in parts.items()}
    seen = {name: stat for name, stat in stats.items() if stat.value is not None}
    if not seen:
        return None
    worst = min(seen, key=lambda name: seen[name].value or 0.0)
    high = seen[worst].high
    others = [stat.low for name, stat in seen.items() if name != worst]
    apart = high is not None and bool(others) and all(low is not None and high < low for low in others)
    return worst, apart


def below_zero(names: Names, tests: GapTests) -> bool:
    """Whether the whole interval lies below zero, so that it may be called a shortfall."""
    high = shown(names.report, tests).high
    return names.format != "perception_only" and high is not None and high < 0


def title(names: Names) -> str:
    """The finding of the whole report in one line."""
    report = names.report
    if report.meta.n == 0:
        return _("No released answers yet: the defect map will stand here")
    if nothing_to_show(names):
        return _("Too few answers to show anything yet")
    if names.format == "perception_only":
        return _title_of_perception(names)
    confirmed = of_status(names, "confirmed")
    counts = statuses(names)
    if confirmed:
        return _title_of_confirmed(names, confirmed)
    if counts["probable"]:
        return _("No defect is confirmed yet; probable: %(cells)s") % {
            "cells": _first_cells(names, of_status(names, "probable"))
        }
    if counts["inconclusive"]:
        return _("No defect is confirmed; %(n)s of %(all)s cells cannot be told yet") % {
            "n": counts["inconclusive"],
            "all": len(report.defects),
        }
    return _("No defect shown in any of the cells with enough answers")


def _title_of_confirmed(names: Names, confirmed: list[Defect]) -> str:
    worst = lowest(names, names.report.gaps.stages)
    if worst and worst[1] and below_zero(names, names.report.gaps.stages[worst[0]]):
        inside = [defect for defect in confirmed if defect.stage == worst[0]]
        if inside:
            return _("%(stage)s falls short most; mend first there: %(dimensions)s") % {
                "stage": names.stages[worst[0]],
                "dimensions": joined([names.dimensions[defect.dimension] for defect in inside[:2]]),
            }
    return _("Confirmed defects, first to mend: %(cells)s") % {"cells": _first_cells(names, confirmed)}


def _first_cells(names: Names, defects: list[Defect]) -> str:
    return joined([names.cells[defect.cell] for defect in defects[:2]])


def _title_of_perception(names: Names) -> str:
    cells = {cell: tests for cell, tests in names.report.gaps.cells.items() if not names.is_hidden(cell)}
    worst = lowest(names, cells)
    if worst is None:
        return _("Too few answers to show anything yet")
    form = _("%(cell)s is rated lowest") if worst[1] else _("%(cell)s has the lowest mean, not clear of the next")
    return form % {"cell": names.cells[worst[0]]}


def lead(names: Names) -> list[str]:
    """The sentences under the title."""
    report = names.report
    if report.meta.n == 0 or nothing_to_show(names):
        return [
            _(
                "Answers are shown only in groups of at least %(floor)s, so that nobody can be recognised. "
                "Those that arrive are stored and wait."
            )
            % {"floor": names.floor}
        ]
    parts = report.gaps.stages or report.gaps.dimensions
    worst = lowest(names, parts)
    sentences = [_amount(names, (names.stages | names.dimensions)[worst[0]], parts[worst[0]])] if worst else []
    return [*sentences, tally(names)]


def _amount(names: Names, where: str, tests: GapTests) -> str:
    """How far one part falls short, with its interval and n."""
    stat = shown(names.report, tests)
    values = {"where": where, "m": names.report.meta.points, "level": level(stat.level), "n": count(stat.n)}
    if names.format == "perception_only":
        return _(
            "%(where)s has the lowest mean, %(mean)s on the scale of %(m)s points (%(level)s CI %(span)s, "
            "%(n)s answers)."
        ) % (values | {"mean": decimal(stat.value), "span": span(stat, True)})
    if stat.high is None or stat.high >= 0:
        return _(
            "The lowest figure is that of %(where)s: %(gap)s points on the scale of %(m)s (%(level)s CI %(span)s, "
            "%(n)s answers)."
        ) % (values | {"gap": signed(stat.value), "span": span(stat)})
    values |= {"points": size(stat.value), "span": span_of_sizes(stat)}
    if names.format == "three_column":
        return (
            _(
                "%(where)s: customers get %(points)s points less than the minimum they accept, on the scale of "
                "%(m)s points (%(level)s CI %(span)s, %(n)s answers)."
            )
            % values
        )
    return (
        _(
            "%(where)s: customers get %(points)s points less than they expect, on the scale of %(m)s points "
            "(%(level)s CI %(span)s, %(n)s answers)."
        )
        % values
    )


def tally(names: Names) -> str:
    """How many cells stand where."""
    counts, every = statuses(names), len(names.report.defects)
    if names.format == "perception_only":
        return _("Expectation was not asked: there is no gap and no defect status, and cells are ranked by perception.")
    parts = [_("confirmed defects %(n)s of %(all)s") % {"n": counts["confirmed"], "all": every}]
    named: tuple[tuple[Status, str], ...] = (
        ("probable", _("probable %(n)s")),
        ("inconclusive", _("cannot be told yet %(n)s")),
        ("tolerated_shortfall", _("tolerated shortfalls %(n)s")),
        ("no_defect_shown", _("no defect shown %(n)s")),
        ("suppressed", _("too few answers %(n)s")),
    )
    parts += [words % {"n": counts[status]} for status, words in named if counts[status]]
    return _("Cells: %(parts)s.") % {"parts": _(", ").join(parts)}


def map_title(names: Names) -> str:
    """The finding of the defect map."""
    if names.format == "perception_only":
        return _("Where perception is low and high")
    confirmed = of_status(names, "confirmed")
    if not confirmed:
        return _("Where it may be broken: no cell is a confirmed defect")
    values = {"n": len(confirmed), "all": len(names.report.defects)}
    stages = Counter(defect.stage for defect in confirmed if defect.stage)
    if len(stages) > 1:
        stage, most = stages.most_common(1)[0]
        if list(stages.values()).count(most) == 1:
            return _("Where it is broken: %(n)s of %(all)s cells, %(most)s of them in %(stage)s") % (
                values | {"most": most, "stage": names.stages[stage]}
            )
    return _("Where it is broken: %(n)s of %(all)s cells") % values


def map_note(names: Names) -> str:
    """What the map shows and how to read it."""
    m = {"m": names.report.meta.points}
    if names.format == "perception_only":
        return _("Mean perception, 1 to %(m)s; darker = lower. Choose a cell to open it.") % m
    if names.format == "three_column":
        return (
            _(
                "Perception − minimum, points on 1 to %(m)s; colour = how bad, mark = how sure; bold = confirmed. "
                "Choose a cell to open it."
            )
            % m
        )
    return (
        _(
            "Gap = perception − expectation, points on 1 to %(m)s; colour = how bad, mark = how sure; "
            "bold = confirmed. Choose a cell to open it."
        )
        % m
    )


def list_note(names: Names) -> str:
    """By what the list is sorted."""
    if names.format == "perception_only":
        return _("Sorted by mean perception, lowest first. To know whether it falls short, ask expectation too.")
    priority = level(names.report.thresholds.priority_level)
    if names.format == "three_column":
        return _(
            "Sorted by certainty, then by the cautious (%(level)s lower) bound of priority = importance × people "
            "exposed × points lost. Tick mark under the figure: 0, where perception equals the minimum."
        ) % {"level": priority}
    return _(
        "Sorted by certainty, then by the cautious (%(level)s lower) bound of priority = importance × people exposed × "
        "points lost. Tick marks under the gap: 0 and the %(limit)s limit (dashed)."
    ) % {"level": priority, "limit": signed(-names.delta)}


def group_heading(names: Names, status: Status, number: int) -> str:
    """One sentence over the cells of one status."""
    tested = len(names.report.defects) - statuses(names)["suppressed"]
    values = {"mark": MARKS[status], "n": number, "limit": decimal(names.delta), "tested": tested}
    if names.format == "three_column" and status in ("confirmed", "probable", "inconclusive"):
        return {
            "confirmed": _("%(mark)s %(n)s confirmed: below the minimum customers accept, beyond chance"),
            "probable": _("%(mark)s %(n)s probable: below the minimum, on few answers"),
            "inconclusive": _(
                "%(mark)s %(n)s cannot be told yet: not clear of the minimum after allowing for the number of cells "
                "tested (%(tested)s)"
            ),
        }[status] % values
    return {
        "confirmed": _("%(mark)s %(n)s confirmed: short by more than %(limit)s points, beyond chance"),
        "probable": _("%(mark)s %(n)s probable: short, and by %(limit)s points or more by the estimate"),
        "inconclusive": _(
            "%(mark)s %(n)s cannot be told yet: not clear of the limit of %(limit)s points after allowing for the "
            "number of cells tested (%(tested)s)"
        ),
        "tolerated_shortfall": _(
            "%(mark)s %(n)s tolerated: above the minimum, below what is desired; a chance, no defect"
        ),
        "ranked_by_perception": _("%(n)s cells by mean perception"),
        "no_defect_shown": "",
        "suppressed": "",
    }[status] % values


def without_defect(names: Names) -> str:
    """The cells where no defect is shown, in one sentence; empty when there are none."""
    found = of_status(names, "no_defect_shown")
    if not found:
        return ""
    cells = [
        _("%(cell)s %(gap)s (n %(n)s)")
        % {"cell": names.cells[defect.cell], "gap": signed(defect.gap.value), "n": count(defect.gap.n)}
        for defect in found
    ]
    values = {
        "mark": MARKS["no_defect_shown"],
        "cells": _("; ").join(cells),
        "limit": signed(-names.delta),
        "level": level(names.report.thresholds.noninferiority_level),
    }
    return (
        _("%(mark)s No defect shown: %(cells)s. The lower limit of the %(level)s interval stays above %(limit)s.")
        % values
    )


def suppressed(names: Names) -> str:
    """The hidden cells by name, with the reason; empty when there are none."""
    found = of_status(names, "suppressed")
    if not found:
        return ""
    return _(
        "%(mark)s Not shown: %(cells)s. Either fewer than %(floor)s answered, or the cell is hidden so that another "
        "one cannot be worked out."
    ) % {
        "mark": MARKS["suppressed"],
        "cells": _("; ").join(names.cells[defect.cell] for defect in found),
        "floor": names.floor,
    }


def items_title(names: Names) -> str:
    """The finding of the items chart."""
    order = [item for item in sorted_items(names.report, names.layout) if not names.is_hidden(item)]
    if not order:
        return _("All items have too few answers")
    worst = {
        "item": names.touchpoints[order[0]],
        "gap": names.number(names.report.gaps.items[order[0]]),
        "all": len(order),
    }
    if names.format == "perception_only":
        return _("Lowest of %(all)s items: %(item)s (%(gap)s)") % worst
    sure = sum(status == "confirmed" for defect in names.report.defects for status in defect.item_status.values())
    if sure:
        return _("%(n)s of %(all)s items confirmed to fall short; the lowest: %(item)s (%(gap)s)") % (
            worst | {"n": sure}
        )
    return _("No item is confirmed to fall short; the lowest of %(all)s: %(item)s (%(gap)s)") % worst


def items_note(names: Names) -> str:
    """How to read the items chart."""
    m = {"m": names.report.meta.points}
    if names.format == "perception_only":
        return _("Filled = perception, scale 1 to %(m)s, with the interval at the right.") % m
    if names.format == "three_column":
        return (
            _(
                "Sorted by perception − minimum. Tick = minimum, hollow = desired, filled = perception, "
                "scale 1 to %(m)s. ● confirmed, ○ not shown, · not tested (items are tested only inside "
                "confirmed cells)."
            )
            % m
        )
    return (
        _(
            "Sorted by gap. Hollow = expectation, filled = perception, scale 1 to %(m)s. "
            "● confirmed, ○ not shown, · not tested (items are tested only inside confirmed cells)."
        )
        % m
    )


def radar_title(names: Names) -> str:
    """The finding of the radar."""
    worst = lowest(names, names.report.gaps.dimensions)
    if worst is None:
        return _("The dimensions have too few answers")
    where = {"dimension": names.dimensions[worst[0]], "gap": names.number(names.report.gaps.dimensions[worst[0]])}
    if worst[1] and below_zero(names, names.report.gaps.dimensions[worst[0]]):
        return _("%(dimension)s falls short most of the dimensions (%(gap)s)") % where
    if worst[1]:
        return _("Lowest of the dimensions: %(dimension)s (%(gap)s)") % where
    return _("Lowest by the estimate: %(dimension)s (%(gap)s), not clear of the next") % where


def radar_note(names: Names) -> str:
    """How to read the radar."""
    m = {"m": names.report.meta.points, "delta": decimal(names.delta)}
    if names.format == "perception_only":
        return _("Filled = perception; axes 1 to %(m)s.") % m
    if names.format == "three_column":
        return _("Hollow = desired, filled = perception, axes 1 to %(m)s. Grey band: minimum to desired.") % m
    return (
        _(
            "Hollow = expectation, filled = perception, axes 1 to %(m)s. Grey band: up to %(delta)s points below "
            "expectation, the tolerance of a two-column survey."
        )
        % m
    )


def what_would_tell(defect: Defect) -> str:
    """What an undecided cell needs."""
    needed = defect.n_needed
    if needed.value is None:
        return _("Too close to the limit to plan for: watch the next wave")
    tens = max(1, math.ceil((needed.value - defect.gap.n) / 10))
    return _("About %(n)s more answers would tell, if the gap is what it looks like") % {"n": count(10 * tens)}


def certainty(defect: Defect) -> str:
    """n and the q value of the test behind the status, and the status in branches in general where it differs."""
    q = defect.q_nil if defect.status == "probable" else defect.q_minimum_effect
    told = _("n %(n)s") % {"n": count(defect.gap.n)}
    if q.value is not None:
        told = _("n %(n)s, q %(q)s") % {
            "n": count(defect.gap.n),
            "q": pvalue(q.value).replace("< ", "<\u00a0"),
        }
    other = defect.by_branch
    if other is None or other.status == defect.status:
        return told
    return _("%(told)s; in branches in general: %(status)s") % {"told": told, "status": status_word(other.status)}


def in_general(defect: Defect) -> str:
    """The same cell in branches in general; empty where branches are not known."""
    other = defect.by_branch
    if other is None or other.gap.low is None:
        return ""
    return _(
        "In branches in general, of which these are %(n)s: %(status)s (%(level)s interval %(span)s). Answers of one "
        "branch go together; the figures above hold for the branches that took part."
    ) % {
        "n": count(other.branches),
        "status": status_word(other.status),
        "level": level(other.gap.level),
        "span": span(other.gap),
    }
