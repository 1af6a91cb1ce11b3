"""Pro Tools' "Export Session Info as Text": markers (memory locations), tracks and the session's clock."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from bridge.hosts.model import Marker, Project, ProjectError, Track
from bridge.hosts.numbers import number, seconds
from bridge.hosts.text_file import decode_text, lines_of
from bridge.timecode import FRAME_RATES, FrameRate, Timecode, TimecodeError


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
        if re.fullmatch(r"\d+:\d+\.\d+", location):
            minutes, _, rest = location.partition(":")
            return seconds(int(minutes) * 60 + number(rest))
        return seconds(_timecode(location, self.rate) - self.start_s)


def _timecode(text: str, rate: FrameRate | None) -> float:
    """A timecode, subframes and all ("01:00:00:12.50"), as seconds from midnight; raises `ValueError`."""
    if rate is None:
        raise ValueError("the timecode format is unknown")
    label, _, subframes = text.strip().partition(".")
    label = label.replace(";", ":")
    exact = Timecode.parse(label, rate).seconds
    return float(exact) + (int(subframes) / 100 / float(rate.fps) if subframes.isdigit() else 0.0)


def _frame_rate(text: str) -> FrameRate | None:
    """ "29.97 Drop Frame", "29.97 Frame", "25 Frame"."""
    match = re.match(r"\s*([0-9.]+)\s*(Drop)?", text)
    if not match:
        return None
    try:
        return FrameRate.parse(match.group(1) + ("DF" if match.group(2) else ""))
    except TimecodeError:
        return FRAME_RATES["30"] if match.group(1) == "30" else None


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
        line.partition(":")[2].strip()
        for line in session.sections.get("TRACK LISTING", [])
        if line.startswith("TRACK NAME:")
    ]
    return [Track(name) for name in names]


def _markers(session: _Session, clock: _Clock, warnings: list[str]) -> list[Marker]:
    """The table of markers; its columns have grown over the versions, so they are found by their heads."""
    markers = []
    columns: dict[str, int] = {}
    for line in session.sections.get("MARKERS LISTING", []):
        cells = [cell.strip() for cell in line.split("\t")]
        if not any(cells):
            continue
        if not columns:
            columns = {head: index for index, head in enumerate(cells)}
            continue
        row = {head: cells[index] for head, index in columns.items() if index < len(cells)}
        name = row.get("NAME", "")
        try:
            time_s = clock.seconds(row.get("LOCATION", ""), row.get("TIME REFERENCE", ""), row.get("UNITS", ""))
        except (ValueError, OverflowError) as error:
            warnings.append(f"marker {name!r} could not be read and is left out ({error})")
            continue
        markers.append(Marker("marker", name, time_s))
    return markers
