"""A scene of several sources: each on its own is a cue whose take becomes a stem, and the stems' sum is the mix."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.cue import Cue, Source
from engine.curve import douglas_peucker
from engine.footage import Footage, footage_of
from engine.place import DISTANCE_DB, MASK, PlacePath, PlacePoint
from engine.video import GRID_HZ

PAN_ERROR, DISTANCE_ERROR_DB = 0.03, 1.0
"""How far the few points of a mask's path may miss it."""
SMOOTHING_FRAMES = 13
"""Half a second: a tracker trembles, a source does not."""


def cue_of(cue: Cue, index: int) -> Cue:
    """One source of a scene as a cue of its own: what makes its stem."""
    source = cue.sources[index]
    seed = None if cue.seed is None else seed_of(cue.seed, index)
    return replace(
        cue, prompt=source.prompt, loudness=source.loudness, masks=source.masks, sources=(), seed=seed, takes=1
    )


def seed_of(seed: int, index: int) -> int:
    """Seed of a source's stem in a take: the take's own for the first, for each other one of its own.

    Two sources of one seed would be made of the same noise, and add up as copies do.
    """
    if index == 0:
        return seed
    return int(np.random.SeedSequence([seed, index]).generate_state(1, np.uint32)[0] >> 1)


def placed(cue: Cue) -> Cue:
    """The scene with every place that is left to a mask as points, to be edited at will.

    Raises VideoError for a video or mask that cannot be used, MissingModel for a mask without its weights.
    """
    return replace(cue, sources=tuple(_placed(cue, index) for index in range(len(cue.sources))))


def _placed(cue: Cue, index: int) -> Source:
    source = cue.sources[index]
    if MASK not in (source.pan, source.distance):
        return source
    seen = footage_of(cue_of(cue, index))
    return replace(
        source,
        pan=pan_path(seen) if source.pan == MASK else source.pan,
        distance=distance_path(seen) if source.distance == MASK else source.distance,
    )


def pan_path(seen: Footage) -> PlacePath:
    """Where the mask's middle goes, -1 at the frame's left edge to 1 at its right."""
    boxes = _boxes(seen)
    return _few_points(np.clip(2 * (boxes[:, 0] + boxes[:, 2] / 2) - 1, -1, 1), PAN_ERROR, 3)


def distance_path(seen: Footage) -> PlacePath:
    """Level by the mask's size, dB: half as large is twice as far and 6 dB less; where it is largest it is 0 dB."""
    boxes = _boxes(seen)
    size = np.sqrt(np.maximum(boxes[:, 2] * boxes[:, 3], 1e-6))
    return _few_points(np.maximum(20 * np.log10(size / size.max()), DISTANCE_DB[0]), DISTANCE_ERROR_DB, 1)


def _boxes(seen: Footage) -> np.ndarray:
    """(frames, 4) of the mask, held where there is none; the middle of the frame if it is never there."""
    assert seen.mask is not None
    boxes = seen.mask.boxes
    there = np.flatnonzero(~np.isnan(boxes).any(axis=1))
    if not len(there):
        return np.tile([0.0, 0.0, 1.0, 1.0], (len(boxes), 1))
    frames = np.arange(len(boxes))
    held = np.stack([np.interp(frames, there, boxes[there, column]) for column in range(4)], axis=1)
    half = SMOOTHING_FRAMES // 2
    padded = np.pad(held, ((half, half), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, SMOOTHING_FRAMES, axis=0)
    return np.asarray(windows.mean(axis=-1))


def _few_points(values: np.ndarray, error: float, digits: int) -> PlacePath:
    """(frames,) on the 25 Hz grid -> the points between which straight lines miss them by no more than `error`."""
    times = np.arange(len(values)) / GRID_HZ
    kept = douglas_peucker(times, values, error)
    return tuple(PlacePoint(round(float(times[i]), 3), round(float(values[i]), digits)) for i in kept)
