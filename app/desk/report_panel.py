"""The opened defect below the ranked list."""

from __future__ import annotations

from dataclasses import dataclass, replace

from analysis.defects import Defect, Status
from analysis.figures import MARKS, Width, answers, differences, shown
from analysis.gaps import GapTests
from app.desk.report_context import Recommendation
from app.desk.report_list import bad_words, main_number, many_words, rank_words
from app.desk.report_sentences import certainty, in_general
from app.desk.report_tables import Chart, Fact, answers_table, differences_table
from app.desk.report_words import (
    Names,
    level,
    marked,
    reason,
    share,
    size,
    span,
    span_of_sizes,
    status_word,
)
from app.words import _, count, decimal, signed

WIDTHS: tuple[Width, ...] = ("medium", "narrow")


@dataclass(frozen=True)
class ItemView:
    """One item of the opened defect."""

    name: str
    gap: str
    note: str
    shares: tuple[str, str, str] | None
    answers: Chart | None
    differences: Chart | None


@dataclass(frozen=True)
class Panel:
    """The opened defect."""

    cell: str
    where: str
    place: str
    title: str
    facts: tuple[Fact, ...]
    items: tuple[ItemView, ...]
    strip: tuple[tuple[str, str], ...]
    recommendation: Recommendation | None
    recommendation_note: str
    halved: str
    more: tuple[str, ...]
    next_cell: str | None


def panel_title(names: Names, defect: Defect) -> str:
    """The finding of one cell."""
    gap = main_number(names, defect)
    values = {"where": names.cells[defect.cell], "points": size(gap.value), "gap": signed(gap.value)}
    three = names.format == "three_column"
    forms: dict[Status, str] = {
        "confirmed": _("%(where)s: %(points)s points below the minimum")
        if three
        else _("%(where)s falls short by %(points)s points"),
        "probable": _("%(where)s probably falls short: %(gap)s by the estimate"),
        "inconclusive": _("%(where)s: cannot be told yet (%(gap)s by the estimate)"),
        "no_defect_shown": _("%(where)s: no defect shown (%(gap)s)"),
        "tolerated_shortfall": _("%(where)s: above the minimum, below what is desired"),
        "ranked_by_perception": _("%(where)s: mean perception %(mean)s"),
        "suppressed": _("%(where)s: too few answers"),
    }
    return forms[defect.status] % (values | {"mean": decimal(gap.value)})


def facts(names: Names, defect: Defect) -> tuple[Fact, ...]:
    """The five figures under the title."""
    gap, bad = bad_words(names, defect)
    first = Fact(_("How bad"), gap, bad, defect.status in ("confirmed", "probable"))
    if names.format == "perception_only":
        return (first, Fact(_("How many"), share(defect.exposure.value), _("of customers met it")))
    many, met = many_words(names, defect)
    return (
        first,
        _how_many(names, defect, many, met),
        _how_much(names, defect),
        Fact(_("How sure"), marked(defect.status), certainty(defect)),
        _heard(defect),
    )


def _how_many(names: Names, defect: Defect, many: str, met: str) -> Fact:
    if defect.occurrence.value is None:
        return Fact(_("How many"), "–", many)
    words = (
        _("below their minimum, of %(met)s who met it; %(points)s points lost by those")
        if names.format == "three_column"
        else _("got less, of %(met)s who met it; %(points)s points lost by those")
    )
    return Fact(
        _("How many"),
        share(defect.occurrence.value),
        words % {"met": share(defect.exposure.value), "points": decimal(defect.severity_if_short.value)},
    )


def _how_much(names: Names, defect: Defect) -> Fact:
    if defect.priority.value is None:
        return Fact(_("How much it matters"), "–", reason(defect.priority))
    words = [rank_words(defect.rank), _("importance %(share)s") % {"share": share(defect.importance.value)}]
    if defect.p_top3.value is not None:
        words.append(
            _("among the first three in %(share)s of %(draws)s draws")
            % {"share": share(defect.p_top3.value), "draws": count(names.report.thresholds.rank_draws)}
        )
    return Fact(_("How much it matters"), decimal(defect.priority.value), _("; ").join(words))


def _heard(defect: Defect) -> Fact:
    silent = defect.silent_share
    if silent.value is None:
        return Fact(_("Not told to the bank"), "–", reason(silent))
    return Fact(
        _("Not told to the bank"),
        share(silent.value),
        _("of %(n)s customers with a problem in this stage did not say so") % {"n": count(silent.n)},
    )


def item_view(names: Names, defect: Defect, item: str) -> ItemView:
    """One item: its wording, numbers and two charts; of a hidden item only the reason."""
    tests = names.report.gaps.items.get(item)
    name = names.touchpoints[item]
    if tests is None or names.is_hidden(item) or shown(names.report, tests).value is None:
        why = reason(shown(names.report, tests)) if tests and not names.is_hidden(item) else _("too few answers")
        return ItemView(name, MARKS["suppressed"], why, None, None, None)
    distribution = names.report.distributions.get(item)
    chart = histogram = None
    if distribution:
        twin = answers_table(names, distribution, _("Answers: %(item)s") % {"item": name})
        said = _("Answers to “%(item)s” by scale point") % {"item": names.items[item]}
        drawn = {width: answers(distribution, tests, names.labels, width) for width in WIDTHS}
        chart = Chart(f"answers-{item}", drawn, said, twin)
    if names.format != "perception_only" and tests.differences:
        histogram = _histogram(names, item, tests)
    return ItemView(
        name, names.number(tests), _item_note(names, defect, item, tests), _shares(names, tests), chart, histogram
    )


def _shares(names: Names, tests: GapTests) -> tuple[str, str, str] | None:
    if names.format == "perception_only" or tests.share_below.value is None:
        return None
    below, equal, above = (share(stat.value) for stat in (tests.share_below, tests.share_equal, tests.share_above))
    if names.format == "three_column":
        return (
            _("%(share)s got less than desired") % {"share": below},
            _("%(share)s as desired") % {"share": equal},
            _("%(share)s more") % {"share": above},
        )
    return (
        _("%(share)s got less than expected") % {"share": below},
        _("%(share)s as expected") % {"share": equal},
        _("%(share)s more") % {"share": above},
    )


def _histogram(names: Names, item: str, tests: GapTests) -> Chart:
    points = names.report.meta.points
    said = _("Differences between perception and expectation for “%(item)s”") % {"item": names.items[item]}
    short = (
        _("perception − desired; bars count customers")
        if names.format == "three_column"
        else _("perception − expectation; bars count customers")
    )
    few_words = dict(names.labels.words) | {"differences": short}
    labels = {"narrow": replace(names.labels, words=few_words)}
    figures = {width: differences(tests, labels.get(width, names.labels), points, width) for width in WIDTHS}
    return Chart(
        f"differences-{item}",
        figures,
        said,
        differences_table(tests, _("Differences: %(item)s") % {"item": names.touchpoints[item]}),
    )


def _item_note(names: Names, defect: Defect, item: str, tests: GapTests) -> str:
    """Wording, interval, n, not applicable and the verdict within the cell."""
    stat = shown(names.report, tests)
    parts = [
        _("“%(wording)s”") % {"wording": names.items[item]},
        _("%(level)s CI %(span)s, n %(n)s")
        % {"level": level(stat.level), "span": span(stat, names.format == "perception_only"), "n": count(stat.n)},
    ]
    distribution = names.report.distributions.get(item)
    if distribution and distribution.not_applicable:
        asked = sum(distribution.perception) + distribution.not_applicable
        parts.append(_("not applicable %(share)s") % {"share": share(distribution.not_applicable / asked)})
    status = defect.item_status.get(item)
    if status:
        parts.append(_("%(mark)s %(word)s within the cell") % {"mark": MARKS[status], "word": status_word(status)})
    return _("; ").join(parts)


def halved(names: Names, defect: Defect) -> str:
    """What half the gap would go with."""
    change = defect.if_halved
    if change.reason == "not_tested":
        return _("There is no shortfall here that could be halved.")
    if change.value is None:
        return _("Not worked out: %(reason)s.") % {"reason": reason(change)}
    if change.value <= 0 or (change.low is not None and change.low <= 0):
        return _("No rise of satisfaction can be read from the data: %(change)s points (%(level)s CI %(span)s).") % {
            "change": signed(change.value),
            "level": level(change.level),
            "span": span(change),
        }
    return _(
        "Satisfaction would be expected to rise by %(change)s points (%(level)s CI %(span)s). An association, not a "
        "promise: it holds expectation fixed and reads from %(n)s answers of one wave."
    ) % {
        "change": size(change.value),
        "level": level(change.level),
        "span": span_of_sizes(change),
        "n": count(change.n),
    }


def _as_good(names: Names, defect: Defect) -> str:
    """That a cell is as good as expected, where that is shown; of a shortfall, however small, it is not said."""
    tests = names.report.gaps.cells.get(defect.cell)
    if tests is None or names.is_hidden(defect.cell) or not tests.equivalence.shown:
        return ""
    if defect.status in ("confirmed", "probable"):
        return ""
    found = tests.equivalence
    words = (
        _("As good as desired: the mean gap is shown to lie within ±%(delta)s points (%(level)s interval %(span)s).")
        if names.format == "three_column"
        else _(
            "As good as expected: the mean gap is shown to lie within ±%(delta)s points (%(level)s interval %(span)s)."
        )
    )
    return words % {
        "delta": decimal(found.delta),
        "level": level(found.difference.level),
        "span": span(found.difference),
    }


def _more(names: Names, defect: Defect) -> tuple[str, ...]:
    """Secondary figures in sentences."""
    found = [said for said in (in_general(defect), _as_good(names, defect)) if said]
    rate = defect.defects_per_million
    if rate.value is not None:
        said = (
            _(
                "Of a million rated pairs %(rate)s would be defective (%(level)s CI %(low)s to %(high)s): perception "
                "below the minimum."
            )
            if names.format == "three_column"
            else _(
                "Of a million rated pairs %(rate)s would be defective (%(level)s CI %(low)s to %(high)s): perception "
                "at least %(points)s points below expectation."
            )
        )
        found.append(
            said
            % {
                "rate": count(round(rate.value)),
                "level": level(rate.level),
                "low": count(rate.low),
                "high": count(rate.high),
                "points": names.report.thresholds.shortfall_points,
            }
        )
    if defect.expected_loss.value is not None:
        found.append(
            _("Expected loss: %(points)s points per customer.") % {"points": decimal(defect.expected_loss.value)}
        )
    return tuple(found)


def panel(names: Names, defect: Defect, listed: list[Defect], recommendation: Recommendation | None) -> Panel:
    """Everything about one cell."""
    cells = [other.cell for other in listed]
    place = cells.index(defect.cell) if defect.cell in cells else None
    after = cells[place + 1] if place is not None and place + 1 < len(cells) else None
    where = (
        _("No. %(place)s of %(all)s in the list") % {"place": place + 1, "all": len(cells)}
        if place is not None
        else marked(defect.status)
    )
    points = names.report.meta.points
    strip = tuple(
        (decimal(names.report.thresholds.scaled(float(key), points)), marked(status))
        for key, status in defect.sensitivity.items()
        if names.delta
    )
    known = recommendation if defect.status in ("confirmed", "probable", "inconclusive") else None
    note = "" if defect.status == "confirmed" else _("For the case that it is confirmed; no action is called for yet.")
    return Panel(
        defect.cell,
        names.cells[defect.cell],
        where,
        panel_title(names, defect),
        facts(names, defect),
        tuple(item_view(names, defect, item) for item in defect.items),
        strip,
        known,
        note,
        halved(names, defect),
        _more(names, defect),
        after,
    )
