"""From a YAML file to a `Questionnaire`: reading, resolving what it borrows, and saying what is wrong with it.

The file's form is described in `docs/questionnaires.md`.  Each mistake gets one message that names the line,
the place in the file, the value found and what is allowed.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from surveys.checking import Place, Problem, QuestionnaireError, cross_checks
from surveys.questionnaire import COLUMNS, Questionnaire
from surveys.shaping import Shaper

BANK = Path(__file__).parent / "questionnaires"
MAX_BYTES = 1_000_000


class _Lines(yaml.SafeLoader):
    """Safe YAML that refuses a key given twice (plain YAML silently keeps the last one)."""


def _mapping(loader: _Lines, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if isinstance(key, list | dict):
            raise yaml.constructor.ConstructorError(None, None, "a key must be plain text", key_node.start_mark)
        if key in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key!r} is given twice; each key may stand once", key_node.start_mark
            )
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_Lines.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
# Dates and bare yes/no would turn option codes into other things; only true, false, numbers and text remain.
_Lines.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load(source: Path | str) -> Questionnaire:
    """Read a questionnaire from a file, or from the bank by its id.

    Raises
    ------
    QuestionnaireError
        When the file is missing, is not YAML, or breaks a rule; all mistakes at once.
    """
    if source in bank():
        return _built_in(str(source))
    return _from_file(Path(source))


@lru_cache
def _built_in(name: str) -> Questionnaire:
    return _from_file(BANK / f"{name}.yaml")


def _from_file(path: Path) -> Questionnaire:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise QuestionnaireError([Problem(None, str(path), f"the file is over {MAX_BYTES:,} bytes")])
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else "cannot be read"
        known = ", ".join(bank())
        message = f"the file {why}; allowed are a YAML file in UTF-8 or one of the built-in ids: {known}"
        raise QuestionnaireError([Problem(None, str(path), message)]) from error
    return loads(text)


def _unprintable(text: str) -> Problem | None:
    """A control character or half of a surrogate pair, which no page can show and no database keeps."""
    for number, line in enumerate(text.splitlines(), 1):
        for letter in line:
            if unicodedata.category(letter) in ("Cc", "Cs") and letter != "\t":
                return Problem(number, "", f"the character U+{ord(letter):04X} stands there; allowed is printable text")
    return None


def _escaped(value: object) -> str | None:
    """A text with such a character that the file wrote as an escape."""
    if isinstance(value, str):
        return value[:60] if any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\t\n" for c in value) else None
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return next((found for key, part in parts for one in (key, part) if (found := _escaped(one))), None)


def loads(text: str) -> Questionnaire:
    """Read a questionnaire from YAML text; see `load`."""
    try:
        if found := _unprintable(text):
            raise QuestionnaireError([found])
        tree = yaml.compose(text, Loader=_Lines)
        raw = yaml.load(text, Loader=_Lines)  # noqa: S506  (a safe loader of our own)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise QuestionnaireError(
            [Problem(mark.line + 1 if mark else None, "", f"not valid YAML: {error.problem}")]
        ) from error
    except QuestionnaireError:
        raise
    except (yaml.YAMLError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise QuestionnaireError([Problem(None, "", f"not valid YAML: {error}")]) from error
    if hidden := _escaped(raw):
        raise QuestionnaireError([Problem(None, "", f"{hidden!r} holds a character that is not printable")])
    if not isinstance(raw, dict) or tree is None:
        raise QuestionnaireError([Problem(1, "", "a questionnaire is a YAML mapping that starts with 'id:'")])
    return _build(raw, tree)


def bank() -> list[str]:
    """Ids of the built-in questionnaires, customers first."""
    found = [path.stem for path in sorted(BANK.glob("*.yaml")) if path.stem != "recommendations"]
    return sorted(found, key=lambda name: ("customer" not in name, name))


def recommendations() -> dict[str, dict[str, Any]]:
    """The recommended action of each cell, by ``stage.dimension``."""
    return {f"{entry['stage']}.{entry['dimension']}": entry for entry in _library()["by_cell"]}


def remedies() -> dict[str, dict[str, Any]]:
    """The recommended action for each broken link of the chain, by ``gap_1`` to ``gap_4``."""
    return {f"gap_{entry['gap']}": entry for entry in _library()["by_gap"]}


def _library() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = yaml.safe_load((BANK / "recommendations.yaml").read_text(encoding="utf-8"))
    return found


def _lend(identifier: str) -> Questionnaire | None:
    return load(identifier) if identifier in bank() else None


def _build(raw: dict[str, Any], tree: yaml.Node) -> Questionnaire:
    problems: list[Problem] = []
    shaper = Shaper(raw, problems, _lend)
    shaped, origin = shaper.shape()
    problems += [Problem(_line(tree, place), _dotted(place), message) for place, message in shaper.found]
    try:
        questionnaire = Questionnaire.model_validate(shaped)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            place = origin(tuple(part for part in detail["loc"] if part != "[key]"))
            problems.append(Problem(_line(tree, place), _dotted(place), _sentence(dict(detail))))
        raise QuestionnaireError(_unique(problems)) from error
    for place, message in cross_checks(questionnaire):
        problems.append(Problem(_line(tree, origin(place)), _dotted(origin(place)), message))
    if problems:
        raise QuestionnaireError(_unique(problems))
    return questionnaire


def _unique(problems: list[Problem]) -> list[Problem]:
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.line or 0)


def _dotted(place: Place) -> str:
    return "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")


def _line(tree: yaml.Node, place: Place) -> int | None:
    """Line of the deepest node on the way to `place` that the file holds."""
    node = tree
    for part in place:
        if isinstance(node, yaml.MappingNode):
            found = next((value for key, value in node.value if key.value == str(part)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = node.value[part]
        else:
            found = None
        if found is None:
            break
        node = found
    return int(node.start_mark.line) + 1


def _sentence(detail: dict[str, Any]) -> str:
    """A validation error as one plain sentence with the value and what is allowed."""
    value, context = detail.get("input"), detail.get("ctx", {})
    shown = repr(value) if isinstance(value, str | int | float | bool) else type(value).__name__
    if len(shown) > 60:
        shown = shown[:57] + "..."
    allowed = {
        "missing": "this key is required and missing",
        "extra_forbidden": f"unknown key with the value {shown}; leave it out or correct its name",
        "literal_error": f"the value is {shown}; allowed is {context.get('expected')}",
        "string_pattern_mismatch": f"the value is {shown}; allowed are letters, digits and underscores, "
        "beginning with a letter, at most 40",
        "string_type": f"the value is {shown}; text is needed (put it in quotes)",
        "int_parsing": f"the value is {shown}; a whole number is needed",
        "bool_parsing": f"the value is {shown}; allowed are true and false",
        "bool_type": f"the value is {shown}; allowed are true and false",
        "int_from_float": f"the value is {shown}; a whole number is needed",
        "greater_than_equal": f"the value is {shown}; allowed is {context.get('ge')} or more",
        "less_than_equal": f"the value is {shown}; allowed is {context.get('le')} or less",
        "too_short": "the list is empty; at least one entry is needed",
        "dict_type": f"the value is {shown}; wording is needed in each language, as in 'en: …'",
        "tuple_type": f"the value is {shown}; a list is needed",
    }
    kind = str(detail["type"])
    if kind == "value_error":
        return str(context.get("error", detail["msg"]))
    return allowed.get(kind, f"{detail['msg']} (the value is {shown})")


def ready_to_publish(questionnaire: Questionnaire) -> list[str]:
    """What is still missing before the questionnaire can be put before people; empty when nothing is."""
    missing = []
    for item in questionnaire.items:
        for column in COLUMNS[questionnaire.format]:
            if not item.wording(column):
                missing.append(f"item {item.id} has no {column} wording")
    return missing
