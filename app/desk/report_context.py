"""What the routes hand to the report page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from analysis.matrix import Layout
from analysis.report import Report
from surveys.questionnaire import Questionnaire


@dataclass(frozen=True)
class FilterOption:
    """One choice of a filter; `n` is its number of answers, `shown` is false when they are too few to look at."""

    value: str
    label: str
    n: int | None
    chosen: bool
    shown: bool


@dataclass(frozen=True)
class Filter:
    """One list in the filter bar; its `id` is the parameter's name, the option with the value "" means all."""

    id: str
    label: str
    options: tuple[FilterOption, ...]


@dataclass(frozen=True)
class Download:
    """A file that can be had from this page."""

    label: str
    href: str
    note: str = ""


@dataclass(frozen=True)
class Language:
    """A language the page can be switched to."""

    code: str
    name: str
    href: str


@dataclass(frozen=True)
class NavItem:
    """A link in the top bar."""

    label: str
    href: str
    current: bool = False


@dataclass(frozen=True)
class Recommendation:
    """What to do about a defect, in the reader's language."""

    action: str
    owner: str
    indicator: str
    lead_days: int | None


@dataclass(frozen=True)
class ReportPage:
    """Everything the page is made of."""

    questionnaire: Questionnaire
    report: Report
    layout: Layout
    title: str
    wave: str
    simulated: bool
    n_released: int
    fingerprint: str
    code_version: str
    self_url: str
    static_url: Callable[[str], str]
    opens: date | None = None
    closes: date | None = None
    release: int | None = None
    release_day: date | None = None
    filters: tuple[Filter, ...] = ()
    hidden_view: bool = False  # the chosen filter has too few answers: nothing of the report is shown
    open_cell: str | None = None  # the opened defect
    downloads: tuple[Download, ...] = ()
    languages: tuple[Language, ...] = ()
    nav: tuple[NavItem, ...] = ()
    person: str | None = None
    sign_out: str | None = None  # where the sign-out form is posted
    csrf: str = ""
    self_contained: bool = False  # one file that opens offline
    from_file: bool = False  # the answers came from a file; `wave` is its name
    recommendations: dict[str, Recommendation] = field(default_factory=dict)  # by cell id
    pilot: bool = False
    simulated_note: str = ""  # how the simulated answers were made
    appendix: str = ""  # where the statistical appendix of the same answers is
