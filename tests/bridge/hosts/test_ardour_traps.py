"""Ardour sessions as its versions really write them: one trap each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from bridge.hosts import Lane, Project, read_project
from bridge.hosts.ardour_writer import write_ardour
from bridge.hosts.curves import evaluate
from bridge.hosts.write_back import PlacedTake, TakeTrack

Read = Callable[[str, bytes | str], Project]


def session(
    version: str, body: str = "", *, rate: int = 48000, options: str = "", locations: str = "", tempo: str = ""
) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Session version="{version}" name="s" sample-rate="{rate}">\n'
        f"<Config>{options}</Config><Locations>{locations}</Locations><Routes>{body}</Routes>{tempo}</Session>"
    )


def amp(events: str, style: str = "Linear", state: str = "Play", identity: str = "gain") -> str:
    return (
        f'<Automation><AutomationList automation-id="{identity}" id="9" default="1" interpolation-style="{style}"'
        f' state="{state}"><events>{events}</events></AutomationList></Automation>'
    )


def route(*processors: str, name: str = "T") -> str:
    return f'<Route id="7" name="{name}" default-type="audio" active="1">{"".join(processors)}</Route>'


def fader(events: str, style: str = "Linear", state: str = "Play") -> str:
    return f'<Processor id="8" name="Fader" active="1" type="amp">{amp(events, style, state)}</Processor>'


def only_lane(project: Project) -> Lane:
    (lane,) = (lane for track in project.tracks for lane in track.lanes)
    return lane


def times(lane: Lane) -> list[tuple[float, float]]:
    return [(point.time_s, point.value) for point in lane.points]


TEMPO_7 = (
    '<TempoMap superclocks-per-second="282240000"><Tempos>{}</Tempos>'
    '<Meters><Meter note-value="4" divisions-per-bar="4" sclock="0" quarters="0:0" bbt="1|1|0"/></Meters></TempoMap>'
)
TEMPO = '<Tempo npm="{}" enpm="{}" note-type="4" type="Tempo::Ramped" active="1" sclock="{}" quarters="{}"/>'


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
@pytest.mark.parametrize(
    ("version", "events"),
    [
        ("2.0.0", "0 1 {0} 0.5"),
        ("3002", "0 1\n{0} 0.5\n"),
        ("3002", "0 1\n{0:.6e} 5e-01\n"),
        ("6000", "\n0 1 \n{0} 0.5 \n"),
        ("7000", "0 1\n{0} 0.5\n"),  # the first builds of 7 still wrote samples
        ("7002", "a0 1\na423360000 0.5\n"),
        ("8000", "a0 1 a423360000 0.5"),
    ],
    ids=["block", "lines", "exponents", "blanks", "unprefixed", "superclocks", "one line"],
)
def test_the_same_second_and_a_half_in_every_version(read: Read, version: str, events: str, rate: int) -> None:
    lane = only_lane(read("s.ardour", session(version, route(fader(events.format(rate * 3 // 2))), rate=rate)))
    assert times(lane) == pytest.approx(np.array([(0.0, 1.0), (1.5, 0.5)]), abs=1e-9)
    assert (lane.controls, lane.active) == ("volume", True)


def test_a_session_saved_under_a_locale_with_decimal_commas(read: Read) -> None:
    tempo = '<TempoMap><Tempo start="1|1|0" beats-per-minute="92,500000" note-type="4,000000" movable="no"/></TempoMap>'
    project = read("comma.ardour", session("3001", route(fader("0 0,25\n48000,5 1,5\n")), tempo=tempo))
    assert times(only_lane(project)) == [(0.0, 0.25), (48000.5 / 48000, 1.5)]
    assert project.tempo[0].bpm == 92.5


@pytest.mark.parametrize("state", ["Off", "Write", "Play", "Touch", "Latch", ""])
def test_what_is_played_and_what_only_lies_there(read: Read, state: str) -> None:
    lane = only_lane(read("s.ardour", session("7002", route(fader("a0 1", state=state)))))
    assert lane.active == (state in ("Play", "Touch", "Latch"))


@pytest.mark.parametrize(
    ("style", "domain", "shape"),
    [
        ("Exponential", "ardour_fader", "linear"),
        ("Linear", "gain", "linear"),
        ("Discrete", "gain", "hold"),
        ("Logarithmic", "db", "linear"),
        ("Curved", "gain", "linear"),
    ],
)
def test_every_interpolation(read: Read, style: str, domain: str, shape: str) -> None:
    project = read("s.ardour", session("6000", route(fader("0 1 48000 0.5", style))))
    assert (only_lane(project).domain, {p.shape for p in only_lane(project).points}) == (domain, {shape})
    assert bool(project.warnings) == (style == "Curved")


SEND = '<Processor id="20" name="Send {}" active="1" {}>{}</Processor>'


@pytest.mark.parametrize(
    ("processor", "controls"),
    [
        (SEND.format(1, 'type="send"', fader("0 1")), "send"),  # 3 to 5: the send's own amp
        (SEND.format(2, 'type="intsend" role="Aux"', fader("0 1")), "send"),
        (SEND.format(3, 'type="intsend" role="Foldback"', amp("0 1", identity="send")), "send"),
        (SEND.format(4, 'type="intsend" role="Aux"', amp("0 1", identity="gain")), "send"),  # 6
        ('<Processor id="8" name="Trim" type="trim">' + amp("0 1", identity="trim") + "</Processor>", "trim"),
        (
            '<Processor id="8" name="T" type="main-outs">'
            f"<PannerShell><Pannable>{amp('0 1', identity='pan-azimuth')}</Pannable></PannerShell></Processor>",
            "pan",
        ),
        (amp("0 1", identity="pan-width"), "param"),
        (amp("0 1", identity="main-out-volume"), "param"),
        ('<Processor id="8" name="Gain" type="lv2">' + amp("0 1", identity="parameter-1") + "</Processor>", "param"),
        ('<Processor id="8" name="Amp" type="lua">' + amp("0 1", identity="gain") + "</Processor>", "param"),
        (amp("0 64", identity="midicc-3-11"), "cc11"),
        (amp("0 64", identity="midicc-3-74"), "param"),
    ],
)
def test_only_the_fader_is_the_fader(read: Read, processor: str, controls: str) -> None:
    assert only_lane(read("s.ardour", session("6000", route(processor)))).controls == controls


@pytest.mark.parametrize("flags", ["MasterOut", "MonitorOut", "AudioTrack,Hidden", "AudioBus,FoldbackBus"])
def test_buses_master_monitor_and_hidden_routes_have_their_faders(read: Read, flags: str) -> None:
    body = route(f'<PresentationInfo order="3" flags="{flags}"/>', fader("0 1"), name="B")
    project = read("s.ardour", session("6000", body))
    assert (project.tracks[0].name, only_lane(project).controls) == ("B", "volume")


@pytest.mark.parametrize(
    ("own", "playlist"),
    [
        ('diskstream-id="91"', 'name="Drawn anew" orig_diskstream_id="91"'),  # 2: routes have no id
        ('id="7"', 'name="Other.1" orig-track-id="7"'),
        ('id="7"', 'name="A 1.5.2" orig-track-id="gone"'),
    ],
)
def test_regions_belong_to_their_track_and_a_playlist_in_waiting_to_none(read: Read, own: str, playlist: str) -> None:
    region = (
        '<Region id="1" name="r" start="0" length="96000" position="24000" flags="Opaque,EnvelopeActive">'
        '<Envelope><point x="0" y="1"/><point x="48000" y="0.5"/></Envelope></Region>'
        '<Region id="2" name="plain" length="9" position="0" flags=""><Envelope default="yes"/></Region>'
    )
    routes = f'<Route flags="MasterOut"><IO name="master"/></Route><Route {own}><IO name="A 1.5"/></Route>'
    playlists = f"<Playlists><Playlist {playlist}>{region}</Playlist></Playlists>"
    playlists += f"<UnusedPlaylists><Playlist {playlist}>{region}</Playlist></UnusedPlaylists>"
    project = read("two.ardour", session("2.0.0", routes, tempo=playlists))
    lane = only_lane(project)
    assert project.tracks[1].lanes == (lane,)
    assert (lane.controls, lane.active, times(lane)) == ("take", True, [(0.5, 1.0), (1.5, 0.5)])


LOCATIONS = [
    ("IsMark", "marker", False),
    ("IsMark,IsCDMarker", "marker", False),
    ("IsMark,IsHidden", "marker", False),
    ("IsMark,IsStart", "marker", False),
    ("IsMark,IsCueMarker", "marker", False),
    ("IsMark,IsScene", "marker", False),
    ("IsXrun", "marker", False),
    ("IsRangeMarker", "region", False),
    ("IsCDMarker,IsRangeMarker", "region", False),
    ("IsHidden,IsRangeMarker", "region", False),
    ("IsRangeMarker,IsSection", "region", True),
    ("IsRangeMarker,IsSkip,IsSkipping", "region", True),
    ("IsAutoLoop,IsHidden", "loop", False),
    ("IsAutoPunch", "punch", False),
    ("IsSessionRange", "session", False),
    ("IsFromTheFuture", "region", True),
    ("IsHidden", "region", True),
]


@pytest.mark.parametrize(("version", "start", "end"), [("6000", "48000", "96000"), ("7002", "a282240000", "b3840")])
def test_every_flag_of_a_location(read: Read, version: str, start: str, end: str) -> None:
    locations = "".join(
        f'<Location id="{n}" name="{flags}" start="{start}" end="{end}" flags="{flags}" locked="1"/>'
        for n, (flags, _, _) in enumerate(LOCATIONS)
    )
    tempo = TEMPO_7.format(TEMPO.format(60, 60, 0, "0:0")) if version == "7002" else ""
    project = read("s.ardour", session(version, locations=locations, tempo=tempo))
    assert [(m.name, m.kind, m.section) for m in project.markers] == LOCATIONS
    assert {m.time_s for m in project.markers} == {1.0}
    assert {m.end_s for m in project.markers if m.kind != "marker"} == {2.0}


@pytest.mark.parametrize(
    ("second", "wanted"),
    [
        # One glide into the next tempo, and one that jumps at its end: both linear in beats.
        (TEMPO.format(120, 120, 782515512, "4:0"), 4 * np.log(1.5)),
        (TEMPO.format(90, 90, 782515512, "4:0"), 4 * np.log(1.5)),
    ],
)
def test_a_lane_in_beats_over_a_glide(read: Read, second: str, wanted: float) -> None:
    tempo = TEMPO_7.format(TEMPO.format(60, 120, 0, "0:0") + second)
    for two_beats in ("b3840", "b2:0", "b1:1920"):
        body = route(fader(f"b0 1 {two_beats} 0.5", "Exponential"))
        lane = only_lane(read("s.ardour", session("7002", body, tempo=tempo)))
        assert [times(lane)[0], times(lane)[-1]] == pytest.approx(np.array([(0.0, 1.0), (wanted, 0.5)]), abs=1e-9)


def test_a_line_in_beats_is_straight_in_beats_whatever_the_tempo_does(read: Read) -> None:
    # 60 BPM for two beats, 120 for two, then a glide to 240 over four.
    two, four = 2 * 282_240_000, 3 * 282_240_000
    tempo = TEMPO.format(60, 60, 0, "0:0") + TEMPO.format(120, 120, two, "2:0") + TEMPO.format(120, 240, four, "4:0")
    end = round(four + 2 * np.log(2) * 282_240_000)
    tempo = TEMPO_7.format(tempo + TEMPO.format(240, 240, end, "8:0"))
    body = route(fader("b0 1 b15360 0.01", "Logarithmic"))
    lane = only_lane(read("s.ardour", session("7002", body, tempo=tempo)))
    beats = np.linspace(0.0, 8.0, 801)
    at = np.where(
        beats <= 2, beats, np.where(beats <= 4, 1 + beats / 2, 3 + 2 * np.log1p(np.maximum(beats - 4, 0) / 4))
    )
    heard = 20 * np.log10([evaluate(lane, time) for time in at])
    assert np.abs(heard + 5 * beats).max() < 0.005
    # What is held needs no points of ours.
    held = only_lane(read("s.ardour", session("7002", route(fader("b0 1 b15360 0.01", "Discrete")), tempo=tempo)))
    assert times(held) == pytest.approx(np.array([(0.0, 1.0), (3 + 2 * np.log(2), 0.01)]), abs=1e-8)


@pytest.mark.parametrize(
    ("slope", "beat_2", "tempos"),
    [
        (15.0, 4 * np.log(1.5), [(60.0, True), (120.0, False)]),
        # Not worked out, or not anew since the next tempo was moved: Ardour plays it so.
        (0.0, 2.0, [(60.0, False), (120.0, False)]),
        (7.5, 8 * np.log(1.25), [(60.0, True), (90.0, False), (120.0, False)]),
    ],
)
def test_a_glide_is_as_steep_as_ardour_has_worked_it_out(
    read: Read, slope: float, beat_2: float, tempos: list[tuple[float, bool]]
) -> None:
    glide = TEMPO.format(60, 120, 0, "0:0").replace("/>", f' omega="{slope / 60 / 282_240_000!r}"/>')
    tempo = TEMPO_7.format(glide + TEMPO.format(120, 120, 4 * 282_240_000, "4:0"))
    project = read("s.ardour", session("7002", route(fader("b3840 1")), tempo=tempo))
    assert times(only_lane(project))[0][0] == pytest.approx(beat_2, abs=1e-9)
    assert [(round(point.bpm, 6), point.ramp) for point in project.tempo] == tempos


def tempo_points(read: Read, version: str, tempo: str) -> list[tuple[float, float]]:
    project = read("s.ardour", session(version, tempo=f"<TempoMap>{tempo}</TempoMap>"))
    assert not project.warnings
    return [(point.time_s, point.bpm) for point in project.tempo]


def test_a_tempo_inside_a_bar_mark_stands_where_the_mark_does(read: Read) -> None:
    mark = TEMPO.format(60, 60, "", "").replace('sclock="" quarters=""', "")
    tempo = TEMPO.format(120, 120, 0, "0:0")
    tempo += (
        f'<MusicTimes><MusicTime sclock="{8 * 282_240_000}" quarters="16:0">{mark}<Meter/></MusicTime></MusicTimes>'
    )
    assert tempo_points(read, "7002", tempo) == [(0.0, 120.0), (8.0, 60.0)]


def test_a_tempo_that_is_switched_off_does_not_hold(read: Read) -> None:
    tempo = '<Tempo pulse="{}" frame="{}" beats-per-minute="{}" note-type="4" active="{}"/>'
    points = tempo.format(0, 0, 120, "1") + tempo.format(2, 192000, 60, "no") + tempo.format(4, 384000, 90, "yes")
    assert tempo_points(read, "3002", points) == [(0.0, 120.0), (8.0, 90.0)]


@pytest.mark.parametrize("per_bar", ["divisions-per-bar", "beats-per-bar"])
def test_bars_are_as_long_as_their_time_signature_says(read: Read, per_bar: str) -> None:
    """Two bars of 4/4 and two of 6/8 before the fifth, where the tempo changes on its third quaver."""
    meters = f'<Meter start="3|1|0" note-type="8" {per_bar}="6"/><Meter start="1|1|0" note-type="4" {per_bar}="4"/>'
    tempo = '<Tempo start="{}" beats-per-minute="{}" note-type="4"/>'
    points = tempo.format("1|1|0", 120) + meters + tempo.format("5|3|960", 60)
    assert tempo_points(read, "3001", points) == [(0.0, 120.0), (7.625, 60.0)]


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ('name="timecode-format" value="timecode_23976"', "23.976"),
        ('name="timecode-format" value="timecode_2997drop"', "29.97DF"),
        ('name="timecode-format" value="timecode_2997000drop"', "29.97DF"),
        ('name="timecode-format" value="timecode_30drop"', "30"),
        ('name="timecode-format" value="timecode_5994"', "59.94NDF"),
        ('name="smpte-format" value="smpte_25"', "25"),
        ('name="smpte-format" value="smpte_2997drop"', "29.97DF"),
    ],
)
def test_timecode_formats_by_their_old_and_new_names(read: Read, option: str, name: str) -> None:
    assert str(read("s.ardour", session("6000", options=f"<Option {option}/>")).frame_rate) == name


@pytest.mark.parametrize(("negative", "start"), [("0", 3600.0), ("no", 3600.0), ("1", -3600.0), ("yes", -3600.0)])
def test_a_start_that_is_not_midnight(read: Read, negative: str, start: float) -> None:
    options = '<Option name="timecode-offset" value="345600000"/>'
    options += f'<Option name="timecode-offset-negative" value="{negative}"/>'
    assert read("s.ardour", session("6000", options=options, rate=96000)).start_s == start


@pytest.mark.parametrize(
    ("attributes", "video"),
    [
        ('Filename="film.mov" LocalFile="1" VideoOffset="96000"', [(str(Path("videofiles/film.mov")), 2.0)]),
        ('Filename="/x/film.mov" LocalFile="0" VideoOffset="-24000"', [("/x/film.mov", -0.5)]),
        ('Filename="" OriginalVideoFile="/x/film.mov"', [("/x/film.mov", 0.0)]),
        ('Filename="film.mov" VideoOffset="1e300"', []),
    ],
)
def test_the_video_and_its_offset(read: Read, attributes: str, video: list[tuple[str, float]]) -> None:
    project = read("s.ardour", session("6000", tempo=f"<Extra><Videotimeline {attributes}/></Extra>"))
    assert [(item.path, item.time_s) for item in project.video] == video and bool(project.warnings) == (not video)


def test_a_start_out_of_reach_is_told_and_not_believed(read: Read) -> None:
    project = read("s.ardour", session("6000", options='<Option name="timecode-offset" value="1e300"/>'))
    assert project.start_s == 0.0 and "0 is assumed" in project.warnings[0]


@pytest.mark.parametrize(("version", "known"), [("2.0.0", True), ("3001", True), ("8002", True), ("9100", False)])
def test_a_version_of_the_future_is_read_with_a_warning(read: Read, version: str, known: bool) -> None:
    project = read("s.ardour", session(version, route(fader("a0 1 a282240000 0.5"))))
    assert times(only_lane(project)) == [(0.0, 1.0), (1.0, 0.5)] and bool(project.warnings) != known


def test_a_list_that_ends_in_the_middle_keeps_its_whole_points(read: Read) -> None:
    project = read("s.ardour", session("6000", route(fader("0 1\n48000 0.5\n96000"))))
    assert times(only_lane(project)) == [(0.0, 1.0), (1.0, 0.5)] and "ends in the middle" in project.warnings[0]


@pytest.mark.parametrize("superclocks", [282_240_000, 508_032_000])
@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_a_take_written_back_lies_where_it_is_read(tmp_path: Path, superclocks: int, rate: int) -> None:
    tempo = TEMPO_7.format("").replace("282240000", str(superclocks))
    body = f'<Route id="{2**60 + 1}" name="T" default-type="audio" mode="Normal">{fader("a0 1")}</Route>'
    path = tmp_path / "s.ardour"
    path.write_text(session("7002", body, rate=rate, tempo=tempo), encoding="utf-8")
    take = PlacedTake(tmp_path / "t.wav", "t", 1.25, rate // 2, rate, 1)
    written = ElementTree.fromstring(write_ardour(read_project(path), (TakeTrack("T", ((take,),)),)))
    (region,) = written.iterfind("./Playlists/Playlist/Region")
    assert region.get("length") == f"a{superclocks // 2}@a{superclocks * 5 // 4}"
    ids = [element.get("id") for element in written.iter() if element.get("id")]
    # The lists of the model itself, and of the sample, share one; nothing new shares any.
    assert ids.count(region.get("id")) == 1 and int(region.get("id", "0")) > 2**60
