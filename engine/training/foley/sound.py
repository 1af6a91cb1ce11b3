"""What a maker returns, and the last steps every sound goes through."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

RATE = 48_000
"""Samples per second of every sound here."""

PEAK = 0.95
"""No sound is louder than this at its peak."""

FRAME = 480
WINDOW = 960
"""A level frame every 10 ms over 20 ms, as engine.loudness counts them."""

Audio = NDArray[np.float32]
Rng = np.random.Generator
Maker = Callable[[Rng, float], "FoleySound"]


@dataclass(frozen=True)
class FoleySound:
    """A made sound, its words, and when things happen in it.

    audio: float32 (samples,) at 48 kHz, peak <= 0.95. events_s: onsets in seconds, ascending; empty for a
    texture that has none (rain, wind).
    """

    audio: Audio
    caption: str
    sound_class: str
    events_s: tuple[float, ...]

    @property
    def level(self) -> Audio:
        """RMS level in dBFS per 10 ms frame over 20 ms windows: float32 (samples // 480,)."""
        return level_db(self.audio)


def level_db(audio: Audio) -> Audio:
    """Level per frame, the windows of engine.loudness.level_db. audio: (L,) -> (L // 480,) dBFS RMS."""
    frames = len(audio) // FRAME
    power = np.zeros(frames * FRAME + FRAME)
    power[FRAME // 2 : FRAME // 2 + frames * FRAME] = np.square(audio[: frames * FRAME], dtype=np.float64)
    slots = power.reshape(frames + 1, FRAME).sum(1)
    return (10 * np.log10((slots[:-1] + slots[1:]) / WINDOW + 1e-9)).astype(np.float32)


def samples(duration_s: float) -> int:
    """Samples in a duration. Raises ValueError below one level frame (10 ms)."""
    count = round(duration_s * RATE)
    if count < FRAME:
        raise ValueError(f"duration_s: {duration_s} s is too short for a sound; ask for at least 0.01 s")
    return count


def log_uniform(rng: Rng, low: float, high: float) -> float:
    """A number whose logarithm is even between the two bounds."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def jitter(rng: Rng, spread: float, size: Any = None) -> Any:
    """A factor around 1, log-normal with the given spread."""
    return np.exp(spread * rng.standard_normal(size))


def say(rng: Rng, template: str) -> str:
    """Choose among the words in brackets, innermost first: "[slow|calm] steps on [wet |]gravel"."""
    text = template
    while match := re.search(r"\[([^\[\]]*)\]", text):
        words = match[1].split("|")
        text = text[: match.start()] + words[rng.integers(len(words))] + text[match.end() :]
    return " ".join(text.split())


def fade(audio: Audio, start_s: float = 0.002, end_s: float = 0.012) -> Audio:
    """Raised-cosine ramps at both ends, in place, so that neither end clicks."""
    for edge, seconds in ((audio, start_s), (audio[::-1], end_s)):
        count = max(2, min(int(seconds * RATE), len(audio) // 4))
        edge[:count] *= (0.5 - 0.5 * np.cos(np.pi * np.arange(count) / count)).astype(np.float32)
    return audio


def recorded(rng: Rng, audio: Audio) -> Audio:
    """As a microphone gives it: tilt, a broad bump, band limits and a faint floor, all at random. Same length."""
    count = len(audio)
    size = fft.next_fast_len(count + 2048, real=True)
    hz = np.maximum(fft.rfftfreq(size, 1 / RATE), 1.0)
    octaves = np.log2(hz / 1000)
    gain_db = rng.normal(0, 0.9) * np.clip(octaves, -4, 4)
    gain_db += rng.normal(0, 2.5) * np.exp(-(((octaves - rng.uniform(-3, 3.5)) / rng.uniform(0.4, 1.2)) ** 2))
    low = log_uniform(rng, 18, 70)
    # Many recordings that people share went through a lossy coder: three in five stop short of 21 kHz, few below 15.
    high = 24_000 if rng.random() < 0.4 else rng.uniform(14_500, 21_500)
    curve = 10 ** (gain_db / 20) / np.sqrt(1 + (low / hz) ** 6) / np.sqrt(1 + (hz / high) ** 48)
    curve[0] = 0
    spectrum = fft.rfft(audio, size) * curve.astype(np.float32)
    result = fft.irfft(spectrum, size)[:count].astype(np.float32)
    # Rooms and preamplifiers: mostly low, seldom loud.
    floor_db = -62 - rng.gamma(2.0, 9.0)
    peak = float(np.abs(result).max()) or 1.0
    noise = rng.standard_normal((len(hz), 2), dtype=np.float32).view(np.complex64)[:, 0]
    floor = fft.irfft(noise * (curve * np.maximum(hz, 40) ** -rng.uniform(0.2, 0.9)).astype(np.float32), size)[:count]
    floor /= floor.std() + 1e-12
    return result + floor * np.float32(peak * 10 ** (floor_db / 20))


SHORTEST_S = 0.6
"""Makers have room for their gestures from here on; shorter sounds are cut from one of this length."""


def with_room(maker: Maker) -> Maker:
    """The same maker for any duration: below SHORTEST_S it cuts, beginning at the first event."""

    def make(rng: Rng, duration_s: float) -> FoleySound:
        count = samples(duration_s)
        if duration_s >= SHORTEST_S:
            return maker(rng, duration_s)
        whole = maker(rng, SHORTEST_S)
        lead = int(0.004 * RATE)
        start = min(max(0, round(min(whole.events_s, default=0.0) * RATE) - lead), len(whole.audio) - count)
        events = [t - start / RATE for t in whole.events_s]
        return settle(rng, whole.audio[start : start + count].copy(), whole.sound_class, whole.caption, events)

    return make


def settle(rng: Rng, audio: Audio, sound_class: str, caption: str, events_s: Iterable[float]) -> FoleySound:
    """Fade the ends, take out DC, set a random peak, sort the events."""
    fade(audio)
    # The fades weigh the mean, so it is taken out under the same ramps: ends stay at zero.
    ramp = fade(np.ones(len(audio), dtype=np.float32))
    audio -= ramp * (audio.sum() / ramp.sum())
    peak = float(np.abs(audio).max())
    if peak > 0:
        audio *= np.float32(PEAK * 10 ** (-rng.uniform(0, 9) / 20) / peak)
    words = re.sub(r"\ba (?=[aeiou])", "an ", " ".join(caption.lower().split()))
    events = tuple(sorted(round(float(t), 5) for t in events_s if 0 <= t < len(audio) / RATE))
    return FoleySound(audio.astype(np.float32), words, sound_class, events)


def finish(rng: Rng, audio: Audio, sound_class: str, caption: str, events_s: Iterable[float] = ()) -> FoleySound:
    """Colour a made sound as recorded and settle it."""
    return settle(rng, recorded(rng, np.asarray(audio, dtype=np.float32)), sound_class, caption, events_s)
