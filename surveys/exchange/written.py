"""A questionnaire as a file: YAML that `surveys.authoring` reads back as the very same questionnaire.

What the questionnaire had borrowed from another stands in it in full.
"""

from __future__ import annotations

from typing import Any

import yaml

from surveys.questionnaire import Questionnaire


class _Plain(yaml.SafeDumper):
    """YAML without anchors: a text that stands twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        """Nothing is referred to."""
        return True


def as_yaml(questionnaire: Questionnaire) -> str:
    """The questionnaire as a YAML file.

    Parameters
    ----------
    questionnaire
        Any questionnaire, also one that borrows items or is published.

    Returns
    -------
    str
        Text for which ``surveys.authoring.loads`` gives an equal questionnaire.
    """
    found = questionnaire.model_dump(by_alias=True, exclude_defaults=True)
    file: dict[str, Any] = {"schema": questionnaire.schema_}
    for key, value in found.items():
        if key not in ("format", "item_scale", "column_labels"):
            file[key] = _listed(value)
    if questionnaire.item_scale or questionnaire.format != "two_column":
        file["formats"] = _formats(questionnaire)
    return yaml.dump(file, Dumper=_Plain, allow_unicode=True, sort_keys=False, width=110)


def _formats(questionnaire: Questionnaire) -> dict[str, Any]:
    made: dict[str, Any] = {"default": questionnaire.format}
    made |= {name: {"scale": scale} for name, scale in questionnaire.item_scale.items()}
    labels = [{"id": column, "label": dict(text)} for column, text in questionnaire.column_labels.items()]
    if labels:
        home = "three_column" if "three_column" in made else next(name for name in made if name != "default")
        made[home]["columns"] = labels
    return made


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _listed(part) for key, part in value.items()}
    return [_listed(part) for part in value] if isinstance(value, list | tuple) else value
