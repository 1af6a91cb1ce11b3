"""OpenTimelineIO (.otio, .otioz): the markers of a timeline, its tracks and everything nested in them.

Read with the standard library: the format is JSON, and only times and names are needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from bridge.hosts.model import Marker, Project, ProjectError, Track
from bridge.hosts.numbers import number, seconds
from bridge.timecode import FRAME_RATES, FrameRate

#: Schemas by the names that the first versions gave them.
OLD_SCHEMAS = {"Sequence": "Track", "Filler": "Gap", "SerializeableCollection": "SerializableCollection"}
#: Compositions nest a few deep; JSON itself is cut off by Python at a thousand.
MAX_DEPTH = 200

_Object = dict[str, object]


def read_otio(data: bytes, path: Path) -> Project:
    """The timeline in `data`; raises `ProjectError`."""
    try:
        root = json.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, RecursionError) as error:
        raise ProjectError(f"{path.name}: no OpenTimelineIO JSON ({type(error).__name__}); export it again") from None
    except ValueError as error:
        raise ProjectError(f"{path.name}: broken JSON ({error}); export it again") from None
    schema = _schema(root)
    if schema not in ("Timeline", "SerializableCollection", "Stack", "Track"):
        raise ProjectError(f"{path.name}: holds {schema or 'no OTIO object'}, not a Timeline; export a timeline")
    reader = _Reader()
    timelines = _children(root) if schema == "SerializableCollection" else [root]
    markers: list[Marker] = []
    tracks: list[Track] = []
    for timeline in timelines:
        stack = timeline.get("tracks") if _schema(timeline) == "Timeline" else timeline
        if isinstance(stack, dict):
            markers += reader.item(stack, 0.0, 0)
            tracks += [Track(str(track.get("name") or "")) for track in _children(stack) if _schema(track) == "Track"]
    begin = root.get("global_start_time") if isinstance(root, dict) else None
    try:
        start_s = _seconds(begin)
    except ValueError as error:
        reader.warnings.append(f"the timeline's start could not be read, 0 is assumed ({error})")
        start_s = 0.0
    return Project(
        format="otio",
        version=str(root.get("OTIO_SCHEMA", "")),
        path=path,
        frame_rate=_frame_rate(begin) or reader.frame_rate,
        start_s=start_s,
        tracks=tuple(tracks),
        markers=tuple(markers),
        warnings=tuple(reader.warnings),
    )


def _schema(item: object) -> str:
    name = str(item.get("OTIO_SCHEMA", "")).partition(".")[0] if isinstance(item, dict) else ""
    return OLD_SCHEMAS.get(name, name)


def _children(item: _Object) -> list[_Object]:
    children = item.get("children")
    return [child for child in children if isinstance(child, dict)] if isinstance(children, list) else []


def _seconds(time: object) -> float:
    """A RationalTime in seconds; 0 of anything else."""
    if not isinstance(time, dict):
        return 0.0
    rate = number(time.get("rate"), 0.0)
    return seconds(number(time.get("value"), 0.0) / rate) if rate > 0.0 else 0.0


def _range(item: _Object) -> tuple[float, float] | None:
    """Start and duration of a TimeRange, in seconds."""
    if _schema(item) != "TimeRange":
        return None
    return _seconds(item.get("start_time")), _seconds(item.get("duration"))


def _frame_length(span: object) -> float:
    """One frame of a TimeRange's duration, in seconds, and what a float may add to it."""
    duration = span.get("duration") if isinstance(span, dict) else None
    rate = number(duration.get("rate"), 0.0) if isinstance(duration, dict) else 0.0
    return 1.000001 / rate if rate > 0.0 else 0.0


def _frame_rate(time: object) -> FrameRate | None:
    rate = number(time.get("rate"), 0.0) if isinstance(time, dict) else 0.0
    for known in FRAME_RATES.values():
        if rate and abs(float(known.fps) - rate) < 0.002 and not known.drop:
            return known
    return FrameRate(Fraction(rate).limit_denominator(1001)) if 1.0 <= rate <= 240.0 else None


class _Reader:
    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.frame_rate: FrameRate | None = None

    def item(self, item: _Object, at_s: float, depth: int) -> Iterator[Marker]:
        """Markers on `item`, which begins at `at_s` on the timeline, and on all that it holds."""
        if depth > MAX_DEPTH:
            raise RecursionError
        start, _ = self._trimmed(item)
        markers = item.get("markers")
        for marker in markers if isinstance(markers, list) else []:
            if isinstance(marker, dict):
                yield from self._marker(marker, at_s - start)
        place = at_s - start
        for child in _children(item):
            schema = _schema(child)
            if schema == "Transition":
                continue  # lies over its neighbours and takes no time of its own
            yield from self.item(child, place, depth + 1)
            if _schema(item) == "Track":
                place += self._trimmed(child)[1]

    def _marker(self, marker: _Object, zero_s: float) -> Iterator[Marker]:
        name = str(marker.get("name") or "")
        marked = marker.get("marked_range", marker.get("range"))  # Marker.1 called it so
        try:
            span = _range(marked) if isinstance(marked, dict) else None
            if span is None:
                raise ValueError("it has no marked_range")
            self._learn_rate(marked)
            time_s = seconds(zero_s + span[0])
            # Editors that count frames give a marker without a length one frame.
            end_s = time_s + span[1] if span[1] > _frame_length(marked) else None
        except ValueError as error:
            self.warnings.append(f"marker {name!r} could not be read and is left out ({error})")
            return
        color = marker.get("color")
        if isinstance(color, dict):
            color = color.get("name")
        color = color if isinstance(color, str) and color else None
        yield Marker("marker" if end_s is None else "region", name, time_s, end_s, color)

    def _learn_rate(self, marked: object) -> None:
        if self.frame_rate is None and isinstance(marked, dict):
            self.frame_rate = _frame_rate(marked.get("start_time"))

    def _trimmed(self, item: _Object) -> tuple[float, float]:
        """Where in its own time an item begins, and how long it is."""
        try:
            source = item.get("source_range")
            span = _range(source) if isinstance(source, dict) else None
            if span is None and _schema(item) == "Clip":
                span = self._available(item)
            if span is not None:
                return span
            lengths = [self._trimmed(child)[1] for child in _children(item) if _schema(child) != "Transition"]
            if _schema(item) == "Track":
                return 0.0, sum(lengths)
            return 0.0, max(lengths, default=0.0)
        except ValueError as error:
            self.warnings.append(f"the range of {str(item.get('name'))[:40]!r} could not be read ({error})")
            return 0.0, 0.0

    def _available(self, clip: _Object) -> tuple[float, float] | None:
        reference = clip.get("media_reference")
        references = clip.get("media_references")
        if not isinstance(reference, dict) and isinstance(references, dict):
            reference = references.get(str(clip.get("active_media_reference_key") or "DEFAULT_MEDIA"))
        if isinstance(reference, dict) and isinstance(reference.get("available_range"), dict):
            return _range(reference["available_range"])
        return None
