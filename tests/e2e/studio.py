"""A studio for the tests: a real Ardour with our preset, and the service beside it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from bridge.broadcast_wave import read_broadcast_wave
from bridge.cli import main as drawaudio
from tests.drawaudio_command import DRAWAUDIO
from tests.e2e.ardour_rig import ArdourRig, wait_for

RATE = 48000
SUFFIX = " · Foley"
SUPERCLOCKS = 282240000 // RATE
RENDER_S = 900.0
"""Longest wait for a take: a loaded machine of two cores renders several times slower than an idle one."""

Lane = Sequence[tuple[float, float]]
"""Points of a fader lane: (seconds of the session, linear gain)."""

SESSION = """
local s = assert (create_session (DIR, NAME, 48000))
local function at (seconds) return Temporal.timepos_t (math.floor (seconds * 48000 + 0.5)) end
for _, track in ipairs (TRACKS) do
  local name, lane = track[1], track[2]
  s:new_audio_track (1, 2, nil, 1, name, ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true)
  local control = s:route_by_name (name):gain_control ()
  control:set_automation_state (ARDOUR.AutoState.Play)
  for _, point in ipairs (lane) do control:alist ():add (at (point[1]), point[2], false, true) end
end
s:locations ():add_range (at (0), at (32)):set_name ("session")
for _, range in ipairs (RANGES) do
  s:locations ():add_range (at (range[2]), at (range[3])):set_name (range[1])
end
s:save_state ("")
s:close ()
quit ()
"""


def lua_table(rows: object) -> str:
    """Nested tuples as a Lua table."""
    return json.dumps(rows).replace("[", "{").replace("]", "}")


def serve_command(folder: Path) -> list[str]:
    return [*DRAWAUDIO, "serve", str(folder), "--port", "0", "--http-port", "0"]


@dataclass(frozen=True)
class Region:
    """A region of a session file: its name, place and length in samples, and whether it is muted."""

    name: str
    start: int
    length: int
    muted: bool


@dataclass
class Studio:
    """Ardour with our preset, and the service beside it."""

    rig: ArdourRig
    session: Path
    service: Path

    def point_at(self, track: str, seconds: float) -> None:
        """Select a track and put the playhead down; both stand there when this returns."""
        wait_for(lambda: self.selected() == [track] or self._select(track), 60, f"'{track}' to be selected")
        self.locate(seconds)

    def locate(self, seconds: float) -> None:
        """Put the playhead down, and wait until it stands there."""
        self.rig.osc("/locate", int(seconds * RATE), 0)
        wait_for(lambda: self.rig.playhead() == int(seconds * RATE), 60, f"the playhead at {seconds} s")

    def selected(self) -> list[str]:
        """The names of the tracks that are selected."""
        text = self.rig.save(self.session)
        chosen = re.findall(r'<StripableAutomationControl stripable="(\d+)"', text)
        return [name for number, name, _ in strips(text) if number in chosen]

    def _select(self, track: str) -> None:
        names = [name for _, name, _ in strips(self.rig.save(self.session)) if name != "Master"]
        self.rig.select_strip(1 + names.index(track))

    def select_time(self, first_s: float, last_s: float) -> None:
        """Drag over a stretch of the timeline, by way of the loop: OSC cannot set the selection itself."""
        self.rig.osc("/loop_location", int(first_s * RATE), int(last_s * RATE))
        self.rig.osc("/access_action", "Editor/select-loop-range")

    def takes(self, track: str) -> list[Region]:
        """The regions on a take track, from the session file Ardour saves."""
        return regions(self.rig.save(self.session), track + SUFFIX)

    def wait_for_takes(self, track: str, count: int) -> list[Region]:
        def look() -> list[Region] | None:
            assert self.rig.window("Draw an Audio") is None, f"an error dialog opened: {self.rig.log_end()}"
            found = self.takes(track) if list((self.service / "takes").glob("*.wav")) else []
            return found if len(found) == count else None

        found = wait_for(look, RENDER_S, f"{count} takes on {track}{SUFFIX}", every=1.0)
        assert isinstance(found, list)
        return found

    def sound(self, region: Region) -> np.ndarray:
        """The take that a region is, from the service's folder: (samples, channels)."""
        (path,) = (self.service / "takes").glob(f"{region.name}*.wav")
        return read_broadcast_wave(path).audio

    def take_files(self) -> set[Path]:
        """Everything audible or half-written; a claim only keeps a number from being used twice."""
        return {path for path in (self.service / "takes").iterdir() if path.suffix != ".claim"}

    def answers(self) -> list[dict[str, object]]:
        return [json.loads(path.read_text()) for path in (self.service / "outbox").glob("ardour-*.json")]

    def import_delay(self, name: str) -> float:
        """Seconds from a take's file standing whole in the service's folder to its copy standing in the session's."""
        (made,) = (self.service / "takes").glob(f"{name}*.wav")
        (copied,) = (self.session / "interchange").rglob(f"{name}*.wav")
        return copied.stat().st_mtime - made.stat().st_mtime

    def audio(self, path: Path) -> np.ndarray:
        """The whole session through Ardour's exporter: (samples, 2)."""
        self.rig.save(self.session)
        self.rig.export(self.session, path)
        audio, rate = soundfile.read(path, always_2d=True)
        assert rate == RATE
        return np.asarray(audio)


def strips(text: str) -> list[tuple[str, str, int]]:
    """The tracks and buses in a session file's text, in the order of the mixer: (id, name, place)."""
    found = re.findall(r'<Route [^>]*?id="(\d+)" name="([^"]*)"[^>]*>\s*<PresentationInfo order="(\d+)"', text)
    return sorted(((number, name, int(place)) for number, name, place in found), key=lambda strip: strip[2])


def regions(text: str, playlist: str) -> list[Region]:
    """The regions of the playlists of one track in a session file's text, oldest first."""
    found = []
    for body in re.findall(rf'<Playlist [^>]*name="{playlist}[^>]*>(.*?)</Playlist>', text, re.DOTALL):
        for tag in re.findall(r"<Region [^>]*>", body):
            values = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
            length, _, start = values["length"].partition("@")
            at, samples = (int(part[1:]) // SUPERCLOCKS for part in (start, length))
            found.append(Region(values["name"], at, samples, values["muted"] == "1"))
    return sorted(found, key=lambda region: region.name)


@contextmanager
def open_studio(root: Path, tracks: Mapping[str, Lane], ranges: Sequence[tuple[str, float, float]]) -> Iterator[Studio]:
    """A session with these tracks, their fader lanes, and named ranges (name, first and last second)."""
    rig, home, folder = ArdourRig(root), root / "home", root / "service"
    folder.mkdir()
    rig.configure()
    assert drawaudio(["install-presets", "ardour", "--into", str(rig.config)]) == 0
    tables = f"TRACKS, RANGES = {lua_table(tuple(tracks.items()))}, {lua_table(ranges)}\n"
    session = rig.make_session("scene", tables + SESSION)
    environment = {**os.environ, "DRAWAUDIO_HOME": str(home)}
    with (root / "service.log").open("wb") as log:
        service = subprocess.Popen(serve_command(folder), env=environment, stdout=log, stderr=log)
    try:
        wait_for((home / "service.json").exists, 120, f"the service; see {root / 'service.log'}", every=0.2)
        rig.start(session, {"DRAWAUDIO_HOME": str(home)})
        yield Studio(rig, session, folder)
    finally:
        rig.stop()
        service.send_signal(signal.SIGTERM)
        service.wait(30)
