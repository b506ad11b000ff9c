"""How far the numbers can be trusted, how they were made, and where the importance comes from."""

from __future__ import annotations

from analysis.results import Statistic
from app.desk.report_context import ReportPage
from app.desk.report_tables import Fact
from app.desk.report_words import Names, level, reason, share, span
from app.words import _, count, decimal, signed

COLUMNS_ASKED = {"two_column": 2, "three_column": 3, "perception_only": 1}


def quality(names: Names) -> tuple[Fact, ...]:
    """Data quality in a strip of figures."""
    meta, missing = names.report.meta, names.report.meta.missing
    ratings = meta.n * len(names.layout.items) * COLUMNS_ASKED.get(meta.format, 1)
    blank, away = missing.get("blank", 0), missing.get("not_applicable", 0) + missing.get("do_not_know", 0)
    facts = [
        Fact(
            _("Screened out"),
            f"{count(meta.n - meta.n_composites)} / {count(meta.n)}",
            _("left more than %(share)s of the ratings blank: out of cells and dimensions, kept for items")
            % {"share": share(names.report.thresholds.blank_share)},
        ),
        Fact(
            _("Left blank"),
            share(blank / ratings if ratings else None, 1),
            _("of the ratings (%(n)s); %(away)s more were “not applicable” or “cannot judge”, counted as no experience")
            % {"n": count(blank), "away": count(away)},
        ),
        _alphas(names),
        _ceiling(names),
    ]
    if missing.get("not_asked"):
        facts.append(Fact(_("Not asked"), count(missing["not_asked"]), _("ratings left out by design")))
    if meta.weights_rescaled or meta.weights_unusable or names.report.importance.dimension_weights:
        facts.append(
            Fact(
                _("Points rescaled"),
                count(meta.weights_rescaled),
                _("did not add up to 100 and were rescaled; %(n)s could not be used")
                % {"n": count(meta.weights_unusable)},
            )
        )
    if meta.format == "three_column":
        facts.append(
            Fact(
                _("Inconsistent"),
                count(meta.inconsistent),
                _("answers with a minimum above the desired level too often, left out of the gaps"),
            )
        )
    return tuple(facts)


def _alphas(names: Names) -> Fact:
    group = names.report.reliability.get("perception")
    scales = group.dimensions.values() if group else ()
    found = [scale.alpha_listwise if "not_positive_definite" in scale.alpha.flags else scale.alpha for scale in scales]
    values = [alpha.value for alpha in found if alpha.value is not None]
    if not values:
        return Fact(_("Reliability (alpha)"), "–", _("of the dimensions, perception; not defined"))
    low, high = decimal(min(values)), decimal(max(values))
    below = sum(value < names.report.thresholds.alpha_group for value in values)
    return Fact(
        _("Reliability (alpha)"),
        low if low == high else f"{low} – {high}",
        _("of the dimensions, perception; below the guide of %(guide)s: %(n)s. A cell is not a scale")
        % {"guide": decimal(names.report.thresholds.alpha_group), "n": below},
    )


def _ceiling(names: Names) -> Fact:
    means = [
        (tests.expectation.value, cell)
        for cell, tests in names.report.gaps.cells.items()
        if tests.expectation.value is not None and not names.is_hidden(cell)
    ]
    if not means:
        return Fact(_("Expectation ceiling"), "–", _("expectation was not asked, or too few answered"))
    points = names.report.meta.points
    value, cell = max(means)
    return Fact(
        _("Expectation ceiling"),
        f"{decimal(value)} / {points}",
        _("highest mean expectation (%(cell)s); the note starts at %(at)s")
        % {"cell": names.cells[cell], "at": decimal(points - names.report.thresholds.ceiling_distance)},
    )


def caveats(names: Names) -> tuple[str, ...]:
    """Cautions that belong beside the results."""
    meta, found = names.report.meta, []
    if "expectations_at_ceiling" in meta.flags:
        found.append(_("Expectations stand at the top of the scale: these gaps are mostly the perception scores."))
        spearman = meta.ceiling_spearman
        if spearman.value is not None:
            found.append(
                _("Ranks by gap and by perception agree to %(rho)s (Spearman).") % {"rho": decimal(spearman.value)}
            )
            if spearman.value < names.report.thresholds.ceiling_spearman:
                found.append(_("The two rankings differ: read both before setting priorities."))
    if names.questionnaire.status.startswith("draft"):
        found.append(_("The instrument is not yet validated: no comparison with other banks or languages is claimed."))
    return tuple(found)


def importance_note(names: Names) -> str:
    """Where the importance of the cells comes from."""
    importance, t = names.report.importance, names.report.thresholds
    r2 = decimal(importance.r2.value) if importance.r2.value is not None else reason(importance.r2)
    values = {
        "stated": share(t.stated_share),
        "derived": share(1 - t.stated_share),
        "r2": r2,
        "n": t.derived_n,
        "low": decimal(t.derived_r2),
    }
    return {
        "stated_and_derived": _(
            "Importance is %(stated)s the points customers shared out and %(derived)s the tie of each "
            "dimension to satisfaction (R² %(r2)s)."
        ),
        "stated_only": _(
            "Importance is the points customers shared out alone: the tie to satisfaction needs %(n)s answers "
            "and an R² of %(low)s (here: %(r2)s)."
        ),
        "derived_only": _(
            "Importance is the tie of each dimension to satisfaction alone (R² %(r2)s): customers were not "
            "asked to share out points."
        ),
        "equal": _(
            "Importance was not stated by enough customers, nor can it be read from satisfaction: each cell counts "
            "the same."
        ),
    }.get(importance.note, "") % values


def overall(names: Names) -> tuple[str, ...]:
    """The totals in sentences, each with its name so that nobody mixes them."""
    gaps = names.report.gaps
    if names.format == "perception_only":
        return tuple(
            part for part in (_total(_("Mean of the dimensions %(value)s"), gaps.overall.perception, True),) if part
        )
    three = names.format == "three_column"
    first = gaps.overall.adequacy if three and gaps.overall.adequacy else gaps.overall.gap
    parts = (
        _total(_("Unweighted overall (mean of the dimension means) %(value)s"), first),
        _total(
            _("mean of all items %(value)s"),
            gaps.overall_items.adequacy if three and gaps.overall_items.adequacy else gaps.overall_items.gap,
        ),
        _total(_("weighted by each customer's points %(value)s"), gaps.overall_weighted),
        _total(_("weighted perception %(value)s"), gaps.servperf_weighted, True),
    )
    return tuple(part for part in parts if part)


def _total(form: str, stat: Statistic, plain: bool = False) -> str:
    if stat.value is None:
        return form % {"value": _("(%(reason)s)") % {"reason": reason(stat)}}
    value = decimal(stat.value) if plain else signed(stat.value)
    return form % {
        "value": _("%(value)s (%(span)s, n %(n)s)") % {"value": value, "span": span(stat, plain), "n": count(stat.n)}
    }


def methods(names: Names) -> tuple[str, ...]:
    """How the numbers were made."""
    t = names.report.thresholds
    lead = {
        "two_column": _("Gaps are paired: same customer, same item, perception minus expectation."),
        "three_column": _("Gaps are paired: same customer, same item, perception minus the minimum accepted."),
        "perception_only": _("Perception alone was asked: there is no gap and no defect status."),
    }[names.format]
    found = [
        lead,
        *_short_form(names),
        _(
            "A cell, dimension or stage is each customer's mean over its answered items, given at least half of "
            "them. Intervals are two-sided %(level)s t intervals, in which every customer counts once."
        )
        % {"level": level(t.level)},
    ]
    if names.format != "perception_only":
        found.append(_rule(names))
        found.append(
            _(
                "d_z: gap over the SD of the differences, for planning; g_av: gap over the mean SD of the two "
                "columns, corrected for small samples; p is adjusted by Holm within its table, that of ±delta (two "
                "one-sided tests) is not. "
                "Effect sizes are for comparing scales; the gap in points is what customers lose."
            )
        )
    found.append(
        _(
            "Alpha with Feldt's interval; it describes a dimension, not a cell. Colour steps are the severity bands, "
            "scaled to the length of the scale."
        )
    )
    return tuple(found)


def _short_form(names: Names) -> tuple[str, ...]:
    """That not everybody was asked every item, and how figures of several items are made then."""
    gaps, meta, items = names.report.gaps, names.report.meta, len(names.layout.items)
    tests = (gaps.overall, *gaps.stages.values(), *gaps.dimensions.values(), *gaps.cells.values())
    of_items = any("short_form" in one.gap.flags for one in tests)
    if not of_items and names.questionnaire.drawn is None:
        return ()
    left_out = meta.missing.get("not_asked", 0) / (max(meta.n, 1) * COLUMNS_ASKED.get(meta.format, 1))
    asked = _("Short form: each customer was asked %(n)s of %(all)s items.") % {
        "n": f"{items - left_out:.1f}".removesuffix(".0"),
        "all": items,
    }
    if not of_items:
        return (asked,)
    made = _(
        "Gaps of cells, dimensions and stages, and their totals, are means of item gaps, each by all who rated the "
        "item, with intervals that allow for it. Perceptions, other tests and effect sizes are by customer, as the "
        "next note says."
    )
    return (asked, made)


def _rule(names: Names) -> str:
    """How a status comes about."""
    t = names.report.thresholds
    return _(
        "Confirmed: a one-sided test that the gap lies beyond the limit of %(limit)s, false discovery rate "
        "%(q)s (Benjamini-Hochberg over the cells shown), from %(n)s answers. Probable: below zero by the "
        "same rule, and beyond the limit by the estimate. No defect shown: the %(level)s interval stays above "
        "the limit, cell by cell, not adjusted for the number of cells. The q in the list belongs to the test "
        "behind the status."
    ) % {
        "limit": signed(-names.delta) if names.delta else "0",
        "q": decimal(t.q),
        "n": t.confirm_floor,
        "level": level(t.noninferiority_level),
    }


def frozen(page: ReportPage) -> str:
    """What a re-run needs to give the same numbers."""
    t = page.report.thresholds
    return _(
        "Made from: data %(data)s, questionnaire %(id)s %(version)s, code %(code)s, seed %(seed)s. A re-run gives the "
        "same numbers."
    ) % {
        "data": page.fingerprint,
        "id": page.questionnaire.id,
        "version": page.questionnaire.version,
        "code": page.code_version,
        "seed": t.rank_seed,
    }
