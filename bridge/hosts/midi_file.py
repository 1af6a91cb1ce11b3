"""Standard MIDI Files: volume and expression controllers as lanes, markers and the tempo map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from bridge.hosts.model import MAX_FILE_POINTS, Lane, LanePoint, Marker, Project, ProjectError, Track
from bridge.hosts.tempo import TempoEvent, TempoMap
from bridge.hosts.text_file import decode_text
from bridge.timecode import FRAME_RATES, FrameRate, Timecode, TimecodeError

#: Controller -> what its lane controls; the controller 32 above holds the lower seven bits of a 14-bit lane.
LANES = {7: "cc7", 11: "cc11"}
LOW_BITS = 32
META_TRACK_NAME, META_MARKER, META_CUE_POINT, META_END, META_TEMPO, META_OFFSET = 0x03, 0x06, 0x07, 0x2F, 0x51, 0x54
META_PORT = 0x21
#: Frames per second as a header's division says them; 29 stands for 29.97 drop: 30 labelled, 30000/1001 played.
DIVISIONS = {24: "24", 25: "25", 29: "29.97DF", 30: "30"}
#: Bits 5 and 6 of the hours of an SMPTE offset -> its frame rate.
OFFSET_RATES = ("24", "25", "29.97DF", "30")
#: MIDI runs at 120 BPM until a tempo says otherwise.
DEFAULT_BPM = 120.0
#: Microseconds per beat below which a tempo is damage (100 000 BPM).
FASTEST_TEMPO = 600
#: Data bytes after a channel message's status, by its upper half.
_DATA_BYTES = {0x8: 2, 0x9: 2, 0xA: 2, 0xB: 2, 0xC: 1, 0xD: 1, 0xE: 2}
#: Data bytes of system messages that have no place in a file but are seen in some.
_SYSTEM_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}


class _Damaged(ValueError):
    """The track ends or goes wrong here; what came before is good."""


@dataclass
class _Track:
    """What one MTrk chunk holds, at ticks."""

    name: str = ""
    #: Where its messages go from here on; each port has channels of its own.
    port: int = 0
    #: (port, channel from 1, controller) -> (tick, value) in order.
    controls: dict[tuple[int, int, int], list[tuple[int, int]]] = field(default_factory=dict)
    #: (tick, name)
    markers: list[tuple[int, str]] = field(default_factory=list)
    #: (tick, BPM)
    tempos: list[tuple[int, float]] = field(default_factory=list)
    #: Timecode at its start, seconds from midnight, and the rate that counts it.
    offset: tuple[float, FrameRate] | None = None
    ticks: int = 0


def read_midi(data: bytes, path: Path) -> Project:
    """The file in `data`; raises `ProjectError`."""
    warnings: list[str] = []
    start = data.find(b"MThd")
    if start < 0 or len(data) < start + 14:
        raise ProjectError(f"{path.name}: no Standard MIDI File (the header is missing or cut); export it again")
    head_size = int.from_bytes(data[start + 4 : start + 8])
    kind = int.from_bytes(data[start + 8 : start + 10])
    division = int.from_bytes(data[start + 12 : start + 14])
    frames = 256 - (division >> 8)
    if division == 0 or (division & 0x8000 and (division & 0xFF == 0 or frames not in DIVISIONS)):
        raise ProjectError(f"{path.name}: the MIDI header has no usable time division; export it again")
    tracks = list(_tracks(data, _following(data, start, head_size), warnings, path))
    if kind == 2:
        warnings.append("a file of type 2: its patterns are read one after the other")
        _chain(tracks)
    try:
        return _project(path, kind, division, frames, tracks, warnings)
    except ValueError as error:
        raise ProjectError(f"{path.name}: damaged MIDI ({error}); export it again") from None


def _project(path: Path, kind: int, division: int, frames: int, tracks: list[_Track], warnings: list[str]) -> Project:
    offset = next((track.offset for track in tracks if track.offset is not None), None)
    rate = offset[1] if offset is not None else None
    if division & 0x8000:
        rate = FRAME_RATES[DIVISIONS[frames]]
        clock = _Clock(float(rate.fps) * (division & 0xFF), None)
    else:
        events = [TempoEvent(tick / division, bpm) for track in tracks for tick, bpm in track.tempos]
        clock = _Clock(float(division), TempoMap([TempoEvent(0.0, DEFAULT_BPM), *events]))
    # Those at one tick keep the file's order.
    markers = sorted((marker for track in tracks for marker in track.markers), key=lambda marker: marker[0])
    return Project(
        format="midi",
        version=f"type {kind}",
        path=path,
        frame_rate=rate,
        start_s=offset[0] if offset is not None else 0.0,
        tracks=tuple(one for index, track in enumerate(tracks) for one in _lanes(track, index, clock)),
        markers=tuple(Marker("marker", name, clock.seconds(tick)) for tick, name in markers),
        tempo=clock.tempo.points() if clock.tempo is not None else (),
        warnings=tuple(warnings),
    )


@dataclass(frozen=True)
class _Clock:
    #: Ticks per beat, or per second where there is no tempo.
    per_unit: float
    tempo: TempoMap | None

    def seconds(self, tick: int) -> float:
        time = tick / self.per_unit
        return time if self.tempo is None else self.tempo.seconds(time)


def _chain(tracks: list[_Track]) -> None:
    """Put the patterns of a type 2 file behind each other."""
    shift = 0
    for track in tracks:
        track.controls = {key: [(t + shift, v) for t, v in events] for key, events in track.controls.items()}
        track.markers = [(tick + shift, name) for tick, name in track.markers]
        track.tempos = [(tick + shift, bpm) for tick, bpm in track.tempos]
        shift += track.ticks


def _tracks(data: bytes, at: int, warnings: list[str], path: Path) -> Iterator[_Track]:
    left = MAX_FILE_POINTS
    number = 0
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8])
        following = _following(data, at, size)
        body = data[at + 8 : following]
        at = following
        if name != b"MTrk":
            continue
        number += 1
        track = _Track()
        if len(body) != size:
            about = f"{len(body)} bytes instead of {size}"
            warnings.append(f"MIDI track {number} is damaged ({about}): read as far as it goes")
        try:
            _read_track(body, track)
        except _Damaged as error:
            warnings.append(f"MIDI track {number} is damaged ({error}): read as far as it goes")
        left -= sum(len(events) for events in track.controls.values())
        if left < 0:
            raise ProjectError(f"{path.name}: more than {MAX_FILE_POINTS} points; thin the automation first")
        yield track
    if number == 0:
        warnings.append("the file holds no MIDI tracks")


def _following(data: bytes, at: int, size: int) -> int:
    """Where the chunk behind the one at `at` begins: where its length is wrong, at the next track."""
    end = at + 8 + size
    if len(data) - 8 < end <= len(data) or data[end : end + 4].isalnum():
        return end
    track = data.find(b"MTrk", at + 8)
    return track if track >= 0 else len(data)


def _read_track(body: bytes, track: _Track) -> None:
    at = 0
    running = 0
    while at < len(body):
        delta, at = _length(body, at)
        track.ticks += delta
        if at >= len(body):
            raise _Damaged(f"it ends at byte {at}")
        status = running
        if body[at] & 0x80:
            status = body[at]
            at += 1
        if status == 0:
            raise _Damaged(f"data without a message at byte {at}")
        if status == 0xFF:
            if at >= len(body):
                raise _Damaged(f"it ends at byte {at}")
            kind = body[at]
            size, at = _length(body, at + 1)
            if at + size > len(body):
                raise _Damaged(f"it ends at byte {at}")
            if kind == META_END:
                return
            _read_meta(kind, body[at : at + size], track)
        elif status in (0xF0, 0xF7):
            size, at = _length(body, at)
        elif status > 0xF0:
            size = _SYSTEM_BYTES.get(status, 0)
        else:
            # By the letter anything but a channel message ends running status; programs write and read it otherwise.
            running = status
            size = _DATA_BYTES[status >> 4]
            message = body[at : at + size]
            if len(message) < size:
                raise _Damaged(f"it ends at byte {at}")
            if status >> 4 == 0xB and message[0] < 0x80 and message[1] < 0x80:
                controller, value = message
                if controller in LANES or controller - LOW_BITS in LANES:
                    track.controls.setdefault((track.port, (status & 0xF) + 1, controller), []).append(
                        (track.ticks, value)
                    )
        at += size


def _length(body: bytes, at: int) -> tuple[int, int]:
    """A variable-length quantity and the place after it."""
    value = 0
    for _ in range(4):
        if at >= len(body):
            raise _Damaged(f"it ends at byte {at}")
        value = value << 7 | body[at] & 0x7F
        at += 1
        if not body[at - 1] & 0x80:
            return value, at
    raise _Damaged(f"an endless number at byte {at}")


def _read_meta(kind: int, body: bytes, track: _Track) -> None:
    if kind == META_TEMPO and len(body) == 3 and int.from_bytes(body) >= FASTEST_TEMPO:
        track.tempos.append((track.ticks, 60e6 / int.from_bytes(body)))
    elif kind in (META_MARKER, META_CUE_POINT):
        track.markers.append((track.ticks, decode_text(body).strip("\0")))
    elif kind == META_TRACK_NAME and not track.name:
        track.name = decode_text(body).strip("\0")
    elif kind == META_PORT and len(body) == 1:
        track.port = body[0]
    elif kind == META_OFFSET and len(body) == 5 and track.offset is None:
        track.offset = _offset(*body)


def _offset(hours: int, minutes: int, seconds: int, frames: int, hundredths: int) -> tuple[float, FrameRate] | None:
    rate = FRAME_RATES[OFFSET_RATES[hours >> 5 & 3]]
    try:
        label = Timecode.from_label(hours & 0x1F, minutes, seconds, frames, rate)
    except TimecodeError:
        return None
    return float(label.seconds + Fraction(hundredths, 100) / rate.fps), rate


def _lanes(track: _Track, index: int, clock: _Clock) -> Iterator[Track]:
    """One track per channel that has lanes; one without lanes where there are none, so that its name is known."""
    channels = sorted({(port, channel) for port, channel, controller in track.controls if controller in LANES})
    name = track.name or f"track{index}"
    for port, channel in channels:
        lanes = [
            Lane(
                kind,
                tuple(_points(track, port, channel, controller, clock)),
                True,
                "midi_cc",
                f"channel {channel} CC{controller}",
            )
            for controller, kind in LANES.items()
            if (port, channel, controller) in track.controls
        ]
        yield Track(name if len(channels) == 1 else f"{name} ch{channel}", tuple(lanes))
    if not channels and track.name:
        yield Track(track.name)


def _points(track: _Track, port: int, channel: int, controller: int, clock: _Clock) -> Iterator[LanePoint]:
    """The lane as v/127, in steps as MIDI plays it; with its lower bits the 14-bit value as the same fraction."""
    high = track.controls[port, channel, controller]
    # Lower bits before any upper ones belong to a value that is not known here.
    low = [event for event in track.controls.get((port, channel, controller + LOW_BITS), []) if event[0] >= high[0][0]]
    if not any(value for _, value in low):  # a reset to 0 makes no 14-bit lane
        for tick, value in high:
            yield LanePoint(clock.seconds(tick), value / 127.0, "hold")
        return
    # A new upper byte resets the lower one (MIDI 1.0), and a pair at one tick is one value.
    both = [(tick, 0, value) for tick, value in high] + [(tick, 1, value) for tick, value in low]
    events = sorted(both, key=lambda event: event[:2])
    values: dict[int, int] = {}
    upper = lower = 0
    for tick, is_low, value in events:
        upper, lower = (upper, value) if is_low else (value, 0)
        values[tick] = upper << 7 | lower
    for tick, joined in values.items():
        yield LanePoint(clock.seconds(tick), joined / 16383.0, "hold")
