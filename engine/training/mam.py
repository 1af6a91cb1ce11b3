"""Training of the Mask-Attention Module: procedural scenes, everything but the module frozen.

make_examples(codec, seeds, path)          # scenes -> what the training reads, once
train_mam(denoiser, SceneBank(path), ...)  # continues from its checkpoint like every training here
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.loudness import factor_level
from engine.masks.track import from_boxes, mask_size
from engine.models.codec import LATENT_HOP, Codec
from engine.models.denoiser import Condition, Denoiser, scale_level, to_tokens
from engine.models.mam import MaskAttentionModule, freeze_all_but
from engine.models.visual import motion_features
from engine.motion import measure_all
from engine.text import TextEncoder
from engine.training.denoiser import ACTIVE_DB, FRAMES, SILENT_DB, WINDOW
from engine.training.loop import train
from engine.training.scenes import RATE, Scene, make_scene
from engine.video import GRID_HZ, Frame

DURATION_S = WINDOW * LATENT_HOP / RATE
TEXT_DROPOUT, VIDEO_DROPOUT = 0.12, 0.15
UNDRAWN = 0.7
"""Share of examples without a curve: there the picture alone says when."""
LEVEL_WEIGHT = 0.5
"""The level a take makes of itself is where a picture's timing shows first."""


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


@dataclass(frozen=True)
class Example:
    """One object of a scene. latents: (416, C), level: (832,) dBFS, full and masked: (208, F) features."""

    latents: np.ndarray
    level: np.ndarray
    full: np.ndarray
    masked: np.ndarray
    caption: str


@torch.no_grad()
def examples(codec: Codec, scene: Scene, rng: np.random.Generator) -> list[Example]:
    """What the scene teaches: each object's own sound, asked for by a mask on it, drawn a little off."""
    pictures = ScenePictures(scene)
    times = np.arange(pictures.frames_shown) / GRID_HZ
    masks = []
    for number in range(len(scene.objects)):
        boxes = scene.boxes(number, times)
        # A tracker's boxes are larger or smaller than the truth, and somewhat beside it.
        grown = boxes[:, 2:] * rng.uniform(0.85, 1.4, 2)
        centre = boxes[:, :2] + boxes[:, 2:] * (0.5 + rng.uniform(-0.12, 0.12, 2))
        if scene.objects[number].action_name in ("shatter", "pour"):
            # These spread beyond their outline, and nobody draws a box for each shard.
            grown = np.maximum(grown, [0.35, 0.7])
        boxes = np.concatenate([centre - grown / 2, grown], axis=1)
        masks.append(from_boxes(boxes, np.zeros(len(boxes), bool), mask_size(*pictures.size)))
    motions = measure_all(pictures, [None, *masks])
    full, *masked = (motion_features(motion, WINDOW // 2) for motion in motions)
    device = next(codec.parameters()).device
    found = []
    for number, thing in enumerate(scene.objects):
        audio = torch.from_numpy(np.pad(scene.stem(number), (0, LATENT_HOP))[: WINDOW * LATENT_HOP])
        unit, level = factor_level(audio[None].to(device))
        mean, _ = codec.encode(unit)
        found.append(
            Example(
                mean[0].T.float().cpu().numpy(), level[0].float().cpu().numpy(), full, masked[number], thing.caption
            )
        )
    return found


def make_examples(codec: Codec, seeds: Iterable[int], path: Path, report: Callable[[str], None] = print) -> None:
    """Scenes of ``seeds`` -> ``path`` (.npz), in half precision."""
    rng = np.random.default_rng(0)
    found: list[Example] = []
    for count, seed in enumerate(seeds, 1):
        scene = make_scene(seed, objects=1 + int(rng.random() < 0.8), duration_s=DURATION_S)
        found += examples(codec, scene, rng)
        if count % 100 == 0:
            report(f"{count} scenes, {len(found)} examples")
    arrays = {
        name: np.stack([getattr(e, name) for e in found]).astype(np.float16)
        for name in ("latents", "level", "full", "masked")
    }
    np.savez(path, **arrays, captions=np.array([e.caption for e in found]))  # type: ignore[arg-type]


class SceneBank:
    """The file of :func:`make_examples`."""

    def __init__(self, path: Path) -> None:
        data = np.load(path)
        self.latents, self.level, self.full, self.masked = (data[k] for k in ("latents", "level", "full", "masked"))
        self.captions = [str(caption) for caption in data["captions"]]

    def __len__(self) -> int:
        return len(self.captions)


def train_mam(
    denoiser: Denoiser,
    bank: SceneBank,
    folder: Path,
    *,
    minutes: float,
    total_minutes: float,
    batch: int = 8,
    rate: float = 1e-3,
    video_width: int = 128,
    device: str = "cpu",
    seed: int = 0,
) -> MaskAttentionModule:
    """Train (or go on training) a MAM for ``denoiser``, which stays as it is; returns the averaged module."""
    torch.manual_seed(seed)
    rng = np.random.default_rng()
    config = denoiser.config
    module = MaskAttentionModule(config["width"], config["depth"], config["heads"], video_width).to(device)
    parameters = freeze_all_but(module, [denoiser.to(device)])
    optimizer = torch.optim.AdamW(parameters, rate, betas=(0.9, 0.97), weight_decay=0.01)
    encoder = TextEncoder()
    told = {text: encoder([text]) for text in {"", *bank.captions}}

    def step() -> tuple[Tensor, dict[str, float]]:
        rows = rng.integers(len(bank), size=batch)

        def stacked(values: np.ndarray) -> Tensor:
            return torch.from_numpy(values[rows].astype(np.float32)).to(device)

        latents = (stacked(bank.latents) - denoiser.latent_mean) / denoiser.latent_std
        level = (stacked(bank.level) + torch.empty(batch, 1, device=device).uniform_(-15, 0)).clamp(SILENT_DB, 0)
        clean = to_tokens(latents, scale_level(level))
        texts = [bank.captions[row] if rng.random() > TEXT_DROPOUT else "" for row in rows]
        drawn = torch.from_numpy((rng.random((batch, 1)) > UNDRAWN).astype(np.float32)).expand(-1, FRAMES).to(device)
        loose = torch.zeros(batch, device=device)
        condition = Condition(*_together([told[text] for text in texts], device), scale_level(level), drawn, loose)
        keep = torch.from_numpy((rng.random(batch) > VIDEO_DROPOUT).astype(np.float32)).to(device)
        looks = module.looks(stacked(bank.full), stacked(bank.masked), keep=keep)
        time = torch.sigmoid(torch.randn(batch, device=device))
        noise, mix = torch.randn_like(clean), time[:, None, None]
        with torch.autocast(device, torch.bfloat16):
            velocity = denoiser((1 - mix) * clean + mix * noise, time, condition, looks)
        error = (velocity.float() - (noise - clean)) ** 2
        sound = error[..., :-4].reshape(batch, WINDOW, -1).mean(-1)
        active = (level.reshape(batch, WINDOW, 2).amax(-1) > ACTIVE_DB).float() + 0.05
        texture, inner = (sound * active).sum() / active.sum(), error[..., -4:].mean()
        return texture + LEVEL_WEIGHT * inner, {"texture": texture.item(), "level": inner.item()}

    ema = train(
        module, [optimizer], step, folder / "mam.pt",
        minutes=minutes, total_minutes=total_minutes, ema_decay=0.998,
    )  # fmt: skip
    return ema.network  # type: ignore[return-value]


def _together(found: list[tuple[Tensor, Tensor, Tensor]], device: str) -> tuple[Tensor, Tensor, Tensor]:
    """Embeddings of single texts -> tokens (B, S, E), mask (B, S), sentences (B, E), padded to the longest."""
    longest = max(tokens.shape[1] for tokens, _, _ in found)
    pad = torch.nn.functional.pad
    tokens = torch.cat([pad(t, (0, 0, 0, longest - t.shape[1])) for t, _, _ in found])
    mask = torch.cat([pad(m, (0, longest - m.shape[1])) for _, m, _ in found])
    return tokens.to(device), mask.to(device), torch.cat([s for _, _, s in found]).to(device)
