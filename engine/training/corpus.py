"""The recorded sounds: which there are, which are held out, and their samples.

The source is the data folder with its index.csv, or one packed file made from it (a zip of Opus
streams at 24 kb/s and the index, about 32 MB) that travels to a machine with a GPU.
"""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import av
import numpy as np
import soundfile
import soxr

from engine.spectral import SAMPLE_RATE
from engine.training.classes import group_of, is_held_out

INDEX = "index.csv"
SHORTEST = 1200
"""Samples; what is shorter than 25 ms is no sound of its own."""

PACKED_BIT_RATE = 24_000


@dataclass(frozen=True)
class Clip:
    """One recording: where it lies in the corpus's samples, and what it is."""

    file: str
    label: str
    category: str
    group: str
    held_out: bool
    start: int
    length: int


class Corpus:
    """All clips as one int16 array at 48 kHz, peak-normalised, memory-mapped."""

    def __init__(self, folder: Path) -> None:
        self.samples = np.load(folder / "audio.npy", mmap_mode="r")
        self.clips = [Clip(**row) for row in json.loads((folder / "clips.json").read_text())]
        self.training = [clip for clip in self.clips if not clip.held_out]
        self.validation = [clip for clip in self.clips if clip.held_out]

    def audio(self, clip: Clip) -> np.ndarray:
        """Samples of a clip as float32 in -1..1."""
        return self.samples[clip.start : clip.start + clip.length].astype(np.float32) / 32768

    @classmethod
    def unpacked(cls, source: Path, folder: Path) -> "Corpus":
        """The corpus of a data folder or packed file, decoded into ``folder`` unless it is there already."""
        if not (folder / "clips.json").exists():
            unpack(source, folder)
        return cls(folder)


def index_rows(source: Path) -> list[dict[str, str]]:
    """The index of a data folder or packed file: file, label, licence, author and so on of each recording."""
    if source.is_dir():
        text = (source / INDEX).read_text(encoding="utf-8")
    else:
        with zipfile.ZipFile(source) as packed:
            text = packed.read(INDEX).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def read_source(source: Path) -> Iterator[tuple[dict[str, str], np.ndarray, int]]:
    """Index row, mono samples and rate of every readable recording of a data folder or packed file."""
    rows = index_rows(source)
    if source.is_dir():
        for row in rows:
            yield row, *mono(source / row["file"])
        return
    with zipfile.ZipFile(source) as packed:
        for row in rows:
            yield row, from_opus(packed.read(row["file"])), SAMPLE_RATE


def mono(file: Path) -> tuple[np.ndarray, int]:
    """Samples (L,) float32, channels averaged, and their rate."""
    audio, rate = soundfile.read(file, dtype="float32", always_2d=True)
    return audio.mean(1), rate


def unpack(source: Path, folder: Path) -> None:
    """Decode a source into ``folder``: audio.npy and clips.json."""
    folder.mkdir(parents=True, exist_ok=True)
    samples: list[np.ndarray] = []
    clips: list[Clip] = []
    start = 0
    for row, audio, rate in read_source(source):
        audio = soxr.resample(audio, rate, SAMPLE_RATE)
        peak = np.abs(audio).max(initial=0)
        if len(audio) < SHORTEST or peak < 1e-4:
            continue
        audio = np.pad(audio * (0.9 / peak), (0, -len(audio) % 960))
        samples.append(np.round(audio * 32767).astype(np.int16))
        held_out = is_held_out(row["file"], row["fold"])
        clips.append(
            Clip(row["file"], row["label"], row["category"], group_of(row["file"]), held_out, start, len(audio))
        )
        start += len(audio)
    np.save(folder / "audio.npy", np.concatenate(samples))
    (folder / "clips.json").write_text(json.dumps([asdict(clip) for clip in clips]))


def pack(source: Path, target: Path) -> None:
    """Write a data folder as one packed file."""
    rows = index_rows(source)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as packed:
        packed.writestr(INDEX, (source / INDEX).read_bytes())
        for row in rows:
            audio, rate = mono(source / row["file"])
            packed.writestr(row["file"], to_opus(soxr.resample(audio, rate, SAMPLE_RATE)))


def to_opus(audio: np.ndarray) -> bytes:
    """Mono 48 kHz samples (L,) as an Ogg Opus file."""
    stored = io.BytesIO()
    with av.open(stored, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=SAMPLE_RATE, layout="mono", bit_rate=PACKED_BIT_RATE)
        frame = av.AudioFrame.from_ndarray(audio[None].astype(np.float32), format="fltp", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return stored.getvalue()


def from_opus(stored: bytes) -> np.ndarray:
    """Samples (L,) float32 at 48 kHz of a mono Ogg Opus file; libsndfile cannot open those of less than a second."""
    with av.open(io.BytesIO(stored), "r") as container:
        frames = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    return np.concatenate(frames, dtype=np.float32)
