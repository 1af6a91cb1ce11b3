"""The procedural Foley library: what every class promises, and the parts that it is made of."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from engine.loudness import level_db as measured_level_db
from engine.training.classes import CLASSES
from engine.training.foley import FOLEY, PEAK, RATE, RECORDED_CLASS, draw, make
from engine.training.foley.events import bounce, impulses, place, pulses
from engine.training.foley.modal import SHAPES, ring
from engine.training.foley.noise import PAINT_HZ, bump, frames, painted, shaped
from engine.training.foley.sound import say

TEXTURES = {"rain", "wind", "sea_waves", "water_stream", "water_bubbles", "fire", "chainsaw", "helicopter"} | {
    "engine_car",
    "engine_motorbike",
}
SWELLING = {"whoosh", "cloth", "paper", "door_creak"}
"""These begin softly: their onsets are no steps."""
OVER_A_BED = {"thunder", "clock_tick", "water_drips"}
"""Rain may fall before the thunder; ticks and drips are faint enough for the room to be heard."""


def level_db(audio: np.ndarray, start_s: float, end_s: float) -> float:
    """RMS between two times in dB."""
    part = audio[max(0, round(start_s * RATE)) : max(1, round(end_s * RATE))]
    return float(10 * np.log10(np.mean(np.square(part, dtype=np.float64)) + 1e-12)) if len(part) else -120.0


@pytest.mark.parametrize("name", FOLEY)
def test_every_class_keeps_its_promises(name: str) -> None:
    sound = make(name, seed=5, duration_s=1.7)
    assert sound.audio.dtype == np.float32
    assert sound.audio.shape == (round(1.7 * RATE),)
    assert np.isfinite(sound.audio).all()
    assert 0.2 < np.abs(sound.audio).max() <= PEAK + 1e-6
    assert abs(sound.audio.mean()) < 1e-4
    assert abs(sound.audio[0]) < 0.003
    assert abs(sound.audio[-1]) < 0.003
    assert sound.sound_class == name
    assert sound.caption == sound.caption.lower().strip()
    assert not set("[]|{}") & set(sound.caption)
    assert "  " not in sound.caption
    assert all(0 <= time < 1.7 for time in sound.events_s)
    assert list(sound.events_s) == sorted(sound.events_s)
    assert bool(sound.events_s) != (name in TEXTURES)


@pytest.mark.parametrize("name", FOLEY)
def test_a_seed_gives_the_same_samples_and_another_does_not(name: str) -> None:
    first, again, other = make(name, 1, 0.8), make(name, 1, 0.8), make(name, 2, 0.8)
    assert np.array_equal(first.audio, again.audio)
    assert (first.caption, first.events_s) == (again.caption, again.events_s)
    assert not np.array_equal(first.audio, other.audio)


@pytest.mark.parametrize("name", sorted(set(FOLEY) - TEXTURES))
def test_events_stand_where_energy_rises(name: str) -> None:
    rises = []
    for seed in range(4):
        sound = make(name, seed, 2.0)
        loudest = max(level_db(sound.audio, t, t + 0.02) for t in np.arange(0, 1.98, 0.01))
        first = sound.events_s[0]
        if first > 0.03:
            assert level_db(sound.audio, 0, first - 0.004) < loudest - (10 if name in OVER_A_BED else 20)
        gaps = [b - a for a, b in pairwise((-1.0, *sound.events_s))]
        for time, gap in zip(sound.events_s, gaps, strict=True):
            # Only what has room before it: hits within a rattle stand on the ring of the last.
            if gap > 0.12 and time < 1.9:
                span = 0.12 if name in SWELLING or name == "thunder" else 0.05
                after = max(level_db(sound.audio, time + d, time + d + 0.01) for d in np.arange(0, span, 0.005))
                rises.append(after - level_db(sound.audio, max(0.0, time - 0.045), max(0.01, time - 0.004)))
    assert np.median(rises) > (3 if name in SWELLING else 6)


@pytest.mark.parametrize("name", FOLEY)
def test_captions_vary(name: str) -> None:
    assert len({make(name, seed, 0.6).caption for seed in range(6)}) >= 3


@pytest.mark.parametrize("name", ["footsteps_gravel", "door_knock", "rain", "thunder", "keyboard", "paper"])
@pytest.mark.parametrize("duration_s", [0.01, 0.1, 0.59, 0.6])
def test_short_sounds_have_their_length_and_begin_at_once(name: str, duration_s: float) -> None:
    sound = make(name, 3, duration_s)
    assert len(sound.audio) == round(duration_s * RATE)
    assert np.abs(sound.audio).max() > 0.2


def test_level_is_measured_as_the_engine_measures_it() -> None:
    sound = make("door_slam", 4, 1.0)
    asked = measured_level_db(torch.from_numpy(sound.audio)[None])[0].numpy()
    np.testing.assert_allclose(sound.level, asked, atol=0.02)


def test_draw_comes_from_everywhere_and_is_seeded() -> None:
    sounds = [draw(np.random.default_rng(seed), 0.6) for seed in range(60)]
    assert len({RECORDED_CLASS[sound.sound_class] for sound in sounds}) >= 10
    assert len({sound.caption for sound in sounds}) >= 50
    assert np.array_equal(draw(np.random.default_rng(3), 0.6).audio, sounds[3].audio)


def test_every_class_has_a_class_of_recordings() -> None:
    assert set(RECORDED_CLASS) == set(FOLEY)
    assert set(RECORDED_CLASS.values()) <= set(CLASSES)


def test_bad_requests_are_named() -> None:
    with pytest.raises(KeyError, match="no maker for 'unicorn'"):
        make("unicorn", 1, 1.0)
    with pytest.raises(ValueError, match="duration_s"):
        make("rain", 1, 0.001)


def test_ring_is_the_sum_of_its_modes() -> None:
    hz, decay_s, gain = np.array([100.0, 733.0, 5000.0]), np.array([0.2, 0.05, 0.01]), np.array([1.0, -0.5, 0.25])
    t = np.arange(5000)[:, None] / RATE
    expected = (gain * np.exp(-t / decay_s) * np.sin(2 * np.pi * hz * t)).sum(1)
    np.testing.assert_allclose(ring(hz, decay_s, gain, 5000), expected, atol=2e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_modes_rise_from_one(shape: str) -> None:
    ratio = SHAPES[shape](np.random.default_rng(0), 20)
    assert ratio.shape == (20,)
    assert 0.7 < ratio.min() < 1.6
    assert ratio.max() > 3


def test_painted_noise_is_where_it_is_painted() -> None:
    rng = np.random.default_rng(0)
    flat = painted(rng, RATE, np.ones((frames(RATE), len(PAINT_HZ))))
    assert flat.std() == pytest.approx(1, abs=0.03)
    narrow = painted(rng, RATE, bump(np.full(frames(RATE), 3000.0), 0.1))
    spectrum = np.abs(np.fft.rfft(narrow)) ** 2
    centre = (spectrum * np.arange(len(spectrum))).sum() / spectrum.sum()
    assert centre == pytest.approx(3000, rel=0.03)


def test_shaped_noise_follows_its_points() -> None:
    noise = shaped(np.random.default_rng(0), 4 * RATE, [(100, 0), (1000, -20), (10_000, -20)])
    power = np.abs(np.fft.rfft(noise)) ** 2
    hz = np.fft.rfftfreq(len(noise), 1 / RATE)
    low, high = (10 * np.log10(power[(hz > f * 0.9) & (hz < f * 1.1)].mean()) for f in (100, 4000))
    assert low - high == pytest.approx(20, abs=1.5)
    assert noise.std() == pytest.approx(1, abs=1e-3)


def test_placing_cuts_at_both_edges() -> None:
    out = np.zeros(10, dtype=np.float32)
    place(out, -2 / RATE, np.arange(4, dtype=np.float32))
    place(out, 8 / RATE, np.ones(5, dtype=np.float32), 2.0)
    place(out, 1.0, np.ones(5, dtype=np.float32))
    assert out.tolist() == [2, 3, 0, 0, 0, 0, 0, 0, 2, 2]


def test_pulses_follow_their_rate() -> None:
    rng = np.random.default_rng(0)
    at = pulses(rng, np.full(RATE, 50.0), RATE, 0.0)
    assert len(at) in (49, 50)
    np.testing.assert_allclose(np.diff(at), RATE / 50, rtol=1e-3)
    assert impulses(RATE, at, np.ones(len(at))).sum() == pytest.approx(len(at), rel=1e-4)


def test_a_bounce_speeds_up() -> None:
    times, gains = bounce(np.random.default_rng(1), 0.1, 0.4, 0.6, 5.0)
    gaps = np.diff(times)
    assert gaps[0] > 3 * gaps[-1]
    assert gains[0] > gains[-1]


def test_words_are_chosen_from_the_inside() -> None:
    said = {say(np.random.default_rng(seed), "a [b [c|d]|e] f") for seed in range(40)}
    assert said == {"a b c f", "a b d f", "a e f"}
