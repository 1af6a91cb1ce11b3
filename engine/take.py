"""What the engine hands back: progress on the way, and takes with the report of how they came about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from engine.cue import Cue


@dataclass(frozen=True)
class Progress:
    """How far a rendering has come."""

    #: Share of the work done, 0…1.
    done: float
    #: What is being done, in a word or two for the user.
    stage: str
    #: Seconds still to go; None while unknown.
    eta_s: float | None = None


@dataclass(frozen=True)
class CurveReport:
    """How closely a take follows its curve, before and after the gain rider; None where no curve was drawn."""

    #: Mean absolute error in dB over the frames asked above -50 dBFS.
    error_db_before: float | None
    error_db_after: float | None
    #: Pearson correlation of asked and measured level in dB.
    correlation_before: float | None
    correlation_after: float | None
    #: The most that the true-peak limit took away from the curve, dB.
    limited_db: float
    #: Level of the finished take, dBFS RMS of 20 ms windows, one value per 10 ms.
    measured_level_db: tuple[float, ...]

    def to_json(self) -> dict[str, object]:
        return {
            "error_db": {"before": self.error_db_before, "after": self.error_db_after},
            "correlation": {"before": self.correlation_before, "after": self.correlation_after},
            "limited_db": self.limited_db,
            "measured_level_db": [round(level, 2) for level in self.measured_level_db],
        }


@dataclass(frozen=True)
class TakeReport:
    """Provenance of one take."""

    seed: int
    curve: CurveReport
    #: What the user should know ("'zorp' is unknown; nearest known: 'pop'"), one line each.
    warnings: tuple[str, ...]
    #: Name and SHA-256 of the weights that made it.
    model: dict[str, str]
    #: The recordings that it started from: what each is, by whom, under which licence, where.
    references: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        return {
            "seed": self.seed,
            "model": dict(self.model),
            "references": list(self.references),
            "warnings": list(self.warnings),
            "curve": self.curve.to_json(),
        }


@dataclass(frozen=True)
class Take:
    """One answer to a cue."""

    #: float32, shape (samples, channels), full scale ±1, handles and tail included.
    audio: NDArray[np.float32]
    #: Samples per second.
    rate: int
    #: Place of the first sample on the host's timeline, in samples at `rate`, handles included.
    start_samples: int
    seed: int
    cue: Cue
    report: TakeReport
