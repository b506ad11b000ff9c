"""Careless and missing answers, and whether they change anything."""

from __future__ import annotations

from app.desk.appendix_parts import Column, Given, P, Point, Section, Table, build, column, simple
from app.desk.appendix_words import Terms
from app.desk.report_words import joined, reason, share
from app.words import _, count, decimal, signed

MANY_CARELESS = 0.20
"""Share of flagged customers from which the checks are in doubt as much as the answers."""

FEW_BLANKS = 0.05
"""Share of blank ratings up to which they are called few."""


def sign_words() -> dict[str, str]:
    """Signs of careless answering."""
    return {
        "longstring": _("Long run of one answer"),
        "uniform": _("All ratings of a stage alike"),
        "irv": _("Hardly any spread within the person"),
        "straight_gap": _("Perception equal to expectation everywhere"),
        "mahalanobis": _("Unusual pattern (Mahalanobis)"),
        "even_odd": _("Even and odd items disagree"),
        "speed": _("Too fast"),
        "attention": _("Attention check failed"),
        "attention_failed": _("Attention check"),
        "self_report": _("Own word not to use the answers"),
        "self_report_failed": _("Own word"),
        "seconds": _("Time spent"),
        "duplicate": _("Duplicate"),
        "same_browser": _("Same browser as earlier answers"),
        "no_proof": _("No sign of a browser at work"),
        "burst": _("Very many from one network within a minute"),
        "hasty": _("Sent sooner than the questions can be read"),
    }


def quality(terms: Terms) -> Section:
    """Careless answers, and whether they change the results."""
    found, words = terms.research.quality, sign_words()
    rows: list[tuple[str, list[Given]]] = [
        (words.get(name, name), [stat, _computed(found.computed, name)]) for name, stat in found.flagged.items()
    ]
    rows.append((_("Flagged by the rule"), [found.excluded, "–"]))
    heads = (column(_("Share of customers"), _share), Column(_("Could be computed for")))
    absent = [words.get(name, name) for name in found.missing_checks]
    note = _("Not asked or not kept: %(names)s.") % {"names": joined(absent)} if absent else ""
    return Section(
        "quality",
        _("Response quality"),
        _quality_sentence(terms),
        (
            _(
                "Nobody is left out of the report. The rule flags a customer at signs from %(n)s different "
                "families, or by "
                "the customer's own word; key results are shown with and without those."
            )
            % {"n": terms.thresholds.quality_flags},
        ),
        (build(terms, _("Signs of careless answering"), _("Sign"), heads, rows, note=note), _without(terms)),
        points=_quality_points(terms),
    )


def _computed(known: dict[str, int], name: str) -> str:
    return count(known[name]) if name in known else "–"


def _share(value: float | None) -> str:
    return share(value, 1)


def _without(terms: Terms) -> Table:
    rows: list[tuple[str, list[Given]]] = []
    for name, one in terms.research.with_and_without.items():
        moved = None
        if one.all.value is not None and one.without.value is not None:
            moved = signed(one.without.value - one.all.value)
        rows.append((terms.score(name), [one.all, one.without, moved]))
    heads = (column(_("All"), terms.score_text), column(_("Without flagged"), terms.score_text), Column(_("Change")))
    return build(terms, _("Key results with and without flagged customers"), _("Score"), heads, rows)


def _largest_move(terms: Terms) -> float | None:
    moves = [
        abs(one.without.value - one.all.value)
        for one in terms.research.with_and_without.values()
        if one.all.value is not None and one.without.value is not None
    ]
    return max(moves, default=None)


def _quality_sentence(terms: Terms) -> str:
    found, moved = terms.research.quality.excluded, _largest_move(terms)
    if found.value is None:
        return _("Careless answering cannot be told: %(why)s.") % {"why": reason(found)}
    words = _("The rule flags %(share)s of the customers (n %(n)s).") % {
        "share": share(found.value, 1),
        "n": count(found.n),
    }
    if moved is None:
        return words
    told = _("Without them no mean moves by more than %(most)s points.") % {"most": decimal(moved)}
    return _("%(first)s %(second)s") % {"first": words, "second": told}


def _quality_points(terms: Terms) -> tuple[Point, ...]:
    found, moved = terms.research.quality.excluded, _largest_move(terms)
    if found.value is None or moved is None:
        return (Point("open", _("Whether careless answers change the results cannot be told yet.")),)
    part = {"share": share(found.value, 1), "most": decimal(moved)}
    if found.value > MANY_CARELESS:
        text = _("%(share)s of the answers look careless, so many that the signs themselves should be looked at.")
        return (Point("caution", text % part),)
    if moved < terms.thresholds.delta(terms.layout.points) / 5:
        text = _("%(share)s of the answers look careless; without them the results stay the same (within %(most)s).")
        return (Point("good", text % part),)
    text = _("%(share)s of the answers look careless, and without them a mean moves by %(most)s: read both.")
    return (Point("caution", text % part),)


# -- missing answers -------------------------------------------------------------------------------------------------


def missing(terms: Terms) -> Section:
    """Answers left open, and whether that looks like chance."""
    found = terms.research.missingness
    rows: list[tuple[str, list[Given]]] = [
        (_("Ratings left blank"), [found.blank]),
        (_("Ratings “not applicable” or “cannot judge”"), [found.not_applicable]),
        (_("Customers without any blank"), [found.complete]),
    ]
    tests: list[tuple[str, list[Given]]] = [(_("Little's MCAR test"), [found.little, found.p_little])]
    tests += [
        (_("A blank is as frequent in every group: %(name)s") % {"name": terms.trait(name)}, ["–", p])
        for name, p in found.by_trait.items()
    ]
    tables = [
        build(terms, _("Missing answers"), _("What"), (column(_("Share"), _share),), rows),
        build(terms, _("Missing by chance?"), _("Test"), (Column("χ²", n=True), P), tests),
        simple(
            _("Commonest patterns of blanks (of %(n)s)") % {"n": count(found.patterns)},
            (_("Blank"), _("Customers")),
            ((pattern, [count(n)]) for pattern, n in found.commonest),
            True,
        ),
    ]
    return Section(
        "missing",
        _("Missing answers"),
        _missing_sentence(terms),
        (
            _(
                "That a test does not reject chance (MCAR) proves little. “Not applicable” is no accident and is left "
                "out of it. Gaps are never imputed; factor models use all answers (EM)."
            ),
        ),
        tuple(table for table in tables if table.rows),
        points=_missing_points(terms),
    )


def _missing_sentence(terms: Terms) -> str:
    found = terms.research.missingness
    if found.blank.value is None:
        return _("Missing answers cannot be told: %(why)s.") % {"why": reason(found.blank)}
    words = _("%(blank)s of the ratings were left blank, %(away)s were “not applicable” or “cannot judge”.") % {
        "blank": share(found.blank.value, 1),
        "away": share(found.not_applicable.value, 1),
    }
    p = found.p_little.value
    if p is None:
        return words
    told = (
        _("The blanks do not look like chance alone (Little's test, p %(p)s).")
        if p < 1 - terms.thresholds.level
        else _("The blanks may be chance (Little's test, p %(p)s).")
    )
    return _("%(first)s %(second)s") % {"first": words, "second": told % {"p": P.form(p)}}


def _missing_points(terms: Terms) -> tuple[Point, ...]:
    found, limit = terms.research.missingness, 1 - terms.thresholds.level
    if found.blank.value is None:
        return (Point("open", _("Whether answers are missing by chance cannot be told yet.")),)
    part = {"share": share(found.blank.value, 1)}
    groups = [terms.trait(name) for name, p in found.by_trait.items() if p.value is not None and p.value < limit]
    if found.blank.value < FEW_BLANKS and not groups:
        return (Point("good", _("Few ratings were left blank (%(share)s), and no group more than another.") % part),)
    if groups:
        text = _("Blanks (%(share)s) are not equally frequent in all groups: %(names)s.")
        return (Point("caution", text % (part | {"names": joined(groups)})),)
    return (Point("caution", _("Many ratings were left blank (%(share)s): read the items with their n.") % part),)
