"""Painted masks: pictures as key frames with the shape in between, or a mask video."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from engine.cue import MaskPrompt
from engine.masks.drawn import moment
from engine.masks.track import MaskTrack, from_masks, mask_size, soften
from engine.video import Clip, VideoError

_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
_ASPECT_TOLERANCE = 0.03


class PaintMaker:
    """``@paint lake.png``: white, or opaque where there is alpha, is what should sound.

    Several pictures in one cue are key frames: between two of them the outline moves and changes over.
    A video is played from its prompt's moment on and keeps its last picture.
    """

    def make(self, clip: Clip, prompt: MaskPrompt, first: int) -> MaskTrack:
        """One picture or mask video from frame ``first`` on."""
        return self.make_keyed(clip, [prompt], first)

    def make_keyed(self, clip: Clip, prompts: Sequence[MaskPrompt], first: int) -> MaskTrack:
        """All painted prompts of a cue together; raises VideoError for one that cannot be read."""
        size = mask_size(*clip.shape)
        masks = np.zeros((len(clip), *size), np.uint8)
        warnings: list[str] = []
        keys: list[tuple[int, np.ndarray]] = []
        for prompt in sorted(prompts, key=lambda p: p.time_s):
            at, path = moment(clip, prompt), Path(str(prompt.path))
            if path.suffix.lower() in _PICTURES:
                painted = read_painted(path)
                keys.append((at, _fitted(painted, size)))
                warnings += _aspect_words(path, painted.shape, clip.shape)
            else:
                masks[at:] = np.maximum(masks[at:], _video_masks(path, len(clip) - at, size))
        if keys:
            masks = np.maximum(masks, _between(keys, len(clip), size))
        masks[:first] = 0
        return from_masks(masks, warnings=warnings)


def read_painted(path: Path) -> np.ndarray:
    """(height, width) uint8 of a painted picture: its alpha if it has one that says anything, else its brightness."""
    if not path.is_file():
        raise VideoError(f"{path}: no such mask picture; check the path")
    # Through memory: imread cannot open every path on Windows.
    picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise VideoError(f"{path}: is not a picture that can be read; save it as PNG")
    if picture.dtype == np.uint16:
        picture = (picture // 256).astype(np.uint8)
    if picture.ndim == 3 and picture.shape[2] == 4 and picture[..., 3].min() < 255:
        return np.ascontiguousarray(picture[..., 3])
    return picture if picture.ndim == 2 else np.ascontiguousarray(picture[..., :3].max(axis=2))


def _video_masks(path: Path, frames: int, size: tuple[int, int]) -> np.ndarray:
    video = Clip(path, 0.0)
    last = video.frames_shown - 1
    return np.stack([_fitted(video[min(index, last)].max(axis=2), size) for index in range(frames)])


def _between(keys: Sequence[tuple[int, np.ndarray]], frames: int, size: tuple[int, int]) -> np.ndarray:
    """Key masks -> (frames, height, width): outlines interpolated by signed distance, shapes carried along."""
    masks = np.zeros((frames, *size), np.uint8)
    masks[: keys[0][0] + 1] = keys[0][1]
    for (start, one), (end, other) in itertools.pairwise(keys):
        for index in range(start, end):
            masks[index] = _morph(one, other, (index - start) / (end - start))
    masks[keys[-1][0] :] = keys[-1][1]
    return masks


def _morph(one: np.ndarray, other: np.ndarray, share: float) -> np.ndarray:
    """Both shapes moved to where the centre then is, and the outline in between them."""
    centre_one, centre_other = _centre(one), _centre(other)
    if centre_one is None or centre_other is None:
        return np.asarray((1 - share) * one + share * other, np.uint8)
    centre = (1 - share) * centre_one + share * centre_other
    distance = (1 - share) * _distance(_moved(one, centre - centre_one))
    distance += share * _distance(_moved(other, centre - centre_other))
    return soften(((distance > 0) * 255).astype(np.uint8))


def _centre(mask: np.ndarray) -> np.ndarray | None:
    found = np.argwhere(mask > 127)
    return found.mean(axis=0)[::-1] if len(found) else None


def _moved(mask: np.ndarray, by: np.ndarray) -> np.ndarray:
    matrix = np.array([[1, 0, by[0]], [0, 1, by[1]]], np.float64)
    return cv2.warpAffine(mask, matrix, mask.shape[::-1])


def _distance(mask: np.ndarray) -> np.ndarray:
    """Pixels from the outline, positive inside."""
    inside = (mask > 127).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(inside, cv2.DIST_L2, 5) - cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5))


def _fitted(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return soften(cv2.resize(mask, (size[1], size[0]), interpolation=cv2.INTER_AREA))


def _aspect_words(path: Path, painted: tuple[int, ...], clip: tuple[int, int]) -> list[str]:
    ratio = (painted[1] / painted[0]) / (clip[1] / clip[0])
    if abs(ratio - 1) <= _ASPECT_TOLERANCE:
        return []
    return [f"{path}: is {painted[1]}x{painted[0]}, not of the picture's shape; it was stretched to fit"]
