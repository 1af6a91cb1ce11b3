"""The MIDI door: opens ports, and turns what comes in into actions, a followed transport and captured curves.

Without MIDI everything else goes on: ``open()`` never raises for a missing system, it says what is missing.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mido

from bridge.midi.capture import CapturedCurve, CaptureError, CurveCapture
from bridge.midi.cc14 import Controller, ControllerReader
from bridge.midi.map import KeyReader, MidiMap, Trigger
from bridge.midi.mtc import rates_of
from bridge.midi.transport import TransportFollower, Whereabouts
from bridge.timecode import FrameRate

PORT_NAME = "Draw an Audio"

_log = logging.getLogger(__name__)

#: MIDI systems by platform, best first: mido backend and what people call it.
_SYSTEMS: dict[str, tuple[tuple[str, str], ...]] = {
    "linux": (("mido.backends.rtmidi/LINUX_ALSA", "ALSA"), ("mido.backends.rtmidi/UNIX_JACK", "JACK")),
    "darwin": (("mido.backends.rtmidi/MACOSX_CORE", "CoreMIDI"),),
    "win32": (("mido.backends.rtmidi/WINDOWS_MM", "Windows MIDI"),),
}
#: How often JACK is asked whether our port is still there: its server may end, or be restarted, at any time.
_LOOK_EVERY_S = 10.0
#: Messages that would flood the map and the transport and belong to neither.
_IGNORED = frozenset({"active_sensing"})


@dataclass(frozen=True)
class MidiState:
    """``available``: a MIDI system answers. ``ports``: those listened to, or those there are. ``reason``: why not."""

    available: bool
    system: str = ""
    ports: tuple[str, ...] = ()
    reason: str = ""

    def __str__(self) -> str:
        if not self.available:
            return f"no MIDI: {self.reason}"
        return f"MIDI through {self.system}: {', '.join(self.ports) or self.reason or 'no ports'}"


def midi_state() -> MidiState:
    """What MIDI this machine has, for `doctor`: the system that answers and the inputs there are."""
    system = _find_system()
    if isinstance(system, MidiState):
        return system
    backend, name = system
    with _quiet_libraries():
        return MidiState(True, name, tuple(backend.get_input_names()), _no_virtual_ports(name))


class MidiDoor:
    """Listens while open.

    ``on_action`` is called with an action of `bridge.midi.map.ACTIONS`, on the door's own thread. ``map_file`` keeps
    the learned map. ``inputs`` are names (or parts of names) of ports to listen to beside the virtual one.
    ``frame_rate`` is the host's, needed only at 23.976 and 29.97 non-drop, which MTC calls 24 and 30. ``on_change`` is
    told the new state when a JACK server goes, and when it has come back and is listened to again.
    """

    def __init__(
        self,
        on_action: Callable[[str], None],
        *,
        map_file: Path | None = None,
        inputs: Sequence[str] = (),
        frame_rate: FrameRate | None = None,
        on_change: Callable[[MidiState], None] = lambda state: None,
    ) -> None:
        self._on_change = on_change
        self._closing = threading.Event()
        self._watcher: threading.Thread | None = None
        self._heard = False
        self._backend: Any = None
        self.state = MidiState(False, reason="not opened")
        self.map = MidiMap.load(map_file) if map_file is not None else MidiMap()
        self._on_action = on_action
        self._map_file = map_file
        self._wanted = tuple(inputs)
        self._rates = rates_of(frame_rate)
        self._lock = threading.Lock()
        self._transport = TransportFollower(self._rates)
        self._keys = KeyReader()
        self._faders = ControllerReader()
        self._stood: dict[Controller, float] = {}
        self._capture: CurveCapture | None = None
        self._learning: tuple[str, Callable[[Trigger], None]] | None = None
        self._ports: list[Any] = []
        self._arrived: queue.SimpleQueue[tuple[float, mido.Message] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def open(self) -> MidiState:
        """Open the virtual port and the wanted inputs; the state says what came of it."""
        system = _find_system()
        if isinstance(system, MidiState):
            self.state = system
            return self.state
        self._backend, name = system
        self._open_ports(name)
        if self._ports:
            self._thread = threading.Thread(target=self._run, name="midi", daemon=True)
            self._thread.start()
        if name.endswith("JACK") and any(PORT_NAME in port.name for port in self._ports):
            self._closing.clear()
            self._watcher = threading.Thread(target=self._watch, args=(name,), name="midi watch", daemon=True)
            self._watcher.start()
        return self.state

    def _open_ports(self, name: str) -> None:
        backend = self._backend
        problems: list[str] = []
        with _quiet_libraries():
            if not _no_virtual_ports(name):
                self._try(problems, backend.open_input, PORT_NAME, virtual=True, client_name=PORT_NAME)
            elif not self._wanted:
                problems.append(_no_virtual_ports(name))
            there = backend.get_input_names()
            for wanted in self._wanted:
                found = next((port for port in there if wanted.lower() in port.lower()), None)
                if found is None:
                    problems.append(f"no MIDI input named {wanted!r} (there are: {', '.join(there) or 'none'})")
                else:
                    self._try(problems, backend.open_input, found)
        self.state = MidiState(True, name, tuple(port.name for port in self._ports), "; ".join(problems))

    def _watch(self, name: str) -> None:
        """Notice that JACK has gone, and listen again when it is back."""
        while not self._closing.wait(_LOOK_EVERY_S):
            # What sends is there; and a look, a client that comes and goes, costs a ride over it messages.
            heard, self._heard = self._heard, False
            if heard:
                continue
            if self._ports and not _lists_us(self._backend):
                self._leave_ports()
                reason = f"{name} has gone away; it is listened to again when it is back"
                self.state = MidiState(False, name, reason=reason)
                self._on_change(self.state)
            elif not self._ports and not isinstance(_find_system(), MidiState):
                self._open_ports(name)
                self._on_change(self.state)

    def _leave_ports(self) -> None:
        """Give ports up without closing them: JACK's library crashes in closing what a dead server had."""
        for port in self._ports:
            port.closed = True
        # A thread that never ends holds them, so that nothing closes them at the program's end either.
        threading.Thread(target=lambda ports: threading.Event().wait(), args=(self._ports,), daemon=True).start()
        self._ports = []

    def close(self) -> None:
        """Close every port; what arrived before is still handled."""
        if self._watcher is not None:
            self._closing.set()
            self._watcher.join()
            self._watcher = None
            if self._ports and not _lists_us(self._backend):
                self._leave_ports()
        for port in self._ports:
            port.close()
        self._ports.clear()
        if self._thread is not None:
            self._arrived.put(None)
            self._thread.join()
            self._thread = None
        self.state = MidiState(False, reason="closed")

    def __enter__(self) -> MidiDoor:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def whereabouts(self) -> Whereabouts | None:
        """Where the host's transport is now; ``None`` until it has said so."""
        with self._lock:
            return self._transport.whereabouts(time.monotonic())

    def learn(self, action: str, learned: Callable[[Trigger], None] = lambda _: None) -> None:
        """The next key, knob or program to be pressed becomes ``action``; ``learned`` is told which it was."""
        MidiMap().learned(action, Trigger("note", 0, 0))  # refuses an unknown action now, not at the key
        with self._lock:
            self._learning = (action, learned)

    def start_capture(self, controller: Controller | None = None) -> None:
        """Listen for a ridden fader from now on; a capture under way is dropped."""
        with self._lock:
            self._capture = CurveCapture(controller, self._rates, dict(self._stood))

    def capture_value(self, fraction: float, position_s: float | None = None) -> None:
        """A plain value 0…1 for the capture under way (an OSC stream). Raises ``CaptureError`` if there is none."""
        with self._lock:
            self._capturing().value(fraction, time.monotonic(), position_s)

    def finish_capture(self, start_s: float | None = None, duration_s: float | None = None) -> CapturedCurve:
        """End the capture and give its curve. Raises ``CaptureError``; the capture is over either way."""
        with self._lock:
            capture = self._capturing()
            self._capture = None
        return capture.finish(start_s, duration_s)

    def receive(self, message: mido.Message, time_s: float) -> None:
        """Handle one message that arrived at ``time_s`` on `time.monotonic`'s clock; ports call it by themselves."""
        action = learned = None
        with self._lock:
            self._transport.feed(message, time_s)
            if self._capture is not None:
                self._capture.feed(message, time_s)
            value = self._faders.feed(message)
            if value is not None:
                self._stood[value.controller] = value.fraction
            trigger = self._keys.feed(message)
            if trigger is not None and self._learning is not None:
                name, learned = self._learning
                self._learning = None
                self.map = self.map.learned(name, trigger)
                if self._map_file is not None:
                    self.map.save(self._map_file)
            elif trigger is not None:
                action = self.map.action(trigger)
        # Outside the lock: what is called may well ask the door where the transport is.
        if trigger is not None and learned is not None:
            learned(trigger)
        if action is not None:
            self._on_action(action)

    def _capturing(self) -> CurveCapture:
        if self._capture is None:
            raise CaptureError("capture: none is under way; start one first")
        return self._capture

    def _try(self, problems: list[str], open_input: Callable[..., Any], name: str, **options: Any) -> None:
        try:
            self._ports.append(open_input(name, callback=self._on_message, **options))
        except Exception as error:  # every backend has errors of its own, related by nothing
            problems.append(f"{name}: {str(error).splitlines()[0] if str(error) else type(error).__name__}")

    def _on_message(self, message: mido.Message) -> None:
        # On the MIDI system's own thread, which JACK lets no one hold up: note the time and be gone.
        if message.type not in _IGNORED:
            self._arrived.put((time.monotonic(), message))

    def _run(self) -> None:
        while (arrived := self._arrived.get()) is not None:
            time_s, message = arrived
            self._heard = True
            try:
                self.receive(message, time_s)
            except Exception:  # one failing action must not end the listening
                _log.exception("MIDI message %s could not be acted on", message)


def _find_system() -> tuple[Any, str] | MidiState:
    """The first MIDI system that answers, with its name; a state that says why none does."""
    chosen = os.environ.get("MIDO_BACKEND")
    known = _SYSTEMS.get(sys.platform, _SYSTEMS["linux"])
    systems = [(chosen, chosen.rpartition("/")[2])] if chosen else list(known)
    reasons = []
    for module, name in systems:
        if name == "ALSA" and not os.path.exists("/dev/snd/seq"):
            reasons.append("ALSA has no sequencer (/dev/snd/seq is missing)")
            continue
        try:
            with _quiet_libraries():
                backend = mido.Backend(module)
                backend.get_input_names()
            return backend, name
        except ImportError:
            return MidiState(False, reason="python-rtmidi is not installed; pip install 'draw-an-audio[midi]'")
        except Exception as error:  # rtmidi's own SystemError, mido's OSError, …
            reasons.append(
                f"{name} does not answer ({str(error).splitlines()[0] if str(error) else 'no reason given'})"
            )
    return MidiState(False, reason="; ".join(reasons))


def _lists_us(backend: Any) -> bool:
    """Whether the MIDI system lists our virtual port among those that can be sent to."""
    try:
        with _quiet_libraries():
            return any(PORT_NAME in name for name in backend.get_output_names())
    except Exception:  # rtmidi's own SystemError, mido's OSError, …
        return False


def _no_virtual_ports(system: str) -> str:
    if system in ("Windows MIDI", "WINDOWS_MM"):
        return "Windows has no virtual MIDI ports; install loopMIDI, make a port, and name it with --midi-input"
    return ""


@contextlib.contextmanager
def _quiet_libraries() -> Iterator[None]:
    """ALSA's and JACK's libraries print to the terminal what they also return; here the return is enough."""
    try:
        stderr = os.dup(2)
    except OSError:  # no terminal to keep quiet
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
