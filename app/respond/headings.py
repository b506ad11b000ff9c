"""Where in the form a person is: the page's title, the line above it, and the stages done so far."""

from __future__ import annotations

from collections.abc import Sequence

from app.words import _, mixed, worded
from surveys.form import Page
from surveys.questionnaire import Stage


def page_title(page: Page) -> str:
    """The title of a page: its stage's name, or what its questions have in common."""
    return worded(page.name) if page.name else _untitled(page)


def _untitled(page: Page) -> str:
    if page.title == "screening":
        return _("First, about you")
    kinds = {card.kind for card in page.cards}
    if page.title == "items":
        return part_name(page)
    if page.title in ("about", "comments"):
        if "text" not in kinds:
            return _("About you")
        return _("In your own words") if kinds == {"text"} else _("In your own words, and about you")
    if "points" in kinds:
        return _("What matters most to customers") if page.title == "belief" else _("What matters most to you")
    titles = {
        "overall": _("This bank overall"),
        "problem": _("The problem you had"),
        "belief": _("What customers would answer"),
        "work": _("How work is done here"),
    }
    return titles.get(page.title, _("Some more questions"))


def part_name(page: Page) -> str:
    """What a part of the statements is about, in a few words."""
    names = {
        "expectation": _("an excellent bank"),
        "perception": _("this bank"),
        "importance": _("how much it matters to you"),
    }
    return names.get(str(page.column), _("three levels"))


def instruction(page: Page) -> str:
    """What to do on a page, in one sentence; "" where the questions speak for themselves."""
    if page.frame:
        return worded(page.frame)
    if page.title == "screening":
        return _("We ask this first because we may already have enough answers from some groups.")
    if page.title == "about":
        return _("You may leave out any question on this page.")
    row = next((row for card in page.cards if card.kind == "levels" for row in card.rows), None)
    if row is None:
        return ""
    ends = {"low": row.scale.min, "high": row.scale.max}
    words = {name: worded(row.scale.anchors.get(point, {})) for name, point in ends.items()}
    if all(words.values()):
        numbers = {"low": ends["low"], "high": ends["high"], "least": words["low"], "most": words["high"]}
        told = _("For each feature choose three levels, from %(low)s (%(least)s) to %(high)s (%(most)s).")
        return mixed(told, numbers)
    return _("For each feature choose three levels, from %(low)s to %(high)s.") % ends


def stages_of(pages: Sequence[Page]) -> list[Stage]:
    """The stages that the statements go through, in order."""
    found: dict[str, Stage] = {}
    for page in pages:
        if page.part and page.stage:
            found.setdefault(page.stage.id, page.stage)
    return list(found.values())


def stages_done(page: Page, pages: Sequence[Page]) -> list[tuple[str, str]]:
    """Each stage's short name with "done", "now" or "" (still to come)."""
    stages = stages_of(pages)
    if page.title == "screening":
        return [(worded(stage.short or stage.name), "") for stage in stages]
    identifiers = [stage.id for stage in stages]
    here = identifiers.index(page.stage.id) if page.part and page.stage else len(stages)
    states = ["done"] * here + ["now"] + [""] * len(stages)
    return [(worded(stage.short or stage.name), state) for stage, state in zip(stages, states, strict=False)]


def place(page: Page, pages: Sequence[Page], shown: int, of: int) -> str:
    """The line above the title, such as "Part 2 of 2: this bank · Stage 2 of 3"."""
    stages = stages_of(pages)
    if page.title == "screening":
        return _("Before we begin") if stages else ""
    if not page.part:
        before = sum(bool(other.part) or other.title == "screening" for other in pages)
        return _last_steps(shown, of, before) if stages else ""
    words = []
    if page.parts > 1:
        about = {"part": page.part, "parts": page.parts, "name": part_name(page)}
        words.append(_("Part %(part)s of %(parts)s: %(name)s") % about)
    if page.stage:
        number = [stage.id for stage in stages].index(page.stage.id) + 1
        words.append(_("Stage %(stage)s of %(stages)s") % {"stage": number, "stages": len(stages)})
        alike = [p.number for p in pages if p.part == page.part and p.stage and p.stage.id == page.stage.id]
        if len(alike) > 1:
            words.append(page_of(alike.index(page.number) + 1, len(alike)))
    return " · ".join(words)


def _last_steps(shown: int, of: int, staged: int) -> str:
    if of - staged < 2 or shown <= staged:
        return _("Last step")
    return _("Last steps: %(step)s of %(steps)s") % {"step": shown - staged, "steps": of - staged}


def page_of(number: int, count: int) -> str:
    """ "Page 3 of 8"."""
    return _("Page %(page)s of %(pages)s") % {"page": number, "pages": count}
