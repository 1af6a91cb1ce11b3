"""Lanes that a host counts in beats: its lines are straight in beats, so a change of tempo bends them in seconds."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice, pairwise

import numpy as np

from bridge.hosts.curves import FREE_PIECES, along
from bridge.hosts.model import Lane, LanePoint
from bridge.hosts.tempo import TempoMap

#: A line under a glide is drawn as straight pieces; a piece over which the tempo changes by the factor r leaves the
#: line by |ln r|/8 of its own height, so n pieces keep within height·|ln r|/8n²: 0.005 dB of a line over 60 dB.
_PIECES = 60.0 / 8.0 / 0.005
_MOST_PIECES = 64


@dataclass
class BeatLines:
    """Draws the lanes of one project, whose tempo changes where it does."""

    tempo: TempoMap
    #: Beats at which the tempo changes, and whether it glides from there on.
    changes: tuple[tuple[float, bool], ...]
    #: How many points may still be added: no song needs so many, a damaged file might.
    left: int = 500_000

    @classmethod
    def of(cls, tempo: TempoMap) -> BeatLines:
        # Of two at one place, the end of a glide and the tempo after it, the last one holds.
        changes = {tempo.beats(point.time_s): point.ramp for point in tempo.points()}
        return cls(tempo, tuple(changes.items()))

    def in_seconds(self, lane: Lane, origin: float = 0.0) -> tuple[LanePoint, ...]:
        """The points of `lane`, whose times are beats counted from the beat `origin`, in seconds.

        Where the tempo changes within a line, points on that line are added; a bend becomes many short lines, behind
        the point that says how it bends. Raises `ValueError` for a time out of reach.
        """
        points: list[LanePoint] = []
        for index, (point, following) in enumerate(pairwise([*lane.points, None])):
            assert point is not None
            points.append(self._placed(point, origin, point.time_s))
            if following is None or point.shape == "hold" or point.value == following.value:
                continue
            start, end = origin + point.time_s, origin + following.time_s
            beats = list(islice(self._within(start, end), self.left))
            if beats and point.shape != "linear":
                beats = sorted({*beats, *np.linspace(start, end, FREE_PIECES + 1)[:-1].tolist()})
            if beats:
                self.left -= len(beats)
                values = along(lane, index, np.array(beats) - origin)
                points += [
                    LanePoint(self.tempo.seconds(b), float(v), added=True) for b, v in zip(beats, values, strict=True)
                ]
        return tuple(points)

    def _placed(self, point: LanePoint, origin: float, beat: float) -> LanePoint:
        return replace(point, time_s=self.tempo.seconds(origin + beat))

    def _within(self, start: float, end: float) -> Iterator[float]:
        """Beats between two others where a line between them needs a point to keep its course."""
        first = max(bisect_right(self.changes, start, key=_beat) - 1, 0)
        last = bisect_left(self.changes, end, key=_beat)
        for index in range(first, last):
            beat, glides = self.changes[index]
            begin = max(beat, start)
            stop = min(self.changes[index + 1][0], end) if index + 1 < len(self.changes) else end
            if begin > start:
                yield begin
            if glides and begin < stop:
                # Up to the very end of the glide: there the next tempo holds already, which may be another.
                ratio = self.tempo.bpm(math.nextafter(stop, begin)) / self.tempo.bpm(begin)
                pieces = min(math.ceil(math.sqrt(_PIECES * abs(math.log(ratio)))), _MOST_PIECES)
                yield from (begin + (stop - begin) * piece / pieces for piece in range(1, pieces))


def _beat(change: tuple[float, bool]) -> float:
    return change[0]
