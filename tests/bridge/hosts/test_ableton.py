"""Live sets: lanes in and beside their parameters, bent segments, glides of tempo, the initial event."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from bridge.hosts import Project, ProjectError
from bridge.hosts.curves import evaluate

Read = Callable[[str, bytes | str], Project]
T8 = 4 + 4 * np.log(2)


def test_lanes_of_old_and_new_sets(read: Read, samples: ModuleType) -> None:
    project = read("song.als", samples.als())
    guide, old = project.tracks
    assert [(lane.controls, lane.domain, lane.name) for lane in guide.lanes] == [
        ("volume", "db", "Volume"),
        ("pan", "gain", "Pan"),
        ("send", "db", "Send A"),
        ("param", "gain", "On"),
    ]
    volume = [point for point in guide.lanes[0].points if not point.added]
    assert [p.time_s for p in volume] == pytest.approx([0.0, 4.0, T8], abs=1e-9)
    assert [(p.value, p.shape, p.control) for p in volume] == [
        (1.0, "linear", None),
        (0.5, "cubic", (0.2, 0.8, 0.6, 0.9)),
        (0.0003162277571, "linear", None),
    ]
    # The value before all automation, at beat -63072000, is no point of the lane.
    assert [(p.time_s, p.value) for p in old.lanes[0].points] == [(1.0, 0.5)]


def test_locators_and_tempo(read: Read, samples: ModuleType) -> None:
    project = read("song.als", samples.als())
    assert [(m.kind, m.name, round(m.time_s, 9)) for m in project.markers] == [
        ("marker", "late", round(T8, 9)),
        ("marker", "early", 0.0),
    ]
    assert [(round(p.time_s, 9), p.bpm, p.ramp) for p in project.tempo] == [
        (0.0, 60.0, False),
        (4.0, 60.0, True),
        (round(T8, 9), 120.0, True),
    ]


def test_an_unpacked_set_is_read_too_and_a_newer_one_is_told(read: Read, samples: ModuleType) -> None:
    assert read("plain.als", samples.ALS_XML).to_json() == read("song.als", samples.als()).to_json()
    newer = read("newer.als", samples.als(samples.ALS_XML.replace("Live 12.1", "Live 14.0")))
    assert any("newer than what is known" in warning for warning in newer.warnings)


def test_a_tempo_that_stands_elsewhere_and_only_in_its_automation(read: Read, samples: ModuleType) -> None:
    events = '<ArrangerAutomation><Events><FloatEvent Time="-63072000" Value="90"/></Events></ArrangerAutomation>'
    chain = f"<MasterChain><Mixer><Tempo>{events}</Tempo></Mixer></MasterChain>"
    begin, end = samples.ALS_XML.index("<MainTrack>"), samples.ALS_XML.index("</MainTrack>")
    project = read("8.als", samples.ALS_XML[:begin] + f"<MasterTrack>{chain}</MasterTrack>"
                   + samples.ALS_XML[end + len("</MainTrack>"):])  # fmt: skip
    assert [(p.time_s, p.bpm) for p in project.tempo] == [(0.0, 90.0)]
    assert project.markers[0].time_s == pytest.approx(8 * 60 / 90)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"JUNK!", "not a readable Ableton Live set"),
        (gzip.compress(b"<Ableton>" * 200)[:-9], "damaged gzip"),
        (gzip.compress(b" " * 30_000_000), "far more than a project holds"),
        (gzip.compress(b"<Ableton Creator='Live'/>"), "no Live set"),
        (b"", "the file is empty"),
    ],
)
def test_what_is_broken_is_one_line(read: Read, content: bytes, part: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read("bad.als", content)
    assert part in str(caught.value) and "\n" not in str(caught.value)


def test_a_line_over_a_change_of_tempo_stays_straight_in_beats(read: Read, samples: ModuleType) -> None:
    """60 BPM for four beats, then a glide to 120 over four; `inspect` tells the file's own points only."""
    xml, count = re.subn(r'<FloatEvent [^>]*Time="4" Value="0.5"[^>]*/>', "", samples.ALS_XML)
    assert count == 1
    project = read("song.als", samples.als(xml))
    lane = project.tracks[0].lanes[0]
    beats = np.linspace(0.0, 8.0, 401)
    at = np.where(beats <= 4, beats, 4 + 4 * np.log1p(np.maximum(beats - 4, 0) / 4))
    heard = 20 * np.log10([evaluate(lane, time) for time in at])
    assert np.abs(heard + 70 / 8 * beats).max() < 0.01
    told = lane.to_json()["points"]
    assert isinstance(told, list) and len(told) == 2 < len(lane.points)
