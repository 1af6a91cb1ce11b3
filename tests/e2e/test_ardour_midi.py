"""A real Ardour plays on JACK; a fader ridden meanwhile is captured against its own timecode."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest

from bridge.midi.door import PORT_NAME, MidiDoor
from bridge.midi.mmc import mmc_locate, mmc_message
from bridge.midi.mtc import QuarterFrames
from bridge.timecode import FRAME_RATES, Timecode
from tests.bridge.jack_server import running_jack

LIBRARY = Path("/usr/lib/ardour7")
HEADLESS = next(iter(sorted(LIBRARY.glob("hardour-7*"))), None)
CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<Ardour>
  <Config>
    <Option name="send-mtc" value="1"/>
    <Option name="send-mmc" value="1"/>
    <Option name="mmc-control" value="1"/>
    <Option name="send-midi-clock" value="1"/>
    <Option name="try-autostart-engine" value="1"/>
    <Option name="discover-plugins-on-start" value="0"/>
    <Option name="discover-vst-on-start" value="0"/>
  </Config>
  <Metadata/>
  <Extra><AudioMIDISetup><EngineStates>
    <State backend="JACK" driver="" device="" input-device="" output-device="" sample-rate="48000" buffer-size="1024"
      n-periods="0" input-latency="0" output-latency="0" lm-input="" lm-output="" active="1" use-buffered-io="0"
      midi-option="" lru="1700000000"><MIDIDevices/></State>
  </EngineStates></AudioMIDISetup></Extra>
</Ardour>
"""
START_S = 120.0  # seconds that a busy machine may take to start Ardour

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.jack,
    pytest.mark.slow,
    pytest.mark.skipif(HEADLESS is None, reason="needs a headless Ardour 7 (Debian: ardour)"),
]


def until(true: Callable[[], object], what: str, seconds: float = START_S, every: float = 0.02) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"waited {seconds:g} s in vain for {what}"
        time.sleep(every)


def send_until(port: Any, message: mido.Message, true: Callable[[], object], what: str) -> None:
    """Send a message again and again until it has had its effect.

    Ardour's ports are there before its session is, and what comes in between is lost. And a JACK server without
    real-time rights goes on without a client that a busy machine holds up: the messages of that block are lost too.
    """
    again = time.monotonic()

    def answered() -> bool:
        nonlocal again
        if true():
            return True
        if time.monotonic() >= again:
            port.send(message)
            again = time.monotonic() + 1.0
        return False

    until(answered, what)


@pytest.fixture
def ardour(tmp_path: Path) -> Iterator[str]:
    """An Ardour with an empty session; the name of its JACK server."""
    config = tmp_path / "config"
    (config / "ardour7").mkdir(parents=True)
    (config / "ardour7" / ".a7").touch()  # been here before: no first-run questions
    (config / "ardour7" / "config").write_text(CONFIG)
    env = os.environ | {"XDG_CONFIG_HOME": str(config), "XDG_CACHE_HOME": str(config / "cache"), "LC_ALL": "C"}
    session = tmp_path / "session"
    make = ["ardour7-new_session", "-s", "48000", str(session), "session"]
    subprocess.run(make, env=env, capture_output=True, timeout=START_S, check=True)
    for server in running_jack(block=1024):
        folders = {"ARDOUR_DATA_PATH": "/usr/share/ardour7", "ARDOUR_CONFIG_PATH": "/etc/ardour7"}
        folders |= {"LD_LIBRARY_PATH": str(LIBRARY), "ARDOUR_DLL_PATH": str(LIBRARY)}
        env |= folders | {"JACK_DEFAULT_SERVER": server.name, "JACK_NO_START_SERVER": "1"}
        with (tmp_path / "ardour.log").open("wb") as log:
            host = subprocess.Popen([str(HEADLESS), str(session), "session"], env=env, stdout=log, stderr=log)
        try:
            yield server.name
        finally:
            host.terminate()
            try:
                host.wait(15)
            except subprocess.TimeoutExpired:
                host.kill()
                host.wait()


class ListeningDoor(MidiDoor):
    """A door that remembers what came in, in order."""

    def __init__(self) -> None:
        super().__init__(lambda _: None)
        self.heard: list[mido.Message] = []

    def receive(self, message: mido.Message, time_s: float) -> None:
        self.heard.append(message)
        super().receive(message, time_s)


def places_of(moves: list[mido.Message], heard: list[mido.Message]) -> list[float]:
    """Ardour's position where each of `moves` was first heard, by the quarter frames just before and just after it.

    Only the order counts: a busy machine stalls Ardour's time against the clock, never the one message past the other.
    """
    timecode = QuarterFrames()
    pieces = [piece for at, one in enumerate(heard) if one.type == "quarter_frame" for piece in timecode.feed(one, at)]
    order, positions = zip(*((piece.time_s, float(piece.position_s)) for piece in pieces), strict=True)
    return [float(np.interp(heard.index(move), order, positions)) for move in moves]


def stands_at(door: MidiDoor, position_s: float) -> bool:
    at = door.whereabouts()
    return at is not None and not at.running and at.position_s == pytest.approx(position_s, abs=0.01)


def runs_by_mtc(door: MidiDoor) -> bool:
    at = door.whereabouts()
    return at is not None and at.running and at.source == "mtc"


def test_a_ride_over_a_playing_ardour(ardour: str) -> None:
    backend = mido.Backend("mido.backends.rtmidi/UNIX_JACK")
    until(lambda: any("MTC out" in name for name in backend.get_input_names()), "Ardour's MIDI ports")
    moves = [mido.Message("control_change", control=7, value=value) for value in (100, 50, 80, 20, 110)]
    with ListeningDoor() as door:
        ours = next(name for name in backend.get_output_names() if PORT_NAME in name)
        for port in ("MTC out", "MMC out", "MIDI Clock out"):
            subprocess.run(["jack_connect", "-s", ardour, f"ardour:{port}", ours], check=True, capture_output=True)
        control = next(name for name in backend.get_output_names() if "MMC in" in name)
        with backend.open_output(control) as mmc, backend.open_output(ours) as fader:
            place = mmc_locate(Timecode.parse("00:01:00:00", FRAME_RATES["30"]))
            send_until(mmc, place, lambda: stands_at(door, 60.0), "the locate")
            door.start_capture()
            send_until(mmc, mmc_message("play"), lambda: runs_by_mtc(door), "timecode")
            for move in moves:
                time.sleep(0.6)
                send_until(fader, move, lambda move=move: move in door.heard, f"the fader at {move.value}")
            time.sleep(0.5)
            send_until(mmc, mmc_message("stop"), lambda: not door.whereabouts().running, "the stop")
        result = door.finish_capture()
    assert result.start_s == pytest.approx(60, abs=0.1)
    places = places_of(moves, door.heard)
    points = result.curve.points
    found = [a.time_s + result.start_s for a, b in pairwise(points) if a.time_s == b.time_s]
    assert found == pytest.approx(places[1:], abs=0.06)
    ends = [*places[1:], result.start_s + result.duration_s]
    between = np.array([(place + end) / 2 for place, end in zip(places, ends, strict=True)])
    asked = result.curve.sample(between - result.start_s)
    assert asked == pytest.approx([40 * np.log10(move.value / 127) for move in moves], abs=0.01)
