"""The wordings of a questionnaire one by one, each with the place where it stands; and how they are filled in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from surveys.questionnaire import DataRules, Part, Questionnaire, Text

Change = Callable[[str, Text], Text]


def texts(questionnaire: Questionnaire) -> dict[str, Text]:
    """All wordings that are there, in order.

    Returns
    -------
    dict
        Place -> wording.  A place is made of names and ids, as in ``items/enc_rel_1/expectation`` or
        ``blocks/segments/questions/tier/options/vip/label``.
    """
    found: dict[str, Text] = {}

    def note(place: str, text: Text) -> Text:
        found[place] = text
        return text

    _changed(questionnaire, "", note)
    return found


def filled_in(questionnaire: Questionnaire, language: str, words: Mapping[str, str]) -> Questionnaire:
    """The questionnaire with words of one language put in, which it then has.

    Parameters
    ----------
    questionnaire
        The questionnaire; it is not changed.
    language
        The language of the words; when the questionnaire lacks it, it comes last.
    words
        Place -> words; see `texts`.  Places that are not named keep what they have.
    """

    def put(place: str, text: Text) -> Text:
        return text | {language: words[place]} if place in words else text

    made = _changed(questionnaire, "", put)
    languages = tuple(dict.fromkeys((*questionnaire.languages, language)))
    return Questionnaire.model_validate(made.model_copy(update={"languages": languages}).model_dump(by_alias=True))


def _changed(part: Any, place: str, change: Change) -> Any:
    update = {
        name: _of_field(field.annotation, getattr(part, name), f"{place}/{name}" if place else name, change)
        for name, field in type(part).model_fields.items()
    }
    return part.model_copy(update=update)


def _of_field(kind: object, value: Any, place: str, change: Change) -> Any:
    if kind == Text:
        return change(place, value) if value else value
    if isinstance(value, Part) and not isinstance(value, DataRules):
        return _changed(value, place, change)
    if isinstance(value, tuple) and value and isinstance(value[0], Part):
        return tuple(_changed(part, f"{place}/{name}", change) for name, part in _named(value))
    if isinstance(value, dict):  # wording by point of a scale, or by column
        return {key: change(f"{place}/{key}", each) if isinstance(each, dict) else each for key, each in value.items()}
    return value


def _named(parts: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    """Each part with its id or code; where two have one, with its number as well."""
    names = [str(getattr(part, "id", getattr(part, "code", ""))) for part in parts]
    for number, (name, part) in enumerate(zip(names, parts, strict=True), 1):
        yield (name if names.count(name) == 1 else f"{name}.{number}"), part
