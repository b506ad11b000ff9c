"""Answers as padded bytes: a respondent's row is a whole number of machine words, so that a row is looked at at once.

Which rows are complete, and how many of their answers are blank, is found eight answers at a time, and rows are put
in another order by copying 32 bytes each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.matrix import Bytes
from surveys.codes import NOT_ASKED

Flags = NDArray[np.bool_]

WIDTH = 32
"""Rows are padded to a multiple of so many bytes: numpy copies rows of just this size quickest."""

FILLING = 1
"""What stands in the padding: a scale point, so that it is neither blank nor missing."""

ALL = np.uint64(0x0101010101010101)
"""Eight flags that are set."""


def packed(column: Bytes) -> Bytes:
    """(n, width) copy of an (n, items) column, padded."""
    n, items = column.shape
    found = np.full((n, max(-(-items // WIDTH), 1) * WIDTH), FILLING, np.uint8)
    found[:, :items] = column
    return found


def count_in_rows(flags: Flags) -> NDArray[np.int32]:
    """(n,): flags that are set in each row of an (n, width) array."""
    words = np.bitwise_count(flags.view(np.uint64))
    found = np.zeros(flags.shape[0], np.int32)
    for word in words.T:
        found += word
    return found


def all_rated(column: Bytes) -> Flags:
    """(n,): rows of a padded column in which every answer is a scale point."""
    words = (column - np.uint8(1) < np.uint8(NOT_ASKED - 1)).view(np.uint64)  # a blank wraps round to the largest byte
    joint = words[:, 0].copy()
    for word in words.T[1:]:
        joint &= word
    found: Flags = joint == ALL
    return found


def in_order(values: NDArray[Any] | None, order: NDArray[np.intp] | None, axis: int = 0) -> Any:
    """The rows in another order, where there are any."""
    return values if values is None or order is None else values.take(order, axis=axis)
