"""A loudness curve from the picture: the lane's first draft, a hit per contact and a swell per approach.

    drafted = draft(footage("shot.mp4", masks=masks), reader)
    drafted.curve                 # a LoudnessCurve with few, editable points

Two witnesses are heard. One has learned from scenes what a contact looks like (:mod:`engine.models.contacts`) and is
right of what is like them; the other only knows that what hits something stops (`Motion.stops`), which holds
everywhere, roughly. The surer the first, the less the second counts.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch

from engine.cue import Cue
from engine.curve import CurvePoint, LoudnessCurve
from engine.footage import Footage, footage_of
from engine.models.contacts import STEP_S, ContactReader
from engine.models.visual import see
from engine.motion import Motion
from engine.peaks import apart
from engine.video import GRID_HZ, VideoError

QUIET_DB = -36.0
"""Where nothing moves."""
SILENT_DB = -60.0
"""Between the hits of what sounds only when it hits: silence, and no rustling that would be taken for hits."""
SWELL_DB = -12.0
"""Where it moves most, between hits, for all that stops and starts can tell."""
SOFTEST_HIT_DB = -15.0
ATTACK_S = 0.02
RELEASE_S = 0.18
APART_S = 0.15
"""Two hits of one thing are at least this far apart."""
RISE = 0.5
"""A hit stands at least this high, as a share of the surest of the clip."""
UNSURE = 0.2
"""What the reader is less sure of than this, even where it is surest, is not raised to a certainty."""
SUREST = 3
"""Steps whose mean says how sure the reader is of a clip."""
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


def draft(seen: Footage, reader: ContactReader) -> Draft:
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
    contact, going_on = read(seen, reader)
    hits_s, hits_db = hits(motion, contact)
    inside = hits_s < duration_s
    ground_db = swell(motion, going_on)
    curve = _drawn(hits_s[inside], hits_db[inside], ground_db, duration_s)
    return Draft(curve, hits_s[inside], hits_db[inside], tuple(warnings))


def with_curve(cue: Cue, reader: ContactReader) -> tuple[Cue, tuple[str, ...]]:
    """A cue that has a picture but no curve gets one drawn from it; any other stays as it is. Also the warnings."""
    if cue.loudness is not None or cue.video is None:
        return cue, ()
    drafted = draft(footage_of(cue), reader)
    return replace(cue, loudness=drafted.curve), drafted.warnings


@torch.inference_mode()
def read(seen: Footage, reader: ContactReader) -> tuple[np.ndarray, np.ndarray]:
    """What the reader makes of N frames: contact (2 N,), a probability per 20 ms, and swell (N,), 0..1."""
    sight = see(seen)
    told = reader(*(torch.from_numpy(features)[None] for features in (sight.full, sight.masked)))
    contact, going_on = (torch.sigmoid(logits)[0].numpy() for logits in told)
    return contact, going_on.reshape(len(sight.full), -1).mean(axis=1)


def hits(motion: Motion, contact: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Contacts: ((hits,) seconds, (hits,) dB), the surest at 0 dB. contact: (steps,) probability per 20 ms."""
    strength = np.clip(witnessed(contact, stops_per_step(motion, len(contact))), 0, 1)
    steps = peaks(strength, RISE, APART_S)
    times = (steps + 0.5) * STEP_S
    around = (motion.end_s >= times[:, None] - _BEFORE_S) & (motion.start_s <= times[:, None] + _AFTER_S)
    moving = (around & _moving(motion)).any(axis=1)
    return times[moving], SOFTEST_HIT_DB * (1 - strength[steps[moving]]) / (1 - RISE)


def witnessed(contact: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """How likely something touches, (steps,) up to about 1: a geometric mean; the surer the reader, the more it counts.

    contact: (steps,) the reader's probability; stops: (steps,) size of sudden stops beside the clip's strongest.
    """
    sure = float(np.sort(contact)[-SUREST:].mean())
    share = sure**2
    return np.asarray((contact / max(UNSURE, sure)) ** share * stops ** (1 - share))


def stops_per_step(motion: Motion, steps: int) -> np.ndarray:
    """Size of sudden stops per 20 ms, (steps,), beside the strongest of the clip; never quite nothing."""
    sizes = smoothed_at((np.arange(steps) + 0.5) * STEP_S, *motion.stops())
    return np.asarray(np.clip(sizes / (np.percentile(sizes, 97) + 1e-9), 0, 1.2) + 0.05)


def smoothed_at(at_s: np.ndarray, times_s: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values given at any times -> (steps,) at ``at_s``, which lie 20 ms apart, smoothed over five of them."""
    return np.convolve(np.pad(np.interp(at_s, times_s, values), 2, mode="edge"), _SMOOTHING, "valid")


def peaks(values: np.ndarray, least: float, apart_s: float) -> np.ndarray:
    """Indices of the peaks of values (steps,) that reach ``least``; of two closer than ``apart_s`` the higher."""
    edged = np.pad(values, 1, constant_values=-1)
    found = np.flatnonzero((values >= edged[:-2]) & (values > edged[2:]) & (values >= least))
    return apart(found, values, STEP_S, apart_s)


def _moving(motion: Motion) -> np.ndarray:
    """(intervals,) bool: something moves, more than noise and a panning camera make it seem."""
    return np.asarray(motion.speed > _STILL + _CAMERA_SHARE * motion.camera)


def swell(motion: Motion, going_on: np.ndarray) -> np.ndarray:
    """(frames,) dB on the 25 Hz grid between the hits, smoothed over 0.6 s: the lesser of what both witnesses say.

    going_on: (frames,) 0..1 as read; the other goes by how much moves, and how near it is.
    """
    frames = len(going_on)
    moving = motion.on_grid(np.where(motion.cut, 0, motion.speed * np.sqrt(np.maximum(motion.area, 1e-4))), frames)
    level, read_level = _smoothed(moving), _smoothed(going_on)
    most = max(float(level.max()), _STILL)
    seen_db = np.clip(SWELL_DB + 20 * np.log10(np.maximum(level, 1e-6) / most), QUIET_DB, SWELL_DB)
    read_db = np.clip(20 * np.log10(np.maximum(read_level, 1e-6)), SILENT_DB, 0)
    return np.minimum(seen_db, read_db)


def _smoothed(values: np.ndarray) -> np.ndarray:
    """(frames,) averaged with their neighbours over 0.6 s."""
    width = max(1, round(_SWELL_SMOOTHING_S * GRID_HZ))
    taper = np.hanning(width + 2)[1:-1]
    return np.convolve(np.pad(values, width // 2, mode="edge"), taper / taper.sum(), "valid")[: len(values)]


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
