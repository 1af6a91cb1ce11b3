"""Things hit, dropped and knocked together: wood, metal, glass, stone, plastic."""

from functools import partial

import numpy as np

from engine.training.foley import grains
from engine.training.foley.events import Times, bounce, pattern, place, scatter, under
from engine.training.foley.noise import band, wander
from engine.training.foley.room import in_place
from engine.training.foley.sound import RATE, Audio, FoleySound, Maker, Rng, finish, jitter, log_uniform, samples, say
from engine.training.foley.things import THINGS, blow, rebounds

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


def crumbs(rng: Rng, out: Audio, time: float, force: float) -> None:
    """Chips that fly off stone and fall back, added in place."""
    n = rng.poisson(rng.uniform(5, 60) * force)
    if not n:
        return
    times = time + rng.gamma(1.2, rng.uniform(0.02, 0.15), n)
    size = rng.uniform(0.05, 0.5) * force * grains.heavy_tail(rng, n, 1.1, 12)
    dull = np.clip(1 - log_uniform(rng, 1500, 5000) * jitter(rng, 0.5, n) / 9000, 0, 0.95)
    scatter(out, times, grains.bursts(rng, log_uniform(rng, 0.0008, 0.004) * jitter(rng, 0.4, n), size, 960, dull))


def scrape(rng: Rng, out: Audio, time: float, force: float) -> None:
    """A light thing slides on after it has been knocked: friction noise from the blow on, added in place."""
    count = int(log_uniform(rng, 0.06, 0.5) * RATE)
    x = np.linspace(0, 1, count)
    shape = (x + 0.02) ** rng.uniform(0.1, 0.6) * (1 - x) ** rng.uniform(0.8, 2.5)
    shape = shape * np.exp(rng.uniform(0.1, 0.5) * wander(rng, count, log_uniform(rng, 8, 40)))
    rub = band(rng, count, log_uniform(rng, 500, 3000), log_uniform(rng, 6000, 15_000), 6)
    place(out, time, (rub * shape / shape.max()).astype(np.float32), force * log_uniform(rng, 0.02, 0.25))


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
    body = thing.body(rng, base, ring_s)
    contact_s, dull_hz = log_uniform(rng, *thing.contact_s), log_uniform(rng, 90, 380)
    way, times, forces = _gestures(rng, duration_s)
    out = np.zeros(count, dtype=np.float32)
    other = thing.body(rng, base * rng.uniform(0.6, 1.7), ring_s)
    # What strikes sounds too: a hammer, a knuckle, the floor that something falls on. What holds it damps it.
    second = str(rng.choice(sorted(THINGS)))
    striker_of = THINGS[second][rng.integers(len(THINGS[second]))]
    striker_base, striker_ring = log_uniform(rng, *striker_of.base_hz), 0.3 * log_uniform(rng, *striker_of.ring_s)
    striker = striker_of.body(rng, striker_base, striker_ring)
    share, crumbling = log_uniform(rng, 0.03, 0.4), rng.random() < 0.6
    for number, (time, force) in enumerate(zip(times, forces, strict=True)):
        struck = other if way == "clatter" and number % 2 else body
        hard = max(float(force), 0.02)
        for delay, again in rebounds(rng, hard):
            place(out, time + delay, blow(rng, thing, struck, contact_s, again, count, dull_hz))
            place(out, time + delay, blow(rng, striker_of, striker, contact_s, again * share, count, dull_hz))
        if material == "stone" and crumbling:
            crumbs(rng, out, time, hard)
        if material == "plastic":
            scrape(rng, out, time, hard)
    out, where = in_place(rng, out, ("dry", "dry", "dry", "room", "outdoors", "hall"))
    verb = VERBS[way][rng.integers(len(VERBS[way]))]
    return finish(rng, out, f"impact_{material}", say(rng, verb.format(thing.words)) + where, times)


MAKERS: dict[str, Maker] = {f"impact_{name}": partial(impact, name) for name in THINGS}
