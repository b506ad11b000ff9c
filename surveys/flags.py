"""What is known of the way a submission came, as bits of one number: flagged, never dropped."""

from __future__ import annotations

AGAIN = 1
"""The same browser had sent answers to this survey before."""
UNPROVED = 2
"""The sender's computer did not do the small piece of work that a browser does while one answers."""
BURST = 4
"""More answers came from the same network within a minute than people give."""
HASTY = 8
"""Sent sooner than the questions can be read."""
LATE = 16
"""Given before the survey closed, on a device without a network, and delivered afterwards."""
OVER = 32
"""Beyond a quota that was full by the time the answers came."""

NAMES: dict[int, str] = {
    AGAIN: "same_browser",
    UNPROVED: "no_proof",
    BURST: "burst",
    HASTY: "hasty",
    LATE: "late",
    OVER: "over_quota",
}
"""The names under which files and the report speak of them."""


COLUMN = "flag_"
"""With the name behind it, the name of a column of 0 and 1 in files."""


def names_of(flags: int) -> list[str]:
    """The names of the bits that are set.

    Parameters
    ----------
    flags : int
        A sum of the constants of this module; unknown bits are passed over.

    Returns
    -------
    list of str
    """
    return [name for bit, name in NAMES.items() if flags & bit]
