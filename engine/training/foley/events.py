"""When things happen: rhythms of events, and putting small sounds where they belong."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.training.foley.sound import RATE, Audio, Rng

Times = NDArray[np.float64]


def place(out: Audio, time_s: float, sound: Audio, gain: float = 1.0) -> None:
    """Add a sound into ``out`` at a time; what lies outside is dropped."""
    start = round(time_s * RATE)
    skip = max(0, -start)
    stop = min(len(out), start + len(sound))
    if start + skip < stop:
        out[start + skip : stop] += np.float32(gain) * sound[skip : stop - start]


def scatter(out: Audio, times_s: ArrayLike, grains: NDArray[np.float32]) -> None:
    """Add grain k at time k. times_s: (n,), grains: (n, length)."""
    starts = np.round(np.asarray(times_s) * RATE).astype(np.intp)
    length, limit = grains.shape[1], len(out)
    for start, grain in zip(starts.tolist(), grains, strict=True):
        if start >= 0 and start + length <= limit:
            out[start : start + length] += grain
        elif 0 <= start < limit:
            out[start:] += grain[: limit - start]


def poisson(rng: Rng, rate_hz: float, duration_s: float, most: int = 20_000) -> Times:
    """Times of events that know nothing of each other: (n,), ascending."""
    count = min(most, rng.poisson(max(rate_hz, 0.0) * duration_s))
    return np.sort(rng.uniform(0, duration_s, count))


def under(rng: Rng, density: ArrayLike, count: int, duration_s: float) -> Times:
    """Times drawn from a density given at even steps over the duration: (count,), ascending."""
    weight = np.cumsum(np.maximum(np.asarray(density, dtype=np.float64), 0) + 1e-9)
    return np.sort(np.interp(rng.uniform(0, weight[-1], count), weight, np.linspace(0, duration_s, len(weight))))


def steady(rng: Rng, rate_hz: float, duration_s: float, loose: float = 0.03, start_s: float | None = None) -> Times:
    """A beat at a rate, each gap off by the given fraction: (n,), at least one event."""
    first = rng.uniform(0.01, min(1 / rate_hz, 0.5 * duration_s)) if start_s is None else start_s
    count = max(1, int((duration_s - first) * rate_hz * 1.3) + 1)
    gaps = np.exp(loose * rng.standard_normal(count)) / rate_hz
    times = first + np.concatenate([[0.0], np.cumsum(gaps)[:-1]])
    return times[times < max(duration_s - 0.03, first + 1e-6)]


def bounce(rng: Rng, first_s: float, gap_s: float, keep: float, duration_s: float) -> tuple[Times, Times]:
    """A thing that falls and bounces: gaps and speeds shrink by ``keep`` each time. -> times, gains."""
    count = max(1, min(40, int(np.log(0.012 / gap_s) / np.log(keep)) + 1))
    gaps = gap_s * keep ** np.arange(count) * np.exp(0.06 * rng.standard_normal(count))
    times = first_s + np.concatenate([[0.0], np.cumsum(gaps)])
    gains = np.asarray(keep ** np.arange(count + 1) * np.exp(0.15 * rng.standard_normal(count + 1)), np.float64)
    inside = times < duration_s - 0.01
    return times[inside], gains[inside]


def pattern(rng: Rng, duration_s: float, gap_s: tuple[float, float], single: float = 0.4) -> Times:
    """Once, or again and again with gaps that vary around one of their own: (n,)."""
    first = rng.uniform(0.01, max(0.011, min(0.35, 0.25 * duration_s)))
    if rng.random() < single:
        return np.array([first])
    gap = np.exp(rng.uniform(*np.log(gap_s)))
    count = int(min(60, (duration_s - first) / gap)) + 1
    loose = rng.uniform(0.02, 0.45)
    times = first + np.concatenate([[0.0], np.cumsum(gap * np.exp(loose * rng.standard_normal(count)))])
    return times[times < max(duration_s - 0.05, first + 1e-6)]


def pulses(rng: Rng, hz: ArrayLike, count: int, unsteady: float, gains: Sequence[float] = (1.0,)) -> Times:
    """Samples (fractional) where a phase turning at ``hz`` (count,) comes full circle, jittered by a part of a turn."""
    phase = np.cumsum(np.asarray(hz, dtype=np.float64)) / RATE
    turns = np.arange(1, int(phase[-1]) + 1)
    return np.interp(turns + unsteady * rng.standard_normal(len(turns)), phase, np.arange(count))


def impulses(count: int, at: Times, gain: Times) -> Audio:
    """Impulses at fractional samples, shared by the two neighbours. at, gain: (n,) -> (count,)."""
    out = np.zeros(count + 2, dtype=np.float32)
    index = np.clip(at, 0, count - 1).astype(np.intp)
    part = np.clip(at, 0, count - 1) - index
    np.add.at(out, index, ((1 - part) * gain).astype(np.float32))
    np.add.at(out, index + 1, (part * gain).astype(np.float32))
    return out[:count]
