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
    """A tempo from a beat (quarter note) on; `ramp`: it glides to the next event's."""

    beat: float
    bpm: float
    ramp: bool = False
    #: Its time, where the file says so; None: it follows from the tempos before.
    at_s: float | None = None
    #: Whether a glide is linear in time instead of in beats.
    in_time: bool = False


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
        event, elapsed = self._events[index], beat - self._events[index].beat
        following = self._glide_to(index)
        if following is None or elapsed <= 0.0:
            return elapsed * 60.0 / event.bpm
        if event.in_time:  # the mean of a straight line is that of its ends
            return elapsed * 120.0 / (event.bpm + self._bpm(index, beat))
        slope = (following.bpm - event.bpm) / (following.beat - event.beat)
        return 60.0 * math.log1p(slope * elapsed / event.bpm) / slope

    def _glide_to(self, index: int) -> TempoEvent | None:
        """The event whose tempo event `index` glides to, if it does."""
        following = self._events[index + 1] if index + 1 < len(self._events) else None
        event = self._events[index]
        return following if event.ramp and following is not None and following.bpm != event.bpm else None

    def seconds(self, beat: float) -> float:
        """The time of `beat`, negative before beat 0; raises `ValueError` for one out of reach."""
        index = max(bisect_right(self._beats, beat) - 1, 0)
        return seconds(self._seconds[index] + self._within(index, beat) - self._origin)

    def beats(self, time_s: float) -> float:
        """The beat at a time: the inverse of `seconds`."""
        index = max(bisect_right(self._seconds, time_s + self._origin) - 1, 0)
        event, elapsed = self._events[index], time_s + self._origin - self._seconds[index]
        following = self._glide_to(index)
        if following is None or elapsed <= 0.0:
            return event.beat + elapsed * event.bpm / 60.0
        if event.in_time:
            way = elapsed / (self._seconds[index + 1] - self._seconds[index])
            return event.beat + elapsed * (event.bpm + (following.bpm - event.bpm) * way / 2.0) / 60.0
        slope = (following.bpm - event.bpm) / (following.beat - event.beat)
        return event.beat + event.bpm * math.expm1(min(elapsed * slope / 60.0, 700.0)) / slope

    def bpm(self, beat: float) -> float:
        """The tempo at `beat`."""
        return self._bpm(max(bisect_right(self._beats, beat) - 1, 0), beat)

    def _bpm(self, index: int, beat: float) -> float:
        """The tempo of event `index` at `beat`, which no later event precedes."""
        event, following = self._events[index], self._glide_to(index)
        if following is None or beat <= event.beat:
            return event.bpm
        way = (beat - event.beat) / (following.beat - event.beat)
        if event.in_time:  # its square is linear in beats
            return math.sqrt(event.bpm**2 + (following.bpm**2 - event.bpm**2) * way)
        return event.bpm + (following.bpm - event.bpm) * way

    def points(self) -> tuple[TempoPoint, ...]:
        """The map for people and JSON: what holds at 0, then every change after it."""
        first = max(bisect_right(self._beats, 0.0) - 1, 0)
        shown = [TempoPoint(0.0, self.bpm(0.0), self._events[first].ramp)]
        for event in self._events[first + 1 :]:
            if event.beat > 0.0:
                shown.append(TempoPoint(self.seconds(event.beat), event.bpm, event.ramp))
        return tuple(shown)
