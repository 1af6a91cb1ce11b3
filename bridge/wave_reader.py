"""Reading wave files of any maker, with everything a Broadcast Wave says about itself."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from bridge import riff
from bridge.ixml import parse_ixml
from bridge.wave_loudness import Loudness


class BroadcastWaveError(OSError):
    """A take that cannot be written or read; ``str()`` is one line with file, reason and mend."""


@dataclass(frozen=True)
class BroadcastWave:
    """A wave file as read: ``audio`` (samples, channels) float32; text and loudness empty where nothing is said."""

    audio: np.ndarray
    rate: int
    time_reference: int
    description: str
    originator: str
    originator_reference: str
    date: str
    time: str
    coding_history: str
    loudness: Loudness
    cues: tuple[tuple[int, str], ...]
    ixml: dict[str, str]


def read_broadcast_wave(path: Path) -> BroadcastWave:
    """Read a PCM or float wave file of any maker, with what it says about itself.

    Raises ``FileNotFoundError``, or ``BroadcastWaveError`` for a file that is damaged or of another kind.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            return _read(file)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    except (riff.RiffError, OSError) as error:
        raise BroadcastWaveError(f"{path}: not readable as a wave file: {error}") from error


def _read(file: BinaryIO) -> BroadcastWave:
    bodies: dict[bytes, bytes] = {}
    wanted = {b"fmt ", b"bext", b"iXML", b"cue "}
    data: riff.Chunk | None = None
    for part in riff.walk(file):
        if part.name == b"data" and data is None:
            data = part
            continue
        if part.name not in wanted and part.name != b"LIST":
            continue
        file.seek(part.offset)
        body = file.read(part.size)
        if part.name == b"LIST" and body[:4] == b"adtl":
            bodies[b"adtl"] = body
        elif part.name != b"LIST":
            bodies.setdefault(part.name, body)
    if data is None or b"fmt " not in bodies:
        raise riff.RiffError(f"no {'data' if data is None else 'fmt'} chunk")
    rate, channels, width, decode = _sample_format(bodies[b"fmt "])
    file.seek(data.offset)
    raw = file.read(data.size - data.size % (width * channels))
    audio = decode(raw).reshape(-1, channels)
    cues = riff.parse_cues(bodies.get(b"cue ", b""), bodies.get(b"adtl", b""))
    bext = bodies.get(b"bext", b"")
    if bext and len(bext) < riff.BEXT.size:
        raise riff.RiffError(f"bext chunk: {len(bext)} bytes, needs {riff.BEXT.size}")
    fields = riff.BEXT.unpack_from(bext.ljust(riff.BEXT.size, b"\0"))
    levels = [None if x == riff.NOT_MEASURED or fields[6] < 2 else x / 100 for x in fields[8:13]]
    return BroadcastWave(
        audio=audio,
        rate=rate,
        time_reference=fields[5],
        description=_text(fields[0]),
        originator=_text(fields[1]),
        originator_reference=_text(fields[2]),
        date=_text(fields[3]),
        time=_text(fields[4]),
        coding_history=_text(bext[riff.BEXT.size :]),
        loudness=Loudness(*levels),
        cues=cues,
        ixml=parse_ixml(bodies.get(b"iXML", b"")),
    )


def _decode_pcm24(raw: bytes) -> np.ndarray:
    wide = np.zeros((len(raw) // 3, 4), np.uint8)
    wide[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
    return (wide.view("<i4")[:, 0] / np.float64(2**31)).astype(np.float32)


_DECODERS: dict[tuple[int, int], Callable[[bytes], np.ndarray]] = {
    (riff.FORMAT_PCM, 16): lambda raw: np.frombuffer(raw, "<i2").astype(np.float32) / 2**15,
    (riff.FORMAT_PCM, 24): _decode_pcm24,
    (riff.FORMAT_PCM, 32): lambda raw: (np.frombuffer(raw, "<i4") / 2**31).astype(np.float32),
    (riff.FORMAT_FLOAT, 32): lambda raw: np.frombuffer(raw, "<f4").astype(np.float32),
    (riff.FORMAT_FLOAT, 64): lambda raw: np.frombuffer(raw, "<f8").astype(np.float32),
}


def _sample_format(fmt: bytes) -> tuple[int, int, int, Callable[[bytes], np.ndarray]]:
    """Rate in Hz, channels, bytes per sample, decoder of raw bytes to float32."""
    if len(fmt) < 16:
        raise riff.RiffError(f"fmt chunk: {len(fmt)} bytes, needs 16")
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", fmt)
    if tag == riff.FORMAT_EXTENSIBLE and len(fmt) >= 26:
        (tag,) = struct.unpack_from("<H", fmt, 24)
    decode = _DECODERS.get((tag, bits))
    if decode is None or not channels or not rate:
        raise riff.RiffError(f"format {tag} with {bits} bits, {channels} channels at {rate} Hz: not PCM or float audio")
    return rate, channels, bits // 8, decode


def _text(field: bytes) -> str:
    return field.split(b"\0")[0].decode("utf-8", "replace")
