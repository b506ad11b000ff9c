"""From the words of posters to a PDF, with the fonts that this computer has."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import segno
import typst

from surveys.tongues import language_and_script

TEMPLATE = Path(__file__).with_name("poster.typ")
LATIN = ("Noto Sans", "Segoe UI", "Helvetica Neue", "Source Sans 3", "Liberation Sans", "Arial", "DejaVu Sans")
CJK = {
    "Hans": ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei"),
    "Hant": ("Noto Sans CJK TC", "Noto Sans TC", "Source Han Sans TC", "PingFang TC", "Microsoft JhengHei"),
    "Jpan": ("Noto Sans CJK JP", "Noto Sans JP", "Source Han Sans", "Hiragino Sans", "Yu Gothic"),
    "Kore": ("Noto Sans CJK KR", "Noto Sans KR", "Source Han Sans K", "Apple SD Gothic Neo", "Malgun Gothic"),
}
BUILT_IN = "Libertinus Serif"  # comes with the typesetter
STANDARD: Literal["a-2u"] = "a-2u"
"""Archival PDF: all fonts are in it, and a letter that no font has is an error instead of an empty box."""
_MISSING = re.compile(r'the text `"(.+?)"` could not be displayed')
PICTURES = ("So", "Sk", "Cf", "Mn", "Me", "Cn", "Co")


class NoFont(ValueError):
    """Letters that no font of this computer has."""

    def __init__(self, letters: str):
        self.letters = letters
        super().__init__(f"no font on this server has {letters}; install one that does, such as Noto Sans CJK")


@dataclass(frozen=True)
class Block:
    """What a poster says in one language."""

    lang: str
    over: str
    title: str
    why: str
    facts: str
    scan: str


@dataclass(frozen=True)
class Poster:
    """One poster or card: who asks, for which branch, where the code leads, and what it says in each language."""

    bank: str
    unit: str
    url: str
    blocks: tuple[Block, ...]
    mark: str = ""  # said of simulated surveys


def qr_svg(url: str) -> str:
    """The code as SVG, readable with a quarter of it covered."""
    out = io.BytesIO()
    segno.make(url, error="q", micro=False).save(out, kind="svg", scale=8, border=4, light="white")
    return out.getvalue().decode()


def short(url: str) -> str:
    """The address as people type it."""
    return url.removeprefix("https://").removeprefix("http://")


@lru_cache
def _fonts() -> typst.Fonts:
    return typst.Fonts()


def _families(languages: Sequence[str]) -> list[str]:
    """The families that are here: those for Latin letters, then the Chinese ones by the languages' scripts."""
    scripts = [script for tag in languages if (script := language_and_script(tag)[1]) in CJK]
    order = [name for script in dict.fromkeys((*scripts, *CJK)) for name in CJK[script]]
    here = {name.lower() for name in _fonts().families()}
    found = [name for name in order if name.lower() in here]
    latin = [name for name in LATIN if name.lower() in here]
    # Where there is Chinese, its font brings Latin letters that go with it.
    return ([*found[:1], *latin, *found[1:]] if scripts else [*latin, *found]) or [BUILT_IN]


def as_pdf(posters: Sequence[Poster], *, cards: bool = False) -> bytes:
    """Posters of A4, one a page; with `cards` four to a page, to be cut.

    Parameters
    ----------
    posters
        At least one.
    cards
        Table cards (A6) instead.

    Raises
    ------
    NoFont
        When a letter cannot be printed.  Pictographs for which there is no font are left out instead.
    """
    for _ in range(3):
        try:
            return _compiled(posters, cards)
        except typst.TypstError as error:
            missing = "".join(dict.fromkeys("".join(_MISSING.findall(error.diagnostic))))
            letters = "".join(letter for letter in missing if unicodedata.category(letter) not in PICTURES)
            if not missing:
                raise
            if letters:
                raise NoFont(letters) from error
            posters = [_without(poster, missing) for poster in posters]
    raise NoFont("")


def _without(poster: Poster, letters: str) -> Poster:
    gone = str.maketrans("", "", letters)

    def clean(text: str) -> str:
        return " ".join(text.translate(gone).split())

    blocks = tuple(Block(**{name: clean(text) for name, text in asdict(block).items()}) for block in poster.blocks)
    return replace(poster, bank=clean(poster.bank), unit=clean(poster.unit), blocks=blocks)


def _compiled(posters: Sequence[Poster], cards: bool) -> bytes:
    languages = [block.lang for poster in posters[:1] for block in poster.blocks]
    data = {
        "title": f"{posters[0].bank}: {posters[0].blocks[0].title}",
        "author": posters[0].bank,
        "fonts": _families(languages),
        "cards": cards,
        "pages": [_page(poster) for poster in posters],
    }
    made = typst.compile(
        TEMPLATE.read_bytes(),
        font_paths=_fonts(),
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        pdf_standards=STANDARD,
        timestamp=0,
    )
    assert isinstance(made, bytes)
    return made


def _page(poster: Poster) -> dict[str, object]:
    return {
        "bank": poster.bank,
        "unit": poster.unit,
        "mark": poster.mark,
        "address": short(poster.url),
        "qr": qr_svg(poster.url),
        "blocks": [_block(block) for block in poster.blocks],
    }


def _block(block: Block) -> dict[str, object]:
    language, script = language_and_script(block.lang)
    region = next((part for part in block.lang.split("-")[1:] if len(part) == 2), None)
    return asdict(block) | {"language": language, "script": script.lower() or "auto", "region": region}
