"""Pages and cards from a questionnaire; posted fields in, answers or faults out.

Faults are data (a code, the field, the value); the words for them are the interface's.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from typing import Literal

from surveys.codes import BLANK, NOT_APPLICABLE, NOT_ASKED
from surveys.coding import Answers, Codebook, Refused, clean_text, codebook
from surveys.order import rank
from surveys.piping import plain
from surveys.questionnaire import NOT_REACHED, SUFFIX, Block, Column, Item, Question, Questionnaire, Scale, Stage, Text

Title = Literal["screening", "items", "importance", "overall", "problem", "belief", "grid", "work", "about", "comments"]
LONGEST_PAGE = 9  # cards; a stage of the bank's questionnaire has at most eight items


@dataclass(frozen=True)
class Row:
    """One scale to answer: a rating, of which a card in three columns has three."""

    field: int
    name: str
    scale: Scale
    column: Column | None
    label: Text
    na: bool


@dataclass(frozen=True)
class Card:
    """One question as the respondent meets it."""

    kind: Literal["rating", "levels", "single", "multiple", "points", "text"]
    name: str
    legend: Text
    fields: tuple[int, ...] = ()
    rows: tuple[Row, ...] = ()
    question: Question | None = None
    item: Item | None = None
    asked: Text = field(default_factory=dict)  # the legend with the places where names go
    unless: tuple[str, str] | None = None  # a question and the option with which this card is not met


@dataclass(frozen=True)
class Page:
    """One page of the form.

    `part` and `parts` count the columns ("part 1 of 2: an excellent bank"), `step` and `steps` the pages within
    the part; `stage` is the stage of the service the page is about, if it is about one.
    """

    number: int
    title: Title
    cards: tuple[Card, ...]
    name: Text
    frame: Text
    stage: Stage | None = None
    column: Column | None = None
    part: int = 0
    parts: int = 0
    step: int = 1
    steps: int = 1

    @property
    def reminds(self) -> bool:
        """Whether blanks are pointed at: facts about the person are theirs to give, and may be left out."""
        return self.title != "about"

    @cached_property
    def conditional(self) -> bool:
        """Whether a card hangs on another answer."""
        return any(
            card.unless is not None or (card.question is not None and card.question.show_if is not None)
            for card in self.cards
        )


@dataclass(frozen=True)
class Fault:
    """What is wrong with one card: `code` says what, `value` what was sent, `row` which scale of the card."""

    code: Literal["missing", "not_allowed", "sum", "exclusive", "too_long"]
    card: str
    field: str
    value: str = ""
    allowed: str = ""
    number: int = 0


def pages(questionnaire: Questionnaire) -> tuple[Page, ...]:
    """All pages of the form in order, the conditional ones included (`visible` tells which a person meets)."""
    book = codebook(questionnaire)
    first = [question for name in questionnaire.screening if (question := questionnaire.question(name))]
    screening = [Page(0, "screening", tuple(_question_card(one, book) for one in first), {}, {})] if first else []
    found = [*screening, *_item_pages(questionnaire, book), *_block_pages(questionnaire, book)]
    return tuple(replace(page, number=number) for number, page in enumerate(found, 1))


def arranged(page: Page, seed: int) -> Page:
    """A page with its items in the order of a visit.

    Parameters
    ----------
    page : Page
    seed : int
        Of the visit (`surveys.order`); 0 leaves the questionnaire's own order.

    Returns
    -------
    Page
        The same page, its items sorted by their ranks; what stands before or after them stays there.
    """
    items = [card for card in page.cards if card.item is not None]
    if not seed or not items:
        return page
    first = page.cards.index(items[0])
    items.sort(key=lambda card: rank(card.item.id, seed) if card.item else 0)
    before, after = page.cards[:first], page.cards[first + len(items) :]
    return replace(page, cards=(*before, *items, *after))


def _item_pages(questionnaire: Questionnaire, book: Codebook) -> Iterator[Page]:
    side_by_side = questionnaire.format == "three_column"
    columns = questionnaire.columns
    parts: list[tuple[Column, ...]] = (
        [tuple(c for c in columns if c != "importance")]
        if side_by_side
        else [(column,) for column in columns if column != "importance"]
    )
    parts += [("importance",)] if "importance" in columns else []
    for part, together in enumerate(parts, 1):
        groups = list(_stages(questionnaire))
        for step, (stage, items) in enumerate(groups, 1):
            cards = tuple(_item_card(questionnaire, book, item, together) for item in items)
            if "perception" in together and stage is not None:
                cards = _experienced(questionnaire, book, stage, cards, items)
            intro = {} if side_by_side else questionnaire.column_intro.get(together[0], {})
            name = stage.plain or stage.name if stage else {}
            yield Page(0, "items", cards, name, intro, stage, together[0], part, len(parts), step, len(groups))


def _experienced(
    questionnaire: Questionnaire, book: Codebook, stage: Stage, cards: tuple[Card, ...], items: list[Item]
) -> tuple[Card, ...]:
    """The cards about what was perceived in a stage: first whether it was reached, last what is to be said in words."""
    whole = [item.id for item in questionnaire.items if item.stage == stage.id]
    exposure = questionnaire.exposure(stage.id)
    if exposure is not None:
        cards = tuple(replace(card, unless=(exposure.id, NOT_REACHED)) for card in cards)
        if items[0].id == whole[0]:
            cards = (_question_card(exposure, book), *cards)
    if items[-1].id == whole[-1]:
        said = [question for question in questionnaire.questions("comments") if question.stage == stage.id]
        cards = (*cards, *(_question_card(question, book) for question in said))
    return cards


def _stages(questionnaire: Questionnaire) -> Iterator[tuple[Stage | None, list[Item]]]:
    """Items by stage; without stages, by dimension, as many as make a page."""
    if questionnaire.stages:
        for stage in questionnaire.stages:
            items = [item for item in questionnaire.items if item.stage == stage.id]
            # In the short form a stage is one page: few of its items are asked, and no page may be left without any.
            most = LONGEST_PAGE if questionnaire.drawn is None else max(len(items), 1)
            for at in range(0, len(items), most):
                yield stage, items[at : at + most]
        return
    page: list[Item] = []
    for _, group in groupby(questionnaire.items, key=lambda item: item.dimension):
        together = list(group)
        if page and len(page) + len(together) > LONGEST_PAGE:
            yield None, page
            page = []
        page = [*page, *together]
    if page:
        yield None, page


def _item_card(questionnaire: Questionnaire, book: Codebook, item: Item, columns: Sequence[Column]) -> Card:
    rows = []
    for column in columns:
        number = book.place[f"{item.id}_{SUFFIX[column]}"]
        name = book.fields[number].name
        importance = questionnaire.item_importance
        scale = (
            questionnaire.scale(importance.scale)
            if column == "importance" and importance
            else questionnaire.rating_scale
        )
        label = questionnaire.column_labels.get(column, {}) if len(columns) > 1 else {}
        rows.append(Row(number, name, scale, column, label, book.fields[number].na is not None))
    asked = item.stem if len(columns) > 1 and item.stem else item.asked(columns[0])
    kind: Literal["levels", "rating"] = "levels" if len(rows) > 1 else "rating"
    name = item.id if len(rows) > 1 else rows[0].name
    return Card(kind, name, plain(asked), tuple(row.field for row in rows), tuple(rows), None, item, asked)


def _block_pages(questionnaire: Questionnaire, book: Codebook) -> Iterator[Page]:
    """Blocks that belong together share a page; a question that hangs on another starts a new one."""
    titles: dict[str, Title] = {
        "importance": "importance",
        "outcomes": "overall",
        "complaint": "overall",
        "features": "overall",
        "belief": "belief",
        "grid": "grid",
        "antecedents": "work",
        "comments": "about",
        "quality": "about",
        "segments": "about",
    }
    waiting: list[tuple[Title, Text, Stage | None, Question]] = []
    # Words and facts about the person come last, after everything that is about the bank.
    ordered = [block for block in questionnaire.blocks if block.role != "exposure"]
    for block in sorted(ordered, key=lambda block: titles[block.role] == "about"):
        for question in _in_stage_order(questionnaire, block):
            if question.id in questionnaire.screening:
                continue  # it is asked first
            if block.role == "comments" and question.stage and questionnaire.items:
                continue  # it stands with its stage
            stage = questionnaire.stage(question.stage) if question.stage and block.role in ("belief", "grid") else None
            entry = (titles[block.role], block.frame, stage, question)
            if waiting and not _together(waiting, entry):
                yield _block_page(waiting, book)
                waiting = []
            waiting.append(entry)
    if waiting:
        yield _block_page(waiting, book)


def _in_stage_order(questionnaire: Questionnaire, block: Block) -> list[Question]:
    if block.role not in ("belief", "grid"):
        return list(block.questions)
    order = [stage.id for stage in questionnaire.stages]
    return sorted(block.questions, key=lambda q: order.index(q.stage) if q.stage in order else len(order))


def _together(
    waiting: list[tuple[Title, Text, Stage | None, Question]], entry: tuple[Title, Text, Stage | None, Question]
) -> bool:
    title, frame, stage, question = entry
    first = waiting[0]
    if (title, frame, stage) != first[:3]:
        return False
    if (question.show_if is None) != (first[3].show_if is None):
        return False
    ratings = sum(question.type == "scale" for *_, question in waiting)
    return title == "about" or ratings < LONGEST_PAGE


def _block_page(entries: list[tuple[Title, Text, Stage | None, Question]], book: Codebook) -> Page:
    title, frame, stage, first = entries[0]
    if first.show_if is not None:
        title = "problem"
    cards = tuple(_question_card(question, book) for *_, question in entries)
    return Page(0, title, cards, stage.plain or stage.name if stage else {}, frame, stage)


def _question_card(question: Question, book: Codebook) -> Card:
    fields = tuple(number for number, field in enumerate(book.fields) if field.question == question.id)
    if question.type == "scale" and question.scale:
        has_na = question.scale.na is not None
        row = Row(fields[0], question.id, question.scale, None, {}, has_na)
        return Card("rating", question.id, question.prompt, fields, (row,), question)
    kinds: dict[str, Literal["single", "multiple", "points", "text"]] = {
        "single": "single",
        "multiple": "multiple",
        "constant_sum": "points",
        "text": "text",
    }
    return Card(kinds[question.type], question.id, question.prompt, fields, (), question)


def visible(page: Page, book: Codebook, answers: Answers) -> tuple[Card, ...]:
    """The cards of a page that this person meets, given what was answered before and what is not to be asked."""
    if not page.conditional and NOT_ASKED not in answers.closed:
        return page.cards
    return tuple(card for card in page.cards if _met(card, book, answers))


def _met(card: Card, book: Codebook, answers: Answers) -> bool:
    if card.unless is not None:
        number = book.place[card.unless[0]]
        if book.fields[number].show(answers.closed[number]) == card.unless[1]:
            return False
    if card.item is not None:
        return any(answers.closed[number] != NOT_ASKED for number in card.fields)
    condition = card.question.condition if card.question else None
    if condition is None:
        return True
    other, equal, code = condition
    number = book.place[other]
    byte = answers.closed[number]
    # A blank answer to the first question opens no follow-up: neither "told" nor "not told" is known.
    return byte != BLANK and (book.fields[number].show(byte) == code) is equal


def next_page(all_pages: Sequence[Page], book: Codebook, answers: Answers, after: int) -> Page | None:
    """The first page after number `after` that has a card for this person."""
    return next((page for page in all_pages if page.number > after and visible(page, book, answers)), None)


def previous_page(all_pages: Sequence[Page], book: Codebook, answers: Answers, before: int) -> Page | None:
    """The last page before number `before` that has a card for this person."""
    earlier = [page for page in all_pages if page.number < before and visible(page, book, answers)]
    return earlier[-1] if earlier else None


def read_page(
    page: Page, book: Codebook, answers: Answers, posted: Mapping[str, Sequence[str]]
) -> tuple[Answers, list[Fault], dict[str, str]]:
    """Take what was posted for one page.

    Parameters
    ----------
    page, book, answers
        The page, the survey's fields, and what was answered before.
    posted
        Field name -> values, as the browser sent them.

    Returns
    -------
    answers : Answers
        The answers with this page's valid values taken over; a refused value leaves its field blank.
    faults : list of Fault
        At most one a row, in page order.  A fault of code "missing" is a reminder: the page may be sent again
        with the field left blank.
    refused : dict
        Field name -> text that was refused, to be shown again in text fields.
    """
    taken = Answers(bytearray(answers.closed), dict(answers.comments))
    faults: list[Fault] = []
    refused: dict[str, str] = {}
    met = visible(page, book, answers)
    for card in met:
        faults += _READERS[card.kind](card, book, taken, posted, refused)
    forget_unmet([page], book, taken)
    now = visible(page, book, taken)
    faults = [fault for fault in faults if fault.card in {card.name for card in now}]
    # What an answer of this page has brought up could not be answered with it; it is pointed at like a blank.
    faults += [fault for card in now if card not in met for fault in _brought_up(card, book, taken)]
    if not page.reminds:
        faults = [fault for fault in faults if fault.code != "missing"]
    return taken, faults, refused


def written(all_pages: Sequence[Page], book: Codebook, answers: Answers) -> dict[str, list[str]]:
    """Answers as a form would post them: what `read_page` reads back.

    Parameters
    ----------
    all_pages, book, answers
        The pages of the form, the survey's fields, and what was answered.

    Returns
    -------
    dict
        Field name -> values; fields without an answer are left out.
    """
    found: dict[str, list[str]] = {}
    for page in all_pages:
        for card in page.cards:
            if card.kind == "text":
                values = {card.name: [answers.comments.get(card.name, "")]}
            elif card.kind == "multiple" and card.question:
                both = zip(card.question.options, card.fields, strict=True)
                values = {card.name: [option.code for option, number in both if answers.closed[number] == 2]}
            else:
                values = {book.fields[n].name: [book.fields[n].show(answers.closed[n])] for n in card.fields}
            found |= {name: given for name, given in values.items() if any(given)}
    return found


def _brought_up(card: Card, book: Codebook, taken: Answers) -> list[Fault]:
    for number in card.fields if card.unless is not None else ():
        taken.closed[number] = BLANK
    return reminders(card, book)


def reminders(card: Card, book: Codebook) -> list[Fault]:
    """What is pointed at when a card is left blank."""
    return _READERS[card.kind](card, book, Answers.blank(book), {}, {})


def whole_faults(all_pages: Sequence[Page], book: Codebook, answers: Answers) -> Page | None:
    """The first page whose kept answers may not be sent: points that miss their total, or a choice not alone."""
    for page in all_pages:
        for card in visible(page, book, answers):
            bytes_ = [answers.closed[number] for number in card.fields]
            if card.kind == "points" and any(bytes_) and card.question:
                if sum(max(byte - 1, 0) for byte in bytes_) != card.question.total:
                    return page
            elif card.kind == "multiple" and card.question:
                alone = [o.exclusive and byte == 2 for o, byte in zip(card.question.options, bytes_, strict=True)]
                if any(alone) and bytes_.count(2) > 1:
                    return page
    return None


def forget_unmet(all_pages: Sequence[Page], book: Codebook, answers: Answers) -> None:
    """Take out what was answered on a way that was left again: only questions that this person meets are sent."""
    for page in all_pages:
        for card in page.cards if page.conditional else ():
            if not _met(card, book, answers):  # asked card by card, since a question may hang on the one before it
                _forget(card, book, answers)


def _forget(card: Card, book: Codebook, answers: Answers) -> None:
    for number in card.fields:
        if answers.closed[number] != NOT_ASKED:
            # Who has not reached a stage has no experience of it: that is an answer, not a blank.
            reached = card.unless is None or book.fields[number].na is None
            answers.closed[number] = BLANK if reached else NOT_APPLICABLE
    answers.comments.pop(card.name, None)


def _first(posted: Mapping[str, Sequence[str]], name: str) -> str:
    values = posted.get(name, ())
    return values[0] if values else ""


def _read_fields(
    card: Card, book: Codebook, taken: Answers, posted: Mapping[str, Sequence[str]], refused: dict[str, str]
) -> list[Fault]:
    faults = []
    for number in card.fields:
        field = book.fields[number]
        text = _first(posted, field.name)
        if card.kind == "points":
            text = unicodedata.normalize("NFKC", text)  # digits as Chinese keyboards may write them
        try:
            taken.closed[number] = field.read(text)
        except Refused as error:
            taken.closed[number] = BLANK
            refused[field.name] = text[:40]
            faults.append(Fault("not_allowed", card.name, field.name, text[:40], error.allowed))
        else:
            if taken.closed[number] == BLANK and card.kind != "points":
                faults.append(Fault("missing", card.name, field.name))
    return faults


def _read_points(
    card: Card, book: Codebook, taken: Answers, posted: Mapping[str, Sequence[str]], refused: dict[str, str]
) -> list[Fault]:
    faults = _read_fields(card, book, taken, posted, refused)
    if faults or card.question is None:
        return faults
    bytes_ = [taken.closed[number] for number in card.fields]
    if not any(bytes_):
        return [Fault("missing", card.name, book.fields[card.fields[0]].name)]
    total = sum(byte - 1 for byte in bytes_ if byte != BLANK)
    if total != card.question.total:
        # The numbers stay in the page so that only the difference has to be mended.
        return [Fault("sum", card.name, book.fields[card.fields[0]].name, str(total), number=card.question.total)]
    for number in card.fields:
        taken.closed[number] = max(taken.closed[number], 1)  # a feature left empty got no points
    return []


def _read_multiple(
    card: Card, book: Codebook, taken: Answers, posted: Mapping[str, Sequence[str]], refused: dict[str, str]
) -> list[Fault]:
    options = card.question.options if card.question else ()
    values = set(posted.get(card.name, ()))
    unknown = values - {option.code for option in options}
    for number in card.fields:
        taken.closed[number] = BLANK
    if unknown:
        allowed = ", ".join(option.code for option in options)
        return [Fault("not_allowed", card.name, card.name, min(unknown)[:40], allowed)]
    if not values:
        return [Fault("missing", card.name, card.name)]
    for number, option in zip(card.fields, options, strict=True):
        taken.closed[number] = 2 if option.code in values else 1
    alone = [option.code for option in options if option.exclusive and option.code in values]
    if alone and len(values) > 1:
        return [Fault("exclusive", card.name, card.name, alone[0])]
    return []


def _read_text(
    card: Card, book: Codebook, taken: Answers, posted: Mapping[str, Sequence[str]], refused: dict[str, str]
) -> list[Fault]:
    text = clean_text(_first(posted, card.name))
    limit = book.limits[card.name]
    if len(text) > limit:
        refused[card.name] = text
        return [Fault("too_long", card.name, card.name, "", str(limit), len(text))]
    taken.comments.pop(card.name, None)
    if text:
        taken.comments[card.name] = text
    return []


_READERS: dict[str, Callable[[Card, Codebook, Answers, Mapping[str, Sequence[str]], dict[str, str]], list[Fault]]] = {
    "rating": _read_fields,
    "levels": _read_fields,
    "single": _read_fields,
    "points": _read_points,
    "multiple": _read_multiple,
    "text": _read_text,
}
