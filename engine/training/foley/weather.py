"""Rain, wind, waves, thunder."""

import numpy as np

from engine.training.foley import grains
from engine.training.foley.events import place, poisson, scatter
from engine.training.foley.modal import Body
from engine.training.foley.noise import PAINT_HZ, band, bump, convolve, frames, lowpass, painted, shaped, wander, white
from engine.training.foley.sound import RATE, Audio, FoleySound, Maker, Rng, finish, jitter, log_uniform, samples, say


def drops(rng: Rng, count: int, rate_hz: float, centre_hz: float, spread: float, ring_s: float, plop: float) -> Audio:
    """Drops on something: ticks of noise, pings of what they hit, and bubbles (plop: share of them). -> (count,)."""
    out = np.zeros(count, dtype=np.float32)
    times = rng.permutation(poisson(rng, rate_hz, count / RATE, 6000))
    n = len(times)
    if n < 4:
        return out
    size = grains.heavy_tail(rng, n, rng.uniform(1.3, 2.4), 12)
    hz = np.clip(centre_hz * jitter(rng, spread, n), 200, 17_000)
    wet = int(n * plop)
    dry = (n - wet) // 2 + wet
    if wet:
        low = np.clip(hz[:wet] * 0.4, 350, 9000)
        scatter(out, times[:wet], grains.bubbles(rng, low, size[:wet], 960, rng.uniform(0, 0.15, wet)))
    scatter(
        out, times[wet:dry], grains.pings(rng, hz[wet:dry], ring_s * jitter(rng, 0.4, dry - wet), size[wet:dry], 384)
    )
    dull = np.clip(1 - hz[dry:] / 7000, 0, 0.93)
    scatter(out, times[dry:], grains.bursts(rng, 0.6 * ring_s * jitter(rng, 0.5, n - dry), 0.8 * size[dry:], 384, dull))
    return out


def rain(rng: Rng, duration_s: float) -> FoleySound:
    """Rain from drizzle to downpour, on ground, leaves, a roof, a window or water."""
    count = samples(duration_s)
    force = rng.random()
    where = str(rng.choice(["", "", "", "leaves", "roof", "window", "puddles", "tent"]))
    centre = {"": 3500, "leaves": 2600, "roof": 1900, "window": 3000, "puddles": 3000, "tent": 900}[where] * float(
        jitter(rng, 0.35)
    )
    far = shaped(
        rng,
        count,
        # Recorded rain is nearly pink: far drops merge into a rumble that their own ticks do not have.
        [
            (60, rng.normal(11, 6)),
            (300, rng.normal(8, 5)),
            (1000, rng.normal(7, 4)),
            (2200, rng.normal(5, 3)),
            (log_uniform(rng, 4000, 8000), 0),
            (12_000, rng.uniform(-14, -2)),
            (18_000, -24),
        ],
    )
    near = drops(
        rng,
        count,
        150 + 2600 * force**1.5,
        centre,
        rng.uniform(0.3, 0.6),
        log_uniform(rng, 0.0004, 0.0025),
        0.15 if where == "puddles" else 0.04,
    )
    big = drops(
        rng,
        count,
        log_uniform(rng, 1.5, 40),
        centre * 0.5,
        0.4,
        log_uniform(rng, 0.001, 0.006),
        0.5 if where == "puddles" else 0.1,
    )
    gust = np.exp(0.1 * wander(rng, count, rng.uniform(0.15, 0.8))).astype(np.float32)
    near_rms = near.std() + 1e-6
    out = far * gust * 10 ** ((rng.uniform(-3, 6) + 6 * (force - 0.5)) / 20) + near * (gust / near_rms) * 10 ** (
        rng.uniform(-9, 2) / 20
    )
    out += big * log_uniform(rng, 0.1, 1.0) / (big.std() + 1e-6)
    if where in ("roof", "tent"):
        panel = Body.make(rng, "plate", log_uniform(rng, 80, 300), rng.uniform(0.03, 0.12), 0.5, 40, 0.5).strike(
            rng, 0.0004, 7200
        )
        drum = convolve(near, panel)
        out += rng.uniform(0.3, 1.2) * drum / (drum.std() + 1e-6)
    if rng.random() < 0.3:
        out += rng.uniform(0.05, 0.4) * shaped(rng, count, [(30, 0), (150, 0), (600, -24)])
    how = (
        "[drizzle|light rain|gentle rain|soft rain]"
        if force < 0.3
        else "[rain|rain falls|steady rain|rainfall]"
        if force < 0.7
        else "[heavy rain|pouring rain|a downpour|hard rain]"
    )
    on = {
        "": "[|||outside|in a forest|on the ground]",
        "leaves": "on [leaves|bushes]",
        "roof": "on a [roof|tin roof|metal roof]",
        "window": "[on|against] a window",
        "puddles": "[on puddles|on water]",
        "tent": "on a [tent|umbrella]",
    }[where]
    return finish(rng, out, "rain", say(rng, f"{how} {on}"))


def wind(rng: Rng, duration_s: float) -> FoleySound:
    """Wind: gusts of low roar, whistling edges that rise with them, sometimes leaves."""
    count = samples(duration_s)
    rows = frames(count)
    at = np.linspace(0, count - 1, rows).astype(int)
    slow = wander(rng, count, log_uniform(rng, 0.1, 0.5))[at] + 0.3 * wander(rng, count, log_uniform(rng, 1, 3))[at]
    depth = rng.uniform(0.08, 0.45)
    gust = np.exp(depth * slow)
    centre = log_uniform(rng, 120, 650)
    steep = rng.uniform(1.8, 4.2)
    gain = 1 / (1 + (PAINT_HZ / (centre * gust[:, None] ** rng.uniform(0.6, 1.6))) ** 2) ** (0.5 * steep)
    gain *= np.minimum(PAINT_HZ / 60, 1.0)
    whistle = rng.random() < 0.45
    for _ in range(rng.integers(1, 4) if whistle else 0):
        tone = log_uniform(rng, 300, 1500) * gust ** rng.uniform(0.3, 0.9) * 2 ** (0.15 * wander(rng, count, 1.5)[at])
        gain += (rng.uniform(0.05, 0.5) * gust ** rng.uniform(1, 2.5))[:, None] * bump(tone, rng.uniform(0.1, 0.3))
    leafy = rng.random() < 0.18
    if leafy:
        gain += (rng.uniform(0.03, 0.25) * gust**2)[:, None] * bump(log_uniform(rng, 3000, 7000), rng.uniform(0.6, 1.1))
    out = painted(rng, count, gain * (gust ** rng.uniform(0.8, 2.0))[:, None])
    # Falling all the way: what holds a level above is heard as hiss that comes and goes.
    low = shaped(rng, count, [(20, 0), (60, 0), (200, -20), (600, -50), (5000, -110)])
    buffet = np.maximum(wander(rng, count, rng.uniform(4, 9)), 0) ** 1.5
    out += (rng.uniform(0, 0.9) * out.std() * low * buffet * np.interp(np.arange(count), at, gust)).astype(np.float32)
    if leafy:
        flutter = lowpass(white(rng, count), 14)
        out *= 1 + 0.25 * flutter / (flutter.std() + 1e-9)
    how = (
        "[howling|whistling|eerie] wind"
        if whistle and depth > 0.3
        else "[strong|gusty|stormy] wind"
        if depth > 0.4
        else "[light wind|a breeze|soft wind|steady wind|wind|desolate wind]"
    )
    where = (
        "[in trees|in leaves|through trees]"
        if leafy
        else "[||blows|blowing|over a plain|through a cracked window|in a cave|outside]"
    )
    return finish(rng, out, "wind", say(rng, f"{how} {where}"))


def sea(rng: Rng, duration_s: float) -> FoleySound:
    """Waves that build, break and draw back, over the murmur of the sea."""
    count = samples(duration_s)
    rows = frames(count)
    t = np.arange(rows) / 100
    murmur = 1 / (1 + (PAINT_HZ / log_uniform(rng, 250, 900)) ** 2) ** rng.uniform(0.35, 0.7)
    gain = np.outer(np.exp(0.3 * np.sin(2 * np.pi * t * 0.15 + rng.uniform(0, 6))), murmur) * rng.uniform(0.08, 0.4)
    gap, rough = log_uniform(rng, 2.2, 8.0), rng.random()
    start = -rng.uniform(0, gap)
    breaks = []
    fizz = np.zeros(rows)
    while start < duration_s:
        rise, fall = gap * rng.uniform(0.12, 0.4), gap * rng.uniform(0.25, 0.6)
        size = float(jitter(rng, 0.3))
        x = t - start
        swell = np.where(x < 0, np.exp(-((x / rise) ** 2)), np.exp(-np.maximum(x, 0) / fall))
        bright = 500 * 2 ** (
            rng.uniform(0.6, 2.8)
            * np.where(x < 0, np.exp(-((x / (0.7 * rise)) ** 2)), np.exp(-np.maximum(x, 0) / (2.2 * fall)))
        )
        gain += size * swell[:, None] / (1 + (PAINT_HZ / bright[:, None]) ** 2) ** rng.uniform(0.75, 1.5)
        wash = np.where(x < 0, 0, (np.maximum(x, 0) / fall) * np.exp(-np.maximum(x, 0) / (0.8 * fall)))
        gain += (size * rng.uniform(0.02, 0.18) * wash)[:, None] * bump(
            log_uniform(rng, 2500, 6500), rng.uniform(0.7, 1.2)
        )
        fizz += size * wash
        if 0 < start < duration_s:
            breaks.append(start)
        start += gap * float(jitter(rng, 0.25))
    gain *= np.minimum(PAINT_HZ / 150, 1.0)
    out = painted(rng, count, gain)
    churn = lowpass(white(rng, count), rng.uniform(15, 45))
    out *= np.maximum(1 + rng.uniform(0.05, 0.25) * churn / (churn.std() + 1e-9), 0.05)
    foam = drops(rng, count, 900, log_uniform(rng, 2500, 6000), 0.5, 0.0006, 0.5)
    foam *= np.interp(np.arange(count), np.linspace(0, count, rows), fizz).astype(np.float32)
    out += np.float32(rng.uniform(0.0, 0.2) * out.std() / (foam.std() + 1e-9)) * foam
    # Some way off over open water: the air takes the top octave.
    out = lowpass(out, log_uniform(rng, 9000, 16_000), 3)
    caption = say(
        rng,
        f"[{'big |rough |heavy |' if rough > 0.6 else 'gentle |calm |small ||'}][sea waves|ocean waves|"
        "waves] [breaking on the shore|rolling in|washing on a beach|lapping the beach|crashing on rocks|"
        "at the beach|]",
    )
    return finish(rng, out, "sea_waves", caption)


def thunder(rng: Rng, duration_s: float) -> FoleySound:
    """A crack when near, then the long channel's sound arriving piece by piece, duller and duller."""
    count = samples(duration_s)
    out = np.zeros(count, dtype=np.float32)
    near = rng.random()
    start = rng.uniform(0.01, 0.12 * duration_s)
    rumble_s = log_uniform(rng, 1.5, 7)
    pieces = int(rng.integers(24, 80))
    times = start + np.sort(rng.gamma(rng.uniform(1.0, 2.2), rumble_s / 3.2, pieces))
    times[0] = start
    sizes = jitter(rng, 0.7, pieces) * np.exp(-(times - start) / rumble_s)
    for time, size in zip(times, sizes, strict=True):
        late = (time - start) / rumble_s
        top = log_uniform(rng, 140, 420) * 2 ** (2.2 * near - 1.4 * late)
        length = rng.uniform(0.15, 0.9)
        part = lowpass(white(rng, int(length * RATE)), max(top, 60.0), 2)
        x = np.linspace(0, 1, len(part))
        part *= (np.minimum(x / rng.uniform(0.02, 0.3), 1) * np.exp(-4 * x)).astype(np.float32)
        place(out, time, part / (part.std() + 1e-9), float(size) * 0.4)
    out = lowpass(out, 400 * 2 ** (2.5 * near), 1)
    peak = float(np.abs(out).max()) + 1e-9
    if near > 0.45:
        tears = rng.integers(3, 14)
        for time in start + np.sort(rng.exponential(0.09, tears)):
            part = white(rng, 9600) * np.exp(-np.arange(9600) / RATE / log_uniform(rng, 0.004, 0.05))
            part = lowpass(part.astype(np.float32), log_uniform(rng, 1500, 9000), 1)
            place(out, time, part, peak * rng.uniform(0.1, 0.8) * near / (float(np.abs(part).max()) + 1e-9))
    roll = np.exp(0.5 * wander(rng, count, rng.uniform(1.5, 4)))
    out = (out * roll).astype(np.float32)
    tail = shaped(rng, int(2.5 * RATE), [(40, 0), (120, 0), (900, -20), (4000, -44)])
    tail *= 10 ** (-3 * np.arange(len(tail)) / RATE / rng.uniform(1.5, 2.8))
    wet = convolve(out, tail.astype(np.float32))
    out = out + wet * np.float32(rng.uniform(0.3, 1.0) * out.std() / (wet.std() + 1e-9))
    if rng.random() < 0.25:
        out += log_uniform(rng, 0.003, 0.04) * float(np.abs(out).max()) * band(rng, count, 900, 9000, 6)
        with_rain = " [with rain|in the rain|during a rainstorm]"
    else:
        with_rain = ""
    how = (
        "[a thunder clap|a crack of thunder|lightning strikes close by|close thunder|loud thunder|a lightning bolt]"
        if near > 0.6
        else "[distant thunder|thunder rumbles far away|low rumbling thunder|thunder rolls]"
        if near < 0.35
        else "[thunder|thunder rumbles|rolling thunder|a thunderstorm]"
    )
    return finish(rng, out, "thunder", say(rng, how + with_rain), [start])


MAKERS: dict[str, Maker] = {"rain": rain, "wind": wind, "sea_waves": sea, "thunder": thunder}
