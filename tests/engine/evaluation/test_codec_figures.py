"""The codec's figures on sounds whose answers are known."""

import numpy as np
import pytest

from engine.evaluation.codec import RoundTrip, attacks, distances, modulation_difference_db, rise_time_ms, tonality_db
from engine.evaluation.fad import frechet_distance
from engine.evaluation.recordings import Recording

RATE = 48_000


def hit(rise_ms: float, seed: int = 0) -> np.ndarray:
    """Noise that rises linearly from 0.3 s on and then decays."""
    rng = np.random.default_rng(seed)
    times = np.arange(RATE) / RATE - 0.3
    envelope = np.clip(times / (rise_ms / 1000), 0, 1) * np.exp(-np.clip(times - rise_ms / 1000, 0, None) / 0.08)
    return (0.5 * envelope * np.sign(rng.standard_normal(RATE))).astype(np.float32)


@pytest.mark.parametrize("rise_ms", [3.0, 8.0, 20.0])
def test_rise_time_is_found_within_a_millisecond(rise_ms: float) -> None:
    found = rise_time_ms(hit(rise_ms))
    assert found == pytest.approx(0.8 * rise_ms, abs=1.0)


def test_silence_has_no_rise_time() -> None:
    assert rise_time_ms(np.zeros(RATE, np.float32)) is None


def trip(original: np.ndarray, heard: np.ndarray, other: np.ndarray) -> RoundTrip:
    return RoundTrip(Recording("a", "a", "wood", original), original, (heard, other), heard)


def test_smeared_attacks_show_in_the_median_difference() -> None:
    smeared = attacks([trip(hit(2.0, i), hit(22.0, i + 9), hit(22.0, i + 19)) for i in range(3)])
    assert smeared.hits == 3
    assert smeared.difference_ms == pytest.approx(16, abs=2)
    assert attacks([trip(hit(2.0), hit(2.0, 1), hit(2.0, 2))]).difference_ms < 1


def test_another_draw_of_the_same_noise_has_ratio_one_and_the_least_energy_distance() -> None:
    rng = np.random.default_rng(1)
    x, a, b = (0.1 * rng.standard_normal(RATE).astype(np.float32) for _ in range(3))
    same = distances([trip(x, a, b)])
    assert same.ratio == pytest.approx(1.0, abs=0.02)
    assert same.energy == pytest.approx(same.draw_to_draw, abs=0.01)
    assert distances([trip(x, a * 0.5, b * 0.5)]).energy > same.energy + 0.2


def test_a_steady_buzz_has_less_modulation_than_noise() -> None:
    rng = np.random.default_rng(2)
    noise = rng.standard_normal(2 * RATE)
    phases = rng.uniform(0, 2 * np.pi, 200)
    times = np.arange(2 * RATE) / RATE
    buzz = sum(np.cos(2 * np.pi * 100 * (k + 1) * times + p) for k, p in enumerate(phases))
    _, signed = modulation_difference_db([(noise, np.asarray(buzz))])
    assert signed < -3
    again, _ = modulation_difference_db([(noise, rng.standard_normal(2 * RATE))])
    assert again < 3


def test_tonality_tells_a_tone_from_noise() -> None:
    rng = np.random.default_rng(3)
    times = np.arange(RATE) / RATE
    assert tonality_db(rng.standard_normal(RATE)) < 13
    assert tonality_db(np.sin(2 * np.pi * 1234 * times) + 0.01 * rng.standard_normal(RATE)) > 30


def test_frechet_distance_is_zero_for_the_same_and_the_squared_shift_for_a_shift() -> None:
    rng = np.random.default_rng(4)
    a = rng.standard_normal((400, 8)) @ rng.standard_normal((8, 8))
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-6)
    shift = np.arange(8.0)
    assert frechet_distance(a, a + shift) == pytest.approx(float(shift @ shift), rel=1e-6)
    assert frechet_distance(a, 2 * a) > 1
