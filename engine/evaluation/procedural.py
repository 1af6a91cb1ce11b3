"""Whether the procedural Foley library sounds like what it says, in the ears of the judge of real sounds."""

import numpy as np

from engine.evaluation.classifier import Classifier
from engine.evaluation.report import Figure
from engine.training.foley import FOLEY, RECORDED_CLASS, make

DURATION_S = 3.0


def procedural_recognition(
    per_maker: int = 8, judge: Classifier | None = None, first_seed: int = 0
) -> dict[str, float]:
    """Share of each maker's sounds that the judge of real recordings names rightly: {maker: 0..1}."""
    judge = judge or Classifier.load()
    sounds = [make(name, first_seed + seed, DURATION_S).audio for name in FOLEY for seed in range(per_maker)]
    heard = np.array(judge.judge(sounds).names).reshape(len(FOLEY), per_maker)
    return {name: float(np.mean(row == RECORDED_CLASS[name])) for name, row in zip(FOLEY, heard, strict=True)}


def procedural_row(shares: dict[str, float]) -> Figure:
    """The mean over classes of the makers' shares, against the 60 % asked for."""
    classes: dict[str, list[float]] = {}
    for maker, share in shares.items():
        classes.setdefault(RECORDED_CLASS[maker], []).append(share)
    mean = float(np.mean([np.mean(values) for values in classes.values()]))
    return Figure(
        f"procedural Foley named rightly, mean of {len(classes)} classes", {"raw": mean}, limits={"raw": (">=", 0.6)}
    )
