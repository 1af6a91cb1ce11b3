"""A real Ardour plays on JACK; a fader ridden meanwhile is captured against its own timecode."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import mido
import numpy as np
import pytest

from bridge.midi.door import PORT_NAME, MidiDoor
from bridge.midi.mmc import mmc_locate, mmc_message
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


def until(true: Callable[[], object], what: str, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"waited {seconds:g} s in vain for {what}"
        time.sleep(0.02)


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


def test_a_ride_over_a_playing_ardour(ardour: str) -> None:
    backend = mido.Backend("mido.backends.rtmidi/UNIX_JACK")
    until(lambda: any("MTC out" in name for name in backend.get_input_names()), "Ardour's MIDI ports", START_S)
    steps = [100, 50, 80, 20, 110]
    with MidiDoor(lambda _: None) as door:
        ours = next(name for name in backend.get_output_names() if PORT_NAME in name)
        for port in ("MTC out", "MMC out", "MIDI Clock out"):
            subprocess.run(["jack_connect", "-s", ardour, f"ardour:{port}", ours], check=True, capture_output=True)
        control = next(name for name in backend.get_output_names() if "MMC in" in name)
        with backend.open_output(control) as mmc, backend.open_output(ours) as fader:
            time.sleep(0.5)
            mmc.send(mmc_locate(Timecode.parse("00:01:00:00", FRAME_RATES["30"])))
            until(lambda: (at := door.whereabouts()) and at.position_s == pytest.approx(60, abs=0.01), "the locate")
            assert not door.whereabouts().running
            door.start_capture()
            mmc.send(mmc_message("play"))
            until(lambda: door.whereabouts().running and door.whereabouts().source == "mtc", "timecode")
            places = []
            for value in steps:
                time.sleep(0.6)
                places.append(door.whereabouts().position_s)
                fader.send(mido.Message("control_change", control=7, value=value))
            time.sleep(0.5)
            mmc.send(mmc_message("stop"))
            until(lambda: not door.whereabouts().running, "the stop")
        result = door.finish_capture()
    assert result.start_s == pytest.approx(60, abs=0.1)
    asked = result.curve.sample(np.array(places) + 0.3 - result.start_s)
    assert asked == pytest.approx([40 * np.log10(value / 127) for value in steps], abs=0.01)
    points = result.curve.points
    found = [a.time_s + result.start_s for a, b in pairwise(points) if a.time_s == b.time_s]
    assert found == pytest.approx(places[1:], abs=0.06)
