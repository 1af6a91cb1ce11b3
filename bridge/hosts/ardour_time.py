"""Ardour's times: samples until version 6, superclocks ("a…") or beat ticks ("b…") since version 7."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from xml.etree.ElementTree import Element

from bridge.hosts.numbers import number, seconds, whole
from bridge.hosts.tempo import BPM, TempoEvent, TempoMap

TICKS_PER_BEAT = 1920
SUPERCLOCKS_PER_SECOND = 282_240_000
#: Where `Session/@version` counts thousands (3001 and later), times became superclocks with this one.
FIRST_SUPERCLOCK_VERSION = 7000


@dataclass(frozen=True)
class ArdourClock:
    """Reads the times of one session."""

    sample_rate: int
    superclocks_per_second: int
    tempo: TempoMap

    def seconds(self, text: str) -> float:
        """The time `text` ("1234", "1.2e+06", "a28224000", "b1920") in seconds; raises `ValueError`."""
        return seconds(self._seconds(text.strip()))

    def within(self, position: str, text: str) -> float:
        """The time `text` counted from `position`, as a region's envelope is; raises `ValueError`."""
        position, text = position.strip(), text.strip()
        if counts_beats(position) and counts_beats(text):
            return seconds(self.tempo.seconds(_quarters(position[1:]) + _quarters(text[1:])))
        return seconds(self._seconds(position) + self._seconds(text))

    def beats(self, text: str) -> float:
        """The time `text` ("b1920") in quarter notes; raises `ValueError` for another kind, or one out of reach."""
        text = text.strip()
        if not counts_beats(text):
            raise ValueError(f"{text[:40]!r} is no time in beats")
        beat = _quarters(text[1:])
        self.tempo.seconds(beat)
        return beat

    def _seconds(self, text: str) -> float:
        if text.startswith("a"):
            return number(text[1:]) / self.superclocks_per_second
        if counts_beats(text):
            return self.tempo.seconds(_quarters(text[1:]))
        return number(text) / self.sample_rate


def counts_beats(text: str) -> bool:
    """Whether a time is written in beats."""
    return text.startswith("b")


def superclocks_per_second(session: Element) -> int:
    tempo_map = session.find("TempoMap")
    written = 0 if tempo_map is None else whole(tempo_map.get("superclocks-per-second"), 0)
    return written if written > 0 else SUPERCLOCKS_PER_SECOND


def read_clock(session: Element, sample_rate: int, warnings: list[str]) -> ArdourClock:
    """The clock of a session, from its tempo map."""
    tempo_map = session.find("TempoMap")
    superclocks = superclocks_per_second(session)
    sections: list[_Section] = []
    if tempo_map is not None:
        meters = _meters(tempo_map)
        for element, place in _tempos(tempo_map):
            try:
                sections.append(_section(element, place, sample_rate, superclocks, meters))
            except ValueError as error:
                warnings.append(f"a tempo could not be read and is left out ({error})")
    try:
        tempo = TempoMap(_events(sections))
    except ValueError as error:
        warnings.append(f"the tempo map could not be read, 120 BPM is assumed ({error})")
        tempo = TempoMap([])
    return ArdourClock(sample_rate, superclocks, tempo)


@dataclass(frozen=True)
class _Section:
    """A tempo event and the tempo that it glides to."""

    event: TempoEvent
    end_bpm: float
    #: By how many BPM it glides in a beat, where the file says so: Ardour plays that, whatever the end's tempo.
    slope: float | None = None

    def end(self, following: _Section) -> float:
        """The tempo that is reached where the next section begins."""
        if self.slope is not None:
            reached = self.event.bpm + self.slope * (following.event.beat - self.event.beat)
            if abs(reached - self.end_bpm) > 1e-6 * self.end_bpm and BPM[0] <= reached <= BPM[1]:
                return reached
        return self.end_bpm


def _events(sections: list[_Section]) -> Iterator[TempoEvent]:
    """The events in order; where a glide ends at a tempo that the next section does not begin with, that end too."""
    ordered = sorted(sections, key=lambda section: section.event.beat)
    for section, following in zip_longest(ordered, ordered[1:]):
        yield section.event
        if section.event.ramp and following is not None and following.event.bpm != section.end(following):
            yield replace(following.event, bpm=section.end(following), ramp=False)


@dataclass(frozen=True)
class _Meter:
    """A time signature, where places are written in bars and beats."""

    bar: float
    #: The quarter note where it begins.
    beat: float
    divisions: float
    #: Quarter notes in one of its beats.
    quarters: float

    def beat_of(self, bar: float, beat_in_bar: float, ticks: float = 0.0) -> float:
        divisions = (bar - self.bar) * self.divisions + beat_in_bar - 1.0 + ticks / TICKS_PER_BEAT
        return self.beat + divisions * self.quarters


def _meters(tempo_map: Element) -> list[_Meter]:
    """The time signatures by their bars, at least one; since version 5 nothing is counted in bars alone."""
    meters = [_Meter(1.0, 0.0, 4.0, 1.0)]
    for element in sorted(tempo_map.iter("Meter"), key=lambda one: _in_bars(one)[0]):
        bar, _, _ = _in_bars(element)
        divisions = max(_number(element.get("divisions-per-bar") or element.get("beats-per-bar"), 4.0), 1.0)
        note = max(_number(element.get("note-type") or element.get("note-value"), 4.0), 1.0)
        meters.append(_Meter(bar, meters[-1].beat_of(bar, 1.0), divisions, 4.0 / note))
    return meters


def _in_bars(element: Element) -> tuple[float, float, float]:
    """Bar, beat and ticks of a "3|1|0"; bar and beat count from 1."""
    parts = [number(part, 1.0) for part in (element.get("start") or "1|1|0").split("|")]
    bar, beat, ticks = (*parts[:3], *(1.0, 1.0, 0.0)[len(parts) :])
    return bar, beat, ticks


def _tempos(tempo_map: Element) -> Iterator[tuple[Element, Element]]:
    """Each tempo that holds, and the element that says where: itself, or the bar mark around it (since version 7)."""
    marks = {tempo: mark for mark in tempo_map.iter("MusicTime") for tempo in mark}
    for element in tempo_map.iter("Tempo"):
        # Versions 5 and 6 could switch a tempo off.
        if "frame" not in element.attrib or element.get("active") not in ("0", "no"):
            yield element, marks.get(element, element)


def _section(
    element: Element, place: Element, sample_rate: int, superclocks: int, meters: Sequence[_Meter]
) -> _Section:
    note_type = _number(element.get("note-type"), 4.0) or 4.0
    bpm = _number(element.get("npm") or element.get("beats-per-minute")) * 4.0 / note_type
    end = _number(element.get("enpm") or element.get("end-beats-per-minute"), bpm * note_type / 4.0) * 4.0 / note_type
    if not all(BPM[0] <= tempo <= BPM[1] for tempo in (bpm, end)):
        raise ValueError(f"{bpm:g} to {end:g} BPM")
    ramp, slope = abs(end - bpm) > 1e-9, None
    if element.get("omega") is not None:
        # The tempo grows by the factor e in 1/omega superclocks, which is a straight line over beats. A glide whose
        # omega Ardour has not worked out, it plays as one tempo.
        slope = _number(element.get("omega")) * superclocks * 60.0
        ramp = slope != 0.0 and not element.get("type", "").endswith("Constant")
    if place.get("sclock") is not None:
        at_s = number(place.get("sclock")) / superclocks
        event = TempoEvent(_quarters(place.get("quarters", "0:0")), bpm, ramp, at_s)
    elif place.get("frame") is not None:
        beat = _number(place.get("pulse"), 0.0) * 4.0
        event = TempoEvent(beat, bpm, ramp, number(place.get("frame")) / sample_rate)
    else:
        bar, beat_in_bar, ticks = _in_bars(place)
        meter = meters[max(bisect_right(meters, bar, key=lambda one: one.bar) - 1, 0)]
        event = TempoEvent(meter.beat_of(bar, beat_in_bar, ticks), bpm, ramp)
    return _Section(event, end, slope)


def _number(text: str | None, default: float | None = None) -> float:
    """As `number`, of a session that may have been saved under a locale with decimal commas."""
    return number(text and text.replace(",", "."), default)


def _quarters(text: str) -> float:
    """ "12:960" (beats and ticks), or plain ticks."""
    if ":" in text:
        beats, _, ticks = text.partition(":")
        return number(beats) + number(ticks) / TICKS_PER_BEAT
    return number(text) / TICKS_PER_BEAT
