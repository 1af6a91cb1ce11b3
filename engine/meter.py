"""How a take follows its curve, gathered while it is made."""

from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch

from engine.gain_rider import Ridden, running_maximum
from engine.models.denoiser import LEVELS_PER_TOKEN
from engine.streaming import Piece, own
from engine.take import CurveReport

QUIET_DB = -80.0
JUDGED_ABOVE_DB = -50.0
"""Curve errors are measured over frames asked louder than this, in dBFS."""


def figures(heard: np.ndarray, asked: np.ndarray) -> tuple[float | None, float | None]:
    """Mean absolute error in dB over the judged frames, and Pearson's r over all drawn ones."""
    drawn = np.isfinite(asked)
    judged = drawn & (np.nan_to_num(asked, nan=-99.0) > JUDGED_ABOVE_DB)
    error = float(np.abs(heard - asked)[judged].mean()) if judged.any() else None
    a, h = asked[drawn], np.maximum(heard[drawn], QUIET_DB)
    varied = len(a) > 1 and a.std() > 0.1 and h.std() > 0.1
    return error, float(np.corrcoef(a, h)[0, 1]) if varied else None


@dataclass
class Meter:
    """Gathers levels of a take piece by piece and reports how it followed its curve."""

    asked: list[np.ndarray] = field(default_factory=list)
    before: list[np.ndarray] = field(default_factory=list)
    after: list[np.ndarray] = field(default_factory=list)
    level: list[np.ndarray] = field(default_factory=list)
    limited_db: float = 0.0

    def report(self, frames: int) -> CurveReport:
        """The figures of a take of so many frames (its last token reaches further); None where nothing was drawn."""
        asked, before, after, levels = (
            np.concatenate(x)[:frames] for x in (self.asked, self.before, self.after, self.level)
        )
        (error0, r0), (error1, r1) = figures(before, asked), figures(after, asked)
        level = tuple(round(float(x), 2) for x in levels)
        return CurveReport(error0, error1, r0, r1, round(self.limited_db, 2), level)


def measure(meters: list[Meter], ridden: Ridden, piece: Piece) -> None:
    """Add a piece's levels to the meters of its takes."""
    mine = partial(own, piece=piece, size=LEVELS_PER_TOKEN)
    judged = running_maximum if ridden.asked.loose else torch.Tensor.clone
    asked = mine(torch.from_numpy(ridden.asked.level)).numpy()
    before, after = mine(judged(ridden.level_before)), mine(judged(ridden.level_after))
    for index, meter in enumerate(meters):
        meter.asked.append(asked)
        meter.before.append(before[index].numpy())
        meter.after.append(after[index].numpy())
        meter.level.append(mine(ridden.level_after)[index].numpy())
        meter.limited_db = max(meter.limited_db, float(mine(ridden.limited_db)[index].max()))
