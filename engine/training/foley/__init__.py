"""A procedural Foley library: unlimited, licence-free, labelled to the sample.

Every class of sound has a maker that draws dozens of parameters from a seeded generator and returns audio, a caption
that says what was drawn, and when its events happen.

    sound = make("footsteps_gravel", seed=7, duration_s=4.0)
    sound.audio, sound.caption, sound.events_s, sound.level
"""

import numpy as np

from engine.training.foley import (
    blasts,
    breaking,
    doors,
    engines,
    footsteps,
    impacts,
    mechanisms,
    movement,
    water,
    weather,
)
from engine.training.foley.sound import PEAK, RATE, FoleySound, Maker, with_room

__all__ = ["FOLEY", "PEAK", "RATE", "RECORDED_CLASS", "FoleySound", "Maker", "draw", "make"]

_FAMILIES = (footsteps, impacts, breaking, doors, movement, weather, water, engines, mechanisms, blasts)

FOLEY: dict[str, Maker] = {name: with_room(maker) for family in _FAMILIES for name, maker in family.MAKERS.items()}
"""Class name -> maker(rng, duration_s)."""

RECORDED_CLASS: dict[str, str] = {
    **{name: "footstep" for name in footsteps.MAKERS},
    **{name: "hard" for name in (*impacts.MAKERS, *breaking.MAKERS)},
    "impact_wood": "wood",
    "impact_plastic": "handling",
    **{name: "wood" for name in doors.MAKERS},
    "door_latch": "click",
    "cloth": "handling",
    "paper": "handling",
    "whoosh": "air",
    "rain": "rain",
    "wind": "air",
    "sea_waves": "sea_waves",
    "thunder": "boom",
    "water_drips": "water",
    "water_stream": "water",
    "water_splash": "water",
    "water_bubbles": "water",
    "fire": "crackling_fire",
    "engine_car": "machine",
    "engine_motorbike": "machine",
    "chainsaw": "chainsaw",
    "helicopter": "helicopter",
    "switch_click": "click",
    "keyboard": "click",
    "clock_tick": "clock_tick",
    "gunshot": "boom",
    "explosion": "boom",
}
"""Class name here -> the class of engine.training.classes that its recordings fall into."""


def make(sound_class: str, seed: int, duration_s: float) -> FoleySound:
    """The sound of a class for a seed: the same samples every time. Raises KeyError for a class not in FOLEY."""
    if sound_class not in FOLEY:
        raise KeyError(f"sound_class: no maker for '{sound_class}'; there are {', '.join(FOLEY)}")
    return FOLEY[sound_class](np.random.default_rng([seed, *sound_class.encode()]), duration_s)


def draw(rng: np.random.Generator, duration_s: float) -> FoleySound:
    """A sound of any class: first a class of recordings, then one of ours in it, so that none crowds the others."""
    groups = sorted(set(RECORDED_CLASS.values()))
    group = groups[rng.integers(len(groups))]
    names = [name for name in FOLEY if RECORDED_CLASS[name] == group]
    return FOLEY[names[rng.integers(len(names))]](rng, duration_s)
