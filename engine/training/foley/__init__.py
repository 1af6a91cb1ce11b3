"""A procedural Foley library: unlimited, licence-free, labelled to the sample.

Every class of sound has a maker that draws dozens of parameters from a seeded generator and returns audio, a caption
that says what was drawn, and when its events happen.

    sound = make("footsteps_gravel", seed=7, duration_s=4.0)
    sound.audio, sound.caption, sound.events_s, sound.level
"""

import numpy as np

from engine.training.foley import blasts, doors, engines, footsteps, impacts, mechanisms, movement, water, weather
from engine.training.foley.sound import PEAK, RATE, FoleySound, Maker, with_room

__all__ = ["CATEGORY", "FOLEY", "PEAK", "RATE", "FoleySound", "Maker", "draw", "make"]

_FAMILIES = (footsteps, impacts, doors, movement, weather, water, engines, mechanisms, blasts)

FOLEY: dict[str, Maker] = {name: with_room(maker) for family in _FAMILIES for name, maker in family.MAKERS.items()}
"""Class name -> maker(rng, duration_s)."""

CATEGORY: dict[str, str] = {
    **{name: "footstep" for name in footsteps.MAKERS},
    **{name: "impact" for name in impacts.MAKERS},
    "impact_glass": "glass",
    "glass_shatter": "glass",
    **{name: "door" for name in doors.MAKERS},
    "cloth": "cloth_paper",
    "paper": "cloth_paper",
    "whoosh": "whoosh",
    "rain": "rain",
    "wind": "wind",
    "sea_waves": "sea_waves",
    "thunder": "thunder_weather",
    "water_drips": "water",
    "water_stream": "water",
    "water_splash": "water",
    "water_bubbles": "water",
    "fire": "fire",
    "engine_car": "vehicle_engine",
    "engine_motorbike": "vehicle_engine",
    "chainsaw": "chainsaw",
    "helicopter": "helicopter",
    "switch_click": "keyboard_switch",
    "keyboard": "keyboard_switch",
    "clock_tick": "clock_tick",
    "gunshot": "explosion_gun",
    "explosion": "explosion_gun",
}
"""Class name -> the category of the recorded sounds that it belongs to."""


def make(sound_class: str, seed: int, duration_s: float) -> FoleySound:
    """The sound of a class for a seed: the same samples every time. Raises KeyError for a class not in FOLEY."""
    if sound_class not in FOLEY:
        raise KeyError(f"sound_class: no maker for '{sound_class}'; there are {', '.join(FOLEY)}")
    return FOLEY[sound_class](np.random.default_rng([seed, *sound_class.encode()]), duration_s)


def draw(rng: np.random.Generator, duration_s: float) -> FoleySound:
    """A sound of any class: first a category of recorded sounds, then one of its classes, so that neither crowds."""
    categories = sorted(set(CATEGORY.values()))
    category = categories[rng.integers(len(categories))]
    names = [name for name in FOLEY if CATEGORY[name] == category]
    return FOLEY[names[rng.integers(len(names))]](rng, duration_s)
