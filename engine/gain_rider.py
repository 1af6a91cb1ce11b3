"""GainRider: the last stage, which brings a take onto its curve and says what it had to do.

Everything here is local in time (less than :data:`MARGIN_FRAMES` away), so that a long take can be
ridden piece by piece with a margin on both sides and comes out as if it had been ridden whole.

    texture ── x level ──▶ raw ── residual ride (tight) or slow ride (loose) ── true peak ──▶ take
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import convolve1d, minimum_filter1d, uniform_filter1d
from scipy.signal import resample_poly
from torch import Tensor

from engine.loudness import LOOSE_FRAMES, UNIT_RMS, WINDOW, per_sample
from engine.spectral import FRAME, SAMPLE_RATE

MARGIN_FRAMES = 160
"""Frames of 10 ms that a piece needs on either side."""

CURVE_RATE = 1000
"""Rate at which the drawn curve becomes gain, in Hz: an attack is as steep as 2 ms."""

MAX_BOOST_DB, MAX_CUT_DB = 12.0, 30.0
"""A texture that is weaker than this below the line is not pumped up: noise would come with it."""

SLOW_BOOST_DB = 24.0
PEAK_CEILING_DB = -1.2
"""A little below the promised -1 dBTP, for what four-fold oversampling overlooks and resampling adds."""


@dataclass(frozen=True)
class Asked:
    """What the curve asks of a piece of n frames. All levels in dBFS RMS."""

    level: np.ndarray
    """(n,) level per frame, NaN where undrawn."""
    gain: np.ndarray
    """(10 n,) linear RMS at 1 kHz, zero for silence, NaN where undrawn."""
    loose: bool


def frame_level(audio: Tensor) -> Tensor:
    """Level of (..., channels, L) audio, channels taken together by mean power: (..., L // 480) dBFS."""
    power = (audio**2).mean(-2)
    flat = F.pad(power.reshape(-1, 1, power.shape[-1]), (FRAME // 2, FRAME // 2))
    frames = F.avg_pool1d(flat, WINDOW, FRAME)[:, 0]
    return 10 * torch.log10(frames + 1e-9).reshape(*power.shape[:-1], -1)


def smooth_edges(gain: np.ndarray) -> np.ndarray:
    """Round the corners of a 1 kHz gain within 2 ms, leaving silence silent."""
    # Not uniform_filter1d: its running sum leaves dust where there was sound.
    return convolve1d(minimum_filter1d(gain, 3, mode="nearest"), np.full(3, 1 / 3), mode="nearest")


def held(gain: np.ndarray) -> np.ndarray:
    """A gain with its undrawn stretches (NaN) at the value before them, so that the line's ends stay what they are."""
    places = np.flatnonzero(np.isfinite(gain))
    if not len(places):
        return np.ones_like(gain)
    before = np.searchsorted(places, np.arange(len(gain)), side="right") - 1
    return np.asarray(gain[places[np.maximum(before, 0)]])


def asked_gain(asked: Asked, inner: Tensor) -> Tensor:
    """Gain per sample from unit texture to raw take.

    inner: (takes, n) the sound's own level in dBFS, used where the curve is loose or undrawn.
    Returns (takes, n * 480); exactly zero where the line is silent.
    """
    own = 10 ** (per_sample(inner) / 20)
    line, drawn = held(asked.gain), np.isfinite(asked.gain)

    def fine(gain: np.ndarray) -> Tensor:
        per_ms = torch.from_numpy(gain.astype(np.float32))
        return F.interpolate(per_ms[None, None], size=own.shape[-1], mode="linear")[0]

    ruled = fine(drawn)
    if asked.loose:
        return own * fine(smooth_edges((line > 0).astype(np.float32))) ** ruled / UNIT_RMS
    level = fine(smooth_edges(line))
    return torch.where(ruled >= 1, level, level**ruled * own ** (1 - ruled)) / UNIT_RMS


def ride_tight(raw: Tensor, asked: Asked, rounds: int = 4) -> Tensor:
    """Residual gain in dB per frame, (takes, n), that puts raw (takes, channels, L) onto a tight line."""
    target = torch.from_numpy(np.nan_to_num(asked.level, nan=0.0).astype(np.float32))
    drawn = torch.from_numpy(np.isfinite(asked.level))
    correction = torch.zeros(raw.shape[0], len(asked.level))
    for _ in range(rounds):
        level = frame_level(raw * 10 ** (per_sample(correction) / 20)[:, None])
        error = torch.where(drawn & (level > -85), target - level, 0.0)
        # 0.8: the 20 ms windows overlap, so a full step would overshoot between neighbours.
        correction = (correction + 0.8 * error).clamp(-MAX_CUT_DB, MAX_BOOST_DB)
    return correction


def running_maximum(level: Tensor) -> Tensor:
    """Maximum of a level (takes, n) over 600 ms: what a loose line means. Same shape."""
    return F.max_pool1d(level[:, None], LOOSE_FRAMES, 1, LOOSE_FRAMES // 2)[:, 0]


def box(x: Tensor, frames: int) -> Tensor:
    """Moving average of (takes, n) over an odd number of frames, ends held."""
    half = frames // 2
    return F.avg_pool1d(F.pad(x[:, None], (half, half), mode="replicate"), frames, 1)[:, 0]


def ride_loose(raw: Tensor, asked: Asked, rounds: int = 3) -> Tensor:
    """Slow gain in dB per frame, (takes, n), that brings the running maximum onto a loose line.

    It moves no faster than 300 ms, so the sound keeps its own inner rhythm.
    """
    target = torch.from_numpy(np.nan_to_num(asked.level, nan=0.0).astype(np.float32))
    drawn = torch.from_numpy(np.isfinite(asked.level) & (np.nan_to_num(asked.level) > -75))
    level = frame_level(raw)
    correction = torch.zeros_like(level)
    for _ in range(rounds):
        peak = running_maximum(level + correction)
        heard = (drawn & (peak > -80)).float()
        error = (target - peak) * heard
        slow = box(error, 31) / box(heard, 31).clamp(min=1e-3)
        correction = (correction + slow).clamp(-2 * SLOW_BOOST_DB, SLOW_BOOST_DB)
    return correction


def limit_peaks(audio: Tensor) -> tuple[Tensor, Tensor]:
    """Gain per sample that keeps the true peak under the ceiling.

    audio: (takes, channels, L) -> gain (takes, L) and its reduction per 10 ms frame in dB (takes, n).
    The true peak is taken at four times the rate (ITU-R BS.1770-4, annex 2).
    """
    takes, _, length = audio.shape
    gains = np.ones((takes, length // 48), np.float32)
    ceiling = 10 ** (PEAK_CEILING_DB / 20)
    for index in range(takes):
        x = audio[index].numpy()
        if np.abs(x).max(initial=0) < 0.6:  # between samples it cannot rise by more than 3 dB
            continue
        fine = np.abs(resample_poly(x, 4, 1, axis=-1)).max(0)
        peaks = fine[: length // 48 * 192].reshape(-1, 192).max(1)
        needed = minimum_filter1d(np.minimum(1, ceiling / np.maximum(peaks, 1e-9)), 11, mode="nearest")
        gains[index] = uniform_filter1d(needed, 9, mode="nearest")
    per_ms = torch.from_numpy(gains)
    gain = F.interpolate(per_ms[:, None], size=length, mode="linear")[:, 0]
    frames = per_ms.reshape(takes, -1, CURVE_RATE // 100).amin(-1)
    return gain, -20 * torch.log10(frames)


@dataclass(frozen=True)
class Ridden:
    """A piece of a take after the ride. Levels per 10 ms frame."""

    audio: Tensor
    """(takes, channels, L)."""
    raw: Tensor
    """The same before the ride: texture times asked level."""
    level_before: Tensor
    level_after: Tensor
    limited_db: Tensor
    """(takes, n) what the true-peak ceiling took."""
    asked: Asked
    """What the curve asked of the piece."""


def ride(texture: Tensor, inner: Tensor, asked: Asked) -> Ridden:
    """Bring unit-level texture (takes, channels, 480 n) onto the curve.

    inner: (takes, n) the sound's own level in dBFS, which rules where the curve is loose or undrawn.
    """
    raw = texture * asked_gain(asked, inner)[:, None]
    correction = ride_loose(raw, asked) if asked.loose else ride_tight(raw, asked)
    audio = raw * 10 ** (per_sample(correction) / 20)[:, None]
    gain, limited = limit_peaks(audio)
    audio = audio * gain[:, None]
    return Ridden(audio, raw, frame_level(raw), frame_level(audio), limited, asked)


assert SAMPLE_RATE % CURVE_RATE == 0
