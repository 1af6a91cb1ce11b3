"""Engines: cars, motorbikes, chainsaws, helicopters. Firing pulses through pipes, with the noise of the works."""

import numpy as np
from numpy.typing import NDArray

from engine.training.foley.events import impulses
from engine.training.foley.modal import ring
from engine.training.foley.noise import bandpass, convolve, highpass, lowpass, shaped, wander, white
from engine.training.foley.sound import RATE, Audio, FoleySound, Maker, Rng, finish, jitter, log_uniform, samples, say

Line = NDArray[np.float64]


def revs(rng: Rng, count: int, low: float, high: float, way: str) -> Line:
    """Turns per second over time. way: "idle", "steady", "rev" (throttle blips), "leave" (pulls away), "pass"."""
    x = np.linspace(0, 1, count)
    unsteady = 0.012 * wander(rng, count, 5) + 0.02 * wander(rng, count, 0.7)
    if way == "idle":
        line = low * np.ones(count)
    elif way == "steady":
        line = log_uniform(rng, low * 1.4, high) * np.ones(count)
    elif way == "rev":
        throttle = np.zeros(count)
        time, seconds = rng.uniform(0, 0.4), count / RATE
        while time < seconds:
            hold, gap = rng.uniform(0.1, 0.9), rng.uniform(0.3, 1.6)
            throttle[int(time * RATE) : int((time + hold) * RATE)] = rng.uniform(0.4, 1)
            time += hold + gap
        step = int(0.02 * RATE)
        speed, values = 0.0, []
        # Revs climb faster than they fall.
        for open_ in throttle[::step]:
            speed += (open_ - speed) * (0.16 if open_ > speed else 0.05)
            values.append(speed)
        line = low * (high / low) ** np.interp(np.arange(count), np.arange(len(values)) * step, values)
    elif way == "leave":
        gears = np.sort(rng.random(rng.integers(0, 3)))
        line = low * (high / low) ** (
            ((x + 0.05) * (len(gears) + 1) - sum((x > g) * 0.8 for g in gears)).clip(0.02, 1.2) * 0.8
        )
        line = np.convolve(line, np.ones(2401) / 2401, "same")
        line[:1200], line[-1200:] = line[1200], line[-1201]
    else:
        at, sharp = rng.uniform(0.35, 0.65), rng.uniform(4, 12)
        line = log_uniform(rng, low * 1.5, high) * (1 - 0.07 * np.tanh((x - at) * sharp))
    return line * np.exp(unsteady)


def firing(rng: Rng, turns: Line, per_turn: float, cylinders: int, uneven: float, shake: float) -> tuple[Audio, Audio]:
    """Impulses of the cylinders and the phase-locked loudness of each. -> (impulses, gate), both (count,)."""
    count = len(turns)
    phase = np.cumsum(turns) / RATE * per_turn
    strokes = np.arange(1, int(phase[-1]) + 1)
    which = strokes % cylinders
    offset = (uneven * rng.standard_normal(cylinders))[which] + 0.01 * rng.standard_normal(len(strokes))
    strength = np.exp(1.5 * uneven * rng.standard_normal(cylinders))[which] * jitter(rng, shake, len(strokes))
    at = np.interp(strokes + offset, phase, np.arange(count))
    gate = np.exp(-3 * (phase % 1.0))
    return impulses(count, at, strength), gate.astype(np.float32)


def exhaust(rng: Rng, pipe_hz: float, bright_hz: float, muffled: float) -> Audio:
    """What a pipe makes of one firing: a thump, its resonances, a puff. -> (n,)."""
    count = int(0.09 * RATE)
    t = np.arange(count) / RATE
    n = 12
    hz = pipe_hz * (np.arange(n) * 2 + 1) ** rng.uniform(0.7, 1.0) * jitter(rng, 0.06, n)
    pipe = ring(
        hz,
        rng.uniform(0.004, 0.014) / (1 + np.arange(n) * 0.3),
        (1.0 / (1 + np.arange(n))) ** muffled * jitter(rng, 0.4, n),
        count,
    )
    puff = lowpass(white(rng, count), bright_hz) * np.exp(-t / rng.uniform(0.002, 0.006))
    knock = -np.diff(np.exp(-t / 0.0015) * (1 - np.exp(-t / 0.0004)), append=0)
    puff *= rng.uniform(0.1, 0.6) / (np.abs(puff).max() + 1e-9)
    return (pipe + puff + rng.uniform(2, 14) * knock).astype(np.float32)


def motor(
    rng: Rng,
    turns: Line,
    per_turn: float,
    cylinders: int,
    uneven: float,
    pipe_hz: float,
    bright_hz: float,
    muffled: float,
    works: float,
) -> Audio:
    """An engine at given revs. -> (count,), RMS about 1."""
    count = len(turns)
    hits, gate = firing(rng, turns, per_turn, cylinders, uneven, log_uniform(rng, 0.02, 0.25))
    # What the pipe answers goes with the load, and the load is never still.
    share = 0.5 + 0.5 * np.tanh(1.5 * wander(rng, count, log_uniform(rng, 1, 6)))
    tone = np.zeros(count, dtype=np.float32)
    for part in (share, 1 - share):
        tone += convolve((hits * part).astype(np.float32), exhaust(rng, pipe_hz, bright_hz, muffled))
    load = (turns / turns.mean()) ** rng.uniform(0.5, 2.0)
    tone /= tone.std() + 1e-9
    drive = rng.uniform(0.4, 1.6)
    air_db = rng.uniform(-34, -16)
    tone = np.tanh(drive * tone) / drive
    hiss = shaped(
        rng, count, [(80, -14), (300, -3), (log_uniform(rng, 500, 2500), 0), (6000, air_db), (16_000, 2 * air_db)]
    )
    hiss *= 1 + gate * rng.uniform(0, 1.5)
    rattle = bandpass(hits, log_uniform(rng, 1200, 2500), log_uniform(rng, 3500, 8000))
    rattle = convolve(rattle, (white(rng, 720) * np.exp(-np.arange(720) / 120)).astype(np.float32))
    out = tone + works * (hiss / (hiss.std() + 1e-9) + rng.uniform(0, 0.25) * rattle / (rattle.std() + 1e-9))
    return (out * load).astype(np.float32)


def air(rng: Rng, audio: Audio) -> Audio:
    """Intake, fan and bearings: a faint hiss up to the top that no muffler takes away, added to an engine."""
    hiss = shaped(
        rng, len(audio), [(100, 0), (1000, -6), (4000, rng.uniform(-16, -6)), (16_000, rng.uniform(-30, -10))]
    )
    return audio + np.float32(10 ** (rng.uniform(-30, -12) / 20) * audio.std()) * hiss


def passing(rng: Rng, audio: Audio) -> Audio:
    """Level and brightness of a thing that comes, passes and goes."""
    count = len(audio)
    x = np.linspace(-1, 1, count) - rng.uniform(-0.3, 0.3)
    near = 1 / np.sqrt(1 + (x * rng.uniform(3, 9)) ** 2)
    dull = lowpass(audio, rng.uniform(400, 1100))
    return (near * (near * audio + (1 - near) * dull)).astype(np.float32)


def car(rng: Rng, duration_s: float) -> FoleySound:
    """A car or truck: idling, revving, leaving, passing."""
    count = samples(duration_s)
    truck = rng.random() < 0.35
    cylinders = int(rng.choice([4, 4, 6, 8])) if not truck else 6
    way = str(rng.choice(["idle", "idle", "steady", "rev", "leave", "pass"]))
    low, high = (
        (log_uniform(rng, 8, 12), log_uniform(rng, 25, 40))
        if truck
        else (log_uniform(rng, 11, 16), log_uniform(rng, 40, 90))
    )
    turns = revs(rng, count, low, high, way)
    out = motor(
        rng,
        turns,
        cylinders / 2,
        cylinders,
        rng.uniform(0.01, 0.08),
        log_uniform(rng, 55, 160),
        log_uniform(rng, 300, 1800),
        rng.uniform(0.6, 1.4),
        rng.uniform(0.08, 0.5) * (1.6 if truck else 1),
    )
    # Bonnet, muffler and distance: engines as recorded fall some 9 dB per octave from a few hundred hertz up.
    out = air(rng, lowpass(out, log_uniform(rng, 120, 1400), 1))
    rumble = shaped(rng, count, [(25, 0), (90, 0), (400, -18), (3000, -40)])
    out += rng.uniform(0.1, 0.5) * out.std() * rumble
    if way in ("pass", "leave", "steady"):
        tyres = shaped(rng, count, [(100, -8), (500, 0), (1100, 0), (4000, -14), (12_000, -30)])
        out += rng.uniform(0.05, 0.4) * out.std() * tyres
    if way == "pass":
        out = passing(rng, out)
    what = "[truck|lorry|bus|tractor|diesel engine]" if truck else "[car|car engine|automobile|car motor|engine]"
    words = {
        "idle": f"a {what} [idles|idling|is running|with the engine running]",
        "steady": f"[a {what} [driving|drives|runs fast]|inside a driving {what}]",
        "rev": f"[a {what} [revs|revving|is revved]|revving a {what}]",
        "leave": f"a {what} [drives off|accelerates|pulls away|drives away]",
        "pass": f"a {what} [passes by|drives past|passing]",
    }
    return finish(rng, out, "engine_car", say(rng, words[way]))


def motorbike(rng: Rng, duration_s: float) -> FoleySound:
    """A motorbike or moped: one or two cylinders, little muffling."""
    count = samples(duration_s)
    cylinders = int(rng.choice([1, 2, 2, 4]))
    way = str(rng.choice(["idle", "steady", "rev", "rev", "leave", "pass"]))
    turns = revs(rng, count, log_uniform(rng, 17, 30), log_uniform(rng, 70, 150), way)
    out = motor(
        rng,
        turns,
        cylinders / 2,
        cylinders,
        rng.uniform(0.02, 0.2),
        log_uniform(rng, 80, 240),
        log_uniform(rng, 1200, 5000),
        rng.uniform(0.3, 0.9),
        rng.uniform(0.1, 0.6),
    )
    out = air(rng, lowpass(out, log_uniform(rng, 300, 3000), 1))
    if way == "pass":
        out = passing(rng, out)
    words = {
        "idle": "[idles|idling]",
        "steady": "[driving|rides]",
        "rev": "[revs|revving]",
        "leave": "[drives off|accelerates]",
        "pass": "[passes by|rides past]",
    }
    return finish(rng, out, "engine_motorbike", say(rng, f"a [motorbike|motorcycle|moped|scooter] {words[way]}"))


def chainsaw(rng: Rng, duration_s: float) -> FoleySound:
    """A two-stroke saw: bright, rattling, idling between cuts that pull the revs down."""
    count = samples(duration_s)
    way = str(rng.choice(["steady", "rev", "rev", "idle"], p=[0.3, 0.3, 0.3, 0.1]))
    turns = revs(rng, count, log_uniform(rng, 40, 60), log_uniform(rng, 110, 220), way)
    cutting = np.clip(wander(rng, count, rng.uniform(0.5, 2.5)) + rng.uniform(-0.5, 1), 0, 1)
    turns *= (1 - rng.uniform(0.1, 0.4) * cutting) * np.exp(rng.uniform(0.02, 0.08) * wander(rng, count, 2))
    out = motor(
        rng,
        turns,
        1,
        1,
        0.0,
        log_uniform(rng, 100, 300),
        log_uniform(rng, 2500, 8000),
        rng.uniform(0.1, 0.6),
        rng.uniform(0.05, 0.3),
    )
    # A small engine has no low end: its muffler is a short box.
    out = highpass(out, log_uniform(rng, 60, 160), 1)
    chain = shaped(rng, count, [(400, -16), (2000, -2), (log_uniform(rng, 3000, 7000), 0), (14_000, -8)])
    chain *= (0.25 + 0.75 * (turns / turns.max()) ** 2 + rng.uniform(0, 1.2) * cutting).astype(np.float32)
    out += log_uniform(rng, 0.05, 0.35) * chain
    where = rng.random()
    if where < 0.25:
        out = lowpass(out, log_uniform(rng, 1500, 6000), 1)
    # In the open, some metres off.
    out = lowpass(out, log_uniform(rng, 7000, 16_000), 3)
    words = {
        "idle": "[idles|idling|is running]",
        "steady": "[cuts wood|sawing|cutting a tree|runs|cuts through a log]",
        "rev": "[revs|revving|starts to cut|saws through wood]",
    }
    return finish(
        rng, out, "chainsaw", say(rng, f"a chainsaw {words[way]}{' [in the distance|]' if where < 0.25 else ''}")
    )


def helicopter(rng: Rng, duration_s: float) -> FoleySound:
    """Rotor slaps, the swish of each blade, a tail rotor and a turbine."""
    count = samples(duration_s)
    blade_hz = log_uniform(rng, 9, 26)
    hz = blade_hz * np.exp(0.01 * wander(rng, count, 0.6))
    phase = np.cumsum(hz) / RATE
    far = rng.random()
    hits, _ = firing(rng, hz, 1.0, int(rng.integers(2, 6)), 0.006, 0.08)
    t = np.arange(int(0.1 * RATE)) / RATE
    thump_hz = log_uniform(rng, 45, 130)
    slap = np.sin(2 * np.pi * thump_hz * t) * np.exp(-t / log_uniform(rng, 0.006, 0.02))
    slap += rng.uniform(0.2, 1.0) * lowpass(white(rng, len(t)), log_uniform(rng, 400, 2500)) * np.exp(-t / 0.008)
    thump = convolve(hits, slap.astype(np.float32))
    out = thump / (thump.std() + 1e-9)
    swish = shaped(rng, count, [(60, -10), (250, 0), (log_uniform(rng, 500, 2200), 0), (6000, -12), (16_000, -30)])
    sharp = rng.uniform(1.5, 7)
    gate = np.exp(-sharp * ((phase + rng.random()) % 1.0))
    out += rng.uniform(0.3, 1.4) * swish * (0.12 + gate).astype(np.float32)
    out += rng.uniform(0.1, 0.7) * shaped(rng, count, [(30, 0), (120, 0), (500, -12), (4000, -30)])
    turns = 2 * np.pi * phase * rng.uniform(3.5, 6.0)
    tail = sum(np.sin(k * turns + rng.uniform(0, 6)) / k for k in range(1, 9))
    whine = sum(np.sin(2 * np.pi * phase * rng.uniform(60, 220)) for _ in range(2))
    rough = 1 + 0.3 * wander(rng, count, 20)
    out += ((1 - far) * (rng.uniform(0, 0.35) * tail + rng.uniform(0, 0.06) * whine) * rough).astype(np.float32)
    out = lowpass(out, log_uniform(rng, 350, 1200) * (1 + 3 * (1 - far)), 1)
    moving = rng.random() < 0.35
    if moving:
        out = passing(rng, out)
    else:
        out *= np.exp(0.25 * wander(rng, count, 0.5)).astype(np.float32)
    where = (
        "[flies past|passes overhead|passing]"
        if moving
        else "[in the distance|far away]"
        if far > 0.6
        else "[hovers|hovering overhead|flying|is landing|close by|]"
    )
    return finish(rng, out, "helicopter", say(rng, f"a helicopter {where}"))


MAKERS: dict[str, Maker] = {
    "engine_car": car,
    "engine_motorbike": motorbike,
    "chainsaw": chainsaw,
    "helicopter": helicopter,
}
