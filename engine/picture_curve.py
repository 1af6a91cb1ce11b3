"""A loudness curve from the picture: the lane's first draft, a hit per contact and a swell per approach.

drafted = draft(footage("shot.mp4", masks=masks))
drafted.curve                 # a LoudnessCurve with few, editable points
"""

from dataclasses import dataclass, replace

import numpy as np

from engine.cue import Cue
from engine.curve import CurvePoint, LoudnessCurve
from engine.footage import Footage, footage_of
from engine.motion import Motion
from engine.video import GRID_HZ, VideoError

QUIET_DB = -36.0
"""Where nothing moves."""
SWELL_DB = -12.0
"""Where it moves most, between hits."""
SOFTEST_HIT_DB = -15.0
ATTACK_S = 0.02
RELEASE_S = 0.18
APART_S = 0.2
"""Two hits of one thing are at least this far apart."""
RISE = 0.5
"""A hit stands at least this high, as a share of the strongest stops of the clip."""
CONTRAST = 1.4
"""… and at least this many times the usual one: falling water and a shaky hand have no hits."""
SHADOW_S = 0.1
"""A strong hit hides weaker ones near it, less the further they are: what swings back is not a second blow."""
_STEP_S = 0.02
_SMOOTHING = (0.1, 0.2, 0.4, 0.2, 0.1)
_SWELL_SMOOTHING_S = 0.6
_SWELL_ERROR_DB = 3.0
_STILL, _CAMERA_SHARE = 0.002, 0.1
"""Frame widths per second that stand for nothing: so much always, and this share of the camera's own speed."""
_BEFORE_S, _AFTER_S = 0.14, 0.06
"""Around a hit, where the thing that hits must have been moving."""


@dataclass(frozen=True, eq=False)
class Draft:
    """A curve drawn from a picture. hits_s, hits_db: (hits,) its contacts; warnings: one line each."""

    curve: LoudnessCurve
    hits_s: np.ndarray
    hits_db: np.ndarray
    warnings: tuple[str, ...] = ()


def draft(seen: Footage) -> Draft:
    """Draw a curve from what moves in some footage.

    Raises VideoError for a picture that has one frame only. A picture in which nothing moves gives a flat
    quiet curve and a warning.
    """
    clip, warnings = seen.clip, list(seen.warnings)
    if clip.frames_shown < 2:
        raise VideoError(f"{clip.info.path}: is a still picture, nothing moves in it; draw the curve by hand")
    motion = seen.motion
    duration_s = len(clip) / GRID_HZ
    if not len(motion.speed) or not _moving(motion).any():
        warnings.append(f"{clip.info.path}: nothing moves there; the curve is flat")
        return Draft(LoudnessCurve((CurvePoint(0.0, QUIET_DB),)), np.zeros(0), np.zeros(0), tuple(warnings))
    hits_s, hits_db = hits(motion)
    inside = (hits_s >= 0) & (hits_s < duration_s)
    curve = _drawn(hits_s[inside], hits_db[inside], swell(motion, len(clip)), duration_s)
    return Draft(curve, hits_s[inside], hits_db[inside], tuple(warnings))


def with_curve(cue: Cue) -> tuple[Cue, tuple[str, ...]]:
    """A cue that has a picture but no curve gets one drawn from it; any other stays as it is. Also the warnings."""
    if cue.loudness is not None or cue.video is None:
        return cue, ()
    drafted = draft(footage_of(cue))
    return replace(cue, loudness=drafted.curve), drafted.warnings


def hits(motion: Motion) -> tuple[np.ndarray, np.ndarray]:
    """Contacts: ((hits,) seconds, (hits,) dB), the strongest at 0 dB."""
    times, strengths = peaks_of(*motion.stops())
    around = (motion.end_s >= times[:, None] - _BEFORE_S) & (motion.start_s <= times[:, None] + _AFTER_S)
    moving = (around & _moving(motion)).any(axis=1)
    times, strengths = times[moving], strengths[moving]
    return times, SOFTEST_HIT_DB * (1 - (strengths - RISE) / (1 - RISE))


def _moving(motion: Motion) -> np.ndarray:
    """(intervals,) bool: something moves, more than noise and a panning camera make it seem."""
    return np.asarray(motion.speed > _STILL + _CAMERA_SHARE * motion.camera)


def peaks_of(times_s: np.ndarray, sizes: np.ndarray, *, contrast: float = CONTRAST) -> tuple[np.ndarray, np.ndarray]:
    """Peaks of a signal given at any times: ((peaks,) seconds, (peaks,) height RISE..1 beside the clip's strongest)."""
    if len(times_s) < 2:
        return np.zeros(0), np.zeros(0)
    grid = np.arange(0, times_s[-1] + _STEP_S, _STEP_S)
    sizes = np.interp(grid, times_s, sizes)
    sizes = np.convolve(np.pad(sizes, 2, mode="edge"), _SMOOTHING, "valid")
    strongest = float(np.percentile(sizes, 97)) + 1e-9
    edged = np.pad(sizes, 1, constant_values=-1)
    least = max(RISE * strongest, contrast * float(np.median(sizes)))
    peaks = np.flatnonzero((sizes >= edged[:-2]) & (sizes > edged[2:]) & (sizes > least))
    kept: list[int] = []
    for index in peaks[np.argsort(-sizes[peaks], kind="stable")]:
        away_s = np.abs(index - np.array(kept, int)) * _STEP_S
        shadow = sizes[kept] * np.exp((APART_S - away_s) / SHADOW_S)
        if (away_s >= APART_S).all() and (sizes[index] > shadow).all():
            kept.append(int(index))
    kept.sort()
    return grid[kept], np.clip(sizes[kept] / strongest, RISE, 1)


def swell(motion: Motion, frames: int) -> np.ndarray:
    """(frames,) dB on the 25 Hz grid: how much moves, and how near it is, smoothed over 0.6 s."""
    moving = motion.on_grid(np.where(motion.cut, 0, motion.speed * np.sqrt(np.maximum(motion.area, 1e-4))), frames)
    width = max(1, round(_SWELL_SMOOTHING_S * GRID_HZ))
    taper = np.hanning(width + 2)[1:-1]
    level = np.convolve(np.pad(moving, width // 2, mode="edge"), taper / taper.sum(), "valid")[:frames]
    most = max(float(level.max()), _STILL)
    return np.clip(SWELL_DB + 20 * np.log10(np.maximum(level, 1e-6) / most), QUIET_DB, SWELL_DB)


def _drawn(hits_s: np.ndarray, hits_db: np.ndarray, ground_db: np.ndarray, duration_s: float) -> LoudnessCurve:
    """Few points: the swell's own, left out around hits, and three per hit."""
    grid = np.arange(len(ground_db)) / GRID_HZ
    ground = LoudnessCurve(tuple(CurvePoint(float(t), float(v)) for t, v in zip(grid, ground_db, strict=True)))
    ends = np.minimum(np.append(hits_s[1:] - ATTACK_S, duration_s), hits_s + RELEASE_S)
    points: list[CurvePoint] = []
    for point in ground.simplified(_SWELL_ERROR_DB).points:
        if not ((hits_s - ATTACK_S <= point.time_s) & (point.time_s <= ends)).any():
            points.append(CurvePoint(round(point.time_s, 3), round(float(point.value or 0.0), 1)))
    for time_s, level_db, end_s in zip(hits_s, hits_db, ends, strict=True):
        under = [float(np.interp(t, grid, ground_db)) for t in (time_s - ATTACK_S, end_s)]
        if time_s > ATTACK_S:
            points.append(CurvePoint(round(time_s - ATTACK_S, 3), round(under[0], 1)))
        points.append(CurvePoint(round(float(time_s), 3), round(float(level_db), 1)))
        if end_s - time_s > ATTACK_S:
            points.append(CurvePoint(round(float(end_s), 3), round(under[1], 1)))
    unique = {point.time_s: point for point in sorted(points, key=lambda p: (p.time_s, p.value or 0.0))}
    return LoudnessCurve(tuple(unique.values()))
