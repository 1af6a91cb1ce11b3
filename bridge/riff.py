"""RIFF chunks as bytes: the ones a Broadcast Wave file is made of, and a walker that trusts nothing it reads."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

#: EBU Tech 3285 v2: description, originator, reference, date, time, TimeReference, version, UMID, five loudness
#: fields (1/100 LU or dB), reserved. The coding history follows.
BEXT = struct.Struct("<256s32s32s10s8sQH64s5h180s")
#: EBU Tech 3306: 64-bit sizes of the RIFF and data chunks, the sample count, and an empty table.
DS64 = struct.Struct("<QQQI")
#: Cue id, position, chunk, chunk start, block start, sample offset.
CUE_POINT = struct.Struct("<II4sIII")
#: What a 32-bit size field says when the real size is in ``ds64``.
SIZE_IN_DS64 = 0xFFFFFFFF
#: Sample formats in a ``fmt `` chunk.
FORMAT_PCM, FORMAT_FLOAT, FORMAT_EXTENSIBLE = 1, 3, 0xFFFE
#: A loudness field that was not measured (EBU Tech 3285 v2).
NOT_MEASURED = 0x7FFF


class RiffError(ValueError):
    """Bytes that are no well-formed RIFF; ``str()`` says what is wrong and where."""


@dataclass(frozen=True)
class Chunk:
    """One chunk: its four-letter name, where its body starts in the file, and the body's length in bytes."""

    name: bytes
    offset: int
    size: int


def chunk(name: bytes, body: bytes) -> bytes:
    """A whole chunk, padded to an even length as RIFF asks."""
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def cue_chunks(cues: Sequence[tuple[int, str]]) -> bytes:
    """``cue `` and ``LIST adtl`` chunks for ``(sample, label)`` pairs; no bytes for no cues."""
    if not cues:
        return b""
    points = b"".join(CUE_POINT.pack(i, at, b"data", 0, 0, at) for i, (at, _) in enumerate(cues, 1))
    labels = b"".join(
        chunk(b"labl", struct.pack("<I", i) + label.encode("utf-8", "replace") + b"\0")
        for i, (_, label) in enumerate(cues, 1)
    )
    return chunk(b"cue ", struct.pack("<I", len(cues)) + points) + chunk(b"LIST", b"adtl" + labels)


def parse_cues(cue_body: bytes, adtl_body: bytes) -> tuple[tuple[int, str], ...]:
    """``(sample, label)`` pairs from the bodies of a ``cue `` chunk and a ``LIST adtl`` chunk (either may be empty)."""
    if not cue_body:
        return ()
    if len(cue_body) < 4:
        raise RiffError("cue chunk: shorter than its own count")
    (count,) = struct.unpack_from("<I", cue_body)
    if 4 + count * CUE_POINT.size > len(cue_body):
        raise RiffError(f"cue chunk: announces {count} cues, holds {(len(cue_body) - 4) // CUE_POINT.size}")
    labels: dict[int, str] = {}
    at = 4
    while adtl_body[:4] == b"adtl" and at + 12 <= len(adtl_body):
        name, size, cue_id = struct.unpack_from("<4sII", adtl_body, at)
        if name == b"labl":
            labels[cue_id] = adtl_body[at + 12 : at + 8 + size].split(b"\0")[0].decode("utf-8", "replace")
        at += 8 + size + size % 2
    points = CUE_POINT.iter_unpack(cue_body[4 : 4 + count * CUE_POINT.size])
    return tuple((point[5], labels.get(point[0], "")) for point in points)


def walk(file: BinaryIO) -> Iterator[Chunk]:
    """The chunks of a RIFF, RF64 or BW64 wave file, in order.

    Raises ``RiffError`` for anything that is not such a file or is cut short; a size is never believed before it is
    held against the file's own.
    """
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(12)
    if len(head) < 12 or head[:4] not in (b"RIFF", b"RF64", b"BW64") or head[8:] != b"WAVE":
        raise RiffError("not a wave file (no RIFF, RF64 or BW64 header)")
    big_data_size: int | None = None
    at = 12
    while at + 8 <= end:
        file.seek(at)
        name, size = struct.unpack("<4sI", file.read(8))
        if size == SIZE_IN_DS64 and name == b"data" and big_data_size is not None:
            size = big_data_size
        if at + 8 + size > end:
            raise RiffError(f"chunk {name!r} at byte {at}: {size} bytes announced, {end - at - 8} in the file")
        if name == b"ds64" and head[:4] != b"RIFF":
            if size < DS64.size:
                raise RiffError(f"ds64 chunk: {size} bytes, needs {DS64.size}")
            big_data_size = DS64.unpack(file.read(DS64.size))[1]
        yield Chunk(name, at + 8, size)
        at += 8 + size + size % 2
