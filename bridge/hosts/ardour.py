"""Ardour sessions (.ardour): versions 2 to 8."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from xml.etree.ElementTree import Element

from bridge.hosts.ardour_lanes import LaneReader
from bridge.hosts.ardour_time import FIRST_SUPERCLOCK_VERSION, ArdourClock, read_clock
from bridge.hosts.model import Marker, Project, ProjectError, VideoItem
from bridge.hosts.numbers import number, seconds, whole
from bridge.hosts.safe_xml import project_xml
from bridge.timecode import FRAME_RATES, FrameRate

#: Versions are written "2.0.0" until 2 and in thousands (3001, 7002) since; others are read with a warning.
KNOWN_VERSIONS = (range(1, 9), range(3000, 9000))

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
    ("IsScene", "marker", False),
    ("IsXrun", "marker", False),
    ("IsClockOrigin", "marker", False),
)
#: What follows "timecode_" (until version 2 "smpte_") in the session's format.
TIMECODE_FORMATS = {
    "23976": FRAME_RATES["23.976"],
    "24": FRAME_RATES["24"],
    "24976": FrameRate(Fraction(25000, 1001)),
    "25": FRAME_RATES["25"],
    "2997": FRAME_RATES["29.97NDF"],
    "2997drop": FRAME_RATES["29.97DF"],
    "2997000": FRAME_RATES["29.97NDF"],
    "2997000drop": FRAME_RATES["29.97DF"],
    "30": FRAME_RATES["30"],
    "30drop": FRAME_RATES["30"],
    "5994": FRAME_RATES["59.94NDF"],
    "60": FRAME_RATES["60"],
}


def read_ardour(data: bytes, path: Path) -> Project:
    """The session in `data`; raises `ProjectError`."""
    session = project_xml(data, f"{path.name}:", "save the session again in Ardour")
    sample_rate = whole(session.get("sample-rate"), 0)
    if session.tag != "Session" or not 1_000 <= sample_rate <= 1_000_000:
        raise ProjectError(f"{path.name}: no Ardour session (no <Session> with a sample rate); choose the .ardour file")
    return _Reader(session, sample_rate, path).read()


class _Reader:
    def __init__(self, session: Element, sample_rate: int, path: Path) -> None:
        self.session = session
        self.sample_rate = sample_rate
        self.path = path
        self.warnings: list[str] = []
        self.clock: ArdourClock = read_clock(session, sample_rate, self.warnings)

    def read(self) -> Project:
        version = self.session.get("version", "")
        major = whole(version.partition(".")[0], 0)
        if not any(major in known for known in KNOWN_VERSIONS):
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
            tracks=tuple(LaneReader(self.session, self.clock, self.path.name, self.warnings).tracks()),
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
        written = options.get("timecode-format") or options.get("smpte-format", "")
        named = TIMECODE_FORMATS.get(written.partition("_")[2])
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
        try:
            # The switch is on in new sessions, where the offset is 0.
            return seconds(-offset if negative in ("1", "yes") and offset else offset)
        except ValueError as error:
            self.warnings.append(f"the session's start could not be read, 0 is assumed ({error})")
            return 0.0

    def _video(self) -> Iterator[VideoItem]:
        for element in self.session.iter("Videotimeline"):
            file = element.get("Filename") or element.get("OriginalVideoFile")
            if file:
                if element.get("LocalFile") in ("1", "yes") and not Path(file).is_absolute():
                    file = str(Path("videofiles") / file)
                try:
                    yield VideoItem(file, seconds(number(element.get("VideoOffset"), 0.0) / self.sample_rate))
                except ValueError as error:
                    self.warnings.append(f"the video's place could not be read: {file!r} is left out ({error})")

    def _markers(self) -> Iterator[Marker]:
        for element in self.session.iterfind("./Locations/Location"):
            flags = set(element.get("flags", "").split(","))
            kind, section = next(((k, s) for flag, k, s in LOCATION_KINDS if flag in flags), ("", True))
            name = element.get("name", "")
            try:
                start = self.clock.seconds(element.get("start", ""))
                end = None if kind == "marker" else self.clock.seconds(element.get("end", ""))
            except ValueError as error:
                self.warnings.append(f"location {name!r} could not be read and is left out ({error})")
                continue
            if not kind:  # of a later version, or of no kind: shown, but never a cue
                kind, end = ("region", end) if end is not None and end > start else ("marker", None)
                self.warnings.append(f"location {name!r} is of an unknown kind ({element.get('flags', '')})")
            yield Marker(kind, name, start, end, section=section)
