"""Language tags: which of the languages there are is nearest to the one that is wanted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from babel.core import get_global

TAG = re.compile(r"([a-z]{2,3})(?:-([A-Z][a-z]{3}))?(?:-([A-Z]{2}|[0-9]{3}))?")
"""A tag as it is kept: language, and if need be script and territory, as in zh-Hant-TW."""
LONGEST = 12


def tidy_tag(text: str) -> str:
    """A language tag in its usual spelling: ``zh_tw`` becomes ``zh-TW``.

    Raises
    ------
    ValueError
        When it is no language, script and territory, or longer than answers can note.
    """
    parts = [part for part in text.strip().replace("_", "-").split("-") if part]
    tag = "-".join(
        part.lower() if place == 0 else part.title() if len(part) == 4 else part.upper()
        for place, part in enumerate(parts)
    )
    if not TAG.fullmatch(tag) or len(tag) > LONGEST:
        raise ValueError(f"{text[:40]!r} is no language tag; allowed are tags as in de, zh-TW or pt-BR")
    return tag


def language_and_script(tag: str) -> tuple[str, str]:
    """The language of a tag and its script, which for many tags follows from the territory: zh-HK is Hant."""
    language, *rest = tag.replace("_", "-").lower().split("-")
    script = next((part.title() for part in rest if len(part) == 4 and part.isalpha()), "")
    territory = next((part.upper() for part in rest if len(part) in (2, 3)), "")
    if not script:
        likely = get_global("likely_subtags")
        found = likely.get(f"{language}_{territory}") or likely.get(language, "")
        script = next((part for part in found.split("_") if len(part) == 4), "")
    return language, script


def nearest(wanted: str, offered: Sequence[str]) -> str | None:
    """The offered language nearest to the one that is wanted: the same tag, else the same script, else the same tongue.

    Parameters
    ----------
    wanted
        A language tag, in any spelling.
    offered
        Tags of the languages there are, the preferred ones first.

    Returns
    -------
    str or None
        One of `offered`; None when all are other tongues.
    """
    return _nearest(wanted, tuple(offered))


@lru_cache(maxsize=1024)
def _nearest(wanted: str, offered: tuple[str, ...]) -> str | None:
    if wanted in offered:
        return wanted
    same = wanted.lower().replace("_", "-")
    language, script = language_and_script(wanted)
    alike = [tag for tag in offered if language_and_script(tag)[0] == language]
    exact = [tag for tag in alike if tag.lower() == same]
    written_alike = [tag for tag in alike if language_and_script(tag)[1] == script]
    return next(iter(exact or written_alike or alike), None)
