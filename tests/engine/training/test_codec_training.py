"""What the codec is trained on: crops, some of them faster or of another colour."""

import numpy as np
import pytest

from engine.pitch import HOP
from engine.spectral import SAMPLE_RATE
from engine.training.codec import CROP, LATENTS, coloured, sped_up, varied_crop


def loudest_hz(audio: np.ndarray) -> float:
    return float(np.abs(np.fft.rfft(audio)).argmax() * SAMPLE_RATE / len(audio))


def test_a_crop_that_is_sped_up_sounds_as_much_higher_as_its_pitch_says() -> None:
    latents = LATENTS * 3 // 2
    tone = np.sin(2 * np.pi * 400 * np.arange(latents * HOP) / SAMPLE_RATE)
    pitch = np.stack([np.full(latents, 2.0), np.linspace(0, 1, latents)])
    audio, moved = sped_up(tone, pitch)
    assert audio.shape == (CROP,) and moved.shape == (2, LATENTS)
    assert loudest_hz(audio) == pytest.approx(600, abs=SAMPLE_RATE / CROP)
    assert np.allclose(100 * 2 ** moved[0], 600)
    assert np.allclose(moved[1], np.linspace(0, 1, LATENTS), atol=0.03)


def test_an_equaliser_changes_colour_by_some_decibels_each_time_another_way() -> None:
    noise = np.random.default_rng(0).standard_normal(CROP)
    heard = slice(CROP // 1000, CROP // 3)  # 48 Hz to 16 kHz
    before, *after = (
        np.abs(np.fft.rfft(audio))[heard]
        for audio in (noise, *(coloured(noise, np.random.default_rng(seed)) for seed in (1, 2)))
    )
    first, second = (20 * np.log10(spectrum / before) for spectrum in after)
    for change in (first, second, first - second):
        assert 1 < np.abs(change).max() < 20


@pytest.mark.parametrize("latents", [5, LATENTS, 400])
def test_crops_have_one_length_whatever_the_recording_s(latents: int) -> None:
    rng = np.random.default_rng(3)
    clip, pitch = rng.standard_normal(latents * HOP).astype(np.float32), np.zeros((2, latents), np.float16)
    for _ in range(40):
        audio, found = varied_crop(clip, pitch, rng)
        assert audio.shape == (CROP,) and found.shape == (2, LATENTS)
