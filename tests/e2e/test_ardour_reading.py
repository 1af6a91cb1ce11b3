"""What `drawaudio inspect` says of a session, against what Ardour itself says of the same one.

Ardour makes the session and evaluates every lane of it; ours are the points in the file and our laws between them.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.bounce_plan import plan
from bridge.cli import main as drawaudio
from bridge.hosts import read_project
from bridge.hosts.curves import evaluate
from bridge.hosts.model import GAIN_CONTROLS, Lane
from tests.drawaudio_command import DRAWAUDIO
from tests.e2e.ardour_lua import make_session, missing_programs, rows, run_lua

MISSING = missing_programs()

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)} (Debian: ardour)"),
]

RATE = 48000
BEAT_RANGES = (2, 9, 23, 30, 44)
TICK_S = 60 / 90 / 1920
LANES = """
local DISCRETE, LINEAR, LOGARITHMIC, EXPONENTIAL = 0, 1, 3, 4
local function lists (s)
  -- Every list of the session as {track, what it controls, control, how it interpolates, lowest, highest value}.
  local function gain (name) return s:route_by_name (name):gain_control () end
  local twice, vca = s:route_by_name ("Twice"), nil
  for v in s:vca_manager ():vcas ():iter () do vca = v end
  local all = {
    {"Linear", "volume", gain ("Linear"), LINEAR, 0, 2},
    {"Exponential", "volume", gain ("Exponential"), EXPONENTIAL, 0, 2},
    {"Discrete", "volume", gain ("Discrete"), DISCRETE, 0, 2},
    {"Linear", "trim", s:route_by_name ("Linear"):trim_control (), LINEAR, 0.1, 10},
    {"Exponential", "trim", s:route_by_name ("Exponential"):trim_control (), LOGARITHMIC, 0.1, 10},
    {"Discrete", "param", s:route_by_name ("Discrete"):mute_control (), DISCRETE, 0, 1},
    {"Discrete", "pan", s:route_by_name ("Discrete"):pan_azimuth_control (), LINEAR, 0, 1},
    {"Off", "volume", gain ("Off"), EXPONENTIAL, 0, 2},
    {"Bus 1", "volume", gain ("Bus 1"), EXPONENTIAL, 0, 2},
    {"Master", "volume", gain ("Master"), EXPONENTIAL, 0, 2},
    {"Twice", "volume", gain ("Twice"), EXPONENTIAL, 0, 2},
    {"Twice", "send", twice:send_level_controllable (0), EXPONENTIAL, 0, 2},
    {"Twice", "send", twice:send_level_controllable (1), EXPONENTIAL, 0, 2},
    {vca:name (), "vca", vca:gain_control (), EXPONENTIAL, 0, 2},
    {"Beats", "volume", gain ("Beats"), EXPONENTIAL, 0, 2},
  }
  local i = 0
  while true do
    local processor = twice:nth_processor (i)
    if processor:isnil () then break end
    if not processor:to_plugininsert ():isnil () then
      local _, list, _ = ARDOUR.LuaAPI.plugin_automation (processor, 0)
      local guide = processor:display_name () == "Draw an Audio Guide"
      all[#all + 1] = {"Twice", "param", list, LINEAR, guide and -60 or 0.1, guide and 6 or 100}
    end
    i = i + 1
  end
  return all
end
local function list_of (row)
  local control = row[3]
  return control.alist and control:alist () or control
end
"""
MAKE = (
    LANES
    + """
local s = assert (create_session (DIR, NAME, RATE))
local function at (sample) return Temporal.timepos_t (math.floor (sample)) end
local last = ARDOUR.PresentationInfo.max_order
for _, name in ipairs ({"Linear", "Exponential", "Discrete", "Off", "Twice", "Beats"}) do
  s:new_audio_track (1, 2, nil, 1, name, last, ARDOUR.TrackMode.Normal, true)
end
s:new_audio_route (2, 2, nil, 1, "Bus", ARDOUR.PresentationInfo.Flag.AudioBus, last)
s:vca_manager ():create_vca (1, "VCA %n")
local twice = s:route_by_name ("Twice")
for i = 1, 2 do
  local plugin = ARDOUR.LuaAPI.new_plugin (s, "urn:ardour:a-comp", ARDOUR.PluginType.LV2, "")
  assert (not plugin:isnil () and twice:add_processor_by_index (plugin, 0, nil, true) == 0)
end
assert (twice:add_processor_by_index (ARDOUR.LuaAPI.new_luaproc (s, "Draw an Audio Guide"), 0, nil, true) == 0)
s:add_internal_send (s:route_by_name ("Bus 1"), twice:amp (), twice)
ARDOUR.LuaAPI.new_send (s, twice, twice:amp ())
s:route_by_name ("Off"):set_active (false, nil)

-- Before the points, so that those of lanes that count beats keep theirs.
local map = Temporal.TempoMap.write_copy ()
local glide = map:set_tempo (Temporal.Tempo (90, 90, 4), Temporal.timepos_t.from_ticks (8 * 1920))
map:set_tempo (Temporal.Tempo (150, 150, 4), Temporal.timepos_t.from_ticks (24 * 1920))
map:set_ramped (glide, true)
-- Meant to glide to 60, but Ardour never learns over how long: it plays 100 to the end.
map:set_tempo (Temporal.Tempo (100, 60, 4), Temporal.timepos_t.from_ticks (40 * 1920))
Temporal.TempoMap.update (map)

math.randomseed (7)
for number, row in ipairs (lists (s)) do
  local list, low, high = list_of (row), row[5], row[6]
  assert (list:set_interpolation (row[4]), row[1] .. " " .. row[2])
  local sample, count = 100 * number, number <= 3 and 400 or 12
  for i = 1, count do
    local value = low + (high - low) * math.random () ^ 2
    if row[4] == DISCRETE and high == 1 then value = i % 2 end
    if low == 0 and i % 50 == 17 then value = 0 end
    local when = at (sample)
    if row[2] == "pan" then when = Temporal.timepos_t.from_ticks (1920 * 4 * i) end
    list:add (when, value, false, true)
    sample = sample + 1 + math.random (1, math.floor (28 * RATE / count))
  end
  local state = number % 5 == 0 and ARDOUR.AutoState.Touch or ARDOUR.AutoState.Play
  if row[3].set_automation_state then row[3]:set_automation_state (state) end
end
s:route_by_name ("Off"):gain_control ():set_automation_state (ARDOUR.AutoState.Off)

local function ticks (beats) return Temporal.timepos_t.from_ticks (beats * 1920) end
s:locations ():add_range (at (0), at (30 * RATE)):set_name ("session")
s:locations ():add_range (at (RATE + 1), at (RATE * 2.5 + 3)):set_name ('Linear: "doors" & <bells> · Ü #seed=1')
for _, beats in ipairs ({2, 9, 23, 30, 44}) do
  s:locations ():add_range (ticks (beats), ticks (beats + 3)):set_name ("from beat " .. beats)
end
sleep (0.5)
s:save_state ("")
s:close ()
quit ()
"""
)
TELL = (
    LANES
    + """
local s = assert (load_session (DIR, NAME))
local function say (...) print ("\\t" .. table.concat ({...}, "\\t")) end
local function exact (number) return string.format ("%.17g", number) end
for number, row in ipairs (lists (s)) do
  local list = list_of (row)
  say ("lane", number, row[1], row[2])
  for e in list:events ():iter () do say ("point", number, e.when:samples (), exact (e.value)) end
  for i = 0, 700 do
    local sample = i * 2003
    say ("eval", number, sample, exact (list:eval (Temporal.timepos_t (sample))))
  end
end
for l in s:locations ():list ():iter () do
  say ("location", l:name (), l:start ():samples (), l:_end ():samples (), tostring (l:start ():is_beats ()))
end
local map = Temporal.TempoMap.read ()
for beat = 0, 48 do
  local time = Temporal.timepos_t.from_ticks (beat * 1920)
  say ("beat", beat, time:samples (), exact (map:tempo_at (time):quarter_notes_per_minute ()))
end
s:close ()
quit ()
"""
)


@dataclass(frozen=True)
class Told:
    """A session as `inspect --json` tells it, and what Ardour found in it."""

    session: Path
    project: dict[str, Any]
    ardour: list[tuple[str, ...]]

    def lanes(self) -> list[tuple[str, Lane, list[tuple[int, float]], list[tuple[int, float]]]]:
        """What it is, our lane, Ardour's points and what it evaluates there, all as (sample, value)."""
        seen: dict[tuple[str, str], int] = {}
        found = []
        tracks = list(zip(read_project(self.session).tracks, self.project["tracks"], strict=True))
        for number, track, controls in rows(self.ardour, "lane"):
            place = seen.get((track, controls), 0)
            seen[track, controls] = place + 1
            ((read, told),) = ((one.lanes, said["lanes"]) for one, said in tracks if one.name == track)
            lane, written = [pair for pair in zip(read, told, strict=True) if pair[0].controls == controls][place]
            theirs = [
                [(int(sample), float(value)) for n, sample, value in rows(self.ardour, kind) if n == number]
                for kind in ("point", "eval")
            ]
            assert lane.active == written["active"] and len(written["points"]) == len(theirs[0])
            found.append((f"{controls} {place} of {track}", lane, *theirs))
        return found


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    root = tmp_path_factory.mktemp("reading")
    assert drawaudio(["install-presets", "ardour", "--into", str(root / "config" / "ardour7")]) == 0
    session = make_session(root / "judge", MAKE, root, RATE=RATE)
    text = session.read_text(encoding="utf-8")
    # As a session has them whose new markers and lanes are glued to beats; ardour7-lua makes them in samples only.
    for beats in BEAT_RANGES:
        new = rf'\g<1>start="b{beats * 1920}" end="b{(beats + 3) * 1920}"'
        text, count = re.subn(rf'(name="from beat {beats}" )start="[^"]*" end="[^"]*"', new, text)
        assert count == 1
    begin = text.index('automation-id="gain"', text.index('name="Beats" default-type'))
    end = text.index("</events>", begin)
    lane = re.sub(r"\ba(\d+)", lambda when: f"b{int(when[1]) * 1920 // 141120000}", text[begin:end])
    text = text[:begin] + lane.replace("AudioTime", "BeatTime") + text[end:]
    session.write_text(text, encoding="utf-8")
    done = subprocess.run([*DRAWAUDIO, "inspect", str(session), "--json"], capture_output=True, text=True, check=True)
    return Told(session, json.loads(done.stdout), run_lua(root, TELL, DIR=str(session.parent), NAME=session.stem))


def test_every_lane_is_there_with_every_point(told: Told) -> None:
    assert not told.project["warnings"]
    lanes = told.lanes()
    assert len(lanes) == sum(len(track["lanes"]) for track in told.project["tracks"]) == 18
    for what, lane, points, _ in lanes:
        times = np.array([point.time_s for point in lane.points])
        for sample, value in points:
            nearest = int(np.argmin(np.abs(times - sample / RATE)))
            # What counts in beats, Ardour itself tells us cut down to a sample only.
            near = 1 / RATE if len(lane.points) > len(points) or "pan" in what else 1e-6
            assert abs(times[nearest] - sample / RATE) < near, f"{what} at {sample}"
            assert lane.points[nearest].value == pytest.approx(value, abs=1e-9), f"{what} at {sample}"
    drawn = {what: (len(lane.points), len(points)) for what, lane, points, _ in lanes if lane.active}
    assert drawn["volume 0 of Exponential"] == drawn["volume 0 of Linear"] == (401, 401)


def test_every_lane_is_evaluated_as_ardour_evaluates_it(told: Told) -> None:
    for what, lane, points, evaluated in told.lanes():
        at = np.array([sample for sample, _ in evaluated]) / RATE
        theirs = np.array([value for _, value in evaluated])
        # Where it counts in beats, Ardour looks at whole ticks only, 1920 in a beat.
        steps = (0.0,) if len(lane.points) == len(points) else (-TICK_S, 0.0, TICK_S)
        ours = np.array([[evaluate(lane, time + step) for step in steps] for time in at])
        if lane.controls in GAIN_CONTROLS:
            loud = theirs > 1e-3
            theirs, ours = 20 * np.log10(theirs[loud]), 20 * np.log10(np.maximum(ours[loud], 1e-9))
        beyond = np.maximum(theirs - ours.max(axis=1), ours.min(axis=1) - theirs)
        scale = 1.0 if lane.controls in GAIN_CONTROLS or lane.domain == "db" else theirs.max() - theirs.min()
        print(f"{what}: {beyond.max() / scale:.1e} over {len(theirs)} times")
        assert beyond.max() / scale < 0.01 and len(theirs) > 100, what


def test_only_what_is_played_is_active(told: Told) -> None:
    off = {what for what, lane, _, _ in told.lanes() if not lane.active}
    assert off == {"volume 0 of Off", "param 0 of Twice", "param 1 of Twice", "param 2 of Twice"}


def test_locations_and_tempo(told: Told) -> None:
    theirs = {name: (int(start), int(end), beats) for name, start, end, beats in rows(told.ardour, "location")}
    assert sum(beats == "true" for _, _, beats in theirs.values()) == len(BEAT_RANGES)
    assert {marker["name"] for marker in told.project["markers"]} == set(theirs)
    for marker in told.project["markers"]:
        start, end, beats = theirs[marker["name"]]
        # Ardour cuts down to a sample what it counts in beats.
        for ours, sample in ((marker["time_s"], start), (marker["end_s"], end)):
            assert -1e-6 < ours * RATE - sample < (1 if beats == "true" else 1e-6), marker["name"]
        # … and there the take of a region lies.
        if marker["kind"] == "region":
            (cue,) = plan(read_project(told.session), track="Linear", region=marker["name"]).cues
            span = cue.cue.span
            assert (span.start_samples, round(span.duration_s * RATE)) == (start, end - start), marker["name"]
    tempo = [(point["bpm"], point["ramp"]) for point in told.project["tempo"]]
    assert tempo == [(120.0, False), (90.0, True), (150.0, False), (100.0, False)]
    places = {int(beat): int(sample) for beat, sample, _ in rows(told.ardour, "beat")}
    for point, beat in zip(told.project["tempo"], (0, 8, 24, 40), strict=True):
        assert 0 <= point["time_s"] * RATE - places[beat] + 1e-6 < 1
