"""Denoiser: the diffusion network, with text cross-attention and the Time-Loudness Module (TLM).

One token stands for 40 ms: two latents of the codec and the four level frames that lie over them.
The network denoises both together. Where the curve is drawn tight the level it makes is not used;
where it is drawn loose, or not drawn, the level it makes is the sound's own inner dynamics.

    noisy latents + level ── linear ──(+)── block x depth ── linear ── velocity
                                       ▲      │ self-attention
    curve ── signal encoder (TLM) ─────┘      │ cross-attention to the text
             zero-initialised                 │ cross-attention to the video (MAM, if there is one)
                                              └ convolutional perceptron
"""

import math
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.models.base import ConfigMixin, ModelMixin, register_to_config

LATENTS_PER_TOKEN = 2
LEVELS_PER_TOKEN = 4
TOKEN_RATE = 25
"""Tokens per second."""

SMOOTHING_FRAMES = (1, 9, 31)
"""Widths of the box filters through which the TLM also sees the curve: 10, 90 and 310 ms."""

LEVEL_CENTRE_DB, LEVEL_SPREAD_DB = -40.0, 20.0
"""What a level in dBFS is shifted and scaled by before any network sees it."""


class Condition(NamedTuple):
    """What a take is asked to be. B batch, T tokens, S text tokens, E text width."""

    text: Tensor
    """Token embeddings of the prompt: (B, S, E)."""
    text_mask: Tensor
    """True where a text token is real: (B, S)."""
    sentence: Tensor
    """Embedding of the whole prompt, zeros for none: (B, E)."""
    curve: Tensor
    """Asked level per 10 ms, scaled like the levels; anything where undrawn: (B, 4 T)."""
    drawn: Tensor
    """1 where the curve is drawn, else 0: (B, 4 T)."""
    loose: Tensor
    """1 where the curve is the running maximum of the level, 0 where it is the level: (B,)."""


class TimeLoudnessModule(nn.Module):
    """Signal encoder of the loudness curve, added to the noisy latents before the network.

    Source: the paper's framework figure (arXiv 2409.06135). The last layer starts at zero, so
    that an untrained module changes nothing.
    """

    def __init__(self, width: int, hidden: int = 128) -> None:
        super().__init__()
        channels = LEVELS_PER_TOKEN * (len(SMOOTHING_FRAMES) + 2)
        self.first = nn.Conv1d(channels, hidden, 5, padding=2)
        self.last = nn.Conv1d(hidden, width, 5, padding=2)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, curve: Tensor, drawn: Tensor, loose: Tensor) -> Tensor:
        """curve and drawn: (B, 4 T), loose: (B,) -> (B, T, width)."""
        level = curve * drawn
        views = [level if n == 1 else F.avg_pool1d(level[:, None], n, 1, n // 2)[:, 0] for n in SMOOTHING_FRAMES]
        signal = torch.stack([*views, drawn, drawn * loose[:, None]], 1)
        batch, channels, frames = signal.shape
        grouped = signal.reshape(batch, channels, frames // LEVELS_PER_TOKEN, LEVELS_PER_TOKEN)
        grouped = grouped.permute(0, 1, 3, 2).reshape(batch, channels * LEVELS_PER_TOKEN, -1)
        return self.last(F.gelu(self.first(grouped), approximate="tanh")).transpose(1, 2)


def rotary(tokens: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines of rotary position embedding (Su et al. 2021): two (tokens, width / 2)."""
    frequency = 1 / 10_000 ** (torch.arange(0, width, 2, device=device) / width)
    angle = torch.arange(tokens, device=device)[:, None] * frequency
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turn pairs of channels of x (B, heads, T, width) by the angles of :func:`rotary`."""
    a, b = x.float().chunk(2, -1)
    return torch.cat([a * cosine - b * sine, a * sine + b * cosine], -1).to(x.dtype)


class HeadNorm(nn.RMSNorm):
    """RMS norm in its input's precision: under autocast the weight would force a slow mixed one."""

    def forward(self, x: Tensor) -> Tensor:
        """x: (..., width) -> same shape."""
        return F.rms_norm(x, (x.shape[-1],), self.weight.to(x.dtype), self.eps)


class Attention(nn.Module):
    """Multi-head attention with normalised queries and keys; attends to itself or to a context."""

    def __init__(self, width: int, heads: int, context_width: int | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(context_width or width, width, bias=False)
        self.value = nn.Linear(context_width or width, width, bias=False)
        self.query_norm = HeadNorm(width // heads)
        self.key_norm = HeadNorm(width // heads)
        self.out = nn.Linear(width, width)

    def forward(
        self,
        x: Tensor,
        context: Tensor | None = None,
        mask: Tensor | None = None,
        positions: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """x: (B, T, width), context: (B, S, context width) or x itself, mask: (B, S) -> (B, T, width)."""
        source = x if context is None else context
        split = (x.shape[0], -1, self.heads, x.shape[-1] // self.heads)
        q = self.query_norm(self.query(x).view(split)).transpose(1, 2)
        k = self.key_norm(self.key(source).view(split)).transpose(1, 2)
        v = self.value(source).view(split).transpose(1, 2)
        if positions is not None:
            q, k = rotate(q, *positions), rotate(k, *positions)
        keep = None if mask is None else mask[:, None, None]
        y = F.scaled_dot_product_attention(q.to(v.dtype), k.to(v.dtype), v, attn_mask=keep)
        return self.out(y.transpose(1, 2).reshape(x.shape))


class ConvolutionalMlp(nn.Module):
    """Perceptron per token whose hidden layer also looks at its neighbours in time."""

    def __init__(self, width: int, expand: int = 4, kernel: int = 3) -> None:
        super().__init__()
        self.up = nn.Linear(width, width * expand)
        self.depthwise = nn.Conv1d(width * expand, width * expand, kernel, padding=kernel // 2, groups=width * expand)
        self.down = nn.Linear(width * expand, width)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, T, width) -> same shape."""
        y = self.up(x)
        y = y + self.depthwise(y.transpose(1, 2)).transpose(1, 2)
        return self.down(F.gelu(y, approximate="tanh"))


class DenoiserBlock(nn.Module):
    """Self-attention, text attention, video attention (if a MAM is attached) and perceptron."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.self_norm = nn.LayerNorm(width, elementwise_affine=False)
        self.self_attention = Attention(width, heads)
        self.text_norm = nn.LayerNorm(width)
        self.text_attention = Attention(width, heads, width)
        self.mlp_norm = nn.LayerNorm(width, elementwise_affine=False)
        self.mlp = ConvolutionalMlp(width)
        self.modulation = nn.Linear(width, 6 * width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(
        self,
        x: Tensor,
        state: Tensor,
        text: Tensor,
        text_mask: Tensor,
        positions: tuple[Tensor, Tensor],
        look: Callable[[Tensor], Tensor] | None = None,
    ) -> Tensor:
        """x: (B, T, width), state: (B, width) noise level and sentence, text: (B, S, width) -> like x.

        look: the MAM's attention of this block, x -> (B, T, width), added after the text's share.
        """
        shift, scale, gate, mlp_shift, mlp_scale, mlp_gate = self.modulation(state)[:, None].chunk(6, -1)
        x = x + gate * self.self_attention(self.self_norm(x) * (1 + scale) + shift, positions=positions)
        x = x + self.text_attention(self.text_norm(x), text, text_mask)
        if look is not None:
            x = x + look(x)
        return x + mlp_gate * self.mlp(self.mlp_norm(x) * (1 + mlp_scale) + mlp_shift)


class Denoiser(ModelMixin, ConfigMixin):
    """Velocity of the flow from sound (time 0) to noise (time 1), for latents and level together.

    ``latent_mean`` and ``latent_std`` (per channel) scale the codec's latents to unit variance;
    they are buffers, so that they travel with the weights.
    """

    latent_mean: Tensor
    latent_std: Tensor

    @register_to_config
    def __init__(
        self,
        latent_channels: int = 32,
        width: int = 256,
        depth: int = 6,
        heads: int = 4,
        text_width: int = 384,
    ) -> None:
        super().__init__()
        token = LATENTS_PER_TOKEN * latent_channels + LEVELS_PER_TOKEN
        self.head_width = width // heads
        self.register_buffer("latent_mean", torch.zeros(latent_channels))
        self.register_buffer("latent_std", torch.ones(latent_channels))
        self.input = nn.Linear(token, width)
        self.tlm = TimeLoudnessModule(width)
        self.time = nn.Sequential(nn.Linear(256, width), nn.SiLU(), nn.Linear(width, width))
        self.sentence = nn.Linear(text_width, width)
        self.text = nn.Linear(text_width, width)
        self.blocks = nn.ModuleList(DenoiserBlock(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, token)
        nn.init.zeros_(self.output.weight)

    def state(self, time: Tensor, sentence: Tensor) -> Tensor:
        """What every block is told: time (B,) in 0..1 and sentence (B, E) -> (B, width)."""
        # In float32 always: 1000 x time has no room in eight bits.
        frequency = torch.exp(-math.log(10_000) * torch.arange(128, device=time.device) / 128)
        angle = 1000 * time[:, None] * frequency
        # A unit sentence embedding has entries around 0.05; at 20 x they weigh as much as the time.
        waves = torch.cat([angle.cos(), angle.sin()], -1).to(self.dtype)
        told = self.time(waves) + self.sentence(20 * sentence.to(self.dtype))
        return F.silu(told)

    def forward(
        self, noisy: Tensor, time: Tensor, condition: Condition, looks: Sequence[Callable[[Tensor], Tensor]] = ()
    ) -> Tensor:
        """noisy: (B, T, 2 latent channels + 4 levels), time: (B,) in 0..1 -> velocity, like noisy.

        looks: the MAM's attention for each block, already bound to the picture; none without a picture.
        """
        state = self.state(time, condition.sentence)
        text = self.text(condition.text.to(self.dtype))
        signal = (part.to(self.dtype) for part in (condition.curve, condition.drawn, condition.loose))
        x = self.input(noisy.to(self.dtype)) + self.tlm(*signal)
        positions = rotary(noisy.shape[1], self.head_width, noisy.device)
        for block, look in zip_longest(self.blocks, looks):
            x = block(x, state, text, condition.text_mask, positions, look)
        return self.output(self.norm(x))


def scale_level(db: Tensor) -> Tensor:
    """Level in dBFS as the networks see it."""
    return (db - LEVEL_CENTRE_DB) / LEVEL_SPREAD_DB


def unscale_level(level: Tensor) -> Tensor:
    """The inverse of :func:`scale_level`: dBFS."""
    return level * LEVEL_SPREAD_DB + LEVEL_CENTRE_DB


def to_tokens(latents: Tensor, level: Tensor) -> Tensor:
    """latents: (B, 2 T, C) and level: (B, 4 T), both scaled -> tokens (B, T, 2 C + 4)."""
    batch, count, _ = latents.shape
    tokens = count // LATENTS_PER_TOKEN
    return torch.cat([latents.reshape(batch, tokens, -1), level.reshape(batch, tokens, LEVELS_PER_TOKEN)], -1)


def from_tokens(tokens: Tensor) -> tuple[Tensor, Tensor]:
    """The inverse of :func:`to_tokens`."""
    batch, count, width = tokens.shape
    latents = tokens[..., : width - LEVELS_PER_TOKEN].reshape(batch, LATENTS_PER_TOKEN * count, -1)
    return latents, tokens[..., width - LEVELS_PER_TOKEN :].reshape(batch, -1)
