"""MIDI through the service's verbs: a learned note asks for a take, a ridden fader becomes the curve of a cue."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import mido
import numpy as np
import pytest

from bridge.midi.door import MidiDoor
from bridge.midi.mtc import quarter_frames
from bridge.refused import Refused
from bridge.service import Service
from bridge.timecode import FRAME_RATES, Timecode
from bridge.verbs import Verbs
from engine.curve import LoudnessCurve
from tests.bridge.small_renderer import small_renderer

START = Timecode.parse("01:00:00:00", FRAME_RATES["25"])
CUE = {"prompt": "tone", "duration_s": 0.5, "seed": 1, "loudness": {"curve": "ride"}}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Not started: nothing is rendered here, jobs are only queued."""
    service = Service(tmp_path, small_renderer)
    service.midi = MidiDoor(lambda action: service.actions[action]())
    yield service
    service.stop()


def door_of(service: Service) -> MidiDoor:
    assert isinstance(service.midi, MidiDoor)
    return service.midi


def test_a_learned_note_does_what_the_verb_says(service: Service) -> None:
    verbs, door = Verbs(service), door_of(service)
    verbs.perform("midi/learn", {"token": "", "request": "l1", "action": "cancel"})
    note = mido.Message("note_on", channel=2, note=60, velocity=100)
    door.receive(note, 0.0)
    door.receive(mido.Message("note_off", channel=2, note=60), 0.1)
    cue = json.dumps({**CUE, "loudness": None})
    verbs.perform("cue/submit", {"token": "", "request": "s1", "cue": cue, "name": "", "queue": "now"})
    door.receive(note, 1.0)
    assert [job.state for job in service.jobs()] == ["cancelled"]


def test_a_ridden_fader_becomes_the_curve_of_a_cue(service: Service) -> None:
    verbs, door = Verbs(service), door_of(service)
    end = {"token": "", "curve": "ride", "start_s": None, "duration_s": None}
    begin = {"token": "", "curve": "ride", "domain": "db", "reference_dbfs": -20.0, "follow": "tight", "source": "midi"}
    door.receive(mido.Message("control_change", control=7, value=20), -1.0)
    verbs.perform("capture/begin", begin)
    ticks = count()
    for pair in range(25):
        for piece in quarter_frames(START + 2 * pair):
            now = next(ticks) / 100
            door.receive(piece, now)
            if round(now * 100) in (50, 120):
                door.receive(mido.Message("control_change", control=7, value=round(now * 100)), now)
    ready, ack = verbs.perform("capture/end", end)
    span = json.loads(str(ack[1]["result"]))
    assert verbs.perform("capture/end", end) == [ready, ack], "an answer that got lost is given again"
    assert LoudnessCurve.from_json(service.curve_json("ride")).sample(np.zeros(1))[0] == pytest.approx(
        40 * np.log10(20 / 127), abs=0.3
    )
    assert ready[0] == "curve/ready" and 3600 <= span["start_s"] < 3601 and span["duration_s"] > 0.5
    assert isinstance(service.curve_json("ride"), dict) and LoudnessCurve.from_json(service.curve_json("ride")).points
    submit = {"token": "", "request": "s2", "cue": json.dumps(CUE), "name": "", "queue": "now"}
    assert verbs.perform("cue/submit", submit)[0][0] == "job/queued"


def test_a_capture_of_nothing_says_what_was_missing(service: Service) -> None:
    verbs = Verbs(service)
    begin = {"token": "", "curve": "x", "domain": "db", "reference_dbfs": -20.0, "follow": "tight", "source": "midi"}
    verbs.perform("capture/begin", begin)
    with pytest.raises(Refused, match="no fader moved"):
        verbs.perform("capture/end", {"token": "", "curve": "x", "start_s": None, "duration_s": None})
