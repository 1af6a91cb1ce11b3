"""`drawaudio capture` beside a real service whose MIDI door hears timecode and a fader."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import mido
import pytest

from bridge.broadcast_wave import read_broadcast_wave
from bridge.midi.door import MidiDoor
from bridge.midi.mtc import quarter_frames
from bridge.session import Announcement
from bridge.timecode import FRAME_RATES, Timecode
from tests.bridge.osc.test_server import TOKEN, Rig
from tests.drawaudio_command import DRAWAUDIO

ROOT = Path(__file__).parents[2]
START = Timecode.parse("01:00:00:00", FRAME_RATES["25"])


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setenv("DRAWAUDIO_HOME", str(tmp_path / "home"))
    rig = Rig(tmp_path / "session")
    rig.service.midi = MidiDoor(lambda action: None)
    Announcement(TOKEN, *rig.address, 0, str(rig.service.session.folder), os.getpid()).write()
    yield rig
    rig.stop()


def run(*words: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen([*DRAWAUDIO, "capture", *words], stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=ROOT)


def play(door: MidiDoor) -> None:
    """Two seconds of timecode from 01:00:00:00, the fader moved in the middle."""
    started = time.monotonic()
    pieces = (piece for pair in range(25) for piece in quarter_frames(START + 2 * pair))
    for tick, piece in enumerate(pieces):
        door.receive(piece, started + tick / 100)
        if tick in (50, 120):
            door.receive(mido.Message("control_change", control=11, value=tick), started + tick / 100)


def test_what_is_played_becomes_a_take_at_its_place(rig: Rig) -> None:
    script = run("tone #takes=2", "--rate", "96000")
    assert script.stderr is not None and "Play the passage" in script.stderr.readline()
    assert isinstance(rig.service.midi, MidiDoor)
    play(rig.service.midi)
    out, said = script.communicate("\n", timeout=120)
    assert script.returncode == 0, said
    assert "played: " in said
    takes = [read_broadcast_wave(Path(line)) for line in out.splitlines()]
    assert len(takes) == 2
    for take in takes:
        assert take.rate == 96000 and 3600 <= take.time_reference / 96000 < 3601


def test_nothing_played_is_one_line(rig: Rig) -> None:
    script = run("tone")
    _, said = script.communicate("\n", timeout=60)
    assert script.returncode == 2
    assert "no fader moved" in said and "Traceback" not in said
