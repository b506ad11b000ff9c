"""Reliability of the scales, and of the gap as a difference score."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.consistency.difference import DifferenceScore
from analysis.consistency.report import ConsistencySet, ScaleConsistency
from app.desk.appendix_parts import (
    Column,
    Point,
    Section,
    Table,
    build,
    column,
    ranged,
    span_words,
    values_of,
    why,
)
from app.desk.appendix_words import Terms
from app.words import _, decimal


def reliability(terms: Terms) -> Section:
    """How far each scale agrees with itself."""
    found = terms.research.consistency
    columns = sorted(found.columns.items(), key=lambda pair: pair[0] != "perception")
    tables = [_main(terms, name, one) for name, one in columns]
    if found.difference is not None:
        tables.append(_differences(terms))
    for name, one in columns:
        tables += [_more(terms, name, one), _halves(terms, name, one)]
    return Section(
        "reliability",
        _("Reliability"),
        _sentence(terms),
        (
            _(
                "A cell of one or two items is a reporting cell, not a scale. Ordinal alpha and omega describe the "
                "latent responses behind the answers, not the scores used here; alpha is the headline."
            ),
            _(
                "The reliability of the difference assumes that the errors of the two columns do not correlate; "
                "alpha of the item gaps does not need that. A mean gap of many customers may be reported whatever "
                "this reliability is."
            ),
        )
        if found.difference is not None
        else (
            _(
                "A cell of one or two items is a reporting cell, not a scale. Ordinal alpha and omega describe the "
                "latent responses behind the answers, not the scores used here; alpha is the headline."
            ),
        ),
        tuple(tables),
        points=_points(terms),
    )


def _scales(terms: Terms, one: ConsistencySet) -> Iterator[tuple[str, ScaleConsistency]]:
    yield from ((terms.dimensions[name], scale) for name, scale in one.dimensions.items())
    yield from ((terms.stages[name], scale) for name, scale in one.stages.items())
    yield _("All items"), one.total


def _main(terms: Terms, name: str, one: ConsistencySet) -> Table:
    return build(
        terms,
        _("Internal consistency: %(column)s") % {"column": terms.column(name)},
        _("Scale"),
        (
            column(_("Cronbach's alpha")),
            ranged(_("Omega total")),
            Column(_("Ordinal alpha")),
            Column(_("Ordinal omega")),
        ),
        (
            (
                head,
                (
                    scale.alpha,
                    scale.omega,
                    scale.ordinal.alpha if scale.ordinal else "–",
                    scale.ordinal.omega if scale.ordinal else "–",
                ),
            )
            for head, scale in _scales(terms, one)
        ),
        folded=name == "expectation",
    )


def _more(terms: Terms, name: str, one: ConsistencySet) -> Table:
    return build(
        terms,
        _("Other intervals and coefficients: %(column)s") % {"column": terms.column(name)},
        _("Scale"),
        (
            ranged(_("Alpha (Bonett)")),
            ranged(_("Alpha (Duhachek)")),
            ranged(_("Alpha (bootstrap)")),
            Column("λ2"),
            Column("λ4"),
            Column("λ6"),
            Column(_("Omega over observed variance")),
        ),
        (
            (
                head,
                (
                    scale.alpha_bonett,
                    scale.alpha_duhachek,
                    scale.alpha_bootstrap,
                    scale.lambda2,
                    scale.lambda4,
                    scale.lambda6,
                    scale.omega_observed,
                ),
            )
            for head, scale in _scales(terms, one)
        ),
        folded=True,
    )


def _halves(terms: Terms, name: str, one: ConsistencySet) -> Table:
    return build(
        terms,
        _("Split-half reliability: %(column)s") % {"column": terms.column(name)},
        _("Scale"),
        (
            Column(_("Correlation of the halves")),
            Column(_("Spearman-Brown")),
            Column(_("Guttman")),
            Column(_("Mean of the splits")),
            Column(_("Lowest split"), n=True),
        ),
        (
            (head, (half.odd_even, half.spearman_brown, half.guttman, half.mean, half.least))
            for head, half in ((head, scale.split_half) for head, scale in _scales(terms, one))
        ),
        folded=True,
    )


def _differences(terms: Terms) -> Table:
    found = terms.research.consistency.difference
    assert found is not None
    scales: list[tuple[str, DifferenceScore]] = [
        *((terms.dimensions[name], one) for name, one in found.dimensions.items()),
        *((terms.stages[name], one) for name, one in found.stages.items()),
        (_("All items"), found.total),
    ]
    return build(
        terms,
        _("The gap as a difference score"),
        _("Scale"),
        (
            Column(_("Reliability of the difference"), n=True),
            ranged(_("Alpha of the item gaps")),
            Column(_("r of P and E")),
            Column(_("Variance ratio E : P")),
            Column(_("r of gap and E")),
            Column(_("r of gap and P")),
        ),
        (
            (
                head,
                (
                    one.reliability,
                    one.alpha_of_gaps,
                    one.correlation,
                    one.variance_ratio,
                    one.gap_with_expectation,
                    one.gap_with_perception,
                ),
            )
            for head, one in scales
        ),
    )


def _alphas(terms: Terms) -> list[float]:
    group = terms.research.consistency.columns.get("perception")
    return values_of(one.alpha for one in group.dimensions.values()) if group else []


def _undefined(terms: Terms) -> str:
    group = terms.research.consistency.columns.get("perception")
    scales = [*group.dimensions.values(), group.total] if group else []
    return why(next((one.alpha for one in scales if one.alpha.value is None), None))


def _sentence(terms: Terms) -> str:
    values = _alphas(terms)
    if not values:
        return _("Reliability cannot be told: %(why)s.") % {"why": _undefined(terms)}
    guide = terms.thresholds.alpha_dimension
    reached = sum(value >= guide for value in values)
    return _(
        "Cronbach's alpha of the dimensions (perception) is %(span)s; %(reached)s of %(all)s dimensions reach "
        "the guide "
        "of %(guide)s for reporting a dimension."
    ) % {"span": span_words(values), "reached": reached, "all": len(values), "guide": decimal(guide)}


def _points(terms: Terms) -> tuple[Point, ...]:
    values, t = _alphas(terms), terms.thresholds
    if not values:
        return (
            Point(
                "open", _("Whether the scales are reliable cannot be told yet: %(why)s.") % {"why": _undefined(terms)}
            ),
        )
    least = min(values)
    if least >= t.alpha_dimension:
        return (Point("good", _("The questions of each dimension agree well enough to report the dimensions.")),)
    if least >= t.alpha_group:
        return (
            Point(
                "good",
                _("The questions of each dimension agree well enough to compare groups; for some dimensions not more."),
            ),
        )
    return (
        Point(
            "caution",
            _("In at least one dimension the questions do not agree enough: read its score with care, and its items."),
        ),
    )
