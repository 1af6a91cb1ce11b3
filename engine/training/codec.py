"""Codec training by energy distance on level-normalised audio."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.loudness import factor_level
from engine.models.codec import LATENT_HOP, Codec
from engine.spectral import ENERGY_SCALES, FRAME, SAMPLE_RATE, LogMel, MultiScaleLogMel
from engine.training.corpus import Corpus
from engine.training.loop import train

CROP = 30 * LATENT_HOP
"""Samples per training crop: 0.6 s, long enough for the longest window to see whole attacks."""

TONE_WINDOW, TONE_BANDS = 4096, 256
"""One view more than the six that judge: in it partials stand apart."""


def random_crop(clip: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A crop of a clip at a random place, or the whole of a short one at a random place."""
    if len(clip) > CROP:
        start = rng.integers(0, len(clip) - CROP)
        return clip[start : start + CROP]
    padded = np.zeros(CROP, np.float32)
    start = rng.integers(0, CROP - len(clip) + 1)
    padded[start : start + len(clip)] = clip
    return padded


class Tones(nn.Module):
    """Where the tones of a recording lie, one for each oscillator: what their frequencies are taught by."""

    slots: Tensor
    frequencies: Tensor
    window: Tensor

    def __init__(self, codec: Codec) -> None:
        super().__init__()
        bank = codec.bank
        bins = torch.arange(TONE_WINDOW // 2 + 1) * (SAMPLE_RATE / TONE_WINDOW)
        away = (bins[:, None] - bank.centres.cpu()).abs() / bank.reach.cpu().clamp(min=SAMPLE_RATE / TONE_WINDOW)
        self.register_buffer("slots", (1 - away).clamp(min=0))
        self.register_buffer("frequencies", bins)
        self.register_buffer("window", torch.hann_window(TONE_WINDOW))

    def forward(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """audio: (B, L) -> frequency in Hz and how far it is to be believed (0..1), both (B, L // 480, oscillators)."""
        half = TONE_WINDOW // 2
        padded = F.pad(audio, (half - FRAME // 2, half + FRAME // 2))
        spectrum = torch.stft(padded, TONE_WINDOW, FRAME, window=self.window, center=False, return_complex=True)
        power = spectrum.abs().square()[..., : audio.shape[-1] // FRAME].transpose(1, 2)
        sharp = power.square()
        total = sharp @ self.slots
        frequency = (sharp * self.frequencies) @ self.slots / (total + 1e-12)
        concentration = total / ((power @ self.slots).square() + 1e-12)
        loud = (power @ self.slots) / (power.sum(-1, keepdim=True) + 1e-9)
        believed = ((concentration - 0.15) / 0.3).clamp(0, 1) * (30 * loud).clamp(0, 1)
        return frequency, believed


def train_codec(
    corpus: Corpus,
    checkpoint: Path,
    *,
    minutes: float,
    total_minutes: float,
    batch: int = 16,
    rate: float = 8e-4,
    scales_per_step: int = 3,
    decoder_of: Codec | None = None,
    device: str = "cpu",
    seed: int = 0,
) -> Codec:
    """Train (or go on training) the codec; returns the averaged network.

    decoder_of: a trained codec whose encoder stays as it is while its decoder is refined, so that
    latents made with it stay good.
    """
    torch.manual_seed(seed)
    codec = (decoder_of or Codec()).to(device).train()
    codec.encoder.requires_grad_(decoder_of is None)
    views = MultiScaleLogMel().to(device)
    fine = LogMel(TONE_WINDOW, TONE_WINDOW // 4, TONE_BANDS).to(device)
    tones = Tones(codec).to(device)
    rng = np.random.default_rng()
    clips = corpus.training
    weight = np.array([min(c.length, 10 * SAMPLE_RATE) for c in clips], float) ** 0.5
    weight /= weight.sum()
    trained = [p for p in codec.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, rate, betas=(0.8, 0.99), weight_decay=1e-3)

    def draw() -> Tensor:
        picks = rng.choice(len(clips), batch, p=weight)
        crops = [random_crop(corpus.audio(clips[i]), rng) for i in picks]
        level = 10 ** (rng.uniform(-14, 0, (batch, 1)) / 20)
        return torch.from_numpy((np.stack(crops) * level).astype(np.float32)).to(device)

    def step() -> tuple[Tensor, dict[str, float]]:
        audio, _ = factor_level(draw())
        with torch.autocast(device, torch.bfloat16):
            mean, log_variance = codec.encode(audio)
            latents = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
            features = codec.features(latents)
            gains = codec.noise_gains(features).float()
            partials = codec.partials(features)
            voiced = [codec.sounded(partials, codec.start_phases(batch))[0].float() for _ in "ab"]
            frequency = partials[2]
        draws = [part + codec.noise_part(gains, torch.randn_like(audio)) for part in voiced]
        used = rng.choice(len(ENERGY_SCALES), scales_per_step, replace=False)
        seen = [[*(views.scales[i](y) for i in used), fine(y)] for y in (audio, *draws)]
        near = views.distance(seen[0], seen[1]) + views.distance(seen[0], seen[2])
        apart = views.distance(seen[1], seen[2])
        energy = near - apart
        mean, log_variance = mean.float(), log_variance.float()
        divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).mean()
        wanted, believed = tones(audio)
        missed = ((frequency.float() - wanted).abs() / codec.bank.reach * believed).sum() / (believed.sum() + 1)
        figures = {"energy": energy, "near": near / 2, "apart": apart, "kl": divergence, "tones": missed}
        return 15 * energy + 0.01 * divergence + missed, {k: float(v.detach()) for k, v in figures.items()}

    ema = train(
        codec, [optimizer], step, checkpoint,
        minutes=minutes, total_minutes=total_minutes, clip=10.0, ema_decay=0.998,
    )  # fmt: skip
    return ema.network  # type: ignore[return-value]
