"""The pitch track: right to a cent on tones, silent on noise, the fundamental and not its half."""

import pytest
import torch

from engine.pitch import HOP, hertz, track

TIME = torch.arange(48_000) / 48_000


def tone(hz: float, partials: int = 6) -> torch.Tensor:
    """A second of a harmonic tone, each partial half as loud as the one before: (1, 48000)."""
    return sum((torch.sin(2 * torch.pi * hz * n * TIME) * 0.5**n for n in range(1, partials + 1)), torch.zeros(1))[None]


@pytest.mark.parametrize("hz", [55.0, 110.0, 440.0, 987.8, 2500.0])
def test_a_tone_has_its_pitch(hz: float) -> None:
    octaves, voicing = track(tone(hz))[0]
    inner = slice(3, -3)
    assert (hertz(octaves)[inner] / hz - 1).abs().max() < 0.01
    assert voicing[inner].min() > 0.9


def test_noise_has_none() -> None:
    noise = torch.randn(1, 48_000, generator=torch.Generator().manual_seed(0))
    assert track(noise)[0, 1].mean() < 0.02


def test_rumble_is_no_high_tone() -> None:
    """At short lags anything low resembles itself; only a peak is a period."""
    noise = torch.randn(1, 48_000, generator=torch.Generator().manual_seed(0))
    low = torch.fft.irfft(torch.fft.rfft(noise) * (torch.arange(24_001) < 400), 48_000)
    octaves, voicing = track(low)[0]
    assert hertz(octaves[voicing > 0.5]).max() < 400 if (voicing > 0.5).any() else True
    assert voicing.mean() < 0.5


def test_silence_and_gaps_hold_the_pitch_before_them() -> None:
    assert torch.equal(track(torch.zeros(1, 10 * HOP))[0, 1], torch.zeros(10))
    octaves, voicing = track(torch.cat([tone(300.0), torch.zeros(1, 24_000)], 1))[0]
    assert voicing[-10:].max() == 0
    assert (hertz(octaves[-10:]) / 300 - 1).abs().max() < 0.05


def test_a_glide_is_followed() -> None:
    hz = 300 + 300 * TIME
    glide = torch.sin(2 * torch.pi * torch.cumsum(hz, 0) / 48_000)[None]
    octaves, _ = track(glide)[0]
    expected = 300 + 300 * (torch.arange(50) + 0.5) / 50
    assert (hertz(octaves)[4:-4] / expected[4:-4] - 1).abs().max() < 0.02
