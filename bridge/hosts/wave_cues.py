"""Wave files with cue points: markers and regions as REAPER, recorders and editors write them."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from bridge.hosts.model import Marker, Project, ProjectError
from bridge.hosts.numbers import seconds, whole
from bridge.hosts.text_file import decode_text
from bridge.ixml import parse_ixml
from bridge.riff import BEXT, CUE_POINT, DS64, SIZE_IN_DS64
from bridge.timecode import FrameRate, TimecodeError

#: A chunk of markers larger than this is damage, bytes; the audio itself is never read.
MAX_CHUNK = 16 * 2**20
MAX_CUES = 100_000
_TIME_REFERENCE = struct.Struct("<Q")
#: Offset of TimeReference in a `bext` chunk: behind description, originator, reference, date and time.
_TIME_REFERENCE_AT = 256 + 32 + 32 + 10 + 8
#: A loop in a `smpl` chunk: cue id, kind, first and last sample, fraction, how often; where their count and they stand.
_LOOP = struct.Struct("<6I")
_LOOP_COUNT_AT, _LOOPS_AT = 28, 36


def read_wave(data: bytes, path: Path) -> Project:
    """The markers of the wave file at `path`, which is walked, not read into `data`. Raises `ProjectError`."""
    warnings: list[str] = []
    chunks: dict[bytes, bytes] = {}
    lists: list[bytes] = []
    with path.open("rb") as file:
        for name, size in _walk(file, warnings):
            if name.lower() == b"list":  # some recorders write it in lower case
                lists.append(file.read(size) if size <= MAX_CHUNK else b"")
            elif name in (b"fmt ", b"bext", b"cue ", b"smpl", b"iXML") and name not in chunks:
                if size > MAX_CHUNK:
                    raise ProjectError(f"{path.name}: a damaged wave file (a {size}-byte {name!r} chunk)")
                chunks[name] = file.read(size)
    head = chunks.get(b"fmt ", b"")
    rate = struct.unpack_from("<I", head, 4)[0] if len(head) >= 8 else 0
    if not 1 <= rate <= 10_000_000:
        raise ProjectError(f"{path.name}: a damaged wave file (no sample rate); save it again")
    bext = chunks.get(b"bext", b"")
    if bext and len(bext) < BEXT.size:
        warnings.append("the bext chunk is shorter than it should be")
    ixml = parse_ixml(chunks.get(b"iXML", b""))
    start = _samples_since_midnight(bext, ixml)
    try:
        start_s = seconds(start / rate)
    except (ValueError, OverflowError) as error:
        warnings.append(f"the time of day in the file is damaged, 0 is assumed ({error})")
        start_s = 0.0
    return Project(
        format="wav",
        version="Broadcast Wave" if bext else "wave",
        path=path,
        sample_rate=rate,
        frame_rate=_frame_rate(ixml),
        start_s=start_s,
        markers=tuple(_markers(chunks, lists, rate, warnings)),
        warnings=tuple(warnings),
    )


def _samples_since_midnight(bext: bytes, ixml: dict[str, str]) -> int:
    """Where the recording begins: `bext` says it, and in files without one the recorder's iXML."""
    if len(bext) >= _TIME_REFERENCE_AT + _TIME_REFERENCE.size:
        return int(_TIME_REFERENCE.unpack_from(bext, _TIME_REFERENCE_AT)[0])
    high, low = (whole(ixml.get(f"SPEED/TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_{part}"), 0) for part in ("HI", "LO"))
    return (high << 32) + low


def _frame_rate(ixml: dict[str, str]) -> FrameRate | None:
    drop = ixml.get("SPEED/TIMECODE_FLAG", "").strip().upper() == "DF"
    try:
        return FrameRate.parse(ixml.get("SPEED/TIMECODE_RATE", "") + ("DF" if drop else ""))
    except (TimecodeError, OverflowError):
        return None


def _walk(file: BinaryIO, warnings: list[str]) -> Iterator[tuple[bytes, int]]:
    """Name and size of each chunk, the file placed at its body; a cut file is walked as far as it goes."""
    end = file.seek(0, os.SEEK_END)
    file.seek(12)
    at = 12
    data_size: int | None = None
    while at + 8 <= end:
        file.seek(at)
        name, size = struct.unpack("<4sI", file.read(8))
        if name == b"ds64" and size >= DS64.size:
            data_size = DS64.unpack(file.read(DS64.size))[1]
        elif name == b"data" and size == SIZE_IN_DS64 and data_size is not None:
            size = data_size
        if at + 8 + size > end:
            warnings.append(f"the file is cut in its {name.decode('latin-1')!r} chunk: read as far as it goes")
            size = end - at - 8
        file.seek(at + 8 + size)
        padding = _padding(size, file.read(1))
        file.seek(at + 8)
        yield name, size
        at += 8 + size + padding


def _padding(size: int, following: bytes) -> int:
    """Bytes between a chunk and the next: one zero after an odd size, which some writers forget."""
    return 0 if following.isalnum() or following == b"_" else size % 2


def _markers(chunks: dict[bytes, bytes], lists: list[bytes], rate: int, warnings: list[str]) -> list[Marker]:
    cue = chunks.get(b"cue ", b"")
    if len(cue) < 4:
        return []
    (count,) = struct.unpack_from("<I", cue)
    held = (len(cue) - 4) // CUE_POINT.size
    if count > held:
        warnings.append(f"the cue chunk announces {count} markers and holds {held}")
    labels: dict[int, str] = {}
    lengths: dict[int, int] = {}
    for body in lists:
        if body[:4].lower() == b"adtl":
            _read_adtl(body, labels, lengths)
    loops = _loops(chunks.get(b"smpl", b""))
    markers = []
    for index in range(min(count, held, MAX_CUES)):
        identity, position, _, _, _, offset = CUE_POINT.unpack_from(cue, 4 + index * CUE_POINT.size)
        # The sample offset counts in the data chunk; some programs fill in only the play position.
        sample = offset or position
        length = lengths.get(identity, 0) or loops.get((identity, sample), sample) - sample
        end_s = (sample + length) / rate if length > 0 else None
        kind = "marker" if end_s is None else "region"
        markers.append(Marker(kind, labels.get(identity, ""), sample / rate, end_s))
    return markers


def _loops(smpl: bytes) -> dict[tuple[int, int], int]:
    """Cue and first sample of each loop -> its end: so REAPER writes a region, and samplers what they repeat."""
    count = struct.unpack_from("<I", smpl, _LOOP_COUNT_AT)[0] if len(smpl) >= _LOOPS_AT else 0
    held = min(count, MAX_CUES, (len(smpl) - _LOOPS_AT) // _LOOP.size) if count else 0
    loops = _LOOP.iter_unpack(smpl[_LOOPS_AT : _LOOPS_AT + held * _LOOP.size])
    return {(identity, start): end for identity, _, start, end, _, _ in loops}


def _read_adtl(body: bytes, labels: dict[int, str], lengths: dict[int, int]) -> None:
    """`labl` names a cue, `ltxt` gives it a length, `note` names it where nothing else does."""
    notes: dict[int, str] = {}
    at = 4
    while at + 12 <= len(body):
        name, size, identity = struct.unpack_from("<4sII", body, at)
        text = body[at + 12 : at + 8 + size]
        if name == b"labl":
            labels[identity] = _text(text)
        elif name == b"note":
            notes[identity] = _text(text)
        elif name == b"ltxt" and len(text) >= 4:
            lengths[identity] = struct.unpack_from("<I", text)[0]
            if len(text) > 16:
                notes.setdefault(identity, _text(text[16:]))
        at += 8 + size + _padding(size, body[at + 8 + size : at + 9 + size])
    for identity, words in notes.items():
        if not labels.get(identity):
            labels[identity] = words


def _text(raw: bytes) -> str:
    return decode_text(raw.split(b"\0")[0])
