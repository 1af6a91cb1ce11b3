"""Final Cut Pro XML (.fcpxml, also DaVinci Resolve's): the markers of every project's sequence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from xml.etree.ElementTree import Element

from bridge.hosts.model import Marker, Project, ProjectError, Track, VideoItem
from bridge.hosts.numbers import seconds
from bridge.hosts.safe_xml import project_xml
from bridge.timecode import FrameRate, TimecodeError

#: Elements that lie on a timeline and may hold others; each has an offset in its parent's time.
STORY = (
    "asset-clip", "audio", "audition", "clip", "gap", "mc-clip", "ref-clip", "spine", "sync-clip", "title",
    "transition", "video",
)  # fmt: skip
MARKERS = ("marker", "chapter-marker")
#: Final Cut counts inside a transition from the hour, without saying so.
TRANSITION_START = Fraction(3600)
#: A marker's frame is its clip's, which may be longer than the sequence's; what is longer than any is a range.
LONGEST_FRAME = Fraction(1001, 24000)
#: The rates that count in drop frame.
NTSC = (Fraction(30000, 1001), Fraction(60000, 1001))
#: All of a sequence and more.
EVER = (Fraction(-(10**9)), Fraction(10**9))


def read_fcpxml(data: bytes, path: Path) -> Project:
    """The document in `data`; raises `ProjectError`."""
    root = project_xml(data, f"{path.name}:", "export it again", doctype=True)
    if root.tag != "fcpxml":
        raise ProjectError(f"{path.name}: no <fcpxml>; export the project as XML")
    return _Reader(root, path).read()


@dataclass(frozen=True)
class _Local:
    """The own time of a clip or storyline."""

    #: Where it begins on the sequence.
    begins: Fraction
    #: Its own time there.
    local: Fraction
    #: Seconds of the sequence per second of its own time.
    scale: Fraction
    #: How long a frame of the sequence is; None: unknown.
    frame: Fraction | None
    #: From when to when on the sequence it is seen: an outer clip shows only a part of what it holds.
    seen: tuple[Fraction, Fraction] = EVER

    def at(self, local: Fraction) -> Fraction:
        """The sequence's time at one of its own."""
        return self.begins + (local - self.local) * self.scale


class _Reader:
    def __init__(self, root: Element, path: Path) -> None:
        self.root = root
        self.path = path
        self.warnings: list[str] = []
        self.video: list[VideoItem] = []
        self.assets = {asset.get("id", ""): asset for asset in root.iterfind("./resources/asset")}

    def read(self) -> Project:
        timelines = self._timelines()
        markers: list[Marker] = []
        for _, sequence in timelines:
            frame = self._frame(sequence)
            for spine in sequence.findall("spine"):
                markers += self._story(spine, _Local(Fraction(0), self._first(sequence, spine), Fraction(1), frame))
        if not timelines:
            markers += self._browser()
        first = timelines[0][1] if timelines else None
        return Project(
            format="fcpxml",
            version=self.root.get("version", ""),
            path=self.path,
            sample_rate=_sample_rate(first),
            frame_rate=_frame_rate(first, self._frame(first)) if first is not None else None,
            start_s=self._start(first) if first is not None else 0.0,
            tracks=tuple(Track(name) for name, _ in timelines),
            markers=tuple(markers),
            video=tuple(self.video),
            warnings=tuple(self.warnings),
        )

    def _start(self, sequence: Element) -> float:
        try:
            return float(_time(sequence.get("tcStart"), Fraction(0)))
        except ValueError as error:
            self.warnings.append(f"the sequence's start could not be read, 0 is assumed ({error})")
            return 0.0

    def _timelines(self) -> list[tuple[str, Element]]:
        """Names and sequences: the projects', or where there are none those of the compound clips."""
        projects = [(project.get("name", ""), project.find("sequence")) for project in self.root.iter("project")]
        if not projects:
            media = self.root.iterfind("./resources/media")
            projects = [(one.get("name", ""), one.find("sequence")) for one in media]
        found = [(name, sequence) for name, sequence in projects if sequence is not None]
        if len(found) > 1:
            self.warnings.append(f"{len(found)} projects in one file: the markers of all are listed")
        return found

    def _browser(self) -> Iterator[Marker]:
        """The markers of clips that lie on no timeline, each counted from its clip's start."""
        clips = [clip for holder in (self.root, *self.root.iter("event")) for clip in holder if clip.tag in STORY]
        if clips:
            self.warnings.append("no project in the file: markers are counted from the start of their own clips")
        holder = Element("event")
        for clip in clips:
            holder[:] = [clip]
            yield from self._story(holder, _Local(Fraction(0), Fraction(0), Fraction(1), None))

    def _first(self, sequence: Element, spine: Element) -> Fraction:
        """The spine's own time at the sequence's start: its timecode, or 0 where the exporter counts from there."""
        try:
            start = _time(sequence.get("tcStart"), Fraction(0))
            offsets = [_time(child.get("offset"), start) for child in spine if child.tag in STORY]
        except ValueError:
            return Fraction(0)
        return start if min(offsets, default=start) >= start else Fraction(0)

    def _story(self, element: Element, here: _Local) -> Iterator[Marker]:
        """Markers under `element`, whose own time is `here`."""
        # What has no offset lies at 0 of its parent's time, but in a spine after what was before it.
        following = here.local if element.tag == "spine" else Fraction(0)
        for child in element:
            try:
                if child.tag in MARKERS:
                    yield _marker(child, here)
                elif child.tag in STORY:
                    clip = _chosen(child)
                    offset = _time(child.get("offset") or clip.get("offset"), following)
                    length = self._length(clip)
                    if element.tag == "spine" and clip.tag != "transition":
                        following = offset + length
                    seen = (here.at(offset), here.at(offset + length) if length else EVER[1])
                    if (child.get("lane") or "0") == "0":  # what is only connected may go on beyond its clip
                        seen = (max(seen[0], here.seen[0]), min(seen[1], here.seen[1]))
                    if clip.get("enabled") == "0":
                        seen = (seen[0], seen[0])
                    scale = here.scale * _conform(clip, here)
                    inside = _Local(here.at(offset), _local_start(clip), scale, here.frame, seen)
                    self._place_video(clip, inside)
                    yield from self._story(clip, inside)
            except ValueError as error:
                self.warnings.append(f"a <{child.tag}> could not be read and is left out ({error})")

    def _length(self, clip: Element) -> Fraction:
        """A clip's length in its parent's time: where it does not say it, its media's."""
        asset = self.assets.get(clip.get("ref", ""))
        return _time(clip.get("duration", None if asset is None else asset.get("duration")), Fraction(0))

    def _place_video(self, clip: Element, inside: _Local) -> None:
        asset = self.assets.get(clip.get("ref", ""))
        begin, end = inside.seen
        if asset is None or clip.tag not in ("asset-clip", "video") or begin >= end:
            return
        file = asset.get("src") or _representation(asset)
        if file and _has_picture(asset) and clip.get("srcEnable") != "audio":
            # A clip's time is its media's timecode, a file's own time begins at 0.
            local = inside.local + (begin - inside.begins) / inside.scale
            offset = max(local - _time(asset.get("start"), Fraction(0)), Fraction(0))
            length = None if end == EVER[1] else float(end - begin)
            self.video.append(VideoItem(file, float(begin), float(offset), length, float(1 / inside.scale)))

    def _frame(self, sequence: Element) -> Fraction | None:
        """How long a frame of a sequence is, in seconds."""
        for element in self.root.iterfind("./resources/format"):
            if element.get("id") == sequence.get("format"):
                try:
                    frame = _time(element.get("frameDuration"), Fraction(0))
                except ValueError:
                    return None
                return frame if frame > 0 else None
        return None


def _marker(element: Element, here: _Local) -> Marker:
    time_s = seconds(float(here.at(_time(element.get("start"), None))))
    length = _time(element.get("duration"), Fraction(0)) * here.scale
    end_s = time_s + float(length) if length > max(here.frame or 0, LONGEST_FRAME) else None
    color = "to-do" if element.get("completed") == "0" else None
    return Marker("marker" if end_s is None else "region", element.get("value", ""), time_s, end_s, color)


def _chosen(element: Element) -> Element:
    """Of an audition the clip that is heard and seen: its first."""
    if element.tag != "audition":
        return element
    return next((clip for clip in element if clip.tag in STORY), element)


def _local_start(clip: Element) -> Fraction:
    """A clip's own time where it begins."""
    if clip.tag == "spine":
        return Fraction(0)
    return _time(clip.get("start"), TRANSITION_START if clip.tag == "transition" else Fraction(0))


def _conform(clip: Element, around: _Local) -> Fraction:
    """Seconds of the timeline per second inside a clip, whose frames may be played at the timeline's own rate."""
    element = clip.find("conform-rate")
    if element is None or around.frame is None or element.get("scaleEnabled") == "0":
        return Fraction(1)
    try:
        return FrameRate.parse(element.get("srcFrameRate", "")).fps * around.frame
    except (TimecodeError, OverflowError):
        return Fraction(1)


def _frame_rate(sequence: Element, frame: Fraction | None) -> FrameRate | None:
    if frame is None or not 1 <= 1 / frame <= 1000:
        return None
    # Of other rates "DF" says nothing.
    return FrameRate(1 / frame, sequence.get("tcFormat") == "DF" and 1 / frame in NTSC)


def _has_picture(asset: Element) -> bool:
    """Media that say they have sound have no picture unless they say so too."""
    return asset.get("hasVideo", "0" if asset.get("hasAudio") == "1" else "1") == "1"


def _representation(asset: Element) -> str:
    element = asset.find("media-rep")
    return "" if element is None else element.get("src", "")


def _sample_rate(sequence: Element | None) -> int | None:
    rates = {"32k": 32000, "44.1k": 44100, "48k": 48000, "88.2k": 88200, "96k": 96000, "176.4k": 176400, "192k": 192000}
    return None if sequence is None else rates.get(sequence.get("audioRate", ""))


def _time(text: str | None, default: Fraction | None) -> Fraction:
    """ "105589/15000s", "10s"; raises `ValueError`."""
    if text is None and default is not None:
        return default
    # Nothing but digits: Fraction itself would take "1e999999999" and fill the memory with it.
    if not re.fullmatch(r"-?\d{1,18}(\.\d{1,18}|/0*[1-9]\d{0,17})?s?", text or ""):
        raise ValueError(f"time {(text or '')[:40]!r} is no number")
    value = Fraction((text or "").removesuffix("s"))
    if abs(value) > 10**7:
        raise ValueError(f"time {text!r} is out of reach")
    return value
