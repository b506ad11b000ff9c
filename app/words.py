"""The languages of the interface: gettext catalogues, and the Jinja environment that speaks through them."""

from __future__ import annotations

import gettext
from contextvars import ContextVar
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from surveys.piping import pieces
from surveys.questionnaire import Text, say

LANGUAGES: dict[str, str] = {"en": "English", "zh-CN": "中文"}
HERE = Path(__file__).parent
_language: ContextVar[str] = ContextVar("language", default="en")


def negotiate(wanted: str | None, header: str | None = None, offered: tuple[str, ...] = tuple(LANGUAGES)) -> str:
    """The language to speak: an explicit wish, else the browser's first that is offered, else the first offered."""
    if wanted in offered:
        return str(wanted)
    ranked = []
    for place, part in enumerate((header or "").split(",")):
        tag, _, rest = part.strip().partition(";")
        try:
            quality = float(rest.partition("=")[2]) if rest else 1.0
        except ValueError:
            quality = 0.0
        ranked.append((-quality, place, tag))
    for _, _, tag in sorted(ranked):
        for language in offered:
            if tag and tag.split("-")[0].lower() == language.split("-")[0].lower():
                return language
    return offered[0]


@lru_cache
def _catalogue(language: str) -> gettext.NullTranslations:
    po = HERE / "locale" / language.replace("-", "_") / "LC_MESSAGES" / "messages.po"
    if not po.exists():
        return gettext.NullTranslations()
    # Compiled in memory from the text catalogue, so that no binary file can be older than its source.
    import io

    with po.open("rb") as file:
        catalogue = read_po(file, locale=language.replace("-", "_"))
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def speak(language: str) -> None:
    """Set the language of this request (or of this command)."""
    _language.set(language)


def language() -> str:
    """The language being spoken."""
    return _language.get()


def N_(message: str) -> str:
    """Mark a message for the catalogue; it is spoken later."""
    return message


def _(message: str) -> str:
    """`message` in the language being spoken."""
    return _catalogue(_language.get()).gettext(message) if message else ""


def ngettext(singular: str, plural: str, number: int) -> str:
    """The right plural of a message in the language being spoken."""
    return _catalogue(_language.get()).ngettext(singular, plural, number)


def signed(value: float | None, decimals: int = 2) -> str:
    """A gap: always signed, with a true minus sign."""
    if value is None:
        return "–"
    text = f"{value:+.{decimals}f}"
    if float(text) == 0:
        text = f"{0:.{decimals}f}"
    return text.replace("-", "−")


def decimal(value: float | None, decimals: int = 2) -> str:
    """A plain number with a fixed number of decimals and a true minus."""
    return "–" if value is None else f"{value:.{decimals}f}".replace("-", "−")


def percent(value: float | None) -> str:
    """A share as whole per cent."""
    return "–" if value is None else str(format_percent(value, format="#,##0 %", locale="en"))


def count(value: int | float | None) -> str:
    """A count with thousands separated."""
    return "–" if value is None else str(format_decimal(value, locale="en", format="#,##0"))


def pvalue(value: float | None) -> str:
    """A p or q value: three decimals, '< .001' below."""
    if value is None:
        return "–"
    if value < 0.001:
        return "< .001"
    return "> .99" if value > 0.99 else f"{value:.3f}".removeprefix("0")


def day(value: date | datetime | None) -> str:
    """A date in ISO order."""
    return "" if value is None else value.strftime("%Y-%m-%d")


@lru_cache
def templates() -> Environment:
    """The one Jinja environment: autoescape everywhere, unknown names are errors, text through gettext."""
    from app.assets import static_url  # brings the web framework, which the command line can do without

    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(_, ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= {
        "signed": signed,
        "decimal": decimal,
        "percent": percent,
        "count": count,
        "pvalue": pvalue,
        "day": day,
        "piped": piped,
        "say": lambda text, lang=None: say(text, lang or language()),
    }
    environment.globals |= {"language": language, "languages": LANGUAGES, "static_url": static_url}
    return environment


def render(template: str, /, **context: Any) -> str:
    """A template as text."""
    return templates().get_template(template).render(**context)


def piped(text: Text) -> str:
    """A wording with its places marked, where the names go that a page knows (`surveys.piping`)."""
    words = worded(text)
    if "{" not in words:
        return words
    mark = Markup('<span data-pipe="{}">{}</span>')
    return Markup("").join(
        escape(one) if isinstance(one, str) else mark.format(one.name, one.otherwise)
        for one in pieces(words, language())
    )


def worded(text: Text) -> str:
    """A questionnaire's wording in the language being spoken."""
    return say(text, language())
