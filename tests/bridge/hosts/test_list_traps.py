"""Marker lists as Pro Tools and video editors really write them: one trap each."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest

from bridge.hosts import Project

Read = Callable[[str, bytes | str], Project]


def markers(project: Project) -> list[tuple[str, float]]:
    return [(m.name, round(m.time_s, 6)) for m in project.markers]


# --------------------------------------------------------------------------------------------------------- Pro Tools

HEAD = "#   \tLOCATION     \tTIME REFERENCE    \tUNITS    \tNAME                             \tCOMMENTS\n"
HEAD_2023 = HEAD.replace("COMMENTS", "TRACK NAME                       \tTRACK TYPE   \tCOMMENTS")


def session(
    rows: str, *, head: str = HEAD, start: str = "01:00:00:00", format: str = "25 Frame", rate: str = "48000.000000"
) -> str:
    return (
        f"SESSION NAME:\tTest\nSAMPLE RATE:\t{rate}\nBIT DEPTH:\t24-bit\nSESSION START TIMECODE:\t{start}\n"
        f"TIMECODE FORMAT:\t{format}\n# OF AUDIO TRACKS:\t0\n\n\nO N L I N E  F I L E S  I N  S E S S I O N\n"
        f"Filename\tLocation\n\n\nT R A C K  L I S T I N G\nM A R K E R S  L I S T I N G\n{head}{rows}"
    )


def row(number: int, location: str, reference: str, units: str, rest: str) -> str:
    return f"{number:<4}\t{location:<13}\t{reference:<18}\t{units:<9}\t{rest}\n"


@pytest.mark.parametrize(
    ("format", "start", "location", "wanted"),
    [
        # Ticks move with the tempo; the location says where they are now, in whichever scale the session shows.
        ("25 Frame", "01:00:00:00", "01:00:02:12", Fraction(62, 25)),
        ("25 Frame", "01:00:00:00.00", "01:00:02:12.50", Fraction(125, 50)),
        ("23.976 Frame", "00:59:50:00", "01:00:00:00", Fraction(240 * 1001, 24000)),
        ("29.97 Drop Frame", "01:00:00;00", "01:01:00;02", Fraction(1800 * 1001, 30000)),
        ("29.97 Drop Frame", "01:00:00;00.00", "01:10:00;00.00", Fraction(17982 * 1001, 30000)),
        ("59.94 Drop Frame", "01:00:00;00", "01:01:00;04", Fraction(3600 * 1001, 60000)),
        ("30 Drop Frame", "01:00:00;00", "01:00:01;00", Fraction(1)),
        ("30 Drop Frame", "01:00:00;00", "01:01:00;02", Fraction(60)),
        ("60 Drop Frame", "01:00:00;00", "01:10:00;00", Fraction(35964, 60)),
        ("119.88 Drop Frame", "00:00:59;119", "00:01:00;08", Fraction(1001, 120000)),
        ("120 Frame", "01:00:00:00", "01:00:01:102", Fraction(222, 120)),
        ("47.952 Frame", "00:00:00:00", "00:00:01:24", Fraction(72 * 1001, 48000)),
        ("23.976 Frame", "23:59:50:00", "00:00:10:00", Fraction(480 * 1001, 24000)),
        ("24 Frame", "01:00:00:00", "1:55", Fraction(115)),
        ("24 Frame", "01:00:00:00", "1:55.882", Fraction(115882, 1000)),
        ("24 Frame", "01:00:00:00", "173+13", Fraction(173 * 16 + 13, 24)),
        ("24 Frame", "01:00:00:00", "173+13.20", Fraction(27812, 240)),
        ("24 Frame", "01:00:00:00", "5562375", Fraction(5562375, 48000)),
    ],
)
def test_a_marker_in_ticks_by_every_time_scale(
    read: Read, format: str, start: str, location: str, wanted: Fraction
) -> None:
    project = read("t.txt", session(row(1, location, "58|4| 735", "Ticks", "in bars"), start=start, format=format))
    assert markers(project) == [("in bars", pytest.approx(float(wanted), abs=1e-6))], project.warnings


@pytest.mark.parametrize("location", ["84+03", "29|1| 287", "0:56.149", "01:00:56:03", "2695168", ""])
@pytest.mark.parametrize("rate", ["48000.000000", "44100.000000", "96000.000000"])
def test_samples_are_exact_whatever_the_location_shows(read: Read, location: str, rate: str) -> None:
    project = read("t.txt", session(row(1, location, "2695168", "Samples", "absolute\tcomment"), rate=rate))
    assert project.markers[0].time_s == 2695168 / float(rate)


def test_bars_and_beats_alone_are_left_out_and_told(read: Read) -> None:
    project = read("t.txt", session(row(1, "58|4| 735", "58|4| 735", "Ticks", "in bars\t")))
    assert not project.markers and "main time scale" in project.warnings[0]


def padded(name: str) -> str:
    return f"{name:<33}"


def test_line_ends_and_tabs_in_names_and_comments(read: Read) -> None:
    indent = "    \t             \t                  \t           \t                                 \t"
    rows = [
        ("Name\nwith line end", padded("Name\nwith line end") + "\t"),
        ("Plain", padded("Plain") + f"\tComment here\n{indent}with line end"),
        ("Name\ttab", padded("Name\ttab") + "\t"),
        ("Plain", padded("Plain") + "\tComment\twith tab"),
        ("Name\ttab", padded("Name\ttab") + "\tComment\twith tab"),
        ("A name that is longer\tthan its column", "A name that is longer\tthan its column\t"),
        ("Unpadded", "Unpadded\tcomment"),
    ]
    text = session("".join(row(n, "01:00:01:00", str(n * 48000), "Samples", rest) for n, (_, rest) in enumerate(rows)))
    assert markers(read("t.txt", text)) == [(" ".join(name.split()), float(n)) for n, (name, _) in enumerate(rows)]


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "mac-roman", "cp1252"])
def test_encodings_and_line_ends(read: Read, encoding: str, ends: str) -> None:
    if (encoding, ends) == ("cp1252", "\r"):
        pytest.skip("Windows does not end lines so")
    names = [
        "Ellipsis…",
        "em — dash",
        "en – dash",
        "Quote’s not",
        "Tür",
        "öffnen",
        "Häuser Straße",
        "café crème",
        "ÜBER",
    ]
    rows = "".join(row(n, "01:00:00:00", "0", "Samples", padded(name) + "\t") for n, name in enumerate(names))
    project = read("t.txt", session(rows).replace("\n", ends).encode(encoding))
    assert [m.name for m in project.markers] == names


@pytest.mark.parametrize(
    "name",
    [
        "Tür",
        "öffnen",
        "Häuser",
        "café",
        "Fußschritte",
        "Regen…",
        "door – slams",
        "360° pan",
        "niño",
        "España",
        "Ça va",
        "50 €",
        "door–slam",
        "25 °C",
        "‚Zitat‘",
    ],
)
@pytest.mark.parametrize("encoding", ["mac-roman", "cp1252"])
def test_one_word_tells_an_old_mac_from_windows(read: Read, encoding: str, name: str) -> None:
    rows = row(1, "01:00:00:00", "0", "Samples", padded(name) + "\t")
    assert read("t.txt", session(rows).encode(encoding)).markers[0].name == name


def test_a_tracks_channels_are_no_part_of_its_name(read: Read) -> None:
    names = ["Foley", "Rain (Stereo)", "Bed (5.1)", "Atmos (7.1.2)", "Take (2)", "(Stereo)"]
    listing = "".join(f"TRACK NAME:\t{name}\nCOMMENTS:\t\nUSER DELAY:\t0 Samples\nSTATE: \n\n\n" for name in names)
    text = session("").replace("M A R K E R S", listing + "M A R K E R S")
    assert [track.name for track in read("t.txt", text).tracks] == [
        "Foley", "Rain", "Bed", "Atmos", "Take (2)", "(Stereo)"]  # fmt: skip


def test_markers_on_rulers_and_tracks_and_a_session_without_any(read: Read) -> None:
    rows = row(1, "01:00:01:00", "48000", "Samples", f"{padded('hit')}\t{padded('Markers 2')}\tRuler        \tloud")
    rows += row(7, "01:00:02:00", "96000", "Samples", f"{padded('on a track')}\t{padded('Audio 1')}\tTrack        \t")
    assert markers(read("t.txt", session(rows, head=HEAD_2023))) == [("hit", 1.0), ("on a track", 2.0)]
    assert not read("t.txt", session("", head="")).markers
    only_head = "SESSION NAME:\tEmpty\nSAMPLE RATE:\t48000.000000\n"
    assert read("t.txt", only_head).sample_rate == 48000


# --------------------------------------------------------------------------------------------------------- edit lists

EVENT = "{n:03}  {reel:<8} {track:<5} {kind:<8} {source} {source} {start} {end} \n"


def event(n: int, start: str, end: str, *, source: str = "00:00:00:00", kind: str = "C", track: str = "V") -> str:
    return EVENT.format(n=n, reel="AX", track=track, kind=kind, source=source, start=start, end=end)


@pytest.mark.parametrize(
    ("locator", "name", "color"),
    [
        ("* LOC: 01:00:01:12 RED     door slams", "door slams", "RED"),
        ("*LOC: 01:00:01:12 PINK     door slams", "door slams", "PINK"),
        ("* LOC: 01:00:01:12 GREEN", "", "GREEN"),
        ("* LOC: 01:00:01:12 Magenta  door", "door", "Magenta"),
        ("* LOC: 01:00:01:12", "", None),
        ("* LOC: 01:00:01:12\tRED\tdoor slams", "door slams", "RED"),
        ("* LOC: 01:00:01:12 dog bark", "dog bark", None),
        (" *  loc:  01:00:01:12  CYAN    001_020 // RéVEIL", "001_020 // RéVEIL", "CYAN"),
    ],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_locators(read: Read, locator: str, name: str, color: str | None, ends: str) -> None:
    edit = event(1, "01:00:00:00", "01:00:09:24") + "M2   AX  000.0  01:00:10:21\n"
    text = f"TITLE: T\nFCM: NON-DROP FRAME\n{edit}{locator}\n"
    project = read("t.edl", text.replace("\n", ends))
    (marker,) = project.markers
    assert (marker.name, marker.color, round(marker.time_s, 9)) == (name, color, 1.48)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("FCM: NON-DROP FRAME\n" + event(1, "01:00:00:00", "01:00:00:23"), "24"),
        ("FCM: NON-DROP FRAME\n" + event(1, "01:00:00:00", "01:00:00:24"), "25"),
        ("FCM: NON-DROP FRAME\n" + event(1, "01:00:00:00", "01:00:00:29"), "30"),
        ("FCM: NON-DROP FRAME\n" + event(1, "01:00:00:00", "01:00:00:49"), "50"),
        ("FCM: DROP FRAME\n" + event(1, "01:00:00:00", "01:00:00:29"), "29.97DF"),
        ("FCM: DROP FRAME\n" + event(1, "01:00:00:00", "01:00:00:59"), "59.94DF"),
        ("  fcm:drop frame\n" + event(1, "01:00:00:00", "01:00:00:29"), "29.97DF"),
        # Drop frame by its mark alone; that of a source, or of a reel's own FCM line, is not the record's.
        (event(1, "01:00:00;00", "01:00:00;29"), "29.97DF"),
        ("FCM: NON-DROP FRAME\n" + event(1, "01:00:00:00", "01:00:00:29", source="10:00:00;00"), "30"),
        ("FCM: NON-DROP FRAME\nFCM: DROP FRAME\n" + event(1, "01:00:00:00", "01:00:00:29"), "30"),
    ],
)
def test_the_rate_of_the_record(read: Read, text: str, rate: str) -> None:
    assert str(read("t.edl", "TITLE: T\n" + text).frame_rate) == rate


def test_an_edit_over_midnight(read: Read) -> None:
    text = "TITLE: T\nFCM: NON-DROP FRAME\n" + event(1, "23:59:50:00", "00:00:00:00")
    text += "* LOC: 23:59:49:00 RED     before\n* LOC: 23:59:55:00 RED     first\n"
    text += event(2, "00:00:00:00", "00:00:09:24") + "* LOC: 00:00:05:12 RED     second\n"
    project = read("t.edl", text)
    assert project.start_s == 86390.0 and markers(project) == [("before", -1.0), ("first", 5.0), ("second", 15.48)]


def test_transitions_wipes_keys_audio_and_tabs_are_events(read: Read) -> None:
    text = "TITLE:   T\n" + "".join([
        event(1, "00:59:53:11", "00:59:54:18"), event(2, "00:59:54:18", "00:59:54:18"),
        event(2, "00:59:54:18", "00:59:56:20", kind="D    024"),
        event(3, "00:59:56:20", "01:00:00:00", kind="W001 010"),
        event(4, "01:00:00:00", "01:00:01:00", kind="K B", track="AA/V"),
        event(5, "01:00:01:00", "01:00:02:00", track="A2"),
        "000006\tZZ_1.mov\tV\tC\t\t00:00:00:00 00:00:01:00 01:00:02:00 01:00:03:00\n", "AUD  3    4\n",
    ])  # fmt: skip
    project = read("t.edl", text + "* LOC: 01:00:00:11 RED     mid\n")
    assert [track.name for track in project.tracks] == ["V", "AA/V", "A2"]
    assert project.start_s == pytest.approx(3593 + 11 / 24) and markers(project) == [("mid", 7.0)]
