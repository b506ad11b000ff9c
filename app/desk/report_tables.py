"""The report's tables: the twin of each chart, the levels, reliability and thresholds, as text ready to print."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from analysis.defects import Status
from analysis.figures import Figure, Width, shown, sorted_items
from analysis.gaps import Equivalence, GapTests
from analysis.reliability import ReliabilitySet, ScaleReliability
from analysis.report import Distribution
from analysis.results import Statistic
from analysis.thresholds import Thresholds
from app.desk.report_words import Names, level, marked, reason, share, span, status_word
from app.words import _, count, decimal, pvalue, signed

Form = Callable[[float | None], str]


@dataclass(frozen=True)
class Row:
    """One line: a heading and its figures; `cell` is the defect it opens, if any."""

    head: str
    values: tuple[str, ...]
    cell: str | None = None


@dataclass(frozen=True)
class Table:
    """A table as text; the first of `columns` stands over the headings."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Chart:
    """A chart with its twin: one JSON figure per width, a sentence for those who cannot see it, the table."""

    id: str
    figures: dict[Width, Figure]
    said: str
    twin: Table | None = None


@dataclass(frozen=True)
class Fact:
    """A figure of the opened defect: what, how much, and the words below."""

    term: str
    value: str
    small: str
    short: bool = False


def cell_text(stat: Statistic | None, form: Form = decimal) -> str:
    """A statistic in a table: its value, or the sentence that says why it has none."""
    if stat is None:
        return "–"
    return form(stat.value) if stat.value is not None else reason(stat)


def unbroken(text: str) -> str:
    """An interval that stays on one line of its narrow column."""
    return text.replace(" ", "\u00a0")


def equivalence_text(test: Equivalence) -> str:
    """Whether a mean gap is shown to be within the smallest one that matters, with its p."""
    if test.shown is None:
        return reason(test.p)
    words = _("yes, p %(p)s") if test.shown else _("not shown, p %(p)s")
    return words % {"p": pvalue(test.p.value)}


def _visible(names: Names, name: str, tests: GapTests) -> bool:
    return not names.is_hidden(name) and shown(names.report, tests).value is not None


def _columns(names: Names) -> list[tuple[str, Callable[[GapTests], str]]]:
    """Columns that every level shares, by format: heading and what stands under it."""
    spans = level(names.report.thresholds.level)
    interval = _("%(level)s interval") % {"level": spans}

    def main(tests: GapTests) -> Statistic:
        return shown(names.report, tests)

    if names.format == "perception_only":
        return [
            (_("Mean"), lambda t: cell_text(t.perception)),
            (interval, lambda t: unbroken(span(t.perception, True))),
            (_("n"), lambda t: count(t.perception.n)),
        ]
    levels: list[tuple[str, Callable[[GapTests], str]]] = [
        (_("Desired") if names.format == "three_column" else _("E"), lambda t: cell_text(t.expectation)),
        (_("P"), lambda t: cell_text(t.perception)),
    ]
    if names.format == "three_column":
        levels.insert(0, (_("Minimum"), lambda t: cell_text(t.minimum)))
        levels.append((_("P − desired"), lambda t: cell_text(t.gap, signed)))
    head = _("P − minimum") if names.format == "three_column" else _("Gap")
    return [
        *levels,
        (head, lambda t: cell_text(main(t), signed)),
        (interval, lambda t: unbroken(span(main(t)))),
        (_("n"), lambda t: count(main(t).n)),
    ]


def _row(
    names: Names,
    name: str,
    head: str,
    tests: GapTests,
    columns: Iterable[Callable[[GapTests], str]],
    cell: str | None = None,
) -> Row:
    """A row; of a hidden part only the name and the reason."""
    columns = tuple(columns)
    if not _visible(names, name, tests):
        stat = shown(names.report, tests)
        why = reason(stat.hidden() if names.is_hidden(name) else stat)
        return Row(head, (why, *("–" for _column in columns[1:])))
    return Row(head, tuple(column(tests) for column in columns), cell)


def map_table(names: Names) -> Table:
    """The twin of the defect map, with the totals."""
    columns = _columns(names)
    status = {defect.cell: defect.status for defect in names.report.defects}
    forms = [form for _head, form in columns]
    rows = []
    for cell in names.layout.cells:
        if cell in names.report.gaps.cells:
            row = _row(names, cell, names.cells[cell], names.report.gaps.cells[cell], forms, cell)
            word = marked(status[cell]) if cell in status else "–"
            rows.append(Row(row.head, (word, *row.values), row.cell))
    totals = [(names.stages[name], tests) for name, tests in names.report.gaps.stages.items()]
    if names.layout.stages:
        totals += [(names.dimensions[name], tests) for name, tests in names.report.gaps.dimensions.items()]
    for head, tests in [*totals, (_("All (mean of the dimensions)"), names.report.gaps.overall)]:
        row = _row(names, "", head, tests, forms)
        rows.append(Row(row.head, ("–", *row.values)))
    heads = (_("Cell"), _("Status"), *(head for head, _form in columns))
    return Table(_("Defect map"), heads, tuple(rows))


def items_table(names: Names) -> Table:
    """The twin of the items chart."""
    columns = _columns(names)
    cell_of = {names.layout.items[j]: cell for cell, places in names.layout.cell_items.items() for j in places}
    item_status = {item: status for defect in names.report.defects for item, status in defect.item_status.items()}
    rows = []
    for item in sorted_items(names.report, names.layout):
        cell = cell_of[item]
        row = _row(
            names, item, names.items[item], names.report.gaps.items[item], [form for _head, form in columns], cell
        )
        word = marked(item_status[item]) if item in item_status and row.cell else "–"
        rows.append(Row(row.head, (names.cells[cell], *row.values, word), row.cell))
    heads = (_("Item"), _("Cell"), *(head for head, _form in columns), _("Status"))
    return Table(_("Items"), heads, tuple(rows))


def levels_table(names: Names, parts: dict[str, GapTests], called: dict[str, str], caption: str) -> Table:
    """Dimensions or stages in full: levels, gap, interval, effect sizes, adjusted p."""
    columns = _columns(names)
    extra: list[tuple[str, Callable[[GapTests], str]]] = []
    if names.format != "perception_only":
        extra = [
            (_("p (Holm)"), lambda t: cell_text(t.p_holm, pvalue)),
            ("d_z", lambda t: cell_text(t.d_z, signed)),
            ("g_av", lambda t: cell_text(t.g_av, signed)),
            (_("interval of g_av"), lambda t: unbroken(span(t.g_av))),
            (
                (
                    _("Within ±%(delta)s of what is desired")
                    if names.format == "three_column"
                    else _("Within ±%(delta)s of expectation")
                )
                % {"delta": decimal(names.report.thresholds.delta(names.report.meta.points))},
                lambda t: unbroken(equivalence_text(t.equivalence)),
            ),
        ]
    forms = [form for _head, form in (*columns, *extra)]
    weighted = any(name in names.weights for name in parts)
    rows = []
    for name, tests in parts.items():
        row = _row(names, name, called[name], tests, forms)
        weight = (names.report.importance.dimension_weights | names.report.importance.stage_weights).get(name)
        value = share(weight.value / 100) if weight and weight.value is not None else "–"
        rows.append(Row(row.head, (*row.values, value) if weighted else row.values))
    heads = (caption, *(head for head, _form in (*columns, *extra)), *((_("Weight"),) if weighted else ()))
    return Table(caption, heads, tuple(rows))


def answers_table(names: Names, distribution: Distribution, caption: str) -> Table:
    """The twin of the answers chart: counts per scale point."""
    columns = [
        (names.labels.words["expected"], distribution.reference),
        (names.labels.words["minimum"], distribution.minimum),
        (names.labels.words["got"], distribution.perception),
    ]
    kept = [(head, counts) for head, counts in columns if counts is not None]
    rows = tuple(
        Row(str(point + 1), tuple(count(counts[point]) for _head, counts in kept))
        for point in reversed(range(len(distribution.perception)))
    )
    left = (
        Row(_("not applicable"), (*("–" for _column in kept[1:]), count(distribution.not_applicable))),
        Row(_("left blank"), (*("–" for _column in kept[1:]), count(distribution.blank))),
    )
    return Table(caption, (_("Score"), *(head for head, _counts in kept)), (*rows, *left))


def differences_table(tests: GapTests, caption: str) -> Table:
    """The twin of the histogram of differences."""
    rows = tuple(Row(signed(value, 0), (count(number),)) for value, number in tests.differences)
    return Table(caption, (_("Difference"), _("Customers")), rows)


def importance_table(names: Names) -> Table:
    """How much each cell matters, and by which source."""
    importance = names.report.importance
    sources = [
        (_("Customers' points"), importance.stated),
        (_("Tied to satisfaction"), importance.derived),
        (_("Used"), importance.blended),
    ]
    kept = [(head, values) for head, values in sources if values]
    rows = tuple(
        Row(
            names.cells[cell],
            tuple(share(values.get(cell), 1) for _head, values in kept),
            None if names.is_hidden(cell) else cell,
        )
        for cell in names.layout.cells
        if cell in importance.blended
    )
    return Table(_("Importance of the cells"), (_("Cell"), *(head for head, _values in kept)), rows)


def _scales(names: Names, group: ReliabilitySet) -> list[tuple[str, ScaleReliability]]:
    return [
        *((names.dimensions[name], scale) for name, scale in group.dimensions.items()),
        (_("All items"), group.total),
    ]


def column_words(names: Names) -> dict[str, str]:
    """The columns whose reliability is reported."""
    every = {"expectation": names.labels.words["expected"], "perception": names.labels.words["got"], "gap": _("Gap")}
    return {name: word for name, word in every.items() if name in names.report.reliability}


def alpha_table(names: Names) -> Table:
    """Alpha with its interval, for each column, by dimension and in all."""
    columns = column_words(names)
    found = {name: _scales(names, names.report.reliability[name]) for name in columns}
    if not found:
        return Table(_("Reliability (alpha)"), (_("Scale"),), ())
    first = next(iter(found.values()))
    rows = []
    for place, (head, _scale) in enumerate(first):
        values = []
        for scales in found.values():
            alpha = scales[place][1].alpha
            values += [_alpha_text(scales[place][1]), count(alpha.n)]
        rows.append(Row(head, tuple(values)))
    heads = [text for word in columns.values() for text in (word, _("n"))]
    return Table(_("Reliability (alpha)"), (_("Scale"), *heads), tuple(rows))


def _alpha_text(scale: ScaleReliability) -> str:
    """Alpha with its interval, or with the caution that takes the interval's place."""
    text = cell_text(scale.alpha)
    if "not_positive_definite" in scale.alpha.flags and scale.alpha.value is not None:
        caution = _("caution, too few answer the same items; complete cases %(alpha)s")
        return f"{text} ({caution % {'alpha': cell_text(scale.alpha_listwise)}})"
    return f"{text} ({span(scale.alpha, True)})" if scale.alpha.low is not None else text


def item_reliability_table(names: Names, column: str) -> Table:
    """Item-rest correlation and alpha without the item, within its dimension."""
    rows = []
    for scale in names.report.reliability[column].dimensions.values():
        for item, found in scale.items.items():
            if names.is_hidden(item):
                rows.append(Row(names.items[item], (reason(found.mean.hidden()), "–", "–", "–", "–")))
                continue
            values = (found.item_rest, found.alpha_if_dropped, found.mean, found.sd)
            rows.append(
                Row(names.items[item], (*(cell_text(stat) for stat in values), cell_text(found.ceiling, share)))
            )
    heads = (_("Item"), _("Item-rest r"), _("Alpha without it"), _("Mean"), _("SD"), _("At the top"))
    return Table(column_words(names)[column], heads, tuple(rows))


def sensitivity_table(names: Names) -> Table:
    """How many cells would have each status at another limit."""
    statuses: tuple[Status, ...] = ("confirmed", "probable", "inconclusive", "no_defect_shown")
    # Where a minimum was asked the limit is each customer's own, and there is no other to try.
    defects = [defect for defect in names.report.defects if defect.sensitivity and names.delta]
    keys = list(defects[0].sensitivity) if defects else []
    rows = []
    for key in keys:
        at = names.report.thresholds.scaled(float(key), names.report.meta.points)
        used = abs(at - names.delta) < 1e-9
        values = [sum(defect.sensitivity.get(key) == status for defect in defects) for status in statuses]
        head = _("%(limit)s (used)") % {"limit": decimal(at)} if used else decimal(at)
        rows.append(Row(head, tuple(str(value) for value in values)))
    return Table(
        _("If the limit were another"), (_("Limit"), *(status_word(status) for status in statuses)), tuple(rows)
    )


def threshold_words() -> dict[str, str]:
    """The thresholds that the report uses, by name: what each is for (the others are in `appendix_thresholds`)."""
    return {
        "level": _("Confidence level of intervals"),
        "noninferiority_level": _("Confidence level of the interval behind “no defect shown”"),
        "q": _("False discovery rate"),
        "delta7": _("Limit of a defect (delta), on seven points"),
        "display_floor": _("Shown and tested from (n)"),
        "confirm_floor": _("Confirmed from (n)"),
        "blank_share": _("Left out of composites above this share of blanks"),
        "weight_tolerance": _("Points by which a sum of 100 may miss"),
        "critical7": _("Critical gap, on seven points"),
        "major7": _("Major gap, on seven points"),
        "minor7": _("Minor gap, on seven points"),
        "zone_critical7": _("Critical, perception − minimum"),
        "zone_major7": _("Major, perception − minimum"),
        "zone_critical_share": _("Critical from this share below their minimum"),
        "inconsistent_share": _("Record dropped: minimum above desired, share of items"),
        "not_applicable_share": _("Record dropped: not applicable, share of items"),
        "ceiling_distance": _("Expectation at ceiling: distance to the top"),
        "ceiling_sd": _("Expectation at ceiling: SD below"),
        "ceiling_spearman": _("Note when gap and perception rank alike less than"),
        "derived_n": _("Importance from satisfaction: answers from"),
        "derived_r2": _("Importance from satisfaction: R² from"),
        "stated_share": _("Share of the customers' points in importance"),
        "lmg_predictors": _("Predictors up to which shares are averaged over orders"),
        "priority_level": _("Level of the bound that sorts the list"),
        "rank_draws": _("Draws for the rank interval"),
        "rank_seed": _("Seed of the draws"),
        "shortfall_points": _("Defective pair: perception this far below expectation"),
        "power": _("Power of a planned sample"),
        "plan_distance": _("No plan nearer to the limit than"),
        "item_rest": _("Item-rest correlation flagged below"),
        "alpha_rise": _("Item flagged when alpha rises by"),
        "alpha_group": _("Alpha guide, research"),
        "alpha_dimension": _("Alpha guide, reporting a dimension"),
        "alpha_redundant": _("Alpha flagged as redundant above"),
        "sensitivity7": _("Other limits tried, on seven points"),
    }


def thresholds_table(thresholds: Thresholds) -> Table:
    """The thresholds behind the report, as it was made."""
    rows = tuple(Row(word, (threshold_text(getattr(thresholds, name)),)) for name, word in threshold_words().items())
    return Table(_("Thresholds"), (_("Threshold"), _("Value")), rows)


def threshold_text(value: float | tuple[float, ...]) -> str:
    """A threshold, or several, to four figures."""
    many = value if isinstance(value, tuple) else (value,)
    return _(", ").join(str(part) if isinstance(part, int) else f"{part:.4g}".replace("-", "−") for part in many)
