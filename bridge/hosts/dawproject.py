"""DAWproject 1.0 (.dawproject), as Bitwig, Studio One, Cubase and others write it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree.ElementTree import Element

from bridge.hosts.dawproject_lanes import LaneReader
from bridge.hosts.dawproject_time import ARRANGEMENT, Place, clip_rounds, tempo_of, unit_of
from bridge.hosts.model import Marker, Project, ProjectError, Track, VideoItem
from bridge.hosts.numbers import number
from bridge.hosts.packed import unzip_member
from bridge.hosts.safe_xml import project_xml

#: The contents of clips, each as often as it is heard, are read to at most so many elements.
MAX_PLAYED = 100_000
#: The schema spells the tag one way in the arrangement and another way among lanes.
MARKERS = ("Markers", "markers")
#: What does not play on the arrangement's timeline: what shapes one note alone, and clips to be launched.
APART = ("Note", "ClipSlot")


@dataclass(frozen=True)
class _Scope:
    """What a timeline inherits from those around it."""

    #: "beats" or "seconds".
    unit: str
    place: Place = ARRANGEMENT
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
        self.clips_left = MAX_PLAYED
        self.names: dict[str, str] = {}
        self.markers: list[Marker] = []
        self.video: list[VideoItem] = []
        self.tempo = tempo_of(root, self.warnings)
        self.lanes = LaneReader(path.name, self.tempo, self.warnings)
        #: Timelines that a clip plays by their id.
        self.referred = {element.get("id", ""): element for element in root.iter() if element.get("id")}
        #: Those being read now: a clip that plays itself has no end.
        self.playing: set[str] = set()

    def read(self) -> Project:
        version = self.root.get("version", "")
        if version.partition(".")[0] not in ("1", ""):
            self.warnings.append(f"DAWproject version {version} is not known: read as far as it is understood")
        for track in self.root.iterfind("./Structure//Track"):
            self._structure(track)
        for channel in self.root.iterfind("./Structure/Channel"):  # a channel may stand without a track
            self.lanes.channel(channel, channel.get("id", ""))
            self.names.setdefault(channel.get("id", ""), channel.get("name", ""))
        arrangement = self.root.find("Arrangement")
        if arrangement is not None:
            for element in arrangement:
                if element.tag != "TempoAutomation":
                    self._timeline(element, _Scope(unit_of(arrangement.get("timeUnit"), "beats")))
        application = self.root.find("Application")
        maker = "" if application is None else f"{application.get('name', '')} {application.get('version', '')}"
        tracks = [Track(name, self.lanes.of(identity)) for identity, name in self.names.items()]
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
            self.lanes.channel(channel, identity)

    # ----------------------------------------------------------------------------------------------------- timelines

    def _timeline(self, element: Element, scope: _Scope) -> None:
        scope = replace(
            scope, unit=unit_of(element.get("timeUnit"), scope.unit), track=element.get("track", scope.track)
        )
        try:
            if element.tag == "Points":
                self.lanes.points(element, scope.unit, scope.place, scope.track)
            elif element.tag in MARKERS:
                self._markers(element, scope)
            elif element.tag == "Video":
                self._video(element, scope)
            elif element.tag == "Clip":
                self._clip(element, scope)
            elif element.tag not in APART:
                for child in element:
                    self._timeline(child, scope)
        except ValueError as error:
            self.warnings.append(f"a <{element.tag}> could not be read and is left out ({error})")

    def _clip(self, clip: Element, scope: _Scope) -> None:
        """What a clip holds, or refers to, at each round that is heard."""
        reference = clip.get("reference", "")
        if clip.get("enable") in ("false", "0") or reference in self.playing:
            return
        content = [*clip, *([self.referred[reference]] if reference in self.referred else [])]
        size = 1 + sum(1 for child in content for _ in child.iter())
        inner = replace(scope, unit=unit_of(clip.get("contentTimeUnit"), scope.unit))
        self.playing |= {reference} if reference else set()
        try:
            for place in clip_rounds(clip, scope.place, scope.unit, self.tempo):
                if self.clips_left < 0:
                    return
                self.clips_left -= size
                if self.clips_left < 0:
                    name = clip.get("name", "")
                    self.warnings.append(f"clip {name!r} comes round too often: what comes later is left out")
                elif place.is_heard:
                    for child in content:
                        self._timeline(child, replace(inner, place=place))
        finally:
            self.playing.discard(reference)

    def _markers(self, element: Element, scope: _Scope) -> None:
        for marker in element.findall("Marker"):
            name = marker.get("name", "")
            try:
                time_s = scope.place.seconds(number(marker.get("time")), scope.unit, self.tempo)
            except ValueError as error:
                self.warnings.append(f"marker {name!r} could not be read and is left out ({error})")
                continue
            if scope.place.hears(time_s):
                self.markers.append(Marker("marker", name, time_s, None, marker.get("color")))

    def _video(self, element: Element, scope: _Scope) -> None:
        file = element.find("File")
        if file is not None and file.get("path"):
            start, end = scope.place.window or (scope.place.zero_s, math.inf)
            length = end - start if math.isfinite(end) else None
            self.video.append(VideoItem(file.get("path", ""), start, start - scope.place.zero_s, length))
