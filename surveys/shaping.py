"""The file's layout and the model's: how sections of a questionnaire file become parts of a `Questionnaire`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from surveys.checking import Place, Problem
from surveys.questionnaire import Questionnaire


class Shaper:
    """Turns the file's layout into the model's: named sections become blocks, borrowed items are filled in."""

    SECTIONS = (
        "importance",
        "stage_importance",
        "outcomes",
        "complaint",
        "features",
        "comments",
        "quality_checks",
        "segments",
        "exposure",
    )
    NOTES = (
        "cfp_steps",
        "lite",
        "column_intro",
        "formats",
        "blocks",
        "antecedents",
        "columns",
        "missing",
        "not_applicable",
        "ignore",
        "data",
    )

    def __init__(self, raw: dict[str, Any], problems: list[Problem], lend: Callable[[str], Questionnaire | None]):
        self.raw, self.problems, self.lend = raw, problems, lend
        self.where: dict[Place, Place] = {}
        self.lender: Questionnaire | None = None
        self.found: list[tuple[Place, str]] = []

    def shape(self) -> tuple[dict[str, Any], Any]:
        """The model's input, and a function from a place in it to the place in the file."""
        shaped = {k: v for k, v in self.raw.items() if k not in self.SECTIONS + self.NOTES}
        blocks: list[dict[str, Any]] = []
        for section in ("blocks", "antecedents", *self.SECTIONS):
            if section in self.raw:
                getattr(self, f"_{section}")(self.raw[section], blocks)
        shaped["blocks"] = blocks
        shaped["scales"] = list(self._scales())
        self._formats(shaped)
        self._borrowed_parts(shaped)
        self._data(shaped)
        self._items(shaped)
        return shaped, self._origin

    def _origin(self, place: Place) -> Place:
        for length in range(len(place), 0, -1):
            if place[:length] in self.where:
                return self.where[place[:length]] + place[length:]
        return place

    def _scales(self) -> Iterator[Any]:
        yield from self.raw.get("scales") or []

    def _formats(self, shaped: dict[str, Any]) -> None:
        formats = self.raw.get("formats") or {}
        if not isinstance(formats, dict):
            self.problems.append(Problem(None, "formats", "a mapping of formats is needed"))
            return
        shaped["item_scale"] = {}
        labels: dict[str, Any] = {}
        for name, rules in formats.items():
            if name == "default":
                shaped["format"] = rules
            elif isinstance(rules, dict) and "scale" in rules:
                shaped["item_scale"][name] = rules["scale"]
                self.where[("item_scale", name)] = ("formats", name, "scale")
                for column in rules.get("columns", []):
                    if isinstance(column, dict) and "label" in column:
                        labels[str(column["id"]).replace("perceived", "perception")] = column["label"]
        self.where[("format",)] = ("formats", "default")
        shaped["column_labels"] = labels
        shaped["column_intro"] = self.raw.get("column_intro", {})

    def _data(self, shaped: dict[str, Any]) -> None:
        rules = dict(self.raw.get("data") or {})
        for key in ("columns", "missing", "not_applicable", "ignore"):
            if key in self.raw:
                rules[key] = self.raw[key]
                self.where[("data", key)] = (key,)
        for key in ("missing", "not_applicable", "ignore"):
            if isinstance(rules.get(key), list):
                rules[key] = [str(code) for code in rules[key]]
        shaped["data"] = rules

    def _items(self, shaped: dict[str, Any]) -> None:
        """A touchpoint may be one text for all languages."""
        languages = self.raw.get("languages") or ["en"]
        items = shaped.get("items")
        if isinstance(items, list):
            self._places(items)
            shaped["items"] = [
                item | {"touchpoint": {str(language): item["touchpoint"] for language in languages}}
                if isinstance(item, dict) and isinstance(item.get("touchpoint"), str)
                else item
                for item in items
            ]

    def _places(self, items: list[Any]) -> None:
        """Stage and dimension of each item are known; asked here so that it is told beside all other mistakes."""
        for key, one in (("stages", "stage"), ("dimensions", "dimension")):
            parts = self.raw.get(key)
            known = [str(part.get("id") if isinstance(part, dict) else part) for part in parts or []]
            for place, item in enumerate(items):
                value = item.get(one) if isinstance(item, dict) else None
                if one == "stage" and not known and value is not None:
                    message = f"the stage is {value!r}, but the questionnaire defines no stages"
                elif isinstance(item, dict) and value not in known and (known or one == "dimension"):
                    message = f"the {one} is {value!r}; allowed are {', '.join(known) or f'none: define {key}'}"
                else:
                    continue
                self.found.append((("items", place, one), message))

    def _lend(self, identifier: str) -> Questionnaire | None:
        if self.lender is None:
            self.lender = self.lend(identifier)
        return self.lender

    def _borrowed_parts(self, shaped: dict[str, Any]) -> None:
        """Stages and dimensions given by id alone are those of the questionnaire whose items are reused."""
        for key in ("stages", "dimensions"):
            entries = shaped.get(key)
            if isinstance(entries, list) and entries and all(isinstance(entry, str) for entry in entries):
                known = {part.id: part for part in getattr(self.lender or self._lend("pfs_customer"), key)}
                unknown = [entry for entry in entries if entry not in known]
                for entry in unknown:
                    self.problems.append(
                        Problem(None, key, f"{entry!r} is not defined; allowed are {', '.join(known)}")
                    )
                shaped[key] = [known[entry].model_dump() for entry in entries if entry in known]

    def _add(self, blocks: list[dict[str, Any]], block: dict[str, Any], place: Place, each: bool = True) -> None:
        at = len(blocks)
        self.where[("blocks", at)] = place
        for q, _ in enumerate(block["questions"]):
            self.where[("blocks", at, "questions", q)] = (*place, q) if each else place
        blocks.append(block)

    def _importance(self, value: Any, blocks: list[dict[str, Any]]) -> None:
        self._add(
            blocks, {"id": "importance_block", "role": "importance", "questions": [value]}, ("importance",), False
        )

    def _stage_importance(self, value: Any, blocks: list[dict[str, Any]]) -> None:
        block = {"id": "stage_importance_block", "role": "importance", "questions": [value]}
        self._add(blocks, block, ("stage_importance",), False)

    def _plain(self, section: str, role: str, value: Any, blocks: list[dict[str, Any]]) -> None:
        if not isinstance(value, list):
            self.problems.append(Problem(None, section, f"a list of questions is needed, not {type(value).__name__}"))
            return
        block = {"id": section, "role": role, "questions": [self._question(entry) for entry in value]}
        self._add(blocks, block, (section,))

    def _outcomes(self, value: Any, blocks: list[dict[str, Any]]) -> None:
        self._plain("outcomes", "outcomes", value, blocks)

    def _features(self, value: Any, blocks: list[dict[str, Any]]) -> None:
        self._plain("features", "features", value, blocks)

    def _complaint(self, value: Any, blocks: list[dict[str, Any]]) -> None:
        self._plain("complaint", "complaint", value, blocks)

    def _comments(self, value: Any, blocks: list[dict[str, Any]]) -> None:
        self._plain("comments", "comments", value, blocks)

    def _quality_checks(self, value: Any, blocks: list[dict[str, Any]]) -> None:
        self._plain("quality_checks", "quality", value, blocks)

    def _segments(self, value: Any, blocks: list[dict[str, Any]]) -> None:
        self._plain("segments", "segments", value, blocks)

    def _exposure(self, value: Any, blocks: list[dict[str, Any]]) -> None:
        self._plain("exposure", "exposure", value, blocks)

    def _question(self, entry: Any) -> Any:
        """A question as the file writes it: rating types carry their scale in line."""
        if not isinstance(entry, dict):
            return entry
        shaped = {k: v for k, v in entry.items() if k not in ("min", "max", "anchors", "na", "dk", "placement")}
        if entry.get("type") in ("likert", "nps", "instructed"):
            shaped["type"] = "scale"
            if isinstance(entry.get("scale"), str):
                scales = {str(scale.get("id")): scale for scale in self._scales() if isinstance(scale, dict)}
                shaped["scale"] = scales.get(entry["scale"])
            else:
                shaped["scale"] = {"type": "nps" if entry["type"] == "nps" else "likert"} | {
                    key: entry[key] for key in ("min", "max", "anchors", "na", "dk") if key in entry
                }
        return shaped

    def _blocks(self, value: Any, blocks: list[dict[str, Any]]) -> None:
        for place, block in enumerate(value if isinstance(value, list) else []):
            if not isinstance(block, dict):
                self.problems.append(Problem(None, f"blocks[{place + 1}]", "a mapping is needed"))
            elif "reuse" in block:
                self._reuse(block, place, blocks)
            elif "cells" in block:
                self._grid(block, place, blocks)
            else:
                self._add(blocks, block, ("blocks", place), False)

    def _reuse(self, block: dict[str, Any], place: int, blocks: list[dict[str, Any]]) -> None:
        reuse = block["reuse"]
        lender = self._lend(str(reuse.get("instrument")))
        if lender is None:
            message = f"{reuse.get('instrument')!r} is not a built-in questionnaire"
            self.problems.append(Problem(None, f"blocks[{place + 1}].reuse.instrument", message))
            return
        identifier, optional = str(block.get("id")), bool(block.get("optional"))
        if reuse.get("field") == "importance":
            lent = next(lender.questions("importance")).model_dump()
            questions = [
                lent | {"id": identifier, "optional": optional, "prompt": block.get("frame") or lent["prompt"]}
            ]
            block = {key: value for key, value in block.items() if key != "frame"}
        else:
            scales = {str(s.get("id")): s for s in self._scales() if isinstance(s, dict)}
            scale = {k: v for k, v in (scales.get(str(block.get("scale"))) or {}).items() if k != "na"}
            questions = [
                {
                    "id": f"{identifier}__{item.id}",
                    "type": "scale",
                    "scale": scale or None,
                    "optional": optional,
                    "prompt": item.wording(reuse.get("field", "expectation")),
                    "item": item.id,
                    "stage": item.stage,
                    "dimension": item.dimension,
                }
                for item in lender.items
            ]
        shaped = {"id": identifier, "role": "belief", "frame": block.get("frame", {}), "questions": questions}
        self._add(blocks, shaped, ("blocks", place), False)

    def _grid(self, block: dict[str, Any], place: int, blocks: list[dict[str, Any]]) -> None:
        scale = {key: block[key] for key in ("min", "max", "anchors", "na", "dk") if key in block}
        lender = self._lend("pfs_customer")
        # The page says which stage it is about; the card says the dimension in words anybody understands.
        about = {
            d.id: {tongue: f"{d.name[tongue]}: {d.description[tongue]}" for tongue in d.name}
            for d in (lender.dimensions if lender else ())
        }
        questions = []
        for cell in block["cells"]:
            prompt = about.get(str(cell.get("dimension")), {})
            questions.append(
                {
                    "id": f"{block.get('id')}__{cell.get('id')}",
                    "type": "scale",
                    "scale": scale,
                    "prompt": prompt,
                    "stage": cell.get("stage"),
                    "dimension": cell.get("dimension"),
                }
            )
        shaped = {"id": block.get("id"), "role": "grid", "frame": block.get("prompt", {}), "questions": questions}
        self._add(blocks, shaped, ("blocks", place), False)

    def _antecedents(self, value: Any, blocks: list[dict[str, Any]]) -> None:
        scales = [scale for scale in self._scales() if isinstance(scale, dict)]
        scale = {k: v for k, v in scales[0].items() if k != "na"} if scales else None
        for name, group in (value if isinstance(value, dict) else {}).items():
            questions = [
                {
                    "id": entry.get("id"),
                    "type": "scale",
                    "scale": scale,
                    "prompt": entry.get("text", {}),
                    "reversed": entry.get("reverse", False),
                    "gap": group.get("gap"),
                }
                for entry in group.get("items", [])
            ]
            block = {"id": name, "role": "antecedents", "name": group.get("name", {}), "questions": questions}
            self._add(blocks, block, ("antecedents", name), False)
