"""A designer's minutes in a real Ardour: draw, name, press a key, and hear the take where and as loud as it was drawn.

Ardour runs without screen and sound card; the key presses, our Lua, the service, the engine, the import and Ardour's
own export are all real. Every test has a track and a time range of its own in one session.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

import engine
from bridge.broadcast_wave import read_broadcast_wave
from bridge.cli import main as drawaudio
from engine.curve import CurvePoint, LoudnessCurve
from tests.e2e.ardour_rig import ArdourRig, missing_programs, wait_for

MANIFEST = Path(engine.__file__).parent / "weights" / "manifest.json"
MISSING = missing_programs()

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)} (Debian: ardour xvfb xdotool x11-utils)"),
    pytest.mark.skipif(not MANIFEST.exists(), reason="needs the engine's weights (engine/weights)"),
]

RATE = 48000
SUFFIX = " · Foley"
FADE = 80
SUPERCLOCKS = 282240000 // RATE
RENDER_S = 900.0
"""Longest wait for a take: a loaded machine of two cores renders several times slower than an idle one."""

SESSION = """
local s = assert (create_session (DIR, NAME, 48000))
local function at (seconds) return Temporal.timepos_t (math.floor (seconds * 48000 + 0.5)) end
for index, name in ipairs { "Steps", "Glass", "Wind" } do
  s:new_audio_track (1, 2, nil, 1, name, ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true)
  local control = s:route_by_name (name):gain_control ()
  control:set_automation_state (ARDOUR.AutoState.Play)
  for _, point in ipairs (LANES[index]) do control:alist ():add (at (point[1]), point[2], false, true) end
end
s:locations ():add_range (at (0), at (32)):set_name ("session")
for _, range in ipairs (RANGES) do
  s:locations ():add_range (at (range[2]), at (range[3])):set_name (range[1])
end
s:save_state ("")
s:close ()
quit ()
"""
#: The lane of each track: (seconds of the session, linear gain). The first begins before and ends after its range.
LANES = (
    ((0.2, 0.05), (1.5, 0.15), (2.5, 1.0), (3.2, 0.25), (4.4, 0.5), (5.0, 0.05)),
    ((6.0, 0.5), (7.0, 0.8)),
    ((10.0, 0.7), (30.0, 0.7)),
)
RANGES = (("footsteps on gravel #tight", 1.0, 4.25), ("glass shatters", 6.0, 7.5), ("wind", 10.0, 30.0))


def lua_table(rows: object) -> str:
    """Nested tuples as a Lua table."""
    return json.dumps(rows).replace("[", "{").replace("]", "}")


def serve_command(folder: Path) -> list[str]:
    command = [sys.executable, "-c", "import sys; from bridge.cli import main; sys.exit(main(sys.argv[1:]))"]
    return [*command, "serve", str(folder), "--port", "0", "--http-port", "0"]


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
        """Select a track and put the playhead down."""
        text = self.rig.save(self.session)
        routes = re.findall(r'<Route [^>]*name="([^"]*)"[^>]*>\s*<PresentationInfo order="(\d+)"', text)
        order = sorted((int(place), name) for name, place in routes if name != "Master")
        self.rig.select_strip(1 + [name for _, name in order].index(track))
        self.rig.osc("/locate", int(seconds * RATE), 0)

    def select_time(self, first_s: float, last_s: float) -> None:
        """Drag over a stretch of the timeline, by way of the loop: OSC cannot set the selection itself."""
        self.rig.osc("/loop_location", int(first_s * RATE), int(last_s * RATE))
        self.rig.osc("/access_action", "Editor/select-loop-range")

    def takes(self, track: str) -> list[Region]:
        """The regions on a take track, from the session file Ardour saves."""
        return regions(self.rig.save(self.session), track + SUFFIX)

    def wait_for_takes(self, track: str, count: int) -> list[Region]:
        def look() -> list[Region] | None:
            assert self.rig.window("Draw an Audio") is None, "an error dialog opened"
            found = self.takes(track) if list((self.service / "takes").glob("*.wav")) else []
            return found if len(found) == count else None

        found = wait_for(look, RENDER_S, f"{count} takes on {track}{SUFFIX}", every=1.0)
        assert isinstance(found, list)
        return found

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


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    root = tmp_path_factory.mktemp("ardour")
    rig, home, folder = ArdourRig(root), root / "home", root / "service"
    folder.mkdir()
    rig.configure()
    assert drawaudio(["install-presets", "ardour", "--into", str(rig.config)]) == 0
    tables = f"LANES, RANGES = {lua_table(LANES)}, {lua_table(RANGES)}\n"
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


def levels_db(audio: np.ndarray, frames: int) -> np.ndarray:
    """RMS of frame t over samples 480t−240 … 480t+720, in dBFS, floored at −80; both channels' power together."""
    power = np.concatenate([np.zeros(240), (audio**2).sum(axis=1), np.zeros(720)])
    sums = np.concatenate([[0.0], np.cumsum(power)])
    starts = 480 * np.arange(frames)
    mean = (sums[starts + 960] - sums[starts]) / 960
    return 10 * np.log10(np.maximum(mean, 1e-8))


def test_a_key_puts_a_take_at_its_sample_as_loud_as_the_lane(studio: Studio, tmp_path: Path) -> None:
    studio.point_at("Steps", 2.0)
    studio.rig.key("ctrl+alt+g")
    (region,) = studio.wait_for_takes("Steps", 1)
    (file,) = (studio.service / "takes").glob("*.wav")
    take = read_broadcast_wave(file)
    assert region.start == RATE, "the range begins at 1 s"
    assert take.time_reference == RATE
    assert region.length == len(take.audio) and not region.muted

    exported = studio.audio(tmp_path / "export.wav")
    heard = exported[region.start : region.start + region.length]
    power = (heard**2).sum(axis=1)
    assert power.mean() > 1e-6, "silence was exported"
    # Mono on a stereo bus: Ardour pans at equal power, so both channels together carry the take; it fades 64 samples.
    off = [np.max(np.abs(np.sqrt(power) - np.abs(np.roll(take.audio[:, 0], lag)))[FADE:-FADE]) for lag in (-1, 0, 1)]
    print(f"exported at the sample to {off[1]:.1e}; one sample off {off[0]:.1e} and {off[2]:.1e}")
    assert off[1] < 1e-3 and off[1] < min(off[0], off[2]) / 10, "not at this sample"
    assert np.max(np.abs(exported[: region.start])) < 1e-4, "something sounds before the range"

    curve = LoudnessCurve(tuple(CurvePoint(*point) for point in LANES[0]), domain="ardour_fader")
    frames = round(3.25 * 100)
    asked, found = curve.level_dbfs(frames, 1.0), levels_db(heard[: round(3.25 * RATE)], frames)
    error = np.abs(found - asked)[asked > -60]
    print(f"lane followed within {error.mean():.2f} dB on average, {np.percentile(error, 95):.2f} dB at 95 %")
    assert error.mean() <= 1.0


def test_the_take_is_imported_soon_after_it_is_ready(studio: Studio) -> None:
    """What the hook costs. The bound is wide: a busy machine is late itself; the figure is printed."""
    if not studio.takes("Steps"):
        pytest.skip("needs the take of the test before")
    delay = studio.import_delay("Steps_take01")
    print(f"imported {1000 * delay:.0f} ms after the take was ready, its track made meanwhile")
    assert 0 < delay < 10


def test_regenerate_gives_a_different_take_at_the_same_place(studio: Studio) -> None:
    studio.point_at("Glass", 6.5)
    studio.rig.key("ctrl+alt+g")
    (first,) = studio.wait_for_takes("Glass", 1)
    studio.rig.key("ctrl+alt+r")
    older, newer = studio.wait_for_takes("Glass", 2)
    assert (older.start, older.length) == (newer.start, newer.length) == (first.start, first.length)
    assert first.start == 6 * RATE
    assert older.muted and not newer.muted, "the newest sounds, the older is kept"
    names = {region.name: next((studio.service / "takes").glob(f"{region.name}*.wav")) for region in (older, newer)}
    sounds = [read_broadcast_wave(path).audio for path in names.values()]
    assert np.sqrt(np.mean((sounds[0] - sounds[1]) ** 2)) > 1e-4
    studio.rig.key("ctrl+alt+n")
    wait_for(lambda: [region.muted for region in studio.takes("Glass")] == [False, True], 20, "the first take to sound")
    studio.rig.key("ctrl+alt+k")
    wait_for(lambda: [region.name for region in studio.takes("Glass")] == [older.name], 20, "Keep")
    studio.rig.key("ctrl+z")
    wait_for(lambda: len(studio.takes("Glass")) == 2, 20, "undo to bring the other take back")


def test_cancel_leaves_no_trace(studio: Studio) -> None:
    before = studio.rig.save(studio.session)
    tracks = re.findall(r'<Route [^>]*name="([^"]*)"', before)
    asked, files = len(studio.answers()), studio.take_files()
    studio.point_at("Wind", 20.0)
    studio.rig.key("ctrl+alt+g")
    wait_for(lambda: len(studio.answers()) > asked, 30, "the request to arrive", every=0.02)
    studio.rig.key("ctrl+alt+c")
    wait_for(lambda: "cancelled" in [answer["state"] for answer in studio.answers()], 60, "the job to be cancelled")
    assert re.findall(r'<Route [^>]*name="([^"]*)"', studio.rig.save(studio.session)) == tracks
    # A worker that is busy is given five seconds to let go of its half-written file.
    wait_for(lambda: studio.take_files() == files, 60, "half-written files to go")
    assert not (studio.session / "drawaudio-pending.json").exists()
    assert studio.rig.window("Draw an Audio") is None


def test_an_error_is_said_in_ardours_own_dialog(studio: Studio) -> None:
    studio.rig.osc("/locate", 9 * RATE, 0)
    studio.rig.key("ctrl+alt+g")
    wait_for(lambda: studio.rig.window("Draw an Audio"), 20, "the dialog")
    studio.rig.key("Return")
    wait_for(lambda: studio.rig.window("Draw an Audio") is None, 20, "the dialog to close")


def test_regenerate_selection_changes_only_what_is_selected(studio: Studio) -> None:
    if len(studio.takes("Steps")) != 1:
        pytest.skip("needs the take of the first test")
    studio.point_at("Steps", 2.0)
    studio.select_time(2.0, 3.0)
    studio.rig.key("ctrl+alt+s")
    older, newer = studio.wait_for_takes("Steps", 2)
    assert (older.start, older.length) == (newer.start, newer.length) and older.muted and not newer.muted
    before, after = (
        read_broadcast_wave(next((studio.service / "takes").glob(f"{region.name}*.wav"))).audio
        for region in (older, newer)
    )
    print(f"imported {1000 * studio.import_delay('Steps_take02'):.0f} ms after the take was ready")
    changed = np.flatnonzero((before != after).any(axis=1))
    # The range begins at 1 s, so the selection is the take's second second.
    assert len(changed) and changed[0] >= RATE and changed[-1] < 2 * RATE
    assert np.sqrt(np.mean((before - after)[RATE : 2 * RATE] ** 2)) > 1e-4
