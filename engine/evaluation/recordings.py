"""The real sounds that the evaluation measures against: the held-out recordings, and a matched set of others."""

import csv
import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from engine.errors import MissingModel
from engine.spectral import FRAME, SAMPLE_RATE
from engine.training.classes import CLASSES, group_of, held_out_files, sound_class

PEAK = 0.9
LONGEST_S = 5.0
"""No recording counts for more than this much of it, so that one long texture does not rule a figure."""


@dataclass(frozen=True)
class Recording:
    """A real sound, peak-normalised, mono, at 48 kHz, cut to whole latents of 20 ms."""

    file: str
    group: str
    name: str | None
    """Its class; None where it fits none."""
    audio: np.ndarray
    """(L,) float32, L a multiple of 960."""


def data_folder() -> Path:
    """Folder of the recordings: ``audio`` in DRAWAUDIO_DATA, or in ``shared`` beside the checkout.

    Raises MissingModel with one line where there is no index.
    """
    beside = Path(__file__).resolve().parents[3] / "shared"
    folder = Path(os.environ.get("DRAWAUDIO_DATA", beside)) / "audio"
    if not (folder / "index.csv").exists():
        raise MissingModel(
            f"{folder / 'index.csv'}: the recordings to measure against are not there; "
            "set DRAWAUDIO_DATA to the folder that holds audio/index.csv"
        )
    return folder


def read(path: Path) -> np.ndarray:
    """Mono samples (L,) of a file at 48 kHz: peak 0.9, at most 5 s, zero-padded to a multiple of 960."""
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = soxr.resample(audio.mean(1), rate, SAMPLE_RATE)
    mono = mono[: round(LONGEST_S * SAMPLE_RATE)]
    mono = np.pad(mono, (0, -len(mono) % (2 * FRAME)))
    loud = mono * (PEAK / max(np.abs(mono).max(initial=0), 1e-6))
    # In 16 bits, as in training: what a lossy file's decoder leaves below them is no sound, but has log-mels.
    return np.round(loud * 32767).astype(np.float32) / 32768


def _index(folder: Path) -> Iterable[tuple[str, str | None]]:
    with (folder / "index.csv").open(newline="", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            yield row["file"], sound_class(row["label"], row["category"], row["file"])


def shuffled(files: Iterable[str]) -> list[str]:
    """The files in an order that has nothing to do with their names and never changes."""
    return sorted(files, key=lambda file: hashlib.sha1(b"order:" + file.encode()).digest())


def _readable(folder: Path, files: Iterable[str], names: dict[str, str | None]) -> list[Recording]:
    found = []
    for file in files:
        audio = read(folder / file)
        if len(audio) >= 1200 and np.abs(audio).max() > 0.5:  # what was skipped in training too: empty files
            found.append(Recording(file, group_of(file), names[file], audio))
    return found


def held_out(folder: Path, per_class: int | None = None) -> list[Recording]:
    """The held-out recordings, at most ``per_class`` of each class."""
    names = dict(_index(folder))
    files = [file for file in shuffled(names) if file in held_out_files()]
    if per_class is not None:
        seen: dict[str | None, int] = defaultdict(int)
        chosen = []
        for file in files:
            seen[names[file]] += 1
            if seen[names[file]] <= per_class:
                chosen.append(file)
        files = chosen
    return _readable(folder, files, names)


def matched_training(folder: Path, per_class: int) -> list[Recording]:
    """``per_class`` training recordings of every class, of different groups as far as there are any."""
    names = dict(_index(folder))
    by_class: dict[str, list[str]] = {name: [] for name in CLASSES}
    spare: dict[str, list[str]] = {name: [] for name in CLASSES}
    groups: set[str] = set()
    for file in shuffled(set(names) - held_out_files()):
        name = names[file]
        if name is None:
            continue
        fresh = group_of(file) not in groups
        groups.add(group_of(file))
        (by_class if fresh else spare)[name].append(file)
    return [
        recording
        for name in CLASSES
        for recording in _readable(folder, (by_class[name] + spare[name])[:per_class], names)
    ]
