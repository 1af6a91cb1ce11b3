"""A cue's picture on the take's clock: what the Mask-Attention Module is shown of it, window by window.

            handle │          span           │ handle │ tail
picture            │ 0 ───── frames ────▶ shown      ·        · nothing is seen there, the words and the curve rule
window        [first ── tokens ──]
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.cue import Cue
from engine.footage import footage_of
from engine.models.denoiser import TOKEN_RATE
from engine.models.mam import WIDEST_S, MaskAttentionModule
from engine.models.visual import Sight, see
from engine.video import GRID_HZ


@dataclass(frozen=True, eq=False)
class Picture:
    """What is seen of a cue's span, and the module that looks at it."""

    module: MaskAttentionModule
    sight: Sight
    warnings: Sequence[str] = ()

    @classmethod
    def of(cls, cue: Cue, module: MaskAttentionModule | None) -> "Picture | None":
        """The picture of a cue; None where there is no module to look at it, or no video.

        Raises VideoError for a video or mask that cannot be used, MissingModel for a mask without its weights.
        """
        if module is None or cue.video is None:
            return None
        seen = footage_of(cue)
        return cls(module, see(seen, module.config["features"]), seen.warnings)

    def looks(self, start_s: float, tokens: int) -> list[Callable[[Tensor], Tensor]]:
        """What ``tokens`` tokens from ``start_s`` on (seconds from the cue's start) see; nothing beyond the picture."""
        first = math.floor((start_s - WIDEST_S) * GRID_HZ)
        stop = math.ceil((start_s + tokens / TOKEN_RATE + WIDEST_S) * GRID_HZ)
        frames = np.arange(first, stop)
        there = (frames >= 0) & (frames < self.sight.shown)
        if not there.any():
            return []
        device = next(self.module.parameters()).device
        rows = frames.clip(0, self.sight.shown - 1)
        full, masked = (torch.from_numpy(seen[rows])[None].to(device) for seen in (self.sight.full, self.sight.masked))
        keep = torch.from_numpy(there.astype(np.float32))[None].to(device)
        return self.module.looks(full, masked, start_s=start_s - first / GRID_HZ, keep=keep)
