"""Texture: a take's sound at unit level, decoded from tokens piece by piece.

Noise and tones are a function of seed and place alone, so that any piece can be had without those before it, and the
same wherever a take is cut.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from engine.models.codec import LATENT_HOP
from engine.models.denoiser import LATENTS_PER_TOKEN, LEVELS_PER_TOKEN, from_tokens, unscale_level
from engine.models.store import Models
from engine.sampler import seeded
from engine.spectral import SAMPLE_RATE
from engine.streaming import Piece, own

DECODE_MARGIN_TOKENS = 12
"""The decoder looks less than 0.5 s to either side."""

TOKEN_SAMPLES = LATENTS_PER_TOKEN * LATENT_HOP


@torch.inference_mode()
def texture(
    models: Models, piece: Piece, seeds: Sequence[int], channels: int, phases: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Tokens and pitch with margins -> the piece's own sound at unit level.

    phases: (takes, harmonics) where the piece begins, as returned by the one before; None at the
    start of a take. Returns texture (takes, channels, L), inner level (takes, n) in dBFS, and the
    phases where the piece ends.
    """
    codec, denoiser = models.codec, models.denoiser
    latents, level = from_tokens(piece.parts[0].transpose(1, 2))
    latents = latents * denoiser.latent_std.float() + denoiser.latent_mean.float()
    pitch = piece.parts[1]
    features = codec.features(latents.transpose(1, 2).to(codec.dtype), pitch)
    if phases is None:
        phases = torch.stack([start_phases(seed, codec.config.harmonics) for seed in seeds]).to(features.device)
    heads = codec.heads(features, pitch)
    sounded, turning = codec.sounded(heads, phases, piece.left * LEVELS_PER_TOKEN)
    begin = (piece.first - piece.left) * TOKEN_SAMPLES
    sides = []
    for channel in range(channels):
        white = torch.stack([white_noise(seed, channel, begin, sounded.shape[-1]) for seed in seeds])
        sides.append(sounded + codec.noise_part(heads, white.to(features.device)))
    sound = own(torch.stack(sides, 1).float().cpu(), piece, TOKEN_SAMPLES)
    end = min((piece.left + piece.count) * LEVELS_PER_TOKEN, turning.shape[1] - 1)
    return sound, own(unscale_level(level).cpu(), piece, LEVELS_PER_TOKEN), turning[:, end]


def textures(
    models: Models, pieces: Iterator[Piece], seeds: Sequence[int], channels: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Texture and inner level of each piece, tones running on from piece to piece."""
    phases: Tensor | None = None
    for piece in pieces:
        sound, inner, phases = texture(models, piece, seeds, channels, phases)
        yield sound, inner


def white_noise(seed: int, channel: int, begin: int, length: int) -> Tensor:
    """White noise of a take from sample ``begin`` on: any piece can be had without those before it. (length,)"""
    block = SAMPLE_RATE
    wanted = range(begin // block, (begin + length - 1) // block + 1)
    blocks = [torch.randn(block, generator=seeded(seed, channel, index, 1)) for index in wanted]
    offset = begin - wanted.start * block
    return torch.cat(blocks)[offset : offset + length]


def start_phases(seed: int, count: int) -> Tensor:
    """Phases at which a take's tones begin: (count,) in radians."""
    state = np.random.SeedSequence([seed, 2]).generate_state(count, np.uint32)
    return torch.from_numpy(state.astype(np.float32) * (2 * math.pi / 2**32))
