"""A real Ardour without screen or sound card: its own X server, its own configuration folder, the Dummy audio backend.

Nothing of the user's is touched: HOME's Ardour settings are never read or written, the X display is a fresh one and the
OSC port is picked by the system. `ArdourRig` starts and ends only processes of its own.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from pythonosc.udp_client import SimpleUDPClient

from tests.e2e.ardour_lua import with_session_range

NEEDED_PROGRAMS = ("ardour7-lua", "ardour7-export", "Xvfb", "xdotool", "xwininfo")
LIBRARY = Path("/usr/lib/ardour7")
SCREEN = "1280x800x24"
START_S = 240.0
"""Longest wait for Ardour to start: 4 s on an idle machine, minutes on one that trains at the same time."""
EXPORTS = 8
"""Attempts at an export: at one crash in six, all fail once in a million."""

ENGINE_STATE = (
    '<State backend="None (Dummy)" driver="Normal Speed" device="Silence" input-device="" output-device="" '
    'sample-rate="48000" '
    'buffer-size="1024" n-periods="0" input-latency="0" output-latency="0" lm-input="" lm-output="" '
    'active="1" use-buffered-io="0" '
    'midi-option="1 in, 1 out, Silence" lru="1700000000"><MIDIDevices/></State>'
)
OSC_SURFACE = (
    '<Protocol name="Open Sound Control (OSC)" active="1" debugmode="0" address-only="0" remote-port="0" banksize="0" '
    'striptypes="31" feedback="0" gainmode="0" send-page-size="0" plug-page-size="0"/>'
)
CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<Ardour>
  <Config>
    <Option name="osc-port" value="{port}"/>
    <Option name="try-autostart-engine" value="1"/>
    <Option name="hide-dummy-backend" value="0"/>
    <Option name="discover-plugins-on-start" value="0"/>
    <Option name="discover-vst-on-start" value="0"/>
    <Option name="periodic-safety-backups" value="0"/>
  </Config>
  <Metadata/>
  <Extra><AudioMIDISetup><EngineStates>{engine}</EngineStates></AudioMIDISetup></Extra>
  <ControlProtocols>{surface}</ControlProtocols>
</Ardour>
"""
UI_CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<Ardour><UI><Option name="check-announcements" value="0"/></UI></Ardour>
"""


def missing_programs() -> list[str]:
    """The programs this rig needs and the machine lacks (empty: all are there)."""
    missing = [name for name in NEEDED_PROGRAMS if shutil.which(name) is None]
    if ardour_binary() is None:
        missing.append("ardour (GUI)")
    return missing


def ardour_binary() -> Path | None:
    """The GUI program itself; /usr/bin/ardour is only a wrapper that sets the environment below."""
    found = sorted(LIBRARY.glob("ardour-7*"))
    return found[-1] if found else None


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], object], seconds: float, what: str, every: float = 0.05) -> object:
    """Poll until `condition()` is truthy and return it; AssertionError naming `what` after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(every)


def export_session(
    session: Path, snapshot: str, target: Path, bits: str = "16", environment: Mapping[str, str] | None = None
) -> None:
    """Bounce a snapshot of a session with `ardour7-export`; AssertionError with all it said where that fails.

    Ardour 7.3's exporter damages its own heap: of 150 exports 26 died of SIGABRT or SIGSEGV, most while the channels
    of a finished export were freed (`PortExportChannel`), and a session without our takes in it died as
    often as one of ours. Only that is tried again.
    """
    command = ["ardour7-export", "-b", bits, "-o", str(target), str(session), snapshot]
    for _ in range(EXPORTS):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False)
        if done.returncode not in (-signal.SIGABRT, -signal.SIGSEGV):
            break
        target.unlink(missing_ok=True)
    said = f"{done.stdout[-1000:]}{done.stderr[-1000:]}"
    assert done.returncode == 0 and target.exists(), f"{shlex.join(command)} ended with {done.returncode}: {said}"


@dataclass
class ArdourRig:
    """One private Ardour: `configure()`, then `make_session()`, then `start()`; `stop()` always."""

    root: Path
    osc_port: int = field(default_factory=free_udp_port)
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _logs: list[IO[bytes]] = field(default_factory=list)
    display: str = ""

    @property
    def config_home(self) -> Path:
        return self.root / "config"

    @property
    def config(self) -> Path:
        return self.config_home / "ardour7"

    @property
    def log(self) -> Path:
        return self.root / "ardour.log"

    def configure(self) -> None:
        """A fresh configuration folder that asks no first-run question and starts the Dummy backend by itself."""
        self.config.mkdir(parents=True, exist_ok=True)
        (self.config / ".a7").touch()
        (self.config / "config").write_text(CONFIG.format(port=self.osc_port, engine=ENGINE_STATE, surface=OSC_SURFACE))
        (self.config / "ui_config").write_text(UI_CONFIG)

    def make_session(self, name: str, lua: str) -> Path:
        """Run `lua` in ardour7-lua (it gets DIR and NAME), then switch on the OSC surface the session saved as off."""
        folder = self.root / "sessions" / name
        script = self.root / f"{name}.lua"
        folder.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(f"DIR, NAME = {str(folder)!r}, {name!r}\n{lua}")
        done = subprocess.run(
            ["ardour7-lua", str(script)],
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        saved = folder / f"{name}.ardour"
        if not saved.exists():
            raise AssertionError(f"ardour7-lua made no session: {done.stdout[-800:]}{done.stderr[-800:]}")
        text = saved.read_text()
        text = re.sub(r'<Protocol name="Open Sound Control \(OSC\)" active="0"/>', OSC_SURFACE, text)
        text = with_session_range(text)
        # Else a modal "I/O device has changed" box blocks the start.
        text = re.sub(r"\s*<EngineHints[^>]*/>", "", text)
        saved.write_text(text)
        return folder

    def start(self, session: Path, extra_environment: dict[str, str] | None = None) -> None:
        """Start X and Ardour on `session` and wait until its OSC surface answers and its editor window is up."""
        self._start_x()
        binary = ardour_binary()
        assert binary is not None
        log = self.log.open("wb")
        self._logs.append(log)
        environment = self._environment() | (extra_environment or {})
        self._processes.append(
            subprocess.Popen(
                [str(binary), "--no-splash", "--no-announcements", str(session)],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        )
        wait_for(self._osc_is_open, START_S, "Ardour's OSC port", every=0.2)
        wait_for(lambda: self.window(session.name), START_S, "Ardour's editor window", every=0.2)
        time.sleep(1.0)  # the editor maps before its canvas takes keys; nothing announces the latter

    def osc(self, address: str, *arguments: object) -> None:
        """Send one OSC message to Ardour's own surface."""
        SimpleUDPClient("127.0.0.1", self.osc_port).send_message(address, list(arguments))

    def select_strip(self, number: int) -> None:
        # Ardour 7.3 takes 0 as "select" and ignores every other value.
        self.osc("/set_surface", 0, 31, 0, 0, 0, 0)
        self.osc("/strip/select", number, 0)

    def key(self, keys: str) -> None:
        """Press a key as a user would, with the pointer over the editor's canvas."""
        self._xdotool("mousemove", "700", "620")
        self._xdotool("key", "--clearmodifiers", keys)

    def click(self, x: int, y: int, button: int = 1) -> None:
        self._xdotool("mousemove", str(x), str(y), "click", str(button))

    def windows(self) -> list[str]:
        """Titles of all mapped windows."""
        tree = subprocess.run(
            ["xwininfo", "-root", "-tree"], env=self._environment(), capture_output=True, text=True, check=False
        ).stdout
        return re.findall(r'0x[0-9a-f]+ "([^"]+)"', tree)

    def window(self, part: str) -> str | None:
        return next((title for title in self.windows() if part in title), None)

    def save(self, session: Path) -> str:
        """Let Ardour save and return the session file's text.

        By the menu's own action, not by "/save_state", which does not pass through the GUI's thread: what was sent
        before has reached the GUI when the file is there.
        """
        saved = session / f"{session.name}.ardour"
        before, asked = saved.stat().st_mtime_ns, time.monotonic()
        self.osc("/access_action", "Common/Save")
        wait_for(lambda: saved.stat().st_mtime_ns != before, 30, "Ardour to save")
        # Actions go before keys: who asks again and again on a busy machine would keep a key from being heard.
        time.sleep(max(0.2, time.monotonic() - asked))
        return saved.read_text()

    def playhead(self) -> int | None:
        """Where the playhead stands, in samples; None where Ardour does not answer within a second."""
        client = SimpleUDPClient("127.0.0.1", self.osc_port)
        client.send_message("/transport_frame", [])
        return next((int(answer.params[0]) for answer in client.get_messages(1)), None)

    def screenshot(self, path: Path) -> None:
        subprocess.run(["import", "-window", "root", str(path)], env=self._environment(), check=True, timeout=30)

    def export(self, session: Path, target: Path) -> None:
        """Bounce the whole session with Ardour's own exporter (32-bit float, no normalising)."""
        export_session(session, session.name, target, "float", self._environment())

    def stop(self) -> None:
        """End Ardour first, then its X server; only what this rig started."""
        for process in reversed(self._processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(5)
        self._processes.clear()
        for log in self._logs:
            log.close()
        self._logs.clear()

    def _environment(self) -> dict[str, str]:
        library = str(LIBRARY)
        own = {
            "DISPLAY": self.display,
            "XDG_CONFIG_HOME": str(self.config_home),
            "XDG_CACHE_HOME": str(self.root / "cache"),
            "LC_ALL": "C",
            "NO_AT_BRIDGE": "1",
            "JACK_NO_START_SERVER": "1",
            "GTK_PATH": f"/etc/ardour7:{library}",
            "LD_LIBRARY_PATH": library,
            "ARDOUR_DATA_PATH": "/usr/share/ardour7",
            "ARDOUR_CONFIG_PATH": "/etc/ardour7",
            "ARDOUR_DLL_PATH": library,
            "VAMP_PATH": f"{library}/vamp",
            "ARDOUR_SELF": "ardour",
            "UBUNTU_MENUPROXY": "",
        }
        return {**os.environ, **own}

    def _start_x(self) -> None:
        read, write = os.pipe()
        self._processes.append(
            subprocess.Popen(
                ["Xvfb", "-displayfd", str(write), "-screen", "0", SCREEN, "-nolisten", "tcp"],
                pass_fds=(write,),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        os.close(write)
        with os.fdopen(read) as answer:
            self.display = f":{answer.readline().strip()}"

    def _osc_is_open(self) -> bool:
        assert self._processes[-1].poll() is None, f"Ardour ended early; its log ends: {self.log_end()}"
        wanted = f":{self.osc_port:04X} "
        return any(wanted in line for table in _udp_tables() for line in table)

    def log_end(self) -> str:
        return self.log.read_text(errors="replace")[-1200:] if self.log.exists() else "(none)"

    def _xdotool(self, *arguments: str) -> None:
        subprocess.run(["xdotool", *arguments], env=self._environment(), check=True, timeout=20)


def _udp_tables() -> Iterable[list[str]]:
    for name in ("/proc/net/udp", "/proc/net/udp6"):
        if Path(name).exists():
            yield Path(name).read_text().splitlines()
