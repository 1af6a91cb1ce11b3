"""Standard MIDI Files and marker tables: what is easily read as something else."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from bridge.hosts import Project, ProjectError

Read = Callable[[str, bytes | str], Project]

END = b"\0\xff\x2f\0"


def chunk(body: bytes, name: bytes = b"MTrk") -> bytes:
    return name + struct.pack(">I", len(body)) + body


def smf(*tracks: bytes, kind: int = 1, division: int = 480, head: bytes = b"") -> bytes:
    header = chunk(struct.pack(">HHH", kind, len(tracks), division) + head, b"MThd")
    return header + b"".join(chunk(track + END) for track in tracks)


def meta(kind: int, body: bytes, delta: bytes = b"\0") -> bytes:
    return delta + b"\xff" + bytes([kind, len(body)]) + body


def tempo(bpm: float, delta: bytes = b"\0") -> bytes:
    return meta(0x51, round(60e6 / bpm).to_bytes(3), delta)


BEAT = b"\x83\x60"  # 480 ticks


def lanes(project: Project) -> dict[tuple[str, str], list[tuple[float, float]]]:
    return {
        (track.name, lane.controls): [(round(p.time_s, 9), round(p.value * 127, 9)) for p in lane.points]
        for track in project.tracks
        for lane in track.lanes
    }


def test_running_status_across_meta_sysex_and_real_time(read: Read) -> None:
    body = b"\0\xb0\x07\x7f" + BEAT + b"\x07\x40" + meta(0x06, b"m") + b"\0\xf0\x02\x01\xf7" + b"\0\xf8"
    body += (
        b"\0\xf7\x01\xfe" + BEAT + b"\x07\x20" + b"\0\xc0\x05" + b"\0\x06" + b"\0\xe0\0\x40" + BEAT + b"\xb0\x07\x10"
    )
    project = read("running.mid", smf(body))
    assert lanes(project) == {("track0", "cc7"): [(0.0, 127.0), (0.5, 64.0), (1.0, 32.0), (1.5, 16.0)]}
    assert not project.warnings


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b"\0\xb0\x07\x40\0\x27\x20", [64 * 128 + 32]),
        (b"\0\xb0\x27\x20\0\x07\x40", [64 * 128 + 32]),  # the lower half first
        (b"\0\xb0\x27\x20" + BEAT + b"\x07\x40\0\x27\x20", [64 * 128 + 32]),  # before any upper half
        (b"\0\xb0\x07\x64\0\x27\x7f\0\x07\x04\0\x27\x01", [4 * 128 + 1]),  # two pairs at one tick: the later one
        (b"\0\xb0\x07\x40\0\x27\x20" + BEAT + b"\x27\x21", [64 * 128 + 32, 64 * 128 + 33]),  # the lower half alone
        (b"\0\xb0\x07\x40\0\x27\x20" + BEAT + b"\x07\x41", [64 * 128 + 32, 65 * 128]),  # the upper half alone resets it
    ],
)
def test_14_bit_pairs(read: Read, body: bytes, wanted: list[int]) -> None:
    (track,) = read("pairs.mid", smf(body)).tracks
    assert [p.value for p in track.lanes[0].points] == pytest.approx([value / 16383 for value in wanted], abs=1e-9)


def test_events_at_one_tick_keep_their_order_and_channels_apart(read: Read) -> None:
    body = (
        meta(0x03, b"Foley")
        + b"\0\xb0\x07\x58\0\x07\x48\0\x07\x04"
        + b"\0\xbf\x07\x01\0\xbf\x0b\x7f\0\xb0\x0b\x40\0\x0a\x10"
    )
    assert lanes(read("format0.mid", smf(body, kind=0))) == {
        ("Foley ch1", "cc7"): [(0.0, 88.0), (0.0, 72.0), (0.0, 4.0)],
        ("Foley ch1", "cc11"): [(0.0, 64.0)],
        ("Foley ch16", "cc7"): [(0.0, 1.0)],
        ("Foley ch16", "cc11"): [(0.0, 127.0)],
    }


def test_two_ports_of_one_track_are_two_instruments(read: Read) -> None:
    body = meta(0x21, b"\0") + b"\0\xb0\x07\x40" + meta(0x21, b"\1") + b"\0\xb0\x07\x20"
    project = read("ports.mid", smf(meta(0x03, b"Foley") + body, kind=0))
    assert [(track.name, [p.value * 127 for p in track.lanes[0].points]) for track in project.tracks] == [
        ("Foley ch1", [64.0]), ("Foley ch1", [32.0])]  # fmt: skip


@pytest.mark.parametrize("wrong", [-5, -1, 1, 6, 2**31])
@pytest.mark.parametrize("track", [0, 1])
def test_a_wrong_length_of_one_track_costs_no_other(read: Read, wrong: int, track: int) -> None:
    song = smf(GOOD + BEAT + b"\x07\x20", b"\0\xb1\x0b\x10", b"\0\xb2\x07\x08")
    at = song.index(b"MTrk", 15 * track) + 4
    size = int.from_bytes(song[at : at + 4]) + wrong
    project = read("length.mid", song[:at] + size.to_bytes(4) + song[at + 4 :])
    assert lanes(project) == {
        ("track0", "cc7"): [(0.0, 64.0), (0.5, 32.0)], ("track1", "cc11"): [(0.0, 16.0)],
        ("track2", "cc7"): [(0.0, 8.0)]}  # fmt: skip
    assert f"track {track + 1} is damaged" in project.warnings[0]


def test_a_range_may_begin_where_another_of_its_name_ends(read: Read) -> None:
    body = meta(0x06, b"rain>") + meta(0x06, b"rain>", BEAT) + meta(0x06, b"rain<") + meta(0x06, b"rain<", BEAT)
    project = read("ranges.mid", smf(body))
    assert [(m.name, m.time_s, m.end_s) for m in project.markers] == [("rain", 0.0, 0.5), ("rain", 0.5, 1.0)]


def test_tempo_in_any_track_counts_for_all_and_also_before_it(read: Read) -> None:
    first = BEAT + b"\xb0\x07\x40" + BEAT + b"\x07\x20" + BEAT + b"\x07\x10"
    second = tempo(240) + tempo(60, BEAT) + tempo(120, BEAT)
    project = read("tempo.mid", smf(first, second))
    assert [at for at, _ in lanes(project)["track0", "cc7"]] == [0.25, 1.25, 1.75]
    assert [(p.time_s, p.bpm, p.ramp) for p in project.tempo] == [
        (0.0, 240.0, False), (0.25, 60.0, False), (1.25, 120.0, False)]  # fmt: skip


def test_before_its_first_tempo_midi_runs_at_120(read: Read) -> None:
    project = read("late.mid", smf(tempo(60, BEAT) + meta(0x06, b"m", BEAT)))
    assert project.markers[0].time_s == 1.5
    assert [(p.time_s, p.bpm) for p in project.tempo] == [(0.0, 120.0), (0.5, 60.0)]


def test_patterns_of_a_type_2_file_follow_each_other(read: Read) -> None:
    pattern = meta(0x06, b"a") + BEAT + b"\xb0\x07\x40" + meta(0x01, b"", BEAT)
    project = read("type2.mid", smf(pattern, tempo(60) + pattern, kind=2))
    assert [m.time_s for m in project.markers] == [0.0, 1.0]
    assert [at for at, _ in lanes(project)["track1", "cc7"]] == [2.0]
    assert "type 2" in project.warnings[0]


@pytest.mark.parametrize(
    ("code", "rate", "fps"), [(24, "24", 24), (25, "25", 25), (29, "29.97DF", 30 / 1.001), (30, "30", 30)]
)
def test_time_in_frames(read: Read, code: int, rate: str, fps: float) -> None:
    body = tempo(33) + BEAT + b"\xb0\x07\x40" + meta(0x07, b"cue", BEAT)
    project = read("frames.mid", smf(body, division=(256 - code) << 8 | 80))
    assert (str(project.frame_rate), project.tempo) == (rate, ())
    assert project.tracks[0].lanes[0].points[0].time_s == pytest.approx(480 / (fps * 80), abs=1e-12)
    assert project.markers[0].time_s == pytest.approx(960 / (fps * 80), abs=1e-12)


@pytest.mark.parametrize(
    ("offset", "rate", "start"),
    [
        ((0x01, 0, 0, 0, 0), "24", 3600.0),
        ((0x20 | 10, 2, 3, 5, 50), "25", 36123.0 + 5.5 / 25),
        ((0x40 | 1, 0, 0, 0, 0), "29.97DF", 107892 * 1.001 / 30),
        ((0x60, 0, 1, 29, 0), "30", 1.0 + 29 / 30),
        ((0x60, 0, 1, 30, 0), "None", 0.0),  # there is no such frame
        ((0x40, 1, 0, 1, 0), "None", 0.0),  # dropped
    ],
)
def test_the_smpte_offset_is_the_projects_start(read: Read, offset: tuple[int, ...], rate: str, start: float) -> None:
    project = read("offset.mid", smf(meta(0x54, bytes(offset)) + meta(0x06, b"m", BEAT), meta(0x54, bytes(5))))
    if rate == "None":
        assert (str(project.frame_rate), project.start_s) == ("24", 0.0)  # the next track's
    else:
        assert str(project.frame_rate) == rate and project.start_s == pytest.approx(start, abs=1e-9)
    assert [m.time_s for m in project.markers] == [0.5]


@pytest.mark.parametrize(
    ("written", "name"),
    [(b"plain", "plain"), ("Tür – Kies".encode(), "Tür – Kies"), ("Tür".encode("latin-1"), "Tür"), (b"", ""),
     (b"zero\0", "zero"), (b"\xef\xbb\xbfmarked", "marked"), (b" spaced ", " spaced "), ("雨".encode(), "雨"),
     ("door – “slams”".encode("cp1252"), "door – “slams”"), ("Tür".encode("mac-roman"), "Tür")],
)  # fmt: skip
def test_marker_and_cue_texts(read: Read, written: bytes, name: str) -> None:
    body = meta(0x01, b"text") + meta(0x05, b"lyric") + meta(0x06, written) + meta(0x07, written, BEAT)
    project = read("texts.mid", smf(body))
    assert [(m.kind, m.name, m.time_s, m.end_s) for m in project.markers] == [
        ("marker", name, 0.0, None), ("marker", name, 0.5, None)]  # fmt: skip


def test_markers_at_one_tick_keep_the_files_order(read: Read) -> None:
    project = read("order.mid", smf(meta(0x06, b"z") + meta(0x06, b"a"), meta(0x06, b"m") + meta(0x06, b"b", BEAT)))
    assert [m.name for m in project.markers] == ["z", "a", "m", "b"]


def test_unknown_chunks_a_long_header_and_a_riff_wrapper(read: Read) -> None:
    song = smf(b"\0\xb0\x07\x40", head=b"more")
    odd = song[:18] + chunk(b"MTrk\0\0\0\4abcd", b"XFIH") + song[18:] + chunk(b"", b"XFKM")
    wrapped = b"RIFF" + struct.pack("<I", len(odd) + 12) + b"RMIDdata" + struct.pack("<I", len(odd)) + odd
    for data in (odd, wrapped):
        assert lanes(read("odd.mid", data)) == {("track0", "cc7"): [(0.0, 64.0)]}


GOOD = b"\0\xb0\x07\x40"


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (smf(GOOD + BEAT + b"\xb0\x07\x20")[:-6], [64.0]),  # the file ends in a message
        (smf(GOOD)[:-4], [64.0]),  # no end of track
        (smf(GOOD + b"\xff\xff\xff\xff\x7f"), [64.0]),  # an endless number
        (smf(GOOD + b"\0\xff\x06\x7fx"), [64.0]),  # a text longer than its track
        (smf(GOOD)[:18] + struct.pack(">I", 2**32 - 1) + GOOD + END, [64.0]),  # a length beyond the file
        (smf(b"\0\x40\x40" + GOOD), None),  # data before any status
        (smf(GOOD + END + b"\0\xb0\x07\x10"), [64.0]),  # events behind the end
        (smf(GOOD + b"\0\xb0\x07\x90"), [64.0]),  # a value that is none
        (smf(GOOD + meta(0x51, b"\0\0\0") + meta(0x51, b"\1")), [64.0]),  # tempos that are none
    ],
)
def test_damage_costs_no_more_than_what_is_damaged(read: Read, data: bytes, wanted: list[float] | None) -> None:
    project = read("damaged.mid", data)
    assert [value for _, value in lanes(project).get(("track0", "cc7"), [])] == (wanted or [])


@pytest.mark.parametrize(
    "data", [b"MThd", b"MThd\0\0\0\6\0\1", smf(GOOD, division=0), smf(GOOD, division=0xE200), b"MTrk"]
)
def test_a_header_that_is_none_is_one_line(read: Read, data: bytes) -> None:
    with pytest.raises(ProjectError) as caught:
        read("bad.mid", data)
    assert "\n" not in str(caught.value)


# ------------------------------------------------------------------------------------------------------------- tables

REAPER = "#,Name,Start,End,Length,Color\n"


@pytest.mark.parametrize(
    ("table", "wanted"),
    [
        (REAPER + "M1,hit,1.5,,,\nR2,rain,2.000,4.250,2.250,FF8000\n",
         [("marker", "hit", 1.5, None, None), ("region", "rain", 2.0, 4.25, "#ff8000")]),
        (REAPER + 'R1,"says ""boo"", twice",1:01:02.500,1:01:03.000,0:00.500\n',
         [("region", 'says "boo", twice', 3662.5, 3663.0, None)]),
        (REAPER + "M1,,-0:01.250,,\nM2,x,0:00.000,,\n",
         [("marker", "", -1.25, None, None), ("marker", "x", 0.0, None, None)]),
        (REAPER + "R1,rain,00:00:01:15,00:00:02:00,00:00:00:15\n", [("region", "rain", 1.5, 2.0, None)]),
        (REAPER + "R1,rain,01:00:00;00,01:01:00;02,0:0:0\n",
         [("region", "rain", 107892 * 1.001 / 30, 109692 * 1.001 / 30, None)]),
        ("Name,Position\nrain,0:01.500\n", [("marker", "rain", 1.5, None, None)]),
        # Frame numbers beyond 29, hundredths of a frame, a place before the start.
        (REAPER + "M1,x,00:00:01:45,,\nM2,y,00:00:02:10.50,,\n",
         [("marker", "x", 1.9, None, None), ("marker", "y", 2.21, None, None)]),
        (REAPER + "R1,x,00:00:01:00,,00:00:00:55\n", [("region", "x", 1.0, 1 + 55 / 60, None)]),
        (REAPER + "M1,x,00:00:01;45,,\n", [("marker", "x", 105 * 1.001 / 60, None, None)]),
        (REAPER + "M1,x,-00:00:01:15,,\nM2,y,00:00:00:00,,\n",
         [("marker", "x", -1.5, None, None), ("marker", "y", 0.0, None, None)]),
        # Nuendo's columns are not known for certain: whatever has such heads, in whatever order, is read.
        ("Start;End;Length;ID;Name;Comments\n00:00:02.500;00:00:04.000;00:00:01.500;1;rain;wet\n00:00:05.000;;;2;hit;\n",
         [("region", "rain", 2.5, 4.0, None), ("marker", "hit", 5.0, None, None)]),
        ("Name\tPosition\tLength\r\nrain\t1,5\t0,5\r\nhit\t2,5\t\r\n",
         [("region", "rain", 1.5, 2.0, None), ("marker", "hit", 2.5, None, None)]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_marker_tables(read: Read, table: str, wanted: list[tuple[object, ...]], encoding: str) -> None:
    project = read("table.csv", table.encode(encoding))
    assert len(project.markers) == len(wanted)
    for marker, (kind, name, start, end, color) in zip(project.markers, wanted, strict=True):
        assert (marker.kind, marker.name, marker.color) == (kind, name, color)
        assert (marker.time_s, marker.end_s) == (pytest.approx(start), end and pytest.approx(end))
