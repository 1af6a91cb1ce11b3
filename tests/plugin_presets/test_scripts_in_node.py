"""The JavaScript presets (Bitwig, Cubase, Logic) in Node, against stand-ins for what each host offers a script."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bridge.cue_request import read_cue
from bridge.osc.binding import bind
from bridge.osc.packet import Message
from bridge.presets import PRESETS, SOURCE, files_of

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node (Debian package nodejs)")

HERE = Path(__file__).parent / "node"


def run(stand_in: str, script: str, scenario: str, folder: Path) -> Any:
    """Run a preset's script inside its stand-in, then `scenario`; what the scenario passes to `report`."""
    assert NODE is not None
    program = folder / "program.js"
    parts = [(HERE / stand_in).read_text(), (SOURCE / script).read_text(encoding="utf-8"), scenario]
    program.write_text("\n".join(parts), encoding="utf-8")
    done = subprocess.run([NODE, str(program)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


BITWIG = """start(); const o = observers;
o.tempo(120); o.loopStart(4); o.loopDuration(6); o.track("Steps"); o.level("-Inf dB");
o.marker(0, true, 6, "shoe @box 0 0 1 1"); o.marker(1, true, 4, "footsteps on gravel");
"""


def tags(values: list[Any]) -> str:
    """The OSC types a host sends such values with."""
    return "".join("s" if isinstance(v, str) else "i" if isinstance(v, int) else "d" for v in values)


def test_bitwig_sends_only_what_the_service_understands(tmp_path: Path) -> None:
    scenario = (
        BITWIG
        + """o.playing(true);
    for (let k = 0; k <= 70; k++) { o.level(k < 40 ? "0.0 dB" : "-12,5 dB"); o.position(3.5 + k / 10); }
    o.press("Generate"); const id = sent.at(-1)[2];
    o.receive("/drawaudio/take/ready", [id, "j1", "t1", "/s/a.wav", 96000, 48000, 9, 7]);
    o.press("Regenerate"); o.loopStart(5); o.loopDuration(1); o.press("Regenerate selection");
    o.receive("/drawaudio/job/done", [id, "j1", "done", "", ""]);
    o.press("Next take"); o.press("Keep"); o.press("Cancel"); o.press("Cancel"); report({ sent, inserted, popups });"""
    )
    told = run("bitwig.js", "bitwig/DrawAnAudio.control.js", scenario, tmp_path)
    verbs = []
    for address, *values in told["sent"]:
        verb, _ = bind(Message(address, tags(values), tuple(values)))
        verbs.append(verb.address)
    captured = verbs.count("capture/value")
    assert verbs[0] == "capture/begin" and 50 <= captured <= 62
    assert [verb for verb in verbs if not verb.startswith("capture")] == [
        "cue/submit",
        "take/regenerate",
        "take/regenerate",
        "take/next",
        "take/keep",
        "job/cancel",
        "job/cancel",
    ]
    cancelled = [message[3] for message in told["sent"] if message[0].endswith("job/cancel")]
    asked = [message[2] for message in told["sent"] if message[0].endswith("take/regenerate")]
    assert cancelled == asked, "the first request has ended; the others are cancelled by their own ids"
    assert "nothing to cancel" in told["popups"][-1]
    submit = next(message for message in told["sent"] if message[0].endswith("cue/submit"))
    cue = json.loads(submit[3])
    assert (cue["marker"], cue["duration_s"], cue["start"]["samples"]) == ("footsteps on gravel", 3, 96000)
    assert cue["markers"] == [{"time_s": 1, "text": "shoe @box 0 0 1 1"}]
    recorded = {"domain": "db", "points": [{"time_s": 0, "value": 0}]}
    assert read_cue(cue, lambda name: recorded, [tmp_path]).prompt == "footsteps on gravel"
    part = [message for message in told["sent"] if message[0].endswith("take/regenerate")][1]
    assert part[3:] == ["t1", 0.5, 1.0]
    values = [message[2:] for message in told["sent"] if message[0].endswith("capture/value")]
    assert values[0][0] == 0 and values[-1][0] == -12.5
    assert told["inserted"] == ["1:/s/a.wav"], "the first slot is taken"


def test_bitwig_says_what_is_missing_and_ignores_takes_of_others(tmp_path: Path) -> None:
    scenario = (
        BITWIG
        + """o.loopDuration(0); o.press("Generate"); o.press("Regenerate"); o.loopDuration(4);
    service = null; o.press("Generate"); service = SERVICE; o.press("Generate");
    o.receive("/drawaudio/take/ready", ["other", "j9", "t9", "/s/b.wav", 0, 48000, 9, 7]);
    o.receive("/drawaudio/error", [sent.at(-1)[2], "bad_cue", "marker 'x': no"]); report({ popups, inserted, sent });"""
    )
    told = run("bitwig.js", "bitwig/DrawAnAudio.control.js", scenario, tmp_path)
    assert [popup.removeprefix("Draw an Audio: ") for popup in told["popups"]] == [
        "put the arranger's loop around the span that shall sound",
        "there is no take yet: use Generate first",
        "start `drawaudio serve` first",
        "marker 'x': no",
    ]
    assert told["inserted"] == []
    assert json.loads(told["sent"][0][3])["loudness"]["follow"] == "loose"


# The loop of BITWIG is 4 to 10 beats; `play` goes on in steps of a tenth.
PLAY = """const play = (from, to) => { for (let k = Math.round(from * 10); k < to * 10; k++) o.position(k / 10); };
const lane = () => JSON.parse(sent.at(-1)[3]).loudness.curve || null;
const ended = () => sent.filter((m) => m[0].endsWith("capture/end")).map((m) => m[2]);
const generate = () => { o.press("Generate"); return lane(); };
"""


def test_bitwig_hears_a_loop_that_goes_round(tmp_path: Path) -> None:
    scenario = (
        BITWIG
        + PLAY
        + """o.playing(true); play(4, 10); play(4, 7);
    report([generate(), ended()]);"""
    )
    lane, ended = run("bitwig.js", "bitwig/DrawAnAudio.control.js", scenario, tmp_path)
    assert lane is not None and [lane] == ended, "the second round has only begun: the first is the lane"


def test_bitwig_takes_no_lane_for_another(tmp_path: Path) -> None:
    scenario = (
        BITWIG
        + PLAY
        + """o.playing(true); play(7, 11); const half = generate();
    play(4, 6); play(9, 11); const leapt = generate();
    play(3, 11); const whole = generate();
    o.track("Other"); const track = generate(); o.track("Steps"); const back = generate();
    o.loopStart(20); const loop = generate(); report({ half, leapt, whole, track, back, loop });"""
    )
    told = run("bitwig.js", "bitwig/DrawAnAudio.control.js", scenario, tmp_path)
    assert told["whole"] is not None and told["back"] == told["whole"]
    assert [told[key] for key in ("half", "leapt", "track", "loop")] == [None] * 4


def test_bitwig_puts_takes_that_come_together_into_slots_of_their_own(tmp_path: Path) -> None:
    scenario = (
        BITWIG
        + """o.press("Generate"); const id = sent.at(-1)[2];
    for (const name of ["a", "b"]) o.receive("/drawaudio/take/ready", [id, "j1", "t1", name, 0, 48000, 9, 7]);
    o.slot(1, true); o.slot(2, true); o.slot(1, false);
    o.receive("/drawaudio/take/ready", [id, "j1", "t3", "c", 0, 48000, 9, 7]); report(inserted);"""
    )
    assert run("bitwig.js", "bitwig/DrawAnAudio.control.js", scenario, tmp_path) == ["1:a", "2:b", "1:c"]


def test_bitwig_forgets_what_was_refused_and_knows_whose_take_it_has(tmp_path: Path) -> None:
    scenario = (
        BITWIG
        + """service.session_id = "s1"; o.press("Generate");
    o.receive("/drawaudio/error", [sent.at(-1)[2], "bad_cue", "no"]); o.press("Cancel");
    o.press("Generate"); o.receive("/drawaudio/take/ready", [sent.at(-1)[2], "j1", "t1", "a", 0, 48000, 9, 7]);
    const before = sent.length; service.session_id = "s2"; o.press("Regenerate"); o.press("Regenerate selection");
    report([sent.length - before, popups]);"""
    )
    sent, popups = run("bitwig.js", "bitwig/DrawAnAudio.control.js", scenario, tmp_path)
    assert "nothing to cancel" in popups[1] and sent == 0 and "another session" in popups[-1]


def test_bitwig_asks_nothing_of_a_marker_that_ends_a_pair(tmp_path: Path) -> None:
    scenario = (
        BITWIG
        + """o.marker(0, true, 4, "Steps: rain<"); o.marker(1, true, 4, "Steps: hail>"); o.press("Generate");
    report(JSON.parse(sent.at(-1)[3]));"""
    )
    cue = run("bitwig.js", "bitwig/DrawAnAudio.control.js", scenario, tmp_path)
    assert (cue["marker"], cue["markers"]) == ("Steps: hail>", [])


def test_bitwig_starts_anew_for_a_service_on_another_port(tmp_path: Path) -> None:
    scenario = (
        BITWIG
        + """service = { token: "t", port: 7891 }; o.press("Generate"); o.press("Generate");
    report([restarts > 0, sent, popups]);"""
    )
    restarted, sent, popups = run("bitwig.js", "bitwig/DrawAnAudio.control.js", scenario, tmp_path)
    assert restarted and sent == [] and len(popups) == 1 and "press again" in popups[0]


def test_bitwig_says_that_a_killed_service_does_not_listen(tmp_path: Path) -> None:
    scenario = BITWIG + """unreachable = true; o.press("Generate"); o.press("Cancel"); report(popups);"""
    popups = run("bitwig.js", "bitwig/DrawAnAudio.control.js", scenario, tmp_path)
    assert "drawaudio serve" in popups[0] and "nothing to cancel" in popups[1]


def test_bitwig_plays_without_a_word_where_no_service_runs(tmp_path: Path) -> None:
    scenario = BITWIG + PLAY + "service = null; o.playing(true); play(3, 11); report([popups, sent]);"
    assert run("bitwig.js", "bitwig/DrawAnAudio.control.js", scenario, tmp_path) == [[], []]


def test_bitwig_asks_once_a_service_that_was_started_anew(tmp_path: Path) -> None:
    scenario = (
        BITWIG
        + PLAY
        + """o.playing(true); play(4, 6);
    o.receive("/drawaudio/error", ["", "unavailable", "no capture runs"]); const before = sent.length;
    play(6, 10); const silent = sent.length === before; play(4, 10); play(4, 5); report([silent, ended().length]);"""
    )
    assert run("bitwig.js", "bitwig/DrawAnAudio.control.js", scenario, tmp_path) == [True, 1]


def test_cubase_sends_its_fader_as_fourteen_bits(tmp_path: Path) -> None:
    scenario = """const shown = ["0.00", "-oo", "-12.0", "6.02", "-6,02"];
    for (const text of shown) fader.mSurfaceValue.mOnDisplayValueChange(1, text, "dB");
    report({ midi, bound, detected, named });"""
    (script,) = (SOURCE / "cubase_nuendo").glob("*.js")
    told = run("cubase.js", f"cubase_nuendo/{script.name}", scenario, tmp_path)
    values = [(told["midi"][k][2] << 7) + told["midi"][k + 1][2] for k in range(0, 10, 2)]
    assert [message[:2] for message in told["midi"][:2]] == [[0xB0, 7], [0xB0, 39]]
    gains = [(value / 16383) ** 2 for value in values]
    assert gains == pytest.approx([1, 0, 10 ** (-12 / 20), 1, 10 ** (-6.02 / 20)], abs=2e-4)
    assert told["bound"] == ["volume"] and told["detected"] == ["Draw an Audio"]
    assert script.stem == told["named"], "Cubase loads only Local/VENDOR/DEVICE/VENDOR_DEVICE.js"
    (target,) = (place for source, place in files_of(PRESETS["cubase_nuendo"], tmp_path) if source == script)
    assert target.parent.parts[-3:] == ("Local", *told["named"].split("_"))


def test_logic_sends_its_lane_while_it_plays_and_only_what_changed(tmp_path: Path) -> None:
    scenario = """for (const db of [0, 0, -12, -12, -60, -60]) { loudness = db; ProcessMIDI(); }
    playing = false; ProcessMIDI(); playing = true; ProcessMIDI();
    report({ midi, PluginParameters });"""
    told = run("logic.js", "logic/Draw an Audio Guide.js", scenario, tmp_path)
    assert [number for number, _ in told["midi"]] == [11, 43] * 4
    values = [(told["midi"][k][1] << 7) + told["midi"][k + 1][1] for k in range(0, 8, 2)]
    assert [(value / 16383) ** 2 for value in values] == pytest.approx([1, 10 ** (-12 / 20), 0, 0], abs=2e-4)
    (parameter,) = told["PluginParameters"]
    assert (parameter["name"], parameter["minValue"]) == ("Loudness", -60)
