"""Final Cut Pro XML (.fcpxml, also DaVinci Resolve's): the markers of every project's sequence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from xml.etree.ElementTree import Element

from bridge.hosts.model import Marker, Project, ProjectError, Track, VideoItem
from bridge.hosts.numbers import seconds
from bridge.hosts.safe_xml import project_xml
from bridge.timecode import FRAME_RATES, FrameRate

#: Elements that lie on a timeline and may hold others; each has an offset in its parent's time.
STORY = (
    "asset-clip", "audio", "audition", "clip", "gap", "mc-clip", "ref-clip", "spine", "sync-clip", "title", "video",
)  # fmt: skip
MARKERS = ("marker", "chapter-marker")


def read_fcpxml(data: bytes, path: Path) -> Project:
    """The document in `data`; raises `ProjectError`."""
    root = project_xml(data, f"{path.name}:", "export it again", doctype=True)
    if root.tag != "fcpxml":
        raise ProjectError(f"{path.name}: no <fcpxml>; export the project as XML")
    return _Reader(root, path).read()


class _Reader:
    def __init__(self, root: Element, path: Path) -> None:
        self.root = root
        self.path = path
        self.warnings: list[str] = []
        self.video: list[VideoItem] = []
        self.files = {
            asset.get("id", ""): source
            for asset in root.iterfind("./resources/asset")
            if (source := asset.get("src") or _representation(asset)) and asset.get("hasVideo", "1") == "1"
        }

    def read(self) -> Project:
        markers: list[Marker] = []
        projects = [project for project in self.root.iter("project") if project.find("sequence") is not None]
        sequences = [project.find("sequence") for project in projects]
        if len(sequences) > 1:
            self.warnings.append(f"{len(sequences)} projects in one file: the markers of all are listed")
        for sequence in sequences:
            assert sequence is not None
            for spine in sequence.findall("spine"):
                markers += self._story(spine, Fraction(0), self._first(sequence, spine))
        first = sequences[0] if sequences else None
        return Project(
            format="fcpxml",
            version=self.root.get("version", ""),
            path=self.path,
            sample_rate=_sample_rate(first),
            frame_rate=self._frame_rate(first),
            start_s=float(_time(first.get("tcStart"), Fraction(0))) if first is not None else 0.0,
            tracks=tuple(Track(project.get("name", "")) for project in projects),
            markers=tuple(markers),
            video=tuple(self.video),
            warnings=tuple(self.warnings),
        )

    def _first(self, sequence: Element, spine: Element) -> Fraction:
        """The spine's own time at the sequence's start: its timecode, or 0 where the exporter counts from there."""
        try:
            start = _time(sequence.get("tcStart"), Fraction(0))
            offsets = [_time(child.get("offset"), start) for child in spine if child.tag in STORY]
        except ValueError:
            return Fraction(0)
        return start if min(offsets, default=start) >= start else Fraction(0)

    def _story(self, element: Element, at: Fraction, local: Fraction) -> Iterator[Marker]:
        """Markers under `element`, whose own time `local` lies at `at` on the sequence."""
        following = local  # in a spine, what has no offset comes after what was before it
        for child in element:
            try:
                if child.tag in MARKERS:
                    yield self._marker(child, at, local)
                elif child.tag in STORY:
                    offset = _time(child.get("offset"), following)
                    if element.tag == "spine":
                        following = offset + _time(child.get("duration"), Fraction(0))
                    begins = at + offset - local
                    start = _time(child.get("start"), Fraction(0))
                    self._place_video(child, begins, start)
                    yield from self._story(child, begins, Fraction(0) if child.tag == "spine" else start)
            except ValueError as error:
                self.warnings.append(f"a <{child.tag}> could not be read and is left out ({error})")

    def _marker(self, element: Element, at: Fraction, local: Fraction) -> Marker:
        time_s = seconds(float(at + _time(element.get("start"), None) - local))
        color = "to-do" if element.get("completed") == "0" else None
        return Marker("marker", element.get("value", ""), time_s, None, color)

    def _place_video(self, element: Element, at: Fraction, start: Fraction) -> None:
        file = self.files.get(element.get("ref", ""))
        if file is not None and element.tag in ("asset-clip", "video"):
            length = _time(element.get("duration"), Fraction(0))
            self.video.append(VideoItem(file, float(at), float(start), float(length) or None))

    def _frame_rate(self, sequence: Element | None) -> FrameRate | None:
        if sequence is None:
            return None
        for element in self.root.iterfind("./resources/format"):
            if element.get("id") == sequence.get("format"):
                try:
                    frame = _time(element.get("frameDuration"), Fraction(0))
                except ValueError:
                    return None
                drop = sequence.get("tcFormat") == "DF"
                for rate in FRAME_RATES.values():
                    if frame and rate.fps == 1 / frame and rate.drop == drop:
                        return rate
        return None


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
