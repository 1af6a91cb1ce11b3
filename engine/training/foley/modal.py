"""Things that ring: sums of decaying modes, struck by something more or less hard."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.training.foley.sound import RATE, Audio, Rng, log_uniform

Floats = NDArray[np.float64]
_STEP = 128

CROWD = 36
"""Short, nameless modes of every body."""


def ring(hz: ArrayLike, decay_s: ArrayLike, gain: ArrayLike, count: int) -> Audio:
    """Sum of gain * exp(-t / decay) * sin(2 pi hz t). hz, decay_s, gain: (modes,) -> (count,).

    exp(s (128 i + j)) = exp(128 s i) * exp(s j), so that the sum over modes is one matrix product.
    """
    keep = np.asarray(hz) < 0.46 * RATE
    pole = (2j * np.pi * np.asarray(hz)[keep] - 1 / np.asarray(decay_s)[keep]) / RATE
    rows = -(-count // _STEP)
    coarse = np.exp(np.outer(_STEP * np.arange(rows), pole)) * np.asarray(gain)[keep]
    fine = np.exp(np.outer(pole, np.arange(_STEP)))
    # Im(a b) without the half of the product that is thrown away.
    left = np.concatenate([coarse.real, coarse.imag], 1).astype(np.float32)
    right = np.concatenate([fine.imag, fine.real], 0).astype(np.float32)
    return (left @ right).reshape(-1)[:count]


def contact(hz: ArrayLike, contact_s: float) -> Floats:
    """How much of each mode a raised-cosine push of the given length excites: soft, long pushes miss the high ones."""
    x = np.asarray(hz, dtype=np.float64) * contact_s
    with np.errstate(divide="ignore", invalid="ignore"):
        spectrum = np.abs(np.sinc(x) / (1 - x**2))
    # The nulls of an ideal push are filled in: no real one has them.
    return np.maximum(np.nan_to_num(spectrum, nan=0.5, posinf=0.5), 0.3 / (1 + x**2) ** 1.1)


def bar(rng: Rng, count: int) -> Floats:
    """Bending of a free bar: wood blocks, rods, pipes."""
    across = 0.4 * count
    order = np.arange(1, int(across) + 1) + 0.5
    one = (order / 1.5056) ** 2
    # A bar bends in two planes, twists, and swells lengthwise; only the bending ratios are fixed.
    other = one * rng.uniform(1.004, 1.6)
    twist = np.arange(1, count + 1) * rng.uniform(3.5, 8)
    ratio = np.sort(np.concatenate([one, other, twist]))[:count]
    return ratio * np.exp(0.02 * rng.standard_normal(count))


def plate(rng: Rng, count: int) -> Floats:
    """Bending of a rectangular plate of random sides: sheets, panels, lids."""
    side = rng.uniform(1.05, 2.4)
    m, n = np.meshgrid(np.arange(1, 12), np.arange(1, 12))
    ratio = np.sort((m**2 + (side * n) ** 2).ravel() / (1 + side**2))[:count]
    return ratio * np.exp(0.025 * rng.standard_normal(count))


def shell(rng: Rng, count: int) -> Floats:
    """Rim modes of a glass, bowl or bell, each split in two by its small faults."""
    order = np.arange(2, 2 + -(-count // 2))
    ratio = np.repeat((order**2 - 1) * order / np.sqrt(order**2 + 1) / (6 / np.sqrt(5)), 2)[:count]
    ratio = ratio ** rng.uniform(0.86, 1.0)
    return ratio * np.exp(0.004 * rng.standard_normal(count))


def block(rng: Rng, count: int) -> Floats:
    """A lump without symmetry: modes crowd together as they rise. Stone, brick, concrete."""
    return np.sort(1 + rng.uniform(0.12, 0.3) * np.cumsum(rng.exponential(1.0, count)))


def box(rng: Rng, count: int) -> Floats:
    """A hollow body: an air resonance below, panels above. Crates, plastic cases, doors."""
    panels = plate(rng, count - 1) * rng.uniform(1.5, 2.6)
    return np.concatenate([[1.0], panels])


SHAPES: dict[str, Callable[[Rng, int], Floats]] = {
    "bar": bar,
    "plate": plate,
    "shell": shell,
    "block": block,
    "box": box,
}


@dataclass(frozen=True)
class Body:
    """A thing that can be struck: its modes (modes,), how long each rings, and how well each is heard."""

    hz: Floats
    decay_s: Floats
    gain: Floats

    @classmethod
    def make(
        cls, rng: Rng, shape: str, base_hz: float, ring_s: float, damping: float, modes: int, tilt: float = 0.5
    ) -> "Body":
        """A body of the given shape.

        ring_s: T60 of the lowest mode. damping: 0 (all ring alike) … 1.5 (decay time falls as hz**-damping).
        tilt: how fast gains fall with frequency, as an exponent.
        """
        ratio = SHAPES[shape](rng, modes)
        # Over the modes that have a name lies a crowd of short ones: without it a blow is an organ.
        crowd = np.exp(rng.uniform(np.log(2.0), np.log(max(4.0, 15_000 / base_hz)), CROWD))
        ratio = np.concatenate([ratio, crowd])
        named = np.arange(len(ratio)) < modes
        decay = ring_s / 6.9 * ratio**-damping * np.exp(0.45 * rng.standard_normal(len(ratio)))
        decay *= np.where(named, 1.0, rng.uniform(0.15, 0.6))
        gain = ratio**-tilt * np.exp(0.55 * rng.standard_normal(len(ratio)))
        gain *= np.where(named, 1.0, log_uniform(rng, 0.2, 1.4))
        return cls(base_hz * ratio, np.maximum(decay, 0.0008), gain)

    def strike(self, rng: Rng, contact_s: float, count: int, spread: float = 0.35) -> Audio:
        """One blow at a place of its own, so that no two blows weigh the modes alike. -> (<= count,), RMS-free."""
        place = np.exp(spread * rng.standard_normal(len(self.hz))) * rng.choice([-1.0, 1.0], len(self.hz))
        longest = int(7.5 * self.decay_s.max() * RATE)
        out = ring(self.hz, self.decay_s, self.gain * place * contact(self.hz, contact_s), min(count, max(longest, 64)))
        rise = min(len(out), max(2, int(contact_s * 0.5 * RATE)))
        out[:rise] *= (np.sin(0.5 * np.pi * np.arange(rise) / rise) ** 2).astype(np.float32)
        return out
