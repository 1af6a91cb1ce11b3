"""Ardour sessions (.ardour): versions 2 to 8."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from xml.etree.ElementTree import Element

from bridge.hosts.ardour_time import FIRST_SUPERCLOCK_VERSION, ArdourClock, read_clock
from bridge.hosts.model import (
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
from bridge.hosts.numbers import in_order, number, whole
from bridge.hosts.safe_xml import project_xml
from bridge.timecode import FRAME_RATES, FrameRate

#: Later versions are read with a warning.
NEWEST_VERSION = 9000

#: automation-id of a list -> what it controls, where its place in the file does not say more.
CONTROLS = {"gain": "volume", "trim": "trim", "send": "send", "pan-azimuth": "pan", "envelope": "take"}
SEND_TYPES = ("send", "intsend", "aux-send", "listen")
#: States in which Ardour plays the lane.
PLAYED_STATES = ("Play", "Touch", "Latch")
#: interpolation-style -> (domain of a gain lane, shape of its segments).
STYLES = {
    "Linear": ("gain", "linear"),
    "Discrete": ("gain", "hold"),
    "Logarithmic": ("db", "linear"),
    "Exponential": ("ardour_fader", "linear"),
    "Curved": ("gain", "linear"),
}
#: Flag of a location -> (kind, whether it is a song section); the first that fits counts.
LOCATION_KINDS = (
    ("IsSessionRange", "session", False),
    ("IsAutoLoop", "loop", False),
    ("IsAutoPunch", "punch", False),
    ("IsSection", "region", True),
    ("IsSkip", "region", True),
    ("IsRangeMarker", "region", False),
    ("IsMark", "marker", False),
    ("IsStart", "marker", False),
    ("IsEnd", "marker", False),
    ("IsCueMarker", "marker", False),
)
TIMECODE_FORMATS = {
    "timecode_23976": FRAME_RATES["23.976"],
    "timecode_24": FRAME_RATES["24"],
    "timecode_24976": FrameRate(Fraction(25000, 1001)),
    "timecode_25": FRAME_RATES["25"],
    "timecode_2997": FRAME_RATES["29.97NDF"],
    "timecode_2997drop": FRAME_RATES["29.97DF"],
    "timecode_2997000": FRAME_RATES["29.97NDF"],
    "timecode_2997000drop": FRAME_RATES["29.97DF"],
    "timecode_30": FRAME_RATES["30"],
    "timecode_5994": FRAME_RATES["59.94NDF"],
    "timecode_60": FRAME_RATES["60"],
}


def read_ardour(data: bytes, path: Path) -> Project:
    """The session in `data`; raises `ProjectError`."""
    session = project_xml(data, f"{path.name}:", "save the session again in Ardour")
    sample_rate = whole(session.get("sample-rate"), 0)
    if session.tag != "Session" or not 1_000 <= sample_rate <= 1_000_000:
        raise ProjectError(f"{path.name}: no Ardour session (no <Session> with a sample rate); choose the .ardour file")
    return _Reader(session, sample_rate, path).read()


@dataclass
class _List:
    """One AutomationList and where it stands."""

    element: Element
    controls: str
    name: str
    #: Lists of one control share it.
    key: tuple[object, ...]
    guide: bool = False


class _Reader:
    def __init__(self, session: Element, sample_rate: int, path: Path) -> None:
        self.session = session
        self.sample_rate = sample_rate
        self.path = path
        self.warnings: list[str] = []
        self.points_left = MAX_FILE_POINTS
        self.clock: ArdourClock = read_clock(session, sample_rate, self.warnings)

    def read(self) -> Project:
        version = self.session.get("version", "")
        major = whole(version.partition(".")[0], 0)
        if major >= NEWEST_VERSION + 1000 or (100 <= major < 3000):
            self.warnings.append(f"session version {version} is not known: read as far as it is understood")
        if major < FIRST_SUPERCLOCK_VERSION and self.session.find("TempoMap[@superclocks-per-second]") is not None:
            self.warnings.append("the session counts superclocks although its version does not say so")
        options = self._options()
        return Project(
            format="ardour",
            version=version,
            path=self.path,
            sample_rate=self.sample_rate,
            frame_rate=self._frame_rate(options),
            start_s=self._start(options),
            tracks=tuple(self._tracks()),
            markers=tuple(self._markers()),
            tempo=self.clock.tempo.points(),
            video=tuple(self._video()),
            warnings=tuple(self.warnings),
        )

    # ------------------------------------------------------------------------------------------------- settings

    def _options(self) -> dict[str, str]:
        return {
            option.get("name", ""): option.get("value", "")
            for config in self.session.findall("Config") + self.session.findall("Options")
            for option in config.iter("Option")
        }

    def _frame_rate(self, options: dict[str, str]) -> FrameRate | None:
        named = TIMECODE_FORMATS.get(options.get("timecode-format") or options.get("smpte-format", ""))
        if named is not None:
            return named
        frames = number(options.get("smpte-frames-per-second"), 0.0)  # until version 2
        drop = options.get("smpte-drop-frames") in ("1", "yes")
        for rate in FRAME_RATES.values():
            if abs(float(rate.fps) - frames) < 0.005 and rate.drop == drop:
                return rate
        return None

    def _start(self, options: dict[str, str]) -> float:
        offset = number(options.get("timecode-offset") or options.get("smpte-offset"), 0.0) / self.sample_rate
        negative = options.get("timecode-offset-negative") or options.get("smpte-offset-negative") or "1"
        # The switch is on in new sessions, where the offset is 0.
        return -offset if negative in ("1", "yes") and offset else offset

    def _video(self) -> Iterator[VideoItem]:
        for element in self.session.iter("Videotimeline"):
            file = element.get("Filename") or element.get("OriginalVideoFile")
            if file:
                if element.get("LocalFile") in ("1", "yes") and not Path(file).is_absolute():
                    file = str(Path("videofiles") / file)
                offset = number(element.get("VideoOffset"), 0.0) / self.sample_rate
                yield VideoItem(file, offset)

    def _markers(self) -> Iterator[Marker]:
        for element in self.session.iterfind("./Locations/Location"):
            flags = set(element.get("flags", "").split(","))
            kind, section = next(((k, s) for flag, k, s in LOCATION_KINDS if flag in flags), (None, False))
            name = element.get("name", "")
            if kind is None:
                self.warnings.append(f"location {name!r} is of an unknown kind ({','.join(sorted(flags))}): left out")
                continue
            try:
                start = self.clock.seconds(element.get("start", ""))
                end = None if kind == "marker" else self.clock.seconds(element.get("end", ""))
            except ValueError as error:
                self.warnings.append(f"location {name!r} could not be read and is left out ({error})")
                continue
            yield Marker(kind, name, start, end, section=section)

    # ---------------------------------------------------------------------------------------------------- tracks

    def _tracks(self) -> Iterator[Track]:
        chosen = {
            element.get("stripable") for element in self.session.iterfind("./Selection/StripableAutomationControl")
        }
        takes = self._takes()
        for route in self.session.iterfind("./Routes/Route"):
            lists = list(self._lists(route, route, "", False))
            lists += takes.pop(route.get("id", ""), [])
            yield Track(self._route_name(route), tuple(self._lanes(lists)), route.get("id") in chosen)
        for vca in self.session.iterfind("./VCAManager/VCA"):
            lists = [replace(one, controls="vca") if one.controls == "volume" else one
                     for one in self._lists(vca, vca, "", False)]  # fmt: skip
            yield Track(vca.get("name", "VCA"), tuple(self._lanes(lists)), vca.get("id") in chosen)

    def _route_name(self, route: Element) -> str:
        inner = route.find("IO")  # until version 2 only the inputs and outputs have the name
        own = route.get("name", "")
        return own if own or inner is None else inner.get("name", "")

    def _lists(self, route: Element, element: Element, owner: str, in_send: bool) -> Iterator[_List]:
        """The automation lists under `element`, each with what it controls."""
        for child in element:
            if child.tag == "AutomationList":
                yield self._one_list(route, child, owner, element, in_send)
            elif child.tag in ("Processor", "Insert", "Send", "Redirect", "IO"):
                name = child.get("name") or owner
                sends = in_send or child.tag == "Send" or child.get("type") in SEND_TYPES
                if child.tag == "Processor" and not in_send:
                    yield from self._processor(route, child, name, sends)
                else:
                    inserted = child.tag in ("Insert", "Redirect") or bool(owner)
                    yield from self._lists(route, child, name if inserted or sends else owner, sends)
            elif child.tag == "StreamPanner":
                yield from (replace(one, controls="pan") for one in self._lists(route, child, "panner", in_send))
            else:
                yield from self._lists(route, child, owner, in_send)

    def _processor(self, route: Element, processor: Element, name: str, sends: bool) -> Iterator[_List]:
        kind = processor.get("type", "")
        owner = "" if kind == "amp" else name
        parameters = {c.get("parameter"): c.get("name", "") for c in processor.findall("Controllable")}
        for one in self._lists(route, processor, owner, sends):
            index = one.element.get("automation-id", "").partition("parameter-")[2]
            parameter = parameters.get(index, "")
            if index and _is_guide(processor, parameter, index):
                one = replace(one, guide=True)
            yield replace(one, name=f"{name}: {parameter}" if parameter else one.name)

    def _one_list(self, route: Element, element: Element, owner: str, parent: Element, in_send: bool) -> _List:
        identity = element.get("automation-id", "")
        controls = CONTROLS.get(identity, "param")
        if not identity:  # until version 2: the list of a route's or send's own gain, or of a plug-in's port
            controls = "param" if parent.tag == "port" else "volume"
        controller = re.fullmatch(r"midicc-\d+-(7|11)", identity)
        if controller:
            controls = f"cc{controller.group(1)}"
        if controls == "volume" and in_send:
            controls = "send"
        elif controls == "volume" and owner:
            controls = "param"  # the gain of something inserted: not the fader
        elif controls == "pan" and in_send:
            controls = "param"
        key: tuple[object, ...] = (controls, owner, identity, id(parent))
        if controls in ("volume", "trim", "pan") and not in_send:
            key = (controls, identity if controls != "volume" else "gain")
        name = f"{owner}: {identity}" if owner else identity or "gain"
        return _List(element, controls, name, key)

    def _takes(self) -> dict[str, list[_List]]:
        """The gain envelopes of regions, by the id of their track."""
        takes: dict[str, list[_List]] = {}
        names = {self._route_name(route): route.get("id", "") for route in self.session.iterfind("./Routes/Route")}
        for playlist in self.session.iterfind("./Playlists/Playlist"):
            track = playlist.get("orig-track-id") or playlist.get("orig-diskstream-id") or ""
            if track not in names.values():
                track = names.get(playlist.get("name", "").partition(".")[0], track)
            for region in playlist.findall("Region"):
                for element in region.findall("./Envelope/AutomationList"):
                    # Until version 2 the switch was one of the region's flags.
                    flag = "1" if "EnvelopeActive" in region.get("flags", "") else "0"
                    element.set("_position", _region_position(region))
                    element.set("_active", region.get("envelope-active") or flag)
                    name = f"region {region.get('name', '')}"
                    takes.setdefault(track, []).append(_List(element, "take", name, ("take", id(element))))
        return takes

    # ----------------------------------------------------------------------------------------------------- lanes

    def _lanes(self, lists: list[_List]) -> Iterator[Lane]:
        """Lanes of those lists that hold points; lists of one control are merged."""
        lanes: dict[tuple[object, ...], Lane] = {}
        for one in lists:
            lane = self._lane(one)
            if lane is None:
                continue
            before = lanes.get(one.key)
            if before is None:
                lanes[one.key] = lane
            else:
                known = set(before.points)
                new = [point for point in lane.points if point not in known]
                merged = in_order([*before.points, *new])
                lanes[one.key] = replace(before, points=merged, active=before.active or lane.active)
                self.warnings.append(f"{one.name}: two lists of one control were merged")
        yield from lanes.values()

    def _lane(self, one: _List) -> Lane | None:
        text = one.element.findtext("events") or ""
        if not text.strip():
            return None
        style = one.element.get("interpolation-style", "Linear")
        if style not in STYLES or style == "Curved":
            self.warnings.append(f"{one.name}: interpolation {style!r} is read as linear")
        domain, shape = STYLES.get(style, STYLES["Linear"])
        scale = 1.0
        if one.controls in ("cc7", "cc11"):
            domain, scale = "midi_cc", 127.0
        elif one.guide:
            domain = "db"
        elif one.controls in ("pan", "param"):
            domain = "gain"
        points = in_order(self._points(one, text, shape, scale))
        if not points:
            return None
        active = one.element.get("state", "Off") in PLAYED_STATES
        if one.controls == "take":
            active = one.element.get("_active") in ("1", "yes")
        return Lane(one.controls, points, active, domain, one.name, one.guide)

    def _points(self, one: _List, text: str, shape: str, scale: float) -> Iterator[LanePoint]:
        position = one.element.get("_position")
        words = text.split()
        if len(words) % 2:
            self.warnings.append(f"{one.name}: the list of points ends in the middle")
        bad = 0
        for when, value in zip(words[::2], words[1::2], strict=False):
            self.points_left -= 1
            if self.points_left < 0:
                raise ProjectError(f"{self.path.name}: more than {MAX_FILE_POINTS} points; thin the automation first")
            try:
                time_s = self.clock.seconds(when) if position is None else self.clock.within(position, when)
                yield LanePoint(time_s, number(value) / scale, shape)
            except ValueError:
                bad += 1
        if bad:
            self.warnings.append(f"{one.name}: {bad} point(s) could not be read and are left out")


def _is_guide(processor: Element, parameter: str, index: str) -> bool:
    return processor.get("name") == GUIDE_PLUGIN and (parameter == GUIDE_PARAMETER or (not parameter and index == "0"))


def _region_position(region: Element) -> str:
    """Where a region lies: its own attribute, since version 7 behind the @ of its length."""
    length = region.get("length", "")
    if "@" in length:
        return length.partition("@")[2]
    return region.get("position") or "0"
