"""Whether groups may be compared, and how they differ."""

from __future__ import annotations

from collections.abc import Mapping

from analysis.adjust import holm
from analysis.compare.groups import GroupComparison
from analysis.confirm.invariance import InvarianceResult
from app.desk.appendix_fit import chi2_head, index_head, indices_of, kind_note, main_kind
from app.desk.appendix_interactions import changing, stage_effects, stage_tests
from app.desk.appendix_parts import (
    Column,
    Given,
    P,
    Point,
    Section,
    Table,
    build,
    column,
    grouped,
    ranged,
    third,
)
from app.desk.appendix_words import Terms, status_words, step_word, yes_no
from app.desk.report_words import joined, reasons
from app.words import _, count, decimal, signed

BARRED = ("not_comparable", "not_testable")
"""Consequences of measurement invariance after which the means of the groups must not be read side by side."""


def consequence_word(consequence: str) -> str:
    """What may be done with the means of the groups."""
    return {
        "comparable": _("comparable"),
        "partially_comparable": _("partially comparable"),
        "not_comparable": _("not comparable"),
        "not_testable": _("cannot be checked"),
    }[consequence]


def warning(consequence: str) -> str:
    """The sentence over a table that must not be read across groups; empty where it may."""
    return {
        "not_comparable": _(
            "The means of these groups must not be compared: the groups may not mean the same by their answers "
            "(measurement invariance does not hold)."
        ),
        "not_testable": _(
            "Whether these groups mean the same by their answers cannot be checked with so few answers; read with care."
        ),
        "partially_comparable": _("Comparable but for the items named under Comparability: read with care."),
    }.get(consequence, "")


def comparability(terms: Terms) -> Section:
    """Measurement invariance and differential item functioning."""
    found = terms.research.invariance
    tables: list[Table] = [_consequences(terms)] if found else []
    for trait, one in found.items():
        tables += [_steps(terms, trait, one), _dif(terms, trait, one)]
    return Section(
        "comparability",
        _("Comparability"),
        _sentence(terms),
        (
            _(
                "Measurement invariance asks whether groups mean the same by their answers. Configural: the same "
                "factors. Metric: the same loadings. Scalar: the same intercepts, the condition for comparing means. "
                "At least %(n)s respondents are needed in each group."
            )
            % {"n": terms.thresholds.invariance_n},
        ),
        tuple(table for table in tables if table.rows),
        points=_points(terms),
    )


def _sentence(terms: Terms) -> str:
    found = terms.research.invariance
    if not found:
        return _("There are no two groups whose comparability could be looked at.")
    told = [
        _("%(name)s: %(value)s") % {"name": terms.trait(trait), "value": consequence_word(one.consequence)}
        for trait, one in found.items()
    ]
    return _("May the means of groups be compared? %(told)s.") % {"told": _("; ").join(told)}


def _points(terms: Terms) -> tuple[Point, ...]:
    found = terms.research.invariance
    if not found:
        return (Point("open", _("No groups are known, so none can be compared.")),)
    forms = {
        "comparable": _("Groups may be compared by: %(names)s."),
        "partially_comparable": _("With care, since some questions are understood differently, by: %(names)s."),
        "not_comparable": _("Do not compare groups by: %(names)s; they may not mean the same by their answers."),
        "not_testable": _("Cannot be checked with so few answers: %(names)s."),
    }
    known = {kind: [terms.trait(name) for name, one in found.items() if one.consequence == kind] for kind in forms}
    told = [form % {"names": joined(known[kind])} for kind, form in forms.items() if known[kind]]
    words = told[0]
    for more in told[1:]:
        words = _("%(first)s %(second)s") % {"first": words, "second": more}
    if known["not_comparable"] or known["partially_comparable"]:
        return (Point("caution", words),)
    return (Point("good" if not known["not_testable"] else "open", words),)


def _consequences(terms: Terms) -> Table:
    rows: list[tuple[str, list[Given]]] = []
    for trait, one in terms.research.invariance.items():
        small = _sizes(terms, trait, {name: n for name, n in one.left_out.items() if n})
        sizes = _sizes(terms, trait, one.groups) or small or "–"
        if one.groups and small:
            sizes = _("%(sizes)s; too few: %(small)s") % {"sizes": sizes, "small": small}
        flags = [terms.caution(flag) for flag in one.flags]
        few = _("fewer respondents than needed")
        why = [few if one.reason == "too_few" else reasons()[one.reason]] if one.reason else []
        freed = joined([terms.item(name) for name in one.freed]) or "–"
        held = [step_word(step.step) for step in one.steps if step.holds]
        row = [consequence_word(one.consequence), held[-1] if held else "–", freed, sizes]
        rows.append((terms.trait(trait), [*row, _("; ").join([*why, *flags]) or "–"]))
    return build(
        terms,
        _("What may be compared"),
        _("Groups by"),
        (
            Column(_("Means")),
            Column(_("Last step that holds")),
            Column(_("Items that differ")),
            Column(_("Respondents")),
            Column(_("Remark")),
        ),
        rows,
    )


def _sizes(terms: Terms, trait: str, groups: Mapping[str, int]) -> str:
    """Groups with their respondents."""
    return joined([f"{terms.group(trait, name)} {count(n)}" for name, n in groups.items()])


def _steps(terms: Terms, trait: str, one: InvarianceResult) -> Table:
    rows: list[tuple[str, list[Given]]] = []
    kind = main_kind(step.fit for step in one.steps)
    for step in one.steps:
        values: list[Given] = [status_words(step.status), *["–"] * 5]
        if step.fit is not None:
            own = indices_of(step.fit, kind)
            values[1:] = [own.chi2, str(step.fit.df), own.cfi, own.rmsea, step.fit.srmr]
        free = step.step == "configural"
        changes: list[Given] = [step.cfi_change, step.rmsea_change, step.srmr_change, step.p_change]
        rows.append((step_word(step.step), [*values, *(["–"] * 4 if free else changes), yes_no(step.holds)]))
    heads = (
        Column(_("Status")),
        Column(chi2_head(kind)),
        Column("df"),
        Column(index_head("CFI", kind), third),
        ranged(index_head("RMSEA", kind), third),
        Column("SRMR", third, n=True),
        Column("ΔCFI", _signed3),
        Column("ΔRMSEA", _signed3),
        Column("ΔSRMR", _signed3),
        P,
        Column(_("Holds")),
    )
    caption = _("Steps of measurement invariance: %(name)s") % {"name": terms.trait(trait)}
    note = " ".join(part for part in (kind_note(kind), _changes(one) if kind != "plain" else "") if part)
    return build(terms, caption, _("Step"), heads, rows, note=note)


def _changes(one: InvarianceResult) -> str:
    """Of which indices the changes are."""
    if "two_stage" in one.flags:
        return _("ΔCFI and ΔRMSEA are changes of the robust indices.")
    if any(step.step == "thresholds" for step in one.steps):
        return _("ΔCFI and ΔRMSEA are changes of the scaled indices.")
    return _("ΔCFI and ΔRMSEA are changes of the plain indices, for which their limits were found.")


def _signed3(value: float | None) -> str:
    return signed(value, 3)


def _dif(terms: Terms, trait: str, one: InvarianceResult) -> Table:
    return build(
        terms,
        _("Differential item functioning (DIF): %(name)s") % {"name": terms.trait(trait)},
        _("Item"),
        (
            Column(_("ΔR² uniform"), third),
            Column(_("ΔR² in all"), third, n=True),
            P,
            Column(_("p (BH)"), P.form),
            Column(_("Works differently")),
        ),
        (
            (terms.item(name), (item.r2_uniform, item.r2_total, item.p, item.p_adjusted, yes_no(item.flagged)))
            for name, item in one.items_dif.items()
        ),
        folded=True,
        note=_(
            "Flagged where ΔR² in all (McFadden) is at least %(at)s and p, adjusted over the items "
            "(Benjamini-Hochberg), at most %(q)s; a screen, not a test of the scale."
        )
        % {"at": decimal(terms.thresholds.dif_r2, 3), "q": decimal(terms.thresholds.q)},
    )


def groups(terms: Terms) -> Section:
    """Each trait on the overall score, the stages and the dimensions."""
    tables = [_summary(terms, False), _summary(terms, True)]
    tables += _by_stage(terms)
    for trait, scores in terms.research.groups.items():
        parts = (_means(terms, trait, scores), _tests(terms, trait, scores), _pairs(terms, trait, scores))
        tables += grouped(_title(terms, _("Means, differences and pairs by %(name)s"), trait), parts)
    return Section(
        "groups",
        _("Groups"),
        _groups_sentence(terms),
        (
            _(
                "Welch's test with Games-Howell intervals, which hold for all pairs at once; Kruskal-Wallis with "
                "Dunn's "
                "test (Holm) beside it. omega squared and epsilon squared are shares of the variance. The p of "
                "different tables are not adjusted for one another."
            ),
        ),
        tuple(table for table in tables if table.rows),
    )


def consequence_of(terms: Terms, trait: str) -> str:
    """What measurement invariance allows for a trait; empty where it was not looked at."""
    one = terms.research.invariance.get(trait)
    return one.consequence if one else ""


def _groups_sentence(terms: Terms) -> str:
    found = terms.research.groups
    if not found:
        return _("There are no two groups that may be shown.")
    barred = [terms.trait(trait) for trait in found if consequence_of(terms, trait) in BARRED]
    tested = [trait for trait in found if consequence_of(terms, trait) not in BARRED]
    adjusted = holm([found[trait]["overall"].p.value for trait in tested])
    limit = 1 - terms.thresholds.level
    told = [terms.trait(name) for name, p in zip(tested, adjusted, strict=True) if p is not None and p < limit]
    words = (
        _("On all dimensions together the groups differ by: %(names)s (Holm over the kinds of groups).")
        % {"names": joined(told)}
        if told
        else _("On all dimensions together no difference of groups is shown beyond chance.")
    )
    moving = [terms.trait(trait) for trait in changing(terms, tested)]
    if moving:
        more = _("How much they differ changes from stage to stage by: %(names)s.") % {"names": joined(moving)}
        words = _("%(first)s %(second)s") % {"first": words, "second": more}
    if barred:
        words = _("%(first)s %(second)s") % {
            "first": words,
            "second": _("Greyed, because comparability is not shown: %(names)s.") % {"names": joined(barred)},
        }
    return words


def _summary(terms: Terms, barred: bool) -> Table:
    """All traits on the overall score: those whose groups may be compared as far as is known, or the others."""
    rows: list[tuple[str, list[Given]]] = []
    states = []
    for trait, scores in terms.research.groups.items():
        state = consequence_of(terms, trait)
        if (state in BARRED) is barred:
            one = scores["overall"]
            told = consequence_word(state) if state else _("not looked at")
            rows.append((terms.trait(trait), [told, count(len(one.groups)), one.f, one.p, one.omega2, one.p_h]))
            states.append(state)
    heads = (
        Column(_("Comparability")),
        Column(_("Groups")),
        Column("F"),
        P,
        ranged("ω²", third),
        Column(_("p (ranks)"), P.form),
    )
    note = " ".join(warning(state) for state in BARRED if state in states)
    caption = (
        _("All dimensions: groups whose comparability is not shown")
        if barred
        else _("All dimensions: differences of groups")
    )
    return build(terms, caption, _("Groups by"), heads, rows, grey=barred, note=note)


def _by_stage(terms: Terms) -> list[Table]:
    """Group by stage: the tests, and where they say that differences change, the differences."""
    states = {trait: consequence_of(terms, trait) for trait in terms.research.interactions}
    told = [trait for trait, state in states.items() if state not in BARRED]
    barred = [trait for trait in states if trait not in told]
    note = " ".join(warning(state) for state in BARRED if state in states.values())
    tests = [stage_tests(terms, told, grey=False, note=""), stage_tests(terms, barred, grey=True, note=note)]
    return [*tests, *(stage_effects(terms, trait) for trait in changing(terms, told))]


def _title(terms: Terms, form: str, trait: str) -> str:
    return form % {"name": terms.trait(trait)}


def _means(terms: Terms, trait: str, scores: Mapping[str, GroupComparison]) -> Table:
    names = list(dict.fromkeys(name for one in scores.values() for name in one.groups))
    state = consequence_of(terms, trait)
    rows = [
        (f"{terms.score(score)} · {terms.group(trait, name)}", (one.groups[name],))
        for score, one in scores.items()
        for name in names
        if name in one.groups
    ]
    head = _("Mean perception") if terms.plain_scores else _("Mean gap")
    if terms.format == "three_column":
        head = _("Mean score")
    return build(
        terms,
        _title(terms, _("Means by %(name)s"), trait),
        _("Score · group"),
        (column(head, terms.score_text),),
        rows,
        folded=True,
        grey=state in BARRED,
        note=warning(state),
    )


def _tests(terms: Terms, trait: str, scores: Mapping[str, GroupComparison]) -> Table:
    state = consequence_of(terms, trait)
    permuted = any(one.p_permutation.value is not None for one in scores.values())
    heads = [Column("F"), P, ranged("ω²", third), Column("H"), Column(_("p (ranks)"), P.form), ranged("ε²", third)]
    if permuted:
        heads.append(Column(_("p (permutation)"), P.form))
    rows: list[tuple[str, list[Given]]] = []
    for score, one in scores.items():
        values: list[Given] = [one.f, one.p, one.omega2, one.h, one.p_h, one.epsilon2]
        rows.append((terms.score(score), [*values, *([one.p_permutation] if permuted else [])]))
    return build(
        terms,
        _title(terms, _("Differences by %(name)s"), trait),
        _("Score"),
        heads,
        rows,
        folded=True,
        grey=state in BARRED,
        note=warning(state),
    )


def _pairs(terms: Terms, trait: str, scores: Mapping[str, GroupComparison]) -> Table:
    state = consequence_of(terms, trait)
    rows = [
        (
            f"{terms.score(score)} · {terms.group(trait, pair.first)} – {terms.group(trait, pair.second)}",
            (pair.difference, pair.p, pair.g, pair.dunn, pair.p_dunn, pair.superiority),
        )
        for score, one in scores.items()
        for pair in one.pairs
    ]
    heads = (
        column(_("Difference"), signed),
        P,
        Column("g", signed),
        Column(_("Dunn's z"), signed),
        Column(_("p (Holm)"), P.form),
        ranged(_("Probability of superiority")),
    )
    return build(
        terms,
        _title(terms, _("Pairs of groups by %(name)s"), trait),
        _("Score · pair"),
        heads,
        rows,
        folded=True,
        grey=state in BARRED,
        note=warning(state),
    )
