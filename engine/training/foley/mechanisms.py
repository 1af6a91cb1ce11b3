"""Small mechanisms: switches, keyboards, clocks."""

import numpy as np

from engine.training.foley.events import pattern, place, steady
from engine.training.foley.modal import Body
from engine.training.foley.noise import bandpass, shaped, white
from engine.training.foley.room import in_place
from engine.training.foley.sound import RATE, Audio, FoleySound, Maker, Rng, finish, jitter, log_uniform, samples, say
from engine.training.foley.things import fizz, small_parts


def tick(
    rng: Rng,
    bodies: list[Body],
    shares: list[float],
    contact_s: float,
    noise: float,
    low: float,
    high: float,
    rattle: float = 0.0,
) -> Audio:
    """One contact between small parts: (n,), peak about 1. rattle: how loud the housing's loose answer is."""
    count = int(0.35 * RATE)
    out = np.zeros(count, dtype=np.float32)
    for body, share in zip(bodies, shares, strict=True):
        hit = body.strike(rng, contact_s * float(jitter(rng, 0.15)), count, 0.25)
        place(out, 0, hit / (np.abs(hit).max() + 1e-9), share)
    t = np.arange(1440) / RATE
    grit = bandpass(white(rng, 1440), low, high) * np.exp(-t / rng.uniform(0.0005, 0.002))
    place(out, 0, (grit / (np.abs(grit).max() + 1e-9)).astype(np.float32), noise)
    if rattle:
        # The housing answers late and loosely.
        answer = bandpass(fizz(rng, high, (0.004, 0.02), 9600, 0.4), low, high)
        place(out, rng.uniform(0.001, 0.008), answer, rattle)
    return out / (np.abs(out).max() + 1e-9)


def switch(rng: Rng, duration_s: float) -> FoleySound:
    """A switch or button: a click, often the softer one of its release after it."""
    count = samples(duration_s)
    out = np.zeros(count, dtype=np.float32)
    bodies = [
        Body.make(
            rng,
            str(rng.choice(["plate", "box", "bar"])),
            log_uniform(rng, 700, 3500),
            log_uniform(rng, 0.004, 0.04),
            rng.uniform(0.1, 0.7),
            24,
            rng.uniform(-0.4, 0.6),
        ),
        Body.make(rng, "plate", log_uniform(rng, 120, 500), log_uniform(rng, 0.02, 0.1), 0.7, 20, 0.6),
    ]
    shares, contact_s = [1.0, rng.uniform(0, 0.9)], log_uniform(rng, 0.00008, 0.0006)
    low, high, noise = log_uniform(rng, 500, 2500), log_uniform(rng, 3500, 10_000), rng.uniform(0.4, 1.5)
    rattle = rng.uniform(0.0, 0.4)
    times = pattern(rng, duration_s, (0.2, 1.4), 0.65)
    pre, hold, release = rng.uniform(0.003, 0.025), log_uniform(rng, 0.04, 0.3), rng.uniform(0, 0.9)
    for time in times:
        gain = float(jitter(rng, 0.15))
        place(out, time, tick(rng, bodies, shares, contact_s, noise, low, high, rattle), gain * rng.uniform(0.1, 0.7))
        place(
            out,
            time + pre * float(jitter(rng, 0.1)),
            tick(rng, bodies, shares, contact_s, noise, low, high, rattle),
            gain,
        )
        if release > 0.25:
            place(
                out,
                time + hold * float(jitter(rng, 0.2)),
                tick(rng, bodies, shares, contact_s, noise, low, high, rattle),
                gain * release,
            )
    out, where = in_place(rng, small_parts(rng, out), ("dry", "dry", "dry", "room"))
    caption = say(
        rng,
        "[a [light switch|switch|button|toggle|lever|relay] [clicks|is pressed|is flipped|click]|[button|"
        "switch] click|mouse click|pressing a button|clicking a pen|flipping a switch]",
    )
    return finish(rng, out, "switch_click", caption + where, times)


def typing_times(rng: Rng, duration_s: float) -> list[float]:
    """Keys in words with gaps between words and thoughts."""
    speed, times, time = log_uniform(rng, 1.8, 8), [], rng.uniform(0.01, 0.2)
    while time < duration_s - 0.05:
        word = rng.integers(2, 9)
        for _ in range(word):
            if time < duration_s - 0.05:
                times.append(time)
            time += float(jitter(rng, 0.3)) / speed
        time += rng.exponential(0.6 / speed) + (rng.exponential(0.5) if rng.random() < 0.15 else 0)
    return times


def keyboard(rng: Rng, duration_s: float) -> FoleySound:
    """Typing: each key bottoms out, then comes back up; space and enter sound deeper."""
    count = samples(duration_s)
    out = np.zeros(count, dtype=np.float32)
    case = Body.make(
        rng, "plate", log_uniform(rng, 250, 800), log_uniform(rng, 0.03, 0.12), 0.5, 30, rng.uniform(-0.2, 0.5)
    )
    base, ring_s = log_uniform(rng, 900, 2600), log_uniform(rng, 0.008, 0.035)
    keys = [
        Body.make(
            rng, "block", base * float(jitter(rng, 0.15)), ring_s, rng.uniform(0.1, 0.5), 24, rng.uniform(-0.3, 0.5)
        )
        for _ in range(5)
    ]
    wide = Body.make(rng, "bar", base * 0.45, ring_s * 2, 0.5, 18, 0.3)
    contact_s, depth, clicky = log_uniform(rng, 0.0001, 0.0008), rng.uniform(0.1, 0.7), rng.random() < 0.4
    rattle = rng.uniform(0.1, 0.5)
    low, high, noise = log_uniform(rng, 600, 2500), log_uniform(rng, 3500, 9000), rng.uniform(0.2, 0.8)
    one = rng.random() < 0.25
    times = pattern(rng, duration_s, (0.2, 0.9), 0.7).tolist() if one else typing_times(rng, duration_s)
    hold, back = rng.uniform(0.06, 0.13), rng.uniform(0.15, 0.7)
    for time in times:
        key = wide if rng.random() < 0.15 else keys[rng.integers(len(keys))]
        gain = float(jitter(rng, 0.25))
        if clicky:
            place(
                out,
                time,
                tick(rng, [key], [0.4], contact_s * 0.4, 1.0, 2000, 1.3 * high),
                gain * rng.uniform(0.3, 0.8),
            )
            # The switch snaps on the way down; then the key bottoms out.
            time += rng.uniform(0.006, 0.016)
        place(out, time, tick(rng, [key, case], [1.0, depth], contact_s, noise, low, high, rattle), gain)
        place(
            out,
            time + hold * float(jitter(rng, 0.2)),
            tick(rng, [key, case], [1.0, 0.3 * depth], contact_s * 0.7, noise, low, high, rattle),
            gain * back,
        )
    out, where = in_place(rng, small_parts(rng, out), ("dry", "dry", "dry", "room"))
    what = (
        "[a key press on a mechanical keyboard|a key is pressed|keyboard key press|a keyboard key]"
        if len(times) == 1
        else "[typing on a [mechanical keyboard|keyboard|computer keyboard]|keyboard typing|someone types [fast|"
        "on a keyboard]|fingers typing|mechanical keyboard typing]"
    )
    return finish(rng, out, "keyboard", say(rng, what) + where, times)


def clock(rng: Rng, duration_s: float) -> FoleySound:
    """A clock or watch: tick and tock, each of several tiny contacts in a case that rings."""
    count = samples(duration_s)
    out = np.zeros(count, dtype=np.float32)
    watch = rng.random() < 0.35
    rate = log_uniform(rng, 3.5, 6) if watch else float(rng.choice([1.0, 1.0, 2.0, log_uniform(rng, 0.8, 4)]))
    wheel = Body.make(
        rng,
        "plate",
        log_uniform(rng, 700, 3200),
        log_uniform(rng, 0.02, 0.14),
        rng.uniform(0, 0.5),
        22,
        rng.uniform(-0.4, 0.4),
    )
    case = Body.make(
        rng, "box", log_uniform(rng, 180, 900), log_uniform(rng, 0.02, 0.15), 0.6, 26, rng.uniform(0.1, 0.6)
    )
    depth = rng.uniform(0, 0.25) if watch else rng.uniform(0.05, 1.0)
    contacts = int(rng.integers(2, 6))
    offsets = np.concatenate([[0.0], np.cumsum(rng.uniform(0.002, 0.016, contacts - 1))])
    low, high, noise = log_uniform(rng, 400, 2000), log_uniform(rng, 3000, 9000), rng.uniform(0.1, 0.8)
    contact_s = log_uniform(rng, 0.00006, 0.0004)
    tock, sizes = rng.uniform(0.4, 1.1), rng.uniform(0.2, 1.0, (2, contacts))
    sizes[:, rng.integers(contacts)] = 1.0
    forms = [
        [tick(rng, [wheel, case], [1.0, depth], contact_s, noise, low, high) for _ in range(contacts)] for _ in range(2)
    ]
    times = steady(rng, rate, duration_s, 0.004)
    for number, time in enumerate(times):
        side = number % 2
        gain = (tock if side else 1.0) * float(jitter(rng, 0.06))
        for offset, size, form in zip(offsets, sizes[side], forms[side], strict=True):
            place(out, time + offset, form, gain * size * float(jitter(rng, 0.05)))
    out, where = in_place(rng, small_parts(rng, out), ("dry", "dry", "room", "hall"))
    # Ticks are faint, so the gain is up: a quiet room's rumble and the preamplifier's hiss come with them.
    room = shaped(rng, count, [(40, 0), (150, -4), (700, rng.uniform(-28, -14)), (6000, rng.uniform(-56, -32))])
    out += np.float32(10 ** (rng.uniform(-50, -29) / 20) * np.abs(out).max()) * room
    caption = say(
        rng,
        "[a watch ticks|ticking watch|a pocket watch|a fast ticking clock|a stopwatch]"
        if watch
        else "[a clock ticks|ticking clock|clock ticking|a wall clock|an alarm clock ticks|a grandfather clock|"
        "tick tock of a clock]",
    )
    return finish(rng, out, "clock_tick", caption + where, times)


MAKERS: dict[str, Maker] = {"switch_click": switch, "keyboard": keyboard, "clock_tick": clock}
