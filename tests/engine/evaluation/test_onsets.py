"""The onset detector is calibrated on sounds whose onsets are known, and stays silent where nothing starts."""

import numpy as np
import pytest

from engine.evaluation.onsets import chance, match, onset_strength, onsets, score

RATE = 48_000


def hits(times: np.ndarray, *, noise_db: float, decay_s: float, seed: int = 0) -> np.ndarray:
    """Noise bursts with sharp attacks at ``times`` over steady noise, 6 s."""
    random = np.random.default_rng(seed)
    audio = random.normal(size=6 * RATE) * 10 ** (noise_db / 20)
    tail = np.arange(RATE // 2) / RATE
    for time in times:
        start = int(time * RATE)
        burst = np.exp(-tail / decay_s) * random.normal(size=len(tail)) * 0.3 * 10 ** (random.uniform(-12, 0) / 20)
        audio[start : start + len(tail)] += burst[: len(audio) - start]
    return audio


@pytest.mark.parametrize(("noise_db", "decay_s"), [(-60, 0.01), (-60, 0.2), (-40, 0.05), (-30, 0.05)])
def test_finds_hits_in_noise_without_bias(noise_db: float, decay_s: float) -> None:
    figures, offsets = [], []
    for seed in range(3):
        random = np.random.default_rng(seed)
        times = np.cumsum(random.uniform(0.15, 0.7, 10))
        times = times[times < 5.8]
        found = onsets(hits(times, noise_db=noise_db, decay_s=decay_s, seed=seed), RATE)
        figures.append(score(found, times, 0.03).f1)
        offsets += [found[np.argmin(abs(found - time))] - time for time in times]
    assert np.mean(figures) > 0.95
    assert abs(np.median(offsets)) < 0.01


def test_nothing_starts_in_noise_swells_sweeps_tremolo_and_silence() -> None:
    random = np.random.default_rng(0)
    seconds = np.arange(6 * RATE) / RATE
    noise = random.normal(size=len(seconds))
    for audio in (
        noise,
        noise * np.sin(np.linspace(0, np.pi, len(noise))) ** 2,
        noise * (1 + 0.3 * np.sin(2 * np.pi * 4 * seconds)),
        np.zeros(len(seconds)),
        np.zeros(0),
    ):
        assert len(onsets(audio, RATE)) == 0


def test_does_not_depend_on_rate_channels_or_gain() -> None:
    times = np.array([0.5, 1.2, 2.4, 4.0])
    audio = hits(times, noise_db=-50, decay_s=0.05)
    for variant, rate in ((audio * 1e-3, RATE), (np.stack([audio, audio], axis=1), RATE), (audio[::2], RATE // 2)):
        assert score(onsets(variant, rate), times, 0.03).f1 == 1.0


def test_strength_has_one_value_per_10_ms() -> None:
    assert len(onset_strength(np.zeros(RATE), RATE)) == 101
    assert len(onset_strength(np.zeros(22_050), 22_050)) == 101


def test_matching_uses_each_onset_once() -> None:
    assert match(np.array([1.0, 1.02]), np.array([1.01]), 0.06) == 1
    assert match(np.array([1.0, 1.1]), np.array([1.05, 1.15]), 0.06) == 2
    perfect = score(np.array([1.0]), np.array([1.0]), 0.06)
    assert (perfect.precision, perfect.recall, perfect.f1) == (1, 1, 1)
    assert score(np.zeros(0), np.array([1.0]), 0.06).f1 == 0
    assert score(np.zeros(0), np.zeros(0), 0.06).f1 == 1
    assert chance(np.arange(0, 8, 1.0), np.arange(0, 8, 1.0), 8.0, 0.06) < 0.3
