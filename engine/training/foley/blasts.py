"""Gunshots and explosions: a shock, a burst, the land answering."""

import numpy as np

from engine.training.foley import grains
from engine.training.foley.events import pattern, place, scatter
from engine.training.foley.noise import bandpass, convolve, highpass, lowpass, shaped, wander, white
from engine.training.foley.sound import RATE, Audio, FoleySound, Maker, Rng, finish, jitter, log_uniform, samples, say


def shock(count: int, positive_s: float) -> Audio:
    """The Friedlander wave of a blast: a jump, then a longer, shallower suction. (count,)."""
    x = np.arange(count) / RATE / positive_s
    return ((1 - x) * np.exp(-x)).astype(np.float32)


def echoes(rng: Rng, audio: Audio, ring_s: float, distance_m: float, wet: float, dark_hz: float) -> Audio:
    """Open land: scattered slaps from walls and woods, and a tail that grows dull."""
    count = int(min(ring_s * 1.2 + 0.2, 4.0) * RATE)
    t = np.arange(count) / RATE
    tail = shaped(rng, count, [(60, -6), (200, 0), (dark_hz, 0), (8000, -20)]) * 10 ** (-3 * t / ring_s)
    dull = shaped(rng, count, [(40, 0), (300, 0), (1200, -18), (5000, -40)]) * 10 ** (-2 * t / ring_s)
    out = 0.6 * tail * np.exp(-t / (0.3 * ring_s)) + dull
    out *= np.exp(rng.uniform(0.2, 0.8) * wander(rng, count, 9))
    out *= 1 - np.exp(-t / (distance_m / 343))
    for _ in range(rng.integers(1, 6)):
        at = int((distance_m / 343) * rng.uniform(1, 6) * RATE)
        if at < count - 480:
            out[at : at + 480] += (
                rng.uniform(2, 12)
                * lowpass(white(rng, 480), dark_hz)
                * np.exp(-np.arange(480) / 80)
                / (1 + at / RATE * 6)
            )
    out /= np.sqrt(np.sum(out**2)) + 1e-9
    reply = convolve(audio, out.astype(np.float32))
    return audio + reply * np.float32(wet * np.abs(audio).max() / (np.abs(reply).max() + 1e-9))


def shot(rng: Rng, calibre: float) -> Audio:
    """One shot at the muzzle, dry. calibre: 0 (pistol) … 1 (cannon). -> (n,), peak 1."""
    count = int(0.7 * RATE)
    t = np.arange(count, dtype=np.float32) / RATE
    out = shock(count, log_uniform(rng, 0.0002, 0.0006) * (1 + 3 * calibre)) * np.float32(rng.uniform(0.4, 1.2))
    crack = white(rng, count) * np.exp(-t / (log_uniform(rng, 0.004, 0.03) * (1 + calibre)))
    crack = highpass(crack.astype(np.float32), rng.uniform(150, 500), 1)
    boom = lowpass(white(rng, count), log_uniform(rng, 180, 500) / (0.6 + calibre)) * np.exp(
        -t / (log_uniform(rng, 0.03, 0.1) * (1 + 1.5 * calibre))
    )
    body = lowpass(white(rng, count), log_uniform(rng, 800, 2500)) * np.exp(-t / log_uniform(rng, 0.02, 0.12))
    for part, low, high in ((crack, 0.3, 1.0), (boom, 0.3, 1.0), (body, 0.2, 0.8)):
        out += (rng.uniform(low, high) * part / (np.abs(part).max() + 1e-9)).astype(np.float32)
    rise = max(2, int(rng.uniform(0.00005, 0.0006) * RATE))
    out[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)
    drive = rng.uniform(1, 5)
    out = np.tanh(drive * out / (np.abs(out).max() + 1e-9)).astype(np.float32)
    return out / (np.abs(out).max() + 1e-9)


def gunshot(rng: Rng, duration_s: float) -> FoleySound:
    """Single shots, volleys, automatic fire; near and far."""
    count = samples(duration_s)
    out = np.zeros(count, dtype=np.float32)
    calibre = float(rng.choice([rng.uniform(0, 0.25), rng.uniform(0.25, 0.6), rng.uniform(0.6, 1.0)]))
    auto = calibre < 0.5 and rng.random() < 0.25 and duration_s > 0.5
    if auto:
        rate, number = log_uniform(rng, 8, 17), rng.integers(3, 14)
        times = rng.uniform(0.01, 0.2) + np.arange(number) / rate * jitter(rng, 0.01)
        times = times[times < duration_s - 0.03]
    else:
        times = pattern(rng, duration_s, (0.35, 2.5), 0.65)
    one = shot(rng, calibre)
    for time in times:
        other = 0.75 * one + 0.35 * shot(rng, calibre)
        place(out, time, other, float(jitter(rng, 0.08)))
        if rng.random() < 0.3:
            after = time + rng.uniform(0.06, 0.2)
            for delay in np.cumsum(rng.uniform(0.01, 0.05, 3)):
                click = bandpass(white(rng, 960), 1800, 7000) * np.exp(-np.arange(960) / 90).astype(np.float32)
                place(out, after + delay, click, rng.uniform(0.005, 0.03))
    far = rng.random() < 0.25
    if far:
        out = lowpass(out, log_uniform(rng, 500, 2000), 1)
    out = echoes(
        rng,
        out,
        log_uniform(rng, 0.4, 2.6),
        log_uniform(rng, 4, 70),
        rng.uniform(0.05, 0.5) * (2 if far else 1),
        log_uniform(rng, 2000, 9000),
    )
    what = (
        "[pistol|gun|handgun|revolver]"
        if calibre < 0.25
        else "[rifle|gun|shotgun]"
        if calibre < 0.6
        else "[shotgun|cannon|heavy gun|musket|blunderbuss]"
    )
    if auto:
        caption = say(
            rng, "[a burst of machine gun fire|machine gun|automatic rifle fire|an assault rifle fires a burst]"
        )
    else:
        caption = say(rng, f"[a {what} [is fired|fires|shot]|{what} [shot|fire]|a gunshot|shots from a {what}]")
    return finish(rng, out, "gunshot", caption + (" " + say(rng, "[in the distance|far away]") if far else ""), times)


def explosion(rng: Rng, duration_s: float) -> FoleySound:
    """A blast, its boiling low roar growing duller, and debris coming down."""
    count = samples(duration_s)
    out = np.zeros(count, dtype=np.float32)
    size = rng.random()
    start = rng.uniform(0.005, min(0.2, 0.1 * duration_s))
    length = min(count, int((0.8 + 5 * size) * RATE))
    t = np.arange(length, dtype=np.float32) / RATE
    roar_s = (0.12 + 0.9 * size) * float(jitter(rng, 0.25))
    part = shock(length, 0.002 + 0.012 * size) * np.float32(rng.uniform(0.3, 1.0))
    bang = white(rng, length) * np.exp(-t / log_uniform(rng, 0.01, 0.06))
    part += (rng.uniform(0.2, 0.7) * lowpass(bang.astype(np.float32), log_uniform(rng, 1500, 9000), 1)).astype(
        np.float32
    ) / 2
    layers = (
        (log_uniform(rng, 60, 140), 1.0, 1.6),
        (log_uniform(rng, 250, 700), rng.uniform(0.3, 1.0), 0.9),
        (log_uniform(rng, 1200, 5000), rng.uniform(0.2, 0.9), 0.6),
    )
    for top, share, slow in layers:
        layer = lowpass(white(rng, length), top)
        boil = np.exp(rng.uniform(0.3, 0.7) * wander(rng, length, rng.uniform(8, 30)))
        layer = layer / (layer.std() + 1e-9) * boil * np.exp(-t / (roar_s * slow)) * np.minimum(t / 0.004, 1)
        part += (0.35 * share * layer).astype(np.float32)
    drop_hz = log_uniform(rng, 45, 110)
    fall = np.sin(2 * np.pi * np.cumsum(drop_hz * (0.45 + 0.55 * np.exp(-t / 0.12))) / RATE)
    part += (rng.uniform(0.1, 0.8) * fall * np.exp(-t / (0.08 + 0.3 * size))).astype(np.float32)
    drive = rng.uniform(0.8, 3)
    place(out, start, np.tanh(drive * part / (np.abs(part).max() + 1e-9)).astype(np.float32))
    if rng.random() < 0.6:
        n = int(log_uniform(rng, 15, 250))
        times = start + 0.1 + rng.gamma(2, 0.2 + 0.5 * size, n)
        scale = log_uniform(rng, 0.01, 0.12) * grains.heavy_tail(rng, n, 1.2, 12)
        hz = np.clip(log_uniform(rng, 300, 1800) * jitter(rng, 0.6, n), 150, 9000)
        scatter(
            out, times, grains.bursts(rng, 0.003 * jitter(rng, 0.6, n), scale, 960, np.clip(1 - hz / 6000, 0, 0.95))
        )
    far = rng.random() < 0.25
    if far:
        out = lowpass(out, log_uniform(rng, 300, 1200), 1)
    out = echoes(
        rng,
        out,
        log_uniform(rng, 0.6, 3.2),
        log_uniform(rng, 6, 90),
        rng.uniform(0.1, 0.6),
        log_uniform(rng, 500, 2500),
    )
    how = (
        "[a distant|a far] explosion"
        if far
        else "[a [big|huge|massive] explosion|a bomb explodes|a massive blast]"
        if size > 0.55
        else "[an explosion|a small explosion|a blast|a grenade explodes|something explodes|a firecracker bang]"
    )
    return finish(rng, out, "explosion", say(rng, how), [start])


MAKERS: dict[str, Maker] = {"gunshot": gunshot, "explosion": explosion}
