"""REAPER's automation items: pieces of envelope with a life of their own, drawn back into the lane under them.

A pool holds the points, in quarter notes and 0…1 of the envelope's range; an instance says where they play. What
the project file says was read from published chunk documentation, not measured in REAPER; the live script asks
REAPER itself (`Envelope_Evaluate`).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from bridge.hosts.curves import BENT_PIECES, along, cut
from bridge.hosts.model import Lane, LanePoint, TempoPoint
from bridge.hosts.numbers import LONGEST_S, in_order, number, whole
from engine.curve_laws import DOMAINS, to_gain

#: Field 16 of an instance: the top of the volume envelope when it was made -> linear gain of a pooled value 1.
VOLUME_TOPS = {0: 2.0, 1: 1.0, 4: 10 ** (12 / 20), 5: 10 ** (24 / 20)}
#: All items of a file together draw at most this many points.
MAX_POINTS = 200_000
#: Bit of `ACT` and `POOLEDENVATTACH`: the envelope under the items does not play, between them the last value holds.
BYPASS_UNDER = 4
#: Play rates outside are damage.
RATES = (1e-3, 1e4)
#: The range of places in an envelope.
UNIT = (0.0, 1.0)


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
        sound = (
            0.0 <= position < LONGEST_S,
            0.0 < length < LONGEST_S,
            abs(offset) < LONGEST_S,
            RATES[0] <= rate <= RATES[1],
        )
        if not all(sound):
            return None

        def value(index: int, default: float) -> float:
            return number(fields[index], default) if len(fields) > index else default

        top = VOLUME_TOPS.get(whole(value(16, 0.0)), VOLUME_TOPS[0])
        return cls(
            fields[1], position, length, offset, rate, value(7, 0.5), value(8, 1.0), value(9, 1.0) != 0.0,
            value(13, 0.0) != 0.0, top,
        )  # fmt: skip

    def place(self, pooled: float) -> float:
        """A pooled value as this item plays it; an amplitude can drive it out of 0…1."""
        return (pooled - 0.5) * self.amplitude + self.baseline


@dataclass
class Painter:
    """Draws a project's automation items into its lanes."""

    pools: dict[str, Pool]
    tempo: Tempo
    #: What envelopes that say -1 do with what lies under their items: `POOLEDENVATTACH`.
    attach: int = 0
    room: int = field(default=MAX_POINTS, init=False)
    #: Whether there was more to draw than there is room for.
    full: bool = field(default=False, init=False)

    def draw(
        self,
        under: tuple[LanePoint, ...],
        items: Iterable[AutomationItem],
        domain: str,
        span: tuple[float, float] | None,
        attach: int = -1,
    ) -> tuple[LanePoint, ...]:
        """The envelope `under` with `items` drawn in: inside an item its pool counts, outside what lies under.

        `span` is what 0 and 1 in a pool mean; None for a volume, scaled to the item's own top in the lane's domain.
        """
        bypassed = (self.attach if attach < 0 else attach) & BYPASS_UNDER
        points = [] if bypassed else list(under)
        for item in sorted(items, key=lambda item: item.position_s):
            places = self._places(item, domain)
            self.room -= len(places)
            if places:
                values = _values(item, np.array([place.value for place in places]), domain, span)
                own = [replace(place, value=float(value)) for place, value in zip(places, values, strict=True)]
                under_lane, end_s = _lane(points, domain, span), item.position_s + item.length_s
                points = _replaced(under_lane, own, item.position_s, end_s, holds=bool(bypassed))
        return in_order(points)

    def _places(self, item: AutomationItem, domain: str) -> list[LanePoint]:
        """The item's points in project time, cut to its length, as places 0…1 in the envelope's range."""
        pool = self.pools[item.pool]
        self.full |= self.room < len(pool.points)
        if not pool.points or self.full:
            return []
        quarter_s = 60.0 / self.tempo.bpm(item.position_s) / item.rate
        points = _within_range(
            [replace(p, time_s=p.time_s * quarter_s, value=item.place(p.value)) for p in pool.points], domain
        )
        start_s, length_s, rounds = -item.offset_s / item.rate, pool.length_quarters * quarter_s, 1
        if item.loop and 1e-6 < length_s < LONGEST_S:
            # Every round is the pool from its start to its length, whatever points it has at or behind its edges.
            points = cut(_lane(points, domain, UNIT), 0.0, length_s)
            start_s = -(item.offset_s / item.rate % length_s)
            wanted = math.ceil((item.length_s - start_s) / length_s)
            rounds = max(min(wanted, self.room // len(points)), 1)
            self.full |= rounds < wanted
        begins = [item.position_s + start_s + index * length_s for index in range(rounds)]
        # To the bit, a round ends where the next one begins: else its end could come to lie behind that.
        rounds_s = pairwise([*begins, math.inf])
        repeated = [replace(p, time_s=min(begin + p.time_s, end)) for begin, end in rounds_s for p in points]
        return cut(_lane(repeated, domain, UNIT), item.position_s, item.position_s + item.length_s)


def _within_range(points: list[LanePoint], domain: str) -> list[LanePoint]:
    """`points` with whatever an amplitude drives out of 0…1 held at the edge, from where the line crosses it."""
    lane = _lane(points, domain, UNIT)
    drawn: list[LanePoint] = []
    for index, (point, following) in enumerate(pairwise(points)):
        if point.shape == "hold" or all(0.0 <= end.value <= 1.0 for end in (point, following)):
            drawn.append(point)
        else:
            times = np.array(_crossings(point, following) if point.shape == "linear" else _steps(point, following))
            drawn.append(LanePoint(point.time_s, point.value))
            drawn += [LanePoint(float(t), float(v)) for t, v in zip(times, along(lane, index, times), strict=True)]
    return [replace(point, value=min(max(point.value, 0.0), 1.0)) for point in [*drawn, points[-1]]]


def _crossings(point: LanePoint, following: LanePoint) -> list[float]:
    """Where a straight line crosses 0 and 1, in the order of time."""
    rise, length_s = following.value - point.value, following.time_s - point.time_s
    ways = [(edge - point.value) / rise for edge in (UNIT if rise > 0.0 else UNIT[::-1])] if rise else []
    return [point.time_s + length_s * way for way in ways if 0.0 < way < 1.0]


def _steps(point: LanePoint, following: LanePoint) -> list[float]:
    """Times that draw a bent segment in straight pieces, its ends left out."""
    return np.linspace(point.time_s, following.time_s, BENT_PIECES + 1)[1:-1].tolist()


def _lane(points: Sequence[LanePoint], domain: str, span: tuple[float, float] | None) -> Lane:
    return Lane("volume" if span is None else "param", tuple(points), domain=domain)


def _replaced(under: Lane, own: list[LanePoint], start_s: float, end_s: float, *, holds: bool) -> list[LanePoint]:
    """`under` with `own` in its place between two times; `holds`: behind its own end `under` says nothing."""
    if not under.points:
        return own
    # Ahead of its first point an envelope has that value, behind its last one that; under its items alone it has none.
    before, after = cut(under, -LONGEST_S, start_s)[1:], cut(under, end_s, LONGEST_S)[:-1]
    if holds and start_s <= under.points[0].time_s:
        before = []
    if holds and end_s >= under.points[-1].time_s:
        after = []
    return [*before, *own, *after]


def _values(item: AutomationItem, places: np.ndarray, domain: str, span: tuple[float, float] | None) -> np.ndarray:
    """What places 0…1 are in the lane's own unit."""
    if span is not None:
        return np.asarray(span[0] + places * (span[1] - span[0]))
    # On a fader-scaled lane 1 is the fader's place for the top gain, not the gain itself.
    law = DOMAINS[domain]
    return to_gain(law.db(places * law.position(np.array(item.top))))
