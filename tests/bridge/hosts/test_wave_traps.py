"""Wave files with cues as recorders and editors really write them: one trap each."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from bridge.hosts import Project
from bridge.riff import CUE_POINT, DS64, chunk

Read = Callable[[str, bytes | str], Project]


def markers(project: Project) -> list[tuple[str, float]]:
    return [(m.name, round(m.time_s, 6)) for m in project.markers]


FMT = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 48000, 96000, 2, 16))
DATA = chunk(b"data", b"\0" * 96001)  # an odd size: a pad byte follows


def cues(*points: tuple[int, int, int]) -> bytes:
    body = struct.pack("<I", len(points)) + b"".join(CUE_POINT.pack(i, p, b"data", 0, 0, o) for i, p, o in points)
    return chunk(b"cue ", body)


def text_of(name: bytes, identity: int, text: bytes) -> bytes:
    return chunk(name, struct.pack("<I", identity) + text)


def length_of(identity: int, samples: int, text: bytes = b"") -> bytes:
    return chunk(b"ltxt", struct.pack("<II4sHHHH", identity, samples, b"rgn ", 0, 0, 0, 0) + text)


def wave(*chunks: bytes, head: bytes = b"RIFF") -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return head + struct.pack("<I", len(body) if head == b"RIFF" else 0xFFFFFFFF) + body


ADTL = chunk(
    b"LIST",
    b"adtl" + length_of(2, 24000) + text_of(b"note", 1, b"a note\0") + text_of(b"labl", 2, b"odd\0")
    + text_of(b"labl", 1, "Tür".encode() + b"\0"),
)  # fmt: skip
POINTS = cues((1, 0, 4800), (2, 12000, 12000))


def large(head: bytes) -> bytes:
    """A file whose lengths stand in its ds64 chunk."""
    unsized = DATA[:4] + b"\xff" * 4 + DATA[8:]
    return wave(chunk(b"ds64", DS64.pack(0, 96001, 48000, 0)), FMT, unsized, POINTS, ADTL, head=head)


WANTED = [("marker", "Tür", 0.1, None), ("region", "odd", 0.25, 0.75)]


@pytest.mark.parametrize(
    "data",
    [
        wave(FMT, DATA, POINTS, ADTL),
        wave(FMT, ADTL, POINTS, DATA),  # labels first
        wave(chunk(b"JUNK", b"odd"), chunk(b"LIST", b"INFO" + chunk(b"INAM", b"x")), FMT, POINTS, DATA, ADTL),
        wave(FMT, DATA, POINTS, ADTL[:12] + b"", ADTL).replace(ADTL[:12] + ADTL, chunk(b"LIST", b"adtl") + ADTL),
        large(b"RF64"),
        large(b"BW64"),
    ],
    ids=["behind", "before", "junk and info", "two lists", "RF64", "BW64"],
)
def test_cues_wherever_their_chunks_lie(read: Read, data: bytes) -> None:
    project = read("t.wav", data)
    assert [(m.kind, m.name, m.time_s, m.end_s) for m in project.markers] == WANTED and not project.warnings


@pytest.mark.parametrize("size", [602, 603, 858])
def test_bext_counts_from_midnight_in_any_version(read: Read, size: int) -> None:
    bext = bytearray(size)
    bext[338:346] = struct.pack("<Q", 48000 * 86399)
    project = read("t.wav", wave(chunk(b"bext", bytes(bext)), FMT, DATA, POINTS, ADTL))
    assert project.start_s == 86399.0 and [m.time_s for m in project.markers] == [0.1, 0.25] and not project.warnings


def test_names_beyond_ascii_and_names_by_note_alone(read: Read) -> None:
    adtl = chunk(b"LIST", b"adtl" + text_of(b"labl", 1, "Tür\0".encode("latin-1")) + text_of(b"note", 2, b"by note\0"))
    assert markers(read("t.wav", wave(FMT, DATA, POINTS, adtl))) == [("Tür", 0.1), ("by note", 0.25)]


def test_reaper_writes_its_regions_as_loops(read: Read) -> None:
    def loops(*each: tuple[int, int, int], count: int | None = None) -> bytes:
        head = struct.pack("<9I", 0, 0, 20833, 60, 0, 0, 0, len(each) if count is None else count, 0)
        return chunk(b"smpl", head + b"".join(struct.pack("<6I", i, 0, start, end, 0, 0) for i, start, end in each))

    adtl = chunk(b"LIST", b"adtl" + text_of(b"labl", 1, b"Region 1\0") + text_of(b"labl", 2, b"Marker 1\0"))
    for count in (None, 9):  # one that announces more than it holds
        # A loop of another place than its cue's is a sampler's own.
        data = wave(FMT, DATA, POINTS, adtl, loops((1, 4800, 24000), (2, 9600, 30000), count=count))
        assert [(m.kind, m.name, m.time_s, m.end_s) for m in read("t.wav", data).markers] == [
            ("region", "Region 1", 0.1, 0.5), ("marker", "Marker 1", 0.25, None)]  # fmt: skip
    assert len(read("t.wav", wave(FMT, DATA, POINTS, adtl, chunk(b"smpl", b"\xff" * 35))).markers) == 2


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "mac-roman"])
def test_dashes_and_quotes_of_windows_and_the_mac(read: Read, encoding: str) -> None:
    adtl = chunk(b"LIST", b"adtl" + text_of(b"labl", 1, "door – “slams”".encode(encoding) + b"\0"))
    assert markers(read("t.wav", wave(FMT, DATA, POINTS, adtl)))[0] == ("door – “slams”", 0.1)


def test_odd_chunks_without_their_padding(read: Read) -> None:
    def bare(name: bytes, body: bytes) -> bytes:
        return name + struct.pack("<I", len(body)) + body

    labels = bare(b"labl", struct.pack("<I", 1) + b"ab\0") + bare(b"labl", struct.pack("<I", 2) + b"cd\0")
    data = wave(FMT, bare(b"data", b"\0" * 4801), bare(b"_PMX", b"x"), POINTS, bare(b"LIST", b"adtl" + labels))
    project = read("t.wav", data)
    assert markers(project) == [("ab", 0.1), ("cd", 0.25)] and not project.warnings


def test_a_cue_that_fills_in_only_its_play_position_and_one_at_the_start(read: Read) -> None:
    project = read("t.wav", wave(FMT, DATA, cues((1, 24000, 0), (2, 0, 0))))
    assert markers(project) == [("", 0.5), ("", 0.0)]


def test_a_recording_that_was_cut_off_and_one_whose_size_was_never_filled_in(read: Read) -> None:
    whole = wave(FMT, POINTS, ADTL, DATA)
    for data in (whole[:-4000], whole.replace(struct.pack("<I", 96001), b"\xff" * 4)):
        project = read("t.wav", data)
        assert [m.name for m in project.markers] == ["Tür", "odd"] and "cut" in project.warnings[0]


def test_a_time_reference_that_no_clock_shows(read: Read) -> None:
    bext = b"\0" * 338 + b"\xff" * 8 + b"\0" * 256
    project = read("t.wav", wave(chunk(b"bext", bext), FMT, DATA, POINTS, ADTL))
    assert project.start_s == 0.0 and len(project.markers) == 2 and "time of day" in project.warnings[0]


@pytest.mark.parametrize(
    ("rate", "flag", "wanted"),
    [
        ("24000/1001", "NDF", "23.976"),
        ("30000/1001", "DF", "29.97DF"),
        ("25/1", "NDF", "25"),
        ("29.97", "ndf", "29.97NDF"),
        ("0/0", "", "None"),
        ("what", "DF", "None"),
    ],
)
def test_the_frame_rate_and_the_time_of_day_of_a_recorders_ixml(read: Read, rate: str, flag: str, wanted: str) -> None:
    stamp = 48000 * 86399 + 7
    ixml = (
        f'<?xml version="1.0" encoding="UTF-8"?><BWFXML><SPEED><TIMECODE_RATE>{rate}</TIMECODE_RATE>'
        f"<TIMECODE_FLAG>{flag}</TIMECODE_FLAG>"
        f"<TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>{stamp >> 32}</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>"
        f"<TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO>{stamp % 2**32}</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO></SPEED></BWFXML>"
    )
    project = read("t.wav", wave(chunk(b"iXML", ixml.encode()), FMT, DATA))
    assert (str(project.frame_rate), project.start_s) == (wanted, stamp / 48000)
    bext = chunk(b"bext", b"\0" * 338 + struct.pack("<Q", 48000) + b"\0" * 256)
    assert read("t.wav", wave(chunk(b"iXML", ixml.encode()), bext, FMT, DATA)).start_s == 1.0


@pytest.mark.parametrize("ixml", [b"<BWFXML>", b"", b"\xff\xfe", b'<!DOCTYPE a [<!ENTITY b "c">]><BWFXML>&b;</BWFXML>'])
def test_damaged_ixml_keeps_no_markers_away(read: Read, ixml: bytes) -> None:
    project = read("t.wav", wave(chunk(b"iXML", ixml), FMT, DATA, POINTS, ADTL))
    assert len(project.markers) == 2 and project.frame_rate is None


def test_numbers_beyond_all_measure_in_ixml(read: Read) -> None:
    speed = f"<TIMECODE_RATE>{'9' * 400}</TIMECODE_RATE>"
    speed += "<TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>1e308</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>"
    ixml = f"<BWFXML><SPEED>{speed}</SPEED></BWFXML>".encode()
    project = read("t.wav", wave(chunk(b"iXML", ixml), FMT, DATA))
    assert (project.start_s, project.frame_rate) == (0.0, None) and "time of day" in project.warnings[0]
