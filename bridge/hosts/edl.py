"""CMX 3600 edit lists: the locators ("* LOC:") of an edit, and the timeline markers that DaVinci Resolve exports."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from bridge.hosts.model import Marker, Project, ProjectError, Track
from bridge.hosts.numbers import seconds
from bridge.hosts.text_file import decode_text, lines_of
from bridge.timecode import FRAME_RATES, FrameRate, Timecode

LONGEST_LINE = 500
_TIMECODE = r"\d{2}[:;.]\d{2}[:;.]\d{2}[:;.]\d{2}"
_LABEL = re.compile(rf"(?<![\d:;.]){_TIMECODE}(?![\d:;.])")
_MODE = re.compile(r"\s*FCM:\s*(DROP|NON)", re.IGNORECASE)
#: Number, reel, track, what is done; the source's in and out, the record's in and out.
_EVENT = re.compile(rf"\s*\d+\s+\S+\s+(\S+)\s+.*?{_TIMECODE}\s+{_TIMECODE}\s+({_TIMECODE})\s+{_TIMECODE}")
_LOCATOR = re.compile(rf"\s*\*\s*LOC:\s*({_TIMECODE})\s*(.*)", re.IGNORECASE)
#: Avid's colours of locators; other words in their place are the locator's text.
COLORS = (
    "RED", "GREEN", "BLUE", "CYAN", "MAGENTA", "YELLOW", "BLACK", "WHITE", "PINK", "PURPLE", "ORANGE", "VIOLET",
    "DENIM", "FOREST", "GOLD", "GREY", "GRAY", "LAVENDER", "PLUM",
)  # fmt: skip
#: Resolve writes a marker as an event of one frame, and below it what it is: `note |C:ResolveColorBlue |M:name |D:25`.
_RESOLVE = re.compile(r"\s*.*\|C:ResolveColor(\w*)\s*\|M:(.*?)\s*\|D:(\d+)\s*")
#: Without drop frames an EDL does not say its rate; the frame numbers in it rule some out.
_GUESSES = ((24, "24"), (25, "25"), (30, "30"), (50, "50"), (60, "60"))


def read_edl(data: bytes, path: Path) -> Project:
    """The edit list in `data`; raises `ProjectError`. The project starts with the first event's record time."""
    # No field is so long; on endless lines the patterns below would take endless time.
    lines = [line[:LONGEST_LINE] for line in lines_of(decode_text(data))]
    warnings: list[str] = []
    rate = _rate(lines, warnings)
    starts: list[float] = []
    tracks: dict[str, None] = {}
    found: list[Marker] = []  # at times from midnight
    event_s: float | None = None
    for line in lines:
        if match := _EVENT.match(line):
            event_s = _seconds(match.group(2), rate, warnings)
            starts += [] if event_s is None else [event_s]
            tracks[match.group(1)] = None
        elif match := _LOCATOR.match(line):
            at = _seconds(match.group(1), rate, warnings)
            if at is not None:
                color, name = _color(match.group(2).strip())
                found.append(Marker("marker", name, at, None, color))
        elif event_s is not None and (match := _RESOLVE.fullmatch(line)):
            frames = int(match.group(3)[:9])
            end = event_s + float(frames / rate.fps) if frames > 1 else None
            kind = "marker" if end is None else "region"
            found.append(Marker(kind, match.group(2), event_s, end, match.group(1).lower() or None))
    if not starts and not found:
        raise ProjectError(f"{path.name}: no edit list with events or locators; export it as CMX 3600")
    day_s = float(rate.frames_per_day / rate.fps)
    if starts and max(starts) - min(starts) > day_s / 2:  # over midnight: what is early in the day is the later part
        starts = [at for at in starts if at > day_s / 2]
    start_s = min(starts, default=0.0)
    markers = [_after(one, start_s, day_s) for one in found]
    return Project(
        format="edl",
        version="CMX 3600",
        path=path,
        frame_rate=rate,
        start_s=start_s,
        tracks=tuple(Track(name) for name in tracks),
        markers=tuple(markers),
        warnings=tuple(warnings),
    )


def _after(marker: Marker, start_s: float, day_s: float) -> Marker:
    """A marker at a time from midnight, counted from the start; half a day before it is half a day after it."""
    from_s = start_s if marker.time_s - start_s > -day_s / 2 else start_s - day_s
    end_s = None if marker.end_s is None else marker.end_s - from_s
    return replace(marker, time_s=marker.time_s - from_s, end_s=end_s)


def _color(text: str) -> tuple[str | None, str]:
    """The colour and the text of a locator, either of which may be missing."""
    color, name = (*text.split(None, 1), "", "")[:2]
    return (color, name) if color.upper() in COLORS else (None, text)


def _rate(lines: list[str], warnings: list[str]) -> FrameRate:
    labels = [label for line in lines for label in _LABEL.findall(line)]
    highest = max((int(label[-2:]) for label in labels), default=0)
    # What is said of the sources, in their columns and in later FCM lines, does not hold for the record.
    record = [match.group(2) for line in lines if (match := _EVENT.match(line))]
    record += [match.group(1) for line in lines if (match := _LOCATOR.match(line))]
    modes = [match.group(1).upper() for line in lines if (match := _MODE.match(line))]
    if modes[:1] == ["DROP"] or any(";" in label for label in record):
        return FRAME_RATES["29.97DF" if highest < 30 else "59.94DF"]
    name = next((name for count, name in _GUESSES if highest < count), "60")
    warnings.append(f"an EDL does not name its frame rate: {name} is assumed (highest frame number {highest})")
    return FRAME_RATES[name]


def _seconds(label: str, rate: FrameRate, warnings: list[str]) -> float | None:
    try:
        return seconds(float(Timecode.parse(re.sub(r"[;.]", ":", label), rate).seconds))
    except ValueError as error:
        warnings.append(f"{error}: left out")
        return None
