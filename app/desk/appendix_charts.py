"""The charts of the statistical appendix with their headings, in the reader's language; their twins are the tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from analysis import figure_appendix as draw
from analysis.driving.shares import DriverSet
from analysis.figure_style import Figure, Width
from app.desk.appendix_parts import Figured
from app.desk.appendix_words import Terms, quadrant_words
from app.desk.report_tables import Chart
from app.desk.report_words import joined, level, share
from app.words import _, count, decimal

WIDTHS: tuple[Width, ...] = ("wide", "medium", "narrow")


def figured(name: str, title: str, note: str, figure: Callable[[Width], Figure | None]) -> Figured | None:
    figures = {width: made for width in WIDTHS if (made := figure(width)) is not None}
    return Figured(Chart(name, figures, title), title, note) if figures else None


def _score_axis(terms: Terms) -> str:
    if terms.plain_scores:
        return _("mean perception (points)")
    return _("P − minimum (points)") if terms.format == "three_column" else _("gap, perception − expectation (points)")


def funnel_chart(terms: Terms) -> Figured | None:
    """Branches in the funnel."""
    found = terms.research.branches.get("overall")
    if found is None:
        return None
    odd = [name for name, one in found.branches.items() if one.place not in ("inside", "no_funnel")]
    words = {"n": _("n"), "n_axis": _("answers of the branch"), "y_axis": _score_axis(terms)}
    return figured(
        "funnel",
        _("Outside the limits: %(names)s") % {"names": joined(odd)} if odd else _("All branches lie inside the limits"),
        _(
            "Funnel plot, mean of the dimensions; n %(n)s in %(branches)s branches. Full line: mean; dashed: %(inner)s "
            "limits; dotted: "
            "%(outer)s limits; grey bar: to the shrunken mean"
        )
        % {
            "n": count(sum(one.raw.n for one in found.branches.values())),
            "branches": len(found.branches),
            "inner": share(terms.thresholds.level),
            "outer": share(terms.thresholds.funnel_outer, 1),
        },
        lambda width: draw.funnel(found, words, not terms.plain_scores, width),
    )


def control_chart(terms: Terms) -> Figured | None:
    """The course of the wave."""
    found = terms.research.trend
    if found.chart is None:
        return None
    names = [date.fromordinal(one.first_day).isoformat() for one in found.periods if one.mean.value is not None]
    signals = len({one.at for one in found.chart.signals})
    words = {
        "x_axis": _("first day of the week") if found.length > 1 else _("day"),
        "y_axis": _score_axis(terms),
    }
    return figured(
        "control",
        _("Signals in %(n)s of %(all)s periods") % {"n": signals, "all": len(names)}
        if signals
        else _("No signal in %(all)s periods") % {"all": len(names)},
        _(
            "Control chart, mean of the dimensions; n %(n)s. Full line: centre; dashed: limits; grey: EWMA; "
            "diamond: signal"
        )
        % {"n": count(sum(one.mean.n for one in found.periods))},
        lambda width: draw.control(found, names, words, not terms.plain_scores, width),
    )


def ipa_chart(terms: Terms) -> Figured | None:
    """Importance and performance, cross-hairs at the means."""
    found = next((one for one in terms.research.driving.ipa if one.variant == "data_centred"), None)
    if found is None:
        return None
    where = [terms.predictor(name) for name, one in found.points.items() if one.quadrant == "concentrate"]
    names = {name: terms.predictor(name) for name in found.points}
    axes = {
        "x_axis": _("performance: mean perception (points)"),
        "y_axis": _("stated importance (points of 100)") if stated(terms) else _("derived importance (of 100)"),
    }
    sizes = [one.performance.n for one in found.points.values()]
    return figured(
        "ipa",
        _("Concentrate on: %(names)s") % {"names": joined(where)}
        if where
        else _("No dimension is clearly both important and low"),
        _(
            "Importance-performance chart; crosses are %(level)s intervals, grey points are borderline; "
            "cross-hairs at the "
            "means; n from %(n)s"
        )
        % {"level": level(terms.thresholds.level), "n": count(min(sizes, default=0))},
        lambda width: draw.importance_performance(found, names, quadrant_words() | axes, width),
    )


def stated(terms: Terms) -> bool:
    """Whether the importance on the charts is what customers said, not what is derived from satisfaction."""
    points = [point for one in terms.research.driving.ipa for point in one.points.values()]
    known = [point.importance for point in points if point.importance.value is not None]
    return bool(known) and all(one.method != "derived share" for one in known)


def main_set(terms: Terms) -> DriverSet | None:
    """The set of predictors that the sentences are about."""
    sets = terms.research.driving.sets
    return next((one for one in sets if one.predictors == "dimensions_perception"), None)


def drivers_chart(terms: Terms) -> Figured | None:
    """Shares of the drivers."""
    found = main_set(terms)
    if found is None or found.r2.value is None:
        return None
    names = {name: terms.predictor(name) for name in found.drivers}
    words = {"x_axis": _("share of R², with interval")}
    known = {name: one.share.value for name, one in found.drivers.items() if one.share.value is not None}
    if not known:
        return None
    first = max(known, key=lambda name: known[name])
    return figured(
        "drivers",
        _("Largest estimated share: %(name)s") % {"name": terms.predictor(first)},
        _("Shares of the R² of %(outcome)s (R² %(r2)s, n %(n)s); overlapping intervals cannot be told apart")
        % {"outcome": terms.outcome(found.outcome), "r2": decimal(found.r2.value), "n": count(found.n)},
        lambda width: draw.drivers(found, names, words, width),
    )


def scree_chart(terms: Terms) -> Figured | None:
    """Eigenvalues of perception beside chance."""
    found = terms.research.exploratory.get("perception")
    if found is None or found.count.factors.value is None:
        return None
    words = {
        "x_axis": _("factor"),
        "y_axis": _("eigenvalue (logarithmic)"),
        "observed": _("full line: observed"),
        "limit": _("dashed: limit of chance"),
    }
    number = decimal(found.count.factors.value, 0)
    return figured(
        "scree",
        _("Factors above the limit of chance: %(n)s") % {"n": number},
        _("Scree plot of perception with parallel analysis (%(draws)s draws, n %(n)s)")
        % {"draws": count(found.count.draws), "n": count(found.n)},
        lambda width: draw.scree(found.count, words, width),
    )
