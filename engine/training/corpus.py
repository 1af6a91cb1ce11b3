"""The recorded sounds: which there are, which are held out, and their samples."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Clip:
    """One recording: where it lies in the packed samples, and what it is."""

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
        rows = json.loads((folder / "meta.json").read_text())
        self.clips = [
            Clip(r["file"], r["label"], r["category"], r["group"], r["val"], r["start"], r["length"]) for r in rows
        ]
        self.training = [c for c in self.clips if not c.held_out]
        self.validation = [c for c in self.clips if c.held_out]

    def audio(self, clip: Clip) -> np.ndarray:
        """Samples of a clip as float32 in -1..1."""
        return self.samples[clip.start : clip.start + clip.length].astype(np.float32) / 32768
