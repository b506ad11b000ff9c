"""The order of items within their stage, where it is drawn by lot for each visit.

The seed of a visit follows from the sender's key, as its lots do (`surveys.lots`), and is stored with the answers: a
number of 16 bits that names nobody and tells researchers in which order the items stood.  The script draws the same
order (`static/whole.js`).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from surveys.lots import mixed, number

SEEDS = 65_535
STEP = 0x9E3779B1  # the golden ratio of 32 bits: seeds side by side give ranks far apart


def seed_of(key: str) -> int:
    """The seed of a visit.

    Parameters
    ----------
    key : str
        The sender's key.

    Returns
    -------
    int
        1 to `SEEDS`; 0 stands for the questionnaire's own order.
    """
    return 1 + number(f"{key}:order") % SEEDS


def rank(item: str, seed: int) -> int:
    """Where an item comes among the others of its page: the lowest first.

    Parameters
    ----------
    item : str
        Its id.
    seed : int
        The seed of the visit.

    Returns
    -------
    int
        32 bits.
    """
    return mixed((number(item) + seed * STEP) & 0xFFFFFFFF)


def ranks(items: Iterable[str], seeds: NDArray[np.integer]) -> NDArray[np.uint32]:
    """`rank` of many visits at once.

    Parameters
    ----------
    items : iterable of str
        Ids of k items.
    seeds : (n,) int
        Seeds of n visits.

    Returns
    -------
    (n, k) uint32
    """
    own = np.array([number(item) for item in items], np.uint32)
    found = own[None, :] + seeds.astype(np.uint32)[:, None] * np.uint32(STEP)
    found ^= found >> np.uint32(16)
    found *= np.uint32(0x85EBCA6B)
    found ^= found >> np.uint32(13)
    found *= np.uint32(0xC2B2AE35)
    mixed_: NDArray[np.uint32] = found ^ (found >> np.uint32(16))
    return mixed_
