"""Training of what reads contacts from a picture, on procedural scenes; minutes on one core."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.models.contacts import ContactReader
from engine.models.visual import mirrored, sped
from engine.training.loop import train
from engine.training.scene_examples import parts_of

UNMASKED = 0.3
"""Share of examples without a mask: there both objects of a scene are asked for."""
SPEED, NOISE = 1.0, 0.4
"""Standard deviation of the logarithm of speeds, and most noise on all features: films are of all kinds."""
CONTACT_WEIGHT, SWELL_WEIGHT = 4.0, 0.3
"""A contact is rare, and weighs so much more than none."""


class SceneEvents:
    """The parts of a folder, (N, 208, F) features and (N, 416) what sounds when: of one object, and of its scene."""

    def __init__(self, folder: Path) -> None:
        parts = [np.load(path) for path in parts_of(folder)]

        def all_of(name: str) -> np.ndarray:
            return np.concatenate([part[name] for part in parts])

        self.full, self.masked = all_of("full"), all_of("masked")
        self.contact, self.swell = all_of("contact"), all_of("swell")
        scenes = all_of("scenes")
        members = [scenes == scene for scene in scenes]
        self.all_contact, self.all_swell = (
            np.stack([values[rows].max(axis=0) for rows in members]) for values in (self.contact, self.swell)
        )

    def __len__(self) -> int:
        return len(self.full)


def train_contacts(
    events: SceneEvents,
    folder: Path,
    *,
    minutes: float,
    total_minutes: float,
    batch: int = 32,
    rate: float = 2e-3,
    device: str = "cpu",
    seed: int = 0,
) -> ContactReader:
    """Train (or go on training) the reader; returns the averaged network."""
    torch.manual_seed(seed)
    rng = np.random.default_rng()
    reader = ContactReader().to(device)
    optimizer = torch.optim.AdamW(reader.parameters(), rate, weight_decay=0.02)

    def step() -> tuple[Tensor, dict[str, float]]:
        rows = rng.integers(len(events), size=batch)
        unmasked = torch.from_numpy(rng.random(batch) < UNMASKED)

        def stacked(one: np.ndarray, other: np.ndarray) -> Tensor:
            own, whole = (torch.from_numpy(values[rows].astype(np.float32)) for values in (one, other))
            return torch.where(unmasked.view(-1, *[1] * (own.ndim - 1)), whole, own).to(device)

        full, masked = stacked(events.full, events.full), stacked(events.masked, events.full)
        contact, swell = stacked(events.contact, events.all_contact), stacked(events.swell, events.all_swell)
        told = reader(*varied(full, masked, flipped=bool(rng.random() < 0.5)))
        weight = 1 + CONTACT_WEIGHT * contact
        contacts = (F.binary_cross_entropy_with_logits(told.contact, contact, reduction="none") * weight).mean()
        swells = F.binary_cross_entropy_with_logits(told.swell, swell)
        return contacts + SWELL_WEIGHT * swells, {"contacts": contacts.item(), "swells": swells.item()}

    ema = train(
        reader, [optimizer], step, folder / "contacts.pt",
        minutes=minutes, total_minutes=total_minutes, ema_decay=0.998,
    )  # fmt: skip
    return ema.network  # type: ignore[return-value]


def varied(full: Tensor, masked: Tensor, *, flipped: bool) -> tuple[Tensor, Tensor]:
    """Features (B, N, F) as of another film of the same: faster or slower, noisier, seen in a mirror."""
    if flipped:
        full, masked = mirrored(full), mirrored(masked)
    factor = torch.exp(SPEED * torch.randn(len(full), 1, 1, device=full.device))
    noise = NOISE * torch.rand(len(full), 1, 1, device=full.device)
    full, masked = (sped(x, factor) + noise * torch.randn_like(x) for x in (full, masked))
    return full, masked
