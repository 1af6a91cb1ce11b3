"""Pitch of a sound over time: what the codec's harmonics are tuned by.

Source: Boersma 1993, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise
ratio of a sampled sound": a frame's autocorrelation over that of its window peaks at the period, and the
height of the peak says how much of the sound is periodic.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.spectral import SAMPLE_RATE

HOP = 960
"""Samples per frame: one latent of the codec."""
WINDOW, FFT = 3072, 8192
LOWEST_HZ, HIGHEST_HZ = 50.0, 4000.0
REFERENCE_HZ = 100.0
OCTAVE_COST = 0.03
"""A longer period must be so much better per octave: every period's double is a period too."""
DOUBTFUL, SURE = 0.5, 0.8
"""Heights of the peak at which harmonics begin to be heard, and are heard in full."""


def track(audio: Tensor) -> Tensor:
    """Pitch of audio (B, L), L a multiple of 960 -> (B, 2, L // 960).

    First row: octaves above 100 Hz, held where there is no pitch. Second row: voicing from 0 to 1.
    """
    window = torch.hann_window(WINDOW, device=audio.device)
    padded = F.pad(audio, ((WINDOW - HOP) // 2, (WINDOW - HOP) // 2))
    frames = padded.unfold(-1, WINDOW, HOP)
    frames = (frames - frames.mean(-1, keepdim=True)) * window
    correlation = _autocorrelation(frames) / _autocorrelation(window)
    shortest, longest = int(SAMPLE_RATE / HIGHEST_HZ), int(SAMPLE_RATE / LOWEST_HZ)
    heard = correlation[..., shortest - 1 : longest + 2] / (correlation[..., :1] + 1e-9)
    before, at, after = heard[..., :-2], heard[..., 1:-1], heard[..., 2:]
    lag = torch.arange(shortest, longest + 1, device=audio.device)
    cost = OCTAVE_COST * torch.log2(lag / shortest)
    peaks = torch.where((at > before) & (at >= after), at - cost, -1.0)
    best = peaks.argmax(-1, keepdim=True)
    left, top, right = (x.gather(-1, best)[..., 0] for x in (before, at, after))
    # The true peak lies between the samples of the autocorrelation: a parabola through three of them.
    curved = (left - 2 * top + right).clamp(max=-1e-6)
    period = lag[best[..., 0]] + (0.5 * (left - right) / curved).clamp(-0.5, 0.5)
    voicing = ((top - DOUBTFUL) / (SURE - DOUBTFUL)).clamp(0, 1)
    voicing = torch.where(peaks.gather(-1, best)[..., 0] > 0, voicing, 0.0)
    return torch.stack([_held(torch.log2(SAMPLE_RATE / REFERENCE_HZ / period), voicing > 0), voicing], 1)


def _autocorrelation(x: Tensor) -> Tensor:
    """(..., WINDOW) -> (..., FFT) normalised to 1 at lag zero."""
    power = torch.fft.rfft(x, FFT).abs().square()
    correlation = torch.fft.irfft(power, FFT)
    return correlation / (correlation[..., :1] + 1e-12)


def _held(values: Tensor, known: Tensor) -> Tensor:
    """Each unknown value (B, T) becomes the last known one before it, or the first after."""
    at = torch.arange(values.shape[-1], device=values.device)
    last = torch.where(known, at, -1).cummax(-1).values
    first = torch.where(known, at, values.shape[-1]).flip(-1).cummin(-1).values.flip(-1)
    source = torch.where(last >= 0, last, first.clamp(max=values.shape[-1] - 1))
    found = values.gather(-1, source)
    return torch.where(known.any(-1, keepdim=True), found, torch.ones_like(found))


def hertz(octaves: Tensor) -> Tensor:
    """Octaves above 100 Hz as Hz."""
    return REFERENCE_HZ * torch.exp(octaves * math.log(2))
