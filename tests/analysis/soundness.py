"""What every result must keep, whatever the data: finite numbers within their intervals, or a reason."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from analysis.results import REASONS, Statistic


def numbers(part: Any) -> Iterator[Statistic]:
    """All statistics within a result."""
    if isinstance(part, Statistic):
        yield part
    elif is_dataclass(part) and not isinstance(part, type):
        for field in fields(part):
            yield from numbers(getattr(part, field.name))
    elif isinstance(part, dict | tuple):
        for one in part.values() if isinstance(part, dict) else part:
            yield from numbers(one)


def sound(one: Statistic) -> bool:
    """Whether a statistic is finite, has a reason where it has no value, and lies within its interval."""
    given = [number for number in (one.value, one.low, one.high) if number is not None]
    inside = one.low is None or one.low - 1e-9 <= one.value <= one.high + 1e-9
    return all(map(math.isfinite, given)) and inside and (one.value is not None or one.reason in REASONS)
