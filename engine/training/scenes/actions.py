"""What objects do, and when it sounds: each action gives a pose for every time and the times of its events."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Rng = np.random.Generator


@dataclass(frozen=True, eq=False)
class Pose:
    """Where an object is at each of some times; every array (times,).

    x, y: centre in fractions of the frame; size: share of the frame's height; turn: radians; light: factor of
    brightness; burst: 0 whole, above it flying apart; legs: -1..1, the swing of a walker's legs.
    """

    x: np.ndarray
    y: np.ndarray
    size: np.ndarray
    turn: np.ndarray
    light: np.ndarray
    burst: np.ndarray
    legs: np.ndarray


@dataclass(frozen=True, eq=False)
class Action:
    """A movement: ``pose`` of times (n,) in seconds, event times in seconds, loudness of events (events,) 0..1.

    swell: how loud a continuous sound is over time, (times,) 0..1, None for actions whose sound is their events.
    """

    pose: Callable[[np.ndarray], Pose]
    events_s: np.ndarray
    strengths: np.ndarray
    swell: Callable[[np.ndarray], np.ndarray] | None = None


def _pose(times: np.ndarray, **given: np.ndarray | float) -> Pose:
    still = {"x": 0.5, "y": 0.5, "size": 0.2, "turn": 0.0, "light": 1.0, "burst": 0.0, "legs": 0.0} | given
    return Pose(**{name: np.broadcast_to(np.asarray(value, float), times.shape) for name, value in still.items()})


def _beats(rng: Rng, duration_s: float, gap_s: tuple[float, float]) -> np.ndarray:
    """Event times with gaps that vary around one of their own."""
    gap = rng.uniform(*gap_s)
    gaps = gap * np.exp(rng.uniform(0.02, 0.3) * rng.standard_normal(int(duration_s / gap) + 2))
    times = rng.uniform(0.25, 0.25 + gap) + np.concatenate([[0], np.cumsum(gaps)])
    inside = times[times < duration_s - 0.15]
    return np.asarray(inside) if len(inside) else np.array([0.5 * duration_s])


def bounce(rng: Rng, duration_s: float, x: float) -> Action:
    """A ball that is dropped and bounces on the ground, drifting sideways; an event per touch."""
    ground, size = rng.uniform(0.6, 0.9), rng.uniform(0.14, 0.3)
    events = _beats(rng, duration_s, (0.35, 0.9))
    edges = np.concatenate([[events[0] - rng.uniform(0.5, 0.9)], events, [events[-1] + rng.uniform(0.4, 0.8)]])
    gravity = 8 * rng.uniform(0.25, 0.45) / np.median(np.diff(edges)) ** 2
    drift, spin = rng.uniform(-0.03, 0.03), rng.uniform(-4, 4)

    def pose(times: np.ndarray) -> Pose:
        leg = np.clip(np.searchsorted(edges, times, side="right") - 1, 0, len(edges) - 2)
        since, length = times - edges[leg], edges[leg + 1] - edges[leg]
        height = np.clip(0.5 * gravity * since * (length - since), 0, ground - 0.1)
        squash = 1 - 0.15 * np.exp(-np.abs(times[:, None] - events).min(axis=1) / 0.03)
        return _pose(times, x=x + drift * times, y=ground - height, size=size * squash, turn=spin * times)

    return Action(pose, events, np.clip(np.diff(edges)[: len(events)] / np.diff(edges).max(), 0.3, 1))


def strike(rng: Rng, duration_s: float, x: float) -> Action:
    """A tool lifted slowly and brought down fast, stopped by what it hits."""
    events = _beats(rng, duration_s, (0.4, 1.1))
    down_s, lift, size = rng.uniform(0.08, 0.16), rng.uniform(0.15, 0.35), rng.uniform(0.15, 0.32)
    low, side = rng.uniform(0.5, 0.75), rng.choice([-1.0, 1.0]) * rng.uniform(0.0, 0.15)
    rest = rng.uniform(0.02, 0.12)

    def pose(times: np.ndarray) -> Pose:
        following = np.clip(np.searchsorted(events, times), 0, len(events) - 1)
        until = events[following] - times
        previous = np.where(following > 0, events[np.maximum(following - 1, 0)], -1.0)
        since = np.where(times > events[-1], times - events[-1], times - previous)
        falling = np.clip(1 - until / down_s, 0, 1) ** 2
        rising = np.clip((since - rest) / 0.25, 0, 1)
        up = np.where(times > events[-1], rising, np.minimum(rising, 1 - falling))
        smooth = up * up * (3 - 2 * up)
        return _pose(times, x=x + side * smooth, y=low - lift * smooth, size=size, turn=-1.2 * smooth)

    return Action(pose, events, rng.uniform(0.5, 1, len(events)))


def swing(rng: Rng, duration_s: float, x: float) -> Action:
    """A pendulum: an event where it is fastest."""
    period, wide = rng.uniform(0.9, 2.0), rng.uniform(0.12, 0.25)
    start, size, y = rng.uniform(0.2, 0.5), rng.uniform(0.15, 0.25), rng.uniform(0.4, 0.6)
    events = np.arange(start, duration_s - 0.1, period / 2)

    def pose(times: np.ndarray) -> Pose:
        angle = np.sin(2 * np.pi * (times - start) / period)
        return _pose(times, x=x + wide * angle, y=y - 0.3 * wide * angle**2, size=size, turn=-0.8 * angle)

    return Action(pose, events, np.full(len(events), 0.8))


def drag(rng: Rng, duration_s: float, x: float) -> Action:
    """Pulled in jerks over the ground: an event where each pull begins."""
    events = _beats(rng, duration_s, (0.7, 1.4))
    pull_s, step, size = rng.uniform(0.25, 0.5), rng.uniform(0.06, 0.12), rng.uniform(0.18, 0.3)
    y, ways = rng.uniform(0.55, 0.75), np.where(np.arange(len(events)) % 2, 1.0, -1.0)

    def pose(times: np.ndarray) -> Pose:
        done = np.clip((times[:, None] - events) / pull_s, 0, 1)
        return _pose(times, x=x + (ways * step * done**0.6).sum(axis=1), y=y, size=size)

    return Action(pose, events, rng.uniform(0.6, 1, len(events)))


def shatter(rng: Rng, duration_s: float, x: float) -> Action:
    """Stands, then flies apart, once."""
    event = rng.uniform(0.2, 0.8) * duration_s
    size, y = rng.uniform(0.2, 0.35), rng.uniform(0.45, 0.65)

    def pose(times: np.ndarray) -> Pose:
        return _pose(times, x=x, y=y, size=size, burst=np.clip(times - event, 0, None))

    return Action(pose, np.array([event]), np.ones(1))


def flicker(rng: Rng, duration_s: float, x: float) -> Action:
    """Flashes: muzzle, spark, lightning."""
    events = _beats(rng, duration_s, (0.5, 1.5))
    decay, size, y = rng.uniform(0.05, 0.15), rng.uniform(0.2, 0.4), rng.uniform(0.3, 0.6)

    def pose(times: np.ndarray) -> Pose:
        since = times[:, None] - events
        flash = np.where(since >= 0, np.exp(-np.clip(since, 0, None) / decay), 0).max(axis=1)
        return _pose(times, x=x, y=y, size=size * (1 + 0.3 * flash), light=0.5 + 2.0 * flash)

    return Action(pose, events, rng.uniform(0.6, 1, len(events)))


def walk(rng: Rng, duration_s: float, x: float) -> Action:
    """A figure that walks on the spot or slowly across: an event per foot set down."""
    events = _beats(rng, duration_s, (0.4, 0.7))
    edges = np.concatenate([[events[0] - 0.5], events, [events[-1] + 0.5]])
    size, y, speed = rng.uniform(0.35, 0.6), rng.uniform(0.5, 0.6), rng.uniform(-0.03, 0.03)

    def pose(times: np.ndarray) -> Pose:
        leg = np.clip(np.searchsorted(edges, times, side="right") - 1, 0, len(edges) - 2)
        part = np.clip((times - edges[leg]) / (edges[leg + 1] - edges[leg]), 0, 1)
        way = np.where(leg % 2, 1.0, -1.0)
        bob = 0.02 * np.sin(np.pi * part)
        return _pose(times, x=x + speed * times, y=y - bob, size=size, legs=-way * np.cos(np.pi * part))

    return Action(pose, events, rng.uniform(0.6, 1, len(events)))


def pass_by(rng: Rng, duration_s: float, x: float) -> Action:
    """Comes, passes and goes: no events, a swell as it is near."""
    near, wide_s = rng.uniform(0.3, 0.7) * duration_s, rng.uniform(0.8, 1.8)
    size, y, way = rng.uniform(0.25, 0.4), rng.uniform(0.45, 0.7), rng.choice([-1.0, 1.0])

    def close(times: np.ndarray) -> np.ndarray:
        return np.asarray(1 / (1 + ((times - near) / wide_s) ** 2))

    def pose(times: np.ndarray) -> Pose:
        across = np.tanh((times - near) / (1.5 * wide_s))
        return _pose(times, x=x + 0.2 * way * across, y=y, size=size * (0.35 + 0.65 * close(times)))

    return Action(pose, np.zeros(0), np.zeros(0), close)


def pour(rng: Rng, duration_s: float, x: float) -> Action:
    """A stream that runs for a while: its texture falls, and it sounds while it runs."""
    start, length = rng.uniform(0.1, 0.3) * duration_s, rng.uniform(0.4, 0.6) * duration_s
    size, y, speed = rng.uniform(0.3, 0.5), rng.uniform(0.4, 0.6), rng.uniform(1.5, 3)

    def runs(times: np.ndarray) -> np.ndarray:
        return np.asarray(np.clip((times - start) / 0.1, 0, 1) * np.clip((start + length - times) / 0.1, 0, 1))

    def pose(times: np.ndarray) -> Pose:
        # ``legs`` carries how far the stream has run, for the look that scrolls with it.
        return _pose(times, x=x, y=y, size=size * (0.15 + 0.85 * runs(times)), legs=speed * times * runs(times))

    return Action(pose, np.array([start]), np.ones(1), runs)


ACTIONS: dict[str, Callable[[Rng, float, float], Action]] = {
    "bounce": bounce,
    "strike": strike,
    "swing": swing,
    "drag": drag,
    "shatter": shatter,
    "flicker": flicker,
    "walk": walk,
    "pass_by": pass_by,
    "pour": pour,
}
"""Name -> maker(rng, duration_s, x of the object's middle)."""

SOUNDS: dict[str, tuple[str, ...]] = {
    "bounce": ("impact_wood", "impact_plastic", "impact_stone", "impact_metal"),
    "strike": ("impact_wood", "impact_metal", "door_knock", "impact_stone", "impact_glass"),
    "swing": ("whoosh",),
    "drag": ("cloth", "paper", "door_creak"),
    "shatter": ("glass_shatter", "impact_glass", "explosion"),
    "flicker": ("gunshot", "explosion", "switch_click"),
    "walk": ("footsteps_wood", "footsteps_gravel", "footsteps_concrete", "footsteps_snow", "footsteps_leaves"),
    "pass_by": ("engine_car", "engine_motorbike", "wind", "helicopter"),
    "pour": ("water_stream", "water_bubbles"),
}
"""Action -> classes of the procedural Foley library that it may sound like."""
