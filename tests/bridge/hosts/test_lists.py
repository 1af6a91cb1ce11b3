"""MIDI, Pro Tools text, edit lists, FCPXML, OpenTimelineIO, marker tables and wave cues."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from types import ModuleType

import pytest

from bridge.hosts import Project, ProjectError

Read = Callable[[str, bytes | str], Project]


def markers(project: Project) -> list[tuple[str, str, float, float | None]]:
    return [(m.kind, m.name, round(m.time_s, 6), m.end_s and round(m.end_s, 6)) for m in project.markers]


# -------------------------------------------------------------------------------------------------------------- MIDI


def test_midi_lanes_in_7_and_14_bits(read: Read, samples: ModuleType) -> None:
    project = read("song.mid", samples.midi())
    lanes = [(t.name, lane.controls, lane.domain, [(p.time_s, p.value, p.shape) for p in lane.points])
             for t in project.tracks for lane in t.lanes]  # fmt: skip
    assert lanes == [
        ("Foley ch1", "cc7", "midi_cc", [(0.0, 1.0, "hold"), (1.0, 64 / 127, "hold")]),
        ("Foley ch1", "cc11", "midi_cc", [(1.0, (64 * 128 + 32) / 16383, "hold"), (2.0, 0.0, "hold")]),
        ("Foley ch2", "cc7", "midi_cc", [(2.0 + 1 / 480, 16 / 127, "hold")]),
    ]
    assert markers(project) == [("marker", "door", 0.5, None), ("marker", "Tür", 2.0, None)]
    assert [(p.time_s, p.bpm) for p in project.tempo] == [(0.0, 120.0), (1.0, 60.0)]


def midi_track(body: bytes) -> bytes:
    body += b"\0\xff\x2f\0"
    return b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk" + len(body).to_bytes(4) + body


def test_running_status_goes_on_behind_a_marker_and_a_sysex(read: Read) -> None:
    body = b"\0\xb0\x07\x7f" + b"\x60\xff\x06\x01x" + b"\x60\x07\x40" + b"\0\xf0\x02\x01\xf7" + b"\x60\x07\x20"
    project = read("running.mid", midi_track(body))
    assert not project.warnings
    assert [p.value * 127 for p in project.tracks[0].lanes[0].points] == pytest.approx([127, 64, 32])


def test_a_lower_half_that_stays_0_makes_no_14_bit_lane(read: Read) -> None:
    project = read("reset.mid", midi_track(b"\0\xb0\x07\x7f" + b"\0\x27\x00" + b"\x60\x07\x40"))
    assert [p.value for p in project.tracks[0].lanes[0].points] == [1.0, 64 / 127]


def test_smpte_time_and_a_cut_track(read: Read, samples: ModuleType) -> None:
    data = bytearray(samples.midi())
    data[12:14] = bytes([256 - 25, 40])  # 25 frames of 40 ticks
    project = read("smpte.mid", bytes(data))
    assert markers(project)[0] == ("marker", "door", 0.48, None) and project.tempo == ()
    cut = read("cut.mid", samples.midi()[:-12])
    assert any("damaged" in warning for warning in cut.warnings)
    with pytest.raises(ProjectError, match="no usable time division"):
        read("zero.mid", samples.midi()[:12] + b"\0\0" + samples.midi()[14:])


# ----------------------------------------------------------------------------------------------- Pro Tools, edit list


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_pro_tools_markers(read: Read, samples: ModuleType, encoding: str) -> None:
    project = read("reel.txt", samples.PROTOOLS.encode(encoding))
    assert (project.format, project.sample_rate, str(project.frame_rate), project.start_s) == (
        "protools_txt", 48000, "25", 3600.0)  # fmt: skip
    assert markers(project) == [("marker", "door – slams", 1.0, None), ("marker", "in bars", 2.48, None)]
    assert [track.name for track in project.tracks] == ["Foley"]


def test_pro_tools_bars_cannot_be_placed(read: Read, samples: ModuleType) -> None:
    project = read("bars.txt", samples.PROTOOLS.replace("01:00:02:12", "3|1|000"))
    assert len(project.markers) == 1 and any("bars and beats" in warning for warning in project.warnings)


def test_edit_list_locators_in_drop_frame(read: Read, samples: ModuleType) -> None:
    project = read("reel.edl", samples.EDL)
    assert str(project.frame_rate) == "29.97DF"
    assert project.start_s == pytest.approx(107892 * 1001 / 30000)
    assert [(m.name, m.color) for m in project.markers] == [("door slams", "RED"), ("after the drop", "GREEN")]
    # 45 frames, and a minute and two frames of which two labels are dropped.
    assert [m.time_s for m in project.markers] == pytest.approx([45 * 1001 / 30000, 1800 * 1001 / 30000])


def test_an_edit_list_without_a_rate_says_what_was_assumed(read: Read, samples: ModuleType) -> None:
    text = samples.EDL.replace("DROP", "NON-DROP").replace(";", ":").replace("01:15", "01:24")
    project = read("ndf.edl", text)
    assert str(project.frame_rate) == "25" and "is assumed" in project.warnings[0]


def test_an_edit_list_without_a_head(read: Read, samples: ModuleType) -> None:
    project = read("list.txt", samples.EDL.partition("FRAME\n")[2].replace(";", ":"))
    assert project.format == "edl" and [m.name for m in project.markers] == ["door slams", "after the drop"]


def test_resolves_timeline_markers(read: Read) -> None:
    event = "00{n}  001      V     C        {at} {to} {at} {to}  \n"
    text = "TITLE: T\nFCM: NON-DROP FRAME\n\n"
    text += event.format(n=1, at="01:00:05:00", to="01:00:05:01") + " |C:ResolveColorBlue |M:hit |D:1\n\n"
    text += event.format(n=2, at="01:00:06:00", to="01:00:06:01") + "note |C:ResolveColorRed |M:rain on tin |D:48\n"
    project = read("resolve.edl", text)
    assert markers(project) == [("marker", "hit", 0.0, None), ("region", "rain on tin", 1.0, 3.0)]
    assert [marker.color for marker in project.markers] == ["blue", "red"] and project.start_s == 3605.0


# -------------------------------------------------------------------------------------------------- FCPXML and OTIO


def test_fcpxml_markers_in_clips_storylines_and_gaps(read: Read, samples: ModuleType) -> None:
    project = read("reel.fcpxml", samples.FCPXML)
    assert (project.sample_rate, str(project.frame_rate), project.start_s) == (48000, "29.97DF", 3600.0)
    assert markers(project) == [
        ("marker", "in the clip", 2.0, None),
        ("marker", "on top", 6.0, None),
        ("marker", "in a storyline", 5.5, None),
        ("marker", "chapter", 11.0, None),
    ]
    assert [(v.path, v.time_s, v.offset_s) for v in project.video] == [("file:///film.mov", 0.0, 100.0)]


def test_fcpxml_with_an_internal_subset_is_refused(read: Read, samples: ModuleType) -> None:
    with pytest.raises(ProjectError, match="refused for safety"):
        read("evil.fcpxml", samples.FCPXML.replace("<!DOCTYPE fcpxml>", '<!DOCTYPE fcpxml [<!ENTITY a "b">]>'))


def test_otio_markers_nested_and_packed(read: Read, samples: ModuleType) -> None:
    wanted = [
        ("region", "on the stack", 2.0, 3.0),
        ("marker", "in the clip", 1.4, None),
        ("marker", "untrimmed", 3.2, None),
    ]
    project = read("reel.otio", samples.OTIO)
    assert markers(project) == wanted and project.start_s == 3600.0 and str(project.frame_rate) == "25"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("content.otio", samples.OTIO)
    assert markers(read("reel.otioz", packed.getvalue())) == wanted


def test_otio_that_is_no_timeline(read: Read) -> None:
    with pytest.raises(ProjectError, match="holds Clip, not a Timeline"):
        read("clip.otio", json.dumps({"OTIO_SCHEMA": "Clip.2"}))
    with pytest.raises(ProjectError, match="broken JSON"):
        read("bad.otio", '{"OTIO_SCHEMA": "Timeline.1", ')
    with pytest.raises(ProjectError):
        read("deep.otio", '{"OTIO_SCHEMA": "Stack.1", "children": [' * 5000)


# ---------------------------------------------------------------------------------------------- tables and wave cues


def test_reapers_marker_table(read: Read, samples: ModuleType) -> None:
    project = read("regions.csv", samples.REAPER_CSV)
    assert markers(project) == [("marker", "cue point", 1.5, None), ("region", "door, slams", 2.0, 4.25)]
    assert project.markers[1].color == "#ff8000"


def test_a_table_by_other_heads_and_separators(read: Read) -> None:
    table = "ID;Name;Position;End;Length;Type\n1;rain;00:00:01:15;00:00:03:00;;Cycle\n2;hit;00:00:05:00;;;Position\n"
    project = read("nuendo.csv", table)
    assert markers(project) == [("region", "rain", 1.5, 3.0), ("marker", "hit", 5.0, None)]
    assert any("frame rate" in warning for warning in project.warnings)
    hours = read("hours.csv", "Name\tStart\tLength\nrain\t1:00:01.5\t0:02\n")
    assert markers(hours) == [("region", "rain", 3601.5, 3603.5)]


def test_a_table_in_bars_says_how_to_export_it(read: Read) -> None:
    with pytest.raises(ProjectError, match="Minutes:Seconds"):
        read("bars.csv", "#,Name,Start,End,Length\nM1,x,1.1.00,,\n")
    with pytest.raises(ProjectError, match="no column says where"):
        read("other.csv", "Name,Colour,Size\na,b,c\n")


def test_reapers_samples_and_frames_are_not_taken_for_seconds(read: Read) -> None:
    table = "#,Name,Start,End,Length\nR1,rain,{},{},{}\n"
    with pytest.raises(ProjectError, match="Minutes:Seconds"):
        read("samples.csv", table.format(72000, 96000, 24000))
    assert markers(read("seconds.csv", table.format("1.500", "2.000", "0.500"))) == [("region", "rain", 1.5, 2.0)]


@pytest.mark.parametrize("list_name", [b"LIST", b"list"])
def test_wave_cues(read: Read, samples: ModuleType, list_name: bytes) -> None:
    project = read("cues.wav", samples.wave(list_name))
    assert (project.sample_rate, project.start_s) == (48000, 3600.0)
    assert markers(project) == [("marker", "Tür", 0.25, None), ("region", "slam", 0.5, 0.625)]


def test_a_cut_wave_file_is_told(read: Read, samples: ModuleType) -> None:
    project = read("cut.wav", samples.wave()[:-20])
    assert any("cut in its" in warning for warning in project.warnings)
    with pytest.raises(ProjectError, match="no sample rate"):
        read("empty.wav", b"RIFF\x04\0\0\0WAVE")


def test_the_content_counts_not_the_name(read: Read, samples: ModuleType) -> None:
    assert read("song.txt", samples.RPP).format == "rpp"
    assert read("noname", samples.midi()).format == "midi"
    with pytest.raises(ProjectError, match="known are"):
        read("letter.doc", "Dear reader")
