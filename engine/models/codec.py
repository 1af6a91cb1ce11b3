"""Codec: 48 kHz audio at unit level <-> latents at 50 Hz.

The level is factored out before the codec (see :mod:`engine.loudness`), so that the network
spends itself on texture and the loudness curve holds by construction.

    audio ──log-mels (43 ms and 10 ms)── encoder 100 Hz ─╲ 50 Hz ── latents (32 x 50 Hz)
                                                                        │
    audio ◀── + ◀─ transient head: magnitude and phase, 40 ms window ◀── decoder body
              ├── tonal head: oscillators whose phase runs on from frame to frame ◀┤
              └── noise head: white noise x band gains every 2.5 ms ◀──────────────┘
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.models.base import ConfigMixin, ModelMixin, register_to_config
from engine.spectral import FRAME, SAMPLE_RATE, LogMel, mel_filterbank, overlap_add

TONAL_WINDOW = 1920
NOISE_WINDOW, NOISE_HOP = 480, 120
SUBFRAMES = FRAME // NOISE_HOP
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


class Oscillators(nn.Module):
    """A bank of sinusoids, each free to move within its own stretch of the frequency axis.

    Predicted phases do not stay coherent from frame to frame, so a steady tone comes out as noise.
    Here only frequency and amplitude are predicted and the phase is their running sum; each
    sinusoid is written into the frame's spectrum as the main lobe of the window (Rodet and
    Depalle 1992, "Spectral envelopes and inverse FFT synthesis").
    """

    centres: Tensor
    reach: Tensor

    def __init__(self, width: int, count: int, low_hz: float = 70.0, high_hz: float = 12_000.0) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 2 * count)
        nn.init.zeros_(self.linear.weight)
        with torch.no_grad():
            self.linear.bias.copy_(torch.tensor([-3.0] * count + [0.0] * count))
        low_mel, high_mel = (2595 * math.log10(1 + hz / 700) for hz in (low_hz, high_hz))
        mel = torch.linspace(low_mel, high_mel, count + 2)
        edges = 700 * (10 ** (mel / 2595) - 1)
        self.register_buffer("centres", edges[1:-1], persistent=False)
        self.register_buffer("reach", 0.5 * (edges[2:] - edges[:-2]), persistent=False)

    def forward(self, features: Tensor, magnitude: Tensor) -> tuple[Tensor, Tensor]:
        """Amplitude and frequency in Hz, both (B, F, count).

        features: (B, F, width); magnitude: (B, F), RMS of the transient head's bins, which the
        amplitudes are relative to: where a sound is silent its tones are, from the first step on.
        """
        level, offset = self.linear(features).float().chunk(2, -1)
        scale = magnitude.detach()[..., None] * (4 / TONAL_WINDOW)  # a sinusoid's peak bin is its amplitude x N / 4
        return torch.exp(level.clamp(max=6)) * scale, self.centres + self.reach * torch.tanh(offset)

    @staticmethod
    def phases(frequency: Tensor, pinned: Tensor, frame: int = 0) -> Tensor:
        """Phase at each frame's centre.

        frequency: (B, F, count) in Hz, pinned: (B, count), the phases at ``frame`` -> (B, F, count).
        """
        step = 2 * math.pi * FRAME / SAMPLE_RATE * 0.5 * (frequency[:, 1:] + frequency[:, :-1])
        moved = torch.cumsum(step.double(), 1).remainder(2 * math.pi).float()
        phase = torch.cat([torch.zeros_like(pinned)[:, None], moved], 1)
        return phase + (pinned - phase[:, frame])[:, None]

    @staticmethod
    def spectrum(amplitude: Tensor, frequency: Tensor, phase: Tensor) -> Tensor:
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


class Codec(ModelMixin, ConfigMixin):
    """Encoder and stochastic three-headed decoder between unit-level audio and latents.

    A decoder that predicts phase alone turns noise into a buzz and tones into noise; the noise head
    shapes fresh white noise every 2.5 ms instead, which keeps hiss, rain and the body of an impact
    natural and lets attacks stay within one sub-frame, and the oscillators hold tones.
    """

    spread: Tensor
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
        slow_blocks: int = 5,
        fast_blocks: int = 4,
        expand: int = 3,
        oscillators: int = 80,
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
            nn.Conv1d(latent_channels, width, 5, padding=2),
            *[ConvNeXtBlock(width, expand) for _ in range(slow_blocks)],
            nn.ConvTranspose1d(width, width, 4, stride=2, padding=1),
            *[ConvNeXtBlock(width, expand) for _ in range(fast_blocks)],
        )
        self.norm = nn.LayerNorm(width)
        self.transient = nn.Linear(width, TONAL_WINDOW + 2)
        self.bank = Oscillators(width, oscillators)
        self.noise = nn.Linear(width, SUBFRAMES * noise_bands)
        nn.init.constant_(self.noise.bias, -3.0)
        # Bands to bins. Bins that no band covers get gain zero: left at one they rumble and whistle.
        filters = mel_filterbank(noise_bands, NOISE_WINDOW)
        self.register_buffer("spread", filters / (filters.sum(0, keepdim=True) + 1e-6), persistent=False)
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

    def features(self, latents: Tensor) -> Tensor:
        """The deterministic part of the decoder. latents: (B, C, T) -> (B, 2 T, width)."""
        return self.norm(self.body(latents).transpose(1, 2))

    def partials(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the two heads that are not noise make of features (B, F, width), F frames of 10 ms.

        Returns the transients' spectrum, complex (B, bins, F), and the tones' amplitude and
        frequency in Hz, both (B, F, oscillators).
        """
        level, angle = self.transient(features).transpose(1, 2).float().chunk(2, 1)
        magnitude = torch.exp(level.clamp(max=6))
        amplitude, frequency = self.bank(features, magnitude.square().mean(1).sqrt())
        return torch.polar(magnitude, angle), amplitude, frequency

    def sounded(self, partials: tuple[Tensor, Tensor, Tensor], pinned: Tensor, frame: int = 0) -> tuple[Tensor, Tensor]:
        """Partials as audio; pinned: (B, oscillators), the tones' phases at ``frame``.

        Returns audio (B, F * 480) and the phases at every frame (B, F, oscillators).
        """
        transients, amplitude, frequency = partials
        phase = self.bank.phases(frequency, pinned, frame)
        spectrum = transients + self.bank.spectrum(amplitude, frequency, phase)
        return overlap_add(torch.fft.irfft(spectrum, TONAL_WINDOW, dim=1), self.tonal_window, FRAME), phase

    def voiced(self, features: Tensor, pinned: Tensor, frame: int = 0) -> tuple[Tensor, Tensor]:
        """What is not noise, transients and tones, of features (B, F, width); as :meth:`sounded`."""
        return self.sounded(self.partials(features), pinned, frame)

    def start_phases(self, batch: int) -> Tensor:
        """Random phases to start from, (batch, oscillators), from torch's global generator."""
        return 2 * math.pi * torch.rand(batch, self.config.oscillators, device=self.device)

    def noise_gains(self, features: Tensor) -> Tensor:
        """features: (B, F, width) -> linear gains of the noise, (B, 241 bins, 4 F sub-frames)."""
        batch, frames = features.shape[:2]
        bands = self.noise(features).float().reshape(batch, frames * SUBFRAMES, self.noise_bands)
        covered = (self.spread.sum(0) > 0.5).float()
        return (torch.exp((bands @ self.spread).clamp(max=5)) * covered).transpose(1, 2)

    def noise_part(self, gains: Tensor, white: Tensor) -> Tensor:
        """Shape white noise (B, L) by gains (B, 241, L // 120) -> (B, L)."""
        spectrum = torch.stft(white, NOISE_WINDOW, NOISE_HOP, window=self.noise_window, return_complex=True)
        shaped = spectrum[..., : gains.shape[-1]] * gains
        padded = F.pad(shaped, (0, 1))
        return torch.istft(padded, NOISE_WINDOW, NOISE_HOP, window=self.noise_window, length=white.shape[-1])

    def decode(self, latents: Tensor, white: Tensor) -> Tensor:
        """latents: (B, C, T), white: (B, T * 960) standard normal -> audio (B, T * 960)."""
        features = self.features(latents)
        voiced, _ = self.voiced(features, self.start_phases(len(latents)))
        return voiced + self.noise_part(self.noise_gains(features), white)
