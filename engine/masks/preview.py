"""Masks drawn over the picture: a preview video, a strip of frames for a plot."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from engine.masks.track import MaskTrack
from engine.video import GRID_HZ, Clip
from engine.video_writer import write_video

TINT = np.array([255, 64, 32], np.float32)
LOST_TINT = np.array([128, 128, 128], np.float32)
"""Where the maker has lost its object the mask is grey."""
DIMMED = 0.5
"""Brightness of what the mask does not cover."""
GAP = 4
PREVIEW_SIDE = 960
"""Longer edge of a preview's pictures."""


def overlay(image: np.ndarray, track: MaskTrack, index: int) -> np.ndarray:
    """(height, width, 3) uint8 with the mask of frame ``index``: the rest darkened, the outline in colour."""
    mask = track.resized(index, *image.shape[:2])
    shown = image * (DIMMED + (1 - DIMMED) * mask[..., None])
    edge = cv2.morphologyEx((mask > 0.5).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    shown[edge > 0] = LOST_TINT if track.lost[index] else TINT
    return np.asarray(shown, np.uint8)


def write_preview(path: Path | str, clip: Clip, track: MaskTrack) -> Path:
    """The clip at 25 Hz with its masks drawn on it, as an MP4 file; the clip may be larger than what was tracked in."""

    def pictures() -> Iterator[tuple[float, np.ndarray]]:
        for index in range(len(clip)):
            yield index / GRID_HZ, overlay(clip[index], track, index)

    return write_video(path, pictures())


def strip(clip: Clip, track: MaskTrack | None, frames: int = 8) -> np.ndarray:
    """``frames`` pictures spread evenly over the clip, side by side with a white gap: (height, width, 3) uint8."""
    chosen = np.linspace(0, len(clip) - 1, frames + 1)[:-1] + (len(clip) - 1) / frames / 2
    indices = np.round(chosen).astype(int)
    shown = [overlay(clip[i], track, i) if track is not None else clip[i] for i in indices]
    gapped = [np.pad(image, ((0, 0), (0, GAP), (0, 0)), constant_values=255) for image in shown]
    return np.concatenate(gapped, axis=1)[:, :-GAP]
