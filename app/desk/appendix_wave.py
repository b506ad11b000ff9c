"""The wave: its course and precision, and how the numbers were made."""

from __future__ import annotations

from datetime import date

from analysis.sampling.nonresponse import EarlyLateScore
from app.desk.appendix_charts import control_chart
from app.desk.appendix_parts import (
    Column,
    Given,
    P,
    Point,
    Section,
    Table,
    build,
    column,
    ranged,
    simple,
    why,
)
from app.desk.appendix_words import Terms
from app.desk.report_words import joined, level, share, span
from app.desk.short_form import preview_rows
from app.words import _, count, day, decimal, signed


def course(terms: Terms) -> Section:
    """How the overall score went over the wave."""
    found = terms.research.trend
    tables = [_periods(terms), _sequences(terms)]
    return Section(
        "course",
        _("Course of the wave"),
        _course_sentence(terms),
        (
            _(
                "Control chart: single values with limits that allow for unequal numbers of answers (Laney); "
                "EWMA beside "
                "it. A signal is a reason to look for what happened in these days. The confidence sequence is valid "
                "however often one looks; the usual interval holds for a closed wave only."
            ),
        ),
        tuple(table for table in tables if table.rows),
        control_chart(terms) if found.chart is not None else None,
    )


def period_name(terms: Terms, first: int) -> str:
    """The day, or the first and last day of the period."""
    start = date.fromordinal(first)
    last = next(
        (date.fromordinal(one.last_day) for one in terms.research.trend.periods if one.first_day == first), start
    )
    return day(start) if start == last else f"{day(start)} – {day(last)}"


def _course_sentence(terms: Terms) -> str:
    found = terms.research.trend
    if found.chart is None:
        return _("The course of the wave cannot be drawn: too few periods that may be shown.")
    signals = len({signal.at for signal in found.chart.signals})
    words = (
        _("The control chart gives a signal in %(n)s of %(all)s periods.")
        if signals
        else _("The control chart gives no signal in %(all)s periods.")
    )
    state = _("The wave is closed.") if found.closed else _("The wave is open: read the confidence sequence.")
    return _("%(first)s %(second)s") % {
        "first": words % {"n": signals, "all": len(found.periods)},
        "second": state,
    }


def _periods(terms: Terms) -> Table:
    found = terms.research.trend
    rules = {
        "beyond": _("beyond a limit"),
        "one_side": _("eight on one side"),
        "near_limit": _("three of four near a limit"),
    }
    rows: list[tuple[str, list[Given]]] = []
    at = -1
    for period in found.periods:
        at += period.mean.value is not None
        drawn = found.chart is not None and period.mean.value is not None and at < len(found.chart.low)
        values: list[Given] = [period.mean]
        if found.chart is not None:
            told = dict.fromkeys(rules[signal.rule] for signal in found.chart.signals if signal.at == at)
            values += (
                [terms.score_text(found.chart.low[at]), terms.score_text(found.chart.high[at])] if drawn else ["–"] * 2
            )
            values += [joined(list(told)) or "–"] if drawn else ["–"]
        if found.smooth is not None:
            values.append(terms.score_text(found.smooth.values[at]) if drawn else "–")
        rows.append((period_name(terms, period.first_day), values))
    heads = [column(_("Mean of the period"), terms.score_text)]
    if found.chart is not None:
        heads += [Column(_("Lower control limit")), Column(_("Upper control limit")), Column(_("Signal"))]
    if found.smooth is not None:
        heads.append(Column("EWMA"))
    return build(terms, _("Periods"), _("Period"), heads, rows, folded=True)


def _sequences(terms: Terms) -> Table:
    return build(
        terms,
        _("Confidence sequences: valid however often one looks"),
        _("Score"),
        (column(_("Mean"), terms.score_text), ranged(_("Bounded: without large-sample theory"), terms.score_text)),
        (
            (terms.score(name), (one, terms.research.trend.bounded.get(name)))
            for name, one in terms.research.trend.sequences.items()
        ),
    )


# -- sample size -----------------------------------------------------------------------------------------------------


def sample(terms: Terms) -> Section:
    """Precision reached, and numbers for the next wave."""
    found = terms.research.sampling
    rows: list[tuple[str, list[Given]]] = []
    for name, one in found.scores.items():
        plan = (one.for_quarter, one.for_delta, one.for_change_fresh, one.for_change_panel)
        texts: list[Given] = [count(value) for value in plan]
        rows.append((terms.score(name), [one.sd, one.reached, *texts]))
    t = terms.thresholds
    beyond = t.delta(terms.layout.points) + t.scaled(0.5, terms.layout.points)
    heads = (
        Column(_("SD"), n=True),
        Column(_("Half width reached")),
        Column(_("For ±%(width)s") % {"width": decimal(t.scaled(0.25, terms.layout.points))}),
        Column(_("To show a gap of %(gap)s") % {"gap": signed(-beyond)}),
        Column(
            _("For a change of %(change)s, fresh") % {"change": signed(t.scaled(t.target_change, terms.layout.points))}
        ),
        Column(_("The same, panel")),
    )
    tables = [build(terms, _("Precision, and answers needed"), _("Score"), heads, rows)]
    tables.append(_early_late(terms))
    if found.short_form is not None:
        tables.append(_short_form(terms))
    overall = found.scores.get("overall")
    return Section(
        "sample",
        _("Sample size"),
        _("%(first)s %(second)s") % {"first": _sample_sentence(terms), "second": _late_sentence(terms)},
        (
            _(
                "Numbers are of answers, not of invitations: divide by the response rate, and multiply by the design "
                "effect where branches are drawn. %(n)s answers give a share within five points of a hundred."
            )
            % {"n": count(found.share_five)},
            _("Power %(power)s, one-sided.") % {"power": share(t.power)},
        ),
        tuple(table for table in tables if table.rows) if overall else (),
        points=(*_sample_points(terms), *_late_points(terms)),
    )


def _late(terms: Terms) -> EarlyLateScore | None:
    return terms.research.early_late.scores.get("overall")


def _differs(terms: Terms, one: EarlyLateScore | None) -> bool:
    """Whether late respondents answered otherwise, beyond chance."""
    return one is not None and one.p.value is not None and one.p.value < 1 - terms.thresholds.level


def _late_sentence(terms: Terms) -> str:
    """Late respondents stand for those who never answered."""
    one = _late(terms)
    if one is None or one.difference.value is None:
        return _("Whether those who never answered differ cannot be told: %(why)s.") % {
            "why": why(one.difference if one else None)
        }
    said = (
        _("Late respondents stand for those who never answered; they differ from early ones by %(change)s.")
        if _differs(terms, one)
        else _(
            "Late respondents stand for those who never answered; no difference from early ones is shown beyond "
            "chance: %(change)s."
        )
    )
    return said % {"change": _late_change(one)}


def _late_change(one: EarlyLateScore) -> str:
    return _("%(change)s points (%(level)s interval %(span)s)") % {
        "change": signed(one.difference.value),
        "level": level(one.difference.level),
        "span": span(one.difference),
    }


def _late_points(terms: Terms) -> tuple[Point, ...]:
    """A caution where those who never answered may be otherwise."""
    one = _late(terms)
    if one is None or one.difference.value is None or not _differs(terms, one):
        return ()
    text = (
        _("The later the answers, the worse they are: %(change)s. Those who never answered may be worse off still.")
        if one.difference.value < 0
        else _(
            "The later the answers, the better they are: %(change)s. Those who never answered may be better off still."
        )
    )
    return (Point("caution", text % {"change": _late_change(one)}),)


def _early_late(terms: Terms) -> Table:
    found = terms.research.early_late
    known = {name: one for name, one in found.scores.items() if one.difference.value is not None}
    return build(
        terms,
        _("Early against late respondents: a stand-in for those who never answered"),
        _("Score"),
        (
            ranged(_("Late − early"), signed),
            P,
            column(_("First third of the days"), terms.score_text),
            column(_("Last third"), terms.score_text),
        ),
        ((terms.score(name), (one.difference, one.p, one.early, one.late)) for name, one in known.items()),
        note=_("Of %(days)s days, the first and the last %(third)s. The p are not adjusted for one another.")
        % {"days": count(found.days), "third": count(found.third)},
    )


def _sample_sentence(terms: Terms) -> str:
    one = terms.research.sampling.scores.get("overall")
    if one is None or one.reached.value is None:
        return _("The precision reached cannot be told: %(why)s.") % {"why": why(one.reached if one else None)}
    return _("The overall mean is known to ±%(width)s points (n %(n)s).") % {
        "width": decimal(one.reached.value),
        "n": count(one.reached.n),
    }


def _sample_points(terms: Terms) -> tuple[Point, ...]:
    found, t = terms.research.sampling.scores, terms.thresholds
    known = {name: one.reached.value for name, one in found.items() if one.reached.value is not None}
    if not known or "overall" not in known:
        return (Point("open", _("Whether the wave is precise enough cannot be told yet.")),)
    limit = t.scaled(0.25, terms.layout.points)
    wide = [terms.score(name) for name, value in known.items() if value > limit]
    if not wide:
        text = _("The wave is precise enough: every mean is known to ±%(width)s points or better.")
        return (Point("good", text % {"width": decimal(max(known.values()))}),)
    text = _("More answers are needed for ±%(width)s points: %(names)s.")
    return (Point("caution", text % {"width": decimal(limit), "names": joined(wide)}),)


def _short_form_used(terms: Terms) -> tuple[str, ...]:
    """That not everybody was asked every item, and what follows for this page."""
    if terms.questionnaire.drawn is None:
        return ()
    return (
        _(
            "Short form: each customer was asked the core items and, by lot, some of the others. In the report, gaps "
            "of cells, dimensions and stages are means of item gaps; on this page they are each customer's own mean "
            "over the items asked, in which core items weigh more."
        ),
    )


def _short_form(terms: Terms) -> Table:
    one = terms.research.sampling.short_form
    assert one is not None
    rows = preview_rows(one, terms.stages)
    caption = _("Preview of the short form (planned missingness), with as many customers")
    return simple(caption, (_("Quantity"), _("Value")), rows, folded=True)


# -- methods ---------------------------------------------------------------------------------------------------------


def methods(terms: Terms) -> Section:
    """How the numbers were made."""
    found, t = terms.research, terms.thresholds
    rows = [
        (_("Answers"), [count(found.n)]),
        (
            _("Random part behind the methods that need every row"),
            [count(found.sampled) if found.sampled else _("all")],
        ),
        (_("Seed of all random procedures"), [str(found.seed)]),
        (_("Resamples: mean gap (BCa)"), [count(t.bca_draws)]),
        (_("Resamples: drivers' shares"), [count(t.driver_draws)]),
        (_("Resamples: shares of variance between groups"), [count(t.group_draws)]),
        (_("Resamples: HTMT"), [count(t.htmt_draws)]),
        (_("Draws: parallel analysis"), [count(t.parallel_draws)]),
        (_("Respondents in each group for invariance"), [count(t.invariance_n)]),
        (_("Fewest answers that are shown"), [count(terms.floor)]),
    ]
    return Section(
        "methods",
        _("Methods and seed"),
        _("Everything on this page comes from the same answers as the report; a re-run gives the same numbers."),
        (
            *_short_form_used(terms),
            _(
                "Multiplicity: Games-Howell and Holm within a table of groups; Benjamini-Hochberg over the items of a "
                "screening and over the rows of a comparison of waves; modification indices are a screen; all other p "
                "values on this page are unadjusted. Defects are decided in the report alone."
            ),
            _(
                "Expectation and perception were asked in one sitting, which raises their correlation. Associations "
                "are not causes. The instrument's status stands at the foot of the report."
            ),
        ),
        (simple(_("Settings"), (_("What"), _("Value")), rows),),
    )
