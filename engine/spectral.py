"""Short-time spectra shared by the networks, their losses and the evaluation.

All functions take mono audio at :data:`SAMPLE_RATE` as float tensors of shape (B, L):
B batch, L samples.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SAMPLE_RATE = 48_000
"""The engine's own rate in Hz; other rates are resampled at the border."""

FRAME = 480
"""Hop of every frame-wise quantity in samples: 10 ms."""


def mel_filterbank(bands: int, n_fft: int, low_hz: float = 20.0) -> Tensor:
    """Triangular mel filters (HTK formula) as a (bands, n_fft // 2 + 1) matrix with unit peaks."""
    mel_low, mel_high = (2595 * math.log10(1 + hz / 700) for hz in (low_hz, SAMPLE_RATE / 2))
    mels = torch.linspace(mel_low, mel_high, bands + 2, dtype=torch.float64)
    edges = 700 * (10 ** (mels / 2595) - 1)
    bins = torch.linspace(0, SAMPLE_RATE / 2, n_fft // 2 + 1, dtype=torch.float64)
    rising = (bins[None] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins[None]) / (edges[2:] - edges[1:-1])[:, None]
    return torch.minimum(rising, falling).clamp(min=0).float()


class LogMel(nn.Module):
    """log10 of the mel-weighted magnitude spectrum, floored at 1e-5."""

    window: Tensor
    filters: Tensor

    def __init__(self, n_fft: int, hop: int, bands: int) -> None:
        super().__init__()
        self.n_fft, self.hop, self.bands = n_fft, hop, bands
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        self.register_buffer("filters", mel_filterbank(bands, n_fft), persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        """audio: (B, L) -> (B, bands, 1 + L // hop)."""
        spectrum = torch.stft(audio, self.n_fft, self.hop, window=self.window, return_complex=True)
        return torch.log10((self.filters @ spectrum.abs()).clamp(min=1e-5))


ENERGY_SCALES = ((64, 12), (128, 24), (256, 40), (512, 64), (1024, 96), (2048, 160))
"""(window in samples, mel bands) of the six scales; the hop is a quarter of the window."""


class MultiScaleLogMel(nn.Module):
    """The six log-mel views in which the codec is trained and judged.

    Source of the loss built on them: Gritsenko et al. 2020, "A spectral energy distance for
    parallel speech synthesis" (arXiv 2008.01160): with two independent draws y1, y2 of the
    decoder, ``d(x, y1) + d(x, y2) - d(y1, y2)`` is smallest when the draws are distributed as x,
    whereas a plain ``d(x, y)`` is smallest for a smeared average.
    """

    def __init__(self) -> None:
        super().__init__()
        self.scales = nn.ModuleList(LogMel(n, n // 4, bands) for n, bands in ENERGY_SCALES)

    def forward(self, audio: Tensor) -> list[Tensor]:
        """audio: (B, L) -> one (B, bands, frames) tensor per scale."""
        return [scale(audio) for scale in self.scales]

    @staticmethod
    def distance(a: list[Tensor], b: list[Tensor]) -> Tensor:
        """Mean absolute log10 difference over all scales: a scalar."""
        return torch.stack([(x - y).abs().mean() for x, y in zip(a, b, strict=True)]).mean()


def overlap_add(frames: Tensor, window: Tensor, hop: int) -> Tensor:
    """Windowed overlap-add with "same" padding, normalised by the window's power.

    torch.istft cannot do this padding (pytorch issue 62323): it wants centred frames.

    frames: (B, n, T) time-domain frames, window: (n,) -> (B, T * hop).
    """
    n, count = frames.shape[1], frames.shape[2]
    size = (1, (count - 1) * hop + n)
    total = F.fold(frames * window[None, :, None], size, (1, n), stride=(1, hop))[:, 0, 0]
    power = F.conv_transpose1d(window.new_ones(1, 1, count), window.square()[None, None], stride=hop)[0]
    start = (n - hop) // 2
    stop = start + count * hop
    return total[:, start:stop] / power[:, start:stop].clamp(min=1e-4)
