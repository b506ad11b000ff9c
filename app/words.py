"""The languages of the interface: gettext catalogues, and the Jinja environment that speaks through them."""

from __future__ import annotations

import gettext
import io
from collections.abc import Mapping, Sequence
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

from app.languages import SOURCE, best, catalogues, folders, own_names
from surveys.piping import pieces
from surveys.questionnaire import Text, said_in, say
from surveys.tongues import nearest

HERE = Path(__file__).parent
LANGUAGES: dict[str, str] = {}
"""The languages of the interface and what they call themselves; filled by `offer`."""
_catalogues: dict[str, Path] = {}
_language: ContextVar[str] = ContextVar("language", default=SOURCE)


def offer(places: Sequence[Path]) -> None:
    """Offer the languages whose catalogues lie in these folders, beside the language of the source."""
    _catalogues.clear()
    _catalogues.update(catalogues(places))
    LANGUAGES.clear()
    LANGUAGES.update(own_names(dict.fromkeys((SOURCE, *_catalogues))))
    _catalogue.cache_clear()
    _spoken.cache_clear()


def negotiate(wanted: str | None, header: str | None = None, offered: Sequence[str] | None = None) -> str:
    """The language to speak: an explicit wish, else the nearest to the browser's first, else the first offered."""
    known = tuple(LANGUAGES if offered is None else offered)
    return wanted if wanted in known else best(header or "", known)


@lru_cache
def _catalogue(language: str) -> gettext.NullTranslations:
    po = _catalogues.get(_spoken(language))
    if po is None:
        return gettext.NullTranslations()
    # Compiled in memory from the text catalogue, so that no binary file can be older than its source.
    with po.open("rb") as file:
        catalogue = read_po(file, locale=_spoken(language).replace("-", "_"))
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@lru_cache
def _spoken(language: str) -> str:
    return nearest(language, tuple(LANGUAGES)) or SOURCE


def speak(language: str) -> None:
    """Set the language of this request (or of this command)."""
    _language.set(language)


def language() -> str:
    """The language being spoken: the reader's, or the one in which a survey is answered."""
    return _language.get()


def page_language() -> str:
    """The language of the interface's own texts on this page.

    It is another than the one being spoken where a questionnaire has a language for which there is no catalogue; then
    the questionnaire's words are marked as being in theirs.
    """
    return _spoken(_language.get())


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
        "say": worded,
        "bare": str,
        "lang": lang_attribute,
    }
    environment.globals |= {"language": language, "page_language": page_language, "static_url": static_url}
    return environment


def render(template: str, /, **context: Any) -> str:
    """A template as text."""
    return templates().get_template(template).render(**context)


class Foreign(str):
    """Words in another language than the page's: in a template they bring an element that says so.

    Where no element can stand, in an attribute or an `option`, the filter `bare` gives the words alone and `lang` the
    attribute for the element around them.
    """

    lang: str

    def __new__(cls, words: str, lang: str) -> Foreign:
        """The words, and their language."""
        made = super().__new__(cls, words)
        made.lang = lang
        return made

    def __html__(self) -> str:
        """The words as a template writes them."""
        return Markup('<span lang="{}">{}</span>').format(self.lang, str(self))


def alike(words: str, changed: str) -> str:
    """`changed`, in the language of the words that it was made from."""
    return Foreign(changed, words.lang) if isinstance(words, Foreign) else changed


def mixed(message: str, values: Mapping[str, object]) -> str:
    """A message of the page with words put into it; those in another language stay marked.  For the text of pages."""
    foreign = any(isinstance(value, Foreign) for value in values.values())
    return escape(message) % values if foreign else message % values


def lang_attribute(words: str) -> Markup:
    """The attribute that says in which language the words are, where it is another than the page's."""
    return Markup(' lang="{}"').format(words.lang) if isinstance(words, Foreign) else Markup()


def in_language(words: str, lang: str) -> str:
    """Words of that language, marked where the page is in another."""
    return words if lang == page_language() or not words else Foreign(words, lang)


def worded(text: Text) -> str:
    """A questionnaire's wording in the language being spoken, or in the nearest that it has."""
    return in_language(say(text, language()), said_in(text, language()))


def piped(text: Text) -> str:
    """A wording with its places marked, where the names go that a page knows (`surveys.piping`)."""
    words, tongue = worded(text), said_in(text, language())
    if "{" not in words:
        return words
    mark = Markup('<span data-pipe="{}">{}</span>')
    made = Markup("").join(
        escape(one) if isinstance(one, str) else mark.format(one.name, one.otherwise)
        for one in pieces(str(words), tongue)
    )
    return Markup('<span lang="{}">{}</span>').format(tongue, made) if isinstance(words, Foreign) else made


offer(folders())
