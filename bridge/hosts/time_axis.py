"""A project drawn as text: what was read, along one time axis."""

from __future__ import annotations

import math
import shutil

from bridge.hosts.curves import evaluate
from bridge.hosts.model import GAIN_CONTROLS, Lane, Marker, Project, one_line

#: Levels of a lane in one line of text, silence first.
_BARS = " ▁▂▃▄▅▆▇█"
#: The range that the bars show, dB.
_SHOWN_DB = (-60.0, 6.0)
_LABEL = 28


def clock(time_s: float) -> str:
    """A time for people: 1:02:03.456."""
    total_ms = abs(round(time_s * 1000))
    sign = "-" if time_s < 0 and total_ms else ""
    minutes, ms = divmod(total_ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{minutes}:{ms // 1000:02d}.{ms % 1000:03d}"
    return f"{sign}{hours}:{minutes:02d}:{text.partition(':')[2]}" if hours else f"{sign}{text}"


def drawing(project: Project, width: int | None = None) -> str:
    """What was read, as lines of text at most `width` columns wide (default: the terminal's)."""
    width = max(width or shutil.get_terminal_size((100, 24)).columns, _LABEL + 20)
    columns = width - _LABEL - 3
    start, end = _extent(project)
    lines = [_headline(project)]
    if end > start:
        lines.append(f"{'':{_LABEL}} {clock(start)}{clock(end):>{columns - len(clock(start))}}")
    lines += [_marker_line(marker, start, end, columns) for marker in project.markers]
    for track in project.tracks:
        lines.append(f"{_fit(track.name or '(no name)', _LABEL)} {len(track.lanes) or 'no'} lane(s)")
        lines += [_lane_line(lane, start, end, columns) for lane in track.lanes]
    lines += [f"video {item.path} at {clock(item.time_s)}" for item in project.video]
    lines += [f"warning: {warning}" for warning in project.warnings]
    return "\n".join(one_line(part).rstrip() for line in lines for part in line.split("\n"))


def _headline(project: Project) -> str:
    from bridge.hosts.formats import FORMATS

    parts = [f"{FORMATS[project.format].title} {project.version}".strip()]
    if project.sample_rate:
        parts.append(f"{project.sample_rate} Hz")
    if project.frame_rate:
        parts.append(f"{project.frame_rate} fps")
    if project.start_s:
        parts.append(f"starts at {clock(project.start_s)}")
    if project.tempo:
        parts.append(
            f"{project.tempo[0].bpm:g} BPM" + (f" and {len(project.tempo) - 1} change(s)" if project.tempo[1:] else "")
        )
    return f"{project.path.name}: " + " · ".join(parts)


def _extent(project: Project) -> tuple[float, float]:
    times = [0.0]
    for marker in project.markers:
        times += [marker.time_s, marker.end_s if marker.end_s is not None else marker.time_s]
    for track in project.tracks:
        for lane in track.lanes:
            times += [lane.points[0].time_s, lane.points[-1].time_s]
    return min(times), max(times)


def _column(time_s: float, start: float, end: float, columns: int) -> int:
    return min(max(int((time_s - start) / (end - start) * columns), 0), columns - 1) if end > start else 0


def _marker_line(marker: Marker, start: float, end: float, columns: int) -> str:
    label = f"{marker.kind} {marker.name!r}" + (" (section)" if marker.section else "")
    first = _column(marker.time_s, start, end, columns)
    if marker.end_s is None:
        return f"{_fit(label, _LABEL)}|{' ' * first}▼ {clock(marker.time_s)}"
    last = _column(marker.end_s, start, end, columns)
    bar = "▐" + "━" * max(last - first - 1, 0) + "▌"
    return f"{_fit(label, _LABEL)}|{' ' * first}{bar} {clock(marker.time_s)} – {clock(marker.end_s)}"


def _lane_line(lane: Lane, start: float, end: float, columns: int) -> str:
    about = f"  {lane.controls}{'' if lane.active else ' (off)'} {lane.name}"
    first, last = lane.points[0].time_s, lane.points[-1].time_s
    low, high = min(p.value for p in lane.points), max(p.value for p in lane.points)
    shown = []
    for column in range(columns):
        time_s = start + (end - start) * (column + 0.5) / columns
        inside = _column(first, start, end, columns) <= column <= _column(last, start, end, columns)
        shown.append(_bar(lane, evaluate(lane, time_s), low, high) if inside else " ")
    count = sum(not point.added for point in lane.points)
    span = f"{count} points, {clock(first)} – {clock(last)}, {_value(lane, low)} to {_value(lane, high)}"
    return f"{_fit(about, _LABEL)}|{''.join(shown)}|\n{'':{_LABEL}} {span}"


def _bar(lane: Lane, value: float, low: float, high: float) -> str:
    if lane.controls in GAIN_CONTROLS or lane.guide:
        db = value if lane.guide else 20.0 * math.log10(value) if value > 0.0 else -math.inf
        low, high = _SHOWN_DB
        value = max(db, low)
    place = (value - low) / (high - low) if high > low else 0.5
    return _BARS[min(max(round(place * (len(_BARS) - 1)), 0), len(_BARS) - 1)]


def _value(lane: Lane, value: float) -> str:
    if lane.guide:
        return f"{value:.1f} dB"
    if lane.controls in GAIN_CONTROLS:
        return f"{20.0 * math.log10(value):.1f} dB" if value > 0.0 else "-∞ dB"
    return f"{value:.3g}"


def _fit(text: str, width: int) -> str:
    text = one_line(text)
    return f"{text:<{width}}" if len(text) <= width else text[: width - 1] + "…"
