"""DAWproject: units, beats and seconds, clips and their loops, paired markers, and zip files that mean harm."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from bridge.hosts import Project, ProjectError
from bridge.hosts.curves import evaluate

Read = Callable[[str, bytes | str], Project]
T4 = 4 * np.log(2)  # beat 4, after a glide from 60 to 120 BPM


def lanes(project: Project) -> list[tuple[str, str, str, list[tuple[float, float, str]]]]:
    return [
        (
            track.name,
            lane.controls,
            lane.domain,
            [(round(p.time_s, 6), round(p.value, 6), p.shape) for p in lane.points],
        )
        for track in project.tracks
        for lane in track.lanes
    ]


def test_units_times_and_targets(read: Read, samples: ModuleType) -> None:
    project = read("song.dawproject", samples.dawproject())
    t4, t8 = round(T4, 6), round(T4 + 2, 6)
    found = lanes(project)
    # A line under the glide of tempo gets points that keep it straight in beats.
    whole = found[0][3]
    found[0] = (*found[0][:3], [whole[0], *whole[-2:]])
    assert found == [
        ("Guide", "volume", "gain", [(0.0, 1.0, "linear"), (t4, 0.5, "hold"), (t8, 0.0, "hold")]),
        ("Guide", "send", "gain", [(0.0, 0.5, "hold")]),
        ("Guide", "pan", "gain", [(0.0, 0.25, "hold")]),
        ("Guide", "param", "gain", [(0.0, 1.0, "hold")]),
        ("Guide", "param", "db", [(0.0, -60.0, "linear"), (2.5, 0.0, "hold")]),
        ("Guide", "take", "gain", [(t4, 1.0, "linear"), (round(T4 + 1, 6), 0.5, "linear")]),
        ("Group", "vca", "db", [(0.0, 0.501187, "hold")]),
        ("Inner", "volume", "gain", [(0.0, 0.5, "hold")]),
    ]
    assert [lane.guide for track in project.tracks for lane in track.lanes].count(True) == 1


def test_a_line_in_beats_is_straight_in_beats_while_the_tempo_glides(read: Read, samples: ModuleType) -> None:
    (lane,) = (
        lane for lane in read("song.dawproject", samples.dawproject()).tracks[0].lanes if lane.controls == "volume"
    )
    beats = np.linspace(0.0, 3.99, 400)
    heard = [evaluate(lane, 4 * np.log1p(beat / 4)) for beat in beats]  # from 60 to 120 BPM over four beats
    assert np.abs(20 * np.log10(heard / (1 - beats / 8))).max() < 0.005


def test_paired_markers_are_a_region(read: Read, samples: ModuleType) -> None:
    project = read("song.dawproject", samples.dawproject())
    assert [(m.kind, m.name, m.color) for m in project.markers] == [
        ("region", "Guide: rain", "#ff0000"),
        ("marker", "drop", None),
    ]
    assert (project.markers[0].time_s, project.markers[0].end_s) == pytest.approx((T4, T4 + 2))


def clip_lane(read: Read, samples: ModuleType, clip: str, points: str) -> list[tuple[float, float, str]]:
    old = samples.DAWPROJECT_XML
    begin, end = old.index("<Clip time"), old.index("</Clips>")
    body = f'{clip}<Points unit="linear"><Target parameter="v4"/>{points}</Points></Clip>'
    project = read("clip.dawproject", samples.dawproject(old[:begin] + body + old[end:]))
    return next(points for track, _, _, points in lanes(project) if track == "Master")


def test_a_clip_cuts_and_loops_its_automation(read: Read, samples: ModuleType) -> None:
    line = (
        '<RealPoint time="0" value="0" interpolation="linear"/><RealPoint time="4" value="1" interpolation="linear"/>'
    )
    t4 = round(T4, 6)
    cut = clip_lane(read, samples, '<Clip time="4" duration="2" playStart="1">', line)
    assert [(t, v) for t, v, _ in cut] == [(t4, 0.25), (round(T4 + 1, 6), 0.75)]
    loop = clip_lane(read, samples, '<Clip time="4" duration="8" playStart="0" loopStart="0" loopEnd="4">', line)
    assert [(t, v) for t, v, _ in loop] == [
        (t4, 0.0),
        (round(T4 + 2, 6), 1.0),
        (round(T4 + 2, 6), 0.0),
        (round(T4 + 4, 6), 1.0),
    ]


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (zipped(project_xml=b"<Project>" + b" " * 20_000_000 + b"</Project>"), "far more than a project holds"),
        (zipped(other_xml=b"<Project/>"), "no project.xml"),
        (zipped(project_xml=b'<!DOCTYPE a [<!ENTITY b "c">]><Project>&b;</Project>'), "document type"),
        (zipped(project_xml=b"<Song/>"), "no <Project>"),
        (zipped(project_xml=b"<Project>"), "broken XML"),
        (zipped(project_xml=b"<Project/>")[:-30], "damaged zip"),
    ],
)
def test_zip_bombs_entities_and_damage_are_refused(read: Read, content: bytes, part: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read("bad.dawproject", content)
    assert part in str(caught.value) and "\n" not in str(caught.value)
