"""Turns sounds into what the denoiser trains on: latents, levels and captions in one file."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soxr
import torch
from scipy.fft import next_fast_len
from torch import Tensor

from engine.loudness import factor_level
from engine.models.codec import LATENT_HOP, Codec
from engine.spectral import SAMPLE_RATE
from engine.training.classes import caption, sound_class
from engine.training.corpus import Corpus
from engine.training.foley import draw

CAPTIONS_PER_CLIP = 8
SILENT_PADDING = LATENT_HOP * 4
"""Silence encoded after each sound, so that its decay into nothing is learned too."""


@dataclass(frozen=True)
class Sound:
    """One sound to be encoded. audio: (L,) float32 at 48 kHz."""

    audio: np.ndarray
    captions: tuple[str, ...]
    sound_class: str


def equalised(audio: np.ndarray, gain_db: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Audio (L,) at 48 kHz with a gain in dB at each frequency; ``gain_db`` takes them in Hz. Same length."""
    padded = np.pad(audio, (0, next_fast_len(len(audio), real=True) - len(audio)))
    gains = 10 ** (gain_db(np.fft.rfftfreq(len(padded), 1 / SAMPLE_RATE)) / 20)
    return np.fft.irfft(np.fft.rfft(padded) * gains, len(padded))[: len(audio)]


def augmented(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Speed by up to a fifth either way and a gentle random tilt and bell of the spectrum."""
    speed = 2 ** rng.uniform(-0.3, 0.3)
    audio = soxr.resample(audio, SAMPLE_RATE * speed, SAMPLE_RATE, quality="MQ")

    def gain_db(hz: np.ndarray) -> np.ndarray:
        octave = np.log2(np.maximum(hz, 20) / 1000)
        bell = rng.uniform(-6, 6) * np.exp(-0.5 * ((octave - rng.uniform(-3, 3)) / rng.uniform(0.5, 1.5)) ** 2)
        return rng.uniform(-1, 1) * octave + bell

    shaped = equalised(audio, gain_db)
    return (shaped * (0.9 / max(np.abs(shaped).max(), 1e-6))).astype(np.float32)


def recorded(corpus: Corpus, rng: np.random.Generator, longest_s: float = 20.0) -> Iterator[Sound]:
    """Every training clip as it is, and once more at another speed and colour."""
    for clip in corpus.training:
        captions = tuple(caption(clip, rng) for _ in range(CAPTIONS_PER_CLIP))
        name = sound_class(clip.label, clip.category, clip.file) or clip.category
        audio = corpus.audio(clip)[: int(longest_s * SAMPLE_RATE)]
        yield Sound(audio, captions, name)
        yield Sound(augmented(audio, rng), captions, name)


def procedural(count: int, rng: np.random.Generator) -> Iterator[Sound]:
    """Sounds of our own making, spread evenly over the recorded classes that they stand for."""
    for _ in range(count):
        sound = draw(rng, float(rng.uniform(1.5, 5)))
        yield Sound(sound.audio, (sound.caption,), f"procedural {sound.sound_class}")


class Encoded(NamedTuple):
    """A sound as the denoiser trains on it."""

    latents: np.ndarray
    """(n, C) float32."""
    level: np.ndarray
    """(2 n,) in dBFS."""
    unit: Tensor
    """(1, 960 n) the audio at unit level."""


@torch.no_grad()
def encoded(codec: Codec, audio: np.ndarray) -> Encoded:
    """Encode audio (L,) at 48 kHz with a little silence after it."""
    device = str(next(codec.parameters()).device)
    padded = len(audio) + SILENT_PADDING
    audio = np.pad(audio, (0, -(-padded // LATENT_HOP) * LATENT_HOP - len(audio)))
    unit, level = factor_level(torch.from_numpy(audio)[None].to(device))
    with torch.autocast(device, torch.bfloat16):
        mean, _ = codec.encode(unit)
    return Encoded(mean[0].T.float().cpu().numpy(), level[0].cpu().numpy(), unit)


def encode_all(codec: Codec, sounds: Iterator[Sound], path: Path, report: Callable[[str], None] = print) -> None:
    """Write ``path`` (.npz): latents (N, C) float16, level (2 N,) float16 in dBFS, and per sound its
    length in latents, class and captions."""
    latents, levels, lengths, names, captions = [], [], [], [], []
    for index, sound in enumerate(sounds):
        found = encoded(codec, sound.audio)
        latents.append(found.latents.astype(np.float16))
        levels.append(found.level.astype(np.float16))
        lengths.append(len(latents[-1]))
        names.append(sound.sound_class)
        captions.append("\n".join(sound.captions))
        if index % 1000 == 999:
            report(f"{index + 1} sounds, {sum(lengths) / 3000:.0f} min")
    np.savez(
        path, latents=np.concatenate(latents), level=np.concatenate(levels),
        lengths=np.array(lengths), classes=np.array(names), captions=np.array(captions),
    )  # fmt: skip


class LatentBank:
    """The file of :func:`encode_all`, with latents scaled to unit variance per channel."""

    def __init__(self, path: Path) -> None:
        data = np.load(path)
        raw = data["latents"].astype(np.float32)
        self.level = data["level"].astype(np.float32)
        loud = self.level.reshape(-1, 2).max(1) > -55
        self.mean, self.std = raw[loud].mean(0), raw[loud].std(0)
        self.latents = (raw - self.mean) / self.std
        self.silence = self.latents[self.level.reshape(-1, 2).max(1) < -80].mean(0)
        self.starts = np.concatenate([[0], np.cumsum(data["lengths"])])
        self.classes = [str(name) for name in data["classes"]]
        self.captions = [str(text).split("\n") for text in data["captions"]]
        self.by_class: dict[str, list[int]] = {}
        for index, name in enumerate(self.classes):
            self.by_class.setdefault(name, []).append(index)

    def sound(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Latents (n, C), scaled, and level (2 n,) in dBFS of one sound."""
        start, stop = self.starts[index], self.starts[index + 1]
        return self.latents[start:stop], self.level[2 * start : 2 * stop]
