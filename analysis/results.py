"""The shape of every number the product states: `Statistic`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

Reason = Literal[
    "no_respondents",  # nobody answered
    "no_complete_pairs",  # nobody rated both columns
    "too_few",  # fewer respondents than the display floor: hidden for privacy
    "one_respondent",  # a spread needs two
    "no_variance",  # all values are equal
    "one_item",  # a scale of one item has no internal consistency
    "no_expectation",  # perception-only format: there is no gap
    "no_importance",  # importance was not asked
    "no_outcome",  # satisfaction was not asked
    "no_complete_cases",  # nobody answered all the items concerned
    "all_differences_zero",
    "at_limit",  # the estimate is too close to the limit to plan a sample
    "not_tested",  # outside the rule (items of a cell that is no confirmed defect)
    "singular",  # predictors repeat one another
    "not_asked",  # the questionnaire does not hold what is needed
    "one_group",  # a comparison needs two groups
    "few_branches",  # fewer branches than the method needs
    "unreliable_ranking",  # branch means differ too little to be put in order
    "few_periods",  # fewer periods than a chart needs for its limits
    "too_early",  # fewer answers than the method may start with
    "just_identified",  # as many parameters as moments: fit cannot be tested
    "not_identified",  # the data cannot tell the parameters of the factor model apart
    "not_converged",  # the estimation found no best solution
    "improper_solution",  # negative unique variance, or factors that no data can have
    "off_scale",  # outside the range of the ratings, where nothing was seen
    "not_positive",  # a correlation that must be positive is not
    "nothing_missing",  # no answer was left blank: nothing to test
    "wrong_sign",  # low ratings add or high ones cost: no share of either makes sense
    "not_needed",  # the ordinary test is defined, so its stand-in is not made
    "nobody_concerned",  # people answered, but the question arose for none of them
    "no_days",  # the days of the answers are not known
    "at_end",  # the estimate is at the end of its scale, where this interval does not exist
]
"""Why a statistic has no value: the one list of reasons, each with its sentence in the templates."""

REASONS: tuple[str, ...] = get_args(Reason)


@dataclass(frozen=True, slots=True)
class Statistic:
    """One number with what is needed to trust it.

    Attributes
    ----------
    value : float or None
        The estimate, unrounded; None when it is not defined, with `reason` saying why.
    low, high : float or None
        Limits of the interval at `level`; None when there is none.
    level : float or None
        Confidence level of the interval, such as 0.95.
    n : int
        Respondents (or pairs) behind the value.
    method : str
        Short name of the method, such as ``"mean, t interval"``.
    flags : tuple of str
        Cautions by name, such as ``"below_display_floor"``.
    reason : str or None
        One of `REASONS` when `value` (or the interval) is None.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    n: int = 0
    method: str = ""
    flags: tuple[str, ...] = ()
    reason: Reason | None = None

    def hidden(self) -> Statistic:
        """What stands for a statistic that may not be shown, the same whatever it hides: its method tells as well."""
        return Statistic(None, reason="too_few")

    def flagged(self, *flags: str) -> Statistic:
        """The same statistic with further flags."""
        return replace(self, flags=tuple(dict.fromkeys(self.flags + flags)))


def held(
    value: float, low: float, high: float, level: float, n: int, method: str, flags: tuple[str, ...] = ()
) -> Statistic:
    """A statistic whose interval holds it, flagged ``interval_widened`` where a limit had to be moved for that."""
    slack = 1e-9 * max(1.0, abs(value))
    if value < low - slack or value > high + slack:
        flags = (*flags, "interval_widened")
    return Statistic(value, min(low, value), max(high, value), level, n, method, flags)


def undefined(reason: Reason, n: int = 0, method: str = "", level: float | None = None) -> Statistic:
    """A statistic without a value."""
    return Statistic(None, None, None, level, n, method, (), reason)
