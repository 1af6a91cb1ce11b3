"""A host, as seen through MIDI: the messages it sends while it plays, each with the moment it is sent."""

from __future__ import annotations

from collections.abc import Iterator

import mido

from bridge.midi.mtc import quarter_frames
from bridge.timecode import Timecode

Event = tuple[float, mido.Message]


def mtc(start: Timecode, seconds: float, at_s: float = 0.0, speed: float = 1.0) -> Iterator[Event]:
    """Quarter frames from ``start`` on, beginning at ``at_s``."""
    quarter_s = float(1 / start.rate.fps) / 4 / speed
    sets = int(seconds / (8 * quarter_s))
    for index in range(sets):
        for piece, message in enumerate(quarter_frames(start + 2 * index)):
            yield at_s + (8 * index + piece) * quarter_s, message


def rewind(start: Timecode, seconds: float, at_s: float = 0.0) -> Iterator[Event]:
    """Quarter frames backwards from ``start``."""
    quarter_s = float(1 / start.rate.fps) / 4
    for index in range(int(seconds / (8 * quarter_s))):
        for piece, message in enumerate(reversed(list(quarter_frames(start - 2 * (index + 1))))):
            yield at_s + (8 * index + piece + 1) * quarter_s, message


def clock(seconds: float, bpm: float, at_s: float = 0.0) -> Iterator[Event]:
    """Clock, 24 to the quarter, the first one at ``at_s``."""
    tick_s = 60 / bpm / 24
    for index in range(int(seconds / tick_s)):
        yield at_s + index * tick_s, mido.Message("clock")


def cc(time_s: float, value: int, control: int = 7) -> Event:
    """One control change on channel 1."""
    return time_s, mido.Message("control_change", control=control, value=value)


def in_order(*streams: object) -> list[Event]:
    """Streams and single events as one stream in time."""
    events: list[Event] = []
    for stream in streams:
        events += [stream] if isinstance(stream, tuple) else list(stream)  # type: ignore[call-overload]
    return sorted(events, key=lambda event: event[0])
