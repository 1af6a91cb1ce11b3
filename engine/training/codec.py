"""Codec training by energy distance on level-normalised audio."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.loudness import factor_level
from engine.models.codec import LATENT_HOP, Codec
from engine.spectral import ENERGY_SCALES, MultiScaleLogMel
from engine.training.corpus import Corpus
from engine.training.loop import train

CROP = 60 * LATENT_HOP // 2
"""Samples per training crop: 0.6 s, long enough for the longest window to see whole attacks."""


def random_crop(clip: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A crop of a clip at a random place, or the whole of a short one at a random place."""
    if len(clip) > CROP:
        start = rng.integers(0, len(clip) - CROP)
        return clip[start : start + CROP]
    padded = np.zeros(CROP, np.float32)
    start = rng.integers(0, CROP - len(clip) + 1)
    padded[start : start + len(clip)] = clip
    return padded


def train_codec(
    corpus: Corpus,
    folder: Path,
    *,
    minutes: float,
    total_minutes: float,
    batch: int = 16,
    rate: float = 8e-4,
    scales_per_step: int = 3,
    device: str = "cpu",
    seed: int = 0,
) -> Codec:
    """Train (or go on training) the codec; returns the averaged network."""
    torch.manual_seed(seed)
    codec = Codec().to(device)
    views = MultiScaleLogMel().to(device)
    rng = np.random.default_rng()
    clips = corpus.training
    weight = np.array([min(c.length, 10 * 48_000) for c in clips], float) ** 0.5
    weight /= weight.sum()
    optimizer = torch.optim.AdamW(codec.parameters(), rate, betas=(0.8, 0.99), weight_decay=1e-3)

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
            tonal, gains = codec.tonal_part(features), codec.noise_gains(features)
        draws = [tonal.float() + codec.noise_part(gains.float(), torch.randn_like(audio)) for _ in "ab"]
        used = rng.choice(len(ENERGY_SCALES), scales_per_step, replace=False)
        seen = [[views.scales[i](y) for i in used] for y in (audio, *draws)]
        near = views.distance(seen[0], seen[1]) + views.distance(seen[0], seen[2])
        apart = views.distance(seen[1], seen[2])
        mean, log_variance = mean.float(), log_variance.float()
        divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).mean()
        energy = near - apart
        figures = {"energy": energy.item(), "near": near.item() / 2, "apart": apart.item(), "kl": divergence.item()}
        return 15 * energy + 0.01 * divergence, figures

    ema = train(
        codec, [optimizer], step, folder / "codec.pt",
        minutes=minutes, total_minutes=total_minutes, clip=10.0, ema_decay=0.998,
    )  # fmt: skip
    return ema.network  # type: ignore[return-value]
