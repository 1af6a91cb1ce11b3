"""Pro Tools' "Export Session Info as Text": markers (memory locations), tracks and the session's clock."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from bridge.hosts.model import Marker, Project, ProjectError, Track
from bridge.hosts.numbers import number, seconds
from bridge.hosts.text_file import decode_text, lines_of
from bridge.timecode import FrameRate, Timecode, TimecodeError

#: Feet and frames count 35 mm film, however the session runs.
FRAMES_PER_FOOT, FILM_FPS = 16, 24
#: What stands behind the name of a track of more than one channel.
_CHANNELS = re.compile(r" \((Stereo|LCRS?|Quad|\d\.\d(\.\d)?)\)$")


@dataclass
class _Session:
    header: dict[str, str] = field(default_factory=dict)
    sections: dict[str, list[str]] = field(default_factory=dict)


def read_protools(data: bytes, path: Path) -> Project:
    """The session in `data`; raises `ProjectError`."""
    session = _parse(decode_text(data))
    if "SESSION NAME" not in session.header:
        raise ProjectError(f"{path.name}: no Pro Tools session info; use File > Export > Session Info as Text")
    warnings: list[str] = []
    rate = _frame_rate(session.header.get("TIMECODE FORMAT", ""))
    sample_rate = round(number(session.header.get("SAMPLE RATE"), 0.0))
    start_s = 0.0
    try:
        start_s = _timecode(session.header.get("SESSION START TIMECODE", ""), rate)
    except ValueError as error:
        warnings.append(f"the session's start could not be read, 0 is assumed ({error})")
    clock = _Clock(sample_rate, rate, start_s)
    return Project(
        format="protools_txt",
        version=session.header.get("TIMECODE FORMAT", ""),
        path=path,
        sample_rate=sample_rate or None,
        frame_rate=rate,
        start_s=start_s,
        tracks=tuple(_tracks(session)),
        markers=tuple(_markers(session, clock, warnings)),
        warnings=tuple(warnings),
    )


@dataclass(frozen=True)
class _Clock:
    sample_rate: int
    rate: FrameRate | None
    start_s: float

    def seconds(self, location: str, reference: str, units: str) -> float:
        """A marker's time from the session's start; raises `ValueError`."""
        if units.lower() == "samples" and self.sample_rate and reference:
            return seconds(number(reference) / self.sample_rate)
        # A marker in ticks moves with the tempo; where it is now, only the main time scale says.
        if re.fullmatch(r"\d+\|.*", location):
            raise ValueError("bars and beats: set the main time scale to timecode or samples and export again")
        if re.fullmatch(r"\d+", location) and self.sample_rate:
            return seconds(int(location) / self.sample_rate)
        if match := re.fullmatch(r"(\d+):(\d+(\.\d+)?)", location):
            return seconds(int(match.group(1)) * 60 + number(match.group(2)))
        if match := re.fullmatch(r"(\d+)\+(\d+(\.\d+)?)", location):
            frames = int(match.group(1)) * FRAMES_PER_FOOT + number(match.group(2))
            return seconds(frames / FILM_FPS)
        time_s = _timecode(location, self.rate) - self.start_s
        # A session that begins before midnight goes on after it.
        return seconds(time_s if time_s >= 0.0 or self.rate is None else time_s + _day(self.rate))


def _day(rate: FrameRate) -> float:
    return float(rate.frames_per_day / rate.fps)


def _timecode(text: str, rate: FrameRate | None) -> float:
    """A timecode, subframes and all ("01:00:00:12.50"), as seconds from midnight; raises `ValueError`."""
    if rate is None:
        raise ValueError("the timecode format is unknown")
    label, _, subframes = text.strip().partition(".")
    label = label.replace(";", ":")
    exact = Timecode.parse(label, rate).seconds
    return float(exact) + (int(subframes) / 100 / float(rate.fps) if subframes.isdigit() else 0.0)


def _frame_rate(text: str) -> FrameRate | None:
    """ "29.97 Drop Frame", "29.97 Frame", "25 Frame", "30 Drop Frame"."""
    match = re.match(r"\s*(\d{1,3}(?:\.\d{1,3})?)\s*(Drop)?", text)
    if not match:
        return None
    written, drop = match.group(1), match.group(2) is not None
    try:
        return FrameRate.parse(written + ("DF" if drop else ""))
    except TimecodeError:
        pulled = Fraction(round(float(written)) * 1000, 1001)
        fps = pulled if "." in written else Fraction(written)
        return FrameRate(fps, drop and round(fps) % 30 == 0) if fps else None


def _parse(text: str) -> _Session:
    session = _Session()
    section: list[str] | None = None
    for line in lines_of(text):
        heading = _heading(line)
        if heading:
            section = session.sections.setdefault(heading, [])
        elif section is not None:
            section.append(line)
        elif ":" in line:
            key, _, value = line.partition(":")
            session.header.setdefault(key.strip(), value.strip())
    return session


def _heading(line: str) -> str:
    """ "M A R K E R S  L I S T I N G" -> "MARKERS LISTING"; "" for any other line."""
    letters = line.split()
    if len(letters) < 8 or any(len(letter) > 1 for letter in letters):
        return ""
    return " ".join(word.replace(" ", "") for word in re.split(r" {2,}", line.strip()))


def _tracks(session: _Session) -> list[Track]:
    names = [
        _CHANNELS.sub("", line.partition(":")[2].strip())
        for line in session.sections.get("TRACK LISTING", [])
        if line.startswith("TRACK NAME:")
    ]
    return [Track(name) for name in names]


def _markers(session: _Session, clock: _Clock, warnings: list[str]) -> list[Marker]:
    """The table of markers; its columns have grown over the versions, so they are found by their heads."""
    lines = session.sections.get("MARKERS LISTING", [])
    columns: list[str] = []
    markers = []
    for cells in _rows(lines):
        if not columns:
            columns = cells
            continue
        row = dict(zip((head.strip() for head in columns), _joined(cells, columns), strict=False))
        name = " ".join(row.get("NAME", "").split())
        try:
            time_s = clock.seconds(row.get("LOCATION", ""), row.get("TIME REFERENCE", ""), row.get("UNITS", ""))
        except (ValueError, OverflowError) as error:
            warnings.append(f"marker {name!r} could not be read and is left out ({error})")
            continue
        markers.append(Marker("marker", name, time_s))
    return markers


def _rows(lines: list[str]) -> Iterator[list[str]]:
    """The rows of the table, cell by cell. A name or comment may hold line ends, which Pro Tools writes as they are."""
    row = ""
    for line in lines:
        if re.match(r"(#|\d+)\s*\t", line):
            if row:
                yield row.split("\t")
            row = line
        elif row and line.strip():
            # The rest of a comment is indented to its column, that of a name is not.
            row += f"\t{line.strip()}" if line.startswith(" ") else f"\n{line}"
    if row:
        yield row.split("\t")


def _joined(cells: list[str], columns: list[str]) -> list[str]:
    """The cells of a row, those joined again that a tab in the name has split: names are padded to their column."""
    heads = [head.strip() for head in columns]
    cells = list(cells)
    if "NAME" in heads and (at := heads.index("NAME")) < len(cells):
        end, length = at + 1, len(cells[at])
        while len(cells) - (end - at - 1) > len(columns) and length < len(columns[at]):
            length += 1 + len(cells[end])
            end += 1
        cells[at:end] = ["\t".join(cells[at:end])]
    return [cell.strip() for cell in cells]
