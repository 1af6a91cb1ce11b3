"""What a picture tells of time: when something touches, and how strongly it goes on sounding.

A small convolutional network over the features of motion (:mod:`engine.models.visual`) of the whole picture and of
what the mask shows, learned from scenes whose events are known to the frame. It draws the curve
(:mod:`engine.picture_curve`); what sounds, and how, is not its matter.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.models.base import ConfigMixin, ModelMixin, register_to_config
from engine.models.visual import MOTION_WIDTH
from engine.video import GRID_HZ

PER_FRAME = 2
STEP_S = 1 / (PER_FRAME * GRID_HZ)
"""A frame of the 25 Hz grid is told in two steps of 20 ms: contacts are heard more sharply than they are filmed."""


class Told(NamedTuple):
    """What was read in N frames; logits, so before the sigmoid."""

    contact: Tensor
    """(B, 2 N) something touches in this step."""
    swell: Tensor
    """(B, 2 N) how much of its loudest a sound that goes on has here."""


class DilatedBlock(nn.Module):
    """A dilated convolution over time that adds to what it is given."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, width)
        self.wide = nn.Conv1d(width, width, 5, padding=2 * dilation, dilation=dilation)
        self.out = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, N), B pictures, C channels, N frames -> same shape."""
        return torch.as_tensor(x + self.out(F.gelu(self.wide(self.norm(x)))))


class ContactReader(ModelMixin, ConfigMixin):
    """Reads contacts and swells from features of motion; sees 1.5 s to either side."""

    @register_to_config
    def __init__(self, width: int = 64, dilations: tuple[int, ...] = (1, 2, 4, 8, 1, 2)) -> None:
        super().__init__()
        self.first = nn.Conv1d(2 * MOTION_WIDTH, width, 5, padding=2)
        self.blocks = nn.Sequential(*(DilatedBlock(width, dilation) for dilation in dilations))
        self.out = nn.Conv1d(width, 2 * PER_FRAME, 1)
        with torch.no_grad():
            torch.as_tensor(self.out.bias).fill_(-3.0)  # contacts are rare

    def forward(self, full: Tensor, masked: Tensor) -> Told:
        """full, masked: (B, N, F) features of motion, the same twice without a mask."""
        seen = torch.cat([full, masked], -1).transpose(1, 2)
        told = self.out(self.blocks(self.first(seen.to(self.dtype))))
        contact, swell = told.transpose(1, 2).float().unflatten(-1, (2, PER_FRAME)).unbind(2)
        return Told(contact.flatten(1), swell.flatten(1))
