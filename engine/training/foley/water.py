"""Drips, streams, splashes, bubbles; and fire."""

import numpy as np

from engine.training.foley import grains
from engine.training.foley.events import pattern, place, poisson, scatter, steady, under
from engine.training.foley.noise import band, bump, frames, lowpass, painted, shaped, wander, white
from engine.training.foley.room import in_place
from engine.training.foley.sound import RATE, Audio, FoleySound, Maker, Rng, finish, jitter, log_uniform, samples, say


def drips(rng: Rng, duration_s: float) -> FoleySound:
    """Single drops falling into water or on stone."""
    count = samples(duration_s)
    out = np.zeros(count, dtype=np.float32)
    rate = log_uniform(rng, 0.5, 6)
    times = steady(rng, rate, duration_s, 0.5 if rng.random() < 0.5 else 0.04)
    centre, spread = log_uniform(rng, 450, 2400), rng.uniform(0.03, 0.4)
    tick, deep, wet = rng.uniform(0.15, 1.3), rng.uniform(0.05, 0.5), log_uniform(rng, 1, 15)
    for time in times:
        gain = float(jitter(rng, 0.35))
        number = 1 + rng.poisson(rng.uniform(0.2, 1.5))
        hz = np.clip(centre * jitter(rng, spread, number), 250, 7000)
        delay = np.concatenate([[0.0], rng.exponential(0.03, number - 1)]) + rng.uniform(0.004, 0.02)
        size = np.concatenate([[1.0], rng.uniform(0.1, 0.6, number - 1)])
        part = np.zeros(9600, dtype=np.float32)
        # A slow bubble rings several times longer than the textbook one: surfaces hold it.
        f = hz[:, None]
        t = np.arange(6000)[None] / RATE
        decay = rng.uniform(0.006, 0.03) * jitter(rng, 0.3, number)[:, None] * (1000 / f) ** 0.5
        tone = np.sin(2 * np.pi * f * t * (1 + deep * t / 0.02 * 0.5)) * np.exp(-t / decay) * (1 - np.exp(-t / 0.0008))
        scatter(part, delay, (size[:, None] * tone).astype(np.float32))
        place(part, 0.0, grains.bursts(rng, [log_uniform(rng, 0.0006, 0.005)], [tick], 960, rng.uniform(0.0, 0.8))[0])
        # The crown falls back as a spray of lesser drops.
        spray = rng.poisson(wet)
        late = rng.gamma(1.5, 0.02, spray)
        small = rng.uniform(0.05, 0.5) * grains.heavy_tail(rng, spray, 1.2, 6)
        pitch = np.clip(3 * centre * jitter(rng, 0.6, spray), 400, 9000)
        scatter(part, late, grains.bubbles(rng, pitch, small, 960, rng.uniform(0, 0.2, spray)))
        place(out, time, part, gain)
    out, where = in_place(rng, out, ("room", "tunnel", "hall", "dry", "dry"))
    out = lowpass(out, log_uniform(rng, 5000, 15_000), 3)
    # Where it drips, it is seldom quiet: pipes, a cave's air, water running on.
    room = shaped(rng, count, [(60, 0), (400, -6), (2000, rng.uniform(-20, -8)), (8000, rng.uniform(-40, -16))])
    out += np.float32(10 ** (rng.uniform(-64, -36) / 20) * np.abs(out).max()) * room
    caption = say(
        rng,
        f"[{'slowly ' if rate < 1.2 else ''}dripping water|water drips|water drops|a dripping tap|"
        "drops fall into water|a leaking faucet]",
    )
    return finish(rng, out, "water_drips", caption + where, times)


def bubbling(rng: Rng, count: int, rate_hz: float, low: float, high: float) -> Audio:
    """The voice of moving water: bubbles of all sizes, large ones loud and few. -> (count,)."""
    out = np.zeros(count, dtype=np.float32)
    times = poisson(rng, rate_hz, count / RATE, 6000)
    n = len(times)
    hz = np.exp(rng.uniform(np.log(low), np.log(high), n))
    size = grains.heavy_tail(rng, n, 1.6, 15) * (low / hz) ** rng.uniform(0.0, 0.35)
    rise = np.where(rng.random(n) < 0.4, rng.uniform(0.02, 0.25, n), 0.01)
    short = hz > 900
    scatter(out, times[short], grains.bubbles(rng, hz[short], size[short], 640, rise[short]))
    scatter(out, times[~short], grains.bubbles(rng, hz[~short], size[~short], 2400, rise[~short]))
    return out


def stream(rng: Rng, duration_s: float) -> FoleySound:
    """Running water: a brook, a tap, pouring, a waterfall."""
    count = samples(duration_s)
    kind = str(rng.choice(["brook", "brook", "tap", "pour", "fall"]))
    rate = {"brook": 420, "tap": 600, "pour": 380, "fall": 500}[kind] * float(jitter(rng, 0.4))
    low = {"brook": 350, "tap": 600, "pour": 300, "fall": 250}[kind] * float(jitter(rng, 0.35))
    voice = bubbling(rng, count, rate, low, log_uniform(rng, 2500, 8000))
    voice /= voice.std() + 1e-9
    swell = np.exp(rng.uniform(0.1, 0.4) * wander(rng, count, rng.uniform(1, 6))).astype(np.float32)
    top = log_uniform(rng, 1200, 6000)
    rush = shaped(
        rng, count, [(80, rng.uniform(-20, -4)), (300, -4), (700, 0), (top, rng.uniform(-6, 2)), (16_000, -28)]
    )
    share = {"brook": (-16, -2), "tap": (-8, 4), "pour": (-14, -2), "fall": (4, 16)}[kind]
    out = voice * swell + rush * np.float32(10 ** (rng.uniform(*share) / 20)) * np.sqrt(swell)
    if kind == "pour":
        # The vessel fills: its air column shortens and the tone climbs.
        rows = frames(count)
        tone = log_uniform(rng, 250, 700) * 2 ** (np.linspace(0, rng.uniform(0.4, 1.8), rows))
        out += rng.uniform(0.4, 1.5) * painted(rng, count, bump(tone, 0.12) + 0.5 * bump(3 * tone, 0.08))
    out, where = in_place(rng, out, ("dry", "outdoors") if kind in ("brook", "fall") else ("dry", "room"))
    words = {
        "brook": "[a stream|a brook|a creek|flowing water|a small river|water stream flowing|a babbling brook]",
        "tap": "[a running tap|water running from a tap|a shower|a faucet runs|a fountain]",
        "pour": "[pouring water into a glass|water is poured|filling a bottle with water|pouring a drink]",
        "fall": "[a waterfall|rushing water|a river rapids|a weir]",
    }
    return finish(rng, out, "water_stream", say(rng, words[kind]) + where)


def splash(rng: Rng, duration_s: float) -> FoleySound:
    """Something falls into water: slap, crown, cavity, then drops raining back."""
    count = samples(duration_s)
    out = np.zeros(count, dtype=np.float32)
    size = rng.random()
    times = pattern(rng, duration_s, (0.4, 1.8), 0.5)
    for time in times:
        force = float(jitter(rng, 0.25))
        length = int(min(2.2, 0.5 + 1.5 * size) * RATE)
        part = np.zeros(length, dtype=np.float32)
        t = np.arange(length, dtype=np.float32) / RATE
        slap = (
            band(rng, length, 200 / (0.4 + size), log_uniform(rng, 500, 3000), 12)
            * np.exp(-t / log_uniform(rng, 0.008, 0.04))
            * np.minimum(t / 0.002, 1)
        )
        spread = (0.05 + 0.25 * size) * float(jitter(rng, 0.2))
        rows = frames(length)
        x = np.arange(rows) / 100
        crown = np.outer(
            (x / spread) ** 0.7 * np.exp(-x / spread), bump(log_uniform(rng, 400, 2200), rng.uniform(0.8, 1.4))[0]
        )
        churn = lowpass(white(rng, length), 40)
        spray = painted(rng, length, crown) * np.maximum(1 + 0.5 * churn / (churn.std() + 1e-9), 0)
        cavity = grains.bubbles(rng, [log_uniform(rng, 90, 260) * (1.6 - size)], [1.0], min(length, 24_000), [0.12])[0]
        part += slap * np.float32(rng.uniform(0.1, 0.5)) + spray * np.float32(rng.uniform(0.1, 0.4))
        cavity *= np.exp(-np.arange(len(cavity)) / RATE / rng.uniform(0.015, 0.06)).astype(np.float32)
        place(part, rng.uniform(0.02, 0.15), cavity, rng.uniform(0.1, 0.7))
        number = int(log_uniform(rng, 40, 300) * (0.4 + size))
        late = rng.gamma(1.8, spread * 1.2, number)
        hz = np.clip(log_uniform(rng, 350, 1400) * jitter(rng, 0.6, number), 180, 6000)
        scatter(
            part,
            late,
            grains.bubbles(
                rng,
                hz,
                rng.uniform(0.4, 1.2) * grains.heavy_tail(rng, number, 1.2, 10),
                1440,
                rng.uniform(0, 0.2, number),
            ),
        )
        ticks = grains.bursts(
            rng, 0.001 * jitter(rng, 0.4, number), 0.05 * grains.heavy_tail(rng, number, 1.5, 8), 384, 0.85
        )
        scatter(part, rng.gamma(2.5, spread * 1.3, number), ticks)
        place(out, time, part, force)
    out, where = in_place(rng, out, ("dry", "dry", "outdoors", "room", "tunnel"))
    words = (
        "[a big splash|a body falls into water|a heavy splash|diving into water]"
        if size > 0.6
        else "[a splash|water splash|a stone falls into water|splashing water|hands splash in water|a swimming stroke]"
    )
    return finish(rng, out, "water_splash", say(rng, words) + where, times)


def bubbles(rng: Rng, duration_s: float) -> FoleySound:
    """Blubbering: air rising in water, mud or a boiling pot."""
    count = samples(duration_s)
    thick = rng.random() < 0.4
    low, high = (
        (log_uniform(rng, 70, 160), log_uniform(rng, 400, 900))
        if thick
        else (log_uniform(rng, 200, 500), log_uniform(rng, 1200, 3500))
    )
    rate = log_uniform(rng, 8, 40) if thick else log_uniform(rng, 25, 180)
    out = np.zeros(count, dtype=np.float32)
    density = np.exp(rng.uniform(0.2, 1.2) * wander(rng, count, rng.uniform(1, 5)))[::480]
    n = max(1, rng.poisson(rate * duration_s))
    times = under(rng, density, min(n, 4000), duration_s)
    hz = np.exp(rng.uniform(np.log(low), np.log(high), len(times)))
    t = np.arange(7200, dtype=np.float32)[None] / RATE
    decay = (rng.uniform(4, 11) / hz * jitter(rng, 0.3, len(times)))[:, None].astype(np.float32)
    f = hz[:, None].astype(np.float32)
    size = (grains.heavy_tail(rng, len(times), 1.5, 10) * (low / hz) ** 0.4)[:, None].astype(np.float32)
    climb = rng.uniform(0.1, 0.6, len(times))[:, None].astype(np.float32)
    for chunk in range(0, len(times), 256):
        part = slice(chunk, chunk + 256)
        x = t / decay[part]
        scatter(
            out,
            times[part],
            size[part]
            * (1 - np.exp(-3 * x))
            * np.exp(-x)
            * np.sin(2 * np.pi * f[part] * t * (1 + 0.25 * climb[part] * x)),
        )
    out += np.float32(0.04 * rng.random() * out.std()) * shaped(rng, count, [(100, 0), (600, 0), (5000, -20)])
    out, where = in_place(rng, out, ("dry", "room"))
    words = (
        "[bubbling mud|thick bubbling|lava bubbling|bubbling swamp]"
        if thick
        else "[bubbles in water|underwater bubbles|bubbling water|water boils in a pot|gurgling water]"
    )
    return finish(rng, out, "water_bubbles", say(rng, words) + where)


def fire(rng: Rng, duration_s: float) -> FoleySound:
    """A fire: roar below, hiss above, and crackles whose sizes follow a power law, in clusters."""
    count = samples(duration_s)
    size = rng.random()
    out = np.zeros(count, dtype=np.float32)
    restless = np.exp(rng.uniform(0.4, 1.3) * wander(rng, count, rng.uniform(0.8, 4)))
    number = min(int(log_uniform(rng, 4, 70) * duration_s), 5000)
    times = under(rng, restless[::480], number, duration_s)
    # A crack seldom comes alone: some are followed by a spray of smaller ones.
    parents = rng.integers(0, max(number, 1), number // 2)
    sprays = times[parents] + rng.exponential(rng.uniform(0.004, 0.02), len(parents))
    power = grains.heavy_tail(rng, number, rng.uniform(0.7, 1.1), 120)
    times, power = (
        np.concatenate([times, sprays]),
        np.concatenate([power, 0.5 * power[parents] * rng.random(len(parents))]),
    )
    n = len(times)
    hz = np.clip(log_uniform(rng, 1400, 4500) * jitter(rng, 0.6, n), 300, 15_000)
    decay = log_uniform(rng, 0.0004, 0.002) * jitter(rng, 0.5, n)
    half = n // 2
    order = rng.permutation(n)
    a, b = order[:half], order[half:]
    scatter(out, times[a], grains.pings(rng, hz[a], decay[a], power[a], 480))
    scatter(out, times[b], grains.bursts(rng, decay[b], power[b], 480, np.clip(1 - hz[b] / 8000, 0, 0.9)))
    pops = poisson(rng, rng.uniform(0, 1.5), duration_s)
    for time in pops:
        t = np.arange(3000) / RATE
        body = np.sin(2 * np.pi * log_uniform(rng, 150, 600) * t) * np.exp(-t / 0.008) + 0.6 * lowpass(
            white(rng, 3000), 2500
        ) * np.exp(-t / 0.004)
        place(out, time, body.astype(np.float32), rng.uniform(0.2, 0.9))
    roar = shaped(
        rng, count, [(30, -6), (70, 0), (log_uniform(rng, 120, 300), 0), (900, -18), (2500, -28), (12_000, -44)]
    )
    flap = lowpass(white(rng, count), rng.uniform(6, 22))
    roar *= (
        np.maximum(1 + rng.uniform(0.2, 0.6) * flap / (flap.std() + 1e-9), 0.05) * restless.astype(np.float32) ** 0.4
    )
    out += np.float32(10 ** ((rng.uniform(-58, -40) + 20 * size) / 20)) * roar
    out += np.float32(10 ** (rng.uniform(-80, -56) / 20)) * band(rng, count, 1500, 9000, 6)
    how = (
        "[a roaring fire|a big fire|a bonfire|a house on fire|flames roar]"
        if size > 0.65
        else "[a crackling fire|crackling fire|a campfire|a fireplace|fire crackles|burning wood|a wood fire]"
    )
    return finish(rng, out, "fire", say(rng, how))


MAKERS: dict[str, Maker] = {
    "water_drips": drips,
    "water_stream": stream,
    "water_splash": splash,
    "water_bubbles": bubbles,
    "fire": fire,
}
