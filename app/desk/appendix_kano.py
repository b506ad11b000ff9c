"""Features by Kano's categories, where a survey asks for them with and without."""

from __future__ import annotations

from app.desk.appendix_parts import Column, Given, P, Section, build, ranged
from app.desk.appendix_words import Terms
from app.desk.report_words import share
from app.words import _, count, decimal, worded
from surveys.questionnaire import WITH


def kano_word(category: str | None) -> str:
    """What a feature is to customers."""
    return {
        "M": _("must be"),
        "O": _("the more the better"),
        "A": _("delights"),
        "I": _("indifferent"),
        "R": _("rather not"),
        "Q": _("contradictory"),
        "mixed": _("mixed"),
        None: "–",
    }[category]


def features(terms: Terms) -> Section | None:
    """Every feature that was asked for twice."""
    found = terms.research.kano
    if not found:
        return None
    rows: list[tuple[str, list[Given]]] = []
    for name, one in found.items():
        counts = [count(one.counts[category]) for category in ("M", "O", "A", "I", "R", "Q")]
        label = kano_word(one.label if one.category is not None else None)
        rows.append((_feature(terms, name), [label, one.better, one.worse, one.strength, one.p_fong, *counts]))
    heads = [Column(kano_word(category)) for category in ("M", "O", "A", "I", "R", "Q")]
    table = build(
        terms,
        _("Features by Kano's categories"),
        _("Feature"),
        (
            Column(_("Customers take it as")),
            ranged(_("Better with it"), share),
            ranged(_("Worse without it"), share),
            Column(_("Points to the second"), decimal),
            P,
            *heads,
        ),
        rows,
        note=_(
            "Better: share of those who would gain by it; worse: of those who would lose without it. Mixed: the two "
            "most frequent categories are nearer than %(points)s points of 100. p: that these two are equally frequent "
            "(Fong)."
        )
        % {"points": decimal(terms.thresholds.kano_strength, 0)},
    )
    told = [
        _("%(name)s: %(value)s") % {"name": _feature(terms, name), "value": kano_word(one.label)}
        for name, one in found.items()
        if one.category is not None
    ]
    sentence = _("; ").join(told) + _(".") if told else _("Too few answers to tell what the features are to customers.")
    return Section("features", _("Features"), sentence, (), (table,))


def _feature(terms: Terms, name: str) -> str:
    """A feature by its short name, or by the question about it."""
    question = terms.questionnaire.question(name + WITH)
    return (worded(question.short or question.prompt) if question is not None else "") or name
