"""DAWproject's times: beats or seconds, on the arrangement or inside a clip; its tempo; the rounds of a loop."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

from bridge.hosts.numbers import number, seconds
from bridge.hosts.tempo import BPM, TempoEvent, TempoMap


@dataclass(frozen=True)
class Place:
    """Where the times of a timeline lie: its time 0 is at `zero_s`, which is the beat `zero_beat`.

    Both, as what a clip holds may count in another unit than the clip itself.
    """

    zero_s: float = 0.0
    zero_beat: float = 0.0
    #: Nothing outside is heard, seconds; the arrangement itself has no window.
    window: tuple[float, float] | None = None

    def moved(self, start_s: float, origin: float, unit: str, tempo: TempoMap) -> Place:
        """The place of a timeline in this one whose time `origin`, counted in `unit`, is at `start_s`."""
        if unit == "beats":
            zero_beat = tempo.beats(start_s) - origin
            return Place(tempo.seconds(zero_beat), zero_beat, self.window)
        return Place(seconds(start_s - origin), tempo.beats(start_s - origin), self.window)

    def seconds(self, time: float, unit: str, tempo: TempoMap) -> float:
        """The time `time` of the timeline, counted in `unit`, on the arrangement."""
        if unit == "beats":
            return seconds(tempo.seconds(self.zero_beat + time))
        return seconds(self.zero_s + time)

    def content(self, time_s: float, unit: str, tempo: TempoMap) -> float:
        """The inverse of `seconds`: the timeline's own time at a time of the arrangement."""
        return tempo.beats(time_s) - self.zero_beat if unit == "beats" else time_s - self.zero_s

    def heard(self, start_s: float, end_s: float) -> Place:
        """The same place with no more than this of it heard, nor more than was before."""
        if self.window is not None:
            start_s, end_s = max(start_s, self.window[0]), min(end_s, self.window[1])
        return replace(self, window=(start_s, end_s))

    def hears(self, time_s: float) -> bool:
        """Whether what stands at a time of the arrangement plays."""
        return self.window is None or self.window[0] <= time_s < self.window[1]

    @property
    def is_heard(self) -> bool:
        return self.window is None or self.window[0] < self.window[1]


#: Where an arrangement's own timelines lie.
ARRANGEMENT = Place()


def clip_rounds(clip: Element, around: Place, unit: str, tempo: TempoMap) -> Iterator[Place]:
    """Where a clip's content lies: once, or as often as its loop comes round. `unit` is that of the clip's own time.

    A round that begins before its container or after its end is among them, though not heard.
    """
    time, inner = number(clip.get("time"), 0.0), unit_of(clip.get("contentTimeUnit"), unit)
    start = around.seconds(time, unit, tempo)
    length = clip.get("duration")
    end = math.inf if length is None else around.seconds(time + number(length), unit, tempo)
    play_start = number(clip.get("playStart"), 0.0)
    loop_start, loop_end = number(clip.get("loopStart"), 0.0), number(clip.get("loopEnd"), 0.0)
    # Without a length a loop has no end to come round to.
    looped = loop_end > max(loop_start, play_start) and length is not None
    origin = play_start
    while True:
        place = around.heard(start, end).moved(start, origin, inner, tempo)
        stop = math.inf
        if looped or clip.get("playStop") is not None:
            stop = place.seconds(loop_end if looped else number(clip.get("playStop")), inner, tempo)
        yield place.heard(start, stop)
        if not looped or not start < stop < end:
            return
        start, origin = stop, loop_start


def unit_of(unit: str | None, inherited: str) -> str:
    """ "beats" or "seconds", whichever a timeline says or inherits."""
    return unit if unit in ("beats", "seconds") else inherited


def tempo_of(root: Element, warnings: list[str]) -> TempoMap:
    """The tempo map of a project: its automation, else its one tempo."""
    element = root.find("./Transport/Tempo")
    base = number(element.get("value"), 120.0) if element is not None else 120.0
    arrangement = root.find("Arrangement")
    automation = None if arrangement is None else arrangement.find("TempoAutomation")
    if not BPM[0] <= base <= BPM[1]:
        warnings.append(f"the tempo {base:g} BPM is out of reach, 120 BPM is assumed")
        base = 120.0
    if arrangement is None or automation is None:
        return TempoMap([], base)
    unit = unit_of(automation.get("timeUnit"), unit_of(arrangement.get("timeUnit"), "beats"))
    try:
        return TempoMap(_tempo_events(_tempo_points(automation, warnings), unit), base)
    except ValueError as error:
        warnings.append(f"the tempo could not be read, {base:g} BPM is assumed ({error})")
        return TempoMap([], base)


def _tempo_points(automation: Element, warnings: list[str]) -> list[tuple[float, float, bool]]:
    """Time, tempo and whether it glides from there on, in order; what cannot be is told and left out."""
    points = []
    for element in automation.findall("RealPoint"):
        try:
            time, bpm = number(element.get("time")), number(element.get("value"))
            if not BPM[0] <= bpm <= BPM[1]:
                raise ValueError(f"{bpm:g} BPM")
            points.append((time, bpm, element.get("interpolation") == "linear"))
        except ValueError as error:
            warnings.append(f"a tempo could not be read and is left out ({error})")
    return sorted(points, key=lambda point: point[0])


def _tempo_events(points: list[tuple[float, float, bool]], unit: str) -> list[TempoEvent]:
    events: list[TempoEvent] = []
    for time, bpm, ramp in points:
        if unit == "seconds" and events:
            # Between points in seconds a glide is linear in seconds, so its beats are the mean tempo's.
            last = events[-1]
            mean = (last.bpm + bpm) / 2.0 if last.ramp else last.bpm
            beat = last.beat + (time - (last.at_s or 0.0)) * mean / 60.0
            events.append(TempoEvent(beat, bpm, ramp, time, in_time=True))
        elif unit == "seconds":
            events.append(TempoEvent(time * bpm / 60.0, bpm, ramp, time, in_time=True))
        else:
            events.append(TempoEvent(time, bpm, ramp))
    return events
