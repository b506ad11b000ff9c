"""The outcomes: indices, and how the versions of the score go with them."""

from __future__ import annotations

from analysis.results import Statistic
from app.desk.appendix_parts import Column, P, Section, Table, build, column, why
from app.desk.appendix_words import Terms
from app.desk.report_tables import Row
from app.desk.report_words import share
from app.words import _, decimal, signed


def outcomes(terms: Terms) -> Section:
    """The indices, and how the versions of the score go with every outcome."""
    found = terms.research.indices
    kept: list[tuple[str, Statistic | None, Column]] = [
        (_("Net promoter score (−100 to 100)"), found.nps, column(_("Value"), _tenth_signed)),
        (_("Promoters (9 and 10)"), found.promoters, column(_("Value"), _share)),
        (_("Detractors (0 to 6)"), found.detractors, column(_("Value"), _share)),
        (_("CSAT: share in the top two boxes"), found.csat, column(_("Value"), _share)),
        (_("CES: mean ease"), found.ces, column(_("Value"))),
        (_("CES: share of 5 and above"), found.ces_easy, column(_("Value"), _share)),
        (_("Satisfaction from 0 to 100"), found.index, column(_("Value"), _tenth)),
    ]
    tables = []
    if any(stat is not None for _head, stat, _column in kept):
        parts = [build(terms, "", "", (one,), [(head, (stat,))]) for head, stat, one in kept if stat is not None]
        widest = max(parts, key=lambda part: len(part.columns))
        rows = tuple(
            Row(row.head, (*row.values, *("–",) * (len(widest.columns) - 1 - len(row.values))))
            for part in parts
            for row in part.rows
        )
        tables.append(Table(_("Indices"), (_("Index"), *widest.columns[1:]), rows))
    tables += [_correlations(terms), _comparisons(terms)]
    return Section(
        "outcomes",
        _("Outcomes"),
        _outcomes_sentence(terms),
        (
            _(
                "The net promoter score, CSAT and CES are used here descriptively; they are marks of others. "
                "Correlations "
                "with outcomes of the same questionnaire are raised by the shared method."
            ),
        )
        if tables and terms.research.nomological
        else (),
        tuple(table for table in tables if table.rows),
    )


def _tenth(value: float | None) -> str:
    return decimal(value, 1)


def _tenth_signed(value: float | None) -> str:
    return signed(value, 1)


def _share(value: float | None) -> str:
    return share(value, 1)


def _outcomes_sentence(terms: Terms) -> str:
    found, told = terms.research.indices, []
    for form, stat, shown in (
        (_("net promoter score %(value)s (%(low)s to %(high)s)"), found.nps, _tenth_signed),
        (_("satisfied customers (top two boxes) %(value)s (%(low)s to %(high)s)"), found.csat, _share),
    ):
        if stat is not None and stat.value is not None and stat.low is not None:
            told.append(form % {"value": shown(stat.value), "low": shown(stat.low), "high": shown(stat.high)})
    if not told:
        given = next((stat for stat in (found.nps, found.csat, found.ces) if stat is not None), None)
        return _("The outcomes cannot be told: %(why)s.") % {"why": why(given)}
    words = _("; ").join(told)
    return _("%(told)s.") % {"told": words[:1].upper() + words[1:]}


def _version(name: str) -> str:
    return {
        "perception": _("Perception"),
        "gap": _("Gap"),
        "perception_weighted": _("Perception, weighted by points"),
        "gap_weighted": _("Gap, weighted by points"),
    }.get(name, name)


def _correlations(terms: Terms) -> Table:
    found = terms.research.nomological
    rows = [
        (f"{terms.outcome(name)} · {_version(version)}", (stat,))
        for name, one in (found.outcomes if found else {}).items()
        for version, stat in one.correlations.items()
    ]
    caption = _("Correlation of the versions of the score with the outcomes")
    return build(terms, caption, _("Outcome · version"), (column("r"),), rows)


def _comparisons(terms: Terms) -> Table:
    found = terms.research.nomological
    rows = []
    for name, one in (found.outcomes if found else {}).items():
        for pair, part in one.comparisons.items():
            first, _dash, second = pair.partition("-")
            head = f"{terms.outcome(name)} · {_version(first)} – {_version(second)}"
            rows.append((head, (part.difference, part.t, part.p)))
    return build(
        terms,
        _("Dependent correlations compared (Williams, Zou)"),
        _("Outcome · versions"),
        (column(_("Difference of r"), signed), Column("t", signed), P),
        rows,
        folded=True,
        note=_("The p are not adjusted for one another."),
    )
