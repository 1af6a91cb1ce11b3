"""How closely a take follows its curve, measured here from its samples alone and not taken from its report.

The level of a frame is the RMS of its 20 ms window (samples 480 t - 240 to 480 t + 720 at 48 kHz).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d

from engine.curve import LoudnessCurve

HOP, HALF = 480, 240
FLOOR_DBFS = -80.0
JUDGED_ABOVE_DBFS = -50.0
"""Errors count over frames that are asked louder than this."""

VARIED_STD_DB = 6.0
"""Correlation says something about curves whose level varies at least so much."""

LOOSE_FRAMES = 61
"""600 ms: frames over which a loose line is the running maximum of the level."""


def level_dbfs(audio: np.ndarray) -> np.ndarray:
    """Level per 10 ms frame. audio: (..., L) -> (..., ceil(L / 480)) in dBFS RMS, floored at -80."""
    frames = -(-audio.shape[-1] // HOP)
    padding = [(0, 0)] * (audio.ndim - 1) + [(HALF, (frames + 1) * HOP - HALF - audio.shape[-1])]
    power = np.pad(np.square(audio, dtype=np.float64), padding)
    slots = power.reshape(*audio.shape[:-1], frames + 1, HOP).mean(-1)
    mean = (slots[..., :-1] + slots[..., 1:]) / 2
    return np.asarray(10 * np.log10(np.maximum(mean, 10 ** (FLOOR_DBFS / 10))))


@dataclass(frozen=True)
class Following:
    """One take against its curve."""

    r: float | None
    """Pearson correlation of dB levels; None where the asked level varies by less than 6 dB (std)."""
    errors_db: np.ndarray
    """Absolute errors of the judged frames."""


def tight(audio: np.ndarray, curve: LoudnessCurve) -> Following:
    """audio: (L,) at 48 kHz, its first sample at the curve's start; frames beyond the audio are not judged."""
    heard = level_dbfs(audio)
    asked = curve.level_dbfs(len(heard))
    drawn = np.isfinite(asked)
    asked, heard = asked[drawn], heard[drawn]
    varied = len(asked) > 1 and asked.std() >= VARIED_STD_DB
    # A silent take has no correlation with anything: it follows nothing.
    r = (float(np.corrcoef(asked, heard)[0, 1]) if heard.std() > 1e-6 else 0.0) if varied else None
    return Following(r, np.abs(heard - asked)[asked > JUDGED_ABOVE_DBFS])


@dataclass(frozen=True)
class Looseness:
    """One loose take against its line."""

    errors_db: np.ndarray
    """Absolute difference of the level's running maximum over 600 ms and the line, per judged frame."""
    inner_std_db: float
    """Standard deviation of the level under its running maximum: the rhythm that the sound keeps."""


def loose(audio: np.ndarray, curve: LoudnessCurve) -> Looseness:
    """audio: (L,) at 48 kHz, its first sample at the curve's start."""
    heard = level_dbfs(audio)
    asked = curve.level_dbfs(len(heard))
    highest = maximum_filter1d(heard, LOOSE_FRAMES, mode="nearest")
    judged = np.isfinite(asked) & (np.nan_to_num(asked, nan=FLOOR_DBFS) > JUDGED_ABOVE_DBFS)
    # Deep gaps between events would rule the spread: they count as 40 dB.
    inner = np.maximum(heard - highest, -40)[judged]
    return Looseness(np.abs(highest - asked)[judged], float(inner.std()))


def median_r(takes: Sequence[Following]) -> float | None:
    """Median correlation over the takes that have one."""
    found = [take.r for take in takes if take.r is not None]
    return float(np.median(found)) if found else None


def mean_error_db(errors: Sequence[np.ndarray]) -> float:
    """Mean over all judged frames of all takes."""
    return float(np.concatenate(errors).mean())
