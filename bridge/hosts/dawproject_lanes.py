"""The lanes of a DAWproject: what its parameters control, and automation points in whatever unit they are written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from xml.etree.ElementTree import Element

from bridge.hosts.beat_lines import BeatLines
from bridge.hosts.curves import cut
from bridge.hosts.dawproject_time import Place
from bridge.hosts.model import (
    GAIN_CONTROLS,
    GUIDE_PARAMETER,
    GUIDE_PLUGIN,
    MAX_FILE_POINTS,
    Lane,
    LanePoint,
    ProjectError,
)
from bridge.hosts.numbers import in_order, number, seconds
from bridge.hosts.tempo import TempoMap

#: MIDI controllers that are loudness.
CONTROLLERS = {"7": "cc7", "11": "cc11"}
#: Values that are no numbers; silence counts where a gain is written in decibels.
WORDS = {"true": 1.0, "false": 0.0, "-inf": -math.inf, "-infinity": -math.inf}


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


@dataclass
class _Piece:
    """Some points of a lane."""

    points: list[LanePoint]
    #: Where the clip begins to be heard that holds them; None of points on the arrangement itself.
    clip_s: float | None


@dataclass
class _Draft:
    """A lane in the making: one control may be automated by several <Points>, and each of them be heard repeatedly."""

    lane: Lane
    pieces: list[_Piece] = field(default_factory=list)
    known: set[LanePoint] = field(default_factory=set)

    def add(self, points: Iterable[LanePoint], clip_s: float | None) -> None:
        new = [point for point in points if point not in self.known]
        if new:
            self.pieces.append(_Piece(new, clip_s))
        self.known.update(new)

    def points(self) -> tuple[LanePoint, ...]:
        """All of them in order; where one clip ends and another begins, the end comes first, as the file may not.

        No line leads from one clip to the next: behind a clip its last value holds, before its first point that value.
        """
        pieces = sorted(self.pieces, key=lambda piece: piece.points[0].time_s)
        drawn = [*pieces[0].points]
        for before, piece in pairwise(pieces):
            last, first = before.points[-1], piece.points[0]
            if before.clip_s is not None and last.time_s < first.time_s:
                drawn.append(replace(last, shape="hold", added=True))
            if piece.clip_s is not None and last.time_s <= piece.clip_s < first.time_s:
                drawn.append(replace(first, time_s=piece.clip_s, shape="hold", added=True))
            drawn += piece.points
        return in_order(drawn)


class LaneReader:
    """Reads channels first, then the points that automate them."""

    def __init__(self, file: str, tempo: TempoMap, warnings: list[str]) -> None:
        self.file = file
        self.tempo = tempo
        self.warnings = warnings
        self.points_left = MAX_FILE_POINTS
        self.beat_lines = BeatLines.of(tempo)
        self.parameters: dict[str, _Parameter] = {}
        #: Track id -> what was read of its lanes, by target.
        self.drafts: dict[str, dict[str, _Draft]] = {}

    def of(self, track: str) -> tuple[Lane, ...]:
        """The lanes of a track, or of a channel without one, by its id."""
        lanes = (replace(draft.lane, points=draft.points()) for draft in self.drafts.get(track, {}).values())
        return tuple(lane for lane in lanes if not all(point.added for point in lane.points))

    def channel(self, channel: Element, track: str) -> None:
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
                    # A built-in device names its parameters by their tags: <Enabled>, <Threshold>, <Freq>.
                    if element.get("id") and (element.tag.endswith("Parameter") or element.get("value") is not None):
                        own = element.get("name", element.tag)
                        guide = name == GUIDE_PLUGIN and own == GUIDE_PARAMETER
                        self._declare(element, "param", track, f"{name}: {own}", guide=guide)

    def _declare(self, element: Element, controls: str, track: str, name: str, *, guide: bool = False) -> None:
        identity = element.get("id")
        if not identity:  # nothing can automate it
            return
        unit = element.get("unit", "linear")
        low, high = (_value(element.get(edge, ""), default) for edge, default in (("min", 0.0), ("max", 1.0)))
        self.parameters[identity] = _Parameter(controls, track, name, unit, low, high, guide)

    def points(self, element: Element, unit: str, place: Place, track: str | None) -> None:
        """Read a <Points>, whose times count in `unit` at `place`."""
        target = element.find("Target")
        if target is None:
            return
        identity, expression = target.get("parameter", ""), target.get("expression")
        parameter = _expression(target, expression, track or "") if expression else self.parameters.get(identity)
        if parameter is None:
            self.warnings.append(f"automation of something unknown ({identity!r}) is left out")
            return
        value_unit = element.get("unit") or parameter.unit
        points = in_order(self._read_points(element, parameter, value_unit))
        if not points:
            return
        # A share of a range in decibels is straight where decibels are.
        scale = parameter.unit if value_unit == "normalized" else value_unit
        domain = "db" if scale == "decibel" and parameter.controls in GAIN_CONTROLS else "gain"
        if parameter.guide:
            domain = "db"
        elif parameter.controls in CONTROLLERS.values():
            domain = "midi_cc"
        lane = Lane(parameter.controls, points, True, domain, parameter.name, parameter.guide)
        if place.window is not None:
            edges = (place.content(edge, unit, self.tempo) for edge in place.window)
            lane = replace(lane, points=_windowed(lane, *edges))
        # Cut first and placed then: across a change of tempo a line is straight in the clip's own time.
        placed: Iterable[LanePoint]
        if unit == "beats":
            placed = self.beat_lines.in_seconds(lane, place.zero_beat)
        else:
            placed = [replace(p, time_s=place.seconds(p.time_s, unit, self.tempo)) for p in lane.points]
        if place.window is not None:
            # To the bit: else the end of one round could come to lie behind the beginning of the next.
            low, high = place.window
            placed = [replace(p, time_s=min(max(p.time_s, low), high)) for p in placed]
        if placed:
            drafts = self.drafts.setdefault(parameter.track, {})
            # What a clip shapes of its own is one lane, as often as the clip comes round.
            key = identity or (parameter.controls if domain == "midi_cc" else f"{parameter.name} {id(element)}")
            drafts.setdefault(key, _Draft(lane)).add(placed, place.window[0] if place.window else None)

    def _read_points(self, element: Element, parameter: _Parameter, unit: str) -> Iterator[LanePoint]:
        """The points in the timeline's own time."""
        bad = 0
        for point in element:
            if not point.tag.endswith("Point"):
                continue
            self.points_left -= 1
            if self.points_left < 0:
                raise ProjectError(f"{self.file}: more than {MAX_FILE_POINTS} points; thin the automation first")
            try:
                time = seconds(number(point.get("time")))
                value = _value(point.get("value", ""))
                shape = "linear" if point.get("interpolation") == "linear" else "hold"
                yield LanePoint(time, _finite(_converted(value, unit, parameter)), shape)
            except (ValueError, OverflowError):
                bad += 1
        if bad:
            self.warnings.append(f"{parameter.name}: {bad} point(s) could not be read and are left out")


def _expression(target: Element, expression: str, track: str) -> _Parameter:
    """What a clip shapes of its own: its gain, a MIDI controller, or else nothing that is loudness."""
    if expression == "channelController":
        controller = target.get("controller", "")
        return _Parameter(CONTROLLERS.get(controller, "param"), track, f"CC {controller}", "normalized", 0.0, 1.0)
    controls = "take" if expression == "gain" else "param"
    return _Parameter(controls, track, f"clip {expression}", "linear", 0.0, 1.0)


def _value(text: str, default: float | None = None) -> float:
    return WORDS[text.lower()] if text.lower() in WORDS else number(text, default)


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("no value that a lane can have")
    return value


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
    if first >= end:  # before its first point a clip has that value
        return (replace(points[0], time_s=start, shape="hold", added=True),)
    if last <= start:
        return (replace(points[-1], time_s=start),)
    return tuple(cut(lane, max(start, first), min(end, last)))
