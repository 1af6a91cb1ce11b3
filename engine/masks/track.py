"""MaskTrack: the answer to a mask prompt, one soft mask per frame of the 25 Hz grid."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

MASK_SIDE = 96
"""Longer edge of a stored mask in pixels: enough for what looks through it, small enough for 30 minutes."""
SOFT_EDGE = 0.012
"""Width of a mask's soft edge as a share of the picture's longer edge."""


@dataclass(frozen=True, eq=False)
class MaskTrack:
    """Where to look, frame by frame.

    masks: (frames, height, width) uint8, 255 inside, soft at the edge. boxes: (frames, 4) left, top,
    width, height in fractions of the frame, NaN where there is no mask. lost: (frames,) bool, True where
    the maker no longer sees the object. warnings: one line each.
    """

    masks: np.ndarray
    boxes: np.ndarray
    lost: np.ndarray
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.masks)

    def resized(self, index: int, height: int, width: int) -> np.ndarray:
        """The mask of frame ``index`` as (height, width) float32 in 0..1."""
        mask = cv2.resize(self.masks[index], (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(mask, np.float32) / 255


def mask_size(height: int, width: int) -> tuple[int, int]:
    """(height, width) of the masks for pictures of that size."""
    scale = MASK_SIDE / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def from_boxes(boxes: np.ndarray, lost: np.ndarray, size: tuple[int, int], warnings: Sequence[str] = ()) -> MaskTrack:
    """Rectangles in fractions of the frame, (frames, 4), NaN rows for none -> MaskTrack; size: mask height, width."""
    corners = [None if np.isnan(box).any() else _corners(box) for box in boxes]
    return from_polygons(corners, lost, size, warnings)


def from_polygons(
    polygons: Sequence[np.ndarray | None], lost: np.ndarray, size: tuple[int, int], warnings: Sequence[str] = ()
) -> MaskTrack:
    """Polygons (corners, 2) in fractions of the frame, None for none -> MaskTrack."""
    height, width = size
    masks = np.zeros((len(polygons), height, width), np.uint8)
    previous: np.ndarray | None = None
    for index, polygon in enumerate(polygons):
        if polygon is None:
            continue
        if previous is not None and index and np.array_equal(polygon, previous):
            masks[index] = masks[index - 1]
        else:
            # Sixteenths of a pixel, so that a slow object does not move in steps.
            points = np.round((polygon * [width, height] - 0.5) * 16).astype(np.int32)
            cv2.fillPoly(masks[index], [points], 255, lineType=cv2.LINE_AA, shift=4)
            masks[index] = soften(masks[index])
        previous = polygon
    return MaskTrack(masks, np.stack([_extent(p) for p in polygons]), np.asarray(lost, bool), tuple(warnings))


def from_masks(masks: np.ndarray, lost: np.ndarray | None = None, warnings: Sequence[str] = ()) -> MaskTrack:
    """Painted (frames, height, width) uint8 -> MaskTrack with the boxes around what is painted."""
    frames, height, width = masks.shape
    boxes = np.full((frames, 4), np.nan)
    for index in range(frames):
        left, top, wide, high = cv2.boundingRect((masks[index] > 127).astype(np.uint8))
        if wide:
            boxes[index] = left / width, top / height, wide / width, high / height
    return MaskTrack(masks, boxes, np.zeros(frames, bool) if lost is None else lost, tuple(warnings))


def union(tracks: Sequence[MaskTrack]) -> MaskTrack:
    """What any of ``tracks`` covers; lost only where all are."""
    if len(tracks) == 1:
        return tracks[0]
    masks = np.maximum.reduce([track.masks for track in tracks])
    lost = np.logical_and.reduce([track.lost for track in tracks])
    warnings = tuple(dict.fromkeys(line for track in tracks for line in track.warnings))
    return from_masks(masks, lost, warnings)


def from_moment(track: MaskTrack, first: int) -> MaskTrack:
    """``track`` with nothing before frame ``first``."""
    masks, boxes, lost = track.masks.copy(), track.boxes.copy(), track.lost.copy()
    masks[:first], boxes[:first], lost[:first] = 0, np.nan, False
    return MaskTrack(masks, boxes, lost, track.warnings)


def soften(mask: np.ndarray) -> np.ndarray:
    """(height, width) uint8 with a soft edge."""
    return cv2.GaussianBlur(mask, (0, 0), SOFT_EDGE * max(mask.shape))


def _corners(box: np.ndarray) -> np.ndarray:
    left, top, width, height = box
    return np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]])


def _extent(polygon: np.ndarray | None) -> np.ndarray:
    if polygon is None:
        return np.full(4, np.nan)
    low, high = polygon.min(axis=0).clip(0, 1), polygon.max(axis=0).clip(0, 1)
    return np.concatenate([low, high - low])
