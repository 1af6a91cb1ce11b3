"""What moves in the mask: speed by direction, what slows down suddenly, what lights up, from optical flow.

Camera movement is taken out: the median flow of what lies outside the mask (of the whole picture where
the mask is large) is not the object's. Times are the frames' own, so a speed is right at any frame rate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from engine.masks.track import MaskTrack
from engine.video import GRID_HZ, Frame

DIRECTIONS = 8
"""Bins of direction, counter to the clock face: 0 right, 2 down, 4 left, 6 up (rows grow downwards)."""
FLOW_SIDE = 160
UPWARDS = 0.5
"""What an upward or sideways stop counts beside one that ends a fall: most blows come from above."""
STARTS = 0.15
"""What a sudden start counts beside a sudden stop; what is struck out of sight shows only how it jumps."""
FLICKER = 0.5
"""What a sudden calm of the picture counts beside a sudden stop of the flow, which loses what moves fast or blurs."""
FLASH, FULL_FLASH = 1.0, 0.12
"""What a flash counts, and by how much of 1 the mask's mean brightness must jump to be a full one."""
_SOFT = 0.02
_LARGE_MASK = 0.6
_UNCHANGED, _CHANGED = 0.004, 0.012
"""Changes of brightness, of 1, over a few pixels: noise and compression below the one, movement from the other on."""
_CUT = 0.05
"""Change of brightness of half the picture between two frames that, six times the usual, can only be a cut."""


def _steps(values: np.ndarray) -> np.ndarray:
    """How much less there is than in the interval before, (intervals, kinds), by roots and beside the clip's most."""
    roots = np.sqrt(values / (np.percentile(values.sum(axis=1), 95) + 1e-9) + _SOFT)
    return np.asarray(np.concatenate([roots[:1], roots[:-1]]) - roots)


class Pictures(Protocol):
    """What motion is measured in: a video's Clip, or a scene that was never written to a file."""

    @property
    def start_s(self) -> float: ...
    @property
    def frames_shown(self) -> int: ...
    def frame(self, index: int) -> Frame: ...


@dataclass(frozen=True, eq=False)
class Motion:
    """Figures of each interval between two pictures that differ in time; all arrays (intervals,) or as told.

    start_s, end_s: presentation times of the two pictures, from the clip's start. directions:
    (intervals, 8) mean speed in the mask by direction, in frame widths per second. change: mean absolute change
    of brightness per second. light: mean brightness in the mask, 0..1. spread: divergence of the flow, 1/s.
    camera: speed of the scenery, frame widths per second.
    area: the mask's share of the frame. x, y: its middle in fractions. cut: True across a cut.
    """

    start_s: np.ndarray
    end_s: np.ndarray
    directions: np.ndarray
    change: np.ndarray
    light: np.ndarray
    spread: np.ndarray
    camera: np.ndarray
    area: np.ndarray
    x: np.ndarray
    y: np.ndarray
    cut: np.ndarray

    @property
    def speed(self) -> np.ndarray:
        """(intervals,) mean speed in the mask, frame widths per second."""
        return np.asarray(self.directions.sum(axis=1))

    def stops(self) -> tuple[np.ndarray, np.ndarray]:
        """Times and sizes of sudden changes of speed: where contact is likely. Sizes are relative within the clip.

        -> ((intervals,) seconds, (intervals,)). Roots of speeds are compared, so that a small thing counts too;
        the moment lies within the last interval of movement, on average in its middle.
        """
        speeds, change = self.directions.copy(), self.change[:, None].copy()
        for index in np.flatnonzero(self.cut):
            speeds[index], change[index] = (speeds[index - 1], change[index - 1]) if index else (0, 0)
        change = np.clip(change - np.percentile(change, 20), 0, None)
        downwards = np.clip(np.sin(np.arange(DIRECTIONS) / DIRECTIONS * 2 * np.pi), 0, 1)
        weights = UPWARDS + (1 - UPWARDS) * downwards
        steps, calms = _steps(speeds), _steps(change)[:, 0]
        stops, starts = np.clip(steps, 0, None) @ weights, np.clip(-steps, 0, None).sum(axis=1)
        sizes = stops + STARTS * starts + FLICKER * np.where(calms > 0, calms, -STARTS * calms)
        # A flash is there with the picture that shows it, not when it has gone out again.
        flashes = np.clip(np.diff(self.light) / FULL_FLASH, 0, 1) * ~self.cut[1:]
        sizes[2:] += FLASH * flashes[:-1]
        half = float(np.mean(self.end_s - self.start_s)) / 2 if len(self.start_s) else 0.0
        return self.start_s - half, sizes

    def on_grid(self, values: np.ndarray, frames: int) -> np.ndarray:
        """Values of intervals (intervals, ...) -> (frames, ...) on the 25 Hz grid, linear between their middles."""
        middles, grid = (self.start_s + self.end_s) / 2, np.arange(frames) / GRID_HZ
        columns = values.reshape(len(values), -1)
        if not len(values):
            return np.zeros((frames, *values.shape[1:]))
        out = np.stack([np.interp(grid, middles, column) for column in columns.T], axis=1)
        return out.reshape(frames, *values.shape[1:])


def measure(pictures: Pictures, mask: MaskTrack | None = None) -> Motion:
    """Motion of what ``mask`` covers, of everything without one."""
    return measure_all(pictures, [mask])[0]


def measure_all(pictures: Pictures, masks: Sequence[MaskTrack | None]) -> list[Motion]:
    """Motion in each of several masks, None for the whole picture; the flow is computed once."""
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    previous: tuple[int, np.ndarray] | None = None
    rows: list[list[tuple[float, ...]]] = [[] for _ in masks]
    for index in range(pictures.frames_shown):
        if previous is not None and pictures.frame(index).time_s == pictures.frame(previous[0]).time_s:
            continue
        grey = _small(pictures.frame(index).image)
        if previous is not None:
            start, end = (float(pictures.frame(i).time_s) - pictures.start_s for i in (previous[0], index))
            flow = np.asarray(dis.calc(previous[1], grey, np.zeros((*grey.shape, 2), np.float32)))
            flow = flow / (grey.shape[1] * (end - start))
            for row, mask in zip(rows, masks, strict=True):
                row.append((start, end, *_interval(flow, previous, (index, grey), end - start, mask)))
        previous = index, grey
    return [_table(row) for row in rows]


def _table(rows: list[tuple[float, ...]]) -> Motion:
    table = np.array(rows, float).reshape(len(rows), 2 + DIRECTIONS + 8)
    start_s, end_s = table[:, 0], table[:, 1]
    change, light, spread, camera, everywhere, area, x, y = table[:, 2 + DIRECTIONS :].T
    cut = everywhere > max(_CUT, 6 * float(np.median(everywhere))) if len(rows) else np.zeros(0, bool)
    return Motion(start_s, end_s, table[:, 2 : 2 + DIRECTIONS], change, light, spread, camera, area, x, y, cut)


def _interval(
    flow: np.ndarray,
    one: tuple[int, np.ndarray],
    other: tuple[int, np.ndarray],
    seconds: float,
    mask: MaskTrack | None,
) -> tuple[float, ...]:
    height, width = one[1].shape
    weight = np.ones((height, width), np.float32)
    if mask is not None:
        weight = np.maximum(mask.resized(one[0], height, width), mask.resized(other[0], height, width))
    covered = float(weight.sum())
    if covered < 1:
        return (0.0,) * DIRECTIONS + (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5)
    scenery = weight < 0.5 if covered < _LARGE_MASK * weight.size else np.ones_like(weight, bool)
    brightness = other[1].astype(np.float32) / 255
    difference = np.abs(brightness - one[1].astype(np.float32) / 255)
    # The median, so that a flash of one thing is no cut.
    everywhere = float(np.median(difference))
    camera = np.median(flow[scenery], axis=0)
    # Flow leaks from what moves into what stands beside it; what has not changed has not moved.
    changed_there = (cv2.blur(difference, (5, 5)) - _UNCHANGED) / (_CHANGED - _UNCHANGED)
    flow = (flow - camera) * np.clip(changed_there, 0, 1)[..., None]
    speed = np.hypot(flow[..., 0], flow[..., 1]) * weight
    turn = np.arctan2(flow[..., 1], flow[..., 0]) % (2 * np.pi) / (2 * np.pi) * DIRECTIONS
    lower = np.floor(turn)
    share, lower = turn - lower, lower.astype(int) % DIRECTIONS
    directions = np.bincount(lower.ravel(), (speed * (1 - share)).ravel(), DIRECTIONS)
    directions += np.bincount((lower + 1).ravel() % DIRECTIONS, (speed * share).ravel(), DIRECTIONS)
    changed = difference / seconds
    diverging = (np.gradient(flow[..., 0], axis=1) + np.gradient(flow[..., 1], axis=0)) * width
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    means = [float((values * weight).sum() / covered) for values in (changed, brightness, diverging)]
    middle = [float(((values + 0.5) * weight).sum() / covered / edge) for values, edge in ((x, width), (y, height))]
    return (*(directions / covered), *means, float(np.hypot(*camera)), everywhere, covered / weight.size, *middle)


def _small(image: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    scale = FLOW_SIDE / max(grey.shape)
    # The flow needs some pixels to stand on, however small the film.
    size = max(16, round(grey.shape[1] * scale)), max(16, round(grey.shape[0] * scale))
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
