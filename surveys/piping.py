"""Names put into the wording of items: ``{bank}``, ``{branch|your branch}``, ``{product|this product}``.

What stands behind the bar is said when the name is not known, and wherever the item is spoken of in general, as in a
report.  Besides the bank and the branch, the name of any single choice brings the option that was chosen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

PLACE = re.compile(r"\{([A-Za-z][A-Za-z0-9_]{0,39})(?:\|([^{}|]*))?\}")
BANK, BRANCH = "bank", "branch"
GENERAL = {"en": "this bank", "zh-CN": "这家银行", "zh-TW": "這家銀行"}
"""What ``{bank}`` is without a name."""


@dataclass(frozen=True)
class Pipe:
    """A place in a wording: the name of what goes there, and what is said without it."""

    name: str
    otherwise: str


def pieces(text: str, language: str = "en") -> Iterator[str | Pipe]:
    """A wording cut at its places.

    Parameters
    ----------
    text : str
    language : str
        In which the bank is called "this bank" when no other word is given.

    Yields
    ------
    str or Pipe
    """
    at = 0
    for found in PLACE.finditer(text):
        if found.start() > at:
            yield text[at : found.start()]
        otherwise = found[2]
        if otherwise is None:
            otherwise = GENERAL.get(language, GENERAL["en"]) if found[1] == BANK else "…"
        yield Pipe(found[1], otherwise)
        at = found.end()
    if at < len(text):
        yield text[at:]


def names_in(text: Mapping[str, str]) -> set[str]:
    """The names that a wording asks for, in whichever language."""
    return {found[1] for words in text.values() for found in PLACE.finditer(words)}


def plain(text: Mapping[str, str]) -> dict[str, str]:
    """A wording as it is spoken of in general, in all its languages.

    Parameters
    ----------
    text : dict
        Language -> words.

    Returns
    -------
    dict
        The same without places.
    """
    return {
        language: "".join(one if isinstance(one, str) else one.otherwise for one in pieces(words, language))
        if "{" in words
        else words
        for language, words in text.items()
    }
