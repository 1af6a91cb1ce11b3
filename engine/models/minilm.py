"""all-MiniLM-L6-v2's network: six layers of BERT, straight from the official weights.

The same numbers as transformers' `BertModel`, whose import alone takes longer than a take.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

LAYERS, HEADS, EPSILON = 6, 12, 1e-12


class MiniLM:
    """Token ids in, one vector per token out, in float32."""

    def __init__(self, path: Path) -> None:
        """path: the official model.safetensors."""
        self.weights = {name: weight.float() for name, weight in load_file(path).items() if weight.is_floating_point()}

    @torch.no_grad()
    def __call__(self, ids: Tensor, real: Tensor) -> Tensor:
        """ids: (B, S) and real: (B, S), True where a token is no padding -> (B, S, 384)."""
        tables = (self.weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "token_type", "position"))
        words, kinds, places = tables
        x = self._norm(words[ids] + kinds[0] + places[: ids.shape[1]], "embeddings")
        seen = None if bool(real.all()) else real[:, None, None, :]
        for layer in (f"encoder.layer.{index}" for index in range(LAYERS)):
            query, key, value = (self._heads(x, f"{layer}.attention.self.{n}") for n in ("query", "key", "value"))
            heard = F.scaled_dot_product_attention(query, key, value, attn_mask=seen)
            heard = heard.transpose(1, 2).flatten(2)
            x = self._norm(self._linear(heard, f"{layer}.attention.output.dense") + x, f"{layer}.attention.output")
            inner = F.gelu(self._linear(x, f"{layer}.intermediate.dense"))
            x = self._norm(self._linear(inner, f"{layer}.output.dense") + x, f"{layer}.output")
        return x

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def _heads(self, x: Tensor, name: str) -> Tensor:
        """(B, S, 384) -> (B, heads, S, 32)."""
        return self._linear(x, name).unflatten(2, (HEADS, -1)).transpose(1, 2)

    def _norm(self, x: Tensor, name: str) -> Tensor:
        weight, bias = (self.weights[f"{name}.LayerNorm.{part}"] for part in ("weight", "bias"))
        return F.layer_norm(x, weight.shape, weight, bias, EPSILON)
