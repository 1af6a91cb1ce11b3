"""DAWproject 1.0 (.dawproject), as Bitwig, Studio One, Cubase and others write it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree.ElementTree import Element

from bridge.hosts.curves import cut
from bridge.hosts.model import (
    GAIN_CONTROLS,
    GUIDE_PARAMETER,
    GUIDE_PLUGIN,
    MAX_FILE_POINTS,
    Lane,
    LanePoint,
    Marker,
    Project,
    ProjectError,
    Track,
    VideoItem,
)
from bridge.hosts.numbers import in_order, number, seconds
from bridge.hosts.packed import unzip_member
from bridge.hosts.safe_xml import project_xml
from bridge.hosts.tempo import TempoEvent, TempoMap

#: Looped clips are unrolled to at most so many elements.
MAX_LOOPED = 200_000


@dataclass(frozen=True)
class _Parameter:
    """What an automation's target is."""

    controls: str
    track: str
    name: str
    unit: str
    low: float
    high: float
    guide: bool = False


@dataclass(frozen=True)
class _Place:
    """Where the times of a timeline lie: its time `origin` is at `start_s`, which is the beat `start_beat`."""

    start_s: float = 0.0
    start_beat: float = 0.0
    origin: float = 0.0
    #: Nothing outside is heard, seconds; the arrangement itself has no window.
    window: tuple[float, float] | None = None

    def seconds(self, time: float, unit: str, tempo: TempoMap) -> float:
        """The time `time` of the timeline, counted in `unit`, on the arrangement."""
        if unit == "beats":
            return seconds(tempo.seconds(self.start_beat + time - self.origin))
        return seconds(self.start_s + time - self.origin)

    def content(self, time_s: float, unit: str, tempo: TempoMap) -> float:
        """The inverse of `seconds`: the timeline's own time at a time of the arrangement."""
        if unit == "beats":
            return tempo.beats(time_s) - self.start_beat + self.origin
        return time_s - self.start_s + self.origin


@dataclass(frozen=True)
class _Scope:
    """What a timeline inherits from those around it."""

    #: "beats" or "seconds".
    unit: str
    place: _Place = _Place()
    track: str | None = None


def read_dawproject(data: bytes, path: Path) -> Project:
    """The project in `data`, a zip file; raises `ProjectError`."""
    root = project_xml(unzip_member(path, data, "project.xml"), f"{path.name}: project.xml", "export it again")
    if root.tag != "Project":
        raise ProjectError(f"{path.name}: project.xml holds no <Project>; export it again")
    return _Reader(root, path).read()


class _Reader:
    def __init__(self, root: Element, path: Path) -> None:
        self.root = root
        self.path = path
        self.warnings: list[str] = []
        self.points_left = MAX_FILE_POINTS
        self.looped_left = MAX_LOOPED
        self.parameters: dict[str, _Parameter] = {}
        self.names: dict[str, str] = {}
        #: Track id -> its lanes, by target.
        self.lanes: dict[str, dict[str, Lane]] = {}
        self.markers: list[Marker] = []
        self.video: list[VideoItem] = []
        self.tempo = tempo_of(root, self.warnings)

    def read(self) -> Project:
        version = self.root.get("version", "")
        if version.partition(".")[0] not in ("1", ""):
            self.warnings.append(f"DAWproject version {version} is not known: read as far as it is understood")
        for track in self.root.iterfind("./Structure//Track"):
            self._structure(track)
        for channel in self.root.iterfind("./Structure/Channel"):  # a channel may stand without a track
            self._channel(channel, channel.get("id", ""))
            self.names.setdefault(channel.get("id", ""), channel.get("name", ""))
        arrangement = self.root.find("Arrangement")
        if arrangement is not None:
            for element in arrangement:
                if element.tag != "TempoAutomation":
                    self._timeline(element, _Scope(_unit(arrangement.get("timeUnit"), "beats")))
        application = self.root.find("Application")
        maker = "" if application is None else f"{application.get('name', '')} {application.get('version', '')}"
        tracks = [Track(name, tuple(self.lanes.get(identity, {}).values())) for identity, name in self.names.items()]
        return Project(
            format="dawproject",
            version=f"{version} ({maker.strip()})" if maker.strip() else version,
            path=self.path,
            tracks=tuple(tracks),
            markers=tuple(self.markers),
            tempo=self.tempo.points(),
            video=tuple(self.video),
            warnings=tuple(self.warnings),
        )

    # ---------------------------------------------------------------------------------------------------- structure

    def _structure(self, track: Element) -> None:
        identity = track.get("id", f"track {len(self.names)}")
        self.names[identity] = track.get("name", "")
        for channel in track.findall("Channel"):
            self._channel(channel, identity)

    def _channel(self, channel: Element, track: str) -> None:
        vca = channel.get("role") == "vca"
        for tag, controls in (("Volume", "vca" if vca else "volume"), ("Pan", "pan"), ("Mute", "param")):
            for element in channel.findall(tag):
                self._declare(element, controls, track, tag)
        for send in channel.iterfind("./Sends/Send"):
            for element in send:
                self._declare(element, "send" if element.tag == "Volume" else "param", track, f"send {element.tag}")
        for devices in channel.findall("Devices"):
            for device in devices:
                name = device.get("deviceName") or device.get("name", "")
                for element in device.iter():
                    if element.tag.endswith("Parameter"):
                        own = element.get("name", "")
                        guide = name == GUIDE_PLUGIN and own == GUIDE_PARAMETER
                        self._declare(element, "param", track, f"{name}: {own}", guide=guide)

    def _declare(self, element: Element, controls: str, track: str, name: str, *, guide: bool = False) -> None:
        unit = element.get("unit", "linear")
        low, high = number(element.get("min"), 0.0), number(element.get("max"), 1.0)
        self.parameters[element.get("id", "")] = _Parameter(controls, track, name, unit, low, high, guide)

    # ----------------------------------------------------------------------------------------------------- timelines

    def _timeline(self, element: Element, scope: _Scope) -> None:
        scope = replace(scope, unit=_unit(element.get("timeUnit"), scope.unit), track=element.get("track", scope.track))
        try:
            if element.tag == "Points":
                self._points(element, scope)
            elif element.tag == "Markers":
                self._markers(element, scope)
            elif element.tag == "Video":
                self._video(element, scope)
            elif element.tag == "Clip":
                for inner in self._clip(element, scope):
                    for child in element:
                        self._timeline(child, inner)
            else:
                for child in element:
                    self._timeline(child, scope)
        except ValueError as error:
            self.warnings.append(f"a <{element.tag}> could not be read and is left out ({error})")

    def _clip(self, clip: Element, scope: _Scope) -> Iterator[_Scope]:
        """Where a clip's content is heard: once, or as often as its loop comes round."""
        if clip.get("enable") == "false":
            return
        tempo, unit = self.tempo, _unit(clip.get("contentTimeUnit"), scope.unit)
        time = number(clip.get("time"), 0.0)
        start = scope.place.seconds(time, scope.unit, tempo)
        end = math.inf
        if clip.get("duration") is not None:
            end = scope.place.seconds(time + number(clip.get("duration")), scope.unit, tempo)
        if scope.place.window is not None:
            start_heard, end = max(start, scope.place.window[0]), min(end, scope.place.window[1])
        else:
            start_heard = start
        play_start = number(clip.get("playStart"), 0.0)
        loop_start, loop_end = number(clip.get("loopStart"), 0.0), number(clip.get("loopEnd"), 0.0)
        looped = clip.get("loopEnd") is not None and loop_end > loop_start and loop_end > play_start
        place = _Place(start, tempo.beats(start), play_start)
        size = sum(1 for _ in clip.iter())
        stop = place.seconds(loop_end, unit, tempo) if looped else end
        while True:
            window = (max(place.start_s, start_heard), min(stop, end))
            if window[0] < window[1]:
                yield replace(scope, unit=unit, place=replace(place, window=window))
            if not looped or not stop < end or stop <= place.start_s:
                return
            self.looped_left -= size
            if self.looped_left < 0:
                self.warnings.append(
                    f"clip {clip.get('name', '')!r} comes round too often: its later rounds are left out"
                )
                return
            place = _Place(stop, tempo.beats(stop), loop_start)
            stop = place.seconds(loop_end, unit, tempo)

    def _markers(self, element: Element, scope: _Scope) -> None:
        """Markers have no length; two named "x>" and "x<" make the region "x"."""
        open_regions: dict[str, int] = {}
        for marker in element.findall("Marker"):
            name = marker.get("name", "")
            try:
                time_s = scope.place.seconds(number(marker.get("time")), scope.unit, self.tempo)
            except ValueError as error:
                self.warnings.append(f"marker {name!r} could not be read and is left out ({error})")
                continue
            stem = name.rstrip("<>").rstrip()
            if name.endswith("<") and stem in open_regions:
                index = open_regions.pop(stem)
                self.markers[index] = replace(self.markers[index], kind="region", name=stem, end_s=time_s)
                continue
            if name.endswith(">") and stem:
                open_regions[stem] = len(self.markers)
            self.markers.append(Marker("marker", name, time_s, None, marker.get("color")))

    def _video(self, element: Element, scope: _Scope) -> None:
        file = element.find("File")
        if file is not None and file.get("path"):
            place = scope.place
            offset = place.origin if scope.unit == "seconds" else 0.0
            self.video.append(VideoItem(file.get("path", ""), place.start_s, offset))

    # -------------------------------------------------------------------------------------------------------- points

    def _points(self, element: Element, scope: _Scope) -> None:
        target = element.find("Target")
        if target is None:
            return
        parameter = self.parameters.get(target.get("parameter", ""))
        if parameter is None:
            if target.get("expression") != "gain":
                return
            parameter = _Parameter("take", scope.track or "", "clip gain", "linear", 0.0, 1.0)
        unit = element.get("unit") or parameter.unit
        points = in_order(self._read_points(element, parameter, unit))
        if not points:
            return
        domain = "db" if unit == "decibel" and (parameter.guide or parameter.controls in GAIN_CONTROLS) else "gain"
        if parameter.guide:
            domain = "db"
        lane = Lane(parameter.controls, points, True, domain, parameter.name, parameter.guide)
        place = scope.place
        if place.window is not None:
            edges = (place.content(edge, scope.unit, self.tempo) for edge in place.window)
            lane = replace(lane, points=_windowed(lane, *edges))
        # Cut first and placed then: across a change of tempo a line is straight in the clip's own time.
        placed = (replace(p, time_s=place.seconds(p.time_s, scope.unit, self.tempo)) for p in lane.points)
        lane = replace(lane, points=tuple(placed))
        lanes = self.lanes.setdefault(parameter.track, {})
        key = target.get("parameter") or f"take {len(lanes)}"
        if not lane.points:
            return
        if key in lanes:
            before = lanes[key]
            known = set(before.points)
            lane = replace(before, points=in_order([*before.points, *(p for p in lane.points if p not in known)]))
        lanes[key] = lane

    def _read_points(self, element: Element, parameter: _Parameter, unit: str) -> Iterator[LanePoint]:
        """The points in the timeline's own time."""
        bad = 0
        for point in element:
            if not point.tag.endswith("Point"):
                continue
            self.points_left -= 1
            if self.points_left < 0:
                raise ProjectError(f"{self.path.name}: more than {MAX_FILE_POINTS} points; thin the automation first")
            try:
                time = seconds(number(point.get("time")))
                text = point.get("value", "")
                value = float(text == "true") if text in ("true", "false") else number(text)
                shape = "linear" if point.get("interpolation") == "linear" else "hold"
                yield LanePoint(time, _converted(value, unit, parameter), shape)
            except (ValueError, OverflowError):
                bad += 1
        if bad:
            self.warnings.append(f"{parameter.name}: {bad} point(s) could not be read and are left out")


def _unit(unit: str | None, inherited: str) -> str:
    return unit if unit in ("beats", "seconds") else inherited


def tempo_of(root: Element, warnings: list[str]) -> TempoMap:
    """The tempo map of a project: its automation, else its one tempo."""
    element = root.find("./Transport/Tempo")
    base = number(element.get("value"), 120.0) if element is not None else 120.0
    arrangement = root.find("Arrangement")
    automation = None if arrangement is None else arrangement.find("TempoAutomation")
    try:
        if arrangement is None or automation is None:
            return TempoMap([], base)
        unit = _unit(automation.get("timeUnit"), _unit(arrangement.get("timeUnit"), "beats"))
        return TempoMap(_tempo_events(automation, unit), base)
    except ValueError as error:
        warnings.append(f"the tempo could not be read, 120 BPM is assumed ({error})")
        return TempoMap([])


def _tempo_events(automation: Element, unit: str) -> list[TempoEvent]:
    events: list[TempoEvent] = []
    for element in automation.findall("RealPoint"):
        time, bpm = number(element.get("time")), number(element.get("value"))
        ramp = element.get("interpolation") == "linear"
        if unit == "seconds" and events:
            # Between points in seconds a glide is linear in seconds, so its beats are the mean tempo's.
            last = events[-1]
            mean = (last.bpm + bpm) / 2.0 if last.ramp else last.bpm
            events.append(TempoEvent(last.beat + (time - (last.at_s or 0.0)) * mean / 60.0, bpm, ramp, time))
        elif unit == "seconds":
            events.append(TempoEvent(time * bpm / 60.0, bpm, ramp, time))
        else:
            events.append(TempoEvent(time, bpm, ramp))
    return events


def _converted(value: float, unit: str, parameter: _Parameter) -> float:
    """A point's value as a lane has it: linear gain for gains, dB for the guide plug-in, else as it is."""
    if parameter.controls not in GAIN_CONTROLS and not parameter.guide:
        return value
    if unit == "normalized":
        value, unit = parameter.low + value * (parameter.high - parameter.low), parameter.unit
    elif unit == "percent":
        value, unit = value / 100.0, "linear"
    if parameter.guide:
        return value
    return 10.0 ** (value / 20.0) if unit == "decibel" else value


def _windowed(lane: Lane, start: float, end: float) -> tuple[LanePoint, ...]:
    """The points inside a clip, with its edges where the clip cuts a line."""
    points = lane.points
    first, last = points[0].time_s, points[-1].time_s
    if first >= start and last <= end:
        return points
    if first >= end:
        return ()
    if last <= start:
        return (replace(points[-1], time_s=start),)
    return tuple(cut(lane, max(start, first), min(end, last)))
