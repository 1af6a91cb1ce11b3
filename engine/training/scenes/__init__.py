"""Procedural videos with sound: unlimited, licence-free, labelled to the frame and the sample.

    scene = make_scene(seed=7)
    scene.pictures()              # frames with their times
    scene.objects[0].events_s     # when that object sounds
    scene.boxes(0, times)         # where it is: the mask that asks for it
    scene.stem(0), scene.mix()    # what it sounds like, alone and with the others

Held-out scenes use shapes and backgrounds that no training scene ever shows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from engine.training.foley import RATE, make
from engine.training.scenes.actions import ACTIONS, SOUNDS, Action, Pose
from engine.training.scenes.looks import (
    BACKGROUNDS,
    HELD_OUT_BACKGROUNDS,
    HELD_OUT_SHAPES,
    SHAPES,
    SPRITE,
    sprite,
    texture,
)
from engine.video_writer import write_video

__all__ = ["ACTIONS", "RATE", "Scene", "SceneObject", "make_scene"]

HEIGHT, WIDTH = 180, 320
RATES = (Fraction(25), Fraction(24), Fraction(30), Fraction(30000, 1001), Fraction(60), Fraction(15))
_GRAVE_S = 2.0
"""Length of the small sound that an event cuts its own from."""


@dataclass(frozen=True, eq=False)
class SceneObject:
    """One thing in a scene: what it does, when it sounds, and as what."""

    action_name: str
    action: Action
    shape: str
    sprite: np.ndarray
    sound_class: str
    caption: str

    @property
    def events_s(self) -> np.ndarray:
        """(events,) seconds at which it begins to sound."""
        return self.action.events_s


@dataclass(frozen=True, eq=False)
class Scene:
    """Objects before a background, filmed with a hand-held camera; two scenes of one seed are the same."""

    seed: int
    duration_s: float
    rate: Fraction
    background: str
    objects: tuple[SceneObject, ...]

    @property
    def times(self) -> list[Fraction]:
        """Presentation time of every frame."""
        return [i / self.rate for i in range(int(self.duration_s * self.rate))]

    def pictures(self) -> Iterator[tuple[Fraction, np.ndarray]]:
        """(time, (HEIGHT, WIDTH, 3) uint8 RGB) frame by frame."""
        rng = np.random.default_rng([self.seed, 1])
        times = np.array([float(t) for t in self.times])
        scenery = [texture(rng, HEIGHT * 2, WIDTH * 2, self.background) for _ in range(2)]
        drift, noise = rng.uniform(-6, 6, 2), rng.uniform(0, 0.03)
        shards = rng.normal(size=(len(self.objects), 12, 3))
        poses = [thing.action.pose(times) for thing in self.objects]
        for index, time_s in enumerate(self.times):
            cut = int(times[index] >= self._cut_s)
            shake, zoom = self._camera(times[index : index + 1])
            corner = np.array([WIDTH, HEIGHT]) / 2 + drift * times[index] - shake[0] * HEIGHT
            picture = cv2.warpAffine(
                scenery[cut],
                np.array([[1.0, 0, corner[0]], [0, 1.0, corner[1]]]),
                (WIDTH, HEIGHT),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REFLECT,
            )
            for number, (thing, pose) in enumerate(zip(self.objects, poses, strict=True)):
                _draw(picture, thing, pose, index, shake[0], float(zoom[0]), shards[number])
            grain = noise * rng.standard_normal((HEIGHT // 2, WIDTH // 2, 1), np.float32)
            picture = picture + cv2.resize(grain, (WIDTH, HEIGHT))[..., None]
            yield time_s, (np.clip(picture, 0, 1) * 255).astype(np.uint8)

    def boxes(self, number: int, times_s: np.ndarray) -> np.ndarray:
        """Box of object ``number`` at times (n,) -> (n, 4) left, top, width, height in fractions of the frame."""
        thing = self.objects[number]
        pose = thing.action.pose(np.asarray(times_s, float))
        shake, zoom = self._camera(np.asarray(times_s, float))
        centre = _seen(np.stack([pose.x, pose.y], axis=1), shake, zoom)
        corners = np.argwhere(_alpha(thing) > 0.5)[:, ::-1] / SPRITE - 0.5
        hull = corners[cv2.convexHull(corners.astype(np.float32), returnPoints=False).ravel()]
        turned = hull[None] @ np.stack(
            [
                np.stack([np.cos(pose.turn), np.sin(pose.turn)], -1),
                np.stack([-np.sin(pose.turn), np.cos(pose.turn)], -1),
            ],
            axis=1,
        )
        size = (pose.size * zoom)[:, None] * np.array([HEIGHT / WIDTH, 1.0])
        low, high = turned.min(axis=1) * size + centre, turned.max(axis=1) * size + centre
        return np.concatenate([low, high - low], axis=1)

    def stem(self, number: int) -> np.ndarray:
        """What object ``number`` sounds like alone: (samples,) float32 at 48 kHz."""
        thing, rng = self.objects[number], np.random.default_rng([self.seed, 2, number])
        audio = np.zeros(round(self.duration_s * RATE), np.float32)
        source = make(thing.sound_class, self.seed + number, max(_GRAVE_S, self.duration_s))
        if thing.action.swell is not None:
            swell = thing.action.swell(np.arange(0, self.duration_s, 0.01))
            gain = np.interp(np.arange(len(audio)), np.arange(len(swell)) * RATE / 100, swell)
            return np.asarray(source.audio[: len(audio)] * gain, np.float32)
        hits = _hits(source.audio, source.events_s)
        for time_s, strength in zip(thing.events_s, thing.action.strengths, strict=True):
            hit, start = hits[rng.integers(len(hits))], round(time_s * RATE)
            audio[start : start + len(hit)] += strength * hit[: len(audio) - start]
        return audio

    def mix(self) -> np.ndarray:
        """All stems together, peak at most 0.95."""
        whole = np.sum([self.stem(number) for number in range(len(self.objects))], axis=0)
        return np.asarray(whole * min(1.0, 0.95 / max(1e-9, float(np.abs(whole).max()))), np.float32)

    def write(self, path: Path | str, *, sound: bool = True) -> Path:
        """The scene as a video file."""
        return write_video(path, self.pictures(), audio=self.mix() if sound else None, rate=RATE)

    @cached_property
    def _cut_s(self) -> float:
        """When another background begins; never, in most scenes."""
        rng = np.random.default_rng([self.seed, 3])
        return float(rng.uniform(0.3, 0.7) * self.duration_s) if rng.random() < 0.25 else np.inf

    def _camera(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Hand-held shake (n, 2) in shares of the height, and slow zoom (n,)."""
        rng = np.random.default_rng([self.seed, 4])
        reach, hz, phase = rng.uniform(0, 0.008), rng.uniform(0.3, 3, (2, 4)), rng.uniform(0, 6.28, (2, 4))
        shake = reach * np.sin(2 * np.pi * times[:, None, None] * hz + phase).sum(axis=2)
        return shake, 1 + rng.uniform(-0.02, 0.02) * times


def make_scene(seed: int, *, objects: int = 2, duration_s: float = 6.0, held_out: bool = False) -> Scene:
    """A scene of ``objects`` things side by side, each with its own action, sound and events."""
    rng = np.random.default_rng([seed, 0])
    shapes = HELD_OUT_SHAPES if held_out else tuple(s for s in SHAPES if s not in HELD_OUT_SHAPES)
    grounds = HELD_OUT_BACKGROUNDS if held_out else tuple(b for b in BACKGROUNDS if b not in HELD_OUT_BACKGROUNDS)
    places = (np.arange(objects) + 0.5) / objects + rng.uniform(-0.04, 0.04, objects)
    things, taken = [], set[str]()
    for number in range(objects):
        name = str(rng.choice(sorted(ACTIONS)))
        classes = [c for c in SOUNDS[name] if c not in taken] or list(SOUNDS[name])
        sound_class = str(rng.choice(classes))
        taken.add(sound_class)
        shape = str(rng.choice(shapes))
        action = ACTIONS[name](rng, duration_s, float(places[number]))
        caption = make(sound_class, seed + number, _GRAVE_S).caption
        things.append(SceneObject(name, action, shape, sprite(rng, shape), sound_class, caption))
    rate = RATES[rng.integers(len(RATES))]
    return Scene(seed, duration_s, rate, str(rng.choice(grounds)), tuple(things))


def _seen(places: np.ndarray, shake: np.ndarray, zoom: np.ndarray) -> np.ndarray:
    """Places in the world -> places in the frame, (n, 2) in fractions."""
    return np.asarray((places - 0.5) * zoom[:, None] + 0.5 + shake * np.array([HEIGHT / WIDTH, 1.0]))


def _alpha(thing: SceneObject) -> np.ndarray:
    return np.asarray(thing.sprite[..., 3])


def _draw(
    picture: np.ndarray, thing: SceneObject, pose: Pose, index: int, shake: np.ndarray, zoom: float, shards: np.ndarray
) -> None:
    """Paint one object into the picture, in place."""
    place = np.array([[pose.x[index], pose.y[index]]])
    centre = _seen(place, shake[None], np.array([zoom]))[0] * [WIDTH, HEIGHT]
    size, turn = float(pose.size[index]) * zoom * HEIGHT, float(pose.turn[index])
    look = thing.sprite
    if thing.action_name == "pour":
        look = np.concatenate([np.roll(look[..., :3], int(pose.legs[index] * SPRITE), axis=0), look[..., 3:]], axis=2)
    light, burst = float(pose.light[index]), float(pose.burst[index])
    if burst > 0:
        for dx, dy, spin in shards:
            fallen = np.array([dx, 0.3 * dy + 3 * burst**2]) * min(burst, 1.0) * HEIGHT * 0.6
            _paste(picture, look, centre + fallen, 0.3 * size, turn + 6 * spin * burst, light)
        return
    if thing.action_name == "walk":
        for way in (-1, 1):
            foot = centre + np.array([way * pose.legs[index] * 0.25 * size, 0.55 * size])
            _paste(picture, look, foot, 0.45 * size, 0.0, 0.7 * light)
    _paste(picture, look, centre, size, turn, light)


def _paste(picture: np.ndarray, look: np.ndarray, centre: np.ndarray, size: float, turn: float, light: float) -> None:
    scale = size / SPRITE
    cos, sin = np.cos(turn) * scale, np.sin(turn) * scale
    reach = int(size * 0.75) + 2
    left, top = int(centre[0]) - reach, int(centre[1]) - reach
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(WIDTH, left + 2 * reach), min(HEIGHT, top + 2 * reach)
    if x1 <= x0 or y1 <= y0:
        return
    middle = (SPRITE - 1) / 2
    to = np.array([[cos, -sin, 0], [sin, cos, 0]])
    to[:, 2] = centre - [x0, y0] - 0.5 - to[:, :2] @ [middle, middle]
    pasted = cv2.warpAffine(look, to, (x1 - x0, y1 - y0), flags=cv2.INTER_AREA)
    alpha = pasted[..., 3:]
    region = picture[y0:y1, x0:x1]
    region *= 1 - alpha
    region += np.clip(pasted[..., :3] * light, 0, 1) * (alpha > 0.02) * np.where(alpha > 0.98, 1, alpha)


def _hits(audio: np.ndarray, events_s: tuple[float, ...]) -> list[np.ndarray]:
    """The small sounds of a class, each from its onset to the next, faded out."""
    starts = [round(time_s * RATE) for time_s in events_s] or [0]
    ends = [*starts[1:], len(audio)]
    hits = []
    for start, end in zip(starts, ends, strict=True):
        hit = audio[start : min(end, start + round(1.2 * RATE))].copy()
        fade = min(len(hit), RATE // 50)
        hit[len(hit) - fade :] *= np.linspace(1, 0, fade)
        if len(hit) > RATE // 100 and np.abs(hit).max() > 0.02:
            hits.append(hit * 0.7 / np.abs(hit).max())
    return hits or [np.zeros(RATE // 10, np.float32)]
