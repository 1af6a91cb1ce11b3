"""The class table: what the labels become, and that the held-out list is what the rule says."""

import csv
import os
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from engine.training.classes import (
    CLASSES,
    caption,
    clean_label,
    find_held_out,
    group_of,
    held_out_files,
    kind_phrases,
    sound_class,
)

INDEX = Path(os.environ.get("DRAWAUDIO_DATA", Path(__file__).parents[4] / "shared")) / "audio" / "index.csv"
needs_data = pytest.mark.skipif(not INDEX.exists(), reason=f"needs {INDEX} (set DRAWAUDIO_DATA to the data folder)")

MISFILED = [
    ("helicopter", "vehicle_engine", "helicopter"),
    ("thunder clap", "rain", "boom"),
    ("wind", "thunder_weather", "air"),
    ("environment tree chop1", "thunder_weather", "wood"),
    ("clock tick", "cloth_object", "clock_tick"),
    ("horse hoof gallop", "footstep", "footstep"),
    ("metal boots footstep on concrete", "footstep", "footstep"),
    ("cardinal bird song", "animal", "voice"),
    ("car horn honk", "engine_vehicle", None),
    ("snare drum hit", "percussion", None),
    ("gun handling", "explosion_gun", "handling"),
]


@pytest.mark.parametrize(("label", "category", "expected"), MISFILED)
def test_labels_mend_the_categories(label: str, category: str, expected: str | None) -> None:
    assert sound_class(label, category, f"more/somewhere/{label}.ogg") == expected


def test_every_class_offers_twenty_different_phrases() -> None:
    assert len(CLASSES) <= 20
    assert {name: len(set(c.phrases)) for name, c in CLASSES.items() if len(set(c.phrases)) < 20} == {}


@pytest.mark.parametrize(
    ("label", "cleaned"),
    [
        ("hits materials wood wood hit 3", "wood hit"),
        ("bm rc lift cp rougarou", "lift"),
        ("objects wall kit lock", "lock"),
        ("plmove walk t gravel 10", "walk gravel"),
        ("dog bark", "dog bark"),
    ],
)
def test_labels_are_cleaned_of_file_names(label: str, cleaned: str) -> None:
    assert clean_label(label) == cleaned


def test_captions_never_call_a_growl_a_bird() -> None:
    assert "bird" not in kind_phrases("voice", "bear growl")
    clip = SimpleNamespace(file="more/x/y.ogg", label="bear growl", category="animal")
    rng = np.random.default_rng(0)
    captions = {caption(clip, rng) for _ in range(200)}
    assert len(captions) > 20
    assert not any("bird" in c or "chew" in c for c in captions)


@pytest.mark.data
@needs_data
def test_held_out_list_is_what_the_rule_says() -> None:
    assert held_out_files() == frozenset(find_held_out(INDEX))


@pytest.mark.data
@needs_data
def test_every_class_has_five_held_out_groups() -> None:
    groups: dict[str, set[str]] = defaultdict(set)
    with INDEX.open(newline="", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            name = sound_class(row["label"], row["category"], row["file"])
            if name and row["file"] in held_out_files():
                groups[name].add(group_of(row["file"]))
    assert {name: len(groups[name]) for name in CLASSES if len(groups[name]) < 5} == {}
