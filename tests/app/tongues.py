"""Two more languages by files only: invented catalogues and an invented translation, each word with its mark."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from app.languages import HERE, PO
from app.words import offer
from surveys.questionnaire import Questionnaire
from surveys.texts import filled_in, texts
from tests.catalogue import wanted

MARKS = {"de": "ẞ", "zh-TW": "臺"}
VOID = {"meta", "link", "input", "br", "img", "hr", "line", "circle", "path"}


def translated(questionnaire: Questionnaire, *languages: str) -> Questionnaire:
    """The questionnaire in more languages; each of its words in them carries the mark of the language."""
    for language in languages:
        words = {place: f"{MARKS[language]}{text['en']}" for place, text in texts(questionnaire).items()}
        questionnaire = filled_in(questionnaire, language, words)
    return questionnaire


def write_catalogue(folder: Path, language: str) -> None:
    """A whole catalogue, whose words are the English ones behind the mark of the language."""
    catalogue = Catalog(locale=language.replace("-", "_"), project="fivegaps")
    for entry in wanted():
        if entry.id:
            mark, many = MARKS[language], not isinstance(entry.id, str)
            forms = tuple(f"{mark}{entry.id[min(n, 1)]}" for n in range(catalogue.num_plurals)) if many else ()
            catalogue.add(entry.id, forms or f"{mark}{entry.id}")
    path = folder / language.replace("-", "_") / PO
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_po(file, catalogue)


@contextmanager
def offering(folder: Path, *languages: str) -> Iterator[None]:
    """The interface in these languages too; their catalogues are written into the folder at first."""
    for language in languages:
        if not (folder / language.replace("-", "_")).exists():
            write_catalogue(folder, language)
    offer([folder, HERE])
    try:
        yield
    finally:
        offer([HERE])


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.langs, self.open = [""], list[str]()
        self.texts: list[tuple[str, str]] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [value or "" for _, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
            self.langs.append(dict(attrs).get("lang") or self.langs[-1])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [value or "" for _, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                self.langs.pop()
            self.langs.pop()

    def handle_data(self, data: str) -> None:
        if data.strip() and not {"script", "style", "title"} & set(self.open):
            self.texts.append((self.langs[-1], data.strip()))


def parts_of(page: str) -> list[tuple[str, str]]:
    """Each text of a page with the language that it is said to be in; no markup stands in an attribute."""
    reader = _Reader()
    reader.feed(page)
    assert not [value for value in reader.attributes if "<span" in value]
    return reader.texts


def marked_wrong(page: str, language: str) -> list[tuple[str, str]]:
    """Texts that carry the mark of a language and are not said to be in it."""
    return [(lang, text) for lang, text in parts_of(page) if text.startswith(MARKS[language]) and lang != language]
