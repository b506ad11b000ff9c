"""Which languages there are: one for each catalogue that is found, called by its own name.

A folder ``<xx_YY>/LC_MESSAGES/messages.po`` adds a language of the interface.  The product's own lie in `locale/`;
``FIVEGAPS_LOCALE`` names a folder with more.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from babel.core import Locale, UnknownLocaleError

from surveys.tongues import language_and_script, nearest

SOURCE = "en"
"""The language in which the texts of the interface stand in the source; it needs no catalogue."""
HERE = Path(__file__).parent / "locale"
PO = Path("LC_MESSAGES") / "messages.po"


def folders() -> tuple[Path, ...]:
    """Where catalogues lie: the product's folder, and the operator's, whose catalogues go first."""
    own = os.environ.get("FIVEGAPS_LOCALE", "")
    return (*((Path(own),) if own else ()), HERE)


def catalogues(places: Iterable[Path]) -> dict[str, Path]:
    """Language -> its catalogue; of two for one language, the one found first."""
    found: dict[str, Path] = {}
    for place in places:
        for path in sorted(place.glob(f"*/{PO}")):
            if known(path.parents[1].name):
                found.setdefault(path.parents[1].name.replace("_", "-"), path)
    return dict(sorted(found.items()))


def known(folder: str) -> bool:
    """Whether a folder's name is that of a locale."""
    try:
        Locale.parse(folder)
    except (ValueError, UnknownLocaleError):
        return False
    return True


def own_name(tag: str, among: Iterable[str] = ()) -> str:
    """What a language calls itself; told apart from the others `among` which it stands by script, else by territory.

    Chinese alone is 中文; beside each other they are 简体中文 and 繁體中文.
    """
    try:
        locale = Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError):
        return tag
    language, script = language_and_script(tag)
    alike = [other for other in among if other != tag and language_and_script(other)[0] == language]
    name = locale.languages.get(language, tag)
    if any(language_and_script(other)[1] == script for other in alike):
        name = locale.get_display_name(locale) or tag
    elif alike:
        written = Locale.parse(f"{language}_{script}")
        name = written.languages.get(f"{language}_{script}") or locale.get_display_name(locale) or tag
    return str(name[:1].upper() + name[1:])


def own_names(tags: Iterable[str]) -> dict[str, str]:
    """Language -> what it calls itself among these."""
    given = tuple(tags)
    return {tag: own_name(tag, given) for tag in given}


def ranked(header: str) -> list[str]:
    """The languages that a browser asks for, the most wanted first; what it does not want is left out."""
    found = []
    for place, part in enumerate(header.split(",")):
        tag, _, rest = part.strip().partition(";")
        try:
            quality = float(rest.partition("=")[2]) if rest else 1.0
        except ValueError:
            quality = 0.0
        if tag and 0 < quality <= 1:
            found.append((-quality, place, tag))
    return [tag for _, _, tag in sorted(found)]


def best(header: str, offered: tuple[str, ...]) -> str:
    """The language to speak to this browser: the nearest to the first that it wants, else the first offered."""
    return next((found for tag in ranked(header) if (found := nearest(tag, offered))), offered[0])
