"""Marker lists as tables: REAPER's Region/Marker Manager export, Nuendo's, and whatever has a head like them."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from bridge.hosts.model import Marker, Project, ProjectError
from bridge.hosts.numbers import number, seconds
from bridge.hosts.text_file import decode_text, lines_of
from bridge.timecode import FRAME_RATES, FrameRate, Timecode

#: What a column holds -> the heads it is known by, in lower case.
COLUMNS = {
    "id": ("#", "id", "no", "no.", "nr", "number", "marker id", "index"),
    "name": ("name", "marker name", "description", "marker", "title", "text", "label"),
    "start": (
        "start",
        "position",
        "in",
        "time",
        "start time",
        "timecode",
        "location",
        "begin",
        "time code in",
        "tc in",
    ),
    "end": ("end", "out", "end time", "stop", "time code out", "tc out"),
    "length": ("length", "duration"),
    "color": ("color", "colour"),
    "comment": ("comment", "comments", "note", "notes", "marker description"),
}
MAX_ROWS = 100_000
#: Timecode in a list without a frame rate: its frame numbers are below this -> the rate, and the one in drop frame.
ASSUMED_RATES = ((30, "30", "29.97DF"), (50, "50", "59.94DF"), (1000, "60", "59.94DF"))
_TIMECODE = re.compile(r"(-?)(\d{1,2}):(\d{1,2}):(\d{1,2})([:;])(\d{1,3})(?:\.(\d{1,2}))?")


def read_marker_csv(data: bytes, path: Path) -> Project:
    """The markers of a table; raises `ProjectError`."""
    lines = [line for line in lines_of(decode_text(data)) if line.strip()]
    if not lines:
        raise ProjectError(f"{path.name}: an empty marker list; export it again")
    delimiter = max(",;\t", key=lines[0].count)
    try:
        rows = list(csv.reader(io.StringIO("\n".join(lines[: MAX_ROWS + 1])), delimiter=delimiter))
    except csv.Error as error:
        raise ProjectError(f"{path.name}: no readable table ({error}); export it again") from None
    columns = _columns(rows[0])
    if "start" not in columns:
        heads = ", ".join(cell.strip() for cell in rows[0][:6])
        raise ProjectError(
            f"{path.name}: no column says where a marker starts (columns: {heads[:80]}); export with Start"
        )
    warnings: list[str] = []
    table = [{what: row[at].strip() for what, at in columns.items() if at < len(row)} for row in rows[1:] if any(row)]
    reaper = rows[0][0].strip() == "#"
    times = [cell for row in table for cell in (row.get("start", ""), row.get("end", ""), row.get("length", ""))]
    clock = _Clock.of(times, warnings, reaper=reaper)
    markers = []
    for line, row in enumerate(table, 2):
        try:
            markers.append(_marker(row, clock))
        except ValueError as error:
            warnings.append(f"row {line} could not be read and is left out ({error})")
    if table and not markers:
        raise ProjectError(f"{path.name}: no row could be read ({warnings[-1]})")
    return Project(
        format="marker_csv",
        version="REAPER" if reaper else "",
        path=path,
        frame_rate=clock.rate if clock.timecode else None,
        markers=tuple(markers),
        warnings=tuple(warnings),
    )


def _columns(head: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for index, cell in enumerate(head):
        for what, names in COLUMNS.items():
            if cell.strip().lower() in names:
                found.setdefault(what, index)
    return found


@dataclass(frozen=True)
class _Clock:
    rate: FrameRate
    #: Whether the list writes hours:minutes:seconds:frames.
    timecode: bool
    #: Whether whole numbers count samples or frames, of which a list does not say how many make a second.
    counts: bool = False

    @classmethod
    def of(cls, cells: list[str], warnings: list[str], *, reaper: bool) -> _Clock:
        labels = [match for cell in cells if (match := _TIMECODE.fullmatch(cell))]
        if not labels:
            # REAPER writes seconds with their decimals, always.
            return cls(FRAME_RATES["30"], False, reaper and not any(re.search(r"[.:]", cell) for cell in cells))
        highest = max(int(label[6]) for label in labels)
        plain, drop = next(names for limit, *names in ASSUMED_RATES if highest < limit)
        rate = FRAME_RATES[drop if any(label[5] == ";" for label in labels) else plain]
        warnings.append(
            f"the list does not name its frame rate: {rate} is assumed; export it in minutes:seconds to be sure"
        )
        return cls(rate, True)

    def seconds(self, text: str) -> float:
        """ "12.5", "1:02.500", "0:01:02.500" or "00:01:02:12"; raises `ValueError`."""
        if re.fullmatch(r"-?\d+\.\d+\.\d+", text):
            raise ValueError(f"{text} counts bars and beats: set the ruler to Minutes:Seconds and export again")
        if self.counts:
            raise ValueError(f"{text} counts samples or frames: set the ruler to Minutes:Seconds and export again")
        sign = -1.0 if text.startswith("-") else 1.0
        if match := _TIMECODE.fullmatch(text):
            hours, minutes, secs, frames = (int(match[part]) for part in (2, 3, 4, 6))
            exact = Timecode.from_label(hours, minutes, secs, frames, self.rate).seconds
            return sign * float(exact + Fraction(f"0.{match[7] or 0}") / self.rate.fps)
        if not re.fullmatch(r"-?(\d+:){0,2}\d+([.,]\d+)?", text):
            raise ValueError(f"{text[:40]!r} is no time")
        total = 0.0
        for part in text.lstrip("-").replace(",", ".").split(":"):
            total = total * 60.0 + number(part)
        return seconds(sign * total)


def _marker(row: dict[str, str], clock: _Clock) -> Marker:
    start = clock.seconds(row.get("start", ""))
    end: float | None = None
    if row.get("end"):
        end = clock.seconds(row["end"])
    elif row.get("length"):
        end = start + clock.seconds(row["length"])
    identity = row.get("id", "")
    region = identity[:1].upper() == "R" or (end is not None and end > start and identity[:1].upper() != "M")
    if region and end is None:
        raise ValueError("a region without an end")
    color = row.get("color") or None
    if color and re.fullmatch(r"[0-9A-Fa-f]{6}", color):
        color = f"#{color.lower()}"
    return Marker("region" if region else "marker", row.get("name", ""), start, end if region else None, color)
