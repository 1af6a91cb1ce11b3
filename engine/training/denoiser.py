"""Denoiser training: flow matching on latents and level, under every way a curve may be drawn."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from engine.loudness import LOOSE_FRAMES
from engine.models.denoiser import Condition, Denoiser, scale_level, to_tokens
from engine.text import TextEncoder
from engine.training.latents import LatentBank
from engine.training.loop import optimizers, train

WINDOW = 416
"""Latents per training window: 8.32 s."""

FRAMES = 2 * WINDOW
SILENT_DB = -80.0
ACTIVE_DB = -62.0
"""Frames below this teach little: their texture is silence."""

INNER_MATRICES = r"^blocks\.(?!.*modulation)"
"""Names of the weights that Muon trains."""


@dataclass(frozen=True)
class Window:
    """One training example. latents: (416, C) scaled; the rest per 10 ms: (832,)."""

    latents: np.ndarray
    level: np.ndarray
    curve: np.ndarray
    drawn: np.ndarray
    loose: bool
    caption: str


class Windows:
    """Draws training windows: a class, sounds of it, where they lie, and the curve as it might be drawn."""

    def __init__(self, bank: LatentBank, rng: np.random.Generator) -> None:
        self.bank, self.rng = bank, rng
        self.classes = list(bank.by_class)
        share = np.array([len(bank.by_class[name]) ** 0.4 for name in self.classes])
        # Recordings are the sound we want; what we synthesise fills in and teaches timing.
        share *= [0.3 if name.startswith("procedural") else 1.0 for name in self.classes]
        self.share = share / share.sum()

    def laid_out(self) -> tuple[np.ndarray, np.ndarray, str]:
        """A window of one class: a piece of a long sound, or short ones spaced anew."""
        rng, bank = self.rng, self.bank
        members = bank.by_class[self.classes[rng.choice(len(self.classes), p=self.share)]]
        index = members[int(rng.integers(len(members)))]
        caption = bank.captions[index][rng.integers(len(bank.captions[index]))]
        latents = np.repeat(bank.silence[None], WINDOW, 0)
        level = np.full(FRAMES, SILENT_DB, np.float32)
        z, db = bank.sound(index)
        if len(z) >= WINDOW:
            at = int(rng.integers(0, len(z) - WINDOW + 1))
            return z[at : at + WINDOW], db[2 * at : 2 * (at + WINDOW)], caption
        at = int(rng.integers(0, min(WINDOW - len(z), 50) + 1))
        while at + len(z) <= WINDOW:
            latents[at : at + len(z)] = z
            level[2 * at : 2 * (at + len(z))] = db + rng.uniform(-8, 0)
            if rng.random() < 0.15:
                break
            at += len(z) + int(rng.integers(0, 30))
            if rng.random() < 0.3:  # mostly the same object again: one pair of shoes, one dog
                index = members[int(rng.integers(len(members)))]
                z, db = bank.sound(index)
        return latents, level, caption

    def foreign_curve(self) -> np.ndarray:
        """The level of any other sound, as a curve to lay over a steady one."""
        return self.laid_out()[1]

    def drawn_curve(self, level: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool]:
        """The level as a hand or a host might draw it: curve, where it is drawn, and whether loosely."""
        rng = self.rng
        drawn = np.ones(FRAMES, np.float32)
        kind = rng.choice(["exact", "smooth", "loose", "none"], p=[0.35, 0.25, 0.2, 0.2])
        curve = level
        if kind == "smooth":
            width = int(rng.integers(2, 25))
            curve = 10 * np.log10(uniform_filter1d(10 ** (level / 10), width, mode="nearest") + 1e-9)
        elif kind == "loose":
            curve = maximum_filter1d(level, LOOSE_FRAMES, mode="nearest")
            curve = uniform_filter1d(curve, int(rng.integers(1, 80)), mode="nearest") + rng.uniform(-1.5, 1.5)
        elif kind == "none":
            drawn[:] = 0
        if kind != "none" and rng.random() < 0.2:
            start = rng.integers(0, FRAMES - 50)
            drawn[start : start + rng.integers(50, 500)] = 0
        return curve, drawn, kind == "loose"

    def draw(self) -> Window:
        """One example."""
        rng = self.rng
        latents, level, caption = self.laid_out()
        active = level[level > ACTIVE_DB]
        if len(active) > 0.9 * FRAMES and active.std() < 5 and rng.random() < 0.5:
            # Rain under the curve of a bark is still rain: a steady sound takes any level.
            level = self.foreign_curve()
        level = np.clip(level + rng.uniform(-20, 0), SILENT_DB, 0).astype(np.float32)
        curve, drawn, loose = self.drawn_curve(level)
        return Window(latents, level, np.clip(curve, SILENT_DB, 0).astype(np.float32), drawn, loose, caption)


class Captions:
    """Every caption of a bank, embedded once; half precision, to keep the table small."""

    def __init__(self, bank: LatentBank, device: str) -> None:
        texts = sorted({text for options in bank.captions for text in options})
        encoder = TextEncoder()
        self.rows = {text: i for i, text in enumerate(texts)}
        found = [pair for at in range(0, len(texts), 64) for pair in encoder.many(texts[at : at + 64])]
        self.longest = max(len(tokens) for tokens, _ in found)
        self.tokens = torch.zeros(len(texts) + 1, self.longest, found[0][0].shape[1], dtype=torch.float16)
        self.mask = torch.zeros(len(texts) + 1, self.longest, dtype=torch.bool)
        self.sentence = torch.zeros(len(texts) + 1, found[0][0].shape[1])
        self.mask[-1, 0] = True  # the last row is "no prompt"
        for row, (tokens, sentence) in enumerate(found):
            self.tokens[row, : len(tokens)] = tokens
            self.mask[row, : len(tokens)] = True
            self.sentence[row] = sentence
        self.device = device

    def __call__(self, texts: list[str | None]) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens, mask and sentence vectors of a batch; None is the empty prompt."""
        rows = torch.tensor([-1 if text is None else self.rows[text] for text in texts])
        used = int(self.mask[rows].sum(1).max())
        parts = (self.tokens[rows, :used].float(), self.mask[rows, :used], self.sentence[rows])
        tokens, mask, sentence = (part.to(self.device) for part in parts)
        return tokens, mask, sentence


def train_denoiser(
    bank: LatentBank,
    folder: Path,
    *,
    minutes: float,
    total_minutes: float,
    batch: int = 8,
    rate: float = 1.5e-3,
    width: int = 256,
    depth: int = 6,
    heads: int = 4,
    device: str = "cpu",
    seed: int = 0,
) -> Denoiser:
    """Train (or go on training) the denoiser; returns the averaged network."""
    torch.manual_seed(seed)
    rng = np.random.default_rng()
    network = Denoiser(bank.latents.shape[1], width, depth, heads).to(device)
    network.latent_mean.copy_(torch.from_numpy(bank.mean))
    network.latent_std.copy_(torch.from_numpy(bank.std))
    windows, captions = Windows(bank, rng), Captions(bank, device)

    def step() -> tuple[Tensor, dict[str, float]]:
        examples = [windows.draw() for _ in range(batch)]

        def stacked(name: str) -> Tensor:
            return torch.from_numpy(np.stack([getattr(e, name) for e in examples])).to(device)

        level = stacked("level")
        clean = to_tokens(stacked("latents"), scale_level(level))
        text = captions([e.caption if rng.random() > 0.12 else None for e in examples])
        loose = torch.tensor([float(e.loose) for e in examples], device=device)
        condition = Condition(*text, scale_level(stacked("curve")), stacked("drawn"), loose)
        # A little more often near noise, where the words decide.
        time = torch.sigmoid(torch.randn(batch, device=device) + 0.2)
        noise = torch.randn_like(clean)
        mix = time[:, None, None]
        # On a CPU the plain attention's backward pass is twice as fast as the fused one's.
        kernels = [SDPBackend.MATH] if device == "cpu" else [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION]
        with sdpa_kernel(kernels), torch.autocast(device, torch.bfloat16):
            velocity = network((1 - mix) * clean + mix * noise, time, condition)
        error = (velocity.float() - (noise - clean)) ** 2
        sound = error[..., :-4].reshape(batch, -1, bank.latents.shape[1]).mean(-1)
        active = (level.reshape(batch, -1, 2).amax(-1) > ACTIVE_DB).float() + 0.05
        texture = (sound * active).sum() / active.sum()
        inner = error[..., -4:].mean()
        return texture + 0.1 * inner, {"texture": texture.item(), "level": inner.item()}

    ema = train(
        network, optimizers(network, rate, INNER_MATRICES), step, folder / "denoiser.pt",
        minutes=minutes, total_minutes=total_minutes, ema_decay=0.998,
    )  # fmt: skip
    return ema.network  # type: ignore[return-value]
