"""Procedural scenes: the same for a seed, sound and picture in step, held-out families kept apart."""

from pathlib import Path

import numpy as np

from engine.evaluation.onsets import onsets, score
from engine.training.scenes import ACTIONS, RATE, make_scene
from engine.training.scenes.actions import SOUNDS
from engine.training.scenes.looks import BACKGROUNDS, HELD_OUT_BACKGROUNDS, HELD_OUT_SHAPES
from engine.video import Clip, probe

IMPACTS = ("bounce", "strike", "flicker", "shatter")


def test_every_action_moves_within_reason_and_names_its_events() -> None:
    for name, make in ACTIONS.items():
        for seed in range(5):
            action = make(np.random.default_rng(seed), 6.0, 0.5)
            times = np.linspace(0, 6, 301)
            pose = action.pose(times)
            assert all(np.isfinite(values).all() and values.shape == times.shape for values in vars(pose).values())
            assert (pose.x > -0.3).all() and (pose.x < 1.3).all() and (pose.y > -0.5).all() and (pose.y < 1.3).all()
            assert (np.diff(action.events_s) > 0).all() and len(action.strengths) == len(action.events_s)
            assert len(action.events_s) or action.swell is not None
        assert name in SOUNDS


def test_a_seed_is_a_scene() -> None:
    one, same, other = make_scene(5, duration_s=1.0), make_scene(5, duration_s=1.0), make_scene(6, duration_s=1.0)
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(one.pictures(), same.pictures(), strict=True))
    assert np.array_equal(one.mix(), same.mix()) and not np.array_equal(one.mix(), other.mix())


def test_held_out_scenes_show_only_their_own_families() -> None:
    for seed in range(30):
        training, held_out = make_scene(seed, duration_s=1.0), make_scene(seed, duration_s=1.0, held_out=True)
        assert held_out.background in HELD_OUT_BACKGROUNDS and training.background in BACKGROUNDS
        assert training.background not in HELD_OUT_BACKGROUNDS
        assert all(thing.shape in HELD_OUT_SHAPES for thing in held_out.objects)
        assert all(thing.shape not in HELD_OUT_SHAPES for thing in training.objects)


def test_struck_things_sound_when_they_are_struck() -> None:
    figures = []
    for seed in range(12):
        scene = make_scene(seed)
        for number, thing in enumerate(scene.objects):
            if thing.action_name in IMPACTS:
                figures.append(score(onsets(scene.stem(number), RATE), thing.events_s, 0.06).f1)
    # What is struck may bounce once more, and that is heard as a hit of its own.
    assert len(figures) >= 6 and np.mean(figures) > 0.75


def test_scene_file_has_picture_and_sound_of_its_length(tmp_path: Path) -> None:
    scene = make_scene(2, duration_s=2.0)
    path = scene.write(tmp_path / "scene.mp4")
    info = probe(path)
    assert info.has_audio and abs(info.duration_s - 2.0) < 0.1
    assert len(Clip(path, 0.0, 2.0)) == 50
    assert scene.mix().shape == (2 * RATE,) and np.abs(scene.mix()).max() <= 0.951


def test_boxes_lie_around_what_differs_from_a_scene_without_the_object() -> None:
    scene = make_scene(1, duration_s=1.0)
    times = np.array([float(t) for t in scene.times])
    boxes = scene.boxes(0, times)
    assert boxes.shape == (len(times), 4) and (boxes[:, 2:] > 0).all()
    height, width = next(scene.pictures())[1].shape[:2]
    left, top, wide, high = boxes[0] * [width, height, width, height]
    assert 0 < left + wide / 2 < width and 0 < top + high / 2 < height
