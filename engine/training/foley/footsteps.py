"""Footsteps: a shoe, a gait and a ground. Each step is a heel, a roll of the foot, and a toe."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from engine.training.foley import grains
from engine.training.foley.events import Times, place, scatter, steady, under
from engine.training.foley.modal import Body
from engine.training.foley.noise import band, lowpass, white
from engine.training.foley.room import in_place
from engine.training.foley.sound import RATE, Audio, FoleySound, Maker, Rng, finish, jitter, log_uniform, samples, say
from engine.training.foley.things import fizz


@dataclass(frozen=True)
class Ground:
    """What a foot meets. Ranges are drawn from once per sound; gains are dB against a heel's thump of 0 dB.

    press_s: how long the ground yields under heel or toe. tone: how much of the thump is a tone, not a thud."""

    words: str
    thump_hz: tuple[float, float]
    thump_s: tuple[float, float]
    click_db: tuple[float, float]
    scuff_db: tuple[float, float]
    scuff_hz: tuple[float, float]
    grain_count: tuple[float, float] = (0, 0)
    grain_db: tuple[float, float] = (-60, -60)
    grain_hz: tuple[float, float] = (1000, 5000)
    grain_s: tuple[float, float] = (0.001, 0.004)
    press_s: tuple[float, float] = (0.025, 0.07)
    tone: tuple[float, float] = (0.05, 0.3)
    shape: str = ""
    ring_hz: tuple[float, float] = (100, 200)
    ring_s: tuple[float, float] = (0.05, 0.1)
    ring_db: tuple[float, float] = (-60, -60)
    bubbles: tuple[float, float] = (0, 0)
    places: tuple[str, ...] = ("dry", "dry", "dry", "room", "hall")


GROUNDS: dict[str, Ground] = {
    "wood": Ground(
        "[wood|wooden floor|a wooden floor|floorboards|wooden boards|a wooden deck|parquet]",
        (70, 160), (0.015, 0.05), (-14, 2), (-24, -10), (200, 2000), (0, 6), (-30, -16), (400, 2500), (0.002, 0.008),
        shape="plate", ring_hz=(90, 240), ring_s=(0.08, 0.3), ring_db=(-12, 0),
        tone=(0.2, 0.7),
    ),
    "gravel": Ground(
        "[gravel|a gravel path|pebbles|loose stones|a gravel drive|crushed stone]",
        (60, 130), (0.008, 0.02), (-30, -14), (-16, -5), (900, 9000), (60, 260), (-4, 8), (1200, 7500), (0.0006, 0.004),
        places=("dry", "outdoors"),
        press_s=(0.05, 0.14),
    ),
    "concrete": Ground(
        "[concrete|pavement|stone|asphalt|a pavement|tiles|a stone floor|a tiled floor]",
        (90, 200), (0.006, 0.018), (-7, 7), (-22, -8), (400, 4000), (0, 14), (-26, -12),
        (2000, 8000), (0.0005, 0.002),
        shape="block",
        ring_hz=(350, 1100), ring_s=(0.012, 0.05), ring_db=(-18, -4),
        places=("dry", "dry", "dry", "room", "hall", "stairwell", "tunnel", "outdoors"),
    ),
    "grass": Ground(
        "[grass|a lawn|dry grass|a meadow|long grass|turf]",
        (50, 110), (0.012, 0.03), (-50, -30), (-4, 8), (700, 7000), (20, 110), (-16, -2), (1500, 8000), (0.0008, 0.004),
        places=("dry", "outdoors"),
        press_s=(0.07, 0.2),
    ),
    "snow": Ground(
        "[snow|fresh snow|deep snow|frozen snow|packed snow]",
        (60, 120), (0.01, 0.03), (-50, -34), (-6, 4), (300, 3500), (150, 420), (-4, 7), (500, 3200), (0.0012, 0.006),
        places=("dry", "outdoors"),
        press_s=(0.08, 0.2),
    ),
    "sand": Ground(
        "[sand|a sandy beach|dry sand|wet sand]",
        (50, 100), (0.014, 0.035), (-60, -40), (0, 9), (400, 6000), (60, 160), (-18, -8),
        (1500, 6000), (0.0005, 0.0015),
        places=("dry", "outdoors"),
        press_s=(0.07, 0.18),
    ),
    "metal": Ground(
        "[metal|a metal grate|metal stairs|a steel catwalk|a metal ladder|sheet metal]",
        (80, 180), (0.01, 0.03), (-6, 6), (-22, -8), (400, 4000), (0, 10), (-28, -14), (2000, 9000), (0.001, 0.004),
        shape="plate", ring_hz=(220, 900), ring_s=(0.06, 0.5), ring_db=(-12, 2),
        places=("dry", "dry", "dry", "room", "hall", "stairwell"),
        tone=(0.2, 0.7),
    ),
    "mud": Ground(
        "[mud|wet mud|a muddy path|soft mud|a swamp]",
        (45, 100), (0.02, 0.05), (-50, -30), (-4, 6), (250, 3500), (10, 40), (-18, -6), (400, 2500), (0.002, 0.008),
        bubbles=(14, 60), places=("dry", "outdoors"),
        press_s=(0.06, 0.16),
    ),
    "water": Ground(
        "[water|shallow water|a puddle|puddles|wet ground]",
        (50, 110), (0.02, 0.05), (-40, -20), (2, 10), (600, 9000), (30, 120), (-14, -2), (2500, 9000), (0.0006, 0.003),
        bubbles=(30, 140), places=("dry", "room", "outdoors", "tunnel"),
        press_s=(0.09, 0.22),
    ),
    "leaves": Ground(
        "[leaves|dry leaves|fallen leaves|the forest floor|autumn leaves|twigs and leaves]",
        (50, 110), (0.01, 0.03), (-50, -30), (-6, 4), (1500, 11000), (90, 300), (-2, 8), (1800, 10000), (0.0004, 0.003),
        places=("dry", "outdoors"),
        press_s=(0.07, 0.2),
    ),
    "carpet": Ground(
        "[carpet|a carpet|a rug|a soft floor]",
        (55, 120), (0.02, 0.05), (-40, -24), (-12, 0), (300, 3500), places=("dry", "room"),
        press_s=(0.03, 0.08),
    ),
    "dirt": Ground(
        "[dirt|earth|a dirt road|dry soil|a forest path]",
        (60, 130), (0.012, 0.035), (-28, -14), (-8, 2), (500, 5000), (15, 70), (-16, -3), (800, 5000), (0.0006, 0.003),
        places=("dry", "outdoors"),
        press_s=(0.04, 0.12),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Gait:
    """How one goes: steps a second, heel-to-toe time, force, and its words."""

    words: str
    rate_hz: tuple[float, float]
    roll_s: tuple[float, float]
    toe: tuple[float, float]
    loose: float


GAITS: tuple[Gait, ...] = (
    Gait("[slow|heavy slow|careful|hesitant] footsteps", (0.7, 1.3), (0.1, 0.22), (0.3, 0.9), 0.14),
    Gait("footsteps", (1.4, 2.1), (0.07, 0.15), (0.2, 0.8), 0.05),
    Gait("[steady footsteps|walking|someone walks|a person walking]", (1.5, 2.0), (0.07, 0.14), (0.2, 0.8), 0.03),
    Gait("[brisk|quick|hurried|fast] footsteps", (2.0, 2.6), (0.05, 0.1), (0.2, 0.7), 0.04),
    Gait("[running|running footsteps|someone runs|jogging]", (2.5, 3.6), (0.012, 0.04), (0.3, 1.0), 0.04),
)  # fmt: skip


def _db(rng: Rng, bounds: tuple[float, float]) -> float:
    return float(10 ** (rng.uniform(*bounds) / 20))


@dataclass(frozen=True)
class _Shoe:
    """Everything that stays the same from step to step of one sound."""

    thump_hz: float
    thump_s: float
    tone: float
    click: float
    click_s: float
    click_hz: float
    scuff: float
    scuff_hz: tuple[float, float]
    grain_count: float
    grain: float
    grain_centre: float
    grain_spread: float
    tail: float
    ring: float
    contact_s: float
    body: Body | None
    bubbles: float
    squeak: float

    @classmethod
    def draw(cls, rng: Rng, ground: Ground) -> "_Shoe":
        low, high = ground.scuff_hz
        body = None
        if ground.shape:
            body = Body.make(
                rng,
                ground.shape,
                log_uniform(rng, *ground.ring_hz),
                log_uniform(rng, *ground.ring_s),
                rng.uniform(0.35, 0.95),
                36,
                rng.uniform(0.1, 0.8),
            )
        return cls(
            thump_hz=log_uniform(rng, *ground.thump_hz),
            thump_s=log_uniform(rng, *ground.thump_s),
            tone=rng.uniform(*ground.tone),
            click=_db(rng, ground.click_db),
            click_s=log_uniform(rng, 0.003, 0.02),
            click_hz=log_uniform(rng, 300, 4000),
            scuff=_db(rng, ground.scuff_db),
            scuff_hz=(low * float(jitter(rng, 0.3)), high * float(jitter(rng, 0.3))),
            grain_count=rng.uniform(*ground.grain_count),
            grain=_db(rng, ground.grain_db),
            grain_centre=log_uniform(rng, *ground.grain_hz),
            grain_spread=rng.uniform(0.3, 0.8),
            tail=rng.uniform(0.5, 2.0),
            ring=_db(rng, ground.ring_db),
            contact_s=log_uniform(rng, 0.0006, 0.006),
            body=body,
            bubbles=rng.uniform(*ground.bubbles),
            squeak=rng.uniform(0.02, 0.1) if ground.shape == "block" and rng.random() < 0.12 else 0.0,
        )


def _foot(rng: Rng, ground: Ground, shoe: _Shoe, force: float, spread_s: float, count: int) -> Audio:
    """One contact: heel or toe. spread_s: how long the ground is pressed."""
    out = np.zeros(count, dtype=np.float32)
    t = np.arange(count, dtype=np.float32) / RATE
    thump_hz = shoe.thump_hz * jitter(rng, 0.08)
    soft = 1 - np.exp(-t / (0.0008 + 0.15 * shoe.thump_s))
    glide = 1 + 0.5 * np.exp(-t / 0.01)
    out += (force * shoe.tone * soft * np.exp(-t / shoe.thump_s) * np.sin(2 * np.pi * thump_hz * t * glide)).astype(
        "f4"
    )
    # Skin and sole: the thump is never a clean tone.
    slap = lowpass(white(rng, min(count, 4096)), shoe.thump_hz * rng.uniform(3, 9)) * np.exp(-t[:4096] / shoe.thump_s)
    slap *= np.minimum(t[:4096] / 0.002, 1)
    out[:4096] += (force * (1.2 - 0.6 * shoe.tone) * slap / (np.abs(slap).max() + 1e-6)).astype(np.float32)
    # A sole is soft: twice as steep as bare contact.
    click = fizz(rng, shoe.click_hz, (0.5 * shoe.click_s, 3 * shoe.click_s), min(count, 7200))
    click = lowpass(click, 2 * shoe.click_hz, 1)
    out[: len(click)] += np.float32(force**1.5 * shoe.click) * click
    press = (t / spread_s) ** 0.6 * np.exp(-((t / spread_s) ** 1.4) * shoe.tail)
    rough = band(rng, count, *shoe.scuff_hz, slope_db=9)
    rough *= 1 + 0.5 * lowpass(white(rng, count), 90) * 12
    out += (force * 0.35 * shoe.scuff * press * rough).astype(np.float32)
    pieces = rng.poisson(shoe.grain_count * force)
    if pieces:
        hz = np.clip(shoe.grain_centre * jitter(rng, shoe.grain_spread, pieces), 150, 16_000)
        decay = log_uniform(rng, *ground.grain_s) * jitter(rng, 0.4, pieces)
        size = grains.heavy_tail(rng, pieces, 1.1, 14) * force * shoe.grain * 1.2
        length = 768
        half = pieces // 2
        times = rng.permutation(under(rng, press[::64], pieces, count / RATE))
        scatter(out, times[:half], grains.pings(rng, hz[:half], decay[:half], size[:half], length))
        dull = np.clip(1 - hz[half:] / 9000, 0, 0.95)
        scatter(out, times[half:], grains.bursts(rng, decay[half:], 0.7 * size[half:], length, dull))
    if shoe.body is not None:
        hit = shoe.body.strike(rng, shoe.contact_s * float(jitter(rng, 0.25)), count)
        out[: len(hit)] += np.float32(force * shoe.ring / (np.abs(hit).max() + 1e-6)) * hit
    drops = rng.poisson(shoe.bubbles * force)
    if drops:
        hz = np.clip(rng.uniform(300, 1200) * jitter(rng, 0.7, drops), 180, 8000)
        size = 0.25 * force * grains.heavy_tail(rng, drops, 1.2, 8)
        times = under(rng, (press * t)[::64], drops, count / RATE)
        scatter(out, times, grains.bubbles(rng, hz, size, 1536, rng.uniform(0, 0.2, drops)))
    if shoe.squeak and rng.random() < 0.6:
        chirp = 2 * np.pi * np.cumsum(rng.uniform(900, 1900) * (1 + 0.3 * t / spread_s)) / RATE
        tone = np.sin(chirp) + 0.5 * np.sin(2 * chirp) + 0.3 * np.sin(3 * chirp)
        out += (force * shoe.squeak * press * tone).astype(np.float32)
    return out


def step_times(rng: Rng, gait: Gait, duration_s: float) -> Times:
    """Onsets of the steps of a gait: usually going on throughout, sometimes a few or one."""
    rate = log_uniform(rng, *gait.rate_hz)
    times = steady(rng, rate, duration_s, gait.loose * rng.uniform(0.5, 2))
    if rng.random() < 0.3:
        times = times[: max(1, rng.integers(1, 6))]
    return times


def make(surface: str, rng: Rng, duration_s: float) -> FoleySound:
    """Footsteps on one surface."""
    ground = GROUNDS[surface]
    gait = GAITS[rng.integers(len(GAITS))]
    shoe = _Shoe.draw(rng, ground)
    count = samples(duration_s)
    out = np.zeros(count, dtype=np.float32)
    times = step_times(rng, gait, duration_s)
    limp = rng.uniform(0, 0.25)
    weight = rng.uniform(0.08, 0.3)
    toe_share = rng.uniform(*gait.toe)
    roll = log_uniform(rng, *gait.roll_s)
    spread = log_uniform(rng, *ground.press_s)
    ring_s = shoe.body.decay_s.max() * 7 if shoe.body is not None else 0.0
    length = int(min(max(0.25, ring_s, 3.2 * spread), 1.2) * RATE)
    for number, time in enumerate(times):
        force = float(jitter(rng, weight)) * (1 - limp * (number % 2))
        place(out, time, _foot(rng, ground, shoe, force, spread * float(jitter(rng, 0.15)), length))
        toe = force * toe_share * float(jitter(rng, 0.25))
        place(out, time + roll * float(jitter(rng, 0.15)), _foot(rng, ground, shoe, toe, 0.8 * spread, length // 2))
    out, where = in_place(rng, out, ground.places)
    who = say(rng, "[|||||||in boots|in heavy boots|in leather shoes]") if shoe.click > 0.4 else ""
    one = say(rng, "[a footstep|a single footstep|one step|a step]") if len(times) == 1 else say(rng, gait.words)
    floor = say(rng, ground.words)
    sinks = surface in ("mud", "water", "leaves", "snow") and not floor.endswith(("floor", "ground", "path"))
    caption = f"{one} {'in' if sinks else 'on'} {floor} {who}{where}"
    return finish(rng, out, f"footsteps_{surface}", " ".join(caption.split()), times)


MAKERS: dict[str, Maker] = {f"footsteps_{name}": partial(make, name) for name in GROUNDS}
