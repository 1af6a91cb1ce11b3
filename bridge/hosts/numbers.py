"""Numbers as untrusted files write them."""

from __future__ import annotations

import math
from collections.abc import Iterable

from bridge.hosts.model import LanePoint

#: No project is longer than this, seconds (a hundred days); larger times are damage.
LONGEST_S = 8_640_000.0
#: No lane goes further than this, in whatever unit; larger values are damage.
LARGEST_VALUE = 1e9


def number(text: object, default: float | None = None) -> float:
    """`text` as a finite float; `default` where it is none, or `ValueError` without a default."""
    try:
        value = float(str(text))
    except ValueError:
        value = math.nan
    if math.isfinite(value):
        return value
    if default is None:
        raise ValueError(f"{str(text)[:40]!r} is no number")
    return default


def whole(text: object, default: int | None = None) -> int:
    """`text` as an int (a fraction is cut off); `default` where it is none, or `ValueError` without a default."""
    return int(number(text, None if default is None else float(default)))


def seconds(value: float) -> float:
    """`value`, a time that a project can hold; raises `ValueError` for one that it cannot."""
    if not -LONGEST_S <= value <= LONGEST_S:
        raise ValueError(f"time {value:g} s is out of reach")
    return value


def in_order(points: Iterable[LanePoint]) -> tuple[LanePoint, ...]:
    """Points sorted by time; those at one time keep their order. Values that no host can mean are left out."""
    sound = (point for point in points if abs(point.value) <= LARGEST_VALUE and abs(point.time_s) <= LONGEST_S)
    return tuple(sorted(sound, key=lambda point: point.time_s))
