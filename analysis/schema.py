"""JSON Schema of results, read off the dataclasses so that the two cannot differ."""

from __future__ import annotations

import types
from dataclasses import fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from analysis.gaps import GapTests

Schema = dict[str, Any]


def schema_of(kind: type) -> tuple[dict[str, Schema], dict[str, Schema]]:
    """Schemas of the fields of a dataclass, and the definitions they refer to."""
    definitions: dict[str, Schema] = {}
    return {name: _of(hint, definitions) for name, hint in get_type_hints(kind).items()}, definitions


def _of(hint: Any, definitions: dict[str, Schema]) -> Schema:
    """Schema of one type; dataclasses become definitions."""
    simple = {int: "integer", float: "number", str: "string", bool: "boolean", type(None): "null"}
    if hint in simple:
        return {"type": simple[hint]}
    if is_dataclass(hint) and isinstance(hint, type):
        return _definition(hint, definitions)
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return {"enum": list(inner)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_of(one, definitions) for one in inner]}
    if origin is dict:
        return {"type": "object", "additionalProperties": _of(inner[1], definitions)}
    if origin is frozenset or (origin is tuple and inner[-1] is Ellipsis):
        return {"type": "array", "items": _of(inner[0], definitions)}
    return {"type": "array", "prefixItems": [_of(one, definitions) for one in inner], "items": False}


def _definition(kind: type, definitions: dict[str, Schema]) -> Schema:
    """Reference to the definition of a dataclass, made on first use."""
    if kind.__name__ not in definitions:
        found: Schema = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
        definitions[kind.__name__] = found
        hints = get_type_hints(kind)
        for field in fields(kind):
            found["properties"][field.name] = _of(hints[field.name], definitions)
            found["required"].append(field.name)
        if kind is GapTests:  # the fields of the mean stand at the top
            gap = definitions["Statistic"]
            del found["properties"]["gap"]
            found["required"].remove("gap")
            found["properties"] = {**gap["properties"], **found["properties"]}
            found["required"] = [*gap["required"], *found["required"]]
    return {"$ref": f"#/$defs/{kind.__name__}"}
