"""Takes on disk: 24-bit Broadcast Wave files that say where they belong.

``bext`` version 2 (TimeReference, loudness, coding history), iXML, cue markers with labels; RF64 beyond 4 GiB.
A file is written under ``NAME.partial`` and named when it is whole. Nothing is ever overwritten.
"""

from __future__ import annotations

import struct
import unicodedata
import uuid
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np

from bridge import riff, whole_file
from bridge.ixml import build_ixml
from bridge.timecode import FrameRate
from bridge.wave_loudness import Loudness, LoudnessMeter
from bridge.wave_reader import BroadcastWave, BroadcastWaveError, read_broadcast_wave

__all__ = [
    "BroadcastWave",
    "BroadcastWaveError",
    "BroadcastWaveWriter",
    "read_broadcast_wave",
    "write_broadcast_wave",
]

#: The largest RIFF size a 32-bit reader can follow; above it the file becomes RF64.
RF64_THRESHOLD = 0xFFFFFFFF

FULL_SCALE = 2**23
#: Samples converted at a time, so a long block costs little more memory than it has already.
_SLAB = 1 << 20


class BroadcastWaveWriter:
    """Streams a take into ``path``.

    ``rate`` in Hz; ``channels`` 1 or 2; ``time_reference`` in samples since midnight; ``timecode_rate`` as
    ``FrameRate.parse`` reads it; ``cues`` are ``(sample from the file's start, label)``. Use as a context manager: an
    exception inside, or ``abort()``, leaves nothing behind.

    Raises ``ValueError`` for arguments that cannot be, ``FileExistsError`` if ``path`` exists,
    ``BroadcastWaveError`` when the disk refuses.
    """

    def __init__(
        self,
        path: Path,
        *,
        rate: int,
        channels: int,
        time_reference: int,
        description: str = "",
        originator: str = "Draw an Audio",
        note: str = "",
        take: int = 1,
        timecode_rate: str = "",
        scene: str = "",
        coding_history: str = "",
        cues: Sequence[tuple[int, str]] = (),
    ) -> None:
        if channels not in (1, 2):
            raise ValueError(f"channels {channels}: a take is mono (1) or stereo (2)")
        if not 1 <= rate < 2**32 // (3 * channels):
            raise ValueError(f"rate {rate}: give the sample rate in Hz")
        if not 0 <= time_reference < 2**64:
            raise ValueError(f"time_reference {time_reference}: the take would start before timecode midnight")
        self.path = Path(path)
        self.frames = 0
        #: What is known of a take only when it is whole may be set or changed until `close`.
        self.description, self.note, self.cues = description, note, tuple(cues)
        self._rate, self._channels = rate, channels
        self._time_reference, self._originator = time_reference, originator
        self._take, self._scene = take, scene
        self._frame_rate = FrameRate.parse(timecode_rate) if timecode_rate else None
        self._uid = uuid.uuid4().hex
        self._began = datetime.now()
        self._written = 0
        self._file: BinaryIO | None = None
        mode = "mono" if channels == 1 else "stereo"
        history = coding_history or f"A=PCM,F={rate},W=24,M={mode},T={originator}"
        self._history = _ascii(history, len(history)).rstrip(b"\r\n") + b"\r\n\0"
        self._history += b"\0" * (len(self._history) % 2)  # libsndfile loses its way after an odd bext in RF64
        fmt = struct.pack("<HHIIHH", riff.FORMAT_PCM, channels, rate, rate * channels * 3, channels * 3, 24)
        # JUNK keeps the place of ds64, which a file that outgrows 4 GiB needs in front of everything.
        before_data = riff.chunk(b"JUNK", bytes(riff.DS64.size)) + self._bext_chunk(Loudness())
        before_data += riff.chunk(b"fmt ", fmt)
        self._meter = LoudnessMeter(rate, channels)
        self._open()
        self._put(b"RIFF\0\0\0\0WAVE" + before_data + b"data\0\0\0\0")
        self._data_start = self._written

    def write(self, block: np.ndarray) -> None:
        """Append ``block`` (n, channels), or (n,) for mono: floats, full scale at ±1, clipped beyond.

        Raises ``ValueError`` for another shape or for NaN and infinity.
        """
        self._opened()
        block = np.asarray(block, dtype=np.float32)
        if block.ndim == 1 and self._channels == 1:
            block = block[:, None]
        if block.ndim != 2 or block.shape[1] != self._channels:
            raise ValueError(f"{self.path.name}: block of shape {block.shape}, needs (samples, {self._channels})")
        if not np.isfinite(block).all():
            raise ValueError(f"{self.path.name}: the audio holds NaN or infinity after sample {self.frames}")
        for start in range(0, len(block), _SLAB):
            slab = block[start : start + _SLAB]
            self._meter.feed(slab)
            self._put(_pcm24(slab))
            self.frames += len(slab)

    def close(self) -> Path:
        """Finish the file and give it its name; returns the path. Calling it again changes nothing."""
        if self._file is None:
            self._opened_once()
            return self.path
        try:
            self._finish()
        except FileExistsError as error:
            self.abort()
            raise _exists(self.path) from error
        except OSError as error:
            raise self._refused(error) from error
        return self.path

    def abort(self) -> None:
        """Leave nothing behind; harmless after ``close()``."""
        if self._file is not None:
            file, self._file = self._file, None
            whole_file.discard(file, self.path)
            self._aborted = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    _aborted = False

    def _open(self) -> None:
        if self.path.exists():
            raise _exists(self.path)
        try:
            self._file = whole_file.open_partial(self.path)
        except BlockingIOError as error:
            raise BroadcastWaveError(f"{self.path}: another program is writing it; wait or use another name") from error
        except OSError as error:
            raise self._refused(error) from error

    def _finish(self) -> None:
        file = self._opened()
        data_size = self._written - self._data_start
        # A mark outside the file would be refused by some hosts, and the whole file with it.
        cues = [(at, label) for at, label in self.cues if 0 <= at < min(self.frames, 2**32)]
        self._put(b"\0" * (data_size % 2) + riff.chunk(b"iXML", self._ixml()) + riff.cue_chunks(cues))
        riff_size = self._written - 8
        bext = self._bext_chunk(self._meter.result())
        if riff_size <= RF64_THRESHOLD:
            patches = {4: struct.pack("<I", riff_size), self._data_start - 4: struct.pack("<I", data_size)}
        else:
            huge = struct.pack("<I", riff.SIZE_IN_DS64)
            ds64 = riff.chunk(b"ds64", riff.DS64.pack(riff_size, data_size, self.frames, 0))
            patches = {0: b"RF64" + huge, 12: ds64, self._data_start - 4: huge}
        patches[12 + 8 + riff.DS64.size] = bext
        for at, patch in patches.items():
            file.seek(at)
            _write_all(file, patch)
        whole_file.publish(file, self.path)
        self._file = None

    def _bext_chunk(self, loudness: Loudness) -> bytes:
        levels = (
            loudness.integrated_lufs,
            loudness.range_lu,
            loudness.true_peak_dbtp,
            loudness.momentary_lufs,
            loudness.short_term_lufs,
        )
        fields = [riff.NOT_MEASURED if x is None else round(100 * min(max(x, -99.99), 99.99)) for x in levels]
        moment = (self._began.strftime("%Y-%m-%d").encode(), self._began.strftime("%H:%M:%S").encode())
        texts = (_ascii(self.description, 256), _ascii(self._originator, 32), self._uid.encode(), *moment)
        body = riff.BEXT.pack(*texts, self._time_reference, 2, b"", *fields, b"")
        return riff.chunk(b"bext", body + self._history)

    def _ixml(self) -> bytes:
        return build_ixml(
            rate=self._rate,
            channels=self._channels,
            time_reference=self._time_reference,
            take=self._take,
            scene=self._scene,
            note=self.note,
            frame_rate=self._frame_rate,
            originator=self._originator,
            file_uid=self._uid,
        )

    def _put(self, data: bytes) -> None:
        try:
            _write_all(self._opened(), data)
        except OSError as error:
            raise self._refused(error) from error
        self._written += len(data)

    def _refused(self, error: OSError) -> BroadcastWaveError:
        """Clean up after the disk said no, and say so in one line."""
        done = self._written / 1e6
        self.abort()
        return BroadcastWaveError(
            f"{self.path}: could not write the take ({error.strerror or error}, after {done:.1f} MB); "
            f"no half file was left behind; make room in {self.path.parent} or choose another folder"
        )

    def _opened(self) -> BinaryIO:
        if self._file is None:
            raise ValueError(f"{self.path.name}: this take is already {'aborted' if self._aborted else 'closed'}")
        return self._file

    def _opened_once(self) -> None:
        if self._aborted:
            raise ValueError(f"{self.path.name}: this take was aborted")


def write_broadcast_wave(
    path: Path,
    audio: np.ndarray,
    *,
    rate: int,
    time_reference: int,
    description: str = "",
    originator: str = "Draw an Audio",
    note: str = "",
    take: int = 1,
    timecode_rate: str = "",
    scene: str = "",
    coding_history: str = "",
    cues: Sequence[tuple[int, str]] = (),
) -> Path:
    """Write ``audio`` (samples,) or (samples, channels) in one go; arguments and errors as the writer's."""
    audio = np.asarray(audio)
    with BroadcastWaveWriter(
        path,
        rate=rate,
        channels=1 if audio.ndim == 1 else audio.shape[1],
        time_reference=time_reference,
        description=description,
        originator=originator,
        note=note,
        take=take,
        timecode_rate=timecode_rate,
        scene=scene,
        coding_history=coding_history,
        cues=cues,
    ) as writer:
        writer.write(audio)
    return writer.path


def _pcm24(block: np.ndarray) -> bytes:
    """Float (n, channels) to little-endian 24-bit bytes: nearest step, clipped."""
    steps = np.clip(np.rint(block.astype(np.float64) * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
    return steps.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


def _write_all(file: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _ascii(text: str, size: int) -> bytes:
    """At most ``size`` ASCII bytes: accents fall off their letters, what has no letter becomes ``?``."""
    plain = "".join(x for x in unicodedata.normalize("NFKD", text) if not unicodedata.combining(x))
    return plain.replace("\0", " ").encode("ascii", "replace")[:size]


def _exists(path: Path) -> FileExistsError:
    return FileExistsError(f"{path}: exists already, and takes are never overwritten; use another name")
