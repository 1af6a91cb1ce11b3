"""The one onset detector behind every figure about timing, and how onsets are scored.

It is fixed: it was written and calibrated on synthetic clicks, noise and swells before any take was
scored with it, and both sides of a comparison (a take and the sound it is measured against) go
through it. Spectral flux in dB over a log-spaced filter bank, with a maximum filter across
neighbouring bands so that vibrato and sweeps are not taken for attacks (Böck and Widmer, "Maximum
filter vibrato suppression for onset detection", DAFx 2013).
"""

from dataclasses import dataclass

import numpy as np

from engine.peaks import apart

HOP_S = 0.01
WINDOW_S = 0.032
LAG_FRAMES = 2
BANDS = 48
LOWEST_HZ, HIGHEST_HZ = 60.0, 16_000.0
RANGE_DB = 60.0
"""What lies further below the loudest band of the whole sound counts as silence."""
RISE_DB = 3.5
"""An onset raises the average band by at least this much more than its surroundings do."""
APART_S = 0.05
SURROUNDINGS_S = 0.25


@dataclass(frozen=True)
class OnsetScore:
    """How well onsets agree: share of found that are true, of true that are found, and their mean."""

    precision: float
    recall: float
    f1: float
    matched: int
    found: int
    true: int


def onset_strength(audio: np.ndarray, rate: int) -> np.ndarray:
    """Rise of the average band in dB per 20 ms, one value per 10 ms.

    audio: (samples,) or (samples, channels) float -> (frames,), frame t centred on sample t·rate/100.
    """
    mono = np.asarray(audio, np.float32)
    mono = mono.mean(axis=1) if mono.ndim == 2 else mono
    levels = _band_levels_db(mono, rate)
    before = np.pad(levels, ((LAG_FRAMES, 0), (1, 1)), mode="edge")[: len(levels)]
    before = np.maximum(np.maximum(before[:, :-2], before[:, 1:-1]), before[:, 2:])
    return np.maximum(levels - before, 0).mean(axis=1)


def onsets(audio: np.ndarray, rate: int) -> np.ndarray:
    """Times in seconds at which something starts to sound; audio: (samples,) or (samples, channels)."""
    strength = onset_strength(audio, rate)
    return pick_peaks(strength, HOP_S, rise=RISE_DB)


def pick_peaks(strength: np.ndarray, hop_s: float, *, rise: float, apart_s: float = APART_S) -> np.ndarray:
    """Times of the local maxima that stand ``rise`` above the median around them.

    strength: (frames,) -> (peaks,) seconds, at least ``apart_s`` apart, the higher of two kept.
    """
    if len(strength) < 3:
        return np.zeros(0)
    half = max(1, round(SURROUNDINGS_S / hop_s))
    padded = np.pad(strength, half, mode="reflect" if len(strength) > half else "edge")
    median = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1), axis=1)
    above = strength - median
    edged = np.pad(strength, 1, constant_values=-np.inf)
    candidates = np.flatnonzero((strength >= edged[:-2]) & (strength > edged[2:]) & (above >= rise))
    return apart(candidates, strength, hop_s, apart_s) * hop_s


def match(found: np.ndarray, true: np.ndarray, within_s: float) -> int:
    """How many pairs can be made, each onset used once and no pair further apart than ``within_s``."""
    found, true = np.sort(found), np.sort(true)
    pairs = i = j = 0
    while i < len(found) and j < len(true):
        if abs(found[i] - true[j]) <= within_s + 1e-9:
            pairs, i, j = pairs + 1, i + 1, j + 1
        elif found[i] < true[j]:
            i += 1
        else:
            j += 1
    return pairs


def score(found: np.ndarray, true: np.ndarray, within_s: float) -> OnsetScore:
    """Precision, recall and F1 of ``found`` against ``true`` (seconds); nothing asked and nothing found is 1."""
    pairs = match(found, true, within_s)
    precision = pairs / len(found) if len(found) else float(len(true) == 0)
    recall = pairs / len(true) if len(true) else float(len(found) == 0)
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return OnsetScore(precision, recall, f1, pairs, len(found), len(true))


def chance(found: np.ndarray, true: np.ndarray, duration_s: float, within_s: float, draws: int = 200) -> float:
    """Mean F1 of as many onsets thrown at random into ``duration_s``: what timing alone must beat."""
    random = np.random.default_rng(0)
    return float(np.mean([score(random.uniform(0, duration_s, len(found)), true, within_s).f1 for _ in range(draws)]))


def _band_levels_db(mono: np.ndarray, rate: int) -> np.ndarray:
    """(samples,) -> (frames, bands) dB, floored RANGE_DB below the loudest."""
    window = max(16, round(WINDOW_S * rate))
    frames = 1 + int(len(mono) / (HOP_S * rate))
    starts = np.round(np.arange(frames) * HOP_S * rate).astype(int)
    padded = np.pad(mono, (window // 2, window + round(HOP_S * rate)))
    taper = np.hanning(window).astype(np.float32)
    bank = _filter_bank(window, rate)
    blocks = []
    for first in range(0, frames, 1000):
        pieces = padded[starts[first : first + 1000, None] + np.arange(window)] * taper
        blocks.append(np.abs(np.fft.rfft(pieces, axis=1)) ** 2 @ bank)
    power = np.concatenate(blocks)
    loudest = max(float(power.max()), 1e-12)
    return np.asarray(10 * np.log10(np.maximum(power / loudest, 10 ** (-RANGE_DB / 10))))


def _filter_bank(window: int, rate: int) -> np.ndarray:
    """Triangles spaced evenly in log frequency, each with at least one bin; (bins, bands)."""
    hz = np.fft.rfftfreq(window, 1 / rate)
    edges = np.geomspace(LOWEST_HZ, min(HIGHEST_HZ, 0.45 * rate), BANDS + 2)
    centres = edges[1:-1]
    lower = np.maximum(centres - edges[:-2], hz[1])
    upper = np.maximum(edges[2:] - centres, hz[1])
    offset = hz[:, None] - centres
    return np.asarray(np.clip(1 - np.where(offset < 0, -offset / lower, offset / upper), 0, None))
