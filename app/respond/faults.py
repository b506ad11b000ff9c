"""Words for what is wrong with an answer: the value that was given, and what is allowed."""

from __future__ import annotations

from collections.abc import Sequence

from app.respond.shell import joined
from app.words import _, count, ngettext, worded
from surveys.form import Card, Fault, Row


def place_of(fault: Fault, card: Card) -> str:
    """The name under which a fault stands: its scale in a card of several, else the card."""
    return fault.field if card.kind == "levels" else card.name


def first_field(fault: Fault, card: Card) -> str:
    """The id of the field that a link to the fault leads to."""
    row = _row(fault, card)
    if row:
        return f"{row.name}-{row.scale.min}"
    if card.kind == "points" or card.question is None:
        return fault.field
    options = card.question.options
    return f"{card.name}-{options[0].code}" if options else card.name


def heading(faults: Sequence[Fault]) -> str:
    """How many questions are concerned."""
    return heading_words(len({fault.card for fault in faults}), blank=only_blank(faults))


def heading_words(number: int, *, blank: bool) -> str:
    """How many questions still need an answer, or another look."""
    if blank:
        words = ngettext("%(n)s question still needs an answer", "%(n)s questions still need an answer", number)
    else:
        words = ngettext("%(n)s question needs another look", "%(n)s questions need another look", number)
    return words % {"n": number}


def leave_words(number: int, next: str) -> str:
    """How to leave a number of questions blank."""
    words = ngettext(
        "If you would rather leave it blank, press “%(next)s” again.",
        "If you would rather leave them blank, press “%(next)s” again.",
        number,
    )
    return words % {"next": next}


def only_blank(faults: Sequence[Fault]) -> bool:
    """Whether nothing is wrong but blanks, which a person may leave."""
    return all(fault.code == "missing" for fault in faults)


def sentence(fault: Fault, card: Card) -> str:
    """One fault in a plain sentence."""
    words = {"missing": _missing, "not_allowed": _not_allowed, "sum": _sum, "exclusive": _exclusive}
    return words.get(fault.code, _too_long)(fault, card)


def _row(fault: Fault, card: Card) -> Row | None:
    return next((row for row in card.rows if row.name == fault.field), None)


def _allowed(row: Row) -> str:
    ends: dict[str, object] = {"low": row.scale.min, "high": row.scale.max}
    beside = [row.scale.na if row.na else None, row.scale.dk]
    labels = [worded(choice.label) for choice in beside if choice]
    if not labels:
        return _("Please choose a number from %(low)s to %(high)s.") % ends
    if len(labels) == 1:
        return _("Please choose a number from %(low)s to %(high)s, or “%(other)s”.") % (ends | {"other": labels[0]})
    both = {"other": labels[0], "another": labels[1]}
    return _("Please choose a number from %(low)s to %(high)s, “%(other)s” or “%(another)s”.") % (ends | both)


def _missing(fault: Fault, card: Card) -> str:
    row = _row(fault, card)
    if row:
        return _allowed(row)
    if card.kind == "points" and card.question:
        return _("Please share out the %(total)s points.") % {"total": card.question.total}
    return _("Please choose at least one.") if card.kind == "multiple" else _("Please choose one.")


def _not_allowed(fault: Fault, card: Card) -> str:
    row = _row(fault, card)
    if row:
        return joined(_("“%(value)s” is not on this scale.") % {"value": fault.value}, _allowed(row))
    if card.kind == "points" and card.question:
        words = _("“%(value)s” cannot be counted. Please give a whole number from 0 to %(total)s.")
        return words % {"value": fault.value, "total": card.question.total}
    return _("“%(value)s” is not one of the choices. Please choose from those listed.") % {"value": fault.value}


def _sum(fault: Fault, card: Card) -> str:
    given = int(fault.value)
    return sum_words(given, fault.number, abs(fault.number - given), over=given > fault.number)


def sum_words(given: object, total: int, left: object, *, over: bool) -> str:
    """What to say of points that miss their total; the numbers may be places that are filled later."""
    words = _("Your points add up to %(given)s; they must add up to %(total)s.") % {"given": given, "total": total}
    mend = _("Please take %(n)s away.") if over else _("Please give out %(n)s more.")
    return joined(words, mend % {"n": left})


def _exclusive(fault: Fault, card: Card) -> str:
    options = card.question.options if card.question else ()
    label = next((worded(option.label) for option in options if option.code == fault.value), fault.value)
    words = _("“%(choice)s” was chosen together with other choices. Please keep either “%(choice)s” or the others.")
    return words % {"choice": label}


def _too_long(fault: Fault, card: Card) -> str:
    return length_words(count(fault.number), int(fault.allowed))


def length_words(length: str, limit: int) -> str:
    """What to say of a text that is too long."""
    words = _("Your text has %(length)s characters; up to %(limit)s are allowed. Please shorten it.")
    return words % {"length": length, "limit": count(limit)}
