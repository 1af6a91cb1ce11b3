"""Every file of the data folder against values that others read from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.hosts import Project, ProjectError, read_project
from bridge.hosts.numbers import number

pytestmark = pytest.mark.data

#: Truth's word for a lane -> ours.
KINDS = {"track volume": "volume", "master volume": "volume", "send volume": "send", "route fader": "volume"}
RANGES = {"mark": "marker", "range": "region", "session": "session", "region": "region", "marker": "marker"}
#: Formats whose times go through a tempo map.
TEMPO_MAPPED = ("als", "dawproject", "midi")


def test_all_files_match_their_truth(data_folder: Path) -> None:
    checked = 0
    for truth_file in sorted((data_folder / "projects" / "truth").glob("*.json")):
        truth = json.loads(truth_file.read_text(encoding="utf-8"))
        (path,) = (data_folder / "projects").glob(f"*/{truth['file']}")
        if path.parent.name == "truth":
            continue
        checked += 1
        if "error" in truth:
            with pytest.raises(ProjectError):
                read_project(path)
            continue
        project = read_project(path)
        try:
            _CHECKS[truth["type"]](project, truth)
        except AssertionError as error:
            raise AssertionError(f"{path.name}: {error}") from error
    assert checked > 0


def all_lanes(project: Project) -> list[tuple[str, Any]]:
    return [(track.name, lane) for track in project.tracks for lane in track.lanes]


def check_envelopes(project: Project, truth: dict[str, Any]) -> None:
    """Each envelope of the truth is one lane of ours, point by point; no other volume lane is there."""
    tolerance = 1e-3 if project.format in TEMPO_MAPPED else 1e-6
    used = []
    for envelope in truth["envelopes"]:
        points = [point for point in envelope["points"] if point["t"] is not None]
        controls = KINDS.get(envelope.get("kind", ""), "volume")
        name = envelope.get("track_name", envelope.get("track"))
        found = [
            lane
            for track, lane in all_lanes(project)
            if track == name
            and lane.controls == controls
            and len(lane.points) == len(points)
            and all(
                abs(ours.time_s - theirs["t"]) <= tolerance
                and abs(ours.value - theirs["gain"]) <= 1e-6
                and ours.shape == theirs.get("shape", ours.shape)
                for ours, theirs in zip(lane.points, points, strict=True)
            )
        ]
        assert len(found) == 1, f"{name}: {len(found)} lanes match the truth"
        used.append(id(found[0]))
    others = [name for name, lane in all_lanes(project) if lane.controls == "volume" and id(lane) not in used]
    assert not others, f"volume lanes that the truth does not have: {others}"


def check_markers(project: Project, truth: dict[str, Any], time: str = "t") -> None:
    assert [marker.name for marker in project.markers] == [marker["name"] for marker in truth["markers"]]
    for ours, theirs in zip(project.markers, truth["markers"], strict=True):
        assert abs(ours.time_s - theirs[time]) < 1e-6, f"{ours.name}: {ours.time_s} is not {theirs[time]}"
        if theirs.get("kind") in RANGES:
            assert ours.kind == RANGES[theirs["kind"]]
        if theirs.get("t_end") is not None and ours.end_s is not None:
            assert abs(ours.end_s - theirs["t_end"]) < 1e-6


def check_lanes_and_markers(project: Project, truth: dict[str, Any]) -> None:
    check_envelopes(project, truth)
    check_markers(project, truth)


def check_dawproject(project: Project, truth: dict[str, Any]) -> None:
    lanes = [lane for _, lane in all_lanes(project)]
    assert len(lanes) == len(truth["envelopes"])
    for lane, envelope in zip(lanes, truth["envelopes"], strict=True):
        assert (lane.controls == "volume") == envelope["is_volume"]
        for ours, theirs in zip(lane.points, envelope["points"], strict=True):
            value = {"true": 1.0, "false": 0.0}.get(theirs["value"]) if theirs["value"] in ("true", "false") else None
            assert abs(ours.time_s - theirs["t"]) < 1e-3
            assert abs(ours.value - (number(theirs["value"]) if value is None else value)) < 1e-6
    check_markers(project, truth)


def check_midi(project: Project, truth: dict[str, Any]) -> None:
    lanes = [lane for _, lane in all_lanes(project)]
    assert len(lanes) == len(truth["lanes"])
    for key, events in truth["lanes"].items():
        controls = key.split()[-1].lower()
        wanted = [(round(event["t"], 3), round(event["cc"] / 127, 6)) for event in events]
        ours = [
            [(round(p.time_s, 3), round(p.value, 6)) for p in lane.points]
            for lane in lanes
            if lane.controls == controls
        ]
        assert wanted in ours, key
    check_markers(project, truth)


def check_edl(project: Project, truth: dict[str, Any]) -> None:
    assert [(m.name, m.color) for m in project.markers] == [(m["name"], m["color"]) for m in truth["markers"]]


def check_wave(project: Project, truth: dict[str, Any]) -> None:
    assert project.sample_rate == truth["fmt"]["rate"]
    assert project.start_s == pytest.approx(truth["bext"]["seconds"])
    check_markers(project, truth)


_CHECKS = {
    "rpp": check_lanes_and_markers,
    "ardour": check_lanes_and_markers,
    "als": check_lanes_and_markers,
    "dawproject": check_dawproject,
    "midi": check_midi,
    "edl": check_edl,
    "bwf": check_wave,
    "fcpxml": check_markers,
    "otio": lambda project, truth: check_markers(project, truth, "t_in_timeline"),
    "protools_txt": lambda project, truth: check_markers(project, truth, "t_from_session_start"),
}
