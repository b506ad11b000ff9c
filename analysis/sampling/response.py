"""Response rates of people who were invited."""

from __future__ import annotations

from analysis.frequencies import wilson
from analysis.results import Statistic


def rr1(
    complete: int,
    partial: int = 0,
    refusal: int = 0,
    noncontact: int = 0,
    other: int = 0,
    unknown: int = 0,
    level: float = 0.95,
) -> Statistic:
    """AAPOR's response rate 1, the lowest of its rates: ``I / ((I + P) + (R + NC + O) + (UH + UO))``.

    Parameters
    ----------
    complete : int
        Complete answers, I.
    partial : int
        Begun and not sent, P; they count as no answer.
    refusal, noncontact, other : int
        Eligible people who did not answer: refused R, not reached NC, other reasons O.
    unknown : int
        People of whom it is not known whether they are eligible, UH + UO, such as addresses that mail did not reach.
    level : float
        Of Wilson's interval.

    Returns
    -------
    Statistic
        Share in [0, 1]; undefined when nobody was invited.

    Raises
    ------
    ValueError
        When a number is negative.

    References
    ----------
    AAPOR (2016). Standard Definitions, 9th ed., section on response rates.
    """
    parts = (complete, partial, refusal, noncontact, other, unknown)
    if min(parts) < 0:
        raise ValueError(f"the numbers are {parts}; none may be negative")
    return wilson(complete, sum(parts), level)
