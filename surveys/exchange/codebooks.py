"""The codebook of a survey: every column of its downloads, in words."""

from __future__ import annotations

from typing import Any

from surveys.coding import Codebook, Field, codebook
from surveys.flags import COLUMN, NAMES
from surveys.lots import lots
from surveys.questionnaire import Questionnaire, Text

OWN: dict[str, dict[str, str]] = {
    "submission": {"en": "Number of the row; the order tells nothing", "zh-CN": "行号；顺序不含任何信息"},
    "unit": {"en": "Branch or unit carried by the link", "zh-CN": "链接携带的网点或单位"},
    "via": {"en": "Way in carried by the link", "zh-CN": "链接携带的渠道"},
    "language": {"en": "Language in which the answers were sent", "zh-CN": "提交时使用的语言"},
    "month": {"en": "Month in which the answers were sent", "zh-CN": "提交月份"},
}
CAME: dict[str, Text] = {
    "same_browser": {
        "en": "1: the same browser had sent answers to this survey before",
        "zh-CN": "1：同一浏览器此前已提交过本调查的答卷",
    },
    "no_proof": {
        "en": "1: the device did not do the small piece of work that a browser does meanwhile; it may be a program",
        "zh-CN": "1：设备未完成浏览器在作答时完成的小计算，可能是程序",
    },
    "burst": {
        "en": "1: very many answers came from the same network within a minute",
        "zh-CN": "1：一分钟内同一网络提交了异常多的答卷",
    },
    "hasty": {"en": "1: sent sooner than the questions can be read", "zh-CN": "1：提交时间短于阅读题目所需时间"},
    "late": {
        "en": "1: given without a network before the survey closed, delivered afterwards",
        "zh-CN": "1：在调查结束前离线作答，结束后送达",
    },
    "over_quota": {
        "en": "1: arrived when a quota was full already",
        "zh-CN": "1：送达时配额已满",
    },
}
ORDER: Text = {
    "en": "Seed of the order in which the items of a page stood; 0: the order of the questionnaire",
    "zh-CN": "每页条目排列顺序的随机种子；0：问卷原有顺序",
}
FLAGS: dict[str, Text] = {
    "na": {"en": "1: “not applicable” was chosen", "zh-CN": "1：选择了“不适用”"},
    "dk": {"en": "1: “cannot judge” was chosen", "zh-CN": "1：选择了“无法判断”"},
}

ASKED: Text = {"en": "1: the item was asked (short form)", "zh-CN": "1：询问了该条目（简版问卷）"}
EMPTY: Text = {"en": "not answered, or not applicable where __na is 1", "zh-CN": "未作答；若 __na 为 1 则为不适用"}
EMPTY_SHORT: Text = {
    "en": "not answered, or not applicable where __na is 1, or not asked where __asked is 0",
    "zh-CN": "未作答；若 __na 为 1 则为不适用；若 __asked 为 0 则为未询问",
}


def describe(questionnaire: Questionnaire, about: dict[str, Any]) -> dict[str, Any]:
    """The codebook as plain data.

    Parameters
    ----------
    questionnaire : Questionnaire
        The survey's frozen questionnaire.
    about : dict
        What names the data set (survey, wave, releases, hash).

    Returns
    -------
    dict
        ``about``, ``missing`` (how missing answers are written) and ``columns``, in the order of the downloads.
    """
    book = codebook(questionnaire)
    columns: list[dict[str, Any]] = [
        {"name": name, "type": "text" if name != "submission" else "integer", "label": words}
        for name, words in OWN.items()
    ]
    columns += [
        {"name": COLUMN + name, "type": "integer", "label": CAME[name], "values": {"0": {}, "1": {}}}
        for name in NAMES.values()
    ]
    if questionnaire.shuffled:
        columns.append({"name": "item_order", "type": "integer", "label": ORDER})
    asked: set[str | None] = set()
    for entry in book.fields:
        if entry.drawn and entry.item not in asked:
            asked.add(entry.item)
            columns.append(_flag(f"{entry.item}__asked", ASKED, entry))
        columns.append(_column(questionnaire, entry))
        columns += [
            _flag(f"{entry.name}__{flag}", FLAGS[flag], entry)
            for flag, code in (("na", entry.na), ("dk", entry.dk))
            if code
        ]
    return {
        "schema": "fivegaps.codebook/1",
        "about": about,
        "questionnaire": {
            "id": questionnaire.id,
            "version": questionnaire.version,
            "title": questionnaire.title,
            "format": questionnaire.format,
            "languages": list(questionnaire.languages),
        },
        "missing": {"": EMPTY_SHORT if asked else EMPTY},
        **({"short_form": [{"items": lot.items, "drawn": lot.drawn} for lot in lots(questionnaire)]} if asked else {}),
        "free_text": _free_text(questionnaire, book),
        "columns": columns,
    }


def _flag(name: str, label: Text, entry: Field) -> dict[str, Any]:
    return {"name": name, "type": "integer", "label": label, "values": {"0": {}, "1": {}}, "of": entry.name}


def _column(questionnaire: Questionnaire, entry: Field) -> dict[str, Any]:
    question = questionnaire.question(entry.question) if entry.question else None
    told: dict[str, Any] = {"name": entry.name, "type": "text" if entry.kind == "choice" else "integer"}
    if entry.column is not None and entry.item is not None:
        item = questionnaire.item(entry.item)
        importance = questionnaire.item_importance
        scale = questionnaire.rating_scale
        if entry.column == "importance" and importance:
            scale = questionnaire.scale(importance.scale)
        told |= {
            "label": item.wording(entry.column),
            "item": item.id,
            "column": entry.column,
            "stage": item.stage,
            "dimension": item.dimension,
            "reversed": item.reversed,
            "low": scale.min,
            "high": scale.max,
            "anchors": {str(k): v for k, v in scale.anchors.items()},
        }
    elif question is not None:
        told |= {"label": question.prompt, "question": question.id}
        if question.scale:
            told |= {
                "low": question.scale.min,
                "high": question.scale.max,
                "reversed": question.reversed,
                "anchors": {str(k): v for k, v in question.scale.anchors.items()},
            }
        elif entry.kind == "choice":
            told["values"] = {option.code: option.label for option in question.options}
        else:
            code = entry.name.removeprefix(f"{question.id}__")
            option = next(option for option in question.options if option.code == code)
            told |= {"option": option.label, "low": entry.low, "high": entry.high}
    return told


def _free_text(questionnaire: Questionnaire, book: Codebook) -> list[dict[str, Any]]:
    """Free texts are kept apart from the rows and are not part of the downloads."""
    found = []
    for name in book.texts:
        question = questionnaire.question(name)
        found.append({"name": name, "label": question.prompt if question else {}})
    return found
