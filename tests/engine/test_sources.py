"""Sources of a scene: their own cues and seeds, their places, and what is refused."""

import numpy as np
import pytest

from engine.cue import Cue, CueError, Source
from engine.footage import Footage
from engine.masks.track import from_boxes
from engine.place import PlacePoint, gains
from engine.sources import cue_of, distance_path, pan_path, seed_of

BOX = {"kind": "box", "box": [0.1, 0.1, 0.2, 0.2]}


def scene(*sources: dict[str, object], **changes: object) -> Cue:
    return Cue.from_json({"duration_s": 2.0, "seed": 7, "sources": list(sources), **changes})


def test_each_source_is_a_cue_with_a_seed_of_its_own() -> None:
    cue = scene({"prompt": "dog"}, {"prompt": "dog", "masks": [BOX]}, video={"path": "a.mp4"}, takes=3)
    first, second = cue_of(cue, 0), cue_of(cue, 1)
    assert (first.prompt, first.seed, first.takes, first.sources) == ("dog", 7, 1, ())
    assert second.seed == seed_of(7, 1) != 7 and second.masks == cue.sources[1].masks
    assert second.video == cue.video and 0 <= seed_of(2**53 - 1, 63) < 2**31


def test_gains_are_of_constant_power_and_one_in_the_middle() -> None:
    times = np.linspace(0, 2, 50)
    path = (PlacePoint(0.0, -1.0), PlacePoint(2.0, 1.0))
    found = gains(0.0, (), path, times, 2)
    assert np.square(found).sum(1) == pytest.approx(np.full(50, 2.0))
    assert found[0] == pytest.approx([np.sqrt(2), 0], abs=1e-9)
    assert gains(-6.0, (), (), times, 2) == pytest.approx(np.full((50, 2), 10 ** (-6 / 20)))
    assert gains(0.0, (PlacePoint(1.0, -20.0),), path, times, 1) == pytest.approx(np.full((50, 1), 0.1))


def moving_box() -> Footage:
    """Goes from the left to the right and doubles its size."""
    share = np.linspace(0, 1, 75)[:, None]
    boxes = (1 - share) * [0.0, 0.4, 0.1, 0.1] + share * [0.8, 0.4, 0.2, 0.2]
    boxes[30:40] = np.nan
    return Footage(None, from_boxes(boxes, np.zeros(75, bool), (54, 96)))  # type: ignore[arg-type]


def test_a_mask_s_path_becomes_few_points() -> None:
    pan, distance = pan_path(moving_box()), distance_path(moving_box())
    assert len(pan) <= 4 and pan[0].value == pytest.approx(-0.9, abs=0.08)
    assert pan[-1].value == pytest.approx(0.8, abs=0.08)
    assert len(distance) <= 6 and distance[0].value == pytest.approx(-6, abs=1)  # type: ignore[union-attr]
    assert distance[-1].value == pytest.approx(0, abs=0.5)  # type: ignore[union-attr]


def test_places_are_written_and_read_back() -> None:
    given = {"prompt": "dog", "masks": [BOX], "pan": "mask", "distance": [{"time_s": 0.5, "value": -6}]}
    source = Source.from_json(given)
    assert source.pan == "mask" and source.distance == (PlacePoint(0.5, -6.0),)
    assert Source.from_json(source.to_json()) == source
    assert "pan" not in Source("dog").to_json()


@pytest.mark.parametrize(
    ("source", "field"),
    [
        ({"pan": "left"}, "sources[0].pan"),
        ({"pan": "mask"}, "sources[0].pan"),
        ({"pan": "mask", "masks": [BOX]}, "sources[0].pan"),
        ({"distance": "mask", "masks": [BOX]}, "sources[0].distance"),
        ({"pan": 0.5}, "sources[0].pan"),
        ({"pan": [{"time_s": 0, "value": -2}]}, "sources[0].pan[0].value"),
        ({"distance": [{"time_s": 0, "value": 3}]}, "sources[0].distance[0].value"),
        ({"pan": [{"time_s": 1, "value": 0}, {"time_s": 0, "value": 0}]}, "sources[0].pan[1].time_s"),
        ({"pan": [{"time_s": -1, "value": 0}]}, "sources[0].pan[0].time_s"),
        ({"pan": [{"time_s": 0, "value": float("nan")}]}, "sources[0].pan[0].value"),
        ({"pan": [{"time_s": 0}]}, "sources[0].pan[0].value"),
        ({"masks": [{**BOX, "time_s": 3}]}, "sources[0].masks[0].time_s"),
        ({"width": 1}, "sources[0].width"),
    ],
)
def test_what_is_refused_is_named(source: dict[str, object], field: str) -> None:
    with pytest.raises(CueError) as refusal:
        scene({"prompt": "dog", **source})
    assert refusal.value.field == field and "\n" not in str(refusal.value)
