"""What the codec keeps of a real sound: distances, attacks, modulation and tones, original beside round trip."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.signal import butter, sosfilt
from torch import Tensor

from engine.evaluation.recordings import Recording
from engine.loudness import factor_level, unit_gain
from engine.models.codec import Codec
from engine.pitch import track
from engine.spectral import SAMPLE_RATE, MultiScaleLogMel

HIT_CLASSES = ("footstep", "wood", "hard", "click", "boom", "clock_tick", "dog")
"""Classes whose recordings begin events sharply enough for a rise time to mean something."""

SHARP_MS = 30.0
"""An original that rises more slowly is no hit."""

BANDS_HZ = (60, 150, 350, 800, 1_800, 4_000, 8_000, 16_000)
MODULATION_HZ = (2, 4, 8, 16, 32, 64, 128)
"""Edges of the bands, and of the ranges of their envelopes' modulation."""


@dataclass(frozen=True)
class RoundTrip:
    """A recording through the codec twice, with different noise in the decoder."""

    recording: Recording
    unit: np.ndarray
    """(L,) the original at unit level: what the codec sees."""
    draws: tuple[np.ndarray, np.ndarray]
    """Two decodings of it, (L,) each at unit level."""
    heard: np.ndarray
    """(L,) the first draw with the original's level put back."""


@torch.inference_mode()
def round_trip(codec: Codec, recording: Recording, seed: int = 0) -> RoundTrip:
    """Encode a recording (mean of the latents) and decode it twice. codec: in full precision."""
    unit, level = factor_level(torch.from_numpy(recording.audio)[None])
    latents, _ = codec.encode(unit)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        white = torch.randn(2, unit.shape[-1])
        draws = codec.decode(latents.expand(2, -1, -1), track(unit).expand(2, -1, -1), white)
    first, second = draws.numpy()
    return RoundTrip(recording, unit[0].numpy(), (first, second), first / unit_gain(level)[0].numpy())


@dataclass(frozen=True)
class Distances:
    """Mean distances of log10-mels over the six windows, at unit level."""

    original_to_draw: float
    draw_to_draw: float

    @property
    def energy(self) -> float:
        """2 d(original, draw) - d(draw, draw), as in training; at best it sinks to d(draw, draw) itself."""
        return 2 * self.original_to_draw - self.draw_to_draw

    @property
    def ratio(self) -> float:
        """d(original, draw) / d(draw, draw): 1 where the original could be another draw."""
        return self.original_to_draw / self.draw_to_draw


@torch.inference_mode()
def distances(trips: Sequence[RoundTrip]) -> Distances:
    """Each recording weighs by its length."""
    views = MultiScaleLogMel()
    near = apart = total = 0.0
    for trip in trips:
        x, a, b = (views(_batch(sound)) for sound in (trip.unit, *trip.draws))
        weight = len(trip.unit)
        near += weight * float(views.distance(x, a) + views.distance(x, b)) / 2
        apart += weight * float(views.distance(a, b))
        total += weight
    return Distances(near / total, apart / total)


def _batch(sound: np.ndarray) -> Tensor:
    """One sound as (1, L), long enough for the longest window to be mirrored at its ends."""
    return torch.from_numpy(np.pad(sound, (0, max(0, 2048 - len(sound)))))[None]


def envelope(audio: np.ndarray) -> np.ndarray:
    """RMS per millisecond of (L,) audio: (L // 48,)."""
    count = len(audio) // 48
    return np.asarray(np.sqrt(np.square(audio[: count * 48], dtype=np.float64).reshape(count, 48).mean(1)))


def rise_time_ms(audio: np.ndarray) -> float | None:
    """Time from 10 % to 90 % of the strongest attack's peak, in ms; None where there is no attack.

    The attack is where the envelope grows most within 20 ms.
    """
    found = _attack(envelope(audio))
    return None if found is None else _rise(envelope(audio), *found)


def _attack(level: np.ndarray) -> tuple[int, int] | None:
    """Begin and end in ms of the search around the steepest attack of an envelope."""
    padded = np.concatenate([np.zeros(20), level, np.zeros(20)])
    growth = padded[20:] - padded[:-20]
    at = int(growth.argmax()) - 10
    if level.max(initial=0) <= 0 or growth.max() < 0.3 * level.max():
        return None
    return max(0, at - 40), min(len(level), at + 40)


def _rise(level: np.ndarray, begin: int, end: int) -> float | None:
    part = np.concatenate([[0.0], level[begin:end]])
    top = int(part.argmax())
    below = np.flatnonzero(part[: top + 1] <= 0.1 * part[top])
    above = np.flatnonzero(part[: top + 1] >= 0.9 * part[top])
    if not len(below):
        return None
    low, high = int(below[-1]), int(above[above > below[-1]][0])
    # Between the milliseconds, so that the answer is finer than the grid.
    return _crossing(part, high, 0.9 * part[top]) - _crossing(part, low + 1, 0.1 * part[top])


def _crossing(level: np.ndarray, index: int, wanted: float) -> float:
    """Where the envelope passes ``wanted`` between index - 1 and index."""
    if index == 0:
        return 0.0
    before, after = level[index - 1], level[index]
    return index - 1 + float((wanted - before) / max(after - before, 1e-12))


@dataclass(frozen=True)
class Attacks:
    """Rise times of the hits among the recordings."""

    hits: int
    difference_ms: float
    """Median absolute difference of round trip and original."""
    original_ms: float
    round_trip_ms: float


def attacks(trips: Sequence[RoundTrip]) -> Attacks:
    """Raises ValueError where no recording has a hit."""
    pairs = []
    for trip in trips:
        if trip.recording.name not in HIT_CLASSES:
            continue
        level = envelope(trip.recording.audio)
        where = _attack(level)
        original = _rise(level, *where) if where else None
        if where is None or original is None or original > SHARP_MS:
            continue
        again = _rise(envelope(trip.heard), *where)
        # An attack that the codec lost altogether counts as the whole width of the search.
        pairs.append((original, 80.0 if again is None else again))
    if not pairs:
        raise ValueError("no recording with a hit")
    before, after = np.array(pairs).T
    return Attacks(
        len(pairs), float(np.median(np.abs(after - before))), float(np.median(before)), float(np.median(after))
    )


def modulation_spectrum(audio: np.ndarray) -> np.ndarray:
    """Modulation depth in dB of each band's envelope in each range of rates: (bands, ranges).

    audio: (L,). Depth is the envelope's modulation relative to its mean; a steady buzz has little, noise much.
    """
    rows = []
    for low, high in itertools.pairwise(BANDS_HZ):
        band = sosfilt(butter(2, (low, high), "bandpass", fs=SAMPLE_RATE, output="sos"), audio)
        level = envelope(band)
        spectrum = np.abs(np.fft.rfft(level * np.hanning(len(level)))) ** 2
        rates = np.fft.rfftfreq(len(level), 0.001)
        steady = spectrum[rates < 1].sum() + 1e-12
        parts = [spectrum[(rates >= a) & (rates < b)].sum() for a, b in itertools.pairwise(MODULATION_HZ)]
        rows.append(10 * np.log10(np.array(parts) / steady + 1e-6))
    return np.array(rows)


def modulation_difference_db(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
    """Mean absolute and mean signed difference (second less first) of modulation depth over pairs of sounds."""
    differences = [modulation_spectrum(b) - modulation_spectrum(a) for a, b in pairs]
    return float(np.mean([np.abs(d).mean() for d in differences])), float(np.mean([d.mean() for d in differences]))


def tonality_db(audio: np.ndarray) -> float:
    """How far the strongest spectral lines stand above their surroundings, in dB: noise ~ 10, a tone > 30.

    audio: (L,), L >= 4096. The mean over frames weighted by power, between 100 Hz and 10 kHz.
    """
    frames = np.lib.stride_tricks.sliding_window_view(audio, 4096)[::2048] * np.hanning(4096)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2 + 1e-12
    hz = np.fft.rfftfreq(4096, 1 / SAMPLE_RATE)
    power = power[:, (hz > 100) & (hz < 10_000)]
    size = power.shape[1] // 40 * 40
    local = power[:, :size].reshape(len(power), -1, 40)
    weight = local.sum(2)
    height = 10 * np.log10(local.max(2) / np.median(local, 2))
    return float((height * weight).sum() / weight.sum())


@dataclass(frozen=True)
class Tones:
    """Tonality of the recordings with the clearest tones (their upper quarter)."""

    original_db: float
    round_trip_db: float


def tones(trips: Sequence[RoundTrip]) -> Tones:
    """Raises ValueError where every recording is shorter than 0.2 s."""
    long = [trip for trip in trips if len(trip.unit) >= 9600]
    if not long:
        raise ValueError("no recording of 0.2 s")
    original = np.array([tonality_db(trip.recording.audio) for trip in long])
    tonal = np.argsort(-original)[: max(1, len(long) // 4)]
    again = [tonality_db(long[i].heard) for i in tonal]
    return Tones(float(original[tonal].mean()), float(np.mean(again)))
