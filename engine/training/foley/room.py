"""Where it sounds: early reflections and a short tail whose highs die first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.training.foley.noise import convolve, shaped
from engine.training.foley.sound import RATE, Audio, Rng, log_uniform


@dataclass(frozen=True)
class Place:
    """A kind of space: T60 in seconds, first reflections in metres, how wet, how dark, and its words (may be none)."""

    ring_s: tuple[float, float]
    walls_m: tuple[float, float]
    wet_db: tuple[float, float]
    dark_hz: tuple[float, float]
    words: tuple[str, ...] = ("",)


PLACES: dict[str, Place] = {
    "dry": Place((0.03, 0.12), (0.8, 3), (-32, -20), (4000, 12000)),
    "room": Place((0.15, 0.5), (1.5, 6), (-20, -8), (3000, 9000)),
    "hall": Place((0.7, 1.9), (5, 20), (-16, -5), (2500, 7000), (" in a large hall", " in an empty hall", "")),
    "tunnel": Place((0.9, 2.2), (2, 12), (-13, -3), (1500, 4500), (" in a tunnel", " in a cave", "")),
    "outdoors": Place((0.2, 0.9), (8, 60), (-34, -20), (1200, 5000), (" outdoors", "", "", "")),
    "stairwell": Place((0.6, 1.4), (1.5, 6), (-13, -4), (3000, 8000), (" in a stairwell", "")),
}


def response(rng: Rng, place: Place, most_s: float) -> Audio:
    """An impulse response (without the direct sound) of unit energy: (n,)."""
    ring_s = log_uniform(rng, *place.ring_s)
    count = max(256, int(min(most_s, 1.1 * ring_s + 0.05) * RATE))
    t = np.arange(count) / RATE
    bright = shaped(rng, count, [(60, -14), (200, 0), (log_uniform(rng, *place.dark_hz), 0), (20000, -16)])
    dull = shaped(rng, count, [(60, -10), (200, 0), (800, 0), (5000, -24)])
    first = log_uniform(rng, *place.walls_m) / 343
    build = 1 - np.exp(-np.maximum(t - first, 0) / (0.6 * first + 0.002))
    tail = (bright * 10 ** (-3 * t / (0.5 * ring_s)) + 0.7 * dull * 10 ** (-3 * t / ring_s)) * build
    tail /= np.sqrt(np.sum(tail**2)) + 1e-9
    early = np.zeros(count)
    delays = first * np.cumprod(np.concatenate([[1.0], rng.uniform(1.08, 1.5, 7)]))
    for delay in delays[delays * RATE < count - 8]:
        at = int(delay * RATE)
        early[at : at + 6] += rng.choice([-1, 1]) * (first / delay) * np.exp(-np.arange(6) / rng.uniform(0.6, 3))
    early /= np.sqrt(np.sum(early**2)) + 1e-9
    mixed = tail + rng.uniform(0.3, 1.0) * early
    return (mixed / (np.sqrt(np.sum(mixed**2)) + 1e-9)).astype(np.float32)


def in_place(rng: Rng, audio: Audio, names: Sequence[str]) -> tuple[Audio, str]:
    """Put a sound into one of the named places. -> audio of the same length, and words such as " in a tunnel"."""
    place = PLACES[names[int(rng.integers(len(names)))]]
    wet = 10 ** (rng.uniform(*place.wet_db) / 20)
    tail = convolve(audio, response(rng, place, len(audio) / RATE))
    return audio + np.float32(wet) * tail, place.words[int(rng.integers(len(place.words)))]
