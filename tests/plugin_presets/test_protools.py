"""The Pro Tools companion against a stand-in that knows the field names of the published PTSL interface."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge.presets import SOURCE
from tests.plugin_presets.spool_service import SpoolService, load

# Request fields and enum names as in the PTSL proto of 2025.10; other names are refused, as the server would.
FIELDS: dict[str, dict[str, Any]] = {
    "CId_GetSessionPath": {},
    "CId_GetSessionSampleRate": {},
    "CId_GetSessionTimeCodeRate": {},
    "CId_GetSessionStartTime": {},
    "CId_GetTrackList": {
        "track_filter_list": [{"filter": str, "is_inverted": bool}],
        "pagination_request": {"limit": int, "offset": int},
    },
    "CId_GetEditSelection": {"location_type": str},
    "CId_GetMemoryLocations": {"pagination_request": {"limit": int, "offset": int}},
    "CId_GetTimeAsType": {"location": {"location": str, "time_type": str}, "time_type": str},
    "CId_GetTrackControlInfo": {
        "track_ids": [str],
        "track_names": [str],
        "control_id": {"section": str, "control_type": str},
    },
    "CId_GetTrackControlBreakpoints": {
        "track_id": str,
        "track_name": str,
        "control_id": {"section": str, "control_type": str},
    },
    "CId_CreateNewTracks": {
        "number_of_tracks": int,
        "track_name": str,
        "track_format": str,
        "track_type": str,
        "track_timebase": str,
        "insertion_point_position": str,
        "insertion_point_track_name": str,
    },
    "CId_SelectTracksByName": {"track_names": [str], "selection_mode": str},
    "CId_ImportAudioToClipList": {"file_list": [str], "audio_operations": str, "destination_path": str},
    "CId_SpotClipsByID": {
        "src_clips": [str],
        "dst_track_id": str,
        "dst_track_name": str,
        "dst_location_data": {"location_type": str, "location": {"location": str, "time_type": str}},
    },
    "CId_InstallMenuHandler": {"menu_info": {"menu_area": str, "menu_label": [{"locale": str, "ui_string": str}]}},
    "CId_SubscribeToEvents": {"events": [{"event_id": str, "event_data_json": str}]},
    "CId_PollEvents": {},
}
ENUMS = {
    *("TLType_Samples", "TLType_TimeCode", "TLFilter_Selected", "TSId_MainOut", "TCType_Volume", "SLType_Start"),
    *("TFormat_Mono", "TFormat_Stereo", "TType_Audio", "TTimebase_Samples", "TIPoint_After", "AOperations_CopyAudio"),
    *(
        "MArea_Import",
        "EId_MenuItemSelected",
        "SMode_Replace",
        "TLType_MinSecs",
        "TLType_BarsBeats",
        "TLType_FeetFrames",
    ),
}
RATE = 48000


def check(value: Any, shape: Any, where: str) -> None:
    if isinstance(shape, dict):
        assert isinstance(value, Mapping), where
        for key, inner in value.items():
            assert key in shape, f"{where}: no field {key}"
            check(inner, shape[key], f"{where}.{key}")
    elif isinstance(shape, list):
        assert isinstance(value, list), where
        for inner in value:
            check(inner, shape[0], where)
    else:
        assert type(value) is shape, f"{where}: {value!r} is not {shape.__name__}"
        if isinstance(value, str) and "_" in value and value.split("_")[0][-4:] in ("Type", "mode", "tion", "rmat"):
            assert value in ENUMS, f"{where}: no enum name {value}"


class FakeProTools:
    """A session: one drawn track, memory locations, and what was done to it."""

    def __init__(self) -> None:
        self.tracks = [{"name": "Steps", "id": "1"}]
        self.session = "Macintosh HD:Users:u:film.ptx"
        self.selected: list[str] | None = None
        self.selection = (96000, 96000)
        self.locations = [
            {
                "name": "Steps 1",
                "comments": "footsteps on gravel #tight",
                "start_time": "01:00:01:00",
                "end_time": "01:00:04:00",
                "time_properties": "TProperties_Selection",
            },
            {"name": "shoe @box 0 0 1 1", "start_time": "01:00:02:00", "time_properties": "TProperties_Marker"},
        ]
        self.breakpoints = [(0, -20.0), (2 * RATE, 0.0), (3 * RATE, -6.0), (5 * RATE, -40.0)]
        self.spotted: list[tuple[str, str, int]] = []
        self.menu: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.minimum = -144.0
        self.files: list[str] = []

    def command(self, name: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        check(body, FIELDS[name], name)
        answer: Mapping[str, Any] = getattr(self, name.removeprefix("CId_"))(body)
        return answer

    def GetSessionPath(self, body: Any) -> Any:
        return {"session_path": {"path": self.session}}

    def GetSessionSampleRate(self, body: Any) -> Any:
        return {"sample_rate": "SRate_48000"}

    def GetSessionTimeCodeRate(self, body: Any) -> Any:
        return {"current_setting": "STCRate_Fps25"}

    def GetSessionStartTime(self, body: Any) -> Any:
        return {"session_start_time": "01:00:00:00"}

    def GetTrackList(self, body: Any) -> Any:
        if "track_filter_list" not in body:
            return {"track_list": self.tracks}
        chosen = self.tracks[:1] if self.selected is None else [t for t in self.tracks if t["name"] in self.selected]
        return {"track_list": chosen}

    def SelectTracksByName(self, body: Any) -> Any:
        self.selected = body["track_names"]
        return {}

    def GetEditSelection(self, body: Any) -> Any:
        return {"in_time": str(self.selection[0]), "out_time": str(self.selection[1])}

    def GetMemoryLocations(self, body: Any) -> Any:
        return {"memory_locations": self.locations}

    def GetTimeAsType(self, body: Any) -> Any:
        text, unit = body["location"]["location"], body["location"]["time_type"]
        if unit != "TLType_TimeCode":
            whole = {"TLType_Samples": lambda: int(text), "TLType_MinSecs": lambda: round(float(text[2:]) * RATE)}
            return {"converted_location": {"location": str(whole[unit]()), "time_type": "TLType_Samples"}}
        hours, minutes, seconds, frames = (int(part) for part in text.split(":"))
        at = (((hours - 1) * 60 + minutes) * 60 + seconds) * RATE + frames * RATE // 25
        return {"converted_location": {"location": str(at), "time_type": "TLType_Samples"}}

    def GetTrackControlInfo(self, body: Any) -> Any:
        return {"control_info": {"min_value": self.minimum, "max_value": 12.0}}

    def GetTrackControlBreakpoints(self, body: Any) -> Any:
        return {
            "breakpoints": [
                {"time": {"location": str(at), "time_type": "TLType_Samples"}, "value": value}
                for at, value in self.breakpoints
            ]
        }

    def CreateNewTracks(self, body: Any) -> Any:
        self.tracks.append({"name": body["track_name"], "id": "2"})
        self.selected = [body["track_name"]]
        return {"created_track_names": [body["track_name"]]}

    def ImportAudioToClipList(self, body: Any) -> Any:
        self.files.append(body["file_list"][0])
        entry = {"file_id": "f", "file_path": body["file_list"][0], "clip_id_list": [f"clip{len(self.files)}"]}
        return {"file_list": [{"original_input_path": body["file_list"][0], "destination_file_list": [entry]}]}

    def SpotClipsByID(self, body: Any) -> Any:
        where = int(body["dst_location_data"]["location"]["location"])
        self.spotted.append((body["src_clips"][0], body["dst_track_name"], where))
        return {}

    def InstallMenuHandler(self, body: Any) -> Any:
        self.menu.append(body["menu_info"]["menu_label"][0]["ui_string"])
        return {"menu_item_id": f"item{len(self.menu)}"}

    def SubscribeToEvents(self, body: Any) -> Any:
        return {}

    def PollEvents(self, body: Any) -> Any:
        return {"event": self.events.pop(0)} if self.events else {}


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[FakeProTools, SpoolService, Any, list[str]]:
    module = load(monkeypatch, "protools/drawaudio_protools.py", "drawaudio_protools")
    host, service = FakeProTools(), SpoolService(tmp_path, monkeypatch)
    said: list[str] = []
    return host, service, module.Companion(module.ProTools(host.command), said.append), said


def make_first_take(companion: Any, service: SpoolService) -> None:
    companion.run("Generate")
    name, _ = service.take()
    service.answer(name, "done", service.made(1, 3601 * RATE))
    companion.poll()


def test_generate_reads_lane_location_and_session_start(rig: Any) -> None:
    _, service, companion, _ = rig
    companion.run("Generate")
    _, cue = service.take()
    assert cue["start"] == {"samples": 3601 * RATE, "rate": RATE}
    assert (cue["marker"], cue["duration_s"], cue["track"]) == ("footsteps on gravel #tight", 3.0, "Steps")
    assert cue["markers"] == [{"time_s": 1.0, "text": "shoe @box 0 0 1 1"}]
    points = [(point["time_s"], point["value"]) for point in cue["loudness"]["points"]]
    assert points == [(0, -10), (1, 0), (2, -6), (3, -23)]
    service.accepts(cue)


def test_a_take_is_spotted_at_its_sample_and_can_be_regenerated(rig: Any) -> None:
    host, service, companion, _ = rig
    make_first_take(companion, service)
    assert host.spotted == [("clip1", "Steps · Foley", RATE)]
    assert host.selected == ["Steps"], "the track that the designer had selected"
    companion.run("Regenerate")
    name, body = service.take()
    assert body == {"verb": "take/regenerate", "take": "t1"}
    service.answer(name, "done", service.made(2, 3601 * RATE))
    companion.poll()
    assert host.spotted[1] == ("clip2", "Steps · Foley", RATE)
    assert [track["name"] for track in host.tracks] == ["Steps", "Steps · Foley"]
    host.selection = (2 * RATE, 3 * RATE)
    companion.run("Regenerate selection")
    assert service.take()[1] == {"verb": "take/regenerate", "take": "t2", "start_s": 1.0, "end_s": 2.0}
    companion.run("Keep")
    assert service.take()[1] == {"verb": "take/keep", "take": "t2"}


def test_cancel_leaves_no_trace(rig: Any) -> None:
    host, service, companion, said = rig
    companion.run("Generate")
    companion.run("Cancel")
    assert service.asked() == []
    companion.run("Generate")
    name, _ = service.take()
    service.answer(name, "running")
    companion.run("Cancel")
    assert service.take()[1] == {"verb": "job/cancel", "job": name}
    service.answer(name, "done", service.made(1, 3601 * RATE))
    companion.poll()
    assert host.spotted == []
    companion.run("Cancel")
    assert "nothing to cancel" in said[-1]


@pytest.mark.parametrize(
    ("change", "said_part"),
    [
        ({"tracks": []}, "exactly one track"),
        ({"locations": []}, "memory location"),
        ({"minimum": 0.0}, "unit other than dB"),
    ],
)
def test_what_is_missing_is_one_line(rig: Any, change: dict[str, Any], said_part: str) -> None:
    host, service, companion, said = rig
    for key, value in change.items():
        setattr(host, key, value)
    companion.run("Generate")
    assert service.asked() == [] and len(said) == 1 and said_part in said[0] and "\n" not in said[0]


def test_a_failed_job_is_said_once(rig: Any) -> None:
    _, service, companion, said = rig
    companion.run("Generate")
    name, _ = service.take()
    service.answer(name, "failed", text="the engine refused")
    for _ in range(3):
        companion.poll()
    assert said[1:] == ["the engine refused"]


def test_menu_items_choose_the_verbs(rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    host, _, companion, _ = rig
    tools = companion._tools
    items = {tools.add_menu(f"Draw an Audio: {verb}"): verb for verb in companion.verbs}
    tools.subscribe()
    assert len(items) == 5 and "Draw an Audio: Generate" in host.menu
    host.events.append({"event_id": "EId_MenuItemSelected", "event_data_json": json.dumps({"menu_item_id": "item2"})})
    assert items[tools.chosen()] == "Regenerate"
    assert tools.chosen() is None


@pytest.mark.parametrize(("start", "end"), [("48000", "192000"), ("0:01.000", "0:04.000")])
def test_memory_locations_are_read_in_what_the_main_counter_shows(rig: Any, start: str, end: str) -> None:
    host, service, companion, _ = rig
    host.locations[0] |= {"start_time": start, "end_time": end}
    companion.run("Generate")
    _, cue = service.take()
    assert (cue["start"]["samples"], cue["duration_s"]) == (3601 * RATE, 3.0)


@pytest.mark.parametrize(
    ("text", "time_type"),
    [
        ("1536000", "Samples"),
        ("01:00:02:00", "TimeCode"),
        ("01:00:02;00.50", "TimeCode"),
        ("1:04.286", "MinSecs"),
        ("2:00:30.500", "MinSecs"),
        ("33|1| 000", "BarsBeats"),
        ("12+05.00", "FeetFrames"),
    ],
)
def test_every_spelling_has_its_type(text: str, time_type: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = load(monkeypatch, "protools/drawaudio_protools.py", "drawaudio_protools")
    asked: list[Mapping[str, Any]] = []
    module.ProTools(lambda name, body: asked.append(body) or {"converted_location": {"location": 7}}).location_samples(
        text
    )
    assert asked[0]["location"] == {"location": text, "time_type": f"TLType_{time_type}"}


def test_a_place_in_an_unknown_spelling_is_refused(rig: Any) -> None:
    host, service, companion, said = rig
    host.locations[0]["start_time"] = "noon"
    companion.run("Generate")
    assert service.asked() == [] and "noon" in said[0]


def test_a_take_that_cannot_be_spotted_keeps_no_other_away(rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    host, service, companion, said = rig
    companion.run("Generate")
    name, _ = service.take()
    real = host.ImportAudioToClipList
    failed = {"failure_list": ["x"]}
    host.ImportAudioToClipList = lambda body: failed if "take01" in body["file_list"][0] else real(body)
    service.answer(name, "done", service.made(1, 3601 * RATE), service.made(2, 3601 * RATE))
    companion.poll()
    assert len(host.spotted) == 1 and "take01" in said[1] and "take02" in said[2]


def test_a_take_does_not_land_in_a_session_that_was_opened_meanwhile(rig: Any) -> None:
    host, service, companion, said = rig
    companion.run("Generate")
    name, _ = service.take()
    host.session = "Macintosh HD:Users:u:other.ptx"
    service.answer(name, "done", service.made(1, 3601 * RATE))
    companion.poll()
    assert host.spotted == [] and len(host.tracks) == 1
    assert "film.ptx" in said[-1] and "take01" in said[-1]


def test_the_take_made_last_is_not_regenerated_into_another_session(rig: Any) -> None:
    host, service, companion, said = rig
    make_first_take(companion, service)
    host.session = "Macintosh HD:Users:u:other.ptx"
    companion.run("Regenerate")
    assert service.asked() == [] and "film.ptx" in said[-1]


PTSL = {
    "grpc/__init__.py": "class RpcError(Exception): pass\n",
    "ptsl/__init__.py": "from .client import Client\nfrom .errors import CommandError\n",
    "ptsl/errors.py": "class CommandError(RuntimeError): pass\n",
    "ptsl/PTSL_pb2.py": "class CommandId:\n    Value = staticmethod(str)\n",
    "ptsl/client.py": """import contextlib, grpc
from .errors import CommandError
class Client:
    def run_command(self, command, request):
        if command == "CId_InstallMenuHandler": return {"menu_item_id": "m"}
        if command == "CId_PollEvents": raise FAULT
@contextlib.contextmanager
def open_client(company, application):
    if START: raise FAULT
    yield Client()
""",
}
"""py-ptsl as it is laid out: `open_client` is in `ptsl.client` only."""


@pytest.mark.parametrize(
    ("start", "fault", "said"),
    [
        (True, "grpc.RpcError()", "Pro Tools does not answer"),
        (False, "grpc.RpcError()", "Pro Tools does not answer"),
        (False, "CommandError('no session')", "Pro Tools: no session"),
    ],
)
def test_the_companion_starts_with_py_ptsl_and_ends_in_one_line(
    start: bool, fault: str, said: str, tmp_path: Path
) -> None:
    for name, text in PTSL.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text.replace("START", str(start)).replace("FAULT", fault))
    shutil.copy(SOURCE / "python/drawaudio_spool.py", tmp_path)
    shutil.copy(SOURCE / "protools/drawaudio_protools.py", tmp_path)
    paths = os.pathsep.join([str(tmp_path), str(SOURCE.parent)])
    done = subprocess.run(
        [sys.executable, str(tmp_path / "drawaudio_protools.py")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert (done.returncode, done.stderr.count("\n")) == (3, 1) and said in done.stderr, done.stderr
    assert ("ready" in done.stdout) == (not start)
