"""The MIDI preset, read by the service's own readers."""

from __future__ import annotations

import json

import pytest

from bridge.hosts import read_project
from bridge.midi.map import MidiMap
from bridge.presets import SOURCE


def test_the_map_is_one_the_service_reads() -> None:
    midi_map = MidiMap.from_json(json.loads((SOURCE / "midi" / "midi.json").read_text()))
    assert {action: known.number for action, known in midi_map.triggers.items()} == {
        "regenerate": 61,
        "previous_take": 62,
        "next_take": 63,
        "keep": 64,
        "cancel": 65,
        "audition": 66,
    }
    assert {known.channel for known in midi_map.triggers.values()} == {15}


def test_the_template_has_a_lane_and_a_marker() -> None:
    project = read_project(SOURCE / "midi" / "guide.mid")
    (lane,) = [lane for track in project.tracks for lane in track.lanes if track.name == "Foley guide"]
    assert lane.controls == "cc11"
    assert [point.time_s for point in lane.points] == pytest.approx([1, 2, 3, 4, 5, 7])
    assert [marker.name for marker in project.markers] == ["Foley guide: footsteps on gravel"]
