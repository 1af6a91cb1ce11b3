"""Ardour sessions from 2 to 8: the three kinds of time, what each list controls, the kinds of location."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from bridge.hosts import Lane, Project, ProjectError
from bridge.hosts.curves import lane_curve

Read = Callable[[str, bytes | str], Project]


def found(project: Project) -> list[tuple[str, str, bool, str, list[tuple[float, float, str]]]]:
    return [
        (track.name, lane.controls, lane.active, lane.domain, [(p.time_s, p.value, p.shape) for p in lane.points])
        for track in project.tracks
        for lane in track.lanes
    ]


def test_superclocks_beats_and_every_kind_of_list(read: Read, samples: ModuleType) -> None:
    project = read("seven.ardour", samples.ARDOUR_7)
    assert (project.version, project.sample_rate, str(project.frame_rate), project.start_s) == (
        "7002",
        48000,
        "25",
        3600.0,
    )
    assert found(project) == [
        ("Guide", "param", True, "gain", [(0.0, 0.0, "hold"), (1.0, 1.0, "hold")]),
        ("Guide", "trim", True, "db", [(0.0, 2.0, "linear"), (1.0, 4.0, "linear")]),
        # Two lists of one control: merged, the point that both have only once.
        ("Guide", "volume", True, "ardour_fader",
         [(0.0, 1.0, "linear"), (1.0, 0.5, "linear"), (2.0, 0.0, "linear"), (3.0, 1.0, "linear")]),
        ("Guide", "send", True, "ardour_fader", [(0.0, 0.125, "linear")]),
        ("Guide", "param", True, "db", [(0.0, -60.0, "linear"), (2.0, 0.0, "linear")]),
        ("Guide", "take", True, "ardour_fader", [(2.0, 1.0, "linear"), (2.5, 0.5, "linear")]),
        ("All", "vca", True, "ardour_fader", [(0.0, 0.5, "linear")]),
    ]  # fmt: skip
    assert [lane.guide for track in project.tracks for lane in track.lanes].count(True) == 1
    assert [(video.path, video.time_s) for video in project.video] == [("film.mov", 0.5)]


def test_which_locations_are_cues(read: Read, samples: ModuleType) -> None:
    project = read("seven.ardour", samples.ARDOUR_7)
    assert [(m.kind, m.name, m.time_s, m.end_s, m.section) for m in project.markers] == [
        ("session", "session", 0.0, 10.0, False),
        ("loop", "Loop", 0.0, 1.0, False),
        ("punch", "Punch", 0.0, 1.0, False),
        ("region", "Guide: door slams", 1.0, 2.5, False),
        ("marker", "@door", 1.5, None, False),
        ("region", "verse", 0.0, 2.0, True),
        ("region", "in beats", 2.0, 4.0, False),
    ]


def test_sample_times_of_version_3_and_a_send_of_its_own(read: Read, samples: ModuleType) -> None:
    project = read("three.ardour", samples.ARDOUR_3)
    assert found(project) == [
        ("Bed", "volume", False, "gain", [(0.0, 1.0, "linear"), (4.0, 0.5, "linear")]),
        ("Bed", "send", True, "gain", [(0.0, 0.5, "linear")]),
    ]
    assert [(m.kind, m.time_s, m.end_s) for m in project.markers] == [("region", 1.0, 2.0)]
    assert project.tempo[0].bpm == 145.0


def test_version_2(read: Read, samples: ModuleType) -> None:
    project = read("two.ardour", samples.ARDOUR_2)
    assert [(name, controls, active) for name, controls, active, _, _ in found(project)] == [
        ("Vocal", "pan", True),
        ("Vocal", "volume", True),
        ("Vocal", "send", False),
        ("Vocal", "param", False),
    ]
    assert str(project.frame_rate) == "29.97DF"
    assert [(m.kind, m.name) for m in project.markers] == [("marker", "start"), ("punch", "Punch")]


def test_the_fader_law_is_ardours(read: Read, samples: ModuleType) -> None:
    lane = next(
        lane
        for track in read("seven.ardour", samples.ARDOUR_7).tracks
        for lane in track.lanes
        if lane.controls == "volume"
    )
    position = lambda gain: ((6 * np.log2(gain) + 192) / 198) ** 8  # noqa: E731
    middle = (position(1.0) + position(0.5)) / 2
    gain = 2 ** ((middle ** (1 / 8) * 198 - 192) / 6)
    assert lane_curve(lane, 0.0, 1.0).sample(np.array([0.5])) == pytest.approx([20 * np.log10(gain)], abs=1e-9)


def test_a_glide_of_tempo_is_linear_in_beats(read: Read, samples: ModuleType) -> None:
    glide = (
        '<Tempo npm="60" enpm="120" note-type="4" type="Tempo::Ramped" sclock="0" quarters="0:0"/>'
        '<Tempo npm="120" enpm="120" note-type="4" type="Tempo::Constant" sclock="782515512" quarters="4:0"/>'
    )
    old = '<Tempo npm="60" enpm="60" note-type="4" type="Tempo::Constant" sclock="0" quarters="0:0" bbt="1|1|0"/>'
    project = read("glide.ardour", samples.ARDOUR_7.replace(old, glide))
    region = next(m for m in project.markers if m.name == "in beats")
    assert region.time_s == pytest.approx(4 * np.log(1.5), abs=1e-9)
    assert region.end_s == pytest.approx(782515512 / 282240000, abs=1e-9)


def test_another_superclock_rate(read: Read, samples: ModuleType) -> None:
    text = samples.ARDOUR_7.replace('superclocks-per-second="282240000"', 'superclocks-per-second="564480000"')
    assert read("double.ardour", text).markers[3].time_s == 0.5


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("<Session version='7002' sample-rate='48000'><Routes>", "broken XML at line 1"),
        ("<Session version='7002'/>", "no Ardour session"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><Session version="7002" sample-rate="48000"/>', "document type"),
        ("<!DOCTYPE x><Session version='7002' sample-rate='48000'/>", "document type"),
        ("<Session sample-rate='48000'>" + "<a>" * 300 + "</a>" * 300 + "</Session>", "nested"),
    ],
)
def test_what_is_broken_or_unsafe_is_one_line(read: Read, text: str, part: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read("bad.ardour", text)
    assert part in str(caught.value) and "\n" not in str(caught.value)


def test_a_midi_controller_lane_is_no_fader(read: Read, samples: ModuleType) -> None:
    events = "<events>a0 127 a282240000 0</events>"
    cc = f'<Automation><AutomationList automation-id="midicc-0-7" state="Play">{events}</AutomationList></Automation>'
    text = samples.ARDOUR_7.replace('<PresentationInfo order="0" flags="MasterOut"/>', cc)
    lane: Lane = read("cc.ardour", text).tracks[0].lanes[0]
    assert (lane.controls, lane.domain, [p.value for p in lane.points]) == ("cc7", "midi_cc", [1.0, 0.0])
