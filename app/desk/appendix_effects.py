"""What drives satisfaction, and the importance charts."""

from __future__ import annotations

from analysis.driving.ipa import Ipa
from analysis.driving.shares import DriverSet
from analysis.driving.surface import ResponseSurface
from analysis.results import Statistic
from app.desk.appendix_charts import drivers_chart, ipa_chart, main_set, stated
from app.desk.appendix_parts import Column, Given, P, Point, Section, Table, build, column, ranged, third, why
from app.desk.appendix_words import Terms, quadrant_words, yes_no
from app.desk.report_words import joined, level, share
from app.words import _, count, decimal, signed


def drivers(terms: Terms) -> Section:
    """Shares, coefficients, and the shape of the effect."""
    found = terms.research.driving
    tables = [_set(terms, one) for one in found.sets]
    if found.contrast:
        tables.append(_contrast(terms))
    if found.surface is not None:
        tables += [_surface(terms, found.surface), _coefficients(terms, found.surface)]
    if found.ordered is not None:
        tables.append(_ordered(terms))
    return Section(
        "drivers",
        _("Drivers"),
        _sentence(terms),
        (
            _(
                "All of this is association, not proof of cause. Coefficients have HC3 intervals; shares of R² are "
                "averaged over all orders (LMG; Johnson's relative weights above ten predictors), with bootstrap "
                "intervals. A share in per cent carries no interval."
            ),
            _(
                "Penalty-reward contrast: a basic factor harms when it is low and hardly helps when it is high, an "
                "excitement factor the other way round."
            ),
        )
        if found.sets
        else (),
        tuple(table for table in tables if table.rows),
        drivers_chart(terms),
        _points(terms),
    )


def _predictors(name: str) -> str:
    return {
        "dimensions_perception": _("dimensions, perception"),
        "dimensions_gap": _("dimensions, gap"),
        "stages_perception": _("stages, perception"),
        "cells_perception": _("cells, perception"),
    }.get(name, name)


def _first(terms: Terms) -> tuple[DriverSet, list[str]] | None:
    """The main set with its strongest drivers, the first and those that cannot be told from it."""
    one = main_set(terms)
    if one is None or one.r2.value is None:
        return None
    known = {name: driver.share for name, driver in one.drivers.items() if driver.share.value is not None}
    if not known:
        return None
    order = sorted(known, key=lambda name: (-(known[name].value or 0), name))
    first = known[order[0]]
    beside = [name for name in order if _near(known[name], first)]
    return one, [terms.predictor(name) for name in beside]


def _near(one: Statistic, first: Statistic) -> bool:
    """Whether its interval reaches the first one's share."""
    return one is first or (one.high is not None and first.value is not None and one.high >= first.value)


def _sentence(terms: Terms) -> str:
    found = _first(terms)
    if found is None:
        one = main_set(terms)
        return _("What drives satisfaction cannot be told: %(why)s.") % {"why": why(one.r2 if one else None)}
    one, names = found
    words = _("The dimensions account for %(r2)s of the variance of %(outcome)s (n %(n)s). %(leaders)s") % {
        "r2": share(one.r2.value),
        "outcome": terms.outcome(one.outcome),
        "n": count(one.n),
        "leaders": _leaders(names, len(one.drivers)),
    }
    summary = _summary(terms.research.driving.surface)
    return _("%(first)s %(second)s") % {"first": words, "second": summary} if summary else words


def _leaders(names: list[str], number: int) -> str:
    if len(names) == 1:
        return _("%(name)s has the largest share.") % {"name": names[0]}
    if len(names) == number:
        return _("Their shares cannot be told apart.")
    return _("The largest shares, not to be told apart: %(names)s.") % {"names": joined(names)}


def _summary(surface: ResponseSurface | None) -> str:
    if surface is None:
        return ""
    return {
        "adequate": _("The difference score is an adequate summary here."),
        "not_adequate": _("The difference score is not an adequate summary here: read perception and expectation too."),
        "not_identified": _("Whether the difference score is an adequate summary cannot be told here."),
    }[surface.summary]


def _points(terms: Terms) -> tuple[Point, ...]:
    made = []
    surface = terms.research.driving.surface
    if surface is not None:
        marks = {"adequate": "good", "not_adequate": "caution", "not_identified": "open"}
        mark = marks[surface.summary]
        made.append(Point("good" if mark == "good" else "caution" if mark == "caution" else "open", _summary(surface)))
    found = _first(terms)
    if found is None:
        one = main_set(terms)
        words = _("What drives satisfaction cannot be told: %(why)s.") % {"why": why(one.r2 if one else None)}
        made.append(Point("open", words))
        return tuple(made)
    one, names = found
    if len(names) == len(one.drivers):
        words = _("Every dimension is tied to satisfaction; none clearly more than the others.")
    else:
        words = _("Most closely tied to satisfaction: %(names)s. This is association, not proof of cause.")
    made.append(Point("good", words % {"names": joined(names)}))
    return tuple(made)


def _set(terms: Terms, one: DriverSet) -> Table:
    rows: list[tuple[str, list[Given]]] = []
    for name, driver in one.drivers.items():
        values: list[Given] = [driver.beta, driver.correlation, driver.share, driver.share_percent]
        beta = driver.beta.flagged("suppressed") if driver.suppressed else driver.beta
        values = [beta, *values[1:], driver.relative_weight, yes_no(driver.beats_noise), driver.vif]
        rows.append((terms.predictor(name), values))
    heads = (
        ranged(_("Coefficient (HC3)"), signed),
        Column("r", signed),
        ranged(_("Share of R²"), third),
        Column(_("Share, %"), _tenth),
        Column(_("Relative weight"), third),
        Column(_("Beats noise")),
        Column("VIF"),
    )
    note = _("R² %(r2)s, adjusted %(adjusted)s, n %(n)s.") % {
        "r2": _with_interval(one.r2),
        "adjusted": _with_interval(one.adjusted_r2),
        "n": count(one.n),
    }
    if one.agree is not None:
        note += " " + (
            _("LMG and relative weights agree.") if one.agree else _("LMG and relative weights differ: read both.")
        )
    note = " ".join([note, *(terms.caution(flag) + _(".") for flag in one.flags)])
    caption = _("%(outcome)s on %(predictors)s") % {
        "outcome": terms.outcome(one.outcome),
        "predictors": _predictors(one.predictors),
    }
    main = one is main_set(terms)
    return build(terms, caption, _("Predictor"), heads, rows, folded=not main, note=note)


def _with_interval(stat: Statistic) -> str:
    """A share of variance with its interval, in a sentence."""
    if stat.low is None or stat.high is None:
        return third(stat.value)
    return _("%(value)s (%(level)s interval %(low)s to %(high)s)") % {
        "value": third(stat.value),
        "level": level(stat.level),
        "low": third(stat.low),
        "high": third(stat.high),
    }


def _tenth(value: float | None) -> str:
    return decimal(value, 1)


def _contrast(terms: Terms) -> Table:
    words = {
        "basic": _("basic factor"),
        "performance": _("performance factor"),
        "excitement": _("excitement factor"),
        "wrong_sign": _("sign against the theory: no label"),
        "unclear": _("unclear"),
        "too_few": _("too few low or high ratings"),
    }
    rows = [
        (terms.predictor(name), (words[one.label], one.penalty, one.reward, one.range, one.asymmetry))
        for name, one in terms.research.driving.contrast.items()
    ]
    heads = (
        Column(_("Kind")),
        ranged(_("Penalty"), signed),
        ranged(_("Reward"), signed),
        ranged(_("Range")),
        ranged(_("Asymmetry"), signed),
    )
    sizes = [one.penalty.n for one in terms.research.driving.contrast.values()]
    note = _("Asymmetry runs from −1 (all penalty) to +1 (all reward). n %(n)s.") % {"n": count(max(sizes, default=0))}
    return build(terms, _("Penalty-reward contrast"), _("Dimension"), heads, rows, note=note)


def _surface(terms: Terms, one: ResponseSurface) -> Table:
    rows: list[tuple[str, list[Given]]] = [
        (_("a1: slope where P = E"), [one.a1]),
        (_("a2: curvature where P = E"), [one.a2]),
        (_("a3: slope where P = −E"), [one.a3]),
        (_("a4: curvature where P = −E"), [one.a4]),
        (_("R² of the surface"), [one.r2]),
        (_("R² of the difference score"), [one.r2_difference]),
        (_("F of the four constraints"), [one.f]),
        (_("Slope of the first principal axis"), [one.axis_slope]),
        (_("Share clearly below expectation"), [one.below]),
        (_("Share clearly above expectation"), [one.above]),
    ]
    note = _summary(one)
    if one.p.value is not None:
        note += " " + _("Test of the four constraints: p %(p)s.") % {"p": P.form(one.p.value)}
    if one.stationary is not None:
        at, beside = (signed(value) for value in one.stationary)
        note += " " + _("The surface is level at P %(p)s, E %(e)s from the middle of the scale.") % {
            "p": at,
            "e": beside,
        }
    elif one.stationary_reason == "off_scale":
        note += " " + _("Within the range of the ratings the surface is nowhere level.")
    caption = _("Response surface of satisfaction on perception and expectation")
    return build(terms, caption, _("Quantity"), (column(_("Value"), third),), rows, note=note)


def _coefficients(terms: Terms, one: ResponseSurface) -> Table:
    return build(
        terms,
        _("Coefficients of the response surface"),
        _("Term"),
        (column(_("Coefficient (HC3)"), _third_signed),),
        ((name, (stat,)) for name, stat in one.coefficients.items()),
        folded=True,
    )


def _third_signed(value: float | None) -> str:
    return signed(value, 3)


def _ordered(terms: Terms) -> Table:
    one = terms.research.driving.ordered
    assert one is not None
    note = ""
    if one.mcfadden.value is not None:
        note = _("McFadden's R² %(r2)s; test of proportional odds (Brant): p %(p)s.") % {
            "r2": decimal(one.mcfadden.value, 3),
            "p": P.form(one.p_proportional.value) if one.p_proportional.value is not None else why(one.p_proportional),
        }
    return build(
        terms,
        _("Ordered logit of %(outcome)s on the dimensions") % {"outcome": terms.outcome(one.outcome)},
        _("Dimension"),
        (column(_("Odds ratio")),),
        ((terms.predictor(name), (stat,)) for name, stat in one.odds.items()),
        folded=True,
        note=note,
    )


# -- importance-performance ------------------------------------------------------------------------------------------


def performance(terms: Terms) -> Section:
    """Importance-performance analysis of the dimensions."""
    found = terms.research.driving
    tables = [_ipa(terms, one) for one in found.ipa]
    if found.stated_derived:
        tables.append(_stated(terms))
    return Section(
        "performance",
        _("Importance-performance"),
        _ipa_sentence(terms),
        (
            importance_source(terms),
            _(
                "Where a point lies depends on where the cross-hairs stand; a point whose interval crosses a "
                "line is borderline and is not classified."
            ),
        )
        if found.ipa
        else (),
        tuple(table for table in tables if table.rows),
        ipa_chart(terms),
    )


def importance_source(terms: Terms) -> str:
    """Where the importance on the charts comes from."""
    if stated(terms):
        return _("Importance is what customers said: the points of 100 they gave to each dimension.")
    return _("Importance is derived: the part of each dimension, of 100, in what is tied to satisfaction.")


def variant_word(variant: str) -> str:
    """Where the cross-hairs of a chart stand."""
    return {
        "data_centred": _("cross-hairs at the means"),
        "scale_centred": _("cross-hairs at the middle of the scale"),
        "gap": _("gap in place of performance"),
        "diagonal": _("diagonal of equal priority"),
    }.get(variant, variant)


def _ipa_sentence(terms: Terms) -> str:
    one = next((one for one in terms.research.driving.ipa if one.variant == "data_centred"), None)
    known = {name: point.quadrant for name, point in one.points.items()} if one else {}
    if not any(quadrant != "undefined" for quadrant in known.values()):
        return _("Importance and performance cannot be set against each other: importance cannot be told.")
    where = [terms.predictor(name) for name, quadrant in known.items() if quadrant == "concentrate"]
    if where:
        return _("Important and below the mean in performance: %(names)s.") % {"names": joined(where)}
    sure = [quadrant for quadrant in known.values() if quadrant not in ("borderline", "undefined")]
    if not sure:
        return _("Every dimension is borderline: none lies clearly on one side of the means.")
    return _("No dimension is clearly both important and low in performance.")


def _ipa(terms: Terms, one: Ipa) -> Table:
    words = quadrant_words()
    diagonal = one.variant == "diagonal"
    form = signed if one.variant == "gap" else decimal
    heads = [ranged(_("Performance"), form), column(_("Importance, of 100"), _tenth)]
    heads.append(Column(_("Distance above the diagonal")) if diagonal else Column(_("Quadrant")))
    rows: list[tuple[str, list[Given]]] = []
    for name, point in one.points.items():
        last = signed(point.priority) if diagonal else words[point.quadrant]
        rows.append((terms.predictor(name), [point.performance, point.importance, last]))
    caption = _("Importance-performance analysis: %(variant)s") % {"variant": variant_word(one.variant)}
    note = ""
    if one.cross is not None:
        note = _("Cross-hairs: performance %(x)s, importance %(y)s.") % {
            "x": form(one.cross[0]),
            "y": _tenth(one.cross[1]),
        }
    return build(terms, caption, _("Dimension"), heads, rows, folded=one.variant != "data_centred", note=note)


def _stated(terms: Terms) -> Table:
    words = {
        "hidden": _("hidden driver: matters more than customers say"),
        "lip_service": _("lip service or a basic factor: customers say it matters more than it shows"),
        "both": _("important both ways"),
        "neither": _("important neither way"),
        "undefined": _("cannot be told"),
    }
    return build(
        terms,
        _("Stated beside derived importance"),
        _("Dimension"),
        (Column(_("Kind")),),
        ((terms.predictor(name), (words[kind],)) for name, kind in terms.research.driving.stated_derived.items()),
    )
