"""Many tiny sounds at once: clicks, pebbles, drops, bubbles. Each row is one grain."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.training.foley.sound import RATE, Rng

Grains = NDArray[np.float32]


def _column(values: ArrayLike) -> NDArray[np.float32]:
    return np.asarray(values, dtype=np.float32).reshape(-1, 1)


def pings(rng: Rng, hz: ArrayLike, decay_s: ArrayLike, gain: ArrayLike, length: int) -> Grains:
    """Decaying tones that start at a random phase. hz, decay_s, gain: (n,) -> (n, length)."""
    t = (np.arange(length, dtype=np.float32) / RATE)[None]
    phase = _column(rng.uniform(0, 2 * np.pi, np.size(hz)))
    soft = 1 - np.exp(-t / np.float32(0.00006))
    return _column(gain) * soft * np.exp(-t / _column(decay_s)) * np.sin(2 * np.pi * _column(hz) * t + phase)


def bursts(rng: Rng, decay_s: ArrayLike, gain: ArrayLike, length: int, dull: ArrayLike = 0.0) -> Grains:
    """Decaying noise, each grain through a one-pole low-pass: ``dull`` in 0..0.98.

    decay_s, gain, dull: (n,) -> (n, length).
    """
    n = np.size(gain)
    t = (np.arange(length, dtype=np.float32) / RATE)[None]
    noise = rng.standard_normal((n, length), dtype=np.float32)
    pole = np.broadcast_to(_column(dull), (n, 1))
    if np.any(pole > 0):
        kernel = pole ** np.arange(48, dtype=np.float32)[None]
        size = length + 64
        noise = np.fft.irfft(np.fft.rfft(noise, size) * np.fft.rfft(kernel, size), size)[:, :length].astype(np.float32)
        noise *= np.sqrt(1 - pole**2)
    return _column(gain) * noise * np.exp(-t / _column(decay_s))


def bubbles(rng: Rng, hz: ArrayLike, gain: ArrayLike, length: int, rise: ArrayLike = 0.1) -> Grains:
    """Air bubbles after van den Doel: damping follows pitch, pitch rises as the bubble nears the surface.

    hz, gain, rise: (n,) -> (n, length). rise: 0 (deep) … 0.2 (plop).
    """
    t = (np.arange(length, dtype=np.float32) / RATE)[None]
    f = _column(hz)
    damping = 0.13 * f + 0.0072 * f**1.5
    climb = 0.5 * _column(rise) * damping * t
    attack = 1 - np.exp(-t * f / 1.5)
    return _column(gain) * attack * np.exp(-damping * t) * np.sin(2 * np.pi * f * t * (1 + climb))


def heavy_tail(rng: Rng, count: int, exponent: float = 1.3, most: float = 30.0) -> NDArray[np.float64]:
    """Sizes of which a few are far larger than the rest (Pareto), the largest possible being 1: (count,)."""
    return np.minimum((1 - rng.random(count)) ** (-1 / exponent), most) / most
