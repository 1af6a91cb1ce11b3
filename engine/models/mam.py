"""Mask-Attention Module: a new cross-attention to the picture in every block, after the text's.

Source: the paper's framework figure (arXiv 2409.06135): everything else stays frozen while it trains.
Its last layer starts at zero, so that an untrained module changes nothing, and tokens of zeros (a dropped
picture) give exactly the model without one. Sound and picture meet by their times in seconds: an attention
falls off with the distance in time, so that a picture half a second later is heard half a second later.
"""

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.models.base import ConfigMixin, ModelMixin, register_to_config
from engine.models.denoiser import TOKEN_RATE
from engine.models.visual import VisualEncoder

NARROWEST_S, WIDEST_S = 0.04, 2.0
"""Reach of the heads at first: from one token to two seconds, evenly in between on a logarithm."""


class MaskAttention(nn.Module):
    """Cross-attention of one block to the visual tokens, weighted by the distance in time."""

    def __init__(self, width: int, heads: int, video_width: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(video_width, width, bias=False)
        # Without biases, so that nothing seen is nothing added.
        self.value = nn.Linear(video_width, width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        nn.init.zeros_(self.out.weight)
        self.log_reach = nn.Parameter(torch.linspace(math.log(NARROWEST_S), math.log(WIDEST_S), heads))
        self.offset = nn.Parameter(torch.zeros(heads))

    def forward(self, x: Tensor, video: Tensor, times: Tensor, start_s: float = 0.0) -> Tensor:
        """x: (B, T, width), video: (B or 1, N, video width), times: (N,) seconds -> (B, T, width), to be added.

        start_s: time of the first token of x on the clock of ``times``.
        """
        batch, tokens, width = x.shape
        video = video.to(x.dtype).expand(batch, -1, -1)
        split = (batch, -1, self.heads, width // self.heads)
        q = self.query(self.norm(x)).view(split).transpose(1, 2)
        k, v = (layer(video).view(split).transpose(1, 2) for layer in (self.key, self.value))
        nearness = self.nearness(tokens, times, start_s).to(x.dtype)
        heard = F.scaled_dot_product_attention(q, k, v, attn_mask=nearness[None])
        return torch.as_tensor(self.out(heard.transpose(1, 2).reshape(batch, tokens, width)))

    def nearness(self, tokens: int, times: Tensor, start_s: float = 0.0) -> Tensor:
        """What is added to the attention's logits: (heads, tokens, N), 0 where the times agree, less further off."""
        own = start_s + (torch.arange(tokens, device=times.device) + 0.5) / TOKEN_RATE
        away = times[None, None] - own[None, :, None] - self.offset[:, None, None]
        return -0.5 * (away / self.log_reach.exp()[:, None, None]) ** 2


class MaskAttentionModule(ModelMixin, ConfigMixin):
    """The visual encoder and one MaskAttention per block of the denoiser: all that is trained for the picture."""

    @register_to_config
    def __init__(
        self, width: int = 256, depth: int = 8, heads: int = 4, video_width: int = 128, features: str = "motion"
    ) -> None:
        super().__init__()
        self.encoder = VisualEncoder(features, video_width)
        self.attentions = nn.ModuleList(MaskAttention(width, heads, video_width) for _ in range(depth))

    def looks(
        self, full: Tensor, masked: Tensor, *, start_s: float = 0.0, keep: Tensor | None = None
    ) -> list[Callable[[Tensor], Tensor]]:
        """The picture bound to every block's attention: what Denoiser.forward takes as ``looks``.

        full, masked: (B, N, F) features of the picture, see engine.models.visual. start_s: where on the
        picture's clock the first token lies. keep: (B, N) 0 for a frame that is not there, else 1.
        """
        if keep is None:
            keep = torch.ones(full.shape[:2], device=full.device)
        tokens, times = self.encoder(full * keep[..., None], masked * keep[..., None])
        tokens = tokens * keep.to(tokens.dtype).repeat(1, 2)[..., None]

        def bound(attention: nn.Module) -> Callable[[Tensor], Tensor]:
            return lambda x: torch.as_tensor(attention(x, tokens, times, start_s))

        return [bound(attention) for attention in self.attentions]


def guided(neither: Tensor, text: Tensor, both: Tensor, text_scale: float, video_scale: float | Tensor) -> Tensor:
    """Dual classifier-free guidance: how far to go towards the words, and how far towards the picture.

    neither, text, both: the denoiser's answers without anything, to the words, and to words and picture. The
    picture is added to what the words say, so ``video_scale`` 0 is the model without a picture, and 1 and 1
    are the plain conditional model. The scales may differ from token to token.
    """
    return neither + text_scale * (text - neither) + video_scale * (both - text)


def freeze_all_but(module: nn.Module, frozen: Sequence[nn.Module]) -> list[nn.Parameter]:
    """Stop the gradients of everything in ``frozen``; returns the parameters of ``module``, which are trained."""
    for network in frozen:
        network.eval().requires_grad_(False)
    return list(module.requires_grad_(True).parameters())
