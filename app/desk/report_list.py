"""The ranked list: one row a cell, with its six fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from analysis.defects import Defect
from analysis.figures import shown
from analysis.results import Statistic
from app.desk.report_context import Recommendation
from app.desk.report_sentences import LISTED, certainty, of_status, what_would_tell
from app.desk.report_words import Names, marked, reason, severity_word, share, span
from app.words import _, count, decimal, signed

Href = Callable[[str], str]


@dataclass(frozen=True)
class Mini:
    """The small interval of a list row, in pixels of its 128 x 16 drawing."""

    zero: float
    limit: float | None
    low: float
    high: float
    value: float


@dataclass(frozen=True)
class Line:
    """One row of the ranked list, as text."""

    place: int
    cell: str
    where: str
    touched: str
    href: str
    gap: str
    short: bool
    bad: str
    mini: Mini | None
    many: tuple[str, str]
    matter: tuple[str, str]
    sure: tuple[str, str]
    next: str
    action: bool


def ranked(names: Names) -> list[Defect]:
    """The cells of the list, in its order."""
    return [defect for status in LISTED for defect in of_status(names, status) if not names.is_hidden(defect.cell)]


def main_number(names: Names, defect: Defect) -> Statistic:
    """The figure a defect is about: its gap, or its perception mean where expectation was not asked."""
    return (
        shown(names.report, names.report.gaps.cells[defect.cell]) if names.format == "perception_only" else defect.gap
    )


def bad_words(names: Names, defect: Defect) -> tuple[str, str]:
    stat = main_number(names, defect)
    if stat.value is None:
        return "–", reason(stat)
    plain = names.format == "perception_only"
    words = [span(stat, plain)]
    if defect.status in ("confirmed", "probable") and severity_word(defect.severity):
        words.append(severity_word(defect.severity))
    return decimal(stat.value) if plain else signed(stat.value), _(", ").join(words)


def mini(names: Names, stat: Statistic) -> Mini | None:
    """The small interval: zero, the limit and the estimate on a fixed span of the scale."""
    if names.format == "perception_only" or stat.value is None or stat.low is None or stat.high is None:
        return None
    points = names.report.meta.points
    low, high = -(points - 1) / 2, (points - 1) / 6

    def at(value: float) -> float:
        return round(4 + 120 * (min(max(value, low), high) - low) / (high - low), 1)

    limit = at(-names.delta) if names.delta else None
    return Mini(at(0), limit, at(stat.low), at(stat.high), at(stat.value))


def many_words(names: Names, defect: Defect) -> tuple[str, str]:
    if names.format == "perception_only":
        return _met(defect), ""
    if defect.occurrence.value is None:
        return reason(defect.occurrence), _met(defect)
    got = _("%(share)s below their minimum") if names.format == "three_column" else _("%(share)s got less")
    return got % {"share": share(defect.occurrence.value)}, _met(defect)


def _met(defect: Defect) -> str:
    if defect.exposure.value is None:
        return reason(defect.exposure)
    return _("%(share)s met it") % {"share": share(defect.exposure.value)}


def rank_words(rank: Statistic) -> str:
    """The rank with its interval; one number when the draws agree."""
    if rank.value is None:
        return reason(rank)
    if rank.low is None or rank.high is None or round(rank.low) == round(rank.high):
        return _("rank by priority %(rank)s") % {"rank": round(rank.value)}
    return _("rank by priority %(low)s to %(high)s") % {"low": round(rank.low), "high": round(rank.high)}


def _matter(defect: Defect) -> tuple[str, str]:
    importance = _("importance %(share)s") % {"share": share(defect.importance.value)}
    if defect.status == "ranked_by_perception":
        return importance, ""
    if defect.priority.value is None:
        return reason(defect.priority), importance
    return _("priority %(value)s") % {"value": decimal(defect.priority.value)}, _(", ").join(
        [rank_words(defect.rank), importance]
    )


def _next(defect: Defect, recommendation: Recommendation | None) -> tuple[str, bool]:
    """What to do now, and whether that is an action."""
    if defect.status == "confirmed":
        if recommendation:
            return recommendation.action, True
        return _("Read its items and comments; no standard action is known"), False
    if defect.status == "inconclusive":
        return what_would_tell(defect), False
    return {
        "probable": _("Keep measuring; no action yet"),
        "tolerated_shortfall": _("A chance to stand out, not a defect"),
    }.get(defect.status, ""), False


def line(names: Names, defect: Defect, place: int, href: Href, recommendation: Recommendation | None) -> Line:
    """A row of the list."""
    gap, bad = bad_words(names, defect)
    stat = main_number(names, defect)
    what, action = _next(defect, recommendation)
    sure = _("n %(n)s") % {"n": count(stat.n)} if names.format == "perception_only" else certainty(defect)
    return Line(
        place,
        defect.cell,
        names.cells[defect.cell],
        names.touched(defect.cell),
        href(defect.cell),
        gap,
        defect.status in ("confirmed", "probable"),
        bad,
        mini(names, stat),
        many_words(names, defect),
        _matter(defect),
        (marked(defect.status), sure),
        what,
        action,
    )
