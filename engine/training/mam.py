"""Training of the Mask-Attention Module on procedural scenes; everything but the module is frozen."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.models.denoiser import Condition, Denoiser, scale_level, to_tokens
from engine.models.mam import MaskAttentionModule, freeze_all_but
from engine.models.visual import mirrored
from engine.text import TextEncoder
from engine.training.denoiser import ACTIVE_DB, FRAMES, SILENT_DB, WINDOW
from engine.training.loop import train
from engine.training.scene_examples import FRAMES_SEEN, SceneBank

TEXT_DROPOUT, VIDEO_DROPOUT = 0.12, 0.15
CUT_OFF = 0.2
"""Share of the pictures that begin late or end early."""
UNDRAWN = 0.7
"""Share of examples without a curve: there the picture alone says when."""
LEVEL_WEIGHT = 0.5
"""The level a take makes of itself is where a picture's timing shows first."""


def module_for(denoiser: Denoiser) -> MaskAttentionModule:
    """An untrained module that fits a denoiser."""
    return MaskAttentionModule(*(denoiser.config[name] for name in ("width", "depth", "heads")))


def train_mam(
    denoiser: Denoiser,
    bank: SceneBank,
    folder: Path,
    *,
    minutes: float,
    total_minutes: float,
    batch: int = 8,
    rate: float = 1e-3,
    device: str = "cpu",
    seed: int = 0,
) -> MaskAttentionModule:
    """Train (or go on training) a MAM for ``denoiser``, which stays as it is; returns the averaged module."""
    torch.manual_seed(seed)
    rng = np.random.default_rng()
    module = module_for(denoiser).to(device)
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
        keep = torch.from_numpy(np.stack([shown(rng) for _ in rows])).to(device)
        seen = stacked(bank.full), stacked(bank.masked)
        if rng.random() < 0.5:
            seen = mirrored(seen[0]), mirrored(seen[1])
        looks = module.looks(*seen, keep=keep)
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


def shown(rng: np.random.Generator) -> np.ndarray:
    """Which frames of an example's picture are there, (208,) 0 or 1: mostly all, at times none or only a part.

    A take's handles and tail, and what outlasts its film, are heard beyond the picture's edges.
    """
    keep = np.ones(FRAMES_SEEN, np.float32)
    if rng.random() < VIDEO_DROPOUT:
        keep[:] = 0
    elif rng.random() < CUT_OFF:
        edge = int(rng.integers(FRAMES_SEEN))
        keep[slice(edge) if rng.random() < 0.3 else slice(edge, None)] = 0
    return keep


def _together(found: list[tuple[Tensor, Tensor, Tensor]], device: str) -> tuple[Tensor, Tensor, Tensor]:
    """Embeddings of single texts -> tokens (B, S, E), mask (B, S), sentences (B, E), padded to the longest."""
    longest = max(tokens.shape[1] for tokens, _, _ in found)
    pad = torch.nn.functional.pad
    tokens = torch.cat([pad(t, (0, 0, 0, longest - t.shape[1])) for t, _, _ in found])
    mask = torch.cat([pad(m, (0, longest - m.shape[1])) for _, m, _ in found])
    return tokens.to(device), mask.to(device), torch.cat([s for _, _, s in found]).to(device)
