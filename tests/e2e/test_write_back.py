"""`drawaudio bounce SESSION --write-back`, and what a real Ardour makes of the copy: it opens, saves and plays it.

The session is one that Ardour itself made, with the traps a designer's has: a name that XML escapes, a track that is
switched off, a drawn track that is muted, has its phase turned and two inputs, cues whose tails overlap, a start that
is not midnight.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

import engine
from bridge.broadcast_wave import read_broadcast_wave
from bridge.hosts import read_project
from tests.drawaudio_command import DRAWAUDIO
from tests.e2e.ardour_lua import environment, look, make_session, missing_programs, points, rows
from tests.e2e.ardour_rig import export_session

MANIFEST = Path(engine.__file__).parent / "weights" / "manifest.json"
MISSING = missing_programs()

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)} (Debian: ardour)"),
    pytest.mark.skipif(not MANIFEST.exists(), reason="needs the engine's weights (engine/weights)"),
]

STEPS, DOG, FOLEY = 'Steps & "Glass" <Ü>', "Dog", " · Foley"
SESSION = """
local s = assert (create_session (DIR, NAME, RATE))
local function at (sample) return Temporal.timepos_t (math.floor (sample)) end
local function track (name, inputs, lane)
  local last, normal = ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal
  s:new_audio_track (inputs, 2, nil, 1, name, last, normal, true)
  local r = s:route_by_name (name)
  r:gain_control ():set_automation_state (ARDOUR.AutoState.Play)
  for _, point in ipairs (lane) do r:gain_control ():alist ():add (at (point[1] * RATE), point[2], false, true) end
  return r
end
track ("Room", 1, {}):set_active (false, nil)
local steps = track (STEPS, 2, {{0.2, 0.05}, {1.5, 0.8}, {2.6, 0.9}, {3.3, 0.2}})
steps:mute_control ():set_value (1, PBD.GroupControlDisposition.NoGroup)
steps:trim_control ():set_value (4, PBD.GroupControlDisposition.NoGroup)
steps:phase_control ():set_phase_invert (0, true)
track (DOG, 1, {{3.9, 0.5}, {4.5, 1.0}, {5.1, 0.3}})
s:locations ():add_range (at (0), at (8 * RATE)):set_name ("session")
s:locations ():add_range (at (RATE + 1), at (2 * RATE + 1)):set_name (STEPS .. ": footsteps on gravel #seed=3 #takes=2")
s:locations ():add_range (at (2.5 * RATE), at (3.5 * RATE)):set_name (STEPS .. ": glass shatters #seed=4")
s:locations ():add_range (at (4 * RATE + 77), at (5.25 * RATE)):set_name (DOG .. ": dog barks #seed=5")
sleep (0.5)
s:save_state ("")
s:close ()
quit ()
"""
HOUR_S = 3600
"""The session's start, as films have it; takes are written from timecode midnight on."""
Rows = list[tuple[str, ...]]


@dataclass(frozen=True)
class Bounced:
    """A session, its copy, and what Ardour found in both."""

    root: Path
    rate: int
    session: Path
    original: bytes
    copy: Path
    before: Rows
    after: Rows

    def take(self, name: str) -> Path:
        (path,) = (self.session.parent / "song takes").glob(f"*{name}.wav")
        return path


def start_at(session: Path, samples: int) -> None:
    """Move the session's start from timecode midnight, as its settings do; nothing moves on the timeline."""
    text = session.read_text(encoding="utf-8")
    for name, value in (("timecode-offset", samples), ("timecode-offset-negative", 0)):
        text, found = re.subn(rf'(<Option name="{name}" value=)"[^"]*"', rf'\g<1>"{value}"', text)
        assert found == 1
    session.write_text(text, encoding="utf-8")


def bounce(session: Path) -> str:
    """Run the command as a user does; gives what it printed."""
    done = subprocess.run(
        [*DRAWAUDIO, "bounce", str(session), "--write-back"], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module", params=[48000, 44100])
def bounced(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bounced:
    root, rate = tmp_path_factory.mktemp("write-back"), request.param
    session = make_session(root / "song", SESSION, root, RATE=rate, STEPS=STEPS, DOG=DOG)
    start_at(session, HOUR_S * rate)
    original = session.read_bytes()
    before = look(session, root)
    printed = bounce(session)
    copy = session.with_name("song Foley.ardour")
    assert printed.strip().endswith(str(copy)) and copy.exists()
    return Bounced(root, rate, session, original, copy, before, look(copy, root, save="saved again"))


def test_ardour_finds_the_takes_at_their_samples(bounced: Bounced) -> None:
    rate, second = bounced.rate, bounced.rate
    placed = [
        (STEPS + FOLEY, "take01_seed3", rate + 1, 2 * second, "true"),  # the older one is kept, and muted
        (STEPS + FOLEY, "take02_seed4", rate + 1, 2 * second, "false"),
        (STEPS + FOLEY, "glass_shatters_take01_seed4", rate * 5 // 2, 2 * second, "false"),
        (DOG + FOLEY, "take01_seed5", 4 * rate + 77, int(5.25 * rate) - 4 * rate - 77 + second, "false"),
    ]
    found = rows(bounced.after, "region")
    assert len(found) == len(placed)
    for (track, name, start, length, muted), region in zip(placed, found, strict=True):
        assert region[0] == track and region[1].endswith(name)
        assert (int(region[2]), int(region[3]), region[4]) == (start, length, muted)
        # A source that is missing is replaced by silence without a length.
        file = Path(region[6])
        assert file == bounced.take(name) and int(region[5]) == length == soundfile.info(file).frames


def test_what_was_there_is_unchanged(bounced: Bounced) -> None:
    assert bounced.session.read_bytes() == bounced.original
    old = [row for row in bounced.after if not (len(row) > 1 and row[1].endswith(FOLEY))]
    assert old == bounced.before
    lanes = points(bounced.before)
    assert len(lanes[STEPS, "gain"]) >= 4 and len(lanes[DOG, "gain"]) >= 3
    foley = [row for row in bounced.after if len(row) > 1 and row[1].endswith(FOLEY)]
    assert rows(foley, "route") == [(STEPS + FOLEY, "true", "false"), (DOG + FOLEY, "true", "false")]
    assert not rows(foley, "point")


def test_what_ardour_saves_of_the_copy_is_read_as_before(bounced: Bounced) -> None:
    project, saved = read_project(bounced.session), read_project(bounced.copy.with_name("saved again.ardour"))
    assert [one for one in saved.tracks if not one.name.endswith(FOLEY)] == list(project.tracks)
    assert saved.markers == project.markers and not saved.warnings
    assert sum(bool(one.lanes) for one in project.tracks) == 2
    # … and by Ardour, which now finds the takes by what it wrote itself.
    again = look(bounced.copy.with_name("saved again.ardour"), bounced.root)
    assert sorted(rows(again, "region")) == sorted(rows(bounced.after, "region"))


def test_ardour_plays_every_take_at_its_sample(bounced: Bounced) -> None:
    played, file = bounced.copy.with_name("played.ardour"), bounced.root / "export.wav"
    shutil.copy(bounced.copy, played)
    start_at(played, 0)  # ardour7-export begins as long before the session as its start lies after midnight
    export_session(played.parent, played.stem, file, "float", environment(bounced.root))
    exported, rate = soundfile.read(file, always_2d=True)
    assert rate == bounced.rate
    wanted = np.zeros(len(exported))
    for name in ("take02_seed4", "glass_shatters_take01_seed4", "take01_seed5"):
        take = read_broadcast_wave(bounced.take(name))
        assert np.abs(take.audio).max() > 0.01, f"{name} is silent"
        start = take.time_reference - HOUR_S * rate
        wanted[start : start + len(take.audio)] += take.audio[:, 0]
    # Mono in the middle of a stereo bus: the same in both channels, which Ardour's panner turns down by 3.00 dB.
    assert np.abs(exported[:, 0] - exported[:, 1]).max() < 1e-5
    heard = exported.mean(axis=1) * 10 ** (3 / 20)
    off = [float(np.abs(heard - np.roll(wanted, lag)).max()) for lag in (-1, 0, 1)]
    print(f"exported at the sample to {off[1]:.1e}; one sample off {off[0]:.1e} and {off[2]:.1e}")
    assert off[1] < 1e-4 and off[1] < min(off[0], off[2]) / 10


def test_a_second_bounce_renders_nothing_and_overwrites_nothing(bounced: Bounced) -> None:
    takes = {path: path.read_bytes() for path in (bounced.session.parent / "song takes").iterdir()}
    copy = bounced.copy.read_bytes()
    printed = bounce(bounced.session)
    assert printed.count("kept") == 4 and "new" not in printed.split()
    assert printed.strip().endswith("song Foley 2.ardour")
    assert bounced.session.read_bytes() == bounced.original and bounced.copy.read_bytes() == copy
    assert {path: path.read_bytes() for path in (bounced.session.parent / "song takes").iterdir()} == takes
    second = look(bounced.session.with_name("song Foley 2.ardour"), bounced.root)
    assert rows(second, "region") == rows(bounced.after, "region")
