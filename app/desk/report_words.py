"""Names, labels and numbers of the report in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from analysis.defects import Severity, Status
from analysis.figures import MARKS, Labels, plain, shown
from analysis.gaps import GapTests
from analysis.matrix import Layout
from analysis.report import Report
from analysis.results import Reason, Statistic
from app.words import _, alike, count, decimal, signed, worded
from surveys.questionnaire import Questionnaire


def reasons() -> dict[Reason, str]:
    """Why a statistic has no value: one sentence each."""
    return {
        "no_respondents": _("nobody answered"),
        "no_complete_pairs": _("nobody rated both columns"),
        "too_few": _("too few answers: hidden for privacy"),
        "one_respondent": _("one answer only: a spread needs two"),
        "no_variance": _("all values are equal"),
        "one_item": _("one item only: no internal consistency"),
        "no_expectation": _("expectation was not asked: there is no gap"),
        "no_importance": _("importance was not asked"),
        "no_outcome": _("satisfaction was not asked"),
        "no_complete_cases": _("nobody answered all the items concerned"),
        "all_differences_zero": _("all differences are zero"),
        "at_limit": _("too close to the limit to plan a number of answers"),
        "not_tested": _("not tested: only items of confirmed defects are"),
        "singular": _("the predictors repeat one another"),
        "not_asked": _("the questionnaire does not ask for it"),
        "one_group": _("one group only: nothing to compare with"),
        "few_branches": _("too few branches for this"),
        "unreliable_ranking": _("the branches differ too little to be put in order"),
        "few_periods": _("too few periods for limits"),
        "too_early": _("too few answers yet"),
        "just_identified": _("the model has as many parameters as the data have moments: its fit cannot be tested"),
        "not_identified": _("the data cannot tell the parameters of the model apart"),
        "not_converged": _("the estimation found no best solution"),
        "improper_solution": _("the solution is not possible: a negative variance, or impossible correlations"),
        "off_scale": _("outside the range of the ratings"),
        "not_positive": _("a correlation that must be positive is not"),
        "nothing_missing": _("no answer was left blank"),
        "wrong_sign": _("low ratings go with more, or high ones with less: the sign is the wrong way round"),
        "not_needed": _("not needed: the ordinary test can be made"),
        "nobody_concerned": _("it concerned nobody of those who answered"),
        "no_days": _("the days of the answers are not known"),
        "at_end": _("at the end of its scale: no interval"),
    }


def reason(stat: Statistic) -> str:
    """The reason of an undefined statistic as a sentence."""
    return reasons()[stat.reason] if stat.reason else _("not defined")


def status_word(status: Status) -> str:
    """How sure it is, in words."""
    return {
        "confirmed": _("confirmed"),
        "probable": _("probable"),
        "inconclusive": _("cannot be told yet"),
        "no_defect_shown": _("no defect shown"),
        "suppressed": _("too few answers"),
        "tolerated_shortfall": _("tolerated shortfall"),
        "ranked_by_perception": _("ranked by perception"),
    }[status]


def marked(status: Status) -> str:
    """Mark and word of a status."""
    return f"{MARKS[status]} {status_word(status)}"


def severity_word(severity: Severity) -> str:
    """How bad it is, in a word; empty for none."""
    return {"critical": _("critical"), "major": _("major"), "minor": _("minor"), "none": ""}[severity]


def share(value: float | None, decimals: int = 0) -> str:
    """A share in per cent, spaced as the language wants it."""
    if value is None:
        return "–"
    return (_("%(number)s %%") % {"number": decimal(100 * value, decimals)}).replace(" ", "\u00a0")


def size(value: float | None) -> str:
    """A shortfall without its sign."""
    return "–" if value is None else decimal(abs(value))


def capital(text: str) -> str:
    """`text` with a capital first letter."""
    return alike(text, text[:1].upper() + text[1:])


def joined(parts: list[str] | tuple[str, ...]) -> str:
    """A list in a sentence."""
    text = parts[0] if parts else ""
    for part in parts[1:]:
        text = _("%(first)s, %(second)s") % {"first": text, "second": part}
    return text


def span(stat: Statistic, plain_numbers: bool = False) -> str:
    """An interval in words; a dash when there is none."""
    if stat.low is None or stat.high is None:
        return "–"
    form = decimal if plain_numbers else signed
    return _("%(low)s to %(high)s") % {"low": form(stat.low), "high": form(stat.high)}


def span_of_sizes(stat: Statistic) -> str:
    """The interval of a shortfall without signs, smaller first."""
    low, high = sorted((abs(stat.low or 0), abs(stat.high or 0)))
    return _("%(low)s to %(high)s") % {"low": decimal(low), "high": decimal(high)}


def level(value: float | None) -> str:
    """A confidence level."""
    return share(value if value is not None else 0.95)


def stage_names(questionnaire: Questionnaire) -> dict[str, str]:
    """Stage names, the short ones where there are any."""
    return {stage.id: worded(stage.short or stage.name) for stage in questionnaire.stages}


class Named:
    """What the parts of a questionnaire are called in the reader's language."""

    questionnaire: Questionnaire
    layout: Layout

    @cached_property
    def stages(self) -> dict[str, str]:
        """Stage names, the short ones where there are any."""
        return stage_names(self.questionnaire)

    @cached_property
    def dimensions(self) -> dict[str, str]:
        """Dimension names."""
        return {dimension.id: worded(dimension.name) for dimension in self.questionnaire.dimensions}

    @cached_property
    def cells(self) -> dict[str, str]:
        """Cells as "stage · dimension"."""
        return {cell: self._cell(cell) for cell in self.layout.cells}

    def _cell(self, cell: str) -> str:
        stage, dimension = self.layout.place(cell)
        name = self.dimensions[dimension]
        return f"{self.stages[stage]} · {name}" if stage else name


@dataclass(frozen=True)
class Names(Named):
    """A report with its questionnaire: what things are called."""

    questionnaire: Questionnaire
    report: Report
    layout: Layout

    @cached_property
    def items(self) -> dict[str, str]:
        """The statements customers rated, in full."""
        return {item: worded(self.questionnaire.item(item).wording("perception")) for item in self.layout.items}

    @cached_property
    def touchpoints(self) -> dict[str, str]:
        """Short names of the items: their touchpoint, else the statement."""
        named = {item: capital(worded(self.questionnaire.item(item).touchpoint)) for item in self.items}
        return {item: named[item] or words for item, words in self.items.items()}

    def touched(self, cell: str) -> str:
        """The touchpoints of a cell; empty where the items name none."""
        ids = [self.layout.items[j] for j in self.layout.cell_items[cell]]
        found = [worded(self.questionnaire.item(item).touchpoint) for item in ids]
        return capital(joined(tuple(dict.fromkeys(name for name in found if name))))

    def is_hidden(self, name: str) -> bool:
        """Whether a cell or item may not be shown."""
        return name in self.report.hidden

    @property
    def n(self) -> int:
        """Answers in view."""
        return self.report.meta.n

    @property
    def format(self) -> str:
        """Two columns, three columns or perception alone."""
        return self.report.meta.format

    @property
    def floor(self) -> int:
        """Fewest answers that may be shown."""
        return max(self.questionnaire.min_group, self.report.thresholds.display_floor)

    @property
    def delta(self) -> float:
        """The limit of a defect on this scale; zero where a minimum was asked."""
        three = self.format == "three_column"
        return 0.0 if three else self.report.thresholds.delta(self.report.meta.points)

    def number(self, tests: GapTests) -> str:
        """The number the page is about, as text: a signed gap, or a perception mean."""
        stat = shown(self.report, tests)
        return decimal(stat.value) if self.format == "perception_only" else signed(stat.value)

    @cached_property
    def weights(self) -> dict[str, str]:
        """Weights under the names of dimensions and stages, where points were shared out."""
        found = self.report.importance.dimension_weights | self.report.importance.stage_weights
        return {
            name: _("weight %(share)s") % {"share": share(stat.value / 100)}
            for name, stat in found.items()
            if stat.value is not None
        }

    @cached_property
    def labels(self) -> Labels:
        """Names and words for the charts."""
        return Labels(self.items, self.cells, self.dimensions, self.stages, self._words(), self.weights, self._hover())

    def _words(self) -> dict[str, str]:
        scale = {"m": self.report.meta.points}
        gap = {"perception_only": _("mean"), "three_column": _("P − minimum")}.get(self.format, _("gap"))
        interval = _("%(what)s with %(level)s interval") % {"what": gap, "level": level(self.report.thresholds.level)}
        anchors = self.questionnaire.rating_scale.anchors
        bottom, top = (
            worded(anchors[end]) if anchors else str(end)
            for end in (min(anchors or {1: {}}), max(anchors or {self.report.meta.points: {}}))
        )
        desired = self.format == "three_column"
        return {
            "all": _("All"),
            "all_items": _("all its items"),
            "agree": top,
            "disagree": bottom,
            "dimension": _("Dimension"),
            "differences": _("difference of one customer, perception − desired (points); bars count customers")
            if desired
            else _("difference of one customer, perception − expectation (points); bars count customers"),
            "expected": _("Desired") if desired else _("Expected"),
            "few": _("too few answers"),
            "gap": gap,
            "got": _("Got"),
            "interval": interval,
            "mean": _("mean"),
            "minimum": _("Minimum"),
            "n": _("n"),
            "score": _("score, 1 to %(m)s") % scale,
            "stage": _("Stage"),
            "wording": _("What customers rated, in the words of the questionnaire"),
        }

    def _hover(self) -> dict[str, str]:
        found = {}
        for cell, tests in self.report.gaps.cells.items():
            stat = shown(self.report, tests)
            if not self.is_hidden(cell) and stat.value is not None:
                line = _("%(gap)s (%(interval)s), n %(n)s") % {
                    "gap": self.number(tests),
                    "interval": span(stat, self.format == "perception_only"),
                    "n": count(stat.n),
                }
                found[cell] = f"{plain(self.cells[cell])}<br>{line}"
        return found


def column_limits(names: Names, steps: tuple[float, ...]) -> tuple[tuple[str, str], ...]:
    """The legend of the map's colours: class of the swatch and its words."""
    if names.format == "perception_only":
        low, middle, high = (decimal(at) for at in steps)
        return (
            ("a3", _("up to %(at)s") % {"at": low}),
            ("a2", _("to %(at)s") % {"at": middle}),
            ("a1", _("to %(at)s") % {"at": high}),
            ("a0", _("above")),
        )
    critical, major, minor, *above = steps
    none = _("within ±%(at)s") % {"at": decimal(above[0])} if minor else _("up to %(at)s") % {"at": signed(above[0])}
    return (
        ("crit", _("%(at)s or worse") % {"at": signed(critical)}),
        ("major", _("to %(at)s") % {"at": signed(major)}),
        ("minor", _("to %(at)s") % {"at": signed(minor)} if minor else _("below 0")),
        ("none", none),
        ("plus", _("surplus")),
    )
