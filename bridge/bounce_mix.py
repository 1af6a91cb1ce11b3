"""The mix of a track's takes: one file from the first one's start to the last one's end, in its place."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from bridge.broadcast_wave import BroadcastWaveWriter
from bridge.errors import UserError
from bridge.render import refused, write_new
from bridge.take_names import file_name

#: Samples mixed at once; memory does not grow with the film.
BLOCK = 1 << 18


@dataclass(frozen=True)
class MixedTake:
    """A take and its place, in samples at its rate from timecode midnight."""

    path: Path
    start_samples: int
    rate: int
    samples: int
    channels: int


@dataclass(frozen=True)
class Mix:
    """The mix of a track on disk."""

    track: str
    path: Path
    start_samples: int
    rate: int
    samples: int
    #: How far the sum went beyond full scale and was cut off, dB; 0 where it did not.
    clipped_db: float


def mix_track(folder: Path, track: str, takes: Sequence[MixedTake]) -> Mix:
    """Write `TRACK_mix01.wav` into `folder`, numbered on where another mix is there; one of the same takes is kept.

    Raises `UserError` for a disk that refuses or a take that cannot be read.
    """
    rate = takes[0].rate
    start = min(take.start_samples for take in takes)
    end = max(take.start_samples + take.samples for take in takes)
    made_of = [{"file": take.path.name, "start_samples": take.start_samples} for take in takes]
    number = 1
    name = file_name(track)
    while (path := folder / f"{name}_mix{number:02d}.wav").exists():
        found = _same(path, made_of)
        if found is not None:
            return Mix(track, path, start, rate, end - start, found)
        number += 1
    channels = max(take.channels for take in takes)
    try:
        clipped_db = _write(path, track, takes, start, end, channels)
        sidecar = {"version": 1, "file": path.name, "track": track, "takes": made_of, "clipped_db": clipped_db}
        write_new(path.with_suffix(".json"), json.dumps(sidecar, ensure_ascii=False, indent=1).encode())
    except OSError as error:
        raise refused(folder, error) from error
    return Mix(track, path, start, rate, end - start, clipped_db)


def _same(path: Path, made_of: list[dict[str, object]]) -> float | None:
    """How far an existing mix clips, if it is made of the same takes; else None."""
    try:
        obj = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        return float(obj["clipped_db"]) if obj["takes"] == made_of else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(path: Path, track: str, takes: Sequence[MixedTake], start: int, end: int, channels: int) -> float:
    peak = 0.0
    with BroadcastWaveWriter(
        path, rate=takes[0].rate, channels=channels, time_reference=start, description=f"mix of {track}", scene=track
    ) as writer:
        for first in range(start, end, BLOCK):
            last = min(first + BLOCK, end)
            block = np.zeros((last - first, channels), np.float64)
            for take in takes:
                begin, stop = max(first, take.start_samples), min(last, take.start_samples + take.samples)
                if begin < stop:
                    # A mono take is heard from both sides of a stereo mix.
                    block[begin - first : stop - first] += _read(take, begin - take.start_samples, stop - begin)
            peak = max(peak, float(np.max(np.abs(block))))
            writer.write(block.astype(np.float32))
        writer.close()
    return max(20.0 * math.log10(peak), 0.0) if peak > 0.0 else 0.0


def _read(take: MixedTake, at: int, count: int) -> np.ndarray:
    try:
        with soundfile.SoundFile(take.path) as file:
            file.seek(at)
            samples = np.asarray(file.read(count, dtype="float64", always_2d=True))
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise UserError(f"{take.path}: cannot be read ({error}); remove it and bounce again") from None
    if len(samples) < count:
        raise UserError(f"{take.path}: shorter than when it was rendered; remove it and bounce again")
    return samples
