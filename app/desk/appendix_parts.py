"""What the statistical appendix is made of: sections, and tables as text ready to print."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import Literal

from analysis.results import Statistic
from app.desk.appendix_words import Terms
from app.desk.report_tables import Chart, Row
from app.desk.report_words import level, reason
from app.words import _, count, decimal, pvalue

Form = Callable[[float | None], str]
Given = Statistic | str | None
Mark = Literal["good", "caution", "open"]

LATENT = "latent_responses"
"""Said once for the whole section instead of under every table."""

NUMERIC = re.compile(r"[<>±+−\d.,%\s\u00a0/–]*")


@dataclass(frozen=True)
class Table:
    """A table as text; the first of `columns` stands over the headings of the rows."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    folded: bool = False  # large: behind a click
    grey: bool = False  # means that may not be compared
    note: str = ""
    group: str = ""  # folded tables in a row with one heading stand behind one click

    @cached_property
    def wordy(self) -> tuple[bool, ...]:
        """Which columns hold words rather than numbers."""
        found = []
        for at in range(len(self.columns) - 1):
            texts = [row.values[at] for row in self.rows if row.values[at] != "–"]
            found.append(2 * sum(not NUMERIC.fullmatch(text) for text in texts) > len(texts))
        return tuple(found)


@dataclass(frozen=True)
class Point:
    """One answer for the officer, with its mark."""

    mark: Mark
    text: str


@dataclass(frozen=True)
class Figured:
    """A chart with what its heading says."""

    chart: Chart
    title: str
    note: str


@dataclass(frozen=True)
class Section:
    """One family of results."""

    id: str
    title: str
    sentence: str
    notes: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    figure: Figured | None = None
    points: tuple[Point, ...] = ()

    @cached_property
    def folds(self) -> tuple[tuple[str, tuple[Table, ...]], ...]:
        """The tables in their order, those behind one click together under its heading."""
        return tuple((name, tuple(found)) for name, found in groupby(self.tables, lambda table: table.group))


@dataclass(frozen=True)
class Column:
    """A column of statistics: its heading, and whether interval and respondents stand beside."""

    head: str
    form: Form = decimal
    interval: bool = False
    n: bool = False


P = Column("p", pvalue)


def column(head: str, form: Form = decimal) -> Column:
    """Value, interval and respondents."""
    return Column(head, form, interval=True, n=True)


def ranged(head: str, form: Form = decimal) -> Column:
    """Value and interval."""
    return Column(head, form, interval=True)


def whole(value: float | None) -> str:
    """A number without decimals."""
    return decimal(value, 0)


def third(value: float | None) -> str:
    """A number with three decimals."""
    return decimal(None if value is None else round(value, 3) + 0.0, 3)


def build(
    terms: Terms,
    caption: str,
    first: str,
    columns: Sequence[Column],
    rows: Iterable[tuple[str, Sequence[Given]]],
    *,
    folded: bool = False,
    grey: bool = False,
    note: str = "",
) -> Table:
    """A table of statistics; intervals only where some row has one, and a last column for cautions if there are any."""
    given = [(head, list(values)) for head, values in rows]
    kept = [_kept(one, [values[at] for _head, values in given]) for at, one in enumerate(columns)]
    heads = [first]
    for at, one in enumerate(kept):
        heads.append(one.head)
        if one.interval:
            at_level = level(_level([values[at] for _head, values in given]))
            heads += [_("%(level)s low") % {"level": at_level}, _("%(level)s high") % {"level": at_level}]
        if one.n:
            heads.append(_("n"))
    flags = [_flags(columns, values) for _head, values in given]
    shared = [flag for flag in flags[0] if all(flag in other for other in flags)] if len(flags) > 1 else []
    cautions = [_("; ").join(terms.caution(flag) for flag in found if flag not in shared) for found in flags]
    if any(cautions):
        heads.append(_("Remark"))
    remarks = _("; ").join(terms.caution(flag) for flag in shared if flag != LATENT)
    if remarks:
        note = " ".join(part for part in (note, _("All: %(remarks)s.") % {"remarks": remarks}) if part)
    made = []
    for (head, values), caution in zip(given, cautions, strict=True):
        texts = [text for one, value in zip(kept, values, strict=True) for text in _texts(one, value)]
        made.append(Row(head, (*texts, caution or "–") if any(cautions) else tuple(texts)))
    return Table(caption, tuple(heads), tuple(made), folded, grey, note)


def _kept(one: Column, values: Sequence[Given]) -> Column:
    """The column without an interval that no row has."""
    found = [value for value in values if isinstance(value, Statistic)]
    return replace(one, interval=one.interval and any(value.low is not None for value in found))


def _level(values: Sequence[Given]) -> float | None:
    return next((v.level for v in values if isinstance(v, Statistic) and v.low is not None), None)


def _texts(one: Column, value: Given) -> list[str]:
    """Value, limits and respondents of one statistic; its reason where it has no value."""
    extra = 2 * one.interval + one.n
    if not isinstance(value, Statistic):
        return ["–" if value is None else value, *("–",) * extra]
    if value.value is None:
        return [
            said(value),
            *("–",) * (2 * one.interval),
            *((count(value.n),) if one.n and value.n else ("–",) * one.n),
        ]
    texts = [one.form(value.value)]
    if one.interval:
        texts += [one.form(value.low), one.form(value.high)]
    return [*texts, count(value.n)] if one.n else texts


def _flags(columns: Sequence[Column], values: Sequence[Given]) -> tuple[str, ...]:
    """The flags of a row, each once; where a column has intervals, also why this row has none."""
    found: list[str] = []
    for one, value in zip(columns, values, strict=True):
        if isinstance(value, Statistic):
            found += value.flags
            found += [value.reason] if one.interval and value.value is not None and value.reason else []
    return tuple(dict.fromkeys(found))


def said(stat: Statistic) -> str:
    """Why a statistic has no value; the report's words for what it leaves out are about its own rules."""
    return _("does not apply here") if stat.reason == "not_tested" else reason(stat)


def simple(
    caption: str, columns: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]], folded: bool = False
) -> Table:
    """A table of texts."""
    return Table(caption, tuple(columns), tuple(Row(head, tuple(values)) for head, values in rows), folded)


def grouped(heading: str, tables: Iterable[Table]) -> list[Table]:
    """Tables behind one click."""
    return [replace(table, folded=True, group=heading) for table in tables if table.rows]


def span_words(values: Sequence[float], form: Form = decimal) -> str:
    """The range of some numbers in words."""
    low, high = form(min(values)), form(max(values))
    return low if low == high else _("%(low)s to %(high)s") % {"low": low, "high": high}


def values_of(stats: Iterable[Statistic]) -> list[float]:
    """The values that are defined."""
    return [stat.value for stat in stats if stat.value is not None]


def why(stat: Statistic | None) -> str:
    """Why a sentence has no number."""
    return said(stat) if stat is not None else _("the questionnaire does not ask for it")
