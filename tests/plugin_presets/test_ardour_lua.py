"""Ardour's Lua where no Ardour is needed: what leaves over OSC, and what the hook does with answers."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.osc.binding import bind
from bridge.osc.chunks import Assembler, Header
from bridge.osc.packet import Message
from bridge.osc.spec import COLUMNS
from tests.plugin_presets.lua import needs_lua, run_lua

pytestmark = needs_lua

# Ardour's Lua can send s, i, f and d; whatever else a script tries raises here.
WIRE = """
json = dofile (SOURCE .. "/lua/json.lua")
files = dofile (SOURCE .. "/lua/files.lua")
service = dofile (SOURCE .. "/lua/service.lua") (json, files)
sent = {}
ARDOUR = { LuaOSC = { Address = function (url) return { send = function (_, path, types, ...)
  local values = { ... }
  assert (#types == #values, "types and values differ in number")
  for index = 1, #types do
    local value, letter = values[index], types:sub (index, index)
    assert (type (value) == ({ s = "string", i = "number", f = "number", d = "number" })[letter], path .. " " .. letter)
    -- JSON has no NaN and no infinity; the test reads them from text.
    if letter == "d" then values[index] = string.format ("%.17g", value) end
  end
  sent[#sent + 1] = { url, path, types, json.array (values) }
  return false
end } end } }
wire = dofile (SOURCE .. "/ardour/lib/wire.lua") (json, service, dofile (SOURCE .. "/lua/crc32.lua"))
"""


def sent(script: str, folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """The messages a script sends, as the service reads them: (verb, arguments)."""
    (folder / "service.json").write_text('{"token": "secret", "port": 7890, "session": "/s"}')
    environment = {**os.environ, "DRAWAUDIO_HOME": str(folder)}
    out = run_lua(f"{WIRE}\n{script}\nio.write (json.encode (json.array (sent)))", folder, environment=environment)
    read = []
    for url, path, types, values in json.loads(out):
        assert url == "osc.udp://127.0.0.1:7890"
        numbers = tuple(float(v) if t == "d" else v for t, v in zip(types, values, strict=True))
        verb, bound = bind(Message(path, types, numbers))
        read.append((verb.address, bound))
    return read


REQUEST = """local points = {{}}
for index = 0, {count} - 1 do
  points[#points + 1] = {{ time_s = index / 100, value = math.abs (math.sin (index / 50)) }}
end
wire.submit ("r1", {{ track = "Steps", text = "footsteps", start = {{ samples = 2^40, rate = 48000 }}, duration_s = 2.5,
  lane = {{ domain = "ardour_fader", points = points }} }})"""


def test_a_short_lane_travels_in_the_cue(tmp_path: Path) -> None:
    ((verb, bound),) = sent(REQUEST.format(count=256), tmp_path)
    cue = json.loads(bound["cue"])
    assert (verb, bound["token"], bound["request"]) == ("cue/submit", "secret", "r1")
    assert cue["start"] == {"samples": 2**40, "rate": 48000}
    assert len(cue["loudness"]["points"]) == 256 and cue["loudness"]["domain"] == "ardour_fader"


def test_a_long_lane_travels_in_chunks_that_the_service_accepts_in_any_order(tmp_path: Path) -> None:
    *parts, (verb, bound) = sent(REQUEST.format(count=3000), tmp_path)
    assert verb == "cue/submit" and json.loads(bound["cue"])["loudness"] == {"curve": "r1"}
    assembler, whole = Assembler(), None
    for address, values in reversed(parts):
        if address == "curve/begin":
            whole = assembler.begin(values["curve"], Header(*(values[key] for key in Header._fields)))
        else:
            assert tuple(COLUMNS[values["columns"]]) == ("d", "d")
            whole = assembler.chunk(values["curve"], values["index"], values["points"]) or whole
    assert whole is not None and whole.header.domain == "ardour_fader"
    values = [point.value for point in whole.curve.points]
    assert np.allclose(values, [abs(math.sin(index / 50)) for index in range(3000)], rtol=0, atol=0)


def test_the_other_verbs_are_ones_the_service_has(tmp_path: Path) -> None:
    script = """wire.regenerate ("r1", "t1") wire.regenerate ("r2", "t1", { start_s = 0.25, end_s = 1 })
    wire.pick ("r3", "t2") wire.keep ("r4", "t2") wire.cancel ("r5", "j1")"""
    assert [
        (verb, bound.get("start_s"), bound.get("take") or bound.get("job")) for verb, bound in sent(script, tmp_path)
    ] == [
        ("take/regenerate", None, "t1"),
        ("take/regenerate", 0.25, "t1"),
        ("take/pick", None, "t2"),
        ("take/keep", None, "t2"),
        ("job/cancel", None, "j1"),
    ]


def test_a_video_by_its_whole_path_is_found_on_every_system(tmp_path: Path) -> None:
    script = r"""Session = { path = function () return "/s" end, snap_name = function () return "x" end,
      nominal_sample_rate = function () return 48000 end }
    local reading, xml = dofile (SOURCE .. "/ardour/lib/reading.lua"), ""
    io.open = function () return { read = function () return xml end, close = function () end } end
    for _, name in ipairs { "C:\\v\\a.mp4", "D:/v/a.mp4", "\\\\nas\\a.mp4", "/v/a.mp4", "a &amp; b.mp4" } do
      xml = '<Videotimeline Filename="' .. name .. '" LocalFile="1" VideoOffset="24000"/>'
      local video = reading.video ({ start = 48000 })
      print (video.path, video.offset_s)
    end"""
    told = [line.split("\t") for line in run_lua(script, tmp_path).splitlines()]
    wanted = ["C:\\v\\a.mp4", "D:/v/a.mp4", "\\\\nas\\a.mp4", "/v/a.mp4", "/s/videofiles/a & b.mp4"]
    assert told == [[path, "0.5"] for path in wanted]


WATCH = """
json = dofile (SOURCE .. "/lua/json.lua")
files = dofile (SOURCE .. "/lua/files.lua")
service = dofile (SOURCE .. "/lua/service.lua") (json, files)
service.info = function () return {} end
local open, added, said, resent, during_import = nil, {}, {}, 0, function () end
wire = { submit = function () resent = resent + 1 end }
reading = { TAKE_SUFFIX = " X", timecode_offset = function () return 1000 end }
takes = { add = function (source, suffix, files)
  during_import ()
  for _, file in ipairs (files) do
    if file.path == "bad" then error ("Ardour could not import bad.", 0) end
    added[#added + 1] = file
  end
  return { { region_id = "1", take_id = files[1].take_id } }
end }
memory = { remember_take = function () end, pending = function () return open or {} end,
  set_pending = function (list) open = list end }
local answers = dofile (SOURCE .. "/lua/answers.lua") (service, memory)
watch = dofile (SOURCE .. "/ardour/lib/watch.lua") (answers, wire, reading, takes, memory,
  function (text) said[#said + 1] = text watch () end)
function request (id, sent)
  return { id = id, track = "Steps", session = ".", sent = sent or os.time (), imported = 0, span_start = 0,
    request = {} }
end
function ask (sent) open = { request ("r", sent) } end
function answer (object) files.write ("outbox/r.json", json.encode (object)) end
function take (n, path)
  return { take = "t" .. n, path = path or n .. ".wav", start_samples = 49000, rate = 48000, channels = 1 }
end
function told ()
  local waiting = json.array ()
  for _, entry in ipairs (open or {}) do waiting[#waiting + 1] = entry.id end
  local all = { added = json.array (added), said = json.array (said), waiting = waiting, resent = resent }
  all.open = #waiting
  io.write (json.encode (all))
end
"""


def watched(script: str, folder: Path) -> dict[str, Any]:
    (folder / "outbox").mkdir()
    told = json.loads(run_lua(f"{WATCH}\n{script}\ntold ()", folder))
    assert isinstance(told, dict)
    return told


def test_takes_are_imported_once_each_as_they_get_ready(tmp_path: Path) -> None:
    script = """ask () watch () answer { state = "running", takes = json.array { take (1) } } watch () watch ()
    answer { state = "done", takes = json.array { take (1), take (2) } } watch () watch ()"""
    told = watched(script, tmp_path)
    assert [file["take_id"] for file in told["added"]] == ["t1", "t2"]
    assert told["added"][0]["position"] == 48000, "the session's timecode offset is taken off"
    assert (told["open"], told["said"]) == (0, [])


@pytest.mark.parametrize("state", ["failed", "refused"])
def test_an_error_is_told_once_though_the_timer_runs_on_under_its_dialog(state: str, tmp_path: Path) -> None:
    answered = f'answer {{ state = "{state}", code = "bad_cue", text = "no", takes = json.array () }}'
    told = watched(f"ask () {answered} watch () watch ()", tmp_path)
    assert (told["said"], told["open"]) == (["no"], 0)


def test_a_lost_chunk_is_sent_again_a_few_times(tmp_path: Path) -> None:
    script = """ask () for n = 1, 6 do
      answer { state = "refused", code = "unknown_curve", text = "no curve", takes = json.array () } watch ()
    end"""
    told = watched(script, tmp_path)
    assert (told["resent"], told["said"], told["open"]) == (3, ["no curve"], 0)


def test_a_request_is_sent_again_only_once_for_one_answer(tmp_path: Path) -> None:
    script = """ask ()
    answer { state = "refused", code = "unknown_curve", text = "no curve", takes = json.array () }
    watch () watch () watch ()"""
    told = watched(script, tmp_path)
    assert (told["resent"], told["said"], told["open"]) == (1, [], 1)


@pytest.mark.parametrize(
    ("key", "left"),
    [('open = { open[1], request ("r2") }', ["r", "r2"]), ("open = {}", [])],
    ids=["generate", "cancel"],
)
def test_a_key_pressed_while_ardour_imports_counts(key: str, left: list[str], tmp_path: Path) -> None:
    script = f"""during_import = function () {key} end
    ask () answer {{ state = "running", takes = json.array {{ take (1) }} }} watch ()"""
    assert watched(script, tmp_path)["waiting"] == left


def test_a_take_that_cannot_be_imported_is_told_once_and_not_tried_again(tmp_path: Path) -> None:
    script = 'ask () answer { state = "done", takes = json.array { take (1, "bad") } } for _ = 1, 5 do watch () end'
    assert watched(script, tmp_path)["said"] == ["Ardour could not import bad."]


def test_silence_of_the_service_is_told(tmp_path: Path) -> None:
    told = watched("ask () watch () ask (os.time () - 60) watch () watch ()", tmp_path)
    assert len(told["said"]) == 1 and "does not answer" in told["said"][0] and told["open"] == 0


def test_a_take_of_another_session_is_not_taken_for_one_of_this(tmp_path: Path) -> None:
    script = """
json = dofile (SOURCE .. "/lua/json.lua")
service = dofile (SOURCE .. "/lua/service.lua") (json, dofile (SOURCE .. "/lua/files.lua"))
Session = { path = function () return "." end }
memory = dofile (SOURCE .. "/ardour/lib/memory.lua") (json, dofile (SOURCE .. "/lua/files.lua"))
local asked = {}
local HERE = { session = "/s", session_id = "here" }
local function ask (what) return function () asked[#asked + 1] = what return HERE end end
wire = { regenerate = ask "regenerate", keep = ask "keep", pick = ask "pick",
  cancel = function (_, job) asked[#asked + 1] = job end }
local route = { name = function () return "Steps" end }
reading = { TAKE_SUFFIX = " X", track = function () return route end, selected_time = function () return 0, 10 end }
takes = { track = function () return route end, current = function () return "r" end, next = function () return "r" end,
  id_of = function (region) return region end, keep = function () end }
service.info = function () return HERE end
local verbs = dofile (SOURCE .. "/ardour/lib/verbs.lua") (service, wire, reading, takes, memory)
memory.remember_take ("r", "t1", { span_start = 0, session = "/elsewhere", session_id = "there" })
for _, verb in ipairs { "regenerate", "keep" } do
  local ok, said = pcall (verbs[verb])
  assert (not ok and said:find ("/elsewhere", 1, true), said)
end
verbs.next_take ()
assert (#asked == 0)
memory.remember_take ("r", "t1", { span_start = 0, session = "/s", session_id = "here" })
verbs.regenerate () verbs.keep () verbs.next_take ()
local id = memory.pending ()[1].id
verbs.cancel ()
assert (table.concat (asked, " ") == "regenerate keep pick " .. id, table.concat (asked, " "))
"""
    run_lua(script, tmp_path)


def test_cancelled_elsewhere_is_quiet(tmp_path: Path) -> None:
    told = watched('ask () answer { state = "cancelled", takes = json.array () } watch ()', tmp_path)
    assert (told["said"], told["added"], told["open"]) == ([], [], 0)
