"""The scenes that masks are asked of, and the shares that are counted in their takes."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from engine.evaluation.report import Figure, markdown
from engine.evaluation.video import CLEAR, RATE, SCENE_WITHIN_S, asked_objects, share_near, truth_f1


def clicks(*times_s: float) -> np.ndarray:
    audio = np.zeros(2 * RATE, np.float32)
    rng = np.random.default_rng(0)
    for time_s in times_s:
        at = round(time_s * RATE)
        audio[at : at + 2000] += rng.standard_normal(2000).astype(np.float32) * np.exp(-np.arange(2000) / 400)
    return audio


def test_shares_count_onsets_near_events() -> None:
    audio = clicks(0.5, 1.0, 1.5, 1.8)
    assert share_near(audio, np.array([0.52, 1.04])) == 0.5
    assert share_near(audio, np.array([0.7])) == 0
    assert share_near(np.zeros(RATE, np.float32), np.array([0.5])) is None


@pytest.mark.slow
def test_asked_objects_can_be_told_apart_by_their_true_sound(tmp_path: Path) -> None:
    asked = list(asked_objects(tmp_path, 2))
    assert len(asked) == 4 and [thing.number for thing in asked] == [0, 1, 0, 1]
    for one, other in pairwise(asked):
        if one.scene is not other.scene:
            continue
        assert one.path == other.path and one.other.mask == other.mask
        assert np.abs(one.others_s[:, None] - one.events_s).min() > 2 * SCENE_WITHIN_S
    for thing in asked:
        assert truth_f1(thing.scene, thing.number) >= CLEAR
        near, astray = share_near(thing.truth, thing.events_s), share_near(thing.truth, thing.others_s)
        assert near is not None and near > 0.8 and astray is not None and astray < 0.1


def test_a_table_may_have_columns_of_its_own() -> None:
    table = markdown([Figure("hits", {"take": 0.91, "chance": 0.2}, limits={"take": (">=", 0.85)})], [], {"take": "T"})
    assert table.splitlines()[0] == "| what | target | T | met |"
    assert table.splitlines()[2] == "| hits | ≥ 0.850 | 0.910 | yes |"
