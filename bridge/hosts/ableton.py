"""Ableton Live sets (.als): versions 8 to 12."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from bridge.hosts.beat_lines import BeatLines
from bridge.hosts.curves import FREE_PIECES, along
from bridge.hosts.model import (
    MAX_FILE_POINTS,
    Lane,
    LanePoint,
    Marker,
    Project,
    ProjectError,
    Track,
)
from bridge.hosts.numbers import in_order, number
from bridge.hosts.safe_xml import project_xml
from bridge.hosts.tempo import TempoEvent, TempoMap

#: Live puts the value before all automation at this beat (two years before the song); it is no point of the lane.
INITIAL_BEAT = -63_072_000.0
#: No song begins earlier; the initial tempo is taken to hold from here, where seconds are still exact.
EARLIEST_BEAT = -10_000.0
NEWEST_MAJOR = 12
TRACK_TAGS = ("AudioTrack", "MidiTrack", "GroupTrack", "ReturnTrack")
#: The main track's tag until Live 11 and since.
MAIN_TAGS = ("MasterTrack", "MainTrack")
#: Where a track keeps its mixer; the main track of Live 8 differs.
MIXER_PATHS = ("./DeviceChain/Mixer", "./MasterChain/Mixer", "./MasterChain/DeviceChain/Mixer")
#: What a list of automation holds; other lists of that name hold clips.
EVENT_TAGS = ("FloatEvent", "BoolEvent", "EnumEvent")
#: Place below the mixer -> what its lane controls.
MIXER = {
    "Volume": "volume",
    "Pan": "pan",
    "SplitStereoPanL": "pan",
    "SplitStereoPanR": "pan",
}


@dataclass(frozen=True)
class _Target:
    controls: str
    name: str


def read_ableton(data: bytes, path: Path) -> Project:
    """The set in `data` (unpacked XML); raises `ProjectError`."""
    root = project_xml(data, f"{path.name}:", "save the set again in Live")
    live_set = root.find("LiveSet")
    if root.tag != "Ableton" or live_set is None:
        raise ProjectError(f"{path.name}: no Live set (no <LiveSet>); choose the .als file")
    return _Reader(root, live_set, path).read()


class _Reader:
    def __init__(self, root: Element, live_set: Element, path: Path) -> None:
        self.root = root
        self.live_set = live_set
        self.path = path
        self.warnings: list[str] = []
        self.points_left = MAX_FILE_POINTS
        found = (live_set.find(tag) for tag in MAIN_TAGS)
        self.main = next((element for element in found if element is not None), None)
        tempos = () if self.main is None else self.main.iterfind(".//Mixer/Tempo")
        self.tempo_parameter = next(iter(tempos), None)
        self.tempo = self._tempo()
        self.beat_lines = BeatLines.of(self.tempo)

    def read(self) -> Project:
        version = self.root.get("Creator", "")
        major = version.rpartition(" ")[2].partition(".")[0]
        if major.isdecimal() and int(major) > NEWEST_MAJOR:
            self.warnings.append(f"{version} is newer than what is known here: read as far as it is understood")
        tracks = [
            Track(_name(element), tuple(self._lanes(element)))
            for element in self.live_set.iterfind("./Tracks/*")
            if element.tag in TRACK_TAGS
        ]
        if self.main is not None:
            lanes = tuple(self._lanes(self.main))
            if lanes:
                tracks.append(Track(_name(self.main) or "Main", lanes))
        return Project(
            format="als",
            version=version,
            path=self.path,
            tracks=tuple(tracks),
            markers=tuple(self._locators()),
            tempo=self.tempo.points(),
            warnings=tuple(self.warnings),
        )

    def _tempo(self) -> TempoMap:
        if self.main is None or self.tempo_parameter is None:
            self.warnings.append("the set holds no tempo: 120 BPM is assumed")
            return TempoMap([])
        base = number(_value(self.tempo_parameter, "Manual"), 120.0)
        try:
            # A point's time is its beat here; what holds before the song holds at its start.
            points = in_order(
                _point(max(number(event.get("Time")), EARLIEST_BEAT), number(event.get("Value")), event)
                for event in self._events(self.main, self.tempo_parameter)
            )
            return TempoMap(_tempo_events(Lane("param", points)), base)
        except ValueError as error:
            self.warnings.append(f"the tempo could not be read, {base:g} BPM is assumed ({error})")
            return TempoMap([TempoEvent(0.0, base if 1.0 <= base <= 1e4 else 120.0)])

    def _events(self, track: Element, parameter: Element) -> list[Element]:
        """The automation events of a parameter: in it until Live 9, in an envelope that points to it since."""
        own = _listed(parameter, "ArrangerAutomation")
        target = parameter.find("AutomationTarget")
        if target is None:
            return own
        for envelope in _envelopes(track):
            if _value(envelope, "EnvelopeTarget/PointeeId") == target.get("Id"):
                own += _listed(envelope, "Automation")
        return own

    def _locators(self) -> Iterator[Marker]:
        for locator in self.live_set.iterfind("./Locators/Locators/Locator"):
            name = _value(locator, "Name") or ""
            try:
                yield Marker("marker", name, self.tempo.seconds(number(_value(locator, "Time"))))
            except (ValueError, OverflowError):
                self.warnings.append(f"locator {name!r} could not be read and is left out")

    # ----------------------------------------------------------------------------------------------------- lanes

    def _lanes(self, track: Element) -> Iterator[Lane]:
        targets = self._targets(track)
        collected: dict[str, list[LanePoint]] = {}
        order: dict[str, _Target] = {}
        for identity, (parameter, target) in targets.items():
            own = _listed(parameter, "ArrangerAutomation")
            if own and parameter is not self.tempo_parameter:
                collected[identity] = self._points(own, target)
                order[identity] = target
        for envelope in _envelopes(track):
            identity = _value(envelope, "EnvelopeTarget/PointeeId") or ""
            pointed, target = targets.get(identity, (None, _Target("param", f"parameter {identity}")))
            if pointed is not None and pointed is self.tempo_parameter:
                continue
            points = self._points(_listed(envelope, "Automation"), target)
            before = collected.setdefault(identity, [])
            if before:
                self.warnings.append(f"{_name(track)}, {target.name}: two lists of one control were merged")
            known = set(before)
            before += [point for point in points if point not in known]
            order[identity] = target
        for identity, target in order.items():
            if collected[identity]:
                domain = "db" if target.controls in ("volume", "send") else "gain"
                lane = Lane(target.controls, in_order(collected[identity]), True, domain, target.name)
                yield replace(lane, points=self.beat_lines.in_seconds(lane))

    def _targets(self, track: Element) -> dict[str, tuple[Element, _Target]]:
        """Automation target id -> the parameter that has it; where Live 8 gives none, a number stands for it."""
        mixer = next((found for path in MIXER_PATHS if (found := track.find(path)) is not None), None)
        named: dict[int, _Target] = {}
        if mixer is not None:
            for tag, controls in MIXER.items():
                for element in mixer.findall(tag):
                    named[id(element)] = _Target(controls, tag)
            for index, element in enumerate(mixer.iterfind("./Sends/TrackSendHolder/Send")):
                named[id(element)] = _Target("send", f"Send {chr(65 + index)}" if index < 26 else f"Send {index}")
        targets = {}
        for place, element in enumerate(track.iter()):
            target = element.find("AutomationTarget")
            if target is not None or element.find("ArrangerAutomation") is not None:
                identity = "" if target is None else target.get("Id", "")
                what = named.get(id(element), _Target("param", element.tag))
                targets[identity or f"{element.tag} at {place}"] = (element, what)
        return targets

    def _points(self, events: list[Element], target: _Target) -> list[LanePoint]:
        """Points whose times are beats still."""
        points = []
        bad = 0
        for event in events:
            self.points_left -= 1
            if self.points_left < 0:
                raise ProjectError(f"{self.path.name}: more than {MAX_FILE_POINTS} points; thin the automation first")
            try:
                beat = number(event.get("Time"))
                if beat <= INITIAL_BEAT:
                    continue
                text = event.get("Value", "")
                value = float(text == "true") if text in ("true", "false") else number(text)
                self.tempo.seconds(beat)  # raises for what is out of reach
                points.append(_point(beat, value, event))
            except (ValueError, OverflowError):
                bad += 1
        if bad:
            self.warnings.append(f"{target.name}: {bad} point(s) could not be read and are left out")
        return points


def _point(time_s: float, value: float, event: Element) -> LanePoint:
    if event.tag != "FloatEvent":
        return LanePoint(time_s, value, "hold")  # switches and choices
    corners = [event.get(f"CurveControl{name}") for name in ("1X", "1Y", "2X", "2Y")]
    if None in corners:
        return LanePoint(time_s, value)
    x1, y1, x2, y2 = (number(corner) for corner in corners)
    x1, x2 = (min(max(x, 0.0), 1.0) for x in (x1, x2))
    y1, y2 = (min(max(y, -10.0), 10.0) for y in (y1, y2))
    if (x1, x2) == (y1, y2):  # some sets write controls at every point, which bend nothing on the straight line
        return LanePoint(time_s, value)
    return LanePoint(time_s, value, "cubic", control=(x1, y1, x2, y2))


def _tempo_events(lane: Lane) -> Iterator[TempoEvent]:
    """A lane of tempos over beats as events; bent segments as short straight glides."""
    for index, (point, following) in enumerate(zip_longest(lane.points, lane.points[1:])):
        # A glide from two years before the song would not be one.
        glides = point.time_s > EARLIEST_BEAT
        yield TempoEvent(point.time_s, point.value, glides)
        if glides and point.shape == "cubic" and following is not None:
            beats = np.linspace(point.time_s, following.time_s, FREE_PIECES + 1)[1:-1]
            for beat, bpm in zip(beats.tolist(), along(lane, index, beats).tolist(), strict=True):
                yield TempoEvent(beat, bpm, True)


def _listed(element: Element, kind: str) -> list[Element]:
    return [event for event in element.iterfind(f"./{kind}/Events/*") if event.tag in EVENT_TAGS]


def _envelopes(track: Element) -> Iterator[Element]:
    yield from track.iterfind("./AutomationEnvelopes/Envelopes/AutomationEnvelope")
    yield from track.iterfind("./DeviceChain/AutomationEnvelopes/Envelopes/AutomationEnvelope")


def _value(element: Element, path: str) -> str | None:
    found = element.find(path)
    return None if found is None else found.get("Value")


def _name(track: Element) -> str:
    return _value(track, "Name/EffectiveName") or _value(track, "Name/UserName") or _value(track, "Name") or ""
