"""Cloth, paper and air: things that move."""

import numpy as np
from numpy.typing import NDArray

from engine.training.foley import grains
from engine.training.foley.events import pattern, place, scatter, under
from engine.training.foley.noise import PAINT_HZ, band, bump, frames, lowpass, painted, wander, white
from engine.training.foley.room import in_place
from engine.training.foley.sound import RATE, Audio, FoleySound, Maker, Rng, finish, jitter, log_uniform, samples, say
from engine.training.foley.things import fizz


def gestures(
    rng: Rng, duration_s: float, length_s: tuple[float, float], rest_s: tuple[float, float]
) -> list[tuple[float, float]]:
    """(start, length) of movements with rests between: at least one."""
    spans: list[tuple[float, float]] = []
    time = rng.uniform(0.01, min(0.3, 0.2 * duration_s))
    once = rng.random() < 0.25
    while time < duration_s - 0.06 and not (once and spans):
        length = min(log_uniform(rng, *length_s), duration_s - time)
        spans.append((time, length))
        time += length + log_uniform(rng, *rest_s)
    return spans


def stroke(rng: Rng, count: int) -> NDArray[np.float64]:
    """The envelope of one movement: up fast or slow, one to four pushes in it, down to nothing: (count,)."""
    x = np.linspace(0, 1, count)
    rise, fall = rng.uniform(0.15, 1.5), rng.uniform(0.6, 2.5)
    shape = x**rise * (1 - x) ** fall
    for _ in range(rng.integers(0, 4)):
        shape *= 1 - rng.uniform(0.2, 0.85) * np.exp(-(((x - rng.random()) / rng.uniform(0.03, 0.12)) ** 2))
    return shape / (shape.max() + 1e-9)


def cloth(rng: Rng, duration_s: float) -> FoleySound:
    """Clothes, sheets, bags: strokes of rough noise, fibres catching, sometimes a flap."""
    count = samples(duration_s)
    out = np.zeros(count, dtype=np.float32)
    low, high = log_uniform(rng, 150, 900), log_uniform(rng, 2500, 11_000)
    catch_hz, roughness = log_uniform(rng, 25, 160), rng.uniform(0.3, 1.0)
    crisp = rng.uniform(0, 1)
    spans = gestures(rng, duration_s, (0.12, 1.1), (0.02, 0.7))
    for start, length in spans:
        size = int(length * RATE)
        if size < 960:
            continue
        shape = stroke(rng, size)
        speed = wander(rng, size, 6) * 0.35 + np.log2(0.4 + shape)
        bright = 2 ** speed[::480]
        rows = frames(size)
        centre = np.sqrt(low * high) * np.interp(np.linspace(0, 1, rows), np.linspace(0, 1, len(bright)), bright)
        part = painted(rng, size, bump(centre, np.log2(high / low) / rng.uniform(2.2, 3.5)))
        grip = lowpass(white(rng, size), catch_hz)
        grip = np.exp(roughness * grip / (grip.std() + 1e-6))
        part = part * (shape * np.minimum(grip, 6)).astype(np.float32)
        number = rng.poisson(length * 500 * crisp)
        if number:
            times = under(rng, shape[::48], number, length)
            hz = np.clip(high * 0.5 * jitter(rng, 0.5, number), 300, 15_000)
            scatter(
                part,
                times,
                grains.pings(rng, hz, np.full(number, 0.0006), 3 * grains.heavy_tail(rng, number, 1.4, 8), 256),
            )
        place(out, start, part, float(jitter(rng, 0.35)))
        if rng.random() < 0.2:
            flap = lowpass(white(rng, 4800), rng.uniform(150, 700)) * np.exp(
                -np.arange(4800) / RATE / rng.uniform(0.01, 0.04)
            )
            place(
                out,
                start + length * rng.uniform(0.3, 0.9),
                (flap / (np.abs(flap).max() + 1e-9)).astype(np.float32),
                rng.uniform(1, 5),
            )
    out, where = in_place(rng, out, ("dry", "dry", "room"))
    what = "[cloth|clothes|a jacket|a coat|fabric|bed sheets|a shirt|a curtain|a canvas bag|a leather jacket]"
    caption = say(
        rng,
        f"[{what} [rustles|rustling|moving|being handled]|rustling {what}|[someone moves in|movement of] {what}|"
        "cloth rustle]",
    )
    return finish(rng, out, "cloth", caption + where, [start for start, _ in spans])


def paper(rng: Rng, duration_s: float) -> FoleySound:
    """Paper: crumpled, leafed through, torn, or written on."""
    count = samples(duration_s)
    out = np.zeros(count, dtype=np.float32)
    way = str(rng.choice(["crumple", "page", "tear", "write", "rustle"]))
    lengths = {
        "crumple": (0.3, 2.0),
        "page": (0.2, 0.7),
        "tear": (0.15, 1.2),
        "write": (0.08, 0.4),
        "rustle": (0.1, 0.8),
    }
    rests = {
        "crumple": (0.05, 0.6),
        "page": (0.1, 1.2),
        "tear": (0.2, 1.5),
        "write": (0.01, 0.15),
        "rustle": (0.05, 0.6),
    }
    centre, stiff = log_uniform(rng, 1800, 5500), rng.uniform(0.3, 1.0)
    rate = {"crumple": 420, "page": 160, "tear": 900, "write": 250, "rustle": 260}[way] * float(jitter(rng, 0.4))
    hiss = {"crumple": 0.1, "page": 0.35, "tear": 0.4, "write": 0.35, "rustle": 0.3}[way] * float(jitter(rng, 0.4))
    hands = rng.uniform(0.0, 0.8)
    spans = gestures(rng, duration_s, lengths[way], rests[way])
    for start, length in spans:
        size = int(length * RATE)
        if size < 960:
            continue
        shape = stroke(rng, size)
        if way == "write":
            shape *= 0.5 + 0.5 * np.abs(wander(rng, size, rng.uniform(15, 30)))
        rough = np.exp(1.2 * wander(rng, size, 40)) if way != "tear" else 1.0 + 0.3 * wander(rng, size, 60)
        part = (band(rng, size, centre * 0.35, centre * 3, 9) * shape * np.minimum(rough, 5) * hiss).astype(np.float32)
        number = min(rng.poisson(length * rate), 4000)
        if number:
            times = under(rng, (shape * np.maximum(rough, 0))[::48], number, length)
            hz = np.clip(centre * jitter(rng, 0.8, number), 400, 18_000)
            decay = rng.uniform(0.0003, 0.0016) * jitter(rng, 0.4, number)
            size_of = grains.heavy_tail(rng, number, 1.0 + stiff, 20)
            half = number // 2
            scatter(part, times[::2][:half], grains.pings(rng, hz[:half], decay[:half], 2.5 * size_of[:half], 384))
            scatter(
                part,
                times[1::2][: number - half],
                grains.bursts(rng, decay[half:], 2 * size_of[half:], 384)[: len(times[1::2])],
            )
        if way == "page" and rng.random() < 0.7:
            swish = painted(rng, size, bump(np.linspace(600, 2200, frames(size)), 0.9)) * np.hanning(size).astype(
                np.float32
            )
            part += np.float32(rng.uniform(0.05, 0.3)) * swish
            snap = band(rng, 960, 800, 9000) * np.exp(-np.arange(960) / 120).astype(np.float32)
            place(part, length * rng.uniform(0.5, 0.9), snap, rng.uniform(0.1, 0.5))
        # The sheet fans air, and the hand meets what lies under it.
        fanned = band(rng, size, 60, log_uniform(rng, 200, 900), 9) * shape
        part += (log_uniform(rng, 0.01, 0.12) * float(np.abs(part).max()) * fanned).astype(np.float32)
        for _ in range(rng.poisson(hands)):
            touch = fizz(rng, log_uniform(rng, 150, 1500), (0.004, 0.03), 7200)
            place(part, length * rng.random(), touch, float(np.abs(part).max()) * rng.uniform(0.05, 0.4))
        place(out, start, part, float(jitter(rng, 0.3)))
    out, where = in_place(rng, out, ("dry", "dry", "room"))
    words = {
        "crumple": "[crumpling paper|paper is crumpled|a paper bag is crushed|scrunching up a sheet of paper|"
        "crinkling paper]",
        "page": "[turning pages|pages of a book are flipped|leafing through a book|a page turns|book pages]",
        "tear": "[tearing paper|paper is torn|ripping paper|a sheet of paper is ripped]",
        "write": "[writing on paper|a pencil scribbles on paper|a pen writes|drawing with chalk]",
        "rustle": "[paper rustles|rustling paper|handling papers|a newspaper rustles|playing cards are handled]",
    }
    return finish(rng, out, "paper", say(rng, words[way]) + where, [start for start, _ in spans])


def whoosh_sound(rng: Rng, length_s: float) -> Audio:
    """One thing passing through the air: a band of noise whose pitch and level follow its speed."""
    count = max(int(length_s * RATE), 2400)
    rows = frames(count)
    x = np.linspace(0, 1, rows)
    top, width = rng.uniform(0.3, 0.75), rng.uniform(0.12, 0.24)
    speed = np.exp(
        -0.5 * np.abs((x - top) / np.where(x < top, width * rng.uniform(0.8, 1.5), width)) ** rng.uniform(1.6, 4.0)
    )
    base = log_uniform(rng, 140, 1500)
    centre = base * 2 ** (rng.uniform(0.0, 0.8) * speed)
    gain = bump(centre, log_uniform(rng, 0.12, 0.8)) + rng.uniform(0, 0.2) * bump(
        centre * rng.uniform(1.8, 3.2), rng.uniform(0.2, 0.6)
    )
    # Turbulence: a wide skirt that moves with the band, some 10 to 40 dB below it.
    gain += log_uniform(rng, 0.01, 0.35) * (np.maximum(PAINT_HZ, 100) / centre[:, None]) ** -rng.uniform(0.2, 1.1)
    gain *= (speed ** rng.uniform(1.2, 2.4))[:, None]
    part = painted(rng, count, gain)
    flutter = lowpass(white(rng, count), rng.uniform(20, 90))
    flutter *= rng.uniform(0.05, 0.4) / (flutter.std() + 1e-6)
    return (part * np.maximum(1 + flutter, 0.1)).astype(np.float32)


def whoosh(rng: Rng, duration_s: float) -> FoleySound:
    """Swings and passes: sword, stick, rope, arrow, a body going by."""
    count = samples(duration_s)
    out = np.zeros(count, dtype=np.float32)
    size = log_uniform(rng, 0.14, 1.4)
    times = pattern(rng, duration_s, (size * 0.8, size * 3 + 0.3), 0.6)
    heard = []
    loudest = 0.0
    for time in times:
        part = whoosh_sound(rng, size * float(jitter(rng, 0.15)))
        place(out, time, part, float(jitter(rng, 0.25)))
        loudest = max(loudest, float(np.abs(part).max()))
        # It is heard once it comes out of its own rise.
        heard.append(time + float(np.argmax(np.abs(part) > 0.15 * np.abs(part).max())) / RATE)
    out, where = in_place(rng, out, ("dry", "dry", "dry", "outdoors"))
    caption = say(
        rng,
        "[a [fast|quick|sharp] [swish|swoosh|whoosh]|sword swing|a stick swung through the air|swish of a blade|"
        "arrow whoosh]"
        if size < 0.4
        else "[a [slow|long|deep|soft|heavy] [whoosh|swoosh]|air whoosh|whoosh|something large flies past|"
        "a rope swung through the air|air gust whoosh]",
    )
    return finish(rng, out, "whoosh", caption + where, heard)


MAKERS: dict[str, Maker] = {"cloth": cloth, "paper": paper, "whoosh": whoosh}
