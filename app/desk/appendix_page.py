"""The statistical appendix as a page, or as one file that opens offline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from analysis.matrix import Layout
from analysis.research import Research
from analysis.thresholds import DEFAULT, Thresholds
from app.desk.appendix_parts import Point, Section
from app.desk.appendix_sections import sections
from app.desk.appendix_words import Terms
from app.desk.report_context import Download, Filter, Language, NavItem
from app.desk.report_page import BUNDLE, inlined
from app.desk.report_words import joined
from app.words import _, count, render
from surveys.questionnaire import Questionnaire


@dataclass(frozen=True)
class AppendixPage:
    """Everything the page is made of; without results the chosen filter may not be shown."""

    questionnaire: Questionnaire
    research: Research | None
    layout: Layout
    title: str
    wave: str
    simulated: bool
    thresholds: Thresholds = DEFAULT
    floor: int | None = None  # fewest answers shown; None: as the questionnaire promises
    pilot: bool = False
    simulated_note: str = ""
    fingerprint: str = ""
    code_version: str = ""
    report_url: str = ""  # the way back; empty in a file by itself
    self_url: str = ""
    static_url: Callable[[str], str] = str
    filters: tuple[Filter, ...] = ()
    downloads: tuple[Download, ...] = ()
    languages: tuple[Language, ...] = ()
    nav: tuple[NavItem, ...] = ()
    person: str | None = None
    sign_out: str | None = None
    csrf: str = ""
    self_contained: bool = False
    open_cell: str | None = None  # the appendix opens no cell; the filter bar is the report's


@dataclass(frozen=True)
class View:
    """The page in words."""

    title: str
    lead: tuple[str, ...]
    results: tuple[Section, ...]
    points: tuple[tuple[Section, Point], ...]
    chosen_filters: str


def render_appendix(page: AppendixPage) -> str:
    """The whole page as HTML."""
    floor = page.floor if page.floor is not None else max(page.questionnaire.min_group, page.thresholds.display_floor)
    terms = Terms(page.questionnaire, page.layout, page.research, page.thresholds, floor) if page.research else None
    return render(
        "report/appendix.html",
        page=page,
        view=_view(page, terms, floor),
        names=terms or Unnamed(floor),
        bundle=BUNDLE,
        inlined=inlined() if page.self_contained else None,
        marks=_marks(),
    )


@dataclass(frozen=True)
class Unnamed:
    """What the filter bar knows of a view that may not be shown."""

    floor: int
    n: int = 0


def _marks() -> dict[str, tuple[str, str]]:
    """Mark and word of an answer to the officer."""
    return {"good": ("✓", _("Fine")), "caution": ("!", _("Caution")), "open": ("?", _("Cannot be told"))}


def _view(page: AppendixPage, terms: Terms | None, floor: int) -> View:
    if terms is None:
        told = _("This choice cannot be shown: it would tell about fewer than %(floor)s people") % {"floor": floor}
        return View(
            told,
            (
                _(
                    "Choose a wider filter, and at most two at once. Answers are shown only in groups, so that "
                    "nobody can be recognised."
                ),
            ),
            (),
            (),
            _chosen(page),
        )
    found = sections(terms)
    points = tuple((section, point) for section in found for point in section.points)
    lead = _(
        "What a psychometrician would ask of these %(n)s answers: how the scales were checked, what may be "
        "compared, and "
        "how sure each number is. Read “In plain words” first; each line leads to its section. Defects are "
        "decided in the "
        "report alone."
    ) % {"n": count(terms.n)}
    return View(_("Statistical appendix"), (lead,), found, points, _chosen(page))


def _chosen(page: AppendixPage) -> str:
    """The chosen filters in a line."""
    chosen = [option.label for found in page.filters for option in found.options if option.chosen and option.value]
    return joined(chosen) if chosen else _("all answers")
