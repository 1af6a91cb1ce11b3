"""The codec's promises before any training: shapes, the two heads, level factored out and put back."""

import torch

from engine.loudness import UNIT_RMS, factor_level, level_db, unit_gain
from engine.models.codec import LATENT_HOP, TONAL_WINDOW, Codec, running_phases, sinusoids
from engine.pitch import track
from engine.spectral import FRAME, SAMPLE_RATE, overlap_add


def small() -> Codec:
    return Codec(width=32, encoder_width=32, slow_blocks=1, fast_blocks=1).eval()


def no_pitch(latents: int) -> torch.Tensor:
    return torch.zeros(1, 2, latents)


def test_shapes_of_encoding_and_decoding() -> None:
    codec = small()
    audio = torch.randn(2, 20 * LATENT_HOP) * 0.1
    mean, log_variance = codec.encode(audio)
    assert mean.shape == log_variance.shape == (2, 32, 20)
    assert codec.decode(mean, track(audio), torch.randn(2, 20 * LATENT_HOP)).shape == audio.shape


@torch.no_grad()
def test_the_noise_head_is_random_and_the_others_are_not() -> None:
    codec = small()
    heads = codec.heads(codec.features(torch.randn(1, 32, 10), no_pitch(10)), no_pitch(10))
    a, b = (codec.noise_part(heads, torch.randn(1, 10 * LATENT_HOP)) for _ in "ab")
    assert not torch.allclose(a, b)
    phases = codec.start_phases(1)
    assert torch.equal(codec.sounded(heads, phases)[0], codec.sounded(heads, phases)[0])


@torch.no_grad()
def test_bins_without_a_band_get_no_noise() -> None:
    """Left at gain one they rumble at the bottom and whistle at the top."""
    codec = small()
    gains = codec.heads(codec.features(torch.randn(1, 32, 10), no_pitch(10)), no_pitch(10)).gains
    assert gains[:, -1].abs().max() == 0 and gains[:, 0].abs().max() == 0


@torch.no_grad()
def test_what_is_tone_is_taken_from_the_noise() -> None:
    """A pitch moves power from noise to harmonics: the sound gets no louder and stands out of its floor."""
    torch.manual_seed(0)
    codec = small()
    codec.transient.bias[: TONAL_WINDOW // 2 + 1] = -20.0
    codec.tonal.bias.fill_(20.0)
    features = codec.features(torch.zeros(1, 32, 100), no_pitch(100))
    sung = torch.stack([torch.full((1, 100), 2.0), torch.ones(1, 100)], 1)  # two octaves above 100 Hz
    powers = {}
    for name, pitch in (("noise", no_pitch(100)), ("tone", sung)):
        heads = codec.heads(features, pitch)
        white = torch.randn(1, 100 * LATENT_HOP)
        audio = (codec.sounded(heads, codec.start_phases(1))[0] + codec.noise_part(heads, white))[0]
        spectrum = torch.fft.rfft(audio[10_000:58_000] * torch.hann_window(48_000)).abs().square()
        powers[name] = spectrum[300:12_000]
    assert abs(10 * torch.log10(powers["tone"].sum() / powers["noise"].sum())) < 2.0
    lines = torch.stack([powers["tone"][at - 300 - 3 : at - 300 + 4].sum() for at in range(400, 11_600, 400)])
    assert lines.sum() > 0.95 * powers["tone"][:11_400].sum()


def noise_power(codec: Codec, pitch: torch.Tensor) -> torch.Tensor:
    """Power of two seconds of the noise head's sound per hertz, from one latent held."""
    torch.manual_seed(0)
    heads = codec.heads(codec.features(torch.zeros(1, 32, 100), pitch), pitch)
    audio = codec.noise_part(heads, torch.randn(1, 100 * LATENT_HOP))[0]
    return torch.fft.rfft(audio[24_000:72_000] * torch.hann_window(48_000)).abs().square()


@torch.no_grad()
def test_noise_is_coloured_more_finely_than_its_bands() -> None:
    """A notch of one of 128 bands: narrower than one of the forty."""
    codec = small()
    plain = noise_power(codec, no_pitch(100))
    codec.colour.bias[64] = -8.0
    fall = 10 * torch.log10(noise_power(codec, no_pitch(100)) / plain)
    centre = int((codec.colour_spread[64] * torch.arange(961) * 25).sum() / codec.colour_spread[64].sum())
    assert fall[centre - 10 : centre + 10].mean() < -12
    assert abs(fall[centre - 600 : centre - 400].mean()) < 0.5 and abs(fall[centre + 400 : centre + 600].mean()) < 0.5


@torch.no_grad()
def test_noise_of_a_voiced_sound_falls_between_its_harmonics() -> None:
    codec = small()
    sung = torch.stack([torch.full((1, 100), 2.0), torch.ones(1, 100)], 1)  # 400 Hz
    codec.colour.bias[codec.config.colour_bands :] = 3.0
    power = noise_power(codec, sung)
    on, off = (torch.cat([power[at - 20 : at + 20] for at in range(begin, 8000, 400)]).mean() for begin in (2000, 2200))
    assert 10 * torch.log10(on / off) > 15
    level = noise_power(codec, no_pitch(100))
    on, off = (torch.cat([level[at - 20 : at + 20] for at in range(begin, 8000, 400)]).mean() for begin in (2000, 2200))
    assert abs(10 * torch.log10(on / off)) < 3


@torch.no_grad()
def test_an_attack_is_as_sharp_as_its_gains() -> None:
    """Shut for half a frame: silent to the sample, but for the line that leads there."""
    codec = small()
    codec.attack.bias[:4] = -5.0
    heads = codec.heads(codec.features(torch.zeros(1, 32, 10), no_pitch(10)), no_pitch(10))
    audio = codec.noise_part(heads, torch.randn(1, 10 * LATENT_HOP))[0].reshape(-1, 480)
    shut, open_ = audio[4:-4, 30:210].square().mean(), audio[4:-4, 300:420].square().mean()
    assert 10 * torch.log10(open_ / shut) > 35


def test_level_can_be_factored_out_and_put_back() -> None:
    generator = torch.Generator().manual_seed(0)
    swell = 10 ** (torch.linspace(-50, -10, 48_000) / 20)
    audio = (swell * torch.randn(48_000, generator=generator))[None]
    unit, db = factor_level(audio)
    assert (level_db(unit) - 20 * torch.log10(torch.tensor(UNIT_RMS))).abs()[0, 2:-2].max() < 1.0
    assert torch.allclose(unit / unit_gain(db), audio, atol=1e-6)


def test_a_noise_floor_is_not_raised_to_a_roar() -> None:
    unit, _ = factor_level(1e-5 * torch.randn(1, 48_000))
    assert level_db(unit).max() < -50


def test_a_steady_tone_is_one_sinusoid() -> None:
    """Predicted phases would make noise of it; a phase that runs on makes it exact to 0.6 %."""
    frequency = torch.full((1, 200, 1), 1234.5)
    phase = running_phases(frequency, torch.zeros(1, 1))
    spectrum = sinusoids(torch.full((1, 200, 1), 0.3), frequency, phase)
    frames = torch.fft.irfft(spectrum, TONAL_WINDOW, dim=1)
    audio = overlap_add(frames, torch.hann_window(TONAL_WINDOW), FRAME)[0]
    time = (torch.arange(len(audio)) - FRAME // 2) / SAMPLE_RATE
    expected = 0.3 * torch.cos(2 * torch.pi * 1234.5 * time)
    assert (audio - expected)[TONAL_WINDOW:-TONAL_WINDOW].abs().max() < 0.002


def test_phases_are_pinned_where_they_are_asked_to_be() -> None:
    """Two pieces of a take join where the second is pinned to the end of the first."""
    frequency = 500 + 100 * torch.rand(1, 100, 3, generator=torch.Generator().manual_seed(0))
    whole = running_phases(frequency, torch.zeros(1, 3))
    later = running_phases(frequency[:, 40:], whole[:, 60], frame=20)
    turn = (later - whole[:, 40:]) / (2 * torch.pi)
    assert (turn - turn.round()).abs().max() < 1e-3
