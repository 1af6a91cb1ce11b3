"""Masks drawn by hand in one frame, box, polygon or point, and followed from there through the clip."""

import math

import cv2
import numpy as np

from engine.cue import MaskPrompt
from engine.masks.flow_tracker import BoxTrack, track_box
from engine.masks.track import MaskTrack, from_boxes, from_polygons, mask_size
from engine.video import GRID_HZ, Clip, VideoError

_POINT_SHARE = 0.15
"""Edge of the box around a point, as a share of the picture's shorter edge, where nothing uniform lies there."""
_POINT_AREA = (0.0005, 0.25)
"""A patch of one colour around a point counts as the object if its share of the picture lies within these."""
_POINT_TOLERANCE = 18
_SMALLEST = 4
"""Pixels of the clip's pictures that a box must measure to be followed."""


class BoxMaker:
    """``@box left top width height``, fractions of the frame."""

    def make(self, clip: Clip, prompt: MaskPrompt, first: int) -> MaskTrack:
        """Follow the box over frames ``first`` to the end; raises VideoError for a box outside the frame."""
        assert prompt.box is not None
        track = track_box(clip, _inside(prompt.box), moment(clip, prompt), first)
        return from_boxes(track.boxes, track.lost, mask_size(*clip.shape), lost_words(track, first))


class PolygonMaker:
    """A closed outline of three corners or more; it moves and grows with what is in it."""

    def make(self, clip: Clip, prompt: MaskPrompt, first: int) -> MaskTrack:
        """As BoxMaker.make."""
        corners = np.asarray(prompt.points, float).reshape(-1, 2)
        low, high = corners.min(axis=0), corners.max(axis=0)
        box = (low[0], low[1], high[0] - low[0], high[1] - low[1])
        track = track_box(clip, _inside(box), moment(clip, prompt), first)
        unit = (corners - low) / np.maximum(high - low, 1e-9)
        polygons = [None if np.isnan(b).any() else b[:2] + unit * b[2:] for b in track.boxes]
        return from_polygons(polygons, track.lost, mask_size(*clip.shape), lost_words(track, first))


class PointMaker:
    """``@point x y``: the patch of one look around the point, or a small box where there is none."""

    def make(self, clip: Clip, prompt: MaskPrompt, first: int) -> MaskTrack:
        """As BoxMaker.make."""
        x, y = prompt.points[0]
        at = moment(clip, prompt)
        track = track_box(clip, _inside(around_point(clip[at], x, y)), at, first)
        return from_boxes(track.boxes, track.lost, mask_size(*clip.shape), lost_words(track, first))


def around_point(image: np.ndarray, x: float, y: float) -> tuple[float, float, float, float]:
    """Box (fractions) of the uniform patch at ``x``, ``y`` (fractions) of an RGB picture, or of a small square."""
    height, width = image.shape[:2]
    smooth = cv2.cvtColor(cv2.bilateralFilter(image, 7, 40, 5), cv2.COLOR_RGB2LAB)
    seed = (min(width - 1, int(x * width)), min(height - 1, int(y * height)))
    flags = 4 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY
    tolerance = (_POINT_TOLERANCE,) * 3
    area, _, _, (left, top, wide, high) = cv2.floodFill(
        smooth, np.zeros((height + 2, width + 2), np.uint8), seed, (0, 0, 0), tolerance, tolerance, flags
    )
    if _POINT_AREA[0] <= area / (height * width) <= _POINT_AREA[1] and min(wide, high) >= _SMALLEST:
        return left / width, top / height, wide / width, high / height
    half = max(_POINT_SHARE * min(height, width) / 2, _SMALLEST)
    return x - half / width, y - half / height, 2 * half / width, 2 * half / height


def moment(clip: Clip, prompt: MaskPrompt) -> int:
    """The frame the prompt was drawn in; raises VideoError where the picture has ended before it."""
    frame = math.floor(prompt.time_s * GRID_HZ + 1e-6)
    if frame >= clip.frames_shown:
        end_s = clip.frames_shown / GRID_HZ
        raise VideoError(f"mask at {prompt.time_s:g} s: the picture ends at {end_s:.2f} s; draw it earlier")
    return frame


def lost_words(track: BoxTrack, first: int) -> list[str]:
    """A line for the designer if the object was out of sight for a fifth of a second or more."""
    lost = track.lost[first:]
    if lost.sum() < GRID_HZ // 5:
        return []
    start_s = (first + int(np.argmax(lost))) / GRID_HZ
    return [f"mask: lost sight of its object at {start_s:.2f} s, for {lost.sum() / GRID_HZ:.2f} s; draw it anew there"]


def _inside(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """The part of the box within the frame."""
    left, top = max(0.0, box[0]), max(0.0, box[1])
    right, bottom = min(1.0, box[0] + box[2]), min(1.0, box[1] + box[3])
    if not (right - left > 0.005 and bottom - top > 0.005):
        shown = " ".join(f"{v:g}" for v in box)
        raise VideoError(f"mask box {shown}: lies outside the frame or is empty; use fractions, left top width height")
    return left, top, right - left, bottom - top
