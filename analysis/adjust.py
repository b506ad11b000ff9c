"""Adjusting p values for the number of tests on one page (R's `p.adjust`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

PValues = Sequence[float | None]


def holm(p: PValues) -> list[float | None]:
    """Holm's step-down adjustment: the familywise error rate, whatever the dependence.

    A missing p stays missing and does not count in the number of tests.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scand. J. Statist. 6, 65-70.
    """
    given, order = _ordered(p)
    m = order.size
    stepped = np.maximum.accumulate((m - np.arange(m)) * given[order]) if m else given
    return _placed(p, order, np.minimum(stepped, 1.0))


def benjamini_hochberg(p: PValues) -> list[float | None]:
    """Benjamini and Hochberg's step-up adjustment: the false discovery rate.

    For tests that are independent or depend positively on one another.

    References
    ----------
    Benjamini, Y. and Hochberg, Y. (1995). Controlling the false discovery rate. JRSS B 57, 289-300.
    """
    return _step_up(p, 1.0)


def benjamini_yekutieli(p: PValues) -> list[float | None]:
    """As `benjamini_hochberg`, for any dependence: larger by the factor ``1 + 1/2 + ... + 1/m``.

    References
    ----------
    Benjamini, Y. and Yekutieli, D. (2001). The control of the false discovery rate under dependency. Ann. Statist. 29.
    """
    m = sum(one is not None for one in p)
    return _step_up(p, sum(1 / i for i in range(1, m + 1)))


def _step_up(p: PValues, factor: float) -> list[float | None]:
    given, order = _ordered(p)
    m = order.size
    steps = factor * m / np.arange(1, m + 1) * given[order]
    stepped = np.minimum.accumulate(steps[::-1])[::-1] if m else given
    return _placed(p, order, np.minimum(stepped, 1.0))


def _ordered(p: PValues) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """The p values that are there, and their ascending order."""
    given = np.array([one for one in p if one is not None], np.float64)
    return given, np.argsort(given, kind="stable")


def _placed(p: PValues, order: NDArray[np.intp], adjusted: NDArray[np.float64]) -> list[float | None]:
    """Adjusted values put back to where their p values stood."""
    back = np.empty(order.size)
    back[order] = adjusted
    found = iter(back.tolist())
    return [None if one is None else next(found) for one in p]
