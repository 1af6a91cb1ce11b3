"""REAPER's automation items: pieces of envelope with a life of their own, drawn back into the lane under them.

A pool holds the points, in quarter notes and 0…1 of the envelope's range; an instance says where they play. What
the project file says was read from published chunk documentation, not measured in REAPER; the live script asks
REAPER itself (`Envelope_Evaluate`).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bridge.hosts.curves import cut
from bridge.hosts.model import Lane, LanePoint, TempoPoint
from bridge.hosts.numbers import in_order, number, whole
from engine.curve_laws import DOMAINS

#: Field 16 of an instance: the top of the volume envelope when it was made -> linear gain of a pooled value 1.
VOLUME_TOPS = {0: 2.0, 1: 1.0, 4: 10 ** (12 / 20), 5: 10 ** (24 / 20)}
#: A looped item is repeated at most this often.
MAX_LOOPS = 10_000
#: The lane grows by at most this many points.
MAX_POINTS = 200_000


@dataclass(frozen=True)
class Tempo:
    """A project's tempo; it glides linearly in time, unlike the other hosts' that glide in beats."""

    #: At least one, sorted.
    points: tuple[TempoPoint, ...]

    def bpm(self, time_s: float) -> float:
        """The tempo at a time."""
        index = max(bisect_right([point.time_s for point in self.points], time_s) - 1, 0)
        point = self.points[index]
        if not point.ramp or index + 1 == len(self.points) or time_s <= point.time_s:
            return point.bpm
        following = self.points[index + 1]
        along = (time_s - point.time_s) / (following.time_s - point.time_s)
        return point.bpm + (following.bpm - point.bpm) * along


@dataclass(frozen=True)
class Pool:
    """The shared content of automation items: points in quarter notes, and how long it is before it loops."""

    points: tuple[LanePoint, ...]
    length_quarters: float


@dataclass(frozen=True)
class AutomationItem:
    """`POOLEDENVINST`: one item on an envelope."""

    pool: str
    position_s: float
    length_s: float
    #: Where in the pool it starts, seconds.
    offset_s: float
    rate: float
    #: 0…1, 0.5 neutral.
    baseline: float
    #: 1 neutral, -1 upside down.
    amplitude: float
    loop: bool
    muted: bool
    #: Linear gain of a pooled value 1 on a volume envelope.
    top: float

    @classmethod
    def of(cls, fields: list[str]) -> AutomationItem | None:
        """The item that a line describes; None of a line that describes none."""
        try:
            position, length, offset, rate = (number(field) for field in fields[2:6])
        except ValueError:
            return None
        if length <= 0.0 or rate <= 0.0 or not 0.0 <= position < 1e7 or length > 1e7:
            return None

        def value(index: int, default: float) -> float:
            return number(fields[index], default) if len(fields) > index else default

        top = VOLUME_TOPS.get(whole(value(16, 0.0)), VOLUME_TOPS[0])
        return cls(
            fields[1], position, length, offset, rate, value(7, 0.5), value(8, 1.0), value(9, 1.0) != 0.0,
            value(13, 0.0) != 0.0, top,
        )  # fmt: skip


def draw_items(
    under: tuple[LanePoint, ...],
    items: Iterable[AutomationItem],
    pools: dict[str, Pool],
    tempo: Tempo,
    domain: str,
    span: tuple[float, float] | None,
) -> tuple[LanePoint, ...]:
    """The envelope `under` with `items` drawn in: inside an item its pool counts, outside what lies under.

    `span` is what 0 and 1 in a pool mean; None for a volume, scaled to the item's own top in the lane's domain.
    """
    points = list(under)
    for item in sorted(items, key=lambda item: item.position_s):
        own = _item_points(item, pools[item.pool], tempo, domain, span)
        if not own or len(points) + len(own) > MAX_POINTS:
            continue
        points = _replaced(_lane(points, domain, span), own, item.position_s, item.position_s + item.length_s)
    return in_order(points)


def _lane(points: list[LanePoint], domain: str, span: tuple[float, float] | None) -> Lane:
    return Lane("volume" if span is None else "param", tuple(points), domain=domain)


def _replaced(under: Lane, own: list[LanePoint], start_s: float, end_s: float) -> list[LanePoint]:
    if not under.points:
        return own
    first, last = under.points[0].time_s, under.points[-1]
    before = cut(under, first, start_s) if first < start_s else []
    after = cut(under, end_s, last.time_s) if last.time_s > end_s else [LanePoint(end_s, last.value)]
    if last.time_s > end_s:
        after[-1] = last  # with its own shape, which matters to whatever is drawn after it
    return [*before, *own, *after]


def _item_points(
    item: AutomationItem, pool: Pool, tempo: Tempo, domain: str, span: tuple[float, float] | None
) -> list[LanePoint]:
    """The item's points in project time, cut to its length."""
    if not pool.points:
        return []
    beat_s = 60.0 / tempo.bpm(item.position_s)
    length_s = pool.length_quarters * beat_s / item.rate
    loops = 1
    if item.loop and length_s > 1e-6:
        loops = min(math.ceil((item.length_s + item.offset_s / item.rate) / length_s) + 1, MAX_LOOPS)
        loops = max(min(loops, MAX_POINTS // len(pool.points)), 1)
    points = []
    first = item.position_s - item.offset_s / item.rate
    for loop in range(loops):
        for point in pool.points:
            time_s = first + loop * length_s + point.time_s * beat_s / item.rate
            value = _value(item, point.value, domain, span)
            points.append(LanePoint(time_s, value, point.shape, point.tension))
    return cut(_lane(points, domain, span), item.position_s, item.position_s + item.length_s)


def _value(item: AutomationItem, pooled: float, domain: str, span: tuple[float, float] | None) -> float:
    place = min(max((pooled - 0.5) * item.amplitude + item.baseline, 0.0), 1.0)
    if span is not None:
        return span[0] + place * (span[1] - span[0])
    # On a fader-scaled lane 1 is the fader's place for the top gain, not the gain itself.
    law = DOMAINS[domain]
    top = float(law.position(np.array([item.top]))[0])
    db = float(law.db(np.array([place * top]))[0])
    return 10.0 ** (db / 20.0)
