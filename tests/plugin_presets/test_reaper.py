"""The REAPER scripts, run by a real Lua 5.4 against a REAPER that is only its API, over projects in .rpp text."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.presets import install
from engine.curve import LoudnessCurve
from tests.plugin_presets.lua import needs_lua, run_lua

pytestmark = needs_lua

HERE = Path(__file__).parent / "reaper"

PROJECT = """<REAPER_PROJECT 0.1 "7.62/linux-x86_64" 1700000000
  PROJOFFS {offset} 0 0
  CURSOR {cursor}
  SELECTION {selection}
  SAMPLERATE 48000 1 0
  MARKER 1 1 "footsteps on gravel #tight" 1 0 1 B {{A}} 0
  MARKER 1 4 "" 1
  MARKER 2 2.5 "shoe @box 0.1 0.2 0.3 0.4" 0 0 1 B {{B}} 0
  MARKER 3 6 "glass shatters" {flags} 0 1 B {{C}} 0
  MARKER 3 7 "" 1
  <TRACK {{T1}}
    NAME "Steps"
    SEL {selected}
    {lanes}
  >
  <TRACK {{T2}}
    NAME Picture
    SEL 0
    {items}
  >
>
"""
LANE = """<VOLENV2
      ACT {active} -1
      VOLTYPE {voltype}
      PT 0 1 0
      PT 1.5 0.25 1
      PT 2 1 2 0 0
      PT 2.5 0.5 3
      PT 3 0.1 4
      PT 3.5 0 0
    >"""
VIDEO = """<ITEM
      POSITION 0.5
      LENGTH 20
      SOFFS 10
      PLAYRATE 1 1 0 -1 0 0.0025
      <SOURCE VIDEO
        FILE "/films/shot 1.mp4"
      >
    >"""

# `press` runs an action as a key would; `answer` is the service writing into its outbox.
HARNESS = """
local HERE, ROOT = arg[1], arg[2]
json = dofile (SOURCE .. "/lua/json.lua")
files = dofile (SOURCE .. "/lua/files.lua")
local read_rpp = dofile (HERE .. "/rpp.lua")
fake = dofile (HERE .. "/fake_reaper.lua") (read_rpp, files.read (ROOT .. "/project.rpp"), OPTIONS)
function repeated (verb) fake.start (ROOT .. "/Scripts/Draw an Audio/Draw an Audio - " .. verb .. ".lua") end
function press (verb)
  fake.now = fake.now + 0.8  -- nobody is quicker
  repeated (verb)
end
function inbox ()
  local list = {}
  for name in io.popen ('ls -tr "' .. ROOT .. '/session/inbox"'):lines () do
    local path = ROOT .. "/session/inbox/" .. name
    list[#list + 1] = { id = name:match ("^(.*)%.json$"), object = json.decode (files.read (path)), path = path }
  end
  return list
end
function taken ()  -- the newest request, removed as the service does
  local list = inbox ()
  local last = assert (list[#list], "nothing was asked for")
  os.remove (last.path)
  return last.id, last.object
end
function answer (id, object)
  files.write (ROOT .. "/session/outbox/" .. id .. ".json", json.encode (object))
end
function take_file (number)
  return { take = "t" .. number, path = ROOT .. "/session/take0" .. number .. ".wav", seed = number, channels = 1,
    start_samples = 48000 + math.floor (fake.project.offset * 48000), rate = 48000, samples = 96000 }
end
function running (id, ...)
  local answered = { request = id, job = "j7", state = "running", done = 0.42, stage = "sampling" }
  answered.takes = json.array { ... }
  answer (id, answered)
end
function done (id, ...)
  answer (id, { request = id, job = "j1", state = "done", done = 1, takes = json.array { ... } })
end
function foley ()
  for _, track in ipairs (fake.project.tracks) do
    if track.name == "Steps · Foley" then return track end
  end
end
function eq (a, b) if a ~= b then error (tostring (a) .. " is not " .. tostring (b), 2) end end
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A REAPER settings folder with our preset in it, and a service's session folder with three takes."""
    install("reaper", tmp_path)
    session = tmp_path / "session"
    for folder in ("inbox", "outbox"):
        (session / folder).mkdir(parents=True)
    for number in (1, 2, 3):
        soundfile.write(session / f"take0{number}.wav", np.zeros(96000), 48000, subtype="PCM_24")
    service = {"token": "t", "host": "127.0.0.1", "port": 7890, "session": str(session), "pid": 1, "session_id": "s1"}
    (tmp_path / "service.json").write_text(json.dumps(service))
    return tmp_path


def project(**changes: object) -> str:
    fields: dict[str, object] = {"offset": 0, "cursor": 2, "selection": "0 0", "flags": 1, "selected": 1, "items": ""}
    lane = LANE.format(active=changes.pop("active", 1), voltype=changes.pop("voltype", 1))
    return PROJECT.format(**{**fields, "lanes": lane, **changes})


def play(home: Path, text: str, script: str, options: str = "{}") -> str:
    (home / "project.rpp").write_text(text, encoding="utf-8")
    environment = {**os.environ, "DRAWAUDIO_HOME": str(home)}
    return run_lua(f"OPTIONS = {options}\n{HARNESS}\n{script}", home, str(HERE), str(home), environment=environment)


def asked(home: Path, text: str, options: str = "{}", before: str = "") -> dict[str, object]:
    """The cue that Generate leaves in the inbox."""
    out = play(
        home,
        text,
        f'{before} press ("Generate") io.write (fake.messages[1] or json.encode (inbox ()[1].object))',
        options,
    )
    cue = json.loads(out)
    assert isinstance(cue, dict)
    return cue


@pytest.mark.parametrize("options", ["{}", "{ older = true }"], ids=["markers of 7.62", "older markers"])
def test_generate_asks_for_the_region_around_the_cursor(home: Path, options: str) -> None:
    cue = asked(home, project(offset=3600, items=VIDEO), options)
    assert cue["start"] == {"rate": 48000, "samples": 3601 * 48000}
    assert cue["duration_s"] == 3
    assert cue["marker"] == "footsteps on gravel #tight"
    assert cue["markers"] == [{"time_s": 1.5, "text": "shoe @box 0.1 0.2 0.3 0.4"}]
    assert cue["video"] == {"path": "/films/shot 1.mp4", "offset_s": 10.5}
    assert cue["track"] == "Steps"


def test_the_lane_is_what_reaper_plays(home: Path) -> None:
    cue = asked(home, project(voltype=0))
    curve = LoudnessCurve.from_json(cue["loudness"])
    asked_at = [0.25, 0.4999, 0.7, 1.0, 1.25, 1.5, 1.75, 2.25, 2.45, 2.6, 3.0]
    gains = []
    for time in asked_at:
        t = time + 1
        if t < 1.5:
            gains.append(1 + (0.25 - 1) * t / 1.5)
        elif t < 2:
            gains.append(0.25)
        elif t < 2.5:
            f = (t - 2) / 0.5
            gains.append(1 - 0.5 * (3 * f**2 - 2 * f**3))
        elif t < 3:
            gains.append(0.5 - 0.4 * (1 - (1 - (t - 2.5) / 0.5) ** 3))
        elif t < 3.5:
            gains.append(0.1 - 0.1 * ((t - 3) / 0.5) ** 3)
        else:
            gains.append(0.0)
    with np.errstate(divide="ignore"):
        wanted = 20 * np.log10(np.array(gains))
    found = curve.sample(np.array(asked_at))
    audible = wanted > -60
    assert np.max(np.abs(found[audible] - wanted[audible])) < 0.05
    assert np.all(np.isneginf(found[~audible]))


def test_a_fader_scaled_lane_goes_through_reapers_own_scale(home: Path) -> None:
    curve = LoudnessCurve.from_json(asked(home, project(voltype=1))["loudness"])
    assert curve.sample(np.array([0.75, 1.0]))[0] == pytest.approx(20 * np.log10(0.25), abs=0.02)
    assert curve.sample(np.array([1.0]))[0] == pytest.approx(0, abs=0.02), "0 dB is raw value 716.2, not gain 716.2"


def test_automation_items_count(home: Path) -> None:
    before = """local lane = fake.project.tracks[1].envelopes["<VOLENV2"]
    lane.items = { { position = 2, length = 0.5, points = { { time = 2, value = 0.125, shape = 0, tension = 0 } } } }"""
    curve = LoudnessCurve.from_json(asked(home, project(voltype=0), before=before)["loudness"])
    assert curve.sample(np.array([1.25]))[0] == pytest.approx(20 * np.log10(0.125), abs=0.02)
    assert curve.sample(np.array([1.55]))[0] > -10


def test_the_guide_plug_in_goes_before_the_fader(home: Path) -> None:
    guide = """<FXCHAIN
      <JS "Draw an Audio/Draw an Audio Guide.jsfx" ""
      >
      <PARMENV 0 -60 12 0 "Loudness"
        ACT 1 -1
        PT 0 -12 0
        PT 2.5 -6 0
        PT 3.5 -60 1
      >
    >"""
    lanes = LANE.format(active=1, voltype=1) + "\n" + guide
    curve = LoudnessCurve.from_json(asked(home, project(lanes=lanes))["loudness"])
    levels = curve.sample(np.array([0.0, 1.5, 2.9]))
    assert levels[0] == pytest.approx(-9.6, abs=0.05)
    assert levels[1] == pytest.approx(-6, abs=0.05)
    assert np.isneginf(levels[2])


def test_without_a_lane_the_sound_keeps_its_own_rhythm(home: Path) -> None:
    cue = asked(home, project(lanes=""))
    assert cue["loudness"] == {"domain": "db", "follow": "loose", "points": [{"time_s": 0, "value": 0}]}


def test_time_selection_and_selected_region_give_the_span(home: Path) -> None:
    cue = asked(home, project(cursor=9, selection="6.5 9", flags=1))
    assert (cue["marker"], cue["duration_s"]) == ("glass shatters", 1)
    for path in (home / "session" / "inbox").iterdir():
        path.unlink()
    cue = asked(home, project(cursor=9, flags=9))
    assert cue["marker"] == "glass shatters"


def test_a_take_lands_on_its_track_at_its_sample_in_one_undo_step(home: Path) -> None:
    script = """press ("Generate")
    local id = taken ()
    running (id)
    fake.run (0.2)
    eq (fake.help, "Draw an Audio: Steps, 42 % sampling")
    local early = fake.now
    done (id, take_file (1))
    fake.run (0.1)
    assert (foley (), "no take within 100 ms")
    eq (fake.project.tracks[2].name, "Steps · Foley")
    local item = foley ().items[1]
    eq (item.position, 1) eq (item.length, 2) eq (item.loop, 0) eq (#item.takes, 1)
    eq (item.takes[1].name, "take01") eq (item.takes[1].source.path, ROOT .. "/session/take01.wav")
    eq (#fake.undo_names, 1) eq (fake.refresh, 0) eq (fake.help, "") eq (#fake.messages, 0)
    fake.run (0.5)
    eq (#fake.deferred, 0)
    fake.undo ()
    eq (foley (), nil) eq (#fake.project.tracks, 2)"""
    play(home, project(), script)
    play(home, project(offset=3600), script)


def test_regenerate_next_take_and_keep(home: Path) -> None:
    script = """press ("Generate") done (taken (), take_file (1)) fake.run (0.3)
    press ("Regenerate")
    local id, object = taken ()
    eq (object.verb, "take/regenerate") eq (object.take, "t1") eq (object.start_s, nil)
    done (id, take_file (2)) fake.run (0.3)
    local item = foley ().items[1]
    eq (#foley ().items, 1) eq (#item.takes, 2) eq (item.active, 2)
    fake.project.selection = { 1.5, 2.25 }
    press ("Regenerate selection")
    id, object = taken ()
    eq (object.take, "t2") eq (object.start_s, 0.5) eq (object.end_s, 1.25)
    done (id, take_file (3)) fake.run (0.3)
    eq (item.active, 3)
    press ("Next take")
    id, object = taken ()
    eq (item.active, 1) eq (object.verb, "take/pick") eq (object.take, "t1")
    item.selected = true
    press ("Keep")
    id, object = taken ()
    eq (object.verb, "take/keep") eq (object.take, "t1") eq (#item.takes, 1) eq (item.selected, true)
    eq (table.concat (fake.undo_names, ","),
      ("Draw an Audio: take,"):rep (3) .. "Draw an Audio: next take,Draw an Audio: keep")
    fake.undo () eq (#foley ().items[1].takes, 3)
    eq (#fake.messages, 0)"""
    play(home, project(), script)


def test_several_takes_of_one_job_arrive_as_they_get_ready(home: Path) -> None:
    script = """press ("Generate")
    local id = taken ()
    running (id, take_file (1))
    fake.run (0.2)
    eq (#foley ().items[1].takes, 1)
    done (id, take_file (1), take_file (2)) fake.run (0.2)
    eq (#foley ().items[1].takes, 2)"""
    play(home, project(), script)


def test_a_take_that_cannot_be_read_does_not_keep_the_next_ones_away(home: Path) -> None:
    script = """press ("Generate")
    local id, gone = taken (), take_file (1)
    gone.path = "/nowhere.wav"
    running (id, gone) fake.run (1)
    eq (#fake.messages, 1) assert (fake.messages[1]:find ("cannot open /nowhere.wav"))
    done (id, gone, take_file (2)) fake.run (1)
    eq (#fake.messages, 1) eq (#foley ().items[1].takes, 1)"""
    play(home, project(), script)


def test_of_takes_that_come_together_one_that_cannot_be_read_is_missing_alone(home: Path) -> None:
    script = """press ("Generate")
    local gone = take_file (1) gone.path = "/nowhere.wav"
    done (taken (), gone) fake.run (0.3)
    eq (#fake.messages, 1) eq (foley (), nil) eq (#fake.undo_names, 0)
    press ("Generate")
    done (taken (), gone, take_file (2), take_file (3)) fake.run (0.3)
    eq (#fake.messages, 2) eq (#foley ().items[1].takes, 2)"""
    play(home, project(), script)


def test_cancel_leaves_no_trace(home: Path) -> None:
    script = """press ("Generate") press ("Cancel")
    eq (#inbox (), 0)
    press ("Generate")
    local id = taken ()
    running (id)
    fake.run (0.2)
    press ("Cancel")
    local _, object = taken ()
    eq (object.verb, "job/cancel") eq (object.job, id) eq (fake.help, "")
    done (id, take_file (1)) fake.run (0.5)
    eq (foley (), nil) eq (#fake.undo_names, 0) eq (#fake.messages, 0)
    press ("Cancel")
    assert (fake.messages[1]:find ("nothing to cancel"))"""
    play(home, project(), script)


def test_a_refused_request_and_a_take_that_is_not_there_are_said_once(home: Path) -> None:
    script = """press ("Generate")
    local id = taken ()
    answer (id, { request = id, state = "refused", code = "bad_cue", text = "marker 'x': no", takes = json.array () })
    fake.run (1)
    eq (#fake.messages, 1) eq (fake.messages[1], "marker 'x': no")
    press ("Generate")
    local gone = take_file (1) gone.path = "/nowhere.wav"
    done (taken (), gone) fake.run (1)
    eq (#fake.messages, 2) assert (fake.messages[2]:find ("cannot open /nowhere.wav"))
    eq (#fake.undo_names, 0)"""
    play(home, project(), script)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"selected": 0}, "No track is selected"),
        ({"cursor": 9}, "No region to fill"),
        ({"active": 0}, "bypassed"),
        ({"offset": -2}, "before timecode 00:00:00:00"),
    ],
)
def test_what_is_missing_is_said_in_one_line(home: Path, changes: dict[str, object], said: str) -> None:
    out = play(home, project(**changes), 'press ("Generate") io.write (#inbox (), " ", fake.messages[1])')
    assert out.startswith("0 ") and said in out and "\n" not in out and ".lua" not in out


def test_without_the_service_nothing_is_left_waiting(home: Path) -> None:
    (home / "service.json").unlink()
    script = """press ("Generate") eq (#fake.messages, 1) assert (fake.messages[1]:find ("drawaudio serve"))
    fake.run (0.1) eq (#fake.deferred, 0) press ("Regenerate") assert (fake.messages[2]:find ("use Generate first"))"""
    play(home, project(), script)


def test_a_second_key_press_does_not_start_a_second_watcher(home: Path) -> None:
    script = """press ("Generate") local first = taken () fake.run (1)
    press ("Generate") local second = taken () fake.run (0.1)
    eq (#fake.deferred, 1)
    fake.now = fake.now + 60  -- REAPER was rendering, and no script ran
    press ("Generate") taken () fake.run (0.1)
    eq (#fake.deferred, 1) eq (#fake.messages, 0)
    done (first, take_file (1)) done (second, take_file (2)) fake.run (0.3)
    eq (#foley ().items, 1) eq (#foley ().items[1].takes, 2)"""
    play(home, project(), script)


def test_a_key_that_is_held_down_asks_once(home: Path) -> None:
    script = """press ("Generate") fake.run (0.5)
    for _ = 1, 40 do repeated ("Generate") fake.run (0.03) end
    eq (#inbox (), 1) eq (#fake.messages, 0)
    press ("Generate") eq (#inbox (), 2)"""
    play(home, project(), script)


def test_no_key_makes_an_undo_step_but_for_what_it_changes(home: Path) -> None:
    script = """press ("Generate") taken () press ("Cancel") press ("Regenerate")
    fake.run (0.2) eq (table.concat (fake.undo_names, ","), "")"""
    play(home, project(), script)


def test_an_item_of_the_designers_own_is_left_alone(home: Path) -> None:
    own = """<TRACK {T3}
    NAME "Steps · Foley"
    <ITEM
      POSITION 1
      LENGTH 0.5
      <SOURCE WAVE
        FILE "/own.wav"
      >
    >
  >"""
    script = """press ("Generate") done (taken (), take_file (1)) fake.run (0.3)
    eq (#foley ().items, 2) local own = foley ().items[1]
    eq (#own.takes, 1) eq (own.length, 0.5) eq (foley ().items[2].position, 1)"""
    play(home, project(lanes=LANE.format(active=1, voltype=1) + "\n  >\n  " + own[:-1].rstrip()), script)


@pytest.mark.parametrize(
    ("depths", "at", "left"),
    [
        ([0, 0, 0], 2, [0, 0, 0, 0]),
        ([1, -1, 0], 3, [1, -1, 0, 0]),
        ([1, 1, -2], 4, [1, 1, -2, 0]),
        ([-1, 0, 0], 2, [0, -1, 0, 0]),
        ([-2, 0, 0], 2, [0, -2, 0, 0]),
        ([1, -3, 0], 3, [1, -1, -2, 0]),
        ([1, 0, 0], 4, [1, 0, -1, 0]),
    ],
)
def test_a_take_track_stays_out_of_the_drawn_folder_and_in_its_bus(
    home: Path, depths: list[int], at: int, left: list[int]
) -> None:
    lua = ", ".join(map(str, depths))
    script = f"""local tracks = fake.project.tracks
    reaper.InsertTrackAtIndex (2, false) tracks[3].name = "Third"
    for index, depth in ipairs {{ {lua} }} do tracks[index].depth = depth end
    press ("Generate") done (taken (), take_file (1)) fake.run (0.3)
    local now = {{}}
    for index, track in ipairs (tracks) do
      now[index] = math.floor (track.depth)
      if track.name == "Steps · Foley" then eq (index, {at}) end
    end
    eq (table.concat (now, " "), "{" ".join(map(str, left))}")"""
    play(home, project(), script)


def test_a_take_track_is_known_by_more_than_its_name(home: Path) -> None:
    script = """local steps, picture = fake.project.tracks[1], fake.project.tracks[2]
    press ("Generate") local id = taken ()
    steps.name = "Feet" done (id, take_file (1)) fake.run (0.3)
    local track = fake.project.tracks[2]
    eq (track.name, "Feet · Foley")
    steps.name, track.name, picture.name = "Boots", "My takes", "Boots"
    steps.selected, track.selected = false, true
    press ("Regenerate") id = taken () done (id, take_file (2)) fake.run (0.3)
    eq (#fake.project.tracks, 3) eq (#track.items[1].takes, 2)
    track.selected, picture.selected = false, true
    press ("Generate") id = taken () done (id, take_file (3)) fake.run (0.3)
    eq (fake.project.tracks[4].name, "Boots · Foley") eq (#track.items[1].takes, 2) eq (#fake.messages, 0)"""
    play(home, project(), script)


def test_unnamed_tracks_do_not_share_their_takes(home: Path) -> None:
    script = """local first, second = fake.project.tracks[1], fake.project.tracks[2]
    first.name, second.name, first.selected, second.selected = "", "", false, true
    press ("Generate") done (taken (), take_file (1)) fake.run (0.3)
    eq (fake.project.tracks[3].name, "Track 2 · Foley")
    second.selected, first.selected = false, true
    press ("Generate") done (taken (), take_file (2)) fake.run (0.3)
    eq (#fake.project.tracks, 4)  -- the second is track 3 now
    first.selected, second.selected = false, true
    press ("Regenerate")
    local _, object = taken ()
    eq (object.take, "t1") eq (#fake.messages, 0)"""
    play(home, project(), script)


def test_regenerate_follows_an_item_that_was_moved_and_trimmed(home: Path) -> None:
    script = """press ("Generate") done (taken (), take_file (1)) fake.run (0.3)
    local item = foley ().items[1]
    -- Half a second later, and a quarter cut off in front.
    item.position, item.length, item.takes[1].offset = 1.75, 1.25, 0.25
    fake.project.cursor = 2
    fake.project.selection = { 2, 2.5 }
    press ("Regenerate selection")
    local id, object = taken ()
    eq (object.start_s, 0.5) eq (object.end_s, 1)
    done (id, take_file (2)) fake.run (0.3)
    eq (#foley ().items, 1) eq (#item.takes, 2) eq (item.active, 2)
    eq (item.position, 1.75) eq (item.length, 1.25) eq (item.takes[2].offset, 0.25)
    foley ().items = {}  -- thrown away while the next one is made
    press ("Regenerate") eq (#fake.messages, 1)"""
    play(home, project(), script)


def test_a_take_of_another_session_is_not_taken_for_one_of_this(home: Path) -> None:
    script = """press ("Generate") done (taken (), take_file (1)) fake.run (0.3)
    local info = json.decode (files.read (ROOT .. "/service.json"))
    info.session_id = "s2"
    files.write (ROOT .. "/service.json", json.encode (info))
    press ("Regenerate") press ("Keep") press ("Next take")
    eq (#inbox (), 0) eq (#fake.messages, 2) eq (#foley ().items[1].takes, 1)
    assert (fake.messages[1]:find (ROOT .. "/session", 1, true) and fake.messages[1]:find ("drawaudio serve"))"""
    play(home, project(), script)


def test_a_request_nobody_takes_is_taken_back(home: Path) -> None:
    script = """press ("Generate") eq (#inbox (), 1)
    local real = os.time
    os.time = function () return real () + 60 end
    fake.run (0.2)
    eq (#fake.messages, 1) assert (fake.messages[1]:find ("does not answer"))
    eq (#inbox (), 0)"""
    play(home, project(), script)


def test_the_fake_is_strict(home: Path) -> None:
    script = """assert (not pcall (function () return reaper.GetEverything end))
    assert (not pcall (reaper.GetTrack, 0))
    assert (not pcall (reaper.GetTrack, 0, "1"))
    assert (not pcall (reaper.GetTrackName, 5))"""
    play(home, project(), script)
