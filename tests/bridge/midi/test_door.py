"""The MIDI door on a real JACK server, and without any MIDI at all."""

import json
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import mido
import numpy as np
import pytest

from bridge.midi.capture import CaptureError
from bridge.midi.door import PORT_NAME, MidiDoor, midi_state
from bridge.midi.map import MidiMap, MidiMapError, Trigger
from bridge.midi.mmc import mmc_locate, mmc_message
from bridge.midi.mtc import full_frame
from bridge.timecode import FRAME_RATES, Timecode
from tests.bridge.jack_server import JackServer, running_jack
from tests.bridge.midi.player import cc, in_order, mtc

AN_HOUR = Timecode.parse("01:00:00:00", FRAME_RATES["25"])
SETTLE_S = 0.1  # JACK takes a cycle or two to sort a new connection into its graph


@pytest.fixture(scope="module")
def jack() -> Iterator[JackServer]:
    # A long block: a busy machine misses fewer deadlines, and messages are lost with every one it misses.
    yield from running_jack(block=1024)


def note(number: int, velocity: int = 100) -> mido.Message:
    return mido.Message("note_on", note=number, velocity=velocity)


def until(true: Callable[[], object], seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.005)
    return bool(true())


class Listener:
    """A door, what it said, and a port to speak to it."""

    def __init__(self, **arguments) -> None:
        self.actions: list[str] = []
        self.door = MidiDoor(self.actions.append, **arguments)


@pytest.fixture
def listener(jack: JackServer) -> Iterator[Listener]:
    made = Listener()
    with made.door:
        yield made


@pytest.fixture
def host(listener: Listener) -> Iterator[mido.ports.BaseOutput]:
    backend = mido.Backend("mido.backends.rtmidi/UNIX_JACK")
    assert until(lambda: any(PORT_NAME in name for name in backend.get_output_names()))
    with backend.open_output(next(name for name in backend.get_output_names() if PORT_NAME in name)) as port:
        time.sleep(SETTLE_S)
        yield port


@pytest.mark.jack
def test_a_virtual_port_is_there_for_the_host(listener):
    assert listener.door.state.available and listener.door.state.system == "UNIX_JACK"
    assert PORT_NAME in str(listener.door.state)
    assert midi_state().available


@pytest.mark.jack
def test_a_learned_key_becomes_an_action(listener, host):
    learned: list[Trigger] = []
    listener.door.learn("regenerate", learned.append)
    host.send(note(60))
    assert until(lambda: learned) and listener.actions == []
    host.send(note(60))
    host.send(note(60, 0))
    host.send(note(61))
    host.send(note(60))
    assert until(lambda: len(listener.actions) == 2)
    time.sleep(0.05)
    assert listener.actions == ["regenerate", "regenerate"]


@pytest.mark.jack
def test_transport_over_the_wire(listener, host):
    door = listener.door
    host.send(full_frame(AN_HOUR))
    assert until(door.whereabouts)
    assert (door.whereabouts().position_s, door.whereabouts().running) == (3600.0, False)
    host.send(mmc_locate(AN_HOUR + 250))
    host.send(mmc_message("play"))
    assert until(lambda: door.whereabouts().running)
    assert door.whereabouts().position_s == pytest.approx(3610, abs=1.0)
    host.send(mmc_message("stop"))
    assert until(lambda: not door.whereabouts().running)


@pytest.mark.jack
def test_a_ride_over_the_wire_becomes_a_curve(jack, listener, host):
    steps = [(0.4, 127), (0.8, 40), (1.3, 90)]
    events = in_order(mtc(AN_HOUR, 2.0), *(cc(t, v) for t, v in steps))
    listener.door.start_capture()
    began = time.monotonic() + 0.05
    for time_s, message in events:
        time.sleep(max(0.0, began + time_s - time.monotonic()))
        host.send(message)
    time.sleep(0.1)
    result = listener.door.finish_capture()
    assert result.start_s == pytest.approx(3600, abs=0.2)
    # Between the steps, whose exact places are the benchmark's matter: a busy machine sends and hears late.
    asked = result.curve.sample(np.array([0.6, 1.05, 1.6]))
    assert asked == pytest.approx([40 * np.log10(value / 127) for _, value in steps], abs=0.01)
    with pytest.raises(CaptureError, match="none is under way"):
        listener.door.finish_capture()


@pytest.mark.jack
def test_a_failing_action_does_not_end_the_listening(jack):
    heard = []

    def fail_once(action: str) -> None:
        heard.append(action)
        if len(heard) == 1:
            raise RuntimeError("no take yet")

    door = MidiDoor(fail_once)
    door.map = MidiMap().learned("keep", Trigger("note", 0, 5))
    with door:
        backend = mido.Backend("mido.backends.rtmidi/UNIX_JACK")
        with backend.open_output(next(n for n in backend.get_output_names() if PORT_NAME in n)) as port:
            time.sleep(SETTLE_S)
            port.send(note(5))
            port.send(note(5))
            assert until(lambda: len(heard) == 2)


@pytest.mark.jack
def test_named_inputs_and_those_that_are_not_there(jack):
    backend = mido.Backend("mido.backends.rtmidi/UNIX_JACK")
    with backend.open_output("Fader Bank", virtual=True, client_name="keys") as keys:
        listener = Listener(inputs=["fader bank", "theremin"])
        with listener.door as door:
            assert any("Fader Bank" in port for port in door.state.ports)
            assert "no MIDI input named 'theremin'" in door.state.reason
            door.learn("audition")
            time.sleep(SETTLE_S)
            keys.send(note(1))
            assert until(lambda: door.map.triggers)


def test_a_learned_map_outlives_the_door(tmp_path):
    path = tmp_path / "midi.json"
    door = MidiDoor(lambda _: None, map_file=path)
    door.learn("next_take")
    door.receive(mido.Message("program_change", program=3, channel=9), 0.0)
    again = MidiDoor(lambda _: None, map_file=path)
    assert again.map.action(Trigger("program", 9, 3)) == "next_take"
    with pytest.raises(MidiMapError, match="no action"):
        door.learn("explode")


def test_without_a_server_it_says_so_and_goes_on(monkeypatch):
    pytest.importorskip("rtmidi")
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "drawaudio-there-is-none")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    monkeypatch.setenv("MIDO_BACKEND", "mido.backends.rtmidi/UNIX_JACK")
    with MidiDoor(lambda _: None) as door:
        assert not door.state.available
        assert str(door.state).startswith("no MIDI: UNIX_JACK does not answer")
        # A curve streamed over OSC needs no MIDI.
        door.start_capture()
        door.capture_value(0.5, position_s=1.0)
        door.capture_value(0.7, position_s=2.0)
        assert door.finish_capture().duration_s == 1.0
    assert not midi_state().available


def test_without_rtmidi_it_says_what_to_install(monkeypatch):
    monkeypatch.setenv("MIDO_BACKEND", "mido.backends.rtmidi/UNIX_JACK")
    monkeypatch.setitem(__import__("sys").modules, "rtmidi", None)
    monkeypatch.delitem(__import__("sys").modules, "mido.backends.rtmidi", raising=False)
    assert "pip install" in str(midi_state())


def test_windows_has_no_virtual_ports(monkeypatch):
    """rtmidi's dummy system stands in for Windows': the word must come, and no port be opened."""
    from bridge.midi import door as module

    class NoPorts:
        @staticmethod
        def get_input_names() -> list[str]:
            return []

    monkeypatch.setattr(module, "_find_system", lambda: (NoPorts, "Windows MIDI"))
    state = MidiDoor(lambda _: None).open()
    assert state.available and state.ports == () and "loopMIDI" in str(state)


def test_a_host_at_23_976_is_taken_at_its_rate():
    door = MidiDoor(lambda _: None, frame_rate=FRAME_RATES["23.976"])
    door.receive(full_frame(Timecode.parse("01:00:00:00", FRAME_RATES["23.976"])), 0.0)
    assert door.whereabouts().position_s == pytest.approx(3603.6)


def test_actions_may_ask_the_door_where_the_transport_is():
    door = MidiDoor(lambda _: asked.append(door.whereabouts()))
    asked: list[object] = []
    door.map = MidiMap().learned("keep", Trigger("cc", 0, 20))
    done = threading.Thread(target=door.receive, args=(mido.Message("control_change", control=20, value=127), 0.0))
    done.start()
    done.join(5)
    assert asked == [None]


@pytest.mark.jack
def test_a_server_that_dies_is_noticed_and_listened_to_again():
    """In a program of its own: JACK's library crashes in closing the ports of a dead server, and the door must not."""
    program = """
        import json, os, subprocess, time
        from bridge.midi import door
        from tests.bridge import jack_server

        started = []
        start = subprocess.Popen
        jack_server.subprocess.Popen = lambda *a, **k: started.append(start(*a, **k)) or started[-1]
        door._LOOK_EVERY_S = 0.5

        def wait(count):
            until = time.monotonic() + 30
            while len(told) < count and time.monotonic() < until:
                time.sleep(0.05)

        told = []
        for server in jack_server.running_jack(block=1024):
            listening = door.MidiDoor(print, on_change=lambda state: told.append(str(state)))
            listening.open()
            started[0].kill()
            started[0].wait()
            wait(1)
            command = ["jackd", "-r", "--no-mlock", "-n", server.name, "-d", "dummy", "-r", "48000", "-p", "1024"]
            again = start(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wait(2)
            again.kill()
            again.wait()
            listening.close()
        print(json.dumps(told))
    """
    if shutil.which("jackd") is None:
        pytest.skip("needs jackd (Debian: jackd2)")
    pytest.importorskip("rtmidi", reason="needs python-rtmidi")
    command = [sys.executable, "-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[3], timeout=120)
    assert done.returncode == 0, done.stderr
    gone, back = json.loads(done.stdout.splitlines()[-1])
    assert gone == "no MIDI: UNIX_JACK has gone away; it is listened to again when it is back"
    assert back == f"MIDI through UNIX_JACK: {PORT_NAME}"
