"""What the model sees: tokens of the full picture and of the masked picture, through one shared encoder.

Two makers of features, by name in ``FEATURES``: *motion* (what moves, stops, flashes, where and how large;
works offline) and *clip* (what it is, from CLIP's image half). Each gives one row per frame of the 25 Hz grid
for the full picture and one for the masked one; the encoder turns either into tokens that carry their time.

Source: the paper's framework figure (arXiv 2409.06135): video and masked video share one encoder.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.footage import Footage
from engine.motion import DIRECTIONS, Motion
from engine.video import GRID_HZ

MOTION_WIDTH = DIRECTIONS + 9
_CHANGE = DIRECTIONS
"""How much the picture changes; see motion_features."""
_X = DIRECTIONS + 4
"""Where the mask's middle lies from left to right, -1..1."""
CLIP_WIDTH = 512
_CLIP_EVERY = 5
"""CLIP looks at 5 pictures per second: what a thing is changes slowly."""
_CLIP_MEAN, _CLIP_STD = (0.481, 0.458, 0.408), (0.269, 0.261, 0.276)
_CLIP_SIDE = 224


class Sight(NamedTuple):
    """Features of a span of picture. N frames of the 25 Hz grid, F features."""

    full: np.ndarray
    """Of the whole picture: (N, F) float32."""
    masked: np.ndarray
    """Of what the mask shows: (N, F) float32; the same as ``full`` without a mask."""
    shown: int
    """Frames before the picture ends; what follows them is the last one's."""


def motion_sight(seen: Footage) -> Sight:
    """Features of motion, full and masked: (N, 17) each."""
    found = [motion_features(motion, len(seen.clip)) for motion in dict.fromkeys(seen.motions)]
    return Sight(found[0], found[-1], seen.clip.frames_shown)


def motion_features(motion: Motion, frames: int) -> np.ndarray:
    """Motion -> (frames, 17), each feature around -2..2.

    Speeds go through a logarithm: a crawl and a throw both count. Sudden stops and changes of light are spread
    as single frames, not interpolated away.
    """
    times, stops = motion.stops() if len(motion.speed) else (np.zeros(0), np.zeros(0))
    light_change = np.diff(motion.light, prepend=motion.light[:1])
    smooth = np.column_stack(
        [
            np.log1p(50 * motion.directions),
            np.log1p(10 * motion.change) / 2,
            np.arcsinh(motion.spread) / 2,
            2 * motion.light - 1,
            np.sqrt(np.maximum(motion.area, 0)),
            2 * motion.x - 1,
            2 * motion.y - 1,
        ]
    )
    sharp = [
        _spiked(times, stops, frames),
        _spiked(motion.end_s, 10 * light_change, frames),
        _spiked(motion.end_s, motion.cut.astype(float), frames),
    ]
    grid = motion.on_grid(smooth, frames)
    return np.column_stack([grid, *sharp]).astype(np.float32)


def mirrored(features: Tensor) -> Tensor:
    """Features of motion (..., 17) of the same picture with left and right exchanged."""
    order = [(DIRECTIONS // 2 - direction) % DIRECTIONS for direction in range(DIRECTIONS)]
    turned = torch.cat([features[..., order], features[..., DIRECTIONS:]], -1)
    turned[..., _X] *= -1
    return turned


def sped(features: Tensor, factor: Tensor) -> Tensor:
    """Features of motion (..., 17) of the same picture with all of it moving ``factor`` (..., 1) times as fast."""
    speeds = torch.log1p(factor * torch.expm1(features[..., :DIRECTIONS]))
    change = torch.log1p(factor * torch.expm1(2 * features[..., _CHANGE : _CHANGE + 1])) / 2
    return torch.cat([speeds, change, features[..., _CHANGE + 1 :]], -1)


def clip_sight(seen: Footage, *, model: Any = None) -> Sight:
    """CLIP's image embeddings of full and masked frames: (N, 512) each, unit length.

    model: a transformers CLIPVisionModelWithProjection; without one it comes from the models folder, and
    MissingModel tells how to get it.
    """
    model, clip, mask = model or _clip_model(), seen.clip, seen.mask
    full, masked = [], []
    for index in range(0, len(clip), _CLIP_EVERY):
        image = clip[index].astype(np.float32) / 255
        full.append(image)
        masked.append(image if mask is None else image * mask.resized(index, *image.shape[:2])[..., None])
    rows = np.minimum(np.arange(len(clip)) // _CLIP_EVERY, len(full) - 1)
    whole = _embedded(model, full)[rows]
    return Sight(whole, whole if mask is None else _embedded(model, masked)[rows], clip.frames_shown)


FEATURES: Mapping[str, tuple[int, Callable[[Footage], Sight]]] = {
    "motion": (MOTION_WIDTH, motion_sight),
    "clip": (CLIP_WIDTH, clip_sight),
}
"""Name in the config -> number of features and their maker."""


class VisualEncoder(nn.Module):
    """Features of either picture -> tokens; one set of weights for both, told apart by a learned role.

    A token sees a quarter of a second to either side, and no absolute time: time is the attention's matter.
    """

    def __init__(self, features: str = "motion", width: int = 128) -> None:
        super().__init__()
        count, _ = FEATURES[features]
        self.first = nn.Linear(count, width)
        self.mixing = nn.ModuleList(nn.Conv1d(width, width, 5, padding=2) for _ in range(3))
        self.norm = nn.LayerNorm(width)
        self.role = nn.Parameter(0.02 * torch.randn(2, width))

    def forward(self, full: Tensor, masked: Tensor) -> tuple[Tensor, Tensor]:
        """full, masked: (B, N, F) -> tokens (B, 2 N, width), first the full picture's, and their times (2 N,) s."""
        tokens = torch.cat([self.seen(full) + self.role[0], self.seen(masked) + self.role[1]], 1)
        times = (torch.arange(full.shape[1], device=full.device) + 0.5) / GRID_HZ
        return tokens, times.repeat(2)

    def seen(self, picture: Tensor) -> Tensor:
        """(B, N, F) -> (B, N, width)."""
        x = self.first(picture.to(self.first.weight.dtype))
        for mixing in self.mixing:
            x = x + F.gelu(mixing(x.transpose(1, 2))).transpose(1, 2)
        return torch.as_tensor(self.norm(x))


@functools.lru_cache(maxsize=8)
def see(seen: Footage, kind: str = "motion") -> Sight:
    """The features of some footage; remembered as long as it is. Raises MissingModel for absent weights."""
    return FEATURES[kind][1](seen)


def _spiked(times_s: np.ndarray, values: np.ndarray, frames: int) -> np.ndarray:
    """Values at times -> (frames,), each in the frame it falls in, the largest of several."""
    out = np.zeros(frames)
    for time_s, value in zip(times_s, values, strict=True):
        index = int(time_s * GRID_HZ)
        if 0 <= index < frames and abs(value) > abs(out[index]):
            out[index] = value
    return np.clip(out, -3, 3)


@torch.no_grad()
def _embedded(model: Any, images: list[np.ndarray]) -> np.ndarray:
    batch = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
    batch = F.interpolate(batch, (_CLIP_SIDE, _CLIP_SIDE), mode="bilinear", antialias=True)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (_CLIP_MEAN, _CLIP_STD))
    return np.asarray(F.normalize(model(pixel_values=(batch - mean) / std).image_embeds, dim=-1).numpy())


@functools.lru_cache(maxsize=1)
def _clip_model() -> Any:
    from transformers import CLIPVisionModelWithProjection

    from engine.errors import MissingModel
    from engine.masks.text import models_folder

    folder = models_folder() / "clip-vit-base-patch32"
    if not folder.is_dir():
        raise MissingModel(f"CLIP is not in {folder}: run 'drawaudio models pull yolo-world', or use motion features")
    return CLIPVisionModelWithProjection.from_pretrained(folder).eval()
