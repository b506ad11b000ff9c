"""Whether the difference between groups changes from stage to stage."""

from __future__ import annotations

from analysis.adjust import holm
from analysis.compare.interaction import Interaction
from app.desk.appendix_parts import Column, Given, P, Table, build, column
from app.desk.appendix_words import Terms
from app.words import _, count, decimal, signed


def changing(terms: Terms, compared: list[str]) -> list[str]:
    """The traits among those whose groups may be compared that differ otherwise from stage to stage.

    By the larger of both p where both can be had, since each test has its own weakness, and after Holm over the traits.
    """
    found = {trait: terms.research.interactions[trait] for trait in compared if trait in terms.research.interactions}
    adjusted = holm([_worse(one) for one in found.values()])
    limit = 1 - terms.thresholds.level
    return [trait for trait, p in zip(found, adjusted, strict=True) if p is not None and p < limit]


def _worse(one: Interaction) -> float | None:
    known = [p.value for p in (one.p, one.p_robust) if p.value is not None]
    return max(known) if one.p.value is not None else None


def stage_tests(terms: Terms, traits: list[str], *, grey: bool, note: str) -> Table:
    """The test of each trait."""
    rows: list[tuple[str, list[Given]]] = []
    for trait in traits:
        one = terms.research.interactions.get(trait)
        if one is not None:
            df = "–" if one.df2 is None else f"{count(one.df1)}, {decimal(one.df2, 1)}"
            sizes: list[Given] = [count(one.n) if one.n else "–", count(one.complete) if one.complete else "–"]
            rows.append((terms.trait(trait), [one.f, df, one.p, one.p_robust, *sizes]))
    heads = (
        Column("F"),
        Column("df"),
        P,
        Column(_("p (robust)"), P.form),
        Column(_("n")),
        Column(_("With every stage")),
    )
    told = _(
        "Group by stage in a mixed model with a random intercept for each respondent (Satterthwaite). Robust: "
        "Johansen's test of the respondents with every stage, whatever the spread of each group."
    )
    caption = (
        _("Differences from stage to stage: groups whose comparability is not shown")
        if grey
        else _("Does the difference between groups change from stage to stage?")
    )
    return build(terms, caption, _("Groups by"), heads, rows, folded=True, grey=grey, note=note or told)


def stage_effects(terms: Terms, trait: str) -> Table:
    """Every pair of groups at every stage."""
    rows = [
        (
            f"{terms.stages.get(one.stage, one.stage)} · {terms.group(trait, one.first)} – "
            f"{terms.group(trait, one.second)}",
            (one.difference, one.p),
        )
        for one in terms.research.interactions[trait].effects
    ]
    return build(
        terms,
        _("Differences at each stage by %(name)s") % {"name": terms.trait(trait)},
        _("Stage · pair"),
        (column(_("Difference"), signed), Column(_("p (Holm)"), P.form)),
        rows,
        folded=True,
        note=_("Intervals are of one comparison each; p is adjusted over all stages and pairs of the table."),
    )
