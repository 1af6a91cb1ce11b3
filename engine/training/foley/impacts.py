"""Things hit, dropped and knocked together: wood, metal, glass, stone, plastic; and glass that breaks."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from engine.training.foley import grains
from engine.training.foley.events import Times, bounce, pattern, place, scatter, under
from engine.training.foley.modal import Body
from engine.training.foley.noise import band, lowpass, shaped, wander, white
from engine.training.foley.room import in_place
from engine.training.foley.sound import RATE, Audio, FoleySound, Maker, Rng, finish, jitter, log_uniform, samples, say


@dataclass(frozen=True)
class Thing:
    """A kind of object: its shape, pitch, ring (T60 of the lowest mode), damping of the highs, and who strikes it."""

    words: str
    shape: str
    base_hz: tuple[float, float]
    ring_s: tuple[float, float]
    damping: tuple[float, float]
    contact_s: tuple[float, float]
    noise_db: tuple[float, float]
    thud_db: tuple[float, float] = (-40, -14)
    modes: int = 40
    tilt: tuple[float, float] = (0.2, 0.9)


THINGS: dict[str, tuple[Thing, ...]] = {
    "wood": (
        Thing(
            "[wooden plank|plank|wooden board|log]",
            "bar",
            (180, 700),
            (0.05, 0.2),
            (0.5, 1.0),
            (0.0002, 0.002),
            (-6, 6),
            modes=40,
        ),
        Thing(
            "[wooden crate|wooden box|hollow box|chest]",
            "box",
            (120, 420),
            (0.07, 0.28),
            (0.5, 0.9),
            (0.0003, 0.003),
            (-6, 6),
            (-24, -6),
        ),
        Thing(
            "[table|wooden table|desk|piece of wood]",
            "plate",
            (120, 420),
            (0.05, 0.2),
            (0.5, 1.0),
            (0.0002, 0.0025),
            (-6, 6),
            (-24, -6),
        ),
        Thing(
            "[wood block|wooden stick|wooden spoon]",
            "bar",
            (500, 1700),
            (0.05, 0.2),
            (0.4, 0.9),
            (0.0002, 0.0012),
            (-24, -8),
            modes=40,
        ),
    ),
    "metal": (
        Thing(
            "[metal pipe|steel rod|iron bar|metal bar]",
            "bar",
            (180, 1400),
            (0.15, 2.5),
            (0.1, 0.6),
            (0.0001, 0.0012),
            (-18, -4),
            modes=44,
        ),
        Thing(
            "[metal sheet|steel plate|metal lid|sheet of metal]",
            "plate",
            (70, 320),
            (0.15, 1.8),
            (0.2, 0.7),
            (0.0002, 0.002),
            (-16, -3),
            (-26, -8),
            64,
        ),
        Thing(
            "[metal pan|pot|bucket|metal can|tin can]",
            "shell",
            (280, 1100),
            (0.1, 1.0),
            (0.2, 0.7),
            (0.0001, 0.0015),
            (-16, -3),
            modes=56,
        ),
        Thing(
            "[anvil|hammer|iron weight|wrench]",
            "block",
            (600, 2200),
            (0.06, 0.6),
            (0.2, 0.6),
            (0.0001, 0.0006),
            (-14, -3),
            (-18, -2),
            30,
        ),
        Thing(
            "[sword|blade|metal tool|chain|metal object]",
            "bar",
            (700, 2600),
            (0.1, 1.3),
            (0.1, 0.5),
            (0.00006, 0.0005),
            (-16, -4),
            modes=40,
        ),
    ),
    "glass": (
        Thing(
            "[wine glass|glass|crystal glass]",
            "shell",
            (500, 1700),
            (0.1, 1.2),
            (0.3, 0.8),
            (0.0001, 0.0007),
            (-20, -6),
            modes=40,
        ),
        Thing(
            "[glass bottle|bottle|jar|glass jar]",
            "shell",
            (900, 2800),
            (0.06, 0.45),
            (0.2, 0.7),
            (0.0001, 0.0006),
            (-16, -4),
            modes=40,
        ),
        Thing(
            "[window|glass pane|window pane]",
            "plate",
            (140, 520),
            (0.1, 0.5),
            (0.2, 0.6),
            (0.0002, 0.001),
            (-16, -3),
            (-24, -6),
            60,
        ),
        Thing(
            "[ceramic cup|china plate|porcelain cup|ceramic bowl]",
            "shell",
            (900, 2600),
            (0.08, 0.5),
            (0.3, 0.8),
            (0.0001, 0.0006),
            (-16, -4),
            modes=40,
        ),
    ),
    "stone": (
        Thing(
            "[stone|rock|big rock|boulder]",
            "block",
            (240, 1000),
            (0.015, 0.07),
            (0.2, 0.7),
            (0.0003, 0.0015),
            (-8, 4),
            (-12, 4),
            40,
        ),
        Thing(
            "[brick|concrete block|paving stone]",
            "block",
            (500, 1800),
            (0.02, 0.09),
            (0.2, 0.7),
            (0.0002, 0.001),
            (-8, 2),
            (-14, 0),
            36,
        ),
        Thing(
            "[pebble|small stone|piece of rubble]",
            "block",
            (1600, 4500),
            (0.01, 0.05),
            (0.1, 0.5),
            (0.0001, 0.0004),
            (-10, 0),
            (-30, -14),
            24,
        ),
    ),
    "plastic": (
        Thing(
            "[plastic box|plastic crate|plastic case]",
            "box",
            (150, 520),
            (0.03, 0.14),
            (0.3, 0.8),
            (0.0004, 0.003),
            (-14, -2),
            (-16, -2),
        ),
        Thing(
            "[plastic bottle|plastic cup|plastic container]",
            "shell",
            (260, 1100),
            (0.03, 0.12),
            (0.3, 0.8),
            (0.0003, 0.002),
            (-14, -2),
            modes=40,
        ),
        Thing(
            "[plastic toy|plastic lid|plastic pen|plastic object]",
            "plate",
            (500, 1800),
            (0.02, 0.09),
            (0.3, 0.8),
            (0.0002, 0.0012),
            (-14, -2),
            modes=28,
        ),
    ),
}

VERBS: dict[str, tuple[str, ...]] = {
    "hit": (
        "a {} is [hit|struck|knocked]",
        "[hitting|striking] a {}",
        "a hit on a {}",
        "[hard|soft|dull|sharp] {} hit",
        "{} impact",
    ),
    "repeat": (
        "a {} is hit [again and again|several times|repeatedly]",
        "[hammering|beating|banging] on a {}",
        "repeated {} hits",
    ),
    "drop": ("a {} [drops|falls|is dropped] [on the floor|and bounces|to the ground]", "a {} falls and bounces"),
    "clatter": ("a {} [clatters|rattles]", "[clattering|rattling] {}", "{} [tumbling|falling about]"),
}


def blow(rng: Rng, thing: Thing, body: Body, contact_s: float, force: float, count: int, dull_hz: float) -> Audio:
    """One blow on a body: its modes, the contact's own noise, and the thud of what carries it."""
    # Harder blows are shorter pushes (Hertz), hence brighter.
    push = contact_s * force**-0.2 * float(jitter(rng, 0.1))
    hit = body.strike(rng, push, count)
    hit *= np.float32(1 / (np.abs(hit).max() + 1e-9))
    burst = min(count, 4096)
    out = np.zeros(max(len(hit), burst), dtype=np.float32)
    out[: len(hit)] = hit
    t = np.arange(burst, dtype=np.float32) / RATE
    scratch = lowpass(white(rng, burst), min(18_000.0, 0.9 / push), 1) * np.exp(
        -t / (1.2 * push + rng.uniform(0.0006, 0.004))
    )
    out[:burst] += (10 ** (rng.uniform(*thing.noise_db) / 20) * scratch / (np.abs(scratch).max() + 1e-9)).astype(
        np.float32
    )
    thud = lowpass(white(rng, burst), dull_hz) * np.exp(-t / 0.02) * np.minimum(t / 0.002, 1)
    out[:burst] += (10 ** (rng.uniform(*thing.thud_db) / 20) * thud / (np.abs(thud).max() + 1e-9)).astype(np.float32)
    return np.float32(force) * out


def crumbs(rng: Rng, out: Audio, time: float, force: float) -> None:
    """Chips that fly off stone and fall back, added in place."""
    n = rng.poisson(rng.uniform(5, 60) * force)
    if not n:
        return
    times = time + rng.gamma(1.2, rng.uniform(0.02, 0.15), n)
    size = rng.uniform(0.05, 0.5) * force * grains.heavy_tail(rng, n, 1.1, 12)
    dull = np.clip(1 - log_uniform(rng, 1500, 5000) * jitter(rng, 0.5, n) / 9000, 0, 0.95)
    scatter(out, times, grains.bursts(rng, log_uniform(rng, 0.0008, 0.004) * jitter(rng, 0.4, n), size, 960, dull))


def _gestures(rng: Rng, duration_s: float) -> tuple[str, Times, Times]:
    """What is done: "hit", "repeat", "drop" or "clatter", with times and forces."""
    way = str(rng.choice(["hit", "hit", "repeat", "drop", "clatter"]))
    if way == "drop" and duration_s > 0.4:
        return (way, *bounce(rng, rng.uniform(0.01, 0.2), rng.uniform(0.1, 0.45), rng.uniform(0.5, 0.82), duration_s))
    if way == "clatter" and duration_s > 0.4:
        start, spell = rng.uniform(0.01, 0.15), rng.uniform(0.3, min(2.5, duration_s - 0.1))
        count = int(rng.uniform(6, 26))
        times = start + under(rng, np.exp(-np.linspace(0, rng.uniform(0, 3), 64)), count, spell - start * 0.5)
        return way, times, jitter(rng, 0.6, count) * np.exp(-(times - start) / spell)
    times = pattern(rng, duration_s, (0.18, 1.6), 0.0 if way == "repeat" else 0.75)
    way = "repeat" if len(times) > 1 else "hit"
    return way, times, np.asarray(jitter(rng, rng.uniform(0.05, 0.4), len(times)))


def impact(material: str, rng: Rng, duration_s: float) -> FoleySound:
    """Blows on things of one material."""
    thing = THINGS[material][rng.integers(len(THINGS[material]))]
    count = samples(duration_s)
    base, ring_s = log_uniform(rng, *thing.base_hz), log_uniform(rng, *thing.ring_s)
    body = Body.make(rng, thing.shape, base, ring_s, rng.uniform(*thing.damping), thing.modes, rng.uniform(*thing.tilt))
    contact_s, dull_hz = log_uniform(rng, *thing.contact_s), log_uniform(rng, 90, 380)
    way, times, forces = _gestures(rng, duration_s)
    out = np.zeros(count, dtype=np.float32)
    other = Body.make(rng, thing.shape, base * rng.uniform(0.6, 1.7), ring_s, rng.uniform(*thing.damping), thing.modes)
    # What strikes sounds too: a hammer, a knuckle, the floor that something falls on.
    second = str(rng.choice(sorted(THINGS)))
    striker_of = THINGS[second][rng.integers(len(THINGS[second]))]
    striker_base, striker_ring = log_uniform(rng, *striker_of.base_hz), min(0.25, log_uniform(rng, *striker_of.ring_s))
    striker = Body.make(rng, striker_of.shape, striker_base, striker_ring, rng.uniform(*striker_of.damping), 40)
    share, crumbling = rng.uniform(0.05, 0.5), rng.random() < 0.6
    for number, (time, force) in enumerate(zip(times, forces, strict=True)):
        struck = other if way == "clatter" and number % 2 else body
        hard = max(float(force), 0.02)
        place(out, time, blow(rng, thing, struck, contact_s, hard, count, dull_hz))
        place(out, time, blow(rng, striker_of, striker, contact_s, hard * share, count, dull_hz))
        if material == "stone" and crumbling:
            crumbs(rng, out, time, hard)
    out, where = in_place(rng, out, ("dry", "room", "room", "hall", "outdoors", "tunnel"))
    verb = VERBS[way][rng.integers(len(VERBS[way]))]
    return finish(rng, out, f"impact_{material}", say(rng, verb.format(thing.words)) + where, times)


def shards(rng: Rng, count: int, times: Times, centre_hz: float, ring_s: float) -> Audio:
    """Splinters of glass ringing at their own times: three modes each. -> (count,)."""
    out = np.zeros(count, dtype=np.float32)
    n = len(times)
    hz = np.clip(centre_hz * jitter(rng, 0.45, n), 1200, 16_000)
    size = grains.heavy_tail(rng, n, 1.2, 12)
    length = min(int(4 * ring_s * RATE), 9600)
    for ratio, gain in ((1.0, 1.0), (rng.uniform(1.4, 2.1), 0.7), (rng.uniform(2.3, 3.4), 0.5)):
        pitch = hz * ratio * jitter(rng, 0.12, n)
        audible = pitch < 21_000
        decay = ring_s / 3 * jitter(rng, 0.5, n) * (3000 / pitch) ** 0.5
        scatter(out, times[audible], grains.pings(rng, pitch, decay, gain * size, length)[audible])
    return out


def shatter(rng: Rng, duration_s: float) -> FoleySound:
    """Glass breaks: a blow, a burst of cracks, then splinters falling and bouncing."""
    count = samples(duration_s)
    out = np.zeros(count, dtype=np.float32)
    pane = Thing("", "plate", (150, 600), (0.06, 0.3), (0.1, 0.5), (0.0001, 0.0008), (-6, 4), (-14, 2), 70)
    kind = say(rng, "[window|glass|bottle|wine glass|glass pane|mirror|jar|light bulb]")
    start = rng.uniform(0.01, min(0.3, 0.2 * duration_s))
    body = Body.make(rng, "plate", log_uniform(rng, 200, 900), rng.uniform(0.05, 0.25), 0.3, 70, rng.uniform(-0.3, 0.4))
    place(out, start, blow(rng, pane, body, 0.0002, 1.0, count, rng.uniform(100, 400)))
    t = np.arange(min(count, int(0.5 * RATE)), dtype=np.float32) / RATE
    crash = shaped(rng, len(t), [(300, -22), (1500, -6), (log_uniform(rng, 3500, 8000), 0), (16000, -8)])
    decay = log_uniform(rng, 0.05, 0.32)
    crash *= np.exp(rng.uniform(0.3, 0.9) * wander(rng, len(t), 220))
    place(
        out, start, (crash * np.exp(-t / decay) * np.minimum(t / 0.0005, 1)).astype(np.float32), rng.uniform(0.15, 0.5)
    )
    size = log_uniform(rng, 150, 900)
    burst = start + rng.exponential(decay * rng.uniform(0.5, 1.3), int(size))
    pitch, ring_s = log_uniform(rng, 2200, 6500), log_uniform(rng, 0.012, 0.06)
    out += 0.9 * shards(rng, count, np.sort(burst[burst < duration_s]), pitch, ring_s)
    fall = rng.uniform(0.15, 0.5)
    later = start + fall + rng.gamma(1.5, rng.uniform(0.08, 0.4), int(size * rng.uniform(0.2, 0.7)))
    out += rng.uniform(0.2, 0.7) * shards(
        rng, count, np.sort(later[later < duration_s]), pitch * 1.1, ring_s * rng.uniform(0.8, 2)
    )
    out, where = in_place(rng, out, ("dry", "room", "room", "hall", "outdoors"))
    caption = say(
        rng,
        f"[a {kind} [shatters|breaks|smashes|is smashed]|{kind} [shattering|breaking|smashing]|[glass shatters|"
        f"breaking glass], a {kind}]",
    )
    return finish(rng, out, "glass_shatter", caption + where, [start])


def debris(rng: Rng, duration_s: float) -> FoleySound:
    """Rocks and rubble tumbling down."""
    count = samples(duration_s)
    out = np.zeros(count, dtype=np.float32)
    spell = min(duration_s, rng.uniform(0.8, 5.0))
    total = int(spell * log_uniform(rng, 10, 60))
    start = rng.uniform(0, 0.1)
    times = start + under(rng, np.hanning(64) ** 0.5 + 0.1 * rng.random(64), total, max(spell - start, 0.05))
    force = grains.heavy_tail(rng, total, 0.9, 20)
    centre = log_uniform(rng, 400, 1900)
    bodies = [
        Body.make(rng, "block", centre * float(jitter(rng, 0.5)), rng.uniform(0.015, 0.06), 0.4, 30, 0.4)
        for _ in range(6)
    ]
    thing = THINGS["stone"][0]
    for time, size in zip(times, force, strict=True):
        body = bodies[rng.integers(len(bodies))]
        place(out, time, blow(rng, thing, body, 0.0006 * (0.3 + size), float(size), 6000, rng.uniform(100, 250)))
    out += (
        0.02
        * band(rng, count, 100, 1200, 6)
        * np.interp(np.arange(count) / RATE, [0, start, spell * 0.4, spell], [0, 0.1, 1, 0])
    )
    out, where = in_place(rng, out, ("dry", "outdoors", "tunnel"))
    caption = say(
        rng, "[rocks|stones|rubble|bricks|a pile of stones] [falling|tumbling down|collapsing|rolling down a slope]"
    )
    return finish(rng, out, "rockfall", caption + where, [times[0]] if total else [])


MAKERS: dict[str, Maker] = {f"impact_{name}": partial(impact, name) for name in THINGS} | {
    "glass_shatter": shatter,
    "rockfall": debris,
}
