"""Level of audio over time: measuring it, factoring it out, putting it back.

A *level frame* is the RMS over a 20 ms window every 10 ms, in dB relative to full scale:

    samples   0        480       960
    slot      |-- t=0 --|-- t=1 --|
    window  [---- t=0 -----]             (from 480 t - 240 to 480 t + 720, centred on the slot)
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.spectral import FRAME

WINDOW = 2 * FRAME
LEVEL_FLOOR_DB = -90.0
"""Measured levels stop here: 10 log10 of the 1e-9 added to the power."""

UNIT_FLOOR_DB = -60.0
"""Levels below this are not raised to unit level, so that room noise is not turned into a roar."""

UNIT_RMS = 0.1
"""RMS of audio whose level has been factored out: what the codec sees and makes."""


def level_db(audio: Tensor) -> Tensor:
    """Level per frame. audio: (B, L), L a multiple of 480 -> (B, L // 480) in dBFS RMS."""
    padded = F.pad(audio[:, None] ** 2, (FRAME // 2, FRAME // 2))
    return 10 * torch.log10(F.avg_pool1d(padded, WINDOW, FRAME)[:, 0] + 1e-9)


def per_sample(frames: Tensor) -> Tensor:
    """Linear interpolation between frame centres, ends held. frames: (B, T) -> (B, T * 480)."""
    return F.interpolate(frames[:, None], scale_factor=FRAME, mode="linear")[:, 0]


def unit_gain(db: Tensor) -> Tensor:
    """Gain per sample that brings audio of level ``db`` (B, T) to unit level: (B, T * 480)."""
    return UNIT_RMS * 10 ** (-per_sample(db.clamp(min=UNIT_FLOOR_DB)) / 20)


def factor_level(audio: Tensor) -> tuple[Tensor, Tensor]:
    """Split audio (B, L) into unit-level audio (B, L) and its level (B, L // 480) in dBFS."""
    db = level_db(audio)
    return audio * unit_gain(db), db


LOOSE_FRAMES = 61
"""A loose line is the running maximum of the level over 600 ms: 30 frames either side."""
