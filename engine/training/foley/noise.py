"""Noise with a shape: in frequency, in time, and in both at once; and the filters used on the way."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft, signal

from engine.training.foley.sound import RATE, Audio, Rng

PAINT_HOP = 480
PAINT_WINDOW = 960
PAINT_HZ = np.arange(PAINT_WINDOW // 2 + 1) * (RATE / PAINT_WINDOW)
"""Frequencies of the columns that `painted` takes."""

Gains = NDArray[np.floating]


def white(rng: Rng, count: int) -> Audio:
    """White noise of RMS 1: (count,)."""
    return rng.standard_normal(count, dtype=np.float32)


def shaped(rng: Rng, count: int, points: Sequence[tuple[float, float]]) -> Audio:
    """Noise whose spectrum passes through (hz, db) points, straight in log frequency, ends held. RMS 1."""
    size = fft.next_fast_len(count, real=True)
    hz = np.maximum(fft.rfftfreq(size, 1 / RATE), 1.0)
    at, db = zip(*points, strict=True)
    gain = 10 ** (np.interp(np.log(hz), np.log(at), db) / 20)
    gain[0] = 0
    spectrum = rng.standard_normal((len(hz), 2), dtype=np.float32).view(np.complex64)[:, 0] * gain.astype(np.float32)
    result = fft.irfft(spectrum, size)[:count]
    return (result / (np.sqrt(np.mean(result**2)) + 1e-12)).astype(np.float32)


def band(rng: Rng, count: int, low: float, high: float, slope_db: float = 18) -> Audio:
    """Noise between two frequencies, falling ``slope_db`` per octave outside. RMS 1."""
    return shaped(rng, count, [(low / 8, -3 * slope_db), (low, 0), (high, 0), (high * 8, -3 * slope_db)])


def wander(rng: Rng, count: int, rate_hz: float, spread: float = 1.0) -> NDArray[np.float64]:
    """A smooth random line of about unit variance times ``spread``, changing ``rate_hz`` times a second: (count,)."""
    knots = max(4, int(count / RATE * rate_hz) + 4)
    values = rng.standard_normal(knots)
    position = np.linspace(1, 1 + (count / RATE) * rate_hz, count)
    return spread * _cubic(values, np.minimum(position, knots - 2.001))


def _cubic(values: NDArray[np.float64], position: NDArray[np.float64]) -> NDArray[np.float64]:
    """Catmull-Rom through the values at integer positions."""
    index = position.astype(np.intp)
    x = position - index
    a, b, c, d = (values[np.clip(index + k, 0, len(values) - 1)] for k in (-1, 0, 1, 2))
    return b + 0.5 * x * (c - a + x * (2 * a - 5 * b + 4 * c - d + x * (3 * (b - c) + d - a)))


def frames(count: int) -> int:
    """Rows that `painted` takes for a sound of ``count`` samples."""
    return count // PAINT_HOP + 2


def painted(rng: Rng, count: int, gain: Gains) -> Audio:
    """Noise with a gain per 10 ms and 50 Hz. gain: (frames(count), 481) linear -> (count,).

    Each frame is fresh noise under a sine window, so that neighbours add up in power and nothing rings.
    """
    rows = frames(count)
    noise = rng.standard_normal((rows, len(PAINT_HZ), 2), dtype=np.float32).view(np.complex64)[..., 0]
    chunks = fft.irfft(noise * np.asarray(gain, dtype=np.float32), axis=1)
    chunks *= np.sin(np.pi * (np.arange(PAINT_WINDOW) + 0.5) / PAINT_WINDOW).astype(np.float32)
    result = np.zeros((rows + 1, PAINT_HOP), dtype=np.float32)
    result[:-1] += chunks[:, :PAINT_HOP]
    result[1:] += chunks[:, PAINT_HOP:]
    return result.reshape(-1)[PAINT_HOP : PAINT_HOP + count] * np.float32(np.sqrt(PAINT_WINDOW) / 1.4)


def bump(centre_hz: ArrayLike, octaves: ArrayLike) -> Gains:
    """Bell-shaped gains over PAINT_HZ, one row per centre: (rows, 481)."""
    centre = np.atleast_1d(np.asarray(centre_hz, dtype=np.float64))[:, None]
    width = np.atleast_1d(np.asarray(octaves, dtype=np.float64))[:, None]
    return np.exp(-0.5 * (np.log2(np.maximum(PAINT_HZ, 20.0) / centre) / width) ** 2)


def lowpass(audio: Audio, hz: float, order: int = 2) -> Audio:
    """Butterworth low-pass."""
    sos = signal.butter(order, min(hz, 0.49 * RATE), "lowpass", fs=RATE, output="sos")
    return signal.sosfilt(sos, audio).astype(np.float32)


def highpass(audio: Audio, hz: float, order: int = 2) -> Audio:
    """Butterworth high-pass."""
    sos = signal.butter(order, hz, "highpass", fs=RATE, output="sos")
    return signal.sosfilt(sos, audio).astype(np.float32)


def bandpass(audio: Audio, low: float, high: float, order: int = 1) -> Audio:
    """Butterworth band-pass."""
    sos = signal.butter(order, [low, min(high, 0.49 * RATE)], "bandpass", fs=RATE, output="sos")
    return signal.sosfilt(sos, audio).astype(np.float32)


def convolve(audio: Audio, response: Audio) -> Audio:
    """Convolution cut to the length of ``audio``."""
    size = fft.next_fast_len(len(audio) + len(response), real=True)
    return fft.irfft(fft.rfft(audio, size) * fft.rfft(response, size), size)[: len(audio)].astype(np.float32)
