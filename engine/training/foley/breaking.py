"""Things that break and fall apart: glass, rubble."""

from dataclasses import replace

import numpy as np

from engine.training.foley import grains
from engine.training.foley.events import Times, place, scatter, under
from engine.training.foley.modal import Body
from engine.training.foley.noise import band, lowpass, shaped, wander
from engine.training.foley.room import in_place
from engine.training.foley.sound import RATE, Audio, FoleySound, Maker, Rng, finish, jitter, log_uniform, samples, say
from engine.training.foley.things import THINGS, Thing, blow


def shards(rng: Rng, count: int, times: Times, centre_hz: float, ring_s: float) -> Audio:
    """Splinters of glass ringing at their own times: five modes each. -> (count,)."""
    out = np.zeros(count, dtype=np.float32)
    n = len(times)
    hz = np.clip(centre_hz * jitter(rng, 0.6, n), 900, 16_000)
    size = grains.heavy_tail(rng, n, 1.6, 12)
    length = min(int(4 * ring_s * RATE), 9600)
    for ratio, gain in zip(np.exp(np.sort(rng.uniform(-0.4, 1.2, 5))), (1.0, 0.9, 0.7, 0.6, 0.5), strict=True):
        pitch = hz * ratio * jitter(rng, 0.25, n)
        audible = pitch < 21_000
        decay = ring_s / 3 * jitter(rng, 0.5, n) * (3000 / pitch) ** 0.5
        scatter(out, times[audible], grains.pings(rng, pitch, decay, 0.6 * gain * size, length)[audible])
    # Each clink is first of all a tick.
    tick_s = log_uniform(rng, 0.001, 0.006) * jitter(rng, 0.4, n)
    scatter(out, times, grains.bursts(rng, tick_s, rng.uniform(0.3, 1.2) * size, 960, rng.uniform(0, 0.8, n)))
    return out


def shatter(rng: Rng, duration_s: float) -> FoleySound:
    """Glass breaks: a blow, a burst of cracks, then splinters falling and bouncing."""
    count = samples(duration_s)
    out = np.zeros(count, dtype=np.float32)
    pane = Thing(
        "", "plate", (150, 600), (0.06, 0.3), (0.1, 0.5), (0.0001, 0.0008), (-3, 8), (-8, 8), 70, fizz_s=(0.01, 0.1)
    )
    kind = say(rng, "[window|glass|bottle|wine glass|glass pane|mirror|jar|light bulb]")
    start = rng.uniform(0.01, min(0.3, 0.2 * duration_s))
    body = Body.make(rng, "plate", log_uniform(rng, 200, 900), rng.uniform(0.05, 0.25), 0.3, 70, rng.uniform(-0.3, 0.4))
    place(out, start, blow(rng, pane, body, 0.0002, 1.0, count, rng.uniform(100, 400)))
    t = np.arange(min(count, int(0.5 * RATE)), dtype=np.float32) / RATE
    crash = shaped(
        rng,
        len(t),
        [(100, -18), (400, rng.uniform(-14, -4)), (1500, -4), (log_uniform(rng, 3500, 8000), 0), (16_000, -8)],
    )
    decay = log_uniform(rng, 0.05, 0.4)
    crash *= np.exp(rng.uniform(0.3, 0.9) * wander(rng, len(t), 220))
    place(
        out, start, (crash * np.exp(-t / decay) * np.minimum(t / 0.0005, 1)).astype(np.float32), rng.uniform(0.2, 0.8)
    )
    size = log_uniform(rng, 250, 1500)
    burst = start + rng.exponential(decay * rng.uniform(0.5, 1.3), int(size))
    pitch, ring_s = log_uniform(rng, 2000, 6000), log_uniform(rng, 0.03, 0.2)
    out += 0.9 * shards(rng, count, np.sort(burst[burst < duration_s]), pitch, ring_s)
    fall = rng.uniform(0.15, 0.5)
    later = start + fall + rng.gamma(1.5, rng.uniform(0.08, 0.4), int(size * rng.uniform(0.2, 0.7)))
    out += rng.uniform(0.2, 0.7) * shards(
        rng, count, np.sort(later[later < duration_s]), pitch * 1.1, ring_s * rng.uniform(0.8, 2)
    )
    # Frame, table or floor takes the blow, and rumbles under what falls on it.
    thud = shaped(rng, len(t), [(60, 0), (200, 0), (900, -14), (4000, -40)]) * np.exp(-t / log_uniform(rng, 0.03, 0.2))
    place(out, start, thud.astype(np.float32), float(np.abs(out).max()) * log_uniform(rng, 0.01, 0.2))
    out = lowpass(out, log_uniform(rng, 8000, 18_000), 1)
    out, where = in_place(rng, out, ("dry", "dry", "room", "hall", "outdoors"))
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
        Body.make(
            rng, "block", centre * float(jitter(rng, 0.8)), log_uniform(rng, 0.02, 0.09), 0.3, 20, rng.uniform(0, 1.2)
        )
        for _ in range(16)
    ]
    # Rubble knocks more than it scrapes: each stone has a colour of its own.
    thing = replace(THINGS["stone"][0], noise_db=(-26, -6), fizz_s=(0.001, 0.012))
    for time, size in zip(times, force, strict=True):
        body = bodies[rng.integers(len(bodies))]
        place(out, time, blow(rng, thing, body, 0.0006 * (0.3 + size), float(size), 6000, rng.uniform(100, 250)))
    out += (
        rng.uniform(0.002, 0.02)
        * band(rng, count, 80, 500, 9)
        * np.interp(np.arange(count) / RATE, [0, start, spell * 0.4, spell], [0, 0.1, 1, 0])
    )
    out, where = in_place(rng, out, ("dry", "outdoors", "tunnel"))
    caption = say(
        rng, "[rocks|stones|rubble|bricks|a pile of stones] [falling|tumbling down|collapsing|rolling down a slope]"
    )
    return finish(rng, out, "rockfall", caption + where, [times[0]] if total else [])


MAKERS: dict[str, Maker] = {"glass_shatter": shatter, "rockfall": debris}
