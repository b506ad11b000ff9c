"""Why a gap is there: the chain of gaps inside the bank, in words and tables."""

from __future__ import annotations

from functools import cache

from analysis import figure_waves as draw
from analysis.causes import Causes, CellCauses, Link
from app.desk.appendix_charts import figured
from app.desk.appendix_parts import Column, Figured, Given, Point, Section, Table, build, column, ranged, simple
from app.desk.appendix_words import Terms
from app.desk.report_words import joined, share
from app.words import _, count, decimal, signed, worded
from surveys.authoring import load, remedies
from surveys.questionnaire import Text


def link_word(link: Link) -> str:
    """A link of the chain as what goes wrong there."""
    return {
        "gap_1": _("managers do not know what customers expect (gap 1)"),
        "gap_2": _("no standard says it (gap 2)"),
        "gap_3": _("the standard is not kept (gap 3)"),
        "gap_4": _("more is promised than is done (gap 4)"),
        "none": _("not explained inside the bank"),
        "no_data": _("no data"),
        "no_defect": _("no confirmed defect"),
    }[link]


def short_gap_words() -> dict[str, str]:
    """The same for a narrow chart."""
    return {
        "gap_1": _("1 Knowledge"),
        "gap_2": _("2 Standards"),
        "gap_3": _("3 Delivery"),
        "gap_4": _("4 Promises"),
        "gap_5": _("5 Customers"),
    }


def gap_words(three: bool = False) -> dict[str, str]:
    """The gaps by name."""
    return {
        "gap_1": _("1 Knowledge: managers − customers"),
        "gap_2": _("2 Standards"),
        "gap_3": _("3 Delivery"),
        "gap_4": _("4 Promises"),
        "gap_5": _("5 Customers: perception − minimum") if three else _("5 Customers: perception − expectation"),
    }


def causes(terms: Terms) -> Section | None:
    """The chain of every cell and the first broken link."""
    found = terms.research.causes
    if found is None:
        return None
    worst = _worst(found)
    folded = [_chain(terms, found), _shares(terms, found), _antecedents(terms, found)]
    return Section(
        "causes",
        _("Causes"),
        _sentence(terms, found, worst),
        (
            _(
                "Gaps 1 to 4 lie inside the bank; gap 5 is what customers feel. The first broken link is named as the "
                "cause, since a later one makes no sense before it is mended. Negative is a shortfall; gaps 2 to 4 "
                "are the mean rating minus the top of the scale."
            ),
            _(
                "People rate their own work, so gaps 2 to 4 flatter. It is a profile, not a proof. Staff %(staff)s, "
                "managers %(managers)s; fewer than %(staff_floor)s or %(manager_floor)s count as none."
            )
            % {
                "staff": count(found.staff),
                "managers": count(found.managers),
                "staff_floor": count(terms.thresholds.staff_floor),
                "manager_floor": count(terms.thresholds.manager_floor),
            },
        ),
        tuple(table for table in (_links(terms, found), _remedies(found), *folded) if table.rows),
        _chart(terms, found, worst),
        _points(terms, found, worst),
    )


def _worst(found: Causes) -> str | None:
    """The confirmed defect that customers feel most; without one the largest gap."""
    gaps = {cell: one.gap_5.value for cell, one in found.cells.items() if one.gap_5.value is not None}
    known = {cell: gap for cell, gap in gaps.items() if found.cells[cell].primary != "no_defect"} or gaps
    return min(known, key=lambda cell: known[cell]) if known else None


def _sentence(terms: Terms, found: Causes, worst: str | None) -> str:
    if not found.staff and not found.managers:
        return _("Too few staff and managers have answered for causes to be looked for.")
    if worst is None:
        return _("Customers' gaps may not be shown, so no cause can be named for one.")
    one = found.cells[worst]
    return _("Where customers miss most (%(cell)s, %(gap)s): %(cause)s.") % {
        "cell": terms.cell(worst),
        "gap": signed(one.gap_5.value),
        "cause": link_word(one.primary),
    }


def _points(terms: Terms, found: Causes, worst: str | None) -> tuple[Point, ...]:
    if not found.staff and not found.managers:
        return (Point("open", _("Causes cannot be told: too few staff and managers have answered.")),)
    if worst is None:
        return ()
    named = found.cells[worst].primary in gap_words()
    return (Point("caution" if named else "open", _sentence(terms, found, worst)),)


def _links(terms: Terms, found: Causes) -> Table:
    """The first broken link of every confirmed defect, what customers feel most first."""
    cells = sorted(
        (cell for cell, one in found.cells.items() if one.primary not in ("no_defect", "no_data")),
        key=lambda cell: found.cells[cell].gap_5.value or 0.0,
    )
    rows = [
        (terms.cell(cell), (signed(one.gap_5.value), link_word(one.primary), _more(one)))
        for cell, one in ((cell, found.cells[cell]) for cell in cells)
    ]
    return simple(
        _("First broken link of the confirmed defects"),
        (_("Cell"), _("Gap 5"), _("First broken link"), _("Beside it")),
        rows,
    )


def _chain(terms: Terms, found: Causes) -> Table:
    rows: list[tuple[str, list[Given]]] = []
    for cell, one in found.cells.items():
        rows.append((terms.cell(cell), [one.gap_5, one.gap_1, one.gap_2, one.gap_3, one.gap_4, one.gap_6, one.gap_7]))
    columns = tuple(ranged(head, signed) for head in (_("Gap 5"), _("Gap 1"), _("Gap 2"), _("Gap 3"), _("Gap 4")))
    return build(
        terms,
        _("The chain of gaps"),
        _("Cell"),
        (*columns, Column(_("Gap 6"), signed), Column(_("Gap 7"), signed)),
        rows,
        folded=True,
        note=_(
            "Gap 6: staff's belief minus customers' expectation; gap 7: staff's belief minus managers' (gap 6 − gap 1)."
        ),
    )


def _more(one: CellCauses) -> str:
    """What else is to be known of a cell."""
    told = []
    if one.remedy == "upward_communication" and one.primary == "gap_1":
        told.append(_("staff know it: managers should listen to them"))
    if one.remedy == "research" and one.primary == "gap_1":
        told.append(_("staff do not know it either: ask customers"))
    if one.misallocated:
        told.append(_("managers overrate it"))
    if len(one.broken) > 1:
        told.append(_("also: %(names)s") % {"names": joined([link_word(link) for link in one.broken[1:]])})
    if one.weak_antecedents:
        told.append(_("weak: %(names)s") % {"names": joined([antecedent(name) for name in one.weak_antecedents])})
    return _("; ").join(told) or "–"


def _shares(terms: Terms, found: Causes) -> Table:
    rows: list[tuple[str, list[Given]]] = []
    for cell, one in found.cells.items():
        shares = [one.no_standard_managers, one.no_standard_staff, one.no_promise]
        unsure = [one.cannot_judge.get(grid) for grid in ("standards", "delivery", "promise")]
        rows.append((terms.cell(cell), [*shares, *unsure]))
    heads = (
        _("No standard (managers)"),
        _("No standard (staff)"),
        _("No promise"),
        _("Cannot judge: standards"),
        _("Cannot judge: delivery"),
        _("Cannot judge: promises"),
    )
    columns = tuple(Column(head, share) for head in heads)
    return build(terms, _("Without standard, without promise"), _("Cell"), columns, rows, folded=True)


def _antecedents(terms: Terms, found: Causes) -> Table:
    low = terms.thresholds.scaled(terms.thresholds.antecedent_low7 - 1, terms.layout.points) + 1
    return build(
        terms,
        _("What stands behind the links"),
        _("Scale"),
        (column(_("Mean"), decimal),),
        ((antecedent(name), (one,)) for name, one in found.antecedents.items()),
        folded=True,
        note=_("Low is bad; below %(low)s a scale is named as weak beside the link it bears on.")
        % {"low": decimal(low)},
    )


def _remedies(found: Causes) -> Table:
    """What the library recommends for the links that break first somewhere."""
    first = [one.primary for one in found.cells.values()]
    rows = [
        (link_word(link), (count(first.count(link)), worded(entry["action"])))
        for link, entry in ((link, remedies()[link]) for link in gap_words() if link != "gap_5" and link in first)
    ]
    return simple(_("What mends a link"), (_("Broken link"), _("Cells"), _("Recommended")), rows)


def _chart(terms: Terms, found: Causes, worst: str | None) -> Figured | None:
    if worst is None:
        return None
    names, words = gap_words(terms.format == "three_column"), {"x_axis": _("shortfall (points)")}
    one = found.cells[worst]
    return figured(
        "chain",
        _("%(cell)s: %(cause)s") % {"cell": terms.cell(worst), "cause": link_word(one.primary)},
        _("The chain from knowledge to promise, and what customers feel; coloured: broken. Bars are intervals."),
        lambda width: draw.chain(
            found, worst, one.gap_5, short_gap_words() if width == "narrow" else names, words, width
        ),
    )


@cache
def _scales(questionnaire: str) -> dict[str, Text]:
    """Names of the scales behind the links, as the questionnaire calls them."""
    return {block.id: block.name for block in load(questionnaire).blocks if block.role == "antecedents"}


def antecedent(name: str) -> str:
    """A scale with who answered it."""
    who, _dot, scale = name.partition(".")
    questionnaire, by = {
        "staff": ("pfs_staff", _("staff")),
        "manager": ("pfs_manager", _("managers")),
    }[who]
    called = worded(_scales(questionnaire).get(scale) or {}) or scale
    return _("%(scale)s (%(who)s)") % {"scale": called, "who": by}
