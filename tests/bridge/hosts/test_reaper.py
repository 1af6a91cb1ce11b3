"""REAPER projects: every kind of envelope read as what it is, the region spellings, automation items, odd texts."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from bridge.hosts import Lane, Project, ProjectError
from bridge.hosts.curves import lane_curve
from bridge.hosts.rpp_text import quoted, words

Read = Callable[[str, bytes | str], Project]


def lanes(project: Project, track: str) -> list[Lane]:
    return [lane for one in project.tracks if one.name == track for lane in one.lanes]


@pytest.fixture
def song(read: Read, samples: ModuleType) -> Project:
    return read("song.rpp", samples.RPP)


def test_the_project_around_the_tracks(song: Project) -> None:
    assert (song.format, song.version, song.sample_rate, str(song.frame_rate)) == (
        "rpp",
        "7.22/linux-x86_64",
        44100,
        "25",
    )
    assert song.start_s == 3600.0
    assert [(point.time_s, point.bpm, point.ramp) for point in song.tempo] == [
        (0.0, 120.0, False),
        (10.0, 60.0, True),
        (20.0, 90.0, False),
    ]
    (video,) = song.video
    assert (video.path, video.time_s, video.offset_s, video.length_s) == ("film.mov", 2.0, 12.5, 30.0)


def test_markers_and_the_three_spellings_of_a_region(song: Project) -> None:
    assert [(m.kind, m.name, m.time_s, m.end_s, m.color, m.selected) for m in song.markers] == [
        ("marker", "plain 'one'", 0.5, None, None, False),
        ("region", "long start", 1.0, 2.5, "#66ccff", True),
        ("region", 'says "boo"', 3.0, 4.0, "#ff0000", False),
        ("region", 'it\'s "both"', 5.0, 6.0, None, False),
    ]


def test_regions_that_begin_alike_keep_their_own_ends(read: Read) -> None:
    rows = ((1, 1.0, "rain"), (2, 1.0, "rain"), (2, 3.0, ""), (1, 2.0, ""))
    text = "".join(f'  MARKER {index} {time} "{name}" 1\n' for index, time, name in rows)
    project = read("alike.rpp", f'<REAPER_PROJECT 0.1 "7" 1\n{text}>\n')
    assert [(m.name, m.time_s, m.end_s) for m in project.markers] == [("rain", 1.0, 2.0), ("rain", 1.0, 3.0)]


def test_every_envelope_is_read_as_what_it_is(song: Project) -> None:
    assert [(lane.controls, lane.active, lane.name) for lane in lanes(song, "Foley")] == [
        ("send", True, "AUXVOLENV"),
        ("volume", True, "VOLENV2"),
        ("trim", False, "VOLENV3"),
        ("pan", True, "PANENV2"),
        ("param", True, "MUTEENV"),
        ("volume", True, "VOLENV"),
        ("param", True, "Loudness / Draw an Audio Guide"),
        ("param", True, "Gain 1 / ReaEQ"),
        ("take", True, "VOLENV"),
    ]
    assert [lane.controls for lane in lanes(song, "MASTER")] == ["volume"]


def test_shapes_tension_and_the_fader_law(song: Project) -> None:
    lane = next(lane for lane in lanes(song, "Foley") if lane.name == "VOLENV2")
    assert lane.domain == "reaper_fader"
    assert [(p.time_s, p.value, p.shape, p.tension) for p in lane.points] == [
        (0.0, 1.0, "linear", 0.0),
        (1.0, 0.5, "hold", 0.0),
        (2.0, 0.25, "slow", 0.0),
        (3.0, 1.0, "fast_start", 0.0),
        (4.0, 0.5, "fast_end", 0.0),
        (5.0, 1.0, "bezier", -0.5),
        (6.0, 0.0, "linear", 0.0),
    ]


def test_the_guide_plug_in_is_found_and_is_in_db(song: Project) -> None:
    (guide,) = [lane for lane in lanes(song, "Foley") if lane.guide]
    assert guide.domain == "db" and [p.value for p in guide.points] == [-60.0, 0.0]
    assert lane_curve(guide, 0.0, 2.0).sample(np.array([1.0])) == pytest.approx([-30.0])


def test_a_take_envelope_is_in_the_items_time(song: Project) -> None:
    (take,) = [lane for lane in lanes(song, "Foley") if lane.controls == "take"]
    assert [(p.time_s, p.value) for p in take.points] == [(10.0, 1.0), (12.0, 0.5)]  # play rate 2


def test_an_automation_item_is_drawn_into_the_lane(song: Project) -> None:
    (lane,) = lanes(song, "Swell: pooled")
    curve = lane_curve(lane, 0.0, 3.0)
    times = np.array([0.5, 1.0, 1.5, 1.999, 2.5])
    assert 10 ** (curve.sample(times) / 20) == pytest.approx([1.0, 0.0, 0.5, 0.999, 1.0], abs=1e-6)
    assert any("automation item" in warning for warning in song.warnings)


def item(read: Read, samples: ModuleType, line: str, *, voltype: str = "") -> Lane:
    text = samples.RPP.replace("POOLEDENVINST 1 1 1 0 1 0 0.5 1 1 0 0 1 0 0 0.012 1", voltype + line)
    return lanes(read("item.rpp", text), "Swell: pooled")[0]


def test_a_looped_item_repeats_and_its_offset_rate_and_amplitude_count(read: Read, samples: ModuleType) -> None:
    looped = item(read, samples, "POOLEDENVINST 1 1 3 0 1 0 0.5 1 1 0 0 1 0 0 0 1")
    gain = 10 ** (lane_curve(looped, 0.0, 5.0).sample(np.array([1.25, 2.25, 3.25])) / 20)
    assert gain == pytest.approx([0.25, 0.25, 0.25], abs=1e-6)
    turned = item(read, samples, "POOLEDENVINST 1 1 1 0 1 0 0.5 -1 1 0 0 1 0 0 0 1")
    assert 10 ** (lane_curve(turned, 0.0, 5.0).sample(np.array([1.25])) / 20) == pytest.approx([0.75], abs=1e-6)
    later = item(read, samples, "POOLEDENVINST 1 1 0.5 0.5 1 0 0.5 1 1 0 0 1 0 0 0 1")
    assert 10 ** (lane_curve(later, 0.0, 5.0).sample(np.array([1.0])) / 20) == pytest.approx([0.5], abs=1e-6)
    fast = item(read, samples, "POOLEDENVINST 1 1 1 0 2 0 0.5 1 0 0 0 1 0 0 0 1")
    assert 10 ** (lane_curve(fast, 0.0, 5.0).sample(np.array([1.25, 1.75])) / 20) == pytest.approx([0.5, 1.0], abs=1e-6)


def test_a_muted_or_unknown_item_changes_nothing(read: Read, samples: ModuleType) -> None:
    muted = item(read, samples, "POOLEDENVINST 1 1 1 0 1 0 0.5 1 1 0 0 1 1 0 0 1")
    assert [p.value for p in muted.points] == [1.0]
    unknown = item(read, samples, "POOLEDENVINST 9 1 1 0 1 0 0.5 1 1 0 0 1 0 0 0 1")
    assert [p.value for p in unknown.points] == [1.0]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ('NAME "a b"', ["NAME", "a b"]),
        ("NAME 'say \"x\"'", ["NAME", 'say "x"']),
        ('NAME `it\'s "x"`', ["NAME", 'it\'s "x"']),
        ('NAME ""', ["NAME", ""]),
        ('NAME "never ends', ["NAME", "never ends"]),
        ("PT 0 1 0", ["PT", "0", "1", "0"]),
        ('NAME ab"c', ["NAME", 'ab"c']),
    ],
)
def test_words_and_their_three_quotes(line: str, wanted: list[str]) -> None:
    assert words(line) == wanted


@pytest.mark.parametrize("name", ["plain", "two words", 'a "b"', "it's", "", "`tick`", "x;#y", "Tür · Foley"])
def test_quoting_is_undone_by_reading(name: str) -> None:
    assert words(f"NAME {quoted(name)}") == ["NAME", name]


def test_crlf_latin_1_and_a_byte_order_mark(read: Read, samples: ModuleType) -> None:
    plain = read("plain.rpp", samples.RPP)
    crlf = read("crlf.rpp", samples.RPP.replace("\n", "\r\n"))
    marked = read("bom.rpp", b"\xef\xbb\xbf" + samples.RPP.encode())
    assert crlf.to_json() == plain.to_json() == marked.to_json()
    latin = read("latin.rpp", samples.RPP.replace("plain 'one'", "Tür").encode("latin-1"))
    assert latin.markers[0].name == "Tür"


def test_a_cut_file_is_read_as_far_as_it_goes(read: Read, samples: ModuleType) -> None:
    text = samples.RPP[: samples.RPP.index("PT 2 0.25 2")]
    project = read("cut.rpp", text)
    assert any("ends in the middle" in warning for warning in project.warnings)
    assert len(next(lane for lane in lanes(project, "Foley") if lane.name == "VOLENV2").points) == 2


def test_a_damaged_point_is_told_and_left_out(read: Read, samples: ModuleType) -> None:
    project = read("bad.rpp", samples.RPP.replace("PT 2 0.25 2", "PT x 0.25 2").replace("PT 3 1 3", "PT 3 nan 3"))
    assert sum("could not be read" in warning for warning in project.warnings) == 2
    assert len(next(lane for lane in lanes(project, "Foley") if lane.name == "VOLENV2").points) == 5


def test_what_is_no_project_is_one_line(read: Read) -> None:
    with pytest.raises(ProjectError, match=r"no\.rpp: not a readable REAPER project"):
        read("no.rpp", "hello\n")


def test_a_three_megabyte_project_is_read_fast(read: Read) -> None:
    import time

    points = "".join(f"      PT {i / 100:.3f} {0.5 + (i % 7) / 20:.8f} 0\n" for i in range(30_000))
    blob = "".join(f"        {'QUJD' * 24}\n" for _ in range(22_000))
    track = (
        f"  <TRACK\n    NAME x\n    <VOLENV2\n{points}    >\n    <FXCHAIN\n      <VST x\n{blob}      >\n    >\n  >\n"
    )
    text = f'<REAPER_PROJECT 0.1 "7" 1\n{track}>\n'
    assert len(text) > 3_000_000
    begun = time.process_time()
    project = read("big.rpp", text)
    assert time.process_time() - begun < 1.0
    assert len(project.tracks[0].lanes[0].points) == 30_000
