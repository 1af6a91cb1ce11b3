"""Training of the contact reader on a few scenes: labels to the step, both objects without a mask, the loss falls."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.models.contacts import STEP_S, ContactReader
from engine.models.visual import DIRECTIONS, MOTION_WIDTH, sped
from engine.training.contacts import SceneEvents, train_contacts
from engine.training.scene_examples import draw_part, sounding
from engine.training.scenes import make_scene


def test_labels_are_where_it_sounds() -> None:
    action = make_scene(3, objects=1).objects[0].action
    contact, swell = sounding(action)
    assert contact.shape == swell.shape == (416,) and contact.max() <= 1 and 0 <= swell.min() <= swell.max() <= 1
    for event_s in action.events_s:
        assert contact[int(event_s / STEP_S)] > 0.85
    far = np.abs((np.arange(416)[:, None] + 0.5) * STEP_S - action.events_s).min(axis=1, initial=np.inf) > 0.1
    assert contact[far].max(initial=0) < 1e-4


def test_twice_as_fast_is_twice_the_speed_and_nothing_else() -> None:
    features = torch.rand(1, 5, MOTION_WIDTH)
    faster = sped(features, torch.tensor([[[2.0]]]))
    speeds, twice = (torch.expm1(x[..., :DIRECTIONS]) for x in (features, faster))
    assert torch.allclose(twice, 2 * speeds, atol=1e-5)
    assert torch.equal(faster[..., DIRECTIONS + 1 :], features[..., DIRECTIONS + 1 :])
    assert (faster[..., DIRECTIONS] > features[..., DIRECTIONS]).all()


def test_reader_keeps_time() -> None:
    torch.manual_seed(0)
    reader, full = ContactReader().eval(), torch.randn(1, 200, MOTION_WIDTH)
    later = torch.roll(full, 10, 1)
    with torch.inference_mode():
        now, then = reader(full, full).contact, reader(later, later).contact
    assert now.shape == (1, 400)
    assert now.std() > 0 and torch.allclose(now[:, 120:260], then[:, 140:280], atol=0.05)


@pytest.mark.slow
def test_training_learns_from_scenes(tmp_path: Path) -> None:
    draw_part(0, 3, tmp_path / "000000.npz")
    events = SceneEvents(tmp_path)
    assert events.full.shape[1:] == (208, MOTION_WIDTH) and events.contact.shape[1:] == (416,)
    assert (events.all_contact >= events.contact).all() and (events.all_contact > events.contact).any()
    train_contacts(events, tmp_path, minutes=0.2, total_minutes=0.2, batch=4)
    lines = [json.loads(line) for line in (tmp_path / "contacts.jsonl").read_text().splitlines()]
    assert len(lines) >= 2 and lines[-1]["contacts"] < 0.8 * lines[0]["contacts"]
