"""Codec: 48 kHz audio at unit level <-> latents at 50 Hz.

The level is factored out before the codec (see :mod:`engine.loudness`), so that the network
spends itself on texture and the loudness curve holds by construction.

    audio ──log-mels (43 ms and 10 ms)── encoder 100 Hz ─╲ 50 Hz ── latents (32 x 50 Hz)
                                                                        │
    audio ◀── x ◀─ + ◀─ transient head: magnitude and phase, 40 ms window ◀── decoder body
              │    ├── tonal head: harmonics of the pitch, their phase running on ◀─┤
              │    └── noise head: white noise x colour in windows of 40 ms         │
              │                                x band gains every 2.5 ms ◀──────────┤
              └── attack head: one gain every 1.25 ms ◀─────────────────────────────┘
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.models.base import ConfigMixin, ModelMixin, register_to_config
from engine.pitch import hertz
from engine.spectral import FRAME, SAMPLE_RATE, LogMel, mel_filterbank, overlap_add

TONAL_WINDOW = 1920
HIGHEST_HARMONIC_HZ = 14_000.0
NOISE_WINDOW, NOISE_HOP = 480, 120
SUBFRAMES = FRAME // NOISE_HOP
ATTACK_HOP = 60
COMB_HZ = 50.0
"""So far from every harmonic the noise of a voiced sound has fallen by its whole depth: what 40 ms can tell apart."""
LATENT_HOP = 2 * FRAME
LATENT_RATE = SAMPLE_RATE // LATENT_HOP


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution over time, then a two-layer perceptron per frame (Liu et al. 2022)."""

    def __init__(self, width: int, expand: int, kernel: int = 7) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, width * expand)
        self.down = nn.Linear(width * expand, width)
        self.scale = nn.Parameter(torch.full((width,), 0.1))

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, T), B batch, C channels, T frames -> same shape."""
        y = self.norm(self.depthwise(x).transpose(1, 2))
        y = self.down(F.gelu(self.up(y), approximate="tanh")) * self.scale
        return x + y.transpose(1, 2)


class Heads(NamedTuple):
    """What the decoder's heads make of F frames of 10 ms, before noise and phase make it a sound."""

    transients: Tensor
    """Spectrum in windows of 40 ms: complex (B, bins, F)."""
    amplitude: Tensor
    """Of the tones: (B, F, harmonics)."""
    frequency: Tensor
    """Of the tones, in Hz: (B, F, harmonics)."""
    gains: Tensor
    """Linear gains of the noise: (B, 241 bins, 4 F sub-frames)."""
    colour: Tensor
    """Linear gains of the noise before those, finer in frequency than in time: (B, 961 bins, F)."""
    attack: Tensor
    """Linear gain of the whole sound: (B, 8 F), one every 1.25 ms."""


def running_phases(frequency: Tensor, pinned: Tensor, frame: int = 0) -> Tensor:
    """Phase at each frame's centre.

    frequency: (B, F, count) in Hz, pinned: (B, count), the phases at ``frame`` -> (B, F, count).
    """
    step = 2 * math.pi * FRAME / SAMPLE_RATE * 0.5 * (frequency[:, 1:] + frequency[:, :-1])
    moved = torch.cumsum(step.double(), 1).remainder(2 * math.pi).float()
    phase = torch.cat([torch.zeros_like(pinned)[:, None], moved], 1)
    return phase + (pinned - phase[:, frame])[:, None]


def sinusoids(amplitude: Tensor, frequency: Tensor, phase: Tensor) -> Tensor:
    """The sinusoids as frames of TONAL_WINDOW samples seen through a Hann window: complex (B, bins, F).

    All arguments: (B, F, count); the phase is that at the frame's centre.
    """
    place = frequency * (TONAL_WINDOW / SAMPLE_RATE)
    nearest = place.detach().floor()[..., None] + torch.arange(-2, 4, device=place.device)
    away = place[..., None] - nearest
    # Transform of the Hann window, sinc(x) / (1 - x^2) / 2, whose poles at one cancel.
    safe = torch.where((away.abs() - 1).abs() < 1e-3, away + 2e-3, away)
    lobe = 0.5 * torch.sinc(safe) / (1 - safe**2) * (TONAL_WINDOW / 2)
    sign = 1 - 2 * nearest.remainder(2)  # the frame's centre, not its first sample, has phase zero
    weight = (lobe * sign * amplitude[..., None]).flatten(-2)
    bins = nearest.clamp(0, TONAL_WINDOW // 2).long().flatten(-2)
    turned = phase[..., None].expand_as(lobe).flatten(-2)
    empty = torch.zeros(*amplitude.shape[:2], TONAL_WINDOW // 2 + 1, device=place.device)
    real = empty.scatter_add(-1, bins, weight * turned.cos())
    imaginary = empty.scatter_add(-1, bins, weight * turned.sin())
    return torch.complex(real, imaginary).transpose(1, 2)


def between_harmonics(fundamental: Tensor) -> Tensor:
    """How far bins of 25 Hz lie from the nearest harmonic: 0 on it, 1 from COMB_HZ on. (B, F) Hz -> (B, F, 961)."""
    hz = torch.arange(TONAL_WINDOW // 2 + 1, device=fundamental.device) * (SAMPLE_RATE / TONAL_WINDOW)
    nearest = (hz / fundamental[..., None]).round().clamp(min=1) * fundamental[..., None]
    return ((hz - nearest).abs() / COMB_HZ).clamp(max=1)


def _spread(bands: int, window: int) -> Tensor:
    """Matrix (bands, window // 2 + 1) that spreads mel bands over the bins of a spectrum; no band, no weight."""
    filters = mel_filterbank(bands, window)
    return filters / (filters.sum(0, keepdim=True) + 1e-6)


def _between(attack: Tensor) -> Tensor:
    """Gains (B, n) every 1.25 ms -> every sample, on straight lines from one to the next: (B, 60 n)."""
    return F.interpolate(attack[:, None], scale_factor=ATTACK_HOP, mode="linear")[:, 0]


def _filtered(white: Tensor, gains: Tensor, window: Tensor, hop: int) -> Tensor:
    """White noise (B, L) through gains (B, bins, L // hop) that change every ``hop`` samples -> (B, L)."""
    size = window.shape[0]
    spectrum = torch.stft(white, size, hop, window=window, return_complex=True)
    shaped = spectrum * F.pad(gains, (0, 1), mode="replicate")
    return torch.istft(shaped, size, hop, window=window, length=white.shape[-1])


class Codec(ModelMixin, ConfigMixin):
    """Encoder and stochastic decoder of several heads between unit-level audio and latents.

    A decoder that predicts phase alone turns noise into a buzz and tones into noise; the noise head
    shapes fresh white noise every 2.5 ms instead, which keeps hiss, rain and the body of an impact
    natural and lets attacks stay within one sub-frame, and the harmonics hold tones. What they are tuned by, the
    pitch, does not go through the bottleneck: it is measured beside it (:mod:`engine.pitch`).
    """

    spread: Tensor
    colour_spread: Tensor
    tonal_window: Tensor
    noise_window: Tensor

    @register_to_config
    def __init__(
        self,
        latent_channels: int = 32,
        width: int = 320,
        encoder_width: int = 256,
        mel_bands: int = 128,
        noise_bands: int = 40,
        colour_bands: int = 128,
        slow_blocks: int = 5,
        fast_blocks: int = 4,
        expand: int = 3,
        harmonics: int = 64,
    ) -> None:
        super().__init__()
        self.noise_bands = noise_bands
        self.long_mel = LogMel(2048, FRAME, mel_bands)
        self.short_mel = LogMel(NOISE_WINDOW, NOISE_HOP, noise_bands)
        self.encoder = nn.Sequential(
            nn.Conv1d(mel_bands + SUBFRAMES * noise_bands, encoder_width, 5, padding=2),
            *[ConvNeXtBlock(encoder_width, 2) for _ in range(3)],
            nn.Conv1d(encoder_width, width, 4, stride=2, padding=1),
            *[ConvNeXtBlock(width, 2) for _ in range(4)],
            nn.Conv1d(width, 2 * latent_channels, 1),
        )
        self.body = nn.Sequential(
            nn.Conv1d(latent_channels + 2, width, 5, padding=2),
            *[ConvNeXtBlock(width, expand) for _ in range(slow_blocks)],
            nn.ConvTranspose1d(width, width, 4, stride=2, padding=1),
            *[ConvNeXtBlock(width, expand) for _ in range(fast_blocks)],
        )
        self.norm = nn.LayerNorm(width)
        self.transient = nn.Linear(width, TONAL_WINDOW + 2)
        self.tonal = nn.Linear(width, noise_bands)
        nn.init.zeros_(self.tonal.weight)
        nn.init.constant_(self.tonal.bias, 1.5)
        self.noise = nn.Linear(width, SUBFRAMES * noise_bands)
        nn.init.constant_(self.noise.bias, -3.0)
        self.colour = nn.Linear(width, 2 * colour_bands)
        self.attack = nn.Linear(width, FRAME // ATTACK_HOP)
        for head in (self.colour, self.attack):
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)
        nn.init.constant_(self.colour.bias[colour_bands:], -3.0)
        self.register_buffer("spread", _spread(noise_bands, NOISE_WINDOW), persistent=False)
        self.register_buffer("colour_spread", _spread(colour_bands, TONAL_WINDOW), persistent=False)
        self.register_buffer("tonal_window", torch.hann_window(TONAL_WINDOW), persistent=False)
        self.register_buffer("noise_window", torch.hann_window(NOISE_WINDOW), persistent=False)

    def encode(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the latents.

        audio: (B, L) at unit level, L a multiple of 960 -> two tensors (B, latent_channels, L // 960).
        """
        batch, frames = audio.shape[0], audio.shape[-1] // FRAME
        long = self.long_mel(audio)[..., :frames]
        short = self.short_mel(audio)[..., : SUBFRAMES * frames]
        short = short.reshape(batch, self.noise_bands, frames, SUBFRAMES).permute(0, 3, 1, 2)
        features = torch.cat([long, short.reshape(batch, -1, frames)], 1).to(self.dtype)
        mean, log_variance = self.encoder(features).chunk(2, 1)
        return mean, log_variance.clamp(-12, 4)

    def features(self, latents: Tensor, pitch: Tensor) -> Tensor:
        """The deterministic part of the decoder. latents: (B, C, T), pitch: (B, 2, T) -> (B, 2 T, width)."""
        octaves, voicing = pitch.to(latents.dtype).split(1, 1)
        return self.norm(self.body(torch.cat([latents, octaves * voicing, voicing], 1)).transpose(1, 2))

    def heads(self, features: Tensor, pitch: Tensor) -> Heads:
        """features: (B, F, width), pitch: (B, 2, F // 2), see :func:`engine.pitch.track`.

        Noise and tones share one envelope: of each band a part is tone, at most as much as the pitch is sure, and
        what is tone is taken from the noise. So neither has to be silenced before the other is worth trying.
        """
        level, angle = self.transient(features).transpose(1, 2).float().chunk(2, 1)
        bands = self.noise(features).float().unflatten(-1, (SUBFRAMES, self.noise_bands))
        octaves, voicing = F.interpolate(pitch.float(), scale_factor=2, mode="linear").unbind(1)
        tonal = voicing[..., None] * torch.sigmoid(self.tonal(features).float())
        noise = (bands + 0.5 * torch.log1p(-tonal.clamp(max=0.999))[:, :, None]) @ self.spread
        # Bins that no band covers get gain zero: left at one they rumble and whistle.
        covered = (self.spread.sum(0) > 0.5).float()
        gains = (torch.exp(noise.clamp(max=5)) * covered).flatten(1, 2).transpose(1, 2)
        envelope = (bands.mean(2) + 0.5 * torch.log(tonal + 1e-6)) @ self.spread
        colour, depth = self.colour(features).float().chunk(2, -1)
        comb = voicing[..., None] * between_harmonics(hertz(octaves)) * (F.softplus(depth) @ self.colour_spread)
        colour = torch.exp((colour @ self.colour_spread - comb).clamp(-8, 5)).transpose(1, 2)
        attack = torch.exp(self.attack(features).float().clamp(-5, 5)).flatten(1)
        transients = torch.polar(torch.exp(level.clamp(max=6)), angle)
        return Heads(transients, *self.harmonics(envelope, hertz(octaves)), gains, colour, attack)

    def harmonics(self, envelope: Tensor, fundamental: Tensor) -> tuple[Tensor, Tensor]:
        """Amplitude and frequency in Hz of the multiples of a pitch, both (B, F, harmonics).

        envelope: (B, F, 241) log gain of white noise that is as loud; fundamental: (B, F) in Hz. A harmonic has the
        power that the noise would have between it and the next.
        """
        frequency = fundamental[..., None] * torch.arange(1, self.config.harmonics + 1, device=fundamental.device)
        place = (frequency * (NOISE_WINDOW / SAMPLE_RATE)).clamp(max=NOISE_WINDOW // 2 - 0.01)
        below, above = place.long(), place.frac()
        level = envelope.gather(-1, below) * (1 - above) + envelope.gather(-1, below + 1) * above
        amplitude = torch.exp(level.clamp(max=5)) * (4 * fundamental / SAMPLE_RATE).sqrt()[..., None]
        return amplitude * (frequency < HIGHEST_HARMONIC_HZ), frequency

    def sounded(self, heads: Heads, pinned: Tensor, frame: int = 0) -> tuple[Tensor, Tensor]:
        """What is not noise, as audio; pinned: (B, harmonics), the tones' phases at ``frame``.

        Returns audio (B, F * 480) and the phases at every frame (B, F, harmonics).
        """
        phase = running_phases(heads.frequency, pinned, frame)
        spectrum = heads.transients + sinusoids(heads.amplitude, heads.frequency, phase)
        audio = overlap_add(torch.fft.irfft(spectrum, TONAL_WINDOW, dim=1), self.tonal_window, FRAME)
        return audio * _between(heads.attack), phase

    def start_phases(self, batch: int) -> Tensor:
        """Random phases to start from, (batch, harmonics), from torch's global generator."""
        return 2 * math.pi * torch.rand(batch, self.config.harmonics, device=self.device)

    def noise_part(self, heads: Heads, white: Tensor) -> Tensor:
        """White noise (B, L), L = F * 480, shaped as the heads say -> (B, L)."""
        coloured = _filtered(white, heads.colour, self.tonal_window, FRAME)
        return _filtered(coloured, heads.gains, self.noise_window, NOISE_HOP) * _between(heads.attack)

    def decode(self, latents: Tensor, pitch: Tensor, white: Tensor) -> Tensor:
        """latents: (B, C, T), pitch: (B, 2, T), white: (B, T * 960) standard normal -> audio (B, T * 960)."""
        heads = self.heads(self.features(latents, pitch), pitch)
        sounded, _ = self.sounded(heads, self.start_phases(len(latents)))
        return sounded + self.noise_part(heads, white)
