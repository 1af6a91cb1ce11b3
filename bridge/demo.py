"""The demonstration: a clip that we draw ourselves, a prompt, a curve with a hit per bounce."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from engine.cue import Cue, Span, VideoRef
from engine.curve import CurvePoint, LoudnessCurve

PROMPT = "knocking on wood"
SEED = 7
FPS = 25
SIZE = (180, 320)
DURATION_S = 4.0
RADIUS = 14
#: How fast a bounce dies away in the drawn curve, seconds to silence.
DECAY_S = 0.35


@dataclass(frozen=True)
class Bounce:
    """The ball meets the floor at `time_s`; `height` is the top of the flight that follows, 1 for the first drop."""

    time_s: float
    height: float


def bounces(first_s: float = 0.6, gravity: float = 5.5, restitution: float = 0.72) -> list[Bounce]:
    """When a ball dropped from height 1 meets the floor, until the clip ends."""
    found, time_s, height = [], first_s, 1.0
    while time_s < DURATION_S - DECAY_S:
        height *= restitution**2
        found.append(Bounce(time_s, height))
        time_s += 2.0 * (2.0 * height / gravity) ** 0.5
        if height < 0.004:
            break
    return found


def curve(hits: list[Bounce]) -> LoudnessCurve:
    """Silence, and for every bounce a hit as loud as the ball was fast, dying away."""
    points = [CurvePoint(0.0, -np.inf, "hold")]
    nexts = [hit.time_s for hit in hits[1:]] + [DURATION_S]
    for hit, next_s in zip(hits, nexts, strict=True):
        level = float(max(10.0 * np.log10(hit.height / hits[0].height), -30.0))
        end = min(hit.time_s + DECAY_S, next_s - 0.01)
        points += [
            CurvePoint(hit.time_s, level, "linear"),
            CurvePoint(end, max(-60.0, level - 60.0 * (end - hit.time_s) / DECAY_S), "hold"),
        ]
        if end < next_s - 0.02:
            points.append(CurvePoint(end, -np.inf, "hold"))
    return LoudnessCurve(tuple(points))


def write_clip(path: Path) -> Path:
    """Draw the ball's fall and bounces as an MP4."""
    from engine.video_writer import write_video

    hits = bounces()
    frames = range(round(DURATION_S * FPS))
    return write_video(path, ((Fraction(frame, FPS), _picture(frame / FPS, hits)) for frame in frames))


def demo_cue(clip: Path) -> Cue:
    """The cue that the demonstration renders."""
    return Cue(
        prompt=PROMPT,
        span=Span(0, 48_000, DURATION_S),
        loudness=curve(bounces()),
        video=VideoRef(str(clip)),
        seed=SEED,
    )


def _height(time_s: float, hits: list[Bounce], gravity: float = 5.5) -> float:
    """The ball's height above the floor, 1 at the start."""
    if time_s < hits[0].time_s:
        return float(max(1.0 - (time_s / hits[0].time_s) ** 2, 0.0))
    last = max((hit for hit in hits if hit.time_s <= time_s), key=lambda hit: hit.time_s)
    flown = time_s - last.time_s
    return float(max((2.0 * gravity * last.height) ** 0.5 * flown - gravity * flown**2 / 2.0, 0.0))


def _picture(time_s: float, hits: list[Bounce]) -> np.ndarray:
    """One RGB frame: a warm wall, a wooden floor, the ball."""
    rows, columns = SIZE
    floor = rows - 30
    image = np.empty((rows, columns, 3), np.uint8)
    image[:floor] = (236, 226, 208)
    image[floor:] = (150, 106, 66)
    centre = floor - RADIUS - _height(time_s, hits) * (floor - 3 * RADIUS)
    y, x = np.mgrid[:rows, :columns]
    across = columns * (0.25 + 0.5 * time_s / DURATION_S)
    image[(y - centre) ** 2 + (x - across) ** 2 <= RADIUS**2] = (190, 52, 40)
    return image
