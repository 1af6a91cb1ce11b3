"""Beats to seconds: a tempo map of steps and glides."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from bridge.hosts.model import TempoPoint
from bridge.hosts.numbers import seconds

#: Tempos outside are damage, not music (Live goes to 999, Bitwig to 666).
BPM = (1e-3, 1e5)


@dataclass(frozen=True)
class TempoEvent:
    """A tempo from a beat (quarter note) on; `ramp`: it glides, linear in beats, to the next event's."""

    beat: float
    bpm: float
    ramp: bool = False
    #: Its time, where the file says so; None: it follows from the tempos before.
    at_s: float | None = None


class TempoMap:
    """Seconds for beats. Before the first event its tempo holds; beat 0 is second 0 unless the events say otherwise."""

    def __init__(self, events: Iterable[TempoEvent], default_bpm: float = 120.0) -> None:
        ordered = sorted(events, key=lambda event: event.beat)
        if not ordered:
            ordered = [TempoEvent(0.0, default_bpm)]
        for event in ordered:
            if not BPM[0] <= event.bpm <= BPM[1]:
                raise ValueError(f"tempo {event.bpm:g} BPM is out of reach")
        self._events = ordered
        self._beats = [event.beat for event in ordered]
        self._seconds: list[float] = []
        for index, event in enumerate(ordered):
            at = self._seconds[-1] + self._within(index - 1, event.beat) if index else 0.0
            self._seconds.append(seconds(at if event.at_s is None else event.at_s))
        self._origin = 0.0
        if ordered[0].at_s is None:
            self._origin = self.seconds(0.0)

    def _within(self, index: int, beat: float) -> float:
        """Seconds from event `index` to `beat`, which no later event precedes."""
        event = self._events[index]
        elapsed = beat - event.beat
        following = self._events[index + 1] if index + 1 < len(self._events) else None
        if event.ramp and following is not None and elapsed > 0 and following.bpm != event.bpm:
            slope = (following.bpm - event.bpm) / (following.beat - event.beat)
            return 60.0 * math.log1p(slope * elapsed / event.bpm) / slope
        return elapsed * 60.0 / event.bpm

    def seconds(self, beat: float) -> float:
        """The time of `beat`, negative before beat 0; raises `ValueError` for one out of reach."""
        index = max(bisect_right(self._beats, beat) - 1, 0)
        return seconds(self._seconds[index] + self._within(index, beat) - self._origin)

    def beats(self, time_s: float) -> float:
        """The beat at a time: the inverse of `seconds`."""
        index = max(bisect_right(self._seconds, time_s + self._origin) - 1, 0)
        event = self._events[index]
        elapsed = time_s + self._origin - self._seconds[index]
        following = self._events[index + 1] if index + 1 < len(self._events) else None
        if event.ramp and following is not None and elapsed > 0 and following.bpm != event.bpm:
            slope = (following.bpm - event.bpm) / (following.beat - event.beat)
            return event.beat + event.bpm * math.expm1(min(elapsed * slope / 60.0, 700.0)) / slope
        return event.beat + elapsed * event.bpm / 60.0

    def bpm(self, beat: float) -> float:
        """The tempo at `beat`."""
        index = max(bisect_right(self._beats, beat) - 1, 0)
        event = self._events[index]
        following = self._events[index + 1] if index + 1 < len(self._events) else None
        if event.ramp and following is not None and beat > event.beat:
            return event.bpm + (following.bpm - event.bpm) * (beat - event.beat) / (following.beat - event.beat)
        return event.bpm

    def points(self) -> tuple[TempoPoint, ...]:
        """The map for people and JSON: what holds at 0, then every change after it."""
        first = max(bisect_right(self._beats, 0.0) - 1, 0)
        shown = [TempoPoint(0.0, self.bpm(0.0), self._events[first].ramp)]
        for event in self._events[first + 1 :]:
            if event.beat > 0.0:
                shown.append(TempoPoint(self.seconds(event.beat), event.bpm, event.ramp))
        return tuple(shown)
