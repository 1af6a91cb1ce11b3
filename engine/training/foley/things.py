"""What gets hit: kinds of things by material, and one blow on them."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from engine.training.foley.modal import Body
from engine.training.foley.noise import bandpass, highpass, lowpass, white
from engine.training.foley.sound import RATE, Audio, Rng, jitter, log_uniform

BANDS = 6
"""Bands of a contact's noise."""


@dataclass(frozen=True)
class Thing:
    """A kind of object: its shape, pitch, ring (T60 of the lowest mode), damping of the highs, and who strikes it.

    noise_db, thud_db: the contact's own noise and the thud of what carries it, against the modes' peak. tilt: how
    fast the modes' gains fall, as an exponent. fizz_s, fizz_hz: how long the contact's noise lasts, and from where
    it falls by 6 dB per octave. loose: see `fizz`."""

    words: str
    shape: str
    base_hz: tuple[float, float]
    ring_s: tuple[float, float]
    damping: tuple[float, float]
    contact_s: tuple[float, float]
    noise_db: tuple[float, float]
    thud_db: tuple[float, float] = (-40, -18)
    modes: int = 40
    tilt: tuple[float, float] = (0.0, 0.7)
    fizz_s: tuple[float, float] = (0.002, 0.02)
    fizz_hz: tuple[float, float] = (3000, 12_000)
    loose: float = 1.0

    def body(self, rng: Rng, base_hz: float, ring_s: float) -> Body:
        """One such thing of the given pitch and ring."""
        damping, tilt = rng.uniform(*self.damping), rng.uniform(*self.tilt)
        return Body.make(rng, self.shape, base_hz, ring_s, damping, self.modes, tilt)


THINGS: dict[str, tuple[Thing, ...]] = {
    "wood": (
        Thing(
            "[wooden plank|plank|wooden board|log]", "bar",
            (180, 700), (0.08, 0.35), (0.3, 0.8), (0.0001, 0.001), (-8, 6),
            fizz_s=(0.004, 0.03), fizz_hz=(250, 2500), loose=0.4,
        ),
        Thing(
            "[wooden crate|wooden box|hollow box|chest]", "box",
            (120, 420), (0.1, 0.4), (0.3, 0.7), (0.0002, 0.0015), (-8, 6), (-24, -8),
            fizz_s=(0.004, 0.03), fizz_hz=(250, 2500), loose=0.4,
        ),
        Thing(
            "[table|wooden table|desk|piece of wood]", "plate",
            (120, 420), (0.08, 0.35), (0.3, 0.8), (0.0001, 0.0012), (-8, 6), (-24, -8),
            fizz_s=(0.004, 0.03), fizz_hz=(250, 2500), loose=0.4,
        ),
        Thing(
            "[wood block|wooden stick|wooden spoon]", "bar",
            (500, 1700), (0.05, 0.2), (0.3, 0.8), (0.0001, 0.0008), (-18, -2), fizz_hz=(800, 5000), loose=0.4,
        ),
    ),
    "metal": (
        Thing(
            "[metal pipe|steel rod|iron bar|metal bar]", "bar",
            (180, 1400), (0.2, 2.5), (0.0, 0.4), (0.00005, 0.0005), (-14, 0), modes=44, tilt=(-0.4, 0.4),
        ),
        Thing(
            "[metal sheet|steel plate|metal lid|sheet of metal]", "plate",
            (70, 320), (0.2, 1.8), (0.1, 0.5), (0.00008, 0.0008), (-12, 2), (-30, -12), 64, (-0.4, 0.3),
        ),
        Thing(
            "[metal pan|pot|bucket|metal can|tin can]", "shell",
            (280, 1100), (0.15, 1.0), (0.1, 0.5), (0.00006, 0.0006), (-12, 2), modes=56, tilt=(-0.4, 0.4),
        ),
        Thing(
            "[anvil|hammer|iron weight|wrench]", "block",
            (600, 2200), (0.08, 0.6), (0.1, 0.5), (0.00005, 0.0003), (-12, 0), (-26, -8), 30, (-0.3, 0.4),
        ),
        Thing(
            "[sword|blade|metal tool|chain|metal object]", "bar",
            (700, 2600), (0.1, 1.3), (0.0, 0.4), (0.00004, 0.0003), (-12, 0), tilt=(-0.4, 0.4),
        ),
    ),
    "glass": (
        Thing(
            "[wine glass|glass|crystal glass]", "shell",
            (500, 1700), (0.1, 1.2), (0.1, 0.5), (0.00005, 0.0004), (-18, -2), tilt=(-0.4, 0.4),
        ),
        Thing(
            "[glass bottle|bottle|jar|glass jar]", "shell",
            (900, 2800), (0.06, 0.45), (0.1, 0.5), (0.00005, 0.0003), (-14, 0), tilt=(-0.4, 0.4),
        ),
        Thing(
            "[window|glass pane|window pane]", "plate",
            (140, 520), (0.1, 0.5), (0.0, 0.4), (0.00006, 0.0005), (-12, 2), (-30, -12), 60, (-0.4, 0.3),
        ),
        Thing(
            "[ceramic cup|china plate|porcelain cup|ceramic bowl]", "shell",
            (900, 2600), (0.08, 0.5), (0.1, 0.5), (0.00005, 0.0003), (-12, 2), tilt=(-0.4, 0.4),
        ),
    ),
    "stone": (
        Thing(
            "[stone|rock|big rock|boulder]", "block",
            (240, 1000), (0.02, 0.1), (0.1, 0.5), (0.0001, 0.0008), (-8, 6), (-24, -6), 40, (-0.2, 0.5),
            (0.004, 0.04), (700, 5000),
        ),
        Thing(
            "[brick|concrete block|paving stone]", "block",
            (500, 1800), (0.02, 0.12), (0.1, 0.5), (0.0001, 0.0005), (-8, 4), (-26, -8), 36, (-0.3, 0.4),
            (0.003, 0.03), (1000, 7000),
        ),
        Thing(
            "[pebble|small stone|piece of rubble]", "block",
            (1600, 4500), (0.01, 0.06), (0.0, 0.4), (0.00006, 0.0003), (-10, 2), (-36, -20), 24, (-0.3, 0.4),
        ),
    ),
    "plastic": (
        Thing(
            "[plastic box|plastic crate|plastic case]", "box",
            (600, 2000), (0.03, 0.14), (0.0, 0.3), (0.00006, 0.0004), (0, 10), (-40, -18), 40, (-0.7, 0.1),
            (0.006, 0.04), (6000, 16_000),
        ),
        Thing(
            "[plastic bottle|plastic cup|plastic container]", "shell",
            (900, 2800), (0.03, 0.12), (0.0, 0.3), (0.00006, 0.0003), (0, 10), modes=40, tilt=(-0.7, 0.1),
            fizz_s=(0.006, 0.04), fizz_hz=(6000, 16_000),
        ),
        Thing(
            "[plastic toy|plastic lid|plastic pen|plastic object]", "plate",
            (1400, 4500), (0.02, 0.09), (0.0, 0.3), (0.00005, 0.0003), (0, 10), modes=28, tilt=(-0.7, 0.1),
            fizz_s=(0.006, 0.03), fizz_hz=(6000, 16_000),
        ),
    ),
}  # fmt: skip


def fizz(rng: Rng, top_hz: float, decay_s: tuple[float, float], count: int, loose: float = 1.0) -> Audio:
    """The noise of a contact: rough surfaces meet in many points. -> (count,), peak about 1.

    It falls by 6 dB per octave from top_hz up. loose: how far each band has a level and a decay of its own, from
    0 (damped alike, as in wood) to 1.
    """
    t = np.arange(count, dtype=np.float32) / RATE
    edges = np.geomspace(120, 16_000, BANDS + 1) * jitter(rng, 0.1, BANDS + 1)
    noise, out = lowpass(white(rng, count), top_hz, 1), np.zeros(count, dtype=np.float32)
    whole_s = log_uniform(rng, *decay_s)
    for low, high in pairwise(edges):
        own_s = log_uniform(rng, *decay_s) ** loose * whole_s ** (1 - loose)
        fading = np.exp(-t / (own_s * (1000 / low) ** 0.3))
        out += (jitter(rng, 0.6 * loose) * bandpass(noise, low, high, 2) * fading).astype(np.float32)
    return out / (np.abs(out).max() + 1e-9)


def blow(rng: Rng, thing: Thing, body: Body, contact_s: float, force: float, count: int, dull_hz: float) -> Audio:
    """One blow on a body: its modes, the contact's own noise, and the thud of what carries it."""
    # Harder blows are shorter pushes (Hertz), hence brighter.
    push = contact_s * force**-0.2 * float(jitter(rng, 0.1))
    hit = body.strike(rng, push, count)
    hit *= np.float32(1 / (np.abs(hit).max() + 1e-9))
    burst = min(count, 12_000)
    out = np.zeros(max(len(hit), burst), dtype=np.float32)
    out[: len(hit)] = hit
    t = np.arange(burst, dtype=np.float32) / RATE
    for part, level_db in (
        (fizz(rng, log_uniform(rng, *thing.fizz_hz), thing.fizz_s, burst, thing.loose), thing.noise_db),
        (lowpass(white(rng, burst), dull_hz) * np.exp(-t / 0.02) * np.minimum(t / 0.002, 1), thing.thud_db),
    ):
        out[:burst] += (10 ** (rng.uniform(*level_db) / 20) * part / (np.abs(part).max() + 1e-9)).astype(np.float32)
    return np.float32(force) * out


def rebounds(rng: Rng, force: float) -> list[tuple[float, float]]:
    """Most blows come with lesser contacts after them: [(delay in s, force)], begun by the blow itself."""
    number = rng.integers(0, 4)
    delays = np.cumsum(rng.uniform(0.012, 0.09, number))
    return [(0.0, force), *((float(d), force * rng.uniform(0.08, 0.6)) for d in delays)]


def small_parts(rng: Rng, audio: Audio) -> Audio:
    """Parts of a few centimetres: little radiates below some hundred hertz, and plastic damps the top."""
    return lowpass(highpass(audio, log_uniform(rng, 200, 800), 2), log_uniform(rng, 3500, 18_000), 1)
