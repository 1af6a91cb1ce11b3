"""Doors: creaks by stick and slip, slams, knocks, latches."""

import numpy as np

from engine.training.foley import grains
from engine.training.foley.events import impulses, pattern, place, pulses, scatter
from engine.training.foley.modal import Body
from engine.training.foley.noise import band, convolve, lowpass, wander, white
from engine.training.foley.room import in_place
from engine.training.foley.sound import RATE, Audio, FoleySound, Maker, Rng, finish, jitter, log_uniform, samples, say
from engine.training.foley.things import fizz, small_parts

DOOR = "[door|wooden door|old door|heavy door|heavy wooden door|front door|cellar door]"


def creaking_wood(rng: Rng) -> Audio:
    """What one slip shakes: modes of boards and hinge, and the click of the slip itself. -> (n,), peak 1."""
    modes = int(rng.integers(8, 34))
    hz = log_uniform(rng, 200, 900) * np.exp(np.sort(rng.uniform(0, 3.2, modes)))
    decay_s = log_uniform(rng, 0.004, 0.03) * (hz[0] / hz) ** 0.4
    body = Body(hz, decay_s, jitter(rng, 1.0, modes) * (hz[0] / hz) ** rng.uniform(-0.6, 0.5))
    response = np.zeros(9600, dtype=np.float32)
    place(response, 0, body.strike(rng, 0.0001, 9600))
    response /= np.abs(response).max() + 1e-9
    return response + np.float32(rng.uniform(0.1, 0.7)) * fizz(rng, log_uniform(rng, 900, 6000), (0.001, 0.01), 9600)


def creak_sound(rng: Rng, count: int) -> Audio:
    """Stick and slip: pulses whose rate follows the push, heard through the wood that they shake. -> (count,)."""
    slow = wander(rng, count, rng.uniform(0.8, 4))
    # Slow slips are heard one by one; fast ones sing.
    centre = log_uniform(rng, 7, 60) if rng.random() < 0.55 else log_uniform(rng, 200, 1100)
    hz = centre * 2 ** np.clip(slow * rng.uniform(0.2, 0.9) + wander(rng, count, 12) * 0.12, -2.5, 2.5)
    at = pulses(rng, np.minimum(hz, 1600), count, rng.uniform(0.03, 0.25))
    effort = np.clip(0.6 + 0.6 * wander(rng, count, rng.uniform(1, 8)), 0, 2) ** 1.5
    gain = effort[at.astype(int)] * jitter(rng, rng.uniform(0.15, 0.6), len(at))
    # The place that slips moves as the leaf turns, and with it what it shakes.
    turn = 0.5 + 0.5 * np.tanh(2 * wander(rng, count, log_uniform(rng, 2, 12)))[at.astype(int)]
    out = sum(convolve(impulses(count, at, gain * part), creaking_wood(rng)) for part in (turn, 1 - turn))
    rub = band(rng, count, log_uniform(rng, 60, 400), log_uniform(rng, 800, 5000), 9) * effort
    return (out / (np.abs(out).max() + 1e-6) + log_uniform(rng, 0.004, 0.06) * rub).astype(np.float32)


def creak(rng: Rng, duration_s: float) -> FoleySound:
    """A door or hinge creaks, once or a few times, now and then closing at the end."""
    count = samples(duration_s)
    out = np.zeros(count, dtype=np.float32)
    times: list[float] = []
    time = rng.uniform(0.01, 0.2 * duration_s)
    while time < duration_s - 0.15 and (not times or rng.random() < 0.7):
        spell = min(log_uniform(rng, 0.35, 3.5), duration_s - time)
        part = creak_sound(rng, max(int(spell * RATE), 4800))
        shape = np.interp(
            np.linspace(0, 1, len(part)),
            [0, rng.uniform(0.02, 0.4), rng.uniform(0.5, 0.9), 1],
            [0.0, 1, rng.uniform(0.3, 1), 0.0],
        )
        place(out, time, (part * shape).astype(np.float32))
        times.append(time)
        time += spell
        if time < duration_s - 0.1 and rng.random() < 0.35:
            # It comes to rest against its frame, a stop or the wall.
            place(out, time, slam_sound(rng, rng.random()), rng.uniform(0.2, 1.2))
            times.append(time)
        time += log_uniform(rng, 0.05, 0.8)
    out, where = in_place(rng, out, ("dry", "dry", "room", "hall"))
    what = say(rng, f"[{DOOR}|{DOOR}|{DOOR}|hinge|rusty hinge|gate|floorboard|wooden chair]")
    caption = say(
        rng,
        f"[a {what} [creaks|squeaks|creaks open|creaks slowly|opens with a creak]|[creaking|squeaking|"
        f"slowly creaking] {what}]",
    )
    return finish(rng, out, "door_creak", caption + where, times)


def latch_sound(rng: Rng) -> Audio:
    """A lock or handle: a few small metal contacts within 20 to 150 ms."""
    count = int(0.5 * RATE)
    out = np.zeros(count, dtype=np.float32)
    steel = Body.make(
        rng,
        "plate",
        log_uniform(rng, 500, 2200),
        log_uniform(rng, 0.01, 0.1),
        rng.uniform(0.1, 0.6),
        30,
        rng.uniform(-0.2, 0.5),
    )
    wood = Body.make(rng, "plate", log_uniform(rng, 120, 400), log_uniform(rng, 0.04, 0.15), 0.7, 24, 0.5)
    contacts, wooden = int(rng.integers(2, 6)), rng.uniform(0.05, 0.5)
    times = np.concatenate([[0.0], np.cumsum(rng.gamma(2, rng.uniform(0.004, 0.03), contacts - 1))])
    strongest = rng.integers(contacts)
    for number, time in enumerate(times):
        gain = 1.0 if number == strongest else rng.uniform(0.1, 0.6)
        for body, share in ((steel, 1.0), (wood, wooden)):
            hit = body.strike(rng, log_uniform(rng, 0.0001, 0.0008), count)
            place(out, time, hit / (np.abs(hit).max() + 1e-6), gain * share)
        rattle = fizz(rng, log_uniform(rng, 2500, 12_000), (0.001, 0.012), 7200, 0.4)
        place(out, time, rattle, gain * rng.uniform(0.3, 1.0))
    return out / (np.abs(out).max() + 1e-6)


def slam_sound(rng: Rng, heavy: float) -> Audio:
    """A leaf meets its frame: air thump, boards, lock and rattle. heavy: 0 (cupboard) … 1 (gate)."""
    count = int(1.2 * RATE)
    t = np.arange(count, dtype=np.float32) / RATE
    base = 210 * 2 ** (-1.5 * heavy) * float(jitter(rng, 0.2))
    boards = Body.make(rng, "box", base, rng.uniform(0.1, 0.45), rng.uniform(0.4, 0.8), 50, rng.uniform(0.0, 0.6))
    hit = boards.strike(rng, log_uniform(rng, 0.0004, 0.004), count)
    out = np.zeros(count, dtype=np.float32)
    place(out, 0, hit / (np.abs(hit).max() + 1e-6), 1.0)
    air = lowpass(white(rng, count), base * rng.uniform(1, 3)) * np.exp(-t / rng.uniform(0.02, 0.08))
    place(out, 0, (air / (np.abs(air).max() + 1e-6)).astype(np.float32), rng.uniform(0.05, 0.4))
    # Leaf and frame meet along their whole edge, not at once: stop, bounce, and the loose parts after them.
    delay, gain = 0.0, 1.0
    for _ in range(rng.integers(1, 5)):
        smack = fizz(rng, log_uniform(rng, 600, 6000), (0.004, 0.05), 14_400, 0.4)
        place(out, delay, smack, gain * rng.uniform(0.4, 1.2))
        delay, gain = delay + rng.uniform(0.012, 0.09), gain * rng.uniform(0.3, 0.9)
    place(out, rng.uniform(0.0, 0.12), latch_sound(rng), rng.uniform(0.1, 0.5))
    rattles = rng.poisson(rng.uniform(0, 8))
    times = rng.exponential(0.12, rattles)
    hz = rng.uniform(300, 1800, rattles)
    scatter(out, times, grains.pings(rng, hz, np.full(rattles, 0.01), rng.uniform(0.02, 0.15, rattles), 2400))
    return out


def slam(rng: Rng, duration_s: float) -> FoleySound:
    """A door closes or is slammed, sometimes after a creak."""
    count = samples(duration_s)
    out = np.zeros(count, dtype=np.float32)
    heavy = rng.random()
    times = list(pattern(rng, duration_s, (0.8, 3.0), 0.75))
    caption = say(
        rng,
        f"[a {DOOR} [slams|slams shut|closes|is shut|bangs shut]|{DOOR} [slamming|closing]|[slamming|"
        f"closing|shutting] a {DOOR}]",
    )
    if rng.random() < 0.25 and duration_s > 1.5:
        spell = rng.uniform(0.4, min(2.0, duration_s - 0.8))
        part = creak_sound(rng, int(spell * RATE)) * np.hanning(int(spell * RATE)).astype(np.float32)
        place(out, 0.01, part, rng.uniform(0.1, 0.35))
        times = [0.01, spell + rng.uniform(0, 0.15)]
        caption = say(rng, f"a {DOOR} creaks, then [slams|closes|slams shut]")
    for time in times:
        if time > 0.011:
            place(out, time, slam_sound(rng, heavy), float(jitter(rng, 0.2)))
    out, where = in_place(rng, out, ("dry", "dry", "room", "hall", "stairwell"))
    return finish(rng, out, "door_slam", caption + where, times)


def knock(rng: Rng, duration_s: float) -> FoleySound:
    """Knuckles or a fist on a door, in groups of two to six."""
    count = samples(duration_s)
    out = np.zeros(count, dtype=np.float32)
    wood = Body.make(
        rng,
        "box",
        log_uniform(rng, 80, 230),
        log_uniform(rng, 0.05, 0.22),
        rng.uniform(0.5, 1.0),
        40,
        rng.uniform(0.1, 0.8),
    )
    fist = rng.random() < 0.25
    contact_s = log_uniform(rng, 0.004, 0.01) if fist else log_uniform(rng, 0.0004, 0.002)
    knuckle_hz = log_uniform(rng, 400, 1500) if fist else log_uniform(rng, 800, 6000)
    gap, start = log_uniform(rng, 0.1, 0.32), rng.uniform(0.01, 0.15 * duration_s)
    times: list[float] = []
    while start < duration_s - 0.05 and (not times or rng.random() < 0.7):
        group = start + np.cumsum(np.concatenate([[0.0], gap * jitter(rng, 0.1, rng.integers(1, 6))]))
        times += [t for t in group.tolist() if t < duration_s - 0.05]
        start = float(group[-1]) + rng.uniform(0.5, 1.6)
    for time in times:
        hit = wood.strike(rng, contact_s * float(jitter(rng, 0.15)), count, 0.2)
        place(out, time, hit / (np.abs(hit).max() + 1e-6), float(jitter(rng, 0.2)))
        place(out, time, fizz(rng, knuckle_hz, (0.004, 0.03), 7200, 0.3), rng.uniform(0.3, 1.0))
    out, where = in_place(rng, out, ("dry", "dry", "room", "room", "stairwell"))
    how = say(
        rng,
        "[banging|pounding|heavy knocking]"
        if fist
        else "[knocking|knock knock|someone knocks|three knocks|a knock]"
        if len(times) != 3
        else "[three knocks|knocking]",
    )
    return finish(rng, out, "door_knock", f"{how} {say(rng, f'on a {DOOR}')}{where}", times)


def latch(rng: Rng, duration_s: float) -> FoleySound:
    """A latch, lock or handle."""
    count = samples(duration_s)
    out = np.zeros(count, dtype=np.float32)
    times = pattern(rng, duration_s, (0.25, 1.5), 0.45)
    for time in times:
        place(out, time, latch_sound(rng), float(jitter(rng, 0.3)))
    out, where = in_place(rng, small_parts(rng, out), ("dry", "dry", "room", "stairwell"))
    caption = say(
        rng,
        f"[a [latch|door latch|lock|bolt|door handle] [clicks|turns|clacks]|[unlocking|locking] a {DOOR}|"
        "a key turns in a lock|door handle]",
    )
    return finish(rng, out, "door_latch", caption + where, times)


MAKERS: dict[str, Maker] = {"door_creak": creak, "door_slam": slam, "door_knock": knock, "door_latch": latch}
