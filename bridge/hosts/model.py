"""What is read from a DAW, whatever its file looks like: nothing above this module knows formats.

Times are seconds from the project's start; the start itself counts from timecode midnight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bridge.errors import UserError
from bridge.timecode import FrameRate

#: What a lane can control. "volume" is the track's own fader (or the channel's, in a DAW that calls it so); sends,
#: trims, takes and VCAs are never mistaken for it. "param" is everything else: mute, width, a plug-in's parameter.
CONTROLS = ("volume", "pan", "send", "trim", "take", "vca", "cc7", "cc11", "param")
#: Controls whose points are linear gain.
GAIN_CONTROLS = ("volume", "send", "trim", "take", "vca")
MARKER_KINDS = ("marker", "region", "session", "loop", "punch")

#: The pass-through plug-in a lane may be drawn on instead of the fader, and its one parameter, in dB.
GUIDE_PLUGIN = "Draw an Audio Guide"
GUIDE_PARAMETER = "Loudness"

#: More points than this in one file are refused: no hand has drawn them.
MAX_FILE_POINTS = 2_000_000


def one_line(text: str) -> str:
    """`text`, which a stranger's file may have written, as one line that does nothing to a terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


class ProjectError(UserError):
    """A project file that cannot be read; `str()` is one line: which file, what is wrong, how to mend it."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


@dataclass(frozen=True)
class LanePoint:
    """A breakpoint of a lane."""

    time_s: float
    #: Linear gain for `GAIN_CONTROLS`, v/127 for "cc7" and "cc11", dB for the guide plug-in, else the host's own unit.
    value: float
    #: Key of `engine.curve_laws.SHAPES`; it bends the segment that this point begins.
    shape: str = "linear"
    #: -1…1, for the shape "bezier".
    tension: float = 0.0
    #: x1, y1, x2, y2 for the shape "cubic".
    control: tuple[float, float, float, float] | None = None
    #: Not in the file: it keeps a line on its course where the tempo bends it.
    added: bool = False

    def to_json(self) -> dict[str, object]:
        return {"time_s": self.time_s, "value": self.value, "shape": self.shape, "tension": self.tension}


@dataclass(frozen=True)
class Lane:
    """One automation lane, read as what it is."""

    #: One of `CONTROLS`.
    controls: str
    #: Sorted by time; points at one time keep the file's order.
    points: tuple[LanePoint, ...]
    #: Whether the host follows the lane when it plays.
    active: bool = True
    #: Key of `engine.curve_laws.DOMAINS`: the scale in which the host draws straight lines.
    domain: str = "gain"
    #: What the host calls it, for people.
    name: str = ""
    #: Whether this is the parameter "Loudness" of our guide plug-in.
    guide: bool = False

    def to_json(self) -> dict[str, object]:
        return {
            "controls": self.controls,
            "active": self.active,
            "domain": self.domain,
            "points": [point.to_json() for point in self.points if not point.added],
        }


@dataclass(frozen=True)
class Track:
    """A track, bus, VCA or MIDI channel."""

    name: str
    lanes: tuple[Lane, ...] = ()
    selected: bool = False

    def to_json(self) -> dict[str, object]:
        return {"name": self.name, "lanes": [lane.to_json() for lane in self.lanes]}


@dataclass(frozen=True)
class Marker:
    """A marker, or a range of one of the kinds a host knows."""

    #: One of `MARKER_KINDS`.
    kind: str
    name: str
    time_s: float
    #: None where the host keeps no end.
    end_s: float | None = None
    #: "#rrggbb" or the host's word for it.
    color: str | None = None
    #: Whether it is selected in the host.
    selected: bool = False
    #: A song section, skip or arrangement range: of the kind "region", but never a cue.
    section: bool = False

    def to_json(self) -> dict[str, object]:
        return {
            "kind": self.kind,
            "name": self.name,
            "time_s": self.time_s,
            "end_s": self.end_s,
            "color": self.color,
        }


def paired(markers: Sequence[Marker]) -> tuple[Marker, ...]:
    """Two markers "rain>" and "rain<" as the region "rain": how a range is written where markers have no length."""
    result: list[Marker | None] = list(markers)
    begun: dict[str, int] = {}
    # Where one range ends and the next begins at once, the end comes first.
    for index in sorted(range(len(markers)), key=lambda at: (markers[at].time_s, not markers[at].name.endswith("<"))):
        marker = markers[index]
        stem = marker.name.rstrip("<>").rstrip()
        if marker.kind != "marker" or not stem:
            continue
        if marker.name.endswith(">"):
            begun[stem] = index
        elif marker.name.endswith("<") and stem in begun:
            first = begun.pop(stem)
            result[first] = replace(markers[first], kind="region", name=stem, end_s=marker.time_s)
            result[index] = None
    return tuple(marker for marker in result if marker is not None)


@dataclass(frozen=True)
class TempoPoint:
    """A tempo from here on."""

    time_s: float
    bpm: float
    #: Whether the tempo glides to the next point's (linear in beats).
    ramp: bool = False

    def to_json(self) -> dict[str, object]:
        return {"time_s": self.time_s, "bpm": self.bpm, "ramp": self.ramp}


@dataclass(frozen=True)
class VideoItem:
    """A video on the timeline."""

    path: str
    #: Where it begins on the timeline.
    time_s: float
    #: The video's own time at that place.
    offset_s: float = 0.0
    length_s: float | None = None
    #: Seconds of video per second of timeline.
    rate: float = 1.0


@dataclass(frozen=True)
class Project:
    """All that was read of one file."""

    #: Key of `bridge.hosts.formats.FORMATS`.
    format: str
    version: str
    path: Path
    sample_rate: int | None = None
    frame_rate: FrameRate | None = None
    #: Timecode at the project's start, seconds from midnight.
    start_s: float = 0.0
    tracks: tuple[Track, ...] = ()
    markers: tuple[Marker, ...] = ()
    tempo: tuple[TempoPoint, ...] = ()
    video: tuple[VideoItem, ...] = ()
    warnings: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, object]:
        """The object that `drawaudio inspect --json` prints."""
        return {
            "format": self.format,
            "version": self.version,
            "sample_rate": self.sample_rate,
            "frame_rate": None if self.frame_rate is None else str(self.frame_rate),
            "tracks": [track.to_json() for track in self.tracks],
            "markers": [marker.to_json() for marker in self.markers],
            "tempo": [point.to_json() for point in self.tempo],
            "warnings": list(self.warnings),
        }
