"""What the picture's networks learn from: procedural scenes, each object asked for by a mask on it.

    draw_parts(1200, folder, minutes)       # scenes -> what is seen and heard of them, and when: slow, once
    encode_parts(codec, folder, path)       # what is heard -> latents: fast, once for every codec
    SceneBank(folder, path)                 # both, as the training reads them

A part is a file of a few scenes, so that drawing them can be cut off and gone on with anywhere.
"""

import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import torch

from engine.loudness import factor_level
from engine.masks.track import from_boxes, mask_size
from engine.models.codec import LATENT_HOP, Codec
from engine.models.contacts import PER_FRAME, STEP_S
from engine.models.visual import motion_features
from engine.motion import measure_all
from engine.training.denoiser import WINDOW
from engine.training.scenes import RATE, Scene, make_scene
from engine.training.scenes.actions import Action
from engine.video import GRID_HZ, Frame

SAMPLES = WINDOW * LATENT_HOP
DURATION_S = SAMPLES / RATE
FRAMES_SEEN = WINDOW // 2
SCENES_PER_PART = 20
TWO_OBJECTS = 0.8
"""Share of the scenes with two objects, between which the mask must choose."""
SPREADING = ("shatter", "pour")
"""Actions that spread beyond their outline; nobody draws a box for each shard."""


class ScenePictures:
    """A scene on the 25 Hz grid, in memory: what a Clip of its file would show."""

    start_s = 0.0

    def __init__(self, scene: Scene) -> None:
        shown = [Frame(time_s, image) for time_s, image in scene.pictures()]
        times = np.array([float(frame.time_s) for frame in shown])
        grid = np.arange(int(scene.duration_s * GRID_HZ)) / GRID_HZ
        self._frames = [shown[i] for i in np.searchsorted(times, grid + 1e-4, side="right") - 1]

    @cached_property
    def frames_shown(self) -> int:
        """Frames of the grid."""
        return len(self._frames)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the pictures."""
        height, width = self._frames[0].image.shape[:2]
        return int(height), int(width)

    def frame(self, index: int) -> Frame:
        """The picture on screen at grid time ``index``."""
        return self._frames[index]


@dataclass(frozen=True, eq=False)
class Example:
    """One object of a scene. full, masked: (208, F) features; stem: (399360,) int16; caption of its sound.

    contact: (416,) 1 where it begins to sound, falling off within 20 ms; swell: (416,) 0..1 of a sound that goes on.
    """

    full: np.ndarray
    masked: np.ndarray
    stem: np.ndarray
    caption: str
    contact: np.ndarray
    swell: np.ndarray


def examples(seed: int) -> list[Example]:
    """What the scene of a seed teaches: each object's own sound, asked for by a mask on it, drawn a little off."""
    rng = np.random.default_rng([seed, 5])
    scene = make_scene(seed, objects=1 + int(rng.random() < TWO_OBJECTS), duration_s=DURATION_S)
    pictures = ScenePictures(scene)
    times = np.arange(pictures.frames_shown) / GRID_HZ
    masks = []
    for number, thing in enumerate(scene.objects):
        boxes = scene.boxes(number, times)
        # A tracker's boxes are larger or smaller than the truth, and somewhat beside it.
        grown = boxes[:, 2:] * rng.uniform(0.85, 1.4, 2)
        centre = boxes[:, :2] + boxes[:, 2:] * (0.5 + rng.uniform(-0.12, 0.12, 2))
        if thing.action_name in SPREADING:
            grown = np.maximum(grown, [0.35, 0.7])
        boxes = np.concatenate([centre - grown / 2, grown], axis=1)
        masks.append(from_boxes(boxes, np.zeros(len(boxes), bool), mask_size(*pictures.size)))
    full, *masked = (motion_features(motion, FRAMES_SEEN) for motion in measure_all(pictures, [None, *masks]))
    return [
        Example(full, masked[number], _stored(scene.stem(number)), thing.caption, *sounding(thing.action))
        for number, thing in enumerate(scene.objects)
    ]


def sounding(action: Action) -> tuple[np.ndarray, np.ndarray]:
    """When an action sounds, per 20 ms: contact (416,) and swell (416,), each 0..1."""
    times = (np.arange(PER_FRAME * FRAMES_SEEN) + 0.5) * STEP_S
    away = np.abs(times[:, None] - action.events_s).min(axis=1, initial=np.inf)
    swell = np.zeros(len(times)) if action.swell is None else action.swell(times)
    return np.exp(-0.5 * (away / STEP_S) ** 2), swell


def _stored(stem: np.ndarray) -> np.ndarray:
    """(samples,) float -> (399360,) int16, no louder than full scale."""
    whole = np.pad(stem, (0, LATENT_HOP))[:SAMPLES]
    return np.round(whole * (32767 * min(1.0, 0.95 / max(1e-9, float(np.abs(whole).max()))))).astype(np.int16)


def draw_part(first: int, count: int, path: Path) -> None:
    """Scenes of the seeds from ``first`` on -> ``path`` (.npz), whole or absent; features in half precision."""
    cv2.setNumThreads(1)
    drawn = {seed: examples(seed) for seed in range(first, first + count)}
    found = [example for of_scene in drawn.values() for example in of_scene]
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(
            file,
            full=np.stack([e.full for e in found]).astype(np.float16),
            masked=np.stack([e.masked for e in found]).astype(np.float16),
            stems=np.stack([e.stem for e in found]),
            captions=np.array([e.caption for e in found]),
            contact=np.stack([e.contact for e in found]).astype(np.float16),
            swell=np.stack([e.swell for e in found]).astype(np.float16),
            scenes=np.array([seed for seed, of_scene in drawn.items() for _ in of_scene]),
        )
    os.replace(partial, path)


def draw_parts(scenes: int, folder: Path, minutes: float, report: Callable[[str], None] = print) -> None:
    """Draw what is missing of so many scenes, one process per processor, until the minutes are up."""
    folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + 60 * minutes
    wanted = {first: folder / f"{first:06d}.npz" for first in range(0, scenes, SCENES_PER_PART)}
    missing = {first: path for first, path in wanted.items() if not path.exists()}
    workers = os.cpu_count() or 1
    # Spawned, not forked: torch's and OpenCV's threads do not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        drawn = {
            pool.submit(draw_part, first, min(SCENES_PER_PART, scenes - first), path): first
            for first, path in missing.items()
        }
        for done in as_completed(drawn):
            if done.cancelled():
                continue
            done.result()
            report(f"scenes from {drawn[done]}: drawn, {sum(p.exists() for p in wanted.values())} of {len(wanted)}")
            if time.monotonic() > deadline:
                for waiting in drawn:
                    waiting.cancel()


def scenes_drawn(scenes: int, folder: Path) -> bool:
    """Whether all of so many scenes are there."""
    return all((folder / f"{first:06d}.npz").exists() for first in range(0, scenes, SCENES_PER_PART))


def parts_of(folder: Path) -> list[Path]:
    """The parts there are, in order. Raises FileNotFoundError where there is none."""
    parts = sorted(folder.glob("*.npz"))
    if not parts:
        raise FileNotFoundError(2, "no scenes have been drawn", str(folder))
    return parts


@torch.no_grad()
def encode_parts(codec: Codec, folder: Path, path: Path, report: Callable[[str], None] = print) -> None:
    """What is heard in the parts of ``folder`` -> ``path`` (.npz).

    latents (N, 416, C), level (N, 832) in dBFS, and the names of the parts, in order.
    """
    device = str(next(codec.parameters()).device)
    latents, levels = [], []
    parts = parts_of(folder)
    for part in parts:
        for stem in np.load(part)["stems"]:
            unit, level = factor_level(torch.from_numpy(stem.astype(np.float32) / 32768)[None].to(device))
            with torch.autocast(device, torch.bfloat16):
                mean, _ = codec.encode(unit)
            latents.append(mean[0].T.float().cpu().numpy().astype(np.float16))
            levels.append(level[0].float().cpu().numpy().astype(np.float16))
        report(f"{part.stem}: encoded, {len(latents)} objects")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(file, latents=np.stack(latents), level=np.stack(levels), parts=np.array([part.name for part in parts]))
    os.replace(partial, path)


class SceneBank:
    """The parts of a folder that were encoded: N objects, each beside the picture it is seen in."""

    def __init__(self, folder: Path, latents: Path) -> None:
        heard = np.load(latents)
        parts = [np.load(folder / str(name)) for name in heard["parts"]]
        self.latents, self.level = heard["latents"], heard["level"]
        self.full, self.masked = (np.concatenate([part[name] for part in parts]) for name in ("full", "masked"))
        self.captions = [str(caption) for part in parts for caption in part["captions"]]

    def __len__(self) -> int:
        return len(self.captions)
